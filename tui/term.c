/*
 * Curses does the sending: it knows what is on the screen and what is cheapest. We keep a copy of the last grid so
 * that only changed cells are handed to it. Raw escapes that curses has no way to send are in `raw` below.
 *
 * Signals: handlers set a flag and write a byte to a pipe; the event loop does the rest. Curses installs none of its
 * own where it finds ours.
 *
 * A terminal that takes nothing (a stalled connection) must not keep us from ending: frames wait until it takes
 * something, and where curses is stuck in the middle of one when SIGTERM comes, the handler puts /dev/null in the
 * terminal's place for good (`is_muted`), so that the write that is begun again comes to an end.
 */
#include "tui/term.h"

#include "tui/keys.h"
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
    int pipe[2];
    int tty, nowhere;  /* the terminal, where a write does not wait; /dev/null */
    char restore[512]; /* for the handler of fatal signals */
    size_t restore_length;
    struct sigaction old_action[NSIG];
} term = {.pipe = {-1, -1}, .tty = -1, .nowhere = -1};

static atomic_uint events;
static volatile sig_atomic_t is_open, is_sending, is_muted;

/* Every signal that ends a process, but for those that can be answered. */
static const int fatal_signals[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,   SIGSYS,  SIGQUIT, SIGPIPE,
                                    SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR};
static const int asking_signals[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGINT, SIGTERM, SIGHUP};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Escapes that curses cannot send: none yet; the list is here so that they have one place. */
static const char raw_restore[] = "\033[0m\033[?25h";

/* ---- signals ---- */

static void send_restore(void)
{
    ssize_t ignored = write(term.tty, term.restore, term.restore_length);
    (void)ignored;
}

static void on_fatal(int number)
{
    if (is_open) {
        is_open = 0;
        send_restore();
        tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
    }
    raise(number); /* SA_RESETHAND: the default action, once we return */
}

static void mute(void)
{
    is_muted = 1;
    dup2(term.nowhere, STDOUT_FILENO);
}

static void on_asking(int number)
{
    int saved = errno;
    unsigned flag = number == SIGWINCH  ? TERM_RESIZED
                    : number == SIGTSTP ? TERM_SUSPEND
                    : number == SIGCONT ? TERM_CONTINUED
                    : number == SIGINT  ? TERM_INTERRUPT
                    : number == SIGTERM ? TERM_TERMINATE
                                        : TERM_HANGUP;
    atomic_fetch_or(&events, flag);
    if (is_sending && (flag & (TERM_TERMINATE | TERM_HANGUP)))
        mute();
    ssize_t ignored = write(term.pipe[1], "s", 1); /* full: somebody will read it anyway */
    (void)ignored;
    errno = saved;
}

static void set_handler(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void save_handlers(void)
{
    for (size_t i = 0; i < COUNT(fatal_signals); i++)
        sigaction(fatal_signals[i], NULL, &term.old_action[fatal_signals[i]]);
    for (size_t i = 0; i < COUNT(asking_signals); i++)
        sigaction(asking_signals[i], NULL, &term.old_action[asking_signals[i]]);
}

static void set_handlers(void)
{
    static char stack[16384]; /* for a fault that has used up the other one */
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < COUNT(fatal_signals); i++)
        if (term.old_action[fatal_signals[i]].sa_handler != SIG_IGN)
            set_handler(fatal_signals[i], on_fatal, SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    for (size_t i = 0; i < COUNT(asking_signals); i++)
        set_handler(asking_signals[i], on_asking, SA_RESTART);
}

static void restore_handlers(void)
{
    for (size_t i = 0; i < COUNT(fatal_signals); i++)
        sigaction(fatal_signals[i], &term.old_action[fatal_signals[i]], NULL);
    for (size_t i = 0; i < COUNT(asking_signals); i++)
        sigaction(asking_signals[i], &term.old_action[asking_signals[i]], NULL);
}

unsigned term_events(void)
{
    char bytes[64];
    while (read(term.pipe[0], bytes, sizeof bytes) > 0)
        continue;
    return atomic_exchange(&events, 0);
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

static int color_distance(int index, uint32_t rgb)
{
    uint32_t at = palette_xterm(index);
    int r = (int)(at >> 16 & 255) - (int)(rgb >> 16 & 255), g = (int)(at >> 8 & 255) - (int)(rgb >> 8 & 255);
    int b = (int)(at & 255) - (int)(rgb & 255);
    return 3 * r * r + 6 * g * g + b * b;
}

/*
 * With 24 bits each named colour gets an entry of the terminal's table, the nearest that is free: where a terminal
 * ignores the new value, what it shows is close. Curses sets the table back when it ends.
 */
static void define_colors(void)
{
    unsigned char used[256] = {0};
    for (int background = 0; background < 2; background++) {
        for (uint32_t color = 0; color < COLOR_COUNT; color++) {
            uint32_t rgb = palette_rgb(color, background);
            int same = -1;
            if (term.depth == 4) {
                term.named[background][color] = palette_16(color, background);
                if (term.named[background][color] >= COLORS)
                    term.named[background][color] &= 7;
                continue;
            }
            term.named[background][color] = palette_256(color, background);
            if (term.depth != 24)
                continue;
            for (uint32_t before = 0; before < COLOR_COUNT && background; before++)
                if (palette_rgb(before, 0) == rgb)
                    same = term.named[0][before];
            for (uint32_t before = 0; before < color; before++)
                if (palette_rgb(before, background) == rgb)
                    same = term.named[background][before];
            int best = same;
            for (int i = 16; i < 256 && same < 0; i++)
                if (!used[i] && (best < 0 || color_distance(i, rgb) < color_distance(best, rgb)))
                    best = i;
            used[best] = 1;
            term.named[background][color] = best;
            if (same < 0)
                init_extended_color(best, (int)(rgb >> 16 & 255) * 1000 / 255, (int)(rgb >> 8 & 255) * 1000 / 255,
                                    (int)(rgb & 255) * 1000 / 255);
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
    add_restore(tigetstr("sgr0"));
    add_restore(tigetstr("rmkx"));
    add_restore(tigetstr("cnorm"));
    add_restore(tigetstr("rmcup"));
    if (term.restore_length == 0)
        add_restore(raw_restore);
}

static int open_files(struct error *err)
{
    if (term.pipe[0] < 0 && pipe2(term.pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set(err, "cannot make a pipe: %s", strerror(errno));
    /* Opened anew: O_NONBLOCK on the descriptor that we were given would be the shell's too. */
    if (term.tty < 0)
        term.tty = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (term.tty < 0)
        term.tty = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (term.nowhere < 0)
        term.nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return term.tty < 0 || term.nowhere < 0 ? error_set(err, "cannot open /dev/null: %s", strerror(errno)) : 0;
}

static int takes_output(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return !is_muted && poll(&output, 1, 0) > 0;
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

int term_open(const struct term_options *options, struct error *err)
{
    static int exit_is_set;
    if (term_check(err))
        return -1;
    const char *name = choose_terminal();
    if (open_files(err) || tcgetattr(STDIN_FILENO, &term.before) != 0 || grid_init(&term.shown, 0, 0))
        return error_set(err, "cannot read the terminal's modes: %s", strerror(errno));
    save_handlers();
    set_handlers(); /* before newterm: curses then leaves SIGTSTP alone, which it would ignore while it draws */
    set_escdelay(50);
    use_extended_names(TRUE);
    term.screen = newterm((char *)name, stdout, stdin);
    if (!term.screen) {
        restore_handlers();
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
    prepare_restore();
    is_open = 1;
    set_handlers();
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
        is_sending = 1;
        endwin();
        is_sending = 0;
        if (is_muted)
            send_restore();
        tcsetattr(STDIN_FILENO, is_muted ? TCSANOW : TCSADRAIN, &term.before);
    }
    restore_handlers();
    delscreen(term.screen);
    term.screen = NULL;
    grid_release(&term.shown);
}

void term_suspend(void)
{
    endwin();
    tcsetattr(STDIN_FILENO, TCSADRAIN, &term.before);
    is_open = 0;
    signal(SIGTSTP, SIG_DFL);
    raise(SIGTSTP); /* nothing, where no shell could continue us */
    is_open = 1;
    set_handlers();
    refresh(); /* program modes again */
    term_forget();
}

void term_resume(void)
{
    reset_prog_mode();
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

int term_signal_fd(void)
{
    return term.pipe[0];
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

/* ---- keys ---- */

int term_key(void)
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
    wint_t key;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int status = wget_wch(stdscr, &key);
    if (status == ERR) {
        /* Nothing to read, or nothing ever again: end of file is readable for ever. */
        if (poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)))
            return -1;
        return KEYS_NONE;
    }
    if (status == KEY_CODE_YES) {
        for (size_t i = 0; i < COUNT(table); i++)
            if (table[i].curses == key)
                return table[i].key;
        return KEYS_OTHER;
    }
    return key == '\r' ? KEYS_ENTER : key == 8 ? KEYS_BACKSPACE : (int)key;
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
    return 0;
}

void term_forget(void)
{
    term.repaint = 1;
}
