/*
 * test_mailbox.c - which addresses may stand between < and >; paths, printing
 * and comparing.
 */
/* sources: smtp/mailbox.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "mailbox.h"

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
    "a@[IPv6:1:2:3:4:5:6:7::]",
    "a@[x:y]",
    "a@[x-2:!#;=?^~]",
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
    "a@[x:]",
    "a@[:y]",
    "a@[x-:y]",
    "a@[x]",
    "a@[x:a>b]",
    "a@[x:a b]",
    "a@[x:a[b]",
    "a@[x:a\\]",
    "a@[IPv6:x]",
    "a@[IPv6:1:2:3:4:5:6:7::8:9]",
    "a@[IPv6:1:2:3:4:5:6:7:192.0.2.1]",
    "a@[IPv6:::192.0.2.1:1]",
    "a@[IPv6:::192.0.2]",
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

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

/* path, bytes used (0: refused), kind, printed */
static void paths(void)
{
    static const struct {
        const char *in;
        size_t used;
        enum mailbox_kind kind;
        const char *out;
    } table[] = {
        { "<>", 2, MAILBOX_NULL, "" },
        { "<> SIZE=1", 2, MAILBOX_NULL, "" },
        { "<a@b> SIZE=1", 5, MAILBOX_FULL, "a@b" },
        { "<PostMaster>", 12, MAILBOX_POSTMASTER, "PostMaster" },
        { "<@x:a@b>", 8, MAILBOX_FULL, "a@b" },
        { "<@x,@y.z:a@b>x", 13, MAILBOX_FULL, "a@b" },
        { "<@[1.2.3.4],@[IPv6:::1]:a@b>", 28, MAILBOX_FULL, "a@b" },
        { "<@x:postmaster>", 15, MAILBOX_POSTMASTER, "postmaster" },
        { "<\"a>b\"@c>", 9, MAILBOX_FULL, "\"a>b\"@c" },
        { "<\"a\\\">\"@c>", 10, MAILBOX_FULL, "\"a\\\">\"@c" },
        { "<\"a\\b\"@c>", 9, MAILBOX_FULL, "ab@c" },
        { "<\"john\"@c>", 10, MAILBOX_FULL, "john@c" },
        { "<\"a..b\"@c>", 10, MAILBOX_FULL, "\"a..b\"@c" },
        { "<\"\"@c>", 6, MAILBOX_FULL, "\"\"@c" },
        { "<\"a.\"@c>", 8, MAILBOX_FULL, "\"a.\"@c" },
        { "", 0, MAILBOX_NULL, "" },
        { "<", 0, MAILBOX_NULL, "" },
        { "a@b", 0, MAILBOX_NULL, "" },
        { "<a@b", 0, MAILBOX_NULL, "" },
        { "<<a@b>>", 0, MAILBOX_NULL, "" },
        { "< a@b>", 0, MAILBOX_NULL, "" },
        { "<a@b >", 0, MAILBOX_NULL, "" },
        { "< >", 0, MAILBOX_NULL, "" },
        { "<@x>", 0, MAILBOX_NULL, "" },
        { "<@x:>", 0, MAILBOX_NULL, "" },
        { "<@x,y:a@b>", 0, MAILBOX_NULL, "" },
        { "<@x,:a@b>", 0, MAILBOX_NULL, "" },
        { "<@:a@b>", 0, MAILBOX_NULL, "" },
        { "<@[1.2.3.4:a@b>", 0, MAILBOX_NULL, "" },
        { "<@x:@y:a@b>", 0, MAILBOX_NULL, "" },
        { "<\"a>", 0, MAILBOX_NULL, "" },
        { "<\"a\\", 0, MAILBOX_NULL, "" },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct smtp_mailbox m;
        const char *why = NULL;
        char out[256];
        size_t len = strlen(table[i].in), n;
        char *block = malloc(len + 1);

        if (block == NULL)
            abort();
        memcpy(block + 1, table[i].in, len);
        n = smtp_path_parse((struct smtp_str){ block + 1, len }, &m, &why);
        if (!CHECK_EQ(n, table[i].used))
            printf("  %s: %s\n", table[i].in, why);
        if (n != 0) {
            CHECK_EQ(m.kind, table[i].kind);
            n = smtp_mailbox_print(&m, out, sizeof out);
            CHECK_MEM(out, n, table[i].out, strlen(table[i].out));
            for (size_t cap = 0; cap < n; cap++)
                CHECK_EQ(smtp_mailbox_print(&m, out, cap), 0);
        } else {
            CHECK(why != NULL);
        }
        free(block);
    }
}

static void path_lengths(void)
{
    struct smtp_mailbox m;
    const char *why;
    char text[400];

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof text; i += 50)
        text[i] = '.';
    memcpy(text, "<@a", 3);
    memcpy(text + 200, ":l@", 3);
    text[255] = '>';
    CHECK_EQ(smtp_path_parse((struct smtp_str){ text, 256 }, &m, &why), 256);
    text[255] = 'x';
    text[256] = '>';
    CHECK_EQ(smtp_path_parse((struct smtp_str){ text, 257 }, &m, &why), 0);
    CHECK_STR(why, "the path is longer than 256 bytes");
}

static void literals(void)
{
    static const struct {
        const char *in;
        enum mailbox_host host;
        uint8_t ip[16];
    } table[] = {
        { "a@[192.0.2.1]", MAILBOX_IPV4, { 192, 0, 2, 1 } },
        { "a@[IPv6:::]", MAILBOX_IPV6, { 0 } },
        { "a@[IPv6:2001:db8::1:2]",
          MAILBOX_IPV6,
          { 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2 } },
        { "a@[IPv6:::ffff:1.2.3.4]",
          MAILBOX_IPV6,
          { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4 } },
        { "a@[IPv6:1::]", MAILBOX_IPV6, { 0, 1 } },
        { "a@[tag:x]", MAILBOX_TAGGED, { 0 } },
        { "a@b", MAILBOX_NAME, { 0 } },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct smtp_mailbox m;
        const char *why;

        if (!CHECK(smtp_mailbox_parse(str(table[i].in), &m, &why)))
            continue;
        CHECK_EQ(m.host, table[i].host);
        CHECK_MEM(m.ip, 16, table[i].ip, 16);
    }
}

static void same(void)
{
    static const struct {
        const char *a, *b;
        bool want;
    } table[] = {
        { "a@b", "a@B", true },
        { "a@b", "A@b", false },
        { "a@b", "a@c", false },
        { "a@b", "a@bc", false },
        { "a@b", "ab@b", false },
        { "ab@b", "a@b", false },
        { "\"a\"@b", "a@b", true },
        { "\"\\a\"@b", "a@b", true },
        { "\"a b\"@b", "\"a\\ b\"@b", true },
        { "postmaster", "Postmaster", true },
        { "postmaster", "postmaster@b", false },
        { "a@[IPv6:::1]", "a@[IPv6:0:0:0:0:0:0:0:1]", true },
        { "a@[IPv6:::1]", "a@[IPv6:::2]", false },
        { "a@[1.2.3.4]", "a@1.2.3.4", false },
        { "a@[x:Y]", "a@[X:y]", true },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct smtp_mailbox a, b;
        const char *why;

        CHECK(smtp_mailbox_parse(str(table[i].a), &a, &why));
        CHECK(smtp_mailbox_parse(str(table[i].b), &b, &why));
        if (!CHECK_EQ(smtp_mailbox_same(&a, &b), table[i].want))
            printf("  %s %s\n", table[i].a, table[i].b);
    }
}

/* made by hand: quoted where it must be, refused where it cannot be said */
static void by_hand(void)
{
    struct smtp_mailbox m = { .kind = MAILBOX_FULL, .domain = str("b") };
    char out[64];
    size_t n;

    m.local = str("a\"b\\c d");
    n = smtp_mailbox_print(&m, out, sizeof out);
    CHECK_MEM(out, n, "\"a\\\"b\\\\c d\"@b", 13);
    m.local = str("");
    n = smtp_mailbox_print(&m, out, sizeof out);
    CHECK_MEM(out, n, "\"\"@b", 4);
    m.local = str("a\rb");
    CHECK_EQ(smtp_mailbox_print(&m, out, sizeof out), 0);
    m.local = str("a\x7f");
    CHECK_EQ(smtp_mailbox_print(&m, out, sizeof out), 0);
}

static void domains(void)
{
    char text[300];
    bool utf8;

    CHECK(smtp_domain_ok(str("a.b"), &utf8) && !utf8);
    CHECK(smtp_domain_ok(str("b\xc3\xbc.c"), &utf8) && utf8);
    CHECK(smtp_domain_ok(str("[1.2.3.4]"), &utf8));
    CHECK(!smtp_domain_ok(str(""), &utf8));
    CHECK(!smtp_domain_ok(str("a b"), &utf8));
    memset(text, 'a', sizeof text);
    for (size_t i = 60; i < sizeof text; i += 60)
        text[i] = '.';
    CHECK(smtp_domain_ok((struct smtp_str){ text, 255 }, &utf8));
    CHECK(!smtp_domain_ok((struct smtp_str){ text, 256 }, &utf8));
}

/* Whatever is accepted prints, and what is printed means the same. */
static void round_trip(void)
{
    static const char letters[] = "aB@@.\"\"\\[]:1,< \xc3\xa4-";
    uint64_t state = check_seed;
    unsigned accepted = 0;

    for (int k = 0; k < 300000; k++) {
        char text[16], once[64], twice[64];
        size_t len = check_random(&state) % 12, n, used;
        struct smtp_mailbox a, b;
        const char *why;

        text[0] = '<';
        for (size_t i = 1; i <= len; i++)
            text[i] = letters[check_random(&state) % (sizeof letters - 1)];
        text[len + 1] = '>';
        used = smtp_path_parse((struct smtp_str){ text, len + 2 }, &a, &why);
        if (used == 0 || a.kind == MAILBOX_NULL)
            continue;
        accepted++;
        n = smtp_mailbox_print(&a, once, sizeof once);
        if (!CHECK(smtp_mailbox_parse((struct smtp_str){ once, n }, &b, &why)))
            continue;
        CHECK(smtp_mailbox_same(&a, &b));
        CHECK(smtp_mailbox_same(&b, &a));
        CHECK_EQ(a.utf8, b.utf8);
        used = smtp_mailbox_print(&b, twice, sizeof twice);
        CHECK_MEM(twice, used, once, n);
    }
    CHECK(accepted > 100);
}

static const struct check_case cases[] = {
    { "verdicts", verdicts },
    { "nul", nul },
    { "beyond_ascii", beyond_ascii },
    { "lengths", lengths },
    { "noise", noise },
    { "paths", paths },
    { "path_lengths", path_lengths },
    { "literals", literals },
    { "same", same },
    { "by_hand", by_hand },
    { "domains", domains },
    { "round_trip", round_trip },
};
CHECK_MAIN(cases)
