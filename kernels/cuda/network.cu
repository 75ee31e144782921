/* The kernels that run once a step: augmentation, global pools, the linear layer, loss and metrics. */
#include "kernels/cuda/launch.cuh"

#include <limits.h>

#define THREADS 256
#define WARP 32

static unsigned blocks_for(size_t work, size_t each)
{
    size_t blocks = (work + each - 1) / each;
    return (unsigned)(blocks < 1 ? 1 : blocks);
}

/* ---- augmentation: a thread a pixel ---- */

template <typename T>
__global__ void __launch_bounds__(THREADS)
    augment_kernel(const cuda_step *step, cuda_result *result, T *out, int images, int height, int width, int c)
{
    int i = (int)(blockIdx.x * THREADS + threadIdx.x), plane = height * width, image = i / plane;
    if (i == 0) {
        result->loss_sum = 0;
        result->correct = 0;
        result->bad_row = result->bad_weight = INT_MAX;
    }
    if (image >= images)
        return;
    int source = -1, channels = step->channels, pixel = i % plane;
    choice one = {};
    const uint8_t *pixels = nullptr;
    if (image < step->n && !step->ready) {
        one = step->choices[image];
        source = pointwise_source(&one, height, width, pixel / width, pixel % width);
        pixels = step->pixels + (size_t)one.image * channels * plane;
    }
    for (int first = 0; first < c; first += VECTOR) {
        vec value = zeros();
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            int channel = first + k;
            if (channel >= channels)
                continue;
            if (source >= 0)
                value.v[k] = pointwise_color(&one, step->table[channel * 256 + pixels[channel * plane + source]]);
            else if (image < step->n && step->ready)
                value.v[k] = step->ready[((size_t)image * channels + channel) * plane + pixel];
        }
        store(out + (size_t)i * c + first, value);
    }
}

void cuda_augment(const struct cuda_step *step, struct cuda_result *result, void *out, int images, int height,
                  int width, int c, enum cuda_type type, void *stream)
{
    size_t pixels = (size_t)images * (size_t)height * (size_t)width;
    FOR_TYPE(type, CUDA_LAUNCH_ALONE(augment_kernel<T>, dim3(blocks_for(pixels, THREADS)), dim3(THREADS), stream, step, result,
                               (T *)out, images, height, width, c));
}

/* ---- noise ---- */

template <typename T> __global__ void __launch_bounds__(THREADS) noise_kernel(T *out, size_t count, unsigned seed)
{
    for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < count; i += (size_t)gridDim.x * THREADS) {
        unsigned x = (unsigned)i * 2654435761u + seed * 0x9e3779b9u; /* the finaliser of MurmurHash3 */
        x = (x ^ x >> 16) * 0x85ebca6bu;
        x = (x ^ x >> 13) * 0xc2b2ae35u;
        x ^= x >> 16;
        out[i] = from_float<T>((float)(x >> 8) * 0x1p-23f - 1);
    }
}

void cuda_noise(void *out, size_t count, enum cuda_type type, unsigned seed, void *stream)
{
    FOR_TYPE(type, CUDA_LAUNCH_ALONE(noise_kernel<T>, dim3(1024), dim3(THREADS), stream, (T *)out, count, seed));
}

/* ---- what convolutions' results are held against ---- */

template <typename T>
__global__ void __launch_bounds__(THREADS) compare_kernel(const T *a, const T *b, size_t count, double *part)
{
    __shared__ double sums[THREADS][3];
    double apart = 0, size = 0, differ = 0;
    for (size_t i = ((size_t)blockIdx.x * THREADS + threadIdx.x) * VECTOR; i < count;
         i += (size_t)gridDim.x * THREADS * VECTOR) {
        vec x = load(a + i), y = load(b + i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            double d = (double)x.v[k] - (double)y.v[k];
            apart += d * d;
            size += (double)y.v[k] * (double)y.v[k];
            differ += x.v[k] == y.v[k] ? 0 : 1; /* a NaN is like nothing */
        }
    }
    sums[threadIdx.x][0] = apart;
    sums[threadIdx.x][1] = size;
    sums[threadIdx.x][2] = differ;
    __syncthreads();
    if (threadIdx.x >= 3)
        return;
    double sum = 0;
    for (int i = 0; i < THREADS; i++)
        sum += sums[i][threadIdx.x];
    part[blockIdx.x * 3 + threadIdx.x] = sum;
}

void cuda_compare(const void *a, const void *b, size_t count, enum cuda_type type, double *part, void *stream)
{
    FOR_TYPE(type, CUDA_LAUNCH(compare_kernel<T>, dim3(CUDA_COMPARE_BLOCKS), dim3(THREADS), stream, (const T *)a, (const T *)b,
                               count, part));
}

/* ---- sums of gradients ---- */

template <typename T>
__global__ void __launch_bounds__(THREADS) sum_kernel(const T *a, const T *b, T *out, size_t count)
{
    size_t i = ((size_t)blockIdx.x * THREADS + threadIdx.x) * VECTOR;
    if (i >= count)
        return;
    vec sum = load(a + i);
    if (b) {
        vec other = load(b + i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++)
            sum.v[k] += other.v[k];
    }
    store(out + i, sum);
}

void cuda_sum(const void *a, const void *b, void *out, size_t count, enum cuda_type type, void *stream)
{
    FOR_TYPE(type, CUDA_LAUNCH_ALONE(sum_kernel<T>, dim3(blocks_for(count, THREADS * VECTOR)), dim3(THREADS), stream, (const T *)a,
                               (const T *)b, (T *)out, count));
}

/* ---- global pools: a thread a vector of channels of an image ---- */

/* Also which pixel won, for each channel. */
template <typename T> __device__ static __forceinline__ vec pool_image(const cuda_pool &a, const T *x, int *won)
{
    vec best = zeros();
    for (int i = 0; i < a.pixels; i++)
        pool_take(a.max, load(x + (size_t)i * a.c), i, &best, won);
#pragma unroll
    for (int k = 0; k < VECTOR; k++)
        best.v[k] = a.max ? best.v[k] : best.v[k] / (float)a.pixels;
    return best;
}

template <typename T> __global__ void __launch_bounds__(THREADS) pool_kernel(cuda_pool a)
{
    int vectors = a.c / VECTOR, i = (int)(blockIdx.x * THREADS + threadIdx.x), image = i / vectors;
    if (image >= a.images)
        return;
    int won[VECTOR], channel = i % vectors * VECTOR;
    vec best = pool_image(a, (const T *)a.x + (size_t)image * a.pixels * a.c + channel, won);
    store((T *)a.out + (size_t)image * a.c + channel, best);
}

template <typename T> __global__ void __launch_bounds__(THREADS) pool_backward_kernel(cuda_pool a, const cuda_step *step)
{
    int vectors = a.c / VECTOR, i = (int)(blockIdx.x * THREADS + threadIdx.x), image = i / vectors;
    if (image >= a.images)
        return;
    int won[VECTOR] = {0, 0, 0, 0, 0, 0, 0, 0}, channel = i % vectors * VECTOR;
    size_t first = (size_t)image * a.pixels * a.c + channel, at = (size_t)image * a.c + channel;
    vec dy = zeros();
    if (image < step->n) {
        dy = load((const T *)a.dy[0] + at);
        vec other = a.dy[1] ? load((const T *)a.dy[1] + at) : zeros();
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            dy.v[k] += other.v[k];
            dy.v[k] = a.max ? dy.v[k] : dy.v[k] / (float)a.pixels;
        }
        if (a.max)
            pool_image(a, (const T *)a.x + first, won);
    }
    for (int pixel = 0; pixel < a.pixels; pixel++) {
        vec dx;
#pragma unroll
        for (int k = 0; k < VECTOR; k++)
            dx.v[k] = !a.max || pixel == won[k] ? dy.v[k] : 0;
        store((T *)a.dx + first + (size_t)pixel * a.c, dx);
    }
}

void cuda_global_pool(const struct cuda_pool *pool, void *stream)
{
    unsigned blocks = blocks_for((size_t)pool->images * (size_t)(pool->c / VECTOR), THREADS);
    FOR_TYPE(pool->type, CUDA_LAUNCH_ALONE(pool_kernel<T>, dim3(blocks), dim3(THREADS), stream, *pool));
}

void cuda_global_pool_backward(const struct cuda_pool *pool, const struct cuda_step *step, void *stream)
{
    unsigned blocks = blocks_for((size_t)pool->images * (size_t)(pool->c / VECTOR), THREADS);
    FOR_TYPE(pool->type, CUDA_LAUNCH_ALONE(pool_backward_kernel<T>, dim3(blocks), dim3(THREADS), stream, *pool, step));
}

/* ---- concatenation: a thread a channel of a pixel; small tensors, so plain accesses do ---- */

template <typename T> __global__ void __launch_bounds__(THREADS) concat_kernel(cuda_concat a)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, pixel = i / (unsigned)a.out_stride;
    int c = (int)(i % (unsigned)a.out_stride);
    if (pixel >= a.pixels)
        return;
    T value = from_float<T>(0.0f);
    if (c < a.a_c)
        value = ((const T *)a.a)[pixel * a.a_stride + c];
    else if (c < a.a_c + a.b_c)
        value = ((const T *)a.b)[pixel * a.b_stride + (c - a.a_c)];
    ((T *)a.out)[i] = value;
}

/* The gradient of the channels first .. first + c - 1 into d, whose padding gets zeros. */
template <typename T>
__global__ void __launch_bounds__(THREADS) concat_backward_kernel(cuda_concat a, T *d, int first, int count, int stride)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, pixel = i / (unsigned)stride;
    int c = (int)(i % (unsigned)stride);
    if (pixel >= a.pixels)
        return;
    float sum = 0;
    if (c < count) {
        size_t at = pixel * a.out_stride + first + c;
        sum = to_float(((const T *)a.dy[0])[at]) + (a.dy[1] ? to_float(((const T *)a.dy[1])[at]) : 0);
    }
    d[i] = from_float<T>(sum);
}

void cuda_concat_forward(const struct cuda_concat *concat, void *stream)
{
    unsigned blocks = blocks_for(concat->pixels * (size_t)concat->out_stride, THREADS);
    FOR_TYPE(concat->type, CUDA_LAUNCH_ALONE(concat_kernel<T>, dim3(blocks), dim3(THREADS), stream, *concat));
}

void cuda_concat_backward(const struct cuda_concat *concat, void *stream)
{
    const cuda_concat a = *concat;
    if (a.da)
        FOR_TYPE(a.type, CUDA_LAUNCH_ALONE(concat_backward_kernel<T>, dim3(blocks_for(a.pixels * (size_t)a.a_stride, THREADS)),
                                     dim3(THREADS), stream, a, (T *)a.da, 0, a.a_c, a.a_stride));
    if (a.db)
        FOR_TYPE(a.type, CUDA_LAUNCH_ALONE(concat_backward_kernel<T>, dim3(blocks_for(a.pixels * (size_t)a.b_stride, THREADS)),
                                     dim3(THREADS), stream, a, (T *)a.db, a.a_c, a.b_c, a.b_stride));
}

/* ---- the linear layer: small, so that its bytes matter more than its arithmetic ---- */

__device__ static __forceinline__ float warp_sum(float x)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, mask);
    return x;
}

__device__ static __forceinline__ float read_as(enum cuda_type type, const void *p, size_t i)
{
    return type == CUDA_TYPE_F32   ? ((const float *)p)[i]
           : type == CUDA_TYPE_F16 ? to_float(((const f16 *)p)[i])
                                   : to_float(((const bf16_t *)p)[i]);
}

__device__ static __forceinline__ void write_as(enum cuda_type type, void *p, size_t i, float x)
{
    if (type == CUDA_TYPE_F32)
        ((float *)p)[i] = x;
    else if (type == CUDA_TYPE_F16)
        ((f16 *)p)[i] = from_float<f16>(x);
    else
        ((bf16_t *)p)[i] = from_float<bf16_t>(x);
}

/* A block an image, a warp an output at a time. */
template <typename T> __global__ void __launch_bounds__(THREADS) linear_kernel(cuda_linear a)
{
    int image = (int)blockIdx.x, lane = (int)threadIdx.x % WARP;
    const T *x = (const T *)a.x + (size_t)image * a.inputs;
    for (int o = (int)threadIdx.x / WARP; o < a.y_stride; o += THREADS / WARP) {
        float sum = 0;
        const float *w = a.weight + (size_t)o * a.inputs;
        for (int i = lane * VECTOR; o < a.outputs && i < a.inputs; i += WARP * VECTOR) {
            vec p = load(x + i), q = load(w + i);
#pragma unroll
            for (int k = 0; k < VECTOR; k++)
                sum += p.v[k] * q.v[k];
        }
        sum = warp_sum(sum);
        if (lane == 0)
            write_as(a.y_type, a.y, (size_t)image * a.y_stride + o,
                     o < a.outputs ? a.factor * (sum + (a.bias ? a.bias[o] : 0)) : 0);
    }
}

/* A thread a vector of an image's inputs. */
template <typename T> __global__ void __launch_bounds__(THREADS) linear_data_kernel(cuda_linear a)
{
    int vectors = a.inputs / VECTOR, at = (int)(blockIdx.x * THREADS + threadIdx.x), image = at / vectors;
    if (image >= a.images)
        return;
    int i = at % vectors * VECTOR;
    vec sum = zeros();
    for (int o = 0; o < a.outputs; o++) {
        float dy = read_as(a.y_type, a.dy, (size_t)image * a.y_stride + o);
        vec w = load(a.weight + (size_t)o * a.inputs + i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++)
            sum.v[k] += dy * w.v[k];
    }
#pragma unroll
    for (int k = 0; k < VECTOR; k++)
        sum.v[k] *= a.factor;
    store((T *)a.dx + (size_t)image * a.inputs + i, sum);
}

/* A block 32 inputs of one output; 8 rows of threads share the images, and the first adds what they have. */
template <typename T> __global__ void __launch_bounds__(THREADS) linear_weights_kernel(cuda_linear a, const cuda_step *step)
{
    __shared__ float sums[THREADS / WARP][WARP];
    int lane = (int)threadIdx.x % WARP, row = (int)threadIdx.x / WARP, i = (int)blockIdx.x * WARP + lane;
    int o = (int)blockIdx.y, n = step->n;
    float sum = 0, total = 0;
#pragma unroll 4
    for (int image = row; image < n; image += THREADS / WARP) {
        float dy = read_as(a.y_type, a.dy, (size_t)image * a.y_stride + o);
        if (i < a.inputs)
            sum += dy * to_float(((const T *)a.x)[(size_t)image * a.inputs + i]);
        total += dy;
    }
    sums[row][lane] = sum;
    __syncthreads();
    if (row == 0 && i < a.inputs) {
        float all = 0;
        for (int k = 0; k < THREADS / WARP; k++)
            all += sums[k][lane];
        a.weight_gradient[(size_t)o * a.inputs + i] = a.factor * all;
    }
    if (!a.bias_gradient || blockIdx.x != 0)
        return; /* the whole block */
    __syncthreads();
    sums[row][lane] = total;
    __syncthreads();
    if (threadIdx.x == 0) {
        float all = 0;
        for (int k = 0; k < THREADS / WARP; k++)
            all += sums[k][0];
        a.bias_gradient[o] = a.factor * all;
    }
}

void cuda_linear_forward(const struct cuda_linear *linear, void *stream)
{
    FOR_TYPE(linear->type, CUDA_LAUNCH(linear_kernel<T>, dim3((unsigned)linear->images), dim3(THREADS), stream, *linear));
}

void cuda_linear_backward_data(const struct cuda_linear *linear, void *stream)
{
    unsigned blocks = blocks_for((size_t)linear->images * (size_t)(linear->inputs / VECTOR), THREADS);
    FOR_TYPE(linear->type, CUDA_LAUNCH_ALONE(linear_data_kernel<T>, dim3(blocks), dim3(THREADS), stream, *linear));
}

void cuda_linear_backward_weights(const struct cuda_linear *linear, const struct cuda_step *step, void *stream)
{
    dim3 grid(blocks_for((size_t)linear->inputs, WARP), (unsigned)linear->outputs);
    FOR_TYPE(linear->type, CUDA_LAUNCH(linear_weights_kernel<T>, grid, dim3(THREADS), stream, *linear, step));
}

/* ---- loss: a warp an image ---- */

#define LOSS_WARPS 4

struct best_class {
    float value;
    int index;
};

/* The largest of the warp's, the first of equals; a NaN wins. */
__device__ static __forceinline__ best_class warp_best(best_class mine)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2) {
        best_class other;
        other.value = __shfl_xor_sync(0xffffffffu, mine.value, mask);
        other.index = __shfl_xor_sync(0xffffffffu, mine.index, mask);
        bool equal = other.value == mine.value || (other.value != other.value && mine.value != mine.value);
        if (pointwise_wins(other.value, mine.value) || (equal && other.index < mine.index))
            mine = other;
    }
    return mine;
}

/* One image by one warp: its loss in lane 0, and whether it was right. */
template <typename T> __device__ static float softmax_image(const cuda_loss &a, int image, int label, int lane, bool *right)
{
    size_t first = (size_t)image * a.stride;
    const T *logits = (const T *)a.logits + first;
    best_class best = {-INFINITY, INT_MAX};
    for (int i = lane; i < a.classes; i += WARP) {
        float x = to_float(logits[i]);
        if (best.index == INT_MAX || pointwise_wins(x, best.value))
            best = best_class{x, i};
    }
    best = warp_best(best);
    float sum = 0;
    for (int i = lane; i < a.classes; i += WARP)
        sum += expf(to_float(logits[i]) - best.value);
    sum = warp_sum(sum);
    for (int i = lane; a.gradient && i < a.stride; i += WARP) {
        float target = (1 - a.smoothing) * (i == label) + a.smoothing / (float)a.classes;
        float g = i < a.classes ? expf(to_float(logits[i]) - best.value) / sum - target : 0;
        ((T *)a.gradient)[first + i] = from_float<T>(g);
    }
    *right = best.index == label && best.value == best.value;
    return logf(sum) - (to_float(logits[label]) - best.value);
}

template <typename T>
__global__ void __launch_bounds__(LOSS_WARPS *WARP) loss_kernel(cuda_loss a, const cuda_step *step, cuda_result *result)
{
    __shared__ double losses[LOSS_WARPS * WARP];
    __shared__ double rights[LOSS_WARPS * WARP];
    int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    int image = (int)blockIdx.x * LOSS_WARPS + warp;
    double loss = 0, right = 0;
    if (image < step->n) {
        bool hit;
        loss = softmax_image<T>(a, image, step->labels[step->choices[image].image], lane, &hit);
        right = hit;
    } else if (image < a.images && a.gradient) {
        for (int i = lane; i < a.stride; i += WARP)
            ((T *)a.gradient)[(size_t)image * a.stride + i] = from_float<T>(0.0f);
    }
    if (lane == 0) {
        losses[warp] = loss;
        rights[warp] = right;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        loss = right = 0;
        for (int i = 0; i < LOSS_WARPS; i++) {
            loss += losses[i];
            right += rights[i];
        }
        a.part[2 * blockIdx.x] = loss;
        a.part[2 * blockIdx.x + 1] = right;
    }
    if (!last_block(a.ticket, gridDim.x))
        return;
    loss = right = 0;
    for (unsigned i = threadIdx.x; i < gridDim.x; i += LOSS_WARPS * WARP) {
        loss += read_fresh(a.part + 2 * i);
        right += read_fresh(a.part + 2 * i + 1);
    }
    losses[threadIdx.x] = loss;
    rights[threadIdx.x] = right;
    __syncthreads();
    if (threadIdx.x != 0)
        return;
    loss = right = 0;
    for (int i = 0; i < LOSS_WARPS * WARP; i++) {
        loss += losses[i];
        right += rights[i];
    }
    result->loss_sum = loss;
    result->correct = (int)right;
    if (!isfinite(loss))
        atomicMin(&result->bad_row, a.row);
}

int cuda_loss_blocks(int images)
{
    return (images + LOSS_WARPS - 1) / LOSS_WARPS;
}

void cuda_softmax_loss(const struct cuda_loss *loss, const struct cuda_step *step, struct cuda_result *result, void *stream)
{
    FOR_TYPE(loss->type, CUDA_LAUNCH(loss_kernel<T>, dim3((unsigned)cuda_loss_blocks(loss->images)), dim3(LOSS_WARPS * WARP),
                                     stream, *loss, step, result));
}
