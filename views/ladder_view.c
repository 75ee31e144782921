#include "views/ladder_view.h"

#include "views/format.h"
#include "views/frame.h"
#include "views/palette.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HEAD 2 /* rows above the first rung */
#define NAME_WIDTH 20

enum column { EPOCHS, PUBLISHED_ACC, PUBLISHED_TIME, BAR, ACC, TIME, SPEED, COLUMNS };

/* widths; below `from` columns of area the column is left out. BAR takes what is left over. */
static const struct {
    const char *title;
    int width, from;
} columns[COLUMNS] = {[EPOCHS] = {"epochs", 6, 70},       [PUBLISHED_ACC] = {"publ. %", 7, 36},
                      [PUBLISHED_TIME] = {"time", 6, 44}, [BAR] = {"", 0, 110},
                      [ACC] = {"here %", 14, 0},          [TIME] = {"trained", 8, 60},
                      [SPEED] = {"images/s", 8, 80}};

void ladder_layout_make(struct rect area, int rungs, struct ladder_layout *layout)
{
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0)
        return;
    if (area.w >= 60)
        area = rect_inset(area, 1, 0);
    int detail = area.h < 14 ? 0 : area.h >= rungs + HEAD + 12 ? area.h - rungs - HEAD - 1 : 6;
    layout->table = (struct rect){area.x, area.y, area.w, area.h - detail};
    layout->detail = (struct rect){area.x, area.y + area.h - detail, detail ? area.w : 0, detail};
}

static int top_row(const struct ladder_model *model, int rows)
{
    int top = model->selected - rows / 2;
    if (top > model->ladder.count - rows)
        top = model->ladder.count - rows;
    return top < 0 ? 0 : top;
}

int ladder_view_find(const struct ladder_model *model, struct rect area, int x, int y)
{
    struct ladder_layout layout;
    ladder_layout_make(area, model->ladder.count, &layout);
    struct rect cell = rect_intersect((struct rect){x, y, 1, 1}, layout.table);
    int row = y - layout.table.y - HEAD, rung = top_row(model, layout.table.h - HEAD) + row;
    return cell.w == 1 && cell.h == 1 && row >= 0 && rung < model->ladder.count ? rung : -1;
}

/* What stands where an accuracy would, if there is none. */
static const char *state_of(const struct ladder_model *model, const struct ladder_rung *rung)
{
    if (rung->running || strcmp(model->training, rung->about.name) == 0)
        return "training";
    return rung->accuracy.n > 0 ? NULL : rung->unfinished[0] ? "unfinished" : "not measured";
}

static uint32_t accuracy_color(const struct ladder_rung *rung)
{
    if (rung->accuracy.n == 0)
        return COLOR_DIM;
    if (isnan(rung->about.accuracy))
        return COLOR_VALID;
    return rung->accuracy.mean >= rung->about.accuracy - 0.4 ? COLOR_GOOD : COLOR_WARN;
}

static void cell_text(const struct ladder_model *model, const struct ladder_rung *rung, enum column column, char *out,
                      size_t size)
{
    char number[24];
    const char *state = state_of(model, rung);
    snprintf(out, size, "-");
    switch (column) {
    case EPOCHS:
        snprintf(out, size, "%g", rung->epochs);
        break;
    case PUBLISHED_ACC:
        format_number(rung->about.accuracy, 2, out, size);
        break;
    case PUBLISHED_TIME:
        if (isfinite(rung->about.seconds))
            snprintf(out, size, "%g s", rung->about.seconds);
        break;
    case ACC:
        if (rung->accuracy.n > 0)
            snprintf(out, size, "%s (%d)%s", format_number(rung->accuracy.mean, 2, number, sizeof number),
                     rung->accuracy.n, state ? "+" : "");
        else
            snprintf(out, size, "%s", state);
        break;
    case TIME:
        format_seconds(rung->seconds, number, sizeof number);
        snprintf(out, size, "%s%s", rung->busy ? "~" : "", number);
        break;
    case SPEED:
        format_count(round(rung->images_per_second), out, size);
        break;
    case BAR:
    case COLUMNS:
        out[0] = '\0';
        break;
    }
}

/* The published time as a bar: the ladder's rungs grow shorter. */
static void draw_bar(const struct ladder_rung *rung, double longest, struct grid *grid, struct rect area)
{
    if (!isfinite(rung->about.seconds) || area.w < 4)
        return;
    int length = (int)lround(rung->about.seconds / longest * (area.w - 2));
    for (int x = 0; x < (length > 0 ? length : 1); x++)
        put_text(grid, area, area.x + 1 + x, area.y, COLOR_LR, ATTR_NONE, grid->ascii ? "=" : "━");
}

static int column_width(enum column column, int width)
{
    int left = width - 2 - NAME_WIDTH - 1;
    if (width < columns[column].from)
        return 0;
    if (column != BAR)
        return columns[column].width;
    for (int c = 0; c < COLUMNS; c++)
        if (c != BAR && width >= columns[c].from)
            left -= columns[c].width + 2;
    return left > 8 ? left - 2 : 0;
}

static void draw_row(const struct ladder_model *model, int rung, double longest, struct grid *grid, struct rect row)
{
    char text[64];
    int here = rung == model->selected, x = row.x + row.w;
    const struct ladder_rung *r = &model->ladder.rung[rung];
    if (here)
        put_fill(grid, row, COLOR_DEFAULT, COLOR_SELECTED, NULL);
    put_text(grid, row, row.x, row.y, COLOR_ACCENT, ATTR_BOLD, here ? (grid->ascii ? ">" : "▸") : " ");
    for (int c = COLUMNS - 1; c >= 0; c--) {
        int w = column_width((enum column)c, row.w);
        if (w == 0)
            continue;
        x -= w + (c == COLUMNS - 1 ? 0 : 2);
        if (c == BAR) {
            draw_bar(r, longest, grid, (struct rect){x, row.y, w, 1});
            continue;
        }
        uint32_t color = c == ACC ? accuracy_color(r) : c > BAR ? COLOR_VALID : COLOR_DEFAULT;
        cell_text(model, r, (enum column)c, text, sizeof text);
        if (x > row.x + 2)
            put_right(grid, row, x + w, row.y, strcmp(text, "-") == 0 ? COLOR_DIM : color, ATTR_NONE, text);
    }
    int room = x - 1 - (row.x + 2);
    put_cut(grid, (struct rect){row.x + 2, row.y, room > 0 ? room : 0, 1}, COLOR_DEFAULT, here ? ATTR_BOLD : ATTR_NONE,
            r->about.name);
    if (here)
        palette_legible(grid, row);
}

static void draw_head(const struct ladder_model *model, struct grid *grid, struct rect area)
{
    char text[160];
    int x = area.x + area.w;
    snprintf(text, sizeof text, "  %d of %d rungs are measured here%s", ladder_model_measured(model),
             model->ladder.count, model->reading ? ", reading" : "");
    put_cut(grid, (struct rect){area.x, area.y, area.w, 1}, COLOR_TITLE, ATTR_BOLD, text);
    for (int c = COLUMNS - 1; c >= 0; c--) {
        int w = column_width((enum column)c, area.w);
        if (w == 0)
            continue;
        x -= w + (c == COLUMNS - 1 ? 0 : 2);
        if (x > area.x + 2)
            put_right(grid, area, x + w, area.y + 1, COLOR_DIM, ATTR_NONE, columns[c].title);
    }
    if (x - area.x > 9)
        put_text(grid, area, area.x + 2, area.y + 1, COLOR_DIM, ATTR_NONE, "preset");
}

static void say(const char *text, uint32_t color, int *y, struct grid *grid, struct rect area)
{
    struct rect rest = {area.x, *y, area.w, area.y + area.h - *y};
    if (rest.h < 1 || text[0] == '\0')
        return;
    int used = put_paragraph(NULL, rest, color, text);
    put_paragraph(grid, rest, color, text);
    *y += used < rest.h ? used : rest.h;
}

static void draw_detail(const struct ladder_model *model, struct grid *grid, struct rect area)
{
    const struct ladder_rung *rung = ladder_model_here(model);
    char text[512], number[4][24];
    int y = area.y;
    if (!rung || area.h < 1)
        return;
    put_fill(grid, (struct rect){area.x, y, area.w, 1}, COLOR_BORDER, COLOR_DEFAULT, grid->ascii ? "-" : "─");
    y++;
    snprintf(text, sizeof text, "%s: %s", rung->about.name, rung->about.title);
    say(text, COLOR_TITLE, &y, grid, area);
    snprintf(text, sizeof text, "Published: %s", rung->about.published[0] ? rung->about.published : "no numbers");
    say(text, COLOR_DEFAULT, &y, grid, area);
    if (rung->accuracy.n > 0) {
        double low, high;
        sample_interval(&rung->accuracy, 0.95, &low, &high);
        snprintf(text, sizeof text, "Here: %s %% (95 %% interval %s to %s), target reached in %d of %d runs.",
                 format_number(rung->accuracy.mean, 2, number[0], sizeof number[0]),
                 format_number(low, 2, number[1], sizeof number[1]),
                 format_number(high, 2, number[2], sizeof number[2]), rung->reached, rung->accuracy.n);
        say(text, COLOR_VALID, &y, grid, area);
    } else {
        say(rung->running         ? "A run of it is training."
            : rung->unfinished[0] ? "A run of it was stopped: Enter goes on with it."
                                  : "Not measured here yet: Enter trains it.",
            COLOR_DIM, &y, grid, area);
    }
    if (isfinite(rung->seconds)) {
        snprintf(text, sizeof text, "Trained %s on %s%s", format_seconds(rung->seconds, number[3], sizeof number[3]),
                 rung->machine[0] ? rung->machine : "a machine that is not known",
                 rung->busy ? "; ~: it was busy with other work meanwhile." : ".");
        say(text, COLOR_DIM, &y, grid, area);
    }
}

void ladder_view_draw(const struct ladder_model *model, struct grid *grid, struct rect area)
{
    struct ladder_layout layout;
    double longest = 1;
    if (model->ladder.count == 0) {
        put_notice(grid, area, COLOR_TITLE, model->problem[0] ? "There is no ladder" : "Reading the runs",
                   model->problem);
        return;
    }
    ladder_layout_make(area, model->ladder.count, &layout);
    for (int i = 0; i < model->ladder.count; i++)
        longest = fmax(longest, model->ladder.rung[i].about.seconds); /* of a NaN and a number: the number */
    draw_head(model, grid, layout.table);
    int rows = layout.table.h - HEAD, top = top_row(model, rows);
    for (int i = top; i < model->ladder.count && i - top < rows; i++)
        draw_row(model, i, longest, grid,
                 (struct rect){layout.table.x, layout.table.y + HEAD + i - top, layout.table.w, 1});
    draw_detail(model, grid, layout.detail);
}
