#include "kernels/cuda/device.h"

#include "kernels/cuda/device_errors.h"

#include <cuda_runtime_api.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The oldest GPUs that the kernels are built for, and cuDNN 9 supports. */
#define OLDEST_MAJOR 7

#define PROBE 1024

_Static_assert((int)DEVICE_SUCCESS == cudaSuccess && (int)DEVICE_OUT_OF_MEMORY == cudaErrorMemoryAllocation &&
                   (int)DEVICE_OLD_DRIVER == cudaErrorInsufficientDriver && (int)DEVICE_NONE == cudaErrorNoDevice &&
                   (int)DEVICE_NO_KERNEL_IMAGE == cudaErrorNoKernelImageForDevice &&
                   (int)DEVICE_ECC == cudaErrorECCUncorrectable &&
                   (int)DEVICE_PTX_VERSION == cudaErrorUnsupportedPtxVersion,
               "the numbers are CUDA's");

/* What became of a call. What is told of is forgotten by the runtime, so that the next check does not take it for what
 * it asked about; a sticky error comes back by itself. */
static int told(cudaError_t status, const char *what, struct error *err)
{
    if (status == cudaSuccess)
        return 0;
    cudaGetLastError();
    return device_error_set((int)status, what, cudaGetErrorString(status), CUDART_VERSION, err);
}

int cuda_device_describe(struct cuda_device *device, int index, struct error *err)
{
    int count = 0;
    struct cudaDeviceProp properties;
    memset(device, 0, sizeof *device);
    device->index = index;
    cudaDriverGetVersion(&device->driver);
    cudaRuntimeGetVersion(&device->runtime);
    if (device->driver == 0)
        return error_set(err, "no NVIDIA driver is loaded (libcuda.so.1 is missing, or no GPU is there); install the "
                              "driver, or use --device cpu");
    if (told(cudaGetDeviceCount(&count), "looking for GPUs", err))
        return -1;
    if (index < 0 || index >= count)
        return error_set(err, "there is no GPU %d; this machine has %d, counted from 0 (device_index)", index, count);
    if (told(cudaGetDeviceProperties(&properties, index), "asking what the GPU is", err))
        return -1;
    snprintf(device->name, sizeof device->name, "%.120s", properties.name);
    device->major = properties.major;
    device->minor = properties.minor;
    device->multiprocessors = properties.multiProcessorCount;
    device->memory = properties.totalGlobalMem;
    device->probe = PROBE;
    if (device->major < OLDEST_MAJOR)
        return error_set(err, "%s has compute capability %d.%d; 7.0 (Volta) or newer is needed: use --device cpu",
                         device->name, device->major, device->minor);
    return 0;
}

/* Asking for a kernel's attributes loads it, as its first launch would. */
int cuda_device_runs(const struct cuda_device *device, const void *kernel, struct error *err)
{
    struct cudaFuncAttributes attributes;
    int before = 0;
    if (told(cudaGetDevice(&before), "asking for the GPU in use", err) ||
        told(cudaSetDevice(device->index), "opening the GPU", err))
        return -1;
    int status = told(cudaFuncGetAttributes(&attributes, kernel), device->name, err);
    cudaSetDevice(before);
    return status;
}

int cuda_device_open(struct cuda_device *device, int index, struct error *err)
{
    cudaStream_t stream;
    if (cuda_device_describe(device, index, err) || told(cudaSetDevice(index), "opening the GPU", err) ||
        told(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream", err))
        return -1;
    device->stream = stream;
    return 0;
}

void cuda_device_close(struct cuda_device *device)
{
    if (device->stream)
        cudaStreamDestroy(device->stream);
    device->stream = NULL;
}

size_t cuda_device_free_memory(struct cuda_device *device)
{
    size_t left = 0, all = 0;
    (void)device;
    return cudaMemGetInfo(&left, &all) == cudaSuccess ? left : 0;
}

void *cuda_device_alloc(struct cuda_device *device, size_t bytes, struct error *err)
{
    void *memory = NULL;
    cudaError_t status = cudaMalloc(&memory, bytes ? bytes : 1);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError(); /* this one does not stick */
        error_set(err, "the GPU has %.2f GiB left of %.2f, and %.2f GiB more are needed",
                  (double)cuda_device_free_memory(device) / (1 << 30), (double)device->memory / (1 << 30),
                  (double)bytes / (1 << 30));
        return NULL;
    }
    if (told(status, "allocating memory on the GPU", err))
        return NULL;
    if (told(cudaMemsetAsync(memory, 0, bytes, device->stream), "clearing memory on the GPU", err)) {
        cudaFree(memory);
        return NULL;
    }
    return memory;
}

void cuda_device_free(struct cuda_device *device, void *memory)
{
    (void)device;
    if (memory)
        cudaFree(memory);
}

void *cuda_device_pin(struct cuda_device *device, size_t bytes, struct error *err)
{
    void *memory = NULL;
    (void)device;
    if (told(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault), "allocating pinned memory", err))
        return NULL;
    memset(memory, 0, bytes);
    return memory;
}

void cuda_device_unpin(struct cuda_device *device, void *memory)
{
    (void)device;
    if (memory)
        cudaFreeHost(memory);
}

/* What fails here is found again by the next check. */
void cuda_device_put(struct cuda_device *device, void *to, const void *from, size_t bytes)
{
    cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream);
}

void cuda_device_get(struct cuda_device *device, void *to, const void *from, size_t bytes)
{
    cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream);
}

void cuda_device_copy(struct cuda_device *device, void *to, const void *from, size_t bytes)
{
    cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, device->stream);
}

int cuda_device_wait(struct cuda_device *device, struct error *err)
{
    cudaError_t launched = cudaGetLastError(), done = cudaStreamSynchronize(device->stream);
    return told(launched != cudaSuccess ? launched : done, "a step on the GPU", err);
}

int cuda_device_check(struct cuda_device *device, struct error *err)
{
    (void)device;
    return told(cudaGetLastError(), "a step on the GPU", err);
}

void *cuda_event_new(struct cuda_device *device, struct error *err)
{
    cudaEvent_t event = NULL;
    (void)device;
    return told(cudaEventCreate(&event), "making an event", err) ? NULL : event;
}

void cuda_event_free(struct cuda_device *device, void *event)
{
    (void)device;
    if (event)
        cudaEventDestroy(event);
}

/* In a recording an event is a node of its own, or it would be no more than a dependency and have no time. */
void cuda_event_record(struct cuda_device *device, void *event)
{
    enum cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    cudaStreamIsCapturing(device->stream, &status);
    cudaEventRecordWithFlags(event, device->stream,
                             status == cudaStreamCaptureStatusActive ? cudaEventRecordExternal
                                                                     : cudaEventRecordDefault);
}

int cuda_event_wait(struct cuda_device *device, void *event, struct error *err)
{
    (void)device;
    return told(cudaEventSynchronize(event), "a step on the GPU", err);
}

double cuda_event_seconds(struct cuda_device *device, void *from, void *to)
{
    float milliseconds;
    (void)device;
    return told(cudaEventElapsedTime(&milliseconds, from, to), "reading a timer", NULL) ? (double)NAN
                                                                                        : milliseconds / 1e3;
}

void *cuda_recording_new(struct cuda_device *device, void (*work)(void *context), void *context, struct error *err)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t executable = NULL;
    if (told(cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeThreadLocal), "recording a step", err))
        return NULL;
    work(context);
    cudaError_t launched = cudaGetLastError(), ended = cudaStreamEndCapture(device->stream, &graph);
    if (told(launched != cudaSuccess ? launched : ended, "recording a step", err)) {
        if (graph)
            cudaGraphDestroy(graph);
        return NULL;
    }
    cudaError_t status = cudaGraphInstantiateWithFlags(&executable, graph, 0);
    cudaGraphDestroy(graph);
    return told(status, "preparing a recorded step", err) ? NULL : executable;
}

void cuda_recording_replay(struct cuda_device *device, void *recording)
{
    cudaGraphLaunch(recording, device->stream);
}

void cuda_recording_free(struct cuda_device *device, void *recording)
{
    (void)device;
    if (recording)
        cudaGraphExecDestroy(recording);
}
