#include "tui/lab_ablate_figure.h"

#include "tui/figure_output.h"
#include "views/figure_bars.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The convolutions, then the costs from the last removed to the first. */
static const struct {
    uint32_t color;
    enum figure_hatch hatch;
} looks[ABLATE_COST_COUNT] = {
    {COLOR_FORWARD, FIGURE_PLAIN}, {COLOR_BACKWARD, FIGURE_RISING}, {COLOR_LOSS, FIGURE_DOTS},
    {COLOR_LR, FIGURE_FALLING},    {COLOR_UPDATE, FIGURE_CROSSED},  {COLOR_DATA, FIGURE_LEVEL},
};

static int cost_of(int segment)
{
    return ABLATE_COST_COUNT - 1 - segment;
}

static void fill_bar(const struct ablate_summary *s, bool first, struct figure_bar *bar, char label[32])
{
    double image = 1e3 / s->batch;
    snprintf(label, 32, "batch %d", s->batch);
    *bar = (struct figure_bar){.heading = first ? s->preset : NULL, .label = label, .marker = image * s->bound_ms};
    for (int k = 0; k < ABLATE_COST_COUNT; k++)
        bar->value[k] = image * s->cost[cost_of(k)].ms;
}

/* What cannot be seen in the figure. */
static void write_caption(const struct lab_ablate_report *report, char *out, size_t size)
{
    char machine[256], noise[128], rounds[32];
    int least = 0, most = 0;
    for (int i = 0; i < report->count; i++) {
        int n = report->list[i].variant[ABLATE_FULL].rounds;
        least = i == 0 || n < least ? n : least;
        most = n > most ? n : most;
    }
    lab_ablate_machine(&report->results->setting, machine, sizeof machine);
    lab_ablate_noise(report, noise, sizeof noise);
    if (least != most)
        snprintf(rounds, sizeof rounds, "%d to %d", least, most);
    else
        snprintf(rounds, sizeof rounds, "%d", most);
    snprintf(out, size,
             "%s. Each part: the difference of two steps, with it and without; of each step the fastest of %s rounds. "
             "%s%s%s",
             machine, rounds, noise, noise[0] ? ". " : "", report->command);
}

int lab_ablate_draw(const struct lab_ablate_report *report, enum figure_format format, const char *path,
                    struct error *err)
{
    struct {
        char label[32];
    } *rows = calloc((size_t)report->count + 1, sizeof *rows);
    struct figure_bar *bars = calloc((size_t)report->count + 1, sizeof *bars);
    char caption[4096];
    int status = rows && bars ? 0 : error_set(err, "out of memory for the figure");
    struct figure_bars chart = {.kind = FIGURE_STACKED,
                                .axis = "time of a training step per image (\xc2\xb5s)",
                                .n_segments = ABLATE_COST_COUNT,
                                .bars = bars,
                                .n_bars = report->count,
                                .marker_name = "FLOP bound",
                                .max = NAN,
                                .inside = 1};
    for (int k = 0; k < ABLATE_COST_COUNT; k++)
        chart.segment[k] = (struct figure_segment){ablate_cost_title(cost_of(k)), looks[k].color, looks[k].hatch};
    for (int i = 0; i < report->count && !status; i++) {
        const struct ablate_summary *s = &report->list[i];
        bool first = i == 0 || strcmp(s->preset, report->list[i - 1].preset) != 0;
        fill_bar(s, first, &bars[i], rows[i].label);
    }
    if (!status) {
        write_caption(report, caption, sizeof caption);
        struct figure *figure =
            figure_output_page(format, 0, 0, figure_bars_height(&chart), "What the parts of a training step cost",
                               "by leaving them out, one after the other", caption, err);
        status = figure ? 0 : -1;
        if (figure) {
            figure_bars_draw(figure, &chart, figure_content(figure));
            status = figure_output_write(figure, path, err);
        }
    }
    free(rows);
    free(bars);
    return status;
}
