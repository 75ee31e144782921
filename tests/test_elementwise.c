/* The other element-wise kernels against naive references in double, on every instruction set. */
#include "kernels/cpu/elementwise.h"

#include "kernels/bf16.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"
#include "tests/guarded_view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Calls check() with every instruction set; two threads each. */
static void each_isa(void (*check)(void))
{
    int top = isa_best() > ISA_AVX512 ? ISA_AVX512 : (int)isa_best(); /* the levels above have no loops of their own */
    parallel_set_threads(2);
    for (int isa = 0; isa <= top; isa++) {
        isa_force(isa_name((enum isa)isa));
        check();
    }
}

/* `count` floats that end at an unmapped page. */
static float *floats(struct buffer *buffer, int count)
{
    buffer_make(buffer, NHWC, CHAIN_F32, (struct shape){1, (count + 15) / 16 * 16, 1, 1});
    float *p = (float *)buffer->view.data + ((count + 15) / 16 * 16 - count);
    for (int i = 0; i < count; i++)
        p[i] = (float)random_unit();
    return p;
}

static void assert_close(double got, double want, double scale)
{
    if (!(fabs(got - want) <= scale * 0x1p-20))
        fail_msg("got %.9g, want %.9g", got, want);
}

enum { SIDE = 8, PIXELS = SIDE * SIDE, CHANNELS = 3, IMAGES = 5 };

static uint8_t pixels[IMAGES * CHANNELS * PIXELS];
static uint8_t labels[IMAGES] = {3, 0, 6, 1, 2};
static struct images images = {.pixels = pixels,
                               .labels = labels,
                               .count = IMAGES,
                               .channels = CHANNELS,
                               .height = SIDE,
                               .width = SIDE,
                               .classes = 7,
                               .mean = {120, 110, 100},
                               .std = {60, 61, 62}};
static const struct choice choices[] = {
    {.image = 3, .crop_y = 0, .crop_x = 6, .pad = 3, .flip = CHOICE_FLIP_HORIZONTAL},
    {.image = 0, .crop_y = 2, .crop_x = 1, .pad = 2, .cut_y = 3, .cut_x = 5, .cut_h = 2, .cut_w = 3},
    {.image = 4},
    {.image = 3, .flip = CHOICE_FLIP_VERTICAL | CHOICE_FLIP_HORIZONTAL, .cut_h = 8, .cut_w = 1},
    {.image = 1, .brightness = 0.14f, .contrast = -0.1f, .cut_h = 2, .cut_w = 2},
};

/* What may have been done beforehand, or is to be done afterwards: the values are the same. */
enum augment_case { AS_BYTES, NORMALISED, READY, SHRUNK, AUGMENT_CASES };

static void check_augment_view(enum layout layout, enum chain_type type, enum augment_case which)
{
    enum { N = 4, TOTAL = 6 };
    static float normalised[sizeof pixels], ready[(N + 1) * CHANNELS * PIXELS];
    struct augment_table table;
    struct buffer out;
    float want[CHANNELS * PIXELS];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)random_next();
    augment_table_init(&table, &images);
    struct batch plain = {.images = &images, .choices = choices, .n = N + 1};
    if (which == SHRUNK) {
        plain.height = SIDE - 1;
        plain.width = SIDE - 3;
    }
    int height = batch_height(&plain), width = batch_width(&plain), area = height * width;
    struct batch batch = plain;
    for (size_t i = 0; i < sizeof pixels; i++)
        normalised[i] = table.value[i / PIXELS % CHANNELS][pixels[i]];
    for (int i = 0; i <= N; i++)
        augment_floats(&plain, &table, i, ready + (size_t)i * CHANNELS * PIXELS);
    batch.normalised = which == NORMALISED ? normalised : NULL;
    batch.ready = which == READY ? ready : NULL;
    buffer_make(&out, layout, type, (struct shape){TOTAL, 16, height, width});
    struct chain_view *v = &out.view;
    cpu_augment(&batch, &table, 1, N, TOTAL, type, v->data, v->sn, 1, v->sh, v->sw);
    for (int n = 0; n < TOTAL; n++) {
        memset(want, 0, sizeof want);
        if (n < N)
            augment_floats(&plain, &table, 1 + n, want);
        for (int c = 0; c < 16; c++)
            for (int i = 0; i < area; i++) {
                double got = get(&out, n, c, i / width, i % width);
                if (c >= CHANNELS)
                    assert_true(isnan(got)); /* padded channels are the caller's */
                else
                    assert_true(got == (type == CHAIN_BF16 ? bf16_round(want[c * area + i]) : want[c * area + i]));
            }
    }
    check_untouched(&out);
    buffer_release(&out);
}

static void check_augment(void)
{
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int type = CHAIN_F32; type <= CHAIN_BF16; type++)
            for (int which = 0; which < AUGMENT_CASES; which++)
                check_augment_view((enum layout)layout, (enum chain_type)type, (enum augment_case)which);
}

static void test_augment(void **state)
{
    (void)state;
    each_isa(check_augment);
}

static void check_softmax_loss(double smoothing)
{
    enum { N = 4, TOTAL = 5, CLASSES = 7 };
    struct buffer in, out;
    float *logits = floats(&in, N * CLASSES), *gradient = floats(&out, TOTAL * CLASSES);
    struct batch batch = {.images = &images, .choices = choices, .n = N};
    struct step_result result = {.bad_row = -1};
    int finite = 1, correct = 0;
    double loss = 0;
    logits[1 * CLASSES + 3] = 1000; /* image 0, label 3: exp would overflow without the maximum taken off */
    logits[2 * CLASSES + 2] = logits[2 * CLASSES + 5] = 4; /* image 4, label 2: the first of equals wins */
    cpu_softmax_loss(&batch, logits, CLASSES, TOTAL, smoothing, gradient, &result, &finite);
    for (int n = 0; n < N; n++) {
        double sum = 0, top = -INFINITY;
        int label = labels[choices[n].image], best = 0;
        for (int c = 0; c < CLASSES; c++)
            if (logits[n * CLASSES + c] > top)
                top = logits[n * CLASSES + (best = c)];
        for (int c = 0; c < CLASSES; c++)
            sum += exp(logits[n * CLASSES + c] - top);
        for (int c = 0; c < CLASSES; c++)
            assert_close(
                gradient[n * CLASSES + c],
                exp(logits[n * CLASSES + c] - top) / sum - (1 - smoothing) * (c == label) - smoothing / CLASSES, 1);
        correct += best == label;
        loss += log(sum) + top - logits[n * CLASSES + label];
    }
    assert_true(correct >= 2 && result.correct == correct);
    assert_int_equal(result.n, N);
    assert_true(fabs(result.loss_sum - loss) <= 1e-12 * loss && finite);
    for (int c = 0; c < CLASSES; c++)
        assert_true(gradient[N * CLASSES + c] == 0);

    cpu_softmax_loss(&batch, logits, CLASSES, N, smoothing, NULL, &result, &finite);
    assert_true(finite && result.loss_sum > 0);
    logits[3 * CLASSES] = NAN;
    cpu_softmax_loss(&batch, logits, CLASSES, N, smoothing, NULL, &result, &finite);
    assert_true(!finite && isnan(result.loss_sum) && result.correct <= correct);
    buffer_release(&in);
    buffer_release(&out);
}

static void test_softmax_loss(void **state)
{
    (void)state;
    check_softmax_loss(0);
    check_softmax_loss(0.2);
}

struct linear {
    struct buffer x, dx, memory[5];
    int n, in, out;
    float *weight, *bias, *y, *dweight, *dbias;
};

static void check_linear_backward(struct linear *l, double factor)
{
    float *dy = l->y;
    for (int i = 0; i < l->n * l->out; i++)
        dy[i] = (float)random_unit();
    cpu_linear_backward(&l->x.view, l->n, l->weight, l->in, l->out, factor, dy, l->dweight, l->dbias, &l->dx.view);
    for (int o = 0; o < l->out; o++) {
        double sum = 0;
        for (int n = 0; n < l->n; n++)
            sum += dy[n * l->out + o];
        assert_close(l->dbias[o], factor * sum, l->n);
        for (int i = 0; i < l->in; i++) {
            sum = 0;
            for (int n = 0; n < l->n; n++)
                sum += dy[n * l->out + o] * get(&l->x, n, i, 0, 0);
            assert_close(l->dweight[o * l->in + i], factor * sum, l->n);
        }
    }
    for (int n = 0; n < l->n; n++)
        for (int i = 0; i < l->dx.view.c; i++) {
            double sum = 0;
            for (int o = 0; o < l->out && i < l->in; o++)
                sum += dy[n * l->out + o] * l->weight[o * l->in + i];
            check_close(&l->dx, get(&l->dx, n, i, 0, 0), factor * sum, 8, "linear dx");
        }
    check_untouched(&l->dx);
}

static void check_linear_of(enum chain_type type, int n, int in, int out, int with_bias)
{
    struct linear l = {.n = n, .in = in, .out = out};
    struct shape s = {n, (in + 15) / 16 * 16, 1, 1};
    buffer_make(&l.x, GAPS, type, s);
    buffer_make(&l.dx, NHWC, type, s);
    for (int image = 0; image < n; image++)
        for (int i = 0; i < s.c; i++)
            put(&l.x, image, i, 0, 0, i < in ? random_unit() : 0);
    l.weight = floats(&l.memory[0], out * in);
    l.bias = floats(&l.memory[1], out);
    l.y = floats(&l.memory[2], n * out);
    l.dweight = floats(&l.memory[3], out * in);
    l.dbias = floats(&l.memory[4], out);
    cpu_linear_forward(&l.x.view, n, l.weight, with_bias ? l.bias : NULL, in, out, 0.125, l.y);
    for (int image = 0; image < n; image++)
        for (int o = 0; o < out; o++) {
            double sum = with_bias ? l.bias[o] : 0;
            for (int i = 0; i < in; i++)
                sum += l.weight[o * in + i] * get(&l.x, image, i, 0, 0);
            assert_close(l.y[image * out + o], 0.125 * sum, in / 8.0);
        }
    check_linear_backward(&l, 0.125);
    buffer_release(&l.x);
    buffer_release(&l.dx);
    for (int i = 0; i < 5; i++)
        buffer_release(&l.memory[i]);
}

static void check_linear(void)
{
    for (int type = CHAIN_F32; type <= CHAIN_BF16; type++) {
        check_linear_of((enum chain_type)type, 1, 16, 1, 1);
        check_linear_of((enum chain_type)type, 7, 23, 10, 0);
        check_linear_of((enum chain_type)type, 67, 512, 10, 1);
    }
}

static void test_linear(void **state)
{
    (void)state;
    each_isa(check_linear);
}

/* Pools with windows kh x kw (the whole image for the global ones), forward and backward. */
static void check_pool(enum layout layout, enum chain_type type, int k, int average)
{
    struct shape s = {3, 48, 5, 7};
    int kh = k ? k : s.h, kw = k ? k : s.w;
    struct shape after = {s.n, s.c, s.h / kh, s.w / kw};
    struct buffer in, out, dy, dx;
    buffer_make_filled(&in, layout, type, s, random_sixteenth);
    buffer_make(&out, layout, type, after);
    buffer_make_filled(&dy, NHWC, type, after, random_sixteenth);
    buffer_make(&dx, layout, type, s);
    if (k) {
        cpu_avg_pool_forward(&in.view, s.n, k, &out.view);
        cpu_avg_pool_backward(s.n, k, &dy.view, &dx.view);
    } else {
        cpu_global_pool_forward(&in.view, s.n, average, &out.view);
        cpu_global_pool_backward(&in.view, s.n, average, &dy.view, &dx.view);
    }
    FOR_EACH_ELEMENT(&dx)
    {
        int wy = y / kh, wx = x / kw, inside = wy < after.h && wx < after.w, first_y = 0, first_x = 0;
        double sum = 0, top = -INFINITY, want = 0;
        for (int j = wy * kh; inside && j < (wy + 1) * kh; j++)
            for (int i = wx * kw; i < (wx + 1) * kw; i++) {
                double value = get(&in, n, c, j, i);
                sum += value;
                if (value > top) {
                    top = value;
                    first_y = j;
                    first_x = i;
                }
            }
        if (inside) {
            check_close(&out, get(&out, n, c, wy, wx), average ? sum / (kh * kw) : top, 8, "pool forward");
            double g = get(&dy, n, c, wy, wx);
            want = average ? g / (kh * kw) : y == first_y && x == first_x ? g : 0;
        }
        check_close(&dx, get(&dx, n, c, y, x), want, 8, "pool backward");
    }
    check_untouched(&out);
    check_untouched(&dx);
    buffer_release(&in);
    buffer_release(&out);
    buffer_release(&dy);
    buffer_release(&dx);
}

static void check_pools(void)
{
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int type = CHAIN_F32; type <= CHAIN_BF16; type++) {
            for (int k = 1; k <= 4; k++)
                check_pool((enum layout)layout, (enum chain_type)type, k, 1);
            check_pool((enum layout)layout, (enum chain_type)type, 0, 0);
            check_pool((enum layout)layout, (enum chain_type)type, 0, 1);
        }
}

static void test_pools(void **state)
{
    (void)state;
    each_isa(check_pools);
}

static void check_accumulate(void)
{
    for (int layout = 0; layout < LAYOUTS; layout++) {
        struct buffer into, from, before;
        struct shape s = {3, 32, 3, 5};
        buffer_make_filled(&into, (enum layout)layout, CHAIN_BF16, s, random_sixteenth);
        buffer_make_filled(&from, NHWC, CHAIN_F32, s, random_sixteenth);
        buffer_make(&before, (enum layout)layout, CHAIN_BF16, s);
        memcpy(before.view.data, into.view.data, into.bytes);
        cpu_accumulate(3, &into.view, &from.view);
        FOR_EACH_ELEMENT(&into)
        check_close(&into, get(&into, n, c, y, x), get(&before, n, c, y, x) + get(&from, n, c, y, x), 8, "accumulate");
        check_untouched(&into);
        buffer_release(&into);
        buffer_release(&from);
        buffer_release(&before);
    }
}

static void test_accumulate(void **state)
{
    (void)state;
    each_isa(check_accumulate);
}

static void check_update_of(int count, enum nesterov form)
{
    struct buffer memory[3];
    struct hyper hyper = {.lr = 0.25, .momentum = 0.9, .weight_decay = 0.03, .form = form};
    float *w = floats(&memory[0], count), *dw = floats(&memory[1], count), *v = floats(&memory[2], count);
    double *want_w = malloc((size_t)count * sizeof *want_w), *want_v = malloc((size_t)count * sizeof *want_v);
    for (int i = 0; i < count; i++) {
        double g = dw[i] + hyper.weight_decay * w[i];
        if (form == NESTEROV_PAGE) {
            g *= -hyper.lr;
            want_v[i] = hyper.momentum * v[i] + g;
            want_w[i] = w[i] + g + hyper.momentum * want_v[i];
        } else {
            want_v[i] = hyper.momentum * v[i] + g;
            want_w[i] = w[i] - hyper.lr * (form == NESTEROV_NONE ? want_v[i] : g + hyper.momentum * want_v[i]);
        }
    }
    assert_int_equal(cpu_update((size_t)count, w, dw, v, &hyper), 1);
    for (int i = 0; i < count; i++) {
        assert_close(w[i], want_w[i], 2);
        assert_close(v[i], want_v[i], 2);
    }
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 6; i++) {
        int at = (int)random_next() % count;
        float *place = i % 2 ? &w[at] : &dw[at], kept_w = w[at], kept_v = v[at], kept_dw = dw[at];
        *place = bad[i / 2];
        assert_int_equal(cpu_update((size_t)count, w, dw, v, &hyper), 0);
        w[at] = kept_w;
        v[at] = kept_v;
        dw[at] = kept_dw;
        assert_int_equal(cpu_update((size_t)count, w, dw, v, &hyper), 1);
    }
    free(want_w);
    free(want_v);
    for (int i = 0; i < 3; i++)
        buffer_release(&memory[i]);
}

static void check_update(void)
{
    for (int form = 0; form < NESTEROV_COUNT; form++) {
        check_update_of(1, (enum nesterov)form);
        check_update_of(31, (enum nesterov)form);
        check_update_of(9001, (enum nesterov)form);
    }
}

static void test_update(void **state)
{
    (void)state;
    each_isa(check_update);
}

/* Whatever sums is the same, bit by bit, for 1, 2 and 3 threads and on every instruction set. */
static void test_same_bits_everywhere(void **state)
{
    (void)state;
    enum { N = 37, IN = 40, OUT = 10, COUNT = 10000 };
    static const struct hyper hyper = {.lr = 0.25, .momentum = 0.9, .weight_decay = 0.03, .form = NESTEROV_PAGE};
    static float weight[OUT * IN], dy[N * OUT], y[N * OUT], dweight[OUT * IN], w[COUNT], v[COUNT], dw[COUNT];
    static char first[sizeof y + sizeof dweight + sizeof w], again[sizeof first];
    struct buffer in, dx;
    buffer_make_filled(&in, NHWC, CHAIN_F32, (struct shape){N, 48, 1, 1}, random_unit);
    buffer_make(&dx, NHWC, CHAIN_F32, (struct shape){N, 48, 1, 1});
    for (int i = 0; i < OUT * IN; i++)
        weight[i] = (float)random_unit();
    for (int i = 0; i < N * OUT; i++)
        dy[i] = (float)random_unit();
    int top = isa_best() > ISA_AVX512 ? ISA_AVX512 : (int)isa_best();
    for (int isa = 0; isa <= top; isa++)
        for (int threads = 1; threads <= 3; threads++) {
            isa_force(isa_name((enum isa)isa));
            parallel_set_threads(threads);
            for (int i = 0; i < COUNT; i++) {
                w[i] = 1 / (1 + (float)i);
                v[i] = 1 / (3 + (float)i);
                dw[i] = 1 / (7 + (float)i);
            }
            cpu_linear_forward(&in.view, N, weight, NULL, IN, OUT, 0.3, y);
            cpu_linear_backward(&in.view, N, weight, IN, OUT, 0.3, dy, dweight, NULL, &dx.view);
            cpu_update(COUNT, w, dw, v, &hyper);
            char *to = isa || threads > 1 ? again : first;
            memcpy(to, y, sizeof y);
            memcpy(to + sizeof y, dweight, sizeof dweight);
            memcpy(to + sizeof y + sizeof dweight, w, sizeof w);
            if (to == again)
                assert_memory_equal(first, again, sizeof first);
        }
    buffer_release(&in);
    buffer_release(&dx);
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
        cmocka_unit_test(test_augment),
        cmocka_unit_test(test_softmax_loss),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_accumulate),
        cmocka_unit_test(test_same_bits_everywhere),
    };
    return cmocka_run_group_tests_name("elementwise", tests, NULL, restore);
}
