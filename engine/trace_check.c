#include "engine/trace.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#define DEPTH_MAX 16
#define ROUNDING 1e-4 /* microseconds: of a double that holds some hours of them */

/* The slices that enclose what comes next on a thread: where each of them ends. */
struct nest {
    double pid, tid, begin;
    double end[DEPTH_MAX];
    int depth;
};

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

/* NULL, or what is wrong with the slice. */
static const char *check_slice(struct nest *nest, const cJSON *event)
{
    double pid = number(event, "pid"), tid = number(event, "tid");
    double begin = number(event, "ts"), end = begin + number(event, "dur");
    if (!(begin >= 0 && end >= begin && isfinite(end)))
        return "has no time from 0 on, or no length";
    if (pid < nest->pid || (pid == nest->pid && tid < nest->tid))
        return "belongs to a thread that had ended before";
    if (pid != nest->pid || tid != nest->tid)
        *nest = (struct nest){.pid = pid, .tid = tid};
    if (begin < nest->begin)
        return "begins before the one that comes before it";
    while (nest->depth > 0 && nest->end[nest->depth - 1] <= begin + ROUNDING && end > begin + ROUNDING)
        nest->depth--;
    if (nest->depth > 0 && end > nest->end[nest->depth - 1] + ROUNDING)
        return "ends after the one that encloses it";
    if (nest->depth == DEPTH_MAX)
        return "is nested too deep";
    nest->begin = begin;
    nest->end[nest->depth++] = end;
    return NULL;
}

static const char *check_event(struct nest *nest, const cJSON *event)
{
    const char *ph = text_of(event, "ph");
    if (!*text_of(event, "name") || !(number(event, "pid") >= 0) || !(number(event, "tid") >= 0))
        return "has no name, pid or tid";
    if (strcmp(ph, "X") == 0)
        return check_slice(nest, event);
    if (strcmp(ph, "M") != 0)
        return "is neither a slice (X) nor a name (M)";
    return *text_of(cJSON_GetObjectItemCaseSensitive(event, "args"), "name") ? NULL : "names nothing";
}

int trace_check(const char *text, const char *name, struct error *err)
{
    cJSON *root = cJSON_Parse(text);
    const cJSON *other = cJSON_GetObjectItemCaseSensitive(root, "otherData"), *event;
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(root, "traceEvents");
    struct nest nest = {.pid = -1, .tid = -1};
    int status = 0, n = 0;
    if (!root)
        status = error_set(err, "%s: not valid JSON; the run's next checkpoint writes it anew", name);
    else if (strcmp(text_of(other, "format"), TRACE_FORMAT) != 0 || number(other, "version") != TRACE_VERSION)
        status = error_set(err, "%s: not a " TRACE_FORMAT " of version %d; read it with the davidnet that wrote it",
                           name, TRACE_VERSION);
    else if (strcmp(text_of(root, "displayTimeUnit"), "ms") != 0 || !cJSON_IsArray(events))
        status = error_set(err, "%s: it has no displayTimeUnit \"ms\" or no traceEvents", name);
    cJSON_ArrayForEach(event, events)
    {
        const char *wrong = status ? NULL : check_event(&nest, event);
        n++;
        if (wrong)
            status = error_set(err, "%s: event %d (%s) %s", name, n, text_of(event, "name"), wrong);
    }
    cJSON_Delete(root);
    return status;
}
