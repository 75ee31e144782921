/* davidnet tui: the workbench, on a terminal or off screen. */
#include "engine/dataset.h"
#include "tui/app.h"
#include "tui/command.h"
#include "tui/guide.h"
#include "tui/loop.h"
#include "tui/noise.h"
#include "tui/options.h"
#include "tui/script.h"

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

static void print_usage(void)
{
    fputs("usage: davidnet [tui] [OPTION]...\n"
          "       davidnet tui --run RUN\n\n"
          "The workbench: trains and shows the run live. Without options it trains the preset 'quick' on the data set\n"
          "that is found ($DAVIDNET_DATA, ./data, the XDG data folder), or else on synthetic images.\n\n"
          "  --run RUN       look at a run (a folder, a name, or 'last'), read-only; follows it while it trains\n"
          "  --resume RUN    go on with a run that was stopped\n"
          "  --out DIR       folder for new runs\n"
          "  --name NAME     the new run's name\n\n",
          stdout);
    recipe_options_help(stdout);
    fputs(
        "\nOff screen: --script FILE plays keys, one a line. Between them may stand ':size WxH', ':dump FILE',\n"
        "':until step N', ':until epoch N', ':until end', ':wait SECONDS', ':type TEXT', ':paste TEXT', ':click X Y'\n"
        "and ':wheel up|down X Y'. --size and --dump as in 'davidnet --help'.\n",
        stdout);
}

/* -1: said. */
static int take_options(int argc, char **argv, struct tui_request *request, struct trainer_options *options, int *code)
{
    for (int i = 1; i < argc; i++) {
        struct error err = {""};
        const struct {
            const char *flag, **value;
        } own[] = {{"--run", &request->run},
                   {"--resume", &request->resume},
                   {"--out", &request->out},
                   {"--name", &request->name}};
        int taken = 0;
        for (size_t k = 0; k < sizeof own / sizeof *own && !taken; k++) {
            if (strcmp(argv[i], own[k].flag) != 0)
                continue;
            if (i + 1 >= argc) {
                *code = command_usage_error(&command_tui, "%s needs a value", argv[i]);
                return -1;
            }
            *own[k].value = argv[++i];
            taken = 1;
        }
        if (!taken)
            taken = recipe_options_take(&request->recipe, argc, argv, &i, &err);
        if (taken <= 0) {
            *code = taken < 0 ? command_usage_error(&command_tui, "%s", err.text)
                              : command_usage_error(&command_tui, "unexpected '%s'", argv[i]);
            return -1;
        }
    }
    struct error err = {""};
    struct recipe_request *recipe = &request->recipe.request;
    if (!recipe->preset && !recipe->file)
        recipe->preset = "quick";
    if (!request->run && !request->resume && recipe_resolve(recipe, &options->recipe, &err)) {
        *code = command_usage_error(&command_tui, "%s", err.text);
        return -1;
    }
    return 0;
}

/* One line about how it ended, for the scrollback. */
static int report(const struct app *app, int code)
{
    const struct trainer_status *status = &app->model.status;
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
    return code;
}

/* The exit code; -1: it could not be shown. */
static int show(struct app *app, struct error *err)
{
    if (display.script || display.dump) {
        struct script_options options = {.file = display.script,
                                         .dump = display.dump,
                                         .w = display.width || display.height ? display.width : 80,
                                         .h = display.width || display.height ? display.height : 24,
                                         .ascii = display.ascii,
                                         .depth = display.no_color ? 0 : 24};
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
    if (!request || !options || !app) {
        code = command_fail("out of memory");
        goto done;
    }
    if (take_options(argc, argv, request, options, &code))
        goto done;
    if (!off_screen && term_check(&err)) { /* before a run's folder is made for nothing */
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
    app_init(app, source, request->run || request->resume ? NULL : options);
    code = show(app, &err);
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
    if (code != EXIT_FAILED && !off_screen)
        code = report(app, code);
    app_release(app);
done:
    free(request);
    free(options);
    free(app);
    return code;
}

const struct command command_tui = {
    .name = "tui",
    .summary = "the workbench: trains and shows the run live (what davidnet does by itself)",
    .print_usage = print_usage,
    .run = run,
};
