#include "engine/recipe_draft.h"

#include "engine/network.h"
#include "engine/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The list of edits is replayed into this. Texts belong to the edits. */
struct wishes {
    const struct recipe *base;
    signed char trick[RECIPE_TRICKS_MAX]; /* 0: as the base has it, 1: on, -1: off */
    const char **own;                     /* [knob_count]; NULL: none */
    const char *network;                  /* NULL: the base's */
};

enum edit_kind {
    EDIT_BASE,    /* another base; forgets everything but, if `number`, the values that say where to train */
    EDIT_TRICK,   /* wishes trick `index` `number` */
    EDIT_OWN,     /* knob `index` is `text` */
    EDIT_FORGET,  /* knob `index` is what base and tricks make it */
    EDIT_NETWORK, /* the network is `text`, or the base's if NULL */
};

struct draft_edit {
    enum edit_kind kind;
    int index, number;
    int joined; /* 1: one step of undo with the edit before */
    struct draft_place place;
    char *text;          /* owned */
    struct recipe *base; /* owned */
};

/* A step of undo while it is made. */
struct group {
    struct draft_edit *edits;
    int n, room;
    int failed; /* no memory */
};

static void edit_release(struct draft_edit *edit)
{
    free(edit->text);
    free(edit->base);
}

static void edits_release(struct draft_edit *edits, int n)
{
    for (int i = 0; i < n; i++)
        edit_release(&edits[i]);
}

static void group_release(struct group *group)
{
    edits_release(group->edits, group->n);
    free(group->edits);
    memset(group, 0, sizeof *group);
}

static int grow(struct draft_edit **edits, int *room, int wanted)
{
    if (wanted <= *room)
        return 0;
    int more = wanted + *room + 16;
    struct draft_edit *bigger = realloc(*edits, (size_t)more * sizeof *bigger);
    if (!bigger)
        return -1;
    *edits = bigger;
    *room = more;
    return 0;
}

/* text and base are copied. */
static void group_add(struct group *group, struct draft_edit edit, const char *text, const struct recipe *base)
{
    if (group->failed || grow(&group->edits, &group->room, group->n + 1)) {
        group->failed = 1;
        return;
    }
    edit.joined = group->n > 0;
    edit.text = text ? strdup(text) : NULL;
    edit.base = base ? malloc(sizeof *base) : NULL;
    if (edit.base)
        *edit.base = *base;
    group->failed = (text && !edit.text) || (base && !edit.base);
    group->edits[group->n++] = edit;
}

static int knob_index(const struct knob *knob)
{
    return (int)(knob - knobs);
}

static struct draft_place knob_place(int index)
{
    return (struct draft_place){DRAFT_KNOB, index};
}

/* Says where to train and with which dice, not what: another preset leaves it. */
static int is_local(const struct knob *knob)
{
    return strcmp(knob->section, "machine") == 0 || strcmp(knob->section, "seeds") == 0 ||
           strcmp(knob->key, "data") == 0;
}

/* ---- from edits to a recipe ---- */

static void replay(struct wishes *wishes, const struct draft_edit *edits, int n)
{
    for (const struct draft_edit *edit = edits; edit < edits + n; edit++) {
        switch (edit->kind) {
        case EDIT_BASE:
            wishes->base = edit->base;
            wishes->network = NULL;
            memset(wishes->trick, 0, sizeof wishes->trick);
            for (int i = 0; i < knob_count; i++)
                if (!edit->number || !is_local(&knobs[i]))
                    wishes->own[i] = NULL;
            break;
        case EDIT_TRICK:
            wishes->trick[edit->index] = (signed char)edit->number;
            break;
        case EDIT_OWN:
            wishes->own[edit->index] = edit->text;
            break;
        case EDIT_FORGET:
            wishes->own[edit->index] = NULL;
            break;
        case EDIT_NETWORK:
            wishes->network = edit->text;
            break;
        }
    }
}

/* Shapes that fit, on images of CIFAR's size; a network that builds there builds on any set of such images. */
static int check_network(const struct recipe *recipe, struct error *err)
{
    struct network *network = malloc(sizeof *network);
    int status = network ? network_build(recipe, (struct plan_shape){3, 32, 32}, 10, network, err)
                         : error_set(err, "out of memory for the network");
    free(network);
    return status;
}

/* -1: the edits cannot be applied at all. A recipe that contradicts itself is one that is not valid. */
static int resolve(const struct recipe_draft *draft, const struct wishes *wishes, struct recipe_draft *out,
                   struct error *err)
{
    struct recipe_request request = {0};
    out->base = *wishes->base;
    out->recipe = *wishes->base;
    for (int i = 0; i < draft->n_tricks; i++) {
        if (wishes->trick[i] > 0)
            request.on[request.n_on++] = draft->tricks[i].key;
        else if (wishes->trick[i] < 0)
            request.off[request.n_off++] = draft->tricks[i].key;
    }
    if (tricks_apply(draft->tricks, draft->n_tricks, &request, &out->recipe, err))
        return -1;
    for (int i = 0; i < knob_count; i++)
        if (wishes->own[i] && knob_set(&out->recipe, &knobs[i], wishes->own[i], err))
            return -1;
    if (wishes->network && recipe_set_network(&out->recipe, wishes->network, err))
        return -1;
    out->why.text[0] = '\0';
    out->fault = NULL;
    out->valid = recipe_check_key(&out->recipe, &out->fault, &out->why) == 0;
    if (out->valid && check_network(&out->recipe, &out->why)) {
        out->valid = 0;
        out->fault = "network";
    }
    return 0;
}

/* What the edits and the group after them come to, into out's first fields. */
static int resolve_with(const struct recipe_draft *draft, const struct group *group, struct recipe_draft *out,
                        struct error *err)
{
    struct wishes wishes = {.base = &draft->base, .own = calloc((size_t)knob_count, sizeof *wishes.own)};
    if (!wishes.own || (group && group->failed)) {
        free(wishes.own);
        return error_set(err, "out of memory for the edit");
    }
    replay(&wishes, draft->edits, draft->n_done);
    if (group)
        replay(&wishes, group->edits, group->n);
    int status = resolve(draft, &wishes, out, err);
    free(wishes.own);
    return status;
}

static void take_outcome(struct recipe_draft *draft, const struct recipe_draft *outcome)
{
    draft->recipe = outcome->recipe;
    draft->base = outcome->base;
    draft->valid = outcome->valid;
    draft->why = outcome->why;
    draft->fault = outcome->fault;
}

/*
 * Appends the group unless it changes nothing, or (strict) makes a valid recipe contradict itself. The group is used
 * up either way.
 */
static int commit(struct recipe_draft *draft, struct group *group, int strict, struct error *err)
{
    struct recipe_draft *outcome = calloc(1, sizeof *outcome);
    int status = outcome ? resolve_with(draft, group, outcome, err) : error_set(err, "out of memory for the edit");
    if (!status && strict && !outcome->valid && draft->valid)
        status = error_set(err, "%s", outcome->why.text);
    int same = !status && draft->n_done > 0 && recipe_equal(&outcome->recipe, &draft->recipe) &&
               recipe_equal(&outcome->base, &draft->base);
    if (!status && !same && grow(&draft->edits, &draft->room, draft->n_done + group->n))
        status = error_set(err, "out of memory for the edit");
    if (status || same) {
        group_release(group);
        free(outcome);
        return status;
    }
    edits_release(draft->edits + draft->n_done, draft->n_edits - draft->n_done);
    memcpy(draft->edits + draft->n_done, group->edits, (size_t)group->n * sizeof *group->edits);
    draft->n_edits = draft->n_done += group->n;
    free(group->edits);
    memset(group, 0, sizeof *group);
    take_outcome(draft, outcome);
    free(outcome);
    return 0;
}

/* ---- beginning ---- */

/* A base and the values by which the recipe differs from it: those of its preset, if there is one, else itself. */
static int add_whole(struct group *group, const struct recipe *recipe, struct error *err)
{
    char text[KNOB_TEXT_MAX];
    struct recipe *base = malloc(sizeof *base);
    if (!base)
        return error_set(err, "out of memory for the recipe");
    if (recipe_preset_load(recipe->preset, base, NULL, NULL))
        *base = *recipe;
    memcpy(base->name, recipe->name, sizeof base->name); /* a file's recipe keeps its name while it is edited */
    group_add(group, (struct draft_edit){.kind = EDIT_BASE, .place = {DRAFT_PRESET, 0}}, NULL, base);
    for (int i = 0; i < knob_count; i++) {
        if (knob_same(recipe, base, &knobs[i]))
            continue;
        knob_get(recipe, &knobs[i], text, sizeof text);
        group_add(group, (struct draft_edit){.kind = EDIT_OWN, .index = i, .place = knob_place(i)}, text, NULL);
    }
    if (strcmp(recipe->network, base->network) != 0)
        group_add(group, (struct draft_edit){.kind = EDIT_NETWORK, .place = {DRAFT_NETWORK, 0}}, recipe->network, NULL);
    free(base);
    return 0;
}

int recipe_draft_init(struct recipe_draft *draft, const struct trick *table, int n_tricks, const struct recipe *recipe,
                      struct error *err)
{
    memset(draft, 0, sizeof *draft);
    draft->tricks = table;
    draft->n_tricks = n_tricks < RECIPE_TRICKS_MAX ? n_tricks : RECIPE_TRICKS_MAX;
    if (recipe_draft_take(draft, recipe, err)) {
        recipe_draft_release(draft);
        return -1;
    }
    draft->n_start = draft->n_done;
    return 0;
}

void recipe_draft_release(struct recipe_draft *draft)
{
    edits_release(draft->edits, draft->n_edits);
    free(draft->edits);
    memset(draft, 0, sizeof *draft);
}

/* ---- edits ---- */

int recipe_draft_preset(struct recipe_draft *draft, const char *name, struct error *err)
{
    struct group group = {0};
    struct recipe *base = malloc(sizeof *base);
    if (!base)
        return error_set(err, "out of memory for the preset");
    int status = recipe_preset_load(name, base, NULL, err);
    if (!status) {
        group_add(&group, (struct draft_edit){.kind = EDIT_BASE, .number = 1, .place = {DRAFT_PRESET, 0}}, NULL, base);
        status = commit(draft, &group, 0, err);
    }
    free(base);
    return status;
}

int recipe_draft_take(struct recipe_draft *draft, const struct recipe *recipe, struct error *err)
{
    struct group group = {0};
    if (add_whole(&group, recipe, err)) {
        group_release(&group);
        return -1;
    }
    return commit(draft, &group, 0, err);
}

/* The user's own values of knobs that the trick writes would hide what it does. */
static void forget_patched(struct group *group, const struct trick_patch *patch, struct draft_place place)
{
    for (; patch->key; patch++) {
        const struct knob *knob = knob_find(patch->key);
        if (knob)
            group_add(group, (struct draft_edit){.kind = EDIT_FORGET, .index = knob_index(knob), .place = place}, NULL,
                      NULL);
    }
}

static void forget_written(struct group *group, const struct trick *trick, struct draft_place place)
{
    forget_patched(group, trick->patches, place);
    forget_patched(group, trick->begins_with, place);
}

const struct trick *recipe_draft_rival(const struct recipe_draft *draft, int trick, const char **field)
{
    for (int i = 0; i < draft->n_tricks; i++) {
        const char *both = i == trick ? NULL : trick_clash(&draft->tricks[i], &draft->tricks[trick]);
        if (both && trick_is_on(&draft->tricks[i], &draft->recipe)) {
            *field = both;
            return &draft->tricks[i];
        }
    }
    return NULL;
}

static int refuse_rival(const struct recipe_draft *draft, int index, struct error *err)
{
    const char *field;
    const struct trick *rival = recipe_draft_rival(draft, index, &field);
    if (!rival)
        return 0;
    return error_set(err, "%s and %s both set %s: switch one off", rival->key, draft->tricks[index].key, field);
}

/* A rival that the preset has on, and that only a value of the user's own keeps from being on, is off by name too. */
static void switch_off_rivals(struct group *group, const struct recipe_draft *draft, int index)
{
    struct draft_place place = {DRAFT_TRICK, index};
    for (int i = 0; i < draft->n_tricks; i++) {
        const struct trick *other = &draft->tricks[i];
        if (i != index && trick_clash(other, &draft->tricks[index]) && trick_is_on(other, &draft->base) &&
            !trick_is_on(other, &draft->recipe))
            group_add(group, (struct draft_edit){.kind = EDIT_TRICK, .index = i, .number = -1, .place = place}, NULL,
                      NULL);
    }
}

/* Off is not always what the patches for off come to: some leave a knob as the preset has it. And on may be without
 * effect. */
static int refuse_outcome(const struct recipe_draft *draft, const struct group *group, const struct trick *trick,
                          int on, struct error *err)
{
    struct recipe_draft *outcome = calloc(1, sizeof *outcome);
    int status = outcome ? resolve_with(draft, group, outcome, err) : error_set(err, "out of memory for the edit");
    if (!status && on)
        status = trick_refuse_idle(trick, &outcome->recipe, err);
    else if (!status && trick_is_on(trick, &outcome->recipe))
        status = error_set(err, "%s is part of preset %.63s: choose another preset to be without it", trick->key,
                           outcome->base.preset);
    free(outcome);
    return status;
}

int recipe_draft_switch(struct recipe_draft *draft, int index, int on, struct error *err)
{
    const struct trick *trick = &draft->tricks[index];
    struct draft_place place = {DRAFT_TRICK, index};
    struct group group = {0};
    on = on != 0;
    if (on && refuse_rival(draft, index, err))
        return -1;
    /* back to how the preset has it: no wish at all */
    int wish = trick_is_on(trick, &draft->base) == on ? 0 : on ? 1 : -1;
    group_add(&group, (struct draft_edit){.kind = EDIT_TRICK, .index = index, .number = wish, .place = place}, NULL,
              NULL);
    forget_written(&group, trick, place);
    if (on)
        switch_off_rivals(&group, draft, index);
    if (refuse_outcome(draft, &group, trick, on, err)) {
        group_release(&group);
        return -1;
    }
    return commit(draft, &group, 1, err);
}

/* 5 -> 1.4583333333333333 -> 4.999999999999999: rounding's dust is wiped off, digits that mean something stay. */
static double tidy(double epoch)
{
    double rounded = number_tidy(epoch, 10);
    return fabs(rounded - epoch) <= 1e-13 * epoch ? rounded : epoch;
}

/* The knobs that a new number of epochs moves with it. */
static void add_stretch(struct group *group, const struct recipe_draft *draft, const char *text)
{
    char moved[KNOB_TEXT_MAX];
    double epochs;
    struct recipe *stretched = malloc(sizeof *stretched);
    if (stretched)
        *stretched = draft->recipe;
    if (stretched && number_parse_real(text, &epochs) == 0 && epochs > 0 &&
        recipe_stretch(stretched, epochs, NULL) == 0) {
        struct schedule *schedule = &stretched->schedule;
        for (int i = 0; i < schedule->n_knots; i++)
            schedule->knot[i] = tidy(schedule->knot[i]);
        schedule->warmup = tidy(schedule->warmup);
        for (int i = 0; i < knob_count; i++) {
            if (strcmp(knobs[i].key, "epochs") == 0 || knob_same(stretched, &draft->recipe, &knobs[i]))
                continue;
            knob_get(stretched, &knobs[i], moved, sizeof moved);
            group_add(group, (struct draft_edit){.kind = EDIT_OWN, .index = i, .place = group->edits[0].place}, moved,
                      NULL);
        }
    }
    free(stretched);
}

static void add_own(struct group *group, const struct recipe_draft *draft, const struct knob *knob, const char *text)
{
    int index = knob_index(knob);
    group_add(group, (struct draft_edit){.kind = EDIT_OWN, .index = index, .place = knob_place(index)}, text, NULL);
    if (strcmp(knob->key, "epochs") == 0 && !group->failed)
        add_stretch(group, draft, text);
}

int recipe_draft_set(struct recipe_draft *draft, const struct knob *knob, const char *text, struct error *err)
{
    struct group group = {0};
    add_own(&group, draft, knob, text);
    return commit(draft, &group, 0, err);
}

int recipe_draft_set_many(struct recipe_draft *draft, const struct knob *const *list, const char *const *texts, int n,
                          struct error *err)
{
    struct group group = {0};
    for (int i = 0; i < n; i++)
        add_own(&group, draft, list[i], texts[i]);
    return commit(draft, &group, 0, err);
}

int recipe_draft_try(const struct recipe_draft *draft, const struct knob *knob, const char *text, struct error *err)
{
    struct group group = {0};
    struct recipe_draft *outcome = calloc(1, sizeof *outcome);
    err->text[0] = '\0';
    add_own(&group, draft, knob, text);
    int status = outcome ? resolve_with(draft, &group, outcome, err) : error_set(err, "out of memory");
    if (!status && !outcome->valid)
        *err = outcome->why;
    group_release(&group);
    free(outcome);
    return status;
}

int recipe_draft_set_network(struct recipe_draft *draft, const char *text, struct error *err)
{
    struct group group = {0};
    group_add(&group, (struct draft_edit){.kind = EDIT_NETWORK, .place = {DRAFT_NETWORK, 0}}, text, NULL);
    return commit(draft, &group, 1, err);
}

int recipe_draft_reset(struct recipe_draft *draft, struct draft_place place, struct error *err)
{
    struct group group = {0};
    struct recipe preset;
    const struct trick *trick;
    char text[KNOB_TEXT_MAX];
    switch (place.kind) {
    case DRAFT_PRESET:
        preset = draft->base;
        memset(preset.name, 0, sizeof preset.name);
        group_add(&group, (struct draft_edit){.kind = EDIT_BASE, .number = 1, .place = place}, NULL, &preset);
        break;
    case DRAFT_TRICK:
        trick = &draft->tricks[place.index];
        if (trick_is_on(trick, &draft->base) && refuse_rival(draft, place.index, err))
            return -1;
        group_add(&group, (struct draft_edit){.kind = EDIT_TRICK, .index = place.index, .place = place}, NULL, NULL);
        forget_written(&group, trick, place);
        break;
    case DRAFT_NETWORK:
        group_add(&group, (struct draft_edit){.kind = EDIT_NETWORK, .place = place}, NULL, NULL);
        break;
    case DRAFT_KNOB: /* a value of its own: a trick may write the knob too */
        knob_get(&draft->base, &knobs[place.index], text, sizeof text);
        group_add(&group, (struct draft_edit){.kind = EDIT_OWN, .index = place.index, .place = place}, text, NULL);
        break;
    }
    return commit(draft, &group, 0, err);
}

/* ---- undo ---- */

int recipe_draft_can_undo(const struct recipe_draft *draft)
{
    return draft->n_done > draft->n_start;
}

int recipe_draft_can_redo(const struct recipe_draft *draft)
{
    return draft->n_done < draft->n_edits;
}

/* Goes to where n edits are done, or stays where it was if there is no memory to resolve them. */
static int go_to(struct recipe_draft *draft, int n)
{
    int before = draft->n_done;
    struct recipe_draft *outcome = calloc(1, sizeof *outcome);
    draft->n_done = n;
    int status = outcome ? resolve_with(draft, NULL, outcome, NULL) : -1;
    if (status)
        draft->n_done = before;
    else
        take_outcome(draft, outcome);
    free(outcome);
    return status == 0;
}

int recipe_draft_undo(struct recipe_draft *draft, struct draft_place *place)
{
    int n = draft->n_done;
    if (!recipe_draft_can_undo(draft))
        return 0;
    while (draft->edits[--n].joined)
        continue;
    if (place)
        *place = draft->edits[n].place;
    return go_to(draft, n);
}

int recipe_draft_redo(struct recipe_draft *draft, struct draft_place *place)
{
    int n = draft->n_done;
    if (!recipe_draft_can_redo(draft))
        return 0;
    if (place)
        *place = draft->edits[n].place;
    for (n++; n < draft->n_edits && draft->edits[n].joined; n++)
        continue;
    return go_to(draft, n);
}

/* ---- differences ---- */

int recipe_draft_differs(const struct recipe_draft *draft, const struct recipe *a, const struct recipe *b,
                         struct draft_place place)
{
    const struct trick *trick;
    switch (place.kind) {
    case DRAFT_PRESET:
        return strcmp(a->preset, b->preset) != 0;
    case DRAFT_TRICK:
        trick = &draft->tricks[place.index];
        return trick_is_on(trick, a) != trick_is_on(trick, b);
    case DRAFT_NETWORK:
        return strcmp(a->network, b->network) != 0;
    case DRAFT_KNOB:
        return !knob_same(a, b, &knobs[place.index]);
    }
    return 0;
}

int recipe_draft_changed(const struct recipe_draft *draft, struct draft_place place)
{
    return recipe_draft_differs(draft, &draft->recipe, &draft->base, place);
}
