/* sources: net/netif.c net/frame.c net/stack.c net/stack6.c net/tcp.c
 * net/resolver.c net/dnsmsg.c net/addr.c
 * kernel/heap.c kernel/log.c kernel/panic.c */
/* includes: net kernel board */
/* libs: lwip */
/*
 * test_resolver.c - questions as they go out, when and to whom, and which
 * answers are believed (RFC 1035, 5452).
 */
#include "wire4.h"

#define OTHER  (PEER + 1) /* the second name server */
#define NOBODY (PEER + 2)

static struct {
    unsigned count;
    uint64_t at[40];
    uint32_t to[40];
    uint8_t bytes[300];
    size_t len;
    unsigned port; /* ours */
} asked;

static void see(void)
{
    const uint8_t *udp = dev.tx + 34;

    if (get16(dev.tx + 12) != 0x0800 || dev.tx[23] != 17 ||
        get16(udp + 2) != 53)
        return;
    asked.at[asked.count % 40] = now;
    asked.to[asked.count % 40] =
        (uint32_t)get16(dev.tx + 30) << 16 | get16(dev.tx + 32);
    asked.count++;
    asked.port = get16(udp);
    asked.len = get16(udp + 4) - 8u;
    memcpy(asked.bytes, udp + 8, asked.len);
}

static enum stack_dns ask(const char *name, unsigned family)
{
    struct addr none;

    settings.dns[1] = addr_v4(OTHER);
    start();
    known(PEER);
    known(OTHER);
    watch = see;
    asked.count = 0;
    stack_dns_start(name, strlen(name), family);
    return stack_dns_result(&none);
}

static enum stack_dns result(void)
{
    struct addr a;

    return stack_dns_result(&a);
}

/* The last question answered by from, with this code; an address if size is
 * not 0. */
static size_t answer(uint8_t *f, uint32_t from, uint8_t rcode, unsigned size)
{
    static const uint8_t record[12] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0 };
    uint8_t m[400] = { 0 };
    size_t n = asked.len, len;

    memcpy(m, asked.bytes, n);
    m[2] = 0x81;
    m[3] = 0x80 | rcode;
    if (size != 0) {
        m[7] = 1;
        memcpy(m + n, record, sizeof(record));
        m[n + 3] = size == 16 ? 28 : 1;
        m[n + 11] = (uint8_t)size;
        memset(m + n + 12, 7, size);
        n += 12 + size;
    }
    len = udp_frame(f, 53, asked.port, m, n);
    put32(f + 26, from);
    fix(f, len);
    return len;
}

static void pass(unsigned ms)
{
    while (ms-- != 0) {
        now++;
        if (stack_deadline(now) <= now || now % 50 == 0)
            stack_poll(now);
    }
}

/* At 0, 1, 2, 4, 6 ... 17 s, to each in turn; 20 s end it. */
static void silence(void)
{
    static const unsigned s[] = { 0, 1, 2, 4, 6, 8, 10, 12, 14, 17 };
    uint64_t first;

    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    first = now;
    pass(19900);
    CHECK_EQ(result(), STACK_DNS_PENDING);
    CHECK_EQ(asked.count, 10);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(asked.at[i] - first - s[i] * 1000ull <= 50);
        CHECK_EQ(asked.to[i], i % 2 == 0 ? PEER : OTHER);
    }
    pass(200);
    CHECK_EQ(result(), STACK_DNS_SILENT);
    pass(5000);
    CHECK_EQ(asked.count, 10);
}

static unsigned arps[2]; /* for PEER, for OTHER */
static unsigned last_of_mac;

static void count_arps(void)
{
    arps[0] += is_arp_for(PEER);
    arps[1] += is_arp_for(OTHER);
    if (get16(dev.tx + 12) == 0x0800)
        last_of_mac = dev.tx[5];
    see();
}

/* A server that does not answer may have another MAC by now (RFC 1122,
 * 2.3.2.1): it is asked for with each question to it but the first. */
static void another_mac(void)
{
    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    watch = count_arps;
    arps[0] = arps[1] = 0;
    pass(1500);
    CHECK_EQ(arps[0] + arps[1], 0);
    pass(1000);
    CHECK_EQ(arps[0], 1);
    CHECK_EQ(arps[1], 0);
    moved(PEER, 0x99);
    pass(2000);
    CHECK_EQ(arps[1], 1);
    pass(2000);
    CHECK_EQ(asked.to[4], PEER);
    CHECK_EQ(last_of_mac, 0x99);
    known(PEER);
}

static void found(void)
{
    uint8_t f[500];
    struct addr a = { 0 };

    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    CHECK_MEM(asked.bytes + 12, 18, "\4mail\7example\3org", 18);
    give(f, answer(f, PEER, 0, 4));
    CHECK_EQ(stack_dns_result(&a), STACK_DNS_FOUND);
    CHECK_MEM(a.b, a.len, "\7\7\7\7", 4);
    CHECK(stack_deadline(now) > now);

    CHECK_EQ(ask("mail.example.org.", 16), STACK_DNS_PENDING);
    CHECK_EQ(asked.bytes[asked.len - 3], 28); /* AAAA */
    give(f, answer(f, OTHER, 0, 16)); /* late, from the other: as good */
    CHECK_EQ(stack_dns_result(&a), STACK_DNS_FOUND);
    CHECK_EQ(a.len, 16);

    CHECK_EQ(ask("nobody.example.org", 4), STACK_DNS_PENDING);
    give(f, answer(f, PEER, 3, 0));
    CHECK_EQ(result(), STACK_DNS_NOT_FOUND);
    CHECK_EQ(ask("empty.example.org", 4), STACK_DNS_PENDING);
    give(f, answer(f, PEER, 0, 0));
    CHECK_EQ(result(), STACK_DNS_NOT_FOUND);
}

/* One that cannot is asked no more; when none is left that is the answer. */
static void failing(void)
{
    uint8_t f[500];

    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    give(f, answer(f, PEER, 2, 0));
    CHECK_EQ(result(), STACK_DNS_PENDING);
    CHECK_EQ(asked.count, 2); /* at once */
    CHECK_EQ(asked.to[1], OTHER);
    pass(8000);
    for (unsigned i = 1; i < asked.count; i++)
        CHECK_EQ(asked.to[i], OTHER);
    give(f, answer(f, OTHER, 5, 0));
    CHECK_EQ(result(), STACK_DNS_FAILED);

    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    CHECK_EQ(asked.to[0], PEER); /* a new question, a new start */
    give(f, answer(f, PEER, 2, 0));
    give(f, answer(f, OTHER, 0, 4));
    CHECK_EQ(result(), STACK_DNS_FOUND);

    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    give(f, answer(f, PEER, 2, 0));
    pass(20000); /* the other is silent: what one said counts */
    CHECK_EQ(result(), STACK_DNS_FAILED);
}

/* RFC 5452: another sender, port, id or question is somebody else's. */
static void forged(void)
{
    uint8_t f[500];
    size_t len;
    unsigned port;

    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    port = asked.port;
    CHECK(port >= 1024);
    give(f, answer(f, NOBODY, 0, 4));
    CHECK_EQ(result(), STACK_DNS_PENDING);
    len = answer(f, PEER, 0, 4);
    put16(f + 34, 54);
    fix(f, len);
    give(f, len);
    CHECK_EQ(result(), STACK_DNS_PENDING);
    for (unsigned at = 42; at < 42 + 31; at += 15) { /* id, name */
        len = answer(f, PEER, 0, 4);
        f[at] ^= 1;
        fix(f, len);
        give(f, len);
        CHECK_EQ(result(), STACK_DNS_PENDING);
    }
    asked.port = port ^ 1;
    give(f, answer(f, PEER, 0, 4));
    CHECK_EQ(result(), STACK_DNS_PENDING);
    asked.port = port;
    give(f, answer(f, PEER, 0, 4));
    CHECK_EQ(result(), STACK_DNS_FOUND);
    CHECK_EQ(ask("mail.example.org", 4), STACK_DNS_PENDING);
    CHECK(asked.port != port);
}

static void names(void)
{
    static const char *const bad[] = { "",     ".",          "a..b",
                                       "-a b", "1.2.3",      "1.2.3.256",
                                       "a.5.", "h\xc3\xb6st" };
    struct addr a = { 0 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(ask(bad[i], 4), STACK_DNS_BAD_NAME);
        CHECK_EQ(asked.count, 0);
    }
    CHECK_EQ(ask("10.1.2.3", 4), STACK_DNS_FOUND);
    CHECK_EQ(stack_dns_result(&a), STACK_DNS_FOUND);
    CHECK_MEM(a.b, a.len, "\12\1\2\3", 4);
    CHECK_EQ(ask("fe80::1", 4), STACK_DNS_FOUND);
    CHECK_EQ(asked.count, 0);
    CHECK_EQ(ask("a-1", 4), STACK_DNS_PENDING);
}

static const struct check_case cases[] = {
    { "silence", silence }, { "another_mac", another_mac }, { "found", found },
    { "failing", failing }, { "forged", forged },           { "names", names },
};

CHECK_MAIN(cases)
