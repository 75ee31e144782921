/* The Layers screen's bars: phases of a time after each other, in their colours. */
#include "views/layers_view.h"

#include <math.h>

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

/* The phase that covers a place of a bar of that length; -1: behind its end. */
static int phase_at(const double ms[PHASE_COUNT], double sum, double length, double place)
{
    double done = 0;
    for (int p = 0; p < PHASE_COUNT; p++) {
        done += ms[p] > 0 ? ms[p] : 0;
        if (ms[p] > 0 && place < done / sum * length)
            return p;
    }
    return -1;
}

/* Where a phase ends on that bar. */
static double phase_end(const double ms[PHASE_COUNT], double sum, double length, int phase)
{
    double done = 0;
    for (int p = 0; p <= phase; p++)
        done += ms[p] > 0 ? ms[p] : 0;
    return done / sum * length;
}

/* The colour of a cell that one phase fills is its background too: its mark shows only where there are no colours. */
void layers_bar_draw(const double ms[PHASE_COUNT], double whole, struct grid *grid, struct rect line)
{
    static const char *const eighths[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double sum = 0;
    for (int p = 0; p < PHASE_COUNT; p++)
        sum += ms[p] > 0 ? ms[p] : 0;
    if (!(sum > 0) || !(whole > 0) || line.w <= 0 || line.h <= 0)
        return;
    double length = fmin(sum / whole, 1) * line.w;
    int whole_cells = grid->ascii || grid->few_colors; /* two colours in a cell need colours */
    length = fmax(length, whole_cells ? 0.51 : 0.125);
    for (int x = 0; x < line.w; x++) {
        int first = phase_at(ms, sum, length, x), middle = phase_at(ms, sum, length, x + 0.5);
        int last = phase_at(ms, sum, length, x + 15.0 / 16);
        struct rect cell = {line.x + x, line.y, 1, 1};
        int split = whole_cells || first < 0 ? 8 : (int)((phase_end(ms, sum, length, first) - x) * 8 + 0.5);
        if (whole_cells)
            first = last = middle;
        if (first < 0)
            break;
        if (first == last || split >= 8) {
            put_fill(grid, cell, layers_phase_color((enum phase)first), layers_phase_color((enum phase)first),
                     layers_phase_mark((enum phase)first, grid->ascii));
        } else if (last >= 0 && split < 1) {
            put_fill(grid, cell, layers_phase_color((enum phase)last), layers_phase_color((enum phase)last),
                     layers_phase_mark((enum phase)last, 0));
        } else if (last >= 0) {
            put_fill(grid, cell, layers_phase_color((enum phase)first), layers_phase_color((enum phase)last),
                     eighths[split - 1]);
        } else { /* the end: more phases than one may share its cell; the longest of them */
            int end = (int)((length - x) * 8 + 0.5);
            if (end > 0)
                put_text(grid, line, cell.x, line.y,
                         layers_phase_color((enum phase)phase_at(ms, sum, length, (x + length) / 2)), ATTR_NONE,
                         eighths[end > 7 ? 6 : end - 1]);
        }
    }
}
