/*
 * watchdog.c - Intel's 6300ESB watchdog timer (Intel 6300ESB I/O Controller
 * Hub Datasheet, chapter 16), which QEMU has on every machine with PCI.
 *
 * Two stages of the same length run one after the other; the end of the first
 * does nothing here, the end of the second resets the machine. Every write to
 * the timer's memory is announced by 80h and 86h (16.3.4).
 */
#include "watchdog.h"

#include "log.h"
#include "pci_dev.h"

enum {
    VENDOR = 0x8086,
    DEVICE = 0x25ab,
    /* configuration space */
    CFG_CONFIG = 0x60, /* 16.2.12: bits 1:0 interrupt, 2 clock, 5 output  */
    CFG_LOCK = 0x68,   /* 16.2.13: bit 0 lock, 1 enable, 2 free running   */
    NO_INTERRUPT = 3,  /* clock 0: 1 kHz; output 0: it may reset          */
    LOCKED = 1,
    ENABLE = 2,
    /* memory at BAR 0 */
    PRELOAD_1 = 0x0, /* 16.3.1, 16.3.2: 20 bits, in ticks of 33 MHz / 2^15 */
    PRELOAD_2 = 0x4,
    RELOAD = 0xc, /* 16.3.4: bit 8 reload, 9 the last reset was ours   */
    SIZE = 0x10,
    DO_RELOAD = 1 << 8,
    TIMED_OUT = 1 << 9,
    TICKS_PER_S = 1007,
};
_Static_assert(WATCHDOG_MAX / 2 * TICKS_PER_S < 1 << 20, "16.3.1");

static struct pci_dev dev;
static volatile uint8_t *regs; /* NULL: not armed */
static uint64_t until, period;

static void write16(unsigned reg, uint16_t v)
{
    *(volatile uint16_t *)(volatile void *)(regs + reg) = v;
}

static void unlock(void)
{
    write16(RELOAD, 0x80);
    write16(RELOAD, 0x86);
}

static void preload(unsigned reg, uint32_t ticks)
{
    unlock();
    *(volatile uint32_t *)(volatile void *)(regs + reg) = ticks;
}

static bool find(void)
{
    const struct pci_id *ids;
    size_t i, n = pci_list(&ids);

    for (i = 0; i < n; i++)
        if (ids[i].vendor == VENDOR && ids[i].device == DEVICE) {
            pci_dev_open(&dev, &ids[i]);
            return true;
        }
    return false;
}

bool watchdog_start(uint32_t seconds, uint64_t until_ms, const char **why)
{
    *why = "this machine has none that we know (QEMU: -device i6300esb)";
    if (!find())
        return false;
    *why = "fewer than 5 seconds are too few";
    if (seconds < WATCHDOG_MIN || seconds > WATCHDOG_MAX)
        return false;
    *why = "the firmware has locked it";
    if ((pci_dev_read(&dev, CFG_LOCK, 1) & LOCKED) != 0)
        return false;
    regs = pci_dev_map(&dev, 0, 0, SIZE);
    if (regs == NULL) {
        *why = dev.why;
        return false;
    }
    if ((*(volatile uint16_t *)(volatile void *)(regs + RELOAD) & TIMED_OUT) !=
        0)
        log_say("the watchdog has restarted this machine");
    pci_dev_write(&dev, CFG_LOCK, 0, 1);
    pci_dev_write(&dev, CFG_CONFIG, NO_INTERRUPT, 2);
    unlock();
    write16(RELOAD, TIMED_OUT); /* written back to clear it */
    preload(PRELOAD_1, seconds * TICKS_PER_S / 2);
    preload(PRELOAD_2, seconds * TICKS_PER_S / 2);
    unlock();
    write16(RELOAD, DO_RELOAD);
    pci_dev_write(&dev, CFG_LOCK, ENABLE, 1);
    period = (uint64_t)seconds * 1000;
    until = until_ms;
    log_trace("watchdog: %u s", (unsigned)seconds);
    return true;
}

void watchdog_feed(uint64_t now_ms, uint64_t *wait_ms)
{
    *wait_ms = UINT64_MAX;
    if (regs == NULL || now_ms >= until)
        return;
    unlock();
    write16(RELOAD, DO_RELOAD);
    *wait_ms = period / 4;
}

void watchdog_stop(void)
{
    if (regs != NULL)
        pci_dev_write(&dev, CFG_LOCK, 0, 1);
    regs = NULL;
}
