/*
 * What the Layers screen shows, as plain data, made from a timing breakdown: the rows of the plan as a tree folded by
 * block (layer1 > residual > res1 > conv, from the rows' names), each with its time in each phase, a block with the sum
 * of its rows'. A row that is fused into another has no time of its own: NaN, and the row that carries it. Steps that
 * belong to no row (one update of all weights, say) are nodes of their own at the end. Beside them, if wanted, another
 * run's: what each node's time changed by.
 */
#ifndef DAVIDNET_VIEWS_LAYERS_MODEL_H
#define DAVIDNET_VIEWS_LAYERS_MODEL_H

#include "engine/timing_diff.h"

/* Why there is nothing to show, if there is not. */
enum layers_state {
    LAYERS_NO_RUN,
    LAYERS_WAITING, /* a run that has not done its second step: the first one warms up and is not timed */
    LAYERS_NONE,    /* a run that ended, or is another process's, and has written no times */
    LAYERS_BAD,     /* they cannot be read: model->problem */
    LAYERS_READY
};

enum layers_sort { LAYERS_BY_ORDER, LAYERS_BY_TIME }; /* by time: with another run beside it, by the change */

/* Which phases times, shares and the order by time are of. */
enum layers_phases { LAYERS_ALL_PHASES, LAYERS_FORWARD, LAYERS_BACKWARD, LAYERS_PHASES };

/* What a time changed by, from the other run to this one, in ms of a step; NaN: not known, or none there. */
struct layers_change {
    int line; /* of the difference; a block inside a block: of its first row; -1: there is none */
    int with; /* a row that is compared together with others: their line; else -1 */
    double a, b, change, low, high;
    enum timing_diff_verdict verdict;
};

struct layers_node {
    char path[PLAN_NAME_MAX];    /* "layer1/residual/res1/conv" */
    int name;                    /* of the last part, in path */
    int depth, parent;           /* parent: node, -1: none */
    int first, next;             /* children and siblings in the order they are shown in; -1: no more */
    int row;                     /* of the plan; -1: a block, or steps without rows */
    int is_block, open;          /* open: its children are shown */
    unsigned own;                /* bit p: it, or a row of the block, has time of its own in phase p */
    double ms[PHASE_COUNT];      /* a step's; NaN: none of its own, or not measured */
    int fused[PHASE_COUNT];      /* a row: the row of the plan that carries it in that phase; -1: none */
    double total;                /* of the phases that are looked at; NaN: none of its own in them */
    struct layers_change change; /* of those, too; only if another run is beside it */
    struct timing_sum sum;       /* of those, too; steps 0: none of its own, and nothing else is set */
};

/* The run that is beside this one. */
struct layers_against {
    int on;
    char name[128];
    int contended;           /* its machine was busy */
    char recipes[320];       /* what differs in the recipes, from that run's to this one's; "": nothing, or not known */
    int n_recipes;           /* how many knobs that is */
    struct timing timing;    /* ours */
    struct timing_diff diff; /* ours; A: that run, B: this one */
};

struct layers_model {
    enum layers_state state;
    char problem[1024];
    struct timing timing; /* owned; only if READY */
    uint32_t steps_per_epoch;
    double step_ms;   /* of all nodes, all phases; NaN: unknown */
    double looked_ms; /* of all nodes, the phases that are looked at; NaN: unknown */

    struct layers_against against;

    struct layers_node *nodes;
    int n_nodes, first; /* first: of those without a parent */
    int *shown;         /* nodes, as they are drawn from top to bottom */
    int n_shown;
    int cursor; /* a node that is shown; -1: none */

    /* How the user wants to see it. */
    enum layers_sort sort;
    enum layers_phases phases;
    int roof;      /* the roofline in the list's place, where there is room */
    int flat;      /* rows only, with their whole names */
    int per_epoch; /* times of an epoch instead of a step's */
    int page;      /* lines that there are for nodes; 0: not known */
    int folded;    /* the user folded or opened something: until then as much is open as fits */
};

void layers_model_init(struct layers_model *model);
void layers_model_release(struct layers_model *model);

/* Forgets the run, not how the user wants to see one. */
void layers_model_clear(struct layers_model *model);

/*
 * Takes the breakdown over, whatever is returned. What is open, and the cursor, stay where the rows are the same ones.
 * -1: no memory; the model is empty then.
 */
int layers_model_take(struct layers_model *model, struct timing *timing);

/* What the keys do; each leaves the cursor on a node that is shown. */
void layers_model_move(struct layers_model *model, int by);
void layers_model_select(struct layers_model *model, int line); /* the line-th of shown; outside: nothing */
void layers_model_open(struct layers_model *model);             /* the block under the cursor, or goes into it */
void layers_model_fold(struct layers_model *model);             /* the block under the cursor, or goes to its block */
void layers_model_toggle(struct layers_model *model);
int layers_model_any_open(const struct layers_model *model); /* blocks */
void layers_model_fold_all(struct layers_model *model);      /* all blocks, or opens all if none is open */
void layers_model_set_sort(struct layers_model *model, enum layers_sort sort);
void layers_model_set_phases(struct layers_model *model, enum layers_phases phases);
void layers_model_set_flat(struct layers_model *model, int flat);
void layers_model_set_page(struct layers_model *model, int lines);

/* Bit p: phase p is looked at. */
unsigned layers_phase_mask(const struct layers_model *model);

/* The cursor's place in shown; 0 if there is none. */
int layers_model_line(const struct layers_model *model);

/*
 * What the phases that are looked at of a node took in each entry of timing.history, in ms of a step; NaN: not
 * measured. Returns how many; 0: it has no time of its own in them, or no epoch has ended.
 */
int layers_node_history(const struct layers_model *model, int node, double ms[TIMING_HISTORY_MAX]);

/* ---- layers_against.c: beside another run ---- */

/*
 * Compares with that run's breakdown, which it takes over, whatever is returned. -1 with err: they cannot be compared,
 * and what was compared before still is. Only if READY.
 */
int layers_model_against(struct layers_model *model, struct timing *timing, const char *name, int contended,
                         struct error *err);
void layers_model_alone(struct layers_model *model);

/* Of all that is looked at; and of "forward", "update" ... (enum timing_part's names). line -1: not known. */
struct layers_change layers_total_change(const struct layers_model *model);
struct layers_change layers_part_change(const struct layers_model *model, const char *name);

/* How many rows only the other run has: they have no line in the list. */
int layers_only_there(const struct layers_model *model);

/* For layers_model.c: after this run's times, or what is looked at, have changed. */
void layers_against_update(struct layers_model *model);

#endif
