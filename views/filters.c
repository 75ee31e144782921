#include "views/filters.h"

#include <math.h>
#include <stdio.h>

#define LABEL 12.0 /* points: an eigenvalue's line */
#define GAP 6.0
#define SCALE 34.0 /* the scale at the foot, with its numbers */
#define SIDE 48.0  /* of a filter, at most */

static int per_half(const struct filters *filters)
{
    return filters->channels * filters->kernel * filters->kernel;
}

/* Filters in a row: so many that a half of them (the other half are negatives) fills its rows. */
static int columns_of(const struct filters *filters)
{
    int m = per_half(filters);
    return m <= 9 ? m : m % 9 == 0 ? 9 : m % 6 == 0 ? 6 : 8;
}

static int rows_of_half(const struct filters *filters)
{
    return (per_half(filters) + columns_of(filters) - 1) / columns_of(filters);
}

int filters_check(const struct filters *filters, struct error *err)
{
    if (filters->channels == 1 || filters->channels == 3)
        return 0;
    return error_set(err, "filters of %d channels have no colours: a picture needs 1 or 3", filters->channels);
}

static uint32_t level(double shade)
{
    return (uint32_t)lround(255 * fmin(fmax(shade, 0), 1));
}

uint32_t filters_pixel(const struct filters *filters, int index, int y, int x)
{
    int k = filters->kernel, size = per_half(filters);
    const float *filter = filters->values + (size_t)index * (size_t)size;
    double largest = 0;
    uint32_t rgb = 0;
    for (int i = 0; i < size; i++)
        largest = fmax(largest, fabs((double)filter[i]));
    for (int c = 0; c < 3; c++) {
        double value = (double)filter[((filters->channels == 1 ? 0 : c) * k + y) * k + x];
        rgb = rgb << 8 | level(largest > 0 ? 0.5 + 0.5 * value / largest : 0.5);
    }
    return rgb;
}

static void fill(struct figure *figure, double x, double y, double w, double h, uint32_t rgb)
{
    const double corners[] = {x, y, x + w, y, x + w, y + h, x, y + h};
    figure_polygon(figure, corners, 4, COLOR_RGB | rgb, 1);
}

static void draw_one(struct figure *figure, const struct filters *filters, int index, double x, double y, double side)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE - 1, 0, COLOR_DIM};
    char text[32];
    int k = filters->kernel;
    double pixel = side / k;
    for (int row = 0; row < k; row++)
        for (int column = 0; column < k; column++)
            fill(figure, x + column * pixel, y + row * pixel, pixel, pixel, filters_pixel(filters, index, row, column));
    snprintf(text, sizeof text, "%.3g", filters->eigenvalues[index % per_half(filters)]);
    figure_text(figure, x + side / 2, y + side + LABEL / 2, FIGURE_CENTRE, &font, text);
}

/* From what is most below 0 to what is most above it. */
static void draw_scale(struct figure *figure, struct figure_box box)
{
    enum { STEPS = 60 };
    const struct figure_font font = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT};
    double width = 120;
    for (int i = 0; i < STEPS; i++) {
        uint32_t grey = level((i + 0.5) / STEPS);
        fill(figure, box.x + i * width / STEPS, box.y, width / STEPS, 10, grey << 16 | grey << 8 | grey);
    }
    figure_text(figure, box.x, box.y + 18, FIGURE_LEFT, &font, "\u22121");
    figure_text(figure, box.x + width / 2, box.y + 18, FIGURE_CENTRE, &font, "0");
    figure_text(figure, box.x + width, box.y + 18, FIGURE_RIGHT, &font, "1");
    figure_text(figure, box.x + width + 12, box.y + 5, FIGURE_LEFT, &font,
                "of the filter's largest element, in each channel");
}

double filters_height(const struct filters *filters)
{
    int halves = (filters->count + per_half(filters) - 1) / per_half(filters);
    return halves * (rows_of_half(filters) * (SIDE + LABEL + GAP) + GAP) + SCALE;
}

void filters_draw(struct figure *figure, const struct filters *filters, struct figure_box box)
{
    int columns = columns_of(filters), m = per_half(filters);
    double side = fmin(SIDE, box.w / columns - GAP), line = side + LABEL + GAP;
    side = floor(side / filters->kernel) * filters->kernel; /* pixels have no seams */
    if (side <= 0)
        return;
    for (int i = 0; i < filters->count; i++) {
        int row = i / m * rows_of_half(filters) + i % m / columns, column = i % m % columns;
        double y = box.y + row * line + i / m * GAP;
        if (y + line + SCALE <= box.y + box.h + 1e-6)
            draw_one(figure, filters, i, box.x + column * (side + GAP), y, side);
    }
    draw_scale(figure, (struct figure_box){box.x, box.y + box.h - SCALE + GAP, box.w, SCALE - GAP});
}
