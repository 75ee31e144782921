#include "engine/eigen.h"

#include <dlfcn.h>
#include <lapacke.h>
#include <string.h>

#define LAPACKE "liblapacke.so.3"

typedef lapack_int eigen_function(int layout, char vectors, char triangle, lapack_int n, double *matrix, lapack_int lda,
                                  double *values);

/*
 * LAPACK is loaded when it is wanted: OpenBLAS, which often provides it, starts a thread for each CPU as it is loaded,
 * and every command would have them. Our matrices are too small to share among threads.
 */
static eigen_function *load_eigen(struct error *err)
{
    void *library = dlopen(LAPACKE, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "LAPACKE_dsyev") : NULL;
    eigen_function *function = NULL;
    void (*set_threads)(int) = NULL;
    if (!symbol) {
        error_set(err, "eigenvalues need LAPACK: %s; install liblapacke (Debian), or set whitening=none", dlerror());
        return NULL;
    }
    memcpy(&function, &symbol, sizeof function); /* ISO C has no cast from data to function */
    symbol = dlsym(library, "openblas_set_num_threads");
    memcpy(&set_threads, &symbol, sizeof set_threads);
    if (set_threads)
        set_threads(1);
    return function;
}

int eigen_symmetric(int n, double *matrix, double *values, struct error *err)
{
    eigen_function *eigen = load_eigen(err);
    if (!eigen)
        return -1;
    lapack_int status = eigen(LAPACK_ROW_MAJOR, 'V', 'U', n, matrix, n, values);
    return status == 0 ? 0 : error_set(err, "LAPACK's dsyev failed on a %d x %d matrix, with %d", n, n, (int)status);
}
