/* Eigenvalues and eigenvectors of a real symmetric matrix, on LAPACK. */
#ifndef DAVIDNET_ENGINE_EIGEN_H
#define DAVIDNET_ENGINE_EIGEN_H

#include "kernels/error.h"

/*
 * matrix: [n][n], of which the upper triangle counts; column i of what it is afterwards is the eigenvector, of length 1
 * and with either sign, of values[i]; values: [n], ascending. -1: no LAPACK on this machine, or it failed.
 */
int eigen_symmetric(int n, double *matrix, double *values, struct error *err);

#endif
