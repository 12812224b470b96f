/* sources: kernel/pci_assign.c kernel/pci.c */
/* includes: kernel */
/*
 * test_pci_assign.c - bridges and devices in memory that answer as hardware
 * does: by bus numbers that come from the bridges, BARs of fixed size.
 */
#include "pci_assign.h"

#include "check.h"
#include "pci.h"

#define MIB   (1024u * 1024)
#define START 0x40000000ull

struct fn {
    int parent; /* the bridge above, -1: bus 0 */
    uint8_t dev;
    bool bridge;
    uint32_t bars[6]; /* size | type bits; 0: none; wide ones take two */
    uint32_t cfg[64];
};

static struct fn fns[300];
static unsigned count;
static unsigned live_writes; /* BARs changed while decoding was on */

static int add(int parent, uint8_t dev, bool bridge)
{
    struct fn *f = &fns[count];

    memset(f, 0, sizeof *f);
    f->parent = parent;
    f->dev = dev;
    f->bridge = bridge;
    f->cfg[0] = 0x10001af4;
    f->cfg[1] = 7; /* firmware left everything on */
    f->cfg[3] = bridge ? 1 << 16 : 0;
    f->cfg[15] = 1 << 8; /* INTA */
    return (int)count++;
}

static uint32_t bus_of(const struct fn *f)
{
    return f->parent < 0 ? 0 : fns[f->parent].cfg[6] >> 8 & 0xff;
}

/* A bridge passes on what lies between its secondary and subordinate bus, and
 * nothing while it has no number. */
static bool reached(const struct fn *f, uint32_t bus)
{
    for (int p = f->parent; p >= 0; p = fns[p].parent)
        if ((fns[p].cfg[6] >> 8 & 0xff) == 0 ||
            bus < (fns[p].cfg[6] >> 8 & 0xff) ||
            bus > (fns[p].cfg[6] >> 16 & 0xff))
            return false;
    return bus_of(f) == bus;
}

static struct fn *find(uint32_t bdf)
{
    for (unsigned i = 0; i < count; i++)
        if (fns[i].dev == (bdf >> 3 & 31) && (bdf & 7) == 0 &&
            (fns[i].parent >= 0 || bdf >> 8 == 0) && reached(&fns[i], bdf >> 8))
            return &fns[i];
    return NULL;
}

static uint32_t rd(uint32_t bdf, uint16_t off, uint8_t bytes)
{
    struct fn *f = find(bdf);
    uint32_t v = f != NULL && off < 256 ? f->cfg[off / 4] : UINT32_MAX;

    v >>= 8 * (off & 3);
    return bytes == 4 ? v : v & ((1u << 8 * bytes) - 1);
}

static void wr(uint32_t bdf, uint16_t off, uint32_t v, uint8_t bytes)
{
    struct fn *f = find(bdf);
    unsigned shift = 8 * (off & 3), bar = off / 4u;
    uint32_t mask = bytes == 4 ? UINT32_MAX : ((1u << 8 * bytes) - 1) << shift;

    if (f == NULL || off >= 256)
        return;
    v = (f->cfg[off / 4] & ~mask) | (v << shift & mask);
    if (bar >= 4 && bar - 4 < (f->bridge ? 2u : 6u)) {
        uint32_t b = f->bars[bar - 4], type = b & 15;

        if ((f->cfg[1] & 3) != 0)
            live_writes++;
        if (bar > 4 && (f->bars[bar - 5] & 7) == 4)
            ; /* upper half: all bits are there */
        else if (b == 0)
            v = 0;
        else
            v = (v & ~((b & ~15u) - 1)) | type;
    }
    f->cfg[off / 4] = v;
}

static const struct pci_host host = { .read = rd, .write = wr };

static void begin(void)
{
    count = 0;
    live_writes = 0;
}

static void assign(uint64_t size)
{
    pci_assign(&host, 255, (struct pci_window){ START, START + size });
    CHECK_EQ(live_writes, 0);
}

static uint32_t bar(int f, unsigned n)
{
    return fns[f].cfg[4 + n] & ~15u;
}

/* Inside the windows of every bridge above. */
static bool passed_on(int f, uint64_t at, uint64_t size)
{
    for (int p = fns[f].parent; p >= 0; p = fns[p].parent) {
        uint64_t base = (uint64_t)(fns[p].cfg[8] & 0xfff0) << 16;
        uint64_t limit = (fns[p].cfg[8] & 0xfff00000) | 0xfffff;

        if (at < base || at + size - 1 > limit || (fns[p].cfg[1] & 6) != 6)
            return false;
    }
    return true;
}

static void one_device(void)
{
    struct pci_bar found[PCI_BARS];
    int f;

    begin();
    f = add(-1, 1, false);
    fns[f].bars[0] = 32 | 1;        /* I/O           */
    fns[f].bars[1] = 4096;          /* memory        */
    fns[f].bars[4] = 16384 | 4 | 8; /* wide          */
    assign(MIB);
    CHECK_EQ(bar(f, 0) & ~3u, 0);
    CHECK_EQ(bar(f, 1), START);
    CHECK_EQ(bar(f, 4), START + 16384); /* aligned to its size */
    CHECK_EQ(fns[f].cfg[9], 0);
    CHECK_EQ(fns[f].cfg[1] & 7, 0); /* off until somebody drives it */
    pci_bars(&host, 1 << 3, found);
    CHECK_EQ(found[1].addr, START);
    CHECK_EQ(found[1].size, 4096);
    CHECK_EQ(found[4].addr, START + 16384);
    CHECK_EQ(found[4].size, 16384);
    CHECK_EQ(found[0].size, 0);
}

static void too_big(void)
{
    int a, b;

    begin();
    a = add(-1, 1, false);
    fns[a].bars[0] = 0x40000000;
    b = add(-1, 2, false);
    fns[b].bars[0] = 4096;
    assign(MIB);
    CHECK_EQ(bar(a, 0), 0);
    CHECK_EQ(bar(b, 0), START);
}

static unsigned walked;

static bool seen(void *ctx, uint32_t bdf)
{
    (void)ctx;
    (void)bdf;
    walked++;
    return true;
}

/* root port - switch (upstream, two downstream) - devices */
static void behind_a_switch(void)
{
    int port, up, down1, down2, a, b, c;
    uint32_t root = 0;
    uint8_t pin = 0;

    begin();
    c = add(-1, 1, false);
    fns[c].bars[1] = 4096;
    port = add(-1, 3, true);
    fns[port].bars[0] = 4096;
    up = add(port, 0, true);
    down1 = add(up, 0, true);
    down2 = add(up, 1, true);
    a = add(down1, 0, false);
    fns[a].bars[0] = 8192;
    b = add(down2, 2, false);
    fns[b].bars[4] = 2 * MIB | 4;
    assign(16 * MIB);
    CHECK_EQ(bus_of(&fns[up]), 1);
    CHECK_EQ(bus_of(&fns[a]), 3);
    CHECK_EQ(bus_of(&fns[b]), 4);
    CHECK(bar(a, 0) != 0 && passed_on(a, bar(a, 0), 8192));
    CHECK(bar(b, 4) != 0 && passed_on(b, bar(b, 4), 2 * MIB));
    CHECK(!passed_on(a, bar(b, 4), 1));
    CHECK(!passed_on(a, bar(c, 1), 1));
    CHECK_EQ(fns[port].cfg[6] >> 16 & 0xff, 4);
    walked = 0;
    pci_walk(&host, seen, NULL);
    CHECK_EQ(walked, 3);
    /* device 2 turns A into C, device 1 into D, device 0 and 0 keep it */
    CHECK(pci_intx(&host, 4 << 8 | 2 << 3, &root, &pin));
    CHECK_EQ(root, 3 << 3);
    CHECK_EQ(pin, 4);
    CHECK(pci_intx(&host, 1 << 3, &root, &pin));
    CHECK_EQ(root, 1 << 3);
    CHECK_EQ(pin, 1);
    fns[c].cfg[15] = 0;
    CHECK(!pci_intx(&host, 1 << 3, &root, &pin));
}

static void empty_bridge(void)
{
    int port, f;

    begin();
    port = add(-1, 0, true);
    f = add(-1, 1, false);
    fns[f].bars[0] = 4096;
    assign(16 * MIB);
    CHECK_EQ(fns[port].cfg[6] & 0xffffff, 0x010100);
    CHECK((fns[port].cfg[8] & 0xfff0) > fns[port].cfg[8] >> 16); /* shut */
    CHECK((fns[port].cfg[9] & 0xfff0) > fns[port].cfg[9] >> 16);
    CHECK_EQ(bar(f, 0), START);
}

/* More bridges in a row than are followed: it ends, the rest stays shut. */
static void a_long_chain(void)
{
    int at = -1;

    begin();
    for (int i = 0; i < 200; i++)
        at = add(at, 0, true);
    assign(16 * MIB);
    CHECK(fns[0].cfg[6] != 0);
    CHECK_EQ(fns[199].cfg[6], 0);
}

static void more_bridges_than_buses(void)
{
    int at[32];

    begin();
    for (uint8_t i = 0; i < 32; i++)
        at[i] = add(-1, i, true);
    for (int i = 0; i < 8; i++)
        for (uint8_t k = 0; k < 32; k++)
            add(at[i], k, true);
    assign(1024 * MIB);
    CHECK(fns[0].cfg[6] >> 16 <= 255);
    CHECK_EQ(fns[31].cfg[6], 0); /* no number was left */
}

static uint8_t window[2 * MIB];

static void ecam(void)
{
    const struct pci_host *h = pci_ecam(window, 2);

    window[MIB + (3 << 15) + 0x10] = 0x78;
    window[MIB + (3 << 15) + 0x11] = 0x56;
    CHECK_EQ(h->read(1 << 8 | 3 << 3, 0x10, 1), 0x78);
    CHECK_EQ(h->read(1 << 8 | 3 << 3, 0x10, 2), 0x5678);
    CHECK_EQ(h->read(1 << 8 | 3 << 3, 0x10, 4), 0x5678);
    h->write(1 << 8 | 3 << 3, 0x12, 0x1234, 2);
    CHECK_EQ(h->read(1 << 8 | 3 << 3, 0x10, 4), 0x12345678);
    CHECK_EQ(h->read(2 << 8, 0, 4), UINT32_MAX);
    CHECK_EQ(h->read(0, 4096, 4), UINT32_MAX);
    CHECK_EQ(h->read(0, 0x11, 2), UINT32_MAX);
    h->write(2 << 8, 0, 1, 4);
    h->write(1 << 8 | 255, 0xffc, 0xffffffff, 4);
    CHECK_EQ(window[2 * MIB - 1], 0xff);
}

static const struct check_case cases[] = {
    { "one-device", one_device },
    { "too-big", too_big },
    { "behind-a-switch", behind_a_switch },
    { "empty-bridge", empty_bridge },
    { "a-long-chain", a_long_chain },
    { "more-bridges-than-buses", more_bridges_than_buses },
    { "ecam", ecam },
};
CHECK_MAIN(cases)
