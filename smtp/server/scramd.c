/*
 * scramd.c - SCRAM (RFC 5802 section 3, 7677, 9266), the server's side:
 *
 *   ClientSignature := HMAC(StoredKey, AuthMessage)
 *   ClientKey       := ClientProof XOR ClientSignature
 *   it is proven if H(ClientKey) = StoredKey
 *   ServerSignature := HMAC(ServerKey, AuthMessage)
 *
 * decoded[] holds the client's first message, behind it our challenge, and
 * from SERVER_FIRST + SERVER_OURS on the names, decoded. Names are taken as
 * they are, without SASLprep, as by the client.
 */
#include "server.h"

#include "base64.h"
#include "saslname.h"

#include <string.h>

#define NONCE_MAX    128 /* of the client's */
#define NONCE_RANDOM 18  /* bytes of ours */

/* --- the client's first message ------------------------------------------- */

/* The flag that gs2-header begins with: is it the right one for what was
 * offered and chosen? "y" says that we offered no PLUS; if we did, somebody
 * took it off the list on the way (RFC 5802 section 6). */
static bool flag_ok(const struct server *s, struct smtp_str flag)
{
    const struct smtp_binding *b = &s->cfg->binding;
    bool binds = auth_mech(s->mechanism)->binds;
    unsigned plus = s->mechanism == SMTP_AUTH_SCRAM_SHA_256
                        ? SMTP_AUTH_SCRAM_SHA_256_PLUS
                        : SMTP_AUTH_SCRAM_SHA_1_PLUS;

    if (binds)
        return flag.len == strlen(b->type) + 2 &&
               memcmp(flag.p, "p=", 2) == 0 &&
               memcmp(flag.p + 2, b->type, flag.len - 2) == 0;
    if (flag.len != 1)
        return false;
    return flag.p[0] == 'n' ||
           (flag.p[0] == 'y' && !server_mech_offered(s, plus));
}

/* Takes the flag and "a=" name off the front of *left. */
static bool gs2_header(const struct server *s, struct smtp_str *left,
                       struct smtp_str *authzid)
{
    struct smtp_str flag = *left;
    const char *comma = left->len == 0 ? NULL : memchr(left->p, ',', left->len);

    if (comma == NULL)
        return false;
    flag.len = (size_t)(comma - left->p);
    left->p = comma + 1;
    left->len -= flag.len + 1;
    *authzid = (struct smtp_str){ left->p, 0 };
    if (left->len != 0 && left->p[0] == ',') {
        left->p++;
        left->len--;
    } else if (!scram_attribute(left, 'a', authzid)) {
        return false;
    }
    return flag_ok(s, flag);
}

static bool nonce_ok(struct smtp_str nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e)
            return false;
    return nonce.len != 0 && nonce.len <= NONCE_MAX;
}

bool server_scram_first(struct server *s, const char *p, size_t n)
{
    char *names = s->decoded + SERVER_FIRST + SERVER_OURS;
    struct smtp_str left = { s->decoded, n }, authzid, user, nonce;
    size_t len;

    if (n > SERVER_FIRST)
        return false;
    memcpy(s->decoded, p, n);
    s->proof.first_len = (uint16_t)n;
    if (!gs2_header(s, &left, &authzid))
        return false;
    s->proof.gs2_len = (uint16_t)(left.p - s->decoded);
    /* "m=", an extension that must be known, is none of these: refused */
    if (!scram_attribute(&left, 'n', &user) || user.len == 0 ||
        !scram_attribute(&left, 'r', &nonce) || !nonce_ok(nonce))
        return false;
    s->proof.nonce_at = (uint16_t)(nonce.p - s->decoded);
    s->proof.nonce_len = (uint16_t)nonce.len;
    if (!saslname_decode(user, names, &len))
        return false;
    s->login.user = (struct smtp_str){ names, len };
    names += len;
    if (!saslname_decode(authzid, names, &len))
        return false;
    s->login.authzid = (struct smtp_str){ names, len };
    return true;
}

/* --- our challenge -------------------------------------------------------- */

/* "r=" both nonces ",s=" salt ",i=" rounds; the length, 0: it cannot be. */
size_t server_scram_challenge(struct server *s,
                              const struct smtpd_secret *secret,
                              char to[SERVER_OURS])
{
    const struct smtp_crypto *c = s->cfg->crypto;
    size_t n = scram_hash_len((enum smtp_hash)auth_mech(s->mechanism)->hash);
    struct text t = text_into(to, SERVER_OURS);
    uint8_t raw[NONCE_RANDOM];
    char coded[(SMTPD_SALT_MAX + 2) / 3 * 4];

    if (secret->salt.len == 0 || secret->salt.len > SMTPD_SALT_MAX ||
        secret->rounds == 0 || secret->stored_key == NULL ||
        secret->server_key == NULL || !c->random(c->ctx, raw, sizeof raw))
        return 0;
    memcpy(s->proof.stored, secret->stored_key, n);
    memcpy(s->proof.key, secret->server_key, n);
    text_str(&t, "r=");
    text_mem(&t, s->decoded + s->proof.nonce_at, s->proof.nonce_len);
    text_mem(&t, coded, base64_encode(coded, raw, sizeof raw));
    s->proof.nonce_len = (uint16_t)(t.len - 2);
    text_str(&t, ",s=");
    text_mem(&t, coded,
             base64_encode(coded, (const uint8_t *)secret->salt.p,
                           secret->salt.len));
    text_str(&t, ",i=");
    text_u64(&t, secret->rounds);
    s->proof.ours_len = (uint16_t)t.len;
    memcpy(s->decoded + s->proof.first_len, to, t.len);
    return t.len;
}

/* --- the client's proof --------------------------------------------------- */

/* gs2-header, and the binding's bytes where there is one */
static bool binding_ok(const struct server *s, struct smtp_str coded)
{
    const struct smtp_binding *b = &s->cfg->binding;
    uint8_t said[SERVER_FIRST + SCRAM_BIND_MAX];
    size_t n, gs2 = s->proof.gs2_len;
    size_t bound = auth_mech(s->mechanism)->binds ? b->len : 0;

    return coded.len / 4 * 3 <= sizeof said &&
           base64_decode(said, &n, coded.p, coded.len) && n == gs2 + bound &&
           memcmp(said, s->decoded, gs2) == 0 &&
           (bound == 0 || memcmp(said + gs2, b->p, bound) == 0);
}

/* HMAC(key, AuthMessage); final: without ",p=" proof */
static bool sign(const struct server *s, const uint8_t *key,
                 struct smtp_str final, uint8_t *out)
{
    const struct smtp_crypto *c = s->cfg->crypto;
    enum smtp_hash hash = (enum smtp_hash)auth_mech(s->mechanism)->hash;
    const char *bare = s->decoded + s->proof.gs2_len;
    const char *ours = s->decoded + s->proof.first_len;

    return c->hmac_begin(c->ctx, hash, key, scram_hash_len(hash)) &&
           c->hmac_add(c->ctx, bare, (size_t)(ours - bare)) &&
           c->hmac_add(c->ctx, ",", 1) &&
           c->hmac_add(c->ctx, ours, s->proof.ours_len) &&
           c->hmac_add(c->ctx, ",", 1) &&
           c->hmac_add(c->ctx, final.p, final.len) && c->hmac_end(c->ctx, out);
}

/* H(ClientProof XOR ClientSignature) = StoredKey */
static bool proven(const struct server *s, struct smtp_str final,
                   struct smtp_str coded)
{
    const struct smtp_crypto *c = s->cfg->crypto;
    enum smtp_hash hash = (enum smtp_hash)auth_mech(s->mechanism)->hash;
    uint8_t key[SMTP_HASH_MAX + 4], made[SMTP_HASH_MAX], differs = 0;
    size_t n, len = scram_hash_len(hash);

    if (coded.len > sizeof key / 3 * 4 ||
        !base64_decode(key, &n, coded.p, coded.len) || n != len ||
        !sign(s, s->proof.stored, final, made))
        return false;
    for (size_t i = 0; i < len; i++)
        key[i] ^= made[i];
    if (!c->hash(c->ctx, hash, key, len, made))
        return false;
    for (size_t i = 0; i < len; i++)
        differs |= made[i] ^ s->proof.stored[i];
    text_wipe(key, sizeof key);
    return differs == 0;
}

/* "c=" binding ",r=" both nonces [extensions] ",p=" proof. Writes "v=" and our
 * own proof; the length, 0: it is not the user. */
size_t server_scram_final(struct server *s, const char *p, size_t n, char *to)
{
    const char *ours = s->decoded + s->proof.first_len + 2;
    enum smtp_hash hash = (enum smtp_hash)auth_mech(s->mechanism)->hash;
    struct smtp_str left = { p, n }, bound, nonce, proof, final = { p, 0 };
    uint8_t sum[SMTP_HASH_MAX];

    if (!scram_attribute(&left, 'c', &bound) || !binding_ok(s, bound) ||
        !scram_attribute(&left, 'r', &nonce) ||
        nonce.len != s->proof.nonce_len ||
        memcmp(nonce.p, ours, nonce.len) != 0)
        return 0;
    /* extensions of the client's are signed and otherwise left alone */
    while (left.len > 1 && left.p[0] != 'p')
        if (!scram_attribute(&left, left.p[0], &proof))
            return 0;
    if (left.len == 0)
        return 0;
    final.len = (size_t)(left.p - p) - 1;
    if (!scram_attribute(&left, 'p', &proof) || left.len != 0 ||
        !proven(s, final, proof) || !sign(s, s->proof.key, final, sum))
        return 0;
    memcpy(to, "v=", 2);
    return 2 + base64_encode(to + 2, sum, scram_hash_len(hash));
}

/* --- for the caller's list of users --------------------------------------- */

bool smtpd_scram_keys(const struct smtp_crypto *c, enum smtp_hash hash,
                      struct smtp_str password, struct smtp_str salt,
                      uint32_t rounds, uint8_t *stored_key, uint8_t *server_key)
{
    static const uint8_t one[] = { 0, 0, 0, 1 };
    uint8_t u[SMTP_HASH_MAX], t[SMTP_HASH_MAX], key[SMTP_HASH_MAX];
    size_t n = scram_hash_len(hash);
    bool ok;

    ok = rounds != 0 && c->hmac_begin(c->ctx, hash, password.p, password.len) &&
         c->hmac_add(c->ctx, salt.p, salt.len) &&
         c->hmac_add(c->ctx, one, sizeof one) && c->hmac_end(c->ctx, u);
    if (ok)
        memcpy(t, u, sizeof t);
    ok = ok &&
         c->stretch(c->ctx, hash, password.p, password.len, u, t, rounds - 1) &&
         scram_hmac(c, hash, t, n, "Client Key", 10, key) &&
         c->hash(c->ctx, hash, key, n, stored_key) &&
         scram_hmac(c, hash, t, n, "Server Key", 10, server_key);
    text_wipe(u, sizeof u);
    text_wipe(t, sizeof t);
    text_wipe(key, sizeof key);
    return ok;
}
