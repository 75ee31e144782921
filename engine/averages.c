#include "engine/averages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes(const struct averages *averages)
{
    return averages->plan->arena_count * sizeof(float);
}

int averages_init(struct averages *averages, const struct recipe *recipe, const struct plan *plan,
                  const struct family *family, struct error *err)
{
    memset(averages, 0, sizeof *averages);
    averages->plan = plan;
    averages->ema_every = recipe->ema_every;
    averages->ema_rho = pow(recipe->ema_momentum, recipe->ema_every);
    averages->slow_every = recipe->lookahead_every;
    averages->slow_decay = pow(recipe->lookahead_momentum, recipe->lookahead_every);
    averages->has_ema = recipe->ema;
    averages->has_slow = recipe->lookahead;
    averages->on_device = family->mix != NULL;
    if ((!recipe->ema && !recipe->lookahead) || averages->on_device)
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

/* What is done with an average that the device keeps. */
static int mix_there(struct program *program, enum program_tensor average, enum program_mix how, double keep,
                     struct error *err)
{
    return program->family->mix(program, average, how, keep, err);
}

int averages_begin(struct averages *averages, struct program *program, struct error *err)
{
    if (averages->on_device)
        return (averages->has_ema && mix_there(program, PROGRAM_EMA, PROGRAM_MIX_FOLLOW, 0, err)) ||
                       (averages->has_slow && mix_there(program, PROGRAM_SLOW, PROGRAM_MIX_FOLLOW, 0, err))
                   ? -1
                   : 0;
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

/* What is to be done after a step. */
struct due {
    bool mixes, ends, follows;
    double slow_keep;
};

static struct due due_at(const struct averages *averages, uint32_t step, uint32_t steps)
{
    return (struct due){.mixes = averages->has_slow && step % (uint32_t)averages->slow_every == 0,
                        .ends = averages->has_slow && step == steps,
                        .follows = averages->has_ema && step % (uint32_t)averages->ema_every == 0,
                        .slow_keep = averages->slow_decay * pow((double)step / steps, 3)};
}

int averages_due(const struct averages *averages, uint32_t step, uint32_t steps)
{
    struct due due = due_at(averages, step, steps);
    return !averages->on_device && (due.mixes || due.ends || due.follows);
}

static int update_there(const struct averages *averages, struct program *program, const struct due *due,
                        struct error *err)
{
    if (due->mixes && mix_there(program, PROGRAM_SLOW, PROGRAM_MIX_FOLLOW, due->slow_keep, err))
        return -1;
    if ((due->mixes || due->ends) && mix_there(program, PROGRAM_SLOW, PROGRAM_MIX_TAKE, 0, err))
        return -1;
    return due->follows ? mix_there(program, PROGRAM_EMA, PROGRAM_MIX_FOLLOW, averages->ema_rho, err) : 0;
}

int averages_update(struct averages *averages, struct program *program, uint32_t step, uint32_t steps,
                    struct error *err)
{
    size_t count = averages->plan->arena_count;
    struct due due = due_at(averages, step, steps);
    if (averages->on_device)
        return update_there(averages, program, &due, err);
    if (!averages_due(averages, step, steps))
        return 0;
    if (read_all(averages, program, averages->tensors, err))
        return -1;
    if (due.mixes)
        mix(averages->slow, averages->tensors, count, due.slow_keep);
    if (due.mixes || due.ends) {
        memcpy(averages->tensors, averages->slow, bytes(averages));
        if (write_all(averages, program, averages->slow, err))
            return -1;
    }
    if (due.follows)
        mix(averages->ema, averages->tensors, count, averages->ema_rho);
    return 0;
}

int averages_show(struct averages *averages, struct program *program, struct error *err)
{
    if (!averages->has_ema)
        return 0;
    if (averages->on_device)
        return mix_there(program, PROGRAM_EMA, PROGRAM_MIX_SWAP, 0, err);
    return read_all(averages, program, averages->tensors, err) || write_all(averages, program, averages->ema, err) ? -1
                                                                                                                   : 0;
}

int averages_hide(struct averages *averages, struct program *program, struct error *err)
{
    if (averages->on_device)
        return averages_show(averages, program, err);
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
