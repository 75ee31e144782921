#include "tests/golden_screen.h"

#include "tests/golden_text.h"

#include "views/palette.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In 24-bit colours. Lines and dots need not be read: only letters and digits must stand out from what is behind. */
static void check_contrast(const struct grid *grid)
{
    for (int i = 0; i < grid->w * grid->h; i++) {
        const struct cell *cell = &grid->cells[i];
        if (!isalnum((unsigned char)*cell->text))
            continue;
        double contrast = palette_contrast(palette_rgb(cell->fg, 0), palette_rgb(cell->bg, 1));
        if (contrast < 4.5)
            fail_msg("'%s' at %d, %d: colour %u on %u has a contrast of %.2f", cell->text, i % grid->w, i / grid->w,
                     cell->fg, cell->bg, contrast);
    }
}

void golden_check(const char *name, int w, int h, int ascii, golden_draw *draw, const void *model)
{
    char path[160];
    struct grid grid;
    assert_int_equal(grid_init(&grid, w, h), 0);
    grid.ascii = ascii;
    draw(model, &grid, (struct rect){0, 0, w, h});
    if (!ascii) /* there, charts are letters too */
        check_contrast(&grid);
    char *text = grid_text(&grid);
    assert_non_null(text);
    snprintf(path, sizeof path, "tests/golden/%s-%dx%d%s.txt", name, w, h, ascii ? "-ascii" : "");
    golden_text(path, text);
    free(text);
    grid_release(&grid);
}

void golden_check_sizes(const char *name, golden_draw *draw, const void *model)
{
    static const int sizes[][2] = {{80, 24}, {40, 10}, {200, 60}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int ascii = 0; ascii < 2; ascii++)
            golden_check(name, sizes[i][0], sizes[i][1], ascii, draw, model);
}

/* Drawn into a part of a grid that is full of '@': what is outside it stays. */
static void check_part(golden_draw *draw, const void *model, int w, int h, int ascii)
{
    struct grid grid;
    struct rect part = {3, 2, w, h};
    assert_int_equal(grid_init(&grid, w + 6, h + 4), 0);
    grid.ascii = ascii;
    put_fill(&grid, (struct rect){0, 0, grid.w, grid.h}, COLOR_DEFAULT, COLOR_DEFAULT, "@");
    draw(model, &grid, part);
    for (int y = 0; y < grid.h; y++)
        for (int x = 0; x < grid.w; x++) {
            const char *text = grid_at(&grid, x, y)->text;
            if (x < part.x || x >= part.x + part.w || y < part.y || y >= part.y + part.h)
                assert_string_equal(text, "@");
            for (; ascii && *text; text++)
                assert_true((unsigned char)*text < 0x80);
        }
    grid_release(&grid);
}

void golden_check_small(golden_draw *draw, const void *model)
{
    for (int h = 0; h <= 12; h++)
        for (int w = 0; w <= 12; w++)
            for (int ascii = 0; ascii < 2; ascii++)
                check_part(draw, model, w, h, ascii);
    for (int i = 0; i < 40; i++)
        check_part(draw, model, 10 + i * 7 % 130, 3 + i * 5 % 40, i % 2);
}

int golden_last_column(const struct grid *grid, struct rect area, char character)
{
    for (int x = area.x + area.w - 1; x >= area.x; x--)
        for (int y = area.y; y < area.y + area.h; y++)
            if (grid->cells[y * grid->w + x].text[0] == character)
                return x;
    return -1;
}
