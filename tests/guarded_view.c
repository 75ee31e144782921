#include "tests/guarded_view.h"

#include "kernels/bf16.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t random_state = 1;

uint32_t random_next(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

double random_sixteenth(void)
{
    return ((int)(random_next() % 127) - 63) / 16.0;
}

double random_unit(void)
{
    return (double)random_next() / (1 << 23) - 1;
}

void buffer_make(struct buffer *buffer, enum layout layout, enum chain_type type, struct shape s)
{
    ptrdiff_t n = s.n, c = s.c, h = s.h, w = s.w, count = n * c * h * w;
    struct chain_view view = {.type = type, .c = s.c, .h = s.h, .w = s.w, .sb = CHAIN_BLOCK};
    switch (layout) {
    case NHWC:
        view.sw = c, view.sh = w * c, view.sn = h * w * c;
        break;
    case BLOCKED:
        view.sw = CHAIN_BLOCK, view.sh = w * CHAIN_BLOCK, view.sb = h * w * CHAIN_BLOCK, view.sn = c * h * w;
        break;
    case HWNC:
        view.sn = c, view.sw = n * c, view.sh = w * n * c;
        break;
    default:
        view.sw = c + CHAIN_BLOCK, view.sh = (w + 1) * view.sw, view.sn = (h + 2) * view.sh;
        count = (n - 1) * view.sn + (h - 1) * view.sh + (w - 1) * view.sw + c;
        break;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    buffer->n = s.n;
    buffer->bytes = ((size_t)count * (type == CHAIN_BF16 ? 2 : 4) + 63) / 64 * 64;
    size_t inner = (buffer->bytes + page - 1) / page * page;
    buffer->map_bytes = inner + 2 * page;
    buffer->map = mmap(NULL, buffer->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(buffer->map != MAP_FAILED);
    assert_int_equal(mprotect(buffer->map + page, inner, PROT_READ | PROT_WRITE), 0);
    memset(buffer->map + page, 0xff, inner);
    view.data = buffer->map + page + inner - buffer->bytes;
    buffer->view = view;
}

void buffer_release(struct buffer *buffer)
{
    if (buffer->map)
        munmap(buffer->map, buffer->map_bytes);
    buffer->map = NULL;
}

static ptrdiff_t element(const struct chain_view *v, int n, int c, int y, int x)
{
    return n * v->sn + c / CHAIN_BLOCK * v->sb + y * v->sh + x * v->sw + c % CHAIN_BLOCK;
}

double get(const struct buffer *b, int n, int c, int y, int x)
{
    ptrdiff_t at = element(&b->view, n, c, y, x);
    return b->view.type == CHAIN_BF16 ? bf16_to_float(((bf16 *)b->view.data)[at]) : ((float *)b->view.data)[at];
}

void put(struct buffer *b, int n, int c, int y, int x, double value)
{
    ptrdiff_t at = element(&b->view, n, c, y, x);
    if (b->view.type == CHAIN_BF16)
        ((bf16 *)b->view.data)[at] = bf16_from_float((float)value);
    else
        ((float *)b->view.data)[at] = (float)value;
}

void buffer_fill(struct buffer *b, double (*value)(void))
{
    FOR_EACH_ELEMENT(b)
    put(b, n, c, y, x, value());
}

void buffer_make_filled(struct buffer *b, enum layout layout, enum chain_type type, struct shape s,
                        double (*value)(void))
{
    buffer_make(b, layout, type, s);
    buffer_fill(b, value);
}

void check_untouched(const struct buffer *b)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = b->view.type == CHAIN_BF16 ? 2 : 4;
    size_t inner = b->map_bytes - 2 * page, start = inner - b->bytes;
    unsigned char *seen = calloc(1, inner);
    FOR_EACH_ELEMENT(b)
    memset(seen + start + (size_t)element(&b->view, n, c, y, x) * size, 1, size);
    for (size_t i = 0; i < inner; i++)
        if (!seen[i] && (unsigned char)b->map[page + i] != 0xff)
            fail_msg("byte %zu of %zu before the end was written", inner - i, inner);
    free(seen);
}

void check_close(const struct buffer *b, double got, double want, double scale, const char *what)
{
    double allowed = scale * 0x1p-21 + (b->view.type == CHAIN_BF16 ? fabs(want) * 0x1.02p-8 : 0);
    if (!(fabs(got - want) <= allowed))
        fail_msg("%s: got %.9g, want %.9g, allowed %.3g", what, got, want, allowed);
}
