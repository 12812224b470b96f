/*
 * names.c - the DHCP server (RFC 2131) and the name server (RFC 1035, 3596),
 * and the lies they tell.
 */
#include <string.h>

#include "sim.h"
#include "wire6.h"

#define DHCP_HEAD 240
#define LEASE_S   86400u
#define A         1
#define AAAA      28

enum { DISCOVER = 1, OFFER, REQUEST, ACK = 5, NAK };

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t option(uint8_t *to, size_t at, uint8_t code, uint32_t v)
{
    to[at] = code;
    to[at + 1] = 4;
    put32(to + at + 2, v);
    return at + 6;
}

static unsigned dhcp_type(const uint8_t *p, size_t len)
{
    for (size_t at = DHCP_HEAD; at + 2 < len && p[at] != 255;) {
        if (p[at] == 53)
            return p[at + 2];
        at += p[at] == 0 ? 1 : 2u + p[at + 1];
    }
    return 0;
}

/* What an answer says. */
struct lease {
    unsigned type;
    uint32_t address, gateway, dns, mask, seconds;
    size_t cut; /* bytes left out at the end */
    bool xid, junk;
};

static void lie(struct lease *l, unsigned how)
{
    switch (how % 10) {
    case 0:
        l->type = l->type == ACK ? NAK : l->type;
        break;
    case 1:
        l->xid = true;
        break;
    case 2:
        l->address = 0xc0a80709;
        break;
    case 3:
        l->gateway = 0;
        break;
    case 4:
        l->dns = 0;
        break;
    case 5:
        l->address = 0;
        break;
    case 6:
        l->seconds = 1;
        break;
    case 7:
        l->cut = 20;
        break;
    case 8:
        l->junk = true;
        break;
    case 9:
        l->dns = SIM_GATEWAY + 90;
        break;
    }
}

static void dhcp_answer(const uint8_t *q, const struct lease *l)
{
    static const struct peer_addr broadcast = { 4, { 255, 255, 255, 255 } };
    uint8_t a[DHCP_HEAD + 60] = { 2, 1, 6, 0 };
    size_t at = DHCP_HEAD;

    memcpy(a + 4, q + 4, 4);
    a[4] ^= l->xid;
    put32(a + 16, l->address);
    memcpy(a + 28, q + 28, 16);
    put32(a + 236, 0x63825363);
    a[at] = 53;
    a[at + 1] = 1;
    a[at + 2] = (uint8_t)l->type;
    at = option(a, at + 3, 54, SIM_GATEWAY);
    at = option(a, at, 51, l->seconds);
    at = option(a, at, 1, l->mask);
    if (l->gateway != 0)
        at = option(a, at, 3, l->gateway);
    if (l->dns != 0)
        at = option(a, at, 6, l->dns);
    if (l->junk)
        a[at - 5] = 250;
    a[at++] = 255;
    peer_udp_send(67, &broadcast, 68, a, at - l->cut);
}

static void dhcp_heard(const struct peer_addr *from, uint16_t port,
                       const uint8_t *p, size_t len)
{
    const struct event *wrong, *move = world_event(F_MOVE);
    unsigned type = len > DHCP_HEAD ? dhcp_type(p, len) : 0;
    bool renews = (p[12] | p[13] | p[14] | p[15]) != 0;
    struct lease l = { .type = type == DISCOVER ? OFFER : ACK,
                       .address = SIM_CLIENT,
                       .gateway = SIM_GATEWAY,
                       .dns = SIM_GATEWAY,
                       .mask = 0xffffff00,
                       .seconds = LEASE_S };

    (void)from;
    (void)port;
    if ((type != DISCOVER && type != REQUEST) || world.plan->family == V6 ||
        world_event(F_NODHCP) != NULL)
        return;
    if (move != NULL)
        l.seconds = 60 + move->arg % 60;
    if (move != NULL && renews) {
        l.address = SIM_CLIENT + 1 + move->arg % 3;
        if (move->arg % 4 == 0)
            l.type = NAK;
    }
    wrong = world_event(F_LIEDHCP);
    if (wrong != NULL)
        lie(&l, wrong->arg);
    dhcp_answer(p, &l);
}

/* ------------------------------------------------ DNS */

/* The server's address; wrong in the way that how says: nobody's, none,
 * ourselves, all, or of the other family's kind. */
static void put_address(uint8_t *to, unsigned type, unsigned how)
{
    static const uint32_t wrong4[] = { SIM_GATEWAY + 75, 0, 0x7f000001,
                                       0x0a0002ff, 0xe0000001 };
    static const uint8_t wrong6[][16] = {
        DB8(1, 0x4b),
        { 0 },
        { [15] = 1 },
        { 0xff, 2, [15] = 1 },
        { [10] = 0xff, 0xff, 10, 0, 2, 2 },
    };

    if (type == A)
        put32(to, how < 5              ? wrong4[how]
                  : world.plan->behind ? SIM_BEHIND
                                       : SIM_GATEWAY);
    else
        memcpy(to,
               how < 5              ? wrong6[how]
               : world.plan->behind ? sim_behind6
                                    : sim_near6[0],
               16);
}

/* The answer to q, wrong in the way that how says; 0xff: right. */
static size_t dns_answer(uint8_t *a, size_t len, unsigned how)
{
    unsigned type = (unsigned)a[len - 4] << 8 | a[len - 3];
    uint8_t bytes = type == A ? 4 : 16;
    size_t at = len;

    a[2] = 0x81;
    a[3] = (uint8_t)(how == 0 ? 0x83 : how == 1 ? 0x82 : 0x80);
    a[0] ^= how == 2;
    a[13] ^= how == 3 ? 0x20 : 0; /* another name, but for its case */
    a[14] ^= how == 4;
    if (how == 5 || how <= 1 ||
        (type == A      ? world.plan->records & HAS_A
         : type == AAAA ? world.plan->records & HAS_AAAA
                        : 0) == 0)
        return at; /* no answer in it */
    a[7] = 1;
    a[at] = 0xc0;
    a[at + 1] = how == 6 ? (uint8_t)len : 12;
    memcpy(a + at + 2, "\0\1\0\1\0\0\0\x3c\0", 10);
    a[at + 3] = (uint8_t)type;
    a[at + 11] = bytes;
    put_address(a + at + 12, type, how >= 7 ? how - 7 : 0xff);
    return at + (how == 12 ? 13 : 12u + bytes);
}

static void dns_heard(const struct peer_addr *from, uint16_t port,
                      const uint8_t *p, size_t len)
{
    uint8_t a[600];
    const struct event *wrong;

    if (len < 17 || len > 512 || world_event(F_NODNS) != NULL)
        return;
    memcpy(a, p, len);
    wrong = world_event(F_LIEDNS);
    len = dns_answer(a, len, wrong != NULL ? wrong->arg % 13 : 0xff);
    peer_udp_send(53, from, port, a, len);
}

void names_start(void)
{
    peer_udp_serve(67, dhcp_heard);
    peer_udp_serve(53, dns_heard);
}
