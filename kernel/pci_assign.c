/*
 * pci_assign.c - numbering buses and handing out addresses, depth first.
 *
 * PCI 3.0, 6.2.5.1 (sizes of BARs); PCI-to-PCI Bridge 1.2, 3.2.5 (bus numbers,
 * windows of 1 MiB). One cursor moves upwards through the window: a bridge's
 * window is what its subtree took, rounded to whole MiB on both ends.
 */
#include "pci_assign.h"

#include <stddef.h>

#include "pci.h"

#define MIB       (1ull << 20)
#define DEPTH_MAX 8 /* bridges behind bridges */

enum {
    REG_HEADER = 0x0e,
    REG_BAR = 0x10,
    REG_BRIDGE_BUSES = 0x18, /* primary, secondary, subordinate, latency */
    REG_BRIDGE_IO = 0x1c,
    REG_BRIDGE_MEMORY = 0x20,
    REG_BRIDGE_PREFETCH = 0x24,
    REG_BRIDGE_CONTROL = 0x3e
};
enum { HEADER_DEVICE = 0, HEADER_BRIDGE = 1, BRIDGE_BARS = 2 };
enum { CMD_IO = 1 };

/* ------------------------------------------------------------------ ECAM */

static volatile uint8_t *ecam;
static unsigned ecam_buses;

static volatile uint8_t *ecam_at(uint32_t bdf, uint16_t off)
{
    if (bdf >> 8 >= ecam_buses || off >= 4096)
        return NULL;
    return ecam + ((size_t)bdf << 12) + off;
}

static uint32_t ecam_read(uint32_t bdf, uint16_t off, uint8_t bytes)
{
    volatile uint8_t *p = ecam_at(bdf, off);

    if (p == NULL || off % bytes != 0)
        return UINT32_MAX;
    if (bytes == 1)
        return *p;
    if (bytes == 2)
        return *(volatile uint16_t *)(volatile void *)p;
    return *(volatile uint32_t *)(volatile void *)p;
}

static void ecam_write(uint32_t bdf, uint16_t off, uint32_t v, uint8_t bytes)
{
    volatile uint8_t *p = ecam_at(bdf, off);

    if (p == NULL || off % bytes != 0)
        return;
    if (bytes == 1)
        *p = (uint8_t)v;
    else if (bytes == 2)
        *(volatile uint16_t *)(volatile void *)p = (uint16_t)v;
    else
        *(volatile uint32_t *)(volatile void *)p = v;
}

const struct pci_host *pci_ecam(volatile void *base, unsigned buses)
{
    static const struct pci_host host = {
        .read = ecam_read,
        .write = ecam_write,
    };

    ecam = base;
    ecam_buses = buses < 256 ? buses : 256;
    return &host;
}

/* ------------------------------------------------------------- assigning */

struct state {
    const struct pci_host *host;
    uint32_t next_bus, last_bus;
    uint64_t cursor, end;
};

static uint64_t round_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

/* Takes size bytes at a multiple of size; 0: the window is used up. */
static uint64_t take(struct state *s, uint64_t size)
{
    uint64_t at = round_up(s->cursor, size);

    if (at < s->cursor || at >= s->end || size > s->end - at)
        return 0;
    s->cursor = at + size;
    return at;
}

/* All ones in, the size comes back; the BAR is left at 0. */
static uint32_t size_mask(struct state *s, uint32_t bdf, uint16_t reg)
{
    uint32_t v;

    s->host->write(bdf, reg, UINT32_MAX, 4);
    v = s->host->read(bdf, reg, 4);
    s->host->write(bdf, reg, 0, 4);
    return v;
}

/* One BAR; how many registers it takes. */
static unsigned assign_bar(struct state *s, uint32_t bdf, uint16_t reg,
                           bool last)
{
    uint32_t low = size_mask(s, bdf, reg), high = UINT32_MAX;
    bool wide = (low & 7) == 4 && !last;
    uint64_t size, at;

    if (wide)
        high = size_mask(s, bdf, (uint16_t)(reg + 4));
    if ((low & 1) != 0 || (low & 0xfffffff0) == 0)
        return wide ? 2 : 1;
    size = ~((uint64_t)high << 32 | (low & 0xfffffff0)) + 1;
    if (size >= 16 && (size & (size - 1)) == 0) {
        at = take(s, size);
        s->host->write(bdf, reg, (uint32_t)at, 4);
    }
    return wide ? 2 : 1;
}

static void assign_bars(struct state *s, uint32_t bdf, unsigned count)
{
    unsigned i = 0;

    while (i < count)
        i += assign_bar(s, bdf, (uint16_t)(REG_BAR + 4 * i), i + 1 == count);
}

static void assign_bus(struct state *s, uint32_t bus, unsigned depth);

/* Windows: base in the low half, limit in the high; base above limit: shut. */
static void assign_bridge(struct state *s, uint32_t bdf, unsigned depth)
{
    const struct pci_host *host = s->host;
    uint32_t bus = bdf >> 8, secondary, base, limit;

    host->write(bdf, REG_BRIDGE_IO, 0x00f0, 2);
    host->write(bdf, REG_BRIDGE_PREFETCH, 0x0000fff0, 4);
    host->write(bdf, REG_BRIDGE_MEMORY, 0x0000fff0, 4);
    host->write(bdf, REG_BRIDGE_BUSES, 0, 4);
    host->write(bdf, REG_BRIDGE_CONTROL, 0, 2);
    if (s->next_bus > s->last_bus || depth == DEPTH_MAX)
        return;
    secondary = s->next_bus++;
    /* the whole rest while its subtree is being numbered */
    host->write(bdf, REG_BRIDGE_BUSES, s->last_bus << 16 | secondary << 8 | bus,
                4);
    s->cursor = round_up(s->cursor, MIB);
    base = (uint32_t)(s->cursor >> 16);
    assign_bus(s, secondary, depth + 1);
    s->cursor = round_up(s->cursor, MIB);
    limit = (uint32_t)((s->cursor - 1) >> 16);
    host->write(bdf, REG_BRIDGE_BUSES,
                (s->next_bus - 1) << 16 | secondary << 8 | bus, 4);
    if (limit > base)
        host->write(bdf, REG_BRIDGE_MEMORY,
                    (limit & 0xfff0) << 16 | (base & 0xfff0), 4);
    pci_command(host, bdf, PCI_CMD_MEMORY | PCI_CMD_MASTER, 0);
}

static void assign_function(struct state *s, uint32_t bdf, unsigned depth)
{
    uint32_t kind = s->host->read(bdf, REG_HEADER, 1) & 0x7f;

    /* nothing decodes or reaches for memory while addresses change */
    pci_command(s->host, bdf, 0, CMD_IO | PCI_CMD_MEMORY | PCI_CMD_MASTER);
    if (kind == HEADER_DEVICE) {
        assign_bars(s, bdf, PCI_BARS);
    } else if (kind == HEADER_BRIDGE) {
        assign_bars(s, bdf, BRIDGE_BARS);
        assign_bridge(s, bdf, depth);
    }
}

static bool exists(struct state *s, uint32_t bdf)
{
    uint32_t vendor = s->host->read(bdf, PCI_VENDOR, 2);

    return vendor != 0xffff && vendor != 0;
}

static void assign_bus(struct state *s, uint32_t bus, unsigned depth)
{
    uint32_t dev, fn, bdf, functions;

    for (dev = 0; dev < 32; dev++) {
        bdf = bus << 8 | dev << 3;
        if (!exists(s, bdf))
            continue;
        functions = (s->host->read(bdf, REG_HEADER, 1) & 0x80) != 0 ? 8 : 1;
        for (fn = 0; fn < functions; fn++)
            if (fn == 0 || exists(s, bdf + fn))
                assign_function(s, bdf + fn, depth);
    }
}

void pci_assign(const struct pci_host *host, uint8_t last,
                struct pci_window window)
{
    struct state s = {
        .host = host,
        .next_bus = 1,
        .last_bus = last,
        .cursor = window.start,
        .end = window.end < 1ull << 32 ? window.end : 1ull << 32,
    };

    assign_bus(&s, 0, 0);
}
