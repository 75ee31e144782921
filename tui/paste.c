#include "tui/paste.h"

static void enter(struct paste *paste, enum paste_state state, double now)
{
    paste->state = state;
    paste->dropped = 0;
    paste->last = now;
}

void paste_bracket(struct paste *paste, int begins, double now)
{
    paste->brackets = 1;
    enter(paste, begins ? PASTE_BRACKETED : PASTE_NONE, now);
}

void paste_waiting(struct paste *paste, int bytes, double now)
{
    if (bytes >= PASTE_FLOOD_BYTES)
        paste_flood(paste, now);
}

void paste_flood(struct paste *paste, double now)
{
    if (!paste->brackets && paste->state == PASTE_NONE)
        enter(paste, PASTE_FLOOD, now);
}

enum paste_state paste_key(struct paste *paste, double now)
{
    /* The clock alone: whoever was stopped meanwhile has not seen the silence. */
    if (paste->state == PASTE_BRACKETED && now - paste->last > PASTE_LOST_SECONDS)
        enter(paste, PASTE_DROPPED, now);
    paste->dropped = 1;
    paste->last = now;
    return paste->state;
}

void paste_nothing(struct paste *paste, double now)
{
    double silence = now - paste->last;
    if (paste->state == PASTE_BRACKETED && silence > PASTE_LOST_SECONDS)
        enter(paste, PASTE_DROPPED, now);
    /* The rest of a lost one may come long after: the quiet moment counts from then. */
    int may_end = paste->state == PASTE_FLOOD || (paste->state == PASTE_DROPPED && paste->dropped);
    if (may_end && silence > PASTE_QUIET_SECONDS)
        enter(paste, PASTE_NONE, now);
}
