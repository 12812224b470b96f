/*
 * random.c - dialogues that a seed makes up: a job, a message, and a server
 * that is good, bad or hostile (peer.c). Each is played whole, byte by byte,
 * and three times in pieces of random sizes in every direction: the same log
 * of events and deadlines, the same bytes said, the same verdicts, replies and
 * reasons. And whatever the server does:
 *   every recipient has a verdict at the end of a mail;
 *   SENT and UNSURE only if the server has heard that message to its end;
 *   a server that is good to the end makes no failure but the job's own;
 *   nowhere the password.
 *
 * Usage: random [SEED [COUNT]]; without arguments 10,000 from seed 1, with
 * SEED alone that one, and its log. A failure prints the command for its seed.
 */
/* sources: smtp/ tests/transcripts/peer.c tests/transcripts/escape.c
 * tests/transcripts/crypto.c */
/* includes: smtp tests/transcripts */
#include "peer.h"

#include "base64.h"
#include "crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT    10000
#define RCPT_MAX 5
#define TEXT_MAX 700
#define TURNS    400

static const char password[] = "tanstaaftanstaaf";

/* sizes of pieces: of what the server says, the client says, the message;
 * 0: at random */
struct plan {
    size_t in, out, body;
};

struct play {
    struct smtp_job job;
    struct smtp_rcpt rcpt[RCPT_MAX];
    uint8_t out[2100];
    char text[TEXT_MAX];
    size_t text_len, text_at, fit;
    bool verified, odd_text;

    const struct plan *plan;
    uint64_t pieces; /* random numbers for their sizes */
    uint64_t later;  /* ... for what is done between mails */
    struct smtp smtp;
    struct peer peer;
    uint64_t now;
    struct bytes log, said;
    const char *why; /* NULL: fine */
};

static struct play first, again;
static unsigned outcomes[5], rewinds, mails;

static void note(struct play *p, const char *mark, const void *text, size_t n)
{
    bytes_append(&p->log, mark, strlen(mark));
    bytes_append(&p->log, text, n);
    bytes_append(&p->log, "\n", 1);
}

static void note_number(struct play *p, const char *mark, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, n);
    note(p, mark, text, strlen(text));
}

/* --- the job, by its seed ---------------------------------------------- */

static struct smtp_str str(const char *text)
{
    return (struct smtp_str){ text, strlen(text) };
}

static void make_login(struct play *p, uint64_t *r)
{
    static const uint8_t binding[] = { 1, 2, 3, 4 };
    struct smtp_job *j = &p->job;

    j->auth =
        peer_pick(r, 2) != 0 ? (enum smtp_auth)peer_pick(r, 12) : SMTP_AUTH_OFF;
    j->auth_unsafe = peer_pick(r, 3) == 0;
    j->user = str("tim");
    j->password = str(password);
    j->crypto = peer_pick(r, 6) != 0 ? &crypto : NULL;
    j->binding.type = "tls-exporter";
    j->binding.p = binding;
    j->binding.len = peer_pick(r, 2) != 0 ? sizeof binding : 0;
    if (peer_pick(r, 2) != 0) {
        j->host = str("mx.example.net");
        j->port = 587;
    }
}

static void make_wishes(struct smtp_wishes *w, uint64_t *r)
{
    if (peer_pick(r, 8) != 0)
        return;
    w->ret = (enum smtp_ret)peer_pick(r, 3);
    w->envid = str(peer_pick(r, 2) != 0 ? "a+b=c" : "");
    w->require_tls = peer_pick(r, 4) == 0;
    w->by_seconds = peer_pick(r, 4) == 0 ? 200 : 0;
    w->by_return = peer_pick(r, 2) != 0;
    w->has_priority = peer_pick(r, 4) == 0;
    w->priority = (int8_t)peer_pick(r, 10);
    w->hold_seconds = peer_pick(r, 4) == 0 ? 500 : 0;
}

static void make_text(struct play *p, uint64_t *r)
{
    static const char *const words[] = { "a",  ".",    "..", "\r\n", "\r\n.",
                                         "\n", "\xc3", " ",  "\r" };
    size_t n = peer_pick(r, 4) == 0 ? peer_pick(r, TEXT_MAX) : peer_pick(r, 60);
    size_t kinds;

    /* With a bare CR: when it is found, and when a server loses patience, are
     * two moments that may change places. */
    p->odd_text = peer_pick(r, 8) == 0;
    kinds = p->odd_text ? 9 : 8;
    while (p->text_len + 3 < n) {
        const char *word = words[peer_pick(r, kinds)];

        memcpy(p->text + p->text_len, word, strlen(word));
        p->text_len += strlen(word);
    }
}

static void make_job(struct play *p, uint64_t seed)
{
    static const char *const addresses[] = {
        "b@example.net", "\"c d\"@[192.0.2.1]", "\xc3\xa4@example.net",
        "e@\xc3\xa4.example", "Postmaster"
    };
    struct smtp_job *j = &p->job;
    uint64_t random = seed, *r = &random;

    for (int i = 0; i < 4; i++)
        peer_pick(r, 2);
    j->helo = str("client.example");
    j->tls = (enum smtp_tls)peer_pick(r, 3);
    j->lmtp = peer_pick(r, 4) == 0;
    j->from = str(peer_pick(r, 4) != 0 ? "a@example.org" : "");
    j->rcpt = p->rcpt;
    j->rcpt_count = 1 + peer_pick(r, RCPT_MAX);
    for (size_t i = 0; i < j->rcpt_count; i++) {
        p->rcpt[i].address = str(addresses[peer_pick(r, 20) == 0  ? 2
                                           : peer_pick(r, 5) == 2 ? 0
                                                                  : i % 2]);
        p->rcpt[i].notify = peer_pick(r, 9) == 0 ? SMTP_NOTIFY_FAILURE : 0;
    }
    make_login(p, r);
    make_wishes(&j->wishes, r);
    make_text(p, r);
    j->size = peer_pick(r, 2) != 0 ? 200 + peer_pick(r, 400) : 0;
    j->eight_bit = peer_pick(r, 2) != 0;
    j->fit = peer_pick(r, 4) == 0;
    j->split = peer_pick(r, 2) != 0;
    j->keep = peer_pick(r, 3) == 0;
    p->fit = peer_pick(r, 5);
    p->verified = peer_pick(r, 5) != 0;
    j->out = p->out;
    j->out_size = SMTP_OUT_MIN + peer_pick(r, 2048);
    j->timeout_ms = peer_pick(r, 3) == 0 ? 20000 : 0;
}

/* --- one play ---------------------------------------------------------- */

static bool closed(const struct play *p)
{
    return (smtp_want(&p->smtp) & SMTP_CLOSED) != 0;
}

static void pull(struct play *p)
{
    static const char *const marks[] = { "= ", "> ", "< " };
    struct smtp_event e;

    while (smtp_next_event(&p->smtp, &e)) {
        note(p, marks[e.kind], e.text, e.len);
        note_number(p, "  code ", e.code);
    }
}

static void observe(struct play *p)
{
    pull(p);
    while ((smtp_want(&p->smtp) & SMTP_WORK) != 0) {
        smtp_work(&p->smtp, p->now);
        pull(p);
    }
}

static size_t piece(struct play *p, size_t size, size_t have)
{
    if (size == 0)
        size = peer_pick(&p->pieces, 5) == 0 ? have + 1
                                             : 1 + peer_pick(&p->pieces, 20);
    return have < size ? have : size;
}

static void rewind_text(struct play *p)
{
    p->text_at = 0;
    smtp_rewound(&p->smtp, p->now);
    rewinds += p == &first;
}

/* Another mail by the same job, from somebody else. */
static void next_mail(struct play *p)
{
    p->job.from = str(peer_pick(&p->later, 2) != 0 ? "d@example.org" : "");
    if (!smtp_next(&p->smtp, &p->job, p->now)) {
        smtp_quit(&p->smtp, p->now);
        return;
    }
    p->text_at = 0;
    p->peer.complete = false;
    mails += p == &first;
}

/* Between two mails. */
static void go_on(struct play *p)
{
    static const enum smtp_question questions[] = { SMTP_ASK_NOOP,
                                                    SMTP_ASK_RSET,
                                                    SMTP_ASK_VRFY };

    switch (peer_pick(&p->later, 6)) {
    case 0:
        smtp_quit(&p->smtp, p->now);
        break;
    case 1:
        smtp_ask(&p->smtp, questions[peer_pick(&p->later, 3)], str("b"),
                 p->now);
        break;
    default:
        next_mail(p);
        break;
    }
}

static void judge(struct play *p);

/* What the caller owes the session, bytes apart. True: something was done. */
static bool serve(struct play *p)
{
    unsigned want = smtp_want(&p->smtp);
    size_t n = piece(p, p->plan->body, p->text_len - p->text_at);

    if ((want & SMTP_IDLE) != 0) {
        judge(p);
        go_on(p);
    } else if ((want & SMTP_REWIND) != 0)
        rewind_text(p);
    else if ((want & SMTP_FIT) != 0 && p->fit == 0)
        smtp_abort(&p->smtp, SMTP_F_UNFIT);
    else if ((want & SMTP_FIT) != 0)
        smtp_fitted(&p->smtp, p->fit * 100, (enum smtp_content)(p->fit % 3),
                    p->fit == 3, p->now);
    else if ((want & SMTP_BODY) != 0 && n == 0)
        smtp_body_end(&p->smtp, p->now);
    else if ((want & SMTP_BODY) != 0)
        p->text_at += smtp_body(&p->smtp, (const uint8_t *)p->text + p->text_at,
                                n, p->now);
    else
        return false;
    observe(p);
    return true;
}

/* The client speaks until it has nothing more to say, or is spoken to. */
static void client_speaks(struct play *p)
{
    for (;;) {
        size_t n;
        const uint8_t *out = smtp_out_buf(&p->smtp, &n);

        if (n == 0 && !serve(p))
            return;
        if (n == 0)
            continue;
        n = piece(p, p->plan->out, n);
        if (n > peer_hears(&p->peer))
            n = peer_hears(&p->peer);
        bytes_append(&p->said, out, n);
        peer_hear(&p->peer, out, n);
        smtp_out_ack(&p->smtp, n, p->now);
        observe(p);
        if (p->peer.say.len != 0 && p->peer.in_data && !closed(p))
            return; /* it did not wait for the message's end */
    }
}

static void server_speaks(struct play *p)
{
    struct bytes *b = &p->peer.say;

    for (size_t at = 0, n, used; at < b->len && !closed(p); at += used) {
        uint8_t *copy;

        if ((smtp_want(&p->smtp) & SMTP_TLS) != 0) {
            smtp_injected(&p->smtp);
            observe(p);
            break;
        }
        n = piece(p, p->plan->in, b->len - at);
        copy = malloc(n); /* so that ASan sees an over-read */
        memcpy(copy, b->p + at, n);
        used = smtp_in(&p->smtp, copy, n, p->now);
        free(copy);
        if (used == 0 || used > n) {
            p->why = "smtp_in() used a wrong number of bytes";
            break;
        }
        observe(p);
    }
    b->len = 0;
}

/* True if the session is in a handshake, which is over then. */
static bool handshake(struct play *p)
{
    if (smtp_want(&p->smtp) != SMTP_TLS)
        return false;
    if (p->fit == 4)
        smtp_abort(&p->smtp, SMTP_F_TLS);
    else
        smtp_tls_up(&p->smtp, p->verified, p->now);
    observe(p);
    return true;
}

static void silence(struct play *p, enum peer_act act)
{
    uint64_t limit = smtp_deadline(&p->smtp);

    if (act == PEER_HANGS_UP || limit == UINT64_MAX) {
        smtp_in_eof(&p->smtp);
    } else {
        smtp_tick(&p->smtp, limit - 1);
        if (closed(p))
            p->why = "over before its time";
        p->now = limit;
        smtp_tick(&p->smtp, limit);
    }
    observe(p);
}

static void converse(struct play *p)
{
    for (int turn = 0; p->why == NULL; turn++) {
        enum peer_act act;

        p->now += 1000;
        if (turn == TURNS)
            p->why = "no end";
        client_speaks(p);
        if (closed(p))
            return;
        note_number(p, "  until ", smtp_deadline(&p->smtp));
        if (handshake(p))
            continue;
        act = peer_act(&p->peer);
        server_speaks(p);
        if (act != PEER_LISTENS && !closed(p))
            silence(p, act);
    }
}

static bool holds(const struct bytes *b, const void *what, size_t n)
{
    return memmem(b->p, b->len, what, n) != NULL;
}

static void judge(struct play *p)
{
    char coded[32];
    size_t n = base64_encode(coded, (const uint8_t *)password, 15);

    for (size_t i = 0; i < p->job.rcpt_count; i++) {
        const struct smtp_rcpt *r = &p->rcpt[i];

        note_number(p, "verdict ", r->verdict);
        note_number(p, "code ", r->reply.code);
        note(p, "text ", r->reply.text, r->reply.text_len);
        if (r->verdict == SMTP_PENDING)
            p->why = "a recipient without a verdict";
        if ((r->verdict == SMTP_SENT || r->verdict == SMTP_UNSURE) &&
            !p->peer.complete)
            p->why = "sent or unsure, and the server has not heard it all";
    }
    note_number(p, "whole ", smtp_verdict(&p->smtp));
    note_number(p, "failure ", smtp_failure(&p->smtp));
    note(p, "reason ", smtp_reason(&p->smtp), strlen(smtp_reason(&p->smtp)));
    if (smtp_failure(&p->smtp) == SMTP_F_PROTOCOL && p->peer.mood == 0)
        p->why = "the server broke nothing";
    /* PARTIAL: it takes fewer recipients at once (LIMITS) */
    if (smtp_verdict(&p->smtp) != SMTP_SENT && p->peer.complete &&
        p->peer.mood == 0 && smtp_failure(&p->smtp) != SMTP_F_PARTIAL)
        p->why = "the server has taken it, and it is not sent";
    if (holds(&p->log, password, sizeof password - 1) ||
        holds(&p->log, coded, n))
        p->why = "the password is in the log";
}

static void play(struct play *p, uint64_t seed, const struct plan *plan)
{
    struct bytes log = p->log, said = p->said, say = p->peer.say;

    memset(p, 0, sizeof *p);
    p->log = log;
    p->said = said;
    p->peer.say = say;
    p->log.len = p->said.len = 0;
    p->plan = plan;
    p->pieces = seed + plan->in + 1;
    p->later = seed + 1;
    p->now = 1000;
    make_job(p, seed);
    peer_begin(&p->peer, seed, &p->job, p->odd_text);
    if (smtp_init(&p->smtp, &p->job, p->now)) {
        observe(p);
        converse(p);
    }
    observe(p);
    judge(p);
}

/* --- all of them ------------------------------------------------------- */

static bool same(const struct bytes *a, const struct bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

/* Of a message with a bare CR more or less has left when it is found. */
static bool same_said(void)
{
    if (smtp_failure(&first.smtp) == SMTP_F_JOB)
        first.said.len = again.said.len =
            first.said.len < again.said.len ? first.said.len : again.said.len;
    return same(&again.said, &first.said);
}

static const char *compared(uint64_t seed, const struct plan *plan)
{
    play(&again, seed, plan);
    if (again.why != NULL)
        return again.why;
    if (!same(&again.log, &first.log))
        return "another log than in one piece";
    if (!same_said())
        return "other bytes said than in one piece";
    return NULL;
}

/* NULL, or what is wrong with the dialogue. */
static const char *dialogue(uint64_t seed)
{
    static const struct plan plans[] = {
        { 1, 1, 1 }, { 0, 0, 0 }, { 0, SIZE_MAX, SIZE_MAX }, { SIZE_MAX, 0, 3 }
    };
    static const struct plan whole = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
    const char *why;

    play(&first, seed, &whole);
    why = first.why;
    for (size_t i = 0; why == NULL && i < sizeof plans / sizeof *plans; i++)
        why = compared(seed, &plans[i]);
    outcomes[smtp_verdict(&first.smtp)]++;
    return why;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2   ? strtoull(argv[2], NULL, 10)
                     : argc > 1 ? 1
                                : COUNT;
    unsigned failed = 0;

    for (uint64_t i = 0; i < count && failed < 10; i++) {
        const char *why = dialogue(seed + i);

        if (why != NULL) {
            failed++;
            printf("FAIL tests/transcripts/run random %" PRIu64 ": %s\n",
                   seed + i, why);
        }
    }
    if (count == 1)
        fwrite(first.log.p, 1, first.log.len, stdout);
    printf("%" PRIu64 " random dialogues from seed %" PRIu64 ", %u failed; "
           "sent %u, later %u, refused %u, unsure %u; %u mails more in a "
           "connection, %u messages begun anew\n",
           count, seed, failed, outcomes[SMTP_SENT], outcomes[SMTP_TRY_LATER],
           outcomes[SMTP_REFUSED], outcomes[SMTP_UNSURE], mails, rewinds);
    /* less would be a test of nothing */
    for (int v = SMTP_SENT; count == COUNT && v <= SMTP_UNSURE; v++)
        failed += outcomes[v] < COUNT / 1000;
    if (count == COUNT && (mails < COUNT / 20 || rewinds < COUNT / 100))
        failed++;
    free(first.log.p);
    free(first.said.p);
    free(first.peer.say.p);
    free(again.log.p);
    free(again.said.p);
    free(again.peer.say.p);
    return failed != 0;
}
