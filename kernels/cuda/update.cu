/* SGD: one launch for all its parameters. A block has a chunk of one tensor, a thread 8 values at a time. */
#include "kernels/cuda/launch.cuh"

#define THREADS 256

__global__ void __launch_bounds__(THREADS) update_kernel(const cuda_weights *weights, const cuda_chunk *chunks,
                                                         const cuda_step *step, cuda_result *result)
{
    const cuda_chunk chunk = chunks[blockIdx.x];
    const cuda_weights t = weights[chunk.tensor];
    const cuda_rate rate = step->rates[chunk.tensor];
    if (!rate.trains)
        return;
    sgd_chunk(t, chunk, rate, rate.lr, step->form, THREADS, true, result);
}

__global__ void __launch_bounds__(THREADS)
    average_kernel(float *tensors, float *average, size_t count, int how, double keep)
{
    for (size_t i = ((size_t)blockIdx.x * THREADS + threadIdx.x) * VECTOR; i < count;
         i += (size_t)gridDim.x * THREADS * VECTOR) {
        vec w = load(tensors + i), a = load(average + i);
        if (how == PROGRAM_MIX_FOLLOW) {
#pragma unroll
            for (int k = 0; k < VECTOR; k++)
                a.v[k] = (float)(keep * a.v[k] + (1 - keep) * w.v[k]);
            store(average + i, a);
            continue;
        }
        store(tensors + i, a);
        if (how == PROGRAM_MIX_SWAP)
            store(average + i, w);
    }
}

const void *cuda_probed_code(void)
{
    return reinterpret_cast<const void *>(average_kernel);
}

void cuda_average(float *tensors, float *average, size_t count, enum program_mix how, double keep, void *stream)
{
    CUDA_LAUNCH_ALONE(average_kernel, dim3(512), dim3(THREADS), stream, tensors, average, count, (int)how, keep);
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
