/* The list of initializers. */
#include "trainer/initializers/initializer.h"

#include <string.h>

extern const struct tw_initializer tw_initializer_he, tw_initializer_xavier, tw_initializer_normal;

const struct tw_initializer *const tw_initializers[] = {&tw_initializer_he, &tw_initializer_xavier,
                                                        &tw_initializer_normal, NULL};

const struct tw_initializer *tw_initializer_find(const char *name)
{
    for (size_t i = 0; tw_initializers[i]; i++) {
        if (!strcmp(tw_initializers[i]->name, name))
            return tw_initializers[i];
    }
    return NULL;
}
