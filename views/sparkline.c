#include "views/sparkline.h"

#include "views/dots.h"

#include <math.h>

#define WIDEST 4 /* dots of a value, where there is room */

/* Of the values that a column stands for; NaN: none is known. */
static double mean_of(const double *values, int n, int column, int columns)
{
    double sum = 0;
    int known = 0, from = (int)((long)column * n / columns), to = (int)((long)(column + 1) * n / columns);
    for (int i = from; i < to; i++)
        if (isfinite(values[i])) {
            sum += values[i];
            known++;
        }
    return known ? sum / known : (double)NAN;
}

int sparkline_width(int n, const struct grid *grid, int most)
{
    int cells = n <= most || grid->ascii ? n : (n + 1) / 2;
    return cells < most ? cells : most;
}

/* One character to a column: where its top is, in thirds of a cell. */
static void put_top(const struct dots *dots, int column, double height, uint32_t color)
{
    static const char marks[] = {'_', '-', '^'};
    int thirds = (int)lround(height * (dots->h * 3 - 1)), row = dots->h - 1 - thirds / 3;
    dots_put(dots, column, row, color, marks[thirds % 3]);
    for (int y = row + 1; y < dots->h; y++)
        dots_put(dots, column, y, color, ':');
}

void sparkline_draw(const double *values, int n, uint32_t color, struct grid *grid, struct rect area)
{
    if (area.w <= 0 || area.h <= 0 || n <= 0)
        return;
    struct dots dots = dots_over(grid, area);
    int columns = n < dots.w ? n : dots.w, wide = dots.w / columns;
    wide = wide > WIDEST ? WIDEST : wide;
    double low = NAN, high = NAN;
    for (int i = 0; i < columns; i++) {
        low = fmin(low, mean_of(values, n, i, columns)); /* fmin and fmax leave NaN out */
        high = fmax(high, mean_of(values, n, i, columns));
    }
    double span = fmax(high - low, 0.1 * fabs(high));
    for (int i = 0; i < columns * wide; i++) {
        double height = span > 0 ? (mean_of(values, n, i / wide, columns) - low) / span : 0;
        if (!isfinite(height) || !isfinite(low))
            continue;
        if (grid->ascii)
            put_top(&dots, i, height, color);
        else
            for (int y = dots.h - 1 - (int)lround(height * (dots.h - 1)); y < dots.h; y++)
                dots_put(&dots, i, y, color, '*');
    }
}
