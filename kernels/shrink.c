#include "kernels/shrink.h"

#include <math.h>

void shrink_axis_init(struct shrink_axis *axis, int in, int out)
{
    double scale = (double)in / out;
    int used = 0;
    axis->in = in;
    axis->out = out;
    for (int o = 0; o < out; o++) {
        double center = scale * (o + 0.5), sum = 0;
        int first = (int)fmax(center - scale + 0.5, 0), end = (int)fmin(center + scale + 0.5, in);
        for (int i = first; i < end; i++)
            sum += fmax(1 - fabs((i + 0.5 - center) / scale), 0);
        axis->first[o] = (int16_t)first;
        axis->count[o] = (int16_t)(end - first);
        axis->start[o] = (int16_t)used;
        for (int i = first; i < end; i++)
            axis->weight[used++] = (float)(fmax(1 - fabs((i + 0.5 - center) / scale), 0) / sum);
    }
}

/* One output of a line whose neighbours are `stride` apart. */
static float shrink_one(const struct shrink_axis *axis, int o, const float *line, int stride)
{
    const float *weight = axis->weight + axis->start[o], *from = line + axis->first[o] * stride;
    float sum = 0;
    for (int k = 0; k < axis->count[o]; k++)
        sum += weight[k] * from[k * stride];
    return sum;
}

void shrink_plane(const struct shrink_axis *rows, const struct shrink_axis *columns, const float *in, float *between,
                  float *out)
{
    for (int y = 0; y < rows->in; y++)
        for (int x = 0; x < columns->out; x++)
            between[y * columns->out + x] = shrink_one(columns, x, in + y * columns->in, 1);
    for (int y = 0; y < rows->out; y++)
        for (int x = 0; x < columns->out; x++)
            out[y * columns->out + x] = shrink_one(rows, y, between + x, columns->out);
}
