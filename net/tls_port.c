/*
 * tls_port.c - Mbed TLS's platform: memory, time, random numbers for TLS and
 * for PSA.
 *
 * Time is what tls_open() was given, moved on by the monotonic clock, so that
 * a certificate is judged at one time only and no clock is read twice.
 */
#include "tls_port.h"

#include <time.h>

#include <mbedtls/entropy.h>
#include <mbedtls/platform_time.h>
#include <mbedtls/platform_util.h>
#include <psa/crypto.h>

#include "clock.h"
#include "heap.h"
#include "rng.h"

static uint32_t calloc_failed;
static int64_t base_unix;
static uint64_t base_ms;

void *tls_port_calloc(size_t count, size_t size)
{
    void *p = heap_calloc(count, size);

    calloc_failed += p == NULL;
    return p;
}

uint32_t tls_port_calloc_failed(void)
{
    return calloc_failed;
}

void tls_port_set_time(int64_t unix_now)
{
    base_unix = unix_now < 0 ? 0 : unix_now;
    base_ms = clock_ms();
}

int64_t tls_port_time(int64_t *out)
{
    int64_t now = base_unix + (int64_t)((clock_ms() - base_ms) / 1000);

    if (out != NULL)
        *out = now;
    return now;
}

mbedtls_ms_time_t mbedtls_ms_time(void)
{
    return (mbedtls_ms_time_t)clock_ms();
}

/* Days since 1970-01-01 to a civil date: years begin in March, so that the
 * leap day is the last of its year, and 400 years are 146,097 days. */
static void civil_of_days(int64_t days, struct tm *tm)
{
    int64_t z = days + 719468; /* since 0000-03-01 */
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t month = (5 * doy + 2) / 153; /* 0 = March */

    tm->tm_mday = (int)(doy - (153 * month + 2) / 5 + 1);
    tm->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
    tm->tm_year = (int)(yoe + era * 400 + (month >= 10) - 1900);
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *tt,
                                     struct tm *tm_buf)
{
    int64_t t = *tt;

    if (t < 0 || t > INT64_C(253402300799)) /* 9999-12-31T23:59:59 */
        return NULL;
    *tm_buf = (struct tm){ 0 };
    civil_of_days(t / 86400, tm_buf);
    tm_buf->tm_hour = (int)(t % 86400 / 3600);
    tm_buf->tm_min = (int)(t % 3600 / 60);
    tm_buf->tm_sec = (int)(t % 60);
    return tm_buf;
}

int tls_port_rng(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    if (rng_state() != RNG_GOOD)
        return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    rng_bytes(out, len);
    return 0;
}

psa_status_t mbedtls_psa_external_get_random(
    mbedtls_psa_external_random_context_t *context, uint8_t *output,
    size_t output_size, size_t *output_length)
{
    (void)context;
    *output_length = 0;
    if (tls_port_rng(NULL, output, output_size) != 0)
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    *output_length = output_size;
    return PSA_SUCCESS;
}
