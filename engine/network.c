#include "engine/network.h"

#include "engine/nearest.h"
#include "engine/network_rewrite.h"
#include "engine/network_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nodes are checked and given their shapes by lowering each as it is made. */
struct builder {
    struct network *network;
    struct plan *plan;
    const struct network_line *line;  /* the one being built; NULL: input and loss */
    int last;                         /* the node whose output the next one takes by default */
    int block_end[NETWORK_LINES_MAX]; /* the node that a line's name stands for */
    const struct network_line *lines;
    int n_done;
    struct error *err;
};

static void name_node(struct network_node *node, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void name_node(struct network_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(node->name, sizeof node->name, format, args);
    va_end(args);
}

static int fail(struct builder *b)
{
    return b->line ? error_prefix(b->err, "network line %d", b->line->line) : error_prefix(b->err, "network");
}

/* Appends a node; its input[0] is -1 for "the one before". Returns its index, or -1. */
static int append(struct builder *b, struct network_node *node)
{
    struct network *network = b->network;
    if (network->n_nodes == NETWORK_NODES_MAX) {
        error_set(b->err, "more than %d nodes; use fewer or shorter blocks", NETWORK_NODES_MAX);
        return fail(b);
    }
    if (node->op != PLAN_INPUT) {
        node->n_inputs = node->op == PLAN_ADD || node->op == PLAN_CONCAT ? 2 : 1;
        if (node->input[0] < 0)
            node->input[0] = b->last;
    }
    node->line = b->line ? b->line->line : 0;
    int index = network->n_nodes;
    network->node[index] = *node;
    if (network_lower_node(network, index, b->plan, b->err))
        return fail(b);
    network->node[index].out = b->plan->rows[index].out;
    network->n_nodes++;
    b->last = index;
    return index;
}

static int append_op(struct builder *b, const char *name, enum plan_op op, int kernel)
{
    struct network_node node = {.op = op, .input = {-1, -1}, .kernel = kernel, .stride = kernel};
    name_node(&node, "%s", name);
    return append(b, &node);
}

static int append_conv(struct builder *b, const char *name, int first)
{
    const struct network_line *line = b->line;
    int kernel = line->kernel;
    struct network_node node = {.op = PLAN_CONV,
                                .input = {-1, -1},
                                .channels = line->width,
                                .kernel = kernel,
                                .stride = first ? line->stride : 1,
                                .pad = first && line->pad >= 0 ? line->pad : kernel / 2};
    name_node(&node, "%s", name);
    return append(b, &node);
}

static int append_norm(struct builder *b, const char *name)
{
    struct network_node node = {.op = PLAN_NORM,
                                .input = {-1, -1},
                                .eps = b->line->eps,
                                .momentum = b->line->momentum,
                                .named_momentum = b->line->named_momentum};
    name_node(&node, "%s", name);
    return append(b, &node);
}

/* prefix/conv, prefix/norm, prefix/act */
static int append_conv_bn(struct builder *b, const char *prefix, int first)
{
    char name[PLAN_NAME_MAX];
    snprintf(name, sizeof name, "%s/conv", prefix);
    if (append_conv(b, name, first) < 0)
        return -1;
    snprintf(name, sizeof name, "%s/norm", prefix);
    if (append_norm(b, name) < 0)
        return -1;
    snprintf(name, sizeof name, "%s/act", prefix);
    return append_op(b, name, PLAN_ACT, 0) < 0 ? -1 : 0;
}

static int append_add(struct builder *b, const char *name, int a, int other)
{
    struct network_node add = {.op = PLAN_ADD, .input = {a, other}};
    name_node(&add, "%s", name);
    return append(b, &add);
}

/* What is added must have the shape of what went in. */
static int check_odd_kernel(struct builder *b)
{
    if (b->line->kernel % 2 == 1)
        return 0;
    error_set(b->err, "the residual branch keeps its size, so kernel= must be odd, not %d", b->line->kernel);
    return fail(b);
}

/* A block's conv_bn as NAME/conv1, then NAME/conv2 ... without pools. */
static int append_group(struct builder *b)
{
    const struct network_line *line = b->line;
    char name[PLAN_NAME_MAX];
    int trunk = -1;
    if (line->residual && check_odd_kernel(b))
        return -1;
    for (int i = 1; i <= line->convs; i++) {
        snprintf(name, sizeof name, "%s/conv%d/conv", line->name, i);
        if (append_conv(b, name, i == 1) < 0)
            return -1;
        snprintf(name, sizeof name, "%s/conv%d/norm", line->name, i);
        if (append_norm(b, name) < 0)
            return -1;
        snprintf(name, sizeof name, "%s/add", line->name);
        if (line->residual && i > 1 && i == line->convs && append_add(b, name, trunk, b->last) < 0)
            return -1;
        snprintf(name, sizeof name, "%s/conv%d/act", line->name, i);
        if (append_op(b, name, PLAN_ACT, 0) < 0)
            return -1;
        snprintf(name, sizeof name, "%s/pool", line->name);
        if (i == 1 && line->pool && append_op(b, name, PLAN_MAX_POOL, line->pool) < 0)
            return -1;
        trunk = i == 1 ? b->last : trunk;
    }
    return 0;
}

/* NAME/block1/norm1, act1, conv1, norm2, act2, conv2, shortcut (where shapes differ), add: He et al.,
 * arXiv:1603.05027, with the shortcut after the first activation as DAWNBench's winner of 2018 had it. */
static int append_preact(struct builder *b)
{
    const struct network_line *line = b->line;
    char name[PLAN_NAME_MAX];
    if (check_odd_kernel(b))
        return -1;
    for (int block = 1; block <= line->blocks; block++) {
        int stride = block == 1 ? line->stride : 1, start = -1;
        for (int i = 1; i <= 2; i++) {
            snprintf(name, sizeof name, "%s/block%d/norm%d", line->name, block, i);
            if (append_norm(b, name) < 0)
                return -1;
            snprintf(name, sizeof name, "%s/block%d/act%d", line->name, block, i);
            if (append_op(b, name, PLAN_ACT, 0) < 0)
                return -1;
            start = i == 1 ? b->last : start;
            snprintf(name, sizeof name, "%s/block%d/conv%d", line->name, block, i);
            if (append_conv(b, name, i == 1 && block == 1) < 0)
                return -1;
        }
        int branch = b->last, trunk = start;
        if (stride > 1 || b->network->node[start].out.c != line->width) {
            struct network_node shortcut = {
                .op = PLAN_CONV, .input = {start, -1}, .channels = line->width, .kernel = 1, .stride = stride};
            name_node(&shortcut, "%s/block%d/shortcut", line->name, block);
            trunk = append(b, &shortcut);
        }
        snprintf(name, sizeof name, "%s/block%d/add", line->name, block);
        if (trunk < 0 || append_add(b, name, branch, trunk) < 0)
            return -1;
    }
    return 0;
}

static int append_residual(struct builder *b)
{
    int trunk = b->last;
    char name[PLAN_NAME_MAX];
    struct network_line inner = *b->line;
    if (check_odd_kernel(b))
        return -1;
    for (int i = 1; i <= inner.convs; i++) {
        snprintf(name, sizeof name, "%s/residual/res%d", inner.name, i);
        if (append_conv_bn(b, name, 0))
            return -1;
    }
    snprintf(name, sizeof name, "%s/residual/add", inner.name);
    return append_add(b, name, trunk, b->last) < 0 ? -1 : 0;
}

static int append_whiten(struct builder *b)
{
    const struct network_line *line = b->line;
    struct network *network = b->network;
    struct whiten whiten = {
        .kernel = line->kernel, .negatives = line->kernel % 2 == 0, .eps = line->eps, .images = (uint32_t)line->images};
    struct network_node node;
    if (b->last != 0) {
        error_set(b->err, "'%s' whitens images, but it takes what '%s' gives; put it first, or say from=input",
                  line->name, network->node[b->last].name);
        return fail(b);
    }
    int other = network_find_whiten(network);
    if (other >= 0) {
        error_set(b->err, "the images are whitened by '%s' already; take one of the two lines out",
                  network->node[other].name);
        return fail(b);
    }
    network_whiten_node(&node, &whiten, line->bias_epochs, network->node[0].out.c);
    name_node(&node, "%s", line->name);
    return append(b, &node) < 0 ? -1 : 0;
}

/* A node by name: a line's name stands for its last node. -1 with err. */
static int find_input(struct builder *b, const char *name)
{
    if (strcmp(name, "input") == 0)
        return 0;
    char hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (int i = 0; i < b->n_done; i++) {
        if (strcmp(b->lines[i].name, name) == 0)
            return b->block_end[i];
        nearest_offer(&nearest, b->lines[i].name);
    }
    for (int i = 0; i < b->network->n_nodes; i++)
        if (strcmp(b->network->node[i].name, name) == 0)
            return i;
    error_set(b->err, "no earlier line is named '%s'%s", name, nearest_hint(&nearest, hint, sizeof hint));
    return fail(b);
}

static int append_line(struct builder *b, double logit_scale, int classes)
{
    const struct network_line *line = b->line;
    struct network_node node = {.input = {-1, -1}};
    name_node(&node, "%s", line->name);
    char name[PLAN_NAME_MAX];
    switch (line->kind) {
    case NETWORK_CONV_BN:
    case NETWORK_BLOCK:
    case NETWORK_RES_BLOCK:
        if (append_conv_bn(b, line->name, 1))
            return -1;
        snprintf(name, sizeof name, "%s/pool", line->name);
        if (line->kind != NETWORK_CONV_BN && line->pool && append_op(b, name, PLAN_MAX_POOL, line->pool) < 0)
            return -1;
        return line->kind == NETWORK_RES_BLOCK ? append_residual(b) : 0;
    case NETWORK_GROUP:
        return append_group(b);
    case NETWORK_PREACT:
        return append_preact(b);
    case NETWORK_CONV:
        return append_conv(b, line->name, 1) < 0 ? -1 : 0;
    case NETWORK_WHITEN:
        return append_whiten(b);
    case NETWORK_NORM:
        return append_norm(b, line->name) < 0 ? -1 : 0;
    case NETWORK_ACT:
        node.op = PLAN_ACT;
        break;
    case NETWORK_RELU:
    case NETWORK_CELU:
    case NETWORK_GELU:
    case NETWORK_SILU:
        node.op = PLAN_ACT;
        node.act = (enum plan_act)(PLAN_ACT_RELU + (line->kind - NETWORK_RELU));
        node.alpha = node.act == PLAN_ACT_CELU ? line->alpha : 0;
        node.named_act = 1;
        break;
    case NETWORK_MAX_POOL:
    case NETWORK_AVG_POOL:
        node.op = line->kind == NETWORK_MAX_POOL ? PLAN_MAX_POOL : PLAN_AVG_POOL;
        node.kernel = node.stride = line->kernel;
        break;
    case NETWORK_GLOBAL_MAX:
        node.op = PLAN_GLOBAL_MAX;
        break;
    case NETWORK_GLOBAL_AVG:
        node.op = PLAN_GLOBAL_AVG;
        break;
    case NETWORK_ADD:
    case NETWORK_CONCAT:
        node.op = line->kind == NETWORK_ADD ? PLAN_ADD : PLAN_CONCAT;
        for (int i = 0; i < 2; i++)
            if ((node.input[i] = find_input(b, line->from[i])) < 0)
                return -1;
        break;
    case NETWORK_LINEAR:
        node.op = PLAN_LINEAR;
        node.channels = line->width ? line->width : classes;
        node.factor = isnan(line->scale) ? logit_scale : line->scale;
        node.bias = line->bias;
        break;
    case NETWORK_KIND_COUNT:
        break;
    }
    return append(b, &node) < 0 ? -1 : 0;
}

static int check_used(const struct network *network, struct error *err)
{
    for (int i = 0; i < network->n_nodes - 1; i++) {
        int used = 0;
        for (int j = i + 1; j < network->n_nodes && !used; j++)
            for (int k = 0; k < network->node[j].n_inputs; k++)
                used |= network->node[j].input[k] == i;
        const struct network_node *node = &network->node[i];
        if (!used && i == 0)
            return error_set(err, "network: nothing uses the input");
        if (!used)
            return error_set(err,
                             "network line %d: nothing uses the output of '%s'; remove it or refer to it with "
                             "from=, add or concat",
                             node->line, node->name);
    }
    return 0;
}

static int build(struct builder *b, const struct recipe *recipe, struct plan_shape image, int n_lines)
{
    struct network_node input = {.op = PLAN_INPUT, .input = {-1, -1}, .out = image};
    name_node(&input, "input");
    if (append(b, &input) < 0)
        return -1;
    for (int i = 0; i < n_lines; i++) {
        b->line = &b->lines[i];
        b->n_done = i;
        if (b->lines[i].kind != NETWORK_ADD && b->lines[i].kind != NETWORK_CONCAT && b->lines[i].from[0][0] &&
            (b->last = find_input(b, b->lines[i].from[0])) < 0)
            return -1;
        if (append_line(b, i == n_lines - 1 ? recipe->logit_scale : 1, b->network->classes))
            return -1;
        b->block_end[i] = b->last;
    }
    struct plan_shape out = b->network->node[b->last].out;
    if (out.c != b->network->classes || out.h != 1 || out.w != 1) {
        error_set(b->err,
                  "the last line must give one number for each of %d classes, but '%s' gives %d x %d x %d; end with "
                  "'logits = linear'",
                  b->network->classes, b->line->name, out.c, out.h, out.w);
        return fail(b);
    }
    struct network_node loss = {.op = PLAN_LOSS, .input = {-1, -1}, .smoothing = recipe_smoothing(recipe)};
    name_node(&loss, "loss");
    b->line = NULL;
    return append(b, &loss) < 0 ? -1 : check_used(b->network, b->err);
}

/* As the recipe's knobs want it, with the shapes that it then has. */
static int rewrite(struct builder *b, const struct recipe *recipe)
{
    struct network *network = b->network;
    if (network_rewrite_nodes(recipe, network, b->err))
        return -1;
    plan_init(b->plan);
    for (int i = 0; i < network->n_nodes; i++) {
        if (network_lower_node(network, i, b->plan, b->err))
            return error_prefix(b->err, "network line %d", network->node[i].line);
        network->node[i].out = b->plan->rows[i].out;
    }
    return 0;
}

int network_build(const struct recipe *recipe, struct plan_shape image, int classes, struct network *network,
                  struct error *err)
{
    struct network_line *lines = calloc(NETWORK_LINES_MAX, sizeof *lines);
    struct plan *plan = malloc(sizeof *plan);
    int result = -1;
    memset(network, 0, sizeof *network);
    network->classes = classes;
    if (!lines || !plan) {
        error_set(err, "out of memory while building the network");
    } else if (classes < 2) {
        error_set(err, "a network needs at least 2 classes, not %d", classes);
    } else {
        plan_init(plan);
        int n_lines = network_parse(recipe, lines, err);
        struct builder builder = {.network = network, .plan = plan, .lines = lines, .err = err};
        if (n_lines > 0 && !network_rewrite_lines(recipe, lines, n_lines, err))
            result = build(&builder, recipe, image, n_lines) || rewrite(&builder, recipe) ? -1 : 0;
    }
    free(lines);
    free(plan);
    return result;
}
