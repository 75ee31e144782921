#include "views/runs_view.h"
#include "views/palette.h"

#include "views/format.h"
#include "views/frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GAP 2
#define GAP_MAX 5
#define MARK_WIDTH 3 /* the cursor, the mark's letter, a blank */

uint32_t runs_mark_color(int mark)
{
    return COLOR_RUN_A + (uint32_t)mark;
}

char runs_mark_letter(int mark)
{
    return (char)('a' + mark);
}

uint32_t runs_state_color(const struct run_entry *entry)
{
    static const struct {
        const char *state;
        uint32_t color;
    } colors[] = {{"live", COLOR_ACCENT}, {"done", COLOR_GOOD},   {"stopped", COLOR_WARN},
                  {"failed", COLOR_BAD},  {"crashed", COLOR_BAD}, {"unreadable", COLOR_BAD}};
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
        if (strcmp(runs_state(entry), colors[i].state) == 0)
            return colors[i].color;
    return COLOR_DEFAULT;
}

void runs_layout_make(struct rect area, int runs, struct runs_layout *layout)
{
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0)
        return;
    if (area.w >= 60)
        area = rect_inset(area, 1, 0);
    int wide = area.w >= 98, line = area.h >= 6, left = area.h - line;
    int bottom = area.h < 16 || area.w < 40 ? 0 : wide ? left * 2 / 5 : area.h < 40 ? 7 : left / 3;
    if (wide && bottom > 0 && bottom < 8)
        bottom = 8;
    int wanted = runs > 4 ? runs + 2 : 6; /* headings, runs, air */
    int table = bottom > 0 && wanted < left - bottom ? wanted : left - bottom;
    layout->line = (struct rect){area.x, area.y, line ? area.w : 0, line};
    layout->table = (struct rect){area.x, area.y + line, area.w, table};
    if (bottom == 0)
        return;
    struct rect rest = {area.x, area.y + line + table, area.w, left - table};
    layout->detail = rest;
    if (wide) {
        layout->detail.w = rest.w * 9 / 20;
        layout->chart = (struct rect){rest.x + layout->detail.w + 3, rest.y, rest.w - layout->detail.w - 3, rest.h};
    } else if (rest.h >= 18) {
        layout->detail.h = 10;
        layout->chart = (struct rect){rest.x, rest.y + 10, rest.w, rest.h - 10};
    }
}

/* ---- the table ---- */

struct column {
    int width; /* at least; 0: as wide as its widest text */
    int right; /* 1: numbers */
    int drop;  /* what goes first when it is narrow: the highest */
};

static const struct column columns[RUNS_COLUMNS] = {
    [RUNS_NAME] = {12, 0, 0},  [RUNS_STATE] = {7, 0, 2},     [RUNS_BEST] = {6, 1, 1},    [RUNS_LAST] = {6, 1, 11},
    [RUNS_EVAL] = {4, 0, 13},  [RUNS_TO_TARGET] = {9, 1, 3}, [RUNS_TRAINED] = {7, 1, 6}, [RUNS_EPOCHS] = {6, 1, 5},
    [RUNS_PRESET] = {6, 0, 7}, [RUNS_TRICKS] = {6, 0, 10},   [RUNS_SEED] = {4, 1, 8},    [RUNS_DATE] = {16, 0, 9},
    [RUNS_SIZE] = {6, 1, 12},  [RUNS_TAGS] = {4, 0, 4},
};

#define TEXT_WIDTH_MAX 32 /* of columns other than the name */
#define RECIPE_WIDTH 22   /* of the recipe below WIDE columns: what it is and its first change, beside the seed */
#define WIDE 150

struct table {
    int x[RUNS_COLUMNS], width[RUNS_COLUMNS]; /* width 0: not shown */
    int top, rows;                            /* of the model: the first one shown, how many fit */
};

static int column_width(const struct runs_model *model, enum runs_column c)
{
    int title = text_width(runs_column_title(c)) + (c == model->sort ? 2 : 0);
    int width = model->widest[c] > columns[c].width ? model->widest[c] : columns[c].width;
    if (c == RUNS_TAGS && model->widest[c] == 0)
        return 0; /* nobody uses them */
    if (c != RUNS_NAME && width > TEXT_WIDTH_MAX)
        width = TEXT_WIDTH_MAX;
    return title > width ? title : width;
}

static int total_width(const struct table *table)
{
    int total = MARK_WIDTH - GAP;
    for (int c = 0; c < RUNS_COLUMNS; c++)
        total += table->width[c] > 0 ? table->width[c] + GAP : 0;
    return total;
}

/* The columns that fit; the name gives way down to its least width before another is left out. */
static void lay_columns(const struct runs_model *model, struct rect area, struct table *table)
{
    for (int c = 0; c < RUNS_COLUMNS; c++)
        table->width[c] = column_width(model, (enum runs_column)c);
    if (area.w < WIDE && table->width[RUNS_PRESET] > RECIPE_WIDTH)
        table->width[RUNS_PRESET] = RECIPE_WIDTH;
    int name = table->width[RUNS_NAME], least = area.w >= 78 ? 28 : 20;
    least = name < least ? name : least;
    table->width[RUNS_NAME] = least;
    for (int drop = RUNS_COLUMNS; drop > 0 && total_width(table) > area.w; drop--)
        for (int c = 0; c < RUNS_COLUMNS; c++)
            if (columns[c].drop == drop && c != RUNS_NAME && total_width(table) > area.w)
                table->width[c] = 0;
    int spare = area.w - total_width(table);
    table->width[RUNS_NAME] += spare < name - least ? spare : name - least;
    if (table->width[RUNS_NAME] < 1)
        table->width[RUNS_NAME] = 1;
    int shown = 0;
    for (int c = 0; c < RUNS_COLUMNS; c++)
        shown += table->width[c] > 0;
    int gap = GAP + (shown > 0 ? (area.w - total_width(table)) / shown : 0);
    gap = gap > GAP_MAX ? GAP_MAX : gap < GAP ? GAP : gap;
    for (int c = 0, x = area.x + MARK_WIDTH; c < RUNS_COLUMNS; c++) {
        table->x[c] = x;
        x += table->width[c] > 0 ? table->width[c] + gap : 0;
    }
    table->rows = area.h - 1;
    /* The selected row stays in the middle, but at both ends of the list. */
    int top = model->selected - table->rows / 2;
    if (top > model->n_rows - table->rows)
        top = model->n_rows - table->rows;
    table->top = top > 0 ? top : 0;
}

static const char *arrow(const struct runs_model *model, const struct grid *grid)
{
    return grid->ascii ? (model->descending ? "v" : "^") : (model->descending ? "▼" : "▲");
}

static void draw_heads(const struct runs_model *model, const struct table *table, struct grid *grid, struct rect area)
{
    struct rect row = {area.x, area.y, area.w, 1};
    for (int c = 0; c < RUNS_COLUMNS; c++) {
        char text[32];
        const char *title = runs_column_title((enum runs_column)c);
        int sorted = c == (int)model->sort;
        if (table->width[c] == 0)
            continue;
        snprintf(text, sizeof text, "%s%s%s", title, sorted ? " " : "", sorted ? arrow(model, grid) : "");
        int x = columns[c].right ? table->x[c] + table->width[c] - text_width(text) : table->x[c];
        put_text(grid, row, x, row.y, sorted ? COLOR_ACCENT : COLOR_TITLE, ATTR_BOLD, text);
    }
}

static uint32_t cell_color(const struct runs_model *model, const struct run_entry *entry, enum runs_column c)
{
    const struct run_summary *s = &entry->summary;
    switch (c) {
    case RUNS_NAME:
        return strcmp(model->current, entry->folder.path) == 0 ? COLOR_ACCENT : COLOR_DEFAULT;
    case RUNS_STATE:
        return runs_state_color(entry);
    case RUNS_BEST:
        return s->best_acc >= entry->recipe.target ? COLOR_GOOD : COLOR_VALID;
    case RUNS_TO_TARGET:
        return isfinite(s->seconds_to_target) ? COLOR_GOOD : COLOR_DIM;
    case RUNS_TAGS:
        return COLOR_WARN;
    case RUNS_DATE:
    case RUNS_SIZE:
    case RUNS_SEED:
    case RUNS_PRESET:
    case RUNS_EVAL:
        return COLOR_DIM;
    default:
        return COLOR_DEFAULT;
    }
}

static void draw_row(const struct runs_model *model, const struct table *table, int index, struct grid *grid,
                     struct rect row)
{
    const struct run_entry *entry = model->rows[index];
    int selected = index == model->selected, mark = runs_model_mark(model, entry);
    if (selected) {
        put_fill(grid, row, COLOR_TITLE, COLOR_SELECTED, NULL);
        put_text(grid, row, row.x, row.y, COLOR_TITLE, ATTR_BOLD, grid->ascii ? ">" : "▸");
    }
    if (mark >= 0)
        put_text(grid, row, row.x + 1, row.y, runs_mark_color(mark), ATTR_BOLD, (char[]){runs_mark_letter(mark), '\0'});
    for (int c = 0; c < RUNS_COLUMNS; c++) {
        char text[RUN_TAGS_TEXT_MAX];
        struct rect cell = rect_intersect(row, (struct rect){table->x[c], row.y, table->width[c], 1});
        if (table->width[c] == 0)
            continue;
        if (selected && c == RUNS_NAME && model->editing == RUNS_EDIT_NAME) {
            cell.w++; /* for the cursor behind the text; there is a gap between columns */
            line_edit_draw(&model->edit, NULL, 1, grid, rect_intersect(row, cell));
            continue;
        }
        runs_cell(entry, (enum runs_column)c, text, sizeof text);
        uint32_t color = cell_color(model, entry, (enum runs_column)c);
        uint8_t attr = selected || c == RUNS_BEST ? ATTR_BOLD : ATTR_NONE;
        if (columns[c].right && text_width(text) <= cell.w)
            put_right(grid, cell, cell.x + cell.w, cell.y, color, attr, text);
        else if (c == RUNS_NAME)
            put_squeezed(grid, cell, color, attr, text);
        else
            put_cut(grid, cell, color, attr, text);
    }
    palette_legible(grid, row);
}

static void draw_table(const struct runs_model *model, struct grid *grid, struct rect area)
{
    struct table table;
    if (area.h < 1 || area.w < 8)
        return;
    lay_columns(model, area, &table);
    draw_heads(model, &table, grid, area);
    for (int i = 0; i < table.rows && table.top + i < model->n_rows; i++)
        draw_row(model, &table, table.top + i, grid, (struct rect){area.x, area.y + 1 + i, area.w, 1});
    if (model->n_rows == 0 && model->n_entries > 0)
        put_text(grid, area, area.x + MARK_WIDTH, area.y + 1, COLOR_DIM, ATTR_NONE, "no run matches: Esc shows all");
}

int runs_view_find(const struct runs_model *model, struct rect area, int x, int y, enum runs_column *column)
{
    struct runs_layout layout;
    struct table table;
    if (column != NULL)
        *column = RUNS_COLUMNS;
    runs_layout_make(area, model->n_entries, &layout);
    struct rect t = layout.table;
    if (model->comparing || t.h < 1 || t.w < 8 || x < t.x || x >= t.x + t.w || y < t.y || y >= t.y + t.h)
        return -1;
    lay_columns(model, t, &table);
    int row = y - t.y - 1 + table.top;
    if (y > t.y)
        return row < model->n_rows ? row : -1;
    for (int c = 0; c < RUNS_COLUMNS && column != NULL; c++)
        if (table.width[c] > 0 && x >= table.x[c] && x < table.x[c] + table.width[c])
            *column = (enum runs_column)c;
    return -1;
}

/* ---- the line above ---- */

static void draw_line(const struct runs_model *model, struct grid *grid, struct rect row)
{
    const struct run_entry *marked[RUNS_MARKS_MAX];
    char text[RUN_PATH_MAX + 64], right[96] = "";
    int n_marked = runs_model_marked(model, marked), x = row.x;
    if (row.h < 1)
        return;
    if (model->reading && model->known < model->found)
        snprintf(right, sizeof right, "reading %d of %d", model->known, model->found);
    else {
        if (n_marked > 0)
            snprintf(right, sizeof right, "%d marked%s", n_marked, row.w >= 60 ? "  " : "");
        size_t used = strlen(right);
        if (row.w >= 60)
            snprintf(right + used, sizeof right - used, "by %s %s", runs_column_title(model->sort), arrow(model, grid));
    }
    struct rect left = {row.x, row.y, row.w - (right[0] != '\0' ? text_width(right) + GAP : 0), 1};
    put_right(grid, row, row.x + row.w, row.y, COLOR_ACCENT, ATTR_NONE, right);
    if (model->editing == RUNS_EDIT_FILTER || model->filter[0] != '\0') {
        snprintf(text, sizeof text, "%d of %d runs", model->n_rows, model->n_entries);
        int counted = left.w >= 40 ? text_width(text) + GAP : 0;
        x += put_text(grid, left, x, row.y, COLOR_KEY, ATTR_BOLD, "/ ");
        struct rect field = {x, row.y, left.x + left.w - counted - x, 1};
        if (model->editing == RUNS_EDIT_FILTER)
            line_edit_draw(&model->edit, "words of name, preset, tags, tricks, state", 1, grid, field);
        else
            put_cut(grid, field, COLOR_TITLE, ATTR_NONE, model->filter);
        if (counted > 0)
            put_right(grid, left, left.x + left.w, row.y, COLOR_DIM, ATTR_NONE, text);
        return;
    }
    snprintf(text, sizeof text, "%d run%s", model->n_entries, model->n_entries == 1 ? "" : "s");
    x += put_text(grid, left, x, row.y, COLOR_TITLE, ATTR_BOLD, text);
    x += put_text(grid, left, x, row.y, COLOR_DIM, ATTR_NONE, " in ");
    if (left.x + left.w - x >= 8)
        put_squeezed(grid, (struct rect){x, row.y, left.x + left.w - x, 1}, COLOR_DIM, ATTR_NONE, model->parent);
}

/* ---- the whole ---- */

static void draw_empty(const struct runs_model *model, struct grid *grid, struct rect area)
{
    char text[RUN_PATH_MAX + 320];
    if (model->problem[0] != '\0')
        snprintf(text, sizeof text, "The runs cannot be listed: %s", model->problem);
    else if (model->reading)
        snprintf(text, sizeof text, "Looking for runs in %s", model->parent);
    else
        snprintf(text, sizeof text, "No runs yet: n starts one.\n\nThey are kept in %s", model->parent);
    struct rect room = area.w > 64 ? (struct rect){area.x + (area.w - 60) / 2, area.y, 60, area.h} : area;
    int lines = put_paragraph(NULL, room, COLOR_DEFAULT, text);
    if (lines < room.h) {
        room.y += (room.h - lines) / 3;
        room.h = area.y + area.h - room.y;
    }
    put_paragraph(grid, room, model->problem[0] != '\0' ? COLOR_BAD : COLOR_DEFAULT, text);
}

/* Tags and note are typed where they stand; where they do not, in the last row. */
static void draw_prompt(const struct runs_model *model, struct grid *grid, struct rect area)
{
    struct rect row = {area.x, area.y + area.h - 1, area.w, 1};
    if (area.h < 1)
        return;
    put_fill(grid, row, COLOR_DEFAULT, COLOR_DEFAULT, NULL);
    int used =
        put_text(grid, row, row.x, row.y, COLOR_KEY, ATTR_BOLD, model->editing == RUNS_EDIT_TAGS ? "tags " : "note ");
    line_edit_draw(&model->edit, NULL, 1, grid, (struct rect){row.x + used, row.y, row.w - used, 1});
}

void runs_view_draw(const struct runs_model *model, struct grid *grid, struct rect area)
{
    struct runs_layout layout;
    if (area.w <= 0 || area.h <= 0)
        return;
    if (model->n_entries == 0) {
        draw_empty(model, grid, area);
        return;
    }
    if (model->comparing) {
        runs_compare_draw(model, grid, area.w >= 60 ? rect_inset(area, 1, 0) : area);
        return;
    }
    runs_layout_make(area, model->n_entries, &layout);
    draw_line(model, grid, layout.line);
    draw_table(model, grid, layout.table);
    runs_detail_draw(model, grid, layout.detail);
    runs_chart_draw(model, grid, layout.chart);
    int typing = model->editing == RUNS_EDIT_TAGS || model->editing == RUNS_EDIT_NOTE;
    if (typing && layout.detail.h == 0)
        draw_prompt(model, grid, area);
}
