/*
 * A plan as the cpu family carries it out: units, each a convolution, a fused chain (chain.h) or one of the other
 * kernels, between values, the activations that really exist in memory.
 *
 * Invariants: units are in an order of execution (each comes at the place of its last row); every row but the input
 * belongs to one unit, except that conversions have none; unit.x, unit.skip and unit.out have layouts that the unit
 * can work with: conversions have been put in where they were not.
 */
#ifndef DAVIDNET_KERNELS_CPU_CPU_GRAPH_H
#define DAVIDNET_KERNELS_CPU_CPU_GRAPH_H

#include "kernels/cpu/chain.h"
#include "kernels/cpu/cpu_array.h"
#include "kernels/isa.h"
#include "kernels/plan.h"

#include <stdbool.h>

enum cpu_kind {
    CPU_UNIT_CONV,
    CPU_UNIT_CHAIN,
    CPU_UNIT_GLOBAL_POOL,
    CPU_UNIT_AVG_POOL,
    CPU_UNIT_CONCAT, /* x, then skip */
    CPU_UNIT_LINEAR,
    CPU_UNIT_LOSS,
    CPU_UNIT_CONVERT, /* x to out in another layout; no row of its own */
};

#define CPU_UNIT_ROWS_MAX 4               /* norm, max pool, act, add */
#define CPU_UNITS_MAX (4 * PLAN_ROWS_MAX) /* a row's unit and a conversion or two for it */
#define CPU_VALUES_MAX (CPU_UNITS_MAX + 1)

struct cpu_unit {
    enum cpu_kind kind;
    int n_rows, rows[CPU_UNIT_ROWS_MAX]; /* in plan order */
    int x, skip, out;                    /* values; -1: none */
    struct chain chain;                  /* CPU_UNIT_CHAIN */
    int norm_row;                        /* CPU_UNIT_CHAIN with norm: the row; else -1 */
    enum cpu_layout layout;              /* CPU_UNIT_CONV: of its output, and of its source but for CPU_NCHW */
};

struct cpu_value {
    int row;                 /* the plan row whose output this is */
    struct plan_shape shape; /* of that row */
    enum cpu_layout layout;
    int producer;  /* unit, or -1: the input */
    int readers;   /* how many times units read it */
    bool gradient; /* something trained lies before it */
};

struct cpu_graph {
    int n_units, n_values;
    struct cpu_unit units[CPU_UNITS_MAX];
    struct cpu_value values[CPU_VALUES_MAX]; /* [0]: the input */
};

/* What the layouts depend on. */
struct cpu_graph_target {
    enum chain_type type;
    enum isa isa;
};

/* plan: checked by plan_check. 0, or -1 with err (only for a plan too large). */
int cpu_graph_init(struct cpu_graph *, const struct plan *, const struct cpu_graph_target *, struct error *err);

#endif
