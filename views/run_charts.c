/* The Run screen's charts: this run's curves, behind them those of other runs; see views/run_view.h. */
#include "views/chart.h"
#include "views/format.h"
#include "views/run_view.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

double run_last_of(const double *y, size_t n)
{
    while (n > 0 && !isfinite(y[n - 1]))
        n--;
    return n > 0 ? y[n - 1] : NAN;
}

static struct chart_series *add(struct chart *chart, struct chart_series series)
{
    chart->series[chart->n_series] = series;
    return &chart->series[chart->n_series++];
}

/* Test and train curves of accuracy or loss: raw steps at the back, smoothed or whole epochs in front. */
static void add_curves(const struct run_model *model, struct chart *chart, const double *test, const double *train,
                       const double *raw, const double *smooth, int decimals)
{
    int smoothed = model->view.smoothing > 0 && model->n_steps > 0;
    add(chart, (struct chart_series){.name = "test",
                                     .color = COLOR_VALID,
                                     .style = CHART_MARKED,
                                     .ascii = '*',
                                     .x = model->epoch_x,
                                     .y = test,
                                     .n = model->n_epochs,
                                     .current = run_last_of(test, model->n_epochs),
                                     .decimals = decimals,
                                     .sparse = 1});
    struct chart_series *front = add(chart, (struct chart_series){.name = "train",
                                                                  .color = COLOR_TRAIN,
                                                                  .style = smoothed ? CHART_CURVE : CHART_MARKED,
                                                                  .ascii = '+',
                                                                  .x = smoothed ? model->step_x : model->epoch_x,
                                                                  .y = smoothed ? smooth : train,
                                                                  .n = smoothed ? model->n_steps : model->n_epochs,
                                                                  .decimals = decimals});
    front->current = run_last_of(front->y, front->n);
    add(chart, (struct chart_series){.color = COLOR_TRAIN_RAW,
                                     .style = CHART_FAINT,
                                     .ascii = '.',
                                     .x = model->step_x,
                                     .y = raw,
                                     .n = model->n_steps,
                                     .current = NAN});
}

/* Where the run failed, most often because something was not a finite number any more. */
static void add_failure(const struct run_model *model, struct chart *chart)
{
    static const double nowhere = NAN;
    if (model->status.phase != TRAINER_FAILED || model->n_steps == 0)
        return;
    add(chart, (struct chart_series){.name = "failed",
                                     .color = COLOR_BAD,
                                     .style = CHART_FAINT,
                                     .letter = 'x',
                                     .x = &model->epochs_done,
                                     .y = &nowhere,
                                     .n = 1,
                                     .current = NAN});
}

/* Names of other runs in the legend, cut. */
#define NAME_WIDTH 23
struct names {
    char text[RUN_OVERLAYS_MAX][sizeof((struct run_folder *)0)->name + 2];
};

static void name_overlay(const char *name, char *out, size_t size)
{
    int cut = text_width(name) > NAME_WIDTH;
    snprintf(out, size, "%.*s%s", cut ? text_fit(name, NAME_WIDTH - 2) : (int)strlen(name), name, cut ? ".." : "");
}

/* The curves of other runs: offset is the place of the array in struct run_entry. */
static void add_overlays(const struct run_model *model, struct chart *chart, size_t offset, int decimals,
                         struct names *names)
{
    for (int i = 0; i < model->n_overlays; i++) {
        const struct run_overlay *overlay = &model->overlay[i];
        const double *y = *(double *const *)(const void *)((const char *)overlay->entry + offset);
        name_overlay(overlay->entry->folder.name, names->text[i], sizeof names->text[i]);
        add(chart, (struct chart_series){.name = names->text[i],
                                         .short_name = "",
                                         .color = overlay->color,
                                         .style = CHART_FAINT,
                                         .ascii = overlay->letter,
                                         .letter = overlay->letter,
                                         .x = overlay->entry->epoch,
                                         .y = y,
                                         .n = overlay->entry->n_epochs,
                                         .current = run_last_of(y, overlay->entry->n_epochs),
                                         .decimals = decimals,
                                         .sparse = 1});
    }
}

/*
 * Where the accuracy's axis begins and the loss's ends: beyond the worst epoch after the first quarter, so that what
 * happens near the target can be told apart. NaN: no limit.
 */
static double detail_limit(const struct run_model *model, const double *test, const double *train, int lowest)
{
    double limit = NAN;
    if (model->view.whole_range || model->n_epochs < 4)
        return NAN;
    for (size_t i = model->n_epochs / 4; i < model->n_epochs; i++)
        for (int k = 0; k < 2; k++) {
            double y = k ? train[i] : test[i];
            if (isfinite(y) && (isnan(limit) || (lowest ? y < limit : y > limit)))
                limit = y;
        }
    return limit;
}

/* The highest accuracy there is to show: of a batch in training, an epoch, another run, or the target. */
static double highest(const struct run_model *model)
{
    double best = fmax(model->target, model->best_step_acc); /* fmax: the one that is no NaN */
    for (size_t i = 0; i < model->n_epochs; i++)
        best = fmax(best, fmax(model->test_acc[i], model->train_acc[i]));
    for (int i = 0; i < model->n_overlays; i++)
        best = fmax(best, model->overlay[i].entry->summary.best_acc);
    return best;
}

/* What is missing to 100 % at best: of the target, or of an epoch. */
static double least_error(const struct run_model *model)
{
    double best = fmin(model->target, 99.9);
    for (size_t i = 0; i < model->n_epochs; i++) {
        if (model->test_acc[i] < 99.9)
            best = fmax(best, model->test_acc[i]);
        if (model->train_acc[i] < 99.9)
            best = fmax(best, model->train_acc[i]);
    }
    return 100 - best;
}

static struct chart_axis epochs_axis(const struct run_model *model)
{
    /* In whole steps a recipe of 7.59 epochs ends a little later: its last evaluation is there. */
    double epochs =
        fmax(model->epochs, run_last_of(model->epoch_x, model->n_epochs)); /* fmax: the one that is no NaN */
    for (int i = 0; i < model->n_overlays; i++)
        epochs = fmax(epochs, run_last_of(model->overlay[i].entry->epoch, model->overlay[i].entry->n_epochs));
    return (struct chart_axis){CHART_LINEAR, 0, epochs, 1, "epochs"};
}

static const char *waiting(const struct run_model *model)
{
    switch (model->status.phase) {
    case TRAINER_LOADING:
        return "loading the data";
    case TRAINER_COMPILING:
        return "preparing the network";
    case TRAINER_FAILED:
        return "the run failed before its first step";
    default:
        return "waiting for the first step";
    }
}

void run_accuracy_draw(const struct run_model *model, struct grid *grid, struct rect area)
{
    struct names names;
    struct chart chart = {.title = "Accuracy",
                          .focused = model->view.focus == RUN_ACCURACY,
                          .x = epochs_axis(model),
                          .empty = waiting(model)};
    add_curves(model, &chart, model->test_acc, model->train_acc, model->step_acc, model->smooth_acc, 2);
    add_overlays(model, &chart, offsetof(struct run_entry, test_acc), 2, &names);
    add_failure(model, &chart);
    double low = detail_limit(model, model->test_acc, model->train_acc, 1);
    chart.y = chart_accuracy_axis(low, highest(model));
    if (model->view.log_axes) {
        chart.y.scale = CHART_LOG_ERROR;
        chart.y.max = 100 - least_error(model) / 1.5;
        chart.y.unit = "%, log";
    }
    chart.line[chart.n_lines++] = (struct chart_line){.y = model->target, .color = COLOR_TARGET};
    char text[160];
    const struct forecast *f = &model->forecast;
    if (run_forecast_text(model, 0, text, sizeof text) && f->ground && f->reached > 0)
        chart.line[chart.n_lines++] = (struct chart_line){.y = model->target,
                                                          .color = COLOR_TARGET,
                                                          .from = f->epoch_low - 0.5,
                                                          .to = fmin(f->epoch_high + 0.5, chart.x.max)};
    chart_draw(&chart, grid, area);
}

void run_loss_draw(const struct run_model *model, struct grid *grid, struct rect area)
{
    struct names names;
    struct chart chart = {
        .title = "Loss", .focused = model->view.focus == RUN_LOSS, .x = epochs_axis(model), .empty = waiting(model)};
    chart.y = (struct chart_axis){model->view.log_axes ? CHART_LOG : CHART_LINEAR, model->view.log_axes ? NAN : 0, NAN,
                                  0, model->view.log_axes ? "nats, log" : "nats"};
    double high = detail_limit(model, model->test_loss, model->train_loss, 0);
    if (isfinite(high))
        chart.y.max = ceil(high * 12) / 10; /* a fifth more, in tenths */
    add_curves(model, &chart, model->test_loss, model->train_loss, model->step_loss, model->smooth_loss, 3);
    add_overlays(model, &chart, offsetof(struct run_entry, test_loss), 3, &names);
    add_failure(model, &chart);
    chart_draw(&chart, grid, area);
}

void run_lr_draw(const struct run_model *model, struct grid *grid, struct rect area)
{
    struct names names;
    struct chart chart = {.title = "Learning rate", .focused = model->view.focus == RUN_LR, .x = epochs_axis(model)};
    chart.y = (struct chart_axis){CHART_LINEAR, 0, NAN, 0, ""};
    add(&chart, (struct chart_series){.name = trainer_ended(model->status.phase) ? "last" : "now",
                                      .color = COLOR_LR,
                                      .ascii = '#',
                                      .x = model->step_x,
                                      .y = model->step_lr,
                                      .n = model->n_steps,
                                      .current = run_last_of(model->step_lr, model->n_steps),
                                      .decimals = 4});
    /* Only what is ahead: the curve behind says what was done. */
    size_t from = 0;
    while (from < RUN_SCHEDULE_POINTS && model->schedule_x[from] < model->epochs_done)
        from++;
    add(&chart, (struct chart_series){.name = from + 1 < RUN_SCHEDULE_POINTS ? "ahead" : NULL,
                                      .color = COLOR_AHEAD,
                                      .style = CHART_FAINT,
                                      .ascii = '.',
                                      .x = model->schedule_x + from,
                                      .y = model->schedule_lr + from,
                                      .n = RUN_SCHEDULE_POINTS - from,
                                      .current = NAN});
    add_overlays(model, &chart, offsetof(struct run_entry, lr), 4, &names);
    for (int i = 0; i < chart.n_series; i++)
        if (chart.series[i].letter)
            chart.series[i].current = NAN; /* the last rate of a run that is over says nothing */
    chart_draw(&chart, grid, area);
}

/* ---- the forecast ---- */

/* "12:10-14:02", or one of them when they look the same. */
static void range_text(const char *low, const char *high, char *out, size_t size)
{
    if (strcmp(low, high) == 0)
        snprintf(out, size, "%s", low);
    else
        snprintf(out, size, "%s-%s", low, high);
}

int run_forecast_text(const struct run_model *model, int wide, char *out, size_t size)
{
    const struct forecast *f = &model->forecast;
    char low[24], high[24], when[64] = "", epochs[64] = "", chance[48] = "";
    out[0] = '\0';
    if (f->runs < 0 || !(model->target > 0) || trainer_ended(model->status.phase) ||
        isfinite(model->status.seconds_to_target))
        return 0;
    if (!f->ground && f->runs + f->earlier >= FORECAST_RUNS_MIN) {
        snprintf(out, size, "%g %%: %d of %d earlier runs%s were there by now", model->target, f->earlier,
                 f->runs + f->earlier, wide ? " of this recipe" : "");
        return 1;
    }
    if (!f->ground) {
        snprintf(out, size, "forecast of %g %%: from %d earlier runs%s on (%d so far)", model->target,
                 FORECAST_RUNS_MIN, wide ? " of this recipe" : "", f->runs + f->earlier);
        return 1;
    }
    snprintf(chance, sizeof chance, wide ? " (chance %.0f-%.0f %%)" : " (%.0f-%.0f %%)", 100 * f->low, 100 * f->high);
    if (f->reached == 0) {
        snprintf(out, size, "%g %%: none of %d earlier runs%s%s", model->target, f->runs,
                 wide ? " of this recipe got there from here" : "", chance);
        return 1;
    }
    if (isfinite(f->seconds_low))
        range_text(format_seconds(f->seconds_low, low, sizeof low), format_seconds(f->seconds_high, high, sizeof high),
                   when, sizeof when);
    snprintf(low, sizeof low, "%g", round(f->epoch_low * 10) / 10);
    snprintf(high, sizeof high, "%g", round(f->epoch_high * 10) / 10);
    range_text(low, high, epochs, sizeof epochs);
    if (*when)
        snprintf(out, size,
                 wide ? "%g %%: %d of %d earlier runs of this recipe%s, after %s of training, epoch %s"
                      : "%g %%: %d of %d earlier runs%s, at %s",
                 model->target, f->reached, f->runs, chance, when, epochs);
    else
        snprintf(out, size, "%g %%: %d of %d earlier runs%s%s, at epoch %s", model->target, f->reached, f->runs,
                 wide ? " of this recipe" : "", chance, epochs);
    return 1;
}
