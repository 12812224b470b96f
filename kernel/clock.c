/*
 * clock.c - time since entry, and wall time one can check a certificate by.
 *
 * The build passes BUILD_EPOCH, the time of the source it was built from: a
 * machine whose clock shows an earlier moment has no working clock (a dead
 * battery says 1970 or 2000), and a certificate "valid" then proves nothing.
 */
#include "clock.h"

#include <stdbool.h>

#include "board.h"

#ifndef BUILD_EPOCH
#error "the build must pass -DBUILD_EPOCH=seconds"
#endif

/* time zones: an RTC that keeps local time may lag UTC by up to 12 hours */
#define ZONE_SLACK (12 * 3600)

static bool set;
static int64_t set_to, set_at_s; /* clock_set()'s time, and when it was */

static int64_t uptime_s(void)
{
    return (int64_t)(board_now_ns() / 1000000000);
}

uint64_t clock_ms(void)
{
    return board_now_ns() / 1000000;
}

int64_t clock_unix(void)
{
    int64_t t = set ? set_to + (uptime_s() - set_at_s) : board_unix_time();

    return t >= (int64_t)BUILD_EPOCH - ZONE_SLACK ? t : -1;
}

int64_t clock_earliest(void)
{
    return BUILD_EPOCH;
}

void clock_set(int64_t unix_s)
{
    set = true;
    set_to = unix_s;
    set_at_s = uptime_s();
}

const char *clock_why(void)
{
    if (board_unix_time() < 0)
        return "the machine has no clock that tells the date";
    if (clock_unix() < 0)
        return "the machine's clock shows a date before this image was built";
    return "";
}
