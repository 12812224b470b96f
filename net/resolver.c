/*
 * resolver.c - names to addresses, in the place of lwIP's resolver (see
 * dnsmsg.c for why): queries go out at once and again after 1, 2, 4, 6 ... 17
 * s, to each server in turn; after 20 s the answer is "silent", after three
 * if there is no server to ask. A server that fails is asked no more.
 */
#include "dnsmsg.h"
#include "rng.h"
#include "stack.h"
#include "stack_tcp.h"

#include "lwip/udp.h"

#define DNS_PORT 53
#define SERVERS  4 /* two of each family */

static struct {
    enum stack_dns result;
    uint64_t now; /* when we were last called */
    struct addr address;
    struct udp_pcb *pcb; /* only while a question is open */
    uint8_t query[DNSMSG_QUERY_MAX];
    size_t query_len;
    unsigned sent;
    uint64_t begun, next;
    struct addr failed[SERVERS]; /* those that answered that they cannot */
    unsigned failures;
} dns = { .result = STACK_DNS_BAD_NAME };

/* Ten questions: where 3 of 10 packets are lost, both ways, one of them gets
 * its answer in 999 of 1,000 runs. */
static const uint16_t dns_wait_ms[] = { 1000, 1000, 2000, 2000, 2000,
                                        2000, 2000, 2000, 3000, 3000 };
#define DNS_TRIES (sizeof(dns_wait_ms) / sizeof(dns_wait_ms[0]))

/* With both families one address may be there before the other, and only that
 * one leads to a server: for so long it is waited for, looking so often. */
#define SERVER_WAIT_MS 3000
#define SERVER_LOOK_MS 50

static bool dns_has_failed(const struct addr *server)
{
    unsigned i;

    for (i = 0; i < dns.failures; i++)
        if (addr_same(&dns.failed[i], server))
            return true;
    return false;
}

/* The servers worth asking, in order; returns how many. */
static unsigned dns_servers(struct addr out[SERVERS])
{
    const struct addr *s;
    unsigned n = 0, i;

    for (i = 0; (s = stack_dns_list(i)) != NULL; i++)
        if (s->len != 0 && stack_address(s->len).len != 0 && !dns_has_failed(s))
            out[n++] = *s;
    return n;
}

static void dns_done(enum stack_dns result)
{
    if (dns.pcb != NULL)
        udp_remove(dns.pcb);
    dns.pcb = NULL;
    dns.result = result;
}

static void dns_input(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                      const ip_addr_t *from, u16_t port);

/* A port nobody can guess; lwIP says which are taken. */
static bool dns_open_port(void)
{
    unsigned i;

    dns.pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (dns.pcb == NULL)
        return false;
    for (i = 0; i < 16; i++) {
        u16_t port = (u16_t)(1024u + rng_u32() % (65536u - 1024u));

        if (udp_bind(dns.pcb, IP_ANY_TYPE, port) == ERR_OK) {
            udp_recv(dns.pcb, dns_input, NULL);
            return true;
        }
    }
    udp_remove(dns.pcb);
    dns.pcb = NULL;
    return false;
}

/* Asks the next server; without one left to ask, the question ends. */
static void dns_ask(void)
{
    struct addr server[SERVERS];
    unsigned n = dns_servers(server);
    struct pbuf *p;
    ip_addr_t to;

    if (n == 0 && dns.sent == 0 && dns.failures == 0 &&
        dns.now < dns.begun + SERVER_WAIT_MS) {
        dns.next = dns.now + SERVER_LOOK_MS;
        return;
    }
    if (n == 0 || dns.sent == DNS_TRIES) {
        dns_done(dns.failures != 0 ? STACK_DNS_FAILED : STACK_DNS_SILENT);
        return;
    }
    to = stack_to_lwip(&server[dns.sent % n]);
    if (dns.sent >= n)
        stack_doubt(&server[dns.sent % n]);
    dns.next = dns.now + dns_wait_ms[dns.sent++];
    if (dns.pcb == NULL && !dns_open_port())
        return;
    p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)dns.query_len, PBUF_RAM);
    if (p == NULL)
        return; /* as if lost: there is a next time */
    pbuf_take(p, dns.query, (u16_t)dns.query_len);
    udp_sendto(dns.pcb, p, &to, DNS_PORT);
    pbuf_free(p);
}

static void dns_server_failed(const struct addr *server)
{
    if (dns.failures < SERVERS)
        dns.failed[dns.failures++] = *server;
    dns_ask();
}

/* RFC 5452: the reply must come from a server that was asked, to our random
 * port, with our random id and our question (dnsmsg_reply()). */
static void dns_input(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                      const ip_addr_t *from, u16_t port)
{
    struct addr server[SERVERS], address = { 0 };
    struct addr peer = stack_from_lwip(from);
    unsigned n = dns_servers(server), i;
    bool known = false;

    (void)arg;
    (void)pcb;
    for (i = 0; i < n; i++)
        known = known || addr_same(&server[i], &peer);
    /* frames arrive as one piece (netif.c) */
    if (known && port == DNS_PORT && p->next == NULL) {
        switch (dnsmsg_reply(dns.query, dns.query_len, p->payload, p->len,
                             &address)) {
        case DNSMSG_ADDRESS:
            dns.address = address;
            dns_done(STACK_DNS_FOUND);
            break;
        case DNSMSG_NONE:
            dns_done(STACK_DNS_NOT_FOUND);
            break;
        case DNSMSG_FAILED:
            dns_server_failed(&peer);
            break;
        case DNSMSG_IGNORE:
            break;
        }
    }
    pbuf_free(p);
}

/* RFC 3696, section 2: no top-level domain is all digits, so "1.2.3" or
 * "1.2.3.256" is a mistyped address and not a name. */
static bool last_label_numeric(const char *s, size_t len)
{
    if (len != 0 && s[len - 1] == '.')
        len--;
    while (len != 0 && s[len - 1] >= '0' && s[len - 1] <= '9')
        len--;
    return len == 0 || s[len - 1] == '.';
}

enum stack_dns stack_dns_start(const char *name, size_t len, unsigned family)
{
    dns_done(STACK_DNS_BAD_NAME);
    dns.sent = dns.failures = 0;
    if (addr_parse(name, len, &dns.address))
        return dns.result = STACK_DNS_FOUND;
    dns.query_len =
        dnsmsg_query(dns.query, (uint16_t)rng_u32(),
                     family == 16 ? DNSMSG_AAAA : DNSMSG_A, name, len);
    if (dns.query_len == 0 || last_label_numeric(name, len))
        return dns.result;
    dns.result = STACK_DNS_PENDING;
    dns.begun = dns.now;
    dns_ask();
    return dns.result;
}

enum stack_dns stack_dns_result(struct addr *address)
{
    if (dns.result == STACK_DNS_FOUND)
        *address = dns.address;
    return dns.result;
}

enum stack_dns resolver_result(void)
{
    return dns.result;
}

void resolver_run(uint64_t now_ms)
{
    dns.now = now_ms;
    if (dns.result == STACK_DNS_PENDING && now_ms >= dns.next)
        dns_ask();
}

uint64_t resolver_deadline(void)
{
    return dns.result == STACK_DNS_PENDING ? dns.next : UINT64_MAX;
}
