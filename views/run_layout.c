/* The Run screen's layout; see views/run_view.h. */
#include "views/layout.h"
#include "views/run_view.h"

#include <string.h>

/* A panel that is narrower or lower than this tells nothing. */
#define PANEL_MIN_W 30
#define PANEL_MIN_H 5

/* Four panels in two columns: curves above, schedule and table below. */
static void lay_grid(struct rect body, struct run_layout *layout)
{
    int roomy = body.h >= 26;
    const struct layout_part columns[] = {{PANEL_MIN_W, 0, 1, 0}, {PANEL_MIN_W, 0, 1, 1}};
    const struct layout_part rows[] = {{PANEL_MIN_H, 0, 3, 0}, {PANEL_MIN_H, 0, 2, 1}};
    struct rect row[2], top[2], bottom[2];
    layout_rows(body, roomy, rows, 2, row);
    layout_columns(row[0], body.w >= 100 ? 4 : 2, columns, 2, top);
    layout_columns(row[1], body.w >= 100 ? 4 : 2, columns, 2, bottom);
    layout->panel[RUN_ACCURACY] = top[0];
    layout->panel[RUN_LOSS] = top[1];
    layout->panel[RUN_LR] = bottom[0];
    layout->panel[RUN_EPOCHS] = bottom[1];
}

/* One column: as many panels as get eight rows each, the one in focus among them. */
static void lay_column(struct rect body, enum run_panel focus, struct run_layout *layout)
{
    struct layout_part parts[RUN_PANELS];
    for (int i = 0; i < RUN_PANELS; i++)
        parts[i] = (struct layout_part){8, 0, 1, i == (int)focus ? 0 : i + 1};
    if (body.h < 8)
        parts[focus].min = body.h;
    layout_rows(body, 0, parts, RUN_PANELS, layout->panel);
}

void run_layout_make(struct rect area, const struct run_view_options *view, int recipe_lines, int notice_lines,
                     int forecast_lines, struct run_layout *layout)
{
    enum { RECIPE, NOTICE, TILES, BODY, FORECAST, PROGRESS, PARTS };
    memset(layout, 0, sizeof *layout);
    if (area.w <= 0 || area.h <= 0)
        return;
    int air = area.h >= 36; /* rows to spare: blanks around the numbers */
    const struct layout_part parts[PARTS] = {
        [RECIPE] = {area.h >= 18 ? recipe_lines : area.h >= 12, 0, 0, 4},
        [NOTICE] = {notice_lines, 0, 0, 2},
        [TILES] = {area.h >= 16 ? 2 + 2 * air : 1, 0, 0, 1},
        [BODY] = {4, 0, 1, 3},
        [FORECAST] = {area.h >= 14 ? forecast_lines * (1 + air) : 0, 0, 0, 5},
        [PROGRESS] = {1 + air, 0, 0, 0},
    };
    struct rect part[PARTS];
    layout_rows(area, 0, parts, PARTS, part);
    /* A column of air at both sides, where there is room. */
    for (int i = 0; i < PARTS; i++)
        if (part[i].w >= 60)
            part[i] = rect_inset(part[i], 1, 0);
    layout->recipe = part[RECIPE];
    layout->notice = part[NOTICE];
    layout->tiles = part[TILES];
    layout->forecast = part[FORECAST];
    layout->progress = part[PROGRESS];
    if (air) {
        layout->tiles = rect_inset(layout->tiles, 0, 1);
        layout->progress.y += 1;
        layout->progress.h = 1;
        layout->forecast.y += layout->forecast.h > 1;
        layout->forecast.h = layout->forecast.h > 0;
    }
    struct rect body = part[BODY];
    if (view->zoomed && body.h > 0)
        layout->panel[view->focus] = body;
    else if (body.w >= 2 * PANEL_MIN_W + 4 && body.h >= 2 * PANEL_MIN_H)
        lay_grid(body, layout);
    else if (body.h > 0)
        lay_column(body, view->focus, layout);
}
