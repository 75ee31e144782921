/*
 * Convolutions by cuDNN's graph API (the backend descriptors, from C). A pass is one operation in a graph; heuristics
 * (mode A, then the fallback list) name engines and their knobs, those that a caller rules out are dropped by their
 * numerical notes, the rest are held against each other and timed on the device (conv_search.h), and the fastest is
 * kept as a plan. They are timed as steps run them, in a recording, so that an engine that cannot be recorded is out
 * and the host's part of a launch does not count. A plan has a JSON form, which is kept on disk under everything that
 * it depends on, so that a machine measures once.
 */
#include "kernels/cuda/conv.h"

#include "kernels/cuda/conv_plans.h"
#include "kernels/cuda/conv_search.h"
#include "kernels/cuda/descriptors.h"
#include "kernels/cuda/foresee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 48 /* engine configurations that are timed, at most: one engine with other tiles is most of them */
#define SEARCH_SECONDS 4.0 /* after which no further one is tried if one works: some take seconds to compile */
#define SMALL_FLOPS 1e9    /* of less work nothing is worth a search: the first that works is taken */
#define WORKSPACE_MAX ((size_t)1 << 30) /* a plan that wants more is not taken */
#define ROUNDS 4                        /* of timing, each of */
#define RUNS 4                          /* runs */

enum { UID_X = 1, UID_W, UID_OUT };

struct cuda_conv_library {
    struct cuda_device *device;
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t properties; /* (optional) of a GPU that is not here (foresee.h): plans are not run */
    char folder[1024];                   /* of plans; empty: none */
};

struct cuda_conv {
    struct cuda_conv_library *library;
    cudnnBackendDescriptor_t plan;
    size_t workspace;
    char name[CONV_PLANS_NAME_MAX];
};

/* ---- descriptions ---- */

/* For what runs on the device that the library is for. */
static void set_device(const struct cuda_conv_library *library, struct descriptors *made,
                       cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t handle,
                       cudnnBackendAttributeName_t properties)
{
    if (library->properties)
        descriptors_set(made, descriptor, properties, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &library->properties);
    else
        descriptors_set(made, descriptor, handle, CUDNN_TYPE_HANDLE, 1, &library->handle);
}

static cudnnDataType_t data_type(enum cuda_type type)
{
    return type == CUDA_TYPE_F16 ? CUDNN_DATA_HALF : type == CUDA_TYPE_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

/* [a][c][h][w] in this order of names, in memory [a][h][w][c]. */
static cudnnBackendDescriptor_t tensor(struct descriptors *made, int64_t uid, enum cuda_type type, int a, int c, int h,
                                       int w)
{
    cudnnBackendDescriptor_t d = descriptors_new(made, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    cudnnDataType_t data = data_type(type);
    int64_t dims[4] = {a, c, h, w}, strides[4] = {(int64_t)c * h * w, 1, (int64_t)c * w, c}, alignment = 16;
    descriptors_set(made, d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &data);
    descriptors_set(made, d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    descriptors_set(made, d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    descriptors_set_int(made, d, CUDNN_ATTR_TENSOR_UNIQUE_ID, uid);
    descriptors_set_int(made, d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment);
    descriptors_finalize(made, d, "describing a tensor");
    return d;
}

static cudnnBackendDescriptor_t convolution(struct descriptors *made, const struct cuda_conv_shape *s)
{
    cudnnBackendDescriptor_t d = descriptors_new(made, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t pads[2] = {s->pad, s->pad}, strides[2] = {s->stride, s->stride}, dilations[2] = {1, 1};
    descriptors_set(made, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    descriptors_set(made, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    descriptors_set_int(made, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2);
    descriptors_set(made, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    descriptors_set(made, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    descriptors_set(made, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations);
    descriptors_set(made, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
    descriptors_finalize(made, d, "describing a convolution");
    return d;
}

/* What each pass calls its operation and its parts. */
static const struct {
    cudnnBackendDescriptorType_t operation;
    cudnnBackendAttributeName_t convolution, x, w, y, alpha, beta;
} passes[CUDA_CONV_PASSES] = {
    [CUDA_CONV_FORWARD] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    [CUDA_CONV_DATA] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    [CUDA_CONV_WEIGHTS] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

/* The graph of the one operation. Unique ids are as cuda_conv_run's arguments: x, w, out. */
static cudnnBackendDescriptor_t operation_graph(const struct cuda_conv_library *library, struct descriptors *made,
                                                const struct cuda_conv_shape *s, enum cuda_conv_pass pass)
{
    bool data = pass == CUDA_CONV_DATA, weights = pass == CUDA_CONV_WEIGHTS;
    cudnnBackendDescriptor_t x = tensor(made, data ? UID_OUT : UID_X, s->type, s->n, s->c, s->h, s->w);
    cudnnBackendDescriptor_t w = tensor(made, weights ? UID_OUT : UID_W, s->type, s->k, s->c, s->size, s->size);
    int64_t y_uid = data ? UID_X : weights ? UID_W : UID_OUT;
    cudnnBackendDescriptor_t y = tensor(made, y_uid, s->type, s->n, s->k, s->out_h, s->out_w);
    cudnnBackendDescriptor_t conv = convolution(made, s), operation = descriptors_new(made, passes[pass].operation);
    float alpha = 1, beta = 0;
    descriptors_set(made, operation, passes[pass].convolution, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &conv);
    descriptors_set(made, operation, passes[pass].x, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &x);
    descriptors_set(made, operation, passes[pass].w, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &w);
    descriptors_set(made, operation, passes[pass].y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &y);
    descriptors_set(made, operation, passes[pass].alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
    descriptors_set(made, operation, passes[pass].beta, CUDNN_TYPE_FLOAT, 1, &beta);
    descriptors_finalize(made, operation, "describing an operation");
    cudnnBackendDescriptor_t graph = descriptors_new(made, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    descriptors_set(made, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &operation);
    if (!library->properties)
        descriptors_set(made, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &library->handle);
    descriptors_finalize(made, graph, "making a graph");
    return graph;
}

/* ---- which engines ---- */

/* An engine with its knobs. */
struct candidate {
    cudnnBackendDescriptor_t config;
    int64_t engine;
    bool compiles; /* its kernel is compiled when a plan is made: one or two seconds */
};

static bool compiles(cudnnBackendDescriptor_t engine)
{
    cudnnBackendBehaviorNote_t notes[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    int64_t count = 0;
    if (cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                                 CUDNN_BEHAVIOR_NOTE_TYPE_COUNT, &count, notes) != CUDNN_STATUS_SUCCESS)
        return false;
    for (int64_t i = 0; i < count && i < CUDNN_BEHAVIOR_NOTE_TYPE_COUNT; i++)
        if (notes[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION)
            return true;
    return false;
}

/* What it is, and whether its notes allow it. */
static bool allowed(struct descriptors *made, cudnnBackendDescriptor_t config, const struct cuda_conv_shape *s,
                    struct candidate *candidate)
{
    cudnnBackendDescriptor_t engine = descriptors_new(made, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t count = 0;
    *candidate = (struct candidate){.config = config, .engine = -1};
    if (made->failed ||
        cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                                 &engine) != CUDNN_STATUS_SUCCESS ||
        cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count,
                                 &candidate->engine) != CUDNN_STATUS_SUCCESS ||
        cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                 CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count, notes) != CUDNN_STATUS_SUCCESS)
        return false;
    bool full = s->type == CUDA_TYPE_F32 && !s->tf32;
    for (int64_t i = 0; i < count && i < CUDNN_NUMERICAL_NOTE_TYPE_COUNT; i++) {
        bool winograd = notes[i] == CUDNN_NUMERICAL_NOTE_WINOGRAD ||
                        notes[i] == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4 ||
                        notes[i] == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6 ||
                        notes[i] == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13 || notes[i] == CUDNN_NUMERICAL_NOTE_FFT;
        if ((winograd && s->exact) || (notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC && s->deterministic) ||
            notes[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION ||
            (full &&
             (notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)))
            return false;
    }
    candidate->compiles = compiles(engine);
    return true;
}

/* "cudnn:eng38_k2=16_k13=1": the engine and every choice of its knobs, which together are what runs: a run's
 * program.json has it, so that a resumed run notices when another one was chosen. */
static void name_config(cudnnBackendDescriptor_t config, int64_t engine, char name[CONV_PLANS_NAME_MAX])
{
    struct descriptors made = {0};
    cudnnBackendDescriptor_t choices[CUDNN_KNOB_TYPE_COUNTS];
    int64_t count = 0, got;
    int used = snprintf(name, CONV_PLANS_NAME_MAX, "cudnn:eng%lld", (long long)engine);
    for (int i = 0; i < CUDNN_KNOB_TYPE_COUNTS; i++)
        choices[i] = descriptors_new(&made, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    if (made.failed ||
        cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                 CUDNN_KNOB_TYPE_COUNTS, &count, choices) != CUDNN_STATUS_SUCCESS)
        count = 0;
    for (int64_t i = 0; i < count && i < CUDNN_KNOB_TYPE_COUNTS && used < CONV_PLANS_NAME_MAX; i++) {
        cudnnBackendKnobType_t knob;
        int64_t value;
        if (cudnnBackendGetAttribute(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &got,
                                     &knob) == CUDNN_STATUS_SUCCESS &&
            cudnnBackendGetAttribute(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &got,
                                     &value) == CUDNN_STATUS_SUCCESS)
            used +=
                snprintf(name + used, (size_t)(CONV_PLANS_NAME_MAX - used), "_k%d=%lld", (int)knob, (long long)value);
    }
    descriptors_release(&made);
}

/* Up to CANDIDATES configurations that are allowed, the most promising first. */
static int configurations(const struct cuda_conv_library *library, struct descriptors *made,
                          cudnnBackendDescriptor_t graph, const struct cuda_conv_shape *s, cudnnBackendHeurMode_t mode,
                          struct candidate *candidates)
{
    cudnnBackendDescriptor_t heuristics = descriptors_new(made, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    cudnnBackendDescriptor_t found[64];
    int64_t count = 0, got = 0;
    int kept = 0;
    descriptors_set(made, heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph);
    descriptors_set(made, heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (library->properties)
        descriptors_set(made, heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                        &library->properties);
    descriptors_finalize(made, heuristics, "asking for engines");
    if (made->failed || cudnn_check(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                             CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, NULL),
                                    "counting engines", made->err))
        return 0;
    count = count < 64 ? count : 64;
    for (int64_t i = 0; i < count; i++)
        found[i] = descriptors_new(made, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (made->failed || count == 0 ||
        cudnn_check(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                             count, &got, found),
                    "listing engines", made->err))
        return 0;
    for (int64_t i = 0; i < got && i < count && kept < CANDIDATES; i++)
        kept += allowed(made, found[i], s, &candidates[kept]);
    return kept;
}

/* ---- plans ---- */

static size_t plan_workspace(cudnnBackendDescriptor_t plan)
{
    int64_t bytes = 0, count = 0;
    cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes);
    return bytes > 0 ? (size_t)bytes : 0;
}

/* A plan of a configuration, or of JSON (one of the two); NULL: it cannot be carried out here, which is no error. */
static cudnnBackendDescriptor_t new_plan(const struct cuda_conv_library *library, cudnnBackendDescriptor_t config,
                                         const char *json)
{
    struct error err = {""};
    struct descriptors made = {.err = &err};
    cudnnBackendDescriptor_t plan = descriptors_new(&made, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set_device(library, &made, plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
    if (config)
        descriptors_set(&made, plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                        &config);
    else if (json)
        descriptors_set(&made, plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                        (int64_t)strlen(json), json);
    descriptors_finalize(&made, plan, "making a plan");
    if (!made.failed)
        return plan;
    descriptors_release(&made);
    return NULL;
}

static int run_plan(const struct cuda_conv_library *library, cudnnBackendDescriptor_t plan, const void *x,
                    const void *w, void *out, void *workspace, struct error *err)
{
    struct descriptors made = {.err = err};
    cudnnBackendDescriptor_t pack = descriptors_new(&made, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    const void *pointers[3] = {x, w, out};
    int64_t uids[3] = {UID_X, UID_W, UID_OUT};
    descriptors_set(&made, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
    descriptors_set(&made, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, uids);
    descriptors_set(&made, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    descriptors_finalize(&made, pack, "naming a convolution's tensors");
    int status =
        made.failed || cudnn_check(cudnnBackendExecute(library->handle, plan, pack), "a convolution", err) ? -1 : 0;
    descriptors_release(&made);
    return status;
}

/* ---- plans on disk ---- */

/* Everything that a plan depends on, on one line. */
static void plan_key(const struct cuda_conv_library *library, const struct cuda_conv_shape *s, enum cuda_conv_pass pass,
                     char key[CONV_PLANS_KEY_MAX])
{
    const struct cuda_device *d = library->device;
    snprintf(key, CONV_PLANS_KEY_MAX,
             "davidnet conv 3; cuDNN %zu; %s; %d.%d; driver %d; pass %d; type %d%s; n %d h %d w %d c %d k %d size %d "
             "stride %d "
             "pad %d%s%s",
             cudnnGetVersion(), d->name, d->major, d->minor, d->driver, (int)pass, (int)s->type, s->tf32 ? " tf32" : "",
             s->n, s->h, s->w, s->c, s->k, s->size, s->stride, s->pad, s->deterministic ? "; deterministic" : "",
             s->exact ? "; exact" : "");
}

/* NULL: there is none. */
static cudnnBackendDescriptor_t load_plan(const struct cuda_conv_library *library, const char *key,
                                          char name[CONV_PLANS_NAME_MAX])
{
    char *json = conv_plans_read(library->folder, key, name);
    cudnnBackendDescriptor_t plan = json ? new_plan(library, NULL, json) : NULL;
    free(json);
    return plan;
}

/* The caller's to free; NULL: it has none. */
static char *plan_json(cudnnBackendDescriptor_t plan)
{
    int64_t size = 0, got = 0;
    if (cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0, &size,
                                 NULL) != CUDNN_STATUS_SUCCESS ||
        size <= 0)
        return NULL;
    char *json = calloc(1, (size_t)size + 1);
    if (json && cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, size,
                                         &got, json) != CUDNN_STATUS_SUCCESS) {
        free(json);
        return NULL;
    }
    return json;
}

/* What cannot be kept is measured again next time: no error. */
static void save_plan(const struct cuda_conv_library *library, const char *key, const char *name,
                      cudnnBackendDescriptor_t plan)
{
    char *json = library->folder[0] ? plan_json(plan) : NULL;
    if (json)
        conv_plans_write(library->folder, key, name, json);
    free(json);
}

/* ---- measuring ---- */

struct bench {
    struct cuda_conv_library *library;
    void *x, *w, *workspace;
    size_t room; /* of workspace */
    void *from, *to;
    const struct candidate *candidates[CANDIDATES];
    cudnnBackendDescriptor_t present, best; /* plans */
    char *name;                             /* of the best: CONV_PLANS_NAME_MAX */
};

static void bench_release(struct bench *b)
{
    struct cuda_device *d = b->library->device;
    cuda_device_free(d, b->x);
    cuda_device_free(d, b->w);
    cuda_device_free(d, b->workspace);
    cuda_event_free(d, b->from);
    cuda_event_free(d, b->to);
}

static int bench_init(struct bench *b, struct cuda_conv_library *library, const struct cuda_conv_shape *s,
                      enum cuda_conv_pass pass, struct error *err)
{
    struct cuda_device *d = library->device;
    size_t counts[3], each = s->type == CUDA_TYPE_F32 ? 4 : 2;
    conv_search_counts(s, pass, counts);
    *b = (struct bench){.library = library};
    if (!(b->x = cuda_device_alloc(d, counts[0] * each, err)) ||
        !(b->w = cuda_device_alloc(d, counts[1] * each, err)) || !(b->from = cuda_event_new(d, err)) ||
        !(b->to = cuda_event_new(d, err)))
        return -1;
    cuda_noise(b->x, counts[0], s->type, 1, d->stream);
    cuda_noise(b->w, counts[1], s->type, 2, d->stream);
    return cuda_device_check(d, err); /* else a kernel that cannot run would look like plans that cannot */
}

static bool bench_open(void *context, int way)
{
    struct bench *b = context;
    struct cuda_device *d = b->library->device;
    b->present = new_plan(b->library, b->candidates[way]->config, NULL);
    size_t bytes = b->present ? plan_workspace(b->present) : 0;
    if (bytes > b->room && bytes <= WORKSPACE_MAX) {
        cuda_device_free(d, b->workspace);
        b->workspace = cuda_device_alloc(d, bytes, NULL);
        b->room = b->workspace ? bytes : 0;
    }
    if (b->present && bytes <= b->room)
        return true;
    if (b->present)
        cudnnBackendDestroyDescriptor(b->present);
    return false;
}

static int bench_run(void *context, void *out)
{
    struct bench *b = context;
    return run_plan(b->library, b->present, b->x, b->w, out, b->workspace, NULL);
}

/* What is recorded. */
struct bench_runs {
    struct bench *bench;
    void *out;
    bool failed;
};

static void record_runs(void *context)
{
    struct bench_runs *runs = context;
    for (int i = 0; i < RUNS && !runs->failed; i++)
        runs->failed = bench_run(runs->bench, runs->out) != 0;
}

/* Seconds of one run, the best of some rounds. */
static double bench_time(void *context, void *out)
{
    struct bench *b = context;
    struct cuda_device *d = b->library->device;
    struct bench_runs runs = {.bench = b, .out = out};
    double best = CONV_SEARCH_NEVER;
    void *recording = cuda_recording_new(d, record_runs, &runs, NULL);
    for (int i = 0; i < ROUNDS && recording && !runs.failed; i++) {
        cuda_event_record(d, b->from);
        cuda_recording_replay(d, recording);
        cuda_event_record(d, b->to);
        double seconds =
            cuda_event_wait(d, b->to, NULL) ? CONV_SEARCH_NEVER : cuda_event_seconds(d, b->from, b->to) / RUNS;
        best = seconds < best ? seconds : best;
    }
    cuda_recording_free(d, recording);
    return cuda_device_check(d, NULL) ? CONV_SEARCH_NEVER : best;
}

static void bench_close(void *context, int way, bool keep)
{
    struct bench *b = context;
    cudnnBackendDescriptor_t gone = keep ? b->best : b->present;
    if (keep) {
        b->best = b->present;
        name_config(b->candidates[way]->config, b->candidates[way]->engine, b->name);
    }
    if (gone)
        cudnnBackendDestroyDescriptor(gone);
}

/* The fastest of the configurations, or NULL when none runs. Of little work it is the first that runs, those that need
 * no compiler before the others. */
static cudnnBackendDescriptor_t fastest(struct bench *b, const struct cuda_conv_shape *s, enum cuda_conv_pass pass,
                                        const struct candidate *candidates, int count, char name[CONV_PLANS_NAME_MAX],
                                        struct error *err)
{
    double flops = 2.0 * s->n * s->out_h * s->out_w * s->k * s->c * s->size * s->size;
    struct conv_search search = {.device = b->library->device,
                                 .shape = s,
                                 .pass = pass,
                                 .small = flops < SMALL_FLOPS,
                                 .seconds = SEARCH_SECONDS,
                                 .context = b,
                                 .open = bench_open,
                                 .run = bench_run,
                                 .time = bench_time,
                                 .close = bench_close};
    for (int last = 0; last < 2; last++)
        for (int i = 0; i < count; i++)
            if ((search.small && candidates[i].compiles) == last)
                b->candidates[search.ways++] = &candidates[i];
    b->best = NULL;
    b->name = name;
    conv_search_run(&search, err);
    return b->best;
}

/* ---- the interface ---- */

struct cuda_conv_library *cuda_conv_open(struct cuda_device *device, const char *plans, struct error *err)
{
    struct cuda_conv_library *library = calloc(1, sizeof *library);
    if (!library) {
        error_set(err, "out of memory for cuDNN's handle");
        return NULL;
    }
    library->device = device;
    if (plans && strlen(plans) < sizeof library->folder)
        memcpy(library->folder, plans, strlen(plans) + 1);
    if (cudnn_check(cudnnCreate(&library->handle), "opening the library", err) ||
        cudnn_check(cudnnSetStream(library->handle, device->stream), "taking the stream", err)) {
        cuda_conv_close(library);
        return NULL;
    }
    return library;
}

void cuda_conv_close(struct cuda_conv_library *library)
{
    if (library && library->handle)
        cudnnDestroy(library->handle);
    free(library);
}

const char *cuda_conv_version(void)
{
    static char text[32];
    size_t v = cudnnGetVersion();
    snprintf(text, sizeof text, "cuDNN %zu.%zu.%zu", v / 10000, v / 100 % 100, v % 100);
    return text;
}

static cudnnBackendDescriptor_t search(struct cuda_conv_library *library, const struct cuda_conv_shape *shape,
                                       enum cuda_conv_pass pass, char name[CONV_PLANS_NAME_MAX], struct error *err)
{
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    struct candidate candidates[CANDIDATES];
    cudnnBackendDescriptor_t plan = NULL;
    struct bench bench;
    if (bench_init(&bench, library, shape, pass, err)) {
        bench_release(&bench);
        return NULL;
    }
    for (size_t i = 0; i < 2 && !plan; i++) {
        struct descriptors made = {.err = err};
        cudnnBackendDescriptor_t graph = operation_graph(library, &made, shape, pass);
        int count = configurations(library, &made, graph, shape, modes[i], candidates);
        plan = fastest(&bench, shape, pass, candidates, count, name, err);
        descriptors_release(&made);
    }
    bench_release(&bench);
    if (!plan && (!err || !err->text[0]))
        error_set(err, "cuDNN knows no way to do this convolution (%s) that is allowed; try another precision",
                  pass == CUDA_CONV_FORWARD ? "forward"
                  : pass == CUDA_CONV_DATA  ? "data gradient"
                                            : "weights' gradient");
    return plan;
}

struct cuda_conv *cuda_conv_new(struct cuda_conv_library *library, const struct cuda_conv_shape *shape,
                                enum cuda_conv_pass pass, struct error *err)
{
    char key[CONV_PLANS_KEY_MAX];
    struct cuda_conv *conv = calloc(1, sizeof *conv);
    if (!conv) {
        error_set(err, "out of memory for a convolution");
        return NULL;
    }
    conv->library = library;
    plan_key(library, shape, pass, key);
    conv->plan = load_plan(library, key, conv->name);
    if (!conv->plan) {
        conv->plan = search(library, shape, pass, conv->name, err);
        if (conv->plan)
            save_plan(library, key, conv->name, conv->plan);
    }
    if (!conv->plan) {
        free(conv);
        return NULL;
    }
    conv->workspace = plan_workspace(conv->plan);
    return conv;
}

void cuda_conv_free(struct cuda_conv *conv)
{
    if (conv)
        cudnnBackendDestroyDescriptor(conv->plan);
    free(conv);
}

const char *cuda_conv_name(const struct cuda_conv *conv)
{
    return conv->name;
}

size_t cuda_conv_workspace(const struct cuda_conv *conv)
{
    return conv->workspace;
}

int cuda_conv_run(struct cuda_conv *conv, const void *x, const void *w, void *out, void *workspace, struct error *err)
{
    return run_plan(conv->library, conv->plan, x, w, out, workspace, err);
}

/* ---- without a GPU ---- */

int davidnet_cuda_foresee(const char *properties, const struct cuda_conv_shape *shape, enum cuda_conv_pass pass,
                          char name[CONV_PLANS_NAME_MAX], struct error *err)
{
    struct descriptors device = {.err = err}, made = {.err = err};
    struct cuda_conv_library library = {.properties = descriptors_new(&device, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR)};
    struct candidate candidates[CANDIDATES];
    int plans = 0;
    descriptors_set(&device, library.properties, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                    (int64_t)strlen(properties), properties);
    descriptors_finalize(&device, library.properties, "reading a GPU's properties");
    if (!device.failed) {
        cudnnBackendDescriptor_t graph = operation_graph(&library, &made, shape, pass);
        int count = configurations(&library, &made, graph, shape, CUDNN_HEUR_MODE_A, candidates);
        for (int i = 0; i < count; i++) {
            cudnnBackendDescriptor_t plan = new_plan(&library, candidates[i].config, NULL);
            char *json = plan ? plan_json(plan) : NULL;
            cudnnBackendDescriptor_t again = json ? new_plan(&library, NULL, json) : NULL;
            if (again && plan_workspace(again) == plan_workspace(plan) && plans++ == 0)
                name_config(candidates[i].config, candidates[i].engine, name);
            if (plan)
                cudnnBackendDestroyDescriptor(plan);
            if (again)
                cudnnBackendDestroyDescriptor(again);
            free(json);
        }
    }
    descriptors_release(&made);
    descriptors_release(&device);
    return device.failed || made.failed ? -1 : plans;
}
