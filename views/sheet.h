/*
 * A contact sheet: for each of some images the original and, beside it, what training sees of it, enlarged pixel
 * by pixel, with what was done to it in words below. The right-hand pixels are augment_bytes', which are what is
 * trained on before normalising. Drawn by cairo into memory; no clock, no I/O but in sheet_save.
 */
#ifndef DAVIDNET_VIEWS_SHEET_H
#define DAVIDNET_VIEWS_SHEET_H

#include "engine/choices.h"
#include "engine/dataset.h"
#include "kernels/choice.h"
#include "kernels/error.h"

struct sheet {
    const struct dataset *dataset; /* images of 1 or 3 channels */
    const struct choice *choices;  /* [count], of its training images */
    int count;                     /* 1 .. SHEET_TILES_MAX */
    int scale;                    /* screen pixels a side of an image's pixel, 1 .. 16; 0: chosen by the image's size */
    int columns;                  /* 0: chosen so that the sheet is a little wider than tall */
    int height, width;            /* what the images on the right were shrunk to; 0: their own size */
    const char *title, *subtitle; /* one line each; cut where the sheet ends */
};

#define SHEET_TILES_MAX 1024

struct sheet_place {
    int x, y;          /* top left pixel of the enlarged image */
    int width, height; /* scale times the image's */
};

/* Where the picture's parts are; fills width, height (of the whole sheet), scale and columns in force. */
struct sheet_layout {
    int width, height, scale, columns;
};

/* -1 for a count, scale or size out of range. */
int sheet_arrange(const struct sheet *sheet, struct sheet_layout *layout, struct error *err);
struct sheet_place sheet_original(const struct sheet *sheet, const struct sheet_layout *layout, int tile);
struct sheet_place sheet_augmented(const struct sheet *sheet, const struct sheet_layout *layout, int tile);

/* What was done to an image, as printed below it: "crop +2, -3   flipped" and "cutout 8x8 at (12, 5), light +0.05
 * x1.02"; "" for nothing.
 */
void sheet_describe(const struct choice *choice, char geometry[64], char cutout[64]);

/* What is done to every image of a run, in words: "reflect-pad 4 and crop, mirror with p 0.5, cutout 8×8". height
 * and width: as in struct sheet. */
void sheet_describe_options(const struct choices_options *options, int height, int width, char *out, size_t size);

/* *rgb is malloc'ed: [height][width][3]. */
int sheet_draw(const struct sheet *sheet, struct sheet_layout *layout, uint8_t **rgb, struct error *err);

int sheet_save(const struct sheet *sheet, const char *path, struct error *err);

#endif
