/* davidnet compare: what sets of runs say about each other. */
#include "tui/command.h"
#include "tui/verdict_report.h"

#include <stdlib.h>
#include <string.h>

extern const struct command command_compare;

static int tell(const struct run_set *sets, int n, const char *const *names, const char *what, int json)
{
    struct verdict_report *report = calloc(1, sizeof *report);
    int code = EXIT_OK;
    if (!report)
        return command_fail("out of memory");
    report->sets = sets;
    report->n_sets = n;
    report->names = names;
    report->what = what;
    verdict_report_make(report);
    if (json)
        code = command_print_json(verdict_report_json(report), 1);
    else
        verdict_report_print(report);
    free(report);
    return code;
}

static int compare(const char *parent, char *const *words, int n, int json)
{
    struct run_set sets[VERDICT_SETS_MAX] = {{.name = ""}};
    const char *names[VERDICT_SETS_MAX];
    struct error err = {""};
    struct run_entry **all;
    int count, rc = run_set_read_all(parent, &all, &count, &err);
    for (int i = 0; rc == 0 && i < n; i++) {
        rc = run_set_find(&sets[i], words[i], all, count, &err);
        names[i] = words[i];
    }
    int code = rc < 0 ? command_fail("%s", err.text) : tell(sets, n, names, n == 2 ? words[1] : NULL, json);
    for (int i = 0; i < n; i++)
        run_set_release(&sets[i]);
    for (int i = 0; i < count; i++)
        run_entry_free(all[i]);
    free(all);
    return code;
}

/* Both of its sides, as far as it is. Where only its runs are left, they are two sets like any. */
static int look_at_campaign(const char *parent, const char *name, int json)
{
    struct error err = {""};
    struct run_entry **entries = NULL;
    struct campaign *c = calloc(1, sizeof *c); /* large */
    char without[160], with[160];
    int count = 0, code = c ? EXIT_OK : command_fail("out of memory");
    int found = c ? campaign_read(c, parent, name, &err) : -1;
    if (found == 0)
        found = campaign_read_runs(c, &entries, &count, &err);
    if (found == 0) {
        code = verdict_report_campaign(c, entries, count, json);
    } else if (found > 0) {
        snprintf(without, sizeof without, "campaign:%.128s/without", name);
        snprintf(with, sizeof with, "campaign:%.128s/with", name);
        code = compare(parent, (char *const[]){without, with}, 2, json);
    } else if (c) {
        code = command_fail("%s", err.text);
    }
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
    free(c);
    return code;
}

static int run(int argc, char **argv)
{
    char *words[VERDICT_SETS_MAX];
    const char *out = NULL;
    int n = 0, json = 0;
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_compare, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken && value)
            out = value;
        else if (taken)
            json = 1;
        else if (argv[i][0] == '-')
            return command_unknown(&command_compare, argv[i]);
        else if (n == VERDICT_SETS_MAX)
            return command_usage_error(&command_compare, "at most %d sets at once", VERDICT_SETS_MAX);
        else
            words[n++] = argv[i];
    }
    if (n == 1)
        return look_at_campaign(out, strncmp(words[0], "campaign:", 9) == 0 ? words[0] + 9 : words[0], json);
    if (n == 0)
        return command_usage_error(&command_compare, "say which sets of runs: two or more, or one campaign");
    return compare(out, words, n, json);
}

static const struct command_option options[] = {
    {"--out", "DIR", "the folder given to train --out", "FILE"},
    {"--json", NULL, "one JSON object: sets, differences, verdicts", NULL},
    {0},
};

const struct command command_compare = {
    .name = "compare",
    .summary = "what sets of runs say about each other: gain, loss or noise",
    .usage = "usage: davidnet compare A B... [--json] [--out DIR]\n"
             "       davidnet compare CAMPAIGN\n\n"
             "Compares each set of runs with the first one: the knobs that differ, mean, standard deviation and 95 %\n"
             "interval of accuracy and training time, the chance of reaching the target, and the verdict of Welch's\n"
             "test: a significant gain, a significant loss, or noise and how many more runs would settle it.\n\n"
             "A set is a run's name or folder, 'last', a pattern of names ('quick-*'), a tag, a campaign's name, a\n"
             "preset's name or a recipe file (the runs of that recipe), or several of these parted by commas. To say\n"
             "which is meant: run:, name:, tag:, campaign:, preset: or recipe: before it.\n",
    .options = options,
    .more =
        "What counts: runs that went to their end, with the accuracy of their last evaluation. A run that diverged\n"
        "is a miss, with the accuracy of guessing (10 %). Runs that were stopped are left out; so are repetitions:\n"
        "the same recipe with the same seeds is one run. Times are compared only on one machine with one frozen\n"
        "program, and only of quiet runs: not where more than a tenth of the time other guests took over 1 % of\n"
        "the CPU, or other processes took it away more than 10 times a second and thread.\n",
    .words = "RUN",
    .run = run,
};
