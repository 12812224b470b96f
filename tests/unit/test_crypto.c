/* sources: kernel/app/crypto.c net/tls_hash.c net/tls_port.c net/rng.c
            kernel/heap.c */
/* includes: kernel/app net kernel smtp tests/host */
/* libs: mbedtls */
/* link: -fuse-ld=lld -Wl,--gc-sections */
/*
 * test_crypto.c - the hashes that logins are made of, by the RFCs' vectors;
 * each of them says so when memory is short at any allocation, and what was
 * begun before does no harm to the next.
 */
#include "check.h"
#include "child.h"
#include "fakeplatform.h"

#include "crypto.h"
#include "heap.h"
#include "rng.h"

static void is_hex(const uint8_t *got, const char *want)
{
    char text[65] = "";

    for (size_t i = 0; i < strlen(want) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", got[i]);
    CHECK_STR(text, want);
}

/* RFC 1321 A.5, RFC 3174 7.3, FIPS 180-2 B.1 */
static void check_hash(void)
{
    uint8_t out[32];

    CHECK(crypto.hash(crypto.ctx, SMTP_MD5, "abc", 3, out));
    is_hex(out, "900150983cd24fb0d6963f7d28e17f72");
    CHECK(crypto.hash(crypto.ctx, SMTP_SHA1, "abc", 3, out));
    is_hex(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(crypto.hash(crypto.ctx, SMTP_SHA256, "abc", 3, out));
    is_hex(out, "ba7816bf8f01cfea414140de5dae2223"
                "b00361a396177a9cb410ff61f20015ad");
}

struct hmac {
    enum smtp_hash hash;
    const char *want;
};

/* RFC 2202 and RFC 4231: the key "Jefe" */
static const struct hmac jefe[] = {
    { SMTP_MD5, "750c783e6ab0b503eaa86e310a5db738" },
    { SMTP_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
    { SMTP_SHA256, "5bdcc146bf60754e6a042426089575c7"
                   "5a003f089d2739839dec58b964ec3843" },
};

static bool hmac_of(enum smtp_hash h, uint8_t *out)
{
    return crypto.hmac_begin(crypto.ctx, h, "Jefe", 4) &&
           crypto.hmac_add(crypto.ctx, "what do ya want ", 16) &&
           crypto.hmac_add(crypto.ctx, "for nothing?", 12) &&
           crypto.hmac_end(crypto.ctx, out);
}

static void check_hmac(void)
{
    uint8_t out[32];

    for (size_t i = 0; i < sizeof(jefe) / sizeof(*jefe); i++) {
        /* one that was begun and left, with another hash and key */
        CHECK(crypto.hmac_begin(crypto.ctx, jefe[2 - i].hash, "x", 1));
        CHECK(crypto.hmac_add(crypto.ctx, "y", 1));
        CHECK(hmac_of(jefe[i].hash, out));
        is_hex(out, jefe[i].want);
    }
}

/* PBKDF2 as SCRAM's Hi() makes it of this: RFC 6070, RFC 7914 11 */
static void check_stretch(void)
{
    static const struct {
        enum smtp_hash hash;
        const char *password, *salt;
        unsigned rounds;
        const char *want;
    } rows[] = {
        { SMTP_SHA1, "password", "salt", 1,
          "0c60c80f961f0e71f3a9b524af6012062fe037a6" },
        { SMTP_SHA1, "password", "salt", 2,
          "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957" },
        { SMTP_SHA1, "password", "salt", 4096,
          "4b007901b765489abead49d926f721d065a429c1" },
        { SMTP_SHA256, "passwd", "salt", 1,
          "55ac046e56e3089fec1691c22544b605"
          "f94185216dde0465e68b9d57c20dacbc" },
    };
    uint8_t u[32], t[32];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len = strlen(rows[i].password);

        CHECK(
            crypto.hmac_begin(crypto.ctx, rows[i].hash, rows[i].password, len));
        CHECK(crypto.hmac_add(crypto.ctx, rows[i].salt, strlen(rows[i].salt)));
        CHECK(crypto.hmac_add(crypto.ctx, "\0\0\0\1", 4));
        CHECK(crypto.hmac_end(crypto.ctx, u));
        memcpy(t, u, sizeof(t));
        /* a slice at a time, as smtp_work() does it */
        for (unsigned left = rows[i].rounds - 1, n; left != 0; left -= n) {
            n = left < 100 ? left : 100;
            CHECK(crypto.stretch(crypto.ctx, rows[i].hash, rows[i].password,
                                 len, u, t, n));
        }
        is_hex(t, rows[i].want);
    }
}

/* Memory is short at the n-th allocation: each says so, and what comes after
 * is right again. */
static void check_memory(void)
{
    uint8_t out[32], u[32] = { 1 }, t[32] = { 0 };
    unsigned n, failures;

    for (size_t i = 0; i < sizeof(jefe) / sizeof(*jefe); i++) {
        enum smtp_hash h = jefe[i].hash;

        for (n = 1, failures = 0; n < 100; n++) {
            heap_fail_at(n);
            failures++;
            if (hmac_of(h, out))
                break;
        }
        heap_fail_at(0);
        CHECK(failures > 1 && n < 100);
        is_hex(out, jefe[i].want);
        heap_fail_at(1);
        CHECK(!crypto.stretch(crypto.ctx, h, "k", 1, u, t, 2));
        heap_fail_at(0);
        CHECK(t[0] == 0 && hmac_of(h, out));
        is_hex(out, jefe[i].want);
    }
    CHECK_EQ(heap_stats().used, 0);
}

/* Random numbers of a machine with too little entropy may come twice: they are
 * no nonce. 32 bytes are enough. The generator is seeded once a process. */
static void nonces(bool good)
{
    uint8_t a[16], b[16];

    CHECK_EQ(rng_init(), good ? RNG_GOOD : RNG_WEAK);
    CHECK(crypto.random(crypto.ctx, a, sizeof(a)) == good);
    CHECK(crypto.random(crypto.ctx, b, sizeof(b)) == good);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
}

static void run_weak(void)
{
    nonces(false);
}

static void run_good(void)
{
    nonces(true);
}

static void check_nonce(void)
{
    static const size_t weak[] = { 0, 31 }, good[] = { 32, 256 };

    for (size_t i = 0; i < 2; i++) {
        fake_entropy = weak[i];
        in_child(NULL, run_weak);
        fake_entropy = good[i];
        in_child(NULL, run_good);
    }
}

/* smtp asks for nothing that is not there */
static void check_offered(void)
{
    CHECK_EQ(crypto.hashes, 1 << SMTP_MD5 | 1 << SMTP_SHA1 | 1 << SMTP_SHA256);
}

static const struct check_case cases[] = {
    { "hash", check_hash },       { "hmac", check_hmac },
    { "stretch", check_stretch }, { "memory", check_memory },
    { "nonce", check_nonce },     { "offered", check_offered },
};

CHECK_MAIN(cases)
