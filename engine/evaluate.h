/*
 * Evaluation: a session's network over its evaluation images, plainly or with test-time augmentation (the knob `tta`):
 * the logits of several views of an image are averaged before the arg max.
 *
 *   flip    the image and its mirror
 *   shift   {as it is, moved by (-1, -1), moved by (+1, +1), edges reflected} x {image, mirror}; the first pair weighs
 *           1/2, the others 1/4 each (K. Jordan, 94 % on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv:2404.00498)
 *
 * With tta_share below 1 only that share of the images gets all views: those that the plain views (the image alone; for
 * shift with its mirror) are least sure of, by the largest softmax probability.
 */
#ifndef DAVIDNET_ENGINE_EVALUATE_H
#define DAVIDNET_ENGINE_EVALUATE_H

#include "engine/session.h"

/*
 * Accuracy and summed cross-entropy over the evaluation images. stop (optional) is asked between batches; when it says
 * 1 the function returns 1 and there is no result. logits (optional) [test images][classes]: out, averaged over the
 * views. Uses the weights that the program holds. Invalidates the epoch's choices; session_batch redraws them.
 */
int session_evaluate(struct session *session, float *logits, struct step_result *result, int (*stop)(void *),
                     void *context, struct error *err);

/* How many views an image gets at most: 1, 2 or 6. */
int evaluate_views(const struct recipe *recipe);

/* How many times stop is asked, if it never says 1: a batch in one view each. */
uint32_t evaluate_batches(const struct session *session);

#endif
