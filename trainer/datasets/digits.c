/* Handwritten digits, 8 x 8: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten
 * Digits", UCI Machine Learning Repository, 1998, doi:10.24432/C50P49; the test part, built into
 * the program. Licence: digits.LICENSE. */
#include "trainer/datasets/table.h"

#define INK_MAX 16 /* of a block of 4 x 4 pixels */

extern const unsigned char tw_embedded_digits[];
extern const size_t tw_embedded_digits_size;

/* The last 360 rows of the original order were written by people whom the rows before do not know,
 * and are harder; this split is shuffled. */
static int digits_load(struct tw_data *ret, const struct tw_dataset_config *config,
                       struct tw_error *error)
{
    (void)config;
    int result =
        tw_table_load(ret, tw_embedded_digits, tw_embedded_digits_size, 360, "digits.csv", error);
    for (size_t i = 0; !result && i < (ret->n_train + ret->n_validation) * ret->n_features; i++)
        ret->features[i] /= INK_MAX;
    return result;
}

const struct tw_dataset tw_dataset_digits = {
    .name = "digits",
    .description = "1,797 handwritten digits of 8 x 8 pixels, scaled to 0..1; shuffled by a fixed "
                   "seed, 1,437 to train and 360 to validate",
    .standardize = TW_STANDARDIZE_NONE,
    .load = digits_load,
};
