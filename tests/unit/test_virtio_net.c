/* sources: kernel/virtio/virtio.c kernel/virtio/ring.c net/virtio_net.c net/nic_memory.c */
/* includes: kernel net */
/*
 * test_virtio_net.c - the network card's driver, against a card made of
 * memory: good, bare, and lying.
 */
#include "fakecard.h"

/* ----------------------------------------------------------------- the card */

static struct netdev *open_card(const struct virtio_transport *ops)
{
    struct virtio_dev dev = begin(ops);
    const char *why = "";
    struct netdev *nd = virtio_net_open(&dev, &why);

    CHECK_STR(why, "");
    return nd;
}

static void frames(const struct virtio_transport *ops, size_t hdr)
{
    struct netdev *nd = open_card(ops);
    const uint8_t *p;
    uint8_t *b;
    size_t n;
    uint16_t id;
    uint32_t len;

    CHECK_MEM(nd->mac, 6, "\x52\x54\0\1\2\3", 6);
    CHECK_EQ(nd->mtu, 1500);
    CHECK(nd->ops->link_up(nd));
    card.cfg[6] = 0;
    CHECK(!nd->ops->link_up(nd));
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    nd->ops->rx_done(nd); /* nothing to be done with: no harm */

    CHECK(arrive(1, hdr, 60) && arrive(2, hdr, 1514) && arrive(3, hdr, 14));
    for (unsigned i = 1; i <= 3; i++) {
        p = nd->ops->rx_peek(nd, &n);
        CHECK(p != NULL && p[0] == i && p[n - 1] == i);
        CHECK_EQ(n, i == 1 ? 60 : i == 2 ? 1514 : 14);
        CHECK(nd->ops->rx_peek(nd, &n) == p); /* the same until done */
        CHECK(nd->ops->arm(nd));
        nd->ops->rx_done(nd);
    }
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);

    b = nd->ops->tx_buf(nd, &n);
    CHECK_EQ(n, 1514);
    nd->ops->tx_send(nd, 1536); /* more than a buffer: not sent */
    CHECK_EQ(nd->stats.tx, 0);
    CHECK(nd->ops->tx_buf(nd, &n) == b); /* dropped and asked for again */
    memset(b - hdr, 0xaa, hdr);
    memset(b, 7, 100);
    nd->ops->tx_send(nd, 100);
    b = fetch(1, &id, &len);
    CHECK_EQ(len, hdr + 100);
    CHECK_MEM(b, hdr, "\0\0\0\0\0\0\0\0\0\0\0\0", hdr);
    CHECK(b[hdr] == 7 && b[hdr + 99] == 7);
    CHECK_EQ(card.kicks[1], 1);
    CHECK_EQ(nd->stats.rx, 3);
    CHECK_EQ(nd->stats.tx, 1);
}

static void run_frames(void)
{
    frames(&modern, 12);
}

static void run_frames_legacy(void)
{
    frames(&legacy, 10);
}

/* Frames without end through both rings: every buffer comes round. */
static void run_many(void)
{
    struct netdev *nd = open_card(&modern);
    size_t n;
    uint16_t id;
    uint32_t len;

    for (unsigned i = 0; i < 200000 && check_failed == 0; i++) {
        const uint8_t *p;
        uint8_t *b;

        CHECK(arrive((uint8_t)i, 12, 20 + i % 1000));
        p = nd->ops->rx_peek(nd, &n);
        CHECK(p != NULL && p[0] == (uint8_t)i && n == 20 + i % 1000);
        nd->ops->rx_done(nd);
        b = nd->ops->tx_buf(nd, &n);
        if (!CHECK(b != NULL))
            break;
        nd->ops->tx_send(nd, 60);
        CHECK(fetch(1, &id, &len) != NULL);
        publish(1, id, 0);
    }
    CHECK_EQ(nd->stats.rx, 200000);
    CHECK_EQ(nd->stats.tx, 200000);
    CHECK_EQ(nd->stats.tx_full, 0);
}

/* A full ring: NULL, and arm() asks for word of the first one sent. */
static void run_tx_full(void)
{
    struct netdev *nd = open_card(&modern);
    size_t n;
    uint16_t id;
    uint32_t len;
    const uint16_t *avail;

    for (unsigned i = 0; i < 64; i++) {
        CHECK(nd->ops->tx_buf(nd, &n) != NULL);
        nd->ops->tx_send(nd, 60);
    }
    CHECK(nd->ops->tx_buf(nd, &n) == NULL);
    CHECK_EQ(nd->stats.tx_full, 1);
    CHECK(!nd->ops->arm(nd));
    avail = (const uint16_t *)(uintptr_t)vring_avail_addr(card.ring[1]);
    CHECK_EQ(avail[2 + 64], 0); /* used_event: the very next */
    CHECK(fetch(1, &id, &len) != NULL);
    publish(1, id, 0);
    CHECK(nd->ops->arm(nd)); /* it was faster than the arming */
    CHECK(nd->ops->tx_buf(nd, &n) != NULL);
    CHECK(nd->ops->tx_buf(nd, &n) != NULL);
    nd->ops->tx_send(nd, 60);
    CHECK(nd->ops->tx_buf(nd, &n) == NULL);
    CHECK(nd->dead == NULL);
}

static void run_arm(void)
{
    struct netdev *nd = open_card(&modern);
    size_t n;

    CHECK(!nd->ops->arm(nd));
    CHECK_EQ(card.acks, 1);
    CHECK(arrive(1, 12, 60));
    CHECK(nd->ops->arm(nd));
    CHECK(nd->ops->rx_peek(nd, &n) != NULL);
    nd->ops->rx_done(nd);
    CHECK(!nd->ops->arm(nd));
}

static void run_bad_frames(void)
{
    struct netdev *nd = open_card(&modern);
    size_t n = 0;

    for (unsigned i = 0; i < 1000; i++) {
        CHECK(arrive(1, 12, i % 14)); /* buffers are given back */
        CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    }
    CHECK_EQ(nd->stats.rx_bad, 1000);
    CHECK(arrive(1, 12, 60));
    CHECK(nd->ops->rx_peek(nd, &n) != NULL);
    CHECK_EQ(n, 60);
}

static void dies(unsigned q, uint32_t id, uint32_t len, const char *why)
{
    struct netdev *nd = open_card(&modern);
    size_t n;

    CHECK(nd->ops->tx_buf(nd, &n) != NULL);
    nd->ops->tx_send(nd, 60);
    publish(q, id, len);
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    CHECK(q == 0 || nd->ops->tx_buf(nd, &n) == NULL);
    CHECK_STR(nd->dead, why);
    CHECK_EQ(card.status, 0); /* reset */
    CHECK(!nd->ops->arm(nd));
    CHECK(!nd->ops->link_up(nd));
    nd->ops->rx_done(nd);
    CHECK(nd->ops->tx_buf(nd, &n) == NULL);
    nd->ops->tx_send(nd, 60);
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    CHECK_STR(nd->dead, why);
}

static void run_dies_rx_id(void)
{
    dies(0, 64, 72, "a used entry names a descriptor outside the ring");
}

static void run_dies_rx_len(void)
{
    dies(0, 0, 1537, "a used entry is longer than its buffer");
}

static void run_dies_tx_id(void)
{
    dies(1, 5, 0, "a used entry returns a buffer that was not posted");
}

static void refused(uint64_t offers, const char *mac, const char *want)
{
    struct virtio_dev dev = begin(&modern);
    const char *why = "";

    card.offers = offers;
    memcpy(card.cfg, mac, 6);
    CHECK(virtio_net_open(&dev, &why) == NULL);
    CHECK_STR(why, want);
    CHECK_EQ(card.status, 0);
}

static void run_refused(void)
{
    struct virtio_dev dev;
    struct netdev *nd;
    size_t n;
    const char *why = "";

    refused(VIRTIO_F_VERSION_1 | F_MAC, "\1\0\0\0\0\1",
            "its hardware address is not one of a single station");
    refused(VIRTIO_F_VERSION_1 | F_MAC, "\0\0\0\0\0\0",
            "its hardware address is not one of a single station");
    entropy_left = 5;
    refused(VIRTIO_F_VERSION_1, "\0\0\0\0\0\0",
            "it has no hardware address, and there is no entropy to make one");
    dev = begin(&modern);
    card.offers |= F_MTU;
    card.cfg[10] = 67;
    card.cfg[11] = 0;
    CHECK(virtio_net_open(&dev, &why) == NULL);
    CHECK_STR(why, "its MTU is smaller than IP allows");
    dev = begin(&legacy);
    card.offers &= ~F_ANY_LAYOUT;
    CHECK(virtio_net_open(&dev, &why) == NULL);
    CHECK_STR(why, "it lacks a feature the driver needs");
    dev = begin(&modern);
    card.queue_max = 0;
    CHECK(virtio_net_open(&dev, &why) == NULL);
    dev = begin(&modern);
    dev.unusable = "it is made of tin";
    dev.ops = NULL;
    CHECK(virtio_net_open(&dev, &why) == NULL);
    CHECK_STR(why, "it is made of tin");

    entropy_left = 100; /* and after all that the next one works */
    dev = begin(&modern);
    card.offers = VIRTIO_F_VERSION_1;
    nd = virtio_net_open(&dev, &why);
    CHECK(nd != NULL && nd->mac[0] == 0xfe && nd->ops->link_up(nd));
    CHECK(virtio_net_open(&dev, &why) == NULL);
    CHECK_STR(why, "another one is already in use");
    nd->ops->close(nd);
    CHECK_EQ(card.status, 0); /* reset: it holds nothing of ours */
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    dev = begin(&modern);
    dev.irq = IRQ_SURE;
    nd = virtio_net_open(&dev, &why);
    CHECK(nd != NULL && nd->dead == NULL && !nd->polled);
}

static void run_jumbo(void)
{
    struct virtio_dev dev = begin(&modern);
    const char *why = "";
    struct netdev *nd;

    card.offers |= F_MTU;
    card.cfg[10] = 0x28; /* 9000 */
    card.cfg[11] = 0x23;
    nd = virtio_net_open(&dev, &why);
    CHECK(nd != NULL && nd->mtu == 1500);
    CHECK((card.accepted & F_MTU) == 0);
}

/* A card that does anything: the stack's side must see only frames inside
 * buffers that the device had, and a dead card stays dead. */
static void run_random(void)
{
    uint64_t rnd = check_seed;
    struct netdev *nd = open_card(&modern);
    size_t n;

    for (unsigned i = 0; i < 300000; i++) {
        uint64_t r = check_random(&rnd);
        unsigned q = r >> 8 & 1;
        const uint8_t *p;
        uint16_t id;
        uint32_t len;

        switch (r % 16) {
        case 0:
            publish(q, (uint32_t)(r >> 16) % 66, (uint32_t)(r >> 32) % 1540);
            break;
        case 1:
            used16(q)[1] = (uint16_t)(r >> 16);
            break;
        case 2:
            nd->ops->tx_send(nd, (r >> 16) % 2000);
            break;
        case 3:
        case 4:
            if (nd->ops->tx_buf(nd, &n) != NULL)
                nd->ops->tx_send(nd, n);
            break;
        case 5:
        case 6:
            if (fetch(1, &id, &len) != NULL)
                publish(1, id, 0);
            break;
        case 7:
            (void)nd->ops->arm(nd);
            break;
        case 8:
        case 9:
        case 10:
            (void)arrive((uint8_t)r, 12, (r >> 16) % 1515);
            break;
        default:
            p = nd->ops->rx_peek(nd, &n);
            CHECK(p == NULL || (n >= 14 && n <= 1524));
            for (size_t k = 0; p != NULL && k < n; k += 64)
                CHECK(p[k] >= 0); /* the sanitizer judges the address */
            nd->ops->rx_done(nd);
        }
        if (nd->dead != NULL && i % 64 == 0)
            break;
    }
}

static void run_random_devices(void)
{
    uint64_t base = check_seed;

    for (unsigned i = 0; i < 200 && check_failed == 0; i++) {
        check_seed = base * 1000 + i;
        in_child(NULL, run_random);
    }
}

CASE(frames)
CASE(frames_legacy)
CASE(many)
CASE(tx_full)
CASE(arm)
CASE(bad_frames)
CASE(dies_rx_id)
CASE(dies_rx_len)
CASE(dies_tx_id)
CASE(refused)
CASE(jumbo)
CASE(random_devices)

static const struct check_case cases[] = {
    { "frames", case_frames },
    { "frames_legacy", case_frames_legacy },
    { "many", case_many },
    { "tx_full", case_tx_full },
    { "arm", case_arm },
    { "bad_frames", case_bad_frames },
    { "dies_rx_id", case_dies_rx_id },
    { "dies_rx_len", case_dies_rx_len },
    { "dies_tx_id", case_dies_tx_id },
    { "refused", case_refused },
    { "jumbo", case_jumbo },
    { "random_devices", case_random_devices },
};

CHECK_MAIN(cases)
