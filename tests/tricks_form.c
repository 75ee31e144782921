#include "tests/tricks_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/davidnet-test-XXXXXX";

const struct trick form_tricks[] = {
    {.key = "crop",
     .title = "Random crop",
     .changes = "pads each training image by reflection and cuts a window of the old size out of it",
     .published = "part of every published recipe: standard augmentation",
     .source = "He et al., Deep Residual Learning, arXiv:1512.03385, 4.2",
     .parameters = {"crop_pad"},
     .patches = {{"crop", "on", "off"}}},
    {.key = "cutout",
     .title = "Cutout",
     .changes = "sets a box of each training image, at a random place, to zero",
     .published = "35 epochs: 3 of 5 to 5 of 5 runs reach 94 %",
     .source = "DeVries & Taylor, arXiv:1708.04552",
     .parameters = {"cutout_height", "cutout_width"},
     .patches = {{"cutout", "on", "off"}}},
    {.key = "hot",
     .title = "Hot logits",
     .changes = "makes the logits larger",
     .published = "nowhere",
     .source = "this test",
     .patches = {{"logit_scale", "0.25", "0.125"}}},
    {.key = "cold",
     .title = "Cold logits",
     .changes = "makes the logits smaller",
     .published = "nowhere",
     .source = "this test",
     .patches = {{"logit_scale", "0.0625", "0.125"}}},
};

int form_enter(void **state)
{
    (void)state;
    return mkdtemp(folder) && setenv("XDG_CONFIG_HOME", folder, 1) == 0 &&
                   setenv("DAVIDNET_DATA", "synthetic:1:50000", 1) == 0
               ? 0
               : -1;
}

int form_leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

struct tricks_model *form_open(void)
{
    static struct recipe recipe;
    struct error err;
    struct tricks_model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    if (recipe_preset_load("davidnet-79", &recipe, NULL, &err) ||
        tricks_model_init(model, form_tricks, FORM_TRICKS, &recipe, &err))
        fail_msg("%s", err.text);
    tricks_model_list_presets(model);
    tricks_model_ready(model, TRICKS_STARTS, NULL);
    return model;
}

void form_close(struct tricks_model *model)
{
    tricks_model_release(model);
    free(model);
}

void form_add_last(struct tricks_model *model)
{
    static struct recipe last;
    struct error err;
    struct trainer_status status = {.step = 500, .steps = 3900, .steps_per_epoch = 195, .train_seconds = 100};
    const struct recipe_request request = {.preset = "davidnet-66", .sets = {"batch=256"}, .n_sets = 1};
    if (recipe_resolve(&request, &last, &err))
        fail_msg("%s", err.text);
    snprintf(status.run, sizeof status.run, "davidnet-66-20261101-120000");
    assert_true(tricks_model_last(model, &last, &status));
    assert_false(tricks_model_last(model, &last, &status));
}

struct draft_place form_knob_place(const char *key)
{
    return (struct draft_place){DRAFT_KNOB, (int)(knob_find(key) - knobs)};
}

void form_go(struct tricks_model *model, struct draft_place place)
{
    int row = tricks_model_find(model, place);
    assert_true(row >= 0);
    tricks_model_go(model, row);
    assert_int_equal(model->cursor, row);
}

void form_go_knob(struct tricks_model *model, const char *key)
{
    form_go(model, form_knob_place(key));
}

void form_type(struct tricks_model *model, const char *text)
{
    for (; *text; text++) {
        tricks_model_start_typing(model, 1);
        line_edit_insert(&model->edit, *text);
        tricks_model_edited(model);
    }
}

void form_set(struct tricks_model *model, const char *key, const char *text)
{
    form_go_knob(model, key);
    tricks_model_edit(model);
    line_edit_set(&model->edit, text);
    assert_true(tricks_model_accept(model));
}
