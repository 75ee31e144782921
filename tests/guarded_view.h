/*
 * Views of activations for the kernel tests: any layout, elements by (n, c, y, x) as double, each against unmapped
 * pages, so that a read or write outside crashes; what is inside but no element keeps a pattern (NaN) that is checked.
 */
#ifndef DAVIDNET_TESTS_GUARDED_VIEW_H
#define DAVIDNET_TESTS_GUARDED_VIEW_H

#include "kernels/cpu/chain.h"

#include <stddef.h>
#include <stdint.h>

enum layout { NHWC, BLOCKED, HWNC, GAPS, LAYOUTS };

struct shape {
    int n, c, h, w;
};

/* A view with its own mapping: unmapped page, slack, elements up to the next unmapped page. */
struct buffer {
    struct chain_view view;
    int n;
    char *map;
    size_t map_bytes, bytes;
};

#define FOR_EACH_ELEMENT(b)                                                                                            \
    for (int n = 0; n < (b)->n; n++)                                                                                   \
        for (int c = 0; c < (b)->view.c; c++)                                                                          \
            for (int y = 0; y < (b)->view.h; y++)                                                                      \
                for (int x = 0; x < (b)->view.w; x++)

uint32_t random_next(void);    /* 24 bits, the same sequence in every run */
double random_sixteenth(void); /* exact in bfloat16: multiples of 1/16 in (-4, 4) */
double random_unit(void);      /* [-1, 1) */

void buffer_make(struct buffer *buffer, enum layout layout, enum chain_type type, struct shape s);
void buffer_fill(struct buffer *b, double (*value)(void));
void buffer_make_filled(struct buffer *b, enum layout layout, enum chain_type type, struct shape s,
                        double (*value)(void));
void buffer_release(struct buffer *buffer);
double get(const struct buffer *b, int n, int c, int y, int x);
void put(struct buffer *b, int n, int c, int y, int x, double value);

/* Fails unless every byte of the mapping that is no element still has the pattern. */
void check_untouched(const struct buffer *b);

/* Fails unless |got - want| is within float32 rounding of `scale`, plus bfloat16's where that is the type. */
void check_close(const struct buffer *b, double got, double want, double scale, const char *what);

#endif
