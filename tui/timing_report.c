#include "tui/timing_report.h"

#include "tui/columns.h"
#include "tui/run_report.h"
#include "views/grid.h"

#include <math.h>
#include <string.h>

#define NAME_MIN 13
#define NAME_MAX_WIDTH 25
#define WHOLE 4096 /* a width that cuts nothing */

enum column { FORWARD, BACKWARD, UPDATE, SHARE, GFLOP, MBYTES, GFLOPS, GIGABYTES, FLOOR, CEILING, MEMORY, COLUMNS };

/* Each has a blank before it. from: how wide a terminal must be to have it. */
static const struct {
    const char *head;
    int width, from;
} columns[COLUMNS] = {
    [FORWARD] = {"forward", 7, 0},   [BACKWARD] = {"backward", 8, 0}, [UPDATE] = {"update", 7, 0},
    [SHARE] = {"share", 7, 0},       [GFLOP] = {"GFLOP", 7, 120},     [MBYTES] = {"MB", 7, 120},
    [GFLOPS] = {"GFLOP/s", 7, 0},    [GIGABYTES] = {"GB/s", 5, 100},  [FLOOR] = {"floor", 7, 120},
    [CEILING] = {"ceiling", 7, 100}, [MEMORY] = {"memory", 7, 140},
};

/* How the table is laid out; width 0: whole. */
struct layout {
    FILE *out;
    int width, name_width, numbers, rest;
};

static int has(const struct layout *l, enum column c)
{
    return l->width == 0 || l->width >= columns[c].from;
}

/* ---- cells ---- */

static void put_field(const struct layout *l, enum column c, const char *text)
{
    if (has(l, c))
        fprintf(l->out, " %*s", columns[c].width, text);
}

static void put_number(const struct layout *l, enum column c, double value, int decimals)
{
    char text[RUN_TEXT];
    put_field(l, c, run_text_number(value, decimals, text));
}

static void put_percent(const struct layout *l, enum column c, double value, int decimals)
{
    char text[RUN_TEXT], percent[RUN_TEXT + 2];
    snprintf(percent, sizeof percent, "%s%s", run_text_number(value, decimals, text), isnan(value) ? "" : " %");
    put_field(l, c, percent);
}

/* Milliseconds in their column. */
static void put_ms(const struct layout *l, enum column c, double ms)
{
    put_number(l, c, ms, ms < 1000 ? 3 : ms < 100000 ? 1 : 0);
}

/* Three digits or so, whatever the size. */
static int decimals_of(double value)
{
    return value < 1 ? 2 : value < 100 ? 1 : 0;
}

/* What follows the numbers: never a blank at a line's end, cut with "~" at the width. */
static void put_rest(FILE *out, const char *text, int width)
{
    int n = (int)strlen(text);
    if (n > 0 && width < 2)
        fputc('\n', out);
    else if (n > 0 && n > width)
        fprintf(out, "  %.*s~\n", width - 1, text);
    else
        fprintf(out, n > 0 ? "  %s\n" : "%s\n", text);
}

/* A name in its column, cut at the front: the end tells rows apart. */
static void put_name(const struct layout *l, const char *name)
{
    int n = (int)strlen(name);
    if (n > l->name_width)
        fprintf(l->out, "~%s", name + n - l->name_width + 1);
    else
        fprintf(l->out, "%-*s", l->name_width, name);
}

/* ---- rows ---- */

/* Sum of the row's own times in the phases of the mask, or the kind that says why there is none. */
static struct timing_cell sum_phases(const struct timing *t, int row, unsigned mask)
{
    struct timing_cell sum = {.kind = TIMING_NONE, .ms = NAN, .fused_into = -1};
    for (int p = 0; p < PHASE_COUNT; p++) {
        struct timing_cell cell = timing_cell(t, row, (enum phase)p);
        if (!(mask >> p & 1))
            continue;
        if (cell.kind == TIMING_OWN) {
            sum.ms = sum.kind == TIMING_OWN ? sum.ms + cell.ms : cell.ms;
            sum.kind = TIMING_OWN;
        } else if (cell.kind == TIMING_FUSED && sum.kind == TIMING_NONE) {
            sum = cell;
        }
    }
    return sum;
}

#define FORWARD_PHASES (1u << PHASE_AUGMENT | 1u << PHASE_FORWARD | 1u << PHASE_LOSS)

/* "fused into A", "fused into A, backward into B", "backward fused into B"; empty when nothing is fused. */
static void fused_text(const struct timing *t, struct timing_cell forward, struct timing_cell backward, char *out,
                       size_t size)
{
    const char *f = forward.kind == TIMING_FUSED ? t->rows[forward.fused_into].name : NULL;
    const char *b = backward.kind == TIMING_FUSED ? t->rows[backward.fused_into].name : NULL;
    out[0] = '\0';
    if (f != NULL && b != NULL && strcmp(f, b) != 0)
        snprintf(out, size, "fused into %s, backward into %s", f, b);
    else if (f != NULL && (b != NULL || backward.kind == TIMING_NONE))
        snprintf(out, size, "fused into %s", f);
    else if (f != NULL)
        snprintf(out, size, "forward fused into %s", f);
    else if (b != NULL)
        snprintf(out, size, "backward fused into %s", b);
}

/* What all of a line's own steps come to. */
static void put_sum(const struct layout *l, const struct timing *t, const struct timing_sum *sum)
{
    put_percent(l, SHARE, 100 * sum->ms / timing_step_ms(t), 1);
    put_number(l, GFLOP, sum->flops > 0 ? sum->flops * 1e-9 : (double)NAN, 2);
    put_number(l, MBYTES, sum->bytes * 1e-6, decimals_of(sum->bytes * 1e-6));
    put_number(l, GFLOPS, sum->gflops, sum->gflops < 10 ? 1 : 0);
    put_number(l, GIGABYTES, sum->gigabytes, 1);
    put_ms(l, FLOOR, sum->floor_ms);
    put_percent(l, CEILING, 100 * sum->ceiling, 0);
}

static void put_row(const struct layout *l, const struct timing *t, int row)
{
    const struct timing_cell cells[3] = {sum_phases(t, row, FORWARD_PHASES), sum_phases(t, row, 1u << PHASE_BACKWARD),
                                         sum_phases(t, row, 1u << PHASE_UPDATE)};
    struct timing_sum sum = timing_sum(t, row, TIMING_ALL_PHASES);
    char impl[512], fused[256], both[800], memory[RUN_TEXT];
    put_name(l, t->rows[row].name);
    fused_text(t, cells[0], cells[1], fused, sizeof fused);
    if (sum.steps == 0 && fused[0] != '\0') { /* nothing of its own: only say where it went */
        put_rest(l->out, fused, l->numbers + l->rest);
        return;
    }
    for (int c = 0; c < 3; c++) {
        if (cells[c].kind == TIMING_FUSED)
            put_field(l, (enum column)(FORWARD + c), "fused");
        else
            put_ms(l, (enum column)(FORWARD + c), cells[c].ms);
    }
    put_sum(l, t, &sum);
    double bytes = t->rows[row].activation_bytes + t->rows[row].weight_bytes;
    put_field(l, MEMORY, isnan(bytes) ? "-" : run_text_bytes((int64_t)bytes, memory));
    timing_implementation(t, row, impl, sizeof impl);
    snprintf(both, sizeof both, "%s%s%s", impl, impl[0] && fused[0] ? "; " : "", fused);
    put_rest(l->out, both, l->rest);
}

/* Steps that belong to no row, such as one update of all weights. */
static void put_unowned(const struct layout *l, const struct timing *t, const struct timing_step *step)
{
    char name[32];
    struct timing_sum sum = timing_sum_step(t, step);
    snprintf(name, sizeof name, "(%s, all)", phase_name(step->phase));
    put_name(l, name);
    enum column column = step->phase == PHASE_UPDATE ? UPDATE : step->phase == PHASE_BACKWARD ? BACKWARD : FORWARD;
    for (enum column c = FORWARD; c <= UPDATE; c++)
        put_ms(l, c, c == column ? step->ms : (double)NAN);
    put_sum(l, t, &sum);
    put_field(l, MEMORY, "-");
    put_rest(l->out, step->impl, l->rest);
}

/* ---- the whole ---- */

/* A line of text, cut at the width. */
static void put_line(const struct layout *l, const char *text)
{
    if (l->width && text_width(text) > l->width)
        fprintf(l->out, "%.*s~\n", text_fit(text, l->width - 1), text);
    else
        fprintf(l->out, "%s\n", text);
}

static void put_head(const struct layout *l, const struct timing *t, const struct timing_origin *origin)
{
    const struct timing_machine *m = &t->machine;
    char text[RECIPE_COMMAND_MAX + 256], images[RUN_TEXT];
    snprintf(text, sizeof text, "%s: %s", origin->run, origin->summary);
    put_line(l, text);
    snprintf(text, sizeof text, "%s, %s, %d thread%s: means of %llu steps of %s images, in milliseconds", t->family,
             t->precision, t->threads, t->threads == 1 ? "" : "s", (unsigned long long)t->train_steps,
             run_text_number(t->images_per_step, 0, images));
    put_line(l, text);
    if (t->from_step > 0 && t->to_step > 0)
        snprintf(text, sizeof text, "from step %llu of the run to step %llu: what came before is in none of this",
                 (unsigned long long)t->from_step, (unsigned long long)t->to_step);
    else if (t->from_step > 0)
        snprintf(text, sizeof text, "from step %llu of the run on: what came before is in none of this",
                 (unsigned long long)t->from_step);
    else if (t->to_step > 0)
        snprintf(text, sizeof text, "the last of them is step %llu of the run", (unsigned long long)t->to_step);
    if (t->from_step > 0 || t->to_step > 0)
        put_line(l, text);
    if (m->device[0]) {
        snprintf(text, sizeof text, "%s%s%s, %s; davidnet %s, %s", m->device, m->isa[0] ? ", " : "", m->isa, m->library,
                 m->davidnet, m->commit);
        put_line(l, text);
    }
    columns_command(l->out, origin->command, 0, l->width); /* it is there to be copied */
    fputc('\n', l->out);
}

/* Milliseconds that passed in each part, the same times threads, and its share of all; work that nothing waited for
 * beside it. */
static void put_parts(const struct layout *l, const struct timing *t)
{
    char ms[RUN_TEXT], all[RUN_TEXT], share[RUN_TEXT], hidden[RUN_TEXT];
    fprintf(l->out, "\n%-10s %10s %10s %8s\n", "phase", "ms/step", "thread-ms", "share");
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        double part = timing_part_ms(t, (enum timing_part)p), beside = t->hidden_ms[p];
        fprintf(l->out, "%-10s %10s %10s %6s%s", timing_part_name((enum timing_part)p),
                run_text_number(part / t->threads, 3, ms), run_text_number(part, 3, all),
                run_text_number(100 * part / timing_parts_ms(t), 1, share), isfinite(part) ? " %" : "");
        if (isfinite(beside))
            fprintf(l->out, "  hidden: %s thread-ms", run_text_number(beside, 3, hidden));
        fputc('\n', l->out);
    }
    if (isfinite(t->wall_ms))
        fprintf(l->out, "%-10s %10s %10s %6s %%\n", "all", run_text_number(t->wall_ms, 3, ms),
                run_text_number(t->threads * t->wall_ms, 3, all), run_text_number(100, 1, share));
}

static void put_bound(const struct layout *l, const struct timing *t)
{
    const struct timing_bound bound = timing_bound(t);
    const char *most = "overhead";
    char text[256];
    fputc('\n', l->out);
    if (timing_disproved(t, text, sizeof text)) {
        put_line(l, text);
        return;
    }
    if (isnan(bound.overhead)) {
        put_line(l, "what bounds a step is not known: not all ceilings of the machine were measured");
        return;
    }
    if (bound.compute >= bound.bandwidth && bound.compute >= bound.overhead)
        most = "compute";
    else if (bound.bandwidth >= bound.overhead)
        most = "bandwidth";
    double percent[3];
    timing_bound_round(&bound, 1, percent);
    snprintf(text, sizeof text, "bound by %s: compute %.1f %%, bandwidth %.1f %%, overhead %.1f %%", most, percent[0],
             percent[1], percent[2]);
    put_line(l, text);
    snprintf(text, sizeof text, "floor %.1f ms: its work at %.0f GFLOP/s and %.1f GB/s, as measured here",
             bound.floor_ms, t->machine.flops * 1e-9, t->machine.bytes * 1e-9);
    put_line(l, text);
    if (timing_doubtful(t))
        put_line(l, TIMING_DOUBT);
}

static int little(double percent)
{
    return percent > 0 && percent < 0.0005;
}

/* What timing takes of a step, and what is counted as that. */
static void put_costs(const struct layout *l, const struct timing *t)
{
    char text[256];
    size_t used = 0;
    if (isnan(t->timing_percent))
        return;
    int all = isfinite(t->costs[TIMING_COST_SAMPLES]);
    snprintf(text, sizeof text, "measuring costs %.2g %% of a step%s", t->timing_percent,
             all ? ", by its own account:" : ", as far as readings of the clock go");
    put_line(l, text);
    for (int c = 0; c < TIMING_COSTS && all; c++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s%.2g %%", c ? ", " : "  ",
                                 timing_cost_name((enum timing_cost)c), little(t->costs[c]) ? "<" : "",
                                 little(t->costs[c]) ? 0.001 : t->costs[c]);
    if (all)
        put_line(l, text);
    if (t->timing_percent > TIMING_COST_MAX) {
        snprintf(text, sizeof text, "more than %g %%: the steps or the run are too short; times are longer by it",
                 TIMING_COST_MAX);
        put_line(l, text);
    }
}

static void put_totals(const struct layout *l, const struct timing *t)
{
    char ms[RUN_TEXT];
    put_parts(l, t);
    double rate = timing_images_per_second(t);
    fprintf(l->out, "\n%-10s %10s          the rows alone", "step", run_text_number(timing_step_ms(t), 3, ms));
    fprintf(l->out, "\n%-10s %10s", "whole step", run_text_number(timing_bound(t).train_ms, 3, ms));
    if (isfinite(rate))
        fprintf(l->out, "          %.0f images/s, with data and what is between", rate);
    fprintf(l->out, "\nevaluation %10s per batch\n", run_text_number(t->eval_batch_ms, 3, ms));
    put_bound(l, t);
    put_costs(l, t);
}

void timing_report_table(const struct timing *t, const struct timing_origin *origin, int width, FILE *out)
{
    struct layout l = {.out = out, .width = width, .name_width = NAME_MIN};
    for (int i = 0; i < t->n_rows; i++)
        if ((int)strlen(t->rows[i].name) > l.name_width)
            l.name_width = (int)strlen(t->rows[i].name);
    if (width && l.name_width > NAME_MAX_WIDTH)
        l.name_width = NAME_MAX_WIDTH;
    for (enum column c = 0; c < COLUMNS; c++)
        l.numbers += has(&l, c) ? columns[c].width + 1 : 0;
    l.rest = width ? width - l.name_width - l.numbers - 2 : WHOLE;
    put_head(&l, t, origin);
    fprintf(out, "%-*s", l.name_width, "row");
    for (enum column c = 0; c < COLUMNS; c++)
        put_field(&l, c, columns[c].head);
    put_rest(out, "implementation", l.rest);
    for (int i = 0; i < t->n_rows; i++)
        put_row(&l, t, i);
    for (int i = 0; i < t->n_steps; i++)
        if (t->steps[i].n_rows == 0)
            put_unowned(&l, t, &t->steps[i]);
    put_totals(&l, t);
}
