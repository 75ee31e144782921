#include "engine/timing.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "davidnet-timing"
#define VERSION 1

/* ---- writing ---- */

static void add_number(cJSON *object, const char *key, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

static cJSON *row_json(const struct timing *timing, int index)
{
    const struct timing_row *row = &timing->rows[index];
    const int shape[3] = {row->shape.c, row->shape.h, row->shape.w};
    char impl[512];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", row->name);
    cJSON_AddStringToObject(object, "op", row->op);
    cJSON_AddItemToObject(object, "shape", cJSON_CreateIntArray(shape, 3));
    add_number(object, "forward_flops", row->forward_flops);
    add_number(object, "backward_flops", row->backward_flops);
    cJSON *ms = cJSON_AddObjectToObject(object, "ms"), *fused = cJSON_AddObjectToObject(object, "fused_into");
    for (int p = 0; p < PHASE_COUNT; p++) {
        struct timing_cell cell = timing_cell(timing, index, (enum phase)p);
        if (cell.kind == TIMING_OWN)
            add_number(ms, phase_name((enum phase)p), cell.ms);
        else if (cell.kind == TIMING_FUSED)
            cJSON_AddStringToObject(fused, phase_name((enum phase)p), timing->rows[cell.fused_into].name);
    }
    timing_implementation(timing, index, impl, sizeof impl);
    cJSON_AddStringToObject(object, "implementation", impl);
    return object;
}

static cJSON *step_json(const struct timing *timing, const struct timing_step *step)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "phase", phase_name(step->phase));
    cJSON *rows = cJSON_AddArrayToObject(object, "rows");
    for (int k = 0; k < step->n_rows; k++)
        cJSON_AddItemToArray(rows, cJSON_CreateString(timing->rows[step->rows[k]].name));
    cJSON_AddStringToObject(object, "implementation", step->impl);
    add_number(object, "ms", step->ms);
    return object;
}

char *timing_to_json(const struct timing *timing, struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", FORMAT);
    cJSON_AddNumberToObject(root, "version", VERSION);
    cJSON_AddStringToObject(root, "family", timing->family);
    cJSON_AddStringToObject(root, "precision", timing->precision);
    cJSON_AddNumberToObject(root, "threads", timing->threads);
    cJSON_AddNumberToObject(root, "train_steps", (double)timing->train_steps);
    add_number(root, "images_per_step", timing->images_per_step);
    add_number(root, "step_ms", timing_step_ms(timing));
    cJSON_AddNumberToObject(root, "eval_batches", (double)timing->eval_batches);
    add_number(root, "eval_batch_ms", timing->eval_batch_ms);
    cJSON *phases = cJSON_AddObjectToObject(root, "phases");
    for (int p = 0; p < PHASE_COUNT; p++)
        add_number(phases, phase_name((enum phase)p), timing_phase_ms(timing, (enum phase)p));
    cJSON *rows = cJSON_AddArrayToObject(root, "rows"), *steps = cJSON_AddArrayToObject(root, "steps");
    for (int i = 0; i < timing->n_rows; i++)
        cJSON_AddItemToArray(rows, row_json(timing, i));
    for (int i = 0; i < timing->n_steps; i++)
        cJSON_AddItemToArray(steps, step_json(timing, &timing->steps[i]));
    char *compact = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    char *text = compact ? malloc(strlen(compact) + 2) : NULL;
    if (text != NULL)
        sprintf(text, "%s\n", compact);
    else
        error_set(err, "no memory for the timing breakdown");
    cJSON_free(compact);
    return text;
}

/* ---- reading ---- */

static void copy_text(const cJSON *item, char *out, size_t size)
{
    snprintf(out, size, "%s", cJSON_IsString(item) ? item->valuestring : "");
    for (char *c = out; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* A count of at least 0; 0 when it is none. */
static uint64_t count_of(const cJSON *object, const char *key)
{
    double value = number(object, key);
    return value >= 0 && value < 9e15 ? (uint64_t)value : 0;
}

static int row_named(const struct timing *timing, const char *name)
{
    for (int i = 0; i < timing->n_rows; i++)
        if (strcmp(timing->rows[i].name, name) == 0)
            return i;
    return -1;
}

static int read_rows(struct timing *timing, const cJSON *rows, const char *name, struct error *err)
{
    int n = cJSON_GetArraySize(rows);
    if (n < 1 || n > PLAN_ROWS_MAX)
        return error_set(err, "%s: it has %d rows; 1 to %d are expected", name, n, PLAN_ROWS_MAX);
    timing->rows = calloc((size_t)n, sizeof *timing->rows);
    if (timing->rows == NULL)
        return error_set(err, "%s: no memory to read it", name);
    for (const cJSON *item = rows->child; item != NULL; item = item->next) {
        struct timing_row *row = &timing->rows[timing->n_rows];
        int *shape[3] = {&row->shape.c, &row->shape.h, &row->shape.w};
        copy_text(cJSON_GetObjectItemCaseSensitive(item, "name"), row->name, sizeof row->name);
        copy_text(cJSON_GetObjectItemCaseSensitive(item, "op"), row->op, sizeof row->op);
        const cJSON *dims = cJSON_GetObjectItemCaseSensitive(item, "shape");
        for (int d = 0; d < 3; d++)
            *shape[d] = cJSON_IsNumber(cJSON_GetArrayItem(dims, d)) ? cJSON_GetArrayItem(dims, d)->valueint : 0;
        row->forward_flops = number(item, "forward_flops");
        row->backward_flops = number(item, "backward_flops");
        if (row->name[0] == '\0' || row_named(timing, row->name) >= 0)
            return error_set(err, "%s: row %d has no name of its own", name, timing->n_rows + 1);
        timing->n_rows++;
    }
    return 0;
}

static int read_steps(struct timing *timing, const cJSON *steps, const char *name, struct error *err)
{
    timing->steps = calloc((size_t)cJSON_GetArraySize(steps) + 1, sizeof *timing->steps);
    if (timing->steps == NULL)
        return error_set(err, "%s: no memory to read it", name);
    for (const cJSON *item = steps ? steps->child : NULL; item != NULL; item = item->next) {
        struct timing_step *step = &timing->steps[timing->n_steps++];
        char text[PLAN_NAME_MAX];
        copy_text(cJSON_GetObjectItemCaseSensitive(item, "phase"), text, sizeof text);
        int phase = 0;
        while (phase < PHASE_COUNT && strcmp(phase_name((enum phase)phase), text) != 0)
            phase++;
        if (phase == PHASE_COUNT)
            return error_set(err, "%s: step %d has no known phase", name, timing->n_steps);
        step->phase = (enum phase)phase;
        copy_text(cJSON_GetObjectItemCaseSensitive(item, "implementation"), step->impl, sizeof step->impl);
        step->ms = number(item, "ms");
        const cJSON *rows = cJSON_GetObjectItemCaseSensitive(item, "rows");
        for (const cJSON *row = rows ? rows->child : NULL; row != NULL; row = row->next) {
            copy_text(row, text, sizeof text);
            int index = row_named(timing, text);
            if (index < 0 || step->n_rows == (int)(sizeof step->rows / sizeof step->rows[0]))
                return error_set(err, "%s: step %d covers a row that is not in rows, or too many", name,
                                 timing->n_steps);
            step->rows[step->n_rows++] = index;
        }
    }
    return 0;
}

int timing_from_json(struct timing *timing, const char *text, const char *name, struct error *err)
{
    memset(timing, 0, sizeof *timing);
    cJSON *root = cJSON_Parse(text);
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(root, "format");
    int rc;
    if (root == NULL)
        rc = error_set(err, "%s: not valid JSON", name);
    else if (!cJSON_IsString(format) || strcmp(format->valuestring, FORMAT) != 0)
        rc = error_set(err, "%s: not a timing breakdown: its format is not " FORMAT, name);
    else if (number(root, "version") != VERSION)
        rc = error_set(err, "%s: its version is not %d; read it with the davidnet that wrote it", name, VERSION);
    else {
        copy_text(cJSON_GetObjectItemCaseSensitive(root, "family"), timing->family, sizeof timing->family);
        copy_text(cJSON_GetObjectItemCaseSensitive(root, "precision"), timing->precision, sizeof timing->precision);
        timing->threads = (int)(count_of(root, "threads") & 0xffffff);
        timing->train_steps = count_of(root, "train_steps");
        timing->eval_batches = count_of(root, "eval_batches");
        timing->images_per_step = number(root, "images_per_step");
        timing->eval_batch_ms = number(root, "eval_batch_ms");
        rc = read_rows(timing, cJSON_GetObjectItemCaseSensitive(root, "rows"), name, err);
        if (rc == 0)
            rc = read_steps(timing, cJSON_GetObjectItemCaseSensitive(root, "steps"), name, err);
    }
    cJSON_Delete(root);
    if (rc < 0)
        timing_release(timing);
    return rc;
}
