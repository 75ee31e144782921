/*
 * A text field of one line: the text, where the cursor is, and how both are drawn. Which keys do what is
 * keys_edit's (tui/keys.h), the same for every field.
 */
#ifndef DAVIDNET_VIEWS_LINE_EDIT_H
#define DAVIDNET_VIEWS_LINE_EDIT_H

#include "views/grid.h"

#define LINE_EDIT_MAX 256 /* bytes, with the NUL */

/* Zeroed: empty. */
struct line_edit {
    char text[LINE_EDIT_MAX]; /* UTF-8 without control characters */
    int at;                   /* of the cursor: a byte, where a character begins or the text ends */
};

void line_edit_set(struct line_edit *edit, const char *text); /* the cursor goes to the end; what is too long is cut */

/* At the cursor. 0: not taken, because it is a control character or there is no room. */
int line_edit_insert(struct line_edit *edit, int32_t code);

/* The cursor by so many characters, combining marks counted with what they sit on. */
void line_edit_move(struct line_edit *edit, int by);
void line_edit_home(struct line_edit *edit);
void line_edit_end(struct line_edit *edit);

void line_edit_backspace(struct line_edit *edit); /* the character before the cursor */
void line_edit_delete(struct line_edit *edit);    /* the one under it */
void line_edit_delete_word(struct line_edit *edit);
void line_edit_delete_before(struct line_edit *edit); /* everything before the cursor */
void line_edit_delete_after(struct line_edit *edit);

/*
 * In the first row of area; a text that is wider is moved so that the cursor is seen. hint (optional) stands where
 * the text is empty. active: with the cursor.
 */
void line_edit_draw(const struct line_edit *edit, const char *hint, int active, struct grid *grid, struct rect area);

#endif
