/*
 * test_received.c - Received fields in the shapes that servers write, and in
 * those that nobody should.
 */
/* sources: smtp/received.c smtp/addrlist.c smtp/header.c smtp/scan.c
            smtp/date.c smtp/mailbox.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "received.h"

#define D    " Tue, 3 Mar 2026 10:11:12 +0100"
#define WHEN INT64_C(1772529072)

/* NULL: must be absent */
struct shape {
    const char *text;
    enum smtp_received_status status;
    const char *from, *ip, *by, *with, *id, *rcpt;
};

static const struct shape shapes[] = {
    /* Postfix */
    { " from mail.example.org (mail.example.org [192.0.2.1])\r\n"
      "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
      "\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\r\n"
      "\t(No client certificate requested)\r\n"
      "\tby mx.example.net (Postfix) with ESMTPS id 4FxYz01abc\r\n"
      "\tfor <bob@example.net>;" D " (CET)\r\n",
      RECEIVED_OK, "mail.example.org", "192.0.2.1", "mx.example.net", "ESMTPS",
      "4FxYz01abc", "bob@example.net" },
    { " by host.example.net (Postfix, from userid 1000)\r\n\tid 0123ABCD;" D,
      RECEIVED_OK, NULL, NULL, "host.example.net", NULL, "0123ABCD", NULL },
    { " from localhost (unknown [IPv6:2001:db8::1]) by mx (Postfix) with "
      "LMTP id X;" D,
      RECEIVED_OK, "localhost", "2001:db8::1", "mx", "LMTP", "X", NULL },
    /* Exim */
    { " from [192.0.2.7] (port=4711 helo=client.example)\r\n"
      "\tby mx.example.net with esmtpsa  (TLS1.3) tls "
      "TLS_AES_128_GCM_SHA256\r\n"
      "\t(Exim 4.96)\r\n\t(envelope-from <a@example.org>)\r\n"
      "\tid 1rAbCd-0000Xy-2z\r\n\tfor bob@example.net;" D,
      RECEIVED_OK, "[192.0.2.7]", "192.0.2.7", "mx.example.net", "esmtpsa",
      "1rAbCd-0000Xy-2z", "bob@example.net" },
    { " from a.example ([192.0.2.8] helo=[203.0.113.9]) by mx.example.net "
      "with smtp (Exim 4.94) id 1x for b@example.net;" D,
      RECEIVED_OK, "a.example", "192.0.2.8", "mx.example.net", "smtp", "1x",
      "b@example.net" },
    /* sendmail, also its own mail */
    { " from a.example (b.example [192.0.2.9])\r\n"
      "\tby mx.example.net (8.17.1/8.17.1) with ESMTPS id 42ABCDEF012345\r\n"
      "\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NOT)"
      "\r\n\tfor <bob@example.net>;" D,
      RECEIVED_OK, "a.example", "192.0.2.9", "mx.example.net", "ESMTPS",
      "42ABCDEF012345", "bob@example.net" },
    { " (from root@localhost)\r\n\tby host.example (8.14.4/8.14.4/Submit) id "
      "x1;" D,
      RECEIVED_OK, NULL, NULL, "host.example", NULL, "x1", NULL },
    /* Exchange */
    { " from DB7.eurprd01.example (2603:10a6:10:a1::15) by\r\n"
      " AM6.eurprd01.example (2603:10a6:20b:e5::22) with Microsoft SMTP\r\n"
      " Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) "
      "id\r\n 15.20.7362.12;" D,
      RECEIVED_OK, "DB7.eurprd01.example", "2603:10a6:10:a1::15",
      "AM6.eurprd01.example", "Microsoft SMTP\r\n Server", "15.20.7362.12",
      NULL },
    { " from EX1.corp.example (10.1.2.3) by EX2.corp.example (10.1.2.4) "
      "with\r\n"
      " Microsoft SMTP Server id 15.1.2507.6 via Frontend Transport;" D,
      RECEIVED_OK, "EX1.corp.example", "10.1.2.3", "EX2.corp.example",
      "Microsoft SMTP Server", "15.1.2507.6", NULL },
    { " from mail pickup service by web.example with Microsoft SMTPSVC;" D,
      RECEIVED_OK, "mail", NULL, "web.example", "Microsoft SMTPSVC", NULL,
      NULL },
    /* qmail */
    { " (qmail 12345 invoked by uid 1000); 3 Mar 2026 09:11:12 -0000",
      RECEIVED_OK, NULL, NULL, NULL, NULL, NULL, NULL },
    { " (qmail 12345 invoked from network); 3 Mar 2026 09:11:12 -0000",
      RECEIVED_OK, NULL, NULL, NULL, NULL, NULL, NULL },
    { " from unknown (HELO 203.0.113.9) (192.0.2.10)\r\n  by mx.example.net "
      "with SMTP; 3 Mar 2026 09:11:12 -0000",
      RECEIVED_OK, "unknown", "192.0.2.10", "mx.example.net", "SMTP", NULL,
      NULL },
    /* Gmail */
    { " by 2002:a05:6402:1234:b0:5:6:7 with SMTP id a1csp12345edx;\r\n       " D
      " (PST)",
      RECEIVED_OK, NULL, NULL, "2002:a05:6402:1234:b0:5:6:7", "SMTP",
      "a1csp12345edx", NULL },
    { " from mail-sor-f41.google.example (mail-sor-f41.google.example. "
      "[209.85.220.41])\r\n        by mx.google.example with SMTPS id "
      "abc-7sor.1.2026.03.03\r\n        for <bob@example.net>\r\n        "
      "(Google Transport Security);\r\n       " D,
      RECEIVED_OK, "mail-sor-f41.google.example", "209.85.220.41",
      "mx.google.example", "SMTPS", "abc-7sor.1.2026.03.03",
      "bob@example.net" },
    /* Proofpoint, Cyrus, Dovecot, a web mailer, a list server */
    { " from pps.filterd (m0089730.ppops.example [127.0.0.1])\r\n\tby "
      "m0089730.ppops.example (8.17.1.19/8.17.1.19) with ESMTP id 3x9;" D,
      RECEIVED_OK, "pps.filterd", "127.0.0.1", "m0089730.ppops.example",
      "ESMTP", "3x9", NULL },
    { " from imap ([unix socket]) by imap.example (Cyrus 3.6.1) with LMTPA;" D,
      RECEIVED_OK, "imap", NULL, "imap.example", "LMTPA", NULL, NULL },
    { " from mx.example.net ([192.0.2.3])\r\n\tby box with LMTP\r\n\tid "
      "aBcD/E+f\r\n\t(envelope-from <a@example.org>)\r\n\tfor "
      "<bob@example.net>;" D,
      RECEIVED_OK, "mx.example.net", "192.0.2.3", "box", "LMTP", "aBcD/E+f",
      "bob@example.net" },
    { " from [192.0.2.5] by web.example via HTTP;" D, RECEIVED_OK,
      "[192.0.2.5]", "192.0.2.5", "web.example", NULL, NULL, NULL },
    { " FROM A BY B WITH C ID D FOR <E@F>;" D, RECEIVED_OK, "A", NULL, "B", "C",
      "D", "E@F" },
    /* odd, and still told apart */
    { " from (unknown [192.0.2.6]) by mx.example.net;" D, RECEIVED_OK, NULL,
      "192.0.2.6", "mx.example.net", NULL, NULL, NULL },
    { " from by by with with id id for for id;" D, RECEIVED_OK, "by", NULL,
      "with", "id", "for", "id" },
    { " from a (x) from b (y [192.0.2.1]) by c by d;" D, RECEIVED_OK, "a", NULL,
      "c", NULL, NULL, NULL },
    { " from a by b for <c@d>,<e@f>;" D, RECEIVED_OK, "a", NULL, "b", NULL,
      NULL, "<c@d>,<e@f>" },
    { " from \"a;b\" (x;(y\\)) z) by c;" D, RECEIVED_OK, "\"a;b\"", NULL, "c",
      NULL, NULL, NULL },
    /* a clause within a comment or quotes is none, behind a "\" either */
    { " from a (x\\) by evil) by c;" D, RECEIVED_OK, "a", NULL, "c", NULL, NULL,
      NULL },
    { " from \"a\\\" by evil\" by c;" D, RECEIVED_OK, "\"a\\\" by evil\"", NULL,
      "c", NULL, NULL, NULL },
    { " from a) by b;" D, RECEIVED_OK, "a", NULL, "b", NULL, NULL, NULL },
    { " from a(x [192.0.2.1]) by b(y);" D, RECEIVED_OK, "a", "192.0.2.1", "b",
      NULL, NULL, NULL },
    { " from a () by b;" D, RECEIVED_OK, "a", NULL, "b", NULL, NULL, NULL },
    { " from a ([999.1.1.1] [x] 1:2) by b;" D, RECEIVED_OK, "a", NULL, "b",
      NULL, NULL, NULL },
    { " from a\\ by b\\;" D, RECEIVED_OK, "a\\", NULL, "b\\", NULL, NULL,
      NULL },
    { " from a by b; id 3 ;" D, RECEIVED_OK, "a", NULL, "b", NULL, "3", NULL },
    /* without a date */
    { " from a by b", RECEIVED_NO_DATE, "a", NULL, "b", NULL, NULL, NULL },
    { " from a by b;", RECEIVED_NO_DATE, "a", NULL, "b", NULL, NULL, NULL },
    { " from a by b; yesterday", RECEIVED_NO_DATE, "a", NULL, "b", NULL, NULL,
      NULL },
    { " from a by b" D, RECEIVED_NO_DATE, "a", NULL, "b", NULL, NULL, NULL },
    { " from a by b; Mon Jan  2 15:04:05 2006", RECEIVED_NO_DATE, "a", NULL,
      "b", NULL, NULL, NULL },
    /* nothing to be read */
    { "", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " \r\n ", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { ";", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { D, RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { ";" D, RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " from", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " hello world;" D, RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " with SMTP id 3;" D, RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " from a (b by c;" D, RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " from \"a by c;" D, RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " (", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " )", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " \"\\", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
    { " (\\", RECEIVED_UNPARSED, 0, 0, 0, 0, 0, 0 },
};

static void is(struct smtp_str got, const char *want, const char *what,
               const char *text)
{
    if (want == NULL)
        want = "";
    if (!CHECK_MEM(got.p, got.len, want, strlen(want)))
        printf("  %s of %s\n", what, text);
}

static void reading(void)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *s = &shapes[i];
        size_t n = strlen(s->text);
        char *block = malloc(n + 1);
        struct smtp_received r;

        if (block == NULL)
            abort();
        memcpy(block + 1, s->text, n); /* its end is the end of the block */
        smtp_received_parse((struct smtp_str){ block + 1, n }, &r);
        if (!CHECK_EQ(r.status, s->status))
            printf("  %s: %s\n", s->text, r.why != NULL ? r.why : "");
        CHECK_EQ(r.why == NULL, r.status == RECEIVED_OK);
        is(r.from, s->from, "from", s->text);
        is(r.ip, s->ip, "ip", s->text);
        is(r.by, s->by, "by", s->text);
        is(r.with, s->with, "with", s->text);
        is(r.id, s->id, "id", s->text);
        is(r.rcpt, s->rcpt, "for", s->text);
        if (r.status == RECEIVED_OK)
            CHECK_EQ(r.date.seconds, WHEN);
        free(block);
    }
}

/* Why there is no date. */
static void reasons(void)
{
    static const char *const table[][2] = {
        { " from a by b", "there is no date" },
        { " from a by b;", "the date cannot be read" },
        { " from a by b; yesterday", "the date cannot be read" },
    };
    struct smtp_received r;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        smtp_received_parse(
            (struct smtp_str){ table[i][0], strlen(table[i][0]) }, &r);
        CHECK_EQ(r.status, RECEIVED_NO_DATE);
        CHECK_STR(r.why, table[i][1]);
    }
}

static struct smtp_str str(const char *p)
{
    return (struct smtp_str){ p, strlen(p) };
}

static struct smtp_received made(void)
{
    struct smtp_received r = { 0 };

    r.from = str("client.example");
    r.from_info = str("host.example");
    r.ip = str("192.0.2.1");
    r.by = str("mx.example.net");
    r.via = str("TCP");
    r.with = str("ESMTPSA");
    r.id = str("12.ab");
    r.rcpt = str("\"b c\"@example.net");
    r.date.seconds = WHEN;
    r.date.zone = 60;
    return r;
}

static void printing(void)
{
    static const char want[] =
        "Received: from client.example (host.example [192.0.2.1])\r\n"
        "\tby mx.example.net via TCP with ESMTPSA id 12.ab\r\n"
        "\tfor <\"b c\"@example.net>;\r\n\tTue, 3 Mar 2026 10:11:12 +0100\r\n";
    struct smtp_received r = made(), back;
    char out[400];
    size_t n = smtp_received_print(&r, out, sizeof out);

    CHECK_MEM(out, n, want, sizeof want - 1);
    for (size_t cap = 0; cap < n; cap++)
        CHECK_EQ(smtp_received_print(&r, out, cap), 0);
    n = smtp_received_print(&r, out, sizeof out);
    smtp_received_parse((struct smtp_str){ out + 9, n - 9 }, &back);
    CHECK_EQ(back.status, RECEIVED_OK);
    is(back.from, "client.example", "from", out);
    is(back.from_info, "host.example [192.0.2.1]", "info", out);
    is(back.ip, "192.0.2.1", "ip", out);
    is(back.via, "TCP", "via", out);
    is(back.rcpt, "\"b c\"@example.net", "for", out);
    CHECK_EQ(back.date.seconds, WHEN);
    CHECK_EQ(back.date.zone, 60);

    r = (struct smtp_received){ .from = str("[IPv6:::1]"),
                                .by = str("mx"),
                                .ip = str("2001:db8::1") };
    n = smtp_received_print(&r, out, sizeof out);
    CHECK_MEM(out, n,
              "Received: from [IPv6:::1] ([IPv6:2001:db8::1])\r\n\tby mx;\r\n"
              "\tThu, 1 Jan 1970 00:00:00 +0000\r\n",
              90);
    r.ip.len = 0;
    n = smtp_received_print(&r, out, sizeof out);
    CHECK(n != 0 && memchr(out, '(', n) == NULL);
}

/* What would break the field, or the next one, is not written. */
static void not_printed(void)
{
    static const char *const bad[] = { "a b",   "a\r\nb",  "a\tb", "a(b",
                                       "a)b",   "a;b",     "a\"b", "a\\b",
                                       "a\x7f", "\xc3\xa4" };
    char out[400];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (unsigned k = 0; k < 8; k++) {
            struct smtp_received r = made();
            struct smtp_str *const parts[] = { &r.from, &r.from_info, &r.ip,
                                               &r.by,   &r.via,       &r.with,
                                               &r.id,   &r.rcpt };

            *parts[k] = str(bad[i]);
            if (!CHECK_EQ(smtp_received_print(&r, out, sizeof out), 0))
                printf("  part %u: %s\n", k, bad[i]);
        }
    struct smtp_received r = made();

    r.from.len = 0;
    CHECK_EQ(smtp_received_print(&r, out, sizeof out), 0);
    r = made();
    r.by.len = 0;
    CHECK_EQ(smtp_received_print(&r, out, sizeof out), 0);
    r = made();
    r.date.seconds = INT64_MAX;
    CHECK_EQ(smtp_received_print(&r, out, sizeof out), 0);
    r = made();
    r.ip = str("1234567890123456789012345678901234567890123456789012345678901"
               "2345678901234567890");
    CHECK_EQ(smtp_received_print(&r, out, sizeof out), 0);
}

static size_t route(const char *text, struct smtp_hop *hops, size_t max)
{
    return smtp_route((const uint8_t *)text, strlen(text), hops, max);
}

static void way(void)
{
    static const char text[] =
        "Return-Path: <a@example.org>\r\n"
        "Received: from mx.example.net (mx.example.net. [192.0.2.2])\r\n"
        "\tby box.example.net with LMTP; Tue, 3 Mar 2026 10:11:20 +0100\r\n"
        "RECEIVED: from out.example.org (relay.example.org [192.0.2.1])\r\n"
        "\tby MX.example.net. with ESMTPS; Tue, 3 Mar 2026 09:11:12 +0000\r\n"
        "Received: garbage\r\n"
        "Received: from pc by relay.example.org; 3 Mar 2026 01:11:20 -0800\r\n"
        "Received: (qmail 1 invoked by uid 2); 3 Mar 2026 09:11:00 -0000\r\n"
        "Subject: x\r\n\r\nReceived: from body by body\r\n";
    struct smtp_hop hops[8];

    if (!CHECK_EQ(route(text, hops, 8), 5))
        return;
    is(hops[1].received.by, "relay.example.org", "by", "1");
    is(hops[4].received.by, "box.example.net", "by", "4");
    CHECK_EQ(hops[2].received.status, RECEIVED_UNPARSED);
    CHECK(!hops[0].has_delay && !hops[0].linked);
    CHECK(hops[1].has_delay && !hops[1].linked);
    CHECK_EQ(hops[1].delay, 20);
    CHECK(!hops[2].has_delay && !hops[2].linked);
    CHECK(hops[3].has_delay && !hops[3].linked);
    CHECK_EQ(hops[3].delay, -8); /* clocks differ */
    CHECK(hops[4].has_delay && hops[4].linked);
    CHECK_EQ(hops[4].delay, 8);

    CHECK_EQ(route(text, hops, 2), 5); /* the newest two */
    is(hops[0].received.by, "MX.example.net.", "by", "0");
    is(hops[1].received.by, "box.example.net", "by", "1");
    CHECK(!hops[0].has_delay && hops[1].has_delay);
    CHECK_EQ(route(text, NULL, 0), 5);
    CHECK_EQ(route("Subject: x\r\n\r\n", hops, 8), 0);
    CHECK_EQ(route("", hops, 8), 0);

    CHECK_EQ(route("Received: from a (x.example [192.0.2.1]) by b;\r\n"
                   "Received: from c by X.example;\r\n\r\n",
                   hops, 8),
             2);
    CHECK(hops[1].linked);
    CHECK_EQ(route("Received: from x.example. by b;\r\n"
                   "Received: from c by x.example;\r\n\r\n",
                   hops, 8),
             2);
    CHECK(hops[1].linked); /* the dot ends a name, it is no part of it */
    CHECK_EQ(route("Received: from . by b;\r\n"
                   "Received: from c by .;\r\n\r\n",
                   hops, 8),
             2);
    CHECK(!hops[1].linked);
}

/* Any bytes at all: no crash, strings within the text. */
static void noise(void)
{
    static const char *const pieces[] = {
        "from ", "by ",  "for ", "id ",   "(",
        ")",     "\"",   "\\",   ";",     "[1.2.3.4]",
        "<",     ">",    "a",    "\r\n ", "1 Jan 1970 00:00:00 Z",
        "helo=", "\xff",
    };
    uint64_t state = check_seed;

    for (int k = 0; k < 200000; k++) {
        char text[200];
        size_t n = 0;
        struct smtp_received r;

        while (n < 150 && check_random(&state) % 12 != 0) {
            const char *p =
                pieces[check_random(&state) % (sizeof pieces / sizeof *pieces)];

            memcpy(text + n, p, strlen(p));
            n += strlen(p);
        }
        smtp_received_parse((struct smtp_str){ text, n }, &r);
        CHECK(r.from.len <= n && r.by.len <= n && r.ip.len <= n);
        if (r.status == RECEIVED_UNPARSED)
            CHECK(r.why != NULL && r.from.len == 0 && r.by.len == 0);
    }
}

static const struct check_case cases[] = {
    { "reading", reading },   { "reasons", reasons },
    { "printing", printing }, { "not_printed", not_printed },
    { "way", way },           { "noise", noise },
};
CHECK_MAIN(cases)
