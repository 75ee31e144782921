#include "engine/batches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int batches_measure(struct batches *batches, const struct recipe *recipe, const struct images *images,
                    struct error *err)
{
    uint32_t batch = (uint32_t)recipe_batch(recipe);
    memset(batches, 0, sizeof *batches);
    batches->images = images;
    batches->batch = batch;
    batches->epoch = BATCHES_NO_EPOCH;
    batches->by_item = recipe->loader_random == RECIPE_RANDOM_ITEM;
    recipe_choices(recipe, &batches->options);
    if (choices_check(&batches->options, images, err) || recipe_stages(recipe, &batches->stages, err) ||
        stages_check(&batches->stages, images, err))
        return -1;
    batches->steps_per_epoch = recipe->drop_last ? images->count / batch : (images->count + batch - 1) / batch;
    if (batches->steps_per_epoch == 0)
        return error_set(err, "batch %u is larger than the %u training images; lower batch or set drop_last to off",
                         batch, images->count);
    uint32_t rest = recipe->drop_last ? 0 : images->count % batch;
    if (recipe->ghost_bn && rest % (uint32_t)recipe->ghost_groups != 0)
        return error_set(err,
                         "ghost_groups = %d: with drop_last off an epoch's last batch has %u images, which cannot be "
                         "divided into so many equal groups; set drop_last=on, or another batch",
                         recipe->ghost_groups, rest);
    /* Page's convention: with the last partial batch dropped an epoch is steps_per_epoch steps. */
    batches->steps = (uint32_t)ceil(recipe->epochs * batches->steps_per_epoch - 1e-9);
    return 0;
}

int batches_init(struct batches *batches, const struct recipe *recipe, const struct images *images, struct error *err)
{
    if (batches_measure(batches, recipe, images, err))
        return -1;
    uint32_t count = images->count > batches->batch ? images->count : batches->batch;
    batches->choices = malloc(count * sizeof *batches->choices);
    return batches->choices ? 0 : error_set(err, "out of memory for the choices of an epoch");
}

void batches_release(struct batches *batches)
{
    free(batches->choices);
    memset(batches, 0, sizeof *batches);
}

void batches_find(struct batches *batches, uint32_t step, struct batch *batch)
{
    uint32_t epoch = step / batches->steps_per_epoch, first = step % batches->steps_per_epoch * batches->batch;
    if (batches->epoch != epoch) {
        (batches->by_item ? choices_order : choices_draw)(&batches->options, batches->images, epoch, batches->choices);
        batches->epoch = epoch;
    }
    uint32_t left = batches->images->count - first;
    *batch = (struct batch){.images = batches->images,
                            .choices = batches->choices + first,
                            .n = (int)(left < batches->batch ? left : batches->batch)};
    stages_at(&batches->stages, batches->images, step, batches->steps, &batch->height, &batch->width);
}

void batches_draw_items(const struct batches *batches, uint32_t step, struct choice *choices, int n)
{
    if (batches->by_item)
        choices_transform(&batches->options, batches->images, step / batches->steps_per_epoch, choices, n);
}

void batches_at(struct batches *batches, uint32_t step, struct batch *batch)
{
    batches_find(batches, step, batch);
    batches_draw_items(batches, step, batches->choices + step % batches->steps_per_epoch * batches->batch, batch->n);
}
