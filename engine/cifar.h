/*
 * CIFAR-10 in its binary form (Krizhevsky, "Learning multiple layers of features from tiny images", 2009;
 * cs.toronto.edu/~kriz/cifar.html): data_batch_1.bin .. data_batch_5.bin and test_batch.bin, each 10,000 records
 * of one label byte and 1024 red, 1024 green, 1024 blue bytes, row-major 32x32; batches.meta.txt names the
 * classes, one a line.
 *
 * Files are read, never mapped: one that is cut short under us is an error, not a SIGBUS.
 */
#ifndef DAVIDNET_ENGINE_CIFAR_H
#define DAVIDNET_ENGINE_CIFAR_H

#include "engine/dataset.h"
#include "kernels/error.h"

#include <stddef.h>

#define CIFAR_FOLDER "cifar-10-batches-bin"
#define CIFAR_RECORD 3073
#define CIFAR_FILE_RECORDS 10000
#define CIFAR_FILE_SIZE ((long long)CIFAR_RECORD * CIFAR_FILE_RECORDS)
#define CIFAR_FILES 6

/* The files' names in reading order; the last is the test set. */
extern const char *const cifar_file_name[CIFAR_FILES];
#define CIFAR_META_NAME "batches.meta.txt"

/* 1 when the folder, or CIFAR_FOLDER in it, holds data_batch_1.bin; writes which of the two. */
int cifar_find(const char *folder, char *out, size_t size);

/* The folder's files by their sizes, unread: train and test get shape and counts, and no pixels. remedy ends what is
 * said of a file that is missing or damaged: what to do about it, which depends on where the folder is from. */
int cifar_probe(struct dataset *dataset, const char *folder, const char *remedy, struct error *err);

/*
 * Fills images, labels and class names; the caller computes statistics and the digest. On -1 too
 * the caller releases it.
 */
int cifar_load(struct dataset *dataset, const char *folder, const char *remedy, struct error *err);

#endif
