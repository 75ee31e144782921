/* The help screen and the dialog; see views/frame.h. */
#include "views/frame.h"

#include <string.h>

/* ---- help ---- */

static int same_group(const struct frame_key *a, const struct frame_key *b)
{
    return strcmp(a->group ? a->group : "", b->group ? b->group : "") == 0;
}

/* "Up k" */
static int names_width(const struct frame_key *key)
{
    return text_width(key->key) + (key->also ? 1 + text_width(key->also) : 0);
}

static int widest(const struct frame_key *keys, int n)
{
    int width = 0;
    for (int i = 0; i < n; i++)
        width = names_width(&keys[i]) > width ? names_width(&keys[i]) : width;
    return width;
}

/* Rows that one key takes in a column of so many cells. */
static int rows_of_key(const struct frame_key *key, int key_width, int width)
{
    struct rect room = {0, 0, width - key_width - 2, 0};
    int rows = room.w > 0 ? put_paragraph(NULL, room, COLOR_DEFAULT, key->help) : 1;
    return rows > 0 ? rows : 1;
}

/* And n of them, with a heading for each group and a blank between groups. */
static int rows_of(const struct frame_key *keys, int n, int key_width, int width)
{
    int rows = 0;
    for (int i = 0; i < n; i++) {
        rows += i == 0 ? 1 : same_group(&keys[i], &keys[i - 1]) ? 0 : 2;
        rows += rows_of_key(&keys[i], key_width, width);
    }
    return rows;
}

/* The key and its sentence in `column`, at row y of it; returns the rows used. */
static int draw_key(const struct frame_key *key, int key_width, struct grid *grid, struct rect clip, struct rect column,
                    int y)
{
    struct rect text = {column.x + key_width + 2, y, column.w - key_width - 2, 1};
    int x = column.x + key_width - names_width(key);
    x += put_text(grid, clip, x, y, COLOR_KEY, ATTR_BOLD, key->key);
    if (key->also)
        put_text(grid, clip, x + 1, y, COLOR_KEY, ATTR_BOLD, key->also);
    if (text.w > 0)
        put_paragraph_in(grid, clip, text, COLOR_DEFAULT, key->help);
    return rows_of_key(key, key_width, column.w);
}

/* Where things stand, top row first: the introduction, then keys in one column, or in two cut at a group. */
struct help {
    struct rect inside;
    int intro; /* rows, with a blank one below */
    int cut;   /* keys in the first column */
    int rows;  /* all of it */
    int key_width;
};

static struct help place_help(const struct frame_key *keys, int n, const char *intro, struct rect area)
{
    struct help help = {
        .inside = area.w >= 20 ? rect_inset(area, 2, area.h >= 10) : area, .cut = n, .key_width = widest(keys, n)};
    if (intro && *intro)
        help.intro = put_paragraph(NULL, help.inside, COLOR_DEFAULT, intro) + 1;
    int one = rows_of(keys, n, help.key_width, help.inside.w), best = one, half = help.inside.w / 2 - 1;
    for (int i = 1; i < n && half >= 40 && help.intro + one > help.inside.h; i++) {
        int left = rows_of(keys, i, help.key_width, half), right = rows_of(keys + i, n - i, help.key_width, half);
        int taller = left > right ? left : right;
        if (!same_group(&keys[i], &keys[i - 1]) && taller < best) {
            best = taller;
            help.cut = i;
        }
    }
    /* Two columns are for seeing everything at once; what has to be scrolled is one. */
    if (help.intro + best > help.inside.h) {
        help.cut = n;
        best = one;
    }
    help.rows = help.intro + best;
    return help;
}

static void draw_keys(const struct frame_key *keys, int n, int key_width, struct grid *grid, struct rect clip,
                      struct rect column)
{
    int y = column.y;
    for (int i = 0; i < n; i++) {
        if (i == 0 || !same_group(&keys[i], &keys[i - 1])) {
            y += i > 0;
            put_text(grid, clip, column.x, y++, COLOR_ACCENT, ATTR_BOLD, keys[i].group ? keys[i].group : "Keys");
        }
        y += draw_key(&keys[i], key_width, grid, clip, column, y);
    }
}

int help_rows(const struct frame_key *keys, int n, const char *intro, struct rect area)
{
    struct help help = place_help(keys, n, intro, area);
    return help.rows > help.inside.h ? help.rows - help.inside.h : 0;
}

void help_draw(const struct frame_key *keys, int n, const char *intro, int top, struct grid *grid, struct rect area)
{
    struct help help = place_help(keys, n, intro, area);
    struct rect inside = help.inside, clip = inside;
    int hidden = help.rows - inside.h;
    put_fill(grid, area, COLOR_DEFAULT, COLOR_DEFAULT, NULL);
    top = top > hidden ? hidden : top;
    top = top < 0 ? 0 : top;
    struct rect column = {inside.x, inside.y - top, inside.w, help.rows};
    if (help.intro)
        put_paragraph_in(grid, clip, column, COLOR_DEFAULT, intro);
    column.y += help.intro;
    if (help.cut < n) {
        column.w = inside.w / 2 - 1;
        draw_keys(keys + help.cut, n - help.cut, help.key_width, grid, clip,
                  (struct rect){inside.x + inside.w / 2 + 1, column.y, column.w, column.h});
    }
    draw_keys(keys, help.cut, help.key_width, grid, clip, column);
    if (hidden > 0) {
        const char *more = top < hidden ? "more: Down, PgDn" : "the end: Up, PgUp";
        put_right(grid, area, inside.x + inside.w, area.y + area.h - 1, COLOR_ACCENT, ATTR_NONE, more);
    }
}

/* ---- the dialog ---- */

struct dialog_place {
    struct rect box, inside; /* box: empty where there is no room for one, and inside is the whole area */
    int title_rows;          /* without a box: 1 if the title has a row of its own */
    int text_rows, all_rows; /* what is shown of the text, and what there is */
    int keys_y, key_width;
};

static int rows_of_answers(const struct frame_key *keys, int n, int key_width, int width)
{
    int rows = 0;
    for (int i = 0; i < n; i++)
        rows += rows_of_key(&keys[i], key_width, width);
    return rows;
}

/* Where not everything fits, the text is cut; the answers stay, and what is asked. */
static struct dialog_place place_dialog(const char *text, const struct frame_key *keys, int n, struct rect area)
{
    struct dialog_place place = {.inside = area, .key_width = widest(keys, n)};
    int air = area.w < 60 ? 0 : 4, width = area.w - air < 64 ? area.w - air : 64;
    int rows = put_paragraph(NULL, (struct rect){0, 0, width - 4, 0}, COLOR_DEFAULT, text);
    int height = rows + rows_of_answers(keys, n, place.key_width, width - 4) + 3;
    if (width >= 12 && height <= area.h) {
        place.box = (struct rect){area.x + (area.w - width) / 2, area.y + (area.h - height) / 2, width, height};
        place.inside = rect_inset(place.box, 2, 1);
        place.text_rows = place.all_rows = rows;
        place.keys_y = place.inside.y + rows + 1;
        return place;
    }
    int left = area.h - rows_of_answers(keys, n, place.key_width, area.w);
    place.title_rows = left > 0;
    left -= place.title_rows;
    place.all_rows = put_paragraph(NULL, area, COLOR_DEFAULT, text);
    place.text_rows = place.all_rows <= left ? place.all_rows : left > 0 ? left : 0;
    place.keys_y = area.y + place.title_rows + place.text_rows;
    return place;
}

void dialog_draw(const char *title, const char *text, const struct frame_key *keys, int n, struct grid *grid,
                 struct rect area)
{
    struct dialog_place place = place_dialog(text, keys, n, area);
    struct rect inside = place.inside, clip = {inside.x, inside.y + place.title_rows, inside.w, place.text_rows};
    if (place.box.w > 0) {
        put_fill(grid, place.box, COLOR_DEFAULT, COLOR_PANEL, NULL);
        put_box(grid, place.box, COLOR_ACCENT, title);
    } else {
        put_fill(grid, area, COLOR_DEFAULT, COLOR_DEFAULT, NULL);
        if (place.title_rows)
            put_cut(grid, (struct rect){area.x, area.y, area.w, 1}, COLOR_ACCENT, ATTR_BOLD, title);
    }
    put_paragraph(grid, clip, COLOR_DEFAULT, text);
    for (int i = 0, y = place.keys_y; i < n; i++)
        y += draw_key(&keys[i], place.key_width, grid, inside, inside, y);
}

int dialog_find(const char *text, const struct frame_key *keys, int n, struct rect area, int x, int y)
{
    struct dialog_place place = place_dialog(text, keys, n, area);
    struct rect at = rect_intersect(place.inside, (struct rect){x, y, 1, 1});
    for (int i = 0, row = place.keys_y; i < n && at.w > 0; i++) {
        int rows = rows_of_key(&keys[i], place.key_width, place.inside.w);
        if (y >= row && y < row + rows)
            return i;
        row += rows;
    }
    return -1;
}
