/*
 * virtio_net.c - Ethernet frames over two virtqueues (virtio 1.2, 5.1).
 *
 * Each descriptor is one buffer with the device's header in front of one
 * frame. Receive buffers are all with the device except the one being looked
 * at; send buffers are taken back when one is wanted. Interrupts are on only
 * from arm() to the next look, and for sending only when the ring is full.
 *
 * No event indices (2.7.10): with them QEMU now and then missed the word that
 * a frame is there to be sent, and then all that followed, since the index it
 * waited for had passed: one of twenty messages of 12 MB stopped for good on a
 * busy host. A flag (2.7.7) is looked at anew for each frame.
 *
 * Features left alone on purpose: checksum and segmentation offloads (lwIP
 * checks and makes every checksum itself: a mail is too short to gain, and
 * nothing the host says about a frame has to be believed), merged buffers (a
 * frame fits one), the control queue.
 *
 * Limits: one device; frames up to 1518 bytes; legacy devices only with
 * VIRTIO_F_ANY_LAYOUT (5.1.6.6: without it the header needs a descriptor of
 * its own; QEMU has offered it since 2.1).
 */
#include "virtio_net.h"

#include <string.h>

#include "entropy.h"
#include "nic_memory.h"
#include "virtio/ring.h"

#define NET_F_MTU    (1ull << 3)
#define NET_F_MAC    (1ull << 5)
#define NET_F_STATUS (1ull << 16)
#define F_ANY_LAYOUT (1ull << 27)

enum {
    RX_QUEUE = 0, /* 5.1.2: receiveq1, transmitq1 */
    TX_QUEUE = 1,
    RING = 64,

    /* struct virtio_net_hdr, 5.1.6: all zero says "a plain frame". The last
     * field, num_buffers, is missing in the legacy layout (5.1.6.1). */
    HDR_MODERN = 12,
    HDR_LEGACY = 10,

    ETH_HDR = 14,
    ETH_VLAN = 4,
    MTU = 1500,
    MTU_LEAST = 576, /* 5.1.4.1 allows 68; TCP/IP is no use below this */
    BUFFER = 1536,   /* header, VLAN frame; a multiple of a cache line */

    /* struct virtio_net_config, 5.1.4 */
    CFG_MAC = 0,
    CFG_STATUS = 6,
    CFG_MTU = 10,
    CFG_STATUS_LINK_UP = 1,
};

_Static_assert(HDR_MODERN + ETH_HDR + ETH_VLAN + MTU <= BUFFER,
               "a whole frame fits a buffer");
_Static_assert(2 * RING * BUFFER <= NIC_MEMORY, "the buffers fit");
_Static_assert(RING <= VRING_MAX, "the rings fit vring_mem");

struct vnet {
    struct netdev nd; /* first: the stack's pointer is ours */
    struct virtio_dev dev;
    struct vring rx, tx;
    struct vring_mem rx_mem, tx_mem;
    uint16_t hdr;      /* bytes in front of a frame                     */
    uint16_t rx_id;    /* the frame the stack looks at                  */
    uint32_t rx_len;   /* its length; 0: none                           */
    uint16_t tx_id;    /* the buffer the stack fills                    */
    bool tx_held;      /* it has one                                    */
    bool armed;        /* interrupts are on                             */
    uint16_t tx_count; /* entries of tx_free                            */
    uint16_t tx_free[RING];
};

static struct vnet card;
static bool card_open;

static uint8_t *rx_buf_at(uint16_t id)
{
    return nic_memory + (size_t)id * BUFFER;
}

static uint8_t *tx_buf_at(uint16_t id)
{
    return nic_memory + (size_t)(RING + id) * BUFFER;
}

static struct vnet *of(struct netdev *nd)
{
    return (struct vnet *)(void *)nd;
}

/* The end of a device that lied: nothing of ours stays in its hands. */
static void kill(struct vnet *v, const char *why)
{
    v->nd.dead = why;
    v->rx_len = 0;
    v->tx_held = false;
    virtio_fail(&v->dev);
}

static bool alive(struct vnet *v)
{
    if (v->nd.dead != NULL)
        return false;
    if (v->rx.error != NULL)
        kill(v, v->rx.error);
    else if (v->tx.error != NULL)
        kill(v, v->tx.error);
    return v->nd.dead == NULL;
}

static void disarm(struct vnet *v)
{
    if (!v->armed)
        return;
    vring_disarm(&v->rx);
    vring_disarm(&v->tx);
    v->armed = false;
}

static void rx_give(struct vnet *v, uint16_t id)
{
    (void)vring_post(&v->rx, id, rx_buf_at(id), BUFFER, true);
}

static const uint8_t *rx_peek(struct netdev *nd, size_t *len)
{
    struct vnet *v = of(nd);
    uint16_t id;
    uint32_t n;

    disarm(v);
    while (alive(v) && v->rx_len == 0 && vring_take(&v->rx, &id, &n)) {
        if (n >= (uint32_t)v->hdr + ETH_HDR) {
            v->rx_id = id;
            v->rx_len = n - v->hdr;
            nd->stats.rx++;
        } else {
            nd->stats.rx_bad++;
            rx_give(v, id);
            vring_kick(&v->dev, &v->rx);
        }
    }
    if (!alive(v) || v->rx_len == 0)
        return NULL;
    *len = v->rx_len;
    return rx_buf_at(v->rx_id) + v->hdr;
}

/* The kick is a register write only when the device asks for one. */
static void rx_done(struct netdev *nd)
{
    struct vnet *v = of(nd);

    if (!alive(v) || v->rx_len == 0)
        return;
    v->rx_len = 0;
    rx_give(v, v->rx_id);
    vring_kick(&v->dev, &v->rx);
}

/* Takes back what was sent, as many as there can be at once. */
static void tx_reclaim(struct vnet *v)
{
    uint16_t id;
    uint32_t len;

    if (v->nd.dead != NULL) /* reset: its ring is nobody's word any more */
        return;
    while (v->tx_count < v->tx.size && vring_take(&v->tx, &id, &len))
        v->tx_free[v->tx_count++] = id;
}

static uint8_t *tx_buf(struct netdev *nd, size_t *cap)
{
    struct vnet *v = of(nd);

    tx_reclaim(v);
    if (!alive(v))
        return NULL;
    if (!v->tx_held) {
        if (v->tx_count == 0) {
            nd->stats.tx_full++;
            return NULL;
        }
        v->tx_id = v->tx_free[--v->tx_count];
        v->tx_held = true;
    }
    *cap = (size_t)nd->mtu + ETH_HDR;
    return tx_buf_at(v->tx_id) + v->hdr;
}

static void tx_send(struct netdev *nd, size_t len)
{
    struct vnet *v = of(nd);

    if (!alive(v) || !v->tx_held || len > BUFFER - (size_t)v->hdr)
        return;
    v->tx_held = false;
    memset(tx_buf_at(v->tx_id), 0, v->hdr);
    if (!vring_post(&v->tx, v->tx_id, tx_buf_at(v->tx_id),
                    (uint32_t)(v->hdr + len), false))
        return;
    nd->stats.tx++;
    vring_kick(&v->dev, &v->tx);
}

/* The acknowledgement comes first: it lowers the interrupt line, so that
 * what arrives from here on raises it anew. */
static bool arm(struct netdev *nd)
{
    struct vnet *v = of(nd);
    bool waiting;

    if (!alive(v))
        return false;
    if (v->rx_len != 0)
        return true;
    v->dev.ops->irq_ack(&v->dev);
    v->armed = true;
    waiting = vring_arm(&v->rx);
    if (v->tx_count == 0 && !v->tx_held && vring_arm(&v->tx))
        waiting = true;
    if (waiting)
        disarm(v);
    return alive(v) && waiting;
}

/* 5.1.4.2: without the status field the link is always up. */
static bool link_up(struct netdev *nd)
{
    struct vnet *v = of(nd);
    uint16_t status;

    if (nd->dead != NULL)
        return false;
    if ((v->dev.features & NET_F_STATUS) == 0)
        return true;
    virtio_config(&v->dev, CFG_STATUS, &status, sizeof(status));
    return (status & CFG_STATUS_LINK_UP) != 0;
}

static void close(struct netdev *nd)
{
    kill(of(nd), "it is closed");
    card_open = false;
}

static const struct netdev_ops ops = {
    .rx_peek = rx_peek,
    .rx_done = rx_done,
    .tx_buf = tx_buf,
    .tx_send = tx_send,
    .arm = arm,
    .link_up = link_up,
    .close = close,
};

/* 5.1.5 step 7: the address, or a random one with the locally administered
 * bit set and the group bit clear. */
static bool set_mac(struct vnet *v, const char **why)
{
    uint8_t *mac = v->nd.mac;
    static const uint8_t none[6];

    if ((v->dev.features & NET_F_MAC) != 0) {
        virtio_config(&v->dev, CFG_MAC, mac, 6);
        if ((mac[0] & 1) == 0 && memcmp(mac, none, 6) != 0)
            return true;
        *why = "its hardware address is not one of a single station";
        return false;
    }
    if (entropy_read(mac, 6) != 6) {
        *why = "it has no hardware address, and there is no entropy to make "
               "one";
        return false;
    }
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
    return true;
}

/* 5.1.4.2: who accepts the feature must receive frames of that size. */
static bool set_mtu(struct vnet *v, bool *too_big)
{
    uint16_t mtu = MTU;

    if ((v->dev.features & NET_F_MTU) != 0)
        virtio_config(&v->dev, CFG_MTU, &mtu, sizeof(mtu));
    *too_big = mtu > MTU;
    v->nd.mtu = mtu;
    return mtu >= MTU_LEAST;
}

static bool start(struct vnet *v, const char **why)
{
    uint64_t legacy = v->dev.ops->legacy ? F_ANY_LAYOUT : 0;
    uint64_t want = NET_F_MTU | NET_F_MAC | NET_F_STATUS;
    bool too_big;

    if (!virtio_start(&v->dev, want, legacy, why))
        return false;
    if (!set_mtu(v, &too_big)) {
        *why = "its MTU is smaller than IP allows";
        return false;
    }
    if (!too_big)
        return true;
    /* frames larger than our buffers: decline the feature, keep 1500 */
    v->nd.mtu = MTU;
    return virtio_start(&v->dev, want & ~NET_F_MTU, legacy, why);
}

static bool queues(struct vnet *v, const char **why)
{
    if (!virtio_queue(&v->dev, RX_QUEUE, &v->rx, &v->rx_mem, RING, why) ||
        !virtio_queue(&v->dev, TX_QUEUE, &v->tx, &v->tx_mem, RING, why))
        return false;
    v->tx_count = 0;
    for (uint16_t i = 0; i < v->tx.size; i++)
        v->tx_free[v->tx_count++] = i;
    return true;
}

struct netdev *virtio_net_open(const struct virtio_dev *dev, const char **why)
{
    struct vnet *v = &card;

    if (card_open) {
        *why = "another one is already in use";
        return NULL;
    }
    if (dev->unusable != NULL) {
        *why = dev->unusable;
        return NULL;
    }
    memset(v, 0, sizeof(*v));
    v->dev = *dev;
    v->nd.ops = &ops;
    v->nd.polled = dev->irq != IRQ_SURE;
    v->hdr = dev->ops->legacy ? HDR_LEGACY : HDR_MODERN;
    if (!start(v, why) || !set_mac(v, why) || !queues(v, why)) {
        virtio_fail(&v->dev);
        return NULL;
    }
    virtio_ready(&v->dev);
    for (uint16_t i = 0; i < v->rx.size; i++)
        rx_give(v, i);
    vring_kick(&v->dev, &v->rx);
    card_open = true;
    return &v->nd;
}
