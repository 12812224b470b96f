/*
 * timesync.c - asks the servers of the key ntp, one after the other.
 *
 * A server is asked three times, after 1, 2 and 4 seconds without an answer;
 * one that refuses is not asked again (RFC 4330, 10). The time is the
 * server's word: who can forge the server's packets, or is the server, can
 * set our clock within the certificates' validity. That is why a machine's
 * own clock comes first.
 */
#include "timesync.h"

#include "board.h"
#include "clock.h"
#include "datagram.h"
#include "log.h"
#include "loop.h"
#include "network.h"
#include "ntp.h"
#include "rng.h"
#include "stack.h"

static const uint16_t wait_ms[] = { 1000, 2000, 4000 };
#define TRIES (sizeof wait_ms / sizeof *wait_ms)

/* One question, until an answer that counts or the time is over. */
static enum ntp_answer ask(uint64_t until, int64_t *t, const char **why)
{
    uint8_t packet[DATAGRAM_MAX];
    enum ntp_answer a = NTP_NOTHING;
    uint64_t nonce, now = clock_ms();
    size_t len;

    rng_bytes(&nonce, sizeof nonce);
    ntp_question(packet, nonce);
    if (!datagram_send(packet, NTP_PACKET))
        *why = "the question cannot be sent";
    while (a == NTP_NOTHING && now < until) {
        now = loop_turn(until);
        while (a == NTP_NOTHING && (len = datagram_take(packet)) != 0)
            a = ntp_judge(packet, len, nonce, clock_earliest(), t, why);
    }
    return a;
}

static bool ask_server(const struct addr *address, uint64_t give_up, int64_t *t,
                       const char **why)
{
    enum ntp_answer a = NTP_NOTHING;
    size_t i;

    *why = "it does not answer";
    if (!datagram_open(address, NTP_PORT)) {
        *why = "out of memory";
        return false;
    }
    for (i = 0; i < TRIES && a == NTP_NOTHING; i++) {
        uint64_t until = clock_ms() + wait_ms[i];

        a = ask(until < give_up ? until : give_up, t, why);
    }
    datagram_close();
    return a == NTP_TIME;
}

static bool ask_all(const struct config *conf, uint64_t give_up,
                    struct blob *last, const char **why)
{
    struct addr address = { 0 };
    int64_t t;
    size_t i;

    for (i = 0; i < conf->ntp.count; i++) {
        *last = conf->ntp.item[i];
        *why = "its name is not known";
        if (network_look_up(conf, *last, give_up, &address) ==
                STACK_DNS_FOUND &&
            ask_server(&address, give_up, &t, why)) {
            clock_set(t);
            log_say("time by %s", addr_text(&address).s);
            return true;
        }
        log_say("no time from %.*s: %s", (int)last->len, (const char *)last->p,
                *why);
    }
    return false;
}

bool timesync(const struct config *conf, uint64_t give_up_ms, struct report *r)
{
    struct blob last = { NULL, 0 };
    const char *why = "";

    if (clock_unix() >= 0 || conf->ntp.count == 0)
        return true;
    log_say("%s: asking for the time", clock_why());
    if (!network_up(conf, give_up_ms, r))
        return false;
    if (ask_all(conf, give_up_ms, &last, &why) || !conf->tls)
        return true;
    return report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK,
                      "no time: %s, and of the time server %.*s: %s",
                      clock_why(), (int)last.len, (const char *)last.p, why);
}
