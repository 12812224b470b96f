/*
 * devices.c - finding virtio devices: probing and keeping them.
 *
 * PCI functions get their interrupt by MSI-X vector 0, else by INTx.
 */
#include "devices.h"

#include <string.h>

#include "log.h"
#include "paging.h"
#include "pci_dev.h"
#include "platform.h"
#include "pvpanic.h"
#include "ram.h"
#include "virtio.h"

#define DEVICES_MAX   16
#define VIRTIO_VENDOR 0x1af4

static struct virtio_dev devices[DEVICES_MAX];
static size_t device_count;
static void (*lower_also)(void);

static void keep(const struct virtio_dev *dev)
{
    devices[device_count++] = *dev;
    log_trace("found %s, kind %u%s%s", dev->name, (unsigned)dev->id,
              dev->irq == IRQ_SURE ? "" : ", no sure interrupt",
              dev->unusable != NULL ? ", unusable" : "");
}

void devices_find(void)
{
    static bool searched;

    if (!searched) {
        searched = true;
        platform_find_devices();
    }
}

size_t devices_virtio(const struct virtio_dev **list)
{
    devices_find();
    *list = devices;
    return device_count;
}

void devices_ack(void)
{
    size_t i;

    for (i = 0; i < device_count; i++)
        if (devices[i].ops != NULL)
            devices[i].ops->irq_ack(&devices[i]);
    if (lower_also != NULL)
        lower_also();
}

void devices_ack_also(void (*lower)(void))
{
    lower_also = lower;
}

/* ----------------------------------------------------------- virtio-mmio */

static void mmio_ignored(uint64_t base, const char *why)
{
    log_say("ignored: virtio-mmio device at 0x%llx: %s",
            (unsigned long long)base, why);
}

void devices_mmio(uint64_t base, uint64_t size, bool (*route)(const void *irq),
                  const void *irq)
{
    struct virtio_dev dev;
    const char *why = NULL;
    void *p;

    if (device_count == DEVICES_MAX)
        return;
    if (size < DEVICES_MMIO_SIZE || base % 4 != 0) {
        mmio_ignored(base, "this is no place for its registers");
        return;
    }
    if (ram_has(base, size)) {
        mmio_ignored(base, "this is RAM");
        return;
    }
    p = mem_map(base, size, MEM_DEV);
    if (p == NULL) {
        mmio_ignored(base, "this address cannot be mapped");
    } else if (virtio_mmio_probe(&dev, p, &why)) {
        dev.irq = route(irq) ? IRQ_SURE : IRQ_NONE;
        keep(&dev);
    } else if (why != NULL) {
        mmio_ignored(base, why);
    }
}

/* ------------------------------------------------------------ virtio-pci */

static uint32_t fn_read(void *ctx, uint16_t off, uint8_t bytes)
{
    return pci_dev_read(ctx, off, bytes);
}

static void fn_write(void *ctx, uint16_t off, uint32_t v, uint8_t bytes)
{
    pci_dev_write(ctx, off, v, bytes);
}

static volatile uint8_t *fn_map(void *ctx, uint8_t bar, uint32_t off,
                                uint32_t len)
{
    return pci_dev_map(ctx, bar, off, len);
}

/* virtio 1.2, 4.1.2: transitional 0x1000 + n or modern 0x1040 + id */
static bool wanted(uint32_t device)
{
    switch (device) {
    case 0x1000:
    case 0x1040 + VIRTIO_ID_NET:
    case 0x1003:
    case 0x1040 + VIRTIO_ID_CONSOLE:
    case 0x1005:
    case 0x1040 + VIRTIO_ID_RNG:
        return true;
    default:
        return false;
    }
}

static void virtio_function(const struct pci_id *id)
{
    struct virtio_dev dev;
    struct pci_dev pci;
    struct virtio_pci_access access = {
        .read = fn_read,
        .write = fn_write,
        .map = fn_map,
        .ctx = &pci,
    };
    const char *why = NULL;
    char where[PCI_NAME];

    pci_name(id->bdf, where);
    access.where = where;
    pci_dev_open(&pci, id);
    access.irq = pci_dev_irq(&pci, PCI_CAP_MSIX, &access.msix);
    if (!virtio_pci_probe(&dev, &access, &why)) {
        if (why == NULL)
            return;
        dev.ops = NULL;
        dev.unusable = pci.why != NULL ? pci.why : why;
    }
    keep(&dev);
}

void devices_pci(const struct pci_host *host,
                 bool (*intx)(uint32_t bdf, uint8_t pin))
{
    const struct pci_id *ids;
    size_t i, n = pci_dev_scan(host, intx, &ids);

    for (i = 0; i < n; i++)
        pvpanic_open(&ids[i]);
    for (i = 0; i < n && device_count < DEVICES_MAX; i++)
        if (ids[i].vendor == VIRTIO_VENDOR && wanted(ids[i].device))
            virtio_function(&ids[i]);
}
