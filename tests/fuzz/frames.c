/* sources: net/netif.c net/frame.c net/stack.c net/stack6.c net/tcp.c
 * net/resolver.c net/dnsmsg.c net/datagram.c net/addr.c kernel/log.c */
/* includes: net kernel board tests/fuzz */
/* libs: lwip */
/* link: -fuse-ld=bfd -Wl,-T,tests/fuzz/state.ld */
/* longest: 1200 */
/*
 * frames.c - the whole stack: Ethernet frames from the input, of any kind,
 * while a program opens connections, sends, asks for names.
 *
 * Nobody guesses a sequence number, a DHCP transaction or a DNS question: the
 * peer looks at what the stack sent last and answers that, nearly right. Each
 * frame gets right checksums at last, three of four times.
 */
#include "wirehost.h"

#include "datagram.h"
#include "netif.h"
#include "stack.h"
#include "tcp.h"

#define OURS 0x0a000002u
#define PEER 0x0a000001u /* on the link; gateway and name server too */
#define FAR  0xc0000201u
#define HIS  5000u /* the peer's first sequence number */

static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t peer_ll[16] = { 0xfe, 0x80, [15] = 1 };
static const uint8_t far6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 0x25 };

static struct {
    struct tcp *tcp;
    uint16_t port;        /* ours */
    uint32_t isn;         /* ours */
    uint32_t filled, got; /* bytes given to it, taken from it */
} conn;

static struct { /* heads of the frames that were sent last */
    uint8_t tcp[100], udp[400], any[100];
    size_t tcp_len, udp_len, any_len;
} last;

static uint64_t now;
static bool blind; /* somebody else's bytes may be in the stream now */
static bool with_ipv6;
static bool helpful; /* the peer answers what it is asked, at once     */

static uint8_t f[FRAME_ROOM];

/* Byte number n of either stream, so that it can be checked anywhere. */
static uint8_t pattern(uint32_t n)
{
    return (uint8_t)(n * 7 + (n >> 8));
}

/* ------------------------------------------------- what the stack sends */

static void sent_tcp(const uint8_t *tcp, size_t n)
{
    size_t head = (size_t)(tcp[12] >> 4) * 4;
    uint32_t at = get32(tcp + 4);

    MUST(head >= 20 && head <= n);
    if (conn.tcp == NULL || get16(tcp) != conn.port)
        return;
    if ((tcp[13] & 2) != 0)
        conn.isn = at;
    at -= conn.isn + 1;
    for (size_t i = head; i < n && (tcp[13] & 4) == 0; i++) {
        MUST(at + (i - head) < conn.filled);
        MUST(tcp[i] == pattern(at + (uint32_t)(i - head)));
    }
}

static void keep(uint8_t *to, size_t cap, size_t *to_len, const uint8_t *p,
                 size_t len)
{
    *to_len = len < cap ? len : cap;
    memcpy(to, p, *to_len);
}

/* Every frame is whole, ours, and has right lengths and sums. */
static void sent(void)
{
    static uint8_t copy[1514];
    const uint8_t *p = dev.tx;
    size_t len = dev.tx_len;
    bool six = get16(p + 12) == 0x86dd;
    size_t head = six ? 40 : 20, n;
    uint32_t s;

    MUST(len >= 60 && len <= sizeof copy);
    MUST(memcmp(p + 6, mac, 6) == 0);
    keep(last.any, sizeof last.any, &last.any_len, p, len);
    if (get16(p + 12) == 0x0806)
        return;
    MUST(six || (get16(p + 12) == 0x0800 && p[14] == 0x45));
    n = six ? get16(p + 18) : (size_t)get16(p + 16) - 20;
    MUST(n <= len - 14 - head);
    MUST(six || sum(p + 14, 20, 0) == 0xffff);
    if (six && p[20] == 0) /* MLD, behind a header of its own */
        return;
    memcpy(copy, p, len);
    MUST(transport_sum(copy, len, &s) != NULL && s == 0xffff);
    if (p[14 + (six ? 6 : 9)] == 17)
        keep(last.udp, sizeof last.udp, &last.udp_len, p, len);
    if (p[14 + (six ? 6 : 9)] != 6)
        return;
    keep(last.tcp, sizeof last.tcp, &last.tcp_len, p, len);
    sent_tcp(p + 14 + head, n);
}

/* ------------------------------------------------- what the peer sends */

static void poll(void)
{
    enum stack_link link;

    stack_poll(now);
    MUST(netif_rx_bytes() <= 128 * 1024);
    MUST(stack_deadline(now) >= now);
    link = stack_link();
    MUST(link != STACK_DEAD && stack_why()[0] == '\0');
    MUST(link != STACK_UP || stack_address(0).len != 0);
    MUST(stack_address(16).len == 0 || with_ipv6);
}

static void give(size_t len)
{
    card_has(f, len);
    poll();
}

/* Up to three bytes of the frame are something else, then its sums are right,
 * or not. */
static void spoil_and_give(size_t len)
{
    unsigned what = next(1);

    for (unsigned i = what & 3; i != 0; i--) {
        size_t at = next(2) % (len + 1);

        f[at] = (uint8_t)next(1);
        blind = true;
    }
    if ((what & 0x30) == 0x30) /* cut, or longer than it says */
        len = next(2) % (sizeof f + 1);
    if ((what & 0x0c) != 0x0c)
        mend(f, len);
    give(len);
}

/* Heads for an answer to the frame at q, or else to what is known of us;
 * returns where the payload begins. */
static uint8_t *answer_to(const uint8_t *q, uint8_t kind, size_t body)
{
    bool six = get16(q + 12) == 0x86dd;

    memset(f, 0, sizeof f);
    memcpy(f, mac, 6);
    memcpy(f + 6, peer_mac, 6);
    put16(f + 12, six ? 0x86dd : 0x0800);
    if (six) {
        f[14] = 0x60;
        put16(f + 18, (unsigned)body);
        f[20] = kind;
        f[21] = kind == 58 ? 255 : 64;
        memcpy(f + 22, q + 38, 16);
        memcpy(f + 38, q + 22, 16);
        return f + 54;
    }
    f[14] = 0x45;
    put16(f + 16, (unsigned)body + 20);
    f[22] = 64;
    f[23] = kind;
    memcpy(f + 26, q + 30, 4);
    memcpy(f + 30, q + 26, 4);
    return f + 34;
}

static size_t rest(uint8_t *to, size_t most)
{
    size_t n = next(1) % (most + 1);

    if (n > in_left)
        n = in_left;
    if (n != 0)
        memcpy(to, in_at, n);
    in_at += n;
    in_left -= n;
    return n;
}

/* The next segment of the connection that was heard of last, near where the
 * stream is. */
static void give_tcp(unsigned flags, int ahead, int acked, size_t payload)
{
    bool six = get16(last.tcp + 12) == 0x86dd;
    const uint8_t *q = last.tcp + (six ? 54 : 34);
    size_t options = (flags & 0xc0) == 0xc0 ? next(1) % 11 * 4
                     : (flags & 2) != 0     ? 4
                                            : 0;
    uint32_t seq = (q[13] & 16) != 0 ? get32(q + 8) : HIS;
    uint8_t *p;

    if (last.tcp_len == 0)
        return;
    p = answer_to(last.tcp, 6, 20 + options + payload);
    seq += (uint32_t)ahead;
    put16(p, get16(q + 2));
    put16(p + 2, get16(q));
    put32(p + 4, seq);
    put32(p + 8, get32(q + 4) + ((q[13] & 2) != 0 ? 1 : 0) + (uint32_t)acked);
    p[12] = (uint8_t)((20 + options) / 4 << 4);
    p[13] = (uint8_t)(flags & 0x3f);
    put16(p + 14, (flags & 0x40) != 0 ? next(2) : 32000);
    if ((flags & 2) != 0 && options == 4)
        put32(p + 20, 0x020405b4); /* a size that is usual */
    else if (rest(p + 20, options) != options)
        p[20] = 0; /* end of options */
    for (size_t i = 0; i < payload; i++)
        p[20 + options + i] = pattern(seq - HIS - 1 + (uint32_t)i);
    spoil_and_give((size_t)(p - f) + 20 + options + payload);
}

static void some_tcp(void)
{
    unsigned flags = next(1), size = next(1);
    int ahead = (flags & 0x80) != 0 ? (int8_t)next(1) * 16 : 0;
    int acked = (int)next(1) * ((flags & 0x80) != 0 ? 37 : 1);

    give_tcp(flags, ahead, acked - (acked > 250 ? 260 : 0),
             size < 128 ? size : (size - 100) * 9);
}

/* Behind the question at p, of n bytes: its answer. Returns its length. */
static size_t dns_record(uint8_t *p, size_t n)
{
    static const uint8_t head[10] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 1, 0 };
    unsigned size = p[n - 3] == 28 ? 16 : 4;

    memcpy(p + n, head, sizeof head);
    p[n + 3] = p[n - 3]; /* the type that was asked for */
    put16(p + n + 10, size);
    memcpy(p + n + 12, far6, size);
    put16(p + 6, 1);
    return 12 + size;
}

/* An answer to the last datagram: DNS to a question, anything to others. */
static void some_udp(void)
{
    unsigned how = next(1);
    bool six = get16(last.udp + 12) == 0x86dd;
    size_t head = six ? 54 : 34, asked, n;
    const uint8_t *q = last.udp + head;
    uint8_t body[400] = { 0 }, *p;

    if (last.udp_len == 0)
        return;
    asked = get16(q + 4) - 8u;
    n = asked < last.udp_len - head - 8 ? asked : last.udp_len - head - 8;
    memcpy(body, q + 8, n);
    if (get16(q + 2) == 53 && n > 12 && (how & 1) != 0) {
        put16(body + 2, 0x8180);
        n += dns_record(body, n);
    } else if (get16(q + 2) == 53 && n > 12) {
        put16(body + 2, 0x8180 ^ next(2));
        body[7] = (uint8_t)next(1);
    } else {
        n = next(1) % (n + 1);
    }
    n += rest(body + n, sizeof body - n < 255 ? sizeof body - n : 255);
    p = answer_to(last.udp, 17, 8 + n);
    if ((how & 6) == 6) /* by somebody else */
        f[(size_t)(p - f) - 5] ^= 1;
    put16(p, get16(q + 2));
    put16(p + 2, get16(q));
    put16(p + 4, 8 + (unsigned)n);
    memcpy(p + 8, body, n);
    spoil_and_give((size_t)(p - f) + 8 + n);
}

/* DHCP's fixed part to what was asked last; options from the input. */
static size_t dhcp(unsigned type, bool more)
{
    static const uint8_t usual[] = { 53,  1,   0,  54, 4,  10, 0, 0, 1,
                                     51,  4,   0,  0,  14, 9,  1, 4, 255,
                                     255, 255, 0,  3,  4,  10, 0, 0, 1,
                                     6,   4,   10, 0,  0,  1 };
    uint8_t *p, *d;
    size_t n = 0;

    p = answer_to(last.udp, 17, 8 + 240 + sizeof usual + 257);
    put32(f + 26, PEER);
    put32(f + 30, 0xffffffff);
    put16(p, 67);
    put16(p + 2, 68);
    d = p + 8;
    d[0] = 2;
    d[1] = 1;
    d[2] = 6;
    if (last.udp_len >= 14 + 20 + 8 + 8)
        memcpy(d + 4, last.udp + 42 + 4, 4);
    put32(d + 16, OURS);
    memcpy(d + 28, mac, 6);
    put32(d + 236, 0x63825363);
    memcpy(d + 240, usual, sizeof usual);
    d[242] = (uint8_t)type;
    n = 240 + sizeof usual;
    if (more)
        n += rest(d + n, 255);
    d[n++] = 255;
    put16(f + 16, (unsigned)(28 + n));
    put16(p + 4, (unsigned)(8 + n));
    return 42 + n;
}

static void arp_answer(uint32_t who, unsigned op)
{
    static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 2 };

    memset(f, 0, 60);
    memcpy(f, mac, 6);
    memcpy(f + 6, peer_mac, 6);
    put16(f + 12, 0x0806);
    memcpy(f + 14, head, sizeof head);
    f[21] = (uint8_t)op;
    memcpy(f + 22, peer_mac, 6);
    put32(f + 28, who);
    memcpy(f + 32, mac, 6);
    put32(f + 38, OURS);
}

/* ICMPv6 of any type from the router, to our link-local address or to all;
 * body: what follows the checksum. */
static size_t nd(unsigned type, const uint8_t *body, size_t n)
{
    uint8_t q[54] = { 0 }, *p;

    put16(q + 12, 0x86dd);
    q[22] = 0xff;
    q[23] = 2;
    q[37] = 1;
    memcpy(q + 38, peer_ll, 16);
    p = answer_to(q, 58, 4 + n);
    f[0] = f[1] = 0x33;
    memset(f + 2, 0, 4);
    f[5] = 1;
    p[0] = (uint8_t)type;
    memcpy(p + 4, body, n);
    return 54 + 4 + n;
}

static size_t router(bool more)
{
    uint8_t b[400] = { 64, 0, 0x07, 0x08 };
    size_t n = 12;

    b[n] = 1; /* the router's own address */
    b[n + 1] = 1;
    memcpy(b + n + 2, peer_mac, 6);
    n += 8;
    b[n] = 3; /* a prefix */
    b[n + 1] = 4;
    b[n + 2] = 64;
    b[n + 3] = 0xc0;
    put32(b + n + 4, 7200);
    put32(b + n + 8, 3600);
    memcpy(b + n + 16, far6, 8);
    b[n + 23] = 7; /* another one than far6's */
    n += 32;
    b[n] = 25; /* a name server */
    b[n + 1] = 3;
    put32(b + n + 4, 3600);
    memcpy(b + n + 8, far6, 16);
    n += 24;
    if (more)
        n += rest(b + n, 255);
    return nd(134, b, n);
}

static void some_icmp(void)
{
    size_t n = last.any_len < 14 + 60 ? last.any_len : 14 + 60;
    uint8_t b[400] = { 0 }, *p;

    switch (next(1) % 4) {
    case 0: /* what was sent last did not get there */
        if (n <= 14)
            return;
        p = answer_to(last.any, get16(last.any + 12) == 0x86dd ? 58 : 1,
                      8 + n - 14);
        p[0] = get16(last.any + 12) == 0x86dd ? 1 : 3;
        p[1] = (uint8_t)next(1);
        memcpy(p + 8, last.any + 14, n - 14);
        spoil_and_give((size_t)(p - f) + 8 + n - 14);
        return;
    case 1:
        spoil_and_give(router(true));
        return;
    case 2: /* an advertisement or a question, for the last to be asked for */
        b[0] = 0x60;
        memcpy(b + 4, get16(last.any + 12) == 0x86dd ? last.any + 62 : far6,
               16);
        n = 20 + rest(b + 20, 100);
        spoil_and_give(nd(135 + next(1) % 2, b, n));
        return;
    default:
        n = rest(b, 255);
        spoil_and_give(nd(next(1), b, n));
    }
}

static void raw(void)
{
    memset(f, 0, sizeof f);
    memcpy(f, mac, 6);
    blind = true;
    spoil_and_give(6 + rest(f + 6, 255));
}

/* What a network in order does by itself. */
static void help(void)
{
    static const uint8_t solicited[24] = { 0x60 };
    uint8_t b[28];

    if (!helpful || last.any_len < 60)
        return;
    if (get16(last.any + 12) == 0x0806 && last.any[21] == 1) {
        arp_answer(get32(last.any + 38), 2);
        last.any_len = 0;
        give(60);
    } else if (get16(last.any + 12) == 0x86dd && last.any[20] == 58 &&
               last.any[54] == 135) {
        memcpy(b, solicited, 4);
        memcpy(b + 4, last.any + 62, 16);
        b[20] = 2;
        b[21] = 1;
        memcpy(b + 22, peer_mac, 6);
        last.any_len = nd(136, b, 28);
        mend(f, last.any_len);
        give(last.any_len);
    } else if (get16(last.any + 12) == 0x86dd && last.any[54] == 133) {
        last.any_len = router(false);
        mend(f, last.any_len);
        give(last.any_len);
    } else if (last.udp_len > 42 && get16(last.udp + 36) == 67 &&
               get16(last.udp + 12) == 0x0800) {
        size_t n =
            dhcp(last.udp_len > 284 && last.udp[284] == 1 ? 2 : 5, false);

        last.udp_len = 0;
        mend(f, n);
        give(n);
    }
}

/* -------------------------------------------- what the program does ---- */

static void open_connection(unsigned how)
{
    static const uint8_t *const six[] = { far6, peer_ll };
    struct addr a = addr_v4((how & 1) != 0 ? PEER : FAR);

    if (conn.tcp != NULL)
        return;
    if ((how & 2) != 0) {
        a.len = 16;
        memcpy(a.b, six[how & 1], 16);
    }
    last.tcp_len = 0;
    conn.port = 0;
    conn.tcp = tcp_open(&a, 587);
    conn.filled = conn.got = 0;
    blind = false;
    poll();
    help();
    if (last.tcp_len == 0)
        return;
    conn.port = (uint16_t)get16(last.tcp + (a.len == 16 ? 54 : 34));
    conn.isn = get32(last.tcp + (a.len == 16 ? 58 : 38));
}

static void write_some(size_t n)
{
    size_t room = 0;
    uint8_t *p = tcp_send_buf(conn.tcp, &room);

    n = n < room ? n : room;
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(conn.filled + (uint32_t)i);
    conn.filled += (uint32_t)n;
    tcp_send_ack(conn.tcp, n);
    tcp_flush(conn.tcp);
}

static void read_some(size_t n)
{
    size_t have = 0;
    const uint8_t *p = tcp_recv_buf(conn.tcp, &have);

    n = n < have ? n : have;
    for (size_t i = 0; i < n && !blind; i++)
        MUST(p[i] == pattern(conn.got + (uint32_t)i));
    conn.got += (uint32_t)n;
    tcp_recv_ack(conn.tcp, n);
}

static void drop(void)
{
    if (conn.tcp != NULL)
        tcp_drop(conn.tcp);
    conn.tcp = NULL;
}

static void use_connection(unsigned how)
{
    if (conn.tcp == NULL)
        return;
    switch (how % 8) {
    case 0:
        drop();
        break;
    case 1:
        tcp_shut(conn.tcp);
        break;
    case 2:
    case 3:
        read_some(next(1) * 16);
        break;
    default:
        write_some(next(1) * (how % 8) * 4);
    }
    if (conn.tcp == NULL)
        return;
    MUST(tcp_unacked(conn.tcp) <= conn.filled);
    MUST((tcp_state(conn.tcp) == TCP_BROKEN) <= (tcp_error(conn.tcp) != 0));
}

static void datagrams(unsigned how)
{
    static const uint8_t question[48] = { 0x23 };
    uint8_t out[DATAGRAM_MAX];
    struct addr a = addr_v4(PEER);

    if ((how & 1) != 0)
        MUST(datagram_take(out) <= sizeof out);
    else if (datagram_open(&a, 123))
        datagram_send(question, sizeof question);
}

static void ask_name(unsigned how)
{
    static const char *const name[] = { "mail.example.org", "a", "10.0.0.1",
                                        "x..y" };
    const char *n = name[how % 4];
    struct addr a = { 0 };

    stack_dns_start(n, strlen(n), (how & 4) != 0 ? 16 : 4);
    if (stack_dns_result(&a) == STACK_DNS_FOUND)
        MUST(a.len == 4 || a.len == 16);
}

static void machine(unsigned how)
{
    switch (how % 8) {
    case 0:
        dev.full = !dev.full;
        break;
    case 1:
        dev.cable_out = !dev.cable_out;
        break;
    case 2:
        heap_fails = next(1);
        break;
    case 3:
        now += next(1) * 1000ull;
        break;
    default:
        now += next(1);
    }
    poll();
}

static void act(void)
{
    switch (next(1) % 12) {
    case 0:
        raw();
        break;
    case 1:
        some_udp();
        break;
    case 2:
        arp_answer(next(1) % 2 ? PEER : FAR, 1 + next(1) % 2);
        spoil_and_give(60);
        break;
    case 3:
        some_icmp();
        break;
    case 4:
        spoil_and_give(dhcp(next(1), true));
        break;
    case 5:
        machine(next(1));
        break;
    case 6:
        open_connection(next(1));
        break;
    case 7:
        use_connection(next(1));
        break;
    case 8:
        next(1) % 2 != 0 ? ask_name(next(1)) : datagrams(next(1));
        break;
    default:
        some_tcp();
    }
    help();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct stack_config conf = { 0 };
    unsigned how;

    state_restore();
    card_open();
    watch = sent;
    random_at = 1;
    memset(&conn, 0, sizeof conn);
    memset(&last, 0, sizeof last);
    input(data, len);
    now = 1000;
    how = next(1);
    conf.dhcp = (how & 1) != 0;
    conf.address = OURS;
    conf.netmask = 0xffffff00;
    conf.gateway = (how & 2) != 0 ? 0 : PEER;
    conf.ipv6 = with_ipv6 = (how & 4) != 0;
    helpful = (how & 8) != 0;
    if ((how & 16) == 0)
        conf.dns[0] = addr_v4(PEER);
    conf.hostname = (how & 32) != 0 ? "bootmail" : NULL;
    if (stack_start(&dev.dev, &conf, now)) {
        poll();
        help();
        while (in_left > 0)
            act();
    }
    drop();
    dev.full = true; /* what is left need not be answered */
    poll();
    datagram_close();
    heap_clear();
    return 0;
}
