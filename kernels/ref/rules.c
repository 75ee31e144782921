/* Muon and LARS by their definitions (enum plan_rule): whole matrices, in double, rounded once per stored value. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <math.h>

static double norm_of(const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

struct product {
    const double *a, *x;
    double keep, *out;
    size_t m, n;
};

/* Rows of out[m][m] = x[m][n] x^T. */
static void square_range(void *context, size_t begin, size_t end, int thread)
{
    const struct product *p = context;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j < p->m; j++) {
            double sum = 0;
            for (size_t k = 0; k < p->n; k++)
                sum += p->x[i * p->n + k] * p->x[j * p->n + k];
            p->out[i * p->m + j] = sum;
        }
}

/* Rows of out[m][n] = keep * x[m][n] + a[m][m] x. */
static void multiply_range(void *context, size_t begin, size_t end, int thread)
{
    const struct product *p = context;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        double *out = p->out + i * p->n;
        for (size_t j = 0; j < p->n; j++)
            out[j] = p->keep * p->x[i * p->n + j];
        for (size_t k = 0; k < p->m; k++)
            for (size_t j = 0; j < p->n; j++)
                out[j] += p->a[i * p->m + k] * p->x[k * p->n + j];
    }
}

static void multiply_add(const double *a, const double *x, size_t m, size_t n, double keep, double *out)
{
    parallel_for(m, 1, multiply_range, &(struct product){.a = a, .x = x, .keep = keep, .out = out, .m = m, .n = n});
}

/* x [m][n], m <= n, norm 1: its singular values are moved towards 1. a, b: [m][m], y: [m][n]. */
static void orthogonalise(double *x, size_t m, size_t n, double *a, double *b, double *y)
{
    for (int step = 0; step < PLAN_MUON_STEPS; step++) {
        parallel_for(m, 1, square_range, &(struct product){.x = x, .out = a, .m = m, .n = n});
        for (size_t i = 0; i < m * m; i++)
            b[i] = PLAN_MUON_C * a[i];
        double *c = y; /* m * m <= m * n */
        multiply_add(b, a, m, m, PLAN_MUON_B, c);
        for (size_t i = 0; i < m * m; i++)
            b[i] = c[i];
        multiply_add(b, x, m, n, PLAN_MUON_A, y);
        for (size_t i = 0; i < m * n; i++)
            x[i] = y[i];
    }
}

size_t ref_muon_doubles(const struct plan_tensor *t)
{
    size_t rows = (size_t)t->dims[0], columns = t->count / rows, m = rows < columns ? rows : columns;
    return 3 * t->count + 2 * m * m;
}

void ref_muon(const struct ref_update *u, const struct plan_tensor *t, double *room)
{
    size_t rows = (size_t)t->dims[0], columns = t->count / rows, count = t->count;
    size_t m = rows < columns ? rows : columns, n = rows < columns ? columns : rows;
    double *g = room, *x = g + count, *y = x + count, *a = y + count, *b = a + m * m, weight = 0;
    for (size_t i = 0; i < count; i++) {
        double v = u->mom * u->momentum[i] + u->gradient[i];
        g[i] = u->gradient[i] + u->mom * v;
        u->momentum[i] = (float)v;
        weight += (double)u->weight[i] * u->weight[i];
    }
    double length = norm_of(g, count) + PLAN_MUON_EPS;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            x[rows > columns ? j * rows + i : i * columns + j] = g[i * columns + j] / length;
    orthogonalise(x, m, n, a, b, y);
    double scale = weight > 0 ? sqrt((double)rows / weight) : 1;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            size_t at = i * columns + j;
            u->weight[at] = (float)(scale * u->weight[at] - u->lr * x[rows > columns ? j * rows + i : at]);
        }
}

double ref_lars_rate(const struct ref_update *u, size_t begin, size_t end)
{
    double weight = 0, step = 0;
    for (size_t i = begin; i < end; i++) {
        double w = u->weight[i], g = u->gradient[i] + u->decay * w;
        weight += w * w;
        step += g * g;
    }
    return u->lr * sqrt(weight) / (sqrt(step) + PLAN_LARS_EPS);
}
