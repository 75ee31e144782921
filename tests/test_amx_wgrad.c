/*
 * Weight gradients on AMX tiles against a naive reference in double: by the emulated tile instructions on every
 * machine, by the real ones where there are some. Activations are small multiples of 1/16, so that every sum is exact
 * in float32 and must be equal; operands lie against unmapped pages, for no sanitizer sees a tile load.
 */
#include "kernels/bf16.h"
#include "kernels/cpu/amx_kernels.h"
#include "kernels/cpu/amx_wgrad.h"
#include "kernels/cpu/cpu_conv.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"
#include "tests/guarded_view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct convolution {
    struct amx_wgrad shape;
    int images;
    enum layout layout;
    struct buffer x, dy, scratch, packed;
    float *dw; /* [out_c][in_c][3][3] */
};

static size_t weights(const struct convolution *c)
{
    return (size_t)c->shape.out_c * (size_t)c->shape.in_c * 9;
}

static struct amx_activation activation(const struct buffer *b)
{
    return (struct amx_activation){b->view.data, b->view.sn, 1, b->view.sh, b->view.sw};
}

/* `bytes` of NaNs that end at an unmapped page. */
static void room(struct buffer *b, size_t bytes)
{
    buffer_make(b, NHWC, CHAIN_F32, (struct shape){1, (int)(bytes / sizeof(float)), 1, 1});
}

static void convolution_init(struct convolution *c, struct amx_wgrad shape, int images, enum layout layout)
{
    assert_true(amx_wgrad_takes(&shape));
    *c = (struct convolution){.shape = shape, .images = images, .layout = layout};
    int in_c = (shape.in_c + 15) / 16 * 16;
    buffer_make_filled(&c->x, layout, CHAIN_BF16, (struct shape){images, in_c, shape.height, shape.width},
                       random_sixteenth);
    buffer_make_filled(&c->dy, layout, CHAIN_BF16, (struct shape){images, shape.out_c, shape.height, shape.width},
                       random_sixteenth);
    room(&c->scratch, amx_wgrad_scratch_bytes(&shape));
    room(&c->packed, amx_wgrad_weights_bytes(&shape));
    c->dw = malloc(weights(c) * sizeof(float));
    assert_non_null(c->dw);
}

static void convolution_release(struct convolution *c)
{
    buffer_release(&c->x);
    buffer_release(&c->dy);
    buffer_release(&c->scratch);
    buffer_release(&c->packed);
    free(c->dw);
}

static void run(struct convolution *c, int images, bool add, bool emulate)
{
    struct amx_activation x = activation(&c->x), dy = activation(&c->dy);
    amx_wgrad_run(&c->shape, images, &x, &dy, c->packed.view.data, add, emulate, c->scratch.view.data);
    amx_wgrad_unpack(&c->shape, c->packed.view.data, c->dw);
}

/* The gradient of one weight over the first n images. */
static double reference(const struct convolution *c, int n_images, int o, int i, int ty, int tx)
{
    double sum = 0;
    for (int n = 0; n < n_images; n++)
        for (int y = 0; y < c->shape.height; y++)
            for (int x = 0; x < c->shape.width; x++) {
                int from_y = y + ty - 1, from_x = x + tx - 1;
                if (from_y >= 0 && from_y < c->shape.height && from_x >= 0 && from_x < c->shape.width)
                    sum += get(&c->x, n, i, from_y, from_x) * get(&c->dy, n, o, y, x);
            }
    return sum;
}

/* Every `step`-th weight; times: how often the images were added. */
static void check(const struct convolution *c, int images, int times, size_t step)
{
    for (size_t k = 0; k < weights(c); k += step) {
        int tap = (int)(k % 9), i = (int)(k / 9) % c->shape.in_c, o = (int)(k / 9) / c->shape.in_c;
        double want = times * reference(c, images, o, i, tap / 3, tap % 3);
        if (c->dw[k] != want)
            fail_msg("%d -> %d at %d x %d: dw[%d][%d][%d][%d] is %.9g, not %.9g", c->shape.in_c, c->shape.out_c,
                     c->shape.height, c->shape.width, o, i, tap / 3, tap % 3, (double)c->dw[k], want);
    }
}

/* Shapes of every kind: one block, whole and half blocks of both operands, odd sides, one pixel, patches. */
static const struct amx_wgrad shapes[] = {
    {16, 16, 4, 4}, {32, 32, 8, 8}, {48, 16, 5, 7}, {16, 80, 3, 20}, {64, 48, 1, 1},
    {32, 16, 1, 9}, {3, 32, 8, 8},  {3, 16, 32, 3}, {1, 16, 4, 5},   {2, 48, 1, 1},
};

static void check_all(bool emulate)
{
    static const enum layout layouts[] = {NHWC, HWNC, GAPS};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
            struct convolution c;
            convolution_init(&c, shapes[s], 2 * AMX_GROUP, layouts[l]);
            run(&c, AMX_GROUP, false, emulate);
            check(&c, AMX_GROUP, 1, 29);
            run(&c, 2 * AMX_GROUP, false, emulate);
            check(&c, 2 * AMX_GROUP, 1, 5);
            run(&c, 2 * AMX_GROUP, true, emulate);
            check(&c, 2 * AMX_GROUP, 2, 29);
            check_untouched(&c.x);
            check_untouched(&c.dy);
            convolution_release(&c);
        }
}

/* With every packing that this machine has. */
static void test_emulated(void **state)
{
    (void)state;
    parallel_set_threads(2);
    for (int isa = ISA_PLAIN; isa <= (int)isa_best(); isa += ISA_AVX512) {
        isa_force(isa_name((enum isa)isa));
        check_all(true);
    }
    isa_force("auto");
}

static void test_hardware(void **state)
{
    (void)state;
    if (isa_best() < ISA_AMX) {
        print_message("SKIPPED: this CPU has no AMX; the emulation was tested instead\n");
        skip();
    }
    parallel_set_threads(2);
    check_all(false);
}

/* Values that float32 cannot sum exactly: the order is fixed, so the bits are the same whatever the threads. */
static void test_threads(void **state)
{
    (void)state;
    struct convolution c;
    convolution_init(&c, (struct amx_wgrad){48, 80, 4, 4}, AMX_GROUP, NHWC);
    buffer_fill(&c.x, random_unit);
    buffer_fill(&c.dy, random_unit);
    float *first = malloc(weights(&c) * sizeof(float));
    assert_non_null(first);
    for (int threads = 1; threads <= 5; threads++) {
        parallel_set_threads(threads);
        run(&c, AMX_GROUP, false, isa_best() < ISA_AMX);
        if (threads == 1)
            memcpy(first, c.dw, weights(&c) * sizeof(float));
        assert_memory_equal(first, c.dw, weights(&c) * sizeof(float));
    }
    double error = 0, norm = 0;
    for (size_t k = 0; k < weights(&c); k++) {
        int tap = (int)(k % 9), i = (int)(k / 9) % 48, o = (int)(k / 9) / 48;
        double want = reference(&c, AMX_GROUP, o, i, tap / 3, tap % 3), off = c.dw[k] - want;
        error += off * off;
        norm += want * want;
    }
    assert_true(error <= 0x1p-40 * norm); /* 2^-20 of the norm: 512 products a sum */
    free(first);
    convolution_release(&c);
}

/* A NaN in the activations must reach the gradient. */
static void test_nan(void **state)
{
    (void)state;
    struct convolution c;
    parallel_set_threads(1);
    convolution_init(&c, (struct amx_wgrad){16, 16, 4, 4}, AMX_GROUP, NHWC);
    put(&c.x, 17, 3, 2, 1, (double)NAN);
    run(&c, AMX_GROUP, false, isa_best() < ISA_AMX);
    assert_true(c.dw[(5 * 16 + 3) * 9 + 4] != c.dw[(5 * 16 + 3) * 9 + 4]);
    assert_true(c.dw[(5 * 16 + 2) * 9 + 4] == c.dw[(5 * 16 + 2) * 9 + 4]);
    convolution_release(&c);
}

/* One kind's gradients; run twice over the same images, added the second time where it can. */
static void run_kind(const struct cpu_conv_kind *kind, const struct cpu_conv_spec *spec, bf16 *x, bf16 *dy, float *oihw)
{
    struct error err = {""};
    struct cpu_conv *conv = kind->make(spec, CPU_BACKWARD_WEIGHTS, &err);
    if (!conv) {
        fail_msg("%s: %s", kind->name, err.text);
        return;
    }
    void *weights = aligned_alloc(64, (conv->weights_bytes + 63) / 64 * 64);
    void *scratch = aligned_alloc(64, (conv->scratch_bytes + 127) / 64 * 64);
    assert_true(weights && scratch);
    assert_int_equal(cpu_conv_run(conv, x, weights, dy, false, scratch), 0);
    if (conv->adds)
        assert_int_equal(cpu_conv_run(conv, x, weights, dy, true, scratch), 0);
    assert_int_equal(cpu_conv_reorder(conv, oihw, weights, scratch), 0);
    for (int i = 0; conv->adds && i < spec->out_c * spec->in_c * 9; i++)
        oihw[i] /= 2;
    cpu_conv_free(conv);
    free(weights);
    free(scratch);
}

/* As a kind of convolution: the same sums as oneDNN's in every layout that the family uses. */
static void test_as_convolution(void **state)
{
    static const struct cpu_conv_spec specs[] = {
        {.n = 32, .in_c = 48, .out_c = 32, .in_h = 6, .in_w = 8, .source = CPU_NHWC, .output = CPU_NHWC},
        {.n = 64, .in_c = 16, .out_c = 48, .in_h = 4, .in_w = 4, .source = CPU_HWNC, .output = CPU_HWNC},
        {.n = 32, .in_c = 3, .out_c = 16, .in_h = 8, .in_w = 8, .source = CPU_NCHW, .output = CPU_NHWC},
    };
    (void)state;
    if (isa_best() < ISA_AVX512) {
        print_message("SKIPPED: oneDNN has no bf16 on this CPU\n");
        skip();
    }
    parallel_set_threads(2);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct cpu_conv_spec spec = specs[i];
        spec.out_h = spec.in_h, spec.out_w = spec.in_w, spec.kernel = 3, spec.stride = 1, spec.pad = 1;
        spec.type = CHAIN_BF16, spec.isa = isa_best();
        size_t pixels = (size_t)spec.n * (size_t)spec.in_h * (size_t)spec.in_w, count = (size_t)spec.in_c * 9;
        bf16 *x = malloc(pixels * (size_t)spec.in_c * sizeof *x), *dy = malloc(pixels * (size_t)spec.out_c * sizeof *x);
        float *one = malloc((size_t)spec.out_c * count * sizeof *one),
              *two = malloc((size_t)spec.out_c * count * sizeof *two);
        assert_true(x && dy && one && two);
        for (size_t k = 0; k < pixels * (size_t)spec.in_c; k++)
            x[k] = bf16_from_float((float)random_sixteenth());
        for (size_t k = 0; k < pixels * (size_t)spec.out_c; k++)
            dy[k] = bf16_from_float((float)random_sixteenth());
        run_kind(&cpu_conv_amx, &spec, x, dy, one);
        run_kind(&cpu_conv_dnnl, &spec, x, dy, two);
        assert_memory_equal(one, two, (size_t)spec.out_c * count * sizeof *one);
        free(x);
        free(dy);
        free(one);
        free(two);
    }
}

/* Who carries out what: AMX only where the specification allows it. */
static void test_choice(void **state)
{
    struct cpu_conv_spec spec = {.n = 32,
                                 .in_c = 32,
                                 .out_c = 32,
                                 .in_h = 8,
                                 .in_w = 8,
                                 .out_h = 8,
                                 .out_w = 8,
                                 .kernel = 3,
                                 .stride = 1,
                                 .pad = 1,
                                 .type = CHAIN_BF16,
                                 .isa = ISA_AVX512};
    (void)state;
    assert_false(cpu_conv_amx.takes(&spec, CPU_BACKWARD_WEIGHTS));
    if (isa_best() < ISA_AMX)
        return;
    spec.isa = ISA_AMX;
    assert_true(cpu_conv_amx.takes(&spec, CPU_BACKWARD_WEIGHTS));
    assert_false(cpu_conv_amx.takes(&spec, CPU_FORWARD));
    spec.n = 33;
    assert_false(cpu_conv_amx.takes(&spec, CPU_BACKWARD_WEIGHTS));
}

static void test_refused(void **state)
{
    (void)state;
    assert_false(amx_wgrad_takes(&(struct amx_wgrad){4, 16, 4, 4}));
    assert_false(amx_wgrad_takes(&(struct amx_wgrad){24, 16, 4, 4}));
    assert_false(amx_wgrad_takes(&(struct amx_wgrad){16, 10, 4, 4}));
    assert_false(amx_wgrad_takes(&(struct amx_wgrad){0, 16, 4, 4}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emulated), cmocka_unit_test(test_hardware), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_nan),      cmocka_unit_test(test_refused),  cmocka_unit_test(test_as_convolution),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
