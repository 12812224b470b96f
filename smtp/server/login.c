/*
 * login.c - AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN.
 *
 * Credentials are decoded where they stand and wiped when the caller has
 * answered. Without TLS both are refused unless the configuration says
 * otherwise in so many words.
 */
#include "server.h"

#include "base64.h"

#include <string.h>

#define USER_MAX 512

static bool offered(const struct server *s, unsigned mechanism)
{
    return (s->cfg->mechanisms & mechanism) != 0;
}

void server_auth_names(const struct server *s, struct text *t)
{
    if (s->cfg->mechanisms == 0 || (!s->tls_up && !s->cfg->auth_unsafe))
        return;
    text_str(t, "\nAUTH");
    if (offered(s, SMTPD_PLAIN))
        text_str(t, " PLAIN");
    if (offered(s, SMTPD_LOGIN))
        text_str(t, " LOGIN");
}

static void forget(struct server *s)
{
    text_wipe(s->line, sizeof s->line);
    text_wipe(s->decoded, sizeof s->decoded);
    memset(&s->login, 0, sizeof s->login);
    s->line_len = s->decoded_len = 0;
}

static void failed(struct server *s, unsigned code, unsigned subject,
                   unsigned detail, const char *text)
{
    forget(s);
    server_set(s, SERVER_READY);
    server_error(s, code, subject, detail, text);
}

/* RFC 4616: authzid NUL authcid NUL password. */
static bool split(struct server *s, const char *p, size_t n)
{
    const char *one = n == 0 ? NULL : memchr(p, 0, n), *two;

    if (one == NULL)
        return false;
    two = memchr(one + 1, 0, n - (size_t)(one - p) - 1);
    if (two == NULL)
        return false;
    s->login.authzid = (struct smtp_str){ p, (size_t)(one - p) };
    s->login.user = (struct smtp_str){ one + 1, (size_t)(two - one) - 1 };
    s->login.password = (struct smtp_str){ two + 1, n - (size_t)(two - p) - 1 };
    return memchr(two + 1, 0, s->login.password.len) == NULL;
}

/* One line of credentials in clear. */
static void step(struct server *s, const char *p, size_t n)
{
    if (s->mechanism == SMTPD_PLAIN) {
        if (!split(s, p, n)) {
            failed(s, 501, 5, 2, "malformed credentials");
            return;
        }
        s->login.mechanism = (struct smtp_str){ "PLAIN", 5 };
    } else if (s->auth_step++ == 0) {
        if (n > USER_MAX) {
            failed(s, 501, 5, 2, "the user name is too long");
            return;
        }
        memcpy(s->decoded, p, n);
        s->login.user = (struct smtp_str){ s->decoded, n };
        server_set(s, SERVER_AUTH);
        server_ok(s, 334, 0, 0, "UGFzc3dvcmQ6");
        return;
    } else {
        s->login.mechanism = (struct smtp_str){ "LOGIN", 5 };
        s->login.password = (struct smtp_str){ p, n };
    }
    if (s->login.user.len == 0)
        failed(s, 535, 7, 8, "a user name is wanted");
    else
        server_ask(s, SMTPD_ASK_AUTH);
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

void server_auth_done(struct server *s, bool yes)
{
    static const struct server_say enough = { 421,
                                              { 4, 7, 0 },
                                              "too many logins failed" };

    forget(s);
    s->authed = yes;
    server_set(s, SERVER_READY);
    if (!yes && s->logins >= SERVER_LOGINS)
        server_close(s, SMTPD_END_LIMIT, &enough);
}

static bool may_login(struct server *s)
{
    if (s->cfg->mechanisms == 0 || !s->esmtp)
        server_error(s, 502, 5, 1, "AUTH is not offered");
    else if (s->authed)
        server_error(s, 503, 5, 1, "logged in already");
    else if (s->mail_given)
        server_error(s, 503, 5, 1, "not during a mail transaction");
    else if (!s->tls_up && !s->cfg->auth_unsafe)
        server_error(s, 538, 7, 11, "encryption required");
    else
        return true;
    return false;
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
    if (!may_login(s))
        return;
    if (text_same(name.p, name.len, "PLAIN") && offered(s, SMTPD_PLAIN)) {
        s->mechanism = SMTPD_PLAIN;
    } else if (text_same(name.p, name.len, "LOGIN") &&
               offered(s, SMTPD_LOGIN)) {
        s->mechanism = SMTPD_LOGIN;
    } else {
        server_error(s, 504, 5, 4, "this mechanism is not offered");
        return;
    }
    s->auth_step = 0;
    if (initial.len == 1 && initial.p[0] == '=') {
        step(s, initial.p, 0); /* RFC 4954 section 4: nothing, and said so */
    } else if (initial.len != 0) {
        server_auth_line(s, initial);
    } else {
        server_set(s, SERVER_AUTH);
        server_ok(s, 334, 0, 0,
                  s->mechanism == SMTPD_LOGIN ? "VXNlcm5hbWU6" : "");
    }
}
