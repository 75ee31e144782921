/* Beside the Tricks screen's form: what is known of the row at the cursor, the learning rate; and boxes over it. */
#include "views/tricks_view.h"

#include "views/chart.h"
#include "views/format.h"
#include "views/frame.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_WIDTH_MAX 84 /* longer lines are hard to read */

/* Paragraphs from the top of an area down. */
struct writer {
    struct grid *grid;
    struct rect left; /* what is free */
};

static void write_text(struct writer *writer, uint32_t color, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void write_text(struct writer *writer, uint32_t color, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (writer->left.h <= 0 || !*text)
        return;
    int lines = put_paragraph(writer->grid, writer->left, color, text);
    writer->left.y += lines;
    writer->left.h -= lines;
}

/* A title with a rule, like the list's headings. */
static void write_heading(struct writer *writer, const char *title)
{
    struct rect line = writer->left;
    if (line.h <= 0)
        return;
    line.h = 1;
    int x = line.x + tricks_put_cut(writer->grid, line, line.x, line.y, line.w, COLOR_TITLE, ATTR_BOLD, title) + 1;
    for (; x < line.x + line.w; x++)
        put_text(writer->grid, line, x, line.y, COLOR_BORDER, ATTR_NONE, writer->grid->ascii ? "-" : "─");
    writer->left.y++;
    writer->left.h--;
}

static void write_air(struct writer *writer)
{
    if (writer->left.h >= 6) {
        writer->left.y++;
        writer->left.h--;
    }
}

/* ---- what is known of a row ---- */

static void write_values(const struct tricks_model *model, const struct tricks_row *row, struct writer *writer)
{
    char text[KNOB_TEXT_MAX], line[2 * KNOB_TEXT_MAX + 128] = "";
    size_t used = 0;
    if (tricks_row_changed(model, row)) {
        tricks_row_value(model, row, &model->draft.base, text, sizeof text);
        used = (size_t)snprintf(line, sizeof line, "Preset %s: %s.", model->draft.base.preset, *text ? text : "empty");
    }
    if (tricks_row_is_new(model, row) && used < sizeof line) {
        tricks_row_value(model, row, &model->last, text, sizeof text);
        snprintf(line + used, sizeof line - used, "%sThe last run: %s.", used ? " " : "", *text ? text : "empty");
    }
    write_text(writer, COLOR_ACCENT, "%s", line);
}

static void write_trick(const struct tricks_model *model, const struct tricks_row *row, struct writer *writer)
{
    const struct recipe_draft *draft = &model->draft;
    const struct trick *trick = &draft->tricks[row->index];
    char rivals[256] = "", why[TRICK_WHY_MAX];
    size_t used = 0;
    write_text(writer, COLOR_DEFAULT, "%s: %s.", trick->key, trick->changes);
    write_text(writer, COLOR_DEFAULT, "Published: %s.", trick->published);
    write_text(writer, COLOR_DIM, "Source: %s.", trick->source);
    for (int i = 0; i < draft->n_tricks && used < sizeof rivals; i++) {
        const char *field = i == row->index ? NULL : trick_clash(trick, &draft->tricks[i]);
        if (field)
            used += (size_t)snprintf(rivals + used, sizeof rivals - used, "%s%s (both set %s)", used ? ", " : "",
                                     draft->tricks[i].key, field);
    }
    if (used)
        write_text(writer, COLOR_WARN, "Not together with %s.", rivals);
    if (trick_is_on(trick, &draft->recipe) && trick_idle(trick, &draft->recipe, why, sizeof why))
        write_text(writer, COLOR_WARN, "Without effect: %s.", why);
    write_values(model, row, writer);
}

/* What the trick makes of the knob. */
static void write_patches(const struct trick *trick, const struct trick_patch *patch, const struct knob *knob,
                          struct writer *writer)
{
    for (; patch->key; patch++)
        if (strcmp(patch->key, knob->key) == 0)
            write_text(writer, COLOR_DIM, "%s sets it to %s.", trick->title, patch->on);
}

static void write_knob(const struct tricks_model *model, const struct tricks_row *row, struct writer *writer)
{
    const struct knob *knob = &knobs[row->index];
    char range[512];
    const char *blank = *knob->unit ? " " : "";
    knob_range(knob, range, sizeof range);
    write_text(writer, COLOR_DEFAULT, "%s", knob->help);
    write_text(writer, COLOR_DIM, "%s%s%s; %s unless a preset or trick says otherwise.", range, blank, knob->unit,
               *knob->default_text ? knob->default_text : "empty");
    write_values(model, row, writer);
    if (strcmp(knob->key, "epochs") == 0)
        write_text(writer, COLOR_DIM, "The schedule stretches with it.");
    if (row->of_trick >= 0) {
        const struct trick *trick = &model->draft.tricks[row->of_trick];
        write_text(writer, COLOR_DIM, "Of %s, which is %s.", trick->title,
                   trick_is_on(trick, &model->draft.recipe) ? "on" : "off: it has no effect");
    }
    if (strcmp(knob->key, "data") == 0)
        write_text(writer, *model->source ? COLOR_DIM : COLOR_WARN, "%s%s", *model->source ? "That is " : "",
                   *model->source ? model->source : model->problem);
    if (!knob_has_effect(&model->draft.recipe, knob))
        write_text(writer, COLOR_WARN, "Without effect: it takes %s.", knob->when);
    for (int i = 0; i < model->draft.n_tricks; i++) {
        write_patches(&model->draft.tricks[i], model->draft.tricks[i].begins_with, knob, writer);
        write_patches(&model->draft.tricks[i], model->draft.tricks[i].patches, knob, writer);
    }
}

static void write_preset(const struct tricks_model *model, const struct tricks_row *row, struct writer *writer)
{
    int changed = tricks_model_count(model, TRICKS_CHANGED);
    for (int i = 0; i < model->n_presets; i++) {
        const struct recipe_about *about = &model->preset[i];
        if (strcmp(about->name, model->draft.base.preset) != 0)
            continue;
        write_text(writer, COLOR_DEFAULT, "%s", about->title);
        if (*about->published)
            write_text(writer, COLOR_DEFAULT, "Published: %s.", about->published);
    }
    write_values(model, row, writer);
    if (changed)
        write_text(writer, COLOR_ACCENT, "%d value%s changed; D goes back to the preset.", changed,
                   changed == 1 ? "" : "s");
    write_text(writer, COLOR_DIM,
               "Enter shows the list. Another preset brings its own values; data, machine and seeds "
               "stay.");
}

static void write_network(const struct tricks_model *model, struct writer *writer)
{
    int changed = strcmp(model->draft.recipe.network, model->draft.base.network) != 0;
    write_text(writer, COLOR_DEFAULT, "%s", model->draft.recipe.network);
    write_text(writer, changed ? COLOR_ACCENT : COLOR_DIM, "%s preset %s.", changed ? "Not that of" : "That of",
               model->draft.base.preset);
    write_text(writer, COLOR_DIM,
               "Enter edits it on one line, blocks parted by ';'. davidnet network --help explains.");
}

static void write_cost(const struct tricks_model *model, struct writer *writer)
{
    const struct tricks_cost *cost = &model->cost;
    char steps[32], all[32], time[32];
    if (*model->problem)
        write_text(writer, COLOR_WARN, "It could not start: %s", model->problem);
    if (!isfinite(cost->steps))
        return;
    format_count(cost->steps_per_epoch, steps, sizeof steps);
    format_count(cost->steps, all, sizeof all);
    if (isfinite(cost->seconds))
        write_text(writer, COLOR_DEFAULT, "%s steps, %s an epoch: about %s of training at the last run's speed.", all,
                   steps, format_seconds(cost->seconds, time, sizeof time));
    else
        write_text(writer, COLOR_DEFAULT, "%s steps, %s an epoch.", all, steps);
}

static void write_differences(const struct tricks_model *model, struct writer *writer)
{
    int changed = tricks_model_count(model, TRICKS_CHANGED), new = tricks_model_count(model, TRICKS_NEW);
    if (changed)
        write_text(writer, COLOR_DIM, "%d value%s from preset %s.", changed, changed == 1 ? " differs" : "s differ",
                   model->draft.base.preset);
    else
        write_text(writer, COLOR_DIM, "As preset %s has it.", model->draft.base.preset);
    if (new)
        write_text(writer, COLOR_DIM, "%d value%s from the last run, %s.", new, new == 1 ? " differs" : "s differ",
                   model->last_name);
    else if (model->has_last)
        write_text(writer, COLOR_DIM, "The same as the last run, %s.", model->last_name);
}

static void write_start(const struct tricks_model *model, struct writer *writer)
{
    static const char *const what[] = {
        [TRICKS_CANNOT] = "A run can not be started from here: this is a look at another one. w writes the recipe.",
        [TRICKS_STARTS] = "Enter starts a run with this recipe.",
        [TRICKS_QUEUES] = "Enter queues it: it starts when the run that is training has ended."};
    char summary[320];
    if (!model->draft.valid) {
        write_text(writer, COLOR_BAD, "Not ready: %s", model->draft.why.text);
        return;
    }
    write_text(writer, COLOR_DEFAULT, "%s", what[model->start]);
    if (model->has_queued) {
        recipe_summary(&model->queued, summary, sizeof summary);
        if (recipe_equal(&model->queued, &model->draft.recipe))
            write_text(writer, COLOR_GOOD, "This recipe is queued.");
        else
            write_text(writer, COLOR_WARN, "Queued now: %s; Enter puts this one in its place.", summary);
    }
    write_cost(model, writer);
    write_air(writer);
    write_differences(model, writer);
}

void tricks_command_draw(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    struct writer writer = {grid, area};
    if (area.h <= 0)
        return;
    if (!*model->command) {
        tricks_put_cut(grid, area, area.x, area.y, area.w, COLOR_BAD, ATTR_NONE, model->draft.why.text);
        return;
    }
    if (area.h == 1) {
        int used = put_text(grid, area, area.x, area.y, COLOR_ACCENT, ATTR_NONE, "$ ");
        tricks_put_cut(grid, area, area.x + used, area.y, area.w - used, COLOR_DIM, ATTR_NONE, model->command);
        return;
    }
    write_heading(&writer, "The same as a command");
    write_text(&writer, COLOR_DIM, "%s", model->command);
}

static const char *title_of(const struct tricks_model *model, const struct tricks_row *row, char *out, size_t size)
{
    switch (row->kind) {
    case TRICKS_START:
    case TRICKS_HEADING:
        return "The next run";
    case TRICKS_PRESET:
        snprintf(out, size, "Preset %s", model->draft.base.preset);
        return out;
    default:
        return tricks_row_name(model, row);
    }
}

void tricks_detail_draw(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    const struct tricks_row *row = tricks_model_here(model);
    struct writer writer = {grid, area};
    char title[160];
    if (area.w <= 0 || area.h <= 0)
        return;
    if (writer.left.w > TEXT_WIDTH_MAX)
        writer.left.w = TEXT_WIDTH_MAX;
    if (area.h >= 4)
        write_heading(&writer, title_of(model, row, title, sizeof title));
    if (model->mode != TRICKS_SAVE && model->mode != TRICKS_PLOT)
        write_text(&writer, model->said_is_bad ? COLOR_BAD : COLOR_GOOD, "%s", model->said);
    switch (row->kind) {
    case TRICKS_START:
    case TRICKS_HEADING:
        write_start(model, &writer);
        break;
    case TRICKS_PRESET:
        write_preset(model, row, &writer);
        break;
    case TRICKS_TRICK:
        write_trick(model, row, &writer);
        break;
    case TRICKS_KNOB:
        write_knob(model, row, &writer);
        break;
    case TRICKS_NETWORK:
        write_network(model, &writer);
        break;
    }
}

/* ---- the learning rate ---- */

void tricks_chart_draw(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    struct chart chart = {.title = "Learning rate of the next run",
                          .empty = "not a schedule yet",
                          .x = {CHART_LINEAR, 0, model->draft.recipe.epochs, 1, "epochs"},
                          .y = {CHART_LINEAR, 0, NAN, 0, ""}};
    size_t n = (size_t)model->n_lr;
    if (model->preset_lr_differs && n > 0) {
        double end = model->preset_lr_x[n - 1];
        chart.x.max = end > chart.x.max ? end : chart.x.max;
    }
    chart.series[chart.n_series++] = (struct chart_series){.name = model->preset_lr_differs ? "next run" : NULL,
                                                           .color = COLOR_LR,
                                                           .style = CHART_CURVE,
                                                           .ascii = '#',
                                                           .x = model->lr_x,
                                                           .y = model->lr,
                                                           .n = n,
                                                           .current = NAN};
    if (model->preset_lr_differs)
        chart.series[chart.n_series++] = (struct chart_series){.name = model->draft.base.preset,
                                                               .color = COLOR_AHEAD,
                                                               .style = CHART_FAINT,
                                                               .ascii = '.',
                                                               .x = model->preset_lr_x,
                                                               .y = model->preset_lr,
                                                               .n = n,
                                                               .current = NAN};
    chart_draw(&chart, grid, area);
}

/* ---- boxes ---- */

static struct rect open_box(struct grid *grid, struct rect area, int width, int height, const char *title)
{
    width = width > area.w ? area.w : width;
    height = height > area.h ? area.h : height;
    struct rect box = {area.x + (area.w - width) / 2, area.y + (area.h - height) / 2, width, height};
    put_fill(grid, box, COLOR_DEFAULT, COLOR_PANEL, NULL);
    if (width < 12 || height < 4)
        return box;
    put_box(grid, box, COLOR_ACCENT, title);
    return rect_inset(box, 2, 1);
}

static void draw_presets(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    struct rect box = open_box(grid, area, 88, model->n_presets + 4, "Presets");
    int about = box.h >= 5 ? 2 : 0, rows = box.h - about;
    int top = model->picked - rows / 2, name_width = 0;
    if (top > model->n_presets - rows)
        top = model->n_presets - rows;
    top = top < 0 ? 0 : top;
    for (int i = 0; i < model->n_presets; i++) {
        int width = text_width(model->preset[i].name);
        name_width = width > name_width ? width : name_width;
    }
    for (int i = 0; i < rows && top + i < model->n_presets; i++) {
        const struct recipe_about *preset = &model->preset[top + i];
        struct rect line = {box.x, box.y + i, box.w, 1};
        int here = top + i == model->picked;
        if (here)
            put_fill(grid, line, COLOR_DEFAULT, COLOR_SELECTED, NULL);
        put_text(grid, line, line.x, line.y, here ? COLOR_KEY : COLOR_DEFAULT, here ? ATTR_BOLD : ATTR_NONE,
                 here ? (grid->ascii ? "> " : "▸ ") : "  ");
        tricks_put_cut(grid, line, line.x + 2, line.y, line.w - 2, here ? COLOR_KEY : COLOR_DEFAULT,
                       here ? ATTR_BOLD : ATTR_NONE, preset->name);
        tricks_put_cut(grid, line, line.x + 4 + name_width, line.y, line.w - 4 - name_width,
                       here ? COLOR_DEFAULT : COLOR_DIM, ATTR_NONE, preset->title);
    }
    if (about && model->picked < model->n_presets) {
        const struct recipe_about *preset = &model->preset[model->picked];
        tricks_put_cut(grid, box, box.x, box.y + box.h - 1, box.w, COLOR_ACCENT, ATTR_NONE,
                       *preset->published ? preset->published
                       : *preset->path    ? preset->path
                                          : "built in");
    }
}

static void draw_save(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    struct rect box = open_box(grid, area, 72, 7, "Write the recipe to a file");
    char path[sizeof model->folder + LINE_EDIT_MAX + 8];
    struct rect line = {box.x, box.y, box.w, box.h > 0};
    int used = put_text(grid, line, line.x, line.y, COLOR_DIM, ATTR_NONE, "Name: ");
    line_edit_draw(&model->edit, "letters, digits, - and _", 1, grid,
                   rect_intersect(line, (struct rect){line.x + used, line.y, line.w - used, 1}));
    snprintf(path, sizeof path, "%s/%s.ini", model->folder, *model->edit.text ? model->edit.text : "NAME");
    if (*model->folder)
        tricks_put_cut(grid, box, box.x, box.y + 1, box.w, COLOR_DIM, ATTR_NONE, path);
    struct writer writer = {grid, {box.x, box.y + 3, box.w, box.h - 3}};
    if (*model->said)
        write_text(&writer, model->overwrites ? COLOR_WARN : COLOR_BAD, "%s", model->said);
    else
        write_text(&writer, COLOR_DIM, "It becomes a preset of yours. Enter writes it, Esc does not.");
}

static void draw_plot(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    struct rect box = open_box(grid, area, 100, 26, "Learning rate");
    struct rect hint = {box.x, box.y + box.h - 1, box.w, box.h >= 8 && *model->said};
    box.h -= hint.h;
    tricks_plot_draw(&model->plot, grid, box);
    tricks_put_cut(grid, hint, hint.x, hint.y, hint.w, COLOR_BAD, ATTR_NONE, model->said);
}

void tricks_box_draw(const struct tricks_model *model, struct grid *grid, struct rect area)
{
    if (area.w <= 0 || area.h <= 0)
        return;
    if (model->mode == TRICKS_PICK)
        draw_presets(model, grid, area);
    else if (model->mode == TRICKS_SAVE)
        draw_save(model, grid, area);
    else if (model->mode == TRICKS_PLOT)
        draw_plot(model, grid, area);
}
