/* The Layers screen's bars: what a time is made of, one after the other, in their colours. */
#include "views/layers_view.h"

#include <math.h>
#include <string.h>

/* ---- phases ---- */

uint32_t layers_phase_color(enum phase phase)
{
    static const uint32_t colors[PHASE_COUNT] = {
        [PHASE_AUGMENT] = COLOR_DATA,      [PHASE_FORWARD] = COLOR_FORWARD, [PHASE_LOSS] = COLOR_LOSS,
        [PHASE_BACKWARD] = COLOR_BACKWARD, [PHASE_UPDATE] = COLOR_UPDATE,
    };
    return (unsigned)phase < PHASE_COUNT ? colors[phase] : COLOR_DEFAULT;
}

const char *layers_phase_mark(enum phase phase, int ascii)
{
    static const char *const marks[2][PHASE_COUNT] = {
        {[PHASE_AUGMENT] = "░",
         [PHASE_FORWARD] = "█",
         [PHASE_LOSS] = "▓",
         [PHASE_BACKWARD] = "▒",
         [PHASE_UPDATE] = "░"},
        {[PHASE_AUGMENT] = ":",
         [PHASE_FORWARD] = "=",
         [PHASE_LOSS] = "%",
         [PHASE_BACKWARD] = "#",
         [PHASE_UPDATE] = "+"},
    };
    return marks[ascii != 0][phase];
}

/* ---- bars ---- */

int layers_phase_segments(const double ms[PHASE_COUNT], struct layers_segment out[PHASE_COUNT])
{
    for (int p = 0; p < PHASE_COUNT; p++)
        out[p] = (struct layers_segment){ms[p],
                                         layers_phase_color((enum phase)p),
                                         {layers_phase_mark((enum phase)p, 0), layers_phase_mark((enum phase)p, 1)}};
    return PHASE_COUNT;
}

int layers_part_segments(const double ms[TIMING_PART_COUNT], struct layers_segment out[TIMING_PART_COUNT])
{
    static const struct layers_segment others[TIMING_PART_COUNT] = {
        [TIMING_DATA] = {0, COLOR_BAD, {"▚", "!"}},
        [TIMING_TRANSFER] = {0, COLOR_LR, {"▞", ">"}},
        [TIMING_EVALUATE] = {0, COLOR_RUN_C, {"▤", "o"}},
        [TIMING_OTHER] = {0, COLOR_DIM, {"·", "."}},
    };
    memcpy(out, others, sizeof others);
    for (int p = 0; p < PHASE_COUNT; p++) {
        struct layers_segment *segment = &out[timing_part_of((enum phase)p)];
        segment->color = layers_phase_color((enum phase)p);
        segment->mark[0] = layers_phase_mark((enum phase)p, 0);
        segment->mark[1] = layers_phase_mark((enum phase)p, 1);
    }
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        out[p].size = ms[p];
    return TIMING_PART_COUNT;
}

/* The segment that covers a place of a bar of that length; -1: behind its end. */
static int segment_at(const struct layers_segment *segments, int n, double sum, double length, double place)
{
    double done = 0;
    for (int i = 0; i < n; i++) {
        done += segments[i].size > 0 ? segments[i].size : 0;
        if (segments[i].size > 0 && place < done / sum * length)
            return i;
    }
    return -1;
}

/* Where a segment ends on that bar. */
static double segment_end(const struct layers_segment *segments, double sum, double length, int segment)
{
    double done = 0;
    for (int i = 0; i <= segment; i++)
        done += segments[i].size > 0 ? segments[i].size : 0;
    return done / sum * length;
}

/* The colour of a cell that one segment fills is its background too: its mark shows only where there are no colours. */
void layers_bar_draw(const struct layers_segment *segments, int n, double whole, struct grid *grid, struct rect line)
{
    static const char *const eighths[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += segments[i].size > 0 ? segments[i].size : 0;
    if (!(sum > 0) || !(whole > 0) || line.w <= 0 || line.h <= 0)
        return;
    double length = fmin(sum / whole, 1) * line.w;
    int whole_cells = grid->ascii || grid->few_colors; /* two colours in a cell need colours */
    length = fmax(length, whole_cells ? 0.51 : 0.125);
    for (int x = 0; x < line.w; x++) {
        int first = segment_at(segments, n, sum, length, x), last = segment_at(segments, n, sum, length, x + 15.0 / 16);
        struct rect cell = {line.x + x, line.y, 1, 1};
        int split = whole_cells || first < 0 ? 8 : (int)((segment_end(segments, sum, length, first) - x) * 8 + 0.5);
        if (whole_cells)
            first = last = segment_at(segments, n, sum, length, x + 0.5);
        if (first < 0)
            break;
        const struct layers_segment *a = &segments[first], *b = last < 0 ? NULL : &segments[last];
        if (a == b || split >= 8) {
            put_fill(grid, cell, a->color, a->color, a->mark[grid->ascii != 0]);
        } else if (b && split < 1) {
            put_fill(grid, cell, b->color, b->color, b->mark[0]);
        } else if (b) {
            put_fill(grid, cell, a->color, b->color, eighths[split - 1]);
        } else { /* the end: more than one may share its cell; the longest of them */
            int end = (int)((length - x) * 8 + 0.5), longest = segment_at(segments, n, sum, length, (x + length) / 2);
            if (end > 0)
                put_text(grid, line, cell.x, line.y, segments[longest].color, ATTR_NONE,
                         eighths[end > 7 ? 6 : end - 1]);
        }
    }
}
