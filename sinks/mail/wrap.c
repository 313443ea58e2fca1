/* Wrapping plain text. */
#include "sinks/mail/wrap.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters, not bytes, of UTF-8. */
static unsigned width_of(const char *text, size_t size)
{
    unsigned n = 0;
    for (size_t i = 0; i < size; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

static void wrap_line(FILE *out, const char *line, size_t size, unsigned columns)
{
    size_t indent = 0;
    while (indent < size && line[indent] == ' ')
        indent++;
    unsigned column = (unsigned)fwrite(line, 1, indent, out);
    for (size_t at = indent; at < size;) {
        const char *space = memchr(line + at, ' ', size - at);
        size_t word = space ? (size_t)(space - line) - at : size - at;
        unsigned width = width_of(line + at, word);
        bool is_first = column == indent;
        if (!is_first && column + 1 + width > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = (unsigned)indent;
        } else if (!is_first) {
            fputc(' ', out);
            column++;
        }
        fwrite(line + at, 1, word, out);
        column += width;
        at += word + 1;
    }
}

char *tw_mail_wrap(const char *text, unsigned columns)
{
    char *ret = NULL;
    size_t ret_size = 0;
    FILE *out = open_memstream(&ret, &ret_size);
    if (!out)
        return NULL;
    while (*text) {
        size_t size = strcspn(text, "\n");
        if (!strncmp(text, "    ", 4) || width_of(text, size) <= columns)
            fwrite(text, 1, size, out);
        else
            wrap_line(out, text, size, columns);
        text += size;
        if (*text) {
            fputc('\n', out);
            text++;
        }
    }
    if (fclose(out)) {
        free(ret);
        return NULL;
    }
    return ret;
}
