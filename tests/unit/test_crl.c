/* sources: net/tls_crl.c net/tls_ext.c net/tls_trust.c net/tls_verify.c
 *          net/tls_names.c net/tls_within.c net/tls_reason.c net/tls_port.c
 *          net/tls_pem.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/* link: -lcrypto */
/*
 * test_crl.c - revocation lists that OpenSSL makes here, in order and not:
 * what each says about a certificate, and why it may not (RFC 5280, 5).
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "check.h"
#include "fakeplatform.h"
#include "heap.h"
#include "tls_crl.h"
#include "tls_port.h"

#define NOW 1800000000
#define DAY 86400

static EVP_PKEY *ca_key, *other_key;
static mbedtls_x509_crt ca, ca_no_lists, leaf;

static X509_NAME *name_of(const char *cn)
{
    X509_NAME *n = X509_NAME_new();

    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)cn,
                               -1, -1, 0);
    return n;
}

/* Signed by ca_key, by the name of "CA". */
static void make_crt(mbedtls_x509_crt *out, const char *cn, long serial,
                     const char *usage)
{
    X509 *x = X509_new();
    X509_NAME *subject = name_of(cn), *issuer = name_of("CA");
    X509_EXTENSION *e;
    unsigned char *der = NULL;
    int len;

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_set_subject_name(x, subject);
    X509_set_issuer_name(x, issuer);
    ASN1_TIME_set(X509_getm_notBefore(x), NOW - 100 * (time_t)DAY);
    ASN1_TIME_set(X509_getm_notAfter(x), NOW + 100 * (time_t)DAY);
    X509_set_pubkey(x, ca_key);
    e = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    X509_sign(x, ca_key, EVP_sha256());
    len = i2d_X509(x, &der);
    mbedtls_x509_crt_init(out);
    CHECK_EQ(mbedtls_x509_crt_parse_der(out, der, (size_t)len), 0);
    OPENSSL_free(der);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    X509_free(x);
}

struct list {
    const char *issuer;
    EVP_PKEY *key;
    int from, to; /* days from now */
    const EVP_MD *md;
    bool names_leaf, no_number, v1, delta;
};

static struct list usual(void)
{
    return (struct list){ "CA",  ca_key, -1,    1,    EVP_sha256(),
                          false, false,  false, false };
}

static char text[8192];

static void add_extensions(X509_CRL *c, const struct list *l)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_OCTET_STRING *any = ASN1_OCTET_STRING_new();

    ASN1_INTEGER_set(number, 5);
    ASN1_OCTET_STRING_set(any, (const unsigned char *)"\x30\0", 2);
    if (l->delta)
        X509_CRL_add1_ext_i2d(c, NID_delta_crl, number, 1, 0);
    if (!l->no_number) {
        X509_CRL_add1_ext_i2d(c, NID_crl_number, number, 0, 0);
    } else {
        X509_EXTENSION *e = X509_EXTENSION_create_by_NID(
            NULL, NID_authority_key_identifier, 0, any);

        X509_CRL_add_ext(c, e, -1);
        X509_EXTENSION_free(e);
    }
    ASN1_INTEGER_free(number);
    ASN1_OCTET_STRING_free(any);
}

/* One list more at the end of text. */
static void add(struct list l)
{
    X509_CRL *c = X509_CRL_new();
    X509_NAME *issuer = name_of(l.issuer);
    ASN1_TIME *t = ASN1_TIME_new();
    BIO *out = BIO_new(BIO_s_mem());
    size_t at = strlen(text);
    int n;

    if (!l.v1) {
        X509_CRL_set_version(c, X509_CRL_VERSION_2);
        add_extensions(c, &l);
    }
    X509_CRL_set_issuer_name(c, issuer);
    ASN1_TIME_set(t, NOW + l.from * (time_t)DAY);
    X509_CRL_set1_lastUpdate(c, t);
    ASN1_TIME_set(t, NOW + l.to * (time_t)DAY);
    X509_CRL_set1_nextUpdate(c, t);
    if (l.names_leaf) {
        X509_REVOKED *r = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();

        ASN1_INTEGER_set(serial, 7);
        X509_REVOKED_set_serialNumber(r, serial);
        ASN1_TIME_set(t, NOW - DAY);
        X509_REVOKED_set_revocationDate(r, t);
        X509_CRL_add0_revoked(c, r);
        ASN1_INTEGER_free(serial);
    }
    X509_CRL_sign(c, l.key, l.md);
    PEM_write_bio_X509_CRL(out, c);
    n = BIO_read(out, text + at, (int)(sizeof(text) - at - 1));
    CHECK(n > 0);
    text[at + (n > 0 ? (size_t)n : 0)] = '\0';
    BIO_free(out);
    ASN1_TIME_free(t);
    X509_NAME_free(issuer);
    X509_CRL_free(c);
}

static void says(mbedtls_x509_crt *by, enum tls_crl_verdict want,
                 const char *words)
{
    mbedtls_x509_crl lists;
    const char *why = "";

    mbedtls_x509_crl_init(&lists);
    CHECK_EQ(tls_crl_load(&lists, (uint8_t *)text, strlen(text), &why), 0);
    why = "";
    CHECK_EQ(tls_crl_check(&lists, &leaf, by, &why), want);
    CHECK_STR(why, words);
    mbedtls_x509_crl_free(&lists);
    text[0] = '\0';
}

static void refused(size_t len, const char *words)
{
    mbedtls_x509_crl lists;
    const char *why = "";

    mbedtls_x509_crl_init(&lists);
    CHECK(tls_crl_load(&lists, (uint8_t *)text, len, &why) != 0);
    CHECK(strstr(why, words) != NULL);
    mbedtls_x509_crl_free(&lists);
    text[0] = '\0';
}

/* ---------------------------------------------------------- the cases --- */

static void verdicts(void)
{
    struct list l = usual();

    add(l);
    says(&ca, TLS_CRL_GOOD, "");
    l.names_leaf = true;
    add(l);
    says(&ca, TLS_CRL_REVOKED, "");
    l.issuer = "another CA";
    add(l);
    says(&ca, TLS_CRL_NONE, "");
    l = usual();
    l.v1 = true; /* has no extensions, so no number either */
    add(l);
    says(&ca, TLS_CRL_GOOD, "");
    l.names_leaf = true;
    add(l);
    says(&ca, TLS_CRL_REVOKED, "");
}

static void unusable(void)
{
    struct list l = usual();

    l.from = 1;
    l.to = 2;
    add(l);
    says(&ca, TLS_CRL_UNUSABLE, "is of the future");
    l.from = -3;
    l.to = -1;
    add(l);
    says(&ca, TLS_CRL_UNUSABLE, "has expired");
    l = usual();
    l.no_number = true;
    add(l);
    says(&ca, TLS_CRL_UNUSABLE, "has no number");
    l = usual();
    l.key = other_key;
    l.names_leaf = true; /* nobody's word */
    add(l);
    says(&ca, TLS_CRL_UNUSABLE, "is not signed by that CA");
    l = usual();
    l.md = EVP_sha1();
    add(l);
    says(&ca, TLS_CRL_UNUSABLE,
         "is signed with a broken hash or an unknown algorithm");
    add(usual());
    says(&ca_no_lists, TLS_CRL_UNUSABLE,
         "is by a CA that may not sign lists (key usage)");
}

/* One that is in order is enough, in any place; so is one that names it, even
 * when its time is over. */
static void several(void)
{
    struct list old = usual(), named = usual();

    old.from = -3;
    old.to = -1;
    named = old;
    named.names_leaf = true;
    add(old);
    add(usual());
    says(&ca, TLS_CRL_GOOD, "has expired");
    add(usual());
    add(old);
    says(&ca, TLS_CRL_GOOD, "");
    add(usual());
    add(named);
    says(&ca, TLS_CRL_REVOKED, "");
}

static void not_lists(void)
{
    struct list delta = usual();

    delta.delta = true;
    refused(0, "holds no revocation list");
    snprintf(text, sizeof(text),
             "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    refused(strlen(text), "holds no revocation list");
    add(delta);
    refused(strlen(text), "critical extension");
    add(usual());
    add(delta); /* a file is taken as a whole */
    refused(strlen(text), "critical extension");
    add(usual());
    refused(strlen(text) / 2, "broken");
    refused(TLS_CRL_PEM_MAX + 1, "over 64 KB");
}

static void no_memory(void)
{
    mbedtls_x509_crl lists;
    const char *why;
    size_t used = heap_stats().used;
    int ret = -1;

    add(usual());
    for (uint32_t n = 1; ret != 0 && n < 100; n++) {
        mbedtls_x509_crl_init(&lists);
        heap_fail_at(n);
        ret = tls_crl_load(&lists, (uint8_t *)text, strlen(text), &why);
        heap_fail_at(0);
        mbedtls_x509_crl_free(&lists);
        CHECK_EQ(heap_stats().used, used);
        CHECK(ret == 0 || n > 1 || ret == MBEDTLS_ERR_X509_ALLOC_FAILED);
    }
    CHECK_EQ(ret, 0);
}

static const struct check_case cases[] = {
    { "verdicts", verdicts },   { "unusable", unusable },
    { "several", several },     { "not_lists", not_lists },
    { "no_memory", no_memory },
};

int main(int argc, char **argv)
{
    int status;

    tls_port_set_time(NOW);
    ca_key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    make_crt(&ca, "CA", 1, "critical,keyCertSign,cRLSign");
    make_crt(&ca_no_lists, "CA", 2, "critical,keyCertSign");
    make_crt(&leaf, "leaf", 7, "critical,digitalSignature");
    status = check_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
    mbedtls_x509_crt_free(&ca);
    mbedtls_x509_crt_free(&ca_no_lists);
    mbedtls_x509_crt_free(&leaf);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    return status;
}
