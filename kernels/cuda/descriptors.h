/*
 * cuDNN's backend descriptors: those that are made on the way to something, destroyed together. The first that fails
 * leaves its message and makes all that follows do nothing, so that only the end asks. Of kernels/cuda/conv_cudnn.c.
 */
#ifndef DAVIDNET_KERNELS_CUDA_DESCRIPTORS_H
#define DAVIDNET_KERNELS_CUDA_DESCRIPTORS_H

#include "kernels/error.h"

#include <cudnn_graph.h>
#include <stdbool.h>
#include <stdint.h>

struct descriptors {
    cudnnBackendDescriptor_t all[512];
    int count;
    struct error *err; /* (optional) */
    bool failed;
};

/* 0, or -1 with what cuDNN says of a call. */
int cudnn_check(cudnnStatus_t status, const char *what, struct error *err);

/* NULL: it failed, or something before it did. */
cudnnBackendDescriptor_t descriptors_new(struct descriptors *made, cudnnBackendDescriptorType_t type);
void descriptors_set(struct descriptors *made, cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                     cudnnBackendAttributeType_t type, int64_t count, const void *values);
void descriptors_set_int(struct descriptors *made, cudnnBackendDescriptor_t descriptor,
                         cudnnBackendAttributeName_t name, int64_t value);
void descriptors_finalize(struct descriptors *made, cudnnBackendDescriptor_t descriptor, const char *what);
void descriptors_release(struct descriptors *made);

#endif
