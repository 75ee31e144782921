/*
 * When the terminal may be sent the next frame, and how much of it: what tui/pacing.h and tui/line_speed.h know, put
 * together. Bookkeeping only; asking, sending and reading are the terminal's file's. Seconds are of any one clock.
 */
#ifndef DAVIDNET_TUI_FLOW_H
#define DAVIDNET_TUI_FLOW_H

#include "tui/line_speed.h"
#include "tui/pacing.h"

#define FLOW_OPENING_SECONDS 0.3 /* that a first answer is waited for */
#define FLOW_MANY_KEYS 100       /* read before an answer: it has waited behind them */

/* Zeroed: a terminal that was just opened. */
struct flow {
    struct pacing pacing;
    struct line_speed line;
    double now;       /* of flow_tick */
    double opened_at; /* the first question's time */
    int shows;        /* a frame has been sent */
    int keys;         /* read since the last frame, pasted ones included */
};

void flow_tick(struct flow *flow, double now);
void flow_back(struct flow *flow, double now); /* after a stop: the time away tells nothing about the line */
void flow_key(struct flow *flow);              /* one was read */
void flow_answered(struct flow *flow);
void flow_sent(struct flow *flow, double bytes); /* a frame, the question behind it included */

/* 1: the terminal has taken the last frame, or is known never to say so. */
int flow_ready(struct flow *flow);

/*
 * About how many bytes a frame may take: few until they have told how slow the line is, where answers come at all; on
 * a slow line a part of a frame, and a small one where nobody waits for it: a key that is pressed meanwhile does.
 */
int flow_most_bytes(const struct flow *flow, int awaited);

#endif
