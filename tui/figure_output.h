/* What commands that draw share: which format was asked for, the page, and where the bytes go. */
#ifndef DAVIDNET_TUI_FIGURE_OUTPUT_H
#define DAVIDNET_TUI_FIGURE_OUTPUT_H

#include "tui/run_report.h"
#include "views/figure.h"

/*
 * The format by name (--format), or where that is NULL by the ending of -o's path (NULL: the standard output), or where
 * it has none, or ".txt" for a table, `otherwise`. words has blanks between ("csv json png svg pdf"). NULL with err
 * when the name or the ending is none of them. What comes back is a name of at most 7 bytes in out.
 */
const char *figure_output_format(const char *name, const char *path, const char *words, const char *otherwise,
                                 char out[8], struct error *err);

/* A PNG or PDF is not for a terminal's eyes: -1 with what to do instead, where that is where it would go. */
int figure_output_check(enum figure_format format, const char *path, struct error *err);

/* scale as --scale gives it, in pixels a point: 0.1 to 20. -1 with err. */
int figure_output_scale(const char *text, double *scale, struct error *err);

/* The room that a figure takes, in points. */
struct figure_room {
    double content;                    /* height of what is drawn, beside its texts */
    double width;                      /* of the page; 0: 520 */
    double least_content, least_width; /* less would leave out parts; 0: three quarters, and half */
};

/*
 * A page of those texts with that room, or as large as --size says, where it was given. NULL with err; also where that
 * is too small, which names the least size.
 */
struct figure *figure_output_page(enum figure_format format, double scale, const struct figure_room *room,
                                  const char *title, const char *subtitle, const char *caption, struct error *err);

/* Ends the drawing, frees the figure, and writes it to path, or to the standard output. */
int figure_output_write(struct figure *figure, const char *path, struct error *err);

/* For a caption: "drawn by davidnet 0.1.0 (63f6f9dde0)". */
const char *figure_output_drawn_by(char *out, size_t size);

#endif
