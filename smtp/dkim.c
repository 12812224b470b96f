/*
 * dkim.c - see dkim.h.
 *
 * RFC 6376 5.4.2: of several fields of one name the lowest counts first, so
 * the n-th time that a name stands in h= means the n-th field from below. A
 * walk over the header finds one field; there is no list of them.
 */
#include "dkim.h"

#include <string.h>

#include "base64.h"
#include "canon.h"
#include "text.h"

#define NAME_MAX 80 /* bytes of a field's name that matter */
#define LINE     72 /* columns of a line of base64 */

struct signed_name {
    const char *name;
    bool once_more; /* named once more than it occurs */
};

static const struct signed_name names[] = {
    { "From", true },
    { "Reply-To", true },
    { "To", true },
    { "Cc", true },
    { "Subject", true },
    { "Date", true },
    { "Message-ID", true },
    { "In-Reply-To", true },
    { "References", true },
    { "MIME-Version", true },
    { "Content-Type", true },
    { "Content-Transfer-Encoding", true },
    { "Sender", false },
    { "List-Id", false },
    { "List-Help", false },
    { "List-Unsubscribe", false },
    { "List-Unsubscribe-Post", false },
    { "List-Subscribe", false },
    { "List-Post", false },
    { "List-Owner", false },
    { "List-Archive", false },
    { "Resent-Date", false },
    { "Resent-From", false },
    { "Resent-To", false },
    { "Resent-Cc", false },
    { "Auto-Submitted", false },
};

#define NAMES   (sizeof names / sizeof *names)
#define PER_MAX 20 /* fields of one name that are signed */

/* A walk over the message, in whatever pieces it comes. */
struct walk {
    const struct dkim_crypto *crypto;
    /* where it is */
    char name[NAME_MAX];
    size_t name_len;
    bool in_name, line_start, in_body;
    /* what it looks for: one field, or how many there are of each, and the
     * body's hash */
    const char *wanted;
    unsigned skip; /* fields of that name above the one that is meant */
    bool take;
    unsigned count[NAMES];
    struct canon_field field;
    struct canon_body body;
};

static bool fail(struct message_error *err, const char *why)
{
    struct text t = text_into(err->why, sizeof err->why);

    err->line = 0;
    text_str(&t, why);
    text_end(&t);
    return false;
}

/* The name of a field is whole. */
static void on_name(struct walk *w)
{
    size_t i;

    w->in_name = false;
    if (w->wanted == NULL) {
        for (i = 0; i < NAMES; i++)
            if (text_same(w->name, w->name_len, names[i].name))
                w->count[i]++;
        return;
    }
    if (!text_same(w->name, w->name_len, w->wanted))
        return;
    w->take = w->skip == 0;
    if (w->skip != 0)
        w->skip--;
    if (w->take)
        canon_field(&w->field, (const uint8_t *)w->name, w->name_len);
}

static void end_field(struct walk *w)
{
    if (w->take) {
        canon_field_end(&w->field, false);
        w->wanted = ""; /* it is found: no field has that name */
    }
    w->take = w->in_name = false;
}

static void header_byte(struct walk *w, uint8_t c)
{
    if (w->line_start && c == '\r') /* of the empty line */
        return;
    if (w->line_start && c == '\n') {
        end_field(w);
        w->in_body = true;
        return;
    }
    if (w->line_start && c != ' ' && c != '\t') {
        end_field(w);
        w->in_name = true;
        w->name_len = 0;
    }
    w->line_start = c == '\n';
    if (w->in_name && c == ':')
        on_name(w);
    if (w->in_name && w->name_len < NAME_MAX)
        w->name[w->name_len++] = (char)c;
    else if (w->take)
        canon_field(&w->field, &c, 1);
}

/* Feeds the whole message, or all of its header. */
static void run(struct walk *w, struct message *m, bool with_body)
{
    const uint8_t *p;
    size_t n, i;

    w->line_start = true;
    message_rewind(m);
    while (p = message_buf(m, &n), n != 0) {
        for (i = 0; i < n && !w->in_body; i++)
            header_byte(w, p[i]);
        if (w->in_body && !with_body)
            break;
        if (i < n)
            canon_body(&w->body, p + i, n - i);
        message_ack(m, n);
    }
    end_field(w); /* a header alone */
    message_rewind(m);
}

/* ------------------------------------------------------------- the field */

static void put_base64(struct text *t, const uint8_t *p, size_t n,
                       size_t column)
{
    char group[4];

    for (size_t i = 0; i < n; i += 3) {
        if (column + 4 > LINE) {
            text_str(t, "\r\n  ");
            column = 2;
        }
        base64_group(group, p + i, n - i);
        text_mem(t, group, sizeof group);
        column += sizeof group;
    }
}

/* How often a name stands in h=. */
static unsigned times(const struct walk *w, size_t i)
{
    unsigned n = w->count[i] < PER_MAX ? w->count[i] : PER_MAX;

    return n + (names[i].once_more && n == w->count[i] ? 1 : 0);
}

static void put_names(struct text *t, const struct walk *w)
{
    size_t column = 3;
    bool first = true;

    text_str(t, "\r\n h=");
    for (size_t i = 0; i < NAMES; i++) {
        for (unsigned k = times(w, i); k != 0; k--) {
            size_t n = strlen(names[i].name) + 1;

            if (!first)
                text_str(t, ":");
            if (column + n > LINE) {
                text_str(t, "\r\n  ");
                column = 2;
            }
            text_str(t, names[i].name);
            column += n;
            first = false;
        }
    }
    text_str(t, ";");
}

/* Everything up to and with "b=". */
static void put_field(struct text *t, const struct dkim_spec *s,
                      const struct walk *w, const uint8_t hash[DKIM_HASH])
{
    text_str(t, "DKIM-Signature: v=1; a=");
    text_str(t,
             s->algorithm == DKIM_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256");
    text_str(t, "; c=");
    text_str(t, s->simple_header ? "simple" : "relaxed");
    text_str(t, s->simple_body ? "/simple" : "/relaxed");
    text_str(t, ";\r\n d=");
    text_mem(t, s->domain.p, s->domain.len);
    text_str(t, ";\r\n s=");
    text_mem(t, s->selector.p, s->selector.len);
    if (s->time >= 0) {
        text_str(t, "; t=");
        text_u64(t, (uint64_t)s->time);
    }
    text_str(t, ";");
    put_names(t, w);
    text_str(t, "\r\n bh=");
    put_base64(t, hash, DKIM_HASH, 4);
    text_str(t, ";\r\n b=");
}

/* -------------------------------------------------------------- signing */

/* RFC 6376 3.5: sub-domains of labels, nothing else. */
static bool domain_ok(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
            !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.len != 0 && s.len <= 253;
}

static void body_hash(struct walk *w, struct message *m,
                      const struct dkim_spec *s, uint8_t hash[DKIM_HASH])
{
    w->body.simple = s->simple_body;
    w->body.to.own = w->crypto->own;
    w->body.to.update = w->crypto->update;
    w->crypto->start(w->crypto->own);
    run(w, m, true);
    canon_body_end(&w->body);
    w->crypto->finish(w->crypto->own, hash);
}

/* Hashes the n-th field from below of names[i]; there is one. */
static void hash_field(const struct walk *counted, struct message *m,
                       const struct dkim_spec *s, size_t i, unsigned n)
{
    struct walk w = { .crypto = counted->crypto,
                      .wanted = names[i].name,
                      .skip = counted->count[i] - n };

    w.field.simple = s->simple_header;
    w.field.to.own = w.crypto->own;
    w.field.to.update = w.crypto->update;
    run(&w, m, false);
}

static void header_hash(const struct walk *counted, struct message *m,
                        const struct dkim_spec *s, const struct text *field,
                        uint8_t hash[DKIM_HASH])
{
    const struct dkim_crypto *c = counted->crypto;
    struct canon_field own = { .simple = s->simple_header,
                               .to = { c->own, c->update } };

    c->start(c->own);
    for (size_t i = 0; i < NAMES; i++)
        for (unsigned n = 1; n <= counted->count[i] && n <= PER_MAX; n++)
            hash_field(counted, m, s, i, n);
    canon_field(&own, (const uint8_t *)field->p, field->len);
    canon_field_end(&own, true);
    c->finish(c->own, hash);
}

bool dkim_sign(struct dkim *d, struct message *m, const struct dkim_spec *s,
               const struct dkim_crypto *crypto, struct message_error *err)
{
    struct walk w = { .crypto = crypto };
    struct text t = text_into(d->field, sizeof d->field);
    static const struct smtp_str none = { "", 0 };
    struct smtp_str field = { d->field, 0 };
    uint8_t hash[DKIM_HASH], sig[DKIM_SIGNATURE_MAX];
    size_t len;

    if (!domain_ok(s->domain) || !domain_ok(s->selector))
        return fail(err, "dkim_domain or dkim_selector is no domain");
    message_prepend(m, none);
    body_hash(&w, m, s, hash);
    put_field(&t, s, &w, hash);
    header_hash(&w, m, s, &t, hash);
    len = crypto->sign(crypto->own, hash, sig, sizeof sig);
    if (len == 0)
        return fail(err, "the DKIM signature could not be made");
    put_base64(&t, sig, len, 3);
    text_str(&t, "\r\n");
    if (t.full)
        return fail(err, "the DKIM signature is too long");
    d->len = field.len = t.len;
    message_prepend(m, field);
    return true;
}
