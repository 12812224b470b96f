/* sources: board/x86_64/kvmclock.c */
/* includes: board/x86_64 */
/*
 * test_kvmclock.c - KVM's clock pages as a host would write them (KVM itself
 * is not asked), and as it should not.
 */
#include "kvmclock.h"

#include "check.h"

/* 2 GHz: half a nanosecond a tick */
static const struct kvmclock_time good_time = { .version = 2,
                                                .tsc = 1000,
                                                .system = 5000000000,
                                                .mul = 0x80000000,
                                                .shift = 0 };
static const struct kvmclock_wall good_wall = { 4, 1793491200, 999999999 };

static void hz(void)
{
    static const struct {
        uint32_t mul;
        int8_t shift;
        uint64_t hz;
    } rates[] = {
        { 0x80000000, 0, 2000000000 },
        { 0x80000000, 1, 1000000000 },
        { 0x80000000, -1, 4000000000 },
        { 0xaaaaaaab, -1, 2999999998 },
        { 0, 0, 0 },
        { 1, 32, 0 },
        { 1, -32, 0 },
        { 1, -128, 0 },
    };
    size_t i;

    for (i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct kvmclock_time t = good_time;

        t.mul = rates[i].mul;
        t.shift = rates[i].shift;
        CHECK_EQ(kvmclock_hz(&t), rates[i].hz);
        t.version = 3; /* being written */
        CHECK_EQ(kvmclock_hz(&t), 0);
        t.version = 0; /* never written */
        CHECK_EQ(kvmclock_hz(&t), 0);
    }
}

static void wall(void)
{
    struct kvmclock_time t = good_time;
    struct kvmclock_wall w = good_wall;

    CHECK_EQ(kvmclock_unix(&t, &w, 1000), 1793491205);
    CHECK_EQ(kvmclock_unix(&t, &w, 1002), 1793491206); /* 1 ns later */
    CHECK_EQ(kvmclock_unix(&t, &w, 1000 + 4000000000), 1793491207);
    CHECK_EQ(kvmclock_unix(&t, &w, 999), -1);
    w.version = 5;
    CHECK_EQ(kvmclock_unix(&t, &w, 1000), -1);
    w.version = 0;
    CHECK_EQ(kvmclock_unix(&t, &w, 1000), -1);
    w = good_wall;
    w.nsec = 1000000000;
    CHECK_EQ(kvmclock_unix(&t, &w, 1000), -1);
    w = good_wall;
    w.sec = UINT32_MAX; /* 2106 */
    CHECK_EQ(kvmclock_unix(&t, &w, 1000), 4294967300);
    t.version = 7;
    CHECK_EQ(kvmclock_unix(&t, &good_wall, 1000), -1);
    t = good_time;
    t.system = UINT64_MAX;
    CHECK_EQ(kvmclock_unix(&t, &good_wall, 1 << 20), -1);
    t = good_time;
    t.shift = 31;
    CHECK_EQ(kvmclock_unix(&t, &good_wall, UINT64_MAX), -1);
    t.shift = 33;
    CHECK_EQ(kvmclock_unix(&t, &good_wall, 1000), -1);
}

static const struct check_case cases[] = {
    { "hz", hz },
    { "wall", wall },
};

CHECK_MAIN(cases)
