/* davidnet campaign: runs with a change and without it, in turns, and the verdict. */
#include "engine/json.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/headless.h"
#include "tui/options.h"
#include "tui/progress.h"
#include "tui/verdict_report.h"
#include "views/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct command command_campaign;

struct campaign_options {
    struct recipe_options recipe;
    const char *name, *out, *resume;
    const char *vary[RECIPE_SETS_MAX];
    int n_vary, runs, null, keep, json;
};

/* ---- what is asked ---- */

static int take_option(struct campaign_options *o, const char *flag, const char *text, struct error *err)
{
    char *end;
    if (strcmp(flag, "--json") == 0)
        o->json = 1;
    else if (strcmp(flag, "--null") == 0)
        o->null = 1;
    else if (strcmp(flag, "--keep-checkpoints") == 0)
        o->keep = 1;
    else if (strcmp(flag, "--name") == 0)
        o->name = text;
    else if (strcmp(flag, "--out") == 0)
        o->out = text;
    else if (strcmp(flag, "--vary") == 0) {
        if (o->n_vary == RECIPE_SETS_MAX)
            return error_set(err, "--vary is given more than %d times", RECIPE_SETS_MAX);
        o->vary[o->n_vary++] = text;
    } else {
        long runs = strtol(text, &end, 10);
        if (*text == '\0' || *end != '\0' || runs < 1 || runs > CAMPAIGN_RUNS_MAX)
            return error_set(err, "--runs '%.40s': give a whole number from 1 to %d", text, CAMPAIGN_RUNS_MAX);
        o->runs = (int)runs;
    }
    return 0;
}

/* What is tested, for people: "label_smoothing", "cutout + ema", "momentum=0.85". */
static void describe(const struct campaign_options *o, char *out, size_t size)
{
    const struct recipe_request *request = &o->recipe.request;
    const char *const *tested = request->n_on > 0 ? request->on : request->off;
    int n = o->null || (request->n_on == 0 && o->n_vary > 0) ? 0 : request->n_on > 0 ? request->n_on : request->n_off;
    size_t used = 0;
    snprintf(out, size, CAMPAIGN_NOTHING);
    for (int i = 0; i < n + o->n_vary && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " + " : "", i < n ? tested[i] : o->vary[i - n]);
}

/*
 * Both sides of the request. --on's tricks are tested, and the others' switches are for both sides; without --on, those
 * of --off are, as long as nothing is varied.
 */
static int make_sides(const struct campaign_options *o, struct campaign *c, struct error *err)
{
    const struct recipe_request *asked = &o->recipe.request;
    struct recipe_request with = *asked, without = *asked;
    if (asked->n_on > 0 && !o->null) {
        without.n_on = 0;
        for (int i = 0; i < asked->n_on; i++) {
            if (without.n_off == RECIPE_TRICKS_MAX)
                return error_set(err, "too many tricks are switched");
            without.off[without.n_off++] = asked->on[i];
        }
    } else if (asked->n_off > 0 && o->n_vary == 0 && !o->null) {
        with.n_off = 0;
        for (int i = 0; i < asked->n_off; i++)
            with.on[with.n_on++] = asked->off[i];
    }
    for (int i = 0; i < o->n_vary; i++) {
        if (with.n_sets == RECIPE_SETS_MAX)
            return error_set(err, "more than %d values are set", RECIPE_SETS_MAX);
        with.sets[with.n_sets++] = o->vary[i];
    }
    if (recipe_resolve(&with, &c->side[RUN_WITH], err) || recipe_resolve(&without, &c->side[RUN_WITHOUT], err))
        return -1;
    c->seed = c->side[RUN_WITHOUT].seed;
    c->side[RUN_WITH].seed = c->seed;
    return 0;
}

/* There is one of that name: is it the one that is asked for? Then it goes on. */
static int go_on(const struct campaign *c, const struct campaign *asked, struct error *err)
{
    if (recipe_equal(&c->side[0], &asked->side[0]) && recipe_equal(&c->side[1], &asked->side[1]))
        return 0;
    return error_set(err, "there is a campaign %s in %s already, of other recipes: give this one a --name", c->name,
                     c->parent);
}

/* -1, and *code is EXIT_USAGE where what was asked for is no campaign. */
static int open_asked(const struct campaign_options *o, struct campaign *c, int *code, struct error *err)
{
    struct campaign *asked = calloc(1, sizeof *asked); /* large */
    if (!asked)
        return error_set(err, "out of memory");
    describe(o, asked->what, sizeof asked->what);
    asked->keep_checkpoints = o->keep;
    asked->runs[0] = o->runs;
    snprintf(asked->parent, sizeof asked->parent, "%s", o->out ? o->out : "");
    int rc = make_sides(o, asked, err) || campaign_check(asked, err) ? -1 : 0;
    *code = rc ? EXIT_USAGE : EXIT_FAILED;
    if (rc == 0 && o->name && (run_folder_check_name(o->name, err) || strlen(o->name) >= sizeof asked->name))
        rc = err->text[0] ? -1 : error_set(err, "--name %.80s: too long", o->name);
    if (rc == 0 && o->name)
        snprintf(asked->name, sizeof asked->name, "%s", o->name);
    else if (rc == 0)
        campaign_name(&asked->side[0], asked->what, asked->name);
    int found = rc ? rc : campaign_read(c, asked->parent, asked->name, err);
    if (found == 0)
        rc = go_on(c, asked, err);
    else if (found < 0)
        rc = -1;
    else if (o->runs == 0) {
        *code = EXIT_USAGE;
        rc = error_set(err, "say how many runs a side with --runs N: it is declared beforehand");
    } else {
        *c = *asked;
        rc = campaign_create(c, err);
    }
    free(asked);
    return rc;
}

/* Extended only under the lock: whoever runs it knows how many runs it has. */
static int open_campaign(const struct campaign_options *o, struct campaign *c, int *lock, int *code, struct error *err)
{
    if (o->resume ? campaign_read(c, o->out, o->resume, err) : open_asked(o, c, code, err))
        return -1;
    *code = EXIT_FAILED;
    if (campaign_lock(c, lock, err))
        return -1;
    return o->runs > 0 && o->runs != campaign_planned(c) ? campaign_extend(c, o->runs, err) : 0;
}

/* ---- telling ---- */

struct teller {
    const struct campaign *campaign;
    struct campaign_state state;
    int json, progress;
    struct verdict_spread spread; /* of the runs that there were at the start, of its recipes */
};

static cJSON *event(const char *name, const struct campaign *c)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "event", name);
    cJSON_AddStringToObject(object, "campaign", c->name);
    return object;
}

static void print_event(cJSON *object)
{
    command_print_json(object, 0);
    fflush(stdout);
}

static void watch(void *context, const struct trainer_status *s)
{
    struct teller *t = context;
    char eta[RUN_TEXT], left[RUN_TEXT];
    if (!t->progress || s->steps == 0)
        return;
    int planned = 2 * campaign_planned(t->campaign);
    double others = t->state.seconds_left;
    if (!isnan(others)) /* without this one, which tells for itself */
        others *= t->state.left > 0 ? (t->state.left - 1.0) / t->state.left : 0;
    progress_show("run %d of %d, %s: step %u/%u, %s left; campaign %s", planned - t->state.left + 1, planned,
                  run_side_name(t->state.side), s->step, s->steps, format_seconds(s->eta_seconds, eta, sizeof eta),
                  format_seconds(s->eta_seconds + others, left, sizeof left));
}

static void tell_start(const struct teller *t)
{
    const struct campaign *c = t->campaign;
    char text[VERDICT_TEXT_MAX], summary[256];
    int planned = campaign_planned(c), ended = t->state.ended[0] + t->state.ended[1];
    recipe_summary(&c->side[RUN_WITHOUT], summary, sizeof summary);
    verdict_power_sentence(planned, verdict_level(c->looks), &t->spread, text);
    if (t->json) {
        cJSON *object = event("campaign", c);
        cJSON_AddStringToObject(object, "what", c->what);
        cJSON_AddStringToObject(object, "recipe", summary);
        cJSON_AddNumberToObject(object, "runs", planned);
        cJSON_AddNumberToObject(object, "ended", ended);
        cJSON_AddStringToObject(object, "parent", c->parent);
        cJSON_AddStringToObject(object, "power", text);
        if (c->looks > 1)
            cJSON_AddStringToObject(object, "extended", verdict_looks_sentence(c->looks, text));
        print_event(object);
        return;
    }
    if (campaign_sides_differ(c))
        printf("campaign %s: with %s and without, %d runs a side, in turns\n", c->name, c->what, planned);
    else
        printf("campaign %s: both sides alike, %d runs each, in turns\n", c->name, planned);
    columns_wrap(stdout, summary, 0, 2, columns_width(stdout));
    printf("runs in %s\n", c->parent);
    columns_wrap(stdout, text, 0, 0, columns_width(stdout));
    verdict_looks_sentence(c->looks, text);
    if (text[0] != '\0')
        columns_wrap(stdout, text, 0, 0, columns_width(stdout));
    if (ended > 0)
        printf("%d of %d runs have ended already\n", ended, 2 * planned);
    printf("%9s  %-8s %8s  %-10s %11s %9s  %s\n", "run", "side", "seed", "state", "accuracy %", "trained", "left");
    fflush(stdout);
}

/* One run has ended; t->state is what is left after it. */
static void tell_run(struct teller *t, const struct run_entry *entry)
{
    const struct run_summary *s = &entry->summary;
    const char *state = s->diverged ? "diverged" : s->state;
    int planned = 2 * campaign_planned(t->campaign), ended = t->state.ended[0] + t->state.ended[1];
    char accuracy[RUN_TEXT], trained[RUN_TEXT], left[RUN_TEXT], which[32];
    if (t->json) {
        cJSON *object = event("run", t->campaign);
        cJSON_AddStringToObject(object, "run", entry->folder.path);
        cJSON_AddStringToObject(object, "side", run_side_name(entry->label.side));
        cJSON_AddNumberToObject(object, "number", entry->label.number);
        cJSON_AddNumberToObject(object, "seed", (double)s->seed);
        cJSON_AddStringToObject(object, "state", state);
        json_add_number(object, "test_acc", s->last_acc);
        json_add_number(object, "train_seconds", s->train_seconds);
        json_add_number(object, "noisy", entry->noisy);
        cJSON_AddNumberToObject(object, "ended", ended);
        cJSON_AddNumberToObject(object, "of", planned);
        json_add_number(object, "seconds_left", t->state.seconds_left);
        print_event(object);
        return;
    }
    progress_clear();
    snprintf(which, sizeof which, "%d/%d", ended, planned);
    printf("%9s  %-8s %8lld  %-10s %11s %9s  %s\n", which, run_side_name(entry->label.side), (long long)s->seed, state,
           run_text_number(s->last_acc, 2, accuracy), format_seconds(s->train_seconds, trained, sizeof trained),
           format_seconds(t->state.seconds_left, left, sizeof left));
    fflush(stdout);
}

/* ---- running ---- */

static int train_next(struct teller *t)
{
    const struct campaign *c = t->campaign;
    const struct headless_options how = {.json = t->json, .watch = watch, .context = t};
    struct trainer_options *what = calloc(1, sizeof *what);
    struct run_label label;
    char name[128];
    if (!what)
        return command_fail("out of memory");
    campaign_run_recipe(c, t->state.side, t->state.number, &what->recipe);
    campaign_run_name(c, t->state.side, t->state.number, name);
    campaign_run_label(c, t->state.side, t->state.number, &label);
    what->parent = c->parent;
    what->name = name;
    what->label = &label;
    what->resume = t->state.resume[0] ? t->state.resume : NULL;
    int code = headless_run(what, &how);
    free(what);
    return code;
}

static const struct run_entry *of_place(struct run_entry *const *entries, int count, enum run_side side, int number)
{
    for (int i = 0; i < count; i++)
        if (entries[i]->label.side == side && entries[i]->label.number == number)
            return entries[i];
    return NULL;
}

static void give_back(struct run_entry **entries, int count)
{
    for (int i = 0; i < count; i++)
        run_entry_free(entries[i]);
    free(entries);
}

/* By all runs beside the campaign's, too: a recipe that was trained before is no unknown one. */
static void measure_spread(struct teller *t)
{
    struct run_entry **all;
    int count;
    if (run_set_read_all(t->campaign->parent, &all, &count, NULL))
        count = 0;
    t->spread = campaign_spread(t->campaign, all, count);
    give_back(all, count);
}

/* Runs until all have ended, or one cannot go on. */
static int carry_out(struct teller *t)
{
    struct error err = {""};
    struct run_entry **entries;
    int count, code = EXIT_OK, begun = 0;
    for (;;) {
        enum run_side side = t->state.side;
        int number = t->state.number, left = t->state.left;
        if (campaign_read_runs(t->campaign, &entries, &count, &err))
            return headless_error(t->json, err.text);
        campaign_look(t->campaign, entries, count, &t->state);
        const struct run_entry *last = begun ? of_place(entries, count, side, number) : NULL;
        int ended = last && t->state.left < left;
        if (ended) {
            tell_run(t, last);
            if (campaign_tidy(t->campaign, last, &err))
                code = headless_error(t->json, err.text);
        }
        if (!begun) {
            measure_spread(t);
            tell_start(t);
        }
        int go_on = t->state.left > 0 && (!begun || ended) && (code == EXIT_OK || ended);
        if (!go_on && t->state.left == 0)
            code = verdict_report_campaign(t->campaign, entries, count, t->json);
        give_back(entries, count);
        if (!go_on)
            break;
        begun = 1;
        code = train_next(t);
        if (code > 128) /* a signal: what there is of the run is saved */
            break;
    }
    progress_clear();
    if (t->state.left > 0 && !t->json)
        fprintf(stderr, "davidnet: %d runs are left; go on with: davidnet campaign resume %s\n", t->state.left,
                t->campaign->name);
    return code;
}

static int campaign_run(const struct campaign_options *o)
{
    struct error err = {""};
    struct campaign *c = calloc(1, sizeof *c);
    int lock = -1;
    if (!c)
        return command_fail("out of memory");
    struct teller t = {.campaign = c, .json = o->json};
    t.progress = !o->json && progress_possible() && isatty(STDOUT_FILENO);
    int code = EXIT_FAILED;
    if (open_campaign(o, c, &lock, &code, &err))
        headless_error(o->json, err.text);
    else
        code = carry_out(&t);
    run_folder_unlock(&lock);
    free(c);
    return code;
}

static int check_asked(const struct campaign_options *o)
{
    const struct recipe_request *request = &o->recipe.request;
    int tested = request->n_on > 0 || request->n_off > 0 || o->n_vary > 0;
    if (o->resume && (recipe_options_any(&o->recipe) || o->n_vary || o->null || o->keep || o->name))
        return command_usage_error(&command_campaign, "a campaign that goes on has its recipes: only --runs can grow");
    if (!o->resume && !tested && !o->null)
        return command_usage_error(&command_campaign, "say what to test: --on TRICK, --vary KEY=VALUE, or --null");
    if (o->null && o->n_vary > 0)
        return command_usage_error(&command_campaign, "--null tests nothing: leave --vary out");
    return EXIT_OK;
}

/* 'resume' without a name: says what there is to go on with. */
static int ask_which(const char *parent)
{
    char(*names)[RUN_CAMPAIGN_MAX], text[1024] = "";
    int count;
    size_t used = 0;
    if (campaign_list(parent, &names, &count, NULL))
        count = 0;
    for (int i = 0; i < count && used < sizeof text - RUN_CAMPAIGN_MAX - 8; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "", names[i]);
    free(names);
    return command_usage_error(&command_campaign,
                               count > 0 ? "which campaign? There are %s" : "there is no campaign here yet%s", text);
}

static int run(int argc, char **argv)
{
    struct campaign_options *o = calloc(1, sizeof *o);
    struct error err = {""};
    int code = EXIT_OK, words = 0;
    if (!o)
        return command_fail("out of memory");
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_campaign, argc, argv, &i, &flag, &value);
        if (taken < 0) {
            code = EXIT_USAGE;
            break;
        }
        taken = taken ? (take_option(o, flag, value, &err) ? -1 : 1)
                      : recipe_options_take(&o->recipe, argc, argv, &i, &err);
        if (taken < 0)
            code = command_usage_error(&command_campaign, "%s", err.text);
        else if (!taken && argv[i][0] != '-' && ((words == 0 && strcmp(argv[i], "resume") == 0) || words == 1)) {
            o->resume = argv[i];
            words++;
        } else if (!taken)
            code = command_unknown(&command_campaign, argv[i]);
    }
    if (code == EXIT_OK && words == 1)
        code = ask_which(o->out);
    if (code == EXIT_OK)
        code = check_asked(o);
    if (code == EXIT_OK)
        code = campaign_run(o);
    free(o);
    return code;
}

static const struct command_option options[] = {
    {"--runs", "N", "runs a side in all, declared beforehand; a campaign that there is can be extended to more", NULL},
    {"--vary", "KEY=VALUE", "set a knob on the side `with` alone, instead of a trick or beside it", NULL},
    {"--null", NULL, "both sides the same: how often is noise taken for a gain?", NULL},
    {"--name", "NAME", "the campaign's name (default: preset and trick)", NULL},
    {"--out", "DIR", "parent of its runs ($DAVIDNET_RUNS, else ~/.local/share/davidnet/runs)", "FILE"},
    {"--keep-checkpoints", NULL, "of finished runs, too", NULL},
    {"--json", NULL, "one JSON object a line: campaign, run, verdict, error", NULL},
    {0},
};

const struct command command_campaign = {
    .name = "campaign",
    .summary = "runs with a trick and without, in turns, and the verdict",
    .usage = "usage: davidnet campaign --on TRICK --runs N [OPTION]...\n"
             "       davidnet campaign resume NAME [--runs N]\n\n"
             "Trains the recipe with the trick and without it, N runs a side, interleaved, each with a seed of its\n"
             "own, counted up from --seed; then says with Welch's test whether it is a significant gain, a\n"
             "significant loss, or noise. The tricks of --on are what is tested (without --on: those of --off); all\n"
             "other options apply to both sides.\n\n"
             "SIGINT and SIGTERM stop the run that trains, with a checkpoint; the same command again, or 'resume', "
             "goes\non. `davidnet compare NAME` looks at it meanwhile: an interim view, without a verdict.\n"
             "--runs is always the number of runs a side in all, the ones that there are included: 'resume NAME\n"
             "--runs 20' extends a campaign of 10 by 10 more. That spends some of the error allowance, as below.\n",
    .options = options,
    .takes_recipe = 1,
    .more = "A run that diverges is a miss with the accuracy of guessing, and is never made again. Runs on a busy\n"
            "machine count for accuracy, not for time. Whoever extends a campaign because its verdict was noise gives\n"
            "chance another throw: the first look is tested at 5 %, the second at 2.5 %, the third at 1.25 %, so that\n"
            "the chance of a false alarm over all looks stays below 10 %; the verdict says what is spent.\n",
    .words = "resume",
    .run = run,
};
