/*
 * Filters that whiten an image's patches: the outputs of a convolution with them are uncorrelated and, but for eps, of
 * variance 1 (Page, How to Train Your ResNet 8: 3x3, 27 filters; Jordan, arXiv:2404.00498: 2x2, 12 filters and their
 * negatives).
 *
 * Over all k x k patches of the first images of the training set, normalised but neither padded nor augmented, with X
 * their elements (channel, row, column) in rows, they are the eigenvectors of X^T X / (n - 1), which is not centred,
 * divided by sqrt(eigenvalue + eps), the largest eigenvalue first. With negatives the divisor is n, as there. An
 * eigenvector has no sign of its own: here its largest element (the first of equal ones) is positive.
 */
#ifndef DAVIDNET_ENGINE_WHITEN_H
#define DAVIDNET_ENGINE_WHITEN_H

#include "kernels/batch.h"
#include "kernels/error.h"

struct whiten {
    int kernel;
    int negatives; /* 1: as many filters again, the negatives of the first */
    double eps;
    uint32_t images; /* at most; as many as there are */
};

/* Output channels of a convolution of images with so many channels. */
int whiten_filters(const struct whiten *whiten, int channels);

/*
 * filters: [whiten_filters][channels][kernel][kernel]; eigenvalues (optional): [channels * kernel * kernel], largest
 * first. -1: no LAPACK on this machine, or no memory. Opens a parallel region.
 */
int whiten_compute(const struct whiten *whiten, const struct images *images, float *filters, double *eigenvalues,
                   struct error *err);

#endif
