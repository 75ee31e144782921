/* What `compare` and `campaign` say about sets of runs: a table of the sets, the knobs that differ, the verdicts. */
#ifndef DAVIDNET_TUI_VERDICT_REPORT_H
#define DAVIDNET_TUI_VERDICT_REPORT_H

#include "engine/campaign.h"

#include <cjson/cJSON.h>

#define VERDICT_SETS_MAX 6 /* as many recipes as fit beside each other */

/* The first set is what each of the others is compared with. Everything is borrowed. */
struct verdict_report {
    const struct run_set *sets;
    int n_sets;                                       /* 2 .. VERDICT_SETS_MAX */
    const struct recipe *const *recipes;              /* [n_sets]; of a set without runs: what it will be, or NULL */
    const char *const *names;                         /* [n_sets], for people: "without", "with label_smoothing" */
    const char *what;                                 /* (optional) in the sentence, of two sets: "label_smoothing" */
    struct verdict_question question;                 /* for each comparison */
    struct verdict verdict[VERDICT_SETS_MAX];         /* [i]: set i beside the first one; [0] is not used */
    char apart[VERDICT_SETS_MAX][RUN_SETS_APART_MAX]; /* why there is none; empty: there is */
};

/* Fills verdict and apart. Several comparisons share the level of one. */
void verdict_report_make(struct verdict_report *report);

/* The level of each comparison. */
double verdict_report_level(const struct verdict_report *report);

void verdict_report_print(const struct verdict_report *report);
/* {"sets": [...], "differences": [...], "power": ..., "verdicts": [...]}; NULL: no memory. */
cJSON *verdict_report_json(const struct verdict_report *report);

/* All of it for a campaign, as it is now; JSON is one line. Returns an exit code. */
int verdict_report_campaign(const struct campaign *campaign, struct run_entry *const *entries, int count, int json);

#endif
