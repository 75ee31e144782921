#include "tui/lab_ablate_report.h"

#include "engine/json.h"
#include "tui/columns.h"
#include "tui/run_report.h"

#include <cjson/cJSON.h>
#include <math.h>

#define WIDTH 80

void lab_ablate_machine(const struct ablate_setting *s, char *out, size_t size)
{
    snprintf(out, size, "%s, %s, %s, %d thread%s, %s; davidnet %s (%s)", s->family, s->precision, s->isa, s->threads,
             s->threads == 1 ? "" : "s", s->library, s->davidnet, s->commit);
}

void lab_ablate_noise(const struct lab_ablate_report *report, char *out, size_t size)
{
    int noisy, rounds;
    ablate_count_noisy(report->list, report->count, &noisy, &rounds);
    snprintf(out, size, "%s", "");
    if (noisy > 0)
        snprintf(out, size, "%d of %d measurements were disturbed by other programs", noisy, rounds);
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

static void put_cost(FILE *out, const char *title, const struct ablate_cost *c, double full, int fused)
{
    char text[5][RUN_TEXT], share[RUN_TEXT];
    fprintf(out, "  %-22s %8s %7s %8s %8s %8s %8s\n", title, number_text(c->ms, text[0]),
            run_text_number(100 * c->ms / full, 1, share), number_text(c->timers, text[1]),
            fused ? number_text(c->fused, text[2]) : "", number_text(c->others, text[3]),
            number_text(c->between, text[4]));
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
    fprintf(out, "\n  %-22s %8s %7s %8s %8s %8s %8s\n", "what it costs", "ms", "of full", "timers", "fused", "others",
            "between");
    for (int i = 0; i < ABLATE_COST_COUNT; i++)
        put_cost(out, ablate_cost_title(i), &s->cost[i], full->ms, i == ABLATE_NO_UPDATE);
    struct ablate_cost left = {
        .ms = conv->ms, .timers = conv->part_ms[ABLATE_CONV], .between = conv->part_ms[ABLATE_BETWEEN]};
    left.others = isnan(left.ms) ? (double)NAN : 0;
    put_cost(out, "convolutions", &left, full->ms, 0);
}

static const char notes[] =
    "ms: of a training step, the least of the rounds, for what disturbs a machine only ever adds; median and most tell "
    "how much it was. of full: percent of the full step. GB: what must move when nothing stays in a cache.\n\n"
    "What a part costs is the difference of two lines above it, and the sum of the next four. timers: what the timers "
    "of the removed steps say. fused: pools and additions that ran inside steps of norm and activation, and stand "
    "alone without them. others: by how much the steps that stay became faster (caches that hold more, weights that "
    "are not packed again; below 0: slower). between: the same of the time between steps.\n\n"
    "FLOP bound: the convolutions' operations, counted directly, at the rate of multiply-adds from registers. Winograd "
    "does fewer than are counted, so it can be faster than that.\n";

void lab_ablate_table(FILE *out, const struct lab_ablate_report *report)
{
    char machine[256], rate[224], noise[128];
    lab_ablate_machine(report->setting, machine, sizeof machine);
    columns_wrap(out, machine, 0, 0, WIDTH);
    if (isfinite(report->setting->ceiling.flops))
        snprintf(rate, sizeof rate, "ceilings, measured: %.0f GFLOP/s of multiply-adds, copies of %.1f GB/s",
                 1e-9 * report->setting->ceiling.flops, 1e-9 * report->setting->ceiling.bytes);
    else
        snprintf(rate, sizeof rate, "ceilings, measured: copies of %.1f GB/s; that of %s multiply-adds is not known",
                 1e-9 * report->setting->ceiling.bytes, report->setting->precision);
    columns_wrap(out, rate, 0, 0, WIDTH);
    lab_ablate_noise(report, noise, sizeof noise);
    if (noise[0]) {
        snprintf(rate, sizeof rate, "%s: on a quiet machine, or with more --rounds, it says more", noise);
        columns_wrap(out, rate, 0, 0, WIDTH);
    }
    for (int i = 0; i < report->count; i++)
        put_case(out, &report->list[i]);
    putc('\n', out);
    columns_paragraphs(out, notes, WIDTH);
}

/* ---- for programs ---- */

/* Empty: not known. */
static void put_numbers(FILE *out, const double *values, int n)
{
    for (int i = 0; i < n; i++) {
        fputc(',', out);
        if (isfinite(values[i]))
            fprintf(out, "%.6g", values[i]);
    }
    fputc('\n', out);
}

void lab_ablate_csv(FILE *out, const struct lab_ablate_report *report)
{
    fputs("preset,batch,kind,name,rounds,noisy,ms,median_ms,low_ms,high_ms,cpu_ms,share_percent,timers_ms,fused_ms,"
          "others_ms,"
          "between_ms,gflop,"
          "gigabytes\n",
          out);
    for (int i = 0; i < report->count; i++) {
        const struct ablate_summary *s = &report->list[i];
        double full = s->variant[ABLATE_FULL].ms, nothing = NAN;
        for (int k = 0; k < ABLATE_VARIANT_COUNT; k++) {
            const struct ablate_variant_summary *v = &s->variant[k];
            fprintf(out, "%s,%d,variant,%s,%d,%d", s->preset, s->batch, ablate_variant_name((enum ablate_variant)k),
                    v->rounds, v->noisy);
            put_numbers(out,
                        (const double[]){v->ms, v->median, v->ms, v->most, v->cpu_ms, 100 * v->ms / full, nothing,
                                         nothing, nothing, nothing, 1e-9 * v->flops, 1e-9 * v->bytes},
                        12);
        }
        for (int k = 0; k < ABLATE_COST_COUNT; k++) {
            const struct ablate_cost *c = &s->cost[k];
            fprintf(out, "%s,%d,cost,%s,,", s->preset, s->batch, ablate_cost_name(k));
            put_numbers(out,
                        (const double[]){c->ms, c->median, c->low, c->high, c->cpu, 100 * c->ms / full, c->timers,
                                         k == ABLATE_NO_UPDATE ? c->fused : nothing, c->others, c->between, nothing,
                                         nothing},
                        12);
        }
        fprintf(out, "%s,%d,bound,flops,,", s->preset, s->batch);
        put_numbers(out,
                    (const double[]){s->bound_ms, nothing, nothing, nothing, nothing, 100 * s->bound_ms / full, nothing,
                                     nothing, nothing, nothing, 1e-9 * s->variant[ABLATE_CONVOLUTIONS].flops, nothing},
                    12);
    }
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
    json_add_number(object, "others_ms", c->others);
    json_add_number(object, "between_ms", c->between);
    return object;
}

int lab_ablate_json(FILE *out, const struct lab_ablate_report *report, struct error *err)
{
    const struct ablate_setting *setting = report->setting;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", "davidnet-lab-ablate");
    cJSON_AddNumberToObject(root, "version", 1);
    cJSON_AddStringToObject(root, "command", report->command);
    cJSON_AddStringToObject(root, "family", setting->family);
    cJSON_AddStringToObject(root, "precision", setting->precision);
    cJSON_AddStringToObject(root, "isa", setting->isa);
    cJSON_AddNumberToObject(root, "threads", setting->threads);
    cJSON_AddStringToObject(root, "library", setting->library);
    cJSON_AddStringToObject(root, "davidnet", setting->davidnet);
    cJSON_AddStringToObject(root, "commit", setting->commit);
    json_add_number(root, "ceiling_flops", setting->ceiling.flops);
    json_add_number(root, "ceiling_bytes", setting->ceiling.bytes);
    cJSON *cases = cJSON_AddArrayToObject(root, "cases");
    for (int i = 0; i < report->count; i++) {
        const struct ablate_summary *s = &report->list[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "preset", s->preset);
        cJSON_AddNumberToObject(object, "batch", s->batch);
        json_add_number(object, "flop_bound_ms", s->bound_ms);
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
