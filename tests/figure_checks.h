/* What holds of every figure: its texts lie inside the page, and no two of them on one another; and what they say. */
#ifndef DAVIDNET_TESTS_FIGURE_CHECKS_H
#define DAVIDNET_TESTS_FIGURE_CHECKS_H

#include "views/figure.h"

#include <cairo.h>

/* A page for a figure of so high a content: h points high, or as high as it takes where that is 0. */
struct figure *figure_check_new(enum figure_format format, double w, double h, double content);

/* Ends the test where it does not. */
void figure_check_texts(const struct figure *figure);

/* How many texts are that one; and is it in any of them? */
int figure_check_count(const struct figure *figure, const char *text);
int figure_check_says(const struct figure *figure, const char *text);

/* What a PNG shows, which ends the drawing; the caller destroys it. And its 0xRRGGBB there. */
cairo_surface_t *figure_check_image(struct figure *figure);
uint32_t figure_check_pixel(cairo_surface_t *image, int x, int y);

#endif
