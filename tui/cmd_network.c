/* davidnet network: a recipe's network, node by node. */
#include "engine/session.h"
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/figure_output.h"
#include "tui/network_info.h"
#include "tui/options.h"
#include "views/figure_network.h"
#include "views/filters.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 6
#define CELL 80
#define FORMATS "table json png svg pdf"

extern const struct command command_network;

static void put_table(const struct recipe *recipe, const struct network_info *info, FILE *out)
{
    static const char *const head[COLUMNS] = {"node", "op", ">output", ">params", ">forward", ">backward"};
    const struct plan *plan = &info->plan;
    int n = plan->n_rows + 1;
    char(*text)[CELL] = calloc((size_t)(n * COLUMNS), CELL);
    const char **cells = calloc((size_t)(n * COLUMNS), sizeof *cells);
    if (text && cells) {
        for (int i = 0; i < n * COLUMNS; i++)
            cells[i] = text[i];
        for (int i = 0; i < n; i++) {
            char(*cell)[CELL] = text + i * COLUMNS;
            int total = i == plan->n_rows;
            size_t parameters = total ? info->parameters : network_info_parameters(plan, &plan->rows[i]);
            double forward = total ? info->forward_flops : plan_row_forward_flops(plan, i);
            double backward = total ? info->backward_flops : plan_row_backward_flops(plan, i);
            snprintf(cell[0], CELL, "%s", total ? "total" : plan->rows[i].name);
            if (!total) {
                struct plan_shape s = plan->rows[i].out;
                network_info_describe(plan, i, cell[1], CELL);
                snprintf(cell[2], CELL, "%dx%dx%d", s.c, s.h, s.w);
            }
            if (parameters)
                snprintf(cell[3], CELL, "%zu", parameters);
            if (forward > 0) {
                snprintf(cell[4], CELL, "%.2f", forward / 1e6);
                snprintf(cell[5], CELL, "%.2f", backward / 1e6);
            }
        }
        char flops[32];
        fprintf(out, "%s, width %d; MFLOP are for one image\n\n", recipe_name(recipe), recipe->width);
        columns_table(out, head, COLUMNS, cells, n, 0, 80);
        for (int i = 0; i < plan->n_rows; i++)
            if (plan->rows[i].op == PLAN_LINEAR && plan->rows[i].factor != 1)
                fprintf(out, "\n%s: its output is multiplied by %g", plan->rows[i].name, plan->rows[i].factor);
        fprintf(out, "\n%g epochs of 50,000 images: %sFLOP\n", recipe->epochs,
                network_info_count(info->run_flops, flops, sizeof flops));
    }
    free(cells);
    free(text);
}

static cJSON *ints(const int *values, int n)
{
    return cJSON_CreateIntArray(values, n);
}

static cJSON *row_json(const struct plan *plan, int index)
{
    const struct plan_row *row = &plan->rows[index];
    cJSON *o = cJSON_CreateObject(), *inputs = cJSON_CreateArray(), *tensors = cJSON_CreateArray();
    cJSON_AddStringToObject(o, "name", row->name);
    cJSON_AddStringToObject(o, "op", plan_op_name(row->op));
    for (int k = 0; k < row->n_inputs; k++)
        cJSON_AddItemToArray(inputs, cJSON_CreateString(plan->rows[row->input[k]].name));
    cJSON_AddItemToObject(o, "inputs", inputs);
    cJSON_AddItemToObject(o, "shape", ints((int[]){row->out.c, row->out.h, row->out.w}, 3));
    if (row->kernel) {
        cJSON_AddNumberToObject(o, "kernel", row->kernel);
        cJSON_AddNumberToObject(o, "stride", row->stride);
        cJSON_AddNumberToObject(o, "pad", row->pad);
    }
    if (row->op == PLAN_ACT)
        cJSON_AddStringToObject(o, "activation", plan_act_name(row->act));
    if (row->op == PLAN_LINEAR)
        cJSON_AddNumberToObject(o, "factor", row->factor);
    if (row->op == PLAN_NORM) {
        cJSON_AddNumberToObject(o, "eps", row->eps);
        cJSON_AddNumberToObject(o, "momentum", row->momentum);
    }
    cJSON_AddNumberToObject(o, "parameters", (double)network_info_parameters(plan, row));
    cJSON_AddNumberToObject(o, "forward_flops", plan_row_forward_flops(plan, index));
    cJSON_AddNumberToObject(o, "backward_flops", plan_row_backward_flops(plan, index));
    for (int k = 0; k < row->n_tensors; k++) {
        const struct plan_tensor *tensor = &plan->tensors[row->tensor[k]];
        cJSON *t = cJSON_CreateObject();
        cJSON_AddStringToObject(t, "name", tensor->name);
        cJSON_AddItemToObject(t, "shape", ints(tensor->dims, tensor->n_dims));
        cJSON_AddBoolToObject(t, "trained", tensor->trained);
        cJSON_AddItemToArray(tensors, t);
    }
    cJSON_AddItemToObject(o, "tensors", tensors);
    return o;
}

static cJSON *make_json(const struct recipe *recipe, const struct network_info *info)
{
    cJSON *o = cJSON_CreateObject(), *nodes = cJSON_CreateArray();
    cJSON_AddStringToObject(o, "preset", recipe->preset);
    cJSON_AddStringToObject(o, "network", recipe->network);
    cJSON_AddNumberToObject(o, "width", recipe->width);
    cJSON_AddNumberToObject(o, "classes", info->network.classes);
    cJSON_AddNumberToObject(o, "parameters", (double)info->parameters);
    cJSON_AddNumberToObject(o, "forward_flops", info->forward_flops);
    cJSON_AddNumberToObject(o, "backward_flops", info->backward_flops);
    cJSON_AddNumberToObject(o, "run_flops", info->run_flops);
    for (int i = 0; i < info->plan.n_rows; i++)
        cJSON_AddItemToArray(nodes, row_json(&info->plan, i));
    cJSON_AddItemToObject(o, "nodes", nodes);
    return o;
}

/* The figure: what they are of, the filters, and the command that makes it again. */
static int write_filters(const struct session *session, const struct filters *filters, int negatives, const char *path,
                         struct error *err)
{
    const char *source = session->dataset.source, *slash = strrchr(source, '/');
    char *command = malloc(RECIPE_COMMAND_MAX + 128), title[128], subtitle[512];
    if (filters_check(filters, err) < 0 || command == NULL) {
        free(command);
        return err->text[0] ? -1 : error_set(err, "out of memory for the filters");
    }
    snprintf(title, sizeof title, "The whitening filters of %s", recipe_name(&session->recipe));
    snprintf(
        subtitle, sizeof subtitle,
        "%d filters of %dx%d pixels for the training images of %.200s; below each the eigenvalue of their patches' "
        "covariance, largest first%s",
        filters->count, filters->kernel, filters->kernel, slash && slash[1] ? slash + 1 : source,
        negatives ? "; the second half are the negatives of the first" : "");
    recipe_command(&session->recipe, command, RECIPE_COMMAND_MAX);
    size_t used = strlen(command);
    command[used++] = '\n';
    figure_output_drawn_by(command + used, 128 - 1);
    struct figure *figure = figure_output_page(FIGURE_PNG, 0, &(struct figure_room){filters_height(filters), 0, 0, 0},
                                               title, subtitle, command, err);
    if (figure != NULL)
        filters_draw(figure, filters, figure_content(figure));
    free(command);
    return figure != NULL ? figure_output_write(figure, path, err) : -1;
}

/* The whitening filters that training on the recipe's data would have, largest eigenvalue first, into a PNG. */
static int save_filters(const struct session *session, const char *path, struct error *err)
{
    int node = network_find_whiten(&session->network), channels = session->dataset.train.channels;
    if (node < 0)
        return error_set(err, "--filters %s: this network whitens nothing; try --on whitening", path);
    const struct whiten *whiten = &session->network.node[node].whiten;
    int count = whiten_filters(whiten, channels), m = channels * whiten->kernel * whiten->kernel;
    float *values = malloc((size_t)(count * m) * sizeof *values);
    double *eigenvalues = malloc((size_t)m * sizeof *eigenvalues);
    int status = values && eigenvalues ? 0 : error_set(err, "out of memory for the filters");
    const struct filters filters = {values, eigenvalues, count, channels, whiten->kernel};
    if (!status)
        status = whiten_compute(whiten, &session->dataset.train, values, eigenvalues, err) ||
                 write_filters(session, &filters, whiten->negatives, path, err);
    free(values);
    free(eigenvalues);
    return status ? -1 : 0;
}

static int show_filters(const struct recipe *recipe, const char *path)
{
    struct error err = {""};
    struct session *session = calloc(1, sizeof *session);
    if (!session || session_open_data(session, recipe, &err)) {
        free(session);
        return command_fail("%s", err.text[0] ? err.text : "out of memory");
    }
    int status = save_filters(session, path, &err);
    session_release(session);
    free(session);
    return status ? command_fail("%s", err.text) : EXIT_OK;
}

static struct figure *draw(const struct recipe *recipe, const struct network_info *info, enum figure_format format,
                           struct error *err)
{
    const struct plan *plan = &info->plan;
    struct figure_network_row *rows = calloc((size_t)plan->n_rows + 1, sizeof *rows);
    char *command = malloc(RECIPE_COMMAND_MAX + 128), title[128], subtitle[256], counts[3][32];
    struct figure *figure = NULL;
    if (rows == NULL || command == NULL) {
        error_set(err, "out of memory");
    } else {
        const struct figure_network network = {plan, rows};
        for (int i = 0; i < plan->n_rows; i++) {
            network_info_describe(plan, i, rows[i].what, sizeof rows[i].what);
            rows[i].parameters = network_info_parameters(plan, &plan->rows[i]);
        }
        snprintf(title, sizeof title, "The network of %s", recipe_name(recipe));
        snprintf(subtitle, sizeof subtitle,
                 "width %d; %s parameters; for one image %sFLOP forward and %sFLOP backward; shapes are channels × "
                 "height × width",
                 recipe->width, network_info_count((double)info->parameters, counts[0], 32),
                 network_info_count(info->forward_flops, counts[1], 32),
                 network_info_count(info->backward_flops, counts[2], 32));
        recipe_command(recipe, command, RECIPE_COMMAND_MAX);
        size_t used = strlen(command);
        command[used++] = '\n';
        figure_output_drawn_by(command + used, 128 - 1);
        figure = figure_output_page(format, 0, &(struct figure_room){figure_network_height(&network), 0, 0, 0}, title,
                                    subtitle, command, err);
        if (figure != NULL)
            figure_network_draw(figure, &network, figure_content(figure));
    }
    free(command);
    free(rows);
    return figure;
}

static int write_network(const struct recipe *recipe, const struct network_info *info, const char *format,
                         const char *path, struct error *err)
{
    int drawing = figure_format_of_name(format);
    if (drawing >= 0) {
        if (figure_output_check((enum figure_format)drawing, path, err) < 0)
            return -1;
        struct figure *figure = draw(recipe, info, (enum figure_format)drawing, err);
        return figure != NULL ? figure_output_write(figure, path, err) : -1;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL && strcmp(format, "json") == 0) {
        cJSON *json = make_json(recipe, info);
        char *printed = cJSON_Print(json);
        fprintf(out, "%s\n", printed ? printed : "");
        cJSON_free(printed);
        cJSON_Delete(json);
    } else if (out != NULL) {
        put_table(recipe, info, out);
    }
    int rc = out != NULL && fclose(out) == 0 && size > 1 ? 0 : error_set(err, "out of memory");
    if (rc == 0)
        rc = run_output(path, text, size, err);
    free(text);
    return rc;
}

static int run(int argc, char **argv)
{
    static struct recipe_options recipe_options;
    static struct recipe recipe;
    struct error err = {""};
    const char *flag, *value, *given = NULL, *path = NULL, *filters = NULL;
    char found[8];
    memset(&recipe_options, 0, sizeof recipe_options);
    for (int i = 1; i < argc; i++) {
        int taken = command_take_option(&command_network, argc, argv, &i, &flag, &value);
        if (taken < 0)
            return EXIT_USAGE;
        if (taken && strcmp(flag, "--filters") == 0)
            filters = value;
        else if (taken && strcmp(flag, "-o") == 0)
            path = value;
        else if (taken)
            given = value ? value : "json"; /* --json */
        else if (!taken && (taken = recipe_options_take(&recipe_options, argc, argv, &i, &err)) < 0)
            return command_usage_error(&command_network, "%s", err.text);
        if (!taken)
            return command_unknown(&command_network, argv[i]);
    }
    const char *format = figure_output_format(given, path, FORMATS, "table", found, &err);
    if (format == NULL)
        return command_usage_error(&command_network, "%s", err.text);
    if (recipe_options_resolve(&recipe_options, &recipe, &err))
        return command_usage_error(&command_network, "%s", err.text);
    if (filters)
        return show_filters(&recipe, filters);
    struct network_info *info = network_info_new(&recipe, &err);
    int rc = info ? write_network(&recipe, info, format, path, &err) : -1;
    free(info);
    return rc == 0 ? EXIT_OK : command_fail("%s", err.text);
}

static void print_syntax(void)
{
    int width = columns_width(stdout);
    puts("a network's lines, in a recipe file's [network] section or in --set network=:");
    for (int i = 0; network_syntax[i][0]; i++) {
        printf("  %s\n      ", network_syntax[i][0]);
        columns_wrap(stdout, network_syntax[i][1], 6, 6, width);
    }
}

static const struct command_option options[] = {
    {"--format", "FORMAT",
     "table, json (--json for short), or a diagram as png, svg or pdf. Without it -o's ending decides", FORMATS},
    {"-o", "FILE", "write there, and print its name, instead of to the standard output", "FILE"},
    {"--json", NULL, "the same as a JSON object", NULL},
    {"--filters", "FILE.png", "instead, a picture of the filters that whiten the images of the recipe's data", "FILE"},
    {0},
};

const struct command command_network = {
    .name = "network",
    .summary = "a recipe's network: nodes, shapes, parameters, arithmetic",
    .usage = "usage: davidnet network [RECIPE OPTION]... [--format FORMAT] [-o FILE]\n"
             "       davidnet network --filters FILE.png [RECIPE OPTION]...\n\n"
             "Shows a recipe's network node by node: operation, output shape (channels x\n"
             "height x width), trained parameters, and arithmetic for one image. As a diagram,\n"
             "what goes where is drawn as well.\n",
    .options = options,
    .takes_recipe = 1,
    .print_more = print_syntax,
    .run = run,
};
