/*
 * What libraries write to stderr while the screen is ours. It would spoil the screen, so stderr leads into a file:
 * RUN/stderr.txt of the run that this process trains (where it is still found after a crash), an unnamed one where
 * there is none. The front end shows what is new there, and noise_end tells it again when the screen is gone.
 * One stderr per process, so there is no object.
 */
#ifndef DAVIDNET_TUI_NOISE_H
#define DAVIDNET_TUI_NOISE_H

#include <stddef.h>

/* From now on stderr is caught. Without a file to catch it in, everything here does nothing. */
void noise_begin(void);

/* From now on it goes to folder/stderr.txt, after what an unnamed file has caught. The same folder again: no work. */
void noise_follow(const char *folder);

/* 1 and the last whole line that was written since the last call, control characters replaced; else 0. */
int noise_next(char *line, size_t size);

/*
 * stderr is as it was. Tells the last lines that were caught, and the file that has them all; a terminal that takes
 * nothing is not waited for. Empty files are removed.
 */
void noise_end(void);

/* The same, as far as it can be done within a handler of a fatal signal; nothing is released. */
void noise_crash(void);

#endif
