#include "views/tiles.h"

void tiles_draw(const struct tile *tiles, int n, struct grid *grid, struct rect area)
{
    int tall = area.h >= 2, shown = 0, total = 0, widths[TILES_MAX];
    if (area.h < 1)
        return;
    for (; shown < n && shown < TILES_MAX; shown++) {
        int name = text_width(tall ? tiles[shown].name : tiles[shown].short_name);
        int value = text_width(tiles[shown].value);
        if (tall && total + 14 * (n - shown) > area.w && name > 8) /* where it is tight, the short names */
            name = text_width(tiles[shown].short_name);
        int width = tall ? (name > value ? name : value) : name + 1 + value;
        if (total + width > area.w)
            break;
        widths[shown] = width;
        total += width + 2;
    }
    int gap = shown > 1 ? (area.w - (total - 2 * shown)) / (shown - 1) : 0, x = area.x;
    gap = gap > 8 ? 8 : gap < 2 ? 2 : gap;
    for (int i = 0; i < shown; i++) {
        const struct tile *tile = &tiles[i];
        const char *name = tall && text_width(tile->name) <= widths[i] ? tile->name : tile->short_name;
        int used = put_text(grid, area, x, area.y, COLOR_DIM, ATTR_NONE, name);
        if (tall)
            put_text(grid, area, x, area.y + 1, tile->color, ATTR_BOLD, tile->value);
        else
            put_text(grid, area, x + used + 1, area.y, tile->color, ATTR_BOLD, tile->value);
        x += widths[i] + gap;
    }
}
