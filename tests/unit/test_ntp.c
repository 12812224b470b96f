/* sources: net/ntp.c */
/* includes: net */
/*
 * test_ntp.c - answers of time servers, good and bad, one field at a time.
 */
#include "ntp.h"

#include "check.h"

#define NONCE   0x0123456789abcdefull
#define BUILT   1793491200 /* 1 November 2026 */
#define NOW_NTP 0xee95f600u

struct field {
    size_t at;
    uint8_t value;
    enum ntp_answer answer;
    const char *why; /* part of it */
};

static void good(uint8_t p[NTP_PACKET], uint32_t seconds)
{
    uint8_t q[NTP_PACKET];
    int i;

    memset(p, 0, NTP_PACKET);
    ntp_question(q, NONCE);
    memcpy(p + 24, q + 40, 8);
    p[0] = 0x24;
    p[1] = 2;
    for (i = 0; i < 4; i++)
        p[40 + i] = (uint8_t)(seconds >> (24 - 8 * i));
}

static enum ntp_answer judge(const uint8_t *p, size_t len, int64_t *t,
                             const char **why)
{
    uint8_t *exact = malloc(len);
    enum ntp_answer a;

    memcpy(exact, p, len);
    a = ntp_judge(exact, len, NONCE, BUILT, t, why);
    free(exact);
    return a;
}

static void check_question(void)
{
    uint8_t q[NTP_PACKET];
    size_t i;

    ntp_question(q, NONCE);
    CHECK_EQ(q[0], 0x23);
    for (i = 1; i < 40; i++)
        CHECK_EQ(q[i], 0);
    CHECK_MEM(q + 40, 8, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
}

static void check_times(void)
{
    static const struct {
        uint32_t ntp;
        int64_t unix_s; /* 0: refused */
    } times[] = {
        { 2208988800u + BUILT - 1000u, 0 },
        { 2208988800u + BUILT, BUILT },
        { UINT32_MAX, 2085978495 }, /* 7 February 2036, 06:28:15 */
        { 0, 0 },                   /* none */
        { 1, 2085978497 },          /* and two seconds later */
        { 0x7fffffff, 4233462143 }, /* 2104 */
        { 0x80000000, 0 },          /* 1968 */
    };
    const char *why;
    uint8_t p[NTP_PACKET];
    int64_t t;
    size_t i;

    for (i = 0; i < sizeof times / sizeof *times; i++) {
        good(p, times[i].ntp);
        t = 0;
        why = NULL;
        CHECK_EQ(judge(p, sizeof p, &t, &why),
                 times[i].unix_s != 0 ? NTP_TIME : NTP_REFUSED);
        CHECK_EQ(t, times[i].unix_s);
        CHECK((why != NULL) == (times[i].unix_s == 0));
    }
}

static const struct field fields[] = {
    { 0, 0x1c, NTP_TIME, NULL }, /* version 3 */
    { 0, 0x64, NTP_TIME, NULL }, /* a leap second today */
    { 0, 0xe4, NTP_REFUSED, "not set" },
    { 0, 0x23, NTP_NOTHING, NULL }, /* our own question */
    { 0, 0x25, NTP_NOTHING, NULL }, /* broadcast */
    { 0, 0x14, NTP_NOTHING, NULL }, /* version 2 */
    { 0, 0x2c, NTP_NOTHING, NULL }, /* version 5 */
    { 1, 0, NTP_REFUSED, "no time" },
    { 1, 15, NTP_TIME, NULL },
    { 1, 16, NTP_REFUSED, "not set" },
    { 24, 0, NTP_NOTHING, NULL }, /* another nonce */
    { 31, 0, NTP_NOTHING, NULL },
};

static void check_fields(void)
{
    const char *why;
    uint8_t p[NTP_PACKET + 20];
    int64_t t;
    size_t i, n;

    for (i = 0; i < sizeof fields / sizeof *fields; i++) {
        good(p, NOW_NTP);
        p[fields[i].at] = fields[i].value;
        why = "";
        if (!CHECK(judge(p, NTP_PACKET, &t, &why) == fields[i].answer))
            printf("in field %zu\n", i);
        if (fields[i].why != NULL)
            CHECK(strstr(why, fields[i].why) != NULL);
    }
    good(p, NOW_NTP);
    for (n = 0; n < NTP_PACKET; n++)
        CHECK_EQ(judge(p, n, &t, &why), NTP_NOTHING);
    CHECK_EQ(judge(p, sizeof p, &t, &why), NTP_TIME); /* with extensions */
}

static void check_kisses(void)
{
    static const char *const kisses[][2] = {
        { "RATE", "too often" },
        { "DENY", "does not serve" },
        { "RSTR", "does not serve" },
        { "INIT", "no time" },
    };
    const char *why;
    uint8_t p[NTP_PACKET];
    int64_t t;
    size_t i;

    for (i = 0; i < sizeof kisses / sizeof *kisses; i++) {
        good(p, NOW_NTP);
        p[1] = 0;
        memcpy(p + 12, kisses[i][0], 4);
        CHECK_EQ(judge(p, sizeof p, &t, &why), NTP_REFUSED);
        CHECK(strstr(why, kisses[i][1]) != NULL);
    }
}

static const struct check_case cases[] = {
    { "question", check_question },
    { "times", check_times },
    { "fields", check_fields },
    { "kisses", check_kisses },
};

CHECK_MAIN(cases)
