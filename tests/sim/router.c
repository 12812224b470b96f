/*
 * router.c - the IPv6 router that answers solicitations (RFC 4861, 4862,
 * 8106), the lies it tells, and the others on its link: a second router, a
 * machine that has our address, one that sends ICMPv6 as it pleases.
 *
 * The peer's lwIP has the router's addresses and answers for them; what it
 * would never say is made here, as frames.
 */
#include <string.h>

#include "sim.h"
#include "wire6.h"

#define DAY  86400u
#define LIES 34

const uint8_t sim_near6[2][16] = { DB8(1, 2), DB8(3, 2) };
const uint8_t sim_behind6[16] = DB8(2, 0x25);

static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
static const uint8_t router[16] = { 0xfe, 0x80, [8] = 0x50, 0x55, 10,
                                    0xff, 0xfe, 0,          2,    2 };
static const uint8_t liar[16] = { 0xfe, 0x80, [14] = 0xb, 0xad };
static const uint8_t client[16] = { 0xfe, 0x80, [8] = 0x50, 0x54, 0,
                                    0xff, 0xfe, 0x12,       0x34, 0x56 };
static const uint8_t nobody[16] = DB8(1, 0x4b);
static const uint8_t liar_mac[6] = { 0x52, 0x55, 10, 0, 2, 0x66 };
static const uint8_t client_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static uint64_t answer_at = UINT64_MAX; /* ms: a solicitation waits */

/* ------------------------------------------------ what a router says */

struct prefix {
    uint8_t net[16], len, flags; /* 0x80: on this link, 0x40: make one */
    uint32_t valid, preferred;
};

struct advert {
    const uint8_t *from, *mac, *mac_told; /* told NULL: not */
    uint16_t lifetime;
    uint8_t hops, code;
    uint32_t reachable, retrans, mtu; /* 0: not told */
    struct prefix prefix[13];
    int prefixes;
    const uint8_t *dns; /* NULL: none */
    uint32_t dns_s;
    /* the frame itself is wrong */
    size_t cut, lost; /* bytes of the message, of the frame */
    bool sum, zero;
};

static struct prefix prefix_of(uint8_t net)
{
    struct prefix p = { DB8(net, 0), 64, 0xc0, DAY, DAY / 2 };

    return p;
}

static struct advert truth(void)
{
    const struct plan *p = world.plan;
    struct advert a = { .from = router,
                        .mac = peer_mac,
                        .mac_told = peer_mac,
                        .lifetime = 1800,
                        .hops = 255,
                        .mtu = p->ra_mtu,
                        .prefixes = 1,
                        .dns_s = 1800 };

    a.prefix[0] = prefix_of(1);
    a.dns = p->rdnss == 0 ? NULL : p->rdnss == 1 ? sim_near6[0] : router;
    return a;
}

static void put_prefix(struct wire *w, const struct prefix *p)
{
    uint8_t head[4] = { 3, 4, p->len, p->flags };

    wire_put(w, head, 4);
    wire_put32(w, p->valid);
    wire_put32(w, p->preferred);
    wire_put32(w, 0);
    wire_put(w, p->net, 16);
}

static void put_dns(struct wire *w, const struct advert *a)
{
    wire_put(w, "\31\3\0", 4);
    wire_put32(w, a->dns_s);
    wire_put(w, a->dns, 16);
}

static void put_options(struct wire *w, const struct advert *a)
{
    int i;

    if (a->mac_told != NULL) {
        wire_put(w, "\1\1", 2);
        wire_put(w, a->mac_told, 6);
    }
    if (a->mtu != 0) {
        wire_put(w, "\5\1\0", 4);
        wire_put32(w, a->mtu);
    }
    if (a->zero)
        wire_put(w, "\1\0\0\0\0\0\0", 8);
    for (i = 0; i < a->prefixes; i++)
        put_prefix(w, &a->prefix[i]);
    if (a->dns != NULL)
        put_dns(w, a);
}

static void advertise(const struct advert *a)
{
    struct wire w;
    uint8_t head[4] = { 64, 0, (uint8_t)(a->lifetime >> 8),
                        (uint8_t)a->lifetime };

    wire_icmp(&w, a->mac, NULL, a->from, all_nodes, 134, a->code);
    wire_put(&w, head, 4);
    wire_put32(&w, a->reachable);
    wire_put32(&w, a->retrans);
    put_options(&w, a);
    w.len -= a->cut;
    wire_close(&w, a->hops);
    w.b[WIRE_ICMP + 2] ^= a->sum;
    cable_send(DOWN, w.b, w.len - a->lost);
}

/* ------------------------------------------------ lies */

static void lie_frame(struct advert *a, unsigned how)
{
    a->hops = how == 0 ? 64 : a->hops;
    a->sum = how == 1;
    a->lost = how == 2 ? 14 : 0;
    a->cut = how == 3 ? 12 : how == 4 ? 60 : 0;
    a->zero = how == 5;
    a->code = how == 6;
    if (how == 7)
        a->from = sim_near6[0];
    if (how == 8)
        a->mac_told = liar_mac;
    if (how == 9)
        a->mac_told = NULL; /* true, and one has to ask */
}

/* Those that nobody routes, behind the first. */
static void many(struct advert *a)
{
    for (; a->prefixes < 13; a->prefixes++)
        a->prefix[a->prefixes] = prefix_of((uint8_t)(a->prefixes + 9));
}

static void lie_prefix(struct advert *a, unsigned how)
{
    struct prefix *p = &a->prefix[0];

    switch (how) {
    case 0:
        p->len = 48;
        break;
    case 1:
        p->flags = 0x80;
        break;
    case 2:
        p->flags = 0x40;
        break;
    case 3:
        memcpy(p->net, router, 8);
        break;
    case 4:
        memset(p->net, 0, 16);
        p->net[0] = 0xff;
        p->net[1] = 0x0e;
        break;
    case 5:
        p->valid = p->preferred = 0;
        break;
    case 6:
        p->preferred = p->valid + 1;
        break;
    case 7:
        p->valid = p->preferred = 1;
        break;
    case 8:
        *p = prefix_of(0xbd); /* nobody routes it */
        break;
    case 9:
        p->valid = p->preferred = UINT32_MAX;
        break;
    case 10:
        many(a);
        break;
    case 11: /* and the true one last */
        many(a);
        a->prefix[12] = *p;
        *p = prefix_of(0xbd);
        break;
    }
}

static void lie_rest(struct advert *a, unsigned how)
{
    static const uint32_t mtus[] = { 1280, 68, 65535, UINT32_MAX };
    static const uint8_t any[16] = { 0 };

    switch (how) {
    case 0:
        a->lifetime = 0;
        break;
    case 1:
        a->lifetime = 1;
        break;
    case 2:
        a->reachable = 1;
        a->retrans = UINT32_MAX;
        break;
    case 3:
        a->reachable = a->retrans = UINT32_MAX;
        break;
    case 4:
        a->dns = nobody;
        break;
    case 5:
        a->dns_s = 0;
        break;
    case 6:
        a->dns = any;
        break;
    case 7:
        a->dns = all_nodes;
        break;
    default:
        a->mtu = mtus[how % 4];
        break;
    }
}

/* With some of them one can live: RFC 4861 and 4862 say how. */
bool router_lie_harms(unsigned how)
{
    static const uint8_t harmless[] = { 9, 12, 19, 20, 24, 25, 30, 31, 32, 33 };

    return memchr(harmless, (int)(how % LIES), sizeof harmless) == NULL;
}

static void lie(struct advert *a, unsigned how)
{
    how %= LIES;
    if (how < 10)
        lie_frame(a, how);
    else if (how < 22)
        lie_prefix(a, how - 10);
    else
        lie_rest(a, how - 22);
}

/* The prefix is taken back, or another one takes its place. */
static void change(struct advert *a)
{
    const struct event *gone = world_event(F_WITHDRAW),
                       *new = world_event(F_RENUMBER);

    if (gone != NULL) {
        a->prefix[0].valid = gone->arg % 2;
        a->prefix[0].preferred = gone->arg % 2;
        a->lifetime = gone->arg / 2 % 2 == 0 ? 0 : a->lifetime;
    }
    if (new != NULL) {
        a->prefix[0].preferred = 0;
        a->prefix[0].valid = new->arg % 2 == 0 ? 7200 : 0;
        a->prefix[a->prefixes++] = prefix_of(3);
    }
}

static void answer(void)
{
    struct advert a = truth();
    const struct event *wrong = world_event(F_LIERA);

    answer_at = UINT64_MAX;
    change(&a);
    if (wrong != NULL)
        lie(&a, wrong->arg);
    advertise(&a);
}

/* ------------------------------------------------ the others */

/* Neighbour advertisement: that address is here; unasked, to all. */
static void claim(struct wire *w, const uint8_t address[16],
                  const uint8_t mac[6], const uint8_t *to_mac,
                  const uint8_t to[16])
{
    /* solicited if it is an answer; in any case: forget what you knew */
    uint8_t flags[4] = { to_mac != NULL ? 0xe0 : 0x20 };

    wire_icmp(w, mac, to_mac, address, to, 136, 0);
    wire_put(w, flags, 4);
    wire_put(w, address, 16);
    wire_put(w, "\2\1", 2);
    wire_put(w, mac, 6);
    wire_close(w, 255);
}

static void rival(const struct event *e)
{
    struct advert a = truth();
    struct wire w;

    a.from = liar;
    a.mac = a.mac_told = liar_mac;
    a.lifetime = 9000;
    switch (e->arg % 4) {
    case 0: /* another way, that leads nowhere */
        break;
    case 1: /* in the name of the true one, which wants to be none */
        a.from = router;
        a.lifetime = 0;
        break;
    case 2: /* a network of its own */
        a.prefix[0] = prefix_of(0xbd);
        a.dns = nobody;
        break;
    case 3: /* "I am the router", and the server */
        claim(&w, router, liar_mac, NULL, all_nodes);
        cable_send(DOWN, w.b, w.len);
        claim(&w, sim_near6[0], liar_mac, NULL, all_nodes);
        cable_send(DOWN, w.b, w.len);
        return;
    }
    advertise(&a);
}

/* Somebody else has our address (RFC 4862, 5.4): looks whether it is free, or
 * just takes it. */
static void twin(const struct event *e)
{
    static const uint8_t any[16] = { 0 };
    struct wire w;
    uint8_t ours[16] = DB8(1, 0);

    memcpy(ours + 8, client + 8, 8);
    if (e->arg % 4 == 3)
        memcpy(ours, client, 8);
    if (e->arg % 2 == 0) {
        wire_icmp(&w, liar_mac, NULL, any, all_nodes, 135, 0);
        wire_put32(&w, 0);
        wire_put(&w, ours, 16);
        wire_close(&w, 255);
        cable_send(DOWN, w.b, w.len);
    }
    if (e->arg % 4 != 0) {
        claim(&w, ours, liar_mac, NULL, all_nodes);
        cable_send(DOWN, w.b, w.len);
        peer_input(w.b, w.len);
    }
}

/* With the head of what the client sent, as RFC 4443 wants it. */
static void icmp_about(const uint8_t *frame, size_t len, uint8_t type,
                       uint8_t code, uint32_t word)
{
    struct wire w;
    size_t n = len - WIRE_ETH < 1200 ? len - WIRE_ETH : 1200;

    wire_icmp(&w, peer_mac, client_mac, router, frame + WIRE_ETH + 8, type,
              code);
    wire_put32(&w, word);
    wire_put(&w, frame + WIRE_ETH, n);
    wire_close(&w, 255);
    cable_send(DOWN, w.b, w.len);
}

/* RFC 4861, 4.5: "the liar is nearer to it" */
static void redirect(const uint8_t *frame)
{
    struct wire w;

    wire_icmp(&w, peer_mac, client_mac, router, frame + WIRE_ETH + 8, 137, 0);
    wire_put32(&w, 0);
    wire_put(&w, liar, 16);
    wire_put(&w, frame + WIRE_ETH + 24, 16);
    wire_put(&w, "\2\1", 2);
    wire_put(&w, liar_mac, 6);
    wire_close(&w, 255);
    cable_send(DOWN, w.b, w.len);
}

static void ping(const uint8_t *frame)
{
    struct wire w;

    wire_icmp(&w, peer_mac, client_mac, router, frame + WIRE_ETH + 8, 128, 0);
    wire_put(&w, "\0\1\0\1ping", 8);
    wire_close(&w, 64);
    cable_send(DOWN, w.b, w.len);
}

static void meddle(const struct event *e, const uint8_t *frame, size_t len)
{
    uint8_t other[1514];

    switch (e->arg % ICMP_KINDS) {
    case ICMP_BIG:
        icmp_about(frame, len, 2, 0, e->arg % 2 == 0 ? 1280 : 68);
        break;
    case ICMP_REDIRECT:
        redirect(frame);
        break;
    case ICMP_PING:
        ping(frame);
        break;
    case ICMP_STALE: /* about a segment that nobody has sent */
        memcpy(other, frame, len);
        other[WIRE_ICMP + 4] ^= 0x40;
        icmp_about(other, len, 1, 0, 0);
        break;
    case ICMP_GONE:
        icmp_about(frame, len, 1, (uint8_t)(e->arg / ICMP_KINDS % 5), 0);
        break;
    }
}

/* ------------------------------------------------ what is heard */

/* Does the server not hear this family? A router may tell. */
static bool is_lost(const uint8_t *frame, size_t len)
{
    bool v6 = frame[12] == 0x86;
    const struct event *e = world_event(v6 ? F_DEAD6 : F_DEAD4);

    if (e == NULL || e->arg % 3 == DEAD_REFUSES)
        return false;
    if (v6 && e->arg % 3 == DEAD_TELLS)
        icmp_about(frame, len, 1, 0, 0);
    return true;
}

static void solicited(void)
{
    const struct event *e = world_event(F_LIAR);

    if (e != NULL)
        rival(e);
    if (world.plan->family != V4 && world_event(F_NORA) == NULL &&
        answer_at == UINT64_MAX)
        answer_at = sim_ms() + world.plan->ra_delay;
}

static void asked(const uint8_t *frame, size_t len)
{
    struct wire w;

    if (len >= WIRE_ICMP + 24 && memcmp(frame + WIRE_ICMP + 8, liar, 16) == 0) {
        claim(&w, liar, liar_mac, frame + 6, frame + WIRE_ETH + 8);
        cable_send(DOWN, w.b, w.len);
    }
}

bool router_heard(const uint8_t *f, size_t len)
{
    const struct event *e;
    bool tcp4 = len >= WIRE_ETH + 40 && f[12] == 8 && f[13] == 0 &&
                f[WIRE_ETH + 9] == 6;

    if (len >= WIRE_ETH && f[12] == 8 && (f[0] & 1) == 0 &&
        memcmp(f, peer_mac, 6) != 0)
        return true; /* IPv4 or ARP, to somebody who is not the peer */
    if (tcp4)
        return is_lost(f, len);
    if (len < WIRE_ICMP + 8 || f[12] != 0x86 || f[13] != 0xdd)
        return false;
    if (f[WIRE_ETH + 6] == 58 && f[WIRE_ICMP] == 133)
        solicited();
    if (f[WIRE_ETH + 6] == 58 && f[WIRE_ICMP] == 135)
        asked(f, len);
    if ((f[0] & 1) == 0 && memcmp(f, peer_mac, 6) != 0)
        return true; /* to somebody who is not the peer */
    if (f[WIRE_ETH + 6] != 6 || len < WIRE_ICMP + 20)
        return false;
    if (is_lost(f, len))
        return true;
    e = world_event(F_ICMP);
    if (e != NULL)
        meddle(e, f, len);
    return false;
}

/* ------------------------------------------------ the seam */

void router_edge(const struct event *e, bool begins)
{
    switch (e->kind) {
    case F_WITHDRAW:
    case F_RENUMBER:
        if (!world_server_off())
            answer(); /* to all, unasked */
        break;
    case F_LIAR:
        if (begins)
            rival(e);
        break;
    case F_TWIN:
        if (begins)
            twin(e);
        break;
    case F_NEWMAC:
        if (begins)
            peer_new_mac(0x77);
        break;
    case F_DEAD4:
    case F_DEAD6:
        if (e->arg % 3 == DEAD_REFUSES)
            peer_listen(25, e->kind == F_DEAD4 ? 4 : 16, !begins);
        break;
    default:
        break;
    }
}

uint64_t router_next(void)
{
    return answer_at;
}

void router_poll(void)
{
    if (sim_ms() >= answer_at)
        answer();
}
