#include "engine/run_folder.h"

#include "engine/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *state_name(const struct run_log *log, int locked)
{
    size_t end;
    if (run_log_series(log, RECORD_END, &end, 1) == 0)
        return locked ? "running" : "killed"; /* a process may show a run that has ended, and hold its lock */
    switch ((enum run_end)run_log_at(log, end)->as.end.how) {
    case RUN_END_DONE:
        return "done";
    case RUN_END_FAILED:
        return "failed";
    case RUN_END_STOPPED:
        break;
    }
    return "stopped";
}

static int has_diverged(const struct run_log *log)
{
    size_t end;
    return run_log_series(log, RECORD_END, &end, 1) > 0 && (run_log_at(log, end)->flags & RECORD_DIVERGED) != 0;
}

static void fill_epochs(struct run_summary *s, const struct run_log *log, float target)
{
    size_t count = run_log_series(log, RECORD_EPOCH, NULL, 0);
    size_t *index = malloc((count + 1) * sizeof *index);
    if (index == NULL)
        return; /* what is not known stays NaN */
    count = run_log_series(log, RECORD_EPOCH, index, count);
    for (size_t i = 0; i < count; i++) {
        const struct record *r = run_log_at(log, index[i]);
        s->train_seconds = r->as.epoch.train_seconds;
        s->wall_seconds = r->as.epoch.wall_seconds;
        if (isnan(r->as.epoch.test_acc))
            continue;
        s->last_acc = record_decimal(r->as.epoch.test_acc);
        s->best_acc = fmax(s->best_acc, s->last_acc);
        if (isnan(s->seconds_to_target) && target > 0 && r->as.epoch.test_acc >= target)
            s->seconds_to_target = r->as.epoch.train_seconds;
    }
    free(index);
}

static void fill_steps(struct run_summary *s, const struct run_log *log)
{
    size_t count = run_log_series(log, RECORD_STEP, NULL, 0);
    size_t *index = malloc((count + 1) * sizeof *index);
    if (index == NULL)
        return;
    count = run_log_series(log, RECORD_STEP, index, count);
    if (count > 0) {
        const struct record *r = run_log_at(log, index[count - 1]);
        s->step = r->step;
        s->train_seconds = fmax(s->train_seconds, r->as.step.train_seconds); /* fmax: the one that is no NaN */
        s->wall_seconds = fmax(s->wall_seconds, r->as.step.wall_seconds);
    }
    free(index);
}

/* The last checkpoint is written after the last epoch: the wall clock stands still at the end alone. */
static void fill_end(struct run_summary *s, const struct run_log *log)
{
    size_t end;
    if (run_log_series(log, RECORD_END, &end, 1) > 0 && run_log_at(log, end)->as.end.wall_seconds > 0)
        s->wall_seconds = run_log_at(log, end)->as.end.wall_seconds;
}

void run_summary_fill(struct run_summary *s, const struct recipe *recipe, const struct run_log *log, int locked)
{
    memset(s, 0, sizeof *s);
    snprintf(s->recipe, sizeof s->recipe, "%s", recipe_name(recipe));
    snprintf(s->preset, sizeof s->preset, "%s", recipe->preset);
    s->seed = recipe->seed;
    s->epochs = s->epochs_done = s->best_acc = s->last_acc = NAN;
    s->train_seconds = s->wall_seconds = s->seconds_to_target = s->unix_start = NAN;
    s->bytes = -1;
    s->log_dropped = log->dropped;
    snprintf(s->state, sizeof s->state, "%s", state_name(log, locked));
    s->diverged = has_diverged(log);
    float target = 0;
    uint32_t per_epoch = 0;
    for (size_t i = 0; i < run_log_length(log); i++) {
        const struct record *r = run_log_at(log, i);
        if (r->kind != RECORD_START)
            continue;
        if (isnan(s->unix_start))
            s->unix_start = r->unix_time;
        s->steps = r->as.start.steps;
        s->epochs = (double)r->as.start.epochs;
        per_epoch = r->as.start.steps_per_epoch;
        target = r->as.start.target;
    }
    fill_epochs(s, log, target);
    fill_steps(s, log);
    fill_end(s, log);
    if (per_epoch > 0) /* the last step ends the last part of an epoch, too */
        s->epochs_done = s->step >= s->steps ? s->epochs : fmin((double)s->step / per_epoch, s->epochs);
}

int run_folder_summary(const struct run_folder *folder, struct run_summary *summary, struct error *err)
{
    char path[RUN_PATH_MAX + 160];
    struct recipe recipe;
    if (run_folder_path(folder, "recipe.ini", path, sizeof path) < 0)
        return error_set(err, "%s: the path is too long", folder->path);
    if (recipe_read(path, &recipe, err) < 0)
        return -1;
    struct run_log *log = malloc(sizeof *log);
    if (log == NULL)
        return error_set(err, "no memory for the log of %s", folder->path);
    run_folder_path(folder, "log", path, sizeof path);
    int rc = access(path, F_OK) == 0 ? run_log_load_outline(log, path, err) : run_log_open(log, NULL, err);
    if (rc == 0) {
        run_summary_fill(summary, &recipe, log, run_folder_locked(folder, NULL, 0));
        snprintf(summary->name, sizeof summary->name, "%s", folder->name);
        summary->bytes = folder_bytes(folder->path);
        run_log_release(log);
    }
    free(log);
    return rc;
}
