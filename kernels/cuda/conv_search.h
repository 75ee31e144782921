/*
 * Which of several ways to do a convolution is taken: the fastest whose result is right. Each way is run twice into
 * memory that holds noise. A way is dropped when the two runs differ, or when they are further from the first way that
 * was not dropped (the one that the library thinks best) than roundings in another order are. So neither an engine that
 * computes something else for some shape, nor one that leaves part of the result as it was, is taken for its speed.
 */
#ifndef DAVIDNET_KERNELS_CUDA_CONV_SEARCH_H
#define DAVIDNET_KERNELS_CUDA_CONV_SEARCH_H

#include "kernels/cuda/conv.h"

#define CONV_SEARCH_NEVER 1e30 /* seconds of what does not run */

struct conv_search {
    struct cuda_device *device;
    const struct cuda_conv_shape *shape;
    enum cuda_conv_pass pass;
    int ways;
    bool small;     /* too little work for a search: the first way that works is taken */
    double seconds; /* after which no further way is tried if one works */
    void *context;
    /* Of one way after the other: makes it the present one; false when it cannot be had. */
    bool (*open)(void *context, int way);
    int (*run)(void *context, void *out); /* the present one, once, on the stream; -1: it does not run */
    double (*time)(void *context, void *out);
    /* Called after each open that was true; keep: it is the best so far, and what was kept before is not wanted. */
    void (*close)(void *context, int way, bool keep);
};

/* Values of the three tensors of a pass, as cuda_conv_run names them: x, w, out. */
void conv_search_counts(const struct cuda_conv_shape *shape, enum cuda_conv_pass pass, size_t counts[3]);

/* The way that is kept; -1: none works, or there is no memory for it (err). */
int conv_search_run(const struct conv_search *search, struct error *err);

#endif
