#include "tui/line_speed.h"

#define BYTES_TELLING 150 /* fewer say more about the way than about the line */
#define SLOW_SECONDS 0.3
#define VOTES 3 /* frames in a row that change the opinion about a line, once there is one */
#define FIRST_VOTES 2

void line_speed_sent(struct line_speed *line, double now, double bytes)
{
    line->since = now;
    line->bytes = bytes;
}

/*
 * What one frame says: -1 nothing, for it was small, or the line was neither fast nor slow. Jitter of a tenth of a
 * second on a frame of a few hundred bytes is no slow line.
 */
static int opinion(const struct line_speed *line)
{
    double rate = line->busy > 0 ? line->bytes / line->busy : 1e9;
    if (line->bytes < BYTES_TELLING)
        return -1;
    if (rate < LINE_SPEED_SLOW)
        return line->busy > SLOW_SECONDS ? 1 : -1;
    return rate > 2 * LINE_SPEED_SLOW ? 0 : -1;
}

/* One frame alone may have met with a hiccup, but none is faster than its line. */
static void judge(struct line_speed *line)
{
    int slow = opinion(line), needed = line->measured ? VOTES : FIRST_VOTES;
    if (slow < 0)
        return;
    if (!slow)
        line->patience = LINE_SPEED_AGAIN_FAST;
    else if (!line->slow || line->patience < LINE_SPEED_AGAIN)
        line->patience = LINE_SPEED_AGAIN;
    line->votes = slow != line->slow ? line->votes + 1 : 0;
    line->measured |= !slow;
    if (line->votes < needed)
        return;
    line->measured = 1;
    line->slow = slow;
    line->votes = 0;
}

void line_speed_taken(struct line_speed *line, double now)
{
    double took = now - line->since;
    if (!line->known || took < line->trip)
        line->trip = took;
    line->known = 1;
    line->busy = took - line->trip;
    if (line->bytes >= BYTES_TELLING)
        line->told = now;
    judge(line);
}

int line_speed_asks(const struct line_speed *line, double now)
{
    return line->slow && now - line->told >= line->patience;
}

void line_speed_asked(struct line_speed *line, double now)
{
    line->told = now;
    line->patience = 2 * line->patience < LINE_SPEED_AGAIN_MOST ? 2 * line->patience : LINE_SPEED_AGAIN_MOST;
}

double line_speed_rest(const struct line_speed *line, int cells)
{
    double size = cells > 80 * 24 ? cells / (80.0 * 24.0) : 1;
    double rest = line->bytes / (LINE_SPEED_FRAME * size);
    rest = rest < 1 ? rest : 1; /* a full redraw must not leave the screen standing still */
    return rest > LINE_SPEED_REST * line->busy ? rest : LINE_SPEED_REST * line->busy;
}
