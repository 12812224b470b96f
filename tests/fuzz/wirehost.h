/*
 * wirehost.h - what the stack stands on in frames.c: a card in memory, a heap
 * that forgets nothing, and all of lwIP's variables put back for each input.
 */
#ifndef TESTS_FUZZ_WIREHOST_H
#define TESTS_FUZZ_WIREHOST_H

#include "fuzz.h"

#include "heap.h"
#include "memcard.h"
#include "panic.h"
#include "rng.h"
#include "board.h"

#include <stdarg.h>

/* ------------------------------------------------------------ variables */

extern uint64_t fuzz_state[], fuzz_state_end[]; /* state.ld */

/* Red zones are copied as well, so these two loops go unwatched. */
__attribute__((no_sanitize("address", "undefined"), noinline)) static void
state_copy(uint64_t *to, const uint64_t *from, size_t n)
{
    for (volatile size_t i = 0; i < n; i++)
        to[i] = from[i];
}

static void state_restore(void)
{
    static uint64_t *saved;
    size_t n = ((uintptr_t)fuzz_state_end - (uintptr_t)fuzz_state) / 8;

    if (saved == NULL) {
        MUST(n * 8 > 100000); /* tcp.c's rings alone are more */
        saved = malloc(n * 8);
        MUST(saved != NULL);
        state_copy(saved, fuzz_state, n);
    }
    state_copy(fuzz_state, saved, n);
}

/* ----------------------------------------------------------------- heap */

struct block {
    struct block *next, *prev;
    size_t size;
    uint64_t mark;
};

static struct block blocks = { &blocks, &blocks, 0, 0 };
static size_t heap_used;
static uint32_t heap_fails; /* allocations until the one that fails */

void *heap_calloc(size_t count, size_t size)
{
    struct block *b;
    size_t n;

    if (__builtin_mul_overflow(count, size, &n) || n > HEAP_LIMIT ||
        heap_used + n > HEAP_LIMIT || (heap_fails != 0 && --heap_fails == 0))
        return NULL;
    b = calloc(1, sizeof *b + n);
    MUST(b != NULL);
    b->size = n;
    b->mark = ~(uint64_t)(uintptr_t)b;
    b->next = blocks.next;
    b->prev = &blocks;
    b->next->prev = blocks.next = b;
    heap_used += n;
    return b + 1;
}

void heap_free(void *p)
{
    struct block *b;

    if (p == NULL)
        return;
    b = (struct block *)p - 1;
    MUST(b->mark == ~(uint64_t)(uintptr_t)b);
    b->next->prev = b->prev;
    b->prev->next = b->next;
    heap_used -= b->size;
    free(b);
}

static void heap_clear(void)
{
    while (blocks.next != &blocks)
        heap_free(blocks.next + 1);
    heap_fails = 0;
}

/* ------------------------------------------------------- the rest of it */

void board_write(const char *p, size_t len)
{
    (void)p;
    (void)len;
}

uint64_t board_now_ns(void)
{
    return 0;
}

_Noreturn void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    MUST(!"a panic");
    abort();
}

static uint32_t random_at;

uint32_t rng_u32(void)
{
    random_at = random_at * 1664525u + 1013904223u;
    return random_at >> 7 ^ random_at << 13;
}

uint32_t rng_keyed32(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint32_t h = 2166136261u;

    while (n-- != 0)
        h = (h ^ *b++) * 16777619u;
    return h;
}

/* ------------------------------------------------------------ checksums */

#define FRAME_ROOM 1600 /* more than a frame may have */

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* Where the checksum of an IP packet's payload is, NULL: there is none, or
 * the lengths make no sense. *s: the sum of everything else it covers. */
static uint8_t *transport_sum(uint8_t *f, size_t len, uint32_t *s)
{
    uint8_t *ip = f + 14, *body;
    bool six = get16(f + 12) == 0x86dd;
    size_t head = six ? 40 : 20, n, at;
    uint8_t kind;

    if (len < 14 + head || (!six && (get16(f + 12) != 0x0800 || *ip != 0x45)))
        return NULL;
    body = ip + head;
    kind = six ? ip[6] : ip[9];
    n = six ? get16(ip + 4) : (size_t)get16(ip + 2) - 20;
    at = kind == 6 ? 16 : kind == 17 ? 6 : 2;
    if ((kind != 6 && kind != 17 && kind != 1 && kind != 58) ||
        n > len - 14 - head || at + 2 > n)
        return NULL;
    *s = kind == 1 ? 0 : (uint32_t)n + kind;
    if (kind != 1)
        *s = six ? sum(ip + 8, 32, *s) : sum(ip + 12, 8, *s);
    *s = sum(body, n, *s);
    return body + at;
}

/* Right checksums, as far as the frame's own lengths make sense. */
static void mend(uint8_t *f, size_t len)
{
    uint8_t *at;
    uint32_t s;

    if (len >= 34 && get16(f + 12) == 0x0800) {
        put16(f + 24, 0);
        put16(f + 24, 0xffff ^ sum(f + 14, 20, 0));
    }
    at = transport_sum(f, len, &s);
    if (at == NULL)
        return;
    put16(at, 0);
    (void)transport_sum(f, len, &s);
    s ^= 0xffff;
    put16(at, s != 0 ? s : 0xffff);
}

#endif
