/*
 * The workbench: screens over one run. What a key does, the footer, the help screen, the menu of commands and the
 * dialogs' answers are rows of binding tables; a screen is a row of the screen table (app_screens in tui/app.c) with a
 * file of its own, tui/screen_NAME.c. The app knows no terminal: it draws into a grid and takes keys, from tui/loop.c
 * (a terminal) or tui/script.c (a file).
 */
#ifndef DAVIDNET_TUI_APP_H
#define DAVIDNET_TUI_APP_H

#include "tui/campaign_ask.h"
#include "tui/campaign_job.h"
#include "tui/clipboard.h"
#include "tui/data_job.h"
#include "tui/fetch_job.h"
#include "tui/keys.h"
#include "tui/run_source.h"
#include "tui/runs_watch.h"
#include "views/compare_model.h"
#include "views/frame.h"
#include "views/ladder_model.h"
#include "views/layers_model.h"
#include "views/run_model.h"
#include "views/runs_model.h"
#include "views/samples_model.h"
#include "views/tricks_model.h"

struct app;

/* A key and what it does. A table ends with a row whose key is NULL. */
struct binding {
    const char *key;                         /* name (tui/keys.h); "": only in the menu of commands */
    const char *also;                        /* (optional) another key for the same */
    const char *label;                       /* (optional) in the footer, where there is room */
    const char *help;                        /* a sentence */
    int (*enabled)(const struct app *app);   /* (optional) whether it does anything now */
    const char *(*name)(const struct app *); /* (optional) the label now, instead of `label` */
    void (*act)(struct app *app);
};

struct screen {
    const char *title, *intro; /* of the tab; over the help */
    const struct binding *keys;
    void (*draw)(const struct app *app, struct grid *grid, struct rect area);
    void (*enter)(struct app *app);         /* (optional) it becomes the current one */
    void (*update)(struct app *app);        /* (optional) brings its model up to date, before a frame and only while
                                               it is the current one; sets app->dirty where something changed */
    int (*typed)(struct app *app, int key); /* (optional) text entry: sees a key before the tables do, and what is
                                               pasted; 1: taken */
    int (*typing)(const struct app *app);   /* (optional) whether letters are text now, and so no keys */
    const char *(*why)(const struct app *app, const char *key); /* (optional) why a key of the table does nothing now;
                                                                   NULL: nothing to be said */
    void (*mouse)(struct app *app, const struct mouse *event, struct rect area); /* (optional) area: as drawn into */
    void (*release)(struct app *app);                                            /* (optional) of its model */
};

/* A question over the screen. Esc always closes it. */
struct dialog {
    const char *title, *text;
    const struct binding *keys;
};

enum app_over { APP_SCREEN, APP_HELP, APP_DIALOG, APP_MENU };

/* When the run in app->queued starts. */
enum app_queue {
    APP_QUEUE_NONE,  /* there is none */
    APP_QUEUE_STOPS, /* the run that trains was asked to stop for it */
    APP_QUEUE_AFTER  /* when the run that trains has ended */
};

struct app {
    struct run_source source;
    unsigned run_number; /* another one whenever the source is closed: what was borrowed from it is gone */
    struct run_model model;
    struct tricks_model tricks;
    struct runs_model runs;
    struct runs_watch watch;
    char trashed[RUN_PATH_MAX];     /* the run that was thrown away last, where it is now; empty: none */
    char resumed[RUN_PATH_MAX];     /* the run that is gone on with; options point at it */
    struct trainer_options options; /* to start the next run with; only if can_start */
    int can_start;
    struct trainer_options queued; /* the next run; only if queue */
    enum app_queue queue;
    int screen; /* in app_screens */
    enum app_over over;
    const struct dialog *dialog;
    int (*dialog_typed)(struct app *app, int key); /* (optional) sees a key before the dialog's table; 1: taken */
    char asked[1024];                              /* its text, and what follows from what is so now */
    int help_top;                                  /* the first row of the help that is shown */
    struct line_edit menu_text;
    int menu_at; /* of the rows that match */
    struct compare_model compare;
    struct ladder_model ladder;
    unsigned compare_generation, ladder_generation; /* of the runs that they were made from; 0: not yet */
    struct campaign_job campaign;
    struct campaign_ask campaign_ask;
    struct layers_model layers;
    uint64_t layers_version;          /* of the times that it was made from */
    unsigned layers_run;              /* and the run_number */
    double layers_next;               /* they are read again then */
    char layers_second[RUN_PATH_MAX]; /* folder of the run beside it */
    int layers_asked;                 /* the next one is wanted as soon as the runs are read */
    struct {
        struct samples_model model;
        struct data_job *job; /* loads the data set of a folder; NULL: none */
        unsigned job_run;     /* the run_number that it is for */
        unsigned run;         /* the run_number that the model is of */
        double next_at;       /* the next batch is taken then */
    } samples;
    struct fetch_job *fetch;
    char fetched[512]; /* the data set's folder, once it is there */
    int has_data;      /* CIFAR-10 was there already as the run was taken: synthetic images were asked for */
    char said[256];    /* what the last key led to; shown for some seconds */
    double said_at;    /* from the update on that comes after it; NaN: none has yet */
    char copy[CLIPBOARD_TEXT_MAX + 1]; /* for the clipboard, taken by the loop; empty: nothing */
    char copied[64];                   /* what that is, told when it has been sent */
    int mouse;                         /* the terminal tells us what it does */
    int w, h;                          /* of the grid, set by whoever owns it */
    double now;                        /* seconds, set by whoever calls app_update */
    int paused;                        /* the user asked for it */
    int leaving;                       /* quit once the run has ended */
    int quit;                          /* leave the loop */
    int dirty;                         /* something to draw */
    int redraw;                        /* everything must be sent again (Ctrl-L) */
    int delay_ms;                      /* between frames */
};

/* source is taken over. options: NULL where no run can be started from here. */
void app_init(struct app *app, struct run_source source, const struct trainer_options *options);
void app_release(struct app *app); /* stops the run and waits for its end */

void app_key(struct app *app, int key);
/* A character of a pasted text: only text entry takes it. */
void app_paste(struct app *app, int key);
void app_mouse(struct app *app, const struct mouse *event);
/* Takes in what the run and the fetch did since; sets dirty. */
void app_update(struct app *app);
void app_draw(const struct app *app, struct grid *grid);
/* The run ended, or there is none. */
int app_idle(const struct app *app);
/* Asks the run to stop at the next step and sets quit when it has. */
void app_leave(struct app *app);
/* 1: leaving loses a recipe that was changed on the Tricks screen. */
int app_only_here(const struct app *app);
/* The terminal asked for Ctrl-C: a question first, and on the second time no more of them. */
void app_interrupt(struct app *app);

/* For the screens' files. */
void app_say(struct app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));
void app_ask(struct app *app, const struct dialog *dialog); /* without dialog_typed */
/* One more sentence of the dialog that was just opened. */
void app_ask_more(struct app *app, const char *sentence);
/* Into the clipboard of the terminal's user; what: "the command", for the message. */
void app_copy(struct app *app, const char *text, const char *what);
void app_close_dialog(struct app *app);
int app_training(const struct app *app); /* ours, and not ended */
void app_go(struct app *app, const struct screen *screen);
struct rect app_area(const struct app *app); /* what a screen is drawn into: for paging */
/* Asks the run to stop; a paused one goes on first, or it would never reach its epoch's end. */
void app_stop(struct app *app, enum trainer_stop how);
/*
 * Starts a run, only if can_start. The one that trains is asked to stop at its next step and the new one starts when
 * it has: nothing waits here. options is copied; its strings must live as long as the app. 0: it started, or will;
 * -1: it could not, and the reason was said.
 */
int app_start_run(struct app *app, const struct trainer_options *options);
/*
 * Goes on with a run that was stopped; only where nothing trains. As app_start_run; where it can not, what was shown of
 * it is again.
 */
int app_resume_run(struct app *app, const char *path);
/* As app_start_run, but the run that trains goes on to its end. One run can wait: another takes its place. */
int app_queue_run(struct app *app, const struct trainer_options *options);
void app_unqueue(struct app *app);
/*
 * There is no run any more; a trainer's must have ended, or this waits for it. Nothing else closes a source: with
 * run_number the screens forget what they had borrowed from it.
 */
void app_close_run(struct app *app);
/* Looks at a run's folder on the Run screen instead; -1 with err, and while a run of ours is training. */
int app_open_run(struct app *app, const char *run, struct error *err);

extern const struct screen screen_run, screen_layers, screen_samples, screen_tricks, screen_runs, screen_compare,
    screen_ladder;

#endif
