#include "engine/curve_set.h"

#include "engine/forecast.h"
#include "engine/images_name.h"
#include "engine/number.h"
#include "engine/recipe_differences.h"
#include "engine/statistics.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD_POINTS 512
#define SAME_EPOCH 1e-6

/* What is read of one run. */
struct course {
    const struct run_log *log;
    uint32_t steps_per_epoch, steps;
    size_t n, *index; /* EPOCH records */
    double done;      /* epochs */
    int diverged;
};

static int course_read(struct course *course, const struct run_log *log)
{
    size_t start, end, most = run_log_length(log);
    memset(course, 0, sizeof *course);
    course->log = log;
    if (run_log_series(log, RECORD_START, &start, 1) > 0) {
        course->steps_per_epoch = run_log_at(log, start)->as.start.steps_per_epoch;
        course->steps = run_log_at(log, start)->as.start.steps;
    }
    if (run_log_series(log, RECORD_END, &end, 1) > 0)
        course->diverged = (run_log_at(log, end)->flags & RECORD_DIVERGED) != 0;
    course->index = malloc((most + 1) * sizeof *course->index);
    if (!course->index)
        return -1;
    size_t n = run_log_series(log, RECORD_STEP, course->index, most);
    if (n > 0)
        course->done = curves_value(run_log_at(log, course->index[n - 1]), CURVES_EPOCH, course->steps_per_epoch);
    course->n = run_log_series(log, RECORD_EPOCH, course->index, most);
    if (course->n > 0)
        course->done = fmax(course->done, curves_value(run_log_at(log, course->index[course->n - 1]), CURVES_EPOCH,
                                                       course->steps_per_epoch));
    return 0;
}

static const struct record *record_of(const struct course *course, size_t i)
{
    return run_log_at(course->log, course->index[i]);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The epochs at which any of the runs has a record, each once. */
static int collect_epochs(struct curve *curve, const struct course *courses, int n)
{
    size_t all = 0, kept = 0;
    for (int i = 0; i < n; i++)
        all += courses[i].n;
    curve->epoch = malloc((all + 1) * sizeof *curve->epoch);
    if (!curve->epoch)
        return -1;
    all = 0;
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < courses[i].n; k++) {
            double at = curves_value(record_of(&courses[i], k), CURVES_EPOCH, courses[i].steps_per_epoch);
            if (isfinite(at))
                curve->epoch[all++] = at;
        }
    qsort(curve->epoch, all, sizeof *curve->epoch, by_value);
    for (size_t i = 0; i < all; i++)
        if (kept == 0 || curve->epoch[i] - curve->epoch[kept - 1] > SAME_EPOCH)
            curve->epoch[kept++] = curve->epoch[i];
    curve->n_epochs = kept;
    return 0;
}

static struct curve_value summarise(const double *values, int n)
{
    struct sample sample = sample_make(values, n);
    struct curve_value value = {n, n > 0 ? sample.mean : (double)NAN, n > 1 ? sample.sd : (double)NAN, NAN, NAN};
    for (int i = 0; i < n; i++) {
        value.min = i == 0 ? values[i] : fmin(value.min, values[i]);
        value.max = i == 0 ? values[i] : fmax(value.max, values[i]);
    }
    return value;
}

static int make_values(struct curve *curve, const struct course *courses, int n)
{
    double *values = malloc(((size_t)n + 1) * sizeof *values);
    size_t *at = calloc((size_t)n + 1, sizeof *at);
    int rc = values && at ? 0 : -1;
    for (int c = CURVES_LR; c < CURVES_COLUMNS && rc == 0; c++) {
        curve->value[c] = calloc(curve->n_epochs + 1, sizeof *curve->value[c]);
        if (!curve->value[c]) {
            rc = -1;
            break;
        }
        memset(at, 0, (size_t)n * sizeof *at);
        for (size_t e = 0; e < curve->n_epochs; e++) {
            int count = 0;
            for (int i = 0; i < n; i++) {
                const struct course *course = &courses[i];
                if (at[i] == course->n)
                    continue;
                const struct record *record = record_of(course, at[i]);
                if (curves_value(record, CURVES_EPOCH, course->steps_per_epoch) > curve->epoch[e] + SAME_EPOCH)
                    continue;
                double value = curves_value(record, (enum curves_column)c, course->steps_per_epoch);
                at[i]++;
                if (isfinite(value))
                    values[count++] = value;
            }
            curve->value[c][e] = summarise(values, count);
        }
    }
    free(values);
    free(at);
    return rc;
}

/* Steps of one run; its index is used up. */
static int make_steps(struct curve *curve, struct course *course)
{
    size_t n = run_log_series(course->log, RECORD_STEP, course->index, run_log_length(course->log));
    double **const to[] = {&curve->step, &curve->step_lr, &curve->step_loss, &curve->step_acc};
    static const enum curves_column from[] = {CURVES_EPOCH, CURVES_LR, CURVES_TRAIN_LOSS, CURVES_TRAIN_ACC};
    for (int c = 0; c < 4; c++) {
        double *values = *to[c] = malloc((n + 1) * sizeof *values);
        if (!values)
            return -1;
        for (size_t i = 0; i < n; i++)
            values[i] = curves_value(record_of(course, i), from[c], course->steps_per_epoch);
    }
    curve->n_steps = course->steps_per_epoch ? n : 0; /* else nobody knows where in an epoch they are */
    return 0;
}

/* From `from` epochs to the recipe's end; the corners of a piecewise schedule are among the points. */
static int make_ahead(struct curve *curve, const struct recipe *recipe, double from)
{
    const struct schedule *s = &recipe->schedule;
    double span = recipe->epochs - from;
    size_t n = 0;
    if (!(span > 1e-9))
        return 0;
    curve->ahead = malloc((AHEAD_POINTS + 1 + SCHEDULE_KNOTS_MAX) * sizeof *curve->ahead);
    curve->ahead_lr = malloc((AHEAD_POINTS + 1 + SCHEDULE_KNOTS_MAX) * sizeof *curve->ahead_lr);
    if (!curve->ahead || !curve->ahead_lr)
        return -1;
    for (int i = 0; i <= AHEAD_POINTS; i++)
        curve->ahead[n++] = from + span * i / AHEAD_POINTS;
    for (int k = 0; k < s->n_knots && s->shape == SCHEDULE_PIECEWISE; k++) {
        double at = s->knot[k];
        int jump = k + 1 < s->n_knots && s->knot[k + 1] == at; /* the earlier value holds just before it */
        at = jump ? nextafter(at, -1) : at;
        if (at > from && at < recipe->epochs)
            curve->ahead[n++] = at;
    }
    qsort(curve->ahead, n, sizeof *curve->ahead, by_value);
    for (size_t i = 0; i < n; i++)
        curve->ahead_lr[i] = recipe_lr(recipe, curve->ahead[i]);
    curve->n_ahead = n;
    return 0;
}

static int make_diverged(struct curve *curve, const struct course *courses, int n)
{
    curve->diverged = malloc((size_t)n * sizeof *curve->diverged);
    if (!curve->diverged)
        return -1;
    for (int i = 0; i < n; i++)
        if (courses[i].diverged)
            curve->diverged[curve->n_diverged++] = courses[i].done;
    qsort(curve->diverged, (size_t)curve->n_diverged, sizeof *curve->diverged, by_value);
    return 0;
}

/* members[n]: indices of the runs that make it up. */
static int make_curve(struct curve *curve, const struct curve_run *runs, const int *members, int n)
{
    const struct curve_run *first = &runs[members[0]];
    struct course *courses = calloc((size_t)n, sizeof *courses);
    curve->runs = malloc((size_t)n * sizeof *curve->runs);
    curve->origins = malloc((size_t)n * sizeof *curve->origins);
    curve->n_runs = n;
    curve->recipe = first->recipe;
    curve->unfinished_from = NAN;
    int rc = courses && curve->runs && curve->origins ? 0 : -1, furthest = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        curve->runs[i] = runs[members[i]].run.name;
        curve->origins[i] = runs[members[i]].run.origin;
        rc = course_read(&courses[i], runs[members[i]].run.log);
        if (rc == 0 && courses[i].done > courses[furthest].done)
            furthest = i;
    }
    if (rc == 0 && n > 1)
        recipe_family_name(first->recipe, curve->name, sizeof curve->name);
    else if (rc == 0)
        snprintf(curve->name, sizeof curve->name, "%s", first->run.name);
    if (rc == 0)
        rc = collect_epochs(curve, courses, n);
    if (rc == 0)
        rc = make_values(curve, courses, n);
    if (rc == 0)
        rc = make_diverged(curve, courses, n);
    for (int i = 0; i < n && rc == 0; i++) {
        curve->measured += courses[i].n > 0;
        if (courses[i].n > 0 && courses[i].done < courses[furthest].done - SAME_EPOCH) {
            curve->unfinished++;
            curve->unfinished_from = fmin(curve->unfinished_from, courses[i].done);
        }
    }
    if (rc == 0)
        rc = make_steps(curve, &courses[furthest]);
    if (rc == 0)
        rc = make_ahead(curve, runs[members[furthest]].recipe, courses[furthest].done);
    for (int i = 0; i < n && courses; i++)
        free(courses[i].index);
    free(courses);
    return rc;
}

/* One of its runs whose images are known; NULL: of none they are. */
static const struct curve_origin *images_of(const struct curve *curve)
{
    for (int r = 0; r < curve->n_runs; r++)
        if (curve->origins[r] && curve->origins[r]->data_sha256[0] != '\0')
            return curve->origins[r];
    return NULL;
}

/* As run_entry_same_family: what is not known is no difference. */
static int same_images(const struct curve_origin *a, const struct curve_origin *b)
{
    return !a || !b || a->data_sha256[0] == '\0' || b->data_sha256[0] == '\0' ||
           strcmp(a->data_sha256, b->data_sha256) == 0;
}

/* Curves that would have been one but for their images say so in their names. */
static void tell_images(struct curve_set *set)
{
    for (int i = 0; i < set->n; i++) {
        const struct curve_origin *own = images_of(&set->curves[i]);
        int differs = 0, same_source = 0;
        for (int k = 0; k < set->n && own; k++) {
            const struct curve_origin *other = images_of(&set->curves[k]);
            if (same_images(own, other) || !forecast_same_family(set->curves[i].recipe, set->curves[k].recipe))
                continue;
            differs = 1;
            same_source |= images_name_same(own->data, other->data);
        }
        if (differs)
            images_name_add(set->curves[i].name, sizeof set->curves[i].name, own->data, own->data_sha256, same_source);
        set->images_differ |= differs;
    }
}

int curve_set_init(struct curve_set *set, const struct curve_run *runs, int count, int each, struct error *err)
{
    int *members = malloc(((size_t)count + 1) * sizeof *members);
    char *taken = calloc((size_t)count + 1, 1);
    set->n = set->images_differ = 0;
    set->curves = calloc((size_t)count + 1, sizeof *set->curves);
    int rc = members && taken && set->curves ? 0 : -1;
    for (int i = 0; i < count && rc == 0; i++) {
        const struct curve_origin *images = NULL; /* of the first whose are known */
        int n = 0;
        for (int k = i; k < count && !taken[i]; k++) {
            const struct curve_origin *own = runs[k].run.origin;
            int same = k == i || (!each && !taken[k] && same_images(images, own) &&
                                  forecast_same_family(runs[i].recipe, runs[k].recipe));
            if (same)
                members[n++] = k;
            if (same && !images && own && own->data_sha256[0] != '\0')
                images = own;
        }
        for (int m = 0; m < n; m++)
            taken[members[m]] = 1;
        if (n > 0)
            rc = make_curve(&set->curves[set->n++], runs, members, n);
    }
    free(members);
    free(taken);
    if (rc == 0 && !each)
        tell_images(set);
    if (rc == 0)
        return 0;
    curve_set_release(set);
    return error_set(err, "no memory for the curves");
}

int curve_set_schedule(struct curve_set *set, const struct recipe *recipe, const char *name, struct error *err)
{
    set->n = set->images_differ = 0;
    set->curves = calloc(1, sizeof *set->curves);
    if (set->curves) {
        struct curve *curve = &set->curves[set->n++];
        curve->recipe = recipe;
        curve->unfinished_from = NAN;
        snprintf(curve->name, sizeof curve->name, "%s", name);
        if (make_ahead(curve, recipe, 0) == 0)
            return 0;
    }
    curve_set_release(set);
    return error_set(err, "no memory for the schedule");
}

void curve_set_release(struct curve_set *set)
{
    for (int i = 0; i < set->n; i++) {
        struct curve *curve = &set->curves[i];
        for (int c = 0; c < CURVES_COLUMNS; c++)
            free(curve->value[c]);
        free(curve->runs);
        free(curve->origins);
        free(curve->epoch);
        free(curve->step);
        free(curve->step_lr);
        free(curve->step_loss);
        free(curve->step_acc);
        free(curve->ahead);
        free(curve->ahead_lr);
        free(curve->diverged);
    }
    free(set->curves);
    *set = (struct curve_set){NULL, 0, 0};
}

int curve_whole(const struct curve *curve, enum curves_column column)
{
    int most = 0;
    for (size_t i = 0; i < curve->n_epochs; i++)
        if (curve->value[column][i].n > most)
            most = curve->value[column][i].n;
    return most;
}

const char *curve_mean_text(const struct curve *curve, char out[64])
{
    const char *mean = curve->measured > 1 ? "mean of " : "";
    if (curve->measured == curve->n_runs)
        snprintf(out, 64, "%s%d runs", mean, curve->n_runs);
    else
        snprintf(out, 64, "%s%d of %d runs", mean, curve->measured, curve->n_runs);
    return out;
}

/* ---- as text ---- */

static void put_field(FILE *out, double value)
{
    char text[NUMBER_TEXT_MAX];
    fputc(',', out);
    if (isfinite(value))
        fputs(number_format_real(value, text, sizeof text), out);
}

/* "CURVE,RUNS,,meta,,,,,,RUN," before each name and value; -1: no memory. */
static int put_origins(const struct curve *curve, FILE *out)
{
    for (int r = 0; r < curve->n_runs; r++) {
        char *before = NULL;
        size_t size;
        FILE *line = curve->origins[r] ? open_memstream(&before, &size) : NULL;
        if (!line && curve->origins[r])
            return -1;
        if (!line)
            continue;
        curves_put_text(line, curve->name);
        fprintf(line, ",%d,,meta,,,,,,", curve->n_runs);
        curves_put_text(line, curve->runs[r]);
        fputc(',', line);
        int status = fclose(line);
        if (status == 0)
            curves_put_origin(out, curve->origins[r], before);
        free(before);
        if (status)
            return -1;
    }
    return 0;
}

int curve_set_write_csv(const struct curve_set *set, FILE *out, struct error *err)
{
    fputs("curve,runs,epoch,quantity,n,mean,sd,min,max,run,name,value\n", out);
    for (int i = 0; i < set->n; i++) {
        const struct curve *curve = &set->curves[i];
        if (put_origins(curve, out))
            return error_set(err, "no memory for the curves");
        for (size_t e = 0; e < curve->n_epochs; e++)
            for (int c = CURVES_LR; c < CURVES_COLUMNS; c++) {
                const struct curve_value *v = &curve->value[c][e];
                if (v->n == 0)
                    continue;
                curves_put_text(out, curve->name);
                fprintf(out, ",%d", curve->n_runs);
                put_field(out, curve->epoch[e]);
                fprintf(out, ",%s,%d", curves_column_name((enum curves_column)c), v->n);
                put_field(out, v->mean);
                put_field(out, v->sd);
                put_field(out, v->min);
                put_field(out, v->max);
                fputs(",,,\n", out);
            }
    }
    return ferror(out) ? error_set(err, "the curves could not be written") : 0;
}

static void add_number(cJSON *array, double value)
{
    cJSON_AddItemToArray(array, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static void add_values(cJSON *to, const char *key, const struct curve_value *values, size_t n)
{
    cJSON *object = cJSON_AddObjectToObject(to, key);
    cJSON *count = cJSON_AddArrayToObject(object, "n"), *mean = cJSON_AddArrayToObject(object, "mean");
    cJSON *sd = cJSON_AddArrayToObject(object, "sd"), *min = cJSON_AddArrayToObject(object, "min");
    cJSON *max = cJSON_AddArrayToObject(object, "max");
    for (size_t i = 0; i < n; i++) {
        add_number(count, values[i].n);
        add_number(mean, values[i].mean);
        add_number(sd, values[i].sd);
        add_number(min, values[i].min);
        add_number(max, values[i].max);
    }
}

static void add_array(cJSON *to, const char *key, const double *values, size_t n)
{
    cJSON *array = cJSON_AddArrayToObject(to, key);
    for (size_t i = 0; i < n; i++)
        add_number(array, values[i]);
}

/* A list of curves with their names, to be filled in; prints and frees root. */
static cJSON *json_of(const char *format, cJSON **list)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", format);
    cJSON_AddNumberToObject(root, "version", 1);
    *list = cJSON_AddArrayToObject(root, "curves");
    return root;
}

static int print_json(cJSON *root, FILE *out, struct error *err)
{
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (!text)
        return error_set(err, "no memory for the curves");
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    return ferror(out) ? error_set(err, "the curves could not be written") : 0;
}

int curve_set_write_json(const struct curve_set *set, FILE *out, struct error *err)
{
    cJSON *list, *root = json_of("davidnet-curves-mean", &list);
    for (int i = 0; i < set->n; i++) {
        const struct curve *curve = &set->curves[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        cJSON_AddStringToObject(object, "curve", curve->name);
        cJSON *runs = cJSON_AddArrayToObject(object, "runs");
        for (int r = 0; r < curve->n_runs; r++)
            cJSON_AddItemToArray(runs, cJSON_CreateString(curve->runs[r]));
        cJSON *origins = cJSON_AddArrayToObject(object, "origins");
        for (int r = 0; r < curve->n_runs; r++) {
            cJSON *origin = cJSON_CreateObject();
            cJSON_AddItemToArray(origins, origin);
            cJSON_AddStringToObject(origin, "run", curve->runs[r]);
            if (curve->origins[r])
                curve_origin_add_json(curve->origins[r], origin);
        }
        add_array(object, "epoch", curve->epoch, curve->n_epochs);
        for (int c = CURVES_LR; c < CURVES_COLUMNS; c++)
            add_values(object, curves_column_name((enum curves_column)c), curve->value[c], curve->n_epochs);
    }
    return print_json(root, out, err);
}

int curve_set_write_schedule(const struct curve_set *set, const struct curve_origin *origin, int json, FILE *out,
                             struct error *err)
{
    cJSON *list, *root = json_of("davidnet-schedule", &list);
    if (!json)
        fputs("curve,epoch,lr,name,value\n", out);
    if (!json)
        curves_put_origin(out, origin, ",,,");
    for (int i = 0; i < set->n; i++) {
        const struct curve *curve = &set->curves[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        cJSON_AddStringToObject(object, "curve", curve->name);
        curve_origin_add_json(origin, object);
        add_array(object, "epoch", curve->ahead, curve->n_ahead);
        add_array(object, "lr", curve->ahead_lr, curve->n_ahead);
        for (size_t p = 0; p < curve->n_ahead && !json; p++) {
            curves_put_text(out, curve->name);
            put_field(out, curve->ahead[p]);
            put_field(out, curve->ahead_lr[p]);
            fputs(",,\n", out);
        }
    }
    if (json)
        return print_json(root, out, err);
    cJSON_Delete(root);
    return ferror(out) ? error_set(err, "the schedule could not be written") : 0;
}
