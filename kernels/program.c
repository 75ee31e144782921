#include "kernels/program.h"

#include <stdlib.h>

static const char *const phase_names[PHASE_COUNT] = {
    [PHASE_AUGMENT] = "augment",   [PHASE_FORWARD] = "forward", [PHASE_LOSS] = "loss",
    [PHASE_BACKWARD] = "backward", [PHASE_UPDATE] = "update",
};

static const char *const precision_names[PRECISION_COUNT] = {
    [PRECISION_F32] = "f32",
    [PRECISION_BF16] = "bf16",
    [PRECISION_F16] = "f16",
    [PRECISION_TF32] = "tf32",
};

const char *phase_name(enum phase phase)
{
    return (unsigned)phase < PHASE_COUNT ? phase_names[phase] : "unknown";
}

const char *precision_name(enum precision precision)
{
    return (unsigned)precision < PRECISION_COUNT ? precision_names[precision] : "unknown";
}

struct hyper hyper_of_tensor(const struct hyper *hyper, const struct plan_tensor *tensor)
{
    struct hyper own = *hyper;
    if (tensor->rule == PLAN_RULE_MUON) {
        own.lr = hyper->muon_lr;
        own.momentum = hyper->muon_momentum;
        own.weight_decay = 0;
    } else if (tensor->rule == PLAN_RULE_LARS) {
        own.lr = hyper->lars_lr;
    } else if (tensor->role == PLAN_CONV_BIAS) {
        own.lr = hyper->lr * (1 - hyper->conv_bias_cut);
    }
    own.lr *= tensor->lr_scale;
    own.weight_decay *= tensor->decay_scale;
    return own;
}

int batch_check_images(const struct images *images, struct error *err)
{
    int c = images->channels, h = images->height, w = images->width;
    if (c < 1 || c > IMAGE_CHANNELS_MAX)
        return error_set(err, "images of %d channels, but only 1 to %d are possible; convert them", c,
                         IMAGE_CHANNELS_MAX);
    if (h >= 1 && h <= IMAGE_SIDE_MAX && w >= 1 && w <= IMAGE_SIDE_MAX && h * w <= IMAGE_PIXELS_MAX)
        return 0;
    return error_set(err,
                     "images of %d x %d pixels, but only sides of 1 to %d and at most %d pixels are possible; "
                     "scale them down",
                     w, h, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX);
}

/* A choice that would gather from outside its image must never reach a kernel. */
static int check_choice(const struct images *images, const struct choice *choice, int i, struct error *err)
{
    if (choice->image >= images->count)
        return error_set(err,
                         "image %d of the batch is number %u, but the data set has %u images; draw the "
                         "choices for this data set",
                         i, choice->image, images->count);
    if (choice->pad >= images->height || choice->pad >= images->width)
        return error_set(err,
                         "image %d of the batch is padded by %d, but reflect padding must be smaller than "
                         "the image (%d x %d); use a smaller crop_pad",
                         i, choice->pad, images->height, images->width);
    if (choice->crop_y > 2 * choice->pad || choice->crop_x > 2 * choice->pad)
        return error_set(err,
                         "image %d of the batch is cropped at (%d, %d), beyond its padding of %d; crops lie "
                         "in 0 .. 2 * pad",
                         i, choice->crop_y, choice->crop_x, choice->pad);
    return 0;
}

struct program *program_new(const struct family *family, const struct plan *plan, const struct program_options *options,
                            size_t own_size, struct error *err)
{
    if (plan_check(plan, err))
        return NULL;
    if (options->max_batch < 1) {
        error_set(err, "a program needs room for at least one image, not %d", options->max_batch);
        return NULL;
    }
    struct program *program = calloc(1, sizeof *program);
    void *own = calloc(1, own_size);
    if (!program || !own) {
        free(program);
        free(own);
        error_set(err, "out of memory for the program");
        return NULL;
    }
    *program = (struct program){.family = family, .plan = plan, .options = *options, .own = own};
    program->result.bad_row = -1;
    return program;
}

int program_find_tensor(const struct program *program, const char *name, enum program_tensor which, size_t count,
                        struct error *err)
{
    int index = plan_find_tensor(program->plan, name);
    if (index < 0)
        return error_set(err, "there is no tensor or row '%s' in this network", name);
    const struct plan_tensor *t = &program->plan->tensors[index];
    if ((which == PROGRAM_GRADIENT || which == PROGRAM_MOMENTUM) && !t->trained)
        return error_set(err, "'%s' is not trained and has neither gradient nor momentum", name);
    if (which >= PROGRAM_EMA && !program->family->mix)
        return error_set(err, "'%s': the %s family keeps no averages of its own", name, program->family->name);
    if (count != t->count)
        return error_set(err, "'%s' holds %zu floats, not %zu", name, t->count, count);
    return index;
}

int program_check_row(const struct program *program, int row, enum program_tensor which, size_t count,
                      struct error *err)
{
    const char *name = program->plan->rows[row].name;
    const struct plan_shape *shape = &program->plan->rows[row].out;
    size_t expected = (size_t)shape->c * (size_t)shape->h * (size_t)shape->w * (size_t)program->batch.n;
    if (which != PROGRAM_VALUE && which != PROGRAM_GRADIENT)
        return error_set(err, "'%s' is a row; only tensors have momentum and averages", name);
    if (count != expected)
        return error_set(err, "'%s' holds %zu floats for %d images, not %zu", name, expected, program->batch.n, count);
    return 0;
}

int program_set_batch(struct program *program, const struct batch *batch, struct error *err)
{
    const struct images *images = batch->images;
    const struct plan_shape *shape = &program->plan->rows[0].out;

    if (batch->n < 1 || batch->n > program->options.max_batch)
        return error_set(err,
                         "a batch of %d images, but the program takes 1 to %d; compile it with a larger "
                         "max_batch or split the batch",
                         batch->n, program->options.max_batch);
    int height = batch_height(batch), width = batch_width(batch);
    if (images->channels != shape->c || height != shape->h || width != shape->w)
        return error_set(err,
                         "images of %d x %d x %d (channels, height, width), but the network was built for "
                         "%d x %d x %d; build it for this data set",
                         images->channels, height, width, shape->c, shape->h, shape->w);
    if (batch_check_images(images, err))
        return -1;
    if (height > images->height || width > images->width)
        return error_set(err, "images of %d x %d pixels cannot be shrunk to %d x %d; take a smaller size",
                         images->width, images->height, width, height);
    if (images->classes > program->plan->classes)
        return error_set(err,
                         "the data set has %d classes, but the network tells only %d apart; build it for "
                         "this data set",
                         images->classes, program->plan->classes);
    for (int i = 0; i < batch->n; i++) {
        if (check_choice(images, &batch->choices[i], i, err))
            return -1;
        if (images->labels[batch->choices[i].image] >= program->plan->classes)
            return error_set(err, "image %u has label %d, but the network has classes 0 to %d; check the data set",
                             batch->choices[i].image, images->labels[batch->choices[i].image],
                             program->plan->classes - 1);
    }
    program->batch = *batch;
    return 0;
}

bool hyper_trains(const struct hyper *hyper, const struct plan_tensor *tensor)
{
    return tensor->trained && (tensor->epochs <= 0 || hyper->epoch < tensor->epochs);
}
