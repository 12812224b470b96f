/*
 * verifycert.c - judges certificate chains exactly as the image does.
 *
 * Reads records on standard input:
 *     CASE id / NAME host / TIME epoch / ROOTS n + n bytes of PEM /
 *     CHAIN n + n bytes of PEM, leaf first
 *     [CRL n + n bytes of PEM]
 * and writes "id<TAB>SUCCESS|FAILURE<TAB>reason" for each. Roots go through
 * net/tls_trust.c, the chain through net/tls_verify.c; like the handshake it
 * gives up on a certificate that cannot be parsed.
 */
/* sources: net/tls_verify.c net/tls_crl.c net/tls_ext.c net/tls_trust.c
 *          net/tls_names.c net/tls_within.c net/tls_reason.c net/tls_port.c
 *          net/tls_pem.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/x509_crt.h>

#include "fakeplatform.h"
#include "heap.h"
#include "tls_crl.h"
#include "tls_ext.h"
#include "tls_port.h"
#include "tls_reason.h"
#include "tls_trust.h"
#include "tls_verify.h"

#define BLOB_MAX (16u << 20)

struct record {
    char id[512], name[512];
    int64_t time;
    uint8_t *roots, *chain, *crl; /* NUL behind the end; crl: or NULL */
    size_t roots_len, chain_len, crl_len;
};

static struct tls_trust trust;
static struct tls_verify judge;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "verifycert: %s\n", what);
    exit(2);
}

/* The line that is read next. */
static char text[1100];
static bool held;

static bool comes(const char *key)
{
    size_t k = strlen(key);

    if (!held && fgets(text, sizeof(text), stdin) == NULL)
        return false;
    held = true;
    return strncmp(text, key, k) == 0 && text[k] == ' ';
}

/* "KEY value\n" into out; false at the end of the input */
static bool line(const char *key, char *out, size_t cap)
{
    size_t k = strlen(key), n;
    bool right = comes(key);

    if (!held)
        return false;
    n = strcspn(text, "\n");
    if (!right || n - k - 1 >= cap)
        die("malformed record");
    memcpy(out, text + k + 1, n - k - 1);
    out[n - k - 1] = '\0';
    held = false;
    return true;
}

static uint8_t *blob(const char *key, size_t *len)
{
    char number[32];
    uint8_t *p;

    if (!line(key, number, sizeof(number)))
        die("the record ends early");
    *len = strtoul(number, NULL, 10);
    if (*len > BLOB_MAX)
        die("a record is too large");
    p = calloc(1, *len + 1);
    if (p == NULL || fread(p, 1, *len, stdin) != *len)
        die("a record ends early");
    return p;
}

static bool read_record(struct record *r)
{
    char when[64];

    if (!line("CASE", r->id, sizeof(r->id)))
        return false;
    if (!line("NAME", r->name, sizeof(r->name)) ||
        !line("TIME", when, sizeof(when)))
        die("the record ends early");
    r->time = strtoll(when, NULL, 10);
    r->roots = blob("ROOTS", &r->roots_len);
    r->chain = blob("CHAIN", &r->chain_len);
    r->crl = comes("CRL") ? blob("CRL", &r->crl_len) : NULL;
    return true;
}

/* The chain as the peer would send it. 0, or what the parser said. */
static int parse_chain(const struct record *r, mbedtls_x509_crt *crt)
{
    const unsigned char *p = r->chain;
    size_t used;
    int ret = 0;

    while (ret == 0 && strstr((const char *)p, "-----BEGIN") != NULL) {
        mbedtls_pem_context pem;
        size_t len;
        const unsigned char *der;

        mbedtls_pem_init(&pem);
        ret = mbedtls_pem_read_buffer(&pem, "-----BEGIN CERTIFICATE-----",
                                      "-----END CERTIFICATE-----", p, NULL, 0,
                                      &used);
        if (ret == 0) {
            der = mbedtls_pem_get_buffer(&pem, &len);
            ret = tls_ext_parse(crt, der, len);
            if (ret ==
                MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG + MBEDTLS_ERR_OID_NOT_FOUND)
                ret = 0; /* the handshake passes over it too */
            p += used;
        }
        mbedtls_pem_free(&pem);
    }
    return ret;
}

static bool verify(const struct record *r, char *why, size_t cap)
{
    mbedtls_x509_crt crt;
    mbedtls_x509_crl crls;
    const char *reason;
    uint32_t flags = 0;
    enum tls_error kind;
    int ret;

    memset(&judge, 0, sizeof(judge));
    judge.trust = &trust;
    tls_port_set_time(r->time);
    if (!tls_verify_host(&judge, r->name, strlen(r->name))) {
        (void)snprintf(why, cap, "%s", judge.why);
        return false;
    }
    if (!tls_trust_index(&trust, r->roots, r->roots_len)) {
        (void)snprintf(why, cap, "no usable trust anchor");
        return false;
    }
    mbedtls_x509_crt_init(&crt);
    mbedtls_x509_crl_init(&crls);
    if (r->crl != NULL) {
        ret = tls_crl_load(&crls, r->crl, r->crl_len, &reason);
        if (ret != 0) {
            (void)snprintf(why, cap, "%s", reason);
            mbedtls_x509_crl_free(&crls);
            return false;
        }
        judge.crls = &crls;
    }
    ret = parse_chain(r, &crt);
    if (ret == 0)
        ret = mbedtls_x509_crt_verify_with_ca_cb(
            &crt, tls_verify_ca, &judge, &tls_verify_profile,
            judge.ip_len != 0 ? NULL : judge.host, &flags, tls_verify_cert,
            &judge);
    (void)snprintf(why, cap, "%s",
                   ret == 0                ? "trusted"
                   : judge.error != TLS_OK ? judge.why
                                           : tls_reason_of(ret, &kind));
    mbedtls_x509_crt_free(&crt);
    mbedtls_x509_crl_free(&crls);
    return ret == 0 && judge.passed;
}

int main(void)
{
    static struct record r;
    char why[TLS_WHY_MAX];

    while (read_record(&r)) {
        bool ok = verify(&r, why, sizeof(why));

        printf("%s\t%s\t%s\n", r.id, ok ? "SUCCESS" : "FAILURE", why);
        free(r.roots);
        free(r.chain);
        free(r.crl);
        if (heap_stats().used != 0)
            die("the heap leaks");
    }
    return 0;
}
