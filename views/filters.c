#include "views/filters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP 4
#define BACKGROUND 24

static void draw_one(const struct filters *filters, int index, uint8_t *rgb, int width, int left, int top)
{
    int k = filters->kernel, size = filters->channels * k * k, scale = filters->scale;
    const float *filter = filters->values + (size_t)index * (size_t)size;
    double largest = 0;
    for (int i = 0; i < size; i++)
        largest = fmax(largest, fabs((double)filter[i]));
    for (int y = 0; y < k * scale; y++)
        for (int x = 0; x < k * scale; x++)
            for (int c = 0; c < 3; c++) {
                int channel = filters->channels == 1 ? 0 : c;
                double value = (double)filter[(channel * k + y / scale) * k + x / scale];
                double shade = largest > 0 ? 0.5 + 0.5 * value / largest : 0.5;
                rgb[((size_t)(top + y) * (size_t)width + (size_t)(left + x)) * 3 + (size_t)c] =
                    (uint8_t)lround(255 * fmin(fmax(shade, 0), 1));
            }
}

int filters_draw(const struct filters *filters, uint8_t **rgb, int *width, int *height, struct error *err)
{
    if (filters->channels != 1 && filters->channels != 3)
        return error_set(err, "filters of %d channels have no colours: a picture needs 1 or 3", filters->channels);
    int side = filters->kernel * filters->scale, columns = filters->columns;
    int rows = (filters->count + columns - 1) / columns;
    *width = GAP + columns * (side + GAP);
    *height = GAP + rows * (side + GAP);
    *rgb = malloc((size_t)*width * (size_t)*height * 3);
    if (!*rgb)
        return error_set(err, "out of memory for a picture of %d x %d", *width, *height);
    memset(*rgb, BACKGROUND, (size_t)*width * (size_t)*height * 3);
    for (int i = 0; i < filters->count; i++)
        draw_one(filters, i, *rgb, *width, GAP + i % columns * (side + GAP), GAP + i / columns * (side + GAP));
    return 0;
}
