/*
 * What somebody sees who starts the workbench for the first time. That it has been seen is a file in the user's
 * state folder ($XDG_STATE_HOME/davidnet, else ~/.local/state/davidnet).
 */
#ifndef DAVIDNET_TUI_GUIDE_H
#define DAVIDNET_TUI_GUIDE_H

struct app;

void guide_show(struct app *app);
/* Shows it if it has never been shown; not where that could not be remembered. */
void guide_show_once(struct app *app);

#endif
