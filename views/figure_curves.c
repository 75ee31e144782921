#include "views/figure_curves.h"

#include "views/figure_chart.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL_LR, PANEL_LOSS, PANEL_ACC, PANELS };

/* Columns of a curve as the arrays that a chart borrows, without the epochs that only some of its runs have. */
struct arrays {
    double *mean[CURVES_COLUMNS], *low[CURVES_COLUMNS], *high[CURVES_COLUMNS], *epoch[CURVES_COLUMNS];
    size_t n[CURVES_COLUMNS];
    double *no_value; /* NaN for each run that diverged */
};

static int arrays_init(struct arrays *arrays, const struct curve *curve, enum figure_curves_band band)
{
    for (int c = CURVES_LR; c <= CURVES_TEST_ACC && curve->n_epochs > 0; c++) {
        size_t n = curve->n_epochs, k = 0;
        int whole = curve_whole(curve, (enum curves_column)c);
        double *block = malloc(4 * n * sizeof *block);
        if (!block)
            return -1;
        arrays->mean[c] = block;
        arrays->low[c] = block + n;
        arrays->high[c] = block + 2 * n;
        arrays->epoch[c] = block + 3 * n;
        for (size_t i = 0; i < n; i++) {
            const struct curve_value *v = &curve->value[c][i];
            if (v->n > 0 && v->n < whole)
                continue;
            arrays->mean[c][k] = v->mean;
            arrays->low[c][k] = band == FIGURE_BAND_RANGE ? v->min : v->mean - v->sd;
            arrays->high[c][k] = band == FIGURE_BAND_RANGE ? v->max : v->mean + v->sd;
            if (v->n < 2)
                arrays->low[c][k] = arrays->high[c][k] = NAN;
            arrays->epoch[c][k++] = curve->epoch[i];
        }
        arrays->n[c] = k;
    }
    arrays->no_value = malloc(((size_t)curve->n_diverged + 1) * sizeof *arrays->no_value);
    for (int i = 0; i < curve->n_diverged && arrays->no_value; i++)
        arrays->no_value[i] = NAN;
    return arrays->no_value ? 0 : -1;
}

static void arrays_release(struct arrays *arrays)
{
    for (int c = 0; c < CURVES_COLUMNS; c++)
        free(arrays->mean[c]);
    free(arrays->no_value);
}

/* How curve i of several looks; one alone has the colours of its quantities. */
static uint32_t color_of(const struct curve_set *set, int i, uint32_t alone)
{
    return set->n == 1 ? alone : (uint32_t)(COLOR_RUN_A + i % 6);
}

static int mark_of(const struct curve_set *set, int i)
{
    return set->n == 1 ? FIGURE_CIRCLE : FIGURE_CIRCLE + i % (FIGURE_OPEN_TRIANGLE - FIGURE_CIRCLE + 1);
}

static void add(struct chart *chart, struct chart_series series)
{
    if (series.n > 0 && chart->n_series < CHART_SERIES_MAX)
        chart->series[chart->n_series++] = series;
}

static void add_lr(const struct figure_curves *curves, int i, struct chart *chart)
{
    const struct curve *curve = &curves->set->curves[i];
    uint32_t color = color_of(curves->set, i, COLOR_LR);
    int mark = curves->set->n > 1 ? mark_of(curves->set, i) : FIGURE_NO_MARK;
    add(chart, (struct chart_series){.color = color,
                                     .style = CHART_MARKED,
                                     .mark = mark,
                                     .x = curve->step,
                                     .y = curve->step_lr,
                                     .n = curve->n_steps,
                                     .current = NAN});
    int alone = curve->n_runs == 0; /* nothing but a schedule */
    add(chart, (struct chart_series){.color = color,
                                     .style = alone ? CHART_MARKED : CHART_CURVE,
                                     .dash = alone ? FIGURE_SOLID : FIGURE_DOTTED,
                                     .mark = alone ? mark : FIGURE_NO_MARK,
                                     .x = curve->ahead,
                                     .y = curve->ahead_lr,
                                     .n = curve->n_ahead,
                                     .current = NAN});
}

/* Test and training curves with their bands; the first series ends on top. */
static void add_pair(const struct figure_curves *curves, int i, const struct arrays *arrays, enum curves_column test,
                     enum curves_column train, struct chart *chart)
{
    const struct curve *curve = &curves->set->curves[i];
    const enum curves_column column[2] = {test, train};
    for (int k = 0; k < 2; k++) {
        uint32_t color = color_of(curves->set, i, k ? COLOR_TRAIN : COLOR_VALID);
        int alone = curves->set->n == 1;
        if (curves->band != FIGURE_BAND_NONE && curve->n_runs > 1 && chart->n_bands < CHART_BANDS_MAX && (alone || !k))
            chart->band[chart->n_bands++] = (struct chart_band){arrays->epoch[column[k]], arrays->low[column[k]],
                                                                arrays->high[column[k]], arrays->n[column[k]], color};
        add(chart, (struct chart_series){.color = color,
                                         .style = CHART_MARKED,
                                         .dash = k ? FIGURE_DASHED : FIGURE_SOLID,
                                         .mark = alone && k ? FIGURE_OPEN_SQUARE : mark_of(curves->set, i),
                                         .x = arrays->epoch[column[k]],
                                         .y = arrays->mean[column[k]],
                                         .n = arrays->n[column[k]],
                                         .current = NAN,
                                         .sparse = 1});
    }
    int first = test == CURVES_TEST_LOSS;
    if (curves->set->n == 1 && curve->n_runs == 1)
        add(chart, (struct chart_series){.color = COLOR_TRAIN_RAW,
                                         .style = CHART_FAINT,
                                         .x = curve->step,
                                         .y = first ? curve->step_loss : curve->step_acc,
                                         .n = curve->n_steps,
                                         .current = NAN});
}

/* Where runs of it diverged, at the foot of the plot. */
static void add_diverged(const struct curve *curve, const struct arrays *arrays, struct chart *chart)
{
    add(chart, (struct chart_series){.color = COLOR_BAD,
                                     .style = CHART_FAINT,
                                     .x = curve->diverged,
                                     .y = arrays->no_value,
                                     .n = (size_t)curve->n_diverged,
                                     .current = NAN});
}

/* ---- the legend ---- */

struct legend {
    struct figure_key keys[FIGURE_CURVES_MAX + 7];
    char names[FIGURE_CURVES_MAX][256];
    int n;
};

static void add_key(struct legend *legend, const char *name, uint32_t color, enum figure_dash dash,
                    enum figure_mark mark, double width, int band)
{
    legend->keys[legend->n++] =
        (struct figure_key){.name = name, .color = color, .dash = dash, .mark = mark, .width = width, .band = band};
}

static const char *band_text(const struct figure_curves *curves)
{
    return curves->band == FIGURE_BAND_SD ? "one standard deviation about it" : "least to greatest of the runs";
}

/* "quick width=8, mean of 5 runs (to epoch 3, where one ended)" */
static void name_curve(const struct curve *curve, char out[256])
{
    char mean[64];
    int n = snprintf(out, 256, "%s", curve->name);
    if (curve->n_runs > 1)
        n += snprintf(out + n, 256 - (size_t)n, ", %s", curve_mean_text(curve, mean));
    if (curve->n_diverged > 0 && curve->n_runs > 1 && n < 200)
        n += snprintf(out + n, 256 - (size_t)n, ", %d diverged", curve->n_diverged);
    else if (curve->n_diverged > 0 && n < 200)
        n += snprintf(out + n, 256 - (size_t)n, ", diverged at epoch %.3g", curve->diverged[0]);
    if (curve->unfinished > 0 && n < 200)
        snprintf(out + n, 256 - (size_t)n, " (to epoch %.3g, where one ended)", curve->unfinished_from);
}

static void make_legend(const struct figure_curves *curves, struct legend *legend)
{
    const struct curve_set *set = curves->set;
    int one = set->n == 1, runs = 0, several = 0, ahead = 0, target = 0, diverged = 0;
    for (int i = 0; i < set->n; i++) {
        runs += set->curves[i].n_runs;
        several |= set->curves[i].n_runs > 1;
        diverged |= set->curves[i].n_diverged > 0;
        ahead |= set->curves[i].n_runs > 0 && set->curves[i].n_ahead > 0;
        target |= set->curves[i].n_runs > 0 && set->curves[i].recipe && set->curves[i].recipe->target > 0;
    }
    several &= curves->band != FIGURE_BAND_NONE;
    legend->n = 0;
    for (int i = 0; i < set->n && !one; i++) {
        name_curve(&set->curves[i], legend->names[i]);
        add_key(legend, legend->names[i], color_of(set, i, 0), FIGURE_SOLID, (enum figure_mark)mark_of(set, i), 1.3, 0);
    }
    if (runs > 0) {
        add_key(legend, "test", one ? COLOR_VALID : COLOR_DEFAULT, FIGURE_SOLID, one ? FIGURE_CIRCLE : FIGURE_NO_MARK,
                1.3, 0);
        add_key(legend, "train, mean of an epoch", one ? COLOR_TRAIN : COLOR_DEFAULT, FIGURE_DASHED,
                one ? FIGURE_OPEN_SQUARE : FIGURE_NO_MARK, 1.3, 0);
    }
    if (one && runs == 1)
        add_key(legend, "train, each step", COLOR_TRAIN_RAW, FIGURE_SOLID, FIGURE_NO_MARK, 0.7, 0);
    if (several)
        add_key(legend, band_text(curves), one ? COLOR_VALID : COLOR_DEFAULT, FIGURE_SOLID, FIGURE_NO_MARK, 0, 1);
    if (ahead)
        add_key(legend, "still to come", one ? COLOR_LR : COLOR_DEFAULT, FIGURE_DOTTED, FIGURE_NO_MARK, 1.3, 0);
    if (diverged)
        add_key(legend, "diverged: not a finite number", COLOR_BAD, FIGURE_SOLID, FIGURE_CROSS, 0, 0);
    if (target)
        add_key(legend, "target", COLOR_TARGET, FIGURE_LONG_DASH, FIGURE_NO_MARK, 1, 0);
}

/* ---- charts ---- */

static int schedules_only(const struct curve_set *set)
{
    for (int i = 0; i < set->n; i++)
        if (set->curves[i].n_runs > 0)
            return 0;
    return 1;
}

double figure_curves_height(const struct figure_curves *curves)
{
    double names = curves->set->n > 1 ? 13.0 * curves->set->n : 0;
    return (schedules_only(curves->set) ? 210 : 460) + names;
}

static double last_epoch(const struct curve_set *set)
{
    double last = 0;
    for (int i = 0; i < set->n; i++) {
        const struct curve *curve = &set->curves[i];
        last = fmax(last, curve->recipe ? curve->recipe->epochs : 0);
        if (curve->n_steps > 0)
            last = fmax(last, curve->step[curve->n_steps - 1]);
        if (curve->n_epochs > 0)
            last = fmax(last, curve->epoch[curve->n_epochs - 1]);
    }
    return last > 0 ? last : 1;
}

/* A line for each target that the runs have, as far as there is room. */
static void add_targets(const struct curve_set *set, struct chart *chart, char names[CHART_LINES_MAX][16])
{
    for (int i = 0; i < set->n; i++) {
        const struct curve *curve = &set->curves[i];
        int known = !curve->recipe || !(curve->recipe->target > 0) || chart->n_lines == CHART_LINES_MAX;
        for (int k = 0; k < chart->n_lines && !known; k++)
            known = chart->line[k].y == curve->recipe->target;
        if (known)
            continue;
        snprintf(names[chart->n_lines], 16, "%g %%", curve->recipe->target);
        chart->line[chart->n_lines] =
            (struct chart_line){.y = curve->recipe->target, .color = COLOR_TARGET, .name = names[chart->n_lines]};
        chart->n_lines++;
    }
}

/* What is missing to 100 % at best, of any curve or target: the axis ends a little beyond it. */
static double least_error(const struct chart *chart)
{
    double best = 0;
    for (int s = 0; s < chart->n_series; s++)
        for (size_t i = 0; i < chart->series[s].n; i++)
            if (chart->series[s].y[i] < 99.95)
                best = fmax(best, chart->series[s].y[i]);
    for (int i = 0; i < chart->n_lines; i++)
        best = fmax(best, fmin(chart->line[i].y, 99.95));
    return 100 - best;
}

void figure_curves_draw(struct figure *figure, const struct figure_curves *curves, struct figure_box box)
{
    const struct curve_set *set = curves->set;
    int n = set->n < FIGURE_CURVES_MAX ? set->n : FIGURE_CURVES_MAX;
    struct chart *chart = calloc(PANELS, sizeof *chart);
    struct arrays *arrays = calloc((size_t)n + 1, sizeof *arrays);
    struct legend *legend = malloc(sizeof *legend);
    char targets[CHART_LINES_MAX][16];
    if (!chart || !arrays || !legend) {
        figure_fail(figure);
        goto end;
    }
    const struct chart_axis epochs = {CHART_LINEAR, 0, last_epoch(set), 1, "epochs"};
    enum chart_scale log_or_not = curves->log_axes ? CHART_LOG : CHART_LINEAR;
    for (int p = 0; p < PANELS; p++)
        chart[p].x = epochs;
    chart[PANEL_LR].title = "learning rate";
    chart[PANEL_LR].y = (struct chart_axis){CHART_LINEAR, 0, NAN, 0, ""};
    chart[PANEL_LOSS].title = "loss";
    chart[PANEL_LOSS].y = (struct chart_axis){log_or_not, curves->log_axes ? (double)NAN : 0, NAN, 0,
                                              curves->log_axes ? "nats, log" : "nats"};
    chart[PANEL_ACC].title = "accuracy";
    chart[PANEL_ACC].y = (struct chart_axis){curves->log_axes ? CHART_LOG_ERROR : CHART_LINEAR, NAN, 100, 0,
                                             curves->log_axes ? "%, log" : "%"};
    chart[PANEL_LOSS].empty = chart[PANEL_ACC].empty = "not measured yet";
    for (int i = 0; i < n; i++) {
        if (arrays_init(&arrays[i], &set->curves[i], curves->band) < 0) {
            figure_fail(figure);
            goto end;
        }
        add_lr(curves, i, &chart[PANEL_LR]);
        add_pair(curves, i, &arrays[i], CURVES_TEST_LOSS, CURVES_TRAIN_LOSS, &chart[PANEL_LOSS]);
        add_pair(curves, i, &arrays[i], CURVES_TEST_ACC, CURVES_TRAIN_ACC, &chart[PANEL_ACC]);
        add_diverged(&set->curves[i], &arrays[i], &chart[PANEL_LOSS]);
        add_diverged(&set->curves[i], &arrays[i], &chart[PANEL_ACC]);
    }
    add_targets(set, &chart[PANEL_ACC], targets);
    if (curves->log_axes)
        chart[PANEL_ACC].y.max = 100 - least_error(&chart[PANEL_ACC]) / 1.5;
    make_legend(curves, legend);
    static const double weights[PANELS] = {0.7, 1, 1.2};
    figure_charts_draw(figure, chart, weights, schedules_only(set) ? 1 : PANELS, legend->keys, legend->n, box);
end:
    for (int i = 0; i < n && arrays; i++)
        arrays_release(&arrays[i]);
    free(legend);
    free(arrays);
    free(chart);
}
