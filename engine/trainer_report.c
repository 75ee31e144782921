/* What the engine tells the world: log records, the published status, status and timing files, checkpoints. */
#include "engine/json.h"
#include "engine/trainer_internal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const phase_names[TRAINER_PHASE_COUNT] = {
    [TRAINER_LOADING] = "loading",   [TRAINER_COMPILING] = "compiling",
    [TRAINER_TRAINING] = "training", [TRAINER_EVALUATING] = "evaluating",
    [TRAINER_PAUSED] = "paused",     [TRAINER_SAVING] = "saving",
    [TRAINER_DONE] = "done",         [TRAINER_STOPPED] = "stopped",
    [TRAINER_FAILED] = "failed",
};

const char *trainer_phase_name(enum trainer_phase phase)
{
    return (unsigned)phase < TRAINER_PHASE_COUNT ? phase_names[phase] : "unknown";
}

int trainer_ended(enum trainer_phase phase)
{
    return phase == TRAINER_DONE || phase == TRAINER_STOPPED || phase == TRAINER_FAILED;
}

double trainer_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Not CLOCK_MONOTONIC, which stands still while the machine is suspended. */
double trainer_boot_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall_seconds(const struct trainer *trainer)
{
    if (trainer->wall_ended > 0)
        return trainer->wall_ended;
    return trainer->wall_before + trainer_boot_clock() - trainer->start_seconds;
}

void trainer_wake(struct trainer *trainer)
{
    ssize_t written = write(trainer->wake[1], "w", 1); /* full pipe: the reader is awake anyway */
    (void)written;
}

static double eta(const struct trainer *trainer)
{
    const struct trainer_status *now = &trainer->now;
    if (isnan(now->images_per_second) || now->steps_per_epoch == 0)
        return NAN;
    const struct batches *batches = &trainer->session.batches;
    double left = (double)(now->steps - now->step) * recipe_batch(&trainer->session.recipe) / now->images_per_second;
    if (batches->stages.count && now->step > 0 && now->step < now->steps) /* the rate is that of the last step's size */
        left *= stages_pixels(&batches->stages, batches->images, now->step, now->steps, now->steps) /
                stages_pixels(&batches->stages, batches->images, now->step - 1, now->step, now->steps) /
                (now->steps - now->step);
    if (!isnan(trainer->evaluate_seconds)) {
        double evaluations = ceil((double)(now->steps - now->step) / now->steps_per_epoch);
        left += evaluations * trainer->evaluate_seconds / trainer->session.recipe.evaluate_every;
    }
    return left;
}

static void refresh(struct trainer *trainer, enum trainer_phase phase)
{
    struct trainer_status *now = &trainer->now;
    now->phase = phase;
    now->step = trainer->clock.step;
    now->train_seconds = trainer->clock.train_seconds;
    now->speedrun_seconds = trainer->clock.speedrun_seconds;
    now->wall_seconds = wall_seconds(trainer);
    now->best_acc = trainer->clock.best_acc;
    now->seconds_to_target = trainer->clock.seconds_to_target;
    now->images_per_second = trainer->rate_seconds > 0 ? trainer->rate_images / trainer->rate_seconds : NAN;
    now->eta_seconds = eta(trainer);
}

void trainer_publish(struct trainer *trainer, enum trainer_phase phase)
{
    trainer_publish_timing(trainer, trainer_ended(phase));
    trainer_publish_status(trainer, phase);
}

void trainer_publish_status(struct trainer *trainer, enum trainer_phase phase)
{
    refresh(trainer, phase);
    if (trainer_ended(phase)) /* the last word must not be missed, and there is nothing left to hold up */
        pthread_mutex_lock(&trainer->status_lock);
    else if (pthread_mutex_trylock(&trainer->status_lock) != 0)
        return;
    int changed = trainer->status.phase != phase;
    trainer->status = trainer->now;
    pthread_mutex_unlock(&trainer->status_lock);
    if (changed)
        trainer_wake(trainer);
}

uint32_t trainer_epochs_begun(const struct trainer *trainer)
{
    uint32_t each = trainer->session.steps_per_epoch;
    return each ? (trainer->clock.step + each - 1) / each : 0;
}

int trainer_log_step(struct trainer *trainer, double lr, const struct step_result *result, struct error *err)
{
    struct record record = {.kind = RECORD_STEP, .step = trainer->clock.step, .epoch = trainer_epochs_begun(trainer)};
    record.as.step.lr = lr;
    record.as.step.loss = result->n > 0 ? result->loss_sum / result->n : NAN;
    record.as.step.accuracy = (float)step_result_accuracy(result);
    record.as.step.n = (uint32_t)result->n;
    record.as.step.train_seconds = trainer->clock.train_seconds;
    record.as.step.wall_seconds = wall_seconds(trainer);
    return run_log_append(&trainer->log, &record, err);
}

int trainer_log_epoch(struct trainer *trainer, double evaluated_in, const struct step_result *test, struct error *err)
{
    const struct checkpoint_clock *clock = &trainer->clock;
    struct contention now;
    contention_read(&now);
    struct record record = {.kind = RECORD_EPOCH, .step = clock->step, .epoch = trainer_epochs_begun(trainer)};
    record.as.epoch.lr = session_lr(&trainer->session, clock->step - 1);
    record.as.epoch.train_loss = clock->epoch_images ? clock->epoch_loss_sum / (double)clock->epoch_images : NAN;
    record.as.epoch.train_acc =
        clock->epoch_images ? (float)(100.0 * (double)clock->epoch_correct / (double)clock->epoch_images) : NAN;
    record.as.epoch.test_loss = test && test->n > 0 ? test->loss_sum / test->n : NAN;
    record.as.epoch.test_acc = test ? (float)step_result_accuracy(test) : NAN;
    record.as.epoch.test_n = test ? (uint32_t)test->n : 0;
    record.as.epoch.train_seconds = clock->train_seconds;
    record.as.epoch.speedrun_seconds = clock->train_seconds + trainer->session.whiten_seconds + evaluated_in;
    record.as.epoch.wall_seconds = wall_seconds(trainer);
    record.as.epoch.steal = (float)contention_steal(&trainer->contention, &now);
    record.as.epoch.load = (float)now.load;
    record.as.epoch.involuntary_switches = (uint32_t)(now.involuntary - trainer->contention.involuntary);
    trainer->contention = now;
    return run_log_append(&trainer->log, &record, err);
}

int trainer_log_end(struct trainer *trainer, enum run_end how, const char *text, struct error *err)
{
    struct record record = {.kind = RECORD_END, .step = trainer->clock.step, .epoch = trainer_epochs_begun(trainer)};
    record.as.end.how = how;
    record.as.end.wall_seconds = trainer->wall_ended = wall_seconds(trainer);
    record.flags = how == RUN_END_FAILED && trainer->diverged ? RECORD_DIVERGED : 0;
    record_text(record.as.end.text, text); /* longer messages are in RUN/status whole */
    if (run_log_append(&trainer->log, &record, err))
        return -1;
    return run_log_sync(&trainer->log, err);
}

/* RUN/status: what another process may show without reading the log. */
static char *status_text(const struct trainer *trainer)
{
    const struct trainer_status *now = &trainer->now;
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "version", 1);
    cJSON_AddStringToObject(root, "phase", trainer_phase_name(now->phase));
    cJSON_AddNumberToObject(root, "pid", getpid());
    cJSON_AddStringToObject(root, "host", host);
    cJSON_AddStringToObject(root, "device", now->device);
    cJSON_AddStringToObject(root, "data", now->data);
    cJSON_AddNumberToObject(root, "step", now->step);
    cJSON_AddNumberToObject(root, "steps", now->steps);
    cJSON_AddNumberToObject(root, "steps_per_epoch", now->steps_per_epoch);
    json_add_number(root, "images_per_second", now->images_per_second);
    json_add_number(root, "train_seconds", now->train_seconds);
    json_add_number(root, "speedrun_seconds", now->speedrun_seconds);
    json_add_number(root, "wall_seconds", now->wall_seconds);
    json_add_number(root, "best_acc", now->best_acc);
    json_add_number(root, "seconds_to_target", now->seconds_to_target);
    cJSON_AddStringToObject(root, "error", now->error);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}

void trainer_write_failure(struct trainer *trainer)
{
    struct scribe *scribe = &trainer->scribe;
    refresh(trainer, TRAINER_FAILED);
    scribe_wait(scribe);
    char *text = status_text(trainer);
    if (scribe->started) {
        scribe->write_checkpoint = 0;
        scribe->status = text;
        scribe->timing = trainer_timing_to_write(trainer, 1);
        scribe_finish(scribe, NULL);
        return;
    }
    if (text)
        run_folder_replace(&trainer->folder, "status", text, strlen(text), NULL);
    free(text);
}

void trainer_leave(struct trainer *trainer)
{
    struct run_summary was;
    run_summary_fill(&was, &trainer->options.recipe, &trainer->log, 0);
    trainer->clock.step = was.step;
    trainer->clock.train_seconds = trainer->clock.speedrun_seconds = was.train_seconds;
    trainer->clock.best_acc = was.best_acc;
    trainer->clock.seconds_to_target = was.seconds_to_target;
    trainer->wall_ended = was.wall_seconds;
    trainer->now.steps = was.steps;
    trainer_publish(trainer, TRAINER_FAILED);
}

/* At most so often: a trace is some megabytes of text. */
#define TRACE_SECONDS 60

/* RUN/trace.json, for the scribe to write: a copy, as the engine goes on. NULL: there is nothing, or no room for it. */
static struct trace *trace_of(const struct trainer *trainer)
{
    struct trace *copy = trace_count(&trainer->trace) > 0 ? malloc(sizeof *copy) : NULL;
    if (copy && trace_copy(copy, &trainer->trace, NULL)) {
        free(copy);
        copy = NULL;
    }
    return copy;
}

int trainer_log_missed(struct trainer *trainer, struct error *err)
{
    struct record record = {.kind = RECORD_NOTE, .step = trainer->clock.step, .epoch = trainer_epochs_begun(trainer)};
    struct error note;
    if (!scribe_missed(&trainer->scribe, &note))
        return 0;
    record_text(record.as.note, note.text);
    return run_log_append(&trainer->log, &record, err);
}

int trainer_save(struct trainer *trainer, int wait, struct error *err)
{
    struct scribe *scribe = &trainer->scribe;
    if (wait)
        scribe_wait(scribe);
    else if (scribe_check(scribe, err))
        return -1;
    else if (!scribe_idle(scribe))
        return 0;
    if (checkpoint_take(&scribe->checkpoint, trainer->session.program, err))
        return -1;
    averages_save(&trainer->averages, &scribe->checkpoint);
    scribe->checkpoint.clock = trainer->clock;
    scribe->checkpoint.clock.wall_seconds = wall_seconds(trainer);
    scribe->write_checkpoint = 1;
    scribe->status = status_text(trainer);
    scribe->timing = trainer_timing_to_write(trainer, wait);
    trainer->last_checkpoint = trainer_clock();
    if (wait || trainer->last_checkpoint - trainer->last_trace >= TRACE_SECONDS) {
        timekeeper_own_begin(&trainer->keeper);
        scribe->trace = trace_of(trainer);
        timekeeper_own_end(&trainer->keeper, TIMING_COST_TRACE);
        trainer->last_trace = trainer->last_checkpoint;
    }
    if (wait)
        return scribe_finish(scribe, err);
    scribe_submit(scribe);
    return 0;
}
