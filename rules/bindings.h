/* What Lua expressions see: the names that they may read, and our functions. */
#ifndef TW_BINDINGS_H
#define TW_BINDINGS_H

#include "sandbox.h"

#include <lua.h>

/* The inputs of the running evaluation; kept in the state's extra space. */
struct tw_inputs_slot {
    const struct tw_inputs *inputs;
};

/* Leaves on the stack the environment for expressions: a table that reads names and refuses to be
 * written. May raise a Lua error: call it protected. `slot` must outlive the state. */
void tw_bindings_push_environment(lua_State *lua, struct tw_inputs_slot *slot);

#endif
