#include "engine/validate.h"

#include "engine/initialise.h"
#include "kernels/augment.h"
#include "kernels/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 4
#define CANCELLED 0.1 /* share of a typical gradient of norms that is no more than rounding */

/* What a program made of a batch: the logits of its n images, evaluated and trained, and the gradients. */
struct outcome {
    int n;
    float *evaluated, *trained; /* [n][classes] */
    float *gradient;            /* [arena_count] */
};

static int outcome_init(struct outcome *outcome, const struct plan *plan, int n, struct error *err)
{
    size_t logits = (size_t)n * (size_t)plan->classes;
    *outcome = (struct outcome){.n = n};
    outcome->evaluated = calloc(logits, sizeof(float));
    outcome->trained = calloc(logits, sizeof(float));
    outcome->gradient = calloc(plan->arena_count + 1, sizeof(float));
    if (outcome->evaluated && outcome->trained && outcome->gradient)
        return 0;
    return error_set(err, "out of memory for the comparison with the reference");
}

static void outcome_release(struct outcome *outcome)
{
    free(outcome->evaluated);
    free(outcome->trained);
    free(outcome->gradient);
}

static int read_logits(struct program *program, int n, float *out, struct error *err)
{
    const struct plan *plan = program->plan;
    const char *name = plan->rows[plan->rows[plan->n_rows - 1].input[0]].name;
    return program->family->read_tensor(program, name, PROGRAM_VALUE, out, (size_t)n * (size_t)plan->classes, err);
}

/* Evaluates, then takes a training step with a learning rate of 0, from the seed's weights. */
static int run(struct executor *executor, const struct batch *batch, const struct initialise *how,
               struct outcome *outcome, struct error *err)
{
    struct program *program = executor->program;
    const struct plan *plan = program->plan;
    struct step_result result = {.bad_row = -1};
    struct hyper hyper = {.form = NESTEROV_TORCH};
    if (initialise_program(program, how, err) || executor_evaluate(executor, batch, &result, err) ||
        read_logits(program, batch->n, outcome->evaluated, err) ||
        executor_train(executor, batch, &hyper, &result, err) || read_logits(program, batch->n, outcome->trained, err))
        return -1;
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        if (tensor->trained && program->family->read_tensor(program, tensor->name, PROGRAM_GRADIENT,
                                                            outcome->gradient + tensor->offset, tensor->count, err))
            return -1;
    }
    return 0;
}

/* The same network with plain batch norm: of ghost groups that all hold the same images. */
static struct plan *without_groups(const struct plan *plan, struct error *err)
{
    struct plan *plain = malloc(sizeof *plain);
    if (!plain) {
        error_set(err, "out of memory for the comparison with the reference");
        return NULL;
    }
    *plain = *plan;
    for (int i = 0; i < plain->n_rows; i++)
        plain->rows[i].groups = plain->rows[i].groups > 1 ? 1 : plain->rows[i].groups;
    return plain;
}

static int run_reference(struct session *session, const struct batch *batch, struct outcome *outcome, struct error *err)
{
    struct program_options options = session->program->options;
    options.max_batch = batch->n;
    if (options.precision == PRECISION_TF32) /* it has none; nothing that is stored is rounded to it */
        options.precision = PRECISION_F32;
    struct plan *plan = without_groups(&session->plan, err);
    struct program *program = plan ? family_ref.compile(plan, &options, err) : NULL;
    if (!program) {
        free(plan);
        return -1;
    }
    struct executor executor;
    int status = executor_init(&executor, program, err);
    if (!status) {
        struct initialise how;
        session_initial(session, &how);
        status = run(&executor, batch, &how, outcome, err);
        executor_release(&executor);
    }
    family_ref.free(program);
    free(plan);
    return status;
}

static bool has_groups(const struct plan *plan)
{
    for (int i = 0; i < plan->n_rows; i++)
        if (plan->rows[i].groups > 1)
            return true;
    return false;
}

/* Can each ghost group of n images hold `few` images equally often? */
static bool groups_hold(const struct plan *plan, int n, int few)
{
    for (int i = 0; i < plan->n_rows; i++)
        if (plan->rows[i].groups > 1 && plan_group_size(&plan->rows[i], n) % few)
            return false;
    return true;
}

/* How many distinct images a batch of at most `most` is made of. */
static int distinct_images(const struct plan *plan, int most)
{
    int few = most < IMAGES ? most : IMAGES;
    while (few > 1 && !groups_hold(plan, most / few * few, few))
        few--;
    return few;
}

/* Which of the few images stands at each place of the batch: each as often as the others, shuffled in blocks (a whole
 * number of times few). */
static void arrange(struct choice *choices, int n, int few, int block, uint64_t seed)
{
    for (int i = 0; i < n; i++)
        choices[i] = choice_identity((uint32_t)(i % few));
    for (int i = n - 1; i > 0; i--) {
        int first = i / block * block;
        int j = first + (int)rng_below(rng_philox(seed, RNG_ORDER, 0, (uint64_t)i).word[0], (uint32_t)(i - first) + 1);
        struct choice choice = choices[i];
        choices[i] = choices[j];
        choices[j] = choice;
    }
}

static double relative(double difference, double norm)
{
    return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}

static double logits_error(const float *logits, const struct batch *batch, const float *truth, int classes)
{
    double difference = 0, norm = 0;
    for (int i = 0; i < batch->n; i++)
        for (int c = 0; c < classes; c++) {
            double is = (double)logits[i * classes + c];
            double should = (double)truth[(int)batch->choices[i].image * classes + c];
            difference += (is - should) * (is - should);
            norm += should * should;
        }
    return relative(difference, norm);
}

/* floor: an element as small as that is as good as zero. Gradients that cancel are: that of a norm's scale when another
 * norm follows, for one. What is left of them is rounding, which no two programs share. */
static double gradient_error(const float *gradient, const float *truth, size_t count, double copies, double floor)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        double should = copies * (double)truth[i];
        difference += ((double)gradient[i] - should) * ((double)gradient[i] - should);
        norm += should * should;
    }
    return relative(difference, fmax(norm, floor * floor * (double)count));
}

/* Root mean square of the reference's gradients of norms' scales and biases, as so many copies of the images have. */
static double typical_gradient(const struct plan *plan, const float *truth, double copies)
{
    double square = 0, count = 0;
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        if (!tensor->trained || (tensor->role != PLAN_NORM_SCALE && tensor->role != PLAN_NORM_BIAS))
            continue;
        for (size_t k = 0; k < tensor->count; k++)
            square += pow(copies * (double)truth[tensor->offset + k], 2);
        count += (double)tensor->count;
    }
    return count > 0 ? sqrt(square / count) : 0;
}

static int compare(const struct session *session, const struct batch *batch, const struct outcome *is,
                   const struct outcome *should, struct validation *validation, struct error *err)
{
    const struct plan *plan = &session->plan;
    double evaluated = logits_error(is->evaluated, batch, should->evaluated, plan->classes);
    double trained = logits_error(is->trained, batch, should->trained, plan->classes);
    validation->logits = trained <= evaluated || isnan(evaluated) ? evaluated : trained;
    double copies = (double)is->n / should->n, typical = typical_gradient(plan, should->gradient, copies);
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        if (!tensor->trained)
            continue;
        int of_norm = tensor->role == PLAN_NORM_SCALE || tensor->role == PLAN_NORM_BIAS;
        double error = gradient_error(is->gradient + tensor->offset, should->gradient + tensor->offset, tensor->count,
                                      copies, of_norm ? CANCELLED * typical : 0);
        if (!(error <= validation->gradient)) {
            validation->gradient = error;
            snprintf(validation->worst, sizeof validation->worst, "%s", tensor->name);
        }
        if (isnan(error))
            break;
    }
    if (validation->logits <= validation->logits_tolerance && validation->gradient <= validation->gradient_tolerance)
        return 0;
    return error_set(
        err,
        "the %s engine and the reference disagree: logits by %.2g (%.2g is allowed), the gradient of %s by "
        "%.2g (%.2g is allowed). Nothing was timed; please report this",
        session->family->name, validation->logits, validation->logits_tolerance, validation->worst,
        validation->gradient, validation->gradient_tolerance);
}

int session_validate(struct session *session, struct validation *validation, struct error *err)
{
    int most = session->program->options.max_batch, few = distinct_images(&session->plan, most);
    bool exact = session->precision == PRECISION_F32,
         coarse = session->precision == PRECISION_BF16; /* 8 bits, not 11 */
    uint64_t seed = recipe_init_seed(&session->recipe);
    struct choice chosen[IMAGES], *choices = calloc((size_t)most, sizeof *choices);
    struct batch batch = {.images = &session->dataset.train, .choices = choices, .n = most / few * few};
    struct batch distinct = {.images = batch.images, .choices = chosen, .n = few};
    struct outcome is = {0}, should = {0};
    *validation = (struct validation){.images = few,
                                      .batch = batch.n,
                                      .logits_tolerance = exact    ? 1e-3
                                                          : coarse ? 0.15
                                                                   : 0.02,
                                      .gradient_tolerance = exact ? 0.05 : 0.3};
    struct initialise how;
    session_initial(session, &how);
    int status = choices ? 0 : error_set(err, "out of memory for the comparison with the reference");
    if (!status)
        status = outcome_init(&is, &session->plan, batch.n, err) || outcome_init(&should, &session->plan, few, err);
    if (!status) {
        choices_identity(0, few, chosen);
        arrange(choices, batch.n, few, has_groups(&session->plan) ? few : batch.n, seed);
        status = run(&session->executor, &batch, &how, &is, err) || run_reference(session, &distinct, &should, err) ||
                 compare(session, &batch, &is, &should, validation, err) ||
                 initialise_program(session->program, &how, err);
        executor_reset_times(&session->executor);
    }
    outcome_release(&is);
    outcome_release(&should);
    free(choices);
    return status ? -1 : 0;
}
