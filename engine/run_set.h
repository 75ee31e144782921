/*
 * A set of runs that stands for one recipe, for a verdict: found by words, with what counts picked out. Runs count that
 * went to their end and those that diverged. Left out, and counted, are: runs that have not ended, or were stopped
 * (why may have to do with how they went); runs that failed for another reason, a full disk say; and repetitions: the
 * same recipe with the same seeds is the same run, however often it is made, and would feign certainty.
 */
#ifndef DAVIDNET_ENGINE_RUN_SET_H
#define DAVIDNET_ENGINE_RUN_SET_H

#include "engine/recipe_differences.h"
#include "engine/run_entry.h"
#include "engine/verdict.h"

struct run_set {
    char name[128];
    struct run_entry **entries; /* ours, all that were found; [n_entries] */
    int n_entries;
    const struct run_entry **counted; /* [n_runs], of runs[] */
    struct verdict_run *runs;         /* those that count; they borrow from entries */
    int n_runs;
    int unfinished, broken, repeated, unreadable; /* left out */
    /* Where its runs that count are not of one family (engine/forecast.h): */
    char mixed[256];       /* "celu on in 5, off in 2; width 16 in 4, 8 in 3", seeds apart; empty: they are */
    unsigned char *varies; /* ours, [knob_count + 1]: 1 where that knob does; the last one: the network. NULL: none */
};

/* entries[count] are kept for the set. -1: no memory; the set is empty then. */
int run_set_make(struct run_set *set, const char *name, struct run_entry *const *entries, int count);
void run_set_release(struct run_set *set); /* also of a zeroed one */

/* All runs under parent (NULL: the default one), each to be given back with run_entry_free; *entries is malloc'ed. */
int run_set_read_all(const char *parent, struct run_entry ***entries, int *count, struct error *err);

/*
 * Does the run belong to what `word` says? Of the words parted by commas any: a run's name or path, "last"; a pattern
 * of names (* ? [); "tag:TAG", "campaign:NAME", "campaign:NAME/with" or "/without", "preset:NAME", "recipe:FILE", and
 * each of these without its prefix: the first kind that any of the runs belongs to. The runs of a preset or recipe file
 * are those of its family (engine/forecast.h). -1 with err: nothing of that name.
 */
int run_set_find(struct run_set *set, const char *word, struct run_entry *const *all, int count, struct error *err);

/* How many runs count in both, *first one of them: two sets that share runs are no two samples. */
int run_sets_shared(const struct run_set *a, const struct run_set *b, const struct run_entry **first);

/* Why two sets' accuracies cannot be compared: runs in both, other evaluation images. "" if they can. Returns out. */
#define RUN_SETS_APART_MAX 192
const char *run_sets_apart(const struct run_set *a, const struct run_set *b, char out[RUN_SETS_APART_MAX]);

/*
 * The knobs that are not the same in all runs of all sets, seeds apart; "mixed" for a set within which one varies. Of a
 * set without runs: fallback[i] (optional array; optional entries). Fills out[knob_count + 1]; how many rows; -1: a set
 * has neither, or no memory. n <= RECIPES_COMPARED_MAX.
 */
int run_sets_differences(const struct run_set *sets, int n, const struct recipe *const *fallback,
                         struct recipe_difference *out);

/* "2 unfinished, 1 repeated"; "" for none. Returns out. */
const char *run_set_left_out(const struct run_set *set, char *out, size_t size);

#endif
