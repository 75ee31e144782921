/*
 * Initial weights. As PyTorch makes them: uniform(-1/sqrt(fan_in), +1/sqrt(fan_in)) for convolutions, linear layers and
 * their biases; norm scale 1, bias 0, running mean 0, running variance 1. By choice:
 *     dirac      the first filters of each convolution, as many as there are input channels, pass one channel on as it
 *                is: 1 in the middle of channel i of filter i (Zagoruyko & Komodakis, arXiv:1706.00388)
 *     uniform    norm scales uniform in (0, 1), the default of the framework of 2018
 *     unit_std   the last linear layer's weight divided by its standard deviation (of n - 1)
 * A fixed convolution has the filters given, and its bias begins at 0.
 */
#ifndef DAVIDNET_ENGINE_INITIALISE_H
#define DAVIDNET_ENGINE_INITIALISE_H

#include "kernels/program.h"

#include <stdint.h>

enum initialise_conv { INITIALISE_PYTORCH, INITIALISE_DIRAC, INITIALISE_CONV_COUNT };
enum initialise_norm { INITIALISE_ONES, INITIALISE_UNIFORM, INITIALISE_NORM_COUNT };
enum initialise_head { INITIALISE_HEAD_PYTORCH, INITIALISE_UNIT_STD, INITIALISE_HEAD_COUNT };

struct initialise {
    uint64_t seed;
    enum initialise_conv conv;
    enum initialise_norm norm;
    enum initialise_head head;
    const float *filters; /* (optional) of the fixed convolution; borrowed */
};

/* One tensor's initial values, out[tensor->count]: they depend on the seed, the tensor and the element's index. */
void initialise_tensor(const struct plan *plan, int index, const struct initialise *how, float *out);

/* Every tensor into the program, momentum to zero. */
int initialise_program(struct program *program, const struct initialise *how, struct error *err);

#endif
