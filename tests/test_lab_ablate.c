/* What `lab ablate` shows of fixed measurements: table, CSV, JSON against golden files, and the figure. */
#include "tui/lab_ablate_figure.h"

#include "engine/files.h"
#include "tests/ablate_fixed.h"
#include "tests/golden_text.h"
#include "tui/lab_ablate_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static struct ablate_results results;
static struct ablate_summary *list;
static char *command;
static int count;
static struct lab_ablate_report report;
static struct error err;

/* One whole case, and one of which only some is measured yet. */
static int fill(void **state)
{
    (void)state;
    static struct ablate_record records[3 * ABLATE_VARIANT_COUNT + 3];
    static char options[2][64] = {"--preset davidnet-79 --seed 0", "--preset quick --set 'lr_values=0,1, 0' --seed 7"};
    static struct ablate_recipe recipes[] = {
        {"davidnet-79", "0123456789ab", "davidnet-79, 24 epochs x 512, lr 0.4, crop 4, flip, cutout 8x8, seed 0", 0,
         options[0]},
        {"quick", "ba9876543210", "quick, 3 epochs x 64, lr 1, seed 7", 7, options[1]}};
    const struct ablate_choice all = {.n_presets = 0};
    results = (struct ablate_results){.path = "some/where/results.jsonl",
                                      .lock = -1,
                                      .version = 2,
                                      .setting = ablate_fixed_setting(),
                                      .recipes = recipes,
                                      .n_recipes = 2,
                                      .records = records};
    for (int round = 0; round < 3; round++)
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
            records[results.count++] = ablate_fixed("davidnet-79", 512, (enum ablate_variant)v, round);
    for (int v = 0; v < 3; v++)
        records[results.count++] = ablate_fixed("quick", 64, (enum ablate_variant)v, 0);
    if (ablate_summarise_all(&results, &all, &list, &count, &err))
        return -1;
    command = ablate_command(&results, list, count, &err);
    report = (struct lab_ablate_report){&results, list, count, command};
    return command ? 0 : -1;
}

static int give_back(void **state)
{
    (void)state;
    free(command);
    free(list);
    return 0;
}

static char *text_of(int (*write)(FILE *, const struct lab_ablate_report *, struct error *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (write(out, &report, &err))
        fail_msg("%s", err.text);
    assert_int_equal(fclose(out), 0);
    return text;
}

static int table(FILE *out, const struct lab_ablate_report *r, struct error *e)
{
    (void)e;
    lab_ablate_table(out, r);
    return 0;
}

static int csv(FILE *out, const struct lab_ablate_report *r, struct error *e)
{
    (void)e;
    lab_ablate_csv(out, r);
    return 0;
}

static void test_table(void **state)
{
    (void)state;
    char *text = text_of(table);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        assert_true((length <= 80 || strncmp(line, "measured with: ", 15) == 0) &&
                    (length == 0 || line[length - 1] != ' '));
    }
    golden_text("tests/golden/lab-ablate.txt", text);
    free(text);
}

static void test_csv(void **state)
{
    (void)state;
    char *text = text_of(csv);
    int commas = -1;
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        int n = 0, quoted = 0;
        for (const char *c = line; *c != '\n'; c++) {
            quoted ^= *c == '"';
            n += *c == ',' && !quoted;
        }
        assert_true(commas < 0 || n == commas);
        commas = n;
    }
    assert_null(strstr(text, "nan"));
    golden_text("tests/golden/lab-ablate.csv", text);
    free(text);
}

static void test_json(void **state)
{
    (void)state;
    char *text = text_of(lab_ablate_json);
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    const cJSON *cases = cJSON_GetObjectItem(root, "cases"), *second = cJSON_GetArrayItem(cases, 1);
    assert_int_equal(cJSON_GetArraySize(cases), 2);
    const cJSON *variant = cJSON_GetArrayItem(cJSON_GetObjectItem(second, "variants"), ABLATE_BACKBONE);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(variant, "ms"))); /* not measured, and not 0 */
    cJSON_Delete(root);
    golden_text("tests/golden/lab-ablate.json", text);
    free(text);
}

static void test_figure(void **state)
{
    (void)state;
    static const char *const begins[FIGURE_FORMAT_COUNT] = {
        [FIGURE_PNG] = "\x89PNG", [FIGURE_SVG] = "<?xml", [FIGURE_PDF] = "%PDF"};
    char path[] = "/tmp/davidnet-lab-XXXXXX";
    size_t size;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (int format = 0; format < FIGURE_FORMAT_COUNT; format++) {
        char *bytes = NULL;
        if (lab_ablate_draw(&report, (enum figure_format)format, path, &err) ||
            file_read(path, 1 << 24, &bytes, &size, &err))
            fail_msg("%s", err.text);
        if (!bytes) {
            fail();
            return;
        }
        assert_memory_equal(bytes, begins[format], strlen(begins[format]));
        if (format == FIGURE_SVG) {
            static const char *const shown[] = {"davidnet-79",
                                                "batch 512, by removal",
                                                "its timers",
                                                "norm and activation",
                                                "FLOP bound",
                                                "avx512",
                                                "Some Processor",
                                                "fastest of 1 to 3 rounds",
                                                "1 of 21 measurements",
                                                "davidnet lab ablate --preset davidnet-79 --seed 0 --batches 512",
                                                "crop 4, flip",
                                                "davidnet 0.1.0 (0123456789)",
                                                "data and augmentation, below 0: one round"};
            for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
                if (!strstr(bytes, shown[i]))
                    fail_msg("'%s' is not in the figure's description", shown[i]);
        }
        free(bytes);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_figure),
    };
    return cmocka_run_group_tests(tests, fill, give_back);
}
