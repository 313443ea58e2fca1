/* Mails as bytes: headers, quoted-printable, multipart/alternative, pictures inside. The same input
 * gives the same bytes, so that a repeat of a mail is the same mail. */
#ifndef TW_MIME_H
#define TW_MIME_H

#include "telemetry/error.h"
#include "telemetry/option.h"

/* A PNG file that the HTML shows by <img src="cid:...">. */
struct tw_mail_image {
    const char *cid; /* an id like that of a mail */
    const unsigned char *bytes;
    size_t size;
};

struct tw_mail {
    const char *from; /* "trainward@example.org" or "Training <...>" */
    const struct tw_texts *to;
    const char *subject;        /* UTF-8 */
    const char *date;           /* RFC 5322, from tw_mail_date() */
    const char *id, *thread_id; /* without the angle brackets; thread_id may be NULL */
    const char *list_id;        /* "trainward.example.org" (RFC 2919); may be NULL */
    const char *list_name;      /* what people call it; may be empty */
    const char *boundary;       /* letters and digits that no line of the parts begins with */
    const char *text, *html;    /* UTF-8, lines end in LF */
    const struct tw_mail_image *images;
    size_t n_images;
};

/* The mail with CRLF line ends. New string for free(), NULL when out of memory. */
char *tw_mime_message(const struct tw_mail *mail, size_t *ret_size);

/* "2026-11-21T09:15:00.000Z" -> "Sat, 21 Nov 2026 09:15:00 +0000". Returns `buffer`. */
const char *tw_mail_date(const char *timestamp, char buffer[64]);

/* The bare address in "a@b" or "Name <a@b>". An address that is none, or that holds anything that
 * could end a command or a header, is an error that names `option`. */
int tw_mail_address(const char *text, const char *option, char *ret, size_t size,
                    struct tw_error *error);

#endif
