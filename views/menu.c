#include "views/menu.h"

#include "views/frame.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 84
#define ROWS_SHOWN 12
#define NOTE_ROWS 2

/* ---- matching ---- */

static int same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int begins_word(const char *text, int at)
{
    return at == 0 || !isalnum((unsigned char)text[at - 1]);
}

/* The word's letters from text[from] on; -1 if they are not all there, or too far apart for where they begin. */
static int match_from(const char *word, int length, const char *text, int from)
{
    int score = 0, last = from - 1, at = from, reach = begins_word(text, from) ? 3 * length + 8 : length;
    for (int i = 0; i < length; i++, at++) {
        while (text[at] && !same_letter(text[at], word[i]))
            at++;
        if (!text[at] || at - from >= reach)
            return -1;
        if (at == last + 1)
            score += 8;
        if (begins_word(text, at))
            score += 10;
        last = at;
    }
    return score - (from > 40 ? 4 : from / 10);
}

static int match_word(const char *word, int length, const char *text)
{
    int best = -1;
    for (int from = 0; text[from]; from++) {
        int score = same_letter(text[from], word[0]) ? match_from(word, length, text, from) : -1;
        if (score > best)
            best = score;
    }
    return best;
}

int menu_match(const char *pattern, const char *text)
{
    int total = 0;
    for (pattern += strspn(pattern, " "); *pattern; pattern += strspn(pattern, " ")) {
        int length = (int)strcspn(pattern, " "), score = match_word(pattern, length, text);
        if (score < 0)
            return -1;
        total += score;
        pattern += length;
    }
    return total;
}

static int match_row(const struct menu_row *row, const char *pattern)
{
    char text[512];
    int named = row->name && *pattern ? menu_match(pattern, row->name) : -1;
    snprintf(text, sizeof text, "%s %s %s", row->text, row->group, row->titled ? row->name : "");
    int score = menu_match(pattern, text);
    return named >= 0 && named + 5 > score ? named + 5 : score;
}

int menu_filter(const struct menu_row *rows, int n, const char *pattern, int order[MENU_ROWS_MAX])
{
    int scores[MENU_ROWS_MAX], count = 0;
    for (int i = 0; i < n && i < MENU_ROWS_MAX; i++) {
        int score = match_row(&rows[i], pattern), at = count;
        if (score < 0)
            continue;
        for (; at > 0 && scores[at - 1] < score; at--) {
            scores[at] = scores[at - 1];
            order[at] = order[at - 1];
        }
        scores[at] = score;
        order[at] = i;
        count++;
    }
    return count;
}

/* ---- drawing ---- */

struct menu_place {
    struct rect box, inside; /* inside: the field's row and the rows below */
    struct rect note; /* below the rows: all of a sentence that is cut in its row; empty where there is no room */
    int top, rows;    /* the first row that is shown, and how many can be */
};

static struct menu_place place(int matches, int all, int at, struct rect area)
{
    struct menu_place menu = {.inside = area};
    int boxed = area.w >= 24 && area.h >= 7, wanted = (all < ROWS_SHOWN ? all : ROWS_SHOWN) + 3 + NOTE_ROWS;
    if (boxed) {
        int width = area.w - 4 < WIDTH_MAX ? area.w - 4 : WIDTH_MAX, height = wanted < area.h ? wanted : area.h;
        menu.box = (struct rect){area.x + (area.w - width) / 2, area.y + (area.h - height) / 3, width, height};
        menu.inside = rect_inset(menu.box, 1, 1);
    }
    int kept = menu.inside.h >= ROWS_SHOWN ? NOTE_ROWS : 0, below = menu.inside.h - 1 - matches;
    menu.rows = menu.inside.h > 1 ? menu.inside.h - 1 - kept : 0;
    int h = below > kept ? below : kept;
    h -= h > NOTE_ROWS; /* a blank row before it, if there is one */
    menu.note = (struct rect){menu.inside.x + 1, menu.inside.y + menu.inside.h - h, menu.inside.w - 2, h};
    if (at >= menu.rows)
        menu.top = at - menu.rows + 1;
    if (menu.top > matches - menu.rows)
        menu.top = matches - menu.rows;
    if (menu.top < 0)
        menu.top = 0;
    return menu;
}

/* Returns 1 if its sentence was cut. */
static int draw_row(const struct menu_row *row, int group_width, int here, struct grid *grid, struct rect line)
{
    if (here)
        put_fill(grid, line, COLOR_TITLE, COLOR_SELECTED, NULL);
    struct rect text = {line.x + 1, line.y, line.w - 2, 1};
    if (row->key && *row->key) {
        int width = text_width(row->key);
        put_text(grid, line, line.x + line.w - 1 - width, line.y, COLOR_KEY, ATTR_BOLD, row->key);
        text.w -= width + 2;
    }
    if (line.w >= 56) {
        put_text(grid, text, text.x, line.y, here ? COLOR_DEFAULT : COLOR_DIM, ATTR_NONE, row->group);
        text = (struct rect){text.x + group_width + 2, text.y, text.w - group_width - 2, 1};
    }
    char said[512];
    int narrow = line.w < 56; /* the group has no column of its own */
    snprintf(said, sizeof said, "%s%s%s%s%s", row->titled && narrow ? row->group : "", row->titled && narrow ? " " : "",
             row->titled ? row->name : "", row->titled ? ": " : "", row->text);
    put_cut(grid, text, here ? COLOR_TITLE : COLOR_DEFAULT, ATTR_NONE, said);
    return text_width(said) > text.w;
}

void menu_draw(const struct menu_row *rows, int n, const struct line_edit *pattern, int at, struct grid *grid,
               struct rect area)
{
    int order[MENU_ROWS_MAX], count = menu_filter(rows, n, pattern->text, order), group_width = 0;
    at = at < count ? at : count - 1;
    struct menu_place menu = place(count, n, at, area);
    for (int i = 0; i < n; i++)
        group_width = text_width(rows[i].group) > group_width ? text_width(rows[i].group) : group_width;
    put_fill(grid, menu.box.w ? menu.box : area, COLOR_DEFAULT, COLOR_PANEL, NULL);
    if (menu.box.w)
        put_box(grid, menu.box, COLOR_ACCENT, "Commands");
    struct rect line = {menu.inside.x, menu.inside.y, menu.inside.w, 1};
    struct rect first = rect_intersect(menu.inside, line);
    put_text(grid, first, line.x + 1, line.y, COLOR_KEY, ATTR_BOLD, ":");
    struct rect field = rect_intersect(first, (struct rect){line.x + 3, line.y, line.w - 4, 1});
    line_edit_draw(pattern, "type to narrow it down", 1, grid, field);
    if (count == 0) {
        line.y++;
        put_text(grid, rect_intersect(menu.inside, line), line.x + 3, line.y, COLOR_WARN, ATTR_NONE,
                 "no command is called that");
    }
    for (int i = 0; i < menu.rows && menu.top + i < count; i++) {
        line.y = menu.inside.y + 1 + i;
        const struct menu_row *row = &rows[order[menu.top + i]];
        if (draw_row(row, group_width, menu.top + i == at, grid, line) && menu.top + i == at && menu.note.h > 0)
            put_paragraph(grid, menu.note, COLOR_DIM, row->text);
    }
    if (menu.box.w && menu.top + menu.rows < count)
        put_format(grid, menu.box, menu.box.x + menu.box.w - 12, menu.box.y + menu.box.h - 1, COLOR_ACCENT, ATTR_NONE,
                   " %d more ", count - menu.top - menu.rows);
}

int menu_find(const struct menu_row *rows, int n, const char *pattern, int at, struct rect area, int x, int y)
{
    int order[MENU_ROWS_MAX], count = menu_filter(rows, n, pattern, order);
    struct menu_place menu = place(count, n, at < count ? at : count - 1, area);
    struct rect list = {menu.inside.x, menu.inside.y + 1, menu.inside.w, menu.rows};
    int index = y - list.y + menu.top;
    return x >= list.x && x < list.x + list.w && y >= list.y && y < list.y + list.h && index < count ? index : -1;
}
