/*
 * wire4.h - IPv4 frames for the tests over wire.h, from PEER to OURS.
 */
#ifndef UNIT_WIRE4_H
#define UNIT_WIRE4_H

#include "wire.h"

/* Right checksums, as far as the frame's own lengths make sense. */
static inline void fix(uint8_t *f, size_t len)
{
    uint8_t *ip = f + 14, *body = ip + 20;
    size_t total, at;
    uint32_t s;

    if (len < 34 || get16(f + 12) != 0x0800 || ip[0] != 0x45)
        return;
    put16(ip + 10, 0);
    put16(ip + 10, 0xffff ^ sum(ip, 20, 0));
    total = get16(ip + 2);
    if (total < 20 || total > len - 14)
        return;
    at = ip[9] == 6 ? 16 : ip[9] == 17 ? 6 : ip[9] == 1 ? 2 : SIZE_MAX;
    if (at == SIZE_MAX || at + 2 > total - 20)
        return;
    put16(body + at, 0);
    s = ip[9] == 1 ? 0 : sum(ip + 12, 8, ip[9] + (uint32_t)(total - 20));
    put16(body + at, 0xffff ^ sum(body, total - 20, s));
}

/* Ethernet and IP heads; returns the frame's length. */
static inline size_t ip_frame(uint8_t *f, uint8_t protocol, size_t body)
{
    static const uint8_t peer_mac[6] = { 0x28, 0, 0, 0x22, 0x2b, 0x38 };

    memset(f, 0, 34);
    memcpy(f, mac, 6);
    memcpy(f + 6, peer_mac, 6);
    put16(f + 12, 0x0800);
    f[14] = 0x45;
    put16(f + 16, (unsigned)(20 + body));
    f[22] = 64;
    f[23] = protocol;
    put32(f + 26, PEER);
    put32(f + 30, OURS);
    return 34 + body;
}

static inline size_t udp_frame(uint8_t *f, unsigned from, unsigned to,
                               const void *data, size_t n)
{
    size_t len = ip_frame(f, 17, 8 + n);

    put16(f + 34, from);
    put16(f + 36, to);
    put16(f + 38, (unsigned)(8 + n));
    put16(f + 40, 0);
    memcpy(f + 42, data, n);
    fix(f, len);
    return len;
}

static inline size_t arp_frame(uint8_t *f)
{
    static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

    ip_frame(f, 0, 0);
    memset(f, 0xff, 6);
    put16(f + 12, 0x0806);
    memcpy(f + 14, head, sizeof(head));
    memcpy(f + 22, f + 6, 6);
    put32(f + 28, PEER);
    memset(f + 32, 0, 6);
    put32(f + 38, OURS);
    return 42;
}

/* Somebody on the link asks for us, so that it is known from here on. */
static inline void known(uint32_t who)
{
    uint8_t f[60] = { 0 };
    size_t len = arp_frame(f);

    put32(f + 28, who);
    give(f, len);
}

/* The frame just sent is an ARP request for whom, to all. */
static inline bool is_arp_for(uint32_t whom)
{
    const uint8_t *f = dev.tx;

    return f[0] == 0xff && get16(f + 12) == 0x0806 && get16(f + 20) == 1 &&
           get16(f + 38) == whom >> 16 && get16(f + 40) == (whom & 0xffff);
}

/* A wrong MAC, as a damaged ARP reply leaves it. */
static inline void moved(uint32_t who, uint8_t last)
{
    uint8_t f[60] = { 0 };
    size_t len = arp_frame(f);

    put32(f + 28, who);
    f[11] = f[27] = last;
    give(f, len);
}

#endif
