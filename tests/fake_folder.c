#include "tests/fake_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS 24
#define PER_EPOCH 98

static void must(int status, const struct error *err)
{
    if (status) {
        fprintf(stderr, "fake_folder: %s\n", err->text);
        abort();
    }
}

double fake_folder_accuracy(const struct fake_folder *fake, int epoch)
{
    double left = 1 - (double)epoch / EPOCHS;
    return fake->best - 60 * left * left * left;
}

static void append(struct run_log *log, struct record record)
{
    struct error err;
    must(run_log_append(log, &record, &err), &err);
}

static void write_log(const struct run_folder *folder, const struct fake_folder *fake, const struct recipe *recipe)
{
    struct error err;
    char path[RUN_PATH_MAX];
    struct run_log *log = calloc(1, sizeof *log);
    run_folder_path(folder, "log", path, sizeof path);
    must(run_log_open(log, path, &err), &err);
    struct record start = {.kind = RECORD_START};
    start.as.start.steps = EPOCHS * PER_EPOCH;
    start.as.start.steps_per_epoch = PER_EPOCH;
    start.as.start.epochs = EPOCHS;
    start.as.start.target = (float)recipe->target;
    append(log, start);
    for (int e = 1; e <= fake->epochs; e++) {
        uint32_t step = (uint32_t)e * PER_EPOCH;
        struct record last = {.kind = RECORD_STEP, .step = step, .epoch = (uint32_t)e};
        last.as.step.lr = schedule_at(&recipe->schedule, e);
        last.as.step.train_seconds = last.as.step.wall_seconds = e * fake->epoch_seconds;
        append(log, last);
        struct record record = {.kind = RECORD_EPOCH, .step = step, .epoch = (uint32_t)e};
        double accuracy = fake_folder_accuracy(fake, e);
        record.as.epoch.lr = last.as.step.lr;
        record.as.epoch.test_acc = (float)accuracy;
        record.as.epoch.train_acc = (float)(accuracy - 1);
        record.as.epoch.test_loss = (101 - accuracy) / 40;
        record.as.epoch.train_loss = (102 - accuracy) / 40;
        record.as.epoch.train_seconds = record.as.epoch.wall_seconds = e * fake->epoch_seconds;
        record.as.epoch.involuntary_switches = (uint32_t)fake->switches;
        append(log, record);
    }
    struct record end = {.kind = RECORD_END, .step = (uint32_t)fake->epochs * PER_EPOCH};
    end.as.end.how = (uint32_t)fake->end;
    end.flags = fake->diverged ? RECORD_DIVERGED : 0;
    if (fake->end >= 0)
        append(log, end);
    run_log_release(log);
    free(log);
}

struct fake_folder fake_folder_done(const char *name, const char *set, int64_t seed, double best)
{
    return (struct fake_folder){.name = name,
                                .preset = "davidnet-79",
                                .set = set,
                                .seed = seed,
                                .epochs = EPOCHS,
                                .best = best,
                                .epoch_seconds = 10,
                                .end = RUN_END_DONE,
                                .host = "here"};
}

void fake_folder_make(const char *parent, const struct fake_folder *fake)
{
    struct error err;
    struct recipe recipe;
    struct run_folder folder;
    struct recipe_request request = {.preset = fake->preset, .n_sets = fake->set != NULL, .sets = {fake->set}};
    must(recipe_resolve(&request, &recipe, &err), &err);
    recipe.seed = fake->seed;
    must(run_folder_create(&folder, parent, fake->name, &recipe, &err), &err);
    if (fake->host != NULL) {
        static const char program[] = "{\"family\": \"cpu\", \"library\": \"oneDNN 3\", \"precision\": \"f32\", "
                                      "\"threads\": 2, \"isa\": \"avx2\", \"data_sha256\": \"abc\"}";
        char status[128];
        int n = snprintf(status, sizeof status, "{\"host\": \"%s\"}", fake->host);
        must(run_folder_replace(&folder, "program.json", program, sizeof program - 1, &err), &err);
        must(run_folder_replace(&folder, "status", status, (size_t)n, &err), &err);
    }
    write_log(&folder, fake, &recipe);
}
