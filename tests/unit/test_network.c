/* sources: kernel/app/network.c kernel/app/loop.c net/addr.c */
/* includes: kernel/app kernel board smtp net */
/*
 * test_network.c - the way to an address and to a server's address: every wait
 * has an end and a sentence that names what was waited for, and both families
 * of addresses are tried where there are both.
 */
#include "fakenet.h"

/* ------------------------------------------------------------- the link */

static void run_up(void)
{
    v4_at = 1500;
    CHECK(network_up(&c, END, &r));
    CHECK(clock_ms() >= 1500 && clock_ms() < 1700);
    CHECK_EQ(r.at.link, now_ns / 1000);
    CHECK_EQ(notices, 0);
    dead = true; /* once is enough */
    CHECK(network_up(&c, END, &r));
}

static void run_no_card(void)
{
    no_card = true;
    CHECK(!network_up(&c, END, &r));
    ends(74, "no card");
}

static void run_no_memory(void)
{
    no_memory = true;
    CHECK(!network_up(&c, END, &r));
    ends(74, "the network stack cannot start: out of memory");
}

static void run_dead(void)
{
    dead = true;
    CHECK(!network_up(&c, END, &r));
    ends(74, "the network device is broken: it has lied");
}

static void run_no_link(void)
{
    link_at = NEVER;
    CHECK(!network_up(&c, END, &r));
    ends(74, "no network: waited 25 s for the network link");
    CHECK_EQ(notices, 4); /* nothing is silent for longer than 5 s */
    CHECK_STR(notice, "still waiting for the network link (20 s)");
}

static void run_no_lease(void)
{
    v4_at = NEVER;
    CHECK(!network_up(&c, END, &r));
    ends(74, "no network: waited 25 s for an address by DHCP; is there a DHCP "
             "server? ip ADDRESS/PREFIX sets one without it");
    CHECK_STR(notice, "still waiting for an address by DHCP (20 s)");
}

/* A static address that has not come up, and a run that ends before. */
static void run_no_address(void)
{
    v4_at = NEVER;
    c.dhcp = false;
    CHECK(!network_up(&c, 7000, &r));
    ends(74, "no network: waited 7 s for the network");
}

/* A watchdog is fed in time however long the wait is. */
static void run_watched(void)
{
    v4_at = 5000;
    watchdog_within = 30;
    CHECK(network_up(&c, END, &r));
}

/* IPv6 alone, no name server: enough for an address, not for a name. */
static void run_v6_address(void)
{
    v4_at = NEVER;
    v6_at = 300;
    dns_server = NULL;
    c.host = blob_str("2001:db8::25");
    CHECK(network_up(&c, END, &r));
    CHECK(clock_ms() < 500);
}

static void run_v6_name(void)
{
    v4_at = NEVER;
    v6_at = 300;
    dns_server = NULL;
    CHECK(!network_up(&c, END, &r));
    CHECK_EQ(r.status, 74);
}

static void run_v6_for_v4(void)
{
    v4_at = NEVER;
    v6_at = 300;
    dns_server = NULL;
    c.host = blob_str("192.0.2.25");
    CHECK(!network_up(&c, END, &r));
    CHECK_EQ(r.status, 74);
}

/* ---------------------------------------------------------------- names */

static void resolves(const char *address)
{
    struct addr want = address_of(address);

    CHECK(network_resolve(&c, END, &r));
    CHECK_EQ(r.address.len, want.len);
    CHECK_STR(addr_text(&r.address).s, addr_text(&want).s);
    CHECK_EQ(r.at.dns, now_ns / 1000);
}

static void run_v4(void)
{
    known4.takes = 12000;
    resolves("192.0.2.25");
    CHECK_EQ(asked6, 0);
    CHECK_EQ(notices, 2);
    CHECK_STR(notice, "still waiting for the name server (10 s)");
}

/* The host has no address of the family we have: ours of the other may take
 * a moment longer, no longer than three seconds. */
static void run_other_family(void)
{
    known4.answer = STACK_DNS_NOT_FOUND;
    v6_at = 1000;
    resolves("2001:db8::25");
    CHECK(clock_ms() >= 1000 && clock_ms() < 1200);
}

static void run_never_family(void)
{
    known4.answer = STACK_DNS_NOT_FOUND;
    resolves("2001:db8::25");
    CHECK_EQ(clock_ms(), 3000);
}

static void run_family_in_time(void)
{
    known4.answer = STACK_DNS_NOT_FOUND;
    CHECK(network_resolve(&c, 1000, &r));
    CHECK_EQ(clock_ms(), 1000);
}

static void run_v6_only(void)
{
    v4_at = NEVER;
    v6_at = 0;
    resolves("2001:db8::25");
    CHECK_EQ(asked4, 0);
}

/* ipv6 off: nobody is asked for what may not be used */
static void run_off(void)
{
    c.ipv6 = false;
    known4.answer = STACK_DNS_NOT_FOUND;
    CHECK(!network_resolve(&c, END, &r));
    CHECK_EQ(asked6, 0);
    CHECK_EQ(r.outcome, OUTCOME_PERMANENT);
}

static void run_not_found(void)
{
    known4.answer = known6.answer = STACK_DNS_NOT_FOUND;
    CHECK(!network_resolve(&c, END, &r));
    CHECK_EQ(asked4 + asked6, 2);
    CHECK_EQ(r.outcome, OUTCOME_PERMANENT);
    CHECK_EQ(r.status, 68);
    CHECK_STR(r.reason, "host \"mx.test\" not found: the name server "
                        "192.0.2.53 knows no address for it");
}

static void run_failed(void)
{
    known4.answer = STACK_DNS_FAILED;
    CHECK(!network_resolve(&c, END, &r));
    ends(68, "host \"mx.test\" not found: the name server 192.0.2.53 could not "
             "tell (server failure)");
}

static void run_bad_name(void)
{
    known4.answer = STACK_DNS_BAD_NAME;
    CHECK(!network_resolve(&c, END, &r));
    CHECK_EQ(r.outcome, OUTCOME_INVALID);
    CHECK_EQ(r.status, 78);
    CHECK_STR(r.reason, "host \"mx.test\" is not a name to ask for");
}

static void run_silent(void)
{
    known4.answer = STACK_DNS_SILENT;
    CHECK(!network_resolve(&c, END, &r));
    ends(68, "host \"mx.test\" not found: the name server 192.0.2.53 does not "
             "answer");
    memset(&r, 0, sizeof(r));
    link_at = NEVER;
    CHECK(!network_resolve(&c, END, &r));
    ends(68, "host \"mx.test\" not found: the network link is down");
    memset(&r, 0, sizeof(r));
    dns_server = NULL;
    CHECK(!network_resolve(&c, END, &r));
    ends(68, "host \"mx.test\" not found: no name server is known; set dns "
             "ADDRESS");
}

/* The run's end comes before the answer. */
static void run_out_of_time(void)
{
    known4.takes = 60000;
    CHECK(!network_resolve(&c, 20000, &r));
    CHECK_EQ(clock_ms(), 20000);
    ends(68, "host \"mx.test\" not found: the name server 192.0.2.53 does not "
             "answer");
}

static bool other(const char *first, const char *want)
{
    struct addr a = address_of(first);
    bool there = network_other(&c, END, &a);

    CHECK_STR(addr_text(&a).s, there ? want : first);
    return there;
}

static void run_other(void)
{
    v6_at = 0;
    CHECK(other("192.0.2.25", "2001:db8::25"));
    CHECK(other("2001:db8::25", "192.0.2.25"));
    known6.answer = STACK_DNS_NOT_FOUND;
    CHECK(!other("192.0.2.25", NULL));
    /* a host that is an address has no other */
    known6.answer = STACK_DNS_FOUND;
    known6.address = "192.0.2.25";
    CHECK(!other("192.0.2.25", NULL));
}

/* IPv4 refuses at once, and the router has not answered yet: its answer may
 * take as long as for a name that has the other family alone. */
static void run_other_comes(void)
{
    v6_at = 400;
    CHECK(other("192.0.2.25", "2001:db8::25"));
    CHECK(clock_ms() >= 400 && clock_ms() < 600);
}

static void run_other_never(void)
{
    CHECK(!other("192.0.2.25", NULL));
    CHECK_EQ(clock_ms(), 3000);
    /* nor for long that a name server is silent about it */
    known6.takes = 20000;
    CHECK(!other("192.0.2.25", NULL));
    CHECK_EQ(clock_ms(), 6000);
    known6.takes = 0;
    known6.answer = STACK_DNS_NOT_FOUND;
    CHECK(!other("192.0.2.25", NULL));
    CHECK_EQ(clock_ms(), 6000);
}

static void run_other_off(void)
{
    c.ipv6 = false;
    CHECK(!other("192.0.2.25", NULL));
    CHECK_EQ(asked6, 0);
    CHECK_EQ(clock_ms(), 0);
}

CASE(up)
CASE(no_card)
CASE(no_memory)
CASE(dead)
CASE(no_link)
CASE(no_lease)
CASE(no_address)
CASE(watched)
CASE(v6_address)
CASE(v6_name)
CASE(v6_for_v4)
CASE(v4)
CASE(other_family)
CASE(never_family)
CASE(family_in_time)
CASE(v6_only)
CASE(off)
CASE(not_found)
CASE(failed)
CASE(bad_name)
CASE(silent)
CASE(out_of_time)
CASE(other)
CASE(other_comes)
CASE(other_never)
CASE(other_off)

static const struct check_case cases[] = {
    { "up", case_up },
    { "no-card", case_no_card },
    { "no-memory", case_no_memory },
    { "dead", case_dead },
    { "no-link", case_no_link },
    { "no-lease", case_no_lease },
    { "no-address", case_no_address },
    { "watched", case_watched },
    { "v6-address", case_v6_address },
    { "v6-name", case_v6_name },
    { "v6-for-v4", case_v6_for_v4 },
    { "v4", case_v4 },
    { "other-family", case_other_family },
    { "never-family", case_never_family },
    { "family-in-time", case_family_in_time },
    { "v6-only", case_v6_only },
    { "off", case_off },
    { "not-found", case_not_found },
    { "failed", case_failed },
    { "bad-name", case_bad_name },
    { "silent", case_silent },
    { "out-of-time", case_out_of_time },
    { "other", case_other },
    { "other-comes", case_other_comes },
    { "other-never", case_other_never },
    { "other-off", case_other_off },
};

CHECK_MAIN(cases)
