/*
 * addr.c - IP addresses and their texts (RFC 4291, 5952, 6943).
 */
#include "addr.h"

#include <stdio.h>
#include <string.h>

struct addr addr_v4(uint32_t a)
{
    struct addr out = { .len = a != 0 ? 4 : 0 };

    out.b[0] = (uint8_t)(a >> 24);
    out.b[1] = (uint8_t)(a >> 16);
    out.b[2] = (uint8_t)(a >> 8);
    out.b[3] = (uint8_t)a;
    return out;
}

uint32_t addr_to_v4(const struct addr *a)
{
    return a->len != 4 ? 0
                       : (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 |
                             (uint32_t)a->b[2] << 8 | a->b[3];
}

bool addr_same(const struct addr *a, const struct addr *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

static bool parse_v4(const char *s, size_t len, uint8_t out[4])
{
    unsigned part = 0, digits = 0, parts = 0;
    size_t i;

    for (i = 0; i <= len; i++) {
        if (i == len || s[i] == '.') {
            if (digits == 0 || parts == 4)
                return false;
            out[parts++] = (uint8_t)part;
            part = digits = 0;
        } else {
            if (s[i] < '0' || s[i] > '9' || (digits != 0 && part == 0))
                return false;
            part = part * 10 + (unsigned)(s[i] - '0');
            digits++;
            if (part > 255)
                return false;
        }
    }
    return parts == 4;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group, or a dotted quad at the end; returns the characters used. */
static size_t parse_group(const char *s, size_t len, uint8_t *out, size_t room,
                          size_t *bytes)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < len && hex_digit(s[n]) >= 0 && n < 4)
        value = value << 4 | (unsigned)hex_digit(s[n++]);
    if (n < len && s[n] == '.') {
        *bytes = 4;
        return room >= 4 && parse_v4(s, len, out) ? len : 0;
    }
    if (n == 0 || room < 2)
        return 0;
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    *bytes = 2;
    return n;
}

static bool parse_v6(const char *s, size_t len, uint8_t out[16])
{
    size_t at = 0, have = 0, gap = SIZE_MAX, bytes, n;

    if (len >= 2 && s[0] == ':' && s[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < len) {
        n = parse_group(s + at, len - at, out + have, 16 - have, &bytes);
        if (n == 0)
            return false;
        have += bytes;
        at += n;
        if (at == len)
            break;
        if (s[at++] != ':' || at == len)
            return false;
        if (s[at] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = have;
            at++;
        }
    }
    if (gap == SIZE_MAX)
        return have == 16;
    if (have > 14) /* "::" stands for one group at least */
        return false;
    memmove(out + 16 - (have - gap), out + gap, have - gap);
    memset(out + gap, 0, 16 - have);
    return true;
}

bool addr_parse(const char *text, size_t len, struct addr *out)
{
    struct addr a = { 0 };

    if (parse_v4(text, len, a.b)) {
        a.len = 4;
    } else {
        if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
            text++;
            len -= 2;
        }
        memset(a.b, 0, sizeof(a.b));
        if (!parse_v6(text, len, a.b))
            return false;
        a.len = 16;
    }
    *out = a;
    return true;
}

static unsigned group(const struct addr *a, size_t i)
{
    return (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1];
}

/* RFC 5952 4.2: the first of the longest runs of zero groups, two or more. */
static size_t zero_run(const struct addr *a, size_t *length)
{
    size_t best = 8, i, n;

    *length = 1;
    for (i = 0; i < 8; i += n + 1) {
        for (n = 0; i + n < 8 && group(a, i + n) == 0; n++)
            ;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

struct addr_text addr_text(const struct addr *a)
{
    size_t run, length, i, at = 0;
    struct addr_text t;

    if (a->len != 16) {
        snprintf(t.s, sizeof(t.s), "%u.%u.%u.%u", a->b[0], a->b[1], a->b[2],
                 a->b[3]);
        return t;
    }
    run = zero_run(a, &length);
    for (i = 0; i < 8; i++) {
        if (i == run) {
            at += (size_t)snprintf(t.s + at, sizeof(t.s) - at, "::");
            i += length - 1;
            continue;
        }
        at += (size_t)snprintf(t.s + at, sizeof(t.s) - at, "%s%x",
                               i == 0 || i == run + length ? "" : ":",
                               group(a, i));
    }
    return t;
}

bool addr_is_host(const struct addr *a)
{
    static const uint8_t zero[12];

    if (a->len == 4)
        return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
    if (a->len != 16 || a->b[0] == 0xff ||
        (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80))
        return false;
    /* ::, ::1, IPv4-compatible and IPv4-mapped ones */
    return memcmp(a->b, zero, 10) != 0 ||
           !((a->b[10] == 0 && a->b[11] == 0) ||
             (a->b[10] == 0xff && a->b[11] == 0xff));
}
