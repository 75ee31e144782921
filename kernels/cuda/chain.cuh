/*
 * What the kernels of chains have in common: where a thread is among channels and pixels, how it reads and writes
 * them, and the arithmetic of one value (norm's affine form, activation, slope). Included by chain.cu alone.
 */
#ifndef DAVIDNET_KERNELS_CUDA_CHAIN_CUH
#define DAVIDNET_KERNELS_CUDA_CHAIN_CUH

#include "kernels/cuda/launch.cuh"

#define THREADS 256
#define TILE 32    /* vectors of channels in a block, at most */
#define SLICES 264 /* blocks that a reduction is split into, at most: twice the multiprocessors of the largest GPUs */
#define PIXELS 8   /* that a thread of a reduction has, at least, if there are enough */

/* Where a thread is: its vector of channels and its row among the block's. */
struct place {
    int channel; /* first of its 8 */
    int row, rows;
    bool on;
};

__host__ __device__ static inline int tile_of(int c)
{
    int vectors = c / VECTOR;
    return vectors < TILE ? vectors : TILE;
}

__host__ __device__ static inline int tiles_of(int c)
{
    int tile = tile_of(c);
    return (c / VECTOR + tile - 1) / tile;
}

__device__ static __forceinline__ place place_of(int c)
{
    int tile = tile_of(c), vector = (int)blockIdx.y * tile + (int)threadIdx.x % tile;
    place p;
    p.channel = vector * VECTOR;
    p.rows = THREADS / tile;
    p.row = (int)threadIdx.x / tile;
    p.on = p.row < p.rows && p.channel < c;
    return p;
}

static int slices_of(const cuda_chain &chain)
{
    int rows = THREADS / tile_of(chain.c), most = SLICES / tiles_of(chain.c) / chain.groups;
    int pixels = (chain.images + chain.groups - 1) / chain.groups * (chain.h / chain.before) * (chain.w / chain.before);
    int slices = (pixels / (chain.after * chain.after) + rows * PIXELS - 1) / (rows * PIXELS);
    slices = slices < most ? slices : most;
    return slices < 1 ? 1 : slices;
}

/* The images of one group of the batch. */
struct group {
    int first, end;
};

__device__ static __forceinline__ int group_size(const cuda_chain &a, int n)
{
    return n > a.groups ? (n + a.groups - 1) / a.groups : 1; /* as plan_group_size; 1 for no images, too */
}

__device__ static __forceinline__ group group_at(const cuda_chain &a, int n, int index)
{
    int size = group_size(a, n);
    group g;
    g.first = least(index * size, n);
    g.end = least(g.first + size, n);
    return g;
}

template <typename T> __device__ static __forceinline__ vec x_at(const cuda_chain &a, int image, int y, int x, int channel)
{
    return load((const T *)a.x + (((size_t)image * a.h + y) * a.w + x) * a.c + channel);
}

/* The output of the pool before the norm, rounded as it is stored; where (optional) gets the winners. */
template <typename T>
__device__ static __forceinline__ vec pooled_at(const cuda_chain &a, int image, int y, int x, int channel, uint8_t *where)
{
    vec best = zeros();
    uint8_t at[VECTOR] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < a.before * a.before; i++) {
        vec one = x_at<T>(a, image, y * a.before + i / a.before, x * a.before + i % a.before, channel);
        pool_take(a.max, one, i, &best, at);
    }
#pragma unroll
    for (int k = 0; k < VECTOR; k++) {
        if (!a.max)
            best.v[k] = rounded<T>(best.v[k] / (float)(a.before * a.before));
        if (where)
            where[k] = at[k];
    }
    return best;
}

__host__ __device__ static inline int inner_height(const cuda_chain &a)
{
    return a.h / a.before;
}

__host__ __device__ static inline int inner_width(const cuda_chain &a)
{
    return a.w / a.before;
}

/* What the norm reads, after cuda_chain_moments. */
template <typename T> __device__ static __forceinline__ vec inner_at(const cuda_chain &a, int image, int y, int x, int channel)
{
    if (a.before == 1)
        return x_at<T>(a, image, y, x, channel);
    return load((const T *)a.inner + (((size_t)image * inner_height(a) + y) * inner_width(a) + x) * a.c + channel);
}

/* The sum of the gradient's parts at an output pixel. */
template <typename T> __device__ static __forceinline__ vec dy_at(const cuda_chain &a, size_t pixel, int channel)
{
    vec dy = load((const T *)a.dy[0] + pixel * a.c + channel);
    if (a.dy[1]) {
        vec other = load((const T *)a.dy[1] + pixel * a.c + channel);
#pragma unroll
        for (int k = 0; k < VECTOR; k++)
            dy.v[k] += other.v[k];
    }
    return dy;
}

/* z = inner * factor + shift */
struct affine {
    vec factor, shift;
};

__device__ static __forceinline__ float as_half(const cuda_chain &a, float x)
{
    return a.half ? pointwise_round_f16(x) : x;
}

/* 1 / standard deviation as it is stored. A padded channel has no variance and a scale of 0: times infinity, which is what
 * a half makes of 1 / sqrt(eps) below 2.3e-10, that would be NaN, and not stay in its channel. */
__device__ static __forceinline__ float kept_inv_std(const cuda_chain &a, float inv_std, int channel)
{
    inv_std = as_half(a, inv_std);
    return isinf(inv_std) && a.scale[channel] == 0 ? 65504.0f : inv_std;
}

__device__ static __forceinline__ void set_affine(const cuda_chain &a, affine *t, int k, float mean, float inv_std,
                                                  int channel)
{
    float factor = as_half(a, inv_std * as_half(a, a.scale[channel]));
    float bias = as_half(a, a.bias[channel]);
    t->factor.v[k] = factor;
    t->shift.v[k] = as_half(a, bias - mean * factor);
}

/* Of the group's statistics, or (group < 0) of the running ones. */
__device__ static __forceinline__ affine affine_of(const cuda_chain &a, int group, int channel)
{
    affine t;
#pragma unroll
    for (int k = 0; k < VECTOR; k++) {
        int c = channel + k;
        if (a.kind == CUDA_CHAIN_BIAS) {
            t.factor.v[k] = 1;
            t.shift.v[k] = a.bias[c];
        } else if (group < 0) {
            set_affine(a, &t, k, as_half(a, a.running_mean[c]), kept_inv_std(a, 1 / sqrtf(a.running_var[c] + a.eps), c), c);
        } else {
            set_affine(a, &t, k, a.mean[group * a.c + c], a.inv_std[group * a.c + c], c);
        }
    }
    return t;
}

__device__ static __forceinline__ vec apply_affine(const cuda_chain &a, const affine &t, vec x)
{
    if (a.kind == CUDA_CHAIN_PLAIN)
        return x;
#pragma unroll
    for (int k = 0; k < VECTOR; k++)
        x.v[k] = x.v[k] * t.factor.v[k] + t.shift.v[k];
    return x;
}

__device__ static __forceinline__ vec apply_act(const cuda_chain &a, vec z)
{
    if (a.act >= 0) {
#pragma unroll
        for (int k = 0; k < VECTOR; k++)
            z.v[k] = pointwise_act(a.act, a.alpha, z.v[k]);
    }
    return z;
}

__device__ static __forceinline__ float slope(const cuda_chain &a, float z, float dy)
{
    return a.act < 0 ? dy : pointwise_slope(a.act, a.alpha, z, dy);
}

#endif
