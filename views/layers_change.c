/* The Layers screen beside another run: what changed, in which colour, and the line that says against which run. */
#include "views/layers_view.h"

#include "views/format.h"
#include "views/frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

uint32_t layers_change_color(enum timing_diff_verdict verdict)
{
    switch (verdict) {
    case TIMING_DIFF_DIFFERS: /* neither good nor bad: no verdict */
        return COLOR_DEFAULT;
    case TIMING_DIFF_ONLY_A:
    case TIMING_DIFF_ONLY_B:
        return COLOR_ACCENT;
    default:
        return COLOR_DIM;
    }
}

const char *layers_change_word(enum timing_diff_verdict verdict)
{
    return verdict == TIMING_DIFF_ONLY_A    ? "only there"
           : verdict == TIMING_DIFF_ONLY_B  ? "only here"
           : verdict == TIMING_DIFF_NOISE   ? "within the noise"
           : verdict == TIMING_DIFF_DIFFERS ? "these two runs only"
                                            : timing_diff_verdict_name(verdict);
}

const char *layers_signed(const struct layers_model *model, double ms, char *out, size_t size)
{
    char number[32];
    layers_time(model, fabs(ms), number, sizeof number);
    int plain = number[0] == '<' || number[0] == '-' || ms == 0;
    snprintf(out, size, "%s%s", plain ? "" : ms < 0 ? "-" : "+", number);
    return out;
}

const char *layers_change_percent(const struct layers_change *change, char *out, size_t size)
{
    double percent = 100 * change->change / change->a;
    if (!isfinite(percent))
        snprintf(out, size, "-");
    else if (fabs(percent) < 0.05)
        snprintf(out, size, change->change == 0 ? "0.0 %%" : "<0.1 %%");
    else
        snprintf(out, size, fabs(percent) < 999.95 ? "%+.1f %%" : "%+.0f %%", percent);
    return out;
}

/* The longest form that fits, the first piece said loudest. */
void layers_against_draw(const struct layers_model *model, struct grid *grid, struct rect line)
{
    struct layers_change change = layers_total_change(model);
    char before[200], percent[32], rest[200] = "", there[32], here[32], by[32], low[32], high[32];
    const char *what = model->per_epoch ? "epoch" : "step", *unit = layers_unit(model);
    int missing = layers_only_there(model);
    if (line.h <= 0)
        return;
    layers_time(model, change.a, there, sizeof there);
    layers_time(model, change.b, here, sizeof here);
    layers_signed(model, change.change, by, sizeof by);
    layers_signed(model, change.low, low, sizeof low);
    layers_signed(model, change.high, high, sizeof high);
    layers_change_percent(&change, percent, sizeof percent);
    for (int form = 0; form < 5; form++) {
        snprintf(before, sizeof before, form < 4 ? "against %s: " : "vs %s ", model->against.name);
        int n = 0;
        if (form < 3)
            n = snprintf(rest, sizeof rest, " a%s %s: %s", what[0] == 'e' ? "n" : "", what,
                         layers_change_word(change.verdict));
        if (form < 2)
            n += snprintf(rest + n, sizeof rest - (size_t)n, "; from %s to %s %s", there, here, unit);
        if (form == 0)
            n += snprintf(rest + n, sizeof rest - (size_t)n, "; by how steps vary %s to %s %s", low, high, unit);
        if (form < 3 && missing > 0)
            n += snprintf(rest + n, sizeof rest - (size_t)n, "; %d row%s only there", missing, missing == 1 ? "" : "s");
        if (n == 0)
            rest[0] = '\0';
        if (text_width(before) + text_width(by) + 1 + text_width(unit) + 2 + text_width(percent) + text_width(rest) <=
            line.w)
            break;
    }
    uint32_t color = layers_change_color(change.verdict);
    int room = line.w - text_width(percent);
    int x = line.x + put_squeezed(grid, (struct rect){line.x, line.y, room < text_width(before) ? room : line.w, 1},
                                  COLOR_DIM, ATTR_NONE, before);
    if (x + text_width(by) + text_width(unit) + 3 + text_width(percent) <= line.x + line.w)
        x += put_format(grid, line, x, line.y, color, ATTR_BOLD, "%s %s, ", by, unit);
    x += put_text(grid, line, x, line.y, color, ATTR_BOLD, percent);
    put_text(grid, line, x, line.y, COLOR_DIM, ATTR_NONE, rest);
}
