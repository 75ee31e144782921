#include "engine/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_SPREAD 1e-7 /* percent of accuracy; one image of a million is 1e-4 */

double verdict_level(int look)
{
    return VERDICT_LEVEL * pow(0.5, look > 1 ? look - 1 : 0);
}

double verdict_spent(int look)
{
    return 2 * VERDICT_LEVEL - verdict_level(look);
}

/* ---- sides ---- */

static void make_side(struct verdict_side *side, const struct verdict_run *runs, int n, double *values)
{
    *side = (struct verdict_side){.reached_low = NAN, .reached_high = NAN, .epoch_seconds = NAN};
    for (int i = 0; i < n; i++) {
        side->diverged += runs[i].diverged != 0;
        side->reached += runs[i].reached && !runs[i].diverged;
        side->contended += runs[i].contended && !runs[i].diverged;
        values[i] = runs[i].diverged ? VERDICT_GUESS : runs[i].accuracy;
    }
    side->accuracy = sample_make(values, n);
    sample_interval(&side->accuracy, 0.95, &side->low, &side->high);
    if (n > 0)
        statistics_wilson(side->reached, n, 0.95, &side->reached_low, &side->reached_high);
}

static int counts_for_time(const struct verdict_run *run)
{
    return !run->diverged && !run->contended && run->seconds > 0 && run->machine && run->machine[0];
}

static int same_place(const struct verdict_run *a, const struct verdict_run *b)
{
    return strcmp(a->machine, b->machine) == 0 && a->program == b->program;
}

/* Of the runs on that machine, one of the program that most of them have; NULL: there is none. *count: how many. */
static const struct verdict_run *most_common(const struct verdict_run *runs, int n, const char *machine, int *count)
{
    const struct verdict_run *best = NULL;
    *count = 0;
    for (int i = 0; i < n; i++) {
        int same = 0;
        if (!counts_for_time(&runs[i]) || strcmp(runs[i].machine, machine) != 0)
            continue;
        for (int j = 0; j < n; j++)
            same += counts_for_time(&runs[j]) && same_place(&runs[i], &runs[j]);
        if (same > *count) {
            *count = same;
            best = &runs[i];
        }
    }
    return best;
}

static void make_times(struct verdict_side *side, const struct verdict_run *runs, int n,
                       const struct verdict_run *place, double *values)
{
    double epochs = 0, seconds = 0;
    int timed = 0;
    for (int i = 0; i < n; i++) {
        if (!counts_for_time(&runs[i]))
            continue;
        if (!place || !same_place(place, &runs[i])) {
            side->elsewhere++;
            continue;
        }
        values[timed++] = runs[i].seconds;
        seconds += runs[i].seconds;
        epochs += runs[i].epochs;
    }
    side->seconds = sample_make(values, timed);
    sample_interval(&side->seconds, 0.95, &side->seconds_low, &side->seconds_high);
    if (epochs > 0)
        side->epoch_seconds = seconds / epochs;
}

/*
 * The machine that both sides have the most runs on. 0: there is none, and each side has its own, whose times say what
 * an epoch takes but are not compared.
 */
static int find_places(const struct verdict_run *a, int n_a, const struct verdict_run *b, int n_b,
                       const struct verdict_run *place[2])
{
    int best = 0, on_a, on_b, most[2] = {0, 0};
    const struct verdict_run *own[2] = {NULL, NULL};
    place[0] = place[1] = NULL;
    for (int i = 0; i < n_a + n_b; i++) {
        const struct verdict_run *run = i < n_a ? &a[i] : &b[i - n_a];
        if (!counts_for_time(run))
            continue;
        const struct verdict_run *first = most_common(a, n_a, run->machine, &on_a);
        const struct verdict_run *second = most_common(b, n_b, run->machine, &on_b);
        int smaller = on_a < on_b ? on_a : on_b;
        if (smaller > best) {
            best = smaller;
            place[0] = first;
            place[1] = second;
        }
        if (on_a > most[0]) {
            most[0] = on_a;
            own[0] = first;
        }
        if (on_b > most[1]) {
            most[1] = on_b;
            own[1] = second;
        }
    }
    if (best == 0)
        memcpy(place, own, sizeof own);
    return best > 0;
}

/* ---- the spread ---- */

void verdict_spread_add(struct verdict_spread *spread, const struct sample *accuracy)
{
    spread->runs += accuracy->n;
    if (accuracy->n < 2)
        return;
    spread->sets++;
    spread->df += accuracy->n - 1;
    spread->squares += (accuracy->n - 1) * accuracy->sd * accuracy->sd;
}

struct verdict_spread verdict_spread_of(const struct verdict *v)
{
    struct verdict_spread spread = {0};
    verdict_spread_add(&spread, &v->side[0].accuracy);
    verdict_spread_add(&spread, &v->side[1].accuracy);
    return spread;
}

double verdict_spread_sd(const struct verdict_spread *spread, int *measured)
{
    int ground = spread->sets >= 2 || spread->df >= VERDICT_GROUND;
    double sd = ground ? sqrt(spread->squares / spread->df) : 0;
    *measured = sd > SMALLEST_SPREAD;
    return *measured ? sd : VERDICT_SPREAD;
}

/* ---- the verdict ---- */

/* smallest: what is below it is rounding. Without spread t is infinite and p is 0, which would claim certainty. */
static enum verdict_kind judge(struct welch *welch, double level, double smallest)
{
    if (!(welch->error > smallest)) {
        welch->t = welch->p = NAN;
        return VERDICT_NO_SPREAD;
    }
    if (!(welch->p < level))
        return VERDICT_NOISE;
    return welch->difference > 0 ? VERDICT_GAIN : VERDICT_LOSS;
}

static void interval(const struct welch *welch, double level, double *low, double *high)
{
    double half = student_quantile(1 - level / 2, welch->df) * welch->error;
    *low = welch->difference - half;
    *high = welch->difference + half;
}

/* Noise: how many more runs a side would settle it. */
static void find_more(struct verdict *v)
{
    const struct sample *a = &v->side[0].accuracy, *b = &v->side[1].accuracy;
    int fewest = a->n < b->n ? a->n : b->n;
    v->more_for = fmax(fabs(v->accuracy.difference), VERDICT_WORTH);
    int needed = welch_runs(v->more_for, a->sd, b->sd, v->question.level, VERDICT_POWER);
    v->more = needed < 0 ? -1 : needed > fewest ? needed - fewest : 0;
}

static void judge_times(struct verdict *v, int comparable)
{
    const struct verdict_side *a = &v->side[0], *b = &v->side[1];
    v->worth_epochs = v->accuracy.difference / VERDICT_WORTH;
    v->worth_seconds = v->worth_epochs * a->epoch_seconds;
    v->time_kind = VERDICT_TOO_FEW;
    v->seconds = (struct welch){NAN, NAN, NAN, NAN, NAN};
    v->timed = comparable && a->seconds.n > 1 && b->seconds.n > 1;
    v->net_seconds = NAN;
    if (!v->timed)
        return;
    v->seconds = welch_make(&a->seconds, &b->seconds);
    v->net_seconds = v->worth_seconds - v->seconds.difference;
    enum verdict_kind longer = judge(&v->seconds, VERDICT_LEVEL, 1e-9 * a->seconds.mean);
    if (longer != VERDICT_NO_SPREAD)
        interval(&v->seconds, VERDICT_LEVEL, &v->seconds_low, &v->seconds_high);
    v->time_kind = longer == VERDICT_GAIN ? VERDICT_LOSS : longer == VERDICT_LOSS ? VERDICT_GAIN : longer;
}

void verdict_make(const struct verdict_run *a, int n_a, const struct verdict_run *b, int n_b,
                  const struct verdict_question *question, struct verdict *v)
{
    const struct verdict_run *place[2];
    memset(v, 0, sizeof *v);
    v->question = *question;
    if (question->looks > 0)
        v->question.level = verdict_level(question->looks);
    else if (!(question->level > 0))
        v->question.level = VERDICT_LEVEL;
    v->low = v->high = v->more_for = v->seconds_low = v->seconds_high = NAN;
    double *values = malloc(((size_t)(n_a > n_b ? n_a : n_b) + 1) * sizeof *values);
    if (!values) /* nothing is claimed */
        return;
    make_side(&v->side[0], a, n_a, values);
    make_side(&v->side[1], b, n_b, values);
    int comparable = find_places(a, n_a, b, n_b, place);
    make_times(&v->side[0], a, n_a, place[0], values);
    make_times(&v->side[1], b, n_b, place[1], values);
    free(values);
    v->accuracy = welch_make(&v->side[0].accuracy, &v->side[1].accuracy);
    judge_times(v, comparable);
    if (n_a >= 2 && n_b >= 2) {
        v->kind = judge(&v->accuracy, v->question.level, SMALLEST_SPREAD);
        if (v->kind != VERDICT_NO_SPREAD)
            interval(&v->accuracy, v->question.level, &v->low, &v->high);
    }
    if (n_a < question->planned || n_b < question->planned)
        v->kind = VERDICT_INTERIM;
    if (v->kind == VERDICT_NOISE)
        find_more(v);
}

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[] = {
        [VERDICT_TOO_FEW] = "too few", [VERDICT_INTERIM] = "interim", [VERDICT_NO_SPREAD] = "no spread",
        [VERDICT_GAIN] = "gain",       [VERDICT_LOSS] = "loss",       [VERDICT_NOISE] = "noise"};
    return names[kind];
}
