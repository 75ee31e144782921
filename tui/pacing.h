/*
 * Whether a terminal has taken what was sent: after each frame it is asked for its status, and it answers when it has
 * come so far. Bookkeeping only; sending and reading are the terminal's file's.
 *
 * A terminal that does not answer within PACING_SILENT_SECONDS is not waited for any more, but asked again every
 * PACING_AGAIN_SECONDS: a connection may just be slow, and one answer, however late, is waited for from then on. One
 * that did answer may be waited for longer: a slow line takes seconds for a full frame.
 */
#ifndef DAVIDNET_TUI_PACING_H
#define DAVIDNET_TUI_PACING_H

#define PACING_SILENT_SECONDS 1.0
#define PACING_LOST_SECONDS 12.0
#define PACING_AGAIN_SECONDS 10.0
#define PACING_LEAVE_SECONDS 2.0

/* Zeroed: nothing asked yet. */
struct pacing {
    int due;      /* answers that are waited for */
    int owed;     /* those, and answers that are not waited for but may come */
    int known;    /* one has come */
    int silent;   /* none came in time, and none since */
    int torn;     /* bytes of one that came apart */
    double since; /* of the last question: seconds */
};

int pacing_wants(const struct pacing *pacing, double now); /* 1: ask */
void pacing_asked(struct pacing *pacing, double now);
void pacing_answered(struct pacing *pacing);

/* 1: what was sent has been taken, or there is no way to know. */
int pacing_ready(struct pacing *pacing, double now);

/* Seconds that the way out should wait for answers, so that none becomes input of the shell; at most _LEAVE_. */
double pacing_leave(const struct pacing *pacing, double now);

/*
 * An answer whose bytes come so far apart that they are taken for keys: Esc has been given out then, which does no
 * harm; what follows it would. 1: this key is a part of one and must not be given out.
 */
int pacing_torn(struct pacing *pacing, const char *answer, unsigned code, double now);

#endif
