/*
 * A recipe is plain data: everything that decides a run's result. It is passed by value; no pointers inside.
 * Every field but `network` (and what goes with it) is a row of the knob table (engine/knobs.h). A recipe = preset,
 * then the tricks' patches in table order, then the user's own values: resolved afresh each time, never undone in
 * place.
 */
#ifndef DAVIDNET_ENGINE_RECIPE_H
#define DAVIDNET_ENGINE_RECIPE_H

#include "engine/choices.h"
#include "engine/initialise.h"
#include "engine/schedule.h"
#include "engine/stages.h"
#include "kernels/program.h"

#include <stdint.h>
#include <stdio.h>

#define RECIPE_NETWORK_MAX 4096
#define RECIPE_BATCH_MAX 16384
#define RECIPE_TRICKS_MAX 64
#define RECIPE_KNOBS_MAX 128
#define RECIPE_DEFAULT_PRESET "davidnet-79"

enum recipe_eval { RECIPE_EVAL_TEST, RECIPE_EVAL_HOLDOUT, RECIPE_EVAL_COUNT };
enum recipe_flip { RECIPE_FLIP_RANDOM, RECIPE_FLIP_ALTERNATING, RECIPE_FLIP_COUNT };
/* By what filters are updated: enum plan_rule. */
enum recipe_optimiser { RECIPE_OPTIMISER_SGD, RECIPE_OPTIMISER_MUON, RECIPE_OPTIMISER_LARS, RECIPE_OPTIMISER_COUNT };
/* What becomes of the rate when batch_times makes the batch larger: multiplied as well; by 10 % more than that. */
enum recipe_batch_lr { RECIPE_BATCH_LR_LINEAR, RECIPE_BATCH_LR_PUBLISHED, RECIPE_BATCH_LR_SAME, RECIPE_BATCH_LR_COUNT };
/* Test-time augmentation: engine/evaluate.h. */
enum recipe_tta { RECIPE_TTA_NONE, RECIPE_TTA_FLIP, RECIPE_TTA_SHIFT, RECIPE_TTA_COUNT };
enum recipe_loader { RECIPE_LOADER_MAIN, RECIPE_LOADER_WORKERS, RECIPE_LOADER_WORKERS_ANEW, RECIPE_LOADER_COUNT };
enum recipe_random { RECIPE_RANDOM_BULK, RECIPE_RANDOM_ITEM, RECIPE_RANDOM_COUNT };
enum recipe_preprocess { RECIPE_PREPROCESS_ONCE, RECIPE_PREPROCESS_EPOCH, RECIPE_PREPROCESS_COUNT };
enum recipe_device {
    RECIPE_DEVICE_AUTO,
    RECIPE_DEVICE_CPU,
    RECIPE_DEVICE_CUDA,
    RECIPE_DEVICE_REF,
    RECIPE_DEVICE_COUNT
};
enum recipe_precision {
    RECIPE_PRECISION_AUTO,
    RECIPE_PRECISION_F32,
    RECIPE_PRECISION_BF16,
    RECIPE_PRECISION_F16,
    RECIPE_PRECISION_TF32,
    RECIPE_PRECISION_COUNT
};

/* Where a max pool after an activation goes. */
enum recipe_pool_place { RECIPE_POOL_AFTER_ACT, RECIPE_POOL_BEFORE_NORM, RECIPE_POOL_BEFORE_ACT, RECIPE_POOL_COUNT };

enum recipe_whitening { RECIPE_WHITENING_NONE, RECIPE_WHITENING_3X3, RECIPE_WHITENING_2X2, RECIPE_WHITENING_COUNT };

struct recipe {
    char preset[64]; /* what it was inherited from */
    char name[64]; /* a recipe file's own, which its runs are called by; empty: the preset's. It says nothing of what a
                      run does, and recipe_equal does not compare it */
    char network[RECIPE_NETWORK_MAX]; /* text, one "name = kind args" a line (engine/network.h) */
    int own_network;      /* 1: it is not the preset's; set when the recipe is read, resolved or given a network, and no
                             part of what recipe_write writes or recipe_equal compares */
    int has_base;         /* likewise: the preset is known, and */
    uint64_t base_tricks; /* has these on, a bit each in table order (tricks_on), and */
    uint32_t base_values[RECIPE_KNOBS_MAX]; /* knobs of these values, in table order (knob_checksum) */
    /* network */
    int width;          /* c: 64 in DavidNet */
    double logit_scale; /* multiplies the logits: 0.125 */
    char branches[64];  /* residual and extra convolutions: engine/network_rewrite.h */
    enum recipe_pool_place pool_place;
    int duplicate_norm;
    enum recipe_whitening whitening; /* engine/whiten.h */
    double whitening_eps, whitening_bias_epochs;
    int whitening_images;
    int whitening_activation; /* 0: `activation`; else enum plan_act + 1 */
    enum initialise_conv conv_init;
    enum initialise_norm norm_init;
    enum initialise_head head_init;
    enum plan_act activation; /* of lines that do not name theirs */
    double celu_alpha;
    int ghost_bn, ghost_groups;
    int frozen_scale;                     /* batch norm's scales stay 1 */
    double norm_bias_lr, norm_bias_decay; /* multiply the rates of batch norm's biases */
    int half_norm;
    double norm_eps, norm_momentum; /* of network lines that do not say */
    /* data */
    char data[512]; /* SOURCE; empty: the default */
    enum recipe_eval eval;
    int drop_last;             /* 1: the last partial batch of an epoch is dropped */
    enum recipe_loader loader; /* engine/loader.h; none of these four changes a batch */
    int loader_workers;
    enum recipe_random loader_random;
    enum recipe_preprocess preprocess;
    /* augmentation */
    int crop; /* trick switches: 1 on */
    int crop_pad;
    int flip;
    enum recipe_flip flip_kind;
    double flip_probability, vertical_flip_probability;
    int cutout;
    int cutout_height, cutout_width;
    int brightness_contrast;
    double brightness, contrast;
    int progressive_size;
    char sizes[64]; /* engine/stages.h */
    int gpu_data;
    int augment_groups;
    /* schedule and optimiser */
    double epochs; /* may be fractional */
    int batch, batch_times;
    enum recipe_batch_lr batch_lr;
    struct schedule schedule; /* lr_shape, lr_knots, lr_values, lr_peak, lr_warmup, lr_final, lr_power */
    double momentum;
    enum nesterov nesterov;
    double weight_decay; /* per mean loss */
    int lr_first_step;   /* the first step's rate is the schedule's after so many steps: 1, or 0 */
    /* groups of tensors: engine/groups.h */
    enum recipe_optimiser optimiser;
    double muon_lr, muon_momentum, lars_lr;
    double filter_lr, head_lr, whitening_bias_lr; /* multiply the schedule's rate */
    int whitening_bias_falls, decoupled_decay;
    int ema;             /* engine/averages.h */
    int ema_every;       /* steps */
    double ema_momentum; /* a step */
    int lookahead;
    int lookahead_every;
    double lookahead_momentum;
    int label_smoothing;
    double smoothing;
    /* evaluation */
    enum recipe_tta tta;
    double tta_share; /* of the images */
    /* arithmetic */
    enum recipe_device device;
    int device_index;
    enum recipe_precision precision;
    int threads;  /* 0: all */
    char isa[16]; /* "auto" */
    /* seeds: -1 derives order, augment and init from seed */
    int64_t seed, order_seed, augment_seed, init_seed;
    /* run */
    double target;             /* percent */
    int evaluate_every;        /* epochs between evaluations, 1; the last epoch is always evaluated */
    double checkpoint_seconds; /* 60; at each epoch's end too */
    int keep_checkpoints;      /* 1: only the last two; 0: all */
};

/* What the user asked for, before it is resolved. Strings are borrowed. */
#define RECIPE_SETS_MAX 128
struct recipe_request {
    const char *preset; /* (optional) default "davidnet-79" */
    const char *file;   /* (optional) a recipe file; it may inherit from a preset itself */
    int n_on, n_off, n_sets;
    const char *on[RECIPE_TRICKS_MAX], *off[RECIPE_TRICKS_MAX];
    const char *sets[RECIPE_SETS_MAX]; /* "key=value" */
    double epochs; /* > 0: stretch the schedule to this many, before the user's own values: those stay as given */
};

/* 0, or -1 with an error naming file and line, or key, value and range. */
int recipe_resolve(const struct recipe_request *request, struct recipe *recipe, struct error *err);

/* Sets epochs and stretches the schedule in proportion, as `--epochs` does. */
int recipe_stretch(struct recipe *recipe, double epochs, struct error *err);

/* Contradictions between fields (knots beyond epochs ...). What depends on the data, such as a crop larger than the
 * images, session_check and session_open_data find. */
int recipe_check(const struct recipe *recipe, struct error *err);

/* The same; *key is the knob at fault, or NULL. */
int recipe_check_key(const struct recipe *recipe, const char **key, struct error *err);

/* Writes the full recipe as text that recipe_read gives back bit for bit (doubles shortest round-trip). */
int recipe_write(const struct recipe *recipe, FILE *out, struct error *err);
/* The same as a string: malloc'ed, *length bytes without its NUL; NULL with err. */
char *recipe_text(const struct recipe *recipe, size_t *length, struct error *err);
int recipe_read(const char *path, struct recipe *recipe, struct error *err);
int recipe_equal(const struct recipe *a, const struct recipe *b);

/* The seeds in force. */
uint64_t recipe_order_seed(const struct recipe *recipe);
uint64_t recipe_augment_seed(const struct recipe *recipe);
uint64_t recipe_init_seed(const struct recipe *recipe);

/* The images in a step, what the schedule's rate is multiplied by, and the rate `epoch` epochs into the run. */
int recipe_batch(const struct recipe *recipe);
double recipe_lr_gain(const struct recipe *recipe);
double recipe_lr(const struct recipe *recipe, double epoch);

/* The label smoothing in force: plan_row.smoothing. */
double recipe_smoothing(const struct recipe *recipe);

/* The augmentation in force (switches applied). */
void recipe_choices(const struct recipe *recipe, struct choices_options *options);

/* The sizes that images are shrunk to (none without progressive_size); -1: they cannot be read. */
int recipe_stages(const struct recipe *recipe, struct stages *stages, struct error *err);

/* What its runs are called and listed by: its own name, or else its preset's; never empty. */
const char *recipe_name(const struct recipe *recipe);

/*
 * One line for people: "davidnet-79, 24 epochs x 512, lr 0.4, cutout 8x8, seed 1". Knobs, a network and tricks that
 * are not the preset's are told, of many the first: "davidnet-79 width=32 + own network + celu - cutout, ...", "+ celu
 * + ema - crop and 2 more"; of a file with a name of its own: "mine: davidnet-79 + celu, ...". Not told are the
 * machine, how a run is looked after, and the course of the learning rate. It goes by the recipe alone and reads
 * nothing: views draw with it.
 */
void recipe_summary(const struct recipe *recipe, char *out, size_t size);

/*
 * The one-line command that reproduces it, quoted for a shell: "davidnet train --preset davidnet-79 --set ... --seed
 * 1". Only what differs from the preset is set. RECIPE_COMMAND_MAX holds any.
 */
#define RECIPE_COMMAND_MAX 16384
void recipe_command(const struct recipe *recipe, char *out, size_t size);

#endif
