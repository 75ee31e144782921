/*
 * A data set in memory: immutable after loading, so any thread may read it. Classes have names.
 * SOURCE (see dataset_open) is a folder of CIFAR-10 binary files, or "synthetic", "synthetic:SEED" or
 * "synthetic:SEED:COUNT" (COUNT training images and a fifth as many for testing, instead of 50,000 and 10,000).
 */
#ifndef DAVIDNET_ENGINE_DATASET_H
#define DAVIDNET_ENGINE_DATASET_H

#include "kernels/batch.h"
#include "kernels/error.h"

#include <stddef.h>

#define DATASET_CLASSES_MAX 64
#define DATASET_HOLDOUT 5000 /* eval=holdout: the last 5,000 training images */

struct dataset {
    char source[512]; /* as given, resolved: "synthetic:0" or the folder's absolute path */
    char sha256[65];  /* of all records (label byte, then pixels) in order, train then test, hex: for a folder of
                         CIFAR-10 files what `cat data_batch_*.bin test_batch.bin | sha256sum` prints */
    char class_name[DATASET_CLASSES_MAX][32];
    struct images train, test; /* both carry the TRAINING set's mean and std */
    uint8_t *storage;          /* owns all bytes */
};

/*
 * mean and std are of the training images' bytes (std divides by n), from exact integer sums rounded once, so they
 * are the same everywhere. The std of a constant channel is 1: normalising stays defined.
 */

/* Opens SOURCE; 0, or -1 with an error that names the file, what was expected and what was found. */
int dataset_open(struct dataset *dataset, const char *source, struct error *err);
void dataset_release(struct dataset *dataset);

/*
 * The same without reading it: 0 if it is there and its files have the right sizes. source, class names, shapes and
 * counts are set; there are no pixels, labels, statistics or digest, and nothing to release.
 */
int dataset_probe(struct dataset *dataset, const char *source, struct error *err);

/* For readers of a format: zeroed storage of that shape, train and test set up to point into it; -1: no memory. */
int dataset_allocate(struct dataset *dataset, uint32_t train, uint32_t test, const struct images *shape,
                     struct error *err);

/*
 * eval=holdout: train loses its last DATASET_HOLDOUT images, which become test (mean and std recomputed on the rest).
 * Bytes are shared, nothing is copied. -1 when there are not more than twice that many images. Of a data set that was
 * only probed, the counts change.
 */
int dataset_hold_out(struct dataset *dataset, struct error *err);

/*
 * Where to look when the user said nothing: $DAVIDNET_DATA, ./data/cifar-10-batches-bin, ./data, the XDG data
 * folder ($XDG_DATA_HOME/davidnet/cifar-10-batches-bin), else "synthetic". Writes the source; returns 1 if it is real,
 * 0 if synthetic. A DAVIDNET_DATA that is set but wrong is returned as it is, so that opening it gives the error.
 */
int dataset_default_source(char *out, size_t size);

/* The XDG data folder of davidnet, where fetched data sets go ($XDG_DATA_HOME/davidnet); "" without a home. */
void dataset_user_folder(char *out, size_t size);

#endif
