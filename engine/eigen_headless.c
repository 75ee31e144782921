#include "engine/eigen.h"

#include <math.h>
#include <stdlib.h>

#define SWEEPS 64 /* ten or so are enough */

/* Turns rows and columns p and q of the symmetric a so that a[p][q] becomes 0, and the columns of v with them. */
static void rotate(int n, double *a, double *v, int p, int q)
{
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + hypot(theta, 1)), c = 1 / hypot(t, 1), s = t * c;
    for (int k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (int k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
    for (int k = 0; k < n; k++) {
        double x = v[k * n + p], y = v[k * n + q];
        v[k * n + p] = c * x - s * y;
        v[k * n + q] = s * x + c * y;
    }
    a[p * n + q] = a[q * n + p] = 0;
}

/* Rotates away what is beside the diagonal and larger than that; 1: something was. */
static int sweep(int n, double *a, double *v, double negligible)
{
    int any = 0;
    for (int p = 0; p < n; p++)
        for (int q = p + 1; q < n; q++)
            if (fabs(a[p * n + q]) > negligible) {
                rotate(n, a, v, p, q);
                any = 1;
            }
    return any;
}

/* By Jacobi's method with cyclic sweeps (Golub and Van Loan, Matrix Computations, 8.5), in the place of LAPACK. */
int eigen_symmetric(int n, double *matrix, double *values, struct error *err)
{
    size_t size = (size_t)n * (size_t)n;
    double *a = malloc(2 * size * sizeof *a), *v = a ? a + size : NULL;
    double largest = 0;
    int sweeps = 0;
    if (!a)
        return error_set(err, "out of memory for a %d x %d matrix", n, n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i * n + j] = matrix[i < j ? i * n + j : j * n + i];
            v[i * n + j] = i == j;
            largest = fmax(largest, fabs(a[i * n + j]));
        }
    while (sweeps < SWEEPS && sweep(n, a, v, 1e-18 * largest))
        sweeps++;
    for (int i = 0; i < n; i++) { /* the smallest that is left comes next */
        int least = -1;
        for (int j = 0; j < n; j++)
            if (!isnan(a[j * n + j]) && (least < 0 || a[j * n + j] < a[least * n + least]))
                least = j;
        if (least < 0)
            break;
        values[i] = a[least * n + least];
        for (int k = 0; k < n; k++)
            matrix[k * n + i] = v[k * n + least];
        a[least * n + least] = (double)NAN; /* taken */
    }
    free(a);
    return sweeps < SWEEPS ? 0 : error_set(err, "the eigenvalues of a %d x %d matrix were not found", n, n);
}
