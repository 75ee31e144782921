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

int augment_by_table(const struct batch *batch)
{
    return !batch->ready && !batch->normalised && batch_height(batch) == batch->images->height &&
           batch_width(batch) == batch->images->width;
}

static int has_color(const struct choice *choice)
{
    return choice->brightness != 0 || choice->contrast != 0;
}

static float color_of(const struct choice *choice, float value)
{
    return (value + choice->brightness) * (1 + choice->contrast);
}

const struct augment_table *augment_table_of(const struct augment_table *table, const struct choice *choice,
                                             struct augment_table *own)
{
    if (!has_color(choice))
        return table;
    for (int channel = 0; channel < IMAGE_CHANNELS_MAX; channel++)
        for (int byte = 0; byte < 256; byte++)
            own->value[channel][byte] = color_of(choice, table->value[channel][byte]);
    return own;
}

void augment_begin(const struct batch *batch, int i, struct augment_scratch *scratch)
{
    const struct images *images = batch->images;
    if (batch->ready)
        return;
    augment_gather(&batch->choices[i], images->height, images->width, scratch->source);
    shrink_axis_init(&scratch->rows, images->height, batch_height(batch));
    shrink_axis_init(&scratch->columns, images->width, batch_width(batch));
}

/* Gathered and coloured, not yet shrunk. */
static void fill_plane(const struct batch *batch, const struct augment_table *table, const struct choice *choice,
                       int channel, struct augment_scratch *scratch)
{
    const struct images *images = batch->images;
    const int16_t *source = scratch->source;
    int pixels = images->height * images->width, color = has_color(choice);
    size_t first = ((size_t)choice->image * (size_t)images->channels + (size_t)channel) * (size_t)pixels;
    if (batch->normalised) {
        const float *in = batch->normalised + first;
        for (int k = 0; k < pixels; k++)
            scratch->plane[k] = source[k] < 0 ? 0 : color ? color_of(choice, in[source[k]]) : in[source[k]];
        return;
    }
    const uint8_t *in = images->pixels + first;
    const float *value = augment_table_of(table, choice, &scratch->table)->value[channel];
    for (int k = 0; k < pixels; k++)
        scratch->plane[k] = source[k] < 0 ? 0 : value[in[source[k]]];
}

const float *augment_plane(const struct batch *batch, const struct augment_table *table, int i, int channel,
                           struct augment_scratch *scratch)
{
    size_t pixels = (size_t)batch_height(batch) * (size_t)batch_width(batch);
    if (batch->ready)
        return batch->ready + ((size_t)i * (size_t)batch->images->channels + (size_t)channel) * pixels;
    fill_plane(batch, table, &batch->choices[i], channel, scratch);
    if (batch_height(batch) == batch->images->height && batch_width(batch) == batch->images->width)
        return scratch->plane;
    shrink_plane(&scratch->rows, &scratch->columns, scratch->plane, scratch->between, scratch->shrunk);
    return scratch->shrunk;
}

void augment_floats(const struct batch *batch, const struct augment_table *table, int i, float *out)
{
    struct augment_scratch scratch;
    size_t pixels = (size_t)batch_height(batch) * (size_t)batch_width(batch);
    augment_begin(batch, i, &scratch);
    for (int channel = 0; channel < batch->images->channels; channel++, out += pixels)
        memcpy(out, augment_plane(batch, table, i, channel, &scratch), pixels * sizeof *out);
}

static uint8_t to_byte(float value)
{
    return (uint8_t)lrintf(fminf(fmaxf(value, 0), 255));
}

void augment_bytes(const struct batch *batch, int i, uint8_t *out)
{
    const struct images *images = batch->images;
    const struct choice *choice = &batch->choices[i];
    struct augment_scratch scratch;
    size_t plane = (size_t)images->height * (size_t)images->width;
    size_t pixels = (size_t)batch_height(batch) * (size_t)batch_width(batch);
    const uint8_t *in = images->pixels + choice->image * plane * (size_t)images->channels;
    int as_stored = pixels == plane && !has_color(choice);
    struct batch plain = *batch;
    plain.ready = plain.normalised = NULL;
    struct augment_table table;
    augment_table_init(&table, images);
    augment_begin(&plain, i, &scratch);
    for (int channel = 0; channel < images->channels; channel++, in += plane, out += pixels) {
        float mean = images->mean[channel], std = images->std[channel] > 0 ? images->std[channel] : 1;
        if (as_stored)
            for (size_t k = 0; k < pixels; k++)
                out[k] = scratch.source[k] < 0 ? to_byte(mean) : in[scratch.source[k]];
        if (as_stored)
            continue;
        const float *values = augment_plane(&plain, &table, i, channel, &scratch);
        for (size_t k = 0; k < pixels; k++)
            out[k] = to_byte(values[k] * std + mean);
    }
}

struct choice choice_identity(uint32_t image)
{
    return (struct choice){.image = image};
}
