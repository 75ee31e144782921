/* The part of engine/session.h that is about progressive sizes. */
#include "engine/checkpoint.h"
#include "engine/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A program and its executor. */
struct fitted {
    struct program *program;
    struct executor executor;
};

struct sized {
    int height, width;     /* of the small program; its plan's input */
    int small;             /* 1: session->program is the small one, and the other is parked */
    struct plan plan;      /* the small program's */
    struct fitted parked;  /* no program: there is no other */
    struct checkpoint all; /* what is handed over */
};

static void fitted_release(const struct session *session, struct fitted *fitted)
{
    if (fitted->program) {
        executor_release(&fitted->executor);
        session->family->free(fitted->program);
    }
    memset(fitted, 0, sizeof *fitted);
}

/* The tensors of both must be the same ones. */
static int compare_plans(const struct plan *whole, const struct plan *plan, int size, struct error *err)
{
    for (int i = 0; i < whole->n_tensors && i < plan->n_tensors; i++) {
        const struct plan_tensor *a = &whole->tensors[i], *b = &plan->tensors[i];
        if (strcmp(a->name, b->name) != 0 || a->count != b->count)
            return error_set(err,
                             "progressive_size: %s has %zu values for whole images and %zu at %d pixels; let the "
                             "network end in a global pool (pool = global_max), so that its size does not matter, or "
                             "switch progressive_size off",
                             a->name, a->count, b->count, size);
    }
    return whole->n_tensors == plan->n_tensors
               ? 0
               : error_set(err, "progressive_size: the network is another one at %d pixels; switch it off", size);
}

int session_size_check(const struct session *session, struct error *err)
{
    const struct images *train = &session->dataset.train;
    const struct stages *stages = &session->batches.stages;
    struct network *network = stages->count ? malloc(sizeof *network) : NULL;
    struct plan *plan = stages->count ? malloc(sizeof *plan) : NULL;
    int status = 0;
    if (stages->count && (!network || !plan))
        status = error_set(err, "out of memory for the network");
    for (int i = 0; i < stages->count && !status; i++) {
        int height, width;
        stages_shape(train, stages->size[i], &height, &width);
        if (height == 0)
            continue;
        status = session_plan(session, height, width, network, plan, err);
        if (status)
            error_prefix(err, "progressive_size, at %d pixels", stages->size[i]);
        else
            status = compare_plans(&session->plan, plan, stages->size[i], err);
    }
    free(network);
    free(plan);
    return status;
}

static int compile_size(struct session *session, int height, int width, struct error *err)
{
    struct sized *sized = session->sized;
    struct network *network = malloc(sizeof *network);
    if (!network)
        return error_set(err, "out of memory for the network");
    int status = session_plan(session, height, width, network, &sized->plan, err);
    free(network);
    if (status)
        return -1;
    sized->height = height;
    sized->width = width;
    sized->parked.program = session_program(session, &sized->plan, session->program->options.exact_convolutions, err);
    if (!sized->parked.program)
        return -1;
    return executor_init(&sized->parked.executor, sized->parked.program, err);
}

/* Makes the program of that size be there, in use or parked. */
static int prepare_size(struct session *session, int height, int width, struct error *err)
{
    if (!session->sized) {
        if (height == 0)
            return 0;
        session->sized = calloc(1, sizeof *session->sized);
        if (!session->sized)
            return error_set(err, "out of memory for a program of another size");
        if (checkpoint_init(&session->sized->all, &session->plan, err) ||
            checkpoint_add_averages(&session->sized->all, session->family->mix && session->recipe.ema,
                                    session->family->mix && session->recipe.lookahead, err))
            return -1;
    }
    struct sized *sized = session->sized;
    if (height == 0 || (sized->height == height && sized->width == width))
        return 0;
    if (sized->small && session_size_use(session, 0, 0, err))
        return -1;
    fitted_release(session, &sized->parked);
    return compile_size(session, height, width, err);
}

int session_size_compile(struct session *session, uint32_t step, struct error *err)
{
    int height, width;
    stages_at(&session->batches.stages, &session->dataset.train, step, session->steps, &height, &width);
    return prepare_size(session, height, width, err);
}

int session_size_use(struct session *session, int height, int width, struct error *err)
{
    if (prepare_size(session, height, width, err))
        return -1;
    struct sized *sized = session->sized;
    if (!sized || sized->small == (height != 0))
        return 0;
    assert(session->executor.pending == 0); /* what is under way belongs to the program that goes */
    struct fitted now = {session->program, session->executor};
    if (checkpoint_take(&sized->all, now.program, err) || checkpoint_give(&sized->all, sized->parked.program, err))
        return -1;
    session->program = sized->parked.program;
    session->executor = sized->parked.executor;
    sized->parked = now;
    sized->small = height != 0;
    return 0;
}

void session_size(const struct session *session, int *height, int *width)
{
    int small = session->sized && session->sized->small;
    *height = small ? session->sized->height : 0;
    *width = small ? session->sized->width : 0;
}

size_t session_memory(const struct session *session)
{
    const struct program *parked = session->sized ? session->sized->parked.program : NULL;
    return session->family->memory(session->program) + (parked ? session->family->memory(parked) : 0);
}

void session_size_release(struct session *session)
{
    if (!session->sized)
        return;
    fitted_release(session, &session->sized->parked);
    checkpoint_release(&session->sized->all);
    if (session->sized->small && session->program) { /* its plan goes with it */
        executor_release(&session->executor);
        session->family->free(session->program);
        session->program = NULL;
    }
    free(session->sized);
    session->sized = NULL;
}
