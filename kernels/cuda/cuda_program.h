/*
 * A CUDA program: units (units.h) with their memory on the device, as a list of operations for training and one for
 * evaluation. Each operation is a program_step, which puts its launches on the stream; a whole list is also recorded
 * once and replayed, which is how the executor runs it (submit, collect).
 *
 * Everything is allocated by compile; a step allocates nothing. No buffer is used for two things, so every value and
 * gradient can be read after a step. A step is told what to do by a cuda_step, copied to the device in front of it from
 * one of a ring of slots in pinned memory; its result comes back to the same slot.
 *
 * Weights lie on the device as convolutions want them ([k][size][size][c], padded); read_tensor and write_tensor turn
 * them into the plan's shapes.
 */
#ifndef DAVIDNET_KERNELS_CUDA_CUDA_PROGRAM_H
#define DAVIDNET_KERNELS_CUDA_CUDA_PROGRAM_H

#include "kernels/augment.h"
#include "kernels/cuda/conv.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/units.h"
#include "kernels/program.h"

#define CUDA_AHEAD 4    /* steps under way at most */
#define CUDA_DATASETS 4 /* data sets that lie on the device at once */
#define CUDA_PARTS_MAX 2

/* The variants of a step, each recorded: a list, or a list with an event between its operations. */
enum cuda_recording { CUDA_TRAIN, CUDA_EVALUATE, CUDA_TRAIN_TIMED, CUDA_EVALUATE_TIMED, CUDA_RECORDINGS };

struct cuda_program;

struct cuda_op {
    void (*run)(struct cuda_program *own, const struct cuda_op *op);
    bool training;
    int unit; /* -1: none */
    struct cuda_chain chain;
    struct cuda_pool pool;
    struct cuda_linear linear;
    struct cuda_concat concat;
    struct cuda_loss loss;
    struct cuda_conv *conv[2]; /* [0] forward or data gradient, [1] weights' gradient; (optional) */
    const void *x, *w, *dy;
    void *out, *gradient; /* of conv[0] and conv[1] */
    const void *sum[2];   /* (optional) the parts of dy, added up into sum_out first */
    void *sum_out;
    size_t sum_count;
    enum cuda_type sum_type;
};

/* A data set on the device. */
struct cuda_dataset {
    const uint8_t *pixels; /* the host's: which one it is; NULL: none */
    uint32_t count;
    uint8_t *device_pixels, *device_labels;
    float *table;
    unsigned long used; /* when last */
};

struct cuda_slot {
    struct cuda_step *step;     /* pinned */
    struct cuda_result *result; /* pinned */
    float *ready;               /* pinned; NULL until a batch has been shrunk */
    void *done;                 /* event */
    int n;
    int n_events; /* > 0: a timed step, with events in own->timer */
};

struct cuda_program {
    struct program *program;
    struct cuda_device device;
    struct cuda_conv_library *library;
    struct cuda_units units;
    enum cuda_type type;
    size_t bytes;
    double search_seconds; /* of compile, for convolutions */

    void **memory; /* all that compile allocated */
    int n_memory, memory_room;

    void *value[CUDA_VALUES_MAX];
    const void *part[CUDA_VALUES_MAX][CUDA_PARTS_MAX]; /* the value's gradient is their sum */
    int n_parts[CUDA_VALUES_MAX];

    struct cuda_weights weights[PLAN_TENSORS_MAX];
    size_t weights_count[PLAN_TENSORS_MAX]; /* padded */
    size_t values_count;                    /* of all of them, which lie one behind the other */
    float *average[PROGRAM_AVERAGES];       /* [values_count], as the weights lie; NULL until one is asked for */
    struct cuda_weights *device_weights;
    struct cuda_chunk *chunks, *filters; /* those of SGD first; LARS's filters */
    int n_chunks, n_sgd, n_filters;
    struct cuda_muon muon;
    bool stale; /* weights were written since `used` was made */

    struct cuda_op *train_ops, *eval_ops;
    void *workspace;
    size_t workspace_bytes;
    void *recording[CUDA_RECORDINGS];

    struct cuda_step *step;
    struct cuda_result *result;
    struct cuda_result *found; /* pinned; what find_bad_row asks for: slots belong to steps that may be under way */
    float *ready;              /* [max_batch] images made on the host; NULL until then */
    size_t step_bytes;
    struct cuda_slot slot[CUDA_AHEAD];
    int first, pending; /* slots under way: pending of them from first on */
    void **timer;       /* n_train + 1 events */
    struct cuda_dataset dataset[CUDA_DATASETS];
    unsigned long clock;
    struct error trouble; /* what went wrong in a step that run() did */
    bool ran, ran_back;
};

static inline struct cuda_program *cuda_own(struct program *program)
{
    return program->own;
}

static inline size_t cuda_type_bytes(enum cuda_type type)
{
    return type == CUDA_TYPE_F32 ? 4 : 2;
}

/* Memory that is freed with the program; NULL with err. */
void *cuda_take(struct cuda_program *own, size_t bytes, struct error *err);

/* The values' type and how many there are of them for max_batch images. */
enum cuda_type cuda_value_type(const struct cuda_program *own, int value);
size_t cuda_value_count(const struct cuda_program *own, int value);

/* cuda_build.c: operations and their memory. */
int cuda_build(struct cuda_program *own, struct error *err);
void cuda_build_release(struct cuda_program *own);

/* cuda_tensors.c: the weights' memory, reading and writing. */
int cuda_weights_init(struct cuda_program *own, struct error *err);
int cuda_weights_reset(struct cuda_program *own, struct error *err); /* zeros, and running variances of 1 */
int cuda_read_tensor(struct program *program, const char *name, enum program_tensor which, float *out, size_t count,
                     struct error *err);
int cuda_write_tensor(struct program *program, const char *name, enum program_tensor which, const float *in,
                      size_t count, struct error *err);

/* cuda_update.c: who updates which weights, once they have their places. */
int cuda_update_init(struct cuda_program *own, struct error *err);
void cuda_update_run(struct cuda_program *own);
int cuda_mix(struct program *program, enum program_tensor average, enum program_mix how, double keep,
             struct error *err);
float *cuda_average_of(struct cuda_program *own, enum program_tensor average, struct error *err);

/* cuda_run.c: steps. */
int cuda_run_init(struct cuda_program *own, struct error *err);
void cuda_run_release(struct cuda_program *own);
void cuda_run_step(struct program *program, const struct program_step *step);
int cuda_submit(struct program *program, bool training, bool timed, struct error *err);
int cuda_collect(struct program *program, struct step_result *result, uint64_t *ns, struct error *err);

#endif
