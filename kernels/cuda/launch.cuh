/*
 * What every .cu file begins with: CUDA, or the emulator that runs the same source on a CPU (emulator/emulator.hh), the
 * three types of activations, and vectors of 8 channels, which is how all kernels read and write them (16 bytes of
 * f16 or bf16, twice 16 of f32).
 */
#pragma once

#ifdef __CUDACC__
#include <cuda_runtime.h>
/* kernel: a function pointer; block and grid: dim3; stream: a cudaStream_t behind a void pointer. */
#define CUDA_LAUNCH(kernel, grid, block, stream, ...) \
    (kernel)<<<(grid), (block), 0, (cudaStream_t)(stream)>>>(__VA_ARGS__)
/* The same, of a kernel whose threads never wait for each other: cheap for the emulator. */
#define CUDA_LAUNCH_ALONE CUDA_LAUNCH
#else
#include "kernels/cuda/emulator/emulator.hh"
#endif

extern "C" {
#include "kernels/cuda/ops.h"
}

#include "kernels/cuda/pointwise.h"

struct f16 {
    uint16_t bits;
};

struct bf16_t {
    uint16_t bits;
};

__device__ static __forceinline__ float to_float(f16 x)
{
    return pointwise_from_f16(x.bits);
}

__device__ static __forceinline__ float to_float(bf16_t x)
{
    return pointwise_from_bf16(x.bits);
}

__device__ static __forceinline__ float to_float(float x)
{
    return x;
}

template <typename T> __device__ static __forceinline__ T from_float(float x);

template <> __device__ __forceinline__ f16 from_float<f16>(float x)
{
    return f16{pointwise_to_f16(x)};
}

template <> __device__ __forceinline__ bf16_t from_float<bf16_t>(float x)
{
    return bf16_t{pointwise_to_bf16(x)};
}

template <> __device__ __forceinline__ float from_float<float>(float x)
{
    return x;
}

template <typename T> __device__ static __forceinline__ float rounded(float x)
{
    return to_float(from_float<T>(x));
}

#define VECTOR 8

struct alignas(16) bytes16 {
    uint32_t word[4];
};

struct alignas(8) bytes8 {
    uint32_t word[2];
};

struct vec {
    float v[VECTOR];
};

/* A byte a channel, in one access: memcpy would not know how p is aligned (to 8) and make eight of it. */
__device__ static __forceinline__ void load_bytes(const uint8_t *p, uint8_t *r)
{
    bytes8 all = *reinterpret_cast<const bytes8 *>(p);
    memcpy(r, &all, VECTOR);
}

__device__ static __forceinline__ void store_bytes(uint8_t *p, const uint8_t *r)
{
    bytes8 all;
    memcpy(&all, r, VECTOR);
    *reinterpret_cast<bytes8 *>(p) = all;
}

/* p is aligned to 16 bytes. */
template <typename T> __device__ static __forceinline__ vec load(const T *p)
{
    vec r;
    if (sizeof(T) == 4) {
        bytes16 low = reinterpret_cast<const bytes16 *>(p)[0], high = reinterpret_cast<const bytes16 *>(p)[1];
        memcpy(&r.v[0], &low, 16);
        memcpy(&r.v[4], &high, 16);
        return r;
    }
    bytes16 all = *reinterpret_cast<const bytes16 *>(p);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        T one;
        uint16_t bits = (uint16_t)(all.word[i / 2] >> (i % 2 * 16));
        memcpy((void *)&one, &bits, 2);
        r.v[i] = to_float(one);
    }
    return r;
}

template <typename T> __device__ static __forceinline__ void store(T *p, const vec &r)
{
    if (sizeof(T) == 4) {
        bytes16 low, high;
        memcpy(&low, &r.v[0], 16);
        memcpy(&high, &r.v[4], 16);
        reinterpret_cast<bytes16 *>(p)[0] = low;
        reinterpret_cast<bytes16 *>(p)[1] = high;
        return;
    }
    bytes16 all = {{0, 0, 0, 0}};
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        T one = from_float<T>(r.v[i]);
        uint16_t bits;
        memcpy(&bits, (const void *)&one, 2);
        all.word[i / 2] |= (uint32_t)bits << (i % 2 * 16);
    }
    *reinterpret_cast<bytes16 *>(p) = all;
}

/* Values of a tensor's gradient; the weights as convolutions want them. */
__device__ static __forceinline__ vec load_as(enum cuda_type type, const void *p, size_t i)
{
    return type == CUDA_TYPE_F32   ? load((const float *)p + i)
           : type == CUDA_TYPE_F16 ? load((const f16 *)p + i)
                                   : load((const bf16_t *)p + i);
}

__device__ static __forceinline__ void store_used(const cuda_weights &t, size_t i, const vec &value)
{
    if (t.type == CUDA_TYPE_F16)
        store((f16 *)t.used + i, value);
    else if (t.type == CUDA_TYPE_BF16)
        store((bf16_t *)t.used + i, value);
    else
        store((float *)t.used + i, value);
}

/* A block of `threads` takes one SGD step with a chunk of a tensor, at this rate. finite: nothing before was not. */
__device__ static __forceinline__ void sgd_chunk(const cuda_weights &t, const cuda_chunk &chunk, const cuda_rate &rate,
                                                 float lr, int form, unsigned threads, bool finite, cuda_result *result)
{
    for (size_t i = chunk.begin + threadIdx.x * VECTOR; i < chunk.end; i += threads * VECTOR) {
        vec w = load(t.value + i), v = load(t.momentum + i), g = load_as(t.gradient_type, t.gradient, i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            pointwise_sgd(form, lr, rate.decay, rate.momentum, g.v[k], &w.v[k], &v.v[k]);
            finite = finite && isfinite(w.v[k]) && isfinite(g.v[k]);
        }
        store(t.value + i, w);
        store(t.momentum + i, v);
        if (t.used)
            store_used(t, i, w);
    }
    if (!finite)
        atomicMin(&result->bad_weight, t.row);
}

/* One more pixel, the i-th, of a pool: of its sums, or with max of its maxima and, each channel, which pixel won. */
template <typename I>
__device__ static __forceinline__ void pool_take(bool max, const vec &one, int i, vec *best, I *won)
{
#pragma unroll
    for (int k = 0; k < VECTOR; k++) {
        if (!max) {
            best->v[k] += one.v[k];
        } else if (i == 0 || pointwise_wins(one.v[k], best->v[k])) {
            best->v[k] = one.v[k];
            won[k] = (I)i;
        }
    }
}

__device__ static __forceinline__ vec zeros()
{
    vec r;
#pragma unroll
    for (int i = 0; i < VECTOR; i++)
        r.v[i] = 0;
    return r;
}

__device__ static __forceinline__ int least(int a, int b)
{
    return a < b ? a : b;
}

/*
 * True in every thread of the one block that arrives last of `blocks`: it may then read what all of them wrote before.
 * The counter is 0 before and after (the last block resets it). Every thread of the block must call this.
 */
__device__ static __forceinline__ bool last_block(unsigned *counter, unsigned blocks)
{
    __shared__ unsigned arrived;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        arrived = atomicAdd(counter, 1u);
        if (arrived == blocks - 1)
            *counter = 0;
    }
    __syncthreads();
    bool last = arrived == blocks - 1;
    __threadfence();
    return last;
}

/* Read where it cannot be stale: other blocks of the same kernel wrote it. */
template <typename T> __device__ static __forceinline__ T read_fresh(const T *p)
{
#ifdef __CUDA_ARCH__
    return __ldcg(p);
#else
    return *p;
#endif
}

/* Calls CALL with T bound to the activations' type. */
#define FOR_TYPE(type, CALL)  \
    do {                      \
        switch (type) {       \
        case CUDA_TYPE_F16: { \
            using T = f16;    \
            CALL;             \
            break;            \
        }                     \
        case CUDA_TYPE_BF16: { \
            using T = bf16_t; \
            CALL;             \
            break;            \
        }                     \
        default: {            \
            using T = float;  \
            CALL;             \
            break;            \
        }                     \
        }                     \
    } while (0)
