/*
 * "Did you mean": the candidate nearest to a mistyped word, by edit distance (insert, delete, replace, swap; large
 * and small letters are alike).
 */
#ifndef DAVIDNET_ENGINE_NEAREST_H
#define DAVIDNET_ENGINE_NEAREST_H

#include <stddef.h>

#define NEAREST_LONGER 3

struct nearest {
    const char *word; /* borrowed */
    const char *best; /* the nearest candidate so far, or NULL; borrowed */
    int distance;
    const char *longer[NEAREST_LONGER]; /* the first candidates that begin with the word, and how many do */
    int n_longer;
};

void nearest_init(struct nearest *nearest, const char *word);

/* Candidates further than a third of the word (one edit in up to 4 letters, two in up to 8) are no help. */
void nearest_offer(struct nearest *nearest, const char *candidate);

/* " (did you mean 'x'?)", or "" when nothing is near; where nothing is but the word is how several begin, "(did you
 * mean 'lr_shape', 'lr_knots', 'lr_values' ...?)". NEAREST_HINT_MAX holds it for the names of knobs and options.
 * Returns out. */
#define NEAREST_HINT_MAX 128
char *nearest_hint(const struct nearest *nearest, char *out, size_t size);

#endif
