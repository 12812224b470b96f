/*
 * envelope.c - recipients, sender, and the SMTP job.
 */
#include "envelope.h"

#include <stdio.h>

#include "addrlist.h"
#include "board.h"
#include "crypto.h"
#include "header.h"
#include "message.h"

#define RCPT_MAX 1000 /* more than servers take at once (RFC 5321: 100)  */
#define SHOWN    200  /* bytes of an address in a reason */

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

/* Where recipients come from, one after the other. */
struct walk {
    const struct config *c;
    unsigned list;
    size_t item, at;
};

static bool next_of(const struct conf_list *list, struct walk *w,
                    struct smtp_str *a)
{
    for (; w->item < list->count; w->item++) {
        if (header_address(str_of(list->item[w->item]), &w->at, a))
            return true;
        w->at = 0;
    }
    return false;
}

static bool next_rcpt(struct walk *w, struct smtp_str *a)
{
    const struct config *c = w->c;
    const struct conf_list *lists[] = { &c->to, &c->cc, &c->bcc };

    if (c->only_to.count != 0) /* those that are left of an earlier run */
        return next_of(&c->only_to, w, a);
    if (c->set_to_header.count != 0) /* everything to one person */
        return next_of(&c->set_to_header, w, a);
    for (; w->list < 3; w->list++) {
        if (next_of(lists[w->list], w, a))
            return true;
        w->item = w->at = 0;
    }
    return c->read_recipients &&
           message_next_rcpt(c->message.p, c->message.len, &w->at, a);
}

static bool has_domain(struct smtp_str a)
{
    return a.len == 0 || memchr(a.p, '@', a.len) != NULL;
}

/* It may hold blanks and comments, as RFC 5322 lets one write. */
static bool is_loose(struct smtp_str a)
{
    for (size_t i = 0; i < a.len; i++)
        if (memchr(" \t\r\n(\"", a.p[i], 6) != NULL)
            return true;
    return false;
}

/* Bytes that an address takes in the pool: none if it is whole. */
static size_t pool_len(const struct config *c, struct smtp_str a)
{
    return has_domain(a) && !is_loose(a) ? 0 : a.len + 1 + c->maildomain.len;
}

/* root -> root@maildomain, ops (x) @ y -> ops@y, in the pool, which has room
 * for it. What is no address stays as it is, and is refused. */
static struct smtp_str qualified(const struct config *c, struct smtp_str a,
                                 char **pool)
{
    struct smtp_str out = { *pool, 0 };

    if (pool_len(c, a) == 0)
        return a;
    out.len = smtp_address_spec(a, *pool, a.len);
    if (out.len == 0)
        return a;
    if (!has_domain(out) && c->maildomain.len != 0) {
        (*pool)[out.len++] = '@';
        memcpy(*pool + out.len, c->maildomain.p, c->maildomain.len);
        out.len += c->maildomain.len;
    }
    *pool += out.len;
    return out;
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

static bool gather(const struct config *c, struct smtp_rcpt *list, char *pool,
                   struct report *r)
{
    struct walk w = { c, 0, 0, 0 };
    struct smtp_str a;

    while (next_rcpt(&w, &a))
        if (!add_rcpt(list, &r->rcpt_count, qualified(c, a, &pool), r))
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

    job->wishes = c->wishes;
    job->wishes.ret = ret[c->dsn_return];
    for (i = 0; c->notify != 0 && i < count; i++) {
        list[i].notify = c->notify;
        list[i].orcpt = list[i].address;
    }
}

static bool recipients(const struct config *c, struct smtp_job *job,
                       struct report *r)
{
    struct walk w = { c, 0, 0, 0 };
    struct smtp_rcpt *list;
    struct smtp_str a;
    size_t most = 0, pool = 0;

    while (most <= RCPT_MAX && next_rcpt(&w, &a)) {
        most++;
        pool += pool_len(c, a);
    }
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
    list = board_pages(most * sizeof(*list) + pool);
    if (list == NULL)
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "%lu recipients need more memory than there is",
                          (unsigned long)most);
    r->rcpt = list;
    if (!gather(c, list, (char *)(list + most), r))
        return false;
    ask_for_notes(c, list, r->rcpt_count, job);
    job->rcpt = list;
    job->rcpt_count = r->rcpt_count;
    return true;
}

bool envelope_addresses(const struct config *c, struct smtp_job *job,
                        struct report *r)
{
    static char pool[2 * 256];
    char *at = pool;

    if (!recipients(c, job, r))
        return false;
    job->from = str_of(c->from);
    if (c->from.p == NULL)
        job->from = message_from(c->message.p, c->message.len);
    if (c->from.p == NULL && job->from.len == 0)
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "no sender: set from ADDRESS, or give the message "
                          "a From field");
    if (pool_len(c, job->from) <= sizeof(pool))
        job->from = qualified(c, job->from, &at);
    if (job->from.len != 0 && !address_ok(job->from, "sender", r))
        return false;
    r->from = blob_of(job->from.p, job->from.len);
    return true;
}

/* ------------------------------------------------------------------ job */

void envelope_job(const struct config *c, const struct addr *our_address,
                  struct smtp_job *job)
{
    static const enum smtp_auth auth[] = {
        [AUTH_OFF] = SMTP_AUTH_OFF,
        [AUTH_ON] = SMTP_AUTH_ANY,
        [AUTH_PLAIN] = SMTP_AUTH_PLAIN,
        [AUTH_SCRAM_SHA_1] = SMTP_AUTH_SCRAM_SHA_1,
        [AUTH_SCRAM_SHA_1_PLUS] = SMTP_AUTH_SCRAM_SHA_1_PLUS,
        [AUTH_SCRAM_SHA_256] = SMTP_AUTH_SCRAM_SHA_256,
        [AUTH_SCRAM_SHA_256_PLUS] = SMTP_AUTH_SCRAM_SHA_256_PLUS,
        [AUTH_CRAM_MD5] = SMTP_AUTH_CRAM_MD5,
        [AUTH_EXTERNAL] = SMTP_AUTH_EXTERNAL,
        [AUTH_OAUTHBEARER] = SMTP_AUTH_OAUTHBEARER,
        [AUTH_XOAUTH2] = SMTP_AUTH_XOAUTH2,
        [AUTH_LOGIN] = SMTP_AUTH_LOGIN,
    };
    static char literal[sizeof("[IPv6:]") + sizeof(struct addr_text)];
    int n;

    job->helo = str_of(c->domain);
    if (c->domain.len == 0) { /* RFC 5321 4.1.4: no name, so the address */
        n = snprintf(literal, sizeof(literal), "[%s%s]",
                     our_address->len == 16 ? "IPv6:" : "",
                     addr_text(our_address).s);
        job->helo.p = literal;
        job->helo.len = n > 0 ? (size_t)n : 0;
    }
    job->tls = !c->tls           ? SMTP_TLS_NONE
               : c->tls_starttls ? SMTP_TLS_STARTTLS
                                 : SMTP_TLS_IMPLICIT;
    job->lmtp = c->protocol == PROTOCOL_LMTP;
    job->check = c->check;
    job->no_chunking = !c->chunking;
    job->auth = auth[c->auth];
    job->auth_unsafe = c->auth_unsafe;
    job->user = str_of(c->user);
    job->password = str_of(c->password);
    job->host = str_of(c->host);
    job->crypto = &crypto;
    job->timeout_ms =
        c->timeout_s > UINT32_MAX / 1000 ? UINT32_MAX : c->timeout_s * 1000;
}
