/*
 * The frozen program, RUN/program.json: what ran where (davidnet's version, family, library, precision, threads, ISA,
 * data and its digest, implementation of each step), how long compiling it took, and of which recipe: "recipe" has the
 * knobs' values as text, and "network". A resume reuses exactly that or refuses and says what differs, so results are
 * reproducible. What runs at another size than the images' own (progressive_size) is kept beside it, as
 * program-24x24.json.
 */
#ifndef DAVIDNET_ENGINE_FROZEN_H
#define DAVIDNET_ENGINE_FROZEN_H

#include "engine/run_folder.h"
#include "engine/session.h"

/* recipe: RUN/recipe.ini's, which the session's was made from; NULL in files of other sizes. */
int frozen_write(const struct session *session, const struct run_folder *folder, const struct recipe *recipe,
                 struct error *err);

/*
 * -1 where RUN/recipe.ini, which recipe is read from, was changed after the run began, with the key: half a run of one
 * recipe and half of another would be no run of either. How a run is looked after (section "run") and the place of its
 * data may change; that the data is the same, frozen_check sees. Nothing is known to differ of a run that was killed
 * before it compiled, or whose program.json is from before it told the recipe.
 */
int frozen_check_recipe(const struct run_folder *folder, const struct recipe *recipe, struct error *err);

/* Puts the stored device, precision and threads into the recipe, so that compiling gives the same program; and the
 * place of the data, where the recipe's is still that of before. */
int frozen_apply(const struct run_folder *folder, struct recipe *recipe, struct error *err);

/* What it was trained on: the SOURCE and the digest of all its records (struct dataset). */
int frozen_data(const struct run_folder *folder, char source[512], char sha256[65], struct error *err);

/* The session's compile_seconds and search_seconds, of the run's first sitting; NaN when they were not kept. */
void frozen_compile_seconds(const struct run_folder *folder, double *compile, double *search);

/* Says where the data is now, should it have been moved; nothing else is changed. */
int frozen_move_data(const struct run_folder *folder, const char *source, struct error *err);

/* Of the size in use: writes it when there is none yet, and checks it otherwise. */
int frozen_keep(const struct session *session, const struct run_folder *folder, struct error *err);

/* 0 if the compiled session is what was stored; -1 naming the first difference. */
int frozen_check(const struct session *session, const struct run_folder *folder, struct error *err);

#endif
