/*
 * Renaming runs and throwing them away. A run that a process trains (it holds RUN/lock) is never touched; the lock is
 * held meanwhile, so that nobody resumes what is about to move. Moves are one rename(2) within one folder: a crash
 * leaves the run under the old name or the new one, whole.
 *
 * The trash is the folder .trash beside the runs, not the desktop's: it is on the same disk, works on hosts without a
 * desktop, and lists of runs leave dotted folders out. There a run keeps its name; if that is taken it gets ~2, ~3 ...
 * behind it (no run's name has a '~'), which are cut off again when it is put back. To empty it, remove .trash.
 */
#ifndef DAVIDNET_ENGINE_RUN_MOVE_H
#define DAVIDNET_ENGINE_RUN_MOVE_H

#include "engine/run_folder.h"

#define RUN_TRASH ".trash"

/* folder becomes the new one. -1: the name is bad or taken (then nothing has happened), or the run is training. */
int run_rename(struct run_folder *folder, const char *name, struct error *err);

/* Moves it to .trash beside it; folder becomes the one there. */
int run_trash(struct run_folder *folder, struct error *err);
/* Back from the trash; folder becomes the one beside .trash. -1 if a run of its name is there again. */
int run_restore(struct run_folder *folder, struct error *err);

/* A run in the trash of parent (NULL: the default one) by its name there, or "last": the one thrown away last. */
int run_trash_find(struct run_folder *folder, const char *parent, const char *name, struct error *err);

/* Removes it for good, be it in the trash or not. It vanishes from lists at once, then its files go. */
int run_purge(const struct run_folder *folder, struct error *err);

#endif
