#include "tui/restore.h"

#include <string.h>

void restore_add(struct restore *restore, const char *escape)
{
    size_t length = restore->length;
    if (!escape || escape == (const char *)-1)
        return;
    while (*escape) {
        const char *end = strncmp(escape, "$<", 2) == 0 ? strchr(escape, '>') : NULL;
        if (!end && length == sizeof restore->text)
            return;
        if (end)
            escape = end + 1;
        else
            restore->text[length++] = *escape++;
    }
    restore->length = length;
}
