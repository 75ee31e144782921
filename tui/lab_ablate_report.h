/* What the study `ablate` found, as text: a table for people, CSV and JSON for programs. */
#ifndef DAVIDNET_TUI_LAB_ABLATE_REPORT_H
#define DAVIDNET_TUI_LAB_ABLATE_REPORT_H

#include "engine/ablate_summary.h"

#include <stdio.h>

struct lab_ablate_report {
    const struct ablate_results *results; /* what was measured on what, and with which recipes */
    const struct ablate_summary *list;
    int count;
    const char *command; /* that measures what is in the list (ablate_command) */
};

/* "cpu, f32, avx512, 2 threads, oneDNN 2.6.3, Intel(R) Xeon(R) ..."; a processor that is not known is said to be. */
void lab_ablate_machine(const struct ablate_setting *setting, char *out, size_t size);

/* "measured by davidnet 0.1.0 (63f6f9dde0) from 2026-01-01T00:00Z to 2026-01-01T00:24Z" */
void lab_ablate_measured(const struct lab_ablate_report *report, char *out, size_t size);

/* "4 of 18 measurements were disturbed by other programs"; empty: none was. */
void lab_ablate_noise(const struct lab_ablate_report *report, char *out, size_t size);

/* The recipe of list[i]'s preset where the list has it for the first time, and it is known; else NULL. */
const struct ablate_recipe *lab_ablate_recipe(const struct lab_ablate_report *report, int i);

/* No line over 80 columns, but the commands, which are to be copied. */
void lab_ablate_table(FILE *out, const struct lab_ablate_report *report);

/*
 * Version 2: one table, its first line the names of the columns, lines end with "\n", texts are quoted where they need
 * it. A column's name ends with its unit: _ms are milliseconds of a training step, share_percent is of the full step,
 * gflop are 10^9 operations and gigabytes 10^9 bytes of a step. Empty: does not apply, or not measured. A line's kind:
 *   meta     value: what the JSON has at its top under `name`, and of each preset's recipe (preset says whose) recipe,
 *            summary and seed
 *   variant  rounds, noisy (how many were disturbed), ms (the least of the rounds), median_ms, low_ms, high_ms (of the
 *            rounds), cpu_ms (the least CPU time of all threads), share_percent, gflop, gigabytes
 *   cost     the difference of two variants: ms (of the leasts), median_ms, low_ms, high_ms (of the rounds' own
 *            differences), cpu_ms, share_percent, timers_ms, fused_ms, others_ms, between_ms, step_timers_ms
 *            (engine/ablate_summary.h); the last one, conv, is what is left
 *   bound    the convolutions' operations at the ceiling
 */
void lab_ablate_csv(FILE *out, const struct lab_ablate_report *report);

/*
 * {"format": "davidnet-lab-ablate", "version": 2, "command": ..., "results": the file, "first_unix_time",
 *  "last_unix_time", the setting as in results.jsonl (ablate_results.h),
 *  "recipes": [{"preset", "recipe", "summary", "seed", "options"}],     of version 1's files: none
 *  "cases": [{"preset", "batch", "flop_bound_ms", "step_timers_ms",
 *             "variants": [{"name", "title", "rounds", "noisy", "ms", "median_ms", "high_ms", "cpu_ms", "flops",
 *                           "bytes", "parts_ms": {}}],
 *             "costs": [{"name", "title", "ms", "median_ms", "low_ms", "high_ms", "cpu_ms", "timers_ms", "fused_ms",
 *                        "others_ms", "between_ms", "step_timers_ms"}]}]}
 * What is not measured is null. Version 1 had none of results, the times, device, recipes, step_timers_ms, and no cost
 * "conv"; its command was that which wrote it. -1: no memory.
 */
int lab_ablate_json(FILE *out, const struct lab_ablate_report *report, struct error *err);

#endif
