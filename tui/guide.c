#include "tui/guide.h"

#include "engine/files.h"
#include "tui/app_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void do_help(struct app *app)
{
    app->over = APP_HELP;
    app->help_top = 0;
}

static void do_quit(struct app *app)
{
    app->over = APP_SCREEN;
    app_key(app, 'q');
}

static const struct binding guide_keys[] = {
    {"Enter", "Esc", NULL, "Begin", NULL, NULL, app_close_dialog},
    {"?", NULL, NULL, "All keys of this screen", NULL, NULL, do_help},
    {":", NULL, NULL, "All commands, found by typing; :guide shows this again", NULL, NULL, app_open_menu},
    {"q", NULL, NULL, "Quit: what is done is saved", NULL, NULL, do_quit},
    {0},
};

static const struct dialog guide = {"Welcome to davidnet",
                                    "Keys 1, 2, 3 ... are the screens; the mouse works too.\n"
                                    "Here small image classifiers are trained, and it is shown why they learn so fast. "
                                    "Every run is kept.",
                                    guide_keys};

void guide_show(struct app *app)
{
    app_ask(app, &guide);
}

/* The folder; -1: there is no home. */
static int state_folder(char *out, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int length = state && *state == '/' ? snprintf(out, size, "%s/davidnet", state)
                 : home && *home        ? snprintf(out, size, "%s/.local/state/davidnet", home)
                                        : -1;
    return length < 0 || (size_t)length >= size ? -1 : 0;
}

void guide_show_once(struct app *app)
{
    char folder[1024], path[1100];
    struct error err;
    if (state_folder(folder, sizeof folder) || folder_make(folder, &err))
        return;
    snprintf(path, sizeof path, "%s/guide-seen", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    close(fd);
    guide_show(app);
}
