/* What the Layers screen shows as a file in the current folder: a figure for a report, CSV or JSON. */
#ifndef DAVIDNET_TUI_LAYERS_EXPORT_H
#define DAVIDNET_TUI_LAYERS_EXPORT_H

struct app;

/* Asks in which format; the screen's model must be ready. */
void layers_export_ask(struct app *app);

#endif
