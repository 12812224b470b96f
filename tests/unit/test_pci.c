/* sources: kernel/pci.c kernel/pci_dev.c */
/* includes: kernel board */
/*
 * test_pci.c - a bus as firmware leaves it, in memory, and as it should not be:
 * what is found on it, where registers may be mapped, which interrupt a device
 * gets. test_pci_assign.c has what gives addresses where nobody did.
 */
#include "pci_dev.h"

#include "check.h"
#include "devices.h"
#include "log.h"
#include "paging.h"
#include "platform.h"
#include "ram.h"

/* ------------------------------------------------------------ the machine */

/* Configuration space of the functions there are; others are all ones. */
static struct fn {
    uint32_t bdf;
    uint8_t cfg[256];
    uint32_t size[6]; /* of a BAR's bits, those that do not stay */
} fns[140];
static unsigned count, decoding_probes;
static bool has_messages, has_pins, has_lines, cannot_map;
static uint64_t message_address;
static uint32_t message_data, mapped_len;
static uint64_t mapped_at;
static _Alignas(16) uint8_t regs[64 * 16 + 16];
static uint32_t routed_root;
static uint8_t routed_pin, routed_line;
static unsigned said;

static struct fn *at(uint32_t bdf)
{
    for (unsigned i = 0; i < count; i++)
        if (fns[i].bdf == bdf)
            return &fns[i];
    return NULL;
}

static uint32_t rd(uint32_t bdf, uint16_t off, uint8_t bytes)
{
    struct fn *f = at(bdf);
    uint32_t v = 0;

    CHECK(off + bytes <= 256 && off % bytes == 0);
    if (f == NULL || off + bytes > 256)
        return bytes == 4 ? UINT32_MAX : (1u << 8 * bytes) - 1;
    memcpy(&v, f->cfg + off, bytes);
    return v;
}

static void wr(uint32_t bdf, uint16_t off, uint32_t v, uint8_t bytes)
{
    struct fn *f = at(bdf);

    CHECK(off + bytes <= 256 && off % bytes == 0);
    if (f == NULL || off + bytes > 256)
        return;
    if (off >= 0x10 && off < 0x28) {
        uint32_t size = f->size[(off - 0x10) / 4], was;

        if ((f->cfg[4] & PCI_CMD_MEMORY) != 0)
            decoding_probes++;
        memcpy(&was, f->cfg + off, 4);
        v = (v & size) | (was & ~size);
    }
    memcpy(f->cfg + off, &v, bytes);
}

static bool line(uint8_t n)
{
    routed_line = n;
    return has_lines;
}

static const struct pci_host bus = { .read = rd, .write = wr, .line = line };
static const struct pci_host no_line = { .read = rd, .write = wr };

bool platform_msi(uint32_t bdf, uint64_t *address, uint32_t *data)
{
    (void)bdf;
    *address = message_address;
    *data = message_data;
    return has_messages;
}

void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    CHECK_EQ(kind, MEM_DEV);
    CHECK(len <= sizeof regs);
    mapped_at = phys;
    mapped_len = (uint32_t)len;
    return cannot_map ? NULL : regs;
}

bool ram_has(uint64_t start, uint64_t len)
{
    return start < 0x10000000 && len != 0;
}

void devices_find(void)
{
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
    said++;
}

static bool pins(uint32_t bdf, uint8_t pin)
{
    routed_root = bdf;
    routed_pin = pin;
    return has_pins;
}

#define BDF(bus, dev, fn) ((uint32_t)(bus) << 8 | (dev) << 3 | (fn))

static void put(struct fn *f, unsigned off, uint32_t v, unsigned bytes)
{
    memcpy(f->cfg + off, &v, bytes);
}

static struct fn *add(uint32_t bdf, uint16_t vendor, uint16_t device)
{
    struct fn *f = &fns[count++];

    memset(f, 0, sizeof *f);
    f->bdf = bdf;
    put(f, PCI_VENDOR, vendor, 2);
    put(f, PCI_DEVICE, device, 2);
    put(f, PCI_COMMAND, PCI_CMD_MEMORY, 2);
    return f;
}

static struct fn *bridge(uint32_t bdf, uint8_t secondary)
{
    struct fn *f = add(bdf, 0x8086, 1);

    f->cfg[0x0e] = 1;
    f->cfg[0x19] = secondary;
    return f;
}

static void begin(void)
{
    count = said = decoding_probes = 0;
    has_messages = has_pins = has_lines = cannot_map = false;
    message_address = 0xfee00000;
    message_data = 0x41;
    mapped_at = mapped_len = 0;
    routed_root = routed_pin = routed_line = 0;
    memset(regs, 0x55, sizeof regs);
}

static const struct pci_id *ids;

static size_t scan(const struct pci_host *on)
{
    return pci_dev_scan(on, pins, &ids);
}

/* ------------------------------------------------------- what is there */

static void walk(void)
{
    const struct pci_id *again;

    begin();
    add(BDF(0, 0, 0), 0x8086, 0x1237)->cfg[0x0b] = 6;
    add(BDF(0, 1, 0), 1, 1)->cfg[0x0e] = 0x80; /* several functions */
    add(BDF(0, 1, 1), 0, 1);                   /* vendor 0: none */
    add(BDF(0, 1, 7), 1, 2);
    add(BDF(0, 2, 0), 1, 3);
    add(BDF(0, 2, 1), 1, 4); /* device 2 has one function */
    bridge(BDF(0, 3, 0), 9);
    bridge(BDF(9, 0, 0), 4); /* a lower number than its own bus */
    add(BDF(4, 5, 0), 1, 5);
    bridge(BDF(4, 6, 0), 9); /* a loop */
    bridge(BDF(0, 4, 0), 0); /* no number */
    CHECK_EQ(scan(&bus), 5);
    CHECK_EQ(ids[0].bdf, 0);
    CHECK_EQ(ids[0].vendor, 0x8086);
    CHECK_EQ(ids[0].device, 0x1237);
    CHECK_EQ(ids[0].class, 0x600);
    for (unsigned i = 1; i < 4; i++)
        CHECK_EQ(ids[i].device, i);
    CHECK_EQ(ids[4].bdf, BDF(4, 5, 0));
    CHECK_EQ(pci_list(&again), 5);
    CHECK(again == ids);
    CHECK_EQ(said, 0);
}

/* More functions than anybody has: the first 128, and it is said. */
static void many(void)
{
    begin();
    for (unsigned i = 0; i < 130; i++)
        add(BDF(0, i / 8, i % 8), 1, (uint16_t)i)->cfg[0x0e] = 0x80;
    CHECK_EQ(scan(&bus), 128);
    CHECK_EQ(ids[127].device, 127);
    CHECK_EQ(said, 1);
}

static void names(void)
{
    static const struct {
        uint32_t bdf;
        const char *want;
    } rows[] = { { BDF(0, 0, 0), "0:0.0" },
                 { BDF(0, 31, 7), "0:1f.7" },
                 { BDF(16, 15, 3), "10:f.3" },
                 { BDF(255, 16, 0), "ff:10.0" } };
    char text[PCI_NAME];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pci_name(rows[i].bdf, text);
        CHECK_STR(text, rows[i].want);
    }
}

/* ------------------------------------------------------------------- BARs */

static struct pci_dev dev;

static struct fn *one(void)
{
    struct fn *f;

    begin();
    f = add(BDF(0, 3, 0), 1, 1);
    CHECK_EQ(scan(&bus), 1);
    return f;
}

static void open_it(struct fn *f)
{
    (void)f;
    pci_dev_open(&dev, &ids[0]);
    CHECK_EQ(decoding_probes, 0);
    CHECK((f->cfg[4] & PCI_CMD_MEMORY) != 0); /* as it was */
}

static void bars(void)
{
    struct fn *f = one();

    put(f, 0x10, 0xfe000000, 4);
    f->size[0] = 0xfffff000;
    put(f, 0x14, 0xc001, 4); /* ports */
    f->size[1] = 0xfffffff0;
    put(f, 0x18, 0x80000004, 4); /* 64 bits wide, above 4 GiB */
    put(f, 0x1c, 0x12, 4);
    f->size[2] = 0xffff0000;
    f->size[3] = 0xffffffff;
    put(f, 0x20, 0xfd000100, 4); /* not at a multiple of its size */
    f->size[4] = 0xfffff000;
    put(f, 0x24, 0xfc000004, 4); /* wide, with no register left for it */
    f->size[5] = 0xfffff000;
    open_it(f);
    CHECK_EQ(dev.bars[0].addr, 0xfe000000);
    CHECK_EQ(dev.bars[0].size, 0x1000);
    CHECK_EQ(dev.bars[1].size, 0);
    CHECK_EQ(dev.bars[2].addr, 0x1280000000);
    CHECK_EQ(dev.bars[2].size, 0x10000);
    CHECK_EQ(dev.bars[3].size, 0);
    CHECK_EQ(dev.bars[4].size, 0);
    CHECK_EQ(dev.bars[5].size, 0);
    put(f, 0x20, 0xfd000000, 4);
    f->size[4] = 0xffff5000; /* no size has a hole in it */
    put(f, 0x10, 0, 4);      /* no address */
    open_it(f);
    CHECK_EQ(dev.bars[4].size, 0);
    CHECK_EQ(dev.bars[0].size, 0);
}

static void no_map(uint8_t bar, uint32_t off, uint32_t len, const char *why)
{
    mapped_len = 0;
    CHECK(pci_dev_map(&dev, bar, off, len) == NULL);
    CHECK_STR(dev.why, why);
    if (!cannot_map)
        CHECK_EQ(mapped_len, 0);
}

static void map(void)
{
    static const char *const none = "the firmware gave it no memory addresses";
    static const char *const outside = "a structure lies outside its BAR";
    struct fn *f = one();

    put(f, 0x10, 0xfe000000, 4);
    f->size[0] = 0xfffffff0;
    put(f, 0x14, 0x00100000, 4); /* in RAM */
    f->size[1] = 0xfffff000;
    put(f, 0x18, 4, 4);
    put(f, 0x1c, 0x80, 4);
    f->size[2] = 0;
    f->size[3] = 0xfffffff8; /* 32 GiB */
    open_it(f);
    f->cfg[4] = 0;
    CHECK(pci_dev_map(&dev, 0, 4, 12) == regs);
    CHECK_EQ(mapped_at, 0xfe000004);
    CHECK_EQ(mapped_len, 12);
    CHECK_EQ(f->cfg[4], PCI_CMD_MEMORY);
    no_map(0, 4, 13, outside);
    no_map(0, 17, 0, outside);
    no_map(0, 0, UINT32_MAX, outside);
    no_map(1, 0, 4, "a BAR lies in RAM");
    no_map(2, 0, 4, none); /* nobody needs that many */
    no_map(3, 0, 4, none);
    no_map(6, 0, 4, none);
    no_map(7, 0, 4, none);
    cannot_map = true;
    no_map(0, 0, 4, "a BAR cannot be mapped");
    dev.bars[0].addr = UINT64_MAX - 8;
    no_map(0, 0, 4, outside);
}

static void registers(void)
{
    struct fn *f = one();

    open_it(f);
    pci_dev_write(&dev, 0x40, 0x1234, 2);
    CHECK_EQ(pci_dev_read(&dev, 0x40, 4), 0x1234);
    pci_dev_master(&dev, true);
    CHECK_EQ(f->cfg[4], PCI_CMD_MEMORY | PCI_CMD_MASTER);
    pci_dev_master(&dev, false);
    CHECK_EQ(f->cfg[4], PCI_CMD_MEMORY);
}

/* ------------------------------------------------------------- interrupts */

/* A list of capabilities: other, other, the one that is wanted at 0x60. */
static struct fn *with_cap(uint8_t kind)
{
    struct fn *f = one();

    f->cfg[6] = 0x10;
    f->cfg[0x34] = 0x43; /* the low two bits are reserved */
    put(f, 0x40, 0x5001, 2);
    put(f, 0x50, 0x6009, 2);
    f->cfg[0x60] = kind;
    put(f, 0x10, 0xfe000000, 4);
    f->size[0] = 0xfffff000;
    open_it(f);
    has_messages = true;
    return f;
}

static enum irq irq(uint8_t kind, bool message)
{
    bool got;
    enum irq how = pci_dev_irq(&dev, kind, &got);

    CHECK_EQ(got, message);
    return how;
}

static void msix(void)
{
    struct fn *f = with_cap(PCI_CAP_MSIX);
    uint32_t entry[4];

    message_address = 0x1fee00000;
    put(f, 0x62, 2, 2);     /* three vectors */
    put(f, 0x64, 0x100, 4); /* BAR 0 */
    CHECK_EQ(irq(PCI_CAP_MSIX, true), IRQ_SURE);
    CHECK_EQ(mapped_at, 0xfe000100);
    CHECK_EQ(mapped_len, 48);
    memcpy(entry, regs, sizeof entry);
    CHECK_EQ(entry[0], 0xfee00000);
    CHECK_EQ(entry[1], 1);
    CHECK_EQ(entry[2], 0x41);
    CHECK_EQ(entry[3], 0); /* unmasked; the others masked */
    CHECK_EQ(regs[16 + 12], 1);
    CHECK_EQ(regs[32 + 12], 1);
    CHECK_EQ(regs[48 + 12], 0x55);
    CHECK_EQ(f->cfg[0x63], 0x80);                  /* on, not masked */
    CHECK_EQ(f->cfg[5] & PCI_CMD_NO_INTX >> 8, 4); /* no line besides */
}

static void msi(void)
{
    struct fn *f = with_cap(PCI_CAP_MSI);

    put(f, 0x62, 0x80 | 0x71, 2); /* 64-bit; several messages are on */
    message_address = 0x1fee00000;
    CHECK_EQ(irq(PCI_CAP_MSI, true), IRQ_SURE);
    CHECK_EQ(rd(f->bdf, 0x62, 2), 0x81);
    CHECK_EQ(rd(f->bdf, 0x64, 4), 0xfee00000);
    CHECK_EQ(rd(f->bdf, 0x68, 4), 1);
    CHECK_EQ(rd(f->bdf, 0x6c, 2), 0x41);
    f = with_cap(PCI_CAP_MSI);
    message_address = 0x1fee00000; /* too far for a narrow one */
    CHECK_EQ(irq(PCI_CAP_MSI, false), IRQ_NONE);
    message_address = 0xfee00000;
    message_data = 0x10000;
    CHECK_EQ(irq(PCI_CAP_MSI, false), IRQ_NONE);
    message_data = 0x41;
    CHECK_EQ(irq(PCI_CAP_MSI, true), IRQ_SURE);
    CHECK_EQ(rd(f->bdf, 0x62, 2), 1);
    CHECK_EQ(rd(f->bdf, 0x68, 2), 0x41);
}

/* Lists of capabilities that are not there, too short, or go round. */
static void no_message(void)
{
    struct fn *f = with_cap(PCI_CAP_MSIX);

    CHECK_EQ(irq(PCI_CAP_MSI, false), IRQ_NONE);
    put(f, 0x64, 7, 4); /* there is no BAR 7 */
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    put(f, 0x64, 0, 4);
    f->cfg[6] = 0;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    f->cfg[6] = 0x10;
    f->cfg[0x51] = 0x40; /* a loop */
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    f->cfg[0x34] = 0xf8; /* no room for it */
    f->cfg[0xf8] = PCI_CAP_MSIX;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    f->cfg[0x34] = 0xf4;
    f->cfg[0xf4] = PCI_CAP_MSI;
    CHECK_EQ(irq(PCI_CAP_MSI, false), IRQ_NONE);
    f->cfg[0x34] = 0x3c; /* in the header */
    f->cfg[0x3c] = PCI_CAP_MSI;
    CHECK_EQ(irq(PCI_CAP_MSI, false), IRQ_NONE);
    f = with_cap(PCI_CAP_MSIX);
    has_messages = false;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
}

/* Pins turn at every bridge (PCI-to-PCI Bridge 1.2, 9.1). */
static void intx(void)
{
    struct fn *f;

    begin();
    bridge(BDF(0, 2, 0), 1);
    bridge(BDF(1, 3, 0), 2);
    f = add(BDF(2, 6, 0), 1, 1);
    f->cfg[0x3d] = 1;
    put(f, PCI_INT_LINE, 11, 1);
    put(f, PCI_COMMAND, PCI_CMD_MEMORY | PCI_CMD_NO_INTX, 2);
    CHECK_EQ(scan(&bus), 1);
    open_it(f);
    has_pins = true;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_SURE);
    CHECK_EQ(routed_root, BDF(0, 2, 0));
    CHECK_EQ(routed_pin, (0 + 6 + 3) % 4 + 1);
    CHECK_EQ(f->cfg[5], 0); /* it may use its line */
    has_pins = false;
    has_lines = true;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_GUESSED);
    CHECK_EQ(routed_line, 11);
    has_lines = false;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    has_pins = true;
    f->cfg[0x3d] = 0;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    f->cfg[0x3d] = 5;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    f->cfg[0x3d] = 4;
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_SURE);
    CHECK_EQ(routed_pin, (3 + 6 + 3) % 4 + 1);
    /* nobody routes pins here, and the line register says nothing */
    pci_dev_scan(&no_line, NULL, &ids);
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
    /* the bridge has lost its number since */
    at(BDF(1, 3, 0))->cfg[0x19] = 7;
    scan(&bus);
    CHECK_EQ(irq(PCI_CAP_MSIX, false), IRQ_NONE);
}

static const struct check_case cases[] = {
    { "walk", walk }, { "many", many }, { "names", names },
    { "bars", bars }, { "map", map },   { "registers", registers },
    { "msix", msix }, { "msi", msi },   { "no-message", no_message },
    { "intx", intx },
};

CHECK_MAIN(cases)
