/*
 * scram.c - RFC 5802 section 3, in its words:
 *
 *   SaltedPassword  := Hi(password, salt, i)
 *   ClientKey       := HMAC(SaltedPassword, "Client Key")
 *   StoredKey       := H(ClientKey)
 *   AuthMessage     := client-first-message-bare + "," +
 *                      server-first-message + "," +
 *                      client-final-message-without-proof
 *   ClientSignature := HMAC(StoredKey, AuthMessage)
 *   ClientProof     := ClientKey XOR ClientSignature
 *   ServerKey       := HMAC(SaltedPassword, "Server Key")
 *   ServerSignature := HMAC(ServerKey, AuthMessage)
 *
 * The primitives are the caller's; that one of them fails is SCRAM_FAILED.
 */
#include "scram.h"

#include "base64.h"
#include "saslname.h"
#include "text.h"

#include <string.h>

size_t scram_hash_len(enum smtp_hash hash)
{
    return hash == SMTP_SHA256 ? 32 : hash == SMTP_SHA1 ? 20 : 16;
}

void scram_first(struct scram *s, enum smtp_hash hash, const char *gs2,
                 const struct smtp_binding *b, struct smtp_str nonce)
{
    uint8_t raw[sizeof s->gs2 + SCRAM_BIND_MAX];
    struct text t = text_into(s->gs2, sizeof s->gs2);
    size_t n;

    memset(s, 0, sizeof *s);
    s->hash = hash;
    text_str(&t, gs2 != NULL ? gs2 : "p=");
    if (gs2 == NULL)
        text_str(&t, b->type);
    text_str(&t, ",,");
    s->gs2_len = (uint8_t)t.len;
    n = nonce.len < sizeof s->nonce ? nonce.len : sizeof s->nonce;
    memcpy(s->nonce, nonce.p, n);
    s->nonce_len = (uint8_t)n;
    memcpy(raw, s->gs2, t.len);
    n = t.len;
    if (gs2 == NULL) {
        memcpy(raw + n, b->p, b->len);
        n += b->len;
    }
    s->cbind_len = (uint8_t)base64_encode(s->cbind, raw, n);
}

struct smtp_str scram_nonce(const struct scram *s)
{
    struct smtp_str nonce = { s->first + 2, s->whole_len };

    return nonce;
}

/* --- the challenge ----------------------------------------------------- */

bool scram_attribute(struct smtp_str *left, char name, struct smtp_str *value)
{
    size_t n = 2;

    if (left->len < 2 || left->p[0] != name || left->p[1] != '=')
        return false;
    while (n < left->len && left->p[n] != ',')
        n++;
    value->p = left->p + 2;
    value->len = n - 2;
    left->p += n;
    left->len -= n;
    if (left->len != 0) {
        left->p++;
        left->len--;
    }
    return true;
}

static bool nonce_ok(const struct scram *s, struct smtp_str nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e)
            return false;
    return nonce.len > s->nonce_len &&
           memcmp(nonce.p, s->nonce, s->nonce_len) == 0;
}

static const char *rounds(struct scram *s, struct smtp_str digits)
{
    uint32_t n = 0;

    for (size_t i = 0; i < digits.len; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9' || i == 9)
            return "the number of rounds in the server's challenge is none";
        n = n * 10 + (uint32_t)(digits.p[i] - '0');
    }
    if (n < SCRAM_ROUNDS_MIN)
        return "the server asks for so few rounds that whoever listens could "
               "guess the password";
    if (n > SCRAM_ROUNDS_MAX)
        return "the server asks for more rounds than anybody needs";
    s->rounds = n;
    return NULL;
}

bool scram_hmac(const struct smtp_crypto *c, enum smtp_hash hash,
                const void *key, size_t key_len, const void *p, size_t n,
                uint8_t *out)
{
    return c->hmac_begin(c->ctx, hash, key, key_len) &&
           c->hmac_add(c->ctx, p, n) && c->hmac_end(c->ctx, out);
}

/* U1 := HMAC(str, salt + INT(1)) */
static bool first_round(struct scram *s, const struct smtp_crypto *c,
                        struct smtp_str password, const uint8_t *salt,
                        size_t salt_len)
{
    static const uint8_t one[] = { 0, 0, 0, 1 };

    if (!c->hmac_begin(c->ctx, s->hash, password.p, password.len) ||
        !c->hmac_add(c->ctx, salt, salt_len) ||
        !c->hmac_add(c->ctx, one, sizeof one) || !c->hmac_end(c->ctx, s->u))
        return false;
    memcpy(s->t, s->u, sizeof s->t);
    s->rounds--;
    return true;
}

const char *scram_challenge(struct scram *s, const struct smtp_crypto *c,
                            struct smtp_str password, struct smtp_str text)
{
    struct smtp_str left, nonce, coded, count;
    uint8_t salt[SCRAM_CHALLENGE];
    size_t salt_len;
    const char *why;

    if (text.len > sizeof s->first)
        return "the server's challenge is too long";
    memcpy(s->first, text.p, text.len);
    s->first_len = (uint16_t)text.len;
    left.p = s->first;
    left.len = s->first_len;
    if (!scram_attribute(&left, 'r', &nonce) || !nonce_ok(s, nonce))
        return "the server's challenge does not answer to ours";
    s->whole_len = (uint16_t)nonce.len;
    if (!scram_attribute(&left, 's', &coded) || coded.len == 0 ||
        !base64_decode(salt, &salt_len, coded.p, coded.len))
        return "the server's challenge has no salt";
    if (!scram_attribute(&left, 'i', &count))
        return "the server's challenge has no number of rounds";
    why = rounds(s, count);
    if (why == NULL && !first_round(s, c, password, salt, salt_len))
        why = "the arithmetic of the login failed";
    return why;
}

/* --- the arithmetic ---------------------------------------------------- */

/* HMAC(key, AuthMessage) */
static bool sign(const struct scram *s, const struct smtp_crypto *c,
                 const uint8_t *key, struct smtp_str user, uint8_t *out)
{
    struct smtp_str nonce = scram_nonce(s);
    bool ok = c->hmac_begin(c->ctx, s->hash, key, scram_hash_len(s->hash)) &&
              c->hmac_add(c->ctx, "n=", 2);

    for (size_t i = 0; ok && i < saslname_len(user); i++) {
        char ch = saslname_char(user, i);

        ok = c->hmac_add(c->ctx, &ch, 1);
    }
    return ok && c->hmac_add(c->ctx, ",r=", 3) &&
           c->hmac_add(c->ctx, s->nonce, s->nonce_len) &&
           c->hmac_add(c->ctx, ",", 1) &&
           c->hmac_add(c->ctx, s->first, s->first_len) &&
           c->hmac_add(c->ctx, ",c=", 3) &&
           c->hmac_add(c->ctx, s->cbind, s->cbind_len) &&
           c->hmac_add(c->ctx, ",r=", 3) &&
           c->hmac_add(c->ctx, nonce.p, nonce.len) && c->hmac_end(c->ctx, out);
}

/* From SaltedPassword, which is in t. */
static bool finish(struct scram *s, const struct smtp_crypto *c,
                   struct smtp_str user)
{
    size_t n = scram_hash_len(s->hash);
    uint8_t client[SMTP_HASH_MAX], key[SMTP_HASH_MAX], made[SMTP_HASH_MAX];
    bool ok;

    ok = scram_hmac(c, s->hash, s->t, n, "Client Key", 10, client) &&
         c->hash(c->ctx, s->hash, client, n, key) &&
         sign(s, c, key, user, made);
    for (size_t i = 0; ok && i < n; i++)
        client[i] ^= made[i];
    if (ok)
        s->proof_len = (uint8_t)base64_encode(s->proof, client, n);
    ok = ok && scram_hmac(c, s->hash, s->t, n, "Server Key", 10, key) &&
         sign(s, c, key, user, s->server);
    text_wipe(client, sizeof client);
    text_wipe(key, sizeof key);
    text_wipe(made, sizeof made);
    text_wipe(s->u, sizeof s->u);
    text_wipe(s->t, sizeof s->t);
    return ok;
}

enum scram_status scram_work(struct scram *s, const struct smtp_crypto *c,
                             struct smtp_str user, struct smtp_str password)
{
    unsigned slice = s->rounds < SCRAM_SLICE ? s->rounds : SCRAM_SLICE;

    if (!c->stretch(c->ctx, s->hash, password.p, password.len, s->u, s->t,
                    slice))
        return SCRAM_FAILED;
    s->rounds -= slice;
    if (s->rounds != 0)
        return SCRAM_MORE;
    return finish(s, c, user) ? SCRAM_DONE : SCRAM_FAILED;
}

bool scram_verify(const struct scram *s, struct smtp_str text)
{
    uint8_t theirs[SCRAM_CHALLENGE], differs = 0;
    struct smtp_str coded;
    size_t n;

    if (text.len > sizeof theirs || !scram_attribute(&text, 'v', &coded) ||
        !base64_decode(theirs, &n, coded.p, coded.len) ||
        n != scram_hash_len(s->hash))
        return false;
    for (size_t i = 0; i < n; i++)
        differs |= theirs[i] ^ s->server[i];
    return differs == 0;
}

void scram_wipe(struct scram *s)
{
    text_wipe(s, sizeof *s);
}
