/*
 * Test-time augmentation against views made by hand: images mirrored and moved here, byte by byte, evaluated plainly,
 * and their logits put together in double.
 */
#include "engine/evaluate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE 1e-5

static struct session session;

static int open_session(void **state)
{
    (void)state;
    struct recipe recipe;
    struct error err = {""};
    struct recipe_request request = {
        .preset = "davidnet-79", .n_sets = 4, .sets = {"width=4", "batch=48", "device=ref", "data=synthetic:3:400"}};
    if (recipe_resolve(&request, &recipe, &err))
        return -1;
    strcpy(recipe.network, "prep = block c\nlayer1 = block 2c\npool = global_max\nlogits = linear scale=4\n");
    if (session_open_data(&session, &recipe, &err) || session_compile(&session, 0, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    session_release(&session);
    return 0;
}

/* The logits of every test image as it is now, [count][classes]; the caller's to free. */
static float *logits_of(enum recipe_tta tta, double share, struct step_result *result)
{
    struct error err = {""};
    float *logits = malloc(session.dataset.test.count * (size_t)session.plan.classes * sizeof *logits);
    assert_non_null(logits);
    session.recipe.tta = tta;
    session.recipe.tta_share = share;
    if (session_evaluate(&session, logits, result, NULL, NULL, &err))
        fail_msg("%s", err.text);
    return logits;
}

static int reflect(int at, int n)
{
    return at < 0 ? -at : at < n ? at : 2 * n - 2 - at;
}

/* Logits of images that are moved down and right by `shift`, then mirrored. */
static float *by_hand(int shift, int mirror)
{
    struct images *test = &session.dataset.test;
    const uint8_t *before = test->pixels;
    int h = test->height, w = test->width;
    size_t plane = (size_t)h * (size_t)w, planes = test->count * (size_t)test->channels;
    uint8_t *pixels = malloc(planes * plane);
    struct step_result result;
    assert_non_null(pixels);
    for (size_t p = 0; p < planes; p++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int from = mirror ? w - 1 - x : x;
                pixels[p * plane + (size_t)(y * w + x)] =
                    before[p * plane + (size_t)(reflect(y - shift, h) * w + reflect(from - shift, w))];
            }
    test->pixels = pixels;
    float *logits = logits_of(RECIPE_TTA_NONE, 1, &result);
    test->pixels = before;
    free(pixels);
    return logits;
}

struct views {
    size_t count, classes;
    float *plain, *mirror, *up, *up_mirror, *down, *down_mirror;
};

static void make_views(struct views *v)
{
    v->count = session.dataset.test.count;
    v->classes = (size_t)session.plan.classes;
    v->plain = by_hand(0, 0);
    v->mirror = by_hand(0, 1);
    v->up = by_hand(-1, 0);
    v->up_mirror = by_hand(-1, 1);
    v->down = by_hand(1, 0);
    v->down_mirror = by_hand(1, 1);
}

static void free_views(struct views *v)
{
    float *all[] = {v->plain, v->mirror, v->up, v->up_mirror, v->down, v->down_mirror};
    for (int i = 0; i < 6; i++)
        free(all[i]);
}

static double pair(const struct views *v, size_t i)
{
    return ((double)v->plain[i] + v->mirror[i]) / 2;
}

static double six(const struct views *v, size_t i)
{
    return pair(v, i) / 2 + ((double)v->up[i] + v->up_mirror[i]) / 8 + ((double)v->down[i] + v->down_mirror[i]) / 8;
}

/* Accuracy and loss of the result are those of the logits. */
static void check_result(const struct step_result *result, const float *logits)
{
    const struct images *test = &session.dataset.test;
    size_t classes = (size_t)session.plan.classes;
    double loss = 0;
    int correct = 0;
    for (size_t n = 0; n < test->count; n++) {
        const float *x = logits + n * classes;
        double sum = 0;
        size_t best = 0;
        for (size_t c = 0; c < classes; c++) {
            sum += exp((double)x[c]);
            best = x[c] > x[best] ? c : best;
        }
        loss += log(sum) - x[test->labels[n]];
        correct += best == test->labels[n];
    }
    assert_int_equal(result->n, test->count);
    assert_int_equal(result->correct, correct);
    assert_int_equal(result->bad_row, -1);
    assert_true(fabs(result->loss_sum - loss) < TOLERANCE * loss);
}

static void test_all_images_in_all_views(void **state)
{
    (void)state;
    struct views v;
    struct step_result result;
    make_views(&v);
    int differ = 0;
    float *logits = logits_of(RECIPE_TTA_NONE, 1, &result);
    check_result(&result, logits);
    assert_memory_equal(logits, v.plain, v.count * v.classes * sizeof *logits);
    free(logits);

    logits = logits_of(RECIPE_TTA_FLIP, 1, &result);
    check_result(&result, logits);
    for (size_t i = 0; i < v.count * v.classes; i++) {
        assert_true(fabs(logits[i] - pair(&v, i)) < TOLERANCE);
        differ += fabs((double)logits[i] - v.plain[i]) > 100 * TOLERANCE;
    }
    free(logits);
    assert_true(differ > (int)(v.count * v.classes / 2));

    logits = logits_of(RECIPE_TTA_SHIFT, 1, &result);
    check_result(&result, logits);
    differ = 0;
    for (size_t i = 0; i < v.count * v.classes; i++) {
        assert_true(fabs(logits[i] - six(&v, i)) < TOLERANCE);
        differ += fabs(logits[i] - pair(&v, i)) > 100 * TOLERANCE;
    }
    free(logits);
    assert_true(differ > (int)(v.count * v.classes / 2));
    free_views(&v);
}

/* Of the plain views' logits: the largest probability. */
static double confidence(const struct views *v, size_t image, int with_mirror)
{
    double sum = 0, top = -INFINITY;
    for (size_t c = 0; c < v->classes; c++) {
        double x = with_mirror ? pair(v, image * v->classes + c) : v->plain[image * v->classes + c];
        sum += exp(x);
        top = fmax(top, x);
    }
    return exp(top) / sum;
}

static void check_share(enum recipe_tta tta, double share)
{
    struct views v;
    struct step_result result;
    int with_mirror = tta == RECIPE_TTA_SHIFT;
    make_views(&v);
    float *logits = logits_of(tta, share, &result);
    check_result(&result, logits);
    size_t helped = 0;
    double surest_helped = 0, least_sure_left = 1;
    for (size_t n = 0; n < v.count; n++) {
        int all = 1, plain = 1;
        for (size_t c = 0; c < v.classes; c++) {
            size_t i = n * v.classes + c;
            double few = with_mirror ? pair(&v, i) : v.plain[i], many = with_mirror ? six(&v, i) : pair(&v, i);
            all &= fabs(logits[i] - many) < TOLERANCE;
            plain &= fabs(logits[i] - few) < TOLERANCE;
        }
        assert_true(all != plain);
        helped += (size_t)all;
        if (all)
            surest_helped = fmax(surest_helped, confidence(&v, n, with_mirror));
        else
            least_sure_left = fmin(least_sure_left, confidence(&v, n, with_mirror));
    }
    assert_int_equal(helped, (size_t)ceil(share * (double)v.count));
    assert_true(surest_helped <= least_sure_left + 1e-9);
    free(logits);
    free_views(&v);
}

static void test_the_least_sure_share(void **state)
{
    (void)state;
    check_share(RECIPE_TTA_SHIFT, 0.25);
    check_share(RECIPE_TTA_FLIP, 0.3);
    assert_int_equal(evaluate_views(&session.recipe), 2);
}

static int say_stop(void *context)
{
    return --*(int *)context <= 0;
}

static void test_it_stops_between_batches(void **state)
{
    (void)state;
    struct error err = {""};
    struct step_result result;
    for (int tta = 0; tta < RECIPE_TTA_COUNT; tta++) {
        int left = 1;
        session.recipe.tta = (enum recipe_tta)tta;
        session.recipe.tta_share = 1;
        assert_int_equal(session_evaluate(&session, NULL, &result, say_stop, &left, &err), 1);
        assert_int_equal(left, 0);
    }
}

static int count_up(void *context)
{
    ++*(uint32_t *)context;
    return 0;
}

/* What a line of progress counts to. */
static void test_batches_are_counted(void **state)
{
    (void)state;
    static const double shares[] = {1, 0.5, 0.01};
    struct error err = {""};
    struct step_result result;
    for (int tta = 0; tta < RECIPE_TTA_COUNT; tta++)
        for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
            uint32_t asked = 0;
            session.recipe.tta = (enum recipe_tta)tta;
            session.recipe.tta_share = shares[i];
            assert_int_equal(session_evaluate(&session, NULL, &result, count_up, &asked, &err), 0);
            assert_int_equal(evaluate_batches(&session), asked);
            assert_true(asked > 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_images_in_all_views),
        cmocka_unit_test(test_the_least_sure_share),
        cmocka_unit_test(test_it_stops_between_batches),
        cmocka_unit_test(test_batches_are_counted),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
