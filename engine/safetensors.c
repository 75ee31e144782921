#include "engine/safetensors.h"

#include "engine/files.h"
#include "engine/utf8.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_MAX 100000000
#define EXACT_MAX 9007199254740992.0 /* 2^53: integers up to here are exact in JSON's doubles */
#define METADATA "__metadata__"
#define META_MAX 4096

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are little-endian in the file");

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [SAFETENSORS_F32] = {"F32", 4},
    [SAFETENSORS_F64] = {"F64", 8},
    [SAFETENSORS_I64] = {"I64", 8},
    [SAFETENSORS_U8] = {"U8", 1},
};

#define TYPE_COUNT ((int)(sizeof types / sizeof types[0]))

/* Bytes of a tensor of these dims, or false when that is not a size. */
static bool tensor_bytes(const struct safetensors_entry *e, size_t *bytes)
{
    uint64_t n = types[e->type].size;
    for (int d = 0; d < e->n_dims; d++)
        if (e->dims[d] < 0 || __builtin_mul_overflow(n, (uint64_t)e->dims[d], &n))
            return false;
    *bytes = (size_t)n;
    return n <= INT64_MAX;
}

static int compare_names(const void *a, const void *b)
{
    const struct safetensors_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* A name that two entries share, or NULL; *failed: no memory. */
static const char *duplicate_name(const struct safetensors_entry *entries, int count, bool *failed)
{
    const struct safetensors_entry **sorted = malloc(((size_t)count + 1) * sizeof(*sorted));
    *failed = sorted == NULL;
    if (*failed)
        return NULL;
    for (int i = 0; i < count; i++)
        sorted[i] = &entries[i];
    qsort(sorted, (size_t)count, sizeof(*sorted), compare_names);
    const char *name = NULL;
    for (int i = 1; i < count && name == NULL; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            name = sorted[i]->name;
    free(sorted);
    return name;
}

/* ---- writing ---- */

static int check_entries(const char *path, const struct safetensors_entry *entries, int count, struct error *err)
{
    for (int i = 0; i < count; i++) {
        const struct safetensors_entry *e = &entries[i];
        size_t bytes;
        if (memchr(e->name, '\0', sizeof e->name) == NULL || e->name[0] == '\0' || utf8_control(e->name) ||
            strcmp(e->name, METADATA) == 0)
            return error_set(err, "%s: tensor %d has no usable name", path, i);
        if ((int)e->type < 0 || (int)e->type >= TYPE_COUNT || e->n_dims < 0 || e->n_dims > 4)
            return error_set(err, "%s: tensor %s has a type or number of dimensions that is not written here", path,
                             e->name);
        if (!tensor_bytes(e, &bytes) || bytes != e->bytes)
            return error_set(err, "%s: tensor %s has %zu bytes, which its shape is not", path, e->name, e->bytes);
    }
    bool failed;
    const char *twice = duplicate_name(entries, count, &failed);
    if (failed)
        return error_set(err, "%s: no memory to write it", path);
    return twice ? error_set(err, "%s: two tensors are called %s", path, twice) : 0;
}

static cJSON *add_object(cJSON *to, const char *name)
{
    cJSON *object = cJSON_CreateObject();
    if (object != NULL && !cJSON_AddItemToObject(to, name, object)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static bool add_numbers(cJSON *to, const char *name, const int64_t *values, int count)
{
    cJSON *array = cJSON_AddArrayToObject(to, name);
    for (int i = 0; i < count && array != NULL; i++)
        if (!cJSON_AddItemToArray(array, cJSON_CreateNumber((double)values[i])))
            return false;
    return array != NULL;
}

/* The header as text, its tensors in the order of order[]; NULL without memory. */
static char *header_text(const struct safetensors_entry **order, int count, const struct safetensors_meta *meta,
                         int meta_count)
{
    cJSON *root = cJSON_CreateObject();
    bool ok = root != NULL;
    if (ok && meta_count > 0) {
        cJSON *object = add_object(root, METADATA);
        ok = object != NULL;
        for (int i = 0; i < meta_count && ok; i++)
            ok = cJSON_AddStringToObject(object, meta[i].key, meta[i].value) != NULL;
    }
    int64_t at = 0;
    for (int i = 0; i < count && ok; i++) {
        int64_t range[2] = {at, at + (int64_t)order[i]->bytes};
        cJSON *object = add_object(root, order[i]->name);
        ok = object != NULL && cJSON_AddStringToObject(object, "dtype", types[order[i]->type].name) != NULL &&
             add_numbers(object, "shape", order[i]->dims, order[i]->n_dims) &&
             add_numbers(object, "data_offsets", range, 2);
        at = range[1];
    }
    char *text = ok ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    return text;
}

int safetensors_write(const char *path, const struct safetensors_entry *entries, int count,
                      const struct safetensors_meta *meta, int meta_count, struct error *err)
{
    if (check_entries(path, entries, count, err) < 0)
        return -1;
    const struct safetensors_entry **order = malloc(((size_t)count + 1) * sizeof(*order));
    struct file_part *parts = malloc(((size_t)count + 3) * sizeof *parts);
    char *header = NULL;
    int rc = -1;
    if (order != NULL && parts != NULL) {
        int n = 0;
        for (size_t size = 8; size >= 1; size /= 2)
            for (int i = 0; i < count; i++)
                if (types[entries[i].type].size == size)
                    order[n++] = &entries[i];
        header = header_text(order, count, meta, meta_count);
    }
    if (header == NULL) {
        error_set(err, "%s: no memory to write it", path);
    } else {
        static const char spaces[] = "        ";
        size_t length = strlen(header), padding = (8 - length % 8) % 8;
        uint64_t n = length + padding;
        if (n > HEADER_MAX) {
            error_set(err, "%s: too many tensors: its header would have %llu bytes", path, (unsigned long long)n);
        } else {
            parts[0] = (struct file_part){&n, sizeof n};
            parts[1] = (struct file_part){header, length};
            parts[2] = (struct file_part){spaces, padding};
            for (int i = 0; i < count; i++)
                parts[3 + i] = (struct file_part){order[i]->data, order[i]->bytes};
            rc = file_replace(path, parts, count + 3, err);
        }
    }
    free(order);
    free(parts);
    cJSON_free(header);
    return rc;
}

/* ---- reading ---- */

/* An integer of at least 0 that JSON's doubles hold exactly. */
static bool whole(const cJSON *item, int64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || !(item->valuedouble <= EXACT_MAX))
        return false;
    *value = (int64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static int parse_entry(const char *path, const cJSON *item, struct safetensors_entry *e, int64_t *begin, int64_t *end,
                       struct error *err)
{
    const char *name = item->string;
    if (name[0] == '\0' || strlen(name) >= sizeof e->name || utf8_control(name))
        return error_set(err, "%s: a tensor's name is empty, longer than %zu bytes, or not printable", path,
                         sizeof e->name - 1);
    strcpy(e->name, name);
    if (!cJSON_IsObject(item))
        return error_set(err, "%s: tensor %s is not described by an object", path, name);
    const cJSON *dtype = NULL, *shape = NULL, *offsets = NULL, *child;
    for (child = item->child; child != NULL; child = child->next) {
        const cJSON **field = strcmp(child->string, "dtype") == 0          ? &dtype
                              : strcmp(child->string, "shape") == 0        ? &shape
                              : strcmp(child->string, "data_offsets") == 0 ? &offsets
                                                                           : NULL;
        if (field == NULL || *field != NULL)
            return error_set(err, "%s: tensor %s has an unknown or repeated field", path, name);
        *field = child;
    }
    if (dtype == NULL || shape == NULL || offsets == NULL)
        return error_set(err, "%s: tensor %s has no dtype, no shape or no data_offsets", path, name);
    int type = 0;
    while (cJSON_IsString(dtype) && type < TYPE_COUNT && strcmp(dtype->valuestring, types[type].name) != 0)
        type++;
    if (!cJSON_IsString(dtype) || type == TYPE_COUNT)
        return error_set(err, "%s: tensor %s has dtype %.16s; F32, F64, I64 and U8 are read here", path, name,
                         cJSON_IsString(dtype) && !utf8_control(dtype->valuestring) ? dtype->valuestring : "(none)");
    e->type = (enum safetensors_type)type;
    if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > 4)
        return error_set(err, "%s: tensor %s has no shape of at most 4 dimensions", path, name);
    for (child = shape->child; child != NULL; child = child->next)
        if (!whole(child, &e->dims[e->n_dims++]))
            return error_set(err, "%s: tensor %s has a dimension that is not a whole number", path, name);
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 || !whole(offsets->child, begin) ||
        !whole(offsets->child->next, end) || *end < *begin)
        return error_set(err, "%s: tensor %s has no valid data_offsets", path, name);
    if (!tensor_bytes(e, &e->bytes) || e->bytes != (uint64_t)(*end - *begin))
        return error_set(err, "%s: tensor %s: its data_offsets span %lld bytes, which its shape and dtype do not", path,
                         name, (long long)(*end - *begin));
    return 0;
}

static int parse_meta(const char *path, const cJSON *item, struct safetensors *file, struct error *err)
{
    if (file->meta != NULL)
        return error_set(err, "%s: " METADATA " is there twice", path);
    if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) > META_MAX)
        return error_set(err, "%s: " METADATA " is not an object of at most %d entries", path, META_MAX);
    file->meta = calloc((size_t)cJSON_GetArraySize(item) + 1, sizeof *file->meta);
    file->meta_count = 0;
    if (file->meta == NULL)
        return error_set(err, "%s: no memory to read it", path);
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        if (!cJSON_IsString(child) || safetensors_meta(file, child->string) != NULL)
            return error_set(err, "%s: " METADATA " has a repeated key or a value that is not a string", path);
        struct safetensors_meta *m = &file->meta[file->meta_count];
        m->key = strdup(child->string);
        m->value = strdup(child->valuestring);
        file->meta_count++;
        if (m->key == NULL || m->value == NULL)
            return error_set(err, "%s: no memory to read it", path);
    }
    return 0;
}

struct span {
    int64_t begin, end;
    int entry;
};

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Spans must follow each other from 0 to `size`. */
static int check_spans(const char *path, struct span *spans, const struct safetensors *file, int64_t size,
                       struct error *err)
{
    qsort(spans, (size_t)file->count, sizeof *spans, compare_spans);
    int64_t at = 0;
    for (int i = 0; i < file->count; i++) {
        const char *name = file->entries[spans[i].entry].name;
        if (spans[i].begin != at)
            return error_set(err, "%s: the tensors %s at %s", path, spans[i].begin > at ? "leave a hole" : "overlap",
                             name);
        if (spans[i].end > size)
            return error_set(err, "%s: tensor %s ends at byte %lld of the data, which has only %lld: the file is cut",
                             path, name, (long long)spans[i].end, (long long)size);
        at = spans[i].end;
    }
    if (at != size)
        return error_set(err, "%s: %lld bytes of data belong to no tensor", path, (long long)(size - at));
    return 0;
}

/* Fills file from the header; `spans` (one per entry, malloc'ed) says where each tensor's data is. */
static int parse_header(const char *path, const cJSON *root, struct safetensors *file, struct span **spans,
                        struct error *err)
{
    int n = cJSON_GetArraySize(root);
    file->entries = calloc((size_t)n + 1, sizeof *file->entries);
    *spans = calloc((size_t)n + 1, sizeof **spans);
    if (file->entries == NULL || *spans == NULL)
        return error_set(err, "%s: no memory to read it", path);
    for (const cJSON *item = root->child; item != NULL; item = item->next) {
        if (strcmp(item->string, METADATA) == 0) {
            if (parse_meta(path, item, file, err) < 0)
                return -1;
            continue;
        }
        struct span *span = &(*spans)[file->count];
        if (parse_entry(path, item, &file->entries[file->count], &span->begin, &span->end, err) < 0)
            return -1;
        span->entry = file->count++;
    }
    bool failed;
    const char *twice = duplicate_name(file->entries, file->count, &failed);
    if (failed)
        return error_set(err, "%s: no memory to read it", path);
    return twice ? error_set(err, "%s: two tensors are called %s", path, twice) : 0;
}

/* The header's text, NUL-terminated and malloc'ed, and how many bytes of data follow it. */
static char *read_header(const char *path, int fd, uint64_t *header, int64_t *data, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        error_set(err, "%s: not a regular file", path);
        return NULL;
    }
    char start[9];
    if (st.st_size < 10 || file_read_at(fd, start, 9, 0) != 9) {
        error_set(err, "%s: not a safetensors file: it has only %lld bytes", path, (long long)st.st_size);
        return NULL;
    }
    memcpy(header, start, 8);
    if (*header > HEADER_MAX || *header < 2 || *header > (uint64_t)st.st_size - 8 || start[8] != '{') {
        error_set(err, "%s: not a safetensors file, or cut: it says that its header has %llu bytes, of %lld in all",
                  path, (unsigned long long)*header, (long long)st.st_size);
        return NULL;
    }
    char *text = malloc(*header + 1);
    if (text == NULL || file_read_at(fd, text, *header, 8) != (int64_t)*header) {
        error_set(err, "%s: cannot read its header", path);
        free(text);
        return NULL;
    }
    text[*header] = '\0';
    *data = st.st_size - 8 - (int64_t)*header;
    return text;
}

/* Parses strictly: one object, only spaces after it. */
static cJSON *parse_json(const char *path, const char *text, size_t size, struct error *err)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, size, &end, 0);
    if (root != NULL && cJSON_IsObject(root)) {
        while (end < text + size && *end == ' ')
            end++;
        if (end == text + size)
            return root;
    }
    cJSON_Delete(root);
    error_set(err, "%s: its header is not valid JSON near byte %td", path, end != NULL ? end - text + 8 : (ptrdiff_t)8);
    return NULL;
}

/*
 * Data that another program packed without regard for alignment is moved apart: every tensor starts on a multiple
 * of 8 in the buffer.
 */
static int read_data(const char *path, int fd, int64_t from, struct safetensors *file, const struct span *spans,
                     struct error *err)
{
    uint64_t total = 0;
    for (int i = 0; i < file->count; i++)
        total += ((uint64_t)(spans[i].end - spans[i].begin) + 7) / 8 * 8;
    file->buffer = malloc(total + 8);
    if (file->buffer == NULL)
        return error_set(err, "%s: no memory for its %llu bytes", path, (unsigned long long)total);
    char *at = file->buffer;
    for (int i = 0; i < file->count; i++) {
        struct safetensors_entry *e = &file->entries[spans[i].entry];
        if (file_read_at(fd, at, e->bytes, from + spans[i].begin) != (int64_t)e->bytes)
            return error_set(err, "%s: cannot read the data of %s", path, e->name);
        e->data = at;
        at += (e->bytes + 7) / 8 * 8;
    }
    return 0;
}

int safetensors_read(const char *path, struct safetensors *file, struct error *err)
{
    memset(file, 0, sizeof *file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, "%s: cannot open it: %s", path, strerror(errno));
    uint64_t header = 0;
    int64_t data = 0;
    struct span *spans = NULL;
    char *text = read_header(path, fd, &header, &data, err);
    cJSON *root = text ? parse_json(path, text, header, err) : NULL;
    int rc = root ? parse_header(path, root, file, &spans, err) : -1;
    if (rc == 0)
        rc = check_spans(path, spans, file, data, err);
    if (rc == 0)
        rc = read_data(path, fd, 8 + (int64_t)header, file, spans, err);
    cJSON_Delete(root);
    free(text);
    free(spans);
    close(fd);
    if (rc < 0)
        safetensors_release(file);
    return rc;
}

void safetensors_release(struct safetensors *file)
{
    for (int i = 0; i < file->meta_count; i++) {
        free((char *)file->meta[i].key);
        free((char *)file->meta[i].value);
    }
    free(file->meta);
    free(file->entries);
    free(file->buffer);
    memset(file, 0, sizeof *file);
}

const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (strcmp(file->entries[i].name, name) == 0)
            return &file->entries[i];
    return NULL;
}

const char *safetensors_meta(const struct safetensors *file, const char *key)
{
    for (int i = 0; i < file->meta_count; i++)
        if (strcmp(file->meta[i].key, key) == 0)
            return file->meta[i].value;
    return NULL;
}
