/*
 * Curses does the sending: it knows what is on the screen and what is cheapest. We keep a copy of the last grid so
 * that only changed cells are handed to it. Raw escapes that curses has no way to send are in `raw_` below, with what
 * comes in that curses does not know.
 *
 * A terminal that takes nothing (a stalled connection) must not keep us from ending: frames wait until it takes
 * something, and where curses is stuck in the middle of one when SIGTERM comes, the handler puts /dev/null in the
 * terminal's place for good (`is_muted`), so that the write that is begun again comes to an end.
 */
#include "tui/term.h"

#include "tui/clipboard.h"
#include "tui/keys.h"
#include "tui/pacing.h"
#include "tui/signals.h"
#include "views/palette.h"
#include "views/utf8.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

static struct {
    SCREEN *screen;
    struct termios before; /* as we found it */
    int ascii, depth, repaint;
    struct grid shown;
    struct {
        uint32_t color;
        int index;
    } cache[2][256]; /* foreground, background: curses colour of exact colours */
    int named[2][COLOR_COUNT];
    int tty, nowhere;  /* the terminal, where a write does not wait; /dev/null */
    int out;           /* what stdout was, for when it is muted */
    char restore[512]; /* for the handler of fatal signals */
    size_t restore_length;
    int has_mouse, has_clipboard, wants_mouse;
    int shows;        /* a frame has been sent */
    int brackets;     /* the terminal says what is pasted */
    int pasting;      /* and this is */
    double pasted_at; /* when the last of it came */
    int flooded;      /* within one that came without brackets */
    double now;       /* of term_tick */
    struct pacing pacing;
} term = {.tty = -1, .out = -1, .nowhere = -1};

static volatile sig_atomic_t is_open, is_sending, is_muted;

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Escapes that curses has no way to send. */
static const char raw_restore[] = "\033[0m\033[?25h";
static const char raw_paste_on[] = "\033[?2004h", raw_paste_off[] = "\033[?2004l";
static const char raw_mouse_off[] = "\033[?1006;1000l";

/* What the terminal sends and curses does not know. */
static const char raw_paste_begins[] = "\033[200~", raw_paste_ends[] = "\033[201~";
enum { CODE_ANSWER = KEY_MAX + 1, CODE_PASTE_BEGINS, CODE_PASTE_ENDS };

#define PASTE_BYTES 1024  /* waiting all at once: nobody types that, it was pasted */
#define PASTE_SECONDS 0.5 /* of silence end such a paste */
#define BRACKET_SECONDS 5 /* and one whose end got lost */

/* ---- within signal handlers ---- */

static void send_restore(void)
{
    ssize_t ignored = write(term.tty, term.restore, term.restore_length);
    (void)ignored;
}

static void on_fatal(void)
{
    if (!is_open)
        return;
    is_open = 0;
    send_restore();
    tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
}

static void mute(void)
{
    is_muted = 1;
    dup2(term.nowhere, STDOUT_FILENO);
}

/* Whoever ended us in the middle of a frame gets the last word all the same, if the terminal takes something again. */
static void unmute(void)
{
    struct pollfd output = {.fd = term.out, .events = POLLOUT};
    if (is_muted && term.out >= 0 && poll(&output, 1, 0) > 0 && output.revents == POLLOUT)
        dup2(term.out, STDOUT_FILENO);
}

static void on_ending(void)
{
    if (is_sending)
        mute();
}

/* ---- opening and closing ---- */

/* A name that terminfo knows and that can move its cursor, or NULL. */
static const char *choose_terminal(void)
{
    const char *names[] = {getenv("TERM"), "xterm-256color", "xterm", "vt100", "ansi"};
    for (size_t i = 0; i < COUNT(names); i++) {
        int status;
        if (!names[i] || !*names[i] || setupterm(names[i], STDOUT_FILENO, &status) != OK)
            continue;
        const char *move = tigetstr("cup");
        int can_move = move && move != (const char *)-1;
        del_curterm(cur_term);
        if (can_move)
            return names[i];
        if (i == 0)
            return NULL; /* known, and known to be unable: "dumb" */
    }
    return NULL;
}

static int wants_true_color(void)
{
    const char *value = getenv("COLORTERM");
    return value && (strcmp(value, "truecolor") == 0 || strcmp(value, "24bit") == 0);
}

static void define_colors(void)
{
    if (term.depth == 24)
        palette_entries(term.named);
    for (int background = 0; background < 2; background++) {
        for (uint32_t color = 0; color < COLOR_COUNT; color++) {
            int *index = &term.named[background][color];
            if (term.depth == 24) { /* curses sets the table back when it ends */
                uint32_t rgb = palette_rgb(color, background);
                init_extended_color(*index, (int)(rgb >> 16 & 255) * 1000 / 255, (int)(rgb >> 8 & 255) * 1000 / 255,
                                    (int)(rgb & 255) * 1000 / 255);
            } else {
                *index = term.depth == 8 ? palette_256(color, background) : palette_16(color, background);
                *index = *index >= COLORS ? *index & 7 : *index;
            }
        }
    }
}

static void open_colors(int no_color)
{
    term.depth = 0;
    if (no_color || !has_colors() || start_color() == ERR || COLORS < 8)
        return;
    use_default_colors();
    term.depth = COLORS >= 256 ? (wants_true_color() && can_change_color() ? 24 : 8) : 4;
    define_colors();
}

static void add_restore(const char *text)
{
    if (!text || text == (const char *)-1)
        return;
    /* Padding such as $<5> is for terminals of another age; leave it out. */
    while (*text && term.restore_length < sizeof term.restore) {
        const char *end = strncmp(text, "$<", 2) == 0 ? strchr(text, '>') : NULL;
        if (end)
            text = end + 1;
        else
            term.restore[term.restore_length++] = *text++;
    }
}

static void prepare_restore(void)
{
    term.restore_length = 0;
    if (term.depth == 24)
        add_restore(tigetstr("oc"));
    add_restore(tigetstr("sgr0") ? raw_paste_off : raw_restore);
    if (term.has_mouse)
        add_restore(raw_mouse_off);
    add_restore(tigetstr("sgr0"));
    add_restore(tigetstr("rmkx"));
    add_restore(tigetstr("cnorm"));
    add_restore(tigetstr("rmcup"));
}

static int open_files(struct error *err)
{
    /* Opened anew: O_NONBLOCK on the descriptor that we were given would be the shell's too. */
    if (term.tty < 0)
        term.tty = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (term.tty < 0)
        term.tty = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (term.out < 0)
        term.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (term.nowhere < 0)
        term.nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return term.tty < 0 || term.nowhere < 0 ? error_set(err, "cannot open /dev/null: %s", strerror(errno)) : 0;
}

static int takes_output(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return !is_muted && poll(&output, 1, 0) > 0;
}

/* Nothing, where the terminal takes nothing. */
static int send_raw(const char *text)
{
    if (!takes_output())
        return 0;
    is_sending = 1;
    fputs(text, stdout);
    fflush(stdout);
    is_sending = 0;
    return 1;
}

static void ask(void)
{
    if (!term.pacing.silent && send_raw(PACING_QUESTION))
        pacing_asked(&term.pacing, term.now);
}

int term_check(struct error *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(err, "the workbench needs a terminal; 'davidnet train' trains without one");
    if (!choose_terminal())
        return error_set(err,
                         "TERM=%s: this terminal cannot move its cursor, or terminfo is missing; set TERM, or use "
                         "'davidnet train'",
                         getenv("TERM") ? getenv("TERM") : "");
    return 0;
}

/* Ctrl-S is a key: by mistake it would stop the screen, and us. */
static void keep_output_going(void)
{
    struct termios modes;
    if (tcgetattr(STDIN_FILENO, &modes) != 0)
        return;
    modes.c_iflag &= ~(tcflag_t)IXON;
    tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    def_prog_mode();
}

/* What comes in besides keys. */
static void open_input(const char *name, const struct term_options *options)
{
    const char *mouse = tigetstr("kmous"), *clipboard = tigetstr("Ms");
    int modern = mouse && mouse != (const char *)-1 && strcmp(name, "linux") != 0;
    term.has_mouse = modern;
    term.has_clipboard = modern || (clipboard && clipboard != (const char *)-1);
    define_key(PACING_ANSWER, CODE_ANSWER);
    define_key(raw_paste_begins, CODE_PASTE_BEGINS);
    define_key(raw_paste_ends, CODE_PASTE_ENDS);
    mouseinterval(0); /* a press is one at once; loop.c knows what a double click is */
    term.wants_mouse = modern && !options->no_mouse;
    term.pacing = (struct pacing){0};
    term.brackets = term.pasting = term.flooded = term.shows = 0;
}

static void tell_mouse(void)
{
    mousemask(term.wants_mouse ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

void term_mouse(int on)
{
    on = on && term.has_mouse;
    if (on == term.wants_mouse)
        return; /* curses would tell the terminal again */
    term.wants_mouse = on;
    tell_mouse();
}

/* The modes that are ours alone, as the terminal is opened or comes back to us. */
static void enter(void)
{
    send_raw(raw_paste_on);
    tell_mouse();
    ask();
}

/* The answer to a question that was asked must not become input of the shell. */
static void leave(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    wint_t code;
    mousemask(0, NULL);
    while (term.pacing.known && term.pacing.due > 0 && poll(&input, 1, 1000) > 0 && input.revents == POLLIN)
        if (wget_wch(stdscr, &code) == KEY_CODE_YES && code == CODE_ANSWER)
            pacing_answered(&term.pacing);
    term.pacing.due = 0;
    send_raw(raw_paste_off);
}

int term_open(const struct term_options *options, struct error *err)
{
    static const struct signals_hooks hooks = {.fatal = on_fatal, .ending = on_ending};
    static int exit_is_set;
    if (term_check(err))
        return -1;
    const char *name = choose_terminal();
    if (open_files(err))
        return -1;
    if (tcgetattr(STDIN_FILENO, &term.before) != 0 || grid_init(&term.shown, 0, 0))
        return error_set(err, "cannot read the terminal's modes: %s", strerror(errno));
    /* Before newterm: curses then leaves SIGTSTP alone, which it would ignore while it draws. */
    if (signals_begin(&hooks, err))
        return -1;
    set_escdelay(50);
    use_extended_names(TRUE);
    term.screen = newterm((char *)name, stdout, stdin);
    if (!term.screen) {
        signals_end();
        return error_set(err, "curses cannot use TERM=%s; use 'davidnet train'", name);
    }
    set_term(term.screen);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    curs_set(0);
    keep_output_going();
    term.ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    open_colors(options->no_color);
    open_input(name, options);
    prepare_restore();
    is_open = 1;
    signals_again();
    enter();
    if (!exit_is_set++)
        atexit(term_close);
    term.repaint = 1;
    return 0;
}

void term_close(void)
{
    if (!term.screen)
        return;
    if (is_open) {
        is_open = 0;
        if (!takes_output())
            mute();
        else
            leave();
        is_sending = 1;
        endwin();
        is_sending = 0;
        if (is_muted)
            send_restore();
        tcsetattr(STDIN_FILENO, is_muted ? TCSANOW : TCSADRAIN, &term.before);
        unmute();
    }
    signals_end();
    delscreen(term.screen);
    term.screen = NULL;
    grid_release(&term.shown);
}

void term_suspend(void)
{
    leave();
    endwin();
    tcsetattr(STDIN_FILENO, TCSADRAIN, &term.before);
    is_open = 0;
    signal(SIGTSTP, SIG_DFL);
    raise(SIGTSTP); /* nothing, where no shell could continue us */
    is_open = 1;
    signals_again();
    refresh(); /* program modes again */
    enter();
    term_forget();
}

void term_resume(void)
{
    reset_prog_mode();
    enter();
    term_forget();
}

/* ---- what it is like ---- */

int term_ascii(void)
{
    return term.ascii;
}

int term_depth(void)
{
    return term.depth;
}

int term_input_fd(void)
{
    return STDIN_FILENO;
}

void term_size(int *w, int *h)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        *w = size.ws_col;
        *h = size.ws_row;
    } else { /* a serial line: what terminfo and the environment say */
        *w = COLS > 0 ? COLS : 80;
        *h = LINES > 0 ? LINES : 24;
    }
    if (*w != COLS || *h != LINES) {
        resizeterm(*h, *w);
        term_forget();
    }
}

/* ---- what comes in ---- */

static int named_key(wint_t code)
{
    static const struct {
        wint_t curses;
        int key;
    } table[] = {
        {KEY_UP, KEYS_UP},
        {KEY_DOWN, KEYS_DOWN},
        {KEY_LEFT, KEYS_LEFT},
        {KEY_RIGHT, KEYS_RIGHT},
        {KEY_HOME, KEYS_HOME},
        {KEY_END, KEYS_END},
        {KEY_PPAGE, KEYS_PAGE_UP},
        {KEY_NPAGE, KEYS_PAGE_DOWN},
        {KEY_BTAB, KEYS_SHIFT_TAB},
        {KEY_DC, KEYS_DELETE},
        {KEY_F(1), KEYS_F1},
        {KEY_ENTER, KEYS_ENTER},
        {KEY_BACKSPACE, KEYS_BACKSPACE},
        {KEY_RESIZE, KEYS_NONE},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (table[i].curses == code)
            return table[i].key;
    return KEYS_OTHER;
}

static int take_mouse(struct mouse *mouse)
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return 0;
    *mouse = (struct mouse){.x = event.x, .y = event.y};
    if (event.bstate & BUTTON1_PRESSED)
        mouse->what = MOUSE_PRESS;
    else if (event.bstate & BUTTON4_PRESSED)
        mouse->what = MOUSE_WHEEL_UP;
    else if (event.bstate & BUTTON5_PRESSED)
        mouse->what = MOUSE_WHEEL_DOWN;
    else
        return 0;
    return 1;
}

/* More at once than anybody types was pasted, even where the terminal does not say so. */
static void notice_flood(void)
{
    int waiting = 0;
    if (!term.brackets && !term.flooded && ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0 && waiting >= PASTE_BYTES) {
        term.flooded = 1;
        term.pasted_at = term.now;
    }
}

static enum term_input nothing(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (term_pasting() && term.now - term.pasted_at > (term.pasting ? BRACKET_SECONDS : PASTE_SECONDS))
        term.pasting = term.flooded = 0;
    /* Nothing to read, or nothing ever again: end of file is readable for ever. */
    if (poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)))
        return TERM_LOST;
    return TERM_NOTHING;
}

enum term_input term_read(int *key, struct mouse *mouse)
{
    for (;;) {
        wint_t code;
        notice_flood();
        int status = wget_wch(stdscr, &code);
        if (status == ERR)
            return nothing();
        if (status != KEY_CODE_YES && pacing_torn(&term.pacing, code))
            continue;
        if (status == KEY_CODE_YES && (code == CODE_PASTE_BEGINS || code == CODE_PASTE_ENDS)) {
            term.pasting = code == CODE_PASTE_BEGINS;
            term.brackets = 1;
            term.flooded = 0;
            term.pasted_at = term.now;
            continue;
        }
        if (status == KEY_CODE_YES && code == CODE_ANSWER) {
            pacing_answered(&term.pacing);
            continue;
        }
        if (status == KEY_CODE_YES && code == KEY_MOUSE) {
            if (take_mouse(mouse))
                return TERM_MOUSE;
            continue;
        }
        *key = status == KEY_CODE_YES ? named_key(code)
               : code == '\r'         ? KEYS_ENTER
               : code == 8            ? KEYS_BACKSPACE
                                      : (int)code;
        if (!term_pasting())
            return TERM_KEY;
        term.pasted_at = term.now;
        return TERM_PASTED;
    }
}

int term_pasting(void)
{
    return term.pasting || term.flooded;
}

int term_copy(const char *text)
{
    char escape[CLIPBOARD_ESCAPE_MAX];
    return term.has_clipboard && clipboard_escape(text, escape) == 0 && send_raw(escape);
}

/* ---- showing ---- */

static int color_index(uint32_t color, int background)
{
    if (color < COLOR_COUNT)
        return term.named[background][color];
    size_t slot = (color * 2654435761u) >> 24;
    if (term.cache[background][slot].color != color) {
        term.cache[background][slot].color = color;
        term.cache[background][slot].index =
            term.depth == 4 ? palette_16(color, background) & 7 : palette_256(color, background);
    }
    return term.cache[background][slot].index;
}

static void put_cell(int x, int y, const struct cell *cell)
{
    wchar_t text[CCHARW_MAX + 1];
    int n = 0;
    for (const char *at = cell->text; *at && n < CCHARW_MAX;) {
        int32_t code;
        at += utf8_decode(at, &code);
        text[n++] = code < 0 ? L'?' : (wchar_t)code;
    }
    text[n] = L'\0';
    uint8_t wanted = term.depth ? cell->attr : cell->attr | palette_mono(cell->fg, cell->bg);
    attr_t attr = A_NORMAL;
    attr |= wanted & ATTR_BOLD ? A_BOLD : 0;
    attr |= wanted & ATTR_DIM ? A_DIM : 0;
    attr |= wanted & ATTR_UNDERLINE ? A_UNDERLINE : 0;
    attr |= wanted & ATTR_REVERSE ? A_REVERSE : 0;
    int pair = term.depth ? alloc_pair(color_index(cell->fg, 0), color_index(cell->bg, 1)) : 0;
    cchar_t wide;
    if (pair < 0)
        pair = 0;
    if (setcchar(&wide, text, attr, 0, &pair) == OK)
        mvadd_wch(y, x, &wide);
}

int term_show(const struct grid *grid)
{
    if (!takes_output())
        return 1;
    if (term.repaint || grid->w != term.shown.w || grid->h != term.shown.h) {
        if (grid_resize(&term.shown, grid->w, grid->h))
            return -1;
        clearok(stdscr, TRUE);
        erase();
        term.repaint = 1;
    }
    for (int y = 0; y < grid->h; y++) {
        for (int x = 0; x < grid->w; x++) {
            const struct cell *cell = &grid->cells[(size_t)y * (size_t)grid->w + (size_t)x];
            struct cell *old = grid_at(&term.shown, x, y);
            int same = !term.repaint && strcmp(cell->text, old->text) == 0 && cell->fg == old->fg &&
                       cell->bg == old->bg && cell->attr == old->attr && cell->width == old->width;
            if (!same && cell->width)
                put_cell(x, y, cell);
            *old = *cell;
        }
    }
    term.repaint = 0;
    is_sending = 1;
    refresh();
    is_sending = 0;
    term.shows = 1;
    ask();
    return 0;
}

void term_tick(double now)
{
    term.now = now;
}

int term_ready(void)
{
    return !term.shows || pacing_ready(&term.pacing, term.now);
}

void term_forget(void)
{
    term.repaint = 1;
}
