/*
 * stack.c - lwIP (NO_SYS) brought up on one device: address, timers, names.
 *
 * lwIP's clock is the time the caller last gave us, so a run can be replayed.
 * Its timers are run from here (LWIP_TIMERS_CUSTOM): lwIP's own list takes
 * memory each time a timer is set again and asserts when there is none.
 *
 * The resolver stands here in lwIP's place (see dnsmsg.c for why): queries
 * go out at once and again after 1, 2, 4, 6 ... 17 s, to each server in turn;
 * after 20 s the answer is "silent". A server that fails is asked no more.
 */
#include "stack.h"

#include <stdio.h>
#include <string.h>

#include "dnsmsg.h"
#include "log.h"
#include "netdev.h"
#include "netif.h"
#include "rng.h"
#include "stack_tcp.h"

#include "arch/lwip_hooks.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/dhcp.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"

/* One poll takes at most so many frames: the caller's timers and the pump
 * run in between however fast frames come. */
#define RX_PER_POLL 64
#define DNS_PORT    53
#define TIMERS_MAX  8
#define NAK_MS      1000
#define POLL_MS     10  /* a device whose interrupt nobody is sure of */
#define LINK_MS     100 /* reading the link costs several exits of the VM */

static struct {
    struct netdev *dev;
    struct stack_config conf;
    uint64_t now;
    uint64_t nak_at;          /* when the next DHCP NAK may be heard */
    uint64_t link_at;         /* when to look at the link again              */
    uint32_t due[TIMERS_MAX]; /* of lwip_cyclic_timers[], on sys_now() */
    uint32_t dhcp_dns[2];
    uint32_t tx_full; /* stats.tx_full at the last stack_deadline()  */
    char why[120];
} self;

static struct {
    enum stack_dns result;
    uint32_t address;
    struct udp_pcb *pcb; /* only while a question is open */
    uint8_t query[DNSMSG_QUERY_MAX];
    size_t query_len;
    unsigned sent;
    uint64_t next;
    uint32_t failed[2]; /* servers that answered that they cannot */
} dns = { .result = STACK_DNS_BAD_NAME };

static uint32_t host_order(const ip4_addr_t *a)
{
    return lwip_ntohl(ip4_addr_get_u32(a));
}

/* ---------------------------------------------------- what lwIP asks ---- */

u32_t sys_now(void)
{
    return (u32_t)self.now;
}

/* RFC 6528, section 3: ISN = M + F(addresses, ports, secret), M a clock of
 * four microseconds. */
u32_t stack_tcp_isn(const ip_addr_t *local, u16_t local_port,
                    const ip_addr_t *remote, u16_t remote_port)
{
    const uint32_t id[3] = { ip4_addr_get_u32(local), ip4_addr_get_u32(remote),
                             (uint32_t)local_port << 16 | remote_port };

    return rng_keyed32(id, sizeof(id)) + (u32_t)self.now * 250u;
}

/* The part of lwIP's resolver that the rest of lwIP calls. */
void dns_init(void)
{
}

void dns_tmr(void)
{
}

void dns_setserver(u8_t n, const ip_addr_t *server)
{
    if (n < 2)
        self.dhcp_dns[n] = server != NULL ? host_order(server) : 0;
}

/* ------------------------------------------------------------ timers ---- */

static bool timer_idle(const struct lwip_cyclic_timer *t)
{
    return t->handler == dns_tmr ||
           (t->handler == tcp_tmr && tcp_active_pcbs == NULL &&
            tcp_tw_pcbs == NULL);
}

/* lwip_init() calls this */
void sys_timeouts_init(void)
{
    int i;

    for (i = 0; i < lwip_num_cyclic_timers; i++)
        self.due[i] = sys_now() + lwip_cyclic_timers[i].interval_ms;
}

/* Runs what is due. Where much was missed (the machine was paused) each
 * timer still runs once only. */
static void timers_run(void)
{
    int i;

    for (i = 0; i < lwip_num_cyclic_timers; i++) {
        const struct lwip_cyclic_timer *t = &lwip_cyclic_timers[i];

        if (timer_idle(t))
            self.due[i] = sys_now() + t->interval_ms;
        if ((int32_t)(sys_now() - self.due[i]) < 0)
            continue;
        self.due[i] += t->interval_ms;
        if ((int32_t)(sys_now() - self.due[i]) >= 0)
            self.due[i] = sys_now() + t->interval_ms;
        t->handler();
    }
}

/* ms until the next one */
static uint32_t timers_wait(void)
{
    uint32_t wait = 60000;
    int i;

    for (i = 0; i < lwip_num_cyclic_timers; i++) {
        int32_t left = (int32_t)(self.due[i] - sys_now());

        if (timer_idle(&lwip_cyclic_timers[i]))
            continue;
        if (left <= 0)
            return 0;
        if ((uint32_t)left < wait)
            wait = (uint32_t)left;
    }
    return wait;
}

/* ------------------------------------------------------------- names ---- */

/* Ten questions: where 3 of 10 packets are lost, both ways, one of them gets
 * its answer in 999 of 1,000 runs. */
static const uint16_t dns_wait_ms[] = { 1000, 1000, 2000, 2000, 2000,
                                        2000, 2000, 2000, 3000, 3000 };
#define DNS_TRIES (sizeof(dns_wait_ms) / sizeof(dns_wait_ms[0]))

/* The servers worth asking, in order; returns how many. */
static unsigned dns_servers(uint32_t out[2])
{
    bool given = self.conf.dns[0] != 0 || self.conf.dns[1] != 0;
    const uint32_t *list = given ? self.conf.dns : self.dhcp_dns;
    unsigned n = 0, i;

    for (i = 0; i < 2; i++)
        if (list[i] != 0 && list[i] != dns.failed[0] &&
            list[i] != dns.failed[1])
            out[n++] = list[i];
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

    dns.pcb = udp_new();
    if (dns.pcb == NULL)
        return false;
    for (i = 0; i < 16; i++) {
        u16_t port = (u16_t)(1024u + rng_u32() % (65536u - 1024u));

        if (udp_bind(dns.pcb, IP4_ADDR_ANY, port) == ERR_OK) {
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
    uint32_t server[2];
    unsigned n = dns_servers(server);
    bool failed = dns.failed[0] != 0;
    struct pbuf *p;
    ip_addr_t to;

    if (n == 0 || dns.sent == DNS_TRIES) {
        dns_done(failed ? STACK_DNS_FAILED : STACK_DNS_SILENT);
        return;
    }
    ip_addr_set_ip4_u32(&to, lwip_htonl(server[dns.sent % n]));
    dns.next = self.now + dns_wait_ms[dns.sent++];
    if (dns.pcb == NULL && !dns_open_port())
        return;
    p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)dns.query_len, PBUF_RAM);
    if (p == NULL)
        return; /* as if lost: there is a next time */
    pbuf_take(p, dns.query, (u16_t)dns.query_len);
    udp_sendto(dns.pcb, p, &to, DNS_PORT);
    pbuf_free(p);
}

static void dns_server_failed(uint32_t server)
{
    dns.failed[dns.failed[0] != 0] = server;
    dns_ask();
}

/* RFC 5452: the reply must come from a server that was asked, to our random
 * port, with our random id and our question (dnsmsg_reply()). */
static void dns_input(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                      const ip_addr_t *from, u16_t port)
{
    uint32_t server[2], address = 0;
    unsigned n = dns_servers(server), i;
    bool known = false;

    (void)arg;
    (void)pcb;
    for (i = 0; i < n; i++)
        known = known || server[i] == host_order(ip_2_ip4(from));
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
            dns_server_failed(host_order(ip_2_ip4(from)));
            break;
        case DNSMSG_IGNORE:
            break;
        }
    }
    pbuf_free(p);
}

/* "192.0.2.1", nothing shorter and no octal (RFC 6943, section 3.1.1) */
static bool dotted_quad(const char *s, size_t len, uint32_t *out)
{
    uint32_t value = 0, part = 0;
    unsigned digits = 0, parts = 0;
    size_t i;

    for (i = 0; i <= len; i++) {
        if (i == len || s[i] == '.') {
            if (digits == 0 || ++parts > 4)
                return false;
            value = value << 8 | part;
            part = digits = 0;
        } else {
            if (s[i] < '0' || s[i] > '9' || (digits != 0 && part == 0))
                return false;
            part = part * 10 + (uint32_t)(s[i] - '0');
            digits++;
            if (part > 255)
                return false;
        }
    }
    *out = value;
    return parts == 4;
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

enum stack_dns stack_dns_start(const char *name, size_t len)
{
    dns_done(STACK_DNS_BAD_NAME);
    dns.sent = 0;
    dns.failed[0] = dns.failed[1] = 0;
    if (dotted_quad(name, len, &dns.address))
        dns.result = STACK_DNS_FOUND;
    dns.query_len = dnsmsg_query(dns.query, (uint16_t)rng_u32(), name, len);
    if (dns.result == STACK_DNS_FOUND || dns.query_len == 0 ||
        last_label_numeric(name, len))
        return dns.result;
    dns.result = STACK_DNS_PENDING;
    dns_ask();
    return dns.result;
}

enum stack_dns stack_dns_result(uint32_t *address)
{
    if (dns.result == STACK_DNS_FOUND)
        *address = dns.address;
    return dns.result;
}

/* ---------------------------------------------------- the stack itself -- */

static void set_static_address(void)
{
    ip4_addr_t a, m, g;

    ip4_addr_set_u32(&a, lwip_htonl(self.conf.address));
    ip4_addr_set_u32(&m, lwip_htonl(self.conf.netmask));
    ip4_addr_set_u32(&g, lwip_htonl(self.conf.gateway));
    netif_set_addr(netif_default, &a, &m, &g);
}

static void follow_link(void)
{
    bool up;

    if (self.now < self.link_at)
        return;
    self.link_at = self.now + LINK_MS;
    up = self.dev->ops->link_up(self.dev);
    if (up && !netif_is_link_up(netif_default))
        netif_set_link_up(netif_default);
    else if (!up && netif_is_link_up(netif_default))
        netif_set_link_down(netif_default);
}

/* lwIP repeats a lost DISCOVER or REQUEST after 2, 4, 8 ... 60 s and lets
 * nobody say otherwise. A switch port that has just come up loses the first
 * as a rule, and the caller waits half a minute at most: 1, 2, 2 ... s. Its
 * timer counts half seconds. */
static void hurry_dhcp(void)
{
    struct dhcp *d = netif_dhcp_data(netif_default);
    unsigned limit;

    if (d == NULL ||
        (d->state != DHCP_STATE_SELECTING && d->state != DHCP_STATE_REQUESTING))
        return;
    limit = d->tries < 2 ? 2 : 4;
    if (d->request_timeout > limit)
        d->request_timeout = (u16_t)limit;
}

/* Every good frame, before lwIP has it. False: lwIP shall not. lwIP answers
 * a NAK with a DISCOVER at once, and a server that always says NAK would keep
 * both busy at full speed: one in a second is heard. */
static bool look(const uint8_t *frame, size_t len)
{
    const struct dhcp *d = netif_dhcp_data(netif_default);
    struct frame_unreach what;
    uint32_t xid;

    if (frame_unreachable(frame, len, &what))
        tcp_unreachable(&what);
    if (d == NULL || !frame_dhcp_nak(frame, len, &xid) || xid != d->xid)
        return true;
    if (self.now < self.nak_at)
        return false;
    log_say("the DHCP server refuses the address it offered");
    self.nak_at = self.now + NAK_MS;
    return true;
}

bool stack_start(struct netdev *dev, const struct stack_config *conf,
                 uint64_t now_ms)
{
    self.dev = dev;
    self.conf = *conf;
    self.now = now_ms;
    self.link_at = now_ms;
    lwip_init();
    if (!netif_start(dev, conf->hostname))
        return false;
    if (!conf->dhcp)
        set_static_address();
    follow_link();
    return !conf->dhcp || dhcp_start(netif_default) == ERR_OK;
}

bool stack_poll(uint64_t now_ms)
{
    struct netif_stats was = netif_stats(), is;
    enum stack_dns question = dns.result;
    uint32_t events = tcp_events(), address = stack_address();

    self.now = now_ms;
    follow_link();
    netif_receive(RX_PER_POLL, look);
    hurry_dhcp();
    timers_run();
    if (dns.result == STACK_DNS_PENDING && now_ms >= dns.next)
        dns_ask();
    tcp_service();
    is = netif_stats();
    return is.rx != was.rx || is.tx != was.tx || dns.result != question ||
           tcp_events() != events || stack_address() != address;
}

uint64_t stack_deadline(uint64_t now_ms)
{
    uint64_t at;

    self.now = now_ms;
    tcp_before_sleep();
    at = now_ms + timers_wait();
    if (dns.result == STACK_DNS_PENDING && dns.next < at)
        at = dns.next;
    /* a cable that was put in must not wait for some other timer */
    if (!netif_is_link_up(netif_default) && self.link_at < at)
        at = self.link_at;
    /* no interrupt tells that the device has room to send again */
    if (netif_stats().tx_full != self.tx_full)
        at = now_ms + 1;
    self.tx_full = netif_stats().tx_full;
    if (self.dev->polled && at > now_ms + POLL_MS)
        at = now_ms + POLL_MS;
    if (self.dev->dead == NULL && self.dev->ops->arm(self.dev))
        at = now_ms;
    return at < now_ms ? now_ms : at;
}

enum stack_link stack_link(void)
{
    uint32_t ours = stack_address(), want = self.conf.source_ip;

    if (self.dev->dead != NULL)
        return STACK_DEAD;
    if (!netif_is_link_up(netif_default))
        return STACK_LINK_DOWN;
    if (ours == 0)
        return STACK_NO_ADDRESS;
    return want != 0 && want != ours ? STACK_DEAD : STACK_UP;
}

const char *stack_why(void)
{
    uint32_t a = stack_address(), s = self.conf.source_ip;

    if (self.dev->dead != NULL)
        return self.dev->dead;
    if (stack_link() != STACK_DEAD)
        return "";
    snprintf(self.why, sizeof(self.why),
             "source_ip %u.%u.%u.%u is not this machine's address, which is "
             "%u.%u.%u.%u",
             (unsigned)(s >> 24), (unsigned)(s >> 16 & 255),
             (unsigned)(s >> 8 & 255), (unsigned)(s & 255), (unsigned)(a >> 24),
             (unsigned)(a >> 16 & 255), (unsigned)(a >> 8 & 255),
             (unsigned)(a & 255));
    return self.why;
}

uint32_t stack_address(void)
{
    return host_order(netif_ip4_addr(netif_default));
}

uint32_t stack_gateway(void)
{
    return host_order(netif_ip4_gw(netif_default));
}

uint32_t stack_dns_server(void)
{
    const uint32_t *c = self.conf.dns;

    if (c[0] != 0 || c[1] != 0)
        return c[0] != 0 ? c[0] : c[1];
    return self.dhcp_dns[0] != 0 ? self.dhcp_dns[0] : self.dhcp_dns[1];
}

bool stack_routable(uint32_t address)
{
    uint32_t ours = stack_address();
    uint32_t mask = host_order(netif_ip4_netmask(netif_default));
    uint32_t first = address >> 24;

    /* this network, loopback, multicast and above; ourselves */
    if (ours == 0 || first == 0 || first == 127 || first >= 224 ||
        address == ours)
        return false;
    if ((address & mask) != (ours & mask))
        return stack_gateway() != 0;
    /* the subnet's own and its broadcast address (RFC 3021: not on a /31) */
    return mask >= 0xfffffffe ||
           ((address & ~mask) != 0 && (address & ~mask) != ~mask);
}

bool stack_reachable(uint32_t address)
{
    const ip4_addr_t *found;
    struct eth_addr *mac;
    ip4_addr_t hop;

    ip4_addr_set_u32(&hop, lwip_htonl(address));
    if (!ip4_addr_net_eq(&hop, netif_ip4_addr(netif_default),
                         netif_ip4_netmask(netif_default)))
        hop = *netif_ip4_gw(netif_default);
    return etharp_find_addr(netif_default, &hop, &mac, &found) >= 0;
}

/* ------------------------------------- options that must really be so --- */

/* A TLS record of 16 KiB must fit the window, or both sides wait for ever. */
_Static_assert(TCP_WND > 16384 + 2048 + 5, "TCP_WND holds a TLS record");
_Static_assert(TCP_WND <= 0xffff && TCP_SND_BUF <= 0xffff, "no scaling");
_Static_assert(TCP_SND_QUEUELEN >= 2 * (TCP_SND_BUF / TCP_MSS), "queue");
/* A full window in full segments, and all of the out-of-order queue, fit
 * what netif.c lends at once: a hole can always be filled. ~100 bytes: the
 * headers in front of the payload and of the block. */
_Static_assert((TCP_WND / TCP_MSS + TCP_OOSEQ_MAX_PBUFS) * (TCP_MSS + 150) <=
                   NETIF_RX_BYTES,
               "received frames fit");
_Static_assert(NETIF_RX_BYTES + TCP_CONNECTIONS * TCP_SND_QUEUELEN * 208 +
                       10240 + 80 * 1024 <=
                   HEAP_LIMIT,
               "lwIP at its worst leaves TLS its share");
_Static_assert(LWIP_DHCP_DOES_ACD_CHECK == 0, "no wait before the lease");
_Static_assert(LWIP_TCP_RTO_TIME == 1000 && TCP_SLOW_INTERVAL == 100, "RTO");
_Static_assert(LWIP_IPV6 == 0 && IP_FORWARD == 0 && IP_REASSEMBLY == 0 &&
                   IP_OPTIONS_ALLOWED == 0 && LWIP_IGMP == 0,
               "nothing that answers or collects");
_Static_assert(CHECKSUM_CHECK_IP &&CHECKSUM_CHECK_TCP &&CHECKSUM_CHECK_UDP
                   &&CHECKSUM_CHECK_ICMP &&CHECKSUM_GEN_IP &&CHECKSUM_GEN_TCP,
               "checksums on");
_Static_assert(LWIP_TIMERS_CUSTOM == 1, "timers need no memory");
_Static_assert(sizeof(((struct netdev *)0)->mac) == ETH_HWADDR_LEN, "MAC");
