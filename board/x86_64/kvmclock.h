/*
 * kvmclock.h - KVM's clock pages (Linux, Documentation/virt/kvm/x86/msr.rst):
 * how fast the TSC counts, how long the host's clock of this machine has run,
 * and what the time was when it began.
 *
 * Pages in, numbers out; what the host writes is checked.
 */
#ifndef BOARD_X86_64_KVMCLOCK_H
#define BOARD_X86_64_KVMCLOCK_H

#include <stdint.h>

/* by MSR_KVM_SYSTEM_TIME_NEW; version is odd while the host writes */
struct kvmclock_time {
    uint32_t version, pad;
    uint64_t tsc, system; /* at this TSC the clock stood at so many ns */
    uint32_t mul;         /* ns = (ticks << shift) * mul >> 32 */
    int8_t shift;
    uint8_t flags, pad2[2];
};
_Static_assert(sizeof(struct kvmclock_time) == 32, "msr.rst");

/* by MSR_KVM_WALL_CLOCK_NEW: when the clock stood at 0 */
struct kvmclock_wall {
    uint32_t version, sec, nsec;
};
_Static_assert(sizeof(struct kvmclock_wall) == 12, "msr.rst");

/* TSC ticks per second; 0: the page makes no sense. */
uint64_t kvmclock_hz(const volatile struct kvmclock_time *page);

/* Seconds since 1970 at a TSC not before the page's; -1: a page makes no
 * sense, or the host was writing. */
int64_t kvmclock_unix(const volatile struct kvmclock_time *time,
                      const volatile struct kvmclock_wall *wall, uint64_t tsc);

#endif
