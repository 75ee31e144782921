/* The optimiser: one launch for all parameters. A block has a chunk of one tensor, a thread 8 values at a time. */
#include "kernels/cuda/launch.cuh"

#define THREADS 256

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

__global__ void __launch_bounds__(THREADS) update_kernel(const cuda_weights *weights, const cuda_chunk *chunks,
                                                         const cuda_step *step, cuda_result *result)
{
    const cuda_chunk chunk = chunks[blockIdx.x];
    const cuda_weights t = weights[chunk.tensor];
    const cuda_rate rate = step->rates[chunk.tensor];
    if (!rate.trains)
        return;
    int form = step->form;
    bool finite = true;
    for (size_t i = chunk.begin + threadIdx.x * VECTOR; i < chunk.end; i += THREADS * VECTOR) {
        vec w = load(t.value + i), v = load(t.momentum + i), g = load_as(t.gradient_type, t.gradient, i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            pointwise_sgd(form, rate.lr, rate.decay, rate.momentum, g.v[k], &w.v[k], &v.v[k]);
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

__global__ void __launch_bounds__(THREADS) refresh_kernel(const cuda_weights *weights, const cuda_chunk *chunks)
{
    const cuda_chunk chunk = chunks[blockIdx.x];
    const cuda_weights t = weights[chunk.tensor];
    if (!t.used)
        return;
    for (size_t i = chunk.begin + threadIdx.x * VECTOR; i < chunk.end; i += THREADS * VECTOR)
        store_used(t, i, load(t.value + i));
}

void cuda_update(const struct cuda_weights *weights, const struct cuda_chunk *chunks, int n_chunks,
                 const struct cuda_step *step, struct cuda_result *result, void *stream)
{
    CUDA_LAUNCH_ALONE(update_kernel, dim3((unsigned)n_chunks), dim3(THREADS), stream, weights, chunks, step, result);
}

void cuda_refresh(const struct cuda_weights *weights, const struct cuda_chunk *chunks, int n_chunks, void *stream)
{
    CUDA_LAUNCH_ALONE(refresh_kernel, dim3((unsigned)n_chunks), dim3(THREADS), stream, weights, chunks);
}

template <typename T> __global__ void __launch_bounds__(THREADS) find_kernel(const T *x, size_t count, int row, cuda_result *result)
{
    bool finite = true;
    for (size_t i = ((size_t)blockIdx.x * THREADS + threadIdx.x) * VECTOR; i < count; i += (size_t)gridDim.x * THREADS * VECTOR) {
        vec v = load(x + i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++)
            finite = finite && isfinite(v.v[k]);
    }
    if (!finite)
        atomicMin(&result->bad_row, row);
}

void cuda_find_bad(const void *x, size_t count, enum cuda_type type, int row, struct cuda_result *result, void *stream)
{
    FOR_TYPE(type, CUDA_LAUNCH_ALONE(find_kernel<T>, dim3(256), dim3(THREADS), stream, (const T *)x, count, row, result));
}
