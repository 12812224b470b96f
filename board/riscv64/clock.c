/*
 * clock.c - the time register, and an interrupt when a time has come.
 *
 * The register counts at /cpus' timebase-frequency. The interrupt comes from
 * stimecmp (Sstc), from firmware (SBI 1.0, chapter 6), or without both from
 * start.S's M-mode handler, which writes the CLINT's or ACLINT's mtimecmp.
 */
#include "board.h"
#include "machine.h"

#include "arch/riscv64/cpu.h"
#include "boot.h"
#include "dt/dt.h"
#include "ram.h"

#define NS       1000000000ull
#define SBI_TIME 0x54494d45

enum { CLINT_MTIMECMP = 0x4000, HARTS_MAX = 4096 };

extern uint64_t machine_mtimecmp; /* start.S; physical, used in M-mode */

static uint64_t time0, hz, mult; /* ns = (time - time0) * mult >> 32 */
static bool sstc;

/* SiFive's CLINT has both parts; ACLINT's timer has mtimecmp at "reg" 1. */
static uint64_t find_mtimecmp(void)
{
    static const struct {
        const char *compatible;
        size_t reg;
        uint64_t offset;
    } kinds[] = {
        { "riscv,aclint-mtimer", 1, 0 },
        { "sifive,clint0", 0, CLINT_MTIMECMP },
        { "riscv,clint0", 0, CLINT_MTIMECMP },
    };
    struct dt_range r;
    size_t i;
    int node;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        node = dt_find(DT_NONE, kinds[i].compatible);
        if (node != DT_NONE && dt_reg(node, kinds[i].reg, &r) &&
            r.start % 8 == 0 && hart_id() < HARTS_MAX &&
            kinds[i].offset + 8 * hart_id() + 8 <= r.size &&
            !ram_has(r.start, r.size))
            return r.start + kinds[i].offset + 8 * hart_id();
    }
    return 0;
}

void clock_init(uint64_t time_at_entry)
{
    uint32_t rate;

    if (!dt_cell(dt_path("/cpus"), "timebase-frequency", 0, &rate) ||
        rate < 1000 || rate > NS)
        boot_fail(STATUS_BUG, "no clock: the device tree does not say how "
                              "fast the time register counts");
    time0 = time_at_entry;
    hz = rate;
    mult = (NS << 32) / hz;
    sstc = hart_has("sstc");
    if (!sstc && !have_sbi()) {
        machine_mtimecmp = find_mtimecmp();
        if (machine_mtimecmp == 0)
            boot_fail(STATUS_BUG, "no timer: neither Sstc nor a CLINT");
    }
    timer_off();
}

uint64_t board_now_ns(void)
{
    static uint64_t last;
    uint64_t now;

    if (mult == 0)
        return 0;
    now = (uint64_t)((unsigned __int128)(cpu_time() - time0) * mult >> 32);
    if (now < last || now - last > 1ull << 62)
        return last;
    last = now;
    return now;
}

static void set(uint64_t time)
{
    if (sstc)
        cpu_write(CSR_STIMECMP, time);
    else
        (void)cpu_sbi(SBI_TIME, 0, time, 0, NULL);
}

void timer_arm(uint64_t ns)
{
    if (ns > NS)
        ns = NS; /* what follows stays below 2^64 */
    set(cpu_time() + ns * hz / NS + 1);
}

void timer_off(void)
{
    set(UINT64_MAX);
}
