/*
 * The question before a campaign: how many runs a side. Of a trick on the Tricks screen, with and without it; of a
 * campaign whose runs have all ended, to how many it is extended. It says what so many runs can find, what extending
 * costs, and how long it takes, by earlier runs of its recipes.
 */
#ifndef DAVIDNET_TUI_CAMPAIGN_ASK_H
#define DAVIDNET_TUI_CAMPAIGN_ASK_H

#include "engine/campaign.h"

struct app;

struct campaign_ask {
    struct campaign *campaign; /* that is asked about; NULL: none */
    int runs;                  /* a side, as typed so far; 0: none */
    int begun;                 /* a digit was typed: the next one follows it */
    int extend;
    unsigned generation; /* of the runs that its times and its spread were taken from */
};

/* With and without the trick at the cursor of the Tricks screen. */
int campaign_ask_can(const struct app *app);
void campaign_ask(struct app *app);
/* Takes campaign over; its runs have all ended. */
void campaign_ask_extend(struct app *app, struct campaign *campaign);

void campaign_ask_update(struct app *app); /* runs were read meanwhile */
void campaign_ask_release(struct campaign_ask *ask);

#endif
