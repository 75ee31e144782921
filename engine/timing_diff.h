/*
 * Two breakdowns side by side: what changed from A to B, in milliseconds per training step, and whether that is more
 * than noise. Pure functions.
 *
 * A side is one run or several of the same network. Its mean of a line (a row in a phase, a phase, ...) comes with an
 * error:
 *   several runs   from the spread between the runs' means: all that varies from run to run is in it
 *   one run        from the spread over its timed training steps (the program's steps taken as independent), or over
 *                  its epochs' means where there are three or more, whichever is the wider: a machine that slows down
 *                  for a while spoils many steps at once. What varies from run to run is not in it.
 * Where other work wants the machine too, the least that each step of the program took in a run says more than its
 * mean: of many times some find the machine free. What varies is then known from several runs only, and what no step of
 * the program shows (data, wall ...) is left out. Or the runs of both sides are pairs, each made right after the other,
 * in order: then only what a pair's two runs differ by counts, and a machine that is slower now and faster later, but
 * for both, does not (Student's paired test). The interval of the change is Welch's otherwise, at 95 %: of twenty lines
 * that did not change, one is outside by chance. A change whose interval holds 0 is noise, and so is one of less than
 * half a microsecond, which would be told as 0.000 ms; where there is no error on a side it is not known. Where a side
 * is one run, a change beyond its interval is no verdict, for two runs of one recipe are that far apart, too: it
 * "differs" between these runs, and that is all that is known.
 *
 * ROWS. Time belongs to the row that leads a step of the program, and which rows share a step may differ: pooling
 * before the norm, say, moves pool and activation from one step to another. Rows that share a step with each other on
 * either side, in any phase but the update, are compared together, so that each side's time is whole; the line goes by
 * the first of them in the network's order. A block is what the part of a name before the first '/' says. Where
 * either side updates several of these lines in one step, all updates are one line, "(update, all)".
 */
#ifndef DAVIDNET_ENGINE_TIMING_DIFF_H
#define DAVIDNET_ENGINE_TIMING_DIFF_H

#include "engine/timing.h"

#define TIMING_DIFF_CONFIDENCE 0.95
#define TIMING_DIFF_LEAST_MS 0.0005 /* a smaller change is noise */
#define TIMING_DIFF_RUNS_MAX 64     /* a side */
#define TIMING_DIFF_PAIRED 1        /* how: the n-th run of a and the n-th of b are a pair */
#define TIMING_DIFF_LEAST 2         /* how: of each step of the program the least that it took, not the mean */
#define TIMING_DIFF_WARNINGS_MAX 12

struct timing_diff_run {
    const char *name;
    const struct timing *timing;
    int contended; /* 1: its machine was busy (engine/contention.h) */
};

struct timing_diff_side {
    const struct timing_diff_run *runs;
    int n; /* >= 1 */
};

enum timing_diff_kind {
    TIMING_DIFF_TOTAL, /* "step": the sum of the program's steps; "wall": all that the run took */
    TIMING_DIFF_PART,  /* of enum timing_part; as long as the engine's thread was at it */
    TIMING_DIFF_BLOCK,
    TIMING_DIFF_ROW
};

enum timing_diff_verdict {
    TIMING_DIFF_UNKNOWN, /* one side was not measured, or has no error */
    TIMING_DIFF_NOISE,
    TIMING_DIFF_FASTER,
    TIMING_DIFF_SLOWER,
    TIMING_DIFF_DIFFERS, /* by more than steps vary; a side is one run, so it may be no more than runs vary */
    TIMING_DIFF_ONLY_A,  /* the other side has no such rows, or none in that phase */
    TIMING_DIFF_ONLY_B
};

struct timing_diff_line {
    enum timing_diff_kind kind;
    int phase; /* BLOCK, ROW: of enum phase, or -1 for all of them together, which comes first */
    char name[2 * PLAN_NAME_MAX];
    char with[512]; /* ROW: the rows that it is compared together with, "layer1/act, layer1/pool" */
    char only[512]; /* ROW: of all these the ones that one side lacks, "layer1/pool only in A" */
    double a, b;    /* ms per training step; NaN: not known, or no such line there */
    double change;  /* b - a */
    double low, high;
    enum timing_diff_verdict verdict;
};

struct timing_diff {
    struct timing_diff_line *lines; /* total, parts, blocks, rows */
    int n_lines;
    /* Why the times may not be comparable: "threads differ: 2 in X, 4 in Y". */
    char warnings[TIMING_DIFF_WARNINGS_MAX][320];
    int n_warnings;
};

/*
 * how: TIMING_DIFF_... -1: the runs of one side are not of one network and program,
 * there are no pairs, or no memory; nothing to release then.
 */
int timing_diff_make(struct timing_diff *diff, const struct timing_diff_side *a, const struct timing_diff_side *b,
                     unsigned how, struct error *err);
void timing_diff_release(struct timing_diff *diff);

/* For who knows more of the runs than their timings: one warning more, unless there are as many as it holds. */
void timing_diff_warn(struct timing_diff *diff, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Percent of A; NaN where there is no such. */
double timing_diff_percent(const struct timing_diff_line *line);

const char *timing_diff_verdict_name(enum timing_diff_verdict verdict); /* "noise", "differs", "only in A" ... */
const char *timing_diff_kind_name(enum timing_diff_kind kind);          /* "total", "phase", "block", "row" */

#endif
