/* What the terminal's file relies on and needs no terminal: pacing by answers, the line's speed, pastes, and the
 * clipboard's text. */
#include "tui/burst.h"
#include "tui/clipboard.h"
#include "tui/flow.h"
#include "tui/intake.h"
#include "tui/line_speed.h"
#include "tui/pacing.h"
#include "tui/restore.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_answers(void **state)
{
    (void)state;
    struct pacing pacing = {0};
    assert_true(pacing_ready(&pacing, 0));
    pacing_asked(&pacing, 0);
    pacing_asked(&pacing, 0.1);
    assert_false(pacing_ready(&pacing, 0.2));
    pacing_answered(&pacing);
    assert_false(pacing_ready(&pacing, 0.3)); /* two were asked */
    pacing_answered(&pacing);
    assert_true(pacing_ready(&pacing, 0.3));
    pacing_answered(&pacing); /* one too many */
    pacing_asked(&pacing, 1);
    assert_false(pacing_ready(&pacing, 8)); /* a slow line */
    assert_true(pacing_ready(&pacing, 1 + PACING_LOST_SECONDS));
    assert_false(pacing.silent); /* it has answered before, and may again */
}

static void test_silence(void **state)
{
    (void)state;
    struct pacing pacing = {0};
    pacing_asked(&pacing, 5);
    assert_false(pacing_ready(&pacing, 5.9));
    assert_false(pacing.silent);
    assert_true(pacing_ready(&pacing, 5 + PACING_SILENT_SECONDS));
    assert_true(pacing.silent);
    assert_false(pacing_wants(&pacing, 7));
    assert_true(pacing_ready(&pacing, 7)); /* not waited for */
    assert_true(pacing_wants(&pacing, 5 + PACING_AGAIN_SECONDS));
    pacing_asked(&pacing, 5 + PACING_AGAIN_SECONDS);
    assert_true(pacing_ready(&pacing, 15.1));
    assert_false(pacing_wants(&pacing, 15.2));
    pacing_answered(&pacing); /* late, but it does */
    assert_false(pacing.silent);
    assert_true(pacing_wants(&pacing, 16));
    pacing_asked(&pacing, 16);
    assert_false(pacing_ready(&pacing, 16 + 2 * PACING_SILENT_SECONDS));
}

/* An answer that is still to come is waited for on the way out, but not for ever. */
static void test_leave(void **state)
{
    (void)state;
    struct pacing pacing = {0};
    assert_true(pacing_leave(&pacing, 1) == 0);
    pacing_asked(&pacing, 5);
    assert_true(pacing_leave(&pacing, 5) == PACING_LEAVE_SECONDS);
    assert_true(pacing_ready(&pacing, 6.5) && pacing.silent); /* not waited for, and owed all the same */
    assert_true(pacing_leave(&pacing, 6.5) > 0.4);
    assert_true(pacing_leave(&pacing, 8) == 0);
    pacing_answered(&pacing);
    assert_true(pacing_leave(&pacing, 6.5) == 0);
}

static void test_bracketed_paste(void **state)
{
    (void)state;
    struct paste paste = {0};
    assert_int_equal(paste_key(&paste, 0), PASTE_NONE);
    paste_bracket(&paste, 1, 1);
    assert_int_equal(paste_key(&paste, 1), PASTE_BRACKETED);
    paste_nothing(&paste, 20); /* it stalls */
    paste_waiting(&paste, 5000, 20);
    assert_int_equal(paste_key(&paste, 20), PASTE_BRACKETED);
    paste_bracket(&paste, 0, 21);
    assert_int_equal(paste_key(&paste, 21), PASTE_NONE);
    paste_waiting(&paste, 5000, 22); /* this terminal would have said so */
    assert_int_equal(paste_key(&paste, 22), PASTE_NONE);
}

static void test_lost_end_of_a_paste(void **state)
{
    (void)state;
    struct paste paste = {0};
    paste_bracket(&paste, 1, 0);
    assert_int_equal(paste_key(&paste, 0), PASTE_BRACKETED);
    paste_nothing(&paste, PASTE_LOST_SECONDS + 0.1);
    paste_nothing(&paste, 50); /* quiet since, but the rest may still come */
    assert_int_equal(paste_key(&paste, 50), PASTE_DROPPED);
    paste_nothing(&paste, 50.1);
    assert_int_equal(paste_key(&paste, 50.2), PASTE_DROPPED);
    paste_nothing(&paste, 50.2 + 2 * PASTE_QUIET_SECONDS);
    assert_int_equal(paste_key(&paste, 52), PASTE_NONE);
}

static void test_flood(void **state)
{
    (void)state;
    struct paste paste = {0};
    paste_waiting(&paste, PASTE_FLOOD_BYTES - 1, 0);
    assert_int_equal(paste_key(&paste, 0), PASTE_NONE);
    paste_waiting(&paste, PASTE_FLOOD_BYTES, 1);
    assert_int_equal(paste_key(&paste, 1), PASTE_FLOOD);
    paste_nothing(&paste, 1.1);
    assert_int_equal(paste_key(&paste, 1.2), PASTE_FLOOD);
    paste_nothing(&paste, 1.2 + 2 * PASTE_QUIET_SECONDS);
    assert_int_equal(paste_key(&paste, 2.5), PASTE_NONE);
}

static void fill_burst(struct burst *burst, const char *text, int more)
{
    memset(burst, 0, sizeof *burst);
    for (; *text; text++)
        burst_add(burst)->code = (unsigned char)*text;
    for (int i = 0; i < more; i++)
        *burst_add(burst) = (struct burst_key){.code = 0x104, .named = 1};
}

/* What a stalled connection brings at once was typed: held keys, escapes, a few commands. Text is a paste. */
static void test_burst(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int more, paste;
    } cases[] = {
        {"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", 0, 0},
        {"jjjjjjjjjjjjjjkkkkkkkkkk2", 0, 0},
        {"2jjjx1?q", 0, 0},
        {"davidnet train\r", 0, 0}, /* 15 */
        {"davidnet train -h", 0, 1},
        {"quit the\nworkbench\n", 0, 1},
        {"davidnet train x", 0, 1},
        {"quit the\rwork\tbench", 0, 1},
        {"abcdabcdabcdabcdabcd", 0, 0}, /* four kinds, and five */
        {"abcdeabcdeabcdea", 0, 1},
        {"quit the\nworkbench\n", 1, 0}, /* and an arrow key */
        {"quit the\033workbench", 0, 0},
        {"", 60, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct burst burst;
        fill_burst(&burst, cases[i].text, cases[i].more);
        int n = 0;
        assert_int_equal(burst_is_paste(&burst), cases[i].paste);
        for (; burst_waits(&burst); n++) {
            assert_non_null(burst_next(&burst));
            assert_int_equal(burst_is_paste(&burst), cases[i].paste); /* what is given out counts still */
        }
        assert_int_equal(n, (int)strlen(cases[i].text) + cases[i].more);
        assert_null(burst_next(&burst));
        assert_int_equal(burst.n, 0);
        assert_false(burst_is_paste(&burst));
        struct burst_key *again = burst_add(&burst);
        assert_true(again->code == 0 && again->named == 0);
        assert_ptr_equal(burst_next(&burst), again);
    }
    struct burst full = {.n = BURST_MAX - 1};
    assert_non_null(burst_add(&full));
    assert_null(burst_add(&full));
    struct paste paste = {0};
    paste_flood(&paste, 1);
    assert_int_equal(paste_key(&paste, 1), PASTE_FLOOD);
    struct paste bracketing = {.brackets = 1}; /* it would have said so */
    paste_flood(&bracketing, 1);
    assert_int_equal(paste_key(&bracketing, 1), PASTE_NONE);
}

/* What is given out of what was read, one key in a word of its own. */
static const char *given_out(struct intake *intake, struct flow *flow)
{
    static const char *const names[] = {[TERM_KEY] = "key", [TERM_PASTED] = "pasted", [TERM_MOUSE] = "mouse"};
    static char text[400];
    struct mouse mouse;
    enum term_input input;
    int key = 0;
    text[0] = '\0';
    for (size_t n = 0; (input = intake_next(intake, flow, &key, &mouse)) != TERM_NOTHING; n = strlen(text))
        snprintf(text + n, sizeof text - n, "%s%s:%x", n ? " " : "", names[input],
                 (unsigned)(input == TERM_MOUSE ? mouse.x : key));
    return text;
}

static void read_name(struct intake *intake, unsigned code)
{
    *burst_add(&intake->burst) = (struct burst_key){.code = code, .named = 1};
}

static void read_text(struct intake *intake, const char *text)
{
    for (; *text; text++)
        burst_add(&intake->burst)->code = (unsigned char)*text;
    intake_added(intake, 0);
}

static void test_intake(void **state)
{
    (void)state;
    struct intake intake = {.answer = "\033[0n"};
    struct flow flow = {.shows = 1};
    const struct burst_key mouse = {.named = 1, .code = INTAKE_NO_KEY, .is_mouse = 1, .mouse = {.x = 5}};
    read_text(&intake, "q\r\b");
    read_name(&intake, KEYS_F1);
    *burst_add(&intake.burst) = mouse;
    read_name(&intake, INTAKE_NO_KEY); /* what a mouse does besides */
    assert_string_equal(given_out(&intake, &flow), "key:71 key:a key:7f key:11000a mouse:5");
    assert_int_equal(flow.keys, 6);
    pacing_asked(&flow.pacing, 0);
    pacing_asked(&flow.pacing, 0);
    read_name(&intake, INTAKE_ANSWER);
    read_text(&intake, "\033[0nq"); /* the other one, apart */
    assert_string_equal(given_out(&intake, &flow), "key:1b key:71");
    assert_int_equal(flow.pacing.due, 0);
    read_name(&intake, INTAKE_PASTE_BEGINS);
    read_text(&intake, "q");
    read_name(&intake, KEYS_UP);
    *burst_add(&intake.burst) = mouse;
    read_text(&intake, "\r");
    read_name(&intake, INTAKE_PASTE_ENDS);
    read_text(&intake, "q");
    assert_string_equal(given_out(&intake, &flow), "pasted:71 pasted:a key:71");
    intake.paste = (struct paste){.brackets = 0}; /* a terminal that does not say so */
    read_text(&intake, "text that is long");
    assert_memory_equal(given_out(&intake, &flow), "pasted:74 ", 10);
}

static void test_restore(void **state)
{
    (void)state;
    struct restore restore = {.length = 0};
    char most[sizeof restore.text];
    restore_add(&restore, NULL);
    restore_add(&restore, (const char *)-1);
    restore_add(&restore, "\033[0m$<5>x$<10/>");
    assert_int_equal(restore.length, 5);
    assert_memory_equal(restore.text, "\033[0mx", 5);
    memset(most, 'a', sizeof most);
    most[sizeof most - 1] = '\0';
    restore_add(&restore, most); /* half an escape would show */
    assert_int_equal(restore.length, 5);
    most[sizeof most - 5] = '\0';
    restore_add(&restore, most + 1);
    assert_int_equal(restore.length, sizeof restore.text - 1);
    restore_add(&restore, "z$<7>"); /* the last byte; padding needs none */
    restore_add(&restore, "y");
    assert_int_equal(restore.length, sizeof restore.text);
    assert_true(restore.text[sizeof restore.text - 1] == 'z');
    restore = (struct restore){.length = 0};
    restore_add(&restore, "a$b>c$<5"); /* no padding */
    assert_int_equal(restore.length, 8);
    assert_memory_equal(restore.text, "a$b>c$<5", 8);
}

/* A frame whose answer comes after so many keys and seconds. */
static void take_frame(struct flow *flow, int keys, double seconds)
{
    flow_sent(flow, 400);
    pacing_asked(&flow->pacing, flow->now);
    flow_tick(flow, flow->now + seconds);
    for (int i = 0; i < keys; i++)
        flow_key(flow);
    flow_answered(flow);
}

/* How much of a frame goes at once: little at first, small parts on a slow line where no key waits, all on others. */
static void test_flow(void **state)
{
    (void)state;
    struct flow flow = {.now = 0};
    flow_tick(&flow, 10);
    pacing_asked(&flow.pacing, 10);
    assert_false(flow_ready(&flow));
    flow_tick(&flow, 10 + FLOW_OPENING_SECONDS / 2);
    assert_false(flow_ready(&flow));
    struct flow quick = flow;
    flow_answered(&quick);
    assert_true(flow_ready(&quick)); /* at once */
    flow_tick(&flow, 10 + 1.5 * FLOW_OPENING_SECONDS);
    assert_true(flow_ready(&flow)); /* it may never answer: then nothing says that it is slow */
    assert_int_equal(flow_most_bytes(&flow, 1), INT_MAX);
    flow_answered(&flow);
    assert_int_equal(flow_most_bytes(&flow, 1), LINE_SPEED_FIRST);
    for (int i = 0; i < 3; i++) {
        flow.shows = 1;
        flow_sent(&flow, 400);
        pacing_asked(&flow.pacing, flow.now);
        assert_false(flow_ready(&flow));
        flow_tick(&flow, flow.now + 1.5);
        flow_answered(&flow);
        assert_true(flow_ready(&flow));
    }
    assert_true(flow.line.slow);
    assert_int_equal(flow_most_bytes(&flow, 1), LINE_SPEED_PART);
    assert_true(flow_most_bytes(&flow, 0) < LINE_SPEED_PART);
    flow.line = (struct line_speed){.measured = 1};
    assert_int_equal(flow_most_bytes(&flow, 0), INT_MAX);
    struct flow pasted = flow;
    take_frame(&pasted, 0, 0.01);
    struct flow typed = pasted;
    for (int i = 0; i < 9; i++) {
        take_frame(&pasted, 5 * FLOW_MANY_KEYS, 2);
        take_frame(&typed, FLOW_MANY_KEYS / 2, 2);
    }
    assert_false(pasted.line.slow); /* the answers came late, behind what was pasted */
    assert_true(typed.line.slow);
    flow_back(&flow, flow.now + 100); /* suspended: the last frame's answer was not waited for */
    pacing_asked(&flow.pacing, flow.now);
    flow_answered(&flow);
    assert_true(line_speed_rest(&flow.line, 80 * 24) <= 1);
    flow = (struct flow){.shows = 1}; /* a terminal that may never answer */
    flow_tick(&flow, 10);
    flow_tick(&flow, 20);
    pacing_asked(&flow.pacing, 20);
    assert_false(flow_ready(&flow)); /* is waited for after each frame */
    pacing_asked(&flow.pacing, 20);
    flow_answered(&flow);
    assert_int_equal(flow.line.known, 0); /* what is due still is the answer to the frame */
    flow_answered(&flow);
    assert_int_equal(flow.line.known, 1);
}

static void send(struct line_speed *line, double bytes, double took)
{
    line_speed_sent(line, 100, bytes);
    line_speed_taken(line, 100 + took);
}

static void test_slow_lines(void **state)
{
    (void)state;
    struct line_speed far = {0}, slow = {0};
    send(&far, 0, 0.3);
    for (int i = 0; i < 9; i++) /* a long way is no slow line */
        send(&far, 5000, 0.31);
    assert_false(far.slow);
    assert_true(far.measured);
    send(&far, 5000, 4); /* a hiccup */
    send(&far, 5000, 4);
    assert_false(far.slow);
    send(&far, 5000, 0.3);
    assert_false(far.slow);
    for (int i = 0; i < 9; i++) /* jitter */
        send(&far, 300, 0.45);
    assert_false(far.slow);

    send(&slow, 0, 0.02);
    send(&slow, 400, 0.44); /* 9600 baud, or a hiccup */
    assert_false(slow.slow || slow.measured);
    send(&slow, 40, 0.06);
    send(&slow, 400, 0.44);
    assert_true(slow.slow && slow.measured);
    assert_true(line_speed_rest(&slow, 80 * 24) >= 0.8); /* two thirds of the line are for keys */
    for (int i = 0; i < 9; i++)
        send(&slow, i % 2 ? 20 : 200, i % 2 ? 0.02 : 0.23); /* too little to say */
    assert_true(slow.slow);
    for (int i = 0; i < 3; i++)
        send(&slow, 2000, 0.05);
    assert_false(slow.slow);
}

/* A slow line of which frames say nothing is asked, more and more seldom; what it says then can make it a fast one. */
static void test_slow_lines_are_asked(void **state)
{
    (void)state;
    struct line_speed line = {0};
    double now = 100.44, wait = LINE_SPEED_AGAIN; /* of the last answer, see send */
    send(&line, 0, 0.02);
    assert_false(line_speed_asks(&line, 1e6)); /* it is not slow */
    send(&line, 400, 0.44);
    send(&line, 400, 0.44);
    assert_true(line.slow);
    for (int i = 0; i < 9; i++) {
        line_speed_sent(&line, now + wait - 1, 40); /* it does not say much */
        line_speed_taken(&line, now + wait - 0.96);
        assert_false(line_speed_asks(&line, now + wait - 0.5));
        assert_true(line_speed_asks(&line, now += wait + 0.5));
        line_speed_asked(&line, now);
        wait = i < 4 ? 2 * wait : LINE_SPEED_AGAIN_MOST;
    }
    now += LINE_SPEED_AGAIN_MOST;
    for (int i = 0; i < 3; i++) {
        assert_true(line.slow);
        assert_true(line_speed_asks(&line, now));
        line_speed_asked(&line, now);
        line_speed_sent(&line, now, 300);
        line_speed_taken(&line, now + 0.03);
        now += 1.1 * LINE_SPEED_AGAIN_FAST; /* soon again, once it was fast */
    }
    assert_false(line.slow || line_speed_asks(&line, now + 1e6));
    for (int i = 0; i < 3; i++)
        send(&line, 400, 0.44);
    assert_true(line.slow); /* and waited for as at first */
    assert_false(line_speed_asks(&line, 100 + LINE_SPEED_AGAIN));
    assert_true(line_speed_asks(&line, 101 + LINE_SPEED_AGAIN));
}

/* In steady state no screen of 80 x 24 sends more than 2 KB a second. */
static void test_rest(void **state)
{
    (void)state;
    for (double bytes = 10; bytes < 1600; bytes += 10) {
        struct line_speed line = {0};
        send(&line, 0, 0.01);
        send(&line, bytes, 0.01);
        assert_true(bytes / line_speed_rest(&line, 80 * 24) <= 2000);
        assert_true(line_speed_rest(&line, 200 * 60) < line_speed_rest(&line, 80 * 24));
        assert_true(line_speed_rest(&line, 80 * 24) <= 1);
    }
}

/* Only what follows the Esc of an answer that is due is swallowed, and only as long as it is one. */
static void test_torn(void **state)
{
    (void)state;
    struct pacing pacing = {0};
    const char *answer = "\033[0n";
    for (const char *c = answer; *c; c++)
        assert_int_equal(pacing_torn(&pacing, answer, (unsigned char)*c, 0), 0); /* none is due: keys */
    pacing_asked(&pacing, 0);
    assert_int_equal(pacing_torn(&pacing, answer, 'n', 0), 0);
    for (const char *c = answer; *c; c++)
        assert_int_equal(pacing_torn(&pacing, answer, (unsigned char)*c, 0), c > answer);
    assert_true(pacing.known && pacing.due == 0);
    pacing_asked(&pacing, 0);
    assert_int_equal(pacing_torn(&pacing, answer, 27, 0), 0);
    assert_int_equal(pacing_torn(&pacing, answer, 27, 0), 0); /* Esc twice, and then an answer */
    assert_int_equal(pacing_torn(&pacing, answer, '[', 0), 1);
    assert_int_equal(pacing_torn(&pacing, answer, 'q', 0), 0);
    assert_int_equal(pacing_torn(&pacing, answer, '0', 0), 0);
    assert_int_equal(pacing.due, 1);
}

static void test_clipboard(void **state)
{
    (void)state;
    static const struct {
        const char *text, *encoded;
    } cases[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                 {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xC3\xA9\xFF", "w6n/"}};
    char out[CLIPBOARD_ENCODED_MAX], text[CLIPBOARD_TEXT_MAX + 2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(clipboard_encode(cases[i].text, out), 0);
        assert_string_equal(out, cases[i].encoded);
    }
    memset(text, 'x', sizeof text);
    text[CLIPBOARD_TEXT_MAX + 1] = '\0';
    assert_int_equal(clipboard_encode(text, out), -1);
    text[CLIPBOARD_TEXT_MAX] = '\0';
    assert_int_equal(clipboard_encode(text, out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_bracketed_paste),
        cmocka_unit_test(test_lost_end_of_a_paste),
        cmocka_unit_test(test_slow_lines),
        cmocka_unit_test(test_slow_lines_are_asked),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_clipboard),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_intake),
        cmocka_unit_test(test_restore),
        cmocka_unit_test(test_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
