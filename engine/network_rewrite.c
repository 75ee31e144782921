#include "engine/network_rewrite.h"

#include "engine/knobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

static int is_layer(const struct network_line *line)
{
    return line->kind == NETWORK_BLOCK || line->kind == NETWORK_RES_BLOCK || line->kind == NETWORK_GROUP;
}

static struct network_line *find_layer(struct network_line *lines, int n, long number)
{
    for (int i = 0; i < n; i++)
        if (is_layer(&lines[i]) && --number == 0)
            return &lines[i];
    return NULL;
}

int network_rewrite_lines(const struct recipe *recipe, struct network_line *lines, int n, struct error *err)
{
    const char *text = recipe->branches, *at = strchr(text, ':');
    int extra = strncmp(text, "extra:", 6) == 0, layers = 0;
    if (!text[0])
        return 0;
    for (int i = 0; i < n; i++)
        layers += is_layer(&lines[i]);
    if (layers == 0)
        return error_set(
            err, "branches = %s: the network has no line of kind block, res_block or group; leave it empty", text);
    if (strcmp(text, "none") != 0 && !extra && strncmp(text, "residual:", 9) != 0)
        return error_set(err, "branches = %s: expected residual:L1+L3, extra:L1+L2+L3 and the like, none, or nothing",
                         text);
    for (int i = 0; i < n; i++)
        if (is_layer(&lines[i]))
            lines[i].kind = NETWORK_BLOCK;
    while (at) {
        char *end;
        long number = at[1] == 'L' ? strtol(at + 2, &end, 10) : 0;
        struct network_line *line = number > 0 ? find_layer(lines, n, number) : NULL;
        if (!line || (*end && *end != '+') || line->kind != NETWORK_BLOCK)
            return error_set(err, "branches = %s: expected layers L1 to L%d, each once, as in residual:L1+L3", text,
                             layers);
        line->kind = extra ? NETWORK_GROUP : NETWORK_RES_BLOCK;
        line->residual = 0;
        line->convs = 2;
        at = *end ? end : NULL;
    }
    return 0;
}

/* ---- nodes ---- */

static int count_readers(const struct network *network, int index)
{
    int readers = 0;
    for (int i = 0; i < network->n_nodes; i++)
        for (int k = 0; k < network->node[i].n_inputs; k++)
            readers += network->node[i].input[k] == index;
    return readers;
}

/* The one node that reads this one's output; -1 when there are more. */
static int only_reader(const struct network *network, int index)
{
    if (count_readers(network, index) == 1)
        for (int i = index + 1; i < network->n_nodes; i++)
            if (network->node[i].input[0] == index ||
                (network->node[i].n_inputs > 1 && network->node[i].input[1] == index))
                return i;
    return -1;
}

static int first_of(const struct network *network, enum plan_op op)
{
    for (int i = 0; i < network->n_nodes; i++)
        if (network->node[i].op == op)
            return i;
    return -1;
}

/* Makes room for `count` zeroed nodes at `index`; what comes later keeps its inputs. */
static int make_room(struct network *network, int index, int count, struct error *err)
{
    if (network->n_nodes + count > NETWORK_NODES_MAX)
        return error_set(err, "more than %d nodes; use fewer or shorter blocks", NETWORK_NODES_MAX);
    memmove(&network->node[index + count], &network->node[index],
            (size_t)(network->n_nodes - index) * sizeof network->node[0]);
    memset(&network->node[index], 0, (size_t)count * sizeof network->node[0]);
    network->n_nodes += count;
    for (int i = index + count; i < network->n_nodes; i++)
        for (int k = 0; k < network->node[i].n_inputs; k++)
            if (network->node[i].input[k] >= index)
                network->node[i].input[k] += count;
    return 0;
}

int network_remove(struct network *network, const bool goes[PLAN_OP_COUNT])
{
    int place[NETWORK_NODES_MAX]; /* where a node's output is found now */
    int kept = 0, before = network->n_nodes;
    for (int i = 0; i < before; i++) {
        struct network_node *node = &network->node[i];
        for (int k = 0; k < node->n_inputs; k++)
            node->input[k] = place[node->input[k]];
        place[i] = goes[node->op] ? node->input[0] : kept;
        if (!goes[node->op])
            network->node[kept++] = *node;
    }
    network->n_nodes = kept;
    return before - kept;
}

void network_whiten_node(struct network_node *node, const struct whiten *whiten, double bias_epochs, int channels)
{
    *node = (struct network_node){.op = PLAN_CONV,
                                  .n_inputs = 1,
                                  .channels = whiten_filters(whiten, channels),
                                  .kernel = whiten->kernel,
                                  .stride = 1,
                                  .pad = whiten->kernel % 2 ? whiten->kernel / 2 : 0,
                                  .bias = bias_epochs > 0,
                                  .bias_epochs = bias_epochs,
                                  .whiten = *whiten};
}

int network_find_whiten(const struct network *network)
{
    for (int i = 0; i < network->n_nodes; i++)
        if (network->node[i].whiten.kernel > 0)
            return i;
    return -1;
}

static void give_act(const struct recipe *recipe, struct network_node *node, enum plan_act act)
{
    node->act = act;
    node->alpha = act == PLAN_ACT_CELU ? recipe->celu_alpha : 0;
}

/*
 * 3x3: the first convolution becomes the whitening one and a learned 1x1 one. 2x2: the whitening one and an activation
 * come before it, and it stays as it is.
 */
static int whiten_images(const struct recipe *recipe, struct network *network, struct error *err)
{
    int two = recipe->whitening == RECIPE_WHITENING_2X2, other = network_find_whiten(network);
    int conv = only_reader(network, 0);
    if (other >= 0)
        return error_set(err,
                         "the network whitens its images itself, in '%s', and once is enough; set whitening=none, or "
                         "take that line out",
                         network->node[other].name);
    if (conv < 0 || network->node[conv].op != PLAN_CONV)
        return error_set(err, "the images must go into one convolution and nowhere else; set whitening=none");
    struct whiten whiten = {.kernel = two ? 2 : 3,
                            .negatives = two,
                            .eps = recipe->whitening_eps,
                            .images = (uint32_t)recipe->whitening_images};
    if (make_room(network, conv, two ? 2 : 1, err))
        return -1;
    struct network_node *node = &network->node[conv], *first = node + (two ? 2 : 1);
    network_whiten_node(node, &whiten, recipe->whitening_bias_epochs, network->node[0].out.c);
    snprintf(node->name, sizeof node->name, "whiten");
    node->line = first->line;
    first->input[0] = conv;
    if (two) {
        node[1] = (struct network_node){.op = PLAN_ACT, .n_inputs = 1, .input = {conv}, .line = first->line};
        snprintf(node[1].name, sizeof node[1].name, "whiten/act");
        if (recipe->whitening_activation > 0) {
            node[1].named_act = 1;
            give_act(recipe, &node[1], (enum plan_act)(recipe->whitening_activation - 1));
        }
        first->input[0] = conv + 1;
    } else {
        first->kernel = 1;
        first->pad = 0;
    }
    return 0;
}

/* norm, act, max pool in a row: the pool goes before the act, or before both. The three keep their places in the
 * list, so that whoever read the last of them still does. */
static int move_pools(const struct recipe *recipe, struct network *network, struct error *err)
{
    int moved = 0;
    for (int norm = 0; norm < network->n_nodes; norm++) {
        int act = network->node[norm].op == PLAN_NORM ? only_reader(network, norm) : -1;
        int pool = act > 0 && network->node[act].op == PLAN_ACT ? only_reader(network, act) : -1;
        if (pool < 0 || network->node[pool].op != PLAN_MAX_POOL)
            continue;
        struct network_node n = network->node[norm], a = network->node[act], p = network->node[pool];
        int source = n.input[0];
        network->node[norm] = recipe->pool_place == RECIPE_POOL_BEFORE_NORM ? p : n;
        network->node[act] = recipe->pool_place == RECIPE_POOL_BEFORE_NORM ? n : p;
        network->node[pool] = a;
        network->node[norm].input[0] = source;
        network->node[act].input[0] = norm;
        network->node[pool].input[0] = act;
        moved++;
    }
    if (!moved)
        return error_set(err, "the network has no norm, activation and max pool in a row; set pool_place=after_act");
    return 0;
}

/* Of every activation that a line does not name. */
static int set_activation(const struct recipe *recipe, struct network *network, struct error *err)
{
    int changed = 0;
    for (int i = 0; i < network->n_nodes; i++) {
        struct network_node *node = &network->node[i];
        if (node->op != PLAN_ACT || node->named_act)
            continue;
        give_act(recipe, node, recipe->activation);
        changed++;
    }
    if (!changed)
        return error_set(err, "the network has no activation but those that its lines name; set activation=relu");
    return 0;
}

/* What knobs say of every norm. */
static int set_norms(const struct recipe *recipe, struct network *network, struct error *err)
{
    if (first_of(network, PLAN_NORM) < 0)
        return error_set(err, "the network has no batch norm");
    for (int i = 0; i < network->n_nodes; i++) {
        struct network_node *node = &network->node[i];
        if (node->op != PLAN_NORM)
            continue;
        node->groups = recipe->ghost_bn ? recipe->ghost_groups : 0;
        node->fixed_scale = recipe->frozen_scale;
        node->half = recipe->half_norm;
        node->bias_lr_scale = recipe->norm_bias_lr;
        node->bias_decay_scale = recipe->norm_bias_decay;
    }
    return 0;
}

static void name_again(struct network_node *node)
{
    size_t used = strlen(node->name);
    snprintf(node->name + used, sizeof node->name - used, "_again");
}

/* The flaw of the winner of 2018: the first norm and its activation come twice. */
static int duplicate_norm(const struct recipe *recipe, struct network *network, struct error *err)
{
    (void)recipe;
    int norm = first_of(network, PLAN_NORM), act = norm < 0 ? -1 : only_reader(network, norm);
    if (act < 0 || network->node[act].op != PLAN_ACT)
        return error_set(err, "the network has no norm with an activation after it; set duplicate_norm=off");
    if (make_room(network, norm, 2, err))
        return -1;
    struct network_node *node = &network->node[norm], *first = &network->node[norm + 2];
    node[0] = *first;
    name_again(&node[0]);
    node[1] = network->node[act + 2];
    name_again(&node[1]);
    node[1].input[0] = norm;
    first->input[0] = norm + 1;
    return 0;
}

/* norm_momentum is in the nodes already, where there is one that takes it. */
static int find_momentum(const struct recipe *recipe, struct network *network, struct error *err)
{
    (void)recipe;
    for (int i = 0; i < network->n_nodes; i++)
        if (network->node[i].op == PLAN_NORM && !network->node[i].named_momentum)
            return 0;
    return error_set(err, "the network has no batch norm but those whose lines say theirs; set norm_momentum=0.1");
}

/* How filters begin and are updated is not in the nodes: it is a wish where there are some that learn. */
static int find_filters(const struct recipe *recipe, struct network *network, struct error *err)
{
    (void)recipe;
    for (int i = 0; i < network->n_nodes; i++)
        if (network->node[i].op == PLAN_CONV && network->node[i].whiten.kernel == 0)
            return 0;
    return error_set(err, "the network has no convolution that learns");
}

static int whitening_is_wanted(const struct recipe *recipe)
{
    return recipe->whitening != RECIPE_WHITENING_NONE;
}

static int pool_place_is_wanted(const struct recipe *recipe)
{
    return recipe->pool_place != RECIPE_POOL_AFTER_ACT;
}

static int activation_is_wanted(const struct recipe *recipe)
{
    return recipe->activation != PLAN_ACT_RELU;
}

static int ghost_bn_is_wanted(const struct recipe *recipe)
{
    return recipe->ghost_bn;
}

static int frozen_scale_is_wanted(const struct recipe *recipe)
{
    return recipe->frozen_scale;
}

static int half_norm_is_wanted(const struct recipe *recipe)
{
    return recipe->half_norm;
}

static int bias_lr_is_wanted(const struct recipe *recipe)
{
    return recipe->norm_bias_lr != 1;
}

static int bias_decay_is_wanted(const struct recipe *recipe)
{
    return recipe->norm_bias_decay != 1;
}

static int duplicate_norm_is_wanted(const struct recipe *recipe)
{
    return recipe->duplicate_norm;
}

static int momentum_is_wanted(const struct recipe *recipe)
{
    return recipe->norm_momentum != 0.1;
}

static int conv_init_is_wanted(const struct recipe *recipe)
{
    return recipe->conv_init != INITIALISE_PYTORCH;
}

static int optimiser_is_wanted(const struct recipe *recipe)
{
    return recipe->optimiser != RECIPE_OPTIMISER_SGD;
}

/* In this order: a row sees what those before it have made. */
static const struct rewrite {
    const char *knob; /* whose value asks for it */
    int (*is_wanted)(const struct recipe *recipe);
    int (*apply)(const struct recipe *recipe, struct network *network, struct error *err);
} rewrites[] = {
    {"whitening", whitening_is_wanted, whiten_images},
    {"pool_place", pool_place_is_wanted, move_pools},
    {"duplicate_norm", duplicate_norm_is_wanted, duplicate_norm},
    {"activation", activation_is_wanted, set_activation},
    {"ghost_bn", ghost_bn_is_wanted, set_norms},
    {"frozen_scale", frozen_scale_is_wanted, set_norms},
    {"norm_bias_lr", bias_lr_is_wanted, set_norms},
    {"norm_bias_decay", bias_decay_is_wanted, set_norms},
    {"half_norm", half_norm_is_wanted, set_norms},
    {"norm_momentum", momentum_is_wanted, find_momentum},
    {"conv_init", conv_init_is_wanted, find_filters},
    {"optimiser", optimiser_is_wanted, find_filters},
};

int network_rewrite_nodes(const struct recipe *recipe, struct network *network, struct error *err)
{
    for (size_t i = 0; i < sizeof rewrites / sizeof rewrites[0]; i++) {
        const struct rewrite *rewrite = &rewrites[i];
        if (rewrite->is_wanted(recipe) && rewrite->apply(recipe, network, err)) {
            char value[KNOB_TEXT_MAX];
            knob_get(recipe, knob_find(rewrite->knob), value, sizeof value);
            return error_prefix(err, "%s = %.40s", rewrite->knob, value);
        }
    }
    return 0;
}
