/* The list of precisions. */
#include "trainer/precisions/precision.h"

#include <string.h>

extern const struct tw_precision tw_precision_fp32, tw_precision_bf16, tw_precision_fp16;

const struct tw_precision *const tw_precisions[] = {&tw_precision_fp32, &tw_precision_bf16,
                                                    &tw_precision_fp16, NULL};

const struct tw_precision *tw_precision_find(const char *name)
{
    for (size_t i = 0; tw_precisions[i]; i++) {
        if (!strcmp(tw_precisions[i]->name, name))
            return tw_precisions[i];
    }
    return NULL;
}
