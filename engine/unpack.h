/*
 * Unpacking a CIFAR-10 archive (any compression of tar that libarchive knows) into a folder.
 */
#ifndef DAVIDNET_ENGINE_UNPACK_H
#define DAVIDNET_ENGINE_UNPACK_H

#include "kernels/error.h"

#include <stdint.h>

/*
 * Writes the data set's files (engine/cifar.h), and only those, into `folder`, which exists; paths inside the
 * archive are never followed, so it cannot write elsewhere. Each file is on the disk (fsync) when this returns 0. Fails
 * on a damaged archive, a missing or repeated file and an implausible size; files written so far stay.
 * progress (optional) gets the bytes written so far and stops the unpacking by returning non-zero: then 1.
 */
int unpack_cifar(const char *archive, const char *folder, int (*progress)(void *context, int64_t written),
                 void *context, struct error *err);

#endif
