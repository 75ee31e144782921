#include "kernels/cpu/elementwise.h"

#include "kernels/bf16.h"
#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/vector_kernels.h"
#include "kernels/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Threads split over what is written: images, blocks of inputs, pieces of the parameters. Every sum belongs to one
 * of those and is taken in one order, so the number of threads never shows.
 */

static const struct elementwise_kernels *kernels(void)
{
    return VECTOR_KERNELS(elementwise_kernels);
}

/* Augmentation: table look-ups, bound by the integer pipes whatever the vector width; plain C on every machine. */

struct augment_job {
    const struct batch *batch;
    const struct augment_table *table;
    bf16 half[IMAGE_CHANNELS_MAX][256]; /* the table, rounded */
    int first, n;                       /* of the batch's images */
    enum chain_type type;
    char *out;
    ptrdiff_t sn, sc, sh, sw;
};

static void round_table(const struct augment_table *table, int channels, bf16 half[][256])
{
    for (int channel = 0; channel < channels; channel++)
        for (int byte = 0; byte < 256; byte++)
            half[channel][byte] = bf16_from_float(table->value[channel][byte]);
}

#define AUGMENT_PLANE(type, value_of_k)                                                                                \
    do {                                                                                                               \
        type *row = (type *)job->out + at;                                                                             \
        for (int y = 0, k = 0; y < height; y++, row += job->sh)                                                        \
            for (int x = 0; x < width; x++, k++)                                                                       \
                row[x * job->sw] = (value_of_k);                                                                       \
    } while (0)

/* The shortest way: bytes straight into a table of what is stored. */
static void augment_looked_up(const struct augment_job *job, int i, struct augment_scratch *scratch)
{
    const struct images *images = job->batch->images;
    const struct choice *choice = &job->batch->choices[job->first + i];
    const struct augment_table *table = augment_table_of(job->table, choice, &scratch->table);
    bf16 own[IMAGE_CHANNELS_MAX][256];
    const bf16(*half)[256] = job->half;
    int height = images->height, width = images->width;
    const int16_t *source = scratch->source;
    size_t pixels = (size_t)height * (size_t)width;
    const uint8_t *plane = images->pixels + choice->image * pixels * (size_t)images->channels;
    if (table != job->table && job->type == CHAIN_BF16) {
        round_table(table, images->channels, own);
        half = own;
    }
    augment_gather(choice, height, width, scratch->source);
    for (int channel = 0; channel < images->channels; channel++, plane += pixels) {
        ptrdiff_t at = i * job->sn + channel * job->sc;
        if (job->type == CHAIN_BF16)
            AUGMENT_PLANE(bf16, source[k] < 0 ? 0 : half[channel][plane[source[k]]]);
        else
            AUGMENT_PLANE(float, source[k] < 0 ? 0 : table->value[channel][plane[source[k]]]);
    }
}

static void augment_made(const struct augment_job *job, int i, struct augment_scratch *scratch)
{
    int height = batch_height(job->batch), width = batch_width(job->batch);
    augment_begin(job->batch, job->first + i, scratch);
    for (int channel = 0; channel < job->batch->images->channels; channel++) {
        const float *values = augment_plane(job->batch, job->table, job->first + i, channel, scratch);
        ptrdiff_t at = i * job->sn + channel * job->sc;
        if (job->type == CHAIN_BF16)
            AUGMENT_PLANE(bf16, bf16_from_float(values[k]));
        else
            AUGMENT_PLANE(float, values[k]);
    }
}

static void augment_nothing(const struct augment_job *job, int i)
{
    int height = batch_height(job->batch), width = batch_width(job->batch);
    for (int channel = 0; channel < job->batch->images->channels; channel++) {
        ptrdiff_t at = i * job->sn + channel * job->sc;
        if (job->type == CHAIN_BF16)
            AUGMENT_PLANE(bf16, 0);
        else
            AUGMENT_PLANE(float, 0);
    }
}

static void augment_range(void *context, size_t begin, size_t end, int thread)
{
    const struct augment_job *job = context;
    struct augment_scratch scratch;
    int by_table = augment_by_table(job->batch);
    (void)thread;
    for (int i = (int)begin; i < (int)end; i++)
        if (i >= job->n)
            augment_nothing(job, i);
        else if (by_table)
            augment_looked_up(job, i, &scratch);
        else
            augment_made(job, i, &scratch);
}

void cpu_augment(const struct batch *batch, const struct augment_table *table, int first, int n, int total,
                 enum chain_type type, void *out, ptrdiff_t sn, ptrdiff_t sc, ptrdiff_t sh, ptrdiff_t sw)
{
    struct augment_job job = {.batch = batch, .table = table, .first = first, .n = n, .type = type, .out = out};
    job.sn = sn;
    job.sc = sc;
    job.sh = sh;
    job.sw = sw;
    if (type == CHAIN_BF16)
        round_table(table, batch->images->channels, job.half);
    parallel_for(total > 0 ? (size_t)total : 0, 1, augment_range, &job);
}

/* One image: its loss; the gradient (optional) overwritten; *correct and *finite updated. In double. */
static double softmax_one(const float *logits, int classes, int label, double smoothing, float *gradient, int *correct,
                          int *finite)
{
    int best = 0;
    for (int c = 0; c < classes; c++) {
        if (!isfinite(logits[c]))
            *finite = 0;
        if (logits[c] > logits[best] || (isnan(logits[c]) && !isnan(logits[best])))
            best = c;
    }
    double sum = 0, top = logits[best];
    for (int c = 0; c < classes; c++)
        sum += exp(logits[c] - top);
    if (gradient)
        for (int c = 0; c < classes; c++)
            gradient[c] = (float)(exp(logits[c] - top) / sum - ((1 - smoothing) * (c == label) + smoothing / classes));
    *correct += best == label && !isnan(top);
    return log(sum) - (logits[label] - top);
}

void cpu_softmax_loss(const struct batch *batch, const float *logits, int classes, int total, double smoothing,
                      float *gradient, struct step_result *result, int *finite)
{
    result->n = batch->n;
    result->correct = 0;
    result->loss_sum = 0;
    for (int n = 0; n < batch->n; n++) {
        size_t row = (size_t)n * (size_t)classes;
        int label = batch->images->labels[batch->choices[n].image];
        result->loss_sum += softmax_one(logits + row, classes, label, smoothing, gradient ? gradient + row : NULL,
                                        &result->correct, finite);
    }
    if (gradient && total > batch->n)
        memset(gradient + (size_t)batch->n * (size_t)classes, 0,
               (size_t)(total - batch->n) * (size_t)classes * sizeof *gradient);
}

struct linear_range {
    struct linear_job job;
    void (*run)(const struct linear_job *, size_t begin, size_t end);
};

static void linear_range(void *context, size_t begin, size_t end, int thread)
{
    const struct linear_range *range = context;
    (void)thread;
    range->run(&range->job, begin, end);
}

void cpu_linear_forward(const struct chain_view *x, int n, const float *weight, const float *bias, int in, int out,
                        double factor, float *y)
{
    struct linear_range range = {.run = kernels()->linear_forward};
    range.job = (struct linear_job){
        .x = x, .weight = weight, .bias = bias, .y = y, .n = n, .in = in, .out = out, .factor = (float)factor};
    parallel_for((size_t)n, 1, linear_range, &range);
}

void cpu_linear_backward(const struct chain_view *x, int n, const float *weight, int in, int out, double factor,
                         const float *dy, float *dweight, float *dbias, const struct chain_view *dx)
{
    struct linear_range range = {.run = kernels()->linear_weight};
    range.job = (struct linear_job){.x = x,
                                    .dx = dx,
                                    .weight = weight,
                                    .dy = dy,
                                    .dweight = dweight,
                                    .n = n,
                                    .in = in,
                                    .out = out,
                                    .factor = (float)factor};
    parallel_for((size_t)(in + CHAIN_BLOCK - 1) / CHAIN_BLOCK, 1, linear_range, &range);
    if (dbias)
        for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int i = 0; i < n; i++)
                sum += dy[(size_t)i * (size_t)out + (size_t)o];
            dbias[o] = (float)(factor * sum);
        }
    if (dx) {
        range.run = kernels()->linear_input;
        parallel_for((size_t)n, 1, linear_range, &range);
    }
}

struct pool_range {
    struct pool_job job;
    void (*run)(const struct pool_job *, size_t begin, size_t end);
};

static void pool_range(void *context, size_t begin, size_t end, int thread)
{
    const struct pool_range *range = context;
    (void)thread;
    range->run(&range->job, begin, end);
}

static void pool_images(int n, struct pool_job job, void (*run)(const struct pool_job *, size_t begin, size_t end))
{
    struct pool_range range = {job, run};
    parallel_for((size_t)n, 1, pool_range, &range);
}

void cpu_global_pool_forward(const struct chain_view *x, int n, int average, const struct chain_view *y)
{
    pool_images(n, (struct pool_job){.x = x, .y = y, .kh = x->h, .kw = x->w, .average = average},
                kernels()->pool_forward);
}

void cpu_global_pool_backward(const struct chain_view *x, int n, int average, const struct chain_view *dy,
                              const struct chain_view *dx)
{
    pool_images(n, (struct pool_job){.x = x, .dy = dy, .dx = dx, .kh = dx->h, .kw = dx->w, .average = average},
                kernels()->pool_backward);
}

void cpu_avg_pool_forward(const struct chain_view *x, int n, int k, const struct chain_view *y)
{
    pool_images(n, (struct pool_job){.x = x, .y = y, .kh = k, .kw = k, .average = 1}, kernels()->pool_forward);
}

void cpu_avg_pool_backward(int n, int k, const struct chain_view *dy, const struct chain_view *dx)
{
    pool_images(n, (struct pool_job){.dy = dy, .dx = dx, .kh = k, .kw = k, .average = 1}, kernels()->pool_backward);
}

void cpu_accumulate(int n, const struct chain_view *into, const struct chain_view *from)
{
    struct chain nothing = {.pool = 1};
    chain_forward(&nothing, into, n, NULL, NULL, from, into);
}

struct update_job {
    struct update_factors factors;
    float *weight, *buffer;
    const float *gradient;
    int finite;
};

static void update_range(void *context, size_t begin, size_t end, int thread)
{
    struct update_job *job = context;
    (void)thread;
    if (!kernels()->update(&job->factors, end - begin, job->weight + begin, job->gradient + begin, job->buffer + begin))
        __atomic_store_n(&job->finite, 0, __ATOMIC_RELAXED);
}

static struct update_factors update_factors(const struct hyper *hyper)
{
    return (struct update_factors){.lr = (float)hyper->lr,
                                   .momentum = (float)hyper->momentum,
                                   .decay = (float)hyper->weight_decay,
                                   .form = hyper->form};
}

int cpu_update(size_t count, float *weight, const float *gradient, float *momentum_buffer, const struct hyper *hyper)
{
    struct update_job job = {.weight = weight, .buffer = momentum_buffer, .gradient = gradient, .finite = 1};
    job.factors = update_factors(hyper);
    parallel_for(count, 4096, update_range, &job);
    return job.finite;
}

struct lars_job {
    struct update_job update;
    size_t size; /* of a filter */
};

static void lars_range(void *context, size_t begin, size_t end, int thread)
{
    struct lars_job *job = context;
    struct update_job *update = &job->update;
    (void)thread;
    for (size_t filter = begin; filter < end; filter++) {
        size_t at = filter * job->size;
        double weight = 0, step = 0;
        for (size_t i = at; i < at + job->size; i++) {
            double w = update->weight[i], g = update->gradient[i] + update->factors.decay * w;
            weight += w * w;
            step += g * g;
        }
        struct update_factors factors = update->factors;
        factors.lr = (float)(factors.lr * sqrt(weight) / (sqrt(step) + PLAN_LARS_EPS));
        if (!kernels()->update(&factors, job->size, update->weight + at, update->gradient + at, update->buffer + at))
            __atomic_store_n(&update->finite, 0, __ATOMIC_RELAXED);
    }
}

int cpu_lars(const struct plan_tensor *tensor, float *weight, const float *gradient, float *momentum_buffer,
             const struct hyper *hyper)
{
    size_t filters = (size_t)tensor->dims[0];
    struct lars_job job = {.size = tensor->count / filters};
    job.update = (struct update_job){.weight = weight, .buffer = momentum_buffer, .gradient = gradient, .finite = 1};
    job.update.factors = update_factors(hyper);
    parallel_for(filters, 1, lars_range, &job);
    return job.update.finite;
}
