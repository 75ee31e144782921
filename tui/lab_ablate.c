/* davidnet lab ablate: what the parts of a training step cost, by leaving them out. */
#include "engine/ablate_study.h"
#include "engine/number.h"
#include "tui/command.h"
#include "tui/figure_output.h"
#include "tui/lab_ablate_figure.h"
#include "tui/options.h"
#include "tui/progress.h"
#include "tui/run_report.h"
#include "tui/stop_signal.h"
#include "tui/version.h"
#include "views/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const struct command lab_ablate;

#define ROUNDS 7

static const int usual_batches[] = {128, 256, 512, 768, 1024};
static const int quick_batches[] = {128, 512};
#define QUICK_ROUNDS 3
#define USUAL(list) list, (int)(sizeof(list) / sizeof(list)[0])

#define FORMATS "table csv json png svg pdf"

struct asked {
    struct recipe_options options;
    const char *presets[ABLATE_PRESETS_MAX];
    int n_presets, n_batches, rounds, quick, only_table;
    int batches[ABLATE_BATCHES_MAX];
    const char *folder, *asked_format, *path;
    char format[8];
};

/* ---- what is asked ---- */

/* "128,512": rising or not, each once. */
static int take_batches(struct asked *a, const char *text, struct error *err)
{
    char word[16];
    a->n_batches = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        int64_t batch = 0;
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), at);
        if (length >= sizeof word || number_parse_int(word, &batch) || batch < 1 || batch > RECIPE_BATCH_MAX)
            return error_set(
                err, "--batches '%.60s': expected whole numbers from 1 to %d with commas between, as in 128,512", text,
                RECIPE_BATCH_MAX);
        for (int i = 0; i < a->n_batches; i++)
            if (a->batches[i] == (int)batch)
                return error_set(err, "--batches '%.60s': %d is there twice", text, (int)batch);
        if (a->n_batches == ABLATE_BATCHES_MAX)
            return error_set(err, "--batches: more than %d", ABLATE_BATCHES_MAX);
        a->batches[a->n_batches++] = (int)batch;
        at += length;
        if (!*at)
            return 0;
    }
}

static int take_preset(struct asked *a, const char *name, struct error *err)
{
    for (int i = 0; i < a->n_presets; i++)
        if (strcmp(a->presets[i], name) == 0)
            return error_set(err, "--preset %.60s is given twice", name);
    if (a->n_presets == ABLATE_PRESETS_MAX)
        return error_set(err, "--preset is given more than %d times", ABLATE_PRESETS_MAX);
    a->presets[a->n_presets++] = name;
    return 0;
}

/* By its name, or by the ending of -o; a picture that cannot go to the terminal is refused before anything runs. */
static int choose_format(struct asked *a, struct error *err)
{
    if (!figure_output_format(a->asked_format, a->path, FORMATS, "table", a->format, err))
        return -1;
    int picture = figure_format_of_name(a->format);
    return picture >= 0 ? figure_output_check((enum figure_format)picture, a->path, err) : 0;
}

static int take_own(struct asked *a, const char *flag, const char *value, struct error *err)
{
    int64_t rounds;
    if (strcmp(flag, "--preset") == 0)
        return take_preset(a, value, err);
    if (strcmp(flag, "--batches") == 0)
        return take_batches(a, value, err);
    if (strcmp(flag, "--format") == 0)
        a->asked_format = value;
    else if (strcmp(flag, "--out") == 0)
        a->folder = value;
    else if (strcmp(flag, "-o") == 0)
        a->path = value;
    else if (strcmp(flag, "--quick") == 0)
        a->quick = 1;
    else if (strcmp(flag, "--table") == 0)
        a->only_table = 1;
    else if (number_parse_int(value, &rounds) || rounds < 1 || rounds > ABLATE_ROUNDS_MAX)
        return error_set(err, "--rounds '%.40s': give a whole number from 1 to %d", value, ABLATE_ROUNDS_MAX);
    else
        a->rounds = (int)rounds;
    return 0;
}

static void set_usual(struct asked *a, const int *batches, int n)
{
    for (int i = 0; i < n; i++)
        a->batches[i] = batches[i];
    a->n_batches = n;
}

/* What was not given. */
static void complete(struct asked *a)
{
    if (a->n_batches == 0 && a->quick)
        set_usual(a, USUAL(quick_batches));
    else if (a->n_batches == 0)
        set_usual(a, USUAL(usual_batches));
    if (a->rounds == 0)
        a->rounds = a->quick ? QUICK_ROUNDS : ROUNDS;
    if (a->n_presets == 0 && !a->options.request.file) {
        a->presets[a->n_presets++] = "batch512-256";
        a->presets[a->n_presets++] = "davidnet-79";
    }
}

/* --table shows what it is told to by preset and batch size; what else there is decides what is measured. */
static int check_table(const struct asked *a, struct error *err)
{
    if (!a->only_table)
        return 0;
    if (a->quick || a->rounds > 0)
        return error_set(err, "--table measures nothing: leave %s out", a->quick ? "--quick" : "--rounds");
    if (recipe_options_any(&a->options))
        return error_set(err, "--table measures nothing: of a recipe's options it takes --preset alone");
    return 0;
}

static int parse(struct asked *a, int argc, char **argv)
{
    struct error err = {""};
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&lab_ablate, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken ? take_own(a, flag, value, &err)
                  : (taken = recipe_options_take(&a->options, argc, argv, &i, &err)) < 0)
            return command_usage_error(&lab_ablate, "%s", err.text);
        if (!taken)
            return command_unknown(&lab_ablate, argv[i]);
    }
    if (a->n_presets > 0 && a->options.request.file)
        return command_usage_error(&lab_ablate, "--preset and --recipe: give the one or the other");
    if (choose_format(a, &err) || check_table(a, &err))
        return command_usage_error(&lab_ablate, "%s", err.text);
    if (!a->only_table)
        complete(a);
    return EXIT_OK;
}

/* ---- carrying it out ---- */

/* On a terminal a line in place; elsewhere one for each round. */
static bool tell(void *context, const struct ablate_progress *p)
{
    char left[RUN_TEXT], line[256];
    int *done = context, last = p->done == p->total;
    *done = p->done;
    format_seconds(p->seconds_left, left, sizeof left);
    if (progress_possible()) {
        snprintf(line, sizeof line, "%s, batch %d, round %d: %s; %d of %d measured, %s left", p->preset, p->batch,
                 p->round + 1, ablate_variant_title(p->variant), p->done, p->total, left);
        command_progress(last ? NULL : line, 0, 0);
    } else if (p->variant == ABLATE_FULL) {
        fprintf(stderr, "%s, batch %d, round %d: %d of %d measured, %s left\n", p->preset, p->batch, p->round + 1,
                p->done, p->total, left);
    }
    return stop_signal_number() != 0;
}

/* Recipes of a->presets, or the one of --recipe; freed by the caller. Their number, or -1. */
static int make_recipes(struct asked *a, struct recipe **recipes, struct error *err)
{
    int n = a->n_presets ? a->n_presets : 1;
    for (int i = 0; i < n; i++) {
        recipes[i] = malloc(sizeof *recipes[i]);
        if (!recipes[i])
            return error_set(err, "out of memory for the recipes");
        a->options.request.preset = a->n_presets ? a->presets[i] : NULL;
        if (recipe_options_resolve(&a->options, recipes[i], err))
            return -1;
    }
    return n;
}

static int measure(struct asked *a, struct recipe *const *recipes, int n_recipes, struct ablate_results *results)
{
    struct error err = {""};
    struct ablate_study study = {.recipes = (const struct recipe *const *)recipes,
                                 .n_recipes = n_recipes,
                                 .n_batches = a->n_batches,
                                 .rounds = a->rounds,
                                 .davidnet = version_number(),
                                 .commit = version_commit()};
    int done = 0;
    memcpy(study.batches, a->batches, sizeof study.batches);
    stop_signal_begin(true);
    int status = ablate_run(&study, results, tell, &done, &err);
    stop_signal_end();
    command_progress(NULL, 0, 0);
    if (status < 0)
        return command_fail("%s", err.text);
    if (status == 0)
        return EXIT_OK;
    fprintf(stderr, "davidnet: stopped; %d of %d measurements are in %s: the same command goes on from there\n", done,
            n_recipes * a->n_batches * a->rounds * ABLATE_VARIANT_COUNT, results->path);
    return 128 + stop_signal_number();
}

static int write_report(const struct asked *a, const struct lab_ablate_report *report, struct error *err)
{
    int picture = figure_format_of_name(a->format);
    if (picture >= 0)
        return lab_ablate_draw(report, (enum figure_format)picture, a->path, err);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int status = out ? 0 : error_set(err, "out of memory");
    if (!status && strcmp(a->format, "csv") == 0)
        lab_ablate_csv(out, report);
    else if (!status && strcmp(a->format, "json") == 0)
        status = lab_ablate_json(out, report, err);
    else if (!status)
        lab_ablate_table(out, report);
    if (out && fclose(out) != 0 && !status)
        status = error_set(err, "out of memory");
    if (!status)
        status = run_output(a->path, text, size, err);
    free(text);
    return status;
}

/* What was asked for, of all that the folder has. */
static int show(const struct asked *a, const struct recipe *const *recipes, const struct ablate_results *results)
{
    struct error err = {""};
    struct lab_ablate_report report = {.results = results};
    const struct ablate_choice choice = {
        .presets = a->n_presets ? a->presets : (const char *[]){recipes[0] ? recipes[0]->preset : NULL},
        .n_presets = a->n_presets ? a->n_presets : recipes[0] != NULL,
        .batches = a->batches,
        .n_batches = a->n_batches};
    struct ablate_summary *list;
    char *command = NULL;
    int status = ablate_summarise_all(results, &choice, &list, &report.count, &err);
    report.list = list;
    if (!status && (command = ablate_command(results, list, report.count, &err)) == NULL)
        status = -1;
    report.command = command;
    if (!status)
        status = write_report(a, &report, &err);
    free(command);
    free(list);
    return status ? command_fail("%s", err.text) : EXIT_OK;
}

static int carry_out(struct asked *a)
{
    struct error err = {""};
    struct recipe *recipes[ABLATE_PRESETS_MAX] = {NULL};
    struct ablate_results results;
    char parent[RUN_PATH_MAX], usual[RUN_PATH_MAX + 16];
    run_folder_default_parent(parent, sizeof parent);
    snprintf(usual, sizeof usual, "%s/lab/ablate", parent);
    const char *folder = a->folder ? a->folder : usual;
    int n = a->only_table ? 0 : make_recipes(a, recipes, &err), code = EXIT_OK;
    if (n < 0)
        code = command_usage_error(&lab_ablate, "%s", err.text);
    else if ((a->only_table ? ablate_results_read : ablate_results_open)(&results, folder, &err))
        code = command_fail("%s", err.text);
    else {
        code = a->only_table ? EXIT_OK : measure(a, recipes, n, &results);
        if (code == EXIT_OK)
            code = show(a, (const struct recipe *const *)recipes, &results);
        ablate_results_release(&results);
    }
    for (int i = 0; i < ABLATE_PRESETS_MAX; i++)
        free(recipes[i]);
    return code;
}

static int run(int argc, char **argv)
{
    struct asked *a = calloc(1, sizeof *a);
    if (!a)
        return command_fail("out of memory");
    int code = parse(a, argc, argv);
    if (code == EXIT_OK)
        code = carry_out(a);
    free(a);
    return code;
}

static const struct command_option options[] = {
    {"--quick", NULL, "batches of 128 and 512 and 3 rounds: a first look", NULL},
    {"--preset", "NAME",
     "take this one's step apart; may be given again (batch512-256, which is dawn18, and davidnet-79)", NULL},
    {"--batches", "LIST", "batch sizes, with commas between (128,256,512,768,1024)", NULL},
    {"--rounds", "N", "how often each is measured (7)", NULL},
    {"--out", "DIR", "the folder of the measurements (lab/ablate in that of the runs)", NULL},
    {"--table", NULL, "show what is measured, all or by --preset and --batches, and measure nothing", NULL},
    {"--format", "FORMAT", "table (the default), csv, json, png, svg or pdf; else by the ending of -o", FORMATS},
    {"-o", "FILE", "write there instead of to the standard output", "FILE"},
    {0},
};

const struct command lab_ablate = {
    .name = "lab ablate",
    .summary = "what the parts of a training step cost, by leaving them out",
    .usage = "usage: davidnet lab ablate [--quick] [OPTION]...\n\n"
             "Times a training step with one part after the other left out: the full step; with one fixed batch of\n"
             "random data, preloaded, instead of loader and augmentation; without the update; also without norm and\n"
             "activation; the backbone, that is convolutions, pools and additions; convolutions only; and beside them\n"
             "the convolutions' operations at the ceiling of this machine. What a part costs is the difference, shown\n"
             "next to what the timers of the program's steps say of it.\n\n"
             "Variants take turns, round after round, and each step follows one of its program. Every measurement\n"
             "is appended to DIR/results.jsonl at once; Ctrl-C keeps them, and the same command goes on. One folder\n"
             "is of one machine, one davidnet and, for each preset, one recipe; others are refused. Averages of\n"
             "weights and evaluation are in no step, and steps of a GPU cannot be left out one by one: --device cpu\n"
             "or ref.\n",
    .options = options,
    .takes_recipe = 1,
    .run = run,
};
