/* Figures: text, lines, areas, marks and hatches. */
#include "views/figure.h"
#include "views/figure_internal.h"
#include "views/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define CAPITAL 0.729 /* of the size: DejaVu Sans, height of a capital */

/* ---- colours ---- */

static const uint32_t paper[COLOR_COUNT] = {
    [COLOR_DEFAULT] = 0x1A1A1A,   [COLOR_DIM] = 0x565C66,     [COLOR_TITLE] = 0x000000,    [COLOR_BORDER] = 0xC9CDD4,
    [COLOR_ACCENT] = 0x0065A3,    [COLOR_GOOD] = 0x00795B,    [COLOR_BAD] = 0xB3261E,      [COLOR_WARN] = 0x9A5B00,
    [COLOR_TRAIN] = 0xC25400,     [COLOR_VALID] = 0x0065A3,   [COLOR_LR] = 0x74489A,       [COLOR_TARGET] = 0x00795B,
    [COLOR_AXIS] = 0x3C4048,      [COLOR_FORWARD] = 0x3F8FCC, [COLOR_BACKWARD] = 0xF2B56B, [COLOR_UPDATE] = 0x1F7A5C,
    [COLOR_DATA] = 0xDC9CC0,      [COLOR_KEY] = 0x000000,     [COLOR_SELECTED] = 0xD6E6F5, [COLOR_PANEL] = 0xF1F3F6,
    [COLOR_TRAIN_RAW] = 0xE9C3A0, [COLOR_AHEAD] = 0x9C7FB8,   [COLOR_LOSS] = 0xE6DC6A,     [COLOR_RUN_A] = 0x0065A3,
    [COLOR_RUN_B] = 0xC25400,     [COLOR_RUN_C] = 0x00795B,   [COLOR_RUN_D] = 0xA03C78,    [COLOR_RUN_E] = 0x5A5A5A,
    [COLOR_RUN_F] = 0x7A6500,
};

uint32_t figure_rgb(uint32_t color)
{
    if (color & COLOR_RGB)
        return color & 0xFFFFFF;
    return paper[color < COLOR_COUNT ? color : COLOR_DEFAULT];
}

uint32_t figure_rgb_on(uint32_t color)
{
    uint32_t rgb = figure_rgb(color);
    double light = 0.299 * (rgb >> 16 & 255) + 0.587 * (rgb >> 8 & 255) + 0.114 * (rgb & 255);
    return light < 128 ? 0xFFFFFF : 0x000000;
}

static void set_color(struct figure *figure, uint32_t color, double opacity)
{
    uint32_t rgb = figure_rgb(color);
    cairo_set_source_rgba(figure->cr, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0,
                          opacity);
}

/* ---- text ---- */

static void set_font(struct figure *figure, const struct figure_font *font)
{
    cairo_select_font_face(figure->cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           font->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(figure->cr, font->size);
}

/* What cairo takes: valid UTF-8 without control characters, at most `most` bytes of it. */
static const char *clean(const char *utf8, size_t most, char out[LINE_MAX_BYTES])
{
    size_t n = 0;
    for (const char *end = utf8 + most; utf8 < end && *utf8;) {
        int32_t code;
        int length = utf8_decode(utf8, &code);
        if (n + (size_t)length >= LINE_MAX_BYTES)
            break;
        if (code < 0x20 || (code >= 0x7F && code < 0xA0)) {
            out[n++] = '?';
        } else {
            memcpy(out + n, utf8, (size_t)length);
            n += (size_t)length;
        }
        utf8 += length;
    }
    out[n] = '\0';
    return out;
}

static double width_of(struct figure *figure, const char *text, size_t bytes)
{
    char line[LINE_MAX_BYTES];
    cairo_text_extents_t extents;
    cairo_text_extents(figure->cr, clean(text, bytes, line), &extents);
    return extents.x_advance;
}

double figure_text_width(struct figure *figure, const struct figure_font *font, const char *utf8)
{
    set_font(figure, font);
    return width_of(figure, utf8, strlen(utf8));
}

double figure_text(struct figure *figure, double x, double y, enum figure_align align, const struct figure_font *font,
                   const char *utf8)
{
    char line[LINE_MAX_BYTES];
    double width = figure_text_width(figure, font, utf8), half = font->size * CAPITAL / 2;
    if (!*utf8)
        return 0;
    x -= align == FIGURE_RIGHT ? width : align == FIGURE_CENTRE ? width / 2 : 0;
    set_color(figure, font->color, 1);
    cairo_move_to(figure->cr, x, y + half);
    cairo_show_text(figure->cr, clean(utf8, strlen(utf8), line));
    figure_place(figure, (struct figure_box){x, y - half, width, 2 * half + 0.2 * font->size}, line);
    return width;
}

void figure_text_up(struct figure *figure, double x, double y, const struct figure_font *font, const char *utf8)
{
    char line[LINE_MAX_BYTES];
    double width = figure_text_width(figure, font, utf8), half = font->size * CAPITAL / 2;
    if (!*utf8)
        return;
    set_color(figure, font->color, 1);
    cairo_save(figure->cr);
    cairo_translate(figure->cr, x + half, y + width / 2);
    cairo_rotate(figure->cr, -M_PI / 2);
    cairo_move_to(figure->cr, 0, 0);
    cairo_show_text(figure->cr, clean(utf8, strlen(utf8), line));
    cairo_restore(figure->cr);
    figure_place(figure, (struct figure_box){x - half, y - width / 2, 2 * half + 0.2 * font->size, width}, line);
}

/* The bytes of the longest beginning, whole characters, that is no wider. */
static size_t fitting(struct figure *figure, const char *text, size_t length, double width)
{
    size_t n = 0;
    if (width_of(figure, text, length) <= width)
        return length;
    for (size_t next = 0; next < length; n = next) {
        int32_t code;
        next += (size_t)utf8_decode(text + next, &code);
        if (width_of(figure, text, next) > width)
            break;
    }
    return n;
}

char *figure_text_cut(struct figure *figure, const struct figure_font *font, const char *utf8, double width, char *out,
                      size_t size)
{
    set_font(figure, font);
    size_t length = strlen(utf8), n = fitting(figure, utf8, length, width);
    if (n < length || length >= size) {
        double dots = width_of(figure, "…", 3);
        n = fitting(figure, utf8, length, width - dots);
        while (n > 0 && (n + 4 > size || (utf8[n] & 0xC0) == 0x80))
            n--;
        snprintf(out, size, "%.*s%s", (int)n, utf8, dots <= width ? "…" : "");
        return out;
    }
    snprintf(out, size, "%s", utf8);
    return out;
}

/* Where the first line of text ends: at a blank or line break, or anywhere in a word that is too long for a line. */
static size_t first_line(struct figure *figure, const char *text, double width)
{
    size_t best = 0;
    for (size_t end = 0;;) {
        end += strcspn(text + end, " \n");
        if (width_of(figure, text, end) > width)
            break;
        best = end;
        if (text[end] == '\0' || text[end] == '\n')
            return best;
        end += strspn(text + end, " ");
    }
    if (best == 0)
        best = fitting(figure, text, strcspn(text, " \n"), width);
    return best;
}

double figure_paragraph(struct figure *figure, struct figure_box box, const struct figure_font *font, double leading,
                        int measure, const char *utf8)
{
    double used = 0;
    while (*utf8 && used + leading <= box.h + 1e-9) {
        char line[LINE_MAX_BYTES];
        set_font(figure, font);
        size_t n = first_line(figure, utf8, box.w);
        if (n == 0 && *utf8 != '\n')
            break; /* not one character fits */
        const char *rest = utf8 + n + (utf8[n] == '\n');
        rest += strspn(rest, " ");
        snprintf(line, sizeof line, "%.*s", (int)n, utf8);
        if (*rest && used + 2 * leading > box.h + 1e-9) {
            char more[LINE_MAX_BYTES + 8];
            snprintf(more, sizeof more, "%s …", line);
            figure_text_cut(figure, font, more, box.w, line, sizeof line);
        }
        if (!measure)
            figure_text(figure, box.x, box.y + used + leading / 2, FIGURE_LEFT, font, line);
        used += leading;
        utf8 = rest;
    }
    return used;
}

/* ---- shapes ---- */

static void set_stroke(struct figure *figure, const struct figure_stroke *stroke)
{
    static const double dashes[FIGURE_DASH_COUNT][4] = {[FIGURE_DASHED] = {4.5, 2.5},
                                                        [FIGURE_DOTTED] = {1.1, 2},
                                                        [FIGURE_DASH_DOT] = {6, 2, 1.2, 2},
                                                        [FIGURE_LONG_DASH] = {9, 3}};
    set_color(figure, stroke->color, 1);
    cairo_set_line_width(figure->cr, stroke->width);
    int n = stroke->dash == FIGURE_SOLID ? 0 : stroke->dash == FIGURE_DASH_DOT ? 4 : 2;
    cairo_set_dash(figure->cr, dashes[stroke->dash], n, 0);
    cairo_set_line_cap(figure->cr, CAIRO_LINE_CAP_BUTT);
    cairo_set_line_join(figure->cr, CAIRO_LINE_JOIN_ROUND);
}

void figure_line(struct figure *figure, double x0, double y0, double x1, double y1, const struct figure_stroke *stroke)
{
    const double xy[4] = {x0, y0, x1, y1};
    figure_polyline(figure, xy, 2, stroke);
}

void figure_polyline(struct figure *figure, const double *xy, size_t n, const struct figure_stroke *stroke)
{
    int open = 0;
    cairo_new_path(figure->cr);
    for (size_t i = 0; i < n; i++) {
        int there = isfinite(xy[2 * i]) && isfinite(xy[2 * i + 1]);
        if (there && open)
            cairo_line_to(figure->cr, xy[2 * i], xy[2 * i + 1]);
        else if (there)
            cairo_move_to(figure->cr, xy[2 * i], xy[2 * i + 1]);
        open = there;
    }
    set_stroke(figure, stroke);
    cairo_stroke(figure->cr);
}

void figure_polygon(struct figure *figure, const double *xy, size_t n, uint32_t color, double opacity)
{
    cairo_new_path(figure->cr);
    for (size_t i = 0; i < n; i++)
        if (isfinite(xy[2 * i]) && isfinite(xy[2 * i + 1]))
            cairo_line_to(figure->cr, xy[2 * i], xy[2 * i + 1]);
    cairo_close_path(figure->cr);
    set_color(figure, color, opacity);
    cairo_fill(figure->cr);
}

/* Regular corners about (x, y), the first of them above. */
static void corners(struct figure *figure, double x, double y, int n, double radius, double turned)
{
    cairo_new_path(figure->cr);
    for (int i = 0; i < n; i++) {
        double angle = 2 * M_PI * (i + turned) / n - M_PI / 2;
        cairo_line_to(figure->cr, x + radius * cos(angle), y + radius * sin(angle));
    }
    cairo_close_path(figure->cr);
}

void figure_marker(struct figure *figure, double x, double y, enum figure_mark mark, double size, uint32_t color)
{
    double r = size / 2;
    int open = mark == FIGURE_RING || mark == FIGURE_OPEN_SQUARE || mark == FIGURE_OPEN_TRIANGLE;
    const struct figure_stroke stroke = {color, 1, FIGURE_SOLID};
    if (mark == FIGURE_NO_MARK || !isfinite(x) || !isfinite(y))
        return;
    if (mark == FIGURE_CROSS) {
        figure_line(figure, x - r, y - r, x + r, y + r, &stroke);
        figure_line(figure, x - r, y + r, x + r, y - r, &stroke);
        return;
    }
    if (mark == FIGURE_TICK) {
        figure_line(figure, x, y - r, x, y + r, &(struct figure_stroke){COLOR_RGB | 0xFFFFFF, 2.8, FIGURE_SOLID});
        figure_line(figure, x, y - r, x, y + r, &(struct figure_stroke){color, 1.5, FIGURE_SOLID});
        return;
    }
    cairo_new_path(figure->cr);
    if (mark == FIGURE_CIRCLE || mark == FIGURE_RING)
        cairo_arc(figure->cr, x, y, r, 0, 2 * M_PI);
    else if (mark == FIGURE_SQUARE || mark == FIGURE_OPEN_SQUARE)
        cairo_rectangle(figure->cr, x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r);
    else
        corners(figure, x, y, mark == FIGURE_DIAMOND ? 4 : 3, 1.2 * r, 0);
    set_color(figure, open ? COLOR_RGB | 0xFFFFFF : color, 1);
    cairo_fill_preserve(figure->cr);
    set_stroke(figure, &(struct figure_stroke){color, open ? 1 : 0.4, FIGURE_SOLID});
    cairo_stroke(figure->cr);
}

/* Lines of a hatch lie on the page, not on the box, so that they go on from one box to the next. */
static void hatch_lines(struct figure *figure, struct figure_box b, enum figure_hatch hatch)
{
    double gap = hatch == FIGURE_DENSE ? 2.2 : 4, right = b.x + b.w, foot = b.y + b.h;
    int rising = hatch == FIGURE_RISING || hatch == FIGURE_DENSE || hatch == FIGURE_CROSSED;
    int falling = hatch == FIGURE_FALLING || hatch == FIGURE_CROSSED;
    double slant = gap * M_SQRT2;
    for (double c = ceil((b.x + b.y) / slant) * slant; rising && c < right + foot; c += slant) {
        cairo_move_to(figure->cr, c - foot, foot);
        cairo_line_to(figure->cr, c - b.y, b.y);
    }
    for (double c = ceil((b.x - foot) / slant) * slant; falling && c < right - b.y; c += slant) {
        cairo_move_to(figure->cr, c + b.y, b.y);
        cairo_line_to(figure->cr, c + foot, foot);
    }
    for (double y = ceil(b.y / 3) * 3; hatch == FIGURE_LEVEL && y < foot; y += 3) {
        cairo_move_to(figure->cr, b.x, y);
        cairo_line_to(figure->cr, right, y);
    }
    for (double x = ceil(b.x / 3) * 3; hatch == FIGURE_UPRIGHT && x < right; x += 3) {
        cairo_move_to(figure->cr, x, b.y);
        cairo_line_to(figure->cr, x, foot);
    }
    cairo_stroke(figure->cr);
}

static void hatch_dots(struct figure *figure, struct figure_box b)
{
    int row = 0;
    for (double y = ceil(b.y / 3) * 3; y < b.y + b.h + 1; y += 3, row++)
        for (double x = ceil(b.x / 4) * 4 + (row % 2) * 2 - 2; x < b.x + b.w + 1; x += 4) {
            cairo_new_sub_path(figure->cr);
            cairo_arc(figure->cr, x, y, 0.65, 0, 2 * M_PI);
        }
    cairo_fill(figure->cr);
}

void figure_fill(struct figure *figure, struct figure_box box, uint32_t color, enum figure_hatch hatch)
{
    if (!(box.w > 0 && box.h > 0))
        return;
    cairo_save(figure->cr);
    cairo_new_path(figure->cr);
    cairo_rectangle(figure->cr, box.x, box.y, box.w, box.h);
    set_color(figure, color, 1);
    cairo_fill_preserve(figure->cr);
    cairo_clip(figure->cr);
    set_stroke(figure, &(struct figure_stroke){COLOR_RGB | figure_rgb_on(color), 0.55, FIGURE_SOLID});
    set_color(figure, COLOR_RGB | figure_rgb_on(color), 0.6);
    if (hatch == FIGURE_DOTS)
        hatch_dots(figure, box);
    else if (hatch != FIGURE_PLAIN)
        hatch_lines(figure, box, hatch);
    cairo_restore(figure->cr);
    cairo_rectangle(figure->cr, box.x, box.y, box.w, box.h);
    set_stroke(figure, &(struct figure_stroke){COLOR_AXIS, 0.4, FIGURE_SOLID});
    cairo_stroke(figure->cr);
}

void figure_clip(struct figure *figure, struct figure_box box)
{
    cairo_save(figure->cr);
    cairo_new_path(figure->cr);
    cairo_rectangle(figure->cr, box.x, box.y, fmax(box.w, 0), fmax(box.h, 0));
    cairo_clip(figure->cr);
}

void figure_unclip(struct figure *figure)
{
    cairo_restore(figure->cr);
}

/* ---- legend ---- */

#define KEY_WIDTH 22.0
#define KEY_GAP 5.0
#define KEY_APART 14.0
#define KEY_LEADING 13.0

static void draw_key(struct figure *figure, double x, double y, const struct figure_key *key)
{
    if (key->filled) {
        figure_fill(figure, (struct figure_box){x, y - 4, KEY_WIDTH, 8}, key->color, key->hatch);
        return;
    }
    if (key->band) {
        const double band[8] = {x, y - 4, x + KEY_WIDTH, y - 4, x + KEY_WIDTH, y + 4, x, y + 4};
        figure_polygon(figure, band, 4, key->color, 0.2);
    }
    const struct figure_stroke stroke = {key->color, key->width, key->dash};
    if (key->width > 0)
        figure_line(figure, x, y, x + KEY_WIDTH, y, &stroke);
    figure_marker(figure, x + KEY_WIDTH / 2, y, key->mark, key->mark == FIGURE_TICK ? 9 : 4.5, key->color);
}

double figure_legend(struct figure *figure, struct figure_box box, const struct figure_key *keys, int n, int measure)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT};
    double x = box.x, y = 0;
    if (n <= 0 || box.w < KEY_WIDTH + 20 || box.h < KEY_LEADING)
        return 0;
    for (int i = 0; i < n; i++) {
        char name[256];
        figure_text_cut(figure, &font, keys[i].name, box.w - KEY_WIDTH - KEY_GAP, name, sizeof name);
        double width = KEY_WIDTH + KEY_GAP + figure_text_width(figure, &font, name);
        if (x > box.x && x + width > box.x + box.w) {
            x = box.x;
            y += KEY_LEADING;
        }
        if (y + KEY_LEADING > box.h)
            return y;
        if (!measure) {
            draw_key(figure, x, box.y + y + KEY_LEADING / 2, &keys[i]);
            figure_text(figure, x + KEY_WIDTH + KEY_GAP, box.y + y + KEY_LEADING / 2, FIGURE_LEFT, &font, name);
        }
        x += width + KEY_APART;
    }
    return y + KEY_LEADING;
}
