#include "views/figure_bars.h"

#include "views/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HEADING 17.0 /* heights at their best */
#define STACK 15.0
#define THIN 9.0 /* a bar of a group */
#define APART 6.0
#define AXIS_FOOT 30.0
#define LABEL_GAP 6.0

/* Where everything is. */
struct plan {
    struct figure_box plot; /* of the bars */
    double squeeze;         /* of heights: 1, or less where there is no room */
    double low, high;       /* of the axis */
    double label_width;
    double per_unit; /* points */
    double right;    /* end of the box */
};

/* What is above a bar, before its own height: its heading, or some room. */
static double above(const struct figure_bar *bar)
{
    return bar->heading ? HEADING : bar->apart ? APART : 0;
}

static double slot(const struct figure_bars *bars, const struct figure_bar *bar)
{
    double height = bars->kind == FIGURE_STACKED ? STACK : bars->n_segments * THIN + APART;
    return height + above(bar);
}

static double slots(const struct figure_bars *bars)
{
    double sum = 0;
    for (int i = 0; i < bars->n_bars; i++)
        sum += slot(bars, &bars->bars[i]);
    return sum;
}

double figure_bars_height(const struct figure_bars *bars)
{
    int keys = bars->no_legend ? 0 : bars->n_segments + (bars->marker_name != NULL);
    return slots(bars) + AXIS_FOOT + (keys ? 13.0 * ((keys + 4) / 5) + 6 : 0);
}

/* The sum of what is known; NaN: nothing is. */
static double total(const struct figure_bars *bars, const struct figure_bar *bar)
{
    double sum = NAN;
    if (bar->total > 0 && bars->kind == FIGURE_STACKED)
        return bar->total;
    for (int s = 0; s < bars->n_segments; s++)
        if (isfinite(bar->value[s]))
            sum = (isnan(sum) ? 0 : sum) + bar->value[s];
    return sum;
}

/* Where a stack ends: to the right of 0 (sign 1) or to its left (-1). */
static double stack_end(const struct figure_bars *bars, const struct figure_bar *bar, int sign)
{
    double sum = 0;
    for (int s = 0; s < bars->n_segments; s++)
        if (sign * bar->value[s] > 0)
            sum += bar->value[s];
    return sum;
}

static void extend(struct plan *plan, double value)
{
    if (isfinite(value)) {
        plan->low = fmin(plan->low, value);
        plan->high = fmax(plan->high, value);
    }
}

static void find_range(const struct figure_bars *bars, struct plan *plan)
{
    plan->low = plan->high = 0;
    for (int i = 0; i < bars->n_bars; i++) {
        const struct figure_bar *bar = &bars->bars[i];
        extend(plan, bar->marker);
        if (bars->kind == FIGURE_STACKED) {
            extend(plan, stack_end(bars, bar, 1) + (isfinite(bar->error) ? bar->error : 0));
            extend(plan, stack_end(bars, bar, -1));
        }
        for (int s = 0; s < bars->n_segments && bars->kind == FIGURE_GROUPED; s++)
            extend(plan, bar->value[s]);
    }
    if (isfinite(bars->max))
        plan->high = bars->max;
    if (!(plan->high > plan->low))
        plan->high = plan->low + 1;
}

/* What stands at a bar's end: its value and the note. segment -1: of a stack. */
static const char *end_text(const struct figure_bars *bars, const struct figure_bar *bar, int segment, char out[128])
{
    double value = segment < 0 ? total(bars, bar) : bar->value[segment];
    out[0] = '\0';
    if (!isfinite(value))
        return segment < 0 || isnan(total(bars, bar)) ? strcpy(out, "not measured") : out;
    if (bars->decimals >= 0) {
        int hidden = value != 0 && fabs(value) < 0.5 * pow(10, -bars->decimals); /* it would look like nothing */
        snprintf(out, 128, hidden ? "%.*g" : "%.*f", hidden ? 1 : bars->decimals, value);
    }
    if (bar->note && segment <= 0)
        snprintf(out + strlen(out), 128 - strlen(out), "%s%s", out[0] ? "   " : "", bar->note);
    return out;
}

static const struct figure_font text_font = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT};
static const struct figure_font heading_font = {FIGURE_SMALL_SIZE, 1, COLOR_DEFAULT};

/* The axis is as long as it can be with every bar's text still inside the box. */
static void find_scale(struct figure *figure, const struct figure_bars *bars, struct figure_box box, struct plan *plan)
{
    double widest = 0, room, span = plan->high - plan->low;
    for (int i = 0; i < bars->n_bars; i++)
        widest = fmax(widest, figure_text_width(figure, &text_font, bars->bars[i].label));
    plan->label_width = fmin(widest, 0.4 * box.w);
    plan->plot.x = box.x + plan->label_width + LABEL_GAP;
    room = fmax(box.x + box.w - plan->plot.x - 12, 0); /* 12: half of the last tick's label */
    plan->plot.w = room;
    for (int i = 0; i < bars->n_bars; i++)
        for (int s = 0; s < (bars->kind == FIGURE_STACKED ? 1 : bars->n_segments); s++) {
            const struct figure_bar *bar = &bars->bars[i];
            char text[128];
            int segment = bars->kind == FIGURE_STACKED ? -1 : s;
            double value = segment < 0 ? stack_end(bars, bar, 1) : bar->value[s];
            double end = isfinite(value) ? value + (isfinite(bar->error) ? bar->error : 0) : 0;
            end = isfinite(bar->marker) ? fmax(end, bar->marker) : end;
            double part = (fmin(end, plan->high) - plan->low) / span;
            double width = figure_text_width(figure, &text_font, end_text(bars, bar, segment, text)) + LABEL_GAP;
            if (part > 0.05 && (room + 12 - width) / part < plan->plot.w)
                plan->plot.w = fmax((room + 12 - width) / part, room * 0.3);
        }
    plan->per_unit = plan->plot.w / span;
}

/* A bar's text behind its end, as much of it as there is room for. */
static void draw_end(struct figure *figure, const struct figure_bars *bars, const struct figure_bar *bar, int segment,
                     const struct plan *plan, double x, double y)
{
    char text[128], cut[128];
    end_text(bars, bar, segment, text);
    x += LABEL_GAP - 1;
    figure_text(figure, x, y, FIGURE_LEFT, &text_font,
                figure_text_cut(figure, &text_font, text, plan->right - x, cut, sizeof cut));
}

static double at(const struct plan *plan, double value)
{
    return plan->plot.x + (fmin(fmax(value, plan->low), plan->high) - plan->low) * plan->per_unit;
}

static void draw_axis(struct figure *figure, const struct figure_bars *bars, const struct plan *plan)
{
    const struct figure_stroke grid = {COLOR_BORDER, 0.5, FIGURE_SOLID}, base = {COLOR_AXIS, 0.8, FIGURE_SOLID};
    double foot = plan->plot.y + plan->plot.h;
    struct chart_ticks ticks;
    chart_make_ticks(&(struct chart_range){plan->low, plan->high, CHART_LINEAR}, (int)(plan->plot.w / 50) + 1, 0,
                     &ticks);
    double end = -INFINITY;
    for (int i = 0; i < ticks.n; i++) {
        double x = at(plan, ticks.value[i]), half = figure_text_width(figure, &text_font, ticks.label[i]) / 2;
        figure_line(figure, x, plan->plot.y, x, foot, &grid);
        if (x - half < end)
            continue;
        figure_text(figure, x, foot + 8, FIGURE_CENTRE, &text_font, ticks.label[i]);
        end = x + half + 4;
    }
    figure_line(figure, plan->plot.x, foot, plan->plot.x + plan->plot.w, foot, &base);
    figure_line(figure, at(plan, 0), plan->plot.y, at(plan, 0), foot, &base);
    char text[160];
    figure_text_cut(figure, &text_font, bars->axis ? bars->axis : "", plan->plot.w, text, sizeof text);
    figure_text(figure, plan->plot.x + plan->plot.w / 2, foot + 21, FIGURE_CENTRE, &text_font, text);
}

/* A value inside its segment, on a plate where the hatch would be in the way. */
static void draw_inside(struct figure *figure, const struct figure_bars *bars, struct figure_box box, int segment,
                        double value)
{
    const struct figure_segment *s = &bars->segment[segment];
    struct figure_font font = {FIGURE_SMALL_SIZE - 1, 0, COLOR_RGB | figure_rgb_on(s->color)};
    char text[32];
    snprintf(text, sizeof text, "%.*f", bars->decimals > 0 ? bars->decimals : 0, value);
    double width = figure_text_width(figure, &font, text);
    if (width + 7 > box.w || box.h < 9)
        return;
    double x = box.x + box.w / 2, y = box.y + box.h / 2;
    if (s->hatch != FIGURE_PLAIN) {
        const double plate[8] = {x - width / 2 - 2, y - 4, x + width / 2 + 2, y - 4,
                                 x + width / 2 + 2, y + 4, x - width / 2 - 2, y + 4};
        figure_polygon(figure, plate, 4, s->color, 1);
    }
    figure_text(figure, x, y, FIGURE_CENTRE, &font, text);
}

/* The wider side of a mark across a box, where a number is not hidden by it. */
static struct figure_box beside(struct figure_box box, double mark)
{
    double left = mark - box.x, right = box.w - left;
    if (!(left > 0 && right > 0))
        return box;
    return left > right ? (struct figure_box){box.x, box.y, left, box.h}
                        : (struct figure_box){mark, box.y, right, box.h};
}

/* Where the text of a bar that ends at `end` goes: behind a mark, too, unless there is room for it before. */
static double free_end(struct figure *figure, const struct figure_bars *bars, const struct figure_bar *bar, double end,
                       double mark)
{
    char text[128];
    double width = figure_text_width(figure, &text_font, end_text(bars, bar, -1, text));
    return mark + 1 > end && mark - end < width + 2 * LABEL_GAP ? mark + 1 : end;
}

static void draw_stack(struct figure *figure, const struct figure_bars *bars, const struct figure_bar *bar,
                       const struct plan *plan, struct figure_box row)
{
    double sum = 0, less = 0, y = row.y + row.h / 2, height = row.h * 0.72;
    for (int s = 0; s < bars->n_segments; s++) {
        double value = bar->value[s], *end = value < 0 ? &less : &sum, from = at(plan, *end);
        if (!(fabs(value) > 0))
            continue;
        *end += value;
        struct figure_box box = {fmin(from, at(plan, *end)), y - height / 2, fabs(at(plan, *end) - from), height};
        figure_fill(figure, box, bars->segment[s].color, bars->segment[s].hatch);
        if (bars->inside)
            draw_inside(figure, bars, isfinite(bar->marker) ? beside(box, at(plan, bar->marker)) : box, s, value);
    }
    double x = at(plan, sum);
    if (bar->error > 0) {
        const struct figure_stroke stroke = {COLOR_TITLE, 1, FIGURE_SOLID};
        double low = at(plan, sum - bar->error), high = at(plan, sum + bar->error);
        figure_line(figure, low, y, high, y, &stroke);
        figure_line(figure, low, y - 2.5, low, y + 2.5, &stroke);
        figure_line(figure, high, y - 2.5, high, y + 2.5, &stroke);
        x = fmax(x, high);
    }
    if (isfinite(bar->marker)) {
        figure_marker(figure, at(plan, bar->marker), y, FIGURE_TICK, height + 3, COLOR_TITLE);
        x = free_end(figure, bars, bar, x, at(plan, bar->marker));
    }
    if (row.h >= 8)
        draw_end(figure, bars, bar, -1, plan, x, y);
}

static void draw_group(struct figure *figure, const struct figure_bars *bars, const struct figure_bar *bar,
                       const struct plan *plan, struct figure_box row)
{
    double zero = at(plan, 0), room = APART * plan->squeeze, height = (row.h - room) / bars->n_segments;
    for (int s = 0; s < bars->n_segments; s++) {
        double y = row.y + room / 2 + (s + 0.5) * height, value = bar->value[s], end = zero;
        if (isfinite(value)) {
            end = at(plan, value);
            struct figure_box box = {fmin(zero, end), y - height * 0.46, fabs(end - zero), height * 0.92};
            figure_fill(figure, box, bars->segment[s].color, bars->segment[s].hatch);
        }
        if (height >= 7.6 && (isfinite(value) || (isnan(total(bars, bar)) && s == bars->n_segments / 2)))
            draw_end(figure, bars, bar, s, plan, fmax(zero, end), y);
    }
    if (isfinite(bar->marker))
        figure_marker(figure, at(plan, bar->marker), row.y + row.h / 2, FIGURE_TICK, row.h, COLOR_TITLE);
}

/* Labels that would touch the one above are left out. */
static void draw_bars(struct figure *figure, const struct figure_bars *bars, const struct plan *plan)
{
    double y = plan->plot.y, free_from = -INFINITY;
    for (int i = 0; i < bars->n_bars; i++) {
        const struct figure_bar *bar = &bars->bars[i];
        struct figure_box row = {plan->plot.x, y, plan->plot.w, slot(bars, bar) * plan->squeeze};
        char text[160];
        y += row.h;
        double space = above(bar) * plan->squeeze;
        row.y += space;
        row.h -= space;
        if (bar->heading) {
            double heading = space, middle = row.y - heading * 0.38;
            double width = plan->label_width + LABEL_GAP + plan->plot.w;
            if (middle - 4 >= free_from && heading >= 8) {
                figure_text_cut(figure, &heading_font, bar->heading, width, text, sizeof text);
                figure_text(figure, plan->plot.x - LABEL_GAP - plan->label_width, middle, FIGURE_LEFT, &heading_font,
                            text);
                free_from = middle + 5;
            }
        }
        double middle = row.y + row.h / 2;
        if (middle - 4 >= free_from) {
            figure_text_cut(figure, &text_font, bar->label, plan->label_width + 0.01, text, sizeof text);
            figure_text(figure, plan->plot.x - LABEL_GAP, middle, FIGURE_RIGHT, &text_font, text);
            free_from = middle + 5;
        }
        if (bars->kind == FIGURE_STACKED)
            draw_stack(figure, bars, bar, plan, row);
        else
            draw_group(figure, bars, bar, plan, row);
    }
}

static double draw_legend(struct figure *figure, const struct figure_bars *bars, struct figure_box box)
{
    struct figure_key keys[FIGURE_SEGMENTS_MAX + 1];
    int n = 0;
    for (int s = 0; s < bars->n_segments; s++)
        keys[n++] = (struct figure_key){.name = bars->segment[s].name,
                                        .color = bars->segment[s].color,
                                        .filled = 1,
                                        .hatch = bars->segment[s].hatch};
    if (bars->marker_name)
        keys[n++] = (struct figure_key){.name = bars->marker_name, .color = COLOR_TITLE, .mark = FIGURE_TICK};
    double used = figure_legend(figure, box, keys, n, 0);
    return used > 0 ? used + 6 : 0;
}

void figure_bars_draw(struct figure *figure, const struct figure_bars *bars, struct figure_box box)
{
    struct plan plan = {.squeeze = 1, .right = box.x + box.w};
    if (bars->n_bars <= 0 || bars->n_segments <= 0 || box.w < 40 || box.h < AXIS_FOOT + 10)
        return;
    double legend = bars->no_legend ? 0 : draw_legend(figure, bars, box);
    double room = box.h - legend - AXIS_FOOT, wanted = slots(bars);
    if (room < 4)
        return;
    plan.plot.y = box.y + legend;
    plan.squeeze = fmin(room / wanted, 1);
    plan.plot.h = wanted * plan.squeeze;
    find_range(bars, &plan);
    find_scale(figure, bars, box, &plan);
    draw_axis(figure, bars, &plan);
    draw_bars(figure, bars, &plan);
}
