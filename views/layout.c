#include "views/layout.h"

void layout_divide(int length, int gap, const struct layout_part *parts, int n, int *sizes)
{
    int need = -gap, there = 0;
    for (int i = 0; i < n; i++) {
        sizes[i] = parts[i].min;
        need += parts[i].min > 0 ? parts[i].min + gap : 0;
        there += parts[i].min > 0;
    }
    while (there > 0 && need > length) {
        int worst = -1;
        for (int i = 0; i < n; i++)
            if (sizes[i] > 0 && (worst < 0 || parts[i].drop >= parts[worst].drop))
                worst = i;
        need -= sizes[worst] + gap;
        sizes[worst] = 0;
        there--;
    }
    /* What is left over goes round by weight, one share at a time, until nobody can take more. */
    for (int left = length - need; there > 0 && left > 0;) {
        int weights = 0, given = 0;
        for (int i = 0; i < n; i++)
            if (sizes[i] > 0 && (!parts[i].max || sizes[i] < parts[i].max))
                weights += parts[i].weight;
        if (weights == 0)
            break;
        for (int i = 0, share = left; i < n; i++) {
            if (sizes[i] == 0 || parts[i].weight == 0 || (parts[i].max && sizes[i] >= parts[i].max))
                continue;
            int more = share * parts[i].weight / weights;
            if (more == 0)
                more = 1;
            if (more > left - given)
                more = left - given;
            if (parts[i].max && more > parts[i].max - sizes[i])
                more = parts[i].max - sizes[i];
            sizes[i] += more;
            given += more;
        }
        left -= given;
        if (given == 0)
            break;
    }
}

static void place(struct rect area, int gap, const struct layout_part *parts, int n, struct rect *out, int down)
{
    int sizes[LAYOUT_PARTS_MAX], at = down ? area.y : area.x;
    layout_divide(down ? area.h : area.w, gap, parts, n, sizes);
    for (int i = 0; i < n; i++) {
        if (down)
            out[i] = (struct rect){area.x, at, sizes[i] ? area.w : 0, sizes[i]};
        else
            out[i] = (struct rect){at, area.y, sizes[i], sizes[i] ? area.h : 0};
        at += sizes[i] ? sizes[i] + gap : 0;
    }
}

void layout_rows(struct rect area, int gap, const struct layout_part *parts, int n, struct rect *out)
{
    place(area, gap, parts, n, out, 1);
}

void layout_columns(struct rect area, int gap, const struct layout_part *parts, int n, struct rect *out)
{
    place(area, gap, parts, n, out, 0);
}
