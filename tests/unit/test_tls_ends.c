/*
 * test_tls_ends.c - how a connection begins and ends: which host names there
 * are, certificates without a subject, who says that he closes and when.
 */
/* sources: net/tls.c net/tls_setup.c net/tls_verify.c net/tls_trust.c
 *          net/tls_crl.c net/tls_ext.c net/tls_names.c net/tls_within.c
 *          net/tls_pem.c net/tls_reason.c net/tls_port.c net/rng.c
 *          kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/* link: -lssl -lcrypto */
#include "tlspair.h"

static enum tls_error opened(const char *host, size_t len)
{
    struct job j = job_of("ec");
    struct tls *t = tls_open(&j.conf, host, len, &j.error);

    CHECK_EQ(t == NULL, j.error != TLS_OK);
    tls_free(t);
    return j.error;
}

/* What a host name is made of, byte by byte; a last label that is a number
 * makes it none. */
static void host_bytes(void)
{
    static const char *const numbers[] = { "a.0", "a.9", "a.19", "1.2.3.4.5" };
    static const char *const names[] = { "a.0x", "a.9-", "a.x9", "1.a" };
    static const char set[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    char host[] = "a?.test", longest[254];

    for (int c = 0; c < 256; c++) {
        host[1] = (char)c;
        CHECK_EQ(opened(host, sizeof(host) - 1),
                 c != 0 && strchr(set, c) != NULL ? TLS_OK : TLS_E_CONFIG);
    }
    CHECK_EQ(opened("127.0.0.1\0x", 11), TLS_E_CONFIG);
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = i % 64 == 63 ? '.' : 'a';
    CHECK_EQ(opened(longest, 253), TLS_OK); /* RFC 1035 2.3.4 */
    CHECK_EQ(opened(longest, 254), TLS_E_CONFIG);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        CHECK_EQ(opened(numbers[i], strlen(numbers[i])), TLS_E_CONFIG);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK_EQ(opened(names[i], strlen(names[i])), TLS_OK);
}

static void extend(X509 *x, int nid, const char *text)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, text);

    CHECK(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static void put_pem(const char *name, X509 *x, EVP_PKEY *key)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    if (f == NULL) {
        CHECK(f != NULL);
        return;
    }
    if (x != NULL)
        CHECK_EQ(PEM_write_X509(f, x), 1);
    else
        CHECK_EQ(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

/* nameless.pem: a certificate without a subject. */
static void make_nameless(const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *issuer = X509_NAME_new();

    X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC,
                               (const uint8_t *)"Nobody", -1, -1, 0);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 5);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_issuer_name(x, issuer);
    X509_set_pubkey(x, key);
    extend(x, NID_subject_alt_name, names);
    extend(x, NID_ext_key_usage, "serverAuth");
    CHECK(X509_sign(x, key, EVP_sha256()) != 0);
    put_pem("nameless.pem", x, NULL);
    put_pem("nameless.key", NULL, key);
    X509_NAME_free(issuer);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* Without a subject the names are critical (RFC 5280 4.2.1.6). */
static void no_subject(void)
{
    struct job j;
    struct file f;

    for (int critical = 0; critical < 2; critical++) {
        make_nameless(critical ? "critical,DNS:mail.test" : "DNS:mail.test");
        f = slurp("nameless.pem");
        j = job_of("nameless");
        j.conf.trust = f.p; /* the leaf itself is the anchor */
        j.conf.trust_len = f.len;
        if (critical)
            good(&j);
        else
            bad(&j, TLS_E_CERT, "has no subject, and names that are not");
    }
}

/* All that was said arrives, then one close_notify; behind an error there is
 * none. */
static void closes(void)
{
    static const size_t chunks[] = { 0, 1 };

    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        /* a record of two bytes (RFC 5246 6.2.3.3, RFC 8446 5.2), which the
         * library fills up to 16 in TLS 1.3 */
        size_t alert = v == TLS1_2_VERSION ? 5 + 8 + 2 + 16 : 5 + 16 + 16;

        for (size_t i = 0; i < 2; i++) {
            struct job open = job_of("ec"), j;

            open.min = open.max = v;
            open.chunk = chunks[i];
            open.say = 40000;
            j = open;
            j.close = true;
            good(&open);
            CHECK(!open.saw_close);
            good(&j);
            CHECK(j.saw_close);
            CHECK_EQ(j.from_client, open.from_client + alert);
            if (i == 1)
                continue;
            open = job_of("ec");
            open.min = open.max = v;
            good(&open);
            open.flip = open.from_server - 126; /* in what it says first */
            open.from_server = open.from_client = open.heard = 0;
            open.server_heard = 0;
            j = open;
            j.close = true;
            run(&open);
            run(&j);
            CHECK(open.error == TLS_E_PROTO && j.error == TLS_E_PROTO);
            CHECK_EQ(j.from_client, open.from_client);
        }
    }
}

static const struct check_case all[] = {
    { "host_bytes", host_bytes },
    { "no_subject", no_subject },
    { "closes", closes },
};

int main(int argc, char **argv)
{
    make_certificates();
    (void)rng_init();
    return check_main(argc, argv, all, sizeof(all) / sizeof(all[0]));
}
