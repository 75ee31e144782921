/* One step of SGD with momentum in the four forms of enum nesterov; in double, rounded once per stored value. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <math.h>

struct update {
    float *weight, *momentum;
    const float *gradient;
    double lr, decay, mom;
    enum nesterov form;
};

static void update_range(void *context, size_t begin, size_t end, int thread)
{
    const struct update *u = context;
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

void ref_update(struct ref_row *row)
{
    struct ref *ref = row->ref;
    const struct hyper *hyper = &ref->program.hyper;

    for (int k = 0; k < row->plan->n_tensors; k++) {
        const struct plan_tensor *tensor = &ref->program.plan->tensors[row->plan->tensor[k]];
        if (!hyper_trains(hyper, tensor))
            continue;
        struct update update = {
            .weight = ref->value + tensor->offset,
            .momentum = ref->momentum + tensor->offset,
            .gradient = ref->gradient + tensor->offset,
            .lr = hyper->lr * tensor->lr_scale,
            .decay = hyper->weight_decay * tensor->decay_scale,
            .mom = hyper->momentum,
            .form = hyper->form,
        };
        parallel_for(tensor->count, 1024, update_range, &update);
        for (size_t i = 0; i < tensor->count && ref->program.result.bad_row < 0; i++)
            if (!isfinite(update.weight[i]) || !isfinite(update.gradient[i]))
                ref->program.result.bad_row = row->index;
    }
}
