/* Quoting for a shell. */
#include "advisories/shell_word.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./,:@%";
    return *word && strspn(word, plain) == strlen(word);
}

static void put_quoted(FILE *out, unsigned char character)
{
    if (character == '\'')
        fputs("'\\''", out);
    else
        fputc(character < ' ' || character == 0x7f ? '?' : character, out);
}

void tw_shell_put_word(FILE *out, const char *word)
{
    if (is_plain(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++)
        put_quoted(out, (unsigned char)*word);
    fputc('\'', out);
}
