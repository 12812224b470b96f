/*
 * test_compose.c - what a message becomes for this server or that, and what
 * it may not be made of. tests/cases/compose.py has other readers read it.
 */
/* sources: smtp/message.c smtp/check.c smtp/stream.c smtp/fields.c
            smtp/parts.c smtp/addrlist.c smtp/mailbox.c smtp/header.c
            smtp/mime.c smtp/qp.c smtp/scan.c smtp/recode.c smtp/idna.c
            smtp/date.c smtp/base64.c smtp/text.c smtp/dkim.c smtp/canon.c */
/* includes: smtp */
#include "check.h"

#include <ctype.h>

#include "base64.h"
#include "dkim.h"
#include "message.h"

static struct message m;
static struct message_spec spec;
static struct message_error err;
static struct smtp_str to[2], list[1];
static struct message_field field;
static struct message_file file;
static char out[200000];
static size_t out_len;

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static void reset(void)
{
    memset(&spec, 0, sizeof spec);
    spec.from = str("a@b");
    spec.to = to;
    spec.field = &field;
    spec.attach = spec.inlined = &file;
    spec.remove_bcc = true;
    file = (struct message_file){ str("x.png"), (const uint8_t *)"x", 1 };
    field =
        (struct message_field){ MESSAGE_WORDS, str("X-A"), str("x"), NULL, 0 };
}

static bool opened(const char *text)
{
    spec.text = (const uint8_t *)text;
    spec.text_len = strlen(text);
    return message_open(&m, &spec, &err);
}

static bool fits(bool eight_bit, bool utf8)
{
    struct smtp_offers offers = { eight_bit, utf8, false };

    return message_fit(&m, offers, &err);
}

static void pull(void)
{
    const uint8_t *p;
    size_t n;

    message_rewind(&m);
    for (out_len = 0; p = message_buf(&m, &n), n != 0;) {
        if (!CHECK(n < sizeof out - out_len))
            break;
        memcpy(out + out_len, p, n);
        out_len += n;
        message_ack(&m, n + 1); /* more than there is: all of it */
    }
    out[out_len] = '\0';
}

static void has(const char *words)
{
    pull();
    if (!CHECK(strstr(out, words) != NULL))
        printf("not there: %s\n%s\n", words, out);
}

static void fails(const char *text, const char *words)
{
    if (CHECK(!opened(text)) && !CHECK(strstr(err.why, words) != NULL))
        printf("got: %s\n", err.why);
}

static void unfit(bool eight_bit, const char *words)
{
    if (CHECK(!fits(eight_bit, false)) &&
        !CHECK(strstr(err.why, words) != NULL))
        printf("got: %s\n", err.why);
}

#define HEAD "From: a@b\n"

static void kept(void)
{
    static char text[3000];
    static const char *const fixed[] = {
        "Content-Type: multipart/mixed; boundary=b\n",
        "Content-Type: message/rfc822\n",
        "Content-Type: multipart/x\nContent-Transfer-Encoding: base64\n",
        "Content-Transfer-Encoding: base64\n", "DKIM-Signature: v=1\n"
    };
    size_t i;

    reset();
    for (i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        snprintf(text, sizeof text, HEAD "%s\n\xc3\xbc\n", fixed[i]);
        CHECK(opened(text));
        CHECK(fits(true, false));
        CHECK_EQ(message_content(&m), SMTP_8BIT);
        unfit(false, "cannot be encoded anew");
        CHECK_EQ(err.line, i == 2 ? 5 : 4);
        snprintf(text, sizeof text, HEAD "%s\n%01000d\n", fixed[i], 0);
        fails(text, "998 octets, in a text that cannot be encoded anew");
    }
    for (i = 0; i < 3; i++) {
        static const char *const free[] = { "7bit", "8BIT", "binary" };

        snprintf(text, sizeof text,
                 HEAD "Content-Transfer-Encoding: %s\n\n\xc3\xbc more of it\n",
                 free[i]);
        CHECK(opened(text));
        CHECK(fits(false, false));
        CHECK_EQ(message_content(&m), SMTP_7BIT);
        has("Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC more");
    }
    snprintf(text, sizeof text, HEAD "MIME-Version: 1.0\n\n%01000d", 0);
    CHECK(opened(text));
    has("Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n000");
    CHECK(opened(HEAD "MIME-Version: 1.0\n\n\xc3\xbc"));
    has(HEAD "MIME-Version: 1.0\n\n\xc3\xbc");
    CHECK(opened(HEAD "DKIM-Signature: x\nSubject: \xc3\xbc\n\nx"));
    CHECK(message_utf8(&m));
    has("Subject: \xc3\xbc\n\nx");
    unfit(true, "no form without it: Subject");
}

static void names(void)
{
    static char word[2000];

    reset();
    spec.to_count = 1;
    memset(word, 'x', 600);
    to[0] = str(word);
    fails("x", "no address list");
    to[0] = str(" ");
    fails("x", "no address list");
    to[0] = str("a@\xc3\xbc_b");
    fails("x", "no domain may hold");
    to[0] = str("\xc3\xbc@x");
    CHECK(opened("x"));
    CHECK(message_utf8(&m) && message_content(&m) == SMTP_8BIT);
    unfit(true, "SMTPUTF8");
    to[0] =
        str("\xc3\xbc <a@b>, \"\xc3\xbc, \\\"\" (c \\( \xc3\xbc)<c@d>,, G:;");
    CHECK(opened("x"));
    has("To: =?utf-8?B?w7w=?= <a@b>,\r\n =?utf-8?B?w7wsICI=?= "
        "(c \\( =?utf-8?B?w7w=?=)<c@d>,\r\n ,\r\n G:;\r\n");
    spec.to_count = 0;
    spec.add_from = true;
    spec.from = str("a@\xc3\xbc\xc3\xbc.x");
    spec.from_name = str("=?a?=");
    CHECK(opened("x"));
    has("From: =?utf-8?B?PT9hPz0=?= <a@xn--tdaa.x>\r\n");
    spec.from = str("a@\xc3\xbc.");
    fails("x", "empty");
    spec.from = str("\xc3\xbc@x");
    CHECK(opened("x") && message_utf8(&m));
    spec.from = str(word);
    fails("x", "the sender is no address");
}

static void fields(void)
{
    static char word[2000];

    memset(word, 'x', 600);
    reset();
    spec.field_count = 1;
    field.name = str("");
    fails("x", "no name for a header field");
    field.name = str(word);
    fails("x", "no name for a header field");
    field.name = str("a:");
    fails("x", "no name for a header field");
    field =
        (struct message_field){ MESSAGE_ASCII, str("X"), str(word), NULL, 0 };
    fails("x", "too long");
    field.value = str("\xc3\xbc");
    fails("x", "not ASCII");
    field.value = str("a\nb");
    fails("x", "control character");
    field = (struct message_field){
        MESSAGE_ADDRESSES, str("Cc"), { NULL, 0 }, list, 0
    };
    CHECK(opened("x"));
    field.count = 1;
    list[0] = str("a@b");
    CHECK(opened("x"));
    has("Cc: a@b\r\n");
    spec.replace_to = true;
    CHECK(opened("x"));
    pull();
    CHECK(strstr(out, "Cc:") == NULL);
}

/* Two blanks are a place to fold at where there is no other, and no line is
 * made of blanks. */
static void folded(void)
{
    static char value[3000];
    size_t i, line = 0;

    reset();
    memset(value, 'w', sizeof value - 1);
    for (i = 100; i < sizeof value - 2; i += 102)
        value[i] = value[i + 1] = ' ';
    value[sizeof value - 2] = value[sizeof value - 3] = ' ';
    field =
        (struct message_field){ MESSAGE_ASCII, str("X"), str(value), NULL, 0 };
    spec.field_count = 1;
    CHECK(opened("x"));
    pull();
    for (i = 0; i < out_len; i++) {
        line = out[i] == '\n' ? 0 : line + 1;
        CHECK(line <= 110);
        if (out[i] == '\n' && i + 3 < out_len && out[i + 1] == ' ')
            CHECK(out[i + 3] == 'w');
    }
}

static void files(void)
{
    static const char *const cids[] = { "a b", "\xc3\xbc", "a/b", "a<", "{" };
    static char word[2000];
    size_t i;

    memset(word, 'x', 600);
    reset();
    spec.inlined_count = 1;
    fails("x", "no HTML");
    spec.html = (const uint8_t *)"<p>";
    spec.html_len = 3;
    for (i = 0; i < sizeof cids / sizeof *cids; i++) {
        file.name = str(cids[i]);
        fails("x", "cid:");
    }
    file.name = str("aZ9.-_@+");
    CHECK(opened("x"));
    has("Content-ID: <aZ9.-_@+>\r\n");
    fails(HEAD "Content-Type: message/x\n\nx", "nothing can be added");
    file.name = str(word);
    fails("x", "too long");
    file.name = str("");
    fails("x", "no name");
    file.name = str("\n");
    fails("x", "cid:");
    reset();
    spec.attach_count = 1;
    CHECK(opened(HEAD "Content-Type: text/\xc3\xbc\n\nx"));
    CHECK(message_utf8(&m)); /* the field moves to the part */
    spec.add_msgid = true;
    spec.message_id = str("a>b");
    fails("x", "malformed");
    spec.message_id = str("\xc3\xbc@b");
    fails("x", "malformed");
    spec.message_id = str("");
    fails("x", "malformed");
}

/* What the HTML calls a picture is what it is called. */
static void content_ids(void)
{
    static const char *const pages[][2] = {
        { "cid:x.png@a.b\"", "<x.png@a.b>" },
        { "CID:x.png@a.b cid:x.png", "<x.png>" },
        { "cid:x.png2@a.b cid:x.pn", "<x.png>" },
        { "cid", "<x.png>" },
        { "cid:x.png@", "<x.png@>" },
    };
    static char page[1000] = "cid:x.png@";

    reset();
    spec.inlined_count = 1;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        spec.html = (const uint8_t *)pages[i][0];
        spec.html_len = strlen(pages[i][0]);
        CHECK(opened("x"));
        has(pages[i][1]);
    }
    memset(page + 10, 'y', sizeof page - 10);
    spec.html = (const uint8_t *)page;
    spec.html_len = sizeof page;
    CHECK(opened("x"));
    has("<x.png>");
}

/* A text that is attached is UTF-8, or it is bytes. */
static void attached_text(void)
{
    reset();
    spec.attach_count = 1;
    file.name = str("x.txt");
    CHECK(opened("x"));
    has("Content-Type: text/plain; charset=utf-8\r\n");
    file.data = (const uint8_t *)"\xfc";
    CHECK(opened("x"));
    has("Content-Type: application/octet-stream\r\n");
}

/* Blanks and what seems to be an encoded word come back as they were. */
static void look_alikes(void)
{
    static const char *const odd[] = { "=?foo=",     "=?a?b?=",    "=??q?abc?=",
                                       "=?a?xx?c?=", "=?a?x?cd?=", "=?abcdef?=",
                                       "=?abcde?\?=" };
    static char text[1200];

    reset();
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        snprintf(text, sizeof text, HEAD "X: \xc3\xbc %s\n\nb", odd[i]);
        CHECK(opened(text));
        pull();
        CHECK(strstr(out, odd[i]) == NULL);
    }
    CHECK(opened(HEAD "X: \xc3\xbc  =?a?Q?c?= \xc3\xbc\n\nb"));
    has("X: =?utf-8?B?w7wgIA==?= =?a?Q?c?= =?utf-8?B?IMO8?=");
    for (size_t i = 0; i < 4; i++) {
        static const char *const ends[][2] = { { "a", "\xc3\xbc" },
                                               { "\xc3\xbc", "a" },
                                               { "a", "=?a?b?cc?= \xc3\xbc" },
                                               { "=?a?b?cc?=", "\xc3\xbc" } };

        snprintf(text, sizeof text, HEAD "X: %s%*s%s\n\nb", ends[i][0], 500, "",
                 ends[i][1]);
        CHECK(opened(text));
        has("?B?ICAgICAgICAgICAg");
    }
}

/* What a reader makes of the field X: lines joined, words decoded, blanks
 * between two words not shown (RFC 2047 6.2). */
static const char *shown(void)
{
    static char text[3000];
    const char *p = strstr(out, "\nX: ") + 4;
    size_t n = 0, word_end = 0, len;
    bool beside = false; /* behind a word and blanks */

    while (p[p[0] == '\r'] != '\n' || p[1 + (p[0] == '\r')] == ' ') {
        if (strncmp(p, "=?utf-8?B?", 10) == 0) {
            n = beside ? word_end : n;
            len = strcspn(p + 10, "?");
            CHECK(base64_decode((uint8_t *)text + n, &word_end, p + 10, len));
            word_end = n += word_end;
            beside = true;
            p += 10 + len + 2;
        } else if (p[0] == '\r' || p[0] == '\n') {
            p++;
        } else {
            beside = beside && p[0] == ' ';
            text[n++] = *p++;
        }
    }
    text[n] = '\0';
    return text;
}

/* Blanks, more than a line holds, and backslashes: not one more or less. */
static void shown_again(void)
{
    static const char *const ends[][2] = {
        { "a", "b" },
        { "\xc3\xbc", "b" },
        { "a", "\xc3\xbc" },
        { "\xc3\xbc", "\xc3\xbc" },
        { "C:\\\xc3\x9c"
          "bung",
          "\\\xc3\xbc\\" },
    };
    static char text[1200], value[1000];

    reset();
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        for (int n = 1; n < 900; n += n < 390 ? 97 : 1 + n % 7) {
            snprintf(value, sizeof value, "%s%*s%s", ends[i][0], n, "",
                     ends[i][1]);
            snprintf(text, sizeof text, HEAD "X: %s\n\nb", value);
            CHECK(opened(text));
            pull();
            CHECK_STR(shown(), value);
        }
    }
    /* but in a comment, and in quotes, one of the two means the other */
    CHECK(opened(HEAD "To: a@b (\xc3\xbc\\) x)\n\nb"));
    has("To: a@b (=?utf-8?B?w7wp?= x)");
    CHECK(opened(HEAD "To: \"\xc3\xbc\\\"\" <a@b>\n\nb"));
    has("To: =?utf-8?B?w7wi?= <a@b>");
    CHECK(opened(HEAD "To: \"\xc3\xbc\\\nX: 1\n\nb")); /* never closed */
    has("To: =?utf-8?B?w7xc?=\r\nX: 1\n");
}

/* Behind a long name there is little room for a word. */
static void long_names(void)
{
    static char text[300];
    size_t column;

    reset();
    for (size_t n = 20; n < 120; n++) {
        memset(text, 'x', n);
        snprintf(text + n, sizeof text - n, ": %s\n\nb",
                 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
        memcpy(text, "To: b@c\n", 8);
        CHECK(opened(text));
        pull();
        column = 0;
        for (size_t i = 0; i < out_len; i++) {
            column = out[i] == '\n' ? 0 : column + (out[i] != '\r');
            /* of a name that is too long a word of four bytes at most */
            CHECK(column <= 76 || column <= n - 8 + 2 + 20);
        }
    }
}

/* RFC 2231: a name of any bytes in pieces, letters and digits as they are. */
static void filenames(void)
{
    static char name[200], want[600], got[600];
    size_t n = 0, len = 0, at = 0;
    unsigned piece = 0;
    char start[20];
    const char *p;

    for (int c = ' '; c < 0x7f; c++)
        if (c != '/')
            name[n++] = (char)c;
    memcpy(name + n, "\xc3\xbc.png", 7);
    for (size_t i = 0; name[i] != '\0'; i++)
        len += (size_t)snprintf(want + len, sizeof want - len,
                                isalnum((unsigned char)name[i]) ||
                                        strchr("-._", name[i])
                                    ? "%c"
                                    : "%%%02X",
                                (uint8_t)name[i]);
    reset();
    spec.attach_count = 1;
    file.name = str(name);
    CHECK(opened("x"));
    pull();
    for (;; piece++) {
        snprintf(start, sizeof start, ";\r\n filename*%u*=", piece);
        p = strstr(out, start);
        if (p == NULL)
            break;
        p += strlen(start);
        if (piece == 0 && CHECK(strncmp(p, "utf-8''", 7) == 0))
            p += 7;
        n = strcspn(p, ";\r");
        CHECK(n <= 60);
        memcpy(got + at, p, n);
        at += n;
    }
    CHECK(piece > 2);
    CHECK_MEM(got, at, want, len);
}

/* A quote or an angle that is never closed ends with its field. */
static void open_quote(void)
{
    reset();
    CHECK(opened(HEAD "To: \xc3\xbc \"never closed\nX: 1\n\nbody"));
    has("To: =?utf-8?B?w7w=?= \"never closed\r\nX: 1\n\nbody");
    CHECK(opened(HEAD "To: \xc3\xbc <never closed  \r\n\nbody"));
    has("To: =?utf-8?B?w7w=?= <never closed\r\n\nbody");
    spec.repair = true;
    CHECK(opened(HEAD "To: \xc3\xbc \"a\rb\"\n\nbody"));
    has("\"a b\"\r\n\nbody");
}

/* Every boundary that would be tried stands in the text. */
static void boundaries(void)
{
    char text[1000], *p = text;

    reset();
    spec.attach_count = 1;
    for (unsigned i = 0; i < 8; i++)
        p += snprintf(p, 60, "--=_0000000000000000000000000000000%x\n", i);
    fails(text, "every boundary tried occurs");
}

static void repaired(void)
{
    static const char text[] = HEAD "X: a\033\n\tb\rc\xc3\xbc\001\n\n"
                                    "a\rb\r\n\001";
    reset();
    spec.repair = true;
    CHECK(opened(text));
    has(HEAD "X: a");
    CHECK(strchr(out, '\033') == NULL);
    has("a\r\nb\r\n\001");
}

/* --- signing: a hash that only counts ----------------------------------- */

static size_t hashed;
static size_t signature = 64;

static void start(void *own)
{
    (void)own;
    hashed = 0;
}

static void update(void *own, const uint8_t *p, size_t n)
{
    (void)own;
    CHECK(p != NULL);
    hashed += n;
}

static void finish(void *own, uint8_t hash[DKIM_HASH])
{
    (void)own;
    memset(hash, (int)hashed, DKIM_HASH);
}

static size_t sign(void *own, const uint8_t hash[DKIM_HASH], uint8_t *sig,
                   size_t cap)
{
    (void)own;
    (void)hash;
    if (signature > cap)
        return 0;
    memset(sig, 1, signature);
    return signature;
}

static void dkim(void)
{
    static const struct dkim_crypto crypto = { NULL, start, update, finish,
                                               sign };
    static struct dkim d;
    static char many[30 * 8 + 20];
    struct dkim_spec how = { DKIM_ED25519_SHA256, false,    true,
                             str("b.c"),          str("s"), -1 };
    uint64_t size, one;
    char *p = many;

    reset();
    CHECK(opened(HEAD "To: x"));
    size = message_size(&m);
    CHECK(dkim_sign(&d, &m, &how, &crypto, &err));
    CHECK_EQ(message_size(&m), size + d.len);
    has("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple;\r\n d=b.c;");
    has("h=From:From:");
    CHECK(strstr(out, "t=") == NULL);
    CHECK(dkim_sign(&d, &m, &how, &crypto, &err)); /* again: in its place */
    CHECK_EQ(message_size(&m), size + d.len);
    one = hashed;
    CHECK(opened(HEAD "To: xyz"));
    CHECK(dkim_sign(&d, &m, &how, &crypto, &err));
    CHECK_EQ(hashed, one + 2); /* what stands in a field is hashed */
    how.domain = how.selector = str("a-Z_0.9-b");
    CHECK(dkim_sign(&d, &m, &how, &crypto, &err));
    how.domain = str("b.c");
    how.selector = str("s");
    for (int i = 0; i < 30; i++)
        p += snprintf(p, 9, "To: %03d\n", i);
    memcpy(p, "\n", 2);
    CHECK(opened(many));
    CHECK(dkim_sign(&d, &m, &how, &crypto, &err));
    signature = DKIM_SIGNATURE_MAX + 1;
    CHECK(!dkim_sign(&d, &m, &how, &crypto, &err));
    CHECK_STR(err.why, "the DKIM signature could not be made");
    signature = 64;
    how.selector = str("a b");
    CHECK(!dkim_sign(&d, &m, &how, &crypto, &err));
    how.selector = str("s");
    how.domain = str("");
    CHECK(!dkim_sign(&d, &m, &how, &crypto, &err));
}

static const struct check_case cases[] = {
    { "kept", kept },
    { "names", names },
    { "fields", fields },
    { "folded", folded },
    { "files", files },
    { "content_ids", content_ids },
    { "attached_text", attached_text },
    { "look_alikes", look_alikes },
    { "boundaries", boundaries },
    { "shown_again", shown_again },
    { "long_names", long_names },
    { "filenames", filenames },
    { "open_quote", open_quote },
    { "repaired", repaired },
    { "dkim", dkim },
};

CHECK_MAIN(cases)
