/*
 * test_app_compose.c - which message a configuration makes: its fields and
 * where they come from, its Message-ID, its files; what is refused, and which
 * shape it takes where it is signed.
 */
/* sources: net/addr.c kernel/app/compose.c kernel/app/envelope.c
            kernel/app/config.c kernel/app/config_keys.c
            kernel/app/config_ip.c kernel/app/config_wishes.c kernel/conf.c
            kernel/conf_value.c smtp/message.c smtp/check.c smtp/stream.c
            smtp/fields.c smtp/parts.c smtp/addrlist.c smtp/mailbox.c
            smtp/header.c smtp/mime.c smtp/qp.c smtp/scan.c smtp/recode.c
            smtp/idna.c smtp/date.c smtp/base64.c smtp/text.c */
/* includes: kernel kernel/app smtp board net */
#include "check.h"

#include <stdarg.h>

#include "board.h"
#include "clock.h"
#include "compose.h"
#include "crypto.h"
#include "envelope.h"
#include "files.h"
#include "log.h"
#include "rng.h"
#include "sign.h"

/* ------------------------------------------ the machine around compose.c */

static struct board_info info = { .cmdline = { (const uint8_t *)"", 0 } };
static const char *conf, *text;
static struct {
    char name[40];
    const char *data;
} extra[70];
static size_t extras;
static int64_t now;
static bool signs, cannot_sign;
static void *pages;
static struct config c;
static struct smtp_job job;
static struct message m;
static struct report r;
static char out[100000];

const struct smtp_crypto crypto = { .hashes = 0 };

const struct board_info *board_info(void)
{
    return &info;
}

void *board_pages(size_t n)
{
    free(pages);
    pages = calloc(1, n);
    return pages;
}

struct blob files_get(struct blob name)
{
    if (blob_eq(name, blob_str("bootmail.conf")))
        return blob_str(conf);
    if (blob_eq(name, blob_str("message")))
        return blob_str(text);
    return blob_of(NULL, 0);
}

bool files_next(struct blob prefix, size_t *at, struct blob *name,
                struct blob *data)
{
    for (; *at < extras; ++*at) {
        *name = blob_str(extra[*at].name);
        if (name->len < prefix.len ||
            memcmp(name->p, prefix.p, prefix.len) != 0)
            continue;
        *data = blob_str(extra[(*at)++].data);
        return true;
    }
    return false;
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
}

int64_t clock_unix(void)
{
    return now;
}

uint32_t rng_u32(void)
{
    return 0xabcdef;
}

void rng_bytes(void *p, size_t len)
{
    memset(p, 0x5a, len);
}

bool sign_wanted(void)
{
    return signs;
}

bool sign_message(struct message *which, struct report *to)
{
    CHECK(which == &m && to == &r);
    return !cannot_sign ||
           report_end(to, OUTCOME_INVALID, STATUS_CONFIG, "no signature");
}

bool report_end(struct report *to, enum outcome outcome, enum status status,
                const char *fmt, ...)
{
    va_list ap;

    CHECK(to == &r && to->reason[0] == '\0');
    to->outcome = outcome;
    to->status = status;
    va_start(ap, fmt);
    vsnprintf(to->reason, sizeof to->reason, fmt, ap);
    va_end(ap);
    return false;
}

/* ------------------------------------------------------------ one message */

#define BASE "host h\ntls off\nfrom me@a.test\nto you@b.test\n"
#define MAIL "Subject: s\n\ntext\n"

static void file(const char *name, const char *data)
{
    snprintf(extra[extras].name, sizeof extra[extras].name, "%s", name);
    extra[extras++].data = data;
}

static bool opens(const char *given, const char *message)
{
    static struct conf_error err;

    conf = given;
    text = message;
    memset(&job, 0, sizeof job);
    memset(&r, 0, sizeof r);
    if (!CHECK_EQ(config_load(&c, &err), 0)) {
        printf("  %s\n", err.why);
        return false;
    }
    return envelope_addresses(&c, &job, &r) && compose_open(&c, &job, &m, &r);
}

static void pull(void)
{
    const uint8_t *p;
    size_t n, len = 0;

    message_rewind(&m);
    while (p = message_buf(&m, &n), n != 0) {
        if (!CHECK(n < sizeof out - len))
            break;
        memcpy(out + len, p, n);
        len += n;
        message_ack(&m, n);
    }
    out[len] = '\0';
    CHECK_EQ(message_size(&m) >= len, true);
}

static bool makes(const char *given, const char *message)
{
    if (!CHECK(opens(given, message))) {
        printf("  %s\n", r.reason);
        return false;
    }
    pull();
    CHECK_EQ(r.bytes, message_size(&m));
    CHECK(job.fit);
    return true;
}

static void has(const char *words)
{
    if (!CHECK(strstr(out, words) != NULL))
        printf("not there: %s\n%s\n", words, out);
}

static void has_not(const char *words)
{
    if (!CHECK(strstr(out, words) == NULL))
        printf("there: %s\n%s\n", words, out);
}

static void refused(const char *given, const char *message, int status,
                    const char *reason)
{
    CHECK(!opens(given, message));
    CHECK_EQ(r.outcome, OUTCOME_INVALID);
    CHECK_EQ(r.status, status);
    CHECK_STR(r.reason, reason);
}

/* ----------------------------------------------------------------- fields */

static void keys(void)
{
    CHECK(makes(BASE "cc \"Ann <a@b.test>, g: c@d.test;\"\ncc e@f.test\n"
                     "reply_to \"Desk <d@e.test>\"\nin_reply_to \"<1@a>\"\n"
                     "references \"<1@a> <2@b>\"\nlist_id \"<l.a.test>\"\n"
                     "list_unsubscribe \"<https://a.test/u>\"\n"
                     "importance high\nauto_submitted auto-replied\n"
                     "subject other\nfrom_full_name \"Me, Myself\"\n",
                "text\n"));
    has("From: \"Me, Myself\" <me@a.test>\r\n");
    has("To: you@b.test\r\n");
    has("Cc: Ann <a@b.test>,\r\n g: c@d.test;,\r\n e@f.test\r\n");
    has("Reply-To: Desk <d@e.test>\r\n");
    has("In-Reply-To: <1@a>\r\n");
    has("References: <1@a> <2@b>\r\n");
    has("List-Id: <l.a.test>\r\n");
    has("List-Unsubscribe: <https://a.test/u>\r\n");
    has("Importance: high\r\n");
    has("Auto-Submitted: auto-replied\r\n");
    has("Subject: other\r\n");
    has_not("X-");
    CHECK(makes(BASE "importance low\nauto_submitted auto-generated\n", MAIL));
    has("Importance: low\r\n");
    has("Auto-Submitted: auto-generated\r\n");
    has_not("Cc:");
}

/* What is ASCII stays as it is; in other text words are encoded, and of a
 * field of addresses only the names. */
static void header(void)
{
    CHECK(makes(BASE "header \"X-A: \t one,  two\t \"\n"
                     "header \"X-B: J\xc3\xb6rg <j@b.test>\"\n"
                     "header \"Sender: J\xc3\xb6rg <j@b.test>\"\n"
                     "header \"Resent-To: \xc3\xa4 <k@b.test>\"\n",
                MAIL));
    has("X-A: one,  two\r\n");
    has("X-B: =?utf-8?B?SsO2cmcgPGpAYi50ZXN0Pg==?=\r\n");
    has("Sender: =?utf-8?B?SsO2cmc=?= <j@b.test>\r\n");
    has("Resent-To: =?utf-8?B?w6Q=?= <k@b.test>\r\n");
    refused(BASE "header X-A\n", MAIL, 78,
            "header wants \"Name: value\", not \"X-A\"");
    refused(BASE "header \"0123456789012345678901234567890123456789"
                 "01234567890123456789 and more\"\n",
            MAIL, 78,
            "header wants \"Name: value\", not \"0123456789012345678901234567"
            "89012345678901234567890123456789\"");
    refused(BASE "header X-C:\n", MAIL, 65,
            "message: empty, or holds a control character: field: X-C");
    refused(BASE "header \"content-type: text/html\"\n", MAIL, 78,
            "header: content-type is for the message itself to say, or for "
            "message.html");
}

/* A field that a key makes is that key's, whatever its case; where the key
 * makes none the field may be given. */
static void made_by_keys(void)
{
    static const struct {
        const char *name, *set, *key, *off; /* off NULL: always made */
    } rows[] = {
        { "FROM", "", "from", "set_from_header off\n" },
        { "To", "", "to", NULL },
        { "bCC", "", "bcc", NULL },
        { "Date", "", "set_date_header", "set_date_header off\n" },
        { "message-Id", "", "message_id", "set_msgid_header off\n" },
        { "Subject", "subject x\n", "subject", "" },
        { "Cc", "cc a@b.test\n", "cc", "" },
        { "Reply-To", "reply_to a@b.test\n", "reply_to", "" },
        { "In-Reply-To", "in_reply_to \"<a@b>\"\n", "in_reply_to", "" },
        { "References", "references \"<a@b>\"\n", "references", "" },
        { "List-ID", "list_id \"<a.b>\"\n", "list_id", "" },
        { "List-Unsubscribe", "list_unsubscribe \"<http://a>\"\n",
          "list_unsubscribe", "" },
        { "Importance", "importance low\n", "importance", "" },
        { "Auto-Submitted", "auto_submitted auto-generated\n", "auto_submitted",
          "" },
    };
    char given[400], reason[200], field[100];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(given, sizeof given, BASE "%sheader \"%s: a@b.test\"\n",
                 rows[i].set, rows[i].name);
        snprintf(reason, sizeof reason,
                 "header: the field %s is what the key %s is for", rows[i].name,
                 rows[i].key);
        refused(given, "x\n", 78, reason);
        if (rows[i].off == NULL)
            continue;
        snprintf(given, sizeof given, BASE "%sheader \"%s: a@b.test\"\n",
                 rows[i].off, rows[i].name);
        if (!makes(given, "x\n"))
            continue;
        snprintf(field, sizeof field, "%s: a@b.test\r\n", rows[i].name);
        has(field);
    }
}

/* Of RFC 5322's fields there is one of each, others as many as one likes. */
static void once(void)
{
    refused(BASE "header \"Sender: a@b.test\"\nheader \"SENDER: c@d.test\"\n",
            MAIL, 78, "header: a second field SENDER");
    refused(BASE "header \"Subject: a\"\nheader \"X-A: b\"\n"
                 "header \"subject: c\"\n",
            "x\n", 78, "header: a second field subject");
    CHECK(makes(BASE "header \"X-A: a\"\nheader \"X-A: b\"\n", MAIL));
    has("X-A: a\r\nX-A: b\r\n");
}

/* ----------------------------------------------------------------- people */

static void local_names(void)
{
    CHECK(makes("host h\ntls off\nfrom root\nmaildomain m.test\nto root\n"
                "to roo\nto \"Ann <ann@b.test>\"\ncc ops\ncc rooted@x.test\n",
                "text\n"));
    has("To: root@m.test,\r\n roo@m.test,\r\n Ann <ann@b.test>\r\n");
    has("Cc: ops@m.test,\r\n rooted@x.test\r\n");
    has("From: root@m.test\r\n");
    CHECK(makes(BASE "set_to_header \"Boss <b@x.test>\"\n",
                "To: a@b.test\nFrom: other@x.test\n" MAIL));
    has("To: Boss <b@x.test>\r\n");
    has_not("a@b.test");
    has("From: other@x.test\n");
    has_not("me@a.test");
    CHECK(makes(BASE "set_from_header on\n", "From: other@x.test\n" MAIL));
    has("From: me@a.test\r\n");
    has_not("other@x.test");
    CHECK(makes(BASE "set_from_header off\n", MAIL));
    has_not("From:");
    CHECK(makes(BASE "undisclosed_recipients on\n", "To: a@b\n" MAIL));
    has("To: undisclosed-recipients:;");
    CHECK(makes(BASE, "Bcc: secret@x\n" MAIL));
    has_not("secret");
    CHECK(makes(BASE "remove_bcc_headers off\n", "Bcc: told@x\n" MAIL));
    has("Bcc: told@x");
}

/* -------------------------------------------------------------- Message-ID */

#define ID "00abcdef00abcdef00abcdef@"

static void identity(const char *given, const char *want)
{
    char field[400];

    if (!makes(given, MAIL))
        return;
    CHECK_MEM(r.message_id.p, r.message_id.len, want, strlen(want));
    snprintf(field, sizeof field, "Message-ID: <%s>\r\n", want);
    has(field);
}

static void message_ids(void)
{
    char given[800];

    now = 0x123456;
    identity(BASE, "123456." ID "a.test");
    now = -1; /* no clock */
    identity(BASE, "0." ID "a.test");
    identity(BASE "from me@b\xc3\xbc"
                  "cher.test\n",
             "0." ID "xn--bcher-kva.test");
    identity(BASE "from \"\"\ndomain d.test\nset_from_header off\n",
             "0." ID "d.test");
    identity(BASE "from \"\"\nset_from_header off\n", "0." ID "localhost");
    identity(BASE "message_id 1@fixed.test\n", "1@fixed.test");
    /* a domain that is no name, and one that is too long for one */
    identity(BASE "from \"\"\ndomain [192.0.2.1]\nset_from_header off\n",
             "0." ID "[192.0.2.1]");
    snprintf(given, sizeof given,
             BASE "from \"\"\nset_from_header off\ndomain %0200d\n", 0);
    CHECK(opens(given, MAIL));
    CHECK(makes(BASE "set_msgid_header off\nset_date_header off\n", MAIL));
    has_not("Message-ID:");
    has_not("Date:");
    now = 1793491200;
    CHECK(makes(BASE, MAIL));
    has("Date: Sun, 1 Nov 2026 00:00:00 +0000\r\n");
    CHECK(makes(BASE "date 981173106\n", MAIL));
    has("Date: Sat, 3 Feb 2001 04:05:06 +0000\r\n");
}

/* ------------------------------------------------------------------ files */

static void attached(void)
{
    static char names[70][40];
    size_t i;

    extras = 0;
    file("attach/", "");
    file("attach/a.txt", "the text");
    file("attached", "not this");
    file("attach/b/c", "and this");
    CHECK(makes(BASE, MAIL));
    has("filename=\"a.txt\"");
    has("filename=\"c\""); /* no folders where it arrives */
    has_not("not this");
    extras = 0;
    for (i = 0; i < 64; i++) {
        snprintf(names[i], sizeof names[i], "attach/%zu", i);
        file(names[i], "x");
    }
    CHECK(makes(BASE, MAIL));
    has("filename=\"63\"");
    file("attach/one-more", "x");
    refused(BASE, MAIL, 65, "more than 64 files in attach/");
    extras = 0;
    file("inline/cat", "x");
    refused(BASE, MAIL, 65,
            "message: there is no HTML to show the inline files");
    extras = 0;
}

static void unusable(void)
{
    refused(BASE, "To: a@b\nX: \001\n\nx\n", 65,
            "message, line 2: control character in the header");
    refused(BASE "header \": x\"\n", MAIL, 65,
            "message: no name for a header field: ");
}

/* ------------------------------------------------------------------- fit */

static bool fits(bool eight_bit, bool binary)
{
    struct smtp_offers offers = { .eight_bit = eight_bit, .binary = binary };
    bool ok = compose_fit(&m, offers, &r);

    if (ok) {
        pull();
        CHECK_EQ(r.bytes, message_size(&m));
    }
    return ok;
}

/* A signed message has to arrive as it left: 7 bits wherever that can be had,
 * and never binary. */
static void fit(void)
{
    extras = 0;
    CHECK(makes(BASE, "Subject: s\n\n\xc3\xbc\n"));
    CHECK(fits(true, false));
    CHECK_EQ(message_content(&m), SMTP_8BIT);
    signs = true;
    CHECK(fits(true, false));
    CHECK_EQ(message_content(&m), SMTP_7BIT);
    has("Content-Transfer-Encoding: quoted-printable");
    CHECK(makes(BASE, "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
                      "boundary=b\n\n--b\n\n\xc3\xbc\n--b--\n"));
    CHECK(fits(true, false)); /* it cannot be had */
    CHECK_EQ(message_content(&m), SMTP_8BIT);
    CHECK(!fits(false, false));
    CHECK_EQ(r.outcome, OUTCOME_REFUSED);
    CHECK_EQ(r.status, 69);
    CHECK_STR(r.reason,
              "message, line 6: bytes over 0x7f, which the server does not "
              "take, in a text that cannot be encoded anew: it is a "
              "multipart");
    file("attach/a", "\001\002\003");
    CHECK(makes(BASE, MAIL));
    CHECK(fits(true, true));
    CHECK_EQ(message_content(&m), SMTP_7BIT);
    signs = false;
    CHECK(fits(true, true));
    CHECK_EQ(message_content(&m), SMTP_BINARY);
    extras = 0;
    cannot_sign = true;
    CHECK(makes(BASE, MAIL));
    CHECK(!fits(true, true));
    CHECK_STR(r.reason, "no signature");
    cannot_sign = false;
}

static const struct check_case cases[] = {
    { "keys", keys },
    { "header", header },
    { "made-by-keys", made_by_keys },
    { "once", once },
    { "local-names", local_names },
    { "message-ids", message_ids },
    { "attached", attached },
    { "unusable", unusable },
    { "fit", fit },
};

CHECK_MAIN(cases)
