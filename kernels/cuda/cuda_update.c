#include "kernels/cuda/cuda_program.h"

#include <stdlib.h>
#include <string.h>

/* A list that is made on the host and then lies on the device. */
struct list {
    char *items;
    size_t each;
    int count, room;
};

static int add(struct list *list, const void *item, struct error *err)
{
    if (list->count == list->room) {
        int room = list->room ? 2 * list->room : 256;
        char *items = realloc(list->items, (size_t)room * list->each);
        if (!items)
            return error_set(err, "out of memory for the list of weights");
        list->items = items;
        list->room = room;
    }
    memcpy(list->items + (size_t)list->count++ * list->each, item, list->each);
    return 0;
}

/* Its copy on the device, which is the program's; NULL with err. */
static void *put(struct cuda_program *own, const struct list *list, struct error *err)
{
    size_t bytes = (size_t)(list->count > 0 ? list->count : 1) * list->each;
    void *memory = cuda_take(own, bytes, err);
    if (memory && list->count > 0)
        cuda_device_put(&own->device, memory, list->items, (size_t)list->count * list->each);
    return memory;
}

struct lists {
    struct list chunks, filters, matrices, muon_chunks, squares, inner, outer;
};

#define LISTS                                                                                                          \
    {                                                                                                                  \
        .chunks = {.each = sizeof(struct cuda_chunk)}, .filters = {.each = sizeof(struct cuda_chunk)},                 \
        .matrices = {.each = sizeof(struct cuda_matrix)}, .muon_chunks = {.each = sizeof(struct cuda_chunk)},          \
        .squares = {.each = sizeof(struct cuda_tile)}, .inner = {.each = sizeof(struct cuda_tile)},                    \
        .outer = {.each = sizeof(struct cuda_tile)},                                                                   \
    }

static void release(struct lists *lists)
{
    free(lists->chunks.items);
    free(lists->filters.items);
    free(lists->matrices.items);
    free(lists->muon_chunks.items);
    free(lists->squares.items);
    free(lists->inner.items);
    free(lists->outer.items);
}

static int add_chunks(struct list *list, int index, size_t count, size_t each, struct error *err)
{
    for (size_t begin = 0; begin < count; begin += each) {
        size_t end = begin + each < count ? begin + each : count;
        if (add(list, &(struct cuda_chunk){index, (unsigned)begin, (unsigned)end}, err))
            return -1;
    }
    return 0;
}

/* Tiles of a product of that many rows and columns, cut into slices of at most `slice` terms. */
static int add_tiles(struct list *list, int matrix, int rows, int columns, int terms, int slice, struct error *err)
{
    int slices = (terms + slice - 1) / slice, ticket = 0;
    for (int row = 0; row < rows; row += CUDA_TILE)
        for (int column = 0; column < columns; column += CUDA_TILE, ticket++)
            for (int s = 0; s < slices; s++) {
                struct cuda_tile tile = {matrix, row, column, s * slice, (s + 1) * slice, s, slices, ticket};
                tile.end = tile.end < terms ? tile.end : terms;
                if (add(list, &tile, err))
                    return -1;
            }
    return 0;
}

/* A tensor that Muon updates: its memory, its chunks, its tiles. */
static int add_matrix(struct cuda_program *own, struct lists *lists, int tensor, struct error *err)
{
    const struct plan_tensor *t = &own->program->plan->tensors[tensor];
    int index = lists->matrices.count, m = cuda_padded(t->dims[0]), tiles = (m + CUDA_TILE - 1) / CUDA_TILE;
    size_t count = own->weights_count[tensor], square = (size_t)m * (size_t)m * sizeof(float);
    struct cuda_matrix x = {.tensor = tensor, .m = m, .n = (int)(count / (size_t)m), .filters = t->dims[0]};
    size_t slices = ((size_t)x.n + CUDA_SLICE - 1) / CUDA_SLICE;
    x.chunks = (int)((count + CUDA_CHUNK - 1) / CUDA_CHUNK);
    if (!(x.x = cuda_take(own, count * sizeof(float), err)) || !(x.y = cuda_take(own, count * sizeof(float), err)) ||
        !(x.a = cuda_take(own, square, err)) || !(x.b = cuda_take(own, square, err)) ||
        !(x.part = cuda_take(own, slices * square, err)) ||
        !(x.ticket = cuda_take(own, (size_t)(tiles * tiles) * sizeof *x.ticket, err)) ||
        !(x.squares = cuda_take(own, 2 * (size_t)x.chunks * sizeof *x.squares, err)) ||
        !(x.scale = cuda_take(own, sizeof *x.scale, err)))
        return -1;
    return add(&lists->matrices, &x, err) || add_chunks(&lists->muon_chunks, index, count, CUDA_CHUNK, err) ||
                   add_tiles(&lists->squares, index, m, m, x.n, CUDA_SLICE, err) ||
                   add_tiles(&lists->inner, index, m, m, m, m, err) ||
                   add_tiles(&lists->outer, index, m, x.n, m, m, err)
               ? -1
               : 0;
}

/* Chunks of what SGD updates come first. */
static int fill(struct cuda_program *own, struct lists *lists, struct error *err)
{
    const struct plan *plan = own->program->plan;
    for (int others = 0; others < 2; others++) {
        for (int i = 0; i < plan->n_tensors; i++)
            if ((plan->tensors[i].trained && plan->tensors[i].rule != PLAN_RULE_SGD) == others &&
                add_chunks(&lists->chunks, i, own->weights_count[i], CUDA_CHUNK, err))
                return -1;
        if (!others)
            own->n_sgd = lists->chunks.count;
    }
    for (int i = 0; i < plan->n_tensors; i++) {
        const struct plan_tensor *t = &plan->tensors[i];
        size_t filter = own->weights_count[i] / (size_t)cuda_padded(t->dims[0]);
        if (t->trained && t->rule == PLAN_RULE_LARS &&
            add_chunks(&lists->filters, i, filter * (size_t)t->dims[0], filter, err))
            return -1;
        if (t->trained && t->rule == PLAN_RULE_MUON && add_matrix(own, lists, i, err))
            return -1;
    }
    return 0;
}

static int upload(struct cuda_program *own, const struct lists *lists, struct error *err)
{
    struct cuda_muon *muon = &own->muon;
    own->n_chunks = lists->chunks.count;
    own->n_filters = lists->filters.count;
    muon->n_chunks = lists->muon_chunks.count;
    muon->n_squares = lists->squares.count;
    muon->n_inner = lists->inner.count;
    muon->n_outer = lists->outer.count;
    if (!(own->device_weights = cuda_take(own, sizeof own->weights, err)) ||
        !(own->chunks = put(own, &lists->chunks, err)) || !(own->filters = put(own, &lists->filters, err)) ||
        !(muon->matrices = put(own, &lists->matrices, err)) || !(muon->chunks = put(own, &lists->muon_chunks, err)) ||
        !(muon->squares = put(own, &lists->squares, err)) || !(muon->inner = put(own, &lists->inner, err)) ||
        !(muon->outer = put(own, &lists->outer, err)))
        return -1;
    cuda_device_put(&own->device, own->device_weights, own->weights, sizeof own->weights);
    muon->weights = own->device_weights;
    return cuda_device_wait(&own->device, err);
}

int cuda_update_init(struct cuda_program *own, struct error *err)
{
    struct lists lists = LISTS;
    int status = fill(own, &lists, err) || upload(own, &lists, err) ? -1 : 0;
    release(&lists);
    return status;
}

void cuda_update_run(struct cuda_program *own)
{
    void *stream = own->device.stream;
    if (own->n_sgd > 0)
        cuda_update(own->device_weights, own->chunks, own->n_sgd, own->step, own->result, stream);
    if (own->n_filters > 0)
        cuda_lars(own->device_weights, own->filters, own->n_filters, own->step, own->result, stream);
    if (own->muon.n_chunks > 0)
        cuda_muon(&own->muon, own->step, own->result, stream);
}

/* Its memory; NULL with err. */
float *cuda_average_of(struct cuda_program *own, enum program_tensor average, struct error *err)
{
    float **at = &own->average[average - PROGRAM_EMA];
    if (!*at)
        *at = cuda_take(own, own->values_count * sizeof(float), err);
    return *at;
}

int cuda_mix(struct program *program, enum program_tensor average, enum program_mix how, double keep, struct error *err)
{
    struct cuda_program *own = cuda_own(program);
    float *at = cuda_average_of(own, average, err);
    if (!at)
        return error_prefix(err, "an average of the weights");
    cuda_average(own->weights[0].value, at, own->values_count, how, keep, own->device.stream);
    own->stale |= how != PROGRAM_MIX_FOLLOW;
    return cuda_device_check(&own->device, err);
}
