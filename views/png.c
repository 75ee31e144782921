#include "views/png.h"

#include "engine/files.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* libpng's simplified interface: no longjmp in our code. */
int png_encode(const uint8_t *rgb, int width, int height, uint8_t **bytes, size_t *size, struct error *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    *bytes = NULL;
    png_alloc_size_t need = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *out = malloc(need);
    if (!out)
        return error_set(err, "no memory for a picture of %dx%d pixels", width, height);
    if (!png_image_write_to_memory(&image, out, &need, 0, rgb, 0, NULL)) {
        error_set(err, "a picture of %dx%d pixels cannot be encoded: %s", width, height, image.message);
        png_image_free(&image);
        free(out);
        return -1;
    }
    *bytes = out;
    *size = need;
    return 0;
}

int png_save(const uint8_t *rgb, int width, int height, const char *path, struct error *err)
{
    uint8_t *bytes;
    size_t size;
    if (png_encode(rgb, width, height, &bytes, &size, err) != 0)
        return -1;
    int status = file_replace(path, &(struct file_part){bytes, size}, 1, err);
    free(bytes);
    return status;
}
