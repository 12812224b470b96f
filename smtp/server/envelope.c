/*
 * envelope.c - MAIL and RCPT with their parameters (RFC 5321 4.1.1.2 and
 * 4.1.1.3, 1870, 3030, 3461, 4954 5, 6152, 6531); wishes.c has the rest.
 *
 * Lenient where clients are: blanks behind the colon are skipped. A parameter
 * that is not offered is not known (555); one that comes twice is malformed.
 */
#include "server.h"

#include "xtext.h"

#include <string.h>

#define ENVID_MAX 100 /* RFC 3461 4.4 */
#define XTEXT_MAX 500 /* RFC 3461 4.2, RFC 4954 section 5 */

/* Takes the next parameter off the line; false at its end. */
static bool next_param(struct smtp_str *line, struct server_param *p)
{
    size_t n = 0;

    while (line->len != 0 && line->p[0] == ' ') {
        line->p++;
        line->len--;
    }
    while (n < line->len && line->p[n] != ' ' && line->p[n] != '=')
        n++;
    p->name.p = line->p;
    p->name.len = n;
    p->has_value = n < line->len && line->p[n] == '=';
    if (p->has_value)
        n++;
    p->value.p = line->p + n;
    p->value.len = 0;
    while (p->has_value && n < line->len && line->p[n] != ' ') {
        n++;
        p->value.len++;
    }
    line->p += n;
    line->len -= n;
    return p->name.len != 0 || p->has_value;
}

static bool named(const struct server_param *p, const char *name)
{
    return text_same(p->name.p, p->name.len, name);
}

static bool value_is(const struct server_param *p, const char *word)
{
    return text_same(p->value.p, p->value.len, word);
}

bool server_number(struct smtp_str s, uint64_t *n)
{
    *n = 0;
    if (s.len == 0 || s.len > 19)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *n = *n * 10 + (uint64_t)(s.p[i] - '0');
    }
    return true;
}

/* Decodes xtext into decoded[]; at most max bytes of it. */
static bool decode(struct server *s, struct smtp_str from, size_t max,
                   struct smtp_str *to)
{
    char *at = s->decoded + s->decoded_len;
    size_t room = sizeof s->decoded - s->decoded_len, len;

    if (from.len == 0 || from.len > max || !xtext_decode(from, at, room, &len))
        return false;
    to->p = at;
    to->len = len;
    s->decoded_len += len;
    return true;
}

/* --- MAIL ----------------------------------------------------------------- */

static enum server_verdict body_type(struct server *s,
                                     const struct server_param *p)
{
    if (value_is(p, "7BIT"))
        s->mail.body = SMTPD_BODY_7BIT;
    else if (value_is(p, "8BITMIME") && server_offers(s, SMTPD_8BITMIME))
        s->mail.body = SMTPD_BODY_8BIT;
    else if (value_is(p, "BINARYMIME") && server_offers(s, SMTPD_BINARYMIME))
        s->mail.body = SMTPD_BODY_BINARY;
    else
        return PARAM_MALFORMED;
    return PARAM_OK;
}

static enum server_verdict dsn_mail(struct server *s,
                                    const struct server_param *p)
{
    struct smtpd_mail *m = &s->mail;
    bool ok;

    if (named(p, "ENVID")) {
        ok = m->envid.len == 0 && decode(s, p->value, ENVID_MAX, &m->envid);
    } else {
        ok = m->ret == SMTPD_RET_NONE;
        if (value_is(p, "FULL"))
            m->ret = SMTPD_RET_FULL;
        else if (value_is(p, "HDRS"))
            m->ret = SMTPD_RET_HDRS;
        else
            ok = false;
    }
    return ok ? PARAM_OK : PARAM_MALFORMED;
}

/* RFC 4954 section 5: believed by nobody but who knows the client. */
static enum server_verdict auth_param(struct server *s,
                                      const struct server_param *p)
{
    struct smtpd_mail *m = &s->mail;
    struct smtp_mailbox mailbox;
    const char *why;

    if (m->auth.len != 0 || !decode(s, p->value, XTEXT_MAX, &m->auth))
        return PARAM_MALFORMED;
    if (text_same(m->auth.p, m->auth.len, "<>") ||
        smtp_mailbox_parse(m->auth, &mailbox, &why))
        return PARAM_OK;
    return PARAM_MALFORMED;
}

static enum server_verdict mail_param(struct server *s,
                                      const struct server_param *p,
                                      unsigned *seen)
{
    enum { SIZE = 1, BODY = 2, UTF8 = 4 };
    unsigned which = 0;
    enum server_verdict v;

    if (named(p, "SIZE") && server_offers(s, SMTPD_SIZE)) {
        which = SIZE;
        v = server_number(p->value, &s->mail.size) ? PARAM_OK : PARAM_MALFORMED;
    } else if (named(p, "BODY") && (server_offers(s, SMTPD_8BITMIME) ||
                                    server_offers(s, SMTPD_BINARYMIME))) {
        which = BODY;
        v = body_type(s, p);
    } else if (named(p, "SMTPUTF8") && server_offers(s, SMTPD_SMTPUTF8)) {
        which = UTF8;
        s->mail.utf8 = true;
        v = p->has_value ? PARAM_MALFORMED : PARAM_OK;
    } else if ((named(p, "RET") || named(p, "ENVID")) &&
               server_offers(s, SMTPD_DSN)) {
        v = dsn_mail(s, p);
    } else if (named(p, "AUTH") && s->cfg->mechanisms != 0) {
        v = auth_param(s, p);
    } else {
        v = server_wish(s, p);
    }
    if ((*seen & which) != 0)
        v = PARAM_MALFORMED;
    *seen |= which;
    return v;
}

/* --- RCPT ----------------------------------------------------------------- */

static enum server_verdict notify(struct server *s, struct smtp_str list)
{
    static const char names[4][8] = { "NEVER", "SUCCESS", "FAILURE", "DELAY" };
    unsigned got = 0;

    for (size_t at = 0; at <= list.len;) {
        size_t n = 0, i = 0;

        while (at + n < list.len && list.p[at + n] != ',')
            n++;
        while (i < 4 && !text_same(list.p + at, n, names[i]))
            i++;
        if (i == 4 || (got & 1u << i) != 0)
            return PARAM_MALFORMED;
        got |= 1u << i;
        at += n + 1;
    }
    if (s->rcpt.notify != 0 || ((got & SMTPD_NEVER) != 0 && got != SMTPD_NEVER))
        return PARAM_MALFORMED;
    s->rcpt.notify = got;
    return PARAM_OK;
}

/* addr-type ";" xtext */
static enum server_verdict orcpt(struct server *s, struct smtp_str value)
{
    size_t n = 0;

    while (n < value.len && value.p[n] != ';')
        n++;
    if (s->rcpt.orcpt.len != 0 || n == 0 || n == value.len ||
        value.len > XTEXT_MAX)
        return PARAM_MALFORMED;
    s->rcpt.orcpt_type.p = value.p;
    s->rcpt.orcpt_type.len = n;
    value.p += n + 1;
    value.len -= n + 1;
    return decode(s, value, XTEXT_MAX, &s->rcpt.orcpt) ? PARAM_OK
                                                       : PARAM_MALFORMED;
}

static enum server_verdict rcpt_param(struct server *s,
                                      const struct server_param *p)
{
    if (named(p, "NOTIFY") && server_offers(s, SMTPD_DSN))
        return notify(s, p->value);
    if (named(p, "ORCPT") && server_offers(s, SMTPD_DSN))
        return orcpt(s, p->value);
    return PARAM_UNKNOWN;
}

/* --- both ----------------------------------------------------------------- */

/* "FROM:" or "TO:", blanks, a path. False: the reply was given. */
static bool path(struct server *s, struct smtp_str *arg, const char *word,
                 struct smtp_mailbox *m)
{
    bool rcpt = word[0] == 'T';
    size_t n = strlen(word);
    const char *why;

    if (!text_starts(arg->p, arg->len, word)) {
        server_error(s, 501, 5, 4,
                     rcpt ? "RCPT TO:<address> is wanted"
                          : "MAIL FROM:<address> is wanted");
        return false;
    }
    while (n < arg->len && arg->p[n] == ' ')
        n++;
    arg->p += n;
    arg->len -= n;
    n = smtp_path_parse(*arg, m, &why);
    if (n == 0 || (rcpt && m->kind == MAILBOX_NULL)) {
        server_error(s, 501, 1, rcpt ? 3 : 7,
                     n == 0 ? why : "a recipient is wanted");
        return false;
    }
    arg->p += n;
    arg->len -= n;
    if (arg->len != 0 && arg->p[0] != ' ') {
        server_error(s, 501, 5, 4, "a blank is wanted behind the address");
        return false;
    }
    return true;
}

/* False: the reply was given. */
static bool params(struct server *s, struct smtp_str line, bool rcpt)
{
    struct server_param p;
    unsigned seen = 0;

    s->decoded_len = 0;
    while (next_param(&line, &p)) {
        enum server_verdict v = !s->esmtp ? PARAM_UNKNOWN
                                : rcpt    ? rcpt_param(s, &p)
                                          : mail_param(s, &p, &seen);

        if (v == PARAM_OK)
            continue;
        if (v == PARAM_UNKNOWN)
            server_error(s, 555, 5, 4, "unknown parameter");
        else
            server_error(s, 501, 5, 4, "malformed parameter");
        return false;
    }
    return true;
}

void server_mail(struct server *s, struct smtp_str arg)
{
    static const struct server_say enough = { 421,
                                              { 4, 7, 0 },
                                              "too many messages" };
    static const struct server_say large = { 552,
                                             { 5, 3, 4 },
                                             "the message is too large" };

    if (s->mail_given) {
        server_error(s, 503, 5, 1, "a sender was given already");
        return;
    }
    if (s->cfg->mail_max != 0 && s->mails >= s->cfg->mail_max) {
        server_close(s, SMTPD_END_LIMIT, &enough);
        return;
    }
    memset(&s->mail, 0, sizeof s->mail);
    if (!path(s, &arg, "FROM:", &s->mail.from) || !params(s, arg, false))
        return;
    if (s->mail.from.utf8 && !s->mail.utf8)
        server_error(s, 553, 6, 7, "this address needs SMTPUTF8");
    else if (s->cfg->size_max != 0 && s->mail.size > s->cfg->size_max)
        server_say(s, &large);
    else {
        s->mail_utf8 = s->mail.utf8;
        s->mail_binary = s->mail.body == SMTPD_BODY_BINARY;
        server_ask(s, SMTPD_ASK_MAIL);
    }
}

void server_rcpt(struct server *s, struct smtp_str arg)
{
    static const struct server_say full = { 452,
                                            { 4, 5, 3 },
                                            "too many recipients" };

    if (!s->mail_given) {
        server_error(s, 503, 5, 1, "MAIL first");
        return;
    }
    if (s->cfg->rcpt_max != 0 && s->rcpts >= s->cfg->rcpt_max) {
        server_say(s, &full);
        return;
    }
    memset(&s->rcpt, 0, sizeof s->rcpt);
    if (!path(s, &arg, "TO:", &s->rcpt.to) || !params(s, arg, true))
        return;
    if (s->rcpt.to.utf8 && !s->mail_utf8)
        server_error(s, 553, 6, 7, "this address needs SMTPUTF8");
    else
        server_ask(s, SMTPD_ASK_RCPT);
}
