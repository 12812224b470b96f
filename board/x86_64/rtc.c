/*
 * rtc.c - the time of day from the CMOS clock (MC146818, ports 0x70, 0x71).
 *
 * Read outside an update and twice until both readings agree; BCD or binary,
 * 12 or 24 hours as register B says. An update takes 2 ms, but QEMU shows one
 * for as long as a busy host keeps its timers waiting, which reading port by
 * port makes worse: after 20 ms two readings that agree are enough. The clock
 * is taken to run in UTC, which is what QEMU and other hypervisors give. Every
 * field must make sense: where there is no such chip all bytes read 0xff.
 * KVM's wall clock is asked then; without that the answer is -1.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"

#define NS        1000000000ull
#define UPDATE_NS 20000000ull
#define READINGS  8

enum {
    SEC = 0,
    MIN = 2,
    HOUR = 4,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    REG_A = 10,
    REG_B = 11,
    CENTURY = 0x32
};

struct fields {
    uint8_t sec, min, hour, day, month, year, century;
};

static uint8_t cmos(uint8_t reg)
{
    cpu_out8(0x70, reg);
    return cpu_in8(0x71);
}

static void wait_update(void)
{
    uint64_t until = board_now_ns() + UPDATE_NS;

    while ((cmos(REG_A) & 0x80) != 0 && board_now_ns() < until)
        cpu_pause();
}

static struct fields read_once(uint8_t century)
{
    struct fields f = { cmos(SEC),   cmos(MIN),  cmos(HOUR),   cmos(DAY),
                        cmos(MONTH), cmos(YEAR), cmos(century) };

    return f;
}

static bool read_stable(struct fields *f)
{
    struct acpi_fadt fadt;
    uint8_t century = CENTURY;
    struct fields again;
    int i;

    /* a register of the machine's own choice, if its tables are at hand */
    if (acpi_fadt(false, &fadt) && fadt.century != 0)
        century = fadt.century & 0x7f;
    for (i = 0; i < READINGS; i++) {
        wait_update();
        *f = read_once(century);
        again = read_once(century);
        if (memcmp(f, &again, sizeof again) == 0)
            return true;
    }
    return false;
}

/* 0xff where a digit is none */
static uint8_t from_bcd(uint8_t v)
{
    if ((v & 15) > 9 || v >> 4 > 9)
        return 0xff;
    return (uint8_t)((v >> 4) * 10 + (v & 15));
}

static void decode(struct fields *f, uint8_t reg_b)
{
    bool pm = (f->hour & 0x80) != 0;

    f->hour &= 0x7f;
    if ((reg_b & 4) == 0) { /* BCD */
        f->sec = from_bcd(f->sec);
        f->min = from_bcd(f->min);
        f->hour = from_bcd(f->hour);
        f->day = from_bcd(f->day);
        f->month = from_bcd(f->month);
        f->year = from_bcd(f->year);
        f->century = from_bcd(f->century);
    }
    if ((reg_b & 2) == 0) { /* 12 hours: 12 AM is 0, 12 PM is 12 */
        if (f->hour < 1 || f->hour > 12)
            f->hour = 0xff;
        else
            f->hour = (uint8_t)(f->hour % 12 + (pm ? 12 : 0));
    } else if (pm) {
        f->hour = 0xff;
    }
    if (f->century < 20 || f->century > 22)
        f->century = 20; /* not kept here */
}

static bool valid(const struct fields *f)
{
    static const uint8_t days[] = { 31, 29, 31, 30, 31, 30,
                                    31, 31, 30, 31, 30, 31 };

    return f->sec < 60 && f->min < 60 && f->hour < 24 && f->month >= 1 &&
           f->month <= 12 && f->day >= 1 && f->day <= days[f->month - 1] &&
           f->year < 100;
}

/* Days since 1970 in the Gregorian calendar, years counted from March so
 * that the leap day comes last. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 -
           719468;
}

static int64_t read_clock(void)
{
    struct fields f;
    int64_t days;

    if (!read_stable(&f))
        return -1;
    decode(&f, cmos(REG_B));
    if (!valid(&f))
        return -1;
    days = days_since_1970(f.century * 100 + f.year, f.month, f.day);
    return ((days * 24 + f.hour) * 60 + f.min) * 60 + f.sec;
}

int64_t board_unix_time(void)
{
    static int64_t base = -1;
    static uint64_t base_ns;
    static bool tried;

    if (!tried) {
        tried = true;
        base = read_clock();
        if (base < 0)
            base = clock_kvm_unix();
        base_ns = board_now_ns();
    }
    if (base < 0)
        return -1;
    return base + (int64_t)((board_now_ns() - base_ns) / NS);
}
