/*
 * crypto.c - see crypto.h.
 */
#include "crypto.h"

#include <string.h>

struct state {
    enum smtp_hash hash;
    uint32_t h[8];
    uint64_t len;
    uint8_t block[64];
};

static uint32_t left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t word(const uint8_t *p, bool little)
{
    if (little)
        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
               (uint32_t)p[3] << 24;
    return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 |
           (uint32_t)p[0] << 24;
}

static void md5(struct state *s)
{
    static const uint8_t turn[4][4] = { { 7, 12, 17, 22 },
                                        { 5, 9, 14, 20 },
                                        { 4, 11, 16, 23 },
                                        { 6, 10, 15, 21 } };
    /* floor(2^32 * |sin(i + 1)|) */
    static const uint32_t k[64] = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
        0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
        0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
        0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
        0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
        0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
        0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
        0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
        0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
        0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391
    };
    uint32_t a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3];

    for (unsigned i = 0; i < 64; i++) {
        uint32_t f, next;
        unsigned g;

        if (i < 16)
            f = (b & c) | (~b & d), g = i;
        else if (i < 32)
            f = (d & b) | (~d & c), g = (5 * i + 1) % 16;
        else if (i < 48)
            f = b ^ c ^ d, g = (3 * i + 5) % 16;
        else
            f = c ^ (b | ~d), g = 7 * i % 16;
        next = b + left(a + f + k[i] + word(s->block + g * 4, true),
                        turn[i / 16][i % 4]);
        a = d, d = c, c = b, b = next;
    }
    s->h[0] += a, s->h[1] += b, s->h[2] += c, s->h[3] += d;
}

static void sha1(struct state *s)
{
    static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                   0xca62c1d6 };
    uint32_t w[80], a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3];
    uint32_t e = s->h[4];

    for (unsigned i = 0; i < 80; i++) {
        uint32_t f = b ^ c ^ d, next;

        w[i] = i < 16 ? word(s->block + i * 4, false)
                      : left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        if (i < 20)
            f = (b & c) | (~b & d);
        else if (i >= 40 && i < 60)
            f = (b & c) | (b & d) | (c & d);
        next = left(a, 5) + f + e + k[i / 20] + w[i];
        e = d, d = c, c = left(b, 30), b = a, a = next;
    }
    s->h[0] += a, s->h[1] += b, s->h[2] += c, s->h[3] += d, s->h[4] += e;
}

static void sha256(struct state *s)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
        0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
        0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
        0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
        0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
        0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
        0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
        0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
    };
    uint32_t w[64], v[8];

    memcpy(v, s->h, sizeof v);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t t1, t2;

        if (i < 16) {
            w[i] = word(s->block + i * 4, false);
        } else {
            uint32_t x = w[i - 15], y = w[i - 2];

            w[i] = w[i - 16] + w[i - 7] +
                   (right(x, 7) ^ right(x, 18) ^ x >> 3) +
                   (right(y, 17) ^ right(y, 19) ^ y >> 10);
        }
        t1 = v[7] + (right(v[4], 6) ^ right(v[4], 11) ^ right(v[4], 25)) +
             ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        t2 = (right(v[0], 2) ^ right(v[0], 13) ^ right(v[0], 22)) +
             ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        s->h[i] += v[i];
}

static void begin(struct state *s, enum smtp_hash hash)
{
    static const uint32_t first[3][8] = {
        { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 },
        { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 },
        { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
          0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }
    };

    memset(s, 0, sizeof *s);
    s->hash = hash;
    memcpy(s->h, first[hash], sizeof s->h);
}

static void add(struct state *s, const void *p, size_t n)
{
    static void (*const run[])(struct state *) = { md5, sha1, sha256 };

    for (size_t i = 0; i < n; i++) {
        s->block[s->len++ % 64] = ((const uint8_t *)p)[i];
        if (s->len % 64 == 0)
            run[s->hash](s);
    }
}

static size_t end(struct state *s, uint8_t *out)
{
    bool little = s->hash == SMTP_MD5;
    size_t n = little ? 16 : s->hash == SMTP_SHA1 ? 20 : 32;
    uint64_t bits = s->len * 8;
    uint8_t tail[8];

    add(s, "\x80", 1);
    while (s->len % 64 != 56)
        add(s, "", 1);
    for (unsigned i = 0; i < 8; i++)
        tail[i] = (uint8_t)(bits >> 8 * (little ? i : 7 - i));
    add(s, tail, 8);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(s->h[i / 4] >> 8 * (little ? i % 4 : 3 - i % 4));
    return n;
}

/* --- HMAC -------------------------------------------------------------- */

static uint8_t pad[64]; /* the key */
static struct state inner;

static bool random_bytes(void *ctx, void *out, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)i;
    return true;
}

static bool digest(void *ctx, enum smtp_hash hash, const void *p, size_t n,
                   uint8_t *out)
{
    struct state s;

    (void)ctx;
    begin(&s, hash);
    add(&s, p, n);
    end(&s, out);
    return true;
}

static bool hmac_begin(void *ctx, enum smtp_hash hash, const void *key,
                       size_t n)
{
    memset(pad, 0, sizeof pad);
    if (n > sizeof pad)
        digest(ctx, hash, key, n, pad);
    else
        memcpy(pad, key, n);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36;
    begin(&inner, hash);
    add(&inner, pad, sizeof pad);
    return true;
}

static bool hmac_add(void *ctx, const void *p, size_t n)
{
    (void)ctx;
    add(&inner, p, n);
    return true;
}

static bool hmac_end(void *ctx, uint8_t *out)
{
    struct state outer;
    uint8_t sum[SMTP_HASH_MAX];
    size_t n = end(&inner, sum);

    (void)ctx;
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    begin(&outer, inner.hash);
    add(&outer, pad, sizeof pad);
    add(&outer, sum, n);
    end(&outer, out);
    return true;
}

/* A dialogue is played some thousand times: what was made is looked up. */
struct made {
    uint8_t pad[64], from[2][SMTP_HASH_MAX], to[2][SMTP_HASH_MAX];
    enum smtp_hash hash;
    unsigned rounds;
};

static void stretch_once(enum smtp_hash hash, const void *key, size_t n,
                         uint8_t *u, uint8_t *t)
{
    size_t len = hash == SMTP_MD5 ? 16 : hash == SMTP_SHA1 ? 20 : 32;

    hmac_begin(NULL, hash, key, n);
    hmac_add(NULL, u, len);
    hmac_end(NULL, u);
    for (size_t k = 0; k < len; k++)
        t[k] ^= u[k];
}

static bool stretch(void *ctx, enum smtp_hash hash, const void *key, size_t n,
                    uint8_t *u, uint8_t *t, unsigned rounds)
{
    static struct made made[4096];
    struct made *m = &made[((unsigned)(u[0] | u[1] << 8) ^ rounds) % 4096];
    size_t len = hash == SMTP_MD5 ? 16 : hash == SMTP_SHA1 ? 20 : 32;

    hmac_begin(ctx, hash, key, n);
    if (m->hash != hash || m->rounds != rounds ||
        memcmp(m->pad, pad, sizeof pad) != 0 ||
        memcmp(m->from[0], u, len) != 0 || memcmp(m->from[1], t, len) != 0) {
        memcpy(m->pad, pad, sizeof pad);
        memcpy(m->from[0], u, len);
        memcpy(m->from[1], t, len);
        m->hash = hash;
        m->rounds = rounds;
        for (unsigned i = 0; i < rounds; i++)
            stretch_once(hash, key, n, u, t);
        memcpy(m->to[0], u, len);
        memcpy(m->to[1], t, len);
    }
    memcpy(u, m->to[0], len);
    memcpy(t, m->to[1], len);
    return true;
}

const struct smtp_crypto crypto = {
    7, NULL, random_bytes, digest, hmac_begin, hmac_add, hmac_end, stretch
};

/* --- primitives that fail at the n-th call ----------------------------- */

unsigned frail_left;

/* It has done its work, and right: whoever does not ask gets away with it. */
static bool unless_failed(bool done)
{
    return (frail_left == 0 || --frail_left != 0) && done;
}

static bool f_random(void *ctx, void *out, size_t n)
{
    return unless_failed(crypto.random(ctx, out, n));
}

static bool f_hash(void *ctx, enum smtp_hash h, const void *p, size_t n,
                   uint8_t *out)
{
    return unless_failed(crypto.hash(ctx, h, p, n, out));
}

static bool f_begin(void *ctx, enum smtp_hash h, const void *key, size_t n)
{
    return unless_failed(crypto.hmac_begin(ctx, h, key, n));
}

static bool f_add(void *ctx, const void *p, size_t n)
{
    return unless_failed(crypto.hmac_add(ctx, p, n));
}

static bool f_end(void *ctx, uint8_t *out)
{
    return unless_failed(crypto.hmac_end(ctx, out));
}

static bool f_stretch(void *ctx, enum smtp_hash h, const void *key, size_t n,
                      uint8_t *u, uint8_t *t, unsigned rounds)
{
    return unless_failed(crypto.stretch(ctx, h, key, n, u, t, rounds));
}

const struct smtp_crypto frail = { 7,       NULL,  f_random, f_hash,
                                   f_begin, f_add, f_end,    f_stretch };
