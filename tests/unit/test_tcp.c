/* sources: net/netif.c net/frame.c net/stack.c net/stack6.c net/tcp.c
 * net/resolver.c net/dnsmsg.c net/addr.c
 * kernel/heap.c kernel/log.c kernel/panic.c */
/* includes: net kernel board */
/* libs: lwip */
/*
 * test_tcp.c - one connection against a peer made of frames: what is sent
 * and sent again, what is read and when, and every way it ends.
 */
#include "wire4.h"

#define HIS 7000u /* the peer's first sequence number */

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static struct {
    unsigned port; /* ours */
    uint32_t isn, next;
    unsigned segments, flags;
    uint32_t ack;
    uint8_t heard[200000]; /* by sequence number */
    size_t heard_len;
} peer;

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void see(void)
{
    const uint8_t *p = dev.tx + 34;
    size_t n, head;

    if (get16(dev.tx + 12) != 0x0800 || dev.tx[23] != 6 || get16(p + 2) != 25)
        return;
    head = (size_t)(p[12] >> 4) * 4;
    n = get16(dev.tx + 16) - 20u - head;
    peer.flags = p[13];
    peer.ack = get32(p + 8);
    peer.port = get16(p);
    if ((p[13] & SYN) != 0)
        peer.isn = get32(p + 4);
    if (n == 0)
        return;
    peer.segments++;
    CHECK(n <= 1460);
    peer.next = get32(p + 4) - peer.isn - 1; /* as an offset */
    CHECK(peer.next + n <= sizeof(peer.heard));
    memcpy(peer.heard + peer.next, p + head, n);
    peer.next += (uint32_t)n;
    if (peer.next > peer.heard_len)
        peer.heard_len = peer.next;
}

/* A segment whose first byte is number at of the peer's stream, and that
 * acknowledges acked bytes of ours. */
static void say(unsigned flags, uint32_t at, uint32_t acked, unsigned window,
                const char *text)
{
    uint8_t f[1514];
    size_t n = strlen(text), options = (flags & SYN) != 0 ? 4 : 0;
    size_t len = ip_frame(f, 6, 20 + options + n);

    memset(f + 34, 0, 20);
    put16(f + 34, 25);
    put16(f + 36, peer.port);
    put32(f + 38, HIS + at + ((flags & SYN) == 0));
    put32(f + 42, peer.isn + 1 + acked);
    f[46] = (uint8_t)(0x50 + (options << 2));
    f[47] = (uint8_t)flags;
    put16(f + 48, window);
    put32(f + 54, 0x020405b4); /* its segments: 1460 bytes */
    memcpy(f + 54 + options, text, n);
    fix(f, len);
    give(f, len);
}

static void say_acked(uint32_t acked)
{
    say(ACK, 0, acked, 60000, "");
}

static void pass(unsigned ms)
{
    for (ms /= 10; ms != 0; ms--) {
        (void)stack_deadline(now);
        now += 10;
        stack_poll(now);
    }
}

static struct tcp *calling(uint32_t whom)
{
    struct addr a = addr_v4(whom);
    struct tcp *t;

    start();
    if (whom == PEER)
        known(PEER);
    watch = see;
    memset(&peer, 0, sizeof(peer));
    t = tcp_open(&a, 25);
    CHECK(t != NULL);
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    return t;
}

static struct tcp *connected(void)
{
    struct tcp *t = calling(PEER);

    CHECK_EQ(peer.flags, SYN);
    say(SYN | ACK, 0, 0, 60000, "");
    CHECK_EQ(tcp_state(t), TCP_UP);
    CHECK_EQ(peer.flags & ACK, ACK);
    return t;
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 13 + (i >> 8));
}

/* As much of n bytes from number at on as there is room for. */
static size_t put(struct tcp *t, size_t at, size_t n)
{
    size_t done = 0, room;
    uint8_t *p;

    while (done < n && (p = tcp_send_buf(t, &room)) != NULL) {
        if (room > n - done)
            room = n - done;
        for (size_t i = 0; i < room; i++)
            p[i] = pattern(at + done + i);
        tcp_send_ack(t, room);
        done += room;
    }
    tcp_flush(t);
    return done;
}

static void check_heard(size_t n)
{
    CHECK_EQ(peer.heard_len, n);
    for (size_t i = 0; i < n; i++)
        if (peer.heard[i] != pattern(i)) {
            CHECK_EQ(i, n);
            return;
        }
}

static void expect(struct tcp *t, const char *text)
{
    size_t n = 0;
    const uint8_t *p = tcp_recv_buf(t, &n);

    CHECK_MEM(p, n, text, strlen(text));
    tcp_recv_ack(t, n);
}

static void reading(void)
{
    struct tcp *t = connected();
    size_t n;

    CHECK(tcp_recv_buf(t, &n) == NULL);
    CHECK_EQ(n, 0);
    say(ACK | PSH, 0, 0, 60000, "220 hi\r\n");
    /* the acknowledgement leaves before the program sleeps, not later */
    (void)stack_deadline(now);
    CHECK_EQ(peer.ack, HIS + 1 + 8);
    expect(t, "220 hi\r\n");
    say(ACK, 8, 0, 60000, "ab");
    tcp_recv_ack(t, 0);
    tcp_recv_ack(t, 1);
    expect(t, "b");
    /* the second before the first, and the first twice */
    say(ACK, 13, 0, 60000, "678");
    CHECK(tcp_recv_buf(t, &n) == NULL);
    say(ACK, 10, 0, 60000, "345");
    expect(t, "345");
    expect(t, "678");
    say(ACK, 10, 0, 60000, "345");
    CHECK(tcp_recv_buf(t, &n) == NULL);
    tcp_drop(t);
    CHECK_EQ(peer.flags & RST, RST);
    CHECK_EQ(netif_rx_bytes(), 0);
}

static void writing(void)
{
    struct tcp *t = connected();

    CHECK_EQ(put(t, 0, 4000), 4000);
    check_heard(4000);
    CHECK_EQ(peer.segments, 3);
    CHECK_EQ(tcp_unacked(t), 4000);
    say_acked(1460);
    CHECK_EQ(tcp_unacked(t), 2540);
    peer.segments = 0;
    memset(peer.heard, 0xff, 4000);
    pass(1500); /* nobody answers: again, from where it is missing */
    CHECK(peer.segments >= 1);
    CHECK_EQ(peer.heard[1460], pattern(1460));
    CHECK_EQ(peer.heard[1459], 0xff);
    say_acked(4000);
    CHECK_EQ(tcp_unacked(t), 0);
    peer.segments = 0;
    pass(3000);
    CHECK_EQ(peer.segments, 0);
    tcp_drop(t);
}

/* More than all windows and rings hold; the peer takes a bit at a time. */
static void a_lot(void)
{
    struct tcp *t = connected();
    size_t n = 0, want = 190000;

    while (n < want || peer.heard_len < want) {
        n += put(t, n, want - n);
        CHECK(n - peer.heard_len <= 65536);
        now += 10;
        say_acked((uint32_t)peer.heard_len);
        stack_poll(now);
    }
    check_heard(want);
    tcp_drop(t);
}

/* A peer that says "no room": it is asked, and gets all when it has. */
static void no_window(void)
{
    struct tcp *t = connected();

    say(ACK, 0, 0, 0, "");
    CHECK_EQ(put(t, 0, 3000), 3000);
    pass(2000);
    CHECK(peer.heard_len <= 1);
    CHECK_EQ(tcp_state(t), TCP_UP);
    say_acked((uint32_t)peer.heard_len);
    pass(2000);
    check_heard(3000);
    tcp_drop(t);
}

/* A window of nothing, then one smaller than what waits: lwIP's segments are
 * never longer than half of the largest window seen, but for none at all. */
static void first_no_window(void)
{
    struct tcp *t = calling(PEER);

    say(SYN | ACK, 0, 0, 0, "");
    CHECK_EQ(put(t, 0, 1400), 1400);
    for (uint32_t room = 1; room < 3000; room += 150) {
        say(ACK, 0, peer.next, room, "");
        put(t, 1400, 10);
        pass(1000);
    }
    for (unsigned i = 0; i < 20 && peer.heard_len < 1400; i++) {
        say(ACK, 0, peer.next, 3000, "");
        pass(100);
    }
    CHECK(peer.heard_len >= 1400);
    for (size_t i = 0; i < 1400; i++)
        CHECK_EQ(peer.heard[i], pattern(i));
    tcp_drop(t);
}

static void good_end(void)
{
    struct tcp *t = connected();
    size_t room;

    say(ACK | FIN, 0, 0, 60000, "bye");
    CHECK_EQ(tcp_state(t), TCP_UP); /* there is something to read */
    expect(t, "bye");
    CHECK_EQ(tcp_state(t), TCP_PEER_DONE);
    CHECK_EQ(put(t, 0, 100), 100);
    tcp_shut(t);
    CHECK(tcp_send_buf(t, &room) == NULL);
    stack_poll(now);
    CHECK_EQ(peer.flags & FIN, FIN);
    say(ACK, 4, 101, 60000, "");
    CHECK_EQ(tcp_state(t), TCP_PEER_DONE);
    CHECK_EQ(tcp_error(t), TCP_OK);
    CHECK_EQ(tcp_unacked(t), 0);
    tcp_flush(t); /* harmless */
    tcp_drop(t);

    t = connected(); /* we first */
    tcp_shut(t);
    CHECK_EQ(peer.flags & FIN, FIN);
    say(ACK, 0, 1, 60000, "");
    say(ACK | FIN, 0, 1, 60000, "");
    CHECK_EQ(tcp_state(t), TCP_PEER_DONE);
    CHECK_EQ(tcp_error(t), TCP_OK);
    tcp_drop(t);
}

static void bad_ends(void)
{
    struct tcp *t = calling(PEER);

    say(RST | ACK, 0, 0, 0, "");
    CHECK_EQ(tcp_state(t), TCP_BROKEN);
    CHECK_EQ(tcp_error(t), TCP_REFUSED);
    tcp_drop(t);

    t = connected();
    say(ACK, 0, 0, 60000, "421 no");
    say(RST | ACK, 6, 0, 0, "");
    CHECK_EQ(tcp_state(t), TCP_UP);
    expect(t, "421 no");
    CHECK_EQ(tcp_state(t), TCP_BROKEN);
    CHECK_EQ(tcp_error(t), TCP_RESET);
    tcp_drop(t);

    t = connected(); /* acknowledges nothing any more */
    put(t, 0, 100);
    pass(1500000);
    CHECK_EQ(tcp_state(t), TCP_BROKEN);
    CHECK_EQ(tcp_error(t), TCP_TIMED_OUT);
    tcp_drop(t);
}

static void unanswered(void)
{
    struct tcp *t = calling(PEER);

    pass(9000);
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    pass(9000);
    CHECK_EQ(tcp_error(t), TCP_TIMED_OUT);
    tcp_drop(t);
    t = calling(PEER + 9); /* its ARP stays unanswered */
    pass(4900);
    CHECK_EQ(tcp_state(t), TCP_CONNECTING);
    pass(200);
    CHECK_EQ(tcp_state(t), TCP_BROKEN);
    CHECK_EQ(tcp_error(t), TCP_NO_NEIGHBOUR);
    tcp_drop(t);
}

static unsigned arps, last_of_mac; /* the peer's, as TCP was sent to it */

static void count_arps(void)
{
    arps += is_arp_for(PEER);
    if (get16(dev.tx + 12) == 0x0800)
        last_of_mac = dev.tx[5];
    see();
}

/* RFC 1122, 2.3.2.1: who does not answer may have another MAC by now; it is
 * asked for whenever something is sent again, and what comes is used. */
static void another_mac(void)
{
    struct tcp *t = calling(PEER);

    watch = count_arps;
    arps = 0;
    pass(900);
    CHECK_EQ(arps, 0);
    pass(300);
    CHECK_EQ(arps, 1);
    pass(300);
    CHECK_EQ(arps, 1);
    moved(PEER, 0x99);
    peer.flags = 0;
    pass(2000);
    CHECK_EQ(peer.flags, SYN);
    CHECK_EQ(last_of_mac, 0x99);
    say(SYN | ACK, 0, 0, 60000, "");
    CHECK_EQ(tcp_state(t), TCP_UP);

    arps = 0; /* and later in the connection, each time anew */
    for (unsigned i = 1; i <= 2; i++) {
        CHECK_EQ(put(t, 0, 100), 100);
        while (arps < i)
            pass(100);
        say_acked(i * 100);
        CHECK_EQ(arps, i);
    }
    tcp_drop(t);
}

/* Silent for ten seconds: asked whether it lives. */
static void asked(void)
{
    struct tcp *t = connected();

    stack_poll(now);
    peer.flags = 0;
    pass(9000);
    CHECK_EQ(peer.flags, 0);
    pass(2500);
    CHECK_EQ(peer.flags, ACK);
    tcp_drop(t);
}

static void nowhere(void)
{
    static const uint32_t bad[] = {
        0x00000001, 0x7f000001, 0xe0000001, 0xffffffff,
        OURS,       0xac1e73ff, 0xac1e7300,
    };
    struct tcp *t;

    start();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct addr a = addr_v4(bad[i]);

        t = tcp_open(&a, 25);
        CHECK_EQ(tcp_state(t), TCP_BROKEN);
        CHECK_EQ(tcp_error(t), TCP_NO_ROUTE);
        tcp_drop(t);
    }
}

static const struct check_case cases[] = {
    { "reading", reading },
    { "writing", writing },
    { "a_lot", a_lot },
    { "no_window", no_window },
    { "first_no_window", first_no_window },
    { "good_end", good_end },
    { "bad_ends", bad_ends },
    { "another_mac", another_mac },
    { "unanswered", unanswered },
    { "asked", asked },
    { "nowhere", nowhere },
};

CHECK_MAIN(cases)
