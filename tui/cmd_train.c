/* `davidnet train` and `davidnet resume`. */
#include "tui/command.h"
#include "tui/headless.h"
#include "tui/options.h"

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

/* One option of train's own; 1 taken, 0 not one, -1 said. */
static int take_option(struct train_options *o, int argc, char **argv, int *i, struct error *err)
{
    static const char *const valued[] = {"--out", "--name", "--init", "--runs", "--stop-after", "--on-finish"};
    const char *option = argv[*i];
    double value;
    if (strcmp(option, "--json") == 0) {
        o->headless.json = 1;
        return 1;
    }
    size_t which = 0, count = sizeof valued / sizeof valued[0];
    while (which < count && strcmp(option, valued[which]) != 0)
        which++;
    if (which == count)
        return recipe_options_take(&o->recipe, argc, argv, i, err);
    if (*i + 1 >= argc)
        return error_set(err, "%s needs a value", option);
    const char *text = argv[++*i];
    switch (which) {
    case 0:
        o->out = text;
        break;
    case 1:
        o->name = text;
        break;
    case 2:
        o->init = text;
        break;
    case 3:
        if (number(text, 1, RUNS_MAX, &value) || value != (int)value)
            return error_set(err, "--runs '%s': give a whole number from 1 to %d", text, RUNS_MAX);
        o->runs = (int)value;
        break;
    case 4:
        if (number(text, 0.001, 1e6, &value))
            return error_set(err, "--stop-after '%s': give a number of epochs above 0", text);
        o->stop_after = value;
        break;
    default:
        o->headless.finish = text;
    }
    return 1;
}

static int train_once(const struct train_options *o, const struct recipe *recipe, const char *name)
{
    struct error err = {""};
    struct trainer_options options = {
        .recipe = *recipe, .parent = o->out, .name = name, .init = o->init, .stop_after = o->stop_after};
    struct trainer *trainer = trainer_start(&options, &err);
    return trainer ? headless_follow(trainer, &o->headless) : headless_error(o->headless.json, err.text);
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
        int taken = take_option(o, argc, argv, &i, &err);
        if (taken < 0)
            code = command_usage_error(&command_train, "%s", err.text);
        else if (!taken)
            code = command_usage_error(&command_train, "'%s' is not an option", argv[i]);
    }
    o->headless.target_counts = recipe_options_gave(&o->recipe, "target");
    if (code == EXIT_OK && recipe_resolve(&o->recipe.request, &recipe, &err)) {
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
        if (strcmp(argv[i], "--json") == 0)
            headless.json = 1;
        else if (argv[i][0] == '-')
            return command_usage_error(&command_resume, "'%s' is not an option", argv[i]);
        else if (options.resume)
            return command_usage_error(&command_resume, "one run at a time");
        else
            options.resume = argv[i];
    }
    if (!options.resume)
        return command_usage_error(&command_resume, "say which run: its name, its folder, or 'last'");
    struct trainer *trainer = trainer_start(&options, &err);
    return trainer ? headless_follow(trainer, &headless) : headless_error(headless.json, err.text);
}

static void train_usage(void)
{
    fputs("usage: davidnet train [OPTION]...\n\n"
          "Trains without a screen: a line an epoch, or JSON. SIGINT and SIGTERM stop it at the next step, with a\n"
          "checkpoint; 'davidnet resume RUN' goes on.\n\n"
          "  --name NAME        the run's name (default: preset and date)\n"
          "  --out DIR          parent of the run's folder\n"
          "  --runs N           N runs, with seeds counted up from --seed\n"
          "  --stop-after N     end with the epoch that reaches N, the schedule as it is (--epochs stretches it)\n"
          "  --init FILE        start from a model.safetensors\n"
          "  --on-finish CMD    shell command at the end; it gets DAVIDNET_RUN and DAVIDNET_ACCURACY\n"
          "  --json             one JSON object a line: start, step, epoch, done, error\n",
          stdout);
    recipe_options_help(stdout);
    fputs("\nexit codes: 0 done, 1 failed, 2 usage, 3 target missed, 130 and 143 stopped by a signal\n", stdout);
}

const struct command command_train = {
    .name = "train",
    .summary = "train a network, without a screen",
    .print_usage = train_usage,
    .run = train_main,
};

const struct command command_resume = {
    .name = "resume",
    .summary = "go on with a run after a stop, a crash or a kill",
    .usage =
        "usage: davidnet resume RUN [--json]\n\n"
        "RUN is a run's name, its folder, or 'last'. Goes back to its newest checkpoint (to the start if there is\n"
        "none), with the same program as before, or refuses and says what differs. The weights at the end are\n"
        "those of a run that was never interrupted.\n",
    .run = resume_main,
};
