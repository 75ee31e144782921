#include "views/sheet.h"

#include "kernels/augment.h"
#include "views/png.h"

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN 28
#define HEADER 66      /* title, subtitle, the air below */
#define GUTTER 6       /* between an original and its augmented image */
#define CARD_PAD 10    /* between a card's edge and what is in it */
#define CARD_GAP 14    /* between cards */
#define CAPTION 58     /* three lines below the images */
#define CARD_WIDTH 196 /* at least: the captions need it */
#define IMAGE_MAX 512  /* pixels a side of a source image */
#define SHEET_PIXELS_MAX (1 << 28)

static const char *const sans = "sans-serif";

enum ink { INK_PAPER, INK_CARD, INK_EDGE, INK_TEXT, INK_SOFT, INK_ACCENT };

static void set_ink(cairo_t *cr, enum ink ink)
{
    static const double rgb[][3] = {
        [INK_PAPER] = {0.955, 0.960, 0.968}, [INK_CARD] = {1, 1, 1},          [INK_EDGE] = {0.84, 0.86, 0.89},
        [INK_TEXT] = {0.11, 0.13, 0.17},     [INK_SOFT] = {0.40, 0.44, 0.50}, [INK_ACCENT] = {0.09, 0.37, 0.65}};
    cairo_set_source_rgb(cr, rgb[ink][0], rgb[ink][1], rgb[ink][2]);
}

/* ---- layout ---- */

static int card_width(const struct images *images, int scale)
{
    int width = 2 * images->width * scale + GUTTER + 2 * CARD_PAD;
    return width > CARD_WIDTH ? width : CARD_WIDTH;
}

static int card_height(const struct images *images, int scale)
{
    return images->height * scale + CAPTION + 2 * CARD_PAD;
}

/* About 96 pixels for an image, so that single pixels are seen. */
static int choose_scale(const struct images *images)
{
    int side = images->width > images->height ? images->width : images->height;
    int scale = (96 + side / 2) / side;
    return scale < 1 ? 1 : scale > 16 ? 16 : scale;
}

/*
 * The least number of columns that makes the sheet wider than a 4:3 one; or, where the last row would then not be
 * full, the nearest number that fills it, if one is near.
 */
static int choose_columns(const struct sheet *sheet, int card_w, int card_h)
{
    int columns = 1;
    while (columns < sheet->count) {
        int rows = (sheet->count + columns - 1) / columns;
        if (3 * columns * (card_w + CARD_GAP) >= 4 * rows * (card_h + CARD_GAP))
            break;
        columns++;
    }
    for (int away = 0; away <= (columns + 2) / 3; away++)
        for (int sign = 1; sign >= -1; sign -= 2) {
            int other = columns + sign * away;
            if (other > 0 && sheet->count % other == 0)
                return other;
        }
    return columns;
}

int sheet_arrange(const struct sheet *sheet, struct sheet_layout *layout, struct error *err)
{
    const struct images *images = &sheet->dataset->train;
    if (sheet->count < 1 || sheet->count > SHEET_TILES_MAX)
        return error_set(err, "a contact sheet has 1 to %d images, not %d", SHEET_TILES_MAX, sheet->count);
    if (images->channels != 1 && images->channels != 3)
        return error_set(err, "a contact sheet shows images of 1 or 3 channels, not %d", images->channels);
    if (images->width > IMAGE_MAX || images->height > IMAGE_MAX)
        return error_set(err, "a contact sheet shows images of up to %dx%d, not %dx%d", IMAGE_MAX, IMAGE_MAX,
                         images->width, images->height);
    int scale = sheet->scale ? sheet->scale : choose_scale(images);
    if (scale < 1 || scale > 16)
        return error_set(err, "a contact sheet enlarges 1 to 16 times, not %d", scale);
    int card_w = card_width(images, scale), card_h = card_height(images, scale);
    int columns = sheet->columns > 0 ? sheet->columns : choose_columns(sheet, card_w, card_h);
    if (columns > sheet->count)
        columns = sheet->count;
    int rows = (sheet->count + columns - 1) / columns;
    layout->scale = scale;
    layout->columns = columns;
    layout->width = 2 * MARGIN + columns * (card_w + CARD_GAP) - CARD_GAP;
    layout->height = 2 * MARGIN + HEADER + rows * (card_h + CARD_GAP) - CARD_GAP;
    if (layout->width > 32767 || layout->height > 32767 || layout->width * (int64_t)layout->height > SHEET_PIXELS_MAX)
        return error_set(err, "a contact sheet of %dx%d pixels is too large; take fewer images or a smaller scale",
                         layout->width, layout->height);
    return 0;
}

static void card_at(const struct sheet *sheet, const struct sheet_layout *layout, int tile, int *x, int *y)
{
    const struct images *images = &sheet->dataset->train;
    *x = MARGIN + tile % layout->columns * (card_width(images, layout->scale) + CARD_GAP);
    *y = MARGIN + HEADER + tile / layout->columns * (card_height(images, layout->scale) + CARD_GAP);
}

struct sheet_place sheet_original(const struct sheet *sheet, const struct sheet_layout *layout, int tile)
{
    const struct images *images = &sheet->dataset->train;
    int w = images->width * layout->scale, h = images->height * layout->scale, x, y;
    card_at(sheet, layout, tile, &x, &y);
    return (struct sheet_place){x + (card_width(images, layout->scale) - 2 * w - GUTTER) / 2, y + CARD_PAD, w, h};
}

struct sheet_place sheet_augmented(const struct sheet *sheet, const struct sheet_layout *layout, int tile)
{
    struct sheet_place place = sheet_original(sheet, layout, tile);
    place.x += place.width + GUTTER;
    return place;
}

/* ---- text ---- */

static void set_font(cairo_t *cr, double size, int bold)
{
    cairo_select_font_face(cr, sans, CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

static double text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

/* Draws text from x on; one that does not fit into `room` ends in an ellipsis. Returns its width. */
static double draw_text(cairo_t *cr, double x, double y, double room, const char *text)
{
    char cut[512];
    snprintf(cut, sizeof cut - 4, "%s", text);
    size_t length = strlen(cut);
    while (length > 0 && text_width(cr, cut) > room) {
        do
            length--;
        while (length > 0 && ((unsigned char)cut[length] & 0xC0) == 0x80); /* whole characters */
        memcpy(cut + length, "\u2026", sizeof "\u2026");
    }
    cairo_move_to(cr, x, y);
    cairo_show_text(cr, cut);
    return text_width(cr, cut);
}

/* ---- pictures ---- */

/* Enlarges pixels [channels][batch_height][batch_width] straight into the surface. */
static void put_image(cairo_surface_t *surface, const uint8_t *pixels, const struct batch *size,
                      struct sheet_place place)
{
    cairo_surface_flush(surface);
    uint8_t *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    int height = batch_height(size), width = batch_width(size);
    int plane = width * height, color = size->images->channels == 3;
    for (int y = 0; y < place.height; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + (size_t)(place.y + y) * (size_t)stride);
        const uint8_t *line = pixels + y * height / place.height * width;
        for (int x = 0; x < place.width; x++) {
            const uint8_t *p = line + x * width / place.width;
            row[place.x + x] = (uint32_t)p[0] << 16 | (uint32_t)p[color * plane] << 8 | p[2 * color * plane];
        }
    }
    cairo_surface_mark_dirty(surface);
}

static void draw_caption(cairo_t *cr, const struct sheet *sheet, int tile, double x, double y, double room)
{
    const struct choice *choice = &sheet->choices[tile];
    const struct dataset *dataset = sheet->dataset;
    char number[32], geometry[64], cutout[64];
    snprintf(number, sizeof number, "#%u", choice->image);
    sheet_describe(choice, geometry, cutout);
    set_font(cr, 12, 0);
    set_ink(cr, INK_SOFT);
    double width = text_width(cr, number);
    draw_text(cr, x + room - width, y, room, number);
    set_font(cr, 12, 1);
    set_ink(cr, INK_TEXT);
    draw_text(cr, x, y, room - width - 8, dataset->class_name[dataset->train.labels[choice->image]]);
    set_font(cr, 11, 0);
    set_ink(cr, INK_ACCENT);
    draw_text(cr, x, y + 18, room, geometry[0] || cutout[0] ? geometry : "unchanged");
    draw_text(cr, x, y + 33, room, cutout);
}

static void draw_card(cairo_t *cr, const struct sheet *sheet, const struct sheet_layout *layout, int tile,
                      uint8_t *pixels)
{
    const struct images *images = &sheet->dataset->train;
    const struct choice *choice = &sheet->choices[tile];
    struct sheet_place left = sheet_original(sheet, layout, tile), right = sheet_augmented(sheet, layout, tile);
    int w = card_width(images, layout->scale), h = card_height(images, layout->scale), x, y;
    card_at(sheet, layout, tile, &x, &y);
    set_ink(cr, INK_CARD);
    cairo_rectangle(cr, x, y, w, h);
    cairo_fill(cr);
    set_ink(cr, INK_EDGE);
    cairo_set_line_width(cr, 1);
    cairo_rectangle(cr, x + 0.5, y + 0.5, w - 1, h - 1);
    cairo_stroke(cr);
    draw_caption(cr, sheet, tile, left.x, left.y + left.height + 20, right.x + right.width - left.x);

    cairo_rectangle(cr, left.x - 0.5, left.y - 0.5, left.width + 1, left.height + 1); /* white images have edges too */
    cairo_rectangle(cr, right.x - 0.5, right.y - 0.5, right.width + 1, right.height + 1);
    set_ink(cr, INK_EDGE);
    cairo_stroke(cr);

    cairo_surface_t *surface = cairo_get_target(cr);
    size_t bytes = (size_t)images->channels * (size_t)images->height * (size_t)images->width;
    struct batch batch = {.images = images, .choices = choice, .n = 1};
    put_image(surface, images->pixels + choice->image * bytes, &batch, left);
    batch.height = sheet->height;
    batch.width = sheet->width;
    augment_bytes(&batch, 0, pixels);
    put_image(surface, pixels, &batch, right);
}

static void draw_header(cairo_t *cr, const struct sheet *sheet, const struct sheet_layout *layout)
{
    double room = layout->width - 2 * MARGIN;
    set_font(cr, 20, 1);
    set_ink(cr, INK_TEXT);
    draw_text(cr, MARGIN, MARGIN + 18, room, sheet->title ? sheet->title : "");
    set_font(cr, 12.5, 0);
    set_ink(cr, INK_SOFT);
    draw_text(cr, MARGIN, MARGIN + 40, room, sheet->subtitle ? sheet->subtitle : "");
}

static void copy_rgb(cairo_surface_t *surface, const struct sheet_layout *layout, uint8_t *rgb)
{
    cairo_surface_flush(surface);
    const uint8_t *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    for (int y = 0; y < layout->height; y++) {
        const uint32_t *row = (const uint32_t *)(const void *)(data + (size_t)y * (size_t)stride);
        for (int x = 0; x < layout->width; x++) {
            *rgb++ = (uint8_t)(row[x] >> 16);
            *rgb++ = (uint8_t)(row[x] >> 8);
            *rgb++ = (uint8_t)row[x];
        }
    }
}

int sheet_draw(const struct sheet *sheet, struct sheet_layout *layout, uint8_t **rgb, struct error *err)
{
    *rgb = NULL;
    if (sheet_arrange(sheet, layout, err) != 0)
        return -1;
    const struct images *images = &sheet->dataset->train;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, layout->width, layout->height);
    cairo_t *cr = cairo_create(surface);
    uint8_t *out = malloc(3 * (size_t)layout->width * (size_t)layout->height);
    uint8_t *pixels = malloc((size_t)images->channels * (size_t)images->height * (size_t)images->width);
    int ready = out && pixels && cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    if (ready) {
        set_ink(cr, INK_PAPER);
        cairo_paint(cr);
        draw_header(cr, sheet, layout);
        for (int tile = 0; tile < sheet->count; tile++)
            draw_card(cr, sheet, layout, tile, pixels);
        ready = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    }
    if (ready)
        copy_rgb(surface, layout, out);
    else
        error_set(err, "a contact sheet of %dx%d pixels cannot be drawn: %s", layout->width, layout->height,
                  out && pixels ? cairo_status_to_string(cairo_status(cr)) : "out of memory");
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    free(pixels);
    if (!ready) {
        free(out);
        return -1;
    }
    *rgb = out;
    return 0;
}

int sheet_save(const struct sheet *sheet, const char *path, struct error *err)
{
    struct sheet_layout layout;
    uint8_t *rgb;
    if (sheet_draw(sheet, &layout, &rgb, err) != 0)
        return -1;
    int status = png_save(rgb, layout.width, layout.height, path, err);
    free(rgb);
    return status;
}
