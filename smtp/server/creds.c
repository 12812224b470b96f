/*
 * creds.c - what a line of credentials says: PLAIN (RFC 4616), OAUTHBEARER
 * (7628), XOAUTH2, EXTERNAL (4422 appendix A) and CRAM-MD5 (2195).
 *
 * The line is in clear already; strings in the login point into it, or into
 * decoded[]. What is empty or odd but harmless is the caller's to judge.
 */
#include "server.h"

#include "base64.h"
#include "saslname.h"

#include <string.h>

#define CRAM_RANDOM 12 /* bytes */
#define CRAM_DIGITS 32

/* authzid NUL authcid NUL password */
static bool plain(struct server *s, struct smtp_str line)
{
    const char *p = line.p, *end = p + line.len;
    const char *one = memchr(p, 0, line.len), *two;

    if (one == NULL)
        return false;
    two = memchr(one + 1, 0, (size_t)(end - one) - 1);
    if (two == NULL)
        return false;
    s->login.authzid = (struct smtp_str){ p, (size_t)(one - p) };
    s->login.user = (struct smtp_str){ one + 1, (size_t)(two - one) - 1 };
    s->login.password = (struct smtp_str){ two + 1, (size_t)(end - two) - 1 };
    return memchr(two + 1, 0, s->login.password.len) == NULL;
}

/* Takes "key=value" and the 0x01 behind it off the front; false at the end,
 * where another 0x01 stands, and for what is none. */
static bool pair(struct smtp_str *left, struct smtp_str *key,
                 struct smtp_str *value)
{
    const char *end = left->len == 0 ? NULL : memchr(left->p, 1, left->len);
    const char *mark;
    size_t n;

    if (end == NULL)
        return false;
    n = (size_t)(end - left->p);
    mark = n == 0 ? NULL : memchr(left->p, '=', n);
    if (mark == NULL)
        return false;
    *key = (struct smtp_str){ left->p, (size_t)(mark - left->p) };
    *value = (struct smtp_str){ mark + 1, n - key->len - 1 };
    left->p += n + 1;
    left->len -= n + 1;
    return true;
}

/* One of the pairs; names that are not known are left alone. */
static bool take_pair(struct smtpd_login *l, struct smtp_str key,
                      struct smtp_str value)
{
    uint64_t port;

    if (text_same(key.p, key.len, "auth")) {
        if (l->password.len != 0 ||
            !text_starts(value.p, value.len, "Bearer ") || value.len == 7)
            return false;
        l->password = (struct smtp_str){ value.p + 7, value.len - 7 };
    } else if (text_same(key.p, key.len, "host")) {
        l->host = value;
    } else if (text_same(key.p, key.len, "port")) {
        if (!server_number(value, &port) || port > UINT16_MAX)
            return false;
        l->port = (uint16_t)port;
    } else if (text_same(key.p, key.len, "user")) {
        l->user = value;
    }
    return true;
}

/* Pairs, a token among them, and nothing behind the last. */
static bool pairs(struct server *s, struct smtp_str left)
{
    struct smtp_str key, value;

    while (pair(&left, &key, &value))
        if (!take_pair(&s->login, key, value))
            return false;
    return left.len == 1 && left.p[0] == 1 && s->login.password.len != 0;
}

/* "n,a=" name ",", which a client without authzid leaves out, and pairs */
static bool oauthbearer(struct server *s, struct smtp_str line)
{
    struct smtp_str name = { "", 0 };
    size_t n;

    if (line.len < 3 || (line.p[0] != 'n' && line.p[0] != 'y') ||
        line.p[1] != ',')
        return false;
    line.p += 2;
    line.len -= 2;
    if (line.p[0] == ',') {
        line.p++;
        line.len--;
    } else if (!scram_attribute(&line, 'a', &name) ||
               name.len > sizeof s->decoded ||
               !saslname_decode(name, s->decoded, &n)) {
        return false;
    } else {
        name = (struct smtp_str){ s->decoded, n };
    }
    if (line.len == 0 || line.p[0] != 1)
        return false;
    line.p++;
    line.len--;
    if (!pairs(s, line))
        return false;
    s->login.authzid = s->login.user = name;
    return true;
}

bool server_creds(struct server *s, const char *p, size_t n)
{
    struct smtp_str line = { p, n };

    switch (s->mechanism) {
    case SMTP_AUTH_PLAIN:
        return plain(s, line);
    case SMTP_AUTH_OAUTHBEARER:
        return oauthbearer(s, line);
    case SMTP_AUTH_XOAUTH2:
        return pairs(s, line) && s->login.user.len != 0;
    default: /* EXTERNAL: whom to act for, or nobody */
        s->login.authzid = s->login.user = line;
        return n == 0 || memchr(p, 0, n) == NULL;
    }
}

/* --- CRAM-MD5 ------------------------------------------------------------- */

/* "<" random "@" our name ">", kept in decoded[] */
bool server_cram_challenge(struct server *s, char to[SERVER_OURS])
{
    const struct smtp_crypto *c = s->cfg->crypto;
    struct text t = text_into(to, SERVER_OURS);
    uint8_t raw[CRAM_RANDOM];
    char coded[CRAM_RANDOM / 3 * 4];

    if (!c->random(c->ctx, raw, sizeof raw))
        return false;
    text_str(&t, "<");
    text_mem(&t, coded, base64_encode(coded, raw, sizeof raw));
    text_str(&t, "@");
    text_mem(&t, s->cfg->name.p,
             s->cfg->name.len < 200 ? s->cfg->name.len : 200);
    text_str(&t, ">");
    text_end(&t);
    memcpy(s->decoded, to, t.len);
    s->proof.first_len = (uint16_t)t.len;
    return true;
}

/* user " " digits: 32 of them at the end, so that a name may have blanks */
bool server_cram(struct server *s, const char *p, size_t n)
{
    char *kept = s->decoded + s->proof.first_len;

    if (n < CRAM_DIGITS + 2 || n - CRAM_DIGITS - 1 > SERVER_USER ||
        p[n - CRAM_DIGITS - 1] != ' ')
        return false;
    memcpy(kept, p, n);
    s->login.user = (struct smtp_str){ kept, n - CRAM_DIGITS - 1 };
    return true;
}

bool server_cram_proven(struct server *s, const struct smtpd_secret *secret)
{
    static const char digits[] = "0123456789abcdef";
    const struct smtp_crypto *c = s->cfg->crypto;
    const char *said = s->login.user.p + s->login.user.len + 1;
    uint8_t mac[SMTP_HASH_MAX], differs = 0;

    if (secret->password.len == 0 ||
        !scram_hmac(c, SMTP_MD5, secret->password.p, secret->password.len,
                    s->decoded, s->proof.first_len, mac))
        return false;
    for (size_t i = 0; i < CRAM_DIGITS; i++)
        differs |= (uint8_t)(said[i] ^
                             digits[mac[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15]);
    text_wipe(mac, sizeof mac);
    return differs == 0;
}
