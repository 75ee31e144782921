#include "views/frame.h"
#include "views/format.h"
#include "views/utf8.h"

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

/* ---- the header ---- */

#define BRAND "davidnet"
#define NAME_MIN 8

/* What stands where in the header. */
struct header {
    int brand;        /* 1: the program's name comes first */
    int gap;          /* between tabs */
    int short_titles; /* 1: only the current screen's title, numbers for the others */
    int word;         /* 1: the state's word, not only its mark */
    int n_tabs, tab_x[FRAME_SCREENS_MAX];
    int state_x, next_x, name_x;
    int kept; /* columns behind name_x that a longer title takes on another screen: there, too, is what is here */
};

/* How much longer than the current screen's title the longest one is, where only the current one is there. */
static int longer_title(const struct frame_model *model, const struct header *header)
{
    int longest = 0;
    for (int i = 0; i < header->n_tabs; i++) {
        int width = text_width(model->screens[i]);
        longest = width > longest ? width : longest;
    }
    return header->short_titles && header->n_tabs > 0 ? longest - text_width(model->screens[model->current]) : 0;
}

static int tab_width(const struct frame_model *model, int i, int short_titles)
{
    return short_titles && i != model->current ? 1 : 2 + text_width(model->screens[i]);
}

/* The columns, for what it says that is shown. Returns whether that leaves `room` columns. */
static int place_left(const struct frame_model *model, struct rect row, int room, struct header *header)
{
    int x = row.x + (row.w >= 60);
    if (header->brand)
        x += text_width(BRAND) + 2;
    for (int i = 0; i < header->n_tabs; i++) {
        header->tab_x[i] = x;
        x += tab_width(model, i, header->short_titles) + header->gap;
    }
    header->state_x = x;
    if (model->state)
        x += header->word ? 2 + text_width(model->state) + 2 : 2;
    header->next_x = x;
    if (model->state && model->next)
        x += text_width(model->next) + 2;
    header->name_x = x;
    header->kept = longer_title(model, header);
    return x + header->kept + room <= row.x + row.w;
}

/*
 * What a run needs beside the tabs: its name, and all clocks. As wide as they mostly get, and the state's word, too, so
 * that the tabs' titles do not come and go with the seconds.
 */
static int run_room(const struct frame_model *model)
{
    int clocks = text_width("train 00:00  speedrun 00:00  wall 00:00") + 2;
    int state = model->state ? text_width("evaluating") - text_width(model->state) : 0;
    return model->run ? NAME_MIN + 2 + clocks + (state > 0 ? state : 0) : 0;
}

/* As much as fits. Given up first: the program's name, then blanks, titles, the state's word. */
static struct header place_header(const struct frame_model *model, struct rect row)
{
    struct header header = {.brand = row.w >= 60, .word = 1, .gap = 2};
    int room = run_room(model);
    if (model->n_screens > 1)
        header.n_tabs = model->n_screens < FRAME_SCREENS_MAX ? model->n_screens : FRAME_SCREENS_MAX;
    if (header.n_tabs == 0 || place_left(model, row, room, &header)) {
        place_left(model, row, 0, &header);
        return header;
    }
    header.brand = 0;
    if (place_left(model, row, room, &header))
        return header;
    header.gap = 1;
    if (place_left(model, row, room, &header))
        return header;
    header.short_titles = 1;
    header.brand = row.w >= 60;
    header.gap = 2;
    if (place_left(model, row, room, &header))
        return header;
    header.brand = 0;
    header.gap = 1;
    header.word = place_left(model, row, 0, &header);
    place_left(model, row, 0, &header);
    return header;
}

static void draw_tab(const struct frame_model *model, const struct header *header, int i, struct grid *grid,
                     struct rect row)
{
    int here = i == model->current, x = header->tab_x[i], width = tab_width(model, i, header->short_titles);
    uint32_t color = here ? COLOR_TITLE : COLOR_DIM;
    if (here) { /* with a blank at each side, where the row has one */
        struct rect tab = {x - 1, row.y, width + 2, 1};
        put_fill(grid, rect_intersect(tab, row), COLOR_TITLE, COLOR_SELECTED, NULL);
    }
    put_format(grid, row, x, row.y, color, here ? ATTR_BOLD : ATTR_NONE, "%d", i + 1);
    if (here || !header->short_titles)
        put_text(grid, row, x + 2, row.y, color, here ? ATTR_BOLD : ATTR_NONE, model->screens[i]);
}

static void draw_header(const struct frame_model *model, struct grid *grid, struct rect row)
{
    struct header header = place_header(model, row);
    put_fill(grid, row, COLOR_DEFAULT, COLOR_PANEL, NULL);
    int margin = row.w >= 60;
    if (header.brand)
        put_text(grid, row, row.x + margin, row.y, COLOR_ACCENT, ATTR_BOLD, BRAND);
    for (int i = 0; i < header.n_tabs; i++)
        draw_tab(model, &header, i, grid, row);
    if (model->state) {
        put_text(grid, row, header.state_x, row.y, model->state_color, ATTR_BOLD, grid->ascii ? "*" : "●");
        if (header.word)
            put_text(grid, row, header.state_x + 2, row.y, model->state_color, ATTR_BOLD, model->state);
        if (model->next)
            put_text(grid, row, header.next_x, row.y, COLOR_ACCENT, ATTR_NONE, model->next);
    }
    /* Clocks take their place before the run's name does: the name can be cut. Beside tabs it keeps some room. */
    int first = header.name_x + header.kept, right = row.x + row.w - margin;
    int left = first + (header.n_tabs && model->run ? NAME_MIN : 0);
    int second = left + (header.n_tabs ? 14 : 0); /* training time comes first */
    right = put_clock(grid, row, second, right, "wall", model->wall_seconds);
    if (row.w >= 72)
        right = put_clock(grid, row, second, right, "speedrun", model->speedrun_seconds);
    right = put_clock(grid, row, row.w >= 72 ? left : first, right, "train", model->train_seconds);
    if (model->run && (right - first >= NAME_MIN || right - first >= text_width(model->run)))
        put_squeezed(grid, (struct rect){header.name_x, row.y, right - header.name_x, 1}, COLOR_DEFAULT, ATTR_NONE,
                     model->run);
}

/* ---- the footer ---- */

static int key_width(const struct frame_key *key)
{
    return key->label ? text_width(key->key) + 1 + text_width(key->label) : 0;
}

#define MESSAGE_MIN 24

/* Where the message begins; the row's end without one. The last keys keep their place, if that leaves it some room. */
static int message_at(const struct frame_model *model, struct rect row)
{
    int margin = row.w >= 60, end = row.x + row.w - margin, keys = 0;
    if (!model->message || !*model->message)
        return end;
    for (int i = 0; i < model->n_keys; i++)
        if (model->keys[i].last && key_width(&model->keys[i]))
            keys += key_width(&model->keys[i]) + 2;
    int first = row.x + margin + keys, at = end - text_width(model->message);
    if (end - first < MESSAGE_MIN)
        first = row.x + margin;
    return at < first ? first : at;
}

/* Where each key stands, -1: left out. The last ones take their place first. */
static void place_keys(const struct frame_model *model, struct rect row, int at[FRAME_KEYS_MAX])
{
    int margin = row.w >= 60, x = row.x + margin, end = message_at(model, row);
    if (model->message && *model->message)
        end -= 2;
    for (int i = model->n_keys - 1; i >= 0; i--) {
        int width = key_width(&model->keys[i]);
        at[i] = -1;
        if (!model->keys[i].last || !width || x + width > end)
            continue;
        at[i] = end - width;
        end -= width + 2;
    }
    for (int i = 0; i < model->n_keys; i++) {
        int width = key_width(&model->keys[i]);
        if (model->keys[i].last || !width || x + width > end)
            continue;
        at[i] = x;
        x += width + 2;
    }
}

static void draw_footer(const struct frame_model *model, struct grid *grid, struct rect row)
{
    int at[FRAME_KEYS_MAX];
    put_fill(grid, row, COLOR_DEFAULT, COLOR_PANEL, NULL);
    if (model->message) {
        int x = message_at(model, row);
        put_cut(grid, (struct rect){x, row.y, row.x + row.w - (row.w >= 60) - x, 1}, COLOR_ACCENT, ATTR_NONE,
                model->message);
    }
    place_keys(model, row, at);
    for (int i = 0; i < model->n_keys; i++) {
        if (at[i] < 0)
            continue;
        int used = put_text(grid, row, at[i], row.y, COLOR_KEY, ATTR_BOLD, model->keys[i].key);
        put_text(grid, row, at[i] + used + 1, row.y, COLOR_DIM, ATTR_NONE, model->keys[i].label);
    }
}

static struct rect header_row(struct rect area)
{
    return (struct rect){area.x, area.y, area.w, 1};
}

static struct rect footer_row(struct rect area)
{
    return (struct rect){area.x, area.y + area.h - 1, area.w, 1};
}

enum frame_part frame_find(const struct frame_model *model, struct rect area, int x, int y, int *index)
{
    int at[FRAME_KEYS_MAX];
    if (area.h >= 2 && y == area.y) {
        struct header header = place_header(model, header_row(area));
        for (*index = 0; *index < header.n_tabs; ++*index)
            if (x >= header.tab_x[*index] && x < header.tab_x[*index] + tab_width(model, *index, header.short_titles))
                return FRAME_SCREEN;
    } else if (area.h >= 5 && y == area.y + area.h - 1) {
        place_keys(model, footer_row(area), at);
        for (*index = 0; *index < model->n_keys; ++*index)
            if (at[*index] >= 0 && x >= at[*index] && x < at[*index] + key_width(&model->keys[*index]))
                return FRAME_KEY;
    }
    return FRAME_NOTHING;
}

struct rect frame_area(struct rect area)
{
    int top = area.h >= 2, bottom = area.h >= 5;
    return (struct rect){area.x, area.y + top, area.w, area.h - top - bottom};
}

struct rect frame_draw(const struct frame_model *model, struct grid *grid, struct rect area)
{
    if (area.h >= 2)
        draw_header(model, grid, header_row(area));
    if (area.h >= 5)
        draw_footer(model, grid, footer_row(area));
    return frame_area(area);
}

/* The bytes of a line's characters that fit into so many columns, at least one character's. */
static size_t fitting(const char *line, int width)
{
    size_t at = 0;
    for (int used = 0; line[at];) {
        int32_t code;
        int length = utf8_decode(line + at, &code), columns = code < 0 ? 1 : utf8_width(code);
        used += columns < 0 ? 1 : columns;
        if (used > width && at > 0)
            break;
        at += (size_t)length;
    }
    return at;
}

/* So much of a line that a mark behind it says that there is more: whole words, if that leaves one. */
static void put_mark(char *line, size_t size, int width, int ascii)
{
    const char *mark = ascii ? " ..." : " …";
    int room = width - text_width(mark);
    while (text_width(line) > room) {
        char *blank = strrchr(line, ' ');
        if (!blank || blank == line)
            break;
        *blank = '\0';
    }
    if (text_width(line) > room)
        line[room > 0 ? fitting(line, room) : 0] = '\0';
    size_t used = strlen(line);
    snprintf(line + used, size - used, "%s", used ? mark : mark + 1);
}

/* The last of `most` lines is marked where text is left; 0: as many lines as there are. */
static int write_lines(struct grid *grid, struct rect clip, struct rect area, uint32_t fg, int most, const char *text)
{
    int lines = 0;
    while (*text && area.w > 0) {
        /* The longest run of whole words that fits; a word that is too long on its own goes on in the next line. */
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
        take = fitting(line, area.w);
        line[take] = '\0';
        text += take;
        text += strspn(text, " ");
        if (*text == '\n')
            text++;
        lines++;
        if (grid && lines == most && text[strspn(text, " \n")] != '\0')
            put_mark(line, sizeof line, area.w, grid->ascii);
        if (grid)
            put_text(grid, clip, area.x, area.y + lines - 1, fg, ATTR_NONE, line);
    }
    return lines;
}

int put_paragraph_in(struct grid *grid, struct rect clip, struct rect area, uint32_t fg, const char *text)
{
    return write_lines(grid, clip, area, fg, 0, text);
}

int put_paragraph(struct grid *grid, struct rect area, uint32_t fg, const char *text)
{
    return write_lines(grid, area, area, fg, area.h, text);
}

void put_notice(struct grid *grid, struct rect area, uint32_t color, const char *title, const char *text)
{
    int width = area.w - 4 > 64 ? 64 : area.w - 4;
    int lines = put_paragraph(NULL, (struct rect){0, 0, width, 0}, COLOR_DIM, text);
    int y = area.y + (area.h - lines - 2) / 2;
    struct rect box = rect_intersect(area, (struct rect){area.x + (area.w - width) / 2, y, width, lines + 2});
    if (y < area.y)
        box = area;
    put_text(grid, box, box.x, box.y, color, ATTR_BOLD, title);
    put_paragraph(grid, rect_intersect(box, (struct rect){box.x, box.y + 2, box.w, box.h - 2}), COLOR_DIM, text);
}
