#include "views/figure_timing_diff.h"

#include "views/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HEADING 18.0
#define LINE 14.0
#define FOOT 30.0 /* of an axis */
#define BETWEEN 10.0
#define LABELS 0.34 /* of the width, at most */
#define COLUMN 52.0 /* A, B, percent; the verdict takes WORD */
#define CHANGE 72.0 /* "-10.7 ±2.9", left out where there is no room for it */
#define WORD 52.0
#define KEYS 18.0

static const struct figure_font text_font = {FIGURE_SMALL_SIZE, 0, COLOR_DEFAULT};
static const struct figure_font head_font = {FIGURE_SMALL_SIZE, 1, COLOR_DEFAULT};

/* Panels: the step with its phases, blocks, rows; of those by phase only the sums are drawn. */
enum { PANEL_STEP, PANEL_BLOCKS, PANEL_ROWS, PANELS };

static int panel_of(const struct timing_diff_line *line)
{
    switch (line->kind) {
    case TIMING_DIFF_BLOCK:
        return line->phase < 0 ? PANEL_BLOCKS : -1;
    case TIMING_DIFF_ROW:
        return line->phase < 0 ? PANEL_ROWS : -1;
    default:
        return PANEL_STEP;
    }
}

static int count_lines(const struct timing_diff *diff, int panel)
{
    int n = 0;
    for (int i = 0; i < diff->n_lines; i++)
        n += panel_of(&diff->lines[i]) == panel;
    return n;
}

double figure_timing_diff_height(const struct timing_diff *diff)
{
    double height = KEYS;
    for (int p = 0; p < PANELS; p++) {
        int n = count_lines(diff, p);
        height += n > 0 ? HEADING + n * LINE + FOOT + BETWEEN : 0;
    }
    return height;
}

static struct figure_key look_of(enum timing_diff_verdict verdict)
{
    static const struct figure_key looks[] = {
        [TIMING_DIFF_UNKNOWN] = {.color = COLOR_DIM, .mark = FIGURE_CROSS},
        [TIMING_DIFF_NOISE] = {.color = COLOR_RGB | 0x8A8F98, .mark = FIGURE_RING},
        [TIMING_DIFF_FASTER] = {.color = COLOR_VALID, .mark = FIGURE_CIRCLE},
        [TIMING_DIFF_SLOWER] = {.color = COLOR_TRAIN, .mark = FIGURE_SQUARE},
        [TIMING_DIFF_DIFFERS] = {.color = COLOR_AXIS, .mark = FIGURE_DIAMOND},
        [TIMING_DIFF_ONLY_A] = {.color = COLOR_DIM, .mark = FIGURE_NO_MARK},
        [TIMING_DIFF_ONLY_B] = {.color = COLOR_DIM, .mark = FIGURE_NO_MARK},
    };
    struct figure_key key = looks[verdict];
    key.name = timing_diff_verdict_name(verdict);
    return key;
}

/* "layer1/norm, act, pool": the row and the ends of the names of those that are compared with it. */
static void label_of(const struct timing_diff_line *line, char *out, size_t size)
{
    char with[sizeof line->with], *rest = NULL;
    size_t used = (size_t)snprintf(out, size, "%s", line->name);
    snprintf(with, sizeof with, "%s", line->with);
    for (char *name = strtok_r(with, ",", &rest); name && used < size; name = strtok_r(NULL, ",", &rest)) {
        const char *slash = strrchr(name, '/');
        name += strspn(name, " ");
        used += (size_t)snprintf(out + used, size - used, ", %s", slash ? slash + 1 : name);
    }
}

struct frame {
    struct figure_box plot;
    struct chart_range range;
    double label_right, label_width, columns; /* where the columns begin */
    double change;                            /* how wide that of the change in ms is; 0: it is left out */
};

static double at(const struct frame *frame, double change)
{
    return frame->plot.x + frame->plot.w * fmin(fmax(chart_position(&frame->range, change), 0), 1);
}

/* The axis holds all changes, their intervals and no change. */
static struct chart_range range_of(const struct timing_diff *diff, int panel)
{
    double zero = 0, low = 0, high = 0;
    for (int i = 0; i < diff->n_lines; i++) {
        const struct timing_diff_line *line = &diff->lines[i];
        const double values[] = {line->change, line->low, line->high};
        for (int k = 0; k < 3 && panel_of(line) == panel; k++)
            if (isfinite(values[k])) {
                low = fmin(low, values[k]);
                high = fmax(high, values[k]);
            }
    }
    const double ends[2] = {low, high}, xs[2] = {0, 1};
    struct chart chart = {.x = {CHART_LINEAR, 0, 1, 0, ""}, .y = {CHART_LINEAR, NAN, NAN, 0, "ms"}};
    if (!(high > low))
        return (struct chart_range){-1, 1, CHART_LINEAR};
    chart.series[chart.n_series++] = (struct chart_series){.x = xs, .y = ends, .n = 2};
    struct chart_range range = chart_range_y(&chart, 6);
    range.min = fmin(range.min, zero);
    range.max = fmax(range.max, zero);
    return range;
}

static void draw_axis(struct figure *figure, const struct frame *frame)
{
    const struct figure_stroke grid = {COLOR_BORDER, 0.4, FIGURE_SOLID}, line = {COLOR_AXIS, 0.8, FIGURE_SOLID};
    struct figure_box p = frame->plot;
    double foot = p.y + p.h, free_from = -INFINITY;
    struct chart_ticks ticks;
    chart_make_ticks(&frame->range, (int)(p.w / 40) + 1, 0, &ticks);
    for (int i = 0; i < ticks.n; i++) {
        double x = at(frame, ticks.value[i]), half = figure_text_width(figure, &text_font, ticks.label[i]) / 2;
        figure_line(figure, x, p.y, x, foot, &grid);
        if (x - half < free_from)
            continue;
        figure_text(figure, x, foot + 8, FIGURE_CENTRE, &text_font, ticks.label[i]);
        free_from = x + half + 4;
    }
    figure_line(figure, p.x, foot, p.x + p.w, foot, &line);
    figure_line(figure, at(frame, 0), p.y, at(frame, 0), foot, &line);
    char cut[64];
    figure_text(figure, p.x + p.w / 2, foot + 20, FIGURE_CENTRE, &text_font,
                figure_text_cut(figure, &text_font, "change per step, B − A (ms)", p.w, cut, sizeof cut));
}

static void put_ms(struct figure *figure, double x, double y, const struct figure_font *font, double ms)
{
    char text[32] = "–";
    if (isfinite(ms))
        snprintf(text, sizeof text, "%.*f", ms < 10 ? 3 : ms < 100 ? 2 : 1, ms);
    figure_text(figure, x, y, FIGURE_RIGHT, font, text);
}

/* "-10.7 ±2.9": the interval's half to two digits, which not every axis has room to show. */
static const char *change_text(const struct timing_diff_line *line, char *out, size_t size)
{
    double half = (line->high - line->low) / 2, digits = isfinite(half) ? half : fabs(line->change) / 10;
    int decimals = digits < 0.1 ? 3 : digits < 1 ? 2 : digits < 10;
    if (!isfinite(line->change))
        snprintf(out, size, "–");
    else if (isfinite(half))
        snprintf(out, size, "%+.*f ±%.*f", decimals, line->change, decimals, half);
    else
        snprintf(out, size, "%+.*f", decimals, line->change);
    return out;
}

static void draw_line(struct figure *figure, const struct timing_diff_line *line, const struct frame *frame, double y)
{
    struct figure_key look = look_of(line->verdict);
    struct figure_font font = text_font;
    const struct figure_stroke stroke = {look.color, 1.3, FIGURE_SOLID};
    char label[512], cut[256], percent[32] = "–";
    if (line->verdict == TIMING_DIFF_NOISE || line->verdict == TIMING_DIFF_UNKNOWN)
        font.color = COLOR_DIM;
    label_of(line, label, sizeof label);
    figure_text(figure, frame->label_right, y, FIGURE_RIGHT, &font,
                figure_text_cut(figure, &font, label, frame->label_width + 0.01, cut, sizeof cut));
    if (isfinite(line->low) && isfinite(line->high)) {
        double low = at(frame, line->low), high = at(frame, line->high);
        figure_line(figure, low, y, high, y, &stroke);
        figure_line(figure, low, y - 2.5, low, y + 2.5, &stroke);
        figure_line(figure, high, y - 2.5, high, y + 2.5, &stroke);
    }
    if (isfinite(line->change))
        figure_marker(figure, at(frame, line->change), y, look.mark, 5, look.color);
    if (isfinite(timing_diff_percent(line)))
        snprintf(percent, sizeof percent, "%+.*f %%", fabs(timing_diff_percent(line)) < 1000,
                 timing_diff_percent(line));
    double x = frame->columns + 2 * COLUMN;
    put_ms(figure, x - COLUMN, y, &font, line->a);
    put_ms(figure, x, y, &font, line->b);
    x += frame->change;
    if (frame->change > 0)
        figure_text(figure, x, y, FIGURE_RIGHT, &font, change_text(line, label, sizeof label));
    figure_text(figure, x + COLUMN, y, FIGURE_RIGHT, &font, percent);
    figure_text(figure, x + COLUMN + 8, y, FIGURE_LEFT, &font, look.name);
}

/* Returns what it took of the box's height; 0: there was nothing, or no room. */
static double draw_panel(struct figure *figure, const struct timing_diff *diff, int panel, const char *heading,
                         struct figure_box box)
{
    int n = count_lines(diff, panel);
    double columns = 3 * COLUMN + WORD + 8, widest = 0, y = box.y + HEADING;
    double change = box.w < columns + CHANGE + 180 ? 0 : CHANGE;
    char label[512];
    if (n == 0 || box.h < HEADING + n * LINE + FOOT || box.w < columns + 180)
        return 0;
    for (int i = 0; i < diff->n_lines; i++)
        if (panel_of(&diff->lines[i]) >= 0) { /* the same for all panels, so that they are aligned */
            label_of(&diff->lines[i], label, sizeof label);
            widest = fmax(widest, figure_text_width(figure, &text_font, label));
        }
    widest = fmin(widest, LABELS * box.w);
    struct frame frame = {.label_right = box.x + widest,
                          .label_width = widest,
                          .columns = box.x + box.w - columns - change,
                          .change = change};
    frame.plot = (struct figure_box){frame.label_right + 12, y, frame.columns - frame.label_right - 12, n * LINE};
    frame.range = range_of(diff, panel);
    figure_text(figure, box.x, box.y + 6, FIGURE_LEFT, &head_font, heading);
    const char *const heads[] = {"A (ms)", "B (ms)", change > 0 ? "change (ms)" : "", change > 0 ? "(%)" : "change"};
    double right = frame.columns;
    for (int c = 0; c < 4; c++) {
        right += c == 2 ? change : COLUMN;
        figure_text(figure, right, box.y + 6, FIGURE_RIGHT, &head_font, heads[c]);
    }
    draw_axis(figure, &frame);
    for (int i = 0; i < diff->n_lines; i++) {
        if (panel_of(&diff->lines[i]) != panel)
            continue;
        draw_line(figure, &diff->lines[i], &frame, y + LINE / 2);
        y += LINE;
    }
    return HEADING + n * LINE + FOOT + BETWEEN;
}

void figure_timing_diff_draw(struct figure *figure, const struct timing_diff *diff, struct figure_box box)
{
    static const char *const headings[PANELS] = {"The step and where its time goes", "Blocks", "Rows"};
    static const enum timing_diff_verdict shown[] = {TIMING_DIFF_FASTER, TIMING_DIFF_SLOWER, TIMING_DIFF_DIFFERS,
                                                     TIMING_DIFF_NOISE, TIMING_DIFF_UNKNOWN};
    struct figure_key keys[5];
    int n_keys = 0, one_run = 0;
    for (int i = 0; i < diff->n_lines; i++)
        one_run |= diff->lines[i].verdict == TIMING_DIFF_DIFFERS;
    for (int k = one_run ? 2 : 0; k < 5; k++) { /* of the first three those that can be there */
        if (shown[k] == TIMING_DIFF_DIFFERS && !one_run)
            continue;
        keys[n_keys] = look_of(shown[k]);
        keys[n_keys++].width = 1.3;
    }
    if (one_run)
        keys[0].name = "differs in these runs";
    keys[n_keys - 2].name = "noise: the 95 % interval holds 0";
    keys[n_keys - 1].name = "interval unknown";
    double used = figure_legend(figure, box, keys, n_keys, 0);
    used += used > 0 ? KEYS - 13 : 0;
    for (int p = 0; p < PANELS; p++) {
        struct figure_box panel = {box.x, box.y + used, box.w, box.h - used};
        used += draw_panel(figure, diff, p, headings[p], panel);
    }
}
