/*
 * A program is a plan compiled by one family for one machine: an array of steps that the executor runs in
 * order and times. Each step says which rows it covers and in which phase. A row that was fused into
 * another's step is listed there too (after the first, the leader), so the breakdown can say "fused into".
 *
 * Weights live in a float32 arena laid out as plan.tensors say (PyTorch's shapes), gradients and momentum
 * likewise; whatever other layouts a family keeps are its own business.
 *
 * Training step:  program_set_batch, then every step of train[] in order, then read `result`.
 * Evaluation:     program_set_batch, then every step of eval[], which uses running statistics.
 * A step's run() never allocates, never fails by return: it records the first non-finite value or other
 * trouble in program.result. One thread (the engine's) calls these; run() opens parallel regions itself.
 */
#ifndef DAVIDNET_KERNELS_PROGRAM_H
#define DAVIDNET_KERNELS_PROGRAM_H

#include "kernels/batch.h"
#include "kernels/error.h"
#include "kernels/plan.h"

#include <stddef.h>
#include <stdint.h>

enum phase { PHASE_AUGMENT, PHASE_FORWARD, PHASE_LOSS, PHASE_BACKWARD, PHASE_UPDATE, PHASE_COUNT };

enum precision { PRECISION_F32, PRECISION_BF16, PRECISION_F16, PRECISION_TF32, PRECISION_COUNT };

/* The three forms of Nesterov momentum, which differ whenever the learning rate moves:
 *   page:  g = -lr*(dw + wd*w);  v = mom*v + g;   w += g + mom*v       (D. Page's bag of tricks)
 *   torch: g = dw + wd*w;        v = mom*v + g;   w -= lr*(g + mom*v)  (torch.optim.SGD)
 *   tf:    as torch, learning rate outside the buffer (fenwicks)
 * and none: torch's form with w -= lr*v. dw is of the loss SUMMED over the batch, so lr arrives divided by
 * the batch size and wd multiplied by it. */
enum nesterov { NESTEROV_PAGE, NESTEROV_TORCH, NESTEROV_TF, NESTEROV_NONE, NESTEROV_COUNT };

struct hyper {
    double lr; /* per summed loss */
    double momentum;
    double weight_decay; /* per summed loss */
    enum nesterov form;
    double epoch; /* how many have passed before this step */
    /* of tensors that go their own way (hyper_of_tensor) */
    double conv_bias_cut;          /* convolutions' biases: their rate is lr * (1 - this) */
    double muon_lr, muon_momentum; /* PLAN_RULE_MUON: the length of a step does not depend on the loss */
    double lars_lr;                /* PLAN_RULE_LARS: likewise */
};

/* The rate, momentum and weight decay that a tensor is updated with: its rule's and role's, times its own scales. */
struct hyper hyper_of_tensor(const struct hyper *hyper, const struct plan_tensor *tensor);

struct step_result {
    int n;           /* images counted */
    int correct;     /* arg max of the logits equals the label */
    double loss_sum; /* plain cross-entropy summed over the n images */
    int bad_row;     /* the plan row whose value was not finite, or -1 */
};

struct program;

struct program_step {
    enum phase phase;
    int n_rows;
    int rows[PLAN_ROWS_MAX]; /* the leader first */
    const char *impl;        /* "ref", "dnnl:jit_wino_4x3:avx512_core", "fused:avx512" ...; owned by the program */
    void (*run)(struct program *program, const struct program_step *step);
    void *context; /* (optional) for run; owned by the program */
};

struct program_options {
    int max_batch; /* images the program can take at once */
    enum precision precision;
    int threads;            /* 0: parallel_threads() */
    const char *isa;        /* (optional) force "plain", "avx2", "avx512", "amx"; NULL: the best there is */
    int exact_convolutions; /* 1: no Winograd (used when families are compared) */
    int device_index;       /* which GPU, from 0 */
};

struct family;

struct program {
    const struct family *family;
    const struct plan *plan; /* must outlive the program */
    struct program_options options;
    struct program_step *train;
    int n_train;
    struct program_step *eval;
    int n_eval;
    struct batch batch;
    struct hyper hyper;
    struct step_result result;
    void *own; /* the family's state */
};

enum program_tensor {
    PROGRAM_VALUE,    /* a weight or buffer by tensor name, or an activation by row name */
    PROGRAM_GRADIENT, /* of a trained tensor, or of a row's output (after backward) */
    PROGRAM_MOMENTUM, /* the optimiser's buffer of a trained tensor */
    PROGRAM_EMA,      /* of a family with mix(): a tensor of one of the averages that it keeps */
    PROGRAM_SLOW,
};

#define PROGRAM_AVERAGES 2

/* What is done with an average of all tensors, and `keep`. */
enum program_mix {
    PROGRAM_MIX_FOLLOW, /* average = keep * average + (1 - keep) * tensors, in double, rounded once */
    PROGRAM_MIX_TAKE,   /* tensors = average */
    PROGRAM_MIX_SWAP,   /* each becomes the other */
};

struct family {
    const char *name; /* "ref", "cpu", "cuda" */

    /* 0 if it can run here at that precision; -1 with the reason and what to do instead. */
    int (*probe)(const struct program_options *options, struct error *err);

    /* A new program with zeroed weights (running_var 1), or NULL with err. */
    struct program *(*compile)(const struct plan *plan, const struct program_options *options, struct error *err);

    void (*free)(struct program *program);

    /*
     * Copies a tensor out as float32: weights, gradients and momentum in PyTorch's shape; activations and
     * their gradients as NCHW for batch.n images. -1 with err when there is no such tensor, count is wrong,
     * or the buffer has been given to something else by now (a fused or overwritten row says so).
     */
    int (*read_tensor)(struct program *, const char *name, enum program_tensor, float *out, size_t count,
                       struct error *);

    /* The other direction, for weights, buffers, momentum and averages only. */
    int (*write_tensor)(struct program *, const char *name, enum program_tensor, const float *in, size_t count,
                        struct error *);

    /* Bytes the program holds. */
    size_t (*memory)(const struct program *);

    /* (optional) The library behind it and its version: "oneDNN 2.6.3". */
    const char *(*library)(void);

    /*
     * (optional, all three) For a device that works on its own: whole lists are queued, and their results fetched
     * later, in the same order. submit: the train or the eval list for program.batch and program.hyper, both of which
     * may change once it returns, and so may the choices and values that the batch points to: submit has copied them.
     * The images stay. At most `ahead` lists may be under way. collect waits for the oldest. timed asks for each step's
     * own time, which costs something and may be declined; collect returns 1 when it has put them into ns (optional,
     * [n_train] or [n_eval]), else 0. -1: the device failed, and fails from then on. read_tensor and write_tensor wait
     * for all that is under way.
     */
    int ahead;
    int (*submit)(struct program *program, bool training, bool timed, struct error *err);
    int (*collect)(struct program *program, struct step_result *result, uint64_t *ns, struct error *err);

    /* (optional) For such a device: averages of all tensors, PROGRAM_EMA and PROGRAM_SLOW, that stay there. In its
     * place among what was submitted, and waits for nothing. Averages are zero until they are written or follow. */
    int (*mix)(struct program *program, enum program_tensor average, enum program_mix how, double keep,
               struct error *err);
};

extern const struct family family_ref;
extern const struct family family_cpu;

/*
 * For families: what all of them do alike. A program without steps, with own_size zeroed bytes of its family's, which
 * frees both; the tensor of that name; and whether a row's output or gradient can be asked for so. NULL or -1 with err:
 * the plan does not hold together or no image fits; there is none, it is not trained, or count is not its number.
 */
struct program *program_new(const struct family *family, const struct plan *plan, const struct program_options *options,
                            size_t own_size, struct error *err);
int program_find_tensor(const struct program *program, const char *name, enum program_tensor which, size_t count,
                        struct error *err);
int program_check_row(const struct program *program, int row, enum program_tensor which, size_t count,
                      struct error *err);

/* Points the program at a batch; 0, or -1 when n is out of range or shapes differ from the plan's. */
int program_set_batch(struct program *program, const struct batch *batch, struct error *err);

/* Does this step change the tensor? */
bool hyper_trains(const struct hyper *hyper, const struct plan_tensor *tensor);

const char *phase_name(enum phase phase);             /* "augment", "forward", ... */
const char *precision_name(enum precision precision); /* "f32", "bf16", ... */

#endif
