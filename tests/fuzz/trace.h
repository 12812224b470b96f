/*
 * trace.h - what a run did, as one growing text: two runs of the same input
 * in other pieces must leave the same.
 */
#ifndef TESTS_FUZZ_TRACE_H
#define TESTS_FUZZ_TRACE_H

#include "fuzz.h"

#define TRACE_MAX (1024 * 1024)

struct trace {
    size_t len;
    uint8_t bytes[TRACE_MAX];
};

static inline void trace_add(struct trace *t, const void *p, size_t n)
{
    MUST(n <= TRACE_MAX - t->len);
    if (n != 0)
        memcpy(t->bytes + t->len, p, n);
    t->len += n;
}

static inline void trace_int(struct trace *t, uint64_t n)
{
    trace_add(t, &n, sizeof n);
}

static inline void trace_same(const struct trace *a, const struct trace *b)
{
    MUST(a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0);
}

/* A copy whose end is the end of its block, so that ASan sees an over-read. */
static inline uint8_t *exact(const uint8_t *p, size_t n)
{
    uint8_t *block = malloc(n + 1);

    MUST(block != NULL);
    if (n != 0)
        memcpy(block + 1, p, n);
    return block;
}

#endif
