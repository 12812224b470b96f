/*
 * stack.c - lwIP (NO_SYS) brought up on one device: address, timers, names.
 *
 * lwIP's clock is the time the caller last gave us, so a run can be replayed.
 * Its timers are run from here (LWIP_TIMERS_CUSTOM): lwIP's own list takes
 * memory each time a timer is set again and asserts when there is none.
 */
#include "stack.h"

#include <stdio.h>
#include <string.h>

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

/* One poll takes at most so many frames: the caller's timers and the pump
 * run in between however fast frames come. */
#define RX_PER_POLL 64
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
    struct addr dhcp_dns[2], ra_dns[2];
    uint32_t tx_full; /* stats.tx_full at the last stack_deadline()  */
    char why[120];
} self;

static uint32_t host_order(const ip4_addr_t *a)
{
    return lwip_ntohl(ip4_addr_get_u32(a));
}

ip_addr_t stack_to_lwip(const struct addr *a)
{
    ip_addr_t out = *IP4_ADDR_ANY;

    if (a->len == 16) {
        memcpy(ip_2_ip6(&out)->addr, a->b, 16);
        IP_SET_TYPE(&out, IPADDR_TYPE_V6);
    } else {
        ip_addr_set_ip4_u32(&out, lwip_htonl(addr_to_v4(a)));
    }
    return out;
}

struct addr stack_from_lwip(const ip_addr_t *a)
{
    struct addr out = { .len = 16 };

    if (IP_IS_V4(a))
        return addr_v4(host_order(ip_2_ip4(a)));
    memcpy(out.b, ip_2_ip6(a)->addr, 16);
    return out;
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
    struct {
        struct addr local, remote;
        uint16_t ports[2];
    } id;

    memset(&id, 0, sizeof(id)); /* padding is hashed as well */
    id.local = stack_from_lwip(local);
    id.remote = stack_from_lwip(remote);
    id.ports[0] = local_port;
    id.ports[1] = remote_port;
    return rng_keyed32(&id, sizeof(id)) + (u32_t)self.now * 250u;
}

/* The part of lwIP's resolver that the rest of lwIP calls. */
void dns_init(void)
{
}

void dns_tmr(void)
{
}

/* From DHCP's options, and from a router's (RFC 8106). */
void dns_setserver(u8_t n, const ip_addr_t *server)
{
    struct addr a = { 0 };

    if (server != NULL)
        a = stack_from_lwip(server);
    if (n < 2 && a.len == 16)
        self.ra_dns[n] = a;
    else if (n < 2)
        self.dhcp_dns[n] = a;
}

/* A router takes its own back; ours stay until it names others. */
const ip_addr_t *dns_getserver(u8_t n)
{
    (void)n;
    return IP4_ADDR_ANY;
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
    if (up && !netif_is_link_up(netif_default)) {
        netif_set_link_up(netif_default);
        if (self.conf.ipv6)
            stack6_start();
    } else if (!up && netif_is_link_up(netif_default)) {
        netif_set_link_down(netif_default);
    }
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

    if (frame_is_ipv6(frame) && !self.conf.ipv6)
        return false;
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
    else if (dhcp_start(netif_default) != ERR_OK)
        return false;
    follow_link(); /* what waited for it goes out, DHCP's question first */
    return true;
}

bool stack_poll(uint64_t now_ms)
{
    struct netif_stats was = netif_stats(), is;
    enum stack_dns question = resolver_result();
    uint32_t events = tcp_events();
    struct addr a4 = stack_address(4), a6 = stack_address(16), b4, b6;

    self.now = now_ms;
    follow_link();
    netif_receive(RX_PER_POLL, look);
    hurry_dhcp();
    if (self.conf.ipv6)
        stack6_hurry();
    timers_run();
    resolver_run(now_ms);
    tcp_service();
    is = netif_stats();
    b4 = stack_address(4);
    b6 = stack_address(16);
    return is.rx != was.rx || is.tx != was.tx ||
           resolver_result() != question || tcp_events() != events ||
           !addr_same(&a4, &b4) || !addr_same(&a6, &b6);
}

uint64_t stack_deadline(uint64_t now_ms)
{
    uint64_t at;

    self.now = now_ms;
    tcp_before_sleep();
    at = now_ms + timers_wait();
    if (resolver_deadline() < at)
        at = resolver_deadline();
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

/* Is there a name server of that family to ask? */
static bool has_server(unsigned len)
{
    const struct addr *s;
    unsigned i;

    for (i = 0; (s = stack_dns_list(i)) != NULL; i++)
        if (s->len == len)
            return true;
    return false;
}

enum stack_link stack_link(void)
{
    struct addr ours = stack_address(4), want = addr_v4(self.conf.source_ip);

    if (self.dev->dead != NULL)
        return STACK_DEAD;
    if (!netif_is_link_up(netif_default))
        return STACK_LINK_DOWN;
    if (ours.len != 0 && want.len != 0 && !addr_same(&want, &ours))
        return STACK_DEAD;
    if (ours.len != 0)
        return STACK_UP;
    /* without a name server of its own IPv6 waits for what DHCP will say */
    return want.len == 0 && stack_address(16).len != 0 && has_server(16)
               ? STACK_UP
               : STACK_NO_ADDRESS;
}

const char *stack_why(void)
{
    struct addr ours = stack_address(4), want = addr_v4(self.conf.source_ip);
    struct addr_text a = addr_text(&ours), s = addr_text(&want);

    if (self.dev->dead != NULL)
        return self.dev->dead;
    if (stack_link() != STACK_DEAD)
        return "";
    snprintf(self.why, sizeof(self.why),
             "source_ip %s is not this machine's address, which is %s", s.s,
             a.s);
    return self.why;
}

struct addr stack_address(unsigned len)
{
    struct addr a = { 0 };

    if (len != 16)
        a = addr_v4(host_order(netif_ip4_addr(netif_default)));
    if (len != 4 && a.len == 0 && self.conf.ipv6)
        stack6_address(&a);
    return a;
}

uint32_t stack_gateway(void)
{
    return host_order(netif_ip4_gw(netif_default));
}

const struct addr *stack_dns_list(unsigned n)
{
    bool given = self.conf.dns[0].len != 0 || self.conf.dns[1].len != 0;

    if (given)
        return n < 2 ? &self.conf.dns[n] : NULL;
    return n < 2 ? &self.dhcp_dns[n] : n < 4 ? &self.ra_dns[n - 2] : NULL;
}

struct addr stack_dns_server(void)
{
    const struct addr *s, none = { 0 };
    unsigned i;

    for (i = 0; (s = stack_dns_list(i)) != NULL; i++)
        if (s->len != 0)
            return *s;
    return none;
}

static bool routable4(uint32_t address)
{
    uint32_t ours = host_order(netif_ip4_addr(netif_default));
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

bool stack_routable(const struct addr *a)
{
    if (a->len == 16)
        return self.conf.ipv6 && stack6_routable(a);
    return routable4(addr_to_v4(a));
}

/* The neighbour that packets for this address go through. */
static ip4_addr_t next_hop(const struct addr *a)
{
    ip4_addr_t hop;

    ip4_addr_set_u32(&hop, lwip_htonl(addr_to_v4(a)));
    if (!ip4_addr_net_eq(&hop, netif_ip4_addr(netif_default),
                         netif_ip4_netmask(netif_default)))
        hop = *netif_ip4_gw(netif_default);
    return hop;
}

/* Has it answered ARP? If not, lwIP is asking. */
static bool is_known(const ip4_addr_t *hop)
{
    const ip4_addr_t *found;
    struct eth_addr *mac;

    return etharp_find_addr(netif_default, hop, &mac, &found) >= 0;
}

bool stack_reachable(const struct addr *a)
{
    ip4_addr_t hop;

    if (a->len == 16)
        return true;
    hop = next_hop(a);
    return is_known(&hop);
}

void stack_doubt(const struct addr *a)
{
    ip4_addr_t hop;

    if (a->len == 16) {
        stack6_doubt(a);
        return;
    }
    hop = next_hop(a);
    if (is_known(&hop))
        etharp_request(netif_default, &hop);
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
_Static_assert(IP_FORWARD == 0 && IP_REASSEMBLY == 0 && LWIP_IGMP == 0 &&
                   IP_OPTIONS_ALLOWED == 0 && LWIP_IPV6_FORWARD == 0 &&
                   LWIP_IPV6_REASS == 0 && LWIP_IPV6_FRAG == 0,
               "nothing that answers or collects");
_Static_assert(CHECKSUM_CHECK_IP &&CHECKSUM_CHECK_TCP &&CHECKSUM_CHECK_UDP
                   &&CHECKSUM_CHECK_ICMP &&CHECKSUM_GEN_IP &&CHECKSUM_GEN_TCP,
               "checksums on");
_Static_assert(LWIP_TIMERS_CUSTOM == 1, "timers need no memory");
_Static_assert(sizeof(((struct netdev *)0)->mac) == ETH_HWADDR_LEN, "MAC");
