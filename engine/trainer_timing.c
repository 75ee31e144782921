/* The timing breakdown of the run in progress: its clocks, the published copy, and the text of RUN/timing.json. */
#include "engine/frozen.h"
#include "engine/trainer_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Between two publications, at least: a reader that shows it needs no more. */
#define PUBLISH_SECONDS 0.25
/* Between two writings of RUN/timing.json, beside those with checkpoints, at least. And so many steps are worth writing
 * about. */
#define WRITE_SECONDS 5
#define WRITE_STEPS 2

/* Brings the keeper's breakdown up to date, and what timing it has cost. */
static void refresh(struct trainer *trainer)
{
    struct timekeeper *keeper = &trainer->keeper;
    double written = scribe_writing_seconds(&trainer->scribe);
    keeper->own[TIMING_COST_WRITE] += written - trainer->written_seconds;
    trainer->written_seconds = written;
    keeper->traced = trace_cost(&trainer->trace, keeper->reading_ns);
    timekeeper_refresh(keeper, &trainer->session.executor, &trainer->session.loader);
    keeper->timing.to_step = trainer->clock.step;
}

void trainer_measure_machine(struct trainer *trainer)
{
    const struct session *session = &trainer->session;
    struct ceiling ceiling = {.flops = NAN, .bytes = NAN};
    if (session->family->submit) /* what fails or finds no memory leaves them unknown */
        ceiling_of_session(session, &ceiling, NULL);
    else
        ceiling_remember(&ceiling, session->precision, NULL);
    timekeeper_init(&trainer->keeper, &ceiling);
}

void trainer_measure_again(struct trainer *trainer)
{
    struct session *session = &trainer->session;
    struct timekeeper *keeper = &trainer->keeper;
    struct ceiling again;
    if (!session->program || session->family->submit || keeper->timing.n_steps == 0)
        return;
    refresh(trainer);
    if (!keeper->ceiling.noisy && !timing_disproved(&keeper->timing, NULL, 0))
        return;
    double began = trainer_boot_clock();
    if (!ceiling_measure(&again, session->precision, NULL))
        timekeeper_ceiling(keeper, &again);
    trainer->start_seconds += trainer_boot_clock() - began; /* not a part of the run */
}

int trainer_begin_timing(struct trainer *trainer, struct error *err)
{
    if (timekeeper_begin(&trainer->keeper, &trainer->session.executor, err))
        return -1;
    pthread_mutex_lock(&trainer->timing_lock);
    timing_release(&trainer->timing); /* of another size's program */
    int status = timing_copy(&trainer->timing, &trainer->keeper.timing, err);
    pthread_mutex_unlock(&trainer->timing_lock);
    trace_release(&trainer->trace);
    return status || trace_init(&trainer->trace, &trainer->session.executor, err) ? -1 : 0;
}

void trainer_warmed_up(struct trainer *trainer)
{
    timekeeper_reset(&trainer->keeper, &trainer->session.executor, &trainer->session.loader);
    trainer->keeper.timing.from_step = trainer->clock.step > 1 ? trainer->clock.step : 0;
    trainer->warm = 1;
}

int trainer_follow_size(struct trainer *trainer, int height, int width, struct error *err)
{
    int now_height, now_width;
    session_size(&trainer->session, &now_height, &now_width);
    if (now_height == height && now_width == width)
        return 0;
    if (trainer->warm) /* the sizes of one sitting: each breakdown takes the place of the one before */
        timing_release(&trainer->earlier);
    trainer->warm = 0;
    trainer->rate_seconds = trainer->rate_images = 0;
    return frozen_keep(&trainer->session, &trainer->folder, err) || trainer_begin_timing(trainer, err) ? -1 : 0;
}

void trainer_publish_timing(struct trainer *trainer, int last)
{
    struct session *session = &trainer->session;
    double now = trainer_clock();
    int published = 0;
    if (!session->program || session->executor.train_steps == 0 || trainer->keeper.timing.n_steps == 0)
        return;
    trainer->keeper.readings++;
    if (!last && now < trainer->publish_due)
        return;
    timekeeper_own_begin(&trainer->keeper);
    refresh(trainer);
    if (last)
        pthread_mutex_lock(&trainer->timing_lock);
    if (last || pthread_mutex_trylock(&trainer->timing_lock) == 0) {
        timing_assign(&trainer->timing, &trainer->keeper.timing);
        trainer->timing_version++;
        pthread_mutex_unlock(&trainer->timing_lock);
        published = 1;
    }
    double took = timekeeper_own_end(&trainer->keeper, TIMING_COST_PUBLISH);
    trainer->publish_due = now + timekeeper_rest(took, published ? PUBLISH_SECONDS : 0);
}

void trainer_remember_timing(struct trainer *trainer)
{
    char path[RUN_PATH_MAX + 32];
    timing_release(&trainer->earlier);
    run_folder_path(&trainer->folder, "timing.json", path, sizeof path);
    if (trainer->clock.step == 0 || timing_read(&trainer->earlier, path, NULL))
        memset(&trainer->earlier, 0, sizeof trainer->earlier); /* it only tells of the run */
    else /* it was written after the checkpoint, when the run was killed */
        timing_rewind(&trainer->earlier, trainer->clock.step, trainer->session.steps_per_epoch,
                      (uint64_t)trainer->session.recipe.evaluate_every);
}

/* A copy, malloc'ed; NULL: nothing is timed yet, or less than of another program before, or there is no memory. */
static struct timing *copy_timing(struct trainer *trainer)
{
    if (!trainer->session.program || trainer->session.executor.train_steps == 0)
        return NULL;
    refresh(trainer);
    const struct timing *now = &trainer->keeper.timing, *earlier = &trainer->earlier;
    int merged = earlier->n_rows > 0 && timing_same_program(earlier, now);
    if (earlier->n_rows > 0 && !merged && now->train_steps < earlier->train_steps)
        return NULL;
    struct timing *copy = malloc(sizeof *copy);
    if (copy && timing_copy(copy, merged ? earlier : now, NULL)) {
        free(copy);
        return NULL;
    }
    if (copy && merged)
        timing_merge(copy, now);
    return copy;
}

struct timing *trainer_timing_to_write(struct trainer *trainer, int last)
{
    struct timekeeper *keeper = &trainer->keeper;
    double now = trainer_clock();
    keeper->readings++;
    if (!last && (now < trainer->timing_due || keeper->steps < WRITE_STEPS))
        return NULL;
    double before = keeper->own[TIMING_COST_WRITE];
    timekeeper_own_begin(keeper);
    struct timing *copy = copy_timing(trainer); /* which counts what writing the one before has cost */
    double cost = timekeeper_own_end(keeper, TIMING_COST_PUBLISH) + keeper->own[TIMING_COST_WRITE] - before;
    trainer->timing_due = now + timekeeper_rest(cost, WRITE_SECONDS);
    return copy;
}

void trainer_write_timing(struct trainer *trainer)
{
    struct timing *timing = trainer_timing_to_write(trainer, 0);
    if (timing)
        scribe_post(&trainer->scribe, timing);
}

int trainer_timing(struct trainer *trainer, uint64_t *version, struct timing *timing, struct error *err)
{
    int status = 0;
    pthread_mutex_lock(&trainer->timing_lock);
    if (trainer->timing_version > 0 && trainer->timing_version != *version) {
        status = timing_copy(timing, &trainer->timing, err) ? -1 : 1;
        if (status > 0) /* what failed is tried again */
            *version = trainer->timing_version;
    }
    pthread_mutex_unlock(&trainer->timing_lock);
    return status;
}
