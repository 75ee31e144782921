#include "kernels/cuda/descriptors.h"

#include <stdio.h>

int cudnn_check(cudnnStatus_t status, const char *what, struct error *err)
{
    char more[256] = "";
    if (status == CUDNN_STATUS_SUCCESS)
        return 0;
    cudnnGetLastErrorString(more, sizeof more);
    return error_set(err, "cuDNN: %s: %s%s%s", what, cudnnGetErrorString(status), more[0] ? ": " : "", more);
}

void descriptors_release(struct descriptors *made)
{
    while (made->count > 0)
        cudnnBackendDestroyDescriptor(made->all[--made->count]);
}

cudnnBackendDescriptor_t descriptors_new(struct descriptors *made, cudnnBackendDescriptorType_t type)
{
    cudnnBackendDescriptor_t descriptor = NULL;
    if (made->failed || made->count == (int)(sizeof made->all / sizeof made->all[0]) ||
        cudnn_check(cudnnBackendCreateDescriptor(type, &descriptor), "making a descriptor", made->err)) {
        made->failed = true;
        return NULL;
    }
    made->all[made->count++] = descriptor;
    return descriptor;
}

void descriptors_set(struct descriptors *made, cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                     cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    char what[48];
    if (made->failed)
        return;
    snprintf(what, sizeof what, "setting attribute %d", (int)name);
    if (cudnn_check(cudnnBackendSetAttribute(descriptor, name, type, count, values), what, made->err))
        made->failed = true;
}

void descriptors_set_int(struct descriptors *made, cudnnBackendDescriptor_t descriptor,
                         cudnnBackendAttributeName_t name, int64_t value)
{
    descriptors_set(made, descriptor, name, CUDNN_TYPE_INT64, 1, &value);
}

void descriptors_finalize(struct descriptors *made, cudnnBackendDescriptor_t descriptor, const char *what)
{
    if (!made->failed && cudnn_check(cudnnBackendFinalize(descriptor), what, made->err))
        made->failed = true;
}
