/*
 * Muon and LARS (enum plan_rule). Muon's matrices are small and many, so that one launch does a piece of work for all of
 * them: a block has a tile of CUDA_TILE x CUDA_TILE of some product. Products and sums are float32 whatever the
 * activations are. x x^T has few tiles and long sums, which are cut into slices; the block that ends last adds them up.
 */
#include "kernels/cuda/launch.cuh"

#define THREADS 256
#define SLAB 16 /* terms of a sum that lie in shared memory at once */
#define EACH 4  /* a thread has EACH x EACH of a tile */
#define PAD 4

/* The sum of every thread's x, in a fixed order, in every thread. */
__device__ static __forceinline__ double block_sum(double x)
{
    __shared__ double sums[THREADS];
    __syncthreads(); /* the last call's readers are done */
    sums[threadIdx.x] = x;
    __syncthreads();
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    return sums[0];
}

/* ---- LARS: a block a filter ---- */

__global__ void __launch_bounds__(THREADS) lars_kernel(const cuda_weights *weights, const cuda_chunk *filters,
                                                       const cuda_step *step, cuda_result *result)
{
    const cuda_chunk filter = filters[blockIdx.x];
    const cuda_weights t = weights[filter.tensor];
    const cuda_rate rate = step->rates[filter.tensor];
    if (!rate.trains)
        return;
    double weight = 0, change = 0;
    for (size_t i = filter.begin + threadIdx.x * VECTOR; i < filter.end; i += THREADS * VECTOR) {
        vec w = load(t.value + i), g = load_as(t.gradient_type, t.gradient, i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            double d = (double)g.v[k] + (double)rate.decay * w.v[k];
            weight += (double)w.v[k] * w.v[k];
            change += d * d;
        }
    }
    weight = block_sum(weight);
    change = block_sum(change);
    float lr = (float)(rate.lr * sqrt(weight) / (sqrt(change) + PLAN_LARS_EPS));
    sgd_chunk(t, filter, rate, lr, step->form, THREADS, isfinite(lr), result);
}

void cuda_lars(const struct cuda_weights *weights, const struct cuda_chunk *filters, int n_filters,
               const struct cuda_step *step, struct cuda_result *result, void *stream)
{
    CUDA_LAUNCH(lars_kernel, dim3((unsigned)n_filters), dim3(THREADS), stream, weights, filters, step, result);
}

/* ---- Muon ---- */

/* The momentum, Nesterov's step into x, and sums of squares, a pair a chunk. */
__global__ void __launch_bounds__(THREADS) muon_momentum_kernel(const struct cuda_muon muon, const cuda_step *step,
                                                                cuda_result *result)
{
    const cuda_chunk chunk = muon.chunks[blockIdx.x];
    const cuda_matrix matrix = muon.matrices[chunk.tensor];
    const cuda_weights t = muon.weights[matrix.tensor];
    const cuda_rate rate = step->rates[matrix.tensor];
    if (!rate.trains)
        return;
    double change = 0, weight = 0;
    bool finite = true;
    for (size_t i = chunk.begin + threadIdx.x * VECTOR; i < chunk.end; i += THREADS * VECTOR) {
        vec w = load(t.value + i), v = load(t.momentum + i), g = load_as(t.gradient_type, t.gradient, i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            v.v[k] = rate.momentum * v.v[k] + g.v[k];
            g.v[k] += rate.momentum * v.v[k];
            change += (double)g.v[k] * g.v[k];
            weight += (double)w.v[k] * w.v[k];
            finite = finite && isfinite(g.v[k]) && isfinite(w.v[k]);
        }
        store(t.momentum + i, v);
        store(matrix.x + i, g);
    }
    change = block_sum(change);
    weight = block_sum(weight);
    if (threadIdx.x == 0) {
        matrix.squares[2 * (chunk.begin / CUDA_CHUNK)] = change;
        matrix.squares[2 * (chunk.begin / CUDA_CHUNK) + 1] = weight;
    }
    if (!finite)
        atomicMin(&result->bad_weight, t.row);
}

/* x to norm 1; every block of a matrix adds its chunks up anew, in the same order. */
__global__ void __launch_bounds__(THREADS) muon_normalise_kernel(const struct cuda_muon muon, const cuda_step *step)
{
    const cuda_chunk chunk = muon.chunks[blockIdx.x];
    const cuda_matrix matrix = muon.matrices[chunk.tensor];
    if (!step->rates[matrix.tensor].trains)
        return;
    double change = 0, weight = 0;
    for (int i = (int)threadIdx.x; i < matrix.chunks; i += THREADS) {
        change += matrix.squares[2 * i];
        weight += matrix.squares[2 * i + 1];
    }
    change = block_sum(change);
    weight = block_sum(weight);
    if (chunk.begin == 0 && threadIdx.x == 0)
        *matrix.scale = weight > 0 ? (float)sqrt(matrix.filters / weight) : 1;
    float scale = (float)(1 / (sqrt(change) + PLAN_MUON_EPS));
    for (size_t i = chunk.begin + threadIdx.x * VECTOR; i < chunk.end; i += THREADS * VECTOR) {
        vec x = load(matrix.x + i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++)
            x.v[k] *= scale;
        store(matrix.x + i, x);
    }
}

struct alignas(16) four {
    float v[EACH];
};

__device__ static __forceinline__ four load_four(const float *p, bool inside)
{
    four none = {{0, 0, 0, 0}};
    return inside ? *reinterpret_cast<const four *>(p) : none;
}

enum muon_product { SQUARE, INNER, OUTER };

/* SQUARE: a = x x^T. INNER: b = B a + C a a, a being symmetric. OUTER: y = A x + b x. */
template <int PRODUCT>
__global__ void __launch_bounds__(THREADS) muon_product_kernel(const struct cuda_muon muon, bool swapped, const cuda_step *step)
{
    __shared__ four left[SLAB][(CUDA_TILE + PAD) / EACH], right[SLAB][(CUDA_TILE + PAD) / EACH];
    const cuda_tile tile = (PRODUCT == SQUARE ? muon.squares : PRODUCT == INNER ? muon.inner : muon.outer)[blockIdx.x];
    const cuda_matrix matrix = muon.matrices[tile.matrix];
    if (!step->rates[matrix.tensor].trains)
        return;
    const float *x = swapped ? matrix.y : matrix.x;
    const float *p = PRODUCT == SQUARE ? x : PRODUCT == INNER ? matrix.a : matrix.b;
    const float *q = PRODUCT == INNER ? matrix.a : x;
    int m = matrix.m, width = PRODUCT == OUTER ? matrix.n : m, terms = PRODUCT == SQUARE ? matrix.n : m;
    int thread = (int)threadIdx.x, ty = thread / (CUDA_TILE / EACH), tx = thread % (CUDA_TILE / EACH);
    float sum[EACH][EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++)
#pragma unroll
        for (int j = 0; j < EACH; j++)
            sum[i][j] = 0;

    for (int first = tile.begin; first < tile.end; first += SLAB) {
        int line = thread / (SLAB / EACH), term = first + thread % (SLAB / EACH) * EACH; /* a line's four terms */
        four l = load_four(p + (size_t)(tile.row + line) * terms + term, tile.row + line < m && term < tile.end);
#pragma unroll
        for (int k = 0; k < EACH; k++)
            left[term - first + k][line / EACH].v[line % EACH] = l.v[k];
        if (PRODUCT == OUTER) {
            int column = tile.column + tx * EACH;
            right[ty][tx] = load_four(q + (size_t)(first + ty) * width + column, first + ty < tile.end && column < width);
        } else {
            four r = load_four(q + (size_t)(tile.column + line) * terms + term,
                               tile.column + line < m && term < tile.end);
#pragma unroll
            for (int k = 0; k < EACH; k++)
                right[term - first + k][line / EACH].v[line % EACH] = r.v[k];
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < SLAB; k++) {
            four a = left[k][ty], b = right[k][tx];
#pragma unroll
            for (int i = 0; i < EACH; i++)
#pragma unroll
                for (int j = 0; j < EACH; j++)
                    sum[i][j] += a.v[i] * b.v[j];
        }
        __syncthreads();
    }

    int row = tile.row + ty * EACH, column = tile.column + tx * EACH;
    size_t square = (size_t)m * m;
    if (PRODUCT == SQUARE && tile.slices > 1) {
#pragma unroll
        for (int i = 0; i < EACH; i++)
#pragma unroll
            for (int j = 0; j < EACH; j++)
                if (row + i < m && column + j < m)
                    matrix.part[tile.slice * square + (size_t)(row + i) * m + column + j] = sum[i][j];
        if (!last_block(&matrix.ticket[tile.ticket], (unsigned)tile.slices))
            return;
    }
    float *out = PRODUCT == SQUARE ? matrix.a : PRODUCT == INNER ? matrix.b : swapped ? matrix.x : matrix.y;
#pragma unroll
    for (int i = 0; i < EACH; i++)
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            if (row + i >= m || column + j >= width)
                continue;
            size_t at = (size_t)(row + i) * width + column + j;
            float value = sum[i][j];
            if (PRODUCT == SQUARE && tile.slices > 1) {
                value = 0;
                for (int slice = 0; slice < tile.slices; slice++)
                    value += read_fresh(&matrix.part[slice * square + at]);
            }
            if (PRODUCT == INNER)
                value = (float)PLAN_MUON_B * matrix.a[at] + (float)PLAN_MUON_C * value;
            if (PRODUCT == OUTER)
                value = (float)PLAN_MUON_A * x[at] + value;
            out[at] = value;
        }
}

__global__ void __launch_bounds__(THREADS) muon_apply_kernel(const struct cuda_muon muon, bool swapped, const cuda_step *step,
                                                             cuda_result *result)
{
    const cuda_chunk chunk = muon.chunks[blockIdx.x];
    const cuda_matrix matrix = muon.matrices[chunk.tensor];
    const cuda_weights t = muon.weights[matrix.tensor];
    const cuda_rate rate = step->rates[matrix.tensor];
    const float *x = swapped ? matrix.y : matrix.x;
    if (!rate.trains)
        return;
    float scale = *matrix.scale;
    bool finite = true;
    for (size_t i = chunk.begin + threadIdx.x * VECTOR; i < chunk.end; i += THREADS * VECTOR) {
        vec w = load(t.value + i), o = load(x + i);
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            w.v[k] = scale * w.v[k] - rate.lr * o.v[k];
            finite = finite && isfinite(w.v[k]);
        }
        store(t.value + i, w);
        if (t.used)
            store_used(t, i, w);
    }
    if (!finite)
        atomicMin(&result->bad_weight, t.row);
}

void cuda_muon(const struct cuda_muon *muon, const struct cuda_step *step, struct cuda_result *result, void *stream)
{
    dim3 chunks((unsigned)muon->n_chunks), block(THREADS);
    bool swapped = false;
    CUDA_LAUNCH(muon_momentum_kernel, chunks, block, stream, *muon, step, result);
    CUDA_LAUNCH(muon_normalise_kernel, chunks, block, stream, *muon, step);
    for (int i = 0; i < PLAN_MUON_STEPS; i++, swapped = !swapped) {
        CUDA_LAUNCH(muon_product_kernel<SQUARE>, dim3((unsigned)muon->n_squares), block, stream, *muon, swapped, step);
        CUDA_LAUNCH(muon_product_kernel<INNER>, dim3((unsigned)muon->n_inner), block, stream, *muon, swapped, step);
        CUDA_LAUNCH(muon_product_kernel<OUTER>, dim3((unsigned)muon->n_outer), block, stream, *muon, swapped, step);
    }
    CUDA_LAUNCH_ALONE(muon_apply_kernel, chunks, block, stream, *muon, swapped, step, result);
}
