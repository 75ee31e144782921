#include "views/figure_timing.h"

#include "views/figure_bars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADING 17.0
#define BETWEEN 12.0
#define UNKNOWN_LINE 11.0
#define WORK_LINE 11.0
#define WORK_LESS                                                                                                      \
    "Operations that are really done: Winograd's method multiplies less often than a direct convolution, which the "   \
    "tables' GFLOP/s count."
#define WORK_UNKNOWN "Where a library does not say which method it takes, a direct convolution's."

/* ---- rows as bars ---- */

/* The first `depth` parts of a row's name; depth 0: all of it. */
static int name_length(const char *name, int depth)
{
    const char *at = name;
    for (int i = 0; i < depth; i++) {
        at += strcspn(at, "/");
        if (*at == '\0' || i == depth - 1)
            break;
        at++;
    }
    return depth > 0 ? (int)(at - name) : (int)strlen(name);
}

/* The item of that name; n when there is none yet. */
static int find_item(const struct figure_timing_item *items, int n, const char *name, int length)
{
    for (int i = 0; i < n; i++)
        if ((int)strlen(items[i].label) == length && strncmp(items[i].label, name, (size_t)length) == 0)
            return i;
    return n;
}

static void add_sums(struct figure_timing_item *item, const struct timing *timing, int row)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        struct timing_sum sum = timing_sum(timing, row, 1u << p);
        timing_sum_add(&item->phase[p], &sum);
    }
    struct timing_sum all = timing_sum(timing, row, TIMING_ALL_PHASES);
    timing_sum_add(&item->all, &all);
}

static int make_items(const struct timing *timing, int depth, struct figure_timing_item *items)
{
    int n = 0;
    for (int row = -1; row < timing->n_rows; row++) {
        const char *name = row < 0 ? "(all rows)" : timing->rows[row].name;
        int length = name_length(name, row < 0 ? 0 : depth);
        if (timing_sum(timing, row, TIMING_ALL_PHASES).steps == 0)
            continue;
        int at = find_item(items, n, name, length);
        if (at == n) {
            items[n] = (struct figure_timing_item){.all = {0}};
            snprintf(items[n++].label, sizeof items->label, "%.*s", length, name);
        }
        add_sums(&items[at], timing, row);
    }
    return n;
}

/* ", act, pool": the rows that are fused into this one, by the ends of their names. */
static void add_fused(const struct timing *timing, int row, char *label, size_t size)
{
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        if (step->n_rows < 2 || step->rows[0] != row || step->phase != PHASE_FORWARD)
            continue;
        for (int k = 1; k < step->n_rows; k++) {
            const char *name = timing->rows[step->rows[k]].name, *slash = strrchr(name, '/');
            size_t used = strlen(label);
            snprintf(label + used, size - used, ", %s", slash ? slash + 1 : name);
        }
    }
}

int figure_timing_items(const struct timing *timing, struct figure_timing_item *items)
{
    int depth = 0, n = make_items(timing, 0, items);
    if (n > FIGURE_TIMING_ROWS)
        for (depth = 3; depth > 0; depth--) {
            n = make_items(timing, depth, items);
            if (n <= FIGURE_TIMING_ROWS)
                break;
        }
    for (int i = 0; i < n; i++) {
        char name[sizeof items->label];
        snprintf(name, sizeof name, "%s", items[i].label);
        for (int row = 0; row < timing->n_rows && depth == 0; row++)
            if (strcmp(timing->rows[row].name, items[i].label) == 0)
                add_fused(timing, row, name, sizeof name);
        snprintf(items[i].label, sizeof items->label, "%.140s  %d", name, i + 1);
    }
    return n;
}

/* ---- the panels ---- */

struct figure_segment figure_timing_segment(enum timing_part part)
{
    static const struct {
        uint32_t color;
        enum figure_hatch hatch;
    } how[TIMING_PART_COUNT] = {
        [TIMING_DATA] = {COLOR_DATA, FIGURE_UPRIGHT},
        [TIMING_AUGMENT] = {COLOR_RGB | 0x8FD3C4, FIGURE_CROSSED},
        [TIMING_TRANSFER] = {COLOR_RGB | 0xB9A48E, FIGURE_FALLING},
        [TIMING_FORWARD] = {COLOR_FORWARD, FIGURE_RISING},
        [TIMING_LOSS] = {COLOR_LOSS, FIGURE_LEVEL},
        [TIMING_BACKWARD] = {COLOR_BACKWARD, FIGURE_PLAIN},
        [TIMING_UPDATE] = {COLOR_UPDATE, FIGURE_DOTS},
        [TIMING_EVALUATE] = {COLOR_RGB | 0x9A7FC0, FIGURE_DENSE},
        [TIMING_OTHER] = {COLOR_RGB | 0xE4E6EA, FIGURE_PLAIN},
    };
    return (struct figure_segment){timing_part_name(part), how[part].color, how[part].hatch};
}

/* Decimals at which three digits of a time are seen. */
static int decimals_for(double ms)
{
    return ms >= 1000 ? 0 : ms >= 100 ? 1 : ms >= 10 ? 2 : 3;
}

static double draw_heading(struct figure *figure, const char *letter, const char *text, struct figure_box *box)
{
    const struct figure_font font = {FIGURE_TEXT_SIZE, 1, COLOR_DEFAULT};
    char line[256], cut[256];
    snprintf(line, sizeof line, "%s   %s", letter, text);
    if (box->h >= HEADING)
        figure_text(figure, box->x, box->y + 6, FIGURE_LEFT, &font,
                    figure_text_cut(figure, &font, line, box->w, cut, sizeof cut));
    box->y += HEADING;
    box->h -= HEADING;
    return HEADING;
}

/* Moves the box's top down by what was drawn. */
static void skip(struct figure_box *box, double height)
{
    box->y += height;
    box->h = fmax(box->h - height, 0);
}

struct rows {
    struct figure_bars bars;
    struct figure_bar *bar;
    char (*note)[32];
    int has_floor;
};

/* "12.3 %"; what is there and rounds to nothing is no 0. */
static const char *share_text(double percent, char *out, size_t size)
{
    int little = percent > 0 && percent < 0.05;
    snprintf(out, size, "%s%.1f %%", little ? "<" : "", little ? 0.1 : percent);
    return out;
}

/* bar and note are malloc'ed; -1 without memory. */
static int make_rows(const struct timing *timing, const struct figure_timing_item *items, int n, struct rows *rows)
{
    double step = timing_step_ms(timing);
    *rows = (struct rows){.bar = calloc((size_t)n + 1, sizeof *rows->bar), .note = calloc((size_t)n + 1, 32)};
    if (!rows->bar || !rows->note)
        return -1;
    rows->bars = (struct figure_bars){.kind = FIGURE_STACKED,
                                      .axis = "time per training step (ms)",
                                      .n_segments = PHASE_COUNT,
                                      .bars = rows->bar,
                                      .n_bars = n,
                                      .decimals = decimals_for(step / 4),
                                      .max = NAN,
                                      .no_legend = 1};
    for (int p = 0; p < PHASE_COUNT; p++)
        rows->bars.segment[p] = figure_timing_segment(timing_part_of((enum phase)p));
    for (int i = 0; i < n; i++) {
        rows->bar[i] = (struct figure_bar){.label = items[i].label, .marker = items[i].all.floor_ms};
        for (int p = 0; p < PHASE_COUNT; p++)
            rows->bar[i].value[p] = items[i].phase[p].steps > 0 ? items[i].phase[p].ms : (double)NAN;
        if (isfinite(items[i].all.ms) && isfinite(step)) {
            share_text(100 * items[i].all.ms / step, rows->note[i], 32);
            rows->bar[i].note = rows->note[i];
        }
        rows->has_floor |= isfinite(items[i].all.floor_ms);
    }
    return 0;
}

static void release_rows(struct rows *rows)
{
    free(rows->bar);
    free(rows->note);
}

static int has_hidden(const struct timing *timing)
{
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (timing->hidden_ms[p] > 0)
            return 1;
    return 0;
}

static void make_parts(const struct timing *timing, struct figure_bar bar[2], struct figure_bars *bars)
{
    *bars = (struct figure_bars){.kind = FIGURE_STACKED,
                                 .axis = "time of all threads per training step (thread-ms)",
                                 .n_segments = TIMING_PART_COUNT,
                                 .bars = bar,
                                 .n_bars = 1 + has_hidden(timing),
                                 .max = NAN,
                                 .inside = 1,
                                 .no_legend = 1};
    bar[0] = (struct figure_bar){.label = has_hidden(timing) ? "waited for" : "step", .marker = NAN};
    bar[1] = (struct figure_bar){.label = "beside it", .marker = NAN};
    double sum = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        bars->segment[p] = figure_timing_segment((enum timing_part)p);
        bar[0].value[p] = timing_part_ms(timing, (enum timing_part)p);
        bar[1].value[p] = timing->hidden_ms[p];
    }
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        sum += isfinite(bar[0].value[p]) ? bar[0].value[p] : 0;
    bars->decimals = decimals_for(sum);
}

/* "thread-ms: forward 36.8 (35.4 %), ...": what is too short to be seen in the bar as well. Returns the height. */
static double list_parts(struct figure *figure, const struct figure_bars *bars, struct figure_box box)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DIM};
    char text[64 * TIMING_PART_COUNT] = "", share[32];
    size_t used = 0;
    double sum = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        sum += isfinite(bars->bars[0].value[p]) ? bars->bars[0].value[p] : 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        double ms = bars->bars[0].value[p];
        if (isfinite(ms))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %.*f (%s)",
                                     used ? ", " : "thread-ms per step: ", bars->segment[p].name, decimals_for(ms), ms,
                                     share_text(sum > 0 ? 100 * ms / sum : 0, share, sizeof share));
    }
    return used ? figure_paragraph(figure, box, &font, 11, 0, text) + 3 : 0;
}

/* One legend for (a) and (b). */
static double draw_legend(struct figure *figure, const struct timing *timing, int has_floor, struct figure_box box)
{
    struct figure_key keys[TIMING_PART_COUNT + 1];
    int n = 0, parts = timing_has_parts(timing);
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        int known = parts && (isfinite(timing->part_ms[p]) || timing->hidden_ms[p] > 0);
        for (int q = 0; q < PHASE_COUNT; q++)
            known |= (int)timing_part_of((enum phase)q) == p;
        struct figure_segment s = figure_timing_segment((enum timing_part)p);
        if (known)
            keys[n++] = (struct figure_key){.name = s.name, .color = s.color, .filled = 1, .hatch = s.hatch};
    }
    if (has_floor)
        keys[n++] =
            (struct figure_key){.name = "floor: at the measured ceilings", .mark = FIGURE_TICK, .color = COLOR_TITLE};
    return figure_legend(figure, box, keys, n, 0) + 8;
}

static void draw_bound(struct figure *figure, const struct timing_bound *bound, struct figure_box *box)
{
    struct figure_bar bar = {
        .label = "step", .value = {bound->compute, bound->bandwidth, bound->overhead}, .marker = NAN};
    char names[3][64];
    double percent[3];
    timing_bound_round(bound, 1, percent);
    snprintf(names[0], 64, "compute %.1f %%", percent[0]);
    snprintf(names[1], 64, "bandwidth %.1f %%", percent[1]);
    snprintf(names[2], 64, "overhead %.1f %%", percent[2]);
    const struct figure_bars bars = {.kind = FIGURE_STACKED,
                                     .axis = "share of a training step (%)",
                                     .segment = {{names[0], COLOR_RGB | 0x2B6CA3, FIGURE_PLAIN},
                                                 {names[1], COLOR_RGB | 0xE0B04A, FIGURE_FALLING},
                                                 {names[2], COLOR_RGB | 0xE4E6EA, FIGURE_PLAIN}},
                                     .n_segments = 3,
                                     .bars = &bar,
                                     .n_bars = 1,
                                     .decimals = -1,
                                     .max = 100};
    double height = figure_bars_height(&bars);
    char heading[128];
    snprintf(heading, sizeof heading, "What bounds a step of %.*f ms, whose floor is %.*f ms",
             decimals_for(bound->train_ms), bound->train_ms, decimals_for(bound->floor_ms), bound->floor_ms);
    draw_heading(figure, "c", heading, box);
    figure_bars_draw(figure, &bars, (struct figure_box){box->x, box->y, box->w, fmin(box->h, height)});
    skip(box, height + BETWEEN);
}

/* Why the ceilings are not to be believed, where a step disproves them, or not quite. Returns the height. */
static double draw_doubt(struct figure *figure, const struct timing *timing, struct figure_box box)
{
    const struct figure_font font = {FIGURE_TEXT_SIZE, 0, COLOR_DEFAULT};
    const struct figure_font small = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT};
    char why[256];
    if (timing_doubtful(timing))
        return figure_paragraph(figure, box, &small, 11, 0, "Note: " TIMING_DOUBT) + BETWEEN;
    return timing_disproved(timing, why, sizeof why) ? figure_paragraph(figure, box, &font, 13, 0, why) + BETWEEN : 0;
}

/* Which operations the roofline counts, where they are not those of the tables; NULL: they are. */
static const char *work_note(const struct figure_timing_item *items, int n)
{
    int less = 0, unknown = 0;
    for (int i = 0; i < n; i++) {
        less |= items[i].all.work < items[i].all.flops;
        unknown |= items[i].all.flops > 0 && isnan(items[i].all.work);
    }
    return less && unknown ? WORK_LESS " " WORK_UNKNOWN : less ? WORK_LESS : unknown ? WORK_UNKNOWN : NULL;
}

static int has_bound(const struct timing_bound *bound)
{
    return isfinite(bound->compute) && isfinite(bound->bandwidth) && isfinite(bound->overhead);
}

static int has_phase(const struct timing *timing, enum timing_part part)
{
    for (int i = 0; i < timing->n_steps; i++)
        if (timing_part_of(timing->steps[i].phase) == part)
            return 1;
    return 0;
}

static int is_unknown(const struct timing *timing, enum timing_part part)
{
    if (!isnan(timing_part_ms(timing, part)) || timing->hidden_ms[part] > 0)
        return 0;
    if (part == TIMING_EVALUATE) /* there may have been none yet */
        return !timing_has_parts(timing);
    return part == TIMING_DATA || part == TIMING_TRANSFER || part == TIMING_OTHER || has_phase(timing, part);
}

/* "not known: data, transfer, what bounds a step"; 0: nothing is left out, or it is said why (draw_doubt). */
static size_t unknown_text(const struct timing *timing, const struct timing_bound *bound, char *out, size_t size)
{
    size_t used = 0;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (is_unknown(timing, (enum timing_part)p))
            used += (size_t)snprintf(out + used, size - used, "%s%s",
                                     used ? ", " : "not known: ", timing_part_name((enum timing_part)p));
    if (!has_bound(bound) && !timing_disproved(timing, NULL, 0))
        used += (size_t)snprintf(out + used, size - used, "%swhat bounds a step", used ? ", " : "not known: ");
    return used;
}

/* Returns the height. */
static double draw_unknown(struct figure *figure, const struct timing *timing, const struct timing_bound *bound,
                           struct figure_box box)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DIM};
    char text[256];
    if (unknown_text(timing, bound, text, sizeof text) == 0)
        return 0;
    return figure_paragraph(figure, box, &font, UNKNOWN_LINE, 0, text) + BETWEEN;
}

double figure_timing_height(const struct timing *timing)
{
    struct figure_timing_item *items = calloc((size_t)timing->n_rows + 1, sizeof *items);
    struct timing_bound bound = timing_bound(timing);
    double height = 500;
    char unknown[256];
    if (items) {
        int n = figure_timing_items(timing, items);
        struct figure_bars rows = {.n_bars = 0, .no_legend = 1};
        height = 2 * 13 + 8 + HEADING + n * 15.0 + figure_bars_height(&rows) + BETWEEN; /* legend, (a) */
        height += HEADING + 25 + (1 + has_hidden(timing)) * 15.0 + figure_bars_height(&rows) + BETWEEN; /* (b) */
        if (unknown_text(timing, &bound, unknown, sizeof unknown) > 0)
            height += UNKNOWN_LINE + BETWEEN;
        if (has_bound(&bound))
            height += HEADING + 13 + 6 + 15 + figure_bars_height(&rows) + BETWEEN;
        if (timing_disproved(timing, NULL, 0))
            height += 2 * 13 + BETWEEN;
        else if (timing_doubtful(timing))
            height += 11 + BETWEEN;
        height += HEADING + (figure_roofline_has(items, n) ? FIGURE_ROOFLINE_HEIGHT : 0);
        height += work_note(items, n) ? 2 * WORK_LINE : 0;
    }
    free(items);
    return height;
}

void figure_timing_draw(struct figure *figure, const struct timing *timing, struct figure_box box)
{
    struct figure_timing_item *items = calloc((size_t)timing->n_rows + 1, sizeof *items);
    struct timing_bound bound = timing_bound(timing);
    struct rows rows = {.bar = NULL};
    int n = items ? figure_timing_items(timing, items) : 0;
    if (!items || make_rows(timing, items, n, &rows) < 0) {
        figure_fail(figure);
        goto end;
    }
    skip(&box, draw_legend(figure, timing, rows.has_floor, box));
    draw_heading(figure, "a", "Rows of the network, in their order: time, and share of the step", &box);
    double height = figure_bars_height(&rows.bars);
    figure_bars_draw(figure, &rows.bars, (struct figure_box){box.x, box.y, box.w, fmin(height, box.h)});
    skip(&box, height + BETWEEN);
    struct figure_bar bar[2];
    struct figure_bars parts;
    make_parts(timing, bar, &parts);
    char text[160], in_all[48] = "";
    double thread_ms = timing->threads * timing->wall_ms;
    if (timing->threads > 1) /* what the bar adds up to */
        snprintf(in_all, sizeof in_all, ", %.*f thread-ms", decimals_for(thread_ms), thread_ms);
    if (timing_has_parts(timing) && isfinite(timing->wall_ms))
        snprintf(text, sizeof text, "Where the time of %d thread%s goes: %.*f ms a step%s%s", timing->threads,
                 timing->threads == 1 ? "" : "s", decimals_for(timing->wall_ms), timing->wall_ms, in_all,
                 isfinite(timing->part_ms[TIMING_EVALUATE]) ? ", evaluation included" : "");
    else
        snprintf(text, sizeof text, "Phases of a step");
    draw_heading(figure, "b", text, &box);
    skip(&box, list_parts(figure, &parts, box));
    height = figure_bars_height(&parts);
    figure_bars_draw(figure, &parts, (struct figure_box){box.x, box.y, box.w, fmin(height, box.h)});
    skip(&box, height + BETWEEN);
    skip(&box, draw_unknown(figure, timing, &bound, box));
    if (has_bound(&bound))
        draw_bound(figure, &bound, &box);
    skip(&box, draw_doubt(figure, timing, box));
    if (figure_roofline_has(items, n)) {
        draw_heading(figure, has_bound(&bound) ? "d" : "c", "Roofline: the numbers are those of the bars above", &box);
        const struct figure_font small = {FIGURE_SMALL_SIZE, 0, COLOR_DIM};
        if (work_note(items, n))
            skip(&box, figure_paragraph(figure, box, &small, WORK_LINE, 0, work_note(items, n)));
        figure_roofline_draw(figure, timing, items, n, box);
    } else {
        draw_heading(figure, has_bound(&bound) ? "d" : "c", "No roofline: operations and bytes are not known", &box);
    }
end:
    release_rows(&rows);
    free(items);
}
