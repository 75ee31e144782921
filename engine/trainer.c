/*
 * Two threads besides the front end's. The engine thread runs trainer_main: open the session, step, evaluate, log.
 * The scribe (engine/scribe.h) writes what the engine hands it.
 *
 * What is shared, and how:
 *   log       single writer (engine), lock-free readers                  engine/run_log.h
 *   status    copied out under status_lock; the engine only tries it     trainer_publish
 *   timing    the same, under a lock of its own, a few times a second    trainer_publish
 *   data set  written by the engine before data_loaded is set, never after; freed by trainer_free
 *   paused,   atomics set by the front end, read by the engine between two steps; pausing waits on
 *   stop      pause_changed, which every setter signals
 *   wake      one byte on a non-blocking pipe
 * Signals stay with the front end's thread (engine/thread.h).
 */
#include "engine/trainer.h"

#include "engine/evaluate.h"
#include "engine/files.h"
#include "engine/frozen.h"
#include "engine/stopwatch.h"
#include "engine/trainer_internal.h"
#include "engine/tricks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Half of the weight in images/s is younger than about this. */
#define RATE_SECONDS 5.0

/* Sleeps while paused, with the training clock standing still. */
static void wait_while_paused(struct trainer *trainer)
{
    if (!atomic_load(&trainer->paused) || atomic_load(&trainer->stop) == TRAINER_STOP_NOW)
        return;
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_OTHER);
    pthread_mutex_lock(&trainer->pause_lock);
    while (atomic_load(&trainer->paused) && atomic_load(&trainer->stop) != TRAINER_STOP_NOW) {
        trainer_publish(trainer, TRAINER_PAUSED); /* again and again: it is skipped while a reader copies */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&trainer->pause_changed, &trainer->pause_lock, &until);
    }
    pthread_mutex_unlock(&trainer->pause_lock);
    trainer_publish(trainer, TRAINER_TRAINING);
    timekeeper_skip(&trainer->keeper);
}

static int stop_now(void *context)
{
    struct trainer *trainer = context;
    return atomic_load(&trainer->stop) == TRAINER_STOP_NOW;
}

/* The same steps would come to the same end, so a resume is no way on: what may be is told, of this run as it is. */
static int bad_value(struct trainer *trainer, int row, const char *where, struct error *err)
{
    const struct session *session = &trainer->session;
    char model[600], init[sizeof model + 80] = "";
    trainer->diverged = 1;
    scribe_wait(&trainer->scribe); /* it may be writing the last checkpoint */
    if (checkpoint_newest_model(&trainer->folder, model, sizeof model, NULL) == 0)
        snprintf(init, sizeof init, ", from the start or from the last checkpoint's weights (--init %s),", model);
    return error_set(err,
                     "step %u: training has diverged: %s of '%s' is not a finite number. A resume would do the same; "
                     "train again%s with a lower learning rate (%s)%s",
                     trainer->clock.step, where, session->plan.rows[row].name, init,
                     session->recipe.schedule.shape == SCHEDULE_PIECEWISE ? "lr_values" : "lr_peak",
                     session->precision == PRECISION_F32 ? "" : " or --precision f32");
}

/* A replayed step's loss must be the logged one: same bits. */
static void check_replay(struct trainer *trainer, const struct step_result *result)
{
    if (!trainer->logged_loss || result->n == 0)
        return;
    double logged = trainer->logged_loss[trainer->clock.step];
    if (!isnan(logged) && logged != result->loss_sum / result->n)
        trainer->now.replay_mismatches++;
}

/* After how many steps stop_after ends this sitting, if training goes on so long. */
static double stop_step(const struct trainer *trainer)
{
    double epochs = trainer->options.stop_after;
    return epochs > 0 ? fmax(1, ceil(epochs * trainer->session.steps_per_epoch - 1e-9)) : INFINITY;
}

/* The step (from 0) that this sitting ends before. */
static uint32_t last_step(const struct trainer *trainer)
{
    return (uint32_t)fmin(trainer->session.steps, stop_step(trainer));
}

/* Is it a step of images of another size than the program's in use, which is another program's? */
static int changes_size(const struct session *session, uint32_t step)
{
    int height, width, now_height, now_width;
    stages_at(&session->batches.stages, &session->dataset.train, step, session->steps, &height, &width);
    session_size(session, &now_height, &now_width);
    return height != now_height || width != now_width;
}

/* May the step after the `pending` ones under way begin before they have ended? Not across an epoch's end, a stop,
 * another size or averages that the host keeps, all of which want the tensors as they are then. */
static int may_submit(const struct trainer *trainer)
{
    const struct session *session = &trainer->session;
    uint32_t next = trainer->clock.step + (uint32_t)session->executor.pending;
    if (session->executor.pending == 0)
        return 1;
    return session->executor.pending < executor_ahead(&session->executor) && next < session->steps &&
           next < stop_step(trainer) && next % session->steps_per_epoch != 0 && !changes_size(session, next) &&
           !averages_due(&trainer->averages, next, session->steps);
}

static int submit_step(struct trainer *trainer, struct error *err)
{
    struct session *session = &trainer->session;
    uint32_t step = trainer->clock.step + (uint32_t)session->executor.pending;
    struct batch batch;
    struct hyper hyper;
    session_hyper(session, step, &hyper);
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_OTHER);
    if (session_batch(session, step, &batch, err))
        return -1;
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_DATA);
    const struct loader_slot *made = loader_prepared(&session->loader, step);
    trace_fetched(&trainer->trace, made ? made->worker : -1, made ? (const uint64_t[2]){made->begin, made->end} : NULL);
    int status = executor_submit(&session->executor, &batch, &hyper, err);
    if (!status && trainer->averages.on_device)
        status = averages_update(&trainer->averages, session->program, step + 1, session->steps, err);
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_SUBMIT);
    return status;
}

/* Gives the device what it may go on with (ahead: 0 for nothing), and takes one step's result. */
static int train_step(struct trainer *trainer, int ahead, struct error *err)
{
    struct session *session = &trainer->session;
    struct stopwatch watch;
    uint32_t step = trainer->clock.step;
    int height, width;
    session_size(session, &height, &width);
    if (session->executor.pending == 0) { /* compiling is no part of training */
        timekeeper_lap(&trainer->keeper, TIMEKEEPER_OTHER);
        if (session_size_compile(session, step, err))
            return -1;
        timekeeper_skip(&trainer->keeper);
    }
    if (trainer->warm && trace_wants(&trainer->trace, step, session->steps_per_epoch, last_step(trainer))) {
        trace_begin(&trainer->trace, step);
        if (!session->family->submit) /* a device's are taken when they are timed anyway */
            executor_time_next(&session->executor);
    }
    stopwatch_start(&watch);
    struct step_result result;
    if (step % session->steps_per_epoch == 0) {
        trainer->clock.epoch_loss_sum = 0;
        trainer->clock.epoch_correct = trainer->clock.epoch_images = 0;
    }
    while (ahead && may_submit(trainer))
        if (submit_step(trainer, err))
            return -1;
    trace_submitted(&trainer->trace);
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_OTHER);
    if (executor_collect(&session->executor, &result, err))
        return -1;
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_COLLECT);
    trace_ran(&trainer->trace);
    if (!trainer->averages.on_device &&
        averages_update(&trainer->averages, session->program, step + 1, session->steps, err))
        return -1;
    double seconds = stopwatch_seconds(&watch, session->program->options.threads);
    trainer->clock.step++;
    trainer->clock.train_seconds += seconds;
    trainer->clock.speedrun_seconds = trainer->clock.train_seconds + session->whiten_seconds;
    trainer->clock.epoch_loss_sum += result.loss_sum;
    trainer->clock.epoch_correct += (uint64_t)result.correct;
    trainer->clock.epoch_images += (uint64_t)result.n;

    if (trainer_follow_size(trainer, height, width, err))
        return -1;
    if (!trainer->warm)
        trainer_warmed_up(trainer);
    else
        timekeeper_keep(&trainer->keeper, &session->executor, true);
    double keep = exp2(-seconds / RATE_SECONDS);
    trainer->rate_seconds = trainer->rate_seconds * keep + seconds;
    trainer->rate_images = trainer->rate_images * keep + result.n;
    trainer->now.lr = session_lr(session, step);
    trainer->now.loss = result.n > 0 ? result.loss_sum / result.n : NAN;
    trainer->now.accuracy = step_result_accuracy(&result);
    check_replay(trainer, &result);
    if (trainer_log_step(trainer, trainer->now.lr, &result, err))
        return -1;
    if (result.bad_row >= 0)
        return bad_value(trainer, result.bad_row, "an output, weight or gradient", err);
    if (!isfinite(result.loss_sum))
        return bad_value(trainer, session->plan.n_rows - 1, "the output", err);
    return 0;
}

/* After each batch of an evaluation; 1: it shall stop. */
static int evaluated_batch(void *context)
{
    struct trainer *trainer = context;
    trainer->now.evaluated++;
    trainer_publish_status(trainer, TRAINER_EVALUATING);
    return stop_now(trainer);
}

/* 1 when the user stopped it half-way: then nothing is recorded. */
static int evaluate(struct trainer *trainer, struct error *err)
{
    trainer_publish(trainer, TRAINER_EVALUATING);
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_OTHER);
    struct step_result test;
    struct stopwatch watch;
    stopwatch_start(&watch);
    struct session *session = &trainer->session;
    int height, width;
    session_size(session, &height, &width);
    if (session_size_use(session, 0, 0, err) || averages_show(&trainer->averages, session->program, err))
        return -1;
    trainer->now.evaluated = 0;
    trainer->now.to_evaluate = evaluate_batches(session);
    int status = session_evaluate(session, NULL, &test, evaluated_batch, trainer, err);
    trainer->now.evaluated = trainer->now.to_evaluate = 0;
    if (averages_hide(&trainer->averages, session->program, err) || session_size_use(session, height, width, err))
        return -1;
    if (status)
        return status;
    trainer->evaluate_seconds = stopwatch_seconds(&watch, session->program->options.threads);
    timekeeper_lap(&trainer->keeper, TIMEKEEPER_EVALUATE);
    timekeeper_keep(&trainer->keeper, &session->executor, false);
    double accuracy = step_result_accuracy(&test);
    trainer->now.test_acc = accuracy;
    trainer->clock.speedrun_seconds =
        trainer->clock.train_seconds + trainer->session.whiten_seconds + trainer->evaluate_seconds;
    if (!(accuracy <= trainer->clock.best_acc))
        trainer->clock.best_acc = accuracy;
    if (accuracy >= trainer->session.recipe.target && isnan(trainer->clock.seconds_to_target))
        trainer->clock.seconds_to_target = trainer->clock.train_seconds;
    if (trainer_log_epoch(trainer, trainer->evaluate_seconds, &test, err))
        return -1;
    trainer_wake(trainer);
    if (test.bad_row >= 0)
        return bad_value(trainer, test.bad_row, "the evaluated output", err);
    return 0;
}

/* At the end of an epoch or of the run. 0 go on, 1 stopped, -1 failed. */
static int finish_epoch(struct trainer *trainer, struct error *err)
{
    const struct session *session = &trainer->session;
    uint32_t step = trainer->clock.step;
    int last = step == session->steps;
    timekeeper_epoch(&trainer->keeper, &session->executor);
    uint32_t epoch = (step + session->steps_per_epoch - 1) / session->steps_per_epoch;
    if (last || epoch % (uint32_t)session->recipe.evaluate_every == 0) {
        int status = evaluate(trainer, err);
        if (status)
            return status;
    } else if (trainer_log_epoch(trainer, 0, NULL, err)) {
        return -1;
    }
    if (!last && trainer_save(trainer, 0, err))
        return -1;
    trainer_publish(trainer, TRAINER_TRAINING);
    return atomic_load(&trainer->stop) != TRAINER_STOP_NONE && !last;
}

/* 0 all steps done, 1 stopped on request, -1 failed. */
static int train(struct trainer *trainer, struct error *err)
{
    struct session *session = &trainer->session;
    if (session_size_compile(session, trainer->clock.step, err)) /* before it is said how much memory it takes */
        return -1;
    trainer->now.memory_bytes = session_memory(session);
    trainer_publish(trainer, TRAINER_TRAINING);
    int status = trainer->epoch_due ? finish_epoch(trainer, err) : 0;
    if (status)
        return status;
    while (trainer->clock.step < session->steps) {
        int save = trainer->warm && trainer->clock.step % session->steps_per_epoch != 0 &&
                   trainer_clock() - trainer->last_checkpoint > session->recipe.checkpoint_seconds;
        int halt = save || atomic_load(&trainer->paused) || stop_now(trainer);
        if (halt && session->executor.pending == 0) {
            wait_while_paused(trainer);
            if (stop_now(trainer))
                return 1;
            if (save && trainer_save(trainer, 0, err))
                return -1;
            halt = 0;
        }
        if (train_step(trainer, !halt, err))
            return -1;
        uint32_t step = trainer->clock.step;
        if (step % session->steps_per_epoch == 0 || step == session->steps) {
            trace_end(&trainer->trace);
            status = finish_epoch(trainer, err);
            if (status)
                return status;
        } else {
            trainer_publish(trainer, TRAINER_TRAINING);
            trace_end(&trainer->trace);
        }
        trainer_write_timing(trainer);
        if (scribe_check(&trainer->scribe, err) || trainer_log_missed(trainer, err))
            return -1;
        if (step >= stop_step(trainer) && step < session->steps)
            return 1;
    }
    return 0;
}

/* What the log knows that the checkpoint does not: losses of later steps, for check_replay, and whether the epoch that
 * ends at the checkpoint was evaluated (a stop may have come first). */
static int remember_log(struct trainer *trainer, struct error *err)
{
    size_t count = run_log_length(&trainer->log);
    trainer->logged_loss = malloc((trainer->session.steps + 1) * sizeof *trainer->logged_loss);
    size_t *index = malloc((count + 1) * sizeof *index);
    if (!trainer->logged_loss || !index) {
        free(index);
        return error_set(err, "out of memory for the losses to compare with");
    }
    for (uint32_t i = 0; i <= trainer->session.steps; i++)
        trainer->logged_loss[i] = NAN;
    count = run_log_series(&trainer->log, RECORD_STEP, index, count);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = run_log_at(&trainer->log, index[i]);
        if (record->step > trainer->clock.step && record->step <= trainer->session.steps)
            trainer->logged_loss[record->step] = record->as.step.loss;
    }
    uint32_t boundary = trainer->clock.step;
    trainer->epoch_due =
        boundary > 0 && (boundary % trainer->session.steps_per_epoch == 0 || boundary == trainer->session.steps);
    count = run_log_series(&trainer->log, RECORD_EPOCH, index, run_log_length(&trainer->log));
    for (size_t i = 0; i < count; i++)
        if (run_log_at(&trainer->log, index[i])->step == boundary)
            trainer->epoch_due = 0;
    free(index);
    return 0;
}

/* The weights that the run begins with: those compiled in, or --init's. */
static int begin_weights(struct trainer *trainer, struct error *err)
{
    const struct session *session = &trainer->session;
    if (trainer->init[0] && checkpoint_read_model(trainer->init, &session->plan, session->program, err))
        return -1;
    return averages_begin(&trainer->averages, session->program, err);
}

/* Of the sittings before, up to the checkpoint. One that ended there says more than the checkpoint, whose own writing
 * the run's clock counts, too: no clock that was shown steps back. */
static double wall_before(const struct trainer *trainer)
{
    double wall = trainer->clock.wall_seconds;
    size_t at;
    if (run_log_series(&trainer->log, RECORD_END, &at, 1) == 0)
        return wall;
    const struct record *end = run_log_at(&trainer->log, at);
    return end->step == trainer->clock.step ? fmax(wall, end->as.end.wall_seconds) : wall;
}

/* Goes back to the newest checkpoint, or to the start if there is none. */
static int restore(struct trainer *trainer, struct error *err)
{
    struct session *session = &trainer->session;
    if (frozen_check(session, &trainer->folder, err))
        return -1;
    struct checkpoint *checkpoint = &trainer->scribe.checkpoint;
    int found = checkpoint_read_newest(checkpoint, &trainer->folder, err);
    if (found < 0)
        return -1;
    if (found && err && err->text[0]) { /* a damaged newest checkpoint was passed over: the log keeps what was said */
        struct record note = {.kind = RECORD_NOTE, .step = checkpoint->clock.step};
        record_text(note.as.note, err->text);
        err->text[0] = '\0';
        if (run_log_append(&trainer->log, &note, err))
            return -1;
    }
    if (found) {
        if (checkpoint_give(checkpoint, session->program, err))
            return -1;
        averages_restore(&trainer->averages, checkpoint);
        trainer->clock = checkpoint->clock;
        trainer->wall_before = wall_before(trainer);
    } else if (begin_weights(trainer, err)) {
        return -1;
    }
    if (remember_log(trainer, err))
        return -1;
    struct record record = {.kind = RECORD_REWIND, .step = trainer->clock.step};
    record.epoch = trainer_epochs_begun(trainer);
    return run_log_append(&trainer->log, &record, err);
}

/* What is switched on and yet does nothing, as the recipe is. */
static int log_idle_tricks(struct trainer *trainer, struct error *err)
{
    const struct recipe *recipe = &trainer->session.recipe;
    char why[TRICK_WHY_MAX];
    for (int i = 0; (i = tricks_find_idle(tricks, trick_count, recipe, i, why, sizeof why)) < trick_count; i++) {
        struct record note = {.kind = RECORD_NOTE};
        snprintf(note.as.note, sizeof note.as.note, "%s changes nothing: %.55s", tricks[i].key, why);
        if (run_log_append(&trainer->log, &note, err))
            return -1;
    }
    return 0;
}

static int begin_log(struct trainer *trainer, struct error *err)
{
    const struct session *session = &trainer->session;
    struct record record = {.kind = RECORD_START};
    record.as.start.steps = session->steps;
    record.as.start.steps_per_epoch = session->steps_per_epoch;
    record.as.start.batch = (uint32_t)recipe_batch(&session->recipe);
    record.as.start.train_images = session->dataset.train.count;
    record.as.start.test_images = session->dataset.test.count;
    record.as.start.epochs = (float)session->recipe.epochs;
    record.as.start.target = (float)session->recipe.target;
    return run_log_append(&trainer->log, &record, err) || log_idle_tricks(trainer, err) ? -1 : 0;
}

/* A log that was lost begins anew; one of another course of training, by an edited recipe that program.json does not
 * tell of, does not go on. */
static int check_log(struct trainer *trainer, struct error *err)
{
    size_t at;
    if (run_log_series(&trainer->log, RECORD_START, &at, 1) == 0)
        return begin_log(trainer, err);
    const struct session *session = &trainer->session;
    const struct record *start = run_log_at(&trainer->log, at);
    unsigned batch = (unsigned)recipe_batch(&session->recipe), began_batch = start->as.start.batch;
    if (start->as.start.steps == session->steps && began_batch == batch)
        return 0;
    return error_set(err,
                     "%s/recipe.ini was changed after the run began: it has %u steps of batch %u, and began with %u of "
                     "batch %u; undo that, or train another run with `davidnet train --recipe`",
                     trainer->folder.path, session->steps, batch, start->as.start.steps, began_batch);
}

/* A resume has the data of before, or what is where that was moved: its digest is compared. */
static int find_data(struct trainer *trainer, struct recipe *recipe, struct error *err)
{
    struct dataset found;
    if (trainer->moved[0])
        snprintf(recipe->data, sizeof recipe->data, "%s", trainer->moved);
    if (dataset_probe(&found, recipe->data, err) == 0)
        return 0;
    return error_prefix(err, "the data of run %s (where it was moved: `davidnet resume %s --data SOURCE`)",
                        trainer->folder.name, trainer->folder.name);
}

static int prepare(struct trainer *trainer, struct error *err)
{
    struct session *session = &trainer->session;
    struct recipe recipe = trainer->options.recipe;
    trainer_publish(trainer, TRAINER_LOADING);
    int frozen = 0; /* a run killed before it compiled has no program.json, and starts afresh */
    if (trainer->resuming) {
        char path[RUN_PATH_MAX + 32];
        run_folder_path(&trainer->folder, "program.json", path, sizeof path);
        frozen = access(path, F_OK) == 0;
        if (frozen && frozen_apply(&trainer->folder, &recipe, err))
            return -1;
        if ((trainer->moved[0] || recipe.data[0]) && find_data(trainer, &recipe, err))
            return -1;
    }
    if (session_open_data(session, &recipe, err))
        return -1;
    atomic_store_explicit(&trainer->data_loaded, 1, memory_order_release);
    trainer->now.steps = session->steps;
    trainer->now.steps_per_epoch = session->steps_per_epoch;
    trainer->now.data_is_synthetic = strncmp(session->dataset.source, "synthetic", 9) == 0;
    snprintf(trainer->now.data, sizeof trainer->now.data, "%s", session->dataset.source);
    trainer_publish(trainer, TRAINER_COMPILING);
    if (session_compile(session, 0, err))
        return -1;
    trainer_measure_machine(trainer);
    if (trainer_begin_timing(trainer, err))
        return -1;
    session_describe(session, trainer->now.device, sizeof trainer->now.device);
    if (scribe_init(&trainer->scribe, &trainer->folder, &session->plan, session->recipe.keep_checkpoints ? 2 : 1 << 20,
                    err))
        return -1;
    trainer->scribe.log_fd = trainer->log.fd;
    trainer->scribe.recipe = &session->recipe;
    if (averages_init(&trainer->averages, &session->recipe, &session->plan, session->family, err) ||
        checkpoint_add_averages(&trainer->scribe.checkpoint, session->recipe.ema, session->recipe.lookahead, err))
        return -1;
    if (frozen) {
        if (check_log(trainer, err) || restore(trainer, err) ||
            frozen_move_data(&trainer->folder, session->dataset.source, err))
            return -1;
        trainer_remember_timing(trainer);
        return 0;
    }
    if (begin_weights(trainer, err) || begin_log(trainer, err))
        return -1;
    return frozen_write(session, &trainer->folder, &trainer->options.recipe, err);
}

/* What failed before its first step was no run: nothing is kept of it, and it is not the newest one. */
static void forget_folder(struct trainer *trainer)
{
    scribe_wait(&trainer->scribe);
    folder_remove(trainer->folder.path, NULL);
    trainer->now.run[0] = trainer->now.path[0] = '\0';
}

/* Writes what a stop leaves behind and publishes the end. */
static void finish(struct trainer *trainer, int status, struct error *err)
{
    enum trainer_phase phase = status == 0 ? TRAINER_DONE : status > 0 ? TRAINER_STOPPED : TRAINER_FAILED;
    enum run_end how = status == 0 ? RUN_END_DONE : status > 0 ? RUN_END_STOPPED : RUN_END_FAILED;
    struct error late = {""};
    if (trainer->resuming && !trainer->prepared) {
        snprintf(trainer->now.error, sizeof trainer->now.error, "%s", err->text);
        trainer_leave(trainer);
        return;
    }
    if (status >= 0) {
        trainer_publish(trainer, TRAINER_SAVING);
        trainer_measure_again(trainer);
        trainer->now.phase = phase; /* what RUN/status says once the checkpoint stands */
        if (trainer_save(trainer, 1, &late)) {
            phase = TRAINER_FAILED;
            how = RUN_END_FAILED;
            *err = late;
        } else {
            trainer_log_missed(trainer, NULL);
        }
    }
    if (trainer_log_end(trainer, how, phase == TRAINER_FAILED ? err->text : "", &late) && phase != TRAINER_FAILED) {
        phase = TRAINER_FAILED;
        *err = late;
    }
    if (phase == TRAINER_FAILED) {
        snprintf(trainer->now.error, sizeof trainer->now.error, "%s", err->text);
        if (trainer->clock.step > 0 || trainer->resuming)
            trainer_write_failure(trainer);
        else
            forget_folder(trainer);
    }
    trainer_publish(trainer, phase);
}

void *trainer_main(void *argument)
{
    struct trainer *trainer = argument;
    struct error err = {""};
    trainer->start_seconds = trainer_boot_clock();
    trainer->last_checkpoint = trainer_clock();
    contention_read(&trainer->contention);
    int status = prepare(trainer, &err);
    if (status == 0) {
        trainer->prepared = 1;
        status = train(trainer, &err);
    }
    finish(trainer, status, &err);
    scribe_release(&trainer->scribe);
    averages_release(&trainer->averages);
    trace_release(&trainer->trace);
    session_release_program(&trainer->session);
    return NULL;
}
