#include "kernels/augment.h"

#include <math.h>
#include <string.h>

/* PyTorch's 'reflect': the edge itself is not repeated, -1 -> 1 and n -> n - 2. Needs |overhang| < n. */
static int reflect(int at, int n)
{
    if (at < 0)
        return -at;
    return at < n ? at : 2 * (n - 1) - at;
}

/* The index into one channel plane that output pixel (y, x) comes from, or -1 inside the box. */
static int source_of(const struct choice *choice, int height, int width, int y, int x)
{
    if (y >= choice->cut_y && y < choice->cut_y + choice->cut_h && x >= choice->cut_x &&
        x < choice->cut_x + choice->cut_w)
        return -1;
    if (choice->flip & CHOICE_FLIP_VERTICAL)
        y = height - 1 - y;
    if (choice->flip & CHOICE_FLIP_HORIZONTAL)
        x = width - 1 - x;
    return reflect(y + choice->crop_y - choice->pad, height) * width + reflect(x + choice->crop_x - choice->pad, width);
}

void augment_table_init(struct augment_table *table, const struct images *images)
{
    memset(table, 0, sizeof *table);
    for (int channel = 0; channel < images->channels; channel++) {
        float std = images->std[channel] > 0 ? images->std[channel] : 1;
        for (int byte = 0; byte < 256; byte++)
            table->value[channel][byte] = ((float)byte - images->mean[channel]) / std;
    }
}

void augment_gather(const struct choice *choice, int height, int width, int16_t *source)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            source[y * width + x] = (int16_t)source_of(choice, height, width, y, x);
}

void augment_bytes(const struct images *images, const struct choice *choice, uint8_t *out)
{
    int height = images->height, width = images->width;
    size_t plane = (size_t)height * (size_t)width;
    const uint8_t *in = images->pixels + choice->image * plane * (size_t)images->channels;

    for (int channel = 0; channel < images->channels; channel++, in += plane, out += plane) {
        float mean = fminf(fmaxf(images->mean[channel], 0), 255);
        uint8_t fill = (uint8_t)lrintf(mean);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int from = source_of(choice, height, width, y, x);
                out[y * width + x] = from < 0 ? fill : in[from];
            }
    }
}

void augment_floats(const struct images *images, const struct augment_table *table, const struct choice *choice,
                    float *out)
{
    int height = images->height, width = images->width;
    size_t plane = (size_t)height * (size_t)width;
    const uint8_t *in = images->pixels + choice->image * plane * (size_t)images->channels;

    for (int channel = 0; channel < images->channels; channel++, in += plane, out += plane)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int from = source_of(choice, height, width, y, x);
                out[y * width + x] = from < 0 ? 0 : table->value[channel][in[from]];
            }
}

struct choice choice_identity(uint32_t image)
{
    return (struct choice){.image = image};
}
