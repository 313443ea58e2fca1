/* Any table of numbers in a file. */
#include "trainer/datasets/bytes.h"
#include "trainer/datasets/table.h"

#include <stdlib.h>

static int csv_load(struct tw_data *ret, const struct tw_dataset_config *config,
                    struct tw_error *error)
{
    unsigned char *text;
    size_t size;
    struct tw_data data = {0};
    int result = tw_bytes_read(&text, &size, config->path, error);
    if (!result)
        result = tw_table_read(&data, text, size, config, config->path, error);
    free(text);
    if (!result)
        result = tw_data_split_share(&data, config->validation_fraction, config->path, error);
    if (result)
        tw_data_release(&data);
    else
        *ret = data;
    return result;
}

const struct tw_dataset tw_dataset_csv = {
    .name = "csv",
    .description = "csv:FILE, a table of numbers (commas, semicolons or tabs; also .gz); shuffled "
                   "by a fixed seed and split",
    .needs_path = true,
    .has_columns = true,
    .standardize = TW_STANDARDIZE_ALL,
    .load = csv_load,
};
