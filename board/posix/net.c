/*
 * net.c - a netdev over frames in memory, for both kinds of device here.
 */
#include <string.h>

#include "posix.h"

static struct posix_net *of(struct netdev *dev)
{
    return (struct posix_net *)(void *)dev; /* its first member */
}

void posix_net_push(struct posix_net *n, const uint8_t *frame, size_t len)
{
    if (len > POSIX_FRAME || n->tail - n->head == POSIX_QUEUE) {
        n->dev.stats.rx_bad++;
        return;
    }
    pcap_frame(frame, len);
    n->slot[n->tail % POSIX_QUEUE].len = len;
    memcpy(n->slot[n->tail % POSIX_QUEUE].data, frame, len);
    n->tail++;
}

static const uint8_t *rx_peek(struct netdev *dev, size_t *len)
{
    struct posix_net *n = of(dev);

    if (n->head == n->tail)
        n->wait(n, 0);
    if (n->head == n->tail)
        return NULL;
    *len = n->slot[n->head % POSIX_QUEUE].len;
    return n->slot[n->head % POSIX_QUEUE].data;
}

static void rx_done(struct netdev *dev)
{
    of(dev)->head++;
    dev->stats.rx++;
}

static uint8_t *tx_buf(struct netdev *dev, size_t *cap)
{
    *cap = POSIX_FRAME;
    return of(dev)->out;
}

static void tx_send(struct netdev *dev, size_t len)
{
    struct posix_net *n = of(dev);

    pcap_frame(n->out, len);
    n->send(n, n->out, len);
    dev->stats.tx++;
}

static bool arm(struct netdev *dev)
{
    return of(dev)->head != of(dev)->tail;
}

static bool link_up(struct netdev *dev)
{
    (void)dev;
    return true;
}

static void closed(struct netdev *dev)
{
    (void)dev; /* there is no other to open: it lives as the process does */
}

void posix_net_init(struct posix_net *n, const char *name)
{
    static const struct netdev_ops ops = {
        .rx_peek = rx_peek,
        .rx_done = rx_done,
        .tx_buf = tx_buf,
        .tx_send = tx_send,
        .arm = arm,
        .link_up = link_up,
        .close = closed,
    };

    n->dev.ops = &ops;
    n->dev.name = name;
    n->dev.mtu = 1500;
}
