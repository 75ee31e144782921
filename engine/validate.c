#include "engine/validate.h"

#include "engine/initialise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 2

static double relative_error(const float *value, const float *truth, size_t count)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)value[i] - truth[i]) * ((double)value[i] - truth[i]);
        norm += (double)truth[i] * truth[i];
    }
    return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}

/* One training step with a learning rate of 0 on the first images, from the same weights. */
static struct program *run(struct session *session, const struct family *family, const struct batch *batch,
                           struct error *err)
{
    struct program_options options = session->program->options;
    options.max_batch = IMAGES;
    struct program *program = family->compile(&session->plan, &options, err);
    if (!program)
        return NULL;
    struct executor executor;
    struct step_result result;
    struct hyper hyper = {.form = NESTEROV_TORCH};
    if (executor_init(&executor, program, err) == 0) {
        int status = initialise_program(program, recipe_init_seed(&session->recipe), err) ||
                     executor_train(&executor, batch, &hyper, &result, err);
        executor_release(&executor);
        if (!status)
            return program;
    }
    family->free(program);
    return NULL;
}

static int compare(struct program *program, struct program *truth, const char *name, enum program_tensor what,
                   size_t count, double *error, struct error *err)
{
    float *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
    int status = a && b ? 0 : error_set(err, "out of memory for the comparison");
    if (!status)
        status = program->family->read_tensor(program, name, what, a, count, err);
    if (!status)
        status = truth->family->read_tensor(truth, name, what, b, count, err);
    if (!status)
        *error = relative_error(a, b, count);
    free(a);
    free(b);
    return status;
}

static int compare_all(const struct plan *plan, struct program *program, struct program *truth,
                       struct validation *validation, struct error *err)
{
    int logits = plan->rows[plan->n_rows - 1].input[0];
    if (compare(program, truth, plan->rows[logits].name, PROGRAM_VALUE, (size_t)IMAGES * (size_t)plan->classes,
                &validation->logits, err))
        return -1;
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        double error;
        if (!tensor->trained)
            continue;
        if (compare(program, truth, tensor->name, PROGRAM_GRADIENT, tensor->count, &error, err))
            return -1;
        if (!(error <= validation->gradient)) {
            validation->gradient = error;
            snprintf(validation->worst, sizeof validation->worst, "%s", tensor->name);
        }
    }
    if (validation->logits <= validation->logits_tolerance && validation->gradient <= validation->gradient_tolerance)
        return 0;
    return error_set(
        err,
        "the %s engine and the reference disagree: logits by %.2g (%.2g is allowed), the gradient of %s by "
        "%.2g (%.2g is allowed). Nothing was timed; please report this",
        program->family->name, validation->logits, validation->logits_tolerance, validation->worst,
        validation->gradient, validation->gradient_tolerance);
}

int session_validate(struct session *session, struct validation *validation, struct error *err)
{
    struct choice choices[IMAGES];
    choices_identity(0, IMAGES, choices);
    struct batch batch = {.images = &session->dataset.train, .choices = choices, .n = IMAGES};
    int exact = session->precision == PRECISION_F32; /* else every activation is rounded to 8 bits on its way */
    *validation = (struct validation){
        .images = IMAGES, .logits_tolerance = exact ? 1e-3 : 0.15, .gradient_tolerance = exact ? 0.05 : 0.3};
    struct program *program = run(session, session->family, &batch, err);
    if (!program)
        return -1;
    struct program *truth = run(session, &family_ref, &batch, err);
    int status = -1;
    if (truth) {
        status = compare_all(&session->plan, program, truth, validation, err);
        family_ref.free(truth);
    }
    session->family->free(program);
    return status;
}
