/* A name for a file that the workbench writes into the current folder. */
#ifndef DAVIDNET_TUI_FREE_PATH_H
#define DAVIDNET_TUI_FREE_PATH_H

#include "kernels/error.h"

#include <stddef.h>

/*
 * stem.ending, or stem-2.ending, stem-3.ending ... where there is such a file already: it stays as it is. -1 with err:
 * all names up to 999 are taken, or there is no room for them.
 */
int free_path(const char *stem, const char *ending, char *out, size_t size, struct error *err);

/* The current folder's whole path, to say where that file is; "." where it has none. Returns out. */
const char *free_path_folder(char *out, size_t size);

#endif
