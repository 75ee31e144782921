#include "kernels/cpu/chain.h"

#include "kernels/cpu/chain_kernels.h"
#include "kernels/cpu/vector_kernels.h"
#include "kernels/parallel.h"

#include <math.h>
#include <stdint.h>

/*
 * Threads and layouts. Work is a box of windows, [outer 0][outer 1][outer 2][run], in the order of memory:
 *
 *     NHWC     image, -,     row,    pixel in the row    all channel blocks of a window together
 *     nChw16c  image, block, row,    pixel in the row    one block at a time
 *     HWNC     row,   block, pixel,  image               the image is what runs
 *
 * and parallel_for deals out contiguous pieces of it; nothing is shared but read-only operands, so the split never
 * shows in the result. Rows that follow each other without a gap are taken as one.
 *
 * Reductions hand out whole images instead: the sums of one image and channel block are one chunk, summed in
 * float32 in the order of its rows; then one thread for each channel block adds the chunks up in double, in the
 * order of the images.
 */

enum { OUTER = 3, OPERANDS = 4 }; /* operands: x, out, g1, g2 */

enum { AHEAD_BYTES = 4096 };

/* More than this written in one call and it is not worth a place in the caches. Whole lines only: with halves of
 * lines (bfloat16) it can be ten times slower. */
#define STREAM_BYTES ((size_t)64 << 20)

static const float ones[CHAIN_BLOCK] __attribute__((aligned(64))) = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const float zeros[CHAIN_BLOCK] __attribute__((aligned(64)));

static const struct chain_kernels *kernels(void)
{
    return VECTOR_KERNELS(chain_kernels);
}

static struct chain_operand operand_of(const struct chain_view *view)
{
    if (!view)
        return (struct chain_operand){0};
    return (struct chain_operand){
        .data = view->data, .type = view->type, .block = view->sb, .row = view->sh, .pixel = view->sw};
}

static struct chain_job job_of(const struct chain *chain, const float *a, const float *b)
{
    struct chain_job job = {.pool = chain->pool < 1 ? 1 : chain->pool, .norm = chain->norm, .a = ones, .b = zeros};
    job.act = chain->act;
    job.floor = chain->act == CHAIN_ACT_RELU ? 0 : NAN;
    job.alpha = chain->alpha;
    job.scale = chain->act == CHAIN_ACT_CELU ? (float)(M_LOG2E / (double)chain->alpha) : 0;
    if (chain->norm) {
        job.a = a;
        job.b = b;
        job.step = CHAIN_BLOCK;
    }
    return job;
}

struct walk {
    struct chain_job job;
    const struct chain_kernels *kernels;
    void (*run)(const struct chain_job *, const struct chain_run *);
    size_t outer[OUTER], run_count;
    ptrdiff_t step[OPERANDS][OUTER]; /* elements, of x, out, g1, g2 */
    ptrdiff_t channel_step[OUTER];
};

static void walk_range(void *context, size_t begin, size_t end, int thread)
{
    const struct walk *walk = context;
    (void)thread;
    while (begin < end) {
        size_t at = begin % walk->run_count, rest = begin / walk->run_count, index[OUTER];
        size_t count = walk->run_count - at < end - begin ? walk->run_count - at : end - begin;
        for (int i = OUTER - 1; i >= 0; i--) {
            index[i] = rest % walk->outer[i];
            rest /= walk->outer[i];
        }
        ptrdiff_t offset[OPERANDS], channel = 0;
        const struct chain_operand *operands[] = {&walk->job.x, &walk->job.out, &walk->job.g1, &walk->job.g2};
        for (int i = 0; i < OUTER; i++)
            channel += (ptrdiff_t)index[i] * walk->channel_step[i];
        for (int o = 0; o < OPERANDS; o++) {
            offset[o] = (ptrdiff_t)at * operands[o]->run;
            for (int i = 0; i < OUTER; i++)
                offset[o] += (ptrdiff_t)index[i] * walk->step[o][i];
        }
        struct chain_run run = {.x = offset[0], .out = offset[1], .g1 = offset[2], .g2 = offset[3]};
        run.channel = channel;
        run.count = (int)count;
        walk->run(&walk->job, &run);
        begin += count;
    }
    walk->kernels->finish();
}

/* Is each row right behind the one before it, in every operand? */
static int rows_join(const struct chain_view *const views[OPERANDS], int pool)
{
    if (pool > 1)
        return 0;
    for (int o = 0; o < OPERANDS; o++)
        if (views[o] && views[o]->sh != views[o]->sw * views[0]->w)
            return 0;
    return 1;
}

static int blocks_apart(const struct chain_view *x)
{
    return x->c > CHAIN_BLOCK && x->sb > x->sw && x->sb > x->sh;
}

static int images_run(const struct chain_view *x, int n)
{
    return n > 1 && x->sn < x->sw;
}

static size_t bytes_of(const struct chain_view *view, int n)
{
    return (size_t)n * (size_t)view->c * (size_t)view->h * (size_t)view->w * (view->type == CHAIN_BF16 ? 2 : 4);
}

/* How many windows ahead to fetch. Blocks taken before pixels make an order that the machine does not foresee:
 * without this the loops reach two thirds of the bandwidth. */
static int windows_ahead(const struct chain_operand *x)
{
    ptrdiff_t bytes = x->run * (x->type == CHAIN_BF16 ? 2 : 4);
    ptrdiff_t windows = bytes > 0 ? AHEAD_BYTES / bytes : 0;
    return windows < 4 ? 4 : (int)windows;
}

/*
 * Runs over every window of x. views: x, out, g1, g2 (NULL: absent); scale[o]: 1 where that view lies behind the
 * pool and k where it lies before it.
 */
static void walk_windows(struct walk *walk, const struct chain_view *const views[OPERANDS], const int scale[OPERANDS],
                         int n)
{
    const struct chain_view *x = views[0];
    struct chain_job *job = &walk->job;
    int apart = blocks_apart(x), across = images_run(x, n), join = !across && rows_join(views, job->pool);
    size_t rows = (size_t)(x->h / job->pool), columns = (size_t)(x->w / job->pool);
    size_t groups = apart ? (size_t)(x->c / CHAIN_BLOCK) : 1;
    if (rows == 0 || columns == 0 || n <= 0)
        return;
    if (join) {
        columns *= rows;
        rows = 1;
    }
    walk->outer[0] = across ? rows : (size_t)n;
    walk->outer[1] = groups;
    walk->outer[2] = across ? columns : rows;
    walk->run_count = across ? (size_t)n : columns;
    walk->channel_step[1] = CHAIN_BLOCK;

    struct chain_operand *operands[] = {&job->x, &job->out, &job->g1, &job->g2};
    for (int o = 0; o < OPERANDS; o++) {
        const struct chain_view *view = views[o];
        if (!view)
            continue;
        *operands[o] = operand_of(view);
        operands[o]->run = across ? view->sn : view->sw * scale[o];
        walk->step[o][0] = across ? view->sh * scale[o] : view->sn;
        walk->step[o][1] = view->sb;
        walk->step[o][2] = across ? view->sw * scale[o] : view->sh * scale[o];
    }
    job->blocks = apart ? 1 : x->c / CHAIN_BLOCK;
    job->tile = job->blocks == 1 ? INT32_MAX : 4;
    job->ahead = windows_ahead(&job->x);
    job->stream = views[1]->data != x->data && views[1]->type == CHAIN_F32 && bytes_of(views[1], n) > STREAM_BYTES;
    walk->kernels = kernels();
    parallel_for(walk->outer[0] * groups * walk->outer[2] * walk->run_count, 4, walk_range, walk);
}

void chain_forward(const struct chain *chain, const struct chain_view *x, int n, const float *a, const float *b,
                   const struct chain_view *skip, const struct chain_view *out)
{
    struct walk walk = {.job = job_of(chain, a, b)};
    const struct chain_view *const views[] = {x, out, skip, NULL};
    const int scale[] = {walk.job.pool, 1, 1, 1};
    walk.run = kernels()->forward;
    walk_windows(&walk, views, scale, n);
}

/* Rows and columns that no window covers: their gradient behind the norm is 0. */
static void apply_border(const struct chain_job *job, const struct chain_view *x, int n, const struct chain_view *dx)
{
    struct chain_job border = *job;
    int k = job->pool, columns = x->w / k * k, rows = x->h / k * k;
    border.pool = 1;
    border.x = operand_of(x);
    border.out = operand_of(dx);
    border.x.run = x->sw;
    border.out.run = dx->sw;
    border.g1 = (struct chain_operand){.data = (void *)(uintptr_t)zeros, .type = CHAIN_F32};
    border.g2.data = NULL;
    border.blocks = x->c / CHAIN_BLOCK;
    border.tile = 4;
    border.stream = 0;
    for (int image = 0; image < n; image++)
        for (int y = 0; y < x->h; y++) {
            int first = y < rows ? columns : 0;
            if (first == x->w)
                continue;
            struct chain_run run = {.count = x->w - first};
            run.x = image * x->sn + y * x->sh + first * x->sw;
            run.out = image * dx->sn + y * dx->sh + first * dx->sw;
            kernels()->apply(&border, &run);
        }
}

void chain_backward_apply(const struct chain *chain, const struct chain_view *x, int n, const float *a, const float *b,
                          const float *ca, const float *cb, const float *cc, const struct chain_view *g1,
                          const struct chain_view *g2, const struct chain_view *dx)
{
    struct walk walk = {.job = job_of(chain, a, b)};
    const struct chain_view *const views[] = {x, dx, g1, g2};
    const int scale[] = {walk.job.pool, walk.job.pool, 1, 1};
    walk.job.ca = ca;
    walk.job.cb = cb;
    walk.job.cc = cc;
    walk.run = kernels()->apply;
    walk_windows(&walk, views, scale, n);
    if (x->h % walk.job.pool || x->w % walk.job.pool)
        apply_border(&walk.job, x, n, dx);
}

/* A reduction: `rows` rows of x.c floats for each image, and what becomes of them. */
struct reduction {
    struct chain_job job;
    const struct chain_kernels *kernels;
    void (*run)(const struct chain_job *, const struct chain_run *);
    const struct chain_view *x, *g1, *g2;
    int n, rows, columns, across;
    size_t groups;
    float *sums; /* [n][width][x.c] */
    int width;
    const float *invstd;
    float *one, *two; /* results, [x.c] */
};

static void reduction_run(const struct reduction *r, int image, int group, int row, int column, int count)
{
    int k = r->job.pool;
    struct chain_run run = {.channel = group * CHAIN_BLOCK, .count = count, .fresh = row == 0 && column == 0};
    run.x = image * r->x->sn + group * r->x->sb + row * k * r->x->sh + column * k * r->x->sw;
    if (r->g1)
        run.g1 = image * r->g1->sn + group * r->g1->sb + row * r->g1->sh + column * r->g1->sw;
    if (r->g2)
        run.g2 = image * r->g2->sn + group * r->g2->sb + row * r->g2->sh + column * r->g2->sw;
    run.sums = r->sums + (size_t)image * (size_t)r->width * (size_t)r->x->c;
    run.sums_row = r->x->c;
    r->run(&r->job, &run);
}

/* Images [begin, end), or image and block pairs when blocks lie apart. */
static void reduction_range(void *context, size_t begin, size_t end, int thread)
{
    const struct reduction *r = context;
    (void)thread;
    if (!r->across) {
        for (size_t i = begin; i < end; i++)
            for (int row = 0; row < r->rows; row++)
                reduction_run(r, (int)(i / r->groups), (int)(i % r->groups), row, 0, r->columns);
        return;
    }
    /* HWNC: the same sums in the same order, but walking over memory forwards, four pixels of all images a time. */
    for (int row = 0; row < r->rows; row++)
        for (int column = 0; column < r->columns; column += 4)
            for (size_t i = begin; i < end; i++)
                reduction_run(r, (int)(i / r->groups), (int)(i % r->groups), row, column,
                              r->columns - column < 4 ? r->columns - column : 4);
}

/* Fills sums, then calls finish for every channel block. 0 when there was nothing to sum. */
static int reduction_do(struct reduction *r, void (*finish)(void *context, size_t begin, size_t end, int thread),
                        void *scratch)
{
    const struct chain_view *const views[] = {r->x, NULL, r->g1, r->g2};
    int apart = blocks_apart(r->x), k = r->job.pool;
    r->rows = r->x->h / k;
    r->columns = r->x->w / k;
    r->across = images_run(r->x, r->n);
    if (r->rows == 0 || r->columns == 0 || r->n <= 0)
        return 0;
    if (!r->across && rows_join(views, k)) {
        r->columns *= r->rows;
        r->rows = 1;
    }
    r->groups = apart ? (size_t)(r->x->c / CHAIN_BLOCK) : 1;
    r->sums = (float *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
    r->kernels = kernels();
    r->job.x = operand_of(r->x);
    r->job.x.run = r->x->sw * k;
    r->job.g1 = operand_of(r->g1);
    r->job.g2 = operand_of(r->g2);
    r->job.g1.run = r->g1 ? r->g1->sw : 0;
    r->job.g2.run = r->g2 ? r->g2->sw : 0;
    r->job.blocks = apart ? 1 : r->x->c / CHAIN_BLOCK;
    r->job.ahead = windows_ahead(&r->job.x);
    r->job.tile = r->job.blocks == 1 ? INT32_MAX : 4;
    parallel_for((size_t)r->n * r->groups, 1, reduction_range, r);
    parallel_for((size_t)r->x->c / CHAIN_BLOCK, 1, finish, r);
    return 1;
}

/*
 * Chunks of m values around their own shifts: mean_i = shift + s/m, M2_i = q - s^2/m; together (Chan, Golub,
 * LeVeque 1983) the variance is the mean of M2_i / m plus the variance of the mean_i.
 */
static void statistics_finish(void *context, size_t begin, size_t end, int thread)
{
    const struct reduction *r = context;
    size_t c = (size_t)r->x->c;
    double m = (double)r->rows * r->columns;
    (void)thread;
    for (size_t block = begin; block < end; block++) {
        double mean[CHAIN_BLOCK] = {0}, square[CHAIN_BLOCK] = {0}, m2[CHAIN_BLOCK] = {0};
        for (int image = 0; image < r->n; image++) {
            const float *shift = r->sums + (size_t)image * 4 * c + block * CHAIN_BLOCK;
            for (int i = 0; i < CHAIN_BLOCK; i++) {
                double s = ((double)shift[c + (size_t)i] - shift[3 * c + (size_t)i]) / m, own = shift[i] + s;
                mean[i] += own;
                square[i] += own * own;
                m2[i] += shift[2 * c + (size_t)i] - s * s * m;
            }
        }
        for (int i = 0; i < CHAIN_BLOCK; i++) {
            double centre = mean[i] / r->n, var = m2[i] / (m * r->n) + (square[i] / r->n - centre * centre);
            r->one[block * CHAIN_BLOCK + (size_t)i] = (float)centre;
            r->two[block * CHAIN_BLOCK + (size_t)i] = var < 0 ? 0 : (float)var; /* NaN stays */
        }
    }
}

void chain_statistics(const struct chain_view *x, int n, float *mean, float *var, void *scratch)
{
    struct chain none = {.pool = 1};
    struct reduction r = {.job = job_of(&none, NULL, NULL), .x = x, .n = n, .width = 4, .one = mean, .two = var};
    r.run = kernels()->statistics;
    if (!reduction_do(&r, statistics_finish, scratch))
        for (int c = 0; c < x->c; c++)
            mean[c] = var[c] = NAN;
}

static void reduce_finish(void *context, size_t begin, size_t end, int thread)
{
    const struct reduction *r = context;
    size_t c = (size_t)r->x->c;
    (void)thread;
    for (size_t block = begin; block < end; block++) {
        double dz[CHAIN_BLOCK] = {0}, dzx[CHAIN_BLOCK] = {0};
        for (int image = 0; image < r->n; image++) {
            const float *own = r->sums + (size_t)image * 2 * c + block * CHAIN_BLOCK;
            for (int i = 0; i < CHAIN_BLOCK; i++) {
                dz[i] += own[i];
                dzx[i] += own[c + (size_t)i];
            }
        }
        for (int i = 0; i < CHAIN_BLOCK; i++) {
            size_t channel = block * CHAIN_BLOCK + (size_t)i;
            r->one[channel] = (float)dz[i];
            r->two[channel] = (float)(dzx[i] * r->invstd[channel]);
        }
    }
}

void chain_backward_reduce(const struct chain *chain, const struct chain_view *x, int n, const float *a, const float *b,
                           const float *mean, const float *invstd, const struct chain_view *g1,
                           const struct chain_view *g2, float *sum_dz, float *sum_dzx, void *scratch)
{
    struct reduction r = {.job = job_of(chain, a, b), .x = x, .g1 = g1, .g2 = g2, .n = n, .width = 2};
    r.job.mean = mean;
    r.invstd = invstd;
    r.one = sum_dz;
    r.two = sum_dzx;
    r.run = kernels()->reduce;
    if (!reduction_do(&r, reduce_finish, scratch))
        for (int c = 0; c < x->c; c++)
            sum_dz[c] = sum_dzx[c] = 0; /* no window: no gradient */
}

void chain_affine(int c, const float *scale, const float *bias, const float *mean, const float *var, double eps,
                  float *a, float *b)
{
    for (int i = 0; i < c; i++) {
        double factor = scale[i] / sqrt(var[i] + eps);
        a[i] = (float)factor;
        b[i] = (float)(bias[i] - mean[i] * factor);
    }
}

void chain_backward_affine(int c, const float *scale, const float *mean, const float *invstd, const float *sum_dz,
                           const float *sum_dzx, double count, float *ca, float *cb, float *cc)
{
    for (int i = 0; i < c; i++) {
        double own = (double)scale[i] * invstd[i], slope = invstd[i] * sum_dzx[i];
        ca[i] = (float)own;
        cb[i] = (float)(-own * slope / count);
        cc[i] = (float)(own * (mean[i] * slope - sum_dz[i]) / count);
    }
}

size_t chain_scratch_bytes(int n, int c)
{
    size_t padded = ((size_t)c + CHAIN_BLOCK - 1) / CHAIN_BLOCK * CHAIN_BLOCK;
    return 64 + 4 * sizeof(float) * (size_t)n * padded;
}
