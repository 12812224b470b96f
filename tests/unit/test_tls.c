/*
 * test_tls.c - net/tls.c against OpenSSL's server, both in memory: versions,
 * chains, refusals, every chunk size, cuts, flipped bits, tickets, alerts,
 * and memory that runs out. Certificates come from tests/servers/pki.py.
 */
/* sources: net/tls.c net/tls_setup.c net/tls_verify.c net/tls_trust.c
 *          net/tls_crl.c net/tls_ext.c net/tls_names.c net/tls_within.c
 *          net/tls_pem.c net/tls_reason.c net/tls_port.c net/rng.c
 *          kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/* link: -lssl -lcrypto -Wl,--wrap=free */
#include "tlspair.h"

#include <malloc.h>
#include <openssl/pem.h>

/* ------------------------------------------------------------------- cases */

/* First of all: rng_init() has not been called. */
static void no_entropy(void)
{
    struct job j = job_of("ec");

    bad(&j, TLS_E_NO_ENTROPY, "random numbers");
    CHECK_EQ(j.from_client, 0);
    CHECK_EQ(rng_init(), RNG_GOOD);
    CHECK_EQ(rng_state(), RNG_GOOD);
    CHECK(rng_u32() != rng_u32());
    CHECK_EQ(rng_keyed32("abc", 3), rng_keyed32("abc", 3));
    CHECK(rng_keyed32("abc", 3) != rng_keyed32("abd", 3));
}

static void versions(void)
{
    static const char *const certs[] = { "ec", "rsa", "chain", "ncgood" };
    static const size_t chunks[] = { 0, 1, 7, 1000 };

    for (size_t c = 0; c < 4; c++) {
        for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
            for (size_t k = 0; k < 4; k++) {
                struct job j = job_of(certs[c]);

                j.min = j.max = v;
                j.chunk = chunks[k];
                j.say = k == 1 ? 3000 : 40000;
                good(&j);
                CHECK_STR(j.info.version,
                          v == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
            }
        }
    }
}

/* By the names of OpenSSL, and of the IANA registry. */
static void suites(void)
{
    static const char *const names[][2] = {
        { "ECDHE-ECDSA-AES128-GCM-SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
        { "ECDHE-ECDSA-AES256-GCM-SHA384",
          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
        { "ECDHE-ECDSA-CHACHA20-POLY1305",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
    };

    for (size_t i = 0; i < 3; i++) {
        struct job j = job_of("ec");

        j.max = TLS1_2_VERSION;
        j.ciphers = names[i][0];
        good(&j);
        CHECK_STR(j.info.cipher, names[i][1]);
    }
}

static void refused(void)
{
    static const struct {
        const char *cert;
        enum tls_error error;
        const char *words;
    } t[] = {
        { "nochain", TLS_E_CERT, "not among the" },
        { "other", TLS_E_CERT, "did not sign it" },
        { "selfsigned", TLS_E_CERT, "self-signed" },
        { "expired", TLS_E_EXPIRED, "expired on" },
        { "future", TLS_E_EXPIRED, "not valid before" },
        { "wronghost", TLS_E_NAME, "is for another.test, not for mail.test" },
        { "nosan", TLS_E_NAME, "no subject alternative name" },
        { "leafca", TLS_E_CERT, "a CA's, not a server's" },
        { "leafsign", TLS_E_CERT, "may sign certificates" },
        { "selfca", TLS_E_CERT, "self-signed" },
        { "wrongeku", TLS_E_CERT, "extended key usage" },
        { "caeku", TLS_E_CERT, "extended key usage" },
        { "ncbad", TLS_E_CERT,
          "the CA certificate CN=Test Intermediate int-bad may not certify the "
          "name mail.test of the certificate (name constraints)" },
        { "ncsoft", TLS_E_CERT, "(name constraints)" },
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
            struct job j = job_of(t[i].cert);

            j.min = j.max = v;
            bad(&j, t[i].error, t[i].words);
            CHECK(!j.was_up);
            CHECK(strstr(j.server_error, "alert") != NULL);
        }
    }
}

#define LABEL_63 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void hosts(void)
{
    struct job j = job_of("ec");

    j.host = "MAIL.Test.";
    good(&j);
    j = job_of("ec");
    j.host = "127.0.0.1";
    good(&j);
    j = job_of("dnsip");
    j.host = "127.0.0.1";
    bad(&j, TLS_E_NAME, "DNS:127.0.0.1");
    j.host = "49.50.51.52"; /* the bytes of a DNS name of it, "1234" */
    bad(&j, TLS_E_NAME, "not for 49.50.51.52");
    j = job_of("ec");
    j.host = "127.0.0.2";
    bad(&j, TLS_E_NAME, "not for 127.0.0.2");
    j.host = "post.test";
    bad(&j, TLS_E_NAME, "not for post.test");
    j.host = LABEL_63 ".test"; /* RFC 1035 2.3.4 */
    bad(&j, TLS_E_NAME, "not for aaa");

    static const char *const wrong[] = { "",      ".",
                                         "a..b",  "m\xc3\xa4il.test",
                                         "127.1", "mail.test\n",
                                         "a b",   LABEL_63 "a.test" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        j = job_of("ec");
        j.host = wrong[i];
        bad(&j, TLS_E_CONFIG, "neither a host name");
        CHECK_EQ(j.from_client, 0);
    }
}

static void times(void)
{
    struct job j = job_of("ec");
    struct file f = slurp("ec.pem");
    BIO *bio = BIO_new_mem_buf(f.p, (int)f.len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    char words[80];
    struct tm end;

    CHECK_EQ(ASN1_TIME_to_tm(X509_get0_notAfter(x), &end), 1);
    X509_free(x);
    BIO_free(bio);
    (void)strftime(words, sizeof(words), "the certificate expired on %F (",
                   &end);
    j.conf.unix_now = (int64_t)timegm(&end) + 86400;
    bad(&j, TLS_E_EXPIRED, words);
    j = job_of("ec");
    j.conf.unix_now = 4102444800; /* 2100-01-01 */
    bad(&j, TLS_E_EXPIRED, "it is now 2100-01-01");
    j = job_of("ec");
    j.conf.unix_now = 951782400; /* 2000-02-29 */
    bad(&j, TLS_E_EXPIRED, "it is now 2000-02-29");
    j = job_of("ec");
    j.conf.unix_now = -1;
    bad(&j, TLS_E_NO_CLOCK, "clock");
    CHECK_EQ(j.from_client, 0);
}

static void pins(void)
{
    struct file f = slurp("selfsigned.pem");
    BIO *bio = BIO_new_mem_buf(f.p, (int)f.len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    uint8_t pin[32];
    unsigned len = sizeof(pin);
    struct job j = job_of("selfsigned");

    X509_digest(x, EVP_sha256(), pin, &len);
    X509_free(x);
    BIO_free(bio);
    j.conf.fingerprint = pin;
    j.conf.fingerprint_len = 32;
    j.conf.trust_len = 0;
    j.conf.unix_now = -1; /* time does not matter */
    j.host = "any.test";  /* nor does the name    */
    good(&j);
    pin[31] ^= 1;
    j = job_of("selfsigned");
    j.conf.fingerprint = pin;
    j.conf.fingerprint_len = 32;
    bad(&j, TLS_E_CERT, "fingerprint");
    CHECK(!j.was_up);
    j = job_of("selfsigned");
    j.conf.fingerprint = pin;
    j.conf.fingerprint_len = 20;
    bad(&j, TLS_E_TRUST, "SHA-256");
}

static void unverified(void)
{
    struct job j = job_of("selfsigned");

    j.conf.verify = false;
    j.conf.unix_now = -1;
    good(&j);
    CHECK(!j.info.verified);
}

static void anchors(void)
{
    static uint8_t pem[70000];
    static const char junk[] =
        "# a comment\n-----BEGIN CERTIFICATE-----\nnot Base64!\n"
        "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMIIB\n"
        "-----BEGIN FISH-----\n-----END CERTIFICATE-----\n- -- text\n";
    static const char *const own[] = { "selfsigned", "selfca" };
    struct job j;
    struct file f;
    size_t n;

    for (size_t i = 0; i < 2; i++) { /* the leaf itself is the anchor */
        char name[40];

        (void)snprintf(name, sizeof(name), "%s.pem", own[i]);
        f = slurp(name);
        j = job_of(own[i]);
        j.conf.trust = f.p;
        j.conf.trust_len = f.len;
        good(&j);
        /* as well beside another of that name, in front of it or behind */
        memcpy(pem, f.p, f.len);
        n = f.len;
        (void)snprintf(name, sizeof(name), "%s.pem", own[1 - i]);
        f = slurp(name);
        memcpy(pem + n, f.p, f.len);
        for (size_t k = 0; k < 2; k++) {
            j = job_of(own[k]);
            j.conf.trust = pem;
            j.conf.trust_len = n + f.len;
            good(&j);
        }
    }
    f = slurp("nochain.pem"); /* issued by a CA that nobody knows */
    j = job_of("nochain");
    j.conf.trust = f.p;
    j.conf.trust_len = f.len;
    good(&j);
    j.host = "other.test"; /* an anchor is for its own names only */
    j = (struct job){ .cert = j.cert,
                      .host = j.host,
                      .cut = NEVER,
                      .flip = NEVER,
                      .conf = j.conf };
    bad(&j, TLS_E_NAME, "not for other.test");

    memcpy(pem, junk, sizeof(junk) - 1);
    memcpy(pem + sizeof(junk) - 1, ca_all.p, ca_all.len);
    j = job_of("chain");
    j.conf.trust = pem;
    j.conf.trust_len = sizeof(junk) - 1 + ca_all.len;
    good(&j);
    j = job_of("ec");
    j.conf.trust = pem;
    j.conf.trust_len = sizeof(junk) - 1;
    bad(&j, TLS_E_TRUST, "no usable");
    j = job_of("ec");
    j.conf.trust = NULL;
    j.conf.trust_len = 0;
    bad(&j, TLS_E_TRUST, "ca.pem");
}

/* A bundle cut at every byte is refused or does its work; it never crashes. */
static void cut_bundle(void)
{
    struct file f = slurp("ca.pem");

    for (size_t n = 0; n <= f.len; n++) {
        struct tls_config c = job_of("ec").conf;
        enum tls_error error;
        uint8_t *copy = malloc(n + 1);
        struct tls *t;

        memcpy(copy, f.p, n);
        c.trust = realloc(copy, n != 0 ? n : 1);
        c.trust_len = n;
        t = tls_open(&c, "mail.test", 9, &error);
        CHECK_EQ(error, n + 1 < f.len ? TLS_E_TRUST : TLS_OK);
        tls_free(t);
        free((void *)(uintptr_t)c.trust);
    }
}

static void plain_text(void)
{
    static const size_t chunks[] = { 0, 1, 3 };

    for (size_t i = 0; i < 3; i++) {
        struct job j = job_of("ec");

        j.plain = "220 mail.test ESMTP\x1b[2J\r\nnext";
        j.chunk = chunks[i];
        bad(&j, TLS_E_NOT_TLS, i == 0 ? "\"220 mail.test ESMTP.[2J\"" : "\"2");
    }
    struct job j = job_of("ec");

    j.plain = "\x16hello";
    bad(&j, TLS_E_NOT_TLS, "plain text");
    j.chunk = 1; /* the first byte could be a record's */
    bad(&j, TLS_E_NOT_TLS, "plain text");
    j = job_of("ec");
    j.cut = 0;
    bad(&j, TLS_E_TRUNCATED, "without an answer");
}

static void alerts(void)
{
    struct job j = job_of("ec");

    j.max = TLS1_2_VERSION;
    j.ciphers = "ECDHE-ECDSA-AES128-SHA";
    bad(&j, TLS_E_ALERT, "handshake_failure (40)");
    j = job_of("ec");
    j.max = TLS1_2_VERSION;
    j.conf.min_version = 0x13;
    bad(&j, TLS_E_ALERT, "protocol_version (70)");
}

static void client_certificate(void)
{
    struct file cert = slurp("rsa.pem"), key = slurp("rsa.key");
    struct file other = slurp("ec.key");
    struct file chain = slurp("ncgood.pem"), chain_key = slurp("ncgood.key");
    struct file broken = chain;

    *(char *)memchr(broken.p, 'M', broken.len) = 'N'; /* no SEQUENCE */
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        struct job j = job_of("ec");

        j.min = j.max = v;
        j.ask_cert = true;
        run(&j);
        CHECK_EQ(j.error, TLS_E_ALERT);
        j = job_of("ec");
        j.min = j.max = v;
        j.ask_cert = true;
        j.conf.cert = cert.p;
        j.conf.cert_len = cert.len;
        j.conf.key = key.p;
        j.conf.key_len = key.len;
        good(&j);
        /* one by an authority with critical name constraints */
        j = job_of("ec");
        j.min = j.max = v;
        j.ask_cert = true;
        j.conf.cert = chain.p;
        j.conf.cert_len = chain.len;
        j.conf.key = chain_key.p;
        j.conf.key_len = chain_key.len;
        good(&j);
        j = job_of("ec");
        j.conf.cert = chain.p;
        j.conf.cert_len = chain.len - 40; /* the second is cut */
        j.conf.key = chain_key.p;
        j.conf.key_len = chain_key.len;
        bad(&j, TLS_E_CONFIG, "not valid PEM");
        j.conf.cert = broken.p; /* the first is none */
        j.conf.cert_len = broken.len;
        bad(&j, TLS_E_CONFIG, "not valid PEM");
        j = job_of("ec");
        j.conf.cert = cert.p;
        j.conf.cert_len = cert.len;
        bad(&j, TLS_E_CONFIG, "no key");
        j.conf.key = other.p;
        j.conf.key_len = other.len;
        bad(&j, TLS_E_CONFIG, "does not belong");
        j.conf.key = cert.p;
        j.conf.key_len = cert.len;
        bad(&j, TLS_E_CONFIG, "client key");
        j.conf.key_len = 0;
        bad(&j, TLS_E_CONFIG, "empty");
        j.conf.key_len = 65537;
        bad(&j, TLS_E_CONFIG, "over 64 KB");
        j.conf.key_len = cert.len;
        j.conf.cert_len = 0;
        bad(&j, TLS_E_CONFIG, "empty");
        j.conf.cert_len = 65537;
        bad(&j, TLS_E_CONFIG, "over 64 KB");
    }
}

/* A list of somebody whom nobody here has heard of. */
static struct file list_by(const char *key_file)
{
    struct file key = slurp(key_file), pem = { .len = 0 };
    BIO *in = BIO_new_mem_buf(key.p, (int)key.len), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    X509_CRL *list = X509_CRL_new();
    X509_NAME *name = X509_NAME_new();
    ASN1_TIME *t = ASN1_TIME_set(NULL, time(NULL) - 60);

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"Nobody", -1, -1, 0);
    X509_CRL_set_issuer_name(list, name);
    X509_CRL_set1_lastUpdate(list, t);
    ASN1_TIME_set(t, time(NULL) + 3600);
    X509_CRL_set1_nextUpdate(list, t);
    CHECK(X509_CRL_sign(list, pkey, EVP_sha256()) != 0);
    PEM_write_bio_X509_CRL(out, list);
    pem.len = (size_t)BIO_read(out, pem.p, sizeof(pem.p));
    ASN1_TIME_free(t);
    X509_NAME_free(name);
    X509_CRL_free(list);
    EVP_PKEY_free(pkey);
    BIO_free(in);
    BIO_free(out);
    return pem;
}

/* What lists say: test_crl.c. Here, that they are read. */
static void revocation_lists(void)
{
    struct file list = list_by("ec.key");
    struct file cert = slurp("rsa.pem"), key = slurp("rsa.key");
    struct job j = job_of("ec");

    j.conf.crl = list.p;
    j.conf.crl_len = list.len;
    j.ask_cert = true; /* which is read behind them */
    j.conf.cert = cert.p;
    j.conf.cert_len = cert.len;
    j.conf.key = key.p;
    j.conf.key_len = key.len;
    good(&j);
    j = job_of("ec");
    j.conf.crl = list.p;
    j.conf.crl_len = list.len - 40;
    bad(&j, TLS_E_CONFIG, "tls_crl_file");
}

/* Blocks with a key's text in them that came back to the heap as they were. */
static unsigned unwiped;
static bool looking;

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
    static const char text[] = "PRIVATE KEY-----";

    if (looking && p != NULL &&
        memmem(p, malloc_usable_size(p), text, sizeof(text) - 1) != NULL)
        unwiped++;
    __real_free(p);
}

/* Our copies of a key are gone, whatever became of them. */
static void wiped_key(void)
{
    struct file cert = slurp("rsa.pem"), key = slurp("rsa.key");
    struct file other = slurp("ec.key");
    unsigned failed = 0;

    for (uint32_t n = 0; n < 30; n++) {
        struct job j = job_of("ec");
        uint32_t before = heap_stats().failed;

        j.ask_cert = true;
        j.conf.cert = cert.p;
        j.conf.cert_len = cert.len;
        j.conf.key = n == 1 ? other.p : key.p;
        j.conf.key_len = n == 1 ? other.len : key.len;
        if (n > 1)
            heap_fail_at(n - 1);
        looking = true;
        run(&j);
        looking = false;
        if (n == 1)
            CHECK_EQ(j.error, TLS_E_CONFIG);
        else if (heap_stats().failed != before && ++failed)
            CHECK_EQ(j.error, TLS_E_MEMORY);
        else
            CHECK_EQ(j.error, TLS_OK);
    }
    CHECK(failed > 20);
    CHECK_EQ(unwiped, 0);
}

static void tickets(void)
{
    static const size_t chunks[] = { 0, 1 };

    for (size_t i = 0; i < 2; i++) {
        struct job j = job_of("ec");

        j.min = TLS1_3_VERSION;
        j.ticket = true;
        j.chunk = chunks[i];
        j.say = 5000;
        good(&j);
    }
}

static void rekey(void)
{
    struct job j = job_of("ec");

    j.min = TLS1_3_VERSION;
    j.rekey = true;
    run(&j);
    CHECK_EQ(j.error, TLS_E_PROTO);
    CHECK(strstr(j.why, "change keys") != NULL);
    CHECK_EQ(j.heard, j.say / 2); /* what came before is delivered */
}

static void rude_close(void)
{
    struct job j = job_of("ec");

    j.rude = true;
    run(&j);
    CHECK_EQ(j.error, TLS_E_TRUNCATED);
    CHECK_EQ(j.heard, j.say);
    CHECK(j.info.version != NULL && j.info.verified);
}

/* The server's stream ends after any byte (of which every third is tried):
 * never up before it should be, always TRUNCATED, plaintext always a prefix. */
static void cuts(void)
{
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        struct job whole = job_of("ec");

        whole.min = whole.max = v;
        good(&whole);
        for (size_t k = 0; k + 40 < whole.from_server; k += k < 6 ? 1 : 3) {
            struct job j = job_of("ec");

            j.min = j.max = v;
            j.cut = k;
            run(&j);
            CHECK_EQ(j.error, TLS_E_TRUNCATED);
            CHECK(j.was_up || j.heard == 0);
        }
    }
}

/* One bit of the server's stream is damaged: an error, or (in bytes that TLS
 * ignores) all is well; nothing garbled ever comes out. */
static void flips(void)
{
    uint64_t seed = check_seed;

    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        struct job whole = job_of("ec");
        unsigned harmless = 0;

        whole.min = whole.max = v;
        good(&whole);
        for (size_t k = 0; k + 16 < whole.from_server;
             k += 1 + check_random(&seed) % 9) {
            struct job j = job_of("ec");

            j.min = j.max = v;
            j.flip = k;
            run(&j);
            harmless += j.error == TLS_OK;
        }
        CHECK(harmless < 8);
    }
}

/* Memory runs out at the n-th allocation. */
static void no_memory(void)
{
    unsigned failed = 0;

    for (uint32_t n = 1; n < 20000; n += 1 + n / 24) {
        struct job j = job_of("chain");
        uint32_t before = heap_stats().failed;

        j.min = n % 2 != 0 ? TLS1_3_VERSION : 0;
        j.max = n % 2 != 0 ? 0 : TLS1_2_VERSION;
        heap_fail_at(n);
        run(&j);
        if (heap_stats().failed == before)
            continue;
        failed++;
        CHECK(j.error != TLS_OK);
        if (!CHECK_EQ(j.error, TLS_E_MEMORY))
            printf("  allocation %u: %s\n", n, j.why);
    }
    CHECK(failed > 50);
}

/* What connections of every kind needed at most, all cases above included. */
static void heap_bound(void)
{
    struct job j = job_of("chain");

    good(&j);
    printf("heap peak: %zu bytes\n", heap_stats().peak);
    CHECK(heap_stats().peak <= 64 * 1024);
}

static const struct check_case all[] = {
    { "no_entropy", no_entropy },
    { "versions", versions },
    { "suites", suites },
    { "refused", refused },
    { "hosts", hosts },
    { "times", times },
    { "pins", pins },
    { "unverified", unverified },
    { "anchors", anchors },
    { "cut_bundle", cut_bundle },
    { "plain_text", plain_text },
    { "alerts", alerts },
    { "client_certificate", client_certificate },
    { "wiped_key", wiped_key },
    { "revocation_lists", revocation_lists },
    { "tickets", tickets },
    { "rekey", rekey },
    { "rude_close", rude_close },
    { "cuts", cuts },
    { "flips", flips },
    { "no_memory", no_memory },
    { "heap_bound", heap_bound },
};

int main(int argc, char **argv)
{
    make_certificates();
    if (argc > 2) /* one case alone: the first one is left out */
        (void)rng_init();
    return check_main(argc, argv, all, sizeof(all) / sizeof(all[0]));
}
