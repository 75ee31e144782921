/* What commands say about a recipe's network: built for the program's images, with totals. */
#ifndef DAVIDNET_TUI_NETWORK_INFO_H
#define DAVIDNET_TUI_NETWORK_INFO_H

#include "engine/network.h"

/* Large: allocate it. */
struct network_info {
    struct network network;
    struct plan plan;
    size_t parameters;
    double forward_flops, backward_flops; /* for one image */
    double run_flops;                     /* training 50,000 images an epoch, without evaluation */
};

/* For images of 3 x 32 x 32 and ten classes. NULL with err; free() it. */
struct network_info *network_info_new(const struct recipe *recipe, struct error *err);

/* "6.57 M", "220 k", "12": a count for people. Returns out. */
char *network_info_count(double count, char *out, size_t size);

/* The parameters that a row trains. */
size_t network_info_parameters(const struct plan *plan, const struct plan_row *row);
/* What a node does, in a few characters: "conv 3x3 /2", "norm in 16 no scale" (ghost groups, frozen) ... */
void network_info_describe(const struct plan *plan, int index, char *out, size_t size);

#endif
