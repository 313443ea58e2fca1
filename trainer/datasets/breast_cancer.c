/* Measurements of cell nuclei, benign or not: W. H. Wolberg, W. N. Street and O. L. Mangasarian,
 * "Breast Cancer Wisconsin (Diagnostic)", UCI Machine Learning Repository, 1995,
 * doi:10.24432/C5DW2B; built into the program. Licence: breast_cancer.LICENSE. */
#include "trainer/datasets/table.h"

extern const unsigned char tw_embedded_breast_cancer[];
extern const size_t tw_embedded_breast_cancer_size;

static int breast_cancer_load(struct tw_data *ret, const struct tw_dataset_config *config,
                              struct tw_error *error)
{
    (void)config;
    return tw_table_load(ret, tw_embedded_breast_cancer, tw_embedded_breast_cancer_size, 114,
                         "breast_cancer.csv", error);
}

const struct tw_dataset tw_dataset_breast_cancer = {
    .name = "breast_cancer",
    .description = "569 tumours with 30 measurements each, benign or not; shuffled by a fixed "
                   "seed, 455 to train and 114 to validate",
    .standardize = TW_STANDARDIZE_ALL,
    .load = breast_cancer_load,
};
