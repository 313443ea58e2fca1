/* The dry run of rules over logs: the engine's trace, for people who write rules. */
#include "agent/rules_dry_run.h"

#include "agent/analysis.h"
#include "agent/command.h"
#include "agent/each_log.h"

#include "sinks/terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct dry_run {
    const char *path;
    uint64_t findings;
    struct tw_finding last; /* whose heading stands already */
};

/* Texts of the log, such as names of layers, do not steer the terminal. */
static void print_clean(const char *before, const char *text)
{
    fputs(before, stdout);
    tw_terminal_print_clean(stdout, text, strlen(text));
}

static void print_heading(struct dry_run *dry_run, const struct tw_finding *finding)
{
    const struct tw_finding *last = &dry_run->last;
    bool is_same = dry_run->findings && last->detector == finding->detector &&
                   !strcmp(last->scope, finding->scope) && last->severity == finding->severity &&
                   last->detected_step == finding->detected_step;
    if (is_same)
        return;
    print_clean(dry_run->findings ? "\n" : "", dry_run->path);
    printf(": %s, %s, ", finding->detector, tw_severity_name(finding->severity));
    print_clean("", finding->scope);
    printf(", since step %" PRIu64 ", found at step %" PRIu64 "\n", finding->onset_step,
           finding->detected_step);
    dry_run->findings++;
    dry_run->last = *finding;
}

static const char *outcome_text(enum tw_rule_outcome outcome)
{
    switch (outcome) {
    case TW_RULE_OTHER_SEVERITY:
        return "is not for this severity";
    case TW_RULE_CONDITION_FALSE:
        return "does not match: `when` is false or unknown";
    case TW_RULE_MATCHED:
        return "matches";
    case TW_RULE_FAILED:
        return "failed";
    case TW_SUGGESTION_MADE:
        return "suggested";
    case TW_SUGGESTION_CONDITION_FALSE:
        return "not made: `when` is false or unknown";
    case TW_SUGGESTION_TAKEN:
        return "not made: suggested before, here or by the advisory of a cause";
    case TW_SUGGESTION_NOT_MADE:
        return "not made";
    }
    return "";
}

static void print_step(void *closure, const struct tw_rule_step *step)
{
    char text[256];
    print_heading(closure, step->finding);
    printf("  %s%s%s", step->parameter ? "    " : "",
           step->parameter ? step->parameter : step->rule, step->parameter ? ": " : " ");
    fputs(outcome_text(step->outcome), stdout);
    if (step->text)
        print_clean(": ", step->text);
    putchar('\n');
    if (!step->suggestion)
        return;
    const struct tw_suggestion *made = step->suggestion;
    print_clean("          ", tw_suggestion_text(made, text, sizeof text));
    print_clean("\n          ", made->why);
    printf("\n          verify: %s %s %.6g within %" PRIu64 " steps\n", made->verify.signal,
           made->verify.is_below ? "below" : "above", made->verify.limit,
           made->verify.within_steps);
}

/* What every log is tried with. */
struct test {
    struct tw_rules *rules;
    const struct tw_config *config;
};

static int test_log(void *closure, const char *path, const char *run, struct tw_error *error)
{
    const struct test *test = closure;
    struct dry_run dry_run = {.path = path};
    struct tw_watch_options options = {.settings = &test->config->settings, .rules = test->rules};
    struct tw_analysis analysis;
    struct tw_source_request request = {.path = path, .run = run, .map = &test->config->log_map};
    int result = tw_analysis_open_log(&analysis, &request, &options, error);
    if (result)
        return result;
    tw_rules_set_tracer(test->rules, print_step, &dry_run);
    result = tw_analysis_read_all(&analysis, error);
    tw_rules_set_tracer(test->rules, NULL, NULL);
    if (!result && !dry_run.findings)
        printf("%s: nothing found, no rule was asked\n", path);
    tw_analysis_close(&analysis);
    return result;
}

int tw_rules_dry_run(struct tw_rules *rules, const struct tw_config *config, const char **paths)
{
    struct test test = {rules, config};
    int status = 0;
    for (; *paths; paths++) {
        if (tw_each_log("rules", *paths, test_log, &test))
            status = TW_EXIT_WRONG;
    }
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "trainward rules: cannot write the result: %s\n", strerror(errno));
        return TW_EXIT_WRONG;
    }
    return status;
}
