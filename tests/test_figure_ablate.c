/* The figure of selective removal: both methods' bars, what is below 0, where they differ, and any size. */
#include "views/figure_ablate.h"

#include "tests/ablate_fixed.h"
#include "tests/figure_checks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CASES 10

static struct ablate_summary *list;
static int count;

/* All batch sizes of two presets; pools of one cost less than nothing, now and then or always. */
static int fill(void **state)
{
    (void)state;
    static const int batches[] = {128, 256, 512, 768, 1024};
    static struct ablate_record records[CASES * 3 * ABLATE_VARIANT_COUNT];
    struct ablate_results results = {.version = 2, .lock = -1, .setting = ablate_fixed_setting(), .records = records};
    const struct ablate_choice all = {.n_presets = 0};
    struct error err;
    for (int i = 0; i < CASES; i++)
        for (int round = 0; round < 3; round++)
            for (int v = 0; v < ABLATE_VARIANT_COUNT; v++) {
                struct ablate_record r =
                    ablate_fixed(i < 5 ? "batch512-256" : "davidnet-79", batches[i % 5], (enum ablate_variant)v, round);
                if (v == ABLATE_CONVOLUTIONS && (i == 2 || (i == 3 && round == 0)))
                    r.times.seconds += 0.2 * batches[i % 5] / 512.0;
                if (v == ABLATE_CONVOLUTIONS && i == 3 && round > 0)
                    r.times.seconds += 0.06 * batches[i % 5] / 512.0;
                if (v == ABLATE_BACKBONE && i == 3 && round == 0)
                    r.times.seconds += 0.3 * batches[i % 5] / 512.0;
                records[results.count++] = r;
            }
    return ablate_summarise_all(&results, &all, &list, &count, &err);
}

static int give_back(void **state)
{
    (void)state;
    free(list);
    return 0;
}

static struct figure *draw(double w, double h, int n)
{
    struct figure_page page = {FIGURE_SVG, w, h, 1, "A title", "a subtitle", "a caption"};
    if (h <= 0)
        page.height = figure_page_height(&page, figure_ablate_height(list, n));
    struct figure *figure = figure_new(&page, NULL);
    assert_non_null(figure);
    figure_ablate_draw(figure, list, n, figure_content(figure));
    return figure;
}

/* Each case has the step by removal, whose parts add up to it, and by its timers beside it. */
static void both_methods_have_their_bar(void **state)
{
    (void)state;
    struct figure *figure = draw(FIGURE_ABLATE_WIDTH, 0, CASES);
    figure_check_texts(figure);
    assert_int_equal(figure_check_count(figure, "batch 128, by removal"), 2);
    assert_int_equal(figure_check_count(figure, "its timers"), CASES);
    for (int i = 0; i < CASES; i++) {
        char total[32];
        snprintf(total, sizeof total, "%.0f", 1e3 * list[i].variant[ABLATE_FULL].ms / list[i].batch);
        assert_true(figure_check_count(figure, total) >= 1);
    }
    assert_true(figure_check_count(figure, "1629   and 0.98 between steps") >= 1);
    figure_free(figure);
}

static void what_is_below_0_is_said(void **state)
{
    (void)state;
    struct figure *figure = draw(FIGURE_ABLATE_WIDTH, 0, CASES);
    assert_true(list[2].cost[ABLATE_BACKBONE].ms < 0 && list[3].cost[ABLATE_BACKBONE].ms < 0);
    assert_int_equal(figure_check_count(figure, "pools and additions, below 0: in every round"), 1);
    assert_int_equal(figure_check_count(figure, "pools and additions, below 0: within noise"), 1);
    /* where the timers say 391 of norm and activation, and removal 293: pools were inside them */
    assert_int_equal(figure_check_count(figure, "norm and activation"), 1 + CASES); /* the legend's */
    assert_int_equal(figure_check_count(figure, "davidnet-79, batch 512"), 1);      /* once, before its parts */
    assert_int_equal(figure_check_says(figure, "-0.00"), 0);
    figure_free(figure);
}

/* A part below 0 that is noise is no bar to the left of 0; the step's time stays what it is, and it is said. */
static void noise_is_not_drawn(void **state)
{
    (void)state;
    struct ablate_summary before[2] = {list[2], list[3]};
    for (int pass = 0; pass < 3; pass++) {
        struct ablate_summary *s = &list[pass == 2 ? 2 : 3];
        if (pass == 1) /* in each round: it is shown */
            s->cost[ABLATE_BACKBONE].high = -1e-9;
        if (pass == 2) /* of one round nobody knows */
            s->variant[ABLATE_FULL].rounds = 1;
        struct figure_page page = {FIGURE_SVG, FIGURE_ABLATE_WIDTH, 0, 1, "A title", "a subtitle", "a caption"};
        page.height = figure_page_height(&page, figure_ablate_height(s, 1));
        struct figure *figure = figure_new(&page, NULL);
        assert_non_null(figure);
        figure_ablate_draw(figure, s, 1, figure_content(figure));
        figure_check_texts(figure);
        char total[64];
        snprintf(total, sizeof total, "%.0f%s", 1e3 * s->variant[ABLATE_FULL].ms / s->batch,
                 pass == 1 ? "" : "   1 part below 0, not drawn");
        assert_true(figure_check_count(figure, total) >= 1);
        /* The axis begins at 0, or left of it. */
        const struct figure_placed *texts;
        size_t n = figure_texts(figure, &texts);
        double zero = 0, label = 0;
        for (size_t i = 0; i < n; i++) {
            zero = strcmp(texts[i].text, "0") == 0 && !(zero > 0) ? texts[i].box.x + texts[i].box.w / 2 : zero;
            if (strcmp(texts[i].text, "its timers") == 0)
                label = texts[i].box.x + texts[i].box.w;
        }
        assert_true(zero > 0 && label > 0);
        assert_int_equal(zero - label > 8, pass == 1);
        figure_free(figure);
    }
    list[2] = before[0];
    list[3] = before[1];
}

/* Nothing to compare is not agreement. */
static void agreement_is_said(void **state)
{
    (void)state;
    struct figure *figure = draw(FIGURE_ABLATE_WIDTH, 0, 0);
    assert_int_equal(figure_check_count(figure, "b  Where both differ: not measured yet"), 1);
    figure_free(figure);
    struct ablate_summary before = list[0];
    for (int c = 0; c < ABLATE_COST_COUNT; c++)
        list[0].cost[c].step = list[0].cost[c].ms;
    figure = draw(FIGURE_ABLATE_WIDTH, 0, 1);
    list[0] = before;
    assert_int_equal(figure_check_count(figure, "b  Both agree: no part differs by more than 2 % of the step"), 1);
    figure_free(figure);
}

static void sizes(void **state)
{
    (void)state;
    for (int n = 0; n <= CASES; n += 5)
        for (double w = 1; w <= 900; w += w < 12 ? 1 : 97)
            for (double h = 1; h <= 900; h += h < 12 ? 1 : 119) {
                struct figure *figure = draw(w, h, n);
                if (w > 100 && h > 100)
                    figure_check_texts(figure);
                figure_free(figure);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_methods_have_their_bar),
        cmocka_unit_test(what_is_below_0_is_said),
        cmocka_unit_test(noise_is_not_drawn),
        cmocka_unit_test(agreement_is_said),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, fill, give_back);
}
