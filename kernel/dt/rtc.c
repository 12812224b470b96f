/*
 * rtc.c - the time of day: Android's goldfish clock (QEMU's
 * docs/specs, "goldfish RTC": nanoseconds, reading the low half latches the
 * high one) or Arm's PL031 (DDI 0224: seconds).
 */
#include "board.h"
#include "dt/dt.h"
#include "paging.h"
#include "ram.h"

#define NS 1000000000ull

enum { GOLDFISH_LOW = 0x00, GOLDFISH_HIGH = 0x04 };
enum { PL031_DR = 0x00 };

static volatile uint32_t *registers(const char *compatible)
{
    int node = dt_find(DT_NONE, compatible);
    struct dt_range r;

    if (node == DT_NONE || !dt_reg(node, 0, &r) || r.size < 8 ||
        r.start % 4 != 0 || ram_has(r.start, r.size))
        return NULL;
    return mem_map(r.start, r.size, MEM_DEV);
}

static int64_t read_clock(void)
{
    volatile uint32_t *p = registers("google,goldfish-rtc");
    uint32_t low;

    if (p != NULL) {
        low = p[GOLDFISH_LOW / 4];
        return (int64_t)(((uint64_t)p[GOLDFISH_HIGH / 4] << 32 | low) / NS);
    }
    p = registers("arm,pl031");
    return p != NULL ? p[PL031_DR / 4] : -1;
}

int64_t board_unix_time(void)
{
    static int64_t base = -1;
    static uint64_t base_ns;
    static bool tried;

    if (!tried) {
        tried = true;
        base = read_clock();
        base_ns = board_now_ns();
    }
    if (base < 0)
        return -1;
    return base + (int64_t)((board_now_ns() - base_ns) / NS);
}
