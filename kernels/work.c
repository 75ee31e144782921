#include "kernels/work.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Of the name's first `length` characters. */
static bool names(const char *impl, size_t length, const char *word)
{
    return memmem(impl, length, word, strlen(word)) != NULL;
}

static double share_of(const char *impl, size_t length)
{
    if (names(impl, length, "own:winograd") || names(impl, length, "wino_4x3"))
        return 0.25;
    if (names(impl, length, "wino") || names(impl, length, "fft") || names(impl, length, "cudnn"))
        return NAN;
    return 1;
}

double work_share(const char *impl)
{
    const char *plus = strchr(impl, '+');
    if (!plus)
        return share_of(impl, strlen(impl));
    return (share_of(impl, (size_t)(plus - impl)) + share_of(plus + 1, strlen(plus + 1))) / 2;
}
