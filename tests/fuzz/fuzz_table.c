/* Any bytes as a CSV file, for each task: data that hold together, or an error. */
#include "trainer/datasets/table.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void check(const struct tw_data *data)
{
    if (!data->n_train || data->n_validation || !data->n_features || data->n_classes == 1 ||
        (data->n_classes > 0) != (data->labels != NULL) || !data->labels != (data->values != NULL))
        abort();
    for (size_t i = 0; i < data->n_train * data->n_features; i++) {
        if (!isfinite(data->features[i]))
            abort();
    }
    for (size_t i = 0; i < data->n_train; i++) {
        if (data->labels ? data->labels[i] >= data->n_classes : !isfinite(data->values[i]))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    for (int task = TW_TASK_AUTO; task <= TW_TASK_REGRESSION; task++) {
        struct tw_dataset_config config = {.task = (enum tw_task)task};
        struct tw_error error = {0};
        struct tw_data data = {0};
        int result = tw_table_read(&data, bytes, size, &config, "fuzz", &error);
        if (result > 0 || result != error.code)
            abort();
        if (!result)
            check(&data);
        tw_data_release(&data);
    }
    return 0;
}
