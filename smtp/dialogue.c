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

/* inlined it costs more than the budget of the library has left */
__attribute__((noinline)) static void refused(struct session *s,
                                              enum smtp_failure failure,
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

static struct smtp_str domain(const struct smtp_rcpt *r)
{
    struct smtp_str a = r->address, d = { a.p, 0 };

    while (d.len < a.len && a.p[a.len - d.len - 1] != '@')
        d.len++;
    d.p += a.len - d.len;
    return d;
}

/* RFC 9422: is this recipient's domain none of those before him? */
static bool new_domain(const struct session *s, size_t first, size_t i)
{
    struct smtp_str d = domain(&s->job->rcpt[i]);

    for (; first < i; first++) {
        struct smtp_str e = domain(&s->job->rcpt[first]);

        if (s->job->rcpt[first].verdict == SMTP_PENDING &&
            text_equal(d.p, d.len, e.p, e.len))
            return false;
    }
    return true;
}

/* As many recipients as the server takes at once, from first on. */
static size_t some_rcpts(const struct session *s, size_t first)
{
    uint64_t most = s->caps.rcpt_max, domains = s->caps.rcpt_domain_max;
    uint64_t taken = 0, known = 0;
    size_t i;

    if (most == 0 || (s->rcpt_cap != 0 && s->rcpt_cap < most))
        most = s->rcpt_cap;
    for (i = first; i < s->job->rcpt_count; i++) {
        if (s->job->rcpt[i].verdict != SMTP_PENDING)
            continue;
        if (most != 0 && taken++ == most)
            break;
        if (domains != 0 && new_domain(s, first, i) && known++ == domains)
            break;
    }
    return i;
}

static size_t first_pending(struct session *s)
{
    s->rcpt_end = s->job->rcpt_count;
    return session_rcpt(s, 0);
}

void dialogue_start(struct session *s)
{
    memset(&s->dots, 0, sizeof s->dots);
    s->bdat = s->dots.plain = chunk_wanted(s);
    s->failure = SMTP_F_NONE;
    s->data_written = s->body_used = s->rewind_wanted = false;
    s->accepted = s->gathered = 0;
    s->mails++;
    s->write_rcpt = s->reply_rcpt = first_pending(s);
    s->rcpt_end = some_rcpts(s, s->write_rcpt);
    if (s->mail_open)
        state_enter(s, STATE_RSET, CMD_RSET);
    else
        state_enter(s, STATE_MAIL, CMD_MAIL);
}

/* A transaction is over; whoever it had no room for is next. */
static void mail_done(struct session *s, enum smtp_failure failure,
                      const struct smtp_reply_note *note)
{
    if (!s->job->split || session_mail_max(s) ||
        first_pending(s) == s->job->rcpt_count || !state_clean(s)) {
        state_quit(s, failure, SMTP_TRY_LATER, NULL, note);
    } else if (s->body_used) {
        s->rewind_wanted = true;
        state_set(s, STATE_IDLE);
    } else {
        dialogue_start(s);
    }
}

void dialogue_mail(struct session *s)
{
    s->ready = true;
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
        dialogue_start(s);
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
        s->mail_open = true;
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
        s->mail_open = false; /* there was none, or RSET */
        state_quit(s, failure, SMTP_TRY_LATER, NULL, NULL);
    } else if (s->accepted == 0) {
        state_enter(s, STATE_DOT, CMD_DOT);
    } else {
        command_drop(s);
        state_finish(s, failure, SMTP_TRY_LATER, NULL, NULL);
    }
}

/* The server takes no more at once; some it did take. */
static bool too_many(const struct session *s)
{
    const uint8_t *e = s->last.enhanced;

    return s->job->split && s->accepted != 0 &&
           (s->reply.code == 452 || s->reply.code == 552) &&
           (e[0] == 0 || (e[1] == 5 && e[2] == 3));
}

static void want_body(struct session *s)
{
    s->body_used = true;
    state_set(s, STATE_BODY);
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
    else if (too_many(s))
        s->rcpt_cap = s->rcpt_cap != 0 && s->rcpt_cap < s->accepted
                          ? s->rcpt_cap
                          : s->accepted;
    else if (class == 4 || s->reply.code == 552)
        r->verdict = SMTP_TRY_LATER;
    else
        r->verdict = SMTP_REFUSED;
    s->reply_rcpt = session_rcpt(s, s->reply_rcpt + 1);
    if (s->reply_rcpt < s->rcpt_end)
        advance(s, STATE_RCPT, CMD_RCPT);
    else if (s->accepted == 0 && !s->data_written)
        mail_done(s, SMTP_F_RECIPIENTS, NULL);
    else if (s->bdat)
        want_body(s);
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
        want_body(s);
    } else if (class == 3) {
        s->failure = SMTP_F_RECIPIENTS;
        state_enter(s, STATE_DOT, CMD_DOT);
    } else if (s->accepted == 0) {
        mail_done(s, SMTP_F_RECIPIENTS, NULL);
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

static struct smtp_rcpt *first_accepted(const struct session *s)
{
    for (size_t i = 0; i < s->rcpt_end; i++)
        if (session_accepted(&s->job->rcpt[i]))
            return &s->job->rcpt[i];
    return NULL;
}

/* RFC 2033 4.2: one reply for each recipient that was accepted, in order. */
static void on_dot(struct session *s, unsigned class)
{
    enum smtp_verdict verdict = class == 2 ? SMTP_SENT : by_code(s);
    bool each = s->job->lmtp && s->reply.code != 421;
    struct smtp_rcpt *r = first_accepted(s);

    if (r == NULL) {
        s->mail_open = false;
        mail_done(s, (enum smtp_failure)s->failure, NULL);
        return;
    }
    if (class == 3) {
        unexpected(s);
        return;
    }
    do {
        state_settle(r, verdict, &s->last);
        r = first_accepted(s);
    } while (r != NULL && !each);
    s->mail_open = false;
    if (r != NULL)
        state_arm(s, STATE_DOT);
    else if (class == 2 || each)
        mail_done(s, message_failure(s), class == 2 ? NULL : &s->last);
    else /* the others would hear the same */
        state_quit(s, message_failure(s), verdict, NULL, &s->last);
}

/* --- between mails ----------------------------------------------------- */

static void on_rset(struct session *s, unsigned class)
{
    if (class == 2) {
        s->mail_open = false;
        state_enter(s, STATE_MAIL, CMD_MAIL);
    } else if (class == 3) {
        unexpected(s);
    } else {
        refused(s, SMTP_F_SENDER, "the server refused RSET");
    }
}

static void on_answer(struct session *s, unsigned class)
{
    s->ask.len = 0;
    if (class == 3)
        unexpected(s);
    else
        state_set(s, STATE_IDLE);
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
    case STATE_RSET:
        on_rset(s, class);
        break;
    case STATE_ASK:
        on_answer(s, class);
        break;
    case STATE_IDLE:
    case STATE_TLS: /* in these states no reply comes here */
    case STATE_WORK:
    case STATE_BODY:
    case STATE_CLOSED:
        break;
    }
}
