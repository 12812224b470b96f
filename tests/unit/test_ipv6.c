/* sources: net/netif.c net/frame.c net/stack.c net/stack6.c net/tcp.c
 * net/resolver.c net/dnsmsg.c net/addr.c
 * kernel/heap.c kernel/log.c kernel/panic.c */
/* includes: net kernel board */
/* libs: lwip */
/*
 * test_ipv6.c - IPv6 frames, good, bad and random, through netif.c into lwIP:
 * a router's answer makes an address, neighbours are answered, and what is
 * malformed is dropped before lwIP reads it (RFC 8200, 4443, 4861, 4862).
 */
#include "child.h"
#include "wire.h"

#define ETH  14
#define IP6  40
#define ICMP (ETH + IP6)

static const uint8_t router[16] = { 0xfe, 0x80, [15] = 1 };
static const uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8 };
/* what RFC 4291, appendix A, makes of the prefix and the card's address */
static const uint8_t ours[16] = {
    0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,
    0x02, 0x23, 0xc1, 0xff, 0xfe, 0xde, 0xd0, 0x0d
};
static const uint8_t peer[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x99 };
static const uint8_t link_local[16] = { 0xfe, 0x80, 0,    0,    0,    0,
                                        0,    0,    0x02, 0x23, 0xc1, 0xff,
                                        0xfe, 0xde, 0xd0, 0x0d };
static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };

/* A right checksum, as far as the frame's own lengths make sense. */
static void fix6(uint8_t *f, size_t len)
{
    static const uint8_t place[] = { [6] = 16, [17] = 6, [58] = 2 };
    uint8_t *ip = f + ETH, next = ip[6];
    size_t n = get16(ip + 4), at;
    uint32_t s;

    if (len < ICMP || n > len - ICMP || next >= sizeof(place))
        return;
    at = place[next];
    if (at == 0 || at + 2 > n)
        return;
    put16(f + ICMP + at, 0);
    s = sum(ip + 8, 32, (uint32_t)n + next);
    put16(f + ICMP + at, 0xffff ^ sum(f + ICMP, n, s));
}

static size_t ip6_frame(uint8_t *f, uint8_t next, size_t n,
                        const uint8_t from[16], const uint8_t to[16])
{
    static const uint8_t their_mac[6] = { 0x28, 0, 0, 0x22, 0x2b, 0x38 };

    memset(f, 0, ICMP + n);
    memcpy(f, mac, 6);
    if (to[0] == 0xff) {
        put16(f, 0x3333);
        memcpy(f + 2, to + 12, 4);
    }
    memcpy(f + 6, their_mac, 6);
    put16(f + 12, 0x86dd);
    f[ETH] = 0x60;
    put16(f + ETH + 4, (unsigned)n);
    f[ETH + 6] = next;
    f[ETH + 7] = 255;
    memcpy(f + ETH + 8, from, 16);
    memcpy(f + ETH + 24, to, 16);
    return ICMP + n;
}

/* A router advertisement with its address, MTU, prefix and name server. */
static size_t ra_frame(uint8_t *f)
{
    size_t len = ip6_frame(f, 58, 16 + 8 + 8 + 32 + 24, router, all_nodes);
    uint8_t *p = f + ICMP;

    p[0] = 134;
    p[4] = 64;
    put16(p + 6, 1800);
    p += 16;
    p[0] = 1; /* source link-layer address */
    p[1] = 1;
    memcpy(p + 2, f + 6, 6);
    p += 8;
    p[0] = 5;
    p[1] = 1;
    put32(p + 4, 1400);
    p += 8;
    p[0] = 3;
    p[1] = 4;
    p[2] = 64;
    p[3] = 0xc0; /* on-link, autonomous */
    put32(p + 4, 86400);
    put32(p + 8, 14400);
    memcpy(p + 16, prefix, 16);
    p += 32;
    p[0] = 25;
    p[1] = 3;
    put32(p + 4, 1800);
    memcpy(p + 8, peer, 16);
    fix6(f, len);
    return len;
}

/* A neighbour asks for, or tells, a link-layer address. */
static size_t nd_frame(uint8_t *f, uint8_t type, const uint8_t target[16])
{
    size_t len = ip6_frame(f, 58, 24 + 8, peer, ours);
    uint8_t *p = f + ICMP;

    p[0] = type;
    p[4] = type == 136 ? 0x60 : 0;
    memcpy(p + 8, target, 16);
    p[24] = type == 136 ? 2 : 1;
    p[25] = 1;
    memcpy(p + 26, f + 6, 6);
    fix6(f, len);
    return len;
}

static size_t echo_frame(uint8_t *f)
{
    size_t len = ip6_frame(f, 58, 16, peer, ours);

    f[ICMP] = 128;
    fix6(f, len);
    return len;
}

static size_t syn_frame(uint8_t *f)
{
    static const uint8_t mss[4] = { 2, 4, 5, 0xa0 };
    size_t len = ip6_frame(f, 6, 24, peer, ours);
    uint8_t *p = f + ICMP;

    put16(p, 1025);
    put16(p + 2, 80);
    put32(p + 4, 1000);
    p[12] = 0x60;
    p[13] = 2;
    put16(p + 14, 8000);
    memcpy(p + 20, mss, 4);
    fix6(f, len);
    return len;
}

static size_t udp6_frame(uint8_t *f)
{
    size_t len = ip6_frame(f, 17, 8 + 5, peer, ours);
    uint8_t *p = f + ICMP;

    put16(p, 53);
    put16(p + 2, 5353);
    put16(p + 4, 13);
    memcpy(p + 8, "hello", 5);
    fix6(f, len);
    return len;
}

/* type 1 or 2, about a TCP segment of ours */
static size_t error_frame(uint8_t *f, uint8_t type, const uint8_t seg[8])
{
    size_t len = ip6_frame(f, 58, 8 + IP6 + 8, router, ours);
    uint8_t *p = f + ICMP;

    p[0] = type;
    if (type == 2)
        put32(p + 4, 1300);
    p[8] = 0x60;
    put16(p + 12, 20);
    p[14] = 6;
    memcpy(p + 16, ours, 16);
    memcpy(p + 32, peer, 16);
    memcpy(p + 48, seg, 8);
    fix6(f, len);
    return len;
}

static bool dropped(const uint8_t *f, size_t len)
{
    const char *why = NULL;

    return frame_check(f, len, mac, &why) == 0 && why != NULL;
}

/* How often a router is asked for in so many ms. */
static unsigned solicitations(unsigned ms)
{
    unsigned n = 0, sent;

    for (; ms != 0; ms -= 100) {
        now += 100;
        sent = dev.sent;
        stack_poll(now);
        n += dev.sent != sent && get16(dev.tx + 12) == 0x86dd &&
             dev.tx[ETH + 6] == 58 && dev.tx[ICMP] == 133;
    }
    return n;
}

/* A router is asked for at once; its answer makes an address and a name server
 * without a wait; then neighbours and peers are answered. */
static void good(void)
{
    uint8_t f[1514];
    struct addr a;

    with_ipv6 = true;
    start();
    CHECK(dev.sent >= 1);
    a = stack_address(16);
    CHECK_EQ(a.len, 0);
    /* three questions are lost in one of twenty runs where 2 of 10 packets
     * are, both ways (RFC 7559); nobody is asked for ever */
    CHECK_EQ(solicitations(24000), 11);
    CHECK_EQ(solicitations(60000), 0);
    give(f, ra_frame(f));
    CHECK_EQ(solicitations(5000), 0);
    a = stack_address(16);
    CHECK_EQ(a.len, 16);
    CHECK_EQ(memcmp(a.b, ours, 16), 0);
    CHECK_EQ(give(f, nd_frame(f, 135, ours)), 1);
    CHECK_EQ(dev.tx[ICMP], 136);
    CHECK_EQ(memcmp(dev.tx + ETH + 24, peer, 16), 0);
    CHECK_EQ(give(f, nd_frame(f, 135, link_local)), 1);
    CHECK_EQ(give(f, nd_frame(f, 135, peer)), 0); /* not ours to answer */
    CHECK_EQ(give(f, echo_frame(f)), 1);
    CHECK_EQ(dev.tx[ICMP], 129);
    CHECK_EQ(give(f, syn_frame(f)), 1);
    CHECK_EQ(dev.tx[ICMP + 13], 0x12); /* SYN, ACK */
    CHECK_EQ(netif_rx_bytes(), 0);
}

/* ICMPv6 "unreachable" ends a SYN of ours, if it is about that one. */
static void unreachable(void)
{
    struct addr to = { .len = 16 };
    uint8_t f[1514], seg[8];
    struct tcp *t;

    give(f, nd_frame(f, 136, peer));
    memcpy(to.b, peer, 16);
    t = tcp_open(&to, 25);
    if (!CHECK(t != NULL))
        return;
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    CHECK_EQ(dev.tx[ICMP + 13], 2);
    memcpy(seg, dev.tx + ICMP, 8);
    seg[7] ^= 1;
    give(f, error_frame(f, 1, seg));
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    seg[7] ^= 1;
    /* "too big" is not heard: our segments always fit */
    CHECK(dropped(f, error_frame(f, 2, seg)));
    give(f, error_frame(f, 1, seg));
    CHECK_EQ(tcp_state(t), TCP_BROKEN);
    CHECK_EQ(tcp_error(t), TCP_NO_ROUTE);
    tcp_drop(t);
}

/* When a segment has to be sent again its neighbour is asked for again: lwIP
 * never forgets a router's MAC address, and asks only there whether it is
 * there. */
static void moved(void)
{
    static const uint8_t other_mac[6] = { 0x28, 0, 0, 0x22, 0x2b, 0x99 };
    struct addr to = { .len = 16 };
    uint8_t f[1514];
    unsigned asked = 0, ms;
    struct tcp *t;
    size_t len;

    give(f, nd_frame(f, 136, peer));
    memcpy(to.b, peer, 16);
    t = tcp_open(&to, 25);
    if (!CHECK(t != NULL))
        return;
    CHECK(memcmp(dev.tx, other_mac, 6) != 0);
    for (ms = 0; ms < 1500 && asked == 0; ms += 10) {
        now += 10;
        stack_poll(now);
        asked += dev.tx[ETH + 6] == 58 && dev.tx[ICMP] == 135;
    }
    CHECK_EQ(asked, 1);
    CHECK_EQ(get16(dev.tx), 0x3333); /* not where it was */
    CHECK_EQ(memcmp(dev.tx + ICMP + 8, peer, 16), 0);
    CHECK_EQ(memcmp(dev.tx + ICMP + 26, mac, 6), 0);
    memcpy(f, dev.tx, ICMP + 32);
    fix6(f, ICMP + 32);
    CHECK_EQ(memcmp(f, dev.tx, ICMP + 32), 0); /* its checksum is right */
    len = nd_frame(f, 136, peer);
    memcpy(f + ICMP + 26, other_mac, 6);
    fix6(f, len);
    give(f, len);
    CHECK_EQ(give(f, echo_frame(f)), 1);
    CHECK_EQ(dev.tx[ICMP], 129);
    CHECK_EQ(memcmp(dev.tx, other_mac, 6), 0);
    tcp_drop(t);
}

static size_t nth(unsigned kind, uint8_t *f)
{
    static const uint8_t seg[8] = { 0 };

    switch (kind) {
    case 0:
        return ra_frame(f);
    case 1:
        return nd_frame(f, 135, ours);
    case 2:
        return nd_frame(f, 136, peer);
    case 3:
        return echo_frame(f);
    case 4:
        return syn_frame(f);
    case 5:
        return udp6_frame(f);
    default:
        return error_frame(f, 1, seg);
    }
}

/* Each byte of a good frame with each of 256 values; each length. */
static void mutants(void)
{
    for (unsigned kind = 0; kind < 7; kind++) {
        uint8_t good_frame[1514], f[1514];
        size_t len = nth(kind, good_frame);

        CHECK(!dropped(good_frame, len));
        for (size_t n = 0; n < len; n++) {
            CHECK(dropped(good_frame, n));
            CHECK_EQ(give(good_frame, n), 0);
        }
        for (size_t at = 0; at < len * 256; at++) {
            memcpy(f, good_frame, len);
            f[at / 256] = (uint8_t)at;
            fix6(f, len);
            give(f, len);
            if (at % 64 == 0)
                now += 100;
        }
        CHECK_EQ(netif_rx_bytes(), 0);
    }
}

/* Lengths that fit each other, but hold less or more than they should. */
static void cut(void)
{
    for (unsigned kind = 0; kind < 7; kind++) {
        uint8_t f[1514];
        size_t len = nth(kind, f);

        while (len-- > ICMP) {
            put16(f + ETH + 4, (unsigned)(len - ICMP));
            fix6(f, len);
            give(f, len);
        }
    }
    CHECK_EQ(netif_rx_bytes(), 0);
}

static void rules(void)
{
    static const uint8_t next[] = { 0, 43, 44, 50, 51, 59, 60, 1, 2, 132 };
    uint8_t f[1514];
    size_t len;

    for (size_t i = 0; i < sizeof(next); i++) {
        len = echo_frame(f);
        f[ETH + 6] = next[i]; /* extension headers, strangers */
        CHECK(dropped(f, len));
    }
    for (unsigned type = 0; type < 256; type++) {
        bool want = type == 128 || type == 134 || type == 135 || type == 136;

        len = ip6_frame(f, 58, type == 134 ? 16 : 24, peer, ours);
        f[ICMP] = (uint8_t)type;
        CHECK_EQ(dropped(f, len), !want);
    }
    len = udp6_frame(f);
    put16(f + ICMP + 6, 0); /* no checksum (RFC 8200, 8.1) */
    CHECK(dropped(f, len));
    len = ip6_frame(f, 58, 16, all_nodes, ours);
    f[ICMP] = 128;
    CHECK(dropped(f, len)); /* from a multicast address */
    len = ra_frame(f);
    f[ICMP + 16 + 1] = 0; /* an option of length 0 */
    CHECK(dropped(f, len));
    len = ra_frame(f);
    f[ICMP + 16 + 1] = 2; /* an Ethernet address takes one unit */
    CHECK(dropped(f, len));
    len = echo_frame(f);
    f[0] = 1; /* IPv4's multicast */
    CHECK(dropped(f, len));
}

/* Any option types and lengths a router could think of. */
static void options(void)
{
    uint8_t f[1514];

    for (unsigned i = 0; i < 200000; i++) {
        size_t n = 16 + check_random(&check_seed) % 160, at = 16;
        size_t len = ip6_frame(f, 58, n, router, all_nodes);
        uint8_t *p = f + ICMP;

        for (size_t k = 16; k < n; k++)
            p[k] = (uint8_t)check_random(&check_seed);
        p[0] = 134;
        put16(p + 6, (unsigned)(i % 3) * 900);
        while (at + 8 <= n) {
            static const uint8_t type[] = { 1, 3, 5, 24, 25, 31, 200 };

            p[at] = type[check_random(&check_seed) % sizeof(type)];
            p[at + 1] = (uint8_t)(check_random(&check_seed) % 6);
            at += p[at + 1] == 0 ? 8 : p[at + 1] * 8u;
        }
        fix6(f, len);
        give(f, len);
        if (i % 16 == 0)
            now += 700;
    }
    CHECK_EQ(netif_rx_bytes(), 0);
}

/* An address of IPv6 is enough if a name server can be asked by it. One that
 * IPv4 alone leads to is asked when DHCP has given an address, not before. */
static void run_server_of_ipv4(void)
{
    uint8_t f[1514];

    settings = (struct stack_config){ .dhcp = true, .hostname = "bootmail" };
    settings.dns[0] = addr_v4(PEER);
    with_ipv6 = true;
    start();
    give(f, ra_frame(f));
    CHECK_EQ(stack_address(16).len, 16);
    CHECK_EQ(stack_link(), STACK_NO_ADDRESS);
}

static void run_server_of_ipv6(void)
{
    uint8_t f[1514];

    settings = (struct stack_config){ .dhcp = true, .hostname = "bootmail" };
    with_ipv6 = true;
    start();
    CHECK_EQ(stack_link(), STACK_NO_ADDRESS);
    give(f, ra_frame(f));
    CHECK_EQ(stack_link(), STACK_UP);
}

static enum stack_dns after(unsigned ms)
{
    struct addr a;

    for (; ms != 0; ms -= 10) {
        now += 10;
        stack_poll(now);
    }
    return stack_dns_result(&a);
}

/* IPv4 is there at once, the name server's family a moment later; never
 * there, it is waited for no longer than three seconds. */
static void run_server_later(void)
{
    uint8_t f[1514];

    memset(settings.dns, 0, sizeof(settings.dns));
    settings.dns[0].len = 16;
    memcpy(settings.dns[0].b, peer, 16);
    with_ipv6 = true;
    start();
    stack_poll(now);
    CHECK_EQ(stack_link(), STACK_UP);
    CHECK_EQ(stack_dns_start("mx.test", 7, 4), STACK_DNS_PENDING);
    CHECK_EQ(after(2900), STACK_DNS_PENDING);
    CHECK_EQ(after(200), STACK_DNS_SILENT);

    CHECK_EQ(stack_dns_start("mx.test", 7, 4), STACK_DNS_PENDING);
    CHECK_EQ(after(1000), STACK_DNS_PENDING);
    give(f, ra_frame(f));
    (void)after(100);
    CHECK(dev.tx[ETH + 6] == 58 && dev.tx[ICMP] == 135); /* where is it? */
    CHECK_EQ(after(18000), STACK_DNS_PENDING);
    CHECK_EQ(after(3000), STACK_DNS_SILENT);
}

CHILD_CASE(NULL, server_of_ipv4)
CHILD_CASE(NULL, server_of_ipv6)
CHILD_CASE(NULL, server_later)

static const struct check_case cases[] = {
    { "server_of_ipv4", case_server_of_ipv4 },
    { "server_of_ipv6", case_server_of_ipv6 },
    { "server_later", case_server_later },
    { "good", good },
    { "unreachable", unreachable },
    { "moved", moved },
    { "rules", rules },
    { "mutants", mutants },
    { "cut", cut },
    { "options", options },
};

CHECK_MAIN(cases)
