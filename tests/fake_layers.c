#include "tests/fake_layers.h"

#include "tests/fake_timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void fake_layers(struct layers_model *model, int page)
{
    struct timing timing;
    layers_model_init(model);
    layers_model_set_page(model, page);
    fake_timing(&timing, 0, 1);
    assert_int_equal(layers_model_take(model, &timing), 0);
    model->steps_per_epoch = 97;
}

int fake_layers_find(const struct layers_model *model, const char *path)
{
    for (int i = 0; i < model->n_nodes; i++)
        if (strcmp(model->nodes[i].path, path) == 0)
            return i;
    fail_msg("there is no node %s", path);
    return -1;
}

static int line_of(const struct layers_model *model, const char *path)
{
    int node = fake_layers_find(model, path);
    for (int i = 0; i < model->n_shown; i++)
        if (model->shown[i] == node)
            return i;
    return -1;
}

void fake_layers_select(struct layers_model *model, const char *path)
{
    layers_model_select(model, line_of(model, path));
    assert_int_equal(model->cursor, fake_layers_find(model, path));
}

void fake_layers_compare(struct layers_model *model, int update_all)
{
    struct timing other;
    struct error err = {""};
    fake_timing(&other, update_all, 1);
    for (int i = 0; i < other.n_steps; i++) {
        const char *op = other.steps[i].n_rows > 0 ? other.rows[other.steps[i].rows[0]].op : "";
        double slower = strcmp(op, "norm") == 0                                            ? 0.75
                        : strcmp(op, "conv") == 0 && other.steps[i].phase == PHASE_FORWARD ? 1.33
                                                                                           : 1;
        other.steps[i].ms *= slower;
        for (int e = 0; e < other.n_history; e++)
            other.history[e * other.n_steps + i] *= (float)slower;
    }
    assert_int_equal(layers_model_against(model, &other, "davidnet-79-20260131-120000", 0, &err), 0);
}
