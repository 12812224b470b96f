/*
 * test_tls_port.c - the calendar that certificates are judged by, against the
 * C library's.
 */
/* sources: net/tls_port.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/* link: -fuse-ld=lld -Wl,--gc-sections */
#include "check.h"
#include "fakeplatform.h"

#include <mbedtls/platform_util.h>
#include <time.h>

#define LAST INT64_C(253402300799) /* 9999-12-31T23:59:59 */

static void same(int64_t t)
{
    mbedtls_time_t theirs = t;
    time_t ours = t;
    struct tm got, want;

    if (!CHECK(mbedtls_platform_gmtime_r(&theirs, &got) == &got))
        return;
    gmtime_r(&ours, &want);
    if (!CHECK_EQ(got.tm_year, want.tm_year) ||
        !CHECK_EQ(got.tm_mon, want.tm_mon) ||
        !CHECK_EQ(got.tm_mday, want.tm_mday) ||
        !CHECK_EQ(got.tm_hour, want.tm_hour) ||
        !CHECK_EQ(got.tm_min, want.tm_min) ||
        !CHECK_EQ(got.tm_sec, want.tm_sec))
        printf("  at %" PRId64 "\n", t);
}

/* The last second of each day of four hundred years, and the next. */
static void days(void)
{
    for (int64_t t = 0; t < INT64_C(86400) * 146098; t += 86400) {
        same(t);
        same(t + 86399);
    }
    for (int64_t t = 0; t < 86400; t++)
        same(t);
    same(LAST);
}

static void no_date(void)
{
    static const int64_t table[] = { -1, INT64_MIN, LAST + 1, INT64_MAX };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        mbedtls_time_t t = table[i];
        struct tm tm;

        CHECK(mbedtls_platform_gmtime_r(&t, &tm) == NULL);
    }
}

static const struct check_case cases[] = { { "days", days },
                                           { "no date", no_date } };

CHECK_MAIN(cases)
