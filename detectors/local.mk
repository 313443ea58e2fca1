# detectors/: pure arithmetic over the telemetry record.
noinst_LTLIBRARIES += libdetectors.la
libdetectors_la_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
libdetectors_la_SOURCES = \
	detectors/context.c detectors/context.h \
	detectors/converged.c \
	detectors/dead_units.c \
	detectors/detector.c detectors/detector.h \
	detectors/detectors.c detectors/detectors.h \
	detectors/divergence.c \
	detectors/divergence/config.c detectors/divergence/config.h \
	detectors/divergence/loss.c detectors/divergence/loss.h \
	detectors/divergence/outcomes.c \
	detectors/divergence/report.c \
	detectors/divergence/rules.c \
	detectors/divergence/scale.c detectors/divergence/scale.h \
	detectors/divergence/state.h \
	detectors/extent.h \
	detectors/finding.c detectors/finding.h \
	detectors/gradient_explosion.c \
	detectors/gradient_explosion/baseline.c detectors/gradient_explosion/baseline.h \
	detectors/gradient_explosion/config.c detectors/gradient_explosion/config.h \
	detectors/gradient_explosion/layers.c detectors/gradient_explosion/layers.h \
	detectors/gradient_explosion/norm.c detectors/gradient_explosion/norm.h \
	detectors/gradient_explosion/one_layer.c \
	detectors/gradient_explosion/report.c \
	detectors/gradient_explosion/signs.c detectors/gradient_explosion/signs.h \
	detectors/gradient_explosion/state.h \
	detectors/learning_rate.c \
	detectors/loss_spike.c \
	detectors/overfitting.c \
	detectors/overfitting/config.c detectors/overfitting/config.h \
	detectors/overfitting/evals.c detectors/overfitting/evals.h \
	detectors/overfitting/report.c \
	detectors/overfitting/rules.c \
	detectors/overfitting/state.h \
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
	detectors/stalled_run.c \
	detectors/stalled_run/ranks.c detectors/stalled_run/ranks.h \
	detectors/stalled_run/silence.c detectors/stalled_run/silence.h \
	detectors/statistics/baseline.c detectors/statistics/baseline.h \
	detectors/statistics/bernoulli.c detectors/statistics/bernoulli.h \
	detectors/statistics/blocks.c detectors/statistics/blocks.h \
	detectors/statistics/clip.h \
	detectors/statistics/course.c detectors/statistics/course.h \
	detectors/statistics/course_marks.c detectors/statistics/course_marks.h \
	detectors/statistics/cusum.c detectors/statistics/cusum.h \
	detectors/statistics/level.c detectors/statistics/level.h \
	detectors/statistics/log_ratio.h \
	detectors/statistics/loss_baseline.c detectors/statistics/loss_baseline.h \
	detectors/statistics/middle.c detectors/statistics/middle.h \
	detectors/statistics/order.c detectors/statistics/order.h \
	detectors/statistics/packed_log.h detectors/statistics/packed_order.c detectors/statistics/packed_order.h \
	detectors/statistics/recent.c detectors/statistics/recent.h \
	detectors/statistics/slope.c detectors/statistics/slope.h \
	detectors/statistics/sorted_window.c detectors/statistics/sorted_window.h \
	detectors/statistics/trace.c detectors/statistics/trace.h \
	detectors/underfitting.c \
	detectors/underfitting/cause.c \
	detectors/underfitting/config.c detectors/underfitting/config.h \
	detectors/underfitting/report.c \
	detectors/underfitting/series.c detectors/underfitting/series.h \
	detectors/underfitting/state.h \
	detectors/update_sizes.c detectors/update_sizes.h \
	detectors/vanishing_gradient.c

if HAVE_CMOCKA
DETECTOR_TESTS = \
	tests/unit/test_converged \
	tests/unit/test_dead_units \
	tests/unit/test_detector_context \
	tests/unit/test_detector_course \
	tests/unit/test_detector_statistics \
	tests/unit/test_detector_windows \
	tests/unit/test_detectors_contract \
	tests/unit/test_detectors_saved \
	tests/unit/test_divergence \
	tests/unit/test_divergence_near_zero \
	tests/unit/test_divergence_outcomes \
	tests/unit/test_divergence_short \
	tests/unit/test_gradient_explosion \
	tests/unit/test_learning_rate \
	tests/unit/test_loss_spike \
	tests/unit/test_overfitting \
	tests/unit/test_overflow \
	tests/unit/test_resume_discontinuity \
	tests/unit/test_saturation \
	tests/unit/test_underfitting \
	tests/unit/test_vanishing_gradient
check_PROGRAMS += $(DETECTOR_TESTS)
TESTS += $(DETECTOR_TESTS)
DETECTOR_TEST_LIBS = $(UNIT_LIBS) libdetectors.la libtelemetry.la
tests_unit_test_converged_SOURCES = tests/unit/test_converged.c tests/unit/detector_fixture.h
tests_unit_test_converged_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_dead_units_SOURCES = tests/unit/test_dead_units.c tests/unit/detector_fixture.h
tests_unit_test_dead_units_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detector_context_SOURCES = tests/unit/test_detector_context.c \
	tests/unit/detector_fixture.h
tests_unit_test_detector_context_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detector_course_SOURCES = tests/unit/test_detector_course.c \
	tests/unit/detector_fixture.h
tests_unit_test_detector_course_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detector_statistics_SOURCES = tests/unit/test_detector_statistics.c \
	tests/unit/detector_fixture.h tests/unit/slow_statistics.h
tests_unit_test_detector_statistics_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detector_windows_SOURCES = tests/unit/test_detector_windows.c \
	tests/unit/detector_fixture.h tests/unit/slow_statistics.h
tests_unit_test_detector_windows_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detectors_contract_SOURCES = tests/unit/test_detectors_contract.c \
	tests/unit/detector_fixture.h
tests_unit_test_detectors_contract_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_detectors_saved_SOURCES = tests/unit/test_detectors_saved.c \
	tests/unit/detector_fixture.h
tests_unit_test_detectors_saved_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_divergence_SOURCES = tests/unit/test_divergence.c tests/unit/detector_fixture.h
tests_unit_test_divergence_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_divergence_near_zero_SOURCES = tests/unit/test_divergence_near_zero.c \
	tests/unit/detector_fixture.h
tests_unit_test_divergence_near_zero_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_divergence_short_SOURCES = tests/unit/test_divergence_short.c \
	tests/unit/detector_fixture.h
tests_unit_test_divergence_short_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_overfitting_SOURCES = tests/unit/test_overfitting.c \
	tests/unit/detector_fixture.h
tests_unit_test_overfitting_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_learning_rate_SOURCES = tests/unit/test_learning_rate.c \
	tests/unit/detector_fixture.h
tests_unit_test_learning_rate_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_divergence_outcomes_SOURCES = tests/unit/test_divergence_outcomes.c \
	tests/unit/detector_fixture.h
tests_unit_test_divergence_outcomes_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_gradient_explosion_SOURCES = tests/unit/test_gradient_explosion.c \
	tests/unit/detector_fixture.h
tests_unit_test_gradient_explosion_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_loss_spike_SOURCES = tests/unit/test_loss_spike.c tests/unit/detector_fixture.h
tests_unit_test_loss_spike_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_vanishing_gradient_SOURCES = tests/unit/test_vanishing_gradient.c \
	tests/unit/detector_fixture.h
tests_unit_test_vanishing_gradient_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_overflow_SOURCES = tests/unit/test_overflow.c tests/unit/detector_fixture.h
tests_unit_test_overflow_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_underfitting_SOURCES = tests/unit/test_underfitting.c \
	tests/unit/detector_fixture.h
tests_unit_test_underfitting_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_resume_discontinuity_SOURCES = tests/unit/test_resume_discontinuity.c \
	tests/unit/detector_fixture.h
tests_unit_test_resume_discontinuity_LDADD = $(DETECTOR_TEST_LIBS)
tests_unit_test_saturation_SOURCES = tests/unit/test_saturation.c tests/unit/detector_fixture.h
tests_unit_test_saturation_LDADD = $(DETECTOR_TEST_LIBS)
endif
