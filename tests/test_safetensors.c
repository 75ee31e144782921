#include "engine/safetensors.h"

#include "engine/files.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/davidnet-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    struct error err = {""};
    return folder_remove(folder, &err);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const float weights[6] = {1, -2, 3.5f, 0, 1e-30f, 6};
static const double clocks[1] = {0.1};
static const int64_t steps[1] = {INT64_MIN};
static const unsigned char bytes[3] = {0, 127, 255};

static const struct safetensors_entry entries[4] = {
    {"raw", SAFETENSORS_U8, 1, {3}, bytes, 3},
    {"layer1.weight", SAFETENSORS_F32, 2, {2, 3}, weights, 24},
    {"clock \"quoted\" \xc3\xa9", SAFETENSORS_F64, 1, {1}, clocks, 8},
    {"steps", SAFETENSORS_I64, 0, {0}, steps, 8},
};

static void write_raw(const char *path, const char *header, uint64_t n, const void *data, size_t size)
{
    struct file_part parts[3] = {{&n, 8}, {header, strlen(header)}, {data, size}};
    struct error err = {""};
    assert_int_equal(file_replace(path, parts, 3, &err), 0);
}

static void round_trip(void **state)
{
    (void)state;
    const struct safetensors_meta meta[2] = {{"format", "pt"}, {"note", "line\nbreak, \"quotes\""}};
    const char *path = in_folder("a.safetensors");
    struct error err = {""};
    assert_int_equal(safetensors_write(path, entries, 4, meta, 2, &err), 0);
    struct safetensors file;
    assert_int_equal(safetensors_read(path, &file, &err), 0);
    assert_int_equal(file.count, 4);
    for (int i = 0; i < 4; i++) {
        const struct safetensors_entry *e = safetensors_find(&file, entries[i].name);
        assert_non_null(e);
        assert_int_equal(e->type, entries[i].type);
        assert_int_equal(e->n_dims, entries[i].n_dims);
        for (int d = 0; d < e->n_dims; d++)
            assert_int_equal(e->dims[d], entries[i].dims[d]);
        assert_int_equal(e->bytes, entries[i].bytes);
        assert_memory_equal(e->data, entries[i].data, e->bytes);
        assert_int_equal((uintptr_t)e->data % 8, 0);
    }
    assert_string_equal(safetensors_meta(&file, "format"), "pt");
    assert_string_equal(safetensors_meta(&file, "note"), meta[1].value);
    assert_null(safetensors_meta(&file, "absent"));
    assert_null(safetensors_find(&file, "absent"));
    safetensors_release(&file);

    /* The header is padded, so that the data after it is aligned, widest types first. */
    char *text;
    size_t size;
    assert_int_equal(file_read(path, 1 << 20, &text, &size, &err), 0);
    uint64_t n;
    memcpy(&n, text, 8);
    assert_int_equal(n % 8, 0);
    assert_memory_equal(text + 8 + n, clocks, 8);
    assert_memory_equal(text + 8 + n + 16, weights, 24);
    assert_int_equal(size, 8 + n + 16 + 24 + 3);
    free(text);
}

static void empty_file_of_no_tensors(void **state)
{
    (void)state;
    struct error err = {""};
    struct safetensors file;
    assert_int_equal(safetensors_write(in_folder("e"), NULL, 0, NULL, 0, &err), 0);
    assert_int_equal(safetensors_read(in_folder("e"), &file, &err), 0);
    assert_int_equal(file.count, 0);
    safetensors_release(&file);
}

static void writer_refuses_nonsense(void **state)
{
    (void)state;
    struct error err = {""};
    struct safetensors_entry bad[2] = {entries[1], entries[1]};
    assert_int_equal(safetensors_write(in_folder("w"), bad, 2, NULL, 0, &err), -1);
    assert_non_null(strstr(err.text, "layer1.weight"));
    bad[0].bytes = 20;
    assert_int_equal(safetensors_write(in_folder("w"), bad, 1, NULL, 0, &err), -1);
    bad[0] = entries[1];
    strcpy(bad[0].name, "__metadata__");
    assert_int_equal(safetensors_write(in_folder("w"), bad, 1, NULL, 0, &err), -1);
    bad[0].name[0] = '\0';
    assert_int_equal(safetensors_write(in_folder("w"), bad, 1, NULL, 0, &err), -1);
    assert_int_equal(access(in_folder("w"), F_OK), -1);
}

/* A full disk, played by a limit on file sizes: the old file stays, no temporary file is left. */
static void full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    struct error err = {""};
    struct rlimit old, small = {100, 100};
    assert_int_equal(safetensors_write(in_folder("d"), entries, 1, NULL, 0, &err), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = safetensors_write(in_folder("d"), entries, 4, NULL, 0, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    assert_int_equal(rc, -1);
    assert_non_null(strstr(err.text, strerror(EFBIG)));
    struct safetensors file;
    assert_int_equal(safetensors_read(in_folder("d"), &file, &err), 0);
    assert_int_equal(file.count, 1);
    safetensors_release(&file);
    char temp[128];
    snprintf(temp, sizeof temp, "d.tmp-%ld", (long)getpid());
    assert_int_equal(access(in_folder(temp), F_OK), -1);
}

static void bad_headers_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
        int data;
    } cases[] = {
        {"{}  ", "belong to no tensor", 1},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "cut", 3},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}x", "JSON", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", "span", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "whole number", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", "whole number", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1e400],\"data_offsets\":[0,4]}}", "whole number", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9007199254740993],\"data_offsets\":[0,4]}}", "span", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", "span", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", "4 dimensions", 4},
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", "BF16", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "data_offsets", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "data_offsets", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}", "repeated", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "hole", 8},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
         "overlap", 6},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
         "called a", 8},
        {"{\"__metadata__\":{\"k\":1}}", "__metadata__", 0},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", "__metadata__", 0},
        {"{\"\\u001b[2J\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", "printable", 0},
        {"{\"a\":[1]}", "object", 0},
        {"[1,2,3]", "not a safetensors file", 0},
        {"{\"a\":", "JSON", 0},
    };
    static const char data[16];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {""};
        struct safetensors file;
        write_raw(in_folder("b"), cases[i].header, strlen(cases[i].header), data, (size_t)cases[i].data);
        assert_int_equal(safetensors_read(in_folder("b"), &file, &err), -1);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("%s: said \"%s\", not %s", cases[i].header, err.text, cases[i].says);
        safetensors_release(&file);
    }
}

static void absurd_lengths_and_nesting(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 3, 100000001, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    struct error err = {""};
    struct safetensors file;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_raw(in_folder("n"), "{}", lengths[i], NULL, 0);
        assert_int_equal(safetensors_read(in_folder("n"), &file, &err), -1);
    }
    static char deep[200001];
    memset(deep, '[', sizeof deep - 1);
    memcpy(deep, "{\"a\":", 5);
    write_raw(in_folder("n"), deep, sizeof deep - 1, NULL, 0);
    assert_int_equal(safetensors_read(in_folder("n"), &file, &err), -1);
    assert_int_equal(safetensors_read(in_folder("absent"), &file, &err), -1);
    assert_non_null(strstr(err.text, "absent"));
    assert_int_equal(safetensors_read(folder, &file, &err), -1);
}

/* Other writers do not align: values must arrive all the same. */
static void unaligned_tensors_are_read(void **state)
{
    (void)state;
    const char *header = "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]},"
                         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                         "\"none\":{\"dtype\":\"F64\",\"shape\":[0,7],\"data_offsets\":[5,5]}}";
    unsigned char data[5] = {7};
    memcpy(data + 1, &weights[2], 4);
    write_raw(in_folder("u"), header, strlen(header), data, 5);
    struct error err = {""};
    struct safetensors file;
    assert_int_equal(safetensors_read(in_folder("u"), &file, &err), 0);
    assert_true(*(const float *)safetensors_find(&file, "b")->data == 3.5f);
    assert_int_equal(*(const unsigned char *)safetensors_find(&file, "a")->data, 7);
    assert_int_equal(safetensors_find(&file, "none")->bytes, 0);
    safetensors_release(&file);
}

static void read_mutant(const char *text, size_t size, int must_fail)
{
    struct file_part part = {text, size};
    struct error err = {""};
    struct safetensors file;
    /* written plainly: no need to sync thousands of mutants */
    unlink(in_folder("m")); /* truncating instead may flush to disk each time */
    FILE *out = fopen(in_folder("m"), "wb");
    assert_non_null(out);
    fwrite(part.bytes, 1, part.size, out);
    fclose(out);
    int rc = safetensors_read(in_folder("m"), &file, &err);
    if (must_fail)
        assert_int_equal(rc, -1);
    if (rc < 0)
        assert_int_not_equal(err.text[0], '\0');
    for (int i = 0; rc == 0 && i < file.count; i++) { /* the sanitizer sees any byte that is not there */
        volatile unsigned char sum = 0;
        for (size_t b = 0; b < file.entries[i].bytes; b++)
            sum = (unsigned char)(sum + ((const unsigned char *)file.entries[i].data)[b]);
    }
    safetensors_release(&file);
}

static void mutations_never_crash(void **state)
{
    (void)state;
    const struct safetensors_meta meta[1] = {{"format", "pt"}};
    struct error err = {""};
    assert_int_equal(safetensors_write(in_folder("f"), entries, 4, meta, 1, &err), 0);
    char *text;
    size_t size;
    assert_int_equal(file_read(in_folder("f"), 1 << 20, &text, &size, &err), 0);
    for (size_t n = 0; n < size; n++) /* cut at every byte: a cut file is never accepted */
        read_mutant(text, n, 1);
    uint64_t seed = 1;
    for (size_t at = 0; at < size; at++) {
        static const unsigned char flips[] = {0x01, 0x02, 0x10, 0x20, 0x80, 0xff};
        for (size_t f = 0; f < sizeof flips; f++) {
            char was = text[at];
            text[at] = (char)(text[at] ^ flips[f]);
            read_mutant(text, size, 0);
            text[at] = was;
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        char was = text[at];
        text[at] = "\"[]{}:,0-9"[(seed >> 33) % 10];
        read_mutant(text, size, 0);
        text[at] = was;
    }
    free(text);
}

/* The reference implementation reads what we write, and we read what it writes. Its Python package may be missing. */
static void python_agrees(void **state)
{
    (void)state;
    static const char script[] =
        "import sys, numpy as np\n"
        "from safetensors import safe_open\n"
        "from safetensors.numpy import load_file, save_file\n"
        "t = load_file(sys.argv[1])\n"
        "assert sorted(t) == ['clock \"quoted\" \\u00e9', 'layer1.weight', 'raw', 'steps'], sorted(t)\n"
        "assert t['layer1.weight'].dtype == np.float32 and t['layer1.weight'].shape == (2, 3)\n"
        "assert t['layer1.weight'].tobytes() == np.array([1, -2, 3.5, 0, 1e-30, 6], np.float32).tobytes()\n"
        "assert t['steps'].shape == () and t['steps'] == np.iinfo(np.int64).min\n"
        "assert t['raw'].tolist() == [0, 127, 255]\n"
        "assert safe_open(sys.argv[1], 'np').metadata() == {'format': 'pt'}\n"
        "t['more'] = np.arange(24, dtype=np.float64).reshape(2, 3, 4)\n"
        "save_file(t, sys.argv[2], metadata={'from': 'python'})\n";
    const struct safetensors_meta meta[1] = {{"format", "pt"}};
    struct error err = {""};
    char ours[256], theirs[256], script_path[256], command[2048];
    const char *python = getenv("PYTHON") ? getenv("PYTHON") : "python3";
    snprintf(command, sizeof command, "'%s' -c 'import numpy, safetensors.numpy' 2>/dev/null", python);
    if (system(command) != 0) {
        printf("SKIPPED: '%s' has no safetensors and numpy; set PYTHON to one that has\n", python);
        skip();
    }
    strcpy(ours, in_folder("ours.safetensors"));
    strcpy(theirs, in_folder("theirs.safetensors"));
    strcpy(script_path, in_folder("script.py"));
    struct file_part part = {script, sizeof script - 1};
    assert_int_equal(file_replace(script_path, &part, 1, &err), 0);
    assert_int_equal(safetensors_write(ours, entries, 4, meta, 1, &err), 0);
    snprintf(command, sizeof command, "'%s' '%s' '%s' '%s'", python, script_path, ours, theirs);
    assert_int_equal(system(command), 0);
    struct safetensors file;
    if (safetensors_read(theirs, &file, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file.count, 5);
    for (int i = 0; i < 4; i++)
        assert_memory_equal(safetensors_find(&file, entries[i].name)->data, entries[i].data, entries[i].bytes);
    const struct safetensors_entry *more = safetensors_find(&file, "more");
    assert_int_equal(more->n_dims, 3);
    assert_true(((const double *)more->data)[23] == 23);
    assert_string_equal(safetensors_meta(&file, "from"), "python");
    safetensors_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(empty_file_of_no_tensors),
        cmocka_unit_test(writer_refuses_nonsense),
        cmocka_unit_test(full_disk_keeps_the_old_file),
        cmocka_unit_test(bad_headers_are_named),
        cmocka_unit_test(absurd_lengths_and_nesting),
        cmocka_unit_test(unaligned_tensors_are_read),
        cmocka_unit_test(mutations_never_crash),
        cmocka_unit_test(python_agrees),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
