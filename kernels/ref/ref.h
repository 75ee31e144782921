/*
 * The ref family's own header: the oracle. Naive float32 loops, one plan row a step in each phase, nothing
 * fused, every activation and its gradient kept. Read it to learn what the other families must compute.
 *
 * Every op is a pair of functions, found in the table `ops` of ref.c. forward fills row->out from its inputs' out.
 * backward reads row->gradient, overwrites the gradients of its tensors and hands each input its share (ref_give).
 * Activations are NCHW; loops run in parallel over outputs, each of which is summed in a fixed order, so that results
 * are bit-identical for any number of threads.
 *
 * At precision bf16 or f16 every stored activation, every activation's gradient and the weights that convolutions and
 * linear layers multiply by are rounded to it (and kept in floats); logits and their gradients, weights' gradients,
 * norm parameters, statistics and the loss are not.
 */
#ifndef DAVIDNET_KERNELS_REF_REF_H
#define DAVIDNET_KERNELS_REF_REF_H

#include "kernels/augment.h"
#include "kernels/program.h"

struct ref_row {
    const struct plan_row *plan;
    struct ref *ref;
    int index;
    struct ref_row *input[PLAN_INPUTS_MAX];
    size_t size;           /* floats for one image */
    float *out, *gradient; /* [max_batch][size]; gradient is NULL for the loss and where nothing before is trained */
    bool rounded;          /* out and gradient hold values of the precision */
    bool has_gradient;     /* some consumer has given its share since the last forward */
    /* the row's tensors in the arenas; NULL when it has none */
    float *weight, *weight_gradient; /* conv, linear, norm scale */
    float *bias, *bias_gradient;     /* conv, linear, norm */
    float *running_mean, *running_var;
    float *used;            /* conv and linear: the weight as multiplied by, rounded at bf16 and f16 */
    double *mean, *inv_std; /* norm: [groups][c] of the last training batch (eval: the first from the running ones) */
};

struct ref {
    struct program program; /* program.own points back here */
    struct ref_row rows[PLAN_ROWS_MAX];
    float *value, *gradient, *momentum; /* arenas, plan->arena_count floats each */
    float *used;                        /* likewise */
    float *share;                       /* [max_batch][largest row]: what is under way to an input */
    float *padded;                      /* [max_batch][c][h + 2 pad][w + 2 pad]: a convolution's input */
    double *sum;                        /* [PARALLEL_THREADS_MAX][plane]: one channel under way */
    float *part;                        /* likewise: what one input channel adds */
    size_t plane;                       /* floats in the largest plane, padding included */
    double *matrices;                   /* Muon's, of the largest tensor */
    struct augment_table table;
    bool training; /* the phase under way uses batch statistics */
    bool ran;      /* some batch went through: activations can be read */
    bool ran_back; /* ... backward as well */
    size_t bytes;
};

/* One tensor's step. */
struct ref_update {
    float *weight, *momentum;
    const float *gradient;
    double lr, decay, mom;
    enum nesterov form;
};

static inline int ref_images(const struct ref_row *row)
{
    return row->ref->program.batch.n;
}

static inline struct plan_shape ref_in_shape(const struct ref_row *row)
{
    return row->input[0]->plan->out;
}

/* True when the input wants a gradient: something trained lies before. */
static inline bool ref_wants(const struct ref_row *row)
{
    return row->input[0]->gradient != NULL;
}

/* Adds `share` ([n][size]) to the gradient of a row, rounding share and sum where the row is rounded. */
void ref_give(struct ref_row *row, const float *share);

void ref_input_forward(struct ref_row *row);
void ref_conv_forward(struct ref_row *row);
void ref_conv_backward(struct ref_row *row);
void ref_norm_forward(struct ref_row *row);
void ref_norm_backward(struct ref_row *row);
void ref_act_forward(struct ref_row *row);
void ref_act_backward(struct ref_row *row);
void ref_pool_forward(struct ref_row *row); /* all four */
void ref_pool_backward(struct ref_row *row);
void ref_add_forward(struct ref_row *row);
void ref_add_backward(struct ref_row *row);
void ref_concat_forward(struct ref_row *row);
void ref_concat_backward(struct ref_row *row);
void ref_linear_forward(struct ref_row *row);
void ref_linear_backward(struct ref_row *row);
void ref_loss_forward(struct ref_row *row);
void ref_loss_backward(struct ref_row *row);

/* One optimiser step for the row's trained tensors; a weight or gradient that is not finite sets bad_row. */
void ref_update(struct ref_row *row);

/* rules.c: Muon's step with room for ref_muon_doubles, and the rate of one filter, [begin, end) of its tensor, in LARS.
 */
size_t ref_muon_doubles(const struct plan_tensor *tensor);
void ref_muon(const struct ref_update *update, const struct plan_tensor *tensor, double *room);
double ref_lars_rate(const struct ref_update *update, size_t begin, size_t end);

/* The first row, in plan order, whose output holds a value that is not finite; -1 if there is none. */
int ref_find_bad_row(const struct ref *ref);

#endif
