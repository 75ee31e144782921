#include "engine/curves.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CURVES_FORMAT "davidnet-curves"

/* The last START record's steps per epoch and steps in all; 0 when the run never started. */
static void plan_of(const struct run_log *log, uint32_t *per_epoch, uint32_t *steps)
{
    size_t start;
    *per_epoch = *steps = 0;
    if (run_log_series(log, RECORD_START, &start, 1) == 0)
        return;
    *per_epoch = run_log_at(log, start)->as.start.steps_per_epoch;
    *steps = run_log_at(log, start)->as.start.steps;
}

static const char *const column_names[CURVES_COLUMNS] = {
    [CURVES_STEP] = "step",
    [CURVES_EPOCH] = "epoch",
    [CURVES_LR] = "lr",
    [CURVES_TRAIN_LOSS] = "train_loss",
    [CURVES_TRAIN_ACC] = "train_acc",
    [CURVES_TEST_LOSS] = "test_loss",
    [CURVES_TEST_ACC] = "test_acc",
    [CURVES_TRAIN_SECONDS] = "train_seconds",
    [CURVES_SPEEDRUN_SECONDS] = "speedrun_seconds",
    [CURVES_WALL_SECONDS] = "wall_seconds",
};

const char *curves_column_name(enum curves_column column)
{
    return column_names[column];
}

double curves_value(const struct record *r, enum curves_column column, uint32_t per_epoch)
{
    int step = r->kind == RECORD_STEP;
    switch (column) {
    case CURVES_STEP:
        return r->step;
    case CURVES_EPOCH:
        return per_epoch ? (double)r->step / per_epoch : (double)NAN;
    case CURVES_LR:
        return step ? r->as.step.lr : r->as.epoch.lr;
    case CURVES_TRAIN_LOSS:
        return step ? r->as.step.loss : r->as.epoch.train_loss;
    case CURVES_TRAIN_ACC:
        return record_decimal(step ? r->as.step.accuracy : r->as.epoch.train_acc);
    case CURVES_TEST_LOSS:
        return step ? (double)NAN : r->as.epoch.test_loss;
    case CURVES_TEST_ACC:
        return step ? (double)NAN : record_decimal(r->as.epoch.test_acc);
    case CURVES_TRAIN_SECONDS:
        return step ? r->as.step.train_seconds : r->as.epoch.train_seconds;
    case CURVES_SPEEDRUN_SECONDS:
        return step ? (double)NAN : r->as.epoch.speedrun_seconds;
    case CURVES_WALL_SECONDS:
        return step ? r->as.step.wall_seconds : r->as.epoch.wall_seconds;
    case CURVES_COLUMNS:
        break;
    }
    return NAN;
}

/* The indices of a kind, malloc'ed; NULL without memory. */
static size_t *series(const struct run_log *log, enum record_kind kind, size_t *count)
{
    size_t most = run_log_length(log);
    size_t *index = malloc((most + 1) * sizeof *index);
    if (index != NULL)
        *count = run_log_series(log, kind, index, most);
    return index;
}

static void put_number(FILE *out, double value)
{
    char text[32];
    if (!isfinite(value))
        return;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

void curves_put_text(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_meta(FILE *out, const char *before, const char *name, const char *value)
{
    fprintf(out, "%s%s,", before, name);
    curves_put_text(out, value);
    fputc('\n', out);
}

void curves_put_origin(FILE *out, const struct curve_origin *origin, const char *before)
{
    char scratch[32];
    const char *name, *value;
    for (int i = 0; (name = curve_origin_item(origin, i, &value, scratch)) != NULL; i++)
        put_meta(out, before, name, value);
}

/* The run's name, quoted where it must be, and what comes before a meta line's name; malloc'ed. */
static char *meta_begin(const char *run)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    curves_put_text(out, run);
    fputs(",meta,,,,,,,,,,", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int put_metas(FILE *out, const struct curves_run *run)
{
    char *before = meta_begin(run->name);
    if (!before)
        return -1;
    put_meta(out, before, "format", CURVES_FORMAT);
    put_meta(out, before, "version", "1");
    if (run->origin)
        curves_put_origin(out, run->origin, before);
    free(before);
    return 0;
}

int curves_write_csv(const struct curves_run *runs, int count, FILE *out, struct error *err)
{
    static const enum curves_column columns[] = {CURVES_STEP,       CURVES_EPOCH,         CURVES_LR,
                                                 CURVES_TRAIN_LOSS, CURVES_TRAIN_ACC,     CURVES_TEST_LOSS,
                                                 CURVES_TEST_ACC,   CURVES_TRAIN_SECONDS, CURVES_WALL_SECONDS};
    static const enum record_kind kinds[] = {RECORD_STEP, RECORD_EPOCH};
    fputs("run,kind,step,epoch,lr,train_loss,train_acc,test_loss,test_acc,train_seconds,wall_seconds,name,value\n",
          out);
    for (int i = 0; i < count; i++) {
        uint32_t per_epoch, steps;
        plan_of(runs[i].log, &per_epoch, &steps);
        if (put_metas(out, &runs[i]))
            return error_set(err, "no memory for the curves of %s", runs[i].name);
        for (int k = 0; k < 2; k++) {
            size_t n = 0, *index = series(runs[i].log, kinds[k], &n);
            if (index == NULL)
                return error_set(err, "no memory for the curves of %s", runs[i].name);
            for (size_t r = 0; r < n; r++) {
                curves_put_text(out, runs[i].name);
                fputs(kinds[k] == RECORD_STEP ? ",step" : ",epoch", out);
                for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
                    fputc(',', out);
                    put_number(out, curves_value(run_log_at(runs[i].log, index[r]), columns[c], per_epoch));
                }
                fputs(",,\n", out);
            }
            free(index);
        }
    }
    return ferror(out) ? error_set(err, "the curves could not be written") : 0;
}

static int add_columns(cJSON *to, const char *key, const struct run_log *log, enum record_kind kind, uint32_t per_epoch)
{
    size_t n = 0, *index = series(log, kind, &n);
    cJSON *object = cJSON_AddObjectToObject(to, key);
    for (int c = 0; c < CURVES_COLUMNS && index != NULL; c++) {
        if (kind == RECORD_STEP && (c == CURVES_TEST_LOSS || c == CURVES_TEST_ACC || c == CURVES_SPEEDRUN_SECONDS))
            continue;
        cJSON *array = cJSON_AddArrayToObject(object, column_names[c]);
        for (size_t r = 0; r < n; r++) {
            double value = curves_value(run_log_at(log, index[r]), (enum curves_column)c, per_epoch);
            cJSON_AddItemToArray(array, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
        }
    }
    free(index);
    return index != NULL && object != NULL ? 0 : -1;
}

int curves_write_json(const struct curves_run *runs, int count, FILE *out, struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", CURVES_FORMAT);
    cJSON_AddNumberToObject(root, "version", 1);
    cJSON *list = cJSON_AddArrayToObject(root, "runs");
    int rc = list != NULL ? 0 : -1;
    for (int i = 0; i < count && rc == 0; i++) {
        uint32_t per_epoch, steps;
        plan_of(runs[i].log, &per_epoch, &steps);
        cJSON *run = cJSON_CreateObject();
        cJSON_AddItemToArray(list, run);
        cJSON_AddStringToObject(run, "run", runs[i].name);
        if (runs[i].origin)
            curve_origin_add_json(runs[i].origin, run);
        cJSON_AddNumberToObject(run, "steps_per_epoch", per_epoch);
        cJSON_AddNumberToObject(run, "steps_planned", steps);
        rc = add_columns(run, "steps", runs[i].log, RECORD_STEP, per_epoch);
        if (rc == 0)
            rc = add_columns(run, "epochs", runs[i].log, RECORD_EPOCH, per_epoch);
    }
    char *text = rc == 0 ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    if (text == NULL)
        return error_set(err, "no memory for the curves");
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    return ferror(out) ? error_set(err, "the curves could not be written") : 0;
}
