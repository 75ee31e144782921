#include "tui/flow.h"

#include <limits.h>

void flow_tick(struct flow *flow, double now)
{
    if (flow->opened_at == 0)
        flow->opened_at = flow->line.since = now;
    flow->now = now;
}

void flow_back(struct flow *flow, double now)
{
    flow_tick(flow, now);
    line_speed_sent(&flow->line, now, 0);
}

void flow_key(struct flow *flow)
{
    if (flow->keys < FLOW_MANY_KEYS)
        flow->keys++;
}

/* One that comes behind a paste is late by all of that: it tells nothing about the line. */
void flow_answered(struct flow *flow)
{
    pacing_answered(&flow->pacing);
    if (flow->pacing.due == 0 && flow->keys < FLOW_MANY_KEYS)
        line_speed_taken(&flow->line, flow->now);
}

void flow_sent(struct flow *flow, double bytes)
{
    line_speed_sent(&flow->line, flow->now, bytes);
    flow->keys = 0;
}

int flow_ready(struct flow *flow)
{
    /* At first the answer to the question of the opening says how long the way is; not every terminal answers. */
    if (!flow->shows && !flow->pacing.known)
        return flow->now - flow->opened_at > FLOW_OPENING_SECONDS;
    return pacing_ready(&flow->pacing, flow->now);
}

int flow_most_bytes(const struct flow *flow, int awaited)
{
    if (flow->line.slow)
        return awaited ? LINE_SPEED_PART : LINE_SPEED_PART / 2;
    return !flow->line.measured && flow->pacing.known ? LINE_SPEED_FIRST : INT_MAX;
}
