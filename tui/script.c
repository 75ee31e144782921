#include "tui/script.h"

#include "tui/keys.h"
#include "tui/loop.h"
#include "tui/stop_signal.h"
#include "views/grid_png.h"
#include "views/utf8.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script {
    struct app *app;
    struct grid grid;
    int depth;
    const char *file;
    int line;
};

static int ends_with(const char *text, const char *tail)
{
    size_t length = strlen(text), tail_length = strlen(tail);
    return length > tail_length && strcmp(text + length - tail_length, tail) == 0;
}

int script_check_dump(const char *path, struct error *err)
{
    if (!ends_with(path, ".txt") && !ends_with(path, ".ans") && !ends_with(path, ".png"))
        return error_set(err, "%s: a dump's name ends with .txt, .ans or .png", path);
    return 0;
}

int script_dump(const struct grid *grid, int depth, const char *path, struct error *err)
{
    if (script_check_dump(path, err))
        return -1;
    if (ends_with(path, ".png"))
        return grid_png_write(grid, depth, 20, path, err);
    char *text = ends_with(path, ".ans") ? grid_ansi(grid, depth) : grid_text(grid);
    FILE *out = text ? fopen(path, "wb") : NULL;
    int bad = !out || fputs(text, out) < 0;
    if (out && fclose(out) != 0)
        bad = 1;
    free(text);
    return bad ? error_set(err, "%s: cannot write it: %s", path, strerror(errno)) : 0;
}

static void tick(struct script *script)
{
    script->app->now = loop_seconds();
    script->app->w = script->grid.w;
    script->app->h = script->grid.h;
    app_update(script->app);
}

static int dump(struct script *script, const char *path, struct error *err)
{
    tick(script);
    app_draw(script->app, &script->grid);
    return script_dump(&script->grid, script->depth, path, err);
}

/* 1: reached; a run that has ended has reached everything it will. */
static int reached(const struct app *app, const char *what, double number)
{
    const struct trainer_status *status = &app->model.status;
    if (strcmp(what, "fetched") == 0)
        return !app->fetch;
    if (strcmp(what, "runs") == 0)
        return !runs_watch_reading(app);
    if (strcmp(what, "images") == 0)
        return app->samples.model.state != SAMPLES_LOADING;
    if (app_idle(app))
        return 1;
    if (strcmp(what, "step") == 0)
        return status->step >= number;
    if (strcmp(what, "epoch") == 0)
        return (double)app->model.n_epochs >= number;
    return 0;
}

static int wait_until(struct script *script, const char *words, struct error *err)
{
    char what[16] = "", tail;
    double number = 0;
    int n = sscanf(words, "%15s %lf %c", what, &number, &tail);
    int counted = strcmp(what, "step") == 0 || strcmp(what, "epoch") == 0;
    int plain = strcmp(what, "end") == 0 || strcmp(what, "fetched") == 0 || strcmp(what, "runs") == 0 ||
                strcmp(what, "images") == 0;
    if (!(counted && n == 2) && !(plain && n == 1))
        return error_set(err, "%s:%d: ':until %s': expected step N, epoch N, end, fetched, runs or images",
                         script->file, script->line, words);
    for (tick(script); !reached(script->app, what, number) && !stop_signal_number(); tick(script))
        poll(NULL, 0, 20);
    return 0;
}

static void type(struct script *script, const char *text, void (*take)(struct app *app, int key))
{
    while (*text) {
        int32_t code;
        text += utf8_decode(text, &code);
        tick(script);
        take(script->app, code);
    }
}

/* 1: it was one. */
static int point(struct script *script, const char *text)
{
    struct mouse mouse = {.what = MOUSE_PRESS};
    char way[8], tail;
    if (sscanf(text, ":click %d %d%c", &mouse.x, &mouse.y, &tail) != 2) {
        if (sscanf(text, ":wheel %7s %d %d%c", way, &mouse.x, &mouse.y, &tail) != 3 ||
            (strcmp(way, "up") != 0 && strcmp(way, "down") != 0))
            return 0;
        mouse.what = *way == 'u' ? MOUSE_WHEEL_UP : MOUSE_WHEEL_DOWN;
    }
    tick(script);
    app_mouse(script->app, &mouse);
    return 1;
}

static int directive(struct script *script, char *text, struct error *err)
{
    int w, h;
    char tail;
    double seconds;
    if (strncmp(text, ":type ", 6) == 0) {
        type(script, text + 6, app_key);
        return 0;
    }
    if (strncmp(text, ":paste ", 7) == 0) {
        type(script, text + 7, app_paste);
        return 0;
    }
    if (point(script, text))
        return 0;
    if (sscanf(text, ":wait %lf%c", &seconds, &tail) == 1 && seconds >= 0 && seconds <= 3600) {
        for (double end = loop_seconds() + seconds; loop_seconds() < end && !stop_signal_number(); tick(script))
            poll(NULL, 0, 20);
        return 0;
    }
    if (strncmp(text, ":dump ", 6) == 0)
        return dump(script, text + 6, err);
    if (strncmp(text, ":until ", 7) == 0)
        return wait_until(script, text + 7, err);
    if (sscanf(text, ":size %dx%d%c", &w, &h, &tail) == 2 && w >= 0 && h >= 0 && w <= 1000 && h <= 1000)
        return grid_resize(&script->grid, w, h) ? error_set(err, "out of memory") : 0;
    return error_set(err,
                     "%s:%d: '%s': expected :size WxH, :dump FILE, :until ..., :wait SECONDS, :type TEXT, :paste TEXT, "
                     ":click X Y or :wheel up|down X Y",
                     script->file, script->line, text);
}

static int play(struct script *script, FILE *in, struct error *err)
{
    char line[1024];
    while (!script->app->quit && !stop_signal_number() && fgets(line, sizeof line, in)) {
        script->line++;
        line[strcspn(line, "\r\n")] = '\0';
        char *text = line + strspn(line, " \t");
        if (!*text || (*text == '#' && text[1] != '\0'))
            continue;
        if (*text == ':' && text[1] != '\0') {
            if (directive(script, text, err))
                return -1;
            continue;
        }
        int key = keys_parse(text);
        if (key == KEYS_NONE)
            return error_set(err, "%s:%d: '%s' is not a key; examples: p, Tab, Ctrl-L, F1, Space", script->file,
                             script->line, text);
        tick(script);
        app_key(script->app, key);
    }
    return 0;
}

FILE *script_open(const char *file, struct error *err)
{
    if (strcmp(file, "-") == 0)
        return stdin;
    FILE *in = fopen(file, "r");
    int first = in ? getc(in) : EOF; /* a folder can be opened, but not read */
    if (!in || (first == EOF && ferror(in))) {
        error_set(err, "%s: cannot read it: %s", file, strerror(errno));
        if (in)
            fclose(in);
        return NULL;
    }
    ungetc(first, in);
    return in;
}

int script_run(struct app *app, const struct script_options *options, struct error *err)
{
    struct script script = {.app = app, .depth = options->depth, .file = options->file};
    int status = 0;
    if (grid_init(&script.grid, options->w, options->h))
        return error_set(err, "out of memory");
    script.grid.ascii = options->ascii;
    script.grid.few_colors = options->depth < 8;
    tick(&script);
    if (options->in)
        status = play(&script, options->in, err);
    if (status == 0 && options->dump && !stop_signal_number())
        status = dump(&script, options->dump, err);
    grid_release(&script.grid);
    return status;
}
