/* sources: net/netif.c net/frame.c net/stack.c net/stack6.c net/tcp.c
 * net/resolver.c net/dnsmsg.c net/datagram.c net/addr.c
 * kernel/heap.c kernel/log.c kernel/panic.c */
/* includes: net kernel board */
/* libs: lwip */
/*
 * test_stack.c - an address by DHCP: what is asked and when, what of the
 * answers is used, what a server that refuses costs; a card that breaks; UDP.
 * The stack starts once, so the cases go on from each other.
 */
#include "wire4.h"

/* stack_tcp.h, which needs lwIP's headers under their own names */
const struct addr *stack_dns_list(unsigned n);

#include "datagram.h"

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, DHCP_ACK, NAK };

static struct {
    unsigned count[9]; /* by the message's type */
    uint64_t at[40];
    uint8_t xid[4];
    unsigned asked;
    char host[20];
} dhcp;

/* an option of the message that goes out, NULL: it has none */
static const uint8_t *option(uint8_t kind)
{
    const uint8_t *p = dev.tx + 42 + 240, *end = dev.tx + dev.tx_len;

    while (p + 1 < end && *p != 255 && *p != kind)
        p += *p == 0 ? 1 : 2 + p[1];
    return p + 1 < end && *p == kind ? p : NULL;
}

static struct {
    unsigned count;
    uint8_t bytes[600];
    size_t len;
    unsigned port;
} udp;

static bool arp_asked; /* for PEER, who answers in pass() */

static void see(void)
{
    const uint8_t *p;

    arp_asked = arp_asked || get16(dev.tx + 12) == 0x0806;
    if (get16(dev.tx + 12) != 0x0800 || dev.tx[23] != 17)
        return;
    if (get16(dev.tx + 36) != 67) {
        udp.count++;
        udp.port = get16(dev.tx + 34);
        udp.len = get16(dev.tx + 38) - 8u;
        memcpy(udp.bytes, dev.tx + 42, udp.len);
        return;
    }
    p = option(53);
    if (!CHECK(p != NULL && p[2] < 9))
        return;
    dhcp.count[p[2]]++;
    dhcp.at[dhcp.asked++ % 40] = now;
    memcpy(dhcp.xid, dev.tx + 46, 4);
    p = option(12);
    if (p != NULL)
        snprintf(dhcp.host, sizeof(dhcp.host), "%.*s", p[1], p + 2);
}

static void put(uint8_t **p, uint8_t kind, uint8_t n, uint32_t v)
{
    *(*p)++ = kind;
    *(*p)++ = n;
    if (n == 1) {
        *(*p)++ = (uint8_t)v;
    } else {
        put32(*p, v);
        *p += 4;
    }
}

static void serve(unsigned type, uint32_t address)
{
    uint8_t f[700], d[400] = { 2, 1, 6 }, *p = d + 240;

    memcpy(d + 4, dhcp.xid, 4);
    put32(d + 16, address);
    memcpy(d + 28, mac, 6);
    put32(d + 236, 0x63825363);
    put(&p, 53, 1, type);
    put(&p, 54, 4, PEER);
    if (type != NAK) {
        put(&p, 51, 4, 7200);
        put(&p, 1, 4, 0xffffff00);
        put(&p, 3, 4, PEER);
        *p++ = 6; /* three name servers; two are used */
        *p++ = 12;
        for (uint32_t i = 0; i < 3; i++, p += 4)
            put32(p, PEER + 40 + i);
    }
    *p++ = 255;
    give(f, udp_frame(f, 67, 68, d, (size_t)(p - d)));
}

static void pass(unsigned ms)
{
    for (ms /= 10; ms != 0; ms--) {
        (void)stack_deadline(now);
        now += 10;
        stack_poll(now);
        if (arp_asked)
            known(PEER);
        arp_asked = false;
    }
}

static bool four(struct addr a, uint32_t want)
{
    return a.len == 4 && addr_to_v4(&a) == want;
}

/* At 0, 1, 2, 4, 6 s: a switch port that has just come up loses the first. */
static void asking(void)
{
    static const unsigned s[] = { 0, 1, 3, 5, 7 };

    settings = (struct stack_config){ .dhcp = true, .hostname = "bootmail" };
    watch = see;
    start();
    CHECK_EQ(stack_link(), STACK_NO_ADDRESS);
    CHECK_STR(stack_why(), "");
    CHECK_EQ(stack_address(4).len, 0);
    CHECK_EQ(stack_dns_server().len, 0);
    pass(8000);
    CHECK_EQ(dhcp.count[DISCOVER], 5);
    for (unsigned i = 0; i < 5; i++)
        CHECK((int64_t)(dhcp.at[i] - dhcp.at[0] - s[i] * 1000) <= 600);
    CHECK_STR(dhcp.host, "bootmail");
    CHECK_EQ(tcp_error(
                 tcp_open(&(struct addr){ .len = 4, .b = { 1, 2, 3, 4 } }, 25)),
             TCP_NO_ROUTE);
}

/* It answers a NAK by asking again, and is heard once a second. */
static void refused(void)
{
    unsigned before;

    serve(OFFER, OURS);
    CHECK_EQ(dhcp.count[REQUEST], 1);
    before = dhcp.count[DISCOVER];
    for (unsigned i = 0; i < 50; i++) {
        serve(NAK, 0);
        serve(OFFER, OURS);
        now += 10;
    }
    CHECK_EQ(dhcp.count[DISCOVER], before + 1);
    CHECK_EQ(stack_link(), STACK_NO_ADDRESS);
    pass(3000);
}

static void leased(void)
{
    if (dhcp.count[REQUEST] < 3)
        serve(OFFER, OURS);
    CHECK_EQ(stack_link(), STACK_NO_ADDRESS);
    serve(DHCP_ACK, OURS);
    CHECK_EQ(stack_link(), STACK_UP);
    CHECK(four(stack_address(4), OURS));
    CHECK(four(stack_address(0), OURS));
    CHECK_EQ(stack_address(16).len, 0);
    CHECK_EQ(stack_gateway(), PEER);
    CHECK(four(stack_dns_server(), PEER + 40));
    CHECK(four(*stack_dns_list(1), PEER + 41));
    CHECK_EQ(stack_dns_list(2)->len, 0); /* no router has named any */
    CHECK(stack_dns_list(4) == NULL);
}

/* Those of the configuration are the only ones then. */
static void own_servers(void)
{
    struct addr a;

    known(PEER);
    CHECK_EQ(stack_dns_start("a.example", 9, 4), STACK_DNS_PENDING);
    CHECK_EQ(stack_dns_start("1.2.3.4", 7, 4), STACK_DNS_FOUND);
    CHECK_EQ(stack_dns_result(&a), STACK_DNS_FOUND);
    CHECK(four(a, 0x01020304));
}

/* Half of the lease is over: it is asked for anew, and ends if nobody
 * answers. */
static void renewed(void)
{
    unsigned before = dhcp.count[REQUEST];

    pass(3500000);
    CHECK_EQ(dhcp.count[REQUEST], before);
    pass(200000);
    CHECK(dhcp.count[REQUEST] > before);
    serve(DHCP_ACK, OURS);
    CHECK_EQ(stack_link(), STACK_UP);
    pass(7300000);
    CHECK_EQ(stack_link(), STACK_NO_ADDRESS);
    before = dhcp.count[DISCOVER];
    pass(5000);
    serve(OFFER, OURS + 1);
    serve(DHCP_ACK, OURS + 1);
    CHECK(four(stack_address(4), OURS + 1));
    CHECK(dhcp.count[DISCOVER] >= before);
    pass(3700000); /* back to the address that the other cases know */
    serve(NAK, 0);
    CHECK_EQ(stack_link(), STACK_NO_ADDRESS);
    pass(2000);
    serve(OFFER, OURS);
    serve(DHCP_ACK, OURS);
    CHECK(four(stack_address(4), OURS));
}

/* To and from one peer; what others send, and what is too long, is not heard;
 * of many the first four. */
static void datagrams(void)
{
    struct addr a = addr_v4(PEER);
    uint8_t f[1514], out[DATAGRAM_MAX], big[600] = { 0 };
    size_t len;

    known(PEER);
    CHECK_EQ(datagram_take(out), 0);
    CHECK(!datagram_send("x", 1));
    CHECK(datagram_open(&a, 123));
    CHECK(!datagram_send(big, 0));
    CHECK(!datagram_send(big, sizeof(big)));
    CHECK(datagram_send("hello", 5));
    CHECK_MEM(udp.bytes, udp.len, "hello", 5);
    CHECK(udp.port >= 49152);
    len = udp_frame(f, 123, udp.port, "no", 2);
    put32(f + 26, PEER + 1);
    fix(f, len);
    give(f, len);
    give(f, udp_frame(f, 124, udp.port, "no", 2));
    give(f, udp_frame(f, 123, udp.port, big, sizeof(big)));
    give(f, udp_frame(f, 123, udp.port, "", 0));
    CHECK_EQ(datagram_take(out), 0);
    for (unsigned i = 0; i < 6; i++)
        give(f, udp_frame(f, 123, udp.port, &"abcdef"[i], 1));
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(datagram_take(out), 1);
        CHECK_EQ(out[0], "abcd"[i]);
    }
    CHECK_EQ(datagram_take(out), 0);
    heap_fail_at(1);
    CHECK(!datagram_send("x", 1));
    heap_fail_at(1);
    CHECK(!datagram_open(&a, 123)); /* and the old one is closed */
    heap_fail_at(0);
    CHECK(!datagram_send("x", 1));
    datagram_close();
}

/* A card that broke the rules: its reason is what the caller hears. */
static void dead(void)
{
    CHECK_EQ(stack_link(), STACK_UP);
    dev.dev.polled = true;
    CHECK(stack_deadline(now) <= now + 10);
    dev.dev.polled = false;
    dev.dev.dead = "it said that a frame has 70000 bytes";
    CHECK_EQ(stack_link(), STACK_DEAD);
    CHECK_STR(stack_why(), "it said that a frame has 70000 bytes");
    CHECK(stack_deadline(now) >= now);
    dev.dev.dead = NULL;
    CHECK_EQ(stack_link(), STACK_UP);
}

static const struct check_case cases[] = {
    { "asking", asking },   { "refused", refused },
    { "leased", leased },   { "own_servers", own_servers },
    { "renewed", renewed }, { "datagrams", datagrams },
    { "dead", dead },
};

CHECK_MAIN(cases)
