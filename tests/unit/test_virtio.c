/* sources: kernel/virtio/virtio.c kernel/virtio/ring.c kernel/virtio/mmio.c kernel/virtio/pci.c net/virtio_net.c */
/* includes: kernel net */
/*
 * test_virtio.c - bringing a device up, the register maps, and the network
 * card, against devices made of memory: good, bare, and lying.
 */
#include "virtio_net.h"

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "entropy.h"
#include "virtio/ring.h"

#define F_MTU        (1ull << 3)
#define F_MAC        (1ull << 5)
#define F_STATUS     (1ull << 16)
#define F_ANY_LAYOUT (1ull << 27)
#define F_EVENT_IDX  (1ull << 29)

/* ------------------------------------------------- a card made of memory */

static struct {
    uint64_t offers, accepted;
    uint16_t queue_max;
    bool sticky_status, drops_features_ok;
    uint8_t status, cfg[12];
    char seen[256]; /* every status written */
    struct vring *ring[2];
    uint16_t avail_seen[2], used[2];
    unsigned kicks[2], acks;
    unsigned gens, changes; /* config changes under the first reads */
} card;

static uint8_t get_status(struct virtio_dev *d)
{
    (void)d;
    return card.status;
}

static void set_status(struct virtio_dev *d, uint8_t s)
{
    size_t at = strlen(card.seen);

    (void)d;
    snprintf(card.seen + at, sizeof(card.seen) - at, "%u ", s);
    if (card.sticky_status && s == 0)
        return;
    if (card.drops_features_ok)
        s &= (uint8_t)~8u;
    card.status = s;
}

static uint64_t get_features(struct virtio_dev *d)
{
    (void)d;
    return card.offers;
}

static void set_features(struct virtio_dev *d, uint64_t f)
{
    (void)d;
    card.accepted = f;
}

static uint16_t queue_max(struct virtio_dev *d, uint16_t index)
{
    (void)d;
    return index < 2 ? card.queue_max : 0;
}

static bool queue_set(struct virtio_dev *d, uint16_t index, struct vring *vr)
{
    (void)d;
    card.ring[index] = vr;
    card.avail_seen[index] = 0;
    card.used[index] = 0;
    return true;
}

static void notify(struct virtio_dev *d, struct vring *vr)
{
    (void)d;
    card.kicks[vr->index]++;
}

static void config_read(struct virtio_dev *d, size_t off, void *out, size_t len)
{
    (void)d;
    CHECK(off + len <= sizeof(card.cfg));
    memcpy(out, card.cfg + off, len);
}

static uint32_t config_gen(struct virtio_dev *d)
{
    (void)d;
    if (card.changes > 0 && ++card.gens % 2 == 0) { /* between the two */
        card.changes--;
        card.cfg[0]++;
        return card.gens;
    }
    return 0;
}

static void irq_ack(struct virtio_dev *d)
{
    (void)d;
    card.acks++;
}

#define OPS(is_legacy)                                                        \
    {                                                                         \
        .name = "fake", .legacy = (is_legacy), .get_status = get_status,      \
        .set_status = set_status, .get_features = get_features,               \
        .set_features = set_features, .queue_max = queue_max,                 \
        .queue_set = queue_set, .notify = notify, .config_read = config_read, \
        .config_gen = config_gen, .irq_ack = irq_ack,                         \
    }
static const struct virtio_transport modern = OPS(false), legacy = OPS(true);

static struct virtio_dev begin(const struct virtio_transport *ops)
{
    struct virtio_dev dev = { .ops = ops,
                              .id = VIRTIO_ID_NET,
                              .name = "virtio-mmio feb00e00",
                              .cfg_len = sizeof(card.cfg) };

    memset(&card, 0, sizeof(card));
    card.offers = VIRTIO_F_VERSION_1 | F_MAC | F_STATUS | F_EVENT_IDX |
                  F_ANY_LAYOUT | 0xff7;
    card.offers &= ~F_MTU;
    card.queue_max = 256;
    memcpy(card.cfg, "\x52\x54\0\1\2\3\1\0\0\0\xdc\5", 12);
    return dev;
}

static uint16_t *used16(unsigned q)
{
    return (uint16_t *)(uintptr_t)vring_used_addr(card.ring[q]);
}

static void publish(unsigned q, uint32_t id, uint32_t len)
{
    uint16_t size = card.ring[q]->size;
    uint32_t *e = (uint32_t *)(void *)(used16(q) + 2);

    e[2 * (card.used[q] % size)] = id;
    e[2 * (card.used[q] % size) + 1] = len;
    used16(q)[1] = ++card.used[q];
}

/* The device takes the next posted buffer of queue q; NULL: none. */
static uint8_t *fetch(unsigned q, uint16_t *id, uint32_t *len)
{
    struct vring *vr = card.ring[q];
    const uint16_t *avail = (const uint16_t *)(uintptr_t)vring_avail_addr(vr);
    const uint8_t *d;
    uint64_t addr;

    if (avail[1] == card.avail_seen[q])
        return NULL;
    *id = avail[2 + card.avail_seen[q]++ % vr->size];
    used16(q)[2 + 4 * vr->size] = card.avail_seen[q];
    d = (const uint8_t *)(uintptr_t)vring_desc_addr(vr) + 16 * *id;
    memcpy(&addr, d, 8);
    memcpy(len, d + 8, 4);
    return (uint8_t *)(uintptr_t)addr;
}

/* A frame of n bytes, each of value v, arrives behind hdr bytes. */
static bool arrive(uint8_t v, size_t hdr, uint32_t n)
{
    uint16_t id;
    uint32_t len;
    uint8_t *p = fetch(0, &id, &len);

    if (p == NULL)
        return false;
    CHECK_EQ(len, 1536);
    memset(p, 0xee, hdr);
    memset(p + hdr, v, n);
    publish(0, id, (uint32_t)hdr + n);
    return true;
}

static size_t entropy_left = 100;

size_t entropy_read(uint8_t *out, size_t len)
{
    size_t n = len < entropy_left ? len : entropy_left;

    memset(out, 0xff, n);
    return n;
}

/* The card's memory is static and open once, so each case has a process. */
static void in_child(void (*run)(void))
{
    int s = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        check_failed = 0;
        run();
        fflush(stdout);
        _exit(check_failed != 0 ? 1 : 0);
    }
    CHECK(pid > 0 && waitpid(pid, &s, 0) == pid);
    CHECK_EQ(s, 0);
}

/* ---------------------------------------------------------------- start-up */

static void run_start(void)
{
    struct virtio_dev dev = begin(&modern);
    const char *why = "";

    CHECK(virtio_start(&dev, F_MAC, F_STATUS, &why));
    CHECK_STR(card.seen, "0 1 3 11 "); /* 3.1.1 */
    CHECK_EQ(card.accepted, VIRTIO_F_VERSION_1 | F_MAC | F_STATUS);
    CHECK_EQ(dev.features, card.accepted);
    virtio_ready(&dev);
    CHECK_STR(card.seen, "0 1 3 11 15 ");
    virtio_fail(&dev);
    CHECK_STR(card.seen, "0 1 3 11 15 143 0 ");

    dev = begin(&legacy);
    CHECK(virtio_start(&dev, F_MAC, 0, &why));
    CHECK_STR(card.seen, "0 1 3 "); /* no FEATURES_OK */
    CHECK_EQ(card.accepted, F_MAC);
}

static void start_fails(struct virtio_dev *dev, uint64_t need, const char *want,
                        const char *seen)
{
    const char *why = "";

    CHECK(!virtio_start(dev, 0, need, &why));
    CHECK_STR(why, want);
    CHECK_STR(card.seen, seen);
}

static void run_start_refused(void)
{
    struct virtio_dev dev = begin(&modern);

    card.offers &= ~VIRTIO_F_VERSION_1;
    start_fails(&dev, 0, "it does not offer virtio 1.0", "0 1 3 131 0 ");
    dev = begin(&modern);
    start_fails(&dev, F_MTU, "it lacks a feature the driver needs",
                "0 1 3 131 0 ");
    dev = begin(&modern);
    card.drops_features_ok = true;
    start_fails(&dev, 0, "it refused the features it had offered",
                "0 1 3 11 131 0 ");
    dev = begin(&modern);
    card.sticky_status = true;
    card.status = 1;
    start_fails(&dev, 0, "it does not finish its reset", "0 129 ");
}

static void run_queue_sizes(void)
{
    static const struct {
        uint16_t device, ours, want;
    } t[] = { { 256, 64, 64 }, { 256, 256, VRING_MAX },
              { 8, 64, 8 },    { 1, 64, 1 },
              { 32768, 1, 1 }, { 100, 64, 64 },
              { 48, 64, 0 },   { 0, 64, 0 },
              { 3, 64, 0 } };
    static struct vring_mem mem;
    struct vring vr;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct virtio_dev dev = begin(&modern);
        const char *why = NULL;
        bool ok;

        card.queue_max = t[i].device;
        memset(&vr, 0, sizeof(vr));
        ok = virtio_queue(&dev, 1, &vr, &mem, t[i].ours, &why);
        CHECK_EQ(vr.size, t[i].want);
        CHECK_EQ(ok, t[i].want != 0);
        CHECK_EQ(why == NULL, ok);
    }
}

static void run_config(void)
{
    struct virtio_dev dev = begin(&modern);
    uint8_t out[8];

    virtio_config(&dev, 6, out, 2);
    CHECK_MEM(out, 2, "\1\0", 2);
    virtio_config(&dev, 10, out, 4); /* half of it is there */
    CHECK_MEM(out, 4, "\xdc\5\0\0", 4);
    virtio_config(&dev, 12, out, 8);
    CHECK_MEM(out, 8, "\0\0\0\0\0\0\0\0", 8);
    card.changes = 3; /* read until it stands still */
    virtio_config(&dev, 0, out, 1);
    CHECK_EQ(out[0], 0x52 + 3);
    card.changes = 1000; /* but not for ever */
    virtio_config(&dev, 0, out, 1);
    CHECK(card.changes > 900);
    virtio_config(&dev, SIZE_MAX, out, 8);
    CHECK_MEM(out, 8, "\0\0\0\0\0\0\0\0", 8);
}

/* ----------------------------------------------------------- register maps */

static _Alignas(8) uint8_t regs[0x200];

static uint32_t reg(size_t at)
{
    uint32_t v;

    memcpy(&v, regs + at, 4);
    return v;
}

static void put(size_t at, uint32_t v)
{
    memcpy(regs + at, &v, 4);
}

static void run_mmio(void)
{
    static struct vring_mem mem;
    struct vring vr;
    struct virtio_dev dev;
    const char *why = "";

    CHECK(!virtio_mmio_probe(&dev, regs, &why));
    CHECK_STR(why, "there are no virtio registers at this address");
    put(0, 0x74726976);
    put(4, 3);
    put(8, 0);
    CHECK(!virtio_mmio_probe(&dev, regs, &why));
    CHECK_STR(why, "its register layout is neither version 1 nor 2");
    put(4, 2);
    CHECK(!virtio_mmio_probe(&dev, regs, &why));
    CHECK_STR(why, NULL);
    put(8, 4);
    CHECK(virtio_mmio_probe(&dev, regs, &why));
    CHECK_EQ(dev.id, 4);
    CHECK(!dev.ops->legacy);
    CHECK(strncmp(dev.name, "virtio-mmio ", 12) == 0);

    put(0x10, 0x20000001); /* plain memory: both halves the same */
    CHECK(virtio_start(&dev, F_EVENT_IDX, 0, &why));
    CHECK_EQ(dev.features, VIRTIO_F_VERSION_1 | F_EVENT_IDX);
    CHECK_EQ(reg(0x24), 1);
    CHECK_EQ(reg(0x20), 1); /* the high half came last */
    CHECK_EQ(reg(0x70), 11);
    put(0x34, 16);
    CHECK(virtio_queue(&dev, 1, &vr, &mem, 8, &why));
    CHECK_EQ(reg(0x30), 1);
    CHECK_EQ(reg(0x38), 8);
    CHECK_EQ(reg(0x44), 1);
    CHECK_EQ(reg(0x80) | (uint64_t)reg(0x84) << 32, vring_desc_addr(&vr));
    CHECK_EQ(reg(0x90) | (uint64_t)reg(0x94) << 32, vring_avail_addr(&vr));
    CHECK_EQ(reg(0xa0) | (uint64_t)reg(0xa4) << 32, vring_used_addr(&vr));
    CHECK(!virtio_queue(&dev, 1, &vr, &mem, 8, &why)); /* in use */
    put(0x50, 77);
    dev.ops->notify(&dev, &vr);
    CHECK_EQ(reg(0x50), 1);
    put(0x60, 3);
    dev.ops->irq_ack(&dev);
    CHECK_EQ(reg(0x64), 3);
}

static uint8_t pci_cfg[0x110];
static _Alignas(8) uint8_t bar4[0x4000];

static uint32_t pci_read(void *ctx, uint16_t off, uint8_t bytes)
{
    uint32_t v = 0;

    CHECK(ctx == pci_cfg);
    if (CHECK(off + bytes <= 0x100 && off % bytes == 0))
        memcpy(&v, pci_cfg + off, bytes);
    return v;
}

static void pci_write(void *ctx, uint16_t off, uint32_t v, uint8_t bytes)
{
    CHECK(ctx == pci_cfg && off == 4 && bytes == 2);
    memcpy(pci_cfg + off, &v, bytes);
}

static volatile uint8_t *pci_map(void *ctx, uint8_t bar, uint32_t off,
                                 uint32_t len)
{
    CHECK(ctx == pci_cfg);
    if (bar != 4 || len > sizeof(bar4) || off > sizeof(bar4) - len)
        return NULL;
    return bar4 + off;
}

static uint8_t pci_cap(uint8_t at, uint8_t next, uint8_t type, uint32_t off,
                       uint32_t len)
{
    uint8_t c[20] = { 9, next, type == 2 ? 20 : 16, type, 4 };

    memcpy(c + 8, &off, 4);
    memcpy(c + 12, &len, 4);
    c[16] = 4; /* notify_off_multiplier */
    memcpy(pci_cfg + at, c, type == 2 ? 20 : 16);
    return at;
}

static void pci_fill(uint16_t device)
{
    static const uint8_t head[] = { 0xf4, 0x1a, 0, 0, 0, 0, 0x10, 0 };

    memset(pci_cfg, 0, sizeof(pci_cfg));
    memset(bar4, 0, sizeof(bar4));
    memcpy(pci_cfg, head, sizeof(head));
    memcpy(pci_cfg + 2, &device, 2);
    pci_cfg[0x2e] = 1;
    pci_cfg[0x34] = 0x40;
    pci_cfg[0x40] = 0x11; /* MSI-X: passed over */
    pci_cfg[0x41] = pci_cap(0x50, 0x60, 1, 0, 0x38);
    (void)pci_cap(0x60, 0x70, 3, 0x1000, 1);
    (void)pci_cap(0x70, 0x80, 4, 0x2000, 0x1000);
    (void)pci_cap(0x80, 0, 2, 0x3000, 0x1000);
}

static bool pci_probe(struct virtio_dev *dev, const char **why)
{
    struct virtio_pci_access a = { "0:3.0", pci_read, pci_write,
                                   pci_map, pci_cfg,  true };

    return virtio_pci_probe(dev, &a, why);
}

static void run_pci(void)
{
    static struct vring_mem mem;
    static const uint16_t ids[] = { 0x1041, 0x1000 };
    struct vring vr;
    struct virtio_dev dev;
    const char *why = "";
    uint64_t at;

    for (unsigned i = 0; i < 2; i++) {
        pci_fill(ids[i]);
        CHECK(pci_probe(&dev, &why));
        CHECK_EQ(dev.id, 1);
        CHECK_STR(dev.name, "virtio-pci 0:3.0");
        CHECK_EQ(pci_cfg[4] | pci_cfg[5] << 8, 0x406);
    }
    bar4[4] = 1; /* VERSION_1 in the high half */
    CHECK(virtio_start(&dev, 0, 0, &why));
    CHECK_EQ(bar4[0x14], 11);
    CHECK_EQ(bar4[8], 1);
    CHECK_EQ(bar4[0xc], 1);
    bar4[0x12] = 2;
    bar4[0x18] = 64;
    bar4[0x1e] = 3;
    CHECK(virtio_queue(&dev, 1, &vr, &mem, 32, &why));
    CHECK_EQ(bar4[0x16], 1);
    CHECK_EQ(bar4[0x18], 32);
    CHECK_EQ(bar4[0x1c], 1);
    memcpy(&at, bar4 + 0x20, 8);
    CHECK_EQ(at, vring_desc_addr(&vr));
    memcpy(&at, bar4 + 0x28, 8);
    CHECK_EQ(at, vring_avail_addr(&vr));
    memcpy(&at, bar4 + 0x30, 8);
    CHECK_EQ(at, vring_used_addr(&vr));
    dev.ops->notify(&dev, &vr);
    CHECK_EQ(bar4[0x3000 + 3 * 4], 1);
    CHECK(!virtio_queue(&dev, 2, &vr, &mem, 32, &why)); /* num_queues */
    bar4[0x1c] = 0;
    bar4[0x1f] = 4; /* notify offset 0x403 * 4: outside */
    CHECK(!virtio_queue(&dev, 1, &vr, &mem, 32, &why));
}

static void run_pci_refused(void)
{
    struct virtio_dev dev;
    const char *why = "";

    pci_fill(0x1041);
    pci_cfg[0] = 0x86;
    CHECK(!pci_probe(&dev, &why));
    CHECK_STR(why, NULL);
    pci_fill(0x1080);
    CHECK(!pci_probe(&dev, &why));
    CHECK_STR(why, NULL);
    pci_fill(0x1000);
    pci_cfg[6] = 0; /* no capability list */
    CHECK(!pci_probe(&dev, &why));
    CHECK(why != NULL && strstr(why, "before virtio 1.0") != NULL);
    pci_fill(0x1041);
    pci_cfg[0x71] = 0x40; /* a circle, without the notify structure */
    CHECK(!pci_probe(&dev, &why));
    CHECK(why != NULL && strstr(why, "incomplete") != NULL);
    pci_fill(0x1041);
    (void)pci_cap(0x50, 0x60, 1, 0x3ffc, 0x38); /* out of its BAR */
    CHECK(!pci_probe(&dev, &why));
    (void)pci_cap(0x50, 0x60, 1, 0xfffffff0, 0x38);
    CHECK(!pci_probe(&dev, &why));
    (void)pci_cap(0x50, 0x60, 1, 0, 0x37); /* too short */
    CHECK(!pci_probe(&dev, &why));
    (void)pci_cap(0x50, 0x60, 1, 2, 0x38); /* not aligned */
    CHECK(!pci_probe(&dev, &why));
    (void)pci_cap(0x50, 0x60, 1, 0, 0x38);
    CHECK(pci_probe(&dev, &why));
    pci_cfg[0x60 + 4] = 6; /* no such BAR; with MSI-X nobody needs the ISR */
    CHECK(pci_probe(&dev, &why));
    CHECK(dev.isr == NULL);
    (void)pci_cap(0xf0, 0, 2, 0x3000, 0x1000); /* 20 bytes do not fit */
    pci_cfg[0x71] = 0xf0;
    CHECK(!pci_probe(&dev, &why));
    pci_cfg[0xfc] = 9; /* and of this one not even 16 */
    pci_cfg[0x71] = 0xfc;
    CHECK(!pci_probe(&dev, &why));
}

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

    CHECK_STR(nd->name, "virtio-net mmio feb00e00");
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

    entropy_left = 100; /* and after all that the next one works */
    dev = begin(&modern);
    card.offers = VIRTIO_F_VERSION_1;
    nd = virtio_net_open(&dev, &why);
    CHECK(nd != NULL && nd->mac[0] == 0xfe && nd->ops->link_up(nd));
    CHECK(virtio_net_open(&dev, &why) == NULL);
    CHECK_STR(why, "another network device is already in use");
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
        in_child(run_random);
    }
}

#define CASE(x)                \
    static void case_##x(void) \
    {                          \
        in_child(run_##x);     \
    }

CASE(start)
CASE(start_refused)
CASE(queue_sizes)
CASE(config)
CASE(mmio)
CASE(pci)
CASE(pci_refused)
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
    { "start", case_start },
    { "start_refused", case_start_refused },
    { "queue_sizes", case_queue_sizes },
    { "config", case_config },
    { "mmio", case_mmio },
    { "pci", case_pci },
    { "pci_refused", case_pci_refused },
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
