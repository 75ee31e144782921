/* Initial weights, as PyTorch makes them: uniform(-1/sqrt(fan_in), +1/sqrt(fan_in)) for convolutions, linear layers
 * and their biases; norm scale 1, bias 0, running mean 0, running variance 1. */
#ifndef DAVIDNET_ENGINE_INITIALISE_H
#define DAVIDNET_ENGINE_INITIALISE_H

#include "kernels/program.h"

#include <stdint.h>

/* One tensor's initial values, out[tensor->count]: they depend on the seed, the tensor and the element's index. */
void initialise_tensor(const struct plan *plan, int index, uint64_t seed, float *out);

/* Every tensor into the program, momentum to zero. */
int initialise_program(struct program *program, uint64_t seed, struct error *err);

#endif
