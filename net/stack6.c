/*
 * stack6.c - IPv6 on lwIP's one interface: an address by SLAAC (RFC 4862), a
 * router, its name servers (RFC 8106).
 *
 * lwIP asks for a router, and takes the address that it makes of the answer
 * into use, at ticks of one second. Both are worth doing at once: a tick is
 * run when the link comes up and when an address waits for one. That the
 * ticks also count lifetimes, of hours, does not matter here.
 *
 * No address is looked for on the link before it is used (RFC 4862, 5.1: the
 * count of its probes may be 0): it is made of the card's own address.
 */
#include <string.h>

#include "stack_tcp.h"

#include "lwip/ethip6.h"
#include "lwip/nd6.h"
#include "lwip/netif.h"

_Static_assert(LWIP_IPV6_DUP_DETECT_ATTEMPTS == 0, "no wait for an address");
_Static_assert(LWIP_IPV6_AUTOCONFIG == 1, "addresses come by SLAAC");
_Static_assert(LWIP_ND6_MAX_MULTICAST_SOLICIT > 2, "ask_on() finds it at 1");

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
