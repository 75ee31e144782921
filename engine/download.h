/*
 * One try at downloading a file over HTTP(S) with libcurl, going on where an earlier one stopped.
 */
#ifndef DAVIDNET_ENGINE_DOWNLOAD_H
#define DAVIDNET_ENGINE_DOWNLOAD_H

#include "kernels/error.h"

#include <stdint.h>

enum download_status {
    DOWNLOAD_OK,      /* the server sent everything it announced */
    DOWNLOAD_AGAIN,   /* a passing trouble: another try may help; what came is kept */
    DOWNLOAD_NOBODY,  /* no server there: it may only be away for a moment, but a few tries tell */
    DOWNLOAD_FAILED,  /* another try would not help */
    DOWNLOAD_STOPPED, /* progress said so */
};

/*
 * Appends to the file at `path` (made when missing, and not left behind empty) what it lacks of `url`; starts over when
 * the server cannot continue. expected: the whole file's size, 0 when not known; a server that offers another size is
 * refused. progress gets the whole file's bytes so far and in all (0: not known), at least once a second, and stops by
 * returning non-zero. err is filled unless the result is DOWNLOAD_OK or DOWNLOAD_STOPPED.
 */
enum download_status download_try(const char *url, const char *path, int64_t expected,
                                  int (*progress)(void *context, int64_t done, int64_t total), void *context,
                                  struct error *err);

#endif
