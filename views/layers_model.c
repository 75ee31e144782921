#include "views/layers_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void layers_model_init(struct layers_model *model)
{
    *model = (struct layers_model){.state = LAYERS_NO_RUN, .cursor = -1, .first = -1, .step_ms = NAN, .looked_ms = NAN};
}

void layers_model_clear(struct layers_model *model)
{
    model->state = LAYERS_NO_RUN;
    layers_model_alone(model);
    timing_release(&model->timing);
    free(model->nodes);
    free(model->shown);
    model->nodes = NULL;
    model->shown = NULL;
    model->n_nodes = model->n_shown = 0;
    model->first = model->cursor = -1;
    model->step_ms = model->looked_ms = NAN;
    model->folded = 0;
}

void layers_model_release(struct layers_model *model)
{
    layers_model_clear(model);
    layers_model_init(model);
}

/* ---- the tree ---- */

static int find_block(const struct layers_model *model, const char *path, size_t length)
{
    for (int i = 0; i < model->n_nodes; i++)
        if (model->nodes[i].is_block && strlen(model->nodes[i].path) == length &&
            memcmp(model->nodes[i].path, path, length) == 0)
            return i;
    return -1;
}

static int add_node(struct layers_model *model, const char *path, size_t length, int name, int parent)
{
    struct layers_node *node = &model->nodes[model->n_nodes];
    memset(node, 0, sizeof *node);
    snprintf(node->path, sizeof node->path, "%.*s", (int)length, path);
    node->name = name;
    node->parent = parent;
    node->depth = parent < 0 ? 0 : model->nodes[parent].depth + 1;
    node->row = node->first = node->next = -1;
    for (int p = 0; p < PHASE_COUNT; p++)
        node->fused[p] = -1;
    return model->n_nodes++;
}

static int make_block(struct layers_model *model, const char *path, size_t length, int name, int parent)
{
    int block = find_block(model, path, length);
    if (block < 0) {
        block = add_node(model, path, length, name, parent);
        model->nodes[block].is_block = 1;
    }
    return block;
}

/* 1: other rows' names begin with it, "whiten" and "whiten/act": what belongs together is one block. */
static int leads_others(const struct timing *timing, const char *path)
{
    size_t length = strlen(path);
    for (int i = 0; i < timing->n_rows; i++)
        if (strncmp(timing->rows[i].name, path, length) == 0 && timing->rows[i].name[length] == '/')
            return 1;
    return 0;
}

/* The row's blocks that are not there yet, then the row itself. */
static void add_row(struct layers_model *model, int row)
{
    const char *path = model->timing.rows[row].name;
    int parent = -1, name = 0;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path);
        parent = make_block(model, path, length, name, parent);
        name = (int)length + 1;
    }
    if (leads_others(&model->timing, path))
        parent = make_block(model, path, strlen(path), name, parent);
    model->nodes[add_node(model, path, strlen(path), name, parent)].row = row;
}

static int unowned(const struct timing *timing, enum phase phase)
{
    for (int i = 0; i < timing->n_steps; i++)
        if (timing->steps[i].phase == phase && timing->steps[i].n_rows == 0)
            return 1;
    return 0;
}

static int make_nodes(struct layers_model *model)
{
    const struct timing *timing = &model->timing;
    size_t room = PHASE_COUNT + 1;
    for (int i = 0; i < timing->n_rows; i++) {
        room += 2;
        for (const char *c = timing->rows[i].name; *c; c++)
            room += *c == '/';
    }
    model->nodes = calloc(room, sizeof *model->nodes);
    model->shown = calloc(room, sizeof *model->shown);
    if (!model->nodes || !model->shown)
        return -1;
    for (int i = 0; i < timing->n_rows; i++)
        add_row(model, i);
    for (int p = 0; p < PHASE_COUNT; p++)
        if (unowned(timing, (enum phase)p)) {
            char name[32];
            int length = snprintf(name, sizeof name, "(%s, all)", phase_name((enum phase)p));
            add_node(model, name, (size_t)length, 0, -1);
        }
    return 0;
}

static int same_rows(const struct timing *a, const struct timing *b)
{
    if (a->n_rows != b->n_rows || a->n_rows == 0)
        return 0;
    for (int i = 0; i < a->n_rows; i++)
        if (strcmp(a->rows[i].name, b->rows[i].name) != 0)
            return 0;
    for (int p = 0; p < PHASE_COUNT; p++)
        if (unowned(a, (enum phase)p) != unowned(b, (enum phase)p))
            return 0;
    return 1;
}

/* ---- times ---- */

unsigned layers_phase_mask(const struct layers_model *model)
{
    static const unsigned masks[LAYERS_PHASES] = {
        [LAYERS_ALL_PHASES] = TIMING_ALL_PHASES,
        [LAYERS_FORWARD] = 1u << PHASE_FORWARD,
        [LAYERS_BACKWARD] = 1u << PHASE_BACKWARD,
    };
    return masks[model->phases];
}

static void clear_times(struct layers_node *node)
{
    node->own = 0;
    for (int p = 0; p < PHASE_COUNT; p++)
        node->ms[p] = NAN;
}

/* Time of its own in a phase; one that is not known makes the sums unknown. */
static void add_time(struct layers_node *node, int phase, double ms)
{
    node->ms[phase] = node->own >> phase & 1 ? node->ms[phase] + ms : ms;
    node->own |= 1u << phase;
}

static void fill_row(const struct timing *timing, struct layers_node *node)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        struct timing_cell cell = timing_cell(timing, node->row, (enum phase)p);
        node->fused[p] = cell.kind == TIMING_FUSED ? cell.fused_into : -1;
        if (cell.kind == TIMING_OWN)
            add_time(node, p, cell.ms);
    }
}

static void fill_unowned(const struct timing *timing, struct layers_node *node, int phase)
{
    for (int i = 0; i < timing->n_steps; i++)
        if (timing->steps[i].phase == (enum phase)phase && timing->steps[i].n_rows == 0)
            add_time(node, phase, timing->steps[i].ms);
}

static void add_to_blocks(struct layers_model *model, const struct layers_node *node)
{
    for (int at = node->parent; at >= 0; at = model->nodes[at].parent)
        for (int p = 0; p < PHASE_COUNT; p++)
            if (node->own >> p & 1)
                add_time(&model->nodes[at], p, node->ms[p]);
}

/* Of the phases in the mask that there are; NaN: none, or one of them is not known. */
static double sum_of(const double ms[PHASE_COUNT], unsigned own, unsigned mask)
{
    double sum = own & mask ? 0 : (double)NAN;
    for (int p = 0; p < PHASE_COUNT; p++)
        if (own & mask & 1u << p)
            sum += ms[p];
    return sum;
}

static void sum_up(struct layers_model *model)
{
    unsigned mask = layers_phase_mask(model), there = 0;
    double ms[PHASE_COUNT];
    for (int i = 0; i < model->n_nodes; i++) {
        struct layers_node *node = &model->nodes[i];
        node->total = sum_of(node->ms, node->own, mask);
        memset(&node->sum, 0, sizeof node->sum);
    }
    for (int i = 0; i < model->n_nodes; i++) { /* what is not a block, and all blocks around it */
        const struct layers_node *node = &model->nodes[i];
        if (node->is_block)
            continue;
        struct timing_sum sum = timing_sum(&model->timing, node->row, node->row < 0 ? mask & node->own : mask);
        for (int at = i; at >= 0; at = model->nodes[at].parent)
            timing_sum_add(&model->nodes[at].sum, &sum);
    }
    for (int p = 0; p < PHASE_COUNT; p++)
        ms[p] = timing_phase_ms(&model->timing, (enum phase)p);
    for (int i = 0; i < model->timing.n_steps; i++)
        there |= 1u << model->timing.steps[i].phase;
    model->step_ms = timing_step_ms(&model->timing);
    model->looked_ms = model->phases == LAYERS_ALL_PHASES ? model->step_ms : sum_of(ms, there, mask);
}

static void fill(struct layers_model *model)
{
    int phase = 0;
    for (int i = 0; i < model->n_nodes; i++)
        clear_times(&model->nodes[i]);
    for (int i = 0; i < model->n_nodes; i++) {
        struct layers_node *node = &model->nodes[i];
        if (node->row >= 0) {
            fill_row(&model->timing, node);
        } else if (!node->is_block) { /* the n-th of these has the n-th phase that has steps without rows */
            while (!unowned(&model->timing, (enum phase)phase))
                phase++;
            fill_unowned(&model->timing, node, phase++);
        }
        add_to_blocks(model, node);
    }
    sum_up(model);
}

/* ---- what is shown, in which order ---- */

/* By time: the longest, or what changed most, first, those without a time of their own last, equal ones in order. */
static int comes_before(const struct layers_model *model, int a, int b)
{
    double x = model->nodes[a].total, y = model->nodes[b].total;
    if (model->against.on) {
        x = fabs(model->nodes[a].change.change);
        y = fabs(model->nodes[b].change.change);
    }
    if (model->sort == LAYERS_BY_TIME && x != y && !(isnan(x) && isnan(y)))
        return isnan(y) || x > y;
    return a < b;
}

static void link_nodes(struct layers_model *model)
{
    model->first = -1;
    for (int i = 0; i < model->n_nodes; i++)
        model->nodes[i].first = -1;
    for (int i = 0; i < model->n_nodes; i++) {
        struct layers_node *node = &model->nodes[i];
        if (model->flat && node->is_block)
            continue;
        int *at = model->flat || node->parent < 0 ? &model->first : &model->nodes[node->parent].first;
        while (*at >= 0 && comes_before(model, *at, i))
            at = &model->nodes[*at].next;
        node->next = *at;
        *at = i;
    }
}

static void list_shown(struct layers_model *model)
{
    model->n_shown = 0;
    for (int at = model->first; at >= 0;) {
        const struct layers_node *node = &model->nodes[at];
        model->shown[model->n_shown++] = at;
        if (!model->flat && node->is_block && node->open && node->first >= 0) {
            at = node->first;
            continue;
        }
        while (at >= 0 && model->nodes[at].next < 0)
            at = model->flat ? -1 : model->nodes[at].parent;
        at = at >= 0 ? model->nodes[at].next : -1;
    }
}

static int is_shown(const struct layers_model *model, int node)
{
    for (int i = 0; i < model->n_shown; i++)
        if (model->shown[i] == node)
            return 1;
    return 0;
}

/* As many levels as there are lines for. */
static void open_what_fits(struct layers_model *model)
{
    int level = 0;
    for (int next = 1; next < PLAN_NAME_MAX; next++) {
        int lines = 0, more = 0;
        for (int i = 0; i < model->n_nodes; i++) {
            lines += model->nodes[i].depth <= next;
            more |= model->nodes[i].depth == next;
        }
        if (!more || lines > model->page)
            break;
        level = next;
    }
    for (int i = 0; i < model->n_nodes; i++)
        model->nodes[i].open = model->nodes[i].depth < level;
}

static void arrange(struct layers_model *model)
{
    if (!model->folded)
        open_what_fits(model);
    link_nodes(model);
    list_shown(model);
    while (model->cursor >= 0 && !is_shown(model, model->cursor))
        model->cursor = model->nodes[model->cursor].parent;
    if (model->cursor < 0 && model->n_shown > 0)
        model->cursor = model->shown[0];
}

/* Where the eye should begin. */
static void select_longest(struct layers_model *model)
{
    double longest = 0;
    for (int i = 0; i < model->n_shown; i++)
        if (model->nodes[model->shown[i]].total > longest) {
            model->cursor = model->shown[i];
            longest = model->nodes[model->cursor].total;
        }
}

int layers_model_take(struct layers_model *model, struct timing *timing)
{
    if (model->state == LAYERS_READY && same_rows(&model->timing, timing)) {
        timing_release(&model->timing);
        model->timing = *timing;
    } else {
        layers_model_clear(model);
        model->timing = *timing;
        if (make_nodes(model)) {
            layers_model_clear(model);
            return -1;
        }
        model->state = LAYERS_READY;
    }
    int fresh = model->n_shown == 0;
    fill(model);
    layers_against_update(model);
    arrange(model);
    if (fresh)
        select_longest(model);
    return 0;
}

/* ---- keys ---- */

int layers_model_line(const struct layers_model *model)
{
    for (int i = 0; i < model->n_shown; i++)
        if (model->shown[i] == model->cursor)
            return i;
    return 0;
}

void layers_model_select(struct layers_model *model, int line)
{
    if (line >= 0 && line < model->n_shown)
        model->cursor = model->shown[line];
}

void layers_model_move(struct layers_model *model, int by)
{
    long line = (long)layers_model_line(model) + by;
    if (model->n_shown > 0)
        model->cursor = model->shown[line < 0 ? 0 : line >= model->n_shown ? model->n_shown - 1 : line];
}

static void set_open(struct layers_model *model, int open)
{
    model->folded = 1;
    model->nodes[model->cursor].open = open;
    arrange(model);
}

static int on_block(const struct layers_model *model)
{
    return model->cursor >= 0 && !model->flat && model->nodes[model->cursor].is_block;
}

void layers_model_open(struct layers_model *model)
{
    if (!on_block(model))
        return;
    if (model->nodes[model->cursor].open)
        model->cursor = model->nodes[model->cursor].first;
    else
        set_open(model, 1);
}

void layers_model_fold(struct layers_model *model)
{
    if (on_block(model) && model->nodes[model->cursor].open)
        set_open(model, 0);
    else if (!model->flat && model->cursor >= 0 && model->nodes[model->cursor].parent >= 0)
        model->cursor = model->nodes[model->cursor].parent;
}

void layers_model_toggle(struct layers_model *model)
{
    if (on_block(model))
        set_open(model, !model->nodes[model->cursor].open);
}

int layers_model_any_open(const struct layers_model *model)
{
    int any = 0;
    for (int i = 0; i < model->n_nodes; i++)
        any |= model->nodes[i].is_block && model->nodes[i].open;
    return any;
}

void layers_model_fold_all(struct layers_model *model)
{
    int any = layers_model_any_open(model);
    model->folded = 1;
    model->flat = 0;
    for (int i = 0; i < model->n_nodes; i++)
        model->nodes[i].open = !any;
    arrange(model);
}

void layers_model_set_sort(struct layers_model *model, enum layers_sort sort)
{
    model->sort = sort;
    arrange(model);
}

void layers_model_set_phases(struct layers_model *model, enum layers_phases phases)
{
    model->phases = phases;
    sum_up(model);
    layers_against_update(model);
    arrange(model);
}

void layers_model_set_flat(struct layers_model *model, int flat)
{
    model->flat = flat;
    arrange(model);
}

void layers_model_set_page(struct layers_model *model, int lines)
{
    if (lines == model->page)
        return;
    model->page = lines;
    arrange(model);
}

/* ---- history ---- */

static int is_within(const struct layers_model *model, int node, int block)
{
    while (node >= 0 && node != block)
        node = model->nodes[node].parent;
    return node >= 0;
}

/* The node that a step of the program belongs to. */
static int node_of(const struct layers_model *model, const struct timing_step *step)
{
    for (int i = 0; i < model->n_nodes; i++) {
        const struct layers_node *node = &model->nodes[i];
        if (step->n_rows > 0 ? node->row == step->rows[0]
                             : node->row < 0 && !node->is_block && node->own >> step->phase & 1)
            return i;
    }
    return -1;
}

int layers_node_history(const struct layers_model *model, int node, double ms[TIMING_HISTORY_MAX])
{
    const struct timing *timing = &model->timing;
    int found = 0;
    for (int e = 0; e < timing->n_history; e++)
        ms[e] = 0;
    for (int s = 0; s < timing->n_steps; s++) {
        if (!(layers_phase_mask(model) >> timing->steps[s].phase & 1) ||
            !is_within(model, node_of(model, &timing->steps[s]), node))
            continue;
        found = 1;
        for (int e = 0; e < timing->n_history; e++)
            ms[e] += (double)timing->history[(size_t)e * (size_t)timing->n_steps + (size_t)s];
    }
    return found ? timing->n_history : 0;
}
