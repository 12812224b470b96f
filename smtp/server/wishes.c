/*
 * wishes.c - parameters of MAIL that want something of every hop to come:
 * REQUIRETLS (RFC 8689), BY (2852), MT-PRIORITY (6710), HOLDFOR and HOLDUNTIL
 * (4865). They are read here; the caller, who had them offered, keeps them.
 */
#include "server.h"

#include "date.h"

static bool named(const struct server_param *p, const char *name)
{
    return text_same(p->name.p, p->name.len, name);
}

static enum server_verdict when(bool ok)
{
    return ok ? PARAM_OK : PARAM_MALFORMED;
}

/* Takes "+" or "-" off the front; true: it was "-". */
static bool sign(struct smtp_str *s)
{
    bool minus = s->len != 0 && s->p[0] == '-';

    if (minus || (s->len != 0 && s->p[0] == '+')) {
        s->p++;
        s->len--;
    }
    return minus;
}

/* by-time ";" by-mode ["T"]; what is to come back needs a time to come */
static bool deliver_by(struct smtpd_mail *m, struct smtp_str v, uint32_t least)
{
    bool minus = sign(&v), again = m->has_by;
    size_t n = 0;
    uint64_t seconds;
    char mode;

    while (n < v.len && v.p[n] != ';')
        n++;
    if (again || n > 9 || !server_number((struct smtp_str){ v.p, n }, &seconds))
        return false;
    v.p += n;
    v.len -= n;
    if (v.len != 2 && v.len != 3)
        return false;
    mode = v.p[1];
    m->has_by = true;
    m->by_return = mode == 'R' || mode == 'r';
    m->by_trace = v.len == 3;
    m->by_seconds = minus ? -(int32_t)seconds : (int32_t)seconds;
    if (v.len == 3 && v.p[2] != 'T' && v.p[2] != 't')
        return false;
    if (m->by_return)
        return m->by_seconds > 0 && seconds >= least;
    return mode == 'N' || mode == 'n';
}

static bool priority(struct smtpd_mail *m, struct smtp_str v)
{
    bool again = m->has_priority, minus;
    bool plus = v.len != 0 && v.p[0] == '+'; /* not in RFC 6710 section 3 */

    minus = sign(&v);
    if (again || plus || v.len != 1 || v.p[0] < '0' || v.p[0] > '9' ||
        (minus && v.p[0] == '0'))
        return false;
    m->has_priority = true;
    m->priority = (int8_t)(minus ? '0' - v.p[0] : v.p[0] - '0');
    return true;
}

static bool held(const struct smtpd_mail *m)
{
    return m->hold_seconds != 0 || m->hold_until.len != 0;
}

static bool hold_for(struct smtpd_mail *m, struct smtp_str v, uint32_t most)
{
    uint64_t n;

    if (held(m) || v.len > 9 || !server_number(v, &n) || v.p[0] == '0' ||
        n > most)
        return false;
    m->hold_seconds = (uint32_t)n;
    return true;
}

static bool hold_until(struct smtpd_mail *m, struct smtp_str v)
{
    int64_t seconds;

    if (held(m) || !smtp_date_internet(v, &seconds))
        return false;
    m->hold_until = v;
    return true;
}

enum server_verdict server_wish(struct server *s, const struct server_param *p)
{
    struct smtpd_mail *m = &s->mail;

    if (named(p, "REQUIRETLS") && server_shows(s, SMTPD_REQUIRETLS)) {
        bool again = m->require_tls;

        m->require_tls = true;
        return when(!again && !p->has_value);
    }
    if (named(p, "BY") && server_shows(s, SMTPD_DELIVERBY))
        return when(deliver_by(m, p->value, s->cfg->by_min));
    if (named(p, "MT-PRIORITY") && server_shows(s, SMTPD_MT_PRIORITY))
        return when(priority(m, p->value));
    if (named(p, "HOLDFOR") && server_shows(s, SMTPD_FUTURERELEASE))
        return when(hold_for(m, p->value, s->cfg->hold_max));
    if (named(p, "HOLDUNTIL") && server_shows(s, SMTPD_FUTURERELEASE))
        return when(hold_until(m, p->value));
    return PARAM_UNKNOWN;
}

void server_wish_names(const struct server *s, struct text *t)
{
    if (server_shows(s, SMTPD_REQUIRETLS))
        text_str(t, "\nREQUIRETLS");
    if (server_shows(s, SMTPD_DELIVERBY)) {
        text_str(t, "\nDELIVERBY");
        if (s->cfg->by_min != 0) {
            text_str(t, " ");
            text_u64(t, s->cfg->by_min);
        }
    }
    if (server_shows(s, SMTPD_MT_PRIORITY))
        text_str(t, "\nMT-PRIORITY");
    if (server_shows(s, SMTPD_FUTURERELEASE)) {
        text_str(t, "\nFUTURERELEASE ");
        text_u64(t, s->cfg->hold_max);
        text_str(t, " ");
        text_mem(t, s->cfg->hold_until.p, s->cfg->hold_until.len);
    }
}
