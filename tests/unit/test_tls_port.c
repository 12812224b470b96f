/*
 * test_tls_port.c - the calendar that certificates are judged by, against the
 * C library's; the time; no random numbers without entropy.
 */
/* sources: net/tls_port.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/* link: -fuse-ld=lld -Wl,--gc-sections */
#include "check.h"
#include "child.h"
#include "fakeplatform.h"

#include <mbedtls/entropy.h>
#include <mbedtls/platform_util.h>
#include <psa/crypto.h>
#include <time.h>

#include "rng.h"
#include "tls_port.h"

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

/* time(), by the clock that goes on from what it was set to. */
static void now(void)
{
    int64_t t = 7;

    fake_ms = 900;
    tls_port_set_time(1795466540);
    CHECK_EQ(tls_port_time(NULL), 1795466540);
    fake_ms += 999;
    CHECK_EQ(tls_port_time(&t), 1795466540);
    CHECK_EQ(t, 1795466540);
    fake_ms += 60001;
    CHECK_EQ(tls_port_time(&t), 1795466601);
    CHECK_EQ(t, 1795466601);
    tls_port_set_time(-1); /* there is no clock */
    CHECK_EQ(tls_port_time(&t), 0);
}

static void draw(bool good)
{
    static const uint8_t none[32];
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    size_t len = 99;

    fake_entropy = good ? 256 : 0;
    CHECK_EQ(rng_init(), good ? RNG_GOOD : RNG_WEAK);
    CHECK_EQ(tls_port_rng(NULL, a, sizeof a),
             good ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED);
    CHECK_EQ(mbedtls_psa_external_get_random(NULL, b, sizeof b, &len),
             good ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_ENTROPY);
    CHECK_EQ(len, good ? sizeof b : 0);
    CHECK_EQ(memcmp(a, none, sizeof a) != 0, good);
    CHECK_EQ(memcmp(b, none, sizeof b) != 0, good);
}

static void weak(void)
{
    draw(false);
}

static void good(void)
{
    draw(true);
}

/* What can be guessed makes no key. */
static void randomness(void)
{
    in_child(NULL, weak);
    in_child(NULL, good);
}

static const struct check_case cases[] = {
    { "days", days },
    { "no date", no_date },
    { "now", now },
    { "randomness", randomness },
};

CHECK_MAIN(cases)
