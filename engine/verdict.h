/*
 * What two sets of runs say about each other: did B, beside A, gain accuracy, lose it, or is it noise? Pure functions.
 *
 * Accuracy is that of a run's last evaluation, in percent. A run that diverged counts as a miss and is never dropped:
 * its network guesses, so its accuracy is VERDICT_GUESS. The test is Welch's (engine/statistics.h), two-sided; the
 * chance that a run reaches its target is k of n with Wilson's interval.
 *
 * Times are train_seconds of runs that went to their end on a quiet machine (engine/contention.h); only those of one
 * machine are compared with each other, and of each side only those of one frozen program are pooled: of what there is,
 * the machine and the programs with the most runs on the smaller side.
 *
 * THE ERROR ALLOWANCE. A campaign's number of runs is declared beforehand and its verdict is given there, at 5 %: a
 * trick without any effect is called significant in one campaign of twenty. Who looks earlier sees an interim view,
 * without a verdict. Who extends a campaign because its verdict was noise gives chance another throw. So the allowance
 * is a spending function of the looks, not of the clock (K. K. G. Lan & D. L. DeMets, Biometrika 70, 1983): of 10 % in
 * all, each look spends half of what is left: 5 % at the declared number, 2.5 % at the first extension, 1.25 % ... Each
 * look is tested at what it spends, so the sum bounds the chance of a false alarm over all looks (Bonferroni's
 * inequality; looks at the same runs go together, so the truth is below it).
 * Where one set is compared with several, each comparison is tested at its share of 5 %.
 *
 * NO SPREAD. Where all runs of each side end with the same figure, the test has nothing to judge by: two runs a side
 * that happen to agree, or sides that all diverged, would pass for certain. There is no verdict then.
 */
#ifndef DAVIDNET_ENGINE_VERDICT_H
#define DAVIDNET_ENGINE_VERDICT_H

#include "engine/statistics.h"

#include <stddef.h>

#define VERDICT_LEVEL 0.05
#define VERDICT_POWER 0.8   /* "settles it": a true difference is found four times in five */
#define VERDICT_SPREAD 0.15 /* run-to-run standard deviation of accuracy, percent: D. Page's rule of thumb */
#define VERDICT_WORTH 0.1   /* percent of accuracy that trade for one epoch: likewise */
#define VERDICT_GROUND                                                                                                 \
    10                     /* degrees of freedom from which a measured spread stands for the true one: it is within a  \
                              quarter of it, two times in three */
#define VERDICT_GUESS 10.0 /* percent: ten classes */
#define VERDICT_LOOKS_MAX 8
#define VERDICT_TEXT_MAX 512

/* One run that ended; strings are borrowed. */
struct verdict_run {
    double accuracy; /* percent, of the last evaluation; not looked at if it diverged */
    double seconds;  /* train_seconds; NaN: not known */
    double epochs;
    int diverged;
    int reached;         /* its target */
    int contended;       /* its time does not count */
    const char *machine; /* "" not known */
    unsigned program;    /* which frozen program */
};

struct verdict_side {
    int diverged;
    struct sample accuracy; /* n: all runs */
    double low, high;       /* 95 % interval of the mean */
    int reached;
    double reached_low, reached_high; /* 95 % interval of the probability, 0 to 1 */
    int contended, elsewhere;         /* runs whose time does not count: noisy; another machine or program */
    struct sample seconds;            /* n: runs whose time counts */
    double seconds_low, seconds_high;
    double epoch_seconds; /* mean train_seconds an epoch; NaN: no times */
};

enum verdict_kind {
    VERDICT_TOO_FEW,   /* fewer than two runs on a side */
    VERDICT_INTERIM,   /* fewer than declared: nothing is claimed */
    VERDICT_NO_SPREAD, /* the runs of each side are all alike: nothing to judge by */
    VERDICT_GAIN,
    VERDICT_LOSS,
    VERDICT_NOISE
};

struct verdict_question {
    int planned;  /* runs a side that were declared; 0: the runs that there are */
    double level; /* of the test; 0: VERDICT_LEVEL */
    int looks;    /* of a campaign, this one included: verdict_level says the level; 0: no campaign */
};

struct verdict {
    enum verdict_kind kind;
    struct verdict_question question;
    struct verdict_side side[2];
    struct welch accuracy; /* B - A, percent; t and p are NaN without spread */
    double low, high;      /* its interval at 1 - level */
    int more;        /* NOISE: runs a side to add until `more_for` would be found four times in five; -1: too many */
    double more_for; /* the difference seen, but at least VERDICT_WORTH */
    /* Time; `timed` 0: fewer than two times that can be compared on a side. */
    int timed;
    enum verdict_kind time_kind; /* GAIN: faster, LOSS: slower, NOISE, NO_SPREAD */
    struct welch seconds;        /* B - A */
    double seconds_low, seconds_high;
    /* 0.1 % is worth one epoch: what the difference in accuracy is worth, and what is left of it after B's own time;
     * NaN without times. Positive: B is the better bargain. */
    double worth_epochs, worth_seconds, net_seconds;
};

/* What look k (1: at the declared number) is tested at, and what all looks up to it have spent. */
double verdict_level(int look);
double verdict_spent(int look);

/*
 * The run-to-run standard deviation of accuracy over sets of runs, each about its own mean; diverged runs are in it, as
 * they are in the test. Zeroed: no set yet.
 */
struct verdict_spread {
    double squares;
    int df, runs;
    int sets; /* of two or more runs */
};
void verdict_spread_add(struct verdict_spread *spread, const struct sample *accuracy);
/* Of both sides. */
struct verdict_spread verdict_spread_of(const struct verdict *verdict);
/* The one to plan with: what was measured, where two sets have two or more runs each (the verdict reckons with it, too)
 * or one has ground enough (VERDICT_GROUND); else VERDICT_SPREAD. */
double verdict_spread_sd(const struct verdict_spread *spread, int *measured);

void verdict_make(const struct verdict_run *a, int n_a, const struct verdict_run *b, int n_b,
                  const struct verdict_question *question, struct verdict *verdict);

/*
 * Plain sentences. name: what B is, "label_smoothing". Each returns out.
 *   verdict: "label_smoothing: a significant gain of 0.21 % (95 % interval 0.09 to 0.33, p 0.002)."
 *   time:    "It takes 3.1 % longer ..."; why there is nothing to be said, where times cannot be compared
 *   trade:   "0.1 % is worth an epoch: ..."; empty where that cannot be said
 *   power:   what `runs` a side can find, said before the first one is made; which spread it reckons with, it says.
 *            spread (optional): of the runs that there are
 *   looks:   what extending has spent; empty for the first look
 */
const char *verdict_sentence(const struct verdict *verdict, const char *name, char out[VERDICT_TEXT_MAX]);
const char *verdict_time_sentence(const struct verdict *verdict, char out[VERDICT_TEXT_MAX]);
const char *verdict_trade_sentence(const struct verdict *verdict, char out[VERDICT_TEXT_MAX]);
const char *verdict_power_sentence(int runs, double level, const struct verdict_spread *spread,
                                   char out[VERDICT_TEXT_MAX]);
const char *verdict_looks_sentence(int looks, char out[VERDICT_TEXT_MAX]);

const char *verdict_kind_name(enum verdict_kind kind); /* "gain", "noise", "too few" ... */

#endif
