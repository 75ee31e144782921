/*
 * A network: named nodes with inputs, made from a recipe's text. One line a block, in order; each takes the
 * output of the line before:
 *
 *     prep   = conv_bn c            conv 3x3, norm, act (relu): rows prep/conv, prep/norm, prep/act
 *     layer1 = res_block 2c convs=2 conv_bn 2c, max pool 2, residual of `convs` conv_bn
 *     layer2 = block 4c             conv_bn 4c, max pool 2
 *     layer3 = res_block 8c convs=2
 *     pool   = global_max
 *     logits = linear scale=0.125   to the number of classes, times scale
 *
 * Knobs and tricks may change it (engine/network_rewrite.h). Without scale, the last line's is the logit_scale knob,
 * and any other line's is 1. network_syntax lists all there is. A width is a number or a multiple of the knob `width`
 * (c, 2c, 0.5c), rounded to the nearest whole number. '#' or ';' starts a comment. from=NAME takes another line's
 * output than the one before.
 */
#ifndef DAVIDNET_ENGINE_NETWORK_H
#define DAVIDNET_ENGINE_NETWORK_H

#include "engine/recipe.h"
#include "engine/whiten.h"
#include "kernels/plan.h"

#define NETWORK_NODES_MAX PLAN_ROWS_MAX

struct network_node {
    char name[PLAN_NAME_MAX];
    enum plan_op op;
    int n_inputs, input[PLAN_INPUTS_MAX];
    int line; /* of the recipe's text, from 1; 0 for input and loss */
    struct plan_shape out;
    int channels, kernel, stride, pad; /* conv: out channels; pools: kernel */
    enum plan_act act;
    double alpha;  /* celu */
    int named_act; /* act: 1: the line says which; 0: the knob `activation` does */
    double factor, eps, momentum, smoothing;
    int named_momentum;                     /* norm: 1: the line says which; 0: the knob `norm_momentum` does */
    int bias;                               /* conv, linear: 1: there is one */
    int groups, fixed_scale, half;          /* norm: as in struct plan_norm_options */
    double bias_lr_scale, bias_decay_scale; /* norm: its bias's rates are multiplied by these; 0: by 1 */
    struct whiten whiten;                   /* conv: kernel above 0: fixed, with filters that whiten the images */
    double bias_epochs;                     /* conv: its bias is trained in the first so many */
};

struct network {
    int n_nodes;
    struct network_node node[NETWORK_NODES_MAX];
    int classes;
};

/* Parses recipe->network for images of that shape; errors name the line: "network line 3: ...". */
int network_build(const struct recipe *recipe, struct plan_shape image, int classes, struct network *network,
                  struct error *err);

/* A node, but for its name, of a convolution that whitens the network's input of so many channels; padded when its
 * kernel is odd. */
void network_whiten_node(struct network_node *node, const struct whiten *whiten, double bias_epochs, int channels);

/* The node that whitens the images, or -1. */
int network_find_whiten(const struct network *network);

/* The kinds of line there are, for help: NULL-terminated pairs of "syntax", "what it is". */
extern const char *const network_syntax[][2];

/* Lowers it to a plan, node i to row i (engine/lower.c). struct plan is large: keep it off small stacks. */
int network_lower(const struct network *network, struct plan *plan, struct error *err);

/* Lowers one node onto a plan that holds those before it: -1 with err when its shapes do not fit. */
int network_lower_node(const struct network *network, int index, struct plan *plan, struct error *err);

#endif
