/* PNG pictures of 8-bit RGB pixels (ISO/IEC 15948), by libpng. */
#ifndef DAVIDNET_VIEWS_PNG_H
#define DAVIDNET_VIEWS_PNG_H

#include "kernels/error.h"

#include <stddef.h>
#include <stdint.h>

/* rgb: [height][width][3], width and height at least 1. *bytes is malloc'ed, the caller frees it. */
int png_encode(const uint8_t *rgb, int width, int height, uint8_t **bytes, size_t *size, struct error *err);

/* Replaces the file in one step: on failure path is as it was. */
int png_save(const uint8_t *rgb, int width, int height, const char *path, struct error *err);

#endif
