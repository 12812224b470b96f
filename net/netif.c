/*
 * netif.c - struct netdev <-> lwIP's struct netif.
 *
 * The device's buffer may change under us (a hostile host), so a frame is
 * copied first and only the copy is checked and used. Each copy is a pbuf of
 * its own, one contiguous piece of exactly the bytes that count, zero-padded
 * to Ethernet's 60: lwIP never sees a chain, a runt, or bytes behind the IP
 * packet, and a read beyond the end is one beyond a heap block.
 */
#include "netif.h"

#include <string.h>

#include "heap.h"
#include "log.h"
#include "netdev.h"

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "netif/ethernet.h"

/* 14 bytes of Ethernet behind these two: the IP header lies aligned */
#define PAD 2

struct rx_frame {
    struct pbuf_custom pbuf; /* first: lwIP frees by this address */
    size_t bytes;            /* what this block counts for        */
    uint8_t data[];          /* PAD, then the frame               */
};

static struct netif netif;
static struct netif_stats stats;
static size_t rx_bytes;

static void rx_free(struct pbuf *p)
{
    struct rx_frame *f = (struct rx_frame *)(void *)p;

    rx_bytes -= f->bytes;
    heap_free(f);
}

/* A copy of the frame with room to pad it; NULL: no memory. */
static struct rx_frame *rx_copy(const uint8_t *frame, size_t len)
{
    size_t size = len < FRAME_MIN ? FRAME_MIN : len;
    size_t bytes = sizeof(struct rx_frame) + PAD + size;
    struct rx_frame *f;

    if (rx_bytes + bytes > NETIF_RX_BYTES)
        return NULL;
    f = heap_calloc(1, bytes);
    if (f == NULL)
        return NULL;
    f->bytes = bytes;
    f->pbuf.custom_free_function = rx_free;
    memcpy(f->data + PAD, frame, len);
    rx_bytes += bytes;
    return f;
}

/* Checks the copy and hands it to lwIP, which frees it in any case. */
static void rx_give(struct rx_frame *f, size_t len,
                    bool (*look)(const uint8_t *frame, size_t len))
{
    const char *why = NULL;
    size_t use = frame_check(f->data + PAD, len, netif.hwaddr, &why);
    struct pbuf *p;

    if (use == 0) {
        stats.rx_refused++;
        log_trace("frame of %u bytes dropped: %s", (unsigned)len, why);
        rx_free(&f->pbuf.pbuf);
        return;
    }
    stats.rx++;
    if (!look(f->data + PAD, use)) {
        rx_free(&f->pbuf.pbuf);
        return;
    }
    /* bytes behind the packet are padding: zeroes, whoever sent what */
    if (use < FRAME_MIN) {
        memset(f->data + PAD + use, 0, FRAME_MIN - use);
        use = FRAME_MIN;
    }
    /* PBUF_REF: lwIP will not move into the memory before the payload */
    p = pbuf_alloced_custom(PBUF_RAW, (u16_t)use, PBUF_REF, &f->pbuf,
                            f->data + PAD, (u16_t)use);
    if (netif.input(p, &netif) != ERR_OK)
        pbuf_free(p);
}

void netif_receive(unsigned max, bool (*look)(const uint8_t *frame, size_t len))
{
    struct netdev *dev = netif.state;

    while (max-- != 0) {
        size_t len = 0;
        const uint8_t *frame = dev->ops->rx_peek(dev, &len);
        struct rx_frame *f;

        if (frame == NULL)
            break;
        if (len > FRAME_MAX) {
            stats.rx_refused++;
            dev->ops->rx_done(dev);
            continue;
        }
        f = rx_copy(frame, len);
        dev->ops->rx_done(dev);
        if (f == NULL) {
            if (stats.rx_full++ == 0)
                log_say("no memory for received frames: they are dropped");
        } else {
            rx_give(f, len, look);
        }
    }
}

/* lwIP's linkoutput: p starts with the Ethernet header. */
static err_t tx(struct netif *n, struct pbuf *p)
{
    struct netdev *dev = n->state;
    size_t cap = 0, len = p->tot_len;
    uint8_t *buf = dev->ops->tx_buf(dev, &cap);

    if (buf == NULL) {
        stats.tx_full++;
        return ERR_MEM; /* TCP keeps the segment; the rest is repeated */
    }
    if (len > cap || len > FRAME_MAX)
        return ERR_BUF;
    pbuf_copy_partial(p, buf, (u16_t)len, 0);
    if (len < FRAME_MIN && cap >= FRAME_MIN) {
        memset(buf + len, 0, FRAME_MIN - len);
        len = FRAME_MIN;
    }
    dev->ops->tx_send(dev, len);
    stats.tx++;
    return ERR_OK;
}

static err_t init(struct netif *n)
{
    struct netdev *dev = n->state;

    n->name[0] = 'e';
    n->name[1] = 'n';
    n->hwaddr_len = sizeof(dev->mac);
    memcpy(n->hwaddr, dev->mac, sizeof(dev->mac));
    n->mtu = dev->mtu >= 576 && dev->mtu <= 1500 ? dev->mtu : 1500;
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
               NETIF_FLAG_MLD6;
    n->output = etharp_output;
    n->output_ip6 = ethip6_output;
    n->linkoutput = tx;
    return ERR_OK;
}

bool netif_start(struct netdev *dev, const char *hostname)
{
    if (netif_add(&netif, NULL, NULL, NULL, dev, init, ethernet_input) == NULL)
        return false;
    netif_set_hostname(&netif, hostname);
    netif_set_default(&netif);
    netif_set_up(&netif);
    return true;
}

struct netif_stats netif_stats(void)
{
    return stats;
}

size_t netif_rx_bytes(void)
{
    return rx_bytes;
}
