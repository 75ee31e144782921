/* Network to plan: node i becomes row i. */
#include "engine/network.h"

int network_lower_node(const struct network *network, int index, struct plan *plan, struct error *err)
{
    const struct network_node *node = &network->node[index];
    const char *name = node->name;
    int row = -1;
    switch (node->op) {
    case PLAN_INPUT:
        row = plan_input(plan, node->out, err);
        break;
    case PLAN_CONV:
        row = plan_conv(plan, name, node->input[0], node->channels,
                        (struct plan_conv_options){.kernel = node->kernel,
                                                   .stride = node->stride,
                                                   .pad = node->pad,
                                                   .bias = node->bias,
                                                   .fixed = node->whiten.kernel > 0},
                        err);
        if (row >= 0 && node->bias)
            plan->tensors[plan_row_tensor(plan, row, PLAN_CONV_BIAS)].epochs = node->bias_epochs;
        break;
    case PLAN_NORM:
        row = plan_norm(plan, name, node->input[0],
                        (struct plan_norm_options){.eps = node->eps,
                                                   .momentum = node->momentum,
                                                   .groups = node->groups,
                                                   .fixed_scale = node->fixed_scale,
                                                   .half = node->half},
                        err);
        if (row >= 0 && (node->bias_lr_scale > 0 || node->bias_decay_scale > 0) &&
            plan_scale_rates(plan, row, PLAN_NORM_BIAS, node->bias_lr_scale, node->bias_decay_scale, err))
            return -1;
        break;
    case PLAN_ACT:
        row = plan_act(plan, name, node->input[0], node->act, node->alpha, err);
        break;
    case PLAN_MAX_POOL:
    case PLAN_AVG_POOL:
    case PLAN_GLOBAL_MAX:
    case PLAN_GLOBAL_AVG:
        row = plan_pool(plan, name, node->input[0], node->op, node->kernel, err);
        break;
    case PLAN_ADD:
        row = plan_add(plan, name, node->input[0], node->input[1], err);
        break;
    case PLAN_CONCAT:
        row = plan_concat(plan, name, node->input[0], node->input[1], err);
        break;
    case PLAN_LINEAR:
        row = plan_linear(plan, name, node->input[0], node->channels, node->factor, node->bias, err);
        break;
    case PLAN_LOSS:
        row = plan_loss(plan, name, node->input[0], node->smoothing, err);
        break;
    case PLAN_OP_COUNT:
        break;
    }
    return row == index ? 0 : -1;
}

int network_lower(const struct network *network, struct plan *plan, struct error *err)
{
    plan_init(plan);
    for (int i = 0; i < network->n_nodes; i++)
        if (network_lower_node(network, i, plan, err))
            return error_prefix(err, "network line %d", network->node[i].line);
    return plan_check(plan, err);
}
