/*
 * rng.c - the one random number generator: Mbed TLS's CTR_DRBG (AES-256, NIST
 * SP 800-90A 10.2.1) seeded once from kernel/entropy.
 *
 * Raw entropy may come from several sources of unknown density, laid one
 * behind the other, so more of it is read than needed, and SHA-512 folds it
 * into the seed. A run lasts minutes and asks for some thousand numbers
 * (SP 800-90A allows 2^48 between reseeds), so there is no reseed that could
 * fail half way. A guest must not be cloned from a running snapshot: both
 * would go on with the same numbers.
 */
#include "rng.h"

#include <limits.h>
#include <string.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include "clock.h"
#include "entropy.h"
#include "panic.h"
#include "wipe.h"

#define RAW_MAX 256 /* bytes of raw entropy asked for                     */
#define RAW_MIN \
    32              /* 256 bits, the strength of the generator: a device
                       tree's rng-seed holds no more                      */
#define SEED_LEN 48 /* key and counter of AES-256 CTR_DRBG                */

static struct {
    mbedtls_ctr_drbg_context drbg;
    uint8_t seed[64]; /* SHA-512 of the raw entropy, while seeding         */
    uint8_t key[32];  /* of rng_keyed32()                                  */
    enum rng_state state;
    bool ready;
} rng;

_Static_assert(SEED_LEN <= sizeof(rng.seed), "one hash is the whole seed");

static int give_seed(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    if (len > sizeof(rng.seed))
        return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    memcpy(out, rng.seed, len);
    return 0;
}

/* Numbers that differ from boot to boot but that a neighbour could guess:
 * not counted as entropy. */
static size_t guessable(uint8_t *out)
{
    uint64_t v[4] = { clock_ms(), (uint64_t)clock_unix(), 0, 0 };
    uint64_t last = v[0];

    for (uint32_t i = 0; i < 4096; i++) {
        uint64_t now = clock_ms();

        v[2] = v[2] * 31 + (now - last);
        last = now;
    }
    v[3] = last;
    memcpy(out, v, sizeof(v));
    return sizeof(v);
}

static void fold_entropy(void)
{
    uint8_t raw[RAW_MAX + 4 * sizeof(uint64_t)];
    size_t n = entropy_read(raw, RAW_MAX);

    if (n > RAW_MAX)
        n = RAW_MAX;
    rng.state = n >= RAW_MIN ? RNG_GOOD : RNG_WEAK;
    n += guessable(raw + n);
    if (mbedtls_sha512(raw, n, rng.seed, 0) != 0)
        panic("rng: SHA-512 failed");
    wipe(raw, sizeof(raw));
}

enum rng_state rng_init(void)
{
    static const unsigned char use[] = "bootmail";

    if (rng.ready)
        return rng.state;
    fold_entropy();
    mbedtls_ctr_drbg_init(&rng.drbg);
    mbedtls_ctr_drbg_set_entropy_len(&rng.drbg, SEED_LEN);
    /* The seed is a hash of everything there is: a second part of it, taken
     * as a nonce, would add nothing. */
    if (mbedtls_ctr_drbg_set_nonce_len(&rng.drbg, 0) != 0 ||
        mbedtls_ctr_drbg_seed(&rng.drbg, give_seed, NULL, use,
                              sizeof(use) - 1) != 0)
        panic("rng: the generator cannot be seeded");
    mbedtls_ctr_drbg_set_reseed_interval(&rng.drbg, INT_MAX);
    wipe(rng.seed, sizeof(rng.seed));
    rng.ready = true;
    rng_bytes(rng.key, sizeof(rng.key));
    return rng.state;
}

enum rng_state rng_state(void)
{
    return rng.ready ? rng.state : RNG_WEAK;
}

void rng_bytes(void *out, size_t len)
{
    uint8_t *p = out;

    BUG_ON(!rng.ready);
    while (len != 0) {
        size_t n = len < MBEDTLS_CTR_DRBG_MAX_REQUEST
                       ? len
                       : MBEDTLS_CTR_DRBG_MAX_REQUEST;

        if (mbedtls_ctr_drbg_random(&rng.drbg, p, n) != 0)
            panic("rng: the generator failed");
        p += n;
        len -= n;
    }
}

uint32_t rng_u32(void)
{
    uint32_t v;

    rng_bytes(&v, sizeof(v));
    return v;
}

/* SHA-256 of key and message; of its 32 bytes only 4 come out, so length
 * extension gains nothing. */
uint32_t rng_keyed32(const void *p, size_t n)
{
    mbedtls_sha256_context sha;
    uint8_t digest[32];
    uint32_t v;

    BUG_ON(!rng.ready);
    mbedtls_sha256_init(&sha);
    if (mbedtls_sha256_starts(&sha, 0) != 0 ||
        mbedtls_sha256_update(&sha, rng.key, sizeof(rng.key)) != 0 ||
        mbedtls_sha256_update(&sha, p, n) != 0 ||
        mbedtls_sha256_finish(&sha, digest) != 0)
        panic("rng: SHA-256 failed");
    mbedtls_sha256_free(&sha);
    memcpy(&v, digest, sizeof(v));
    return v;
}
