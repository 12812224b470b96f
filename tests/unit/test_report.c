/*
 * test_report.c - the report line: one line of ASCII, valid JSON whatever a
 * peer sent, every field in its place. Python's json module is the judge.
 */
/* sources: kernel/app/report.c net/addr.c */
/* includes: kernel/app kernel smtp board net */
#include "check.h"

#include "board.h"
#include "heap.h"
#include "log.h"
#include "report.h"

static char line[1 << 18];
static size_t line_len;

uint64_t board_now_ns(void)
{
    return 123456789012;
}

void log_raw(const char *p, size_t len)
{
    if (line_len + len > sizeof(line))
        abort();
    memcpy(line + line_len, p, len);
    line_len += len;
}

static bool tracing;

bool log_tracing(void)
{
    return tracing;
}

struct heap_stats heap_stats(void)
{
    struct heap_stats s = { .peak = 4711, .limit = HEAP_LIMIT };

    return s;
}

static void print(const struct report *r)
{
    line_len = 0;
    report_print(r);
}

/* The line, as Python reads it, makes the expression true. */
static bool python(const char *expression)
{
    char command[1024];
    FILE *f;

    snprintf(command, sizeof(command),
             "python3 -c 'import sys,json; t = sys.stdin.buffer.read(); "
             "r = json.loads(t.decode(\"ascii\")); "
             "sys.exit(0 if t.count(b\"\\n\") == 1 and (%s) else 1)'",
             expression);
    f = popen(command, "w");
    if (f == NULL)
        return false;
    fwrite(line, 1, line_len, f);
    return pclose(f) == 0;
}

static struct smtp_rcpt rcpt[2];

static struct report plain(void)
{
    struct report r = { .rcpt = rcpt, .rcpt_count = 1 };

    memset(rcpt, 0, sizeof(rcpt));
    rcpt[0].address.p = "a@b.example";
    rcpt[0].address.len = 11;
    return r;
}

static void note(struct smtp_rcpt *to, const void *text, size_t len)
{
    to->reply.code = 550;
    to->reply.text_len = (uint16_t)len;
    memcpy(to->reply.text, text, len);
}

/* all of it, in a run that got far and in one that did not */
static void fields(void)
{
    struct report r = plain();

    report_end(&r, OUTCOME_TEMPORARY, STATUS_NO_NETWORK, "no %s", "cable");
    print(&r);
    CHECK(
        python("r == {\"bootmail\": 1, \"outcome\": \"temporary\", "
               "\"exit\": 74, \"reason\": \"no cable\", "
               "\"message_id\": None, \"host\": None, \"address\": None, "
               "\"from\": None, \"tls\": None, \"recipients\": [{\"address\": "
               "\"a@b.example\", \"outcome\": \"temporary\", \"code\": None,"
               "\"enhanced\": None, \"text\": \"\"}], \"bytes\": 0, "
               "\"attempts\": 0, \"ms\": {\"boot\": None, \"link\": None, "
               "\"dns\": None, \"tcp\": None, \"tls\": None, \"smtp\": None,"
               " \"total\": 123456.7}}"));

    r = plain();
    r.host = blob_str("mx.example");
    r.message_id = blob_str("1@2");
    r.address = addr_v4(0xc0000201);
    r.tls_version = "TLSv1.2";
    r.tls_cipher = "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256-AND-MORE";
    r.bytes = UINT64_MAX;
    r.attempts = 1;
    r.at = (struct report_times){ 1000, 2500, 2600, 3000, 0, 10000 };
    rcpt[0].verdict = SMTP_SENT;
    note(&rcpt[0], "ok", 2);
    memcpy(rcpt[0].reply.enhanced, "\x02\x01\xff", 3);
    report_end(&r, OUTCOME_SENT, STATUS_SENT, "x");
    print(&r);
    CHECK(python("r[\"tls\"] == {\"version\": \"TLSv1.2\", \"cipher\": "
                 "\"TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256-AND-MORE\", "
                 "\"verified\": False} and r[\"address\"] == \"192.0.2.1\""));
    CHECK(python("r[\"bytes\"] == 2**64 - 1 and r[\"ms\"] == {\"boot\": 1.0, "
                 "\"link\": 1.5, \"dns\": 0.1, \"tcp\": 0.4, \"tls\": None, "
                 "\"smtp\": 7.0, \"total\": 123456.7}"));
    CHECK(python("r[\"recipients\"][0] == {\"address\": \"a@b.example\", "
                 "\"outcome\": \"sent\", \"code\": 550, \"enhanced\": "
                 "\"2.1.255\", \"text\": \"ok\"}"));
}

/* each byte alone and each pair of bytes, as reply text and as host */
static void bytes(void)
{
    struct report r = plain();
    uint8_t all[256];

    for (size_t i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    note(&rcpt[0], all, 256);
    r.host.p = all;
    r.host.len = 256;
    report_end(&r, OUTCOME_REFUSED, STATUS_REFUSED, "%s", "\x01\"\\\x7f\xff");
    print(&r);
    CHECK(python("r[\"host\"] == r[\"recipients\"][0][\"text\"] == "
                 "\"\".join(map(chr, range(128))) + \"\\ufffd\" * 128"));
    CHECK(python("r[\"reason\"] == \"\\x01\\\"\\\\\\x7f\\ufffd\""));
    for (size_t i = 0; i < line_len - 1; i++)
        CHECK(line[i] >= 0x20 && line[i] < 0x7f);
}

static void utf8(void)
{
    static const char good[] = "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee"
                               "\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f"
                               "\xbf\xbf";
    /* over-long, surrogates, too large, cut, lone continuation */
    static const char bad[] = "\xc0\x80\xe0\x9f\xbf\xed\xa0\x80\xf0\x8f\xbf"
                              "\xbf\xf4\x90\x80\x80\xf8\x80\xe2\x82";
    struct report r = plain();

    note(&rcpt[0], good, sizeof(good) - 1);
    r.host.p = (const uint8_t *)bad;
    r.host.len = sizeof(bad) - 1;
    report_end(&r, OUTCOME_REFUSED, STATUS_REFUSED, "x");
    print(&r);
    CHECK(python("r[\"recipients\"][0][\"text\"] == "
                 "\"\\x80\\u07ff\\u0800\\ud7ff\\ue000\\uffff\\U00010000"
                 "\\U0010ffff\""));
    CHECK(python("r[\"host\"] == \"\\ufffd\" * 20"));
}

/* a reason that is cut, wherever, in whatever character */
static void long_reason(void)
{
    char text[700];

    for (size_t at = 505; at < 520; at++) {
        struct report r = plain();

        memset(text, 'x', sizeof(text));
        memcpy(text + at, "\xf0\x9f\x93\xa7", 4);
        text[600] = '\0';
        report_end(&r, OUTCOME_REFUSED, STATUS_REFUSED, "%s", text);
        CHECK_EQ(strlen(r.reason), REPORT_REASON_MAX - 1);
        print(&r);
        CHECK(python("len(r[\"reason\"]) > 500"));
    }
}

static void random_bytes(void)
{
    uint64_t x = check_seed * 0x9e3779b97f4a7c15u + 1;
    uint8_t text[SMTP_TEXT_MAX];

    for (int run = 0; run < 12; run++) {
        struct report r = plain();

        for (size_t i = 0; i < sizeof(text); i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            text[i] = (uint8_t)(x >> 32);
            if ((x & 3) != 0) /* UTF-8's own bytes more often */
                text[i] |= 0x80;
        }
        note(&rcpt[0], text, sizeof(text));
        report_end(&r, OUTCOME_REFUSED, STATUS_REFUSED, "%.*s",
                   (int)sizeof(text), (const char *)text);
        print(&r);
        CHECK(python("r[\"bootmail\"] == 1"));
    }
}

/* who has no verdict of his own shares the fate of the whole */
static void recipients(void)
{
    struct report r = plain();

    r.rcpt_count = 2;
    rcpt[1] = rcpt[0];
    rcpt[0].verdict = SMTP_UNSURE;
    report_end(&r, OUTCOME_INVALID, STATUS_CONFIG, "x");
    print(&r);
    CHECK(python("[x[\"outcome\"] for x in r[\"recipients\"]] == "
                 "[\"unsure\", \"invalid\"]"));
    r.rcpt_count = 0;
    print(&r);
    CHECK(python("r[\"recipients\"] == []"));
}

static void first_wins(void)
{
    struct report r = plain();

    CHECK(!report_ended(&r));
    CHECK(!report_end(&r, OUTCOME_REFUSED, STATUS_AUTH, "%s", ""));
    CHECK(report_ended(&r));
    CHECK(!report_end(&r, OUTCOME_SENT, STATUS_SENT, "later"));
    CHECK_EQ(r.status, STATUS_AUTH);
    CHECK_EQ(r.outcome, OUTCOME_REFUSED);
}

/* the arena's high-water mark: with trace alone */
static void memory(void)
{
    struct report r = plain();

    report_end(&r, OUTCOME_SENT, STATUS_SENT, "x");
    print(&r);
    CHECK(python("\"memory\" not in r"));
    tracing = true;
    print(&r);
    tracing = false;
    CHECK(python("r[\"memory\"][\"peak\"] == 4711"));
}

static const struct check_case cases[] = {
    { "fields", fields },
    { "bytes", bytes },
    { "utf8", utf8 },
    { "long reason", long_reason },
    { "random bytes", random_bytes },
    { "recipients", recipients },
    { "first wins", first_wins },
    { "memory", memory },
};

CHECK_MAIN(cases)
