/* davidnet data: fetch CIFAR-10, or look at a data set. */
#include "engine/dataset.h"
#include "engine/fetch.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/fetch_line.h"
#include "tui/progress.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPARSE_SECONDS 30 /* between lines that only say how far it is, without a terminal */

extern const struct command command_data;

static atomic_int caught; /* the signal that asks the fetch to stop */

static void on_signal(int signal_number)
{
    atomic_store(&caught, signal_number);
}

/* ---- data fetch ---- */

struct show {
    int in_place, width; /* a line on the terminal, of so many columns */
    int phase, tenths;   /* last shown without one */
    double shown;
};

static double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A line at each phase and problem, and every tenth of a long download. */
static void print_sparse(struct show *show, const struct fetch_progress *progress)
{
    char line[512];
    int tenths = progress->total > 0 ? (int)(10 * progress->done / progress->total) : 0;
    double now = clock_seconds();
    int changed = show->phase != (int)progress->phase;
    int further = progress->phase == FETCH_DOWNLOADING && tenths != show->tenths && now - show->shown >= 1;
    if (!changed && !further && now - show->shown < SPARSE_SECONDS)
        return;
    fetch_line(progress, -1, 0, line, sizeof line);
    line[strcspn(line, "\n")] = '\0';
    if (changed && progress->phase != FETCH_WAITING && progress->done == 0) /* no more to say than what begins */
        line[strcspn(line, " ")] = '\0';
    fprintf(stderr, "%s\n", line);
    show->phase = (int)progress->phase;
    show->tenths = tenths;
    show->shown = now;
}

static void on_progress(void *context, const struct fetch_progress *progress)
{
    struct show *show = context;
    char line[512];
    if (!show->in_place) {
        print_sparse(show, progress);
        return;
    }
    fetch_line(progress, show->width - 1, 1, line, sizeof line);
    progress_show("%s", line);
    if (progress->phase == FETCH_WAITING) /* the reason stays to be read */
        progress_keep();
}

static int fetch(const struct fetch_options *options)
{
    struct fetch_result result;
    struct error err = {""};
    struct sigaction action = {.sa_handler = on_signal}, old_int, old_term;
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    int status = fetch_run(options, &result, &err);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    progress_keep();
    if (status == FETCH_CANCELLED) {
        command_fail("%s", err.text);
        return 128 + atomic_load(&caught);
    }
    if (status != FETCH_OK)
        return command_fail("%s", err.text);
    if (result.was_there)
        fprintf(stderr, "CIFAR-10 was there already, complete.\n");
    if (result.set_aside[0])
        fprintf(stderr, "A damaged data set was in the way; it is now %s\n", result.set_aside);
    printf("%s\n", result.folder);
    return EXIT_OK;
}

static int run_fetch(int argc, char **argv)
{
    char folder[512];
    struct show show = {.in_place = progress_possible(), .width = columns_width(stderr), .phase = -1};
    struct fetch_options options = {
        .source = fetch_official, .to = folder, .cancel = &caught, .progress = on_progress, .context = &show};
    dataset_user_folder(folder, sizeof folder);
    for (int i = 2; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_data, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (!taken || !value || strcmp(flag, "--data") == 0)
            return taken ? command_usage_error(&command_data, "%s is for info", flag)
                         : command_unknown(&command_data, argv[i]);
        if (strcmp(flag, "--from") == 0) {
            options.source.url = value;
        } else if (strcmp(flag, "--to") == 0) {
            options.to = value;
        } else {
            options.source.sha256 = value;
            options.source.size = 0; /* another archive, of another size */
        }
    }
    if (!options.to[0])
        return command_usage_error(&command_data, "fetch: there is no home folder; say where to with --to");
    return fetch(&options);
}

/* ---- data info ---- */

static void count_labels(const struct images *images, uint32_t count[DATASET_CLASSES_MAX])
{
    memset(count, 0, DATASET_CLASSES_MAX * sizeof *count);
    for (uint32_t i = 0; i < images->count; i++)
        count[images->labels[i]]++;
}

static int print_json(const struct dataset *dataset)
{
    const struct images *train = &dataset->train;
    uint32_t in_train[DATASET_CLASSES_MAX], in_test[DATASET_CLASSES_MAX];
    count_labels(train, in_train);
    count_labels(&dataset->test, in_test);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "source", dataset->source);
    cJSON_AddStringToObject(root, "sha256", dataset->sha256);
    cJSON_AddNumberToObject(root, "train", train->count);
    cJSON_AddNumberToObject(root, "test", dataset->test.count);
    cJSON_AddNumberToObject(root, "channels", train->channels);
    cJSON_AddNumberToObject(root, "height", train->height);
    cJSON_AddNumberToObject(root, "width", train->width);
    cJSON_AddItemToObject(root, "mean", cJSON_CreateFloatArray(train->mean, train->channels));
    cJSON_AddItemToObject(root, "std", cJSON_CreateFloatArray(train->std, train->channels));
    cJSON *classes = cJSON_AddArrayToObject(root, "classes");
    for (int c = 0; c < train->classes; c++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", dataset->class_name[c]);
        cJSON_AddNumberToObject(one, "train", in_train[c]);
        cJSON_AddNumberToObject(one, "test", in_test[c]);
        cJSON_AddItemToArray(classes, one);
    }
    return command_print_json(root, 0);
}

static void print_channels(const char *name, const float *value, int channels)
{
    printf("%-8s", name);
    for (int c = 0; c < channels; c++)
        printf("%9.3f", (double)value[c]);
    printf("   per channel, 0 to 255\n");
}

static int print_text(const struct dataset *dataset)
{
    const struct images *train = &dataset->train;
    uint32_t in_train[DATASET_CLASSES_MAX], in_test[DATASET_CLASSES_MAX];
    count_labels(train, in_train);
    count_labels(&dataset->test, in_test);
    printf("source  %s\n", dataset->source);
    printf("images  %u to train on, %u to test, %d channels of %dx%d\n", train->count, dataset->test.count,
           train->channels, train->height, train->width);
    print_channels("mean", train->mean, train->channels);
    print_channels("std", train->std, train->channels);
    printf("sha256  %s\n\nclass                 train    test\n", dataset->sha256);
    for (int c = 0; c < train->classes; c++) {
        printf("%2d ", c);
        columns_print(stdout, dataset->class_name[c], 16, 0);
        printf("%8u%8u\n", in_train[c], in_test[c]);
    }
    return EXIT_OK;
}

static int run_info(int argc, char **argv)
{
    const char *source = NULL;
    char found[512];
    int as_json = 0;
    for (int i = 2; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_data, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken && !value)
            as_json = 1;
        else if (taken && strcmp(flag, "--data") != 0)
            return command_usage_error(&command_data, "%s is for fetch", flag);
        else if (source)
            return command_usage_error(&command_data, "info is of one data set: '%s' or '%s'", source,
                                       taken ? value : argv[i]);
        else if (taken)
            source = value;
        else if (argv[i][0] == '-')
            return command_unknown(&command_data, argv[i]);
        else
            source = argv[i];
    }
    if (!source) {
        if (!dataset_default_source(found, sizeof found))
            fprintf(stderr, "No CIFAR-10 was found: this is the built-in synthetic data set. `davidnet data fetch` "
                            "downloads CIFAR-10.\n");
        source = found;
    }
    struct dataset dataset;
    struct error err = {""};
    if (dataset_open(&dataset, source, &err) != 0)
        return command_fail("%s", err.text);
    int code = as_json ? print_json(&dataset) : print_text(&dataset);
    dataset_release(&dataset);
    return code;
}

static int run(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "fetch") == 0)
        return run_fetch(argc, argv);
    if (argc >= 2 && strcmp(argv[1], "info") == 0)
        return run_info(argc, argv);
    return argc < 2 ? command_usage_error(&command_data, "say what to do: fetch or info")
                    : command_usage_error(&command_data, "'%s': say what to do: fetch or info", argv[1]);
}

static const struct command_option options[] = {
    {"--from", "URL|PATH", "fetch: a mirror, or an archive on this machine; it must be the original archive", "FILE"},
    {"--to", "DIR", "fetch: the folder above (the XDG data folder, $XDG_DATA_HOME/davidnet)", "FILE"},
    {"--sha256", "HEX", "fetch: expect this digest instead of the original archive's", NULL},
    {"--data", "SOURCE", "info: the same as SOURCE alone", "FILE"},
    {"--json", NULL, "info: one line of JSON", NULL},
    {0},
};

const struct command command_data = {
    .name = "data",
    .summary = "fetch CIFAR-10; counts, classes, mean and std of a data set",
    .usage =
        "usage: davidnet data fetch [--from URL|PATH] [--to DIR] [--sha256 HEX]\n"
        "       davidnet data info [[--data] SOURCE] [--json]\n\n"
        "fetch downloads CIFAR-10 (170 MB, from a slow server: up to an hour), verifies it, unpacks it into\n"
        "DIR/cifar-10-batches-bin and prints that path. Stopped at any moment, it goes on where it was when\n"
        "called again; a half data set is never left behind.\n\n"
        "info prints a data set's counts, classes, mean and std per channel, and its SHA-256. SOURCE is a folder\n"
        "of CIFAR-10 binary files, 'synthetic' or 'synthetic:SEED[:COUNT]'; default: $DAVIDNET_DATA, else ./data,\n"
        "else what fetch fetched, else synthetic.\n",
    .options = options,
    .words = "fetch info",
    .run = run,
};
