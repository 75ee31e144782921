/* The roofline of a breakdown; see views/figure_timing.h. */
#include "views/figure_chart.h"
#include "views/figure_timing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MARK 5.0
#define LABELS_MAX 256

/* A row's forward or backward work. */
struct point {
    double intensity, gflops; /* operations a byte; a second */
    int number;
};

static int make_point(const struct timing_sum *sum, int number, struct point *point)
{
    double done = sum->work > 0 ? sum->work : sum->flops; /* not known: as a direct convolution's */
    *point = (struct point){done / sum->bytes, sum->gflops * done / sum->flops, number};
    return sum->steps > 0 && sum->flops > 0 && sum->bytes > 0 && isfinite(sum->gflops);
}

static const enum phase drawn[2] = {PHASE_FORWARD, PHASE_BACKWARD};

int figure_roofline_has(const struct figure_timing_item *items, int n)
{
    struct point point;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            if (make_point(&items[i].phase[drawn[k]], 0, &point))
                return 1;
    return 0;
}

static void extend(struct chart_axis *axis, double value)
{
    if (!(value > 0) || !isfinite(value))
        return;
    axis->min = isnan(axis->min) ? value : fmin(axis->min, value);
    axis->max = isnan(axis->max) ? value : fmax(axis->max, value);
}

/* What is taken by marks and labels, for new labels to keep away from. */
struct taken {
    struct figure_box box[LABELS_MAX];
    int n;
};

static void take(struct taken *taken, struct figure_box box)
{
    if (taken->n < LABELS_MAX)
        taken->box[taken->n++] = box;
}

static int is_free(const struct taken *taken, struct figure_box a, struct figure_box plot)
{
    if (a.x < plot.x || a.y < plot.y || a.x + a.w > plot.x + plot.w || a.y + a.h > plot.y + plot.h)
        return 0;
    for (int i = 0; i < taken->n; i++) {
        struct figure_box b = taken->box[i];
        if (a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
            return 0;
    }
    return 1;
}

/* Beside the point where there is room, further out with a line to it otherwise. */
static void put_label(struct figure *figure, struct taken *taken, struct figure_box plot, double x, double y,
                      uint32_t color, const char *text)
{
    const struct figure_font font = {FIGURE_SMALL_SIZE - 1, 0, color};
    const struct figure_stroke leader = {color, 0.4, FIGURE_SOLID};
    double w = figure_text_width(figure, &font, text), h = FIGURE_SMALL_SIZE - 1;
    for (double far = 0; far <= 36; far += 6)
        for (int i = 0; i < 16; i++) {
            double angle = 2 * M_PI * ((i % 2 ? -1 : 1) * ((i + 1) / 2)) / 16; /* from the right, to both sides */
            double reach = MARK / 2 + 2 + far, cx = x + cos(angle) * (reach + w / 2);
            double cy = y - sin(angle) * (reach + h / 2);
            struct figure_box box = {cx - w / 2 - 0.5, cy - h / 2, w + 1, h + 0.5};
            if (!is_free(taken, box, plot))
                continue;
            if (far > 0)
                figure_line(figure, x + cos(angle) * MARK / 2, y - sin(angle) * MARK / 2, x + cos(angle) * (reach - 1),
                            y - sin(angle) * (reach - 1), &leader);
            figure_text(figure, cx, cy, FIGURE_CENTRE, &font, text);
            take(taken, box);
            return;
        }
}

/* Below the slope, which goes up from xy[0], xy[1] to xy[2], xy[3]; the lowest place that is free. */
static void put_bandwidth(struct figure *figure, struct taken *taken, struct figure_box plot, const double xy[6],
                          const struct figure_font *font, const char *text)
{
    double width = figure_text_width(figure, font, text), y = fmin(xy[1] - 4, plot.y + plot.h - 8);
    double a_point = xy[3] < xy[1] ? (xy[2] - xy[0]) / fmax(xy[1] - xy[3], 12) : 0; /* to the right, for one up */
    for (; y > fmin(xy[3] + 8, plot.y + plot.h - 9); y -= 3) {
        double x = xy[0] + 14 + a_point * (xy[1] + 8 - y);
        struct figure_box box = {x, y - 4, width, 9};
        if (!is_free(taken, box, plot))
            continue;
        figure_text(figure, x, y, FIGURE_LEFT, font, text);
        take(taken, box);
        return;
    }
}

/* The roof: bandwidth times intensity up to the ridge, arithmetic from there on; with what they are. */
static void draw_roof(struct figure *figure, const struct timing *timing, const struct figure_axes *axes,
                      struct taken *taken)
{
    const struct figure_stroke stroke = {COLOR_TITLE, 1.2, FIGURE_SOLID};
    const struct figure_font font = {FIGURE_SMALL_SIZE - 1, 0, COLOR_DEFAULT};
    double top = timing->machine.flops * 1e-9, slope = timing->machine.bytes * 1e-9, ridge = top / slope;
    struct figure_box p = axes->plot;
    char text[96];
    const double xy[6] = {figure_axes_x(axes, axes->x.min),
                          figure_axes_y(axes, fmin(axes->x.min * slope, top)),
                          figure_axes_x(axes, fmax(ridge, axes->x.min)),
                          figure_axes_y(axes, top),
                          figure_axes_x(axes, axes->x.max),
                          figure_axes_y(axes, fmin(axes->x.max * slope, top))};
    figure_clip(figure, p);
    figure_polyline(figure, xy, 3, &stroke);
    figure_unclip(figure);
    snprintf(text, sizeof text, "%.*f GFLOP/s, from registers", top < 10 ? 2 : top < 100 ? 1 : 0, top);
    double width = figure_text_width(figure, &font, text), y = xy[5] - 6;
    if (width < p.w && y > p.y + 3) {
        figure_text(figure, p.x + p.w - 3, y, FIGURE_RIGHT, &font, text);
        take(taken, (struct figure_box){p.x + p.w - 4 - width, y - 4, width + 4, 8});
    }
    snprintf(text, sizeof text, "%.*f GB/s, copied in memory", slope < 100 ? 1 : 0, slope);
    put_bandwidth(figure, taken, p, xy, &font, text);
    for (int i = 0; i <= 24; i++) { /* labels keep off the roof */
        double at = p.x + p.w * i / 24, value = axes->x.min * pow(axes->x.max / axes->x.min, i / 24.0);
        take(taken, (struct figure_box){at - 2, figure_axes_y(axes, fmin(value * slope, top)) - 1.5, 4, 3});
    }
}

void figure_roofline_draw(struct figure *figure, const struct timing *timing, const struct figure_timing_item *items,
                          int n, struct figure_box box)
{
    static const enum figure_mark marks[2] = {FIGURE_CIRCLE, FIGURE_OPEN_SQUARE};
    static const uint32_t colors[2] = {COLOR_VALID, COLOR_TRAIN};
    const struct figure_key keys[3] = {
        {.name = "forward", .color = colors[0], .mark = marks[0]},
        {.name = "backward", .color = colors[1], .mark = marks[1]},
        {.name = timing_doubtful(timing) ? "measured ceilings, while other programs ran" : "measured ceilings",
         .color = COLOR_TITLE,
         .width = 1.2}};
    int roof = timing->machine.flops > 0 && timing->machine.bytes > 0 && !timing_disproved(timing, NULL, 0);
    struct chart chart = {
        .title = "performance", .x = {CHART_LOG, NAN, NAN, 0, ""}, .y = {CHART_LOG, NAN, NAN, 0, "GFLOP/s"}};
    struct taken taken = {.n = 0};
    struct point point;
    box.h = fmin(box.h, FIGURE_ROOFLINE_HEIGHT);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            if (make_point(&items[i].phase[drawn[k]], i + 1, &point)) {
                extend(&chart.x, point.intensity);
                extend(&chart.y, point.gflops);
            }
    if (roof) {
        extend(&chart.x, timing->machine.flops / timing->machine.bytes);
        extend(&chart.y, timing->machine.flops * 1e-9);
    }
    chart.x.min /= 1.6;
    chart.x.max *= 1.6;
    chart.y.min /= 1.4;
    chart.y.max *= 1.4;
    double legend = figure_legend(figure, box, keys, 2 + roof, 0);
    box.y += legend;
    box.h -= legend;
    struct figure_axes axes;
    double left = figure_axes_left(figure, &chart, box.h - 32);
    if (figure_axes_draw(figure, &chart, "arithmetic intensity (FLOP/byte)", left, 6, box, &axes) < 0)
        return;
    for (int pass = 0; pass < 3; pass++) { /* all marks have their places first: labels keep off them */
        if (pass == 1 && roof)
            draw_roof(figure, timing, &axes, &taken);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < 2; k++) {
                if (!make_point(&items[i].phase[drawn[k]], i + 1, &point))
                    continue;
                double x = figure_axes_x(&axes, point.intensity), y = figure_axes_y(&axes, point.gflops);
                char number[16];
                snprintf(number, sizeof number, "%d", point.number);
                if (pass == 0)
                    take(&taken, (struct figure_box){x - MARK / 2, y - MARK / 2, MARK, MARK});
                else if (pass == 1)
                    figure_marker(figure, x, y, marks[k], MARK, colors[k]);
                else
                    put_label(figure, &taken, axes.plot, x, y, colors[k], number);
            }
    }
}
