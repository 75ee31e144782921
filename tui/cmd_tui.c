/* davidnet tui: the workbench, on a terminal or off screen. */
#include "engine/dataset.h"
#include "tui/app.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/guide.h"
#include "tui/loop.h"
#include "tui/noise.h"
#include "tui/options.h"
#include "tui/script.h"
#include "tui/stop_signal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct command command_tui;

/* What the command line asks for. */
struct tui_request {
    struct recipe_options recipe;
    const char *run; /* look at this one */
    const char *resume, *out, *name;
};

static const struct command_option options[] = {
    {"--run", "RUN", "look at a run (a folder, a name, or 'last'), read-only; follows it while it trains", "RUN"},
    {"--resume", "RUN", "go on with a run that was stopped; one that is done is shown", "RUN"},
    {"--out", "DIR", "folder for new runs", "FILE"},
    {"--name", "NAME", "the new run's name", NULL},
    {0},
};

/* What would be left out of account, or train for nothing, is refused. */
static int check_request(const struct tui_request *request, struct error *err)
{
    if (request->run && request->resume)
        return error_set(err, "--run looks at a run and --resume goes on with one: give one of them");
    if ((request->run || request->resume) && (request->name || recipe_options_any(&request->recipe)))
        return error_set(err, "%s takes a run as it is: --name and the options that choose a recipe are for a new run",
                         request->run ? "--run" : "--resume");
    if (display.dump && !display.script && !request->run)
        return error_set(err, "--dump alone has nothing to show: give --script FILE too ('-': keys from stdin), or "
                              "--run RUN");
    return display.dump ? script_check_dump(display.dump, err) : 0;
}

/* -1: said. */
static int take_options(int argc, char **argv, struct tui_request *request, struct trainer_options *options, int *code)
{
    for (int i = 1; i < argc; i++) {
        struct error err = {""};
        const char *flag, *value;
        int taken = command_take_option(&command_tui, argc, argv, &i, &flag, &value);
        if (taken > 0)
            *(strcmp(flag, "--run") == 0      ? &request->run
              : strcmp(flag, "--resume") == 0 ? &request->resume
              : strcmp(flag, "--out") == 0    ? &request->out
                                              : &request->name) = value;
        else if (taken < 0)
            *code = EXIT_USAGE;
        else if ((taken = recipe_options_take(&request->recipe, argc, argv, &i, &err)) < 0)
            *code = command_usage_error(&command_tui, "%s", err.text);
        else if (!taken)
            *code = command_unknown(&command_tui, argv[i]);
        if (taken <= 0)
            return -1;
    }
    struct error err = {""};
    struct recipe_request *recipe = &request->recipe.request;
    if (check_request(request, &err)) {
        *code = command_usage_error(&command_tui, "%s", err.text);
        return -1;
    }
    if (!recipe->preset && !recipe->file)
        recipe->preset = WORKBENCH_PRESET;
    if (!request->run && !request->resume && recipe_options_resolve(&request->recipe, &options->recipe, &err)) {
        *code = command_usage_error(&command_tui, "%s", err.text);
        return -1;
    }
    return 0;
}

/* One line about how it ended, for the scrollback. */
static int report(const struct app *app, int code)
{
    const struct trainer_status *status = &app->model.status;
    char command[RECIPE_COMMAND_MAX];
    if (!app->source.ops || !app->source.ops->stop || !*status->run)
        return *status->error ? command_fail("%s", status->error) : code;
    if (status->phase == TRAINER_FAILED)
        return command_fail("%s", status->error);
    printf("%s: %s after step %u of %u", status->run, trainer_phase_name(status->phase), status->step, status->steps);
    if (isfinite(status->best_acc))
        printf(", best test accuracy %.2f %%", status->best_acc);
    printf("\n");
    if (status->phase == TRAINER_STOPPED)
        printf("'davidnet resume %s' goes on from there\n", status->run);
    if (app->queue) {
        recipe_command(&app->queued.recipe, command, sizeof command);
        printf("the queued run was not started; this starts it:\n");
        columns_command(stdout, command, 0, columns_terminal(stdout));
    }
    return code;
}

/* What was put together and not started is not lost without a trace. */
static void report_draft(const struct app *app)
{
    if (!app_only_here(app) || !*app->tricks.command)
        return;
    printf("the recipe on the Tricks screen was not started; this starts it:\n");
    columns_command(stdout, app->tricks.command, 0, columns_terminal(stdout));
}

/* The exit code; -1: it could not be shown. in: the script's keys. */
static int show(struct app *app, FILE *in, struct error *err)
{
    if (display.script || display.dump) {
        struct script_options options = {.file = display.script,
                                         .in = in,
                                         .dump = display.dump,
                                         .w = display.width || display.height ? display.width : 80,
                                         .h = display.width || display.height ? display.height : 24,
                                         .ascii = display.ascii,
                                         .depth = display.no_color ? 0 : 24};
        display.width = display.height = 0; /* it is not that of figures which are exported */
        stop_signal_begin(false);
        return script_run(app, &options, err) ? -1 : EXIT_OK;
    }
    struct term_options options = {.ascii = display.ascii, .no_color = display.no_color, .no_mouse = display.no_mouse};
    guide_show_once(app);
    return loop_run(app, &options, display.delay, err);
}

static int open_source(struct tui_request *request, struct trainer_options *options, struct run_source *source,
                       struct error *err)
{
    if (request->run)
        return run_source_open(source, request->run, err);
    if (request->resume) { /* of a run that is done there is nothing to go on with, but all to look at */
        struct run_folder folder;
        struct run_summary summary;
        if (run_folder_find(&folder, request->resume, err) || run_folder_summary(&folder, &summary, err))
            return -1;
        if (strcmp(summary.state, "done") == 0)
            return run_source_open(source, request->resume, err);
    }
    options->resume = request->resume;
    options->parent = request->out;
    options->name = request->name;
    return run_source_train(source, options, err);
}

static int run(int argc, char **argv)
{
    int code = EXIT_OK, off_screen = display.script || display.dump;
    struct error err = {""};
    struct tui_request *request = calloc(1, sizeof *request);
    struct trainer_options *options = calloc(1, sizeof *options);
    struct app *app = calloc(1, sizeof *app);
    struct run_source source = {0};
    FILE *in = NULL;
    if (!request || !options || !app) {
        code = command_fail("out of memory");
        goto done;
    }
    if (take_options(argc, argv, request, options, &code))
        goto done;
    /* Before a run's folder is made for nothing. */
    if (off_screen ? display.script && !(in = script_open(display.script, &err)) : term_check(&err)) {
        code = command_fail("%s", err.text);
        goto done;
    }
    if (!off_screen)
        noise_begin();
    if (open_source(request, options, &source, &err)) {
        noise_end();
        code = command_fail("%s", err.text);
        goto done;
    }
    if (request->run || request->resume) { /* what is started next is another run with its recipe */
        options->recipe = *source.recipe;
        options->parent = request->out;
        options->name = options->resume = NULL;
    }
    app_init(app, source, options);
    code = show(app, in, &err);
    noise_end();
    if (code < 0)
        code = command_fail("%s", err.text);
    if (app_training(app)) { /* off screen, or without a terminal: the last word comes when it has stopped */
        app->source.ops->stop(app->source.self, TRAINER_STOP_NOW);
        while (app_training(app)) {
            usleep(10000);
            app_update(app);
        }
    }
    if (off_screen && stop_signal_number() && code == EXIT_OK)
        code = 128 + stop_signal_number();
    if (code != EXIT_FAILED && !off_screen) {
        code = report(app, code);
        report_draft(app);
    }
    app_release(app);
done:
    if (in && in != stdin)
        fclose(in);
    free(request);
    free(options);
    free(app);
    return code;
}

const struct command command_tui = {
    .name = "tui",
    .summary = "the workbench: trains and shows it live; what no command means",
    .usage =
        "usage: davidnet [tui] [OPTION]...\n"
        "       davidnet tui --run RUN\n\n"
        "The workbench: trains and shows the run live, on the data set that is found ($DAVIDNET_DATA, ./data, the\n"
        "XDG data folder), or else on synthetic images.\n",
    .options = options,
    .takes_recipe = 1,
    .more = "Off screen: --script FILE plays keys, one a line. Between them may stand ':size WxH', ':dump FILE',\n"
            "':until step N', ':until epoch N', ':until end', ':until fetched', ':until images', ':wait SECONDS',\n"
            "':type TEXT', ':paste TEXT', ':click X Y' and ':wheel up|down X Y'. --size and --dump as in 'davidnet "
            "--help'. SIGINT and SIGTERM stop its run with a checkpoint, and it exits with 130 or 143.\n\n"
            "Libraries' messages on stderr go to RUN/stderr.txt while the workbench is on the screen.\n",
    .run = run,
};
