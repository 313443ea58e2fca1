/* Names of a suggestion's parts, as documents spell them. */
#include "rules/suggestion.h"

const char *tw_change_op_name(enum tw_change_op op)
{
    switch (op) {
    case TW_CHANGE_MULTIPLY:
        return "multiply";
    case TW_CHANGE_ADD:
        return "add";
    case TW_CHANGE_SET:
        return "set";
    }
    return "";
}
