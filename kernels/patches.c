#include "kernels/patches.h"

#include "kernels/parallel.h"

#include <stdlib.h>
#include <string.h>

struct job {
    const struct images *images;
    int k, m;          /* elements of a patch */
    size_t places;     /* patches of one image */
    int16_t **planes;  /* of each thread: [m][places], element e of the patch at each place */
    int64_t **moments; /* of each thread: m sums, then m * m products */
};

static void spread(const struct job *job, const uint8_t *pixels, int16_t *planes)
{
    int width = job->images->width, height = job->images->height, k = job->k;
    for (int e = 0; e < job->m; e++) {
        int channel = e / (k * k), dy = e / k % k, dx = e % k;
        const uint8_t *plane = pixels + (size_t)channel * (size_t)height * (size_t)width;
        int16_t *out = planes + (size_t)e * job->places;
        for (int y = 0; y + k <= height; y++)
            for (int x = 0; x + k <= width; x++)
                *out++ = plane[(y + dy) * width + x + dx];
    }
}

/* 255 * 255 * IMAGE_PIXELS_MAX fits into 32 bits. */
static int32_t dot(const int16_t *a, const int16_t *b, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static int32_t total(const int16_t *a, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i];
    return sum;
}

static void add_images(void *context, size_t begin, size_t end, int thread)
{
    const struct job *job = context;
    size_t size = (size_t)job->images->channels * (size_t)job->images->height * (size_t)job->images->width;
    int16_t *planes = job->planes[thread];
    int64_t *sum = job->moments[thread], *product = sum + job->m;
    for (size_t image = begin; image < end; image++) {
        spread(job, job->images->pixels + image * size, planes);
        for (int i = 0; i < job->m; i++) {
            const int16_t *a = planes + (size_t)i * job->places;
            sum[i] += total(a, job->places);
            for (int j = 0; j <= i; j++)
                product[i * job->m + j] += dot(a, planes + (size_t)j * job->places, job->places);
        }
    }
}

static void collect(const struct job *job, int threads, int64_t *sum, int64_t *product)
{
    int m = job->m;
    memset(sum, 0, (size_t)m * sizeof *sum);
    memset(product, 0, (size_t)(m * m) * sizeof *product);
    for (int t = 0; t < threads; t++)
        for (int i = 0; i < m; i++) {
            sum[i] += job->moments[t][i];
            for (int j = 0; j <= i; j++)
                product[i * m + j] += job->moments[t][m + i * m + j];
        }
    for (int i = 0; i < m; i++)
        for (int j = i + 1; j < m; j++)
            product[i * m + j] = product[j * m + i];
}

size_t patches_moments(const struct images *images, uint32_t count, int k, int64_t *sum, int64_t *product)
{
    int threads = parallel_threads(), m = images->channels * k * k, ready = 1;
    int16_t *planes[PARALLEL_THREADS_MAX] = {NULL};
    int64_t *moments[PARALLEL_THREADS_MAX] = {NULL};
    if (k < 1 || images->height < k || images->width < k)
        return 0;
    struct job job = {.images = images, .k = k, .m = m, .planes = planes, .moments = moments};
    job.places = (size_t)(images->height - k + 1) * (size_t)(images->width - k + 1);
    for (int t = 0; t < threads; t++) {
        planes[t] = malloc((size_t)m * job.places * sizeof *planes[t]);
        moments[t] = calloc((size_t)(m + m * m), sizeof *moments[t]);
        ready &= planes[t] && moments[t];
    }
    if (ready) {
        parallel_for(count, 16, add_images, &job);
        collect(&job, threads, sum, product);
    }
    for (int t = 0; t < threads; t++) {
        free(planes[t]);
        free(moments[t]);
    }
    return ready ? count * job.places : 0;
}
