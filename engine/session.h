/*
 * Everything that a recipe stands for, made real: the data set in memory, the network, its plan, the program
 * compiled for this machine and its executor. What train, resume, eval, bench and samples have in common.
 * Not thread-safe; one thread uses it at a time. Must not be moved once open (program points at plan).
 */
#ifndef DAVIDNET_ENGINE_SESSION_H
#define DAVIDNET_ENGINE_SESSION_H

#include "engine/batches.h"
#include "engine/dataset.h"
#include "engine/executor.h"
#include "engine/loader.h"
#include "engine/network.h"
#include "engine/recipe.h"

struct session {
    struct recipe recipe;
    struct dataset dataset;
    struct network network;
    struct plan plan;
    const struct family *family;
    enum precision precision; /* resolved: never "auto" */
    struct program *program;
    struct executor executor;
    struct batches batches; /* of the training images; evaluation borrows the room of its choices */
    struct loader loader;   /* between session_compile and session_release_program */
    uint32_t steps_per_epoch, steps;
    struct sized *sized;   /* progressive_size: see engine/session_size.c; NULL: nothing was shrunk yet */
    float *filters;        /* of the convolution that whitens the images; NULL: there is none */
    double whiten_seconds; /* what they took; part of the speedrun clock */
    /* Of the programs so far: until they were ready, a device's images included; and the part of it in which the
     * fastest convolutions were found (cuda_plugin.h). In no clock of training. */
    double compile_seconds, search_seconds;
};

/*
 * All that can be known to be wrong with a recipe without reading the data or allocating the program: values, where the
 * data is and its files' sizes, batch, crop and cutout, the network's shapes, device, instruction set and precision.
 * 0: recipe->data is then the source that was found (a folder by its absolute path, so that a resume from elsewhere, or
 * years later, has the same), and plan is the network's for it. -1: both are as they were.
 */
int session_check(struct recipe *recipe, struct plan *plan, struct error *err);

/* Data set, network and plan only: enough for samples, network and checks. */
int session_open_data(struct session *session, const struct recipe *recipe, struct error *err);

/* Then the program, with initial weights from the recipe's seed. exact: no Winograd (comparisons). */
int session_compile(struct session *session, int exact, struct error *err);

/* How the program's weights begin; how->filters points into the session. */
void session_initial(const struct session *session, struct initialise *how);

/* Frees what session_compile made; what session_open_data made stays, so that it can still be looked at. */
void session_release_program(struct session *session);
void session_release(struct session *session);

/* The batch of step `step` (from 0), from the recipe's loader, valid until the next call, and program and executor for
 * its size. -1: a thread cannot be started, or there is no memory.
 */
int session_batch(struct session *session, uint32_t step, struct batch *batch, struct error *err);

/*
 * Progressive sizes. There is one program for whole images, and at most one for another size; program, executor and
 * executor's plan are of the one in use, `plan` is always of whole images. Their tensors are the same, so a switch
 * hands weights, momentum and running statistics over, bit for bit.
 *
 * session_size_check (a part of session_check): -1 when the network is not the same one at every size, with the row
 * that is at fault.
 * session_size_compile: the program that step will need, if there is none yet, so that later nothing waits for it.
 * session_size_use: switches, when no step is pending; evaluation needs whole images.
 */
int session_size_check(const struct session *session, struct error *err);
int session_size_compile(struct session *session, uint32_t step, struct error *err);
int session_size_use(struct session *session, int height, int width, struct error *err); /* 0, 0: whole images */
void session_size(const struct session *session, int *height, int *width);               /* in use; 0, 0: whole */
void session_size_release(struct session *session);
/* Bytes of the programs there are: of the one for whole images, and of another size's. */
size_t session_memory(const struct session *session);

/* A network and its plan for images of that size. For session_size.c. */
int session_plan(const struct session *session, int height, int width, struct network *network, struct plan *plan,
                 struct error *err);
/* A program of that plan, as session_compile would make it. For session_size.c. */
struct program *session_program(struct session *session, const struct plan *plan, int exact, struct error *err);

/* Learning rate per mean loss at that step (from 0), and the hyper-parameters as kernels want them. */
double session_lr(const struct session *session, uint32_t step);
void session_hyper(const struct session *session, uint32_t step, struct hyper *hyper);

/* Percent of n, NaN for none. */
double step_result_accuracy(const struct step_result *result);

/* What runs where, for people: "cpu, bf16, 2 threads, amx". */
void session_describe(const struct session *session, char *out, size_t size);

#endif
