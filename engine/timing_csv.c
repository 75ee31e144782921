#include "engine/timing_export.h"

#include "engine/number.h"
#include "kernels/work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void timing_origin_init(struct timing_origin *origin, const struct recipe *recipe, const char *run)
{
    snprintf(origin->run, sizeof origin->run, "%s", run);
    snprintf(origin->preset, sizeof origin->preset, "%s", recipe_name(recipe));
    snprintf(origin->eval, sizeof origin->eval, "%s", recipe->eval == RECIPE_EVAL_HOLDOUT ? "holdout" : "test");
    origin->seed = recipe->seed;
    recipe_summary(recipe, origin->summary, sizeof origin->summary);
    recipe_command(recipe, origin->command, sizeof origin->command);
}

enum column {
    KIND,
    NAME,
    PHASE,
    OP,
    CHANNELS,
    HEIGHT,
    WIDTH,
    ROWS,
    FUSED_INTO,
    IMPLEMENTATION,
    MS,
    MS_SD,
    SHARE,
    THREAD_MS,
    HIDDEN_MS,
    FLOPS,
    WORK,
    BYTES,
    GFLOPS,
    GIGABYTES,
    FLOOR_MS,
    CEILING,
    ACTIVATION_BYTES,
    WEIGHT_BYTES,
    VALUE,
    COLUMNS
};

static const char *const names[COLUMNS] = {
    [KIND] = "kind",
    [NAME] = "name",
    [PHASE] = "phase",
    [OP] = "op",
    [CHANNELS] = "channels",
    [HEIGHT] = "height",
    [WIDTH] = "width",
    [ROWS] = "rows",
    [FUSED_INTO] = "fused_into",
    [IMPLEMENTATION] = "implementation",
    [MS] = "ms",
    [MS_SD] = "ms_sd",
    [SHARE] = "share_percent",
    [THREAD_MS] = "thread_ms",
    [HIDDEN_MS] = "hidden_ms",
    [FLOPS] = "flops",
    [WORK] = "work",
    [BYTES] = "bytes",
    [GFLOPS] = "gflops",
    [GIGABYTES] = "gigabytes",
    [FLOOR_MS] = "floor_ms",
    [CEILING] = "ceiling_percent",
    [ACTIVATION_BYTES] = "activation_bytes",
    [WEIGHT_BYTES] = "weight_bytes",
    [VALUE] = "value",
};

/* A line in the making. Texts are borrowed. */
struct line {
    const char *text[COLUMNS]; /* NULL: a number, or nothing */
    double number[COLUMNS];    /* NaN: nothing */
};

static struct line new_line(const char *kind, const char *name)
{
    struct line line = {.text = {[KIND] = kind, [NAME] = name}};
    for (int c = 0; c < COLUMNS; c++)
        line.number[c] = NAN;
    return line;
}

/* A text in quotes where it has what would end it, or an edge that readers trim. */
static void put_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n") && text[0] != ' ') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            fputc('"', out);
        fputc(*c, out);
    }
    fputc('"', out);
}

static void put_line(FILE *out, const struct line *line)
{
    char number[NUMBER_TEXT_MAX];
    for (int c = 0; c < COLUMNS; c++) {
        if (c > 0)
            fputc(',', out);
        if (line->text[c])
            put_text(out, line->text[c]);
        else if (isfinite(line->number[c]))
            fputs(number_format_real(line->number[c], number, sizeof number), out);
    }
    fputc('\n', out);
}

static void put_meta(FILE *out, const char *name, const char *text, double number)
{
    struct line line = new_line("meta", name);
    line.text[VALUE] = text;
    line.number[VALUE] = number;
    put_line(out, &line);
}

static void put_metas(FILE *out, const struct timing *timing, const struct timing_origin *origin)
{
    const struct timing_machine *machine = &timing->machine;
    const struct timing_bound bound = timing_bound(timing);
    const struct {
        const char *name, *text;
        double number;
    } metas[] = {
        {"format", TIMING_FORMAT, NAN},
        {"version", NULL, TIMING_VERSION},
        {"run", origin->run, NAN},
        {"recipe", origin->preset, NAN},
        {"summary", origin->summary, NAN},
        {"seed", NULL, (double)origin->seed},
        {"eval", origin->eval, NAN},
        {"command", origin->command, NAN},
        {"davidnet", machine->davidnet, NAN},
        {"commit", machine->commit, NAN},
        {"family", timing->family, NAN},
        {"device", machine->device, NAN},
        {"isa", machine->isa, NAN},
        {"library", machine->library, NAN},
        {"precision", timing->precision, NAN},
        {"threads", NULL, timing->threads},
        {"ceilings.flops", NULL, machine->flops},
        {"ceilings.bytes", NULL, machine->bytes},
        {"ceilings.noisy", machine->noisy ? "true" : "false", NAN},
        {"ceilings.trusted", timing_trusted(timing) ? "true" : "false", NAN},
        {"train_steps", NULL, (double)timing->train_steps},
        {"from_step", NULL, (double)timing->from_step},
        {"to_step", NULL, timing->to_step > 0 ? (double)timing->to_step : (double)NAN},
        {"images_per_step", NULL, timing->images_per_step},
        {"step_ms", NULL, timing_step_ms(timing)},
        {"wall_ms", NULL, timing->wall_ms},
        {"timing_percent", NULL, timing->timing_percent},
        {"timing_costs.clock", NULL, timing->costs[TIMING_COST_CLOCK]},
        {"timing_costs.samples", NULL, timing->costs[TIMING_COST_SAMPLES]},
        {"timing_costs.trace", NULL, timing->costs[TIMING_COST_TRACE]},
        {"timing_costs.publish", NULL, timing->costs[TIMING_COST_PUBLISH]},
        {"timing_costs.write", NULL, timing->costs[TIMING_COST_WRITE]},
        {"eval_batches", NULL, (double)timing->eval_batches},
        {"eval_batch_ms", NULL, timing->eval_batch_ms},
        {"phases_unit", TIMING_PARTS_UNIT, NAN},
        {"bound.compute", NULL, bound.compute},
        {"bound.bandwidth", NULL, bound.bandwidth},
        {"bound.overhead", NULL, bound.overhead},
        {"bound.floor_ms", NULL, bound.floor_ms},
        {"bound.train_ms", NULL, bound.train_ms},
    };
    for (size_t i = 0; i < sizeof metas / sizeof metas[0]; i++)
        put_meta(out, metas[i].name, metas[i].text, metas[i].number);
}

static void put_parts(FILE *out, const struct timing *timing)
{
    for (int p = 0; p < TIMING_PART_COUNT; p++) {
        struct line line = new_line("phase", timing_part_name((enum timing_part)p));
        line.number[THREAD_MS] = timing_part_ms(timing, (enum timing_part)p);
        line.number[HIDDEN_MS] = timing->hidden_ms[p];
        line.number[SHARE] = 100 * line.number[THREAD_MS] / timing_parts_ms(timing);
        put_line(out, &line);
    }
}

static void put_sum(FILE *out, const struct timing *timing, struct line *line, const struct timing_sum *sum)
{
    line->number[MS] = sum->ms;
    line->number[MS_SD] = sum->ms_sd;
    line->number[SHARE] = 100 * sum->ms / timing_step_ms(timing);
    line->number[FLOPS] = sum->flops;
    line->number[BYTES] = sum->bytes;
    line->number[GFLOPS] = sum->gflops;
    line->number[GIGABYTES] = sum->gigabytes;
    line->number[FLOOR_MS] = sum->floor_ms;
    line->number[CEILING] = 100 * sum->ceiling;
    put_line(out, line);
}

/* "forward prep/conv; backward prep/norm" */
static void fused_text(const struct timing *timing, int row, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int p = 0; p < PHASE_COUNT; p++) {
        struct timing_cell cell = timing_cell(timing, row, (enum phase)p);
        if (cell.kind != TIMING_FUSED || used >= size)
            continue;
        int n = snprintf(out + used, size - used, "%s%s %s", used ? "; " : "", phase_name((enum phase)p),
                         timing->rows[cell.fused_into].name);
        used += n > 0 ? (size_t)n : 0;
    }
}

static void put_rows(FILE *out, const struct timing *timing)
{
    char impl[512], fused[(size_t)PHASE_COUNT * (PLAN_NAME_MAX + 16)];
    for (int i = 0; i < timing->n_rows; i++) {
        const struct timing_row *row = &timing->rows[i];
        struct line line = new_line("row", row->name);
        struct timing_sum sum = timing_sum(timing, i, TIMING_ALL_PHASES);
        timing_implementation(timing, i, impl, sizeof impl);
        fused_text(timing, i, fused, sizeof fused);
        line.text[OP] = row->op;
        line.number[CHANNELS] = row->shape.c;
        line.number[HEIGHT] = row->shape.h;
        line.number[WIDTH] = row->shape.w;
        line.text[FUSED_INTO] = fused;
        line.text[IMPLEMENTATION] = impl;
        line.number[ACTIVATION_BYTES] = row->activation_bytes;
        line.number[WEIGHT_BYTES] = row->weight_bytes;
        put_sum(out, timing, &line, &sum);
    }
}

static void put_steps(FILE *out, const struct timing *timing)
{
    char rows[2048];
    for (int i = 0; i < timing->n_steps; i++) {
        const struct timing_step *step = &timing->steps[i];
        struct line line = new_line("step", step->n_rows > 0 ? timing->rows[step->rows[0]].name : "");
        size_t used = 0;
        rows[0] = '\0';
        for (int k = 1; k < step->n_rows && used < sizeof rows; k++) {
            int n =
                snprintf(rows + used, sizeof rows - used, "%s%s", used ? "; " : "", timing->rows[step->rows[k]].name);
            used += n > 0 ? (size_t)n : 0;
        }
        line.text[PHASE] = phase_name(step->phase);
        line.text[ROWS] = rows;
        line.text[IMPLEMENTATION] = step->impl;
        line.number[WORK] = work_share(step->impl);
        struct timing_sum sum = timing_sum_step(timing, step);
        put_sum(out, timing, &line, &sum);
    }
}

char *timing_export_csv(const struct timing *timing, const struct timing_origin *origin, struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        struct line head = {.text = {NULL}};
        memcpy(head.text, names, sizeof names);
        put_line(out, &head);
        put_metas(out, timing, origin);
        put_parts(out, timing);
        put_rows(out, timing);
        put_steps(out, timing);
    }
    if (!out || fclose(out) != 0) {
        free(text);
        error_set(err, "out of memory for the timing breakdown");
        return NULL;
    }
    return text;
}
