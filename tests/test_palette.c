/*
 * The colours: text can be read on what is behind it, and curves that share a chart stay apart for people who see
 * red and green alike. Colour blindness is simulated after Machado, Oliveira and Fernandes, "A Physiologically-based
 * Model for Simulation of Color Vision Deficiency" (2009), and differences are CIE 1976 (L*a*b*), where 2.3 is just
 * noticed.
 */
#include "views/palette.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int is_text(uint32_t color)
{
    return color != COLOR_BORDER && color != COLOR_SELECTED && color != COLOR_PANEL && color != COLOR_TRAIN_RAW &&
           color != COLOR_AHEAD; /* lines and backgrounds */
}

static void test_contrast(void **state)
{
    (void)state;
    uint32_t page = palette_rgb(COLOR_DEFAULT, 1), panel = palette_rgb(COLOR_PANEL, 1);
    uint32_t selected = palette_rgb(COLOR_SELECTED, 1);
    for (uint32_t color = 0; color < COLOR_COUNT; color++) {
        uint32_t rgb = palette_rgb(color, 0), xterm = palette_xterm(palette_256(color, 0));
        assert_in_range(palette_256(color, 0), 16, 255);
        if (!is_text(color)) {
            assert_true(palette_contrast(rgb, page) >= 1.15); /* seen, at least */
            continue;
        }
        assert_true(palette_contrast(rgb, page) >= 4.5);
        assert_true(palette_contrast(rgb, panel) >= 4.5);
        assert_true(palette_contrast(xterm, palette_xterm(palette_256(COLOR_DEFAULT, 1))) >= 4.5);
        assert_true(palette_contrast(xterm, palette_xterm(palette_256(COLOR_PANEL, 1))) >= 4.5);
    }
    assert_true(palette_contrast(palette_rgb(COLOR_TITLE, 0), selected) >= 4.5);
    assert_true(palette_contrast(palette_rgb(COLOR_DEFAULT, 0), selected) >= 4.5);
    assert_true(palette_contrast(palette_rgb(COLOR_KEY, 0), selected) >= 4.5);
    assert_true(palette_contrast(0, 0xFFFFFF) > 20.9);
}

/* ---- as somebody sees it ---- */

enum sight { NORMAL, PROTANOPIA, DEUTERANOPIA, TRITANOPIA, SIGHTS };

static double linear(uint32_t value)
{
    double c = value / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double cube_root(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : t * 841 / 108 + 4.0 / 29;
}

static void lab_of(uint32_t rgb, enum sight sight, double lab[3])
{
    static const double sees[SIGHTS][3][3] = {
        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
        {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
        {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
        {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
    };
    static const double xyz[3][3] = {{0.4124 / 0.95047, 0.3576 / 0.95047, 0.1805 / 0.95047},
                                     {0.2126, 0.7152, 0.0722},
                                     {0.0193 / 1.08883, 0.1192 / 1.08883, 0.9505 / 1.08883}};
    double in[3] = {linear(rgb >> 16 & 255), linear(rgb >> 8 & 255), linear(rgb & 255)}, seen[3], f[3];
    for (int i = 0; i < 3; i++) {
        seen[i] = sees[sight][i][0] * in[0] + sees[sight][i][1] * in[1] + sees[sight][i][2] * in[2];
        seen[i] = seen[i] < 0 ? 0 : seen[i] > 1 ? 1 : seen[i];
    }
    for (int i = 0; i < 3; i++)
        f[i] = cube_root(xyz[i][0] * seen[0] + xyz[i][1] * seen[1] + xyz[i][2] * seen[2]);
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

static double difference(uint32_t a, uint32_t b, enum sight sight)
{
    double p[3], q[3];
    lab_of(a, sight, p);
    lab_of(b, sight, q);
    return sqrt((p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]) + (p[2] - q[2]) * (p[2] - q[2]));
}

static void expect_apart(const uint32_t *colors, int n, double least)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) {
            for (int sight = 0; sight < SIGHTS; sight++) {
                uint32_t a = palette_rgb(colors[i], 0), b = palette_rgb(colors[k], 0);
                uint32_t a256 = palette_xterm(palette_256(colors[i], 0));
                uint32_t b256 = palette_xterm(palette_256(colors[k], 0));
                double apart = difference(a, b, (enum sight)sight),
                       apart256 = difference(a256, b256, (enum sight)sight);
                if (apart < least || apart256 < least)
                    fail_msg("%06X and %06X (%06X and %06X of 256): %.1f and %.1f apart for sight %d", a, b, a256, b256,
                             apart, apart256, sight);
            }
        }
    }
}

static void test_color_blindness(void **state)
{
    (void)state;
    static const uint32_t curves[] = {COLOR_TRAIN, COLOR_VALID, COLOR_TARGET};
    static const uint32_t phases[] = {COLOR_FORWARD, COLOR_BACKWARD, COLOR_UPDATE, COLOR_DATA};
    static const uint32_t runs[] = {COLOR_RUN_A, COLOR_RUN_B, COLOR_RUN_C, COLOR_RUN_D, COLOR_RUN_E, COLOR_RUN_F};
    static const uint32_t verdicts[] = {COLOR_GOOD, COLOR_BAD, COLOR_WARN};
    double white[3];
    lab_of(0xFFFFFF, NORMAL, white);
    assert_true(fabs(white[0] - 100) < 0.1 && fabs(white[1]) < 0.1 && fabs(white[2]) < 0.1);
    assert_true(difference(0xFF0000, 0x00FF00, NORMAL) > 150);
    /* Those who cannot tell red from green cannot tell these; the simulation does what it should. */
    assert_true(difference(0xB05050, 0x7A7A48, DEUTERANOPIA) < 0.5 * difference(0xB05050, 0x7A7A48, NORMAL));
    expect_apart(curves, 3, 10);
    expect_apart(phases, 4, 10);
    expect_apart(verdicts, 3, 15);
    expect_apart(runs, 6, 10);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 3; k++)
            expect_apart((uint32_t[]){runs[i], curves[k]}, 2, 8); /* in front of them */
}

/* ---- fewer colours ---- */

static void test_fewer_colors(void **state)
{
    (void)state;
    int entries[2][COLOR_COUNT];
    assert_int_equal(palette_256(COLOR_RGB | 0xFF0000, 0), 196);
    unsigned char taken[256] = {[196] = 1};
    assert_int_equal(palette_256_but(COLOR_RGB | 0xFF0000, 0, taken), 160); /* the next red */
    assert_int_equal(palette_256_but(COLOR_RGB | 0x00FF00, 0, taken), 46);
    assert_int_equal(palette_xterm(196), 0xFF0000);
    assert_int_equal(palette_16(COLOR_DEFAULT, 0), -1);
    assert_true(palette_mono(COLOR_DEFAULT, COLOR_SELECTED) & ATTR_REVERSE);
    /* Of 16, what shares a chart is still not the same. */
    assert_int_not_equal(palette_16(COLOR_TRAIN, 0), palette_16(COLOR_VALID, 0));
    assert_int_not_equal(palette_16(COLOR_TRAIN, 0), palette_16(COLOR_TARGET, 0));
    assert_int_not_equal(palette_16(COLOR_VALID, 0), palette_16(COLOR_TARGET, 0));
    assert_int_not_equal(palette_16(COLOR_GOOD, 0), palette_16(COLOR_BAD, 0));
    palette_entries(entries);
    for (int a = 0; a < 2 * COLOR_COUNT; a++) {
        uint32_t rgb = palette_rgb((uint32_t)a % COLOR_COUNT, a / COLOR_COUNT);
        int entry = entries[a / COLOR_COUNT][a % COLOR_COUNT];
        assert_in_range(entry, 16, 255);
        assert_true(difference(rgb, palette_xterm(entry), NORMAL) < 40); /* where it cannot be changed, still close */
        for (int b = 0; b < a; b++) {
            int same = rgb == palette_rgb((uint32_t)b % COLOR_COUNT, b / COLOR_COUNT);
            assert_int_equal(entry == entries[b / COLOR_COUNT][b % COLOR_COUNT], same);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contrast),
        cmocka_unit_test(test_color_blindness),
        cmocka_unit_test(test_fewer_colors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
