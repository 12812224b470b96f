/*
 * config_wishes.c - what the servers on the way are asked for: the keys
 * dsn_envid, mt_priority, deliver_by, hold_for and hold_until -> struct
 * smtp_wishes. What the engine would refuse is refused here already, with the
 * line it stands in.
 */
#include "config.h"

#include "date.h"

#define ENVID_MAX 100 /* RFC 3461 4.4, in xtext */

static bool fail(struct conf_error *err, const char *why)
{
    conf_why(err, why);
    return false;
}

static bool envid(struct blob b, struct smtp_wishes *w, struct conf_error *err)
{
    size_t coded = 0, i;

    for (i = 0; i < b.len; i++) {
        if (b.p[i] < 0x20 || b.p[i] > 0x7e)
            return fail(err, "dsn_envid holds a byte that is no printable "
                             "ASCII");
        coded += b.p[i] == '+' || b.p[i] == '=' || b.p[i] == ' ' ? 3 : 1;
    }
    w->envid.p = (const char *)b.p;
    w->envid.len = b.len;
    return coded <= ENVID_MAX ||
           fail(err, "dsn_envid is too long: 100 bytes, of which a blank, + "
                     "and = take three");
}

static bool priority(struct blob b, struct smtp_wishes *w,
                     struct conf_error *err)
{
    bool minus = b.len != 0 && b.p[0] == '-';
    int n;

    if (blob_eq(b, blob_str("off")))
        return true;
    if (b.len != (minus ? 2u : 1u) || b.p[b.len - 1] < '0' ||
        b.p[b.len - 1] > '9')
        return fail(err, "mt_priority wants off or -9 to 9");
    n = b.p[b.len - 1] - '0';
    w->has_priority = true;
    w->priority = (int8_t)(minus ? -n : n);
    return true;
}

/* Takes the word and its blanks off the front. */
static bool word(struct blob *b, const char *text)
{
    size_t n = blob_str(text).len;

    if (b->len < n || !blob_eq(blob_of(b->p, n), blob_str(text)) ||
        (b->len > n && b->p[n] != ' '))
        return false;
    while (n < b->len && b->p[n] == ' ')
        n++;
    b->p += n;
    b->len -= n;
    return true;
}

/* SECONDS ["notify" | "return"] ["trace"] */
static bool deliver_by(struct blob b, struct smtp_wishes *w,
                       struct conf_error *err)
{
    uint32_t seconds = 0;
    size_t digits = 0;

    if (blob_eq(b, blob_str("off")))
        return true;
    while (b.len != 0 && b.p[0] >= '0' && b.p[0] <= '9' && digits < 9) {
        seconds = seconds * 10 + (uint32_t)(b.p[0] - '0');
        digits++;
        b.p++;
        b.len--;
    }
    if (seconds != 0 && (b.len == 0 || word(&b, ""))) {
        w->by_seconds = seconds;
        w->by_return = word(&b, "return");
        if (!w->by_return)
            word(&b, "notify");
        w->by_trace = word(&b, "trace");
        if (b.len == 0)
            return true;
    }
    return fail(err, "deliver_by wants off, or 1 to 999999999 seconds and "
                     "return or notify, what becomes of late mail, and trace "
                     "where each hop shall say so");
}

static bool hold(const struct config *c, struct smtp_wishes *w,
                 struct conf_error *err)
{
    struct smtp_str date = { (const char *)c->hold_until.p, c->hold_until.len };
    int64_t seconds;

    w->hold_seconds = c->hold_for;
    w->hold_until = date;
    if (date.len == 0)
        return true;
    if (c->hold_for != 0)
        return fail(err, "hold_for and hold_until: one of them is too many");
    return smtp_date_internet(date, &seconds) ||
           fail(err, "hold_until wants a date and time of RFC 3339 such as "
                     "2026-11-27T08:00:00Z");
}

bool config_wishes(struct config *c, struct blob *at, struct conf_error *err)
{
    struct smtp_wishes *w = &c->wishes;

    w->require_tls = c->require_tls;
    *at = c->dsn_envid;
    if (!envid(*at, w, err))
        return false;
    *at = c->mt_priority;
    if (!priority(*at, w, err))
        return false;
    *at = c->deliver_by;
    if (!deliver_by(*at, w, err))
        return false;
    *at = c->hold_until;
    return hold(c, w, err);
}
