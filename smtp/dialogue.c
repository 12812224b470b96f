/*
 * dialogue.c - one handler per state: what a reply means, and what is said
 * next.
 *
 * RFC 5321, 2033 (LMTP), 2920 (pipelining), 3207 (STARTTLS); AUTH is in
 * login.c.
 * The state names the reply that is waited for; commands may be ahead of it
 * when the server pipelines.
 *
 * What is deliberate: bytes over 0x7f go out even where 8BITMIME is not
 * offered, unless the caller asked to be told in time (SMTP_FIT).
 */
#include "session.h"

#include <string.h>

static enum smtp_verdict by_code(const struct session *s)
{
    return s->reply.code >= 500 ? SMTP_REFUSED : SMTP_TRY_LATER;
}

static void refused(struct session *s, enum smtp_failure failure,
                    const char *why)
{
    state_quit(s, failure, by_code(s), why, &s->last);
}

static void unexpected(struct session *s)
{
    state_hang_up(s, SMTP_F_PROTOCOL,
                  "the server's reply does not fit the command");
}

/* --- from the greeting to AUTH ---------------------------------------- */

static void start_mail(struct session *s)
{
    s->bdat = chunk_wanted(s);
    s->dots.plain = s->bdat;
    state_enter(s, STATE_MAIL, CMD_MAIL);
}

void dialogue_mail(struct session *s)
{
    if (s->job->check) {
        state_enter(s, STATE_NOOP, CMD_NOOP);
        return;
    }
    s->fit_wanted = s->job->fit && !s->fitted;
    if (s->fit_wanted)
        return;
    if (s->utf8 && !s->caps.utf8)
        state_quit(s, SMTP_F_UTF8, SMTP_REFUSED, NULL, NULL);
    else if (params_lack(s) != NULL)
        state_quit(s, SMTP_F_EXTENSION, SMTP_REFUSED, params_lack(s), NULL);
    else if (s->caps.size_max != 0 && s->size > s->caps.size_max)
        state_quit(s, SMTP_F_SIZE, SMTP_REFUSED, NULL, NULL);
    else
        start_mail(s);
}

static void after_ehlo(struct session *s)
{
    if (s->job->tls == SMTP_TLS_STARTTLS && !s->tls_up) {
        if (s->caps.starttls)
            state_enter(s, STATE_STARTTLS, CMD_STARTTLS);
        else
            state_quit(s, SMTP_F_NO_STARTTLS, SMTP_REFUSED,
                       "TLS is required and the server does not offer STARTTLS",
                       NULL);
    } else if (s->job->auth != SMTP_AUTH_OFF) {
        login_start(s);
    } else {
        dialogue_mail(s);
    }
}

void dialogue_hello(struct session *s)
{
    memset(&s->caps, 0, sizeof s->caps);
    state_enter(s, STATE_EHLO, s->job->lmtp ? CMD_LHLO : CMD_EHLO);
}

static void on_greeting(struct session *s, unsigned class)
{
    if (class == 2)
        dialogue_hello(s);
    else if (class == 3)
        unexpected(s);
    else
        refused(s, SMTP_F_GREETING, NULL);
}

/* RFC 5321 3.2: a server that does not know EHLO may be spoken to with HELO,
 * unless that would lose what the job demands. */
static void on_ehlo(struct session *s, unsigned class)
{
    if (class == 2) {
        after_ehlo(s);
        return;
    }
    memset(&s->caps, 0, sizeof s->caps);
    if (class == 3)
        unexpected(s);
    else if (class == 4 || s->job->lmtp)
        refused(s, SMTP_F_GREETING, "the server refused our hello");
    else if (s->job->tls == SMTP_TLS_STARTTLS && !s->tls_up)
        refused(s, SMTP_F_NO_STARTTLS,
                "TLS is required and the server "
                "refuses EHLO, without which there is no STARTTLS");
    else if (s->job->auth != SMTP_AUTH_OFF)
        refused(s, SMTP_F_NO_AUTH,
                "a login is required and the server "
                "refuses EHLO, without which there is no AUTH");
    else
        state_enter(s, STATE_HELO, CMD_HELO);
}

static void on_helo(struct session *s, unsigned class)
{
    if (class == 2)
        dialogue_mail(s);
    else if (class == 3)
        unexpected(s);
    else
        refused(s, SMTP_F_GREETING, "the server refused our hello");
}

static void on_starttls(struct session *s, unsigned class)
{
    if (s->reply.code == 220)
        state_set(s, STATE_TLS);
    else if (class >= 4)
        refused(s, SMTP_F_NO_STARTTLS, NULL);
    else
        unexpected(s);
}

/* --- envelope and message --------------------------------------------- */

/* RFC 4954 section 6, RFC 3207 section 4: 530 is about us, not the sender. */
static enum smtp_failure sender_failure(const struct session *s)
{
    const struct smtp_reply_note *n = &s->last;

    if (s->reply.code == 552)
        return SMTP_F_SIZE;
    if (s->reply.code == 538 || s->reply.code == 523)
        return SMTP_F_ENCRYPTION;
    if (s->reply.code != 530)
        return SMTP_F_SENDER;
    return text_contains(n->text, n->text_len, "STARTTLS") ? SMTP_F_ENCRYPTION
                                                           : SMTP_F_AUTH_NEEDED;
}

static void on_noop(struct session *s, unsigned class)
{
    if (class == 2)
        state_quit(s, SMTP_F_NONE, SMTP_SENT, NULL, NULL);
    else if (class == 3)
        unexpected(s);
    else if (s->reply.code == 530)
        refused(s, sender_failure(s), NULL);
    else
        refused(s, SMTP_F_GREETING, "the server refused NOOP");
}

/* What a server that does not pipeline is told next; with pipelining it has
 * been told, or will be when there is room. */
static void advance(struct session *s, enum smtp_state to, enum command cmd)
{
    state_enter(s, to, session_pipelines(s) ? (enum command)s->todo : cmd);
}

/* All is decided by this reply, but others are still to come. */
static void decide(struct session *s, enum smtp_failure failure)
{
    s->failure = (uint8_t)failure;
    for (size_t i = 0; i < s->job->rcpt_count; i++)
        if (s->job->rcpt[i].verdict == SMTP_PENDING)
            state_settle(&s->job->rcpt[i], by_code(s), &s->last);
    reason_write(s, reason_default(s, failure), &s->last);
}

static void on_mail(struct session *s, unsigned class)
{
    enum smtp_failure failure = sender_failure(s);

    if (class == 3) {
        unexpected(s);
    } else if (class == 2) {
        advance(s, STATE_RCPT, CMD_RCPT);
    } else if (s->answered == s->written) {
        refused(s, failure, NULL);
    } else {
        decide(s, failure); /* what was pipelined has still its replies */
        state_enter(s, STATE_DRAIN, CMD_NONE);
    }
}

/* The sender or a chunk was refused and commands were pipelined behind it. If
 * the server wants the message all the same: a lone dot if nobody would get it
 * (RFC 2920 3.1), or else nothing any more. */
static void on_drain(struct session *s, unsigned class)
{
    enum smtp_failure failure = (enum smtp_failure)s->failure;

    if (s->answered < s->written || s->todo != CMD_NONE) {
        if (class == 2)
            s->accepted++;
        state_arm(s, STATE_DRAIN);
    } else if (class != 3 || !s->data_written) {
        state_quit(s, failure, SMTP_TRY_LATER, NULL, NULL);
    } else if (s->accepted == 0) {
        state_enter(s, STATE_DOT, CMD_DOT);
    } else {
        command_drop(s);
        state_finish(s, failure, SMTP_TRY_LATER, NULL, NULL);
    }
}

/* RFC 5321 4.5.3.1.10: 552 to RCPT means too many recipients, which is
 * temporary. */
static void on_rcpt(struct session *s, unsigned class)
{
    struct smtp_rcpt *r = &s->job->rcpt[s->reply_rcpt];

    if (class == 3) {
        unexpected(s);
        return;
    }
    r->reply = s->last;
    if (class == 2)
        s->accepted++;
    else if (class == 4 || s->reply.code == 552)
        r->verdict = SMTP_TRY_LATER;
    else
        r->verdict = SMTP_REFUSED;
    s->reply_rcpt++;
    if (s->reply_rcpt < s->job->rcpt_count)
        advance(s, STATE_RCPT, CMD_RCPT);
    else if (s->accepted == 0 && !s->data_written)
        state_quit(s, SMTP_F_RECIPIENTS, SMTP_REFUSED, NULL, NULL);
    else if (s->bdat)
        state_set(s, STATE_BODY);
    else
        advance(s, STATE_DATA, CMD_DATA);
}

static enum smtp_failure message_failure(const struct session *s)
{
    return s->reply.code == 552 ? SMTP_F_SIZE : SMTP_F_MESSAGE;
}

void dialogue_failed(struct session *s)
{
    decide(s, message_failure(s));
}

static void on_data(struct session *s, unsigned class)
{
    if (class == 2) {
        unexpected(s);
    } else if (class == 3 && s->accepted != 0) {
        state_set(s, STATE_BODY);
    } else if (class == 3) {
        s->failure = SMTP_F_RECIPIENTS;
        state_enter(s, STATE_DOT, CMD_DOT);
    } else if (s->accepted == 0) {
        state_quit(s, SMTP_F_RECIPIENTS, SMTP_REFUSED, NULL, NULL);
    } else {
        refused(s, message_failure(s), NULL);
    }
}

/* A reply before the message has left whole. Only a refusal makes sense; the
 * final dot is then never sent, so nobody can get the message. */
static void on_early(struct session *s, unsigned class)
{
    if (class < 4) {
        state_hang_up(s, SMTP_F_PROTOCOL,
                      "the server replied before the message had left");
        return;
    }
    command_drop(s);
    state_finish(s, message_failure(s), by_code(s), NULL, &s->last);
}

static struct smtp_rcpt *first_pending(const struct session *s)
{
    for (size_t i = 0; i < s->job->rcpt_count; i++)
        if (s->job->rcpt[i].verdict == SMTP_PENDING)
            return &s->job->rcpt[i];
    return NULL;
}

/* RFC 2033 4.2: one reply for each recipient that was accepted, in order. */
static void on_dot(struct session *s, unsigned class)
{
    enum smtp_verdict verdict = class == 2 ? SMTP_SENT : by_code(s);
    struct smtp_rcpt *r = first_pending(s);

    if (r == NULL) {
        state_quit(s, (enum smtp_failure)s->failure, verdict, NULL, NULL);
        return;
    }
    if (class == 3) {
        unexpected(s);
        return;
    }
    if (s->job->lmtp && s->reply.code != 421) {
        state_settle(r, verdict, &s->last);
        if (first_pending(s) != NULL) {
            state_arm(s, STATE_DOT);
            return;
        }
    }
    state_quit(s, message_failure(s), verdict, NULL, &s->last);
}

/* Deals with a reply that comes out of turn; true if it was one. */
static bool out_of_turn(struct session *s, unsigned class)
{
    if ((s->state == STATE_BODY || s->state == STATE_DOT) &&
        s->answered < s->left && s->reply.code != 421) {
        s->answered++;
        if (class == 3)
            unexpected(s);
        else
            chunk_reply(s, class);
        return true;
    }
    if (s->state == STATE_BODY ||
        (s->state == STATE_DOT && !state_dot_left(s))) {
        on_early(s, class);
        return true;
    }
    if (s->state == STATE_GREETING || s->state == STATE_DOT)
        return false;
    if (s->reply.code == 421) { /* RFC 5321 3.8: at any time */
        enum smtp_failure failure = SMTP_F_LOST;

        if (s->failure != SMTP_F_NONE)
            failure = (enum smtp_failure)s->failure;
        command_drop(s);
        state_finish(s, failure, SMTP_TRY_LATER, "the server ended the session",
                     &s->last);
        return true;
    }
    if (s->answered++ < s->left)
        return false;
    state_hang_up(s, SMTP_F_PROTOCOL,
                  "the server replied to something that was never said");
    return true;
}

void dialogue_reply(struct session *s)
{
    unsigned class = s->reply.code / 100;

    s->last = s->reply.note;
    if (out_of_turn(s, class))
        return;
    switch ((enum smtp_state)s->state) {
    case STATE_GREETING:
        on_greeting(s, class);
        break;
    case STATE_EHLO:
        on_ehlo(s, class);
        break;
    case STATE_HELO:
        on_helo(s, class);
        break;
    case STATE_STARTTLS:
        on_starttls(s, class);
        break;
    case STATE_AUTH:
        login_reply(s, class);
        break;
    case STATE_NOOP:
        on_noop(s, class);
        break;
    case STATE_MAIL:
        on_mail(s, class);
        break;
    case STATE_RCPT:
        on_rcpt(s, class);
        break;
    case STATE_DATA:
        on_data(s, class);
        break;
    case STATE_DRAIN:
        on_drain(s, class);
        break;
    case STATE_DOT:
        on_dot(s, class);
        break;
    case STATE_TLS: /* in these states no reply comes here */
    case STATE_WORK:
    case STATE_BODY:
    case STATE_CLOSED:
        break;
    }
}
