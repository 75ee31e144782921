/*
 * The inner loops of the chain, written once on sixteen floats; chain_plain.c, chain_avx2.c and chain_avx512.c
 * include a vector16_*.h, define CHAIN_KERNELS and include this.
 *
 * Each loop is compiled for the common cases (pool 1 and 2, all float32 or all bfloat16) with those as constants,
 * and once for all others. The order of every sum is fixed here: four windows as a tree, then added to the sum.
 *
 * The activation comes after the maximum instead of before: it is monotone and does not round, so the values agree,
 * and where it makes ties that x did not have the gradient is zero anyway.
 */
#include "kernels/cpu/chain_kernels.h"

#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#include "kernels/cpu/vector16_plain.h"
#endif

#define INLINE static inline __attribute__((always_inline))

/* What is known when a loop is compiled: the pool, and the type of all operands. ANY: look it up. */
#define ANY (-1)

INLINE v16 operand_load(const struct chain_operand *operand, int type, ptrdiff_t at)
{
    if (type == ANY)
        type = (int)operand->type;
    return type == CHAIN_BF16 ? v16_load_bf16((const bf16 *)operand->data + at)
                              : v16_load((const float *)operand->data + at);
}

INLINE void operand_store(const struct chain_operand *operand, int type, ptrdiff_t at, v16 value, int stream)
{
    if (type == ANY)
        type = (int)operand->type;
    if (type == CHAIN_BF16) {
        bf16 *to = (bf16 *)operand->data + at;
        if (stream)
            v16_stream_bf16(to, value);
        else
            v16_store_bf16(to, value);
    } else {
        float *to = (float *)operand->data + at;
        if (stream)
            v16_stream(to, value);
        else
            v16_store(to, value);
    }
}

/* The first maximum of a window: z, the x that it came from, and which pixel (row-major) that was. */
struct best {
    v16 z, x, pixel;
};

INLINE struct best window_best(const struct chain_job *job, int k, int type, ptrdiff_t at, v16 a, v16 b)
{
    const struct chain_operand *x = &job->x;
    struct best best = {.x = operand_load(x, type, at), .pixel = v16_zero()};
    best.z = v16_add(v16_mul(a, best.x), b);
    if (k == 1)
        return best;
#pragma GCC unroll 4
    for (int i = 0; i < k; i++)
#pragma GCC unroll 4
        for (int j = 0; j < k; j++) {
            if (i == 0 && j == 0)
                continue;
            v16 value = operand_load(x, type, at + i * x->row + j * x->pixel);
            v16 z = v16_add(v16_mul(a, value), b);
            m16 beats = v16_beats(z, best.z);
            best.z = v16_select(beats, z, best.z);
            best.x = v16_select(beats, value, best.x);
            best.pixel = v16_select(beats, v16_set((float)(i * k + j)), best.pixel);
        }
    return best;
}

/* The gradient of out at window w, where the activation lets it through. */
INLINE v16 window_gradient(const struct chain_job *job, const struct chain_run *run, int type, int w, int block, v16 z)
{
    v16 g = operand_load(&job->g1, type, run->g1 + w * job->g1.run + block * job->g1.block);
    if (job->g2.data)
        g = v16_add(g, operand_load(&job->g2, type, run->g2 + w * job->g2.run + block * job->g2.block));
    return v16_keep(v16_above(z, v16_set(job->floor)), g);
}

INLINE void forward_loop(const struct chain_job *job, const struct chain_run *run, int k, int type)
{
    v16 floor = v16_set(job->floor);
    for (int first = 0; first < run->count; first += job->tile) {
        int last = run->count - first < job->tile ? run->count : first + job->tile;
        for (int block = 0; block < job->blocks; block++) {
            ptrdiff_t channel = run->channel + block * CHAIN_BLOCK, own = channel / CHAIN_BLOCK * job->step;
            v16 a = v16_load_any(job->a + own), b = v16_load_any(job->b + own);
            for (int w = first; w < last; w++) {
                ptrdiff_t at = run->x + w * job->x.run + block * job->x.block;
                v16 z = v16_at_least(floor, window_best(job, k, type, at, a, b).z);
                if (job->g1.data)
                    z = v16_add(z, operand_load(&job->g1, type, run->g1 + w * job->g1.run + block * job->g1.block));
                operand_store(&job->out, type, run->out + w * job->out.run + block * job->out.block, z, job->stream);
            }
        }
    }
}

INLINE void apply_loop(const struct chain_job *job, const struct chain_run *run, int k, int type)
{
    const struct chain_operand *x = &job->x, *dx = &job->out;
    for (int first = 0; first < run->count; first += job->tile) {
        int last = run->count - first < job->tile ? run->count : first + job->tile;
        for (int block = 0; block < job->blocks; block++) {
            ptrdiff_t channel = run->channel + block * CHAIN_BLOCK, own = channel / CHAIN_BLOCK * job->step;
            v16 a = v16_load_any(job->a + own), b = v16_load_any(job->b + own), ca = a, cb = b, cc = b;
            if (job->norm) {
                ca = v16_load_any(job->ca + channel);
                cb = v16_load_any(job->cb + channel);
                cc = v16_load_any(job->cc + channel);
            }
            for (int w = first; w < last; w++) {
                ptrdiff_t from = run->x + w * x->run + block * x->block;
                ptrdiff_t to = run->out + w * dx->run + block * dx->block;
                struct best best = window_best(job, k, type, from, a, b);
                v16 g = window_gradient(job, run, type, w, block, best.z);
#pragma GCC unroll 4
                for (int i = 0; i < k; i++)
#pragma GCC unroll 4
                    for (int j = 0; j < k; j++) {
                        v16 dz = k == 1 ? g : v16_keep(v16_equal(best.pixel, v16_set((float)(i * k + j))), g);
                        if (job->norm) {
                            v16 value = operand_load(x, type, from + i * x->row + j * x->pixel);
                            dz = v16_add(v16_mul(ca, dz), v16_add(v16_mul(cb, value), cc));
                        }
                        operand_store(dx, type, to + i * dx->row + j * dx->pixel, dz, job->stream);
                    }
            }
        }
    }
}

/* Two sums that grow together. */
struct sums {
    v16 one, two;
};

INLINE struct sums sums_add(struct sums x, struct sums y)
{
    return (struct sums){v16_add(x.one, y.one), v16_add(x.two, y.two)};
}

/* Around a value of the same channel and image, so that squares do not cancel when the mean is far from zero. */
INLINE struct sums statistics_one(const struct chain_job *job, int type, ptrdiff_t at, v16 shift)
{
    v16 d = v16_sub(operand_load(&job->x, type, at), shift);
    return (struct sums){d, v16_mul(d, d)};
}

INLINE void statistics_loop(const struct chain_job *job, const struct chain_run *run, int type)
{
    for (int first = 0; first < run->count; first += job->tile) {
        int last = run->count - first < job->tile ? run->count : first + job->tile;
        for (int block = 0; block < job->blocks; block++) {
            ptrdiff_t at = run->x + block * job->x.block, step = job->x.run;
            float *row = run->sums + run->channel + block * CHAIN_BLOCK;
            struct sums sums = {v16_zero(), v16_zero()};
            if (run->fresh && first == 0) {
                v16_store(row, operand_load(&job->x, type, at));
            } else {
                sums.one = v16_load(row + run->sums_row);
                sums.two = v16_load(row + 2 * run->sums_row);
            }
            v16 shift = v16_load(row);
            int w = first;
            for (; w + 4 <= last; w += 4) {
                ptrdiff_t four = at + w * step;
                struct sums left =
                    sums_add(statistics_one(job, type, four, shift), statistics_one(job, type, four + step, shift));
                struct sums right = sums_add(statistics_one(job, type, four + 2 * step, shift),
                                             statistics_one(job, type, four + 3 * step, shift));
                sums = sums_add(sums, sums_add(left, right));
            }
            for (; w < last; w++)
                sums = sums_add(sums, statistics_one(job, type, at + w * step, shift));
            v16_store(row + run->sums_row, sums.one);
            v16_store(row + 2 * run->sums_row, sums.two);
        }
    }
}

INLINE struct sums reduce_one(const struct chain_job *job, const struct chain_run *run, int k, int type, int w,
                              int block, v16 a, v16 b, v16 mean)
{
    struct best best = window_best(job, k, type, run->x + w * job->x.run + block * job->x.block, a, b);
    v16 dz = window_gradient(job, run, type, w, block, best.z);
    return (struct sums){dz, v16_mul(dz, v16_sub(best.x, mean))};
}

INLINE void reduce_loop(const struct chain_job *job, const struct chain_run *run, int k, int type)
{
    for (int first = 0; first < run->count; first += job->tile) {
        int last = run->count - first < job->tile ? run->count : first + job->tile;
        for (int block = 0; block < job->blocks; block++) {
            ptrdiff_t channel = run->channel + block * CHAIN_BLOCK, own = channel / CHAIN_BLOCK * job->step;
            v16 a = v16_load_any(job->a + own), b = v16_load_any(job->b + own),
                mean = v16_load_any(job->mean + channel);
            float *row = run->sums + channel;
            struct sums sums = {v16_zero(), v16_zero()};
            if (!run->fresh || first > 0)
                sums = (struct sums){v16_load(row), v16_load(row + run->sums_row)};
            int w = first;
            for (; w + 4 <= last; w += 4) {
                struct sums left = sums_add(reduce_one(job, run, k, type, w, block, a, b, mean),
                                            reduce_one(job, run, k, type, w + 1, block, a, b, mean));
                struct sums right = sums_add(reduce_one(job, run, k, type, w + 2, block, a, b, mean),
                                             reduce_one(job, run, k, type, w + 3, block, a, b, mean));
                sums = sums_add(sums, sums_add(left, right));
            }
            for (; w < last; w++)
                sums = sums_add(sums, reduce_one(job, run, k, type, w, block, a, b, mean));
            v16_store(row, sums.one);
            v16_store(row + run->sums_row, sums.two);
        }
    }
}

/* The type that all operands share, or ANY. */
static int common_type(const struct chain_job *job)
{
    const struct chain_operand *others[] = {&job->out, &job->g1, &job->g2};
    for (int i = 0; i < 3; i++)
        if (others[i]->data && others[i]->type != job->x.type)
            return ANY;
    return (int)job->x.type;
}

/* Calls loop(job, run, pool, type) with constants where they are the common ones. */
#define SPECIALISE(loop)                                                                                               \
    int type = common_type(job);                                                                                       \
    if (job->pool == 1 && type == CHAIN_F32)                                                                           \
        loop(job, run, 1, CHAIN_F32);                                                                                  \
    else if (job->pool == 1 && type == CHAIN_BF16)                                                                     \
        loop(job, run, 1, CHAIN_BF16);                                                                                 \
    else if (job->pool == 2 && type == CHAIN_F32)                                                                      \
        loop(job, run, 2, CHAIN_F32);                                                                                  \
    else if (job->pool == 2 && type == CHAIN_BF16)                                                                     \
        loop(job, run, 2, CHAIN_BF16);                                                                                 \
    else                                                                                                               \
        loop(job, run, job->pool, ANY)

static void forward_run(const struct chain_job *job, const struct chain_run *run)
{
    SPECIALISE(forward_loop);
}

static void apply_run(const struct chain_job *job, const struct chain_run *run)
{
    SPECIALISE(apply_loop);
}

static void reduce_run(const struct chain_job *job, const struct chain_run *run)
{
    SPECIALISE(reduce_loop);
}

static void statistics_run(const struct chain_job *job, const struct chain_run *run)
{
    if (job->x.type == CHAIN_F32)
        statistics_loop(job, run, CHAIN_F32);
    else
        statistics_loop(job, run, CHAIN_BF16);
}

static void finish(void)
{
    v16_stream_end();
}

#ifdef CHAIN_KERNELS
const struct chain_kernels CHAIN_KERNELS = {
    .statistics = statistics_run, .forward = forward_run, .reduce = reduce_run, .apply = apply_run, .finish = finish};
#endif
