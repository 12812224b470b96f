/* sources: net/tls.c net/tls_setup.c net/tls_verify.c net/tls_trust.c
            net/tls_crl.c net/tls_ext.c net/tls_names.c net/tls_within.c
            net/tls_pem.c net/tls_reason.c net/tls_port.c kernel/heap.c */
/* includes: net kernel tests/host tests/fuzz */
/* libs: mbedtls */
/* link: -Wl,--wrap=mbedtls_pk_verify_ext
         -Wl,--wrap=mbedtls_pk_verify_restartable
         -Wl,--wrap=mbedtls_cipher_auth_decrypt_ext
         -Wl,--wrap=mbedtls_ct_memcmp */
/* longest: 3000 */
/*
 * tls.c - any bytes as a server's records. Nobody guesses keys, so records
 * are "encrypted" by nothing, and signatures and Finished are right, unless
 * the input says otherwise; then the connection must never be up. Whole and in
 * pieces it ends in the same.
 */
#include "trace.h"

#include <mbedtls/cipher.h>

#include "fakeplatform.h"
#include "forge.h"
#include "heap.h"
#include "rng.h"
#include "tls.h"

static bool honest; /* nothing is forged: signatures are what they are */
static uint32_t random_at;

/* The same numbers for each input: so is our hello. */
void rng_bytes(void *out, size_t len)
{
    uint8_t *p = out;

    while (len-- != 0) {
        random_at = random_at * 1664525u + 1013904223u;
        *p++ = (uint8_t)(random_at >> 24);
    }
}

enum rng_state rng_state(void)
{
    return RNG_GOOD;
}

enum rng_state rng_init(void)
{
    return RNG_GOOD;
}

/* ------------------------------------------------------ what is forged */

int __real_mbedtls_ct_memcmp(const void *a, const void *b, size_t n);
int __wrap_mbedtls_ct_memcmp(const void *a, const void *b, size_t n);
int __wrap_mbedtls_ct_memcmp(const void *a, const void *b, size_t n)
{
    int differs = __real_mbedtls_ct_memcmp(a, b, n); /* ASan looks at both */

    return honest ? differs : 0;
}

static int verified(mbedtls_pk_context *ctx, mbedtls_pk_type_t type)
{
    if (honest || !mbedtls_pk_can_do(ctx, type))
        return MBEDTLS_ERR_PK_TYPE_MISMATCH;
    return 0;
}

int __wrap_mbedtls_pk_verify_restartable(mbedtls_pk_context *ctx,
                                         mbedtls_md_type_t md_alg,
                                         const unsigned char *hash,
                                         size_t hash_len,
                                         const unsigned char *sig,
                                         size_t sig_len, void *rs);
int __wrap_mbedtls_pk_verify_restartable(mbedtls_pk_context *ctx,
                                         mbedtls_md_type_t md_alg,
                                         const unsigned char *hash,
                                         size_t hash_len,
                                         const unsigned char *sig,
                                         size_t sig_len, void *rs)
{
    (void)ctx;
    (void)md_alg;
    (void)hash;
    (void)hash_len;
    (void)sig;
    (void)sig_len;
    (void)rs;
    return honest ? MBEDTLS_ERR_PK_TYPE_MISMATCH : 0;
}

int __wrap_mbedtls_cipher_auth_decrypt_ext(
    mbedtls_cipher_context_t *ctx, const unsigned char *iv, size_t iv_len,
    const unsigned char *ad, size_t ad_len, const unsigned char *input,
    size_t ilen, unsigned char *output, size_t output_len, size_t *olen,
    size_t tag_len);
int __wrap_mbedtls_cipher_auth_decrypt_ext(
    mbedtls_cipher_context_t *ctx, const unsigned char *iv, size_t iv_len,
    const unsigned char *ad, size_t ad_len, const unsigned char *input,
    size_t ilen, unsigned char *output, size_t output_len, size_t *olen,
    size_t tag_len)
{
    (void)ctx;
    (void)iv;
    (void)iv_len;
    (void)ad;
    (void)ad_len;
    if (honest || ilen < tag_len || output_len < ilen - tag_len)
        return MBEDTLS_ERR_CIPHER_AUTH_FAILED;
    *olen = ilen - tag_len;
    memmove(output, input, *olen);
    return 0;
}

/* ----------------------------------------------------------- a session */

static bool move(struct tls *t, size_t step, struct trace *out)
{
    size_t room, n;
    uint8_t *to = tls_recvrec_buf(t, &room);
    const uint8_t *from;
    bool moved = false;

    n = room < step ? room : step;
    n = n < in_left ? n : in_left;
    if (n != 0) {
        memcpy(to, in_at, n);
        in_at += n;
        in_left -= n;
        tls_recvrec_ack(t, n);
        moved = true;
    } else if (in_left == 0) {
        tls_recvrec_eof(t);
    }
    from = tls_sendrec_buf(t, &n);
    if (n != 0 && from[0] != 0) /* all of it is there */
        moved = true;
    tls_sendrec_ack(t, n);
    from = tls_recvapp_buf(t, &n);
    trace_add(out, from, n);
    tls_recvapp_ack(t, n);
    return moved || n != 0;
}

static void session(const struct tls_config *conf, size_t step,
                    struct trace *out)
{
    enum tls_error err = TLS_OK;
    struct tls *t;
    unsigned idle = 0;

    out->len = 0;
    random_at = 1;
    t = tls_open(conf, "mail.example.org", 16, &err);
    MUST(t != NULL);
    while (idle < 3) {
        bool moved = tls_run(t);

        MUST(tls_state(t) != TLS_UP || !honest);
        moved |= move(t, step, out);
        idle = moved ? 0 : idle + 1;
    }
    MUST((tls_state(t) == TLS_BROKEN) == (tls_error(t) != TLS_OK));
    MUST((tls_error(t) != TLS_OK) == (tls_why()[0] != '\0'));
    for (const char *s = tls_why(); *s != '\0'; s++)
        MUST(*s >= ' ' && *s < 0x7f);
    trace_int(out, tls_state(t));
    trace_int(out, tls_error(t));
    tls_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char cut[] = "-----BEGIN CERTIFICATE-----";
    static struct trace whole, pieces;
    struct tls_config conf = { .unix_now = 1800000000, .min_version = 0x12 };
    static size_t used; /* by PSA, once */
    unsigned how;

    input(data, len);
    how = next(1);
    honest = (how & 1) != 0;
    conf.min_version = (how & 2) != 0 ? 0x13 : 0x12;
    conf.trust = (const uint8_t *)cut;
    conf.trust_len = sizeof cut - 1;
    data = in_at;
    len = in_left;
    session(&conf, SIZE_MAX, &whole);
    MUST(used == 0 || heap_stats().used == used);
    used = heap_stats().used;
    if ((how & 8) != 0) { /* it costs as much again */
        input(data, len);
        session(&conf, 1 + (how >> 4), &pieces);
        trace_same(&whole, &pieces);
        MUST(heap_stats().used == used);
    }
    return 0;
}
