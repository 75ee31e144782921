/*
 * Averages of all of a network's tensors over the steps of a run, running statistics included:
 *
 * ema: every `ema_every` steps, from the first weights on,
 *     average = rho * average + (1 - rho) * tensors,    rho = ema_momentum ^ ema_every
 * (D. Page, How to Train Your ResNet 8). Training goes on from the tensors; the average is what is evaluated and what
 * model.safetensors holds.
 *
 * lookahead: every `lookahead_every` steps, after step t of T,
 *     slow = d * slow + (1 - d) * tensors,    d = lookahead_momentum ^ lookahead_every * (t / T) ^ 3
 * and training goes on from slow; after the last step the tensors become slow (Zhang et al., arXiv:1907.08610, as
 * K. Jordan, arXiv:2404.00498, schedules it).
 *
 * Of both, lookahead comes first. Engine thread only. Sums are in double, rounded once a value. A device that can
 * (family.mix) keeps the averages itself: they are updated in the order of the steps that were submitted to it, nothing
 * waits for that, and checkpoint_take and checkpoint_give carry them.
 */
#ifndef DAVIDNET_ENGINE_AVERAGES_H
#define DAVIDNET_ENGINE_AVERAGES_H

#include "engine/checkpoint.h"
#include "engine/recipe.h"

#include <stdbool.h>

struct averages {
    const struct plan *plan; /* borrowed */
    bool on_device;
    bool has_ema, has_slow;
    double ema_rho, slow_decay;
    int ema_every, slow_every;
    float *ema, *slow; /* [plan->arena_count]; NULL: off, or on the device */
    float *tensors;    /* scratch; likewise */
};

/* Room for those that the recipe asks for, kept by the family's programs where it can; they begin with averages_begin
 * or averages_restore. */
int averages_init(struct averages *averages, const struct recipe *recipe, const struct plan *plan,
                  const struct family *family, struct error *err);
void averages_release(struct averages *averages); /* zeroed ones are fine */

/* The program's tensors as they are before the first step. */
int averages_begin(struct averages *averages, struct program *program, struct error *err);

/* Must that step have ended, and no other begun, for averages_update? On a device none must. */
int averages_due(const struct averages *averages, uint32_t step, uint32_t steps);

/* After step `step` (from 1) of `steps`: once it has ended, or, on a device, once it is submitted. */
int averages_update(struct averages *averages, struct program *program, uint32_t step, uint32_t steps,
                    struct error *err);

/* Puts the average that is to be evaluated into the program, and the tensors back. Without ema neither does anything;
 * nothing may be trained, or updated here, between the two. */
int averages_show(struct averages *averages, struct program *program, struct error *err);
int averages_hide(struct averages *averages, struct program *program, struct error *err);

/* To and from a checkpoint with room for them (checkpoint_add_averages); what is on the device needs neither. */
void averages_save(const struct averages *averages, struct checkpoint *checkpoint);
void averages_restore(struct averages *averages, const struct checkpoint *checkpoint);

#endif
