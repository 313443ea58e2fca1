/* Plain text for mail programs that show lines as they come. */
#ifndef TW_MAIL_WRAP_H
#define TW_MAIL_WRAP_H

/* Breaks lines of more than `columns` characters at spaces; what follows begins below where the
 * line's text began. Lines that begin with four spaces are commands and stay whole, and so do words
 * that are longer than a line. New string for free(), NULL when out of memory. */
char *tw_mail_wrap(const char *text, unsigned columns);

#endif
