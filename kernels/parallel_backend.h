/* What the two pools of threads offer to kernels/parallel.c; the Makefile links one of them. */
#ifndef DAVIDNET_KERNELS_PARALLEL_BACKEND_H
#define DAVIDNET_KERNELS_PARALLEL_BACKEND_H

/* Runs fn(context, thread) once on each of `threads` threads, the caller being thread 0; returns when all are done. */
void parallel_backend_run(int threads, void (*fn)(void *context, int thread), void *context);

/* Tells the pool (and with it oneDNN, which shares the OpenMP one) how many threads there will be. */
void parallel_backend_set_threads(int threads);

#endif
