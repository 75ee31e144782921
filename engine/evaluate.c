#include "engine/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct view {
    int shift; /* pixels, down and to the right */
    int flip;
    double weight;
};

static const struct view plain_view[] = {{0, 0, 1}};
static const struct view flip_views[] = {{0, 0, 0.5}, {0, 1, 0.5}};
static const struct view shift_views[] = {{0, 0, 0.25},   {0, 1, 0.25},  {-1, 0, 0.125},
                                          {-1, 1, 0.125}, {1, 0, 0.125}, {1, 1, 0.125}};

/* The views of each kind, and how many of them judge how sure the network is. */
static const struct kind {
    const struct view *views;
    int count, plain;
} kinds[RECIPE_TTA_COUNT] = {
    [RECIPE_TTA_NONE] = {plain_view, 1, 1},
    [RECIPE_TTA_FLIP] = {flip_views, 2, 1},
    [RECIPE_TTA_SHIFT] = {shift_views, 6, 2},
};

struct evaluation {
    struct session *session;
    const struct images *images;
    const char *row; /* whose output the logits are */
    size_t classes;
    uint32_t *order; /* images that are looked at next */
    double *sum;     /* [images][classes]: of weight * logits */
    float *logits;   /* [max_batch][classes]: of one view */
    int (*stop)(void *);
    void *context;
    struct step_result seen; /* of all views together; only bad_row matters */
};

int evaluate_views(const struct recipe *recipe)
{
    return kinds[recipe->tta].count;
}

uint32_t evaluate_batches(const struct session *session)
{
    const struct kind *kind = &kinds[session->recipe.tta];
    uint32_t count = session->dataset.test.count, most = (uint32_t)session->program->options.max_batch;
    uint32_t all = (count + most - 1) / most, views = (uint32_t)kind->count, plain = (uint32_t)kind->plain;
    if (session->recipe.tta_share >= 1)
        return all * views;
    uint32_t chosen = (uint32_t)ceil(session->recipe.tta_share * count);
    return all * plain + (chosen + most - 1) / most * (views - plain);
}

static struct choice view_choice(const struct view *view, uint32_t image)
{
    struct choice choice = {.image = image, .flip = view->flip ? CHOICE_FLIP_HORIZONTAL : CHOICE_FLIP_NONE};
    if (view->shift) { /* a window of the padded image that lies to the left of the middle shows it moved to the right
                        */
        choice.pad = 1;
        choice.crop_y = choice.crop_x = (uint8_t)(1 - view->shift);
    }
    return choice;
}

static int look(struct evaluation *e, const struct view *view, uint32_t first, int n, struct error *err)
{
    struct session *session = e->session;
    struct choice *choices = session->batches.choices;
    for (int i = 0; i < n; i++)
        choices[i] = view_choice(view, e->order[first + (uint32_t)i]);
    struct batch batch = {.images = e->images, .choices = choices, .n = n};
    if (executor_evaluate(&session->executor, &batch, &e->seen, err) ||
        session->family->read_tensor(session->program, e->row, PROGRAM_VALUE, e->logits, (size_t)n * e->classes, err))
        return -1;
    for (int i = 0; i < n; i++)
        for (size_t c = 0; c < e->classes; c++)
            e->sum[e->order[first + (uint32_t)i] * e->classes + c] +=
                view->weight * e->logits[(size_t)i * e->classes + c];
    return 0;
}

/* The first `count` images of the order, in all of the views. 1: stopped. */
static int look_at_all(struct evaluation *e, uint32_t count, const struct view *views, int n_views, struct error *err)
{
    uint32_t max_batch = (uint32_t)e->session->program->options.max_batch;
    for (uint32_t first = 0; first < count; first += max_batch) {
        int n = (int)(count - first < max_batch ? count - first : max_batch);
        for (int v = 0; v < n_views; v++) {
            if (look(e, &views[v], first, n, err))
                return -1;
            if (e->stop && e->stop(e->context))
                return 1;
        }
    }
    return 0;
}

/* log of the sum of exp(scale * x), without overflow. */
static double log_sum_exp(const double *x, size_t count, double scale)
{
    double top = x[0], sum = 0;
    for (size_t c = 1; c < count; c++)
        top = fmax(top, x[c]);
    for (size_t c = 0; c < count; c++)
        sum += exp(scale * (x[c] - top));
    return scale * top + log(sum);
}

struct doubt {
    double confidence; /* log of the largest probability */
    uint32_t image;
};

/* The least sure first, equals in the order of the data set. */
static int compare_doubts(const void *a, const void *b)
{
    const struct doubt *x = a, *y = b;
    if (x->confidence != y->confidence)
        return x->confidence < y->confidence ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

static int compare_images(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Puts the share of images that the plain views are least sure of first in the order, and makes the sums of all others
 * what they would be if every view said what the plain ones said. Returns how many are in the share; 0: no memory. */
static uint32_t choose_doubtful(struct evaluation *e, double share, double plain_weight)
{
    uint32_t count = e->images->count, chosen = (uint32_t)ceil(share * count);
    struct doubt *doubts = malloc(count * sizeof *doubts);
    if (!doubts)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        const double *sum = e->sum + i * e->classes;
        double top = sum[0];
        for (size_t c = 1; c < e->classes; c++)
            top = fmax(top, sum[c]);
        doubts[i].confidence = top / plain_weight - log_sum_exp(sum, e->classes, 1 / plain_weight);
        doubts[i].image = i;
        if (isnan(doubts[i].confidence))
            doubts[i].confidence = -INFINITY; /* qsort needs an order */
    }
    qsort(doubts, count, sizeof *doubts, compare_doubts);
    for (uint32_t i = 0; i < chosen; i++)
        e->order[i] = doubts[i].image;
    for (uint32_t i = chosen; i < count; i++)
        for (size_t c = 0; c < e->classes; c++)
            e->sum[doubts[i].image * e->classes + c] /= plain_weight;
    qsort(e->order, chosen, sizeof *e->order, compare_images); /* memory likes it better */
    free(doubts);
    return chosen;
}

/* Accuracy and loss of the averaged logits. */
static void judge(const struct evaluation *e, float *logits, struct step_result *result)
{
    *result = (struct step_result){.n = (int)e->images->count, .bad_row = e->seen.bad_row};
    for (uint32_t i = 0; i < e->images->count; i++) {
        const double *sum = e->sum + i * e->classes;
        size_t label = e->images->labels[i], best = 0;
        for (size_t c = 1; c < e->classes; c++)
            best = sum[c] > sum[best] ? c : best;
        result->correct += best == label;
        result->loss_sum += log_sum_exp(sum, e->classes, 1) - sum[label];
        for (size_t c = 0; logits && c < e->classes; c++)
            logits[i * e->classes + c] = (float)sum[c];
    }
}

static int evaluate_in_views(struct evaluation *e, float *logits, struct step_result *result, struct error *err)
{
    const struct recipe *recipe = &e->session->recipe;
    const struct kind *kind = &kinds[recipe->tta];
    uint32_t count = e->images->count;
    for (uint32_t i = 0; i < count; i++)
        e->order[i] = i;
    int first = recipe->tta_share < 1 ? kind->plain : kind->count;
    int status = look_at_all(e, count, kind->views, first, err);
    if (!status && first < kind->count) {
        double plain_weight = 0;
        for (int v = 0; v < first; v++)
            plain_weight += kind->views[v].weight;
        count = choose_doubtful(e, recipe->tta_share, plain_weight);
        status = count > 0 ? look_at_all(e, count, kind->views + first, kind->count - first, err)
                           : error_set(err, "out of memory for the order of the evaluated images");
    }
    if (!status)
        judge(e, logits, result);
    return status;
}

/* The families' own loss, batch by batch. */
static int evaluate_plainly(struct evaluation *e, float *logits, struct step_result *result, struct error *err)
{
    struct session *session = e->session;
    uint32_t count = e->images->count, max_batch = (uint32_t)session->program->options.max_batch;
    struct choice *choices = session->batches.choices;
    *result = (struct step_result){.bad_row = -1};
    for (uint32_t first = 0; first < count; first += max_batch) {
        int n = (int)(count - first < max_batch ? count - first : max_batch);
        choices_identity(first, n, choices);
        struct batch batch = {.images = e->images, .choices = choices, .n = n};
        if (executor_evaluate(&session->executor, &batch, result, err))
            return -1;
        if (logits && session->family->read_tensor(session->program, e->row, PROGRAM_VALUE, logits + first * e->classes,
                                                   (size_t)n * e->classes, err))
            return -1;
        if (e->stop && e->stop(e->context))
            return 1;
    }
    return 0;
}

int session_evaluate(struct session *session, float *logits, struct step_result *result, int (*stop)(void *),
                     void *context, struct error *err)
{
    const struct plan *plan = &session->plan;
    struct evaluation e = {.session = session, .images = &session->dataset.test, .stop = stop, .context = context};
    e.row = plan->rows[plan->rows[plan->n_rows - 1].input[0]].name;
    e.classes = (size_t)plan->classes;
    e.seen.bad_row = -1;
    session->batches.epoch = BATCHES_NO_EPOCH;
    if (session->recipe.tta == RECIPE_TTA_NONE)
        return evaluate_plainly(&e, logits, result, err);
    e.order = calloc(e.images->count, sizeof *e.order);
    e.sum = calloc(e.images->count * e.classes, sizeof *e.sum);
    e.logits = malloc((size_t)session->program->options.max_batch * e.classes * sizeof *e.logits);
    int status = e.order && e.sum && e.logits ? evaluate_in_views(&e, logits, result, err)
                                              : error_set(err, "out of memory for the views of the evaluated images");
    free(e.order);
    free(e.sum);
    free(e.logits);
    return status;
}
