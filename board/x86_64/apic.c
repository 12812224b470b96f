/*
 * apic.c - interrupts, whose only work is to end board_idle().
 *
 * SDM volume 3, chapter 11 (local APIC, MSI) and the 82093AA data sheet (I/O
 * APIC). Interrupts are off except during the one hlt; what comes meanwhile
 * waits in the local APIC, so none is lost. All device interrupts share one
 * vector: the loop polls its devices anyway. Lines are edge triggered, which
 * is what virtio-mmio's are; the driver acknowledges before it looks.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "platform.h"

#define MSR_APIC_BASE  0x1b
#define APIC_ENABLED   (1u << 11)
#define APIC_X2        (1u << 10)
#define IOAPIC_DEFAULT 0xfec00000u
#define IOAPICS        4

enum {
    REG_ID = 0x20,
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_SPURIOUS = 0xf0,
    REG_ERROR = 0x280,
    REG_LVT_TIMER = 0x320,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_ERROR = 0x370,
    REG_TIMER_INIT = 0x380,
    REG_TIMER_NOW = 0x390,
    REG_TIMER_DIV = 0x3e0,
};

#define LVT_MASKED (1u << 16)
#define NAP_NS     2000000000ull /* one timer run at most            */

static volatile uint32_t *lapic; /* NULL: none, or by MSR */
static bool have_lapic, x2;
static uint64_t timer_hz;

static struct ioapic {
    volatile uint32_t *regs;
    uint32_t first, count;
} ioapics[IOAPICS];
static unsigned ioapic_count;
static bool ioapics_known;

static uint32_t get(unsigned reg)
{
    return x2 ? (uint32_t)cpu_rdmsr(0x800 + (reg >> 4)) : lapic[reg / 4];
}

static void set(unsigned reg, uint32_t v)
{
    if (x2)
        cpu_wrmsr(0x800 + (reg >> 4), v);
    else
        lapic[reg / 4] = v;
}

static uint32_t apic_id(void)
{
    return x2 ? get(REG_ID) : get(REG_ID) >> 24;
}

/* Nothing may come by the 8259s; writing where there are none is harmless. */
static void mask_legacy(void)
{
    cpu_out8(0x21, 0xff);
    cpu_out8(0xa1, 0xff);
}

void apic_init(void)
{
    uint64_t base;

    mask_legacy();
    if ((cpu_id(1, 0).d >> 9 & 1) == 0)
        return;
    base = cpu_rdmsr(MSR_APIC_BASE);
    x2 = (base & APIC_X2) != 0;
    if ((base & APIC_ENABLED) == 0)
        cpu_wrmsr(MSR_APIC_BASE, base | APIC_ENABLED);
    if (!x2) {
        lapic = mem_map(base & 0xffffff000, 4096, MEM_DEV);
        if (lapic == NULL)
            return;
        irq_eoi = (uintptr_t)&lapic[REG_EOI / 4];
    }
    have_lapic = true;
    set(REG_SPURIOUS, 0x100 | TRAP_VECTOR_SPURIOUS);
    set(REG_TPR, 0);
    set(REG_LVT_LINT0, LVT_MASKED);
    set(REG_LVT_ERROR, LVT_MASKED);
    set(REG_LVT_TIMER, LVT_MASKED | TRAP_VECTOR_TIMER);
    set(REG_TIMER_DIV, 0xb); /* by 1 */
}

bool apic_present(void)
{
    return have_lapic;
}

void apic_count_start(void)
{
    set(REG_LVT_TIMER, LVT_MASKED | TRAP_VECTOR_TIMER);
    set(REG_TIMER_INIT, UINT32_MAX);
}

uint32_t apic_count(void)
{
    return UINT32_MAX - get(REG_TIMER_NOW);
}

/* QEMU's runs at 1 GHz; elsewhere it is measured once, for 0.2 ms. */
void apic_timer_init(void)
{
    const char *name;

    if (!have_lapic)
        return;
    timer_hz = hypervisor(&name) == HYP_TCG ? 1000000000 : clock_apic_hz();
    set(REG_TIMER_INIT, 0);
    set(REG_LVT_TIMER, TRAP_VECTOR_TIMER); /* one-shot, unmasked */
}

/* -------------------------------------------------------------- I/O APIC */

static uint32_t io_get(const struct ioapic *io, uint8_t reg)
{
    io->regs[0] = reg;
    return io->regs[4];
}

static void io_set(const struct ioapic *io, uint8_t reg, uint32_t v)
{
    io->regs[0] = reg;
    io->regs[4] = v;
}

static void ioapic_add(uint64_t base, uint32_t first_gsi)
{
    struct ioapic io;
    uint32_t version;

    if (ioapic_count == IOAPICS || ram_has(base, 4096))
        return;
    io.regs = mem_map(base, 4096, MEM_DEV);
    if (io.regs == NULL)
        return;
    version = io_get(&io, 1);
    if (version == 0 || version == UINT32_MAX)
        return;
    io.first = first_gsi;
    io.count = (version >> 16 & 0xff) + 1;
    if (io.count > 120) /* 8-bit register numbers: 0x10 + 2 * n */
        io.count = 120;
    ioapics[ioapic_count++] = io;
}

static void ioapics_find(void)
{
    ioapics_known = true;
    acpi_ioapics(ioapic_add);
    if (ioapic_count == 0)
        ioapic_add(IOAPIC_DEFAULT, 0);
}

bool apic_route(uint32_t gsi)
{
    unsigned i;

    if (!have_lapic || apic_id() > 0xff)
        return false;
    if (!ioapics_known)
        ioapics_find();
    for (i = 0; i < ioapic_count; i++) {
        const struct ioapic *io = &ioapics[i];
        uint8_t reg;

        if (gsi < io->first || gsi - io->first >= io->count)
            continue;
        reg = (uint8_t)(0x10 + 2 * (gsi - io->first));
        io_set(io, reg, LVT_MASKED);
        io_set(io, (uint8_t)(reg + 1), apic_id() << 24);
        io_set(io, reg, TRAP_VECTOR_DEVICE); /* fixed, edge, high */
        return true;
    }
    return false;
}

bool platform_msi(uint32_t bdf, uint64_t *address, uint32_t *data)
{
    (void)bdf; /* one vector for all */
    if (!have_lapic || apic_id() > 0xff)
        return false;
    *address = 0xfee00000 | apic_id() << 12;
    *data = TRAP_VECTOR_DEVICE;
    return true;
}

/* ------------------------------------------------------------------ idle */

static void timer_arm(uint64_t ns)
{
    uint64_t count = ns * timer_hz / 1000000000 + 1;

    set(REG_TIMER_INIT, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
}

void board_idle(uint64_t until_ns)
{
    uint64_t now = board_now_ns(), nap;

    while (!irq_pending && now < until_ns) {
        nap = until_ns - now < NAP_NS ? until_ns - now : NAP_NS;
        if (timer_hz != 0) {
            timer_arm(nap);
            cpu_sleep();
        } else {
            cpu_pause(); /* no timer: nothing would end a hlt */
        }
        now = board_now_ns();
    }
    irq_pending = 0;
}
