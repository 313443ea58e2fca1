/* The list of data sets. */
#include "trainer/datasets/dataset.h"

#include <string.h>

extern const struct tw_dataset tw_dataset_digits, tw_dataset_breast_cancer, tw_dataset_diabetes,
    tw_dataset_csv, tw_dataset_idx;

const struct tw_dataset *const tw_datasets[] = {&tw_dataset_digits,   &tw_dataset_breast_cancer,
                                                &tw_dataset_diabetes, &tw_dataset_csv,
                                                &tw_dataset_idx,      NULL};

const struct tw_dataset *tw_dataset_find(const char *name)
{
    size_t length = strcspn(name, ":");
    for (size_t i = 0; tw_datasets[i]; i++) {
        if (strlen(tw_datasets[i]->name) == length && !strncmp(tw_datasets[i]->name, name, length))
            return tw_datasets[i];
    }
    return NULL;
}

const char *tw_dataset_path(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : NULL;
}
