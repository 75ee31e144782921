#include "engine/forecast.h"

#include "engine/knobs.h"
#include "engine/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Knobs that decide neither what a run learns nor how its evaluation is made. */
static int is_beside_the_point(const struct knob *knob)
{
    static const char *const keys[] = {"device", "device_index",       "threads",         "isa", "target",
                                       "data",   "checkpoint_seconds", "keep_checkpoints"};
    if (strcmp(knob->section, "seeds") == 0)
        return 1;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(knob->key, keys[i]) == 0)
            return 1;
    return 0;
}

int forecast_same_family(const struct recipe *a, const struct recipe *b)
{
    if (strcmp(a->network, b->network) != 0)
        return 0;
    for (int i = 0; i < knob_count; i++)
        if (!is_beside_the_point(&knobs[i]) && !knob_same(a, b, &knobs[i]))
            return 0;
    return 1;
}

/* The evaluation that first reached the target, or n. */
static size_t first_reached(const struct forecast_run *run, double target)
{
    size_t i = 0;
    while (i < run->n && !(run->acc[i] >= target))
        i++;
    return i;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void widen(double value, double *low, double *high)
{
    *low = fmin(*low, value); /* of a NaN and a number: the number */
    *high = fmax(*high, value);
}

void forecast_make(const struct forecast_run *runs, int count, const struct forecast_now *now, struct forecast *f)
{
    *f = (struct forecast){.low = NAN, .high = NAN, .epoch_low = NAN, .epoch_high = NAN};
    f->seconds_low = f->seconds_high = NAN;
    double *pace = malloc(((size_t)count + 1) * sizeof *pace);
    int timed = 0;
    for (int i = 0; i < count; i++) {
        size_t at = first_reached(&runs[i], now->target);
        int reached = at < runs[i].n;
        if (reached && runs[i].epoch[at] <= now->epochs) {
            f->earlier++; /* it was faster than this one already is */
            continue;
        }
        f->runs++;
        f->reached += reached;
        if (!reached)
            continue;
        widen(runs[i].epoch[at], &f->epoch_low, &f->epoch_high);
        if (pace == NULL || !runs[i].same_machine || !(runs[i].seconds[at] > 0))
            continue;
        widen(runs[i].seconds[at], &f->seconds_low, &f->seconds_high);
        pace[timed++] = runs[i].seconds[at] / runs[i].epoch[at];
    }
    if (timed >= FORECAST_RUNS_MIN && now->epochs >= 1 && now->seconds > 0) {
        double scale = now->seconds / now->epochs / median(pace, timed);
        f->seconds_low = fmax(f->seconds_low * scale, now->seconds);
        f->seconds_high = fmax(f->seconds_high * scale, now->seconds);
    } else if (timed < FORECAST_RUNS_MIN)
        f->seconds_low = f->seconds_high = NAN;
    free(pace);
    f->ground = f->runs >= FORECAST_RUNS_MIN;
    if (f->ground)
        statistics_wilson(f->reached, f->runs, 0.95, &f->low, &f->high);
}
