/*
 * run.c - runs SMTP dialogues against the real engine. README.md beside it
 * has the format of a dialogue.
 * The next two comments are read by what compiles this.
 */
/* sources: smtp/client.c smtp/dialogue.c smtp/state.c smtp/command.c
 * smtp/job.c smtp/params.c smtp/xtext.c smtp/reason.c smtp/reply.c
 * smtp/ehlo.c smtp/mech.c smtp/auth.c smtp/login.c smtp/scram.c smtp/dotstuff.c
 * smtp/chunk.c
 * smtp/mailbox.c smtp/idna.c smtp/base64.c smtp/text.c
 * tests/transcripts/script.c
 * tests/transcripts/escape.c tests/transcripts/crypto.c
 * tests/transcripts/plan.c */
/* includes: smtp tests/transcripts */
/*
 * Each dialogue is played as written, then with every chunk size for what
 * the server says, what the client says and the message; the verdicts and
 * the log of events must be the same. Then the connection is cut after each
 * byte of either direction. The rule for a cut: a recipient that was decided
 * before keeps its verdict; one that was not is UNSURE if the final dot had
 * left whole, TRY_LATER if not; and SENT is only ever decided by the last
 * byte of a line from the server.
 *
 * A failure prints the one command that plays exactly that case again.
 */
#include "script.h"

#include "base64.h"
#include "crypto.h"
#include "plan.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MAX (256 * 1024)
#define OUT_MAX 4096
#define DOTS    16 /* messages in one dialogue */

struct moment {
    size_t in, out; /* bytes that had passed in each direction */
};

/* one play of a dialogue */
struct play {
    const struct script *script;
    const struct plan *plan;
    struct smtp smtp;
    struct smtp_job job;
    struct smtp_rcpt rcpt[SCRIPT_RCPT];
    uint8_t out[OUT_MAX];
    uint64_t now;
    struct moment at, closed, decided[SCRIPT_RCPT];
    size_t body_at;
    size_t dots[DOTS]; /* client bytes up to and with each final dot */
    size_t dot_count;
    size_t rcpt_count; /* of the mails that were begun */
    bool cut, initial;
    size_t log_len;
    char log[LOG_MAX];
    char why[512]; /* empty: fine */
};

static struct play base, again;

static void bad(struct play *p, const char *what)
{
    if (p->why[0] == '\0')
        snprintf(p->why, sizeof p->why, "%s", what);
}

static void note_log(struct play *p, const char *text, size_t len)
{
    if (len < LOG_MAX - p->log_len) {
        memcpy(p->log + p->log_len, text, len);
        p->log_len += len;
    } else {
        bad(p, "the log is full");
    }
}

static void pull(struct play *p);

/* Does what the session is owed at once, then looks what came of it. */
static void observe(struct play *p)
{
    pull(p);
    while ((smtp_want(&p->smtp) & SMTP_WORK) != 0) {
        smtp_work(&p->smtp, p->now);
        pull(p);
    }
}

/* Pulls events and looks what was decided by the last call. */
static void pull(struct play *p)
{
    static const char *const kinds[] = { "= ", "> ", "< " };
    struct smtp_event e;
    char code[16];

    while (smtp_next_event(&p->smtp, &e)) {
        note_log(p, kinds[e.kind], 2);
        note_log(p, e.text, e.len);
        snprintf(code, sizeof code, " [%u]\n", e.code);
        note_log(p, code, strlen(code));
    }
    for (size_t i = 0; i < p->rcpt_count; i++)
        if (p->rcpt[i].verdict != SMTP_PENDING && p->decided[i].in == NO_CUT)
            p->decided[i] = p->at;
    if ((smtp_want(&p->smtp) & SMTP_CLOSED) != 0 && p->closed.in == NO_CUT)
        p->closed = p->at;
}

static bool closed(const struct play *p)
{
    return (smtp_want(&p->smtp) & SMTP_CLOSED) != 0;
}

static void hang_up(struct play *p)
{
    p->cut = true;
    smtp_in_eof(&p->smtp);
    observe(p);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Gives the engine some of the message, if it wants any. */
static bool feed_body(struct play *p)
{
    const struct script *s = p->script;
    size_t n = least(p->plan->body, s->body_len - p->body_at);

    if ((smtp_want(&p->smtp) & SMTP_BODY) == 0)
        return false;
    if (n == 0)
        smtp_body_end(&p->smtp, p->now);
    else
        p->body_at += smtp_body(&p->smtp, s->body + p->body_at, n, p->now);
    observe(p);
    return true;
}

/* The message as the dialogue has it for what this server takes, or from its
 * first byte again. */
static bool fit(struct play *p)
{
    struct smtp_offers offers = smtp_offers(&p->smtp);
    uint64_t size = p->script->fit[offers.eight_bit];

    if ((smtp_want(&p->smtp) & (SMTP_FIT | SMTP_REWIND)) == 0)
        return false;
    if ((smtp_want(&p->smtp) & SMTP_REWIND) != 0) {
        p->body_at = 0;
        smtp_rewound(&p->smtp, p->now);
    } else if (size == 0)
        smtp_abort(&p->smtp, SMTP_F_UNFIT);
    else
        smtp_fitted(&p->smtp, size, offers.eight_bit, false, p->now);
    observe(p);
    return true;
}

/* The client must say exactly these bytes. */
static void expect(struct play *p, const struct item *item)
{
    size_t done = 0, len;

    while (done < item->len && p->why[0] == '\0' && !p->cut) {
        const uint8_t *out = smtp_out_buf(&p->smtp, &len);

        if (len == 0) {
            if (!fit(p) && !feed_body(p)) {
                snprintf(p->why, sizeof p->why,
                         "line %u: the client says nothing (state %s)",
                         item->line, smtp_state_name(&p->smtp));
            }
            continue;
        }
        len = least(least(len, p->plan->out), item->len - done);
        len = least(len, p->plan->cut_out - p->at.out);
        if (memcmp(out, item->bytes + done, len) != 0) {
            size_t i = 0;

            while (out[i] == item->bytes[done + i])
                i++;
            snprintf(p->why, sizeof p->why,
                     "line %u: the client says something else at byte %zu: "
                     "0x%02x",
                     item->line, done + i, out[i]);
            return;
        }
        smtp_out_ack(&p->smtp, len, ++p->now);
        done += len;
        p->at.out += len;
        observe(p);
        if (p->at.out == p->plan->cut_out)
            hang_up(p);
    }
}

static void check_quiet(struct play *p, const struct item *item)
{
    size_t len;

    smtp_out_buf(&p->smtp, &len);
    if (len != 0 && !item->early)
        snprintf(p->why, sizeof p->why,
                 "line %u: the client has said more than expected", item->line);
}

static void server(struct play *p, const struct item *item)
{
    size_t done = 0;

    check_quiet(p, item);
    while (done < item->len && p->why[0] == '\0' && !p->cut) {
        size_t n = least(p->plan->in, item->len - done), used;

        n = least(n, p->plan->cut_in - p->at.in);
        if ((smtp_want(&p->smtp) & SMTP_TLS) != 0) {
            smtp_injected(&p->smtp);
            observe(p);
            return;
        }
        /* flush against the end of a block, so that ASan sees an over-read */
        uint8_t *copy = malloc(n);
        memcpy(copy, item->bytes + done, n);
        used = smtp_in(&p->smtp, copy, n, ++p->now);
        free(copy);
        if (used == 0 || used > n)
            bad(p, "smtp_in() used a wrong number of bytes");
        done += used;
        p->at.in += used;
        observe(p);
        if (p->at.in == p->plan->cut_in) {
            fit(p);
            hang_up(p);
        }
    }
}

static void timeout(struct play *p, const struct item *item)
{
    uint64_t limit = smtp_deadline(&p->smtp);
    bool before = closed(p);

    check_quiet(p, item);
    if (limit == UINT64_MAX) {
        bad(p, "no deadline");
        return;
    }
    if (item->seconds != 0 &&
        (limit < p->now || limit - p->now > item->seconds * 1000 ||
         limit - p->now + 5000 < item->seconds * 1000))
        snprintf(p->why, sizeof p->why, "line %u: the deadline is %lld ms off",
                 item->line, (long long)(limit - p->now));
    smtp_tick(&p->smtp, limit - 1);
    if (closed(p) != before)
        bad(p, "timed out before the deadline");
    p->now = limit;
    smtp_tick(&p->smtp, p->now);
    observe(p);
}

/* One more mail, to the next recipient; it may be refused at once. */
static void next_mail(struct play *p)
{
    p->job.rcpt = &p->rcpt[p->rcpt_count++];
    p->job.rcpt_count = 1;
    p->body_at = 0;
    smtp_next(&p->smtp, &p->job, ++p->now);
    observe(p);
}

static void step(struct play *p, const struct item *item)
{
    struct smtp_str arg;

    switch (item->kind) {
    case ITEM_CLIENT:
        expect(p, item);
        if (item->final_dot && p->dot_count < DOTS)
            p->dots[p->dot_count++] = p->at.out;
        break;
    case ITEM_SERVER:
        server(p, item);
        break;
    case ITEM_TLS:
        if (smtp_want(&p->smtp) != SMTP_TLS)
            bad(p, "the client does not want TLS here");
        smtp_tls_up(&p->smtp, p->script->verified, ++p->now);
        observe(p);
        break;
    case ITEM_EOF:
        smtp_in_eof(&p->smtp);
        observe(p);
        break;
    case ITEM_TIMEOUT:
        timeout(p, item);
        break;
    case ITEM_NEXT:
        next_mail(p);
        break;
    case ITEM_ASK:
        arg.p = (const char *)item->bytes;
        arg.len = item->len;
        if (!smtp_ask(&p->smtp, item->question, arg, ++p->now))
            bad(p, "the question cannot be asked");
        observe(p);
        break;
    case ITEM_QUIT:
        smtp_quit(&p->smtp, ++p->now);
        observe(p);
        break;
    case ITEM_BODY_FAILS:
        p->at.out++; /* later than the reply in front of it */
        while (!closed(p) && p->why[0] == '\0') {
            size_t len;

            smtp_out_buf(&p->smtp, &len);
            smtp_out_ack(&p->smtp, least(len, p->plan->out), ++p->now);
            if (!feed_body(p) && len == 0)
                bad(p, "the message was taken");
        }
        break;
    }
}

static void play(struct play *p, const struct script *s,
                 const struct plan *plan)
{
    memset(p, 0, offsetof(struct play, log));
    p->why[0] = '\0';
    p->script = s;
    p->plan = plan;
    p->job = s->job;
    p->job.rcpt = p->rcpt;
    p->job.out = p->out;
    p->job.out_size = s->out_size;
    p->job.crypto = s->no_crypto ? NULL : &crypto;
    p->closed.in = NO_CUT;
    for (size_t i = 0; i < s->rcpt_count; i++) {
        p->rcpt[i].address = s->rcpt[i].address;
        p->rcpt[i].orcpt = s->rcpt[i].orcpt;
        p->rcpt[i].notify = s->rcpt[i].notify;
        p->decided[i].in = NO_CUT;
    }
    p->rcpt_count = s->rcpt_first;
    p->now = 1000;
    p->initial = smtp_init(&p->smtp, &p->job, p->now);
    observe(p);
    if (!p->initial && !closed(p))
        bad(p, "a refused job leaves the session open");
    if (plan->cut_in == 0 || plan->cut_out == 0)
        hang_up(p);
    for (size_t i = 0; i < s->item_count; i++) {
        if (p->why[0] != '\0' || p->cut)
            return;
        step(p, &s->items[i]);
    }
}

/* --- judging ----------------------------------------------------------- */

static bool holds(const char *where, size_t len, const char *what, size_t n)
{
    for (size_t i = 0; n != 0 && i + n <= len; i++)
        if (memcmp(where + i, what, n) == 0)
            return true;
    return false;
}

/* No secret in what a person gets to see. */
static void check_secrets(struct play *p)
{
    struct smtp_str pw = p->script->job.password;
    const char *reason = smtp_reason(&p->smtp);
    char coded[64];
    size_t n = least(pw.len, 30) / 3 * 3;

    if (p->script->job.auth == SMTP_AUTH_OFF || pw.len < 4)
        return;
    n = base64_encode(coded, (const uint8_t *)pw.p, n);
    if (holds(p->log, p->log_len, pw.p, pw.len) ||
        holds(p->log, p->log_len, coded, n) ||
        holds(reason, strlen(reason), pw.p, pw.len) ||
        holds(reason, strlen(reason), coded, n))
        bad(p, "a secret in the log or in the reason");
}

static void check_rcpt(struct play *p, size_t i)
{
    const struct script_rcpt *want = &p->script->rcpt[i];
    const struct smtp_rcpt *got = &p->rcpt[i];

    if (got->verdict != want->verdict)
        snprintf(p->why, sizeof p->why, "recipient %zu: %s instead of %s",
                 i + 1, script_verdict(got->verdict),
                 script_verdict(want->verdict));
    else if (want->code != 0 && got->reply.code != want->code)
        snprintf(p->why, sizeof p->why, "recipient %zu: code %u instead of %u",
                 i + 1, got->reply.code, want->code);
}

static void check_whole(struct play *p)
{
    const struct script *s = p->script;
    size_t len;

    if (p->why[0] != '\0')
        return;
    check_secrets(p);
    for (size_t i = 0; i < s->rcpt_count; i++)
        check_rcpt(p, i);
    smtp_out_buf(&p->smtp, &len);
    if (!closed(p))
        bad(p, "the session has not ended");
    else if (smtp_verdict(&p->smtp) != s->verdict)
        snprintf(p->why, sizeof p->why, "verdict %s instead of %s",
                 script_verdict(smtp_verdict(&p->smtp)),
                 script_verdict(s->verdict));
    else if (smtp_failure(&p->smtp) != s->failure)
        snprintf(p->why, sizeof p->why, "failure %s instead of %s",
                 script_failure(smtp_failure(&p->smtp)),
                 script_failure(s->failure));
    else if (len != 0)
        bad(p, "the client says more at the end");
    for (size_t i = 0; i < s->reason_count; i++)
        if (strstr(smtp_reason(&p->smtp), s->reason[i]) == NULL)
            snprintf(p->why, sizeof p->why, "reason lacks \"%s\": %.300s",
                     s->reason[i], smtp_reason(&p->smtp));
}

/* Once closed nothing may change the outcome. */
static void check_sticks(struct play *p)
{
    enum smtp_verdict v = smtp_verdict(&p->smtp);
    enum smtp_failure f = smtp_failure(&p->smtp);

    smtp_in(&p->smtp, (const uint8_t *)"250 ok\r\n", 8, p->now);
    smtp_tick(&p->smtp, UINT64_MAX - 1);
    smtp_in_eof(&p->smtp);
    smtp_tls_up(&p->smtp, true, p->now);
    smtp_body(&p->smtp, (const uint8_t *)"x", 1, p->now);
    smtp_body_end(&p->smtp, p->now);
    if (smtp_next(&p->smtp, &p->job, p->now) ||
        smtp_ask(&p->smtp, SMTP_ASK_NOOP, p->job.from, p->now))
        bad(p, "more can be said at the end");
    smtp_rewound(&p->smtp, p->now);
    smtp_quit(&p->smtp, p->now);
    if (v != smtp_verdict(&p->smtp) || f != smtp_failure(&p->smtp) ||
        smtp_deadline(&p->smtp) != UINT64_MAX)
        bad(p, "the end does not stick");
}

static void check_same(struct play *p)
{
    check_whole(p);
    if (p->log_len != base.log_len ||
        memcmp(p->log, base.log, base.log_len) != 0)
        bad(p, "another log of events than in one piece");
}

static bool reached(const struct moment *m, const struct play *p)
{
    return m->in != NO_CUT && m->in <= p->at.in && m->out <= p->at.out;
}

/* Had the client just ended a message when it had said so much? What is
 * decided then, the message decides. */
static bool is_dot(size_t out)
{
    for (size_t i = 0; i < base.dot_count; i++)
        if (base.dots[i] == out)
            return true;
    return false;
}

static void check_cut(struct play *p)
{
    const struct script *s = p->script;
    if (p->why[0] != '\0')
        return;
    check_secrets(p);
    if (!closed(p))
        bad(p, "open after the connection was cut");
    for (size_t i = 0; i < p->rcpt_count; i++) {
        const struct moment *m = &base.decided[i];
        bool said_yes = p->rcpt[i].reply.code / 100 == 2;
        enum smtp_verdict want = SMTP_TRY_LATER;

        if (reached(m, p) || base.rcpt[i].verdict == SMTP_PENDING)
            want = base.rcpt[i].verdict;
        else if (said_yes && is_dot(m->out) && p->at.out >= m->out)
            want = SMTP_UNSURE;
        if (p->rcpt[i].verdict != want)
            snprintf(p->why, sizeof p->why, "recipient %zu: %s, must be %s",
                     i + 1, script_verdict(p->rcpt[i].verdict),
                     script_verdict(want));
    }
    if (smtp_verdict(&p->smtp) == SMTP_SENT && !s->job.keep &&
        !reached(&base.closed, p))
        bad(p, "SENT before the end");
    if (s->job.check && !s->job.keep &&
        smtp_verdict(&p->smtp) !=
            (reached(&base.closed, p) ? s->verdict : SMTP_TRY_LATER))
        bad(p, "another verdict of a check");
}

/* SENT must be decided by the byte that ends a line, and after the dot. */
static void check_sent(struct play *p)
{
    for (size_t i = 0; i < p->script->rcpt_count; i++) {
        if (p->rcpt[i].verdict != SMTP_SENT)
            continue;
        if (!is_dot(p->decided[i].out) ||
            script_server_byte(p->script, p->decided[i].in) != '\n')
            bad(p, "SENT was not decided by the end of a reply");
    }
}

/* --- for plan.c -------------------------------------------------------- */

static const char *said(const struct play *p)
{
    return p->why[0] != '\0' ? p->why : NULL;
}

/* Byte by byte: when each verdict fell is then exact. */
static const char *first(const void *script, const struct plan *bytes)
{
    play(&base, script, bytes);
    check_whole(&base);
    check_sent(&base);
    return said(&base);
}

static const char *another(const void *script, const struct plan *q)
{
    play(&again, script, q);
    if (q->cut_in != NO_CUT || q->cut_out != NO_CUT)
        check_cut(&again);
    else
        check_same(&again);
    if (again.why[0] == '\0' && closed(&again))
        check_sticks(&again);
    return said(&again);
}

static void length(size_t *in, size_t *out)
{
    *in = base.at.in;
    *out = base.at.out;
}

static void show(bool first_one)
{
    const struct play *p = first_one ? &base : &again;

    fwrite(p->log, 1, p->log_len, stdout);
    printf("verdict %s, failure %s, reason: %s\n",
           script_verdict(smtp_verdict(&p->smtp)),
           script_failure(smtp_failure(&p->smtp)), smtp_reason(&p->smtp));
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
    static const struct plan_kind kind = { "",      load,   unload, first,
                                           another, length, show };

    return plan_main(&kind, argc, argv);
}
