/*
 * A figure for a report: one page with title, subtitle and a small provenance line, drawn by cairo and encoded as PNG,
 * SVG or PDF. Lengths are points (1/72 inch) from the page's top left corner, whatever the format; a PNG has
 * `scale` pixels a point. Text is DejaVu Sans with unhinted metrics, so that the layout is the same in every format.
 *
 * A file says its title, subtitle, caption and maker to programs as well: a PNG in Title, Description, Comment and
 * Software, a PDF in Title, Subject, Keywords and Creator, an SVG in <title> and <desc>.
 *
 * The bytes depend on what is drawn and on the versions of cairo and the font alone: no dates, no counters.
 * Texts are remembered where they were put: an SVG carries them in its <desc> (cairo makes outlines of them), and
 * tests look whether they overlap or leave the page. Drawing never fails visibly; what went wrong inside (memory) is
 * said by figure_encode. Any size from 1 x 1 point draws.
 *
 * Colours are those of enum color, for white paper: of the hues of Okabe and Ito ("Color Universal Design", 2008) the
 * ones that are dark enough to be seen as a line. Nothing should be told apart by colour alone: there are dashes,
 * marks and hatches.
 */
#ifndef DAVIDNET_VIEWS_FIGURE_H
#define DAVIDNET_VIEWS_FIGURE_H

#include "kernels/error.h"
#include "views/grid.h"

#include <stddef.h>

enum figure_format { FIGURE_PNG, FIGURE_SVG, FIGURE_PDF, FIGURE_FORMAT_COUNT };

#define FIGURE_POINTS_MAX 14400 /* a page's side; and FIGURE_PIXELS_MAX for that of a PNG */
#define FIGURE_PIXELS_MAX 16000

struct figure_page {
    enum figure_format format;
    double width, height; /* points */
    double scale;         /* pixels per point of a PNG; 0: 2, that is 144 a inch */
    const char *title;    /* (optional) */
    const char *subtitle; /* (optional) under it; broken into lines where it is long */
    const char *caption;  /* (optional) at the foot, small: recipe, seed, commit, the command that reproduces it */
};

struct figure_box {
    double x, y, w, h;
};

enum figure_dash { FIGURE_SOLID, FIGURE_DASHED, FIGURE_DOTTED, FIGURE_DASH_DOT, FIGURE_LONG_DASH, FIGURE_DASH_COUNT };
enum figure_mark {
    FIGURE_NO_MARK,
    FIGURE_CIRCLE,
    FIGURE_SQUARE,
    FIGURE_TRIANGLE,
    FIGURE_DIAMOND,
    FIGURE_CROSS,
    FIGURE_RING, /* a circle that is not filled; so are the next two */
    FIGURE_OPEN_SQUARE,
    FIGURE_OPEN_TRIANGLE,
    FIGURE_TICK, /* an upright line, with a white edge: what a bar is held against */
    FIGURE_MARK_COUNT
};
enum figure_hatch {
    FIGURE_PLAIN,
    FIGURE_RISING, /* lines: / */
    FIGURE_FALLING,
    FIGURE_CROSSED,
    FIGURE_DOTS,
    FIGURE_LEVEL,
    FIGURE_UPRIGHT,
    FIGURE_DENSE, /* rising, close together */
    FIGURE_HATCH_COUNT
};
enum figure_align { FIGURE_LEFT, FIGURE_CENTRE, FIGURE_RIGHT };

/* Sizes of text, in points. */
#define FIGURE_TITLE_SIZE 13.0
#define FIGURE_TEXT_SIZE 9.0
#define FIGURE_SMALL_SIZE 8.0
#define FIGURE_CAPTION_SIZE 6.5

struct figure_font {
    double size;
    int bold;
    uint32_t color;
};

struct figure_stroke {
    uint32_t color;
    double width;
    enum figure_dash dash;
};

struct figure;

/* A white page with the title, subtitle and caption on it. NULL with err: the size is no page's, or no memory. */
struct figure *figure_new(const struct figure_page *page, struct error *err);
void figure_free(struct figure *figure); /* NULL: nothing */

/* The height at which a page of that width (page->height is not read) leaves `content` points for its content. */
double figure_page_height(const struct figure_page *page, double content);

/* What title, subtitle, caption and margins leave; may be empty on a small page, its sides are never negative. */
struct figure_box figure_content(const struct figure *figure);
struct figure_box figure_whole(const struct figure *figure);

/*
 * Ends the drawing. *bytes is malloc'ed, the caller frees it. -1 with err, which begins with `name`, that of the file
 * it is meant for. Nothing can be drawn afterwards.
 */
int figure_encode(struct figure *figure, const char *name, char **bytes, size_t *size, struct error *err);
/* The same, written to path through a temporary file: it is replaced whole, or left as it was. */
int figure_save(struct figure *figure, const char *path, struct error *err);

/* By the end of a file's name, whatever its case: ".png", ".svg", ".pdf". -1: none of them. By name: "png" ... */
int figure_format_of_path(const char *path);
int figure_format_of_name(const char *name);
const char *figure_format_name(enum figure_format format);

/* What the paper shows for an enum color or COLOR_RGB value: 0xRRGGBB. And the colour that reads on top of it. */
uint32_t figure_rgb(uint32_t color);
uint32_t figure_rgb_on(uint32_t color);

/* What draws had no memory: figure_encode will say so. */
void figure_fail(struct figure *figure);

/* ---- drawing ---- */

/* One line of UTF-8; y is that of its middle (half the height of a capital above the base line). Returns its width. */
double figure_text(struct figure *figure, double x, double y, enum figure_align align, const struct figure_font *font,
                   const char *utf8);
/* Reading upwards, its middle at (x, y). */
void figure_text_up(struct figure *figure, double x, double y, const struct figure_font *font, const char *utf8);
double figure_text_width(struct figure *figure, const struct figure_font *font, const char *utf8);
/* Writes to out (size bytes) what fits in that width, with an ellipsis at its end where it had to be cut; returns out.
 */
char *figure_text_cut(struct figure *figure, const struct figure_font *font, const char *utf8, double width, char *out,
                      size_t size);
/* Broken at blanks into lines no wider than box.w; a line's box is `leading` high. Draws unless `measure`; returns the
 * height. Lines that do not fit into box.h are left out, the last one ending in an ellipsis. */
double figure_paragraph(struct figure *figure, struct figure_box box, const struct figure_font *font, double leading,
                        int measure, const char *utf8);

void figure_line(struct figure *figure, double x0, double y0, double x1, double y1, const struct figure_stroke *stroke);
/* xy: [n][2]. A point that is not finite ends a piece. */
void figure_polyline(struct figure *figure, const double *xy, size_t n, const struct figure_stroke *stroke);
/* The closed shape, filled with that much of the colour (0 to 1). */
void figure_polygon(struct figure *figure, const double *xy, size_t n, uint32_t color, double opacity);
void figure_marker(struct figure *figure, double x, double y, enum figure_mark mark, double size, uint32_t color);
/* A rectangle of that colour, hatched, with a thin outline. */
void figure_fill(struct figure *figure, struct figure_box box, uint32_t color, enum figure_hatch hatch);

/* What is drawn from here to figure_unclip stays inside the box. Not nested. */
void figure_clip(struct figure *figure, struct figure_box box);
void figure_unclip(struct figure *figure);

/*
 * A legend: entries side by side, on as many lines as the width asks for, in the order given. Draws at the box's top
 * unless `measure`; returns the height.
 */
struct figure_key {
    const char *name;
    uint32_t color;
    int filled; /* 1: a hatched box; 0: a line with a mark */
    enum figure_hatch hatch;
    enum figure_dash dash;
    enum figure_mark mark;
    double width; /* of the line; 0: none, only the mark */
    int band;     /* 1: a band behind the line */
};
double figure_legend(struct figure *figure, struct figure_box box, const struct figure_key *keys, int n, int measure);

/* ---- for tests ---- */

/* The texts that were drawn, in order, and the boxes of their ink with its ascenders. Ours, until the next drawing. */
struct figure_placed {
    struct figure_box box;
    char *text;
};
size_t figure_texts(const struct figure *figure, const struct figure_placed **texts);

#endif
