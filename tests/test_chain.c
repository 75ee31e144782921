/*
 * The fused chain against a naive reference in double, in every layout, type and instruction set. Values are small
 * multiples of powers of two where a decision hangs on them (a maximum, a sign), so that the reference takes the
 * same ones; every view lies against unmapped pages, and bytes that belong to no element must keep their pattern.
 */
#include "kernels/cpu/chain.h"

#include "kernels/isa.h"
#include "kernels/parallel.h"
#include "tests/guarded_view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_MAX = 512 };

/* One case and its tensors. */
struct fixture {
    struct chain chain;
    struct shape in, out;
    struct buffer x, skip, y, g1, g2, dx;
    int with_skip, with_g2;
    float a[CHANNELS_MAX], b[CHANNELS_MAX], ca[CHANNELS_MAX], cb[CHANNELS_MAX], cc[CHANNELS_MAX];
    float mean[CHANNELS_MAX], invstd[CHANNELS_MAX];
};

static void fixture_init(struct fixture *f, struct chain chain, struct shape s, enum layout layout,
                         const enum chain_type types[3], int extras)
{
    memset(f, 0, sizeof *f);
    f->chain = chain;
    f->in = f->out = s;
    f->out.h /= chain.pool;
    f->out.w /= chain.pool;
    f->with_skip = f->with_g2 = extras;
    enum layout other = (layout + 1) % LAYOUTS;
    buffer_make_filled(&f->x, layout, types[0], s, random_sixteenth);
    buffer_make_filled(&f->skip, extras ? other : layout, types[1], f->out, random_sixteenth);
    buffer_make(&f->y, layout, types[1], f->out);
    buffer_make_filled(&f->g1, layout, types[1], f->out, random_sixteenth);
    buffer_make_filled(&f->g2, other, types[2], f->out, random_sixteenth);
    buffer_make(&f->dx, layout, types[2], s);
    static const float slopes[] = {0.5f, 1, -1, 2, 0.25f};
    for (int c = 0; c < s.c; c++) {
        f->a[c] = slopes[random_next() % 5];
        f->b[c] = (float)random_sixteenth();
        f->ca[c] = (float)random_unit();
        f->cb[c] = (float)random_unit();
        f->cc[c] = (float)random_unit();
        f->mean[c] = (float)random_unit();
        f->invstd[c] = (float)(1.5 + random_unit());
    }
}

static void fixture_release(struct fixture *f)
{
    buffer_release(&f->x);
    buffer_release(&f->skip);
    buffer_release(&f->y);
    buffer_release(&f->g1);
    buffer_release(&f->g2);
    buffer_release(&f->dx);
}

static double z_of(const struct fixture *f, double x, int c)
{
    return f->chain.norm ? f->a[c] * x + f->b[c] : x;
}

static double activated(const struct chain *chain, double z)
{
    switch (chain->act) {
    case CHAIN_ACT_RELU:
        return z > 0 ? z : 0;
    case CHAIN_ACT_CELU:
        return z > 0 ? z : chain->alpha * expm1(z / chain->alpha);
    case CHAIN_ACT_GELU:
        return z * 0.5 * erfc(-z * M_SQRT1_2);
    case CHAIN_ACT_SILU:
        return z / (1 + exp(-z));
    default:
        return z;
    }
}

static double slope_at(const struct chain *chain, double z)
{
    double sigmoid = 1 / (1 + exp(-z));
    switch (chain->act) {
    case CHAIN_ACT_RELU:
        return z > 0;
    case CHAIN_ACT_CELU:
        return z > 0 ? 1 : exp(z / chain->alpha);
    case CHAIN_ACT_GELU:
        return 0.5 * erfc(-z * M_SQRT1_2) + z * exp(-z * z / 2) / sqrt(2 * M_PI);
    case CHAIN_ACT_SILU:
        return sigmoid * (1 + z * (1 - sigmoid));
    default:
        return 1;
    }
}

/* The activated maximum of the window at (wy, wx), and where its first one is. */
static double window_max(const struct fixture *f, int n, int c, int wy, int wx, int *at_y, int *at_x)
{
    double best = -INFINITY;
    for (int y = wy * f->chain.pool; y < (wy + 1) * f->chain.pool; y++)
        for (int x = wx * f->chain.pool; x < (wx + 1) * f->chain.pool; x++) {
            double value = z_of(f, get(&f->x, n, c, y, x), c);
            if (f->chain.act == CHAIN_ACT_RELU && value <= 0)
                value = 0;
            if (value > best) {
                best = value;
                *at_y = y;
                *at_x = x;
            }
        }
    return activated(&f->chain, best);
}

static void check_forward(const struct fixture *f)
{
    int at_y, at_x;
    FOR_EACH_ELEMENT(&f->y)
    {
        double want = window_max(f, n, c, y, x, &at_y, &at_x);
        if (f->with_skip)
            want += get(&f->skip, n, c, y, x);
        check_close(&f->y, get(&f->y, n, c, y, x), want, 8, "forward");
    }
    check_untouched(&f->y);
}

/* dz of every pixel of x, dense [n][c][h][w]. */
static double *reference_dz(const struct fixture *f)
{
    double *dz = calloc((size_t)f->in.n * (size_t)f->in.c * (size_t)f->in.h * (size_t)f->in.w, sizeof *dz);
    FOR_EACH_ELEMENT(&f->y)
    {
        int at_y = 0, at_x = 0;
        window_max(f, n, c, y, x, &at_y, &at_x);
        double g = get(&f->g1, n, c, y, x) + (f->with_g2 ? get(&f->g2, n, c, y, x) : 0);
        double z = z_of(f, get(&f->x, n, c, at_y, at_x), c);
        dz[((n * f->in.c + c) * f->in.h + at_y) * f->in.w + at_x] = g * slope_at(&f->chain, z);
    }
    return dz;
}

static void check_apply(const struct fixture *f, const struct buffer *dx, const double *dz)
{
    FOR_EACH_ELEMENT(dx)
    {
        double want = dz[((n * f->in.c + c) * f->in.h + y) * f->in.w + x];
        if (f->chain.norm)
            want = f->ca[c] * want + f->cb[c] * get(&f->x, n, c, y, x) + f->cc[c];
        check_close(dx, get(dx, n, c, y, x), want, 16, "apply");
    }
    check_untouched(dx);
}

/* What one run of all four functions leaves behind. */
struct outcome {
    char *y, *dx, *same;
    float mean[CHANNELS_MAX], var[CHANNELS_MAX], sum_dz[CHANNELS_MAX], sum_dzx[CHANNELS_MAX];
};

static char *copy_of(const struct buffer *b)
{
    char *copy = malloc(b->bytes);
    memcpy(copy, b->view.data, b->bytes);
    return copy;
}

static void outcome_release(struct outcome *o)
{
    free(o->y);
    free(o->dx);
    free(o->same);
}

static void fixture_run(struct fixture *f, struct buffer *same, struct outcome *o)
{
    void *scratch = malloc(chain_scratch_bytes(f->in.n, f->in.c));
    const struct chain_view *g2 = f->with_g2 ? &f->g2.view : NULL;
    memset(o, 0, sizeof *o);
    memcpy(same->view.data, f->x.view.data, f->x.bytes);
    chain_statistics(&f->x.view, f->in.n, o->mean, o->var, scratch);
    chain_forward(&f->chain, &f->x.view, f->in.n, f->a, f->b, f->with_skip ? &f->skip.view : NULL, &f->y.view);
    if (f->chain.norm)
        chain_backward_reduce(&f->chain, &f->x.view, f->in.n, f->a, f->b, f->mean, f->invstd, &f->g1.view, g2,
                              o->sum_dz, o->sum_dzx, scratch);
    chain_backward_apply(&f->chain, &f->x.view, f->in.n, f->a, f->b, f->ca, f->cb, f->cc, &f->g1.view, g2, &f->dx.view);
    chain_backward_apply(&f->chain, &same->view, f->in.n, f->a, f->b, f->ca, f->cb, f->cc, &f->g1.view, g2,
                         &same->view);
    o->y = copy_of(&f->y);
    o->dx = copy_of(&f->dx);
    o->same = copy_of(same);
    free(scratch);
}

static void check_statistics(const struct fixture *f, const struct outcome *o)
{
    double count = (double)f->in.n * f->in.h * f->in.w;
    for (int c = 0; c < f->in.c; c++) {
        double sum = 0, square = 0;
        for (int n = 0; n < f->in.n; n++)
            for (int y = 0; y < f->in.h; y++)
                for (int x = 0; x < f->in.w; x++) {
                    double value = get(&f->x, n, c, y, x);
                    sum += value;
                    square += value * value;
                }
        double mean = sum / count, var = square / count - mean * mean;
        if (fabs(o->mean[c] - mean) > 4 * 0x1p-20 || fabs(o->var[c] - var) > 16 * 0x1p-20)
            fail_msg("channel %d: mean %.9g want %.9g, var %.9g want %.9g", c, o->mean[c], mean, o->var[c], var);
    }
}

static void check_reduce(const struct fixture *f, const struct outcome *o, const double *dz)
{
    /* Of the smooth ones up to 2^-21, whatever the slope; the gradient is below 8. */
    double slope_error = f->chain.act > CHAIN_ACT_RELU ? 4 : 0;
    for (int c = 0; c < f->in.c && f->chain.norm; c++) {
        double sum = 0, sum_x = 0, size = 0, size_x = 0;
        for (int n = 0; n < f->in.n; n++)
            for (int y = 0; y < f->in.h; y++)
                for (int x = 0; x < f->in.w; x++) {
                    double g = dz[((n * f->in.c + c) * f->in.h + y) * f->in.w + x];
                    double x_hat = (get(&f->x, n, c, y, x) - f->mean[c]) * f->invstd[c];
                    sum += g;
                    size += fabs(g) + slope_error;
                    sum_x += g * x_hat;
                    size_x += (fabs(g) + slope_error) * fabs(x_hat);
                }
        if (fabs(o->sum_dz[c] - sum) > size * 0x1p-20 || fabs(o->sum_dzx[c] - sum_x) > size_x * 0x1p-20)
            fail_msg("channel %d: sum_dz %.9g want %.9g, sum_dzx %.9g want %.9g", c, o->sum_dz[c], sum, o->sum_dzx[c],
                     sum_x);
    }
}

static void check_same(const struct fixture *f, const struct outcome *a, const struct outcome *b, const char *isa,
                       int threads)
{
    if (memcmp(a->y, b->y, f->y.bytes) || memcmp(a->dx, b->dx, f->dx.bytes) || memcmp(a->same, b->same, f->x.bytes) ||
        memcmp(a->mean, b->mean, sizeof a->mean) || memcmp(a->var, b->var, sizeof a->var) ||
        memcmp(a->sum_dz, b->sum_dz, sizeof a->sum_dz) || memcmp(a->sum_dzx, b->sum_dzx, sizeof a->sum_dzx))
        fail_msg("%s with %d threads differs from plain with one", isa, threads);
}

/* Against the reference, then every instruction set and thread count against the first, bit by bit. */
static void run_case(struct chain chain, struct shape s, enum layout layout, const enum chain_type types[3], int extras,
                     int most_threads)
{
    struct fixture f;
    struct buffer same;
    struct outcome first, again;
    fixture_init(&f, chain, s, layout, types, extras);
    buffer_make(&same, layout, types[0], s);
    isa_force("plain");
    parallel_set_threads(1);
    fixture_run(&f, &same, &first);
    double *dz = reference_dz(&f);
    check_statistics(&f, &first);
    check_forward(&f);
    check_reduce(&f, &first, dz);
    check_apply(&f, &f.dx, dz);
    check_apply(&f, &same, dz);
    int top = isa_best() > ISA_AVX512 ? ISA_AVX512 : (int)isa_best(); /* the levels above have no loops of their own */
    for (int isa = 0; isa <= top; isa++)
        for (int threads = 1; threads <= most_threads; threads++) {
            isa_force(isa_name((enum isa)isa));
            parallel_set_threads(threads);
            fixture_run(&f, &same, &again);
            check_same(&f, &first, &again, isa_name((enum isa)isa), threads);
            outcome_release(&again);
        }
    free(dz);
    outcome_release(&first);
    buffer_release(&same);
    fixture_release(&f);
}

static const enum chain_type type_sets[][3] = {{CHAIN_F32, CHAIN_F32, CHAIN_F32},
                                               {CHAIN_BF16, CHAIN_BF16, CHAIN_BF16},
                                               {CHAIN_BF16, CHAIN_F32, CHAIN_BF16},
                                               {CHAIN_F32, CHAIN_BF16, CHAIN_F32}};

static void run_shape(struct shape s, int type_sets_used)
{
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int types = 0; types < type_sets_used; types++)
            for (int pool = 1; pool <= 3; pool++)
                for (int flags = 0; flags < 8; flags++) {
                    struct chain chain = {.norm = flags & 1, .act = flags & 2 ? CHAIN_ACT_RELU : CHAIN_ACT_NONE};
                    chain.pool = pool;
                    run_case(chain, s, (enum layout)layout, type_sets[types], flags >> 2, 1);
                }
}

static void test_odd_sizes(void **state)
{
    (void)state;
    run_shape((struct shape){2, 48, 7, 5}, 4);
}

static void test_smooth_activations(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{2, 48, 7, 5}, {7, 16, 2, 6}};
    for (int i = 0; i < 2; i++)
        for (int layout = 0; layout < LAYOUTS; layout++)
            for (int types = 0; types < (i ? 2 : 4); types++)
                for (int pool = 1; pool <= (i ? 2 : 3); pool++)
                    for (int act = CHAIN_ACT_CELU; act <= CHAIN_ACT_SILU; act++) {
                        struct chain chain = {
                            .norm = types != 2, .act = (enum chain_act)act, .alpha = 0.3f, .pool = pool};
                        run_case(chain, shapes[i], (enum layout)layout, type_sets[types], i, i ? 3 : 1);
                    }
}

static void test_one_image(void **state)
{
    (void)state;
    run_shape((struct shape){1, 16, 9, 6}, 2);
}

static void test_many_images(void **state)
{
    (void)state;
    run_shape((struct shape){33, 16, 3, 3}, 2);
}

static void test_many_channels(void **state)
{
    (void)state;
    run_shape((struct shape){7, 512, 3, 3}, 2);
}

static void test_thread_count_never_shows(void **state)
{
    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int pool = 1; pool <= 2; pool++) {
            struct chain chain = {.norm = 1, .act = CHAIN_ACT_RELU, .pool = pool};
            run_case(chain, (struct shape){5, 48, 5, 6}, (enum layout)layout, type_sets[pool - 1], 1, 3);
        }
}

static void test_one_pixel(void **state)
{
    (void)state;
    struct chain chain = {.norm = 1, .act = CHAIN_ACT_RELU, .pool = 1};
    for (int layout = 0; layout < LAYOUTS; layout++)
        run_case(chain, (struct shape){7, 32, 1, 1}, (enum layout)layout, type_sets[1], 1, 1);
}

/* A window larger than the image: nothing comes out, the gradient is that of no window at all. */
static void test_pool_larger_than_image(void **state)
{
    (void)state;
    struct shape s = {2, 16, 2, 3};
    struct buffer x, g;
    float one[16], sums[2][16];
    struct chain chain = {.norm = 1, .act = CHAIN_ACT_RELU, .pool = 3};
    void *scratch = malloc(chain_scratch_bytes(2, 16));
    buffer_make_filled(&x, NHWC, CHAIN_F32, s, random_sixteenth);
    buffer_make(&g, NHWC, CHAIN_F32, (struct shape){2, 16, 1, 1});
    g.view.h = 0;
    for (int c = 0; c < 16; c++)
        one[c] = 1;
    memset(sums, 0xff, sizeof sums);
    chain_backward_reduce(&chain, &x.view, 2, one, one, one, one, &g.view, NULL, sums[0], sums[1], scratch);
    double before = get(&x, 1, 3, 1, 2);
    chain_backward_apply(&chain, &x.view, 2, one, one, one, one, one, &g.view, NULL, &x.view);
    assert_true(sums[0][0] == 0 && sums[1][15] == 0);
    assert_true(get(&x, 1, 3, 1, 2) == before + 1);
    free(scratch);
    buffer_release(&x);
    buffer_release(&g);
}

static void each_isa(void (*check)(enum chain_type type))
{
    for (int isa = 0; isa <= (int)isa_best(); isa++)
        for (int type = CHAIN_F32; type <= CHAIN_BF16; type++) {
            isa_force(isa_name((enum isa)isa));
            check((enum chain_type)type);
        }
}

static double zero(void)
{
    return 0;
}

static void check_nan(enum chain_type type)
{
    struct chain chain = {.act = CHAIN_ACT_RELU, .pool = 2};
    struct shape s = {1, 32, 4, 4};
    float mean[32], var[32];
    void *scratch = malloc(chain_scratch_bytes(1, 32));
    for (int where = 0; where < 16; where++) {
        struct buffer in, out;
        buffer_make_filled(&in, NHWC, type, s, random_sixteenth);
        buffer_make(&out, NHWC, type, (struct shape){1, 32, 2, 2});
        put(&in, 0, 17, where / 4, where % 4, NAN);
        chain_forward(&chain, &in.view, 1, NULL, NULL, NULL, &out.view);
        FOR_EACH_ELEMENT(&out)
        assert_int_equal(isnan(get(&out, n, c, y, x)) != 0, c == 17 && y == where / 8 && x == where % 4 / 2);
        chain_statistics(&in.view, 1, mean, var, scratch);
        for (int c = 0; c < 32; c++)
            assert_true((isnan(mean[c]) && isnan(var[c])) == (c == 17) && (c == 17 || !isnan(mean[c] + var[c])));
        buffer_release(&in);
        buffer_release(&out);
    }
    free(scratch);
}

static void test_nan_is_never_hidden(void **state)
{
    (void)state;
    each_isa(check_nan);
}

static void check_ties(enum chain_type type)
{
    struct buffer in, g, dx;
    struct shape s = {2, 16, 4, 4}, half = {2, 16, 2, 2};
    buffer_make_filled(&in, BLOCKED, type, s, zero);
    buffer_make_filled(&g, BLOCKED, type, half, zero);
    buffer_make(&dx, BLOCKED, type, s);
    FOR_EACH_ELEMENT(&g)
    put(&g, n, c, y, x, 3);
    struct chain pool = {.pool = 2}, relu = {.act = CHAIN_ACT_RELU, .pool = 2};
    chain_backward_apply(&pool, &in.view, 2, NULL, NULL, NULL, NULL, NULL, &g.view, NULL, &dx.view);
    FOR_EACH_ELEMENT(&dx)
    assert_true(get(&dx, n, c, y, x) == (y % 2 || x % 2 ? 0 : 3));
    chain_backward_apply(&relu, &in.view, 2, NULL, NULL, NULL, NULL, NULL, &g.view, NULL, &dx.view);
    FOR_EACH_ELEMENT(&dx)
    assert_true(get(&dx, n, c, y, x) == 0); /* relu'(0) = 0 */
    buffer_release(&in);
    buffer_release(&g);
    buffer_release(&dx);
}

static void test_ties_go_to_the_first(void **state)
{
    (void)state;
    each_isa(check_ties);
}

/* The variance of values far from zero, where sums of plain squares would have nothing left. */
static void check_far_mean(enum chain_type type)
{
    struct buffer in;
    struct shape s = {5, 16, 8, 8};
    float mean[16], var[16];
    void *scratch = malloc(chain_scratch_bytes(5, 16));
    buffer_make_filled(&in, NHWC, type, s, random_unit);
    double sum = 0, square = 0, count = 5 * 64;
    FOR_EACH_ELEMENT(&in)
    put(&in, n, c, y, x, 4096 + 64 * get(&in, n, c, y, x));
    FOR_EACH_ELEMENT(&in)
    if (c == 2) {
        sum += get(&in, n, c, y, x);
        square += (get(&in, n, c, y, x) - 4096) * (get(&in, n, c, y, x) - 4096);
    }
    double want = square / count - (sum / count - 4096) * (sum / count - 4096);
    chain_statistics(&in.view, 5, mean, var, scratch);
    assert_true(fabs(mean[2] - sum / count) <= 4096 * 0x1p-20);
    assert_true(fabs(var[2] - want) <= want * 0x1p-20);
    free(scratch);
    buffer_release(&in);
}

static void test_variance_far_from_zero(void **state)
{
    (void)state;
    each_isa(check_far_mean);
}

static double softer(void)
{
    return random_unit() * 2;
}

/* sum of g * chain(x), with the batch's own statistics. */
static double projection(const struct fixture *f, struct buffer *out, const float *scale, const float *bias,
                         float *mean, float *var, float *a, float *b)
{
    void *scratch = malloc(chain_scratch_bytes(f->in.n, f->in.c));
    chain_statistics(&f->x.view, f->in.n, mean, var, scratch);
    chain_affine(f->in.c, scale, bias, mean, var, 1e-5, a, b);
    chain_forward(&f->chain, &f->x.view, f->in.n, a, b, NULL, &out->view);
    double sum = 0;
    FOR_EACH_ELEMENT(out)
    sum += get(out, n, c, y, x) * get(&f->g1, n, c, y, x);
    free(scratch);
    return sum;
}

/* The whole chain with batch norm: the derivative along a random direction of x, and along scale and bias. */
static void check_gradient(struct chain chain, enum layout layout)
{
    struct fixture f;
    struct shape s = {3, 32, 6, 6};
    float scale[32], bias[32], mean[32], var[32], a[32], b[32], invstd[32], dz[32], dzx[32], ca[32], cb[32], cc[32];
    fixture_init(&f, chain, s, layout, type_sets[0], 0);
    buffer_fill(&f.x, softer);
    for (int c = 0; c < 32; c++) {
        scale[c] = (float)(1 + random_unit() / 2);
        bias[c] = (float)random_unit();
    }
    void *scratch = malloc(chain_scratch_bytes(3, 32));
    projection(&f, &f.y, scale, bias, mean, var, a, b);
    for (int c = 0; c < 32; c++)
        invstd[c] = (float)(1 / sqrt(var[c] + 1e-5));
    chain_backward_reduce(&chain, &f.x.view, 3, a, b, mean, invstd, &f.g1.view, NULL, dz, dzx, scratch);
    chain_backward_affine(32, scale, mean, invstd, dz, dzx, 3 * 36, ca, cb, cc);
    chain_backward_apply(&chain, &f.x.view, 3, a, b, ca, cb, cc, &f.g1.view, NULL, &f.dx.view);

    struct buffer start, direction;
    buffer_make(&start, layout, CHAIN_F32, s);
    memcpy(start.view.data, f.x.view.data, f.x.bytes);
    buffer_make_filled(&direction, layout, CHAIN_F32, s, random_unit);
    double step = 0x1p-14, want = 0, side[2], norm = 0;
    FOR_EACH_ELEMENT(&f.x)
    {
        want += get(&direction, n, c, y, x) * get(&f.dx, n, c, y, x);
        norm += pow(get(&f.dx, n, c, y, x), 2);
    }
    for (int i = 0; i < 2; i++) {
        FOR_EACH_ELEMENT(&f.x)
        put(&f.x, n, c, y, x, get(&start, n, c, y, x) + (i ? -step : step) * get(&direction, n, c, y, x));
        side[i] = projection(&f, &f.y, scale, bias, mean, var, a, b);
    }
    assert_true(fabs((side[0] - side[1]) / (2 * step) - want) < 0.05 * sqrt(norm));
    memcpy(f.x.view.data, start.view.data, start.bytes);
    for (int c = 0; c < 32; c += 5) { /* d/d bias = sum_dz, d/d scale = sum_dzx */
        float *parameters[] = {bias, scale}, wants[] = {dz[c], dzx[c]};
        for (int p = 0; p < 2; p++) {
            float kept = parameters[p][c];
            for (int i = 0; i < 2; i++) {
                parameters[p][c] = kept + (float)(i ? -step : step);
                side[i] = projection(&f, &f.y, scale, bias, mean, var, a, b);
            }
            parameters[p][c] = kept;
            assert_true(fabs((side[0] - side[1]) / (2 * step) - wants[p]) < 0.02 * (5 + fabsf(wants[p])));
        }
    }
    free(scratch);
    buffer_release(&start);
    buffer_release(&direction);
    fixture_release(&f);
}

static void test_gradient_by_differences(void **state)
{
    (void)state;
    isa_force("auto");
    parallel_set_threads(1);
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int pool = 1; pool <= 3; pool++)
            for (int act = CHAIN_ACT_NONE; act <= CHAIN_ACT_SILU; act++)
                check_gradient((struct chain){.norm = 1, .act = (enum chain_act)act, .alpha = 0.5f, .pool = pool},
                               (enum layout)layout);
}

static int restore(void **state)
{
    (void)state;
    isa_force("auto");
    parallel_set_threads(0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_smooth_activations),
        cmocka_unit_test(test_one_image),
        cmocka_unit_test(test_many_images),
        cmocka_unit_test(test_many_channels),
        cmocka_unit_test(test_thread_count_never_shows),
        cmocka_unit_test(test_one_pixel),
        cmocka_unit_test(test_pool_larger_than_image),
        cmocka_unit_test(test_nan_is_never_hidden),
        cmocka_unit_test(test_ties_go_to_the_first),
        cmocka_unit_test(test_variance_far_from_zero),
        cmocka_unit_test(test_gradient_by_differences),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, restore);
}
