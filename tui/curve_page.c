#include "tui/curve_page.h"

#include "views/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void make_title(const struct curve_set *set, int n, FILE *out)
{
    if (n == 0)
        fprintf(out, "Learning rate of %s", set->curves[0].name);
    else if (set->n == 1 && n == 1)
        fprintf(out, "Training curves of %s", set->curves[0].name);
    else if (set->n == 1)
        fprintf(out, "Training curves of %s: mean of %d runs", set->curves[0].name, n);
    else
        fprintf(out, "Training curves of %d runs", n);
}

/* "best test accuracy 94.08 %; 94 % reached after 1:02:03 of training" */
static void put_result(const struct run_summary *summary, double target, FILE *out)
{
    char clock[32];
    if (isfinite(summary->best_acc))
        fprintf(out, "best test accuracy %.2f %%", summary->best_acc);
    if (isfinite(summary->best_acc) && isfinite(summary->seconds_to_target) && target > 0)
        fprintf(out, "; %g %% reached after %s of training", target,
                format_seconds(summary->seconds_to_target, clock, sizeof clock));
    if (strcmp(summary->state, "done") != 0)
        fprintf(out, "%s%s after %.3g of %.3g epochs", isfinite(summary->best_acc) ? "; " : "", summary->state,
                summary->epochs_done, summary->epochs);
}

static void put_last(const struct curve *curve, FILE *out)
{
    for (size_t i = curve->n_epochs; i-- > 0;) {
        const struct curve_value *v = &curve->value[CURVES_TEST_ACC][i];
        if (v->n < 2)
            continue;
        fprintf(out, "test accuracy after %g epochs: mean %.2f %%, standard deviation %.2f, %.2f to %.2f, of %d runs",
                curve->epoch[i], v->mean, v->sd, v->min, v->max, v->n);
        return;
    }
}

static void make_subtitle(const struct curve_set *set, struct run_report *const *reports, int n, FILE *out)
{
    char text[512];
    if (set->n > 1)
        return;
    recipe_summary(set->curves[0].recipe, text, sizeof text);
    char *seed = strstr(text, ", seed ");
    if (seed && n != 1)
        *seed = '\0'; /* of one of them, or of none */
    fprintf(out, "%s\n", text);
    if (n == 1)
        put_result(&reports[0]->summary, reports[0]->recipe.target, out);
    else if (n > 1)
        put_last(&set->curves[0], out);
}

/* For each curve: its runs, the command that makes the first of them again, and the machine. */
static int make_caption(const struct curve_set *set, struct run_report *const *reports, int n, FILE *out)
{
    char *command = malloc(RECIPE_COMMAND_MAX), machine[256];
    if (!command)
        return -1;
    for (int i = 0; i < set->n; i++) {
        const struct curve *curve = &set->curves[i];
        recipe_command(curve->recipe, command, RECIPE_COMMAND_MAX);
        machine[0] = '\0';
        for (int r = 0; r < n && curve->n_runs > 0; r++)
            if (&reports[r]->recipe == curve->recipe) {
                figure_output_machine(&reports[r]->folder, &reports[r]->log, machine, sizeof machine);
                break;
            }
        if (curve->n_runs > 1) {
            fprintf(out, "%s: runs", curve->name);
            for (int r = 0; r < curve->n_runs; r++)
                fprintf(out, "%s %s", r ? "," : "", curve->runs[r]);
            fprintf(out, "; the first is ");
        } else if (set->n > 1) {
            fprintf(out, "%s: ", curve->name);
        }
        fprintf(out, "%s%s%s\n", command, machine[0] ? "; " : "", machine);
    }
    char drawn[128];
    fprintf(out, "%s", figure_output_drawn_by(drawn, sizeof drawn));
    free(command);
    return 0;
}

int curve_page_write(const struct curve_page *page, enum figure_format format, const struct curve_set *set,
                     struct run_report *const *reports, int n, const char *path, struct error *err)
{
    const struct figure_curves curves = {set, page->band, page->log_axes};
    char *text[3] = {NULL, NULL, NULL};
    size_t size;
    int rc = 0;
    if (set->n > FIGURE_CURVES_MAX)
        return error_set(err,
                         "%d curves are too many for a figure, which holds %d: name fewer runs, or leave out --each",
                         set->n, FIGURE_CURVES_MAX);
    for (int i = 0; i < 3 && rc == 0; i++) {
        FILE *out = open_memstream(&text[i], &size);
        if (!out)
            rc = -1;
        else if (i == 0)
            make_title(set, n, out);
        else if (i == 1)
            make_subtitle(set, reports, n, out);
        else
            rc = make_caption(set, reports, n, out);
        if (out && fclose(out) != 0)
            rc = -1;
    }
    if (rc < 0) {
        error_set(err, "no memory for the figure");
    } else {
        struct figure *figure = figure_output_page(format, page->scale, 0, figure_curves_height(&curves),
                                                   page->title ? page->title : text[0], text[1], text[2], err);
        rc = figure ? 0 : -1;
        if (figure)
            figure_curves_draw(figure, &curves, figure_content(figure));
        if (figure)
            rc = figure_output_write(figure, path, err);
    }
    for (int i = 0; i < 3; i++)
        free(text[i]);
    return rc;
}
