/*
 * Our own Winograd convolutions against naive sums in double: every pass, layout and instruction set, DavidNet's shapes
 * and odd ones, operands against unmapped pages; the same bits for any number of threads.
 */
#include "kernels/cpu/winograd.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"
#include "tests/guarded_view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 4e-6 /* as the header states */

struct geometry {
    int n, in_c, out_c, h, w, pad;
};

struct convolution {
    struct cpu_conv_spec spec;
    struct buffer source, output;
    struct buffer weights, scratch; /* of the pass that ran last */
    float *oihw;
    size_t count; /* of oihw */
};

static void convolution_init(struct convolution *c, const struct geometry *g, enum layout layout, enum isa isa)
{
    c->spec = (struct cpu_conv_spec){.n = g->n,
                                     .in_c = g->in_c,
                                     .out_c = g->out_c,
                                     .in_h = g->h,
                                     .in_w = g->w,
                                     .out_h = g->h + 2 * g->pad - 2,
                                     .out_w = g->w + 2 * g->pad - 2,
                                     .kernel = 3,
                                     .stride = 1,
                                     .pad = g->pad,
                                     .type = CHAIN_F32,
                                     .winograd = 1,
                                     .isa = isa};
    c->count = (size_t)g->in_c * (size_t)g->out_c * 9;
    c->oihw = malloc(c->count * sizeof(float));
    assert_non_null(c->oihw);
    for (size_t i = 0; i < c->count; i++)
        c->oihw[i] = (float)random_unit();
    buffer_make_filled(&c->source, layout, CHAIN_F32, (struct shape){g->n, g->in_c, g->h, g->w}, random_unit);
    buffer_make_filled(&c->output, layout, CHAIN_F32, (struct shape){g->n, g->out_c, c->spec.out_h, c->spec.out_w},
                       random_unit);
}

static void convolution_release(struct convolution *c)
{
    buffer_release(&c->source);
    buffer_release(&c->output);
    free(c->oihw);
}

/* NaNs that end at an unmapped page. */
static void room(struct buffer *b, size_t bytes)
{
    buffer_make(b, NHWC, CHAIN_F32, (struct shape){1, (int)(bytes / sizeof(float)), 1, 1});
}

/* Runs a pass on n images, backward weights `times` times onto the same sums. */
static void run(struct convolution *c, enum cpu_pass pass, int n, int times, int threads)
{
    struct winograd winograd;
    parallel_set_threads(threads);
    winograd_init(&winograd, &c->spec, pass, threads);
    room(&c->weights, winograd_weights_bytes(&winograd));
    room(&c->scratch, winograd_scratch_bytes(&winograd));
    if (pass != CPU_BACKWARD_WEIGHTS)
        winograd_pack(&winograd, c->oihw, c->weights.view.data);
    for (int i = 0; i < times; i++)
        winograd_run(&winograd, n, &c->source.view, c->weights.view.data, &c->output.view, i > 0, c->scratch.view.data);
    if (pass == CPU_BACKWARD_WEIGHTS)
        winograd_unpack(&winograd, c->weights.view.data, c->oihw);
    buffer_release(&c->weights);
    buffer_release(&c->scratch);
}

static double weight(const struct convolution *c, int o, int i, int y, int x)
{
    return c->oihw[((size_t)(o * c->spec.in_c + i) * 3 + (size_t)y) * 3 + (size_t)x];
}

/* An element of a buffer, zero outside of the image. */
static double padded(const struct buffer *b, int n, int c, int y, int x)
{
    return y >= 0 && y < b->view.h && x >= 0 && x < b->view.w ? get(b, n, c, y, x) : 0;
}

static double forward(const struct convolution *c, int n, int o, int y, int x)
{
    double sum = 0;
    for (int i = 0; i < c->spec.in_c; i++)
        for (int k = 0; k < 9; k++)
            sum += weight(c, o, i, k / 3, k % 3) *
                   padded(&c->source, n, i, y + k / 3 - c->spec.pad, x + k % 3 - c->spec.pad);
    return sum;
}

static double backward_data(const struct convolution *c, int n, int i, int y, int x)
{
    double sum = 0;
    for (int o = 0; o < c->spec.out_c; o++)
        for (int k = 0; k < 9; k++)
            sum += weight(c, o, i, k / 3, k % 3) *
                   padded(&c->output, n, o, y - k / 3 + c->spec.pad, x - k % 3 + c->spec.pad);
    return sum;
}

static double backward_weights(const struct convolution *c, int images, int o, int i, int k)
{
    double sum = 0;
    for (int n = 0; n < images; n++)
        for (int y = 0; y < c->spec.out_h; y++)
            for (int x = 0; x < c->spec.out_w; x++)
                sum += get(&c->output, n, o, y, x) *
                       padded(&c->source, n, i, y + k / 3 - c->spec.pad, x + k % 3 - c->spec.pad);
    return sum;
}

/* The norm-wise error of about `samples` elements of what the pass wrote for n images. */
static double error_of(const struct convolution *c, enum cpu_pass pass, int n, int times, size_t samples)
{
    const struct buffer *to = pass == CPU_FORWARD ? &c->output : &c->source;
    size_t total =
        pass == CPU_BACKWARD_WEIGHTS ? c->count : (size_t)n * (size_t)to->view.c * (size_t)(to->view.h * to->view.w);
    size_t step = total / samples | 1;
    double off = 0, norm = 0;
    for (size_t i = 0; i < total; i += step) {
        double want, is;
        if (pass == CPU_BACKWARD_WEIGHTS) {
            int k = (int)(i % 9), in = (int)(i / 9) % c->spec.in_c, o = (int)(i / 9) / c->spec.in_c;
            want = times * backward_weights(c, n, o, in, k);
            is = c->oihw[i];
        } else {
            int x = (int)(i % (size_t)to->view.w), y = (int)(i / (size_t)to->view.w % (size_t)to->view.h);
            int channel = (int)(i / (size_t)(to->view.w * to->view.h) % (size_t)to->view.c);
            int image = (int)(i / (size_t)(to->view.w * to->view.h * to->view.c));
            want = pass == CPU_FORWARD ? forward(c, image, channel, y, x) : backward_data(c, image, channel, y, x);
            is = get(to, image, channel, y, x);
        }
        off += (is - want) * (is - want);
        norm += want * want;
    }
    return norm > 0 ? sqrt(off / norm) : INFINITY;
}

static void check(struct convolution *c, const char *isa, enum layout layout, size_t samples)
{
    static const char *const passes[] = {"forward", "backward data", "backward weights"};
    for (int pass = 0; pass < CPU_PASS_COUNT; pass++) {
        int times = pass == CPU_BACKWARD_WEIGHTS ? 2 : 1;
        run(c, (enum cpu_pass)pass, c->spec.n, times, 2);
        double error = error_of(c, (enum cpu_pass)pass, c->spec.n, times, samples);
        if (!(error < TOLERANCE))
            fail_msg("%d x %d x %d x %d -> %d, padding %d, %s, layout %d, %s: off by %.2e", c->spec.n, c->spec.in_c,
                     c->spec.in_h, c->spec.in_w, c->spec.out_c, c->spec.pad, passes[pass], (int)layout, isa, error);
        check_untouched(&c->source);
        check_untouched(&c->output);
    }
}

static const enum isa levels[] = {ISA_AVX2, ISA_AVX512};
static const enum layout layouts[] = {NHWC, BLOCKED, GAPS};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void check_shapes(const struct geometry *shapes, size_t count, size_t n_layouts, size_t samples)
{
    if (isa_best() < ISA_AVX2) {
        print_message("SKIPPED: this CPU has no AVX2\n");
        skip();
    }
    for (size_t i = 0; i < COUNT(levels) && levels[i] <= isa_best(); i++)
        for (size_t s = 0; s < count; s++)
            for (size_t l = 0; l < n_layouts; l++) {
                struct convolution c;
                convolution_init(&c, &shapes[s], layouts[l], levels[i]);
                check(&c, isa_name(levels[i]), layouts[l], samples);
                convolution_release(&c);
            }
}

/* One image, 7 and 33; one pixel; sides that are no multiple of a tile's; one block, odd and many blocks; each padding.
 */
static void test_odd_shapes(void **state)
{
    (void)state;
    static const struct geometry shapes[] = {
        {1, 16, 16, 4, 4, 1},  {7, 32, 48, 8, 8, 1}, {33, 16, 80, 5, 7, 1},   {3, 48, 16, 1, 1, 1},
        {2, 64, 32, 9, 18, 1}, {3, 16, 32, 7, 3, 0}, {2, 32, 16, 3, 6, 2},    {1, 160, 176, 6, 6, 1},
        {2, 16, 16, 1, 40, 1}, {1, 16, 16, 3, 3, 0}, {130, 16, 32, 12, 4, 1},
    };
    check_shapes(shapes, COUNT(shapes), COUNT(layouts), 400);
}

static void test_davidnet_shapes(void **state)
{
    (void)state;
    static const struct geometry shapes[] = {
        {2, 64, 128, 32, 32, 1}, {3, 128, 128, 16, 16, 1}, {2, 128, 256, 16, 16, 1},
        {5, 256, 512, 8, 8, 1},  {9, 512, 512, 4, 4, 1},
    };
    check_shapes(shapes, COUNT(shapes), 1, 60);
}

/* What is not asked for is neither read nor written: fewer images than there is room for. */
static void test_fewer_images(void **state)
{
    (void)state;
    if (isa_best() < ISA_AVX2)
        skip();
    struct convolution c;
    convolution_init(&c, &(struct geometry){5, 32, 48, 6, 9, 1}, NHWC, isa_best());
    double before = get(&c.output, 3, 0, 0, 0);
    run(&c, CPU_FORWARD, 3, 1, 2);
    assert_true(error_of(&c, CPU_FORWARD, 3, 1, 400) < TOLERANCE);
    assert_true(get(&c.output, 3, 0, 0, 0) == before);
    run(&c, CPU_BACKWARD_WEIGHTS, 3, 1, 2);
    assert_true(error_of(&c, CPU_BACKWARD_WEIGHTS, 3, 1, 400) < TOLERANCE);
    convolution_release(&c);
}

/* Over all elements, so that nothing is missed. */
static uint64_t bits_of(const struct convolution *c, enum cpu_pass pass)
{
    const struct buffer *b = pass == CPU_FORWARD ? &c->output : &c->source;
    uint64_t hash = 1469598103934665603u;
    if (pass == CPU_BACKWARD_WEIGHTS) {
        for (size_t i = 0; i < c->count; i++) {
            uint32_t bits;
            memcpy(&bits, &c->oihw[i], sizeof bits);
            hash = (hash ^ bits) * 1099511628211u;
        }
        return hash;
    }
    FOR_EACH_ELEMENT(b)
    {
        float value = (float)get(b, n, c, y, x);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        hash = (hash ^ bits) * 1099511628211u;
    }
    return hash;
}

static void test_threads(void **state)
{
    (void)state;
    static const struct geometry shapes[] = {{13, 32, 80, 8, 12, 1}, {40, 144, 16, 4, 4, 1}};
    if (isa_best() < ISA_AVX2)
        skip();
    for (size_t s = 0; s < COUNT(shapes); s++) {
        struct convolution c;
        convolution_init(&c, &shapes[s], BLOCKED, isa_best());
        float *weights = malloc(c.count * sizeof *weights);
        assert_non_null(weights);
        memcpy(weights, c.oihw, c.count * sizeof *weights);
        for (int pass = CPU_PASS_COUNT - 1; pass >= 0; pass--) {
            uint64_t bits[3];
            for (int i = 0; i < 3; i++) {
                memcpy(c.oihw, weights, c.count * sizeof *weights);
                run(&c, (enum cpu_pass)pass, c.spec.n, 1, i == 2 ? 7 : i + 1);
                bits[i] = bits_of(&c, (enum cpu_pass)pass);
            }
            assert_true(bits[0] == bits[1]);
            assert_true(bits[0] == bits[2]);
        }
        free(weights);
        convolution_release(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_shapes),
        cmocka_unit_test(test_davidnet_shapes),
        cmocka_unit_test(test_fewer_images),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
