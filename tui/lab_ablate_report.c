#include "tui/lab_ablate_report.h"

#include "engine/curves.h"
#include "engine/json.h"
#include "tui/columns.h"
#include "tui/run_report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define WIDTH 80
#define FORMAT "davidnet-lab-ablate"
#define VERSION 2 /* of CSV and JSON */

void lab_ablate_machine(const struct ablate_setting *s, char *out, size_t size)
{
    snprintf(out, size, "%s, %s, %s, %d thread%s, %s, %s", s->family, s->precision, s->isa, s->threads,
             s->threads == 1 ? "" : "s", s->library, s->device[0] ? s->device : "processor not known");
}

/* When the first and the last of what is shown were measured; NaN: not known. */
static void find_times(const struct lab_ablate_report *report, double *first, double *last)
{
    *first = *last = NAN;
    for (size_t i = 0; i < report->results->count; i++) {
        const struct ablate_record *r = &report->results->records[i];
        for (int k = 0; k < report->count; k++)
            if (r->batch == report->list[k].batch && strcmp(r->preset, report->list[k].preset) == 0) {
                *first = fmin(*first, r->unix_time);
                *last = fmax(*last, r->unix_time);
            }
    }
}

/* UTC: it is for readers anywhere. */
static const char *utc_text(double unix_time, char out[RUN_TEXT])
{
    time_t seconds = (time_t)unix_time;
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(out, RUN_TEXT, "%Y-%m-%dT%H:%MZ", &tm) == 0)
        strcpy(out, "-");
    return out;
}

void lab_ablate_measured(const struct lab_ablate_report *report, char *out, size_t size)
{
    const struct ablate_setting *s = &report->results->setting;
    char from[RUN_TEXT], to[RUN_TEXT];
    double first, last;
    find_times(report, &first, &last);
    size_t used = (size_t)snprintf(out, size, "measured by davidnet %s (%s)", s->davidnet, s->commit);
    if (used < size && isfinite(first))
        snprintf(out + used, size - used, " from %s to %s", utc_text(first, from), utc_text(last, to));
}

const struct ablate_recipe *lab_ablate_recipe(const struct lab_ablate_report *report, int i)
{
    const struct ablate_summary *list = report->list;
    return i == 0 || strcmp(list[i].preset, list[i - 1].preset) != 0
               ? ablate_results_recipe(report->results, list[i].preset)
               : NULL;
}

void lab_ablate_noise(const struct lab_ablate_report *report, char *out, size_t size)
{
    int noisy, rounds;
    ablate_count_noisy(report->list, report->count, &noisy, &rounds);
    snprintf(out, size, "%s", "");
    if (noisy > 0)
        snprintf(out, size, "%d of %d measurements %s disturbed by other programs", noisy, rounds,
                 noisy == 1 ? "was" : "were");
}

/* ---- the table ---- */

/* With as many decimals as mean something. */
static const char *number_text(double number, char out[RUN_TEXT])
{
    return run_text_number(number, fabs(number) < 10 ? 3 : fabs(number) < 1000 ? 1 : 0, out);
}

static void put_variant(FILE *out, const struct ablate_summary *s, int i)
{
    const struct ablate_variant_summary *v = &s->variant[i];
    char ms[RUN_TEXT], share[RUN_TEXT], median[RUN_TEXT], most[RUN_TEXT], gflop[RUN_TEXT], bytes[RUN_TEXT];
    fprintf(out, "  %-22s %8s %7s %8s %8s %9s %8s\n", ablate_variant_title((enum ablate_variant)i),
            number_text(v->ms, ms), run_text_number(100 * v->ms / s->variant[ABLATE_FULL].ms, 1, share),
            number_text(v->median, median), number_text(v->most, most), number_text(1e-9 * v->flops, gflop),
            number_text(1e-9 * v->bytes, bytes));
}

/* What does not apply is a blank. */
static const char *blank_or(int blank, double number, char out[RUN_TEXT])
{
    return blank ? strcpy(out, "") : number_text(number, out);
}

static void put_cost(FILE *out, const struct ablate_summary *s, int i)
{
    const struct ablate_cost *c = &s->cost[i];
    char text[6][RUN_TEXT], share[RUN_TEXT];
    int last = i == ABLATE_CONVOLUTIONS;
    fprintf(out, "  %-22s %7s %7s %7s %7s %7s %7s %7s\n", ablate_cost_title(i), number_text(c->ms, text[0]),
            run_text_number(100 * c->ms / s->variant[ABLATE_FULL].ms, 1, share), number_text(c->step, text[1]),
            number_text(c->timers, text[2]), blank_or(i != ABLATE_NO_UPDATE, c->fused, text[3]),
            blank_or(last, c->others, text[4]), number_text(c->between, text[5]));
}

/* The parts together: the full step, and all of its timers. */
static void put_sum(FILE *out, const struct ablate_summary *s)
{
    char ms[RUN_TEXT], share[RUN_TEXT], timers[RUN_TEXT];
    double sum = 0;
    for (int i = 0; i < ABLATE_COST_COUNT; i++)
        sum += s->cost[i].ms;
    fprintf(out, "  %-22s %7s %7s %7s\n", "sum", number_text(sum, ms),
            run_text_number(100 * sum / s->variant[ABLATE_FULL].ms, 1, share), number_text(s->timers_ms, timers));
}

/* What is below 0, in words. */
static void put_negatives(FILE *out, const struct ablate_summary *s)
{
    char text[160], ms[RUN_TEXT];
    for (int i = 0; i < ABLATE_COST_COUNT; i++) {
        const struct ablate_cost *c = &s->cost[i];
        if (!(c->ms < 0))
            continue;
        snprintf(text, sizeof text, "%s: %s ms, %s", ablate_cost_title(i), number_text(c->ms, ms),
                 ablate_cost_certainty(c, s->variant[ABLATE_FULL].rounds));
        fprintf(out, "  ");
        columns_wrap(out, text, 2, 2, WIDTH);
    }
}

static void put_case(FILE *out, const struct ablate_summary *s)
{
    char ms[RUN_TEXT], share[RUN_TEXT], gflop[RUN_TEXT];
    const struct ablate_variant_summary *full = &s->variant[ABLATE_FULL], *conv = &s->variant[ABLATE_CONVOLUTIONS];
    fprintf(out, "\n%s, batch %d, %d round%s\n\n", s->preset, s->batch, full->rounds, full->rounds == 1 ? "" : "s");
    fprintf(out, "  %-22s %8s %7s %8s %8s %9s %8s\n", "what runs", "ms", "of full", "median", "most", "GFLOP", "GB");
    for (int i = 0; i < ABLATE_VARIANT_COUNT; i++)
        put_variant(out, s, i);
    fprintf(out, "  %-22s %8s %7s %8s %8s %9s\n", "FLOP bound", number_text(s->bound_ms, ms),
            run_text_number(100 * s->bound_ms / full->ms, 1, share), "", "", number_text(1e-9 * conv->flops, gflop));
    fprintf(out, "\n  %-22s %7s %7s %7s %7s %7s %7s %7s\n", "what it costs", "ms", "of full", "in step", "timers",
            "fused", "others", "between");
    for (int i = 0; i < ABLATE_COST_COUNT; i++)
        put_cost(out, s, i);
    put_sum(out, s);
    put_negatives(out, s);
}

static const char notes[] =
    "ms: of a training step, the least of the rounds, for what disturbs a machine only ever adds; median and most tell "
    "how much it was. of full: percent of the full step. GB: what must move when nothing stays in a cache.\n\n"
    "What a part costs is the difference of two lines above it, and the sum of the last four. in step: what the timers "
    "of the full step say of it; their sum lacks only what is between the steps. timers: what the timers of the "
    "removed steps say. fused: pools and additions that ran inside steps of norm and activation, and stand "
    "alone without them. others: by how much the steps that stay became faster (caches that hold more, weights that "
    "are not packed again; below 0: slower). between: the same of the time between steps. A cost below 0 is within "
    "noise when some rounds' own differences are above 0.\n\n"
    "FLOP bound: the convolutions' operations, counted directly, at the rate of multiply-adds from registers. Winograd "
    "does fewer than are counted, so it can be faster than that.\n";

static void put_ceilings(FILE *out, const struct ablate_setting *s)
{
    char text[256];
    const char *noisy = s->ceiling.noisy ? "; other programs ran meanwhile, they may be higher" : "";
    if (isfinite(s->ceiling.flops))
        snprintf(text, sizeof text, "ceilings, measured: %.0f GFLOP/s of multiply-adds, copies of %.1f GB/s%s",
                 1e-9 * s->ceiling.flops, 1e-9 * s->ceiling.bytes, noisy);
    else
        snprintf(text, sizeof text, "ceilings, measured: copies of %.1f GB/s; that of %s multiply-adds is not known%s",
                 1e-9 * s->ceiling.bytes, s->precision, noisy);
    columns_wrap(out, text, 0, 0, WIDTH);
}

void lab_ablate_table(FILE *out, const struct lab_ablate_report *report)
{
    char line[640], noise[128];
    lab_ablate_machine(&report->results->setting, line, sizeof line);
    columns_wrap(out, line, 0, 0, WIDTH);
    lab_ablate_measured(report, line, sizeof line);
    columns_wrap(out, line, 0, 0, WIDTH);
    put_ceilings(out, &report->results->setting);
    for (int i = 0; i < report->count; i++) {
        const struct ablate_recipe *recipe = lab_ablate_recipe(report, i);
        if (recipe) {
            snprintf(line, sizeof line, "recipe: %s", recipe->summary);
            columns_wrap(out, line, 0, 8, WIDTH);
        }
    }
    lab_ablate_noise(report, noise, sizeof noise);
    if (noise[0]) {
        snprintf(line, sizeof line, "%s: on a quiet machine, or with more --rounds, it says more", noise);
        columns_wrap(out, line, 0, 0, WIDTH);
    }
    for (int i = 0; i < report->count; i++)
        put_case(out, &report->list[i]);
    putc('\n', out);
    columns_paragraphs(out, notes, WIDTH);
    fprintf(out, "\nmeasured with: %s\n", report->command);
}

/* ---- for programs ---- */

enum column {
    KIND,
    NAME,
    PRESET,
    BATCH,
    ROUNDS,
    NOISY,
    MS,
    MEDIAN,
    LOW,
    HIGH,
    CPU,
    SHARE,
    TIMERS,
    FUSED,
    OTHERS,
    BETWEEN,
    STEP_TIMERS,
    GFLOP,
    GIGABYTES,
    VALUE,
    COLUMNS
};

static const char *const column_names[COLUMNS] = {
    [KIND] = "kind",
    [NAME] = "name",
    [PRESET] = "preset",
    [BATCH] = "batch",
    [ROUNDS] = "rounds",
    [NOISY] = "noisy",
    [MS] = "ms",
    [MEDIAN] = "median_ms",
    [LOW] = "low_ms",
    [HIGH] = "high_ms",
    [CPU] = "cpu_ms",
    [SHARE] = "share_percent",
    [TIMERS] = "timers_ms",
    [FUSED] = "fused_ms",
    [OTHERS] = "others_ms",
    [BETWEEN] = "between_ms",
    [STEP_TIMERS] = "step_timers_ms",
    [GFLOP] = "gflop",
    [GIGABYTES] = "gigabytes",
    [VALUE] = "value",
};

/* A line in the making. What is neither text (borrowed) nor a finite number is empty. */
struct line {
    const char *text[COLUMNS];
    double number[COLUMNS];
};

static struct line new_line(const char *kind, const char *name, const char *preset)
{
    struct line line = {.text = {[KIND] = kind, [NAME] = name, [PRESET] = preset}};
    for (int c = 0; c < COLUMNS; c++)
        line.number[c] = NAN;
    return line;
}

/* Numbers for people's eyes too: six digits say all that was measured, but a meta's are exact. */
static void put_line(FILE *out, const struct line *line)
{
    for (int c = 0; c < COLUMNS; c++) {
        if (c > 0)
            fputc(',', out);
        if (line->text[c])
            curves_put_text(out, line->text[c]);
        else if (isfinite(line->number[c]))
            fprintf(out, "%.*g", c == VALUE ? 15 : 6, line->number[c]);
    }
    fputc('\n', out);
}

static void put_meta(FILE *out, const char *preset, const char *name, const char *text, double number)
{
    struct line line = new_line("meta", name, preset);
    line.text[VALUE] = text;
    line.number[VALUE] = number;
    put_line(out, &line);
}

static void put_metas(FILE *out, const struct lab_ablate_report *report)
{
    const struct ablate_setting *s = &report->results->setting;
    double first, last;
    find_times(report, &first, &last);
    const struct {
        const char *name, *text;
        double number;
    } metas[] = {
        {"format", FORMAT, NAN},
        {"version", NULL, VERSION},
        {"command", report->command, NAN},
        {"results", report->results->path, NAN},
        {"first_unix_time", NULL, first},
        {"last_unix_time", NULL, last},
        {"davidnet", s->davidnet, NAN},
        {"commit", s->commit, NAN},
        {"family", s->family, NAN},
        {"device", s->device, NAN},
        {"isa", s->isa, NAN},
        {"library", s->library, NAN},
        {"precision", s->precision, NAN},
        {"threads", NULL, s->threads},
        {"ceiling_flops", NULL, s->ceiling.flops},
        {"ceiling_bytes", NULL, s->ceiling.bytes},
        {"ceiling_noisy", s->ceiling.noisy ? "true" : "false", NAN},
    };
    for (size_t i = 0; i < sizeof metas / sizeof metas[0]; i++)
        put_meta(out, NULL, metas[i].name, metas[i].text, metas[i].number);
    for (int i = 0; i < report->count; i++) {
        const struct ablate_recipe *recipe = lab_ablate_recipe(report, i);
        if (!recipe)
            continue;
        put_meta(out, recipe->preset, "recipe", recipe->digest, NAN);
        put_meta(out, recipe->preset, "summary", recipe->summary, NAN);
        put_meta(out, recipe->preset, "seed", NULL, (double)recipe->seed);
    }
}

static void put_csv_case(FILE *out, const struct ablate_summary *s)
{
    double full = s->variant[ABLATE_FULL].ms;
    for (int k = 0; k < ABLATE_VARIANT_COUNT; k++) {
        const struct ablate_variant_summary *v = &s->variant[k];
        struct line line = new_line("variant", ablate_variant_name((enum ablate_variant)k), s->preset);
        line.number[BATCH] = s->batch;
        line.number[ROUNDS] = v->rounds;
        line.number[NOISY] = v->noisy;
        line.number[MS] = line.number[LOW] = v->ms;
        line.number[MEDIAN] = v->median;
        line.number[HIGH] = v->most;
        line.number[CPU] = v->cpu_ms;
        line.number[SHARE] = 100 * v->ms / full;
        line.number[GFLOP] = 1e-9 * v->flops;
        line.number[GIGABYTES] = 1e-9 * v->bytes;
        put_line(out, &line);
    }
    for (int k = 0; k < ABLATE_COST_COUNT; k++) {
        const struct ablate_cost *c = &s->cost[k];
        struct line line = new_line("cost", ablate_cost_name(k), s->preset);
        line.number[BATCH] = s->batch;
        line.number[MS] = c->ms;
        line.number[MEDIAN] = c->median;
        line.number[LOW] = c->low;
        line.number[HIGH] = c->high;
        line.number[CPU] = c->cpu;
        line.number[SHARE] = 100 * c->ms / full;
        line.number[TIMERS] = c->timers;
        line.number[FUSED] = k == ABLATE_NO_UPDATE ? c->fused : (double)NAN;
        line.number[OTHERS] = k == ABLATE_CONVOLUTIONS ? (double)NAN : c->others;
        line.number[BETWEEN] = c->between;
        line.number[STEP_TIMERS] = c->step;
        put_line(out, &line);
    }
    struct line line = new_line("bound", "flops", s->preset);
    line.number[BATCH] = s->batch;
    line.number[MS] = s->bound_ms;
    line.number[SHARE] = 100 * s->bound_ms / full;
    line.number[GFLOP] = 1e-9 * s->variant[ABLATE_CONVOLUTIONS].flops;
    put_line(out, &line);
}

void lab_ablate_csv(FILE *out, const struct lab_ablate_report *report)
{
    struct line head = {.text = {NULL}};
    memcpy(head.text, column_names, sizeof column_names);
    put_line(out, &head);
    put_metas(out, report);
    for (int i = 0; i < report->count; i++)
        put_csv_case(out, &report->list[i]);
}

static cJSON *variant_json(const struct ablate_summary *s, int i)
{
    const struct ablate_variant_summary *v = &s->variant[i];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", ablate_variant_name((enum ablate_variant)i));
    cJSON_AddStringToObject(object, "title", ablate_variant_title((enum ablate_variant)i));
    cJSON_AddNumberToObject(object, "rounds", v->rounds);
    cJSON_AddNumberToObject(object, "noisy", v->noisy);
    json_add_number(object, "ms", v->ms);
    json_add_number(object, "median_ms", v->median);
    json_add_number(object, "high_ms", v->most);
    json_add_number(object, "cpu_ms", v->cpu_ms);
    json_add_number(object, "flops", v->flops);
    json_add_number(object, "bytes", v->bytes);
    cJSON *parts = cJSON_AddObjectToObject(object, "parts_ms");
    for (int p = 0; p < ABLATE_PART_COUNT; p++)
        json_add_number(parts, ablate_part_name((enum ablate_part)p), v->part_ms[p]);
    return object;
}

static cJSON *cost_json(const struct ablate_summary *s, int i)
{
    const struct ablate_cost *c = &s->cost[i];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", ablate_cost_name(i));
    cJSON_AddStringToObject(object, "title", ablate_cost_title(i));
    json_add_number(object, "ms", c->ms);
    json_add_number(object, "median_ms", c->median);
    json_add_number(object, "low_ms", c->low);
    json_add_number(object, "high_ms", c->high);
    json_add_number(object, "cpu_ms", c->cpu);
    json_add_number(object, "timers_ms", c->timers);
    json_add_number(object, "fused_ms", i == ABLATE_NO_UPDATE ? c->fused : (double)NAN);
    json_add_number(object, "others_ms", i == ABLATE_CONVOLUTIONS ? (double)NAN : c->others);
    json_add_number(object, "between_ms", c->between);
    json_add_number(object, "step_timers_ms", c->step);
    return object;
}

static void put_origin(cJSON *root, const struct lab_ablate_report *report)
{
    const struct ablate_setting *setting = &report->results->setting;
    double first, last;
    find_times(report, &first, &last);
    cJSON_AddStringToObject(root, "format", FORMAT);
    cJSON_AddNumberToObject(root, "version", VERSION);
    cJSON_AddStringToObject(root, "command", report->command);
    cJSON_AddStringToObject(root, "results", report->results->path);
    json_add_number(root, "first_unix_time", first);
    json_add_number(root, "last_unix_time", last);
    cJSON_AddStringToObject(root, "davidnet", setting->davidnet);
    cJSON_AddStringToObject(root, "commit", setting->commit);
    cJSON_AddStringToObject(root, "family", setting->family);
    cJSON_AddStringToObject(root, "device", setting->device);
    cJSON_AddStringToObject(root, "isa", setting->isa);
    cJSON_AddStringToObject(root, "library", setting->library);
    cJSON_AddStringToObject(root, "precision", setting->precision);
    cJSON_AddNumberToObject(root, "threads", setting->threads);
    json_add_number(root, "ceiling_flops", setting->ceiling.flops);
    json_add_number(root, "ceiling_bytes", setting->ceiling.bytes);
    cJSON_AddBoolToObject(root, "ceiling_noisy", setting->ceiling.noisy);
    cJSON *recipes = cJSON_AddArrayToObject(root, "recipes");
    for (int i = 0; i < report->count; i++) {
        const struct ablate_recipe *recipe = lab_ablate_recipe(report, i);
        if (!recipe)
            continue;
        cJSON *object = cJSON_CreateObject();
        ablate_recipe_add_json(recipe, object);
        cJSON_AddItemToArray(recipes, object);
    }
}

int lab_ablate_json(FILE *out, const struct lab_ablate_report *report, struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    put_origin(root, report);
    cJSON *cases = cJSON_AddArrayToObject(root, "cases");
    for (int i = 0; i < report->count; i++) {
        const struct ablate_summary *s = &report->list[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "preset", s->preset);
        cJSON_AddNumberToObject(object, "batch", s->batch);
        json_add_number(object, "flop_bound_ms", s->bound_ms);
        json_add_number(object, "step_timers_ms", s->timers_ms);
        cJSON *list = cJSON_AddArrayToObject(object, "variants");
        for (int k = 0; k < ABLATE_VARIANT_COUNT; k++)
            cJSON_AddItemToArray(list, variant_json(s, k));
        list = cJSON_AddArrayToObject(object, "costs");
        for (int k = 0; k < ABLATE_COST_COUNT; k++)
            cJSON_AddItemToArray(list, cost_json(s, k));
        cJSON_AddItemToArray(cases, object);
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return error_set(err, "out of memory");
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    return 0;
}
