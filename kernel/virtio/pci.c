/*
 * pci.c - virtio over PCI, the modern layout (virtio 1.2, 4.1).
 *
 * Transitional functions are driven through their modern capabilities; one
 * that has none is refused with a sentence. The board reads configuration
 * space and maps BARs for us; everything found there is checked: the
 * capability list may be circular, its ranges may lie outside their BAR.
 */
#include <string.h>

#include "ring.h"
#include "transport.h"
#include "virtio.h"

/* PCI configuration space */
enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPS = 0x34,
    PCI_COMMAND_MEMORY = 0x0002,
    PCI_COMMAND_MASTER = 0x0004,
    PCI_COMMAND_NO_INTX = 0x0400,
    PCI_STATUS_CAPS = 0x0010,
    PCI_CAP_VENDOR = 0x09,
    PCI_CAP_FIRST = 0x40, /* the header ends here                       */
    PCI_CAP_LAST = 0xfc,
    PCI_CFG_SIZE = 0x100,
    PCI_CAPS_MAX = 48, /* as many as fit 192 bytes, 4 each              */
};

enum {
    VENDOR_VIRTIO = 0x1af4,
    DEVICE_TRANSITIONAL = 0x1000, /* 4.1.2: .. 0x103f                   */
    DEVICE_MODERN = 0x1040,       /* + device id, .. 0x107f             */
    DEVICE_LAST = 0x107f,
};

/* struct virtio_pci_cap, 4.1.4 */
enum {
    CAP_LEN = 2,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_NOTIFY_MUL = 16,
    CAP_SIZE = 16,
    CAP_NOTIFY_SIZE = 20,

    TYPE_COMMON = 1,
    TYPE_NOTIFY = 2,
    TYPE_ISR = 3,
    TYPE_DEVICE = 4,
    TYPES = 5, /* 5 is the window through configuration space: unused   */
};

/* struct virtio_pci_common_cfg, 4.1.4.3 */
enum {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    CONFIG_MSIX_VECTOR = 0x10,
    NUM_QUEUES = 0x12,
    DEVICE_STATUS = 0x14,
    CONFIG_GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_MSIX_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFF = 0x1e,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
    COMMON_SIZE = 0x38, /* virtio 1.0's; later ones are longer          */
};

#define DEVICE_CFG_MAX 4096u /* more than any device type has */

static uint16_t get16(struct virtio_dev *dev, size_t reg)
{
    return *(volatile uint16_t *)(volatile void *)(dev->base + reg);
}

static uint32_t get32(struct virtio_dev *dev, size_t reg)
{
    return *(volatile uint32_t *)(volatile void *)(dev->base + reg);
}

static void set16(struct virtio_dev *dev, size_t reg, uint16_t v)
{
    *(volatile uint16_t *)(volatile void *)(dev->base + reg) = v;
}

static void set32(struct virtio_dev *dev, size_t reg, uint32_t v)
{
    *(volatile uint32_t *)(volatile void *)(dev->base + reg) = v;
}

/* 4.1.3.1: 64-bit fields as two 32-bit ones */
static void set64(struct virtio_dev *dev, size_t reg, uint64_t v)
{
    set32(dev, reg, (uint32_t)v);
    set32(dev, reg + 4, (uint32_t)(v >> 32));
}

static uint8_t pci_get_status(struct virtio_dev *dev)
{
    return dev->base[DEVICE_STATUS];
}

static void pci_set_status(struct virtio_dev *dev, uint8_t status)
{
    dev->base[DEVICE_STATUS] = status;
}

static uint64_t pci_get_features(struct virtio_dev *dev)
{
    uint64_t low;

    set32(dev, DEVICE_FEATURE_SELECT, 0);
    low = get32(dev, DEVICE_FEATURE);
    set32(dev, DEVICE_FEATURE_SELECT, 1);
    return low | (uint64_t)get32(dev, DEVICE_FEATURE) << 32;
}

static void pci_set_features(struct virtio_dev *dev, uint64_t features)
{
    set32(dev, DRIVER_FEATURE_SELECT, 0);
    set32(dev, DRIVER_FEATURE, (uint32_t)features);
    set32(dev, DRIVER_FEATURE_SELECT, 1);
    set32(dev, DRIVER_FEATURE, (uint32_t)(features >> 32));
}

static uint16_t pci_queue_max(struct virtio_dev *dev, uint16_t index)
{
    if (index >= get16(dev, NUM_QUEUES))
        return 0;
    set16(dev, QUEUE_SELECT, index);
    return get16(dev, QUEUE_SIZE);
}

/* 4.1.5.1.2: a vector reads back, or the device had no room for it. All
 * events share vector 0, since each only ends the sleep. */
static bool take_vector(struct virtio_dev *dev, size_t reg)
{
    set16(dev, reg, 0);
    return get16(dev, reg) == 0;
}

/* 4.1.5.1.3 */
static bool pci_queue_set(struct virtio_dev *dev, uint16_t index,
                          struct vring *vr)
{
    uint64_t at;

    if (dev->msix && !take_vector(dev, CONFIG_MSIX_VECTOR))
        return false;
    set16(dev, QUEUE_SELECT, index);
    if (get16(dev, QUEUE_ENABLE) != 0)
        return false;
    set16(dev, QUEUE_SIZE, vr->size);
    if (dev->msix && !take_vector(dev, QUEUE_MSIX_VECTOR))
        return false;
    set64(dev, QUEUE_DESC, vring_desc_addr(vr));
    set64(dev, QUEUE_DRIVER, vring_avail_addr(vr));
    set64(dev, QUEUE_DEVICE, vring_used_addr(vr));

    /* 4.1.4.4: where this queue's notifications go, inside the capability */
    vr->notify_off = get16(dev, QUEUE_NOTIFY_OFF);
    at = (uint64_t)vr->notify_off * dev->notify_mul;
    if (at + sizeof(uint16_t) > dev->notify_len || at % 2 != 0)
        return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    set16(dev, QUEUE_ENABLE, 1);
    return get16(dev, QUEUE_ENABLE) == 1;
}

static void pci_notify(struct virtio_dev *dev, struct vring *vr)
{
    size_t at = (size_t)vr->notify_off * dev->notify_mul;

    *(volatile uint16_t *)(volatile void *)(dev->notify_base + at) = vr->index;
}

/* virtio_config() has checked the range against cfg_len */
static void pci_config_read(struct virtio_dev *dev, size_t off, void *out,
                            size_t len)
{
    virtio_config_copy(dev->cfg + off, out, len);
}

static uint32_t pci_config_gen(struct virtio_dev *dev)
{
    return dev->base[CONFIG_GENERATION];
}

/* 4.1.4.5: reading the ISR byte lowers INTx; MSI-X needs no answer. */
static void pci_irq_ack(struct virtio_dev *dev)
{
    if (!dev->msix)
        (void)*dev->isr;
}

static const struct virtio_transport pci_modern = {
    .name = "virtio-pci",
    .legacy = false,
    .get_status = pci_get_status,
    .set_status = pci_set_status,
    .get_features = pci_get_features,
    .set_features = pci_set_features,
    .queue_max = pci_queue_max,
    .queue_set = pci_queue_set,
    .notify = pci_notify,
    .config_read = pci_config_read,
    .config_gen = pci_config_gen,
    .irq_ack = pci_irq_ack,
};

static uint32_t cfg(const struct virtio_pci_access *pci, size_t off,
                    uint8_t bytes)
{
    return pci->read(pci->ctx, (uint16_t)off, bytes);
}

/* Maps the structure a capability at at describes, if it makes sense and is
 * the first of its type (4.1.4.1: the first that works is to be used). */
static void take_cap(struct virtio_dev *dev,
                     const struct virtio_pci_access *pci, uint16_t at)
{
    uint8_t type, bar, want;
    uint32_t off, len;
    volatile uint8_t *p;

    static const struct {
        uint32_t len, align;
    } least[TYPES] = {
        { 0, 1 }, /* no type 0; an alignment all the same */
        [TYPE_COMMON] = { COMMON_SIZE, 4 },
        [TYPE_NOTIFY] = { 2, 2 },
        [TYPE_ISR] = { 1, 1 },
        [TYPE_DEVICE] = { 1, 4 },
    };
    volatile uint8_t **place[TYPES] = {
        [TYPE_COMMON] = &dev->base,
        [TYPE_NOTIFY] = &dev->notify_base,
        [TYPE_ISR] = &dev->isr,
        [TYPE_DEVICE] = &dev->cfg,
    };

    if (at + CAP_SIZE > PCI_CFG_SIZE)
        return;
    type = (uint8_t)cfg(pci, at + CAP_TYPE, 1);
    bar = (uint8_t)cfg(pci, at + CAP_BAR, 1);
    want = type == TYPE_NOTIFY ? CAP_NOTIFY_SIZE : CAP_SIZE;
    if (type == 0 || type >= TYPES || *place[type] != NULL || bar > 5 ||
        at + want > PCI_CFG_SIZE || cfg(pci, at + CAP_LEN, 1) < want)
        return;
    off = cfg(pci, at + CAP_OFFSET, 4);
    len = cfg(pci, at + CAP_LENGTH, 4);
    if (type == TYPE_DEVICE && len > DEVICE_CFG_MAX)
        len = DEVICE_CFG_MAX;
    if (len < least[type].len || off > UINT32_MAX - len ||
        off % least[type].align != 0)
        return;
    p = pci->map(pci->ctx, bar, off, len);
    if (p == NULL)
        return;
    *place[type] = p;
    if (type == TYPE_NOTIFY) {
        dev->notify_len = len;
        dev->notify_mul = cfg(pci, at + CAP_NOTIFY_MUL, 4);
    } else if (type == TYPE_DEVICE) {
        dev->cfg_len = len;
    }
}

static void walk_caps(struct virtio_dev *dev,
                      const struct virtio_pci_access *pci)
{
    uint16_t at;

    if ((cfg(pci, PCI_STATUS, 2) & PCI_STATUS_CAPS) == 0)
        return;
    at = cfg(pci, PCI_CAPS, 1) & PCI_CAP_LAST;
    for (unsigned i = 0; i < PCI_CAPS_MAX && at >= PCI_CAP_FIRST; i++) {
        if (cfg(pci, at, 1) == PCI_CAP_VENDOR)
            take_cap(dev, pci, at);
        at = cfg(pci, at + 1u, 1) & PCI_CAP_LAST;
    }
}

/* 4.1.2.1: the id is in the device number, or for transitional functions in
 * the subsystem's. 0: not virtio. */
static uint32_t device_id(const struct virtio_pci_access *pci)
{
    uint32_t device = cfg(pci, PCI_DEVICE, 2);

    if (cfg(pci, PCI_VENDOR, 2) != VENDOR_VIRTIO ||
        device < DEVICE_TRANSITIONAL || device > DEVICE_LAST)
        return 0;
    if (device < DEVICE_MODERN)
        return cfg(pci, PCI_SUBSYSTEM, 2);
    return device - DEVICE_MODERN;
}

bool virtio_pci_probe(struct virtio_dev *dev,
                      const struct virtio_pci_access *pci, const char **why)
{
    uint32_t command = cfg(pci, PCI_COMMAND, 2);
    size_t n = pci->where != NULL ? strlen(pci->where) : 0;

    *why = NULL;
    memset(dev, 0, sizeof(*dev));
    dev->id = device_id(pci);
    if (dev->id == 0)
        return false;
    memcpy(dev->name, "virtio-pci ", sizeof("virtio-pci "));
    if (n != 0 && n < sizeof(dev->name) - sizeof("virtio-pci "))
        memcpy(dev->name + sizeof("virtio-pci ") - 1, pci->where, n);

    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    if (pci->msix)
        command |= PCI_COMMAND_NO_INTX;
    pci->write(pci->ctx, PCI_COMMAND, command, 2);
    walk_caps(dev, pci);
    if (dev->base == NULL && dev->notify_base == NULL) {
        *why = "it is of the kind before virtio 1.0 (QEMU: give the device "
               "disable-modern=off)";
        return false;
    }
    if (dev->base == NULL || dev->notify_base == NULL ||
        (dev->isr == NULL && !pci->msix)) {
        *why = "its capabilities are incomplete or point outside its memory";
        return false;
    }
    dev->ops = &pci_modern;
    dev->msix = pci->msix;
    dev->irq = pci->irq;
    return true;
}
