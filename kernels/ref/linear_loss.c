/* The linear layer and softmax cross-entropy: sums in double. */
#include "kernels/ref/ref.h"

#include "kernels/parallel.h"

#include <math.h>

/* y[n][o] = factor * (sum over i of w[o][i] * x[n][i] + b[o]); items are (image, output). */
static void linear_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    size_t outputs = row->size, inputs = row->input[0]->size;
    (void)thread;

    for (size_t item = begin; item < end; item++) {
        size_t o = item % outputs;
        const float *x = row->input[0]->out + item / outputs * inputs, *w = row->used + o * inputs;
        double sum = row->bias ? row->bias[o] : 0;
        for (size_t i = 0; i < inputs; i++)
            sum += (double)w[i] * x[i];
        row->out[item] = (float)(row->plan->factor * sum);
    }
}

void ref_linear_forward(struct ref_row *row)
{
    parallel_for(ref_images(row) * row->size, 1, linear_range, row);
}

/* dw[o][i] = factor * sum over n of dy[n][o] * x[n][i]; db likewise with x = 1; items are outputs. */
static void linear_weight_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    const float *x = row->input[0]->out;
    size_t outputs = row->size, inputs = row->input[0]->size;
    double factor = row->plan->factor;
    (void)thread;

    for (size_t o = begin; o < end; o++) {
        for (size_t i = 0; i < inputs; i++) {
            double sum = 0;
            for (size_t n = 0; n < (size_t)ref_images(row); n++)
                sum += (double)row->gradient[n * outputs + o] * x[n * inputs + i];
            row->weight_gradient[o * inputs + i] = (float)(factor * sum);
        }
        double sum = 0;
        for (size_t n = 0; n < (size_t)ref_images(row); n++)
            sum += row->gradient[n * outputs + o];
        if (row->bias)
            row->bias_gradient[o] = (float)(factor * sum);
    }
}

/* dx[n][i] = factor * sum over o of dy[n][o] * w[o][i]; items are (image, input). */
static void linear_data_range(void *context, size_t begin, size_t end, int thread)
{
    struct ref_row *row = context;
    size_t outputs = row->size, inputs = row->input[0]->size;
    (void)thread;

    for (size_t item = begin; item < end; item++) {
        const float *dy = row->gradient + item / inputs * outputs;
        double sum = 0;
        for (size_t o = 0; o < outputs; o++)
            sum += (double)dy[o] * row->used[o * inputs + item % inputs];
        row->ref->share[item] = (float)(row->plan->factor * sum);
    }
}

void ref_linear_backward(struct ref_row *row)
{
    parallel_for(row->size, 1, linear_weight_range, row);
    if (ref_wants(row)) {
        parallel_for(ref_images(row) * row->input[0]->size, 64, linear_data_range, row);
        ref_give(row->input[0], row->ref->share);
    }
}

static int label_of(const struct ref_row *row, int n)
{
    const struct batch *batch = &row->ref->program.batch;
    return batch->images->labels[batch->choices[n].image];
}

/* log of the sum of exp, kept from overflowing by taking out the largest. */
static double log_sum_exp(const float *x, size_t count)
{
    double largest = x[0], sum = 0;
    for (size_t i = 1; i < count; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (size_t i = 0; i < count; i++)
        sum += exp(x[i] - largest);
    return largest + log(sum);
}

/* out[n] = the loss of one image; the program's result gets their sum and the number that are right. */
void ref_loss_forward(struct ref_row *row)
{
    struct step_result *result = &row->ref->program.result;
    size_t classes = row->input[0]->size;

    result->n = ref_images(row);
    result->correct = 0;
    result->loss_sum = 0;
    for (int n = 0; n < ref_images(row); n++) {
        const float *logits = row->input[0]->out + n * classes;
        double loss = log_sum_exp(logits, classes) - logits[label_of(row, n)];
        size_t best = 0;
        for (size_t i = 1; i < classes; i++)
            best = logits[i] > logits[best] ? i : best;
        row->out[n] = (float)loss;
        result->loss_sum += loss;
        result->correct += best == (size_t)label_of(row, n);
    }
    if (!isfinite(result->loss_sum) && result->bad_row < 0)
        result->bad_row = ref_find_bad_row(row->ref);
}

/* Of the sum over the batch: softmax - ((1 - s) * onehot + s / classes). */
void ref_loss_backward(struct ref_row *row)
{
    size_t classes = row->input[0]->size;
    double smoothing = row->plan->smoothing;

    for (int n = 0; n < ref_images(row); n++) {
        const float *logits = row->input[0]->out + n * classes;
        double log_sum = log_sum_exp(logits, classes);
        for (size_t i = 0; i < classes; i++)
            row->ref->share[n * classes + i] =
                (float)(exp(logits[i] - log_sum) -
                        ((1 - smoothing) * ((size_t)label_of(row, n) == i) + smoothing / (double)classes));
    }
    ref_give(row->input[0], row->ref->share);
}
