#include "kernels/cuda/units.h"

#include <string.h>

#define WINDOW_MAX 16 /* of a pool before a norm: the winner's place is a byte */

/* Stages of a chain in their order. */
enum stage { STAGE_NONE, STAGE_BEFORE, STAGE_AFFINE, STAGE_ACT, STAGE_AFTER, STAGE_ADD };

/* What is being built. */
struct builder {
    struct cuda_units *units;
    const struct plan *plan;
    int readers[PLAN_ROWS_MAX]; /* how many inputs of rows each row is */
    int reader[PLAN_ROWS_MAX];  /* the last of them */
    int value[PLAN_ROWS_MAX];   /* of each row's output; -1: none */
    int raw[PLAN_ROWS_MAX];     /* of a convolution's output before its bias; -1: none */
    bool taken[PLAN_ROWS_MAX];  /* already in a unit */
};

int cuda_padded(int channels)
{
    return (channels + CUDA_CHANNELS - 1) / CUDA_CHANNELS * CUDA_CHANNELS;
}

static int add_value(struct builder *b, int row, bool raw)
{
    struct cuda_units *units = b->units;
    struct plan_shape shape = b->plan->rows[row].out;
    units->values[units->n_values] =
        (struct cuda_value){.row = row, .raw = raw, .shape = shape, .c = cuda_padded(shape.c), .producer = -1};
    (raw ? b->raw : b->value)[row] = units->n_values;
    return units->n_values++;
}

/* The only reader of a row, or -1. */
static int only_reader(const struct builder *b, int row)
{
    return b->readers[row] == 1 ? b->reader[row] : -1;
}

/* The stage that a row would be after `at`, or STAGE_NONE: it cannot be one. from: the row whose output it is to read.
 */
static enum stage stage_of(const struct builder *b, const struct cuda_unit *unit, enum stage at, int row)
{
    const struct plan_row *r = &b->plan->rows[row];
    switch (r->op) {
    case PLAN_MAX_POOL:
    case PLAN_AVG_POOL: {
        int next = only_reader(b, row);
        if (at == STAGE_NONE && next >= 0 && b->plan->rows[next].op == PLAN_NORM && r->kernel <= WINDOW_MAX)
            return STAGE_BEFORE;
        return at < STAGE_AFTER && unit->before_row < 0 ? STAGE_AFTER : STAGE_NONE;
    }
    case PLAN_NORM:
        return at < STAGE_AFFINE ? STAGE_AFFINE : STAGE_NONE;
    case PLAN_ACT:
        return at < STAGE_ACT ? STAGE_ACT : STAGE_NONE;
    case PLAN_ADD:
        return at < STAGE_ADD ? STAGE_ADD : STAGE_NONE;
    default:
        return STAGE_NONE;
    }
}

static void put_row(struct builder *b, struct cuda_unit *unit, enum stage stage, int row, int from)
{
    const struct plan_row *r = &b->plan->rows[row];
    unit->rows[unit->n_rows++] = row;
    b->taken[row] = true;
    if (stage == STAGE_BEFORE)
        unit->before_row = row;
    else if (stage == STAGE_AFFINE)
        unit->norm_row = row;
    else if (stage == STAGE_ACT)
        unit->act_row = row;
    else if (stage == STAGE_AFTER)
        unit->after_row = row;
    else {
        unit->add_row = row;
        unit->skip = r->input[0] == from ? r->input[1] : r->input[0]; /* a row, until values are known */
    }
}

/* Takes rows from `row` on for as long as they fit. */
static void grow_chain(struct builder *b, struct cuda_unit *unit, int row)
{
    enum stage at = unit->bias_row >= 0 ? STAGE_AFFINE : STAGE_NONE;
    int from = unit->x;
    while (row >= 0) {
        enum stage stage = b->taken[row] ? STAGE_NONE : stage_of(b, unit, at, row);
        if (stage == STAGE_NONE)
            break;
        put_row(b, unit, stage, row, from);
        at = stage;
        from = row;
        row = only_reader(b, row);
    }
}

static const struct cuda_unit no_unit = {.x = -1,
                                         .skip = -1,
                                         .out = -1,
                                         .before_row = -1,
                                         .bias_row = -1,
                                         .norm_row = -1,
                                         .act_row = -1,
                                         .after_row = -1,
                                         .add_row = -1};

static void keep_unit(struct builder *b, const struct cuda_unit *unit)
{
    b->units->units[b->units->n_units++] = *unit;
}

static void add_chain(struct builder *b, int row)
{
    struct cuda_unit unit = no_unit;
    unit.kind = CUDA_UNIT_CHAIN;
    unit.x = b->plan->rows[row].input[0];
    grow_chain(b, &unit, row);
    keep_unit(b, &unit);
}

/* What follows a convolution that has a bias. The row is the chain's only if nothing else is. */
static void add_bias_chain(struct builder *b, int row)
{
    struct cuda_unit unit = no_unit;
    unit.kind = CUDA_UNIT_CHAIN;
    unit.x = unit.bias_row = row;
    grow_chain(b, &unit, only_reader(b, row));
    if (unit.n_rows == 0)
        unit.rows[unit.n_rows++] = row;
    keep_unit(b, &unit);
}

static void add_unit(struct builder *b, int row)
{
    static const enum cuda_unit_kind kinds[PLAN_OP_COUNT] = {
        [PLAN_CONV] = CUDA_UNIT_CONV,
        [PLAN_GLOBAL_MAX] = CUDA_UNIT_GLOBAL_POOL,
        [PLAN_GLOBAL_AVG] = CUDA_UNIT_GLOBAL_POOL,
        [PLAN_LINEAR] = CUDA_UNIT_LINEAR,
        [PLAN_CONCAT] = CUDA_UNIT_CONCAT,
        [PLAN_LOSS] = CUDA_UNIT_LOSS,
    };
    const struct plan_row *r = &b->plan->rows[row];
    struct cuda_unit unit = no_unit;
    if (stage_of(b, &unit, STAGE_NONE, row) != STAGE_NONE) {
        add_chain(b, row);
        return;
    }
    unit.kind = kinds[r->op];
    unit.x = r->input[0];
    unit.skip = r->n_inputs > 1 ? r->input[1] : -1;
    unit.rows[unit.n_rows++] = row;
    b->taken[row] = true;
    keep_unit(b, &unit);
    if (plan_row_tensor(b->plan, row, PLAN_CONV_BIAS) >= 0)
        add_bias_chain(b, row);
}

static int last_row(const struct cuda_unit *unit)
{
    return unit->rows[unit->n_rows - 1];
}

/* By last rows; stable. */
static void sort_units(struct cuda_units *units)
{
    for (int i = 1; i < units->n_units; i++) {
        struct cuda_unit unit = units->units[i];
        int k = i;
        for (; k > 0 && last_row(&units->units[k - 1]) > last_row(&unit); k--)
            units->units[k] = units->units[k - 1];
        units->units[k] = unit;
    }
}

/* x and skip are rows so far. */
static void add_values(struct builder *b)
{
    struct cuda_units *units = b->units;
    add_value(b, 0, false);
    for (int i = 0; i < units->n_units; i++) {
        struct cuda_unit *unit = &units->units[i];
        unit->x = unit->bias_row >= 0 ? b->raw[unit->x] : b->value[unit->x];
        units->values[unit->x].readers++;
        bool gradient = units->values[unit->x].gradient;
        if (unit->skip >= 0) {
            unit->skip = b->value[unit->skip];
            units->values[unit->skip].readers++;
            gradient |= units->values[unit->skip].gradient;
        }
        if (unit->kind == CUDA_UNIT_CONV) /* the bias is the chain's */
            gradient |= b->plan->tensors[plan_row_tensor(b->plan, unit->rows[0], PLAN_CONV_WEIGHT)].trained;
        for (int k = 0; k < unit->n_rows && unit->kind != CUDA_UNIT_CONV; k++)
            gradient |= plan_row_trained(b->plan, unit->rows[k]);
        gradient |= unit->bias_row >= 0 && plan_row_trained(b->plan, unit->bias_row);
        if (unit->kind == CUDA_UNIT_LOSS) {
            struct cuda_value *logits = &units->values[unit->x];
            logits->logits = logits->producer >= 0 && units->units[logits->producer].kind == CUDA_UNIT_LINEAR &&
                             logits->readers == 1;
            continue;
        }
        bool raw = unit->kind == CUDA_UNIT_CONV && plan_row_tensor(b->plan, unit->rows[0], PLAN_CONV_BIAS) >= 0;
        unit->out = add_value(b, last_row(unit), raw);
        units->values[unit->out].producer = i;
        units->values[unit->out].gradient = gradient;
    }
}

void cuda_units_init(struct cuda_units *units, const struct plan *plan)
{
    struct builder b = {.units = units, .plan = plan};
    memset(units, 0, sizeof *units);
    for (int i = 0; i < plan->n_rows; i++)
        b.value[i] = b.raw[i] = -1;
    for (int i = 0; i < plan->n_rows; i++)
        for (int k = 0; k < plan->rows[i].n_inputs; k++) {
            b.readers[plan->rows[i].input[k]]++;
            b.reader[plan->rows[i].input[k]] = i;
        }
    for (int i = 1; i < plan->n_rows; i++)
        if (!b.taken[i])
            add_unit(&b, i);
    sort_units(units);
    add_values(&b);
}

void cuda_unit_chain(const struct cuda_units *units, const struct cuda_unit *unit, const struct plan *plan,
                     struct cuda_chain *chain)
{
    const struct cuda_value *x = &units->values[unit->x];
    const struct plan_row *rows = plan->rows;
    int pool = unit->before_row >= 0 ? unit->before_row : unit->after_row;
    *chain = (struct cuda_chain){.h = x->shape.h,
                                 .w = x->shape.w,
                                 .c = x->c,
                                 .before = unit->before_row >= 0 ? rows[unit->before_row].kernel : 1,
                                 .after = unit->after_row >= 0 ? rows[unit->after_row].kernel : 1,
                                 .max = pool >= 0 && rows[pool].op == PLAN_MAX_POOL,
                                 .act = -1,
                                 .groups = 1,
                                 .x_row = x->row};
    if (unit->bias_row >= 0)
        chain->kind = CUDA_CHAIN_BIAS;
    if (unit->norm_row >= 0) {
        chain->kind = CUDA_CHAIN_NORM;
        chain->groups = rows[unit->norm_row].groups;
        chain->half = rows[unit->norm_row].half;
        chain->eps = (float)rows[unit->norm_row].eps;
        chain->momentum = (float)rows[unit->norm_row].momentum;
    }
    if (unit->act_row >= 0) {
        chain->act = (int)rows[unit->act_row].act;
        chain->alpha = (float)rows[unit->act_row].alpha;
    }
}
