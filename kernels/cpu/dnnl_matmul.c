/* Matrix products by oneDNN, split by us: see muon.h. */
#include "kernels/cpu/muon.h"

#include "kernels/parallel.h"

#include <dnnl.h>

#define BLOCK_ROWS 64 /* smaller ones waste time in packing, larger ones leave threads without work */

struct product {
    size_t m, n, k;
    float alpha, beta;
    const float *a, *b;
    int b_transposed, failed;
    float *c;
};

/* Inside a parallel region oneDNN works with the calling thread alone. */
static void block_range(void *context, size_t begin, size_t end, int thread)
{
    struct product *p = context;
    (void)thread;
    for (size_t row = begin; row < end; row += BLOCK_ROWS) {
        size_t rows = end - row < BLOCK_ROWS ? end - row : BLOCK_ROWS;
        dnnl_status_t status =
            dnnl_sgemm('N', p->b_transposed ? 'T' : 'N', (dnnl_dim_t)rows, (dnnl_dim_t)p->n, (dnnl_dim_t)p->k, p->alpha,
                       p->a + row * p->k, (dnnl_dim_t)p->k, p->b, (dnnl_dim_t)(p->b_transposed ? p->k : p->n), p->beta,
                       p->c + row * p->n, (dnnl_dim_t)p->n);
        if (status != dnnl_success)
            __atomic_store_n(&p->failed, 1, __ATOMIC_RELAXED);
    }
}

int cpu_matmul(size_t m, size_t n, size_t k, float alpha, const float *a, const float *b, int b_transposed, float beta,
               float *c)
{
    struct product p = {m, n, k, alpha, beta, a, b, b_transposed, 0, c};
    int threads = parallel_threads();
    if (m <=
        BLOCK_ROWS) { /* no region is opened for one block: oneDNN would split it over all threads, in its own way */
        parallel_set_threads(1);
        block_range(&p, 0, m, 0);
        parallel_set_threads(threads);
    } else {
        parallel_for(m, BLOCK_ROWS, block_range, &p);
    }
    return p.failed ? -1 : 0;
}
