#include "views/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int usable(double v, enum chart_scale scale)
{
    return isfinite(v) && (scale == CHART_LINEAR || (scale == CHART_LOG ? v > 0 : v < 100));
}

static void take(struct chart_range *range, double v)
{
    if (!usable(v, range->scale))
        return;
    if (!(range->min <= v))
        range->min = v;
    if (!(range->max >= v))
        range->max = v;
}

/* Makes both ends finite and apart. */
static void mend(struct chart_range *range)
{
    int is_log = range->scale == CHART_LOG;
    if (!usable(range->min, range->scale))
        range->min = usable(range->max, range->scale) ? (is_log ? range->max / 10 : range->max - 1) : is_log ? 0.1 : 0;
    if (!usable(range->max, range->scale))
        range->max = is_log ? range->min * 10 : range->min + 1;
    if (!(range->max - range->min > 1e-9 * (fabs(range->min) + fabs(range->max)))) {
        double middle = range->min;
        double room = middle != 0 ? fabs(middle) / 2 : 1;
        range->min = is_log ? middle / 2 : middle - room;
        range->max = is_log ? middle * 2 : middle + room;
    }
}

struct chart_axis chart_accuracy_axis(double worst, double best)
{
    double low = isfinite(worst) ? floor(fmin(worst, 99) / 10) * 10 : 0;
    double high = isfinite(best) ? ceil((best + 1) / 10) * 10 : 100; /* + 1: a curve at the very edge looks cut */
    return (struct chart_axis){CHART_LINEAR, fmax(low, 0), fmin(fmax(high, low + 10), 100), 0, "%"};
}

struct chart_range chart_range_x(const struct chart *chart)
{
    struct chart_range range = {NAN, NAN, chart->x.scale};
    for (int s = 0; s < chart->n_series; s++) {
        const struct chart_series *series = &chart->series[s];
        for (size_t i = 0; i < series->n; i++) {
            take(&range, series->x[i]);
            if (range.scale == CHART_LINEAR && series->n > 1)
                i = i == 0 ? series->n - 2 : i; /* x never decreases: the ends are enough */
        }
    }
    if (usable(chart->x.min, range.scale))
        range.min = chart->x.min;
    if (usable(chart->x.max, range.scale))
        range.max = chart->x.max;
    mend(&range);
    return range;
}

double chart_round_step(double least)
{
    double power = pow(10, floor(log10(least)));
    double digit = least / power;
    return (digit <= 1.0000001 ? 1 : digit <= 2.0000001 ? 2 : digit <= 5.0000001 ? 5 : 10) * power;
}

/* The range of errors, seen from the other end: 100 less than the largest is the least. */
static struct chart_range errors_of(const struct chart_range *range)
{
    return (struct chart_range){100 - range->max, 100 - range->min, CHART_LOG};
}

/* Free ends of a log scale move out to 1, 2 or 5 times a power of ten. */
static void widen_log(struct chart_range *range, int fixed_min, int fixed_max)
{
    double low = pow(10, floor(log10(range->min))), high = pow(10, floor(log10(range->max)));
    double a = range->min / low, b = range->max / high;
    if (!fixed_min)
        range->min = (a >= 5 ? 5 : a >= 2 ? 2 : 1) * low;
    if (!fixed_max)
        range->max = (b <= 1 ? 1 : b <= 2 ? 2 : b <= 5 ? 5 : 10) * high;
}

/* As chart_range_y, of accuracies that are not all usable: an error of 0 has no place. */
static void widen_errors(struct chart_range *range, int fixed_min, int fixed_max)
{
    struct chart_range errors = errors_of(range);
    mend(&errors);
    widen_log(&errors, fixed_max, fixed_min);
    if (errors.max > 100 && !fixed_min)
        errors.max = 100; /* no accuracy is below 0 */
    mend(&errors);
    range->min = 100 - errors.max;
    range->max = 100 - errors.min;
}

struct chart_range chart_range_y(const struct chart *chart, int ticks)
{
    struct chart_range range = {NAN, NAN, chart->y.scale};
    for (int s = 0; s < chart->n_series; s++)
        for (size_t i = 0; i < chart->series[s].n; i++)
            take(&range, chart->series[s].y[i]);
    for (int b = 0; b < chart->n_bands; b++)
        for (size_t i = 0; i < chart->band[b].n; i++) {
            take(&range, chart->band[b].low[i]);
            take(&range, chart->band[b].high[i]);
        }
    if (isnan(range.min))
        for (int i = 0; i < chart->n_lines; i++)
            take(&range, chart->line[i].y);
    int fixed_min = usable(chart->y.min, range.scale), fixed_max = usable(chart->y.max, range.scale);
    if (fixed_min)
        range.min = chart->y.min;
    if (fixed_max)
        range.max = chart->y.max;
    if (range.scale == CHART_LOG_ERROR) {
        range.min = usable(range.min, range.scale) ? range.min : 0;
        range.max = usable(range.max, range.scale) ? range.max : 90;
        widen_errors(&range, fixed_min, fixed_max);
        return range;
    }
    mend(&range);
    /* Free ends move out to the next round value. */
    if (range.scale == CHART_LINEAR) {
        double step = chart_round_step((range.max - range.min) / (ticks > 1 ? ticks : 1));
        if (!fixed_min)
            range.min = floor(range.min / step + 1e-9) * step;
        if (!fixed_max)
            range.max = ceil(range.max / step - 1e-9) * step;
    } else {
        widen_log(&range, fixed_min, fixed_max);
    }
    mend(&range);
    return range;
}

double chart_position(const struct chart_range *range, double value)
{
    if (range->scale == CHART_LINEAR)
        return (value - range->min) / (range->max - range->min);
    if (range->scale == CHART_LOG_ERROR)
        return value < 100 ? log((100 - range->min) / (100 - value)) / log((100 - range->min) / (100 - range->max))
                           : INFINITY;
    return value > 0 ? log(value / range->min) / log(range->max / range->min) : NAN;
}

static void add_tick(struct chart_ticks *ticks, double value, int decimals)
{
    if (ticks->n >= CHART_TICKS_MAX)
        return;
    char *label = ticks->label[ticks->n];
    size_t size = sizeof ticks->label[0];
    double size_of = fabs(value);
    if (size_of >= 1e7 || (size_of > 0 && size_of < 1e-4))
        snprintf(label, size, "%.3g", value);
    else if (size_of >= 10000 && fmod(size_of, 1000) == 0)
        snprintf(label, size, "%.0fk", value / 1000);
    else
        snprintf(label, size, "%.*f", decimals, value);
    ticks->value[ticks->n++] = value;
}

/* Those of the powers of ten from 10^first on, times each digit, that lie in the range. */
static void add_powers(const struct chart_range *range, int first, int last, int stride, const double *digits,
                       int n_digits, struct chart_ticks *ticks)
{
    for (int e = first; e <= last; e += stride) {
        for (int d = 0; d < n_digits; d++) {
            double value = digits[d] * pow(10, e);
            if (value >= range->min * (1 - 1e-9) && value <= range->max * (1 + 1e-9))
                add_tick(ticks, value, e < 0 ? -e : 0);
        }
    }
}

static void log_ticks(const struct chart_range *range, int wanted, struct chart_ticks *ticks)
{
    static const double digits[] = {1, 2, 5}, fine[] = {1, 2, 3, 4, 5, 7};
    int first = (int)floor(log10(range->min) + 1e-9), last = (int)ceil(log10(range->max) - 1e-9), stride = 1;
    double decades = log10(range->max / range->min);
    while ((last - first) / stride > wanted)
        stride++;
    add_powers(range, first, last, stride, digits, 3 * decades <= wanted + 2 ? 3 : 1, ticks);
    if (ticks->n >= 3 || 10 * decades > wanted + 2)
        return;
    ticks->n = 0; /* two numbers do not show that an axis is logarithmic: more, with a row between them */
    add_powers(range, first, last, 1, fine, 6, ticks);
}

/* Those of the errors, from the other end: 50, 80, 90, 95, 98, 99 ... */
static void error_ticks(const struct chart_range *range, int wanted, struct chart_ticks *ticks)
{
    struct chart_range errors = errors_of(range);
    struct chart_ticks found = {.n = 0};
    log_ticks(&errors, wanted, &found);
    for (int i = found.n - 1; i >= 0; i--) {
        double error = found.value[i];
        add_tick(ticks, 100 - error, error < 0.95 ? (int)ceil(-log10(error) - 1e-9) : 0);
    }
}

void chart_make_ticks(const struct chart_range *range, int wanted, int integers, struct chart_ticks *ticks)
{
    ticks->n = 0;
    if (wanted < 1)
        return;
    if (wanted > CHART_TICKS_MAX - 1)
        wanted = CHART_TICKS_MAX - 1;
    if (range->scale == CHART_LOG_ERROR) {
        error_ticks(range, wanted, ticks);
        return;
    }
    if (range->scale == CHART_LOG) {
        log_ticks(range, wanted, ticks);
        return;
    }
    double step = chart_round_step((range->max - range->min) / wanted);
    if (integers && step < 1 && range->max - range->min >= 1)
        step = 1;
    chart_ticks_every(range, step, ticks);
}

void chart_ticks_every(const struct chart_range *range, double step, struct chart_ticks *ticks)
{
    int decimals = (int)ceil(-log10(step) - 1e-9);
    double first = ceil(range->min / step - 1e-9);
    ticks->n = 0;
    for (int i = 0; i < CHART_TICKS_MAX; i++) {
        double value = (first + i) * step;
        if (value > range->max + 1e-9 * step)
            break;
        add_tick(ticks, value == 0 ? 0 : value, decimals > 0 ? decimals : 0);
    }
}

/* What is known of the column being read: indices, or SIZE_MAX. */
struct column {
    size_t first, low, high, last, bad;
};

static size_t flush_column(const struct column *column, size_t *out)
{
    size_t n = 0, found[5] = {column->first, column->low, column->high, column->last, column->bad};
    if (column->bad != SIZE_MAX && column->first != SIZE_MAX)
        found[0] = found[3] = SIZE_MAX; /* four at most: the mark matters more than the exact joints */
    /* In their order, each once. */
    for (size_t after = 0; n < 4;) {
        size_t next = SIZE_MAX;
        for (int i = 0; i < 5; i++)
            if (found[i] != SIZE_MAX && found[i] >= after && found[i] < next)
                next = found[i];
        if (next == SIZE_MAX)
            break;
        out[n++] = next;
        after = next + 1;
    }
    return n;
}

size_t chart_reduce(const struct chart_series *series, double x_min, double x_max, int columns, size_t *out)
{
    const struct column none = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    struct column column = none;
    size_t n = 0;
    int at = -1;
    if (columns < 1 || !(x_max > x_min))
        return 0;
    for (size_t i = 0; i < series->n; i++) {
        double x = series->x[i], y = series->y[i];
        if (!(x >= x_min && x <= x_max))
            continue;
        int c = (int)((x - x_min) / (x_max - x_min) * columns);
        c = c >= columns ? columns - 1 : c;
        if (c != at) {
            n += flush_column(&column, out + n);
            column = none;
            at = c;
        }
        if (!isfinite(y)) {
            if (column.bad == SIZE_MAX)
                column.bad = i;
            continue;
        }
        if (column.first == SIZE_MAX)
            column.first = column.low = column.high = i;
        if (y < series->y[column.low])
            column.low = i;
        if (y > series->y[column.high])
            column.high = i;
        column.last = i;
    }
    return n + flush_column(&column, out + n);
}

void chart_smooth(const double *y, size_t n, double weight, double *out)
{
    double sum = 0, left = 1; /* left: weight^t */
    for (size_t i = 0; i < n; i++) {
        out[i] = y[i];
        if (!isfinite(y[i]))
            continue;
        sum = weight * sum + (1 - weight) * y[i];
        left *= weight;
        out[i] = sum / (1 - left);
    }
}
