#include "engine/averages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes(const struct averages *averages)
{
    return averages->plan->arena_count * sizeof(float);
}

int averages_init(struct averages *averages, const struct recipe *recipe, const struct plan *plan, struct error *err)
{
    memset(averages, 0, sizeof *averages);
    averages->plan = plan;
    averages->ema_every = recipe->ema_every;
    averages->ema_rho = pow(recipe->ema_momentum, recipe->ema_every);
    averages->slow_every = recipe->lookahead_every;
    averages->slow_decay = pow(recipe->lookahead_momentum, recipe->lookahead_every);
    if (!recipe->ema && !recipe->lookahead)
        return 0;
    averages->tensors = calloc(plan->arena_count, sizeof(float));
    if (recipe->ema)
        averages->ema = calloc(plan->arena_count, sizeof(float));
    if (recipe->lookahead)
        averages->slow = calloc(plan->arena_count, sizeof(float));
    if (averages->tensors && (averages->ema || !recipe->ema) && (averages->slow || !recipe->lookahead))
        return 0;
    averages_release(averages);
    return error_set(err, "out of memory for averages of %zu weights", plan->arena_count);
}

void averages_release(struct averages *averages)
{
    free(averages->ema);
    free(averages->slow);
    free(averages->tensors);
    memset(averages, 0, sizeof *averages);
}

/* All tensors between the program and an array like its arena. */
static int read_all(const struct averages *averages, struct program *program, float *to, struct error *err)
{
    for (int i = 0; i < averages->plan->n_tensors; i++) {
        const struct plan_tensor *t = &averages->plan->tensors[i];
        if (program->family->read_tensor(program, t->name, PROGRAM_VALUE, to + t->offset, t->count, err))
            return -1;
    }
    return 0;
}

static int write_all(const struct averages *averages, struct program *program, const float *from, struct error *err)
{
    for (int i = 0; i < averages->plan->n_tensors; i++) {
        const struct plan_tensor *t = &averages->plan->tensors[i];
        if (program->family->write_tensor(program, t->name, PROGRAM_VALUE, from + t->offset, t->count, err))
            return -1;
    }
    return 0;
}

int averages_begin(struct averages *averages, struct program *program, struct error *err)
{
    if (!averages->tensors)
        return 0;
    if (read_all(averages, program, averages->tensors, err))
        return -1;
    if (averages->ema)
        memcpy(averages->ema, averages->tensors, bytes(averages));
    if (averages->slow)
        memcpy(averages->slow, averages->tensors, bytes(averages));
    return 0;
}

static void mix(float *average, const float *tensors, size_t count, double keep)
{
    for (size_t i = 0; i < count; i++)
        average[i] = (float)(keep * average[i] + (1 - keep) * tensors[i]);
}

int averages_due(const struct averages *averages, uint32_t step, uint32_t steps)
{
    return (averages->slow && (step % (uint32_t)averages->slow_every == 0 || step == steps)) ||
           (averages->ema && step % (uint32_t)averages->ema_every == 0);
}

int averages_update(struct averages *averages, struct program *program, uint32_t step, uint32_t steps,
                    struct error *err)
{
    size_t count = averages->plan->arena_count;
    int mixes = averages->slow && step % (uint32_t)averages->slow_every == 0;
    int ends = averages->slow && step == steps;
    int follows = averages->ema && step % (uint32_t)averages->ema_every == 0;
    if (!averages_due(averages, step, steps))
        return 0;
    if (read_all(averages, program, averages->tensors, err))
        return -1;
    if (mixes)
        mix(averages->slow, averages->tensors, count, averages->slow_decay * pow((double)step / steps, 3));
    if (mixes || ends) {
        memcpy(averages->tensors, averages->slow, bytes(averages));
        if (write_all(averages, program, averages->slow, err))
            return -1;
    }
    if (follows)
        mix(averages->ema, averages->tensors, count, averages->ema_rho);
    return 0;
}

int averages_show(struct averages *averages, struct program *program, struct error *err)
{
    if (!averages->ema)
        return 0;
    return read_all(averages, program, averages->tensors, err) || write_all(averages, program, averages->ema, err) ? -1
                                                                                                                   : 0;
}

int averages_hide(struct averages *averages, struct program *program, struct error *err)
{
    return averages->ema ? write_all(averages, program, averages->tensors, err) : 0;
}

void averages_save(const struct averages *averages, struct checkpoint *checkpoint)
{
    if (averages->ema)
        memcpy(checkpoint->ema, averages->ema, bytes(averages));
    if (averages->slow)
        memcpy(checkpoint->slow, averages->slow, bytes(averages));
}

void averages_restore(struct averages *averages, const struct checkpoint *checkpoint)
{
    if (averages->ema)
        memcpy(averages->ema, checkpoint->ema, bytes(averages));
    if (averages->slow)
        memcpy(averages->slow, checkpoint->slow, bytes(averages));
}
