/* `davidnet train` and `davidnet resume`. */
#include "tui/command.h"
#include "tui/headless.h"
#include "tui/options.h"
#include "tui/run_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct command command_train, command_resume;

#define RUNS_MAX 10000

struct train_options {
    struct recipe_options recipe;
    struct headless_options headless;
    const char *out, *name, *init;
    int runs;
    double stop_after;
};

static int number(const char *text, double min, double max, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return *text && !*end && *value >= min && *value <= max ? 0 : -1;
}

/* One option of train's own; -1 with err. */
static int take_option(struct train_options *o, const char *flag, const char *text, struct error *err)
{
    const struct {
        const char *flag, **value;
    } texts[] = {{"--out", &o->out}, {"--name", &o->name}, {"--init", &o->init}, {"--on-finish", &o->headless.finish}};
    double value;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        if (strcmp(flag, texts[k].flag) == 0)
            *texts[k].value = text;
    if (strcmp(flag, "--json") == 0)
        o->headless.json = 1;
    if (strcmp(flag, "--runs") == 0) {
        if (number(text, 1, RUNS_MAX, &value) || value != (int)value)
            return error_set(err, "--runs '%s': give a whole number from 1 to %d", text, RUNS_MAX);
        o->runs = (int)value;
    }
    if (strcmp(flag, "--stop-after") == 0 && number(text, 0.001, 1e6, &o->stop_after))
        return error_set(err, "--stop-after '%s': give a number of epochs above 0", text);
    return 0;
}

static const struct command_option train_own[] = {
    {"--name", "NAME", "the run's name (default: the recipe's, its preset or file, and the date)", NULL},
    {"--out", "DIR", "parent of the run's folder ($DAVIDNET_RUNS, else ~/.local/share/davidnet/runs)", "FILE"},
    {"--runs", "N", "N runs, with seeds counted up from --seed", NULL},
    {"--stop-after", "N",
     "stop after N epochs (0.5: half-way through the first), with a checkpoint, the schedule as it is (--epochs "
     "stretches it)",
     NULL},
    {"--init", "FILE", "start from a model.safetensors", "FILE"},
    {"--on-finish", "COMMAND",
     "shell command when a run has ended, in whatever way; it gets DAVIDNET_RUN (its folder; empty where it never "
     "began), DAVIDNET_STATE (done, "
     "stopped or failed) and DAVIDNET_ACCURACY (percent; empty where none was measured)",
     NULL},
    {"--json", NULL, "one JSON object a line: start, step, epoch, note, done, error", NULL},
    {0},
};

static int train_once(const struct train_options *o, const struct recipe *recipe, const char *name)
{
    struct trainer_options options = {
        .recipe = *recipe, .parent = o->out, .name = name, .init = o->init, .stop_after = o->stop_after};
    return headless_run(&options, &o->headless);
}

static int train_main(int argc, char **argv)
{
    struct train_options *o = calloc(1, sizeof *o);
    struct recipe recipe;
    struct error err = {""};
    char name[128];
    if (!o)
        return command_fail("out of memory");
    o->runs = 1;
    int code = EXIT_OK;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_train, argc, argv, &i, &flag, &value);
        if (taken < 0) {
            code = EXIT_USAGE;
            break;
        }
        taken = taken ? (take_option(o, flag, value, &err) ? -1 : 1)
                      : recipe_options_take(&o->recipe, argc, argv, &i, &err);
        if (taken < 0)
            code = command_usage_error(&command_train, "%s", err.text);
        else if (!taken)
            code = command_unknown(&command_train, argv[i]);
    }
    o->headless.target_counts = recipe_options_gave(&o->recipe, "target");
    if (code == EXIT_OK && recipe_options_resolve(&o->recipe, &recipe, &err)) {
        headless_error(o->headless.json, err.text);
        code = EXIT_USAGE;
    }
    for (int run = 0; run < o->runs && (code == EXIT_OK || code == EXIT_TARGET_MISSED); run++) {
        struct recipe one = recipe;
        one.seed += run;
        if (o->name && o->runs > 1)
            snprintf(name, sizeof name, "%.100s-%d", o->name, run + 1);
        int this_code = train_once(o, &one, o->name ? (o->runs > 1 ? name : o->name) : NULL);
        if (this_code != EXIT_OK)
            code = this_code;
    }
    free(o);
    return code;
}

static int resume_main(int argc, char **argv)
{
    struct headless_options headless = {0};
    struct trainer_options options = {0};
    struct error err = {""};
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_resume, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken && strcmp(flag, "--data") == 0)
            options.data = value;
        else if (taken && value)
            headless.finish = value;
        else if (taken)
            headless.json = 1;
        else if (argv[i][0] == '-')
            return command_unknown(&command_resume, argv[i]);
        else if (options.resume)
            return command_usage_error(&command_resume, "one run at a time");
        else
            options.resume = argv[i];
    }
    if (!options.resume)
        return command_usage_error(&command_resume, "say which run: its name, its folder, or 'last'");
    struct run_report *report = run_report_open(options.resume, &err);
    if (!report)
        return headless_error(headless.json, err.text);
    int finished = strcmp(report->summary.state, "done") == 0;
    if (finished)
        headless_finished(report, headless.json);
    for (size_t i = 0; i < run_log_length(&report->log); i++)
        if (run_log_at(&report->log, i)->kind == RECORD_EPOCH)
            headless.told = run_log_at(&report->log, i)->step;
    run_report_free(report);
    if (finished)
        return EXIT_OK;
    return headless_run(&options, &headless);
}

static const struct command_option resume_own[] = {
    {"--data", "SOURCE", "where the run's data is now, if it was moved; it must be the same, byte for byte", "FILE"},
    {"--on-finish", "COMMAND", "as for train", NULL},
    {"--json", NULL, "one JSON object a line, as for train", NULL},
    {0},
};

const struct command command_train = {
    .name = "train",
    .summary = "train a network, without a screen",
    .usage = "usage: davidnet train [OPTION]...\n\n"
             "Trains without a screen: a line an epoch, or JSON. SIGINT and SIGTERM stop it at the next step, with a\n"
             "checkpoint; 'davidnet resume RUN' goes on.\n",
    .options = train_own,
    .takes_recipe = 1,
    .more = "Three clocks, in seconds: train_seconds is training alone (forward, backward, update and augmentation,\n"
            "no evaluation): DAWNBench's clock, in which the time to --target is told; speedrun_seconds is that and\n"
            "the last evaluation: what a run costs that evaluates once, at its end; wall_seconds is everything since\n"
            "the start, making the program ready included ('davidnet show' tells how long that took).\n\n"
            "Exit codes: 0 done, 1 failed, 2 usage, 3 the --target that was given is missed, 130 and 143 stopped by a\n"
            "signal.\n",
    .run = train_main,
};

const struct command command_resume = {
    .name = "resume",
    .summary = "go on with a run after a stop, a crash or a kill",
    .usage =
        "usage: davidnet resume RUN [OPTION]...\n\n"
        "RUN is a run's name, its folder, or 'last'. Goes back to its newest checkpoint (to the start if there is\n"
        "none), with the same program and recipe as before, or refuses and says what differs. The weights at the\n"
        "end are those of a run that was never interrupted. Of a run that is done it says so, and leaves it as it\n"
        "is.\n",
    .options = resume_own,
    .words = "RUN",
    .run = resume_main,
};
