/* Quoting for a shell. */
#include "advisories/shell_word.h"

#include "telemetry/text.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./,:@%";
    return *word && strspn(word, plain) == strlen(word);
}

void tw_shell_put_word(FILE *out, const char *word)
{
    if (is_plain(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (size_t size; *word; word += size ? size : 1) {
        size = tw_control_size(word, strlen(word));
        if (size)
            fputc('?', out);
        else if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}
