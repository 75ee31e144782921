/*
 * One thread, one poll. It sleeps until a key, a signal, a byte from the engine, or the next moment something can
 * have changed: one frame later while a run is training or a fetch goes on (their progress is polled, so that the
 * engine need not wake us at each step), one second otherwise (for a size whose SIGWINCH got lost on the way). A
 * frame is drawn only when something changed, when the terminal has taken the last one, and at most ten times a
 * second; a key's answer is drawn at once.
 */
#include "tui/loop.h"

#include "tui/keys.h"
#include "tui/noise.h"
#include "tui/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IDLE_MS 1000
#define KEYS_AT_ONCE 256 /* before a frame is drawn again */
#define PASTED_AT_ONCE 65536
#define WAITING_MS 50 /* while the terminal has not taken the last frame: its answer wakes us earlier */
#define FRAMES_MAX 3
#define DOUBLE_SECONDS 0.4
#define PAUSE_SECONDS 0.5 /* for a step to end, before we are suspended */

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
    double frames; /* that may be sent now, see draw_is_due */
    double rest_until;
    int answer;         /* a key waits for its frame */
    int partial;        /* the terminal has a part of the frame in grid */
    int keyed;          /* there was a key since that frame was drawn */
    struct mouse press; /* the last one, for double clicks */
    double pressed_at;
    int code; /* what the program exits with */
    int lost; /* no terminal any more */
};

/* What is sent in parts is one picture: numbers that move meanwhile would keep it from ever being whole. */
static int draw(struct loop *loop)
{
    struct app *app = loop->app;
    double before = loop_seconds();
    int answer = loop->answer, rest = loop->partial && !loop->keyed && !app->redraw;
    if (app->redraw)
        term_forget();
    app->redraw = loop->answer = loop->keyed = 0;
    app->dirty = rest; /* what has changed since it was drawn comes after it */
    if (!rest) {
        loop->grid.ascii = term_ascii();
        loop->grid.few_colors = term_depth() < 8;
        loop->grid.slow = term_slow();
        app_draw(app, &loop->grid);
    }
    int shown = term_show(&loop->grid, answer);
    loop->partial = shown > 0;
    loop->frames -= 1;
    loop->drawn_at = loop_seconds();
    loop->rest_until = loop->drawn_at + 3 * (loop->drawn_at - before); /* a slow terminal is not kept busy */
    if (shown > 0) { /* the rest of an answer is as urgent as its beginning */
        app->dirty = 1;
        loop->answer = answer;
    }
    return shown < 0 ? -1 : 0;
}

/* The engine is between two steps, or something else has come up, or the time is over. */
static void await_pause(struct loop *loop)
{
    struct app *app = loop->app;
    double end = loop_seconds() + PAUSE_SECONDS;
    while (loop_seconds() < end && !signals_waiting()) {
        app->now = loop_seconds();
        app_update(app);
        if (app_idle(app) || app->model.status.phase == TRAINER_PAUSED)
            return;
        poll(NULL, 0, 10);
    }
}

/*
 * The terminal goes back at once. The engine pauses between two steps, so that the time away counts in no clock; a
 * longer step is stopped in its middle, and its stopwatch leaves that time out (engine/stopwatch.h). job: Ctrl-Z was
 * typed, and whoever waits for us in our process group (make, sh) stops as well, or the shell that waits for it would
 * not know. Otherwise somebody has sent SIGTSTP: to us, and maybe to them.
 */
static void suspend(struct loop *loop, int job)
{
    struct app *app = loop->app;
    int pausing = app_training(app) && !app->paused;
    if (pausing)
        app->source.ops->pause(app->source.self, 1);
    term_hand_over();
    if (pausing && job)
        await_pause(loop);
    /* Whoever ends us need not continue us first. Continued already: our way out had stopped us, in the background. */
    unsigned waiting = signals_waiting();
    if (!(waiting & (SIGNALS_TERMINATE | SIGNALS_HANGUP)) && (job || !(waiting & SIGNALS_CONTINUED)))
        signals_stop(job);
    term_take_back();
    if (pausing)
        app->source.ops->pause(app->source.self, 0);
    app->dirty = 1;
}

static void take_events(struct loop *loop)
{
    unsigned events = signals_take();
    if (events & SIGNALS_INTERRUPT)
        app_interrupt(loop->app);
    if (events & SIGNALS_TERMINATE) {
        loop->code = 128 + SIGTERM;
        app_leave(loop->app);
    }
    if (events & SIGNALS_HANGUP)
        loop->lost = 1;
    if (events & SIGNALS_RESIZED)
        loop->app->dirty = 1;
    if (events & SIGNALS_CONTINUED && !loop->lost) {
        term_resume();
        loop->app->dirty = 1;
    }
    if (events & SIGNALS_SUSPEND && !loop->lost)
        suspend(loop, 0);
}

static void take_mouse(struct loop *loop, struct mouse *mouse)
{
    int again = mouse->x == loop->press.x && mouse->y == loop->press.y;
    if (mouse->what == MOUSE_PRESS) {
        mouse->twice = again && loop->app->now - loop->pressed_at < DOUBLE_SECONDS && !loop->press.twice;
        loop->press = *mouse;
        loop->pressed_at = loop->app->now;
    }
    app_mouse(loop->app, mouse);
}

static void take_input(struct loop *loop)
{
    struct mouse mouse;
    int key;
    term_tick(loop_seconds()); /* it has slept: an answer is timed by when it comes */
    for (int i = 0; i < KEYS_AT_ONCE || (term_pasting() && i < PASTED_AT_ONCE); i++) {
        switch (term_read(&key, &mouse)) {
        case TERM_NOTHING:
            return;
        case TERM_LOST:
            loop->lost = 1;
            return;
        case TERM_PASTED:
            app_paste(loop->app, key);
            continue;
        case TERM_KEY:
            if (key == KEYS_CTRL('Z')) {
                suspend(loop, 1);
                return;
            }
            if (key == KEYS_CTRL('C'))
                app_interrupt(loop->app);
            else
                app_key(loop->app, key);
            break;
        case TERM_MOUSE:
            take_mouse(loop, &mouse);
            break;
        }
        loop->answer = loop->keyed = 1;
    }
}

static int take_size(struct loop *loop)
{
    int w, h;
    term_size(&w, &h);
    if (w == loop->grid.w && h == loop->grid.h)
        return 0;
    loop->app->dirty = 1;
    loop->partial = 0;
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

/* What the app wants of the terminal besides a picture. */
static void take_wishes(struct app *app)
{
    term_mouse(app->mouse);
    if (!*app->copy)
        return;
    switch (term_copy(app->copy)) {
    case TERM_COPY_LATER:
        return;
    case TERM_COPY_SENT:
        app_say(app, "sent to the terminal's clipboard: %s", app->copied);
        break;
    case TERM_COPY_UNKNOWN:
        app_say(app, "this terminal is not known to take a copy: %s", app->copy);
        break;
    case TERM_COPY_LONG:
        app_say(app, "too long for the clipboard: %zu characters", strlen(app->copy));
        break;
    }
    app->copy[0] = '\0';
}

/* Fewer on request are the run's own: keys are answered all the same. */
static double frames_a_second(const struct app *app)
{
    return app->delay_ms < 100 ? 1000.0 / app->delay_ms : 10;
}

/*
 * Frames are earned over time, ten a second, and FRAMES_MAX can be saved up. The run's own take them only `delay`
 * apart and leave one, so that a key is answered at once, and a key that is held down gets ten frames a second too.
 * Seconds until the next frame; 0: now.
 */
static double draw_is_due(struct loop *loop)
{
    double now = loop->app->now, delay = loop->app->delay_ms / 1000.0;
    double needed = loop->answer ? 1 : 2;
    double due = needed > loop->frames ? (needed - loop->frames) / frames_a_second(loop->app) : 0;
    if (term_rest() > delay)
        delay = term_rest();
    if (!loop->answer && loop->drawn_at + delay - now > due)
        due = loop->drawn_at + delay - now;
    if (loop->rest_until - now > due)
        due = loop->rest_until - now;
    return due;
}

/* What is due. Where nothing is, and no key waits, the line has time to tell how fast it is. */
static int show(struct loop *loop)
{
    struct app *app = loop->app;
    if (loop->grid.slow != term_slow()) /* it is drawn in another way now */
        app->dirty = 1;
    if (app->dirty && term_ready() && draw_is_due(loop) <= 0)
        return draw(loop);
    if (!loop->answer && !loop->partial)
        term_probe();
    return 0;
}

/* Sleeps; notices a terminal that went away. */
static void wait_for_something(struct loop *loop)
{
    const struct app *app = loop->app;
    struct pollfd fds[4] = {{.fd = term_input_fd(), .events = POLLIN}, {.fd = signals_fd(), .events = POLLIN}};
    int n = 2, busy = !app_idle(app) || app->fetch || *app->said || term_pasting() || runs_watch_reading(app);
    int timeout = busy ? app->delay_ms : IDLE_MS;
    if (term_unread())
        timeout = 0;
    else if (app->dirty) {
        double due = draw_is_due(loop) * 1000 + 1;
        timeout = !term_ready() ? WAITING_MS : due < timeout ? (int)due : timeout;
    }
    if (app->source.ops && app->source.ops->wake_fd)
        fds[n++] = (struct pollfd){.fd = app->source.ops->wake_fd(app->source.self), .events = POLLIN};
    int wake = n > 2;
    if (term_output_fd() >= 0)
        fds[n++] = (struct pollfd){.fd = term_output_fd(), .events = POLLOUT};
    if (poll(fds, (nfds_t)n, timeout) <= 0)
        return;
    if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        loop->lost = 1;
    char bytes[64];
    if (wake && fds[2].revents & POLLIN)
        while (read(fds[2].fd, bytes, sizeof bytes) > 0)
            continue;
}

static void earn_frames(struct loop *loop, double now)
{
    loop->frames += (now - loop->app->now) * frames_a_second(loop->app);
    if (loop->frames > FRAMES_MAX)
        loop->frames = FRAMES_MAX;
    loop->app->now = now;
    term_tick(now);
}

/* Until the app quits. The run of a terminal that is lost is stopped and saved without being shown. */
static int run(struct loop *loop)
{
    struct app *app = loop->app;
    while (!app->quit) {
        earn_frames(loop, loop_seconds());
        app_update(app);
        take_noise(app);
        if (!loop->lost) {
            term_ready(); /* what waits for the terminal goes on its way */
            take_wishes(app);
            if (take_size(loop) || show(loop))
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
            take_input(loop);
    }
    return 0;
}

int loop_run(struct app *app, const struct term_options *options, double delay, struct error *err)
{
    struct loop loop = {.app = app};
    if (term_open(options, err))
        return -1;
    app->delay_ms = delay > 0 ? (int)(delay * 1000) : 100;
    app->mouse = !options->no_mouse;
    app->now = loop_seconds();
    loop.frames = FRAMES_MAX;
    loop.answer = 1; /* the first picture is waited for */
    int status = grid_init(&loop.grid, 0, 0);
    if (status == 0)
        status = run(&loop);
    term_close(); /* a terminal that is gone takes no harm */
    grid_release(&loop.grid);
    if (status)
        return error_set(err, "out of memory for a screen of %d x %d cells", loop.grid.w, loop.grid.h);
    return loop.code;
}
