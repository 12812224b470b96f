/* sources: kernel/app/timesync.c kernel/app/network.c kernel/app/loop.c
            net/addr.c net/ntp.c */
/* includes: kernel/app kernel board smtp net */
/*
 * test_timesync.c - a machine without a clock asks for the time: whom, how
 * often, how long, which answers count, and what becomes of the mail without.
 */
#include "timesync.h"

#include "datagram.h"
#include "fakenet.h"
#include "ntp.h"
#include "rng.h"

/* --- the clock and time servers ------------------------------------------- */

static int64_t unix_now;

int64_t clock_unix(void)
{
    return unix_now;
}

const char *clock_why(void)
{
    return "this machine has no clock";
}

int64_t clock_earliest(void)
{
    return 1793491200;
}

void clock_set(int64_t t)
{
    unix_now = t;
}

void rng_bytes(void *p, size_t len)
{
    static uint8_t next;

    memset(p, ++next, len);
}

enum server { SILENT, GOOD, REFUSES, LATE, OTHERS };
static enum server servers[3];
static size_t server_at;
static bool is_open, cannot_open, cannot_send;
static unsigned questions, opened;
static uint8_t reply[NTP_PACKET];
static uint64_t reply_at;

bool datagram_open(const struct addr *a, uint16_t port)
{
    CHECK(!is_open && a->len != 0 && port == NTP_PORT);
    opened++;
    is_open = !cannot_open;
    return is_open;
}

void datagram_close(void)
{
    CHECK(is_open);
    is_open = false;
    server_at++;
}

static void answer(const uint8_t *question, bool refuse)
{
    uint32_t t = 1800000000u + 2208988800u;

    memset(reply, 0, sizeof(reply));
    reply[0] = 4 << 3 | 4;
    reply[1] = refuse ? 0 : 2;
    if (refuse)
        memcpy(reply + 12, "RATE", 4);
    memcpy(reply + 24, question + 40, 8);
    for (int i = 0; i < 4; i++)
        reply[16 + i] = reply[32 + i] = reply[40 + i] =
            (uint8_t)(t >> (24 - 8 * i));
}

bool datagram_send(const void *p, size_t len)
{
    enum server s = servers[server_at];

    CHECK(is_open && len == NTP_PACKET);
    questions++;
    if (cannot_send)
        return false;
    answer(p, s == REFUSES);
    if (s == OTHERS)
        reply[24] ^= 1;
    reply_at = s == SILENT ? UINT64_MAX : clock_ms() + (s == LATE ? 2500 : 20);
    return true;
}

size_t datagram_take(uint8_t out[DATAGRAM_MAX])
{
    CHECK(is_open);
    if (cannot_send || clock_ms() < reply_at)
        return 0;
    reply_at = UINT64_MAX;
    memcpy(out, reply, sizeof(reply));
    return sizeof(reply);
}

static bool asks(void)
{
    unix_now = -1;
    c.ntp.count = 2;
    c.ntp.item[0] = blob_str("one.test");
    c.ntp.item[1] = blob_str("two.test");
    return timesync(&c, END, &r);
}

static void run_clock(void)
{
    unix_now = 1800000000;
    c.ntp.count = 1;
    CHECK(timesync(&c, END, &r));
    unix_now = -1;
    c.ntp.count = 0;
    CHECK(timesync(&c, END, &r));
    CHECK_EQ(questions, 0);
}

static void run_time(void)
{
    servers[0] = GOOD;
    CHECK(asks());
    CHECK_EQ(unix_now, 1800000000);
    CHECK_EQ(questions, 1);
    CHECK(!is_open);
}

/* Three times, after 1, 2 and 4 s; then the next one, which has it. */
static void run_second(void)
{
    servers[1] = GOOD;
    CHECK(asks());
    CHECK_EQ(unix_now, 1800000000);
    CHECK_EQ(questions, 4);
    CHECK(clock_ms() >= 7000 && clock_ms() < 7200);
}

/* One that refuses is not asked again. */
static void run_refuses(void)
{
    servers[0] = REFUSES;
    servers[1] = GOOD;
    CHECK(asks());
    CHECK_EQ(questions, 2);
    CHECK_EQ(unix_now, 1800000000);
}

/* An answer to an earlier question, or to somebody else's, is none. */
static void run_not_ours(void)
{
    servers[0] = OTHERS;
    servers[1] = LATE;
    CHECK(asks());
    CHECK_EQ(questions, 6);
    CHECK_EQ(unix_now, 1800000000);
}

static void run_no_time(void)
{
    CHECK(!asks());
    ends(74, "no time: this machine has no clock, and of the time server "
             "two.test: it does not answer");
    CHECK_EQ(unix_now, -1);
}

/* Without TLS the mail goes without: nothing has to be judged by the date. */
static void run_no_tls(void)
{
    c.tls = false;
    CHECK(asks());
    CHECK_EQ(unix_now, -1);
    CHECK_STR(r.reason, "");
}

static void run_no_socket(void)
{
    cannot_open = true;
    CHECK(!asks());
    CHECK_EQ(opened, 2);
    CHECK(strstr(r.reason, "two.test: out of memory") != NULL);
}

static void run_not_sent(void)
{
    cannot_send = true;
    CHECK(!asks());
    CHECK(strstr(r.reason, "two.test: the question cannot be sent") != NULL);
}

static void run_no_name(void)
{
    known4.answer = known6.answer = STACK_DNS_NOT_FOUND;
    CHECK(!asks());
    CHECK_EQ(opened, 0);
    CHECK(strstr(r.reason, "two.test: its name is not known") != NULL);
}

static void run_no_network(void)
{
    no_card = true;
    CHECK(!asks());
    ends(74, "no card");
}

/* The run's own end is the end of every wait. */
static void run_give_up(void)
{
    unix_now = -1;
    c.ntp.count = 1;
    c.ntp.item[0] = blob_str("one.test");
    CHECK(!timesync(&c, 1500, &r));
    CHECK_EQ(clock_ms(), 1500);
}

CASE(clock)
CASE(time)
CASE(second)
CASE(refuses)
CASE(not_ours)
CASE(no_time)
CASE(no_tls)
CASE(no_socket)
CASE(not_sent)
CASE(no_name)
CASE(no_network)
CASE(give_up)

static const struct check_case cases[] = {
    { "clock", case_clock },           { "time", case_time },
    { "second", case_second },         { "refuses", case_refuses },
    { "not-ours", case_not_ours },     { "no-time", case_no_time },
    { "no-tls", case_no_tls },         { "no-socket", case_no_socket },
    { "not-sent", case_not_sent },     { "no-name", case_no_name },
    { "no-network", case_no_network }, { "give-up", case_give_up },
};

CHECK_MAIN(cases)
