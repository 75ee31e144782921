/* davidnet curves: learning rate, loss and accuracy of runs, for other programs and for reports. */
#include "engine/curve_set.h"
#include "engine/run_set.h"
#include "tui/command.h"
#include "tui/curve_page.h"
#include "tui/figure_output.h"
#include "tui/options.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 256
#define FORMATS "csv json png svg pdf"

extern const struct command command_curves;

/* What was asked for. */
struct request {
    const char *format, *path;
    int mean, each;
    const char *figures_only; /* an option that was given, and is for figures */
    struct curve_page page;
    char *names[RUNS_MAX];
    int count;
};

struct opened {
    struct run_report *reports[RUNS_MAX];
    struct curve_run runs[RUNS_MAX];
    struct curve_origin *origins[RUNS_MAX]; /* of each run; of a schedule the first is the recipe's */
    int n;
};

/* A run that is there already is not opened again. */
static int open_run(struct opened *opened, const char *name, struct error *err)
{
    if (opened->n == RUNS_MAX)
        return error_set(err, "more than %d runs: name fewer", RUNS_MAX);
    struct run_report *report = run_report_open(name, err);
    if (report == NULL)
        return -1;
    for (int i = 0; i < opened->n; i++)
        if (strcmp(opened->reports[i]->folder.path, report->folder.path) == 0) {
            run_report_free(report);
            return 0;
        }
    opened->reports[opened->n] = report;
    opened->runs[opened->n++] = (struct curve_run){{report->folder.name, &report->log, NULL}, &report->recipe};
    return 0;
}

/* Opens what words say that are more than one run's name: engine/run_set.h. */
static int open_set(struct opened *opened, const char *word, struct run_entry *const *all, int count, struct error *err)
{
    struct run_set set;
    int rc = run_set_find(&set, word, all, count, err);
    for (int i = 0; i < set.n_entries && rc == 0; i++)
        if (set.entries[i]->problem[0] == '\0')
            rc = open_run(opened, set.entries[i]->folder.path, err);
    run_set_release(&set);
    return rc;
}

static int open_runs(struct opened *opened, const struct request *request, struct error *err)
{
    struct run_entry **all = NULL;
    struct run_folder folder;
    int count = 0, rc = 0;
    for (int i = 0; i < request->count && rc == 0; i++) {
        const char *word = request->names[i];
        if (strpbrk(word, ":*?[,") == NULL || run_folder_find(&folder, word, NULL) == 0) {
            rc = open_run(opened, word, err);
            continue;
        }
        if (all == NULL)
            rc = run_set_read_all(NULL, &all, &count, err);
        if (rc == 0)
            rc = open_set(opened, word, all, count, err);
    }
    while (count > 0)
        run_entry_free(all[--count]);
    free(all);
    return rc;
}

/* Whose the curves are: of each run; or of the recipe, before any run. */
static int read_origins(struct opened *opened, const struct recipe *recipe, struct error *err)
{
    for (int i = 0; i < opened->n || i == 0; i++) {
        opened->origins[i] = malloc(sizeof *opened->origins[i]);
        if (!opened->origins[i])
            return error_set(err, "out of memory");
        if (i < opened->n)
            curve_origin_init(opened->origins[i], &opened->reports[i]->recipe, &opened->reports[i]->folder);
        else
            curve_origin_init(opened->origins[i], recipe, NULL);
        opened->runs[i].run.origin = opened->origins[i];
    }
    return 0;
}

static int write_text(const struct request *request, const struct opened *opened, const struct curve_set *set,
                      FILE *out, struct error *err)
{
    int json = strcmp(request->format, "json") == 0;
    if (request->count == 0)
        return curve_set_write_schedule(set, opened->origins[0], json, out, err);
    if (request->mean)
        return json ? curve_set_write_json(set, out, err) : curve_set_write_csv(set, out, err);
    struct curves_run runs[RUNS_MAX];
    for (int i = 0; i < opened->n; i++)
        runs[i] = opened->runs[i].run;
    return json ? curves_write_json(runs, opened->n, out, err) : curves_write_csv(runs, opened->n, out, err);
}

static int write_curves(const struct request *request, const struct recipe *recipe)
{
    struct error err = {""};
    struct opened *opened = calloc(1, sizeof *opened);
    struct curve_set set = {NULL, 0, 0};
    char *text = NULL;
    size_t size = 0;
    int drawing = figure_format_of_name(request->format);
    int rc = opened ? 0 : error_set(&err, "out of memory");
    if (rc == 0 && drawing >= 0)
        rc = figure_output_check((enum figure_format)drawing, request->path, &err);
    if (rc == 0)
        rc = open_runs(opened, request, &err);
    if (rc == 0)
        rc = read_origins(opened, recipe, &err);
    if (rc == 0)
        rc = request->count == 0 ? curve_set_schedule(&set, recipe, recipe_name(recipe), &err)
                                 : curve_set_init(&set, opened->runs, opened->n, request->each, &err);
    if (rc == 0 && drawing >= 0) {
        rc = curve_page_write(&request->page, (enum figure_format)drawing, &set, opened->reports, opened->n,
                              request->path, &err);
    } else if (rc == 0) {
        FILE *out = open_memstream(&text, &size);
        rc = out ? write_text(request, opened, &set, out, &err) : error_set(&err, "out of memory");
        if (out != NULL && fclose(out) != 0 && rc == 0)
            rc = error_set(&err, "out of memory");
        if (rc == 0)
            rc = run_output(request->path, text, size, &err);
    }
    free(text);
    curve_set_release(&set);
    for (int i = 0; opened && i < RUNS_MAX; i++)
        free(opened->origins[i]);
    while (opened && opened->n > 0)
        run_report_free(opened->reports[--opened->n]);
    free(opened);
    return rc == 0 ? EXIT_OK : command_fail("%s", err.text);
}

/* An option of the command's own; 0, or -1 with err. */
static int take(struct request *request, const char *flag, const char *value, struct error *err)
{
    static const char *const figures_only[] = {"--each", "--log", "--scale", "--title", "--band"};
    for (size_t i = 0; i < sizeof figures_only / sizeof *figures_only; i++)
        if (strcmp(flag, figures_only[i]) == 0)
            request->figures_only = figures_only[i];
    if (strcmp(flag, "-o") == 0) {
        request->path = value;
    } else if (strcmp(flag, "--format") == 0) {
        request->format = value;
    } else if (strcmp(flag, "--json") == 0) {
        request->format = "json";
    } else if (strcmp(flag, "--mean") == 0) {
        request->mean = 1;
    } else if (strcmp(flag, "--each") == 0) {
        request->each = 1;
    } else if (strcmp(flag, "--log") == 0) {
        request->page.log_axes = 1;
    } else if (strcmp(flag, "--scale") == 0) {
        return figure_output_scale(value, &request->page.scale, err);
    } else if (strcmp(flag, "--title") == 0) {
        request->page.title = value;
    } else {
        static const char *const bands[] = {"range", "sd", "none"};
        for (int i = 0; i < 3; i++)
            if (strcmp(value, bands[i]) == 0) {
                request->page.band = (enum figure_curves_band)i;
                return 0;
            }
        return error_set(err, "--band %s: expected range, sd or none", value);
    }
    return 0;
}

static int check(struct request *request, int recipe, char format[8])
{
    struct error err = {""};
    request->format = figure_output_format(request->format, request->path, FORMATS, "csv", format, &err);
    if (request->format == NULL)
        return command_usage_error(&command_curves, "%s", err.text);
    int drawing = figure_format_of_name(request->format) >= 0;
    if (request->count == 0 && !recipe)
        return command_usage_error(&command_curves, "which run? `davidnet runs` lists them, 'last' is the newest");
    if (request->count > 0 && recipe)
        return command_usage_error(&command_curves, "either runs, or a recipe whose schedule is wanted");
    if (request->mean && request->each)
        return command_usage_error(&command_curves, "--mean and --each exclude each other");
    if (request->figures_only && !drawing)
        return command_usage_error(&command_curves, "%s is for figures (--format png, svg or pdf), not for %s",
                                   request->figures_only, request->format);
    if (request->mean && drawing)
        return command_usage_error(&command_curves, "--mean is for csv and json: figures draw the mean of runs of one "
                                                    "recipe by themselves (--each: a curve for every run)");
    if (request->mean && request->count == 0)
        return command_usage_error(&command_curves, "--mean: of which runs?");
    return EXIT_OK;
}

static int run_with(struct request *request, struct recipe_options *recipe_options, struct recipe *recipe, int argc,
                    char **argv)
{
    struct error err = {""};
    char format[8];
    int code = EXIT_OK;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        const char *flag, *value, *word = argv[i];
        int taken = command_take_option(&command_curves, argc, argv, &i, &flag, &value);
        if (taken < 0) {
            code = EXIT_USAGE;
        } else if (taken > 0) {
            if (take(request, flag, value, &err) < 0)
                code = command_usage_error(&command_curves, "%s", err.text);
        } else if ((taken = recipe_options_take(recipe_options, argc, argv, &i, &err)) != 0) {
            if (taken < 0)
                code = command_usage_error(&command_curves, "%s", err.text);
        } else if (word[0] == '-') {
            code = command_unknown(&command_curves, word);
        } else if (request->count == RUNS_MAX) {
            code = command_usage_error(&command_curves, "at most %d runs at a time", RUNS_MAX);
        } else {
            request->names[request->count++] = argv[i];
        }
    }
    if (code == EXIT_OK)
        code = check(request, recipe_options_any(recipe_options), format);
    if (code == EXIT_OK && request->count == 0 && recipe_options_resolve(recipe_options, recipe, &err) < 0)
        code = command_usage_error(&command_curves, "%s", err.text);
    return code == EXIT_OK ? write_curves(request, recipe) : code;
}

static int run(int argc, char **argv)
{
    struct request *request = calloc(1, sizeof *request);
    struct recipe_options *recipe_options = calloc(1, sizeof *recipe_options);
    struct recipe *recipe = calloc(1, sizeof *recipe);
    int code = request && recipe_options && recipe ? run_with(request, recipe_options, recipe, argc, argv)
                                                   : command_fail("out of memory");
    free(request);
    free(recipe_options);
    free(recipe);
    return code;
}

static const struct command_option options[] = {
    {"--format", "FORMAT", "csv (the default), json, png, svg or pdf; without it -o's ending decides", FORMATS},
    {"-o", "FILE", "write there, and print its name, instead of to the standard output", "FILE"},
    {"--json", NULL, "for short: --format json", NULL},
    {"--mean", NULL, "csv and json: the mean and spread of runs of one recipe, by epoch", NULL},
    {"--each", NULL, "figures: a curve for every run, in place of the mean of those of one recipe", NULL},
    {"--band", "KIND", "figures: the spread about a mean: range (least to greatest, the default), sd or none",
     "range sd none"},
    {"--log", NULL, "figures: logarithms of the loss and of what the accuracy lacks to 100 %", NULL},
    {"--title", "TEXT", "figures: in place of the title that says what is drawn", NULL},
    {"--scale", "N", "png: pixels a point, 2 (144 an inch); --size WxH is the page in points", NULL},
    {0},
};

const struct command command_curves = {
    .name = "curves",
    .summary = "learning rate, loss and accuracy as CSV, JSON or a figure",
    .usage = "usage: davidnet curves RUNS... [--format csv|json|png|svg|pdf] [-o FILE]\n"
             "       davidnet curves --preset NAME (or other recipe options): before any run\n\n"
             "RUNS are runs' names, or as for compare: a pattern ('quick-*'), tag:TAG, campaign:NAME/with, preset:NAME "
             "...\n\n"
             "png, svg and pdf are figures for a report: learning rate (what is still to come of a run dotted), loss "
             "and accuracy with the target. Runs of the same recipe that differ in seeds alone are drawn as their mean "
             "with a band, unless --each is given. A cross at the foot is where a run diverged.\n\n"
             "csv and json have every step and epoch of the runs: learning rate, loss, accuracy (percent), clocks "
             "(seconds). csv has the columns run, kind (step or epoch), step, epoch, lr, train_loss, train_acc, "
             "test_loss, test_acc, train_seconds and wall_seconds, empty where nothing was measured; json is "
             "{\"format\": \"davidnet-curves\", \"version\": 1, \"runs\": [...]}, with the columns as arrays. With "
             "--mean, csv has curve, runs, epoch, quantity, n, mean, sd, min and max, and json the same as arrays "
             "(\"davidnet-curves-mean\"). Of a schedule, csv has curve, epoch and lr. All of them say whose the curves "
             "are: recipe, seed, commit, device, the command that trains such a run again ...: json as members of each "
             "run, csv in lines of the kind (or quantity) meta before the numbers, in the columns name and value.\n",
    .options = options,
    .takes_recipe = 1,
    .words = "RUN",
    .run = run,
};
