/*
 * clock.c - nanoseconds from the time stamp counter.
 *
 * Its frequency comes from whoever knows it: the hypervisor's timing leaf,
 * KVM's clock page, the processor's leaf 0x15; else it is measured for a
 * fraction of a millisecond against a counter of known rate: QEMU's local
 * APIC (1 GHz), the ACPI timer, the PIT. The PIT is last because it is the
 * one that stalls on busy hosts. Every wait has an end.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "kvmclock.h"

#define NS           1000000000ull
#define HZ_MIN       1000000ull /* another machine's 24 MHz counter passes */
#define HZ_MAX       20000000000ull
#define STUCK_CYCLES (1ull << 28) /* about 0.1 s */
#define READS_MAX    2000000u

#define MSR_KVM_WALL  0x4b564d00
#define MSR_KVM_CLOCK 0x4b564d01
#define PIT_HZ        1193182
#define PM_HZ         3579545

static uint64_t tsc0, mult; /* ns = (tsc - tsc0) * mult >> 32; 0: unknown */
static uint64_t tsc_hz;
static uint16_t pm_port;

struct counter { /* counts upwards, modulo mask + 1 */
    uint32_t (*read)(void);
    uint32_t mask;
    uint64_t hz;
};

enum hypervisor hypervisor(const char **name)
{
    struct cpuid h;
    char sig[12];

    if (!cpu_is_guest()) {
        *name = "no hypervisor";
        return HYP_NONE;
    }
    h = cpu_id(0x40000000, 0);
    memcpy(sig, &h.b, 4);
    memcpy(sig + 4, &h.c, 4);
    memcpy(sig + 8, &h.d, 4);
    if (memcmp(sig, "TCGTCGTCGTCG", 12) == 0) {
        *name = "QEMU TCG";
        return HYP_TCG;
    }
    if (memcmp(sig, "KVMKVMKVM\0\0\0", 12) == 0) {
        *name = "KVM";
        return HYP_KVM;
    }
    *name = "a hypervisor";
    return HYP_OTHER;
}

/* kHz in the timing leaf that VMware began and others followed */
static uint64_t hz_from_leaf(void)
{
    if (!cpu_is_guest() || cpu_id(0x40000000, 0).a < 0x40000010 ||
        cpu_id(0x40000000, 0).a > 0x400000ff)
        return 0;
    return cpu_id(0x40000010, 0).a * 1000ull;
}

static bool have_kvmclock(void)
{
    const char *name;

    return hypervisor(&name) == HYP_KVM &&
           (cpu_id(0x40000001, 0).a >> 3 & 1) != 0;
}

static uint64_t hz_from_kvmclock(void)
{
    static _Alignas(32) volatile struct kvmclock_time page;
    uint64_t hz;

    if (!have_kvmclock())
        return 0;
    cpu_wrmsr(MSR_KVM_CLOCK, (uintptr_t)&page | 1);
    hz = kvmclock_hz(&page);
    cpu_wrmsr(MSR_KVM_CLOCK, 0);
    return hz;
}

/* The host stops writing when it is told so, and the pages lie idle. */
int64_t clock_kvm_unix(void)
{
    static _Alignas(32) volatile struct kvmclock_time time;
    static _Alignas(16) volatile struct kvmclock_wall wall;
    int64_t t;

    if (!have_kvmclock())
        return -1;
    cpu_wrmsr(MSR_KVM_CLOCK, (uintptr_t)&time | 1);
    cpu_wrmsr(MSR_KVM_WALL, (uintptr_t)&wall);
    t = kvmclock_unix(&time, &wall, cpu_tsc());
    cpu_wrmsr(MSR_KVM_CLOCK, 0);
    return t;
}

/* SDM volume 2, CPUID 0x15: crystal Hz in ECX, ratio EBX / EAX; where the
 * crystal is not given, leaf 0x16's base MHz is the TSC's rate. */
static uint64_t hz_from_cpu(void)
{
    uint32_t max = cpu_id(0, 0).a;
    struct cpuid r;

    if (max < 0x15)
        return 0;
    r = cpu_id(0x15, 0);
    if (r.a != 0 && r.b != 0 && r.c != 0)
        return (uint64_t)r.c * r.b / r.a;
    if (max < 0x16 || r.a == 0 || r.b == 0)
        return 0;
    return (cpu_id(0x16, 0).a & 0xffff) * 1000000ull;
}

/* The counter together with the TSC: of a few readings the one that took the
 * least time, so that an interruption by the host does not count. */
static uint64_t sample(const struct counter *c, uint32_t *count)
{
    uint64_t t0, t1, best = UINT64_MAX, at = 0;
    uint32_t v;
    int i;

    for (i = 0; i < 8; i++) {
        t0 = cpu_tsc();
        v = c->read();
        t1 = cpu_tsc();
        if (t1 - t0 < best) {
            best = t1 - t0;
            at = t0 + best / 2;
            *count = v;
        }
    }
    return at;
}

/* TSC ticks per second; 0: the counter does not count. */
static uint64_t measure(const struct counter *c, uint64_t us)
{
    uint32_t c0 = 0, c1 = 0, ticks = (uint32_t)(c->hz * us / 1000000), i;
    uint64_t t0 = sample(c, &c0), t1;

    for (i = 0; ((c->read() - c0) & c->mask) < ticks; i++)
        if (i == READS_MAX || cpu_tsc() - t0 > STUCK_CYCLES)
            return 0;
    t1 = sample(c, &c1);
    ticks = (c1 - c0) & c->mask;
    if (ticks == 0 || t1 <= t0 || t1 - t0 > UINT64_MAX / c->hz)
        return 0;
    return (t1 - t0) * c->hz / ticks;
}

static const struct counter apic = { apic_count, UINT32_MAX, NS };

static uint64_t hz_from_apic(void)
{
    if (!apic_present())
        return 0;
    apic_count_start();
    return measure(&apic, 300);
}

static uint32_t pm_read(void)
{
    return cpu_in32(pm_port);
}

static uint64_t hz_from_pm_timer(void)
{
    static const struct counter pm = { pm_read, 0xffffff, PM_HZ };
    struct acpi_fadt f;

    if (!acpi_fadt(true, &f) || f.pm_timer == 0)
        return 0;
    pm_port = (uint16_t)f.pm_timer;
    return measure(&pm, 1000);
}

/* 8254, channel 2, counting down */
static uint32_t pit_read(void)
{
    uint32_t v;

    cpu_out8(0x43, 0x80); /* latch channel 2 */
    v = cpu_in8(0x42);
    v |= (uint32_t)cpu_in8(0x42) << 8;
    return 0u - v;
}

static uint64_t hz_from_pit(void)
{
    static const struct counter pit = { pit_read, 0xffff, PIT_HZ };

    cpu_out8(0x61, (cpu_in8(0x61) & 0xfc) | 1); /* gate on, speaker off */
    cpu_out8(0x43, 0xb0);                       /* both bytes, mode 0   */
    cpu_out8(0x42, 0xff);
    cpu_out8(0x42, 0xff);
    return measure(&pit, 2000);
}

static bool sane(uint64_t hz)
{
    return hz >= HZ_MIN && hz <= HZ_MAX;
}

void clock_init(uint64_t tsc_at_entry)
{
    const char *name;
    enum hypervisor hyp = hypervisor(&name);
    uint64_t hz = hz_from_leaf();

    if (!sane(hz))
        hz = hz_from_kvmclock();
    if (!sane(hz) && hyp != HYP_TCG)
        hz = hz_from_cpu();
    if (!sane(hz) && (hyp == HYP_TCG || hyp == HYP_KVM))
        hz = hz_from_apic();
    if (!sane(hz))
        hz = hz_from_pm_timer();
    if (!sane(hz))
        hz = hz_from_pit();
    if (!sane(hz))
        boot_fail(STATUS_BUG, "no clock: neither the hypervisor, the APIC, "
                              "the ACPI timer nor the PIT tells the time");
    tsc0 = tsc_at_entry;
    tsc_hz = hz;
    mult = (NS << 32) / hz;
}

uint64_t board_now_ns(void)
{
    static uint64_t last;
    uint64_t now;

    if (mult == 0)
        return 0;
    now = (uint64_t)((unsigned __int128)(cpu_tsc() - tsc0) * mult >> 32);
    /* the counter of another host after a migration, or of another core */
    if (now < last || now - last > 1ull << 62)
        return last;
    last = now;
    return now;
}

void clock_spin(uint64_t ns)
{
    uint64_t end = board_now_ns() + ns;
    uint32_t i;

    for (i = 0; i < READS_MAX && board_now_ns() < end; i++)
        cpu_pause();
}

uint64_t clock_apic_hz(void)
{
    uint32_t c0 = 0, c1 = 0;
    uint64_t t0, t1;

    apic_count_start();
    t0 = sample(&apic, &c0);
    clock_spin(200000);
    t1 = sample(&apic, &c1);
    return t1 > t0 ? (uint64_t)(c1 - c0) * tsc_hz / (t1 - t0) : 0;
}
