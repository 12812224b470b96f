/*
 * heap.c - counted, bounded allocation over the C library's malloc.
 *
 * Each block carries its size in front, so that the bound and the peak are
 * the same numbers on every board whatever allocator lies below, and a block
 * that comes back twice or overwritten is caught.
 */
#include "heap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "panic.h"

#define LIVE 0x6c697665u /* "live" */
#define DEAD 0x64656164u /* "dead" */

struct header {
    _Alignas(16) uint32_t size;
    uint32_t mark;
};
_Static_assert(sizeof(struct header) == 16, "payload stays 16-byte aligned");

static struct heap_stats stats = { .limit = HEAP_LIMIT };
static uint32_t fail_in; /* allocations until the one that must fail */
static uint32_t good;    /* allocations left when fail_after             */
static bool fail_after;  /* those behind them fail                       */

static bool made_to_fail(void)
{
    bool fail = fail_in != 0 && --fail_in == 0;

    if (fail_after && good-- == 0) {
        good = 0;
        fail = true;
    }
    return fail;
}

void *heap_calloc(size_t count, size_t size)
{
    struct header *h = NULL;
    size_t want;

    if (!__builtin_mul_overflow(count, size, &want) &&
        want <= HEAP_LIMIT - sizeof(*h) &&
        stats.used <= HEAP_LIMIT - sizeof(*h) - want && !made_to_fail())
        h = calloc(1, sizeof(*h) + want);
    if (h == NULL) {
        stats.failed++;
        return NULL;
    }
    h->size = (uint32_t)want;
    h->mark = LIVE;
    stats.used += sizeof(*h) + want;
    if (stats.used > stats.peak)
        stats.peak = stats.used;
    stats.count++;
    return h + 1;
}

void heap_free(void *p)
{
    struct header *h;

    if (p == NULL)
        return;
    h = (struct header *)p - 1;
    if (h->mark != LIVE)
        panic("bug: heap block %p freed twice or overwritten", p);
    h->mark = DEAD;
    stats.used -= sizeof(*h) + h->size;
    free(h);
}

struct heap_stats heap_stats(void)
{
    return stats;
}

void heap_fail_at(uint32_t n)
{
    fail_in = n;
}

void heap_fail_from(uint32_t n)
{
    fail_after = n != 0;
    good = n != 0 ? n - 1 : 0;
}
