/*
 * oracle.c - is the report true? It knows what the server has in its store
 * and what the app said on its console, and nothing of how the app works.
 *
 *   form      one report line, the last; its exit is the app's; no bug
 *   sent      this recipient's message is in the store, byte for byte, and the
 *             server had said so, at the address that is reported
 *   unsure    nothing else may be said of what is stored but not "sent"; and
 *             only where the server had let the message come
 *   once      nothing is stored twice
 *   in time   total_timeout, and what the machine stood still
 *   secret    the password is nowhere on the console
 *   no excuse where nothing went wrong, or only a family of addresses that
 *             can be done without, each recipient has the outcome of the
 *             server's policy
 *   short     no IPv6 packet is longer than each link carries (RFC 8200, 5)
 *
 * In clear, bits can be changed on the way and nobody can know: there only
 * form, time and secrets are judged, and such runs are counted apart.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "smtpd.h"

#define OVERTIME_MS 2000 /* for the end of the run: QUIT and FIN */
#define PATIENCE_S  120  /* for one family's time-outs, and the other */

static const char *const words[OUTCOMES] = { "sent",      "refused",
                                             "permanent", "temporary",
                                             "unsure",    "invalid",
                                             "bug",       "none" };

const char *outcome_word(enum outcome o)
{
    return words[o];
}

struct report {
    enum outcome outcome, rcpt[RCPTS];
    int exit, rcpts;
    char address[INET6_ADDRSTRLEN]; /* of the server */
};

static bool wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool wrong(const char *fmt, ...)
{
    va_list ap;

    if (world.result->why[0] != '\0')
        return false;
    va_start(ap, fmt);
    vsnprintf(world.result->why, sizeof world.result->why, fmt, ap);
    va_end(ap);
    return false;
}

/* ------------------------------------------------ reading the report */

static enum outcome outcome_at(const char *p)
{
    for (int i = 0; i < O_NONE; i++) {
        size_t n = strlen(words[i]);

        if (strncmp(p, words[i], n) == 0 && p[n] == '"')
            return (enum outcome)i;
    }
    return O_NONE;
}

static void read_address(const char *line, struct report *r)
{
    static const char key[] = "\"address\":\"";
    const char *p = strstr(line, key), *end;

    end = p != NULL ? strchr(p + sizeof key - 1, '"') : NULL;
    if (end == NULL)
        return;
    p += sizeof key - 1;
    if ((size_t)(end - p) < sizeof r->address)
        memcpy(r->address, p, (size_t)(end - p));
}

/* Quotes in strings come escaped, so these keys are found as keys only. */
static bool read_report(struct report *r)
{
    static const char head[] = "{\"bootmail\":1,\"outcome\":\"";
    static const char rcpt[] = "{\"address\":\"r";
    char *line, *p, *end = world.console + world.console_len;

    memset(r, 0, sizeof *r);
    r->outcome = O_NONE;
    *end = '\0';
    line = strstr(world.console, head);
    if (line == NULL || (line != world.console && line[-1] != '\n'))
        return wrong("there is no report");
    if (strchr(line, '\n') != end - 1 || end[-2] != '}')
        return wrong("the report is not one whole line, the last");
    r->outcome = outcome_at(line + sizeof head - 1);
    p = strstr(line, "\",\"exit\":");
    r->exit = p != NULL ? (int)strtol(p + 9, NULL, 10) : -1;
    read_address(line, r);
    for (p = line; (p = strstr(p, rcpt)) != NULL; p++) {
        char *o = strstr(p, ",\"outcome\":\"");
        int i = p[sizeof rcpt - 1] - '0';

        if (i != r->rcpts || i >= RCPTS || o == NULL)
            return wrong("the report's recipients are not the job's");
        r->rcpt[r->rcpts++] = outcome_at(o + 12);
    }
    return true;
}

static bool form_is_right(const struct report *r, int status)
{
    static const uint8_t unlike[] = { 0, 64, 65, 78 };

    if (r->exit != status)
        return wrong("the report says exit %d, the app %d", r->exit, status);
    if (r->outcome == O_BUG || r->outcome == O_NONE || status == 70)
        return wrong("a bug is reported");
    if ((status == 0) != (r->outcome == O_SENT) ||
        (status == 79) != (r->outcome == O_UNSURE))
        return wrong("outcome %s with exit %d", words[r->outcome], status);
    if (memchr(unlike + 1, status, 3) != NULL && world.plan->events == 0 &&
        world.plan->exacts == 0)
        return wrong("exit %d: the job is good", status);
    return true;
}

/* ------------------------------------------------ against the store */

static bool rcpt_is_true(int i, enum outcome said)
{
    const struct stored *list;
    size_t n = server_stored(&list), times = 0;
    bool exact = true, replied = true;

    for (size_t k = 0; k < n; k++) {
        if (list[k].rcpt != i)
            continue;
        times++;
        exact &= list[k].exact;
        replied &= list[k].replied;
    }
    if (times > 1)
        return wrong("r%d has the message %zu times", i, times);
    if (said == O_SENT && times == 0)
        return wrong("r%d: reported as sent, and not stored", i);
    if (said == O_SENT && !exact)
        return wrong("r%d: sent, and stored with other bytes", i);
    if (said == O_SENT && !replied)
        return wrong("r%d: reported as sent before the server said so", i);
    if (times != 0 && said != O_SENT && said != O_UNSURE)
        return wrong("r%d: stored, and reported as %s", i, words[said]);
    /* the last chunk of BDAT is sent without being asked for (RFC 3030) */
    if (said == O_UNSURE && !server_asked_for_message() &&
        (world.plan->hide & SMTPD_CHUNKING) != 0)
        return wrong("r%d: unsure, and the message was never asked for", i);
    return true;
}

/* What was sent was sent to the address that is reported. */
static bool address_is_true(const struct report *r)
{
    const struct stored *list;
    char text[INET6_ADDRSTRLEN] = "";

    if (server_stored(&list) == 0 || r->outcome != O_SENT)
        return true;
    inet_ntop(list->at.len == 16 ? AF_INET6 : AF_INET, list->at.b, text,
              sizeof text);
    return strcmp(text, r->address) == 0 ||
           wrong("sent to %s, and %s is reported", text, r->address);
}

static bool reports_are_true(const struct report *r)
{
    bool all_sent = r->rcpts == world.plan->rcpts;

    for (int i = 0; i < r->rcpts; i++) {
        all_sent &= r->rcpt[i] == O_SENT;
        if (!rcpt_is_true(i, r->rcpt[i]))
            return false;
    }
    if ((r->outcome == O_SENT) != all_sent)
        return wrong("outcome %s, and the recipients say otherwise",
                     words[r->outcome]);
    for (int i = r->rcpts; i < world.plan->rcpts; i++)
        if (!rcpt_is_true(i, r->outcome))
            return false;
    return address_is_true(r);
}

/* ------------------------------------------------ where nothing is wrong */

static enum outcome of_policy(enum policy p)
{
    return p == YES ? O_SENT : p == LATER ? O_TEMPORARY : O_REFUSED;
}

static enum outcome expected(int i)
{
    const struct plan *p = world.plan;
    enum policy common = p->auth_wrong ? NO : p->mail != YES ? p->mail : YES;
    int k, taken = 0, place = 0;

    if (common != YES)
        return of_policy(common);
    if (p->rcpt[i] != YES)
        return of_policy(p->rcpt[i]);
    for (k = 0; k < p->rcpts; k++) {
        place += k < i && p->rcpt[k] == YES;
        taken += p->rcpt[k] == YES;
    }
    if (taken != 0 && p->data != YES)
        return of_policy(p->data);
    return of_policy(p->message[p->lmtp ? place : 0]);
}

static bool policy_is_reported(const struct report *r)
{
    for (int i = 0; i < world.plan->rcpts; i++) {
        enum outcome e = expected(i);

        if (r->rcpts == world.plan->rcpts && r->rcpt[i] == e)
            continue;
        return wrong("nothing%s went wrong; r%d should be %s and is %s",
                     world.result->applied_count != 0 ? " that matters" : "", i,
                     words[e], i < r->rcpts ? words[r->rcpt[i]] : "missing");
    }
    return true;
}

/* ---------------------------------------- where the other family does */

enum { NO_HARM, HARMS_4, HARMS_6, HARMS };

static int harm(const struct fault *f)
{
    unsigned arg = world.plan->event[f->n % EVENTS].arg;

    switch (f->kind) {
    case F_NORA:
    case F_WITHDRAW:
    case F_LIAR:
    case F_DEAD6:
        return HARMS_6;
    case F_DEAD4:
        return HARMS_4;
    case F_RENUMBER: /* the old address may still be used */
        return NO_HARM;
    case F_LIERA:
        return router_lie_harms(arg) ? HARMS_6 : NO_HARM;
    case F_TWIN: /* who only looks whether it is free is told so */
        return arg % 4 != 0 ? HARMS_6 : NO_HARM;
    case F_NEWMAC: /* who has patience finds it (RFC 1122, 2.3.2.1) */
        return world.plan->timeout_s != 0 || world.plan->total_s < PATIENCE_S
                   ? HARMS
                   : NO_HARM;
    case F_ICMP:
        return arg % ICMP_KINDS == ICMP_GONE ? HARMS_6 : NO_HARM;
    default:
        return HARMS;
    }
}

/* All that went wrong is one family, the server can be reached by the other,
 * and no connection by the first had come up when it did. */
static bool has_no_excuse(void)
{
    const struct plan *p = world.plan;
    bool way[2] = {
        p->family != V6 && (p->by_name ? (p->records & HAS_A) != 0 : !p->host6),
        p->family != V4 &&
            (p->by_name ? (p->records & HAS_AAAA) != 0 : p->host6)
    };
    int all = NO_HARM;

    for (int i = 0; i < world.result->applied_count; i++)
        all |= harm(&world.result->applied[i]);
    if (all == NO_HARM)
        return true;
    return all != HARMS && way[all == HARMS_4] && p->total_s >= PATIENCE_S &&
           world.result->opened[all == HARMS_6] == 0;
}

/* ------------------------------------------------ the rest */

static bool in_time(void)
{
    uint64_t most =
        (uint64_t)world.plan->total_s * 1000 + OVERTIME_MS + world.paused / MS;

    if (world.result->ms > most)
        return wrong("it took %llu ms, of at most %llu",
                     (unsigned long long)world.result->ms,
                     (unsigned long long)most);
    return true;
}

static bool is_short(void)
{
    if (world.result->too_long)
        return wrong("an IPv6 packet of more than 1,280 bytes was sent");
    return true;
}

/* base64 of "\0tim\0tanstaaf-tanstaaf", and of the password alone */
static bool is_secret(void)
{
    static const char *const secrets[] = { SIM_PASSWORD,
                                           "AHRpbQB0YW5zdGFhZi10YW5zdGFhZg",
                                           "dGFuc3RhYWYtdGFuc3RhYWY" };

    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (strstr(world.console, secrets[i]) != NULL)
            return wrong("the password is on the console");
    return true;
}

void oracle_judge(int status)
{
    struct result *r = world.result;
    struct report report;
    bool deaf; /* to what happened to its bytes */

    r->finished = true;
    r->ms = world.now / MS;
    r->status = status;
    deaf = r->forged && world.plan->tls == CLEAR;
    r->judged_true = read_report(&report) && form_is_right(&report, status) &&
                     in_time() && is_secret() &&
                     (deaf || reports_are_true(&report)) && is_short() &&
                     (!has_no_excuse() || policy_is_reported(&report));
    r->outcome = report.outcome;
    r->hash = sim_hash(r->hash, world.now, (uint64_t)status, report.outcome);
    say("== %s%s", r->judged_true ? "true" : "NOT TRUE: ", r->why);
}
