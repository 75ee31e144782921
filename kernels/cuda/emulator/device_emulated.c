/*
 * The device layer on a CPU. Memory ends at a page that cannot be touched, so that a kernel which reads or writes
 * behind its buffer stops at once. "GPU 0" is always there. A recording is its callback, called again by each replay;
 * the call that records does nothing (recording.h).
 *
 * For tests: CUDA_EMULATED_MEMORY limits its memory (bytes), CUDA_EMULATED_COUNT makes it so many GPUs,
 * CUDA_EMULATED_KERNELS=none has kernels for no such GPU, and CUDA_EMULATED_PROBE is a probe's size
 * (cuda_device.probe): an emulated GPU's own rates mean nothing, and are not told. CUDA_EMULATED_FAIL=REPLAY:ERROR: the
 * REPLAY-th replay since the device was opened does nothing but fail with CUDA's error of that number. It stays, as on
 * a GPU: until the device is opened anew nothing is done any more.
 */
#include "kernels/cuda/device.h"

#include "kernels/cuda/device_errors.h"
#include "kernels/cuda/emulator/recording.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ALIGN 16

/* In front of each block, on pages of its own. */
struct block {
    size_t pages, bytes;
};

static size_t used;
bool emulator_recording;

static long replays;
static int failure; /* enum device_error, or another number of CUDA's */

static int told(const struct cuda_device *device, const char *what, struct error *err)
{
    return device_error_set(failure, what, "an injected error", device->runtime, err);
}

/* Counts a replay; true when nothing is done any more. */
static bool fails(void)
{
    const char *text = getenv("CUDA_EMULATED_FAIL"), *error = text ? strchr(text, ':') : NULL;
    replays++;
    if (error && strtol(text, NULL, 10) == replays)
        failure = atoi(error + 1);
    return failure != 0;
}

/* What a recording may not have in it. */
static void not_recorded(const char *what)
{
    if (!emulator_recording)
        return;
    fprintf(stderr, "a recording has %s in it\n", what);
    abort();
}

static size_t limit(void)
{
    const char *text = getenv("CUDA_EMULATED_MEMORY");
    return text ? (size_t)strtoull(text, NULL, 10) : (size_t)4 << 30;
}

int cuda_device_describe(struct cuda_device *device, int index, struct error *err)
{
    memset(device, 0, sizeof *device);
    device->index = index;
    const char *text = getenv("CUDA_EMULATED_COUNT"), *probe = getenv("CUDA_EMULATED_PROBE");
    int count = text ? atoi(text) : 1;
    if (index < 0 || index >= count)
        return error_set(err, "there is no GPU %d; this machine has %d, counted from 0 (device_index)", index, count);
    if (count > 1)
        snprintf(device->name, sizeof device->name, "emulated GPU %d", index);
    else
        snprintf(device->name, sizeof device->name, "emulated GPU");
    device->probe = probe ? atoi(probe) : 0;
    const char *capability = getenv("CUDA_EMULATED_CAPABILITY"); /* "75" for 7.5 */
    device->major = capability ? atoi(capability) / 10 : 9;
    device->minor = capability ? atoi(capability) % 10 : 0;
    device->multiprocessors = 2;
    device->memory = limit();
    device->driver = device->runtime = 13000;
    return 0;
}

int cuda_device_runs(const struct cuda_device *device, const void *kernel, struct error *err)
{
    const char *text = getenv("CUDA_EMULATED_KERNELS");
    if (kernel && !(text && strcmp(text, "none") == 0))
        return 0;
    return device_error_set(DEVICE_NO_KERNEL_IMAGE, device->name, "", device->runtime, err);
}

int cuda_device_open(struct cuda_device *device, int index, struct error *err)
{
    replays = failure = 0;
    return cuda_device_describe(device, index, err);
}

void cuda_device_close(struct cuda_device *device)
{
    (void)device;
}

size_t cuda_device_free_memory(struct cuda_device *device)
{
    (void)device;
    return limit() > used ? limit() - used : 0;
}

void *cuda_device_alloc(struct cuda_device *device, size_t bytes, struct error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inside = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    size_t pages = (inside + page - 1) / page + 2; /* the header's and the guard */
    not_recorded("an allocation");
    if (told(device, "allocating memory on the GPU", err))
        return NULL;
    if (bytes > cuda_device_free_memory(device)) {
        error_set(err, "the GPU has %.2f GiB left of %.2f, and %.2f GiB more are needed",
                  (double)cuda_device_free_memory(device) / (1 << 30), (double)device->memory / (1 << 30),
                  (double)bytes / (1 << 30));
        return NULL;
    }
    char *memory = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + (pages - 1) * page, page, PROT_NONE) != 0) {
        error_set(err, "the emulated GPU is out of memory");
        return NULL;
    }
    *(struct block *)memory = (struct block){pages, bytes};
    used += bytes;
    return memory + (pages - 1) * page - inside;
}

void cuda_device_free(struct cuda_device *device, void *memory)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)device;
    not_recorded("memory that is freed");
    if (!memory)
        return;
    char *header = (char *)((uintptr_t)memory / page * page) - page; /* the page before the first byte's */
    struct block block = *(struct block *)header;
    used -= block.bytes;
    munmap(header, block.pages * page);
}

void *cuda_device_pin(struct cuda_device *device, size_t bytes, struct error *err)
{
    void *memory = calloc(1, bytes);
    (void)device;
    if (!memory)
        error_set(err, "out of memory");
    return memory;
}

void cuda_device_unpin(struct cuda_device *device, void *memory)
{
    (void)device;
    free(memory);
}

void cuda_device_put(struct cuda_device *device, void *to, const void *from, size_t bytes)
{
    (void)device;
    not_recorded("a copy from the host");
    if (!failure)
        memcpy(to, from, bytes);
}

void cuda_device_get(struct cuda_device *device, void *to, const void *from, size_t bytes)
{
    (void)device;
    not_recorded("a copy to the host");
    if (!failure)
        memcpy(to, from, bytes);
}

void cuda_device_copy(struct cuda_device *device, void *to, const void *from, size_t bytes)
{
    (void)device;
    not_recorded("a copy on the device");
    if (!failure)
        memcpy(to, from, bytes);
}

int cuda_device_wait(struct cuda_device *device, struct error *err)
{
    not_recorded("a wait");
    return told(device, "a step on the GPU", err);
}

int cuda_device_check(struct cuda_device *device, struct error *err)
{
    return told(device, "a step on the GPU", err);
}

void *cuda_event_new(struct cuda_device *device, struct error *err)
{
    return cuda_device_pin(device, sizeof(struct timespec), err);
}

void cuda_event_free(struct cuda_device *device, void *event)
{
    (void)device;
    free(event);
}

void cuda_event_record(struct cuda_device *device, void *event)
{
    (void)device;
    if (!emulator_recording)
        clock_gettime(CLOCK_MONOTONIC, event);
}

int cuda_event_wait(struct cuda_device *device, void *event, struct error *err)
{
    (void)event;
    not_recorded("a wait for an event");
    return told(device, "a step on the GPU", err);
}

double cuda_event_seconds(struct cuda_device *device, void *from, void *to)
{
    const struct timespec *a = from, *b = to;
    (void)device;
    return (double)(b->tv_sec - a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) * 1e-9;
}

struct recording {
    void (*work)(void *context);
    void *context;
};

void *cuda_recording_new(struct cuda_device *device, void (*work)(void *context), void *context, struct error *err)
{
    struct recording *recording = cuda_device_pin(device, sizeof *recording, err);
    if (!recording)
        return NULL;
    *recording = (struct recording){work, context};
    emulator_recording = true;
    work(context);
    emulator_recording = false;
    return recording;
}

void cuda_recording_replay(struct cuda_device *device, void *recording)
{
    const struct recording *r = recording;
    (void)device;
    if (!fails())
        r->work(r->context);
}

void cuda_recording_free(struct cuda_device *device, void *recording)
{
    (void)device;
    free(recording);
}
