/*
 * What augmentation does to one image: the choices, drawn in bulk by engine/choices and carried out by
 * kernels/augment in every family, in previews and in exports alike.
 *
 * Order of the transforms: reflect-pad by `pad` pixels, crop back to the image's size at (crop_y, crop_x)
 * of the padded image, flip, change brightness and then contrast (of the normalised values), then cut a box of zeros
 * (in normalised space: the mean colour). The batch may then be shrunk (kernels/batch.h).
 */
#ifndef DAVIDNET_KERNELS_CHOICE_H
#define DAVIDNET_KERNELS_CHOICE_H

#include <stdint.h>

#define CHOICE_PAD_MAX 8

enum choice_flip { CHOICE_FLIP_NONE = 0, CHOICE_FLIP_HORIZONTAL = 1, CHOICE_FLIP_VERTICAL = 2 }; /* bits */

struct choice {
    uint32_t image;         /* index into the data set's images */
    uint8_t crop_y, crop_x; /* 0 .. 2*pad; pad means "not shifted" */
    uint8_t flip;           /* bits of enum choice_flip */
    uint8_t pad;            /* reflect padding, pixels, 0 .. CHOICE_PAD_MAX */
    uint8_t cut_y, cut_x;   /* top left corner of the box, after crop and flip */
    uint8_t cut_h, cut_w;   /* box size in pixels; either 0: no box */
    float brightness;       /* added to every normalised value */
    float contrast;         /* that sum is multiplied by 1 + contrast */
};

#endif
