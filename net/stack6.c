/*
 * stack6.c - IPv6 on lwIP's one interface: an address by SLAAC (RFC 4862), a
 * router, its name servers (RFC 8106).
 *
 * lwIP asks for a router, and takes the address that it makes of the answer
 * into use, at ticks of one second. Both are worth doing at once: a tick is
 * run when the link comes up and when an address waits for one. That the
 * ticks also count lifetimes, of hours, does not matter here.
 *
 * lwIP asks a router it knows for ever at the MAC address it knows, and others
 * for up to 40 s: a moved one is found by asking all (stack6_doubt()).
 *
 * No address is looked for on the link before it is used (RFC 4862, 5.1: the
 * count of its probes may be 0): it is made of the card's own address.
 */
#include <string.h>

#include "stack_tcp.h"

#include "lwip/ethip6.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/netif.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/icmp6.h"

_Static_assert(LWIP_IPV6_DUP_DETECT_ATTEMPTS == 0, "no wait for an address");
_Static_assert(LWIP_IPV6_AUTOCONFIG == 1, "addresses come by SLAAC");
_Static_assert(LWIP_ND6_MAX_MULTICAST_SOLICIT > 2, "ask_on() finds it at 1");

#define SOLICITATION (24 + 8) /* with one option */

/* As DHCP, within the time that an address is waited for. */
#define QUESTIONS 12

static unsigned asked;

/* lwIP asks three times for a router, which in one of twenty runs is not
 * enough where a fifth of the packets is lost, each way (RFC 7559). It counts
 * down to 0, and is at 0 at once when a router has answered. */
static void ask_on(void)
{
    if (netif_default->rs_count != 1 || asked == QUESTIONS - 1)
        return;
    netif_default->rs_count = 2;
    asked++;
}

void stack6_start(void)
{
    asked = LWIP_ND6_MAX_MULTICAST_SOLICIT - 1;
    netif_create_ip6_linklocal_address(netif_default, 1);
    netif_set_ip6_autoconfig_enabled(netif_default, 1);
    nd6_tmr();
}

void stack6_hurry(void)
{
    int i;

    ask_on();
    for (i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_istentative(netif_ip6_addr_state(netif_default, i))) {
            nd6_tmr();
            return;
        }
    }
}

bool stack6_address(struct addr *out)
{
    int i;

    for (i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (!ip6_addr_ispreferred(netif_ip6_addr_state(netif_default, i)))
            continue;
        *out = stack_from_lwip(netif_ip_addr6(netif_default, i));
        return true;
    }
    return false;
}

/* Where packets for this address go: what lwIP has decided, or the address. */
static const ip6_addr_t *next_hop(const ip6_addr_t *to)
{
    int i;

    for (i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++)
        if (ip6_addr_eq(&destination_cache[i].destination_addr, to))
            return &destination_cache[i].next_hop_addr;
    return to;
}

/* lwIP is asking where it knows nobody. */
static bool is_known(const ip6_addr_t *hop)
{
    int i;

    for (i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++)
        if (neighbor_cache[i].state > ND6_INCOMPLETE &&
            ip6_addr_eq(&neighbor_cache[i].next_hop_address, hop))
            return true;
    return false;
}

/* Neighbour solicitation (RFC 4861, 4.3), to all who may be it. */
static void solicit(const ip6_addr_t *hop)
{
    const ip6_addr_t *from = netif_ip6_addr(netif_default, 0);
    struct pbuf *p = pbuf_alloc(PBUF_IP, SOLICITATION, PBUF_RAM);
    uint8_t *b;
    uint16_t sum;
    ip6_addr_t to;

    if (p == NULL)
        return; /* as if lost */
    b = p->payload;
    memset(b, 0, SOLICITATION);
    b[0] = ICMP6_TYPE_NS;
    memcpy(b + 8, hop->addr, 16);
    b[24] = 1; /* our own link-layer address, in units of 8 bytes */
    b[25] = 1;
    memcpy(b + 26, netif_default->hwaddr, 6);
    ip6_addr_set_solicitednode(&to, hop->addr[3]);
    sum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, from, &to);
    memcpy(b + 2, &sum, 2);
    ip6_output_if(p, from, &to, ND6_HOPLIM, 0, IP6_NEXTH_ICMP6, netif_default);
    pbuf_free(p);
}

void stack6_doubt(const struct addr *a)
{
    ip_addr_t to = stack_to_lwip(a);
    const ip6_addr_t *hop = next_hop(ip_2_ip6(&to));

    if (is_known(hop))
        solicit(hop);
}

bool stack6_routable(const struct addr *a)
{
    ip_addr_t to = stack_to_lwip(a);

    /* :: and ::1, multicast */
    if (ip6_addr_isany(ip_2_ip6(&to)) || ip6_addr_isloopback(ip_2_ip6(&to)) ||
        ip6_addr_ismulticast(ip_2_ip6(&to)))
        return false;
    return ip6_addr_islinklocal(ip_2_ip6(&to)) ||
           nd6_find_route(ip_2_ip6(&to)) == netif_default;
}
