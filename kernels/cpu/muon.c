#include "kernels/cpu/muon.h"

#include "kernels/parallel.h"

#include <math.h>
#include <string.h>

#define CHUNK 4096 /* elements whose squares are added up in one go: the same for any number of threads */

struct muon {
    const struct hyper *hyper;
    size_t rows, columns, count; /* of the filters as they are */
    size_t m, n;                 /* of x: m <= n, x transposed when rows > columns */
    float *weight, *buffer;
    const float *gradient;
    float *x, *y;       /* [m][n] */
    float *a, *b;       /* [m][m] */
    double *squares[2]; /* of the update and of the weights, a number a chunk */
    float scale, weight_scale;
    int finite;
};

static size_t chunks(size_t count)
{
    return (count + CHUNK - 1) / CHUNK;
}

static size_t round_up(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static void shape(const struct plan_tensor *t, struct muon *muon)
{
    muon->rows = (size_t)t->dims[0];
    muon->count = t->count;
    muon->columns = t->count / muon->rows;
    muon->m = muon->rows < muon->columns ? muon->rows : muon->columns;
    muon->n = muon->count / muon->m;
}

size_t cpu_muon_scratch_bytes(const struct plan *plan)
{
    size_t most = 0;
    for (int i = 0; i < plan->n_tensors; i++) {
        struct muon muon;
        if (plan->tensors[i].rule != PLAN_RULE_MUON || !plan->tensors[i].trained)
            continue;
        shape(&plan->tensors[i], &muon);
        size_t bytes = (2 * round_up(muon.count) + 2 * round_up(muon.m * muon.m)) * sizeof(float) +
                       2 * chunks(muon.count) * sizeof(double);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static void place(struct muon *muon, void *scratch)
{
    muon->x = scratch;
    muon->y = muon->x + round_up(muon->count);
    muon->a = muon->y + round_up(muon->count);
    muon->b = muon->a + round_up(muon->m * muon->m);
    muon->squares[0] = (double *)(void *)(muon->b + round_up(muon->m * muon->m));
    muon->squares[1] = muon->squares[0] + chunks(muon->count);
}

/* Nesterov's momentum: the buffer, the update (into y), and sums of squares. */
static void momentum_range(void *context, size_t begin, size_t end, int thread)
{
    struct muon *muon = context;
    float momentum = (float)muon->hyper->momentum;
    (void)thread;
    for (size_t chunk = begin; chunk < end; chunk++) {
        size_t last = (chunk + 1) * CHUNK < muon->count ? (chunk + 1) * CHUNK : muon->count;
        double update = 0, weight = 0;
        for (size_t i = chunk * CHUNK; i < last; i++) {
            float v = momentum * muon->buffer[i] + muon->gradient[i], u = muon->gradient[i] + momentum * v;
            muon->buffer[i] = v;
            muon->y[i] = u;
            update += (double)u * u;
            weight += (double)muon->weight[i] * muon->weight[i];
        }
        muon->squares[0][chunk] = update;
        muon->squares[1][chunk] = weight;
    }
}

static double add_up(const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    return sum;
}

/* Rows of x from y, the filters' layout, scaled. */
static void arrange_range(void *context, size_t begin, size_t end, int thread)
{
    struct muon *muon = context;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j < muon->n; j++)
            muon->x[i * muon->n + j] =
                muon->scale * muon->y[muon->m == muon->rows ? i * muon->columns + j : j * muon->columns + i];
}

/* One filter: w = weight_scale * w - lr * x. */
static void apply_range(void *context, size_t begin, size_t end, int thread)
{
    struct muon *muon = context;
    float lr = (float)muon->hyper->lr, trouble = 0;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j < muon->columns; j++) {
            float *w = &muon->weight[i * muon->columns + j];
            *w = muon->weight_scale * *w - lr * muon->x[muon->m == muon->rows ? i * muon->n + j : j * muon->n + i];
            trouble += *w - *w; /* 0, or NaN when it is not finite */
        }
    if (!(trouble == 0))
        __atomic_store_n(&muon->finite, 0, __ATOMIC_RELAXED);
}

/* x = a x + (b A + c A A) x with A = x x^T, a few times. */
static int orthogonalise(struct muon *muon)
{
    size_t m = muon->m, n = muon->n;
    for (int step = 0; step < PLAN_MUON_STEPS; step++) {
        if (cpu_matmul(m, m, n, 1, muon->x, muon->x, 1, 0, muon->a))
            return -1;
        memcpy(muon->b, muon->a, m * m * sizeof(float));
        if (cpu_matmul(m, m, m, (float)PLAN_MUON_C, muon->a, muon->a, 0, (float)PLAN_MUON_B, muon->b))
            return -1;
        memcpy(muon->y, muon->x, muon->count * sizeof(float));
        if (cpu_matmul(m, n, m, 1, muon->b, muon->x, 0, (float)PLAN_MUON_A, muon->y))
            return -1;
        float *x = muon->x;
        muon->x = muon->y;
        muon->y = x;
    }
    return 0;
}

int cpu_muon(const struct plan_tensor *tensor, float *weight, const float *gradient, float *buffer,
             const struct hyper *hyper, void *scratch)
{
    struct muon muon = {.hyper = hyper, .weight = weight, .gradient = gradient, .buffer = buffer, .finite = 1};
    shape(tensor, &muon);
    place(&muon, scratch);
    parallel_for(chunks(muon.count), 1, momentum_range, &muon);
    double update = sqrt(add_up(muon.squares[0], chunks(muon.count)));
    double squares = add_up(muon.squares[1], chunks(muon.count));
    muon.scale = (float)(1 / (update + PLAN_MUON_EPS));
    muon.weight_scale = squares > 0 ? (float)sqrt((double)muon.rows / squares) : 1;
    parallel_for(muon.m, 1, arrange_range, &muon);
    if (orthogonalise(&muon))
        return 0;
    parallel_for(muon.rows, 1, apply_range, &muon);
    return muon.finite;
}
