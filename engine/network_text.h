/*
 * The text of a network, line by line, before shapes are known. One table of kinds and one of options: the
 * parser, its error messages and the help all read them.
 */
#ifndef DAVIDNET_ENGINE_NETWORK_TEXT_H
#define DAVIDNET_ENGINE_NETWORK_TEXT_H

#include "engine/network.h"

/* A block's longest row is NAME/residual/res99/conv, which must fit in a plan's name. */
#define NETWORK_NAME_MAX 20
#define NETWORK_LINES_MAX 128
#define WHITEN_KERNEL_MAX 5

enum network_kind {
    NETWORK_CONV_BN,
    NETWORK_BLOCK,
    NETWORK_RES_BLOCK,
    NETWORK_GROUP,
    NETWORK_PREACT,
    NETWORK_CONV,
    NETWORK_WHITEN,
    NETWORK_NORM,
    NETWORK_ACT,
    NETWORK_RELU,
    NETWORK_CELU,
    NETWORK_GELU,
    NETWORK_SILU,
    NETWORK_MAX_POOL,
    NETWORK_AVG_POOL,
    NETWORK_GLOBAL_MAX,
    NETWORK_GLOBAL_AVG,
    NETWORK_ADD,
    NETWORK_CONCAT,
    NETWORK_LINEAR,
    NETWORK_KIND_COUNT
};

struct network_line {
    int line; /* from 1 */
    char name[NETWORK_NAME_MAX + 1];
    enum network_kind kind;
    int width;                   /* channels or outputs; 0: not given */
    char from[2][PLAN_NAME_MAX]; /* names of the inputs; empty: the line before */
    int kernel, stride, pad;     /* pools: kernel is the window; pad -1: half the kernel */
    int pool, convs, bias;       /* pool 0: none */
    int residual, blocks;        /* of group; of preact */
    double scale;                /* NaN: not given */
    double eps, momentum;        /* batch norm's */
    int named_momentum;          /* 1: the line says it */
    double alpha;                /* celu's */
    int images;                  /* whiten's, and how long its bias is trained; 0: it has none */
    double bias_epochs;
};

/* The lines of a recipe's network; their number, or -1 with err ("network line 3: ..."). */
int network_parse(const struct recipe *recipe, struct network_line *lines, struct error *err);

/* The line that an error of network_parse or network_build names, or 0 when it names none. */
int network_error_line(const struct error *err);

#endif
