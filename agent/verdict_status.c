/* Exit statuses of verdicts. */
#include "agent/verdict_status.h"

#include <string.h>

int tw_verdict_status(const struct tw_run *run, const struct tw_settings *settings)
{
    const char *verdict = tw_run_verdict(run, settings);
    if (!strcmp(verdict, "problem"))
        return TW_EXIT_PROBLEM;
    return strcmp(verdict, "healthy") ? TW_EXIT_UNKNOWN : TW_EXIT_HEALTHY;
}

int tw_worse_status(int a, int b)
{
    static const int ranks[] = {0, 2, 3, 1}; /* of exit status 0, 1, 2, 3 */
    return ranks[a] > ranks[b] ? a : b;
}
