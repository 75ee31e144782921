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
