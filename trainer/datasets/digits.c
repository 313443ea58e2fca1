/* Handwritten digits, 8 x 8: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten
 * Digits", UCI Machine Learning Repository, 1998, doi:10.24432/C50P49; the test part, built into
 * the program. Licence: digits.LICENSE. */
#include "trainer/datasets/dataset.h"

extern const unsigned char tw_embedded_digits[];
extern const size_t tw_embedded_digits_size;

/* The last 360 rows of the original order were written by people whom the rows before do not know,
 * and are harder; this split is shuffled. */
static int digits_load(struct tw_data *ret, struct tw_error *error)
{
    return tw_data_read_csv(ret, tw_embedded_digits, tw_embedded_digits_size, 64, 16, 10, 360,
                            "digits.csv", error);
}

const struct tw_dataset tw_dataset_digits = {
    .name = "digits",
    .description = "1,797 handwritten digits of 8 x 8 pixels, scaled to 0..1; shuffled by a fixed "
                   "seed, 1,437 to train and 360 to validate",
    .load = digits_load,
};
