#include "tui/progress.h"

#include "tui/columns.h"
#include "views/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool shown; /* there is a line now */

bool progress_codes(void)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0;
}

bool progress_possible(void)
{
    return isatty(STDERR_FILENO) && progress_codes();
}

void progress_show(const char *format, ...)
{
    char line[512];
    va_list args;
    if (!progress_possible())
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    /* One column is left free: a line that fills the last one may go on to the next, and could not be rewritten. */
    fprintf(stderr, "\r\033[K%.*s", text_fit(line, columns_width(stderr) - 1), line);
    shown = true;
}

void progress_clear(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}

void progress_keep(void)
{
    if (shown)
        fputc('\n', stderr);
    shown = false;
}
