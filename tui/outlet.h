/*
 * The way out to the terminal, for everything that is written to it: nothing here ever waits for the terminal, except
 * as long as outlet_finish is told to. What is written to stdout between outlet_begin and outlet_end, by curses or by
 * us, is caught in a file without a name; outlet_pump hands the terminal what it takes, in order. One terminal per
 * process, so there is no object.
 */
#ifndef DAVIDNET_TUI_OUTLET_H
#define DAVIDNET_TUI_OUTLET_H

#include "kernels/error.h"

#include <stddef.h>

/* stdout must be the terminal. Again after outlet_finish: the same terminal. */
int outlet_open(struct error *err);

void outlet_begin(void); /* stdout is caught; ioctls on it do not reach the terminal */
void outlet_end(void);   /* stdout is the terminal; outlet_pump is called */

size_t outlet_caught(void); /* bytes between the last outlet_begin and outlet_end */

/* 1: the terminal has all of it; 0: some waits until it takes more. */
int outlet_pump(void);
int outlet_fd(void); /* for poll: the terminal, where it takes something; -1: nothing is waiting for it */

double outlet_seconds(void); /* monotonic */

/*
 * As outlet_pump, but waits up to so many seconds. 0: the terminal has not taken it all; what is left is forgotten,
 * and so may be what else is written to stdout, see outlet_mute.
 */
int outlet_finish(double seconds);

/*
 * For the way out: stdout leads nowhere while the terminal takes nothing, so that whoever ends us is not kept from it.
 * outlet_unmute: it is the terminal again where that takes something by now.
 */
void outlet_mute(void);
void outlet_unmute(void);

/* Within handlers of fatal signals: as much of it as the terminal takes at once, and stdout is the terminal again. */
void outlet_crash(const char *text, size_t size);

#endif
