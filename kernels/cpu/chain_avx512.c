#include "kernels/cpu/vector16_avx512.h"

#if defined(__x86_64__)
#define CHAIN_KERNELS chain_kernels_avx512
#include "kernels/cpu/chain_body.h"
#endif
