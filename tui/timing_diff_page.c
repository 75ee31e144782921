#include "tui/timing_diff_page.h"

#include "tui/figure_output.h"
#include "views/figure_timing_diff.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 600.0
#define LEAST_WIDTH 560.0

/* "A: plain; cpu, f32, avx512, oneDNN 2.6.3, Some Processor, 2 threads; 26 steps of 100 images", or of so many runs. */
static void put_side(FILE *out, const struct timing_diff_report *report, int s)
{
    const struct timing_diff_side *side = &report->side[s];
    const struct timing *t = side->runs[0].timing;
    fprintf(out, "%c: %s", s ? 'B' : 'A', report->words[s]);
    if (side->n > 1)
        fprintf(out, ", %d runs", side->n);
    const char *const parts[] = {t->precision, t->machine.isa, t->machine.library, t->machine.device};
    fprintf(out, "; %s", t->family);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i][0] != '\0')
            fprintf(out, ", %s", parts[i]);
    fprintf(out, ", %d thread%s; %llu steps of %.0f images%s\n", t->threads, t->threads == 1 ? "" : "s",
            (unsigned long long)t->train_steps, t->images_per_step, side->n > 1 ? " each" : "");
}

static int make_caption(const struct timing_diff_report *report, FILE *out)
{
    char *command = malloc(RECIPE_COMMAND_MAX), drawn[128];
    if (command == NULL)
        return -1;
    for (int s = 0; s < 2; s++) {
        recipe_command(report->recipes[s][0], command, RECIPE_COMMAND_MAX);
        const struct timing_machine *machine = &report->side[s].runs[0].timing->machine;
        fprintf(out, "%c%s: %s", s ? 'B' : 'A', report->side[s].n > 1 ? ", the first run" : "", command);
        if (machine->davidnet[0] != '\0')
            fprintf(out, "; measured by davidnet %s (%s)", machine->davidnet, machine->commit);
        fputc('\n', out);
    }
    if (report->how & TIMING_DIFF_PAIRED)
        fprintf(out, "paired: run by run; ");
    if (report->how & TIMING_DIFF_LEAST)
        fprintf(out, "of each step of the program the least that it took, not the mean; ");
    if (report->side[0].n == 1 || report->side[1].n == 1)
        fprintf(out, "%s\n", TIMING_DIFF_NO_VERDICT);
    timing_diff_report_command(report, command, RECIPE_COMMAND_MAX);
    fprintf(out, "%s; %s", command, figure_output_drawn_by(drawn, sizeof drawn));
    free(command);
    return 0;
}

struct figure *timing_diff_page_draw(const struct timing_diff_report *report, enum figure_format format,
                                     struct error *err)
{
    char *text[2] = {NULL, NULL};
    size_t size[2];
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        FILE *out = open_memstream(&text[i], &size[i]);
        if (out == NULL) {
            rc = -1;
        } else if (i == 0) {
            put_side(out, report, 0);
            put_side(out, report, 1);
            if (report->differences[0])
                fprintf(out, "recipes differ: %s%s", report->differences, report->diff->n_warnings > 0 ? "\n" : "");
            for (int w = 0; w < report->diff->n_warnings; w++)
                fprintf(out, "%s%s", w ? "; " : "warning: ", report->diff->warnings[w]);
        } else {
            rc = make_caption(report, out);
        }
        if (out != NULL && fclose(out) != 0)
            rc = -1;
    }
    struct figure *figure = NULL;
    const double height = figure_timing_diff_height(report->diff);
    if (rc < 0)
        error_set(err, "no memory for the figure");
    else
        figure = figure_output_page(format, 0, &(struct figure_room){height, WIDTH, height, LEAST_WIDTH},
                                    "What changed in a training step", text[0], text[1], err);
    if (figure != NULL)
        figure_timing_diff_draw(figure, report->diff, figure_content(figure));
    free(text[0]);
    free(text[1]);
    return figure;
}

int timing_diff_page_write(const struct timing_diff_report *report, enum figure_format format, const char *path,
                           struct error *err)
{
    if (figure_output_check(format, path, err) < 0)
        return -1;
    struct figure *figure = timing_diff_page_draw(report, format, err);
    return figure != NULL ? figure_output_write(figure, path, err) : -1;
}
