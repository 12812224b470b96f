/*
 * server.c - the public face of a server's session: bytes in, bytes out,
 * time, events. See smtpd.h.
 */
#include "server.h"

#include <string.h>

_Static_assert(sizeof(struct server) <= sizeof(struct smtpd),
               "raise private_ in smtpd.h");
_Static_assert(_Alignof(struct server) <= _Alignof(struct smtpd),
               "private_ must hold a session");

static struct server *in(struct smtpd *o)
{
    return (struct server *)(void *)o->private_;
}

static const struct server *look(const struct smtpd *o)
{
    return (const struct server *)(const void *)o->private_;
}

/* Trace that was not fetched points to what the next call overwrites. */
static void begin(struct server *s, uint64_t now)
{
    uint8_t kept = 0;

    s->now = now;
    for (uint8_t i = 0; i < s->event_count; i++) {
        size_t at = (size_t)s->event_at + i;
        struct server_event e = s->events[at % SERVER_EVENTS];

        if (e.kind == SMTPD_EV_STATE) {
            at = (size_t)s->event_at + kept++;
            s->events[at % SERVER_EVENTS] = e;
        }
    }
    s->event_count = kept;
}

void smtpd_init(struct smtpd *o, const struct smtpd_config *cfg,
                uint64_t now_ms)
{
    struct server *s = in(o);

    memset(o, 0, sizeof *o);
    s->cfg = cfg;
    s->now = now_ms;
    s->state = cfg->implicit_tls ? SERVER_TLS : SERVER_GREETING;
    server_event(s, SMTPD_EV_STATE, s->state);
    if (s->state == SERVER_GREETING)
        server_ask(s, SMTPD_ASK_CONNECT);
    server_arm(s);
}

unsigned smtpd_want(const struct smtpd *o)
{
    const struct server *s = look(o);
    unsigned want = s->out_len != 0 ? SMTPD_OUT : 0;

    if (s->state == SERVER_CLOSED)
        return want | SMTPD_CLOSED;
    if (s->state == SERVER_TLS)
        return want | SMTPD_TLS;
    if (s->question != 0)
        want |= SMTPD_ANSWER;
    if (s->body_len != 0)
        want |= SMTPD_BODY;
    if (s->question == 0 && !s->ended && server_room(s) &&
        sizeof s->body - s->body_len >= 2)
        want |= SMTPD_IN;
    return want;
}

/* --- bytes out ------------------------------------------------------------ */

const uint8_t *smtpd_out_buf(const struct smtpd *o, size_t *len)
{
    *len = look(o)->out_len;
    return look(o)->out;
}

/* What waited for a reply to leave. */
static void out_left(struct server *s)
{
    s->sync = false;
    if (s->tls_due) {
        s->tls_due = false;
        server_set(s, SERVER_TLS);
    } else if (s->state == SERVER_GREETING && s->question == 0) {
        server_set(s, SERVER_HELLO);
    }
}

void smtpd_out_ack(struct smtpd *o, size_t n, uint64_t now_ms)
{
    struct server *s = in(o);

    if (n == 0)
        return;
    begin(s, now_ms);
    if (n > s->out_len)
        n = s->out_len;
    s->out_len -= n;
    memmove(s->out, s->out + n, s->out_len);
    if (s->state == SERVER_CLOSED)
        return;
    if (s->out_len == 0)
        out_left(s);
    server_settle(s);
}

/* --- bytes in ------------------------------------------------------------- */

static void impatient(struct server *s)
{
    static const struct server_say why = { 554,
                                           { 5, 5, 0 },
                                           "you spoke before the reply you "
                                           "had to wait for" };

    server_close(s, SMTPD_END_SYNC, &why);
}

/* A line ends at its LF. */
static void line_end(struct server *s)
{
    if (!s->line_cr && !s->cfg->bare_lf)
        s->line_odd = true;
    for (size_t i = 0; i < s->line_len && !s->line_odd; i++)
        s->line_odd = (uint8_t)s->line[i] < 0x20 || s->line[i] == 0x7f;
    server_command(s);
    s->line_wire = 0;
    s->line_cr = s->line_odd = false;
}

static size_t line_in(struct server *s, const uint8_t *p, size_t n)
{
    static const struct server_say endless = { 500,
                                               { 5, 5, 6 },
                                               "a line that does not end" };
    size_t i = 0;

    if (s->line_wire == 0)
        s->line_len = 0;
    while (i < n && s->line_wire < SERVER_SKIP) {
        char c = (char)p[i++];

        s->line_wire++;
        if (c == '\n') {
            line_end(s);
            return i;
        }
        if (s->line_cr) /* and so in the middle of the line */
            s->line_odd = true;
        s->line_cr = c == '\r';
        if (c != '\r' && s->line_len < sizeof s->line)
            s->line[s->line_len++] = c;
    }
    if (s->line_wire == SERVER_SKIP)
        server_close(s, SMTPD_END_SYNTAX, &endless);
    return i;
}

/* RFC 3030 section 2: a chunk belongs to its BDAT, whoever is still to say
 * whether the message may come. */
static bool chunk_awaited(const struct server *s)
{
    return s->question == SMTPD_ASK_DATA && s->chunk_left != 0;
}

size_t smtpd_in(struct smtpd *o, const uint8_t *p, size_t n, uint64_t now_ms)
{
    struct server *s = in(o);
    bool early = (s->out_len != 0 || s->question != 0) && !chunk_awaited(s) &&
                 (s->sync || s->state == SERVER_GREETING);

    if (n == 0 || s->state == SERVER_CLOSED)
        return n;
    if (s->state == SERVER_TLS) {
        smtpd_injected(o);
        return n;
    }
    if (early) {
        begin(s, now_ms);
        impatient(s);
        return n;
    }
    if (s->question != 0 || s->ended || !server_room(s))
        return 0;
    begin(s, now_ms);
    if (s->state == SERVER_BODY || s->state == SERVER_CHUNK)
        return server_body_in(s, p, n);
    return line_in(s, p, n);
}

void smtpd_in_eof(struct smtpd *o)
{
    server_close(in(o), SMTPD_END_LOST, NULL);
}

void smtpd_injected(struct smtpd *o)
{
    struct server *s = in(o);

    if (s->state == SERVER_TLS)
        server_close(s, SMTPD_END_INJECTION, NULL);
}

void smtpd_tls_up(struct smtpd *o, uint64_t now_ms)
{
    struct server *s = in(o);

    if (s->state != SERVER_TLS)
        return;
    begin(s, now_ms);
    s->tls_up = true;
    s->esmtp = s->hello = s->authed = false;
    s->line_wire = 0;
    text_wipe(s->line, sizeof s->line);
    if (s->cfg->implicit_tls) {
        server_set(s, SERVER_GREETING);
        server_ask(s, SMTPD_ASK_CONNECT);
    } else {
        server_set(s, SERVER_HELLO);
    }
}

/* --- the message ---------------------------------------------------------- */

const uint8_t *smtpd_body_buf(const struct smtpd *o, size_t *len)
{
    const struct server *s = look(o);

    *len = s->body_len - s->body_at;
    return s->body + s->body_at;
}

void smtpd_body_ack(struct smtpd *o, size_t n, uint64_t now_ms)
{
    struct server *s = in(o);

    if (n == 0 || s->body_len == 0)
        return;
    begin(s, now_ms);
    s->body_at += n < s->body_len - s->body_at ? n : s->body_len - s->body_at;
    if (s->body_at != s->body_len)
        return;
    s->body_at = s->body_len = 0;
    server_settle(s);
}

/* --- questions, events, time ---------------------------------------------- */

void smtpd_answer(struct smtpd *o, const struct smtpd_answer *a,
                  uint64_t now_ms)
{
    struct server *s = in(o);

    if (s->question == 0)
        return;
    begin(s, now_ms);
    server_answered(s, a);
}

static void trace(const struct server *s, const struct server_event *next,
                  struct smtpd_event *e)
{
    e->kind = (enum smtpd_event_kind)next->kind;
    if (e->kind == SMTPD_EV_STATE) {
        e->text = server_state_name(next->what);
        e->len = strlen(e->text);
    } else if (e->kind == SMTPD_EV_LINE) {
        e->text = s->shown;
        e->len = s->shown_len;
    } else {
        e->code = next->code;
        e->text = (const char *)s->out + next->at;
        e->len = next->len;
    }
}

static void question(struct server *s, struct smtpd_event *e)
{
    s->question_told = true;
    e->kind = (enum smtpd_event_kind)s->question;
    if (e->kind == SMTPD_ASK_MAIL)
        e->mail = &s->mail;
    else if (e->kind == SMTPD_ASK_RCPT)
        e->rcpt = &s->rcpt;
    else if (e->kind == SMTPD_ASK_AUTH || e->kind == SMTPD_ASK_SECRET)
        e->login = &s->login;
    else if (e->kind == SMTPD_ASK_MESSAGE)
        e->index = s->settled;
    else if (e->kind == SMTPD_ASK_HELLO || e->kind == SMTPD_ASK_VRFY ||
             e->kind == SMTPD_ASK_EXPN || e->kind == SMTPD_ASK_HELP) {
        e->text = s->asked.p;
        e->len = s->asked.len;
    }
}

bool smtpd_next_event(struct smtpd *o, struct smtpd_event *e)
{
    struct server *s = in(o);

    memset(e, 0, sizeof *e);
    e->text = "";
    if (s->event_count != 0) {
        trace(s, &s->events[s->event_at], e);
        s->event_at = (uint8_t)((s->event_at + 1) % SERVER_EVENTS);
        s->event_count--;
    } else if (s->reset_due) {
        s->reset_due = false;
        e->kind = SMTPD_EV_RESET;
    } else if (s->question != 0 && !s->question_told) {
        question(s, e);
    } else {
        return false;
    }
    return true;
}

uint64_t smtpd_deadline(const struct smtpd *o)
{
    return look(o)->deadline;
}

void smtpd_tick(struct smtpd *o, uint64_t now_ms)
{
    static const struct server_say late = { 421,
                                            { 4, 4, 2 },
                                            "you were silent for too long" };
    struct server *s = in(o);

    if (now_ms < s->deadline)
        return;
    begin(s, now_ms);
    server_close(s, SMTPD_END_TIMEOUT, s->state == SERVER_TLS ? NULL : &late);
}

void smtpd_shutdown(struct smtpd *o)
{
    static const struct server_say bye = { 421,
                                           { 4, 3, 2 },
                                           "the service is shutting down" };
    struct server *s = in(o);

    begin(s, s->now);
    server_close(s, SMTPD_END_CALLER, s->state == SERVER_TLS ? NULL : &bye);
}

enum smtpd_end smtpd_end(const struct smtpd *o)
{
    return (enum smtpd_end)look(o)->end;
}

const char *smtpd_state_name(const struct smtpd *o)
{
    return server_state_name(look(o)->state);
}

bool smtpd_tls(const struct smtpd *o)
{
    return look(o)->tls_up;
}

void smtpd_wipe(struct smtpd *o)
{
    text_wipe(o, sizeof *o);
}
