/*
 * tls_names.h - name constraints: what the authorities above a certificate
 * may certify (RFC 5280 4.2.1.10, 6.1.3 (b) (c), 6.1.4 (g)).
 *
 * Private to net/tls*.c and tests. The chain comes from its end down to the
 * leaf: tls_names_check() for what a certificate is called, then
 * tls_names_add() for what it says of those below. Whatever is constrained
 * above has to be kept by each of them: an authority can narrow what it was
 * given, never widen it. Constraints of a trust anchor count like others'.
 *
 * Judged are names of hosts, IP addresses and directory names, the subject
 * among them. A constraint of another form (mail address, URI ...) refuses
 * every name of that form below it, and leaves the other names alone. Where a
 * comparison is not sure, a name is neither within what is permitted nor
 * outside of what is excluded (tls_within.h).
 */
#ifndef NET_TLS_NAMES_H
#define NET_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/x509_crt.h>

/* who can stand above a leaf: the intermediates and their anchor */
#define TLS_NAMES_ABOVE_MAX (MBEDTLS_X509_MAX_INTERMEDIATE_CA + 1)

/* Bytes of constraints and names that are looked at for one chain, constraints
 * again for every name below: room for 100 names under 900 constraints. A peer
 * who sends more of both would have us count for long. */
#define TLS_NAMES_WORK_MAX (4u << 20)

struct tls_names {
    struct {
        const mbedtls_x509_crt *ca;
        unsigned char *p; /* NameConstraints in it, in order */
        size_t len;
    } above[TLS_NAMES_ABOVE_MAX];
    unsigned count;
    size_t work; /* of TLS_NAMES_WORK_MAX, so far */
};

/* What speaks against a certificate. */
struct tls_names_clash {
    const mbedtls_x509_crt *by; /* whose constraints; NULL: too much work  */
    int form;                   /* of the name: MBEDTLS_X509_SAN_...       */
    bool subject;               /* it is the certificate's own subject     */
    const uint8_t *name;        /* a host's name, or an address            */
    size_t len;
};

/* No constraints are known. */
void tls_names_reset(struct tls_names *n);

/* May those above have made a certificate of these names? False: c says which
 * name not, and by whom. An authority that is its own issuer may be called
 * anything (6.1.3), a leaf never. */
bool tls_names_check(struct tls_names *n, const mbedtls_x509_crt *crt,
                     bool is_leaf, struct tls_names_clash *c);

/* Takes the constraints that ca has for those below. NULL, or what is wrong
 * with them ("has ..."). */
const char *tls_names_add(struct tls_names *n, const mbedtls_x509_crt *ca);

/* The name for people, cut to fit (cap: over 16): "the name mail.test", "the
 * address 10.0.0.1", "a mail address". Returns out. */
char *tls_names_show(char *out, size_t cap, const struct tls_names_clash *c);

#endif
