/* The file of the study: engine/ablate_study.h. */
#include "engine/ablate_study.h"
#include "engine/files.h"
#include "engine/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "davidnet-ablate"
#define VERSION 1
#define BYTES_MAX ((size_t)64 << 20)

/* ---- writing ---- */

static cJSON *setting_json(const struct ablate_setting *s)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "format", FORMAT);
    cJSON_AddNumberToObject(object, "version", VERSION);
    cJSON_AddStringToObject(object, "family", s->family);
    cJSON_AddStringToObject(object, "precision", s->precision);
    cJSON_AddStringToObject(object, "isa", s->isa);
    cJSON_AddNumberToObject(object, "threads", s->threads);
    cJSON_AddStringToObject(object, "library", s->library);
    cJSON_AddStringToObject(object, "davidnet", s->davidnet);
    cJSON_AddStringToObject(object, "commit", s->commit);
    json_add_number(object, "ceiling_flops", s->ceiling.flops);
    json_add_number(object, "ceiling_bytes", s->ceiling.bytes);
    return object;
}

static cJSON *record_json(const struct ablate_record *r)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "preset", r->preset);
    cJSON_AddStringToObject(object, "recipe", r->recipe);
    cJSON_AddNumberToObject(object, "batch", r->batch);
    cJSON_AddStringToObject(object, "variant", ablate_variant_name(r->variant));
    cJSON_AddNumberToObject(object, "round", r->round);
    json_add_number(object, "ms", 1e3 * r->times.seconds);
    cJSON *parts = cJSON_AddObjectToObject(object, "parts_ms");
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        json_add_number(parts, ablate_part_name((enum ablate_part)p), 1e3 * r->times.part[p]);
    json_add_number(object, "cpu_ms", 1e3 * r->times.cpu);
    cJSON_AddBoolToObject(object, "noisy", r->noisy);
    json_add_number(object, "flops", r->flops);
    json_add_number(object, "bytes", r->bytes);
    return object;
}

/* One write, so that a line is there as a whole or, after a crash, as its beginning. */
static int append(const char *path, cJSON *object, struct error *err)
{
    char *text = cJSON_PrintUnformatted(object), *line = NULL;
    cJSON_Delete(object);
    size_t size = text ? strlen(text) + 1 : 0;
    if (text && (line = malloc(size + 1)) != NULL)
        snprintf(line, size + 1, "%s\n", text);
    cJSON_free(text);
    if (!line)
        return error_set(err, "out of memory for a line of %s", path);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int failed = fd < 0 || file_write_all(fd, line, size) != 0 || fdatasync(fd) != 0, reason = errno;
    if (fd >= 0)
        close(fd);
    free(line);
    return failed ? error_set(err, "cannot write %s: %s", path, strerror(reason)) : 0;
}

/* ---- reading ---- */

static double real(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

/* -1: missing, or not a whole number within the limits. */
static int whole(const cJSON *object, const char *key, int max)
{
    double value = real(object, key);
    return value >= 0 && value <= max && value == floor(value) ? (int)value : -1;
}

static int text(const cJSON *object, const char *key, char *out, size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= size)
        return -1;
    snprintf(out, size, "%s", item->valuestring);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
    return 0;
}

static int read_setting(const cJSON *object, struct ablate_setting *s)
{
    char format[sizeof FORMAT];
    s->threads = whole(object, "threads", INT_MAX);
    s->ceiling = (struct ceiling){.flops = real(object, "ceiling_flops"), .bytes = real(object, "ceiling_bytes")};
    return text(object, "format", format, sizeof format) || strcmp(format, FORMAT) != 0 ||
                   whole(object, "version", INT_MAX) != VERSION || s->threads < 1 ||
                   text(object, "family", s->family, sizeof s->family) ||
                   text(object, "precision", s->precision, sizeof s->precision) ||
                   text(object, "isa", s->isa, sizeof s->isa) ||
                   text(object, "library", s->library, sizeof s->library) ||
                   text(object, "davidnet", s->davidnet, sizeof s->davidnet) ||
                   text(object, "commit", s->commit, sizeof s->commit)
               ? -1
               : 0;
}

static int read_record(const cJSON *object, struct ablate_record *r)
{
    char variant[32];
    if (text(object, "preset", r->preset, sizeof r->preset) || text(object, "recipe", r->recipe, sizeof r->recipe) ||
        text(object, "variant", variant, sizeof variant))
        return -1;
    int found = ablate_variant_find(variant);
    r->batch = whole(object, "batch", INT_MAX);
    r->round = whole(object, "round", ABLATE_ROUNDS_MAX - 1);
    r->times.seconds = 1e-3 * real(object, "ms");
    r->times.cpu = 1e-3 * real(object, "cpu_ms");
    r->flops = real(object, "flops");
    r->bytes = real(object, "bytes");
    const cJSON *parts = cJSON_GetObjectItemCaseSensitive(object, "parts_ms");
    const cJSON *noisy = cJSON_GetObjectItemCaseSensitive(object, "noisy");
    r->noisy = cJSON_IsTrue(noisy);
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        r->times.part[p] = 1e-3 * real(parts, ablate_part_name((enum ablate_part)p));
    if (found < 0 || r->batch < 1 || r->round < 0 || !(r->times.seconds > 0) || !cJSON_IsBool(noisy))
        return -1;
    r->variant = (enum ablate_variant)found;
    return 0;
}

static int keep(struct ablate_results *results, const struct ablate_record *record, struct error *err)
{
    if (results->count == results->room) {
        size_t room = results->room ? 2 * results->room : 64;
        struct ablate_record *more = realloc(results->records, room * sizeof *more);
        if (!more)
            return error_set(err, "out of memory for the measurements of %s", results->path);
        results->records = more;
        results->room = room;
    }
    results->records[results->count++] = *record;
    return 0;
}

static int read_line(struct ablate_results *results, const char *line, int number, struct error *err)
{
    cJSON *object = cJSON_Parse(line);
    struct ablate_record record = {.round = 0};
    int status = 0;
    if (!results->begun) {
        status = object ? read_setting(object, &results->setting) : -1;
        results->begun = status == 0;
    } else {
        status = object ? read_record(object, &record) : -1;
        if (status == 0 && keep(results, &record, err)) {
            cJSON_Delete(object);
            return -1;
        }
    }
    cJSON_Delete(object);
    return status ? error_set(err, "%s line %d is not one of a study of this version; give another folder",
                              results->path, number)
                  : 0;
}

static int read_lines(struct ablate_results *results, char *bytes, size_t size, struct error *err)
{
    size_t at = 0;
    for (int number = 1; at < size; number++) {
        char *end = memchr(bytes + at, '\n', size - at);
        if (!end) /* a crash: what follows must begin a line */
            return truncate(results->path, (off_t)at) == 0
                       ? 0
                       : error_set(err, "cannot take the unfinished line from the end of %s: %s", results->path,
                                   strerror(errno));
        *end = '\0';
        if (read_line(results, bytes + at, number, err))
            return -1;
        at = (size_t)(end - bytes) + 1;
    }
    return 0;
}

int ablate_results_open(struct ablate_results *results, const char *folder, struct error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    memset(results, 0, sizeof *results);
    if (snprintf(results->path, sizeof results->path, "%s/results.jsonl", folder) >= (int)sizeof results->path)
        return error_set(err, "the folder's name is too long: %.80s...", folder);
    if (folder_make(folder, err))
        return -1;
    if (access(results->path, F_OK) != 0)
        return 0;
    int status = file_read(results->path, BYTES_MAX, &bytes, &size, err) || read_lines(results, bytes, size, err);
    free(bytes);
    if (status)
        ablate_results_release(results);
    return status ? -1 : 0;
}

void ablate_results_release(struct ablate_results *results)
{
    free(results->records);
    memset(results, 0, sizeof *results);
}

/* ---- what is in it ---- */

static int other(const struct ablate_results *results, const char *what, const char *there, const char *here,
                 struct error *err)
{
    return error_set(err,
                     "%s was measured with %s %s, and this is %s: times of both do not belong together; give another "
                     "folder with --out",
                     results->path, what, there, here);
}

int ablate_results_begin(struct ablate_results *results, const struct ablate_setting *s, struct error *err)
{
    const struct ablate_setting *there = &results->setting;
    if (results->begun) {
        const char *const same[][3] = {
            {"device", there->family, s->family},       {"precision", there->precision, s->precision},
            {"instruction set", there->isa, s->isa},    {"library", there->library, s->library},
            {"davidnet", there->davidnet, s->davidnet}, {"commit", there->commit, s->commit}};
        char a[16], b[16];
        for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
            if (strcmp(same[i][1], same[i][2]) != 0)
                return other(results, same[i][0], same[i][1], same[i][2], err);
        snprintf(a, sizeof a, "%d", there->threads);
        snprintf(b, sizeof b, "%d", s->threads);
        return there->threads == s->threads ? 0 : other(results, "threads =", a, b, err);
    }
    if (append(results->path, setting_json(s), err))
        return -1;
    results->setting = *s;
    results->begun = true;
    return 0;
}

int ablate_results_add(struct ablate_results *results, const struct ablate_record *record, struct error *err)
{
    return append(results->path, record_json(record), err) || keep(results, record, err) ? -1 : 0;
}

const struct ablate_record *ablate_results_find(const struct ablate_results *results, const char *preset, int batch,
                                                enum ablate_variant variant, int round)
{
    for (size_t i = 0; i < results->count; i++) {
        const struct ablate_record *r = &results->records[i];
        if (r->batch == batch && r->variant == variant && r->round == round && strcmp(r->preset, preset) == 0)
            return r;
    }
    return NULL;
}
