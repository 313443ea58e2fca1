/* The one list of detectors, in order of priority: what breaks a run outright comes first. */
#include "detectors/detectors.h"

const struct tw_detector *const tw_detectors[] = {
    &tw_detector_overflow,   &tw_detector_divergence,           &tw_detector_saturation,
    &tw_detector_dead_units, &tw_detector_resume_discontinuity, NULL,
};
