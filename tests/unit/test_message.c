/*
 * test_message.c - the message stream: what comes out, that it does not
 * depend on how it is pulled, that the size announced is the size sent, and
 * everything that must be refused before a byte leaves.
 */
/* sources: smtp/message.c smtp/check.c smtp/stream.c smtp/fields.c
            smtp/parts.c smtp/addrlist.c smtp/mailbox.c smtp/header.c
            smtp/mime.c smtp/qp.c smtp/scan.c smtp/recode.c smtp/idna.c
            smtp/date.c smtp/base64.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "message.h"

static struct message m;
static struct message_spec spec;
static struct message_error err;
static struct smtp_str to[200];
static struct message_file attach[4];
static uint8_t *text_copy;

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static void reset(void)
{
    memset(&spec, 0, sizeof spec);
    spec.from = str("robot@example.net");
    spec.message_id = str("1.2@example.net");
    spec.date = 1795466540; /* Mon, 23 Nov 2026 20:42:20 +0000 */
    spec.to = to;
    spec.attach = attach;
    spec.add_date = spec.add_msgid = spec.add_from = spec.remove_bcc = true;
    memset(spec.random, 0xa5, sizeof spec.random);
}

/* In a block of its exact size, so that a byte too far is seen. */
static bool open_bytes(const void *text, size_t len)
{
    free(text_copy);
    text_copy = malloc(len != 0 ? len : 1);
    memcpy(text_copy, text, len);
    spec.text = text_copy;
    spec.text_len = len;
    return message_open(&m, &spec, &err);
}

static bool open_text(const char *text)
{
    return open_bytes(text, strlen(text));
}

static uint8_t *pulled;
static size_t pulled_len;

/* Pulls the whole stream in steps of at most chunk bytes. */
static void pull(size_t chunk)
{
    size_t cap = 4096, n;
    const uint8_t *p;

    free(pulled);
    pulled = malloc(cap);
    pulled_len = 0;
    message_rewind(&m);
    while (p = message_buf(&m, &n), n != 0) {
        n = n < chunk ? n : chunk;
        if (cap - pulled_len < n) {
            uint8_t *more = realloc(pulled, cap = cap * 2 + n);

            if (more == NULL)
                abort();
            pulled = more;
        }
        memcpy(pulled + pulled_len, p, n);
        pulled_len += n;
        message_ack(&m, n);
        message_ack(&m, 0);
    }
}

/* octets with CRLF line ends and one at the end */
static uint64_t wire_size(void)
{
    uint64_t n = pulled_len;
    size_t i;

    for (i = 0; i < pulled_len; i++)
        n += pulled[i] == '\n' && (i == 0 || pulled[i - 1] != '\r');
    return pulled_len != 0 && pulled[pulled_len - 1] != '\n' ? n + 2 : n;
}

static bool is(const char *want)
{
    pull(SIZE_MAX);
    return CHECK_MEM(pulled, pulled_len, want, strlen(want)) &&
           CHECK_EQ(message_size(&m), wire_size());
}

/* Every way of pulling gives the same bytes. */
static void any_chunk(void)
{
    static const size_t chunks[] = { 1, 2, 3, 5, 7, 64, 77, 78, 79, 1000 };
    uint8_t *whole;
    size_t len, i;

    pull(SIZE_MAX);
    CHECK_EQ(message_size(&m), wire_size());
    len = pulled_len;
    whole = malloc(len + 1);
    memcpy(whole, pulled, len);
    for (i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        pull(chunks[i]);
        CHECK_MEM(pulled, pulled_len, whole, len);
    }
    free(whole);
}

#define MADE "From: robot@example.net\r\n"
#define DATED                                   \
    "Date: Mon, 23 Nov 2026 20:42:20 +0000\r\n" \
    "Message-ID: <1.2@example.net>\r\n"
#define PLAIN               \
    "MIME-Version: 1.0\r\n" \
    "Content-Type: text/plain; charset=utf-8\r\n"

static void made_header(void)
{
    reset();
    to[0] = str("a@b");
    to[1] = str("c@d");
    spec.to_count = 2;
    spec.subject = str("hello");
    CHECK(open_text("disk full\nno newline"));
    is(MADE "To: a@b,\r\n c@d\r\nSubject: hello\r\n" DATED PLAIN
            "Content-Transfer-Encoding: 7bit\r\n\r\ndisk full\nno newline");
    CHECK_EQ(message_content(&m), SMTP_7BIT);
    any_chunk();
    reset();
    CHECK(open_text(""));
    is(MADE "To: undisclosed-recipients:;\r\n" DATED PLAIN
            "Content-Transfer-Encoding: 7bit\r\n\r\n");
    spec.text = NULL;
    CHECK(message_open(&m, &spec, &err));
    /* a first line like these is no header */
    CHECK(open_text("https://x is down\n"));
    pull(SIZE_MAX);
    CHECK(strstr((char *)pulled, "\r\n\r\nhttps://x") != NULL);
    CHECK(open_text("two words: x\n"));
    CHECK(open_text(" folded: x\n"));
    CHECK(open_text("\nSubject: not a header\n"));
    is(MADE "To: undisclosed-recipients:;\r\n" DATED PLAIN
            "Content-Transfer-Encoding: 7bit\r\n\r\nSubject: not a header\n");
}

static void charset(void)
{
    reset();
    CHECK(open_text("Gr\xc3\xbc\xc3\x9f"
                    "e\n"));
    is(MADE "To: undisclosed-recipients:;\r\n" DATED PLAIN
            "Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
            "e\n");
    CHECK_EQ(message_content(&m), SMTP_8BIT);
    CHECK(open_text("Gr\xfc\xdf"
                    "e\n"));
    is(MADE "To: undisclosed-recipients:;\r\n" DATED "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=unknown-8bit\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdf"
            "e\n");
}

static void kept_header(void)
{
    reset();
    CHECK(open_text("Subject: x\r\nX-A: 1\n fold\r\n\r\nb\r\n.\nz\n"));
    is(MADE DATED "Subject: x\r\nX-A: 1\n fold\r\n\r\nb\r\n.\nz\n");
    any_chunk();
    CHECK(open_text("From joe Mon Nov 23\nfrom: me@x\nDATE: d\n"
                    "message-id:\n <own@id>\n\nb"));
    is("from: me@x\nDATE: d\nmessage-id:\n <own@id>\n\nb");
    CHECK_MEM(message_id(&m).p, message_id(&m).len, "own@id", 6);
    any_chunk();
    spec.replace_from = true;
    CHECK(open_text("X-A: 1\nFrom: me@x,\n you@y\nDate: d\nMessage-ID: <i>\n"
                    "\nb\n"));
    is(MADE "X-A: 1\nDate: d\nMessage-ID: <i>\n\nb\n");
    reset();
    spec.add_date = spec.add_msgid = spec.add_from = false;
    CHECK(open_text("X-A: 1\n"));
    is("X-A: 1\n");
    CHECK_EQ(message_id(&m).len, 0);
    reset();
    spec.date = -1;
    CHECK(open_text("X-A: 1\n\n"));
    is(MADE "Message-ID: <1.2@example.net>\r\nX-A: 1\n\n");
}

/* Lines that look like a header, and are not. */
static void plain_text(void)
{
    static const char *const texts[] = {
        "Warning: disk full",   "web1: disk full\nwhat now?\n",
        "Error: a\n\nmore\n",   "From here on it went wrong\nbadly\n",
        "From x\n\nTo: a@b\n",  "https://example.net/\n",
        " Subject: indented\n", "Result : 5\nTo : x\n"
    };
    char want[300];
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        reset();
        spec.add_date = spec.add_msgid = spec.add_from = false;
        CHECK(open_text(texts[i]));
        snprintf(want, sizeof want,
                 "To: undisclosed-recipients:;\r\n" PLAIN
                 "Content-Transfer-Encoding: 7bit\r\n\r\n%s",
                 texts[i]);
        is(want);
    }
    /* one field of mail's makes all of it a header */
    CHECK(open_text("Warning: x\nList-Id: <y>\n\nz"));
    is("Warning: x\nList-Id: <y>\n\nz");
    CHECK(!open_text("Subject: x\nno field\n\nz"));
    CHECK_EQ(err.line, 2);
    /* nor is "Bcc :" text that everybody may see */
    CHECK(!open_text("Warning: x\nresent-BCC \t: y\n\nz"));
    CHECK_EQ(err.line, 2);
    CHECK(!open_text("From x\nBcc : y\nz"));
    CHECK_EQ(err.line, 2);
    /* nor does a lone CR make the empty line before the text */
    CHECK(open_text("\rX"));
    is("To: undisclosed-recipients:;\r\n" PLAIN
       "Content-Transfer-Encoding: quoted-printable\r\n\r\n=0DX");
    CHECK(open_text("Bcc is a field\n"));
    CHECK(open_text("Bccs : y\n"));
}

static void removed(void)
{
    static const char text[] = "BCC: a@b,\n c@d\nTo: e@f\nbcc: g\nCc: h@i\n"
                               "Bccx: j\n\nBcc: body\n";

    reset();
    spec.add_date = spec.add_msgid = spec.add_from = false;
    CHECK(open_text(text));
    is("To: e@f\nCc: h@i\nBccx: j\n\nBcc: body\n");
    spec.remove_bcc = false;
    CHECK(open_text(text));
    is(text);
    spec.undisclosed = true;
    CHECK(open_text(text));
    is("To: undisclosed-recipients:;\r\nBccx: j\n\nBcc: body\n");
    CHECK(open_text("X-A: 1\nBcc: a@b"));
    is("To: undisclosed-recipients:;\r\nX-A: 1\n");
    spec.undisclosed = false;
    spec.remove_bcc = true;
    CHECK(open_text("Resent-Bcc: a@b,\n c@d\nResent-To: e@f\nX-A: 1\n\n"));
    is("Resent-To: e@f\nX-A: 1\n\n");
}

static void subjects(void)
{
    reset();
    spec.add_date = spec.add_msgid = spec.add_from = false;
    spec.subject = str("0123456789 0123456789 0123456789 0123456789 "
                       "0123456789 0123456789  0123456789 0123456789");
    CHECK(open_text("x"));
    is("To: undisclosed-recipients:;\r\n"
       "Subject: 0123456789 0123456789 0123456789 0123456789 0123456789\r\n"
       " 0123456789  0123456789 0123456789\r\n" PLAIN
       "Content-Transfer-Encoding: 7bit\r\n\r\nx");
    any_chunk();
    /* a header without one gets it, a header with one keeps its own */
    spec.subject = str("s t");
    CHECK(open_text("X-A: 1\n\nx"));
    is("Subject: s t\r\nX-A: 1\n\nx");
    CHECK(open_text("subject:\nX-A: 1\n\nx"));
    is("subject:\nX-A: 1\n\nx");
    /* blanks at the ends would be lost */
    spec.subject = str("ends so ");
    CHECK(open_text("X-A: 1\n\nx"));
    is("Subject: =?utf-8?B?ZW5kcyBzbyA=?=\r\nX-A: 1\n\nx");
    spec.subject = str(" begins so");
    CHECK(open_text("X-A: 1\n\nx"));
    is("Subject: =?utf-8?B?IGJlZ2lucyBzbw==?=\r\nX-A: 1\n\nx");
    spec.subject = str("a =?b");
    CHECK(open_text("x"));
    is("To: undisclosed-recipients:;\r\n"
       "Subject: =?utf-8?B?YSA9P2I=?=\r\n" PLAIN
       "Content-Transfer-Encoding: 7bit\r\n\r\nx");
    /* 21 + 21 two-byte characters: no word cuts one */
    spec.subject = str("x\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                       "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                       "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                       "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
    CHECK(open_text("x"));
    is("To: undisclosed-recipients:;\r\n"
       "Subject: =?utf-8?B?eMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDp"
       "MOk?=\r\n =?utf-8?B?w6TDpMOk?=\r\n" PLAIN
       "Content-Transfer-Encoding: 7bit\r\n\r\nx");
    any_chunk();
}

static void names(void)
{
    reset();
    spec.add_date = spec.add_msgid = false;
    spec.from_name = str("The \"Robot\"");
    CHECK(open_text("X-A: 1\n\n"));
    is("From: \"The \\\"Robot\\\"\" <robot@example.net>\r\nX-A: 1\n\n");
    spec.from_name = str("J\xc3\xb6rg");
    CHECK(open_text("X-A: 1\n\n"));
    is("From: =?utf-8?B?SsO2cmc=?= <robot@example.net>\r\nX-A: 1\n\n");
}

#define EDGE "=_a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define MIXED                                                          \
    "MIME-Version: 1.0\r\n"                                            \
    "Content-Type: multipart/mixed;\r\n boundary=\"" EDGE "\"\r\n\r\n" \
    "--" EDGE "\r\n"
#define FILE_HEAD(type)                            \
    "\r\n--" EDGE "\r\nContent-Type: " type "\r\n" \
    "Content-Transfer-Encoding: base64\r\n"        \
    "Content-Disposition: attachment"

static void attachments(void)
{
    reset();
    spec.add_date = spec.add_msgid = spec.add_from = false;
    attach[0] =
        (struct message_file){ str("dir/a.TXT"), (const uint8_t *)"hello", 5 };
    attach[1] = (struct message_file){ str("b \"q\".bin"), NULL, 0 };
    spec.attach_count = 2;
    CHECK(open_text("Subject: s\nContent-Type: text/html;\n charset=utf-8\n"
                    "mime-version: 1.0\nX-A: 1\n\n<p>\n"));
    is("Subject: s\nX-A: 1\n" MIXED "Content-Type: text/html;\n charset=utf-8\n"
       "Content-Transfer-Encoding: 7bit\r\n\r\n<p>\n" FILE_HEAD(
           "text/plain; charset=utf-8") ";\r\n filename=\"a.TXT\"\r\n"
                                        "\r\naGVsbG8=\r\n" FILE_HEAD(
                                            "application/octet-stream") ";\r\n "
                                                                        "filena"
                                                                        "me="
                                                                        "\"b "
                                                                        "\\\"q"
                                                                        "\\\"."
                                                                        "bin\""
                                                                        "\r\n\r"
                                                                        "\n\r\n"
                                                                        "-"
                                                                        "-" EDGE
                                                                        "--"
                                                                        "\r\n");
    any_chunk();
    spec.attach_count = 1;
    attach[0].name = str("Gr\xc3\xbc\xc3\x9f"
                         "e");
    CHECK(open_text("Content-Type: text/html"));
    is(MIXED
       "Content-Type: text/html\r\n"
       "Content-Transfer-Encoding: 7bit\r\n\r\n" FILE_HEAD(
           "application/octet-stream") ";\r\n "
                                       "filename*0*=utf-8''Gr%C3%BC%C3%9Fe\r\n"
                                       "\r\naGVsbG8=\r\n\r\n--" EDGE "--\r\n");
    any_chunk();
}

/* Our boundary in the text, at a line's start: another one is taken. */
static void boundary(void)
{
    reset();
    attach[0] = (struct message_file){ str("x"), (const uint8_t *)"x", 1 };
    spec.attach_count = 1;
    CHECK(open_text("x\n--" EDGE "--\n"));
    pull(SIZE_MAX);
    pulled[pulled_len - 1] = '\0';
    CHECK(strstr((char *)pulled, "=_a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a6a\"") !=
          NULL);
}

static void big(void)
{
    static uint8_t data[5000];
    static char body[200000];
    static char name[256];
    size_t i;

    reset();
    for (i = 0; i < sizeof body - 1; i++)
        body[i] = i % 61 == 60 ? '\n' : i % 997 == 5 ? '\xe9' : '.';
    for (i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    memset(name, '\xfc', 255);
    for (i = 0; i < 200; i++)
        to[i] = str("somebody.with.a.long.name@example.net");
    spec.to_count = 200;
    spec.attach_count = 3;
    attach[0] = (struct message_file){ str(name), data, sizeof data };
    attach[1] = (struct message_file){ str("b"), data, 1026 };
    attach[2] = (struct message_file){ str("c"), data, 1025 };
    CHECK(open_bytes(body, sizeof body - 1));
    any_chunk();
}

static bool has(const char *text)
{
    return memmem(pulled, pulled_len, text, strlen(text)) != NULL;
}

/* A line that begins with a lone CR is not the empty one. */
static void repaired_cr(void)
{
    reset();
    spec.repair = true;
    CHECK(!open_text("To: x@y\n\rtwo words\n\nbody\n"));
    CHECK_EQ(err.line, 2);
    CHECK_STR(err.why, "neither a header field nor a continued one, and no "
                       "empty line before it ends the header");
}

/* Comments stay as they are, those within others as well. */
static void comments(void)
{
    reset();
    CHECK(open_text("To: \xc3\xa4 <a@b> (x (y)(z))\n\nx"));
    any_chunk();
    CHECK(has(" (x (y)(z))"));
    /* nor does a word that must be encoded get a blank in front */
    CHECK(open_text("To: a@b (\xc3\xa4), c@d (x (\xc3\xa4))\n\nx"));
    any_chunk();
    CHECK(has("a@b (=?utf-8?B?w6Q=?=)"));
    CHECK(has("c@d (x (=?utf-8?B?w6Q=?=))"));
}

/* What stands in a file cannot end its part, wherever the file is. */
static void marked_file(void)
{
    static const char marked[] = "\r\n--" EDGE "--\r\n", page[] = "<p>\n";
    const struct smtp_offers all = { true, true, true };
    struct message_file file = { str("a.png"), (const uint8_t *)"\0", 1 };

    for (int way = 0; way < 3; way++) {
        reset();
        spec.html = (const uint8_t *)page;
        spec.html_len = strlen(page);
        spec.inlined = &file;
        spec.inlined_count = 1;
        spec.attach_count = 1;
        attach[0] = (struct message_file){ str("b"), (const uint8_t *)"\0", 1 };
        if (way != 0) /* in one of them */
            *(way == 1 ? &file : &attach[0]) =
                (struct message_file){ str("c"), (const uint8_t *)marked,
                                       strlen(marked) };
        CHECK(open_text("Subject: s\n\nhello\n"));
        CHECK(message_fit(&m, all, &err));
        CHECK_EQ(message_content(&m), way == 0 ? SMTP_BINARY : SMTP_7BIT);
        any_chunk();
        CHECK_EQ(has(marked + 2), true); /* the end of it all */
    }
}

/* Bytes of no character set: as many words as they take, none too long. */
static void odd_bytes(void)
{
    static char text[200];
    const uint8_t *line, *end;

    for (size_t n = 30; n < 150; n++) {
        memcpy(text, "Subject: ", 9);
        memset(text + 9, 0xfc, n);
        memcpy(text + 9 + n, "\n\nx", 4);
        reset();
        CHECK(open_text(text));
        any_chunk();
        for (line = pulled;
             (end = memchr(line, '\n', pulled_len - (size_t)(line - pulled))) !=
             NULL;
             line = end + 1)
            CHECK(end - line <= 77); /* with its CR */
    }
}

/* A line is as long as it may be, and then it is folded. */
static void full_lines(void)
{
    static char words[100];

    for (size_t n = 40; n < 90; n++) {
        memset(words, 'x', n);
        words[20] = ' ';
        words[n] = '\0';
        reset();
        spec.subject = str(words);
        CHECK(open_text("X-A: 1\n\nx"));
        pull(SIZE_MAX);
        CHECK_EQ(has("\r\n xxxx"), strlen("Subject: ") + n > 76);
    }
}

/* Each form of the text in a part of its own. */
static void html(void)
{
    static const char page[] = "<p>Gr\xc3\xbc\xc3\x9f"
                               "e</p>\n";

    reset();
    spec.html = (const uint8_t *)page;
    spec.html_len = strlen(page);
    CHECK(open_text("Subject: s\n\nhello\n"));
    any_chunk();
    CHECK(has("Content-Type: multipart/alternative;\r\n boundary=\""));
    CHECK(has("Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: 7bit\r\n\r\nhello\n\r\n--"));
    CHECK(has("Content-Type: text/html; charset=utf-8\r\n"
              "Content-Transfer-Encoding: 8bit\r\n\r\n<p>Gr\xc3\xbc\xc3\x9f"
              "e</p>\n\r\n--"));
}

struct bad {
    const char *text;
    size_t len; /* 0: strlen */
    unsigned line;
    const char *why;
};

#define HEAD "To: x\n\n"

static void refused(void)
{
    static char exact[1100], much[1100];
    static const struct bad bad[] = {
        { HEAD "a\rb\n", 0, 3, "carriage return that no line feed follows" },
        { HEAD "a\n\r\r\n", 0, 4, "carriage return that no line feed follows" },
        { HEAD "a\nb\r", 0, 4, "carriage return that no line feed follows" },
        { HEAD "a\nb\0c\n", 14, 4, "NUL character" },
        { HEAD "01234567\0", 17, 3, "NUL character" },
        { HEAD "a\n\0\r", 12, 4, "NUL character" },
        { HEAD "\0\n\rx", 12, 3, "NUL character" },
        { HEAD "a\r\n\r\0", 13, 4, "NUL character" },
        { HEAD "\rx\n\0", 11, 3, "carriage return that no line feed follows" },
        { "To: \0\n\nx", 8, 1, "NUL character" },
        { "To: a\rCc: b\n\nx", 0, 1,
          "carriage return that no line feed follows" },
        { "Subject: x\nbody\n", 0, 2,
          "neither a header field nor a continued one, and no empty line "
          "before it ends the header" },
        { "From x\nSubject: x\nTwo words: x\n\n", 0, 3,
          "neither a header field nor a continued one, and no empty line "
          "before it ends the header" },
        { "Subject: x\na\nb", 0, 2,
          "neither a header field nor a continued one, and no empty line "
          "before it ends the header" },
        { "Subject: x\n\rX", 0, 2,
          "neither a header field nor a continued one, and no empty line "
          "before it ends the header" },
        { "Subject: x\n\r", 0, 2,
          "neither a header field nor a continued one, and no empty line "
          "before it ends the header" },
        { "To: x\nBcc ", 0, 2,
          "neither a header field nor a continued one, and no empty line "
          "before it ends the header" },
        { "Subject: x\nTo: a\001b\n\n", 0, 2,
          "control character in the header" },
        { "Subject: x\x7f\n\n", 0, 1, "control character in the header" },
    };
    size_t i;

    reset();
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!open_bytes(bad[i].text,
                          bad[i].len ? bad[i].len : strlen(bad[i].text)));
        CHECK_STR(err.why, bad[i].why);
        CHECK_EQ(err.line, bad[i].line);
    }
    memset(exact, 'x', 998);
    memcpy(exact, "To: ", 4);
    memcpy(exact + 998, "\r\ny:", 5);
    CHECK(open_text(exact));
    memset(much, 'x', 999);
    memcpy(much, "To: ", 4);
    memcpy(much + 999, "\ny:", 4);
    CHECK(!open_text(much));
    CHECK_STR(err.why, "line of more than 998 octets");
    CHECK(open_text("control \001\x1b in the body\n"));
}

static void refused_spec(void)
{
    reset();
    spec.from = str("");
    CHECK(!open_text("x"));
    CHECK_STR(err.why, "it has no From field, and there is no sender to make "
                       "one of");
    CHECK(open_text("From: x\n"));
    reset();
    spec.from = str("a@b\r\nBcc: x");
    CHECK(!open_text("x"));
    reset();
    spec.from_name = str("a\nb");
    CHECK(!open_text("x"));
    reset();
    spec.subject = str("a\nBcc: x");
    CHECK(!open_text("x"));
    reset();
    to[0] = str("a@b\n");
    spec.to_count = 1;
    CHECK(!open_text("x"));
    reset();
    spec.message_id = str("a\x7f@b");
    CHECK(!open_text("x"));
    spec.message_id = str("a b");
    CHECK(!open_text("x"));
    CHECK(open_text("Message-ID: <x>\n"));
    reset();
    spec.attach_count = 1;
    attach[0].name = str("a\nb");
    CHECK(!open_text("x"));
    attach[0].name = str("a/");
    CHECK(!open_text("x"));
}

static void dates(void)
{
    static const struct {
        int64_t t;
        const char *want;
    } d[] = {
        { 0, "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nX-A: 1\n" },
        { 951782399, "Date: Mon, 28 Feb 2000 23:59:59 +0000\r\nX-A: 1\n" },
        { 951782400, "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\nX-A: 1\n" },
        { 4107542400, "Date: Mon, 1 Mar 2100 00:00:00 +0000\r\nX-A: 1\n" },
        { 253402300799, "Date: Fri, 31 Dec 9999 23:59:59 +0000\r\nX-A: 1\n" },
        { 253402300800, "X-A: 1\n" },
    };
    size_t i;

    reset();
    spec.add_msgid = spec.add_from = false;
    for (i = 0; i < sizeof d / sizeof *d; i++) {
        spec.date = d[i].t;
        CHECK(open_text("X-A: 1\n"));
        is(d[i].want);
    }
}

static void rcpt_is(const char *text, const char *want)
{
    char got[512] = "";
    struct smtp_str s;
    size_t at = 0, len = strlen(text);

    free(text_copy);
    text_copy = malloc(len != 0 ? len : 1);
    memcpy(text_copy, text, len);
    while (message_next_rcpt(text_copy, len, &at, &s))
        snprintf(got + strlen(got), sizeof got - strlen(got), "[%.*s]",
                 (int)s.len, s.p);
    CHECK_STR(got, want);
    CHECK(!message_next_rcpt(text_copy, len, &at, &s));
}

static void recipients(void)
{
    rcpt_is("", "");
    rcpt_is("To: a@b\n", "[a@b]");
    rcpt_is("to:a@b", "[a@b]");
    rcpt_is("To: a@b, A B <c@d>,\n \"x, <y>\" (c, (d)) <e@f> (z)\nX: q@r\n"
            "CC: g@h\r\nBcc: i@j,\r\n\tk@l\r\n\r\nTo: m@n\n",
            "[a@b][c@d][e@f][g@h][i@j][k@l]");
    rcpt_is("To: undisclosed-recipients:;\nCc: g: a@b, c@d;, e@f\n\n",
            "[a@b][c@d][e@f]");
    rcpt_is("To: <@r,@s:a@b>, \"q r\"@t (c), u@v (w), < x@y >\n\n",
            "[a@b][\"q r\"@t][u@v][x@y]");
    rcpt_is("To: ,, ;\nCc:\n\n", "");
    rcpt_is("To: \"open, a@b\nCc: c@d\n\n", "[\"open, a@b]"
                                            "[c@d]");
    rcpt_is("To: <open\nCc: (open\nBcc: c@d\n\n", "[<open][(open][c@d]");
    /* nobody is left out in silence, nor taken for somebody else */
    rcpt_is("To: a@b (open, c@d\nCc: <a@b> c@d, e@f\n", "[a@b (open][c@d]"
                                                        "[<a@b> c@d][e@f]");
    rcpt_is("To: a@b: c@d, e@f\n", "[a@b: c@d][e@f]");
    rcpt_is("To: a@[IPv6:::1], b@[192.0.2.1];c@d\n",
            "[a@[IPv6:::1]][b@[192.0.2.1]][c@d]");
    rcpt_is("To: g: a@b, c@d\nCc: d (x) . e @ (y) f, h@i <j@k>\n",
            "[a@b][c@d][d (x) . e @ (y) f][j@k]");
    rcpt_is("To: a b c\n\n", "[a b c]");
    rcpt_is("To: a@b\nnot a field\nCc: c@d\n", "[a@b]");
    rcpt_is("no header\nTo: a@b\n", "");
    rcpt_is("From x\nTo: a@b\n", "[a@b]");
    rcpt_is("Warning: a@b\n\nTo: c@d\n", "");
    /* RFC 5322 3.6.6: who it is resent to, and only the latest time */
    rcpt_is("Received: x\nResent-From: y\nResent-To: a@b,\n c@d\n"
            "resent-cc: e@f\nResent-Bcc: g@h\nReceived: z\n"
            "Resent-To: i@j\nTo: k@l\nBcc: m@n\n\n",
            "[a@b][c@d][e@f][g@h]");
    rcpt_is("To: k@l\nResent-Date: x\n\n", "");
}

static void sender(void)
{
    static const char text[] = "X-A: 1\nfrom: \"A, B\" <a@b>, c@d\n\n";
    struct smtp_str s = message_from((const uint8_t *)text, strlen(text));

    CHECK_MEM(s.p, s.len, "a@b", 3);
    CHECK_EQ(message_from((const uint8_t *)"x\n", 2).len, 0);
    CHECK_EQ(message_from(NULL, 0).len, 0);
    CHECK_EQ(message_from((const uint8_t *)"From:\n", 6).len, 0);
}

/* A million recipients in one field must not take quadratic time. */
static void many_recipients(void)
{
    size_t count = 1000000, len = 3 + 5 * count, i, at = 0, n = 0;
    uint8_t *text = malloc(len);
    struct smtp_str s;

    memcpy(text, "To:", 3);
    for (i = 0; i < count; i++)
        memcpy(text + 3 + 5 * i, i % 10 ? "a@b, " : "a@b,\t", 5);
    while (message_next_rcpt(text, len, &at, &s))
        n++;
    CHECK_EQ(n, count);
    free(text);
}

/* Random texts and switches: refused with a reason, or of the size that was
 * announced, in any chunks, with nothing on a line that must not be. */
static void noise(void)
{
    static const char *const piece[] = {
        "\n", "\n",         "\r\n",         "\r", "From", ": ",   "To", "Bcc",
        " ",  "\t",         "a@b",          "<",  ">",    ",",    "\"", "(",
        ")",  "From ",      "Content-Type", "x",  "\xc3", "\xa4", ".",  "--",
        EDGE, "Message-ID", "\\",           ";",  "Date", "",
    };
    uint64_t r = check_seed;
    unsigned round, sent = 0;

    for (round = 0; round < 60000; round++) {
        uint64_t flags = check_random(&r);
        char text[120];
        size_t len = 0, want = check_random(&r) % sizeof text, n, at = 0;
        struct smtp_str s;

        while (len < want) {
            const char *p =
                piece[(check_random(&r) >> 8) % (sizeof piece / sizeof *piece)];

            n = p[0] != '\0' ? strlen(p) : 1;
            n = n < sizeof text - len ? n : sizeof text - len;
            memcpy(text + len, p, n);
            len += n;
        }
        reset();
        spec.add_date = flags >> 8 & 1;
        spec.add_msgid = flags >> 9 & 1;
        spec.add_from = flags >> 10 & 1;
        spec.replace_from = flags >> 11 & 1;
        spec.undisclosed = flags >> 12 & 1;
        spec.remove_bcc = flags >> 13 & 1;
        spec.attach_count = flags >> 14 & 1;
        attach[0] =
            (struct message_file){ str("x"), (const uint8_t *)text, len };
        if (open_bytes(text, len)) {
            sent++;
            pull(SIZE_MAX);
            if (!CHECK_EQ(message_size(&m), wire_size()))
                break;
            n = pulled_len;
            pull(1 + (flags >> 32) % 90);
            CHECK_EQ(pulled_len, n);
        } else {
            CHECK(err.why[0] != '\0');
        }
        while (message_next_rcpt(text_copy, len, &at, &s))
            CHECK((const uint8_t *)s.p >= text_copy &&
                  (const uint8_t *)s.p + s.len <= text_copy + len);
        message_from(text_copy, len);
    }
    CHECK(sent > 1000);
}

/* A quoted string of a field that is encoded anew stays as it is, folds too,
 * wherever a piece of it ends; its bare line ends count as they are sent. */
static void folded_quotes(void)
{
    for (int length = 380; length < 420; length++) {
        for (int crlf = 0; crlf < 2; crlf++) {
            char text[1000];

            reset();
            snprintf(text, sizeof text,
                     "From: a@b.example\nTo: \xc3\xbc, \"%0*d%s b\" "
                     "<c@d.example>\n\nx\n",
                     length, 0, crlf ? "\r\n" : "\n");
            CHECK(open_text(text));
            pull(SIZE_MAX);
            CHECK_EQ(message_size(&m), wire_size());
            any_chunk();
        }
    }
}

static const struct check_case cases[] = {
    { "made_header", made_header },
    { "charset", charset },
    { "kept_header", kept_header },
    { "plain_text", plain_text },
    { "removed", removed },
    { "subjects", subjects },
    { "html", html },
    { "comments", comments },
    { "marked_file", marked_file },
    { "odd_bytes", odd_bytes },
    { "repaired_cr", repaired_cr },
    { "full_lines", full_lines },
    { "names", names },
    { "attachments", attachments },
    { "boundary", boundary },
    { "big", big },
    { "refused", refused },
    { "refused_spec", refused_spec },
    { "dates", dates },
    { "recipients", recipients },
    { "sender", sender },
    { "many_recipients", many_recipients },
    { "noise", noise },
    { "folded_quotes", folded_quotes },
};

CHECK_MAIN(cases)
