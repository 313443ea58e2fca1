/* Names of options and variables, as widely used programs have them. */
#include "sources/process_arguments.h"

#include <ctype.h>
#include <string.h>

#define NAME_SIZE 64

/* Small letters, '_' for '-', and what stands behind the last dot: trainer.default_root_dir. */
static const char *const option_names[] = {
    "base_dir",
    "checkpoint_dir",
    "ckpt_dir",
    "csv_log",
    "default_root_dir",
    "dump_folder",
    "exp_dir",
    "experiment_dir",
    "log_dir",
    "log_file",
    "log_folder",
    "log_path",
    "logdir",
    "logfile",
    "logging_dir",
    "logs_dir",
    "model_dir",
    "out",
    "out_dir",
    "outdir",
    "output",
    "output_dir",
    "output_folder",
    "output_path",
    "project",
    "result_dir",
    "results_dir",
    "run_dir",
    "rundir",
    "save",
    "save_dir",
    "save_folder",
    "save_path",
    "tb_dir",
    "tb_log_dir",
    "tensorboard_dir",
    "tensorboard_log",
    "tensorboard_log_dir",
    "tensorboard_logdir",
    "train_dir",
    "wandb_dir",
    "work_dir",
    "workdir",
    NULL,
};
/* These as a whole: "dir" alone would say too little. */
static const char *const whole_names[] = {"hydra.run.dir", "hydra.sweep.dir", NULL};

const char *const tw_process_output_variables[] = {
    "TENSORBOARD_LOGGING_DIR", /* transformers */
    "WANDB_DIR",               /* wandb */
    "MLFLOW_TRACKING_URI",     /* mlflow: a folder, file: or sqlite: */
    "PET_LOG_DIR",             /* torchrun --log-dir */
    "AIP_TENSORBOARD_LOG_DIR", /* Vertex AI */
    "SM_OUTPUT_DATA_DIR",      /* SageMaker */
    NULL};

static bool is_in(const char *const *names, const char *name)
{
    for (; *names; names++) {
        if (!strcmp(*names, name))
            return true;
    }
    return false;
}

static bool is_output_name(const char *text, size_t size)
{
    char name[NAME_SIZE];
    while (size && *text == '-')
        text++, size--;
    if (!size || size >= sizeof name)
        return false;
    for (size_t i = 0; i < size; i++)
        name[i] = text[i] == '-' ? '_' : (char)tolower((unsigned char)text[i]);
    name[size] = '\0';
    const char *dot = strrchr(name, '.');
    return is_in(whole_names, name) || is_in(option_names, dot ? dot + 1 : name);
}

int tw_process_output_arguments(struct tw_texts *ret, const struct tw_texts *arguments)
{
    int result = 0;
    for (size_t i = 1; i < arguments->n && !result; i++) {
        const char *text = arguments->at[i], *equals = strchr(text, '=');
        const char *value = equals ? equals + 1 : NULL;
        bool is_option = text[0] == '-';
        if (!is_output_name(text, equals ? (size_t)(equals - text) : strlen(text)))
            continue;
        if (!equals && is_option && i + 1 < arguments->n && arguments->at[i + 1][0] != '-')
            value = arguments->at[++i];
        if (value && *value)
            result = tw_texts_add(ret, value);
    }
    return result;
}

/* "sqlite:///relative.db" and "sqlite:////absolute.db" are SQLAlchemy's; "file:" may have a host,
 * which is empty here. NULL: not on this machine. */
static const char *local_path(const char *value)
{
    if (!strncmp(value, "sqlite:///", 10))
        return value + 10;
    if (!strncmp(value, "file://", 7))
        return value[7] == '/' ? value + 7 : NULL;
    if (!strncmp(value, "file:", 5))
        return value + 5;
    return strstr(value, "://") ? NULL : value;
}

int tw_process_output_paths(struct tw_texts *ret, const struct tw_texts *variables)
{
    int result = 0;
    for (size_t i = 0; i < variables->n && !result; i++) {
        const char *equals = strchr(variables->at[i], '=');
        const char *path = equals ? local_path(equals + 1) : NULL;
        if (path && *path)
            result = tw_texts_add(ret, path);
    }
    return result;
}
