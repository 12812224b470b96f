/*
 * test_addrlist.c - address lists: RFC 5322's examples (appendix A), what is
 * obsolete, what is malformed, printing and reading again, cuts and noise.
 */
/* sources: smtp/addrlist.c smtp/mailbox.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "addrlist.h"
#include "mailbox.h"

static struct smtp_str str(const char *text)
{
    struct smtp_str s = { text, strlen(text) };

    return s;
}

/* The events of a list: "name|spec;" a mailbox, "{name" "}" a group, "!why". */
static const char *events(const char *text, size_t len, bool strict)
{
    static char got[4000];
    struct smtp_addrlist l = { .text = { text, len }, .strict = strict };
    char name[400], spec[400];
    struct smtp_address a;
    enum smtp_addr kind;
    size_t n = 0, k;

    got[0] = '\0';
    while ((kind = smtp_addrlist_next(&l, &a)) != SMTP_ADDR_END) {
        n = strlen(got);
        k = smtp_address_name(a.name, name, sizeof name);
        if (kind == SMTP_ADDR_BAD)
            snprintf(got + n, sizeof got - n, "!%s", a.why);
        else if (kind == SMTP_ADDR_GROUP)
            snprintf(got + n, sizeof got - n, "{%.*s ", (int)k, name);
        else if (kind == SMTP_ADDR_GROUP_END)
            snprintf(got + n, sizeof got - n, "}");
        else
            snprintf(got + n, sizeof got - n, "%.*s|%.*s;", (int)k, name,
                     (int)smtp_address_spec(a.spec, spec, sizeof spec), spec);
    }
    CHECK_EQ(smtp_addrlist_next(&l, &a), SMTP_ADDR_END);
    return got;
}

/* From memory of exactly its length. */
static void reads(const char *text, const char *strict, const char *lenient)
{
    size_t len = strlen(text);
    char *copy = malloc(len != 0 ? len : 1);

    memcpy(copy, text, len);
    CHECK_STR(events(copy, len, true), strict);
    CHECK_STR(events(copy, len, false), lenient != NULL ? lenient : strict);
    free(copy);
}

/* RFC 5322 A.1.2, A.1.3, A.5, A.6.1, A.6.3 */
static void examples(void)
{
    reads(" \"Joe Q. Public\" <john.q.public@example.com>",
          "Joe Q. Public|john.q.public@example.com;", NULL);
    reads("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
          "Mary Smith|mary@x.test;|jdoe@example.org;Who?|one@y.test;", NULL);
    reads(
        "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
        "|boss@nil.test;Giant; \"Big\" Box|sysservices@example.net;", NULL);
    reads("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
          "{A Group Ed Jones|c@a.test;|joe@where.test;John|jdoe@one.test;}",
          NULL);
    reads("postmaster", "!no address", "|postmaster;");
    reads("<postmaster>", "!what stands between < and > is no address",
          "|postmaster;");
    reads("Undisclosed recipients:;", "{Undisclosed recipients }", NULL);
    reads("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
          "Pete|pete@silly.test;", NULL);
    reads(
        "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public."
        "example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my "
        "dear friend); (the end of the group)",
        "{A Group Chris Jones|c@public.example;|joe@example.org;"
        "John|jdoe@one.test;}",
        NULL);
    reads("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
          "{Hidden recipients }", NULL);
    reads("Joe Q. Public <john.q.public@example.com>",
          "!a name that must stand in quotes",
          "Joe Q. Public|john.q.public@example.com;");
    reads("Mary Smith <@node.test:mary@example.net>, , jdoe@test   . example",
          "!a source route in an address",
          "Mary Smith|mary@example.net;|jdoe@test.example;");
}

static void forms(void)
{
    reads("=?utf-8?Q?J=C3=B6rg?= <j@x>, J\xc3\xb6rg <k@x>",
          "=?utf-8?Q?J=C3=B6rg?=|j@x;J\xc3\xb6rg|k@x;", NULL);
    reads("a@[192.0.2.1], <b@[IPv6:2001:db8::1]>, c@[tag:x]",
          "|a@[192.0.2.1];|b@[IPv6:2001:db8::1];|c@[tag:x];", NULL);
    reads("\"a b\"@x, \"c\\\"d\" @ x (host)", "|\"a b\"@x;|\"c\\\"d\"@x;",
          NULL);
    reads("\"a\".b . \"c d\"@x", "!no address", "|\"a.b.c d\"@x;");
    reads("a . b@x", "!no address", "|a.b@x;");
    reads("a@x . y", "!no address", "|a@x.y;");
    reads("<@r,@[1.2.3.4]:a@b>", "!a source route in an address", "|a@b;");
    reads("[list] x <a@b>", "!a name that must stand in quotes",
          "[list] x|a@b;");
    reads("x@y <a@b>", "!a name that must stand in quotes", "x@y|a@b;");
    reads("a@b; c@d", "|a@b;!a ; that ends no group", "|a@b;|c@d;");
    reads("g: a@b,, ;", "{g |a@b;!an address is missing before a , or ;",
          "{g |a@b;}");
    reads("g: a@b", "{g |a@b;!a group without its ;", "{g |a@b;}");
    reads("g:;, a@b", "{g }|a@b;", NULL);
    reads("g:; a@b", "{g }!a comma is missing", "{g }|a@b;");
    reads("g: h: a@b;", "{g !a group in a group", "{g {h |a@b;}");
    reads("g.h: a@b;", "!a group's name that must stand in quotes",
          "{g.h |a@b;}");
    reads("a@b,", "|a@b;!an address is missing at the end", "|a@b;");
    reads(",a@b", "!an address is missing before a , or ;", "|a@b;");
    reads("", "!an address is missing at the end", "");
    reads(" (x) ", "!an address is missing at the end", "");
    reads("a@b\r\nTo: c@d", "|a@b;", NULL);
    reads("a@b,\n\tc@d\n", "|a@b;|c@d;", NULL);
    reads("a@b\x01", "!a control character, or bytes that are no UTF-8", "|;");
    reads("a@b (\x01)", "!a control character, or bytes that are no UTF-8",
          "|a@b;");
    reads("x\r y <a@b>", "!a control character, or bytes that are no UTF-8",
          "x y|a@b;");
    reads("\xff <a@b>", "!a control character, or bytes that are no UTF-8",
          "\xff|a@b;");
    reads("a@b\r", "!a control character, or bytes that are no UTF-8", "|a@b;");
}

/* Strict says so; lenient gives the whole member, which is no address. */
static void malformed(void)
{
    static const char *const member[] = {
        "a b",       "a b@c",    "a@b c",    "<a@b> c",    "<a@b> <c@d>",
        "<open",     "\"open",   "(open",    "a@[1.2",     "a@b@c",
        "..a@b",     "a.@b",     "a@",       "@a",         "a\\@b",
        "<>",        "x <>",     "a@b: c@d", ": c@d",      "<a@b",
        "a@b (open", "\"a\"b@c", "a\"b\"@c", "\"a\"..b@c", "<@r a@b>",
        "<@r:>",     "a:<b",     "\"open\\", "a@-b",       "a <b <c@d>>"
    };

    for (size_t i = 0; i < sizeof member / sizeof *member; i++) {
        struct smtp_addrlist l = { .text = str(member[i]) };
        struct smtp_address a;
        enum smtp_addr got;
        char buf[400];
        const char *why;
        bool utf8;

        CHECK(strchr(events(l.text.p, l.text.len, true), '!') != NULL);
        got = smtp_addrlist_next(&l, &a);
        if (got == SMTP_ADDR_GROUP)
            got = smtp_addrlist_next(&l, &a);
        CHECK_EQ(got, SMTP_ADDR_MAILBOX);
        CHECK(!smtp_mailbox_ok(a.spec, &utf8, &why));
        a.spec.len = smtp_address_spec(a.spec, buf, sizeof buf);
        a.spec.p = buf;
        if (a.spec.len != 0) /* a name alone is not malformed to it */
            CHECK(!smtp_mailbox_ok(a.spec, &utf8, &why));
        CHECK(memchr(buf, '@', a.spec.len) != NULL || a.spec.len == 0);
    }
}

static void printed(const char *name, const char *spec, const char *want)
{
    struct smtp_address a = { .name = str(name), .spec = str(spec) };
    char buf[200];
    size_t n;

    if (spec[0] == ':')
        a.spec.p = NULL;
    n = smtp_address_print(&a, buf, sizeof buf);
    buf[n] = '\0';
    CHECK_STR(buf, want);
    for (size_t cap = 0; cap < n; cap++)
        CHECK_EQ(smtp_address_print(&a, buf, cap), 0);
    CHECK_EQ(smtp_address_print(&a, buf, n), n);
}

static void prints(void)
{
    printed("", "a@b", "a@b");
    printed("Joe Q. Public", "a@b", "Joe \"Q.\" Public <a@b>");
    printed("\"x\\\"\\y\" (z) w\\", "a (c) @ b", "\"x\\\"y\" \"w\\\\\" <a@b>");
    printed("\"x\r\n y\x01\"", "\"a\"@b", "\"x y \" <\"a\"@b>");
    printed("(x)", "a@b", "a@b");
    printed("A Group", ":", "A Group:");
    printed("", ":", "");
    printed("x", "", "");
    printed("x", "a b", "");
    printed("x", "root", "");
    printed("\"open", "a@b", "\"open\" <a@b>");
    printed("a\x02(", "a@b", "\"a (\" <a@b>");
}

/* Whatever is read leniently and printed reads strictly, to the same. */
static void noise(void)
{
    static const char *const piece[] = { "a",
                                         "b.c",
                                         "@",
                                         "<",
                                         ">",
                                         ",",
                                         ";",
                                         ":",
                                         "\"",
                                         "(",
                                         ")",
                                         "\\",
                                         " ",
                                         "\t",
                                         "\r\n ",
                                         ".",
                                         "[",
                                         "]",
                                         "[1.2.3.4]",
                                         "x@y",
                                         "<x@y>",
                                         "\xc3\xb6",
                                         "=?utf-8?Q?x?=",
                                         "\"q r\"",
                                         "\x7f",
                                         "\r",
                                         "g:",
                                         "(c)",
                                         "\n",
                                         "\xff" };
    uint64_t r = check_seed;
    unsigned mailboxes = 0;

    for (unsigned round = 0; round < 60000; round++) {
        char text[64], one[400], two[400], was[400], is[400];
        size_t len = 0, n;
        struct smtp_addrlist l = { .text = { text, 0 } };
        struct smtp_address a, again;

        for (n = check_random(&r) % 12; n != 0; n--) {
            const char *p =
                piece[check_random(&r) % (sizeof piece / sizeof *piece)];

            if (len + strlen(p) <= sizeof text) {
                memcpy(text + len, p, strlen(p));
                len += strlen(p);
            }
        }
        l.text.len = len;
        events(text, len, true);
        for (enum smtp_addr got;
             (got = smtp_addrlist_next(&l, &a)) != SMTP_ADDR_END;) {
            struct smtp_addrlist back = { .text = { one, 0 }, .strict = true };

            if (got != SMTP_ADDR_MAILBOX)
                continue;
            CHECK(a.spec.p >= text && a.spec.p + a.spec.len <= text + len);
            back.text.len = smtp_address_print(&a, one, sizeof one);
            if (back.text.len == 0 || memchr(one, 0xff, back.text.len) != NULL)
                continue;
            mailboxes++;
            CHECK_EQ(smtp_addrlist_next(&back, &again), SMTP_ADDR_MAILBOX);
            n = smtp_address_name(a.name, was, sizeof was);
            CHECK_MEM(is, smtp_address_name(again.name, is, sizeof is), was, n);
            n = smtp_address_print(&again, two, sizeof two);
            CHECK_MEM(two, n, one, back.text.len);
            CHECK_EQ(smtp_addrlist_next(&back, &again), SMTP_ADDR_END);
        }
    }
    CHECK(mailboxes > 1000);
}

static const struct check_case cases[] = { { "examples", examples },
                                           { "forms", forms },
                                           { "malformed", malformed },
                                           { "prints", prints },
                                           { "noise", noise } };

CHECK_MAIN(cases)
