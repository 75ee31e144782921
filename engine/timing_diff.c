#include "engine/timing_diff.h"

#include "engine/statistics.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX (2 * PLAN_ROWS_MAX)
#define HISTORY_MIN 3 /* epochs that say something about noise */

/* A row of either side, in the network's order: A's, and B's own behind the one that comes before it in B. */
struct joined {
    const char *name;
    int row[2]; /* -1: not there */
};

struct builder {
    const struct timing_diff_side *side[2];
    struct joined rows[ROWS_MAX];
    int n_rows;
    int group[ROWS_MAX], block[ROWS_MAX]; /* of rows[]: the first one that it is together with */
    int at[2][PLAN_ROWS_MAX];             /* of each side's rows: where in rows[] */
    int whole_update;                     /* updates are not told apart by row */
    unsigned how;
    unsigned char *in; /* [steps of the side with more]: which a line sums up */
    struct timing_diff *diff;
    int room; /* for lines */
};

/* What a line sums up: the steps of the program in these phases that belong to that group of rows. */
struct selection {
    enum { EVERYTHING, A_GROUP, A_BLOCK, NO_ROW } of;
    int index;       /* of the group or block */
    unsigned phases; /* bit 1 << phase */
};

static const char *const verdict_names[] = {
    [TIMING_DIFF_UNKNOWN] = "unknown",  [TIMING_DIFF_NOISE] = "noise",     [TIMING_DIFF_FASTER] = "faster",
    [TIMING_DIFF_SLOWER] = "slower",    [TIMING_DIFF_DIFFERS] = "differs", [TIMING_DIFF_ONLY_A] = "only in A",
    [TIMING_DIFF_ONLY_B] = "only in B",
};
static const char *const kind_names[] = {
    [TIMING_DIFF_TOTAL] = "total",
    [TIMING_DIFF_PART] = "phase",
    [TIMING_DIFF_BLOCK] = "block",
    [TIMING_DIFF_ROW] = "row",
};

const char *timing_diff_verdict_name(enum timing_diff_verdict verdict)
{
    return (unsigned)verdict <= TIMING_DIFF_ONLY_B ? verdict_names[verdict] : "unknown";
}

const char *timing_diff_kind_name(enum timing_diff_kind kind)
{
    return (unsigned)kind <= TIMING_DIFF_ROW ? kind_names[kind] : "unknown";
}

double timing_diff_percent(const struct timing_diff_line *line)
{
    return line->a > 0 ? 100 * line->change / line->a : (double)NAN;
}

static const struct timing *first_of(const struct timing_diff_side *side)
{
    return side->runs[0].timing;
}

/* ---- rows that are compared together ---- */

static int find_joined(const struct builder *b, const char *name)
{
    for (int i = 0; i < b->n_rows; i++)
        if (strcmp(b->rows[i].name, name) == 0)
            return i;
    return -1;
}

static void insert_joined(struct builder *b, int at, const char *name)
{
    memmove(&b->rows[at + 1], &b->rows[at], (size_t)(b->n_rows - at) * sizeof *b->rows);
    b->rows[at] = (struct joined){.name = name, .row = {-1, -1}};
    b->n_rows++;
}

static void join_rows(struct builder *b)
{
    for (int s = 0; s < 2; s++) {
        const struct timing *t = first_of(b->side[s]);
        int behind = 0;
        for (int i = 0; i < t->n_rows; i++) {
            int found = find_joined(b, t->rows[i].name);
            if (found < 0)
                insert_joined(b, found = s == 0 ? b->n_rows : behind, t->rows[i].name);
            b->rows[found].row[s] = i;
            behind = found + 1;
        }
    }
    for (int i = 0; i < b->n_rows; i++) {
        b->group[i] = b->block[i] = i;
        for (int s = 0; s < 2; s++)
            if (b->rows[i].row[s] >= 0)
                b->at[s][b->rows[i].row[s]] = i;
    }
}

/* All that are with the one are with the other: by the less of their numbers. */
static void unite(int *of, int n, int x, int y)
{
    int keep = of[x] < of[y] ? of[x] : of[y], drop = of[x] < of[y] ? of[y] : of[x];
    for (int i = 0; i < n; i++)
        of[i] = of[i] == drop ? keep : of[i];
}

static int same_block(const char *a, const char *b)
{
    size_t n = strcspn(a, "/");
    return n == strcspn(b, "/") && strncmp(a, b, n) == 0;
}

static void make_groups(struct builder *b)
{
    for (int s = 0; s < 2; s++) {
        const struct timing *t = first_of(b->side[s]);
        for (int i = 0; i < t->n_steps; i++)
            for (int k = 1; k < t->steps[i].n_rows && t->steps[i].phase != PHASE_UPDATE; k++)
                unite(b->group, b->n_rows, b->at[s][t->steps[i].rows[0]], b->at[s][t->steps[i].rows[k]]);
    }
    for (int i = 0; i < b->n_rows; i++)
        for (int k = 0; k < i; k++)
            if (b->group[k] == b->group[i] || same_block(b->rows[k].name, b->rows[i].name))
                unite(b->block, b->n_rows, k, i);
    for (int s = 0; s < 2; s++) {
        const struct timing *t = first_of(b->side[s]);
        for (int i = 0; i < t->n_steps; i++) {
            const struct timing_step *step = &t->steps[i];
            int whole = step->phase == PHASE_UPDATE && step->n_rows == 0;
            for (int k = 1; k < step->n_rows; k++)
                whole |= b->group[b->at[s][step->rows[k]]] != b->group[b->at[s][step->rows[0]]];
            b->whole_update |= whole;
        }
    }
}

/* ---- what a side says of a line ---- */

/* How many of the side's steps the line sums up; which, in b->in. */
static int select_steps(struct builder *b, int s, const struct selection *what)
{
    const struct timing *t = first_of(b->side[s]);
    int count = 0;
    for (int i = 0; i < t->n_steps; i++) {
        const struct timing_step *step = &t->steps[i];
        int no_row = step->n_rows == 0 || (step->phase == PHASE_UPDATE && b->whole_update);
        int row = no_row ? -1 : b->at[s][step->rows[0]];
        int in = what->of == EVERYTHING || (what->of == NO_ROW && no_row) ||
                 (what->of == A_GROUP && row >= 0 && b->group[row] == what->index) ||
                 (what->of == A_BLOCK && row >= 0 && b->block[row] == what->index);
        b->in[i] = in && (what->phases >> step->phase & 1);
        count += b->in[i];
    }
    return count;
}

static double sum_ms(const struct timing *t, const unsigned char *in, int least)
{
    double ms = 0;
    for (int i = 0; i < t->n_steps; i++)
        if (in[i])
            ms += least ? t->steps[i].ms_min : t->steps[i].ms;
    return ms;
}

/* The half of the interval of its mean. */
static double half_width(const struct sample *sample)
{
    double low, high;
    sample_interval(sample, TIMING_DIFF_CONFIDENCE, &low, &high);
    return (high - low) / 2;
}

/* One run, by its training steps or by its epochs: see the header. */
static struct sample sample_run(const struct timing *t, const unsigned char *in)
{
    double variance = 0, values[TIMING_HISTORY_MAX];
    int n = t->train_steps < INT_MAX ? (int)t->train_steps : INT_MAX;
    for (int i = 0; i < t->n_steps; i++)
        variance += in[i] ? t->steps[i].ms_sd * t->steps[i].ms_sd : 0;
    struct sample by_step = {.n = n, .mean = sum_ms(t, in, 0), .sd = n >= 2 ? sqrt(variance) : (double)NAN};
    for (int e = 0; e < t->n_history; e++) {
        values[e] = 0;
        for (int i = 0; i < t->n_steps; i++)
            values[e] += in[i] ? (double)t->history[(size_t)e * (size_t)t->n_steps + (size_t)i] : 0;
    }
    struct sample by_epoch = sample_make(values, t->n_history);
    by_epoch.mean = by_step.mean;
    if (t->n_history < HISTORY_MIN || isnan(by_epoch.sd))
        return by_step;
    return half_width(&by_epoch) < half_width(&by_step) ? by_step : by_epoch;
}

/* What each side says of a line. n 0: it has nothing of the kind. */
struct values {
    struct sample side[2];
    double of_run[2][TIMING_DIFF_RUNS_MAX];
};

static void take_steps(const struct builder *b, struct values *v, int s)
{
    const struct timing_diff_side *side = b->side[s];
    int least = (b->how & TIMING_DIFF_LEAST) != 0;
    for (int r = 0; r < side->n; r++)
        v->of_run[s][r] = sum_ms(side->runs[r].timing, b->in, least);
    v->side[s] = side->n == 1 && !least ? sample_run(first_of(side), b->in) : sample_make(v->of_run[s], side->n);
    v->side[s].n += v->side[s].n == 0; /* not measured, but there */
}

/* What no step of the program shows: data, transfer, evaluate, other; or (part: TIMING_PART_COUNT) all there was. */
static void take_part(struct values *v, int s, const struct timing_diff_side *side, int part)
{
    for (int r = 0; r < side->n; r++) {
        const struct timing *t = side->runs[r].timing;
        v->of_run[s][r] = part == TIMING_PART_COUNT ? t->wall_ms : t->part_ms[part] / t->threads;
    }
    v->side[s] = sample_make(v->of_run[s], side->n);
}

/* ---- lines ---- */

/* The next line, empty. NULL: no memory. */
static struct timing_diff_line *next_line(struct builder *b, enum timing_diff_kind kind, int phase)
{
    struct timing_diff *diff = b->diff;
    if (diff->n_lines == b->room) {
        int room = b->room ? 2 * b->room : 128;
        struct timing_diff_line *lines = realloc(diff->lines, (size_t)room * sizeof *lines);
        if (!lines)
            return NULL;
        diff->lines = lines;
        b->room = room;
    }
    struct timing_diff_line *line = &diff->lines[diff->n_lines++];
    *line = (struct timing_diff_line){.kind = kind, .phase = phase};
    line->a = line->b = line->change = line->low = line->high = NAN;
    return line;
}

/* Half of the interval of the change; NaN: not known. */
static double change_width(const struct builder *b, const struct values *v)
{
    double change[TIMING_DIFF_RUNS_MAX];
    if (b->how & TIMING_DIFF_PAIRED) {
        for (int r = 0; r < b->side[0]->n; r++)
            change[r] = v->of_run[1][r] - v->of_run[0][r];
        struct sample pairs = sample_make(change, b->side[0]->n);
        return half_width(&pairs);
    }
    struct welch welch = welch_make(&v->side[0], &v->side[1]);
    return welch.error > 0 ? welch.error * student_quantile(0.5 + TIMING_DIFF_CONFIDENCE / 2, welch.df)
                           : welch.error; /* 0, or NaN */
}

static void compare(const struct builder *b, struct timing_diff_line *line, const struct values *v)
{
    const struct sample *sides = v->side;
    line->a = sides[0].n ? sides[0].mean : (double)NAN;
    line->b = sides[1].n ? sides[1].mean : (double)NAN;
    if (!sides[0].n || !sides[1].n) {
        line->verdict = sides[0].n ? TIMING_DIFF_ONLY_A : TIMING_DIFF_ONLY_B;
        return;
    }
    line->change = line->b - line->a;
    double half = change_width(b, v);
    line->low = line->change - half;
    line->high = line->change + half;
    if (isnan(half) || isnan(line->change))
        line->verdict = TIMING_DIFF_UNKNOWN;
    else if ((line->low <= 0 && line->high >= 0) || fabs(line->change) < TIMING_DIFF_LEAST_MS)
        line->verdict = TIMING_DIFF_NOISE;
    else if (b->side[0]->n == 1 || b->side[1]->n == 1)
        line->verdict = TIMING_DIFF_DIFFERS;
    else
        line->verdict = line->change < 0 ? TIMING_DIFF_FASTER : TIMING_DIFF_SLOWER;
}

/* A line of the selected steps, where a side has any. 1: added, 0: not, -1: no memory. */
static int add_steps(struct builder *b, enum timing_diff_kind kind, int phase, const char *name,
                     const struct selection *what)
{
    struct values v = {0};
    for (int s = 0; s < 2; s++)
        if (select_steps(b, s, what) > 0)
            take_steps(b, &v, s);
    if (!v.side[0].n && !v.side[1].n)
        return 0;
    struct timing_diff_line *line = next_line(b, kind, phase);
    if (!line)
        return -1;
    snprintf(line->name, sizeof line->name, "%s", name);
    compare(b, line, &v);
    return 1;
}

static int add_part(struct builder *b, enum timing_diff_kind kind, const char *name, int part)
{
    struct values v = {0};
    if (b->how & TIMING_DIFF_LEAST)
        return 0;
    for (int s = 0; s < 2; s++)
        take_part(&v, s, b->side[s], part);
    if (isnan(v.side[0].mean) && isnan(v.side[1].mean))
        return 0;
    struct timing_diff_line *line = next_line(b, kind, -1);
    if (!line)
        return -1;
    snprintf(line->name, sizeof line->name, "%s", name);
    compare(b, line, &v);
    return 1;
}

static int add_totals(struct builder *b)
{
    const struct selection all = {.of = EVERYTHING, .phases = TIMING_ALL_PHASES};
    if (add_steps(b, TIMING_DIFF_TOTAL, -1, "step", &all) < 0 ||
        add_part(b, TIMING_DIFF_TOTAL, "wall", TIMING_PART_COUNT) < 0)
        return -1;
    for (int part = 0; part < TIMING_PART_COUNT; part++) {
        const char *name = timing_part_name((enum timing_part)part);
        int phase = 0, status;
        while (phase < PHASE_COUNT && timing_part_of((enum phase)phase) != (enum timing_part)part)
            phase++;
        const struct selection what = {.of = EVERYTHING, .phases = 1u << phase};
        if (phase < PHASE_COUNT)
            status = add_steps(b, TIMING_DIFF_PART, -1, name, &what);
        else
            status = add_part(b, TIMING_DIFF_PART, name, part);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* All phases together, then each one; of one phase only that is all there is to say. */
static int add_phases(struct builder *b, enum timing_diff_kind kind, const char *name, struct selection what)
{
    what.phases = TIMING_ALL_PHASES;
    int status = add_steps(b, kind, -1, name, &what), first = b->diff->n_lines, last = 0;
    for (int p = 0; p < PHASE_COUNT && status >= 0; p++) {
        what.phases = 1u << p;
        status = add_steps(b, kind, p, name, &what);
        last = status > 0 ? p : last;
    }
    if (status >= 0 && b->diff->n_lines == first + 1) {
        b->diff->n_lines = first;
        b->diff->lines[first - 1].phase = last;
    }
    return status < 0 ? -1 : 0;
}

static void append(char *out, size_t size, const char *name, const char *more)
{
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s%s", used ? ", " : "", name, more);
}

/* Says of the group's lines, from the first on, what else is in them. */
static void describe_group(struct builder *b, int group, int first)
{
    char with[sizeof b->diff->lines->with] = "", only[sizeof b->diff->lines->only] = "";
    for (int i = 0; i < b->n_rows; i++) {
        const struct joined *row = &b->rows[i];
        if (b->group[i] != group)
            continue;
        if (i != group)
            append(with, sizeof with, row->name, "");
        if (row->row[0] < 0 || row->row[1] < 0)
            append(only, sizeof only, row->name, row->row[0] < 0 ? " only in B" : " only in A");
    }
    for (int i = first; i < b->diff->n_lines; i++) {
        memcpy(b->diff->lines[i].with, with, sizeof with);
        memcpy(b->diff->lines[i].only, only, sizeof only);
    }
}

/* The names before the first '/' of the rows in a block, each once, with '+' between. */
static void block_name(const struct builder *b, int block, char *out, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < b->n_rows; i++) {
        int seen = b->block[i] != block;
        for (int k = 0; k < i; k++)
            seen |= b->block[k] == block && same_block(b->rows[k].name, b->rows[i].name);
        if (!seen && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? "+" : "",
                                     (int)strcspn(b->rows[i].name, "/"), b->rows[i].name);
    }
}

/* The steps of no row: "(update, all)". */
static int add_unowned(struct builder *b, enum timing_diff_kind kind)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        char name[64];
        const struct selection what = {.of = NO_ROW, .phases = 1u << p};
        snprintf(name, sizeof name, "(%s, all)", phase_name((enum phase)p));
        if (add_steps(b, kind, p, name, &what) < 0)
            return -1;
    }
    return 0;
}

static int add_lines(struct builder *b)
{
    char name[2 * PLAN_NAME_MAX];
    if (add_totals(b))
        return -1;
    for (int i = 0; i < b->n_rows; i++)
        if (b->block[i] == i) {
            block_name(b, i, name, sizeof name);
            if (add_phases(b, TIMING_DIFF_BLOCK, name, (struct selection){.of = A_BLOCK, .index = i}))
                return -1;
        }
    if (add_unowned(b, TIMING_DIFF_BLOCK))
        return -1;
    for (int i = 0; i < b->n_rows; i++)
        if (b->group[i] == i) {
            int first = b->diff->n_lines;
            if (add_phases(b, TIMING_DIFF_ROW, b->rows[i].name, (struct selection){.of = A_GROUP, .index = i}))
                return -1;
            describe_group(b, i, first);
        }
    return add_unowned(b, TIMING_DIFF_ROW);
}

/* ---- what stands in the way ---- */

void timing_diff_warn(struct timing_diff *diff, const char *format, ...)
{
    va_list args;
    if (diff->n_warnings == TIMING_DIFF_WARNINGS_MAX)
        return;
    va_start(args, format);
    vsnprintf(diff->warnings[diff->n_warnings++], sizeof diff->warnings[0], format, args);
    va_end(args);
}

enum { DEVICE, ISA, LIBRARY, FAMILY, PRECISION, THREADS, IMAGES, VERSION, FACTS };
static const char *const fact_names[FACTS] = {"devices",       "instruction sets",    "libraries",
                                              "families",      "precisions",          "threads",
                                              "images a step", "versions of davidnet"};

/* Empty: not known. */
static void fact_text(const struct timing *t, int fact, char out[192])
{
    out[0] = '\0';
    const char *const texts[] = {[DEVICE] = t->machine.device,
                                 [ISA] = t->machine.isa,
                                 [LIBRARY] = t->machine.library,
                                 [FAMILY] = t->family,
                                 [PRECISION] = t->precision};
    if (fact <= PRECISION)
        snprintf(out, 192, "%s", texts[fact]);
    else if (fact == THREADS && t->threads > 0)
        snprintf(out, 192, "%d", t->threads);
    else if (fact == IMAGES && isfinite(t->images_per_step))
        snprintf(out, 192, "%.0f", t->images_per_step);
    else if (fact == VERSION && t->machine.davidnet[0])
        snprintf(out, 192, "%s %s", t->machine.davidnet, t->machine.commit);
}

static void warn_of_facts(struct builder *b)
{
    const struct timing_diff_run *first = &b->side[0]->runs[0];
    for (int fact = 0; fact < FACTS; fact++) {
        char known[192], other[192];
        int told = 0;
        fact_text(first->timing, fact, known);
        for (int s = 0; s < 2; s++)
            for (int r = 0; r < b->side[s]->n && !told; r++) {
                const struct timing_diff_run *run = &b->side[s]->runs[r];
                fact_text(run->timing, fact, other);
                told = strcmp(known, other) != 0;
                if (told)
                    timing_diff_warn(b->diff, "%s differ: %s in %s, %s in %s", fact_names[fact],
                                     known[0] ? known : "not known", first->name, other[0] ? other : "not known",
                                     run->name);
            }
    }
}

static void warn_of_noise(struct builder *b)
{
    for (int s = 0; s < 2; s++) {
        const char *first = NULL;
        int busy = 0;
        for (int r = b->side[s]->n - 1; r >= 0; r--)
            if (b->side[s]->runs[r].contended) {
                first = b->side[s]->runs[r].name;
                busy++;
            }
        if (busy == 1)
            timing_diff_warn(b->diff, "%s was trained on a busy machine: its times tell of that, too", first);
        else if (busy > 1)
            timing_diff_warn(b->diff,
                             "%s and %d more of %c were trained on a busy machine: their times tell of that, too",
                             first, busy - 1, s ? 'B' : 'A');
    }
}

static void warn_of_begin(struct builder *b)
{
    for (int s = 0; s < 2; s++)
        for (int r = 0; r < b->side[s]->n; r++) {
            const struct timing_diff_run *run = &b->side[s]->runs[r];
            if (run->timing->from_step > 0)
                timing_diff_warn(b->diff, "%s has times from step %llu on only: what came before is in none of them",
                                 run->name, (unsigned long long)run->timing->from_step);
        }
}

/* ---- the whole ---- */

static int same_program(const struct timing *x, const struct timing *y)
{
    if (x->n_rows != y->n_rows || x->n_steps != y->n_steps)
        return 0;
    for (int i = 0; i < x->n_rows; i++)
        if (strcmp(x->rows[i].name, y->rows[i].name) != 0)
            return 0;
    for (int i = 0; i < x->n_steps; i++)
        if (x->steps[i].phase != y->steps[i].phase || x->steps[i].n_rows != y->steps[i].n_rows ||
            memcmp(x->steps[i].rows, y->steps[i].rows, (size_t)x->steps[i].n_rows * sizeof *x->steps[i].rows) != 0)
            return 0;
    return 1;
}

static int check_side(const struct timing_diff_side *side, struct error *err)
{
    if (side->n < 1 || side->n > TIMING_DIFF_RUNS_MAX)
        return error_set(err, "%d runs on one side; 1 to %d can be compared", side->n, TIMING_DIFF_RUNS_MAX);
    for (int r = 1; r < side->n; r++)
        if (!same_program(first_of(side), side->runs[r].timing))
            return error_set(err, "%s and %s do not run the same steps, so they are no repeats of one another",
                             side->runs[0].name, side->runs[r].name);
    return 0;
}

int timing_diff_make(struct timing_diff *diff, const struct timing_diff_side *a, const struct timing_diff_side *b,
                     unsigned how, struct error *err)
{
    memset(diff, 0, sizeof *diff);
    if (check_side(a, err) || check_side(b, err))
        return -1;
    if ((how & TIMING_DIFF_PAIRED) && (a->n != b->n || a->n < 2))
        return error_set(err, "%d and %d runs make no pairs: as many on both sides are wanted, two at least", a->n,
                         b->n);
    struct builder *builder = calloc(1, sizeof *builder);
    int most = first_of(a)->n_steps > first_of(b)->n_steps ? first_of(a)->n_steps : first_of(b)->n_steps, status = -1;
    if (builder) {
        builder->side[0] = a;
        builder->side[1] = b;
        builder->diff = diff;
        builder->how = how;
        builder->in = malloc((size_t)most + 1);
    }
    if (builder && builder->in) {
        join_rows(builder);
        make_groups(builder);
        warn_of_facts(builder);
        warn_of_noise(builder);
        warn_of_begin(builder);
        status = add_lines(builder);
        free(builder->in);
    }
    free(builder);
    if (status) {
        timing_diff_release(diff);
        return error_set(err, "out of memory for comparing the breakdowns");
    }
    return 0;
}

void timing_diff_release(struct timing_diff *diff)
{
    free(diff->lines);
    memset(diff, 0, sizeof *diff);
}
