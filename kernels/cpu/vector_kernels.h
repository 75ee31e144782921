/* Loops that are compiled for each instruction set: which of the tables NAME_plain, NAME_avx2, NAME_avx512 to use now.
 */
#ifndef DAVIDNET_KERNELS_CPU_VECTOR_KERNELS_H
#define DAVIDNET_KERNELS_CPU_VECTOR_KERNELS_H

#include "kernels/isa.h"

#if defined(__x86_64__)
#define VECTOR_KERNELS(name)                                                                                           \
    (isa_current() >= ISA_AVX512 ? &name##_avx512 : isa_current() >= ISA_AVX2 ? &name##_avx2 : &name##_plain)
#else
#define VECTOR_KERNELS(name) (&name##_plain)
#endif

#endif
