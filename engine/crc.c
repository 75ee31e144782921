#include "engine/crc.h"

#include <zlib.h>

uint32_t crc_add(uint32_t crc, const void *bytes, size_t size)
{
    return size > 0 ? (uint32_t)crc32_z(crc, bytes, size) : crc; /* to zlib, no bytes means: begin */
}
