/* The Layers model's second run: what each node's time changed by, from engine/timing_diff. */
#include "views/layers_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int compared_phase(const struct layers_model *model)
{
    return model->phases == LAYERS_FORWARD ? PHASE_FORWARD : model->phases == LAYERS_BACKWARD ? PHASE_BACKWARD : -1;
}

/* 1: the name is one of those in the list, which has ", " between them. */
static int lists(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
            return 1;
    return 0;
}

/* What has one phase only has one line, of that phase. */
static int is_of_phase(const struct timing_diff *diff, int line, int phase)
{
    const struct timing_diff_line *l = &diff->lines[line];
    if (l->phase == phase)
        return 1;
    int follows = line > 0 && diff->lines[line - 1].kind == l->kind && strcmp(l[-1].name, l->name) == 0;
    int leads = line + 1 < diff->n_lines && l[1].kind == l->kind && strcmp(l[1].name, l->name) == 0;
    return phase < 0 && !follows && !leads;
}

static struct layers_change nothing(void)
{
    return (struct layers_change){.line = -1, .with = -1, .a = NAN, .b = NAN, .change = NAN, .low = NAN, .high = NAN};
}

static struct layers_change of_line(const struct timing_diff *diff, int line)
{
    const struct timing_diff_line *l = &diff->lines[line];
    return (struct layers_change){line, -1, l->a, l->b, l->change, l->low, l->high, l->verdict};
}

struct layers_change layers_total_change(const struct layers_model *model)
{
    const struct timing_diff *diff = &model->against.diff;
    int phase = compared_phase(model);
    for (int i = 0; i < diff->n_lines; i++)
        if (diff->lines[i].kind == (phase < 0 ? TIMING_DIFF_TOTAL : TIMING_DIFF_PART) &&
            strcmp(diff->lines[i].name, phase < 0 ? "step" : phase_name((enum phase)phase)) == 0)
            return of_line(diff, i);
    return nothing();
}

struct layers_change layers_part_change(const struct layers_model *model, const char *name)
{
    const struct timing_diff *diff = &model->against.diff;
    for (int i = 0; i < diff->n_lines; i++)
        if (diff->lines[i].kind == TIMING_DIFF_PART && strcmp(diff->lines[i].name, name) == 0)
            return of_line(diff, i);
    return nothing();
}

/* Of rows, or of a block that is a block of the difference too. */
static struct layers_change find_line(const struct layers_model *model, const struct layers_node *node)
{
    const struct timing_diff *diff = &model->against.diff;
    int phase = compared_phase(model);
    struct layers_change found = nothing();
    for (int i = 0; i < diff->n_lines; i++) {
        const struct timing_diff_line *line = &diff->lines[i];
        if (line->kind != (node->is_block ? TIMING_DIFF_BLOCK : TIMING_DIFF_ROW) || !is_of_phase(diff, i, phase))
            continue;
        if (strcmp(line->name, node->path) == 0)
            return of_line(diff, i);
        if (!node->is_block && lists(line->with, node->path)) {
            found.with = i;
            found.verdict = line->verdict;
        }
    }
    return found;
}

/* A block inside a block: its rows' lines together, their errors taken as independent. */
static void add_up(struct layers_change *sum, const struct layers_change *more)
{
    double half = (more->high - more->low) / 2, before = (sum->high - sum->low) / 2;
    if (more->line < 0 || more->verdict == TIMING_DIFF_ONLY_A)
        return;
    if (sum->line < 0) {
        *sum = *more;
        return;
    }
    sum->b += more->b;
    if (sum->verdict == TIMING_DIFF_ONLY_B && more->verdict == TIMING_DIFF_ONLY_B)
        return; /* as the whole block is */
    sum->a += more->a;
    sum->change += more->change;
    sum->low = sum->change - hypot(half, before);
    sum->high = sum->change + hypot(half, before);
    if (isnan(sum->low))
        sum->verdict = TIMING_DIFF_UNKNOWN;
    else if ((sum->low <= 0 && sum->high >= 0) || fabs(sum->change) < TIMING_DIFF_LEAST_MS)
        sum->verdict = TIMING_DIFF_NOISE;
    else
        sum->verdict = TIMING_DIFF_DIFFERS; /* one run a side */
}

static void fill(struct layers_model *model)
{
    for (int i = 0; i < model->n_nodes; i++)
        model->nodes[i].change = find_line(model, &model->nodes[i]);
    for (int i = 0; i < model->n_nodes; i++) {
        struct layers_node *block = &model->nodes[i];
        if (!block->is_block || block->change.line >= 0)
            continue;
        for (int k = 0; k < model->n_nodes; k++) {
            const struct layers_node *node = &model->nodes[k];
            int within = node->parent;
            while (within >= 0 && within != i)
                within = model->nodes[within].parent;
            if (within == i && !node->is_block)
                add_up(&block->change, &node->change);
        }
    }
}

void layers_against_update(struct layers_model *model)
{
    struct layers_against *against = &model->against;
    struct error err = {""};
    if (!against->on || model->state != LAYERS_READY)
        return;
    timing_diff_release(&against->diff);
    struct timing_diff_run runs[2] = {{against->name, &against->timing, against->contended},
                                      {"this run", &model->timing, 0}};
    const struct timing_diff_side a = {&runs[0], 1}, b = {&runs[1], 1};
    if (timing_diff_make(&against->diff, &a, &b, 0, &err)) {
        layers_model_alone(model);
        return;
    }
    fill(model);
}

int layers_model_against(struct layers_model *model, struct timing *timing, const char *name, int contended,
                         struct error *err)
{
    struct timing_diff_run runs[2] = {{name, timing, contended}, {"this run", &model->timing, 0}};
    const struct timing_diff_side a = {&runs[0], 1}, b = {&runs[1], 1};
    struct timing_diff diff;
    if (timing_diff_make(&diff, &a, &b, 0, err)) {
        timing_release(timing);
        return -1;
    }
    layers_model_alone(model);
    model->against = (struct layers_against){.on = 1, .timing = *timing, .diff = diff, .contended = contended};
    snprintf(model->against.name, sizeof model->against.name, "%s", name);
    fill(model);
    layers_model_set_sort(model, model->sort); /* by time is by change now */
    return 0;
}

void layers_model_alone(struct layers_model *model)
{
    if (model->against.on) {
        timing_release(&model->against.timing);
        timing_diff_release(&model->against.diff);
    }
    memset(&model->against, 0, sizeof model->against);
    for (int i = 0; i < model->n_nodes; i++)
        model->nodes[i].change = nothing();
    if (model->state == LAYERS_READY)
        layers_model_set_sort(model, model->sort);
}

int layers_only_there(const struct layers_model *model)
{
    const struct timing_diff *diff = &model->against.diff;
    int n = 0;
    for (int i = 0; i < diff->n_lines; i++)
        n += diff->lines[i].kind == TIMING_DIFF_ROW && diff->lines[i].verdict == TIMING_DIFF_ONLY_A &&
             is_of_phase(diff, i, -1);
    return n;
}
