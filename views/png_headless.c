#include "views/png.h"

#include "kernels/left_out.h"

int png_encode(const uint8_t *rgb, int width, int height, uint8_t **bytes, size_t *size, struct error *err)
{
    (void)rgb, (void)width, (void)height, (void)size;
    *bytes = NULL;
    return left_out(err, "PNG pictures need", "libpng", NULL);
}

int png_save(const uint8_t *rgb, int width, int height, const char *path, struct error *err)
{
    (void)rgb, (void)width, (void)height, (void)path;
    return left_out(err, "PNG pictures need", "libpng", NULL);
}
