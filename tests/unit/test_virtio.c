/* sources: kernel/virtio/virtio.c kernel/virtio/ring.c kernel/virtio/mmio.c kernel/virtio/pci.c */
/* includes: kernel net */
/*
 * test_virtio.c - bringing a device up, and the register maps, against devices
 * made of memory: good, bare, and lying.
 */
#include "fakecard.h"

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

    dev = begin(&modern); /* behind an IOMMU that nobody has switched on */
    card.offers |= VIRTIO_F_ACCESS_PLATFORM;
    CHECK(virtio_start(&dev, F_MAC, 0, &why));
    CHECK_EQ(card.accepted,
             VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | F_MAC);

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

static bool with_msix = true;
static const char *where = "0:3.0";

static bool pci_probe(struct virtio_dev *dev, const char **why)
{
    struct virtio_pci_access a = {
        .where = where,
        .read = pci_read,
        .write = pci_write,
        .map = pci_map,
        .ctx = pci_cfg,
        .msix = with_msix,
        .irq = IRQ_SURE,
    };

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

/* Without MSI-X the line is used, and reading the ISR lowers it. */
static void run_pci_intx(void)
{
    struct virtio_dev dev;
    const char *why = "";

    with_msix = false;
    where = NULL;
    pci_fill(0x1041);
    CHECK(pci_probe(&dev, &why));
    CHECK_STR(dev.name, "virtio-pci ");
    CHECK_EQ(pci_cfg[4] | pci_cfg[5] << 8, 0x6); /* the line is on */
    dev.ops->irq_ack(&dev);
    pci_cfg[0x60 + 3] = 9; /* no ISR: then nothing lowers the line */
    CHECK(!pci_probe(&dev, &why));
    CHECK(strstr(why, "incomplete") != NULL);
    with_msix = true;
    CHECK(pci_probe(&dev, &why));
    dev.ops->irq_ack(&dev); /* and nobody reads it */
}

static void run_pci_queue(void)
{
    static struct vring_mem mem;
    struct vring vr;
    struct virtio_dev dev;
    const char *why = "";

    pci_fill(0x1041);
    pci_cfg[0x80 + 16] = 1; /* notify_off_multiplier */
    CHECK(pci_probe(&dev, &why));
    bar4[4] = 1;
    CHECK(virtio_start(&dev, 0, 0, &why));
    bar4[0x12] = 1;
    bar4[0x18] = 64;
    bar4[0x1e] = 3; /* not at a 16-bit boundary */
    CHECK(!virtio_queue(&dev, 0, &vr, &mem, 32, &why));
    CHECK_EQ(bar4[0x1c], 0);
    bar4[0x1e] = 4;
    CHECK(virtio_queue(&dev, 0, &vr, &mem, 32, &why));
    CHECK(!virtio_queue(&dev, 0, &vr, &mem, 32, &why)); /* it is in use */
    CHECK_EQ(dev.ops->config_gen(&dev), 0);
    bar4[0x15] = 7;
    CHECK_EQ(dev.ops->config_gen(&dev), 7);
}

CASE(start)
CASE(start_refused)
CASE(queue_sizes)
CASE(config)
CASE(mmio)
CASE(pci)
CASE(pci_refused)
CASE(pci_intx)
CASE(pci_queue)

static const struct check_case cases[] = {
    { "start", case_start },
    { "start_refused", case_start_refused },
    { "queue_sizes", case_queue_sizes },
    { "config", case_config },
    { "mmio", case_mmio },
    { "pci", case_pci },
    { "pci_refused", case_pci_refused },
    { "pci_intx", case_pci_intx },
    { "pci_queue", case_pci_queue },
};

CHECK_MAIN(cases)
