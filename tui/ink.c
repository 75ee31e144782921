#include "tui/ink.h"

#include <stdlib.h>
#include <string.h>

int ink_wants_true_color(void)
{
    const char *value = getenv("COLORTERM");
    return value && (strcmp(value, "truecolor") == 0 || strcmp(value, "24bit") == 0);
}

void ink_init(struct ink *ink, int depth, int colors)
{
    memset(ink, 0, sizeof *ink);
    ink->depth = depth;
    if (depth == 24)
        palette_entries(ink->named);
    for (int background = 0; background < 2; background++) {
        for (uint32_t color = 0; color < COLOR_COUNT; color++) {
            int *index = &ink->named[background][color];
            if (depth == 24) {
                ink->changed[*index] = 1;
                continue;
            }
            *index = depth == 8 ? palette_256(color, background) : palette_16(color, background);
            *index = *index >= colors ? *index & 7 : *index;
        }
    }
}

int ink_index(struct ink *ink, uint32_t color, int background)
{
    if (color < COLOR_COUNT)
        return ink->named[background][color];
    size_t slot = (color * 2654435761u) >> 24;
    if (ink->cache[background][slot].color != color) {
        ink->cache[background][slot].color = color;
        ink->cache[background][slot].index =
            ink->depth == 4 ? palette_16(color, background) & 7 : palette_256_but(color, background, ink->changed);
    }
    return ink->cache[background][slot].index;
}
