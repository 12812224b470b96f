/*
 * pci_dev.c - one walk over the bus, and what a driver may do with what it
 * found (PCI Local Bus Specification 3.0).
 *
 * A BAR's place and size are checked here once for every driver; the board
 * then says whether memory can be mapped there at all.
 */
#include "pci_dev.h"

#include <string.h>

#include "devices.h"
#include "log.h"
#include "paging.h"
#include "platform.h"
#include "ram.h"

#define FUNCTIONS 128          /* looked at; a machine of ours has ten */
#define BAR_LIMIT (1ull << 32) /* nobody needs a BAR of 4 GiB          */

static const struct pci_host *host;
static bool (*route)(uint32_t bdf, uint8_t pin);
static struct pci_id found[FUNCTIONS];
static size_t found_count;

static bool note(void *ctx, uint32_t bdf)
{
    (void)ctx;
    if (found_count == FUNCTIONS) {
        log_say("only the first %u PCI functions are looked at", FUNCTIONS);
        return false;
    }
    found[found_count++] = (struct pci_id){
        .bdf = bdf,
        .vendor = (uint16_t)host->read(bdf, PCI_VENDOR, 2),
        .device = (uint16_t)host->read(bdf, PCI_DEVICE, 2),
        .class = (uint16_t)host->read(bdf, PCI_CLASS, 2),
    };
    return true;
}

size_t pci_dev_scan(const struct pci_host *bus,
                    bool (*intx)(uint32_t bdf, uint8_t pin),
                    const struct pci_id **list)
{
    host = bus;
    route = intx;
    found_count = 0;
    pci_walk(host, note, NULL);
    *list = found;
    return found_count;
}

size_t pci_list(const struct pci_id **list)
{
    devices_find();
    *list = found;
    return found_count;
}

void pci_name(uint32_t bdf, char out[PCI_NAME])
{
    static const char hex[] = "0123456789abcdef";
    uint32_t bus = bdf >> 8 & 255, dev = bdf >> 3 & 31;
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

void pci_dev_open(struct pci_dev *dev, const struct pci_id *id)
{
    dev->id = *id;
    dev->why = NULL;
    pci_bars(host, id->bdf, dev->bars);
}

uint32_t pci_dev_read(const struct pci_dev *dev, uint16_t off, uint8_t bytes)
{
    return host->read(dev->id.bdf, off, bytes);
}

void pci_dev_write(const struct pci_dev *dev, uint16_t off, uint32_t v,
                   uint8_t bytes)
{
    host->write(dev->id.bdf, off, v, bytes);
}

volatile uint8_t *pci_dev_map(struct pci_dev *dev, uint8_t bar, uint32_t off,
                              uint32_t len)
{
    const struct pci_bar *b = &dev->bars[bar < PCI_BARS ? bar : 0];
    void *p;

    if (bar >= PCI_BARS || b->size == 0 || b->size > BAR_LIMIT) {
        dev->why = "the firmware gave it no memory addresses";
        return NULL;
    }
    if (off > b->size || len > b->size - off ||
        b->addr > UINT64_MAX - b->size) {
        dev->why = "a structure lies outside its BAR";
        return NULL;
    }
    if (ram_has(b->addr, b->size)) {
        dev->why = "a BAR lies in RAM";
        return NULL;
    }
    p = mem_map(b->addr + off, len, MEM_DEV);
    if (p == NULL)
        dev->why = "a BAR cannot be mapped";
    else
        pci_command(host, dev->id.bdf, PCI_CMD_MEMORY, 0);
    return p;
}

static volatile uint8_t *map_table(void *ctx, uint8_t bar, uint32_t off,
                                   uint32_t len)
{
    return pci_dev_map(ctx, bar, off, len);
}

static bool messages(struct pci_dev *dev, uint8_t kind)
{
    uint64_t address;
    uint32_t data;

    if (!platform_msi(dev->id.bdf, &address, &data))
        return false;
    if (kind == PCI_CAP_MSIX)
        return pci_msix(host, dev->id.bdf, address, data, map_table, dev);
    return pci_msi(host, dev->id.bdf, address, data);
}

enum irq pci_dev_irq(struct pci_dev *dev, uint8_t kind, bool *message)
{
    uint32_t bdf = dev->id.bdf, root;
    uint8_t pin;

    *message = messages(dev, kind);
    pci_command(host, bdf, *message ? PCI_CMD_NO_INTX : 0,
                *message ? 0 : PCI_CMD_NO_INTX);
    if (*message)
        return IRQ_SURE;
    if (!pci_intx(host, bdf, &root, &pin))
        return IRQ_NONE;
    if (route != NULL && route(root, pin))
        return IRQ_SURE;
    if (host->line != NULL &&
        host->line((uint8_t)host->read(bdf, PCI_INT_LINE, 1)))
        return IRQ_GUESSED;
    return IRQ_NONE;
}

void pci_dev_master(const struct pci_dev *dev, bool on)
{
    pci_command(host, dev->id.bdf, on ? PCI_CMD_MASTER : 0,
                on ? 0 : PCI_CMD_MASTER);
}
