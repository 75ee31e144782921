#include "tui/verdict_report.h"

#include "engine/json.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/run_report.h"
#include "views/format.h"
#include "views/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_WIDTH 24

void verdict_report_make(struct verdict_report *r)
{
    if (r->question.looks == 0)
        r->question.level = VERDICT_LEVEL / (r->n_sets > 2 ? r->n_sets - 1 : 1); /* Bonferroni */
    for (int i = 1; i < r->n_sets; i++) {
        verdict_make(r->sets[0].runs, r->sets[0].n_runs, r->sets[i].runs, r->sets[i].n_runs, &r->question,
                     &r->verdict[i]);
        run_sets_apart(&r->sets[0], &r->sets[i], r->apart[i]);
    }
}

double verdict_report_level(const struct verdict_report *r)
{
    return r->verdict[1].question.level;
}

/* A side of a set, from a comparison that it is in. */
static const struct verdict_side *side_of(const struct verdict_report *r, int set)
{
    return set == 0 ? &r->verdict[1].side[0] : &r->verdict[set].side[1];
}

/* Of all sets. */
static const char *power_sentence(const struct verdict_report *r, int runs, char out[VERDICT_TEXT_MAX])
{
    struct verdict_spread spread = {0};
    for (int i = 0; i < r->n_sets; i++)
        verdict_spread_add(&spread, &side_of(r, i)->accuracy);
    return verdict_power_sentence(runs, verdict_report_level(r), &spread, out);
}

static char letter(int set)
{
    return (char)('A' + set);
}

static void print_text(const char *text)
{
    if (text[0] != '\0')
        columns_wrap(stdout, text, 0, 0, columns_width(stdout));
}

/* ---- knobs that differ ---- */

/* *count; malloc'ed, NULL: a set has no recipe yet, or no memory. */
static struct recipe_difference *differences(const struct verdict_report *r, int *count)
{
    struct recipe_difference *rows = malloc(((size_t)knob_count + 1) * sizeof *rows);
    *count = rows ? run_sets_differences(r->sets, r->n_sets, r->recipes, rows) : -1;
    if (*count >= 0)
        return rows;
    *count = 0;
    free(rows);
    return NULL;
}

static void print_differences(const struct verdict_report *r)
{
    int count, width = 3;
    struct recipe_difference *rows = differences(r, &count);
    if (rows == NULL)
        return;
    for (int d = 0; d < count; d++)
        for (int i = 0; i < r->n_sets; i++)
            width = (int)strlen(rows[d].value[i]) > width ? (int)strlen(rows[d].value[i]) : width;
    width = width > 30 ? 30 : width;
    if (count == 0)
        puts("no knob differs, seeds apart");
    else {
        printf("%-*s", NAME_WIDTH, "differs");
        for (int i = 0; i < r->n_sets; i++)
            printf("  %-*c", i + 1 < r->n_sets ? width : 1, letter(i));
        putchar('\n');
    }
    for (int d = 0; d < count; d++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s%s%s", rows[d].key, rows[d].unit[0] ? " (" : "", rows[d].unit,
                 rows[d].unit[0] ? ")" : "");
        printf("%-*s", NAME_WIDTH, name);
        for (int i = 0; i < r->n_sets; i++) {
            int used = text_width(rows[d].value[i]);
            fputs("  ", stdout);
            columns_print(stdout, rows[d].value[i], i + 1 == r->n_sets && used < width ? used : width, 0);
        }
        putchar('\n');
    }
    putchar('\n');
    free(rows);
}

/* ---- sets ---- */

/* "94.02 ±0.10" */
static void mean_text(double mean, double high, int decimals, char *out, size_t size)
{
    if (isnan(mean))
        snprintf(out, size, "-");
    else if (isnan(high))
        snprintf(out, size, "%.*f", decimals, mean);
    else
        snprintf(out, size, "%.*f +-%.*f", decimals, mean, decimals, high - mean);
}

static void print_sets(const struct verdict_report *r)
{
    for (int i = 0; i < r->n_sets; i++) {
        char line[512], out[128];
        run_set_left_out(&r->sets[i], out, sizeof out);
        snprintf(line, sizeof line, "%c  %.200s: %d run%s%s%s%s", letter(i), r->names[i], r->sets[i].n_runs,
                 r->sets[i].n_runs == 1 ? "" : "s", out[0] ? " (left out: " : "", out, out[0] ? ")" : "");
        columns_wrap(stdout, line, 0, 3, columns_width(stdout));
        if (r->sets[i].mixed[0] != '\0') {
            fputs("   mixed: ", stdout);
            columns_wrap(stdout, r->sets[i].mixed, 10, 10, columns_width(stdout));
        }
    }
    putchar('\n');
}

static void print_figures(const struct verdict_report *r)
{
    printf("%-4s %5s  %-15s %7s  %-24s %s\n", "set", "runs", "accuracy %", "sd", "reach the target", "training (s)");
    for (int i = 0; i < r->n_sets; i++) {
        const struct verdict_side *s = side_of(r, i);
        char accuracy[48], sd[RUN_TEXT], reach[64] = "-", time[48];
        mean_text(s->accuracy.mean, s->high, 2, accuracy, sizeof accuracy);
        run_text_number(s->accuracy.sd, 2, sd);
        if (s->accuracy.n > 0)
            snprintf(reach, sizeof reach, "%d of %d (%.0f to %.0f %%)", s->reached, s->accuracy.n, 100 * s->reached_low,
                     100 * s->reached_high);
        mean_text(s->seconds.mean, s->seconds_high, 1, time, sizeof time);
        printf("%-4c %5d  %-15s %7s  %-24s %s", letter(i), s->accuracy.n, accuracy, sd, reach, time);
        if (s->seconds.n < s->accuracy.n)
            printf(" (%d timed)", s->seconds.n);
        putchar('\n');
    }
    puts("+- and ranges: 95 % intervals\n");
}

static void print_verdict(const struct verdict_report *r, int i)
{
    char text[VERDICT_TEXT_MAX], name[64];
    const struct verdict *v = &r->verdict[i];
    const struct run_entry *shared;
    snprintf(name, sizeof name, "%c beside A", letter(i));
    const char *what = r->n_sets == 2 && r->what ? r->what : name;
    if (r->apart[i][0] != '\0') {
        snprintf(text, sizeof text, "%.80s: %s.", what, r->apart[i]);
        print_text(text);
    } else
        print_text(verdict_sentence(v, what, text));
    if (run_sets_shared(&r->sets[0], &r->sets[i], &shared) == 0)
        print_text(verdict_time_sentence(v, text));
    if (r->apart[i][0] == '\0')
        print_text(verdict_trade_sentence(v, text));
}

void verdict_report_print(const struct verdict_report *r)
{
    char text[VERDICT_TEXT_MAX];
    int fewest = r->sets[0].n_runs;
    print_sets(r);
    print_differences(r);
    for (int i = 1; i < r->n_sets; i++)
        fewest = r->sets[i].n_runs < fewest ? r->sets[i].n_runs : fewest;
    if (r->question.planned > 0)
        fewest = r->question.planned;
    print_text(power_sentence(r, fewest, text));
    putchar('\n');
    print_figures(r);
    for (int i = 1; i < r->n_sets; i++)
        print_verdict(r, i);
    print_text(verdict_looks_sentence(r->question.looks, text));
    if (r->n_sets > 2)
        printf("%d comparisons share 5 %%: each is tested at %.2g %%.\n", r->n_sets - 1, 100 * verdict_report_level(r));
}

/* ---- JSON ---- */

static cJSON *set_json(const struct verdict_report *r, int i)
{
    const struct verdict_side *s = side_of(r, i);
    const struct run_set *set = &r->sets[i];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", r->names[i]);
    if (set->mixed[0] != '\0')
        cJSON_AddStringToObject(object, "mixed", set->mixed);
    cJSON *runs = cJSON_AddArrayToObject(object, "runs");
    for (int k = 0; k < set->n_runs; k++) {
        cJSON *run = cJSON_CreateObject();
        cJSON_AddStringToObject(run, "run", set->counted[k]->folder.name);
        cJSON_AddBoolToObject(run, "diverged", set->runs[k].diverged);
        json_add_number(run, "test_acc", set->runs[k].diverged ? NAN : set->runs[k].accuracy);
        json_add_number(run, "train_seconds", set->runs[k].seconds);
        cJSON_AddBoolToObject(run, "contended", set->runs[k].contended);
        cJSON_AddBoolToObject(run, "reached", set->runs[k].reached && !set->runs[k].diverged);
        cJSON_AddItemToArray(runs, run);
    }
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"accuracy", s->accuracy.mean},
                   {"accuracy_sd", s->accuracy.sd},
                   {"accuracy_low", s->low},
                   {"accuracy_high", s->high},
                   {"reached", s->reached},
                   {"reached_low", s->reached_low},
                   {"reached_high", s->reached_high},
                   {"diverged", s->diverged},
                   {"timed", s->seconds.n},
                   {"contended", s->contended},
                   {"train_seconds", s->seconds.mean},
                   {"train_seconds_sd", s->seconds.sd},
                   {"train_seconds_low", s->seconds_low},
                   {"train_seconds_high", s->seconds_high},
                   {"unfinished", set->unfinished},
                   {"failed", set->broken},
                   {"repeated", set->repeated}};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        json_add_number(object, numbers[k].key, numbers[k].value);
    return object;
}

static cJSON *verdict_json(const struct verdict_report *r, int i)
{
    const struct verdict *v = &r->verdict[i];
    char text[VERDICT_TEXT_MAX];
    cJSON *object = cJSON_CreateObject();
    int apart = r->apart[i][0] != '\0';
    cJSON_AddStringToObject(object, "set", r->names[i]);
    cJSON_AddStringToObject(object, "verdict", apart ? "not comparable" : verdict_kind_name(v->kind));
    cJSON_AddStringToObject(object, "sentence",
                            apart ? r->apart[i] : verdict_sentence(v, r->what ? r->what : r->names[i], text));
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"difference", v->accuracy.difference},
                   {"low", v->low},
                   {"high", v->high},
                   {"t", v->accuracy.t},
                   {"df", v->accuracy.df},
                   {"p", v->accuracy.p},
                   {"level", v->question.level},
                   {"more_runs", v->kind == VERDICT_NOISE ? v->more : NAN},
                   {"seconds_difference", v->seconds.difference},
                   {"seconds_low", v->seconds_low},
                   {"seconds_high", v->seconds_high},
                   {"seconds_p", v->seconds.p},
                   {"worth_epochs", v->worth_epochs},
                   {"worth_seconds", v->worth_seconds},
                   {"net_seconds", v->net_seconds}};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        json_add_number(object, numbers[k].key, numbers[k].value);
    cJSON_AddStringToObject(object, "time", verdict_time_sentence(v, text));
    return object;
}

cJSON *verdict_report_json(const struct verdict_report *r)
{
    char text[VERDICT_TEXT_MAX];
    int count;
    struct recipe_difference *rows = differences(r, &count);
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "sets");
    for (int i = 0; i < r->n_sets; i++)
        cJSON_AddItemToArray(list, set_json(r, i));
    list = cJSON_AddArrayToObject(root, "differences");
    for (int d = 0; rows != NULL && d < count; d++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "key", rows[d].key);
        cJSON *values = cJSON_AddArrayToObject(row, "values");
        for (int i = 0; i < r->n_sets; i++)
            cJSON_AddItemToArray(values, cJSON_CreateString(rows[d].value[i]));
        cJSON_AddItemToArray(list, row);
    }
    free(rows);
    int n = r->question.planned > 0 ? r->question.planned : r->sets[0].n_runs;
    cJSON_AddStringToObject(root, "power", power_sentence(r, n, text));
    list = cJSON_AddArrayToObject(root, "verdicts");
    for (int i = 1; i < r->n_sets; i++)
        cJSON_AddItemToArray(list, verdict_json(r, i));
    if (r->question.looks > 1)
        cJSON_AddStringToObject(root, "extended", verdict_looks_sentence(r->question.looks, text));
    return root;
}

/* ---- of a campaign ---- */
int verdict_report_campaign(const struct campaign *c, struct run_entry *const *entries, int count, int json)
{
    struct run_set sets[2];
    char name[2][CAMPAIGN_WORDS_MAX];
    const char *const names[] = {name[RUN_WITHOUT], name[RUN_WITH]};
    const struct recipe *const recipes[] = {&c->side[RUN_WITHOUT], &c->side[RUN_WITH]};
    struct verdict_report *report = calloc(1, sizeof *report);
    int code = EXIT_OK;
    if (!report || campaign_sets(c, entries, count, sets)) {
        free(report);
        return command_fail("out of memory");
    }
    for (int side = 0; side < 2; side++)
        campaign_side_words(c, (enum run_side)side, name[side]);
    report->sets = sets;
    report->n_sets = 2;
    report->names = names;
    report->recipes = recipes;
    report->what = campaign_words(c);
    report->question = campaign_question(c);
    verdict_report_make(report);
    if (json) {
        cJSON *object = verdict_report_json(report);
        cJSON_AddStringToObject(object, "event", "verdict");
        cJSON_AddStringToObject(object, "campaign", c->name);
        code = command_print_json(object, 0);
    } else {
        verdict_report_print(report);
    }
    run_set_release(&sets[0]);
    run_set_release(&sets[1]);
    free(report);
    return code;
}
