#include "engine/recipe_file.h"

#include "engine/knobs.h"
#include "engine/nearest.h"
#include "engine/network_text.h"
#include "engine/number.h"
#include "engine/recipe_file_internal.h"
#include "engine/tricks.h"
#include "engine/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 65536
#define LINE_MAX_CHARS 190 /* inih's own limit is 197 */
#define KEY_MAX_CHARS 48   /* inih cuts names silently after 49 */

struct entry {
    int line; /* 0: not in the file */
    char text[KNOB_TEXT_MAX];
};

/* What a file says, before it is applied. */
struct reader {
    const char *file;
    const char *at; /* the rest of the text */
    int line;
    int failed; /* the line of the first error, or 0 */
    struct error *err;
    struct entry *knob; /* one a row of the knob table */
    struct entry trick[RECIPE_TRICKS_MAX];
    struct entry preset, origin, name, title, published, accuracy, seconds, of, rung;
    char network[RECIPE_NETWORK_MAX];
    int network_line[NETWORK_LINES_MAX + 1]; /* the file's line of the network's line i + 1 */
    int n_network;
    struct entry *last; /* what `key+ =` appends to */
    char last_key[KEY_MAX_CHARS + 1];
};

static int line_error(struct reader *reader, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int line_error(struct reader *reader, int line, const char *format, ...)
{
    if (!reader->failed) {
        char text[700];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        error_set(reader->err, "%s line %d: %s", reader->file, line, text);
    }
    if (!reader->failed)
        reader->failed = line;
    return -1;
}

/*
 * Copies a line without its comment (';' or '#' first or after a blank, outside quotes). A ';' in quotes, which inih
 * would take for a comment, is escaped. Returns the length, or -1 when it does not fit.
 */
static int copy_line(char *out, int size, const char *line, size_t length)
{
    int quoted = 0, used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = line[i];
        quoted ^= c == '"';
        if (!quoted && (c == ';' || c == '#') && (i == 0 || isspace((unsigned char)line[i - 1])))
            break;
        int escape = quoted && c == ';';
        if (used + (escape ? 4 : 1) > size)
            return -1;
        if (escape)
            memcpy(out + used, "\\x3b", 4);
        else
            out[used] = c;
        used += escape ? 4 : 1;
    }
    return used;
}

/* A section's line is refused as such: inih drops what follows on it, and tells of no section without keys. */
static int check_section(struct reader *reader, const char *line)
{
    char section[LINE_MAX_CHARS + 1], hint[NEAREST_HINT_MAX];
    size_t length = strcspn(line, "]");
    struct nearest nearest;
    if (line[length] == '\0')
        return 0; /* inih says so */
    snprintf(section, sizeof section, "%.*s", (int)length - 1, line + 1);
    nearest_init(&nearest, section);
    for (int i = -3; i < knob_count; i++) {
        static const char *const others[] = {"recipe", "network", "tricks"};
        const char *known = i < 0 ? others[i + 3] : knobs[i].section;
        if (strcmp(known, section) == 0 && line[length + 1 + strspn(line + length + 1, " \t\r")] == '\0')
            return 0;
        if (strcmp(known, section) == 0)
            return line_error(reader, reader->line, "text after [%s]; put it on the next line", section);
        nearest_offer(&nearest, known);
    }
    return line_error(reader, reader->line, "unknown section [%s]%s", section,
                      nearest_hint(&nearest, hint, sizeof hint));
}

/*
 * inih's reader: one line a call, so that lines are counted right. Blanks before the text go, as inih would take
 * an indented line for the value's continuation; lines that it would cut are refused.
 */
static char *next_line(char *out, int size, void *user)
{
    struct reader *reader = user;
    if (*reader->at == '\0' || reader->failed)
        return NULL;
    const char *start = reader->at;
    if (reader->line == 0 && strncmp(start, "\xef\xbb\xbf", 3) == 0)
        start += 3; /* what some editors begin a file with */
    size_t length = strcspn(start, "\n");
    reader->at = start + length + (start[length] == '\n');
    reader->line++;
    while (length > 0 && isspace((unsigned char)*start)) {
        start++;
        length--;
    }
    int used = copy_line(out, size - 3 < LINE_MAX_CHARS ? size - 3 : LINE_MAX_CHARS, start, length);
    if (used < 0) {
        line_error(reader, reader->line, "longer than %d characters; go on with 'key+ = ...' on the next line",
                   LINE_MAX_CHARS);
        return NULL;
    }
    out[used] = '\0';
    size_t key = strcspn(out, "=:");
    if (out[0] == '[' && check_section(reader, out))
        return NULL;
    if (out[0] != '[' && out[key] && key > KEY_MAX_CHARS) {
        line_error(reader, reader->line, "a key of %d characters; none is longer than %d", (int)key, KEY_MAX_CHARS);
        return NULL;
    }
    out[used] = '\n';
    out[used + 1] = '\0';
    return out;
}

/* Appends to an entry; text in quotes is unescaped. */
static int append_text(struct reader *reader, struct entry *entry, const char *value, size_t limit)
{
    size_t used = strlen(entry->text), length = strlen(value);
    int quoted = value[0] == '"';
    if (quoted && (length < 2 || value[length - 1] != '"'))
        return line_error(reader, reader->line, "the closing quote is missing");
    const char *p = value + quoted, *end = value + length - quoted;
    while (p < end) {
        char c = *p++;
        if (quoted && c == '\\') {
            unsigned byte;
            if (end - p < 3 || p[0] != 'x' || !isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]) ||
                sscanf(p + 1, "%2x", &byte) != 1 || byte == 0)
                return line_error(reader, reader->line, "expected \\xHH, a byte in hexadecimal, after a backslash");
            c = (char)byte;
            p += 3;
        }
        if (used + 1 >= limit)
            return line_error(reader, reader->line, "more than %d characters", (int)limit - 1);
        entry->text[used++] = c;
    }
    entry->text[used] = '\0';
    return 0;
}

static int take(struct reader *reader, struct entry *entry, const char *key, const char *value, size_t limit)
{
    if (entry->line)
        return line_error(reader, reader->line, "'%s' is set twice, first on line %d; remove one", key, entry->line);
    entry->line = reader->line;
    reader->last = entry;
    snprintf(reader->last_key, sizeof reader->last_key, "%s", key);
    return append_text(reader, entry, value, limit);
}

/* The keys of [recipe]; each has an entry in the reader. */
static const struct recipe_key {
    const char *name;
    size_t entry, limit;
} recipe_keys[] = {
    {"preset", offsetof(struct reader, preset), 64},
    {"origin", offsetof(struct reader, origin), 64},
    {"name", offsetof(struct reader, name), 64},
    {"title", offsetof(struct reader, title), sizeof((struct recipe_about *)0)->title},
    {"published", offsetof(struct reader, published), sizeof((struct recipe_about *)0)->published},
    {"published_accuracy", offsetof(struct reader, accuracy), 32},
    {"published_seconds", offsetof(struct reader, seconds), 32},
    {"published_of", offsetof(struct reader, of), 32},
    {"rung", offsetof(struct reader, rung), 32},
};
#define RECIPE_KEYS (sizeof recipe_keys / sizeof recipe_keys[0])

static int take_recipe_key(struct reader *reader, const char *key, const char *value)
{
    char known[192] = "";
    size_t used = 0;
    for (size_t i = 0; i < RECIPE_KEYS; i++) {
        const struct recipe_key *k = &recipe_keys[i];
        if (strcmp(key, k->name) == 0)
            return take(reader, (struct entry *)((char *)reader + k->entry), key, value, k->limit);
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", k->name);
    }
    return line_error(reader, reader->line, "[recipe] has no key '%s'; it has %s", key, known);
}

static int take_network_line(struct reader *reader, const char *key, const char *value)
{
    size_t used = strlen(reader->network);
    if (reader->n_network == NETWORK_LINES_MAX)
        return line_error(reader, reader->line, "a network has at most %d lines", NETWORK_LINES_MAX);
    int length = snprintf(reader->network + used, sizeof reader->network - used, "%s = %s\n", key, value);
    if (length < 0 || used + (size_t)length >= sizeof reader->network)
        return line_error(reader, reader->line, "the network is longer than %d characters", RECIPE_NETWORK_MAX - 1);
    reader->network_line[reader->n_network++] = reader->line;
    return 0;
}

static int take_trick(struct reader *reader, const char *key, const char *value)
{
    const struct trick *trick = trick_find(key);
    const struct knob *knob = knob_find(key);
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX];
    if (trick)
        return take(reader, &reader->trick[trick - tricks], key, value, 8);
    if (knob)
        return line_error(reader, reader->line, "'%s' is a knob and no trick: it belongs in section [%s]", key,
                          knob->section);
    nearest_init(&nearest, key);
    for (int i = 0; i < trick_count; i++)
        nearest_offer(&nearest, tricks[i].key);
    return line_error(reader, reader->line, "unknown trick '%s'%s; `davidnet tricks` lists them all", key,
                      nearest_hint(&nearest, hint, sizeof hint));
}

static int take_knob(struct reader *reader, const char *section, const char *key, const char *value)
{
    const struct knob *knob = knob_find(key);
    struct nearest nearest;
    char hint[NEAREST_HINT_MAX];
    if (section[0] == '\0')
        return line_error(reader, reader->line, "'%s' comes before any [section]", key);
    if (knob && strcmp(section, knob->section) == 0)
        return take(reader, &reader->knob[knob - knobs], key, value, KNOB_TEXT_MAX);
    nearest_init(&nearest, key);
    for (int i = 0; i < knob_count; i++)
        nearest_offer(&nearest, knobs[i].key);
    if (!knob && trick_find(key))
        return line_error(reader, reader->line, "'%s' is a trick and no knob: it belongs in section [tricks]", key);
    if (knob)
        return line_error(reader, reader->line, "'%s' belongs in section [%s], not [%s]", key, knob->section, section);
    return line_error(reader, reader->line, "unknown key '%s'%s; `davidnet knobs` lists them all", key,
                      nearest_hint(&nearest, hint, sizeof hint));
}

/* inih's handler; it goes on after an error, so all but the first are ignored. */
static int handle(void *user, const char *section, const char *key, const char *value)
{
    struct reader *reader = user;
    size_t length = strlen(key);
    if (reader->failed)
        return 0;
    if (strcmp(section, "network") == 0)
        return take_network_line(reader, key, value) == 0;
    if (length > 1 && key[length - 1] == '+') {
        if (!reader->last || strlen(reader->last_key) != length - 1 || strncmp(key, reader->last_key, length - 1) != 0)
            return line_error(reader, reader->line, "'%s =' must follow '%.*s ='", key, (int)length - 1, key) == 0;
        return append_text(reader, reader->last, value, sizeof reader->last->text) == 0;
    }
    reader->last = NULL;
    if (strcmp(section, "recipe") == 0)
        return take_recipe_key(reader, key, value) == 0;
    if (strcmp(section, "tricks") == 0)
        return take_trick(reader, key, value) == 0;
    return take_knob(reader, section, key, value) == 0;
}

static int read_wishes(struct reader *reader, enum trick_wish *wishes)
{
    for (int i = 0; i < trick_count; i++) {
        const struct entry *entry = &reader->trick[i];
        int on = 0;
        if (entry->line && knob_parse_switch(entry->text, &on))
            return line_error(reader, entry->line, "%s = %s: expected on or off", tricks[i].key,
                              entry->text[0] ? entry->text : "(nothing)");
        wishes[i] = !entry->line ? TRICK_LEAVE : on ? TRICK_ON : TRICK_OFF;
    }
    return 0;
}

/* The tricks, and then the knobs, over what was inherited. */
static int apply_values(struct reader *reader, struct recipe *recipe)
{
    enum trick_wish wishes[RECIPE_TRICKS_MAX];
    const struct knob *undone;
    struct error inner = {""};
    int at_fault;
    if (read_wishes(reader, wishes))
        return -1;
    if (tricks_switch(tricks, trick_count, wishes, recipe, &at_fault, &inner))
        return line_error(reader, reader->trick[at_fault].line, "%s", inner.text);
    for (int i = 0; i < knob_count; i++)
        if (reader->knob[i].line && knob_set(recipe, &knobs[i], reader->knob[i].text, &inner))
            return line_error(reader, reader->knob[i].line, "%s", inner.text);
    if (tricks_check(tricks, trick_count, wishes, recipe, &at_fault, &undone, &inner)) {
        int line = reader->trick[at_fault].line;
        if (!undone)
            return line_error(reader, line, "%s", inner.text);
        return line_error(reader, reader->knob[undone - knobs].line, "%s (the trick is on line %d)", inner.text, line);
    }
    return 0;
}

/* That, and the network. */
static int apply(struct reader *reader, struct recipe *recipe)
{
    struct error inner = {""};
    if (apply_values(reader, recipe))
        return -1;
    if (reader->n_network)
        memcpy(recipe->network, reader->network, sizeof recipe->network);
    if (recipe->network[0] == '\0')
        return error_set(reader->err,
                         "%s: it has no [network] and inherits none; add one, or [recipe] preset = "
                         "davidnet-79",
                         reader->file);
    struct network_line *lines = calloc(NETWORK_LINES_MAX, sizeof *lines);
    int n = lines ? network_parse(recipe, lines, &inner) : error_set(&inner, "out of memory");
    free(lines);
    if (n < 0) {
        int line = network_error_line(&inner);
        if (line >= 1 && line <= reader->n_network)
            return line_error(reader, reader->network_line[line - 1], "%s", inner.text);
        return error_set(reader->err, "%s: %s", reader->file, inner.text);
    }
    const char *key;
    if (recipe_check_key(recipe, &key, &inner)) {
        const struct knob *knob = key ? knob_find(key) : NULL;
        if (knob && reader->knob[knob - knobs].line)
            return line_error(reader, reader->knob[knob - knobs].line, "%s", inner.text);
        return error_set(reader->err, "%s: %s", reader->file, inner.text);
    }
    return 0;
}

static int inherit(struct reader *reader, int depth, struct recipe *recipe)
{
    struct error inner = {""};
    if (reader->preset.line && reader->origin.line)
        return line_error(reader, reader->origin.line, "preset (inherits) and origin (does not) exclude each other");
    if (reader->preset.line) {
        int status = recipe_preset_load_at(reader->preset.text, depth + 1, recipe, NULL, &inner);
        if (status && depth == 0)
            return line_error(reader, reader->preset.line, "%s", inner.text);
        if (status) /* the first file and the one at fault are enough to go by */
            return error_set(reader->err, "%s", inner.text);
        return 0;
    }
    knob_defaults(recipe);
    const char *name = reader->file;
    if (reader->origin.line)
        name = reader->origin.text;
    else if (strrchr(name, '/'))
        name = strrchr(name, '/') + 1;
    snprintf(recipe->preset, sizeof recipe->preset, "%.63s", name);
    return 0;
}

/* A number of [recipe] within limits; missing: as it is. */
static int read_about(struct reader *reader, const struct entry *entry, const char *key, double min, double max,
                      double *value)
{
    if (!entry->line || (number_parse_real(entry->text, value) == 0 && *value >= min && *value <= max))
        return 0;
    return line_error(reader, entry->line, "%s = %.40s: expected a number, %g to %g", key, entry->text, min, max);
}

/* What a file says about itself. Nothing of it is inherited: it is about one recipe. */
static int describe(struct reader *reader, struct recipe_about *about)
{
    double accuracy = NAN, seconds = NAN, rung = 0;
    int reached = 0, of = 0, end = 0;
    if (read_about(reader, &reader->accuracy, "published_accuracy", 0, 100, &accuracy) ||
        read_about(reader, &reader->seconds, "published_seconds", 0, 1e9, &seconds) ||
        read_about(reader, &reader->rung, "rung", 1, 1000, &rung))
        return -1;
    if (reader->of.line && (sscanf(reader->of.text, "%5d/%5d%n", &reached, &of, &end) != 2 || reader->of.text[end] ||
                            reached < 0 || of < 1 || reached > of))
        return line_error(reader, reader->of.line, "published_of = %.40s: expected how many of how many runs, as 3/5",
                          reader->of.text);
    if (!about)
        return 0;
    snprintf(about->title, sizeof about->title, "%.*s", (int)sizeof about->title - 1, reader->title.text);
    snprintf(about->published, sizeof about->published, "%.*s", (int)sizeof about->published - 1,
             reader->published.text);
    about->accuracy = accuracy;
    about->seconds = seconds;
    about->reached = reached;
    about->of = of;
    about->rung = (int)rung;
    return 0;
}

/* Texts that are printed as they are, wherever presets and runs are listed. */
static int check_printable(struct reader *reader)
{
    const struct entry *const printed[] = {&reader->name, &reader->title, &reader->published};
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        const char *c = utf8_control(printed[i]->text);
        if (c) /* the second byte tells those of two */
            return line_error(reader, printed[i]->line, "the text has the control character \\x%02x; leave it out",
                              (unsigned char)c[*c == '\xC2']);
    }
    return 0;
}

int recipe_file_parse_at(const char *file, const char *text, int depth, struct recipe *recipe,
                         struct recipe_about *about, struct error *err)
{
    struct reader *reader = calloc(1, sizeof *reader);
    struct entry *entries = calloc((size_t)knob_count, sizeof *entries);
    struct error unused;
    int result = -1;
    if (!reader || !entries) {
        error_set(err, "%s: out of memory", file);
        goto done;
    }
    reader->file = file;
    reader->at = text;
    reader->err = err ? err : &unused;
    reader->knob = entries;
    int bad = ini_parse_stream(next_line, reader, handle, reader);
    if (bad > 0 && (!reader->failed || bad < reader->failed)) {
        reader->failed = 0; /* inih goes on after a line that it cannot read, so what followed is no news */
        line_error(reader, bad, "expected 'key = value' or '[section]'");
    }
    if (reader->failed)
        goto done;
    if (inherit(reader, depth, recipe) || apply(reader, recipe) || describe(reader, about) || check_printable(reader))
        goto done;
    snprintf(recipe->name, sizeof recipe->name, "%.63s", reader->name.text);
    result = 0;
done:
    free(entries);
    free(reader);
    return result;
}

/* A pipe that somebody writes to, as the shell's <(...), is read to its end; one that nobody does, is not waited for.
 */
static FILE *open_recipe(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    FILE *in = fstat(fd, st) == 0 && fcntl(fd, F_SETFL, 0) == 0 ? fdopen(fd, "r") : NULL;
    if (!in)
        close(fd);
    return in;
}

int recipe_file_load_at(const char *path, int depth, struct recipe *recipe, struct recipe_about *about,
                        struct error *err)
{
    struct stat st;
    FILE *in = open_recipe(path, &st);
    if (!in)
        return error_set(err, "cannot open recipe %s: %s", path, strerror(errno));
    char *text = malloc(FILE_MAX + 1);
    size_t size = text ? fread(text, 1, FILE_MAX + 1, in) : 0;
    int failed = ferror(in), reason = errno, result = -1;
    fclose(in);
    if (!text)
        error_set(err, "%s: out of memory", path);
    else if (failed)
        error_set(err, "cannot read recipe %s: %s", path, strerror(reason));
    else if (size == 0 && S_ISFIFO(st.st_mode))
        error_set(err, "%s: a pipe that nobody writes to; that is no recipe", path);
    else if (size > FILE_MAX)
        error_set(err, "%s: larger than %d bytes; that is no recipe", path, FILE_MAX);
    else if (memchr(text, '\0', size))
        error_set(err, "%s: holds a NUL byte; that is no recipe", path);
    else {
        text[size] = '\0';
        result = recipe_file_parse_at(path, text, depth, recipe, about, err);
    }
    free(text);
    return result;
}

int recipe_file_parse(const char *file, const char *text, struct recipe *recipe, struct recipe_about *about,
                      struct error *err)
{
    if (about)
        memset(about, 0, sizeof *about);
    if (recipe_file_parse_at(file, text, 0, recipe, about, err))
        return -1;
    recipe_file_compare(recipe);
    return 0;
}

int recipe_file_load(const char *path, struct recipe *recipe, struct recipe_about *about, struct error *err)
{
    if (about)
        memset(about, 0, sizeof *about);
    if (recipe_file_load_at(path, 0, recipe, about, err))
        return -1;
    recipe_file_compare(recipe);
    return 0;
}
