#include "views/figure.h"

#include <stddef.h>

/* Drawing where there is never a figure (figure_headless.c): nothing is drawn, and nothing takes any room. */

uint32_t figure_rgb(uint32_t color)
{
    return color & 0xFFFFFF;
}

uint32_t figure_rgb_on(uint32_t color)
{
    return ~color & 0xFFFFFF;
}

double figure_text(struct figure *figure, double x, double y, enum figure_align align, const struct figure_font *font,
                   const char *utf8)
{
    (void)figure, (void)x, (void)y, (void)align, (void)font, (void)utf8;
    return 0;
}

void figure_text_up(struct figure *figure, double x, double y, const struct figure_font *font, const char *utf8)
{
    (void)figure, (void)x, (void)y, (void)font, (void)utf8;
}

double figure_text_width(struct figure *figure, const struct figure_font *font, const char *utf8)
{
    (void)figure, (void)font, (void)utf8;
    return 0;
}

char *figure_text_cut(struct figure *figure, const struct figure_font *font, const char *utf8, double width, char *out,
                      size_t size)
{
    (void)figure, (void)font, (void)utf8, (void)width;
    if (size > 0)
        *out = '\0';
    return out;
}

double figure_paragraph(struct figure *figure, struct figure_box box, const struct figure_font *font, double leading,
                        int measure, const char *utf8)
{
    (void)figure, (void)box, (void)font, (void)leading, (void)measure, (void)utf8;
    return 0;
}

void figure_line(struct figure *figure, double x0, double y0, double x1, double y1, const struct figure_stroke *stroke)
{
    (void)figure, (void)x0, (void)y0, (void)x1, (void)y1, (void)stroke;
}

void figure_polyline(struct figure *figure, const double *xy, size_t n, const struct figure_stroke *stroke)
{
    (void)figure, (void)xy, (void)n, (void)stroke;
}

void figure_polygon(struct figure *figure, const double *xy, size_t n, uint32_t color, double opacity)
{
    (void)figure, (void)xy, (void)n, (void)color, (void)opacity;
}

void figure_marker(struct figure *figure, double x, double y, enum figure_mark mark, double size, uint32_t color)
{
    (void)figure, (void)x, (void)y, (void)mark, (void)size, (void)color;
}

void figure_fill(struct figure *figure, struct figure_box box, uint32_t color, enum figure_hatch hatch)
{
    (void)figure, (void)box, (void)color, (void)hatch;
}

void figure_clip(struct figure *figure, struct figure_box box)
{
    (void)figure, (void)box;
}

void figure_unclip(struct figure *figure)
{
    (void)figure;
}

double figure_legend(struct figure *figure, struct figure_box box, const struct figure_key *keys, int n, int measure)
{
    (void)figure, (void)box, (void)keys, (void)n, (void)measure;
    return 0;
}
