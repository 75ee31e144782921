/* davidnet runs: the runs there are, newest first. */
#include "tui/columns.h"
#include "tui/command.h"
#include "tui/run_report.h"
#include "views/format.h"
#include "views/grid.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 80

extern const struct command command_runs;

enum { RECIPE, SEED, STATE, EPOCHS, ACCURACY, TIME, SIZE, COLUMNS };
static const char *const heads[COLUMNS] = {"recipe", "seed", "state", "epochs", "best %", "time", "size"};
static const int left[COLUMNS] = {[RECIPE] = 1, [STATE] = 1};

struct line {
    char name[128], cell[COLUMNS][64], tags[RUN_TAGS_TEXT_MAX];
};

static void fill(struct line *line, const struct run_summary *s, const struct run_label *label)
{
    char text[RUN_TEXT];
    run_text_safe(s->name, line->name, sizeof line->name);
    run_text_safe(s->recipe, line->cell[RECIPE], sizeof line->cell[RECIPE]);
    if (text_width(line->cell[RECIPE]) > 12)
        strcpy(line->cell[RECIPE] + text_fit(line->cell[RECIPE], 11), "~");
    snprintf(line->cell[SEED], 64, "%lld", (long long)s->seed);
    snprintf(line->cell[STATE], 64, "%s", s->state);
    format_epochs(s->epochs_done, s->epochs, line->cell[EPOCHS], 64);
    snprintf(line->cell[ACCURACY], 64, "%s", run_text_number(s->best_acc, 2, text));
    snprintf(line->cell[TIME], 64, "%s", format_seconds(s->train_seconds, text, sizeof text));
    snprintf(line->cell[SIZE], 64, "%s", run_text_bytes(s->bytes, text));
    run_label_tags(label, line->tags, sizeof line->tags);
}

/* A name too long for its column has a line of its own: it is there to be copied. So have tags, where they are many. */
static void print_line(const char *name, const char *const *cells, const char *tags, int name_width, const int *widths,
                       int gap)
{
    char text[1024];
    int fitting = text_width(name) <= name_width;
    if (!fitting)
        printf("%s\n", name);
    columns_print(stdout, fitting ? name : "", name_width, 0);
    int n = name_width + gap + columns_line(text, sizeof text, cells, widths, left, COLUMNS, gap);
    int fits = tags[0] == '\0' || n + gap + text_width(tags) <= WIDTH;
    printf("%*s%s%*s%s\n", gap, "", text, tags[0] != '\0' && fits ? gap : 0, "", fits ? tags : "");
    if (!fits)
        columns_wrap(stdout, tags, printf("%*s", 2, ""), 2, WIDTH);
}

static void print_table(const struct line *lines, int count)
{
    int widths[COLUMNS], total = 0, name_width = 4;
    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = (int)strlen(heads[c]);
        for (int i = 0; i < count; i++)
            widths[c] = text_width(lines[i].cell[c]) > widths[c] ? text_width(lines[i].cell[c]) : widths[c];
        total += widths[c];
    }
    for (int i = 0; i < count; i++)
        name_width = text_width(lines[i].name) > name_width ? text_width(lines[i].name) : name_width;
    int gap = name_width + total + 2 * COLUMNS <= WIDTH ? 2 : 1;
    total += gap * COLUMNS;
    if (name_width > WIDTH - total)
        name_width = WIDTH - total > 4 ? WIDTH - total : 4;
    int tagged = 0;
    for (int i = 0; i < count; i++)
        tagged |= lines[i].tags[0] != '\0';
    print_line("run", heads, tagged && name_width + total + gap + 4 <= WIDTH ? "tags" : "", name_width, widths, gap);
    for (int i = 0; i < count; i++) {
        const char *cells[COLUMNS];
        for (int c = 0; c < COLUMNS; c++)
            cells[c] = lines[i].cell[c];
        print_line(lines[i].name, cells, lines[i].tags, name_width, widths, gap);
    }
}

/* tag: only those that have it; NULL: all. */
static int list(const char *parent, const char *tag, int as_json)
{
    struct run_folder *folders;
    struct error err = {""};
    int count, good = 0, code = EXIT_OK;
    char safe[512];
    if (run_folder_list(parent, &folders, &count, &err) < 0)
        return command_fail("%s", err.text);
    struct line *lines = calloc((size_t)count + 1, sizeof *lines);
    cJSON *json = as_json ? cJSON_CreateArray() : NULL;
    for (int i = 0; i < count && lines != NULL; i++) {
        struct run_summary summary;
        struct run_label label;
        run_label_read(&folders[i], &label, NULL); /* a damaged one is no reason to say nothing of the run */
        if (tag != NULL && !run_label_has(&label, tag))
            continue;
        if (run_folder_summary(&folders[i], &summary, &err) < 0) { /* one bad run does not hide the others */
            code = command_fail("%s", run_text_safe(err.text, safe, sizeof safe));
            continue;
        }
        fill(&lines[good++], &summary, &label);
        if (json != NULL) {
            cJSON *object = cJSON_CreateObject();
            run_report_summary_json(object, &summary);
            run_report_label_json(object, &label);
            cJSON_AddStringToObject(object, "path", folders[i].path);
            cJSON_AddItemToArray(json, object);
        }
    }
    char *text = json ? cJSON_Print(json) : NULL;
    if (text != NULL)
        puts(text);
    else if (lines == NULL || as_json)
        code = command_fail("out of memory");
    else if (good > 0)
        print_table(lines, good);
    else if (count > 0 && tag != NULL && code == EXIT_OK)
        printf("No run in %s has the tag '%s'.\n", parent, tag);
    else if (count == 0)
        printf("There are no runs in %s yet; `davidnet train` makes one.\n", parent);
    cJSON_free(text);
    cJSON_Delete(json);
    free(lines);
    free(folders);
    return code;
}

static int run(int argc, char **argv)
{
    const char *out = NULL, *tag = NULL;
    char parent[RUN_PATH_MAX];
    int as_json = 0;
    for (int i = 1; i < argc; i++) {
        const char *flag, *value;
        int taken = command_take_option(&command_runs, argc, argv, &i, &flag, &value);
        if (taken <= 0)
            return taken < 0 ? EXIT_USAGE : command_unknown(&command_runs, argv[i]);
        if (value && strcmp(flag, "--tag") == 0)
            tag = value[0] == '+' ? value + 1 : value;
        else if (value)
            out = value;
        else
            as_json = 1;
    }
    run_folder_default_parent(parent, sizeof parent);
    return list(out ? out : parent, tag, as_json);
}

static const struct command_option options[] = {
    {"--out", "DIR", "the folder given to train --out", "FILE"},
    {"--tag", "TAG", "only the runs with that tag", NULL},
    {"--json", NULL, "a JSON array, with the clocks and the time to the target accuracy", NULL},
    {0},
};

const struct command command_runs = {
    .name = "runs",
    .summary = "the runs there are, newest first",
    .usage = "usage: davidnet runs [--tag TAG] [--json] [--out DIR]\n\n"
             "Lists the runs in DIR (default: $DAVIDNET_RUNS, else ~/.local/share/davidnet/runs), newest first:\n"
             "name, recipe (its preset, or the recipe file's name), seed, state (running, done, stopped, failed,\n"
             "killed), epochs done and planned, best test accuracy, training time, size on disk, tags.\n",
    .options = options,
    .run = run,
};
