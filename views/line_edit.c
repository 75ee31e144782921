#include "views/line_edit.h"

#include "views/utf8.h"

#include <stdio.h>
#include <string.h>

/* Where the character after `at` begins; its combining marks are passed with it. */
static int after(const char *text, int at)
{
    int32_t code;
    if (!text[at])
        return at;
    at += utf8_decode(text + at, &code);
    while (text[at]) {
        int length = utf8_decode(text + at, &code);
        if (code < 0 || utf8_width(code) != 0)
            break;
        at += length;
    }
    return at;
}

static int before(const char *text, int at)
{
    int last = 0;
    for (int i = 0; i < at; i = after(text, i))
        last = i;
    return last;
}

static void cut(struct line_edit *edit, int from, int to)
{
    memmove(edit->text + from, edit->text + to, strlen(edit->text + to) + 1);
    edit->at = from;
}

void line_edit_set(struct line_edit *edit, const char *text)
{
    int32_t code;
    *edit = (struct line_edit){0};
    while (*text) {
        text += utf8_decode(text, &code);
        line_edit_insert(edit, code);
    }
}

static int encode(int32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 63));
    out[0] = (char)(0xF00 >> length | code);
    return length;
}

int line_edit_insert(struct line_edit *edit, int32_t code)
{
    char bytes[4];
    if (code < 32 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) || utf8_width(code) < 0)
        return 0;
    int length = encode(code, bytes);
    size_t used = strlen(edit->text);
    if (used + (size_t)length >= sizeof edit->text)
        return 0;
    memmove(edit->text + edit->at + length, edit->text + edit->at, used - (size_t)edit->at + 1);
    memcpy(edit->text + edit->at, bytes, (size_t)length);
    edit->at += length;
    return 1;
}

void line_edit_move(struct line_edit *edit, int by)
{
    for (; by > 0; by--)
        edit->at = after(edit->text, edit->at);
    for (; by < 0; by++)
        edit->at = before(edit->text, edit->at);
}

void line_edit_home(struct line_edit *edit)
{
    edit->at = 0;
}

void line_edit_end(struct line_edit *edit)
{
    edit->at = (int)strlen(edit->text);
}

void line_edit_backspace(struct line_edit *edit)
{
    cut(edit, before(edit->text, edit->at), edit->at);
}

void line_edit_delete(struct line_edit *edit)
{
    cut(edit, edit->at, after(edit->text, edit->at));
}

void line_edit_delete_word(struct line_edit *edit)
{
    int from = edit->at;
    while (from > 0 && edit->text[from - 1] == ' ')
        from--;
    while (from > 0 && edit->text[from - 1] != ' ')
        from--;
    cut(edit, from, edit->at);
}

void line_edit_delete_before(struct line_edit *edit)
{
    cut(edit, 0, edit->at);
}

void line_edit_delete_after(struct line_edit *edit)
{
    edit->text[edit->at] = '\0';
}

/* Columns of the first `length` bytes. */
static int width_of(const char *text, int length)
{
    char part[LINE_EDIT_MAX];
    snprintf(part, sizeof part, "%.*s", length, text);
    return text_width(part);
}

void line_edit_draw(const struct line_edit *edit, const char *hint, int active, struct grid *grid, struct rect area)
{
    int from = 0;
    if (area.w <= 0 || area.h <= 0)
        return;
    area.h = 1;
    if (!*edit->text && hint)
        put_text(grid, area, area.x + active, area.y, COLOR_DIM, ATTR_NONE, hint);
    if (active) /* the cursor takes a column of its own behind the text */
        while (from < edit->at && width_of(edit->text + from, edit->at - from) >= area.w)
            from = after(edit->text, from);
    put_text(grid, area, area.x, area.y, COLOR_TITLE, ATTR_NONE, edit->text + from);
    if (!active)
        return;
    int x = area.x + width_of(edit->text + from, edit->at - from);
    char under[LINE_EDIT_MAX] = " ";
    if (edit->text[edit->at])
        snprintf(under, sizeof under, "%.*s", after(edit->text, edit->at) - edit->at, edit->text + edit->at);
    put_text(grid, area, x, area.y, COLOR_TITLE, ATTR_REVERSE, under);
    grid->cursor_x = x;
    grid->cursor_y = area.y;
}
