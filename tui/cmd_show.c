/* davidnet show: one run, in full. */
#include "engine/checkpoint.h"
#include "engine/files.h"
#include "engine/frozen.h"
#include "engine/json.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/run_report.h"
#include "views/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHECKPOINTS_MAX 256

extern const struct command command_show;

/* The indices of the epochs that hold, malloc'ed. */
static size_t *epochs_of(const struct run_log *log, size_t *count)
{
    size_t most = run_log_length(log);
    size_t *index = malloc((most + 1) * sizeof *index);
    *count = index ? run_log_series(log, RECORD_EPOCH, index, most) : 0;
    return index;
}

static int64_t checkpoint_bytes(const struct run_report *report, uint32_t step)
{
    char name[64], path[RUN_PATH_MAX + 160];
    snprintf(name, sizeof name, "checkpoint-%u", step);
    return run_folder_path(&report->folder, name, path, sizeof path) < 0 ? -1 : folder_bytes(path);
}

static int64_t file_bytes(const struct run_report *report, const char *name)
{
    char path[RUN_PATH_MAX + 160];
    struct stat st;
    return run_folder_path(&report->folder, name, path, sizeof path) < 0 || stat(path, &st) < 0 ? -1 : st.st_size;
}

/* The text of the end record that holds, or "". */
static void end_text(const struct run_log *log, char *out, size_t size)
{
    size_t end;
    out[0] = '\0';
    if (run_log_series(log, RECORD_END, &end, 1) == 0)
        return;
    char text[RECORD_NOTE_MAX + 1] = "";
    memcpy(text, run_log_at(log, end)->as.end.text, RECORD_NOTE_MAX);
    run_text_safe(text, out, size);
}

/* ---- for people ---- */

/* On a narrow terminal: epoch, accuracies, and the time. */
static void print_epoch_table(const char *const *head, int n, const char **cells, int rows)
{
    static const int narrow[] = {0, 3, 5, 6};
    enum { NARROW = sizeof narrow / sizeof narrow[0] };
    const char *few[NARROW];
    if (columns_width(stdout) >= 80) {
        columns_table(stdout, head, n, cells, rows, 0, 80);
        return;
    }
    for (int c = 0; c < NARROW; c++)
        few[c] = head[narrow[c]];
    for (int i = 0; i < rows; i++)
        for (int c = 0; c < NARROW; c++) /* never behind what is still to be read */
            cells[i * NARROW + c] = cells[i * n + narrow[c]];
    columns_table(stdout, few, NARROW, cells, rows, 0, columns_width(stdout));
}

static void print_epochs(const struct run_log *log)
{
    static const char *const head[] = {">epoch",  ">lr",      ">train loss", ">train %", ">test loss",
                                       ">test %", ">trained", ">wall",       ">steal %"};
    enum { N = sizeof head / sizeof head[0] };
    size_t count, *index = epochs_of(log, &count);
    char(*text)[RUN_TEXT] = calloc(count * N + 1, sizeof *text);
    const char **cells = calloc(count * N + 1, sizeof *cells);
    for (size_t i = 0; i < count && text != NULL && cells != NULL; i++) {
        const struct record *r = run_log_at(log, index[i]);
        char(*cell)[RUN_TEXT] = text + i * N;
        snprintf(cell[0], RUN_TEXT, "%u", r->epoch);
        run_text_number(r->as.epoch.lr, 5, cell[1]);
        run_text_number(r->as.epoch.train_loss, 4, cell[2]);
        run_text_number(record_decimal(r->as.epoch.train_acc), 2, cell[3]);
        run_text_number(r->as.epoch.test_loss, 4, cell[4]);
        run_text_number(record_decimal(r->as.epoch.test_acc), 2, cell[5]);
        format_seconds(r->as.epoch.train_seconds, cell[6], RUN_TEXT);
        format_seconds(r->as.epoch.wall_seconds, cell[7], RUN_TEXT);
        run_text_number(record_decimal(r->as.epoch.steal), 1, cell[8]);
        for (int c = 0; c < N; c++)
            cells[i * N + (size_t)c] = cell[c];
    }
    if (count > 0 && text != NULL && cells != NULL) {
        putchar('\n');
        print_epoch_table(head, N, cells, (int)count);
    }
    free(cells);
    free(text);
    free(index);
}

static void print_compile(const struct run_report *report)
{
    double compile, search;
    char text[RUN_TEXT];
    frozen_compile_seconds(&report->folder, &compile, &search);
    if (isnan(compile))
        return;
    printf("compiled in %s", format_seconds(compile, text, sizeof text));
    if (search > 0)
        printf(", %s of it to find the fastest convolutions", format_seconds(search, text, sizeof text));
    printf("; that is in no clock of training\n");
}

static void print_state(const struct run_report *report)
{
    const struct run_summary *s = &report->summary;
    char a[RUN_TEXT], b[RUN_TEXT], c[RUN_TEXT], end[RECORD_NOTE_MAX + 1], name[128], holder[128];
    end_text(&report->log, end, sizeof end);
    printf("\n%s at step %u of %u, epoch %s of %s; ", s->state, s->step, s->steps,
           run_text_number(s->epochs_done, 2, a), run_text_number(s->epochs, 2, b));
    if (isfinite(s->best_acc))
        printf("best test accuracy %s %%\n", run_text_number(s->best_acc, 2, c));
    else
        printf("not evaluated yet\n");
    if (end[0] != '\0')
        printf("  %s\n", end);
    printf("trained for %s, %s by the clock", format_seconds(s->train_seconds, a, sizeof a),
           format_seconds(s->wall_seconds, b, sizeof b));
    if (report->recipe.target > 0)
        printf("; %g %% %s%s", report->recipe.target, isfinite(s->seconds_to_target) ? "after " : "not reached",
               isfinite(s->seconds_to_target) ? format_seconds(s->seconds_to_target, c, sizeof c) : "");
    printf("\n");
    print_compile(report);
    if (strcmp(s->state, "running") == 0 && run_folder_locked(&report->folder, holder, sizeof holder))
        printf("in process %s\n", run_text_safe(holder, name, sizeof name));
    if (strcmp(s->state, "killed") == 0 || strcmp(s->state, "stopped") == 0 ||
        (strcmp(s->state, "failed") == 0 && !s->diverged)) /* what diverged would do so again */
        printf("go on with: davidnet resume %s\n", run_text_safe(s->name, name, sizeof name));
    if (s->log_dropped > 0)
        printf("the log is damaged: its last %zu bytes could not be read\n", s->log_dropped);
}

static void print_files(const struct run_report *report)
{
    static const char *const files[] = {"recipe.ini", "program.json", "log", "status", "timing.json", "stderr.txt"};
    char text[RUN_TEXT];
    uint32_t steps[CHECKPOINTS_MAX];
    int n = checkpoint_list(&report->folder, steps, CHECKPOINTS_MAX);
    printf("\n");
    for (int i = 0; i < n; i++)
        printf("checkpoint-%-10u %8s\n", steps[i], run_text_bytes(checkpoint_bytes(report, steps[i]), text));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (file_bytes(report, files[i]) >= 0)
            printf("%-21s %8s\n", files[i], run_text_bytes(file_bytes(report, files[i]), text));
    printf("%-21s %8s\n", "in all", run_text_bytes(report->summary.bytes, text));
}

static void print_label(const struct run_label *label)
{
    char tags[RUN_TAGS_TEXT_MAX];
    if (label->campaign[0] != '\0')
        printf("campaign: %s, run %d %s\n", label->campaign, label->number, run_side_name(label->side));
    if (label->n_tags > 0)
        printf("tags: ");
    if (label->n_tags > 0)
        columns_wrap(stdout, run_label_tags(label, tags, sizeof tags), 6, 6, columns_width(stdout));
    if (label->note[0] != '\0')
        printf("note: ");
    if (label->note[0] != '\0')
        columns_wrap(stdout, label->note, 6, 6, columns_width(stdout));
}

static void print_text(const struct run_report *report)
{
    char name[128], path[RUN_PATH_MAX], started[RUN_TEXT];
    char *text = calloc(1, 16384);
    if (text == NULL)
        return;
    printf("%s, started %s\n%s\n", run_text_safe(report->folder.name, name, sizeof name),
           run_text_time(report->summary.unix_start, started), run_text_safe(report->folder.path, path, sizeof path));
    recipe_summary(&report->recipe, text, 16384);
    columns_wrap(stdout, text, 0, 2, columns_width(stdout));
    print_label(&report->label);
    recipe_command(&report->recipe, text, 16384);
    printf("\nmade by\n");
    columns_command(stdout, text, 2, columns_terminal(stdout)); /* it is there to be copied */
    free(text);
    print_epochs(&report->log);
    print_state(report);
    print_files(report);
}

/* ---- for programs ---- */

static cJSON *epochs_json(const struct run_log *log)
{
    size_t count, *index = epochs_of(log, &count);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        const struct record *r = run_log_at(log, index[i]);
        cJSON *o = cJSON_CreateObject();
        run_report_epoch_json(o, r);
        json_add_number(o, "steal", record_decimal(r->as.epoch.steal)); /* its older name: scripts read it */
        cJSON_AddItemToArray(list, o);
    }
    free(index);
    return list;
}

static int print_json(const struct run_report *report)
{
    char *text = calloc(1, 16384), end[RECORD_NOTE_MAX + 1];
    double compile, search;
    cJSON *root = cJSON_CreateObject();
    if (text == NULL || root == NULL) {
        free(text);
        cJSON_Delete(root);
        return command_fail("out of memory");
    }
    run_report_summary_json(root, &report->summary);
    run_report_label_json(root, &report->label);
    frozen_compile_seconds(&report->folder, &compile, &search);
    json_add_number(root, "compile_seconds", compile);
    json_add_number(root, "search_seconds", search);
    cJSON_AddStringToObject(root, "path", report->folder.path);
    recipe_summary(&report->recipe, text, 16384);
    cJSON_AddStringToObject(root, "recipe", text);
    recipe_command(&report->recipe, text, 16384);
    cJSON_AddStringToObject(root, "command", text);
    cJSON_AddStringToObject(root, "eval", report->recipe.eval == RECIPE_EVAL_HOLDOUT ? "holdout" : "test");
    end_text(&report->log, end, sizeof end);
    cJSON_AddStringToObject(root, "end", end);
    cJSON_AddNumberToObject(root, "log_bytes_damaged", (double)report->summary.log_dropped);
    cJSON_AddItemToObject(root, "epochs_logged", epochs_json(&report->log));
    cJSON *list = cJSON_AddArrayToObject(root, "checkpoints");
    uint32_t steps[CHECKPOINTS_MAX];
    int n = checkpoint_list(&report->folder, steps, CHECKPOINTS_MAX);
    for (int i = 0; i < n; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "step", steps[i]);
        cJSON_AddNumberToObject(o, "bytes", (double)checkpoint_bytes(report, steps[i]));
        cJSON_AddItemToArray(list, o);
    }
    free(text);
    text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        return command_fail("out of memory");
    puts(text);
    cJSON_free(text);
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    const char *which = NULL;
    int as_json = 0;
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_show, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken > 0)
            as_json = 1;
        else if (argv[i][0] == '-' || which != NULL)
            return command_unknown(&command_show, argv[i]);
        else
            which = argv[i];
    }
    if (which == NULL)
        return command_usage_error(&command_show, "which run? `davidnet runs` lists them, 'last' is the newest");
    struct error err = {""};
    struct run_report *report = run_report_open(which, &err);
    if (report == NULL)
        return command_fail("%s", err.text);
    int code = EXIT_OK;
    if (as_json)
        code = print_json(report);
    else
        print_text(report);
    run_report_free(report);
    return code;
}

static const struct command_option options[] = {{"--json", NULL, "the same as one JSON object", NULL}, {0}};

const struct command command_show = {
    .name = "show",
    .summary = "one run: its recipe, epochs, end and files",
    .usage =
        "usage: davidnet show RUN [--json]\n\n"
        "RUN is a name from `davidnet runs`, a run's folder, or 'last'. Shows the recipe in one line, tags and\n"
        "note, the command that makes the same run again, its epochs, how it ended, its checkpoints and their sizes.\n",
    .options = options,
    .words = "RUN",
    .run = run,
};
