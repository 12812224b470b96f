/*
 * test_date.c - dates as mail writes them and wrote them.
 */
/* sources: smtp/date.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "date.h"

#define BAD INT64_MIN

static bool parse(const char *text, struct smtp_date *d)
{
    size_t n = strlen(text);
    char *block = malloc(n + 1);
    bool ok;

    if (block == NULL)
        abort();
    memcpy(block + 1, text, n); /* its end is the end of the block */
    ok = smtp_date_parse((struct smtp_str){ block + 1, n }, d);
    free(block);
    return ok;
}

static const struct {
    const char *in;
    int64_t seconds; /* BAD: refused */
    int zone;
    bool known;
} table[] = {
    { "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360, true },
    { "Thu, 1 Jan 1970 00:00:00 +0000", 0, 0, true },
    { "1 Jan 1970 00:00:00 +0000", 0, 0, true },
    { "1 Jan 1970 00:00 +0000", 0, 0, true },
    { "31 Dec 1969 23:59:59 +0000", -1, 0, true },
    { "Tue, 29 Feb 2000 12:00:00 +0530", 951805800, 330, true },
    { "Thu, 29 Feb 2024 23:59:60 GMT", 1709251199, 0, true },
    { "01 Jan 2038 00:00:00 +1400", 2145866400, 840, true },
    /* RFC 5322 A.5 and A.6.2, A.6.3 */
    { "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
      "               -0330 (Newfoundland Time)",
      -27723480, -210, true },
    { "21 Nov 97 09:55:06 GMT", 880106106, 0, true },
    { "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360,
      true },
    { "(a (nested \\) one)) 1 Jan 1970 00:00:00 (x) +0000 (UTC)", 0, 0, true },
    { "1 jan 70 0:00:00 UT", 0, 0, true },
    { "1 Jan 49 00:00:00 Z", 2493072000, 0, true },
    { "1 Jan 50 00:00:00 Z", -631152000, 0, true },
    { "1 Jan 100 00:00:00 UTC", 946684800, 0, true },
    { "1 Jan 1970 00:00:00 EST", 18000, -300, true },
    { "1 Jan 1970 00:00:00 edt", 14400, -240, true },
    { "1 Jan 1970 00:00:00 CST", 21600, -360, true },
    { "1 Jan 1970 00:00:00 CDT", 18000, -300, true },
    { "1 Jan 1970 00:00:00 MST", 25200, -420, true },
    { "1 Jan 1970 00:00:00 MDT", 21600, -360, true },
    { "1 Jan 1970 00:00:00 PST", 28800, -480, true },
    { "1 Jan 1970 00:00:00 PDT", 25200, -420, true },
    { "1 Jan 1970 00:00:00 -0000", 0, 0, false },
    { "1 Jan 1970 00:00:00 A", 0, 0, false },
    { "1 Jan 1970 00:00:00 CEST", 0, 0, false },
    { "Mon 1 Jan 1970 00:00:00 +0000", 0, 0, true },
    { "Fri, 31 Dec 9999 23:59:59 +0000", 253402300799, 0, true },
    { "", BAD, 0, false },
    { "Fri", BAD, 0, false },
    { "Fri,", BAD, 0, false },
    { "Xyz, 1 Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "1 Jan 1970", BAD, 0, false },
    { "1 Jan 1970 00:00:00", BAD, 0, false },
    { "1 Jan 1970 00:00:00 ", BAD, 0, false },
    { "1 Jan 1970 0000 +0000", BAD, 0, false },
    { "1 Jan 1970 00:0:00 +0000", BAD, 0, false },
    { "1 Jan 1970 00:00:0 +0000", BAD, 0, false },
    { "1 Jan 1970 00: +0000", BAD, 0, false },
    { "1 Jan 1970 24:00:00 +0000", BAD, 0, false },
    { "1 Jan 1970 00:60:00 +0000", BAD, 0, false },
    { "1 Jan 1970 00:00:61 +0000", BAD, 0, false },
    { "1 Jan 1970 00:00:00 +000", BAD, 0, false },
    { "1 Jan 1970 00:00:00 +00000", BAD, 0, false },
    { "1 Jan 1970 00:00:00 +0060", BAD, 0, false },
    { "1 Jan 1970 00:00:00 +2400", BAD, 0, false },
    { "1 Jan 1970 00:00:00 +0000 x", BAD, 0, false },
    { "1 Jan 1970 00:00:00 +0000 (x", BAD, 0, false },
    { "(1 Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "1 Jan (1970 00:00:00 +0000", BAD, 0, false },
    { "1 (Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "Fri (, 1 Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "Fri, (1 Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "1 Jan 1970 (00:00:00 +0000", BAD, 0, false },
    { "1 Jan 1970 00(:00:00 +0000", BAD, 0, false },
    { "1 Jan 1970 00:00:00 (+0000", BAD, 0, false },
    { "0 Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "32 Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "31 Apr 1970 00:00:00 +0000", BAD, 0, false },
    { "31 Sep 1970 00:00:00 +0000", BAD, 0, false },
    { "29 Feb 1970 00:00:00 +0000", BAD, 0, false },
    { "29 Feb 1900 00:00:00 +0000", BAD, 0, false },
    { "30 Feb 2000 00:00:00 +0000", BAD, 0, false },
    { "1 Foo 1970 00:00:00 +0000", BAD, 0, false },
    { "1 January 1970 00:00:00 +0000", BAD, 0, false },
    { "1 Jan 1899 00:00:00 +0000", BAD, 0, false },
    { "1 Jan 7 00:00:00 +0000", BAD, 0, false },
    { "1 Jan 19970 00:00:00 +0000", BAD, 0, false },
    { "100 Jan 1970 00:00:00 +0000", BAD, 0, false },
    { "Mon Jan  2 15:04:05 2006", BAD, 0, false },
    { "2006-01-02T15:04:05Z", BAD, 0, false },
    { "1 Jan 1970 00:00:00 \\(", BAD, 0, false },
};

static void reading(void)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct smtp_date d;
        bool ok = parse(table[i].in, &d);

        if (!CHECK_EQ(ok, table[i].seconds != BAD))
            printf("  %s\n", table[i].in);
        if (!ok || table[i].seconds == BAD)
            continue;
        if (!CHECK_EQ(d.seconds, table[i].seconds) ||
            !CHECK_EQ(d.zone, table[i].zone) ||
            !CHECK_EQ(d.known, table[i].known))
            printf("  %s\n", table[i].in);
    }
}

static void writing(void)
{
    static const struct {
        int64_t seconds;
        int zone;
        const char *want;
    } table[] = {
        { 880127706, -360, "Fri, 21 Nov 1997 09:55:06 -0600" },
        { 0, 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
        { -1, 0, "Wed, 31 Dec 1969 23:59:59 +0000" },
        { 951805800, 330, "Tue, 29 Feb 2000 12:00:00 +0530" },
        { -2203891200, 0, "Thu, 1 Mar 1900 00:00:00 +0000" },
        { 253402300799, 0, "Fri, 31 Dec 9999 23:59:59 +0000" },
        { 253402300799, 1, "" },
        { 253402300800, 0, "" },
        { INT64_MAX, 0, "" },
        { INT64_MIN, 0, "" },
        { 0, 1440, "" },
        { 0, -1440, "" },
        { -61851600000, 0, "" },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char out[40];
        size_t n =
            smtp_date_print(table[i].seconds, table[i].zone, out, sizeof out);

        CHECK_MEM(out, n, table[i].want, strlen(table[i].want));
        for (size_t cap = 0; cap < n; cap++)
            CHECK_EQ(smtp_date_print(table[i].seconds, table[i].zone, out, cap),
                     0);
    }
}

/* What is written is read back, whatever the day and the zone. */
static void round_trip(void)
{
    uint64_t state = check_seed;

    for (int k = 0; k < 100000; k++) {
        int64_t seconds =
            (int64_t)(check_random(&state) % 255000000000u) - 2200000000;
        int zone = (int)(check_random(&state) % 2879) - 1439;
        char text[40];
        size_t n = smtp_date_print(seconds, zone, text, sizeof text);
        struct smtp_date d;

        if (n == 0)
            continue;
        CHECK(smtp_date_parse((struct smtp_str){ text, n }, &d));
        CHECK_EQ(d.seconds, seconds);
        CHECK_EQ(d.zone, zone);
    }
}

static void internet(void)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-27T08:00:00Z", 1795766400 },
        { "2026-11-27T08:00:00.125+01:30", 1795761000 },
        { "2026-11-27T08:00:00-23:59", 1795852740 },
        { "2024-02-29T23:59:60Z", 1709251200 },
    };
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-27",
        "2026-11-27T08:00:00",
        "2026-11-27T08:00Z",
        "2026-11-27 08:00:00Z",
        "2026-13-27T08:00:00Z",
        "2026-00-27T08:00:00Z",
        "2026-02-29T08:00:00Z",
        "2026-11-27T24:00:00Z",
        "2026-11-27T08:60:00Z",
        "2026-11-27T08:00:61Z",
        "2026-11-27T08:00:00.Z",
        "2026-11-27T08:00:00z",
        "2026-11-27T08:00:00+0100",
        "2026-11-27T08:00:00+24:00",
        "2026-11-27T08:00:00+01:60",
        "2026-11-27T08:00:00+01:0",
        "2026-11-27T08:00:00ZZ",
        "26-11-27T08:00:00Z",
        "2026-1-27T08:00:00Z",
        "2026-11-27T08:00:00Z RET=FULL",
        "2026/11/27T08:00:00Z",
    };
    int64_t got;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct smtp_str s = { good[i].text, strlen(good[i].text) };

        CHECK(smtp_date_internet(s, &got));
        CHECK_EQ(got, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct smtp_str s = { bad[i], strlen(bad[i]) };

        if (!CHECK(!smtp_date_internet(s, &got)))
            printf("  %s\n", bad[i]);
    }
}

static const struct check_case cases[] = {
    { "internet", internet },
    { "reading", reading },
    { "writing", writing },
    { "round_trip", round_trip },
};
CHECK_MAIN(cases)
