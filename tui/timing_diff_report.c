#include "tui/timing_diff_report.h"

#include "engine/json.h"
#include "engine/number.h"
#include "engine/shell_word.h"
#include "engine/timing_export.h"
#include "tui/columns.h"
#include "tui/run_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_MAX 4096
#define FORMAT "davidnet-timing-diff"
#define COLUMNS_WIDTH (9 + 9 + 9 + 7 + 8 + 9 + 6) /* of a line's numbers and verdict, a blank before each */
#define NAME_MIN 12
#define NAME_MAX 160

/* ---- table ---- */

/* "layer1/norm +act +pool": the others by the end of their names. */
static void line_name(const struct timing_diff_line *line, char out[NAME_MAX])
{
    size_t used = (size_t)snprintf(out, NAME_MAX, "%s", line->name);
    for (const char *name = line->with; *name && used < NAME_MAX;) {
        size_t length = strcspn(name, ",");
        const char *end = name + length, *begin = end;
        while (begin > name && begin[-1] != '/')
            begin--;
        used += (size_t)snprintf(out + used, NAME_MAX - used, " +%.*s", (int)(end - begin), begin);
        name = end + strspn(end, ", ");
    }
}

/* A name in its column, cut at the front: the end tells rows apart. */
static void put_name(FILE *out, const char *name, int width)
{
    int n = (int)strlen(name);
    fprintf(out, "%s%-*s", n > width ? "~" : "", n > width ? width - 1 : width,
            n > width ? name + n - width + 1 : name);
}

static void put_ms(FILE *out, double ms, int width, const char *sign)
{
    char text[RUN_TEXT];
    snprintf(text, sizeof text, "%s%.*f", ms >= 0 ? sign : "", fabs(ms) < 1000 ? 3 : fabs(ms) < 100000 ? 1 : 0, ms);
    fprintf(out, " %*s", width, isfinite(ms) ? text : "-");
}

static void put_line(FILE *out, const struct timing_diff_line *line, const char *name, int width, int grey)
{
    double percent = timing_diff_percent(line);
    int noise = grey && line->verdict == TIMING_DIFF_NOISE;
    fputs(noise ? "\033[90m" : "", out);
    put_name(out, name, width);
    put_ms(out, line->a, 9, "");
    put_ms(out, line->b, 9, "");
    put_ms(out, line->change, 9, "+");
    if (isfinite(percent))
        fprintf(out, " %+7.1f", percent);
    else
        fprintf(out, " %7s", "-");
    put_ms(out, (line->high - line->low) / 2, 8, "");
    fprintf(out, " %s%s\n", timing_diff_verdict_name(line->verdict), noise ? "\033[0m" : "");
}

static void put_head(FILE *out, const char *what, int width)
{
    fprintf(out, "\n%-*s %9s %9s %9s %7s %8s verdict\n", width, what, "A", "B", "change", "%", "+-");
}

/* The lines of a kind; phases: of rows and blocks, beneath them, each phase too. */
static void put_lines(FILE *out, const struct timing_diff *diff, enum timing_diff_kind kind, int phases, int width,
                      int grey)
{
    int whole = 0; /* the line before was of all phases of the same rows */
    for (int i = 0; i < diff->n_lines; i++) {
        const struct timing_diff_line *line = &diff->lines[i];
        char name[NAME_MAX];
        if (line->kind != kind)
            continue;
        int part = whole && line->phase >= 0 && strcmp(line->name, line[-1].name) == 0;
        whole = line->phase < 0 || part;
        if (part && !phases)
            continue;
        if (part)
            snprintf(name, sizeof name, "  %s", phase_name((enum phase)line->phase));
        else
            line_name(line, name);
        put_line(out, line, name, width, grey);
        if (!part && line->only[0] && line->verdict != TIMING_DIFF_ONLY_A && line->verdict != TIMING_DIFF_ONLY_B)
            fprintf(out, "  %s\n", line->only);
    }
}

static int name_width(const struct timing_diff *diff, int width)
{
    int most = NAME_MIN;
    for (int i = 0; i < diff->n_lines; i++) {
        char name[NAME_MAX];
        line_name(&diff->lines[i], name);
        most = (int)strlen(name) > most ? (int)strlen(name) : most;
    }
    if (width && most > width - COLUMNS_WIDTH)
        most = width - COLUMNS_WIDTH;
    return most > NAME_MIN ? most : NAME_MIN;
}

static const char *or_unknown(const char *text)
{
    return *text ? text : "not known";
}

/* From that column on. */
static void put_paragraph(FILE *out, const char *text, int indent, int width)
{
    if (width)
        columns_wrap(out, text, indent, indent, width);
    else
        fprintf(out, "%s\n", text);
}

/* Its runs, on what they were measured, and the command that trains the first of them again. */
static void put_side(FILE *out, const struct timing_diff_report *report, int s, int width)
{
    const struct timing_diff_side *side = &report->side[s];
    const struct timing *t = side->runs[0].timing;
    char text[4096];
    size_t used = 0;
    for (int r = 0; r < side->n && used < sizeof text; r++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", r ? ", " : "", side->runs[r].name);
    if (used < sizeof text)
        snprintf(text + used, sizeof text - used,
                 ": %s, %s, %d thread%s, %s, %s, %s; %llu steps of %.0f images; davidnet %s, %s", t->family,
                 t->precision, t->threads, t->threads == 1 ? "" : "s", or_unknown(t->machine.isa),
                 or_unknown(t->machine.library), or_unknown(t->machine.device), (unsigned long long)t->train_steps,
                 t->images_per_step, or_unknown(t->machine.davidnet), or_unknown(t->machine.commit));
    fprintf(out, "%c  ", s ? 'B' : 'A');
    put_paragraph(out, text, 3, width);
    struct timing_origin origin; /* large */
    timing_origin_init(&origin, report->recipes[s][0], side->runs[0].name);
    columns_command(out, origin.command, 3, width);
}

void timing_diff_report_table(const struct timing_diff_report *report, FILE *out, int width, int grey)
{
    const struct timing_diff *diff = report->diff;
    int name = name_width(diff, width);
    for (int s = 0; s < 2; s++)
        put_side(out, report, s, width);
    char recipes[sizeof report->differences + 64];
    snprintf(recipes, sizeof recipes, "%s %s%s",
             report->mixed[0] || report->mixed[1] ? "recipes of the first run of each side" : "recipes",
             report->differences[0] ? "differ: " : "are the same but for seeds", report->differences);
    put_paragraph(out, recipes, 0, width);
    for (int w = 0; w < diff->n_warnings; w++) {
        char text[400];
        snprintf(text, sizeof text, "warning: %s", diff->warnings[w]);
        put_paragraph(out, text, 0, width);
    }
    int one_run = report->side[0].n == 1 || report->side[1].n == 1;
    put_paragraph(out,
                  one_run ? "Milliseconds per training step. +- is half of the change's 95 % interval as far as steps "
                            "and epochs vary; within it, a change is noise."
                          : "Milliseconds per training step. +- is half of the change's 95 % interval; within it, a "
                            "change is noise. Of twenty lines that did not change, one leaves it by chance.",
                  0, width);
    if (report->how & TIMING_DIFF_LEAST)
        put_paragraph(out, "Of each step of the program the least that it took in a run counts, not the mean.", 0,
                      width);
    if (report->how & TIMING_DIFF_PAIRED)
        put_paragraph(out, "Runs are compared in pairs, in the order in which they began.", 0, width);
    if (one_run)
        put_paragraph(out, TIMING_DIFF_NO_VERDICT, 0, width);
    put_head(out, "", name);
    put_lines(out, diff, TIMING_DIFF_TOTAL, 0, name, grey);
    put_head(out, "phase", name);
    put_lines(out, diff, TIMING_DIFF_PART, 0, name, grey);
    put_head(out, "block", name);
    put_lines(out, diff, TIMING_DIFF_BLOCK, 0, name, grey);
    put_head(out, "row", name);
    put_lines(out, diff, TIMING_DIFF_ROW, 1, name, grey);
}

/* ---- CSV ---- */

/* In quotes where it has what would end it. */
static void put_field(FILE *out, const char *text)
{
    int quoted = text[strcspn(text, ",\"\n\r")] != '\0';
    fputs(quoted ? "\"" : "", out);
    for (; *text; text++) {
        fputs(*text == '"' ? "\"" : "", out);
        fputc(*text, out);
    }
    fputs(quoted ? "\"" : "", out);
}

static void put_value(FILE *out, double value)
{
    char number[64];
    if (isfinite(value)) /* to the bit, as in the JSON */
        fputs(number_format_real(value, number, sizeof number), out);
    fputs(",", out);
}

/* "meta,NAME,,,,,,,,,,,TEXT": which side's, or of both. */
static void put_meta(FILE *out, const char *side, const char *name, const char *text)
{
    char key[64];
    snprintf(key, sizeof key, "%s%s", side, name);
    fputs("meta,", out);
    put_field(out, key);
    fputs(",,,,,,,,,,,", out);
    put_field(out, text);
    fputs("\n", out);
}

static void put_side_metas(FILE *out, const struct timing_diff_report *report, int s)
{
    const struct timing *t = report->side[s].runs[0].timing;
    const char *side = s ? "b." : "a.";
    struct timing_origin origin; /* large */
    char threads[16];
    snprintf(threads, sizeof threads, "%d", t->threads);
    const struct {
        const char *name, *text;
    } facts[] = {{"family", t->family},
                 {"device", t->machine.device},
                 {"isa", t->machine.isa},
                 {"library", t->machine.library},
                 {"davidnet", t->machine.davidnet},
                 {"commit", t->machine.commit},
                 {"precision", t->precision},
                 {"threads", threads}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        put_meta(out, side, facts[i].name, facts[i].text);
    put_meta(out, side, "mixed", report->mixed[s] ? "true" : "false");
    for (int r = 0; r < report->side[s].n; r++) {
        timing_origin_init(&origin, report->recipes[s][r], report->side[s].runs[r].name);
        char seed[32];
        snprintf(seed, sizeof seed, "%lld", (long long)origin.seed);
        put_meta(out, side, "run", origin.run);
        put_meta(out, side, "recipe", origin.preset);
        put_meta(out, side, "seed", seed);
        put_meta(out, side, "summary", origin.summary);
        put_meta(out, side, "command", origin.command);
    }
}

void timing_diff_report_command(const struct timing_diff_report *report, char *out, size_t size)
{
    size_t used =
        (size_t)snprintf(out, size, "davidnet timing diff%s%s", report->how & TIMING_DIFF_PAIRED ? " --paired" : "",
                         report->how & TIMING_DIFF_LEAST ? " --least" : "");
    for (int s = 0; s < 2; s++)
        used = shell_word_add(report->words[s], out, size, used);
}

void timing_diff_report_csv(const struct timing_diff_report *report, FILE *out)
{
    char command[COMMAND_MAX];
    timing_diff_report_command(report, command, sizeof command);
    const struct timing_diff *diff = report->diff;
    fputs("kind,name,phase,with,only,a_ms,b_ms,change_ms,change_percent,low_ms,high_ms,verdict,value\n", out);
    put_meta(out, "", "format", FORMAT);
    put_meta(out, "", "version", "1");
    put_meta(out, "", "command", command);
    put_meta(out, "", "paired", report->how & TIMING_DIFF_PAIRED ? "true" : "false");
    put_meta(out, "", "least", report->how & TIMING_DIFF_LEAST ? "true" : "false");
    put_side_metas(out, report, 0);
    put_side_metas(out, report, 1);
    put_meta(out, "", "differences", report->differences);
    for (int w = 0; w < diff->n_warnings; w++)
        put_meta(out, "", "warning", diff->warnings[w]);
    for (int i = 0; i < diff->n_lines; i++) {
        const struct timing_diff_line *line = &diff->lines[i];
        const double values[] = {line->a, line->b, line->change, timing_diff_percent(line), line->low, line->high};
        fprintf(out, "%s,", timing_diff_kind_name(line->kind));
        put_field(out, line->name);
        fprintf(out, ",%s,", line->phase >= 0 ? phase_name((enum phase)line->phase) : "");
        put_field(out, line->with);
        fputs(",", out);
        put_field(out, line->only);
        fputs(",", out);
        for (size_t v = 0; v < sizeof values / sizeof *values; v++)
            put_value(out, values[v]);
        fprintf(out, "%s,\n", timing_diff_verdict_name(line->verdict));
    }
}

/* ---- JSON ---- */

static cJSON *side_json(const struct timing_diff_report *report, int s)
{
    const struct timing_diff_side *side = &report->side[s];
    const struct timing *t = side->runs[0].timing;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "family", t->family);
    cJSON_AddStringToObject(object, "device", t->machine.device);
    cJSON_AddStringToObject(object, "isa", t->machine.isa);
    cJSON_AddStringToObject(object, "library", t->machine.library);
    cJSON_AddStringToObject(object, "davidnet", t->machine.davidnet);
    cJSON_AddStringToObject(object, "commit", t->machine.commit);
    cJSON_AddStringToObject(object, "precision", t->precision);
    cJSON_AddNumberToObject(object, "threads", t->threads);
    json_add_number(object, "images_per_step", t->images_per_step);
    cJSON_AddBoolToObject(object, "mixed", report->mixed[s]);
    cJSON *runs = cJSON_AddArrayToObject(object, "runs");
    for (int r = 0; r < side->n; r++) {
        struct timing_origin origin; /* large */
        timing_origin_init(&origin, report->recipes[s][r], side->runs[r].name);
        cJSON *run = cJSON_CreateObject();
        cJSON_AddStringToObject(run, "run", origin.run);
        cJSON_AddStringToObject(run, "recipe", origin.preset);
        cJSON_AddStringToObject(run, "summary", origin.summary);
        cJSON_AddNumberToObject(run, "seed", (double)origin.seed);
        cJSON_AddStringToObject(run, "eval", origin.eval);
        cJSON_AddStringToObject(run, "command", origin.command);
        cJSON_AddNumberToObject(run, "train_steps", (double)side->runs[r].timing->train_steps);
        cJSON_AddBoolToObject(run, "contended", side->runs[r].contended);
        cJSON_AddItemToArray(runs, run);
    }
    return object;
}

static cJSON *line_json(const struct timing_diff_line *line)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", timing_diff_kind_name(line->kind));
    cJSON_AddStringToObject(object, "name", line->name);
    if (line->phase >= 0)
        cJSON_AddStringToObject(object, "phase", phase_name((enum phase)line->phase));
    else
        cJSON_AddNullToObject(object, "phase");
    cJSON_AddStringToObject(object, "with", line->with);
    cJSON_AddStringToObject(object, "only", line->only);
    json_add_number(object, "a_ms", line->a);
    json_add_number(object, "b_ms", line->b);
    json_add_number(object, "change_ms", line->change);
    json_add_number(object, "change_percent", timing_diff_percent(line));
    json_add_number(object, "low_ms", line->low);
    json_add_number(object, "high_ms", line->high);
    cJSON_AddStringToObject(object, "verdict", timing_diff_verdict_name(line->verdict));
    return object;
}

char *timing_diff_report_json(const struct timing_diff_report *report)
{
    char command[COMMAND_MAX];
    cJSON *root = cJSON_CreateObject();
    timing_diff_report_command(report, command, sizeof command);
    cJSON_AddStringToObject(root, "format", FORMAT);
    cJSON_AddNumberToObject(root, "version", 1);
    cJSON_AddStringToObject(root, "command", command);
    cJSON_AddNumberToObject(root, "confidence", TIMING_DIFF_CONFIDENCE);
    cJSON_AddBoolToObject(root, "paired", (report->how & TIMING_DIFF_PAIRED) != 0);
    cJSON_AddBoolToObject(root, "least", (report->how & TIMING_DIFF_LEAST) != 0);
    cJSON_AddItemToObject(root, "a", side_json(report, 0));
    cJSON_AddItemToObject(root, "b", side_json(report, 1));
    cJSON_AddStringToObject(root, "differences", report->differences);
    cJSON *list = cJSON_AddArrayToObject(root, "warnings");
    for (int w = 0; w < report->diff->n_warnings; w++)
        cJSON_AddItemToArray(list, cJSON_CreateString(report->diff->warnings[w]));
    list = cJSON_AddArrayToObject(root, "lines");
    for (int i = 0; i < report->diff->n_lines; i++)
        cJSON_AddItemToArray(list, line_json(&report->diff->lines[i]));
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}
