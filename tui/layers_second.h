/*
 * The run beside this one on the Layers screen: the marked runs in turn, or where none is marked one that has a
 * timing.json: of its campaign's other side, else of this machine, else any, and of these the newest; then none again.
 * What cannot be compared is skipped, and named.
 */
#ifndef DAVIDNET_TUI_LAYERS_SECOND_H
#define DAVIDNET_TUI_LAYERS_SECOND_H

struct app;

void layers_second_next(struct app *app); /* only with times of this run */
const char *layers_second_label(const struct app *app);

/* What was asked for while the runs were being read. */
void layers_second_update(struct app *app);

#endif
