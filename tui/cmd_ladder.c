/* davidnet ladder: the published rungs beside what was measured here; trains those that were not. */
#include "engine/json.h"
#include "engine/ladder.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/headless.h"
#include "tui/options.h"
#include "views/format.h"
#include "views/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const struct command command_ladder;

struct ladder_options {
    struct recipe_options recipe;
    const char *out;
    const char *only; /* (optional) the one rung to train */
    int run, json, markdown;
    int refused; /* nothing was trained: what was said is not followed by the table */
};

/* Reads all runs and measures by them. */
static int look(struct ladder *ladder, const char *parent, struct error *err)
{
    struct run_entry **entries;
    int count, rc = run_set_read_all(parent, &entries, &count, err);
    if (rc == 0 && ladder_measure(ladder, entries, count))
        rc = error_set(err, "out of memory for the ladder");
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
    return rc;
}

/* ---- tables ---- */

struct texts {
    char published[3][RUN_TEXT], accuracy[48], seconds[48], speed[RUN_TEXT], runs[RUN_TEXT];
};

static void fill(const struct ladder_rung *rung, struct texts *t)
{
    run_text_number(rung->about.accuracy, 2, t->published[0]);
    if (isnan(rung->about.seconds))
        strcpy(t->published[1], "-");
    else
        snprintf(t->published[1], RUN_TEXT, "%g s", rung->about.seconds);
    if (rung->about.of > 0)
        snprintf(t->published[2], RUN_TEXT, "%d of %d", rung->about.reached, rung->about.of);
    else
        strcpy(t->published[2], "-");
    strcpy(t->runs, "-");
    strcpy(t->accuracy, rung->running ? "training" : rung->unfinished[0] ? "unfinished" : "not measured");
    strcpy(t->seconds, "-");
    strcpy(t->speed, "-");
    if (rung->accuracy.n == 0)
        return;
    double low, high;
    sample_interval(&rung->accuracy, 0.95, &low, &high);
    snprintf(t->runs, sizeof t->runs, "%d", rung->accuracy.n);
    if (isnan(high))
        snprintf(t->accuracy, sizeof t->accuracy, "%.2f", rung->accuracy.mean);
    else
        snprintf(t->accuracy, sizeof t->accuracy, "%.2f +-%.2f", rung->accuracy.mean, high - rung->accuracy.mean);
    if (isnan(rung->seconds))
        return;
    snprintf(t->seconds, sizeof t->seconds, "%.4g s%s", rung->seconds, rung->busy ? " (busy)" : "");
    format_count(round(rung->images_per_second), t->speed, sizeof t->speed);
}

/* The columns for people, and those that a narrow terminal does without, in that order. */
enum { PRESET, EPOCHS, ACCURACY, TIME, REACH, HERE, TRAINED, SPEED, COLUMNS };
static const char *const heads[COLUMNS] = {"preset", "epochs", "%", "time", "reach", "% (runs)", "trained", "images/s"};
static const int left[COLUMNS] = {[PRESET] = 1, [HERE] = 1};
static const int spare[] = {SPEED, REACH, TRAINED, EPOCHS, TIME, ACCURACY};

struct line {
    char cell[COLUMNS][96];
};

static void fill_line(const struct ladder_rung *rung, struct line *line)
{
    struct texts t;
    fill(rung, &t);
    snprintf(line->cell[PRESET], sizeof line->cell[0], "%s", rung->about.name);
    snprintf(line->cell[EPOCHS], sizeof line->cell[0], "%g", rung->epochs);
    snprintf(line->cell[ACCURACY], sizeof line->cell[0], "%s", t.published[0]);
    snprintf(line->cell[TIME], sizeof line->cell[0], "%s", t.published[1]);
    snprintf(line->cell[REACH], sizeof line->cell[0], "%s", t.published[2]);
    snprintf(line->cell[HERE], sizeof line->cell[0], rung->accuracy.n > 0 ? "%s (%s)" : "%s", t.accuracy, t.runs);
    snprintf(line->cell[TRAINED], sizeof line->cell[0], "%s", t.seconds);
    snprintf(line->cell[SPEED], sizeof line->cell[0], "%s", t.speed);
}

/* A column's width is 0 where it is left out. */
static int total_width(const int *widths, int gap)
{
    int total = -gap;
    for (int c = 0; c < COLUMNS; c++)
        total += widths[c] ? widths[c] + gap : 0;
    return total;
}

/* To fit into `width` columns (0: whatever there is), with the blanks between. */
static int fit(int *widths, int width)
{
    int gap = width && total_width(widths, 2) > width ? 1 : 2;
    for (size_t i = 0; width && i < sizeof spare / sizeof *spare && total_width(widths, gap) > width; i++)
        widths[spare[i]] = 0;
    return gap;
}

static void print_cells(const char *const cells[COLUMNS], const int *widths, int gap)
{
    char text[COLUMNS * 100];
    columns_line(text, sizeof text, cells, widths, left, COLUMNS, gap);
    puts(text);
}

static void find_widths(const struct line *lines, int count, int widths[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = text_width(heads[c]);
        for (int i = 0; i < count; i++)
            widths[c] = text_width(lines[i].cell[c]) > widths[c] ? text_width(lines[i].cell[c]) : widths[c];
    }
}

static int print_text(const struct ladder *ladder)
{
    struct line *lines = calloc((size_t)ladder->count + 1, sizeof *lines);
    int widths[COLUMNS], published = 0;
    if (!lines)
        return command_fail("out of memory");
    for (int i = 0; i < ladder->count; i++)
        fill_line(&ladder->rung[i], &lines[i]);
    find_widths(lines, ladder->count, widths);
    int gap = fit(widths, columns_terminal(stdout));
    int at = widths[PRESET] + gap + (widths[EPOCHS] ? widths[EPOCHS] + gap : 0);
    for (int c = ACCURACY; c <= REACH; c++)
        published += widths[c] ? widths[c] + gap : 0;
    printf("%*s%-*s%s\n", at, "", published, published > 9 ? "published" : "", "measured here");
    print_cells(heads, widths, gap);
    for (int i = 0; i < ladder->count; i++) {
        const char *cells[COLUMNS];
        for (int c = 0; c < COLUMNS; c++)
            cells[c] = lines[i].cell[c];
        print_cells(cells, widths, gap);
    }
    free(lines);
    return EXIT_OK;
}

/* For the README: only what is of this machine has its name in the last line. */
static void print_markdown(const struct ladder *ladder)
{
    struct texts t;
    int busy = 0;
    puts("| preset | epochs | batch | published: % | time | reach 94 % | here: runs | % (95 % interval) | trained | "
         "images/s |");
    puts("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (int i = 0; i < ladder->count; i++) {
        const struct ladder_rung *rung = &ladder->rung[i];
        fill(rung, &t);
        busy |= rung->busy;
        printf("| `%s` | %g | %d | %s | %s | %s | %s | %s | %s | %s |\n", rung->about.name, rung->epochs, rung->batch,
               t.published[0], t.published[1], t.published[2], t.runs, t.accuracy, t.seconds, t.speed);
    }
    for (int i = 0; i < ladder->count; i++) {
        int seen = ladder->rung[i].machine[0] == '\0';
        for (int k = 0; k < i; k++)
            seen |= strcmp(ladder->rung[k].machine, ladder->rung[i].machine) == 0;
        const char *colon = strchr(ladder->rung[i].machine, ':'); /* the host's name is nobody's business */
        if (!seen)
            printf("\nMeasured on%s.", colon ? colon + 1 : " a machine that is not known");
    }
    puts(busy ? "\n(busy): other processes took CPU time away from the run.\n" : "");
}

static void print_json(const struct ladder *ladder)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < ladder->count; i++) {
        const struct ladder_rung *rung = &ladder->rung[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "preset", rung->about.name);
        cJSON_AddNumberToObject(o, "rung", rung->about.rung);
        cJSON_AddNumberToObject(o, "epochs", rung->epochs);
        json_add_number(o, "published_accuracy", rung->about.accuracy);
        json_add_number(o, "published_seconds", rung->about.seconds);
        cJSON_AddNumberToObject(o, "runs", rung->accuracy.n);
        json_add_number(o, "accuracy", rung->accuracy.mean);
        json_add_number(o, "accuracy_sd", rung->accuracy.sd);
        cJSON_AddNumberToObject(o, "reached", rung->reached);
        json_add_number(o, "train_seconds", rung->seconds);
        json_add_number(o, "images_per_second", rung->images_per_second);
        cJSON_AddBoolToObject(o, "busy", rung->busy);
        cJSON_AddStringToObject(o, "machine", rung->machine);
        cJSON_AddStringToObject(o, "unfinished", rung->unfinished);
        cJSON_AddItemToArray(list, o);
    }
    command_print_json(list, 1);
}

/* ---- running ---- */

/* The recipe of a rung with the options that choose where it runs. */
static int make_recipe(struct ladder_options *o, const struct ladder *ladder, int i, struct recipe *recipe,
                       struct error *err)
{
    o->recipe.request.preset = ladder->rung[i].about.name;
    if (recipe_options_resolve(&o->recipe, recipe, err))
        return -1;
    if (!forecast_same_family(recipe, &ladder->recipe[i]))
        return error_set(err, "a rung is measured as published: only --data, --device, --threads, --isa and --seed may "
                              "be given");
    if (ladder_on_synthetic(recipe))
        return error_set(err, "the published figures are of CIFAR-10, and runs on synthetic images do not count: get "
                              "it with 'davidnet data fetch', or say where it is with --data FOLDER");
    return 0;
}

static int train_rung(struct ladder_options *o, const struct ladder *ladder, int i)
{
    struct headless_options how = {.json = o->json};
    struct trainer_options *what = calloc(1, sizeof *what); /* large */
    const struct ladder_rung *rung = &ladder->rung[i];
    struct error err = {""};
    int code;
    if (!what)
        return command_fail("out of memory");
    what->parent = o->out;
    what->resume = rung->unfinished[0] ? rung->unfinished : NULL;
    if (make_recipe(o, ladder, i, &what->recipe, &err))
        code = headless_error(o->json, err.text);
    else
        code = headless_run(what, &how);
    free(what);
    return code;
}

/* The rung of --preset; -1: it is none, or it is measured, which was said. */
static int find_only(const struct ladder_options *o, const struct ladder *ladder, int *code)
{
    for (int i = 0; i < ladder->count; i++) {
        if (strcmp(ladder->rung[i].about.name, o->only) != 0)
            continue;
        if (ladder->rung[i].accuracy.n == 0)
            return i;
        fprintf(stderr, "%s is measured already, by %d run%s; for one more: davidnet train --preset %s --seed N\n",
                o->only, ladder->rung[i].accuracy.n, ladder->rung[i].accuracy.n == 1 ? "" : "s", o->only);
        *code = EXIT_OK;
        return -1;
    }
    *code =
        command_usage_error(&command_ladder, "'%.80s' is no rung of the ladder; `davidnet ladder` lists them", o->only);
    return -1;
}

/* From the quickest to the slowest, so that there is something to see soon. A rung that fails does not hold up others.
 */
static int train_missing(struct ladder_options *o, struct ladder *ladder)
{
    struct error err = {""};
    struct recipe *recipe = malloc(sizeof *recipe); /* large */
    int code = EXIT_OK, only = -1, ready = 0;
    if (!recipe || look(ladder, o->out, &err)) {
        code = command_fail("%s", recipe ? err.text : "out of memory");
    } else if (!o->only || (only = find_only(o, ladder, &code)) >= 0) {
        /* What is wrong with the options is wrong for every rung: said once. */
        ready = make_recipe(o, ladder, only >= 0 ? only : 0, recipe, &err) == 0;
        code = ready ? EXIT_OK : headless_error(o->json, err.text);
    }
    free(recipe);
    o->refused = !ready;
    if (!ready)
        return code;
    for (int i = ladder->count - 1; i >= 0; i--) {
        if (only >= 0 && i != only)
            continue;
        if (look(ladder, o->out, &err)) /* again: another process may train another rung */
            return command_fail("%s", err.text);
        if (ladder->rung[i].accuracy.n > 0 || ladder->rung[i].running)
            continue;
        int this_code = train_rung(o, ladder, i);
        if (this_code > 128)
            return this_code;
        code = this_code ? this_code : code;
    }
    return look(ladder, o->out, &err) ? command_fail("%s", err.text) : code;
}

static int run(int argc, char **argv)
{
    struct ladder_options *o = calloc(1, sizeof *o);
    struct ladder ladder;
    struct error err = {""};
    int code = EXIT_OK;
    if (!o)
        return command_fail("out of memory");
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_ladder, argc, argv, &i, &flag, &value);
        if (taken < 0)
            code = EXIT_USAGE;
        else if (taken && value)
            o->out = value;
        else if (taken)
            *(strcmp(flag, "--run") == 0 ? &o->run : strcmp(flag, "--json") == 0 ? &o->json : &o->markdown) = 1;
        else if ((taken = recipe_options_take(&o->recipe, argc, argv, &i, &err)) < 0)
            code = command_usage_error(&command_ladder, "%s", err.text);
        else if (!taken)
            code = command_unknown(&command_ladder, argv[i]);
    }
    if (code == EXIT_OK && recipe_options_any(&o->recipe) && !o->run)
        code = command_usage_error(&command_ladder, "recipe options go with --run");
    if (code == EXIT_OK && o->recipe.request.file)
        code = command_usage_error(&command_ladder, "the ladder has its presets: --preset NAME trains one of them");
    o->only = o->recipe.request.preset;
    if (code == EXIT_OK && ladder_init(&ladder, &err))
        code = command_fail("%s", err.text);
    else if (code == EXIT_OK) {
        if (o->run)
            code = train_missing(o, &ladder);
        else if (look(&ladder, o->out, &err))
            code = command_fail("%s", err.text);
        if (o->json && code == EXIT_OK && !o->run)
            print_json(&ladder);
        else if (o->markdown && !o->refused)
            print_markdown(&ladder);
        else if (!o->json && code <= EXIT_FAILED && !o->refused)
            code = print_text(&ladder) == EXIT_OK ? code : EXIT_FAILED;
        ladder_release(&ladder);
    }
    free(o);
    return code;
}

static const struct command_option options[] = {
    {"--run", NULL, "train the rungs that are not measured yet, the quickest first; goes on after any stop", NULL},
    {"--out", "DIR", "the folder given to train --out", "FILE"},
    {"--markdown", NULL, "a table for a README", NULL},
    {"--json", NULL, "a JSON array; with --run: the runs' events, as of train", NULL},
    {0},
};

const struct command command_ladder = {
    .name = "ladder",
    .summary = "the published rungs beside what was measured here",
    .usage = "usage: davidnet ladder [--run [OPTION]...] [--markdown | --json] [--out DIR]\n\n"
             "Lists the published rungs with what their runs here came to: mean accuracy of the last evaluation with\n"
             "its 95 % interval, training time and images a second, of quiet runs if there are any. Runs on\n"
             "synthetic images do not count. With --run it first trains each rung that has no finished run, one run\n"
             "each, and goes on with those that were stopped; --preset NAME trains that rung alone. --data, --device,\n"
             "--threads, --isa and --seed say how; nothing else may be changed. A narrow terminal has fewer columns\n"
             "than a file or a pipe.\n",
    .options = options,
    .takes_recipe = 1,
    .run = run,
};
