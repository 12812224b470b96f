/*
 * test_base64.c - the vectors of RFC 4648 section 10, and every byte value.
 */
/* sources: smtp/base64.c */
/* includes: smtp */
#include "check.h"

#include "base64.h"

static void vectors(void)
{
    static const char *const pairs[][2] = { { "", "" },
                                            { "f", "Zg==" },
                                            { "fo", "Zm8=" },
                                            { "foo", "Zm9v" },
                                            { "foob", "Zm9vYg==" },
                                            { "fooba", "Zm9vYmE=" },
                                            { "foobar", "Zm9vYmFy" } };
    char out[16];

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        size_t len = strlen(pairs[i][0]);
        size_t n = base64_encode(out, (const uint8_t *)pairs[i][0], len);

        CHECK_EQ(n, base64_len(len));
        CHECK_MEM(out, n, pairs[i][1], strlen(pairs[i][1]));
    }
}

static unsigned sextet(char c)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                              "uvwxyz0123456789+/";
    const char *at = strchr(all, c);

    return at != NULL && c != 0 ? (unsigned)(at - all) : 64;
}

/* What comes out decodes to what went in, at each length to 200. */
static void round_trip(void)
{
    uint8_t in[200];
    char out[268];
    uint64_t state = check_seed;

    for (size_t n = 0; n <= sizeof in; n++) {
        size_t len, bits = 0, got = 0;
        uint32_t value = 0;
        bool same = true;

        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(check_random(&state) >> 32);
        len = base64_encode(out, in, n);
        for (size_t i = 0; i < len && out[i] != '='; i++) {
            CHECK(sextet(out[i]) < 64);
            value = value << 6 | sextet(out[i]);
            bits += 6;
            if (bits >= 8) {
                bits -= 8;
                same = same && in[got] == (uint8_t)(value >> bits);
                got++;
            }
        }
        CHECK(same);
        CHECK_EQ(got, n);
    }
}

/* Decoding undoes encoding, in place as well. */
static void decoding(void)
{
    uint8_t in[200], out[204];
    char text[268];
    uint64_t state = check_seed;

    for (size_t n = 0; n <= sizeof in; n++) {
        size_t len, got = 0;

        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(check_random(&state) >> 32);
        len = base64_encode(text, in, n);
        CHECK(base64_decode(out, &got, text, len));
        CHECK_MEM(out, got, in, n);
        CHECK(base64_decode((uint8_t *)text, &got, text, len));
        CHECK_MEM(text, got, in, n);
    }
}

static void not_base64(void)
{
    static const char *const bad[] = {
        "A",        "AA",     "AAA",  "AAAAA", "====", "A===",
        "=AAA",     "A=AA",   "AA=A", "AB==",  "AAB=", "A A=",
        "AA==AAAA", "AA\r\n", "A-_=", "AA,=",  "AAA?", "\xc3\xa4==",
    };
    uint8_t out[16];
    size_t len;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (!CHECK(!base64_decode(out, &len, bad[i], strlen(bad[i]))))
            printf("  %s\n", bad[i]);
}

static const struct check_case cases[] = {
    { "vectors", vectors },
    { "round_trip", round_trip },
    { "decoding", decoding },
    { "not_base64", not_base64 },
};
CHECK_MAIN(cases)
