/* The figure of a timing breakdown: which bars there are, what it says, and what it does where things are unknown. */
#include "tests/fake_timing.h"
#include "tests/figure_checks.h"
#include "views/figure_bars.h"
#include "views/figure_timing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct figure *draw(const struct timing *timing, enum figure_format format, double w, double h)
{
    struct figure *figure = figure_check_new(format, w, h, figure_timing_height(timing));
    figure_timing_draw(figure, timing, figure_content(figure));
    return figure;
}

static void every_step_is_in_one_bar(void **state)
{
    (void)state;
    for (int update_all = 0; update_all < 2; update_all++) {
        struct timing timing;
        fake_timing(&timing, update_all, 1);
        struct figure_timing_item *items = calloc((size_t)timing.n_rows + 1, sizeof *items);
        int n = figure_timing_items(&timing, items), prep = -1;
        double sum = 0, phases = 0;
        for (int i = 0; i < n; i++) {
            char number[16];
            snprintf(number, sizeof number, "  %d", i + 1);
            assert_non_null(strstr(items[i].label, number));
            sum += items[i].all.ms;
            for (int p = 0; p < PHASE_COUNT; p++)
                phases += items[i].phase[p].steps > 0 ? items[i].phase[p].ms : 0;
            if (strncmp(items[i].label, "layer1/norm, act, pool  ", 24) == 0)
                prep = i;
        }
        assert_true(prep >= 0);
        assert_true(fabs(sum - timing_step_ms(&timing)) < 1e-6 * sum && fabs(phases - sum) < 1e-6 * sum);
        assert_int_equal(strncmp(items[0].label, update_all ? "(all rows)  1" : "input  1", 8), 0);
        free(items);
        timing_release(&timing);
    }
}

/* Rows of a network with more than there is room for come together by blocks; none is lost. */
static void many_rows_are_folded(void **state)
{
    (void)state;
    struct timing timing;
    assert_int_equal(timing_allocate(&timing, 60, 60, NULL), 0);
    for (int i = 0; i < 60; i++) {
        snprintf(timing.rows[i].name, sizeof timing.rows[i].name, "layer%d/block%d/part%d", i / 15, i / 3, i);
        timing.steps[i] = (struct timing_step){.phase = i % 2 ? PHASE_BACKWARD : PHASE_FORWARD,
                                               .n_rows = 1,
                                               .rows = {i},
                                               .ms = i,
                                               .flops = 1e9,
                                               .bytes = 1e6};
    }
    struct figure_timing_item items[61];
    assert_int_equal(figure_timing_items(&timing, items), 20);
    assert_string_equal(items[1].label, "layer0/block1  2");
    assert_true(items[1].all.ms == 3 + 4 + 5 && items[1].phase[PHASE_FORWARD].ms == 4);
    assert_true(items[1].phase[PHASE_UPDATE].steps == 0);
    timing_release(&timing);
}

static void says_what_it_shows(void **state)
{
    (void)state;
    static const char *const wanted[] = {"time per training step (ms)",
                                         "layer1/norm, act, pool  5",
                                         "floor: at the measured ceilings",
                                         "time of all threads per training step (thread-ms)",
                                         "thread-ms per step: data ",
                                         "compute ",
                                         "overhead ",
                                         "share of a training step (%)",
                                         "arithmetic intensity (FLOP/byte)",
                                         "performance (GFLOP/s)",
                                         "GFLOP/s, from registers",
                                         "GB/s, copied in memory",
                                         "evaluate",
                                         "18.8 %",
                                         "<0.1 %"};
    struct timing timing;
    fake_timing(&timing, 0, 1);
    struct figure *figure = draw(&timing, FIGURE_SVG, 520, 0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!figure_check_says(figure, wanted[i]))
            fail_msg("the figure does not say \"%s\"", wanted[i]);
    assert_true(figure_check_says(figure, " thread-ms, evaluation included")); /* what the bar adds up to */
    assert_false(figure_check_says(figure, "not known"));
    figure_check_texts(figure);
    figure_free(figure);
    timing.part_ms[TIMING_EVALUATE] = NAN; /* none yet */
    figure = draw(&timing, FIGURE_SVG, 520, 0);
    assert_false(figure_check_says(figure, "evaluation included"));
    figure_free(figure);
    timing_release(&timing);
}

static struct figure_timing_item point_of(double intensity, double gflops)
{
    struct figure_timing_item item = {.label = ""};
    item.phase[PHASE_FORWARD] =
        (struct timing_sum){.steps = 1, .flops = intensity * 1e6, .bytes = 1e6, .gflops = gflops};
    return item;
}

/* Wherever a point is, what the slope is stands beside it. */
static void the_bandwidth_is_on_no_point(void **state)
{
    (void)state;
    struct timing timing;
    fake_timing(&timing, 0, 1);
    double top = timing.machine.flops * 1e-9, slope = timing.machine.bytes * 1e-9, ridge = top / slope;
    for (int at = 0; at < 96; at++) {
        double intensity = ridge / 300 * pow(10, at % 12 / 6.0), share = pow(10, -(double)(at / 12) / 4);
        struct figure_timing_item items[3] = {point_of(ridge / 300, slope * ridge / 30000),
                                              point_of(ridge * 10, top / 2),
                                              point_of(intensity, intensity * slope * share)};
        struct figure *figure = figure_check_new(FIGURE_PNG, 520, 0, FIGURE_ROOFLINE_HEIGHT);
        figure_roofline_draw(figure, &timing, items, 3, figure_content(figure));
        figure_check_texts(figure);
        const struct figure_placed *texts;
        size_t n = figure_texts(figure, &texts);
        struct figure_box box = {0, 0, 0, 0};
        for (size_t i = 0; i < n; i++)
            box = strstr(texts[i].text, "GB/s, copied in memory") ? texts[i].box : box;
        assert_true(box.w > 0);
        cairo_surface_t *image = figure_check_image(figure);
        int marked = 0;
        for (int y = (int)box.y; y < (int)(box.y + box.h); y++)
            for (int x = (int)box.x; x < (int)(box.x + box.w); x++)
                marked += figure_check_pixel(image, x, y) == figure_rgb(COLOR_VALID);
        cairo_surface_destroy(image);
        figure_free(figure);
        if (marked > 0)
            fail_msg("a point at %g FLOP/byte and %g GFLOP/s is under the bandwidth", intensity,
                     intensity * slope * share);
    }
    timing_release(&timing);
}

static char *roofline(const struct timing *timing, const struct timing_sum *forward, size_t *size)
{
    struct figure_timing_item item = {.label = "conv  1"};
    char *bytes = NULL;
    item.phase[PHASE_FORWARD] = *forward;
    struct figure *figure = figure_check_new(FIGURE_SVG, 520, 0, FIGURE_ROOFLINE_HEIGHT);
    figure_roofline_draw(figure, timing, &item, 1, figure_content(figure));
    assert_int_equal(figure_encode(figure, "x", &bytes, size, NULL), 0);
    figure_free(figure);
    return bytes;
}

/* Winograd's method stands where a direct one stands that does as many operations in that time: under the roof. A
 * method that is not known stands as a direct one. What is counted is said where it is not what the table says. */
static void work_is_what_is_done(void **state)
{
    (void)state;
    struct timing timing;
    fake_timing(&timing, 0, 1);
    double top = timing.machine.flops * 1e-9;
    const struct timing_sum counted = {1, .flops = 4e9, .work = 1e9, .bytes = 1e6, .gflops = 2 * top};
    const struct timing_sum done = {1, .flops = 1e9, .work = 1e9, .bytes = 1e6, .gflops = top / 2};
    const struct timing_sum unknown = {1, .flops = 1e9, .work = NAN, .bytes = 1e6, .gflops = top / 2};
    size_t sizes[3];
    char *bytes[3] = {roofline(&timing, &counted, &sizes[0]), roofline(&timing, &done, &sizes[1]),
                      roofline(&timing, &unknown, &sizes[2])};
    for (int i = 0; i < 3; i++)
        assert_true(sizes[i] == sizes[0] && memcmp(bytes[i], bytes[0], sizes[0]) == 0);
    for (int i = 0; i < 3; i++)
        free(bytes[i]);
    static const char *const methods[] = {"dnnl:brgconv:avx512_core", "own:winograd:avx512", "cudnn:eng3"};
    for (int m = 0; m < 3; m++) {
        for (int i = 0; i < timing.n_steps; i++)
            if (timing.steps[i].flops > 0)
                snprintf(timing.steps[i].impl, sizeof timing.steps[i].impl, "%s", methods[m]);
        struct figure *figure = draw(&timing, FIGURE_SVG, 520, 0);
        assert_int_equal(figure_check_says(figure, "Operations that are really done: Winograd's"), m == 1);
        assert_int_equal(figure_check_says(figure, "which method it takes"), m == 2);
        figure_check_texts(figure);
        figure_free(figure);
    }
    timing_release(&timing);
}

/* Ceilings measured while other programs ran are said to be, and the figure still fits its page. */
static void busy_ceilings_are_said(void **state)
{
    (void)state;
    struct timing timing;
    fake_timing(&timing, 0, 1);
    for (int noisy = 0; noisy < 2; noisy++) {
        timing.machine.noisy = noisy;
        struct figure *figure = draw(&timing, FIGURE_SVG, 520, 0);
        assert_int_equal(figure_check_says(figure, TIMING_DOUBT), noisy);
        assert_int_equal(figure_check_says(figure, "measured ceilings, while other programs ran"), noisy);
        figure_check_texts(figure);
        figure_free(figure);
    }
    timing_release(&timing);
}

/* No ceilings, no parts, no operations, as in older files; then nothing at all. */
static void unknown_is_left_out(void **state)
{
    (void)state;
    struct timing timing;
    fake_timing(&timing, 0, 1);
    timing.machine.flops = timing.machine.bytes = timing.wall_ms = NAN;
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        timing.part_ms[p] = NAN;
    struct figure *figure = draw(&timing, FIGURE_SVG, 520, 0);
    assert_true(figure_check_says(figure, "Phases of a step") && figure_check_says(figure, "performance"));
    assert_false(figure_check_says(figure, "floor") || figure_check_says(figure, "What bounds") ||
                 figure_check_says(figure, "from registers") || figure_check_says(figure, "nan"));
    assert_true(figure_check_says(figure, "not known: data, transfer, evaluate, other, what bounds a step"));
    figure_check_texts(figure);
    figure_free(figure);
    for (int i = 0; i < timing.n_steps; i++)
        timing.steps[i].flops = timing.steps[i].bytes = NAN;
    figure = draw(&timing, FIGURE_PNG, 520, 0);
    assert_true(figure_check_says(figure, "No roofline"));
    figure_check_texts(figure);
    figure_free(figure);
    for (int i = 0; i < timing.n_steps; i++)
        timing.steps[i].ms = NAN;
    figure = draw(&timing, FIGURE_PDF, 520, 0);
    assert_true(figure_check_says(figure, "not measured"));
    assert_false(figure_check_says(figure, "nan"));
    figure_check_texts(figure);
    figure_free(figure);
    timing_release(&timing);
}

static void any_size(void **state)
{
    (void)state;
    struct timing timing;
    fake_timing(&timing, 1, 1);
    timing.hidden_ms[TIMING_DATA] = 12;
    for (int w = 1; w < 900; w += w < 6 ? 1 : w / 2)
        for (int h = 1; h < 1200; h += h < 6 ? 1 : h / 2) {
            struct figure *figure = draw(&timing, (enum figure_format)((w + h) % 3), w, h);
            char *bytes;
            size_t size;
            figure_check_texts(figure);
            assert_int_equal(figure_encode(figure, "x", &bytes, &size, NULL), 0);
            free(bytes);
            figure_free(figure);
        }
    timing_release(&timing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_in_one_bar), cmocka_unit_test(many_rows_are_folded),
        cmocka_unit_test(says_what_it_shows),       cmocka_unit_test(work_is_what_is_done),
        cmocka_unit_test(busy_ceilings_are_said),   cmocka_unit_test(the_bandwidth_is_on_no_point),
        cmocka_unit_test(unknown_is_left_out),      cmocka_unit_test(any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
