/*
 * dkim.h - signing a message (RFC 6376, RFC 8463).
 *
 * A message is walked before it is sent: once for the body's hash, and its
 * header once for each field that is signed; nothing is copied. Hashes and
 * signatures are the caller's, by a table of functions.
 *
 * What is signed: the fields of RFC 6376 5.4.1 that there are, each as often
 * as it is there. Those that a reader is shown or goes by are named once more
 * than they occur, so that nobody can add another one (8.15).
 */
#ifndef SMTP_DKIM_H
#define SMTP_DKIM_H

#include "message.h"

#define DKIM_HASH 32 /* bytes of SHA-256 */

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };

struct dkim_crypto {
    void *own;                /* the caller's, for all of them */
    void (*start)(void *own); /* a SHA-256; there is one at a time */
    void (*update)(void *own, const uint8_t *p, size_t n);
    void (*finish)(void *own, uint8_t hash[DKIM_HASH]);
    /* Signs a hash; returns the signature's length, 0: it failed. */
    size_t (*sign)(void *own, const uint8_t hash[DKIM_HASH], uint8_t *sig,
                   size_t cap);
};

struct dkim_spec {
    enum dkim_algorithm algorithm;   /* what sign() does              */
    bool simple_header, simple_body; /* or relaxed (RFC 6376 3.4)   */
    struct smtp_str domain, selector;
    int64_t time; /* of signing, seconds since 1970; below 0: not said     */
};

#define DKIM_SIGNATURE_MAX 1024 /* bytes: RSA of 8,192 bits */

struct dkim {
    size_t len;
    char field[3072]; /* the whole field, with its line end */
};

/* Signs the message as it is fitted and puts the signature before its other
 * fields; d lives as long as the message is sent. False: err says why. */
bool dkim_sign(struct dkim *d, struct message *, const struct dkim_spec *,
               const struct dkim_crypto *, struct message_error *err);

#endif
