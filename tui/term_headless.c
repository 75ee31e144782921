#include "tui/term.h"

#include "kernels/left_out.h"

int term_check(struct error *err)
{
    return left_out(err, "the workbench needs", "ncurses", "use davidnet train, and look with show, curves and timing");
}

int term_open(const struct term_options *options, struct error *err)
{
    (void)options;
    return term_check(err);
}

/* Without a terminal that could be opened, the rest is as if a closed one had been asked. */

void term_close(void)
{
}

int term_slow(void)
{
    return 0;
}

int term_ascii(void)
{
    return 1;
}

int term_depth(void)
{
    return 0;
}

void term_size(int *w, int *h)
{
    *w = *h = 1;
}

int term_input_fd(void)
{
    return -1;
}

int term_output_fd(void)
{
    return -1;
}

void term_forget(void)
{
}

void term_resume(void)
{
}

void term_hand_over(void)
{
}

void term_take_back(void)
{
}

enum term_input term_read(int *key, struct mouse *mouse)
{
    (void)key, (void)mouse;
    return TERM_LOST;
}

int term_unread(void)
{
    return 0;
}

int term_pasting(void)
{
    return 0;
}

void term_mouse(int on)
{
    (void)on;
}

enum term_copied term_copy(const char *text)
{
    (void)text;
    return TERM_COPY_UNKNOWN;
}

void term_tick(double now)
{
    (void)now;
}

int term_ready(void)
{
    return 1;
}

double term_rest(void)
{
    return 0;
}

int term_show(const struct grid *grid, int awaited)
{
    (void)grid, (void)awaited;
    return 0;
}

void term_probe(void)
{
}
