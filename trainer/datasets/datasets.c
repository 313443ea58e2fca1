/* The list of data sets. */
#include "trainer/datasets/dataset.h"

#include <stdlib.h>
#include <string.h>

extern const struct tw_dataset tw_dataset_digits;

const struct tw_dataset *const tw_datasets[] = {&tw_dataset_digits, NULL};

const struct tw_dataset *tw_dataset_find(const char *name)
{
    for (size_t i = 0; tw_datasets[i]; i++) {
        if (!strcmp(tw_datasets[i]->name, name))
            return tw_datasets[i];
    }
    return NULL;
}

void tw_data_release(struct tw_data *data)
{
    free(data->features);
    free(data->labels);
    *data = (struct tw_data){0};
}
