#include "kernels/cpu/vector16_avx2.h"

#if defined(__x86_64__)
#define ELEMENTWISE_KERNELS elementwise_kernels_avx2
#include "kernels/cpu/elementwise_body.h"
#endif
