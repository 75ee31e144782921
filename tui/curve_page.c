#include "tui/curve_page.h"

#include "tui/command.h"
#include "views/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void make_title(const struct curve_set *set, int n, FILE *out)
{
    char mean[64];
    if (n == 0)
        fprintf(out, "Learning rate of %s", set->curves[0].name);
    else if (set->n == 1 && n == 1)
        fprintf(out, "Training curves of %s", set->curves[0].name);
    else if (set->n == 1)
        fprintf(out, "Training curves of %s: %s", set->curves[0].name, curve_mean_text(&set->curves[0], mean));
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
    int whole = curve_whole(curve, CURVES_TEST_ACC);
    for (size_t i = curve->n_epochs; i-- > 0 && whole > 1;) {
        const struct curve_value *v = &curve->value[CURVES_TEST_ACC][i];
        if (v->n < whole)
            continue;
        fprintf(out, "test accuracy after %g epoch%s: mean %.2f %%, standard deviation %.2f, %.2f to %.2f, of %d runs",
                curve->epoch[i], curve->epoch[i] == 1 ? "" : "s", v->mean, v->sd, v->min, v->max, v->n);
        break;
    }
    if (curve->unfinished > 0)
        fprintf(
            out,
            "%sthe mean is of %d runs, and so goes no further than epoch %.3g, where one ended (--each draws them all)",
            whole > 1 ? "\n" : "", curve->measured, curve->unfinished_from);
}

static void make_subtitle(const struct curve_set *set, struct run_report *const *reports, int n, int log_axes,
                          FILE *out)
{
    char text[512];
    if (set->n > 1 && set->images_differ)
        fprintf(out, "mixed: runs of one recipe are on different images, and are not averaged\n");
    if (set->n == 1) {
        recipe_summary(set->curves[0].recipe, text, sizeof text);
        char *seed = strstr(text, ", seed ");
        if (seed && n != 1)
            *seed = '\0'; /* of one of them, or of none */
        fprintf(out, "%s\n", text);
    }
    if (log_axes && n > 0)
        fprintf(out, "logarithmic: the loss, and of the accuracy what is lacking to 100 %%\n");
    if (set->n == 1 && n == 1)
        put_result(&reports[0]->summary, reports[0]->recipe.target, out);
    else if (set->n == 1 && n > 1)
        put_last(&set->curves[0], out);
}

/* "; cpu, oneDNN 2.6.3, f32, 2 threads, avx512, Some Processor; trained by davidnet 0.1.0 (0123456789)": what is known.
 */
static void put_origin(const struct curve_origin *origin, FILE *out)
{
    const struct timing_machine *machine = &origin->machine;
    char threads[32] = "";
    if (origin->threads > 0)
        snprintf(threads, sizeof threads, "%d thread%s", origin->threads, origin->threads == 1 ? "" : "s");
    const char *const parts[] = {origin->family, machine->library, origin->precision,
                                 threads,        machine->isa,     machine->device};
    const char *before = "; ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i][0] != '\0') {
            fprintf(out, "%s%s", before, parts[i]);
            before = ", ";
        }
    if (machine->davidnet[0] != '\0')
        fprintf(out, "; trained by davidnet %s", machine->davidnet);
    if (machine->davidnet[0] != '\0' && machine->commit[0] != '\0')
        fprintf(out, " (%s)", machine->commit);
}

/* "run-1 (seed 1), run-2 (seed 2)" */
static void put_runs(const struct curve *curve, FILE *out)
{
    for (int r = 0; r < curve->n_runs; r++) {
        fprintf(out, "%s%s", r ? ", " : "", curve->runs[r]);
        if (curve->origins[r])
            fprintf(out, " (seed %lld)", (long long)curve->origins[r]->recipe.seed);
    }
}

/* For each curve: its runs, the command that makes the first of them again, and the machine. */
static int make_caption(const struct curve_set *set, FILE *out)
{
    char *command = malloc(RECIPE_COMMAND_MAX), drawn[128];
    if (!command)
        return -1;
    for (int i = 0; i < set->n; i++) {
        const struct curve *curve = &set->curves[i];
        recipe_command(curve->recipe, command, RECIPE_COMMAND_MAX);
        if (curve->n_runs > 1) {
            fprintf(out, "%s: runs ", curve->name);
            put_runs(curve, out);
            fprintf(out, "; the first is ");
        } else if (set->n > 1) {
            fprintf(out, "%s: ", curve->name);
        }
        fprintf(out, "%s", command);
        if (curve->n_runs > 0 && curve->origins[0])
            put_origin(curve->origins[0], out);
        fputc('\n', out);
    }
    fprintf(out, "%s", figure_output_drawn_by(drawn, sizeof drawn));
    free(command);
    return 0;
}

struct figure *curve_page_draw(const struct curve_page *page, enum figure_format format, const struct curve_set *set,
                               struct run_report *const *reports, int n, struct error *err)
{
    const struct figure_curves curves = {set, page->band, page->log_axes};
    char *text[3] = {NULL, NULL, NULL};
    size_t size;
    int rc = 0;
    struct figure *figure = NULL;
    if (set->n > FIGURE_CURVES_MAX) {
        error_set(err, "%d curves are too many for a figure, which holds %d: name fewer runs, or leave out --each",
                  set->n, FIGURE_CURVES_MAX);
        return NULL;
    }
    for (int i = 0; i < 3 && rc == 0; i++) {
        FILE *out = open_memstream(&text[i], &size);
        if (!out)
            rc = -1;
        else if (i == 0)
            make_title(set, n, out);
        else if (i == 1)
            make_subtitle(set, reports, n, page->log_axes, out);
        else
            rc = make_caption(set, out);
        if (out && fclose(out) != 0)
            rc = -1;
    }
    if (rc < 0)
        error_set(err, "no memory for the figure");
    else
        figure = figure_output_page(format, page->scale, &(struct figure_room){figure_curves_height(&curves), 0, 0, 0},
                                    page->title ? page->title : text[0], text[1], text[2], err);
    if (figure)
        figure_curves_draw(figure, &curves, figure_content(figure));
    for (int i = 0; i < 3; i++)
        free(text[i]);
    return figure;
}

int curve_page_write(const struct curve_page *page, enum figure_format format, const struct curve_set *set,
                     struct run_report *const *reports, int n, const char *path, struct error *err)
{
    struct figure *figure = curve_page_draw(page, format, set, reports, n, err);
    return figure ? figure_output_write(figure, path, err) : -1;
}
