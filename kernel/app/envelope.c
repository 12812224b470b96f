/*
 * envelope.c - recipients, sender, Message-ID and the message's pieces.
 */
#include "envelope.h"

#include <stdio.h>

#include "board.h"
#include "clock.h"
#include "files.h"
#include "quad.h"
#include "rng.h"

#define RCPT_MAX   1000 /* more than servers take at once (RFC 5321: 100)  */
#define ATTACH_MAX 64
#define SHOWN      200 /* bytes of an address in a reason */

static struct smtp_str str_of(struct blob b)
{
    struct smtp_str s = { (const char *)b.p, b.len };

    return s;
}

static bool same_address(struct smtp_str a, struct smtp_str b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* ------------------------------------------------------------ addresses */

static bool address_ok(struct smtp_str a, const char *what, struct report *r)
{
    const char *why = NULL;
    bool utf8;

    if (smtp_mailbox_ok(a, &utf8, &why))
        return true;
    return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                      "%s \"%.*s\" is not an address: %s", what,
                      a.len > SHOWN ? SHOWN : (int)a.len, a.p, why);
}

/* Adds one unless it is there already: nobody gets a message twice. */
static bool add_rcpt(struct smtp_rcpt *list, size_t *count, struct smtp_str a,
                     struct report *r)
{
    static const struct smtp_rcpt fresh;
    size_t i;

    if (!address_ok(a, "recipient", r))
        return false;
    for (i = 0; i < *count; i++)
        if (same_address(list[i].address, a))
            return true;
    list[*count] = fresh;
    list[(*count)++].address = a;
    return true;
}

static bool gather(const struct config *c, struct smtp_rcpt *list,
                   struct report *r)
{
    struct smtp_str a;
    size_t i, at = 0;

    for (i = 0; i < c->to.count; i++)
        if (!add_rcpt(list, &r->rcpt_count, str_of(c->to.item[i]), r))
            return false;
    while (c->read_recipients &&
           message_next_rcpt(c->message.p, c->message.len, &at, &a))
        if (!add_rcpt(list, &r->rcpt_count, a, r))
            return false;
    return true;
}

/* Whoever gets a note shall know which of his addresses it is about, whatever
 * the hops in between make of it. */
static void ask_for_notes(const struct config *c, struct smtp_rcpt *list,
                          size_t count, struct smtp_job *job)
{
    static const enum smtp_ret ret[] = {
        [DSN_RETURN_OFF] = SMTP_RET_ANY,
        [DSN_RETURN_HEADERS] = SMTP_RET_HDRS,
        [DSN_RETURN_FULL] = SMTP_RET_FULL,
    };
    size_t i;

    job->wishes.ret = ret[c->dsn_return];
    for (i = 0; c->notify != 0 && i < count; i++) {
        list[i].notify = c->notify;
        list[i].orcpt = list[i].address;
    }
}

bool envelope_addresses(const struct config *c, struct smtp_job *job,
                        struct report *r)
{
    struct smtp_rcpt *list;
    struct smtp_str a;
    size_t at = 0, most = c->to.count;

    while (c->read_recipients && most <= RCPT_MAX &&
           message_next_rcpt(c->message.p, c->message.len, &at, &a))
        most++;
    if (most > RCPT_MAX)
        return report_end(r, OUTCOME_INVALID, STATUS_MESSAGE,
                          "more than %d recipients: send to a list, or in "
                          "several mails",
                          RCPT_MAX);
    if (most == 0)
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          c->read_recipients
                              ? "no recipient: neither the configuration nor "
                                "To, Cc or Bcc of the message names one"
                              : "no recipient: set to ADDRESS");
    list = board_pages(most * sizeof(*list));
    if (list == NULL)
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "%lu recipients need more memory than there is",
                          (unsigned long)most);
    r->rcpt = list;
    if (!gather(c, list, r))
        return false;
    ask_for_notes(c, list, r->rcpt_count, job);
    job->rcpt = list;
    job->rcpt_count = r->rcpt_count;

    job->from = str_of(c->from);
    if (c->from.p == NULL)
        job->from = message_from(c->message.p, c->message.len);
    if (c->from.p == NULL && job->from.len == 0)
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "no sender: set from ADDRESS, or give the message "
                          "a From field");
    return job->from.len == 0 || address_ok(job->from, "sender", r);
}

/* -------------------------------------------------------------- message */

/* <time.random@domain>: unique without a registry (RFC 5322 3.6.4) */
static struct smtp_str new_message_id(const struct config *c,
                                      struct smtp_str from)
{
    static char id[320];
    struct smtp_str domain = str_of(c->domain);
    uint32_t a = rng_u32(), b = rng_u32(), d = rng_u32();
    struct smtp_str s = { id, 0 };
    const char *sign;
    int n;

    for (sign = from.p + from.len; from.len != 0 && sign > from.p; sign--)
        if (sign[-1] == '@') {
            domain.p = sign;
            domain.len = (size_t)(from.p + from.len - sign);
            break;
        }
    if (domain.len == 0 || domain.len > 255) {
        domain.p = "localhost";
        domain.len = 9;
    }
    n = snprintf(id, sizeof(id), "%lx.%08lx%08lx%08lx@%.*s",
                 (unsigned long)(clock_unix() > 0 ? clock_unix() : 0),
                 (unsigned long)a, (unsigned long)b, (unsigned long)d,
                 (int)domain.len, domain.p);
    s.len = n > 0 && (size_t)n < sizeof(id) ? (size_t)n : 0;
    return s;
}

static bool attachments(struct message_spec *spec, struct report *r)
{
    static struct message_file file[ATTACH_MAX];
    struct blob prefix = blob_str("attach/"), name, data;
    size_t at = 0;

    while (files_next(prefix, &at, &name, &data)) {
        if (name.len == prefix.len)
            continue;
        if (spec->attach_count == ATTACH_MAX)
            return report_end(r, OUTCOME_INVALID, STATUS_MESSAGE,
                              "more than %d attachments", ATTACH_MAX);
        file[spec->attach_count].name.p = (const char *)name.p + prefix.len;
        file[spec->attach_count].name.len = name.len - prefix.len;
        file[spec->attach_count].data = data.p;
        file[spec->attach_count].len = data.len;
        spec->attach_count++;
    }
    spec->attach = file;
    return true;
}

bool envelope_message(const struct config *c, struct smtp_job *job,
                      struct message *m, struct report *r)
{
    static struct smtp_str to[CONF_LIST_MAX];
    static struct message_spec spec; /* the stream points into it */
    struct message_error err;
    size_t i;

    for (i = 0; i < c->to.count; i++)
        to[i] = str_of(c->to.item[i]);
    spec.text = c->message.p;
    spec.text_len = c->message.len;
    spec.from = job->from;
    spec.from_name = str_of(c->from_full_name);
    spec.to = to;
    spec.to_count = c->to.count;
    spec.subject = str_of(c->subject);
    spec.date = clock_unix();
    spec.message_id = new_message_id(c, job->from);
    rng_bytes(spec.random, sizeof(spec.random));
    spec.add_date = c->set_date_header != TRI_OFF;
    spec.add_msgid = c->set_msgid_header != TRI_OFF;
    spec.add_from = c->set_from_header != TRI_OFF;
    spec.replace_from = c->set_from_header == TRI_ON;
    spec.remove_bcc = c->remove_bcc_headers;
    spec.undisclosed = c->undisclosed_recipients;
    if (!attachments(&spec, r))
        return false;
    if (!message_open(m, &spec, &err)) {
        if (err.line != 0)
            return report_end(r, OUTCOME_INVALID, STATUS_MESSAGE,
                              "message, line %u: %s", err.line, err.why);
        return report_end(r, OUTCOME_INVALID, STATUS_MESSAGE, "message: %s",
                          err.why);
    }
    r->message_id = blob_of(message_id(m).p, message_id(m).len);
    r->bytes = message_size(m);
    job->size = message_size(m);
    job->eight_bit = message_eight_bit(m);
    return true;
}

/* ------------------------------------------------------------------ job */

void envelope_job(const struct config *c, uint32_t our_address,
                  struct smtp_job *job)
{
    static const enum smtp_auth auth[] = {
        [AUTH_OFF] = SMTP_AUTH_OFF,
        [AUTH_ON] = SMTP_AUTH_ANY,
        [AUTH_PLAIN] = SMTP_AUTH_PLAIN,
        [AUTH_LOGIN] = SMTP_AUTH_LOGIN,
    };
    static char literal[24];
    int n;

    job->helo = str_of(c->domain);
    if (c->domain.len == 0) { /* RFC 5321 4.1.4: no name, so the address */
        n = snprintf(literal, sizeof(literal), "[" QUAD_FMT "]",
                     QUAD(our_address));
        job->helo.p = literal;
        job->helo.len = n > 0 ? (size_t)n : 0;
    }
    job->tls = !c->tls           ? SMTP_TLS_NONE
               : c->tls_starttls ? SMTP_TLS_STARTTLS
                                 : SMTP_TLS_IMPLICIT;
    job->lmtp = c->protocol == PROTOCOL_LMTP;
    job->auth = auth[c->auth];
    job->auth_unsafe = c->auth_unsafe;
    job->user = str_of(c->user);
    job->password = str_of(c->password);
    job->timeout_ms =
        c->timeout_s > UINT32_MAX / 1000 ? UINT32_MAX : c->timeout_s * 1000;
}
