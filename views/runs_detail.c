/* The Runs screen's lower half: the selected run in full, curves, and what differs. See views/runs_view.h. */
#include "views/chart.h"
#include "views/format.h"
#include "views/frame.h"
#include "views/runs_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LABEL_WIDTH 10

/* ---- the selected run ---- */

/* A thin line with a name in it, over a panel. */
static void draw_title(const char *name, uint32_t color, struct grid *grid, struct rect area)
{
    struct rect row = {area.x, area.y, area.w, 1};
    put_fill(grid, row, COLOR_BORDER, COLOR_DEFAULT, grid->ascii ? "-" : "─");
    put_text(grid, row, row.x + 2, row.y, COLOR_BORDER, ATTR_NONE, " ");
    int used = put_cut(grid, (struct rect){row.x + 3, row.y, row.w - 6, 1}, color, ATTR_BOLD, name);
    put_text(grid, row, row.x + 3 + used, row.y, COLOR_BORDER, ATTR_NONE, " ");
}

/* Draws "label  text" from row *y on, over at most `lines` rows, and moves *y down. */
static void draw_field(const char *label, const char *text, uint32_t color, int lines, int *y, struct grid *grid,
                       struct rect area)
{
    int left = area.y + area.h - *y;
    if (left < 1)
        return;
    struct rect value = {area.x + LABEL_WIDTH, *y, area.w - LABEL_WIDTH, lines < left ? lines : left};
    put_text(grid, area, area.x, *y, COLOR_DIM, ATTR_NONE, label);
    int used = lines > 1 ? put_paragraph(NULL, value, color, text) : 1;
    if (used > value.h || lines == 1) { /* what is too long ends in an ellipsis */
        value.h = 1;
        used = 1;
        put_cut(grid, value, color, ATTR_NONE, text);
    } else {
        put_paragraph(grid, value, color, text);
    }
    *y += used;
}

/* A path has no blanks to break at: what is too long for the row is cut in the middle, both ends say more than it. */
static void draw_path(const char *label, const char *path, int *y, struct grid *grid, struct rect area)
{
    if (*y >= area.y + area.h)
        return;
    put_text(grid, area, area.x, *y, COLOR_DIM, ATTR_NONE, label);
    put_squeezed(grid, (struct rect){area.x + LABEL_WIDTH, *y, area.w - LABEL_WIDTH, 1}, COLOR_DIM, ATTR_NONE, path);
    ++*y;
}

static void accuracy_text(const struct run_entry *entry, char *out, size_t size)
{
    const struct run_summary *s = &entry->summary;
    char best[24], last[24];
    if (!isfinite(s->best_acc))
        snprintf(out, size, "not evaluated yet");
    else
        snprintf(out, size, "%s %% best, %s %% last (%s images)", format_number(s->best_acc, 2, best, sizeof best),
                 format_number(s->last_acc, 2, last, sizeof last),
                 entry->recipe.eval == RECIPE_EVAL_HOLDOUT ? "holdout" : "test");
}

static void time_text(const struct run_entry *entry, char *out, size_t size)
{
    const struct run_summary *s = &entry->summary;
    char target[24], trained[24], wall[24], epochs[32];
    int live = strcmp(runs_state(entry), "live") == 0;
    if (!isfinite(s->train_seconds)) {
        snprintf(out, size, "%s", live ? "its first step is under way" : "it was not trained");
        return;
    }
    format_seconds(s->seconds_to_target, target, sizeof target);
    snprintf(out, size, "%g %% %s%s; trained %s, %s epochs; %s by the clock", entry->recipe.target,
             isfinite(s->seconds_to_target) ? "after "
             : live                         ? "not reached yet"
                                            : "not reached",
             isfinite(s->seconds_to_target) ? target : "", format_seconds(s->train_seconds, trained, sizeof trained),
             runs_cell(entry, RUNS_EPOCHS, epochs, sizeof epochs), format_seconds(s->wall_seconds, wall, sizeof wall));
}

static void draw_typed(const struct runs_model *model, const char *label, int *y, struct grid *grid, struct rect area)
{
    if (*y >= area.y + area.h)
        *y = area.y + area.h - 1; /* over the last field, rather than out of sight */
    put_fill(grid, (struct rect){area.x, *y, area.w, 1}, COLOR_DEFAULT, COLOR_DEFAULT, NULL);
    put_text(grid, area, area.x, *y, COLOR_KEY, ATTR_BOLD, label);
    line_edit_draw(&model->edit, NULL, 1, grid, (struct rect){area.x + LABEL_WIDTH, *y, area.w - LABEL_WIDTH, 1});
    ++*y;
}

void runs_detail_draw(const struct runs_model *model, struct grid *grid, struct rect area)
{
    const struct run_entry *entry = runs_model_selected(model);
    char text[RUN_NOTE_MAX], started[32], size[24];
    if (area.h < 3 || area.w < 24)
        return;
    if (entry == NULL)
        return;
    draw_title(entry->folder.name, COLOR_TITLE, grid, area);
    int y = area.y + 1, roomy = area.h >= 10;
    if (entry->problem[0] != '\0') {
        draw_field("problem", entry->problem, COLOR_BAD, 4, &y, grid, area);
        return;
    }
    accuracy_text(entry, text, sizeof text);
    draw_field("accuracy", text, COLOR_VALID, 1, &y, grid, area);
    time_text(entry, text, sizeof text);
    draw_field("time", text, COLOR_DEFAULT, roomy ? 2 : 1, &y, grid, area);
    recipe_summary(&entry->recipe, text, sizeof text);
    draw_field("recipe", text, COLOR_DEFAULT, roomy ? 3 : 1, &y, grid, area);
    if (roomy)
        draw_field("tricks", entry->tricks[0] != '\0' ? entry->tricks : "none", COLOR_DEFAULT, 2, &y, grid, area);
    if (model->editing == RUNS_EDIT_TAGS)
        draw_typed(model, "tags", &y, grid, area);
    else
        draw_field("tags",
                   entry->label.n_tags > 0 ? run_label_tags(&entry->label, text, sizeof text) : "none: t adds some",
                   entry->label.n_tags > 0 ? COLOR_WARN : COLOR_DIM, 1, &y, grid, area);
    if (model->editing == RUNS_EDIT_NOTE)
        draw_typed(model, "note", &y, grid, area);
    else
        draw_field("note", entry->label.note[0] != '\0' ? entry->label.note : "none: i writes one",
                   entry->label.note[0] != '\0' ? COLOR_DEFAULT : COLOR_DIM, roomy ? 4 : 1, &y, grid, area);
    snprintf(text, sizeof text, "%s, seed %lld, %s", runs_cell(entry, RUNS_DATE, started, sizeof started),
             (long long)entry->summary.seed, format_bytes((double)entry->summary.bytes, size, sizeof size));
    draw_field("started", text, COLOR_DIM, 1, &y, grid, area);
    if (entry->machine[0] != '\0')
        draw_field("machine", entry->machine, COLOR_DIM, 2, &y, grid, area);
    draw_path("folder", entry->folder.path, &y, grid, area);
}

/* ---- curves ---- */

/* The worst accuracy after the first quarter of a run, so that what happens near the target can be told apart. */
static double worst_of(const struct run_entry *entry, double worst)
{
    for (size_t i = entry->n_epochs / 4; i < entry->n_epochs; i++)
        worst = isfinite(entry->test_acc[i]) ? fmin(worst, entry->test_acc[i]) : worst;
    return worst;
}

static void add_run(struct chart *chart, const struct run_entry *entry, int mark, double *worst, double *best,
                    double *epochs)
{
    struct chart_series series = {.name = mark >= 0 ? "" : "this run",
                                  .color = mark >= 0 ? runs_mark_color(mark) : COLOR_VALID,
                                  .style = mark >= 0 ? CHART_CURVE : CHART_MARKED,
                                  .ascii = mark >= 0 ? runs_mark_letter(mark) : '*',
                                  .letter = mark >= 0 ? runs_mark_letter(mark) : '\0',
                                  .x = entry->epoch,
                                  .y = entry->test_acc,
                                  .n = entry->n_epochs,
                                  .current = entry->summary.best_acc,
                                  .decimals = 2,
                                  .sparse = 1};
    chart->series[chart->n_series++] = series;
    *worst = worst_of(entry, *worst);
    *best = fmax(*best, entry->summary.best_acc);
    *epochs = fmax(*epochs, isfinite(entry->summary.epochs) ? entry->summary.epochs : 1);
    if (entry->n_epochs > 0)
        *epochs = fmax(*epochs, entry->epoch[entry->n_epochs - 1]); /* 243 steps of 32 are more than 7.59 epochs */
}

void runs_chart_draw(const struct runs_model *model, struct grid *grid, struct rect area)
{
    const struct run_entry *marked[RUNS_MARKS_MAX], *selected = runs_model_selected(model);
    struct chart chart = {.title = "Accuracy", .empty = "not evaluated yet"};
    double worst = 90, best = selected ? selected->recipe.target : 0, epochs = 1;
    if (area.h < 4 || area.w < 12 || selected == NULL)
        return;
    runs_model_marked(model, marked);
    int mark = runs_model_mark(model, selected);
    add_run(&chart, selected, mark, &worst, &best, &epochs);
    for (int i = 0; i < RUNS_MARKS_MAX; i++)
        if (marked[i] != NULL && i != mark)
            add_run(&chart, marked[i], i, &worst, &best, &epochs);
    chart.x = (struct chart_axis){CHART_LINEAR, 0, epochs, 1, "epochs"};
    chart.y = chart_accuracy_axis(worst, best);
    if (selected->recipe.target > 0)
        chart.line[chart.n_lines++] = (struct chart_line){.y = selected->recipe.target, .color = COLOR_TARGET};
    chart_draw(&chart, grid, area);
}

/* ---- what differs ---- */

#define KEY_WIDTH 18
#define VALUE_WIDTH_MAX 36

/* The first columns of a row are what it is about (i < 0), the rest one value for each run. */
static struct rect compare_cell(const struct runs_model *model, int i, struct rect row)
{
    int key = row.w >= 3 * KEY_WIDTH ? KEY_WIDTH : row.w / 3, width = (row.w - key) / model->n_compared;
    width = width > VALUE_WIDTH_MAX ? VALUE_WIDTH_MAX : width;
    if (i < 0)
        return (struct rect){row.x, row.y, key - 1, 1};
    return (struct rect){row.x + key + i * width, row.y, width - 1, 1};
}

static void compared_name(const struct runs_model *model, int i, char *out, size_t size, uint32_t *color)
{
    const struct run_entry *entry = model->compared[i];
    int mark = entry != NULL ? runs_model_mark(model, entry) : -1;
    *color = mark >= 0 ? runs_mark_color(mark) : COLOR_TITLE;
    if (entry == NULL)
        snprintf(out, size, "preset %.60s", model->compared[1]->recipe.preset);
    else if (mark >= 0)
        snprintf(out, size, "%c %s", runs_mark_letter(mark), entry->folder.name);
    else
        snprintf(out, size, "%s", entry->folder.name);
}

/* A row: what it is about, and a value for each run; one that is not the first run's stands out. */
static void compare_row(const struct runs_model *model, const char *key, const char *unit, const char (*values)[64],
                        int highlight, struct grid *grid, struct rect row)
{
    struct rect cell = compare_cell(model, -1, row);
    char text[64];
    snprintf(text, sizeof text, unit[0] != '\0' && strcmp(unit, key) != 0 ? "%s (%s)" : "%s", key, unit);
    put_cut(grid, cell, COLOR_DIM, ATTR_NONE, text_width(text) <= cell.w ? text : key);
    for (int i = 0; i < model->n_compared; i++) {
        int other = highlight && strcmp(values[i], values[0]) != 0;
        put_cut(grid, compare_cell(model, i, row), other ? COLOR_WARN : COLOR_DEFAULT, other ? ATTR_BOLD : ATTR_NONE,
                values[i][0] != '\0' ? values[i] : "-");
    }
}

static void result_row(const struct runs_model *model, enum runs_column column, const char *key, const char *unit,
                       struct grid *grid, struct rect row)
{
    char values[RUNS_MARKS_MAX][64] = {""};
    for (int i = 0; i < model->n_compared; i++)
        if (model->compared[i] != NULL)
            runs_cell(model->compared[i], column, values[i], sizeof values[i]);
    compare_row(model, key, unit, (const char(*)[64])values, 0, grid, row);
}

void runs_compare_draw(const struct runs_model *model, struct grid *grid, struct rect area)
{
    int n = model->n_compared, y = area.y, end = area.y + area.h;
    if (area.w < 12 || area.h < 1)
        return;
    if (n < 2) {
        put_paragraph(grid, area, COLOR_DIM, "Nothing to compare: mark two runs with Space.");
        return;
    }
    put_cut(grid, (struct rect){area.x, y++, area.w, 1}, COLOR_TITLE, ATTR_BOLD, "What differs between these recipes");
    if (area.h >= 12)
        y++;
    for (int i = 0; i < n && y < end; i++) {
        char name[160];
        uint32_t color;
        compared_name(model, i, name, sizeof name, &color);
        put_squeezed(grid, compare_cell(model, i, (struct rect){area.x, y, area.w, 1}), color, ATTR_BOLD, name);
    }
    y++;
    if (y < end)
        result_row(model, RUNS_BEST, area.w < 60 ? "best %" : "best accuracy", area.w < 60 ? "" : "%", grid,
                   (struct rect){area.x, y++, area.w, 1});
    if (y < end)
        result_row(model, RUNS_TO_TARGET, area.w < 60 ? "to target" : "time to target", "", grid,
                   (struct rect){area.x, y++, area.w, 1});
    if (y < end)
        put_fill(grid, (struct rect){area.x, y++, area.w, 1}, COLOR_BORDER, COLOR_DEFAULT, grid->ascii ? "-" : "─");
    for (int i = 0; i < model->n_differences && y < end; i++, y++) {
        int more = model->n_differences - i;
        struct rect row = {area.x, y, area.w, 1};
        if (y == end - 1 && more > 1)
            put_format(grid, row, row.x, y, COLOR_DIM, ATTR_NONE, "and %d more: a taller window shows them", more);
        else
            compare_row(model, model->differences[i].key, model->differences[i].unit,
                        (const char(*)[64])model->differences[i].value, 1, grid, row);
    }
    if (model->n_differences == 0 && y < end)
        put_text(grid, area, area.x, y, COLOR_DIM, ATTR_NONE, "Nothing: these recipes are the same.");
}
