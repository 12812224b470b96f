/*
 * params.c - the parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (6152,
 * 3030),
 * SMTPUTF8 (6531), RET, ENVID, NOTIFY, ORCPT (3461, 6533), REQUIRETLS (8689),
 * BY (2852), MT-PRIORITY (6710), HOLDFOR and HOLDUNTIL (4865).
 *
 * What the job wishes is either said to a server that offers it or the reason
 * why nothing is sent. Whatever may hold anything (ENVID, ORCPT) goes out as
 * xtext, so that no value can end a line or add a parameter.
 */
#include "session.h"

#include "xtext.h"

#define ENVID_MAX  100 /* RFC 3461 4.4, encoded */
#define ORCPT_MAX  500 /* 4.2, encoded, type included */
#define BY_MAX     999999999
#define UNTIL_MAX  64
#define NOTIFY_ALL 15

static const struct smtp_str nothing = { "", 0 };

/* --- can it be written? ------------------------------------------------ */

static bool printable(struct smtp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
    return true;
}

/* Bytes that put would write. */
static size_t length(void (*put)(struct text *, struct smtp_str),
                     struct smtp_str s)
{
    struct text t = text_into(NULL, 0);

    t.skip = SIZE_MAX;
    put(&t, s);
    return SIZE_MAX - t.skip;
}

static bool ascii(struct smtp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.p[i] > 0x7f)
            return false;
    return true;
}

/* One character of UTF-8, n bytes, as \x{HEX}. */
static void put_unicode(struct text *t, const char *p, size_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t c = n == 1 ? (uint8_t)p[0] : (uint8_t)p[0] & (0xffu >> (n + 1));
    bool begun = false;

    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((uint8_t)p[i] & 0x3f);
    text_str(t, "\\x{");
    for (unsigned shift = 24; shift != 0;) {
        shift -= 4;
        begun = begun || (c >> shift & 15) != 0 || shift == 4;
        if (begun)
            text_mem(t, digits + (c >> shift & 15), 1);
    }
    text_str(t, "}");
}

/* RFC 3461 4.2; an address that is not ASCII in the form of RFC 6533 3 that
 * passes through hops without SMTPUTF8. */
static void put_orcpt(struct text *t, struct smtp_str s)
{
    size_t n;

    if (ascii(s)) {
        text_str(t, "rfc822;");
        xtext_put(t, s);
        return;
    }
    text_str(t, "utf-8;");
    for (size_t i = 0; i < s.len; i += n) {
        char c = s.p[i];

        n = text_char(s.p + i, s.len - i);
        n = n == 0 ? 1 : n;
        if (c > 0x20 && c < 0x7f && c != '+' && c != '=' && c != '\\')
            text_mem(t, &c, 1);
        else
            put_unicode(t, s.p + i, n);
    }
}

/* RFC 3339 holds these and no others. */
static bool time_ok(struct smtp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '-' && s.p[i] != ':' &&
            s.p[i] != 'T' && s.p[i] != 'Z' && s.p[i] != '+' && s.p[i] != '.')
            return false;
    return s.len <= UNTIL_MAX;
}

static bool wishes_ok(struct session *s)
{
    const struct smtp_wishes *w = &s->job->wishes;

    if (!printable(w->envid) || length(xtext_put, w->envid) > ENVID_MAX)
        reason_job(s, "envelope id for delivery notes", nothing,
                   "it is not printable ASCII, or too long");
    else if (w->by_seconds > BY_MAX || w->hold_seconds > BY_MAX)
        reason_job(s, "time of delivery", nothing,
                   "it is more than 999999999 seconds away");
    else if (w->priority < -9 || w->priority > 9)
        reason_job(s, "priority", nothing, "it is not between -9 and 9");
    else if (!time_ok(w->hold_until))
        reason_job(s, "time to hold the message until", w->hold_until,
                   "it is no date and time of RFC 3339");
    else if (w->hold_seconds != 0 && w->hold_until.len != 0)
        reason_job(s, "time to hold the message", nothing,
                   "a number of seconds and a date are one too many");
    else
        return true;
    return false;
}

bool params_ok(struct session *s)
{
    if (!wishes_ok(s))
        return false;
    for (size_t i = 0; i < s->job->rcpt_count; i++) {
        const struct smtp_rcpt *r = &s->job->rcpt[i];

        if (length(put_orcpt, r->orcpt) > ORCPT_MAX) {
            reason_job(s, "original recipient", r->orcpt, "it is too long");
            return false;
        }
        if (r->notify > NOTIFY_ALL || ((r->notify & SMTP_NOTIFY_NEVER) != 0 &&
                                       r->notify != SMTP_NOTIFY_NEVER)) {
            reason_job(s, "delivery notes for recipient", r->address,
                       "never and another case exclude each other");
            return false;
        }
    }
    return true;
}

/* --- does the server take it? ------------------------------------------ */

static bool notes_wanted(const struct smtp_job *job)
{
    if (job->wishes.ret != SMTP_RET_ANY || job->wishes.envid.len != 0)
        return true;
    for (size_t i = 0; i < job->rcpt_count; i++)
        if ((job->rcpt[i].notify & ~SMTP_NOTIFY_NEVER) != 0)
            return true;
    return false;
}

const char *params_lack(const struct session *s)
{
    const struct smtp_wishes *w = &s->job->wishes;
    const struct ehlo *e = &s->caps;

    if (s->content == SMTP_BINARY && !session_binary(s))
        return "the message is binary and the server does not offer "
               "BINARYMIME";
    if (!e->dsn && notes_wanted(s->job))
        return "delivery notes are asked for and the server does not offer "
               "DSN";
    if (w->require_tls && !s->tls_verified)
        return "the message requires TLS on its whole way, and this "
               "connection is not verified TLS";
    if (w->require_tls && !e->require_tls)
        return "the message requires TLS on its whole way and the server does "
               "not offer REQUIRETLS";
    if (w->by_seconds != 0 && !e->deliver_by)
        return "a time of delivery is asked for and the server does not offer "
               "DELIVERBY";
    if (w->by_seconds != 0 && w->by_return && w->by_seconds < e->by_min)
        return "the time of delivery that is asked for is shorter than the "
               "server can keep";
    if (w->has_priority && !e->priority)
        return "a priority is asked for and the server does not offer "
               "MT-PRIORITY";
    if ((w->hold_seconds != 0 || w->hold_until.len != 0) && !e->future_release)
        return "the message is to be held and the server does not offer "
               "FUTURERELEASE";
    if (e->hold_max != 0 && w->hold_seconds > e->hold_max)
        return "the message is to be held for longer than the server does";
    return NULL;
}

/* --- the words --------------------------------------------------------- */

static void put_by(struct text *t, const struct smtp_wishes *w)
{
    text_str(t, " BY=");
    text_u64(t, w->by_seconds);
    text_str(t, w->by_return ? ";R" : ";N");
    if (w->by_trace)
        text_str(t, "T");
}

static void put_priority(struct text *t, int8_t priority)
{
    text_str(t, priority < 0 ? " MT-PRIORITY=-" : " MT-PRIORITY=");
    text_u64(t, (uint64_t)(priority < 0 ? -priority : priority));
}

static void put_wishes(struct text *t, const struct session *s)
{
    const struct smtp_wishes *w = &s->job->wishes;

    if (w->ret != SMTP_RET_ANY)
        text_str(t, w->ret == SMTP_RET_FULL ? " RET=FULL" : " RET=HDRS");
    if (w->envid.len != 0) {
        text_str(t, " ENVID=");
        xtext_put(t, w->envid);
    }
    if (w->require_tls)
        text_str(t, " REQUIRETLS");
    if (w->by_seconds != 0)
        put_by(t, w);
    if (w->has_priority)
        put_priority(t, w->priority);
    if (w->hold_seconds != 0) {
        text_str(t, " HOLDFOR=");
        text_u64(t, w->hold_seconds);
    }
    if (w->hold_until.len != 0) {
        text_str(t, " HOLDUNTIL=");
        text_mem(t, w->hold_until.p, w->hold_until.len);
    }
}

void params_mail(const struct session *s, struct text *t)
{
    if (s->caps.size && s->size != 0) {
        text_str(t, " SIZE=");
        text_u64(t, s->size);
    }
    if (s->content == SMTP_BINARY)
        text_str(t, " BODY=BINARYMIME");
    else if (s->caps.eight_bit && s->content == SMTP_8BIT)
        text_str(t, " BODY=8BITMIME");
    if (s->caps.utf8 && s->utf8)
        text_str(t, " SMTPUTF8");
    put_wishes(t, s);
}

static void put_notify(struct text *t, unsigned notify)
{
    static const char *const words[] = { "NEVER", "SUCCESS", "FAILURE",
                                         "DELAY" };
    const char *mark = " NOTIFY=";

    for (unsigned i = 0; i < 4; i++) {
        if ((notify >> i & 1) == 0)
            continue;
        text_str(t, mark);
        text_str(t, words[i]);
        mark = ",";
    }
}

void params_rcpt(const struct session *s, const struct smtp_rcpt *r,
                 struct text *t)
{
    if (!s->caps.dsn)
        return;
    put_notify(t, r->notify);
    if (r->orcpt.len != 0) {
        text_str(t, " ORCPT=");
        put_orcpt(t, r->orcpt);
    }
}
