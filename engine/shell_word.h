/* Words of a command line, as a POSIX shell reads them back. */
#ifndef DAVIDNET_ENGINE_SHELL_WORD_H
#define DAVIDNET_ENGINE_SHELL_WORD_H

#include <stddef.h>

/* 1 if a shell and a recipe file take it as it is: letters, digits and the commonest signs. */
int shell_word_is_plain(const char *text);

/*
 * Appends a blank and the word to a text of `used` bytes in out, the word in single quotes where it needs them; what
 * does not fit in size is cut. Returns the length of the whole text, as if there were room.
 */
size_t shell_word_add(const char *word, char *out, size_t size, size_t used);

#endif
