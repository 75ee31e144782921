#include "views/figure_ablate.h"

#include "views/figure_bars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADING 18.0
#define LINE 11.5
#define BETWEEN 8.0
#define TABLE_MAX 40   /* lines of (b) */
#define DIFFERENT 0.02 /* of the full step: what (b) is about */

/* The convolutions, then the costs from the last removed to the first. */
static const struct {
    uint32_t color;
    enum figure_hatch hatch;
} looks[ABLATE_COST_COUNT] = {
    {COLOR_FORWARD, FIGURE_PLAIN}, {COLOR_BACKWARD, FIGURE_RISING}, {COLOR_LOSS, FIGURE_DOTS},
    {COLOR_LR, FIGURE_FALLING},    {COLOR_UPDATE, FIGURE_CROSSED},  {COLOR_DATA, FIGURE_LEVEL},
};

static int cost_of(int segment)
{
    return ABLATE_COST_COUNT - 1 - segment;
}

/* Microseconds per image. */
static double per_image(const struct ablate_summary *s, double ms)
{
    return 1e3 * ms / s->batch;
}

static const char *number(double value, char out[32])
{
    if (!isfinite(value))
        return strcpy(out, "-");
    if (fabs(value) < 0.005)
        value = 0; /* not "-0.00" */
    snprintf(out, 32, "%.*f", fabs(value) < 10 ? 2 : fabs(value) < 100 ? 1 : 0, value);
    return out;
}

/* ---- (a) ---- */

struct pairs {
    struct figure_bars bars;
    struct figure_bar *bar;
    struct {
        char label[48], note[64];
    } * text; /* of each bar */
};

/* Below 0, and not in every round of several: nothing that a part could cost. */
static int is_noise(const struct ablate_summary *s, const struct ablate_cost *cost)
{
    return cost->ms < 0 && (s->variant[ABLATE_FULL].rounds < 2 || (cost->low <= 0 && cost->high >= 0));
}

/* Of the bar by removal; its total is still that of the step. */
static void leave_out_noise(const struct ablate_summary *s, struct figure_bar *bar, char *note, size_t size)
{
    double total = 0;
    int n = 0;
    for (int segment = 0; segment < ABLATE_COST_COUNT; segment++) {
        double *value = &bar->value[segment];
        total += isfinite(*value) ? *value : 0;
        if (!is_noise(s, &s->cost[cost_of(segment)]))
            continue;
        *value = 0;
        n++;
    }
    if (n == 0)
        return;
    bar->total = total;
    snprintf(note, size, "%d part%s below 0, not drawn%s", n, n == 1 ? "" : "s",
             bar->note ? "; others not measured yet" : "");
    bar->note = note;
}

/* By removal, and by timers. */
static void make_pair(const struct ablate_summary *s, int first, struct pairs *pairs, int i)
{
    struct figure_bar *bar = &pairs->bar[2 * i];
    double between = s->variant[ABLATE_FULL].part_ms[ABLATE_BETWEEN];
    char text[32];
    for (int k = 0; k < 2; k++) {
        snprintf(pairs->text[2 * i + k].label, sizeof pairs->text->label, k ? "its timers" : "batch %d, by removal",
                 s->batch);
        bar[k] = (struct figure_bar){.label = pairs->text[2 * i + k].label, .marker = NAN};
        for (int segment = 0; segment < ABLATE_COST_COUNT; segment++) {
            const struct ablate_cost *cost = &s->cost[cost_of(segment)];
            bar[k].value[segment] = per_image(s, k ? cost->step : cost->ms);
        }
    }
    bar[0].heading = first ? s->preset : NULL;
    bar[0].apart = !first;
    bar[0].marker = per_image(s, s->bound_ms);
    bar[0].note = isfinite(s->variant[ABLATE_CONVOLUTIONS].ms) ? NULL : "without what is not measured yet";
    leave_out_noise(s, bar, pairs->text[2 * i].note, sizeof pairs->text->note);
    if (isfinite(between)) {
        snprintf(pairs->text[2 * i + 1].note, sizeof pairs->text->note, "and %s between steps",
                 number(per_image(s, between), text));
        bar[1].note = pairs->text[2 * i + 1].note;
    }
}

/* bar and text are malloc'ed; -1 without memory. */
static int make_pairs(const struct ablate_summary *list, int count, struct pairs *pairs)
{
    *pairs = (struct pairs){.bar = calloc(2 * (size_t)count + 1, sizeof *pairs->bar),
                            .text = calloc(2 * (size_t)count + 1, sizeof *pairs->text)};
    if (!pairs->bar || !pairs->text)
        return -1;
    pairs->bars = (struct figure_bars){.kind = FIGURE_STACKED,
                                       .axis = "time of a training step per image (\xc2\xb5s)",
                                       .n_segments = ABLATE_COST_COUNT,
                                       .bars = pairs->bar,
                                       .n_bars = 2 * count,
                                       .marker_name = "FLOP bound of direct convolutions",
                                       .max = NAN,
                                       .inside = 1};
    for (int k = 0; k < ABLATE_COST_COUNT; k++)
        pairs->bars.segment[k] = (struct figure_segment){ablate_cost_title(cost_of(k)), looks[k].color, looks[k].hatch};
    for (int i = 0; i < count; i++)
        make_pair(&list[i], i == 0 || strcmp(list[i].preset, list[i - 1].preset) != 0, pairs, i);
    return 0;
}

static void release_pairs(struct pairs *pairs)
{
    free(pairs->bar);
    free(pairs->text);
}

/* ---- (b) ---- */

static int differs(const struct ablate_summary *s, int cost)
{
    const struct ablate_cost *c = &s->cost[cost];
    return c->ms < 0 || fabs(c->ms - c->step) > DIFFERENT * s->variant[ABLATE_FULL].ms;
}

/* 1: something was measured by both methods. */
static int comparable(const struct ablate_summary *list, int count)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        for (int c = 0; c < ABLATE_COST_COUNT; c++)
            n += isfinite(list[i].cost[c].ms - list[i].cost[c].step);
    return n > 0;
}

static int count_lines(const struct ablate_summary *list, int count)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        for (int c = 0; c < ABLATE_COST_COUNT; c++)
            n += differs(&list[i], c);
    return n;
}

/* Where the parts begin and the columns of numbers end, as shares of the width. */
#define PARTS 0.22
static const double ends[] = {0.60, 0.68, 0.76, 0.84, 0.92, 1};
static const char *const heads[] = {"removal", "timers", "differ by", "fused", "caches", "between"};
#define COLUMNS (sizeof ends / sizeof ends[0])

/* first: of its preset and batch size, which stand before it. */
static void draw_line(struct figure *figure, const struct ablate_summary *s, int cost, int first, struct figure_box box,
                      double y)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE - 1, 0, COLOR_DEFAULT};
    const struct ablate_cost *c = &s->cost[cost];
    double less = c->ms - c->step, fused = cost == ABLATE_NO_UPDATE ? c->fused : 0;
    const double values[COLUMNS] = {c->ms, c->step, less, fused, less - fused - c->between, c->between};
    char label[160], cut[160], text[32];
    if (first) {
        snprintf(label, sizeof label, "%s, batch %d", s->preset, s->batch);
        figure_text(figure, box.x, y, FIGURE_LEFT, &font,
                    figure_text_cut(figure, &font, label, PARTS * box.w - 8, cut, sizeof cut));
    }
    snprintf(label, sizeof label, "%s%s%s", ablate_cost_title(cost), c->ms < 0 ? ", below 0: " : "",
             c->ms < 0 ? ablate_cost_certainty(c, s->variant[ABLATE_FULL].rounds) : "");
    figure_text(figure, box.x + PARTS * box.w, y, FIGURE_LEFT, &font,
                figure_text_cut(figure, &font, label, (ends[0] - 0.07 - PARTS) * box.w, cut, sizeof cut));
    for (size_t k = 0; k < COLUMNS; k++)
        if (k != 3 || cost == ABLATE_NO_UPDATE)
            figure_text(figure, box.x + ends[k] * box.w, y, FIGURE_RIGHT, &font, number(per_image(s, values[k]), text));
}

static const char explanation[] =
    "FLOP bound: Winograd's convolutions can take less, for they multiply less often than direct ones, which it "
    "counts. "
    "differ by: what removal says less what the timers of the full step say, and the sum of the next three. fused: "
    "pools and additions that ran inside steps of norm and activation, and stand alone without them. caches: the steps "
    "that stay became faster (below 0: slower): caches hold more, weights are not packed again; noise is in it. "
    "between: less time between steps. Of the convolutions, which stay: what became of their own time. What is below 0 "
    "in one round, or within noise, is not drawn: a part costs nothing less than 0.";

static void draw_table(struct figure *figure, const struct ablate_summary *list, int count, struct figure_box box)
{
    const struct figure_font bold = {FIGURE_SMALL_SIZE, 1, COLOR_DEFAULT}, dim = {FIGURE_SMALL_SIZE - 1, 0, COLOR_DIM};
    const struct figure_stroke rule = {COLOR_BORDER, 0.5, FIGURE_SOLID};
    int lines = count_lines(list, count), drawn = 0;
    double y = box.y + HEADING / 2, foot = box.y + box.h;
    char text[160], cut[160];
    if (box.h < HEADING - 1 + (lines > 0 ? 2 * LINE : 0) || box.w < 460)
        return;
    if (lines > 0)
        snprintf(text, sizeof text,
                 "b  Where both differ by more than %.0f %% of the step, or removal says less than 0 "
                 "(\xc2\xb5s per image)",
                 100 * DIFFERENT);
    else if (!comparable(list, count))
        snprintf(text, sizeof text, "b  Where both differ: not measured yet");
    else
        snprintf(text, sizeof text, "b  Both agree: no part differs by more than %.0f %% of the step", 100 * DIFFERENT);
    figure_text(figure, box.x, y, FIGURE_LEFT, &bold, figure_text_cut(figure, &bold, text, box.w, cut, sizeof cut));
    if (lines == 0)
        return;
    y += HEADING / 2 + LINE / 2;
    for (size_t k = 0; k < COLUMNS; k++)
        figure_text(figure, box.x + ends[k] * box.w, y, FIGURE_RIGHT, &dim, heads[k]);
    for (int i = 0; i < count; i++)
        for (int c = 0, first = 1; c < ABLATE_COST_COUNT; c++) {
            if (!differs(&list[i], c) || drawn == TABLE_MAX || y + 2.5 * LINE > foot)
                continue;
            if (first)
                figure_line(figure, box.x, y + LINE / 2, box.x + box.w, y + LINE / 2, &rule);
            y += LINE;
            draw_line(figure, &list[i], c, first, box, y);
            first = 0;
            drawn++;
        }
    if (drawn < lines) {
        y += LINE;
        snprintf(text, sizeof text, "and %d more, which the table and the CSV have", lines - drawn);
        figure_text(figure, box.x, y, FIGURE_LEFT, &dim, figure_text_cut(figure, &dim, text, box.w, cut, sizeof cut));
    }
    y += LINE * 0.7;
    figure_paragraph(figure, (struct figure_box){box.x, y, box.w, fmax(foot - y, 0)}, &dim, 9.5, 0, explanation);
}

/* ---- both ---- */

static double table_height(const struct ablate_summary *list, int count)
{
    int lines = count_lines(list, count);
    if (lines == 0)
        return HEADING;
    return HEADING + LINE * (lines > TABLE_MAX ? TABLE_MAX + 2.7 : lines + 1.7) + 5 * 9.5;
}

double figure_ablate_height(const struct ablate_summary *list, int count)
{
    struct pairs pairs;
    double height = HEADING + BETWEEN + table_height(list, count);
    if (make_pairs(list, count, &pairs) == 0)
        height += figure_bars_height(&pairs.bars);
    release_pairs(&pairs);
    return height;
}

void figure_ablate_draw(struct figure *figure, const struct ablate_summary *list, int count, struct figure_box box)
{
    const struct figure_font bold = {FIGURE_SMALL_SIZE, 1, COLOR_DEFAULT};
    struct pairs pairs;
    char cut[160];
    if (make_pairs(list, count, &pairs))
        figure_fail(figure);
    else if (box.h > HEADING && box.w > 60) {
        double room = box.h - HEADING, height = figure_bars_height(&pairs.bars), table = table_height(list, count);
        double bars = fmin(height, fmax(room - table - BETWEEN, room / 2));
        figure_text(figure, box.x, box.y + HEADING / 2, FIGURE_LEFT, &bold,
                    figure_text_cut(figure, &bold,
                                    "a  What each part costs, by removal and by the timers of the full step", box.w,
                                    cut, sizeof cut));
        figure_bars_draw(figure, &pairs.bars, (struct figure_box){box.x, box.y + HEADING, box.w, bars});
        double y = box.y + HEADING + bars + BETWEEN;
        draw_table(figure, list, count, (struct figure_box){box.x, y, box.w, fmax(box.y + box.h - y, 0)});
    }
    release_pairs(&pairs);
}
