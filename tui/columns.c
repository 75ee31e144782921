#include "tui/columns.h"

#include "views/grid.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2
#define WIDTH_DEFAULT 80
#define WIDTH_MAX 120
#define WRAP_MIN 20 /* the last column is never squeezed below this */

int columns_width(FILE *out)
{
    struct winsize size;
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) || size.ws_col < 40)
        return WIDTH_DEFAULT;
    return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

/* Columns of the first `length` bytes. */
static int width_of(const char *text, int length)
{
    char part[512];
    return length < (int)sizeof part ? (snprintf(part, sizeof part, "%.*s", length, text), text_width(part)) : length;
}

int columns_terminal(FILE *out)
{
    int fd = fileno(out);
    return fd >= 0 && isatty(fd) ? columns_width(out) : 0;
}

/* 1: an odd number of single quotes begin or end among these bytes of a command. */
static int flips_quotes(const char *text, int length, int quoted)
{
    int was = quoted;
    for (int i = 0; i < length; i++)
        if (text[i] == '\'' && (quoted || i == 0 || text[i - 1] != '\\'))
            quoted = !quoted;
    return quoted != was;
}

void columns_command(FILE *out, const char *command, int indent, int width)
{
    int at = indent, quoted = 0;
    fprintf(out, "%*s", indent, "");
    for (;;) {
        int length = (int)strcspn(command, " ");
        fprintf(out, "%.*s", length, command);
        at += width_of(command, length);
        quoted ^= flips_quotes(command, length, quoted);
        command += length;
        if (!*command)
            break;
        command++;
        if (width == 0 ||
            at + 1 + width_of(command, (int)strcspn(command, " ")) + 3 <= width) { /* 3: what ends a line */
            fputc(' ', out);
            at++;
        } else if (quoted) {
            fputs(" '\\\n'", out); /* no blanks before it: they would be part of the word, or end it */
            at = 1;
        } else {
            fprintf(out, " \\\n%*s", indent, "");
            at = indent;
        }
    }
    fputc('\n', out);
}

void columns_wrap(FILE *out, const char *text, int at, int indent, int width)
{
    if (width < indent + WRAP_MIN)
        width = indent + WRAP_MIN;
    int first = 1;
    while (*(text += strspn(text, " "))) {
        int length = (int)strcspn(text, " "), word = width_of(text, length);
        if (!first && at + 1 + word > width) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            first = 1;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", length, text);
        at += word + !first;
        first = 0;
        text += length;
    }
    fputc('\n', out);
}

void columns_paragraphs(FILE *out, const char *text, int width)
{
    while (*text) {
        char paragraph[2048];
        size_t length = strcspn(text, "\n"), used = 0;
        if (length == 0 || text[0] == ' ' || strncmp(text, "usage:", 6) == 0) {
            fprintf(out, "%.*s\n", (int)length, text);
            text += length + (text[length] == '\n');
            continue;
        }
        while (length > 0 && text[0] != ' ' && used + length + 2 < sizeof paragraph) {
            memcpy(paragraph + used, text, length);
            used += length;
            paragraph[used++] = ' ';
            text += length + (text[length] == '\n');
            length = strcspn(text, "\n");
        }
        paragraph[used] = '\0';
        columns_wrap(out, paragraph, 0, 0, width);
    }
}

void columns_print(FILE *out, const char *text, int width, int right)
{
    int length = text_fit(text, width), free_columns = width;
    char cut[1024];
    snprintf(cut, sizeof cut, "%.*s", length, text);
    free_columns -= text_width(cut);
    fprintf(out, "%*s%s%*s", right ? free_columns : 0, "", cut, right ? 0 : free_columns, "");
}

int columns_line(char *out, size_t size, const char *const *cells, const int *widths, const int *left, int n, int gap)
{
    size_t used = 0;
    out[0] = '\0';
    for (int c = 0; c < n && used < size; c++) {
        int rest = widths[c] - text_width(cells[c]);
        if (widths[c] == 0)
            continue;
        used +=
            (size_t)snprintf(out + used, size - used, "%*s%s%*s", (used ? gap : 0) + (left[c] || rest < 0 ? 0 : rest),
                             "", cells[c], left[c] && rest > 0 ? rest : 0, "");
    }
    used = strlen(out);
    while (used > 0 && out[used - 1] == ' ')
        out[--used] = '\0';
    return text_width(out);
}

void columns_table(FILE *out, const char *const *head, int n_columns, const char *const *cells, int n_rows, int indent,
                   int width)
{
    int widths[16] = {0};
    if (n_columns > 16)
        n_columns = 16;
    for (int r = head ? -1 : 0; r < n_rows; r++)
        for (int c = 0; c < n_columns; c++) {
            const char *text = r < 0 ? head[c] : cells[r * n_columns + c];
            int length = text_width(text) - (r < 0 && text[0] == '>');
            if (length > widths[c])
                widths[c] = length;
        }
    for (int r = head ? -1 : 0; r < n_rows; r++) {
        const char *const *row = r < 0 ? head : cells + r * n_columns;
        int at = indent, last = n_columns - 1;
        while (last > 0 && row[last][0] == '\0')
            last--; /* no blanks at the end of a line */
        fprintf(out, "%*s", indent, "");
        for (int c = 0; c < last; c++) {
            int right = head && head[c][0] == '>';
            columns_print(out, row[c] + (r < 0 && right), widths[c], right);
            fprintf(out, "%*s", GAP, "");
            at += widths[c] + GAP;
        }
        int right = head && head[last][0] == '>';
        if (right)
            fprintf(out, "%*s\n", widths[last], row[last] + (r < 0)); /* numbers */
        else
            columns_wrap(out, row[last], at, at, width);
    }
}
