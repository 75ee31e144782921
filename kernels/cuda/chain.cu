/*
 * Chains (ops.h): what lies between two convolutions. All four kernels walk the same way: a block is a tile of up to 32
 * vectors of channels times some rows of threads; a thread keeps its channels' parameters in registers and walks over
 * pixels, so that a warp reads whole lines. Bound by memory: moments reads x once, forward x once, sums and backward
 * x and dy once each and dx is written once.
 *
 * Batch norm and its gradient: Ioffe & Szegedy, arXiv:1502.03167. Squares are summed around a value of the channel (that
 * of the group's first pixel), so that a mean far from zero costs no digits.
 */
#include "kernels/cuda/chain.cuh"

/* ---- reductions over pixels: two sums a channel, one set of them a group ---- */

/* Adds the rows' sums of each channel and leaves them in part[slice of the group][2][c]. */
__device__ static void leave_part(const cuda_chain &a, const place &p, const vec &s1, const vec &s2, int slice)
{
    __shared__ float sums[THREADS][2 * VECTOR + 1];
#pragma unroll
    for (int k = 0; k < VECTOR; k++) {
        sums[threadIdx.x][k] = s1.v[k];
        sums[threadIdx.x][VECTOR + k] = s2.v[k];
    }
    __syncthreads();
    int tile = tile_of(a.c);
    for (int i = (int)threadIdx.x; i < tile * 2 * VECTOR; i += THREADS) {
        int vector = i % tile, k = i / tile, channel = ((int)blockIdx.y * tile + vector) * VECTOR + k % VECTOR;
        float sum = 0;
        for (int row = 0; row < p.rows; row++)
            sum += sums[row * tile + vector][k];
        if (channel < a.c)
            a.part[((size_t)slice * 2 + k / VECTOR) * a.c + channel] = sum;
    }
}

/*
 * For the last block: the totals of a group's parts. Each channel of the block's tile is added up by several threads;
 * the first of them (*first) gets the totals. All threads of the block call it.
 */
__device__ static void group_totals(const cuda_chain &a, int group, int slices, int *channel, bool *first, double *total1,
                                    double *total2)
{
    __shared__ double sums[2][THREADS];
    int channels = tile_of(a.c) * VECTOR, shares = THREADS / channels;
    int share = (int)threadIdx.x / channels, c = (int)blockIdx.y * channels + (int)threadIdx.x % channels;
    double s1 = 0, s2 = 0;
    if (share < shares && c < a.c) {
        const float *part = a.part + (size_t)group * slices * 2 * a.c + c;
#pragma unroll 4
        for (int slice = share; slice < slices; slice += shares) {
            s1 += read_fresh(part + (size_t)slice * 2 * a.c);
            s2 += read_fresh(part + ((size_t)slice * 2 + 1) * a.c);
        }
    }
    __syncthreads(); /* who read the last group's sums is done */
    sums[0][threadIdx.x] = s1;
    sums[1][threadIdx.x] = s2;
    __syncthreads();
    *channel = c;
    *first = share == 0 && c < a.c;
    *total1 = *total2 = 0;
    for (int i = 0; *first && i < shares; i++) {
        *total1 += sums[0][i * channels + threadIdx.x];
        *total2 += sums[1][i * channels + threadIdx.x];
    }
}

/* The pixels, counted through the group's images, that a block walks over. */
struct walk {
    int group, slice;
    int first_image, pixel, end, step;
};

__device__ static __forceinline__ walk walk_of(const cuda_chain &a, const place &p, int n, int slices, int pixels)
{
    walk w;
    w.group = (int)blockIdx.x / slices;
    w.slice = (int)blockIdx.x % slices;
    group g = group_at(a, n, w.group);
    int all = (g.end - g.first) * pixels, share = (all + slices - 1) / slices;
    w.first_image = g.first;
    w.pixel = least(w.slice * share, all) + p.row;
    w.end = least((w.slice + 1) * share, all);
    w.step = p.rows;
    return w;
}

/* ---- moments ---- */

__device__ static void finish_moments(const cuda_chain &a, int n, int slices, cuda_result *result)
{
    const float *shift = a.part + (size_t)a.groups * slices * 2 * a.c;
    double means = 0, variances = 0, groups = 0;
    int c = 0;
    bool first = false;
    for (int index = 0; index < a.groups; index++) {
        double s1, s2;
        group_totals(a, index, slices, &c, &first, &s1, &s2);
        group g = group_at(a, n, index);
        double count = (double)(g.end - g.first) * inner_height(a) * inner_width(a);
        if (!first || g.first >= g.end)
            continue;
        double off = s1 / count, mean = (double)read_fresh(shift + (size_t)index * a.c + c) + off;
        double square = s2 - s1 * off;
        square = square < 0 ? 0 : square;
        a.mean[index * a.c + c] = as_half(a, (float)mean);
        a.inv_std[index * a.c + c] = kept_inv_std(a, (float)(1 / sqrt(square / count + (double)a.eps)), c);
        means += mean;
        variances += square / (count > 1 ? count - 1 : 1);
        groups += 1;
    }
    if (!first)
        return;
    if (!isfinite(means) || !isfinite(variances))
        atomicMin(&result->bad_row, a.x_row);
    double m = (double)a.momentum;
    a.running_mean[c] = as_half(a, (float)((1 - m) * a.running_mean[c] + m * means / groups));
    a.running_var[c] = as_half(a, (float)((1 - m) * a.running_var[c] + m * variances / groups));
}

template <typename T>
__global__ void __launch_bounds__(THREADS) moments_kernel(cuda_chain a, const cuda_step *step, cuda_result *result, int slices)
{
    place p = place_of(a.c);
    int n = step->n, width = inner_width(a), pixels = inner_height(a) * width;
    walk w = walk_of(a, p, n, slices, pixels);
    group g = group_at(a, n, w.group);
    vec s1 = zeros(), s2 = zeros(), shift = zeros();
    if (p.on && g.first < g.end) {
        shift = a.before > 1 ? pooled_at<T>(a, g.first, 0, 0, p.channel, nullptr) : x_at<T>(a, g.first, 0, 0, p.channel);
        if (w.slice == 0 && p.row == 0)
            store(a.part + (size_t)(a.groups * slices * 2 + w.group) * a.c + p.channel, shift);
        for (int i = w.pixel; i < w.end; i += w.step) {
            int image = w.first_image + i / pixels, at = i % pixels;
            vec x;
            if (a.before > 1) {
                alignas(8) uint8_t where[VECTOR];
                size_t to = ((size_t)image * pixels + at) * a.c + p.channel;
                x = pooled_at<T>(a, image, at / width, at % width, p.channel, where);
                store((T *)a.inner + to, x);
                if (a.max)
                    store_bytes(a.where + to, where);
            } else {
                x = x_at<T>(a, image, at / width, at % width, p.channel);
            }
#pragma unroll
            for (int k = 0; k < VECTOR; k++) {
                float d = x.v[k] - shift.v[k];
                s1.v[k] += d;
                s2.v[k] += d * d;
            }
        }
    }
    if (a.kind != CUDA_CHAIN_NORM)
        return;
    leave_part(a, p, s1, s2, (int)blockIdx.x);
    if (last_block(a.ticket + blockIdx.y, gridDim.x))
        finish_moments(a, n, slices, result);
}

/* ---- forward ---- */

template <typename T>
__global__ void __launch_bounds__(THREADS, 3) forward_kernel(cuda_chain a, const cuda_step *step, bool training)
{
    place p = place_of(a.c);
    if (!p.on)
        return;
    int height = inner_height(a) / a.after, width = inner_width(a) / a.after, pixels = height * width;
    int size = group_size(a, step->n), current = -2, end = a.images * pixels;
    affine t = {};
    for (int i = (int)blockIdx.x * p.rows + p.row; i < end; i += (int)gridDim.x * p.rows) {
        int image = i / pixels, y = i % pixels / width, x = i % width;
        int group = training ? least(image / size, a.groups - 1) : -1;
        if (a.kind != CUDA_CHAIN_PLAIN && group != current) {
            t = affine_of(a, group, p.channel);
            current = group;
        }
        vec best = zeros();
        for (int k = 0; k < a.after * a.after; k++) {
            int iy = y * a.after + k / a.after, ix = x * a.after + k % a.after;
            vec in = a.before > 1 && !training ? pooled_at<T>(a, image, iy, ix, p.channel, nullptr)
                                               : inner_at<T>(a, image, iy, ix, p.channel);
            vec one = apply_act(a, apply_affine(a, t, in));
#pragma unroll
            for (int j = 0; j < VECTOR; j++) {
                if (a.after == 1)
                    best.v[j] = one.v[j];
                else if (!a.max)
                    best.v[j] += one.v[j];
                else if (float value = rounded<T>(one.v[j]); k == 0 || pointwise_wins(value, best.v[j]))
                    best.v[j] = value;
            }
        }
        if (a.after > 1 && !a.max)
#pragma unroll
            for (int j = 0; j < VECTOR; j++)
                best.v[j] /= (float)(a.after * a.after);
        size_t to = (size_t)i * a.c + p.channel;
        if (a.skip) {
            vec other = load((const T *)a.skip + to);
#pragma unroll
            for (int j = 0; j < VECTOR; j++)
                best.v[j] += other.v[j];
        }
        store((T *)a.out + to, best);
    }
}

/* ---- backward ---- */

/* Of one window of the pool after the activation: which pixel won, per channel. */
template <typename T>
__device__ static __forceinline__ void winners(const cuda_chain &a, const affine &t, int image, int y, int x, int channel,
                                               int *won)
{
    vec best = zeros();
    for (int k = 0; k < a.after * a.after; k++) {
        vec one = apply_act(
            a, apply_affine(a, t, inner_at<T>(a, image, y * a.after + k / a.after, x * a.after + k % a.after, channel)));
#pragma unroll
        for (int j = 0; j < VECTOR; j++) {
            float value = rounded<T>(one.v[j]);
            if (k == 0 || pointwise_wins(value, best.v[j])) {
                best.v[j] = value;
                won[j] = k;
            }
        }
    }
}

/* dz at pixel k of a window, given the gradient dy of the window's output. */
__device__ static __forceinline__ float pixel_slope(const cuda_chain &a, float z, float dy, int k, int won)
{
    if (a.after > 1)
        dy = a.max ? (k == won ? dy : 0) : dy / (float)(a.after * a.after);
    return slope(a, z, dy);
}

__device__ static void finish_sums(const cuda_chain &a, int n, int slices)
{
    double all1 = 0, all2 = 0;
    int c = 0;
    bool first = false;
    for (int index = 0; index < a.groups; index++) {
        double s1, s2;
        group_totals(a, index, slices, &c, &first, &s1, &s2);
        group g = group_at(a, n, index);
        if (!first || g.first >= g.end)
            continue;
        double count = (double)(g.end - g.first) * inner_height(a) * inner_width(a);
        if (a.kind == CUDA_CHAIN_NORM) {
            double inv_std = a.inv_std[index * a.c + c];
            s2 *= inv_std;
            double factor = (double)as_half(a, a.scale[c]) * inv_std, per_x = -factor * inv_std * s2 / count;
            float *to = a.coefficient + (size_t)(index * 3) * a.c + c;
            to[0] = (float)factor;
            to[a.c] = (float)per_x;
            to[2 * a.c] = (float)(-factor * s1 / count - per_x * (double)a.mean[index * a.c + c]);
        }
        all1 += s1;
        all2 += s2;
    }
    if (!first)
        return;
    a.bias_gradient[c] = as_half(a, (float)all1);
    if (a.kind == CUDA_CHAIN_NORM)
        a.scale_gradient[c] = as_half(a, (float)all2);
}

template <typename T>
__global__ void __launch_bounds__(THREADS, 2) sums_kernel(cuda_chain a, const cuda_step *step, int slices)
{
    place p = place_of(a.c);
    int n = step->n, height = inner_height(a) / a.after, width = inner_width(a) / a.after, pixels = height * width;
    walk w = walk_of(a, p, n, slices, pixels);
    vec s1 = zeros(), s2 = zeros();
    if (p.on && w.pixel < w.end) {
        affine t = affine_of(a, w.group, p.channel);
        vec mean = a.kind == CUDA_CHAIN_NORM ? load(a.mean + (size_t)w.group * a.c + p.channel) : zeros();
        for (int i = w.pixel; i < w.end; i += w.step) {
            int image = w.first_image + i / pixels, y = i % pixels / width, x = i % width;
            int won[VECTOR] = {0, 0, 0, 0, 0, 0, 0, 0};
            vec dy = dy_at<T>(a, (size_t)image * pixels + i % pixels, p.channel);
            if (a.after > 1 && a.max)
                winners<T>(a, t, image, y, x, p.channel, won);
            for (int k = 0; k < a.after * a.after; k++) {
                vec in = inner_at<T>(a, image, y * a.after + k / a.after, x * a.after + k % a.after, p.channel);
                vec z = apply_affine(a, t, in);
#pragma unroll
                for (int j = 0; j < VECTOR; j++) {
                    float dz = pixel_slope(a, z.v[j], dy.v[j], k, won[j]);
                    s1.v[j] += dz;
                    s2.v[j] += dz * (in.v[j] - mean.v[j]);
                }
            }
        }
    }
    leave_part(a, p, s1, s2, (int)blockIdx.x);
    if (last_block(a.ticket + blockIdx.y, gridDim.x))
        finish_sums(a, n, slices);
}

/* The norm's dx = dz * of_dz + x * of_x + shift: scale / std * (dz - mean of dz - x_hat * mean of dz * x_hat), sorted. */
struct norm_gradient {
    vec of_dz, of_x, shift;
};

__device__ static __forceinline__ norm_gradient norm_gradient_of(const cuda_chain &a, int group, int channel)
{
    const float *from = a.coefficient + (size_t)(group * 3) * a.c + channel;
    norm_gradient g;
    g.of_dz = load(from);
    g.of_x = load(from + a.c);
    g.shift = load(from + 2 * a.c);
    return g;
}

__device__ static __forceinline__ float norm_dx(const norm_gradient &g, int k, float in, float dz)
{
    return dz * g.of_dz.v[k] + (in * g.of_x.v[k] + g.shift.v[k]);
}

template <typename T> __device__ static __forceinline__ void store_dx(const cuda_chain &a, int image, int y, int x, int channel, const vec &dx)
{
    store((T *)a.dx + (((size_t)image * a.h + y) * a.w + x) * a.c + channel, dx);
}

/* The window of the pool after the activation at (y, x), a partial one at the edges, which has no output. */
template <typename T>
__device__ static __forceinline__ void window_backward(const cuda_chain &a, const affine &t, const norm_gradient &g,
                                                       int image, int y, int x, int channel)
{
    int height = a.h / a.after, width = a.w / a.after;
    bool whole = y < height && x < width;
    int won[VECTOR] = {0, 0, 0, 0, 0, 0, 0, 0};
    vec dy = whole ? dy_at<T>(a, ((size_t)image * height + y) * width + x, channel) : zeros();
    if (whole && a.after > 1 && a.max)
        winners<T>(a, t, image, y, x, channel, won);
    for (int k = 0; k < a.after * a.after; k++) {
        int iy = y * a.after + k / a.after, ix = x * a.after + k % a.after;
        if (iy >= a.h || ix >= a.w)
            continue;
        vec in = x_at<T>(a, image, iy, ix, channel), z = apply_affine(a, t, in), dx;
#pragma unroll
        for (int j = 0; j < VECTOR; j++) {
            float dz = pixel_slope(a, z.v[j], dy.v[j], k, won[j]);
            dx.v[j] = a.kind == CUDA_CHAIN_NORM ? norm_dx(g, j, in.v[j], dz) : dz;
        }
        store_dx<T>(a, image, iy, ix, channel, dx);
    }
}

/* The window of the pool before the norm at (y, x), likewise. */
template <typename T>
__device__ static __forceinline__ void unpool_backward(const cuda_chain &a, const affine &t, const norm_gradient &g,
                                                       int image, int y, int x, int channel)
{
    int height = inner_height(a), width = inner_width(a);
    bool whole = y < height && x < width;
    vec dp = zeros();
    alignas(8) uint8_t won[VECTOR] = {0, 0, 0, 0, 0, 0, 0, 0};
    if (whole) {
        size_t pixel = ((size_t)image * height + y) * width + x;
        vec dy = dy_at<T>(a, pixel, channel), in = inner_at<T>(a, image, y, x, channel), z = apply_affine(a, t, in);
#pragma unroll
        for (int j = 0; j < VECTOR; j++) {
            float dz = slope(a, z.v[j], dy.v[j]);
            dp.v[j] = a.kind == CUDA_CHAIN_NORM ? norm_dx(g, j, in.v[j], dz) : dz;
            if (!a.max)
                dp.v[j] /= (float)(a.before * a.before);
        }
        if (a.max)
            load_bytes(a.where + pixel * a.c + channel, won);
    }
    for (int k = 0; k < a.before * a.before; k++) {
        int iy = y * a.before + k / a.before, ix = x * a.before + k % a.before;
        if (iy >= a.h || ix >= a.w)
            continue;
        vec dx;
#pragma unroll
        for (int j = 0; j < VECTOR; j++)
            dx.v[j] = whole && (!a.max || k == won[j]) ? dp.v[j] : 0;
        store_dx<T>(a, image, iy, ix, channel, dx);
    }
}

template <typename T>
__global__ void __launch_bounds__(THREADS, 2) backward_kernel(cuda_chain a, const cuda_step *step)
{
    place p = place_of(a.c);
    if (!p.on)
        return;
    int window = a.before > 1 ? a.before : a.after, n = step->n, size = group_size(a, n), current = -1;
    int height = (a.h + window - 1) / window, width = (a.w + window - 1) / window, pixels = height * width;
    affine t = {};
    norm_gradient g = {};
    for (int i = (int)blockIdx.x * p.rows + p.row; i < a.images * pixels; i += (int)gridDim.x * p.rows) {
        int image = i / pixels, y = i % pixels / width, x = i % width;
        if (image >= n) {
            for (int k = 0; k < window * window; k++)
                if (y * window + k / window < a.h && x * window + k % window < a.w)
                    store_dx<T>(a, image, y * window + k / window, x * window + k % window, p.channel, zeros());
            continue;
        }
        if (a.kind != CUDA_CHAIN_PLAIN && image / size != current) {
            current = image / size;
            t = affine_of(a, current, p.channel);
            if (a.kind == CUDA_CHAIN_NORM)
                g = norm_gradient_of(a, current, p.channel);
        }
        if (a.before > 1)
            unpool_backward<T>(a, t, g, image, y, x, p.channel);
        else
            window_backward<T>(a, t, g, image, y, x, p.channel);
    }
}

/* ---- launches ---- */

static dim3 reduction_grid(const cuda_chain *chain)
{
    return dim3((unsigned)(slices_of(*chain) * chain->groups), (unsigned)tiles_of(chain->c));
}

/* Enough blocks for every multiprocessor several times over, not more than there is work. */
static dim3 walk_grid(const cuda_chain *chain, int pixels)
{
    int rows = THREADS / tile_of(chain->c);
    size_t blocks = ((size_t)chain->images * (size_t)pixels + (size_t)rows - 1) / (size_t)rows;
    size_t most = (size_t)(8 * SLICES / tiles_of(chain->c)) + 1;
    return dim3((unsigned)(blocks < most ? blocks : most), (unsigned)tiles_of(chain->c));
}

size_t cuda_chain_part_floats(const struct cuda_chain *chain)
{
    return (size_t)chain->groups * (size_t)(2 * slices_of(*chain) + 1) * (size_t)chain->c;
}

size_t cuda_chain_tickets(const struct cuda_chain *chain)
{
    return (size_t)tiles_of(chain->c);
}

void cuda_chain_moments(const struct cuda_chain *chain, const struct cuda_step *step, struct cuda_result *result,
                        void *stream)
{
    FOR_TYPE(chain->type, CUDA_LAUNCH(moments_kernel<T>, reduction_grid(chain), dim3(THREADS), stream, *chain, step, result,
                                      slices_of(*chain)));
}

void cuda_chain_forward(const struct cuda_chain *chain, const struct cuda_step *step, bool training, void *stream)
{
    int pixels = (inner_height(*chain) / chain->after) * (inner_width(*chain) / chain->after);
    FOR_TYPE(chain->type, CUDA_LAUNCH_ALONE(forward_kernel<T>, walk_grid(chain, pixels), dim3(THREADS), stream, *chain, step, training));
}

void cuda_chain_sums(const struct cuda_chain *chain, const struct cuda_step *step, void *stream)
{
    FOR_TYPE(chain->type,
             CUDA_LAUNCH(sums_kernel<T>, reduction_grid(chain), dim3(THREADS), stream, *chain, step, slices_of(*chain)));
}

void cuda_chain_backward(const struct cuda_chain *chain, const struct cuda_step *step, void *stream)
{
    int window = chain->before > 1 ? chain->before : chain->after;
    int pixels = ((chain->h + window - 1) / window) * ((chain->w + window - 1) / window);
    FOR_TYPE(chain->type, CUDA_LAUNCH_ALONE(backward_kernel<T>, walk_grid(chain, pixels), dim3(THREADS), stream, *chain, step));
}
