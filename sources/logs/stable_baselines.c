/* Stable-Baselines3's blocks (stable_baselines3/common/logger.py): two cells a line, names below
 * that of their group, and the count of steps among them.
 *
 *   | time/              |          |
 *   |    total_timesteps | 2048     |
 *   | train/             |          |
 *   |    loss            | 12.5     |
 */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <string.h>

static void trim(const char **from, const char **to)
{
    while (*from < *to && **from == ' ')
        (*from)++;
    while (*to > *from && (*to)[-1] == ' ')
        (*to)--;
}

static const char *const groups[] = {"rollout/", "time/", "train/", "eval/"};

static bool take_group(struct tw_text_log *log, const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (strlen(groups[i]) != size || memcmp(groups[i], name, size))
            continue;
        log->group = (unsigned)i + 1;
        return true;
    }
    log->group = 0;
    return false;
}

static int give_cell(struct tw_text_log *log, const char *name, size_t size, double value,
                     const struct tw_log_sink *sink)
{
    char text[100];
    const char *group = groups[log->group - 1];
    size_t before = strlen(group);
    if (before + size > sizeof text)
        return 1;
    memcpy(text, group, before);
    memcpy(text + before, name, size);
    if (size == 15 && !memcmp(name, "total_timesteps", 15) && value >= 0)
        log->step = value;
    tw_text_row_start_here(log, &log->row);
    tw_text_row_add(&log->row, text, before + size, value, TW_MEANS_BY_NAME);
    return tw_text_give_line(log, sink);
}

int tw_stable_baselines_line(struct tw_text_log *log, const char *line, size_t size,
                             const struct tw_log_sink *sink)
{
    double value;
    if (size < 5 || *line != '|' || line[size - 1] != '|')
        return 0;
    const char *name = line + 1, *end = line + size - 1;
    const char *bar = memchr(name, '|', (size_t)(end - name)), *name_end = bar;
    if (!bar || memchr(bar + 1, '|', (size_t)(end - bar) - 1))
        return 0;
    const char *text = bar + 1;
    trim(&name, &name_end);
    trim(&text, &end);
    size_t name_size = (size_t)(name_end - name);
    if (text == end)
        return take_group(log, name, name_size);
    if (!log->group || name - line < 4)
        return 0;
    return tw_log_number(text, (size_t)(end - text), &value) == 1
               ? give_cell(log, name, name_size, value, sink)
               : 1;
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_stable_baselines_line) > 2 ? 80 : 0;
}

const struct tw_log_format tw_log_format_stable_baselines =
    TW_TEXT_FORMAT("stable_baselines", "Stable-Baselines3's blocks on the screen", probe);
