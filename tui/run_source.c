#include "tui/run_source.h"

#include "engine/files.h"
#include "views/run_model.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- a trainer in this process ---- */

static void train_status(void *self, struct trainer_status *status)
{
    trainer_status(self, status);
}

static int train_timing(void *self, uint64_t *version, struct timing *timing, struct error *err)
{
    return trainer_timing(self, version, timing, err);
}

static const struct dataset *train_dataset(void *self)
{
    return trainer_dataset(self);
}

static int train_wake_fd(void *self)
{
    return trainer_wake_fd(self);
}

static void train_pause(void *self, int paused)
{
    trainer_pause(self, paused);
}

static void train_stop(void *self, enum trainer_stop how)
{
    trainer_stop(self, how);
}

static void train_close(void *self)
{
    trainer_free(self);
}

int run_source_train(struct run_source *source, const struct trainer_options *options, struct error *err)
{
    static const struct run_source_ops ops = {.status = train_status,
                                              .timing = train_timing,
                                              .dataset = train_dataset,
                                              .wake_fd = train_wake_fd,
                                              .pause = train_pause,
                                              .stop = train_stop,
                                              .close = train_close};
    struct trainer *trainer = trainer_start(options, err);
    if (!trainer)
        return -1;
    *source = (struct run_source){&ops, trainer, trainer_log(trainer), trainer_recipe(trainer)};
    return 0;
}

/* ---- a folder ---- */

struct watched {
    struct run_folder folder;
    struct recipe recipe;
    struct run_log log;
    char path[RUN_PATH_MAX + 160];
    struct trainer_status status;
};

/* The log keeps parts of a long message. Another one than the log's is an earlier sitting's. */
static void take_error(struct trainer_status *status, const char *error)
{
    size_t same = strlen(status->error);
    if (same > RECORD_NOTE_HEAD - 3) /* a character may have been cut off */
        same = RECORD_NOTE_HEAD - 3;
    if (status->phase == TRAINER_FAILED && same > 0 && strncmp(error, status->error, same) == 0)
        snprintf(status->error, sizeof status->error, "%s", error);
}

/* What the log does not say: on what it runs, the data, and the whole of an error. A status that is missing or damaged
 * says nothing. */
static void read_status_file(struct watched *watched)
{
    char path[RUN_PATH_MAX + 160], *text;
    size_t size;
    if (run_folder_path(&watched->folder, "status", path, sizeof path) < 0 ||
        file_read(path, 1 << 16, &text, &size, NULL) < 0)
        return;
    cJSON *root = cJSON_Parse(text);
    free(text);
    const char *device = cJSON_GetStringValue(cJSON_GetObjectItem(root, "device"));
    const char *error = cJSON_GetStringValue(cJSON_GetObjectItem(root, "error"));
    const char *data = cJSON_GetStringValue(cJSON_GetObjectItem(root, "data"));
    if (device)
        snprintf(watched->status.device, sizeof watched->status.device, "%s", device);
    if (data)
        snprintf(watched->status.data, sizeof watched->status.data, "%s", data);
    if (error)
        take_error(&watched->status, error);
    cJSON_Delete(root);
}

static void watched_refresh(struct watched *watched)
{
    run_status_from_log(&watched->log, &watched->recipe, &watched->status);
    snprintf(watched->status.run, sizeof watched->status.run, "%s", watched->folder.name);
    snprintf(watched->status.path, sizeof watched->status.path, "%s", watched->folder.path);
    read_status_file(watched);
    if (watched->status.phase != TRAINER_STOPPED || !run_folder_locked(&watched->folder, NULL, 0))
        return;
    /* Somebody holds it: what the log calls stopped is going on. What is done or has failed stays so, though a
     * workbench that still shows it keeps the lock. */
    watched->status.phase = watched->status.step ? TRAINER_TRAINING : TRAINER_LOADING;
    if (watched->status.images_per_second > 0)
        watched->status.eta_seconds = (double)(watched->status.steps - watched->status.step) *
                                      recipe_batch(&watched->recipe) / watched->status.images_per_second;
}

static void watched_status(void *self, struct trainer_status *status)
{
    struct watched *watched = self;
    struct error err;
    size_t before = run_log_length(&watched->log);
    /* A log that cannot be read now (NFS, a disk taken away) may be readable again later: what is known stays. */
    int grown = run_log_follow(&watched->log, watched->path, &err);
    if (grown > 0 || run_log_length(&watched->log) != before || !trainer_ended(watched->status.phase))
        watched_refresh(watched);
    else if (strlen(watched->status.error) > RECORD_NOTE_HEAD && strlen(watched->status.error) < RECORD_NOTE_MAX)
        read_status_file(watched); /* it is written after the log's end */
    *status = watched->status;
}

/* Which state of the file it is: another one after each replacement. Never 0. */
static uint64_t file_version(const struct stat *at)
{
    uint64_t version = (uint64_t)at->st_mtim.tv_sec * 1000000007u + (uint64_t)at->st_mtim.tv_nsec;
    return (version ^ (uint64_t)at->st_ino << 32 ^ (uint64_t)at->st_size) | 1;
}

/* timing.json is written every few seconds and at the end; another process may replace it at any moment. */
static int watched_timing(void *self, uint64_t *version, struct timing *timing, struct error *err)
{
    const struct watched *watched = self;
    char path[RUN_PATH_MAX + 160];
    struct stat at;
    if (run_folder_path(&watched->folder, "timing.json", path, sizeof path) < 0 || stat(path, &at) != 0)
        return 0;
    if (file_version(&at) == *version)
        return 0;
    *version = file_version(&at);
    return timing_read(timing, path, err) < 0 ? -1 : 1;
}

static void watched_close(void *self)
{
    struct watched *watched = self;
    run_log_release(&watched->log);
    free(watched);
}

int run_source_open(struct run_source *source, const char *run, struct error *err)
{
    static const struct run_source_ops ops = {
        .status = watched_status, .timing = watched_timing, .close = watched_close};
    char recipe_path[RUN_PATH_MAX + 160];
    struct watched *watched = calloc(1, sizeof *watched);
    if (!watched)
        return error_set(err, "out of memory");
    if (run_folder_find(&watched->folder, run, err))
        goto failed;
    if (run_folder_path(&watched->folder, "recipe.ini", recipe_path, sizeof recipe_path) < 0 ||
        run_folder_path(&watched->folder, "log", watched->path, sizeof watched->path) < 0) {
        error_set(err, "%s: the path is too long", watched->folder.path);
        goto failed;
    }
    if (recipe_read(recipe_path, &watched->recipe, err) || run_log_load(&watched->log, watched->path, NULL, err))
        goto failed;
    watched_refresh(watched);
    *source = (struct run_source){&ops, watched, &watched->log, &watched->recipe};
    return 0;
failed:
    free(watched);
    return -1;
}

void run_source_close(struct run_source *source)
{
    if (source->ops)
        source->ops->close(source->self);
    *source = (struct run_source){0};
}
