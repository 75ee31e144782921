#include "views/png_text.h"

#include "engine/crc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 33 /* the signature, and the chunk IHDR */

static void put_number(FILE *out, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(n >> shift & 255), out);
}

static int is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return 0;
    return 1;
}

/* -1: no memory. */
static int put_chunk(FILE *out, const struct png_text *text)
{
    char *data = NULL;
    size_t size = 0;
    int plain = is_ascii(text->text);
    FILE *chunk = open_memstream(&data, &size);
    if (!chunk)
        return -1;
    fprintf(chunk, "%s%s", plain ? "tEXt" : "iTXt", text->keyword);
    fwrite("\0\0\0\0", 1, plain ? 1 : 5, chunk); /* not compressed; no language, no translated keyword */
    fputs(text->text, chunk);
    if (fclose(chunk) != 0) {
        free(data);
        return -1;
    }
    put_number(out, (uint32_t)(size - 4));
    fwrite(data, 1, size, out);
    put_number(out, crc_add(0, data, size));
    free(data);
    return 0;
}

int png_text_add(char **bytes, size_t *size, const struct png_text *texts, int n)
{
    char *more = NULL;
    size_t more_size = 0;
    if (*size < HEADER || memcmp(*bytes, "\x89PNG\r\n\x1a\n", 8) != 0)
        return -1;
    FILE *out = open_memstream(&more, &more_size);
    if (!out)
        return -1;
    fwrite(*bytes, 1, HEADER, out);
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++)
        if (texts[i].text && texts[i].text[0])
            rc = put_chunk(out, &texts[i]);
    fwrite(*bytes + HEADER, 1, *size - HEADER, out);
    if (fclose(out) != 0)
        rc = -1;
    if (rc) {
        free(more);
        return -1;
    }
    free(*bytes);
    *bytes = more;
    *size = more_size;
    return 0;
}
