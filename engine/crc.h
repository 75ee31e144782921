/* CRC-32 (ISO 3309, as in PNG and gzip): what a run's log and its checkpoints are checked with. */
#ifndef DAVIDNET_ENGINE_CRC_H
#define DAVIDNET_ENGINE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what `crc` is the sum of (0: nothing yet) and of these bytes behind it. */
uint32_t crc_add(uint32_t crc, const void *bytes, size_t size);

#endif
