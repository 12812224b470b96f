/*
 * answer.c - where a session stands, what is said to the client, what is
 * asked of the caller, and how it ends.
 *
 * server_set() is the one place where the state changes; server_close() is
 * the only way out.
 */
#include "server.h"

#include <string.h>

#define LINES_MAX  6   /* of one reply, EHLO's apart */
#define TEXT_MAX   400 /* bytes of a caller's text */
#define LAST_WORDS 128 /* room for any of the engine's own sentences */

static const struct {
    uint16_t seconds;
    const char *name;
} states[] = {
#define X(name, seconds, section, what) { seconds, #name },
#include "server.def"
#undef X
};

static const struct smtp_str nothing = { "", 0 };

const char *server_state_name(unsigned state)
{
    return states[state].name;
}

void server_event(struct server *s, enum smtpd_event_kind kind, unsigned what)
{
    struct server_event *e;

    if (s->event_count == SERVER_EVENTS) {
        s->event_at = (uint8_t)((s->event_at + 1) % SERVER_EVENTS);
        s->event_count--;
    }
    e = &s->events[(s->event_at + s->event_count) % SERVER_EVENTS];
    memset(e, 0, sizeof *e);
    e->kind = (uint8_t)kind;
    e->what = (uint8_t)what;
    s->event_count++;
}

void server_arm(struct server *s)
{
    uint64_t ms = (uint64_t)states[s->state].seconds * 1000;
    uint32_t cap = s->cfg->timeout_ms;

    s->progress = 0;
    if (s->state == SERVER_CLOSED || s->question != 0 || s->ended)
        s->deadline = UINT64_MAX;
    else
        s->deadline = s->now + (cap != 0 && cap < ms ? cap : ms);
}

/* The one place where the state changes. */
void server_set(struct server *s, enum server_state to)
{
    if (s->state == SERVER_CLOSED)
        return; /* too many errors, and the handler has more to do */
    if (s->state != to)
        server_event(s, SMTPD_EV_STATE, to);
    s->state = (uint8_t)to;
    server_arm(s);
}

/* --- replies -------------------------------------------------------------- */

static void reply_event(struct server *s, unsigned code, size_t at)
{
    struct server_event *e;

    server_event(s, SMTPD_EV_REPLY, 0);
    e = &s->events[(s->event_at + s->event_count - 1u) % SERVER_EVENTS];
    e->code = (uint16_t)code;
    e->at = (uint16_t)at;
    e->len = (uint16_t)(s->out_len - at);
}

void server_mask(struct server *s)
{
    size_t last = (size_t)s->event_at + s->event_count - 1;

    s->events[last % SERVER_EVENTS].len = 4; /* the code, a blank */
}

/* Length of the first line of text. */
static size_t first_line(struct smtp_str text)
{
    const char *lf = text.len == 0 ? NULL : memchr(text.p, '\n', text.len);

    return lf == NULL ? text.len : (size_t)(lf - text.p);
}

static void one_line(struct server *s, unsigned code, const uint8_t enhanced[3],
                     struct smtp_str text, bool last)
{
    struct text t =
        text_into((char *)s->out + s->out_len, sizeof s->out - s->out_len);
    size_t at = s->out_len, begin;

    text_u64(&t, code);
    text_str(&t, last ? " " : "-");
    for (size_t i = 0; enhanced[0] != 0 && i < 3; i++) {
        text_u64(&t, enhanced[i]);
        text_str(&t, i < 2 ? "." : " ");
    }
    begin = t.len;
    text_mem(&t, text.p, text.len);
    text_clean(t.p + begin, t.len - begin);
    s->out_len += t.len;
    reply_event(s, code, at);
    memcpy(s->out + s->out_len, "\r\n", 2);
    s->out_len += 2;
}

/* There is room for SERVER_REPLY_ROOM bytes: what is called here is only called
 * then. Enhanced class 0: none. */
void server_reply(struct server *s, unsigned code, const uint8_t enhanced[3],
                  struct smtp_str text)
{
    unsigned lines = 0;

    if (text.len > TEXT_MAX)
        text.len = TEXT_MAX;
    for (;;) {
        struct smtp_str line = { text.p, first_line(text) };
        bool last = line.len == text.len || ++lines == LINES_MAX;

        one_line(s, code, enhanced, line, last);
        if (last)
            return;
        text.p += line.len + 1;
        text.len -= line.len + 1;
    }
}

/* RFC 2034 4: enhanced codes go with 2xx, 4xx, 5xx, once they are announced,
 * and not with the reply to EHLO. */
static void coded(struct server *s, unsigned code, const uint8_t enhanced[3],
                  struct smtp_str text)
{
    static const uint8_t none[3] = { 0, 0, 0 };
    bool given = s->esmtp && server_offers(s, SMTPD_ENHANCED);

    server_reply(s, code, given ? enhanced : none, text);
}

void server_say(struct server *s, const struct server_say *say)
{
    struct smtp_str text = { say->text, strlen(say->text) };

    coded(s, say->code, say->enhanced, text);
}

void server_ok(struct server *s, unsigned code, unsigned subject,
               unsigned detail, const char *text)
{
    struct server_say say = { (uint16_t)code,
                              { 2, (uint8_t)subject, (uint8_t)detail },
                              text };

    if (code / 100 == 3)
        say.enhanced[0] = 0;
    server_say(s, &say);
}

void server_error(struct server *s, unsigned code, unsigned subject,
                  unsigned detail, const char *text)
{
    static const struct server_say enough = { 421,
                                              { 4, 7, 0 },
                                              "too many bad commands" };
    struct server_say say = { (uint16_t)code,
                              { (uint8_t)(code / 100), (uint8_t)subject,
                                (uint8_t)detail },
                              text };
    unsigned max = s->cfg->errors_max != 0 ? s->cfg->errors_max : 10;

    if (++s->errors >= max)
        server_close(s, SMTPD_END_LIMIT, &enough);
    else
        server_say(s, &say);
}

/* --- the transaction, the end --------------------------------------------- */

void server_reset(struct server *s)
{
    if (s->mail_given)
        s->reset_due = true;
    s->mail_given = s->chunking = s->ended = false;
    s->mail_utf8 = s->mail_binary = false;
    s->rcpts = s->settled = 0;
    s->octets = 0;
    s->bad.code = 0;
    s->body_at = s->body_len = 0;
    memset(&s->dots, 0, sizeof s->dots);
}

void server_close(struct server *s, enum smtpd_end why,
                  const struct server_say *say)
{
    if (s->state == SERVER_CLOSED)
        return;
    server_reset(s);
    s->question = 0;
    s->end = (uint8_t)why;
    if (say != NULL && sizeof s->out - s->out_len >= LAST_WORDS)
        server_say(s, say);
    text_wipe(s->line, sizeof s->line);
    text_wipe(s->decoded, sizeof s->decoded);
    server_set(s, SERVER_CLOSED);
}

/* --- questions ------------------------------------------------------------ */

void server_ask(struct server *s, enum smtpd_event_kind question)
{
    s->question = (uint8_t)question;
    s->question_told = false;
    server_arm(s);
}

/* What is said where the caller leaves it to the engine. */
static const struct server_say *usual(unsigned question, bool yes)
{
    static const struct {
        struct server_say yes, no;
    } says[] = {
        { { 220, { 2, 0, 0 }, "ESMTP" }, { 554, { 5, 3, 2 }, "no service" } },
        { { 250, { 2, 0, 0 }, "" }, { 550, { 5, 7, 1 }, "refused" } },
        { { 235, { 2, 7, 0 }, "authenticated" },
          { 535, { 5, 7, 8 }, "credentials not accepted" } },
        { { 250, { 2, 1, 0 }, "sender ok" },
          { 550, { 5, 7, 1 }, "sender refused" } },
        { { 250, { 2, 1, 5 }, "recipient ok" },
          { 550, { 5, 7, 1 }, "recipient refused" } },
        { { 354, { 2, 0, 0 }, "send the message, end with a dot" },
          { 554, { 5, 0, 0 }, "no message is taken" } },
        { { 250, { 2, 0, 0 }, "message taken" },
          { 554, { 5, 0, 0 }, "message refused" } },
        { { 252, { 2, 5, 2 }, "try it and see" },
          { 550, { 5, 1, 1 }, "no such user" } },
        { { 252, { 2, 5, 2 }, "lists are not shown" },
          { 550, { 5, 1, 1 }, "no such list" } },
        { { 214,
            { 2, 0, 0 },
            "EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT\n"
            "VRFY EXPN AUTH STARTTLS HELP" },
          { 504, { 5, 5, 4 }, "no help on this" } },
        { { 334, { 0, 0, 0 }, "" },
          { 535, { 5, 7, 8 }, "credentials not accepted" } },
    };

    return yes ? &says[question - SMTPD_ASK_CONNECT].yes
               : &says[question - SMTPD_ASK_CONNECT].no;
}

/* The answer made whole: code, enhanced code and text. */
static struct server_say complete(unsigned question,
                                  const struct smtpd_answer *a,
                                  struct smtp_str *text)
{
    static const struct server_say broken = { 451, { 4, 3, 0 }, "local error" };
    unsigned class = a->code / 100;
    struct server_say say = *usual(question, class == 0 || class == 2);
    bool other = class == 4 && say.code / 100 == 5;

    *text = a->text;
    if (a->code != 0 && class != 2 && class != 4 && class != 5) {
        say = broken;
    } else if (a->code != 0) {
        say.code = a->code;
        say.enhanced[0] = (uint8_t) class;
    }
    if (a->enhanced[0] == say.code / 100)
        memcpy(say.enhanced, a->enhanced, 3);
    else if (other)
        say.enhanced[1] = say.enhanced[2] = 0;
    if (text->len == 0) {
        text->p = other ? "try again later" : say.text;
        text->len = strlen(text->p);
    }
    return say;
}

static void connected(struct server *s, const struct server_say *say,
                      struct smtp_str text)
{
    if (say->code / 100 == 2) {
        server_greet(s, text);
    } else {
        server_reply(s, say->code, (const uint8_t[3]){ 0, 0, 0 }, text);
        s->refused = true; /* RFC 5321 3.1: now it may say QUIT */
        s->sync = true;
    }
}

static void message_answered(struct server *s, const struct server_say *say,
                             struct smtp_str text)
{
    coded(s, say->code, say->enhanced, text);
    if (say->code / 100 == 2)
        s->errors = s->commands = 0;
    s->settled++;
    server_settle(s);
}

static void envelope_answered(struct server *s, unsigned question, bool yes)
{
    if (question == SMTPD_ASK_RCPT && yes) {
        s->rcpts++;
    } else if (question == SMTPD_ASK_MAIL && yes) {
        s->mail_given = true;
        s->mails++;
        server_set(s, SERVER_ENVELOPE);
    }
}

/* A yes that has no secret with it is a no. */
static void secretless(struct server_say *say, struct smtp_str *text)
{
    const struct server_say *no = usual(SMTPD_ASK_SECRET, false);

    if (say->code / 100 > 3)
        return;
    *say = *no;
    *text = (struct smtp_str){ no->text, strlen(no->text) };
}

void server_answered(struct server *s, const struct smtpd_answer *a)
{
    unsigned question = s->question;
    struct smtp_str text = nothing;
    struct server_say say = complete(question, a, &text);
    bool yes = say.code / 100 == 2 || say.code == 354;

    s->question = 0;
    server_arm(s);
    if (say.code == 421) {
        coded(s, 421, say.enhanced, text);
        server_close(s, SMTPD_END_CALLER, NULL);
        return;
    }
    switch (question) {
    case SMTPD_ASK_CONNECT:
        connected(s, &say, text);
        break;
    case SMTPD_ASK_HELLO:
        if (yes)
            server_hello(s, a->text);
        else
            coded(s, say.code, say.enhanced, text);
        break;
    case SMTPD_ASK_DATA:
        if (!server_data_go(s, yes ? NULL : &say))
            coded(s, say.code, say.enhanced, text);
        break;
    case SMTPD_ASK_MESSAGE:
        message_answered(s, &say, text);
        break;
    case SMTPD_ASK_SECRET:
        if (a->secret != NULL && (a->code == 0 || a->code / 100 == 2)) {
            server_auth_secret(s, a->secret);
            break;
        }
        secretless(&say, &text);
        coded(s, say.code, say.enhanced, text);
        server_auth_done(s, false);
        break;
    case SMTPD_ASK_AUTH:
        if (!yes && server_auth_details(s, &say))
            break;
        coded(s, say.code, say.enhanced, text);
        server_auth_done(s, yes);
        break;
    default:
        coded(s, say.code, say.enhanced, text);
        envelope_answered(s, question, yes);
        break;
    }
}
