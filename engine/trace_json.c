/* A trace as text: all slices in one array, sorted by process, thread and begin, then printed one a line. */
#include "engine/trace.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE_TID 1

/* What a slice is; of two that begin and end together the one that comes first here encloses the other. */
enum kind { STEP, PART, PHASE, PROGRAM, LOOP, BATCH };

struct slice {
    uint64_t begin, end;
    int pid, tid;
    enum kind kind;
    const char *name; /* a literal, or of the trace */
    const char *cat;
    int index; /* STEP, BATCH: which slot; PROGRAM: which step of the program; else unused */
    int loops; /* PROGRAM: loops of ours that were seen in it; -1: cannot be known */
};

struct writer {
    const struct trace *trace;
    struct slice *slices;
    size_t count, room;
    uint64_t zero[3]; /* [pid] */
};

/* ---- collecting ---- */

static struct slice *add(struct writer *w, int pid, int tid, enum kind kind, uint64_t begin, uint64_t end)
{
    struct slice *slice = &w->slices[w->count++]; /* there is room: count_slices */
    *slice = (struct slice){.begin = begin, .end = end, .pid = pid, .tid = tid, .kind = kind, .index = -1, .loops = -1};
    if (begin < w->zero[pid])
        w->zero[pid] = begin;
    return slice;
}

static const char *part_name(const struct timing *program, int index)
{
    const struct timing_step *step = &program->steps[index];
    return step->n_rows > 0 ? program->rows[step->rows[0]].name : "all rows";
}

/* The program's steps, end to end from `begin`, and what encloses those of one phase. */
static void add_program(struct writer *w, int pid, int tid, const struct trace_step *step, uint64_t begin)
{
    const struct timing *program = &w->trace->program;
    const struct parallel_lane *lane = &step->lanes[0]; /* the first thread has a share of every loop */
    size_t phase = 0;
    int loop = 0;
    for (int i = 0; i < program->n_steps; i++) {
        uint64_t end = begin + step->lap_ns[i];
        const char *cat = phase_name(program->steps[i].phase);
        if (i == 0 || program->steps[i].phase != program->steps[i - 1].phase) {
            phase = w->count;
            struct slice *slice = add(w, pid, tid, PHASE, begin, end);
            slice->name = slice->cat = cat;
        }
        w->slices[phase].end = end;
        struct slice *slice = add(w, pid, tid, PROGRAM, begin, end);
        slice->name = part_name(program, i);
        slice->cat = cat;
        slice->index = i;
        if (tid == ENGINE_TID && lane->lost == 0) {
            slice->loops = 0;
            for (; loop < lane->count && lane->slices[loop].begin < end; loop++)
                slice->loops += lane->slices[loop].begin >= begin;
        }
        begin = end;
    }
}

/* A share of a loop goes by the name of the step of the program that it fell into. */
static void add_loop(struct writer *w, int pid, const struct trace_step *step, int thread, struct parallel_slice loop)
{
    const struct timing *program = &w->trace->program;
    struct slice *slice = add(w, pid, ENGINE_TID + thread, LOOP, loop.begin, loop.end);
    uint64_t end = step->run;
    slice->name = slice->cat = loop.begin < step->fetched ? "data" : "other";
    if (!step->run || loop.begin < step->run)
        return;
    for (int i = 0; i < program->n_steps; i++) {
        end += step->lap_ns[i];
        if (loop.begin < end) {
            slice->name = part_name(program, i);
            slice->cat = phase_name(program->steps[i].phase);
            return;
        }
    }
}

static void add_part(struct writer *w, int pid, const char *name, uint64_t begin, uint64_t end)
{
    struct slice *slice = add(w, pid, ENGINE_TID, PART, begin, end);
    slice->name = slice->cat = name;
}

/* on_device: where the slices of the device have ended so far. */
static void add_step(struct writer *w, int pid, int index, uint64_t *on_device)
{
    const struct trace_step *step = &w->trace->slots[index];
    uint64_t ran = step->ran, took = 0;
    for (int i = 0; i < w->trace->program.n_steps; i++)
        took += step->lap_ns[i];
    struct slice *whole = add(w, pid, ENGINE_TID, STEP, step->begin, step->end);
    whole->name = whole->cat = "step";
    whole->index = index;
    add_part(w, pid, "data", step->begin, step->fetched);
    if (step->run) {
        ran = step->run + took;
        add_program(w, pid, ENGINE_TID, step, step->run);
    } else {
        uint64_t begin = took < ran && ran - took > *on_device ? ran - took : *on_device;
        add_part(w, pid, "submit", step->fetched, step->submitted);
        add_part(w, pid, "wait", step->submitted, ran);
        add_program(w, pid, TRACE_DEVICE_TID, step, begin);
        *on_device = begin + took;
    }
    add_part(w, pid, "other", ran, step->end);
    if (step->worker >= 0) {
        struct slice *made = add(w, pid, TRACE_LOADER_TID + step->worker, BATCH, step->prepared[0], step->prepared[1]);
        made->name = made->cat = "data";
        made->index = index;
    }
    for (int t = 0; t < w->trace->threads; t++)
        for (int k = 0; k < step->lanes[t].count; k++)
            add_loop(w, pid, step, t, step->lanes[t].slices[k]);
}

static size_t count_slices(const struct trace *trace)
{
    size_t count = 0;
    for (int i = 0; i < 2 * TRACE_STEPS; i++) {
        const struct trace_step *step = &trace->slots[i];
        if (step->lanes)
            count += 6 + 2 * (size_t)trace->program.n_steps;
        for (int t = 0; step->lanes && t < trace->threads; t++)
            count += (size_t)step->lanes[t].count;
    }
    return count;
}

static int by_place(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    if (x->tid != y->tid)
        return x->tid < y->tid ? -1 : 1;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end > y->end ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int collect(struct writer *w, struct error *err)
{
    const struct trace *trace = w->trace;
    uint64_t on_device = 0;
    w->zero[1] = w->zero[2] = UINT64_MAX;
    w->room = count_slices(trace);
    w->slices = calloc(w->room + 1, sizeof *w->slices);
    if (!w->slices)
        return error_set(err, "out of memory for the trace's text");
    for (int i = 0; i < trace->n_first; i++)
        add_step(w, 1, i, &on_device);
    int oldest = trace->n_latest < TRACE_STEPS ? 0 : trace->next_latest;
    for (int i = 0; i < trace->n_latest; i++)
        add_step(w, 2, TRACE_STEPS + (oldest + i) % TRACE_STEPS, &on_device);
    qsort(w->slices, w->count, sizeof *w->slices, by_place);
    return 0;
}

/* ---- printing ---- */

/* A JSON string, quoted and escaped. */
static void put_text(FILE *out, const char *text)
{
    cJSON *item = cJSON_CreateStringReference(text);
    char *quoted = item ? cJSON_PrintUnformatted(item) : NULL;
    fputs(quoted ? quoted : "\"\"", out);
    cJSON_free(quoted);
    cJSON_Delete(item);
}

/* Microseconds, exactly: no rounding can move a slice out of the one that encloses it. */
static void put_us(FILE *out, const char *key, uint64_t ns)
{
    fprintf(out, ",\"%s\":%llu.%03llu", key, (unsigned long long)(ns / 1000), (unsigned long long)(ns % 1000));
}

static void put_program_args(FILE *out, const struct timing *program, const struct slice *slice)
{
    const struct timing_step *step = &program->steps[slice->index];
    fputs(",\"args\":{\"rows\":[", out);
    for (int k = 0; k < step->n_rows; k++) {
        fputs(k ? "," : "", out);
        put_text(out, program->rows[step->rows[k]].name);
    }
    fputs("],\"implementation\":", out);
    put_text(out, step->impl);
    if (slice->tid == TRACE_DEVICE_TID)
        fputs(",\"placed\":\"by its duration: laid end to end\"", out);
    else if (slice->loops == 0)
        fputs(",\"threads\":\"not seen: no loop of davidnet's own ran here; a library's are its own\"", out);
    else if (slice->loops > 0)
        fprintf(out, ",\"loops\":%d", slice->loops);
    fputs("}", out);
}

static void put_step_args(FILE *out, const struct trace *trace, const struct slice *slice)
{
    const struct trace_step *step = &trace->slots[slice->index];
    long lost = 0;
    for (int t = 0; t < trace->threads; t++)
        lost += step->lanes[t].lost;
    fprintf(out, ",\"args\":{\"step\":%u,\"shares_left_out\":%ld}", step->step, lost);
}

static void put_slice(FILE *out, const struct writer *w, const struct slice *slice)
{
    fputs(",\n{\"name\":", out);
    if (slice->kind == STEP)
        fprintf(out, "\"step %u\"", w->trace->slots[slice->index].step);
    else if (slice->kind == BATCH)
        fprintf(out, "\"batch of step %u\"", w->trace->slots[slice->index].step);
    else
        put_text(out, slice->name);
    fprintf(out, ",\"cat\":\"%s%s\",\"ph\":\"X\"", slice->cat, slice->kind == LOOP ? ",loop" : "");
    put_us(out, "ts", slice->begin - w->zero[slice->pid]);
    put_us(out, "dur", slice->end - slice->begin);
    fprintf(out, ",\"pid\":%d,\"tid\":%d", slice->pid, slice->tid);
    if (slice->kind == STEP)
        put_step_args(out, w->trace, slice);
    else if (slice->kind == PROGRAM)
        put_program_args(out, &w->trace->program, slice);
    fputs("}", out);
}

static void put_name(FILE *out, const char *what, int pid, int tid, const char *name)
{
    fprintf(out, "%s\n{\"name\":\"%s\",\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":",
            pid == 1 && strcmp(what, "process_name") == 0 ? "" : ",", what, pid, tid);
    put_text(out, name);
    fputs("}}", out);
}

static void put_names(FILE *out, const struct writer *w, int pid)
{
    char name[128];
    snprintf(name, sizeof name, "first steps");
    if (pid == 2)
        snprintf(name, sizeof name, "latest steps %s, from %.3f s after the first",
                 w->trace->slots[TRACE_STEPS].run ? "before an epoch's end or the planned one" : "timed",
                 (double)(w->zero[2] - w->zero[1]) * 1e-9);
    put_name(out, "process_name", pid, ENGINE_TID, name);
    for (size_t i = 0; i < w->count; i++) {
        const struct slice *slice = &w->slices[i];
        if (slice->pid != pid || (i > 0 && w->slices[i - 1].pid == pid && w->slices[i - 1].tid == slice->tid))
            continue;
        if (slice->tid == ENGINE_TID)
            snprintf(name, sizeof name, "engine");
        else if (slice->tid == TRACE_DEVICE_TID)
            snprintf(name, sizeof name, "device's stream");
        else if (slice->tid >= TRACE_LOADER_TID)
            snprintf(name, sizeof name, "loader's worker %d", slice->tid - TRACE_LOADER_TID);
        else
            snprintf(name, sizeof name, "thread %d of parallel loops", slice->tid - ENGINE_TID);
        put_name(out, "thread_name", pid, slice->tid, name);
    }
}

static void put_member(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\":", key);
    put_text(out, text);
    fputs(",", out);
}

/* Whose it is, and what made it: what a report wants to know. */
static void put_origin(FILE *out, const struct trace *trace, const struct recipe *recipe, const char *run)
{
    const struct timing *program = &trace->program;
    char text[RECIPE_COMMAND_MAX];
    fprintf(out, "\"otherData\":{\"format\":\"%s\",\"version\":%d,", TRACE_FORMAT, TRACE_VERSION);
    put_member(out, "run", run);
    recipe_summary(recipe, text, sizeof text);
    put_member(out, "recipe", text);
    fprintf(out, "\"seed\":%lld,", (long long)recipe->seed);
    recipe_command(recipe, text, sizeof text);
    put_member(out, "command", text);
    put_member(out, "davidnet", program->machine.davidnet);
    put_member(out, "commit", program->machine.commit);
    put_member(out, "family", program->family);
    put_member(out, "device", program->machine.device);
    put_member(out, "isa", program->machine.isa);
    put_member(out, "library", program->machine.library);
    put_member(out, "precision", program->precision);
    fprintf(out, "\"threads\":%d,", program->threads);
    put_member(out, "clock", "each process has a zero of its own: where its first slice begins");
    fprintf(out, "\"steps\":%d},\n", trace_count(trace));
}

char *trace_to_json(const struct trace *trace, const struct recipe *recipe, const char *run, struct error *err)
{
    struct writer w = {.trace = trace};
    char *text = NULL;
    size_t size = 0;
    if (collect(&w, err))
        return NULL;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        fputs("{\"displayTimeUnit\":\"ms\",\n", out);
        put_origin(out, trace, recipe, run);
        fputs("\"traceEvents\":[", out);
        for (int pid = 1; pid <= 2; pid++)
            if (w.zero[pid] != UINT64_MAX)
                put_names(out, &w, pid);
        for (size_t i = 0; i < w.count; i++)
            put_slice(out, &w, &w.slices[i]);
        fputs("\n]}\n", out);
    }
    free(w.slices);
    if (!out || fclose(out) != 0) { /* which tells of what could not be written before */
        free(text);
        error_set(err, "out of memory for the trace's text");
        return NULL;
    }
    return text;
}
