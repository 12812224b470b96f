/*
 * test_dkim.c - signatures made: another part of smtp/ judges them by
 * OpenSSL; what h= says of the header, what may be added to a message that
 * was signed, and how the field is laid out. Random ones, and other judges:
 * cases/dkim.py.
 */
/* sources: smtp/dkim.c smtp/dkim_check.c smtp/canon.c smtp/message.c
            smtp/check.c smtp/stream.c smtp/fields.c smtp/parts.c
            smtp/addrlist.c smtp/mailbox.c smtp/header.c smtp/mime.c smtp/qp.c
            smtp/scan.c smtp/recode.c smtp/idna.c smtp/date.c smtp/base64.c
            smtp/text.c tests/host/dkim_openssl.c */
/* includes: smtp tests/host */
/* link: -lcrypto */
#include "check.h"

#include <openssl/evp.h>

#include "dkim_check.h"
#include "dkim_openssl.h"

#define WIDE 72 /* columns */
#define BODY "\r\nHi.\r\n\r\nSubject: of the body\r\n\r\n\r\n"

/* RFC 8463 A.2 */
static const uint8_t seed[32] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a,
                                  0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec,
                                  0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b,
                                  0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03,
                                  0x1c, 0xae, 0x7f, 0x60 };
static const char record[] =
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

static struct dkim d;
static struct dkim_spec how;
static struct dkim_check c;
static struct message_error err;
static char sent[64 * 1024];
static size_t fake; /* bytes of a signature that is none */

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static size_t sign(void *own, const uint8_t hash[DKIM_HASH], uint8_t *sig,
                   size_t cap)
{
    EVP_PKEY *key;
    EVP_MD_CTX *ctx;
    size_t len = cap;

    (void)own;
    if (fake != 0) {
        memset(sig, 0xa7, fake);
        return fake;
    }
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    ctx = EVP_MD_CTX_new();
    CHECK(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1);
    CHECK(EVP_DigestSign(ctx, sig, &len, hash, DKIM_HASH) == 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return len;
}

static size_t no_sign(void *own, const uint8_t hash[DKIM_HASH], uint8_t *sig,
                      size_t cap)
{
    (void)own;
    (void)hash;
    (void)sig;
    (void)cap;
    return 0;
}

static void reset(void)
{
    fake = 0;
    how = (struct dkim_spec){ .algorithm = DKIM_ED25519_SHA256,
                              .domain = str("mail.test"),
                              .selector = str("s1"),
                              .time = 1528637909 };
}

/* Signs a text; sent is what goes out. */
static bool signed_by(const char *text,
                      size_t (*by)(void *, const uint8_t *, uint8_t *, size_t))
{
    static struct message m;
    struct message_spec spec = { .text = (const uint8_t *)text,
                                 .text_len = strlen(text),
                                 .from = str("robot@mail.test"),
                                 .message_id = str("1@mail.test"),
                                 .date = 1528637909 };
    struct dkim_check_crypto hash;
    struct dkim_crypto crypto;
    const uint8_t *p;
    size_t n, len = 0;

    dkim_openssl(&hash);
    crypto = (struct dkim_crypto){ hash.own, hash.start, hash.update,
                                   hash.finish, by };
    if (!CHECK(message_open(&m, &spec, &err)) ||
        !dkim_sign(&d, &m, &how, &crypto, &err))
        return false;
    while (p = message_buf(&m, &n), n != 0) {
        memcpy(sent + len, p, n);
        len += n;
        message_ack(&m, n);
    }
    sent[len] = '\0';
    CHECK_MEM(sent, d.len, d.field, d.len);
    return true;
}

static bool signs(const char *text)
{
    return signed_by(text, sign);
}

/* What somebody who receives it thinks. */
static enum dkim_verdict judged(const char *text)
{
    static struct dkim_check_crypto crypto;
    const char *end = strstr(text, "\r\n\r\n");
    size_t len = end != NULL ? (size_t)(end - text) + 2 : strlen(text);
    const char *body = end != NULL ? end + 4 : "";

    dkim_openssl(&crypto);
    if (!CHECK(dkim_check_open(&c, &crypto, (const uint8_t *)text, len, 0)))
        return DKIM_OPEN;
    dkim_check_key(&c, str(record), -1);
    dkim_check_body(&c, (const uint8_t *)body, strlen(body));
    return dkim_check_end(&c);
}

/* With a field more, in front as whoever passes it on adds one. */
static enum dkim_verdict with(const char *field)
{
    static char more[sizeof sent + 100];

    snprintf(more, sizeof more, "%s%s", field, sent);
    return judged(more);
}

/* The value of h=, without folds. */
static const char *names(void)
{
    static char value[sizeof d.field];
    const char *p = strstr(sent, "h=") + 2;
    size_t n = 0;

    for (; *p != ';'; p++)
        if (strchr("\r\n ", *p) == NULL)
            value[n++] = *p;
    value[n] = '\0';
    return value;
}

static void check_names(const char *want)
{
    CHECK_STR(names(), want);
}

/* Every way of canonicalization, for what is strange but no error. */
static void passes(void)
{
    static const char *const texts[] = {
        "From: a@mail.test\r\n" BODY,
        "From: a@mail.test\r\nTo: b@mail.test\r\n", /* no body */
        "From: a@mail.test\r\nTo: b@mail.test\r\n\r\n",
        "FROM:a@mail.test\r\nsubject:   two \t words  \r\n\tX: Y\r\n"
        " Subject: of a fold\r\nTo: b@mail.test\r\n" BODY,
        "X-From: c@mail.test\r\nSubject: one\r\nSubject: two\r\n"
        "From: a@mail.test\r\nSubject: three\r\n" BODY,
        "X-0123456789012345678901234567890123456789012345678901234567890123456"
        "7890123456789: x\r\nList-Id: <l.mail.test>\r\nList-Id: <2>\r\n"
        "From: a@mail.test\r\nSubject:\r\n" BODY,
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (unsigned way = 0; way < 4; way++) {
            reset();
            how.simple_header = way & 1;
            how.simple_body = way & 2;
            CHECK(signs(texts[i]));
            CHECK_EQ(judged(sent), DKIM_PASS);
            CHECK_EQ(c.time, 1528637909);
            CHECK_EQ(with("From: evil@mail.test\r\n"), DKIM_FAIL);
            CHECK_EQ(with("Cc: evil@mail.test\r\n"), DKIM_FAIL);
            CHECK_EQ(with("Received: from x\r\n"), DKIM_PASS);
        }
    }
}

/* What a reader is shown cannot be added; what a list adds can. */
static void once_more(void)
{
    reset();
    CHECK(signs("From: a@mail.test\r\nList-Id: <1>\r\nSubject: x\r\n"
                "Subject: y\r\nX-Mailer: z\r\nList-Id: <2>\r\n" BODY));
    check_names("From:From:Reply-To:To:Cc:Subject:Subject:Subject:Date:"
                "Message-ID:In-Reply-To:References:MIME-Version:Content-Type:"
                "Content-Transfer-Encoding:List-Id:List-Id");
    CHECK_EQ(with("List-Id: <3>\r\n"), DKIM_PASS);
    CHECK_EQ(with("Sender: list@mail.test\r\n"), DKIM_PASS);
    CHECK_EQ(with("Subject: z\r\n"), DKIM_FAIL);
    CHECK_EQ(with("MIME-Version: 1.0\r\n"), DKIM_FAIL);
    strstr(sent, "<1>")[1] = '9';
    CHECK_EQ(judged(sent), DKIM_FAIL);
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    while ((text = strstr(text, what)) != NULL) {
        text += strlen(what);
        n++;
    }
    return n;
}

/* Twenty of a name are signed, the lowest ones; of twenty nobody can add
 * another, of more anybody could. */
static void many(void)
{
    static char text[4096];

    for (unsigned n = 19; n < 23; n++) {
        size_t at = 0;

        for (unsigned i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at,
                                   "Keywords: %u\r\nComments: %u\r\n"
                                   "References: <%u@x>\r\nList-Id: <%u>\r\n",
                                   i, i, i, i);
        snprintf(text + at, sizeof text - at, "From: a@mail.test\r\n" BODY);
        reset();
        CHECK(signs(text));
        CHECK_EQ(judged(sent), DKIM_PASS);
        CHECK_EQ(count(names(), "References"), n < 20    ? n + 1
                                               : n == 20 ? 21
                                                         : 20);
        CHECK_EQ(count(names(), "List-Id"), n < 20 ? n : 20);
        CHECK_EQ(with("References: <a@x>\r\n"),
                 n <= 20 ? DKIM_FAIL : DKIM_PASS);
        strstr(sent, "<0@x>")[1] = '9';
        CHECK_EQ(judged(sent), n <= 20 ? DKIM_FAIL : DKIM_PASS);
    }
}

/* A line of h= or b= is at most WIDE columns, and what comes next would not
 * have fitted: names behind colons, or four digits of base64. */
static void check_lines(const char *tag, bool base64)
{
    const char *line = strstr(sent, tag), *end;

    if (!CHECK(line != NULL))
        return;
    for (line += 2; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
        const char *next = end + 2 + strspn(end + 2, " ");
        size_t len = (size_t)(end - line), more;

        CHECK(len <= WIDE + (end[-1] == ';' ? 1 : 0));
        if (end[-1] == ';' || next == end + 2)
            return; /* the tag's end, or the field's */
        CHECK_EQ(next - end, 4);
        more = base64 ? 4 : strcspn(next, ":;") + 1;
        if (len + more <= WIDE)
            CHECK_STR(line, "as much as there is room for");
    }
}

/* Every choice of ten names that have nothing in common. */
static void folded(void)
{
    static const char *const some[] = {
        "Sender",         "Auto-Submitted", "List-Help",   "List-Unsubscribe",
        "List-Subscribe", "List-Post",      "Resent-Date", "Resent-Cc",
        "Content-Type",   "List-Archive",
    };
    static char text[2000];

    for (unsigned which = 0; which < 1u << 10; which++) {
        size_t at = 0;

        for (unsigned i = 0; i < 10; i++)
            if ((which >> i & 1) != 0)
                at += (size_t)snprintf(text + at, sizeof text - at,
                                       "%s: text/plain\r\n", some[i]);
        snprintf(text + at, sizeof text - at, "From: a@mail.test\r\n" BODY);
        reset();
        fake = 64;
        CHECK(signs(text));
        check_lines("\r\n h=", false);
        for (unsigned i = 0; i < 10; i++)
            CHECK((which >> i & 1) == 0 || strstr(names(), some[i]) != NULL);
    }
}

/* Signatures of every length arrive as they were. */
static void lengths(void)
{
    for (size_t n = 1; n <= DKIM_SIGNATURE_MAX; n += n < 400 ? 1 : 39) {
        uint8_t want[DKIM_SIGNATURE_MAX];

        reset();
        fake = n;
        how.algorithm = n == 64 ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256;
        CHECK(signs("From: a@mail.test\r\n" BODY));
        check_lines("\r\n b=", true);
        judged(sent);
        CHECK_EQ(c.algorithm, how.algorithm);
        memset(want, 0xa7, n);
        CHECK_MEM(c.sig, c.sig_len, want, n);
    }
}

static void times(void)
{
    reset();
    how.time = -1;
    CHECK(signs("From: a@mail.test\r\n" BODY));
    CHECK_EQ(judged(sent), DKIM_PASS);
    CHECK_EQ(c.time, -1);
    how.time = 0;
    CHECK(signs("From: a@mail.test\r\n" BODY));
    CHECK_EQ(judged(sent), DKIM_PASS);
    CHECK_EQ(c.time, 0);
}

static void domains(void)
{
    static const char *const good[] = { "a", "z-Z.A_9.0", "x.test" };
    static const char *const bad[] = { "",    "a;b", "a b",      "a/b",
                                       "a:b", "a@b", "a[b",      "a\\b",
                                       "a`b", "a{b", "a\r\nb: c" };
    static char longest[255];

    reset();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        how.domain = how.selector = str(good[i]);
        CHECK(signs("From: a@mail.test\r\n" BODY));
        CHECK_EQ(judged(sent), DKIM_PASS);
    }
    for (size_t i = 0; i < 2 * (sizeof bad / sizeof *bad); i++) {
        reset();
        *(i % 2 == 0 ? &how.domain : &how.selector) = str(bad[i / 2]);
        CHECK(!signs("From: a@mail.test\r\n" BODY));
        CHECK_STR(err.why, "dkim_domain or dkim_selector is no domain");
    }
    reset();
    memset(longest, 'a', 254);
    how.domain = str(longest);
    CHECK(!signs("From: a@mail.test\r\n" BODY));
    longest[253] = '\0';
    how.domain = str(longest);
    CHECK(signs("From: a@mail.test\r\n" BODY));
}

static void failures(void)
{
    static char text[8192];
    size_t at = 0;

    reset();
    CHECK(!signed_by("From: a@mail.test\r\n" BODY, no_sign));
    CHECK_STR(err.why, "the DKIM signature could not be made");
    for (unsigned i = 0; i < 20; i++)
        at += (size_t)snprintf(
            text + at, sizeof text - at,
            "In-Reply-To: <1>\r\nList-Unsubscribe-Post: x\r\n"
            "List-Unsubscribe: <x>\r\nList-Subscribe: <x>\r\n"
            "List-Archive: <x>\r\nAuto-Submitted: no\r\nList-Owner: x\r\n"
            "List-Help: <x>\r\nList-Post: <x>\r\nList-Id: <x>\r\n");
    snprintf(text + at, sizeof text - at, "From: a@mail.test\r\n" BODY);
    fake = DKIM_SIGNATURE_MAX;
    CHECK(!signs(text));
    CHECK_STR(err.why, "the DKIM signature is too long");
}

static const struct check_case cases[] = {
    { "passes", passes },   { "once more", once_more }, { "many", many },
    { "folded", folded },   { "lengths", lengths },     { "times", times },
    { "domains", domains }, { "failures", failures },
};

CHECK_MAIN(cases)
