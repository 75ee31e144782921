/*
 * Whose curves these are, as exports say it: recipe, seed, the command that trains such a run again, and the machine
 * and program that trained it. One list of names and values, so that CSV and JSON tell the same.
 */
#ifndef DAVIDNET_ENGINE_CURVE_ORIGIN_H
#define DAVIDNET_ENGINE_CURVE_ORIGIN_H

#include "engine/run_folder.h"
#include "engine/timing_export.h"

#include <cjson/cJSON.h>

struct curve_origin {
    struct timing_origin recipe; /* run: empty for a recipe that nobody ran yet */
    char family[16], precision[16];
    int threads;                   /* 0: not known */
    char data[512];                /* where its images were from */
    char data_sha256[80];          /* their digest; empty: not known */
    struct timing_machine machine; /* its texts; ceilings are not used */
};

/*
 * Of a run: from its recipe, RUN/program.json (what was frozen) and RUN/timing.json (device, commit). What neither says
 * is empty. Of a recipe before any run (folder NULL): this davidnet, and no machine.
 */
void curve_origin_init(struct curve_origin *origin, const struct recipe *recipe, const struct run_folder *folder);

/* As members of a JSON object: recipe, summary, seed, eval, data, data_sha256, command, davidnet, commit, family,
 * device, isa, library, precision, threads; what is not known is null. */
void curve_origin_add_json(const struct curve_origin *origin, cJSON *object);

/* Each of them, in that order, as text; NULL after the last. Empty: not known. scratch: for a number. */
const char *curve_origin_item(const struct curve_origin *origin, int index, const char **value, char scratch[32]);

#endif
