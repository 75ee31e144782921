#include "tui/send_rows.h"

#include <stdlib.h>
#include <string.h>

#define MOVE_BYTES 6 /* of a cursor movement */
#define UNKNOWN 255  /* a width that no cell has: it is the same as none */

static void forget(struct grid *grid)
{
    for (int i = 0; i < grid->w * grid->h; i++)
        grid->cells[i].width = UNKNOWN;
}

int send_rows_reset(struct send_rows *send, int w, int h)
{
    unsigned char *row = realloc(send->row, (size_t)h + 1);
    send->row = row ? row : send->row;
    if (!row || grid_resize(&send->shown, w, h) || grid_resize(&send->wanted, w, h))
        return -1;
    memset(send->row, 0, (size_t)h + 1);
    forget(&send->shown);
    forget(&send->wanted);
    return 0;
}

void send_rows_release(struct send_rows *send)
{
    grid_release(&send->shown);
    grid_release(&send->wanted);
    free(send->row);
    memset(send, 0, sizeof *send);
}

int send_rows_same(const struct cell *a, const struct cell *b)
{
    return strcmp(a->text, b->text) == 0 && a->fg == b->fg && a->bg == b->bg && a->attr == b->attr &&
           a->width == b->width;
}

/* A screen of which nothing is known is cleared first, which makes blanks. */
static int is_free(const struct cell *to, const struct cell *from)
{
    return from->width == UNKNOWN && to->text[0] == ' ' && to->bg == COLOR_DEFAULT && to->attr == ATTR_NONE;
}

/* Bytes that it takes to make the row of `from` that of `to`, about, without colours; 0: it is the same. */
static int cost(const struct grid *to, const struct grid *from, int y)
{
    int bytes = 0, same_before = 1;
    for (int x = 0; x < to->w; x++) {
        const struct cell *a = &to->cells[y * to->w + x], *b = &from->cells[y * to->w + x];
        int same = send_rows_same(a, b);
        if (!same)
            bytes += (same_before ? MOVE_BYTES : 0) + (is_free(a, b) ? 0 : (int)strlen(a->text));
        same_before = same;
    }
    return bytes;
}

/* Bytes of what is to be seen in a row. */
static int ink(const struct grid *grid, int y)
{
    int bytes = 0;
    for (const struct cell *cell = &grid->cells[y * grid->w]; cell < &grid->cells[(y + 1) * grid->w]; cell++)
        if (cell->width != UNKNOWN && cell->text[0] != ' ')
            bytes += (int)strlen(cell->text);
    return bytes;
}

int send_rows_again(struct send_rows *send, int bytes, void (*again)(int y))
{
    int spent = 0;
    for (int i = 0; i < send->shown.h && spent < bytes; i++) {
        send->again = send->again + 1 < send->shown.h ? send->again + 1 : 0;
        int price = ink(&send->shown, send->again);
        if (price > 0)
            again(send->again);
        spent += price;
    }
    return spent > 0;
}

int send_rows_choose(struct send_rows *send, const struct grid *frame, int bytes)
{
    int left = 0, spent = 0;
    memset(send->row, 0, (size_t)frame->h);
    for (int fresh = 1; fresh >= 0; fresh--)
        for (int y = 0; y < frame->h; y++) {
            int price = cost(frame, &send->shown, y);
            if (!price || (cost(frame, &send->wanted, y) > 0) != fresh)
                continue;
            send->row[y] = spent == 0 || spent + price <= bytes;
            spent += send->row[y] ? price : 0;
            left += !send->row[y];
        }
    memcpy(send->wanted.cells, frame->cells, (size_t)frame->w * (size_t)frame->h * sizeof *frame->cells);
    return left;
}

int send_rows_put(struct send_rows *send, const struct grid *frame, void (*put)(int x, int y, const struct cell *))
{
    int differs = 0;
    for (int i = 0; i < frame->w * frame->h; i++) {
        const struct cell *cell = &frame->cells[i];
        int x = i % frame->w, y = i / frame->w;
        if (!send->row[y])
            continue;
        if (!send_rows_same(cell, &send->shown.cells[i]) && cell->width) /* 0: the one to the left covers it */
            put(x, y, cell);
        send->shown.cells[i] = *cell;
        differs = 1;
    }
    return differs;
}
