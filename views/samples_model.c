#include "views/samples_model.h"

#include "kernels/augment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int samples_sizes[SAMPLES_SIZES] = {8, 16, 24, 32};

void samples_model_clear(struct samples_model *model)
{
    struct samples_model fresh = {.frozen = model->frozen, .zoom = model->zoom};
    batches_release(&model->batches);
    free(model->pixels);
    *model = fresh;
}

void samples_model_release(struct samples_model *model)
{
    samples_model_clear(model);
    memset(model, 0, sizeof *model);
}

static size_t image_bytes(const struct samples_model *model)
{
    const struct images *images = &model->dataset->train;
    return (size_t)images->channels * (size_t)images->height * (size_t)images->width;
}

int samples_model_open(struct samples_model *model, const struct recipe *recipe, const struct dataset *dataset,
                       struct error *err)
{
    const struct images *images = &dataset->train;
    samples_model_clear(model);
    if (images->channels != 1 && images->channels != 3)
        return error_set(err, "images of %d channels cannot be shown, only those of 1 or 3", images->channels);
    if (batches_init(&model->batches, recipe, images, err))
        return -1;
    model->dataset = dataset;
    model->pixels = malloc(model->batches.batch * image_bytes(model));
    if (!model->pixels) {
        samples_model_clear(model);
        return error_set(err, "out of memory for the images of a batch");
    }
    snprintf(model->preset, sizeof model->preset, "%s", recipe_name(recipe));
    model->seed = recipe->seed;
    model->state = SAMPLES_READY;
    samples_model_show(model, 0);
    return 0;
}

void samples_model_show(struct samples_model *model, uint32_t step)
{
    if (model->state != SAMPLES_READY)
        return;
    model->step = step < model->batches.steps ? step : model->batches.steps - 1;
    batches_at(&model->batches, model->step, &model->batch);
    for (int i = 0; i < model->batch.n; i++)
        augment_bytes(&model->batch, i, model->pixels + (size_t)i * image_bytes(model));
    samples_model_move(model, 0);
}

void samples_model_move(struct samples_model *model, int by)
{
    long at = (long)model->cursor + by, last = model->batch.n - 1;
    if (model->state == SAMPLES_READY)
        model->cursor = (int)(at > last ? last : at < 0 ? 0 : at);
}

const uint8_t *samples_original(const struct samples_model *model, int place)
{
    return model->dataset->train.pixels + model->batch.choices[place].image * image_bytes(model);
}

const uint8_t *samples_trained(const struct samples_model *model, int place)
{
    return model->pixels + (size_t)place * image_bytes(model);
}
