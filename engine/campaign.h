/*
 * A campaign: one recipe with a change and without it, a declared number of runs each, then a verdict.
 *
 * It is a folder, PARENT/.campaigns/NAME, with both recipes in full (without.ini, with.ini) and campaign.json:
 *   {"format": "davidnet-campaign", "version": 1, "what": "label_smoothing", "runs": [10, 20], "seed": 0,
 *    "keep_checkpoints": false}
 * runs: how many a side were declared, and what it was extended to (engine/verdict.h says what that costs). Its runs
 * are ordinary ones under PARENT, NAME-with-03 say, and know where they belong from their label.json, also when they
 * are renamed. Who reads the folders knows how far it is: there is nothing else to keep up to date, and a campaign that
 * was killed goes on from there.
 *
 * Runs are interleaved, so that a machine that grows slower or busier does so to both sides alike: without, with, with,
 * without, and so on. Each has a seed of its own: the campaign's first one counted up.
 */
#ifndef DAVIDNET_ENGINE_CAMPAIGN_H
#define DAVIDNET_ENGINE_CAMPAIGN_H

#include "engine/run_set.h"

#define CAMPAIGN_RUNS_MAX 10000
#define CAMPAIGNS_FOLDER ".campaigns"

struct campaign {
    char name[RUN_CAMPAIGN_MAX];
    char parent[RUN_PATH_MAX]; /* of its runs; absolute once it was created or read */
    char what[128];            /* what is tested: "label_smoothing" */
    struct recipe side[2];     /* enum run_side; the seed is replaced */
    int looks;                 /* 1 .. VERDICT_LOOKS_MAX */
    int runs[VERDICT_LOOKS_MAX];
    int64_t seed;
    int keep_checkpoints; /* of its finished runs */
};

/* "quick-label_smoothing": what it is called if nobody says. */
void campaign_name(const struct recipe *recipe, const char *what, char out[RUN_CAMPAIGN_MAX]);

/* Where the sides differ, seeds apart; 0: nowhere. */
int campaign_sides_differ(const struct campaign *campaign);

/*
 * What can be known to be wrong with both recipes without reading the data (session_check), or that they are the same,
 * unless what is tested is CAMPAIGN_NOTHING. 0: each says where its data is, absolutely.
 */
#define CAMPAIGN_NOTHING "nothing"
int campaign_check(struct campaign *campaign, struct error *err);

/*
 * What is compared, and a side, in words: "cutout", "without cutout", "with cutout". Of CAMPAIGN_NOTHING: "the same
 * recipe, other seeds", and its first side "the same recipe". Returns out.
 */
#define CAMPAIGN_WORDS_MAX 160
const char *campaign_words(const struct campaign *campaign);
const char *campaign_side_words(const struct campaign *campaign, enum run_side side, char out[CAMPAIGN_WORDS_MAX]);

/*
 * Writes a new one: name, parent (empty: the default one), what, side, runs[0], seed and keep_checkpoints are given.
 * -1 with err; also where there is one of that name.
 */
int campaign_create(struct campaign *campaign, struct error *err);
/* parent: NULL or empty: the default one. 1: there is none of that name (err says so); -1: it cannot be read. */
int campaign_read(struct campaign *campaign, const char *parent, const char *name, struct error *err);
/* Declares more runs a side. */
int campaign_extend(struct campaign *campaign, int runs, struct error *err);
int campaign_planned(const struct campaign *campaign); /* runs a side */
/* The names under parent, in order; *names is malloc'ed. No campaigns: 0 of them. */
int campaign_list(const char *parent, char (**names)[RUN_CAMPAIGN_MAX], int *count, struct error *err);

/* Held by who runs it; as run_folder_lock. */
int campaign_lock(const struct campaign *campaign, int *fd, struct error *err);

/* How far it is. */
struct campaign_state {
    int ended[2];              /* runs that count, by side */
    int left;                  /* runs still to be made or gone on with */
    double seconds_left;       /* that these will take; NaN: not known yet */
    enum run_side side;        /* the next one, if any is left */
    int number;                /* from 1 */
    char resume[RUN_PATH_MAX]; /* its folder, where it was begun; empty: it is new */
};
/* Its runs alone; give each back with run_entry_free, and *entries with free. */
int campaign_read_runs(const struct campaign *campaign, struct run_entry ***entries, int *count, struct error *err);
/* entries: of all runs under parent, or at least the campaign's. */
void campaign_look(const struct campaign *campaign, struct run_entry *const *entries, int count,
                   struct campaign_state *state);

/*
 * The wall seconds that `runs` runs a side take, by runs of its recipes on its data, device and threads that went to
 * their end, whoever made them; where one side has none, by the other's. NaN: there are none.
 */
double campaign_estimate(const struct campaign *campaign, int runs, struct run_entry *const *entries, int count);

/* What a run is made with: its recipe, its name and its label. */
void campaign_run_recipe(const struct campaign *campaign, enum run_side side, int number, struct recipe *recipe);
void campaign_run_name(const struct campaign *campaign, enum run_side side, int number, char out[128]);
void campaign_run_label(const struct campaign *campaign, enum run_side side, int number, struct run_label *label);

/* After a run: its checkpoints go, unless they are to be kept or it is not at its end. */
int campaign_tidy(const struct campaign *campaign, const struct run_entry *entry, struct error *err);

/* Both sides as sets; -1: no memory. */
int campaign_sets(const struct campaign *campaign, struct run_entry *const *entries, int count, struct run_set sets[2]);
struct verdict_question campaign_question(const struct campaign *campaign);
/* Of its runs that count, and of earlier ones of its recipes on its data, whoever made them: what is known before its
 * first run, too. entries: of all runs there are. None, where there is no memory. */
struct verdict_spread campaign_spread(const struct campaign *campaign, struct run_entry *const *entries, int count);

#endif
