#include "engine/run_label.h"

#include "engine/files.h"
#include "engine/utf8.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LABEL_FORMAT "davidnet-label"
#define LABEL_VERSION 1
#define LABEL_BYTES_MAX (64 << 10)

const char *run_side_name(enum run_side side)
{
    return side == RUN_WITH ? "with" : "without";
}

/* ---- tags ---- */

static int is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int check_tag(const char *tag, struct error *err)
{
    size_t n = strlen(tag);
    if (n < 2 || n >= RUN_TAG_MAX)
        return error_set(err, "tag '%.40s': a tag has 2 to %d characters", tag, RUN_TAG_MAX - 1);
    if (!is_alphanumeric(tag[0]))
        return error_set(err, "tag '%s': begin it with a letter or a digit", tag);
    for (size_t i = 0; i < n; i++)
        if (!is_alphanumeric(tag[i]) && strchr("._=@+-", tag[i]) == NULL)
            return error_set(err, "tag '%s': it is made of letters, digits and . _ = @ + -; character %zu is not", tag,
                             i + 1);
    return 0;
}

static int find_tag(const struct run_label *label, const char *tag)
{
    for (int i = 0; i < label->n_tags; i++)
        if (strcmp(label->tag[i], tag) == 0)
            return i;
    return -1;
}

int run_label_has(const struct run_label *label, const char *tag)
{
    return find_tag(label, tag) >= 0;
}

int run_label_change(struct run_label *label, const char *change, struct error *err)
{
    const char *tag = change + (change[0] == '+' || change[0] == '-');
    if (check_tag(tag, err) < 0)
        return -1;
    int at = find_tag(label, tag);
    if (change[0] == '-') {
        if (at < 0)
            return 0;
        label->n_tags--;
        memmove(label->tag[at], label->tag[at + 1], (size_t)(label->n_tags - at) * sizeof label->tag[0]);
        return 0;
    }
    if (at >= 0)
        return 0;
    if (label->n_tags == RUN_TAGS_MAX)
        return error_set(err, "tag '%s': a run has at most %d tags; take one away with -TAG", tag, RUN_TAGS_MAX);
    snprintf(label->tag[label->n_tags++], RUN_TAG_MAX, "%s", tag);
    return 0;
}

int run_label_set_tags(struct run_label *label, const char *text, struct error *err)
{
    struct run_label fresh = {.n_tags = 0};
    for (const char *at = text + strspn(text, " ,"); *at != '\0'; at += strspn(at, " ,")) {
        char word[RUN_TAG_MAX + 16];
        size_t n = strcspn(at, " ,");
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), at);
        if (word[0] == '-')
            return error_set(err, "tag '%s': begin it with a letter or a digit", word);
        if (run_label_change(&fresh, word, err) < 0)
            return -1;
        at += n;
    }
    label->n_tags = fresh.n_tags;
    memcpy(label->tag, fresh.tag, sizeof label->tag);
    return 0;
}

const char *run_label_tags(const struct run_label *label, char *out, size_t size)
{
    size_t used = 0;
    if (size > 0)
        out[0] = '\0';
    for (int i = 0; i < label->n_tags && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", label->tag[i]);
    return out;
}

/* ---- the note ---- */

int run_label_set_note(struct run_label *label, const char *text, struct error *err)
{
    char fresh[RUN_NOTE_MAX];
    size_t used = 0;
    text += strspn(text, " \t\r\n");
    for (const char *at = text; *at != '\0';) {
        int32_t code;
        size_t n = (size_t)utf8_decode(at, &code);
        if (code < 0)
            return error_set(err, "the note is not UTF-8 text: byte %zu", (size_t)(at - text) + 1);
        if (used + n >= sizeof fresh)
            return error_set(err, "the note is too long: at most %d bytes", RUN_NOTE_MAX - 1);
        if (code < 0x20 || (code >= 0x7F && code < 0xA0))
            fresh[used++] = ' ';
        else {
            memcpy(fresh + used, at, n);
            used += n;
        }
        at += n;
    }
    while (used > 0 && fresh[used - 1] == ' ')
        used--;
    memcpy(label->note, fresh, used);
    label->note[used] = '\0';
    return 0;
}

/* ---- the file ---- */

static void parse_campaign(const cJSON *root, struct run_label *label)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(root, "campaign"));
    const char *side = cJSON_GetStringValue(cJSON_GetObjectItem(root, "side"));
    const cJSON *number = cJSON_GetObjectItem(root, "number");
    if (name == NULL || side == NULL || !cJSON_IsNumber(number) || run_folder_check_name(name, NULL) < 0)
        return;
    snprintf(label->campaign, sizeof label->campaign, "%.*s", (int)sizeof label->campaign - 1, name);
    label->side = strcmp(side, run_side_name(RUN_WITH)) == 0 ? RUN_WITH : RUN_WITHOUT;
    label->number = number->valueint;
}

static int parse(const cJSON *root, struct run_label *label, struct error *err)
{
    const char *format = cJSON_GetStringValue(cJSON_GetObjectItem(root, "format"));
    const char *note = cJSON_GetStringValue(cJSON_GetObjectItem(root, "note"));
    const cJSON *tags = cJSON_GetObjectItem(root, "tags"), *version = cJSON_GetObjectItem(root, "version"), *tag;
    if (format == NULL || strcmp(format, LABEL_FORMAT) != 0)
        return error_set(err, "not a JSON object with \"format\": \"" LABEL_FORMAT "\"");
    if (cJSON_IsNumber(version) && version->valuedouble > LABEL_VERSION)
        return error_set(err, "it is of version %g, and this davidnet knows up to %d: update it", version->valuedouble,
                         LABEL_VERSION);
    if (note != NULL && run_label_set_note(label, note, err) < 0)
        return -1;
    parse_campaign(root, label);
    cJSON_ArrayForEach(tag, tags)
    {
        const char *text = cJSON_GetStringValue(tag);
        if (text == NULL || text[0] == '-' || text[0] == '+')
            return error_set(err, "\"tags\" is not a list of tags");
        if (run_label_change(label, text, err) < 0)
            return -1;
    }
    return 0;
}

int run_label_read(const struct run_folder *folder, struct run_label *label, struct error *err)
{
    char path[RUN_PATH_MAX + 160], *text;
    size_t size;
    memset(label, 0, sizeof *label);
    if (run_folder_path(folder, RUN_LABEL_FILE, path, sizeof path) < 0)
        return error_set(err, "%s: the path is too long", folder->path);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    if (file_read(path, LABEL_BYTES_MAX, &text, &size, err) < 0)
        return -1;
    cJSON *root = cJSON_Parse(text);
    free(text);
    int rc = parse(root, label, err);
    cJSON_Delete(root);
    if (rc < 0) {
        memset(label, 0, sizeof *label);
        return error_prefix(err, "%s", path);
    }
    return 0;
}

static int write_label(const struct run_folder *folder, const struct run_label *label, int sync, struct error *err)
{
    char path[RUN_PATH_MAX + 160];
    if (run_folder_path(folder, RUN_LABEL_FILE, path, sizeof path) < 0)
        return error_set(err, "%s: the path is too long", folder->path);
    if (label->note[0] == '\0' && label->n_tags == 0 && label->campaign[0] == '\0') {
        if (unlink(path) < 0 && errno != ENOENT)
            return error_set(err, "%s: cannot remove it: %s", path, strerror(errno));
        return sync ? folder_sync(folder->path, err) : 0;
    }
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", LABEL_FORMAT);
    cJSON_AddNumberToObject(root, "version", LABEL_VERSION);
    cJSON *tags = cJSON_AddArrayToObject(root, "tags");
    for (int i = 0; i < label->n_tags; i++)
        cJSON_AddItemToArray(tags, cJSON_CreateString(label->tag[i]));
    cJSON_AddStringToObject(root, "note", label->note);
    if (label->campaign[0] != '\0') {
        cJSON_AddStringToObject(root, "campaign", label->campaign);
        cJSON_AddStringToObject(root, "side", run_side_name(label->side));
        cJSON_AddNumberToObject(root, "number", label->number);
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        return error_set(err, "no memory for %s", path);
    const struct file_part part = {text, strlen(text)};
    int rc = sync ? file_replace(path, &part, 1, err) : file_replace_unsynced(path, &part, 1, err);
    cJSON_free(text);
    return rc;
}

int run_label_write(const struct run_folder *folder, const struct run_label *label, struct error *err)
{
    return write_label(folder, label, 1, err);
}

int run_label_write_unsynced(const struct run_folder *folder, const struct run_label *label, struct error *err)
{
    return write_label(folder, label, 0, err);
}
