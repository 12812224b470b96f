/*
 * run.c - runs SMTP dialogues against the real server engine. README.md
 * beside it has the format of a dialogue.
 * The next two comments are read by what compiles this.
 */
/* sources: smtp/server/ smtp/mailbox.c smtp/xtext.c smtp/base64.c smtp/text.c
 * smtp/mech.c smtp/scram.c smtp/date.c tests/transcripts/server/script.c
 * tests/transcripts/escape.c tests/transcripts/crypto.c
 * tests/transcripts/plan.c */
/* includes: smtp smtp/server tests/transcripts tests/transcripts/server */
/*
 * Each dialogue is played as written, then at every chunk size for what the
 * client says, what the server says and the message that is fetched: the same
 * log of events, the same messages stored. Then the connection is cut after
 * each byte of either direction: the session is over, and stored are exactly
 * the messages that had been decided at that point.
 *
 * A failure prints the one command that plays exactly that case again.
 */
#include "script.h"

#include "crypto.h"
#include "plan.h"
#include "mech.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MAX   (512 * 1024)
#define TAKEN_MAX 64

/* one message that was taken */
struct taken {
    size_t in, out; /* bytes that had passed then */
    size_t len;     /* of stored[] up to its end */
};

/* one play of a dialogue */
struct play {
    const struct script *script;
    const struct plan *plan;
    struct smtpd_config cfg;
    struct smtpd smtpd;
    uint64_t now;
    struct bytes pending; /* the client said it, the server has not read it */
    size_t pending_at, in, out;
    bool cut, started;
    struct bytes body, stored;
    struct taken taken[TAKEN_MAX];
    size_t taken_count, log_len;
    char log[LOG_MAX];
    char why[512]; /* empty: fine */
};

static struct play base, again;

static void bad(struct play *p, unsigned line, const char *what)
{
    if (p->why[0] == '\0')
        snprintf(p->why, sizeof p->why, "line %u: %s (state %s)", line, what,
                 smtpd_state_name(&p->smtpd));
}

static void note(struct play *p, const char *text, size_t len)
{
    if (len < LOG_MAX - p->log_len) {
        memcpy(p->log + p->log_len, text, len);
        p->log_len += len;
    } else {
        bad(p, 0, "the log is full");
    }
}

static void note_str(struct play *p, const char *text)
{
    note(p, text, strlen(text));
}

static void note_mailbox(struct play *p, const struct smtp_mailbox *m)
{
    char text[300];
    size_t n = smtp_mailbox_print(m, text, sizeof text);

    note_str(p, " <");
    note(p, text, n);
    note_str(p, ">");
}

static void note_pair(struct play *p, const char *key, struct smtp_str v)
{
    if (v.len == 0)
        return;
    note_str(p, key);
    note(p, v.p, v.len);
}

/* --- the caller's side: questions and answers ----------------------------- */

static void note_wishes(struct play *p, const struct smtpd_mail *m)
{
    char more[64] = "";

    if (m->require_tls)
        note_str(p, " requiretls");
    if (m->has_by)
        snprintf(more, sizeof more, " by=%d;%c%s", m->by_seconds,
                 m->by_return ? 'R' : 'N', m->by_trace ? "T" : "");
    note_str(p, more);
    snprintf(more, sizeof more, " priority=%d", m->priority);
    if (m->has_priority)
        note_str(p, more);
    snprintf(more, sizeof more, " holdfor=%u", m->hold_seconds);
    if (m->hold_seconds != 0)
        note_str(p, more);
    note_pair(p, " holduntil=", m->hold_until);
}

static void note_question(struct play *p, const struct smtpd_event *e)
{
    static const char *const names[] = { "connect", "hello", "auth",    "mail",
                                         "rcpt",    "data",  "message", "vrfy",
                                         "expn",    "help",  "secret" };
    char more[128] = "";

    note_str(p, "? ");
    note_str(p, names[e->kind - SMTPD_ASK_CONNECT]);
    if (e->mail != NULL) {
        note_mailbox(p, &e->mail->from);
        snprintf(more, sizeof more, " size=%llu body=%d ret=%d utf8=%d",
                 (unsigned long long)e->mail->size, e->mail->body, e->mail->ret,
                 e->mail->utf8);
        note_str(p, more);
        note_pair(p, " envid=", e->mail->envid);
        note_pair(p, " auth=", e->mail->auth);
        note_wishes(p, e->mail);
    } else if (e->rcpt != NULL) {
        note_mailbox(p, &e->rcpt->to);
        snprintf(more, sizeof more, " notify=%u", e->rcpt->notify);
        note_str(p, more);
        note_pair(p, " orcpt=", e->rcpt->orcpt_type);
        note_pair(p, ";", e->rcpt->orcpt);
    } else if (e->login != NULL) {
        note_pair(p, " ", e->login->mechanism);
        note_pair(p, " for ", e->login->authzid);
        note_pair(p, " user ", e->login->user);
        note_pair(p, " at ", e->login->host);
    } else if (e->kind == SMTPD_ASK_MESSAGE) {
        snprintf(more, sizeof more, " %zu of %zu bytes", e->index, p->body.len);
        note_str(p, more);
    } else {
        note_pair(p, " ", (struct smtp_str){ e->text, e->len });
    }
}

static bool same(struct smtp_str s, const char *text)
{
    return text != NULL && s.len == strlen(text) &&
           memcmp(s.p, text, s.len) == 0;
}

static void take(struct play *p)
{
    if (p->taken_count == TAKEN_MAX) {
        bad(p, 0, "too many messages");
        return;
    }
    bytes_append(&p->stored, p->body.p, p->body.len);
    p->taken[p->taken_count++] = (struct taken){ p->in, p->out, p->stored.len };
}

/* What has been proven comes without a password, EXTERNAL too. */
static bool login_ok(const struct script *s, const struct smtpd_login *l)
{
    const struct auth_mech *m = auth_mech(auth_by_name(l->mechanism));

    if (m == auth_mech(SMTP_AUTH_EXTERNAL))
        return l->user.len == 0 || same(l->user, s->user);
    if (m->kind == AUTH_TOKEN && l->user.len == 0)
        return same(l->password, s->password);
    return same(l->user, s->user) &&
           (m->kind == AUTH_CRAM || m->kind == AUTH_SCRAM ||
            same(l->password, s->password));
}

static const struct smtpd_secret *make_secret(const struct script *s,
                                              struct smtp_str mechanism,
                                              struct smtpd_secret *secret)
{
    static uint8_t stored[SMTP_HASH_MAX], key[SMTP_HASH_MAX];
    const struct auth_mech *m = auth_mech(auth_by_name(mechanism));

    memset(secret, 0, sizeof *secret);
    secret->password = (struct smtp_str){ s->password, strlen(s->password) };
    secret->salt = (struct smtp_str){ "salt of 12 b", 12 };
    secret->rounds = s->rounds;
    if (m->kind == AUTH_CRAM)
        return secret;
    secret->stored_key = stored;
    secret->server_key = key;
    smtpd_scram_keys(&crypto, (enum smtp_hash)m->hash, secret->password,
                     secret->salt, s->rounds, stored, key);
    return secret;
}

static void answer(struct play *p, const struct smtpd_event *e,
                   const char *line)
{
    struct smtpd_secret secret;
    struct smtpd_answer a = { 0 };

    if (e->kind == SMTPD_ASK_AUTH && !login_ok(p->script, e->login))
        a.code = 535;
    if (e->kind == SMTPD_ASK_SECRET && same(e->login->user, p->script->user))
        a.secret = make_secret(p->script, e->login->mechanism, &secret);
    for (size_t i = 0; i < p->script->rule_count; i++) {
        const struct rule *r = &p->script->rules[i];

        if (r->question == e->kind && strstr(line, r->word) != NULL) {
            a = r->answer;
            break;
        }
    }
    if (e->kind == SMTPD_ASK_MESSAGE && (a.code == 0 || a.code / 100 == 2))
        take(p);
    smtpd_answer(&p->smtpd, &a, ++p->now);
}

static void reset(struct play *p)
{
    p->body.len = 0;
    bytes_append(&p->body, "", 0);
}

/* Pulls events until there are none, answering what is asked. */
static void observe(struct play *p)
{
    struct smtpd_event e;

    while (smtpd_next_event(&p->smtpd, &e)) {
        size_t at = p->log_len;
        char code[16];

        if (e.kind == SMTPD_EV_RESET) {
            note_str(p, "! reset\n");
            reset(p);
        } else if (e.kind >= SMTPD_ASK_CONNECT) {
            note_question(p, &e);
            note_str(p, "\n");
            p->log[p->log_len] = '\0';
            if (e.kind == SMTPD_ASK_MAIL)
                reset(p);
            answer(p, &e, p->log + at);
        } else {
            static const char *const kinds[] = { "= ", "< ", "> " };

            note_str(p, kinds[e.kind]);
            note(p, e.text, e.len);
            snprintf(code, sizeof code, " [%u]\n", e.code);
            note_str(p, code);
        }
    }
}

/* --- bytes ---------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool closed(const struct play *p)
{
    return (smtpd_want(&p->smtpd) & SMTPD_CLOSED) != 0;
}

static void hang_up(struct play *p)
{
    p->cut = true;
    smtpd_in_eof(&p->smtpd);
    observe(p);
}

static bool fetch(struct play *p)
{
    size_t len;
    const uint8_t *b = smtpd_body_buf(&p->smtpd, &len);

    len = least(len, p->plan->body);
    if (len == 0)
        return false;
    bytes_append(&p->body, b, len);
    smtpd_body_ack(&p->smtpd, len, ++p->now);
    observe(p);
    return true;
}

/* Hands in what the client said, as far as the server reads. */
static void drive(struct play *p)
{
    while (p->why[0] == '\0' && !p->cut) {
        size_t n = least(p->plan->in, p->pending.len - p->pending_at), used;
        uint8_t *copy;

        if (fetch(p))
            continue;
        n = least(n, p->plan->cut_in - p->in);
        if (n == 0)
            return;
        /* flush against the end of a block, so that ASan sees an over-read */
        copy = malloc(n);
        memcpy(copy, p->pending.p + p->pending_at, n);
        used = smtpd_in(&p->smtpd, copy, n, ++p->now);
        free(copy);
        if (used > n)
            bad(p, 0, "smtpd_in() used more than there is");
        p->pending_at += used;
        p->in += used;
        observe(p);
        if (p->in == p->plan->cut_in) {
            while (fetch(p)) /* what was read before the end is read */
                ;
            hang_up(p);
        }
        if (used == 0 && !fetch(p))
            return;
    }
}

static void expect(struct play *p, const struct item *item)
{
    size_t done = 0, len;

    while (done < item->b.len && p->why[0] == '\0' && !p->cut) {
        const uint8_t *out = smtpd_out_buf(&p->smtpd, &len);

        len = least(least(len, p->plan->out), item->b.len - done);
        len = least(len, p->plan->cut_out - p->out);
        if (len == 0 || memcmp(out, item->b.p + done, len) != 0) {
            smtpd_out_buf(&p->smtpd, &len);
            bad(p, item->line, "the server says something else:");
            snprintf(p->why + strlen(p->why), sizeof p->why - strlen(p->why),
                     " %.*s", (int)least(len, 200), (const char *)out);
            return;
        }
        smtpd_out_ack(&p->smtpd, len, ++p->now);
        done += len;
        p->out += len;
        observe(p);
        if (p->out == p->plan->cut_out)
            hang_up(p);
        else
            drive(p);
    }
}

static void timeout(struct play *p, const struct item *item)
{
    uint64_t limit = smtpd_deadline(&p->smtpd);

    if (limit == UINT64_MAX) {
        bad(p, item->line, "no deadline");
        return;
    }
    if (item->seconds != 0 && (limit - p->now > item->seconds * 1000 ||
                               limit - p->now + 5000 < item->seconds * 1000))
        bad(p, item->line, "another deadline");
    smtpd_tick(&p->smtpd, limit - 1);
    if (closed(p))
        bad(p, item->line, "timed out before the deadline");
    p->now = limit;
    smtpd_tick(&p->smtpd, limit);
    observe(p);
}

static void step(struct play *p, const struct item *item)
{
    size_t len;

    smtpd_out_buf(&p->smtpd, &len);
    switch (item->kind) {
    case ITEM_CLIENT:
        bytes_append(&p->pending, item->b.p, item->b.len);
        drive(p);
        break;
    case ITEM_SERVER:
        expect(p, item);
        break;
    case ITEM_TLS:
        if (smtpd_want(&p->smtpd) != SMTPD_TLS)
            bad(p, item->line, "the server does not want TLS");
        smtpd_tls_up(&p->smtpd, ++p->now);
        observe(p);
        break;
    case ITEM_EOF:
        smtpd_in_eof(&p->smtpd);
        observe(p);
        break;
    case ITEM_TIMEOUT:
        timeout(p, item);
        break;
    case ITEM_SHUTDOWN:
        smtpd_shutdown(&p->smtpd);
        observe(p);
        break;
    }
}

static void play(struct play *p, const struct script *s, const struct plan *q)
{
    struct bytes pending = p->pending, body = p->body, stored = p->stored;

    memset(p, 0, sizeof *p);
    p->pending = pending;
    p->body = body;
    p->stored = stored;
    p->pending.len = p->body.len = p->stored.len = 0;
    bytes_append(&p->stored, "", 0);
    reset(p);
    p->script = s;
    p->plan = q;
    p->now = 1000000;
    p->cfg = s->cfg;
    p->cfg.crypto = s->no_crypto ? NULL : &crypto;
    smtpd_init(&p->smtpd, &p->cfg, p->now);
    observe(p);
    if (q->cut_in == 0 || q->cut_out == 0)
        hang_up(p);
    for (size_t i = 0; i < s->item_count && p->why[0] == '\0' && !p->cut; i++)
        step(p, &s->items[i]);
}

/* --- what must hold ------------------------------------------------------- */

static void check_secrets(struct play *p)
{
    const char *secret = p->script->password;

    p->log[p->log_len] = '\0';
    if (secret != NULL && strstr(p->log, secret) != NULL)
        bad(p, 0, "the password is in the log");
}

static void check_whole(struct play *p)
{
    const struct script *s = p->script;
    size_t len;

    check_secrets(p);
    smtpd_out_buf(&p->smtpd, &len);
    if (len != 0)
        bad(p, 0, "the server has said more than expected");
    if (!closed(p))
        bad(p, 0, "the session is open at the end");
    if (p->pending_at != p->pending.len)
        bad(p, 0, "the server has not read all");
    if (smtpd_end(&p->smtpd) != s->end)
        bad(p, 0, script_end(smtpd_end(&p->smtpd)));
    if (p->stored.len != s->stored.len ||
        memcmp(p->stored.p, s->stored.p, p->stored.len) != 0) {
        bad(p, 0, "something else is stored:");
        snprintf(p->why + strlen(p->why), sizeof p->why - strlen(p->why),
                 " %.*s", (int)least(p->stored.len, 200),
                 (const char *)p->stored.p);
    }
    for (size_t i = 0; i < s->saw_count; i++)
        if (strstr(p->log, s->saw[i]) == NULL) {
            bad(p, 0, "the log lacks");
            snprintf(p->why + strlen(p->why), sizeof p->why - strlen(p->why),
                     " %.200s", s->saw[i]);
        }
}

static void check_same(struct play *p)
{
    check_whole(p);
    if (p->log_len != base.log_len ||
        memcmp(p->log, base.log, base.log_len) != 0)
        bad(p, 0, "another log of events than byte by byte");
}

/* Stored is what had been decided at the cut, and the session is over. */
static void check_cut(struct play *p)
{
    size_t want = 0;

    check_secrets(p);
    if (!closed(p))
        bad(p, 0, "open after the connection was cut");
    for (size_t i = 0; i < base.taken_count; i++)
        if (base.taken[i].in <= p->in && base.taken[i].out <= p->out)
            want = base.taken[i].len;
    if (p->stored.len != want || memcmp(p->stored.p, base.stored.p, want) != 0)
        bad(p, 0, "something else is stored than was decided");
}

/* Once closed nothing changes any more. */
static void check_sticks(struct play *p)
{
    enum smtpd_end end = smtpd_end(&p->smtpd);
    struct smtpd_answer yes = { 0 };
    size_t before, after, none;

    smtpd_out_buf(&p->smtpd, &before);
    smtpd_in(&p->smtpd, (const uint8_t *)"NOOP\r\n", 6, p->now);
    smtpd_tick(&p->smtpd, UINT64_MAX - 1);
    smtpd_in_eof(&p->smtpd);
    smtpd_injected(&p->smtpd);
    smtpd_tls_up(&p->smtpd, p->now);
    smtpd_answer(&p->smtpd, &yes, p->now);
    smtpd_body_ack(&p->smtpd, 1, p->now);
    smtpd_shutdown(&p->smtpd);
    smtpd_out_buf(&p->smtpd, &after);
    smtpd_body_buf(&p->smtpd, &none);
    if (end != smtpd_end(&p->smtpd) || before != after || none != 0 ||
        smtpd_deadline(&p->smtpd) != UINT64_MAX)
        bad(p, 0, "the end does not stick");
}

/* --- for plan.c ----------------------------------------------------------- */

static const char *said(const struct play *p)
{
    return p->why[0] != '\0' ? p->why : NULL;
}

/* Byte by byte: when each message was decided is then exact. */
static const char *first(const void *script, const struct plan *bytes)
{
    play(&base, script, bytes);
    check_whole(&base);
    return said(&base);
}

static const char *another(const void *script, const struct plan *q)
{
    play(&again, script, q);
    if (q->cut_in != NO_CUT || q->cut_out != NO_CUT)
        check_cut(&again);
    else
        check_same(&again);
    if (again.why[0] == '\0')
        check_sticks(&again);
    return said(&again);
}

static void length(size_t *in, size_t *out)
{
    *in = base.in;
    *out = base.out;
}

static void show(bool first_one)
{
    const struct play *p = first_one ? &base : &again;

    fwrite(p->log, 1, p->log_len, stdout);
}

static void *load(const char *path)
{
    return script_load(path);
}

static void unload(void *script)
{
    script_free(script);
}

int main(int argc, char **argv)
{
    static const struct plan_kind kind = { "server/", load,   unload, first,
                                           another,   length, show };
    int status = plan_main(&kind, argc, argv);

    free(base.pending.p);
    free(base.body.p);
    free(base.stored.p);
    free(again.pending.p);
    free(again.body.p);
    free(again.stored.p);
    return status;
}
