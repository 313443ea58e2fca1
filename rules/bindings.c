/* What Lua expressions see. Facts, findings and evidence are read where they are, through __index:
 * nothing is copied into tables. The unknown is nil, and nil is given the arithmetic of SQL's NULL:
 * unknown in, unknown out; a comparison with it is false; a field of it is unknown. So a rule needs
 * no test before each use of a number that a run may not have. */
#include "rules/bindings.h"
#include "rules/names.h"
#include "rules/number.h"

#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define FINDING_TYPE "finding"
#define EVIDENCE_TYPE "evidence"

static const struct tw_inputs *inputs_of(lua_State *lua)
{
    struct tw_inputs_slot *slot = *(struct tw_inputs_slot **)lua_getextraspace(lua);
    return slot->inputs;
}

/* ---- values ---- */

static void push_number(lua_State *lua, double value)
{
    if (isfinite(value))
        lua_pushnumber(lua, value);
    else
        lua_pushnil(lua);
}

static void push_text(lua_State *lua, const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    if (length > 0)
        lua_pushlstring(lua, text, length);
    else
        lua_pushnil(lua);
}

static void push_value(lua_State *lua, const struct tw_value *value)
{
    if (value && value->type == TW_VALUE_NUMBER)
        push_number(lua, value->number);
    else if (value && value->type == TW_VALUE_TEXT)
        push_text(lua, value->text, sizeof value->text);
    else
        lua_pushnil(lua);
}

static void push_pointer(lua_State *lua, const void *pointer, const char *type)
{
    if (!pointer) {
        lua_pushnil(lua);
        return;
    }
    const void **box = lua_newuserdatauv(lua, sizeof *box, 0);
    *box = pointer;
    luaL_setmetatable(lua, type);
}

/* ---- facts, findings, evidence ---- */

static int index_facts(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 2);
    const struct tw_facts *facts = inputs_of(lua)->facts;
    for (size_t i = 0; i < tw_n_facts; i++) {
        const struct tw_fact *fact = &tw_fact_table[i];
        if (strcmp(fact->name, name))
            continue;
        const char *at = (const char *)facts + fact->offset;
        if (!facts)
            lua_pushnil(lua);
        else if (fact->type == TW_FACT_TEXT)
            push_text(lua, at, fact->size);
        else
            push_number(lua, *(const double *)(const void *)at);
        return 1;
    }
    return luaL_error(lua, "there is no fact '%s'", name);
}

static void push_extra(lua_State *lua, const struct tw_evidence *evidence, const char *name)
{
    for (size_t i = 0; i < evidence->n_extras && i < TW_EVIDENCE_EXTRAS; i++) {
        const struct tw_evidence_extra *extra = &evidence->extras[i];
        if (strncmp(extra->name, name, sizeof extra->name))
            continue;
        if (extra->text[0])
            push_text(lua, extra->text, sizeof extra->text);
        else
            push_number(lua, extra->value);
        return;
    }
    lua_pushnil(lua);
}

static int index_evidence(lua_State *lua)
{
    const struct tw_evidence *evidence =
        *(struct tw_evidence **)luaL_checkudata(lua, 1, EVIDENCE_TYPE);
    const char *name = luaL_checkstring(lua, 2);
    if (!strcmp(name, "statistic"))
        push_text(lua, evidence->statistic, sizeof evidence->statistic);
    else if (!strcmp(name, "unit"))
        push_text(lua, evidence->unit, sizeof evidence->unit);
    else if (!strcmp(name, "value"))
        push_number(lua, evidence->value);
    else if (!strcmp(name, "threshold"))
        push_number(lua, evidence->threshold);
    else if (!strcmp(name, "baseline"))
        push_number(lua, evidence->baseline);
    else if (!strcmp(name, "window_first"))
        lua_pushnumber(lua, (double)evidence->window_first);
    else if (!strcmp(name, "window_last"))
        lua_pushnumber(lua, (double)evidence->window_last);
    else
        push_extra(lua, evidence, name);
    return 1;
}

static void push_layer(lua_State *lua, const struct tw_finding *finding)
{
    static const char prefix[] = "layer:";
    size_t length = sizeof prefix - 1;
    if (!strncmp(finding->scope, prefix, length))
        push_text(lua, finding->scope + length, sizeof finding->scope - length);
    else
        push_extra(lua, &finding->evidence, "layer");
}

static int index_finding(lua_State *lua)
{
    const struct tw_finding *finding = *(struct tw_finding **)luaL_checkudata(lua, 1, FINDING_TYPE);
    const char *name = luaL_checkstring(lua, 2);
    if (!strcmp(name, "evidence"))
        push_pointer(lua, &finding->evidence, EVIDENCE_TYPE);
    else if (!strcmp(name, "detector"))
        lua_pushstring(lua, finding->detector);
    else if (!strcmp(name, "scope"))
        push_text(lua, finding->scope, sizeof finding->scope);
    else if (!strcmp(name, "layer"))
        push_layer(lua, finding);
    else if (!strcmp(name, "severity"))
        lua_pushstring(lua, tw_severity_name(finding->severity));
    else if (!strcmp(name, "onset_step"))
        lua_pushnumber(lua, (double)finding->onset_step);
    else if (!strcmp(name, "detected_step"))
        lua_pushnumber(lua, (double)finding->detected_step);
    else if (!strcmp(name, "confidence"))
        push_number(lua, finding->confidence);
    else
        return luaL_error(lua, "a finding has no '%s'", name);
    return 1;
}

/* `others.gradient_explosion` is how Lua lets people write "gradient-explosion". */
static bool is_same_detector(const char *detector, const char *written)
{
    for (; *detector && *written; detector++, written++) {
        if (*detector != *written && !(*detector == '-' && *written == '_'))
            return false;
    }
    return *detector == *written;
}

/* The gravest finding of a detector; of equally grave ones, the one that began first. */
static int index_others(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 2);
    const struct tw_inputs *inputs = inputs_of(lua);
    const struct tw_finding *found = NULL;
    for (size_t i = 0; i < inputs->n_others; i++) {
        const struct tw_finding *other = &inputs->others[i];
        if (other->detector && is_same_detector(other->detector, name) &&
            (!found || other->severity > found->severity ||
             (other->severity == found->severity && other->onset_step < found->onset_step)))
            found = other;
    }
    push_pointer(lua, found, FINDING_TYPE);
    return 1;
}

/* ---- our functions: unknown in, unknown out ---- */

static bool has_unknown(lua_State *lua)
{
    for (int i = 1; i <= lua_gettop(lua); i++) {
        if (lua_isnil(lua, i))
            return true;
    }
    return false;
}

static int answer_unknown(lua_State *lua)
{
    lua_pushnil(lua);
    return 1;
}

static int answer_false(lua_State *lua)
{
    lua_pushboolean(lua, 0);
    return 1;
}

static int extreme(lua_State *lua, bool is_max)
{
    if (has_unknown(lua))
        return answer_unknown(lua);
    double best = luaL_checknumber(lua, 1);
    for (int i = 2; i <= lua_gettop(lua); i++) {
        double value = luaL_checknumber(lua, i);
        if (is_max ? value > best : value < best)
            best = value;
    }
    lua_pushnumber(lua, best);
    return 1;
}

static int call_min(lua_State *lua)
{
    return extreme(lua, false);
}

static int call_max(lua_State *lua)
{
    return extreme(lua, true);
}

static int call_clamp(lua_State *lua)
{
    if (has_unknown(lua))
        return answer_unknown(lua);
    double value = luaL_checknumber(lua, 1);
    double low = luaL_checknumber(lua, 2), high = luaL_checknumber(lua, 3);
    lua_pushnumber(lua, value < low ? low : value > high ? high : value);
    return 1;
}

static int call_round_to(lua_State *lua)
{
    if (has_unknown(lua))
        return answer_unknown(lua);
    lua_Integer digits = luaL_checkinteger(lua, 2);
    luaL_argcheck(lua, digits >= 1 && digits <= 15, 2, "1 to 15 digits");
    lua_pushnumber(lua, tw_number_round(luaL_checknumber(lua, 1), (int)digits));
    return 1;
}

static int call_known(lua_State *lua)
{
    lua_pushboolean(lua, !has_unknown(lua));
    return 1;
}

/* contains(text, word): plain, whatever the case of ASCII letters. */
static int call_contains(lua_State *lua)
{
    size_t length, word_length;
    if (has_unknown(lua))
        return answer_unknown(lua);
    const char *text = luaL_checklstring(lua, 1, &length);
    const char *word = luaL_checklstring(lua, 2, &word_length);
    bool is_found = false;
    for (size_t i = 0; !is_found && i + word_length <= length; i++)
        is_found = !strncasecmp(text + i, word, word_length);
    lua_pushboolean(lua, is_found);
    return 1;
}

/* One of Lua's math functions (upvalue 1) behind the rule for the unknown. */
static int call_math(lua_State *lua)
{
    if (has_unknown(lua))
        return answer_unknown(lua);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, 1);
    return 1;
}

/* ---- the environment ---- */

static int refuse_write(lua_State *lua)
{
    return luaL_error(lua, "an expression cannot assign");
}

static int index_environment(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 2);
    const struct tw_inputs *inputs = inputs_of(lua);
    if (!strcmp(name, "finding"))
        push_pointer(lua, inputs->finding, FINDING_TYPE);
    else if (!strcmp(name, "from"))
        push_value(lua, inputs->from);
    else if (!strcmp(name, "to"))
        push_value(lua, inputs->to);
    else if (!strcmp(name, "change"))
        push_value(lua, inputs->change);
    else if (lua_getfield(lua, lua_upvalueindex(1), name) == LUA_TNIL)
        return luaL_error(lua, "unknown name '%s'", name);
    return 1;
}

/* Pushes an empty table that reads through `index` and cannot be written. The function's upvalue,
 * if any, is on the stack. */
static void push_reader(lua_State *lua, lua_CFunction index, int n_upvalues)
{
    lua_pushcclosure(lua, index, n_upvalues);
    lua_newtable(lua);
    lua_newtable(lua);
    lua_rotate(lua, -3, 2);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_write);
    lua_setfield(lua, -2, "__newindex");
    lua_setmetatable(lua, -2);
}

static int index_table(lua_State *lua)
{
    lua_settop(lua, 2);
    lua_rawget(lua, lua_upvalueindex(1));
    return 1;
}

static void push_math(lua_State *lua)
{
    lua_pushcfunction(lua, luaopen_math);
    lua_call(lua, 0, 1);
    lua_newtable(lua);
    for (size_t i = 0; i < tw_n_math_names; i++) {
        if (lua_getfield(lua, -2, tw_math_names[i]) == LUA_TFUNCTION)
            lua_pushcclosure(lua, call_math, 1);
        lua_setfield(lua, -2, tw_math_names[i]);
    }
    lua_remove(lua, -2);
    push_reader(lua, index_table, 1);
}

static void give_nil_its_arithmetic(lua_State *lua)
{
    static const char *const unknown[] = {"__add", "__sub",  "__mul", "__div",    "__mod",  "__pow",
                                          "__unm", "__idiv", "__len", "__concat", "__index"};
    lua_pushnil(lua);
    lua_newtable(lua);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        lua_pushcfunction(lua, answer_unknown);
        lua_setfield(lua, -2, unknown[i]);
    }
    lua_pushcfunction(lua, answer_false);
    lua_setfield(lua, -2, "__lt");
    lua_pushcfunction(lua, answer_false);
    lua_setfield(lua, -2, "__le");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
}

static void make_type(lua_State *lua, const char *type, lua_CFunction index)
{
    luaL_newmetatable(lua, type);
    lua_pushcfunction(lua, index);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);
}

void tw_bindings_push_environment(lua_State *lua, struct tw_inputs_slot *slot)
{
    static const struct luaL_Reg helpers[] = {
        {"clamp", call_clamp}, {"contains", call_contains}, {"known", call_known},
        {"max", call_max},     {"min", call_min},           {"round_to", call_round_to},
        {NULL, NULL},
    };
    *(struct tw_inputs_slot **)lua_getextraspace(lua) = slot;
    give_nil_its_arithmetic(lua);
    make_type(lua, FINDING_TYPE, index_finding);
    make_type(lua, EVIDENCE_TYPE, index_evidence);
    luaL_newlib(lua, helpers);
    push_reader(lua, index_facts, 0);
    lua_setfield(lua, -2, "facts");
    push_reader(lua, index_others, 0);
    lua_setfield(lua, -2, "others");
    push_math(lua);
    lua_setfield(lua, -2, "math");
    push_reader(lua, index_environment, 1);
}
