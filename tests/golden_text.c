#include "tests/golden_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_MAX (1 << 18)

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, FILE_MAX);
    assert_non_null(text);
    size_t n = fread(text, 1, FILE_MAX - 1, file);
    assert_true(n < FILE_MAX - 1);
    fclose(file);
    return text;
}

void golden_text(const char *path, const char *text)
{
    if (getenv("GOLDEN")) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        fputs(text, out);
        assert_int_equal(fclose(out), 0);
    }
    char *golden = read_file(path);
    if (!golden)
        fail_msg("%s: cannot read it; run from the repository's root, or make it with GOLDEN=update", path);
    if (strcmp(text, golden) != 0) {
        print_error("%s differs; it is now:\n%s", path, text);
        fail();
    }
    free(golden);
}
