/*
 * scram.h - SCRAM (RFC 5802, 7677, 9266): the client's side of one login,
 * where the server proves as well that it knows the password.
 *
 * One login is: scram_first() and what it made goes out; the server's
 * challenge goes into scram_challenge(); scram_work() until it says SCRAM_DONE;
 * cbind, the whole nonce and proof go out; scram_verify() judges the server's
 * last word. Lengths are bytes. Nothing here is a secret of the user's but
 * what scram_wipe() overwrites.
 *
 * Not done: SASLprep (RFC 4013), which RFC 5802 asks for. User and password
 * are taken as they are. That is the same for printable ASCII, and for other
 * text that is in Unicode's form NFKC and has no blank but U+0020, nothing that
 * SASLprep leaves out (soft hyphens, joiners) and nothing that it forbids. What
 * is not (an accent as a character of its own, a no-break blank) makes a proof
 * that a server which prepares passwords refuses: 535, never another's mailbox.
 * NFKC wants Unicode's tables, which this engine does not carry.
 *
 * Limits: a challenge of 384 bytes; rounds from 4,096, the least that RFC 7677
 * section 4 lets a server have, to 1,000,000, so that none can keep the client
 * counting for ever.
 */
#ifndef SMTP_SCRAM_H
#define SMTP_SCRAM_H

#include "smtp.h"

#define SCRAM_NONCE      24 /* characters of ours */
#define SCRAM_CHALLENGE  384
#define SCRAM_ROUNDS_MIN 4096
#define SCRAM_ROUNDS_MAX 1000000
#define SCRAM_SLICE      512 /* rounds in one call of scram_work() */
#define SCRAM_BIND_MAX   64  /* bytes of channel binding */

enum scram_status { SCRAM_MORE, SCRAM_DONE, SCRAM_FAILED };

struct scram {
    enum smtp_hash hash;
    uint8_t gs2_len, nonce_len, cbind_len, proof_len;
    uint16_t first_len; /* of the challenge */
    uint16_t whole_len; /* of the nonce in it, ours and the server's */
    uint32_t rounds;    /* still to go */
    char gs2[28];       /* the header of RFC 5801 section 4 */
    char nonce[SCRAM_NONCE];
    char first[SCRAM_CHALLENGE];
    char cbind[4 * ((28 + SCRAM_BIND_MAX + 2) / 3)]; /* base64 */
    char proof[44];                                  /* base64 */
    uint8_t u[SMTP_HASH_MAX], t[SMTP_HASH_MAX];
    uint8_t server[SMTP_HASH_MAX]; /* what it must sign with */
};

/* gs2: "n", "y", or NULL for "p=" and the binding's type. */
void scram_first(struct scram *, enum smtp_hash, const char *gs2,
                 const struct smtp_binding *, struct smtp_str nonce);

/* NULL, or why it cannot be answered. */
const char *scram_challenge(struct scram *, const struct smtp_crypto *,
                            struct smtp_str password, struct smtp_str text);
enum scram_status scram_work(struct scram *, const struct smtp_crypto *,
                             struct smtp_str user, struct smtp_str password);

/* The nonce to send back: a part of the challenge. */
struct smtp_str scram_nonce(const struct scram *);

/* True if text is the signature of one who knows the password. */
bool scram_verify(const struct scram *, struct smtp_str text);

void scram_wipe(struct scram *);

/* What the server's side (server/scramd.c) needs as well. */
size_t scram_hash_len(enum smtp_hash);
bool scram_hmac(const struct smtp_crypto *, enum smtp_hash, const void *key,
                size_t key_len, const void *p, size_t n, uint8_t *out);
/* Takes "x=value" and the comma behind it off the front of *left. */
bool scram_attribute(struct smtp_str *left, char name, struct smtp_str *value);

#endif
