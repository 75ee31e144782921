/* davidnet timing: where a run's time went, row by row. */
#include "engine/files.h"
#include "engine/timing.h"
#include "tui/cmd_timing_diff.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/figure_output.h"
#include "tui/run_report.h"
#include "tui/timing_page.h"
#include "tui/timing_trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MIN 12
#define NAME_MAX_WIDTH 25
#define FORMATS "table json trace png svg pdf"
#define WHOLE 4096 /* a width that cuts nothing */

extern const struct command command_timing;

static int load(const char *run, struct timing *timing, char **json, struct error *err)
{
    struct run_folder folder;
    char path[RUN_PATH_MAX + 160];
    size_t size;
    if (run_folder_find(&folder, run, err) < 0)
        return -1;
    run_folder_path(&folder, "timing.json", path, sizeof path);
    if (file_read(path, 16 << 20, json, &size, err) < 0)
        return error_prefix(err, "run %s has no timing breakdown yet", folder.name);
    if (timing_from_json(timing, *json, path, err) == 0)
        return 0;
    free(*json);
    *json = NULL;
    return -1;
}

/* The columns of numbers, each with a blank before it: forward, backward, update, share, GFLOP/s. */
static const int widths[5] = {7, 8, 7, 5, 7};
#define NUMBERS_WIDTH (7 + 8 + 7 + 5 + 7 + 5)

/* Milliseconds in their column. */
static void put_ms(FILE *out, double ms, int column)
{
    if (!isfinite(ms))
        fprintf(out, " %*s", widths[column], "-");
    else
        fprintf(out, " %*.*f", widths[column], ms < 1000 ? 3 : ms < 100000 ? 1 : 0, ms);
}

/* What follows the numbers: never a blank at a line's end, cut with "~" at the width. */
static void put_rest(FILE *out, const char *text, int width)
{
    int n = (int)strlen(text);
    if (n > 0 && width > 1 && n > width)
        fprintf(out, "  %.*s~\n", width - 1, text);
    else
        fprintf(out, n > 0 ? "  %s\n" : "%s\n", text);
}

/* A name in its column, cut at the front: the end tells rows apart. */
static void put_name(FILE *out, const char *name, int width)
{
    int n = (int)strlen(name);
    if (n > width)
        fprintf(out, "~%s", name + n - width + 1);
    else
        fprintf(out, "%-*s", width, name);
}

/* Sum of the row's own times in the phases, or the kind that says why there is none. */
static struct timing_cell sum_phases(const struct timing *t, int row, const enum phase *phases, int count)
{
    struct timing_cell sum = {.kind = TIMING_NONE, .ms = NAN, .fused_into = -1};
    for (int p = 0; p < count; p++) {
        struct timing_cell cell = timing_cell(t, row, phases[p]);
        if (cell.kind == TIMING_OWN) {
            sum.ms = sum.kind == TIMING_OWN ? sum.ms + cell.ms : cell.ms;
            sum.kind = TIMING_OWN;
        } else if (cell.kind == TIMING_FUSED && sum.kind == TIMING_NONE) {
            sum = cell;
        }
    }
    return sum;
}

static const enum phase forward_phases[] = {PHASE_AUGMENT, PHASE_FORWARD, PHASE_LOSS};
static const enum phase backward_phases[] = {PHASE_BACKWARD};
static const enum phase update_phases[] = {PHASE_UPDATE};

/* "fused into A", "fused into A, backward into B", "backward fused into B"; empty when nothing is fused. */
static void fused_text(const struct timing *t, struct timing_cell forward, struct timing_cell backward, char *out,
                       size_t size)
{
    const char *f = forward.kind == TIMING_FUSED ? t->rows[forward.fused_into].name : NULL;
    const char *b = backward.kind == TIMING_FUSED ? t->rows[backward.fused_into].name : NULL;
    out[0] = '\0';
    if (f != NULL && b != NULL && strcmp(f, b) != 0)
        snprintf(out, size, "fused into %s, backward into %s", f, b);
    else if (f != NULL && (b != NULL || backward.kind == TIMING_NONE))
        snprintf(out, size, "fused into %s", f);
    else if (f != NULL)
        snprintf(out, size, "forward fused into %s", f);
    else if (b != NULL)
        snprintf(out, size, "backward fused into %s", b);
}

static void put_row(FILE *out, const struct timing *t, int row, int name_width, int rest)
{
    struct timing_cell cells[3] = {sum_phases(t, row, forward_phases, 3), sum_phases(t, row, backward_phases, 1),
                                   sum_phases(t, row, update_phases, 1)};
    char impl[512], fused[256], both[800], number[RUN_TEXT];
    double own = 0;
    int owns = 0;
    put_name(out, t->rows[row].name, name_width);
    fused_text(t, cells[0], cells[1], fused, sizeof fused);
    for (int c = 0; c < 3; c++)
        if (cells[c].kind == TIMING_OWN) {
            own += cells[c].ms;
            owns = 1;
        }
    if (!owns && fused[0] != '\0') { /* nothing of its own: only say where it went */
        put_rest(out, fused, NUMBERS_WIDTH + rest);
        return;
    }
    for (int c = 0; c < 3; c++) {
        if (cells[c].kind == TIMING_FUSED)
            fprintf(out, " %*s", widths[c], "fused");
        else
            put_ms(out, cells[c].ms, c);
    }
    fprintf(out, " %*s", widths[3], run_text_number(owns ? 100 * own / timing_step_ms(t) : NAN, 1, number));
    double gflops = timing_gflops(t, row);
    fprintf(out, " %*s", widths[4], run_text_number(gflops, gflops < 10 ? 1 : 0, number));
    timing_implementation(t, row, impl, sizeof impl);
    snprintf(both, sizeof both, "%s%s%s", impl, impl[0] && fused[0] ? "; " : "", fused);
    put_rest(out, both, rest);
}

/* Steps that belong to no row, such as one update of all weights. */
static void put_unowned(FILE *out, const struct timing *t, const struct timing_step *step, int name_width, int rest)
{
    char name[32], number[RUN_TEXT];
    snprintf(name, sizeof name, "(%s, all)", phase_name(step->phase));
    put_name(out, name, name_width);
    int column = step->phase == PHASE_UPDATE ? 2 : step->phase == PHASE_BACKWARD ? 1 : 0;
    for (int c = 0; c < 3; c++)
        put_ms(out, c == column ? step->ms : (double)NAN, c);
    fprintf(out, " %*s %*s", widths[3], run_text_number(100 * step->ms / timing_step_ms(t), 1, number), widths[4], "-");
    put_rest(out, step->impl, rest);
}

static void put_totals(FILE *out, const struct timing *t)
{
    char ms[RUN_TEXT], share[RUN_TEXT];
    double total = timing_step_ms(t);
    fprintf(out, "\n%-10s %10s %7s\n", "phase", "ms/step", "share");
    for (int p = 0; p < PHASE_COUNT; p++) {
        double phase = timing_phase_ms(t, (enum phase)p);
        fprintf(out, "%-10s %10s %6s%%\n", phase_name((enum phase)p), run_text_number(phase, 3, ms),
                run_text_number(100 * phase / total, 1, share));
    }
    fprintf(out, "%-10s %10s", "step", run_text_number(total, 3, ms));
    if (isfinite(t->images_per_step) && total > 0)
        fprintf(out, "          %.0f images/s", t->images_per_step / total * 1000);
    fprintf(out, "\nevaluation %10s per batch\n", run_text_number(t->eval_batch_ms, 3, ms));
}

/* width 0: nothing is cut. */
static void put_table(FILE *out, const struct timing *t, int width)
{
    int name_width = NAME_MIN;
    for (int i = 0; i < t->n_rows; i++)
        name_width = (int)strlen(t->rows[i].name) > name_width ? (int)strlen(t->rows[i].name) : name_width;
    if (width && name_width > NAME_MAX_WIDTH)
        name_width = NAME_MAX_WIDTH;
    int rest = width ? width - name_width - NUMBERS_WIDTH - 2 : WHOLE;
    char images[RUN_TEXT];
    fprintf(out, "%s, %s, %d thread%s: means of %llu steps of %s images, in milliseconds\n\n", t->family, t->precision,
            t->threads, t->threads == 1 ? "" : "s", (unsigned long long)t->train_steps,
            run_text_number(t->images_per_step, 0, images));
    static const char *const heads[5] = {"forward", "backward", "update", "share", "GFLOP/s"};
    fprintf(out, "%-*s", name_width, "row");
    for (int c = 0; c < 5; c++)
        fprintf(out, " %*s", widths[c], heads[c]);
    fprintf(out, "  implementation\n");
    for (int i = 0; i < t->n_rows; i++)
        put_row(out, t, i, name_width, rest);
    for (int i = 0; i < t->n_steps; i++)
        if (t->steps[i].n_rows == 0)
            put_unowned(out, t, &t->steps[i], name_width, rest);
    put_totals(out, t);
}

static int write_timing(const char *run, int json, const char *path)
{
    struct error err = {""};
    struct timing timing;
    char *source, *text = NULL;
    size_t size = 0;
    if (load(run, &timing, &source, &err) < 0)
        return command_fail("%s", err.text);
    int rc = 0;
    if (json) {
        rc = run_output(path, source, strlen(source), &err);
    } else {
        FILE *out = open_memstream(&text, &size);
        if (out != NULL)
            put_table(out, &timing, !path && isatty(STDOUT_FILENO) ? columns_width(stdout) : 0);
        if (out == NULL || fclose(out) != 0)
            rc = error_set(&err, "out of memory");
        if (rc == 0)
            rc = run_output(path, text, size, &err);
    }
    free(text);
    free(source);
    timing_release(&timing);
    return rc == 0 ? EXIT_OK : command_fail("%s", err.text);
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
        if (taken > 0) {
            *(strcmp(flag, "-o") == 0 ? &path : &format) = value;
            continue;
        }
        if (word[0] == '-' || which != NULL)
            return command_unknown(&command_timing, word);
        which = word;
    }
    char found[8];
    const char *given = format;
    format = figure_output_format(given, path, FORMATS, "table", found);
    if (format == NULL)
        return command_usage_error(&command_timing, "--format %s: expected one of " FORMATS, given);
    int json = strcmp(format, "json") == 0, trace = strcmp(format, "trace") == 0;
    if (which == NULL)
        return command_usage_error(&command_timing, "which run? `davidnet runs` lists them, 'last' is the newest");
    if (figure_format_of_name(format) >= 0)
        return timing_page_write(which, (enum figure_format)figure_format_of_name(format), path);
    return trace ? timing_trace_write(which, path) : write_timing(which, json, path);
}

static const struct command_option options[] = {
    {"--format", "FORMAT",
     "table, or json: {\"format\": \"davidnet-timing\", \"version\": 1, ...} as in RUN/timing.json, or trace: some "
     "steps slice by slice, a track for each thread, for chrome://tracing or ui.perfetto.dev, as in RUN/trace.json; "
     "png, svg and pdf are "
     "figures for a report. Without it -o's ending decides",
     FORMATS},
    {"-o", "FILE", "write there instead of to the standard output", "FILE"},
    {0},
};

const struct command command_timing = {
    .name = "timing",
    .summary = "where a run's time went, layer by layer",
    .usage = "usage: davidnet timing RUN [--format table|json|trace|png|svg|pdf] [-o FILE]\n"
             "       davidnet timing diff A B [--format table|csv|json] [-o FILE]\n\n"
             "One line per row of the network: milliseconds per training step forward (with augmentation and loss),\n"
             "backward and in the update, share of the step, GFLOP/s, implementation. A row whose work is done\n"
             "inside another's step is shown as fused; '-' is not measured.\n"
             "Names are cut with ~ to fit a terminal, and whole in a file or a pipe.\n\n"
             "diff: what changed from A to B, in the step, each phase, block and row: signed, in milliseconds and\n"
             "percent, with a 95 % interval; a change within it is called noise, and is grey on a terminal. A and B\n"
             "are runs, or sets of runs as `davidnet compare` takes them (a pattern, a tag, names parted by commas):\n"
             "several runs a side tell what varies from run to run. Rows whose work is shared differently on the\n"
             "two sides are compared together; rows that one side lacks are said.\n",
    .options = options,
    .words = "RUN",
    .run = run,
};
