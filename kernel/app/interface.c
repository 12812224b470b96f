/*
 * interface.c - one card out of those that the machine has.
 *
 * Drivers share their buffers, so that one card is open at a time: looking
 * for an address or a link opens and closes one after the other.
 */
#include "interface.h"

#include <stdio.h>
#include <string.h>

#include "board.h"
#include "clock.h"
#include "log.h"
#include "nic.h"

#define NAP_MS      20 /* between two looks at a link that may still come */
#define IRQ_TEST_NS 10000000u
#define NONE_SAID                                 \
    "no network device (QEMU: -netdev user,id=n " \
    "-device virtio-net-device,netdev=n or virtio-net-pci)"

/* The cards passed over, for the reason and for people: bounded, cut. */
static char seen[360];

static void note(const char *name, const char *what)
{
    size_t at = strlen(seen);

    snprintf(seen + at, sizeof(seen) - at, "%s%s%s%s", at != 0 ? "; " : "",
             name, what[0] != '\0' ? ": " : "", what);
}

/* "52:54:00:12:34:56", also with dashes or capitals. */
static bool parse_mac(struct blob s, uint8_t mac[6])
{
    size_t i;

    if (s.len != 17)
        return false;
    for (i = 0; i < 17; i++) {
        uint8_t c = s.p[i] | 0x20, v;

        if (i % 3 == 2) {
            if (s.p[i] != ':' && s.p[i] != '-')
                return false;
            continue;
        }
        if (c >= '0' && c <= '9')
            v = c - '0';
        else if (c >= 'a' && c <= 'f')
            v = (uint8_t)(c - 'a' + 10);
        else
            return false;
        mac[i / 3] = (uint8_t)(mac[i / 3] << 4 | v);
    }
    return true;
}

/* The whole name, or what follows its last blank. */
static bool is_name(struct blob want, const char *name)
{
    const char *last = strrchr(name, ' ');

    return blob_eq(want, blob_str(name)) ||
           (last != NULL && blob_eq(want, blob_str(last + 1)));
}

static struct netdev *open_card(size_t i)
{
    const char *why = "";
    struct netdev *nd = nic_open(i, &why);

    if (nd == NULL) {
        log_say("%s: %s", nic_name(i), why);
        note(nic_name(i), why);
    }
    return nd;
}

static bool has_link(struct netdev *nd)
{
    uint64_t now = clock_ms(), limit = now + nd->link_ms;

    while (!nd->ops->link_up(nd)) {
        if (now >= limit || nd->dead != NULL)
            return false;
        board_idle((now + NAP_MS) * 1000000);
        now = clock_ms();
    }
    return true;
}

/* Fits the address, or any card if mac is NULL and it has a link. */
static bool fits(struct netdev *nd, const uint8_t *mac)
{
    char what[40];

    if (mac != NULL ? memcmp(nd->mac, mac, 6) == 0 : has_link(nd))
        return true;
    snprintf(what, sizeof(what), MAC_FMT "%s", MAC(nd->mac),
             mac == NULL ? ", no link" : "");
    log_say("%s, address %s", nd->name, what);
    note(nd->name, what);
    return false;
}

/* The first card that fits; the only one fits auto without a link too. */
static struct netdev *search(const uint8_t *mac)
{
    size_t i, n = nic_count(), works = n;
    struct netdev *nd;

    for (i = 0; i < n; i++) {
        nd = open_card(i);
        if (nd == NULL)
            continue;
        if ((mac == NULL && n == 1) || fits(nd, mac))
            return nd;
        nd->ops->close(nd);
        if (works == n)
            works = i;
    }
    return mac == NULL && works != n ? open_card(works) : NULL;
}

static struct netdev *by_name(struct blob want)
{
    size_t i, n = nic_count();

    for (i = 0; i < n; i++) {
        if (is_name(want, nic_name(i)))
            return open_card(i);
        note(nic_name(i), "");
    }
    return NULL;
}

/* Where nobody knows how the interrupt is routed, one raised on purpose
 * tells: a card whose interrupts arrive need not be polled. One that works is
 * here at once; the second look is for a host that was busy meanwhile. */
static void prove_interrupt(struct netdev *nd)
{
    uint64_t wait = IRQ_TEST_NS, limit;
    unsigned i;

    if (nd->ops->irq_test == NULL)
        return;
    for (i = 0; i < 2 && nd->polled; i++, wait *= 20) {
        board_idle(board_now_ns()); /* forget those from before */
        limit = board_now_ns() + wait;
        if (!nd->ops->irq_test(nd))
            return;
        board_idle(limit);
        nd->polled = board_now_ns() >= limit;
        log_trace("%s: interrupts %s", nd->name,
                  nd->polled ? "do not arrive: polled" : "arrive");
    }
}

struct netdev *interface_open(struct blob want, struct report *r)
{
    bool any = blob_eq(want, blob_str("auto"));
    int n = want.len < 80 ? (int)want.len : 80;
    uint8_t mac[6] = { 0 };
    bool is_mac = parse_mac(want, mac);
    struct netdev *nd;

    if (any || is_mac)
        nd = search(is_mac ? mac : NULL);
    else
        nd = by_name(want);
    if (nd != NULL) {
        prove_interrupt(nd);
        return nd;
    }
    if (seen[0] == '\0')
        report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK, NONE_SAID);
    else if (any)
        report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK,
                   "no network device can be used: %s", seen);
    else
        report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK,
                   "interface %.*s is not there or cannot be used; there is "
                   "%s",
                   n, (const char *)want.p, seen);
    return NULL;
}
