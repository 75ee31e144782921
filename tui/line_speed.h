/*
 * How fast the line to the terminal is, told by the time between a frame and the answer to the question behind it
 * (tui/pacing.h), less the shortest time that an answer ever took. Times are seconds of a monotonic clock.
 */
#ifndef DAVIDNET_TUI_LINE_SPEED_H
#define DAVIDNET_TUI_LINE_SPEED_H

#define LINE_SPEED_SLOW 4000.0  /* bytes a second: below it the line is slow */
#define LINE_SPEED_FRAME 1600.0 /* a second, what frames that nobody waits for may use of a screen of 80 x 24 */

#define LINE_SPEED_PART 600  /* about, of a frame that a slow line takes in parts */
#define LINE_SPEED_REST 3    /* of what a frame that nobody waits for took: a key finds the line free */
#define LINE_SPEED_FIRST 300 /* about, until it is known how fast the line is */

/*
 * Seconds without a word about a slow line until it should be asked: twice as many each time, for a line that stays
 * slow is not to be kept busy; few once a frame was fast.
 */
#define LINE_SPEED_AGAIN 10.0
#define LINE_SPEED_AGAIN_MOST 160.0
#define LINE_SPEED_AGAIN_FAST 1.0

/* Zeroed: nothing known. */
struct line_speed {
    double since, bytes; /* the last frame */
    double trip;         /* the shortest time that an answer took */
    double busy;         /* what the last frame took beyond that */
    int known;           /* there was an answer */
    int slow;            /* the line is */
    int measured;        /* frames have said how fast it is */
    int votes;           /* of the last frames, for the opposite of `slow` */
    double told;         /* when a frame was last large enough to say something, or the line was asked */
    double patience;     /* of a slow line: seconds from then until it should be asked */
};

void line_speed_sent(struct line_speed *line, double now, double bytes);
void line_speed_taken(struct line_speed *line, double now); /* the answer came, and no other is due */

/*
 * 1: nothing has said for long whether a slow line is slow still, as where a screen stands still: some of what is
 * shown should be sent again for that alone. line_speed_asked: it is, with line_speed_sent.
 */
int line_speed_asks(const struct line_speed *line, double now);
void line_speed_asked(struct line_speed *line, double now);

/*
 * Seconds after the last frame before another one that nobody waits for: so long that a screen of that many cells
 * takes little of any line, and a slow line has time for keys.
 */
double line_speed_rest(const struct line_speed *line, int cells);

#endif
