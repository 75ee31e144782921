/*
 * A timing breakdown as it leaves the house: with whose it is and the command that trains such a run again, as JSON and
 * as CSV. Texts are malloc'ed and end with a newline; NULL with err.
 *
 * JSON: RUN/timing.json's (engine/timing.h, whose version counts) and first, after the version,
 *   "run": "NAME", "recipe": "davidnet-79", "summary": "davidnet-79, 24 epochs x 512, ...", "seed": 1, "eval": "test",
 *   "command": "davidnet train ...".
 *
 * CSV, of the same version: one table, its first line the names of the columns, lines end with "\n", texts are quoted
 * where they need it. Numbers are those of the JSON, times in milliseconds per training step; an empty cell is not
 * known, or means nothing there. The first column says what a line is:
 *   meta     value: what the JSON has at its top under `name`, and command, ceilings.flops, bound.compute ...
 *   phase    thread_ms: of the part `name`; hidden_ms
 *   row      a row of the plan with all of its own steps: no ms where it has none, and fused_into says where they are
 *   step     a step of the program; `name` is the row that leads it, rows the others
 */
#ifndef DAVIDNET_ENGINE_TIMING_EXPORT_H
#define DAVIDNET_ENGINE_TIMING_EXPORT_H

#include "engine/recipe.h"
#include "engine/timing.h"

struct timing_origin {
    char run[128];
    char preset[64];
    char summary[512]; /* recipe_summary */
    int64_t seed;
    char eval[16];
    char command[RECIPE_COMMAND_MAX];
};

void timing_origin_init(struct timing_origin *origin, const struct recipe *recipe, const char *run);

char *timing_export_json(const struct timing *timing, const struct timing_origin *origin, struct error *err);
char *timing_export_csv(const struct timing *timing, const struct timing_origin *origin, struct error *err);

#endif
