/* What all families share: which batches, tensors and rows they take, to the last that is taken, and tensors' rates. */
#include "tests/parity.h"

static const struct family family = {.name = "bare"};
static struct plan plan;
static struct parity_data data;
static struct program *program;
static struct error err;

/* A program for batches of up to 3 images of h x w pixels, and such a batch. */
static void begin(int h, int w)
{
    const struct plan_shape image = {3, h, w};
    plan_init(&plan);
    int row = plan_input(&plan, image, &err);
    row = parity_conv_bn(&plan, "prep", row, 2, &err);
    row = plan_pool(&plan, "pool", row, PLAN_GLOBAL_MAX, 0, &err);
    row = plan_linear(&plan, "logits", row, 10, 1, false, &err);
    assert_true(plan_loss(&plan, "loss", row, 0, &err) > 0);
    const struct program_options options = {.max_batch = 3};
    program = program_new(&family, &plan, &options, 64, &err);
    assert_non_null(program);
    parity_data_init(&data, image, 10, 4, 1);
    for (int i = 0; i < 4; i++) {
        data.choices[i] = (struct choice){.image = (uint32_t)i};
        data.labels[i] = (uint8_t)i;
    }
    data.batch.n = 3;
}

static void end(void)
{
    free(program->own);
    free(program);
    parity_data_release(&data);
}

static void taken(void)
{
    if (program_set_batch(program, &data.batch, &err))
        fail_msg("%s", err.text);
}

static void refused(const char *why)
{
    program->batch.n = -7;
    assert_int_equal(program_set_batch(program, &data.batch, &err), -1);
    assert_int_equal(program->batch.n, -7);
    if (!strstr(err.text, why))
        fail_msg("'%s', not '%s'", err.text, why);
}

static void new_programs(void **state)
{
    (void)state;
    begin(4, 5);
    assert_true(program->family == &family && program->plan == &plan && program->options.max_batch == 3);
    assert_int_equal(program->result.bad_row, -1);
    for (int i = 0; i < 64; i++)
        assert_int_equal(((const char *)program->own)[i], 0);
    const struct program_options none = {.max_batch = 0};
    assert_null(program_new(&family, &plan, &none, 64, &err));
    assert_non_null(strstr(err.text, "at least one image, not 0"));
    plan.n_rows--; /* of a plan without its loss */
    const struct program_options one = {.max_batch = 1};
    assert_null(program_new(&family, &plan, &one, 64, &err));
    plan.n_rows++;
    end();
}

static void batches(void **state)
{
    (void)state;
    begin(4, 5);
    taken();
    assert_true(program->batch.n == 3 && program->batch.choices == data.choices);
    data.batch.n = 4;
    refused("a batch of 4 images");
    data.batch.n = 0;
    refused("a batch of 0 images");
    data.batch.n = 1;
    taken();
    data.batch.n = 3;
    data.labels[2] = 9;
    taken();
    data.labels[2] = 10;
    refused("image 2 has label 10, but the network has classes 0 to 9");
    data.labels[2] = 2;
    data.images.classes = 11;
    refused("11 classes");
    data.images.classes = 9; /* fewer are some of them */
    taken();
    end();
}

static void choices(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        begin(wide ? 4 : 5, wide ? 5 : 4);
        struct choice *last = &data.choices[2];
        last->image = 3;
        taken();
        last->image = 4;
        refused("image 2 of the batch is number 4, but the data set has 4 images");
        *last = (struct choice){.pad = 3, .crop_y = 6, .crop_x = 6};
        taken();
        last->crop_y = 7;
        refused("cropped at (7, 6)");
        *last = (struct choice){.pad = 3, .crop_x = 7};
        refused("cropped at (0, 7)");
        last->pad = 4;
        refused("padded by 4");
        end();
    }
}

/* Images may be shrunk, but not stretched, to what the network was built for. */
static void sizes(void **state)
{
    (void)state;
    begin(4, 5);
    for (int channels = 0; channels <= IMAGE_CHANNELS_MAX + 1; channels++) {
        const struct images images = {.channels = channels, .height = 1, .width = 1};
        assert_int_equal(batch_check_images(&images, &err), channels >= 1 && channels <= 4 ? 0 : -1);
    }
    static const int sides[][3] = {{256, 128, 0}, {128, 256, 0}, {256, 129, -1}, {129, 256, -1}, {1, 256, 0},
                                   {256, 1, 0},   {1, 257, -1},  {257, 1, -1},   {0, 9, -1},     {9, 0, -1}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        const struct images images = {.channels = 3, .height = sides[i][0], .width = sides[i][1]};
        assert_int_equal(batch_check_images(&images, &err), sides[i][2]);
    }
    data.images.channels = 1;
    refused("images of 1 x 4 x 5");
    data.images.channels = 3;
    data.images.height = data.images.width = 8;
    refused("images of 3 x 8 x 8");
    data.batch.height = 4;
    refused("images of 3 x 4 x 8");
    data.batch.width = 5;
    taken();
    data.images.height = 3;
    refused("cannot be shrunk");
    data.images.height = 4;
    data.images.width = 4;
    refused("cannot be shrunk");
    data.images.width = 5;
    taken();
    end();
}

static void tensors_and_rows(void **state)
{
    (void)state;
    begin(4, 5);
    taken();
    static const struct {
        const char *name;
        enum program_tensor which;
        size_t count;
        const char *why; /* NULL: it is there */
    } cases[] = {{"prep.norm.bias", PROGRAM_VALUE, 2, NULL},
                 {"prep.norm.bias", PROGRAM_GRADIENT, 2, NULL},
                 {"prep.norm.bias", PROGRAM_MOMENTUM, 2, NULL},
                 {"prep.norm.bias", PROGRAM_EMA, 2, "the bare family keeps no averages"},
                 {"prep.norm.bias", PROGRAM_SLOW, 2, "the bare family keeps no averages"},
                 {"prep.norm.bias", PROGRAM_VALUE, 1, "holds 2 floats, not 1"},
                 {"prep.norm.bias", PROGRAM_VALUE, 3, "holds 2 floats, not 3"},
                 {"prep.norm.running_var", PROGRAM_VALUE, 2, NULL},
                 {"prep.norm.running_var", PROGRAM_GRADIENT, 2, "is not trained"},
                 {"prep.norm.running_var", PROGRAM_MOMENTUM, 2, "is not trained"},
                 {"nothing", PROGRAM_VALUE, 1, "no tensor or row 'nothing'"},
                 {"pool", PROGRAM_VALUE, 6, NULL}, /* two channels, three images */
                 {"pool", PROGRAM_GRADIENT, 6, NULL},
                 {"pool", PROGRAM_MOMENTUM, 6, "'pool' is a row"},
                 {"pool", PROGRAM_EMA, 6, "'pool' is a row"},
                 {"pool", PROGRAM_VALUE, 5, "holds 6 floats for 3 images, not 5"},
                 {"pool", PROGRAM_VALUE, 7, "holds 6 floats for 3 images, not 7"},
                 {"prep/act", PROGRAM_VALUE, 3 * 2 * 4 * 5, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err.text[0] = '\0';
        int row = plan_find_row(&plan, cases[i].name);
        int got = row >= 0 ? program_check_row(program, row, cases[i].which, cases[i].count, &err)
                           : program_find_tensor(program, cases[i].name, cases[i].which, cases[i].count, &err);
        if ((got < 0) != (cases[i].why != NULL) || (got < 0 && !strstr(err.text, cases[i].why)))
            fail_msg("case %zu: %d, '%s'", i, got, err.text);
        if (row < 0 && got >= 0)
            assert_string_equal(plan.tensors[got].name, cases[i].name);
    }
    end();
}

/* Each rule and role has its own rate, momentum and decay, and each tensor's scales apply to them. */
static void rates(void **state)
{
    (void)state;
    const struct hyper hyper = {.lr = 8,
                                .momentum = 0.5,
                                .weight_decay = 16,
                                .conv_bias_cut = 0.25,
                                .muon_lr = 32,
                                .muon_momentum = 0.75,
                                .lars_lr = 64};
    static const struct {
        enum plan_rule rule;
        enum plan_role role;
        double lr, momentum, weight_decay;
    } cases[] = {{PLAN_RULE_SGD, PLAN_CONV_WEIGHT, 8, 0.5, 16},
                 {PLAN_RULE_SGD, PLAN_CONV_BIAS, 6, 0.5, 16},
                 {PLAN_RULE_MUON, PLAN_CONV_WEIGHT, 32, 0.75, 0},
                 {PLAN_RULE_LARS, PLAN_CONV_WEIGHT, 64, 0.5, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (double scale = 1; scale <= 2; scale++) {
            const struct plan_tensor tensor = {
                .rule = cases[i].rule, .role = cases[i].role, .lr_scale = 2 * scale, .decay_scale = 3 * scale};
            struct hyper own = hyper_of_tensor(&hyper, &tensor);
            assert_true(own.lr == cases[i].lr * 2 * scale && own.momentum == cases[i].momentum);
            assert_true(own.weight_decay == cases[i].weight_decay * 3 * scale);
        }
    struct plan_tensor tensor = {.trained = true, .epochs = 2};
    assert_true(hyper_trains(&(struct hyper){.epoch = 1.75}, &tensor));
    assert_false(hyper_trains(&(struct hyper){.epoch = 2}, &tensor));
    tensor.epochs = 0;
    assert_true(hyper_trains(&(struct hyper){.epoch = 2}, &tensor));
    tensor.trained = false;
    assert_false(hyper_trains(&(struct hyper){.epoch = 0}, &tensor));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_programs), cmocka_unit_test(batches),          cmocka_unit_test(choices),
        cmocka_unit_test(sizes),        cmocka_unit_test(tensors_and_rows), cmocka_unit_test(rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
