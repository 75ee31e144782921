#include "tui/free_path.h"

#include <stdio.h>
#include <unistd.h>

void free_path(const char *stem, const char *ending, char *out, size_t size)
{
    char number[16] = "";
    for (int i = 2; i < 1000; i++) {
        snprintf(out, size, "%s%s.%s", stem, number, ending);
        if (access(out, F_OK) != 0)
            return;
        snprintf(number, sizeof number, "-%d", i);
    }
}
