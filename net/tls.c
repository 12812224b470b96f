/*
 * tls.c - TLS 1.2 and 1.3 (RFC 5246, RFC 8446), client side, as a byte filter
 * over Mbed TLS 3.6.
 *
 * Four static buffers stand between the neighbours and Mbed TLS, whose I/O
 * callbacks copy from rec_in and to rec_out and say WANT_READ or WANT_WRITE
 * when those are empty or full. No plaintext ever passes before the handshake
 * is finished and the verdict of tls_verify.c is there.
 *
 * Traps of Mbed TLS that are handled here:
 *   - after WANT_WRITE, mbedtls_ssl_write() must be called again with the same
 *     arguments: app_out is never moved while a write is pending;
 *   - RECEIVED_NEW_SESSION_TICKET is no error, at any time;
 *   - an alert that did not fit into rec_out waits inside the library;
 *   - TLS 1.3 key updates are not supported: the reason says so.
 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* in_msg: an alert's description */

#include "tls.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "rng.h"
#include "tls_port.h"
#include "tls_reason.h"
#include "tls_setup.h"
#include "tls_trust.h"
#include "tls_verify.h"
#include "wipe.h"

#if !defined(BOOTMAIL_MBEDTLS_CONFIG)
#error "Mbed TLS took its own configuration: see net/mbedtls_config.h"
#endif

#define REC_IN  8192 /* records not yet read by Mbed TLS; any size works */
#define REC_OUT 8192 /* records on their way out                         */
#define APP_IN  4096 /* plaintext for the reader                         */
#define APP_OUT 4096 /* plaintext to be sent: one record                 */

_Static_assert(APP_OUT <= MBEDTLS_SSL_OUT_CONTENT_LEN,
               "a full app_out is one record");
_Static_assert(REC_OUT >= MBEDTLS_SSL_OUT_CONTENT_LEN + 256,
               "a whole record fits, or throughput halves");

/* bytes from start to end are held */
struct span {
    size_t start, end;
};

struct tls {
    enum tls_state state;
    enum tls_error error;
    bool eof;         /* no more records will come                        */
    bool closing;     /* close_notify is asked for                        */
    bool closed;      /* ... and written                                  */
    bool peer_closed; /* close_notify came                                */
    bool is_tls;      /* the first bytes looked like a TLS record         */
    bool up;          /* the handshake is done, for good                  */
    bool verify;
    size_t pending;     /* bytes of app_out in an unfinished ssl_write      */
    uint64_t rec_bytes; /* bytes received in all                           */
    uint32_t calloc_failed; /* tls_port_calloc_failed() when it was opened */
    uint64_t moves; /* counts everything that changed                   */
    struct span rec_in_at, rec_out_at, app_in_at, app_out_at;
    mbedtls_ssl_context ssl;
    struct tls_setup setup;
    struct tls_verify judge;
    uint8_t pin[32];
    uint8_t rec_in[REC_IN], rec_out[REC_OUT];
    uint8_t app_in[APP_IN], app_out[APP_OUT];
};

static struct tls one;
static struct tls_trust trust;
static char why[TLS_WHY_MAX];

/* ---------------------------------------------------------------- errors */

static void fail(struct tls *t, enum tls_error error, const char *reason)
{
    if (t->error != TLS_OK)
        return;
    if (tls_port_calloc_failed() != t->calloc_failed) {
        error = TLS_E_MEMORY; /* whatever the library made of it */
        reason = "out of memory";
    }
    t->error = error;
    t->state = TLS_BROKEN;
    t->moves++;
    (void)snprintf(why, sizeof(why), "%s", reason);
}

static void fail_alert(struct tls *t)
{
    char text[TLS_WHY_MAX];
    uint8_t alert = t->ssl.in_msg != NULL ? t->ssl.in_msg[1] : 0;

    (void)snprintf(text, sizeof(text),
                   "the server refused with the TLS alert %s (%u)%s",
                   tls_reason_alert(alert), alert,
                   alert == MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE
                       ? ": no cipher in common, or it demands a client "
                         "certificate"
                       : "");
    fail(t, TLS_E_ALERT, text);
}

static void fail_eof(struct tls *t)
{
    char text[TLS_WHY_MAX];

    if (t->state == TLS_UP)
        (void)snprintf(text, sizeof(text),
                       "the connection ended without "
                       "TLS's closing message: what came last may be missing");
    else if (t->rec_bytes == 0)
        (void)snprintf(text, sizeof(text),
                       "the server closed the connection "
                       "without an answer to our TLS hello");
    else
        (void)snprintf(text, sizeof(text),
                       "the server closed the connection "
                       "in the TLS handshake, after %llu bytes",
                       (unsigned long long)t->rec_bytes);
    fail(t, TLS_E_TRUNCATED, text);
}

/* Turns an Mbed TLS result into our first error. */
static void fail_ret(struct tls *t, int ret)
{
    enum tls_error error;
    const char *text;

    if (ret == MBEDTLS_ERR_SSL_CONN_EOF) {
        fail_eof(t);
        return;
    }
    if (ret == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE &&
        t->ssl.in_msgtype == MBEDTLS_SSL_MSG_ALERT) {
        fail_alert(t);
        return;
    }
    if (t->judge.error != TLS_OK) {
        fail(t, t->judge.error, t->judge.why);
        return;
    }
    text = tls_reason_of(ret, &error);
    if (t->state == TLS_UP && ret == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE &&
        t->ssl.in_msgtype == MBEDTLS_SSL_MSG_HANDSHAKE)
        text = "the server wants to change keys or to negotiate anew, which "
               "is not supported";
    fail(t, error, text);
}

static bool is_again(int ret)
{
    return ret == MBEDTLS_ERR_SSL_WANT_READ ||
           ret == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* --------------------------------------------------------------- buffers */

static uint8_t *room(uint8_t *buf, size_t cap, struct span *s, size_t *len)
{
    if (s->start == s->end) {
        s->start = s->end = 0;
    } else if (s->start != 0 && s->end == cap) {
        memmove(buf, buf + s->start, s->end - s->start);
        s->end -= s->start;
        s->start = 0;
    }
    *len = cap - s->end;
    return buf + s->end;
}

static void took(struct tls *t, struct span *s, size_t n)
{
    s->start += n <= s->end - s->start ? n : s->end - s->start;
    t->moves += n != 0;
}

static void gave(struct tls *t, struct span *s, size_t cap, size_t n)
{
    s->end += n <= cap - s->end ? n : cap - s->end;
    t->moves += n != 0;
}

static int bio_send(void *ctx, const unsigned char *p, size_t len)
{
    struct tls *t = ctx;
    size_t n;
    uint8_t *to = room(t->rec_out, REC_OUT, &t->rec_out_at, &n);

    if (n == 0)
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    n = n < len ? n : len;
    memcpy(to, p, n);
    gave(t, &t->rec_out_at, REC_OUT, n);
    return (int)n;
}

static int bio_recv(void *ctx, unsigned char *p, size_t len)
{
    struct tls *t = ctx;
    size_t n = t->rec_in_at.end - t->rec_in_at.start;

    if (n == 0)
        return t->eof ? MBEDTLS_ERR_SSL_CONN_EOF : MBEDTLS_ERR_SSL_WANT_READ;
    n = n < len ? n : len;
    memcpy(p, t->rec_in + t->rec_in_at.start, n);
    took(t, &t->rec_in_at, n);
    return (int)n;
}

/* ------------------------------------------------------------------ open */

static bool check_config(struct tls *t, const struct tls_config *c)
{
    bool chain = c->verify && c->fingerprint == NULL;

    if (rng_state() != RNG_GOOD)
        fail(t, TLS_E_NO_ENTROPY,
             "there is no source of random numbers (none in the processor, no "
             "virtio-rng, no seed file), and TLS needs one");
    else if (c->fingerprint != NULL && c->fingerprint_len != 32)
        fail(t, TLS_E_TRUST, "the fingerprint is not a SHA-256 (32 bytes)");
    else if (chain && c->unix_now < 0)
        fail(t, TLS_E_NO_CLOCK,
             "there is no trustworthy clock, so no "
             "certificate can be checked");
    else if (chain && !tls_trust_index(&trust, c->trust, c->trust_len))
        fail(t, TLS_E_TRUST,
             c->trust_len == 0
                 ? "there is no trust anchor (ca.pem)"
                 : "there is no usable certificate among the trust anchors");
    return t->error == TLS_OK;
}

static bool set_up(struct tls *t, const struct tls_config *c)
{
    const char *reason;
    int ret;

    if (psa_crypto_init() != PSA_SUCCESS) {
        fail(t, TLS_E_MEMORY, "the cryptography does not start");
        return false;
    }
    ret = tls_setup_conf(&t->setup, c, t->verify, &t->judge, &reason);
    if (ret == 0)
        ret = mbedtls_ssl_setup(&t->ssl, &t->setup.conf);
    /* An address is not sent as SNI (RFC 6066 3); tls_verify.c compares it. */
    if (ret == 0)
        ret = mbedtls_ssl_set_hostname(
            &t->ssl, t->judge.ip_len != 0 ? NULL : t->judge.host);
    mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
    if (ret != 0)
        fail(t, tls_reason_is_memory(ret) ? TLS_E_MEMORY : TLS_E_CONFIG,
             reason);
    return ret == 0;
}

struct tls *tls_open(const struct tls_config *conf, const char *host,
                     size_t host_len, enum tls_error *err)
{
    struct tls *t = &one;

    memset(t, 0, sizeof(*t));
    t->calloc_failed = tls_port_calloc_failed();
    why[0] = '\0';
    mbedtls_ssl_init(&t->ssl);
    tls_setup_init(&t->setup);
    t->judge.trust = &trust;
    t->verify = conf->verify || conf->fingerprint != NULL;
    if (!tls_verify_host(&t->judge, host, host_len))
        fail(t, t->judge.error, t->judge.why);
    else if (check_config(t, conf)) {
        tls_port_set_time(conf->unix_now);
        if (conf->fingerprint != NULL) {
            memcpy(t->pin, conf->fingerprint, sizeof(t->pin));
            t->judge.pin = t->pin;
        }
        (void)set_up(t, conf);
    }
    *err = t->error;
    if (t->error == TLS_OK)
        return t;
    tls_free(t);
    return NULL;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    mbedtls_ssl_free(&t->ssl);
    tls_setup_free(&t->setup);
    mbedtls_psa_crypto_free();
    wipe(t, sizeof(*t));
}

/* ------------------------------------------------------------------- run */

/* Is what came first a TLS record? Its first byte is a content type (20 to
 * 23), its second the major version 3 (RFC 8446 5.1); no text is that. False
 * also while there is only one byte to judge by. */
static bool first_bytes_ok(struct tls *t)
{
    const uint8_t *p = t->rec_in + t->rec_in_at.start;
    size_t n = t->rec_in_at.end - t->rec_in_at.start, line = 0;
    char shown[100], text[TLS_WHY_MAX];

    if (t->is_tls || n == 0)
        return true;
    if (p[0] >= 20 && p[0] <= 23 && (n < 2 || p[1] == 3)) {
        t->is_tls = n >= 2 || t->eof;
        return t->is_tls;
    }
    while (line < n && p[line] != '\r' && p[line] != '\n')
        line++;
    (void)snprintf(text, sizeof(text),
                   "the server does not speak TLS here, it answered in plain "
                   "text: \"%s\"",
                   tls_reason_quote(shown, sizeof(shown), p, line));
    fail(t, TLS_E_NOT_TLS, text);
    return false;
}

/* The library verified before it finished; trust its word only if the judge
 * was asked and says the same. */
static void handshake(struct tls *t)
{
    int ret;

    if (!first_bytes_ok(t))
        return;
    do {
        ret = mbedtls_ssl_handshake(&t->ssl);
    } while (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    if (is_again(ret))
        return;
    if (ret != 0) {
        fail_ret(t, ret);
        return;
    }
    if (t->verify && !t->judge.passed) {
        fail(t, TLS_E_CERT, "the server's certificate was not checked");
        return;
    }
    t->state = TLS_UP;
    t->up = true;
    t->moves++;
}

static void write_app(struct tls *t)
{
    struct span *s = &t->app_out_at;

    while (t->error == TLS_OK && s->start != s->end) {
        int ret;

        if (t->pending == 0)
            t->pending = s->end - s->start;
        ret = mbedtls_ssl_write(&t->ssl, t->app_out + s->start, t->pending);
        if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            continue;
        if (is_again(ret))
            return;
        if (ret < 0) {
            fail_ret(t, ret);
            return;
        }
        t->pending = 0;
        wipe(t->app_out + s->start, (size_t)ret); /* may hold a password */
        took(t, s, (size_t)ret);
    }
}

static void read_app(struct tls *t)
{
    struct span *s = &t->app_in_at;

    while (t->error == TLS_OK && !t->peer_closed) {
        size_t n;
        uint8_t *to = room(t->app_in, APP_IN, s, &n);
        int ret;

        if (n == 0)
            return;
        ret = mbedtls_ssl_read(&t->ssl, to, n);
        if (ret > 0) {
            gave(t, s, APP_IN, (size_t)ret);
        } else if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            t->peer_closed = true;
            t->moves++;
        } else if (ret == 0) {
            /* An empty record, or the library's other way to say CONN_EOF. */
            if (t->eof && t->rec_in_at.start == t->rec_in_at.end)
                fail_eof(t);
        } else if (is_again(ret)) {
            /* Also said after a warning alert: then there may be more. */
            if (t->rec_in_at.start == t->rec_in_at.end && !t->eof)
                return;
            if (ret == MBEDTLS_ERR_SSL_WANT_WRITE)
                return;
        } else if (ret != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            fail_ret(t, ret);
        }
    }
}

static void write_close(struct tls *t)
{
    int ret;

    if (!t->closing || t->closed || t->app_out_at.start != t->app_out_at.end)
        return;
    ret = mbedtls_ssl_close_notify(&t->ssl);
    if (ret == MBEDTLS_ERR_SSL_WANT_WRITE)
        return;
    t->closed = true;
    t->moves++;
}

/* After an error: what the library still holds (the alert) goes out. With
 * bytes left, sending an alert only flushes them. */
static void flush_alert(struct tls *t)
{
    if (t->ssl.out_left != 0)
        (void)mbedtls_ssl_send_alert_message(
            &t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
            MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR);
}

bool tls_run(struct tls *t)
{
    uint64_t before = t->moves;

    if (t->error == TLS_OK && t->state == TLS_HANDSHAKE)
        handshake(t);
    if (t->error == TLS_OK && t->state == TLS_UP) {
        write_app(t);
        read_app(t);
        if (t->error == TLS_OK)
            write_close(t);
    }
    if (t->error != TLS_OK)
        flush_alert(t);
    return t->moves != before;
}

/* ----------------------------------------------------------------- seams */

enum tls_state tls_state(const struct tls *t)
{
    /* What was read before an error is still the reader's. */
    if (t->peer_closed && t->error == TLS_OK &&
        t->app_in_at.start == t->app_in_at.end)
        return TLS_PEER_DONE;
    return t->state;
}

enum tls_error tls_error(const struct tls *t)
{
    return t->error;
}

const char *tls_why(void)
{
    return why;
}

uint8_t *tls_sendapp_buf(struct tls *t, size_t *len)
{
    struct span *s = &t->app_out_at;

    *len = 0;
    if (t->state != TLS_UP || t->closing)
        return NULL;
    if (t->pending == 0)
        return room(t->app_out, APP_OUT, s, len);
    *len = APP_OUT - s->end; /* never moved under a pending write */
    return t->app_out + s->end;
}

void tls_sendapp_ack(struct tls *t, size_t n)
{
    gave(t, &t->app_out_at, APP_OUT, n);
}

const uint8_t *tls_recvapp_buf(const struct tls *t, size_t *len)
{
    *len = t->app_in_at.end - t->app_in_at.start;
    return t->app_in + t->app_in_at.start;
}

void tls_recvapp_ack(struct tls *t, size_t n)
{
    took(t, &t->app_in_at, n);
}

const uint8_t *tls_sendrec_buf(const struct tls *t, size_t *len)
{
    *len = t->rec_out_at.end - t->rec_out_at.start;
    return t->rec_out + t->rec_out_at.start;
}

void tls_sendrec_ack(struct tls *t, size_t n)
{
    took(t, &t->rec_out_at, n);
}

uint8_t *tls_recvrec_buf(struct tls *t, size_t *len)
{
    *len = 0;
    if (t->error != TLS_OK || t->eof || t->peer_closed)
        return NULL;
    return room(t->rec_in, REC_IN, &t->rec_in_at, len);
}

void tls_recvrec_ack(struct tls *t, size_t n)
{
    t->rec_bytes += n;
    gave(t, &t->rec_in_at, REC_IN, n);
}

void tls_recvrec_eof(struct tls *t)
{
    t->moves += !t->eof;
    t->eof = true;
}

void tls_close(struct tls *t)
{
    t->moves += !t->closing;
    t->closing = true;
}

/* The library spells TLS_AES_128_GCM_SHA256 as TLS1-3-AES-128-GCM-SHA256;
 * people look for the name in the IANA registry. */
static const char *registered_name(const char *suite)
{
    static char name[64];
    size_t n = 0;

    if (strncmp(suite, "TLS1-3-", 7) == 0) {
        memcpy(name, "TLS_", 4);
        n = 4;
        suite += 7;
    }
    for (; *suite != '\0' && n < sizeof(name) - 1; suite++)
        name[n++] = *suite == '-' ? '_' : *suite;
    name[n] = '\0';
    return name;
}

/* The hash is that of the certificate's signature, but none weaker than
 * SHA-256. */
static const char *end_point(struct tls *t, uint8_t *out, size_t *len)
{
    const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&t->ssl);
    const mbedtls_md_info_t *md;

    if (crt == NULL)
        return NULL;
    md = mbedtls_md_info_from_type(crt->sig_md == MBEDTLS_MD_SHA384 ||
                                           crt->sig_md == MBEDTLS_MD_SHA512
                                       ? crt->sig_md
                                       : MBEDTLS_MD_SHA256);
    if (mbedtls_md(md, crt->raw.p, crt->raw.len, out) != 0)
        return NULL;
    *len = mbedtls_md_get_size(md);
    return "tls-server-end-point";
}

const char *tls_binding(struct tls *t, uint8_t out[TLS_BINDING_MAX],
                        size_t *len)
{
    static const char label[] = "EXPORTER-Channel-Binding";

    if (!t->up)
        return NULL;
    if (mbedtls_ssl_get_version_number(&t->ssl) != MBEDTLS_SSL_VERSION_TLS1_3)
        return end_point(t, out, len);
    *len = 32;
    return mbedtls_ssl_export_keying_material(
               &t->ssl, out, 32, label, sizeof(label) - 1, NULL, 0, 0) == 0
               ? "tls-exporter"
               : NULL;
}

struct tls_info tls_info(const struct tls *t)
{
    struct tls_info info = { NULL, NULL, false };

    if (t->up) {
        info.version = mbedtls_ssl_get_version(&t->ssl);
        info.cipher = registered_name(mbedtls_ssl_get_ciphersuite(&t->ssl));
        info.verified = t->judge.passed;
    }
    return info;
}
