#include "kernels/parallel_backend.h"

/*
 * libgomp's own entry points, called directly: with `#pragma omp`, clang would bring in a second OpenMP
 * runtime next to the one that oneDNN links, and with it a second pool of threads.
 */
extern void GOMP_parallel(void (*fn)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern void omp_set_num_threads(int threads);
extern void omp_set_dynamic(int dynamic);

struct region {
    void (*fn)(void *context, int thread);
    void *context;
    int threads; /* asked for */
};

/* The runtime may give fewer than were asked for (OMP_THREAD_LIMIT): those there are do the others' work too. */
static void region_enter(void *data)
{
    const struct region *region = data;
    for (int thread = omp_get_thread_num(); thread < region->threads; thread += omp_get_num_threads())
        region->fn(region->context, thread);
}

void parallel_backend_run(int threads, void (*fn)(void *context, int thread), void *context)
{
    struct region region = {fn, context, threads};
    GOMP_parallel(region_enter, &region, (unsigned)threads, 0);
}

void parallel_backend_set_threads(int threads)
{
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
}
