/* Any bytes as a file of rules: it loads or is refused with an error, and what loads can be asked.
 */
#include "rules/rules.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_all(struct tw_rules *rules)
{
    struct tw_suggestion suggestions[TW_SUGGESTIONS_MAX];
    struct tw_rule_name rule;
    struct tw_facts facts;
    tw_facts_init(&facts);
    facts.loss = 3;
    facts.best_loss = 2;
    facts.learning_rate = .1;
    for (size_t i = 0; i < tw_rules_count(rules); i++) {
        struct tw_rule_view view;
        struct tw_error error = {0};
        tw_rules_at(rules, i, &view);
        struct tw_finding finding = {
            .detector = view.detector, .scope = "run", .severity = TW_SEVERITY_CRITICAL};
        size_t n = tw_rules_suggest(rules, &finding, &finding, 1, &facts, NULL, 0, suggestions,
                                    TW_SUGGESTIONS_MAX, &rule, NULL, &error);
        for (size_t j = 0; j < n; j++) {
            if (suggestions[j].change.type == TW_VALUE_NULL)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_error error = {0};
    struct tw_rules *rules = tw_rules_new();
    if (!rules)
        return 0;
    int result = tw_rules_load_text(rules, (const char *)data, size, "fuzz", &error);
    if ((result < 0) != (error.code < 0) || (result < 0 && tw_rules_count(rules) > 0))
        abort();
    ask_all(rules);
    tw_rules_free(rules);
    return 0;
}
