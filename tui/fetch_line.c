#include "tui/fetch_line.h"

#include "tui/run_report.h"
#include "views/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BAR_MAX 40
#define BAR_MIN 8
#define TAIL 51 /* columns of the usual tail */

static const char *const phase_names[] = {
    [FETCH_CONNECTING] = "connecting", [FETCH_DOWNLOADING] = "downloading", [FETCH_WAITING] = "waiting",
    [FETCH_VERIFYING] = "verifying",   [FETCH_UNPACKING] = "unpacking",     [FETCH_DONE] = "done"};

static void append(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);
    if (used < size)
        snprintf(out + used, size - used, "%s", text);
}

static void amounts(const struct fetch_progress *p, char *out, size_t size)
{
    char text[96], left[RUN_TEXT];
    if (p->total > 0) {
        snprintf(text, sizeof text, "%3.0f %%   %.1f of %.1f MB", 100 * (double)p->done / (double)p->total,
                 (double)p->done / 1e6, (double)p->total / 1e6);
        append(out, size, text);
    } else {
        snprintf(text, sizeof text, "%.1f MB", (double)p->done / 1e6);
        append(out, size, text);
    }
    if (isfinite(p->bytes_per_second)) {
        snprintf(text, sizeof text, "   %.*f %s/s", p->bytes_per_second < 1e6 ? 0 : 1,
                 p->bytes_per_second / (p->bytes_per_second < 1e6 ? 1e3 : 1e6),
                 p->bytes_per_second < 1e6 ? "kB" : "MB");
        append(out, size, text);
    }
    if (isfinite(p->eta_seconds) && p->eta_seconds > 0) {
        snprintf(text, sizeof text, "   %s left", format_seconds(p->eta_seconds, left, sizeof left));
        append(out, size, text);
    }
}

/* Why the last try failed, before what was asked for: that is long, and the end is what a narrow line loses. */
static void put_problem(const char *problem, char *out, size_t size)
{
    size_t address = strncmp(problem, "http", 4) == 0 ? strcspn(problem, " ") : 0;
    if (address > 1 && problem[address - 1] == ':' && problem[address])
        snprintf(out, size, "%s; will be tried again: %.*s", problem + address + 1, (int)address - 1, problem);
    else
        snprintf(out, size, "%s%swill be tried again", problem, *problem ? "; " : "");
}

void fetch_line(const struct fetch_progress *progress, int width, int bar, char *out, size_t size)
{
    char tail[512] = "", head[32], cells[BAR_MAX + 8] = "";
    snprintf(head, sizeof head, progress->phase == FETCH_WAITING ? "%s: " : "%-11s  ", phase_names[progress->phase]);
    if (progress->phase == FETCH_DONE)
        snprintf(head, sizeof head, "%s", phase_names[progress->phase]);
    else if (progress->phase == FETCH_WAITING)
        put_problem(progress->problem ? progress->problem : "", tail, sizeof tail);
    else if (progress->phase != FETCH_CONNECTING)
        amounts(progress, tail, sizeof tail);
    int length = (int)strlen(tail) > TAIL ? (int)strlen(tail) : TAIL; /* so that the bar keeps its length */
    int room = width - (int)strlen(head) - length - 4;
    if (bar && progress->total > 0 && room >= BAR_MIN && progress->phase != FETCH_DONE &&
        progress->phase != FETCH_WAITING) {
        length = room < BAR_MAX ? room : BAR_MAX;
        int filled = (int)(length * fmin(1, (double)progress->done / (double)progress->total));
        cells[0] = '[';
        for (int i = 0; i < length; i++)
            cells[1 + i] = i < filled ? '#' : '-';
        strcpy(cells + 1 + length, "]  ");
    }
    snprintf(out, size, "%s%s%s", head, cells, tail);
    for (size_t end = strlen(out); end > 0 && out[end - 1] == ' '; end--)
        out[end - 1] = '\0';
    if (width >= 0 && strlen(out) > (size_t)width && (size_t)width < size)
        out[width] = '\0';
}
