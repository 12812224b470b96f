/*
 * describe.c - a frame in a line, for the timeline.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define QUAD(p) (p)[0], (p)[1], (p)[2], (p)[3]

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void describe_tcp(const uint8_t *p, size_t len, char *to, size_t size)
{
    static const char letters[] = "FSRPAU";
    char flags[8];
    unsigned n = 0;
    size_t head = (size_t)(p[12] >> 4) * 4;

    for (unsigned i = 0; i < 6; i++)
        if ((p[13] >> i & 1) != 0)
            flags[n++] = letters[i];
    flags[n] = '\0';
    snprintf(to, size, "TCP %u>%u %s seq %u ack %u win %u, %zu bytes", be16(p),
             be16(p + 2), flags, be32(p + 4), be32(p + 8), be16(p + 14),
             len > head ? len - head : 0);
}

/* Option 53 */
static const char *dhcp_type(const uint8_t *p, size_t len)
{
    static const char *const names[] = { "?",       "DISCOVER", "OFFER",
                                         "REQUEST", "DECLINE",  "ACK",
                                         "NAK",     "RELEASE",  "INFORM" };

    for (size_t at = 240; at + 2 < len && p[at] != 255;) {
        if (p[at] == 53)
            return names[p[at + 2] <= 8 ? p[at + 2] : 0];
        at += p[at] == 0 ? 1 : 2u + p[at + 1];
    }
    return names[0];
}

/* The type that the question is about (RFC 1035, 4.1.2) */
static const char *dns_type(const uint8_t *p, size_t len)
{
    size_t at = 12;
    unsigned type;

    while (at < len && p[at] != 0)
        at += 1u + p[at];
    type = at + 2 < len ? be16(p + at + 1) : 0;
    return type == 1 ? "A" : type == 28 ? "AAAA" : "something";
}

static void describe_udp(const uint8_t *p, size_t len, char *to, size_t size)
{
    unsigned from = be16(p), port = be16(p + 2);

    if (from == 68 || port == 68)
        snprintf(to, size, "DHCP %s", dhcp_type(p + 8, len - 8));
    else if (from == 53 || port == 53)
        snprintf(to, size, "DNS %s for %s, %zu bytes",
                 port == 53 ? "query" : "answer", dns_type(p + 8, len - 8),
                 len - 8);
    else
        snprintf(to, size, "UDP %u>%u, %zu bytes", from, port, len - 8);
}

/* ------------------------------------------------ IPv6 */

struct out {
    char *to;
    size_t size, len;
};

static void add(struct out *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct out *o, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->to + o->len, o->size - o->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->len += (size_t)n;
    if (o->len >= o->size)
        o->len = o->size - 1;
}

static void add_address(struct out *o, const uint8_t *p)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(AF_INET6, p, text, sizeof text);
    add(o, "%s", text);
}

static void add_mac(struct out *o, const uint8_t *p)
{
    add(o, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
}

static void add_seconds(struct out *o, uint32_t s)
{
    if (s == UINT32_MAX)
        add(o, " for ever");
    else
        add(o, " for %u s", s);
}

static void add_option(struct out *o, const uint8_t *p, size_t len)
{
    if ((p[0] == 1 || p[0] == 2) && len >= 8) {
        add(o, ", at ");
        add_mac(o, p + 2);
    } else if (p[0] == 3 && len >= 32) {
        add(o, ", prefix ");
        add_address(o, p + 16);
        add(o, "/%u%s%s", p[2], (p[3] & 0x80) != 0 ? "" : " not on this link",
            (p[3] & 0x40) != 0 ? "" : " not for addresses");
        add_seconds(o, be32(p + 4));
        if (be32(p + 8) != be32(p + 4) / 2)
            add(o, " (preferred %u)", be32(p + 8));
    } else if (p[0] == 5 && len >= 8) {
        add(o, ", MTU %u", be32(p + 4));
    } else if (p[0] == 25 && len >= 24) {
        add(o, ", name server ");
        add_address(o, p + 8);
        add_seconds(o, be32(p + 4));
    } else {
        add(o, ", option %u", p[0]);
    }
}

static void add_options(struct out *o, const uint8_t *p, size_t len)
{
    while (len >= 2) {
        size_t n = p[1] * 8u;

        if (n == 0 || n > len) {
            add(o, ", option %u of a wrong length", p[0]);
            return;
        }
        add_option(o, p, n);
        p += n;
        len -= n;
    }
}

/* What it is about: the packet in it. */
static void add_about(struct out *o, const uint8_t *p, size_t len)
{
    if (len < 60)
        return;
    add(o, ", about what went to ");
    add_address(o, p + 24);
    if (p[6] == 6)
        add(o, " TCP %u>%u seq %u", be16(p + 40), be16(p + 42), be32(p + 44));
}

static void describe_nd(struct out *o, const uint8_t *p, size_t len)
{
    if (p[0] == 134 && len >= 16) {
        add(o, "router advertisement: router");
        add_seconds(o, be16(p + 6));
        add_options(o, p + 16, len - 16);
    } else if (p[0] == 133) {
        add(o, "router solicitation");
        add_options(o, p + 8, len - 8);
    } else if (p[0] >= 135 && p[0] <= 137 && len >= 24) {
        add(o, "%s ",
            p[0] == 135   ? "neighbour solicitation: who has"
            : p[0] == 136 ? "neighbour advertisement: here is"
                          : "redirect: go by");
        add_address(o, p + 8);
        if (p[0] == 137 && len >= 40)
            add_options(o, p + 40, len - 40);
        else if (p[0] != 137)
            add_options(o, p + 24, len - 24);
    } else {
        add(o, "ICMPv6 type %u, cut short", p[0]);
    }
}

static void describe_icmp6(struct out *o, const uint8_t *p, size_t len)
{
    if (p[0] >= 133 && p[0] <= 137)
        describe_nd(o, p, len);
    else if (p[0] == 1)
        add(o, "destination unreachable, code %u", p[1]);
    else if (p[0] == 2)
        add(o, "packet too big, MTU %u", be32(p + 4));
    else if (p[0] == 128 || p[0] == 129)
        add(o, "echo %s", p[0] == 128 ? "request" : "reply");
    else
        add(o, "ICMPv6 type %u", p[0]);
    if (p[0] == 1 || p[0] == 2)
        add_about(o, p + 8, len - 8);
}

static void describe_ip6(const uint8_t *p, size_t len, char *to, size_t size)
{
    struct out o = { to, size, 0 };
    size_t n = be16(p + 4);

    if (n < 8 || n > len - 40) {
        add(&o, "IPv6 of a wrong length");
        return;
    }
    add_address(&o, p + 8);
    add(&o, " > ");
    add_address(&o, p + 24);
    add(&o, " ");
    if (p[6] == 6 && n >= 20)
        describe_tcp(p + 40, n, to + o.len, size - o.len);
    else if (p[6] == 17)
        describe_udp(p + 40, n, to + o.len, size - o.len);
    else if (p[6] == 58)
        describe_icmp6(&o, p + 40, n);
    else if (p[6] == 0 && n >= 16 && p[40] == 58 && p[48] == 131)
        add(&o, "multicast listener report");
    else
        add(&o, "protocol %u", p[6]);
}

/* ------------------------------------------------ IPv4 */

static void describe_ip(const uint8_t *p, size_t len, char *to, size_t size)
{
    size_t total = be16(p + 2), n;

    if (total < 28 || total > len) {
        snprintf(to, size, "IPv4 of a wrong length");
        return;
    }
    n = (size_t)snprintf(to, size, "%u.%u.%u.%u > %u.%u.%u.%u ", QUAD(p + 12),
                         QUAD(p + 16));
    if (p[9] == 6 && total >= 40)
        describe_tcp(p + 20, total - 20, to + n, size - n);
    else if (p[9] == 17)
        describe_udp(p + 20, total - 20, to + n, size - n);
    else
        snprintf(to + n, size - n, "protocol %u", p[9]);
}

void cable_describe(const uint8_t *p, size_t len, char *to, size_t size)
{
    if (len >= 42 && be16(p + 12) == 0x806)
        snprintf(to, size, "ARP %s %u.%u.%u.%u, from %u.%u.%u.%u",
                 p[21] == 1 ? "who has" : "reply to", QUAD(p + 38),
                 QUAD(p + 28));
    else if (len >= 42 && be16(p + 12) == 0x800 && p[14] == 0x45)
        describe_ip(p + 14, len - 14, to, size);
    else if (len >= 62 && be16(p + 12) == 0x86dd && p[14] >> 4 == 6)
        describe_ip6(p + 14, len - 14, to, size);
    else
        snprintf(to, size, "frame of %zu bytes", len);
}
