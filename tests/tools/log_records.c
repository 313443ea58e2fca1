/* Prints the records that the source "log" makes of a log, one JSON object a line, and behind them
 * how it was read:
 *
 *   log_records PATH
 *
 *   {"run": ..., "kind": "step", "step": 1, "loss": 2.5, ...}
 *   format megatron
 *   skipped 0
 */
#include "sources/source.h"
#include "telemetry/wire.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct tw_source tw_source_log;

static bool print_record(const struct tw_record *record)
{
    char *line = tw_json_encode(record);
    if (line)
        puts(line);
    free(line);
    return line != NULL;
}

int main(int n_arguments, char **arguments)
{
    struct tw_source_request request = {.path = n_arguments == 2 ? arguments[1] : NULL};
    struct tw_source_item item;
    struct tw_error error = {0};
    void *log;
    unsigned skipped = 0;
    int next;
    if (n_arguments != 2)
        return 2;
    if (tw_source_log.open(&log, &request, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    while ((next = tw_source_log.next(log, 0, &item, &error)) >= 0 && next != TW_NEXT_END) {
        skipped += next == TW_NEXT_BROKEN;
        if (next == TW_NEXT_RECORD && !print_record(item.record))
            next = -1;
    }
    printf("format %s\nskipped %u\n", tw_source_log.format(log), skipped);
    tw_source_log.close(log);
    if (next < 0)
        fprintf(stderr, "%s\n", error.text);
    return next < 0;
}
