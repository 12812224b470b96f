/*
 * reason.c - sentences for a person: what happened, the server's own words,
 * and what to try.
 *
 * Hints stand in one table, matched by reply code, enhanced code and a word
 * of the reply; a hint is only given where it is nearly always right.
 */
#include "session.h"

#include <string.h>

#define INSTEAD_MAX 120 /* bytes of a line that is no reply */

static const struct {
    const char *name, *waits_for;
} states[] = {
#define X(name, seconds, section, what) { #name, what },
#include "states.def"
#undef X
};

const char *reason_state_name(unsigned state)
{
    return states[state].name;
}

const char *reason_waits_for(unsigned state)
{
    return states[state].waits_for;
}

static const struct hint {
    uint16_t code;       /* 0: any */
    uint8_t enhanced[3]; /* class 0: any */
    const char *word;    /* in the text; NULL: any */
    bool auth_off;       /* only if the job does not log in */
    const char *say;
} hints[] = {
    { 535,
      { 5, 7, 139 },
      NULL,
      false,
      "this account needs OAuth2, or "
      "its administrator must turn basic authentication on" },
    { 534,
      { 5, 7, 9 },
      NULL,
      false,
      "this account needs an application-specific password" },
    { 0,
      { 0, 0, 0 },
      "application-specific password",
      false,
      "this account needs an application-specific password" },
    { 535, { 0, 0, 0 }, NULL, false, "check user and password" },
    { 538, { 0, 0, 0 }, NULL, false, "turn tls on" },
    { 530, { 0, 0, 0 }, "starttls", false, "turn tls and tls_starttls on" },
    { 530,
      { 0, 0, 0 },
      NULL,
      true,
      "the server wants a login: set auth, user and password" },
    { 550,
      { 0, 0, 0 },
      "relay",
      true,
      "the server wants a login: set auth, user and password" },
    { 554,
      { 0, 0, 0 },
      "relay",
      true,
      "the server wants a login: set auth, user and password" },
    { 0,
      { 5, 7, 1 },
      "relay",
      true,
      "the server wants a login: set auth, user and password" },
    { 550,
      { 0, 0, 0 },
      "authenticat",
      true,
      "the server wants a login: set auth, user and password" },
    { 553, { 5, 7, 1 }, NULL, false, "the login may not send as this from" },
    { 0,
      { 0, 0, 0 },
      "sender address rejected: not owned",
      false,
      "the login may not send as this from" },
    { 0,
      { 4, 7, 1 },
      "greylist",
      false,
      "trying again in some minutes "
      "is what the server asks for" },
    { 0, { 5, 3, 4 }, NULL, false, "make the message smaller" },
    { 552,
      { 0, 0, 0 },
      NULL,
      false,
      "make the message smaller, or the "
      "mailbox is full" },
};

static bool fits(const struct hint *h, const struct session *s,
                 const struct smtp_reply_note *n)
{
    if (h->code != 0 && h->code != n->code)
        return false;
    if (h->enhanced[0] != 0 && memcmp(h->enhanced, n->enhanced, 3) != 0)
        return false;
    if (h->auth_off && s->job->auth != SMTP_AUTH_OFF)
        return false;
    return h->word == NULL || text_contains(n->text, n->text_len, h->word);
}

static void note(struct text *t, const struct session *s,
                 const struct smtp_reply_note *n)
{
    size_t keep = n->text_len;

    text_str(t, ": ");
    text_u64(t, n->code);
    for (size_t i = 0; i < 3 && n->enhanced[0] != 0; i++) {
        text_str(t, i == 0 ? " " : ".");
        text_u64(t, n->enhanced[i]);
    }
    if (keep != 0)
        text_str(t, " ");
    text_mem(t, n->text, keep);
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (!fits(&hints[i], s, n))
            continue;
        text_str(t, " (");
        text_str(t, hints[i].say);
        text_str(t, ")");
        return;
    }
}

const char *reason_default(const struct session *s, enum smtp_failure f)
{
    switch (f) {
    case SMTP_F_NONE:
        return "";
    case SMTP_F_JOB:
        return "the message cannot be sent as it is";
    case SMTP_F_TIMEOUT:
        return "the server took too long";
    case SMTP_F_LOST:
        return s->state == STATE_GREETING && s->reply.bytes == 0 && !s->tls_up
                   ? "the server hung up before it said anything: if this "
                     "port speaks TLS from the first byte, set tls_starttls "
                     "off"
                   : "the connection was lost";
    case SMTP_F_PROTOCOL:
        return "the server broke the protocol";
    case SMTP_F_INJECTION:
        return "bytes followed the server's reply to STARTTLS in plain "
               "text: somebody tampers with the connection";
    case SMTP_F_TLS_FIRST:
        return "the server speaks TLS from the first byte: set tls_starttls "
               "off";
    case SMTP_F_NO_STARTTLS:
        return "TLS is required and the server refused STARTTLS";
    case SMTP_F_NO_AUTH:
        return "no way to log in that the configuration allows";
    case SMTP_F_AUTH:
        return "the login was rejected";
    case SMTP_F_GREETING:
        return "the server does not want to talk";
    case SMTP_F_SENDER:
        return "the sender was refused";
    case SMTP_F_RECIPIENTS:
        return "no recipient was accepted";
    case SMTP_F_PARTIAL:
        return "sent, but not to every recipient";
    case SMTP_F_MESSAGE:
        return "the message was refused";
    case SMTP_F_SIZE:
        return "the message is larger than the server takes";
    case SMTP_F_UTF8:
        return "an address is not ASCII and the server does not offer "
               "SMTPUTF8";
    case SMTP_F_UNFIT:
        return "the server does not take the message as it has to be sent";
    case SMTP_F_EXTENSION:
        return "the server does not offer what the message needs";
    case SMTP_F_TLS:
        return "TLS did not come up";
    case SMTP_F_ENCRYPTION:
        return "the server wants an encrypted connection";
    case SMTP_F_AUTH_WEAK:
        return "the way to log in is too weak for the server";
    case SMTP_F_AUTH_NEEDED:
        return "the server wants a login";
    case SMTP_F_IMPOSTOR:
        return "the server could not prove that it knows the password: it is "
               "not the one it says it is";
    }
    return "";
}

static void login_offer(struct text *t, const struct session *s)
{
    if (!s->caps.auth) {
        text_str(t, "; the server offers no AUTH");
        return;
    }
    text_str(t, "; the server offers AUTH ");
    text_mem(t, s->caps.auth_names, s->caps.auth_len);
}

/* "2 of 3 recipients accepted" and what was said to the first refused, or if
 * there is none to the first put off. */
static void recipients(struct text *t, const struct session *s)
{
    const struct smtp_rcpt *first = NULL;
    size_t sent = 0;

    for (size_t i = 0; i < s->job->rcpt_count; i++) {
        const struct smtp_rcpt *r = &s->job->rcpt[i];

        if (r->verdict == SMTP_SENT)
            sent++;
        else if (first == NULL ||
                 (r->verdict == SMTP_REFUSED && first->verdict != SMTP_REFUSED))
            first = r;
    }
    if (sent != 0) {
        text_str(t, ": ");
        text_u64(t, sent);
        text_str(t, " of ");
        text_u64(t, s->job->rcpt_count);
        text_str(t, " accepted, not");
    } else {
        text_str(t, ", not");
    }
    if (first == NULL)
        return;
    text_str(t, " <");
    text_mem(t, first->address.p, first->address.len);
    text_str(t, ">");
    if (first->reply.code != 0)
        note(t, s, &first->reply);
}

/* What the server said instead, where no reply came of it. */
static void instead(struct text *t, const struct session *s)
{
    size_t len = s->reply.line_len;

    if (s->reply.status == REPLY_DONE) {
        note(t, s, &s->last);
    } else if (s->reply.status == REPLY_BAD && len != 0) {
        text_str(t, ": \"");
        len = len < INSTEAD_MAX ? len : INSTEAD_MAX;
        while (len != 0 && len < s->reply.line_len &&
               ((uint8_t)s->reply.line[len] & 0xc0) == 0x80)
            len--;
        text_mem(t, s->reply.line, len);
        text_str(t, "\"");
    }
}

/* What a server said about a token, in a challenge of its own. */
static void token_error(struct text *t, const struct session *s)
{
    if (s->failure != SMTP_F_AUTH || s->scram.first_len == 0 ||
        auth_mech(s->mech)->kind != AUTH_TOKEN)
        return;
    text_str(t, "; it says ");
    text_mem(t, s->scram.first,
             s->scram.first_len < INSTEAD_MAX ? s->scram.first_len
                                              : INSTEAD_MAX);
}

static bool names_phase(unsigned failure)
{
    return failure == SMTP_F_TIMEOUT || failure == SMTP_F_LOST ||
           failure == SMTP_F_PROTOCOL;
}

static void sizes(struct text *t, const struct session *s)
{
    text_str(t, "; it has ");
    text_u64(t, s->size);
    text_str(t, " bytes, the server takes ");
    text_u64(t, s->caps.size_max);
}

void reason_write(struct session *s, const char *why,
                  const struct smtp_reply_note *n)
{
    struct text t = text_into(s->reason, sizeof s->reason);

    text_str(&t, why);
    if (s->failure == SMTP_F_NO_AUTH && n == NULL)
        login_offer(&t, s);
    if (s->failure == SMTP_F_SIZE && n == NULL)
        sizes(&t, s);
    if (names_phase(s->failure)) {
        text_str(&t, "; waited for ");
        text_str(&t, reason_waits_for(s->state));
    }
    if (s->failure == SMTP_F_PARTIAL || s->failure == SMTP_F_RECIPIENTS)
        recipients(&t, s);
    else if (n != NULL && n->code != 0)
        note(&t, s, n);
    else if (s->failure == SMTP_F_PROTOCOL)
        instead(&t, s);
    token_error(&t, s);
    if (s->verdict == SMTP_UNSURE)
        text_str(&t, "; the message may have been delivered, and a second "
                     "try may deliver it twice");
    text_end(&t);
}

void reason_job(struct session *s, const char *what, struct smtp_str which,
                const char *why)
{
    struct text t = text_into(s->reason, sizeof s->reason);
    size_t start;

    text_str(&t, what);
    if (which.len != 0) {
        text_str(&t, " <");
        start = t.len;
        text_mem(&t, which.p, which.len < 80 ? which.len : 80);
        text_clean(t.p + start, t.len - start);
        text_str(&t, ">");
    }
    text_str(&t, ": ");
    text_str(&t, why);
    text_end(&t);
}
