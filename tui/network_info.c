#include "tui/network_info.h"

#include <stdlib.h>

#define TRAIN_IMAGES 50000.0

struct network_info *network_info_new(const struct recipe *recipe, struct error *err)
{
    struct network_info *info = calloc(1, sizeof *info);
    if (!info) {
        error_set(err, "out of memory");
        return NULL;
    }
    if (network_build(recipe, (struct plan_shape){3, 32, 32}, 10, &info->network, err) ||
        network_lower(&info->network, &info->plan, err)) {
        free(info);
        return NULL;
    }
    for (int i = 0; i < info->plan.n_rows; i++) {
        info->forward_flops += plan_row_forward_flops(&info->plan, i);
        info->backward_flops += plan_row_backward_flops(&info->plan, i);
    }
    info->parameters = plan_parameter_count(&info->plan);
    info->run_flops = (info->forward_flops + info->backward_flops) * TRAIN_IMAGES * recipe->epochs;
    return info;
}

char *network_info_count(double count, char *out, size_t size)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e15, " P"}, {1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1, ""}};
    size_t i = 0;
    while (i < 5 && count < units[i].unit)
        i++;
    snprintf(out, size, "%.3g%s", count / units[i].unit, units[i].name);
    return out;
}

size_t network_info_parameters(const struct plan *plan, const struct plan_row *row)
{
    size_t count = 0;
    for (int k = 0; k < row->n_tensors; k++)
        if (plan->tensors[row->tensor[k]].trained)
            count += plan->tensors[row->tensor[k]].count;
    return count;
}

void network_info_describe(const struct plan *plan, int index, char *out, size_t size)
{
    const struct plan_row *row = &plan->rows[index];
    char stride[24], groups[24];
    switch (row->op) {
    case PLAN_CONV:
        snprintf(stride, sizeof stride, " /%d", row->stride);
        snprintf(out, size, "conv %dx%d%s%s", row->kernel, row->kernel, row->stride > 1 ? stride : "",
                 plan->tensors[plan_row_tensor(plan, index, PLAN_CONV_WEIGHT)].trained ? "" : " fixed");
        break;
    case PLAN_MAX_POOL:
    case PLAN_AVG_POOL:
        snprintf(out, size, "%s %d", plan_op_name(row->op), row->kernel);
        break;
    case PLAN_NORM:
        snprintf(groups, sizeof groups, " in %d", row->groups);
        snprintf(out, size, "norm%s%s%s", row->groups > 1 ? groups : "",
                 plan->tensors[plan_row_tensor(plan, index, PLAN_NORM_SCALE)].trained ? "" : " no scale",
                 row->half ? " half" : "");
        break;
    case PLAN_ACT:
        if (row->act == PLAN_ACT_CELU)
            snprintf(out, size, "celu %g", row->alpha);
        else
            snprintf(out, size, "%s", plan_act_name(row->act));
        break;
    case PLAN_LINEAR:
        snprintf(out, size, "linear");
        break;
    default:
        snprintf(out, size, "%s", plan_op_name(row->op));
        break;
    }
}
