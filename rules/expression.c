/* Checks the names of an expression before Lua sees it, so that a misspelt fact is told with its
 * place when the file loads and not as silence a week later. The scanner knows as much of Lua's
 * lexical rules as single expressions need and refuses what they do not. */
#include "rules/expression.h"
#include "rules/names.h"

#include "telemetry/nearest.h"
#include "telemetry/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the name just read stands for, hence which field may follow. */
enum scope { SCOPE_NONE, SCOPE_FACTS, SCOPE_FINDING, SCOPE_OTHERS, SCOPE_MATH, SCOPE_ANY };

struct scanner {
    const char *text;
    size_t size, at;
    bool in_suggestion;
    enum scope scope;
    bool is_field_next; /* a dot was read: a name now is a field of `scope` */
    struct tw_expression_fault *fault;
};

static const char *const keywords[] = {"and", "false", "nil", "not", "or", "true"};
static const char *const statements[] = {"break",    "do",   "else",  "elseif", "end",   "for",
                                         "function", "goto", "if",    "in",     "local", "repeat",
                                         "return",   "then", "until", "while"};
static const char *const roots[] = {"facts", "finding", "others", "math"};
static const char *const of_suggestion[] = {"from", "to", "change"};

#define HAVE(names, name, length) tw_names_have(names, sizeof names / sizeof *names, name, length)

static int refuse(struct scanner *scanner, size_t offset, const char *format, ...) TW_PRINTF(3, 4);

static int refuse(struct scanner *scanner, size_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    scanner->fault->offset = offset;
    vsnprintf(scanner->fault->text, sizeof scanner->fault->text, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int refuse_name(struct scanner *scanner, size_t offset, const char *what, const char *name,
                       size_t length, const char *nearest)
{
    int shown = length > 60 ? 60 : (int)length;
    if (nearest)
        return refuse(scanner, offset, "unknown %s '%.*s'; did you mean '%s'?", what, shown, name,
                      nearest);
    return refuse(scanner, offset, "unknown %s '%.*s'", what, shown, name);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char peek(const struct scanner *scanner, size_t ahead)
{
    return scanner->at + ahead < scanner->size ? scanner->text[scanner->at + ahead] : '\0';
}

/* ---- names ---- */

#define FACTS_MAX 128

static int check_fact(struct scanner *scanner, size_t offset, const char *name, size_t length)
{
    const char *names[FACTS_MAX];
    size_t n = tw_n_facts < FACTS_MAX ? tw_n_facts : FACTS_MAX;
    for (size_t i = 0; i < n; i++)
        names[i] = tw_fact_table[i].name;
    if (tw_names_have(names, n, name, length))
        return 0;
    return refuse_name(scanner, offset, "fact", name, length,
                       tw_nearest_bytes(name, length, names, n));
}

static int check_detector(struct scanner *scanner, size_t offset, const char *name, size_t length)
{
    char hyphened[64];
    if (length >= sizeof hyphened)
        return refuse_name(scanner, offset, "detector", name, length, NULL);
    for (size_t i = 0; i < length; i++)
        hyphened[i] = name[i] == '_' ? '-' : name[i];
    if (tw_names_have(tw_rule_detectors, tw_n_rule_detectors, hyphened, length))
        return 0;
    return refuse_name(scanner, offset, "detector", name, length,
                       tw_nearest_bytes(hyphened, length, tw_rule_detectors, tw_n_rule_detectors));
}

static int check_field(struct scanner *scanner, size_t offset, const char *name, size_t length)
{
    int result = 0;
    enum scope next = SCOPE_ANY;
    switch (scanner->scope) {
    case SCOPE_FACTS:
        result = check_fact(scanner, offset, name, length);
        break;
    case SCOPE_OTHERS:
        result = check_detector(scanner, offset, name, length);
        next = SCOPE_FINDING;
        break;
    case SCOPE_FINDING:
        if (!tw_names_have(tw_finding_fields, tw_n_finding_fields, name, length))
            result =
                refuse_name(scanner, offset, "field of a finding", name, length,
                            tw_nearest_bytes(name, length, tw_finding_fields, tw_n_finding_fields));
        break;
    case SCOPE_MATH:
        if (!tw_names_have(tw_math_names, tw_n_math_names, name, length))
            result = refuse_name(scanner, offset, "name in math", name, length,
                                 tw_nearest_bytes(name, length, tw_math_names, tw_n_math_names));
        break;
    case SCOPE_NONE:
    case SCOPE_ANY:
        break;
    }
    scanner->scope = next;
    return result;
}

static const char *nearest_root(const char *name, size_t length)
{
    const char *nearest = tw_nearest_bytes(name, length, roots, sizeof roots / sizeof *roots);
    return nearest ? nearest : tw_nearest_bytes(name, length, tw_helper_names, tw_n_helper_names);
}

static int check_root(struct scanner *scanner, size_t offset, const char *name, size_t length)
{
    static const enum scope scopes[] = {SCOPE_FACTS, SCOPE_FINDING, SCOPE_OTHERS, SCOPE_MATH};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        if (strlen(roots[i]) == length && !memcmp(roots[i], name, length)) {
            scanner->scope = scopes[i];
            return 0;
        }
    }
    scanner->scope = SCOPE_NONE;
    if (HAVE(keywords, name, length) ||
        tw_names_have(tw_helper_names, tw_n_helper_names, name, length) ||
        (scanner->in_suggestion && HAVE(of_suggestion, name, length)))
        return 0;
    if (HAVE(statements, name, length))
        return refuse(scanner, offset, "'%.*s' cannot be used: only single expressions are allowed",
                      (int)length, name);
    return refuse_name(scanner, offset, "name", name, length, nearest_root(name, length));
}

static int scan_name(struct scanner *scanner)
{
    size_t start = scanner->at;
    while (is_letter(peek(scanner, 0)) || is_digit(peek(scanner, 0)))
        scanner->at++;
    const char *name = scanner->text + start;
    bool is_field = scanner->is_field_next;
    scanner->is_field_next = false;
    return is_field ? check_field(scanner, start, name, scanner->at - start)
                    : check_root(scanner, start, name, scanner->at - start);
}

/* ---- other tokens ---- */

static int scan_string(struct scanner *scanner)
{
    size_t start = scanner->at;
    char quote = scanner->text[scanner->at++];
    while (scanner->at < scanner->size && peek(scanner, 0) != quote)
        scanner->at += peek(scanner, 0) == '\\' ? 2 : 1;
    if (scanner->at >= scanner->size)
        return refuse(scanner, start, "a text without its closing %c", quote);
    scanner->at++;
    scanner->scope = SCOPE_NONE;
    return 0;
}

/* The sign of an exponent belongs to the number: 1e-6. */
static void scan_number(struct scanner *scanner)
{
    while (is_letter(peek(scanner, 0)) || is_digit(peek(scanner, 0)) || peek(scanner, 0) == '.') {
        char c = peek(scanner, 0), next = peek(scanner, 1);
        bool is_exponent = c == 'e' || c == 'E' || c == 'p' || c == 'P';
        scanner->at += is_exponent && (next == '+' || next == '-') ? 2 : 1;
    }
    scanner->scope = SCOPE_NONE;
}

/* facts["loss"] is checked as facts.loss is; facts[expression] can only be checked when it runs. */
static int scan_bracket(struct scanner *scanner)
{
    if (peek(scanner, 1) == '[' || peek(scanner, 1) == '=')
        return refuse(scanner, scanner->at, "long strings cannot be used");
    enum scope scope = scanner->scope;
    size_t at = scanner->at + 1;
    while (at < scanner->size && is_space(scanner->text[at]))
        at++;
    size_t start = at + 1;
    char quote = at < scanner->size ? scanner->text[at] : '\0';
    scanner->at++;
    scanner->scope = SCOPE_NONE;
    if (scope == SCOPE_NONE || scope == SCOPE_ANY || (quote != '"' && quote != '\''))
        return 0;
    scanner->at = at;
    int result = scan_string(scanner);
    if (result)
        return result;
    size_t length = scanner->at - 1 - start;
    while (is_space(peek(scanner, 0)))
        scanner->at++;
    if (peek(scanner, 0) != ']')
        return 0;
    scanner->at++;
    scanner->scope = scope;
    return check_field(scanner, start, scanner->text + start, length);
}

static int scan_other(struct scanner *scanner)
{
    char c = peek(scanner, 0);
    if (c == '-' && peek(scanner, 1) == '-')
        return refuse(scanner, scanner->at, "comments cannot be used inside an expression");
    if (c == '{' || c == '}' || c == ':' || c == ';' || c == '#')
        return refuse(scanner, scanner->at, "'%c' cannot be used in an expression", c);
    if (c == '[')
        return scan_bracket(scanner);
    if (c == '.' && peek(scanner, 1) == '.') {
        scanner->at += 2;
        scanner->scope = SCOPE_NONE;
        return 0;
    }
    scanner->is_field_next = c == '.';
    if (c != '.')
        scanner->scope = SCOPE_NONE;
    scanner->at++;
    return 0;
}

static int scan_token(struct scanner *scanner)
{
    char c = peek(scanner, 0);
    if (is_space(c)) {
        scanner->at++;
        return 0;
    }
    if (is_letter(c))
        return scan_name(scanner);
    scanner->is_field_next = false;
    if (is_digit(c) || (c == '.' && is_digit(peek(scanner, 1)))) {
        scan_number(scanner);
        return 0;
    }
    if (c == '"' || c == '\'')
        return scan_string(scanner);
    return scan_other(scanner);
}

int tw_expression_check(const char *text, size_t size, bool in_suggestion,
                        struct tw_expression_fault *fault)
{
    struct scanner scanner = {
        .text = text, .size = size, .in_suggestion = in_suggestion, .fault = fault};
    *fault = (struct tw_expression_fault){.offset = TW_NO_OFFSET};
    int result = 0;
    while (!result && scanner.at < scanner.size)
        result = scan_token(&scanner);
    return result;
}

int tw_expression_compile(struct tw_sandbox *sandbox, const char *text, size_t size,
                          bool in_suggestion, int *ret, struct tw_expression_fault *fault)
{
    struct tw_fault lua_fault;
    int result = tw_expression_check(text, size, in_suggestion, fault);
    if (result)
        return result;
    result = tw_sandbox_compile(sandbox, text, size, ret, &lua_fault);
    if (result) {
        fault->offset = TW_NO_OFFSET;
        fault->line = lua_fault.line;
        snprintf(fault->text, sizeof fault->text, "%s", lua_fault.text);
    }
    return result;
}

bool tw_expression_is_word(const char *text, size_t size)
{
    if (size == 0 || !is_letter(text[0]) || HAVE(roots, text, size) ||
        HAVE(of_suggestion, text, size) || (size == 3 && !memcmp(text, "nil", 3)))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '-')
            return false;
    }
    return true;
}
