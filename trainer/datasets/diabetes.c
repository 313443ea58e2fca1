/* Ten figures of patients and their diabetes' progression, a number to predict: B. Efron, T.
 * Hastie, I. Johnstone and R. Tibshirani, "Least Angle Regression", Annals of Statistics 32 (2),
 * 2004; built into the program. Licence: diabetes.LICENSE. */
#include "trainer/datasets/table.h"

extern const unsigned char tw_embedded_diabetes[];
extern const size_t tw_embedded_diabetes_size;

static int diabetes_load(struct tw_data *ret, const struct tw_dataset_config *config,
                         struct tw_error *error)
{
    (void)config;
    return tw_table_load(ret, tw_embedded_diabetes, tw_embedded_diabetes_size, 88, "diabetes.csv",
                         error);
}

const struct tw_dataset tw_dataset_diabetes = {
    .name = "diabetes",
    .description = "regression: 442 patients with ten figures each and a number that tells how "
                   "their diabetes went on; shuffled by a fixed seed, 354 to train and 88 to "
                   "validate",
    .standardize = TW_STANDARDIZE_ALL,
    .load = diabetes_load,
};
