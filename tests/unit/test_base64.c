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

static const struct check_case cases[] = {
    { "vectors", vectors },
    { "round_trip", round_trip },
};
CHECK_MAIN(cases)
