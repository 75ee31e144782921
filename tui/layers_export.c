#include "tui/layers_export.h"

#include "engine/files.h"
#include "engine/timing_export.h"
#include "tui/app.h"
#include "tui/free_path.h"
#include "tui/timing_page.h"
#include "tui/timing_report.h"
#include "tui/timing_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER_MAX 600 /* of a path that is shown */

/* The name of the run that is shown; one that has no folder is called by its recipe. */
static const char *run_name(const struct app *app)
{
    return app->model.status.run[0] ? app->model.status.run : recipe_name(app->source.recipe);
}

static char *table_text(const struct timing *timing, const struct timing_origin *origin, struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out)
        timing_report_table(timing, origin, 0, out);
    if (out && fclose(out) == 0)
        return text;
    free(text);
    error_set(err, "out of memory");
    return NULL;
}

static int save_text(const struct app *app, const char *ending, const char *path, struct error *err)
{
    const struct timing *timing = &app->layers.timing;
    struct timing_origin *origin = malloc(sizeof *origin);
    if (!origin)
        return error_set(err, "out of memory");
    timing_origin_init(origin, app->source.recipe, run_name(app));
    char *text = strcmp(ending, "csv") == 0   ? timing_export_csv(timing, origin, err)
                 : strcmp(ending, "txt") == 0 ? table_text(timing, origin, err)
                                              : timing_export_json(timing, origin, err);
    struct file_part part = {text, text ? strlen(text) : 0};
    int rc = text ? file_replace(path, &part, 1, err) : -1;
    free(text);
    free(origin);
    return rc;
}

/* The path is the current folder's, and said with it: the file's name first, should all of it not fit. */
static void say_where(struct app *app, const char *what, const char *path)
{
    char folder[FOLDER_MAX];
    app_say(app, "%s in %s, folder %s", what, path, free_path_folder(folder, sizeof folder));
}

static void save(struct app *app, const char *ending)
{
    struct error err = {""};
    char stem[160], path[200];
    int format = figure_format_of_name(ending), rc = -1;
    app->over = APP_SCREEN;
    if (app->layers.state != LAYERS_READY || !app->source.recipe)
        return; /* the run went while it was asked */
    snprintf(stem, sizeof stem, "timing-%s", run_name(app));
    int named = free_path(stem, ending, path, sizeof path, &err) == 0;
    if (named && format < 0) {
        rc = save_text(app, ending, path, &err);
    } else if (named) {
        struct figure *figure =
            timing_page_draw(run_name(app), app->source.recipe, &app->layers.timing, (enum figure_format)format, &err);
        rc = figure ? figure_save(figure, path, &err) : -1;
        figure_free(figure);
    }
    if (rc < 0)
        app_say(app, "%s", err.text);
    else
        say_where(app, "the times are", path);
}

/* As it was at the run's last checkpoint: unlike the times it is not kept in memory. */
static void save_trace(struct app *app)
{
    struct error err = {""};
    struct run_folder folder;
    char stem[160], path[200];
    app->over = APP_SCREEN;
    if (app->layers.state != LAYERS_READY || !app->source.recipe)
        return;
    snprintf(stem, sizeof stem, "trace-%s", run_name(app));
    if (free_path(stem, "json", path, sizeof path, &err) || run_folder_find(&folder, app->model.status.path, &err) ||
        timing_trace_copy(&folder, path, &err))
        app_say(app, "%s", err.text);
    else
        say_where(app, "the trace is", path);
}

static void save_table(struct app *app)
{
    save(app, "txt");
}

static void save_pdf(struct app *app)
{
    save(app, "pdf");
}

static void save_png(struct app *app)
{
    save(app, "png");
}

static void save_svg(struct app *app)
{
    save(app, "svg");
}

static void save_csv(struct app *app)
{
    save(app, "csv");
}

static void save_json(struct app *app)
{
    save(app, "json");
}

static const struct binding keys[] = {
    {"p", "Enter", NULL, "PDF, a figure for a report", NULL, NULL, save_pdf},
    {"g", NULL, NULL, "PNG, the same as a picture", NULL, NULL, save_png},
    {"s", NULL, NULL, "SVG, the same for the web", NULL, NULL, save_svg},
    {"c", NULL, NULL, "CSV, a table for other programs", NULL, NULL, save_csv},
    {"j", NULL, NULL, "JSON, all of it", NULL, NULL, save_json},
    {"t", NULL, NULL, "Text, as davidnet timing prints it", NULL, NULL, save_table},
    {"r", NULL, NULL, "Trace of a few steps, for Perfetto", NULL, NULL, save_trace},
    {"n", "Esc", NULL, "None", NULL, NULL, app_close_dialog},
    {0},
};
/* Its text depends on the run and on where it is written. */
static const struct dialog dialog = {"Export the times", "", keys};

void layers_export_ask(struct app *app)
{
    char folder[FOLDER_MAX], sentence[FOLDER_MAX + 700], both[400] = "";
    if (app->layers.against.on)
        snprintf(both, sizeof both, " The file is of this run alone; of both: davidnet timing diff %s %s",
                 app->layers.against.name, run_name(app));
    snprintf(sentence, sizeof sentence,
             "As timing-%s.pdf and so on, into %s. A file that is there stays: the new one gets a number.%s",
             run_name(app), free_path_folder(folder, sizeof folder), both);
    app_ask(app, &dialog);
    app_ask_more(app, sentence);
}
