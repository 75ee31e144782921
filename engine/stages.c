#include "engine/stages.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int misread(const char *text, struct error *err)
{
    return error_set(err,
                     "sizes = %.60s: expected up to %d of SIZExEPOCHS, such as 24x4,32x4: sizes of %d to %d pixels, "
                     "epochs above 0",
                     text, STAGES_MAX, STAGES_SIDE_MIN, IMAGE_SIDE_MAX);
}

int stages_parse(struct stages *stages, const char *text, struct error *err)
{
    const char *at = text;
    memset(stages, 0, sizeof *stages);
    do {
        char *end;
        errno = 0;
        long size = strtol(at, &end, 10);
        if (end == at || *end != 'x' || errno || size < STAGES_SIDE_MIN || size > IMAGE_SIDE_MAX ||
            stages->count == STAGES_MAX)
            return misread(text, err);
        at = end + 1;
        double share = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(share > 0) || share > 1e6)
            return misread(text, err);
        stages->size[stages->count] = (int)size;
        stages->share[stages->count++] = share;
        at = end + 1;
        if (!*end)
            return 0;
    } while (1);
}

int stages_check(const struct stages *stages, const struct images *images, struct error *err)
{
    for (int i = 0; i < stages->count; i++)
        if (stages->size[i] > images->height)
            return error_set(err, "sizes: images of %d x %d pixels cannot be trained on at %d; give %d or less",
                             images->width, images->height, stages->size[i], images->height);
    return 0;
}

void stages_shape(const struct images *images, int size, int *height, int *width)
{
    int own = size >= images->height, across = (images->width * size + images->height / 2) / images->height;
    *height = own ? 0 : size;
    *width = own ? 0 : across > 0 ? across : 1;
}

/* The first step of stage i; of stages->count: steps. */
static uint32_t stage_begin(const struct stages *stages, int i, uint32_t steps)
{
    double total = 0, before = 0;
    for (int k = 0; k < stages->count; k++) {
        before += k < i ? stages->share[k] : 0;
        total += stages->share[k];
    }
    return i == stages->count ? steps : (uint32_t)floor(before / total * steps + 0.5);
}

void stages_at(const struct stages *stages, const struct images *images, uint32_t step, uint32_t steps, int *height,
               int *width)
{
    int at = 0;
    *height = *width = 0;
    if (stages->count == 0)
        return;
    while (at + 1 < stages->count && step >= stage_begin(stages, at + 1, steps))
        at++;
    stages_shape(images, stages->size[at], height, width);
}

double stages_pixels(const struct stages *stages, const struct images *images, uint32_t from, uint32_t end,
                     uint32_t steps)
{
    double sum = stages->count || end <= from ? 0 : end - from;
    for (int i = 0; i < stages->count; i++) {
        uint32_t first = stage_begin(stages, i, steps), last = stage_begin(stages, i + 1, steps);
        int height, width;
        stages_shape(images, stages->size[i], &height, &width);
        first = first > from ? first : from;
        last = last < end ? last : end;
        if (first < last)
            sum += (last - first) * (height ? (double)(height * width) / (images->height * images->width) : 1);
    }
    return sum;
}
