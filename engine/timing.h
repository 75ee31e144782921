/*
 * The timing breakdown of a run: what each step of the program took on average, and from that what each row of the
 * plan took in each phase; where the time of all threads went; what the machine could do at best. Written to
 * RUN/timing.json and read back by another process.
 *
 * A step covers one or more rows: its time belongs to the first, the leader; the others are fused into it and have no
 * time of their own, which is not the same as zero. A step without rows (one update of all weights, say) belongs to
 * none. What is not known is NaN here and null in JSON, never 0.
 *
 * The JSON, version 2 (fields may be added; a changed meaning changes the version):
 *   {"format": "davidnet-timing", "version": 2,
 *    "davidnet": "0.1.0", "commit": "63f6f9dde0",     what wrote it
 *    "family": "cpu", "device": "Intel Xeon ...", "isa": "avx512", "library": "oneDNN 2.6.3",
 *    "precision": "f32", "threads": 2,
 *    "ceilings": {"flops": 4.2e11, "bytes": 2.6e10,   a second: multiply-adds from registers, copies in memory
 *                 "noisy": false,                     other programs ran whenever they were measured
 *                 "trusted": true},                   no step disproves them (timing_disproved)
 *    "train_steps": 98, "images_per_step": 512.0,     what was averaged over
 *    "step_ms": 900.1,                                sum over the steps below
 *    "from_step": 0,                                  of the run: what came before is in none of it
 *    "to_step": 3122,                                 of the run: what comes after is in none of it
 *    "wall_ms": 931.5,                                what passed for each of them: see struct timing
 *    "timing_percent": 0.05,                          of a step: what timing it costs, in all
 *    "timing_costs": {"clock": 0.01, ...},            of that, in percent of a step too: enum timing_cost; null in
 *                                                     older files, whose timing_percent is that of the clock alone
 *    "eval_batches": 20, "eval_batch_ms": 210.5,
 *    "phases_unit": "thread-ms per training step",    of phases and hidden; all other ms are per training step
 *    "phases": {"data": ms, "augment": ms, ..., "other": ms},   they add up to threads x wall_ms: timing_part_ms
 *    "hidden": {"data": ms, ...},                     work beside that, which nothing waited for
 *    "bound": {"compute": 61.2, "bandwidth": 20.1, "overhead": 18.7, "floor_ms": 731.0, "train_ms": 897.0},
 *    "history_epochs": 1, "history_last": 1,          epochs in each entry of a step's history, and in the last one
 *    "rows": [{"name": "prep/conv", "op": "conv", "shape": [64, 32, 32],
 *              "forward_flops": per image, "backward_flops": per image,
 *              "activation_bytes": of a batch, "weight_bytes": ...,
 *              "ms": {"forward": 1.5, ...},           the phases in which it has time of its own
 *              "fused_into": {"backward": "NAME"},    the phases in which it has not
 *              "implementation": "...",
 *              "total_ms": ..., "total_ms_sd": ..., "flops": ..., "bytes": ..., "gflops": ..., "gigabytes": ...,
 *              "floor_ms": ..., "ceiling": 0.8}, ...],   of its own steps of all phases, see timing_sum
 *    "steps": [{"phase": "forward", "rows": ["prep/conv", "prep/norm"], "implementation": "...", "ms": 1.5,
 *               "ms_sd": 0.1, "ms_min": 1.4, "flops": ..., "work": 1, "bytes": ..., "floor_ms": 1.1,
 *               "history": [1.6, 1.5]}, ...]}         work: the share of flops that is really done; null: unknown
 * Milliseconds are means per training step. Reading takes what cannot be computed from the rest: not step_ms, bound,
 * nor what of a row follows from its steps. Version 1 had none of davidnet, commit, device, isa, library, ceilings,
 * wall_ms, timing_percent, hidden, bound, history, bytes, ms_sd, ms_min; its phases were the sums of the steps' ms. It
 * is still read. Files of version 2 may lack what came later: from_step (0), to_step, timing_costs, work, phases_unit.
 */
#ifndef DAVIDNET_ENGINE_TIMING_H
#define DAVIDNET_ENGINE_TIMING_H

#include "engine/executor.h"

struct run_folder;

#define TIMING_FORMAT "davidnet-timing"
#define TIMING_VERSION 2 /* and 1 is read */
#define TIMING_PARTS_UNIT "thread-ms per training step"
#define TIMING_IMPL_MAX 128
#define TIMING_HISTORY_MAX 256

/* Where the time of a run goes. Phases of the program are some of them, under the same names. */
enum timing_part {
    TIMING_DATA, /* waiting for a batch, or making it */
    TIMING_AUGMENT,
    TIMING_TRANSFER, /* handing it to the program: checks; to a device of its own: copies and launches */
    TIMING_FORWARD,
    TIMING_LOSS,
    TIMING_BACKWARD,
    TIMING_UPDATE,
    TIMING_EVALUATE,
    TIMING_OTHER, /* between two steps: averages of weights, log, publishing, checkpoints */
    TIMING_PART_COUNT
};

/* What timing does in the steps of a run. Not on this list: what would be done without it, too (log, status). */
enum timing_cost {
    TIMING_COST_CLOCK, /* readings between the program's steps and the parts; a device's: what timed steps take more */
    TIMING_COST_SAMPLES, /* keeping what was read, and seeing that the process was not stopped meanwhile */
    TIMING_COST_TRACE,   /* slices of loops, and copies of the steps that were taken */
    TIMING_COST_PUBLISH, /* bringing the breakdown up to date, for a screen */
    TIMING_COST_WRITE,   /* timing.json and trace.json: CPU time of the helper thread, as if the engine had waited */
    TIMING_COSTS
};
#define TIMING_COST_MAX                                                                                                \
    1.0 /* percent of a step that all of them are to take at most; of short runs they can take more */

struct timing_row {
    char name[PLAN_NAME_MAX];
    char op[16];
    struct plan_shape shape;
    double forward_flops, backward_flops; /* per image */
    double activation_bytes;              /* its output for a whole batch, in the program's precision */
    double weight_bytes;                  /* its tensors in float32, buffers too; 0: it has none */
};

struct timing_step {
    enum phase phase;
    int n_rows;
    int rows[PLAN_ROWS_MAX]; /* indices into rows[], the leader first */
    char impl[TIMING_IMPL_MAX];
    double ms;           /* mean per training step; NaN: not measured */
    double ms_sd;        /* standard deviation over the training steps that were timed; NaN: fewer than two */
    double ms_min;       /* the least of them: what is left when nothing else wants the machine; NaN: unknown */
    double flops, bytes; /* per training step, as engine/operations.h counts them; NaN: unknown */
};

/* What the times were measured on, and by what. Texts are empty where it is not known. */
struct timing_machine {
    char device[128]; /* the processor's or the GPU's name */
    char isa[16];     /* "avx512": what kernels were chosen for */
    char library[128];
    char davidnet[32], commit[48];
    double flops; /* a second: multiply-adds from registers, on all threads; NaN: not measured */
    double bytes; /* a second: copied in memory, read and written */
    int noisy;    /* 1: whenever they were measured, other programs wanted the machine */
};

struct timing {
    char family[16], precision[16];
    int threads;
    struct timing_machine machine;
    uint64_t train_steps, eval_batches;
    uint64_t from_step; /* the run's first so many steps are in none of this: of another program, or not kept; 0: all */
    uint64_t to_step;   /* nor is any that comes after this one; 0: not known */
    double images_per_step; /* NaN: not measured */
    double eval_batch_ms;   /* NaN: not measured */
    /* What passed for each training step, of all sittings of this program: evaluation and all else included; without
     * each sitting's first step and what came before it, pauses and stops. NaN: not measured. */
    double wall_ms;
    double timing_percent;      /* of a step: what timing it costs; NaN: unknown */
    double costs[TIMING_COSTS]; /* of that, likewise; the sum is timing_percent, where they are known */
    /*
     * Thread-milliseconds per training step: the engine's time in each part times threads, waiting included, so that
     * they add up to threads * wall_ms. On a device of its own the critical path adds up: what the host did while the
     * device worked, or loader threads while the engine did, is in hidden alone,
     * in milliseconds of the threads that did it (one of the host; each of the loader's): never times threads. NaN:
     * unknown, or no such part.
     */
    double part_ms[TIMING_PART_COUNT], hidden_ms[TIMING_PART_COUNT];
    struct timing_row *rows;
    int n_rows;
    struct timing_step *steps;
    int n_steps;
    /*
     * What each step took on average in each epoch: history[entry * n_steps + step] in ms, NaN: not measured. An entry
     * stands for history_epochs epochs, which doubles when there are too many; the last one for history_last.
     */
    float *history; /* [TIMING_HISTORY_MAX * n_steps] */
    int n_history, history_epochs, history_last;
};

/* From the times since the executor's last reset. */
int timing_init(struct timing *timing, const struct executor *executor, struct error *err);
void timing_release(struct timing *timing);

/* An empty one with room for rows, steps and history: all that is measured is NaN. -1: no memory. */
int timing_allocate(struct timing *timing, int n_rows, int n_steps, struct error *err);

/* The times again, of the executor that it was made from: what can change since. Allocates nothing. */
void timing_refresh(struct timing *timing, const struct executor *executor);

/* A copy with arrays of its own; into one that has as many rows and steps, which allocates nothing. */
int timing_copy(struct timing *copy, const struct timing *timing, struct error *err);
void timing_assign(struct timing *to, const struct timing *from);

/* ---- timing_merge.c ---- */

/* The same rows and steps, made the same way for the same machine: only then do the times of both have a mean. */
int timing_same_program(const struct timing *a, const struct timing *b);

/*
 * The run goes on from that step, before to_step: what follows it will be timed again, so that it counts only once. The
 * means stay those of all that was timed, and stand for fewer steps and evaluations; epochs that end later leave the
 * history. per_epoch: steps; one epoch in evaluate_every is evaluated.
 */
void timing_rewind(struct timing *timing, uint64_t step, uint64_t per_epoch, uint64_t evaluate_every);

/* The times of a later sitting (from) of the same program come to it; its history goes on. Allocates nothing. */
void timing_merge(struct timing *to, const struct timing *from);

/* An epoch's means: ms[n_steps]. */
void timing_add_epoch(struct timing *timing, const double *ms);

/* The JSON text, malloc'ed, ending with a newline; NULL with err. */
char *timing_to_json(const struct timing *timing, struct error *err);

/* Reads what timing_to_json wrote; `name` names it in messages. Unprintable bytes of names become '?'. */
int timing_from_json(struct timing *timing, const char *text, const char *name, struct error *err);

/* The same from a file; from a run's RUN/timing.json. */
int timing_read(struct timing *timing, const char *path, struct error *err);
int timing_read_run(struct timing *timing, const struct run_folder *folder, struct error *err);

/* What one row took in one phase. */
struct timing_cell {
    enum { TIMING_NONE /* no step covers it */, TIMING_OWN, TIMING_FUSED } kind;
    double ms;      /* OWN */
    int fused_into; /* FUSED: the leader's row */
};
struct timing_cell timing_cell(const struct timing *timing, int row, enum phase phase);

/* Of all steps of a phase, and of all phases; NaN when any of them was not measured. */
double timing_phase_ms(const struct timing *timing, enum phase phase);
double timing_step_ms(const struct timing *timing);

/* The implementations of a row's own steps, each once, joined with " + "; empty when it has none. */
void timing_implementation(const struct timing *timing, int row, char *out, size_t size);

/*
 * Thread-milliseconds of a part per training step, as every table, export and figure has them: part_ms; or, where no
 * part of the whole was measured (version 1), what the program's steps of that phase took, times threads. NaN: unknown.
 */
double timing_part_ms(const struct timing *timing, enum timing_part part);
int timing_has_parts(const struct timing *timing); /* 1: some were measured */
/* What a part is a share of: threads * wall_ms; where that is not known the sum of all parts. */
double timing_parts_ms(const struct timing *timing);

const char *timing_part_name(enum timing_part part); /* "data", "augment", ... */
const char *timing_cost_name(enum timing_cost cost); /* "clock", "samples", ... */
enum timing_part timing_part_of(enum phase phase);

/* ---- timing_explain.c: what the machine's ceilings say ---- */

/*
 * Why the ceilings cannot be what this machine can do, as a sentence with what to do; 0 and "" when nothing says so.
 * They are too low when a step whose operations are counted exactly (a direct convolution; of at least 16 x 16, where
 * the padding that a kernel may leave out is less than a tenth) was faster than they allow, or all floors together are
 * longer than a training step. Floors, bounds and shares of the ceiling are then unknown.
 */
int timing_disproved(const struct timing *timing, char *why, size_t size);

/* 1: a ceiling was measured, and is not disproved. */
int timing_trusted(const struct timing *timing);

/* 1: nothing disproves the ceilings, but other programs ran whenever they were measured. What is to be said then. */
int timing_doubtful(const struct timing *timing);
#define TIMING_DOUBT "other programs ran whenever the ceilings were measured: floors may be lower"

/* The least that a step can take: the longer of its operations, as many as its implementation really does
 * (kernels/work.h), at machine.flops and its bytes at machine.bytes. NaN when the one or the other is not known. */
double timing_floor_ms(const struct timing *timing, const struct timing_step *step);

/* What is known of one step, or the sum of a row's own steps in the phases of `mask` (bit 1 << phase), or (row -1) of
 * the steps without rows. What is not known of one of them is not known of the sum; the rates are NaN where there is
 * nothing to count, too. */
struct timing_sum {
    int steps;    /* how many; 0: none of its own, and all else NaN */
    double ms;    /* per training step */
    double ms_sd; /* the steps taken as independent */
    double flops; /* per training step */
    double work;  /* of these the operations that are really done (kernels/work.h); NaN: unknown */
    double bytes;
    double floor_ms;
    double gflops, gigabytes; /* a second */
    double ceiling;           /* floor_ms / ms: the share of what the machine can do */
};
struct timing_sum timing_sum(const struct timing *timing, int row, unsigned mask);
struct timing_sum timing_sum_step(const struct timing *timing, const struct timing_step *step);
/* What of another row's comes to it: zeroed it is a sum of nothing yet, and with nothing it stays as it was. */
void timing_sum_add(struct timing_sum *sum, const struct timing_sum *more);
#define TIMING_ALL_PHASES ((1u << PHASE_COUNT) - 1)

/*
 * What bounds a training step: percentages of train_ms that sum to 100. Of each step of the program, up to what it took
 * (a kernel can be faster than its floor: caches), the floor is compute or bandwidth, whichever is longer;
 * what is left, in the steps and between them, is overhead. All NaN when something is not known.
 */
struct timing_bound {
    double compute, bandwidth, overhead;
    double floor_ms; /* sum over the steps */
    double train_ms; /* a training step without evaluation; of an older file: the sum of the steps */
};
struct timing_bound timing_bound(const struct timing *timing);

/* compute, bandwidth and overhead in whole units of 1 (decimals 0) or 0.1 (decimals 1), and still 100 together: the
 * largest is what the others leave. NaN as they are. */
void timing_bound_round(const struct timing_bound *bound, int decimals, double percent[3]);

/* Images over the time of a training step, waiting for data and what is between steps included (train_ms). NaN:
 * unknown.
 */
double timing_images_per_second(const struct timing *timing);

#endif
