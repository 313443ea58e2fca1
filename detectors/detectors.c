/* The one list of detectors, in order of priority: what breaks a run outright comes first. */
#include "detectors/detectors.h"

const struct tw_detector *const tw_detectors[] = {
    &tw_detector_overflow,
    &tw_detector_gradient_explosion,
    &tw_detector_divergence,
    &tw_detector_saturation,
    &tw_detector_overfitting,
    &tw_detector_underfitting,
    &tw_detector_resume_discontinuity,
    &tw_detector_learning_rate,
    &tw_detector_dead_units,
    &tw_detector_vanishing_gradient,
    &tw_detector_loss_spike,
    &tw_detector_converged,
    &tw_detector_stalled_run,
    NULL,
};
