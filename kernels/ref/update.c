/* One step of each rule; SGD with momentum in the four forms of enum nesterov. In double, rounded once per stored
 * value. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <math.h>

static void update_range(void *context, size_t begin, size_t end, int thread)
{
    const struct ref_update *u = context;
    (void)thread;

    for (size_t i = begin; i < end; i++) {
        double w = u->weight[i], g = u->gradient[i] + u->decay * w;
        if (u->form == NESTEROV_PAGE) {
            g *= -u->lr;
            double v = u->mom * u->momentum[i] + g;
            w += g + u->mom * v;
            u->momentum[i] = (float)v;
        } else {
            double v = u->mom * u->momentum[i] + g;
            w -= u->lr * (u->form == NESTEROV_NONE ? v : g + u->mom * v);
            u->momentum[i] = (float)v;
        }
        u->weight[i] = (float)w;
    }
}

/* Each filter at a rate of its own. */
static void update_filters(const struct ref_update *u, const struct plan_tensor *tensor)
{
    size_t size = tensor->count / (size_t)tensor->dims[0];
    for (size_t begin = 0; begin < tensor->count; begin += size) {
        struct ref_update filter = *u;
        filter.lr = ref_lars_rate(u, begin, begin + size);
        update_range(&filter, begin, begin + size, 0);
    }
}

void ref_update(struct ref_row *row)
{
    struct ref *ref = row->ref;

    for (int k = 0; k < row->plan->n_tensors; k++) {
        const struct plan_tensor *tensor = &ref->program.plan->tensors[row->plan->tensor[k]];
        if (!hyper_trains(&ref->program.hyper, tensor))
            continue;
        struct hyper hyper = hyper_of_tensor(&ref->program.hyper, tensor);
        struct ref_update update = {
            .weight = ref->value + tensor->offset,
            .momentum = ref->momentum + tensor->offset,
            .gradient = ref->gradient + tensor->offset,
            .lr = hyper.lr,
            .decay = hyper.weight_decay,
            .mom = hyper.momentum,
            .form = hyper.form,
        };
        if (tensor->rule == PLAN_RULE_MUON)
            ref_muon(&update, tensor, ref->matrices);
        else if (tensor->rule == PLAN_RULE_LARS)
            update_filters(&update, tensor);
        else
            parallel_for(tensor->count, 1024, update_range, &update);
        for (size_t i = 0; i < tensor->count && ref->program.result.bad_row < 0; i++)
            if (!isfinite(update.weight[i]) || !isfinite(update.gradient[i]))
                ref->program.result.bad_row = row->index;
    }
}
