#include "tui/glyphs.h"

#include <string.h>

int glyphs_are_few(const char *term)
{
    static const char *const consoles[] = {"linux", "cons25", "wsvt25", "pcvt25"};
    for (size_t i = 0; i < sizeof consoles / sizeof *consoles; i++)
        if (strncmp(term, consoles[i], strlen(consoles[i])) == 0)
            return 1; /* "linux-16color", too */
    return 0;
}
