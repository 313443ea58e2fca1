/* Single precision: what the arithmetic here runs in anyway. */
#include "trainer/precisions/precision.h"

const struct tw_precision tw_precision_fp32 = {
    .name = "fp32",
    .description = "single precision throughout",
};
