/* sources: kernel/app/verdict.c net/addr.c */
/* includes: kernel/app kernel board smtp net */
/*
 * test_verdict.c - the exit status for every way a session, TLS or a
 * connection can end, and what of the layers below is told with it. A script
 * tells by the status whether to try again: each row is a promise.
 */
#include "verdict.h"

#include <stdarg.h>

#include "check.h"
#include "stack.h"

/* -------------------------------------------------------- what has happened */

static enum smtp_failure failure;
static enum smtp_verdict verdict;
static struct smtp_reply_note last;
static enum stack_link stack;
static struct report r;
static unsigned ends;

enum smtp_failure smtp_failure(const struct smtp *smtp)
{
    (void)smtp;
    return failure;
}

enum smtp_verdict smtp_verdict(const struct smtp *smtp)
{
    (void)smtp;
    return verdict;
}

const struct smtp_reply_note *smtp_last_reply(const struct smtp *smtp)
{
    (void)smtp;
    return &last;
}

const char *smtp_reason(const struct smtp *smtp)
{
    (void)smtp;
    return "its words";
}

enum stack_link stack_link(void)
{
    return stack;
}

bool report_end(struct report *to, enum outcome outcome, enum status status,
                const char *fmt, ...)
{
    va_list ap;

    CHECK(to == &r);
    ends++;
    to->outcome = outcome;
    to->status = status;
    va_start(ap, fmt);
    vsnprintf(to->reason, sizeof(to->reason), fmt, ap);
    va_end(ap);
    return false;
}

static void is(enum outcome outcome, int status, const char *reason)
{
    CHECK_EQ(ends, 1);
    CHECK_EQ(r.outcome, outcome);
    CHECK_EQ(r.status, status);
    if (reason != NULL)
        CHECK_STR(r.reason, reason);
    memset(&r, 0, sizeof(r));
    ends = 0;
}

static void smtp_ends(enum smtp_failure f, enum smtp_verdict v, const char *why)
{
    failure = f;
    verdict = v;
    verdict_smtp(NULL, why, &r);
}

/* ------------------------------------------------------------------- SMTP */

/* The status where it is refused for good, and where later may help. */
static const struct {
    enum smtp_failure f;
    int refused, later;
} by_failure[] = {
    { SMTP_F_NONE, 69, 75 },        { SMTP_F_JOB, 78, 78 },
    { SMTP_F_TIMEOUT, 75, 75 },     { SMTP_F_LOST, 75, 75 },
    { SMTP_F_PROTOCOL, 76, 76 },    { SMTP_F_INJECTION, 76, 76 },
    { SMTP_F_TLS_FIRST, 76, 76 },   { SMTP_F_NO_STARTTLS, 76, 75 },
    { SMTP_F_NO_AUTH, 77, 77 },     { SMTP_F_AUTH, 77, 75 },
    { SMTP_F_GREETING, 69, 75 },    { SMTP_F_SENDER, 69, 75 },
    { SMTP_F_MESSAGE, 69, 75 },     { SMTP_F_SIZE, 69, 75 },
    { SMTP_F_UTF8, 69, 75 },        { SMTP_F_UNFIT, 69, 69 },
    { SMTP_F_EXTENSION, 69, 75 },   { SMTP_F_TLS, 76, 75 },
    { SMTP_F_ENCRYPTION, 77, 75 },  { SMTP_F_AUTH_WEAK, 77, 75 },
    { SMTP_F_AUTH_NEEDED, 77, 75 }, { SMTP_F_IMPOSTOR, 77, 77 },
};

static void check_failures(void)
{
    for (size_t i = 0; i < sizeof(by_failure) / sizeof(*by_failure); i++) {
        enum smtp_failure f = by_failure[i].f;

        smtp_ends(f, SMTP_REFUSED, NULL);
        is(f == SMTP_F_JOB ? OUTCOME_INVALID : OUTCOME_REFUSED,
           by_failure[i].refused, "its words");
        smtp_ends(f, SMTP_TRY_LATER, NULL);
        is(OUTCOME_TEMPORARY, by_failure[i].later, "its words");
    }
}

static void check_sent(void)
{
    last.code = 250;
    last.text_len = 2;
    memcpy(last.text, "ok, and more", 12);
    smtp_ends(SMTP_F_NONE, SMTP_SENT, NULL);
    is(OUTCOME_SENT, 0, "accepted: 250 ok");
}

/* After the final dot nothing is ever refused or later: it may be there. */
static void check_unsure(void)
{
    for (size_t i = 0; i < sizeof(by_failure) / sizeof(*by_failure); i++) {
        smtp_ends(by_failure[i].f, SMTP_UNSURE, NULL);
        is(OUTCOME_UNSURE, 79, "its words");
    }
    smtp_ends(SMTP_F_RECIPIENTS, SMTP_UNSURE, NULL);
    is(OUTCOME_UNSURE, 79, "its words");
    smtp_ends(SMTP_F_PARTIAL, SMTP_UNSURE, NULL);
    is(OUTCOME_UNSURE, 79, "its words");
}

/* What the layers below know is told with an end that came from below, and
 * with no other: a refusal is the server's own. */
static void check_below(void)
{
    static const char *const why = "the network link is down";
    static const char *const both = "its words (the network link is down)";

    smtp_ends(SMTP_F_LOST, SMTP_TRY_LATER, why);
    is(OUTCOME_TEMPORARY, 75, both);
    smtp_ends(SMTP_F_TIMEOUT, SMTP_UNSURE, why);
    is(OUTCOME_UNSURE, 79, both);
    smtp_ends(SMTP_F_PROTOCOL, SMTP_REFUSED, why);
    is(OUTCOME_REFUSED, 76, both);
    smtp_ends(SMTP_F_SENDER, SMTP_REFUSED, why);
    is(OUTCOME_REFUSED, 69, "its words");
    smtp_ends(SMTP_F_GREETING, SMTP_TRY_LATER, why);
    is(OUTCOME_TEMPORARY, 75, "its words");
}

/* One refused for good among those who may be tried later: 69, and the
 * recipients say which. */
static void check_recipients(void)
{
    static struct smtp_rcpt to[3];
    static const enum smtp_failure kinds[] = { SMTP_F_RECIPIENTS,
                                               SMTP_F_PARTIAL };

    for (size_t i = 0; i < 2; i++) {
        to[0].verdict = kinds[i] == SMTP_F_PARTIAL ? SMTP_SENT : SMTP_TRY_LATER;
        to[1].verdict = SMTP_TRY_LATER;
        to[2].verdict = SMTP_REFUSED;
        r.rcpt = to;
        r.rcpt_count = 3;
        smtp_ends(kinds[i], SMTP_TRY_LATER, "not told");
        is(OUTCOME_REFUSED, 69, "its words");
        r.rcpt = to;
        r.rcpt_count = 2;
        smtp_ends(kinds[i], SMTP_TRY_LATER, NULL);
        is(OUTCOME_TEMPORARY, 75, "its words");
    }
}

/* -------------------------------------------------------------------- TLS */

static void check_tls(void)
{
    static const struct {
        enum tls_error e;
        enum outcome outcome;
        int status;
    } rows[] = {
        { TLS_E_PROTO, OUTCOME_REFUSED, 76 },
        { TLS_E_ALERT, OUTCOME_REFUSED, 76 },
        { TLS_E_CERT, OUTCOME_REFUSED, 77 },
        { TLS_E_NAME, OUTCOME_REFUSED, 77 },
        { TLS_E_EXPIRED, OUTCOME_REFUSED, 77 },
        { TLS_E_NO_CLOCK, OUTCOME_TEMPORARY, 76 },
        { TLS_E_NO_ENTROPY, OUTCOME_TEMPORARY, 76 },
        { TLS_E_TRUST, OUTCOME_INVALID, 78 },
        { TLS_E_CONFIG, OUTCOME_INVALID, 78 },
        { TLS_E_TRUNCATED, OUTCOME_TEMPORARY, 75 },
        { TLS_E_MEMORY, OUTCOME_TEMPORARY, 75 },
    };
    static struct config c;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        verdict_tls(rows[i].e, "a certain rule", &c, 465, &r);
        CHECK(strstr(r.reason, ": a certain rule") != NULL);
        is(rows[i].outcome, rows[i].status, NULL);
    }
}

/* 465 and 587 confused: what to set is said. */
static void check_not_tls(void)
{
    static struct config c;

    verdict_tls(TLS_E_NOT_TLS, "220 hello", &c, 587, &r);
    is(OUTCOME_REFUSED, 76,
       "port 587 does not speak TLS from the first byte, it expects STARTTLS: "
       "set tls_starttls on (220 hello)");
    c.tls_starttls = true;
    verdict_tls(TLS_E_NOT_TLS, "501 what", &c, 587, &r);
    is(OUTCOME_REFUSED, 76,
       "the server agreed to STARTTLS but does not speak TLS: 501 what");
}

static void check_checked(void)
{
    static struct config c;

    c.auth = AUTH_OFF;
    verdict_check(&c, &r);
    is(OUTCOME_CHECKED, 0, "checked: no TLS, no login, nothing sent");
    c.auth = AUTH_PLAIN;
    r.tls_version = "TLSv1.3";
    verdict_check(&c, &r);
    is(OUTCOME_CHECKED, 0,
       "checked: TLSv1.3 NOT verified, login accepted, nothing sent");
    r.tls_version = "TLSv1.2";
    r.tls_verified = true;
    verdict_check(&c, &r);
    is(OUTCOME_CHECKED, 0,
       "checked: TLSv1.2 verified, login accepted, nothing sent");
}

/* ------------------------------------------------------------- connections */

static void not_connected(enum tcp_error e, const char *address,
                          const char *reason)
{
    CHECK(addr_parse(address, strlen(address), &r.address));
    verdict_connect(e, 25, &r);
    is(OUTCOME_TEMPORARY, 74, reason);
}

static void check_connect(void)
{
    stack = STACK_UP;
    not_connected(TCP_REFUSED, "192.0.2.1",
                  "cannot connect to 192.0.2.1 port 25: connection refused: "
                  "nothing listens there");
    not_connected(TCP_TIMED_OUT, "2001:db8::1",
                  "cannot connect to 2001:db8::1 port 25: nobody answers");
    not_connected(TCP_NO_ROUTE, "192.0.2.1",
                  "cannot connect to 192.0.2.1 port 25: no route to it: set "
                  "gateway");
    not_connected(TCP_NO_ROUTE, "2001:db8::1",
                  "cannot connect to 2001:db8::1 port 25: no route to it: no "
                  "router offers IPv6 here");
    not_connected(TCP_NO_NEIGHBOUR, "192.0.2.1",
                  "cannot connect to 192.0.2.1 port 25: nobody answers ARP for "
                  "it, or for the gateway");
    not_connected(TCP_NO_MEMORY, "192.0.2.1",
                  "cannot connect to 192.0.2.1 port 25: out of memory");
    stack = STACK_LINK_DOWN;
    not_connected(TCP_TIMED_OUT, "192.0.2.1",
                  "cannot connect to 192.0.2.1 port 25: the network link is "
                  "down");
}

static const struct check_case cases[] = {
    { "failures", check_failures },     { "sent", check_sent },
    { "unsure", check_unsure },         { "below", check_below },
    { "recipients", check_recipients }, { "tls", check_tls },
    { "not-tls", check_not_tls },       { "checked", check_checked },
    { "connect", check_connect },
};

CHECK_MAIN(cases)
