/* Writing HTML: whatever comes from a log is text, never markup. (Debian 12 has no template library
 * for C; what a page needs of one is this.) Write errors are the stream's. */
#ifndef TW_HTML_TEXT_H
#define TW_HTML_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* Text for content and for attributes in quotes: & < > " ' are escaped; control characters, and
 * bytes that are not UTF-8, become U+FFFD. */
void tw_html_text(FILE *out, const char *text);
/* "<name>text</name>"; `open` may have attributes of our own: "td class=run". */
void tw_html_element(FILE *out, const char *open, const char *text);
/* "<data value=0.20491>0.2049</data>": as precise as it is, and as people read it. */
void tw_html_number(FILE *out, double value);
void tw_html_step(FILE *out, uint64_t step);
/* A JSON string that may stand inside <script>: no byte of it ends that. */
void tw_html_json_string(FILE *out, const char *text);

#endif
