/*
 * auth.c - which mechanism, and what it says. See auth.h.
 *
 * An answer is a list of spans: pieces of the job, of the session and of
 * literals, one after the other. PLAIN is NUL user NUL password; LOGIN (never
 * standardised, but the only thing some servers offer) is user and password
 * in a line each, and its prompts, which differ between servers, are not
 * looked at.
 */
#include "auth.h"

#include "base64.h"
#include "saslname.h"
#include "session.h"

#include <string.h>

/* An echo of this many characters is masked even when it goes no further. */
#define ECHO_MIN 12

struct span {
    struct smtp_str s;
    bool name; /* as a saslname */
};

struct answer {
    struct span span[10];
    unsigned count;
    char port[5];
};

/* --- which ------------------------------------------------------------- */

/* Has the caller given what it takes? */
static bool able(const struct session *s, const struct auth_mech *m)
{
    const struct smtp_crypto *c = s->job->crypto;
    const struct smtp_binding *b = &s->job->binding;

    if (m == auth_mech(SMTP_AUTH_EXTERNAL))
        return s->tls_up;
    if (m->kind != AUTH_CRAM && m->kind != AUTH_SCRAM)
        return true;
    if (c == NULL || (c->hashes >> m->hash & 1) == 0)
        return false;
    return !m->binds || (s->tls_up && b->type != NULL && b->len != 0 &&
                         b->len <= SCRAM_BIND_MAX);
}

enum smtp_auth auth_choose(const struct session *s, bool reveal)
{
    unsigned allowed = s->job->auth;

    for (unsigned i = SMTP_AUTH_ANY + 1; i < AUTH_MECHS; i++) {
        const struct auth_mech *m = auth_mech(i);

        if ((allowed == i || (allowed == SMTP_AUTH_ANY && m->any)) &&
            (s->caps.mechs >> i & 1) != 0 && (s->auth_tried >> i & 1) == 0 &&
            (reveal || !m->reveals) && able(s, m))
            return (enum smtp_auth)i;
    }
    return SMTP_AUTH_OFF;
}

/* --- answers ----------------------------------------------------------- */

static void add_str(struct answer *a, struct smtp_str s)
{
    a->span[a->count].s = s;
    a->span[a->count++].name = false;
}

static void add_mem(struct answer *a, const char *p, size_t n)
{
    struct smtp_str s = { p, n };

    add_str(a, s);
}

#define ADD(a, literal) add_mem(a, literal, sizeof(literal) - 1)

static void add_name(struct answer *a, struct smtp_str s)
{
    add_str(a, s);
    a->span[a->count - 1].name = true;
}

static void plain(struct answer *a, const struct smtp_job *job)
{
    ADD(a, "\0");
    add_str(a, job->user);
    ADD(a, "\0");
    add_str(a, job->password);
}

static void scram(struct answer *a, const struct session *s)
{
    const struct scram *c = &s->scram;

    if (s->auth_step == 1) {
        add_mem(a, c->gs2, c->gs2_len);
        ADD(a, "n=");
        add_name(a, s->job->user);
        ADD(a, ",r=");
        add_mem(a, c->nonce, c->nonce_len);
    } else if (s->auth_step == 2) {
        ADD(a, "c=");
        add_mem(a, c->cbind, c->cbind_len);
        ADD(a, ",r=");
        add_str(a, scram_nonce(c));
        ADD(a, ",p=");
        add_mem(a, c->proof, c->proof_len);
    }
}

static void xoauth2(struct answer *a, const struct smtp_job *job)
{
    ADD(a, "user=");
    add_str(a, job->user);
    ADD(a, "\1auth=Bearer ");
    add_str(a, job->password);
    ADD(a, "\1\1");
}

/* RFC 7628 section 3.1 */
static void oauthbearer(struct answer *a, const struct smtp_job *job)
{
    struct text t = text_into(a->port, sizeof a->port);

    ADD(a, "n,a=");
    add_name(a, job->user);
    ADD(a, ",");
    if (job->host.len != 0) {
        ADD(a, "\1host=");
        add_str(a, job->host);
        ADD(a, "\1port=");
        text_u64(&t, job->port);
        add_mem(a, a->port, t.len);
    }
    ADD(a, "\1auth=Bearer ");
    add_str(a, job->password);
    ADD(a, "\1\1");
}

static void simple(struct answer *a, const struct session *s)
{
    const struct smtp_job *job = s->job;

    if (s->mech == SMTP_AUTH_PLAIN)
        plain(a, job);
    else if (s->mech == SMTP_AUTH_EXTERNAL || s->auth_step == 1)
        add_str(a, job->user);
    else
        add_str(a, job->password);
}

/* What is said in this step. Behind the last one an error is answered: by
 * nothing, or as RFC 7628 section 3.2.3 wants it. */
static void answer(struct answer *a, const struct session *s)
{
    const struct auth_mech *m = auth_mech(s->mech);

    a->count = 0;
    if (s->auth_step > m->answers) {
        if (s->mech == SMTP_AUTH_OAUTHBEARER)
            ADD(a, "\1");
    } else if (m->kind == AUTH_SIMPLE) {
        simple(a, s);
    } else if (m->kind == AUTH_CRAM) {
        add_str(a, s->job->user);
        ADD(a, " ");
        add_mem(a, s->cram, sizeof s->cram);
    } else if (m->kind == AUTH_SCRAM) {
        scram(a, s);
    } else if (s->mech == SMTP_AUTH_XOAUTH2) {
        xoauth2(a, s->job);
    } else {
        oauthbearer(a, s->job);
    }
}

static size_t span_len(const struct span *s)
{
    return s->name ? saslname_len(s->s) : s->s.len;
}

static size_t answer_len(const struct answer *a)
{
    size_t n = 0;

    for (unsigned i = 0; i < a->count; i++)
        n += span_len(&a->span[i]);
    return n;
}

static uint8_t answer_byte(const struct answer *a, size_t at)
{
    const struct span *s = a->span;

    for (; at >= span_len(s); s++)
        at -= span_len(s);
    return (uint8_t)(s->name ? saslname_char(s->s, at) : s->s.p[at]);
}

/* The four characters of group g, which exists. */
static void group(const struct answer *a, size_t len, size_t g, char to[4])
{
    size_t n = len - g * 3;
    uint8_t raw[3] = { 0, 0, 0 };

    if (n > sizeof raw)
        n = sizeof raw;
    for (size_t i = 0; i < n; i++)
        raw[i] = answer_byte(a, g * 3 + i);
    base64_group(to, raw, n);
    text_wipe(raw, sizeof raw);
}

size_t auth_encoded_len(const struct session *s)
{
    struct answer a;

    answer(&a, s);
    return base64_len(answer_len(&a));
}

void auth_encode(const struct session *s, struct text *to)
{
    struct answer a;
    size_t len, coded, at;
    char four[4];

    answer(&a, s);
    len = answer_len(&a);
    coded = base64_len(len);
    /* What is to be passed over need not be made. */
    at = to->skip < coded ? to->skip / 4 * 4 : coded;
    to->skip -= at;
    for (; at < coded && !to->full; at += 4) {
        group(&a, len, at / 4, four);
        text_mem(to, four, sizeof four);
    }
    text_wipe(four, sizeof four);
}

/* --- echoes ------------------------------------------------------------ */

/* True if p begins with the encoded answer, or with enough of it. */
static bool encoded_here(const struct answer *a, const char *p, size_t n)
{
    size_t raw = answer_len(a), len = base64_len(raw);
    char four[4];
    bool same = true;

    if (len > ECHO_MIN)
        len = ECHO_MIN;
    if (len == 0 || n < len)
        return false;
    for (size_t i = 0; i < len && same; i++) {
        if (i % 4 == 0)
            group(a, raw, i / 4, four);
        same = p[i] == four[i % 4];
    }
    text_wipe(four, sizeof four);
    return same;
}

/* What text_clean(), or a server's idea of encodings, makes a '?' of. */
static bool turns_odd(char c)
{
    return c == '?' || (uint8_t)c < 0x20 || (uint8_t)c > 0x7e;
}

/* Bytes of the password that p begins with, 0 if too few to tell. A run of
 * '?' stands for any run of bytes that are not ASCII. */
static size_t password_here(const struct smtp_job *job, const char *p, size_t n)
{
    const char *password = job->password.p;
    size_t len = job->password.len, same = 0, at = 0;

    while (same < len && at < n) {
        if (p[at] == password[same]) {
            at++;
            same++;
            continue;
        }
        if (p[at] != '?' || !turns_odd(password[same]))
            break;
        while (at < n && p[at] == '?')
            at++;
        while (same < len && turns_odd(password[same]))
            same++;
    }
    if (len < 4) /* three letters are in every sentence */
        return 0;
    return same == len || same >= ECHO_MIN ? at : 0;
}

/* What may come back: this step's answer, and what PLAIN and LOGIN say. */
static void echoes(struct answer a[4], const struct session *s)
{
    for (unsigned i = 0; i < 4; i++)
        a[i].count = 0;
    answer(&a[0], s);
    plain(&a[1], s->job);
    add_str(&a[2], s->job->user);
    add_str(&a[3], s->job->password);
}

void auth_redact(const struct session *s, char *line, size_t len)
{
    struct answer a[4];

    echoes(a, s);
    for (size_t i = 0; i < len; i++) {
        size_t n = password_here(s->job, line + i, len - i);
        bool coded = false;

        for (unsigned k = 0; k < 4 && !coded; k++)
            coded = encoded_here(&a[k], line + i, len - i);
        if (n == 0 && !coded)
            continue;
        /* The password, blanks of its own included, and the word's rest. */
        for (size_t k = 0; i < len && (k < n || line[i] != ' '); i++, k++)
            line[i] = '*';
    }
}
