#include "kernels/ceiling.h"

#include "kernels/ceiling_kernels.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"

#include <string.h>

typedef float vector4 __attribute__((vector_size(16)));

static double multiply_plain(size_t rounds, float *sink)
{
    enum { SUMS = 12 };
    vector4 sum[SUMS] = {{0}}, x = {0.5F, 0.5F, 0.5F, 0.5F}, y = x;
    for (size_t i = 0; i < rounds; i++) {
        for (int k = 0; k < SUMS; k++)
            sum[k] = sum[k] * x + y;
        __asm__ volatile("" : "+m"(x)); /* else the loop could be done once */
    }
    for (int k = 0; k < SUMS; k++)
        *sink += sum[k][0];
    return 2.0 * SUMS * 4;
}

typedef double multiply_loop(size_t rounds, float *sink);

/* The loop of the instruction set in force; NULL: it has none in bfloat16. */
static multiply_loop *loop_f32(void)
{
#if defined(__x86_64__)
    if (isa_current() >= ISA_AVX512)
        return ceiling_multiply_avx512;
    if (isa_current() >= ISA_AVX2)
        return ceiling_multiply_avx2;
#endif
    return multiply_plain;
}

static multiply_loop *loop_bf16(void)
{
#if defined(__x86_64__)
    if (isa_current() >= ISA_AMX)
        return ceiling_multiply_amx;
    if (isa_current() >= ISA_AVX512_BF16)
        return ceiling_multiply_avx512bf16;
#endif
    return NULL;
}

struct multiply {
    multiply_loop *loop;
    size_t rounds;
    double operations[PARALLEL_THREADS_MAX]; /* of a round */
    float sink[PARALLEL_THREADS_MAX];
};

static void multiply_share(void *context, size_t begin, size_t end, int thread)
{
    struct multiply *job = context;
    (void)begin;
    (void)end;
    float sink = 0;
    job->operations[thread] = job->loop(job->rounds, &sink);
    job->sink[thread] = sink;
}

static double multiply(multiply_loop *loop, size_t rounds)
{
    struct multiply job = {.loop = loop, .rounds = rounds};
    double operations = 0;
    if (!loop)
        return 0;
    parallel_for((size_t)parallel_threads(), 1, multiply_share, &job);
    for (int i = 0; i < parallel_threads(); i++)
        operations += job.operations[i];
    return operations * (double)rounds;
}

double ceiling_multiply(size_t rounds)
{
    return multiply(loop_f32(), rounds);
}

double ceiling_multiply_bf16(size_t rounds)
{
    return multiply(loop_bf16(), rounds);
}

struct copy {
    char *to;
    const char *from;
};

static void copy_share(void *context, size_t begin, size_t end, int thread)
{
    (void)thread;
    const struct copy *job = context;
    memcpy(job->to + begin, job->from + begin, end - begin);
}

double ceiling_copy(void *to, const void *from, size_t bytes)
{
    struct copy job = {to, from};
    parallel_for(bytes, 4096, copy_share, &job);
    return 2.0 * (double)bytes;
}
