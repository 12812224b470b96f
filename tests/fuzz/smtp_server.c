/* sources: smtp/server/ smtp/mailbox.c smtp/xtext.c smtp/base64.c smtp/text.c
 * smtp/mech.c smtp/scram.c smtp/date.c */
/* includes: smtp smtp/server tests/fuzz */
/*
 * smtp_server.c - a server's session with a client that says anything. Three
 * bytes choose configuration and policy; then pieces, each with a byte for
 * its length: within a piece the client waits for nothing, between two it has
 * read all replies. A NUL where TLS is wanted is the handshake. Whole pieces
 * and single bytes: the same events, replies, messages; in a message that is
 * complete no CR or LF stands alone.
 */
#include "trace.h"

#include "smtpd.h"

static struct trace whole, single;

struct run {
    struct smtpd smtpd;
    struct smtpd_config cfg;
    unsigned policy;
    uint64_t now;
    uint8_t body[4096];
    size_t body_len;
    bool binary;
    struct trace *trace;
};

static void configure(struct run *r, unsigned choice)
{
    struct smtpd_config *c = &r->cfg;

    memset(r, 0, sizeof *r);
    c->name = (struct smtp_str){ "mx", 2 };
    c->lmtp = (choice & 1) != 0;
    c->implicit_tls = (choice & 14) == 2;
    c->starttls = (choice & 12) == 4;
    c->need_tls = (choice & 14) == 6;
    c->auth_unsafe = (choice & 16) != 0;
    c->mechanisms = ((choice & 32) != 0 ? SMTPD_PLAIN : 0) |
                    ((choice & 64) != 0 ? SMTPD_LOGIN : 0) |
                    ((choice & 0x4000) != 0
                         ? SMTPD_XOAUTH2 | SMTPD_OAUTHBEARER | SMTPD_EXTERNAL
                         : 0);
    if ((choice & 0x8000) != 0) {
        c->show = 15;
        c->by_min = 60;
        c->hold_max = 1000;
        c->hold_until = (struct smtp_str){ "2030-01-01T00:00:00Z", 20 };
    }
    c->need_auth = (choice & 128) != 0;
    c->bare_lf = (choice & 256) != 0;
    c->hide = (choice & 512) != 0 ? 1u << (choice >> 12 & 7) : 0;
    c->size_max = (choice & 1024) != 0 ? 50 : 0;
    c->rcpt_max = (choice & 2048) != 0 ? 2 : 0;
    c->mail_max = (choice & 2048) != 0 ? 3 : 0;
    c->commands_max = (choice & 4096) != 0 ? 5 : 0;
    c->errors_max = (choice & 8192) != 0 ? 2 : 30;
}

static void lines_ok(const struct run *r)
{
    for (size_t i = 0; i < r->body_len; i++) {
        MUST(r->body[i] != '\n' || (i != 0 && r->body[i - 1] == '\r'));
        MUST(r->body[i] != '\r' ||
             (i + 1 < r->body_len && r->body[i + 1] == '\n'));
    }
}

static void answer(struct run *r, const struct smtpd_event *e)
{
    static const uint16_t codes[] = { 0, 0, 0, 450, 550, 0, 0, 421 };
    struct smtpd_answer a = { 0 };

    if (e->kind == SMTPD_ASK_AUTH) {
        trace_add(r->trace, e->login->user.p, e->login->user.len);
        trace_int(r->trace, e->login->password.len);
    }
    if (e->kind == SMTPD_ASK_MAIL)
        r->binary = e->mail->body == SMTPD_BODY_BINARY;
    if (e->kind == SMTPD_ASK_DATA)
        r->body_len = 0;
    if (e->kind == SMTPD_ASK_MESSAGE) {
        trace_add(r->trace, r->body, r->body_len);
        if (!r->binary && r->body_len < sizeof r->body)
            lines_ok(r);
    }
    r->policy = r->policy * 5 + 1;
    a.code = codes[r->policy >> 5 & 7];
    smtpd_answer(&r->smtpd, &a, ++r->now);
}

static void events(struct run *r)
{
    struct smtpd_event e;

    while (smtpd_next_event(&r->smtpd, &e)) {
        trace_int(r->trace, e.kind);
        trace_int(r->trace, e.code);
        trace_add(r->trace, e.text, e.len);
        if (e.kind >= SMTPD_ASK_CONNECT)
            answer(r, &e);
    }
}

static bool fetch(struct run *r)
{
    size_t n, room = sizeof r->body - r->body_len;
    const uint8_t *p = smtpd_body_buf(&r->smtpd, &n);

    if (n == 0)
        return false;
    memcpy(r->body + r->body_len, p, n < room ? n : room);
    r->body_len += n < room ? n : room;
    smtpd_body_ack(&r->smtpd, n, ++r->now);
    events(r);
    return true;
}

static void read_replies(struct run *r)
{
    size_t n;
    const uint8_t *p;

    while (p = smtpd_out_buf(&r->smtpd, &n), n != 0) {
        trace_add(r->trace, p, n);
        smtpd_out_ack(&r->smtpd, n, ++r->now);
        events(r);
    }
}

/* One piece, in pieces of size. */
static void say(struct run *r, const uint8_t *p, size_t n, size_t size)
{
    while (n != 0 && (smtpd_want(&r->smtpd) & SMTPD_CLOSED) == 0) {
        size_t len = n < size ? n : size, used = 1;
        uint8_t *block;

        if ((smtpd_want(&r->smtpd) & SMTPD_TLS) != 0 && *p == 0) {
            smtpd_tls_up(&r->smtpd, ++r->now);
        } else {
            block = exact(p, len);
            used = smtpd_in(&r->smtpd, block + 1, len, ++r->now);
            free(block);
        }
        events(r);
        MUST(used <= len);
        p += used;
        n -= used;
        if (!fetch(r) && used == 0)
            read_replies(r); /* the only thing it can be waiting for */
    }
}

static void run(unsigned choice, unsigned policy, const uint8_t *p, size_t n,
                size_t size, struct trace *t)
{
    static struct run r;

    configure(&r, choice);
    r.policy = policy;
    r.trace = t;
    t->len = 0;
    smtpd_init(&r.smtpd, &r.cfg, 0);
    events(&r);
    while (n != 0) {
        size_t len = p[0] < n - 1 ? p[0] : n - 1;

        read_replies(&r);
        say(&r, p + 1, len, size);
        p += 1 + len;
        n -= 1 + len;
    }
    while (fetch(&r))
        ;
    smtpd_in_eof(&r.smtpd);
    events(&r);
    read_replies(&r);
    MUST(smtpd_want(&r.smtpd) == SMTPD_CLOSED);
    trace_int(t, smtpd_end(&r.smtpd));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    unsigned choice, policy;

    input(data, len);
    choice = next(2);
    policy = next(1);
    run(choice, policy, in_at, in_left, SIZE_MAX, &whole);
    run(choice, policy, in_at, in_left, 1, &single);
    trace_same(&whole, &single);
    return 0;
}
