/*
 * What a terminal shows, and which rows of the next frame go there now. A slow line takes a large frame in parts, so
 * that a key waits for a part and not for the frame: first come the rows in which the picture has just changed, as
 * where a menu opened, then those that were left over.
 */
#ifndef DAVIDNET_TUI_SEND_ROWS_H
#define DAVIDNET_TUI_SEND_ROWS_H

#include "views/grid.h"

/* Zeroed: of no size. */
struct send_rows {
    struct grid shown, wanted; /* wanted: the last frame that was to be shown */
    unsigned char *row;        /* [shown.h] 1: it is sent now */
    int again;                 /* the row that send_rows_again had last */
};

int send_rows_reset(struct send_rows *send, int w, int h); /* nothing is known of what is shown; -1: no memory */
void send_rows_release(struct send_rows *send);

/*
 * Marks the rows of a frame of that size that are sent now: about so many bytes, but at least one row, if any differs.
 * Returns how many rows that differ stay behind.
 */
int send_rows_choose(struct send_rows *send, const struct grid *frame, int bytes);

/* Hands each cell that differs in those rows to put, and keeps `shown` up to date. 1: there was one. */
int send_rows_put(struct send_rows *send, const struct grid *frame, void (*put)(int x, int y, const struct cell *));

/*
 * Hands rows that are shown to `again`, to be sent once more: about so many bytes, and the next ones in the next call.
 * 0: nothing is shown.
 */
int send_rows_again(struct send_rows *send, int bytes, void (*again)(int y));

int send_rows_same(const struct cell *a, const struct cell *b);

#endif
