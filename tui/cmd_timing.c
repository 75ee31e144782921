/* davidnet timing: where a run's time went, row by row. */
#include "tui/cmd_timing_diff.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/figure_output.h"
#include "tui/run_report.h"
#include "tui/timing_page.h"
#include "tui/timing_report.h"
#include "tui/timing_trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMATS "table csv json trace png svg pdf"

extern const struct command command_timing;

static char *table_text(const struct timing *timing, const struct timing_origin *origin, int width, struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out)
        timing_report_table(timing, origin, width, out);
    if (out && fclose(out) == 0)
        return text;
    error_set(err, "out of memory");
    return NULL;
}

static int write_timing(const char *which, const char *format, const char *path)
{
    static struct timing_origin origin; /* large */
    struct error err = {""};
    struct timing timing;
    char *text;
    struct run_report *run = run_report_open(which, &err);
    if (!run)
        return command_fail("%s", err.text);
    int status = timing_read_run(&timing, &run->folder, &err);
    if (status == 0) {
        timing_origin_init(&origin, &run->recipe, run->folder.name);
        if (strcmp(format, "json") == 0)
            text = timing_export_json(&timing, &origin, &err);
        else if (strcmp(format, "csv") == 0)
            text = timing_export_csv(&timing, &origin, &err);
        else
            text = table_text(&timing, &origin, !path && isatty(STDOUT_FILENO) ? columns_width(stdout) : 0, &err);
        status = text ? run_output(path, text, strlen(text), &err) : -1;
        free(text);
        timing_release(&timing);
    }
    run_report_free(run);
    return status == 0 ? EXIT_OK : command_fail("%s", err.text);
}

static int run(int argc, char **argv)
{
    const char *format = NULL, *path = NULL, *which = NULL;
    if (argc > 1 && strcmp(argv[1], "diff") == 0)
        return cmd_timing_diff(argc - 1, argv + 1);
    for (int i = 1; i < argc; i++) {
        const char *flag, *value, *word = argv[i];
        int taken = command_take_option(&command_timing, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken > 0 && strcmp(flag, "--json") == 0) {
            format = "json";
            continue;
        }
        if (taken > 0 && !value)
            return command_usage_error(&command_timing, "%s is for `davidnet timing diff`", flag);
        if (taken > 0) {
            *(strcmp(flag, "-o") == 0 ? &path : &format) = value;
            continue;
        }
        if (word[0] == '-' || which != NULL)
            return command_unknown(&command_timing, word);
        which = word;
    }
    char found[8];
    struct error err = {""};
    format = figure_output_format(format, path, FORMATS, "table", found, &err);
    if (format == NULL)
        return command_usage_error(&command_timing, "%s", err.text);
    if (which == NULL)
        return command_usage_error(&command_timing, "which run? `davidnet runs` lists them, 'last' is the newest");
    if (figure_format_of_name(format) >= 0)
        return timing_page_write(which, (enum figure_format)figure_format_of_name(format), path);
    return strcmp(format, "trace") == 0 ? timing_trace_write(which, path) : write_timing(which, format, path);
}

static const struct command_option options[] = {
    {"--format", "FORMAT",
     "table, csv, or json: {\"format\": \"davidnet-timing\", \"version\": 2, ...} as in RUN/timing.json, with recipe, "
     "seed and the command that trains such a run again; or trace: some steps slice by slice, a track for each thread, "
     "for chrome://tracing or ui.perfetto.dev, as in RUN/trace.json; "
     "png, svg and pdf are figures for a report. Without it -o's ending decides",
     FORMATS},
    {"-o", "FILE", "write there, and print its name, instead of to the standard output", "FILE"},
    {"--json", NULL, "for short: --format json", NULL},
    {"--paired", NULL, "of diff: A's and B's runs are pairs, made one right after the other", NULL},
    {"--least", NULL, "of diff: the least that each step of the program took counts, not the mean", NULL},
    {0},
};

const struct command command_timing = {
    .name = "timing",
    .summary = "where a run's time went, layer by layer",
    .usage = "usage: davidnet timing RUN [--format table|csv|json|trace|png|svg|pdf] [-o FILE]\n"
             "       davidnet timing diff A B [--paired] [--least] [--format FORMAT] [-o FILE]\n\n"
             "One line per row of the network: milliseconds per training step forward (with augmentation and loss),\n"
             "backward and in the update, share of the step, GFLOP/s, implementation. A row whose work is done\n"
             "inside another's step is shown as fused; '-' is not measured, or nothing to count: a norm's GFLOP.\n"
             "A wider terminal (100, 120, 140 columns), a file or a pipe also has: GFLOP and MB of a step (the least\n"
             "that must move when nothing stays in a cache), GB/s, the floor (the longer of both at what the machine\n"
             "can do; of a convolution by Winograd's method the operations that it really does), the ceiling (floor\n"
             "/ time; caches can be above it), and memory (output of a batch, and weights).\n"
             "Names are cut with ~ to fit a terminal, and whole in a file or a pipe.\n\n"
             "Below: where the run's time went, per training step, evaluation, waiting and all else included; and\n"
             "what bounds a step: each step of the program, up to its floor, is compute or bandwidth; the rest is\n"
             "overhead.\n\n"
             "diff: what changed from A to B, in the step, each phase, block and row: signed, in milliseconds and\n"
             "percent, with a 95 % interval; a change within it is called noise, and is grey on a terminal. A and B\n"
             "are runs, or sets of runs as `davidnet compare` takes them (a pattern, a tag, names parted by commas):\n"
             "only several runs a side tell what varies from run to run; where a side is one run, a change beyond the\n"
             "interval \"differs\", which is no verdict. On a machine with other work to do, runs of A and\n"
             "B made by turns tell more with --paired, and the least times (--least) more than the means. Rows whose\n"
             "work is shared differently on the two sides are compared together; rows that one side lacks are said.\n",
    .options = options,
    .words = "RUN",
    .run = run,
};
