#include "views/run_view.h"

#include "views/format.h"
#include "views/frame.h"
#include "views/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

uint32_t run_phase_color(enum trainer_phase phase)
{
    static const uint32_t colors[TRAINER_PHASE_COUNT] = {
        [TRAINER_LOADING] = COLOR_WARN,     [TRAINER_COMPILING] = COLOR_WARN, [TRAINER_TRAINING] = COLOR_GOOD,
        [TRAINER_EVALUATING] = COLOR_VALID, [TRAINER_PAUSED] = COLOR_WARN,    [TRAINER_SAVING] = COLOR_VALID,
        [TRAINER_DONE] = COLOR_GOOD,        [TRAINER_STOPPED] = COLOR_WARN,   [TRAINER_FAILED] = COLOR_BAD,
    };
    return (unsigned)phase < TRAINER_PHASE_COUNT ? colors[phase] : COLOR_DEFAULT;
}

/* ---- numbers ---- */

static void set_percent(char *out, size_t size, double value)
{
    char number[24];
    snprintf(out, size, isfinite(value) ? "%s %%" : "%s", format_number(value, 2, number, sizeof number));
}

/* The tiles in order of importance. */
static int make_tiles(const struct run_model *model, char target_name[2][24], struct tile tiles[8])
{
    const struct trainer_status *status = &model->status;
    int reached = isfinite(status->seconds_to_target);
    char number[32];
    /* The log is a moment ahead of the status when an epoch has just been evaluated. */
    double test = run_last_of(model->test_acc, model->n_epochs), best = status->best_acc;
    if (!isfinite(test))
        test = status->test_acc;
    else if (!(best >= test))
        best = test;
    /* Of a run that is over its last epoch, as the table has it; of one that trains what the curves are at. */
    int over = trainer_ended(status->phase) && isfinite(run_last_of(model->train_acc, model->n_epochs));
    int smoothed = !over && model->view.smoothing > 0 && model->n_steps > 0;
    double loss = over       ? run_last_of(model->train_loss, model->n_epochs)
                  : smoothed ? model->smooth_loss[model->n_steps - 1]
                             : status->loss;
    double accuracy = over       ? run_last_of(model->train_acc, model->n_epochs)
                      : smoothed ? model->smooth_acc[model->n_steps - 1]
                                 : status->accuracy;
    snprintf(target_name[0], sizeof target_name[0], "time to %g %%", model->target);
    snprintf(target_name[1], sizeof target_name[1], "to %g %%", model->target);
    tiles[0] = (struct tile){"test accuracy", "test", "", COLOR_VALID};
    set_percent(tiles[0].value, sizeof tiles[0].value, test);
    tiles[1] = (struct tile){"best", "best", "", best >= model->target ? COLOR_GOOD : COLOR_VALID};
    set_percent(tiles[1].value, sizeof tiles[1].value, best);
    tiles[2] = (struct tile){smoothed ? "train, smoothed" : "train accuracy", "train", "", COLOR_TRAIN};
    set_percent(tiles[2].value, sizeof tiles[2].value, accuracy);
    tiles[3] = (struct tile){smoothed ? "loss, smoothed" : "train loss", "loss", "", COLOR_TRAIN};
    format_number(loss, 3, tiles[3].value, sizeof tiles[3].value);
    tiles[4] = (struct tile){"learning rate", "lr", "", COLOR_LR};
    if (status->lr == 0 || fabs(status->lr) >= 1e-3) /* as the chart and the table of epochs have it */
        format_number(status->lr, 4, tiles[4].value, sizeof tiles[4].value);
    else
        format_significant(status->lr, 3, tiles[4].value, sizeof tiles[4].value);
    tiles[5] = (struct tile){"speed", "speed", "", COLOR_DEFAULT};
    format_count(status->images_per_second, number, sizeof number);
    snprintf(tiles[5].value, sizeof tiles[5].value, isfinite(status->images_per_second) ? "%s img/s" : "%s", number);
    tiles[6] = (struct tile){"time left", "left", "", COLOR_DEFAULT};
    format_seconds(trainer_ended(status->phase) ? NAN : status->eta_seconds, tiles[6].value, sizeof tiles[6].value);
    tiles[7] = (struct tile){target_name[0], target_name[1], "", reached ? COLOR_GOOD : COLOR_DIM};
    format_seconds(status->seconds_to_target, tiles[7].value, sizeof tiles[7].value);
    if (!reached)
        snprintf(tiles[7].value, sizeof tiles[7].value, trainer_ended(status->phase) ? "not reached" : "not yet");
    return 8;
}

static void draw_tiles(const struct run_model *model, struct grid *grid, struct rect area)
{
    char target_name[2][24];
    struct tile tiles[8];
    tiles_draw(tiles, make_tiles(model, target_name, tiles), grid, area);
}

/* ---- the table of epochs ---- */

struct column {
    const char *title;
    int width, decimals;
    uint32_t color;
    int drop; /* what goes first when it is narrow: the highest */
};

enum { COL_EPOCH, COL_LR, COL_TRAIN_LOSS, COL_TRAIN_ACC, COL_TEST_LOSS, COL_TEST_ACC, COL_SECONDS, COL_COUNT };

static const struct column columns[COL_COUNT] = {
    [COL_EPOCH] = {"epoch", 5, 0, COLOR_DIM, 0},
    [COL_LR] = {"lr", 6, 4, COLOR_LR, 5},
    [COL_TRAIN_LOSS] = {"train loss", 10, 4, COLOR_TRAIN, 4},
    [COL_TRAIN_ACC] = {"train %", 7, 2, COLOR_TRAIN, 2},
    [COL_TEST_LOSS] = {"test loss", 9, 4, COLOR_VALID, 3},
    [COL_TEST_ACC] = {"test %", 6, 2, COLOR_VALID, 1},
    [COL_SECONDS] = {"train time", 10, 0, COLOR_DEFAULT, 6},
};

static void draw_epoch_row(const struct run_model *model, struct grid *grid, struct rect area, int y, size_t i,
                           const int *right, int is_best)
{
    const double *values[COL_COUNT] = {[COL_LR] = model->epoch_lr,
                                       [COL_TRAIN_LOSS] = model->train_loss,
                                       [COL_TRAIN_ACC] = model->train_acc,
                                       [COL_TEST_LOSS] = model->test_loss,
                                       [COL_TEST_ACC] = model->test_acc};
    for (int c = 0; c < COL_COUNT; c++) {
        char text[32];
        uint32_t color = columns[c].color;
        if (right[c] < 0)
            continue;
        if (c == COL_EPOCH)
            snprintf(text, sizeof text, "%g", round(model->epoch_x[i] * 100) / 100);
        else if (c == COL_SECONDS)
            format_seconds(model->train_seconds[i], text, sizeof text);
        else
            format_number(values[c][i], columns[c].decimals, text, sizeof text);
        if (c == COL_TEST_ACC && model->test_acc[i] >= model->target)
            color = COLOR_GOOD;
        put_right(grid, area, right[c], y, color, is_best ? ATTR_BOLD : ATTR_NONE, text);
    }
}

/* Whose curves have which letter, at the end of the area: a row for each, or all in one. Returns how many rows. */
static int draw_names(const struct run_model *model, struct grid *grid, struct rect area)
{
    int n = model->n_overlays, rows = area.h >= n + 6 ? n : area.h >= 5 && n > 0;
    for (int i = 0; i < n && rows > 0; i++) {
        const struct run_overlay *overlay = &model->overlay[i];
        int width = rows < n ? area.w / n : area.w, x = rows < n ? area.x + i * width : area.x;
        int y = area.y + area.h - rows + (rows < n ? 0 : i);
        put_text(grid, area, x, y, overlay->color, ATTR_BOLD, (char[]){overlay->letter, '\0'});
        put_squeezed(grid, (struct rect){x + 2, y, width - 3, 1}, COLOR_DIM, ATTR_NONE, overlay->entry->folder.name);
    }
    return rows;
}

static void draw_epochs(const struct run_model *model, struct grid *grid, struct rect area)
{
    int right[COL_COUNT], total = 0, there[COL_COUNT];
    if (area.w < 12 || area.h < 3)
        return;
    for (int c = 0; c < COL_COUNT; c++) {
        there[c] = 1;
        total += columns[c].width + 2;
    }
    for (int drop = COL_COUNT; drop > 0 && total - 2 > area.w; drop--)
        for (int c = 0; c < COL_COUNT; c++)
            if (columns[c].drop == drop && total - 2 > area.w) {
                there[c] = 0;
                total -= columns[c].width + 2;
            }
    int spare = (area.w - (total - 2)) / COL_COUNT, gap = 2 + (spare < 4 ? spare : 4);
    for (int c = 0, x = area.x; c < COL_COUNT; c++) {
        right[c] = there[c] ? x + columns[c].width : -1;
        x += there[c] ? columns[c].width + gap : 0;
        if (there[c])
            put_right(grid, area, right[c], area.y, COLOR_TITLE,
                      model->view.focus == RUN_EPOCHS ? ATTR_BOLD | ATTR_UNDERLINE : ATTR_BOLD, columns[c].title);
    }
    size_t rows = (size_t)(area.h - 1 - draw_names(model, grid, area)),
           first = model->n_epochs > rows ? model->n_epochs - rows : 0, best = SIZE_MAX;
    for (size_t i = 0; i < model->n_epochs; i++)
        if (isfinite(model->test_acc[i]) && (best == SIZE_MAX || model->test_acc[i] > model->test_acc[best]))
            best = i;
    for (size_t i = first; i < model->n_epochs; i++)
        draw_epoch_row(model, grid, area, area.y + 1 + (int)(i - first), i, right, i == best);
    if (model->n_epochs == 0)
        put_text(grid, area, area.x, area.y + 1, COLOR_DIM, ATTR_NONE, "a row after every epoch");
}

/* ---- progress ---- */

static void draw_bar(struct grid *grid, struct rect area, double part, uint32_t color)
{
    part = isfinite(part) ? fmin(fmax(part, 0), 1) : 0;
    int full = (int)(part * area.w + 1e-9);
    for (int i = 0; i < area.w; i++)
        put_text(grid, area, area.x + i, area.y, i < full ? color : COLOR_BORDER, ATTR_NONE,
                 grid->ascii ? (i < full ? "=" : "-") : (i < full ? "━" : "─"));
}

static void draw_progress(const struct run_model *model, struct grid *grid, struct rect area)
{
    const struct trainer_status *status = &model->status;
    double steps_per_epoch = status->steps_per_epoch;
    double part = status->steps ? (double)status->step / status->steps : 0;
    uint32_t in_epoch = status->steps_per_epoch ? status->step % status->steps_per_epoch : 0;
    if (in_epoch == 0 && status->step > 0)
        in_epoch = status->steps_per_epoch; /* a whole epoch rather than nothing of the next */
    uint32_t epoch =
        status->steps_per_epoch ? (status->step ? (status->step - 1) / status->steps_per_epoch + 1 : 0) : 0;
    int testing = status->phase == TRAINER_EVALUATING && status->to_evaluate > 0;
    uint32_t done = testing ? status->evaluated : in_epoch;
    uint32_t of = testing ? status->to_evaluate : status->steps_per_epoch;
    char left[48], middle[48], right[16];
    snprintf(left, sizeof left, "epoch %.4g/%.4g", fmin(epoch, model->epochs), model->epochs);
    snprintf(middle, sizeof middle, "%s %u/%u", testing ? "test" : "step", done, of);
    snprintf(right, sizeof right, "%.0f %%", floor(part * 100));
    if (area.h < 1)
        return;
    /* Widths do not depend on the numbers, so that the bars stand still. */
    int left_width = 6 + 2 * (int)fmax(2, ceil(log10(fmax(model->epochs, 1) + 1))) + 1;
    int x = area.x + put_text(grid, area, area.x, area.y, COLOR_DEFAULT, ATTR_NONE, left);
    x = area.x + left_width + 1 > x + 1 ? area.x + left_width + 1 : x + 1;
    int step_width = area.w >= 64 && steps_per_epoch > 0 ? area.w / 3 : 0, percent_width = 5;
    int end = area.x + area.w - (step_width ? step_width + 3 : 0);
    draw_bar(grid, (struct rect){x, area.y, end - x - percent_width - 1, 1}, part, COLOR_ACCENT);
    put_right(grid, area, end, area.y, COLOR_TITLE, ATTR_BOLD, right);
    if (step_width) {
        int at = end + 3, digits = (int)ceil(log10(of + 1.0));
        put_text(grid, area, at, area.y, COLOR_DIM, ATTR_NONE, middle);
        at += 6 + 2 * digits + 1;
        draw_bar(grid, (struct rect){at, area.y, area.x + area.w - at, 1}, (double)done / of,
                 testing ? COLOR_VALID : COLOR_TRAIN);
    }
}

/* ---- the whole ---- */

static void draw_recipe(const struct run_model *model, struct grid *grid, struct rect area)
{
    const char *device = model->status.device;
    struct rect first = {area.x, area.y, area.w, area.h > 0 ? 1 : 0};
    put_squeezed(grid, first, COLOR_DEFAULT, ATTR_NONE, model->summary); /* the seed is its end */
    if (area.h >= 2)
        put_text(grid, area, area.x, area.y + 1, COLOR_DIM, ATTR_NONE, device);
    else if (text_width(model->summary) + text_width(device) + 3 <= area.w)
        put_text(grid, first, area.x + area.w - text_width(device), area.y, COLOR_DIM, ATTR_NONE, device);
}

#define NOTICE_SIGN 2 /* columns: a mark at its left */

/* A notice ends with what to do: it is told whole where there are rows for it. */
static int notice_lines(struct rect area, const char *notice)
{
    int width = area.w - (area.w >= 60 ? 2 : 0) - NOTICE_SIGN;
    int lines = put_paragraph(NULL, (struct rect){0, 0, width, 0}, COLOR_WARN, notice);
    int most = area.h >= 20 ? area.h / 5 : 1;
    return lines > most ? most : lines;
}

static void draw_notice(const char *notice, uint32_t color, struct grid *grid, struct rect area)
{
    struct rect text = {area.x + NOTICE_SIGN, area.y, area.w - NOTICE_SIGN, area.h};
    for (int y = 0; y < area.h; y++)
        put_text(grid, area, area.x, area.y + y, color, ATTR_BOLD, grid->ascii ? "!" : "▌");
    if (area.h > 1)
        put_paragraph(grid, text, color, notice);
    else
        put_cut(grid, text, color, ATTR_NONE, notice);
}

void run_view_draw(const struct run_model *model, struct grid *grid, struct rect area)
{
    static void (*const draw[RUN_PANELS])(const struct run_model *, struct grid *,
                                          struct rect) = {[RUN_ACCURACY] = run_accuracy_draw,
                                                          [RUN_LOSS] = run_loss_draw,
                                                          [RUN_LR] = run_lr_draw,
                                                          [RUN_EPOCHS] = draw_epochs};
    struct run_layout layout;
    if (isnan(model->epochs)) { /* no recipe: the run that was here is gone */
        struct rect line = {area.x, area.y, area.w, area.h > 0};
        put_cut(grid, line, model->notice_is_bad ? COLOR_BAD : COLOR_WARN, ATTR_NONE, model->notice);
        put_notice(grid, area, COLOR_TITLE, "No run",
                   "n starts one, or open one on the Runs screen: its curves and numbers stand here then.");
        return;
    }
    const char *notice = *model->status.error ? model->status.error : model->notice;
    int apart = *model->status.device && text_width(model->summary) + text_width(model->status.device) + 5 > area.w;
    char forecast[160];
    int told = run_forecast_text(model, area.w >= 90, forecast, sizeof forecast);
    run_layout_make(area, &model->view, apart ? 2 : 1, notice_lines(area, notice), told, &layout);
    draw_recipe(model, grid, layout.recipe);
    draw_notice(notice, *model->status.error || model->notice_is_bad ? COLOR_BAD : COLOR_WARN, grid, layout.notice);
    draw_tiles(model, grid, layout.tiles);
    for (int i = 0; i < RUN_PANELS; i++)
        if (layout.panel[i].h > 0)
            draw[i](model, grid, layout.panel[i]);
    put_cut(grid, layout.forecast, model->forecast.ground ? COLOR_TARGET : COLOR_DIM, ATTR_NONE, forecast);
    draw_progress(model, grid, layout.progress);
}
