/*
 * client.c - the public face of a session: bytes in, bytes out, time, results.
 *
 * Nothing is decided here but what no reply decides: a lost connection, a
 * deadline, bytes where none may be. See dialogue.c for the rest.
 */
#include "session.h"

#include <string.h>

_Static_assert(sizeof(struct session) <= sizeof(struct smtp),
               "raise private_ in smtp.h");
_Static_assert(_Alignof(struct session) <= _Alignof(struct smtp),
               "private_ must hold a session");

static struct session *in(struct smtp *o)
{
    return (struct session *)(void *)o->private_;
}

static const struct session *look(const struct smtp *o)
{
    return (const struct session *)(const void *)o->private_;
}

/* What a mail begins with; true if it can be sent. */
static bool take(struct session *s, const struct smtp_job *job, uint64_t now_ms)
{
    s->job = job;
    s->now = now_ms;
    s->settled = s->fitted = false;
    s->verdict = SMTP_PENDING;
    s->failure = SMTP_F_NONE;
    s->reason[0] = '\0';
    s->size = job->size;
    s->content = job->binary      ? SMTP_BINARY
                 : job->eight_bit ? SMTP_8BIT
                                  : SMTP_7BIT;
    for (size_t i = 0; i < job->rcpt_count; i++) {
        job->rcpt[i].verdict = SMTP_PENDING;
        memset(&job->rcpt[i].reply, 0, sizeof job->rcpt[i].reply);
    }
    return job_ok(s);
}

bool smtp_init(struct smtp *o, const struct smtp_job *job, uint64_t now_ms)
{
    struct session *s = in(o);

    memset(o, 0, sizeof *o);
    s->out = job->out;
    s->out_size = job->out_size;
    s->state = job->tls == SMTP_TLS_IMPLICIT ? STATE_TLS : STATE_GREETING;
    if (!take(s, job, now_ms)) {
        state_hang_up(s, SMTP_F_JOB, "");
        return false;
    }
    command_event(s, SMTP_EV_STATE, s->state, 0, 0);
    state_arm(s, (enum smtp_state)s->state);
    return true;
}

/* --- bytes in --------------------------------------------------------- */

/* What SCRAM and CRAM-MD5 are asked is no echo, and must not be altered: by
 * chance it may hold the letters of a short password. */
static bool is_challenge(const struct session *s)
{
    return s->state == STATE_AUTH && !auth_mech(s->mech)->reveals &&
           s->reply.line_len >= 3 && memcmp(s->reply.line, "334", 3) == 0;
}

/* A whole line is in s->reply. */
static void on_line(struct session *s)
{
    bool first = s->reply.lines == 0;

    if (s->auth_began && !is_challenge(s))
        auth_redact(s, s->reply.line, s->reply.line_len);
    reply_note(&s->reply);
    command_event(s, SMTP_EV_REPLY, 0,
                  s->reply.status == REPLY_BAD ? 0 : s->reply.code, 0);
    if (s->state == STATE_EHLO && !first && s->reply.status != REPLY_BAD)
        ehlo_line(&s->caps, reply_text(&s->reply), !s->reply.cut);
}

/* A TLS record where a banner should be: handshake or alert (RFC 8446 5.1);
 * no SMTP reply begins with such a byte. */
static bool tls_first(const struct session *s, uint8_t byte)
{
    return s->state == STATE_GREETING && !s->tls_up && s->reply.bytes == 0 &&
           byte >= 0x14 && byte <= 0x17;
}

/* The line that a reply event speaks of is about to be overwritten. */
static void forget_lines(struct session *s)
{
    uint8_t kept = 0;

    for (uint8_t i = 0; i < s->event_count; i++) {
        size_t at = (size_t)s->event_at + i;
        struct session_event e = s->events[at % SESSION_EVENTS];

        if (e.kind != SMTP_EV_REPLY) {
            at = (size_t)s->event_at + kept++;
            s->events[at % SESSION_EVENTS] = e;
        }
    }
    s->event_count = kept;
}

size_t smtp_in(struct smtp *o, const uint8_t *p, size_t n, uint64_t now_ms)
{
    struct session *s = in(o);
    size_t used;

    if (n == 0 || s->state == STATE_CLOSED)
        return n;
    s->now = now_ms;
    if (s->state == STATE_TLS) {
        smtp_injected(o);
        return n;
    }
    if (tls_first(s, p[0])) {
        state_hang_up(s, SMTP_F_TLS_FIRST, NULL);
        return n;
    }
    forget_lines(s);
    if (s->reply.status == REPLY_DONE)
        reply_reset(&s->reply);
    used = reply_feed(&s->reply, p, n);
    if (s->reply.status == REPLY_LINE)
        on_line(s);
    if (s->reply.status == REPLY_BAD)
        state_hang_up(s, SMTP_F_PROTOCOL, s->reply.bad);
    else if (s->reply.status == REPLY_DONE)
        dialogue_reply(s);
    return used;
}

void smtp_in_eof(struct smtp *o)
{
    smtp_abort(o, SMTP_F_LOST);
}

void smtp_injected(struct smtp *o)
{
    if (in(o)->state == STATE_TLS)
        smtp_abort(o, SMTP_F_INJECTION);
}

void smtp_abort(struct smtp *o, enum smtp_failure why)
{
    struct session *s = in(o);

    if (s->state == STATE_CLOSED)
        return;
    if (s->fit_wanted && why == SMTP_F_UNFIT) { /* it waits for a command */
        s->fit_wanted = false;
        state_quit(s, why, SMTP_REFUSED, NULL, NULL);
        return;
    }
    if (s->reply.status == REPLY_DONE) /* not its fault: not to be quoted */
        s->reply.status = REPLY_MORE;
    state_hang_up(s, why == SMTP_F_NONE ? SMTP_F_LOST : why, NULL);
}

void smtp_tls_up(struct smtp *o, bool peer_verified, uint64_t now_ms)
{
    struct session *s = in(o);

    if (s->state != STATE_TLS)
        return;
    s->now = now_ms;
    s->tls_up = true;
    s->tls_verified = peer_verified;
    reply_reset(&s->reply);
    if (s->job->tls == SMTP_TLS_IMPLICIT)
        state_set(s, STATE_GREETING);
    else
        dialogue_hello(s); /* what was learnt before TLS is forgotten there */
}

/* --- bytes out -------------------------------------------------------- */

static bool body_wanted(const struct session *s)
{
    return s->state == STATE_BODY && s->todo == CMD_NONE &&
           (s->bdat ? chunk_ready(s) : s->out_size - s->out_len >= 2);
}

unsigned smtp_want(const struct smtp *o)
{
    const struct session *s = look(o);
    unsigned want = s->out_at != s->out_len ? SMTP_OUT : 0;

    if (s->state == STATE_CLOSED)
        return want | SMTP_CLOSED;
    if (s->state == STATE_TLS)
        return want | SMTP_TLS;
    if (s->state == STATE_WORK)
        want |= SMTP_WORK;
    if (s->fit_wanted)
        want |= SMTP_FIT;
    if (s->state == STATE_IDLE && !s->fit_wanted)
        want |= s->rewind_wanted ? SMTP_REWIND : SMTP_IDLE;
    if (body_wanted(s))
        want |= SMTP_BODY;
    return want | SMTP_IN;
}

const uint8_t *smtp_out_buf(const struct smtp *o, size_t *len)
{
    const struct session *s = look(o);

    *len = s->out_len - s->out_at;
    return s->out + s->out_at;
}

void smtp_out_ack(struct smtp *o, size_t n, uint64_t now_ms)
{
    struct session *s = in(o);

    if (n == 0)
        return;
    s->now = now_ms;
    command_ack(s, n);
    if (s->state == STATE_CLOSED)
        return;
    command_fill(s);
    /* Progress is all that can be asked of a message; the wait for its reply
     * begins when the last byte has left. */
    if (s->state == STATE_BODY)
        state_arm(s, STATE_BODY);
    else if (s->state == STATE_DOT)
        state_arm(s, state_dot_left(s) ? STATE_DOT : STATE_BODY);
}

size_t smtp_body(struct smtp *o, const uint8_t *p, size_t n, uint64_t now_ms)
{
    struct session *s = in(o);
    size_t made = 0, taken;

    if (s->state != STATE_BODY || n == 0)
        return 0;
    s->now = now_ms;
    if (s->bdat)
        taken = chunk_add(s, p, n);
    else
        taken = dotstuff(&s->dots, s->out + s->out_len,
                         s->out_size - s->out_len, &made, p, n);
    s->out_len += made;
    if (s->dots.bad)
        state_hang_up(s, SMTP_F_JOB,
                      "the message holds a NUL byte or a CR "
                      "without LF");
    else if (taken != 0)
        state_arm(s, STATE_BODY);
    return taken;
}

void smtp_body_end(struct smtp *o, uint64_t now_ms)
{
    struct session *s = in(o);

    if (!body_wanted(s))
        return;
    s->now = now_ms;
    if (s->dots.cr)
        state_hang_up(s, SMTP_F_JOB, "the message ends in a CR without LF");
    else if (s->bdat)
        chunk_end(s);
    else
        state_enter(s, STATE_DOT, CMD_DOT);
}

/* The caller has the word, and goes on. False: the session is over, or the
 * server has begun a reply to nothing, which the next command would seem to
 * be answered by. */
static bool quiet(struct session *s, uint64_t now_ms)
{
    if (s->state == STATE_CLOSED)
        return false;
    s->now = now_ms;
    if (s->reply.status == REPLY_DONE)
        return true;
    state_hang_up(s, SMTP_F_PROTOCOL, NULL);
    return false;
}

struct smtp_offers smtp_offers(const struct smtp *o)
{
    const struct session *s = look(o);
    struct smtp_offers offers = { s->caps.eight_bit, s->caps.utf8,
                                  session_binary(s) };

    return offers;
}

void smtp_fitted(struct smtp *o, uint64_t size, enum smtp_content content,
                 bool utf8, uint64_t now_ms)
{
    struct session *s = in(o);

    if (!s->fit_wanted || !quiet(s, now_ms))
        return;
    s->fitted = true;
    s->size = size;
    s->content = (uint8_t)content;
    s->utf8 = s->utf8 || utf8;
    dialogue_mail(s);
}

void smtp_rewound(struct smtp *o, uint64_t now_ms)
{
    struct session *s = in(o);

    if (s->rewind_wanted && quiet(s, now_ms))
        dialogue_start(s);
}

/* The session, if it waits for the caller. */
static struct session *idle(struct smtp *o, uint64_t now_ms)
{
    struct session *s = in(o);

    if (s->state != STATE_IDLE || s->rewind_wanted || s->fit_wanted ||
        !quiet(s, now_ms))
        return NULL;
    return s;
}

bool smtp_next(struct smtp *o, const struct smtp_job *job, uint64_t now_ms)
{
    struct session *s = idle(o, now_ms);

    if (s == NULL || s->mails >= SMTP_REUSE_MAX || session_mail_max(s))
        return false;
    s->event_count = 0; /* what waits is of the mail before */
    if (!take(s, job, now_ms)) {
        state_results(s, SMTP_F_JOB, SMTP_REFUSED, "", NULL);
        return false;
    }
    dialogue_mail(s);
    return true;
}

bool smtp_ask(struct smtp *o, enum smtp_question what, struct smtp_str argument,
              uint64_t now_ms)
{
    struct session *s = idle(o, now_ms);

    if (s == NULL || argument.len > 500)
        return false;
    for (size_t i = 0; i < argument.len; i++)
        if (argument.p[i] < ' ' || argument.p[i] > '~')
            return false;
    s->ask = argument;
    state_enter(s, STATE_ASK, (enum command)(CMD_NOOP + what));
    return true;
}

void smtp_quit(struct smtp *o, uint64_t now_ms)
{
    struct session *s = idle(o, now_ms);

    if (s != NULL)
        state_say_quit(s);
}

void smtp_work(struct smtp *o, uint64_t now_ms)
{
    struct session *s = in(o);

    if (s->state != STATE_WORK)
        return;
    s->now = now_ms;
    login_work(s);
}

/* --- time, results ---------------------------------------------------- */

uint64_t smtp_deadline(const struct smtp *o)
{
    return look(o)->deadline;
}

void smtp_tick(struct smtp *o, uint64_t now_ms)
{
    if (now_ms >= look(o)->deadline)
        smtp_abort(o, SMTP_F_TIMEOUT);
}

bool smtp_greeting_silent(const struct smtp *o)
{
    const struct session *s = look(o);

    return s->state == STATE_GREETING && s->reply.bytes == 0;
}

enum smtp_verdict smtp_verdict(const struct smtp *o)
{
    return (enum smtp_verdict)look(o)->verdict;
}

enum smtp_failure smtp_failure(const struct smtp *o)
{
    const struct session *s = look(o);

    return s->settled ? (enum smtp_failure)s->failure : SMTP_F_NONE;
}

const char *smtp_state_name(const struct smtp *o)
{
    return reason_state_name(look(o)->state);
}

const struct smtp_reply_note *smtp_last_reply(const struct smtp *o)
{
    return &look(o)->last;
}

const char *smtp_reason(const struct smtp *o)
{
    return look(o)->reason;
}

bool smtp_next_event(struct smtp *o, struct smtp_event *e)
{
    struct session *s = in(o);
    struct session_event *next = &s->events[s->event_at];
    struct smtp_str text;

    if (s->event_count == 0)
        return false;
    text = command_event_text(s, next);
    e->kind = (enum smtp_event_kind)next->kind;
    e->code = next->code;
    e->text = text.p;
    e->len = text.len;
    s->event_at = (uint8_t)((s->event_at + 1) % SESSION_EVENTS);
    s->event_count--;
    return true;
}

void smtp_wipe(struct smtp *o)
{
    struct session *s = in(o);

    if (s->out != NULL)
        text_wipe(s->out, s->out_size);
    text_wipe(o, sizeof *o);
}
