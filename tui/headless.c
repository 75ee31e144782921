#include "tui/headless.h"

#include "engine/dataset.h"
#include "engine/json.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/progress.h"
#include "tui/run_report.h"
#include "tui/stop_signal.h"
#include "views/format.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct follower {
    struct trainer *trainer;
    const struct headless_options *options;
    size_t seen;  /* records printed */
    int progress; /* a line is rewritten on the terminal */
    int began;    /* "start" is out */
    struct trainer_status status;
    double last_acc;
};

static cJSON *event(const char *name)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "event", name);
    return object;
}

static void print_event(cJSON *object)
{
    command_print_json(object, 0);
    fflush(stdout);
}

int headless_error(int json, const char *message)
{
    if (!json)
        return command_fail("%s", message);
    cJSON *object = event("error");
    cJSON_AddStringToObject(object, "error", message);
    print_event(object);
    return EXIT_FAILED;
}

static const char *eval_name(const struct recipe *recipe)
{
    return recipe->eval == RECIPE_EVAL_HOLDOUT ? "holdout" : "test";
}

/* "recipe  ..." */
static void print_line(const char *name, const char *text)
{
    printf("%-7s ", name);
    columns_wrap(stdout, text, 8, 8, columns_width(stdout));
}

/* The epochs are a table of at most 80 columns; on a narrow terminal, of 39: without what 0 stands for. */
static const int widths[2][7] = {{9, 9, 11, 8, 13, 10, 9}, {9, 0, 0, 8, 0, 10, 9}};

static void print_epoch_cells(const char *const cells[7])
{
    const int *width = widths[columns_width(stdout) < 76];
    for (int i = 0; i < 7; i++)
        if (width[i] > 0)
            printf("%*s%s", width[i], cells[i], i < 6 ? " " : "\n");
}

static void print_epoch_head(const struct recipe *recipe)
{
    char loss[32], accuracy[32];
    snprintf(loss, sizeof loss, "%s loss", eval_name(recipe));
    snprintf(accuracy, sizeof accuracy, "%s %%", eval_name(recipe));
    print_epoch_cells((const char *const[]){"epoch", "lr", "train loss", "train %", loss, accuracy, "trained"});
}

static void print_start(struct follower *f)
{
    const struct recipe *recipe = trainer_recipe(f->trainer);
    const struct trainer_status *s = &f->status;
    char summary[256], found[512];
    recipe_summary(recipe, summary, sizeof summary);
    if (f->options->json) {
        cJSON *object = event("start");
        cJSON_AddStringToObject(object, "run", s->path);
        cJSON_AddStringToObject(object, "recipe_name", recipe_name(recipe));
        cJSON_AddStringToObject(object, "preset", recipe->preset);
        cJSON_AddStringToObject(object, "recipe", summary);
        cJSON_AddStringToObject(object, "device", s->device);
        cJSON_AddStringToObject(object, "data", s->data);
        cJSON_AddStringToObject(object, "eval", eval_name(recipe));
        json_add_number(object, "epochs", recipe->epochs);
        json_add_number(object, "steps", s->steps);
        json_add_number(object, "steps_per_epoch", s->steps_per_epoch);
        json_add_number(object, "batch", recipe_batch(recipe));
        json_add_number(object, "step", s->step);
        print_event(object);
        return;
    }
    printf("run     %s\n", s->path); /* not wrapped: it is there to be copied */
    print_line("recipe", summary);
    printf("data    %s\ndevice  %s, %.2f GiB\n", s->data, s->device, (double)s->memory_bytes / (1 << 30));
    if (s->data_is_synthetic)
        print_line("notice", dataset_default_source(found, sizeof found)
                                 ? "these are synthetic images, as was asked for: CIFAR-10 is there"
                                 : "these are synthetic images; 'davidnet data fetch' gets the real CIFAR-10");
    if (s->step > 0)
        printf("resumed at step %u of %u; 'davidnet show %s' has what was before\n", s->step, s->steps, s->run);
    print_epoch_head(recipe);
    fflush(stdout);
}

static void print_step(const struct record *record)
{
    cJSON *object = event("step");
    json_add_number(object, "step", record->step);
    json_add_number(object, "epoch", record->epoch);
    json_add_number(object, "lr", record->as.step.lr);
    json_add_number(object, "loss", record->as.step.loss);
    json_add_number(object, "acc", record_decimal(record->as.step.accuracy));
    json_add_number(object, "train_seconds", record->as.step.train_seconds);
    json_add_number(object, "wall_seconds", record->as.step.wall_seconds);
    print_event(object);
}

static void print_epoch_json(const struct record *record)
{
    cJSON *object = event("epoch");
    run_report_epoch_json(object, record);
    print_event(object);
}

static void print_epoch(struct follower *f, const struct record *record)
{
    const struct recipe *recipe = trainer_recipe(f->trainer);
    char epoch[32], lr[32], number[4][RUN_TEXT], seconds[RUN_TEXT];
    double done = fmin(record->epoch, recipe->epochs); /* the last epoch may be a part of one */
    snprintf(epoch, sizeof epoch, "%.4g/%.4g", done, recipe->epochs);
    snprintf(lr, sizeof lr, "%.4g", record->as.epoch.lr);
    progress_clear();
    print_epoch_cells((const char *const[]){epoch, lr, run_text_number(record->as.epoch.train_loss, 4, number[0]),
                                            run_text_number(record->as.epoch.train_acc, 2, number[1]),
                                            run_text_number(record->as.epoch.test_loss, 4, number[2]),
                                            run_text_number(record->as.epoch.test_acc, 2, number[3]),
                                            format_seconds(record->as.epoch.train_seconds, seconds, sizeof seconds)});
    fflush(stdout);
}

static void print_note(struct follower *f, const struct record *record)
{
    if (f->options->json) {
        cJSON *object = event("note");
        cJSON_AddStringToObject(object, "note", record->as.note);
        print_event(object);
        return;
    }
    progress_clear();
    print_line("note", record->as.note);
}

static void print_records(struct follower *f)
{
    const struct run_log *log = trainer_log(f->trainer);
    size_t length = run_log_length(log);
    for (; f->seen < length; f->seen++) {
        const struct record *record = run_log_at(log, f->seen);
        if (record->kind == RECORD_EPOCH) {
            if (!isnan(record->as.epoch.test_acc))
                f->last_acc = record_decimal(record->as.epoch.test_acc);
            if (f->options->json)
                print_epoch_json(record);
            else if (record->step > f->options->told)
                print_epoch(f, record);
        } else if (record->kind == RECORD_STEP && f->options->json) {
            print_step(record);
        } else if (record->kind == RECORD_NOTE) {
            print_note(f, record);
        }
    }
}

static void print_progress(struct follower *f)
{
    const struct trainer_status *s = &f->status;
    char eta[RUN_TEXT], loss[RUN_TEXT], speed[RUN_TEXT];
    if (!f->progress || s->steps == 0)
        return;
    if (s->phase == TRAINER_EVALUATING && s->to_evaluate > 0)
        progress_show("evaluating after step %u/%u: batch %u of %u", s->step, s->steps, s->evaluated, s->to_evaluate);
    else
        progress_show("%s: step %u/%u, loss %s, %s images/s, %s left", trainer_phase_name(s->phase), s->step, s->steps,
                      run_text_number(s->loss, 4, loss), run_text_number(s->images_per_second, 0, speed),
                      format_seconds(s->eta_seconds, eta, sizeof eta));
}

/* How a run came out, from this process or from its folder. */
struct outcome {
    const char *run; /* the folder */
    const char *state;
    const struct recipe *recipe;
    double test_acc, best_acc, train_seconds, speedrun_seconds, wall_seconds, seconds_to_target;
};

static void print_outcome_json(const struct outcome *o)
{
    cJSON *object = event("done");
    cJSON_AddStringToObject(object, "run", o->run);
    cJSON_AddStringToObject(object, "state", o->state);
    json_add_number(object, "test_acc", o->test_acc);
    json_add_number(object, "best_acc", o->best_acc);
    json_add_number(object, "train_seconds", o->train_seconds);
    json_add_number(object, "speedrun_seconds", o->speedrun_seconds);
    json_add_number(object, "wall_seconds", o->wall_seconds);
    json_add_number(object, "seconds_to_target", o->seconds_to_target);
    cJSON_AddStringToObject(object, "eval", eval_name(o->recipe));
    print_event(object);
}

static void print_outcome(const struct outcome *o)
{
    char train[RUN_TEXT], wall[RUN_TEXT], last[RUN_TEXT], best[RUN_TEXT];
    printf("done    %s accuracy %s %% (best %s %%), trained %s, wall %s\n", eval_name(o->recipe),
           run_text_number(o->test_acc, 2, last), run_text_number(o->best_acc, 2, best),
           format_seconds(o->train_seconds, train, sizeof train), format_seconds(o->wall_seconds, wall, sizeof wall));
    if (isnan(o->seconds_to_target))
        printf("target  %g %% not reached\n", o->recipe->target);
    else
        printf("target  %g %% reached after %s of training\n", o->recipe->target,
               format_seconds(o->seconds_to_target, train, sizeof train));
}

static void print_done(struct follower *f)
{
    const struct trainer_status *s = &f->status;
    const struct outcome outcome = {.run = s->path,
                                    .state = trainer_phase_name(s->phase),
                                    .recipe = trainer_recipe(f->trainer),
                                    .test_acc = f->last_acc,
                                    .best_acc = s->best_acc,
                                    .train_seconds = s->train_seconds,
                                    .speedrun_seconds = s->speedrun_seconds,
                                    .wall_seconds = s->wall_seconds,
                                    .seconds_to_target = s->seconds_to_target};
    if (f->options->json) {
        print_outcome_json(&outcome);
        return;
    }
    progress_clear();
    if (s->phase == TRAINER_STOPPED) {
        printf("stopped at step %u of %u; go on with: davidnet resume %s\n", s->step, s->steps, s->run);
        return;
    }
    print_outcome(&outcome);
    if (s->replay_mismatches)
        printf("warning %d replayed steps did not repeat the log's losses\n", s->replay_mismatches);
}

void headless_finished(const struct run_report *report, int json)
{
    const struct run_summary *s = &report->summary;
    struct outcome outcome = {.run = report->folder.path,
                              .state = s->state,
                              .recipe = &report->recipe,
                              .test_acc = s->last_acc,
                              .best_acc = s->best_acc,
                              .train_seconds = s->train_seconds,
                              .speedrun_seconds = NAN,
                              .wall_seconds = s->wall_seconds,
                              .seconds_to_target = s->seconds_to_target};
    for (size_t i = 0; i < run_log_length(&report->log); i++)
        if (run_log_at(&report->log, i)->kind == RECORD_EPOCH)
            outcome.speedrun_seconds = run_log_at(&report->log, i)->as.epoch.speedrun_seconds;
    if (json) {
        print_outcome_json(&outcome);
        return;
    }
    printf("run     %s\nall %u steps were trained before: there is nothing left to do\n", report->folder.path,
           s->steps);
    print_outcome(&outcome);
}

/* However the run ended: who waits for it wants to know. */
static void run_finish_command(const struct follower *f)
{
    char accuracy[RUN_TEXT] = "";
    if (!f->options->finish)
        return;
    if (isfinite(f->last_acc))
        run_text_number(f->last_acc, 2, accuracy);
    setenv("DAVIDNET_RUN", f->status.path, 1);
    setenv("DAVIDNET_STATE", trainer_phase_name(f->status.phase), 1);
    setenv("DAVIDNET_ACCURACY", accuracy, 1);
    fflush(stdout);
    signal(SIGXFSZ, SIG_DFL); /* what is ignored stays so in other programs */
    int status = system(f->options->finish);
    signal(SIGXFSZ, SIG_IGN);
    if (status != 0)
        fprintf(stderr, "davidnet: the --on-finish command ended with %d\n",
                WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void follow(struct follower *f)
{
    double shown = 0;
    for (;;) {
        if (stop_signal_number())
            trainer_stop(f->trainer, TRAINER_STOP_NOW);
        struct pollfd fd = {.fd = trainer_wake_fd(f->trainer), .events = POLLIN};
        char drain[64];
        if (poll(&fd, 1, 200) > 0)
            while (read(fd.fd, drain, sizeof drain) > 0)
                continue;
        trainer_status(f->trainer, &f->status);
        /* Its memory is known once it trains: what fails before that has not begun. */
        if (!f->began && f->status.memory_bytes > 0 && f->status.phase >= TRAINER_TRAINING) {
            f->began = 1;
            if (!f->options->watch)
                print_start(f);
        }
        if (f->began && !f->options->watch)
            print_records(f);
        if (trainer_ended(f->status.phase))
            return;
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        double now = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
        if (f->began && now - shown > 0.5) {
            if (f->options->watch)
                f->options->watch(f->options->context, &f->status);
            else
                print_progress(f);
            shown = now;
        }
    }
}

int headless_run(const struct trainer_options *what, const struct headless_options *options)
{
    struct error err = {""};
    struct trainer *trainer = trainer_start(what, &err);
    struct follower f = {.trainer = trainer, .options = options, .last_acc = NAN};
    if (!trainer) {
        f.status.phase = TRAINER_FAILED;
        headless_error(options->json, err.text);
        run_finish_command(&f);
        return EXIT_FAILED;
    }
    f.progress = !options->json && progress_possible() && isatty(STDOUT_FILENO);
    stop_signal_begin(false);
    follow(&f);
    int code = EXIT_OK;
    if (f.status.phase == TRAINER_FAILED) {
        progress_clear();
        code = headless_error(options->json, f.status.error);
    } else {
        if (!options->watch)
            print_done(&f);
        if (options->target_counts && f.status.phase == TRAINER_DONE && isnan(f.status.seconds_to_target))
            code = EXIT_TARGET_MISSED;
    }
    if (options->watch)
        options->watch(options->context, &f.status);
    trainer_free(trainer); /* first: it gives the run's lock back, so that the command may resume or rename the run */
    run_finish_command(&f);
    stop_signal_end();
    return stop_signal_number() && code == EXIT_OK ? 128 + stop_signal_number() : code;
}
