/* sources: net/netif.c net/frame.c net/stack.c net/stack6.c net/tcp.c
 * net/resolver.c net/dnsmsg.c net/addr.c
 * kernel/heap.c kernel/log.c kernel/panic.c */
/* includes: net kernel board */
/* libs: lwip */
/*
 * test_netif.c - frames, good, bad and random, through the whole of netif.c
 * into lwIP, each in a heap block of its own size under AddressSanitizer.
 *
 * A listener on port 80 (through lwIP's own interface; bootmail has none) and
 * a connection of ours in the making give TCP frames something to reach: the
 * good ones are answered, so the bad ones are not refused for a silly reason.
 */
#include "wire4.h"

static size_t tcp_frame(uint8_t *f, const uint8_t *options, size_t n)
{
    size_t len = ip_frame(f, 6, 20 + n);

    memset(f + 34, 0, 20);
    put16(f + 34, 1025);
    put16(f + 36, 80);
    put32(f + 38, 1000);
    f[46] = (uint8_t)((20 + n) / 4 << 4);
    f[47] = 2; /* SYN */
    put16(f + 48, 8000);
    memcpy(f + 54, options, n);
    fix(f, len);
    return len;
}

static size_t ping_frame(uint8_t *f)
{
    size_t len = ip_frame(f, 1, 16);

    memset(f + 34, 0, 16);
    f[34] = 8;
    fix(f, len);
    return len;
}

static size_t dhcp_frame(uint8_t *f)
{
    uint8_t d[300];

    memset(d, 0, sizeof(d));
    d[0] = 2;
    d[1] = 1;
    d[2] = 6;
    memcpy(d + 28, mac, 6);
    put32(d + 236, 0x63825363);
    d[240] = 53;
    d[241] = 1;
    d[242] = 2;
    d[243] = 255;
    return udp_frame(f, 67, 68, d, sizeof(d));
}

static bool refused(const uint8_t *f, size_t len)
{
    const char *why = NULL;

    return frame_check(f, len, mac, &why) == 0 && why != NULL;
}

/* ---------------------------------------------------------- the cases --- */

static const uint8_t mss[4] = { 2, 4, 5, 0xb4 };

/* Good frames get their answers: the way into lwIP is open. */
static void good(void)
{
    uint8_t f[1514];

    CHECK_EQ(give(f, arp_frame(f)), 1);
    CHECK_EQ(get16(dev.tx + 12), 0x0806);
    CHECK_EQ(dev.tx_len, 60);
    CHECK_EQ(give(f, ping_frame(f)), 1);
    CHECK_EQ(dev.tx[34], 0);
    CHECK_EQ(give(f, tcp_frame(f, mss, sizeof(mss))), 1);
    CHECK_EQ(dev.tx[47], 0x12); /* SYN, ACK */
    CHECK_EQ(netif_rx_bytes(), 0);
}

/* tests/data/frames: as they are, with right checksums, and cut anywhere. */
static void over_reads(void)
{
    static const char *const name[] = {
        "tcp-opt-cut",        "tcp-opt-cut-mss",      "tcp-opt-ts-cut",
        "nd6-ns-option-len0", "nd6-ns-option-len0-8",
    };

    for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        uint8_t f[200];
        char path[100];
        size_t len;
        FILE *in;

        snprintf(path, sizeof(path), "tests/data/frames/%s", name[i]);
        in = fopen(path, "rb");
        if (!CHECK(in != NULL))
            return;
        len = fread(f, 1, sizeof(f), in);
        fclose(in);
        CHECK_EQ(get16(f), len - 2);
        len -= 2;
        memmove(f, f + 2, len);
        CHECK(refused(f, len));
        CHECK_EQ(give(f, len), 0);
        fix(f, len);
        CHECK(refused(f, len));
        for (size_t n = 0; n <= len; n++)
            CHECK_EQ(give(f, n), 0);
    }
}

/* Each byte of a good frame with each of 256 values; each length. */
static void mutants(void)
{
    for (int kind = 0; kind < 5; kind++) {
        uint8_t good_frame[1514], f[1514];
        size_t len = kind == 0   ? arp_frame(good_frame)
                     : kind == 1 ? ping_frame(good_frame)
                     : kind == 2 ? tcp_frame(good_frame, mss, sizeof(mss))
                     : kind == 3 ? dhcp_frame(good_frame)
                                 : udp_frame(good_frame, 53, 5353, "hello", 5);

        CHECK(!refused(good_frame, len));
        for (size_t n = 0; n < len; n++)
            CHECK(refused(good_frame, n) || kind == 0);
        for (size_t at = 0; at < len * 256; at++) {
            memcpy(f, good_frame, len);
            f[at / 256] = (uint8_t)at;
            fix(f, len);
            give(f, len);
            if (at % 64 == 0)
                now += 100;
        }
        CHECK_EQ(netif_rx_bytes(), 0);
    }
}

/* What lwIP would not take well, one rule each. */
static void rules(void)
{
    static const uint8_t nop_only[4] = { 1, 1, 1, 1 };
    static const uint8_t long_opt[4] = { 9, 5, 0, 0 };
    static const uint8_t zero_opt[4] = { 9, 0, 0, 0 };
    static const uint8_t odd_mss[4] = { 2, 3, 5, 0 };
    static const uint8_t after_end[4] = { 0, 2, 99, 99 };
    uint8_t f[1600];
    size_t len;

    CHECK(!refused(f, tcp_frame(f, nop_only, 4)));
    CHECK(!refused(f, tcp_frame(f, after_end, 4)));
    CHECK(refused(f, tcp_frame(f, long_opt, 4)));
    CHECK(refused(f, tcp_frame(f, zero_opt, 4)));
    CHECK(refused(f, tcp_frame(f, odd_mss, 4)));

    len = tcp_frame(f, mss, 4);
    f[46] = 0x40; /* data offset 16 */
    CHECK(refused(f, len));
    f[46] = 0x70; /* 28 of 24 */
    CHECK(refused(f, len));

    len = ping_frame(f);
    f[20] = 0x20; /* more fragments */
    CHECK(refused(f, len));
    f[20] = 0;
    f[21] = 1; /* offset 8 */
    CHECK(refused(f, len));
    f[20] = 0x40; /* don't fragment: fine */
    f[21] = 0;
    CHECK(!refused(f, len));
    f[14] = 0x46; /* IP options */
    CHECK(refused(f, len));
    f[14] = 0x65;
    CHECK(refused(f, len));
    len = ping_frame(f);
    f[0] ^= 4; /* somebody else's */
    CHECK(refused(f, len));
    len = ping_frame(f);
    f[0] = 1; /* multicast */
    CHECK(refused(f, len));

    len = arp_frame(f);
    f[18] = 8; /* hardware addresses of 8 bytes */
    CHECK(refused(f, len));
    len = dhcp_frame(f);
    CHECK(!refused(f, len));
    f[42 + 2] = 16; /* hlen */
    CHECK(refused(f, len));
    len = dhcp_frame(f);
    f[42 + 241] = 200; /* the option leaves the packet */
    CHECK(refused(f, len));
    len = dhcp_frame(f);
    f[42 + 243] = 0; /* no end */
    CHECK(refused(f, len));
    len = ping_frame(f);
    CHECK(refused(f, 1515));
}

/* Padding is zero whatever the wire had, and nothing behind the IP packet
 * reaches lwIP: it would show in the echo. */
static void padding(void)
{
    uint8_t f[60];
    size_t len = ping_frame(f);

    memset(f + len, 0xee, sizeof(f) - len);
    CHECK_EQ(give(f, sizeof(f)), 1);
    CHECK_EQ(get16(dev.tx + 16), 36);
    for (size_t i = len; i < dev.tx_len; i++)
        CHECK_EQ(dev.tx[i], 0);
}

static struct tcp *open_to(uint32_t peer, uint16_t port)
{
    struct addr a = addr_v4(peer);

    return tcp_open(&a, port);
}

/* The device has no room: nothing is lost that TCP has, and nothing leaks. */
static void tx_full(void)
{
    uint8_t f[1514];
    size_t used;
    struct tcp *t;

    give(f, arp_frame(f)); /* from here on the peer is known */
    dev.full = true;
    CHECK_EQ(give(f, ping_frame(f)), 0);
    t = open_to(PEER, 25);
    CHECK(t != NULL && tcp_state(t) == TCP_CONNECTING);
    CHECK(netif_stats().tx_full != 0);
    CHECK_EQ(stack_deadline(now), now + 1);
    dev.full = false;
    dev.sent = 0;
    stack_poll(++now);
    CHECK_EQ(dev.sent, 1);
    CHECK_EQ(dev.tx[47], 2); /* the SYN */
    tcp_drop(t);
    used = heap_stats().used;
    t = open_to(PEER, 25);
    tcp_drop(t);
    CHECK_EQ(heap_stats().used, used);
}

/* RST and ICMP's word, believed only for the SYN in flight */
static void unreachable(void)
{
    uint8_t f[1514];
    size_t len;
    struct tcp *t;

    give(f, arp_frame(f));
    t = open_to(PEER, 25);
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    len = ip_frame(f, 1, 8 + 28);
    memset(f + 34, 0, 8);
    f[34] = 3;
    f[35] = 1; /* host unreachable */
    memcpy(f + 42, dev.tx + 14, 28);
    f[69] ^= 1; /* another sequence number */
    fix(f, len);
    give(f, len);
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    f[69] ^= 1;
    f[35] = 4; /* fragmentation needed */
    fix(f, len);
    give(f, len);
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    f[35] = 1;
    fix(f, len);
    give(f, len);
    CHECK_EQ(tcp_state(t), TCP_BROKEN);
    CHECK_EQ(tcp_error(t), TCP_NO_ROUTE);
    tcp_drop(t);
}

/* Asking the device costs: ten times a second, and no later when the cable
 * is out. */
static void link_changes(void)
{
    unsigned asked;

    start();
    now += 1000;
    stack_poll(now);
    asked = dev.link_asked;
    for (unsigned i = 0; i < 99; i++)
        stack_poll(++now);
    CHECK_EQ(dev.link_asked, asked);
    dev.cable_out = true;
    stack_poll(++now);
    CHECK_EQ(dev.link_asked, asked + 1);
    CHECK_EQ(stack_link(), STACK_LINK_DOWN);
    CHECK(stack_deadline(now) <= now + 100);
    dev.cable_out = false;
    now += 100;
    stack_poll(now);
    CHECK_EQ(stack_link(), STACK_UP);
}

/* Each slot is its own; a third is refused, and a dropped one comes back. */
static void connections(void)
{
    struct tcp *a, *b;
    size_t used, len;

    start();
    used = heap_stats().used;
    a = open_to(PEER, 25);
    b = open_to(PEER, 587);
    CHECK(a != NULL && b != NULL && a != b);
    CHECK(open_to(PEER, 465) == NULL);
    CHECK(tcp_send_buf(a, &len) != tcp_send_buf(b, &len));
    tcp_drop(a);
    CHECK_EQ(tcp_state(b), TCP_CONNECTING);
    a = open_to(0x7f000001, 25);
    CHECK(a != NULL);
    CHECK_EQ(tcp_error(a), TCP_NO_ROUTE);
    CHECK_EQ(tcp_error(b), TCP_OK);
    tcp_drop(a);
    tcp_drop(b);
    heap_fail_from(1);
    CHECK(open_to(PEER, 25) == NULL);
    heap_fail_from(0);
    a = open_to(PEER, 25);
    CHECK(a != NULL);
    tcp_drop(a);
    CHECK_EQ(heap_stats().used, used);
}

/* A question that finds no memory is asked again. */
static void dns_no_memory(void)
{
    struct addr address;
    unsigned before;

    start();
    for (uint32_t n = 1; n <= 2; n++) {
        before = dev.sent;
        heap_fail_at(n);
        CHECK_EQ(stack_dns_start("mail.test", 9, 4), STACK_DNS_PENDING);
        heap_fail_at(0);
        CHECK(stack_deadline(now) <= now + 1000);
        now += 1000;
        stack_poll(now);
        CHECK_EQ(stack_dns_result(&address), STACK_DNS_PENDING);
        CHECK(dev.sent > before);
        CHECK_EQ(stack_dns_start("10.1.2.3", 8, 4), STACK_DNS_FOUND);
    }
}

static void dhcp_nak(void)
{
    uint8_t f[400];
    size_t len = dhcp_frame(f);
    uint32_t xid = 0;

    put32(f + 46, 0x12345678);
    CHECK(!frame_dhcp_nak(f, len, &xid));
    f[284] = 6; /* DHCPNAK */
    CHECK(frame_dhcp_nak(f, len, &xid));
    CHECK_EQ(xid, 0x12345678);
    f[283] = 0;
    CHECK(!frame_dhcp_nak(f, len, &xid));
    f[283] = 1;
    for (size_t n = 0; n < 285; n++)
        CHECK(!frame_dhcp_nak(f, n, &xid));
}

static void random_frames(void)
{
    uint64_t seed = check_seed;

    for (unsigned i = 0; i < 100000; i++) {
        uint8_t f[400];
        uint64_t r = check_random(&seed);
        size_t len = r % 5 == 0   ? arp_frame(f)
                     : r % 5 == 1 ? ping_frame(f)
                     : r % 5 == 2 ? tcp_frame(f, mss, sizeof(mss))
                     : r % 5 == 3 ? dhcp_frame(f)
                                  : udp_frame(f, 53, 5353, "hello", 5);

        for (unsigned n = (unsigned)(r >> 8) % 6; n != 0; n--) {
            uint64_t x = check_random(&seed);

            f[12 + x % (len - 12)] = (uint8_t)(x >> 32);
        }
        if ((r >> 16) % 4 == 0)
            len = (r >> 24) % (len + 1);
        if ((r >> 18) % 4 != 0)
            fix(f, len);
        give(f, len);
        now += r >> 60;
    }
    CHECK_EQ(netif_rx_bytes(), 0);
}

static unsigned source_port(void)
{
    return (unsigned)dev.tx[34] << 8 | dev.tx[35];
}

/* Every random number is possible, at the stack's start too: lwIP counts from
 * port 65535 to 0, "out of memory" in one start of 16384. Goes first. */
static void local_ports(void)
{
    uint8_t f[1514];
    struct tcp *a, *b;
    unsigned first;

    all_ones = true;
    start();
    give(f, arp_frame(f));
    a = open_to(PEER, 25);
    CHECK(a != NULL);
    first = source_port();
    b = open_to(PEER, 25);
    CHECK(b != NULL);
    CHECK_EQ(first, 0xffff);
    CHECK_EQ(source_port(), 0xc000);
    tcp_drop(a);
    tcp_drop(b);
    all_ones = false;
}

static const struct check_case cases[] = {
    { "local-ports", local_ports },
    { "good", good },
    { "over-reads", over_reads },
    { "rules", rules },
    { "padding", padding },
    { "mutants", mutants },
    { "tx-full", tx_full },
    { "unreachable", unreachable },
    { "link", link_changes },
    { "connections", connections },
    { "dns-no-memory", dns_no_memory },
    { "dhcp-nak", dhcp_nak },
    { "random", random_frames },
};

CHECK_MAIN(cases)
