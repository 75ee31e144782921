/*
 * Curses does the sending: it knows what is on the screen and what is cheapest. We keep a copy of the last grid so
 * that only changed cells are handed to it. Escapes that curses has no way to send are in `raw_` below, with what
 * comes in that curses does not know: the program has no others.
 *
 * A terminal that takes nothing (a stalled connection) must not keep us from anything: all that is written is caught
 * (tui/outlet.h), a frame is drawn when the terminal has the last one, and the way out waits only so long.
 */
#include "tui/term.h"

#include "tui/clipboard.h"
#include "tui/flow.h"
#include "tui/glyphs.h"
#include "tui/ink.h"
#include "tui/intake.h"
#include "tui/noise.h"
#include "tui/outlet.h"
#include "tui/restore.h"
#include "tui/send_rows.h"
#include "tui/signals.h"
#include "tui/tty.h"
#include "views/palette.h"
#include "views/utf8.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

static struct {
    SCREEN *screen;
    WINDOW *input;         /* a pad: curses sends nothing when it is read from */
    struct termios before; /* as we found it */
    int ascii, depth;
    int repaint; /* nothing is known of what is shown */
    struct send_rows send;
    struct ink ink;
    struct restore restore; /* for the handler of fatal signals */
    int has_mouse, has_clipboard, wants_mouse;
    struct flow flow;
    int plain; /* on a slow line there are no colours, which are most of what is sent */
    struct intake intake;
} term;

static volatile sig_atomic_t is_open;

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Escapes that curses has no way to send. */
static const char raw_restore[] = "\033[0m\033[?25h";
static const char raw_paste_on[] = "\033[?2004h", raw_paste_off[] = "\033[?2004l";
static const char raw_mouse_off[] = "\033[?1006;1000l";

static const char raw_question[] = "\033[5n";
static const char raw_copy[] = "\033]52;c;%s\007"; /* OSC 52, as xterm defined it: base64 */

/* What the terminal sends and curses does not know. */
static const char raw_paste_begins[] = "\033[200~", raw_paste_ends[] = "\033[201~", raw_answer[] = "\033[0n";

#define TAKEN_SECONDS 1.0 /* for what restores the terminal */

/* ---- within signal handlers ---- */

static void on_fatal(void)
{
    if (!is_open)
        return;
    is_open = 0;
    outlet_crash(term.restore.text, term.restore.length);
    tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
    noise_crash();
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

/* Curses sets the table back when it ends. */
static void define_colors(void)
{
    for (int background = 0; background < 2; background++) {
        for (uint32_t color = 0; color < COLOR_COUNT; color++) {
            uint32_t rgb = palette_rgb(color, background);
            init_extended_color(ink_index(&term.ink, color, background), (int)(rgb >> 16 & 255) * 1000 / 255,
                                (int)(rgb >> 8 & 255) * 1000 / 255, (int)(rgb & 255) * 1000 / 255);
        }
    }
}

static void open_colors(int no_color)
{
    term.depth = 0;
    if (no_color || !has_colors() || start_color() == ERR || COLORS < 8)
        return;
    use_default_colors();
    term.depth = COLORS >= 256 ? (ink_wants_true_color() && can_change_color() ? 24 : 8) : 4;
    ink_init(&term.ink, term.depth, COLORS);
    if (term.depth == 24)
        define_colors();
}

static void prepare_restore(void)
{
    term.restore.length = 0;
    if (term.depth == 24)
        restore_add(&term.restore, tigetstr("oc"));
    restore_add(&term.restore, raw_paste_off);
    restore_add(&term.restore, raw_restore);
    if (term.has_mouse)
        restore_add(&term.restore, raw_mouse_off);
    restore_add(&term.restore, tigetstr("sgr0"));
    restore_add(&term.restore, tigetstr("rmkx"));
    restore_add(&term.restore, tigetstr("cnorm"));
    restore_add(&term.restore, tigetstr("rmcup"));
}

static void ask(void)
{
    if (!pacing_wants(&term.flow.pacing, term.flow.now))
        return;
    fputs(raw_question, stdout);
    pacing_asked(&term.flow.pacing, term.flow.now);
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

/* What comes in besides keys. */
static void open_input(const char *name, const struct term_options *options)
{
    const char *mouse = tigetstr("kmous"), *clipboard = tigetstr("Ms");
    int modern = mouse && mouse != (const char *)-1 && strcmp(name, "linux") != 0;
    term.has_mouse = modern;
    term.has_clipboard = modern || (clipboard && clipboard != (const char *)-1);
    define_key(raw_answer, INTAKE_ANSWER);
    define_key(raw_paste_begins, INTAKE_PASTE_BEGINS);
    define_key(raw_paste_ends, INTAKE_PASTE_ENDS);
    mouseinterval(0); /* a press is one at once; loop.c knows what a double click is */
    term.wants_mouse = modern && !options->no_mouse;
    term.flow = (struct flow){0};
    term.intake = (struct intake){.answer = raw_answer};
    term.plain = 0;
}

static void tell_mouse(void)
{
    mousemask(term.wants_mouse ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

void term_mouse(int on)
{
    on = on && term.has_mouse;
    if (on == term.wants_mouse || !outlet_pump())
        return; /* the caller asks again */
    term.wants_mouse = on;
    outlet_begin();
    tell_mouse();
    outlet_end();
}

/* The modes that are ours alone, as the terminal is opened or comes back to us. Caught output. */
static void enter(void)
{
    fputs(raw_paste_on, stdout);
    tell_mouse();
    ask();
}

/*
 * The answer to a question that was asked must not become input of the shell. What was typed comes before it, and
 * cannot be handed on.
 */
static void await_answers(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    double end = outlet_seconds() + pacing_leave(&term.flow.pacing, term.flow.now);
    for (double left; term.flow.pacing.owed > 0 && (left = end - outlet_seconds()) > 0;) {
        wint_t code;
        if (poll(&input, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        if (input.revents != POLLIN || !tty_is_ours()) /* a shell reads already */
            break;
        int status = wget_wch(term.input, &code);
        if (status == KEY_CODE_YES && code == INTAKE_ANSWER)
            pacing_answered(&term.flow.pacing);
        else if (status == OK)
            pacing_torn(&term.flow.pacing, raw_answer, code, term.flow.now);
    }
    term.flow.pacing.due = term.flow.pacing.owed = 0;
}

/* The terminal is as it was. 0: it did not take all that this needs. */
static int leave(void)
{
    outlet_begin();
    mousemask(0, NULL);
    fputs(raw_paste_off, stdout);
    outlet_end();
    int taken = outlet_finish(TAKEN_SECONDS);
    if (taken)
        await_answers(); /* before endwin, while it is not echoed */
    outlet_begin();
    endwin();
    outlet_end();
    taken = outlet_finish(taken ? TAKEN_SECONDS : 0) && taken;
    if (!taken)
        outlet_crash(term.restore.text, term.restore.length);
    tcsetattr(STDIN_FILENO, TCSANOW, &term.before); /* draining might wait for ever */
    return taken;
}

/* What curses is told and tells the terminal first; caught output. */
static void begin(const char *name, const struct term_options *options)
{
    keypad(term.input, TRUE);
    curs_set(0);
    open_colors(options->no_color);
    open_input(name, options);
    prepare_restore();
    is_open = 1;
    enter();
}

int term_open(const struct term_options *options, struct error *err)
{
    static const struct signals_hooks hooks = {.fatal = on_fatal};
    static int exit_is_set;
    if (term_check(err))
        return -1;
    const char *name = choose_terminal();
    if (outlet_open(err))
        return -1;
    if (tcgetattr(STDIN_FILENO, &term.before) != 0)
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
    tty_make_keys();
    def_prog_mode();
    term.input = newpad(1, 1);
    nodelay(term.input, TRUE);
    intrflush(term.input, FALSE);
    term.ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0 || glyphs_are_few(name);
    outlet_begin();
    begin(name, options);
    outlet_end();
    signals_again();
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
        if (!leave())
            outlet_mute();
    }
    signals_end();
    delscreen(term.screen);
    term.screen = NULL;
    send_rows_release(&term.send);
}

void term_resume(void)
{
    reset_prog_mode();
    flow_back(&term.flow, outlet_seconds());
    outlet_begin();
    enter();
    outlet_end();
    term_forget();
}

void term_hand_over(void)
{
    leave();
    is_open = 0;
    term.intake.burst = (struct burst){0}; /* typed for whoever has the terminal now */
}

void term_take_back(void)
{
    is_open = 1;
    outlet_begin();
    refresh(); /* curses' own modes again */
    outlet_end();
    term_resume();
}

/* ---- what it is like ---- */

int term_ascii(void)
{
    return term.ascii || term.flow.line.slow;
}

int term_slow(void)
{
    return term.flow.line.slow;
}

int term_depth(void)
{
    return term.flow.line.slow ? 0 : term.depth;
}

int term_input_fd(void)
{
    return STDIN_FILENO;
}

int term_output_fd(void)
{
    return outlet_fd();
}

void term_size(int *w, int *h)
{
    if (!tty_size(w, h)) { /* what terminfo and the environment say */
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
        {KEY_MOUSE, INTAKE_NO_KEY},
        {INTAKE_ANSWER, INTAKE_ANSWER},
        {INTAKE_PASTE_BEGINS, INTAKE_PASTE_BEGINS},
        {INTAKE_PASTE_ENDS, INTAKE_PASTE_ENDS},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (table[i].curses == code)
            return table[i].key;
    return KEYS_OTHER;
}

static int take_mouse(struct mouse *mouse)
{
    MEVENT event;
    if (getmouse(&event) != OK || !(event.bstate & (BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED)))
        return 0;
    *mouse = (struct mouse){.x = event.x, .y = event.y};
    mouse->what = event.bstate & BUTTON1_PRESSED   ? MOUSE_PRESS
                  : event.bstate & BUTTON4_PRESSED ? MOUSE_WHEEL_UP
                                                   : MOUSE_WHEEL_DOWN;
    return 1;
}

static enum term_input nothing(void)
{
    paste_nothing(&term.intake.paste, term.flow.now);
    return tty_gone() ? TERM_LOST : TERM_NOTHING;
}

/* What is there to be read now. */
static void take_burst(void)
{
    struct intake *intake = &term.intake;
    struct burst_key *key;
    wint_t code;
    if (intake->paste.state == PASTE_NONE)
        paste_waiting(&intake->paste, tty_waiting(), term.flow.now);
    for (int status; intake->burst.n < BURST_MAX && (status = wget_wch(term.input, &code)) != ERR;) {
        key = burst_add(&intake->burst);
        key->named = status == KEY_CODE_YES;
        key->is_mouse = key->named && code == KEY_MOUSE && take_mouse(&key->mouse);
        key->code = key->named ? (unsigned)named_key(code) : code;
    }
    intake_added(intake, term.flow.now);
}

enum term_input term_read(int *key, struct mouse *mouse)
{
    enum term_input input;
    while ((input = intake_next(&term.intake, &term.flow, key, mouse)) == TERM_NOTHING) {
        take_burst();
        if (!burst_waits(&term.intake.burst))
            return nothing();
    }
    return input;
}

int term_unread(void)
{
    return burst_waits(&term.intake.burst);
}

int term_pasting(void)
{
    return term.intake.paste.state != PASTE_NONE;
}

enum term_copied term_copy(const char *text)
{
    char encoded[CLIPBOARD_ENCODED_MAX];
    if (!term.has_clipboard)
        return TERM_COPY_UNKNOWN;
    if (clipboard_encode(text, encoded))
        return TERM_COPY_LONG;
    if (!outlet_pump())
        return TERM_COPY_LATER;
    outlet_begin();
    printf(raw_copy, encoded);
    outlet_end();
    return TERM_COPY_SENT;
}

/* ---- showing ---- */

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
    int depth = term.plain ? 0 : term.depth;
    uint8_t wanted = depth ? cell->attr : cell->attr | palette_mono(cell->fg, cell->bg);
    if (term.plain)
        wanted &= ATTR_REVERSE;
    attr_t attr = A_NORMAL;
    attr |= wanted & ATTR_BOLD ? A_BOLD : 0;
    attr |= wanted & ATTR_DIM ? A_DIM : 0;
    attr |= wanted & ATTR_UNDERLINE ? A_UNDERLINE : 0;
    attr |= wanted & ATTR_REVERSE ? A_REVERSE : 0;
    int pair = depth ? alloc_pair(ink_index(&term.ink, cell->fg, 0), ink_index(&term.ink, cell->bg, 1)) : 0;
    cchar_t wide;
    if (pair < 0)
        pair = 0;
    if (setcchar(&wide, text, attr, 0, &pair) == OK)
        mvadd_wch(y, x, &wide);
}

/* From an empty screen of that size. */
static int start_over(const struct grid *grid)
{
    if (send_rows_reset(&term.send, grid->w, grid->h))
        return -1;
    clearok(stdscr, TRUE);
    erase();
    term.plain = term.flow.line.slow;
    term.repaint = 0;
    return 0;
}

/* What curses has to send, and the question behind it. */
static void send_frame(void)
{
    outlet_begin();
    refresh();
    ask();
    outlet_end();
    flow_sent(&term.flow, (double)outlet_caught());
}

int term_show(const struct grid *grid, int awaited)
{
    const struct grid *shown = &term.send.shown;
    if (!outlet_pump())
        return 1;
    if ((term.repaint || term.plain != term.flow.line.slow || grid->w != shown->w || grid->h != shown->h) &&
        start_over(grid))
        return -1;
    int left = send_rows_choose(&term.send, grid, flow_most_bytes(&term.flow, awaited));
    int differs = send_rows_put(&term.send, grid, put_cell);
    term.flow.shows = 1;
    if (!differs)
        return 0;
    send_frame();
    return left > 0;
}

static void send_again(int y)
{
    wredrawln(stdscr, y, 1);
}

void term_probe(void)
{
    if (term.repaint || !line_speed_asks(&term.flow.line, term.flow.now) || !term_ready())
        return;
    line_speed_asked(&term.flow.line, term.flow.now);
    if (send_rows_again(&term.send, LINE_SPEED_PART / 2, send_again))
        send_frame();
}

void term_tick(double now)
{
    flow_tick(&term.flow, now);
}

int term_ready(void)
{
    return outlet_pump() && flow_ready(&term.flow);
}

double term_rest(void)
{
    return line_speed_rest(&term.flow.line, term.send.shown.w * term.send.shown.h);
}

void term_forget(void)
{
    term.repaint = 1;
}
