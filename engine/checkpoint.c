#include "engine/checkpoint.h"

#include "engine/crc.h"
#include "engine/files.h"
#include "engine/safetensors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE (RUN_PATH_MAX + 128)
#define MODEL_FILE "model.safetensors"
#define STATE_FILE "state.safetensors"
#define MOMENTUM "momentum."
#define MASTER "master."
#define SLOW "slow."
#define TRACKED ".num_batches_tracked"
#define RUNNING_MEAN ".running_mean"
#define LIST_MAX 4096

_Static_assert(sizeof(MOMENTUM) + PLAN_NAME_MAX <= SAFETENSORS_NAME_MAX, "names fit");

/* The clock, field by field: doubles keep their bits (NaN too), counters are I64. */
static const struct clock_field {
    const char *name;
    size_t offset;
    enum safetensors_type type;
} clock_fields[] = {
    {"clock.train_seconds", offsetof(struct checkpoint_clock, train_seconds), SAFETENSORS_F64},
    {"clock.speedrun_seconds", offsetof(struct checkpoint_clock, speedrun_seconds), SAFETENSORS_F64},
    {"clock.wall_seconds", offsetof(struct checkpoint_clock, wall_seconds), SAFETENSORS_F64},
    {"clock.epoch_loss_sum", offsetof(struct checkpoint_clock, epoch_loss_sum), SAFETENSORS_F64},
    {"clock.epoch_correct", offsetof(struct checkpoint_clock, epoch_correct), SAFETENSORS_I64},
    {"clock.epoch_images", offsetof(struct checkpoint_clock, epoch_images), SAFETENSORS_I64},
    {"clock.best_acc", offsetof(struct checkpoint_clock, best_acc), SAFETENSORS_F64},
    {"clock.seconds_to_target", offsetof(struct checkpoint_clock, seconds_to_target), SAFETENSORS_F64},
};

#define CLOCK_FIELDS (sizeof clock_fields / sizeof clock_fields[0])

int checkpoint_init(struct checkpoint *checkpoint, const struct plan *plan, struct error *err)
{
    memset(checkpoint, 0, sizeof *checkpoint);
    checkpoint->plan = plan;
    checkpoint->value = calloc(plan->arena_count + 1, sizeof(float));
    checkpoint->momentum = calloc(plan->arena_count + 1, sizeof(float));
    if (checkpoint->value == NULL || checkpoint->momentum == NULL) {
        checkpoint_release(checkpoint);
        return error_set(err, "no memory for a checkpoint of %zu floats", plan->arena_count);
    }
    return 0;
}

void checkpoint_release(struct checkpoint *checkpoint)
{
    free(checkpoint->value);
    free(checkpoint->momentum);
    free(checkpoint->ema);
    free(checkpoint->slow);
    memset(checkpoint, 0, sizeof *checkpoint);
}

int checkpoint_add_averages(struct checkpoint *checkpoint, int ema, int slow, struct error *err)
{
    size_t count = checkpoint->plan->arena_count + 1;
    if (ema && !checkpoint->ema)
        checkpoint->ema = calloc(count, sizeof(float));
    if (slow && !checkpoint->slow)
        checkpoint->slow = calloc(count, sizeof(float));
    if ((checkpoint->ema || !ema) && (checkpoint->slow || !slow))
        return 0;
    return error_set(err, "no memory for the averages in a checkpoint of %zu floats", count);
}

/* All tensors between the program and the copy, either way. */
static int transfer(const struct checkpoint *checkpoint, struct program *program, bool take, struct error *err)
{
    const struct family *family = program->family;
    const struct {
        enum program_tensor kind;
        float *copy;
    } parts[] = {{PROGRAM_VALUE, checkpoint->value},
                 {PROGRAM_MOMENTUM, checkpoint->momentum},
                 {PROGRAM_EMA, family->mix ? checkpoint->ema : NULL}, /* else engine/averages.h has them */
                 {PROGRAM_SLOW, family->mix ? checkpoint->slow : NULL}};
    for (int i = 0; i < checkpoint->plan->n_tensors; i++) {
        const struct plan_tensor *t = &checkpoint->plan->tensors[i];
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
            if (!parts[k].copy || (parts[k].kind == PROGRAM_MOMENTUM && !t->trained))
                continue;
            float *copy = parts[k].copy + t->offset;
            if (take ? family->read_tensor(program, t->name, parts[k].kind, copy, t->count, err)
                     : family->write_tensor(program, t->name, parts[k].kind, copy, t->count, err))
                return -1;
        }
    }
    return 0;
}

int checkpoint_take(struct checkpoint *checkpoint, struct program *program, struct error *err)
{
    return transfer(checkpoint, program, true, err);
}

int checkpoint_give(const struct checkpoint *checkpoint, struct program *program, struct error *err)
{
    return transfer(checkpoint, program, false, err);
}

/* ---- one file ---- */

/* Over names and bytes of all tensors, whatever their order. */
static uint32_t entries_crc(const struct safetensors_entry *entries, int count)
{
    uint32_t sum = 0;
    for (int i = 0; i < count; i++) {
        uint32_t crc = crc_add(0, entries[i].name, strlen(entries[i].name));
        sum += crc_add(crc, entries[i].data, entries[i].bytes);
    }
    return sum;
}

static int write_entries(const char *path, const struct safetensors_entry *entries, int count, uint32_t step,
                         struct error *err)
{
    char crc[16], step_text[16];
    snprintf(crc, sizeof crc, "%08x", entries_crc(entries, count));
    snprintf(step_text, sizeof step_text, "%u", step);
    const struct safetensors_meta meta[] = {{"format", "pt"}, {"step", step_text}, {"crc32", crc}};
    return safetensors_write(path, entries, count, meta, 3, err);
}

static struct safetensors_entry tensor_entry(const char *prefix, const struct plan_tensor *t, const float *data)
{
    struct safetensors_entry e = {.type = SAFETENSORS_F32, .n_dims = t->n_dims, .data = data, .bytes = 4 * t->count};
    snprintf(e.name, sizeof e.name, "%s%.*s", prefix, PLAN_NAME_MAX, t->name);
    for (int d = 0; d < t->n_dims; d++)
        e.dims[d] = t->dims[d];
    return e;
}

/* PyTorch's name of the counter that goes with a running mean; false for any other tensor. */
static bool tracked_name(const struct plan_tensor *t, char *out, size_t size)
{
    size_t n = strlen(t->name), tail = strlen(RUNNING_MEAN);
    if (t->role != PLAN_RUNNING_MEAN || n < tail || strcmp(t->name + n - tail, RUNNING_MEAN) != 0)
        return false;
    snprintf(out, size, "%.*s" TRACKED, (int)(n - tail), t->name);
    return true;
}

static int write_model(const struct checkpoint *c, const char *path, struct error *err)
{
    const struct plan *plan = c->plan;
    const int64_t step = c->clock.step;
    struct safetensors_entry *entries = calloc(2 * (size_t)plan->n_tensors + 1, sizeof *entries);
    if (entries == NULL)
        return error_set(err, "%s: no memory to write it", path);
    int n = 0;
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *t = &plan->tensors[i];
        entries[n++] = tensor_entry("", t, (c->ema ? c->ema : c->value) + t->offset);
        if (tracked_name(t, entries[n].name, sizeof entries[n].name)) {
            entries[n].type = SAFETENSORS_I64;
            entries[n].data = &step;
            entries[n++].bytes = sizeof step;
        }
    }
    int rc = write_entries(path, entries, n, c->clock.step, err);
    free(entries);
    return rc;
}

static int write_state(const struct checkpoint *c, const char *path, struct error *err)
{
    const struct plan *plan = c->plan;
    const int64_t step = c->clock.step;
    struct safetensors_entry *entries = calloc(3 * (size_t)plan->n_tensors + CLOCK_FIELDS + 1, sizeof *entries);
    if (entries == NULL)
        return error_set(err, "%s: no memory to write it", path);
    int n = 0;
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *t = &plan->tensors[i];
        if (t->trained)
            entries[n++] = tensor_entry(MOMENTUM, t, c->momentum + t->offset);
        if (c->ema)
            entries[n++] = tensor_entry(MASTER, t, c->value + t->offset);
        if (c->slow)
            entries[n++] = tensor_entry(SLOW, t, c->slow + t->offset);
    }
    for (size_t f = 0; f < CLOCK_FIELDS; f++) {
        strcpy(entries[n].name, clock_fields[f].name);
        entries[n].type = clock_fields[f].type;
        entries[n].data = (const char *)&c->clock + clock_fields[f].offset;
        entries[n++].bytes = 8;
    }
    strcpy(entries[n].name, "clock.step");
    entries[n].type = SAFETENSORS_I64;
    entries[n].data = &step;
    entries[n++].bytes = sizeof step;
    int rc = write_entries(path, entries, n, c->clock.step, err);
    free(entries);
    return rc;
}

/* Reads a file of ours or a user's; a crc32 in its metadata must match. */
static int read_entries(const char *path, struct safetensors *file, struct error *err)
{
    if (safetensors_read(path, file, err) < 0)
        return -1;
    const char *crc = safetensors_meta(file, "crc32");
    if (crc == NULL || strtoul(crc, NULL, 16) == entries_crc(file->entries, file->count))
        return 0;
    safetensors_release(file);
    return error_set(err,
                     "%s: its tensors do not match the crc32 in its metadata: it is damaged, or was changed by a "
                     "program that kept the metadata",
                     path);
}

static void shape_text(const int64_t *dims, int n, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (int d = 0; d < n && used < size; d++)
        used += (size_t)snprintf(out + used, size - used, "%s%lld", d ? ", " : "", (long long)dims[d]);
    if (used < size)
        snprintf(out + used, size - used, "]");
}

/* Copies the tensor prefix + t->name of exactly that shape to out. */
static int copy_tensor(const char *path, const struct safetensors *file, const char *prefix,
                       const struct plan_tensor *t, float *out, struct error *err)
{
    struct safetensors_entry want = tensor_entry(prefix, t, NULL);
    const struct safetensors_entry *e = safetensors_find(file, want.name);
    if (e == NULL)
        return error_set(err, "%s: it has no tensor %s, which this network needs", path, want.name);
    if (e->type != SAFETENSORS_F32)
        return error_set(err, "%s: tensor %s must be F32", path, want.name);
    if (e->n_dims != want.n_dims || memcmp(e->dims, want.dims, (size_t)want.n_dims * sizeof want.dims[0]) != 0) {
        char has[96], needs[96];
        shape_text(e->dims, e->n_dims, has, sizeof has);
        shape_text(want.dims, want.n_dims, needs, sizeof needs);
        return error_set(err, "%s: tensor %s has shape %s, this network needs %s", path, want.name, has, needs);
    }
    memcpy(out, e->data, e->bytes);
    return 0;
}

/* Values of a model file, strictly: every tensor of the plan, and nothing else. */
static int model_values(const char *path, const struct safetensors *file, const struct plan *plan, float *value,
                        struct error *err)
{
    int known = 0;
    for (int i = 0; i < plan->n_tensors; i++) {
        char tracked[SAFETENSORS_NAME_MAX];
        const struct plan_tensor *t = &plan->tensors[i];
        if (copy_tensor(path, file, "", t, value + t->offset, err) < 0)
            return -1;
        known++;
        if (tracked_name(t, tracked, sizeof tracked) && safetensors_find(file, tracked) != NULL)
            known++;
    }
    for (int i = 0; i < file->count && known != file->count; i++) {
        const char *name = file->entries[i].name;
        size_t n = strlen(name), tail = strlen(TRACKED);
        bool is_tracked = n > tail && strcmp(name + n - tail, TRACKED) == 0;
        if (!is_tracked && plan_find_tensor(plan, name) < 0)
            return error_set(err, "%s: its tensor %s is not in this network", path, name);
    }
    return known == file->count ? 0 : error_set(err, "%s: it has tensors that are not in this network", path);
}

static int state_values(const char *path, const struct safetensors *file, struct checkpoint *c, struct error *err)
{
    for (int i = 0; i < c->plan->n_tensors; i++) {
        const struct plan_tensor *t = &c->plan->tensors[i];
        if ((t->trained && copy_tensor(path, file, MOMENTUM, t, c->momentum + t->offset, err) < 0) ||
            (c->ema && copy_tensor(path, file, MASTER, t, c->value + t->offset, err) < 0) ||
            (c->slow && copy_tensor(path, file, SLOW, t, c->slow + t->offset, err) < 0))
            return -1;
    }
    for (size_t f = 0; f < CLOCK_FIELDS; f++) {
        const struct safetensors_entry *e = safetensors_find(file, clock_fields[f].name);
        if (e == NULL || e->type != clock_fields[f].type || e->bytes != 8)
            return error_set(err, "%s: it has no %s", path, clock_fields[f].name);
        memcpy((char *)&c->clock + clock_fields[f].offset, e->data, 8);
    }
    const struct safetensors_entry *e = safetensors_find(file, "clock.step");
    int64_t step = -1;
    if (e != NULL && e->type == SAFETENSORS_I64 && e->bytes == sizeof step)
        memcpy(&step, e->data, sizeof step);
    if (step < 0 || step > UINT32_MAX)
        return error_set(err, "%s: it has no clock.step", path);
    c->clock.step = (uint32_t)step;
    return 0;
}

/* ---- folders ---- */

/* The step of "checkpoint-STEP", or -1 for any other name. */
static int64_t step_of(const char *name)
{
    static const char prefix[] = "checkpoint-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return -1;
    const char *digits = name + sizeof prefix - 1;
    size_t n = strspn(digits, "0123456789");
    return n > 0 && n <= 10 && digits[n] == '\0' ? (int64_t)strtoll(digits, NULL, 10) : -1;
}

static bool is_leftover(const char *name)
{
    size_t n = strlen(name);
    return strncmp(name, "checkpoint-", 11) == 0 && n > 4 && strcmp(name + n - 4, ".tmp") == 0;
}

static int newest_first(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

int checkpoint_list(const struct run_folder *folder, uint32_t *steps, int max)
{
    DIR *dir = opendir(folder->path);
    if (dir == NULL)
        return 0;
    uint32_t *all = malloc(LIST_MAX * sizeof *all);
    int n = 0;
    struct dirent *e;
    while (all != NULL && n < LIST_MAX && (e = readdir(dir)) != NULL) {
        int64_t step = step_of(e->d_name);
        if (step >= 0 && step <= UINT32_MAX)
            all[n++] = (uint32_t)step;
    }
    closedir(dir);
    if (n > 0)
        qsort(all, (size_t)n, sizeof *all, newest_first);
    n = n < max ? n : max;
    if (n > 0)
        memcpy(steps, all, (size_t)n * sizeof *steps);
    free(all);
    return n;
}

/* RUN/checkpoint-STEP + tail */
static void checkpoint_path(const struct run_folder *folder, uint32_t step, const char *tail, char *out)
{
    snprintf(out, PATH_SIZE, "%s/checkpoint-%u%s", folder->path, step, tail);
}

static void remove_leftovers(const struct run_folder *folder)
{
    DIR *dir = opendir(folder->path);
    if (dir == NULL)
        return;
    struct dirent *e;
    while ((e = readdir(dir)) != NULL) {
        char path[PATH_SIZE + 256];
        if (!is_leftover(e->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder->path, e->d_name);
        folder_remove(path, NULL);
    }
    closedir(dir);
}

/* Puts temp in place; a checkpoint of the same step that is there already is exchanged, and ends up as temp. */
static int put_in_place(const char *temp, const char *path, struct error *err)
{
    if (rename(temp, path) == 0)
        return 0;
    if (errno != EEXIST && errno != ENOTEMPTY)
        return error_set(err, "%s: cannot rename it: %s", temp, strerror(errno));
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
        return 0;
    /* A file system that cannot exchange: for a moment only the older checkpoints are there. */
    char aside[PATH_SIZE + 16];
    snprintf(aside, sizeof aside, "%s.old.tmp", path);
    if (rename(path, aside) < 0 || rename(temp, path) < 0)
        return error_set(err, "%s: cannot rename it: %s", temp, strerror(errno));
    return 0;
}

/* Renamed first, so that none is ever seen half-removed. */
static void remove_checkpoint(const struct run_folder *folder, uint32_t step)
{
    char path[PATH_SIZE], temp[PATH_SIZE];
    checkpoint_path(folder, step, "", path);
    checkpoint_path(folder, step, ".tmp", temp);
    if (rename(path, temp) == 0)
        folder_remove(temp, NULL);
}

static void prune(const struct run_folder *folder, uint32_t newest, int keep)
{
    uint32_t steps[256];
    int n = checkpoint_list(folder, steps, 256), kept = 0;
    for (int i = 0; i < n; i++)
        if (steps[i] > newest || ++kept > keep)
            remove_checkpoint(folder, steps[i]);
}

int checkpoint_write(const struct checkpoint *checkpoint, const struct run_folder *folder, int keep, struct error *err)
{
    char path[PATH_SIZE], temp[PATH_SIZE], file[PATH_SIZE + 32];
    remove_leftovers(folder);
    checkpoint_path(folder, checkpoint->clock.step, "", path);
    checkpoint_path(folder, checkpoint->clock.step, ".tmp", temp);
    if (mkdir(temp, 0777) < 0)
        return error_set(err, "%s: cannot make the folder: %s", temp, strerror(errno));
    snprintf(file, sizeof file, "%s/" MODEL_FILE, temp);
    int rc = write_model(checkpoint, file, err);
    if (rc == 0) {
        snprintf(file, sizeof file, "%s/" STATE_FILE, temp);
        rc = write_state(checkpoint, file, err);
    }
    if (rc == 0)
        rc = folder_sync(temp, err);
    if (rc == 0)
        rc = put_in_place(temp, path, err);
    if (rc == 0)
        rc = folder_sync(folder->path, err);
    remove_leftovers(folder);
    if (rc < 0)
        return error_prefix(err, "the checkpoint of step %u was not written", checkpoint->clock.step);
    prune(folder, checkpoint->clock.step, keep >= 1 ? keep : 1);
    return 0;
}

/* What keeps a checkpoint from being taken: what is in its file, the disk's answer, or the network it is wanted for. */
enum fault { FAULT_DAMAGED, FAULT_UNREADABLE, FAULT_OTHER_NETWORK };

/* Of a file that read_entries did not take. One that is missing is a damaged checkpoint's. */
static enum fault file_fault(const char *path)
{
    char block[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? FAULT_DAMAGED : FAULT_UNREADABLE;
    int64_t at = 0, got;
    while ((got = file_read_at(fd, block, sizeof block, at)) > 0)
        at += got;
    close(fd);
    return got < 0 ? FAULT_UNREADABLE : FAULT_DAMAGED;
}

static int read_one(struct checkpoint *checkpoint, const struct run_folder *folder, uint32_t step, enum fault *fault,
                    struct error *err)
{
    char path[PATH_SIZE];
    struct safetensors file;
    checkpoint_path(folder, step, "/" MODEL_FILE, path);
    if (read_entries(path, &file, err) < 0) {
        *fault = file_fault(path);
        return -1;
    }
    *fault = FAULT_OTHER_NETWORK;
    int rc = model_values(path, &file, checkpoint->plan, checkpoint->ema ? checkpoint->ema : checkpoint->value, err);
    safetensors_release(&file);
    if (rc < 0)
        return -1;
    checkpoint_path(folder, step, "/" STATE_FILE, path);
    if (read_entries(path, &file, err) < 0) {
        *fault = file_fault(path);
        return -1;
    }
    rc = state_values(path, &file, checkpoint, err);
    safetensors_release(&file);
    if (rc == 0 && checkpoint->clock.step != step) {
        *fault = FAULT_DAMAGED;
        rc = error_set(err, "%s: it is of step %u", path, checkpoint->clock.step);
    }
    return rc;
}

static void passed_over(struct error *err, uint32_t step, uint32_t newest)
{
    error_prefix(err, "going back to the checkpoint of step %u, the one of step %u cannot be read", step, newest);
}

/* None of n was taken. Only what is damaged may be removed: what is wrong with the others can be mended. */
static int none_taken(const struct run_folder *folder, int n, enum fault fault, struct error *err)
{
    if (fault == FAULT_OTHER_NETWORK)
        return error_prefix(err, "%s/recipe.ini does not go with the run's checkpoints: undo what was changed in it",
                            folder->path);
    if (fault == FAULT_UNREADABLE)
        return error_prefix(err, "the checkpoints of run %s cannot be read", folder->name);
    if (n == 1)
        return error_prefix(err, "the only checkpoint of run %s is damaged; remove it to begin again at step 0",
                            folder->name);
    return error_prefix(err, "all %d checkpoints of run %s are damaged; remove them to begin again at step 0", n,
                        folder->name);
}

int checkpoint_read_newest(struct checkpoint *checkpoint, const struct run_folder *folder, struct error *err)
{
    uint32_t steps[256];
    int n = checkpoint_list(folder, steps, 256);
    struct error first = {""}, worst = {""};
    enum fault worst_fault = FAULT_DAMAGED;
    for (int i = 0; i < n; i++) {
        struct error why = {""};
        enum fault fault;
        if (read_one(checkpoint, folder, steps[i], &fault, &why) == 0) {
            error_set(err, "%s", first.text);
            if (i > 0)
                passed_over(err, steps[i], steps[0]);
            return 1;
        }
        if (i == 0)
            first = why;
        if (i == 0 || fault > worst_fault) {
            worst = why;
            worst_fault = fault;
        }
    }
    if (n == 0)
        return 0;
    error_set(err, "%s", worst.text);
    return none_taken(folder, n, worst_fault, err);
}

int checkpoint_newest_model(const struct run_folder *folder, char *path, size_t size, struct error *err)
{
    uint32_t steps[256];
    int n = checkpoint_list(folder, steps, 256);
    if (n == 0)
        return error_set(err, "run %s has no checkpoint yet", folder->name);
    struct error first = {""};
    for (int i = 0; i < n; i++) {
        char file_path[PATH_SIZE];
        struct safetensors file;
        struct error why = {""};
        checkpoint_path(folder, steps[i], "/" MODEL_FILE, file_path);
        if (read_entries(file_path, &file, i == 0 ? &first : &why) < 0)
            continue;
        safetensors_release(&file);
        if ((size_t)snprintf(path, size, "%s", file_path) >= size)
            return error_set(err, "%s: the path is too long", file_path);
        error_set(err, "%s", first.text);
        if (i > 0)
            passed_over(err, steps[i], steps[0]);
        return 0;
    }
    error_set(err, "%s", first.text);
    return error_prefix(err, "no checkpoint of run %s can be read", folder->name);
}

/* Its values, malloc'ed, or NULL. */
static float *load_model(const char *path, const struct plan *plan, struct error *err)
{
    struct safetensors file;
    if (read_entries(path, &file, err) < 0)
        return NULL;
    float *value = calloc(plan->arena_count + 1, sizeof *value);
    if (!value)
        error_set(err, "%s: no memory to read it", path);
    int rc = value ? model_values(path, &file, plan, value, err) : -1;
    safetensors_release(&file);
    if (rc == 0)
        return value;
    free(value);
    return NULL;
}

int checkpoint_check_model(const char *path, const struct plan *plan, struct error *err)
{
    float *value = load_model(path, plan, err);
    free(value);
    return value ? 0 : -1;
}

int checkpoint_read_model(const char *path, const struct plan *plan, struct program *program, struct error *err)
{
    float *value = load_model(path, plan, err);
    int rc = value ? 0 : -1;
    for (int i = 0; i < plan->n_tensors && rc == 0; i++) {
        const struct plan_tensor *t = &plan->tensors[i];
        rc = program->family->write_tensor(program, t->name, PROGRAM_VALUE, value + t->offset, t->count, err);
    }
    free(value);
    return rc;
}
