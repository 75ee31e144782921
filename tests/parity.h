/*
 * What the tests of kernels share: DavidNet's plan by hand (exactly what its recipe lowers to), random images,
 * choices and weights, running a program's steps, and the norm-wise error by which families are compared.
 */
#ifndef DAVIDNET_TESTS_PARITY_H
#define DAVIDNET_TESTS_PARITY_H

#include "kernels/program.h"
#include "kernels/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline const char *parity_join(char out[PLAN_NAME_MAX], const char *name, const char *part)
{
    snprintf(out, PLAN_NAME_MAX, "%.40s/%.20s", name, part);
    return out;
}

/* conv 3x3, norm, act under "name/..."; returns the act's row, or -1. */
static inline int parity_conv_bn(struct plan *plan, const char *name, int input, int c, struct error *err)
{
    char text[PLAN_NAME_MAX];
    int row = plan_conv(plan, parity_join(text, name, "conv"), input, c, plan_window(3, 1, 1), err);
    if (row >= 0)
        row = plan_norm(plan, parity_join(text, name, "norm"), row, plan_moments(1e-5, 0.1), err);
    return row < 0 ? -1 : plan_act(plan, parity_join(text, name, "act"), row, PLAN_ACT_RELU, 0, err);
}

/* conv_bn and a 2x2 max pool, then with `residual` two conv_bn around which the pool's output is added. */
static inline int parity_block(struct plan *plan, const char *name, int input, int c, int residual, struct error *err)
{
    char text[PLAN_NAME_MAX];
    int row = parity_conv_bn(plan, name, input, c, err);
    if (row >= 0)
        row = plan_pool(plan, parity_join(text, name, "pool"), row, PLAN_MAX_POOL, 2, err);
    if (row < 0 || !residual)
        return row;
    int inner = parity_conv_bn(plan, parity_join(text, name, "residual/res1"), row, c, err);
    if (inner >= 0)
        inner = parity_conv_bn(plan, parity_join(text, name, "residual/res2"), inner, c, err);
    return inner < 0 ? -1 : plan_add(plan, parity_join(text, name, "residual/add"), row, inner, err);
}

/* DavidNet of width c (64 in the original) for images whose sides are multiples of 8. */
static inline int parity_davidnet_plan(struct plan *plan, int c, struct plan_shape image, int classes,
                                       struct error *err)
{
    plan_init(plan);
    int row = plan_input(plan, image, err);
    if (row >= 0)
        row = parity_conv_bn(plan, "prep", row, c, err);
    if (row >= 0)
        row = parity_block(plan, "layer1", row, 2 * c, 1, err);
    if (row >= 0)
        row = parity_block(plan, "layer2", row, 4 * c, 0, err);
    if (row >= 0)
        row = parity_block(plan, "layer3", row, 8 * c, 1, err);
    if (row >= 0)
        row = plan_pool(plan, "pool", row, PLAN_GLOBAL_MAX, 0, err);
    if (row >= 0)
        row = plan_linear(plan, "logits", row, classes, 0.125, false, err);
    return row < 0 ? -1 : plan_loss(plan, "loss", row, 0, err);
}

/* [0, 1) and [-1, 1), the i-th number of a stream of the seed. */
static inline float parity_uniform(uint64_t seed, uint32_t stream, uint64_t i)
{
    return rng_uniform(rng_philox(seed, RNG_TEST, stream, i / 4).word[i % 4]);
}

static inline float parity_signed(uint64_t seed, uint32_t stream, uint64_t i)
{
    return 2 * parity_uniform(seed, stream, i) - 1;
}

struct parity_data {
    struct images images;
    struct batch batch;
    uint8_t *pixels, *labels;
    struct choice *choices;
};

/* n random images with random crops (pad 2, where the image allows it), flips and boxes. */
static inline void parity_data_init(struct parity_data *data, struct plan_shape shape, int classes, int n,
                                    uint64_t seed)
{
    size_t size = (size_t)shape.c * shape.h * shape.w;
    int pad = shape.h > 4 && shape.w > 4 ? 2 : 0;
    memset(data, 0, sizeof *data);
    data->pixels = malloc((size_t)n * size);
    data->labels = malloc((size_t)n);
    data->choices = calloc((size_t)n, sizeof *data->choices);
    assert_non_null(data->pixels);
    assert_non_null(data->labels);
    assert_non_null(data->choices);
    for (size_t i = 0; i < (size_t)n * size; i++)
        data->pixels[i] = (uint8_t)(256 * parity_uniform(seed, 1, i));
    for (int i = 0; i < n; i++) {
        struct rng_block draw = rng_philox(seed, RNG_TEST, 2, (uint64_t)i);
        data->labels[i] = (uint8_t)rng_below(draw.word[0], (uint32_t)classes);
        data->choices[i] = (struct choice){
            .image = (uint32_t)(n - 1 - i),
            .pad = (uint8_t)pad,
            .crop_y = (uint8_t)rng_below(draw.word[1], 2u * (uint32_t)pad + 1),
            .crop_x = (uint8_t)rng_below(draw.word[2], 2u * (uint32_t)pad + 1),
            .flip = (uint8_t)(draw.word[3] & 1),
            .cut_y = 1,
            .cut_x = (uint8_t)(i % 2),
            .cut_h = 2,
            .cut_w = 2,
        };
    }
    data->images = (struct images){
        .pixels = data->pixels,
        .labels = data->labels,
        .count = (uint32_t)n,
        .channels = shape.c,
        .height = shape.h,
        .width = shape.w,
        .classes = classes,
        .mean = {125, 123, 114, 120},
        .std = {63, 62, 67, 60},
    };
    data->batch = (struct batch){.images = &data->images, .choices = data->choices, .n = n};
}

/* Every way to flip, and brightness and contrast for two images of three. */
static inline void parity_color(struct parity_data *data, uint64_t seed)
{
    for (int i = 0; i < data->batch.n; i++) {
        struct choice *choice = &data->choices[i];
        choice->flip = (uint8_t)(i & (CHOICE_FLIP_HORIZONTAL | CHOICE_FLIP_VERTICAL));
        choice->brightness = i % 3 == 0 ? 0 : 0.3f * parity_signed(seed, 3, (uint64_t)i);
        choice->contrast = i % 3 == 0 ? 0 : 0.3f * parity_signed(seed, 4, (uint64_t)i);
    }
}

static inline void parity_data_release(struct parity_data *data)
{
    free(data->pixels);
    free(data->labels);
    free(data->choices);
}

/* Weights as PyTorch draws them (uniform within 1/sqrt(fan in)); norm scales 0.5 .. 1.5, biases within 0.5. */
static inline void parity_weights(struct program *program, uint64_t seed)
{
    const struct plan *plan = program->plan;
    struct error err;
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *t = &plan->tensors[i];
        if (t->role == PLAN_RUNNING_MEAN || t->role == PLAN_RUNNING_VAR)
            continue;
        float *w = malloc(t->count * sizeof *w);
        assert_non_null(w);
        float bound = t->n_dims < 2 ? 0.5f : 1 / sqrtf((float)(t->count / (size_t)t->dims[0]));
        for (size_t k = 0; k < t->count; k++)
            w[k] = (t->role == PLAN_NORM_SCALE ? 1 : 0) + bound * parity_signed(seed, 100 + (uint32_t)i, k);
        if (program->family->write_tensor(program, t->name, PROGRAM_VALUE, w, t->count, &err))
            fail_msg("%s", err.text);
        free(w);
    }
}

static inline struct program *parity_compile(const struct family *family, const struct plan *plan,
                                             const struct program_options *options)
{
    struct error err = {{0}};
    struct program *program = family->compile(plan, options, &err);
    if (!program)
        fail_msg("%s", err.text);
    return program;
}

static inline void parity_set_batch(struct program *program, const struct batch *batch)
{
    struct error err = {{0}};
    if (program_set_batch(program, batch, &err))
        fail_msg("%s", err.text);
}

static inline void parity_train(struct program *program, const struct batch *batch, const struct hyper *hyper)
{
    parity_set_batch(program, batch);
    program->hyper = *hyper;
    for (int i = 0; i < program->n_train; i++)
        program->train[i].run(program, &program->train[i]);
}

static inline void parity_evaluate(struct program *program, const struct batch *batch)
{
    parity_set_batch(program, batch);
    for (int i = 0; i < program->n_eval; i++)
        program->eval[i].run(program, &program->eval[i]);
}

/* How many floats read_tensor gives for a tensor or for a row with the present batch. */
static inline size_t parity_count(const struct program *program, const char *name)
{
    int tensor = plan_find_tensor(program->plan, name), row = plan_find_row(program->plan, name);
    if (tensor >= 0)
        return program->plan->tensors[tensor].count;
    assert_true(row >= 0);
    struct plan_shape out = program->plan->rows[row].out;
    return (size_t)program->batch.n * out.c * out.h * out.w;
}

/* A malloced copy, or NULL when the program says that it has none (err, optional, says why). */
static inline float *parity_try_read(struct program *program, const char *name, enum program_tensor kind,
                                     struct error *err)
{
    size_t count = parity_count(program, name);
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    if (program->family->read_tensor(program, name, kind, out, count, err)) {
        free(out);
        return NULL;
    }
    return out;
}

static inline float *parity_read(struct program *program, const char *name, enum program_tensor kind)
{
    struct error err = {{0}};
    float *out = parity_try_read(program, name, kind, &err);
    if (!out)
        fail_msg("%s: %s", name, err.text);
    return out;
}

/* |a - b| / |b| in the 2-norm; |a| when b is all zeros; infinite when a or b is not finite. */
static inline double parity_error(const float *a, const float *b, size_t count)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += (double)b[i] * b[i];
    }
    double error = norm > 0 ? sqrt(difference / norm) : sqrt(difference);
    return isfinite(error) ? error : INFINITY;
}

#endif
