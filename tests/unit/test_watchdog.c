/* sources: kernel/watchdog.c kernel/pvpanic.c */
/* includes: kernel */
/*
 * test_watchdog.c - the watchdog's chip with its lock and its key, and the
 * device that a host is told of a panic by: what is written to them, in which
 * order, and when they are left alone.
 */
#include "watchdog.h"

#include "check.h"
#include "child.h"
#include "log.h"
#include "panic.h"
#include "pvpanic.h"

/* ------------------------------------------------------------ the machine */

static struct pci_id ids[3];
static size_t id_count;
static uint8_t lock;
static uint16_t config;
static const char *unmapped;
static unsigned maps, told_of;
static void (*teller)(void);

/* Registers that remember what was written, and check the key. */
static _Alignas(16) uint8_t regs[16];

size_t pci_list(const struct pci_id **list)
{
    *list = ids;
    return id_count;
}

void pci_dev_open(struct pci_dev *d, const struct pci_id *id)
{
    d->id = *id;
    d->why = NULL;
}

uint32_t pci_dev_read(const struct pci_dev *d, uint16_t off, uint8_t bytes)
{
    CHECK_EQ(d->id.device, 0x25ab);
    CHECK(off == 0x68 && bytes == 1);
    return lock;
}

void pci_dev_write(const struct pci_dev *d, uint16_t off, uint32_t v,
                   uint8_t bytes)
{
    CHECK_EQ(d->id.device, 0x25ab);
    CHECK((off == 0x68 && bytes == 1) || (off == 0x60 && bytes == 2));
    if (off == 0x68)
        lock = (uint8_t)v;
    else
        config = (uint16_t)v;
}

volatile uint8_t *pci_dev_map(struct pci_dev *d, uint8_t bar, uint32_t off,
                              uint32_t len)
{
    CHECK(bar == 0 && off == 0 && len <= sizeof regs);
    maps++;
    d->why = unmapped;
    return unmapped != NULL ? NULL : regs;
}

void log_say(const char *fmt, ...)
{
    CHECK_STR(fmt, "the watchdog has restarted this machine");
    told_of++;
}

void log_trace(const char *fmt, ...)
{
    (void)fmt;
}

void panic_tell(void (*tell)(void))
{
    teller = tell;
}

static uint32_t reg(unsigned at)
{
    uint32_t v;

    memcpy(&v, regs + at, 4);
    return v;
}

static void begin(void)
{
    watchdog_stop();
    memset(regs, 0, sizeof regs);
    id_count = 3;
    ids[0] = (struct pci_id){ 8, 0x8086, 0x1237, 0 };
    ids[1] = (struct pci_id){ 16, 0x1af4, 0x25ab, 0 };
    ids[2] = (struct pci_id){ 24, 0x8086, 0x25ab, 0 };
    lock = 0;
    config = maps = told_of = 0;
    unmapped = NULL;
}

/* ----------------------------------------------------------- the watchdog */

static void no_start(uint32_t seconds, const char *want)
{
    const char *why = NULL;
    uint64_t wait = 0;

    CHECK(!watchdog_start(seconds, 1000000, &why));
    CHECK_STR(why, want);
    watchdog_feed(0, &wait); /* nobody is waited for */
    CHECK_EQ(wait, UINT64_MAX);
    CHECK_EQ(reg(0) | reg(4) | reg(12), 0);
}

static void refused(void)
{
    begin();
    no_start(4, "fewer than 5 seconds are too few");
    no_start(1801, "fewer than 5 seconds are too few");
    unmapped = "no memory for it";
    no_start(60, "no memory for it");
    lock = 1;
    no_start(60, "the firmware has locked it");
    CHECK_EQ(lock, 1);
    id_count = 2;
    no_start(60, "this machine has none that we know (QEMU: -device "
                 "i6300esb)");
}

/* Two stages, each half of the time, in ticks of 33 MHz / 2^15. */
static void armed(void)
{
    const char *why;
    uint64_t wait;

    begin();
    lock = 2; /* left running: it is stopped while it is set up */
    CHECK(watchdog_start(60, 100000, &why));
    CHECK_EQ(reg(0), 60 * 1007 / 2);
    CHECK_EQ(reg(4), 60 * 1007 / 2);
    CHECK_EQ(reg(12), 0x100);
    CHECK_EQ(config, 3); /* no interrupt, and it may reset */
    CHECK_EQ(lock, 2);
    CHECK_EQ(told_of, 0);
    memset(regs, 0, sizeof regs);
    watchdog_feed(99999, &wait);
    CHECK_EQ(wait, 15000);
    CHECK_EQ(reg(12), 0x100);
    memset(regs, 0, sizeof regs);
    watchdog_feed(100000, &wait); /* the run is stuck: it is let bite */
    CHECK_EQ(wait, UINT64_MAX);
    CHECK_EQ(reg(12), 0);
    watchdog_stop();
    CHECK_EQ(lock, 0);
    watchdog_feed(1, &wait);
    CHECK_EQ(wait, UINT64_MAX);
    CHECK_EQ(reg(12), 0);
    lock = 2;
    watchdog_stop(); /* it is no longer ours */
    CHECK_EQ(lock, 2);
}

static void limits(void)
{
    const char *why;

    begin();
    CHECK(watchdog_start(5, 1, &why));
    CHECK_EQ(reg(0), 5 * 1007 / 2);
    begin();
    CHECK(watchdog_start(1800, 1, &why));
    CHECK_EQ(reg(4), 900 * 1007);
    CHECK(reg(4) < 1 << 20);
}

/* Whoever reads the log learns that this is not the first start. */
static void bitten(void)
{
    const char *why;

    begin();
    regs[13] = 2;
    CHECK(watchdog_start(60, 100000, &why));
    CHECK_EQ(told_of, 1);
}

/* ---------------------------------------------------------------- pvpanic */

static const struct pci_id panic_id = { 32, 0x1b36, 0x0011, 0 };

static void nobody(void)
{
    struct pci_id other = panic_id;

    other.vendor = 0x8086;
    pvpanic_open(&other);
    other = panic_id;
    other.device = 0x10;
    pvpanic_open(&other);
    CHECK_EQ(maps, 0);
    unmapped = "no";
    pvpanic_open(&panic_id);
    CHECK_EQ(maps, 1);
    CHECK(teller == NULL);
}

static void other_events(void)
{
    regs[0] = 2;
    pvpanic_open(&panic_id);
    CHECK_EQ(maps, 1);
    CHECK(teller == NULL);
}

static void told(void)
{
    regs[0] = 3;
    pvpanic_open(&panic_id);
    pvpanic_open(&panic_id); /* one is enough */
    CHECK_EQ(maps, 1);
    if (!CHECK(teller != NULL))
        return;
    teller();
    CHECK_EQ(regs[0], 1);
}

/* One device for the program's life: each case has a process. */
static void pvpanic(void)
{
    static void (*const runs[])(void) = { nobody, other_events, told };

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        in_child(begin, runs[i]);
}

static const struct check_case cases[] = {
    { "refused", refused }, { "armed", armed },     { "limits", limits },
    { "bitten", bitten },   { "pvpanic", pvpanic },
};

CHECK_MAIN(cases)
