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
#include "quad.h"
#include "stack.h"

#define ADDRESS_WAIT_MS 25000 /* DHCP asks a dozen times within it */

/* What a DHCP server lists us as. */
static const char DHCP_NAME[] = "bootmail";

static bool wait_address(uint64_t give_up, struct report *r, bool dhcp)
{
    struct loop_notice notice = { 0 };
    uint64_t now = clock_ms(), begun = now, limit = now + ADDRESS_WAIT_MS;
    const char *what;

    if (limit > give_up)
        limit = give_up;
    for (; stack_link() != STACK_UP; now = loop_turn(limit)) {
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

bool network_up(const struct config *conf, uint64_t give_up_ms,
                struct report *r)
{
    static bool up;
    struct stack_config sc = {
        .dhcp = conf->dhcp,
        .address = conf->address,
        .netmask = conf->netmask,
        .gateway = conf->gateway_addr,
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
    if (!wait_address(give_up_ms, r, conf->dhcp))
        return false;
    r->at.link = board_now_ns() / 1000;
    log_say("address " QUAD_FMT ", gateway " QUAD_FMT ", name server " QUAD_FMT
            "%s",
            QUAD(stack_address()), QUAD(stack_gateway()),
            QUAD(stack_dns_server()), conf->dhcp ? " (DHCP)" : "");
    up = true;
    return true;
}

static bool name_failed(enum stack_dns answer, struct blob host,
                        struct report *r)
{
    int n = host.len > 255 ? 255 : (int)host.len;
    const char *h = (const char *)host.p;

    switch (answer) {
    case STACK_DNS_NOT_FOUND:
        return report_end(r, OUTCOME_PERMANENT, STATUS_NO_HOST,
                          "host \"%.*s\" not found: the name server " QUAD_FMT
                          " knows no address for it",
                          n, h, QUAD(stack_dns_server()));
    case STACK_DNS_FAILED:
        return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_HOST,
                          "host \"%.*s\" not found: the name server " QUAD_FMT
                          " could not tell (server failure)",
                          n, h, QUAD(stack_dns_server()));
    case STACK_DNS_BAD_NAME:
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "host \"%.*s\" is not a name to ask for", n, h);
    default:
        if (stack_dns_server() == 0)
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
                          "host \"%.*s\" not found: the name server " QUAD_FMT
                          " does not answer",
                          n, h, QUAD(stack_dns_server()));
    }
}

bool network_resolve(const struct config *conf, uint64_t give_up_ms,
                     struct report *r)
{
    struct loop_notice notice = { 0 };
    enum stack_dns answer =
        stack_dns_start((const char *)conf->host.p, conf->host.len);
    uint64_t now = clock_ms();

    if (answer == STACK_DNS_FOUND || answer == STACK_DNS_PENDING)
        answer = stack_dns_result(&r->address);
    while (answer == STACK_DNS_PENDING && now < give_up_ms) {
        loop_notice(&notice, now, "the name server");
        now = loop_turn(give_up_ms);
        answer = stack_dns_result(&r->address);
    }
    if (answer != STACK_DNS_FOUND)
        return name_failed(answer, conf->host, r);
    r->at.dns = board_now_ns() / 1000;
    return true;
}
