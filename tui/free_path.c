#include "tui/free_path.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS_END 1000

int free_path(const char *stem, const char *ending, char *out, size_t size, struct error *err)
{
    char number[16] = "";
    for (int i = 2; i <= NUMBERS_END; i++) {
        struct stat there;
        int length = snprintf(out, size, "%s%s.%s", stem, number, ending);
        if (length < 0 || (size_t)length >= size)
            return error_set(err, "%.60s...: too long for a file's name", stem);
        if (lstat(out, &there) != 0) /* a link that leads nowhere is there, too */
            return 0;
        snprintf(number, sizeof number, "-%d", i);
    }
    return error_set(err, "%s.%s to %s-%d.%s are there already: move some away", stem, ending, stem, NUMBERS_END - 1,
                     ending);
}

const char *free_path_folder(char *out, size_t size)
{
    if (!getcwd(out, size))
        snprintf(out, size, ".");
    return out;
}
