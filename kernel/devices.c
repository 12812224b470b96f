/*
 * devices.c - finding virtio devices: probing, naming, keeping them.
 *
 * PCI functions get their interrupt by MSI-X vector 0, else by INTx (PCI 3.0,
 * 2.2.6) where the board has that. Devices of other kinds are left as they
 * were found.
 */
#include "devices.h"

#include <string.h>

#include "board.h"
#include "log.h"
#include "paging.h"
#include "pci.h"
#include "platform.h"
#include "ram.h"
#include "virtio.h"

#define DEVICES_MAX   16
#define VIRTIO_VENDOR 0x1af4
#define BAR_LIMIT     (1ull << 32) /* nobody needs a virtio BAR of 4 GiB */

static struct virtio_dev devices[DEVICES_MAX];
static size_t device_count;

static void keep(const struct virtio_dev *dev, bool interrupts)
{
    devices[device_count++] = *dev;
    log_trace("found %s, kind %u%s", dev->name, (unsigned)dev->id,
              interrupts ? "" : ", no interrupt");
    if (!interrupts)
        platform_unrouted();
}

/* The devices do not change: found once, handed out as often as asked. */
size_t board_virtio(struct virtio_dev *out, size_t max)
{
    static bool searched;
    size_t n;

    if (!searched) {
        searched = true;
        platform_find_devices();
    }
    n = device_count < max ? device_count : max;
    memcpy(out, devices, n * sizeof *out);
    return n;
}

void devices_ack(void)
{
    size_t i;

    for (i = 0; i < device_count; i++)
        if (devices[i].ops != NULL)
            devices[i].ops->irq_ack(&devices[i]);
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
    if (p == NULL)
        mmio_ignored(base, "this address cannot be mapped");
    else if (virtio_mmio_probe(&dev, p, &why))
        keep(&dev, route(irq));
    else if (why != NULL)
        mmio_ignored(base, why);
}

/* ------------------------------------------------------------ virtio-pci */

struct function {
    const struct pci_host *host;
    bool (*intx)(uint32_t bdf, uint8_t pin);
    uint32_t bdf;
    const char *why; /* the last BAR that could not be mapped */
    struct pci_bar bars[PCI_BARS];
};

static volatile uint8_t *bar_map(void *ctx, uint8_t n, uint32_t off,
                                 uint32_t len)
{
    struct function *f = ctx;
    const struct pci_bar *bar = &f->bars[n < PCI_BARS ? n : 0];
    void *p;

    if (n >= PCI_BARS || bar->size == 0 || bar->size > BAR_LIMIT) {
        f->why = "the firmware gave it no memory addresses";
        return NULL;
    }
    if (off > bar->size || len > bar->size - off) {
        f->why = "a structure lies outside its BAR";
        return NULL;
    }
    if (bar->addr > UINT64_MAX - bar->size || ram_has(bar->addr, bar->size)) {
        f->why = "a BAR lies in RAM";
        return NULL;
    }
    p = mem_map(bar->addr + off, len, MEM_DEV);
    if (p == NULL)
        f->why = "a BAR cannot be mapped";
    return p;
}

static uint32_t fn_read(void *ctx, uint16_t off, uint8_t bytes)
{
    struct function *f = ctx;

    return f->host->read(f->bdf, off, bytes);
}

static void fn_write(void *ctx, uint16_t off, uint32_t v, uint8_t bytes)
{
    struct function *f = ctx;

    f->host->write(f->bdf, off, v, bytes);
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

/* "0:3.0", as lspci would say it */
static void name_of(uint32_t bdf, char out[12])
{
    static const char hex[] = "0123456789abcdef";
    uint32_t bus = bdf >> 8, dev = bdf >> 3 & 31;
    char *p = out;

    if (bus > 15)
        *p++ = hex[bus >> 4];
    *p++ = hex[bus & 15];
    *p++ = ':';
    if (dev > 15)
        *p++ = hex[dev >> 4];
    *p++ = hex[dev & 15];
    *p++ = '.';
    *p++ = hex[bdf & 7];
    *p = '\0';
}

static void keep_unusable(struct virtio_dev *dev, const char *why)
{
    dev->ops = NULL;
    dev->unusable = why;
    devices[device_count++] = *dev;
}

/* Somebody else's card, such as QEMU's e1000: named, not driven. */
static void other_card(uint32_t bdf)
{
    struct virtio_dev dev = { .id = VIRTIO_ID_NET };
    static const char bus[] = "pci ";

    memcpy(dev.name, bus, sizeof bus - 1);
    name_of(bdf, dev.name + sizeof bus - 1);
    keep_unusable(&dev, "it is not a virtio device (QEMU: give the machine "
                        "virtio-net-pci instead)");
}

static bool msix(struct function *f)
{
    uint64_t address;
    uint32_t data;

    return platform_msi(f->bdf, &address, &data) &&
           pci_msix(f->host, f->bdf, address, data, bar_map, f);
}

static bool intx(struct function *f)
{
    uint32_t root;
    uint8_t pin;

    return f->intx != NULL && pci_intx(f->host, f->bdf, &root, &pin) &&
           f->intx(root, pin);
}

static void virtio_function(struct function *f)
{
    struct virtio_dev dev;
    struct virtio_pci_access access = {
        .read = fn_read,
        .write = fn_write,
        .map = bar_map,
        .ctx = f,
    };
    const char *why = NULL;
    char where[12];

    name_of(f->bdf, where);
    access.where = where;
    pci_bars(f->host, f->bdf, f->bars);
    pci_command(f->host, f->bdf, PCI_CMD_MEMORY, 0);
    access.msix = msix(f);
    if (virtio_pci_probe(&dev, &access, &why))
        keep(&dev, access.msix || intx(f));
    else if (why != NULL)
        keep_unusable(&dev, f->why != NULL ? f->why : why);
}

static bool pci_function(void *ctx, uint32_t bdf)
{
    struct function *f = ctx;
    const struct pci_host *host = f->host;

    f->bdf = bdf;
    f->why = NULL;
    if (host->read(bdf, PCI_VENDOR, 2) != VIRTIO_VENDOR) {
        if (host->read(bdf, PCI_CLASS, 2) == PCI_CLASS_ETHERNET)
            other_card(bdf);
    } else if (wanted(host->read(bdf, PCI_DEVICE, 2))) {
        virtio_function(f);
    }
    return device_count < DEVICES_MAX;
}

void devices_pci(const struct pci_host *host,
                 bool (*intx_on)(uint32_t bdf, uint8_t pin))
{
    struct function f = { .host = host, .intx = intx_on };

    if (device_count < DEVICES_MAX)
        pci_walk(host, pci_function, &f);
}
