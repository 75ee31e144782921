#include "kernels/cpu/vector16_avx2.h"

#if defined(__x86_64__)
#define CHAIN_KERNELS chain_kernels_avx2
#include "kernels/cpu/chain_body.h"
#endif
