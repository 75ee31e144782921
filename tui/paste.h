/*
 * What was pasted and not typed: nothing in a paste is a command. A terminal that brackets pastes says where one
 * begins and ends, and only that counts, however long the connection stalls in between; where the end does not come
 * for PASTE_LOST_SECONDS it got lost, and what comes then is dropped until the next quiet moment. Of other terminals,
 * more at once than anybody types is a paste, or text that looks like one (tui/burst.h), until nothing has come for
 * PASTE_QUIET_SECONDS. Bookkeeping only; seconds are of any one clock.
 */
#ifndef DAVIDNET_TUI_PASTE_H
#define DAVIDNET_TUI_PASTE_H

#define PASTE_FLOOD_BYTES 256 /* waiting all at once: nobody types so many, and keys held down come slower */
#define PASTE_QUIET_SECONDS 0.5
#define PASTE_LOST_SECONDS 30.0

enum paste_state {
    PASTE_NONE,
    PASTE_BRACKETED,
    PASTE_FLOOD,  /* one that came without brackets */
    PASTE_DROPPED /* may be the rest of one whose end did not come in time */
};

/* Zeroed: nothing came yet. */
struct paste {
    enum paste_state state;
    int brackets; /* the terminal says what is pasted */
    int dropped;  /* something came in this state */
    double last;  /* when the last of it came */
};

void paste_bracket(struct paste *, int begins, double now);
void paste_waiting(struct paste *, int bytes, double now); /* so many bytes are there to be read */
void paste_flood(struct paste *, double now);              /* what comes now was pasted, if nothing is known better */

/* A key came: PASTE_NONE: it was typed; PASTE_DROPPED: to be ignored; else it was pasted. */
enum paste_state paste_key(struct paste *, double now);

/* No key is there. */
void paste_nothing(struct paste *, double now);

#endif
