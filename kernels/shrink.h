/*
 * Shrinking a plane of floats bilinearly with antialiasing: what PyTorch's interpolate(mode="bilinear", antialias=True,
 * align_corners=False) computes. Each output is a mean of the inputs below a triangle as wide as two outputs, cut off
 * at the edges; first along the rows, then along the columns. Serial; the same bits whoever calls.
 */
#ifndef DAVIDNET_KERNELS_SHRINK_H
#define DAVIDNET_KERNELS_SHRINK_H

#include "kernels/batch.h"

/* One axis: output o is the sum of count[o] inputs from first[o] on, times weight[start[o] ...]. */
struct shrink_axis {
    int in, out;
    int16_t first[IMAGE_SIDE_MAX], count[IMAGE_SIDE_MAX], start[IMAGE_SIDE_MAX];
    float weight[4 * IMAGE_SIDE_MAX];
};

/* 1 <= out <= in <= IMAGE_SIDE_MAX. */
void shrink_axis_init(struct shrink_axis *axis, int in, int out);

/* in [rows->in][columns->in] to out [rows->out][columns->out]; between is scratch [rows->in][columns->out]. */
void shrink_plane(const struct shrink_axis *rows, const struct shrink_axis *columns, const float *in, float *between,
                  float *out);

#endif
