/*
 * tls.h - a TLS client as a byte filter: plaintext on top, records below.
 *
 * app = plaintext, rec = records; send = towards the network, recv = from
 * it. Knows neither SMTP nor lwIP; Mbed TLS is inside. Every *_buf() pointer
 * lives until its *_ack(n), n <= len; acknowledging 0 is allowed; buffers of
 * length 0 mean "nothing now". The first error wins and sticks; after it only
 * tls_sendrec (an alert on its way out) still moves, and tls_recvapp gives
 * what was decrypted before.
 *
 * tls_run() is the only function that does work (handshake steps, decrypt,
 * encrypt); call it after moving bytes. It returns true if anything changed.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls; /* one connection, static                              */

enum tls_state {
    TLS_HANDSHAKE,
    TLS_UP,        /* the peer is verified (or verification is off)       */
    TLS_PEER_DONE, /* close_notify came and all plaintext has been read   */
    TLS_BROKEN,    /* see tls_error()                                     */
};

enum tls_error {
    TLS_OK,
    TLS_E_PROTO,    /* the peer broke TLS, or no common version/cipher  */
    TLS_E_NOT_TLS,  /* the first bytes are not TLS (an SMTP banner?)    */
    TLS_E_ALERT,    /* the peer refused with an alert: tls_why()        */
    TLS_E_CERT,     /* chain not trusted: tls_why() says which rule     */
    TLS_E_NAME,     /* certificate is for another name                  */
    TLS_E_EXPIRED,  /* expired or not yet valid                         */
    TLS_E_NO_CLOCK, /* no trustworthy time: nothing can be verified     */
    TLS_E_NO_ENTROPY,
    TLS_E_TRUST,     /* no usable trust anchor, bad fingerprint syntax   */
    TLS_E_TRUNCATED, /* stream ended without close_notify                */
    TLS_E_MEMORY,
    TLS_E_CONFIG, /* client certificate or key unusable               */
};

struct tls_config {
    const uint8_t *trust; /* PEM bundle; lives on; indexed once, parsed   */
    size_t trust_len;     /*   lazily by issuer                           */
    bool verify;          /* false only when the user said so (certcheck) */
    const uint8_t *fingerprint; /* NULL or SHA-256 of the leaf's DER (32  */
    size_t fingerprint_len;     /*   bytes); replaces the chain check     */
    const uint8_t *cert; /* client certificate, PEM, or NULL              */
    size_t cert_len;
    const uint8_t *key;
    size_t key_len;
    const uint8_t *crl; /* PEM of revocation lists to look at, or NULL    */
    size_t crl_len;
    int64_t unix_now;    /* -1: none                                      */
    uint8_t min_version; /* 0x12 or 0x13 (TLS 1.2, 1.3)                   */
};

/* Before a byte leaves: host is the name (or dotted quad) to be verified and
 * sent as SNI. NULL with *err set on failure (and tls_why()). */
struct tls *tls_open(const struct tls_config *conf, const char *host,
                     size_t host_len, enum tls_error *err);
void tls_free(struct tls *);

bool tls_run(struct tls *);
enum tls_state tls_state(const struct tls *);
enum tls_error tls_error(const struct tls *);
const char *tls_why(void); /* one sentence about the first error; "" if none */

uint8_t *tls_sendapp_buf(struct tls *, size_t *len);
void tls_sendapp_ack(struct tls *, size_t n);
const uint8_t *tls_recvapp_buf(const struct tls *, size_t *len);
void tls_recvapp_ack(struct tls *, size_t n);
const uint8_t *tls_sendrec_buf(const struct tls *, size_t *len);
void tls_sendrec_ack(struct tls *, size_t n);
uint8_t *tls_recvrec_buf(struct tls *, size_t *len);
void tls_recvrec_ack(struct tls *, size_t n);
void tls_recvrec_eof(struct tls *); /* no more records will come          */
void tls_close(struct tls *);       /* queue close_notify                 */

struct tls_info {
    const char *version; /* "TLSv1.3"; NULL before the handshake is done  */
    const char *cipher;
    bool verified; /* chain and name, or fingerprint, were checked  */
};
struct tls_info tls_info(const struct tls *);

/* What ties a login to this connection, once it is up: with TLS 1.3 keying
 * material (RFC 9266), with 1.2 the hash of the server's certificate (RFC 5929
 * section 4). Returns the name of its type, NULL if there is none. */
#define TLS_BINDING_MAX 64
const char *tls_binding(struct tls *, uint8_t out[TLS_BINDING_MAX],
                        size_t *len);

#endif
