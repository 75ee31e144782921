/*
 * The few distributions that verdicts need, and what is made of them. Each is checked against SciPy's values
 * (tests/fixtures/make_statistics.py) to 1e-9 or better. Pure functions; a NaN or an impossible argument gives NaN.
 *
 * The incomplete beta function is its continued fraction, by Lentz's method (I. J. Thompson & A. R. Barnett, J. Comput.
 * Phys. 64, 1986); Student's distribution follows from it. The noncentral one is R. V. Lenth's series (Applied
 * Statistics 38, 1989, AS 243). Quantiles are found by Newton's method.
 */
#ifndef DAVIDNET_ENGINE_STATISTICS_H
#define DAVIDNET_ENGINE_STATISTICS_H

double normal_cdf(double z);
double normal_quantile(double p); /* infinite at 0 and 1 */

/* I_x(a, b), regularised; a, b > 0, 0 <= x <= 1. */
double beta_cdf(double x, double a, double b);

double student_cdf(double t, double df);
double student_quantile(double p, double df);
double student_two_sided(double t, double df); /* P(|T| >= |t|), exact in its tail as well */
/* P(T' <= t) of the noncentral distribution; delta: what t is shifted by. Beyond |delta| = 37: the normal one's. */
double student_noncentral_cdf(double t, double df, double delta);

/*
 * Wilson's score interval for a probability of which k of n > 0 were seen (E. B. Wilson, JASA 22, 1927; recommended for
 * small n by Brown, Cai & DasGupta, Statistical Science 16, 2001, over Clopper and Pearson's, which is too wide).
 * confidence: 0.95.
 */
void statistics_wilson(int k, int n, double confidence, double *low, double *high);

/* Of one set of numbers. sd: with n - 1; NaN below two. */
struct sample {
    int n;
    double mean, sd;
};
struct sample sample_make(const double *values, int n);
/* The interval of the mean, by Student's distribution; NaN below two. */
void sample_interval(const struct sample *sample, double confidence, double *low, double *high);

/*
 * Welch's test (B. L. Welch, Biometrika 34, 1947): are the means of two sets the same, whatever their spreads? b - a;
 * df is Welch and Satterthwaite's. Sets without any spread: t is infinite, or NaN where the means are equal.
 */
struct welch {
    double difference, error, df, t, p;
};
struct welch welch_make(const struct sample *a, const struct sample *b); /* NaN below two a side */

/*
 * The chance that Welch's test at `level` (0.05, two-sided) finds a true difference, from the spreads of both sides.
 */
double welch_power(double difference, double sd_a, int n_a, double sd_b, int n_b, double level);
/* The smallest equal number of runs a side at which that chance is at least `power`; -1: over a million. */
int welch_runs(double difference, double sd_a, double sd_b, double level, double power);
/*
 * The same before any run is made, when the spread is taken as known: 2 (z(1 - level/2) + z(power))^2 (sd/d)^2, rounded
 * to the nearest. At a spread of 0.15 and a power of 80 %, 35 runs a side for 0.1 and 9 for 0.2. Welch's test, which
 * estimates the spread, needs one or two more.
 */
int statistics_plan_runs(double difference, double sd, double level, double power);
/* The true difference that n runs a side find with that chance, the spread being estimated. NaN below two. */
double statistics_detectable(double sd, int n, double level, double power);

#endif
