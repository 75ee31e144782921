/* The workbench on a terminal. */
#ifndef DAVIDNET_TUI_LOOP_H
#define DAVIDNET_TUI_LOOP_H

#include "tui/app.h"
#include "tui/term.h"

/*
 * Opens the terminal and runs until the app quits; the terminal is restored on return. Returns the exit code the
 * way out asks for: 0, 128 + signal; -1 if the terminal could not be opened.
 */
int loop_run(struct app *app, const struct term_options *options, double delay, struct error *err);

/* Monotonic seconds. */
double loop_seconds(void);

#endif
