#include "engine/recipe.h"

#include "engine/knobs.h"
#include "engine/nearest.h"
#include "engine/network_text.h"
#include "engine/recipe_file.h"
#include "engine/tricks.h"
#include "engine/utf8.h"
#include "kernels/isa.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t recipe_order_seed(const struct recipe *recipe)
{
    return (uint64_t)(recipe->order_seed >= 0 ? recipe->order_seed : recipe->seed);
}

uint64_t recipe_augment_seed(const struct recipe *recipe)
{
    return (uint64_t)(recipe->augment_seed >= 0 ? recipe->augment_seed : recipe->seed);
}

uint64_t recipe_init_seed(const struct recipe *recipe)
{
    return (uint64_t)(recipe->init_seed >= 0 ? recipe->init_seed : recipe->seed);
}

int recipe_batch(const struct recipe *recipe)
{
    return recipe->batch * recipe->batch_times;
}

double recipe_lr_gain(const struct recipe *recipe)
{
    if (recipe->batch_times == 1 || recipe->batch_lr == RECIPE_BATCH_LR_SAME)
        return 1;
    return recipe->batch_times * (recipe->batch_lr == RECIPE_BATCH_LR_PUBLISHED ? 1.1 : 1);
}

double recipe_lr(const struct recipe *recipe, double epoch)
{
    return schedule_at(&recipe->schedule, epoch) * recipe_lr_gain(recipe);
}

double recipe_smoothing(const struct recipe *recipe)
{
    return recipe->label_smoothing ? recipe->smoothing : 0;
}

void recipe_choices(const struct recipe *recipe, struct choices_options *options)
{
    memset(options, 0, sizeof *options);
    if (recipe->crop)
        options->crop_pad = recipe->crop_pad;
    if (recipe->flip) {
        options->flip = recipe->flip_probability;
        options->alternating = recipe->flip_kind == RECIPE_FLIP_ALTERNATING;
        options->vertical_flip = recipe->vertical_flip_probability;
    }
    if (recipe->cutout) {
        options->cutout_h = recipe->cutout_height;
        options->cutout_w = recipe->cutout_width;
    }
    if (recipe->brightness_contrast) {
        options->brightness = recipe->brightness;
        options->contrast = recipe->contrast;
    }
    if (recipe->gpu_data)
        options->groups = recipe->augment_groups;
    options->order_seed = recipe_order_seed(recipe);
    options->augment_seed = recipe_augment_seed(recipe);
}

int recipe_stages(const struct recipe *recipe, struct stages *stages, struct error *err)
{
    memset(stages, 0, sizeof *stages);
    return recipe->progressive_size ? stages_parse(stages, recipe->sizes, err) : 0;
}

int recipe_read(const char *path, struct recipe *recipe, struct error *err)
{
    return recipe_file_load(path, recipe, NULL, err);
}

int recipe_set_network(struct recipe *recipe, const char *text, struct error *err)
{
    char tidy[RECIPE_NETWORK_MAX];
    size_t used = 0;
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\n;"), content = strcspn(at, "\n;#");
        const char *end = at + content, *equals = memchr(at, '=', content);
        const char *line = at;
        at += length + (at[length] != '\0');
        if (equals && used < sizeof tidy) {
            const char *name_end = equals, *value = equals + 1;
            while (line < name_end && isspace((unsigned char)*line))
                line++;
            while (name_end > line && isspace((unsigned char)name_end[-1]))
                name_end--;
            while (value < end && isspace((unsigned char)*value))
                value++;
            while (end > value && isspace((unsigned char)end[-1]))
                end--;
            used += (size_t)snprintf(tidy + used, sizeof tidy - used, "%.*s = %.*s\n", (int)(name_end - line), line,
                                     (int)(end - value), value);
        } else if (!equals) {
            while (line < end && isspace((unsigned char)*line))
                line++;
            if (line < end)
                return error_set(err, "network: expected 'name = kind ...', found '%.*s'",
                                 end - line > 60 ? 60 : (int)(end - line), line);
        }
    }
    if (used >= sizeof tidy)
        return error_set(err, "network: longer than %d characters", RECIPE_NETWORK_MAX - 1);
    memset(recipe->network, 0, sizeof recipe->network);
    memcpy(recipe->network, tidy, used);
    struct network_line *lines = calloc(NETWORK_LINES_MAX, sizeof *lines);
    int n = lines ? network_parse(recipe, lines, err) : error_set(err, "out of memory");
    free(lines);
    recipe_file_compare(recipe);
    return n < 0 ? -1 : 0;
}

static int blame(const char **key, const char *knob)
{
    *key = knob;
    return -1;
}

static int check_schedule(const struct recipe *recipe, const char **key, struct error *err)
{
    const struct schedule *s = &recipe->schedule;
    char knots[KNOB_TEXT_MAX], values[KNOB_TEXT_MAX];
    struct error inner = {""};
    if (s->shape == SCHEDULE_PIECEWISE && s->n_knots > 0 && s->n_knots <= SCHEDULE_KNOTS_MAX) {
        int last = s->n_knots - 1;
        if (isnan(s->knot[last]) || isnan(s->value[last])) {
            knob_get(recipe, knob_find("lr_knots"), knots, sizeof knots);
            knob_get(recipe, knob_find("lr_values"), values, sizeof values);
            error_set(err, "lr_knots (%.100s) and lr_values (%.100s) differ in length; give a value for each knot",
                      knots, values);
            return blame(key, isnan(s->knot[last]) ? "lr_knots" : "lr_values");
        }
        if (s->knot[last] > recipe->epochs) {
            error_set(err,
                      "lr_knots ends at %g but the run ends after %g epochs; set lr_knots to end there, or let "
                      "--epochs %g stretch the preset's (it leaves knots that are set as they are)",
                      s->knot[last], recipe->epochs, recipe->epochs);
            return blame(key, "epochs");
        }
    }
    if (schedule_check(s, &inner) == 0)
        return 0;
    error_set(err, "%s", inner.text);
    inner.text[strcspn(inner.text, ":")] = '\0';
    const struct knob *knob = knob_find(inner.text);
    return blame(key, knob ? knob->key : NULL);
}

static int check_isa(const char *isa, struct error *err)
{
    struct nearest nearest;
    char known[128] = "auto", hint[NEAREST_HINT_MAX];
    size_t used = strlen(known);
    nearest_init(&nearest, isa);
    nearest_offer(&nearest, "auto");
    if (strcmp(isa, "auto") == 0)
        return 0;
    for (int i = 0; i < ISA_COUNT && used < sizeof known; i++) {
        if (strcmp(isa, isa_name((enum isa)i)) == 0)
            return 0;
        nearest_offer(&nearest, isa_name((enum isa)i));
        used += (size_t)snprintf(known + used, sizeof known - used, ", %s", isa_name((enum isa)i));
    }
    return error_set(err, "isa = %s: expected %s%s", isa, known, nearest_hint(&nearest, hint, sizeof hint));
}

int recipe_check_key(const struct recipe *recipe, const char **key, struct error *err)
{
    *key = NULL;
    if (check_schedule(recipe, key, err))
        return -1;
    if (check_isa(recipe->isa, err))
        return blame(key, "isa");
    if (recipe->device_index && recipe->device != RECIPE_DEVICE_CUDA) {
        error_set(err, "device_index = %d chooses a GPU, but device is not cuda; set device=cuda or device_index=0",
                  recipe->device_index);
        return blame(key, "device_index");
    }
    if (recipe->ghost_bn && recipe_batch(recipe) % recipe->ghost_groups != 0) {
        error_set(err,
                  "ghost_groups = %d: a batch of %d images cannot be divided into so many equal groups; choose a "
                  "number that divides the batch, or another batch",
                  recipe->ghost_groups, recipe_batch(recipe));
        return blame(key, "ghost_groups");
    }
    struct stages stages;
    if (recipe_stages(recipe, &stages, err))
        return blame(key, "sizes");
    if (recipe->gpu_data && recipe->loader_random == RECIPE_RANDOM_ITEM) {
        error_set(err, "loader_random = item draws for each image by itself, but gpu_data deals crops, flips and boxes "
                       "out to all of an epoch's images; set loader_random=bulk or gpu_data=off");
        return blame(key, "loader_random");
    }
    if (recipe_batch(recipe) > RECIPE_BATCH_MAX) {
        error_set(err, "batch_times = %d makes a batch of %d x %d images, but %d is the most; lower one of them",
                  recipe->batch_times, recipe->batch, recipe->batch_times, RECIPE_BATCH_MAX);
        return blame(key, "batch_times");
    }
    int cpu = recipe->device == RECIPE_DEVICE_CPU, ref = recipe->device == RECIPE_DEVICE_REF;
    if ((cpu && recipe->precision == RECIPE_PRECISION_F16) ||
        ((cpu || ref) && recipe->precision == RECIPE_PRECISION_TF32)) {
        error_set(err, "precision = %s is for GPUs; on a CPU use %s",
                  recipe->precision == RECIPE_PRECISION_F16 ? "f16" : "tf32",
                  recipe->precision == RECIPE_PRECISION_F16 ? "f32, or bf16 where it has AVX-512" : "f32");
        return blame(key, "precision");
    }
    return 0;
}

int recipe_check(const struct recipe *recipe, struct error *err)
{
    const char *key;
    return recipe_check_key(recipe, &key, err);
}

static int apply_set(const char *set, struct recipe *recipe, struct error *err)
{
    char key[64], hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    const char *equals = strchr(set, '=');
    if (!equals || equals == set || (size_t)(equals - set) >= sizeof key)
        return error_set(err, "--set %.80s: expected KEY=VALUE", set);
    memcpy(key, set, (size_t)(equals - set));
    key[equals - set] = '\0';
    if (strcmp(key, "network") == 0)
        return recipe_set_network(recipe, equals + 1, err) ? error_prefix(err, "--set network") : 0;
    const struct knob *knob = knob_find(key);
    nearest_init(&nearest, key);
    for (int i = 0; i < knob_count; i++)
        nearest_offer(&nearest, knobs[i].key);
    if (!knob && trick_find(key))
        return error_set(err, "--set %s: it is a trick and no knob; switch it with --on %s or --off %s", key, key, key);
    if (!knob)
        return error_set(err, "--set %s: no such knob%s; `davidnet knobs` lists them all", key,
                         nearest_hint(&nearest, hint, sizeof hint));
    return knob_set(recipe, knob, equals + 1, err);
}

int recipe_stretch(struct recipe *recipe, double epochs, struct error *err)
{
    char text[64];
    double old = recipe->epochs;
    struct schedule *s = &recipe->schedule;
    schedule_stretch(s, epochs / old);
    /* what ended with the run still does: rounding must not carry it past the end */
    for (int i = 0; i < s->n_knots && i < SCHEDULE_KNOTS_MAX; i++)
        if (s->knot[i] > epochs && s->knot[i] <= epochs * (1 + 1e-12))
            s->knot[i] = epochs;
    if (s->warmup > epochs && s->warmup <= epochs * (1 + 1e-12))
        s->warmup = epochs;
    snprintf(text, sizeof text, "%.17g", epochs);
    return knob_set(recipe, knob_find("epochs"), text, err);
}

/* The file's own name, where it does not say another: "mine" of dir/mine.ini. RUN/recipe.ini and what a shell passes
 * through /dev/fd say nothing of that kind. */
static void name_after(struct recipe *recipe, const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    size_t length = strlen(name);
    if (recipe->name[0] || strcmp(name, "recipe.ini") == 0 || strncmp(file, "/dev/", 5) == 0 ||
        strncmp(file, "/proc/", 6) == 0)
        return;
    if (length > 4 && strcmp(name + length - 4, ".ini") == 0)
        length -= 4;
    snprintf(recipe->name, sizeof recipe->name, "%.*s", (int)(length < 63 ? length : 63), name);
    utf8_tame(utf8_cut(recipe->name), "", '?');
}

int recipe_resolve(const struct recipe_request *request, struct recipe *recipe, struct error *err)
{
    struct recipe made;
    enum trick_wish wishes[RECIPE_TRICKS_MAX];
    const struct knob *undone;
    int at_fault;
    if (request->preset && request->file)
        return error_set(err,
                         "--preset %s and --recipe %s exclude each other; a recipe file says what it inherits "
                         "from itself ([recipe] preset = NAME)",
                         request->preset, request->file);
    if (request->file ? recipe_read(request->file, &made, err)
                      : recipe_preset_load(request->preset ? request->preset : RECIPE_DEFAULT_PRESET, &made, NULL, err))
        return -1;
    if (request->file)
        name_after(&made, request->file);
    if (tricks_wishes(tricks, trick_count, request, wishes, err) ||
        tricks_switch(tricks, trick_count, wishes, &made, &at_fault, err))
        return -1;
    if (request->epochs > 0 && recipe_stretch(&made, request->epochs, err))
        return -1;
    for (int i = 0; i < request->n_sets; i++) {
        if (request->epochs > 0 && strncmp(request->sets[i], "epochs=", strlen("epochs=")) == 0)
            return error_set(err,
                             "--epochs and --set %s both say how long the run is: --epochs stretches the preset's "
                             "schedule, --set epochs leaves it as it is; give one of them",
                             request->sets[i]);
        if (apply_set(request->sets[i], &made, err))
            return -1;
    }
    if (tricks_check(tricks, trick_count, wishes, &made, &at_fault, &undone, err) || recipe_check(&made, err))
        return -1;
    *recipe = made;
    return 0;
}
