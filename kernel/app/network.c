/*
 * network.c - device, DHCP, DNS: each wait bounded and named.
 */
#include "network.h"

#include "board.h"
#include "clock.h"
#include "interface.h"
#include "log.h"
#include "loop.h"
#include "netdev.h"
#include "stack.h"

#define ADDRESS_WAIT_MS 25000 /* DHCP asks a dozen times within it */
#define FAMILY_WAIT_MS  3000  /* where the other family is there already */

/* What a DHCP server lists us as. */
static const char DHCP_NAME[] = "bootmail";

/* IPv6 alone does without a name server where the host is an address. */
static bool address_enough(const struct config *conf)
{
    struct addr a;

    return stack_link() == STACK_UP ||
           (stack_link() == STACK_NO_ADDRESS && stack_address(16).len != 0 &&
            addr_parse((const char *)conf->host.p, conf->host.len, &a) &&
            a.len == 16);
}

static bool wait_address(uint64_t give_up, struct report *r,
                         const struct config *conf)
{
    bool dhcp = conf->dhcp;
    struct loop_notice notice = { 0 };
    uint64_t now = clock_ms(), begun = now, limit = now + ADDRESS_WAIT_MS;
    const char *what;

    if (limit > give_up)
        limit = give_up;
    for (; !address_enough(conf); now = loop_turn(limit)) {
        if (stack_link() == STACK_DEAD)
            return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK,
                              "the network device is broken: %s", stack_why());
        what = stack_link() == STACK_LINK_DOWN ? "the network link"
               : dhcp                          ? "an address by DHCP"
                                               : "the network";
        if (now >= limit)
            return report_end(
                r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK,
                "no network: waited %u s for %s%s",
                (unsigned)((now - begun) / 1000), what,
                dhcp && stack_link() == STACK_NO_ADDRESS
                    ? "; is there a DHCP server? ip ADDRESS/PREFIX sets one"
                      " without it"
                    : "");
        loop_notice(&notice, now, what);
    }
    return true;
}

static void say_address(bool dhcp)
{
    struct addr ours = stack_address(0), gateway = addr_v4(stack_gateway()),
                dns = stack_dns_server();

    if (ours.len == 16)
        log_say("address %s, name server %s", addr_text(&ours).s,
                addr_text(&dns).s);
    else
        log_say("address %s, gateway %s, name server %s%s", addr_text(&ours).s,
                addr_text(&gateway).s, addr_text(&dns).s,
                dhcp ? " (DHCP)" : "");
}

bool network_up(const struct config *conf, uint64_t give_up_ms,
                struct report *r)
{
    static bool up;
    struct stack_config sc = {
        .dhcp = conf->dhcp,
        .address = conf->address,
        .netmask = conf->netmask,
        .gateway = conf->gateway_addr,
        .ipv6 = conf->ipv6,
        .dns = { conf->dns_addr[0], conf->dns_addr[1] },
        .source_ip = conf->source_ip,
        .hostname = DHCP_NAME,
    };
    struct netdev *nd;

    if (up)
        return true;
    nd = interface_open(conf->interface, r);
    if (nd == NULL)
        return false;
    log_say("%s, address " MAC_FMT, nd->name, MAC(nd->mac));
    if (!stack_start(nd, &sc, clock_ms()))
        return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK,
                          "the network stack cannot start: out of memory");
    if (!wait_address(give_up_ms, r, conf))
        return false;
    r->at.link = board_now_ns() / 1000;
    say_address(conf->dhcp);
    up = true;
    return true;
}

static bool name_failed(enum stack_dns answer, struct blob host,
                        struct report *r)
{
    struct addr server = stack_dns_server();
    int n = host.len > 255 ? 255 : (int)host.len;
    const char *h = (const char *)host.p;

    switch (answer) {
    case STACK_DNS_NOT_FOUND:
        return report_end(r, OUTCOME_PERMANENT, STATUS_NO_HOST,
                          "host \"%.*s\" not found: the name server %s "
                          "knows no address for it",
                          n, h, addr_text(&server).s);
    case STACK_DNS_FAILED:
        return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_HOST,
                          "host \"%.*s\" not found: the name server %s "
                          "could not tell (server failure)",
                          n, h, addr_text(&server).s);
    case STACK_DNS_BAD_NAME:
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "host \"%.*s\" is not a name to ask for", n, h);
    default:
        if (server.len == 0)
            return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_HOST,
                              "host \"%.*s\" not found: no name server is "
                              "known; set dns ADDRESS",
                              n, h);
        if (stack_link() == STACK_LINK_DOWN)
            return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_HOST,
                              "host \"%.*s\" not found: the network link is "
                              "down",
                              n, h);
        return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_HOST,
                          "host \"%.*s\" not found: the name server %s "
                          "does not answer",
                          n, h, addr_text(&server).s);
    }
}

static enum stack_dns look_up(struct blob host, unsigned family,
                              uint64_t give_up, struct addr *address)
{
    struct loop_notice notice = { 0 };
    enum stack_dns answer =
        stack_dns_start((const char *)host.p, host.len, family);
    uint64_t now = clock_ms();

    if (answer == STACK_DNS_FOUND || answer == STACK_DNS_PENDING)
        answer = stack_dns_result(address);
    while (answer == STACK_DNS_PENDING && now < give_up) {
        loop_notice(&notice, now, "the name server");
        now = loop_turn(give_up);
        answer = stack_dns_result(address);
    }
    return answer;
}

/* A router's answer takes a moment longer than a DHCP server's, or the other
 * way round. */
static uint64_t family_limit(unsigned len, uint64_t give_up)
{
    uint64_t limit = clock_ms() + FAMILY_WAIT_MS;

    return stack_address(len).len != 0 || limit > give_up ? give_up : limit;
}

static bool await_family(unsigned len, uint64_t limit)
{
    uint64_t now = clock_ms();

    while (now < limit && stack_address(len).len == 0)
        now = loop_turn(limit);
    return stack_address(len).len != 0;
}

enum stack_dns network_look_up(const struct config *conf, struct blob host,
                               uint64_t give_up_ms, struct addr *address)
{
    unsigned family = stack_address(4).len != 0 ? 4 : 16;
    enum stack_dns answer = look_up(host, family, give_up_ms, address);

    if (answer == STACK_DNS_NOT_FOUND && conf->ipv6)
        answer = look_up(host, 20 - family, give_up_ms, address);
    if (answer == STACK_DNS_FOUND && (address->len == 4 || conf->ipv6))
        await_family(address->len, family_limit(address->len, give_up_ms));
    return answer;
}

bool network_resolve(const struct config *conf, uint64_t give_up_ms,
                     struct report *r)
{
    enum stack_dns answer =
        network_look_up(conf, conf->host, give_up_ms, &r->address);

    if (answer != STACK_DNS_FOUND)
        return name_failed(answer, conf->host, r);
    r->at.dns = board_now_ns() / 1000;
    return true;
}

bool network_other(const struct config *conf, uint64_t give_up_ms,
                   struct addr *address)
{
    unsigned family = 20u - address->len;
    uint64_t limit = family_limit(family, give_up_ms);
    struct addr other;

    /* a refusal may be here before the router's first word is */
    if ((family == 16 && !conf->ipv6) ||
        look_up(conf->host, family, limit, &other) != STACK_DNS_FOUND ||
        other.len != family || !await_family(family, limit))
        return false;
    *address = other;
    return true;
}
