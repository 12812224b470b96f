/*
 * mmio.c - virtio over memory-mapped registers: version 2 (virtio 1.2,
 * 4.2.2) and the legacy version 1 (4.2.4).
 *
 * QEMU gives version 1 unless started with -global
 * virtio-mmio.force-legacy=false, so both must work. All registers are 32
 * bits wide and only accessed so; the device's own configuration from 0x100
 * on has fields of other widths.
 */
#include <string.h>

#include "ring.h"
#include "transport.h"
#include "virtio.h"

enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    GUEST_PAGE_SIZE = 0x028, /* legacy only */
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_ALIGN = 0x03c, /* legacy only */
    QUEUE_PFN = 0x040,   /* legacy only */
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
    WINDOW = 0x200, /* what every machine maps for one device */
};

#define MAGIC_VALUE 0x74726976u /* "virt" */

static uint32_t get(struct virtio_dev *dev, size_t reg)
{
    return *(volatile uint32_t *)(volatile void *)(dev->base + reg);
}

static void set(struct virtio_dev *dev, size_t reg, uint32_t v)
{
    *(volatile uint32_t *)(volatile void *)(dev->base + reg) = v;
}

static void set64(struct virtio_dev *dev, size_t low, uint64_t v)
{
    set(dev, low, (uint32_t)v);
    set(dev, low + 4, (uint32_t)(v >> 32));
}

static uint8_t mmio_get_status(struct virtio_dev *dev)
{
    return (uint8_t)get(dev, STATUS);
}

static void mmio_set_status(struct virtio_dev *dev, uint8_t status)
{
    set(dev, STATUS, status);
}

static uint64_t mmio_get_features(struct virtio_dev *dev)
{
    uint64_t low;

    set(dev, DEVICE_FEATURES_SEL, 0);
    low = get(dev, DEVICE_FEATURES);
    set(dev, DEVICE_FEATURES_SEL, 1);
    return low | (uint64_t)get(dev, DEVICE_FEATURES) << 32;
}

static void mmio_set_features(struct virtio_dev *dev, uint64_t features)
{
    set(dev, DRIVER_FEATURES_SEL, 0);
    set(dev, DRIVER_FEATURES, (uint32_t)features);
    set(dev, DRIVER_FEATURES_SEL, 1);
    set(dev, DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static uint16_t mmio_queue_max(struct virtio_dev *dev, uint16_t index)
{
    uint32_t max;

    set(dev, QUEUE_SEL, index);
    max = get(dev, QUEUE_NUM_MAX);
    return max > UINT16_MAX ? 0 : (uint16_t)max; /* 2.7: at most 32768 */
}

/* 4.2.3.2 */
static bool modern_queue_set(struct virtio_dev *dev, uint16_t index,
                             struct vring *vr)
{
    set(dev, QUEUE_SEL, index);
    if (get(dev, QUEUE_READY) != 0)
        return false;
    set(dev, QUEUE_NUM, vr->size);
    set64(dev, QUEUE_DESC_LOW, vring_desc_addr(vr));
    set64(dev, QUEUE_DRIVER_LOW, vring_avail_addr(vr));
    set64(dev, QUEUE_DEVICE_LOW, vring_used_addr(vr));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    set(dev, QUEUE_READY, 1);
    return get(dev, QUEUE_READY) == 1;
}

/* 4.2.4: the page number of the whole ring; the layout follows from it, the
 * size and the alignment. */
static bool legacy_queue_set(struct virtio_dev *dev, uint16_t index,
                             struct vring *vr)
{
    uint64_t page = vring_desc_addr(vr) / VRING_PAGE;

    if (page > UINT32_MAX)
        return false;
    set(dev, GUEST_PAGE_SIZE, VRING_PAGE);
    set(dev, QUEUE_SEL, index);
    if (get(dev, QUEUE_PFN) != 0)
        return false;
    set(dev, QUEUE_NUM, vr->size);
    set(dev, QUEUE_ALIGN, VRING_PAGE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    set(dev, QUEUE_PFN, (uint32_t)page);
    return get(dev, QUEUE_PFN) == page;
}

static void mmio_notify(struct virtio_dev *dev, struct vring *vr)
{
    set(dev, QUEUE_NOTIFY, vr->index);
}

/* virtio_config() has checked the range against cfg_len */
static void mmio_config_read(struct virtio_dev *dev, size_t off, void *out,
                             size_t len)
{
    virtio_config_copy(dev->cfg + off, out, len);
}

static uint32_t modern_config_gen(struct virtio_dev *dev)
{
    return get(dev, CONFIG_GENERATION);
}

static uint32_t legacy_config_gen(struct virtio_dev *dev)
{
    (void)dev; /* 2.5.4: the legacy interface has none */
    return 0;
}

/* 4.2.3.4: the line stays high, and no new edge comes, until this is done. */
static void mmio_irq_ack(struct virtio_dev *dev)
{
    uint32_t pending = get(dev, INTERRUPT_STATUS);

    if (pending != 0)
        set(dev, INTERRUPT_ACK, pending);
}

static const struct virtio_transport mmio_modern = {
    .name = "virtio-mmio",
    .legacy = false,
    .get_status = mmio_get_status,
    .set_status = mmio_set_status,
    .get_features = mmio_get_features,
    .set_features = mmio_set_features,
    .queue_max = mmio_queue_max,
    .queue_set = modern_queue_set,
    .notify = mmio_notify,
    .config_read = mmio_config_read,
    .config_gen = modern_config_gen,
    .irq_ack = mmio_irq_ack,
};

static const struct virtio_transport mmio_legacy = {
    .name = "virtio-mmio (legacy)",
    .legacy = true,
    .get_status = mmio_get_status,
    .set_status = mmio_set_status,
    .get_features = mmio_get_features,
    .set_features = mmio_set_features,
    .queue_max = mmio_queue_max,
    .queue_set = legacy_queue_set,
    .notify = mmio_notify,
    .config_read = mmio_config_read,
    .config_gen = legacy_config_gen,
    .irq_ack = mmio_irq_ack,
};

/* 4.2.2.2: magic, version, device id, in this order; id 0 is an empty slot
 * whose other registers must not be touched. */
bool virtio_mmio_probe(struct virtio_dev *dev, volatile void *base,
                       const char **why)
{
    uint32_t version;

    memset(dev, 0, sizeof(*dev));
    dev->base = base;
    if (get(dev, MAGIC) != MAGIC_VALUE) {
        *why = "there are no virtio registers at this address";
        return false;
    }
    version = get(dev, VERSION);
    if (version != 1 && version != 2) {
        *why = "its register layout is neither version 1 nor 2";
        return false;
    }
    dev->id = get(dev, DEVICE_ID);
    if (dev->id == 0) {
        *why = NULL;
        return false;
    }
    dev->ops = version == 1 ? &mmio_legacy : &mmio_modern;
    dev->cfg = dev->base + CONFIG;
    dev->cfg_len = WINDOW - CONFIG;
    memcpy(dev->name, "virtio-mmio ", sizeof("virtio-mmio "));
    virtio_name_hex(dev->name, sizeof(dev->name), (uintptr_t)base, 8);
    return true;
}
