/*
 * test_mailbox.c - which addresses may stand between < and >.
 */
/* sources: smtp/mailbox.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "smtp.h"

static bool ok(const char *p, size_t n, bool *utf8)
{
    struct smtp_str s;
    const char *why = NULL;
    char *block = malloc(n + 1);
    bool result;

    if (block == NULL)
        abort();
    memcpy(block + 1, p, n); /* its end is the end of the block */
    s.p = block + 1;
    s.len = n;
    result = smtp_mailbox_ok(s, utf8, &why);
    if (!result)
        CHECK(why != NULL && why[0] != '\0');
    free(block);
    return result;
}

static const char *const good[] = {
    "a@b",
    "first.last@example.org",
    "a+b=c@example.org",
    "postmaster",
    "PostMaster",
    "!#$%&'*+-/=?^_`{|}~@example.org",
    "-a@example.org",
    "\"a b\"@example.org",
    "\"a\\\"b\"@example.org",
    "\"\"@example.org",
    "\"a@b\"@example.org",
    "\"<>\"@example.org",
    "a@1.2.3.4",
    "a@[192.0.2.1]",
    "a@[IPv6:2001:db8::1]",
    "a@[IPv6:::]",
    "a@[ipv6:::1]",
    "a@[IPv6:1:2:3:4:5:6:7:8]",
    "a@[IPv6:::ffff:192.0.2.1]",
    "a@[IPv6:1:2:3:4:5:6:192.0.2.1]",
    "a@xn--bcher-kva.example",
    "a@b-c.d",
    "1@2.example",
};

static const char *const bad[] = {
    "",
    "@",
    "a",
    "a@",
    "@b",
    "root",
    "a@@b",
    "a@b@c",
    ".a@b",
    "a.@b",
    "a..b@c",
    "a b@c",
    "a@b c",
    "a@-b",
    "a@b-",
    "a@b-.c",
    "a@.b",
    "a@b.",
    "a@b..c",
    "a@b_c",
    "<a@b>",
    "a>@b",
    "a@b>",
    "a@b\r",
    "a\n@b",
    "a@b\r\nRCPT TO:<c@d>",
    "a@b> SIZE=1",
    "\"a@b",
    "\"a\"b@c",
    "a\"b\"@c",
    "\"a\rb\"@c",
    "\"a\\\rb\"@c",
    "\"a\\",
    "\"",
    "\"\\\"",
    "a,b@c",
    "a:b@c",
    "@x:a@b",
    "a(b)@c",
    "a@[",
    "a@[]",
    "a@[1.2.3]",
    "a@[1.2.3.4.5]",
    "a@[256.0.0.1]",
    "a@[1.2.3.4",
    "a@[1.2.3.4]x",
    "a@[1..2.3]",
    "a@[0001.2.3.4]",
    "a@[IPv6:]",
    "a@[IPv6:1]",
    "a@[IPv6:1::2::3]",
    "a@[IPv6:1:2:3:4:5:6:7:8:9]",
    "a@[IPv6::1]",
    "a@[IPv6:1:]",
    "a@[IPv6:12345::]",
    "a@[IPv6:g::]",
    "a@[IPv6:::1.2.3]",
    "a@[x:y]",
    "a@[IPv6:1:2:3:4:5:6:7::8:9]",
    "a\x7f@b",
    "a@b\x01",
};

static void verdicts(void)
{
    bool utf8;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!CHECK(ok(good[i], strlen(good[i]), &utf8)))
            printf("  %s\n", good[i]);
        CHECK(!utf8);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (!CHECK(!ok(bad[i], strlen(bad[i]), &utf8)))
            printf("  %s\n", bad[i]);
}

static void nul(void)
{
    bool utf8;

    CHECK(!ok("a\0@b", 4, &utf8));
    CHECK(!ok("a@b\0", 4, &utf8));
    CHECK(!ok("\"\0\"@b", 5, &utf8));
    CHECK(!ok("\"\\\0\"@b", 6, &utf8));
}

/* RFC 6531, and only well-formed UTF-8 */
static void beyond_ascii(void)
{
    static const struct {
        const char *in;
        bool want;
    } table[] = {
        { "\xc3\xa4@b", true },
        { "a@b\xc3\xbc.c", true },
        { "\"\xc3\xa4\"@b", true },
        { "\xf0\x9f\x93\xa7@b", true },
        { "\xc3@b", false },
        { "\xa4@b", false },
        { "\xc0\xaf@b", false },
        { "\xed\xa0\x80@b", false },
        { "\xf4\x90\x80\x80@b", false },
        { "a@b\xc3", false },
        { "\xc2\x85@b", false },
        { "a@\xc2\x9b.c", false },
        { "\xe0\x80\x8a@b", false },
        { "\xf0\x80\x80\x8a@b", false },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        bool utf8 = false;
        bool got = ok(table[i].in, strlen(table[i].in), &utf8);

        if (!CHECK_EQ(got, table[i].want))
            printf("  row %zu\n", i);
        if (got)
            CHECK(utf8);
    }
}

static void lengths(void)
{
    char text[400];
    bool utf8;

    memset(text, 'a', sizeof text);
    text[64] = '@';
    CHECK(ok(text, 66, &utf8));
    text[64] = 'a';
    text[65] = '@';
    CHECK(!ok(text, 67, &utf8));
    text[65] = 'a';
    text[1] = '@';
    CHECK(ok(text, 2 + 63, &utf8));
    CHECK(!ok(text, 2 + 64, &utf8));
    for (size_t i = 60; i < sizeof text; i += 60)
        text[i] = '.';
    CHECK(ok(text, 254, &utf8));
    CHECK(!ok(text, 255, &utf8));
}

/* No accepted address can end a command line or leave its brackets. */
static void noise(void)
{
    static const char letters[] = "aab@@.\"\\[]<> \r\n\x01\xc3\xa4-:1";
    uint64_t state = check_seed;
    unsigned accepted = 0;

    for (int k = 0; k < 300000; k++) {
        char text[8];
        size_t n = check_random(&state) % (sizeof text + 1);
        bool utf8, quoted = false;

        for (size_t i = 0; i < n; i++)
            text[i] = letters[check_random(&state) % sizeof letters];
        if (!ok(text, n, &utf8))
            continue;
        accepted++;
        for (size_t i = 0; i < n; i++) {
            CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
            if (quoted && text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = !quoted;
            else if (!quoted)
                CHECK(strchr("<> ", text[i]) == NULL);
        }
        CHECK(!quoted);
    }
    CHECK(accepted > 100);
}

static const struct check_case cases[] = {
    { "verdicts", verdicts },
    { "nul", nul },
    { "beyond_ascii", beyond_ascii },
    { "lengths", lengths },
    { "noise", noise },
};
CHECK_MAIN(cases)
