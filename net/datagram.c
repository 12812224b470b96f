/*
 * datagram.c - one lwIP UDP control block, connected to its peer.
 */
#include "datagram.h"

#include <string.h>

#include "lwip/pbuf.h"
#include "lwip/udp.h"
#include "rng.h"
#include "stack_tcp.h"

#define PORT_LOW  49152 /* RFC 6335, 6: dynamic ports */
#define PORT_MASK 16383
#define PORTS     8 /* tries */

static struct udp_pcb *pcb;
/* Several may come in one turn, and the first be somebody's forgery. */
static struct {
    uint8_t bytes[DATAGRAM_MAX];
    size_t len;
} queue[DATAGRAM_QUEUE];
static unsigned arrived, taken;

static void datagram_input(void *arg, struct udp_pcb *from, struct pbuf *p,
                           const ip_addr_t *address, u16_t port)
{
    (void)arg;
    (void)from;
    (void)address; /* a connected one hears its peer alone */
    (void)port;
    if (arrived - taken < DATAGRAM_QUEUE && p->tot_len <= DATAGRAM_MAX &&
        p->tot_len != 0) {
        unsigned at = arrived++ % DATAGRAM_QUEUE;

        queue[at].len = pbuf_copy_partial(p, queue[at].bytes, p->tot_len, 0);
    }
    pbuf_free(p);
}

bool datagram_open(const struct addr *address, uint16_t port)
{
    ip_addr_t to = stack_to_lwip(address);
    int i;

    datagram_close();
    pcb = udp_new_ip_type(IP_GET_TYPE(&to));
    if (pcb == NULL)
        return false;
    for (i = 0; i < PORTS; i++) {
        u16_t ours = (u16_t)(PORT_LOW + (rng_u32() & PORT_MASK));

        if (udp_bind(pcb, IP_IS_V6(&to) ? IP6_ADDR_ANY : IP4_ADDR_ANY, ours) ==
            ERR_OK)
            break;
    }
    if (i == PORTS || udp_connect(pcb, &to, port) != ERR_OK) {
        datagram_close();
        return false;
    }
    udp_recv(pcb, datagram_input, NULL);
    return true;
}

bool datagram_send(const void *p, size_t len)
{
    struct pbuf *b;
    bool ok;

    if (pcb == NULL || len == 0 || len > DATAGRAM_MAX)
        return false;
    b = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (b == NULL)
        return false;
    ok = pbuf_take(b, p, (u16_t)len) == ERR_OK && udp_send(pcb, b) == ERR_OK;
    pbuf_free(b);
    return ok;
}

size_t datagram_take(uint8_t out[DATAGRAM_MAX])
{
    unsigned at;

    if (arrived == taken)
        return 0;
    at = taken++ % DATAGRAM_QUEUE;
    memcpy(out, queue[at].bytes, queue[at].len);
    return queue[at].len;
}

void datagram_close(void)
{
    if (pcb != NULL)
        udp_remove(pcb);
    pcb = NULL;
    arrived = taken = 0;
}
