#include "engine/timing_export.h"

#include "engine/files.h"
#include "engine/json.h"
#include "engine/run_folder.h"
#include "engine/timing_check.h"
#include "engine/utf8.h"
#include "kernels/work.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)16 << 20) /* of a file; a real one has some kilobytes */
#define STEPS_MAX (16 * PLAN_ROWS_MAX)

/* ---- writing ---- */

static cJSON *row_json(const struct timing *timing, int index)
{
    const struct timing_row *row = &timing->rows[index];
    const int shape[3] = {row->shape.c, row->shape.h, row->shape.w};
    char impl[512];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", row->name);
    cJSON_AddStringToObject(object, "op", row->op);
    cJSON_AddItemToObject(object, "shape", cJSON_CreateIntArray(shape, 3));
    json_add_number(object, "forward_flops", row->forward_flops);
    json_add_number(object, "backward_flops", row->backward_flops);
    json_add_number(object, "activation_bytes", row->activation_bytes);
    json_add_number(object, "weight_bytes", row->weight_bytes);
    cJSON *ms = cJSON_AddObjectToObject(object, "ms"), *fused = cJSON_AddObjectToObject(object, "fused_into");
    for (int p = 0; p < PHASE_COUNT; p++) {
        struct timing_cell cell = timing_cell(timing, index, (enum phase)p);
        if (cell.kind == TIMING_OWN)
            json_add_number(ms, phase_name((enum phase)p), cell.ms);
        else if (cell.kind == TIMING_FUSED)
            cJSON_AddStringToObject(fused, phase_name((enum phase)p), timing->rows[cell.fused_into].name);
    }
    timing_implementation(timing, index, impl, sizeof impl);
    cJSON_AddStringToObject(object, "implementation", impl);
    struct timing_sum sum = timing_sum(timing, index, TIMING_ALL_PHASES);
    json_add_number(object, "total_ms", sum.ms);
    json_add_number(object, "total_ms_sd", sum.ms_sd);
    json_add_number(object, "flops", sum.flops);
    json_add_number(object, "bytes", sum.bytes);
    json_add_number(object, "gflops", sum.gflops);
    json_add_number(object, "gigabytes", sum.gigabytes);
    json_add_number(object, "floor_ms", sum.floor_ms);
    json_add_number(object, "ceiling", sum.ceiling);
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
    json_add_number(object, "ms", step->ms);
    json_add_number(object, "ms_sd", step->ms_sd);
    json_add_number(object, "ms_min", step->ms_min);
    json_add_number(object, "flops", step->flops);
    json_add_number(object, "work", work_share(step->impl));
    json_add_number(object, "bytes", step->bytes);
    json_add_number(object, "floor_ms", timing_floor_ms(timing, step));
    cJSON *history = cJSON_AddArrayToObject(object, "history");
    for (int i = 0; i < timing->n_history; i++) { /* tenths of microseconds: digits beyond would be noise */
        double ms = timing->history[i * timing->n_steps + (int)(step - timing->steps)];
        cJSON_AddItemToArray(history, isnan(ms) ? cJSON_CreateNull() : cJSON_CreateNumber(round(ms * 1e4) / 1e4));
    }
    return object;
}

/* The run as a whole: who, where, how fast at best. */
static void add_machine(cJSON *root, const struct timing *timing)
{
    const struct timing_machine *machine = &timing->machine;
    cJSON_AddStringToObject(root, "davidnet", machine->davidnet);
    cJSON_AddStringToObject(root, "commit", machine->commit);
    cJSON_AddStringToObject(root, "family", timing->family);
    cJSON_AddStringToObject(root, "device", machine->device);
    cJSON_AddStringToObject(root, "isa", machine->isa);
    cJSON_AddStringToObject(root, "library", machine->library);
    cJSON_AddStringToObject(root, "precision", timing->precision);
    cJSON_AddNumberToObject(root, "threads", timing->threads);
    cJSON *ceilings = cJSON_AddObjectToObject(root, "ceilings");
    json_add_number(ceilings, "flops", machine->flops);
    json_add_number(ceilings, "bytes", machine->bytes);
    cJSON_AddBoolToObject(ceilings, "noisy", machine->noisy);
    cJSON_AddBoolToObject(ceilings, "trusted", timing_trusted(timing));
}

/* Parts that are not known are null; of hidden work only what is known is named. */
static void add_parts(cJSON *root, const struct timing *timing)
{
    cJSON_AddStringToObject(root, "phases_unit", TIMING_PARTS_UNIT);
    cJSON *parts = cJSON_AddObjectToObject(root, "phases"), *hidden = cJSON_AddObjectToObject(root, "hidden");
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        json_add_number(parts, timing_part_name((enum timing_part)p), timing_part_ms(timing, (enum timing_part)p));
        if (isfinite(timing->hidden_ms[p]))
            json_add_number(hidden, timing_part_name((enum timing_part)p), timing->hidden_ms[p]);
    }
    struct timing_bound bound = timing_bound(timing);
    cJSON *object = cJSON_AddObjectToObject(root, "bound");
    json_add_number(object, "compute", bound.compute);
    json_add_number(object, "bandwidth", bound.bandwidth);
    json_add_number(object, "overhead", bound.overhead);
    json_add_number(object, "floor_ms", bound.floor_ms);
    json_add_number(object, "train_ms", bound.train_ms);
}

static void add_origin(cJSON *root, const struct timing_origin *origin)
{
    cJSON_AddStringToObject(root, "run", origin->run);
    cJSON_AddStringToObject(root, "recipe", origin->preset);
    cJSON_AddStringToObject(root, "summary", origin->summary);
    cJSON_AddNumberToObject(root, "seed", (double)origin->seed);
    cJSON_AddStringToObject(root, "eval", origin->eval);
    cJSON_AddStringToObject(root, "command", origin->command);
}

/* origin: NULL, or whose it is. */
static char *write_json(const struct timing *timing, const struct timing_origin *origin, struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", TIMING_FORMAT);
    cJSON_AddNumberToObject(root, "version", TIMING_VERSION);
    if (origin != NULL)
        add_origin(root, origin);
    add_machine(root, timing);
    cJSON_AddNumberToObject(root, "train_steps", (double)timing->train_steps);
    cJSON_AddNumberToObject(root, "from_step", (double)timing->from_step);
    json_add_number(root, "to_step", timing->to_step > 0 ? (double)timing->to_step : (double)NAN);
    json_add_number(root, "images_per_step", timing->images_per_step);
    json_add_number(root, "step_ms", timing_step_ms(timing));
    json_add_number(root, "wall_ms", timing->wall_ms);
    json_add_number(root, "timing_percent", timing->timing_percent);
    cJSON *costs = cJSON_AddObjectToObject(root, "timing_costs");
    for (int c = 0; c < TIMING_COSTS; c++)
        json_add_number(costs, timing_cost_name((enum timing_cost)c), timing->costs[c]);
    cJSON_AddNumberToObject(root, "eval_batches", (double)timing->eval_batches);
    json_add_number(root, "eval_batch_ms", timing->eval_batch_ms);
    add_parts(root, timing);
    cJSON_AddNumberToObject(root, "history_epochs", timing->history_epochs);
    cJSON_AddNumberToObject(root, "history_last", timing->history_last);
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

char *timing_to_json(const struct timing *timing, struct error *err)
{
    return write_json(timing, NULL, err);
}

char *timing_export_json(const struct timing *timing, const struct timing_origin *origin, struct error *err)
{
    return write_json(timing, origin, err);
}

/* ---- reading ---- */

static void copy_text(const cJSON *item, char *out, size_t size)
{
    snprintf(out, size, "%s", cJSON_IsString(item) ? item->valuestring : "");
    utf8_tame(out, "", '?');
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

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int read_rows(struct timing *timing, const cJSON *rows, const char *name, struct error *err)
{
    int n = 0;
    for (const cJSON *item = rows->child; item != NULL; item = item->next) {
        struct timing_row *row = &timing->rows[n];
        int *shape[3] = {&row->shape.c, &row->shape.h, &row->shape.w};
        copy_text(member(item, "name"), row->name, sizeof row->name);
        copy_text(member(item, "op"), row->op, sizeof row->op);
        const cJSON *dims = member(item, "shape");
        for (int d = 0; d < 3; d++)
            *shape[d] = cJSON_IsNumber(cJSON_GetArrayItem(dims, d)) ? cJSON_GetArrayItem(dims, d)->valueint : 0;
        row->forward_flops = number(item, "forward_flops");
        row->backward_flops = number(item, "backward_flops");
        row->activation_bytes = number(item, "activation_bytes");
        row->weight_bytes = number(item, "weight_bytes");
        if (row->name[0] == '\0' || row_named(timing, row->name) != n)
            return error_set(err, "%s: row %d has no name of its own: the file was edited", name, n + 1);
        n++;
    }
    return 0;
}

static int read_covered(const struct timing *timing, struct timing_step *step, const cJSON *rows)
{
    char text[PLAN_NAME_MAX];
    for (const cJSON *row = rows ? rows->child : NULL; row != NULL; row = row->next) {
        copy_text(row, text, sizeof text);
        int index = row_named(timing, text);
        if (index < 0 || step->n_rows == (int)(sizeof step->rows / sizeof step->rows[0]))
            return -1;
        step->rows[step->n_rows++] = index;
    }
    return 0;
}

static int read_steps(struct timing *timing, const cJSON *steps, const char *name, struct error *err)
{
    int n = 0;
    for (const cJSON *item = steps ? steps->child : NULL; item != NULL; item = item->next) {
        struct timing_step *step = &timing->steps[n++];
        char text[PLAN_NAME_MAX];
        copy_text(member(item, "phase"), text, sizeof text);
        int phase = 0;
        while (phase < PHASE_COUNT && strcmp(phase_name((enum phase)phase), text) != 0)
            phase++;
        if (phase == PHASE_COUNT)
            return error_set(err, "%s: step %d has no known phase: a newer davidnet wrote it, or it was edited", name,
                             n);
        step->phase = (enum phase)phase;
        copy_text(member(item, "implementation"), step->impl, sizeof step->impl);
        step->ms = number(item, "ms");
        step->ms_sd = number(item, "ms_sd");
        step->ms_min = number(item, "ms_min");
        step->flops = number(item, "flops");
        step->bytes = number(item, "bytes");
        if (read_covered(timing, step, member(item, "rows")))
            return error_set(err, "%s: step %d covers a row that is not in rows, or too many: the file was edited",
                             name, n);
        const cJSON *history = member(item, "history");
        const cJSON *epoch = history ? history->child : NULL;
        for (int i = 0; i < timing->n_history; i++) {
            timing->history[i * timing->n_steps + n - 1] =
                epoch && cJSON_IsNumber(epoch) ? (float)epoch->valuedouble : NAN;
            epoch = epoch ? epoch->next : NULL;
        }
    }
    return 0;
}

/* How many entries the steps' histories have; 0 where one is too long. */
static int history_length(const cJSON *steps)
{
    const cJSON *first = steps ? steps->child : NULL;
    int n = cJSON_GetArraySize(member(first, "history"));
    return n <= TIMING_HISTORY_MAX ? n : 0;
}

static void read_whole(struct timing *timing, const cJSON *root, int version)
{
    struct timing_machine *machine = &timing->machine;
    copy_text(member(root, "family"), timing->family, sizeof timing->family);
    copy_text(member(root, "precision"), timing->precision, sizeof timing->precision);
    copy_text(member(root, "device"), machine->device, sizeof machine->device);
    copy_text(member(root, "isa"), machine->isa, sizeof machine->isa);
    copy_text(member(root, "library"), machine->library, sizeof machine->library);
    copy_text(member(root, "davidnet"), machine->davidnet, sizeof machine->davidnet);
    copy_text(member(root, "commit"), machine->commit, sizeof machine->commit);
    machine->flops = number(member(root, "ceilings"), "flops");
    machine->bytes = number(member(root, "ceilings"), "bytes");
    machine->noisy = cJSON_IsTrue(member(member(root, "ceilings"), "noisy"));
    timing->threads = (int)(count_of(root, "threads") & 0xffffff);
    timing->train_steps = count_of(root, "train_steps");
    timing->from_step = count_of(root, "from_step");
    timing->to_step = count_of(root, "to_step");
    timing->eval_batches = count_of(root, "eval_batches");
    timing->images_per_step = number(root, "images_per_step");
    timing->wall_ms = number(root, "wall_ms");
    timing->timing_percent = number(root, "timing_percent");
    for (int c = 0; c < TIMING_COSTS; c++)
        timing->costs[c] = number(member(root, "timing_costs"), timing_cost_name((enum timing_cost)c));
    timing->eval_batch_ms = number(root, "eval_batch_ms");
    for (int p = 0; p < TIMING_PART_COUNT && version > 1; p++) {
        timing->part_ms[p] = number(member(root, "phases"), timing_part_name((enum timing_part)p));
        timing->hidden_ms[p] = number(member(root, "hidden"), timing_part_name((enum timing_part)p));
    }
    uint64_t epochs = count_of(root, "history_epochs"), last = count_of(root, "history_last");
    timing->history_epochs = epochs > 0 && epochs < 1 << 30 ? (int)epochs : 1;
    timing->history_last = last < (uint64_t)timing->history_epochs ? (int)last : timing->history_epochs;
}

/* Version 1 had no operations of steps: they are those of its rows. */
static void add_flops(struct timing *timing)
{
    for (int i = 0; i < timing->n_steps; i++) {
        struct timing_step *step = &timing->steps[i];
        step->flops = 0;
        for (int k = 0; k < step->n_rows; k++) {
            const struct timing_row *row = &timing->rows[step->rows[k]];
            if (step->phase == PHASE_FORWARD || step->phase == PHASE_LOSS)
                step->flops += row->forward_flops * timing->images_per_step;
            else if (step->phase == PHASE_BACKWARD)
                step->flops += row->backward_flops * timing->images_per_step;
        }
    }
}

static int read_timing(struct timing *timing, const cJSON *root, const char *name, struct error *err)
{
    const cJSON *rows = member(root, "rows"), *steps = member(root, "steps");
    int n_rows = cJSON_GetArraySize(rows), n_steps = cJSON_GetArraySize(steps), version = (int)number(root, "version");
    if (n_rows < 1 || n_rows > PLAN_ROWS_MAX)
        return error_set(err, "%s: it has %d rows; 1 to %d are expected: the file was cut short or edited", name,
                         n_rows, PLAN_ROWS_MAX);
    if (n_steps > STEPS_MAX)
        return error_set(err, "%s: it has %d steps; at most %d are expected", name, n_steps, STEPS_MAX);
    if (timing_allocate(timing, n_rows, n_steps, err))
        return error_prefix(err, "%s", name);
    timing->n_history = history_length(steps);
    read_whole(timing, root, version);
    if (read_rows(timing, rows, name, err) || read_steps(timing, steps, name, err)) {
        timing_release(timing);
        return -1;
    }
    if (version == 1)
        add_flops(timing);
    if (timing_check(timing, name, err)) {
        timing_release(timing);
        return -1;
    }
    return 0;
}

int timing_from_json(struct timing *timing, const char *text, const char *name, struct error *err)
{
    memset(timing, 0, sizeof *timing);
    cJSON *root = cJSON_Parse(text);
    const cJSON *format = member(root, "format");
    double version = number(root, "version");
    int rc;
    if (root == NULL)
        rc = error_set(err, "%s: not valid JSON; the file was cut short or edited", name);
    else if (!cJSON_IsString(format) || strcmp(format->valuestring, TIMING_FORMAT) != 0)
        rc = error_set(err, "%s: not a timing breakdown: its format is not " TIMING_FORMAT, name);
    else if (version != 1 && version != TIMING_VERSION)
        rc = error_set(err, "%s: its version is not 1 or %d; read it with the davidnet that wrote it", name,
                       TIMING_VERSION);
    else
        rc = read_timing(timing, root, name, err);
    cJSON_Delete(root);
    return rc;
}

int timing_read(struct timing *timing, const char *path, struct error *err)
{
    char *text = NULL;
    size_t size;
    memset(timing, 0, sizeof *timing);
    if (file_read(path, BYTES_MAX, &text, &size, err) < 0)
        return -1;
    int status = timing_from_json(timing, text, path, err);
    free(text);
    return status;
}

int timing_read_run(struct timing *timing, const struct run_folder *folder, struct error *err)
{
    char path[RUN_PATH_MAX + 160];
    run_folder_path(folder, "timing.json", path, sizeof path);
    memset(timing, 0, sizeof *timing);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return error_set(err, "run %s has no timing breakdown yet (%s): it is written from its third step on",
                         folder->name, path);
    return timing_read(timing, path, err);
}
