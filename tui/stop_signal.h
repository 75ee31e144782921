/*
 * Signals of commands without a screen: what asks the process to end is kept, for the work in progress to stop at its
 * next seam, and a suspended process's clocks are told that it goes on. (The workbench has tui/signals.h.)
 */
#ifndef DAVIDNET_TUI_STOP_SIGNAL_H
#define DAVIDNET_TUI_STOP_SIGNAL_H

#include <stdbool.h>

/*
 * SIGINT, SIGTERM and SIGHUP are kept from now on, but those that were ignored before (nohup). None has come yet.
 * once: a second one of a kind ends the process, for work whose next seam is far and that loses nothing by it.
 */
void stop_signal_begin(bool once);

/* They end the process again. What came stays known. */
void stop_signal_end(void);

/* The number of the last one that came; 0: none. */
int stop_signal_number(void);

#endif
