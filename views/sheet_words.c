#include "views/sheet.h"

#include <stdio.h>
#include <string.h>

void sheet_describe(const struct choice *choice, char geometry[64], char cutout[64])
{
    static const char *const flips[] = {"", "mirrored", "upside down", "turned by 180\u00b0"};
    char crop[32] = "";
    int dx = choice->crop_x - choice->pad, dy = choice->crop_y - choice->pad;
    if (choice->pad)
        snprintf(crop, sizeof crop, "crop x%+d y%+d", dx, dy);
    snprintf(geometry, 64, "%s%s%s", crop, crop[0] && choice->flip ? ", " : "", flips[choice->flip & 3]);
    cutout[0] = '\0';
    int color = choice->brightness != 0 || choice->contrast != 0;
    if (choice->cut_h && choice->cut_w)
        snprintf(cutout, 64, "cutout %d\u00d7%d%s x%d y%d", choice->cut_w, choice->cut_h, color ? "" : " at",
                 choice->cut_x, choice->cut_y);
    size_t used = strlen(cutout);
    if (color) /* the two just fit below a card's pictures */
        snprintf(cutout + used, 64 - used, "%s%+.2f \u00d7%.2f", used ? ", " : "light ", (double)choice->brightness,
                 1 + (double)choice->contrast);
}

static void add_part(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s", used ? ", " : "", text);
}

void sheet_describe_options(const struct choices_options *options, int height, int width, char *out, size_t size)
{
    char part[64];
    out[0] = '\0';
    if (options->crop_pad) {
        snprintf(part, sizeof part, "reflect-pad %d and crop", options->crop_pad);
        add_part(out, size, part);
    }
    if (options->flip > 0) {
        snprintf(part, sizeof part, "mirror with p %g%s", options->flip,
                 options->alternating ? " at first, then every other epoch" : "");
        add_part(out, size, part);
    }
    if (options->vertical_flip > 0) {
        snprintf(part, sizeof part, "upside down with p %g", options->vertical_flip);
        add_part(out, size, part);
    }
    if (options->cutout_h && options->cutout_w) {
        snprintf(part, sizeof part, "cutout %d\u00d7%d", options->cutout_w, options->cutout_h);
        add_part(out, size, part);
    }
    if (options->brightness > 0 || options->contrast > 0) {
        snprintf(part, sizeof part, "brightness \u00b1%g, contrast \u00b1%g", options->brightness, options->contrast);
        add_part(out, size, part);
    }
    if (height) {
        snprintf(part, sizeof part, "shrink to %d\u00d7%d", width, height);
        add_part(out, size, part);
    }
    if (!out[0]) {
        add_part(out, size, "no augmentation");
    } else if (options->groups) {
        snprintf(part, sizeof part, "dealt out to at most %d groups", options->groups);
        add_part(out, size, part);
    }
}
