/* The Samples screen: its keys, and where its images come from. What it looks like is views/samples_view.c. */
#include "tui/app.h"
#include "tui/free_path.h"
#include "views/samples_view.h"
#include "views/sheet.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Between two batches when it follows the training: nobody looks at one faster, and every cell of a picture has to go
 * over the terminal's line.
 */
#define FOLLOW_SECONDS 20
#define SHEET_IMAGES 48 /* at most; what is said and written on it names them */

/* ---- where the images come from ---- */

/* The source may have been closed, and its data set with it: then nothing of the model may be touched. */
static int is_current(const struct app *app)
{
    return app->samples.run == app->run_number;
}

static int is_ready(const struct app *app)
{
    return is_current(app) && app->samples.model.state == SAMPLES_READY;
}

static int is_live(const struct app *app)
{
    return is_ready(app) && app->samples.model.live;
}

static void fail(struct app *app, const char *why)
{
    struct samples_model *model = &app->samples.model;
    samples_model_clear(model);
    model->state = SAMPLES_BAD;
    snprintf(model->problem, sizeof model->problem, "%s", why);
    app->dirty = 1;
}

static void forget(struct app *app)
{
    samples_model_clear(&app->samples.model);
    app->samples.model.frozen = 0; /* it was that run's batch */
    app->samples.run = app->run_number;
    app->dirty = 1;
}

/* The data set of a run that is not looked at any more, once waiting for its thread takes no time. */
static void drop_old_job(struct app *app)
{
    struct error err;
    if (!app->samples.job || app->samples.job_run == app->run_number ||
        data_job_state(app->samples.job, &err) == DATA_JOB_LOADING)
        return;
    data_job_free(app->samples.job);
    app->samples.job = NULL;
}

/* The trainer's own data set, or that of the folder, which a thread loads once. NULL: not yet, or never (BAD). */
static const struct dataset *find_data(struct app *app)
{
    const struct run_source *source = &app->source;
    const struct trainer_status *status = &app->model.status;
    struct samples_model *model = &app->samples.model;
    struct error err = {""};
    if (source->ops->dataset) {
        const struct dataset *dataset = source->ops->dataset(source->self);
        if (!dataset && trainer_ended(status->phase))
            fail(app, status->error[0] ? status->error : "the run ended before its data set was loaded");
        return dataset;
    }
    if (!app->samples.job) {
        app->samples.job = data_job_start(status->path, source->recipe->eval, &err);
        app->samples.job_run = app->run_number;
        if (!app->samples.job)
            fail(app, err.text);
        return NULL;
    }
    if (app->samples.job_run != app->run_number)
        return NULL; /* one at a time */
    enum data_job_state state = data_job_state(app->samples.job, &err);
    if (state == DATA_JOB_FAILED && model->state != SAMPLES_BAD)
        fail(app, err.text);
    return state == DATA_JOB_OK ? data_job_dataset(app->samples.job) : NULL;
}

static void open_model(struct app *app)
{
    struct samples_model *model = &app->samples.model;
    struct error err = {""};
    if (model->state != SAMPLES_BAD)
        model->state = SAMPLES_LOADING;
    const struct dataset *dataset = model->state == SAMPLES_BAD ? NULL : find_data(app);
    if (!dataset)
        return;
    if (samples_model_open(model, app->source.recipe, dataset, &err))
        fail(app, err.text);
    app->samples.next_at = app->now;
    app->dirty = 1;
}

/* ---- which batch ---- */

static void show_newest(struct app *app)
{
    struct samples_model *model = &app->samples.model;
    samples_model_show(model, model->training);
    app->samples.next_at = app->now + FOLLOW_SECONDS;
    app->dirty = 1;
}

/* Steps are counted from 0: the one after those that are done is being trained, unless there is no next one. */
static void follow(struct app *app)
{
    struct samples_model *model = &app->samples.model;
    const struct trainer_status *status = &app->model.status;
    int live = !trainer_ended(status->phase), next_in = 0;
    uint32_t training = live ? status->step : status->step > 0 ? status->step - 1 : 0;
    if (training >= model->batches.steps)
        training = model->batches.steps - 1;
    if (training != model->training || live != model->live)
        app->dirty = 1;
    int fresh = model->step != training && app->now >= app->samples.next_at;
    model->training = training;
    model->live = live;
    if (!model->frozen && fresh)
        show_newest(app);
    else if (!model->frozen && live && model->step != training)
        next_in = (int)ceil(app->samples.next_at - app->now);
    if (next_in != model->next_in)
        app->dirty = 1;
    model->next_in = next_in;
}

static void update(struct app *app)
{
    if (!is_current(app))
        forget(app);
    drop_old_job(app);
    if (!app->source.ops)
        return;
    if (app->samples.model.state != SAMPLES_READY)
        open_model(app);
    if (app->samples.model.state == SAMPLES_READY)
        follow(app);
}

static void draw(const struct app *app, struct grid *grid, struct rect area)
{
    static const struct samples_model none = {.state = SAMPLES_LOADING};
    samples_view_draw(is_current(app) ? &app->samples.model : &none, grid, area);
}

static void release(struct app *app)
{
    samples_model_release(&app->samples.model);
    data_job_free(app->samples.job);
    app->samples.job = NULL;
}

/* ---- keys ---- */

static void arrange(const struct app *app, struct samples_layout *layout)
{
    samples_layout_make(&app->samples.model, app_area(app), layout);
}

static void move(struct app *app, int tiles, int rows, int pages)
{
    struct samples_layout layout;
    arrange(app, &layout);
    samples_model_move(&app->samples.model, tiles + rows * layout.columns + pages * layout.columns * layout.rows);
}

static void do_left(struct app *app)
{
    move(app, -1, 0, 0);
}

static void do_right(struct app *app)
{
    move(app, 1, 0, 0);
}

static void do_up(struct app *app)
{
    move(app, 0, -1, 0);
}

static void do_down(struct app *app)
{
    move(app, 0, 1, 0);
}

static void do_page_up(struct app *app)
{
    move(app, 0, 0, -1);
}

static void do_page_down(struct app *app)
{
    move(app, 0, 0, 1);
}

static void do_first(struct app *app)
{
    samples_model_move(&app->samples.model, -app->samples.model.batch.n);
}

static void do_last(struct app *app)
{
    samples_model_move(&app->samples.model, app->samples.model.batch.n);
}

/* Stepping through batches stops following. */
static void step_to(struct app *app, int64_t step)
{
    struct samples_model *model = &app->samples.model;
    int64_t last = (int64_t)model->batches.steps - 1;
    model->frozen = 1;
    samples_model_show(model, (uint32_t)(step < 0 ? 0 : step > last ? last : step));
}

static void do_previous(struct app *app)
{
    step_to(app, (int64_t)app->samples.model.step - 1);
}

static void do_next(struct app *app)
{
    step_to(app, (int64_t)app->samples.model.step + 1);
}

static void do_previous_epoch(struct app *app)
{
    step_to(app, (int64_t)app->samples.model.step - app->samples.model.batches.steps_per_epoch);
}

static void do_next_epoch(struct app *app)
{
    step_to(app, (int64_t)app->samples.model.step + app->samples.model.batches.steps_per_epoch);
}

static const char *follow_label(const struct app *app)
{
    return app->samples.model.frozen ? "follow" : "freeze";
}

static void do_follow(struct app *app)
{
    struct samples_model *model = &app->samples.model;
    model->frozen = !model->frozen;
    if (!model->frozen)
        show_newest(app);
    app_say(app, model->frozen ? "this batch stays" : "a new batch every %d s while it trains", FOLLOW_SECONDS);
}

static void do_newest(struct app *app)
{
    show_newest(app);
}

static void do_zoom(struct app *app)
{
    struct samples_model *model = &app->samples.model;
    model->zoom = (model->zoom + 1) % (SAMPLES_SIZES + 1);
    if (model->zoom)
        app_say(app, "pictures of %d pixels", samples_sizes[model->zoom - 1]);
    else
        app_say(app, "pictures as large as a dozen fit");
}

/* The images from the first that is shown on, as 'davidnet samples' would draw them, into the current folder. */
static void do_export(struct app *app)
{
    const struct samples_model *model = &app->samples.model;
    const struct batches *batches = &model->batches;
    struct samples_layout layout;
    char stem[240], path[300], folder[600], title[1024], subtitle[1024], done[256];
    struct error err = {""};
    const char *source = model->dataset->source, *slash = strrchr(source, '/');
    uint32_t epoch = model->step / batches->steps_per_epoch, batch = model->step % batches->steps_per_epoch;
    arrange(app, &layout);
    int first = samples_view_first(model, &layout), count = model->batch.n - first;
    count = count > SHEET_IMAGES ? SHEET_IMAGES : count;
    sheet_describe_options(&batches->options, model->batch.height, model->batch.width, done, sizeof done);
    /* A sheet that is there already stays: it may be of other images of that batch. */
    snprintf(stem, sizeof stem, "samples-%s-epoch%u-batch%u", app->model.status.run, epoch + 1, batch + 1);
    int named = free_path(stem, "png", path, sizeof path, &err) == 0;
    snprintf(title, sizeof title, "%s \u00b7 %s \u00b7 epoch %u, batch %u \u00b7 seed %" PRId64,
             slash && slash[1] ? slash + 1 : source, model->preset, epoch + 1, batch + 1, model->seed);
    snprintf(subtitle, sizeof subtitle, "Images %d to %d of the batch; left as stored, right as trained on: %s.",
             first + 1, first + count, done);
    struct sheet sheet = {.dataset = model->dataset,
                          .choices = model->batch.choices + first,
                          .count = count,
                          .height = model->batch.height,
                          .width = model->batch.width,
                          .title = title,
                          .subtitle = subtitle};
    free_path_folder(folder, sizeof folder);
    if (!named || sheet_save(&sheet, path, &err))
        app_say(app, "%s", err.text);
    else if (count < model->batch.n)
        app_say(app, "images %d to %d of %d are in %s, folder %s", first + 1, first + count, model->batch.n, path,
                folder);
    else
        app_say(app, "all %d images are in %s, folder %s", count, path, folder);
}

static const char *why(const struct app *app, const char *key)
{
    enum samples_state state = is_current(app) ? app->samples.model.state : SAMPLES_NO_RUN;
    switch (state) {
    case SAMPLES_NO_RUN:
        return "there is no run whose images could be shown";
    case SAMPLES_LOADING:
        return "the data set is being loaded";
    case SAMPLES_BAD:
        return "there are no images";
    default:
        return strcmp(key, "f") == 0 || strcmp(key, "Space") == 0
                   ? "this run is not training: [ and ] go through its batches"
                   : NULL;
    }
}

static const struct binding samples_keys[] = {
    {"f", NULL, "freeze", "Follow the training, or keep this batch", is_live, follow_label, do_follow},
    {"[", NULL, "back", "The batch before", is_ready, NULL, do_previous},
    {"]", NULL, "next", "The batch after", is_ready, NULL, do_next},
    {"Space", NULL, NULL, "The batch that is being trained on now", is_live, NULL, do_newest},
    {"e", NULL, "export", "A PNG of up to 48 images from the first one shown on, with what was done to each", is_ready,
     NULL, do_export},
    {"z", NULL, "size", "Size of the pictures", is_ready, NULL, do_zoom},
    {"{", NULL, NULL, "The same batch of the epoch before", is_ready, NULL, do_previous_epoch},
    {"}", NULL, NULL, "The same batch of the epoch after", is_ready, NULL, do_next_epoch},
    {"Left", "h", NULL, "Image before", is_ready, NULL, do_left},
    {"Right", "l", NULL, "Image after", is_ready, NULL, do_right},
    {"Up", "k", NULL, "Image above", is_ready, NULL, do_up},
    {"Down", "j", NULL, "Image below", is_ready, NULL, do_down},
    {"PgUp", NULL, NULL, "A page back", is_ready, NULL, do_page_up},
    {"PgDn", NULL, NULL, "A page on", is_ready, NULL, do_page_down},
    {"Home", "g", NULL, "First image of the batch", is_ready, NULL, do_first},
    {"End", "G", NULL, "Last image of the batch", is_ready, NULL, do_last},
    {0},
};

static void mouse(struct app *app, const struct mouse *event, struct rect area)
{
    struct samples_model *model = &app->samples.model;
    if (!is_ready(app))
        return;
    if (event->what != MOUSE_PRESS) {
        move(app, 0, 0, event->what == MOUSE_WHEEL_UP ? -1 : 1);
        return;
    }
    int place = samples_view_place_at(model, area, event->x, event->y);
    if (place >= 0)
        samples_model_move(model, place - model->cursor);
}

const struct screen screen_samples = {
    .title = "Samples",
    .intro = "The images of a batch as the network is shown them: cropped, mirrored, cut, before they are normalised. "
             "They are made again here from the recipe's seeds, by the same lines that make them for training. Beside "
             "them the one under the cursor, with what was done to it, and as it is stored.",
    .keys = samples_keys,
    .why = why,
    .draw = draw,
    .enter = update,
    .update = update,
    .mouse = mouse,
    .release = release,
};
