/*
 * verdict.c - one table for SMTP, one for TLS, one for TCP.
 */
#include "verdict.h"

#include "stack.h"

/* status when the verdict is "refused"; a "try later" is 75 unless the row
 * says otherwise */
static const struct {
    enum status refused, later;
} by_failure[] = {
    [SMTP_F_NONE] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_JOB] = { STATUS_CONFIG, STATUS_CONFIG },
    [SMTP_F_TIMEOUT] = { STATUS_TRY_LATER, STATUS_TRY_LATER },
    [SMTP_F_LOST] = { STATUS_TRY_LATER, STATUS_TRY_LATER },
    [SMTP_F_PROTOCOL] = { STATUS_PROTOCOL, STATUS_PROTOCOL },
    [SMTP_F_INJECTION] = { STATUS_PROTOCOL, STATUS_PROTOCOL },
    [SMTP_F_TLS_FIRST] = { STATUS_PROTOCOL, STATUS_PROTOCOL },
    [SMTP_F_NO_STARTTLS] = { STATUS_PROTOCOL, STATUS_TRY_LATER },
    [SMTP_F_NO_AUTH] = { STATUS_AUTH, STATUS_AUTH },
    [SMTP_F_AUTH] = { STATUS_AUTH, STATUS_TRY_LATER },
    [SMTP_F_GREETING] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_SENDER] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_RECIPIENTS] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_PARTIAL] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_MESSAGE] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_SIZE] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_UTF8] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_UNFIT] = { STATUS_REFUSED, STATUS_REFUSED },
    [SMTP_F_EXTENSION] = { STATUS_REFUSED, STATUS_TRY_LATER },
    [SMTP_F_TLS] = { STATUS_PROTOCOL, STATUS_TRY_LATER },
    [SMTP_F_ENCRYPTION] = { STATUS_AUTH, STATUS_TRY_LATER },
    [SMTP_F_AUTH_WEAK] = { STATUS_AUTH, STATUS_TRY_LATER },
    [SMTP_F_AUTH_NEEDED] = { STATUS_AUTH, STATUS_TRY_LATER },
    [SMTP_F_IMPOSTOR] = { STATUS_AUTH, STATUS_AUTH },
};

/* Each recipient had its own answer: refused for good, were it only one of
 * them, outweighs try later (design 2.5: 69). */
static void verdict_recipients(const struct smtp *smtp, struct report *r)
{
    bool refused = false;
    size_t i;

    for (i = 0; i < r->rcpt_count; i++)
        if (r->rcpt[i].verdict == SMTP_REFUSED)
            refused = true;
    report_end(r, refused ? OUTCOME_REFUSED : OUTCOME_TEMPORARY,
               refused ? STATUS_REFUSED : STATUS_TRY_LATER, "%s",
               smtp_reason(smtp));
}

/* Do the layers below know more about this end than smtp does? */
static bool is_loss(enum smtp_failure f)
{
    return f == SMTP_F_LOST || f == SMTP_F_TIMEOUT || f == SMTP_F_PROTOCOL;
}

void verdict_smtp(const struct smtp *smtp, const char *why_lost,
                  struct report *r)
{
    enum smtp_failure f = smtp_failure(smtp);
    const struct smtp_reply_note *last = smtp_last_reply(smtp);
    bool more = why_lost != NULL && is_loss(f);
    const char *open = more ? " (" : "", *close = more ? ")" : "";

    if (!more)
        why_lost = "";
    if ((f == SMTP_F_PARTIAL || f == SMTP_F_RECIPIENTS) &&
        smtp_verdict(smtp) != SMTP_UNSURE) {
        verdict_recipients(smtp, r);
        return;
    }
    switch (smtp_verdict(smtp)) {
    case SMTP_SENT:
        report_end(r, OUTCOME_SENT, STATUS_SENT, "accepted: %u %.*s",
                   last->code, (int)last->text_len, last->text);
        break;
    case SMTP_UNSURE:
        report_end(r, OUTCOME_UNSURE, STATUS_UNSURE, "%s%s%s%s",
                   smtp_reason(smtp), open, why_lost, close);
        break;
    case SMTP_REFUSED:
        report_end(r, f == SMTP_F_JOB ? OUTCOME_INVALID : OUTCOME_REFUSED,
                   by_failure[f].refused, "%s%s%s%s", smtp_reason(smtp), open,
                   why_lost, close);
        break;
    default:
        report_end(r, OUTCOME_TEMPORARY, by_failure[f].later, "%s%s%s%s",
                   smtp_reason(smtp), open, why_lost, close);
        break;
    }
}

void verdict_check(const struct config *conf, struct report *r)
{
    report_end(r, OUTCOME_CHECKED, STATUS_SENT,
               "checked: %s%s, %s, nothing sent",
               r->tls_version != NULL ? r->tls_version : "no TLS",
               r->tls_version == NULL ? ""
               : r->tls_verified      ? " verified"
                                      : " NOT verified",
               conf->auth != AUTH_OFF ? "login accepted" : "no login");
}

static void not_tls(const char *why, const struct config *conf, uint16_t port,
                    struct report *r)
{
    if (conf->tls_starttls)
        report_end(r, OUTCOME_REFUSED, STATUS_PROTOCOL,
                   "the server agreed to STARTTLS but does not speak TLS: %s",
                   why);
    else
        report_end(r, OUTCOME_REFUSED, STATUS_PROTOCOL,
                   "port %u does not speak TLS from the first byte, it expects "
                   "STARTTLS: set tls_starttls on (%s)",
                   port, why);
}

void verdict_tls(enum tls_error e, const char *why, const struct config *conf,
                 uint16_t port, struct report *r)
{
    switch (e) {
    case TLS_E_NOT_TLS:
        not_tls(why, conf, port, r);
        break;
    case TLS_E_CERT:
    case TLS_E_NAME:
    case TLS_E_EXPIRED:
        report_end(r, OUTCOME_REFUSED, STATUS_AUTH,
                   "the server's certificate is not trusted: %s", why);
        break;
    case TLS_E_TRUST:
    case TLS_E_CONFIG:
        report_end(r, OUTCOME_INVALID, STATUS_CONFIG, "TLS: %s", why);
        break;
    case TLS_E_NO_CLOCK:
    case TLS_E_NO_ENTROPY:
        /* nobody has refused anything: the message may go another time */
        report_end(r, OUTCOME_TEMPORARY, STATUS_PROTOCOL,
                   "TLS cannot start: %s", why);
        break;
    case TLS_E_MEMORY:
    case TLS_E_TRUNCATED:
        report_end(r, OUTCOME_TEMPORARY, STATUS_TRY_LATER,
                   "TLS did not come up: %s", why);
        break;
    default:
        report_end(r, OUTCOME_REFUSED, STATUS_PROTOCOL, "TLS failed: %s", why);
        break;
    }
}

void verdict_connect(enum tcp_error e, uint16_t port, struct report *r)
{
    bool v6 = r->address.len == 16;
    const char *const words[] = {
        [TCP_OK] = "nobody answers",
        [TCP_REFUSED] = "connection refused: nothing listens there",
        [TCP_RESET] = "connection reset",
        [TCP_TIMED_OUT] = "nobody answers",
        [TCP_NO_ROUTE] = v6 ? "no route to it: no router offers IPv6 here"
                            : "no route to it: set gateway",
        [TCP_NO_NEIGHBOUR] = "nobody answers ARP for it, or for the gateway",
        [TCP_NO_MEMORY] = "out of memory",
    };

    report_end(r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK,
               "cannot connect to %s port %u: %s", addr_text(&r->address).s,
               port,
               stack_link() == STACK_LINK_DOWN ? "the network link is down"
                                               : words[e]);
}
