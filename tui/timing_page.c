#include "tui/timing_page.h"

#include "engine/timing.h"
#include "tui/command.h"
#include "tui/figure_output.h"
#include "views/figure_timing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_WIDTH 460 /* of the page: names of rows */

static void make_subtitle(const struct recipe *recipe, const struct timing *timing, FILE *out)
{
    const struct timing_machine *m = &timing->machine;
    char text[512];
    recipe_summary(recipe, text, sizeof text);
    fprintf(out, "%s\n", text);
    const char *const parts[] = {timing->family, timing->precision, m->isa, m->library, m->device};
    for (int i = 0; i < 5; i++)
        if (parts[i][0] != '\0')
            fprintf(out, "%s%s", i ? ", " : "", parts[i]);
    fprintf(out, ", %d thread%s\n", timing->threads, timing->threads == 1 ? "" : "s");
    char last[48] = "";
    if (timing->to_step > 0)
        snprintf(last, sizeof last, ", the last step %llu", (unsigned long long)timing->to_step);
    double step = timing_bound(timing).train_ms; /* what images/s are made of */
    if (isfinite(step) && isfinite(timing_images_per_second(timing)))
        fprintf(out, "mean of %llu steps of %.0f images%s: %.*f ms, %.0f images/s",
                (unsigned long long)timing->train_steps, timing->images_per_step, last,
                step < 10     ? 3
                : step < 100  ? 2
                : step < 1000 ? 1
                              : 0,
                step, timing_images_per_second(timing));
    if (isfinite(timing->timing_percent))
        fprintf(out, "; measuring costs %.2g %% of a step%s", timing->timing_percent,
                isfinite(timing->costs[TIMING_COST_SAMPLES]) ? ", traces and files included" : " for clock readings");
    if (timing->timing_percent > TIMING_COST_MAX)
        fprintf(out, ": more than %g %%", TIMING_COST_MAX);
}

static int make_caption(const struct recipe *recipe, const struct timing *timing, FILE *out)
{
    char *command = malloc(RECIPE_COMMAND_MAX), drawn[128];
    if (command == NULL)
        return -1;
    recipe_command(recipe, command, RECIPE_COMMAND_MAX);
    fprintf(out, "%s\n", command);
    if (timing->machine.davidnet[0] != '\0')
        fprintf(out, "measured by davidnet %s (%s), ", timing->machine.davidnet, timing->machine.commit);
    fprintf(out, "%s", figure_output_drawn_by(drawn, sizeof drawn));
    free(command);
    return 0;
}

struct figure *timing_page_draw(const char *run, const struct recipe *recipe, const struct timing *timing,
                                enum figure_format format, struct error *err)
{
    const double height = figure_timing_height(timing);
    const struct figure_room room = {height, 0, height, LEAST_WIDTH};
    struct figure *figure = NULL;
    char *text[2] = {NULL, NULL}, title[192];
    size_t size[2];
    int rc = 0;
    snprintf(title, sizeof title, "Where a training step of %s goes", run);
    for (int i = 0; i < 2 && rc == 0; i++) {
        FILE *out = open_memstream(&text[i], &size[i]);
        if (out == NULL)
            rc = -1;
        else if (i == 0)
            make_subtitle(recipe, timing, out);
        else
            rc = make_caption(recipe, timing, out);
        if (out != NULL && fclose(out) != 0)
            rc = -1;
    }
    if (rc < 0)
        error_set(err, "no memory for the figure");
    else
        figure = figure_output_page(format, 0, &room, title, text[0], text[1], err);
    if (figure != NULL)
        figure_timing_draw(figure, timing, figure_content(figure));
    free(text[0]);
    free(text[1]);
    return figure;
}

int timing_page_write(const char *run, enum figure_format format, const char *path)
{
    struct error err = {""};
    struct timing timing;
    if (figure_output_check(format, path, &err) < 0)
        return command_fail("%s", err.text);
    struct run_report *report = run_report_open(run, &err);
    if (report == NULL || timing_read_run(&timing, &report->folder, &err) < 0) {
        run_report_free(report);
        return command_fail("%s", err.text);
    }
    struct figure *figure = timing_page_draw(report->folder.name, &report->recipe, &timing, format, &err);
    int rc = figure != NULL ? figure_output_write(figure, path, &err) : -1;
    timing_release(&timing);
    run_report_free(report);
    return rc == 0 ? EXIT_OK : command_fail("%s", err.text);
}
