/*
 * One GPU and one stream on it: the little of the CUDA runtime that the family uses, as C. Two implementations:
 * device_cuda.c, and emulator/device_emulated.c, on which the same family runs on a CPU.
 *
 * Functions that can fail return 0 or -1 (or NULL) with what happened and what to do. Launches and copies are
 * asynchronous: what went wrong in them is told by cuda_device_check and cuda_device_wait, and stays (a sticky error):
 * the device is of no more use to this process then.
 */
#ifndef DAVIDNET_KERNELS_CUDA_DEVICE_H
#define DAVIDNET_KERNELS_CUDA_DEVICE_H

#include "kernels/error.h"

#include <stdbool.h>
#include <stddef.h>

struct cuda_device {
    int index;
    char name[128];   /* "NVIDIA H100 80GB HBM3" */
    int major, minor; /* compute capability */
    int multiprocessors;
    size_t memory;       /* bytes in all */
    int driver, runtime; /* CUDA versions: 1000 * major + 10 * minor */
    int probe;           /* how large a piece of work tells how fast it is (cuda_rates.c); 0: none does */
    void *stream;        /* NULL until opened */
};

/* What GPU `index` is and whether it can be used; allocates nothing on it. */
int cuda_device_describe(struct cuda_device *device, int index, struct error *err);

/* Was that kernel compiled for it? Else -1: nothing of ours runs there. Leaves this thread's current device as it was.
 */
int cuda_device_runs(const struct cuda_device *device, const void *kernel, struct error *err);

/* Describes it, makes it this thread's current one and makes the stream. Not thread-safe: one thread uses a device. */
int cuda_device_open(struct cuda_device *device, int index, struct error *err);
void cuda_device_close(struct cuda_device *device);

/* Zeroed memory on the device, aligned to 256 bytes. */
void *cuda_device_alloc(struct cuda_device *device, size_t bytes, struct error *err);
void cuda_device_free(struct cuda_device *device, void *memory);
size_t cuda_device_free_memory(struct cuda_device *device); /* bytes that are left; 0: unknown */

/* Memory of the host that copies do not wait for. */
void *cuda_device_pin(struct cuda_device *device, size_t bytes, struct error *err);
void cuda_device_unpin(struct cuda_device *device, void *memory);

/* In the stream's order. Memory of the host must stay as it is until the stream has been waited for. */
void cuda_device_put(struct cuda_device *device, void *to, const void *from, size_t bytes);
void cuda_device_get(struct cuda_device *device, void *to, const void *from, size_t bytes);

/* From one place on the device to another, in the stream's order. */
void cuda_device_copy(struct cuda_device *device, void *to, const void *from, size_t bytes);

/* Waits for the stream. check: does not wait, tells of what is known. */
int cuda_device_wait(struct cuda_device *device, struct error *err);
int cuda_device_check(struct cuda_device *device, struct error *err);

/* A mark in the stream. wait: until all before it is done. One that is recorded in a recording is made anew by each
 * replay, and has a time, too. */
void *cuda_event_new(struct cuda_device *device, struct error *err);
void cuda_event_free(struct cuda_device *device, void *event);
void cuda_event_record(struct cuda_device *device, void *event);
int cuda_event_wait(struct cuda_device *device, void *event, struct error *err);
double cuda_event_seconds(struct cuda_device *device, void *from, void *to); /* NaN: not known */

/*
 * What work() puts into the stream, recorded once (work is called for that) and done by each replay. NULL with err.
 * Meanwhile nothing is done, so that work() must not allocate, copy from memory that is not pinned, or wait. It must
 * have been called before: a kernel, or a library's, that is launched for the first time is loaded, which a recording
 * may not allow.
 */
void *cuda_recording_new(struct cuda_device *device, void (*work)(void *context), void *context, struct error *err);
void cuda_recording_replay(struct cuda_device *device, void *recording);
void cuda_recording_free(struct cuda_device *device, void *recording);

#endif
