/* What a breakdown read from a file must be, so that what is computed from it makes sense. */
#include "engine/timing_check.h"

#include <math.h>

/* Times, operations and bytes: unknown, or at least 0 and finite. */
static int amount(double value)
{
    return isnan(value) || (isfinite(value) && value >= 0);
}

struct field {
    const char *key;
    double value;
};

static const char *bad_field(const struct field *fields, size_t count, double *value)
{
    for (size_t i = 0; i < count; i++)
        if (!amount(fields[i].value)) {
            *value = fields[i].value;
            return fields[i].key;
        }
    return NULL;
}

#define BAD_FIELD(fields, value) bad_field(fields, sizeof(fields) / sizeof *(fields), value)
#define REMEDY "the file was damaged or edited; a run writes it anew when it is resumed or made again"

static int check_whole(const struct timing *t, const char *name, struct error *err)
{
    const struct field fields[] = {
        {"images_per_step", t->images_per_step},
        {"eval_batch_ms", t->eval_batch_ms},
        {"wall_ms", t->wall_ms},
        {"timing_percent", t->timing_percent},
        {"ceilings.flops", t->machine.flops},
        {"ceilings.bytes", t->machine.bytes},
    };
    double value;
    const char *key = BAD_FIELD(fields, &value);
    if (key)
        return error_set(err, "%s: %s is %g, which no run measures; " REMEDY, name, key, value);
    for (int c = 0; c < TIMING_COSTS; c++)
        if (!amount(t->costs[c]))
            return error_set(err, "%s: timing_costs.%s is %g %%, which no run measures; " REMEDY, name,
                             timing_cost_name((enum timing_cost)c), t->costs[c]);
    if (t->threads < 1)
        return error_set(err, "%s: threads is %d, at least 1 is expected; " REMEDY, name, t->threads);
    for (int p = 0; p < TIMING_PART_COUNT; p++)
        if (!amount(t->part_ms[p]) || !amount(t->hidden_ms[p]))
            return error_set(err, "%s: %s.%s is %g ms, which no run measures; " REMEDY, name,
                             amount(t->part_ms[p]) ? "hidden" : "phases", timing_part_name((enum timing_part)p),
                             amount(t->part_ms[p]) ? t->hidden_ms[p] : t->part_ms[p]);
    return 0;
}

static int check_row(const struct timing_row *row, const char *name, struct error *err)
{
    const struct field fields[] = {{"forward_flops", row->forward_flops},
                                   {"backward_flops", row->backward_flops},
                                   {"activation_bytes", row->activation_bytes},
                                   {"weight_bytes", row->weight_bytes}};
    double value;
    const char *key = BAD_FIELD(fields, &value);
    if (key)
        return error_set(err, "%s: %s of row %s is %g; " REMEDY, name, key, row->name, value);
    if (row->shape.c < 0 || row->shape.h < 0 || row->shape.w < 0)
        return error_set(err, "%s: the shape of row %s has a negative side; " REMEDY, name, row->name);
    return 0;
}

static int check_step(const struct timing *t, int index, const char *name, struct error *err)
{
    const struct timing_step *step = &t->steps[index];
    const struct field fields[] = {{"ms", step->ms},
                                   {"ms_sd", step->ms_sd},
                                   {"ms_min", step->ms_min},
                                   {"flops", step->flops},
                                   {"bytes", step->bytes}};
    double value;
    const char *key = BAD_FIELD(fields, &value), *leader = step->n_rows ? t->rows[step->rows[0]].name : "no row";
    for (int e = 0; e < t->n_history && !key; e++)
        if (!amount((double)t->history[e * t->n_steps + index])) {
            key = "history";
            value = (double)t->history[e * t->n_steps + index];
        }
    if (key)
        return error_set(err, "%s: %s of step %d (%s of %s) is %g; " REMEDY, name, key, index + 1,
                         phase_name(step->phase), leader, value);
    for (int i = 0; i < step->n_rows; i++)
        for (int k = 0; k < i; k++)
            if (step->rows[i] == step->rows[k])
                return error_set(err, "%s: step %d covers row %s twice; " REMEDY, name, index + 1,
                                 t->rows[step->rows[i]].name);
    return 0;
}

int timing_check(const struct timing *timing, const char *name, struct error *err)
{
    int status = check_whole(timing, name, err);
    for (int i = 0; i < timing->n_rows && status == 0; i++)
        status = check_row(&timing->rows[i], name, err);
    for (int i = 0; i < timing->n_steps && status == 0; i++)
        status = check_step(timing, i, name, err);
    return status;
}
