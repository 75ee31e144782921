#include "engine/download.h"

#include "kernels/left_out.h"

#include <stddef.h>

enum download_status download_try(const char *url, const char *path, int64_t expected,
                                  int (*progress)(void *context, int64_t done, int64_t total), void *context,
                                  struct error *err)
{
    (void)url, (void)path, (void)expected, (void)progress, (void)context;
    left_out(err, "downloading needs", "libcurl", NULL);
    return DOWNLOAD_FAILED;
}
