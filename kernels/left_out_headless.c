#include "kernels/left_out.h"

#include <stddef.h>

int left_out(struct error *err, const char *what, const char *library, const char *instead)
{
    return error_set(err, "%s %s, and this davidnet was built without it (make HEADLESS=1); %s", what, library,
                     instead ? instead : "use one that plain make built");
}
