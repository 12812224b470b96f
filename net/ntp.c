/*
 * ntp.c - RFC 4330, 4 (format) and 5 (what a client checks).
 *
 * Timestamps count seconds since 1900 in 32 bits; with the top bit clear they
 * are those from 7 February 2036 on (RFC 4330, 3).
 */
#include "ntp.h"

#include <stdbool.h>
#include <string.h>

#define FIRST_BYTE 0x23 /* no leap warning, version 4, client */
#define SERVER     4
#define UNIX_1900  2208988800
#define ERA        (INT64_C(1) << 32)

enum { STRATUM = 1, KISS = 12, ORIGIN = 24, TRANSMIT = 40 };

static void put64(uint8_t *p, uint64_t v)
{
    int i;

    for (i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v = 0;
    int i;

    for (i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

void ntp_question(uint8_t out[NTP_PACKET], uint64_t nonce)
{
    memset(out, 0, NTP_PACKET);
    out[0] = FIRST_BYTE;
    put64(out + TRANSMIT, nonce);
}

/* RFC 4330, 8: the codes that name a reason one can act on */
static const char *kiss(const uint8_t *p)
{
    if (memcmp(p + KISS, "RATE", 4) == 0)
        return "it was asked too often (RATE)";
    if (memcmp(p + KISS, "DENY", 4) == 0 || memcmp(p + KISS, "RSTR", 4) == 0)
        return "it does not serve us (DENY)";
    return "it has no time itself";
}

static enum ntp_answer refuse(const char **why, const char *what)
{
    *why = what;
    return NTP_REFUSED;
}

enum ntp_answer ntp_judge(const uint8_t *p, size_t len, uint64_t nonce,
                          int64_t earliest, int64_t *unix_s, const char **why)
{
    unsigned leap, version, mode;
    uint64_t sent;
    int64_t t;

    /* whoever does not know the question is not heard at all */
    if (len < NTP_PACKET || get64(p + ORIGIN) != nonce)
        return NTP_NOTHING;
    leap = p[0] >> 6;
    version = p[0] >> 3 & 7;
    mode = p[0] & 7;
    if (mode != SERVER || version < 3 || version > 4)
        return NTP_NOTHING;
    if (p[STRATUM] == 0)
        return refuse(why, kiss(p));
    sent = get64(p + TRANSMIT);
    if (leap == 3 || p[STRATUM] > 15 || sent == 0)
        return refuse(why, "its clock is not set");
    t = (int64_t)(sent >> 32) - UNIX_1900;
    if (sent >> 63 == 0)
        t += ERA;
    if (t < earliest)
        return refuse(why, "it tells a date before this image was built");
    *unix_s = t;
    return NTP_TIME;
}
