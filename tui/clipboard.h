/* How a text is written for a terminal to put it into the clipboard of whoever sits there: base64. */
#ifndef DAVIDNET_TUI_CLIPBOARD_H
#define DAVIDNET_TUI_CLIPBOARD_H

#include <stddef.h>

#define CLIPBOARD_TEXT_MAX 16384 /* bytes: any command that trains a recipe; xterm and tmux take more */
#define CLIPBOARD_ENCODED_MAX ((CLIPBOARD_TEXT_MAX + 2) / 3 * 4 + 1)

/* With its NUL; -1: the text is too long. */
int clipboard_encode(const char *text, char out[CLIPBOARD_ENCODED_MAX]);

#endif
