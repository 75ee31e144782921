/*
 * The rows of the knob table, included once: by engine/knob_table.c. A test that has a table of its own includes it
 * after defining KNOB_TABLE_MORE, a row to add at the end.
 */
#include "engine/knobs.h"
#include "engine/loader.h"
#include "kernels/parallel.h"

#include <stddef.h>

#define LR_MAX 1000
#define EPOCHS_MAX 10000

static const char *const eval_names[] = {"test", "holdout", NULL};
static const char *const loader_names[] = {"main", "workers", "workers_anew", NULL};
static const char *const random_names[] = {"bulk", "item", NULL};
static const char *const preprocess_names[] = {"once", "epoch", NULL};
static const char *const flip_names[] = {"random", "alternating", NULL};
static const char *const optimiser_names[] = {"sgd", "muon", "lars", NULL};
static const char *const batch_lr_names[] = {"linear", "published", "same", NULL};
static const char *const tta_names[] = {"none", "flip", "shift", NULL};
static const char *const device_names[] = {"auto", "cpu", "cuda", "ref", NULL};
static const char *const precision_names[] = {"auto", "f32", "bf16", "f16", "tf32", NULL};
static const char *const nesterov_names[] = {"page", "torch", "tf", "none", NULL};
static const char *const shape_names[] = {"piecewise", "cosine",   "exponential", "polynomial",
                                          "one_cycle", "constant", NULL};

static const char *const whitening_names[] = {"none", "3x3", "2x2", NULL};
static const char *const conv_init_names[] = {"pytorch", "dirac", NULL};
static const char *const norm_init_names[] = {"ones", "uniform", NULL};
static const char *const head_init_names[] = {"pytorch", "unit_std", NULL};
static const char *const activation_names[] = {"relu", "celu", "gelu", "silu", NULL};
static const char *const whitening_activation_names[] = {"same", "relu", "celu", "gelu", "silu", NULL};
static const char *const pool_place_names[] = {"after_act", "before_norm", "before_act", NULL};

#define FIELD(f) offsetof(struct recipe, f), sizeof(((struct recipe *)0)->f)
#define INT(f, lo, hi) INT_WHEN(NULL, f, lo, hi)
#define INT_WHEN(when, f, lo, hi) KNOB_INT, FIELD(f), 0, lo, hi, NULL, when
#define INT64(f, lo, hi) KNOB_INT64, FIELD(f), 0, lo, hi, NULL, NULL
#define REAL(f, lo, hi) REAL_WHEN(NULL, f, lo, hi)
#define REAL_WHEN(when, f, lo, hi) KNOB_REAL, FIELD(f), 0, lo, hi, NULL, when
#define SWITCH(f) SWITCH_WHEN(NULL, f)
#define SWITCH_WHEN(when, f) KNOB_SWITCH, FIELD(f), 0, 0, 1, NULL, when
#define ENUM(f, names) ENUM_WHEN(NULL, f, names)
#define ENUM_WHEN(when, f, names) KNOB_ENUM, FIELD(f), 0, 0, 0, names, when
#define TEXT(f) TEXT_WHEN(NULL, f)
#define TEXT_WHEN(when, f) KNOB_TEXT, FIELD(f), 0, 0, 0, NULL, when
#define KNOTS offsetof(struct recipe, schedule.n_knots)
#define REALS_WHEN(when, f, lo, hi)                                                                                    \
    KNOB_REALS, offsetof(struct recipe, f), SCHEDULE_KNOTS_MAX, KNOTS, lo, hi, NULL, when

/* When a row has an effect: struct knob's `when`. */
#define PIECEWISE "lr_shape=piecewise"
#define OTHER_SHAPE "lr_shape!=piecewise"
#define DECAYS "lr_shape=cosine|exponential|polynomial|one_cycle"

/* clang-format off */
const struct knob knobs[] = {
    {"width", "model", INT(width, 1, 1024), "64", "channels", "c of the network's lines (2c, 4c ...)"},
    {"logit_scale", "model", REAL(logit_scale, 1e-6, 1e6), "0.125", "", "the last linear layer's output is multiplied by it"},
    {"branches", "model", TEXT(branches), "", "", "residual:L1+L3, extra:L1+L2+L3 ... or none: of the lines block, res_block, group; empty: as written"},
    {"pool_place", "model", ENUM(pool_place, pool_place_names), "after_act", "", "where the max pool after a norm and its activation goes"},
    {"duplicate_norm", "model", SWITCH(duplicate_norm), "off", "", "the first norm and its activation come twice, a flaw of the winner of 2018"},
    {"activation", "model", ENUM(activation, activation_names), "relu", "", "of network lines that do not name theirs; gelu is the erf form"},
    {"celu_alpha", "model", REAL_WHEN("activation=celu", celu_alpha, 1e-3, 1000), "0.075", "", "celu: how far below zero it goes"},
    {"ghost_bn", "model", SWITCH(ghost_bn), "off", "", "batch norm in groups of images, each with statistics of its own"},
    {"ghost_groups", "model", INT_WHEN("ghost_bn=on", ghost_groups, 2, 4096), "16", "groups", "ghost_bn: of a batch, of equal size"},
    {"frozen_scale", "model", SWITCH(frozen_scale), "off", "", "batch norm's scales stay 1"},
    {"norm_bias_lr", "model", REAL(norm_bias_lr, 1e-6, 1e6), "1", "", "batch norm's biases: the rate is multiplied by it"},
    {"norm_bias_decay", "model", REAL(norm_bias_decay, 0, 1e6), "1", "", "batch norm's biases: the weight decay is multiplied by it"},
    {"half_norm", "model", SWITCH(half_norm), "off", "", "batch norm's parameters and statistics are rounded to half precision"},
    {"whitening", "model", ENUM(whitening, whitening_names), "none", "", "fixed filters that whiten patches, before the first convolution, which with 3x3 becomes 1x1"},
    {"whitening_eps", "model", REAL_WHEN("whitening!=none", whitening_eps, 1e-12, 1000), "0.01", "", "added to the eigenvalues"},
    {"whitening_images", "model", INT_WHEN("whitening!=none", whitening_images, 1, 10000000), "10000", "images", "the first of the training set, whose patches are whitened"},
    {"whitening_bias_epochs", "model", REAL_WHEN("whitening!=none", whitening_bias_epochs, 0, EPOCHS_MAX), "0", "epochs", "a bias after whitening is trained for so long, then stays; 0: none"},
    {"whitening_activation", "model", ENUM_WHEN("whitening=2x2", whitening_activation, whitening_activation_names), "same", "", "between whitening and the first convolution; same: as activation says"},
    {"conv_init", "model", ENUM(conv_init, conv_init_names), "pytorch", "", "first filters; dirac: as many as there are inputs pass one on as it is"},
    {"norm_init", "model", ENUM(norm_init, norm_init_names), "ones", "", "first scales; uniform in (0, 1) was the default of the framework of 2018"},
    {"head_init", "model", ENUM(head_init, head_init_names), "pytorch", "", "first weights of the last layer; unit_std: divided by their standard deviation"},
    {"norm_eps", "model", REAL(norm_eps, 1e-12, 1), "1e-05", "", "batch norm: added to the variance"},
    {"norm_momentum", "model", REAL(norm_momentum, 1e-6, 1), "0.1", "", "batch norm: share of a batch in the running statistics"},

    {"data", "data", TEXT(data), "", "", "folder of CIFAR-10 binary files, or synthetic; empty: $DAVIDNET_DATA, ./data ..."},
    {"eval", "data", ENUM(eval, eval_names), "test", "", "what is evaluated: the test set, or the last 5,000 training images"},
    {"drop_last", "data", SWITCH(drop_last), "on", "", "drop an epoch's last batch when it is not full"},
    {"loader", "data", ENUM(loader, loader_names), "main", "", "who augments: the step itself, or workers ahead of it, kept or started anew each epoch"},
    {"loader_workers", "data", INT_WHEN("loader!=main", loader_workers, 1, LOADER_WORKERS_MAX), "1", "threads", "that prepare batches, beside those of the arithmetic"},
    {"loader_random", "data", ENUM(loader_random, random_names), "bulk", "", "when crops, flips and boxes are drawn: all of an epoch's at once, or each with its image"},
    {"preprocess", "data", ENUM(preprocess, preprocess_names), "once", "", "normalising: by a table made once, or of all images each epoch, into a copy (4 bytes a value)"},

    {"crop", "augmentation", SWITCH(crop), "off", "", "pad by reflection and cut out at a random place"},
    {"crop_pad", "augmentation", INT(crop_pad, 1, 8), "4", "pixels", "padding on every side before the crop"},
    {"flip", "augmentation", SWITCH(flip), "off", "", "mirror at random"},
    {"flip_kind", "augmentation", ENUM_WHEN("flip=on", flip_kind, flip_names), "random", "", "alternating: left to right drawn once, then all turned over every other epoch"},
    {"flip_probability", "augmentation", REAL(flip_probability, 0, 1), "0.5", "", "of a left-right mirror image; alternating: in even epochs"},
    {"vertical_flip_probability", "augmentation", REAL(vertical_flip_probability, 0, 1), "0", "", "of an upside-down image"},
    {"cutout", "augmentation", SWITCH(cutout), "off", "", "set a box at a random place, fully inside, to zero"},
    {"cutout_height", "augmentation", INT(cutout_height, 1, 32), "8", "pixels", "height of the box"},
    {"cutout_width", "augmentation", INT(cutout_width, 1, 32), "8", "pixels", "width of the box"},
    {"brightness_contrast", "augmentation", SWITCH(brightness_contrast), "off", "", "make images brighter or darker, and of more or less contrast, at random"},
    {"brightness", "augmentation", REAL_WHEN("brightness_contrast=on", brightness, 0, 4), "0.14", "std", "at most so much is added to normalised values or taken away"},
    {"contrast", "augmentation", REAL_WHEN("brightness_contrast=on", contrast, 0, 0.99), "0.13", "", "they are then multiplied by 1 - that to 1 + that"},
    {"progressive_size", "augmentation", SWITCH(progressive_size), "off", "", "train on smaller images at first; evaluation always has whole ones"},
    {"sizes", "augmentation", TEXT_WHEN("progressive_size=on", sizes), "24x4,32x4", "", "SIZExEPOCHS, one after the other; epochs stretch in proportion to the run's"},
    {"gpu_data", "augmentation", SWITCH(gpu_data), "off", "", "deal crops, flips and boxes out to groups of images"},
    {"augment_groups", "augmentation", INT_WHEN("gpu_data=on", augment_groups, 1, CHOICES_GROUPS_MAX), "200", "groups", "of images at most, for each transform; each group has one option"},

    {"epochs", "schedule", REAL(epochs, 0.001, EPOCHS_MAX), "24", "epochs", "length of the run; may be a fraction"},
    {"lr_shape", "schedule", ENUM(schedule.shape, shape_names), "piecewise", "", "how the learning rate moves"},
    {"lr_knots", "schedule", REALS_WHEN(PIECEWISE, schedule.knot, 0, EPOCHS_MAX), "0,5,24", "epochs", "piecewise: where the line bends; two equal ones make a jump"},
    {"lr_values", "schedule", REALS_WHEN(PIECEWISE, schedule.value, 0, LR_MAX), "0,0.4,0", "", "piecewise: the rate at each knot, per mean loss"},
    {"lr_kink", "schedule", SWITCH_WHEN(PIECEWISE, schedule.kink), "off", "", "piecewise: the rate jumps where its fall from the highest knot begins, a flaw of the winner of 2018"},
    {"lr_kink_factor", "schedule", REAL_WHEN("lr_kink=on", schedule.kink_factor, 0.5, 2), "1.05", "", "lr_kink: the jump multiplies the rate by it"},
    {"lr_peak", "schedule", REAL_WHEN(OTHER_SHAPE, schedule.peak, 0, LR_MAX), "0.4", "", "other shapes: the highest rate"},
    {"lr_warmup", "schedule", REAL_WHEN(OTHER_SHAPE, schedule.warmup, 0, EPOCHS_MAX), "5", "epochs", "other shapes: time to reach the peak"},
    {"lr_final", "schedule", REAL_WHEN(DECAYS, schedule.final, 0, LR_MAX), "0", "", "cosine, exponential, polynomial, one_cycle: the last rate"},
    {"lr_power", "schedule", REAL_WHEN("lr_shape=polynomial", schedule.power, 0.01, 100), "1", "", "polynomial: the exponent"},

    {"batch", "optimiser", INT(batch, 2, RECIPE_BATCH_MAX), "512", "images", "images in a step"},
    {"batch_times", "optimiser", INT(batch_times, 1, 64), "1", "", "makes the batch so many times as large"},
    {"batch_lr", "optimiser", ENUM_WHEN("batch_times!=1", batch_lr, batch_lr_names), "linear", "", "the rate then: as many times as high, 10 % more than that (published), or the same"},
    {"momentum", "optimiser", REAL(momentum, 0, 0.9999), "0.9", "", "of the gradient's moving sum"},
    {"nesterov", "optimiser", ENUM(nesterov, nesterov_names), "page", "", "form of Nesterov momentum; page has the rate inside the sum"},
    {"weight_decay", "optimiser", REAL(weight_decay, 0, 1), "0.0005", "", "pull of every weight towards 0, per mean loss"},
    {"lr_first_step", "optimiser", INT(lr_first_step, 0, 1), "1", "", "steps are counted from it: a run's first rate is the schedule's at so many steps"},
    {"optimiser", "optimiser", ENUM(optimiser, optimiser_names), "sgd", "", "of filters; all other tensors go by sgd with momentum"},
    {"muon_lr", "optimiser", REAL_WHEN("optimiser=muon", muon_lr, 0, LR_MAX), "0.24", "", "filters' rate where the schedule is highest; no batch size comes into it"},
    {"muon_momentum", "optimiser", REAL_WHEN("optimiser=muon", muon_momentum, 0, 0.9999), "0.6", "", "of filters"},
    {"lars_lr", "optimiser", REAL_WHEN("optimiser=lars", lars_lr, 0, LR_MAX), "0.02", "", "a filter's step relative to its length, where the schedule is highest"},
    {"filter_lr", "optimiser", REAL(filter_lr, 0, 1e6), "1", "", "filters: the rate is multiplied by it"},
    {"head_lr", "optimiser", REAL(head_lr, 0, 1e6), "1", "", "linear layers: the rate is multiplied by it"},
    {"whitening_bias_lr", "optimiser", REAL_WHEN("whitening!=none", whitening_bias_lr, 0, 1e6), "1", "", "the bias after whitening: the rate is multiplied by it"},
    {"whitening_bias_falls", "optimiser", SWITCH_WHEN("whitening!=none", whitening_bias_falls), "off", "", "the bias after whitening: its rate falls from the highest to 0 in its epochs"},
    {"decoupled_decay", "optimiser", SWITCH(decoupled_decay), "off", "", "weight decay goes by the schedule's rate alone, whatever a tensor's rate is multiplied by"},
    {"ema", "optimiser", SWITCH(ema), "off", "", "evaluate and save a moving average of the weights and running statistics"},
    {"ema_momentum", "optimiser", REAL_WHEN("ema=on", ema_momentum, 0, 0.999999), "0.99", "", "of the average, for each step"},
    {"ema_every", "optimiser", INT_WHEN("ema=on", ema_every, 1, 100000), "5", "steps", "between two updates of the average"},
    {"lookahead", "optimiser", SWITCH(lookahead), "off", "", "train from slow weights that follow, slower and slower; they end as the weights"},
    {"lookahead_momentum", "optimiser", REAL_WHEN("lookahead=on", lookahead_momentum, 0, 0.999999), "0.95", "", "of the slow weights, for each step, at the run's end; times (t/T)^3 before"},
    {"lookahead_every", "optimiser", INT_WHEN("lookahead=on", lookahead_every, 1, 100000), "5", "steps", "between two updates of the slow weights"},
    {"label_smoothing", "optimiser", SWITCH(label_smoothing), "off", "", "train on labels that are not quite certain; the losses that are shown stay cross-entropy"},
    {"smoothing", "optimiser", REAL_WHEN("label_smoothing=on", smoothing, 0.001, 0.999), "0.2", "", "label_smoothing: share of the loss that is the mean of -log p over all classes"},

    {"tta", "evaluation", ENUM(tta, tta_names), "none", "", "average over views of each image: it and its mirror (flip), both also moved by a pixel (shift)"},
    {"tta_share", "evaluation", REAL_WHEN("tta!=none", tta_share, 0.01, 1), "1", "", "of the images that get all views: those that plain views are least sure of"},

    {"device", "machine", ENUM(device, device_names), "auto", "", "where to train; ref: slow and plain, for comparison"},
    {"device_index", "machine", INT_WHEN("device=cuda", device_index, 0, 63), "0", "", "which GPU"},
    {"precision", "machine", ENUM(precision, precision_names), "auto", "", "of activations; auto: bf16 where the hardware has it, else f32"},
    {"threads", "machine", INT(threads, 0, PARALLEL_THREADS_MAX), "0", "threads", "0: as many as this process may use"},
    {"isa", "machine", TEXT(isa), "auto", "", "instructions to use at most: plain, avx2, avx512, avx512_bf16, amx"},

    {"seed", "seeds", INT64(seed, 0, KNOB_WHOLE_MAX), "0", "", "of everything random that has no seed of its own"},
    {"order_seed", "seeds", INT64(order_seed, -1, KNOB_WHOLE_MAX), "-1", "", "of the order of images; -1: seed"},
    {"augment_seed", "seeds", INT64(augment_seed, -1, KNOB_WHOLE_MAX), "-1", "", "of crops, flips and boxes; -1: seed"},
    {"init_seed", "seeds", INT64(init_seed, -1, KNOB_WHOLE_MAX), "-1", "", "of the first weights; -1: seed"},

    {"target", "run", REAL(target, 0, 100), "94", "%", "accuracy whose time is reported"},
    {"evaluate_every", "run", INT(evaluate_every, 1, 1000), "1", "epochs", "between evaluations; the last epoch always has one"},
    {"checkpoint_seconds", "run", REAL(checkpoint_seconds, 0.01, 1e6), "60", "s", "between checkpoints; each epoch's end has one too"},
    {"keep_checkpoints", "run", SWITCH(keep_checkpoints), "on", "", "on: only the last two are kept; off: all of them"},
#ifdef KNOB_TABLE_MORE
    KNOB_TABLE_MORE
#endif
};
/* clang-format on */
const int knob_count = sizeof knobs / sizeof knobs[0];
_Static_assert(sizeof knobs / sizeof knobs[0] <= RECIPE_KNOBS_MAX,
               "struct recipe tells each one's value from its preset's");
