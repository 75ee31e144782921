/*
 * Enough of CUDA C++ to run the .cu files of kernels/cuda on a CPU, so that their arithmetic, indices and barriers are
 * tested where no GPU is. C++ only; the emulator's plugin is never installed.
 *
 * Blocks run one after another, the threads of a block as fibers: each runs until it reaches a barrier or a shuffle,
 * then the next one goes. Between two barriers threads run in one order in even launches and in the reverse one in odd
 * launches, so that code which needs a barrier that it lacks gives different results. Shared memory holds rubbish
 * (the last block's values) at a block's start, as on a GPU. Kernels whose threads never wait are plain loops.
 * CUDA_EMULATED_LAUNCHES=FILE, for tests: each kernel, in each type, that ran is a line of that file.
 */
#ifndef DAVIDNET_KERNELS_CUDA_EMULATOR_EMULATOR_H
#define DAVIDNET_KERNELS_CUDA_EMULATOR_EMULATOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

void emulator_barrier(void);
void emulator_launch(const char *kernel, dim3 grid, dim3 block, bool alone, void (*call)(void *), void *context);

/* A text that has the kernel's name and the types that it is made for in it. */
template <auto Kernel> static const char *emulator_name()
{
    return __PRETTY_FUNCTION__;
}

/* Value of lane `lane ^ mask` of the caller's warp; all 32 lanes must call it. */
uint64_t emulator_shuffle_xor(uint64_t value, int mask);

static inline void __syncthreads(void)
{
    emulator_barrier();
}

static inline void __syncwarp(void)
{
    emulator_shuffle_xor(0, 0);
}

static inline void __threadfence(void)
{
}

template <typename V> static inline V __shfl_xor_sync(unsigned, V value, int mask)
{
    uint64_t bits = 0;
    static_assert(sizeof value <= sizeof bits, "a shuffled value has 8 bytes at most");
    memcpy(&bits, &value, sizeof value);
    bits = emulator_shuffle_xor(bits, mask);
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline unsigned atomicAdd(unsigned *at, unsigned value)
{
    unsigned before = *at;
    *at += value;
    return before;
}

static inline int atomicMin(int *at, int value)
{
    int before = *at;
    *at = value < before ? value : before;
    return before;
}

template <typename F> static void emulator_call(void *context)
{
    (*static_cast<F *>(context))();
}

template <typename F> static void emulator_run(const char *kernel, dim3 grid, dim3 block, bool alone, F call)
{
    emulator_launch(kernel, grid, block, alone, emulator_call<F>, &call);
}

#define CUDA_LAUNCH(kernel, grid, block, stream, ...)                                                                  \
    ((void)(stream), emulator_run(emulator_name<(kernel)>(), (grid), (block), false, [=]() { (kernel)(__VA_ARGS__); }))
#define CUDA_LAUNCH_ALONE(kernel, grid, block, stream, ...)                                                            \
    ((void)(stream), emulator_run(emulator_name<(kernel)>(), (grid), (block), true, [=]() { (kernel)(__VA_ARGS__); }))

#endif
