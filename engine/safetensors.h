/*
 * The safetensors file format (huggingface/safetensors): u64 little-endian N, N bytes of JSON, then the tensors,
 * little-endian and row-major, without holes. Of its types those that training needs are known here.
 */
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
    const void *data; /* borrowed when writing; into the file's buffer when reading, where it is aligned to its type */
    size_t bytes;     /* product of dims (1 if there are none) times the type's size */
};

struct safetensors_meta {
    const char *key, *value;
};

/*
 * Writes, fsyncs and renames into place; a failure leaves whatever was there before. In the file the widest types come
 * first, so that every tensor is aligned. Names are unique, printable, and not "__metadata__".
 */
int safetensors_write(const char *path, const struct safetensors_entry *entries, int count,
                      const struct safetensors_meta *meta, int meta_count, struct error *err);

struct safetensors {
    int count, meta_count;
    struct safetensors_entry *entries;
    struct safetensors_meta *meta;
    void *buffer;
};

/*
 * Reads and validates everything (sizes, holes, overlaps, duplicates, header at most 100,000,000 bytes). Values are not
 * looked at. On failure *file is empty and may be released.
 */
int safetensors_read(const char *path, struct safetensors *file, struct error *err);
void safetensors_release(struct safetensors *file);
const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name);
const char *safetensors_meta(const struct safetensors *file, const char *key);

#endif
