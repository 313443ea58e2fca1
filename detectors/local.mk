# detectors/: pure arithmetic over the telemetry record.
noinst_LTLIBRARIES += libdetectors.la
libdetectors_la_SOURCES = \
	detectors/context.c detectors/context.h \
	detectors/detector.c detectors/detector.h \
	detectors/detectors.c detectors/detectors.h \
	detectors/divergence.c \
	detectors/divergence_loss.c detectors/divergence_loss.h \
	detectors/divergence_loss.c detectors/divergence_loss.h \
	detectors/finding.c detectors/finding.h \
	detectors/overflow.c \
	detectors/overflow_disguise.c detectors/overflow_disguise.h \
	detectors/overflow_scaling.c detectors/overflow_scaling.h \
	detectors/overflow_disguise.c detectors/overflow_disguise.h \
	detectors/overflow_scaling.c detectors/overflow_scaling.h \
	detectors/statistics/baseline.c detectors/statistics/baseline.h \
	detectors/statistics/bernoulli.c detectors/statistics/bernoulli.h \
	detectors/statistics/blocks.c detectors/statistics/blocks.h \
	detectors/statistics/cusum.c detectors/statistics/cusum.h \
	detectors/statistics/level.c detectors/statistics/level.h \
	detectors/statistics/sorted_window.c detectors/statistics/sorted_window.h
