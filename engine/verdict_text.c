/* The sentences of a verdict. */
#include "engine/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends; what does not fit is cut. */
static void say(char out[VERDICT_TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(char out[VERDICT_TEXT_MAX], const char *format, ...)
{
    va_list args;
    size_t used = strlen(out);
    va_start(args, format);
    vsnprintf(out + used, VERDICT_TEXT_MAX - used, format, args);
    va_end(args);
}

/* "p 0.002", "p below 0.0001" */
static void say_p(char out[VERDICT_TEXT_MAX], double p)
{
    if (p < 1e-4)
        say(out, "p below 0.0001");
    else
        say(out, "p %.*f", p < 0.01 ? 4 : 2, p);
}

static void say_interval(char out[VERDICT_TEXT_MAX], const struct verdict *v)
{
    say(out, " (%.4g %% interval %+.2f to %+.2f", 100 * (1 - v->question.level), v->low, v->high);
    if (!isnan(v->accuracy.p)) {
        say(out, ", ");
        say_p(out, v->accuracy.p);
    }
    say(out, ")");
}

static void say_more(char out[VERDICT_TEXT_MAX], const struct verdict *v)
{
    if (v->more < 0)
        say(out, "; more runs than can be made would be needed to settle %.2g %%", v->more_for);
    else if (v->more == 0)
        say(out, "; a true difference of %.2g %% would have been found, most likely: more runs are not worth it",
            v->more_for);
    else
        say(out, "; %d more run%s a side would settle it, if the true difference is %.2g %%", v->more,
            v->more == 1 ? "" : "s", v->more_for);
}

static void say_diverged(char out[VERDICT_TEXT_MAX], const struct verdict *v)
{
    if (v->side[0].diverged + v->side[1].diverged == 0)
        return;
    say(out, " Diverged, and counted as misses that guess (%.0f %%): %d of %d in A, %d of %d in B.", VERDICT_GUESS,
        v->side[0].diverged, v->side[0].accuracy.n, v->side[1].diverged, v->side[1].accuracy.n);
}

static void say_no_spread(char out[VERDICT_TEXT_MAX], const struct verdict *v)
{
    const struct verdict_side *a = &v->side[0], *b = &v->side[1];
    if (a->diverged == a->accuracy.n && b->diverged == b->accuracy.n)
        say(out, "no verdict: all runs diverged, so there is nothing to compare; make the recipe stable first, with a "
                 "lower learning rate say");
    else
        say(out,
            "no verdict: the runs of A all end at %.2f %% and those of B at %.2f %%, so there is no spread from run to "
            "run to judge by; make more runs, or measure on more or harder test images",
            a->accuracy.mean, b->accuracy.mean);
}

const char *verdict_sentence(const struct verdict *v, const char *name, char out[VERDICT_TEXT_MAX])
{
    int a = v->side[0].accuracy.n, b = v->side[1].accuracy.n;
    out[0] = '\0';
    say(out, "%.80s: ", name);
    switch (v->kind) {
    case VERDICT_TOO_FEW:
        say(out, "no verdict: it takes two runs a side at least, and there %s %d in A and %d in B",
            a + b == 1 ? "is" : "are", a, b);
        break;
    case VERDICT_INTERIM:
        say(out, "interim, %d and %d of %d runs a side", a, b, v->question.planned);
        if (a >= 2 && b >= 2)
            say(out, ": %+.2f %% so far", v->accuracy.difference);
        say(out, "; the verdict is given when all have ended");
        break;
    case VERDICT_NO_SPREAD:
        say_no_spread(out, v);
        break;
    case VERDICT_GAIN:
    case VERDICT_LOSS:
        say(out, "a significant %s of %.2f %%", v->kind == VERDICT_GAIN ? "gain" : "loss",
            fabs(v->accuracy.difference));
        say_interval(out, v);
        break;
    case VERDICT_NOISE:
        say(out, "noise: %+.2f %%", v->accuracy.difference);
        say_interval(out, v);
        say_more(out, v);
        break;
    }
    say(out, ".");
    say_diverged(out, v);
    return out;
}

static void say_left_out(char out[VERDICT_TEXT_MAX], const struct verdict *v)
{
    int noisy = v->side[0].contended + v->side[1].contended, elsewhere = v->side[0].elsewhere + v->side[1].elsewhere;
    if (noisy > 0)
        say(out, " %d run%s not timed: the machine was busy with other work.", noisy, noisy == 1 ? " is" : "s are");
    if (elsewhere > 0)
        say(out, " %d run%s not timed: another machine or frozen program.", elsewhere,
            elsewhere == 1 ? " is" : "s are");
}

const char *verdict_time_sentence(const struct verdict *v, char out[VERDICT_TEXT_MAX])
{
    out[0] = '\0';
    if (!v->timed) {
        say(out, "Times are not compared: it takes two quiet runs a side on one machine with one frozen program.");
        say_left_out(out, v);
        return out;
    }
    double percent = 100 * v->seconds.difference / v->side[0].seconds.mean;
    if (v->time_kind == VERDICT_NO_SPREAD) {
        say(out, "Training time: %+.1f %%, but the times of each side are all alike: there is no spread to judge by.",
            percent);
        say_left_out(out, v);
        return out;
    }
    if (v->time_kind == VERDICT_NOISE)
        say(out, "Training time: no significant difference, %+.1f %%", percent);
    else
        say(out, "Training is significantly %s, %+.1f %%", v->time_kind == VERDICT_GAIN ? "faster" : "slower", percent);
    say(out, " (%+.3g s, 95 %% interval %+.3g to %+.3g", v->seconds.difference, v->seconds_low, v->seconds_high);
    if (!isnan(v->seconds.p)) {
        say(out, ", ");
        say_p(out, v->seconds.p);
    }
    say(out, ").");
    say_left_out(out, v);
    return out;
}

const char *verdict_trade_sentence(const struct verdict *v, char out[VERDICT_TEXT_MAX])
{
    out[0] = '\0';
    if (isnan(v->worth_seconds) || v->kind == VERDICT_TOO_FEW || v->kind == VERDICT_NO_SPREAD)
        return out;
    say(out, "At 0.1 %% for one epoch of %.3g s, %+.2f %% %s worth %+.1f epochs, %+.3g s", v->side[0].epoch_seconds,
        v->accuracy.difference, v->kind == VERDICT_NOISE || v->kind == VERDICT_INTERIM ? "would be" : "is",
        v->worth_epochs, v->worth_seconds);
    if (v->timed)
        say(out, "; its own time takes %+.3g s, which leaves %+.3g s", v->seconds.difference, v->net_seconds);
    say(out, ".");
    return out;
}

const char *verdict_power_sentence(int runs, double level, const struct verdict_spread *spread,
                                   char out[VERDICT_TEXT_MAX])
{
    const struct verdict_spread none = {0};
    int measured;
    spread = spread ? spread : &none;
    double sd = verdict_spread_sd(spread, &measured);
    double found = statistics_detectable(sd, runs, level, VERDICT_POWER);
    out[0] = '\0';
    if (measured)
        say(out, "With the spread of %.2f %% from run to run measured here (%d runs), ", sd, spread->runs);
    else
        say(out, "With a spread of %.2f %% from run to run (assumed), ", sd);
    if (isnan(found))
        say(out, "one run a side finds nothing");
    else
        say(out, "%d runs a side find a true difference of %.2f %% four times in five", runs, found);
    int runs_small = statistics_plan_runs(0.1, sd, level, VERDICT_POWER);
    if (runs_small < 0)
        say(out, "; 0.1 %% takes more runs than can be made.");
    else
        say(out, "; 0.1 %% takes about %d runs a side, 0.2 %% about %d.", runs_small,
            statistics_plan_runs(0.2, sd, level, VERDICT_POWER));
    return out;
}

const char *verdict_looks_sentence(int looks, char out[VERDICT_TEXT_MAX])
{
    out[0] = '\0';
    if (looks > 1)
        say(out,
            "Extended %s: this look is tested at %.3g %%, and the chance of a false alarm over all looks is now up to "
            "%.3g %%.",
            looks == 2   ? "once"
            : looks == 3 ? "twice"
                         : "several times",
            100 * verdict_level(looks), 100 * verdict_spent(looks));
    return out;
}
