/*
 * stack.c - the peer's lwIP: two interfaces' addresses on one Ethernet, UDP.
 *
 * The second interface is never sent to: its address is one "behind" the
 * gateway, and answers leave by the first.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "lwip/etharp.h"
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
    static const uint8_t mac[6] = { 0x52, 0x55, 10, 0, 2, 2 };

    n->name[0] = 'p';
    n->name[1] = n == &near ? 'n' : 'b';
    n->hwaddr_len = sizeof mac;
    memcpy(n->hwaddr, mac, sizeof mac);
    n->mtu = mtu;
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
               NETIF_FLAG_LINK_UP;
    n->output = etharp_output;
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

void peer_start(uint32_t gateway, uint32_t far, uint16_t mss)
{
    mtu = (uint16_t)(mss + 40);
    lwip_init();
    add(&behind, far, 0xffffffff);
    add(&near, gateway, 0xffffff00);
    netif_set_default(&near);
}

void peer_address(uint32_t gateway)
{
    ip4_addr_t a;

    ip4_addr_set_u32(&a, lwip_htonl(gateway));
    netif_set_ipaddr(&near, &a);
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

static void heard(void *arg, struct udp_pcb *pcb, struct pbuf *p,
                  const ip_addr_t *from, u16_t port)
{
    uint8_t bytes[1500];
    size_t i, n = pbuf_copy_partial(p, bytes, sizeof bytes, 0);

    (void)arg;
    pbuf_free(p);
    for (i = 0; i < SERVED; i++)
        if (served[i].pcb == pcb)
            served[i].serve(lwip_ntohl(ip4_addr_get_u32(from)), port, bytes, n);
}

void peer_udp_serve(uint16_t port, peer_udp_fn *serve)
{
    size_t i;

    for (i = 0; i < SERVED && served[i].pcb != NULL; i++)
        ;
    if (i == SERVED || (served[i].pcb = udp_new()) == NULL)
        abort();
    served[i].serve = serve;
    ip_set_option(served[i].pcb, SOF_BROADCAST);
    if (udp_bind(served[i].pcb, IP4_ADDR_ANY, port) != ERR_OK)
        abort();
    udp_recv(served[i].pcb, heard, NULL);
}

void peer_udp_send(uint16_t from_port, uint32_t to, uint16_t port,
                   const uint8_t *p, size_t len)
{
    struct pbuf *b = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    ip_addr_t a;
    size_t i;

    if (b == NULL)
        return;
    pbuf_take(b, p, (u16_t)len);
    ip4_addr_set_u32(&a, lwip_htonl(to));
    for (i = 0; i < SERVED; i++)
        if (served[i].pcb != NULL && served[i].pcb->local_port == from_port)
            udp_sendto_if(served[i].pcb, b, &a, port, &near);
    pbuf_free(b);
}
