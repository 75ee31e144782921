#include "views/frame.h"
#include "views/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One more clock, right-aligned before `right`, if it fits after `left`; returns the new right end. */
static int put_clock(struct grid *grid, struct rect row, int left, int right, const char *name, double seconds)
{
    char value[32];
    if (isnan(seconds))
        return right;
    format_seconds(seconds, value, sizeof value);
    int width = text_width(name) + 1 + text_width(value);
    if (right - width - 2 < left)
        return right;
    int x = right - width;
    x += put_text(grid, row, x, row.y, COLOR_DIM, ATTR_NONE, name) + 1;
    put_text(grid, row, x, row.y, COLOR_TITLE, ATTR_BOLD, value);
    return right - width - 2;
}

static void draw_header(const struct frame_model *model, struct grid *grid, struct rect row)
{
    put_fill(grid, row, COLOR_DEFAULT, COLOR_PANEL, NULL);
    int margin = row.w >= 60, x = row.x + margin;
    if (row.w >= 60)
        x += put_text(grid, row, x, row.y, COLOR_ACCENT, ATTR_BOLD, "davidnet") + 2;
    for (int i = 0; i < model->n_screens && model->n_screens > 1; i++) {
        int here = i == model->current;
        x += put_format(grid, row, x, row.y, here ? COLOR_TITLE : COLOR_DIM, here ? ATTR_BOLD | ATTR_UNDERLINE : 0,
                        "%d %s", i + 1, model->screens[i]) +
             1;
    }
    if (model->state) {
        x += put_text(grid, row, x, row.y, model->state_color, ATTR_BOLD, grid->ascii ? "*" : "●") + 1;
        x += put_text(grid, row, x, row.y, model->state_color, ATTR_BOLD, model->state) + 2;
    }
    /* Clocks take their place before the run's name does: the name can be cut. */
    int right = row.x + row.w - margin;
    right = put_clock(grid, row, x, right, "wall", model->wall_seconds);
    if (row.w >= 72)
        right = put_clock(grid, row, x, right, "speedrun", model->speedrun_seconds);
    right = put_clock(grid, row, x, right, "train", model->train_seconds);
    if (model->run && right - x >= 8) {
        struct rect room = {x, row.y, right - x, 1};
        int cut = text_width(model->run) > room.w;
        struct rect name = cut ? (struct rect){x, row.y, room.w - (grid->ascii ? 2 : 1), 1} : room;
        put_text(grid, name, x, row.y, COLOR_DEFAULT, ATTR_NONE, model->run);
        if (cut)
            put_text(grid, room, name.x + name.w, row.y, COLOR_DIM, ATTR_NONE, grid->ascii ? ".." : "…");
    }
}

static void put_key(struct grid *grid, struct rect row, int x, const struct frame_key *key)
{
    x += put_text(grid, row, x, row.y, COLOR_KEY, ATTR_BOLD, key->key) + 1;
    put_text(grid, row, x, row.y, COLOR_DIM, ATTR_NONE, key->label);
}

static void draw_footer(const struct frame_model *model, struct grid *grid, struct rect row)
{
    put_fill(grid, row, COLOR_DEFAULT, COLOR_PANEL, NULL);
    int margin = row.w >= 60, x = row.x + margin, end = row.x + row.w;
    if (model->message && *model->message) { /* on the right; keys have what is left */
        int width = text_width(model->message), at = end - width - margin;
        if (at < x)
            at = x;
        put_text(grid, row, at, row.y, COLOR_ACCENT, ATTR_NONE, model->message);
        end = at - 2;
    }
    for (int i = model->n_keys - 1; i >= 0; i--) {
        const struct frame_key *key = &model->keys[i];
        int width = key->label ? text_width(key->key) + 1 + text_width(key->label) : 0;
        if (!key->last || !width || x + width > end - margin)
            continue;
        put_key(grid, row, end - margin - width, key);
        end -= width + 2;
    }
    for (int i = 0; i < model->n_keys; i++) {
        const struct frame_key *key = &model->keys[i];
        int width = key->label ? text_width(key->key) + 1 + text_width(key->label) : 0;
        if (key->last || !width || x + width > end)
            continue;
        put_key(grid, row, x, key);
        x += width + 2;
    }
}

struct rect frame_area(struct rect area)
{
    int top = area.h >= 2, bottom = area.h >= 5;
    return (struct rect){area.x, area.y + top, area.w, area.h - top - bottom};
}

struct rect frame_draw(const struct frame_model *model, struct grid *grid, struct rect area)
{
    if (area.h >= 2)
        draw_header(model, grid, (struct rect){area.x, area.y, area.w, 1});
    if (area.h >= 5)
        draw_footer(model, grid, (struct rect){area.x, area.y + area.h - 1, area.w, 1});
    return frame_area(area);
}

int put_paragraph(struct grid *grid, struct rect area, uint32_t fg, const char *text)
{
    int lines = 0;
    while (*text && area.w > 0) {
        /* The longest run of whole words that fits; a word that is too long on its own is cut by the clip. */
        size_t take = 0, length = 0;
        char line[512];
        while (text[length] && text[length] != '\n') {
            size_t word = length + strcspn(text + length, " \n");
            if (word >= sizeof line)
                break;
            memcpy(line, text, word);
            line[word] = '\0';
            if (take > 0 && text_width(line) > area.w)
                break;
            take = word;
            length = word + strspn(text + word, " ");
        }
        if (take == 0 && text[0] != '\n')
            take = strnlen(text, sizeof line - 1);
        memcpy(line, text, take);
        line[take] = '\0';
        if (grid)
            put_text(grid, area, area.x, area.y + lines, fg, ATTR_NONE, line);
        lines++;
        text += take;
        text += strspn(text, " ");
        if (*text == '\n')
            text++;
    }
    return lines;
}
