/*
 * fakenet.h - what kernel/app/network.c wants from below, in virtual time: a
 * card, a link and addresses that come when a case says so, a name server that
 * knows what it is told. Include it in one file only.
 */
#ifndef UNIT_FAKENET_H
#define UNIT_FAKENET_H

#include <stdarg.h>

#include "board.h"
#include "check.h"
#include "child.h"
#include "clock.h"
#include "interface.h"
#include "log.h"
#include "netdev.h"
#include "network.h"
#include "watchdog.h"

/* ------------------------------------------------------------ the machine */

static uint64_t now_ns;
static uint64_t watchdog_within;
static unsigned notices;
static char notice[200];

uint64_t board_now_ns(void)
{
    return now_ns;
}

uint64_t clock_ms(void)
{
    return now_ns / 1000000;
}

void board_idle(uint64_t until_ns)
{
    CHECK(until_ns > now_ns && until_ns != UINT64_MAX);
    CHECK(until_ns - now_ns <= watchdog_within * 1000000);
    now_ns = until_ns;
}

void watchdog_feed(uint64_t now_ms, uint64_t *wait_ms)
{
    CHECK_EQ(now_ms, clock_ms());
    *wait_ms = watchdog_within;
}

void log_say(const char *fmt, ...)
{
    va_list ap;

    if (strncmp(fmt, "still", 5) != 0)
        return;
    notices++;
    va_start(ap, fmt);
    vsnprintf(notice, sizeof(notice), fmt, ap);
    va_end(ap);
}

bool report_end(struct report *r, enum outcome outcome, enum status status,
                const char *fmt, ...)
{
    va_list ap;

    if (!CHECK(r != NULL && r->reason[0] == '\0'))
        return false;
    r->outcome = outcome;
    r->status = status;
    va_start(ap, fmt);
    vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
    va_end(ap);
    return false;
}

/* ------------------------------------------------------------ the network */

static struct netdev card = { .name = "a card" };
static bool no_card, no_memory, dead;
/* ms from which there is a link, an address of each family */
static uint64_t link_at, v4_at, v6_at;
static const char *dns_server;

/* What is known of a name, by family, and how long that takes. */
static struct {
    enum stack_dns answer;
    const char *address;
    uint64_t takes;
} known4, known6;
static unsigned asked4, asked6;
static uint64_t answer_at;
static unsigned asked;

static struct addr address_of(const char *text)
{
    struct addr a = { 0 };

    if (text != NULL)
        CHECK(addr_parse(text, strlen(text), &a));
    return a;
}

struct netdev *interface_open(struct blob want, struct report *r)
{
    CHECK(blob_eq(want, blob_str("auto")));
    if (no_card)
        report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK, "no card");
    return no_card ? NULL : &card;
}

bool stack_start(struct netdev *dev, const struct stack_config *conf,
                 uint64_t now_ms)
{
    CHECK(dev == &card && now_ms == clock_ms());
    CHECK_STR(conf->hostname, "bootmail");
    return !no_memory;
}

bool stack_poll(uint64_t now_ms)
{
    CHECK_EQ(now_ms, clock_ms());
    return false;
}

uint64_t stack_deadline(uint64_t now_ms)
{
    return now_ms + 100;
}

struct addr stack_address(unsigned len)
{
    if (len != 16 && clock_ms() >= v4_at)
        return address_of("192.0.2.9");
    if (len != 4 && clock_ms() >= v6_at)
        return address_of("2001:db8::9");
    return address_of(NULL);
}

enum stack_link stack_link(void)
{
    if (dead)
        return STACK_DEAD;
    if (clock_ms() < link_at)
        return STACK_LINK_DOWN;
    /* an address of IPv6 without a name server does not count alone */
    return clock_ms() >= v4_at || (clock_ms() >= v6_at && dns_server != NULL)
               ? STACK_UP
               : STACK_NO_ADDRESS;
}

const char *stack_why(void)
{
    return "it has lied";
}

uint32_t stack_gateway(void)
{
    return 0xc0000201;
}

struct addr stack_dns_server(void)
{
    return address_of(dns_server);
}

enum stack_dns stack_dns_start(const char *name, size_t len, unsigned family)
{
    struct addr a;

    asked = family;
    CHECK(family == 4 || family == 16);
    if (family == 4)
        asked4++;
    else
        asked6++;
    answer_at = clock_ms() + (family == 4 ? known4.takes : known6.takes);
    if (addr_parse(name, len, &a))
        return STACK_DNS_FOUND;
    return (family == 4 ? known4 : known6).answer == STACK_DNS_BAD_NAME
               ? STACK_DNS_BAD_NAME
               : STACK_DNS_PENDING;
}

enum stack_dns stack_dns_result(struct addr *out)
{
    if (clock_ms() < answer_at)
        return STACK_DNS_PENDING;
    if (asked == 4 && known4.answer == STACK_DNS_FOUND)
        *out = address_of(known4.address);
    if (asked == 16 && known6.answer == STACK_DNS_FOUND)
        *out = address_of(known6.address);
    return asked == 4 ? known4.answer : known6.answer;
}

static struct config c;
static struct report r;

static void usual(void)
{
    memset(&c, 0, sizeof(c));
    memset(&r, 0, sizeof(r));
    c.interface = blob_str("auto");
    c.host = blob_str("mx.test");
    c.dhcp = c.ipv6 = c.tls = true;
    v6_at = UINT64_MAX;
    known4.answer = known6.answer = STACK_DNS_FOUND;
    known4.address = "192.0.2.25";
    known6.address = "2001:db8::25";
    dns_server = "192.0.2.53";
    watchdog_within = UINT64_MAX / 1000000;
}

static void ends(int status, const char *reason)
{
    CHECK_EQ(r.outcome, OUTCOME_TEMPORARY);
    CHECK_EQ(r.status, status);
    CHECK_STR(r.reason, reason);
}

#define NEVER UINT64_MAX
#define END   100000 /* ms: of a run */

/* network_up() is for once a run. */
#define CASE(x) CHILD_CASE(usual, x)

#endif
