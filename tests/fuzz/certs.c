/* sources: net/tls_verify.c net/tls_crl.c net/tls_ext.c net/tls_trust.c
            net/tls_names.c net/tls_within.c net/tls_reason.c net/tls_port.c
            net/tls_pem.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host tests/fuzz */
/* libs: mbedtls */
/* link: -Wl,--wrap=mbedtls_pk_verify_ext */
/* longest: 3000 */
/*
 * certs.c - a server's chain, trust anchors and revocation lists of any bytes,
 * judged as in the handshake. Nobody mends a signature by chance, so whether
 * each one is right the input says; where none is, nobody is trusted but an
 * anchor itself, and whoever is trusted has the name, at this time.
 */
#include "trace.h"

#include <mbedtls/base64.h>

#include "fakeplatform.h"
#include "forge.h"
#include "heap.h"
#include "tls_crl.h"
#include "tls_ext.h"
#include "tls_port.h"
#include "tls_reason.h"
#include "tls_verify.h"

#define HOST  "mail.example.org"
#define EPOCH 1800000000 /* the certificates of the corpus are good then */
#define DAY   86400

static unsigned right; /* the signatures that are, one bit each, in a circle */
static struct tls_trust trust;
static struct tls_verify judge;

static int verified(mbedtls_pk_context *ctx, mbedtls_pk_type_t type)
{
    bool yes = (right & 1) != 0;

    right = right >> 1 | (yes ? 0x80 : 0);
    if (!mbedtls_pk_can_do(ctx, type))
        return MBEDTLS_ERR_PK_TYPE_MISMATCH;
    return yes ? 0 : MBEDTLS_ERR_PK_INVALID_ALG;
}

/* ------------------------------------------------------ from the input */

static const uint8_t *piece(size_t *len)
{
    const uint8_t *p = in_at;

    *len = next(2);
    p = in_at;
    if (*len > in_left)
        *len = in_left;
    in_at += *len;
    in_left -= *len;
    return p;
}

/* count blocks of PEM, or any text; a heap block that ends where they do */
static uint8_t *pem(unsigned count, const char *kind, size_t *len)
{
    static char text[12000];
    const uint8_t *p;
    size_t n, used = 0, b64;

    p = count == 0 ? piece(&n) : NULL;
    if (count == 0) {
        n = n < sizeof text ? n : sizeof text;
        memcpy(text, p, n);
        used = n;
    }
    while (count-- > 0) {
        p = piece(&n);
        if (used + 4 * n / 3 + 200 > sizeof text)
            break;
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "-----BEGIN %s-----\n", kind);
        MUST(mbedtls_base64_encode((unsigned char *)text + used,
                                   sizeof text - used, &b64, p, n) == 0);
        used += b64;
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "\n-----END %s-----\n", kind);
    }
    *len = used;
    return exact((const uint8_t *)text, used);
}

/* --------------------------------------------------------- the verdicts */

static bool same(const uint8_t *p, size_t len, const char *s)
{
    return len == strlen(s) && strncasecmp((const char *)p, s, len) == 0;
}

/* RFC 9525, for the two hosts there are, by other means */
static bool names_host(const mbedtls_x509_crt *crt, bool ip)
{
    const mbedtls_x509_sequence *s = &crt->subject_alt_names;

    for (; s != NULL && s->buf.p != NULL; s = s->next) {
        int kind = s->buf.tag & 31;

        if (ip ? kind == 7 && s->buf.len == 4 &&
                     memcmp(s->buf.p, "\12\0\0\1", 4) == 0
               : kind == 2 && (same(s->buf.p, s->buf.len, HOST) ||
                               same(s->buf.p, s->buf.len, "*.example.org")))
            return true;
    }
    return false;
}

static void trusted(const mbedtls_x509_crt *crt, bool ip, bool any_right)
{
    MUST(any_right || tls_trust_has(&trust, crt));
    MUST(names_host(crt, ip));
    MUST(!mbedtls_x509_time_is_past(&crt->valid_to));
    MUST(!mbedtls_x509_time_is_future(&crt->valid_from));
    MUST(crt->version == 3 && crt->serial.len <= 20);
}

static void verify(mbedtls_x509_crt *crt, bool ip, bool pinned)
{
    bool any_right = right != 0;
    uint32_t flags = 0;
    enum tls_error kind;
    int ret = mbedtls_x509_crt_verify_with_ca_cb(
        crt, tls_verify_ca, &judge, &tls_verify_profile,
        judge.ip_len != 0 ? NULL : judge.host, &flags, tls_verify_cert, &judge);

    for (const char *s = judge.why; *s != '\0'; s++)
        MUST(*s >= ' ' && *s < 0x7f);
    MUST(judge.passed == (judge.why[0] == '\0') || ret != 0);
    if (ret != 0)
        MUST(judge.why[0] != '\0' || tls_reason_of(ret, &kind)[0] != '\0');
    if (ret != 0 || !judge.passed)
        return;
    MUST(flags == 0);
    MUST(!pinned); /* nobody finds a hash */
    trusted(crt, ip, any_right);
}

/* In the order of the handshake: one that cannot be read ends it. */
static void chain(unsigned count, bool ip, bool pinned)
{
    mbedtls_x509_crt crt;
    const uint8_t *p;
    uint8_t *der;
    size_t n;
    int ret = 0;

    mbedtls_x509_crt_init(&crt);
    while (count-- > 0 && ret == 0) {
        p = piece(&n);
        der = exact(p, n);
        ret = tls_ext_parse(&crt, der + 1, n);
        free(der);
    }
    if (crt.raw.p != NULL)
        verify(&crt, ip, pinned);
    mbedtls_x509_crt_free(&crt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t pin[32] = { 1 };
    mbedtls_x509_crl lists;
    const char *why = "";
    uint8_t *anchors, *crl = NULL;
    size_t n, crl_len = 0;
    unsigned how;

    input(data, len);
    how = next(1);
    right = next(1);
    tls_port_set_time(EPOCH + (int64_t)DAY * (int8_t)next(1));
    memset(&judge, 0, sizeof judge);
    judge.trust = &trust;
    judge.pin = (how & 0x0f) == 0x0f ? pin : NULL;
    MUST(tls_verify_host(&judge, (how & 0x80) != 0 ? "10.0.0.1" : HOST,
                         (how & 0x80) != 0 ? 8 : sizeof HOST - 1));
    mbedtls_x509_crl_init(&lists);
    anchors = pem(how & 3, "CERTIFICATE", &n);
    (void)tls_trust_index(&trust, anchors + 1, n);
    MUST(trust.count <= TLS_TRUST_MAX);
    if ((how & 0x40) != 0) {
        crl = pem(how >> 2 & 1, "X509 CRL", &crl_len);
        if (tls_crl_load(&lists, crl + 1, crl_len, &why) == 0)
            judge.crls = &lists;
        else
            MUST(why[0] != '\0');
    }
    chain(1 + (how >> 4 & 3), (how & 0x80) != 0, judge.pin != NULL);
    mbedtls_x509_crl_free(&lists);
    free(anchors);
    free(crl);
    MUST(heap_stats().used == 0);
    return 0;
}
