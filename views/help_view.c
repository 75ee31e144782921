/* The help screen and the dialog; see views/frame.h. */
#include "views/frame.h"

#include <string.h>

static int same_group(const struct frame_key *a, const struct frame_key *b)
{
    return strcmp(a->group ? a->group : "", b->group ? b->group : "") == 0;
}

/* Rows that keys first..n-1 take, with a heading for each group and a blank between groups. */
static int rows_of(const struct frame_key *keys, int n)
{
    int rows = 0;
    for (int i = 0; i < n; i++)
        rows += i == 0 ? 2 : same_group(&keys[i], &keys[i - 1]) ? 1 : 3;
    return rows;
}

static void draw_keys(const struct frame_key *keys, int n, int key_width, struct grid *grid, struct rect area)
{
    int y = area.y;
    for (int i = 0; i < n; i++) {
        if (i == 0 || !same_group(&keys[i], &keys[i - 1])) {
            y += i > 0;
            put_text(grid, area, area.x, y++, COLOR_ACCENT, ATTR_BOLD, keys[i].group ? keys[i].group : "Keys");
        }
        put_text(grid, area, area.x + key_width - text_width(keys[i].key), y, COLOR_KEY, ATTR_BOLD, keys[i].key);
        put_text(grid, area, area.x + key_width + 2, y++, COLOR_DEFAULT, ATTR_NONE, keys[i].help);
    }
}

void help_draw(const struct frame_key *keys, int n, const char *intro, struct grid *grid, struct rect area)
{
    put_fill(grid, area, COLOR_DEFAULT, COLOR_DEFAULT, NULL);
    struct rect inside = area.w >= 20 && area.h >= 10 ? rect_inset(area, 2, 1) : area;
    int key_width = 0;
    if (rows_of(keys, n) > inside.h && inside.h < area.h)
        inside = (struct rect){inside.x, area.y, inside.w, area.h};
    for (int i = 0; i < n; i++)
        key_width = text_width(keys[i].key) > key_width ? text_width(keys[i].key) : key_width;
    if (intro && *intro && inside.h >= rows_of(keys, n) + 3) {
        int used = put_paragraph(grid, inside, COLOR_DEFAULT, intro) + 1;
        inside.y += used;
        inside.h -= used;
    }
    if (rows_of(keys, n) <= inside.h || inside.w < 72) {
        draw_keys(keys, n, key_width, grid, inside);
        return;
    }
    /* Two columns, cut at the group that makes them most even. */
    int cut = n, best = rows_of(keys, n);
    for (int i = 1; i < n; i++) {
        int left = rows_of(keys, i), right = rows_of(keys + i, n - i), taller = left > right ? left : right;
        if (!same_group(&keys[i], &keys[i - 1]) && taller < best) {
            best = taller;
            cut = i;
        }
    }
    struct rect column = {inside.x, inside.y, inside.w / 2 - 1, inside.h};
    draw_keys(keys, cut, key_width, grid, column);
    column.x += inside.w / 2 + 1;
    draw_keys(keys + cut, n - cut, key_width, grid, column);
}

void dialog_draw(const char *title, const char *text, const struct frame_key *keys, int n, struct grid *grid,
                 struct rect area)
{
    int width = area.w - 4 < 64 ? area.w - 4 : 64;
    int lines = put_paragraph(NULL, (struct rect){0, 0, width - 4, 0}, COLOR_DEFAULT, text);
    int height = lines + n + 3;
    if (width < 12 || height > area.h) { /* no room for a box: the text itself, from the top */
        put_fill(grid, area, COLOR_DEFAULT, COLOR_DEFAULT, NULL);
        width = area.w;
        height = area.h;
    }
    struct rect box = {area.x + (area.w - width) / 2, area.y + (area.h - height) / 2, width, height};
    int boxed = height == lines + n + 3 && width >= 12 && width < area.w;
    if (boxed) {
        put_fill(grid, box, COLOR_DEFAULT, COLOR_PANEL, NULL);
        put_box(grid, box, COLOR_ACCENT, title);
        box = rect_inset(box, 2, 1);
    }
    int y = box.y + put_paragraph(grid, box, COLOR_DEFAULT, text) + (boxed ? 1 : 0);
    int key_width = 0;
    for (int i = 0; i < n; i++)
        key_width = text_width(keys[i].key) > key_width ? text_width(keys[i].key) : key_width;
    for (int i = 0; i < n; i++, y++) {
        put_text(grid, box, box.x + key_width - text_width(keys[i].key), y, COLOR_KEY, ATTR_BOLD, keys[i].key);
        put_text(grid, box, box.x + key_width + 2, y, COLOR_DEFAULT, ATTR_NONE, keys[i].help);
    }
}
