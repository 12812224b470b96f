/*
 * wire6.h - an ICMPv6 message in its IPv6 packet and Ethernet frame, as
 * router.c puts one together.
 */
#ifndef SIM_WIRE6_H
#define SIM_WIRE6_H

#include <stdint.h>
#include <string.h>

#define WIRE_ETH  14
#define WIRE_ICMP (WIRE_ETH + 40)
#define WIRE_ROOM 1514

/* 2001:db8:net::host (RFC 3849) */
#define DB8(net, host)                            \
    {                                             \
        0x20, 1, 0xd, 0xb8, 0, net, [15] = (host) \
    }

struct wire {
    uint8_t b[WIRE_ROOM];
    size_t len;
};

static inline void wire_put(struct wire *w, const void *p, size_t n)
{
    memcpy(w->b + w->len, p, n);
    w->len += n;
}

static inline void wire_put32(struct wire *w, uint32_t v)
{
    uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                     (uint8_t)v };

    wire_put(w, b, 4);
}

/* to_mac NULL: to the group that to is (RFC 2464, section 7). */
static inline void wire_icmp(struct wire *w, const uint8_t from_mac[6],
                             const uint8_t *to_mac, const uint8_t from[16],
                             const uint8_t to[16], uint8_t type, uint8_t code)
{
    w->len = 0;
    if (to_mac != NULL) {
        wire_put(w, to_mac, 6);
    } else {
        wire_put(w, "\x33\x33", 2);
        wire_put(w, to + 12, 4);
    }
    wire_put(w, from_mac, 6);
    wire_put(w, "\x86\xdd\x60\0\0\0\0\0\x3a", 10);
    wire_put(w, from, 16);
    wire_put(w, to, 16);
    wire_put(w, (const uint8_t[4]){ type, code }, 4);
}

/* Length, hop limit, checksum. */
static inline void wire_close(struct wire *w, uint8_t hops)
{
    size_t n = w->len - WIRE_ICMP, i;
    uint32_t s = 58 + (uint32_t)n;

    w->b[WIRE_ETH + 4] = (uint8_t)(n >> 8);
    w->b[WIRE_ETH + 5] = (uint8_t)n;
    w->b[WIRE_ETH + 7] = hops;
    w->b[WIRE_ICMP + 2] = w->b[WIRE_ICMP + 3] = 0;
    for (i = WIRE_ETH + 8; i < w->len; i++)
        s += i % 2 == 0 ? (uint32_t)w->b[i] << 8 : w->b[i];
    while (s > 0xffff)
        s = (s & 0xffff) + (s >> 16);
    s = ~s & 0xffff;
    w->b[WIRE_ICMP + 2] = (uint8_t)(s >> 8);
    w->b[WIRE_ICMP + 3] = (uint8_t)s;
}

#endif
