/* Each command's struct, one a file. */
#ifndef TW_COMMANDS_H
#define TW_COMMANDS_H

#include "command.h"

extern const struct tw_command tw_command_train, tw_command_analyze, tw_command_attach,
    tw_command_agent, tw_command_check, tw_command_setup, tw_command_rules, tw_command_status,
    tw_command_silence, tw_command_feedback;

#endif
