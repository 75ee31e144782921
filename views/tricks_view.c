#include "views/tricks_view.h"

#include "views/frame.h"
#include "views/layout.h"
#include "views/palette.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* From here on the values that preset and last run have get columns of their own; below, marks. */
#define COLUMNS_FROM 64
#define ASIDE_FROM 110
#define PARAMETER_INDENT 4

int tricks_put_cut(struct grid *grid, struct rect clip, int x, int y, int width, uint32_t fg, uint8_t attr,
                   const char *text)
{
    struct rect room = rect_intersect(clip, (struct rect){x, y, width, 1});
    const char *sign = grid->ascii ? ".." : "…";
    int sign_width = text_width(sign);
    if (room.w <= 0 || room.h <= 0)
        return 0;
    if (text_width(text) <= width)
        return put_text(grid, room, x, y, fg, attr, text);
    put_text(grid, rect_intersect(room, (struct rect){x, y, width - sign_width, 1}), x, y, fg, attr, text);
    put_text(grid, room, x + width - sign_width, y, fg, attr, sign);
    return width;
}

/* ---- layout ---- */

static int first_row(const struct tricks_model *model, int height)
{
    int top = model->cursor - height / 2;
    if (top > model->n_rows - height)
        top = model->n_rows - height;
    return top < 0 ? 0 : top;
}

static void lay_aside(struct rect area, struct tricks_layout *layout)
{
    enum { DETAIL, CHART, COMMAND, PARTS };
    const struct layout_part columns[] = {{72, 104, 6, 0}, {36, 84, 5, 1}};
    const struct layout_part rows[PARTS] = {
        [DETAIL] = {7, 14, 4, 0}, [CHART] = {8, 18, 3, 1}, [COMMAND] = {3, 12, 2, 2}};
    struct rect half[2], part[PARTS];
    layout_columns(area, 3, columns, 2, half);
    layout_rows(half[1], 1, rows, PARTS, part);
    layout->list = half[0];
    layout->detail = part[DETAIL];
    layout->chart = part[CHART];
    layout->command = part[COMMAND];
}

static void lay_stacked(struct rect area, struct tricks_layout *layout)
{
    enum { LIST, DETAIL, COMMAND, PARTS };
    int detail = area.h >= 30 ? 7 : area.h >= 20 ? 5 : area.h >= 16 ? 4 : area.h >= 12 ? 3 : area.h >= 9 ? 2 : 1;
    const struct layout_part parts[PARTS] = {
        [LIST] = {2, 0, 1, 0}, [DETAIL] = {detail, detail, 0, 2}, [COMMAND] = {area.h >= 16, 1, 0, 3}};
    struct rect part[PARTS];
    layout_rows(area, 0, parts, PARTS, part);
    layout->list = part[LIST];
    layout->detail = part[DETAIL];
    layout->command = part[COMMAND];
}

void tricks_layout_make(const struct tricks_model *model, struct rect area, struct tricks_layout *layout)
{
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0)
        return;
    if (area.w >= 60)
        area = rect_inset(area, 1, 0);
    if (area.w >= ASIDE_FROM && area.h >= 16)
        lay_aside(area, layout);
    else
        lay_stacked(area, layout);
    if (layout->list.h >= 4) {
        layout->head = (struct rect){layout->list.x, layout->list.y, layout->list.w, 1};
        layout->list.y++;
        layout->list.h--;
    }
    layout->top = first_row(model, layout->list.h);
}

int tricks_view_row_at(const struct tricks_model *model, struct rect area, int x, int y)
{
    struct tricks_layout layout;
    tricks_layout_make(model, area, &layout);
    struct rect list = layout.list;
    int row = layout.top + y - list.y;
    return x >= list.x && x < list.x + list.w && y >= list.y && y < list.y + list.h && row < model->n_rows ? row : -1;
}

/* ---- the list ---- */

/* Where a list's columns begin; a width of 0: not there. */
struct columns {
    int marks, name, name_w, value, value_w, preset, preset_w, last, last_w;
};

static void lay_columns(const struct tricks_model *model, struct rect list, struct columns *c)
{
    memset(c, 0, sizeof *c);
    int right = list.x + list.w - 1; /* the last column is the scroll bar's */
    c->marks = list.x + 1;
    c->name = list.x + 3;
    if (list.w >= COLUMNS_FROM) {
        int other = list.w >= 90 ? 15 : 12;
        c->last_w = model->has_last ? other : 0;
        c->preset_w = other;
        c->last = right - c->last_w;
        c->preset = c->last - c->preset_w - (c->last_w > 0);
        right = c->preset - 1;
    } else {
        c->name++; /* a column for each mark, and air */
    }
    c->name_w = right - c->name >= 50 ? 33 : right - c->name >= 44 ? 29 : (right - c->name) * 6 / 10;
    c->value = c->name + c->name_w + 1;
    c->value_w = right - c->value > 0 ? right - c->value : 0;
}

static void draw_head(const struct tricks_model *model, struct grid *grid, struct rect head)
{
    static const char *const shows[] = {
        [TRICKS_ALL] = "", [TRICKS_CHANGED] = "differs from the preset", [TRICKS_NEW] = "differs from the last run"};
    struct columns c;
    lay_columns(model, head, &c);
    int x = head.x + 2, room = c.value - x - 1;
    if (model->mode == TRICKS_FILTER || *model->filter) {
        struct line_edit still = {.at = 0};
        line_edit_set(&still, model->filter);
        x += put_text(grid, head, x, head.y, COLOR_KEY, ATTR_BOLD, "/");
        line_edit_draw(model->mode == TRICKS_FILTER ? &model->edit : &still, "part of a name or its help",
                       model->mode == TRICKS_FILTER, grid, rect_intersect(head, (struct rect){x, head.y, room - 1, 1}));
    } else {
        tricks_put_cut(grid, head, x, head.y, room, COLOR_ACCENT, ATTR_NONE, shows[model->show]);
    }
    tricks_put_cut(grid, head, c.value, head.y, c.value_w, COLOR_TITLE, ATTR_BOLD, "next run");
    if (c.preset_w)
        tricks_put_cut(grid, head, c.preset, head.y, c.preset_w, COLOR_TITLE, ATTR_BOLD, model->draft.base.preset);
    if (c.last_w)
        tricks_put_cut(grid, head, c.last, head.y, c.last_w, COLOR_TITLE, ATTR_BOLD, "last run");
}

static int is_fault(const struct tricks_model *model, const struct tricks_row *row)
{
    const char *fault = model->draft.valid ? NULL : model->draft.fault;
    return fault && ((row->kind == TRICKS_KNOB && strcmp(knobs[row->index].key, fault) == 0) ||
                     (row->kind == TRICKS_NETWORK && strcmp(fault, "network") == 0));
}

/* A parameter of a trick that is off, or a knob that another one leaves without effect. */
static int is_idle(const struct tricks_model *model, const struct tricks_row *row)
{
    const struct recipe *recipe = &model->draft.recipe;
    return row->kind == TRICKS_KNOB &&
           ((row->of_trick >= 0 && !trick_is_on(&model->draft.tricks[row->of_trick], recipe)) ||
            !knob_has_effect(recipe, &knobs[row->index]));
}

static void draw_heading(const struct tricks_row *row, struct grid *grid, struct rect line)
{
    char title[64];
    snprintf(title, sizeof title, "%s", row->heading);
    title[0] = (char)toupper((unsigned char)title[0]);
    int x = line.x + put_text(grid, line, line.x, line.y, COLOR_TITLE, ATTR_BOLD, title) + 1;
    for (; x < line.x + line.w - 1; x++)
        put_text(grid, line, x, line.y, COLOR_BORDER, ATTR_NONE, grid->ascii ? "-" : "─");
}

static void draw_marks(const struct tricks_model *model, const struct tricks_row *row, const struct columns *c,
                       struct grid *grid, struct rect line)
{
    if (is_fault(model, row)) {
        put_text(grid, line, c->marks, line.y, COLOR_BAD, ATTR_BOLD, "!");
        return;
    }
    if (c->preset_w)
        return;
    if (tricks_row_changed(model, row))
        put_text(grid, line, c->marks, line.y, COLOR_ACCENT, ATTR_BOLD, "*");
    if (tricks_row_is_new(model, row))
        put_text(grid, line, c->marks + 1, line.y, COLOR_WARN, ATTR_BOLD, "+");
}

static void draw_name(const struct tricks_model *model, const struct tricks_row *row, const struct columns *c,
                      struct grid *grid, struct rect line, int here)
{
    uint32_t color = is_fault(model, row) ? COLOR_BAD : is_idle(model, row) && !here ? COLOR_DIM : COLOR_DEFAULT;
    int x = c->name, indent = line.w >= 46 ? PARAMETER_INDENT : 3;
    if (row->kind == TRICKS_TRICK) {
        int on = trick_is_on(&model->draft.tricks[row->index], &model->draft.recipe);
        x += put_text(grid, line, x, line.y, on ? COLOR_GOOD : COLOR_DIM, on ? ATTR_BOLD : ATTR_NONE,
                      on ? "[x] " : "[ ] ");
    } else if (row->kind == TRICKS_KNOB && row->of_trick >= 0) {
        x += indent;
    }
    if (row->kind == TRICKS_START)
        color = model->draft.valid && model->start != TRICKS_CANNOT ? COLOR_GOOD : COLOR_DIM;
    tricks_put_cut(grid, line, x, line.y, c->name + c->name_w - x, color,
                   row->kind == TRICKS_START || here ? ATTR_BOLD : ATTR_NONE, tricks_row_name(model, row));
}

/* The value of one recipe, and after it the unit if there is room. */
static void draw_value(const struct tricks_model *model, const struct tricks_row *row, const struct recipe *recipe,
                       struct grid *grid, struct rect room, uint32_t color, uint8_t attr, int unit)
{
    char text[KNOB_TEXT_MAX], one[32] = "";
    const char *name = unit ? tricks_row_unit(row) : "";
    tricks_row_value(model, row, recipe, text, sizeof text);
    int empty = !*text;
    if (strcmp(text, "1") == 0 && name[0] && name[strlen(name) - 1] == 's' && name[1]) /* "1 epoch"; s is seconds */
        snprintf(one, sizeof one, "%.*s", (int)strlen(name) - 1, name);
    name = *one ? one : name;
    int used = tricks_put_cut(grid, room, room.x, room.y, room.w, empty ? COLOR_DIM : color, empty ? ATTR_NONE : attr,
                              empty ? "(empty)" : text);
    if (*name && used + 1 + text_width(name) <= room.w)
        put_text(grid, room, room.x + used + 1, room.y, COLOR_DIM, ATTR_NONE, name);
}

/* "batch = 1: expected ..." without its first half, which stands in the field; NULL: nothing is wrong. */
static const char *problem_of(const struct tricks_model *model)
{
    const char *colon = strstr(model->said, ": ");
    if (!model->said_is_bad)
        return NULL;
    return colon ? colon + 2 : model->said;
}

/* The field, and beside it what is wrong with its text. */
static void draw_field(const struct tricks_model *model, const struct columns *c, struct grid *grid, struct rect line)
{
    int end = line.x + line.w - 1, width = text_width(model->edit.text) + 2;
    const struct tricks_row *row = tricks_model_here(model);
    const char *problem = problem_of(model);
    char allowed[512] = "";
    size_t unit = (size_t)snprintf(allowed, sizeof allowed, "%s", tricks_row_unit(row));
    if (row->kind == TRICKS_KNOB && knobs[row->index].type != KNOB_TEXT) {
        unit += (size_t)snprintf(allowed + unit, sizeof allowed - unit, unit ? ", " : "");
        knob_range(&knobs[row->index], allowed + unit, sizeof allowed - unit);
    }
    if (width < 12)
        width = 12;
    int most = problem && end - c->value >= 32 ? (end - c->value) / 2 : end - c->value;
    if (width > most)
        width = most;
    struct rect field = rect_intersect(line, (struct rect){c->value, line.y, width, 1});
    put_fill(grid, field, COLOR_DEFAULT, COLOR_PANEL, NULL);
    line_edit_draw(&model->edit, NULL, 1, grid, field);
    if (model->untouched) /* as a selection: typing takes its place */
        put_text(grid, field, field.x, field.y, COLOR_TITLE, ATTR_REVERSE, model->edit.text);
    int x = c->value + width + 1;
    if (problem && end - x >= 16)
        tricks_put_cut(grid, line, x, line.y, end - x, model->refused ? COLOR_BAD : COLOR_WARN, ATTR_NONE, problem);
    else if (!problem)
        tricks_put_cut(grid, line, x, line.y, end - x, COLOR_DEFAULT, ATTR_NONE, allowed);
}

static void draw_start(const struct tricks_model *model, const struct columns *c, struct grid *grid, struct rect line)
{
    int width = line.x + line.w - 1 - c->value;
    char text[320];
    if (!model->draft.valid) {
        tricks_put_cut(grid, line, c->value, line.y, width, COLOR_BAD, ATTR_NONE, model->draft.why.text);
        return;
    }
    if (*model->problem) {
        tricks_put_cut(grid, line, c->value, line.y, width, COLOR_WARN, ATTR_NONE, model->problem);
        return;
    }
    recipe_summary(&model->draft.recipe, text, sizeof text);
    tricks_put_cut(grid, line, c->value, line.y, width, COLOR_DIM, ATTR_NONE, text);
}

static void draw_cells(const struct tricks_model *model, int index, const struct columns *c, struct grid *grid,
                       struct rect line)
{
    const struct tricks_row *row = &model->row[index];
    const struct recipe *recipe = &model->draft.recipe;
    int here = index == model->cursor, changed = tricks_row_changed(model, row);
    if (row->kind == TRICKS_HEADING) {
        draw_heading(row, grid, line);
        return;
    }
    if (here) {
        put_fill(grid, (struct rect){line.x, line.y, line.w - 1, 1}, COLOR_DEFAULT, COLOR_SELECTED, NULL);
        put_text(grid, line, line.x, line.y, COLOR_KEY, ATTR_BOLD, grid->ascii ? ">" : "▸");
    }
    draw_marks(model, row, c, grid, line);
    draw_name(model, row, c, grid, line, here);
    if (row->kind == TRICKS_START) {
        draw_start(model, c, grid, line);
        return;
    }
    if (here && model->mode == TRICKS_EDIT) {
        draw_field(model, c, grid, line);
        return;
    }
    uint32_t color = changed ? COLOR_ACCENT : is_idle(model, row) && !here ? COLOR_DIM : COLOR_DEFAULT;
    struct rect value = rect_intersect(line, (struct rect){c->value, line.y, c->value_w, 1});
    if (row->kind != TRICKS_TRICK || !c->preset_w)
        draw_value(model, row, recipe, grid, value, color, changed ? ATTR_BOLD : ATTR_NONE, 1);
    if (c->preset_w && changed)
        draw_value(model, row, &model->draft.base, grid,
                   rect_intersect(line, (struct rect){c->preset, line.y, c->preset_w, 1}),
                   here ? COLOR_DEFAULT : COLOR_DIM, ATTR_NONE, 0);
    if (c->last_w && tricks_row_is_new(model, row))
        draw_value(model, row, &model->last, grid, rect_intersect(line, (struct rect){c->last, line.y, c->last_w, 1}),
                   COLOR_WARN, ATTR_NONE, 0);
}

static void draw_row(const struct tricks_model *model, int index, const struct columns *c, struct grid *grid,
                     struct rect line)
{
    draw_cells(model, index, c, grid, line);
    palette_legible(grid, line);
}

static void draw_scroll_bar(const struct tricks_model *model, const struct tricks_layout *layout, struct grid *grid)
{
    struct rect list = layout->list;
    if (model->n_rows <= list.h || list.h < 2)
        return;
    int thumb = list.h * list.h / model->n_rows, room;
    thumb = thumb < 1 ? 1 : thumb;
    room = model->n_rows - list.h;
    int at = (layout->top * (list.h - thumb) + room / 2) / room;
    for (int i = 0; i < list.h; i++) {
        int on = i >= at && i < at + thumb;
        put_text(grid, list, list.x + list.w - 1, list.y + i, on ? COLOR_DIM : COLOR_BORDER, ATTR_NONE,
                 grid->ascii ? (on ? "#" : "|") : (on ? "┃" : "│"));
    }
}

/* Why there are no rows, and how to get them back. */
static void draw_nothing(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    static const char *const shows[] = {[TRICKS_ALL] = "is in the form",
                                        [TRICKS_CHANGED] = "differs from the preset",
                                        [TRICKS_NEW] = "differs from the last run"};
    char text[LINE_EDIT_MAX + 128];
    if (*model->filter)
        snprintf(text, sizeof text, "Nothing with '%s' in its name or help %s. Esc shows all rows.", model->filter,
                 shows[model->show]);
    else
        snprintf(text, sizeof text, "Nothing %s. Esc shows all rows.", shows[model->show]);
    put_paragraph(grid, area, COLOR_DIM, text);
}

static void draw_list(const struct tricks_model *model, const struct tricks_layout *layout, struct grid *grid)
{
    struct rect list = layout->list;
    struct columns c;
    lay_columns(model, list, &c);
    for (int i = 0; i < list.h && layout->top + i < model->n_rows; i++)
        draw_row(model, layout->top + i, &c, grid, (struct rect){list.x, list.y + i, list.w, 1});
    if (model->n_rows <= 1 && list.h >= 3) /* only the start is left */
        draw_nothing(model, grid, (struct rect){c.name, list.y + 2, list.w - 4, list.h - 2});
    draw_scroll_bar(model, layout, grid);
}

void tricks_view_draw(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    struct tricks_layout layout;
    tricks_layout_make(model, area, &layout);
    if (layout.head.h > 0)
        draw_head(model, grid, layout.head);
    draw_list(model, &layout, grid);
    tricks_detail_draw(model, grid, layout.detail);
    if (layout.chart.h > 0)
        tricks_chart_draw(model, grid, layout.chart);
    tricks_command_draw(model, grid, layout.command);
    tricks_box_draw(model, grid, area);
}
