/*
 * cable.c - frames under way, and each one's fate.
 *
 * A fate depends on the seed, the direction and the frame's number alone:
 * leaving one fault out leaves the others where they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define FRAME_ROOM 1514
#define ETH_HDR    14
#define IP_HDR     20
#define IP6_HDR    40
#define IP6_LEAST  1280 /* RFC 8200, section 5 */

struct flying {
    struct flying *next;
    uint64_t at;
    uint8_t dir;
    size_t len;
    uint8_t bytes[FRAME_ROOM];
};

static struct flying *first;
static uint64_t
    last_at[2]; /* frames do not overtake each other by themselves */

uint64_t cable_next(void)
{
    return first != NULL ? first->at : UINT64_MAX;
}

/* Behind those that are due at the same time. */
static void launch(int dir, const uint8_t *frame, size_t len, uint64_t at)
{
    struct flying *f = malloc(sizeof *f), **p = &first;

    if (f == NULL)
        abort();
    f->at = at;
    f->dir = (uint8_t)dir;
    f->len = len;
    memcpy(f->bytes, frame, len);
    while (*p != NULL && (*p)->at <= at)
        p = &(*p)->next;
    f->next = *p;
    *p = f;
}

void cable_deliver(void)
{
    while (first != NULL && first->at <= world.now) {
        struct flying *f = first;

        first = f->next;
        if (!cable_link())
            say("   %s lost: no link", f->dir == UP ? "up" : "down");
        else if (f->dir == DOWN)
            card_receive(f->bytes, f->len);
        else if (!world_server_off() && !router_heard(f->bytes, f->len))
            peer_input(f->bytes, f->len);
        free(f);
    }
}

/* ------------------------------------------------ fates */

static uint64_t dice(enum fault_kind k, int dir, uint32_t n)
{
    return sim_hash(world.plan->seed, 100u + k, (uint64_t)dir, n);
}

static bool hit(enum fault_kind k, int dir, uint32_t n)
{
    return (dice(k, dir, n) % 10000 < world.plan->rate[k][dir] ||
            world_exact(k, dir, n) != NULL) &&
           world_fault(k, dir, n);
}

/* RFC 1071 */
static uint32_t sum(uint32_t s, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    return s;
}

static void put_sum(uint8_t *at, uint32_t s)
{
    while (s > 0xffff)
        s = (s & 0xffff) + (s >> 16);
    s = ~s & 0xffff;
    at[0] = (uint8_t)(s >> 8);
    at[1] = (uint8_t)s;
}

static bool is_ipv4(const uint8_t *f, size_t len)
{
    return len >= ETH_HDR + IP_HDR && f[12] == 8 && f[13] == 0 &&
           f[ETH_HDR] == 0x45;
}

static bool is_ipv6(const uint8_t *f, size_t len)
{
    return len >= ETH_HDR + IP6_HDR && f[12] == 0x86 && f[13] == 0xdd;
}

/* The checksum of TCP, UDP or ICMPv6 in IPv6 right again. */
static void repair6(uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETH_HDR, *l4 = ip + IP6_HDR;
    size_t n = (size_t)ip[4] << 8 | ip[5];
    size_t at = ip[6] == 6 ? 16 : ip[6] == 17 ? 6 : 2;

    if (n > len - ETH_HDR - IP6_HDR || n < at + 2)
        return;
    l4[at] = l4[at + 1] = 0;
    put_sum(l4 + at, sum(sum(ip[6] + (uint32_t)n, ip + 8, 32), l4, n));
}

/* Makes the checksums of IPv4, and of TCP or UDP in it, right again. */
static void repair(uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETH_HDR, *l4 = ip + IP_HDR;
    size_t total = (size_t)ip[2] << 8 | ip[3], n;
    uint32_t s;

    ip[10] = ip[11] = 0;
    put_sum(ip + 10, sum(0, ip, IP_HDR));
    if (total > len - ETH_HDR || total < IP_HDR + 8 ||
        (ip[9] != 6 && ip[9] != 17))
        return;
    n = total - IP_HDR;
    if (ip[9] == 6 && n < 20)
        return;
    s = sum(ip[9] + (uint32_t)n, ip + 12, 8);
    l4[ip[9] == 6 ? 16 : 6] = l4[ip[9] == 6 ? 17 : 7] = 0;
    put_sum(l4 + (ip[9] == 6 ? 16 : 6), sum(s, l4, n));
}

/* One bit; a forged frame keeps its Ethernet header and gets its sums. */
static void flip(enum fault_kind k, int dir, uint32_t n, uint8_t *frame,
                 size_t len)
{
    const struct fault *exact = world_exact(k, dir, n);
    bool forge4 = k == F_FORGE && is_ipv4(frame, len);
    bool forge6 =
        k == F_FORGE && is_ipv6(frame, len) && len > ETH_HDR + IP6_HDR;
    size_t from = forge4   ? (ETH_HDR + IP_HDR) * 8
                  : forge6 ? (ETH_HDR + IP6_HDR) * 8
                           : 0;
    size_t bit = from + (exact != NULL && exact->value != 0
                             ? exact->value
                             : (size_t)(dice(k, dir, n) >> 20)) %
                            (len * 8 - from);

    frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (forge4)
        repair(frame, len);
    if (forge6)
        repair6(frame, len);
}

static uint64_t flight(int dir, uint32_t n)
{
    const struct plan *p = world.plan;
    uint64_t us = p->delay_us;

    if (p->jitter_us != 0)
        us += sim_hash(p->seed, 'j', (uint64_t)dir, n) % p->jitter_us;
    return us * 1000;
}

/* The frame leaves; when does it arrive, and how often? */
static void fly(int dir, uint32_t n, const uint8_t *frame, size_t len)
{
    uint64_t at = world.now + flight(dir, n);
    bool late = hit(F_LATE, dir, n), swap = hit(F_SWAP, dir, n);

    if (late)
        at += 1000ull * MS + dice(F_LATE, dir, n) % (8000ull * MS);
    else if (swap)
        at += 1ull * MS + dice(F_SWAP, dir, n) % (200ull * MS);
    else if (at < last_at[dir])
        at = last_at[dir];
    if (!late && !swap)
        last_at[dir] = at;
    launch(dir, frame, len, at);
    if (hit(F_DUP, dir, n))
        launch(dir, frame, len, at + dice(F_DUP, dir, n) % (50ull * MS));
}

static void note(int dir, uint32_t n, const uint8_t *frame, size_t len)
{
    char what[400];
    struct result *r = world.result;
    uint64_t h = sim_hash(r->hash, world.now, len, (uint64_t)dir);

    for (size_t i = 0; i < len; i++)
        h = (h ^ frame[i]) * 0x100000001b3u;
    r->hash = h;
    if (!world.verbose)
        return;
    cable_describe(frame, len, what, sizeof what);
    say("%s #%u  %s", dir == UP ? "-->" : "<--", n, what);
}

/* What the oracle has to know of a frame. */
static void look(int dir, const uint8_t *f, size_t len)
{
    bool v6 = is_ipv6(f, len);
    const uint8_t *ip = f + ETH_HDR, *tcp = ip + (v6 ? IP6_HDR : IP_HDR);

    if (!v6 && !is_ipv4(f, len))
        return;
    if (dir == UP && v6 && len > ETH_HDR + IP6_LEAST)
        world.result->too_long = true;
    if (dir == DOWN && (v6 ? ip[6] : ip[9]) == 6 &&
        len >= (size_t)(tcp - f) + 20 && (tcp[13] & 0x12) == 0x12)
        world.result->opened[v6]++;
}

void cable_send(int dir, const uint8_t *frame, size_t len)
{
    uint8_t copy[FRAME_ROOM];
    uint32_t n = world.result->frames[dir]++;
    size_t most = world.plan->path_mtu;

    note(dir, n, frame, len);
    look(dir, frame, len);
    if (!cable_link() || hit(F_LOSS, dir, n))
        return;
    if (most != 0 && len > most + ETH_HDR && world_fault(F_BIG, dir, n))
        return;
    memcpy(copy, frame, len);
    if (hit(F_TRUNC, dir, n))
        len = (size_t)(dice(F_TRUNC, dir, n) >> 20) % len;
    if (len != 0 && hit(F_FLIP, dir, n))
        flip(F_FLIP, dir, n, copy, len);
    if (len != 0 && hit(F_FORGE, dir, n))
        flip(F_FORGE, dir, n, copy, len);
    fly(dir, n, copy, len);
}

void sim_from_peer(const uint8_t *frame, size_t len)
{
    cable_send(DOWN, frame, len);
}
