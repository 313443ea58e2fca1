/* Words of a command line that people are told to type. */
#ifndef TW_SHELL_WORD_H
#define TW_SHELL_WORD_H

#include <stdio.h>

/* Writes a word as a shell reads it back, quoted where it has to be. Control characters, which
 * would act on the terminal that shows it, become `?`: for the patterns of a silence that is any
 * character. */
void tw_shell_put_word(FILE *out, const char *word);

#endif
