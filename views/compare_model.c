#include "views/compare_model.h"

#include "engine/forecast.h"
#include "engine/images_name.h"
#include "views/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CAMPAIGN_KEY "campaign:"

void compare_model_init(struct compare_model *model)
{
    memset(model, 0, sizeof *model);
    model->target = NAN;
}

static void forget_pair(struct compare_model *model)
{
    run_set_release(&model->sets[0]);
    run_set_release(&model->sets[1]);
    free(model->differences);
    model->differences = NULL;
    model->n_differences = 0;
    for (int i = 0; i < 2; i++) {
        struct compare_curve *curve = &model->curve[i];
        free(curve->x); /* the first of one block */
        curve->x = curve->mean = curve->low = curve->high = NULL;
        curve->n = 0;
    }
    model->has = 0;
    model->apart[0] = '\0';
    model->target = NAN;
}

static void forget_runs(struct compare_model *model)
{
    for (int i = 0; i < model->n_entries; i++)
        run_entry_free(model->entries[i]);
    free(model->entries);
    free(model->campaigns);
    free(model->items);
    model->entries = NULL;
    model->campaigns = NULL;
    model->items = NULL;
    model->n_entries = model->n_campaigns = model->n_items = 0;
}

void compare_model_release(struct compare_model *model)
{
    forget_pair(model);
    forget_runs(model);
}

/* ---- the list ---- */

static void add_campaigns(struct compare_model *model)
{
    for (int c = 0; c < model->n_campaigns; c++) {
        struct compare_item *item = &model->items[model->n_items++];
        struct campaign_state state;
        campaign_look(&model->campaigns[c], model->entries, model->n_entries, &state);
        *item = (struct compare_item){.campaign = c};
        snprintf(item->name, sizeof item->name, "%s", model->campaigns[c].name);
        snprintf(item->key, sizeof item->key, CAMPAIGN_KEY "%s", model->campaigns[c].name);
        item->ended = state.ended[0] + state.ended[1];
        item->planned = 2 * campaign_planned(&model->campaigns[c]);
        item->runs = item->ended;
    }
}

/* As a run set counts them. */
static int has_ended(const struct run_entry *entry)
{
    const struct run_summary *s = &entry->summary;
    return s->diverged || (strcmp(s->state, "done") == 0 && !isnan(s->last_acc));
}

static void add_families(struct compare_model *model)
{
    int first = model->n_items;
    for (int i = 0; i < model->n_entries; i++) {
        const struct run_entry *entry = model->entries[i];
        int found = entry->problem[0] != '\0';
        for (int k = first; k < model->n_items && !found; k++)
            if (run_entry_same_family(model->items[k].first, entry)) {
                model->items[k].runs++;
                model->items[k].ended += has_ended(entry);
                if (!model->items[k].known && entry->data[0] != '\0')
                    model->items[k].known = entry;
                found = 1;
            }
        if (found)
            continue;
        struct compare_item *item = &model->items[model->n_items++];
        *item = (struct compare_item){.campaign = -1,
                                      .first = entry,
                                      .known = entry->data[0] != '\0' ? entry : NULL,
                                      .runs = 1,
                                      .ended = has_ended(entry)};
        snprintf(item->key, sizeof item->key, "%s", entry->folder.path);
        snprintf(item->name, sizeof item->name, "%s", entry->family);
    }
}

/* Families of one recipe on different images say which. */
static void tell_images(struct compare_model *model)
{
    for (int i = 0; i < model->n_items; i++) {
        struct compare_item *item = &model->items[i];
        int differs = 0, same_source = 0;
        for (int k = 0; k < model->n_items && item->known; k++) {
            const struct compare_item *other = &model->items[k];
            if (!other->known || strcmp(item->known->data, other->known->data) == 0 ||
                !forecast_same_family(&item->known->recipe, &other->known->recipe))
                continue;
            differs = 1;
            same_source |= images_name_same(item->known->source, other->known->source);
        }
        if (differs)
            images_name_add(item->name, sizeof item->name, item->known->source, item->known->data, same_source);
    }
}

static int by_path(const void *a, const void *b)
{
    const struct run_entry *const *x = a, *const *y = b;
    return strcmp((*x)->folder.path, (*y)->folder.path);
}

static const struct compare_item *find_item(const struct compare_model *model, const char *key)
{
    for (int i = 0; i < model->n_items; i++)
        if (key[0] != '\0' && strcmp(model->items[i].key, key) == 0)
            return &model->items[i];
    return NULL;
}

/* ---- the pair ---- */

static void make_curve(struct compare_curve *curve, const struct run_set *set)
{
    size_t n = 0;
    for (int i = 0; i < set->n_runs; i++)
        n = set->counted[i]->n_epochs > n ? set->counted[i]->n_epochs : n;
    double *block = n ? malloc(4 * n * sizeof *block) : NULL,
           *values = malloc(((size_t)set->n_runs + 1) * sizeof *values);
    if (block && values) {
        *curve = (struct compare_curve){n, block, block + n, block + 2 * n, block + 3 * n};
        for (size_t e = 0; e < n; e++) {
            int count = 0;
            for (int i = 0; i < set->n_runs; i++) {
                const struct run_entry *entry = set->counted[i];
                if (e >= entry->n_epochs)
                    continue;
                curve->x[e] = entry->epoch[e];
                if (isfinite(entry->test_acc[e]))
                    values[count++] = entry->test_acc[e];
            }
            struct sample s = sample_make(values, count);
            double spread = isnan(s.sd) ? 0 : s.sd;
            curve->mean[e] = s.mean;
            curve->low[e] = s.mean - spread;
            curve->high[e] = s.mean + spread;
        }
        block = NULL;
    }
    free(block);
    free(values);
}

/* recipes: of a side that has no run yet. */
static void make_differences(struct compare_model *model, const struct recipe *const *recipes)
{
    model->differences = malloc(((size_t)knob_count + 1) * sizeof *model->differences);
    int n = model->differences ? run_sets_differences(model->sets, 2, recipes, model->differences) : 0;
    model->n_differences = n > 0 ? n : 0;
    for (int i = 0; i < model->n_differences; i++) {
        utf8_cut(model->differences[i].value[0]);
        utf8_cut(model->differences[i].value[1]);
    }
}

static int make_family(const struct compare_model *model, const struct compare_item *item, struct run_set *set)
{
    int n = 0;
    struct run_entry **list = malloc(((size_t)model->n_entries + 1) * sizeof *list);
    for (int i = 0; list && i < model->n_entries; i++)
        if (run_entry_same_family(item->first, model->entries[i]))
            list[n++] = model->entries[i];
    int rc = list ? run_set_make(set, item->name, list, n) : -1;
    free(list);
    return rc;
}

static void make_pair(struct compare_model *model)
{
    const struct compare_item *a = find_item(model, model->a), *b = find_item(model, model->b);
    struct verdict_question question = {0};
    const struct recipe *recipe[2] = {NULL, NULL};
    forget_pair(model);
    if (a && a->campaign >= 0) {
        const struct campaign *c = &model->campaigns[a->campaign];
        if (campaign_sets(c, model->entries, model->n_entries, model->sets))
            return;
        snprintf(model->what, sizeof model->what, "%s", campaign_words(c));
        question = campaign_question(c);
        recipe[0] = &c->side[0];
        recipe[1] = &c->side[1];
    } else if (a && b && b->campaign < 0) {
        if (make_family(model, a, &model->sets[0]) || make_family(model, b, &model->sets[1]))
            return;
        snprintf(model->what, sizeof model->what, "B");
        for (int i = 0; i < 2; i++)
            recipe[i] = model->sets[i].n_entries > 0 ? &model->sets[i].entries[0]->recipe : NULL;
    } else {
        return;
    }
    model->has = 1;
    const struct run_set *s = model->sets;
    verdict_make(s[0].runs, s[0].n_runs, s[1].runs, s[1].n_runs, &question, &model->verdict);
    const struct run_entry *first;
    run_sets_apart(&s[0], &s[1], model->apart);
    model->shared = run_sets_shared(&s[0], &s[1], &first);
    make_differences(model, recipe);
    if (recipe[0])
        model->target = recipe[0]->target;
    make_curve(&model->curve[0], &s[0]);
    make_curve(&model->curve[1], &s[1]);
}

/* Of two families one has runs that ended and the other has none: that one; else the first. */
static const struct compare_item *better_side(const struct compare_model *model, const struct compare_item *but)
{
    const struct compare_item *best = NULL;
    for (const struct compare_item *item = model->items; item < model->items + model->n_items; item++)
        if (item != but && (!best || (item->ended > 0 && best->ended == 0)))
            best = item;
    return best;
}

/* Where nothing is chosen: the last campaign, or the first two families that have something to compare. */
static void choose_something(struct compare_model *model)
{
    if (find_item(model, model->a))
        return;
    model->a[0] = model->b[0] = '\0';
    if (model->n_campaigns > 0)
        snprintf(model->a, sizeof model->a, "%s", model->items[model->n_campaigns - 1].key);
    else if (model->n_items > 1) {
        const struct compare_item *a = better_side(model, NULL), *b = better_side(model, a);
        snprintf(model->a, sizeof model->a, "%s", a->key);
        snprintf(model->b, sizeof model->b, "%s", b->key);
    }
}

int compare_model_take(struct compare_model *model, struct run_entry *const *entries, int n_entries,
                       const struct campaign *campaigns, int n_campaigns)
{
    char here[RUN_PATH_MAX + 1];
    const struct compare_item *item = compare_model_here(model);
    snprintf(here, sizeof here, "%s", item ? item->key : "");
    forget_pair(model);
    forget_runs(model);
    model->entries = malloc(((size_t)n_entries + 1) * sizeof *model->entries);
    model->campaigns = malloc(((size_t)n_campaigns + 1) * sizeof *model->campaigns);
    model->items = malloc(((size_t)n_entries + (size_t)n_campaigns + 1) * sizeof *model->items);
    if (!model->entries || !model->campaigns || !model->items) {
        forget_runs(model);
        return -1;
    }
    for (int i = 0; i < n_entries; i++)
        model->entries[model->n_entries++] = run_entry_keep(entries[i]);
    if (n_entries > 0)
        qsort(model->entries, (size_t)n_entries, sizeof *model->entries, by_path);
    if (n_campaigns > 0)
        memcpy(model->campaigns, campaigns, (size_t)n_campaigns * sizeof *campaigns);
    model->n_campaigns = n_campaigns;
    add_campaigns(model);
    add_families(model);
    tell_images(model);
    choose_something(model);
    item = find_item(model, here);
    if (!item) /* at first, on what is shown */
        item = find_item(model, model->a);
    model->cursor = item ? (int)(item - model->items) : 0;
    make_pair(model);
    return 0;
}

const struct compare_item *compare_model_here(const struct compare_model *model)
{
    return model->cursor < model->n_items ? &model->items[model->cursor] : NULL;
}

void compare_model_move(struct compare_model *model, int to)
{
    to = to >= model->n_items ? model->n_items - 1 : to;
    model->cursor = to < 0 ? 0 : to;
    const struct compare_item *here = compare_model_here(model), *shown = find_item(model, model->a);
    if (here && here->campaign >= 0 && shown && shown->campaign >= 0 && here != shown)
        compare_model_choose(model, 0);
}

const struct compare_item *compare_model_shown(const struct compare_model *model)
{
    const struct compare_item *shown = find_item(model, model->a);
    return shown && shown->campaign >= 0 ? shown : NULL;
}

void compare_model_choose(struct compare_model *model, int as_b)
{
    const struct compare_item *item = compare_model_here(model), *a = find_item(model, model->a);
    if (!item)
        return;
    if (item->campaign >= 0) {
        snprintf(model->a, sizeof model->a, "%s", item->key);
        model->b[0] = '\0';
    } else {
        if (a && a->campaign >= 0)
            model->a[0] = '\0';
        char *side = as_b ? model->b : model->a;
        snprintf(side, sizeof model->a, "%s", item->key);
    }
    make_pair(model);
}

void compare_model_choose_campaign(struct compare_model *model, const char *name)
{
    snprintf(model->a, sizeof model->a, CAMPAIGN_KEY "%s", name);
    model->b[0] = '\0';
    const struct compare_item *item = find_item(model, model->a);
    if (item)
        model->cursor = (int)(item - model->items);
    make_pair(model);
}

void compare_model_swap(struct compare_model *model)
{
    char a[sizeof model->a];
    const struct compare_item *item = find_item(model, model->a);
    if (!item || item->campaign >= 0 || model->b[0] == '\0')
        return;
    memcpy(a, model->a, sizeof a);
    memcpy(model->a, model->b, sizeof a);
    memcpy(model->b, a, sizeof a);
    make_pair(model);
}

char compare_model_mark(const struct compare_model *model, const struct compare_item *item)
{
    if (strcmp(item->key, model->a) == 0)
        return item->campaign >= 0 ? '=' : 'A';
    return strcmp(item->key, model->b) == 0 ? 'B' : ' ';
}
