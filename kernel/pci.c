/*
 * pci.c - PCI configuration space (PCI Local Bus Specification 3.0).
 *
 * 6.1 header, 6.2.5.1 base address registers, 6.7 capabilities, 6.8.1 MSI,
 * 6.8.2 MSI-X; bridges by PCI-to-PCI Bridge 1.2, 3.2.5. Buses that firmware
 * left without a number are not visited, BARs without an address are not
 * given one.
 */
#include "pci.h"

#include <string.h>

#define BUSES    256
#define CAPS_MAX 48 /* (256 - 64) / 4 */

enum {
    REG_STATUS = 0x06,
    REG_HEADER = 0x0e,
    REG_BAR = 0x10,
    REG_SECONDARY = 0x19,
    REG_CAPS = 0x34,
    REG_PIN = 0x3d
};
enum { HEADER_BRIDGE = 1, STATUS_CAPS = 0x10 };

static uint32_t header_type(const struct pci_host *host, uint32_t bdf)
{
    return host->read(bdf, REG_HEADER, 1);
}

static bool exists(const struct pci_host *host, uint32_t bdf)
{
    uint32_t vendor = host->read(bdf, PCI_VENDOR, 2);

    return vendor != 0xffff && vendor != 0;
}

/* All functions of one bus; buses behind bridges are noted in todo. */
static bool walk_bus(const struct pci_host *host, uint32_t bus,
                     uint8_t todo[BUSES],
                     bool (*found)(void *ctx, uint32_t bdf), void *ctx)
{
    uint32_t dev, fn, bdf, functions;

    for (dev = 0; dev < 32; dev++) {
        bdf = bus << 8 | dev << 3;
        if (!exists(host, bdf))
            continue;
        functions = (header_type(host, bdf) & 0x80) != 0 ? 8 : 1;
        for (fn = 0; fn < functions; fn++, bdf++) {
            if (fn != 0 && !exists(host, bdf))
                continue;
            if ((header_type(host, bdf) & 0x7f) == HEADER_BRIDGE)
                todo[host->read(bdf, REG_SECONDARY, 1) & 0xff] |= 1;
            else if (!found(ctx, bdf))
                return false;
        }
    }
    return true;
}

void pci_walk(const struct pci_host *host,
              bool (*found)(void *ctx, uint32_t bdf), void *ctx)
{
    uint8_t todo[BUSES] = { 1 }; /* 1: to be visited, 2: was */
    uint32_t bus;

    for (bus = 0; bus < BUSES; bus++) {
        if (todo[bus] != 1)
            continue;
        todo[bus] = 2;
        if (!walk_bus(host, bus, todo, found, ctx))
            return;
        /* a secondary bus has a higher number unless firmware is odd: start
         * over; what was visited stays 2 or 3 */
        bus = 0;
    }
}

/* The bridge that leads to a bus. */
static bool bridge_to(const struct pci_host *host, uint32_t bus, uint32_t *bdf)
{
    uint32_t b;

    for (b = 0; b < bus << 8; b++) {
        if ((b & 7) != 0 && (header_type(host, b & ~7u) & 0x80) == 0)
            continue;
        if (exists(host, b) && (header_type(host, b) & 0x7f) == HEADER_BRIDGE &&
            host->read(b, REG_SECONDARY, 1) == bus) {
            *bdf = b;
            return true;
        }
    }
    return false;
}

bool pci_intx(const struct pci_host *host, uint32_t bdf, uint32_t *root,
              uint8_t *pin)
{
    uint32_t p = host->read(bdf, REG_PIN, 1) & 0xff;

    if (p < 1 || p > 4)
        return false;
    /* every step goes to a bus of a lower number: this ends */
    while (bdf >> 8 != 0) {
        p = (p - 1 + (bdf >> 3 & 31)) % 4 + 1;
        if (!bridge_to(host, bdf >> 8, &bdf))
            return false;
    }
    *root = bdf;
    *pin = (uint8_t)p;
    return true;
}

uint8_t pci_cap(const struct pci_host *host, uint32_t bdf, uint8_t id)
{
    uint32_t at, n;

    if ((host->read(bdf, REG_STATUS, 2) & STATUS_CAPS) == 0)
        return 0;
    at = host->read(bdf, REG_CAPS, 1) & 0xfc;
    for (n = 0; n < CAPS_MAX && at >= 0x40; n++) {
        if ((host->read(bdf, (uint16_t)at, 1) & 0xff) == id)
            return (uint8_t)at;
        at = host->read(bdf, (uint16_t)(at + 1), 1) & 0xfc;
    }
    return 0;
}

void pci_command(const struct pci_host *host, uint32_t bdf, uint16_t set,
                 uint16_t clear)
{
    uint32_t v = host->read(bdf, PCI_COMMAND, 2);

    host->write(bdf, PCI_COMMAND, (v & ~(uint32_t)clear) | set, 2);
}

/* What a BAR answers to all ones, leaving it as it was. */
static uint32_t probe(const struct pci_host *host, uint32_t bdf, uint16_t off)
{
    uint32_t was = host->read(bdf, off, 4), v;

    host->write(bdf, off, UINT32_MAX, 4);
    v = host->read(bdf, off, 4);
    host->write(bdf, off, was, 4);
    return v;
}

/* 6.2.5.1: bit 0 I/O, bits 2:1 = 2 for 64-bit; returns how many of the
 * registers it takes. */
static uint8_t read_bar(const struct pci_host *host, uint32_t bdf, uint8_t bar,
                        struct pci_bar *out)
{
    uint16_t off = (uint16_t)(REG_BAR + 4 * bar);
    uint32_t low = host->read(bdf, off, 4);
    bool wide = (low & 7) == 4 && bar + 1 < PCI_BARS;
    uint64_t mask, addr = low & 0xfffffff0u;

    if ((low & 1) != 0 || ((low & 6) == 4 && !wide))
        return 1;
    mask = probe(host, bdf, off) & 0xfffffff0u;
    if (wide) {
        mask |= (uint64_t)probe(host, bdf, (uint16_t)(off + 4)) << 32;
        addr |= (uint64_t)host->read(bdf, (uint16_t)(off + 4), 4) << 32;
    } else if (mask != 0) {
        mask |= 0xffffffffull << 32;
    }
    out->addr = addr;
    out->size = ~mask + 1;
    if (addr == 0 || (out->size & (out->size - 1)) != 0 ||
        (addr & (out->size - 1)) != 0)
        out->size = 0;
    return wide ? 2 : 1;
}

void pci_bars(const struct pci_host *host, uint32_t bdf,
              struct pci_bar out[PCI_BARS])
{
    uint32_t command = host->read(bdf, PCI_COMMAND, 2);
    uint8_t bar;

    memset(out, 0, PCI_BARS * sizeof *out);
    pci_command(host, bdf, 0, PCI_CMD_MEMORY);
    for (bar = 0; bar < PCI_BARS;)
        bar = (uint8_t)(bar + read_bar(host, bdf, bar, &out[bar]));
    host->write(bdf, PCI_COMMAND, command, 2);
}

static void put32(volatile uint8_t *p, uint32_t v)
{
    *(volatile uint32_t *)(volatile void *)p = v;
}

bool pci_msix(const struct pci_host *host, uint32_t bdf, uint64_t address,
              uint32_t data,
              volatile uint8_t *(*map)(void *ctx, uint8_t bar, uint32_t off,
                                       uint32_t len),
              void *ctx)
{
    uint8_t cap = pci_cap(host, bdf, PCI_CAP_MSIX);
    uint32_t control, where, count, i;
    volatile uint8_t *table;

    if (cap == 0 || cap > 0xf4)
        return false;
    control = host->read(bdf, (uint16_t)(cap + 2), 2);
    where = host->read(bdf, (uint16_t)(cap + 4), 4);
    count = (control & 0x7ff) + 1;
    table = map(ctx, where & 7, where & ~7u, count * 16);
    if (table == NULL)
        return false;
    /* on, but the whole function masked while the table is written */
    host->write(bdf, (uint16_t)(cap + 2), control | 0xc000, 2);
    for (i = 0; i < count; i++)
        put32(table + 16 * i + 12, 1);
    put32(table, (uint32_t)address);
    put32(table + 4, (uint32_t)(address >> 32));
    put32(table + 8, data);
    put32(table + 12, 0);
    host->write(bdf, (uint16_t)(cap + 2), (control & 0x3fff) | 0x8000, 2);
    return true;
}

/* 6.8.1.3: bit 0 on, bits 6:4 how many messages (0: one), bit 7 64-bit */
bool pci_msi(const struct pci_host *host, uint32_t bdf, uint64_t address,
             uint32_t data)
{
    uint8_t cap = pci_cap(host, bdf, PCI_CAP_MSI);
    uint32_t control;
    bool wide;

    if (cap == 0 || cap > 0xf0)
        return false;
    control = host->read(bdf, (uint16_t)(cap + 2), 2);
    wide = (control & 0x80) != 0;
    if ((!wide && address > UINT32_MAX) || data > UINT16_MAX)
        return false;
    host->write(bdf, (uint16_t)(cap + 4), (uint32_t)address, 4);
    if (wide)
        host->write(bdf, (uint16_t)(cap + 8), (uint32_t)(address >> 32), 4);
    host->write(bdf, (uint16_t)(cap + (wide ? 12 : 8)), data, 2);
    host->write(bdf, (uint16_t)(cap + 2), (control & ~0x71u) | 1, 2);
    return true;
}
