/*
 * What was read from the terminal, made into keys: what was pasted is told from what was typed (tui/paste.h,
 * tui/burst.h), and the terminal's answers (tui/flow.h) from both. Bookkeeping only; reading is the terminal's file's.
 */
#ifndef DAVIDNET_TUI_INTAKE_H
#define DAVIDNET_TUI_INTAKE_H

#include "tui/burst.h"
#include "tui/flow.h"
#include "tui/paste.h"
#include "tui/term.h"

/*
 * Codes of what is read by a name (struct burst_key), beside the names of tui/keys.h. They are far above what curses
 * numbers the keys of terminfo's extensions.
 */
enum { INTAKE_ANSWER = 0xF000, INTAKE_PASTE_BEGINS, INTAKE_PASTE_ENDS, INTAKE_NO_KEY };

/* Zeroed but for the answer: nothing was read. */
struct intake {
    const char *answer; /* the terminal's to a question, as it may come apart into keys */
    struct paste paste;
    struct burst burst; /* whoever reads adds to it, and calls intake_added when there is no more */
};

void intake_added(struct intake *intake, double now);

/* The next key; TERM_NOTHING: all has been given out, and the burst can be filled again. Answers go to the flow. */
enum term_input intake_next(struct intake *intake, struct flow *flow, int *key, struct mouse *mouse);

#endif
