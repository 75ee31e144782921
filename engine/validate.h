/* A benchmark validates before it times: the session's family against ref on a few of its own images. */
#ifndef DAVIDNET_ENGINE_VALIDATE_H
#define DAVIDNET_ENGINE_VALIDATE_H

#include "engine/session.h"

struct validation {
    int images;      /* compared */
    double logits;   /* norm-wise relative error of the logits */
    double gradient; /* the worst of the trained tensors' gradients */
    /* What is allowed for this precision. Gradients get more: at a kink (ReLU, max pool) a difference in the last
     * digit sends a gradient elsewhere, and two images have few others to drown it. */
    double logits_tolerance, gradient_tolerance;
    char worst[PLAN_NAME_MAX]; /* that tensor */
};

/* 0 and filled when within tolerance; -1 with err when not, or when it could not be done. */
int session_validate(struct session *session, struct validation *validation, struct error *err);

#endif
