/* davidnet curves: learning rate, loss and accuracy of runs, for other programs. */
#include "engine/curves.h"
#include "tui/command.h"
#include "tui/run_report.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 256

extern const struct command command_curves;

static int write_runs(char **names, int count, int json, const char *path)
{
    struct error err = {""};
    struct run_report *reports[RUNS_MAX];
    struct curves_run runs[RUNS_MAX];
    int opened = 0, rc = 0;
    for (; opened < count && rc == 0; opened += rc == 0) {
        reports[opened] = run_report_open(names[opened], &err);
        if (reports[opened] == NULL) {
            rc = -1;
            break;
        }
        runs[opened] = (struct curves_run){reports[opened]->folder.name, &reports[opened]->log};
    }
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc == 0 ? open_memstream(&text, &size) : NULL;
    if (rc == 0 && out == NULL)
        rc = error_set(&err, "out of memory");
    if (rc == 0)
        rc = json ? curves_write_json(runs, count, out, &err) : curves_write_csv(runs, count, out, &err);
    if (out != NULL && fclose(out) != 0 && rc == 0)
        rc = error_set(&err, "out of memory");
    if (rc == 0)
        rc = run_output(path, text, size, &err);
    free(text);
    while (opened > 0)
        run_report_free(reports[--opened]);
    return rc == 0 ? EXIT_OK : command_fail("%s", err.text);
}

static int run(int argc, char **argv)
{
    const char *format = "csv", *path = NULL;
    char *names[RUNS_MAX];
    int count = 0;
    for (int i = 1; i < argc; i++) {
        const char *flag, *value, *word = argv[i];
        int taken = command_take_option(&command_curves, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken > 0) {
            *(strcmp(flag, "-o") == 0 ? &path : &format) = value;
            continue;
        }
        if (word[0] == '-')
            return command_unknown(&command_curves, word);
        if (count == RUNS_MAX)
            return command_usage_error(&command_curves, "at most %d runs at a time", RUNS_MAX);
        names[count++] = argv[i];
    }
    int json = strcmp(format, "json") == 0;
    if (!json && strcmp(format, "csv") != 0)
        return command_usage_error(&command_curves, "--format %s: expected csv or json", format);
    if (count == 0)
        return command_usage_error(&command_curves, "which run? `davidnet runs` lists them, 'last' is the newest");
    return write_runs(names, count, json, path);
}

static const struct command_option options[] = {
    {"--format", "FORMAT", "csv (the default) or json", "csv json"},
    {"-o", "FILE", "write there instead of to the standard output", "FILE"},
    {0},
};

const struct command command_curves = {
    .name = "curves",
    .summary = "learning rate, loss and accuracy as CSV or JSON",
    .usage = "usage: davidnet curves RUN... [--format csv|json] [-o FILE]\n\n"
             "Writes every step and epoch of the runs: learning rate, loss, accuracy (percent), clocks (seconds).\n"
             "csv has the columns run, kind (step or epoch), step, epoch, lr, train_loss, train_acc, test_loss,\n"
             "test_acc, train_seconds and wall_seconds, empty where nothing was measured; json is\n"
             "{\"format\": \"davidnet-curves\", \"version\": 1, \"runs\": [...]}, with the columns as arrays.\n",
    .options = options,
    .words = "RUN",
    .run = run,
};
