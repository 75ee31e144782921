/*
 * Activations of the cpu family in any of its layouts, and the few slow general loops over them: copies between
 * layouts and types, zeroing of a tail, a search for non-finite values. The fast loops see them as chain_views.
 */
#ifndef DAVIDNET_KERNELS_CPU_CPU_ARRAY_H
#define DAVIDNET_KERNELS_CPU_CPU_ARRAY_H

#include "kernels/cpu/chain.h"
#include "kernels/plan.h"

#include <stdbool.h>
#include <stddef.h>

/* How an activation lies in memory. Images are n, channels c, rows h, columns w. */
enum cpu_layout {
    CPU_NHWC,    /* [n][h][w][c] */
    CPU_BLOCKED, /* nChw16c: [n][c/16][h][w][16] */
    CPU_HWNC,   /* [n/group][h][w][group][c]: a group is to oneDNN one 3-D "image" of h x w x group, kernel k x k x 1 */
    CPU_NCHW,   /* [n][c][h][w], c not padded: only the source of a first convolution */
    CPU_FLAT,   /* [n][c*h*w] in that order, a row padded to CHAIN_BLOCK: what a linear layer reads */
    CPU_LOGITS, /* [n][c], float32, not padded: what a linear layer writes and the loss reads */
};

/*
 * Element (n, c, y, x) is data[(n/group)*sg + (n%group)*sn + (c/16)*sb + (c%16)*sc + y*sh + x*sw]. In the first three
 * layouts channels are padded to a multiple of CHAIN_BLOCK and the padded ones hold zeros. Not owned.
 */
struct cpu_array {
    void *data;
    enum chain_type type;
    enum cpu_layout layout;
    struct plan_shape shape; /* the real one */
    int images;              /* how many there is room for, a multiple of group */
    int group;               /* CPU_HWNC on more than one pixel: images that lie side by side; else all of them */
    ptrdiff_t sg, sn, sb, sc, sh, sw;
};

static inline int cpu_pad_channels(int c)
{
    return (c + CHAIN_BLOCK - 1) / CHAIN_BLOCK * CHAIN_BLOCK;
}

/* Everything but data. CPU_LOGITS is float32 whatever type says; group matters to CPU_HWNC only. */
void cpu_array_init(struct cpu_array *, struct plan_shape shape, enum cpu_layout layout, enum chain_type type,
                    int images, int group);

size_t cpu_array_bytes(const struct cpu_array *);

/* Where image n begins (its first element; in CPU_HWNC the others lie among those of its group). */
void *cpu_array_at(const struct cpu_array *, int n);

/* For the fused kernels: the images from `first` on, as many as lie evenly (first: a multiple of group). CPU_FLAT
 * becomes c*h*w channels of 1 x 1. Not for CPU_NCHW and CPU_LOGITS. */
struct chain_view cpu_array_view(const struct cpu_array *, int first);

/* Copies n images, real channels only, converting layout and type. The shapes have the same c, h and w. */
void cpu_array_copy(const struct cpu_array *from, const struct cpu_array *to, int n);

/* The same for `channels` channels, from from_c on, to to_c on; h and w are the same. */
void cpu_array_copy_channels(const struct cpu_array *from, int from_c, const struct cpu_array *to, int to_c,
                             int channels, int n);

/* Like cpu_array_copy, but to += from. */
void cpu_array_add(const struct cpu_array *from, const struct cpu_array *to, int n);

/* Zeroes images begin .. end-1, padded channels included. */
void cpu_array_zero(const struct cpu_array *, int begin, int end);

bool cpu_array_finite(const struct cpu_array *, int n);

#endif
