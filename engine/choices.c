#include "engine/choices.h"

#include "kernels/augment.h"
#include "kernels/rng.h"

#include <string.h>

/* [0, bound) from 64 random bits: the bias is below bound / 2^64, nothing for any data set. */
static uint32_t below(uint32_t high, uint32_t low, uint32_t bound)
{
    uint64_t carry = ((uint64_t)low * bound) >> 32;
    return (uint32_t)(((uint64_t)high * bound + carry) >> 32);
}

/* Two 32-bit words a draw; one block serves two. */
struct draws {
    uint64_t seed;
    uint32_t stream, epoch, used;
    struct rng_block block;
};

static uint32_t draw_below(struct draws *draws, uint32_t bound)
{
    uint32_t k = draws->used++;
    if (k % 2 == 0)
        draws->block = rng_philox(draws->seed, draws->stream, draws->epoch, k / 2);
    return below(draws->block.word[2 * (k % 2)], draws->block.word[2 * (k % 2) + 1], bound);
}

/* Durstenfeld's form of the Fisher-Yates shuffle (CACM 7, 1964, algorithm 235): of whole entries, or only of their
 * image fields, which then are a permutation to look things up in. */
static void shuffle(struct draws draws, struct choice *list, uint32_t count, int whole)
{
    for (uint32_t left = count; left > 1; left--) {
        struct choice *one = &list[draw_below(&draws, left)], *last = &list[left - 1], kept = *last;
        if (whole) {
            *last = *one;
            *one = kept;
        } else {
            last->image = one->image;
            one->image = kept.image;
        }
    }
}

static void number_images(struct choice *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        list[i].image = i;
}

static void order(const struct choices_options *options, uint32_t epoch, struct choice *list, uint32_t count)
{
    number_images(list, count);
    shuffle((struct draws){.seed = options->order_seed, .stream = RNG_ORDER, .epoch = epoch}, list, count,
            options->groups > 0);
}

/* Uniformly from -range to range. */
static float within(uint32_t word, double range)
{
    return range > 0 ? (float)((2 * (double)rng_uniform(word) - 1) * range) : 0;
}

/* Each transform has its own words, so that switching one on or off leaves the others as they were. */
static void draw_transforms(const struct choices_options *options, const struct images *images, uint32_t epoch,
                            struct choice *choice)
{
    uint64_t seed = options->augment_seed, image = choice->image;
    struct rng_block a = rng_philox(seed, RNG_AUGMENT, epoch, 2 * image);
    struct rng_block b = rng_philox(seed, RNG_AUGMENT, epoch, 2 * image + 1);
    uint32_t offsets = 2 * (uint32_t)options->crop_pad + 1;
    *choice = (struct choice){.image = choice->image, .pad = (uint8_t)options->crop_pad};
    choice->crop_y = (uint8_t)rng_below(a.word[0], offsets);
    choice->crop_x = (uint8_t)rng_below(a.word[1], offsets);
    if (options->alternating && epoch > 0)
        a.word[2] = rng_philox(seed, RNG_AUGMENT, 0, 2 * image).word[2];
    if ((double)rng_uniform(a.word[2]) < options->flip)
        choice->flip |= CHOICE_FLIP_HORIZONTAL;
    if (options->alternating && epoch % 2 == 1)
        choice->flip ^= CHOICE_FLIP_HORIZONTAL;
    if ((double)rng_uniform(a.word[3]) < options->vertical_flip)
        choice->flip |= CHOICE_FLIP_VERTICAL;
    if (options->cutout_h > 0 && options->cutout_w > 0) {
        choice->cut_h = (uint8_t)options->cutout_h;
        choice->cut_w = (uint8_t)options->cutout_w;
        choice->cut_y = (uint8_t)rng_below(b.word[0], (uint32_t)(images->height - options->cutout_h + 1));
        choice->cut_x = (uint8_t)rng_below(b.word[1], (uint32_t)(images->width - options->cutout_w + 1));
    }
    choice->brightness = within(b.word[2], options->brightness);
    choice->contrast = within(b.word[3], options->contrast);
}

/* ---- groups ---- */

enum group_kind { GROUP_CROP, GROUP_FLIP, GROUP_VERTICAL, GROUP_CUTOUT, GROUP_COLOR };

static struct draws group_draws(const struct choices_options *options, uint32_t epoch, enum group_kind kind, int places)
{
    uint32_t stream = RNG_GROUPS + 2 * (uint32_t)kind + (places ? 1 : 0);
    return (struct draws){.seed = options->augment_seed, .stream = stream, .epoch = epoch};
}

/* `wanted` distinct numbers below `count`, in random order: R. Floyd's sample (Bentley, CACM 30, 1987), shuffled. */
static void draw_distinct(struct draws draws, uint32_t count, uint32_t wanted, uint32_t *out)
{
    for (uint32_t n = 0; n < wanted; n++) {
        uint32_t top = count - wanted + n, number = draw_below(&draws, top + 1);
        for (uint32_t i = 0; i < n; i++)
            if (out[i] == number)
                number = top; /* which no earlier one can be */
        out[n] = number;
    }
    for (uint32_t left = wanted; left > 1; left--) {
        uint32_t j = draw_below(&draws, left), last = out[left - 1];
        out[left - 1] = out[j];
        out[j] = last;
    }
}

/* The places of a rows x columns grid, dealt out to list[count], whose entries are in the images' order. */
static void deal_places(const struct choices_options *options, uint32_t epoch, enum group_kind kind, uint32_t rows,
                        uint32_t columns, struct choice *list, uint32_t count)
{
    uint32_t place[CHOICES_GROUPS_MAX] = {0}, groups = (uint32_t)options->groups;
    groups = groups < rows * columns ? groups : rows * columns;
    groups = groups < count ? groups : count;
    draw_distinct(group_draws(options, epoch, kind, 1), rows * columns, groups, place);
    number_images(list, count);
    shuffle(group_draws(options, epoch, kind, 0), list, count, 0);
    for (uint32_t i = 0; i < count; i++) {
        struct choice *choice = &list[list[i].image];
        uint32_t mine = place[(uint64_t)i * groups / count];
        if (kind == GROUP_CROP) {
            choice->crop_y = (uint8_t)(mine / columns);
            choice->crop_x = (uint8_t)(mine % columns);
        } else {
            choice->cut_y = (uint8_t)(mine / columns);
            choice->cut_x = (uint8_t)(mine % columns);
        }
    }
}

/* Two groups, flipped and not; rounded to whole images. */
static void deal_flips(const struct choices_options *options, uint32_t epoch, enum group_kind kind, struct choice *list,
                       uint32_t count)
{
    double share = kind == GROUP_FLIP ? options->flip : options->vertical_flip;
    uint32_t flipped = (uint32_t)(share * count + 0.5);
    int alternating = kind == GROUP_FLIP && options->alternating;
    number_images(list, count);
    shuffle(group_draws(options, alternating ? 0 : epoch, kind, 0), list, count, 0);
    for (uint32_t i = 0; i < count; i++)
        if ((i < flipped) != (alternating && epoch % 2 == 1))
            list[list[i].image].flip |= kind == GROUP_FLIP ? CHOICE_FLIP_HORIZONTAL : CHOICE_FLIP_VERTICAL;
}

/* As many as there are groups, each a point of its own: there is no end of options. */
static void deal_colors(const struct choices_options *options, uint32_t epoch, struct choice *list, uint32_t count)
{
    uint32_t groups = (uint32_t)options->groups < count ? (uint32_t)options->groups : count;
    struct draws draws = group_draws(options, epoch, GROUP_COLOR, 1);
    number_images(list, count);
    shuffle(group_draws(options, epoch, GROUP_COLOR, 0), list, count, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t group = (uint64_t)i * groups / count;
        struct rng_block block = rng_philox(draws.seed, draws.stream, epoch, group);
        list[list[i].image].brightness = within(block.word[0], options->brightness);
        list[list[i].image].contrast = within(block.word[1], options->contrast);
    }
}

static void draw_groups(const struct choices_options *options, const struct images *images, uint32_t epoch,
                        struct choice *list)
{
    uint32_t count = images->count, offsets = 2 * (uint32_t)options->crop_pad + 1;
    int cut = options->cutout_h > 0 && options->cutout_w > 0;
    for (uint32_t i = 0; i < count; i++)
        list[i] = (struct choice){.pad = (uint8_t)options->crop_pad,
                                  .cut_h = (uint8_t)(cut ? options->cutout_h : 0),
                                  .cut_w = (uint8_t)(cut ? options->cutout_w : 0)};
    if (options->crop_pad > 0)
        deal_places(options, epoch, GROUP_CROP, offsets, offsets, list, count);
    if (options->flip > 0 || options->alternating)
        deal_flips(options, epoch, GROUP_FLIP, list, count);
    if (options->vertical_flip > 0)
        deal_flips(options, epoch, GROUP_VERTICAL, list, count);
    if (cut)
        deal_places(options, epoch, GROUP_CUTOUT, (uint32_t)(images->height - options->cutout_h + 1),
                    (uint32_t)(images->width - options->cutout_w + 1), list, count);
    if (options->brightness > 0 || options->contrast > 0)
        deal_colors(options, epoch, list, count);
}

int choices_check(const struct choices_options *options, const struct images *images, struct error *err)
{
    int h = images->height, w = images->width, least = h < w ? h : w;
    int most = least - 1 < CHOICE_PAD_MAX ? least - 1 : CHOICE_PAD_MAX;
    if (batch_check_images(images, err))
        return -1;
    if (options->crop_pad < 0 || options->crop_pad > most)
        return error_set(err,
                         "crop_pad = %d: images of %d x %d pixels can be padded by reflection by at most %d; lower "
                         "crop_pad, or set crop=off",
                         options->crop_pad, w, h, most);
    if (options->groups < 0 || options->groups > CHOICES_GROUPS_MAX)
        return error_set(err, "augment_groups = %d: expected 0 to %d", options->groups, CHOICES_GROUPS_MAX);
    if (options->cutout_h < 0 || options->cutout_h > h)
        return error_set(err, "cutout_height = %d: the images are only %d pixels high; lower it, or set cutout=off",
                         options->cutout_h, h);
    if (options->cutout_w < 0 || options->cutout_w > w)
        return error_set(err, "cutout_width = %d: the images are only %d pixels wide; lower it, or set cutout=off",
                         options->cutout_w, w);
    return 0;
}

void choices_order(const struct choices_options *options, const struct images *images, uint32_t epoch,
                   struct choice *list)
{
    memset(list, 0, images->count * sizeof *list);
    order(options, epoch, list, images->count);
}

void choices_transform(const struct choices_options *options, const struct images *images, uint32_t epoch,
                       struct choice *list, int n)
{
    for (int i = 0; i < n; i++)
        draw_transforms(options, images, epoch, &list[i]);
}

void choices_draw(const struct choices_options *options, const struct images *images, uint32_t epoch,
                  struct choice *list)
{
    if (options->groups > 0)
        draw_groups(options, images, epoch, list);
    order(options, epoch, list, images->count);
    if (options->groups == 0)
        choices_transform(options, images, epoch, list, (int)images->count);
}

void choices_identity(uint32_t first, int n, struct choice *list)
{
    for (int i = 0; i < n; i++)
        list[i] = choice_identity(first + (uint32_t)i);
}
