/* sources: kernel/virtio/virtio.c net/nic_memory.c */
/* includes: kernel kernel/virtio net tests/fuzz */
/*
 * virtio_net.c - the network card's driver and its rings, against a card that
 * lies. The stack's side does what net/netif.c does, in any order.
 */
#include "hostile.h"

#include "../../net/virtio_net.c"

size_t entropy_read(uint8_t *out, size_t len)
{
    memset(out, 0x5a, len);
    return next(1) == 0 ? 0 : len;
}

static void look(struct netdev *nd)
{
    size_t n = 0;
    const uint8_t *p = nd->ops->rx_peek(nd, &n);

    MUST(p == NULL || (n >= ETH_HDR && n <= BUFFER));
    MUST(p == NULL || __asan_region_is_poisoned((void *)(uintptr_t)p, n) ==
                          NULL); /* all of it is the driver's */
}

static void fill(struct netdev *nd, bool send)
{
    size_t cap = 0;
    uint8_t *p = nd->ops->tx_buf(nd, &cap);

    if (p == NULL)
        return;
    MUST(cap >= 590 && cap <= 1514);
    memset(p, 0xa5, cap);
    if (send)
        nd->ops->tx_send(nd, next(1) == 0 ? next(2) : cap);
}

static void drive(struct netdev *nd)
{
    switch (next(1) & 7) {
    case 0:
        (void)nd->ops->arm(nd);
        break;
    case 1:
        (void)nd->ops->link_up(nd);
        break;
    case 2:
        nd->ops->rx_done(nd);
        break;
    case 3:
        nd->ops->tx_send(nd, next(2));
        break;
    case 4:
    case 5:
        fill(nd, (next(1) & 7) != 0);
        break;
    default:
        look(nd);
        nd->ops->rx_done(nd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct virtio_dev dev;
    const char *why = NULL;
    struct netdev *nd;

    input(data, len);
    dev = begin(VIRTIO_ID_NET);
    card_open = false;
    memset(&card, 0, sizeof(card));
    nd = virtio_net_open(&dev, &why);
    if (nd == NULL) {
        MUST(why != NULL && strlen(why) > 10);
        return 0;
    }
    while (in_left > 0) {
        act();
        drive(nd);
    }
    if (nd->dead != NULL) /* dead is dead */
        MUST(nd->ops->rx_peek(nd, &len) == NULL &&
             nd->ops->tx_buf(nd, &len) == NULL && !nd->ops->link_up(nd));
    return 0;
}
