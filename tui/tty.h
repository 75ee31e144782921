/*
 * The terminal on stdin and stdout as the kernel knows it, where curses need not be asked: what it makes of keys, its
 * size, and what waits to be read.
 */
#ifndef DAVIDNET_TUI_TTY_H
#define DAVIDNET_TUI_TTY_H

/*
 * Ctrl-S, Ctrl-Z and Ctrl-C are keys from now on. By mistake the first would stop the screen, and us. The others would
 * reach all of the process group as signals, at once, and a parent of ours there (make, sh, timeout) would stop, or
 * take itself for interrupted, while we still draw; and the kernel would throw away what it has not sent yet, half an
 * escape too.
 */
void tty_make_keys(void);

int tty_size(int *w, int *h); /* 0: it does not know, as of a serial line */
int tty_waiting(void);        /* bytes to be read; 0 where it cannot say */
int tty_gone(void);           /* 1: nothing will ever come again */
int tty_is_ours(void);        /* 0: somebody else reads from it now, as a shell does once we are suspended */

#endif
