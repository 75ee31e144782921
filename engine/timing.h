/*
 * The timing breakdown of a run: what each step of the program took on average, and from that what each row of the
 * plan took in each phase. Written to RUN/timing.json and read back by another process.
 *
 * A step covers one or more rows: its time belongs to the first, the leader; the others are fused into it and have no
 * time of their own, which is not the same as zero. A step without rows (one update of all weights, say) belongs to
 * none. What was never measured is NaN here and null in JSON.
 *
 * The JSON, version 1 (fields may be added; a changed meaning changes the version):
 *   {"format": "davidnet-timing", "version": 1,
 *    "family": "cpu", "precision": "bf16", "threads": 2,
 *    "train_steps": 98, "images_per_step": 512.0,     what was averaged over
 *    "step_ms": 900.1,                                sum over the steps below
 *    "eval_batches": 20, "eval_batch_ms": 210.5,
 *    "phases": {"augment": ms, "forward": ms, "loss": ms, "backward": ms, "update": ms},
 *    "rows": [{"name": "prep/conv", "op": "conv", "shape": [64, 32, 32],
 *              "forward_flops": per image, "backward_flops": per image,
 *              "ms": {"forward": 1.5, ...},           the phases in which it has time of its own
 *              "fused_into": {"backward": "NAME"},    the phases in which it has not
 *              "implementation": "..."}, ...],
 *    "steps": [{"phase": "forward", "rows": ["prep/conv", "prep/norm"], "implementation": "...", "ms": 1.5}, ...]}
 * Milliseconds are means per training step. Reading takes rows' names, ops, shapes and FLOPs and the steps; the rest of
 * a row follows from the steps.
 */
#ifndef DAVIDNET_ENGINE_TIMING_H
#define DAVIDNET_ENGINE_TIMING_H

#include "engine/executor.h"

#define TIMING_IMPL_MAX 128

struct timing_row {
    char name[PLAN_NAME_MAX];
    char op[16];
    struct plan_shape shape;
    double forward_flops, backward_flops; /* per image */
};

struct timing_step {
    enum phase phase;
    int n_rows;
    int rows[PLAN_ROWS_MAX]; /* indices into rows[], the leader first */
    char impl[TIMING_IMPL_MAX];
    double ms; /* mean per training step; NaN: not measured */
};

struct timing {
    char family[16], precision[16];
    int threads;
    uint64_t train_steps, eval_batches;
    double images_per_step; /* NaN: not measured */
    double eval_batch_ms;   /* NaN: not measured */
    struct timing_row *rows;
    int n_rows;
    struct timing_step *steps;
    int n_steps;
};

/* From the times since the executor's last reset, in which `images` training images went through it. */
int timing_init(struct timing *timing, const struct executor *executor, uint64_t images, struct error *err);
void timing_release(struct timing *timing);

/* The times again, of the executor that it was made from: what can change since. Allocates nothing. */
void timing_refresh(struct timing *timing, const struct executor *executor, uint64_t images);

/* A copy with arrays of its own. */
int timing_copy(struct timing *copy, const struct timing *timing, struct error *err);

/* The JSON text, malloc'ed, ending with a newline; NULL with err. */
char *timing_to_json(const struct timing *timing, struct error *err);

/* Reads what timing_to_json wrote; `name` names it in messages. Unprintable bytes of names become '?'. */
int timing_from_json(struct timing *timing, const char *text, const char *name, struct error *err);

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

/*
 * Floating-point operations per nanosecond of a row's own forward and backward steps (with those of the rows fused into
 * them); NaN when it has no time of its own or no arithmetic to speak of.
 */
double timing_gflops(const struct timing *timing, int row);

/* The implementations of a row's own steps, each once, joined with " + "; empty when it has none. */
void timing_implementation(const struct timing *timing, int row, char *out, size_t size);

#endif
