/* The Layers screen's explanation of the step: what all threads did, and what bounds it. */
#include "views/layers_view.h"

#include "views/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int layers_parts_known(const struct layers_model *model, double *all)
{
    int known = 0;
    *all = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (isfinite(model->timing.part_ms[p])) {
            *all += model->timing.part_ms[p];
            known++;
        }
    return known > 0 && *all > 0;
}

/* ---- what threads did ---- */

/* "data 0.3 %"; returns the columns with the mark before it and the gap after it. */
static int entry_text(const struct layers_model *model, int part, double all, char *out, size_t size)
{
    char share[32];
    snprintf(out, size, "%s %s", timing_part_name((enum timing_part)part),
             layers_share(model->timing.part_ms[part], all, share, sizeof share));
    return 2 + text_width(out) + 2;
}

/* The least of those that are to be shown. */
static int smallest(const double ms[TIMING_PART_COUNT], const unsigned char shown[TIMING_PART_COUNT])
{
    int least = -1;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (shown[p] && (least < 0 || ms[p] < ms[least]))
            least = p;
    return least;
}

/* In the order of the bar; where it is tight the longest ones, where there is room what was done meanwhile as well. */
void layers_legend_draw(const struct layers_model *model, struct grid *grid, struct rect line)
{
    const double *ms = model->timing.part_ms, *hidden = model->timing.hidden_ms;
    struct layers_segment segments[TIMING_PART_COUNT];
    unsigned char shown[TIMING_PART_COUNT];
    char text[64], share[32];
    double all;
    if (line.h <= 0 || !layers_parts_known(model, &all))
        return;
    layers_part_segments(ms, segments);
    int threads = model->timing.threads, x = line.x, need = 0;
    x += put_format(grid, line, x, line.y, COLOR_DIM, ATTR_NONE, threads == 1 ? "1 thread  " : "%d threads  ", threads);
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        shown[p] = isfinite(ms[p]);
        need += shown[p] ? entry_text(model, p, all, text, sizeof text) : 0;
    }
    for (int p; need - 2 > line.x + line.w - x && (p = smallest(ms, shown)) >= 0; shown[p] = 0)
        need -= entry_text(model, p, all, text, sizeof text);
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        if (!shown[p])
            continue;
        int width = entry_text(model, p, all, text, sizeof text);
        put_fill(grid, (struct rect){x, line.y, 1, 1}, segments[p].color, segments[p].color,
                 segments[p].mark[grid->ascii != 0]);
        put_text(grid, line, x + 2, line.y, COLOR_DEFAULT, ATTR_NONE, text);
        x += width;
    }
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        if (!(hidden[p] > 0))
            continue;
        snprintf(text, sizeof text, "%s %s beside it", timing_part_name((enum timing_part)p),
                 layers_share(hidden[p], all, share, sizeof share));
        if (x + text_width(text) <= line.x + line.w)
            x += put_text(grid, line, x, line.y, COLOR_DIM, ATTR_NONE, text) + 2;
    }
}

/* ---- what bounds the step ---- */

/* A line in pieces: the first is what the eye should find. */
struct bound_text {
    char before[16], first[32], rest[64], floor[160], doubt[64];
};

static int width_of(const struct bound_text *text)
{
    return text_width(text->before) + text_width(text->first) + text_width(text->rest) + text_width(text->floor) +
           text_width(text->doubt);
}

struct bound_part {
    const char *name;
    int percent;
};

/* Beside the floor, where other programs ran when the ceilings were measured. */
static const char *const doubts[] = {"; other programs ran when that was measured", "; measured on a busy machine",
                                     " (busy machine)", " (busy)"};
enum { FORMS = 6, DOUBTS = sizeof doubts / sizeof *doubts };

/* The longest form that fits. form 0: the longest; 5: the last. */
static void make_text(const struct layers_model *model, const struct timing_bound *bound,
                      const struct bound_part part[3], int form, const char *by, struct bound_text *text)
{
    char number[32], whole[32], images[32];
    double times = bound->train_ms / bound->floor_ms, rate = timing_images_per_second(&model->timing);
    memset(text, 0, sizeof *text);
    if (form < 4)
        snprintf(text->before, sizeof text->before, "bound by ");
    snprintf(text->first, sizeof text->first, "%s %d %%", part[0].name, part[0].percent);
    if (form < 4)
        snprintf(text->rest, sizeof text->rest, ", %s %d %%, %s %d %%", part[1].name, part[1].percent, part[2].name,
                 part[2].percent);
    layers_time(model, bound->floor_ms, number, sizeof number);
    layers_time(model, bound->train_ms, whole, sizeof whole);
    format_count(rate, images, sizeof images);
    if (form == 0 && isfinite(rate))
        snprintf(text->floor, sizeof text->floor, "   whole %s %s %s, %s img/s, %.2f %s its floor of %s %s",
                 model->per_epoch ? "epoch" : "step", whole, layers_unit(model), images, times, by, number,
                 layers_unit(model));
    else if (form < 2)
        snprintf(text->floor, sizeof text->floor, "   the step takes %.2f %s its floor of %s %s", times, by, number,
                 layers_unit(model));
    else if (form == 2)
        snprintf(text->floor, sizeof text->floor, "  %.2f %s floor, %s %s", times, by, number, layers_unit(model));
    else if (form < 5)
        snprintf(text->floor, sizeof text->floor, "  %.2f %s floor", times, by);
}

void layers_bound_draw(const struct layers_model *model, struct grid *grid, struct rect line)
{
    struct timing_bound bound = timing_bound(&model->timing);
    struct bound_text text;
    if (line.h <= 0)
        return;
    char why[256];
    if (timing_disproved(&model->timing, why, sizeof why)) {
        put_cut(grid, line, COLOR_DIM, ATTR_NONE, why);
        return;
    }
    if (isnan(bound.overhead)) {
        put_cut(grid, line, COLOR_DIM, ATTR_NONE,
                "what bounds the step is not known: the machine's ceilings were not measured");
        return;
    }
    double percent[3];
    timing_bound_round(&bound, 0, percent);
    struct bound_part part[3] = {
        {"compute", (int)percent[0]}, {"bandwidth", (int)percent[1]}, {"overhead", (int)percent[2]}};
    for (int i = 0; i < 3; i++) /* the largest first */
        for (int k = i + 1; k < 3; k++)
            if (part[k].percent > part[i].percent) {
                struct bound_part larger = part[k];
                part[k] = part[i];
                part[i] = larger;
            }
    int doubtful = timing_doubtful(&model->timing), fits = 0;
    for (int form = 0; form < FORMS && !fits; form++)
        for (int d = doubtful && form < FORMS - 1 ? 0 : DOUBTS - 1; d < DOUBTS && !fits; d++) {
            make_text(model, &bound, part, form, grid->ascii ? "x" : "×", &text);
            if (doubtful && form < FORMS - 1)
                snprintf(text.doubt, sizeof text.doubt, "%s", doubts[d]);
            fits = width_of(&text) <= line.w;
        }
    int x = line.x;
    x += put_text(grid, line, x, line.y, COLOR_DIM, ATTR_NONE, text.before);
    x += put_text(grid, line, x, line.y, COLOR_ACCENT, ATTR_BOLD, text.first);
    x += put_text(grid, line, x, line.y, COLOR_DEFAULT, ATTR_NONE, text.rest);
    x += put_text(grid, line, x, line.y, COLOR_DIM, ATTR_NONE, text.floor);
    put_text(grid, line, x, line.y, COLOR_WARN, ATTR_NONE, text.doubt);
}
