# detectors/: pure arithmetic over the telemetry record.
noinst_LTLIBRARIES += libdetectors.la
libdetectors_la_SOURCES = \
	detectors/context.c detectors/context.h \
	detectors/detector.c detectors/detector.h \
	detectors/detectors.c detectors/detectors.h \
	detectors/dead_units.c \
	detectors/divergence.c \
	detectors/divergence/config.c detectors/divergence/config.h \
	detectors/divergence/loss.c detectors/divergence/loss.h \
	detectors/divergence/report.c \
	detectors/divergence/rules.c \
	detectors/divergence/state.h \
	detectors/finding.c detectors/finding.h \
	detectors/overflow.c \
	detectors/overflow/config.c detectors/overflow/config.h \
	detectors/overflow/disguise.c detectors/overflow/disguise.h \
	detectors/overflow/layers.c \
	detectors/overflow/report.c \
	detectors/overflow/scaling.c detectors/overflow/scaling.h \
	detectors/overflow/state.h \
	detectors/resume_discontinuity.c \
	detectors/saturation.c \
	detectors/saturation/config.c detectors/saturation/config.h \
	detectors/saturation/figures.h \
	detectors/saturation/layers.c \
	detectors/saturation/outcome.c detectors/saturation/outcome.h \
	detectors/saturation/report.c \
	detectors/saturation/state.h \
	detectors/saturation/tracks.c detectors/saturation/tracks.h \
	detectors/statistics/baseline.c detectors/statistics/baseline.h \
	detectors/statistics/bernoulli.c detectors/statistics/bernoulli.h \
	detectors/statistics/blocks.c detectors/statistics/blocks.h \
	detectors/statistics/cusum.c detectors/statistics/cusum.h \
	detectors/statistics/level.c detectors/statistics/level.h \
	detectors/statistics/sorted_window.c detectors/statistics/sorted_window.h

if HAVE_CMOCKA
DETECTOR_TESTS = tests/unit/test_dead_units tests/unit/test_detector_context tests/unit/test_detector_statistics \
	tests/unit/test_detectors_contract tests/unit/test_divergence \
	tests/unit/test_divergence_short tests/unit/test_overflow \
	tests/unit/test_resume_discontinuity tests/unit/test_saturation
check_PROGRAMS += $(DETECTOR_TESTS)
TESTS += $(DETECTOR_TESTS)
DETECTOR_TEST_LIBS = $(UNIT_LIBS) libdetectors.la libtelemetry.la
tests_unit_test_dead_units_SOURCES = tests/unit/test_dead_units.c tests/unit/detector_fixture.h
tests_unit_test_dead_units_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detector_context_SOURCES = tests/unit/test_detector_context.c \
	tests/unit/detector_fixture.h
tests_unit_test_detector_context_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detector_statistics_SOURCES = tests/unit/test_detector_statistics.c \
	tests/unit/detector_fixture.h
tests_unit_test_detector_statistics_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detectors_contract_SOURCES = tests/unit/test_detectors_contract.c \
	tests/unit/detector_fixture.h
tests_unit_test_detectors_contract_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_divergence_SOURCES = tests/unit/test_divergence.c tests/unit/detector_fixture.h
tests_unit_test_divergence_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_divergence_short_SOURCES = tests/unit/test_divergence_short.c \
	tests/unit/detector_fixture.h
tests_unit_test_divergence_short_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_overflow_SOURCES = tests/unit/test_overflow.c tests/unit/detector_fixture.h
tests_unit_test_overflow_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_resume_discontinuity_SOURCES = tests/unit/test_resume_discontinuity.c \
	tests/unit/detector_fixture.h
tests_unit_test_resume_discontinuity_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_saturation_SOURCES = tests/unit/test_saturation.c tests/unit/detector_fixture.h
tests_unit_test_saturation_LDADD = $(DETECTOR_TEST_LIBS)
endif
