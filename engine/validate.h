/*
 * A benchmark validates before it times: the session's own program, at its own batch, against ref.
 *
 * The program's groups, tails and workspaces depend on the batch it was compiled for, so no smaller program can stand
 * in for it; and ref would take minutes for so many images. So the batch holds a few distinct images, each as often
 * as the others, in a random order. Then the batch's statistics are those of the few, every copy's logits are those
 * that ref computes for its image, and the summed gradients are ref's times the number of copies; an image that
 * landed in another's place or was left out shows in the logits. With ghost batch norm each group gets all of the
 * few equally often, so that its statistics are those of ref with plain batch norm.
 */
#ifndef DAVIDNET_ENGINE_VALIDATE_H
#define DAVIDNET_ENGINE_VALIDATE_H

#include "engine/session.h"

struct validation {
    int images;      /* distinct ones */
    int batch;       /* of the program: images times copies, at most images - 1 less than it takes */
    double logits;   /* norm-wise relative error of all the batch's logits: training's or evaluation's, the larger */
    double gradient; /* the worst of the trained tensors' gradients */
    /* What is allowed for this precision. Gradients get more: at a kink (ReLU, max pool) a difference in the last
     * digit sends a gradient elsewhere, and a few images have few others to drown it. */
    double logits_tolerance, gradient_tolerance;
    char worst[PLAN_NAME_MAX]; /* that tensor */
};

/*
 * 0 and filled when within tolerance; -1 with err when not, or when it could not be done. The session's program then
 * has the recipe's initial weights, and its executor's times are reset.
 */
int session_validate(struct session *session, struct validation *validation, struct error *err);

#endif
