/* The detectors that exist; a new one is declared here and listed in detectors.c. */
#ifndef TW_DETECTORS_H
#define TW_DETECTORS_H

#include "detector.h"

extern const struct tw_detector tw_detector_overflow;
extern const struct tw_detector tw_detector_gradient_explosion;
extern const struct tw_detector tw_detector_divergence;
extern const struct tw_detector tw_detector_overfitting;
extern const struct tw_detector tw_detector_converged;
extern const struct tw_detector tw_detector_underfitting;
extern const struct tw_detector tw_detector_learning_rate;
extern const struct tw_detector tw_detector_loss_spike;
extern const struct tw_detector tw_detector_vanishing_gradient;
extern const struct tw_detector tw_detector_saturation;
extern const struct tw_detector tw_detector_dead_units;
extern const struct tw_detector tw_detector_resume_discontinuity;
extern const struct tw_detector tw_detector_stalled_run;

#endif
