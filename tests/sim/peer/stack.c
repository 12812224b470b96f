/*
 * stack.c - the peer's lwIP: two interfaces' addresses on one Ethernet, of
 * both families, and UDP.
 *
 * The second interface is never sent to: its address is one "behind" the
 * gateway, and answers leave by the first.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "netif/ethernet.h"

#include "peer_impl.h"

#define SERVED 4

static struct netif near, behind;
static struct {
    struct udp_pcb *pcb;
    peer_udp_fn *serve;
} served[SERVED];
static uint16_t mtu = 1500;
static ip_addr_t asked; /* which of ours the last datagram came to */

uint8_t peer_mac[6] = { 0x52, 0x55, 10, 0, 2, 2 };

u32_t sys_now(void)
{
    return (u32_t)sim_ms();
}

static err_t output(struct netif *n, struct pbuf *p)
{
    uint8_t frame[1514];

    (void)n;
    if (p->tot_len > sizeof frame)
        return ERR_BUF;
    pbuf_copy_partial(p, frame, p->tot_len, 0);
    sim_from_peer(frame, p->tot_len);
    return ERR_OK;
}

static err_t init(struct netif *n)
{
    n->name[0] = 'p';
    n->name[1] = n == &near ? 'n' : 'b';
    n->hwaddr_len = sizeof peer_mac;
    memcpy(n->hwaddr, peer_mac, sizeof peer_mac);
    n->mtu = mtu;
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
               NETIF_FLAG_LINK_UP;
    n->output = etharp_output;
    n->output_ip6 = ethip6_output;
    n->linkoutput = output;
    return ERR_OK;
}

static void add(struct netif *n, uint32_t address, uint32_t mask)
{
    ip4_addr_t a, m, none = { 0 };

    ip4_addr_set_u32(&a, lwip_htonl(address));
    ip4_addr_set_u32(&m, lwip_htonl(mask));
    netif_add(n, &a, &m, &none, NULL, init, ethernet_input);
    netif_set_up(n);
}

static void add6(struct netif *n, s8_t i, const uint8_t address[16])
{
    ip6_addr_t a;

    memcpy(a.addr, address, 16);
    ip6_addr_clear_zone(&a);
    netif_ip6_addr_set(n, i, &a);
    netif_ip6_addr_set_state(n, i, IP6_ADDR_PREFERRED);
}

void peer_start(const struct peer_net *net)
{
    mtu = (uint16_t)(net->mss + 40);
    lwip_init();
    add(&behind, net->behind, 0xffffffff);
    add(&near, net->gateway, 0xffffff00);
    netif_create_ip6_linklocal_address(&near, 1);
    netif_ip6_addr_set_state(&near, 0, IP6_ADDR_PREFERRED);
    add6(&near, 1, net->near6[0]);
    add6(&near, 2, net->near6[1]);
    add6(&behind, 1, net->behind6);
    netif_set_default(&near);
}

void peer_address(uint32_t gateway)
{
    ip4_addr_t a;

    ip4_addr_set_u32(&a, lwip_htonl(gateway));
    netif_set_ipaddr(&near, &a);
}

void peer_new_mac(uint8_t last)
{
    peer_mac[5] = last;
    near.hwaddr[5] = behind.hwaddr[5] = last;
}

void peer_input(const uint8_t *frame, size_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);

    if (p == NULL)
        return;
    pbuf_take(p, frame, (u16_t)len);
    if (near.input(p, &near) != ERR_OK)
        pbuf_free(p);
}

void peer_poll(void)
{
    sys_check_timeouts();
    peer_tcp_service();
}

uint32_t peer_wait_ms(void)
{
    return sys_timeouts_sleeptime();
}

/* ------------------------------------------------ UDP */

struct peer_addr peer_from_lwip(const ip_addr_t *a)
{
    struct peer_addr out = { .len = IP_IS_V6(a) ? 16 : 4 };

    if (out.len == 16)
        memcpy(out.b, ip_2_ip6(a)->addr, 16);
    else
        memcpy(out.b, &ip_2_ip4(a)->addr, 4);
    return out;
}

static ip_addr_t to_lwip(const struct peer_addr *a)
{
    ip_addr_t out = *IP4_ADDR_ANY;

    if (a->len == 16) {
        memcpy(ip_2_ip6(&out)->addr, a->b, 16);
        IP_SET_TYPE(&out, IPADDR_TYPE_V6);
        ip6_addr_assign_zone(ip_2_ip6(&out), IP6_UNICAST, &near);
    } else {
        memcpy(&ip_2_ip4(&out)->addr, a->b, 4);
    }
    return out;
}

static void heard(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                  const ip_addr_t *from, u16_t port)
{
    uint8_t bytes[1500];
    size_t i, n = pbuf_copy_partial(p, bytes, sizeof bytes, 0);
    struct peer_addr peer = peer_from_lwip(from);

    (void)arg;
    asked = *ip_current_dest_addr();
    pbuf_free(p);
    for (i = 0; i < SERVED; i++)
        if (served[i].pcb == pcb)
            served[i].serve(&peer, port, bytes, n);
}

void peer_udp_serve(uint16_t port, peer_udp_fn *serve)
{
    size_t i;

    for (i = 0; i < SERVED && served[i].pcb != NULL; i++)
        ;
    if (i == SERVED ||
        (served[i].pcb = udp_new_ip_type(IPADDR_TYPE_ANY)) == NULL)
        abort();
    served[i].serve = serve;
    ip_set_option(served[i].pcb, SOF_BROADCAST);
    if (udp_bind(served[i].pcb, IP_ANY_TYPE, port) != ERR_OK)
        abort();
    udp_recv(served[i].pcb, heard, NULL);
}

static void send(struct udp_pcb *pcb, struct pbuf *b, const ip_addr_t *to,
                 uint16_t port)
{
    if (IP_IS_V6(to))
        udp_sendto_if_src(pcb, b, to, port, &near, &asked);
    else
        udp_sendto_if(pcb, b, to, port, &near);
}

void peer_udp_send(uint16_t from_port, const struct peer_addr *to,
                   uint16_t port, const uint8_t *p, size_t len)
{
    struct pbuf *b = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    ip_addr_t a = to_lwip(to);
    size_t i;

    if (b == NULL)
        return;
    pbuf_take(b, p, (u16_t)len);
    for (i = 0; i < SERVED; i++)
        if (served[i].pcb != NULL && served[i].pcb->local_port == from_port)
            send(served[i].pcb, b, &a, port);
    pbuf_free(b);
}
