#include "kernels/cpu/vector16_plain.h"

#define CHAIN_KERNELS chain_kernels_plain
#include "kernels/cpu/chain_body.h"
