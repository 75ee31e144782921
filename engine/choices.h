/*
 * Which images a step sees and what is done to each: drawn in bulk for a whole epoch from the counter-based
 * generator, so they depend on (seed, epoch, position or image) only.
 */
#ifndef DAVIDNET_ENGINE_CHOICES_H
#define DAVIDNET_ENGINE_CHOICES_H

#include "kernels/batch.h"
#include "kernels/error.h"

#define CHOICES_GROUPS_MAX 1000

struct choices_options {
    int crop_pad;                /* 0: no crop; at most CHOICE_PAD_MAX and less than the image's sides */
    double flip, vertical_flip;  /* probabilities */
    int alternating;             /* 1: left-right flips are those of epoch 0, and in every odd epoch all the others,
                                    whatever the probability: at 0 an odd epoch has nothing but mirror images */
    int cutout_h, cutout_w;      /* 0: no box; at most the image's size */
    double brightness, contrast; /* each drawn from -that .. that; contrast below 1. See kernels/choice.h */
    int groups;                  /* 0: each image has a draw of its own; 1 .. CHOICES_GROUPS_MAX: see choices_draw */
    uint64_t order_seed, augment_seed;
};

/* 0 if images of that size can be cropped and cut so; else -1: the message names the knob and the largest value. */
int choices_check(const struct choices_options *options, const struct images *images, struct error *err);

/*
 * Fills list[count] for that epoch (from 0): a permutation of all images, and each one's transforms.
 * The transforms of an image depend on (augment_seed, epoch, image), not on its place in the order.
 * The cutout box lies fully inside, uniformly. Only for options that choices_check lets pass.
 * Alternating flips, where an image is never seen the same way round in two epochs running, are K. Jordan's (94 % on
 * CIFAR-10 in 3.29 Seconds, arXiv:2404.00498).
 *
 * With groups (D. Page, How to Train Your ResNet 8: Bag of Tricks), for each transform of its own: as many distinct
 * options as there are groups are drawn (all of them, if there are fewer), a fresh permutation of the images is cut
 * into as many even contiguous chunks, and each chunk has one option. So every crop is used equally often, and exactly
 * the flips' share of the images is flipped. The order into batches is the same as without.
 */
void choices_draw(const struct choices_options *options, const struct images *images, uint32_t epoch,
                  struct choice *list);

/* The same in two parts, for options without groups: the order alone, every choice else the identity; and then what is
 * done to list[n], some of that order, in any pieces and by any thread. */
void choices_order(const struct choices_options *options, const struct images *images, uint32_t epoch,
                   struct choice *list);
void choices_transform(const struct choices_options *options, const struct images *images, uint32_t epoch,
                       struct choice *list, int n);

/* The identity choice for images first .. first+n-1 (evaluation). */
void choices_identity(uint32_t first, int n, struct choice *list);

#endif
