/* Pools, windowed and global (one window of the whole plane). Rows and columns beyond the last whole window are
 * dropped, as PyTorch does. A NaN wins a maximum, so that it is not lost. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <math.h>
#include <string.h>

/* Window (oy, ox) of a plane covers lines y .. y+h-1 and columns x .. x+w-1 of the input. */
struct window {
    int y, x, h, w;
};

static struct window window_at(const struct ref_row *row, int oy, int ox)
{
    struct plan_shape in = ref_in_shape(row);
    int k = row->plan->kernel;
    if (row->plan->op == PLAN_GLOBAL_MAX || row->plan->op == PLAN_GLOBAL_AVG)
        return (struct window){0, 0, in.h, in.w};
    return (struct window){oy * k, ox * k, k, k};
}

/* Where in the plane the window's maximum is: the first in row-major order, or the first NaN. */
static size_t first_max(const float *plane, int width, struct window window)
{
    size_t best = (size_t)window.y * width + window.x;
    for (int y = window.y; y < window.y + window.h; y++)
        for (int x = window.x; x < window.x + window.w; x++) {
            size_t at = (size_t)y * width + x;
            if (plane[at] > plane[best] || (isnan(plane[at]) && !isnan(plane[best])))
                best = at;
        }
    return best;
}

static float average(const float *plane, int width, struct window window)
{
    double sum = 0;
    for (int y = window.y; y < window.y + window.h; y++)
        for (int x = window.x; x < window.x + window.w; x++)
            sum += plane[(size_t)y * width + x];
    return (float)(sum / ((double)window.h * window.w));
}

static bool takes_max(const struct ref_row *row)
{
    return row->plan->op == PLAN_MAX_POOL || row->plan->op == PLAN_GLOBAL_MAX;
}

/* Items are (image, channel). */
static void forward_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    struct plan_shape in = ref_in_shape(row), out = row->plan->out;
    (void)thread;

    for (size_t i = begin; i < end; i++) {
        const float *plane = row->input[0]->out + i * in.h * in.w;
        for (int oy = 0; oy < out.h; oy++)
            for (int ox = 0; ox < out.w; ox++) {
                struct window window = window_at(row, oy, ox);
                row->out[(i * out.h + oy) * out.w + ox] =
                    takes_max(row) ? plane[first_max(plane, in.w, window)] : average(plane, in.w, window);
            }
    }
}

void ref_pool_forward(struct ref_row *row)
{
    parallel_for((size_t)ref_images(row) * row->plan->out.c, 1, forward_range, row);
}

static void backward_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    struct plan_shape in = ref_in_shape(row), out = row->plan->out;
    size_t plane_size = (size_t)in.h * in.w;
    (void)thread;

    for (size_t i = begin; i < end; i++) {
        const float *plane = row->input[0]->out + i * plane_size;
        float *dx = row->ref->share + i * plane_size;
        memset(dx, 0, plane_size * sizeof *dx);
        for (int oy = 0; oy < out.h; oy++)
            for (int ox = 0; ox < out.w; ox++) {
                struct window window = window_at(row, oy, ox);
                float dy = row->gradient[(i * out.h + oy) * out.w + ox];
                if (takes_max(row)) {
                    dx[first_max(plane, in.w, window)] = dy;
                    continue;
                }
                for (int y = window.y; y < window.y + window.h; y++)
                    for (int x = window.x; x < window.x + window.w; x++)
                        dx[(size_t)y * in.w + x] = dy / (float)(window.h * window.w);
            }
    }
}

void ref_pool_backward(struct ref_row *row)
{
    if (!ref_wants(row))
        return;
    parallel_for((size_t)ref_images(row) * row->plan->out.c, 1, backward_range, row);
    ref_give(row->input[0], row->ref->share);
}
