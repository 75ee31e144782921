/* What changed between two breakdowns, as text: a table for people, CSV and JSON for programs. */
#ifndef DAVIDNET_TUI_TIMING_DIFF_REPORT_H
#define DAVIDNET_TUI_TIMING_DIFF_REPORT_H

#include "engine/recipe.h"
#include "engine/timing_diff.h"

#include <stdio.h>

/* Why no line claims a change where a side is one run. */
#define TIMING_DIFF_NO_VERDICT                                                                                         \
    "A side is one run, and runs vary by more than steps do: \"differs\" tells of these runs only; several runs a "    \
    "side, parted by commas (made in turns: with --paired), give a verdict."

struct timing_diff_report {
    const struct timing_diff *diff;
    struct timing_diff_side side[2];
    const struct recipe *const *recipes[2]; /* [side][run] */
    unsigned how;                           /* TIMING_DIFF_PAIRED, TIMING_DIFF_LEAST */
    const char *words[2];                   /* what was said on the command line */
    char differences[600];                  /* of the first recipes, as recipe_differences_text says them */
    int mixed[2];                           /* 1: that side's runs are not all of one recipe; a warning says more */
};

/*
 * command: the words that make this diff again, for a shell.
 * width 0: nothing is cut, as for a file. grey: noise is written in the terminal's grey.
 * CSV: one table. A line's kind is meta (value: what `name` says: format, version, command, paired, least, warning, and
 * of each side a.device, a.run, a.summary, a.command ..., once for each run), total, phase, block or row; what is not
 * known is empty, and so is the phase of a line that is of all of them. JSON: {"format": "davidnet-timing-diff",
 * "version": 1, "command": ..., "confidence": 0.95, "paired": false, "least": false, "a": {"family": ..., "runs":
 * [{"run": ..., "recipe": "davidnet-79", "summary": ..., "seed": ..., "eval": ..., "command": ...}]}, "b": {...},
 * "warnings": ["..."], "lines": [{"kind": "row", "phase": "forward", "name": ..., "with": "...", "only": "...",
 * "a_ms": ..., "b_ms": ..., "change_ms": ..., "change_percent": ..., "low_ms": ..., "high_ms": ..., "verdict":
 * "noise"}]}; phase null: all phases; numbers that are not known: null.
 */
void timing_diff_report_command(const struct timing_diff_report *report, char *out, size_t size);
void timing_diff_report_table(const struct timing_diff_report *report, FILE *out, int width, int grey);
void timing_diff_report_csv(const struct timing_diff_report *report, FILE *out);
char *timing_diff_report_json(const struct timing_diff_report *report); /* malloc'ed; NULL: no memory */

#endif
