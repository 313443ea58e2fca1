/* The sandbox: a Lua state behind a limiting allocator and an instruction hook. Whatever can raise
 * an error runs under lua_pcall; lua_tolstring() is only asked about what is a string already,
 * because converting a number allocates and would raise outside of it. */
#include "rules/sandbox.h"
#include "rules/bindings.h"

#include "telemetry/text.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tw_sandbox {
    lua_State *lua;
    size_t used, limit; /* bytes */
    struct tw_inputs_slot slot;
};

static const char chunk_name[] = "=expression";
static const char environment_key;

static void *limited_alloc(void *closure, void *old, size_t old_size, size_t new_size)
{
    struct tw_sandbox *sandbox = closure;
    if (!old)
        old_size = 0; /* Lua passes the kind of object there */
    if (new_size == 0) {
        free(old);
        sandbox->used -= old_size;
        return NULL;
    }
    size_t free_bytes = sandbox->limit > sandbox->used ? sandbox->limit - sandbox->used : 0;
    if (new_size > old_size && new_size - old_size > free_bytes)
        return NULL;
    void *block = realloc(old, new_size);
    if (!block && new_size > old_size)
        return NULL;
    sandbox->used = sandbox->used - old_size + new_size;
    return block ? block : old; /* Lua takes it for granted that shrinking works */
}

static void stop_running(lua_State *lua, lua_Debug *activation)
{
    (void)activation;
    luaL_error(lua, "takes more than %d instructions", TW_SANDBOX_INSTRUCTIONS);
}

/* "expression:3: what" -> line 3, "what". */
static void describe(const char *message, size_t length, struct tw_fault *fault)
{
    const size_t prefix = sizeof chunk_name - 2; /* without "=" and NUL */
    fault->line = 0;
    if (length > prefix && !strncmp(message, chunk_name + 1, prefix) && message[prefix] == ':') {
        char *end;
        unsigned long line = strtoul(message + prefix + 1, &end, 10);
        if (end[0] == ':' && end[1] == ' ') {
            fault->line = (unsigned)line;
            length -= (size_t)(end + 2 - message);
            message = end + 2;
        }
    }
    tw_text_copy(fault->text, sizeof fault->text, message, length);
}

static int fail(struct tw_sandbox *sandbox, int status, struct tw_fault *fault)
{
    static const char no_memory[] = "needs more memory than expressions may use";
    static const char no_text[] = "failed without a message";
    size_t length;
    if (status == LUA_ERRMEM) {
        describe(no_memory, sizeof no_memory - 1, fault);
    } else if (lua_type(sandbox->lua, -1) == LUA_TSTRING) {
        const char *message = lua_tolstring(sandbox->lua, -1, &length);
        describe(message, length, fault);
    } else {
        describe(no_text, sizeof no_text - 1, fault);
    }
    lua_settop(sandbox->lua, 0);
    lua_gc(sandbox->lua, LUA_GCCOLLECT);
    return status == LUA_ERRMEM ? -ENOMEM : -EINVAL;
}

/* Calls `function` protected, with `job` as its argument. */
static int protect(struct tw_sandbox *sandbox, lua_CFunction function, void *job,
                   struct tw_fault *fault)
{
    lua_pushcfunction(sandbox->lua, function);
    lua_pushlightuserdata(sandbox->lua, job);
    int status = lua_pcall(sandbox->lua, 1, 0, 0);
    return status == LUA_OK ? 0 : fail(sandbox, status, fault);
}

static int set_up(lua_State *lua)
{
    struct tw_sandbox *sandbox = lua_touserdata(lua, 1);
    tw_bindings_push_environment(lua, &sandbox->slot);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &environment_key);
    return 0;
}

struct tw_sandbox *tw_sandbox_new(void)
{
    struct tw_fault fault;
    struct tw_sandbox *sandbox = calloc(1, sizeof *sandbox);
    if (!sandbox)
        return NULL;
    sandbox->limit = TW_SANDBOX_BYTES;
    sandbox->lua = lua_newstate(limited_alloc, sandbox);
    if (!sandbox->lua || protect(sandbox, set_up, sandbox, &fault)) {
        tw_sandbox_free(sandbox);
        return NULL;
    }
    return sandbox;
}

void tw_sandbox_free(struct tw_sandbox *sandbox)
{
    if (sandbox && sandbox->lua)
        lua_close(sandbox->lua);
    free(sandbox);
}

size_t tw_sandbox_bytes(const struct tw_sandbox *sandbox)
{
    return sandbox->used;
}

/* ---- compiling ---- */

struct compile_job {
    char chunk[sizeof "return " + TW_EXPRESSION_MAX];
    size_t size;
    int expression;
};

static int run_compile(lua_State *lua)
{
    struct compile_job *job = lua_touserdata(lua, 1);
    if (luaL_loadbufferx(lua, job->chunk, job->size, chunk_name, "t"))
        return lua_error(lua);
    job->expression = luaL_ref(lua, LUA_REGISTRYINDEX);
    return 0;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    }
    return true;
}

int tw_sandbox_compile(struct tw_sandbox *sandbox, const char *text, size_t size, int *ret,
                       struct tw_fault *fault)
{
    static const char start[] = "return ";
    struct compile_job job = {.expression = 0};
    *fault = (struct tw_fault){0};
    if (is_blank(text, size) || size > TW_EXPRESSION_MAX) {
        const char *what = size > TW_EXPRESSION_MAX ? "is longer than 2000 bytes" : "is empty";
        tw_text_copy(fault->text, sizeof fault->text, what, strlen(what));
        return -EINVAL;
    }
    memcpy(job.chunk, start, sizeof start - 1);
    memcpy(job.chunk + sizeof start - 1, text, size);
    job.size = sizeof start - 1 + size;
    int result = protect(sandbox, run_compile, &job, fault);
    if (!result)
        *ret = job.expression;
    return result;
}

static int run_release(lua_State *lua)
{
    const int *expression = lua_touserdata(lua, 1);
    luaL_unref(lua, LUA_REGISTRYINDEX, *expression);
    return 0;
}

void tw_sandbox_release(struct tw_sandbox *sandbox, int expression)
{
    struct tw_fault fault;
    if (expression)
        protect(sandbox, run_release, &expression, &fault);
}

/* ---- evaluating ---- */

struct evaluate_job {
    int expression;
    struct tw_result *result;
};

static void take_result(lua_State *lua, struct tw_result *ret)
{
    size_t length;
    const char *text;
    switch (lua_type(lua, -1)) {
    case LUA_TNIL:
        break;
    case LUA_TBOOLEAN:
        ret->type = TW_RESULT_BOOL;
        ret->is_true = lua_toboolean(lua, -1);
        break;
    case LUA_TNUMBER:
        ret->number = lua_tonumber(lua, -1);
        ret->type = isfinite(ret->number) ? TW_RESULT_NUMBER : TW_RESULT_UNKNOWN;
        break;
    case LUA_TSTRING:
        ret->type = TW_RESULT_TEXT;
        text = lua_tolstring(lua, -1, &length);
        tw_text_copy(ret->text, sizeof ret->text, text, length);
        break;
    default:
        ret->type = TW_RESULT_OBJECT;
        ret->is_true = true;
    }
}

static int run_evaluate(lua_State *lua)
{
    struct evaluate_job *job = lua_touserdata(lua, 1);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, job->expression);
    /* Each time anew: assigning to _ENV must not outlive an evaluation. */
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &environment_key);
    lua_setupvalue(lua, -2, 1);
    lua_call(lua, 0, 1);
    take_result(lua, job->result);
    return 0;
}

int tw_sandbox_evaluate(struct tw_sandbox *sandbox, int expression, const struct tw_inputs *inputs,
                        struct tw_result *ret, struct tw_fault *fault)
{
    struct evaluate_job job = {expression, ret};
    size_t limit = sandbox->limit;
    *ret = (struct tw_result){0};
    *fault = (struct tw_fault){0};
    sandbox->slot.inputs = inputs;
    if (sandbox->used + TW_SANDBOX_EVALUATION_BYTES < limit)
        sandbox->limit = sandbox->used + TW_SANDBOX_EVALUATION_BYTES;
    lua_sethook(sandbox->lua, stop_running, LUA_MASKCOUNT, TW_SANDBOX_INSTRUCTIONS);
    int result = protect(sandbox, run_evaluate, &job, fault);
    lua_sethook(sandbox->lua, NULL, 0, 0);
    sandbox->limit = limit;
    sandbox->slot.inputs = NULL;
    if (result)
        *ret = (struct tw_result){0};
    return result ? -EINVAL : 0;
}
