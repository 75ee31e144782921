/* davidnet samples: a contact sheet of what training sees. */
#include "engine/batches.h"
#include "engine/dataset.h"
#include "tui/command.h"
#include "tui/options.h"
#include "views/sheet.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT 30

extern const struct command command_samples;

struct samples {
    struct recipe_options options;
    struct recipe recipe;
    struct choices_options choices;
    int height, width; /* what the first image of the sheet was shrunk to, as in struct batch */
    struct dataset dataset;
    const char *output;
    long epoch, count, first, scale, columns;
    int json;
};

/* ---- options ---- */

static int parse_number(const char *text, long low, long high, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return *text && !*end && !errno && *value >= low && *value <= high ? 0 : -1;
}

static const struct command_option options[] = {
    {"-o", "FILE.png", "where the picture goes", "FILE"},
    {"--epoch", "E", "counted from 0 (0)", NULL},
    {"--count", "N", "how many images (30)", NULL},
    {"--first", "N", "skip so many images of the epoch (0)", NULL},
    {"--scale", "N", "enlarge 1 to 16 times (by the image's size)", NULL},
    {"--columns", "N", "images in a row (chosen so that the sheet is a little wider than tall)", NULL},
    {"--json", NULL, "print the images' parameters as one line of JSON", NULL},
    {0},
};

/* One of our own options: 0, or an exit code. */
static int take_option(struct samples *s, const char *flag, const char *value)
{
    const struct {
        const char *flag;
        long low, high, *value;
    } numbers[] = {{"--epoch", 0, UINT32_MAX, &s->epoch},
                   {"--count", 1, SHEET_TILES_MAX, &s->count},
                   {"--first", 0, UINT32_MAX, &s->first},
                   {"--scale", 1, 16, &s->scale},
                   {"--columns", 1, SHEET_TILES_MAX, &s->columns}};
    if (!value) {
        s->json = 1;
        return 0;
    }
    if (strcmp(flag, "-o") == 0)
        s->output = value;
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        if (strcmp(flag, numbers[k].flag) == 0 &&
            parse_number(value, numbers[k].low, numbers[k].high, numbers[k].value))
            return command_usage_error(&command_samples, "%s '%s': expected a whole number from %ld to %ld", flag,
                                       value, numbers[k].low, numbers[k].high);
    return 0;
}

static int take_options(struct samples *s, int argc, char **argv)
{
    struct error err = {""};
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_samples, argc, argv, &i, &flag, &value);
        if (taken < 0 || (taken && take_option(s, flag, value)))
            return EXIT_USAGE;
        if (!taken && (taken = recipe_options_take(&s->options, argc, argv, &i, &err)) < 0)
            return command_usage_error(&command_samples, "%s", err.text);
        if (!taken)
            return command_unknown(&command_samples, argv[i]);
    }
    const char *end = s->output && strlen(s->output) > 4 ? s->output + strlen(s->output) - 4 : "";
    if (s->output && strcasecmp(end, ".png") != 0)
        return command_usage_error(&command_samples, "-o %s: the picture is a PNG; let its name end with .png",
                                   s->output);
    if (!s->output && !s->json)
        return command_usage_error(&command_samples, "say where the picture goes: -o FILE.png (or --json)");
    return recipe_options_resolve(&s->options, &s->recipe, &err) ? command_usage_error(&command_samples, "%s", err.text)
                                                                 : EXIT_OK;
}

/* ---- output ---- */

static cJSON *choice_json(const struct samples *s, const struct choice *choice, long position)
{
    const struct dataset *dataset = &s->dataset;
    int label = dataset->train.labels[choice->image];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "position", (double)position);
    cJSON_AddNumberToObject(o, "image", choice->image);
    cJSON_AddNumberToObject(o, "label", label);
    cJSON_AddStringToObject(o, "class", dataset->class_name[label]);
    cJSON_AddNumberToObject(o, "pad", choice->pad);
    cJSON_AddNumberToObject(o, "crop_y", choice->crop_y);
    cJSON_AddNumberToObject(o, "crop_x", choice->crop_x);
    cJSON_AddBoolToObject(o, "flip", choice->flip & CHOICE_FLIP_HORIZONTAL);
    cJSON_AddBoolToObject(o, "vertical_flip", choice->flip & CHOICE_FLIP_VERTICAL);
    cJSON_AddNumberToObject(o, "cut_y", choice->cut_y);
    cJSON_AddNumberToObject(o, "cut_x", choice->cut_x);
    cJSON_AddNumberToObject(o, "cut_h", choice->cut_h);
    cJSON_AddNumberToObject(o, "cut_w", choice->cut_w);
    cJSON_AddNumberToObject(o, "brightness", (double)choice->brightness);
    cJSON_AddNumberToObject(o, "contrast", (double)choice->contrast);
    return o;
}

static int print_json(const struct samples *s, const struct choice *choices)
{
    char seed[24];
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "preset", s->recipe.preset);
    cJSON_AddStringToObject(root, "source", s->dataset.source);
    cJSON_AddStringToObject(root, "sha256", s->dataset.sha256);
    cJSON_AddNumberToObject(root, "epoch", (double)s->epoch);
    cJSON_AddNumberToObject(root, "height", s->height ? s->height : s->dataset.train.height);
    cJSON_AddNumberToObject(root, "width", s->width ? s->width : s->dataset.train.width);
    snprintf(seed, sizeof seed, "%" PRIu64, s->choices.order_seed); /* 64 bits do not fit into a JSON number */
    cJSON_AddStringToObject(root, "order_seed", seed);
    snprintf(seed, sizeof seed, "%" PRIu64, s->choices.augment_seed);
    cJSON_AddStringToObject(root, "augment_seed", seed);
    if (s->output)
        cJSON_AddStringToObject(root, "file", s->output);
    cJSON *list = cJSON_AddArrayToObject(root, "samples");
    for (long i = 0; i < s->count; i++)
        cJSON_AddItemToArray(list, choice_json(s, &choices[i], s->first + i));
    return command_print_json(root, 0);
}

static int save(const struct samples *s, const struct choice *choices)
{
    char title[1024], subtitle[1024], done[256];
    struct error err = {""};
    const char *slash = strrchr(s->dataset.source, '/');
    sheet_describe_options(&s->choices, s->height, s->width, done, sizeof done);
    snprintf(title, sizeof title, "%s \u00b7 %s \u00b7 epoch %ld \u00b7 seed %" PRId64,
             slash && slash[1] ? slash + 1 : s->dataset.source, recipe_name(&s->recipe), s->epoch, s->recipe.seed);
    snprintf(subtitle, sizeof subtitle, "Images %ld to %ld of the epoch; left as stored, right as trained on: %s.",
             s->first + 1, s->first + s->count, done);
    struct sheet sheet = {.dataset = &s->dataset,
                          .choices = choices,
                          .count = (int)s->count,
                          .height = s->height,
                          .width = s->width,
                          .scale = (int)s->scale,
                          .columns = (int)s->columns,
                          .title = title,
                          .subtitle = subtitle};
    if (sheet_save(&sheet, s->output, &err) != 0)
        return command_fail("%s", err.text);
    if (!s->json)
        printf("%s\n", s->output);
    return EXIT_OK;
}

/* ---- the command ---- */

static int show(struct samples *s)
{
    struct images *train = &s->dataset.train;
    if (s->first + s->count > (long)train->count)
        return command_fail("%s has %u training images: --first %ld and --count %ld go beyond them", s->dataset.source,
                            train->count, s->first, s->count);
    struct choice *choices = calloc(train->count, sizeof *choices);
    if (!choices)
        return command_fail("no memory for the choices of %u images", train->count);
    choices_draw(&s->choices, train, (uint32_t)s->epoch, choices);
    int code = s->output ? save(s, choices + s->first) : EXIT_OK;
    if (code == EXIT_OK && s->json)
        code = print_json(s, choices + s->first);
    free(choices);
    return code;
}

/* The size in training at the sheet's first image. */
static int find_size(struct samples *s, struct error *err)
{
    struct batches batches;
    if (!s->recipe.progressive_size)
        return 0;
    if (batches_measure(&batches, &s->recipe, &s->dataset.train, err))
        return -1;
    uint64_t step = (uint64_t)s->epoch * batches.steps_per_epoch + (uint64_t)s->first / batches.batch;
    stages_at(&batches.stages, &s->dataset.train, step < batches.steps ? (uint32_t)step : batches.steps - 1,
              batches.steps, &s->height, &s->width);
    return 0;
}

static int load(struct samples *s)
{
    struct error err = {""};
    char source[512];
    recipe_choices(&s->recipe, &s->choices);
    snprintf(source, sizeof source, "%s", s->recipe.data);
    if (!source[0] && !dataset_default_source(source, sizeof source))
        fprintf(stderr, "No CIFAR-10 was found: this is the built-in synthetic data set. `davidnet data fetch` "
                        "downloads CIFAR-10.\n");
    if (dataset_open(&s->dataset, source, &err) != 0)
        return command_fail("%s", err.text);
    if ((s->recipe.eval == RECIPE_EVAL_HOLDOUT && dataset_hold_out(&s->dataset, &err) != 0) ||
        choices_check(&s->choices, &s->dataset.train, &err) != 0 || find_size(s, &err) != 0) {
        dataset_release(&s->dataset);
        return command_fail("%s", err.text);
    }
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct samples *s = calloc(1, sizeof *s);
    if (!s)
        return command_fail("out of memory");
    s->count = COUNT;
    int code = take_options(s, argc, argv);
    if (code == EXIT_OK)
        code = load(s);
    if (code == EXIT_OK)
        code = show(s);
    dataset_release(&s->dataset);
    free(s);
    return code;
}

const struct command command_samples = {
    .name = "samples",
    .summary = "a PNG contact sheet of augmented images with their parameters",
    .usage =
        "usage: davidnet samples -o FILE.png [OPTION]...\n\n"
        "A contact sheet of training images as they are stored and, beside them, as they are trained on, with what\n"
        "was done to each. They are the first ones of the epoch, in the order of training.\n",
    .options = options,
    .takes_recipe = 1,
    .run = run,
};
