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

/* All runs under parent, and the sets that the words say. */
struct reading {
    struct run_entry **all;
    int count, n;
    struct run_set sets[VERDICT_SETS_MAX];
};

static void forget(struct reading *r)
{
    for (int i = 0; i < r->n; i++)
        run_set_release(&r->sets[i]);
    for (int i = 0; i < r->count; i++)
        run_entry_free(r->all[i]);
    free(r->all);
    free(r);
}

/* A set of one run is called by its name, whatever was said: "last", a path. */
static const char *set_name(const struct run_set *set, const char *word)
{
    return set->n_entries == 1 ? set->entries[0]->folder.name : word;
}

static int compare(struct reading *r, char *const *words, int n, int json)
{
    const char *names[VERDICT_SETS_MAX];
    struct error err = {""};
    int rc = 0;
    for (r->n = 0; rc == 0 && r->n < n; r->n++) {
        rc = run_set_find(&r->sets[r->n], words[r->n], r->all, r->count, &err);
        names[r->n] = rc == 0 ? set_name(&r->sets[r->n], words[r->n]) : words[r->n];
    }
    if (rc < 0)
        return command_fail("%s", err.text);
    return tell(r->sets, n, names, n == 2 ? names[1] : NULL, json);
}

/* One word that no campaign's folder is called: its runs may be left, or it is something else. none: it can be
 * nothing else, and this is why there is none. */
static int look_at_one(struct reading *r, const char *word, const struct error *none, int json)
{
    char without[160], with[160];
    struct error err = {""};
    snprintf(without, sizeof without, "campaign:%.128s/without", word);
    snprintf(with, sizeof with, "campaign:%.128s/with", word);
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->all[i]->label.campaign, word) == 0)
            return compare(r, (char *const[]){without, with}, 2, json);
    if (none)
        return command_fail("%s", none->text);
    if (run_set_find(&r->sets[0], word, r->all, r->count, &err) < 0)
        return command_fail("%s", err.text);
    r->n = 1;
    return command_usage_error(&command_compare,
                               "'%.80s' is one set of runs (%d), and no campaign: say what it is compared with",
                               set_name(&r->sets[0], word), r->sets[0].n_entries);
}

/* Both of its sides, as far as it is; 1 with err: there is no such campaign. *code: what the command returns. */
static int look_at_campaign(const char *parent, const char *name, int json, int *code, struct error *err)
{
    struct run_entry **entries = NULL;
    struct campaign *c = calloc(1, sizeof *c); /* large */
    int count = 0, found = c ? 0 : error_set(err, "out of memory");
    if (found == 0) /* a path, a pattern: no campaign is called so */
        found = run_folder_check_name(name, err) ? 1 : campaign_read(c, parent, name, err);
    if (found == 0)
        found = campaign_read_runs(c, &entries, &count, err);
    if (found == 0)
        *code = verdict_report_campaign(c, entries, count, json);
    else if (found < 0)
        *code = command_fail("%s", err->text);
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
    free(c);
    return found > 0;
}

static int carry_out(const char *parent, char *const *words, int n, int json)
{
    struct error err = {""};
    int code = EXIT_OK, skip = strncmp(words[0], "campaign:", 9) == 0 ? 9 : 0;
    if (n == 1 && !look_at_campaign(parent, words[0] + skip, json, &code, &err))
        return code;
    struct error none = err;
    struct reading *r = calloc(1, sizeof *r);
    if (!r)
        return command_fail("out of memory");
    if (run_set_read_all(parent, &r->all, &r->count, &err))
        code = command_fail("%s", err.text);
    else
        code = n == 1 ? look_at_one(r, words[0] + skip, skip ? &none : NULL, json) : compare(r, words, n, json);
    forget(r);
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
    if (n == 0)
        return command_usage_error(&command_compare, "say which sets of runs: two or more, or one campaign");
    return carry_out(out, words, n, json);
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
