/*
 * clock.c - nanoseconds from the generic timer (Arm ARM, D11).
 *
 * The virtual counter is there on every processor and its rate is known:
 * from the device tree if that corrects the firmware, else from CNTFRQ_EL0.
 * Its comparator ends board_idle().
 */
#include "board.h"
#include "machine.h"

#include "arch/aarch64/cpu.h"
#include "boot.h"

#define NS     1000000000ull
#define HZ_MIN 1000000ull
#define HZ_MAX 9000000000ull /* times two seconds fits 64 bits */

enum { CTL_ENABLE = 1 };

static uint64_t count0, mult; /* ns = (count - count0) * mult >> 32 */
static uint64_t hz;

void clock_init(uint64_t count_at_entry, uint32_t corrected)
{
    hz = corrected != 0 ? corrected : cpu_read(cntfrq_el0);
    if (hz < HZ_MIN || hz > HZ_MAX)
        boot_fail(STATUS_BUG, "no clock: neither the firmware nor the device "
                              "tree tells the rate of the timer");
    count0 = count_at_entry;
    mult = (NS << 32) / hz;
    cpu_write(cntv_ctl_el0, 0);
}

uint64_t board_now_ns(void)
{
    static uint64_t last;
    uint64_t now;

    if (mult == 0)
        return 0;
    now = (uint64_t)((unsigned __int128)(cpu_count() - count0) * mult >> 32);
    /* the counter of another host after a migration */
    if (now < last || now - last > 1ull << 62)
        return last;
    last = now;
    return now;
}

void timer_arm(uint64_t ns)
{
    cpu_write(cntv_cval_el0, cpu_count() + ns * hz / NS + 1);
    cpu_write(cntv_ctl_el0, CTL_ENABLE);
    cpu_isb();
}

void timer_off(void)
{
    cpu_write(cntv_ctl_el0, 0);
    cpu_isb();
}
