/* Who runs this program. */
#ifndef TW_USER_NAME_H
#define TW_USER_NAME_H

#include <stddef.h>

/* The login name, else "uid N". Returns `buffer`. */
const char *tw_user_name(char *buffer, size_t size);

#endif
