/* What figure.c and figure_draw.c share: the page, with its cairo surface. */
#ifndef DAVIDNET_VIEWS_FIGURE_INTERNAL_H
#define DAVIDNET_VIEWS_FIGURE_INTERNAL_H

#include "views/figure.h"

#include <cairo.h>

struct figure {
    enum figure_format format;
    double width, height; /* points */
    cairo_surface_t *surface;
    cairo_t *cr;
    struct figure_box content;
    char *title, *subtitle, *caption; /* ours; NULL: none */
    /* What the surface wrote, of SVG and PDF. */
    char *bytes;
    size_t size, room;
    int failed; /* no memory for bytes or texts */
    struct figure_placed *texts;
    size_t n_texts, texts_room;
};

/* Remembers a text. */
void figure_place(struct figure *figure, struct figure_box box, const char *text);

#endif
