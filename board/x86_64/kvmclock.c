/*
 * kvmclock.c - reading KVM's clock pages.
 *
 * The host writes both when the MSR is written, that is before we read; a
 * page that changes under us all the same is not believed.
 */
#include "kvmclock.h"

#include <stdbool.h>

#define NS 1000000000ull

static bool sound(uint32_t version)
{
    return version != 0 && version % 2 == 0;
}

uint64_t kvmclock_hz(const volatile struct kvmclock_time *page)
{
    uint32_t version = page->version, mul = page->mul;
    int8_t shift = page->shift;
    uint64_t hz;

    if (!sound(version) || page->version != version || mul == 0 ||
        shift <= -32 || shift >= 32)
        return 0;
    hz = (NS << 32) / mul;
    return shift < 0 ? hz << -shift : hz >> shift;
}

/* The clock's ns at this TSC. */
static bool now(const volatile struct kvmclock_time *page, uint64_t tsc,
                uint64_t *ns)
{
    uint32_t version = page->version, mul = page->mul;
    uint64_t from = page->tsc, system = page->system;
    int8_t shift = page->shift;
    unsigned __int128 d;

    if (!sound(version) || page->version != version || mul == 0 ||
        shift <= -32 || shift >= 32 || tsc < from)
        return false;
    d = tsc - from;
    d = shift < 0 ? d >> -shift : d << shift;
    d = (d * mul >> 32) + system;
    *ns = (uint64_t)d;
    return d <= UINT64_MAX;
}

int64_t kvmclock_unix(const volatile struct kvmclock_time *time,
                      const volatile struct kvmclock_wall *wall, uint64_t tsc)
{
    uint32_t version = wall->version, sec = wall->sec, nsec = wall->nsec;
    uint64_t ns;

    if (!sound(version) || wall->version != version || nsec >= NS ||
        !now(time, tsc, &ns))
        return -1;
    return (int64_t)(sec + (ns + nsec) / NS);
}
