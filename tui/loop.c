/*
 * One thread, one poll. It sleeps until a key, a signal, a byte from the engine, or the next moment something can
 * have changed: one frame later while a run is training or a fetch goes on (their progress is polled, so that the
 * engine need not wake us at each step), one second otherwise (for a size whose SIGWINCH got lost on the way). A
 * frame is drawn only when something changed, and not earlier than `delay` after the last one; a key's answer is
 * drawn at once.
 */
#include "tui/loop.h"

#include "tui/keys.h"
#include "tui/noise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IDLE_MS 1000
#define KEYS_AT_ONCE 256 /* before a frame is drawn again */

double loop_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct loop {
    struct app *app;
    struct grid grid;
    double drawn_at;
    int code; /* what the program exits with */
    int lost; /* no terminal any more */
};

/* The engine pauses between two steps, so that the time away counts in no clock; then the process stops. */
static void suspend(struct loop *loop)
{
    struct app *app = loop->app;
    int pausing = app_training(app) && !app->paused;
    if (pausing) {
        app->source.ops->pause(app->source.self, 1);
        for (double give_up = loop_seconds() + 5; loop_seconds() < give_up && !app_idle(app);) {
            app_update(app);
            if (app->model.status.phase == TRAINER_PAUSED)
                break;
            poll(NULL, 0, 20);
        }
    }
    term_suspend();
    if (pausing)
        app->source.ops->pause(app->source.self, 0);
    app->dirty = 1;
}

static void take_events(struct loop *loop)
{
    unsigned events = term_events();
    if (events & TERM_INTERRUPT)
        app_interrupt(loop->app);
    if (events & TERM_TERMINATE) {
        loop->code = 128 + SIGTERM;
        app_leave(loop->app);
    }
    if (events & TERM_HANGUP)
        loop->lost = 1;
    if (events & TERM_RESIZED)
        loop->app->dirty = 1;
    if (events & TERM_CONTINUED && !loop->lost) {
        term_resume();
        loop->app->dirty = 1;
    }
    if (events & TERM_SUSPEND && !loop->lost)
        suspend(loop);
}

static void take_keys(struct loop *loop)
{
    for (int i = 0; i < KEYS_AT_ONCE; i++) {
        int key = term_key();
        if (key == KEYS_NONE)
            return;
        if (key < 0) {
            loop->lost = 1;
            return;
        }
        app_key(loop->app, key);
        loop->drawn_at = 0;
    }
}

static int take_size(struct loop *loop)
{
    int w, h;
    term_size(&w, &h);
    if (w == loop->grid.w && h == loop->grid.h)
        return 0;
    loop->app->dirty = 1;
    loop->app->w = w;
    loop->app->h = h;
    return grid_resize(&loop->grid, w, h);
}

/* What libraries write to stderr belongs to the run that is trained here, and is told in the footer. */
static void take_noise(struct app *app)
{
    char line[160];
    if (app_training(app))
        noise_follow(app->model.status.path);
    if (noise_next(line, sizeof line))
        app_say(app, "stderr: %s", line);
}

static int draw(struct loop *loop)
{
    struct app *app = loop->app;
    if (app->redraw)
        term_forget();
    app->redraw = app->dirty = 0;
    app_draw(app, &loop->grid);
    loop->drawn_at = loop_seconds();
    int shown = term_show(&loop->grid);
    if (shown > 0)
        app->dirty = 1;
    return shown < 0 ? -1 : 0;
}

/* Sleeps; notices a terminal that went away. */
static void wait_for_something(struct loop *loop)
{
    const struct app *app = loop->app;
    struct pollfd fds[3] = {{.fd = term_input_fd(), .events = POLLIN}, {.fd = term_signal_fd(), .events = POLLIN}};
    int n = 2, busy = !app_idle(app) || app->fetch || *app->said;
    double due = loop->drawn_at + app->delay_ms / 1000.0 - loop_seconds();
    int timeout = busy ? app->delay_ms : IDLE_MS;
    if (app->dirty)
        timeout = due > 0 ? (int)(due * 1000) + 1 : 0;
    if (app->source.ops && app->source.ops->wake_fd)
        fds[n++] = (struct pollfd){.fd = app->source.ops->wake_fd(app->source.self), .events = POLLIN};
    if (poll(fds, (nfds_t)n, timeout) <= 0)
        return;
    if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        loop->lost = 1;
    char bytes[64];
    if (n > 2 && fds[2].revents & POLLIN)
        while (read(fds[2].fd, bytes, sizeof bytes) > 0)
            continue;
}

/* Until the app quits. The run of a terminal that is lost is stopped and saved without being shown. */
static int run(struct loop *loop)
{
    struct app *app = loop->app;
    while (!app->quit) {
        app->now = loop_seconds();
        app_update(app);
        take_noise(app);
        if (!loop->lost) {
            if (take_size(loop))
                return -1;
            if (app->dirty && app->now - loop->drawn_at >= app->delay_ms / 1000.0 && draw(loop))
                return -1;
        }
        if (app->quit)
            break;
        if (loop->lost) {
            if (!app->leaving)
                loop->code = 128 + SIGHUP;
            app_leave(app);
            poll(NULL, 0, 50);
            continue;
        }
        wait_for_something(loop);
        take_events(loop);
        if (!loop->lost)
            take_keys(loop);
    }
    return 0;
}

int loop_run(struct app *app, const struct term_options *options, double delay, struct error *err)
{
    struct loop loop = {.app = app};
    if (term_open(options, err))
        return -1;
    app->delay_ms = delay > 0 ? (int)(delay * 1000) : 100;
    int status = grid_init(&loop.grid, 0, 0);
    loop.grid.ascii = term_ascii();
    if (status == 0)
        status = run(&loop);
    term_close(); /* a terminal that is gone takes no harm */
    grid_release(&loop.grid);
    if (status)
        return error_set(err, "out of memory for a screen of %d x %d cells", loop.grid.w, loop.grid.h);
    return loop.code;
}
