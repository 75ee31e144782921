#include "tui/lab_ablate_figure.h"

#include "tui/figure_output.h"
#include "views/figure_ablate.h"

#include <stdlib.h>

static void write_subtitle(FILE *out, const struct lab_ablate_report *report)
{
    char text[320];
    int least = 0, most = 0;
    for (int i = 0; i < report->count; i++) {
        int n = report->list[i].variant[ABLATE_FULL].rounds;
        least = i == 0 || n < least ? n : least;
        most = n > most ? n : most;
    }
    lab_ablate_machine(&report->results->setting, text, sizeof text);
    fprintf(out, "%s\nby removal: the difference of two steps, with the part and without; of each step the fastest of ",
            text);
    if (least != most)
        fprintf(out, "%d to ", least);
    fprintf(out, "%d round%s", most, most == 1 ? "" : "s");
    lab_ablate_noise(report, text, sizeof text);
    if (text[0])
        fprintf(out, "\n%s", text);
    if (report->results->setting.ceiling.noisy)
        fprintf(out, "\nother programs ran while the FLOP bound's ceiling was measured: it may be too far right");
}

static void write_caption(FILE *out, const struct lab_ablate_report *report)
{
    char text[320], drawn[128];
    for (int i = 0; i < report->count; i++) {
        const struct ablate_recipe *recipe = lab_ablate_recipe(report, i);
        if (recipe)
            fprintf(out, "%s\n", recipe->summary);
    }
    lab_ablate_measured(report, text, sizeof text);
    fprintf(out, "%s\n%s, %s", report->command, text, figure_output_drawn_by(drawn, sizeof drawn));
}

int lab_ablate_draw(const struct lab_ablate_report *report, enum figure_format format, const char *path,
                    struct error *err)
{
    const struct figure_room room = {figure_ablate_height(report->list, report->count), FIGURE_ABLATE_WIDTH, 0,
                                     FIGURE_ABLATE_LEAST};
    struct figure *figure = NULL;
    char *text[2] = {NULL, NULL};
    size_t size;
    int failed = 0;
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&text[i], &size);
        if (out)
            (i ? write_caption : write_subtitle)(out, report);
        failed |= !out || fclose(out) != 0;
    }
    if (failed)
        error_set(err, "out of memory for the figure");
    else
        figure = figure_output_page(format, 0, &room, "What the parts of a training step cost", text[0], text[1], err);
    if (figure)
        figure_ablate_draw(figure, report->list, report->count, figure_content(figure));
    free(text[0]);
    free(text[1]);
    return figure ? figure_output_write(figure, path, err) : -1;
}
