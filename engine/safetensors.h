/* The safetensors file format: little-endian tensors behind a JSON header (huggingface/safetensors). */
#ifndef DAVIDNET_ENGINE_SAFETENSORS_H
#define DAVIDNET_ENGINE_SAFETENSORS_H

#include "kernels/error.h"

#include <stddef.h>
#include <stdint.h>

#define SAFETENSORS_NAME_MAX 128

enum safetensors_type { SAFETENSORS_F32, SAFETENSORS_F64, SAFETENSORS_I64, SAFETENSORS_U8 };

struct safetensors_entry {
    char name[SAFETENSORS_NAME_MAX];
    enum safetensors_type type;
    int n_dims;
    int64_t dims[4];
    const void *data; /* borrowed when writing; into the file's buffer when reading */
    size_t bytes;
};

struct safetensors_meta {
    const char *key, *value;
};

/* Writes, fsyncs and renames into place; a failure leaves whatever was there before. */
int safetensors_write(const char *path, const struct safetensors_entry *entries, int count,
                      const struct safetensors_meta *meta, int meta_count, struct error *err);

struct safetensors {
    int count, meta_count;
    struct safetensors_entry *entries;
    struct safetensors_meta *meta;
    void *buffer;
};

/* Reads and validates everything (sizes, holes, overlaps, duplicates, header at most 100,000,000 bytes). */
int safetensors_read(const char *path, struct safetensors *file, struct error *err);
void safetensors_release(struct safetensors *file);
const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name);
const char *safetensors_meta(const struct safetensors *file, const char *key);

#endif
