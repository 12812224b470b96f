/* sources: smtp/canon.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_canon.c - the canonical forms of RFC 6376: the same for the input
 * whole and byte by byte, and for what they made of it.
 */
#include "trace.h"

#include "canon.h"

#define MOST 2000

struct out {
    uint8_t p[8192];
    size_t n;
};

static void take(void *own, const uint8_t *p, size_t n)
{
    struct out *o = own;

    MUST(n <= sizeof o->p - o->n);
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

static void body(struct out *o, const uint8_t *p, size_t n, bool simple,
                 size_t step)
{
    struct canon_body c = { .to = { o, take }, .simple = simple };

    o->n = 0;
    for (size_t i = 0; i < n; i += step)
        canon_body(&c, p + i, n - i < step ? n - i : step);
    canon_body_end(&c);
}

static void field(struct out *o, const uint8_t *p, size_t n, bool simple,
                  size_t step)
{
    struct canon_field c = { .to = { o, take }, .simple = simple };

    o->n = 0;
    for (size_t i = 0; i < n; i += step)
        canon_field(&c, p + i, n - i < step ? n - i : step);
    canon_field_end(&c, false);
}

static void same(const struct out *a, const struct out *b)
{
    MUST(a->n == b->n && memcmp(a->p, b->p, a->n) == 0);
}

static void check(void (*form)(struct out *, const uint8_t *, size_t, bool,
                               size_t),
                  const uint8_t *p, size_t n, bool simple)
{
    static struct out whole, other;

    form(&whole, p, n, simple, n + 1);
    form(&other, p, n, simple, 1);
    same(&whole, &other);
    MUST(whole.n == 0 || whole.p[whole.n - 1] == '\n');
    form(&other, whole.p, whole.n, simple, whole.n + 1);
    same(&whole, &other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t n = len < MOST ? len : MOST;

    check(body, data, n, false);
    check(body, data, n, true);
    check(field, data, n, false);
    check(field, data, n, true);
    return 0;
}
