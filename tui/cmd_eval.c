/* `davidnet eval`: accuracy, loss and confusion of a run's newest checkpoint or of a model file. */
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/options.h"

#include "engine/checkpoint.h"
#include "engine/evaluate.h"
#include "engine/knobs.h"
#include "engine/safetensors.h"
#include "engine/session.h"

#include <cjson/cJSON.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const struct command command_eval;

struct eval {
    struct recipe_options options;
    int json, tta;
    const char *what, *logits_file;
    struct session session;
    struct step_result result;
    int done, batches;                                            /* looked at, in one view each; of how many */
    float *logits;                                                /* [test images][classes] */
    uint32_t confusion[DATASET_CLASSES_MAX][DATASET_CLASSES_MAX]; /* [true][predicted] */
};

static int is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* RUN/checkpoint-N/model.safetensors lies in a run: its recipe is the one to use. 1 if so. */
static int recipe_beside(const char *model, struct recipe *recipe, struct error *err)
{
    char path[RUN_PATH_MAX + 32], copy[RUN_PATH_MAX];
    snprintf(copy, sizeof copy, "%s", model);
    snprintf(path, sizeof path, "%.*s/../recipe.ini", RUN_PATH_MAX - 1, dirname(copy));
    if (!is_file(path))
        return 0;
    return recipe_read(path, recipe, err) ? -1 : 1;
}

/* A run has a recipe: of the options only those apply that leave its network and its weights as they are. */
static int adapt(const struct eval *e, struct recipe *recipe, struct error *err)
{
    static const char *const free_knobs[] = {"data",         "eval",      "tta",     "tta_share", "device",
                                             "device_index", "precision", "threads", "isa"};
    const struct recipe_request *request = &e->options.request;
    int other = request->preset || request->file || request->n_on || request->n_off || request->epochs > 0;
    for (int i = 0; i < request->n_sets && !other; i++) {
        size_t k = 0, n = sizeof free_knobs / sizeof *free_knobs, length = strcspn(request->sets[i], "=");
        while (k < n && (strlen(free_knobs[k]) != length || strncmp(free_knobs[k], request->sets[i], length) != 0))
            k++;
        other = k == n;
        if (!other && knob_set(recipe, knob_find(free_knobs[k]), request->sets[i] + length + 1, err))
            return -1;
    }
    if (other)
        return error_set(err,
                         "%.200s has its own recipe: only --tta, --data, --device, --precision, --threads, --isa and "
                         "--set eval=, tta= and tta_share= can be given with it",
                         e->what);
    return recipe_check(recipe, err);
}

static int open_session(struct eval *e, struct recipe *recipe, struct error *err)
{
    if (e->tta && recipe->tta == RECIPE_TTA_NONE)
        recipe->tta = RECIPE_TTA_FLIP;
    return session_open_data(&e->session, recipe, err) || session_compile(&e->session, 0, err) ? -1 : 0;
}

/* What is wrong with the model is said before the data is read, which takes seconds. */
static int check_model(const char *model, const struct recipe *recipe, struct error *err)
{
    struct recipe checked = *recipe;
    struct plan *plan = malloc(sizeof *plan); /* large */
    if (!plan)
        return error_set(err, "out of memory for the network's plan");
    int status = session_check(&checked, plan, err) || checkpoint_check_model(model, plan, err);
    free(plan);
    return status ? -1 : 0;
}

static int load_run(struct eval *e, const struct run_folder *folder, struct error *err)
{
    struct recipe recipe;
    char path[RUN_PATH_MAX + 32], model[RUN_PATH_MAX + 160];
    run_folder_path(folder, "recipe.ini", path, sizeof path);
    if (recipe_read(path, &recipe, err) || adapt(e, &recipe, err) ||
        checkpoint_newest_model(folder, model, sizeof model, err))
        return -1;
    if (err->text[0]) /* of an older one: never in silence */
        command_fail("%s", err->text);
    err->text[0] = '\0';
    if (check_model(model, &recipe, err) || open_session(e, &recipe, err))
        return -1;
    return checkpoint_read_model(model, &e->session.plan, e->session.program, err);
}

static int load(struct eval *e, struct error *err)
{
    struct recipe recipe;
    struct run_folder folder;
    if (!is_file(e->what))
        return run_folder_find(&folder, e->what, err) ? -1 : load_run(e, &folder, err);
    int beside = recipe_beside(e->what, &recipe, err);
    if (beside < 0 || (beside ? adapt(e, &recipe, err) : recipe_options_resolve(&e->options, &recipe, err)))
        return -1;
    if (check_model(e->what, &recipe, err) || open_session(e, &recipe, err))
        return -1;
    return checkpoint_read_model(e->what, &e->session.plan, e->session.program, err);
}

/* After each batch. */
static int tell(void *self)
{
    struct eval *e = self;
    e->done++;
    command_progress("evaluating: batch", e->done, e->batches);
    return 0;
}

static int evaluate(struct eval *e, struct error *err)
{
    struct session *s = &e->session;
    const struct images *test = &s->dataset.test;
    size_t classes = (size_t)s->plan.classes;
    e->logits = malloc(test->count * classes * sizeof *e->logits);
    if (!e->logits)
        return error_set(err, "out of memory for the logits");
    e->batches = (int)evaluate_batches(s);
    int status = session_evaluate(s, e->logits, &e->result, tell, e, err);
    command_progress(NULL, 0, 0);
    if (status)
        return -1;
    for (uint32_t i = 0; i < test->count; i++) {
        const float *logits = e->logits + i * classes;
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (logits[c] > logits[best])
                best = c;
        e->confusion[test->labels[i]][best]++;
    }
    return 0;
}

static int write_logits(const struct eval *e, struct error *err)
{
    struct safetensors_entry entry = {.name = "logits", .type = SAFETENSORS_F32, .n_dims = 2, .data = e->logits};
    entry.dims[0] = e->session.dataset.test.count;
    entry.dims[1] = e->session.plan.classes;
    entry.bytes = (size_t)(entry.dims[0] * entry.dims[1]) * sizeof *e->logits;
    return safetensors_write(e->logits_file, &entry, 1, NULL, 0, err);
}

static void print_json(const struct eval *e)
{
    int classes = e->session.plan.classes;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "event", "eval");
    cJSON_AddStringToObject(root, "data", e->session.dataset.source);
    cJSON_AddStringToObject(root, "eval", e->session.recipe.eval == RECIPE_EVAL_HOLDOUT ? "holdout" : "test");
    cJSON_AddNumberToObject(root, "views", evaluate_views(&e->session.recipe));
    cJSON_AddNumberToObject(root, "images", e->result.n);
    cJSON_AddNumberToObject(root, "test_acc", step_result_accuracy(&e->result));
    cJSON_AddNumberToObject(root, "test_loss", e->result.loss_sum / e->result.n);
    cJSON *names = cJSON_AddArrayToObject(root, "classes");
    cJSON *matrix = cJSON_AddArrayToObject(root, "confusion");
    for (int i = 0; i < classes; i++) {
        cJSON_AddItemToArray(names, cJSON_CreateString(e->session.dataset.class_name[i]));
        cJSON *line = cJSON_CreateArray();
        for (int k = 0; k < classes; k++)
            cJSON_AddItemToArray(line, cJSON_CreateNumber(e->confusion[i][k]));
        cJSON_AddItemToArray(matrix, line);
    }
    command_print_json(root, 0);
}

static void print_table(const struct eval *e)
{
    int classes = e->session.plan.classes;
    const struct dataset *dataset = &e->session.dataset;
    int views = evaluate_views(&e->session.recipe);
    printf("%d images of %s", e->result.n, dataset->source);
    if (views > 1)
        printf(", in %d views", views);
    printf(": accuracy %.2f %%, loss %.4f\n", step_result_accuracy(&e->result), e->result.loss_sum / e->result.n);
    printf("\ntrue class (rows) and predicted class (columns), images:\n%-12s", "");
    for (int k = 0; k < classes; k++) {
        putchar(' ');
        columns_print(stdout, dataset->class_name[k], 5, 1);
    }
    putchar('\n');
    for (int i = 0; i < classes; i++) {
        columns_print(stdout, dataset->class_name[i], 12, 0);
        for (int k = 0; k < classes; k++)
            printf(" %5u", e->confusion[i][k]);
        putchar('\n');
    }
}

static int run_eval(struct eval *e)
{
    struct error err = {""};
    command_progress("loading the data set and the model", 0, 0);
    int status = load(e, &err);
    command_progress(NULL, 0, 0);
    status = status || evaluate(e, &err) || (e->logits_file && write_logits(e, &err));
    if (!status && e->json)
        print_json(e);
    else if (!status)
        print_table(e);
    free(e->logits);
    session_release(&e->session);
    return status ? command_fail("%s", err.text) : EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct eval *e = calloc(1, sizeof *e);
    struct error err = {""};
    if (!e)
        return command_fail("out of memory");
    int code = EXIT_OK;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_eval, argc, argv, &i, &flag, &value);
        if (taken < 0)
            code = EXIT_USAGE;
        else if (taken && value)
            e->logits_file = value;
        else if (taken && strcmp(flag, "--tta") == 0)
            e->tta = 1;
        else if (taken)
            e->json = 1;
        else if (argv[i][0] != '-' && !e->what)
            e->what = argv[i];
        else if ((taken = recipe_options_take(&e->options, argc, argv, &i, &err)) < 0)
            code = command_usage_error(&command_eval, "%s", err.text);
        else if (!taken)
            code = command_unknown(&command_eval, argv[i]);
    }
    if (code == EXIT_OK && !e->what)
        code = command_usage_error(&command_eval, "say what: a run, or a model.safetensors");
    else if (code == EXIT_OK)
        code = run_eval(e);
    free(e);
    return code;
}

static const struct command_option options[] = {
    {"--logits", "FILE", "write the logits [images, classes] to a safetensors file", "FILE"},
    {"--tta", NULL,
     "average over each image and its mirror, if the recipe averages over nothing (--set tta=shift: six views)", NULL},
    {"--json", NULL, "one JSON object", NULL},
    {0},
};

const struct command command_eval = {
    .name = "eval",
    .summary = "accuracy, loss and confusion of a checkpoint",
    .usage =
        "usage: davidnet eval RUN|FILE [OPTION]...\n\n"
        "Accuracy, loss and confusion of a run's newest checkpoint, or of a model.safetensors. A run, and a file\n"
        "inside one, is evaluated as it was trained; --tta, --data, --device, --precision, --threads and --isa say\n"
        "otherwise. A file outside a run needs to be told its network (--preset, --recipe, --set).\n",
    .options = options,
    .takes_recipe = 1,
    .words = "RUN",
    .run = run,
};
