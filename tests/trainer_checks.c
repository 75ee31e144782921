#include "tests/trainer_checks.h"

#include "engine/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char trainer_folder[64];

int trainer_test_enter(void **state)
{
    (void)state;
    strcpy(trainer_folder, "/tmp/davidnet-trainer-XXXXXX");
    return mkdtemp(trainer_folder) ? 0 : -1;
}

int trainer_test_leave(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", trainer_folder);
    return system(command);
}

void trainer_tiny(struct recipe *recipe, const char *epochs)
{
    static char epochs_set[64], knots[64];
    struct error err = {""};
    snprintf(epochs_set, sizeof epochs_set, "epochs=%s", epochs);
    snprintf(knots, sizeof knots, "lr_knots=0,1,%s", epochs);
    struct recipe_request request = {.preset = "davidnet-79",
                                     .n_sets = 8,
                                     .sets = {epochs_set, knots, "lr_values=0,0.1,0", "width=4", "batch=20",
                                              "device=ref", "data=synthetic:3:100", "seed=7"}};
    if (recipe_resolve(&request, recipe, &err))
        fail_msg("%s", err.text);
    strcpy(recipe->network, "prep = block c\nlayer1 = res_block 2c convs=1\npool = global_max\nlogits = linear\n");
}

struct trainer *trainer_must_start(const struct trainer_options *options)
{
    struct error err = {""};
    struct trainer *trainer = trainer_start(options, &err);
    if (!trainer)
        fail_msg("%s", err.text);
    return trainer;
}

void trainer_wait(struct trainer *trainer, enum trainer_phase phase, struct trainer_status *status)
{
    for (;;) {
        trainer_status(trainer, status);
        if (status->phase == phase || trainer_ended(status->phase))
            return;
        usleep(1000);
    }
}

void trainer_wait_for_end(struct trainer *trainer, struct trainer_status *status)
{
    trainer_wait(trainer, TRAINER_DONE, status);
}

void trainer_wait_and_free(struct trainer *trainer, struct trainer_status *status)
{
    trainer_wait_for_end(trainer, status);
    trainer_free(trainer);
}

void trainer_failure_is_on_disk(const char *run, const char *why)
{
    struct error err = {""};
    char path[256], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s/status", trainer_folder, run);
    if (file_read(path, 1 << 16, &text, &size, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(text, "\"failed\""));
    assert_non_null(strstr(text, why));
    free(text);
}
