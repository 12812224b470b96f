/* sources: kernel/app/interface.c */
/* includes: kernel/app kernel board smtp net */
/*
 * test_interface.c - which of the machine's cards the key `interface` takes:
 * by address, by name, by its link; what is said when there is none; whether
 * its interrupt is believed. Once per run, so each case has a process.
 */
#include "interface.h"

#include <stdarg.h>

#include "board.h"
#include "check.h"
#include "child.h"
#include "clock.h"
#include "log.h"
#include "nic.h"

/* ------------------------------------------------------------ the machine */

static struct card {
    struct netdev dev;
    const char *name, *broken; /* NULL: it can be opened */
    uint64_t link_at;          /* ms from which it has a link */
    bool irq_arrives, cannot_test;
} cards[3];
static size_t count;
static struct card *open_now;
static unsigned opened, tests;
static uint64_t now_ns;
static bool irq_pending;
static char said[600];

size_t nic_count(void)
{
    return count;
}

const char *nic_name(size_t i)
{
    return cards[i].name;
}

struct netdev *nic_open(size_t i, const char **why)
{
    CHECK(open_now == NULL); /* one at a time: they share their buffers */
    if (cards[i].broken != NULL) {
        *why = cards[i].broken;
        return NULL;
    }
    open_now = &cards[i];
    opened++;
    return &cards[i].dev;
}

static void card_close(struct netdev *d)
{
    CHECK(d == &open_now->dev);
    open_now = NULL;
}

static bool card_link_up(struct netdev *d)
{
    CHECK(d == &open_now->dev);
    return now_ns / 1000000 >= open_now->link_at;
}

static bool card_irq_test(struct netdev *d)
{
    CHECK(d == &open_now->dev);
    tests++;
    irq_pending = open_now->irq_arrives;
    return !open_now->cannot_test;
}

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
    now_ns = irq_pending ? now_ns + 1000 : until_ns;
    irq_pending = false;
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
}

void log_trace(const char *fmt, ...)
{
    (void)fmt;
}

bool report_end(struct report *r, enum outcome outcome, enum status status,
                const char *fmt, ...)
{
    va_list ap;

    (void)r;
    CHECK_EQ(outcome, OUTCOME_TEMPORARY);
    CHECK_EQ(status, STATUS_NO_NETWORK);
    va_start(ap, fmt);
    vsnprintf(said, sizeof(said), fmt, ap);
    va_end(ap);
    return false;
}

static const struct netdev_ops ops = {
    .link_up = card_link_up,
    .close = card_close,
    .irq_test = card_irq_test,
};

static void three(void)
{
    static const char *const names[] = { "virtio-net pci 0:3.0",
                                         "ethernet pci 0:4.0",
                                         "virtio-net mmio feb00e00" };

    for (size_t i = 0; i < 3; i++) {
        cards[i].dev.ops = &ops;
        cards[i].dev.name = cards[i].name = names[i];
        memcpy(cards[i].dev.mac, (uint8_t[]){ 0x52, 0x54, 0, 0x12, 0xab, 0 },
               6);
        cards[i].dev.mac[5] = (uint8_t)i;
        cards[i].irq_arrives = true;
    }
    count = 3;
}

static int taken(const char *want)
{
    struct netdev *d = interface_open(blob_str(want), NULL);

    if (d == NULL) {
        CHECK(open_now == NULL && said[0] != '\0');
        return -1;
    }
    CHECK(d == &open_now->dev && said[0] == '\0');
    return (int)(open_now - cards);
}

/* -------------------------------------------------------------- the cases */

static void run_by_address(void)
{
    CHECK_EQ(taken("52:54:00:12:ab:01"), 1);
    CHECK_EQ(opened, 2);
}

static void run_by_address_2(void)
{
    CHECK_EQ(taken("52-54-00-12-AB-02"), 2);
}

static void run_by_name(void)
{
    CHECK_EQ(taken("0:4.0"), 1);
    CHECK_EQ(opened, 1); /* the others are left alone */
}

static void run_by_name_2(void)
{
    CHECK_EQ(taken("virtio-net mmio feb00e00"), 2);
}

static void run_unknown(void)
{
    CHECK_EQ(taken("eth0"), -1);
    CHECK_STR(said, "interface eth0 is not there or cannot be used; there is "
                    "virtio-net pci 0:3.0; ethernet pci 0:4.0; "
                    "virtio-net mmio feb00e00");
}

static void run_no_address(void)
{
    CHECK_EQ(taken("52:54:00:12:ab:09"), -1);
    CHECK(strstr(said, "ethernet pci 0:4.0: 52:54:00:12:ab:01") != NULL);
}

/* what looks like one and is none is a name */
static void run_bad_address(void)
{
    CHECK_EQ(taken("52:54:00:12:ab:0g"), -1);
    CHECK_EQ(opened, 0);
}

static void run_bad_address_2(void)
{
    CHECK_EQ(taken("52:54:00:12.ab:01"), -1);
    CHECK_EQ(opened, 0);
}

/* The first with a link; one that may still get it is waited for. */
static void run_link(void)
{
    cards[0].link_at = UINT64_MAX;
    cards[1].link_at = 500;
    cards[1].dev.link_ms = 1000;
    CHECK_EQ(taken("auto"), 1);
    CHECK(clock_ms() >= 500 && clock_ms() < 600);
}

/* None has one: the first that can be opened, which may get it later. */
static void run_no_link(void)
{
    cards[0].broken = "its registers make no sense";
    for (size_t i = 1; i < 3; i++)
        cards[i].link_at = UINT64_MAX;
    CHECK_EQ(taken("auto"), 1);
    CHECK_EQ(opened, 3);
}

static void run_only_one(void)
{
    count = 1;
    cards[0].link_at = UINT64_MAX;
    cards[0].dev.link_ms = 5000;
    CHECK_EQ(taken("auto"), 0);
    CHECK_EQ(clock_ms(), 0); /* nobody waits for what is taken anyway */
}

static void run_broken(void)
{
    for (size_t i = 0; i < 3; i++)
        cards[i].broken = "it is of another kind";
    CHECK_EQ(taken("auto"), -1);
    CHECK(strstr(said,
                 "no network device can be used: "
                 "virtio-net pci 0:3.0: it is of another kind; ") == said);
}

static void run_none(void)
{
    count = 0;
    CHECK_EQ(taken("auto"), -1);
    CHECK(strstr(said, "no network device (QEMU: ") == said);
}

/* One that nobody is sure of is tried: polled if it does not arrive. */
static void run_interrupts(void)
{
    cards[0].dev.polled = true;
    CHECK_EQ(taken("0:3.0"), 0);
    CHECK(!cards[0].dev.polled);
    CHECK_EQ(tests, 1);
    open_now = NULL;
    cards[1].dev.polled = true;
    cards[1].irq_arrives = false;
    CHECK_EQ(taken("0:4.0"), 1);
    CHECK(cards[1].dev.polled);
    CHECK_EQ(tests, 3); /* the second look is longer */
    open_now = NULL;
    cards[2].dev.polled = true;
    cards[2].cannot_test = true;
    CHECK_EQ(taken("feb00e00"), 2);
    CHECK(cards[2].dev.polled);
    CHECK_EQ(tests, 4);
}

#define CASE(x) CHILD_CASE(three, x)

CASE(by_address)
CASE(by_address_2)
CASE(by_name)
CASE(by_name_2)
CASE(unknown)
CASE(no_address)
CASE(bad_address)
CASE(bad_address_2)
CASE(link)
CASE(no_link)
CASE(only_one)
CASE(broken)
CASE(none)
CASE(interrupts)

static const struct check_case cases[] = {
    { "by_address", case_by_address },
    { "by_address_2", case_by_address_2 },
    { "by_name", case_by_name },
    { "by_name_2", case_by_name_2 },
    { "unknown", case_unknown },
    { "no_address", case_no_address },
    { "bad_address", case_bad_address },
    { "bad_address_2", case_bad_address_2 },
    { "link", case_link },
    { "no_link", case_no_link },
    { "only_one", case_only_one },
    { "broken", case_broken },
    { "none", case_none },
    { "interrupts", case_interrupts },
};

CHECK_MAIN(cases)
