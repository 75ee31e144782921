#include "views/tricks_plot.h"

#include "engine/knobs.h"
#include "engine/number.h"
#include "views/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 1, 2 or 5 times a power of ten, not above x. */
static double round_step(double x)
{
    double power = pow(10, floor(log10(x) + 1e-9)), digit = x / power;
    return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

static double highest(const struct tricks_plot *plot)
{
    double high = 0;
    for (int i = 0; i < plot->n; i++)
        high = fmax(high, plot->value[i]);
    return high;
}

int tricks_plot_kink(const struct tricks_plot *plot, double *rate)
{
    struct schedule schedule = {.shape = SCHEDULE_PIECEWISE, .n_knots = plot->n};
    memcpy(schedule.value, plot->value, sizeof schedule.value);
    int fall = plot->kink ? schedule_fall(&schedule) : -1;
    *rate = fall >= 0 ? plot->value[fall] * plot->kink_factor : NAN;
    return fall;
}

int tricks_plot_open(struct tricks_plot *plot, const struct recipe *recipe, struct error *err)
{
    const struct schedule *schedule = &recipe->schedule;
    memset(plot, 0, sizeof *plot);
    if (schedule->shape != SCHEDULE_PIECEWISE)
        return error_set(err, "only a piecewise learning rate has knots: set lr_shape to piecewise");
    if (schedule_check(schedule, err))
        return -1;
    plot->n = schedule->n_knots;
    memcpy(plot->knot, schedule->knot, sizeof plot->knot);
    memcpy(plot->value, schedule->value, sizeof plot->value);
    plot->kink = schedule->kink;
    plot->kink_factor = schedule->kink_factor;
    plot->epochs = recipe->epochs;
    plot->knot_step = round_step(recipe->epochs / 40);
    plot->value_step = round_step((highest(plot) > 0 ? highest(plot) : 1) / 20);
    plot->at = plot->n > 1 ? 1 : 0; /* as a rule the peak */
    return 0;
}

void tricks_plot_select(struct tricks_plot *plot, int by)
{
    plot->at = ((plot->at + by) % plot->n + plot->n) % plot->n;
}

/* Two knots at one place are a jump; a third would hide one of them. */
static int three_meet(const struct tricks_plot *plot)
{
    for (int i = 2; i < plot->n; i++)
        if (plot->knot[i] == plot->knot[i - 2])
            return 1;
    return 0;
}

void tricks_plot_move(struct tricks_plot *plot, double knot_steps, double value_steps)
{
    int at = plot->at;
    double before = plot->knot[at], low = at > 0 ? plot->knot[at - 1] : 0;
    double high = at + 1 < plot->n ? plot->knot[at + 1] : plot->epochs, top = knob_find("lr_values")->max;
    if (knot_steps != 0)
        plot->knot[at] = fmax(low, fmin(high, number_tidy(before + knot_steps * plot->knot_step, 9)));
    if (three_meet(plot))
        plot->knot[at] = before;
    if (value_steps != 0)
        plot->value[at] = fmax(0, fmin(top, number_tidy(plot->value[at] + value_steps * plot->value_step, 9)));
}

int tricks_plot_add(struct tricks_plot *plot, struct error *err)
{
    if (plot->at > 0 && plot->at + 1 == plot->n && plot->knot[plot->at] >= plot->epochs)
        plot->at--; /* nothing is behind the end of the run */
    int at = plot->at, last = at + 1 == plot->n;
    if (plot->n == SCHEDULE_KNOTS_MAX)
        return error_set(err, "a schedule has at most %d knots", SCHEDULE_KNOTS_MAX);
    double end = last ? plot->epochs : plot->knot[at + 1];
    double knot = last ? end : number_tidy((plot->knot[at] + end) / 2, 9);
    double value = last ? plot->value[at] : number_tidy((plot->value[at] + plot->value[at + 1]) / 2, 9);
    if (knot <= plot->knot[at] || (!last && knot >= end))
        return error_set(err, "there is no room behind this knot");
    size_t behind = (size_t)(plot->n - at - 1) * sizeof *plot->knot;
    memmove(plot->knot + at + 2, plot->knot + at + 1, behind);
    memmove(plot->value + at + 2, plot->value + at + 1, behind);
    plot->n++;
    plot->at = at + 1;
    plot->knot[plot->at] = knot;
    plot->value[plot->at] = value;
    return 0;
}

int tricks_plot_remove(struct tricks_plot *plot, struct error *err)
{
    int at = plot->at;
    if (plot->n == 1)
        return error_set(err, "the last knot stays: a schedule has at least one");
    size_t behind = (size_t)(plot->n - at - 1) * sizeof *plot->knot;
    memmove(plot->knot + at, plot->knot + at + 1, behind);
    memmove(plot->value + at, plot->value + at + 1, behind);
    plot->n--;
    plot->at = at < plot->n ? at : plot->n - 1;
    return 0;
}

static void list_text(const double *list, int n, char *out)
{
    char number[NUMBER_TEXT_MAX];
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < n && used < KNOB_TEXT_MAX; i++)
        used += (size_t)snprintf(out + used, KNOB_TEXT_MAX - used, "%s%s", i ? "," : "",
                                 number_format_real(list[i], number, sizeof number));
}

void tricks_plot_text(const struct tricks_plot *plot, char *knots, char *values)
{
    list_text(plot->knot, plot->n, knots);
    list_text(plot->value, plot->n, values);
}

/* The line through the knots: flat before the first one and after the last, as the schedule is, and with the kink,
 * which takes a second point at its knot. Returns the points. */
static size_t make_line(const struct tricks_plot *plot, double *x, double *y)
{
    double kinked;
    int kink = tricks_plot_kink(plot, &kinked);
    size_t n = 0;
    if (plot->knot[0] > 0) {
        x[n] = 0;
        y[n++] = plot->value[0];
    }
    for (int i = 0; i < plot->n; i++) {
        x[n] = plot->knot[i];
        y[n++] = plot->value[i];
        if (i != kink)
            continue;
        x[n] = plot->knot[i];
        y[n++] = kinked;
    }
    if (plot->knot[plot->n - 1] < plot->epochs) {
        x[n] = plot->epochs;
        y[n++] = plot->value[plot->n - 1];
    }
    return n;
}

static void make_title(const struct tricks_plot *plot, char *out, size_t size)
{
    double kinked;
    int kink = tricks_plot_kink(plot, &kinked);
    size_t used = (size_t)snprintf(out, size, "Knot %d of %d: rate %.9g at epoch %.9g", plot->at + 1, plot->n,
                                   plot->value[plot->at], plot->knot[plot->at]);
    if (kink >= 0 && kink == plot->at && used < size)
        snprintf(out + used, size - used, ", then %.9g (lr_kink)", number_tidy(kinked, 9));
}

void tricks_plot_draw(const struct tricks_plot *plot, struct grid *grid, struct rect area)
{
    double x[SCHEDULE_KNOTS_MAX + 3], y[SCHEDULE_KNOTS_MAX + 3], kinked;
    char title[128];
    if (plot->n < 1 || area.h < 1)
        return;
    size_t n = make_line(plot, x, y);
    double top = tricks_plot_kink(plot, &kinked) < 0 ? highest(plot) : fmax(highest(plot), kinked);
    make_title(plot, title, sizeof title);
    struct chart chart = {.title = title,
                          .x = {CHART_LINEAR, 0, plot->epochs, 1, "epochs"},
                          .y = {CHART_LINEAR, 0, top > 0 ? top * 1.15 : 1, 0, ""}};
    chart.series[chart.n_series++] = (struct chart_series){.color = COLOR_KEY,
                                                           .style = CHART_MARKED,
                                                           .ascii = 'O',
                                                           .letter = 'O',
                                                           .x = plot->knot + plot->at,
                                                           .y = plot->value + plot->at,
                                                           .n = 1,
                                                           .current = NAN};
    chart.series[chart.n_series++] = (struct chart_series){.color = COLOR_LR,
                                                           .style = CHART_MARKED,
                                                           .ascii = '+',
                                                           .x = plot->knot,
                                                           .y = plot->value,
                                                           .n = (size_t)plot->n,
                                                           .current = NAN};
    chart.series[chart.n_series++] = (struct chart_series){
        .color = COLOR_LR, .style = CHART_CURVE, .ascii = '.', .x = x, .y = y, .n = n, .current = NAN};
    chart_draw(&chart, grid, area);
}
