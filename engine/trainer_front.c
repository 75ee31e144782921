/*
 * What the front end's thread calls: it opens a run and starts the engine thread, and reads and sets what
 * engine/trainer.c says is shared.
 */
#include "engine/trainer.h"

#include "engine/files.h"
#include "engine/frozen.h"
#include "engine/thread.h"
#include "engine/trainer_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INIT_FILE "init"

/* RUN/init: the absolute path of the model that a run begins with. A resume before the first checkpoint needs it. */
static int write_init(const struct trainer *trainer, struct error *err)
{
    if (!trainer->init[0])
        return 0;
    return run_folder_replace(&trainer->folder, INIT_FILE, trainer->init, strlen(trainer->init), err);
}

static int read_init(struct trainer *trainer, struct error *err)
{
    char path[RUN_PATH_MAX + 32], *text;
    size_t size;
    run_folder_path(&trainer->folder, INIT_FILE, path, sizeof path);
    if (access(path, F_OK) != 0)
        return 0;
    if (file_read(path, sizeof trainer->init - 1, &text, &size, err))
        return -1;
    memcpy(trainer->init, text, size + 1);
    free(text);
    return 0;
}

static int find_init(struct trainer *trainer, const char *path, struct error *err)
{
    char *real = realpath(path, NULL);
    if (!real)
        return error_set(err, "the model to start from, %s: %s", path, strerror(errno));
    int length = snprintf(trainer->init, sizeof trainer->init, "%s", real);
    free(real);
    return length < (int)sizeof trainer->init ? 0 : error_set(err, "%s: the path is too long", path);
}

/* What can be known to be wrong is said before there is a folder. The recipe says from now on where its data is. */
static int check_start(struct trainer *trainer, struct error *err)
{
    struct plan *plan = malloc(sizeof *plan); /* large */
    if (!plan)
        return error_set(err, "out of memory for the network's plan");
    int status = session_check(&trainer->options.recipe, plan, err);
    if (!status && trainer->init[0])
        status = checkpoint_check_model(trainer->init, plan, err);
    free(plan);
    return status;
}

/* Killed before it compiled, a run has no program.json, and begins anew. One that has trained has lost it, and another
 * beginning would write over what there is. */
static int check_program(const struct trainer *trainer, struct error *err)
{
    char path[RUN_PATH_MAX + 32];
    uint32_t newest;
    const char *folder = trainer->folder.path;
    run_folder_path(&trainer->folder, "program.json", path, sizeof path);
    if (access(path, F_OK) == 0)
        return 0;
    if (checkpoint_list(&trainer->folder, &newest, 1) > 0)
        return error_set(err,
                         "%s is missing, without which the run cannot go on as it was: restore it, or train a new run "
                         "from its weights (davidnet train --recipe %s/recipe.ini --init "
                         "%s/checkpoint-%u/model.safetensors)",
                         path, folder, folder, newest);
    if (run_log_series(&trainer->log, RECORD_STEP, NULL, 0) > 0)
        return error_set(err,
                         "%s is missing, without which the run cannot go on as it was, and it has no checkpoint: train "
                         "a new one (davidnet train --recipe %s/recipe.ini)",
                         path, folder);
    return 0;
}

/* *created: the folder was made here, so that who fails after that takes it away again. */
static int open_folder(struct trainer *trainer, int *created, struct error *err)
{
    const struct trainer_options *options = &trainer->options;
    char path[RUN_PATH_MAX + 32];
    if (options->resume) {
        trainer->resuming = 1;
        if (options->data &&
            (size_t)snprintf(trainer->moved, sizeof trainer->moved, "%s", options->data) >= sizeof trainer->moved)
            return error_set(err, "%.64s...: the path is too long", options->data);
        if (run_folder_find(&trainer->folder, options->resume, err) ||
            run_folder_lock(&trainer->folder, &trainer->lock_fd, err))
            return -1;
        run_folder_path(&trainer->folder, "recipe.ini", path, sizeof path);
        if (recipe_read(path, &trainer->options.recipe, err) ||
            frozen_check_recipe(&trainer->folder, &trainer->options.recipe, err) || read_init(trainer, err))
            return -1;
    } else {
        char parent[RUN_PATH_MAX];
        if ((options->init && find_init(trainer, options->init, err)) || check_start(trainer, err))
            return -1;
        run_folder_default_parent(parent, sizeof parent);
        if (run_folder_create(&trainer->folder, options->parent ? options->parent : parent, options->name,
                              &options->recipe, err))
            return -1;
        *created = 1;
        if (run_folder_lock(&trainer->folder, &trainer->lock_fd, err) || write_init(trainer, err) ||
            (options->label && run_label_write(&trainer->folder, options->label, err)))
            return -1;
    }
    run_folder_path(&trainer->folder, "log", path, sizeof path);
    if (run_log_open(&trainer->log, path, err))
        return -1;
    return trainer->resuming ? check_program(trainer, err) : 0;
}

struct trainer *trainer_start(const struct trainer_options *options, struct error *err)
{
    int created = 0;
    struct trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer) {
        error_set(err, "out of memory for the trainer");
        return NULL;
    }
    trainer->options = *options;
    trainer->lock_fd = trainer->log.fd = trainer->wake[0] = trainer->wake[1] = -1;
    trainer->evaluate_seconds = NAN;
    trainer->clock.best_acc = trainer->clock.seconds_to_target = NAN;
    trainer->now.test_acc = trainer->now.lr = trainer->now.loss = trainer->now.accuracy = NAN;
    trainer->now.images_per_second = trainer->now.eta_seconds = NAN;
    trainer->now.best_acc = trainer->now.seconds_to_target = NAN;
    pthread_mutex_init(&trainer->status_lock, NULL);
    pthread_mutex_init(&trainer->timing_lock, NULL);
    pthread_mutex_init(&trainer->pause_lock, NULL);
    pthread_cond_init(&trainer->pause_changed, NULL);
    if (pipe2(trainer->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        error_set(err, "cannot make a pipe: too many open files");
    else if (open_folder(trainer, &created, err) == 0) {
        snprintf(trainer->now.run, sizeof trainer->now.run, "%s", trainer->folder.name);
        snprintf(trainer->now.path, sizeof trainer->now.path, "%s", trainer->folder.path);
        trainer->status = trainer->now;
        if (thread_start(&trainer->thread, "engine", trainer_main, trainer, err) == 0)
            return trainer;
    }
    trainer->thread = 0;
    struct run_folder folder = trainer->folder;
    trainer_free(trainer); /* first: it closes the lock and the log, and the removal needs descriptors, too */
    if (created)
        folder_remove(folder.path, NULL);
    return NULL;
}

static void signal_engine(struct trainer *trainer)
{
    pthread_mutex_lock(&trainer->pause_lock);
    pthread_cond_broadcast(&trainer->pause_changed);
    pthread_mutex_unlock(&trainer->pause_lock);
}

void trainer_pause(struct trainer *trainer, int paused)
{
    atomic_store(&trainer->paused, paused);
    signal_engine(trainer);
}

void trainer_stop(struct trainer *trainer, enum trainer_stop how)
{
    atomic_store(&trainer->stop, (int)how);
    signal_engine(trainer);
}

void trainer_status(struct trainer *trainer, struct trainer_status *status)
{
    pthread_mutex_lock(&trainer->status_lock);
    *status = trainer->status;
    pthread_mutex_unlock(&trainer->status_lock);
}

const struct dataset *trainer_dataset(const struct trainer *trainer)
{
    int loaded = atomic_load_explicit(&trainer->data_loaded, memory_order_acquire);
    return loaded ? &trainer->session.dataset : NULL;
}

const struct run_log *trainer_log(const struct trainer *trainer)
{
    return &trainer->log;
}

const struct recipe *trainer_recipe(const struct trainer *trainer)
{
    return &trainer->options.recipe;
}

int trainer_wake_fd(const struct trainer *trainer)
{
    return trainer->wake[0];
}

void trainer_free(struct trainer *trainer)
{
    if (!trainer)
        return;
    if (trainer->thread)
        pthread_join(trainer->thread, NULL);
    session_release(&trainer->session);
    timekeeper_release(&trainer->keeper);
    timing_release(&trainer->earlier);
    timing_release(&trainer->timing);
    run_log_release(&trainer->log);
    for (int i = 0; i < 2; i++)
        if (trainer->wake[i] >= 0)
            close(trainer->wake[i]);
    if (trainer->lock_fd >= 0)
        close(trainer->lock_fd);
    pthread_cond_destroy(&trainer->pause_changed);
    pthread_mutex_destroy(&trainer->pause_lock);
    pthread_mutex_destroy(&trainer->status_lock);
    pthread_mutex_destroy(&trainer->timing_lock);
    free(trainer->logged_loss);
    free(trainer);
}
