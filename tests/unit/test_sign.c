/*
 * test_sign.c - keys that sign: RFC 8032's vectors, RFC 8410's examples, keys
 * cut anywhere, and what is no such key; one of RSA: cases/dkim.py has more.
 */
/* sources: net/tls_sign.c net/tls_ed25519.c net/tls_port.c net/rng.c
 *          kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls sodium */
/* link: -fuse-ld=lld -Wl,--gc-sections */
#include "check.h"
#include "fakeplatform.h"

#include <sodium/utils.h>

#include "heap.h"
#include "rng.h"
#include "tls_ed25519.h"
#include "tls_sign.h"

static const char *why;

static bool opens(const char *pem)
{
    return tls_sign_open((const uint8_t *)pem, strlen(pem), &why);
}

static uint8_t nibble(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t hex(const char *text, uint8_t *to)
{
    size_t n = 0;

    for (; text[0] != '\0'; text += 2)
        to[n++] = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
    return n;
}

/* PKCS #8 in PEM: text holds the bytes in base64. */
static const char *pem_of(const uint8_t *der, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    static char pem[2048];
    size_t at =
        (size_t)snprintf(pem, sizeof pem, "-----BEGIN PRIVATE KEY-----\n");

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)der[i] << 16 |
                     (i + 1 < n ? (uint32_t)der[i + 1] << 8 : 0) |
                     (i + 2 < n ? der[i + 2] : 0);

        for (unsigned k = 0; k < 4; k++)
            pem[at++] = i + k > n ? '=' : digits[v >> (18 - 6 * k) & 63];
        if (i % 48 == 45)
            pem[at++] = '\n';
    }
    snprintf(pem + at, sizeof pem - at, "\n-----END PRIVATE KEY-----\n");
    return pem;
}

static const uint8_t head[] = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
    0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20
};

static size_t der_of(const char *seed, uint8_t *der)
{
    memcpy(der, head, sizeof head);
    return sizeof head + hex(seed, der + sizeof head);
}

/* RFC 8032 7.1: TEST 1 to 3 and 1024's beginning is enough: any byte of the
 * seed, the message or the arithmetic that is wrong changes all of them. */
static void vectors(void)
{
    static const struct {
        const char *seed, *message, *sig;
    } table[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
          "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
        { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
          "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40"
          "a" }
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t der[64], message[8], want[64], got[64];
        size_t n = der_of(table[i].seed, der), len;
        struct tls_ed25519 k;

        CHECK(tls_ed25519_read(&k, (const uint8_t *)pem_of(der, n), &why));
        len = hex(table[i].message, message);
        hex(table[i].sig, want);
        tls_ed25519_sign(&k, message, len, got);
        CHECK_MEM(got, sizeof got, want, sizeof want);
    }
}

/* RFC 8410 10.3: a key alone; a key with its public half and attributes. */
static void examples(void)
{
    static const uint8_t hash[TLS_SIGN_HASH] = { 1, 2, 3 };
    uint8_t one[64], two[64];

    CHECK(
        opens("-----BEGIN PRIVATE KEY-----\n"
              "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
              "\n-----END PRIVATE KEY-----\n"));
    CHECK_EQ(tls_sign_kind(), TLS_SIGN_ED25519);
    CHECK_EQ(tls_sign(NULL, hash, one, sizeof one), 64);
    CHECK_EQ(tls_sign(NULL, hash, one, 63), 0);
    CHECK(opens(
        "-----BEGIN PRIVATE KEY-----\n"
        "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
        "\noB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB"
        "\nZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PRIVATE KEY-----\n"));
    CHECK_EQ(tls_sign(NULL, hash, two, sizeof two), 64);
    CHECK_MEM(one, sizeof one, two, sizeof two);
    tls_sign_close();
    tls_sign_close();
    CHECK_EQ(tls_sign(NULL, hash, one, sizeof one), 0);
}

/* Every cut and every flipped bit of what is no part of the seed is refused
 * or still the same kind of key, and nothing is read behind it. */
static void broken(void)
{
    uint8_t der[64], sig[64], hash[TLS_SIGN_HASH] = { 0 };
    size_t n = der_of("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac03"
                      "1cae7f60",
                      der);

    for (size_t cut = 0; cut < n; cut++)
        CHECK(!opens(pem_of(der, cut)));
    for (size_t bit = 0; bit < sizeof head * 8; bit++) {
        der[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (opens(pem_of(der, n))) /* version 1 */
            CHECK_EQ(bit, 4 * 8);
        der[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    der[n] = 0;
    CHECK(!opens(pem_of(der, n + 1)));
    CHECK(opens(pem_of(der, n)));
    CHECK_EQ(tls_sign(NULL, hash, sig, sizeof sig), 64);
    tls_sign_close();
}

#define SEED31 "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f"

/* PrivateKeyInfos of one length or kind more or less. */
static void forms(void)
{
    static const struct {
        const char *der;
        bool good;
    } rows[] = {
        { "302e020100300506032b657004220420" SEED31 "60", true },
        { "302e020101300506032b657004220420" SEED31 "60", true },
        { "302e020102300506032b657004220420" SEED31 "60", false },
        { "302e0201ff300506032b657004220420" SEED31 "60", false },
        { "302d0200300506032b657004220420" SEED31 "60", false },
        { "302d020100300506032b65700421041f" SEED31, false },
        { "302f020100300506032b657004230421" SEED31 "6061", false },
        { "302f020100300506032b657004230420" SEED31 "6061", false },
        /* an OID that is longer, or has parameters */
        { "302f020100300606042b65700104220420" SEED31 "60", false },
        { "3030020100300706032b6570050004220420" SEED31 "60", false },
        { "3031020100300806032b65700001ff04220420" SEED31 "60", false },
        { "3030020100300706032b6570000004220420" SEED31 "60", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t der[64];
        size_t n = hex(rows[i].der, der);

        if (!CHECK_EQ(opens(pem_of(der, n)), rows[i].good))
            printf("  %s\n", rows[i].der);
    }
    tls_sign_close();
}

/* With attributes behind it, up to 512 bytes. */
static void long_key(void)
{
    uint8_t der[513] = { 0x30, 0x82, 0x01, 0xfc };

    hex("020100300506032b657004220420" SEED31 "60", der + 4);
    CHECK(opens(pem_of(der, 512)));
    der[3]++;
    CHECK(!opens(pem_of(der, 513)));
}

/* For libsodium, which asks it of one number. */
static void zero(void)
{
    uint8_t bytes[33] = { 0 };

    CHECK(sodium_is_zero(bytes, 0));
    CHECK(sodium_is_zero(bytes, 33));
    for (size_t i = 0; i < 33; i++) {
        bytes[i] = 0x80;
        CHECK(sodium_is_zero(bytes, i));
        CHECK(!sodium_is_zero(bytes, i + 1));
        bytes[i] = 0;
    }
}

static void no_key(void)
{
    uint8_t der[600] = { 0x30, 0x82, 0x02, 0x54 };

    CHECK(!opens(""));
    CHECK(!opens("x"));
    CHECK(strstr(why, "PEM") != NULL);
    CHECK(!opens(pem_of(der, sizeof der)));
    CHECK(strstr(why, "RSA or Ed25519") != NULL);
    /* of NIST P-256, made by openssl ecparam */
    CHECK(!opens(
        "-----BEGIN PRIVATE KEY-----\n"
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjE4XH7VIMPHaBOUT\n"
        "LEBoKghFJNbQAwZUW5cjAaIQErqhRANCAAQ5VmyyvrYowb+Mbdu/bl6biRhQvAjq\n"
        "uhDMOLYZLzq5q7O2+19qba2W8HiYjwQzgerMor/oWu5I51Wj8cAn7+IR\n"
        "-----END PRIVATE KEY-----\n"));
    CHECK(strstr(why, "RSA or Ed25519") != NULL);
    CHECK(!opens("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4C\n"
                 "-----END ENCRYPTED PRIVATE KEY-----\n"));
    CHECK(strstr(why, "encrypted") != NULL);
}

/* Made by openssl genrsa -traditional 1024, for this test. */
static const char rsa_key[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICWwIBAAKBgQDfkJxI34/k58Y7JDb1WTagWovYi2UMKSRDZAINA1S9bjgQ4hdk\n"
    "lrDr1LhgtJbu+v5LhDaD5gOHnUykBkJP77T3szyUEFatcIlaDxxJK8+Dze4GMCFg\n"
    "Wru5avKjrfzJXJoCERoNKlgo8M/3Fdbi/JHTwXq+iG6DL7MRe9JFGisQdwIDAQAB\n"
    "AoGAeXZB0r3TmdPquTsFuOrNaPWIwQ+KyL6ZexucmaFTqs91GocbmoTcfmRGABRd\n"
    "ZF1tR23/iE2xYT6u4vablH5xXJW8G4xb21sxzU1lEh8amv230sPXHi1HQ6OGICVy\n"
    "VNuiM37n4EVPtaj1vr1hBKjckXmJ4bdcK0fGjWo4xVgKMnECQQD/aoBaiQ+xCNjx\n"
    "qr7qPiOtJxs4aDEwPU+o7ih7dVi2Zy74Df65fA754/IbNXooh2LkAYRix7mRf0lz\n"
    "nOHxd3aLAkEA4BN3V9KJPDU5PLdp/K8ytwYKcnCRMFmuV8hge7BkFOnw0ADU9QIo\n"
    "QMekJzHS0jhaPsjwSNbW7xMHzM4aD8j3RQJAfcDm/yxacHSFs764jsYXdKo7abNK\n"
    "/JBDR04y2k41ZmE5K+JgFtzw1rIXQrQ6t/eohdAFaUkioXNFK8oDKIsD7wJATjYd\n"
    "Mtc2tYAyUUIHyX3xara+EMG/u6uh0dwL6UBhPneFaWTQ8A/nsuy8HD4kwuGOhlmm\n"
    "nRX4AYyX7WGG8TmJLQJAeCsg5F+ADbiHRDRFPYshWDv8SgCSoSoefbU60X3zccQT\n"
    "Yux1HF+Y7FVp1jvHAWFn2Wynqy/F8bKOWo/H7tm7XQ==\n"
    "-----END RSA PRIVATE KEY-----\n";

/* By openssl pkeyutl -sign, of the same hash. */
static void rsa(void)
{
    static const char want_hex[] =
        "3524b6785c19447b20a4ca53b22774de52cee5b3f023eac840c1611341d22958"
        "823c344d5e2bfe2ff990cbcd426942885a26aa7c7de24d993992b2a0b1a1bb97"
        "938e63ec689f21280e51eff9c9c4d39a2c73c6ea90c62ca3bd02d5c764460e0c"
        "bd53d04866f1608d81270ba1f48149dbe8347b9acc5dace729e82f01667590e5";
    static const uint8_t hash[TLS_SIGN_HASH] = { 1, 2, 3 };
    uint8_t sig[128], want[128];

    hex(want_hex, want);
    CHECK(opens(rsa_key));
    CHECK_EQ(tls_sign_kind(), TLS_SIGN_RSA);
    CHECK_EQ(tls_sign(NULL, hash, sig, sizeof sig), 0); /* no entropy */
    CHECK_EQ(rng_init(), RNG_GOOD);
    CHECK_EQ(tls_sign(NULL, hash, sig, sizeof sig - 1), 0);
    CHECK_EQ(tls_sign(NULL, hash, sig, sizeof sig), sizeof sig);
    CHECK_MEM(sig, sizeof sig, want, sizeof want);
    tls_sign_close();
}

/* With blank lines behind it, up to 64 KB. */
static void lengths(void)
{
    static char pem[65538];

    memset(pem, '\n', sizeof pem - 1);
    memcpy(pem, rsa_key, strlen(rsa_key));
    CHECK(!opens(pem));
    CHECK_STR(why, "it is empty or over 64 KB");
    pem[65536] = '\0';
    CHECK(opens(pem));
    CHECK(!opens(""));
    CHECK_STR(why, "it is empty or over 64 KB");
}

/* Where memory is short anywhere, that is the reason, and nothing stays. */
static void short_of_memory(void)
{
    uint8_t der[64], sig[128], hash[TLS_SIGN_HASH] = { 0 };
    size_t n = der_of("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac03"
                      "1cae7f60",
                      der);

    for (int rsa = 0; rsa < 2; rsa++) {
        const char *pem = rsa ? rsa_key : pem_of(der, n);
        uint32_t failing = 1;

        for (; failing < 1000; failing++) {
            heap_fail_at(failing);
            if (opens(pem))
                break;
            CHECK_STR(why, "out of memory");
            CHECK_EQ(tls_sign(NULL, hash, sig, sizeof sig), 0);
            CHECK_EQ(heap_stats().used, 0);
        }
        heap_fail_at(0);
        CHECK(failing > 1 && failing < 1000);
        CHECK_EQ(tls_sign_kind(), rsa ? TLS_SIGN_RSA : TLS_SIGN_ED25519);
        tls_sign_close();
        CHECK_EQ(heap_stats().used, 0);
    }
}

static const struct check_case cases[] = {
    { "vectors", vectors }, { "examples", examples },
    { "broken", broken },   { "no key", no_key },
    { "forms", forms },     { "long key", long_key },
    { "zero", zero },       { "rsa", rsa },
    { "lengths", lengths }, { "memory", short_of_memory }
};

CHECK_MAIN(cases)
