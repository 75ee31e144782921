/* Measurements of no machine, for tests of what is made of them. */
#ifndef DAVIDNET_TESTS_ABLATE_FIXED_H
#define DAVIDNET_TESTS_ABLATE_FIXED_H

#include "engine/ablate_results.h"

#include <string.h>

/* Seconds of a step of a full-sized network, cut into parts: pools are fused into norm steps until those go. */
static inline struct ablate_record ablate_fixed(const char *preset, int batch, enum ablate_variant variant, int round)
{
    static const double part[ABLATE_PART_COUNT] = {
        [ABLATE_LOADER] = 0.001,     [ABLATE_AUGMENT] = 0.009, [ABLATE_UPDATE] = 0.020,  [ABLATE_NORM] = 0.200,
        [ABLATE_CLASSIFIER] = 0.004, [ABLATE_CONV] = 0.600,    [ABLATE_BETWEEN] = 0.0005};
    struct ablate_record r = {.batch = batch, .variant = variant, .round = round};
    r.unix_time = 1767225600 + 60 * round;
    r.noisy = round == 2 && variant == ABLATE_RANDOM;
    double slow = (1 + 0.01 * ((round * 2 + (int)variant) % 3)) * batch / 512.0;
    memcpy(r.preset, preset, strlen(preset) + 1);
    memcpy(r.recipe, "0123456789ab", 13);
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        r.times.part[p] = ablate_leaves_out(variant, (enum ablate_part)p) ? 0 : part[p] * slow;
    if (variant == ABLATE_RANDOM || variant == ABLATE_NO_UPDATE || variant == ABLATE_NO_NORM)
        r.times.part[ABLATE_AUGMENT] = 0.002 * slow;
    if (variant == ABLATE_NO_NORM || variant == ABLATE_BACKBONE)
        r.times.part[ABLATE_POOL] = 0.050 * slow;
    if (variant >= ABLATE_NO_UPDATE) /* weights are not packed again */
        r.times.part[ABLATE_CONV] *= 0.98;
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        r.times.seconds += r.times.part[p];
    r.times.cpu = 1.9 * r.times.seconds;
    r.flops = (variant >= ABLATE_BACKBONE ? 1.16e12 : 1.161e12) * batch / 512;
    r.bytes = (12 - 1.5 * (int)variant) * 1e9 * batch / 512;
    return r;
}

static inline struct ablate_setting ablate_fixed_setting(void)
{
    return (struct ablate_setting){.family = "cpu",
                                   .precision = "f32",
                                   .isa = "avx512",
                                   .library = "oneDNN 2.6.3",
                                   .davidnet = "0.1.0",
                                   .commit = "0123456789",
                                   .device = "Some Processor @ 2.50GHz",
                                   .threads = 2,
                                   .ceiling = {4e12, 2.5e10, 0}};
}

#endif
