/*
 * Whether a terminal has taken what was sent: after each frame it is asked for its status (ESC [ 5 n), and it answers
 * (ESC [ 0 n) when it has come so far. Bookkeeping only; sending and reading are the terminal's file's.
 *
 * A terminal that never answers is found out once, PACING_SILENT_SECONDS after the first question; one that did
 * answer before may be waited for longer: a slow line takes seconds for a full frame.
 */
#ifndef DAVIDNET_TUI_PACING_H
#define DAVIDNET_TUI_PACING_H

#define PACING_QUESTION "\033[5n"
#define PACING_ANSWER "\033[0n"
#define PACING_SILENT_SECONDS 1.0
#define PACING_LOST_SECONDS 12.0

/* Zeroed: nothing asked yet. */
struct pacing {
    int due;      /* answers that have not come yet */
    int known;    /* one has come */
    int silent;   /* none ever will: not to be asked any more */
    int torn;     /* bytes of one that came apart */
    double since; /* of the last question: seconds */
};

void pacing_asked(struct pacing *pacing, double now);
void pacing_answered(struct pacing *pacing);

/* 1: what was sent has been taken, or there is no way to know. */
int pacing_ready(struct pacing *pacing, double now);

/*
 * An answer whose bytes come so far apart that they are taken for keys: Esc has been given out then, which does no
 * harm; what follows it would. 1: this key is a part of one and must not be given out.
 */
int pacing_torn(struct pacing *pacing, unsigned code);

#endif
