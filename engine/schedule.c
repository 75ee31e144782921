#include "engine/schedule.h"

#include <math.h>

#define ONE_CYCLE_START 25 /* a one-cycle begins at peak / 25 */

int schedule_fall(const struct schedule *s)
{
    int fall = -1;
    for (int i = 0; s->shape == SCHEDULE_PIECEWISE && i < s->n_knots; i++)
        if (fall < 0 || s->value[i] >= s->value[fall])
            fall = i;
    return fall < s->n_knots - 1 ? fall : -1;
}

/* A knot's value for what comes after it. */
static double value_after(const struct schedule *s, int i)
{
    return s->kink && i == schedule_fall(s) ? s->value[i] * s->kink_factor : s->value[i];
}

static double piecewise_at(const struct schedule *s, double epoch)
{
    if (s->n_knots < 1)
        return 0;
    if (epoch < s->knot[0])
        return s->value[0];
    /* the last knot at or before epoch: of two equal ones the later, so a jump belongs to what follows */
    int i = s->n_knots - 1;
    while (i > 0 && s->knot[i] > epoch)
        i--;
    if (i == s->n_knots - 1)
        return s->value[i];
    double t = (epoch - s->knot[i]) / (s->knot[i + 1] - s->knot[i]);
    double from = value_after(s, i);
    return from + (s->value[i + 1] - from) * t;
}

double schedule_at(const struct schedule *s, double epoch)
{
    if (s->shape == SCHEDULE_PIECEWISE)
        return piecewise_at(s, epoch);
    if (epoch < 0)
        epoch = 0;
    if (epoch < s->warmup) {
        double t = epoch / s->warmup;
        if (s->shape != SCHEDULE_ONE_CYCLE)
            return s->peak * t;
        double start = s->peak / ONE_CYCLE_START;
        return start + (s->peak - start) * (1 - cos(M_PI * t)) / 2;
    }
    double rest = s->epochs - s->warmup;
    double t = rest > 0 ? fmin((epoch - s->warmup) / rest, 1) : 1;
    switch (s->shape) {
    case SCHEDULE_COSINE:
    case SCHEDULE_ONE_CYCLE:
        return s->final + (s->peak - s->final) * (1 + cos(M_PI * t)) / 2;
    case SCHEDULE_EXPONENTIAL:
        return s->peak * pow(s->final / s->peak, t);
    case SCHEDULE_POLYNOMIAL:
        return s->final + (s->peak - s->final) * pow(1 - t, s->power);
    default:
        return s->peak;
    }
}

double schedule_highest(const struct schedule *s)
{
    double highest = s->shape == SCHEDULE_PIECEWISE ? 0 : fmax(s->peak, s->shape == SCHEDULE_CONSTANT ? 0 : s->final);
    for (int i = 0; s->shape == SCHEDULE_PIECEWISE && i < s->n_knots; i++)
        highest = fmax(highest, fmax(s->value[i], value_after(s, i)));
    return highest;
}

static int check_piecewise(const struct schedule *s, struct error *err)
{
    if (s->n_knots < 1 || s->n_knots > SCHEDULE_KNOTS_MAX)
        return error_set(err, "lr_knots: a piecewise learning rate needs 1 to %d knots, not %d", SCHEDULE_KNOTS_MAX,
                         s->n_knots);
    for (int i = 0; i < s->n_knots; i++) {
        if (!(s->knot[i] >= 0) || !isfinite(s->knot[i]))
            return error_set(err, "lr_knots: knot %d is %g; knots are epochs, 0 or more", i + 1, s->knot[i]);
        if (i > 0 && s->knot[i] < s->knot[i - 1])
            return error_set(err, "lr_knots: knot %d (%g) is before knot %d (%g); put them in order", i + 1, s->knot[i],
                             i, s->knot[i - 1]);
        if (i > 1 && s->knot[i] == s->knot[i - 2])
            return error_set(err, "lr_knots: three knots at %g; a jump takes two", s->knot[i]);
        if (!(s->value[i] >= 0) || !isfinite(s->value[i]))
            return error_set(err, "lr_values: value %d is %g; learning rates are 0 or more", i + 1, s->value[i]);
    }
    return 0;
}

int schedule_check(const struct schedule *s, struct error *err)
{
    if ((unsigned)s->shape >= SCHEDULE_SHAPE_COUNT)
        return error_set(err, "lr_shape: unknown shape %d", (int)s->shape);
    if (s->shape == SCHEDULE_PIECEWISE)
        return check_piecewise(s, err);
    if (!(s->epochs > 0) || !isfinite(s->epochs))
        return error_set(err, "epochs: %g; it must be above 0", s->epochs);
    if (!(s->peak >= 0) || !isfinite(s->peak))
        return error_set(err, "lr_peak: %g; it must be 0 or more", s->peak);
    if (!(s->warmup >= 0) || s->warmup > s->epochs)
        return error_set(err, "lr_warmup: %g epochs do not fit in %g; make it 0 to %g", s->warmup, s->epochs,
                         s->epochs);
    if (!(s->final >= 0) || !isfinite(s->final))
        return error_set(err, "lr_final: %g; it must be 0 or more", s->final);
    if (s->shape == SCHEDULE_EXPONENTIAL && (!(s->final > 0) || !(s->peak > 0)))
        return error_set(err,
                         "lr_final: exponential decay never reaches 0; set lr_final above 0 (say %g) and lr_peak "
                         "too",
                         s->peak > 0 ? s->peak / 1000 : 0.0004);
    if (s->shape == SCHEDULE_POLYNOMIAL && (!(s->power > 0) || !isfinite(s->power)))
        return error_set(err, "lr_power: %g; it must be above 0", s->power);
    return 0;
}

void schedule_stretch(struct schedule *s, double factor)
{
    for (int i = 0; i < s->n_knots; i++)
        s->knot[i] *= factor;
    s->epochs *= factor;
    s->warmup *= factor;
}
