#include "engine/statistics.h"

#include <float.h>
#include <math.h>

#define RUNS_MOST 1000000
#define DELTA_MAX 37.0 /* beyond it exp(-delta^2 / 2) has no digits left */

double normal_cdf(double z)
{
    return erfc(-z / M_SQRT2) / 2;
}

/*
 * The x below `start` at which a distribution function reaches p <= its value at `start`. Left of the middle the
 * functions here are convex, so Newton's steps go down to x and never past it.
 */
static double newton(double (*cdf)(double x, double df), double (*density)(double x, double df), double df, double p,
                     double start)
{
    double x = start;
    for (int i = 0; i < 500; i++) {
        double step = (cdf(x, df) - p) / density(x, df);
        x -= step;
        if (!(step > 4 * DBL_EPSILON * fabs(x)))
            break;
    }
    return x;
}

static double normal_of(double z, double unused)
{
    (void)unused;
    return normal_cdf(z);
}

static double normal_density(double z, double unused)
{
    (void)unused;
    return exp(-z * z / 2) / sqrt(2 * M_PI);
}

double normal_quantile(double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    if (p > 0.5) /* small probabilities have more digits */
        return -normal_quantile(1 - p);
    return newton(normal_of, normal_density, 0, p, 0);
}

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign); /* lgamma writes a global */
}

/* The continued fraction, for x below (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= 100000; m++) {
        for (int odd = 0; odd < 2; odd++) {
            double n = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                           : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + n * d;
            c = 1 + n / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            h *= d * c;
        }
        if (fabs(d * c - 1) < 4 * DBL_EPSILON)
            break;
    }
    return h;
}

double beta_cdf(double x, double a, double b)
{
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1))
        return NAN;
    if (x == 0 || x == 1)
        return x;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

double student_two_sided(double t, double df)
{
    if (isinf(t) && df > 0)
        return 0;
    return beta_cdf(df / (df + t * t), df / 2, 0.5);
}

double student_cdf(double t, double df)
{
    if (t * t < df) /* from the middle, which the tails know to few digits */
        return 0.5 + copysign(beta_cdf(t * t / (df + t * t), 0.5, df / 2) / 2, t);
    double tail = student_two_sided(t, df) / 2;
    return t > 0 ? 1 - tail : tail;
}

static double student_density(double t, double df)
{
    double log_beta = log_gamma(df / 2) + log_gamma(0.5) - log_gamma((df + 1) / 2);
    return exp(-(df + 1) / 2 * log1p(t * t / df) - log_beta) / sqrt(df);
}

double student_quantile(double p, double df)
{
    if (!(p >= 0 && p <= 1 && df > 0))
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    if (p > 0.5)
        return -student_quantile(1 - p, df);
    double start = 0, next = -1;
    while (student_cdf(next, df) >= p && next > -1e300) {
        start = next;
        next *= 2;
    }
    return newton(student_cdf, student_density, df, p, start);
}

double student_noncentral_cdf(double t, double df, double delta)
{
    if (!(df > 0) || isnan(t) || isnan(delta))
        return NAN;
    if (t < 0)
        return 1 - student_noncentral_cdf(-t, df, -delta);
    if (isinf(t))
        return 1;
    if (fabs(delta) > DELTA_MAX) /* Abramowitz & Stegun 26.7.10 */
        return normal_cdf((t * (1 - 1 / (4 * df)) - delta) / sqrt(1 + t * t / (2 * df)));
    if (t == 0)
        return normal_cdf(-delta);
    double x = t * t / (t * t + df), b = df / 2, half = delta * delta / 2, sum = 0, left = 1;
    double rest = exp(b * log(df / (t * t + df)));     /* (1 - x)^b */
    double odd = beta_cdf(x, 0.5, b), even = 1 - rest; /* I_x(j + 1/2, b) and I_x(j + 1, b), and what each loses next */
    double odd_step = 2 * sqrt(x) * rest * exp(log_gamma(b + 0.5) - log_gamma(b)) / sqrt(M_PI),
           even_step = b * x * rest;
    double p = exp(-half), q = sqrt(2 / M_PI) * exp(-half) * delta;
    for (int j = 0; j < 100000; j++) {
        sum += p * odd + q * even;
        left -= p;
        if (j > half && left < 1e-14)
            break;
        odd -= odd_step;
        even -= even_step;
        odd_step *= x * (j + 0.5 + b) / (j + 1.5);
        even_step *= x * (j + 1 + b) / (j + 2);
        p *= half / (j + 1);
        q *= half / (j + 1.5);
    }
    return normal_cdf(-delta) + sum / 2;
}

void statistics_wilson(int k, int n, double confidence, double *low, double *high)
{
    const double z = normal_quantile(0.5 + confidence / 2), p = (double)k / n, z2n = z * z / n;
    double middle = (p + z2n / 2) / (1 + z2n);
    double half = z / (1 + z2n) * sqrt(p * (1 - p) / n + z2n / (4 * n));
    *low = k == 0 ? 0 : middle - half; /* exact at the ends, where rounding is not */
    *high = k == n ? 1 : middle + half;
}

struct sample sample_make(const double *values, int n)
{
    struct sample s = {n, NAN, NAN};
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    if (n > 0)
        s.mean = sum / n;
    for (int i = 0; i < n; i++)
        squares += (values[i] - s.mean) * (values[i] - s.mean);
    if (n > 1)
        s.sd = sqrt(squares / (n - 1));
    return s;
}

void sample_interval(const struct sample *sample, double confidence, double *low, double *high)
{
    double half = NAN;
    if (sample->n > 1)
        half = student_quantile(0.5 + confidence / 2, sample->n - 1) * sample->sd / sqrt(sample->n);
    *low = sample->mean - half;
    *high = sample->mean + half;
}

/* Of the difference of two means, from the variances of each. */
static double welch_df(double sd_a, int n_a, double sd_b, int n_b)
{
    double a = sd_a * sd_a / n_a, b = sd_b * sd_b / n_b;
    return a + b > 0 ? (a + b) * (a + b) / (a * a / (n_a - 1) + b * b / (n_b - 1)) : n_a + n_b - 2;
}

struct welch welch_make(const struct sample *a, const struct sample *b)
{
    struct welch w = {b->mean - a->mean, NAN, NAN, NAN, NAN};
    if (a->n < 2 || b->n < 2)
        return w;
    w.error = sqrt(a->sd * a->sd / a->n + b->sd * b->sd / b->n);
    w.df = welch_df(a->sd, a->n, b->sd, b->n);
    w.t = w.difference / w.error;
    w.p = student_two_sided(w.t, w.df);
    return w;
}

/* Of a t that is shifted by delta. */
static double power_of(double delta, double df, double critical)
{
    double found = 1 - student_noncentral_cdf(critical, df, fabs(delta));
    return found + student_noncentral_cdf(-critical, df, fabs(delta)); /* and the wrong way round */
}

double welch_power(double difference, double sd_a, int n_a, double sd_b, int n_b, double level)
{
    if (n_a < 2 || n_b < 2)
        return NAN;
    double error = sqrt(sd_a * sd_a / n_a + sd_b * sd_b / n_b);
    if (error == 0)
        return difference == 0 ? level : 1;
    double df = welch_df(sd_a, n_a, sd_b, n_b);
    return power_of(difference / error, df, student_quantile(1 - level / 2, df));
}

int welch_runs(double difference, double sd_a, double sd_b, double level, double power)
{
    double z = normal_quantile(1 - level / 2) + normal_quantile(power);
    double known =
        (sd_a * sd_a + sd_b * sd_b) * z * z / (difference * difference); /* enough if the spreads were known */
    if (!(fabs(difference) > 0) || !(power > level && power < 1) || !(known < RUNS_MOST))
        return -1;
    int n = known > 2 ? (int)known : 2; /* a step or two from it */
    while (welch_power(difference, sd_a, n, sd_b, n, level) < power)
        n++;
    while (n > 2 && welch_power(difference, sd_a, n - 1, sd_b, n - 1, level) >= power)
        n--;
    return n;
}

int statistics_plan_runs(double difference, double sd, double level, double power)
{
    double z = normal_quantile(1 - level / 2) + normal_quantile(power), ratio = z * sd / difference;
    double runs = 2 * ratio * ratio;
    return runs < RUNS_MOST ? (runs < 2 ? 2 : (int)lround(runs)) : -1;
}

double statistics_detectable(double sd, int n, double level, double power)
{
    if (n < 2 || !(power > level && power < 1))
        return NAN;
    double df = 2.0 * n - 2, critical = student_quantile(1 - level / 2, df), low = 0, high = 1;
    while (power_of(high, df, critical) < power)
        high *= 2;
    while (high - low > 1e-7 * high) {
        double middle = (low + high) / 2;
        if (power_of(middle, df, critical) < power)
            low = middle;
        else
            high = middle;
    }
    return high * sd * sqrt(2.0 / n);
}
