/*
 * login.c - the dialogue of AUTH (RFC 4954): which mechanism, what each line
 * of credentials leads to, and how it ends.
 *
 * Credentials are decoded where they stand and wiped when the caller has
 * answered. What reveals a secret is refused without TLS unless the
 * configuration says otherwise in so many words.
 */
#include "server.h"

#include "base64.h"

#include <string.h>

#define CODED_MAX 400 /* of a challenge, in base64 */

/* A token was refused, and the client has been told the details (RFC 7628
 * section 3.2.2): whatever it says now, it gets the refusal. */
#define STEP_REFUSED 255

bool server_mech_offered(const struct server *s, unsigned mech)
{
    const struct smtpd_config *c = s->cfg;
    const struct auth_mech *m = auth_mech(mech);

    if ((c->mechanisms >> mech & 1) == 0 || mech < SMTP_AUTH_ANY + 1)
        return false;
    if (m->reveals && !s->tls_up && !c->auth_unsafe)
        return false;
    if ((m->kind == AUTH_SCRAM || m->kind == AUTH_CRAM) &&
        (c->crypto == NULL || (c->crypto->hashes >> m->hash & 1) == 0))
        return false;
    if (m->binds && (c->binding.type == NULL || c->binding.len == 0 ||
                     c->binding.len > SCRAM_BIND_MAX))
        return false;
    return s->tls_up || (!m->binds && mech != SMTP_AUTH_EXTERNAL);
}

void server_auth_names(const struct server *s, struct text *t)
{
    bool any = false;

    for (unsigned mech = SMTP_AUTH_ANY + 1; mech < AUTH_MECHS; mech++) {
        if (!server_mech_offered(s, mech))
            continue;
        text_str(t, any ? " " : "\nAUTH ");
        text_str(t, auth_mech(mech)->name);
        any = true;
    }
}

void server_auth_forget(struct server *s)
{
    s->bad.code = 0;
    text_wipe(s->line, sizeof s->line);
    text_wipe(s->decoded, sizeof s->decoded);
    text_wipe(&s->proof, sizeof s->proof);
    memset(&s->login, 0, sizeof s->login);
    s->line_len = s->decoded_len = 0;
}

/* Without the caller having been asked. */
static void failed(struct server *s, unsigned code, unsigned subject,
                   unsigned detail, const char *text)
{
    server_auth_forget(s);
    server_set(s, SERVER_READY);
    server_error(s, code, subject, detail, text);
}

static void enough(struct server *s)
{
    static const struct server_say say = { 421,
                                           { 4, 7, 0 },
                                           "too many logins failed" };

    if (s->logins >= SERVER_LOGINS)
        server_close(s, SMTPD_END_LIMIT, &say);
}

static void rejected(struct server *s)
{
    failed(s, 535, 7, 8, "credentials not accepted");
    enough(s);
}

static void challenge(struct server *s, const void *p, size_t n)
{
    static const uint8_t none[3] = { 0, 0, 0 };
    char coded[CODED_MAX];
    struct smtp_str text = { coded, base64_encode(coded, p, n) };

    server_set(s, SERVER_AUTH);
    server_reply(s, 334, none, text);
}

static void malformed(struct server *s)
{
    failed(s, 501, 5, 2, "malformed credentials");
}

static void ask(struct server *s, enum smtpd_event_kind question)
{
    const char *name = auth_mech(s->mechanism)->name;

    s->login.mechanism = (struct smtp_str){ name, strlen(name) };
    server_ask(s, question);
}

/* --- one line of credentials, in clear ------------------------------------ */

static void step_login(struct server *s, const char *p, size_t n)
{
    if (s->auth_step++ != 0) {
        s->login.password = (struct smtp_str){ p, n };
        ask(s, SMTPD_ASK_AUTH);
    } else if (n > SERVER_USER) {
        failed(s, 501, 5, 2, "the user name is too long");
    } else if (n == 0) {
        failed(s, 535, 7, 8, "a user name is wanted");
    } else {
        memcpy(s->decoded, p, n);
        s->login.user = (struct smtp_str){ s->decoded, n };
        challenge(s, "Password:", 9);
    }
}

static void step_cram(struct server *s, const char *p, size_t n)
{
    if (server_cram(s, p, n))
        ask(s, SMTPD_ASK_SECRET);
    else
        malformed(s);
}

static void step_scram(struct server *s, const char *p, size_t n)
{
    char proof[2 + SMTP_HASH_MAX / 3 * 4 + 4];
    size_t len;

    switch (s->auth_step++) {
    case 0:
        if (server_scram_first(s, p, n))
            ask(s, SMTPD_ASK_SECRET);
        else
            malformed(s);
        break;
    case 1:
        len = server_scram_final(s, p, n, proof);
        if (len == 0) {
            rejected(s);
        } else {
            challenge(s, proof, len);
            server_mask(s); /* who has it can guess the password at leisure */
        }
        break;
    default:
        ask(s, SMTPD_ASK_AUTH);
        break;
    }
}

static void step(struct server *s, const char *p, size_t n)
{
    const struct auth_mech *m = auth_mech(s->mechanism);
    struct server_say no = s->bad;

    if (s->auth_step == STEP_REFUSED) {
        server_auth_forget(s);
        server_set(s, SERVER_READY);
        server_say(s, &no);
        enough(s);
    } else if (m->kind == AUTH_SCRAM) {
        step_scram(s, p, n);
    } else if (m->kind == AUTH_CRAM) {
        step_cram(s, p, n);
    } else if (s->mechanism == SMTP_AUTH_LOGIN) {
        step_login(s, p, n);
    } else if (!server_creds(s, p, n)) {
        malformed(s);
    } else if (s->mechanism == SMTP_AUTH_PLAIN && s->login.user.len == 0) {
        failed(s, 535, 7, 8, "a user name is wanted");
    } else {
        ask(s, SMTPD_ASK_AUTH);
    }
}

void server_auth_line(struct server *s, struct smtp_str line)
{
    char *at = s->line + (line.p - s->line);
    size_t n;

    if (line.len == 1 && line.p[0] == '*')
        failed(s, 501, 7, 0, "cancelled");
    else if (!base64_decode((uint8_t *)at, &n, line.p, line.len))
        failed(s, 501, 5, 2, "this is no base64");
    else
        step(s, at, n);
}

/* --- answers -------------------------------------------------------------- */

void server_auth_secret(struct server *s, const struct smtpd_secret *secret)
{
    static const struct server_say broken = { 454,
                                              { 4, 7, 0 },
                                              "the login cannot be checked" };
    char text[SERVER_OURS];
    size_t len;

    if (s->mechanism == SMTP_AUTH_CRAM_MD5) {
        if (server_cram_proven(s, secret))
            ask(s, SMTPD_ASK_AUTH);
        else
            rejected(s);
        return;
    }
    len = server_scram_challenge(s, secret, text);
    if (len != 0) {
        challenge(s, text, len);
        return;
    }
    server_auth_forget(s);
    server_set(s, SERVER_READY);
    server_say(s, &broken);
}

/* RFC 7628 section 3.2.2, and the same by custom for XOAUTH2: the details
 * first, the refusal when the client has said something to them. */
bool server_auth_details(struct server *s, const struct server_say *no)
{
    static const char bearer[] = "{\"status\":\"invalid_token\"}";
    static const char google[] = "{\"status\":\"401\",\"schemes\":\"bearer\"}";

    if (auth_mech(s->mechanism)->kind != AUTH_TOKEN || no->code / 100 != 5)
        return false;
    server_auth_forget(s);
    s->bad = *no;
    s->bad.text = "credentials not accepted";
    s->auth_step = STEP_REFUSED;
    if (s->mechanism == SMTP_AUTH_XOAUTH2)
        challenge(s, google, sizeof google - 1);
    else
        challenge(s, bearer, sizeof bearer - 1);
    return true;
}

void server_auth_done(struct server *s, bool yes)
{
    server_auth_forget(s);
    s->authed = yes;
    server_set(s, SERVER_READY);
    if (!yes)
        enough(s);
}

/* --- the beginning -------------------------------------------------------- */

static bool may_login(struct server *s)
{
    if (s->cfg->mechanisms == 0 || !s->esmtp)
        server_error(s, 502, 5, 1, "AUTH is not offered");
    else if (s->authed)
        server_error(s, 503, 5, 1, "logged in already");
    else if (s->mail_given)
        server_error(s, 503, 5, 1, "not during a mail transaction");
    else
        return true;
    return false;
}

static bool choose(struct server *s, struct smtp_str name)
{
    unsigned mech = auth_by_name(name);

    s->mechanism = (uint8_t)mech;
    s->auth_step = 0;
    if (server_mech_offered(s, mech))
        return true;
    if ((s->cfg->mechanisms >> mech & 1) != 0 && !s->tls_up)
        server_error(s, 538, 7, 11, "encryption required");
    else
        server_error(s, 504, 5, 4, "this mechanism is not offered");
    return false;
}

/* Without an initial response: whose turn is it? */
static void invite(struct server *s)
{
    char text[SERVER_OURS];

    if (s->mechanism == SMTP_AUTH_LOGIN)
        challenge(s, "Username:", 9);
    else if (s->mechanism != SMTP_AUTH_CRAM_MD5)
        challenge(s, "", 0);
    else if (server_cram_challenge(s, text))
        challenge(s, text, strlen(text));
    else
        failed(s, 454, 7, 0, "the login cannot be checked");
}

void server_auth(struct server *s, struct smtp_str arg)
{
    struct smtp_str name = { arg.p, 0 }, initial = arg;

    while (name.len < arg.len && arg.p[name.len] != ' ')
        name.len++;
    initial.p += name.len;
    initial.len -= name.len;
    while (initial.len != 0 && initial.p[0] == ' ') {
        initial.p++;
        initial.len--;
    }
    s->logins++;
    if (!may_login(s) || !choose(s, name))
        return;
    if (initial.len == 0)
        invite(s);
    else if (s->mechanism == SMTP_AUTH_CRAM_MD5)
        failed(s, 501, 5, 4, "here the server speaks first");
    else if (initial.len == 1 && initial.p[0] == '=')
        step(s, initial.p, 0); /* RFC 4954 section 4: nothing, and said so */
    else
        server_auth_line(s, initial);
}
