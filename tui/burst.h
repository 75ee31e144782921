/*
 * What came in at once and is not given out yet: whether it was typed or pasted is told by all of it, where the
 * terminal does not say so. A connection that stalls brings at once what was typed meanwhile, too: but a held key is
 * one character, or an escape, many times, and commands are few. So BURST_TEXT_LEAST characters, of BURST_TEXT_KINDS
 * kinds and no other key among them, are a paste; fewer cannot be told from typing. Bookkeeping only.
 */
#ifndef DAVIDNET_TUI_BURST_H
#define DAVIDNET_TUI_BURST_H

#include "tui/keys.h"

#define BURST_TEXT_LEAST 16
#define BURST_TEXT_KINDS 5
#define BURST_MAX 64

struct burst_key {
    unsigned code;
    int named;          /* the code is no character's */
    int is_mouse;       /* mouse is valid */
    struct mouse mouse; /* taken along at once: who reads the terminal would forget it */
};

/* Zeroed: empty. */
struct burst {
    struct burst_key key[BURST_MAX];
    int n, at; /* key[at] is the next */
};

struct burst_key *burst_add(struct burst *burst);        /* zeroed; NULL: full */
const struct burst_key *burst_next(struct burst *burst); /* NULL: empty, and it can be filled again */
int burst_waits(const struct burst *burst);
int burst_is_paste(const struct burst *burst); /* all of it, given out or not */

#endif
