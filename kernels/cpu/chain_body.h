/*
 * The inner loops of the chain, written once on sixteen floats; chain_plain.c, chain_avx2.c and chain_avx512.c
 * include a vector16_*.h, define CHAIN_KERNELS and include this.
 *
 * Each loop is compiled for the common cases (pool 1 and 2, all float32 or all bfloat16, one of the activations) with
 * those as constants, and once for all others. The order of every sum is fixed here: four windows as a tree, then added
 * to the sum.
 *
 * The activation comes after the maximum, also where the network has it before: it never falls, so the values agree.
 * Where it makes ties that x did not have (ReLU below zero, CELU far below) the gradient is zero anyway.
 */
#include "kernels/cpu/chain_kernels.h"

#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#include "kernels/cpu/vector16_plain.h"
#endif

#include "kernels/cpu/activation_body.h"

#define INLINE static inline __attribute__((always_inline))

/* What is known when a loop is compiled: the pool, the type of all operands, and the activation. ANY: look it up.
 * FLOOR: that of job->floor, ReLU or none. */
#define ANY (-1)
#define FLOOR CHAIN_ACT_NONE

/* Vector stores may alias anything: what the loop reads again and again must be out of their reach. */
#define OWN_COPIES                                                                                                     \
    const struct chain_job own_job = *shared_job, *job = &own_job;                                                     \
    const struct chain_run own_run = *shared_run, *run = &own_run

/* A place in an operand, and the ways on from there in bytes. */
struct cursor {
    char *p;
    int type; /* enum chain_type; a constant unless ANY */
    ptrdiff_t run, block, row, pixel;
    ptrdiff_t ahead; /* what is read now is fetched that far ahead */
};

INLINE struct cursor cursor_at(const struct chain_job *job, const struct chain_operand *operand, int type, ptrdiff_t at,
                               int window)
{
    static char nowhere;
    int own = type == ANY ? (int)operand->type : type;
    if (!operand->data)
        return (struct cursor){.p = &nowhere, .type = own};
    ptrdiff_t size = own == CHAIN_BF16 ? sizeof(bf16) : sizeof(float);
    return (struct cursor){.p = (char *)operand->data + (at + window * operand->run) * size,
                           .type = own,
                           .run = operand->run * size,
                           .block = operand->block * size,
                           .row = operand->row * size,
                           .pixel = operand->pixel * size,
                           .ahead = operand->run * size * job->ahead};
}

INLINE v16 cursor_load(const struct cursor *cursor, const char *p)
{
    __builtin_prefetch(p + cursor->ahead);
    return cursor->type == CHAIN_BF16 ? v16_load_bf16((const bf16 *)(const void *)p)
                                      : v16_load((const float *)(const void *)p);
}

INLINE void cursor_store(const struct cursor *cursor, char *p, v16 value, int stream)
{
    bf16 *halves = (bf16 *)(void *)p;
    float *floats = (float *)(void *)p;
    if (cursor->type == CHAIN_BF16 && stream)
        v16_stream_bf16(halves, value);
    else if (cursor->type == CHAIN_BF16)
        v16_store_bf16(halves, value);
    else if (stream)
        v16_stream(floats, value);
    else
        v16_store(floats, value);
}

/* The end of the tile of windows that starts at `first`. */
INLINE int tile_end(const struct chain_job *job, const struct chain_run *run, int first)
{
    return run->count - first < job->tile ? run->count : first + job->tile;
}

/* A block's a and b. */
struct affine {
    v16 a, b;
};

INLINE struct affine affine_of(const struct chain_job *job, const struct chain_run *run, int block)
{
    ptrdiff_t at = (run->channel / CHAIN_BLOCK + block) * job->step;
    return (struct affine){v16_load_any(job->a + at), v16_load_any(job->b + at)};
}

/* The first maximum of a window: z, the x that it came from, and which pixel (row-major) that was. Small windows
 * keep their x for the way back. */
struct best {
    v16 z, x, pixel;
    v16 kept[4];
};

INLINE struct best window_best(const struct cursor *x, const char *p, int k, struct affine affine)
{
    struct best best = {.x = cursor_load(x, p), .pixel = v16_zero()};
    best.z = v16_add(v16_mul(affine.a, best.x), affine.b);
    best.kept[0] = best.x;
    if (k == 1)
        return best;
#pragma GCC unroll 4
    for (int i = 0; i < k; i++)
#pragma GCC unroll 4
        for (int j = 0; j < k; j++) {
            if (i == 0 && j == 0)
                continue;
            v16 value = cursor_load(x, p + i * x->row + j * x->pixel);
            v16 z = v16_add(v16_mul(affine.a, value), affine.b);
            m16 beats = v16_beats(z, best.z);
            best.z = v16_select(beats, z, best.z);
            best.x = v16_select(beats, value, best.x);
            best.pixel = v16_select(beats, v16_set((float)(i * k + j)), best.pixel);
            if (k == 2)
                best.kept[i * 2 + j] = value;
        }
    return best;
}

/* The activation, with its numbers where loops keep them. */
struct activation {
    int act; /* enum chain_act, a constant unless ANY was asked for; FLOOR for ReLU, too */
    v16 floor, alpha, scale;
};

INLINE struct activation activation_of(const struct chain_job *job, int act)
{
    return (struct activation){act == ANY ? (int)job->act : act, v16_set(job->floor), v16_set(job->alpha),
                               v16_set(job->scale)};
}

INLINE v16 activate(const struct activation *act, v16 z)
{
    switch (act->act) {
    case CHAIN_ACT_CELU:
        return celu(z, act->alpha, act->scale);
    case CHAIN_ACT_GELU:
        return gelu(z);
    case CHAIN_ACT_SILU:
        return silu(z);
    default:
        return v16_at_least(act->floor, z);
    }
}

/* g times the activation's slope at z. */
INLINE v16 activate_back(const struct activation *act, v16 z, v16 g)
{
    switch (act->act) {
    case CHAIN_ACT_CELU:
        return celu_slope(z, act->scale, g);
    case CHAIN_ACT_GELU:
        return gelu_slope(z, g);
    case CHAIN_ACT_SILU:
        return silu_slope(z, g);
    default:
        return v16_keep(v16_above(z, act->floor), g);
    }
}

INLINE void forward_loop(const struct chain_job *shared_job, const struct chain_run *shared_run, int k, int type,
                         int kind)
{
    OWN_COPIES;
    struct activation act = activation_of(job, kind);
    int add = job->g1.data != NULL;
    for (int first = 0; first < run->count; first += job->tile) {
        int windows = tile_end(job, run, first) - first;
        struct cursor x = cursor_at(job, &job->x, type, run->x, first),
                      skip = cursor_at(job, &job->g1, type, run->g1, first);
        struct cursor out = cursor_at(job, &job->out, type, run->out, first);
        for (int block = 0; block < job->blocks; block++) {
            struct affine affine = affine_of(job, run, block);
            const char *from = x.p, *extra = skip.p;
            char *to = out.p;
            for (int w = 0; w < windows; w++) {
                v16 z = activate(&act, window_best(&x, from, k, affine).z);
                if (add)
                    z = v16_add(z, cursor_load(&skip, extra));
                cursor_store(&out, to, z, job->stream);
                from += x.run;
                extra += skip.run;
                to += out.run;
            }
            x.p += x.block;
            skip.p += skip.block;
            out.p += out.block;
        }
    }
}

/* Where the gradient of out is, and how it gets through the activation. */
struct gradient {
    struct cursor g1, g2;
    int two;
    struct activation act;
};

INLINE struct gradient gradient_at(const struct chain_job *job, const struct chain_run *run, int type, int kind,
                                   int window)
{
    return (struct gradient){.g1 = cursor_at(job, &job->g1, type, run->g1, window),
                             .g2 = cursor_at(job, &job->g2, type, run->g2, window),
                             .two = job->g2.data != NULL,
                             .act = activation_of(job, kind)};
}

INLINE v16 gradient_load(const struct gradient *gradient, ptrdiff_t window, v16 z)
{
    v16 g = cursor_load(&gradient->g1, gradient->g1.p + window * gradient->g1.run);
    if (gradient->two)
        g = v16_add(g, cursor_load(&gradient->g2, gradient->g2.p + window * gradient->g2.run));
    return activate_back(&gradient->act, z, g);
}

/* dx = ca*dz + (cb*x + cc), or dz without norm. */
struct slope {
    int norm;
    v16 ca, cb, cc;
};

INLINE struct slope slope_of(const struct chain_job *job, ptrdiff_t channel)
{
    if (!job->norm)
        return (struct slope){0, v16_zero(), v16_zero(), v16_zero()};
    return (struct slope){1, v16_load_any(job->ca + channel), v16_load_any(job->cb + channel),
                          v16_load_any(job->cc + channel)};
}

INLINE void apply_window(const struct cursor *x, const char *from, const struct cursor *dx, char *to, int k,
                         const struct best *best, v16 g, const struct slope *slope, int stream)
{
#pragma GCC unroll 4
    for (int i = 0; i < k; i++)
#pragma GCC unroll 4
        for (int j = 0; j < k; j++) {
            v16 dz = k == 1 ? g : v16_keep(v16_equal(best->pixel, v16_set((float)(i * k + j))), g);
            if (slope->norm) {
                v16 value = k <= 2 ? best->kept[i * k + j] : cursor_load(x, from + i * x->row + j * x->pixel);
                dz = v16_add(v16_mul(slope->ca, dz), v16_add(v16_mul(slope->cb, value), slope->cc));
            }
            cursor_store(dx, to + i * dx->row + j * dx->pixel, dz, stream);
        }
}

INLINE void apply_loop(const struct chain_job *shared_job, const struct chain_run *shared_run, int k, int type,
                       int kind)
{
    OWN_COPIES;
    for (int first = 0; first < run->count; first += job->tile) {
        int windows = tile_end(job, run, first) - first;
        struct cursor x = cursor_at(job, &job->x, type, run->x, first),
                      dx = cursor_at(job, &job->out, type, run->out, first);
        struct gradient gradient = gradient_at(job, run, type, kind, first);
        for (int block = 0; block < job->blocks; block++) {
            ptrdiff_t channel = run->channel + block * CHAIN_BLOCK;
            struct affine affine = affine_of(job, run, block);
            struct slope slope = slope_of(job, channel);
            const char *from = x.p;
            char *to = dx.p;
            for (int w = 0; w < windows; w++) {
                struct best best = window_best(&x, from, k, affine);
                v16 g = gradient_load(&gradient, w, best.z);
                apply_window(&x, from, &dx, to, k, &best, g, &slope, job->stream);
                from += x.run;
                to += dx.run;
            }
            x.p += x.block;
            dx.p += dx.block;
            gradient.g1.p += gradient.g1.block;
            gradient.g2.p += gradient.g2.block;
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
INLINE struct sums statistics_one(const struct cursor *x, const char *p, v16 shift)
{
    v16 d = v16_sub(cursor_load(x, p), shift);
    return (struct sums){d, v16_mul(d, d)};
}

/*
 * Adds four windows. The plain sum is compensated (Kahan, CACM 8(1), 1965: `carry` is what rounding has added too
 * much), since a mean near zero is a sum whose terms cancel; squares do not.
 */
INLINE void statistics_add(struct sums *sums, v16 *carry, struct sums four)
{
    v16 term = v16_sub(four.one, *carry), one = v16_add(sums->one, term);
    *carry = v16_sub(v16_sub(one, sums->one), term);
    sums->one = one;
    sums->two = v16_add(sums->two, four.two);
}

INLINE void statistics_loop(const struct chain_job *shared_job, const struct chain_run *shared_run, int type)
{
    OWN_COPIES;
    for (int first = 0; first < run->count; first += job->tile) {
        int windows = tile_end(job, run, first) - first;
        struct cursor x = cursor_at(job, &job->x, type, run->x, first);
        float *row = run->sums + run->channel;
        for (int block = 0; block < job->blocks; block++, row += CHAIN_BLOCK, x.p += x.block) {
            struct sums sums = {v16_zero(), v16_zero()};
            v16 carry = v16_zero();
            if (run->fresh && first == 0) {
                v16_store(row, cursor_load(&x, x.p));
            } else {
                sums = (struct sums){v16_load(row + run->sums_row), v16_load(row + 2 * run->sums_row)};
                carry = v16_load(row + 3 * run->sums_row);
            }
            v16 shift = v16_load(row);
            const char *p = x.p;
            int w = 0;
            for (; w + 4 <= windows; w += 4, p += 4 * x.run) {
                struct sums left = sums_add(statistics_one(&x, p, shift), statistics_one(&x, p + x.run, shift));
                struct sums right =
                    sums_add(statistics_one(&x, p + 2 * x.run, shift), statistics_one(&x, p + 3 * x.run, shift));
                statistics_add(&sums, &carry, sums_add(left, right));
            }
            for (; w < windows; w++, p += x.run)
                statistics_add(&sums, &carry, statistics_one(&x, p, shift));
            v16_store(row + run->sums_row, sums.one);
            v16_store(row + 2 * run->sums_row, sums.two);
            v16_store(row + 3 * run->sums_row, carry);
        }
    }
}

INLINE struct sums reduce_one(const struct cursor *x, int k, int w, struct affine affine, v16 mean,
                              const struct gradient *gradient)
{
    struct best best = window_best(x, x->p + w * x->run, k, affine);
    v16 dz = gradient_load(gradient, w, best.z);
    return (struct sums){dz, v16_mul(dz, v16_sub(best.x, mean))};
}

INLINE void reduce_loop(const struct chain_job *shared_job, const struct chain_run *shared_run, int k, int type,
                        int kind)
{
    OWN_COPIES;
    for (int first = 0; first < run->count; first += job->tile) {
        int windows = tile_end(job, run, first) - first;
        struct cursor x = cursor_at(job, &job->x, type, run->x, first);
        struct gradient gradient = gradient_at(job, run, type, kind, first);
        for (int block = 0; block < job->blocks; block++) {
            ptrdiff_t channel = run->channel + block * CHAIN_BLOCK;
            struct affine affine = affine_of(job, run, block);
            v16 mean = v16_load_any(job->mean + channel);
            float *row = run->sums + channel;
            struct sums sums = {v16_zero(), v16_zero()};
            if (!run->fresh || first > 0)
                sums = (struct sums){v16_load(row), v16_load(row + run->sums_row)};
            int w = 0;
            for (; w + 4 <= windows; w += 4) {
                struct sums left = sums_add(reduce_one(&x, k, w, affine, mean, &gradient),
                                            reduce_one(&x, k, w + 1, affine, mean, &gradient));
                struct sums right = sums_add(reduce_one(&x, k, w + 2, affine, mean, &gradient),
                                             reduce_one(&x, k, w + 3, affine, mean, &gradient));
                sums = sums_add(sums, sums_add(left, right));
            }
            for (; w < windows; w++)
                sums = sums_add(sums, reduce_one(&x, k, w, affine, mean, &gradient));
            v16_store(row, sums.one);
            v16_store(row + run->sums_row, sums.two);
            x.p += x.block;
            gradient.g1.p += gradient.g1.block;
            gradient.g2.p += gradient.g2.block;
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

/* One function for each common case, apart so that the compiler keeps them apart, and one that chooses. */
#define VARIANT(name, loop, ...)                                                                                       \
    static __attribute__((noinline)) void name(const struct chain_job *job, const struct chain_run *run)               \
    {                                                                                                                  \
        loop(job, run, __VA_ARGS__);                                                                                   \
    }

#define VARIANTS_OF(name, k, act)                                                                                      \
    VARIANT(name##_##k##_##act##_f32, name##_loop, k, CHAIN_F32, act)                                                  \
    VARIANT(name##_##k##_##act##_bf16, name##_loop, k, CHAIN_BF16, act)

#define CHOOSE(name, k, act) (type == CHAIN_F32 ? name##_##k##_##act##_f32 : name##_##k##_##act##_bf16)(job, run)

#define VARIANTS(name)                                                                                                 \
    VARIANTS_OF(name, 1, FLOOR)                                                                                        \
    VARIANTS_OF(name, 2, FLOOR)                                                                                        \
    VARIANTS_OF(name, 1, CHAIN_ACT_CELU)                                                                               \
    VARIANTS_OF(name, 2, CHAIN_ACT_CELU)                                                                               \
    VARIANTS_OF(name, 1, CHAIN_ACT_GELU)                                                                               \
    VARIANTS_OF(name, 1, CHAIN_ACT_SILU)                                                                               \
    VARIANT(name##_any, name##_loop, job->pool, ANY, ANY)                                                              \
    static void name##_run(const struct chain_job *job, const struct chain_run *run)                                   \
    {                                                                                                                  \
        int type = common_type(job), one = job->pool == 1, floor = job->act <= CHAIN_ACT_RELU;                         \
        if (job->pool > 2 || type == ANY || (!one && !chain_act_commutes(job->act)))                                   \
            name##_any(job, run);                                                                                      \
        else if (floor)                                                                                                \
            one ? CHOOSE(name, 1, FLOOR) : CHOOSE(name, 2, FLOOR);                                                     \
        else if (job->act == CHAIN_ACT_CELU)                                                                           \
            one ? CHOOSE(name, 1, CHAIN_ACT_CELU) : CHOOSE(name, 2, CHAIN_ACT_CELU);                                   \
        else                                                                                                           \
            job->act == CHAIN_ACT_GELU ? CHOOSE(name, 1, CHAIN_ACT_GELU) : CHOOSE(name, 1, CHAIN_ACT_SILU);            \
    }

VARIANTS(forward)
VARIANTS(apply)
VARIANTS(reduce)
VARIANT(statistics_f32, statistics_loop, CHAIN_F32)
VARIANT(statistics_bf16, statistics_loop, CHAIN_BF16)

static void statistics_run(const struct chain_job *job, const struct chain_run *run)
{
    (job->x.type == CHAIN_F32 ? statistics_f32 : statistics_bf16)(job, run);
}

static void finish(void)
{
    v16_stream_end();
}

#ifdef CHAIN_KERNELS
const struct chain_kernels CHAIN_KERNELS = {
    .statistics = statistics_run, .forward = forward_run, .reduce = reduce_run, .apply = apply_run, .finish = finish};
#endif
