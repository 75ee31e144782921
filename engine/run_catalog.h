/*
 * The runs under one parent folder, kept up to date by a thread of its own, so that neither hundreds of folders nor a
 * slow disk ever hold up who shows them. There is no index on disk: the folders are read, each only when the size,
 * time or inode of its recipe, log, label or status changed; of a log that grows only what is new.
 *
 * Entries are shared and never change (engine/run_entry.h); their folders' paths are absolute, as run_folder_find's.
 * The order is that of the folder: no order.
 */
#ifndef DAVIDNET_ENGINE_RUN_CATALOG_H
#define DAVIDNET_ENGINE_RUN_CATALOG_H

#include "engine/run_entry.h"

struct run_catalog;

/* parent: as run_folder_list takes it; it need not be there yet. Begins to read. NULL with err. */
struct run_catalog *run_catalog_open(const char *parent, struct error *err);
void run_catalog_free(struct run_catalog *catalog); /* NULL: nothing. Waits for the file that is being read */

/* Asks for a look at what changed since; returns at once. */
void run_catalog_refresh(struct run_catalog *catalog);

struct run_catalog_state {
    unsigned generation; /* another one after every change */
    int reading;         /* 1: a look is asked for or in progress */
    int known, found;    /* runs read so far, of how many folders; equal when all are */
    char problem[256];   /* why the parent folder cannot be read; empty: it can, or is not there yet */
};
void run_catalog_state(struct run_catalog *catalog, struct run_catalog_state *state);

/* What is known: (*entries)[*count], each kept for the caller; give them back with run_catalog_give_back. -1: no
 * memory. */
int run_catalog_take(struct run_catalog *catalog, struct run_entry ***entries, int *count);
void run_catalog_give_back(struct run_entry **entries, int count); /* NULL: nothing */

#endif
