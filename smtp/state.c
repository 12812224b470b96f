/*
 * state.c - where a session stands, until when, and how it ends.
 *
 * state_set() is the one place where the state changes, and it says so in an
 * event. state_finish() is the only way out: it settles every recipient that
 * has no verdict yet, so that none can be forgotten.
 *
 * The user's cap on timeouts does not reach the wait for the reply to the
 * message: to give up there is to make duplicates (RFC 5321 4.5.3.2.6).
 */
#include "session.h"

static const uint16_t state_seconds[] = {
#define X(name, seconds, section, what) seconds,
#include "states.def"
#undef X
};

void state_arm(struct session *s, enum smtp_state limit)
{
    uint64_t ms = (uint64_t)state_seconds[limit] * 1000;
    uint32_t cap = s->job->timeout_ms;

    if (limit != STATE_DOT && cap != 0 && cap < ms)
        ms = cap;
    s->deadline = s->now + ms;
}

/* The one place where the state changes. */
void state_set(struct session *s, enum smtp_state to)
{
    if (s->state != to)
        command_event(s, SMTP_EV_STATE, to, 0, 0);
    s->state = (uint8_t)to;
    if (to == STATE_CLOSED) {
        scram_wipe(&s->scram);
        text_wipe(s->cram, sizeof s->cram);
        s->deadline = UINT64_MAX;
    } else {
        state_arm(s, to);
    }
}

void state_enter(struct session *s, enum smtp_state to, enum command cmd)
{
    state_set(s, to);
    s->todo = (uint8_t)cmd;
    command_fill(s);
}

bool state_dot_left(const struct session *s)
{
    return s->state == STATE_DOT && s->todo == CMD_NONE &&
           s->out_at == s->out_len;
}

void state_settle(struct smtp_rcpt *r, enum smtp_verdict verdict,
                  const struct smtp_reply_note *note)
{
    r->verdict = verdict;
    if (note != NULL)
        r->reply = *note;
}

/* The gravest verdict of all recipients; *any_sent if one of them has it. */
static enum smtp_verdict gravest(const struct session *s, bool *any_sent)
{
    static const uint8_t weight[] = { [SMTP_PENDING] = 0,
                                      [SMTP_SENT] = 1,
                                      [SMTP_REFUSED] = 2,
                                      [SMTP_TRY_LATER] = 3,
                                      [SMTP_UNSURE] = 4 };
    enum smtp_verdict worst = SMTP_PENDING;

    *any_sent = false;
    for (size_t i = 0; i < s->job->rcpt_count; i++) {
        enum smtp_verdict v = s->job->rcpt[i].verdict;

        if (v == SMTP_SENT)
            *any_sent = true;
        if (weight[v] > weight[worst])
            worst = v;
    }
    return worst;
}

void state_results(struct session *s, enum smtp_failure failure,
                   enum smtp_verdict verdict, const char *why,
                   const struct smtp_reply_note *note)
{
    bool any_sent;

    if (s->settled)
        return;
    s->settled = true;
    for (size_t i = 0; i < s->job->rcpt_count; i++) {
        struct smtp_rcpt *r = &s->job->rcpt[i];

        if (verdict == SMTP_UNSURE && r->verdict == SMTP_PENDING &&
            !session_accepted(r))
            r->verdict = SMTP_TRY_LATER; /* this message was not for him */
        if (r->verdict == SMTP_PENDING)
            state_settle(r, verdict, note);
    }
    s->verdict = (uint8_t)gravest(s, &any_sent);
    if (s->verdict == SMTP_PENDING) /* a job without recipients */
        s->verdict = (uint8_t)verdict;
    if (s->verdict == SMTP_SENT)
        failure = SMTP_F_NONE;
    else if (any_sent && (failure == SMTP_F_NONE || failure == SMTP_F_SENDER ||
                          failure == SMTP_F_RECIPIENTS ||
                          failure == SMTP_F_MESSAGE || failure == SMTP_F_SIZE))
        failure = SMTP_F_PARTIAL;
    s->failure = (uint8_t)failure;
    if (failure == SMTP_F_PARTIAL || why == NULL)
        why = reason_default(s, failure);
    if (failure == SMTP_F_PARTIAL ||
        (failure != SMTP_F_NONE && s->reason[0] == '\0'))
        reason_write(s, why, note);
}

void state_finish(struct session *s, enum smtp_failure failure,
                  enum smtp_verdict verdict, const char *why,
                  const struct smtp_reply_note *note)
{
    state_results(s, failure, verdict, why, note);
    state_set(s, STATE_CLOSED);
}

void state_hang_up(struct session *s, enum smtp_failure failure,
                   const char *why)
{
    enum smtp_verdict verdict = SMTP_TRY_LATER;

    switch (failure) {
    case SMTP_F_JOB:
    case SMTP_F_TLS_FIRST:
    case SMTP_F_NO_STARTTLS:
    case SMTP_F_NO_AUTH:
    case SMTP_F_AUTH:
    case SMTP_F_SIZE:
    case SMTP_F_UTF8:
    case SMTP_F_EXTENSION:
    case SMTP_F_TLS:
    case SMTP_F_ENCRYPTION:
    case SMTP_F_AUTH_WEAK:
    case SMTP_F_AUTH_NEEDED:
    case SMTP_F_IMPOSTOR:
        verdict = SMTP_REFUSED;
        break;
    default:
        break;
    }
    if (state_dot_left(s))
        verdict = SMTP_UNSURE;
    command_drop(s);
    if (s->failure != SMTP_F_NONE)
        state_finish(s, (enum smtp_failure)s->failure, verdict, NULL,
                     NULL); /* decided before */
    else
        state_finish(s, failure, verdict, why, NULL);
}

bool state_clean(struct session *s)
{
    if (s->line_at != 0 || s->reply.code == 421)
        return false;
    s->todo = CMD_NONE;
    return true;
}

void state_quit(struct session *s, enum smtp_failure failure,
                enum smtp_verdict verdict, const char *why,
                const struct smtp_reply_note *note)
{
    state_results(s, failure, verdict, why, note);
    if (s->job->keep && s->ready && state_clean(s))
        state_set(s, STATE_IDLE);
    else
        state_say_quit(s);
}

void state_say_quit(struct session *s)
{
    state_set(s, STATE_CLOSED);
    s->todo = CMD_QUIT;
    command_fill(s);
}
