/* Writing mails: RFC 5322 headers, RFC 2047 encoded words, RFC 2045 quoted-printable. */
#include "config.h"

#include "sinks/mail/mime.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Columns of a header's line (RFC 5322, 2.1.1) and of a quoted-printable line (RFC 2045, 6.7). */
#define HEADER_COLUMNS 78
#define BODY_COLUMNS 76
/* Encoded characters in one encoded word: with "=?UTF-8?Q??=" and the longest header name it stays
 * below 75 characters and the line below 78. */
#define WORD_COLUMNS 48

static bool needs_encoding(const char *value)
{
    for (const char *at = value; *at; at++) {
        if ((unsigned char)*at >= 0x80)
            return true;
    }
    return strstr(value, "=?") != NULL;
}

/* A line break in a value taken from a job would begin a header of its own: every control character
 * becomes a space. */
static char clean(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
}

/* ASCII, folded at spaces. */
static void write_folded(FILE *out, const char *name, const char *value)
{
    size_t column = (size_t)fprintf(out, "%s:", name);
    while (*value) {
        size_t size = 0;
        while (*value && clean(*value) == ' ')
            value++;
        while (value[size] && clean(value[size]) != ' ')
            size++;
        if (!size)
            break;
        if (column + 1 + size > HEADER_COLUMNS) {
            fputs("\r\n", out);
            column = 0;
        }
        fprintf(out, " %.*s", (int)size, value);
        column += 1 + size;
        value += size;
    }
    fputs("\r\n", out);
}

static size_t character_length(const char *at)
{
    size_t n = 1;
    while (n < 4 && ((unsigned char)at[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* The Q encoding for a header (RFC 2047, 5): only what is safe in every header stays as it is. */
static size_t encode_character(const char *at, size_t n, char ret[16])
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        char c = clean(at[i]);
        if (c == ' ')
            ret[length++] = '_';
        else if (isascii(c) && (isalnum((unsigned char)c) || strchr("!*+-/", c)))
            ret[length++] = c;
        else
            length += (size_t)sprintf(ret + length, "=%02X", (unsigned char)c);
    }
    return length;
}

/* Encoded words of whole characters, one a line. Returns how many columns the last one has. */
static size_t write_words(FILE *out, const char *value)
{
    size_t column = 0;
    char encoded[16];
    fputs("=?UTF-8?Q?", out);
    while (*value) {
        size_t n = character_length(value), length = encode_character(value, n, encoded);
        if (column + length > WORD_COLUMNS) {
            fputs("?=\r\n =?UTF-8?Q?", out);
            column = 0;
        }
        fwrite(encoded, 1, length, out);
        column += length;
        value += n;
    }
    fputs("?=", out);
    return column + strlen("=?UTF-8?Q?") + strlen("?=");
}

static void write_header(FILE *out, const char *name, const char *value)
{
    if (!needs_encoding(value)) {
        write_folded(out, name, value);
        return;
    }
    fprintf(out, "%s: ", name);
    write_words(out, value);
    fputs("\r\n", out);
}

/* ---- addresses ---- */

/* Where <name@example.org> begins behind a name that has to be encoded; else NULL. */
static const char *encoded_end(const char *mailbox)
{
    return needs_encoding(mailbox) ? strrchr(mailbox, '<') : NULL;
}

/* A name of n bytes without its quotes and the blanks around it; for free(). */
static char *unquote(const char *name, size_t n)
{
    char *plain = malloc(n + 1), *at = plain;
    for (; n && (*name == ' ' || *name == '\t'); n--)
        name++;
    while (n && (name[n - 1] == ' ' || name[n - 1] == '\t'))
        n--;
    bool is_quoted = n >= 2 && name[0] == '"' && name[n - 1] == '"';
    for (size_t i = is_quoted, end = n - is_quoted; plain && i < end; i++) {
        i += is_quoted && name[i] == '\\' && i + 1 < end;
        *at++ = name[i];
    }
    if (plain)
        *at = '\0';
    return plain;
}

/* Encodes the name alone: an address in an encoded word is none (RFC 2047, 5). Returns the column
 * behind it. */
static size_t write_named(FILE *out, size_t column, const char *mailbox, const char *address)
{
    char *name = unquote(mailbox, (size_t)(address - mailbox));
    fputc(' ', out);
    column += 1 + (name ? write_words(out, name) : 0);
    free(name);
    if (column + 1 + strlen(address) > HEADER_COLUMNS) {
        fputs("\r\n", out);
        column = 0;
    }
    fprintf(out, " %s", address);
    return column + 1 + strlen(address);
}

static void write_from(FILE *out, const char *from)
{
    const char *address = encoded_end(from);
    if (!address) {
        write_header(out, "From", from);
        return;
    }
    write_named(out, (size_t)fprintf(out, "From:"), from, address);
    fputs("\r\n", out);
}

static void write_quoted_printable(FILE *out, const char *text)
{
    size_t column = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n') {
            fputs("\r\n", out);
            column = 0;
            continue;
        }
        bool is_blank = c == ' ' || c == '\t';
        bool is_plain =
            (c > 0x20 && c < 0x7f && c != '=') || (is_blank && text[1] && text[1] != '\n');
        size_t width = is_plain ? 1 : 3;
        if (column + width > BODY_COLUMNS - 1) { /* one column for the soft break's '=' */
            fputs("=\r\n", out);
            column = 0;
        }
        if (is_plain)
            fputc(c, out);
        else
            fprintf(out, "=%02X", c);
        column += width;
    }
    if (column)
        fputs("\r\n", out);
}

static void write_part(FILE *out, const char *boundary, const char *type, const char *text)
{
    fprintf(out,
            "--%s\r\nContent-Type: %s; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            boundary, type);
    write_quoted_printable(out, text);
}

/* RFC 2045, 6.8: lines of 76 characters, which are 57 bytes. */
static void write_base64(FILE *out, const unsigned char *bytes, size_t size)
{
    unsigned char line[BODY_COLUMNS + 1];
    for (size_t at = 0; at < size; at += sizeof line / 4 * 3) {
        size_t n = size - at < sizeof line / 4 * 3 ? size - at : sizeof line / 4 * 3;
        EVP_EncodeBlock(line, bytes + at, (int)n);
        fprintf(out, "%s\r\n", line);
    }
}

static void write_image(FILE *out, const char *boundary, const struct tw_mail_image *image)
{
    fprintf(out,
            "--%s\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
            "Content-ID: <%s>\r\nContent-Disposition: inline; filename=\"chart.png\"\r\n\r\n",
            boundary, image->cid);
    write_base64(out, image->bytes, image->size);
}

/* The HTML with its pictures (RFC 2387), as one alternative to the text. */
static void write_related(FILE *out, const struct tw_mail *mail)
{
    char inner[128];
    snprintf(inner, sizeof inner, "%s_r", mail->boundary);
    fprintf(out,
            "--%s\r\nContent-Type: multipart/related; type=\"text/html\"; boundary=\"%s\"\r\n\r\n",
            mail->boundary, inner);
    write_part(out, inner, "text/html", mail->html);
    for (size_t i = 0; i < mail->n_images; i++)
        write_image(out, inner, &mail->images[i]);
    fprintf(out, "--%s--\r\n", inner);
}

/* "Team mail" <trainward.example.org>: RFC 2919 wants the phrase plain or quoted. */
static void write_list_id(FILE *out, const struct tw_mail *mail)
{
    char line[512];
    if (!mail->list_id)
        return;
    bool is_plain = mail->list_name && mail->list_name[0] && strlen(mail->list_name) < 64;
    for (const char *at = mail->list_name; is_plain && *at; at++)
        is_plain = isascii((unsigned char)*at) &&
                   (isalnum((unsigned char)*at) || *at == ' ' || *at == '-' || *at == '_');
    snprintf(line, sizeof line, "%s%s<%s>", is_plain ? mail->list_name : "", is_plain ? " " : "",
             mail->list_id);
    write_header(out, "List-Id", line);
}

static void write_recipients(FILE *out, const struct tw_texts *to)
{
    size_t column = (size_t)fprintf(out, "To:");
    for (size_t i = 0; i < to->n; i++) {
        size_t size = strlen(to->at[i]);
        const char *address = encoded_end(to->at[i]);
        if (i && (address || column + size + 3 > HEADER_COLUMNS)) {
            fputs("\r\n", out);
            column = 0;
        }
        if (address)
            column = write_named(out, column, to->at[i], address);
        else
            column += (size_t)fprintf(out, " %s", to->at[i]);
        if (i + 1 < to->n)
            fputc(',', out);
        column++;
    }
    fputs("\r\n", out);
}

static void write_headers(FILE *out, const struct tw_mail *mail)
{
    char line[256];
    write_from(out, mail->from);
    write_recipients(out, mail->to);
    write_header(out, "Subject", mail->subject);
    write_header(out, "Date", mail->date);
    snprintf(line, sizeof line, "<%s>", mail->id);
    write_header(out, "Message-ID", line);
    if (mail->thread_id) {
        snprintf(line, sizeof line, "<%s>", mail->thread_id);
        write_header(out, "In-Reply-To", line);
        write_header(out, "References", line);
    }
    write_list_id(out, mail);
    /* RFC 3834, and what Exchange and old list servers look for, so that nobody's holiday notice
     * answers a program. */
    fputs("Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nPrecedence: bulk\r\n"
          "MIME-Version: 1.0\r\n",
          out);
    fprintf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", mail->boundary);
}

char *tw_mime_message(const struct tw_mail *mail, size_t *ret_size)
{
    char *message = NULL;
    FILE *out = open_memstream(&message, ret_size);
    if (!out)
        return NULL;
    write_headers(out, mail);
    write_part(out, mail->boundary, "text/plain", mail->text);
    if (mail->n_images)
        write_related(out, mail);
    else
        write_part(out, mail->boundary, "text/html", mail->html);
    fprintf(out, "--%s--\r\n", mail->boundary);
    if (fclose(out)) {
        free(message);
        return NULL;
    }
    return message;
}

const char *tw_mail_date(const char *timestamp, char buffer[64])
{
    /* Not strftime(): its names follow the locale. */
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm calendar = {0};
    buffer[0] = '\0';
    if (sscanf(timestamp, "%4d-%2d-%2dT%2d:%2d:%2d", &calendar.tm_year, &calendar.tm_mon,
               &calendar.tm_mday, &calendar.tm_hour, &calendar.tm_min, &calendar.tm_sec) != 6)
        return buffer;
    calendar.tm_year -= 1900;
    calendar.tm_mon -= 1;
    timegm(&calendar); /* normalises, and fills in the day of the week */
    snprintf(buffer, 64, "%s, %d %s %d %02d:%02d:%02d +0000", days[calendar.tm_wday],
             calendar.tm_mday, months[calendar.tm_mon], calendar.tm_year + 1900, calendar.tm_hour,
             calendar.tm_min, calendar.tm_sec);
    return buffer;
}

static bool is_address(const char *text, size_t size)
{
    const char *at = memchr(text, '@', size);
    if (!at || at == text || at + 1 == text + size || size > 254)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= 0x20 || c >= 0x7f || strchr("<>()[],;:\\\"", c))
            return false;
    }
    return !memchr(at + 1, '@', (size_t)(text + size - at - 1));
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if (clean(*text) != *text)
            return true;
    }
    return false;
}

int tw_mail_address(const char *text, const char *option, char *ret, size_t size,
                    struct tw_error *error)
{
    const char *start = strrchr(text, '<'), *end = start ? strchr(start, '>') : NULL;
    size_t n = strlen(text);
    if (end && !end[1]) {
        text = has_control(text) ? "" : start + 1;
        n = text[0] ? (size_t)(end - text) : 0;
    }
    if (!is_address(text, n) || n >= size)
        return tw_error_set(error, -EINVAL, "%s: give a mail address, name@example.org", option);
    snprintf(ret, size, "%.*s", (int)n, text);
    return 0;
}
