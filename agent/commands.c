/* The one list of commands. */
#include "agent/commands.h"

#include <stddef.h>

const struct tw_command *const tw_commands[] = {
    &tw_command_train,
    &tw_command_analyze,
    &tw_command_attach,
    &tw_command_agent,
    &tw_command_check,
    &tw_command_setup,
    &tw_command_rules,
    &tw_command_status,
    &tw_command_silence,
    &tw_command_feedback,
    NULL,
};
