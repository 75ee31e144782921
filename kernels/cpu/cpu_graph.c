#include "kernels/cpu/cpu_graph.h"

#include "kernels/batch.h"

#include <stdlib.h>
#include <string.h>

/* What a chain consists of so far. */
enum { LINK_NORM = 1, LINK_POOL = 2, LINK_ACT = 4, LINK_ADD = 8, LINK_FIXED = 16 };

static enum chain_act act_of(const struct plan_row *row)
{
    static const enum chain_act acts[PLAN_ACT_COUNT] = {[PLAN_ACT_RELU] = CHAIN_ACT_RELU,
                                                        [PLAN_ACT_CELU] = CHAIN_ACT_CELU,
                                                        [PLAN_ACT_GELU] = CHAIN_ACT_GELU,
                                                        [PLAN_ACT_SILU] = CHAIN_ACT_SILU};
    return acts[row->act];
}

/* The links with the row added, or 0 if it cannot come after them. The kernel has pool and activation in this order;
 * the other way round only an activation that commutes with a maximum will do (else LINK_FIXED). */
static int link_on(int links, const struct plan_row *row)
{
    switch (row->op) {
    case PLAN_NORM:
        return links ? 0 : LINK_NORM;
    case PLAN_MAX_POOL:
        return links & (LINK_POOL | LINK_ADD | LINK_FIXED) ? 0 : links | LINK_POOL;
    case PLAN_ACT:
        if (links & (LINK_ACT | LINK_ADD))
            return 0;
        return links | LINK_ACT | (chain_act_commutes(act_of(row)) ? 0 : LINK_FIXED);
    case PLAN_ADD:
        return links & LINK_ADD ? 0 : links | LINK_ADD;
    default:
        return 0;
    }
}

struct match {
    const struct plan *plan;
    int uses[PLAN_ROWS_MAX];   /* how often later rows read this one */
    int reader[PLAN_ROWS_MAX]; /* one of them */
    bool taken[PLAN_ROWS_MAX]; /* inside some unit, not its last row */
    int first[PLAN_ROWS_MAX];  /* of a unit's last row: the unit's first row */
};

/* How far the chain that starts at row reaches: each row inside is read only by the next one. */
static int chain_end(const struct match *m, int row)
{
    int end = row, links = link_on(0, &m->plan->rows[row]);
    while (m->uses[end] == 1) {
        int next = m->reader[end];
        links = link_on(links, &m->plan->rows[next]);
        if (!links || m->taken[next] || m->first[next] != next)
            break;
        end = next;
    }
    return end;
}

static void match_rows(struct match *m, const struct plan *plan)
{
    memset(m, 0, sizeof *m);
    m->plan = plan;
    for (int i = 0; i < plan->n_rows; i++) {
        m->first[i] = i;
        for (int k = 0; k < plan->rows[i].n_inputs; k++) {
            m->uses[plan->rows[i].input[k]]++;
            m->reader[plan->rows[i].input[k]] = i;
        }
    }
    for (int i = 1; i < plan->n_rows; i++) {
        if (!link_on(0, &plan->rows[i]) || m->taken[i] || m->first[i] != i)
            continue;
        int end = chain_end(m, i);
        for (int row = i; row != end; row = m->reader[row])
            m->taken[row] = true;
        m->first[end] = i;
    }
}

static int add_value(struct cpu_graph *graph, const struct plan *plan, int row, int producer, enum cpu_layout layout)
{
    graph->values[graph->n_values] =
        (struct cpu_value){.row = row, .shape = plan->rows[row].out, .producer = producer, .layout = layout};
    return graph->n_values++;
}

static enum cpu_kind kind_of(enum plan_op op)
{
    switch (op) {
    case PLAN_CONV:
        return CPU_UNIT_CONV;
    case PLAN_GLOBAL_MAX:
    case PLAN_GLOBAL_AVG:
        return CPU_UNIT_GLOBAL_POOL;
    case PLAN_AVG_POOL:
        return CPU_UNIT_AVG_POOL;
    case PLAN_CONCAT:
        return CPU_UNIT_CONCAT;
    case PLAN_LINEAR:
        return CPU_UNIT_LINEAR;
    case PLAN_LOSS:
        return CPU_UNIT_LOSS;
    default:
        return CPU_UNIT_CHAIN;
    }
}

/* The unit whose rows are first ... last (along single readers); its value becomes value_of[last]. */
static void add_unit(struct cpu_graph *graph, const struct match *m, int last, int *value_of)
{
    const struct plan *plan = m->plan;
    struct cpu_unit *unit = &graph->units[graph->n_units];
    int first = m->first[last];
    *unit = (struct cpu_unit){.kind = kind_of(plan->rows[last].op), .skip = -1, .out = -1, .norm_row = -1};
    unit->chain.pool = 1;
    unit->x = value_of[plan->rows[first].input[0]];
    for (int row = first, before = plan->rows[first].input[0];; before = row, row = m->reader[row]) {
        const struct plan_row *r = &plan->rows[row];
        unit->rows[unit->n_rows++] = row;
        if (r->op == PLAN_NORM) {
            unit->chain.norm = 1;
            unit->norm_row = row;
        } else if (r->op == PLAN_ACT) {
            unit->chain.act = act_of(r);
            unit->chain.alpha = (float)r->alpha;
        } else if (r->op == PLAN_MAX_POOL) {
            unit->chain.pool = r->kernel;
        } else if (r->op == PLAN_ADD) {
            unit->skip = value_of[r->input[r->input[0] == before ? 1 : 0]];
        } else if (r->op == PLAN_CONCAT) {
            unit->skip = value_of[r->input[1]];
        }
        if (row == last)
            break;
    }
    if (unit->kind != CPU_UNIT_LOSS)
        value_of[last] = unit->out = add_value(graph, plan, last, graph->n_units, CPU_NHWC);
    graph->n_units++;
}

/* At least as large as the kernel: for smaller ones oneDNN 3.2 gets 3-D weight gradients wrong. */
static bool small(struct plan_shape shape, int kernel)
{
    return shape.h < 16 && shape.w < 16 && shape.h >= kernel && shape.w >= kernel;
}

/* The layout that a convolution runs fastest in (measured: bf16 tiles run along the image's width, and small images
 * leave them part empty unless the batch takes the width's place). */
static enum cpu_layout conv_layout(const struct cpu_graph_target *target, const struct plan_row *row,
                                   struct plan_shape in)
{
    if (target->type == CHAIN_F32)
        return target->isa >= ISA_AVX512 ? CPU_BLOCKED : CPU_NHWC;
    return small(in, row->kernel) && small(row->out, 1) ? CPU_HWNC : CPU_NHWC;
}

/* The layout of a value that nothing forces: that of its first convolution among the readers, else its source's. */
static enum cpu_layout wanted_layout(const struct cpu_graph *graph, int value, enum cpu_layout otherwise)
{
    for (int i = 0; i < graph->n_units; i++)
        if (graph->units[i].kind == CPU_UNIT_CONV && graph->units[i].x == value)
            return graph->units[i].layout;
    return otherwise;
}

static enum cpu_layout input_layout(const struct cpu_graph *graph, const struct cpu_graph_target *target)
{
    bool plain = target->type == CHAIN_F32 && graph->values[0].shape.c <= IMAGE_CHANNELS_MAX;
    for (int i = 0; i < graph->n_units; i++) {
        const struct cpu_unit *unit = &graph->units[i];
        if ((unit->x == 0 && (unit->kind != CPU_UNIT_CONV || unit->layout != CPU_BLOCKED)) || unit->skip == 0)
            plain = false;
    }
    return plain ? CPU_NCHW : wanted_layout(graph, 0, CPU_NHWC);
}

static void choose_layouts(struct cpu_graph *graph, const struct plan *plan, const struct cpu_graph_target *target)
{
    for (int i = 0; i < graph->n_units; i++) {
        struct cpu_unit *unit = &graph->units[i];
        if (unit->kind == CPU_UNIT_CONV)
            unit->layout = conv_layout(target, &plan->rows[unit->rows[0]], graph->values[unit->x].shape);
    }
    graph->values[0].layout = input_layout(graph, target);
    for (int i = 1; i < graph->n_values; i++) {
        struct cpu_value *value = &graph->values[i];
        const struct cpu_unit *producer = &graph->units[value->producer];
        enum cpu_layout source = graph->values[producer->x].layout;
        if (producer->kind == CPU_UNIT_CONV)
            value->layout = producer->layout;
        else if (producer->kind == CPU_UNIT_LINEAR)
            value->layout = CPU_LOGITS;
        else
            value->layout = wanted_layout(graph, i, source == CPU_LOGITS || source == CPU_NCHW ? CPU_NHWC : source);
    }
}

/* What a unit needs its operand to be, given what it is. */
static enum cpu_layout required_layout(const struct cpu_unit *unit, const struct cpu_value *value)
{
    enum cpu_layout view = value->layout == CPU_LOGITS ? CPU_NHWC : value->layout;
    switch (unit->kind) {
    case CPU_UNIT_CONV:
        return value->layout == CPU_NCHW ? CPU_NCHW : unit->layout;
    case CPU_UNIT_LINEAR:
        return value->shape.h == 1 && value->shape.w == 1 ? view : CPU_FLAT;
    case CPU_UNIT_LOSS:
        return CPU_LOGITS;
    default:
        return view;
    }
}

/* The value in the layout that the unit needs: itself, a copy made before, or a new conversion's. */
static int converted(struct cpu_graph *to, const struct plan *plan, const struct cpu_unit *unit, int value)
{
    struct cpu_value *v = &to->values[value];
    enum cpu_layout layout = required_layout(unit, v);
    if (layout == v->layout)
        return value;
    for (int i = 0; i < to->n_units; i++)
        if (to->units[i].kind == CPU_UNIT_CONVERT && to->units[i].x == value &&
            to->values[to->units[i].out].layout == layout)
            return to->units[i].out;
    struct cpu_unit *convert = &to->units[to->n_units];
    *convert = (struct cpu_unit){.kind = CPU_UNIT_CONVERT, .x = value, .skip = -1, .norm_row = -1};
    convert->chain.pool = 1;
    convert->out = add_value(to, plan, v->row, to->n_units, layout);
    to->n_units++;
    return convert->out;
}

/* The same graph with conversions put in before the units that need them. */
static void insert_conversions(struct cpu_graph *to, const struct cpu_graph *from, const struct plan *plan)
{
    int renamed[CPU_VALUES_MAX] = {0};
    to->n_units = to->n_values = 0;
    to->values[to->n_values++] = from->values[0];
    for (int i = 0; i < from->n_units; i++) {
        struct cpu_unit unit = from->units[i];
        unit.x = converted(to, plan, &unit, renamed[unit.x]);
        if (unit.skip >= 0)
            unit.skip = converted(to, plan, &unit, renamed[unit.skip]);
        if (unit.out >= 0) {
            renamed[unit.out] =
                add_value(to, plan, from->values[unit.out].row, to->n_units, from->values[unit.out].layout);
            unit.out = renamed[unit.out];
        }
        to->units[to->n_units++] = unit;
    }
}

static void mark_gradients(struct cpu_graph *graph, const struct plan *plan)
{
    for (int i = 0; i < graph->n_units; i++) {
        const struct cpu_unit *unit = &graph->units[i];
        graph->values[unit->x].readers++;
        bool gradient = graph->values[unit->x].gradient;
        if (unit->skip >= 0) {
            graph->values[unit->skip].readers++;
            gradient |= graph->values[unit->skip].gradient;
        }
        for (int k = 0; k < unit->n_rows; k++)
            gradient |= plan_row_trained(plan, unit->rows[k]);
        if (unit->out >= 0)
            graph->values[unit->out].gradient = gradient;
    }
}

int cpu_graph_init(struct cpu_graph *graph, const struct plan *plan, const struct cpu_graph_target *target,
                   struct error *err)
{
    struct match *match = malloc(sizeof *match);
    struct cpu_graph *plain = malloc(sizeof *plain);
    if (!match || !plain) {
        free(match);
        free(plain);
        return error_set(err, "out of memory for the network's graph");
    }
    int value_of[PLAN_ROWS_MAX] = {0};
    match_rows(match, plan);
    plain->n_units = plain->n_values = 0;
    value_of[0] = add_value(plain, plan, 0, -1, CPU_NHWC);
    for (int row = 1; row < plan->n_rows; row++)
        if (!match->taken[row])
            add_unit(plain, match, row, value_of);
    choose_layouts(plain, plan, target);
    insert_conversions(graph, plain, plan);
    mark_gradients(graph, plan);
    free(match);
    free(plain);
    return 0;
}
