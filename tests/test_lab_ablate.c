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
static struct lab_ablate_report report;
static struct error err;

/* One whole case, and one of which only some is measured yet. */
static int fill(void **state)
{
    (void)state;
    static struct ablate_record records[3 * ABLATE_VARIANT_COUNT + 3];
    results = (struct ablate_results){.begun = true, .setting = ablate_fixed_setting(), .records = records};
    for (int round = 0; round < 3; round++)
        for (int v = 0; v < ABLATE_VARIANT_COUNT; v++)
            records[results.count++] = ablate_fixed("davidnet-79", 512, (enum ablate_variant)v, round);
    for (int v = 0; v < 3; v++)
        records[results.count++] = ablate_fixed("quick", 64, (enum ablate_variant)v, 0);
    report = (struct lab_ablate_report){.setting = &results.setting, .command = "davidnet lab ablate --quick"};
    if (ablate_summarise_all(&results, &list, &report.count, &err))
        return -1;
    report.list = list;
    return 0;
}

static int give_back(void **state)
{
    (void)state;
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
        assert_true(length <= 80 && (length == 0 || line[length - 1] != ' '));
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
        int n = 0;
        for (const char *c = line; *c != '\n'; c++)
            n += *c == ',';
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
                                                "batch 512",
                                                "norm and activation",
                                                "FLOP bound",
                                                "davidnet lab ablate --quick",
                                                "avx512",
                                                "fastest of 1 to 3 rounds"};
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
