/*
 * What the Compare screen shows: a list of what can be compared, campaigns and families of runs, and of the two sides
 * that were chosen the verdict, the knobs that differ and the curves. Made from runs' entries; nothing here reads a
 * file. What is chosen holds on to a campaign's name or a family's first run, whatever is read again.
 */
#ifndef DAVIDNET_VIEWS_COMPARE_MODEL_H
#define DAVIDNET_VIEWS_COMPARE_MODEL_H

#include "engine/campaign.h"
#include "engine/recipe_differences.h"

struct compare_item {
    char name[160];                /* "quick width=8"; "quick on cifar" beside the same on others; a campaign's name */
    char key[RUN_PATH_MAX + 1];    /* what it is chosen by */
    int campaign;                  /* in `campaigns`, -1: a family */
    const struct run_entry *first; /* of a family: its first run */
    const struct run_entry *known; /* ... and its first whose images are known; NULL: none */
    int runs;                      /* that it has */
    int ended, planned;            /* runs that went to their end; of a campaign, both sides, which alone are planned */
};

/* Mean and spread by epoch of the runs of one side; [n]. low, high: mean less and plus one standard deviation. */
struct compare_curve {
    size_t n;
    double *x, *mean, *low, *high;
};

struct compare_model {
    struct compare_item *items; /* ours: campaigns, then families */
    int n_items, cursor;
    char a[RUN_PATH_MAX + 1], b[RUN_PATH_MAX + 1]; /* keys chosen; of a campaign, a alone. Empty: not chosen */
    int running;                                   /* a campaign is being trained from here */
    char running_name[RUN_CAMPAIGN_MAX];
    int waiting; /* it is not trained yet: another run is */
    int reading; /* folders are still being read */

    int has; /* both sides are there, and so is what follows */
    char what[128];
    struct run_set sets[2];
    struct verdict verdict;
    char apart[RUN_SETS_APART_MAX];
    int shared;                            /* runs in both sets */
    struct recipe_difference *differences; /* ours, without seeds */
    int n_differences;
    struct compare_curve curve[2];
    double target; /* percent, of A's first run; NaN: none */

    struct run_entry **entries; /* ours, kept */
    int n_entries;
    struct campaign *campaigns; /* ours */
    int n_campaigns;
};

void compare_model_init(struct compare_model *model);
void compare_model_release(struct compare_model *model);

/* New runs, which are kept, and campaigns, which are copied. -1: no memory; it shows less then. */
int compare_model_take(struct compare_model *model, struct run_entry *const *entries, int n_entries,
                       const struct campaign *campaigns, int n_campaigns);

const struct compare_item *compare_model_here(const struct compare_model *model); /* NULL: the list is empty */
/* Clamped. While a campaign is shown, the one that the cursor comes to is shown in its place. */
void compare_model_move(struct compare_model *model, int to);
const struct compare_item *compare_model_shown(const struct compare_model *model); /* a campaign; NULL: none is */
/* The item at the cursor becomes what is compared: a campaign as a whole, a family as A or B. */
void compare_model_choose(struct compare_model *model, int as_b);
void compare_model_choose_campaign(struct compare_model *model, const char *name);
void compare_model_swap(struct compare_model *model);
/* 'A', 'B', '=' for a chosen campaign, or ' '. */
char compare_model_mark(const struct compare_model *model, const struct compare_item *item);

#endif
