/*
 * login.c - the dialogue of AUTH (RFC 4954): which mechanism, what each 334
 * is answered by, and what an end means.
 *
 * Every exchange is bounded: a 334 that the mechanism does not know is
 * cancelled by "*", and then no further one is taken. A mechanism that was
 * offered and is not known after all (504, some say 500 or 502) gives way to
 * the next; one that was refused does not, for that would be a second guess
 * at the password.
 *
 * SCRAM's arithmetic is long, so it is done in slices that the caller asks
 * for (SMTP_WORK). Its 235 counts only behind the server's own proof.
 */
#include "session.h"

#include "base64.h"

#include <string.h>

static void unexpected(struct session *s)
{
    state_hang_up(s, SMTP_F_PROTOCOL,
                  "the server's reply does not fit the command");
}

static bool encrypted(const struct session *s)
{
    return s->tls_up || s->job->auth_unsafe;
}

static bool verified(const struct session *s)
{
    return s->tls_verified || s->job->auth_unsafe;
}

/* --- the beginning ----------------------------------------------------- */

/* RFC 4954 section 4: the AUTH line itself stays within 512 bytes; longer
 * credentials wait for the server's 334. */
static bool initial_response(struct session *s)
{
    const struct auth_mech *m = auth_mech(s->mech);

    s->auth_step = 1;
    return m->initial &&
           auth_encoded_len(s) + sizeof "AUTH  \r\n" - 1 + strlen(m->name) <=
               512;
}

/* "y" tells a server that it was seen not to offer what both could do (RFC
 * 5802 section 6): somebody may have taken it off its list. */
static const char *gs2(const struct session *s)
{
    unsigned plus = s->mech == SMTP_AUTH_SCRAM_SHA_256 ||
                            s->mech == SMTP_AUTH_SCRAM_SHA_256_PLUS
                        ? SMTP_AUTH_SCRAM_SHA_256_PLUS
                        : SMTP_AUTH_SCRAM_SHA_1_PLUS;

    if (s->mech == plus)
        return NULL;
    if (s->job->binding.len != 0 && s->tls_up &&
        (s->caps.mechs >> plus & 1) == 0)
        return "y";
    return "n";
}

static bool begin_scram(struct session *s)
{
    const struct smtp_crypto *c = s->job->crypto;
    uint8_t raw[SCRAM_NONCE / 4 * 3];
    char text[SCRAM_NONCE];
    struct smtp_str nonce = { text, sizeof text };

    if (!c->random(c->ctx, raw, sizeof raw))
        return false;
    base64_encode(text, raw, sizeof raw);
    scram_first(&s->scram, (enum smtp_hash)auth_mech(s->mech)->hash, gs2(s),
                &s->job->binding, nonce);
    return true;
}

/* No mechanism: because of us, or of the server? */
static const char *why_none(const struct session *s)
{
    if (auth_choose(s, true) == SMTP_AUTH_OFF)
        return NULL;
    return encrypted(s) ? "user and password are withheld because the "
                          "server's certificate is not verified"
                        : "user and password are withheld because the "
                          "connection is not encrypted";
}

void login_start(struct session *s)
{
    s->mech = (uint8_t)auth_choose(s, encrypted(s) && verified(s));
    if (s->mech == SMTP_AUTH_OFF) {
        state_quit(s, SMTP_F_NO_AUTH, SMTP_REFUSED, why_none(s), NULL);
        return;
    }
    if (auth_mech(s->mech)->kind == AUTH_SCRAM && !begin_scram(s)) {
        state_quit(s, SMTP_F_NO_AUTH, SMTP_TRY_LATER,
                   "there are no random numbers for the login", NULL);
        return;
    }
    s->auth_began = true;
    s->auth_step = initial_response(s) ? 1 : 0;
    state_enter(s, STATE_AUTH, CMD_AUTH);
}

/* --- 334 --------------------------------------------------------------- */

static void say_next(struct session *s)
{
    s->auth_step++;
    state_enter(s, STATE_AUTH, CMD_AUTH_DATA);
}

static void cancel(struct session *s, enum smtp_failure failure,
                   const char *why)
{
    s->auth_step = AUTH_CANCELLED;
    s->auth_failure = (uint8_t)failure;
    s->auth_why = why;
    state_enter(s, STATE_AUTH, CMD_AUTH_CANCEL);
}

/* The server's challenge; to holds what a line can. */
static bool challenge(const struct session *s, uint8_t *to,
                      struct smtp_str *text)
{
    struct smtp_str coded = reply_text(&s->reply);

    text->p = (const char *)to;
    text->len = 0;
    return !s->reply.cut && base64_decode(to, &text->len, coded.p, coded.len);
}

static void answer_cram(struct session *s, struct smtp_str text)
{
    static const char digits[] = "0123456789abcdef";
    const struct smtp_job *job = s->job;
    const struct smtp_crypto *c = job->crypto;
    uint8_t mac[SMTP_HASH_MAX];

    if (s->auth_step != 0) {
        cancel(s, SMTP_F_AUTH, "the server asked for more than it is told");
        return;
    }
    if (!c->hmac_begin(c->ctx, SMTP_MD5, job->password.p, job->password.len) ||
        !c->hmac_add(c->ctx, text.p, text.len) || !c->hmac_end(c->ctx, mac)) {
        cancel(s, SMTP_F_AUTH, "the arithmetic of the login failed");
        return;
    }
    for (size_t i = 0; i < sizeof s->cram; i++)
        s->cram[i] = digits[mac[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    say_next(s);
}

/* What the server says is not for the log. */
static void mask(struct session *s)
{
    for (size_t i = 4; i < s->reply.line_len; i++)
        s->reply.line[i] = '*';
}

static void answer_scram(struct session *s, struct smtp_str text)
{
    const char *why;

    if (s->auth_step == 0) {
        say_next(s); /* it waited for the initial response */
        return;
    }
    if (s->auth_step == 2)
        mask(s); /* with its proof the password can be guessed at leisure */
    if (s->auth_step == 1) {
        why =
            scram_challenge(&s->scram, s->job->crypto, s->job->password, text);
        if (why == NULL)
            state_enter(s, STATE_WORK, CMD_NONE);
        else
            cancel(s, SMTP_F_AUTH, why);
    } else if (s->auth_step == 2 && scram_verify(&s->scram, text)) {
        s->proven = true;
        say_next(s);
    } else if (s->auth_step == 2 && text.len > 2 && text.p[0] == 'e') {
        cancel(s, SMTP_F_AUTH, "the login was rejected");
    } else {
        cancel(s, SMTP_F_IMPOSTOR, NULL);
    }
}

/* An error, with its details: kept for the eyes of a person, and answered so
 * that the server can refuse. */
static void answer_token(struct session *s, struct smtp_str text)
{
    mask(s); /* whatever it quotes, nobody sees through base64 what is in it */
    if (s->auth_step == 1) {
        if (text.len > sizeof s->scram.first)
            text.len = sizeof s->scram.first;
        memcpy(s->scram.first, text.p, text.len);
        text_clean(s->scram.first, text.len);
        auth_redact(s, s->scram.first, text.len);
        s->scram.first_len = (uint16_t)text.len;
    }
    if (s->auth_step < 2)
        say_next(s);
    else
        cancel(s, SMTP_F_AUTH, NULL);
}

static void on_334(struct session *s)
{
    const struct auth_mech *m = auth_mech(s->mech);
    uint8_t raw[REPLY_LINE_KEPT / 4 * 3];
    struct smtp_str text;
    bool readable = challenge(s, raw, &text);

    if (s->auth_step == AUTH_CANCELLED) {
        unexpected(s);
    } else if (m->kind == AUTH_SIMPLE) {
        if (s->auth_step < m->answers)
            say_next(s);
        else
            cancel(s, SMTP_F_AUTH,
                   "the server asked for more than user and password");
    } else if (m->kind == AUTH_TOKEN) {
        answer_token(s, text);
    } else if (!readable) {
        cancel(s, SMTP_F_AUTH, "the server's challenge cannot be read");
    } else if (m->kind == AUTH_SCRAM) {
        answer_scram(s, text);
    } else {
        answer_cram(s, text);
    }
}

void login_work(struct session *s)
{
    switch (
        scram_work(&s->scram, s->job->crypto, s->job->user, s->job->password)) {
    case SCRAM_MORE:
        break;
    case SCRAM_DONE:
        say_next(s);
        break;
    case SCRAM_FAILED:
        cancel(s, SMTP_F_AUTH, "the arithmetic of the login failed");
        break;
    }
}

/* --- the end ----------------------------------------------------------- */

static void on_success(struct session *s)
{
    const struct auth_mech *m = auth_mech(s->mech);

    if (m->kind == AUTH_SCRAM && s->auth_step == 2) {
        state_quit(s, SMTP_F_IMPOSTOR, SMTP_REFUSED, NULL, &s->last);
    } else if (s->auth_step == AUTH_CANCELLED ||
               s->auth_step != m->answers + (m->kind == AUTH_SCRAM ? 1 : 0)) {
        unexpected(s);
    } else {
        scram_wipe(&s->scram);
        text_wipe(s->cram, sizeof s->cram);
        dialogue_mail(s);
    }
}

/* Not a word about the credentials themselves. */
static bool not_known(const struct session *s)
{
    unsigned code = s->reply.code;

    return code == 500 || code == 502 || code == 504;
}

static void on_failure(struct session *s, unsigned class)
{
    enum smtp_failure failure = SMTP_F_AUTH;
    const char *why = NULL;

    if (not_known(s)) {
        s->auth_tried |= (uint16_t)(1u << s->mech);
        if (auth_choose(s, encrypted(s) && verified(s)) != SMTP_AUTH_OFF) {
            login_start(s);
            return;
        }
        failure = SMTP_F_NO_AUTH;
        why = "the server does not know the mechanism that it offers";
    } else if (s->reply.code == 538 || s->reply.code == 523) {
        failure = SMTP_F_ENCRYPTION;
    } else if (s->reply.code == 534) {
        failure = SMTP_F_AUTH_WEAK;
    } else if (class == 4) {
        why = "the login cannot be checked now";
    }
    state_quit(s, failure, class == 4 ? SMTP_TRY_LATER : SMTP_REFUSED, why,
               &s->last);
}

void login_reply(struct session *s, unsigned class)
{
    if (class == 3)
        on_334(s);
    else if (class == 2)
        on_success(s);
    else if (s->auth_step == AUTH_CANCELLED)
        state_quit(s, (enum smtp_failure)s->auth_failure, SMTP_REFUSED,
                   s->auth_why, &s->last);
    else
        on_failure(s, class);
}
