#include "kernels/cpu/vector16_avx512.h"

#if defined(__x86_64__)
#define ELEMENTWISE_KERNELS elementwise_kernels_avx512
#include "kernels/cpu/elementwise_body.h"
#endif
