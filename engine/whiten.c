#include "engine/whiten.h"

#include "engine/eigen.h"
#include "kernels/patches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int whiten_filters(const struct whiten *whiten, int channels)
{
    return channels * whiten->kernel * whiten->kernel * (whiten->negatives ? 2 : 1);
}

/* X^T X / divisor of normalised elements from the moments of bytes: (b - mean) / std. */
static void covariance(const struct images *images, int k, size_t n, double divisor, const int64_t *sum,
                       const int64_t *product, double *out)
{
    int m = images->channels * k * k;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) {
            double a = (double)images->mean[i / (k * k)], b = (double)images->mean[j / (k * k)];
            double scale = (double)images->std[i / (k * k)] * (double)images->std[j / (k * k)];
            double s = (double)product[i * m + j] - a * (double)sum[j] - b * (double)sum[i] + (double)n * a * b;
            out[i * m + j] = s / (scale * divisor);
        }
}

/* Eigenvector `column`, scaled and with its sign settled, as filter `to`. */
static void take_filter(const double *vectors, int m, int column, double scale, float *to)
{
    int largest = 0;
    for (int i = 1; i < m; i++)
        if (fabs(vectors[i * m + column]) > fabs(vectors[largest * m + column]))
            largest = i;
    double sign = vectors[largest * m + column] < 0 ? -1 : 1;
    for (int i = 0; i < m; i++)
        to[i] = (float)(sign * scale * vectors[i * m + column]);
}

static int decompose(const struct whiten *whiten, int m, double *matrix, double *values, float *filters,
                     double *eigenvalues, struct error *err)
{
    if (eigen_symmetric(m, matrix, values, err))
        return error_prefix(err, "whitening");
    for (int i = 0; i < m; i++) {
        double value = values[m - 1 - i]; /* they are in ascending order */
        if (!(value + whiten->eps > 0))
            return error_set(err, "whitening: eigenvalue %d of the patches is %g; choose a larger eps", i + 1, value);
        take_filter(matrix, m, m - 1 - i, 1 / sqrt(value + whiten->eps), filters + i * m);
        if (eigenvalues)
            eigenvalues[i] = value;
    }
    for (int i = 0; whiten->negatives && i < m * m; i++)
        filters[m * m + i] = -filters[i];
    return 0;
}

int whiten_compute(const struct whiten *whiten, const struct images *images, float *filters, double *eigenvalues,
                   struct error *err)
{
    int m = images->channels * whiten->kernel * whiten->kernel, status = -1;
    uint32_t count = images->count < whiten->images ? images->count : whiten->images;
    if (count == 0)
        return error_set(err, "whitening: there are no images to take patches of");
    if (images->height < whiten->kernel || images->width < whiten->kernel)
        return error_set(err, "whitening: images of %d x %d pixels have no patches of %d x %d", images->width,
                         images->height, whiten->kernel, whiten->kernel);
    int64_t *moments = malloc((size_t)(m + m * m) * sizeof *moments);
    double *matrix = malloc((size_t)(m + m * m) * sizeof *matrix);
    size_t n = moments && matrix ? patches_moments(images, count, whiten->kernel, moments, moments + m) : 0;
    if (n == 0) {
        error_set(err, "out of memory for the patches of %u images", count);
    } else {
        double divisor = n < 2 || whiten->negatives ? (double)n : (double)n - 1;
        covariance(images, whiten->kernel, n, divisor, moments, moments + m, matrix);
        status = decompose(whiten, m, matrix, matrix + m * m, filters, eigenvalues, err);
    }
    free(moments);
    free(matrix);
    return status;
}
