#include "kernels/cpu/cpu_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static int by_size(const void *a, const void *b)
{
    const struct cpu_piece *x = *(const struct cpu_piece *const *)a, *y = *(const struct cpu_piece *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static int overlap(const struct cpu_piece *a, const struct cpu_piece *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset where `piece` hits none of the placed ones. */
static size_t lowest(const struct cpu_piece *piece, struct cpu_piece *const *placed, int count)
{
    size_t offset = 0;
    for (int i = 0; i < count; i++) {
        const struct cpu_piece *other = placed[i];
        if (overlap(piece, other) && offset < other->offset + other->bytes && other->offset < offset + piece->bytes) {
            offset = (other->offset + other->bytes + CPU_MEMORY_ALIGN - 1) / CPU_MEMORY_ALIGN * CPU_MEMORY_ALIGN;
            i = -1; /* what was passed before may be hit now */
        }
    }
    return offset;
}

size_t cpu_memory_plan(struct cpu_piece *pieces, int count)
{
    struct cpu_piece **order = malloc((size_t)(count + 1) * sizeof *order);
    size_t total = 0;
    int used = 0;
    if (!order)
        return SIZE_MAX;
    for (int i = 0; i < count; i++) {
        pieces[i].offset = 0;
        if (pieces[i].last >= pieces[i].first && pieces[i].bytes > 0)
            order[used++] = &pieces[i];
    }
    qsort(order, (size_t)used, sizeof *order, by_size);
    for (int i = 0; i < used; i++) {
        order[i]->offset = lowest(order[i], order, i);
        if (order[i]->offset + order[i]->bytes > total)
            total = order[i]->offset + order[i]->bytes;
    }
    free(order);
    return total;
}

/* Whole huge pages inside a mapping that is larger by one, so that the start can be moved to a boundary. */
static size_t rounded(size_t bytes)
{
    return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

void *cpu_memory_allocate(size_t bytes)
{
    size_t size = rounded(bytes ? bytes : 1);
    char *map = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)map + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (start > map)
        munmap(map, (size_t)(start - map));
    if (start + size < map + size + HUGE_PAGE)
        munmap(start + size, (size_t)(map + size + HUGE_PAGE - (start + size)));
    madvise(start, size, MADV_HUGEPAGE); /* a wish: refused where the kernel has none */
    return start;
}

void cpu_memory_free(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, rounded(bytes ? bytes : 1));
}
