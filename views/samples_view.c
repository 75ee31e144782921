#include "views/samples_view.h"
#include "views/format.h"
#include "views/frame.h"
#include "views/layout.h"
#include "views/picture.h"
#include "views/tiles.h"

#include <stdio.h>
#include <string.h>

#define BESIDE_WIDTH 66 /* from here on the details have a column of their own */
#define DETAIL_LINES 7  /* of text below the pictures; one more where colours are changed */
#define LABEL_WIDTH 9
#define SIDE_MIN 8 /* of the pictures there, in pixels of the screen */
#define SIDE_MAX 32
#define SLOW_CELLS 1200 /* of the pictures in the grid, on a slow line */

/* ---- layout ---- */

/* Cells of a picture whose longer side has `side` pixels on the screen; a cell is one pixel wide and two high. */
static void cells_of(const struct samples_model *model, int side, int *w, int *h)
{
    int iw = model->dataset->train.width, ih = model->dataset->train.height, longer = iw > ih ? iw : ih;
    *w = (iw * side + longer / 2) / longer;
    *h = (ih * side + longer) / (2 * longer);
    *w = *w < 1 ? 1 : *w;
    *h = *h < 1 ? 1 : *h;
}

static void fit_tiles(const struct samples_model *model, int side, struct samples_layout *layout)
{
    struct rect area = layout->grid;
    cells_of(model, side, &layout->tile_w, &layout->tile_h);
    layout->label = area.h > layout->tile_h;
    layout->columns = (area.w + 1) / (layout->tile_w + 1);
    layout->rows = area.h / (layout->tile_h + layout->label);
    layout->columns = layout->columns < 1 ? 1 : layout->columns;
    layout->rows = layout->rows < 1 ? 1 : layout->rows;
}

/* The largest pictures of which a dozen fit, or else four, or else two. */
static void choose_tiles(const struct samples_model *model, struct samples_layout *layout)
{
    static const int wanted[] = {12, 4, 2};
    for (int w = 0; w < 3; w++)
        for (int i = SAMPLES_SIZES - 1; i > 0; i--) {
            fit_tiles(model, samples_sizes[i], layout);
            if (layout->columns * layout->rows >= wanted[w] && layout->tile_h <= layout->grid.h &&
                layout->tile_w <= layout->grid.w)
                return;
        }
    fit_tiles(model, samples_sizes[0], layout);
}

void samples_layout_make(const struct samples_model *model, struct rect area, struct samples_layout *layout)
{
    enum { TILES, GRID, LINE, PARTS };
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0 || model->state != SAMPLES_READY)
        return;
    if (area.w >= 60) /* a column of air at both sides */
        area = rect_inset(area, 1, 0);
    int air = area.h >= 30;
    layout->beside = area.w >= BESIDE_WIDTH && area.h >= 14;
    const struct layout_part parts[PARTS] = {
        [TILES] = {area.h >= 16 ? 2 + 2 * air : 1, 0, 0, 1},
        [GRID] = {2, 0, 1, 0},
        [LINE] = {layout->beside ? 0 : 1, 0, 0, 2},
    };
    struct rect part[PARTS];
    layout_rows(area, 0, parts, PARTS, part);
    layout->tiles = air ? rect_inset(part[TILES], 0, 1) : part[TILES];
    layout->grid = part[GRID];
    layout->detail = part[LINE];
    if (layout->beside) {
        int wide = area.w >= 150 ? 40 : 36;
        layout->detail = (struct rect){area.x + area.w - wide, part[GRID].y, wide, part[GRID].h};
        layout->grid.w -= wide + 2;
    }
    if (model->zoom > 0 && model->zoom <= SAMPLES_SIZES)
        fit_tiles(model, samples_sizes[model->zoom - 1], layout);
    else
        choose_tiles(model, layout);
    int used = layout->columns * (layout->tile_w + 1) - 1;
    if (layout->beside && used < layout->grid.w) { /* what the grid leaves over */
        int more = layout->grid.w - used;
        layout->grid.w -= more;
        layout->detail.x -= more;
        layout->detail.w += more;
    }
}

int samples_view_first(const struct samples_model *model, const struct samples_layout *layout)
{
    int page = layout->columns * layout->rows;
    return page > 0 ? model->cursor / page * page : 0;
}

struct rect samples_view_tile(const struct samples_model *model, const struct samples_layout *layout, int place)
{
    int at = place - samples_view_first(model, layout), page = layout->columns * layout->rows;
    if (at < 0 || at >= page || place >= model->batch.n)
        return (struct rect){0};
    struct rect tile = {layout->grid.x + at % layout->columns * (layout->tile_w + 1),
                        layout->grid.y + at / layout->columns * (layout->tile_h + layout->label), layout->tile_w,
                        layout->tile_h};
    return rect_intersect(tile, layout->grid).w > 0 ? tile : (struct rect){0};
}

int samples_view_place_at(const struct samples_model *model, struct rect area, int x, int y)
{
    struct samples_layout layout;
    samples_layout_make(model, area, &layout);
    int first = samples_view_first(model, &layout);
    for (int i = first; i < first + layout.columns * layout.rows && model->state == SAMPLES_READY; i++) {
        struct rect tile = samples_view_tile(model, &layout, i);
        tile.h += layout.label;
        tile = rect_intersect(tile, layout.grid);
        if (x >= tile.x && x < tile.x + tile.w && y >= tile.y && y < tile.y + tile.h)
            return i;
    }
    return -1;
}

/* ---- above ---- */

/* Counted from 1. */
static void step_text(const struct samples_model *model, uint32_t step, char *out, size_t size)
{
    uint32_t each = model->batches.steps_per_epoch;
    snprintf(out, size, "epoch %u, batch %u", step / each + 1, step % each + 1);
}

static void view_text(const struct samples_model *model, char *out, size_t size)
{
    if (model->frozen)
        snprintf(out, size, "frozen");
    else if (model->next_in > 0)
        snprintf(out, size, "follows, in %d s", model->next_in);
    else
        snprintf(out, size, "follows");
}

static void draw_numbers(const struct samples_model *model, const struct samples_layout *layout, struct grid *grid)
{
    const struct batches *batches = &model->batches;
    uint32_t each = batches->steps_per_epoch;
    int first = samples_view_first(model, layout), last = first + layout->columns * layout->rows;
    char images[40];
    snprintf(images, sizeof images, "%d-%d of %d", first + 1, last < model->batch.n ? last : model->batch.n,
             model->batch.n);
    if (layout->tiles.h < 2) { /* one row: only what is shown */
        struct tile tiles[3] = {
            {"", "epoch", "", COLOR_TITLE}, {"", "batch", "", COLOR_TITLE}, {"", "images", "", COLOR_DATA}};
        snprintf(tiles[0].value, sizeof tiles->value, "%u", model->step / each + 1);
        snprintf(tiles[1].value, sizeof tiles->value, "%u", model->step % each + 1);
        snprintf(tiles[2].value, sizeof tiles->value, "%s", images);
        tiles_draw(tiles, 3, grid, layout->tiles);
        return;
    }
    struct tile tiles[5] = {{"shown", "shown", "", COLOR_TITLE},
                            {"images", "images", "", COLOR_DATA},
                            {model->live ? "training is at" : "training ended at", "training", "", COLOR_TRAIN},
                            {"view", "view", "", COLOR_ACCENT},
                            {"in all", "in all", "", COLOR_DIM}};
    step_text(model, model->step, tiles[0].value, sizeof tiles->value);
    snprintf(tiles[1].value, sizeof tiles->value, "%s", images);
    step_text(model, model->training, tiles[2].value, sizeof tiles->value);
    view_text(model, tiles[3].value, sizeof tiles->value);
    snprintf(tiles[4].value, sizeof tiles->value, "%u batches, %u an epoch", batches->steps, each);
    if (!model->live)
        tiles[3] = tiles[4];
    tiles_draw(tiles, model->live ? 5 : 4, grid, layout->tiles);
}

/* ---- the grid ---- */

/* One of the batch, as trained on or as stored. */
static struct picture picture_of(const struct samples_model *model, int place, int trained)
{
    const struct images *images = model->batch.images;
    if (trained)
        return (struct picture){samples_trained(model, place), images->channels, batch_height(&model->batch),
                                batch_width(&model->batch)};
    return (struct picture){samples_original(model, place), images->channels, images->height, images->width};
}

static const char *class_of(const struct samples_model *model, int place)
{
    const struct images *images = model->batch.images;
    return model->dataset->class_name[images->labels[model->batch.choices[place].image]];
}

static void draw_grid(const struct samples_model *model, const struct samples_layout *layout, struct grid *grid)
{
    int first = samples_view_first(model, layout), cells = 0;
    for (int i = first; i < first + layout->columns * layout->rows && i < model->batch.n; i++) {
        struct rect tile = samples_view_tile(model, layout, i);
        struct picture picture = picture_of(model, i, 1);
        cells += tile.w * tile.h;
        if (grid->slow && cells > SLOW_CELLS)
            put_cut(grid, rect_intersect(tile, layout->grid), COLOR_DIM, ATTR_NONE, "slow line");
        else
            picture_draw(&picture, grid, layout->grid, tile);
        if (!layout->label || tile.w == 0)
            continue;
        struct rect label = rect_intersect((struct rect){tile.x, tile.y + tile.h, tile.w, 1}, layout->grid);
        int here = i == model->cursor;
        if (here)
            put_fill(grid, label, COLOR_TITLE, COLOR_SELECTED, NULL);
        put_cut(grid, label, here ? COLOR_TITLE : COLOR_DIM, here ? ATTR_BOLD : ATTR_NONE, class_of(model, i));
    }
}

/* ---- the image under the cursor ---- */

static void put_fact(struct grid *grid, struct rect area, int *y, const char *label, const char *text)
{
    struct rect line = rect_intersect(area, (struct rect){area.x, area.y + (*y)++, area.w, 1});
    put_text(grid, line, line.x, line.y, COLOR_DIM, ATTR_NONE, label);
    put_cut(grid, rect_intersect(line, (struct rect){line.x + LABEL_WIDTH, line.y, line.w - LABEL_WIDTH, line.h}),
            COLOR_DEFAULT, ATTR_NONE, text);
}

static void crop_text(const struct choice *choice, char *out, size_t size)
{
    if (choice->pad)
        snprintf(out, size, "x %+d, y %+d of ±%d px", choice->crop_x - choice->pad, choice->crop_y - choice->pad,
                 choice->pad);
    else
        snprintf(out, size, "none");
}

static const char *flip_text(const struct choice *choice)
{
    static const char *const flips[] = {"no", "mirrored", "upside down", "turned by 180°"};
    return flips[choice->flip & 3];
}

static void cutout_text(const struct choice *choice, char *out, size_t size)
{
    if (choice->cut_h && choice->cut_w)
        snprintf(out, size, "%d × %d px at x %d, y %d", choice->cut_w, choice->cut_h, choice->cut_x, choice->cut_y);
    else
        snprintf(out, size, "none");
}

/* The text has no other letters than ASCII's in ASCII. */
static void put_ascii(const struct grid *grid, char *text)
{
    static const char *const pairs[][2] = {{"±", "+-"}, {"×", "x"}, {"°", " degrees"}};
    for (size_t i = 0; grid->ascii && i < sizeof pairs / sizeof *pairs; i++)
        for (char *at; (at = strstr(text, pairs[i][0])) != NULL;) {
            char rest[128];
            snprintf(rest, sizeof rest, "%s", at + strlen(pairs[i][0]));
            sprintf(at, "%s%s", pairs[i][1], rest);
        }
}

static int has_colors(const struct samples_model *model)
{
    return model->batches.options.brightness > 0 || model->batches.options.contrast > 0;
}

static void draw_facts(const struct samples_model *model, struct grid *grid, struct rect area)
{
    const struct choice *choice = &model->batch.choices[model->cursor];
    char text[160], number[32], total[32];
    int y = 0;
    put_fact(grid, area, &y, "label", class_of(model, model->cursor));
    format_count(choice->image, number, sizeof number);
    snprintf(text, sizeof text, "#%s of %s", number, format_count(model->batch.images->count, total, sizeof total));
    put_fact(grid, area, &y, "image", text);
    snprintf(text, sizeof text, "%d of %d", model->cursor + 1, model->batch.n);
    put_fact(grid, area, &y, "in batch", text);
    crop_text(choice, text, sizeof text);
    put_ascii(grid, text);
    put_fact(grid, area, &y, "crop", text);
    snprintf(text, sizeof text, "%s", flip_text(choice));
    put_ascii(grid, text);
    put_fact(grid, area, &y, "flip", text);
    cutout_text(choice, text, sizeof text);
    put_ascii(grid, text);
    put_fact(grid, area, &y, "cutout", text);
    if (!has_colors(model))
        return;
    snprintf(text, sizeof text, "%+.3f, × %.3f", (double)choice->brightness, 1 + (double)choice->contrast);
    put_ascii(grid, text);
    put_fact(grid, area, &y, "light", text);
}

static void draw_pair(const struct samples_model *model, struct grid *grid, struct rect area, struct rect at[2])
{
    char trained[64] = "trained on";
    if (model->batch.height)
        snprintf(trained, sizeof trained, "trained on, %d × %d", model->batch.width, model->batch.height);
    put_ascii(grid, trained);
    const char *titles[2] = {trained, "as stored"};
    for (int i = 0; i < 2; i++) {
        struct picture picture = picture_of(model, model->cursor, i == 0);
        struct rect title = {at[i].x, at[i].y - 1, at[i].w, 1};
        put_cut(grid, rect_intersect(title, area), i ? COLOR_DIM : COLOR_TITLE, i ? ATTR_NONE : ATTR_BOLD, titles[i]);
        picture_draw(&picture, grid, area, at[i]);
    }
}

/* Both pictures as large as they fit, below each other or side by side, then what was done to it. */
static void draw_detail(const struct samples_model *model, struct grid *grid, struct rect area)
{
    put_box(grid, area, COLOR_BORDER, class_of(model, model->cursor));
    struct rect inside = rect_inset(area, 2, 1);
    int lines = DETAIL_LINES + has_colors(model);
    for (int side = SIDE_MAX;; side -= 2) {
        int w, h;
        cells_of(model, side, &w, &h);
        int stacked = w <= inside.w && 2 * (h + 1) + lines <= inside.h;
        int beside = 2 * w <= inside.w && h + 1 + lines <= inside.h;
        if (!stacked && !beside && side > SIDE_MIN)
            continue;
        struct rect at[2] = {{inside.x, inside.y + 1, w, h}, {inside.x, inside.y + h + 2, w, h}};
        if (beside)
            at[1] = (struct rect){2 * w < inside.w ? inside.x + w + 1 : inside.x + w, inside.y + 1, w, h};
        draw_pair(model, grid, inside, at);
        int y = at[1].y + h + 1;
        draw_facts(model, grid, rect_intersect(inside, (struct rect){inside.x, y, inside.w, inside.h}));
        return;
    }
}

/* One line for narrow screens: "frog +2,-3 px, mirrored, cut 24,3". */
static void draw_line(const struct samples_model *model, struct grid *grid, struct rect area)
{
    const struct choice *choice = &model->batch.choices[model->cursor];
    char crop[32] = "", cut[32] = "", text[128];
    int x = area.x;
    x += put_text(grid, area, x, area.y, COLOR_TITLE, ATTR_BOLD, class_of(model, model->cursor)) + 1;
    if (choice->pad)
        snprintf(crop, sizeof crop, "%+d,%+d px", choice->crop_x - choice->pad, choice->crop_y - choice->pad);
    if (choice->cut_h && choice->cut_w)
        snprintf(cut, sizeof cut, "cut %d,%d", choice->cut_x, choice->cut_y);
    const char *flip = choice->flip ? flip_text(choice) : "";
    snprintf(text, sizeof text, "%s%s%s%s%s", crop, crop[0] && (flip[0] || cut[0]) ? ", " : "", flip,
             flip[0] && cut[0] ? ", " : "", cut);
    put_ascii(grid, text);
    put_cut(grid, rect_intersect(area, (struct rect){x, area.y, area.x + area.w - x, 1}), COLOR_DEFAULT, ATTR_NONE,
            text[0] ? text : "as stored");
}

/* ---- empty states ---- */

static void draw_empty(const struct samples_model *model, struct grid *grid, struct rect area)
{
    static const struct {
        const char *title, *text;
    } said[] = {
        [SAMPLES_NO_RUN] = {"No run", "The images of the batch in training stand here, as the network is shown them, "
                                      "once there is a run: start one, or open one on the Runs screen."},
        [SAMPLES_LOADING] = {"Loading the data set", "The images of the batch in training stand here in a moment."},
        [SAMPLES_BAD] = {"No images", ""},
    };
    put_notice(grid, area, model->state == SAMPLES_BAD ? COLOR_BAD : COLOR_TITLE, said[model->state].title,
               model->state == SAMPLES_BAD ? model->problem : said[model->state].text);
}

void samples_view_draw(const struct samples_model *model, struct grid *grid, struct rect area)
{
    struct samples_layout layout;
    if (model->state != SAMPLES_READY) {
        draw_empty(model, grid, area);
        return;
    }
    samples_layout_make(model, area, &layout);
    if (layout.grid.h <= 0 || layout.grid.w <= 0)
        return;
    if (layout.tiles.h > 0)
        draw_numbers(model, &layout, grid);
    draw_grid(model, &layout, grid);
    if (layout.beside)
        draw_detail(model, grid, layout.detail);
    else if (layout.detail.h > 0)
        draw_line(model, grid, layout.detail);
}
