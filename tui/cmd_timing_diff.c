#include "tui/cmd_timing_diff.h"

#include "engine/contention.h"
#include "engine/recipe_differences.h"
#include "engine/run_set.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/figure_output.h"
#include "tui/progress.h"
#include "tui/run_report.h"
#include "tui/timing_diff_page.h"
#include "tui/timing_diff_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct command command_timing;

#define FORMATS "table csv json png svg pdf"

/* One side: the runs that a word says, and their breakdowns. */
struct reading {
    struct run_set set;
    struct timing timing[TIMING_DIFF_RUNS_MAX];
    struct timing_diff_run runs[TIMING_DIFF_RUNS_MAX];
    const struct recipe *recipes[TIMING_DIFF_RUNS_MAX];
    int n;
};

/* Those that never began come last. */
static int by_start(const void *a, const void *b)
{
    double x = (*(struct run_entry *const *)a)->summary.unix_start;
    double y = (*(struct run_entry *const *)b)->summary.unix_start;
    return isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x > y) - (x < y);
}

static int read_side(struct reading *side, const char *word, struct run_entry *const *all, int count, struct error *err)
{
    if (run_set_find(&side->set, word, all, count, err) < 0)
        return -1;
    if (side->set.n_entries > TIMING_DIFF_RUNS_MAX)
        return error_set(err, "'%.80s' is %d runs; at most %d a side are compared", word, side->set.n_entries,
                         TIMING_DIFF_RUNS_MAX);
    qsort(side->set.entries, (size_t)side->set.n_entries, sizeof *side->set.entries, by_start);
    for (; side->n < side->set.n_entries; side->n++) {
        const struct run_entry *entry = side->set.entries[side->n];
        if (timing_read_run(&side->timing[side->n], &entry->folder, err) < 0)
            return -1;
        side->recipes[side->n] = &entry->recipe;
        side->runs[side->n] = (struct timing_diff_run){
            .name = entry->folder.name, .timing = &side->timing[side->n], .contended = entry->noisy > CONTENTION_SHARE};
    }
    return 0;
}

/* A run on both sides would count as its own change. */
static int check_apart(const struct reading sides[2], const char *const words[2], struct error *err)
{
    const struct run_entry *first = NULL;
    int shared = run_sets_shared(&sides[0].set, &sides[1].set, &first);
    if (shared == 0)
        return 0;
    return error_set(err, "run %s is in both '%.80s' and '%.80s'%s: a diff needs sides that share no run",
                     first->folder.name, words[0], words[1], shared > 1 ? ", and others are" : "");
}

static void forget_side(struct reading *side)
{
    for (int r = 0; r < side->n; r++)
        timing_release(&side->timing[r]);
    run_set_release(&side->set);
}

/* A terminal that is said to understand no codes gets none. */
static int can_be_grey(void)
{
    return !display.no_color && progress_codes();
}

/* The text in that format, malloc'ed; width and grey of the table as the terminal has them. */
static char *make_text(const struct timing_diff_report *report, const char *format, int to_terminal, struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    if (strcmp(format, "json") == 0) {
        text = timing_diff_report_json(report);
    } else {
        FILE *out = open_memstream(&text, &size);
        if (out && strcmp(format, "csv") == 0)
            timing_diff_report_csv(report, out);
        else if (out)
            timing_diff_report_table(report, out, to_terminal ? columns_width(stdout) : 0,
                                     to_terminal && can_be_grey());
        if (out && fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    if (!text)
        error_set(err, "out of memory");
    return text;
}

/* A side's first run whose data (or network) is not the same as that of A's first; NULL: there is none. */
static const struct recipe *other_than(const struct recipe *first, const struct reading *side, int network)
{
    for (int r = 0; r < side->n; r++) {
        const struct recipe *recipe = side->recipes[r];
        if (strcmp(network ? first->network : first->data, network ? recipe->network : recipe->data) != 0)
            return recipe;
    }
    return NULL;
}

/* Other data or another network in any of the runs: times of those are of other work. */
static void warn_of_recipes(struct timing_diff *diff, const struct reading sides[2])
{
    const struct recipe *first = sides[0].recipes[0];
    for (int s = 1; s >= 0; s--) { /* what the sides differ by first */
        const struct recipe *other = other_than(first, &sides[s], 0);
        const char *a = first->data[0] ? first->data : "the default";
        if (other) {
            timing_diff_warn(diff, "data sets differ: %.120s in A, %.120s in %s", a,
                             other->data[0] ? other->data : "the default", s ? "B" : "another run of A");
            break;
        }
    }
    if (other_than(first, &sides[0], 1) || other_than(first, &sides[1], 1))
        timing_diff_warn(diff, "networks differ: the times are of other work");
}

/* A side whose runs are not of one recipe (seeds aside) is no set of repeats: each other recipe is said, by the first
 * run that has it. -1: no memory. */
static int warn_of_mixture(struct timing_diff *diff, const struct reading *side, char letter, int *mixed)
{
    char text[200], before[200] = "";
    *mixed = 0;
    for (int r = 1; r < side->n; r++) {
        if (recipe_differences_text(side->recipes[0], side->recipes[r], text, sizeof text) < 0)
            return -1;
        if (text[0] && strcmp(text, before) != 0)
            timing_diff_warn(diff, "the recipes of %c are mixed: from %.40s to %.40s: %s", letter, side->runs[0].name,
                             side->runs[r].name, text);
        *mixed |= text[0] != '\0';
        snprintf(before, sizeof before, "%s", text);
    }
    return 0;
}

static int write_diff(struct reading sides[2], const char *const words[2], unsigned how, const char *format,
                      const char *path, struct error *err)
{
    struct timing_diff diff;
    struct timing_diff_report report = {.diff = &diff, .how = how};
    for (int s = 0; s < 2; s++) {
        report.side[s] = (struct timing_diff_side){sides[s].runs, sides[s].n};
        report.recipes[s] = sides[s].recipes;
        report.words[s] = words[s];
    }
    if (timing_diff_make(&diff, &report.side[0], &report.side[1], how, err) < 0)
        return -1;
    const struct recipe *first[] = {sides[0].recipes[0], sides[1].recipes[0]};
    warn_of_recipes(&diff, sides);
    if (warn_of_mixture(&diff, &sides[0], 'A', &report.mixed[0]) < 0 ||
        warn_of_mixture(&diff, &sides[1], 'B', &report.mixed[1]) < 0 ||
        recipe_differences_text(first[0], first[1], report.differences, sizeof report.differences) < 0) {
        timing_diff_release(&diff);
        return error_set(err, "out of memory");
    }
    int picture = figure_format_of_name(format);
    if (picture >= 0) {
        int drawn = timing_diff_page_write(&report, (enum figure_format)picture, path, err);
        timing_diff_release(&diff);
        return drawn;
    }
    char *text = make_text(&report, format, !path && isatty(STDOUT_FILENO), err);
    int status = text ? run_output(path, text, strlen(text), err) : -1;
    free(text);
    timing_diff_release(&diff);
    return status;
}

static int carry_out(const char *const words[2], unsigned how, const char *format, const char *path)
{
    struct error err = {""};
    struct run_entry **all = NULL;
    int count = 0, status;
    struct reading *sides = calloc(2, sizeof *sides); /* large */
    if (!sides)
        return command_fail("out of memory");
    status = run_set_read_all(NULL, &all, &count, &err);
    for (int s = 0; s < 2 && status == 0; s++)
        status = read_side(&sides[s], words[s], all, count, &err);
    if (status == 0)
        status = check_apart(sides, words, &err);
    if (status == 0)
        status = write_diff(sides, words, how, format, path, &err);
    forget_side(&sides[0]);
    forget_side(&sides[1]);
    for (int i = 0; i < count; i++)
        run_entry_free(all[i]);
    free(all);
    free(sides);
    return status == 0 ? EXIT_OK : command_fail("%s", err.text);
}

int cmd_timing_diff(int argc, char **argv)
{
    const char *format = NULL, *path = NULL, *words[2] = {NULL, NULL};
    int n = 0;
    unsigned how = 0;
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_timing, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken > 0 && strcmp(flag, "--json") == 0)
            format = "json";
        else if (taken > 0 && !value)
            how |= strcmp(flag, "--paired") == 0 ? TIMING_DIFF_PAIRED : TIMING_DIFF_LEAST;
        else if (taken > 0)
            *(strcmp(flag, "-o") == 0 ? &path : &format) = value;
        else if (argv[i][0] == '-' || n == 2)
            return command_unknown(&command_timing, argv[i]);
        else
            words[n++] = argv[i];
    }
    char found[8];
    struct error err = {""};
    format = figure_output_format(format, path, FORMATS, "table", found, &err);
    if (format == NULL)
        return command_usage_error(&command_timing, "diff: %s", err.text);
    if (n < 2)
        return command_usage_error(&command_timing, "diff wants two runs, or sets of runs: davidnet timing diff A B");
    return carry_out(words, how, format, path);
}
