#include "kernels/cpu/vector16_plain.h"

#define ELEMENTWISE_KERNELS elementwise_kernels_plain
#include "kernels/cpu/elementwise_body.h"
