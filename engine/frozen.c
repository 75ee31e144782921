#include "engine/frozen.h"

#include "engine/digest.h"
#include "engine/files.h"
#include "engine/knobs.h"
#include "engine/version.h"
#include "kernels/isa.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FROZEN_VERSION 1
#define PROGRAM_FILE "program.json"

static const char *library_name(const struct family *family)
{
    return family->library ? family->library() : "none";
}

static cJSON *steps_json(const struct plan *plan, const struct program_step *steps, int count)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "phase", phase_name(steps[i].phase));
        cJSON_AddStringToObject(item, "implementation", steps[i].impl);
        cJSON *rows = cJSON_AddArrayToObject(item, "rows");
        for (int k = 0; k < steps[i].n_rows; k++)
            cJSON_AddItemToArray(rows, cJSON_CreateString(plan->rows[steps[i].rows[k]].name));
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

/* What LAPACK made of the images: nothing else of a run goes through it. */
static void add_filters(cJSON *root, const struct session *session)
{
    char hex[DIGEST_HEX_SIZE];
    struct digest digest = {0};
    int node = session->filters ? network_find_whiten(&session->network) : -1;
    if (node < 0)
        return;
    int weight = plan_row_tensor(&session->plan, node, PLAN_CONV_WEIGHT);
    size_t size = session->plan.tensors[weight].count * sizeof *session->filters;
    if (digest_init(&digest, NULL) == 0 && digest_add(&digest, session->filters, size, NULL) == 0 &&
        digest_finish(&digest, hex, NULL) == 0)
        cJSON_AddStringToObject(root, "whitening_sha256", hex);
    digest_release(&digest);
}

static void add_recipe(cJSON *root, const struct recipe *recipe)
{
    char text[KNOB_TEXT_MAX];
    cJSON *object = cJSON_AddObjectToObject(root, "recipe");
    cJSON_AddStringToObject(object, "network", recipe->network);
    for (int i = 0; i < knob_count; i++) {
        knob_get(recipe, &knobs[i], text, sizeof text);
        cJSON_AddStringToObject(object, knobs[i].key, text);
    }
}

static cJSON *frozen_json(const struct session *session)
{
    const struct program *program = session->program;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "version", FROZEN_VERSION);
    cJSON_AddStringToObject(root, "davidnet", DAVIDNET_VERSION);
    cJSON_AddStringToObject(root, "family", session->family->name);
    cJSON_AddStringToObject(root, "library", library_name(session->family));
    cJSON_AddStringToObject(root, "precision", precision_name(session->precision));
    cJSON_AddNumberToObject(root, "threads", program->options.threads);
    cJSON_AddStringToObject(root, "isa", isa_name(isa_current()));
    cJSON_AddStringToObject(root, "data", session->dataset.source);
    cJSON_AddStringToObject(root, "data_sha256", session->dataset.sha256);
    add_filters(root, session);
    cJSON_AddNumberToObject(root, "compile_seconds", session->compile_seconds);
    cJSON_AddNumberToObject(root, "search_seconds", session->search_seconds);
    cJSON_AddItemToObject(root, "train", steps_json(program->plan, program->train, program->n_train));
    cJSON_AddItemToObject(root, "evaluate", steps_json(program->plan, program->eval, program->n_eval));
    return root;
}

static void file_name(const struct session *session, char out[32])
{
    int height, width;
    session_size(session, &height, &width);
    if (height)
        snprintf(out, 32, "program-%dx%d.json", width, height);
    else
        snprintf(out, 32, PROGRAM_FILE);
}

int frozen_write(const struct session *session, const struct run_folder *folder, const struct recipe *recipe,
                 struct error *err)
{
    cJSON *root = frozen_json(session);
    if (recipe)
        add_recipe(root, recipe);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return error_set(err, "out of memory for program.json");
    char name[32];
    file_name(session, name);
    int status = run_folder_replace(folder, name, text, strlen(text), err);
    free(text);
    return status;
}

static cJSON *frozen_load(const struct run_folder *folder, const char *name, struct error *err)
{
    char path[RUN_PATH_MAX + 32];
    run_folder_path(folder, name, path, sizeof path);
    struct error why = {""};
    char *text;
    size_t size;
    if (file_read(path, 4 << 20, &text, &size, &why)) {
        error_set(err, "%s; without it the run cannot be resumed as it was", why.text);
        return NULL;
    }
    cJSON *root = cJSON_Parse(text);
    free(text);
    if (!root)
        error_set(err, "%s: not a JSON object; the file is damaged", path);
    return root;
}

static const char *text_of(const cJSON *root, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* The value that the run began with; NULL: not known. */
static const char *began_with(const cJSON *root, const char *key)
{
    const cJSON *recipe = cJSON_GetObjectItemCaseSensitive(root, "recipe");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(recipe, key));
}

static int compare_recipe(const cJSON *root, const struct run_folder *folder, const struct recipe *recipe,
                          struct error *err)
{
    static const char undo[] = "undo that, or train another run with `davidnet train --recipe`";
    const char *was = began_with(root, "network");
    if (was && strcmp(was, recipe->network) != 0)
        return error_set(err, "%s/recipe.ini was changed after the run began: its network is another one; %s",
                         folder->path, undo);
    for (int i = 0; i < knob_count; i++) {
        char is[KNOB_TEXT_MAX];
        was = began_with(root, knobs[i].key);
        knob_get(recipe, &knobs[i], is, sizeof is);
        if (was && strcmp(was, is) != 0 && strcmp(knobs[i].section, "run") != 0 && strcmp(knobs[i].key, "data") != 0)
            return error_set(err, "%s/recipe.ini was changed after the run began: %s is '%.80s', and was '%.80s'; %s",
                             folder->path, knobs[i].key, is, was, undo);
    }
    return 0;
}

int frozen_check_recipe(const struct run_folder *folder, const struct recipe *recipe, struct error *err)
{
    char path[RUN_PATH_MAX + 32];
    run_folder_path(folder, PROGRAM_FILE, path, sizeof path);
    if (access(path, F_OK) != 0)
        return 0;
    cJSON *root = frozen_load(folder, PROGRAM_FILE, err);
    int status = root ? compare_recipe(root, folder, recipe, err) : -1;
    cJSON_Delete(root);
    return status;
}

int frozen_apply(const struct run_folder *folder, struct recipe *recipe, struct error *err)
{
    static const struct {
        const char *name;
        enum recipe_precision precision;
    } precisions[] = {{"f32", RECIPE_PRECISION_F32},
                      {"bf16", RECIPE_PRECISION_BF16},
                      {"f16", RECIPE_PRECISION_F16},
                      {"tf32", RECIPE_PRECISION_TF32}};
    cJSON *root = frozen_load(folder, PROGRAM_FILE, err);
    if (!root)
        return -1;
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++)
        if (strcmp(text_of(root, "precision"), precisions[i].name) == 0)
            recipe->precision = precisions[i].precision;
    if (strcmp(text_of(root, "family"), "ref") == 0)
        recipe->device = RECIPE_DEVICE_REF;
    else if (strcmp(text_of(root, "family"), "cpu") == 0)
        recipe->device = RECIPE_DEVICE_CPU;
    else if (strcmp(text_of(root, "family"), "cuda") == 0)
        recipe->device = RECIPE_DEVICE_CUDA;
    const cJSON *threads = cJSON_GetObjectItemCaseSensitive(root, "threads");
    if (cJSON_IsNumber(threads))
        recipe->threads = threads->valueint;
    const char *data = began_with(root, "data");
    if (!data || strcmp(data, recipe->data) == 0) /* else it was moved */
        snprintf(recipe->data, sizeof recipe->data, "%s", text_of(root, "data"));
    cJSON_Delete(root);
    return 0;
}

int frozen_data(const struct run_folder *folder, char source[512], char sha256[65], struct error *err)
{
    cJSON *root = frozen_load(folder, PROGRAM_FILE, err);
    if (!root)
        return -1;
    snprintf(source, 512, "%s", text_of(root, "data"));
    snprintf(sha256, 65, "%s", text_of(root, "data_sha256"));
    cJSON_Delete(root);
    return 0;
}

static double number_of(const cJSON *root, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

void frozen_compile_seconds(const struct run_folder *folder, double *compile, double *search)
{
    cJSON *root = frozen_load(folder, PROGRAM_FILE, NULL);
    *compile = number_of(root, "compile_seconds");
    *search = number_of(root, "search_seconds");
    cJSON_Delete(root);
}

int frozen_move_data(const struct run_folder *folder, const char *source, struct error *err)
{
    cJSON *root = frozen_load(folder, PROGRAM_FILE, err);
    if (!root)
        return -1;
    int status = 0;
    if (strcmp(text_of(root, "data"), source) != 0) {
        cJSON_ReplaceItemInObjectCaseSensitive(root, "data", cJSON_CreateString(source));
        char *text = cJSON_Print(root);
        status = text ? run_folder_replace(folder, PROGRAM_FILE, text, strlen(text), err)
                      : error_set(err, "out of memory for program.json");
        free(text);
    }
    cJSON_Delete(root);
    return status;
}

static int compare_text(const cJSON *was, const cJSON *is, const char *key, const char *path, struct error *err)
{
    if (strcmp(text_of(was, key), text_of(is, key)) == 0)
        return 0;
    return error_set(err, "%s: this run was made with %s %s, and here it is %s: its results would not be repeated",
                     path, key, text_of(was, key), text_of(is, key));
}

static int compare_steps(const cJSON *was, const cJSON *is, const char *key, const char *path, struct error *err)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(was, key), *b = cJSON_GetObjectItemCaseSensitive(is, key);
    if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b))
        return error_set(err,
                         "%s: the program had %d %s steps, and here it has %d: another version of davidnet made it",
                         path, cJSON_GetArraySize(a), key, cJSON_GetArraySize(b));
    for (int i = 0; i < cJSON_GetArraySize(a); i++) {
        const cJSON *x = cJSON_GetArrayItem(a, i), *y = cJSON_GetArrayItem(b, i);
        if (cJSON_Compare(x, y, 1))
            continue;
        const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(x, "rows"), 0);
        return error_set(err, "%s: %s of %s was done by %s, and here by %s: its results would not be repeated", path,
                         text_of(x, "phase"), cJSON_IsString(row) ? row->valuestring : "a row",
                         text_of(x, "implementation"), text_of(y, "implementation"));
    }
    return 0;
}

/* Of one that says neither, as the first ones did, nothing is known to differ. */
static int compare_versions(const cJSON *was, const char *path, struct error *err)
{
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(was, "version");
    const char *davidnet = text_of(was, "davidnet");
    if (davidnet[0] && strcmp(davidnet, DAVIDNET_VERSION) != 0)
        return error_set(err,
                         "%s: this run was made with davidnet %s, and this is %s: its results would not be repeated. "
                         "Resume it with that version, or start a new run from its weights with --init",
                         path, davidnet, DAVIDNET_VERSION);
    if (cJSON_IsNumber(version) && version->valueint != FROZEN_VERSION)
        return error_set(err, "%s: its format is version %d, and this davidnet knows version %d", path,
                         version->valueint, FROZEN_VERSION);
    return 0;
}

/* Older ones do not say. */
static int compare_filters(const cJSON *was, const cJSON *is, const char *path, struct error *err)
{
    const char *before = text_of(was, "whitening_sha256"), *now = text_of(is, "whitening_sha256");
    if (!before[0] || strcmp(before, now) == 0)
        return 0;
    return error_set(err,
                     "%s: the whitening filters (whitening_sha256) come out otherwise here than in this run: LAPACK is "
                     "another version, or the processor another kind; its results would not be repeated",
                     path);
}

int frozen_check(const struct session *session, const struct run_folder *folder, struct error *err)
{
    static const char *const keys[] = {"family", "library", "precision", "isa", "data_sha256"};
    char path[RUN_PATH_MAX + 32], name[32];
    file_name(session, name);
    run_folder_path(folder, name, path, sizeof path);
    cJSON *was = frozen_load(folder, name, err);
    if (!was)
        return -1;
    cJSON *is = frozen_json(session);
    int status = compare_versions(was, path, err);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !status; i++)
        status = compare_text(was, is, keys[i], path, err);
    if (!status)
        status = compare_filters(was, is, path, err);
    const cJSON *threads = cJSON_GetObjectItemCaseSensitive(was, "threads");
    if (!status && cJSON_IsNumber(threads) && threads->valueint != session->program->options.threads)
        status = error_set(err, "%s: this run was made with %d threads, and here there are %d", path, threads->valueint,
                           session->program->options.threads);
    if (!status)
        status = compare_steps(was, is, "train", path, err);
    if (!status)
        status = compare_steps(was, is, "evaluate", path, err);
    cJSON_Delete(was);
    cJSON_Delete(is);
    return status;
}

int frozen_keep(const struct session *session, const struct run_folder *folder, struct error *err)
{
    char path[RUN_PATH_MAX + 32], name[32];
    file_name(session, name);
    run_folder_path(folder, name, path, sizeof path);
    return access(path, F_OK) == 0 ? frozen_check(session, folder, err) : frozen_write(session, folder, NULL, err);
}
