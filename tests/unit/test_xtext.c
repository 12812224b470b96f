/*
 * test_xtext.c - RFC 3461 section 4.
 */
/* sources: smtp/xtext.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "xtext.h"

static void decoding(void)
{
    static const struct {
        const char *in, *out; /* out NULL: refused */
    } table[] = {
        { "", "" },
        { "abc", "abc" },
        { "a+2Bb", "a+b" },
        { "a+3Db", "a=b" },
        { "a+3db", "a=b" },
        { "+20", " " },
        { "+C3+A4", "\xc3\xa4" },
        { "+2b+2B", "++" },
        { "a=b", NULL },
        { "a b", NULL },
        { "+", NULL },
        { "+2", NULL },
        { "a+2", NULL },
        { "+2G", NULL },
        { "+G2", NULL },
        { "+00", NULL },
        { "+0D+0A", NULL },
        { "+7F", NULL },
        { "\xc3\xa4", NULL },
        { "a\rb", NULL },
    };
    char out[16];

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = strlen(table[i].in), len = 0;
        char *block = malloc(n + 1);
        bool ok;

        if (block == NULL)
            abort();
        memcpy(block + 1, table[i].in, n);
        ok = xtext_decode((struct smtp_str){ block + 1, n }, out, sizeof out,
                          &len);
        if (!CHECK_EQ(ok, table[i].out != NULL))
            printf("  %s\n", table[i].in);
        if (ok) {
            CHECK_MEM(out, len, table[i].out, strlen(table[i].out));
            if (len != 0)
                CHECK(!xtext_decode((struct smtp_str){ block + 1, n }, out,
                                    len - 1, &len));
        }
        free(block);
    }
}

/* Printable bytes of any value come back, in place as well. */
static void round_trip(void)
{
    uint64_t state = check_seed;

    for (int k = 0; k < 2000; k++) {
        char plain[40], text[130];
        size_t n = check_random(&state) % sizeof plain, len = 0;
        struct text t = text_into(text, sizeof text);

        for (size_t i = 0; i < n; i++) {
            char c = (char)(check_random(&state) >> 20);

            plain[i] = (uint8_t)c < 0x20 || c == 0x7f ? '+' : c;
        }
        xtext_put(&t, (struct smtp_str){ plain, n });
        CHECK(!t.full);
        for (size_t i = 0; i < t.len; i++)
            CHECK(text[i] > 0x20 && text[i] < 0x7f && text[i] != '=');
        CHECK(
            xtext_decode((struct smtp_str){ text, t.len }, text, t.len, &len));
        CHECK_MEM(text, len, plain, n);
    }
}

static const struct check_case cases[] = {
    { "decoding", decoding },
    { "round_trip", round_trip },
};
CHECK_MAIN(cases)
