/*
 * Keys as numbers: a Unicode character, a control character (KEYS_CTRL('L')), or one of the names below. The same
 * names are used in binding tables, on the help screen and in scripts. And what a mouse does.
 */
#ifndef DAVIDNET_TUI_KEYS_H
#define DAVIDNET_TUI_KEYS_H

#include "views/line_edit.h"

#include <stddef.h>

#define KEYS_CTRL(letter) ((letter)&31)

enum {
    KEYS_NONE = 0,
    KEYS_TAB = '\t',
    KEYS_ENTER = '\n',
    KEYS_ESC = 27,
    KEYS_BACKSPACE = 127,
    KEYS_UP = 0x110000, /* beyond Unicode */
    KEYS_DOWN,
    KEYS_LEFT,
    KEYS_RIGHT,
    KEYS_HOME,
    KEYS_END,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_SHIFT_TAB,
    KEYS_DELETE,
    KEYS_F1,
    KEYS_OTHER /* a key that we have no name for */
};

/* "p", "é", "Ctrl-L", "Space", "Tab", "F1" ...; KEYS_NONE if the text is no key. */
int keys_parse(const char *name);
/* The name that keys_parse takes back; in out. */
const char *keys_name(int key, char *out, size_t size);

/*
 * What a key does to a text field: characters, Left, Right, Home, End, Backspace, Delete, Ctrl-A, -E, -U, -K, -W.
 * 1: taken. Enter, Esc, Tab, Up and Down are the caller's.
 */
int keys_edit(struct line_edit *edit, int key);

enum mouse_what { MOUSE_PRESS, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct mouse {
    enum mouse_what what;
    int x, y;  /* cell of the grid */
    int twice; /* the second press of a double click */
};

#endif
