#include "engine/choices.h"

#include "kernels/augment.h"
#include "kernels/rng.h"

/* [0, bound) from 64 random bits: the bias is below bound / 2^64, nothing for any data set. */
static uint32_t below(uint32_t high, uint32_t low, uint32_t bound)
{
    uint64_t carry = ((uint64_t)low * bound) >> 32;
    return (uint32_t)(((uint64_t)high * bound + carry) >> 32);
}

/* Durstenfeld's form of the Fisher-Yates shuffle (CACM 7, 1964, algorithm 235); one block serves two swaps. */
static void shuffle(uint64_t seed, uint32_t epoch, struct choice *list, uint32_t count)
{
    struct rng_block block = {{0}};
    for (uint32_t i = 0; i < count; i++)
        list[i].image = i;
    for (uint32_t k = 0; k + 1 < count; k++) {
        if (k % 2 == 0)
            block = rng_philox(seed, RNG_ORDER, epoch, k / 2);
        uint32_t last = count - 1 - k;
        uint32_t j = below(block.word[2 * (k % 2)], block.word[2 * (k % 2) + 1], last + 1);
        uint32_t image = list[j].image;
        list[j].image = list[last].image;
        list[last].image = image;
    }
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
    if ((double)rng_uniform(a.word[2]) < options->flip)
        choice->flip |= CHOICE_FLIP_HORIZONTAL;
    if ((double)rng_uniform(a.word[3]) < options->vertical_flip)
        choice->flip |= CHOICE_FLIP_VERTICAL;
    if (options->cutout_h > 0 && options->cutout_w > 0) {
        choice->cut_h = (uint8_t)options->cutout_h;
        choice->cut_w = (uint8_t)options->cutout_w;
        choice->cut_y = (uint8_t)rng_below(b.word[0], (uint32_t)(images->height - options->cutout_h + 1));
        choice->cut_x = (uint8_t)rng_below(b.word[1], (uint32_t)(images->width - options->cutout_w + 1));
    }
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
    if (options->cutout_h < 0 || options->cutout_h > h)
        return error_set(err, "cutout_height = %d: the images are only %d pixels high; lower it, or set cutout=off",
                         options->cutout_h, h);
    if (options->cutout_w < 0 || options->cutout_w > w)
        return error_set(err, "cutout_width = %d: the images are only %d pixels wide; lower it, or set cutout=off",
                         options->cutout_w, w);
    return 0;
}

void choices_draw(const struct choices_options *options, const struct images *images, uint32_t epoch,
                  struct choice *list)
{
    shuffle(options->order_seed, epoch, list, images->count);
    for (uint32_t i = 0; i < images->count; i++)
        draw_transforms(options, images, epoch, &list[i]);
}

void choices_identity(uint32_t first, int n, struct choice *list)
{
    for (int i = 0; i < n; i++)
        list[i] = choice_identity(first + (uint32_t)i);
}
