/*
 * dnsmsg.c - RFC 1035, 3596: one question built, its answers read.
 *
 * lwIP's own resolver tells its caller NULL for "no such name", "the server
 * failed" and "nobody answered" alike; a mail client's verdict differs (68
 * for good, 68 for now, 74), so the messages are read here.
 *
 * Replies are hostile input: names are expanded into a buffer of RFC 1035's
 * own size, compression pointers only go backwards (so they end), every
 * length is checked against the message. A truncated reply (TC) is used for
 * the address it holds, or counts as failed: there is no retry over TCP.
 */
#include "dnsmsg.h"

#include <string.h>

#define HEAD          12
#define NAME_MAX_WIRE 255 /* RFC 1035, section 2.3.4 */
#define LABEL_MAX     63
#define CNAMES_MAX    8

enum { TYPE_CNAME = 5, CLASS_IN = 1 };
enum { RCODE_OK = 0, RCODE_NXDOMAIN = 3 };

struct name {
    size_t len;
    uint8_t wire[NAME_MAX_WIRE]; /* labels with lengths, lower case */
};

struct record {
    struct name owner;
    unsigned type, class;
    size_t data, data_len;
};

static unsigned u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool host_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* The name in wire form, with the root's zero; 0: not a host name. */
static size_t put_name(uint8_t out[NAME_MAX_WIRE], const char *name, size_t len)
{
    size_t at = 0, label = 0, i;

    if (len != 0 && name[len - 1] == '.')
        len--;
    if (len == 0 || len > NAME_MAX_WIRE - 2)
        return 0;
    for (i = 0; i <= len; i++) {
        if (i < len && name[i] != '.') {
            if (!host_byte(name[i]) || label == LABEL_MAX)
                return 0;
            out[at + 1 + label++] = (uint8_t)name[i];
            continue;
        }
        if (label == 0)
            return 0;
        out[at] = (uint8_t)label;
        at += 1 + label;
        label = 0;
    }
    out[at++] = 0;
    return at;
}

size_t dnsmsg_query(uint8_t out[DNSMSG_QUERY_MAX], uint16_t id,
                    enum dnsmsg_kind kind, const char *name, size_t len)
{
    const uint8_t tail[4] = { 0, (uint8_t)kind, 0, CLASS_IN };
    size_t n = put_name(out + HEAD, name, len);

    if (n == 0)
        return 0;
    memset(out, 0, HEAD);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    out[2] = 1; /* recursion desired */
    out[5] = 1; /* one question */
    memcpy(out + HEAD + n, tail, sizeof(tail));
    return HEAD + n + sizeof(tail);
}

/* Reads the name at *at and moves *at behind it. */
static bool get_name(const uint8_t *p, size_t len, size_t *at, struct name *out)
{
    size_t pos = *at, floor = *at;
    bool jumped = false;

    out->len = 0;
    while (pos < len) {
        uint8_t n = p[pos];
        size_t i;

        if (n >= 0xc0) { /* section 4.1.4: a pointer to an earlier name */
            if (len - pos < 2)
                return false;
            if (!jumped)
                *at = pos + 2;
            jumped = true;
            pos = u16(p + pos) & 0x3fff;
            if (pos >= floor)
                return false;
            floor = pos;
            continue;
        }
        if (n > LABEL_MAX || len - pos < 1u + n ||
            out->len + 1 + n > NAME_MAX_WIRE)
            return false;
        for (i = 0; i <= n; i++)
            out->wire[out->len++] = i == 0 ? n : lower(p[pos + i]);
        pos += 1u + n;
        if (n == 0) {
            if (!jumped)
                *at = pos;
            return true;
        }
    }
    return false;
}

static bool same(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

static bool get_record(const uint8_t *p, size_t len, size_t *at,
                       struct record *r)
{
    if (!get_name(p, len, at, &r->owner) || len - *at < 10)
        return false;
    r->type = u16(p + *at);
    r->class = u16(p + *at + 2);
    r->data_len = u16(p + *at + 8);
    r->data = *at + 10;
    if (r->data_len > len - r->data)
        return false;
    *at = r->data + r->data_len;
    return true;
}

/* One walk over the answers: takes *name's address, or its CNAME's target
 * into *name. */
enum step { STEP_BAD, STEP_ADDRESS, STEP_CNAME, STEP_NOTHING };

static enum step walk(const uint8_t *p, size_t len, size_t at, unsigned kind,
                      struct name *name, struct addr *address)
{
    uint8_t size = kind == DNSMSG_AAAA ? 16 : 4;
    unsigned left = u16(p + 6);
    struct record r;

    while (left-- != 0) {
        if (!get_record(p, len, &at, &r))
            return STEP_BAD;
        if (r.class != CLASS_IN || !same(&r.owner, name))
            continue;
        if (r.type == kind && r.data_len == size) {
            address->len = size;
            memcpy(address->b, p + r.data, size);
            return STEP_ADDRESS;
        }
        if (r.type == TYPE_CNAME)
            return get_name(p, r.data + r.data_len, &r.data, name) ? STEP_CNAME
                                                                   : STEP_BAD;
    }
    return STEP_NOTHING;
}

enum dnsmsg_verdict dnsmsg_reply(const uint8_t *query, size_t query_len,
                                 const uint8_t *p, size_t len,
                                 struct addr *address)
{
    struct name asked, name;
    size_t q = HEAD, at = HEAD;
    unsigned rcode, i;
    enum step step = STEP_CNAME;

    /* a response (QR), opcode 0, to our id and our question */
    if (len < HEAD || memcmp(p, query, 2) != 0 || (p[2] & 0xf8) != 0x80 ||
        u16(p + 4) != 1)
        return DNSMSG_IGNORE;
    if (!get_name(query, query_len, &q, &asked) ||
        !get_name(p, len, &at, &name) || !same(&asked, &name) || len - at < 4 ||
        memcmp(p + at, query + q, 4) != 0)
        return DNSMSG_IGNORE;
    at += 4;
    rcode = p[3] & 15;
    if (rcode == RCODE_NXDOMAIN)
        return DNSMSG_NONE;
    if (rcode != RCODE_OK)
        return DNSMSG_FAILED;
    for (i = 0; i <= CNAMES_MAX && step == STEP_CNAME; i++)
        step = walk(p, len, at, u16(query + q), &name, address);
    if (step == STEP_ADDRESS)
        return DNSMSG_ADDRESS;
    /* an unfinished or circular chain of aliases, or a truncated reply: the
     * server did not answer the question */
    if (step == STEP_CNAME || (p[2] & 2) != 0)
        return DNSMSG_FAILED;
    return step == STEP_NOTHING ? DNSMSG_NONE : DNSMSG_IGNORE;
}
