#include "engine/groups.h"

#include <math.h>

static double lr_scale(const struct recipe *recipe, enum plan_role role)
{
    switch (role) {
    case PLAN_CONV_WEIGHT:
        return recipe->filter_lr;
    case PLAN_CONV_BIAS:
        return recipe->whitening_bias_lr;
    case PLAN_LINEAR_WEIGHT:
    case PLAN_LINEAR_BIAS:
        return recipe->head_lr;
    default: /* the network's own: norm_bias_lr */
        return 1;
    }
}

void groups_apply(const struct recipe *recipe, struct plan *plan)
{
    static const enum plan_rule rules[RECIPE_OPTIMISER_COUNT] = {
        [RECIPE_OPTIMISER_SGD] = PLAN_RULE_SGD,
        [RECIPE_OPTIMISER_MUON] = PLAN_RULE_MUON,
        [RECIPE_OPTIMISER_LARS] = PLAN_RULE_LARS,
    };
    for (int i = 0; i < plan->n_tensors; i++) {
        struct plan_tensor *t = &plan->tensors[i];
        if (!t->trained)
            continue;
        t->lr_scale *= lr_scale(recipe, t->role);
        if (recipe->decoupled_decay && t->lr_scale > 0)
            t->decay_scale = 1 / t->lr_scale;
        if (t->role == PLAN_CONV_WEIGHT)
            t->rule = rules[recipe->optimiser];
    }
}

/* hyper.conv_bias_cut: the whitening convolution's bias may have a course of its own. */
static double conv_bias_cut(const struct recipe *recipe, double epoch, double share)
{
    if (!recipe->whitening_bias_falls || !(recipe->whitening_bias_epochs > 0) || !(share > 0))
        return 0;
    return 1 - fmax(0, 1 - epoch / recipe->whitening_bias_epochs) / share;
}

void groups_hyper(const struct recipe *recipe, uint32_t step, uint32_t steps_per_epoch, double lr, struct hyper *hyper)
{
    double epoch = (double)step / steps_per_epoch; /* the first step has the whole rate */
    double highest = schedule_highest(&recipe->schedule) * recipe_lr_gain(recipe),
           share = highest > 0 ? lr / highest : 0;
    *hyper = (struct hyper){
        .lr = lr / recipe_batch(recipe),
        .momentum = recipe->momentum,
        .weight_decay = recipe->weight_decay * recipe_batch(recipe),
        .form = recipe->nesterov,
        .epoch = epoch,
        .conv_bias_cut = conv_bias_cut(recipe, epoch, share),
        .muon_lr = recipe->muon_lr * share,
        .muon_momentum = recipe->muon_momentum,
        .lars_lr = recipe->lars_lr * share,
    };
}
