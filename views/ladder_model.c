#include "views/ladder_model.h"

#include <string.h>

void ladder_model_init(struct ladder_model *model)
{
    memset(model, 0, sizeof *model);
}

void ladder_model_release(struct ladder_model *model)
{
    ladder_release(&model->ladder);
}

int ladder_model_take(struct ladder_model *model, struct run_entry *const *entries, int count)
{
    return ladder_measure(&model->ladder, entries, count);
}

const struct ladder_rung *ladder_model_here(const struct ladder_model *model)
{
    return model->selected < model->ladder.count ? &model->ladder.rung[model->selected] : NULL;
}

void ladder_model_select(struct ladder_model *model, int rung)
{
    rung = rung >= model->ladder.count ? model->ladder.count - 1 : rung;
    model->selected = rung < 0 ? 0 : rung;
}

int ladder_model_measured(const struct ladder_model *model)
{
    int n = 0;
    for (int i = 0; i < model->ladder.count; i++)
        n += model->ladder.rung[i].accuracy.n > 0;
    return n;
}
