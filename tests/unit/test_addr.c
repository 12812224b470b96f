/* sources: net/addr.c */
/* includes: net */
/*
 * test_addr.c - the texts of addresses, against the C library's own reader
 * and printer.
 */
#include <arpa/inet.h>

#include "addr.h"

#include "check.h"

static bool parse(const char *s, struct addr *a)
{
    size_t len = strlen(s);
    char *exact = malloc(len != 0 ? len : 1); /* ASan sees the end */
    bool ok;

    memcpy(exact, s, len);
    ok = addr_parse(exact, len, a);
    free(exact);
    return ok;
}

static void is(const char *text, const char *want)
{
    struct addr a = { 0 };

    CHECK(parse(text, &a));
    CHECK_EQ(strcmp(addr_text(&a).s, want), 0);
}

static void texts(void)
{
    /* RFC 5952, sections 4 and 5 */
    is("2001:0db8::0001", "2001:db8::1");
    is("2001:db8:0:0:0:0:2:1", "2001:db8::2:1");
    is("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
    is("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
    is("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
    is("2001:DB8::AbC", "2001:db8::abc");
    is("::", "::");
    is("::1", "::1");
    is("1::", "1::");
    is("[fec0::2]", "fec0::2");
    is("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
    is("64:ff9b::192.0.2.33", "64:ff9b::c000:221");
    is("1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a");
    is("192.0.2.1", "192.0.2.1");
    is("255.255.255.255", "255.255.255.255");
}

static void refused(void)
{
    static const char *const bad[] = {
        "",
        ":",
        ":::",
        "1",
        "1:",
        ":1",
        "::1::",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::g",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "::1.2.3.4:5",
        "::01.2.3.4",
        "::1%eth0",
        "[::1",
        "::1]",
        "[]",
        "[192.0.2.1]",
        "192.0.2",
        "192.0.2.1.5",
        "192.0.2.256",
        "192.0.02.1",
        "192.0.2.",
        ".1.2.3",
        "0x7f.0.0.1",
        "1 .2.3.4",
        "::1 ",
        "1:2:3:4::5:6:7:8",
    };
    struct addr a = addr_v4(1);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i], &a))
            printf("taken: %s\n", bad[i]);
        CHECK(!parse(bad[i], &a));
    }
    CHECK_EQ(addr_to_v4(&a), 1); /* unchanged */
}

/* Random addresses with many zeros: our text is the C library's, and both
 * read both. */
static void both_ways(void)
{
    uint64_t seed = check_seed;

    for (unsigned i = 0; i < 200000; i++) {
        uint64_t r = check_random(&seed);
        struct addr a = { .len = 16 }, b = { 0 };
        char theirs[64];
        uint8_t back[16];

        for (size_t n = 0; n < 16; n++)
            if ((r >> n & 1) != 0 && (r >> (n / 2 + 20) & 1) != 0)
                a.b[n] = (uint8_t)check_random(&seed);
        CHECK(inet_ntop(AF_INET6, a.b, theirs, sizeof(theirs)) != NULL);
        CHECK_EQ(inet_pton(AF_INET6, addr_text(&a).s, back), 1);
        CHECK_EQ(memcmp(back, a.b, 16), 0);
        CHECK(addr_parse(theirs, strlen(theirs), &b));
        CHECK(addr_same(&a, &b));
        /* it writes the last four bytes with dots where there is IPv4 */
        if (strchr(theirs, '.') == NULL)
            CHECK_EQ(strcmp(theirs, addr_text(&a).s), 0);
    }
}

/* Whatever we take as an address, the C library takes too. */
static void garbage(void)
{
    static const char alphabet[] = "0123456789abcdefABCDEF::::....[]g %";
    uint64_t seed = check_seed;

    for (unsigned i = 0; i < 500000; i++) {
        char text[48];
        size_t len = check_random(&seed) % (sizeof(text) - 1);
        struct addr a = { 0 };
        uint8_t back[16];

        for (size_t n = 0; n < len; n++)
            text[n] = alphabet[check_random(&seed) % (sizeof(alphabet) - 1)];
        text[len] = '\0';
        if (!parse(text, &a) || text[0] == '[')
            continue;
        CHECK_EQ(inet_pton(a.len == 4 ? AF_INET : AF_INET6, text, back), 1);
        CHECK_EQ(memcmp(back, a.b, a.len), 0);
    }
}

static void hosts(void)
{
    static const struct {
        const char *text;
        bool host;
    } list[] = {
        { "192.0.2.1", true },
        { "0.0.0.1", false },
        { "127.0.0.1", false },
        { "224.0.0.1", false },
        { "2001:db8::1", true },
        { "fec0::2", true },
        { "fd00::1", true },
        { "::", false },
        { "::1", false },
        { "::192.0.2.1", false },
        { "ff02::1", false },
        { "fe80::1", false },
        { "::ffff:192.0.2.1", false },
        { "64:ff9b::192.0.2.1", true },
    };
    struct addr a = { 0 };

    CHECK(!addr_is_host(&a));
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        CHECK(parse(list[i].text, &a));
        CHECK_EQ(addr_is_host(&a), list[i].host);
    }
}

static const struct check_case cases[] = {
    { "texts", texts },     { "refused", refused }, { "both-ways", both_ways },
    { "garbage", garbage }, { "hosts", hosts },
};

CHECK_MAIN(cases)
