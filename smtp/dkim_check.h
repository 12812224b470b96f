/*
 * dkim_check.h - judging a message's DKIM signatures (RFC 6376 6, RFC 8301,
 * RFC 8463).
 *
 * A message comes in two feeds: its header, whole and as it is, which stays
 * where it is until the end; then its body, in any pieces. For each signature
 * there is a struct of its own, with a hash of its own, so that one pass over
 * the body serves them all:
 *
 *     for (n = 0; dkim_check_open(&c[n], &crypto[n], header, len, n); n++)
 *         dkim_check_key(&c[n], look_up(dkim_check_name(&c[n], ...)), now);
 *     ... dkim_check_body(&c[i], p, len) for each piece and each i < n ...
 *     dkim_check_end(&c[i])
 *
 * What makes a signature worthless is noticed as early as it can be, and the
 * later calls are harmless; verdict and why say what it was. Keys are looked
 * up by the caller, who also decides what a verdict means: a signature that
 * fails is no worse than none (6.1).
 */
#ifndef SMTP_DKIM_CHECK_H
#define SMTP_DKIM_CHECK_H

#include "canon.h"
#include "dkim.h"

enum dkim_verdict {
    DKIM_OPEN, /* none yet                                             */
    DKIM_PASS,
    DKIM_FAIL,     /* message or signature were changed, or it expired      */
    DKIM_POLICY,   /* rsa-sha1, or an RSA key below 1,024 bits (RFC 8301)   */
    DKIM_PERMERROR /* signature or key record cannot be understood or used  */
};

struct dkim_check_crypto {
    void *own;
    void (*start)(void *own); /* a SHA-256 */
    void (*update)(void *own, const uint8_t *p, size_t n);
    void (*finish)(void *own, uint8_t hash[DKIM_HASH]);
    /* RSASSA-PKCS1-v1_5 with SHA-256 under a key in DER (SubjectPublicKeyInfo
     * or RSAPublicKey), or Ed25519 over the hash under a key of 32 bytes. */
    bool (*verify)(void *own, enum dkim_algorithm, const uint8_t *key,
                   size_t key_len, const uint8_t hash[DKIM_HASH],
                   const uint8_t *sig, size_t sig_len);
};

#define DKIM_KEY_MAX 1100 /* bytes: RSA of 8,192 bits */

struct dkim_check {
    enum dkim_verdict verdict;
    const char *why; /* of every verdict but PASS: a sentence part          */
    enum dkim_algorithm algorithm;
    struct smtp_str domain, selector; /* d=, s=                             */
    struct smtp_str identity;         /* i=, as it stands; len 0: @domain   */
    int64_t time, expires;            /* t=, x=; -1: not said               */
    uint64_t unsigned_bytes; /* of the body, behind what l= counts: anybody
                                may have added them                         */
    bool testing;            /* the key's record says so (t=y)              */

    /* private */
    const struct dkim_check_crypto *crypto;
    const uint8_t *header;
    size_t header_len, field, field_end, b_from, b_to;
    struct smtp_str names;
    struct canon_body body;
    bool simple_header, limited;
    uint64_t left;
    uint8_t body_hash[DKIM_HASH];
    size_t sig_len, key_len;
    uint8_t sig[DKIM_SIGNATURE_MAX];
    uint8_t key[DKIM_KEY_MAX];
};

/* The n-th DKIM-Signature field from above, n from 0. header: from the first
 * field's first byte to the last one's line end; an empty line may follow.
 * False: there are not so many. */
bool dkim_check_open(struct dkim_check *, const struct dkim_check_crypto *,
                     const uint8_t *header, size_t len, size_t n);

/* Where the key is: "selector._domainkey.domain". Returns the length; 0: there
 * is a verdict already, or it does not fit. */
size_t dkim_check_name(const struct dkim_check *, char *to, size_t cap);

/* The text of the TXT record there, its strings joined; p NULL: there is none.
 * now: seconds since 1970, -1: not known. Begins the body. */
void dkim_check_key(struct dkim_check *, struct smtp_str record, int64_t now);

/* Behind the header's empty line; lines end in LF or CRLF. */
void dkim_check_body(struct dkim_check *, const uint8_t *p, size_t n);

enum dkim_verdict dkim_check_end(struct dkim_check *);

#endif
