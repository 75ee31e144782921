/* The timing breakdown of the run in progress: its clocks, the published copy, and the text of RUN/timing.json. */
#include "engine/frozen.h"
#include "engine/trainer_internal.h"

#include <math.h>
#include <string.h>

/* Between two publications: a reader that shows it needs no more. */
#define TIMING_SECONDS 0.25

void trainer_measure_machine(struct trainer *trainer)
{
    const struct session *session = &trainer->session;
    struct ceiling ceiling = {.flops = NAN, .bytes = NAN};
    if (!session->family->submit) /* these are the host's; without memory to measure them they stay unknown */
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
    timekeeper_refresh(keeper, &session->executor, &session->loader);
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
    if (!session->program || session->executor.train_steps == 0 || trainer->keeper.timing.n_steps == 0)
        return;
    if (!last && now - trainer->timing_seconds < TIMING_SECONDS)
        return;
    timekeeper_refresh(&trainer->keeper, &session->executor, &session->loader);
    if (last)
        pthread_mutex_lock(&trainer->timing_lock);
    else if (pthread_mutex_trylock(&trainer->timing_lock) != 0)
        return;
    timing_assign(&trainer->timing, &trainer->keeper.timing);
    trainer->timing_version++;
    pthread_mutex_unlock(&trainer->timing_lock);
    trainer->timing_seconds = now;
}

void trainer_remember_timing(struct trainer *trainer)
{
    char path[RUN_PATH_MAX + 32];
    timing_release(&trainer->earlier);
    run_folder_path(&trainer->folder, "timing.json", path, sizeof path);
    if (trainer->clock.step == 0 || timing_read(&trainer->earlier, path, NULL))
        memset(&trainer->earlier, 0, sizeof trainer->earlier); /* it only tells of the run */
}

char *trainer_timing_text(struct trainer *trainer, struct error *err)
{
    if (trainer->session.executor.train_steps == 0)
        return NULL;
    timekeeper_refresh(&trainer->keeper, &trainer->session.executor, &trainer->session.loader);
    const struct timing *now = &trainer->keeper.timing, *earlier = &trainer->earlier;
    if (earlier->n_rows == 0)
        return timing_to_json(now, err);
    if (!timing_same_program(earlier, now))
        return now->train_steps < earlier->train_steps ? NULL : timing_to_json(now, err);
    struct timing both;
    if (timing_copy(&both, earlier, err))
        return NULL;
    timing_merge(&both, now);
    char *text = timing_to_json(&both, err);
    timing_release(&both);
    return text;
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
