/*
 * The optimiser's groups of tensors: which rule each is updated by and how its rates relate to the schedule's. What
 * does not change during a run goes into the plan (lr_scale, decay_scale, rule), the rest into struct hyper each step.
 */
#ifndef DAVIDNET_ENGINE_GROUPS_H
#define DAVIDNET_ENGINE_GROUPS_H

#include "engine/recipe.h"
#include "kernels/plan.h"

/* filter_lr, head_lr, whitening_bias_lr, decoupled_decay, optimiser: onto scales that the network has set already. */
void groups_apply(const struct recipe *recipe, struct plan *plan);

/* The rates at step `step` (from 0); lr: the schedule's then, per mean loss. */
void groups_hyper(const struct recipe *recipe, uint32_t step, uint32_t steps_per_epoch, double lr, struct hyper *hyper);

#endif
