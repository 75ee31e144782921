#include "views/layers_view.h"

#include "views/format.h"
#include "views/frame.h"
#include "views/layout.h"
#include "views/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BESIDE_WIDTH 112 /* from here on the details have a column of their own */

/* ---- numbers ---- */

double layers_scale(const struct layers_model *model)
{
    return model->per_epoch ? model->steps_per_epoch * 1e-3 : 1;
}

const char *layers_unit(const struct layers_model *model)
{
    return model->per_epoch ? "s" : "ms";
}

/* As many decimals for all, so that points stand below each other; what is shorter is less than the last digit. */
const char *layers_time(const struct layers_model *model, double ms, char *out, size_t size)
{
    double value = ms * layers_scale(model), whole = model->step_ms * layers_scale(model);
    int decimals = whole < 100 ? 3 : whole < 10000 ? 2 : 1;
    double least = pow(10, -decimals);
    if (value > 0 && value < least / 2)
        snprintf(out, size, "<%.*f", decimals, least);
    else
        format_number(value, decimals, out, size);
    return out;
}

const char *layers_share(double part, double whole, char *out, size_t size)
{
    double percent = 100 * part / whole;
    if (!isfinite(percent))
        snprintf(out, size, "-");
    else if (percent > 0 && percent < 0.05)
        snprintf(out, size, "<0.1 %%");
    else
        snprintf(out, size, "%.1f %%", percent);
    return out;
}

const char *layers_rate(double rate, char *out, size_t size)
{
    return format_significant(rate, rate < 10 ? 2 : 3, out, size);
}

/* ---- layout ---- */

void layers_layout_make(struct rect area, struct layers_layout *layout)
{
    enum { TILES, STRIP, LEGEND, BOUND, HEAD, LIST, TOTAL, DETAIL, PARTS };
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0)
        return;
    if (area.w >= 60) /* a column of air at both sides */
        area = rect_inset(area, 1, 0);
    int air = area.h >= 30, detail = area.h >= 18 ? 4 : area.h >= 14 ? 1 : 0;
    layout->beside = area.w >= BESIDE_WIDTH && area.h >= 14;
    const struct layout_part parts[PARTS] = {
        [TILES] = {area.h >= 16 ? 2 + 2 * air : 1, 0, 0, 1},
        [STRIP] = {area.h >= 9, 0, 0, 4},
        [LEGEND] = {area.h >= 26 && area.w >= 100, 0, 0, 7},
        [BOUND] = {area.h >= 14 ? 1 + air : 0, 0, 0, 6},
        [HEAD] = {1, 0, 0, 2},
        [LIST] = {1, 0, 1, 0},
        [TOTAL] = {area.h >= 7, 0, 0, 3},
        [DETAIL] = {layout->beside ? 0 : detail, 0, 0, 5},
    };
    struct rect part[PARTS];
    layout_rows(area, 0, parts, PARTS, part);
    layout->tiles = air ? rect_inset(part[TILES], 0, 1) : part[TILES];
    layout->strip = part[STRIP];
    layout->legend = part[LEGEND];
    layout->bound = part[BOUND];
    layout->bound.h = part[BOUND].h > 0;
    layout->head = part[HEAD];
    layout->list = part[LIST];
    layout->total = part[TOTAL];
    layout->detail = part[DETAIL];
    if (layout->beside) {
        int width = area.w * 3 / 10 < 42 ? 42 : area.w * 3 / 10 > 60 ? 60 : area.w * 3 / 10;
        int below = part[HEAD].y;
        layout->detail = (struct rect){area.x + area.w - width, below, width, area.y + area.h - below};
        layout->head.w = layout->list.w = layout->total.w = area.w - width - 1;
    }
}

/* ---- above the list ---- */

static void draw_tiles(const struct layers_model *model, struct grid *grid, struct rect area)
{
    static const enum phase order[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE, PHASE_AUGMENT, PHASE_LOSS};
    static const char *const short_names[] = {"fwd", "bwd", "upd", "aug", "loss"};
    struct tile tiles[TILES_MAX];
    char number[32], percent[32];
    int n = 0;
    const char *unit = layers_unit(model);
    int beside = model->against.on; /* the phases' tiles are changes then, these two are not */
    tiles[n] = (struct tile){model->per_epoch ? (beside ? "epoch here" : "epoch, training")
                             : beside         ? "step here"
                                              : "step",
                             beside             ? "here"
                             : model->per_epoch ? "epoch"
                                                : "step",
                             "", COLOR_TITLE};
    snprintf(tiles[n++].value, sizeof tiles->value, "%s %s", layers_time(model, model->step_ms, number, sizeof number),
             unit);
    for (int i = 0; i < PHASE_COUNT; i++) {
        double ms = timing_phase_ms(&model->timing, order[i]);
        if (isnan(ms))
            continue;
        tiles[n] = (struct tile){phase_name(order[i]), short_names[i], "", layers_phase_color(order[i])};
        struct layers_change change = layers_part_change(model, phase_name(order[i])); /* nothing without another run */
        if (model->against.on) {
            tiles[n].color = layers_change_color(change.verdict);
            snprintf(tiles[n].value, sizeof tiles->value, "%s",
                     layers_change_percent(&change, percent, sizeof percent));
            if (area.h >= 2 && area.w >= 100)
                snprintf(tiles[n].value, sizeof tiles->value, "%s %s, %s",
                         layers_signed(model, change.change, number, sizeof number), unit, percent);
        } else if (area.h >= 2 && area.w >= 110)
            snprintf(tiles[n].value, sizeof tiles->value, "%s %s, %s", layers_time(model, ms, number, sizeof number),
                     unit, layers_share(ms, model->step_ms, percent, sizeof percent));
        else if (area.h >= 2)
            snprintf(tiles[n].value, sizeof tiles->value, "%s %s", layers_time(model, ms, number, sizeof number), unit);
        else
            snprintf(tiles[n].value, sizeof tiles->value, "%.0f %%", 100 * ms / model->step_ms);
        n++;
    }
    if (isfinite(model->timing.eval_batch_ms)) {
        tiles[n] = (struct tile){beside ? "evaluated batch here" : "evaluated batch",
                                 beside ? "eval here" : "eval batch", "", COLOR_RUN_C};
        double ms = model->timing.eval_batch_ms; /* never per epoch; else with the others' decimals */
        snprintf(tiles[n++].value, sizeof tiles->value, "%s ms",
                 model->per_epoch ? format_significant(ms, 4, number, sizeof number)
                                  : layers_time(model, ms, number, sizeof number));
    }
    tiles[n] = (struct tile){"mean of", "mean of", "", COLOR_DIM};
    snprintf(tiles[n++].value, sizeof tiles->value, "%s steps",
             format_count((double)model->timing.train_steps, number, sizeof number));
    tiles_draw(tiles, n, grid, area);
}

static void draw_strip(const struct layers_model *model, struct grid *grid, struct rect line)
{
    struct layers_segment parts[TIMING_PART_COUNT], phases[PHASE_COUNT];
    double ms[PHASE_COUNT], all;
    for (int p = 0; p < PHASE_COUNT; p++)
        ms[p] = timing_phase_ms(&model->timing, (enum phase)p);
    if (layers_parts_known(model, &all))
        layers_bar_draw(parts, layers_part_segments(model->timing.part_ms, parts), all, grid, line);
    else
        layers_bar_draw(phases, layers_phase_segments(ms, phases), model->step_ms, grid, line);
}

/* ---- empty states ---- */

static void draw_empty(const struct layers_model *model, struct grid *grid, struct rect area)
{
    static const struct {
        const char *title, *text;
    } said[] = {
        [LAYERS_NO_RUN] = {"No run", "Where a training step's time goes, layer by layer, stands here once there is a "
                                     "run: start one, or open one on the Runs screen."},
        [LAYERS_WAITING] = {"No times yet", "They come with the second step: the first one touches fresh memory and is "
                                            "not what a step takes."},
        [LAYERS_NONE] = {"No times", "This run has no timing.json. It is written from a run's third step on, every "
                                     "few seconds, and when the run ends."},
        [LAYERS_BAD] = {"The times cannot be read", ""},
    };
    int bad = model->state == LAYERS_BAD;
    put_notice(grid, area, bad ? COLOR_BAD : COLOR_TITLE, said[model->state].title,
               bad ? model->problem : said[model->state].text);
}

void layers_view_draw(const struct layers_model *model, struct grid *grid, struct rect area)
{
    struct layers_layout layout;
    if (model->state != LAYERS_READY) {
        draw_empty(model, grid, area);
        return;
    }
    layers_layout_make(area, &layout);
    draw_tiles(model, grid, layout.tiles);
    draw_strip(model, grid, layout.strip);
    layers_legend_draw(model, grid, layout.legend);
    if (model->against.on)
        layers_against_draw(model, grid, layout.bound);
    else
        layers_bound_draw(model, grid, layout.bound);
    struct rect list = {layout.head.x, layout.head.y, layout.list.w, layout.total.y + layout.total.h - layout.head.y};
    if (model->roof && layers_roof_fits(area))
        layers_roof_draw(model, grid, list);
    else
        layers_list_draw(model, &layout, grid);
    if (layout.detail.h > 0)
        layers_detail_draw(model, layout.beside, grid, layout.detail);
}
