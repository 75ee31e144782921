/* Choices: permutations, ranges, rates, independence of the options from one another. */
#include "engine/choices.h"
#include "kernels/augment.h"
#include "kernels/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 20000

static struct choice list[COUNT], other[COUNT], by_image[COUNT];
static const struct images images = {.count = COUNT, .channels = 3, .height = 32, .width = 32, .classes = 10};
static const struct choices_options standard = {
    .crop_pad = 4, .flip = 0.5, .cutout_h = 8, .cutout_w = 6, .order_seed = 11, .augment_seed = 12};

static void order_is_a_permutation(void **state)
{
    (void)state;
    static uint8_t seen[COUNT];
    memset(seen, 0, sizeof seen);
    choices_draw(&standard, &images, 3, list);
    int fixed = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_in_range(list[i].image, 0, COUNT - 1);
        assert_false(seen[list[i].image]++);
        fixed += list[i].image == i;
    }
    assert_in_range(fixed, 0, 12); /* a random permutation has one fixed point on average */
}

/* Every image is equally likely at every place: chi-squared of a small set's first place and of pairs. */
static void order_is_uniform(void **state)
{
    (void)state;
    enum { N = 6, DRAWS = 6000 };
    const struct images small = {.count = N, .channels = 1, .height = 8, .width = 8, .classes = 2};
    struct choices_options options = {.order_seed = 5};
    int count[N][N] = {{0}};
    for (uint32_t epoch = 0; epoch < DRAWS; epoch++) {
        choices_draw(&options, &small, epoch, list);
        for (int i = 0; i < N; i++)
            count[i][list[i].image]++;
    }
    double chi = 0, expected = (double)DRAWS / N;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            chi += (count[i][j] - expected) * (count[i][j] - expected) / expected;
    assert_true(chi < 60); /* 25 degrees of freedom: exceeded once in 10,000 seeds */
}

static void same_seed_same_choices(void **state)
{
    (void)state;
    choices_draw(&standard, &images, 7, list);
    choices_draw(&standard, &images, 7, other);
    assert_memory_equal(list, other, sizeof list);
    choices_draw(&standard, &images, 8, other);
    assert_memory_not_equal(list, other, sizeof list);
}

static int same_transforms(const struct choice *a, const struct choice *b)
{
    return a->crop_y == b->crop_y && a->crop_x == b->crop_x && a->flip == b->flip && a->pad == b->pad &&
           a->cut_y == b->cut_y && a->cut_x == b->cut_x && a->cut_h == b->cut_h && a->cut_w == b->cut_w &&
           a->brightness == b->brightness && a->contrast == b->contrast;
}

static void transforms_follow_the_image_not_the_order(void **state)
{
    (void)state;
    struct choices_options options = standard;
    choices_draw(&options, &images, 2, list);
    for (uint32_t i = 0; i < COUNT; i++)
        by_image[list[i].image] = list[i];
    options.order_seed = 999;
    choices_draw(&options, &images, 2, other);
    uint32_t moved = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        moved += other[i].image != list[i].image;
        assert_true(same_transforms(&other[i], &by_image[other[i].image]));
    }
    assert_true(moved > COUNT / 2);
    options = standard;
    options.augment_seed = 999; /* and the order does not follow the augmentation's seed */
    choices_draw(&options, &images, 2, other);
    uint32_t changed = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(other[i].image, list[i].image);
        changed += !same_transforms(&other[i], &list[i]);
    }
    assert_true(changed > COUNT * 9 / 10);
}

static void transforms_are_in_range_and_uniform(void **state)
{
    (void)state;
    int crop_y[9] = {0}, crop_x[9] = {0}, cut_y[25] = {0}, cut_x[27] = {0}, flips = 0;
    choices_draw(&standard, &images, 0, list);
    for (int i = 0; i < COUNT; i++) {
        const struct choice *c = &list[i];
        assert_int_equal(c->pad, 4);
        assert_int_equal(c->cut_h, 8);
        assert_int_equal(c->cut_w, 6);
        assert_in_range(c->crop_y, 0, 8);
        assert_in_range(c->crop_x, 0, 8);
        assert_in_range(c->cut_y, 0, 24);
        assert_in_range(c->cut_x, 0, 26);
        assert_in_range(c->flip, 0, 1); /* vertical flips are off */
        crop_y[c->crop_y]++;
        crop_x[c->crop_x]++;
        cut_y[c->cut_y]++;
        cut_x[c->cut_x]++;
        flips += c->flip;
    }
    /* five standard deviations of a binomial */
#define ASSERT_SHARE(n, p) assert_true(fabs((n)-COUNT *(p)) < 5 * sqrt(COUNT * (p) * (1 - (p))))
    for (int k = 0; k < 9; k++) {
        ASSERT_SHARE(crop_y[k], 1.0 / 9);
        ASSERT_SHARE(crop_x[k], 1.0 / 9);
    }
    for (int k = 0; k < 25; k++)
        ASSERT_SHARE(cut_y[k], 1.0 / 25);
    for (int k = 0; k < 27; k++)
        ASSERT_SHARE(cut_x[k], 1.0 / 27);
    ASSERT_SHARE(flips, 0.5);
}

static void probabilities_are_kept(void **state)
{
    (void)state;
    struct choices_options options = {.flip = 1, .vertical_flip = 0.25};
    int vertical = 0;
    choices_draw(&options, &images, 0, list);
    for (int i = 0; i < COUNT; i++) {
        assert_true(list[i].flip & CHOICE_FLIP_HORIZONTAL);
        vertical += !!(list[i].flip & CHOICE_FLIP_VERTICAL);
    }
    ASSERT_SHARE(vertical, 0.25);
}

static void switching_one_option_leaves_the_others(void **state)
{
    (void)state;
    struct choices_options options = standard;
    choices_draw(&standard, &images, 1, list);
    options.flip = 0;
    options.cutout_h = options.cutout_w = 0;
    choices_draw(&options, &images, 1, other);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(other[i].flip, 0);
        assert_int_equal(other[i].cut_h | other[i].cut_w | other[i].cut_y | other[i].cut_x, 0);
        assert_int_equal(other[i].crop_y, list[i].crop_y);
        assert_int_equal(other[i].crop_x, list[i].crop_x);
    }
    options = standard;
    options.crop_pad = 0;
    choices_draw(&options, &images, 1, other);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(other[i].crop_y | other[i].crop_x | other[i].pad, 0);
        assert_int_equal(other[i].flip, list[i].flip);
        assert_int_equal(other[i].cut_y, list[i].cut_y);
    }
}

static void nothing_switched_on_changes_nothing(void **state)
{
    (void)state;
    struct choices_options options = {.order_seed = 1, .augment_seed = 2};
    choices_draw(&options, &images, 0, list);
    for (int i = 0; i < COUNT; i++) {
        struct choice none = choice_identity(list[i].image);
        assert_memory_equal(&list[i], &none, sizeof none);
    }
    choices_identity(17, 3, list);
    for (uint32_t i = 0; i < 3; i++) {
        struct choice none = choice_identity(17 + i);
        assert_memory_equal(&list[i], &none, sizeof none);
    }
}

/* The box may be as large as the image, and then has one place. */
static void the_largest_box_fits(void **state)
{
    (void)state;
    struct choices_options options = {.cutout_h = 32, .cutout_w = 32};
    choices_draw(&options, &images, 0, list);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(list[i].cut_y | list[i].cut_x, 0);
}

static struct choices_options check_options(int crop_pad, int cutout_h, int cutout_w)
{
    return (struct choices_options){.crop_pad = crop_pad, .cutout_h = cutout_h, .cutout_w = cutout_w, .flip = 0.5};
}

static void refused(int h, int w, struct choices_options options, const char *why)
{
    struct images of = {.count = 10, .channels = 3, .height = h, .width = w, .classes = 2};
    struct error err = {""};
    assert_int_equal(choices_check(&options, &of, &err), -1);
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct error err = {""};
    assert_int_equal(choices_check(&standard, &images, &err), 0);
    refused(4, 32, check_options(4, 0, 0), "by at most 3");
    refused(32, 4, check_options(4, 0, 0), "by at most 3");
    refused(32, 32, check_options(9, 0, 0), "by at most 8");
    refused(32, 32, check_options(0, 33, 1), "cutout_height = 33: the images are only 32 pixels high");
    refused(32, 30, check_options(0, 1, 31), "cutout_width = 31: the images are only 30 pixels wide");
    refused(257, 2, check_options(0, 0, 0), "scale them down");
    refused(256, 129, check_options(0, 0, 0), "at most 32768 pixels");
    refused(0, 32, check_options(0, 0, 0), "scale them down");
}

/* Odd sizes and transforms: whatever choices_check lets pass gathers from inside the image, with a whole box. */
static void what_fits_stays_inside(void **state)
{
    (void)state;
    static int16_t source[IMAGE_PIXELS_MAX + 1];
    int taken = 0;
    for (uint64_t draw = 0; draw < 3000; draw++) {
        struct rng_block a = rng_philox(3, RNG_TEST, 0, draw), b = rng_philox(3, RNG_TEST, 1, draw);
        uint32_t largest = draw % 50 == 0 ? IMAGE_SIDE_MAX + 2 : 24;
        struct images of = {.count = 3, .channels = 1, .classes = 2};
        of.height = (int)rng_below(a.word[0], largest);
        of.width = (int)rng_below(a.word[1], largest);
        struct choices_options options = {.flip = 0.5, .vertical_flip = 0.5, .augment_seed = draw};
        options.groups = draw % 3 ? 0 : (int)(draw % 40);
        options.crop_pad = (int)rng_below(a.word[2], CHOICE_PAD_MAX + 2);
        options.cutout_h = (int)rng_below(b.word[0], largest);
        options.cutout_w = (int)rng_below(b.word[1], largest);
        if (choices_check(&options, &of, NULL))
            continue;
        taken++;
        int pixels = of.height * of.width;
        choices_draw(&options, &of, (uint32_t)draw, list);
        for (uint32_t i = 0; i < of.count; i++) {
            int cut = 0;
            source[pixels] = 12345;
            augment_gather(&list[i], of.height, of.width, source);
            assert_int_equal(source[pixels], 12345);
            for (int k = 0; k < pixels; k++) {
                assert_in_range(source[k] + 1, 0, pixels);
                cut += source[k] < 0;
            }
            assert_int_equal(cut, options.cutout_h * options.cutout_w);
        }
    }
    assert_in_range(taken, 500, 2900);
}

/* The choices of the recipes that there are must never change: runs are reproduced from their seeds. */
static void what_was_drawn_stays(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0x9746886d7f4a1cac, 0x02fe055bf8fa39c2};
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        uint64_t hash = 1469598103934665603u; /* FNV-1a's steps, over words */
        choices_draw(&standard, &images, epoch, list);
        for (int i = 0; i < COUNT; i++) {
            const struct choice *c = &list[i];
            const uint32_t words[] = {c->image, c->crop_y, c->crop_x, c->flip, c->pad,
                                      c->cut_y, c->cut_x,  c->cut_h,  c->cut_w};
            for (size_t k = 0; k < sizeof words / sizeof *words; k++)
                hash = (hash ^ words[k]) * 1099511628211u;
        }
        assert_true(hash == expected[epoch]);
    }
}

/* ---- groups ---- */

static struct choices_options grouped(int groups)
{
    struct choices_options options = standard;
    options.vertical_flip = 0.25;
    options.groups = groups;
    return options;
}

static void by_image_from(const struct choice *from)
{
    for (uint32_t i = 0; i < COUNT; i++)
        by_image[from[i].image] = from[i];
}

/* used[n] counts uses of each option: `groups` of them, each by as many images as any other, give or take one. */
static void used_evenly(const int *used, int n, int groups)
{
    int options = 0;
    for (int k = 0; k < n; k++)
        if (used[k]) {
            options++;
            assert_in_range(used[k], COUNT / groups, (COUNT + groups - 1) / groups);
        }
    assert_int_equal(options, groups);
}

static void groups_use_each_option_equally(void **state)
{
    (void)state;
    static const int wanted[] = {200, 1, 7, CHOICES_GROUPS_MAX};
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) {
        static int crops[81], cuts[25 * 27];
        struct choices_options options = grouped(wanted[w]);
        int mirrored = 0, vertical = 0;
        memset(crops, 0, sizeof crops);
        memset(cuts, 0, sizeof cuts);
        choices_draw(&options, &images, 5, list);
        for (int i = 0; i < COUNT; i++) {
            const struct choice *c = &list[i];
            assert_int_equal(c->pad, 4);
            assert_int_equal(c->cut_h, 8);
            assert_int_equal(c->cut_w, 6);
            assert_in_range(c->crop_y, 0, 8);
            assert_in_range(c->crop_x, 0, 8);
            assert_in_range(c->cut_y, 0, 24);
            assert_in_range(c->cut_x, 0, 26);
            crops[9 * c->crop_y + c->crop_x]++;
            cuts[27 * c->cut_y + c->cut_x]++;
            mirrored += !!(c->flip & CHOICE_FLIP_HORIZONTAL);
            vertical += !!(c->flip & CHOICE_FLIP_VERTICAL);
        }
        used_evenly(crops, 81, wanted[w] < 81 ? wanted[w] : 81);
        used_evenly(cuts, 25 * 27, wanted[w] < 25 * 27 ? wanted[w] : 25 * 27);
        assert_int_equal(mirrored, COUNT / 2);
        assert_int_equal(vertical, COUNT / 4);
    }
}

/* Which images share an option is drawn anew for each transform and each epoch: knowing one says nothing of another. */
static void groups_are_independent(void **state)
{
    (void)state;
    struct choices_options options = grouped(200);
    int both[81][4] = {{0}}, pairs[81][81] = {{0}};
    choices_draw(&options, &images, 0, list);
    choices_draw(&options, &images, 1, other);
    by_image_from(list);
    for (int i = 0; i < COUNT; i++) {
        const struct choice *now = &other[i], *before = &by_image[now->image];
        both[9 * now->crop_y + now->crop_x][now->flip]++;
        pairs[9 * now->crop_y + now->crop_x][9 * before->crop_y + before->crop_x]++;
    }
    double chi = 0, chi_pairs = 0;
    for (int crop = 0; crop < 81; crop++) {
        for (int flip = 0; flip < 4; flip++) {
            double expected = COUNT / 81.0 * (flip & CHOICE_FLIP_VERTICAL ? 0.125 : 0.375);
            chi += (both[crop][flip] - expected) * (both[crop][flip] - expected) / expected;
        }
        for (int k = 0; k < 81; k++) {
            double expected = COUNT / 81.0 / 81.0;
            chi_pairs += (pairs[crop][k] - expected) * (pairs[crop][k] - expected) / expected;
        }
    }
    /* degrees of freedom f = 80 * 3 and 80 * 80, standard deviation sqrt(2 f): five of them */
    assert_true(fabs(chi - 240) < 110);
    assert_true(fabs(chi_pairs - 6400) < 566);
}

/* The permutation is uniform: each of a few images has each of as many crops equally often. */
static void groups_are_uniform(void **state)
{
    (void)state;
    enum { N = 9, DRAWS = 9000 };
    const struct images small = {.count = N, .channels = 1, .height = 8, .width = 8, .classes = 2};
    struct choices_options options = {.crop_pad = 1, .order_seed = 5, .augment_seed = 6, .groups = 200};
    int count[N][9] = {{0}};
    for (uint32_t epoch = 0; epoch < DRAWS; epoch++) {
        choices_draw(&options, &small, epoch, list);
        for (int i = 0; i < N; i++)
            count[list[i].image][3 * list[i].crop_y + list[i].crop_x]++;
    }
    double chi = 0, expected = DRAWS / 9.0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 9; k++)
            chi += (count[i][k] - expected) * (count[i][k] - expected) / expected;
    assert_true(chi < 120); /* 64 degrees of freedom: exceeded once in 30,000 seeds */
}

static void groups_depend_on_seed_and_epoch_only(void **state)
{
    (void)state;
    struct choices_options options = grouped(200);
    choices_draw(&options, &images, 7, list);
    memset(other, 0xA5, sizeof other); /* what was in the list does not matter */
    choices_draw(&options, &images, 7, other);
    for (int i = 0; i < COUNT; i++)
        assert_true(list[i].image == other[i].image && same_transforms(&list[i], &other[i]));
    by_image_from(list);
    choices_draw(&standard, &images, 7, other); /* the order is that without groups */
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(list[i].image, other[i].image);
    options.order_seed++; /* and moves no transform from its image */
    choices_draw(&options, &images, 7, other);
    int moved = 0;
    for (int i = 0; i < COUNT; i++) {
        moved += other[i].image != list[i].image;
        assert_true(same_transforms(&other[i], &by_image[other[i].image]));
    }
    assert_true(moved > COUNT / 2);
    options.augment_seed++;
    choices_draw(&options, &images, 7, list);
    by_image_from(list);
    int changed = 0;
    for (int i = 0; i < COUNT; i++)
        changed += !same_transforms(&other[i], &by_image[other[i].image]);
    assert_true(changed > COUNT * 9 / 10);
}

static void groups_leave_what_is_off(void **state)
{
    (void)state;
    struct choices_options options = {.order_seed = 1, .augment_seed = 2, .groups = 200};
    choices_draw(&options, &images, 0, list);
    for (int i = 0; i < COUNT; i++) {
        struct choice none = choice_identity(list[i].image);
        assert_memory_equal(&list[i], &none, sizeof none);
    }
    options.flip = 1;
    choices_draw(&options, &images, 0, list);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(list[i].flip, CHOICE_FLIP_HORIZONTAL);
}

/* ---- flips ---- */

/* Those of epoch 0; in odd epochs all the others. Nothing else is touched. */
static void alternating_flips_alternate(void **state)
{
    (void)state;
    for (int groups = 0; groups <= 200; groups += 200) {
        struct choices_options options = standard, random = standard;
        options.alternating = 1;
        options.groups = random.groups = groups;
        options.flip = random.flip = 0.3;
        options.vertical_flip = random.vertical_flip = 0.5;
        choices_draw(&random, &images, 0, list);
        by_image_from(list);
        for (uint32_t epoch = 0; epoch < 4; epoch++) {
            int flipped = 0;
            choices_draw(&random, &images, epoch, list);
            choices_draw(&options, &images, epoch, other);
            for (int i = 0; i < COUNT; i++) {
                int first = by_image[other[i].image].flip & CHOICE_FLIP_HORIZONTAL;
                assert_int_equal(other[i].flip & CHOICE_FLIP_HORIZONTAL, first ^ (epoch % 2));
                flipped += other[i].flip & CHOICE_FLIP_HORIZONTAL;
                other[i].flip = (uint8_t)((other[i].flip & ~1) | (list[i].flip & 1));
                assert_memory_equal(&other[i], &list[i], sizeof list[i]);
            }
            ASSERT_SHARE(flipped, epoch % 2 ? 0.7 : 0.3);
        }
    }
}

/* With no flip in even epochs, all of them in odd ones; dealt out in groups or not. */
static void alternating_flips_of_probability_0_or_1(void **state)
{
    (void)state;
    for (int groups = 0; groups <= 200; groups += 200)
        for (int probability = 0; probability <= 1; probability++)
            for (uint32_t epoch = 0; epoch < 4; epoch++) {
                struct choices_options options = standard;
                options.alternating = 1;
                options.groups = groups;
                options.flip = probability;
                choices_draw(&options, &images, epoch, list);
                for (int i = 0; i < COUNT; i++)
                    assert_int_equal(list[i].flip & CHOICE_FLIP_HORIZONTAL, (int)(epoch % 2) ^ probability);
            }
}

/* What airbench draws its shifts from: every one of the 5 x 5 offsets of two pixels, by reflection. */
static void a_shift_of_two_has_25_offsets(void **state)
{
    (void)state;
    struct choices_options options = {.crop_pad = 2, .augment_seed = 3};
    int offsets[25] = {0};
    choices_draw(&options, &images, 0, list);
    for (int i = 0; i < COUNT; i++) {
        assert_in_range(list[i].crop_y, 0, 4);
        assert_in_range(list[i].crop_x, 0, 4);
        offsets[5 * list[i].crop_y + list[i].crop_x]++;
    }
    for (int k = 0; k < 25; k++)
        ASSERT_SHARE(offsets[k], 1.0 / 25);
}

/* ---- brightness and contrast ---- */

static void colors_are_uniform(void **state)
{
    (void)state;
    for (int groups = 0; groups <= CHOICES_GROUPS_MAX; groups += CHOICES_GROUPS_MAX) {
        struct choices_options options = grouped(groups), without = options;
        int bright[10] = {0}, contrast[10] = {0}, together = 0;
        options.brightness = 0.14;
        options.contrast = 0.13;
        choices_draw(&options, &images, 4, list);
        choices_draw(&without, &images, 4, other);
        for (int i = 0; i < COUNT; i++) {
            struct choice *c = &list[i];
            assert_true(fabsf(c->brightness) <= 0.14f && fabsf(c->contrast) <= 0.13f);
            bright[(int)((c->brightness / 0.14000001f + 1) * 5)]++;
            contrast[(int)((c->contrast / 0.13000001f + 1) * 5)]++;
            together += (c->brightness > 0) == (c->contrast > 0);
            c->brightness = c->contrast = 0; /* and nothing else is drawn differently */
            assert_memory_equal(c, &other[i], sizeof *c);
        }
        double draws = groups ? groups : COUNT; /* which is how often chance had a say */
        for (int k = 0; k < 10; k++) {
            assert_true(fabs(bright[k] / (double)COUNT - 0.1) < 5 * sqrt(0.09 / draws));
            assert_true(fabs(contrast[k] / (double)COUNT - 0.1) < 5 * sqrt(0.09 / draws));
        }
        assert_true(fabs(together / (double)COUNT - 0.5) < 5 * sqrt(0.25 / draws));
    }
}

static void groups_share_a_color(void **state)
{
    (void)state;
    struct choices_options options = {.brightness = 1, .contrast = 0.5, .groups = 8};
    float colors[8][2];
    int used[8] = {0}, n = 0;
    choices_draw(&options, &images, 0, list);
    for (int i = 0; i < COUNT; i++) {
        int k = 0;
        while (k < n && (colors[k][0] != list[i].brightness || colors[k][1] != list[i].contrast))
            k++;
        assert_in_range(k, 0, 7);
        n = k == n ? n + 1 : n;
        colors[k][0] = list[i].brightness;
        colors[k][1] = list[i].contrast;
        used[k]++;
    }
    used_evenly(used, 8, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_fits_stays_inside),
        cmocka_unit_test(order_is_a_permutation),
        cmocka_unit_test(order_is_uniform),
        cmocka_unit_test(same_seed_same_choices),
        cmocka_unit_test(transforms_follow_the_image_not_the_order),
        cmocka_unit_test(transforms_are_in_range_and_uniform),
        cmocka_unit_test(probabilities_are_kept),
        cmocka_unit_test(switching_one_option_leaves_the_others),
        cmocka_unit_test(nothing_switched_on_changes_nothing),
        cmocka_unit_test(the_largest_box_fits),
        cmocka_unit_test(what_was_drawn_stays),
        cmocka_unit_test(groups_use_each_option_equally),
        cmocka_unit_test(groups_are_independent),
        cmocka_unit_test(groups_are_uniform),
        cmocka_unit_test(groups_depend_on_seed_and_epoch_only),
        cmocka_unit_test(groups_leave_what_is_off),
        cmocka_unit_test(alternating_flips_alternate),
        cmocka_unit_test(alternating_flips_of_probability_0_or_1),
        cmocka_unit_test(a_shift_of_two_has_25_offsets),
        cmocka_unit_test(colors_are_uniform),
        cmocka_unit_test(groups_share_a_color),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
