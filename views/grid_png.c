#include "views/grid_png.h"
#include "views/palette.h"
#include "views/utf8.h"

#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <string.h>

struct picture {
    cairo_t *cr;
    double w, h, baseline; /* of a cell */
    int depth;
};

static void set_rgb(cairo_t *cr, uint32_t rgb)
{
    cairo_set_source_rgb(cr, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
}

/* The value that a terminal of this depth shows. */
static uint32_t shown(uint32_t color, int background, int depth)
{
    static const uint32_t ansi[16] = {0x11151C, 0xCC6666, 0x7DB87D, 0xD9A83F, 0x5F87D7, 0xB294BB, 0x6FB7C0, 0xD3D8E2,
                                      0x5C6370, 0xFF7A6B, 0x5ED6A0, 0xF5CE62, 0x7FB4FF, 0xD7A8FF, 0x7FDBFF, 0xFFFFFF};
    if (depth >= 24)
        return palette_rgb(color, background);
    if (depth >= 8)
        return palette_xterm(palette_256(color, background));
    int index = depth >= 4 ? palette_16(color, background) : -1;
    return index < 0 ? palette_rgb(COLOR_DEFAULT, background) : ansi[index];
}

/* Braille as eight round dots: fonts differ, or lack them. */
static void draw_braille(const struct picture *p, double x, double y, int bits)
{
    static const unsigned char where[8][2] = {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}};
    double radius = p->w * 0.17;
    for (int i = 0; i < 8; i++) {
        if (!(bits & 1 << i))
            continue;
        cairo_arc(p->cr, x + p->w * (0.25 + 0.5 * where[i][0]), y + p->h * (0.125 + 0.25 * where[i][1]), radius, 0,
                  2 * M_PI);
        cairo_fill(p->cr);
    }
}

/* Lines that must meet those of the next cell; arms: left, right, up, down. Returns 0 for other characters. */
static int draw_lines(const struct picture *p, double x, double y, int32_t code)
{
    static const struct {
        int32_t code;
        unsigned char left, right, up, down, round, heavy;
    } shapes[] = {
        {0x2500, 1, 1, 0, 0, 0, 0}, {0x2502, 0, 0, 1, 1, 0, 0}, {0x2501, 1, 1, 0, 0, 0, 1}, {0x2514, 0, 1, 1, 0, 0, 0},
        {0x2524, 1, 0, 1, 1, 0, 0}, {0x252C, 1, 1, 0, 1, 0, 0}, {0x256D, 0, 1, 0, 1, 1, 0}, {0x256E, 1, 0, 0, 1, 1, 0},
        {0x2570, 0, 1, 1, 0, 1, 0}, {0x256F, 1, 0, 1, 0, 1, 0}, {0x251C, 0, 1, 1, 1, 0, 0}, {0x2503, 0, 0, 1, 1, 0, 1},
    };
    double mx = x + p->w / 2, my = y + p->h / 2;
    if (code == 0x2542) /* the upright heavy, the other light */
        return draw_lines(p, x, y, 0x2500) && draw_lines(p, x, y, 0x2503);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].code != code)
            continue;
        cairo_set_line_width(p->cr, shapes[i].heavy ? p->h / 7 : p->h / 14);
        if (shapes[i].round) {
            double ex = shapes[i].left ? x : x + p->w, ey = shapes[i].up ? y : y + p->h;
            cairo_move_to(p->cr, ex, my);
            cairo_curve_to(p->cr, mx, my, mx, my, mx, ey);
        } else {
            cairo_move_to(p->cr, shapes[i].left ? x : mx, my);
            cairo_line_to(p->cr, shapes[i].right ? x + p->w : mx, my);
            cairo_move_to(p->cr, mx, shapes[i].up ? y : my);
            cairo_line_to(p->cr, mx, shapes[i].down ? y + p->h : my);
        }
        cairo_stroke(p->cr);
        return 1;
    }
    return 0;
}

/* Blocks: full, left eighths, upper and lower half. */
static int draw_block(const struct picture *p, double x, double y, int32_t code)
{
    if (code < 0x2580 || code > 0x258F)
        return 0;
    double w = p->w, h = p->h, top = y;
    if (code == 0x2580) {
        h /= 2;
    } else if (code <= 0x2588) {
        h = p->h * (code - 0x2580) / 8;
        top = y + p->h - h;
    } else {
        w = p->w * (0x2590 - code) / 8;
    }
    cairo_rectangle(p->cr, x, top, w, h);
    cairo_fill(p->cr);
    return 1;
}

static void draw_cell(const struct picture *p, const struct cell *cell, int column, int row)
{
    double x = column * p->w, y = row * p->h;
    uint8_t attr = p->depth ? cell->attr : cell->attr | palette_mono(cell->fg, cell->bg);
    uint32_t fg = shown(cell->fg, 0, p->depth), bg = shown(cell->bg, 1, p->depth);
    if (attr & ATTR_REVERSE) {
        uint32_t swap = fg;
        fg = bg;
        bg = swap;
    }
    if (attr & ATTR_DIM) {
        uint32_t mixed = 0;
        for (int shift = 0; shift < 24; shift += 8)
            mixed |= ((fg >> shift & 255) * 6 + (bg >> shift & 255) * 4) / 10 << shift;
        fg = mixed;
    }
    set_rgb(p->cr, bg);
    cairo_rectangle(p->cr, x, y, p->w * cell->width, p->h);
    cairo_fill(p->cr);
    set_rgb(p->cr, fg);
    int32_t code;
    utf8_decode(cell->text, &code);
    if (code >= 0x2800 && code < 0x2900) {
        draw_braille(p, x, y, code - 0x2800);
    } else if (code != ' ' && !draw_lines(p, x, y, code) && !draw_block(p, x, y, code)) {
        cairo_select_font_face(p->cr, "monospace", CAIRO_FONT_SLANT_NORMAL,
                               attr & ATTR_BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
        cairo_move_to(p->cr, x, y + p->baseline);
        cairo_show_text(p->cr, cell->text);
    }
    if (attr & ATTR_UNDERLINE) {
        cairo_rectangle(p->cr, x, y + p->h - 2, p->w * cell->width, 1);
        cairo_fill(p->cr);
    }
}

int grid_png_write(const struct grid *grid, int depth, int cell, const char *path, struct error *err)
{
    if (!grid->cells || cell < 4)
        return error_set(err, "%s: a picture of a screen of %d x %d cells has nothing to show", path, grid->w, grid->h);
    struct picture p = {.w = cell / 2, .h = cell, .depth = depth};
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)p.w * grid->w, (int)p.h * grid->h);
    p.cr = cairo_create(surface);
    cairo_select_font_face(p.cr, "monospace", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    /* The size at which one character is as wide as a cell. */
    cairo_set_font_size(p.cr, 100);
    cairo_font_extents_t font;
    cairo_text_extents_t one;
    cairo_text_extents(p.cr, "M", &one);
    double size = one.x_advance > 0 ? 100 * p.w / one.x_advance : cell * 0.8;
    cairo_set_font_size(p.cr, size);
    cairo_font_extents(p.cr, &font);
    p.baseline = floor((p.h - font.ascent - font.descent) / 2 + font.ascent + 0.5);
    for (int y = 0; y < grid->h; y++)
        for (int x = 0; x < grid->w; x++) {
            const struct cell *at = &grid->cells[(size_t)y * (size_t)grid->w + (size_t)x];
            if (at->width)
                draw_cell(&p, at, x, y);
        }
    cairo_status_t status = cairo_status(p.cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png(surface, path);
    errno = status == CAIRO_STATUS_WRITE_ERROR ? errno : 0;
    cairo_destroy(p.cr);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        return error_set(err, "%s: cannot write the picture: %s", path,
                         errno ? strerror(errno) : cairo_status_to_string(status));
    return 0;
}
