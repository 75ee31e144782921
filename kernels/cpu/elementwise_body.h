/*
 * The loops of elementwise.c, written once on sixteen floats; elementwise_plain.c and its siblings include a
 * vector16_*.h, define ELEMENTWISE_KERNELS and include this.
 */
#include "kernels/cpu/elementwise_kernels.h"

#ifndef DAVIDNET_KERNELS_CPU_VECTOR16_H
#include "kernels/cpu/vector16_plain.h"
#endif

static inline v16 view_load(const struct chain_view *view, ptrdiff_t at)
{
    return view->type == CHAIN_BF16 ? v16_load_bf16((const bf16 *)view->data + at)
                                    : v16_load((const float *)view->data + at);
}

static inline void view_store(const struct chain_view *view, ptrdiff_t at, v16 value)
{
    if (view->type == CHAIN_BF16)
        v16_store_bf16((bf16 *)view->data + at, value);
    else
        v16_store((float *)view->data + at, value);
}

/* The first `count` (at most 16) floats at p, zeros behind. */
static inline v16 load_some(const float *p, ptrdiff_t count)
{
    if (count >= CHAIN_BLOCK)
        return v16_load_any(p);
    float lanes[CHAIN_BLOCK] = {0};
    memcpy(lanes, p, (size_t)count * sizeof *p);
    return v16_load_any(lanes);
}

static inline void store_some(float *p, ptrdiff_t count, v16 value)
{
    if (count >= CHAIN_BLOCK) {
        v16_store_any(p, value);
        return;
    }
    float lanes[CHAIN_BLOCK];
    v16_store_any(lanes, value);
    memcpy(p, lanes, (size_t)count * sizeof *p);
}

static void linear_forward(const struct linear_job *job, size_t begin, size_t end)
{
    for (size_t n = begin; n < end; n++)
        for (int o = 0; o < job->out; o++) {
            const float *row = job->weight + (size_t)o * (size_t)job->in;
            ptrdiff_t at = (ptrdiff_t)n * job->x->sn;
            v16 sum = v16_zero();
            for (int i = 0; i < job->in; i += CHAIN_BLOCK, at += job->x->sb)
                sum = v16_add(sum, v16_mul(view_load(job->x, at), load_some(row + i, job->in - i)));
            float bias = job->bias ? job->bias[o] : 0;
            job->y[n * (size_t)job->out + (size_t)o] = job->factor * (v16_sum(sum) + bias);
        }
}

static void linear_input(const struct linear_job *job, size_t begin, size_t end)
{
    for (size_t n = begin; n < end; n++) {
        const float *dy = job->dy + n * (size_t)job->out;
        for (int i = 0; i < job->dx->c; i += CHAIN_BLOCK) {
            v16 sum = v16_zero();
            for (int o = 0; o < job->out && i < job->in; o++) {
                v16 weight = load_some(job->weight + (size_t)o * (size_t)job->in + i, job->in - i);
                sum = v16_add(sum, v16_mul(v16_set(dy[o]), weight));
            }
            sum = v16_mul(sum, v16_set(job->factor));
            view_store(job->dx, (ptrdiff_t)n * job->dx->sn + i / CHAIN_BLOCK * job->dx->sb, sum);
        }
    }
}

enum { LINEAR_ROWS = 8, LINEAR_CHUNK = 32 };

/* Rows [first, first + LINEAR_ROWS) of one block's gradient: chunks of images, then the chunks. */
static void linear_weight_rows(const struct linear_job *job, int block, int first)
{
    int rows = job->out - first < LINEAR_ROWS ? job->out - first : LINEAR_ROWS;
    v16 total[LINEAR_ROWS];
    for (int r = 0; r < rows; r++)
        total[r] = v16_zero();
    for (int chunk = 0; chunk < job->n; chunk += LINEAR_CHUNK) {
        int last = job->n - chunk < LINEAR_CHUNK ? job->n : chunk + LINEAR_CHUNK;
        v16 sum[LINEAR_ROWS];
        for (int r = 0; r < rows; r++)
            sum[r] = v16_zero();
        for (int n = chunk; n < last; n++) {
            v16 x = view_load(job->x, n * job->x->sn + block * job->x->sb);
            const float *dy = job->dy + (size_t)n * (size_t)job->out + first;
            for (int r = 0; r < rows; r++)
                sum[r] = v16_add(sum[r], v16_mul(v16_set(dy[r]), x));
        }
        for (int r = 0; r < rows; r++)
            total[r] = v16_add(total[r], sum[r]);
    }
    int i = block * CHAIN_BLOCK;
    for (int r = 0; r < rows; r++)
        store_some(job->dweight + (size_t)(first + r) * (size_t)job->in + i, job->in - i,
                   v16_mul(total[r], v16_set(job->factor)));
}

static void linear_weight(const struct linear_job *job, size_t begin, size_t end)
{
    for (size_t block = begin; block < end; block++)
        for (int first = 0; first < job->out; first += LINEAR_ROWS)
            linear_weight_rows(job, (int)block, first);
}

/* Maximum, or sum row by row, of the window at `at`; *pixel: which one was the first maximum. */
static inline v16 pool_window(const struct pool_job *job, ptrdiff_t at, v16 *pixel)
{
    const struct chain_view *x = job->x;
    v16 best = view_load(x, at), total = v16_zero();
    *pixel = v16_zero();
    for (int i = 0; i < job->kh; i++) {
        v16 sum = v16_zero();
        for (int j = 0; j < job->kw; j++) {
            v16 value = view_load(x, at + i * x->sh + j * x->sw);
            sum = v16_add(sum, value);
            m16 beats = v16_beats(value, best);
            best = v16_select(beats, value, best);
            *pixel = v16_select(beats, v16_set((float)(i * job->kw + j)), *pixel);
        }
        total = v16_add(total, sum);
    }
    return job->average ? v16_mul(total, v16_set(1.0f / (float)(job->kh * job->kw))) : best;
}

static void pool_forward(const struct pool_job *job, size_t begin, size_t end)
{
    const struct chain_view *x = job->x, *y = job->y;
    v16 pixel;
    for (size_t n = begin; n < end; n++)
        for (int row = 0; row < x->h / job->kh; row++)
            for (int column = 0; column < x->w / job->kw; column++)
                for (int block = 0; block < x->c / CHAIN_BLOCK; block++) {
                    ptrdiff_t from =
                        (ptrdiff_t)n * x->sn + block * x->sb + row * job->kh * x->sh + column * job->kw * x->sw;
                    ptrdiff_t to = (ptrdiff_t)n * y->sn + block * y->sb + row * y->sh + column * y->sw;
                    view_store(y, to, pool_window(job, from, &pixel));
                }
}

/* The gradient of one window, which may be cut off at the edge: then nothing came from it. */
static inline void pool_window_backward(const struct pool_job *job, ptrdiff_t n, int block, int row, int column)
{
    const struct chain_view *dx = job->dx, *dy = job->dy;
    int top = row * job->kh, left = column * job->kw, whole = top + job->kh <= dx->h && left + job->kw <= dx->w;
    ptrdiff_t to = n * dx->sn + block * dx->sb + top * dx->sh + left * dx->sw;
    v16 g = v16_zero(), pixel = v16_zero();
    if (whole) {
        g = view_load(dy, n * dy->sn + block * dy->sb + row * dy->sh + column * dy->sw);
        if (job->average)
            g = v16_mul(g, v16_set(1.0f / (float)(job->kh * job->kw)));
        else
            pool_window(job, n * job->x->sn + block * job->x->sb + top * job->x->sh + left * job->x->sw, &pixel);
    }
    for (int i = 0; i < job->kh && top + i < dx->h; i++)
        for (int j = 0; j < job->kw && left + j < dx->w; j++) {
            m16 chosen = v16_equal(pixel, v16_set((float)(i * job->kw + j)));
            view_store(dx, to + i * dx->sh + j * dx->sw, job->average ? g : v16_keep(chosen, g));
        }
}

static void pool_backward(const struct pool_job *job, size_t begin, size_t end)
{
    const struct chain_view *dx = job->dx;
    for (size_t n = begin; n < end; n++)
        for (int row = 0; row * job->kh < dx->h; row++)
            for (int column = 0; column * job->kw < dx->w; column++)
                for (int block = 0; block < dx->c / CHAIN_BLOCK; block++)
                    pool_window_backward(job, (ptrdiff_t)n, block, row, column);
}

/* One block of parameters; the new weight. */
static inline v16 update_one(const struct update_factors *factors, v16 w, v16 dw, v16 *buffer)
{
    v16 lr = v16_set(factors->lr), momentum = v16_set(factors->momentum);
    v16 g = v16_add(dw, v16_mul(v16_set(factors->decay), w));
    if (factors->form == NESTEROV_PAGE)
        g = v16_sub(v16_zero(), v16_mul(lr, g));
    v16 v = v16_add(v16_mul(momentum, *buffer), g);
    *buffer = v;
    switch (factors->form) {
    case NESTEROV_PAGE:
        return v16_add(w, v16_add(g, v16_mul(momentum, v)));
    case NESTEROV_NONE:
        return v16_sub(w, v16_mul(lr, v));
    default:
        return v16_sub(w, v16_mul(lr, v16_add(g, v16_mul(momentum, v))));
    }
}

static int update(const struct update_factors *factors, size_t count, float *weight, const float *gradient,
                  float *buffer)
{
    v16 trouble = v16_zero(); /* x - x is 0, or NaN when x is not finite; whatever is wrong with dw shows in w */
    for (size_t i = 0; i < count; i += CHAIN_BLOCK) {
        ptrdiff_t here = count - i < CHAIN_BLOCK ? (ptrdiff_t)(count - i) : CHAIN_BLOCK;
        v16 v = load_some(buffer + i, here);
        v16 w = update_one(factors, load_some(weight + i, here), load_some(gradient + i, here), &v);
        store_some(buffer + i, here, v);
        store_some(weight + i, here, w);
        trouble = v16_add(trouble, v16_sub(w, w));
    }
    return v16_sum(trouble) == 0;
}

#ifdef ELEMENTWISE_KERNELS
const struct elementwise_kernels ELEMENTWISE_KERNELS = {.linear_forward = linear_forward,
                                                        .linear_input = linear_input,
                                                        .linear_weight = linear_weight,
                                                        .pool_forward = pool_forward,
                                                        .pool_backward = pool_backward,
                                                        .update = update};
#endif
