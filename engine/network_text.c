#include "engine/network_text.h"

#include "engine/nearest.h"
#include "engine/number.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MAX 4096
#define WORDS_MAX 16

enum first_word { FIRST_NONE, FIRST_WIDTH, FIRST_WIDTH_OPTIONAL, FIRST_WINDOW, FIRST_TWO_NAMES };

enum option_bit {
    KERNEL = 1,
    STRIDE = 2,
    PAD = 4,
    POOL = 8,
    CONVS = 16,
    SCALE = 32,
    BIAS = 64,
    EPS = 128,
    MOMENTUM = 256,
    FROM = 512,
    RESIDUAL = 1024,
    BLOCKS = 2048,
    ALPHA = 4096,
    IMAGES = 8192,
    BIAS_EPOCHS = 16384
};

#define CONV_OPTIONS (KERNEL | STRIDE | PAD)
#define NORM_OPTIONS (EPS | MOMENTUM)

static const struct kind {
    const char *name;
    enum first_word first;
    unsigned options;
} kinds[NETWORK_KIND_COUNT] = {
    [NETWORK_CONV_BN] = {"conv_bn", FIRST_WIDTH, CONV_OPTIONS | NORM_OPTIONS | FROM},
    [NETWORK_BLOCK] = {"block", FIRST_WIDTH, CONV_OPTIONS | NORM_OPTIONS | POOL | FROM},
    [NETWORK_RES_BLOCK] = {"res_block", FIRST_WIDTH, CONV_OPTIONS | NORM_OPTIONS | POOL | CONVS | FROM},
    [NETWORK_GROUP] = {"group", FIRST_WIDTH, CONV_OPTIONS | NORM_OPTIONS | POOL | CONVS | RESIDUAL | FROM},
    [NETWORK_PREACT] = {"preact", FIRST_WIDTH, KERNEL | STRIDE | NORM_OPTIONS | BLOCKS | FROM},
    [NETWORK_CONV] = {"conv", FIRST_WIDTH, CONV_OPTIONS | FROM},
    [NETWORK_WHITEN] = {"whiten", FIRST_WINDOW, EPS | IMAGES | BIAS_EPOCHS | FROM},
    [NETWORK_NORM] = {"norm", FIRST_NONE, NORM_OPTIONS | FROM},
    [NETWORK_ACT] = {"act", FIRST_NONE, FROM},
    [NETWORK_RELU] = {"relu", FIRST_NONE, FROM},
    [NETWORK_CELU] = {"celu", FIRST_NONE, ALPHA | FROM},
    [NETWORK_GELU] = {"gelu", FIRST_NONE, FROM},
    [NETWORK_SILU] = {"silu", FIRST_NONE, FROM},
    [NETWORK_MAX_POOL] = {"max_pool", FIRST_WINDOW, FROM},
    [NETWORK_AVG_POOL] = {"avg_pool", FIRST_WINDOW, FROM},
    [NETWORK_GLOBAL_MAX] = {"global_max", FIRST_NONE, FROM},
    [NETWORK_GLOBAL_AVG] = {"global_avg", FIRST_NONE, FROM},
    [NETWORK_ADD] = {"add", FIRST_TWO_NAMES, 0},
    [NETWORK_CONCAT] = {"concat", FIRST_TWO_NAMES, 0},
    [NETWORK_LINEAR] = {"linear", FIRST_WIDTH_OPTIONAL, SCALE | BIAS | FROM},
};

static const struct option {
    const char *name;
    size_t offset;
    double min, max;
    enum option_bit bit;
    int real;
} options[] = {
    {"kernel", offsetof(struct network_line, kernel), 1, 31, KERNEL, 0},
    {"stride", offsetof(struct network_line, stride), 1, 16, STRIDE, 0},
    {"pad", offsetof(struct network_line, pad), 0, 15, PAD, 0},
    {"pool", offsetof(struct network_line, pool), 0, 64, POOL, 0},
    {"convs", offsetof(struct network_line, convs), 1, 16, CONVS, 0},
    {"scale", offsetof(struct network_line, scale), -1e6, 1e6, SCALE, 1},
    {"residual", offsetof(struct network_line, residual), 0, 1, RESIDUAL, 0},
    {"blocks", offsetof(struct network_line, blocks), 1, 16, BLOCKS, 0},
    {"bias", offsetof(struct network_line, bias), 0, 1, BIAS, 0},
    {"eps", offsetof(struct network_line, eps), 1e-12, 1, EPS, 1},
    {"images", offsetof(struct network_line, images), 1, 10000000, IMAGES, 0},
    {"bias_epochs", offsetof(struct network_line, bias_epochs), 0, 10000, BIAS_EPOCHS, 1},
    {"alpha", offsetof(struct network_line, alpha), 1e-6, 1e6, ALPHA, 1},
    {"momentum", offsetof(struct network_line, momentum), 1e-6, 1, MOMENTUM, 1},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

const char *const network_syntax[][2] = {
    {"NAME = conv_bn W", "convolution 3x3, batch norm, activation (relu, or what the knob `activation` says)"},
    {"NAME = block W [pool=2]", "conv_bn, then max pool (0: none)"},
    {"NAME = res_block W [pool=2] [convs=2]", "block, then a residual branch of `convs` conv_bn"},
    {"NAME = group W [pool=2] [convs=2] [residual=0]", "block, then more conv_bn, `convs` in all; with residual=1 what "
                                                       "the pool gave is added before the last relu"},
    {"NAME = preact W [stride=1] [blocks=2]", "blocks of batch norm, relu, conv, batch norm, relu, conv, to which the "
                                              "first relu's output is added, through a 1x1 conv where shapes differ"},
    {"NAME = conv W", "convolution alone, no bias"},
    {"NAME = whiten 3 [eps=0.01] [images=10000] [bias_epochs=0]",
     "a fixed convolution of the images that whitens their 3x3 patches"},
    {"NAME = whiten 2 [eps=0.0005] [images=5000] [bias_epochs=3]",
     "the same for 2x2 patches, with the filters' negatives, no padding, and a bias trained in the first epochs"},
    {"NAME = norm", "batch norm alone"},
    {"NAME = act", "activation alone, the one that the knob `activation` says, as in conv_bn and the like"},
    {"NAME = relu, celu [alpha=], gelu or silu", "that activation, whatever the knob says"},
    {"NAME = max_pool [2]", "the largest of each window, windows side by side"},
    {"NAME = avg_pool [2]", "the mean of each window, windows side by side"},
    {"NAME = global_max", "the largest of each channel"},
    {"NAME = global_avg", "the mean of each channel"},
    {"NAME = add A B", "the sum of two earlier lines of one shape"},
    {"NAME = concat A B", "the channels of two earlier lines, side by side"},
    {"NAME = linear [W] [scale=S] [bias=0]", "dense layer times S; W: one output a class, S: the logit_scale knob if "
                                             "last, else 1"},
    {"W", "a number of channels, or a multiple of the knob `width`: c, 2c, 0.5c (rounded to the nearest, 1 or more)"},
    {"kernel=3 stride=1 pad=1",
     "of conv, and of the first one of conv_bn, block, res_block, group and preact (no pad=); "
     "pad: half the kernel"},
    {"eps=1e-5 momentum=0.1", "of norm and whatever contains one; else the knobs norm_eps and norm_momentum"},
    {"from=NAME", "of any: takes the output of that line, or of `input`, not of the line before"},
    {NULL, NULL},
};

static int line_error(struct error *err, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int line_error(struct error *err, int line, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(err, "network line %d: %s", line, text);
}

int network_error_line(const struct error *err)
{
    const char *at = strstr(err->text, "network line ");
    return at ? atoi(at + strlen("network line ")) : 0;
}

static int parse_width(const char *word, int c, int *width)
{
    char number[32];
    size_t length = strlen(word);
    int relative = length > 0 && word[length - 1] == 'c';
    if (length >= sizeof number)
        return -1;
    memcpy(number, word, length + 1);
    double value = 1;
    int64_t whole;
    if (relative) {
        number[length - 1] = '\0';
        if (number[0] && number_parse_real(number, &value))
            return -1;
        value = floor(value * c + 0.5);
    } else {
        if (number_parse_int(number, &whole))
            return -1;
        value = (double)whole;
    }
    if (!(value >= 1 && value <= WIDTH_MAX))
        return -1;
    *width = (int)value;
    return 0;
}

static int is_name(const char *text)
{
    if (!isalpha((unsigned char)text[0]) && text[0] != '_')
        return 0;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return 0;
    return 1;
}

/* The options that a kind takes, for messages: "kernel=, stride=, from=". */
static void list_options(const struct kind *kind, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (kind->options & options[i].bit && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s=", used ? ", " : "", options[i].name);
    if (kind->options & FROM && used < size)
        snprintf(out + used, size - used, "%sfrom=", used ? ", " : "");
    if (!out[0])
        snprintf(out, size, "none");
}

static int parse_option(struct network_line *line, const char *key, const char *value, unsigned *seen,
                        struct error *err)
{
    const struct kind *kind = &kinds[line->kind];
    struct nearest nearest;
    nearest_init(&nearest, key);
    if (kind->options & FROM && strcmp(key, "from") == 0) {
        if (*seen & FROM)
            return line_error(err, line->line, "'from=' is given twice");
        *seen |= FROM;
        if (value[0] == '\0' || strlen(value) >= PLAN_NAME_MAX)
            return line_error(err, line->line, "from=%.80s: expected the name of an earlier line", value);
        memcpy(line->from[0], value, strlen(value) + 1);
        return 0;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (!(kind->options & o->bit))
            continue;
        nearest_offer(&nearest, o->name);
        if (strcmp(key, o->name) != 0)
            continue;
        if (*seen & o->bit)
            return line_error(err, line->line, "'%s=' is given twice", key);
        *seen |= o->bit;
        double real = 0;
        int64_t whole = 0;
        int bad = o->real ? number_parse_real(value, &real) : number_parse_int(value, &whole);
        if (!o->real)
            real = (double)whole;
        if (bad || real < o->min || real > o->max || (o->bit == POOL && whole == 1))
            return line_error(err, line->line, "%s=%.80s: expected a %snumber, %s%g to %g", key, value,
                              o->real ? "" : "whole ", o->bit == POOL ? "0 (no pool) or " : "",
                              o->bit == POOL ? 2 : o->min, o->max);
        if (o->real)
            *(double *)((char *)line + o->offset) = real;
        else
            *(int *)((char *)line + o->offset) = (int)whole;
        return 0;
    }
    char known[160], hint[NEAREST_HINT_MAX];
    list_options(kind, known, sizeof known);
    return line_error(err, line->line, "%s has no option '%.40s='%s; it takes: %s", kind->name, key,
                      nearest_hint(&nearest, hint, sizeof hint), known);
}

/* The words after the kind that are not key=value. Returns how many were used, or -1. */
static int parse_first(struct network_line *line, char *const *words, int n, int c, struct error *err)
{
    const struct kind *kind = &kinds[line->kind];
    int given = n > 0 && !strchr(words[0], '=');
    int64_t window;
    switch (kind->first) {
    case FIRST_NONE:
        return 0;
    case FIRST_WIDTH_OPTIONAL:
        if (!given)
            return 0;
        /* fall through */
    case FIRST_WIDTH:
        if (!given)
            return line_error(err, line->line, "%s needs a width: a number, or a multiple of c such as 2c", kind->name);
        if (parse_width(words[0], c, &line->width))
            return line_error(err, line->line,
                              "width '%.40s' of %s: expected a number or a multiple of c (64, c, 2c, "
                              "0.5c) from 1 to %d",
                              words[0], kind->name, WIDTH_MAX);
        return 1;
    case FIRST_WINDOW:
        if (!given)
            return 0;
        if (number_parse_int(words[0], &window) || window < 2 || window > 64)
            return line_error(err, line->line, "window '%.40s' of %s: expected a whole number, 2 to 64", words[0],
                              kind->name);
        line->kernel = (int)window;
        return 1;
    case FIRST_TWO_NAMES:
        if (n < 2 || strchr(words[0], '=') || strchr(words[1], '='))
            return line_error(err, line->line, "%s needs the names of two earlier lines: %s = %s a b", kind->name,
                              line->name, kind->name);
        for (int i = 0; i < 2; i++) {
            if (strlen(words[i]) >= PLAN_NAME_MAX)
                return line_error(err, line->line, "'%.80s' is too long for a name", words[i]);
            memcpy(line->from[i], words[i], strlen(words[i]) + 1);
        }
        return 2;
    }
    return 0;
}

static int find_kind(const char *word, struct network_line *line, struct error *err)
{
    char known[512], hint[NEAREST_HINT_MAX];
    size_t used = 0;
    struct nearest nearest;
    nearest_init(&nearest, word);
    for (int i = 0; i < NETWORK_KIND_COUNT; i++) {
        if (strcmp(word, kinds[i].name) == 0) {
            line->kind = (enum network_kind)i;
            return 0;
        }
        nearest_offer(&nearest, kinds[i].name);
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", kinds[i].name);
    }
    return line_error(err, line->line, "unknown kind '%.40s'%s; there are %s", word,
                      nearest_hint(&nearest, hint, sizeof hint), known);
}

/* text is one line, comment removed, and is cut into words in place. */
static int parse_line(char *text, int c, struct network_line *line, struct error *err)
{
    char *equals = strchr(text, '='), *save, *words[WORDS_MAX] = {NULL};
    if (!equals)
        return line_error(err, line->line, "expected 'name = kind ...', found '%.60s'", text);
    *equals = '\0';
    char *name = strtok_r(text, " \t\r", &save);
    char *extra = name ? strtok_r(NULL, " \t\r", &save) : NULL;
    if (!name || extra || !is_name(name))
        return line_error(err, line->line,
                          "'%.40s' is not a name: use letters, digits and _, not beginning with a digit",
                          name ? (extra ? extra : name) : "");
    if (strlen(name) > NETWORK_NAME_MAX)
        return line_error(err, line->line, "the name '%.80s' is longer than %d characters", name, NETWORK_NAME_MAX);
    if (strcmp(name, "input") == 0 || strcmp(name, "loss") == 0)
        return line_error(err, line->line, "'%s' is the name of the network's own %s; choose another", name, name);
    memcpy(line->name, name, strlen(name) + 1);

    int n = 0;
    for (char *w = strtok_r(equals + 1, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
        if (n == WORDS_MAX)
            return line_error(err, line->line, "more than %d words", WORDS_MAX);
        words[n++] = w;
    }
    if (n == 0)
        return line_error(err, line->line, "'%s =' says no kind, such as conv_bn or linear", name);
    if (find_kind(words[0], line, err))
        return -1;
    if (line->kind == NETWORK_MAX_POOL || line->kind == NETWORK_AVG_POOL)
        line->kernel = 2;
    int used = parse_first(line, words + 1, n - 1, c, err);
    if (used < 0 || used >= n)
        return -1;
    if (line->kind == NETWORK_WHITEN) {
        int even = line->kernel % 2 == 0;
        if (line->kernel > WHITEN_KERNEL_MAX)
            return line_error(err, line->line, "whiten %d: expected patches of 2 to %d pixels", line->kernel,
                              WHITEN_KERNEL_MAX);
        line->eps = even ? 5e-4 : 1e-2;
        line->images = even ? 5000 : 10000;
        line->bias_epochs = even ? 3 : 0;
    }
    unsigned seen = 0;
    for (int i = 1 + used; i < n && words[i]; i++) {
        char *value = strchr(words[i], '=');
        if (!value)
            return line_error(err, line->line, "unexpected '%.40s' after %s; options are written key=value", words[i],
                              words[i - 1]);
        *value = '\0';
        if (parse_option(line, words[i], value + 1, &seen, err))
            return -1;
    }
    line->named_momentum = (seen & MOMENTUM) != 0;
    return 0;
}

int network_parse(const struct recipe *recipe, struct network_line *lines, struct error *err)
{
    char text[RECIPE_NETWORK_MAX];
    snprintf(text, sizeof text, "%s", recipe->network);
    int n = 0, number = 0;
    for (char *at = text, *next; at; at = next) {
        number++;
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        at[strcspn(at, "#;")] = '\0';
        at += strspn(at, " \t\r");
        if (*at == '\0')
            continue;
        if (n == NETWORK_LINES_MAX)
            return line_error(err, number, "a network has at most %d lines", NETWORK_LINES_MAX);
        struct network_line *line = &lines[n];
        *line = (struct network_line){.line = number,
                                      .kernel = 3,
                                      .stride = 1,
                                      .pad = -1,
                                      .pool = 2,
                                      .convs = 2,
                                      .scale = NAN,
                                      .blocks = 2,
                                      .alpha = recipe->celu_alpha,
                                      .eps = recipe->norm_eps,
                                      .momentum = recipe->norm_momentum};
        if (parse_line(at, recipe->width, line, err))
            return -1;
        for (int i = 0; i < n; i++)
            if (strcmp(lines[i].name, line->name) == 0)
                return line_error(err, number, "the name '%s' is taken by line %d", line->name, lines[i].line);
        n++;
    }
    if (n == 0)
        return error_set(err, "the network is empty: it needs lines such as 'prep = conv_bn 64'");
    return n;
}
