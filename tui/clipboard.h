/* What puts a text into the clipboard of whoever sits at a terminal: OSC 52, as xterm defined it. */
#ifndef DAVIDNET_TUI_CLIPBOARD_H
#define DAVIDNET_TUI_CLIPBOARD_H

#include <stddef.h>

#define CLIPBOARD_TEXT_MAX 4096 /* bytes: terminals take no more than some thousands */
#define CLIPBOARD_ESCAPE_MAX (CLIPBOARD_TEXT_MAX * 4 / 3 + 16)

/* The escape with its NUL; -1: the text is too long. */
int clipboard_escape(const char *text, char out[CLIPBOARD_ESCAPE_MAX]);

#endif
