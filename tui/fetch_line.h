/*
 * A fetch's progress as one line of text, for the command line and the workbench alike:
 *   downloading  [########--------]  51 %   86.7 of 170.1 MB   2.3 MB/s   36 s left
 */
#ifndef DAVIDNET_TUI_FETCH_LINE_H
#define DAVIDNET_TUI_FETCH_LINE_H

#include "engine/fetch.h"

#include <stddef.h>

/* At most `width` columns of ASCII; bar: 0 leaves the bar out. Writes what fits into out[size]. */
void fetch_line(const struct fetch_progress *progress, int width, int bar, char *out, size_t size);

#endif
