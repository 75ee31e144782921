#include "engine/session.h"

#include "engine/groups.h"
#include "engine/stopwatch.h"
#include "kernels/cuda_plugin.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int session_plan(const struct session *session, int height, int width, struct network *network, struct plan *plan,
                 struct error *err)
{
    const struct images *train = &session->dataset.train;
    struct plan_shape image = {train->channels, height, width};
    if (network_build(&session->recipe, image, train->classes, network, err) || network_lower(network, plan, err))
        return -1;
    groups_apply(&session->recipe, plan);
    return plan_check(plan, err);
}

/* The data set, opened or only probed, and the network and plan for images of its shape. */
static int plan_data(struct session *session, int (*open)(struct dataset *, const char *, struct error *),
                     struct error *err)
{
    struct recipe *recipe = &session->recipe;
    const struct images *train = &session->dataset.train;
    char source[sizeof recipe->data];
    if (recipe_check(recipe, err))
        return -1;
    snprintf(source, sizeof source, "%s", recipe->data);
    if (!source[0])
        dataset_default_source(source, sizeof source);
    if (open(&session->dataset, source, err))
        return -1;
    snprintf(recipe->data, sizeof recipe->data, "%s", session->dataset.source);
    if (recipe->eval == RECIPE_EVAL_HOLDOUT && dataset_hold_out(&session->dataset, err))
        return -1;
    if (batches_measure(&session->batches, recipe, train, err))
        return -1;
    return session_plan(session, train->height, train->width, &session->network, &session->plan, err) ||
                   session_size_check(session, err)
               ? -1
               : 0;
}

int session_open_data(struct session *session, const struct recipe *recipe, struct error *err)
{
    memset(session, 0, sizeof *session);
    session->recipe = *recipe;
    if (plan_data(session, dataset_open, err) ||
        batches_init(&session->batches, &session->recipe, &session->dataset.train, err)) {
        session_release(session);
        return -1;
    }
    session->steps_per_epoch = session->batches.steps_per_epoch;
    session->steps = session->batches.steps;
    return 0;
}

static enum precision resolve_precision(enum recipe_precision precision, const struct family *family, enum isa isa)
{
    switch (precision) {
    case RECIPE_PRECISION_BF16:
        return PRECISION_BF16;
    case RECIPE_PRECISION_F16:
        return PRECISION_F16;
    case RECIPE_PRECISION_TF32:
        return PRECISION_TF32;
    case RECIPE_PRECISION_AUTO:
        if (family->submit) /* a GPU */
            return PRECISION_F16;
        if (family == &family_cpu && isa >= ISA_AVX512_BF16)
            return PRECISION_BF16;
        return PRECISION_F32;
    default:
        return PRECISION_F32;
    }
}

/* Can this GPU do this recipe? Else what it cannot, and what can. */
static int check_cuda(const struct session *session, const struct family *cuda, struct error *err)
{
    const struct recipe *recipe = &session->recipe;
    struct program_options options = {.max_batch = recipe_batch(recipe),
                                      .precision = resolve_precision(recipe->precision, cuda, ISA_PLAIN),
                                      .device_index = recipe->device_index};
    return cuda->probe(&options, err);
}

/* auto: a GPU, where there is one that can do the recipe. Needs the plan. */
static int choose_family(struct session *session, struct error *err)
{
    const struct family *cuda;
    session->family = &family_cpu;
    switch (session->recipe.device) {
    case RECIPE_DEVICE_REF:
        session->family = &family_ref;
        return 0;
    case RECIPE_DEVICE_CUDA:
        cuda = cuda_family(err);
        if (!cuda || check_cuda(session, cuda, err))
            return error_prefix(err, "device cuda");
        session->family = cuda;
        return 0;
    case RECIPE_DEVICE_AUTO:
        cuda = cuda_gpu_seen() ? cuda_family(NULL) : NULL;
        if (cuda && check_cuda(session, cuda, NULL) == 0)
            session->family = cuda;
        return 0;
    default:
        return 0;
    }
}

static int no_isa(const struct recipe *recipe, struct error *err)
{
    return error_set(err, "isa %s: this CPU offers up to %s; choose that, a lesser one, or auto", recipe->isa,
                     isa_name(isa_best()));
}

int session_check(struct recipe *recipe, struct plan *plan, struct error *err)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return error_set(err, "out of memory for the network");
    session->recipe = *recipe;
    int named = strcmp(recipe->isa, "auto") != 0;
    int status = plan_data(session, dataset_probe, err) || choose_family(session, err);
    if (!status && named && isa_find(recipe->isa) < 0)
        status = no_isa(recipe, err);
    if (!status) {
        struct program_options options = {.max_batch = recipe_batch(recipe),
                                          .isa = named ? recipe->isa : isa_name(isa_best()),
                                          .device_index = recipe->device_index};
        options.precision = resolve_precision(recipe->precision, session->family, (enum isa)isa_find(options.isa));
        status = session->family->probe(&options, err);
    }
    if (!status) {
        *recipe = session->recipe;
        *plan = session->plan;
    }
    free(session); /* a data set that was only probed holds nothing */
    return status ? -1 : 0;
}

void session_initial(const struct session *session, struct initialise *how)
{
    const struct recipe *recipe = &session->recipe;
    *how = (struct initialise){.seed = recipe_init_seed(recipe),
                               .conv = recipe->conv_init,
                               .norm = recipe->norm_init,
                               .head = recipe->head_init,
                               .filters = session->filters};
}

static int whiten(struct session *session, struct error *err)
{
    int node = network_find_whiten(&session->network);
    struct stopwatch watch;
    stopwatch_start(&watch);
    if (node < 0)
        return 0;
    int weight = plan_row_tensor(&session->plan, node, PLAN_CONV_WEIGHT);
    free(session->filters);
    session->filters = malloc(session->plan.tensors[weight].count * sizeof *session->filters);
    if (!session->filters)
        return error_set(err, "out of memory for the whitening filters");
    int status =
        whiten_compute(&session->network.node[node].whiten, &session->dataset.train, session->filters, NULL, err);
    session->whiten_seconds = stopwatch_seconds(&watch, parallel_threads());
    return status;
}

/* A device keeps the images of each data set from the first list on that wants some of them. This is that list, of one
 * image that nobody asks about, so that no step which is timed waits for the rest. */
static int place_images(struct program *program, const struct images *images, struct error *err)
{
    struct plan_shape image = program->plan->rows[0].out;
    struct choice choice;
    struct step_result result;
    struct batch batch = {.images = images, .choices = &choice, .n = 1};
    if (image.h != images->height || image.w != images->width) {
        batch.height = image.h;
        batch.width = image.w;
    }
    choices_identity(0, 1, &choice);
    int status = program_set_batch(program, &batch, err) || program->family->submit(program, false, false, err) ||
                 program->family->collect(program, &result, NULL, err);
    program->batch = (struct batch){0};
    return status ? -1 : 0;
}

/* Only the program of whole images evaluates. */
static int place_all_images(const struct session *session, struct program *program, struct error *err)
{
    const struct dataset *dataset = &session->dataset;
    if (!program->family->submit)
        return 0;
    if (dataset->train.count && place_images(program, &dataset->train, err))
        return -1;
    return dataset->test.count && program->plan == &session->plan ? place_images(program, &dataset->test, err) : 0;
}

struct program *session_program(struct session *session, const struct plan *plan, int exact, struct error *err)
{
    const struct recipe *recipe = &session->recipe;
    struct program_options options = {
        .max_batch = recipe_batch(recipe),
        .precision = session->precision,
        .threads = parallel_threads(),
        .isa = strcmp(recipe->isa, "auto") == 0 ? NULL : session->recipe.isa,
        .exact_convolutions = exact,
        .device_index = recipe->device_index,
    };
    const struct family *family = session->family;
    struct stopwatch watch;
    stopwatch_start(&watch);
    struct program *program = family->probe(&options, err) ? NULL : family->compile(plan, &options, err);
    if (program && place_all_images(session, program, err)) {
        family->free(program);
        return NULL;
    }
    session->compile_seconds += stopwatch_seconds(&watch, options.threads);
    if (program)
        session->search_seconds += cuda_program_search_seconds(program);
    return program;
}

int session_compile(struct session *session, int exact, struct error *err)
{
    const struct recipe *recipe = &session->recipe;
    if (choose_family(session, err))
        return -1;
    if (isa_force(recipe->isa))
        return no_isa(recipe, err);
    parallel_set_threads(recipe->threads);
    session->precision = resolve_precision(recipe->precision, session->family, isa_current());
    session->program = session_program(session, &session->plan, exact, err);
    if (!session->program)
        return -1;
    if (executor_init(&session->executor, session->program, err) || whiten(session, err) ||
        loader_init(&session->loader, recipe, &session->batches, err))
        return -1;
    struct initialise how;
    session_initial(session, &how);
    return initialise_program(session->program, &how, err);
}

void session_release_program(struct session *session)
{
    loader_release(&session->loader);
    session_size_release(session);
    if (!session->program)
        return;
    executor_release(&session->executor);
    session->family->free(session->program);
    session->program = NULL;
}

void session_release(struct session *session)
{
    session_release_program(session);
    free(session->filters);
    dataset_release(&session->dataset);
    batches_release(&session->batches);
    memset(session, 0, sizeof *session);
}

int session_batch(struct session *session, uint32_t step, struct batch *batch, struct error *err)
{
    return loader_batch(&session->loader, step, batch, err) ||
                   session_size_use(session, batch->height, batch->width, err)
               ? -1
               : 0;
}

double session_lr(const struct session *session, uint32_t step)
{
    return recipe_lr(&session->recipe, ((double)step + session->recipe.lr_first_step) / session->steps_per_epoch);
}

void session_hyper(const struct session *session, uint32_t step, struct hyper *hyper)
{
    groups_hyper(&session->recipe, step, session->steps_per_epoch, session_lr(session, step), hyper);
}

double step_result_accuracy(const struct step_result *result)
{
    return result->n > 0 ? 100.0 * result->correct / result->n : NAN;
}

void session_describe(const struct session *session, char *out, size_t size)
{
    if (session->family->submit) {
        snprintf(out, size, "%s, %s, %s", session->family->name, precision_name(session->precision),
                 session->family->library());
        return;
    }
    snprintf(out, size, "%s, %s, %d thread%s, %s", session->family->name, precision_name(session->precision),
             parallel_threads(), parallel_threads() == 1 ? "" : "s", isa_name(isa_current()));
}
