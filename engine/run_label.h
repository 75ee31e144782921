/*
 * What people write about a run: a note and tags, in the file RUN/label.json (see engine/run_folder.h), so that they
 * travel with the folder; and, written by the program, the campaign that it was made for. Replaced whole: of two who
 * write at the same moment, the last one's is kept.
 */
#ifndef DAVIDNET_ENGINE_RUN_LABEL_H
#define DAVIDNET_ENGINE_RUN_LABEL_H

#include "engine/run_folder.h"

#define RUN_LABEL_FILE "label.json"
#define RUN_NOTE_MAX 1024 /* bytes, with the NUL */
#define RUN_TAG_MAX 32
#define RUN_TAGS_MAX 16
#define RUN_CAMPAIGN_MAX 64
#define RUN_TAGS_TEXT_MAX (RUN_TAG_MAX * RUN_TAGS_MAX)

/* Which side of a campaign (engine/campaign.h) a run is on. */
enum run_side { RUN_WITHOUT, RUN_WITH };
const char *run_side_name(enum run_side side); /* "without", "with" */

/* note: UTF-8 in one line, without control characters. tag: in the order they were given, no two alike. */
struct run_label {
    char note[RUN_NOTE_MAX];
    int n_tags;
    char tag[RUN_TAGS_MAX][RUN_TAG_MAX];
    char campaign[RUN_CAMPAIGN_MAX]; /* that it was made for; empty: none */
    enum run_side side;
    int number; /* of the side's runs, from 1 */
};

/* No file: an empty label. -1: damaged, or it cannot be read; the label is empty then too. */
int run_label_read(const struct run_folder *folder, struct run_label *label, struct error *err);
/* An empty label removes the file. */
int run_label_write(const struct run_folder *folder, const struct run_label *label, struct error *err);
/* For a thread that must not wait for a disk: a run_catalog that has the run syncs it at its next look. */
int run_label_write_unsynced(const struct run_folder *folder, const struct run_label *label, struct error *err);

/* Line breaks, tabs and other control characters become blanks, blanks at both ends go. -1: too long, or not UTF-8. */
int run_label_set_note(struct run_label *label, const char *text, struct error *err);

/* One change: "+fast" or "fast" adds it, "-fast" takes it away; it is no error if that is so already. A tag is 2 to 31
 * letters, digits and . _ = @ + -, a letter or digit first. */
int run_label_change(struct run_label *label, const char *change, struct error *err);
/* All of them, parted by blanks or commas. On error the label stays as it was. */
int run_label_set_tags(struct run_label *label, const char *text, struct error *err);
int run_label_has(const struct run_label *label, const char *tag);

/* "fast baseline"; RUN_TAGS_TEXT_MAX holds any. Returns out. */
const char *run_label_tags(const struct run_label *label, char *out, size_t size);

#endif
