/*
 * text.c - bounded text helpers. See text.h.
 *
 * UTF-8 follows RFC 3629 section 4: no over-long forms, no surrogates,
 * nothing above U+10FFFF.
 */
#include "text.h"

#include <string.h>

struct text text_into(char *p, size_t cap)
{
    struct text t = { p, 0, cap, false, 0 };
    return t;
}

void text_mem(struct text *t, const char *p, size_t n)
{
    size_t skip = t->skip < n ? t->skip : n;

    if (skip != 0) {
        t->skip -= skip;
        p += skip;
        n -= skip;
    }
    if (n > t->cap - t->len) {
        n = t->cap - t->len;
        t->full = true;
    }
    if (n != 0)
        memcpy(t->p + t->len, p, n);
    t->len += n;
}

void text_str(struct text *t, const char *literal)
{
    text_mem(t, literal, strlen(literal));
}

void text_u64(struct text *t, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    text_mem(t, digits + at, sizeof digits - at);
}

void text_end(struct text *t)
{
    if (t->cap == 0)
        return;
    if (t->len == t->cap) {
        /* Step back over a whole character, never into the middle of one. */
        do {
            t->len--;
        } while (t->len != 0 && ((uint8_t)t->p[t->len] & 0xc0) == 0x80);
    }
    t->p[t->len] = '\0';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_equal(const char *p, size_t n, const char *q, size_t m)
{
    if (n != m)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(p[i]) != lower(q[i]))
            return false;
    return true;
}

bool text_starts(const char *p, size_t n, const char *literal)
{
    size_t len = strlen(literal);

    if (n < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(p[i]) != lower(literal[i]))
            return false;
    return true;
}

bool text_same(const char *p, size_t n, const char *literal)
{
    return n == strlen(literal) && text_starts(p, n, literal);
}

bool text_contains(const char *p, size_t n, const char *literal)
{
    for (size_t i = 0; i < n; i++)
        if (text_starts(p + i, n - i, literal))
            return true;
    return false;
}

size_t text_char(const char *p, size_t n)
{
    uint8_t first = (uint8_t)p[0];
    uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte */
    size_t len;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (n < len)
        return 0;
    if (first == 0xe0)
        low = 0xa0; /* over-long */
    else if (first == 0xed)
        high = 0x9f; /* surrogates */
    else if (first == 0xf0)
        low = 0x90; /* over-long */
    else if (first == 0xf4)
        high = 0x8f; /* above U+10FFFF */
    if ((uint8_t)p[1] < low || (uint8_t)p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (((uint8_t)p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Well-formed, but it would move the reader's cursor or reverse the line. */
static bool harmful(const char *p, size_t len)
{
    uint8_t a = (uint8_t)p[0], b, c;

    if (len == 1)
        return a < 0x20 || a == 0x7f;
    b = (uint8_t)p[1];
    if (len == 2)
        return a == 0xc2 && b < 0xa0; /* U+0080..U+009F */
    if (len != 3 || a != 0xe2)
        return false;
    c = (uint8_t)p[2];
    return (b == 0x80 && (c == 0x8e || c == 0x8f ||     /* U+200E, U+200F */
                          (c >= 0xa8 && c <= 0xae))) || /* U+2028..202E */
           (b == 0x81 && c >= 0xa6 && c <= 0xa9);       /* U+2066..2069 */
}

void text_clean(char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t len = text_char(p + i, n - i);

        if (len == 0)
            p[i++] = '?';
        else if (harmful(p + i, len))
            while (len-- != 0)
                p[i++] = '?';
        else
            i += len;
    }
}

void text_wipe(void *p, size_t n)
{
    volatile uint8_t *v = p;

    while (n-- != 0)
        *v++ = 0;
}
