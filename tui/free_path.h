/* A name for a file that the workbench writes into the current folder. */
#ifndef DAVIDNET_TUI_FREE_PATH_H
#define DAVIDNET_TUI_FREE_PATH_H

#include <stddef.h>

/* stem.ending, or stem-2.ending, stem-3.ending ... where there is such a file already: it stays as it is. */
void free_path(const char *stem, const char *ending, char *out, size_t size);

#endif
