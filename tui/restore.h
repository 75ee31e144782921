/*
 * What sets a terminal back, prepared beforehand: a handler of a fatal signal can only write it.
 */
#ifndef DAVIDNET_TUI_RESTORE_H
#define DAVIDNET_TUI_RESTORE_H

#include <stddef.h>

/* Zeroed: nothing. */
struct restore {
    char text[512];
    size_t length;
};

/*
 * Adds an escape, as terminfo has it: NULL and (char *)-1 are none. Padding such as $<5> is for terminals of another
 * age and is left out. One that does not fit is left out whole.
 */
void restore_add(struct restore *restore, const char *escape);

#endif
