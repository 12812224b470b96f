/*
 * test_envelope.c - who sends to whom: configuration and message in, the
 * envelope or the reason out.
 */
/* sources: net/addr.c kernel/app/envelope.c kernel/app/config.c
            kernel/app/config_keys.c kernel/app/config_ip.c
            kernel/app/config_wishes.c kernel/conf.c kernel/conf_value.c
            smtp/message.c smtp/check.c smtp/stream.c smtp/fields.c
            smtp/parts.c smtp/addrlist.c smtp/mailbox.c smtp/header.c
            smtp/mime.c smtp/qp.c smtp/scan.c smtp/recode.c smtp/idna.c
            smtp/date.c smtp/base64.c smtp/text.c */
/* includes: kernel kernel/app smtp board net */
#include "check.h"

#include <stdarg.h>

#include "board.h"
#include "config.h"
#include "crypto.h"
#include "envelope.h"
#include "files.h"
#include "log.h"

/* ----------------------------------------- the machine around envelope.c */

static struct board_info info = { .cmdline = { (const uint8_t *)"", 0 } };
static const char *conf, *args, *message;
static bool no_room;
static char *pages;

const struct board_info *board_info(void)
{
    return &info;
}

void *board_pages(size_t n)
{
    free(pages);
    pages = no_room ? NULL : calloc(1, n);
    return pages;
}

static bool named(struct blob name, const char *text)
{
    return text != NULL && blob_eq(name, blob_str(text));
}

struct blob files_get(struct blob name)
{
    if (named(name, "bootmail.conf"))
        return blob_str(conf);
    if (named(name, "args"))
        return args != NULL ? blob_str(args) : blob_of(NULL, 0);
    if (named(name, "message"))
        return blob_str(message);
    if (named(name, "ca.pem"))
        return blob_str("-----BEGIN");
    return blob_of(NULL, 0);
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
}

const struct smtp_crypto crypto = { .hashes = 0 };

bool report_end(struct report *r, enum outcome outcome, enum status status,
                const char *fmt, ...)
{
    va_list ap;

    if (!CHECK(r != NULL))
        return false;
    r->outcome = outcome;
    r->status = status;
    va_start(ap, fmt);
    vsnprintf(r->reason, sizeof r->reason, fmt, ap);
    va_end(ap);
    return false;
}

/* ---------------------------------------------------------- one envelope */

static struct config c;
static struct smtp_job job;
static struct report report;

#define BASE "host mx.test\ntls off\n"

static bool made(const char *given, const char *text)
{
    static struct conf_error err;

    conf = given;
    message = text;
    memset(&job, 0, sizeof job);
    memset(&report, 0, sizeof report);
    if (!CHECK_EQ(config_load(&c, &err), 0))
        return false;
    return envelope_addresses(&c, &job, &report);
}

/* "sender>recipient,recipient" */
static const char *envelope(void)
{
    static char text[2000];
    size_t n = (size_t)snprintf(text, sizeof text, "%.*s>", (int)job.from.len,
                                job.from.p);

    for (size_t i = 0; i < job.rcpt_count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s",
                              i == 0 ? "" : ",", (int)job.rcpt[i].address.len,
                              job.rcpt[i].address.p);
    return text;
}

#define MAIL                                                        \
    "From: Me <me@a.test>\nTo: x@b.test, \"Y, Z\" <y@b.test>\nCc: " \
    "g:x@b.test,z@b.test;\nBcc: secret@b.test\n\ntext\n"

static const struct {
    const char *conf, *message, *want;
} good[] = {
    { "from a@b\nto c@d\n", "x\n", "a@b>c@d" },
    { "from a@b\nto c@d\nto c@d\ncc \"C <c@d>, e@f\"\nbcc g@h\n", "x\n",
      "a@b>c@d,e@f,g@h" },
    { "from \"\"\nto c@d\n", "x\n", ">c@d" },
    { "to c@d\n", MAIL, "me@a.test>c@d" },
    { "read_recipients on\n", MAIL,
      "me@a.test>x@b.test,y@b.test,z@b.test,secret@b.test" },
    { "read_recipients on\nto c@d\n", MAIL,
      "me@a.test>c@d,x@b.test,y@b.test,z@b.test,secret@b.test" },
    { "read_recipients on\nset_to_header boss@d\n", MAIL, "me@a.test>boss@d" },
    { "read_recipients on\nonly_to z@b.test\n", MAIL, "me@a.test>z@b.test" },
    { "maildomain m.test\nfrom root\nto root\ncc \"ops (on call)\"\n", "x\n",
      "root@m.test>root@m.test,ops@m.test" },
    { "maildomain m.test\nfrom a@b\nto \"c (x) @ d\"\n", "x\n", "a@b>c@d" },
    { "from a@b\nread_recipients on\n", "To: \"c d\"@e\n\nx\n",
      "a@b>\"c d\"@e" },
    { "from a@b\nto \"undisclosed-recipients:;\"\nbcc c@d\n", "x\n",
      "a@b>c@d" },
};

static void taken(void)
{
    char text[400];

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, BASE "%s", good[i].conf);
        if (CHECK(made(text, good[i].message)))
            CHECK_STR(envelope(), good[i].want);
        else
            printf("  %s: %s\n", good[i].conf, report.reason);
        CHECK_MEM(report.from.p, report.from.len, job.from.p, job.from.len);
        CHECK_EQ(report.rcpt_count, job.rcpt_count);
    }
}

static const struct {
    const char *conf, *message;
    enum status status;
    const char *why;
} wrong[] = {
    /* (what config_load() sees by itself is in test_config.c) */
    { "from a@b\nread_recipients on\n", "Subject: x\n\ny\n", STATUS_CONFIG,
      "nor To, Cc or Bcc of the message" },
    { "from a@b\nto \"g:;\"\n", "x\n", STATUS_CONFIG,
      "no recipient: set to ADDRESS" },
    { "to c@d\n", "x\n", STATUS_CONFIG, "no sender" },
    { "to c@d\n", "Subject: x\n\ny\n", STATUS_CONFIG, "no sender" },
    { "from a@b\nread_recipients on\n", "To: root\n\nx\n", STATUS_CONFIG,
      "recipient \"root\" is not an address" },
    { "to c@d\n", "From: root\n\nx\n", STATUS_CONFIG,
      "sender \"root\" is not an address" },
    { "from a@b\nto c@d\nread_recipients on\n", "To: x y z\n\nt\n",
      STATUS_CONFIG, "is not an address" },
};

static void refused(void)
{
    char text[400];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, BASE "%s", wrong[i].conf);
        if (!CHECK(!made(text, wrong[i].message))) {
            printf("  %s: %s\n", wrong[i].conf, envelope());
            continue;
        }
        CHECK_EQ(report.outcome, OUTCOME_INVALID);
        CHECK_EQ(report.status, wrong[i].status);
        if (!CHECK(strstr(report.reason, wrong[i].why) != NULL))
            printf("  %s: %s\n", wrong[i].conf, report.reason);
    }
}

/* As many as the list has room for, and one more. */
static void many(void)
{
    static char text[1100 * 12];

    for (unsigned count = 1000; count <= 1001; count++) {
        size_t n = (size_t)snprintf(text, sizeof text, "From: a@b\nTo: u@b");

        for (unsigned i = 1; i < count; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, ",\n u%u@b", i);
        snprintf(text + n, sizeof text - n, "\n\nx\n");
        CHECK(made(BASE "read_recipients on\n", text) == (count == 1000));
        if (count == 1000)
            CHECK_EQ(job.rcpt_count, 1000);
        else
            CHECK_EQ(report.status, STATUS_MESSAGE);
    }
    no_room = true;
    CHECK(!made(BASE "from a@b\nto c@d\n", "x\n"));
    no_room = false;
    CHECK(strstr(report.reason, "more memory") != NULL);
}

/* An address that is longer than any is refused and shown in part. */
static void long_ones(void)
{
    static char text[2000], name[1001];

    memset(name, 'a', sizeof name - 1);
    snprintf(text, sizeof text, "From: %s\n\nx\n", name);
    CHECK(!made(BASE "to c@d\nmaildomain m.test\n", text));
    CHECK(strstr(report.reason, "sender \"aaaa") != NULL);
    CHECK(strlen(report.reason) < 400);
    snprintf(text, sizeof text, "To: %s@d\n\nx\n", name);
    CHECK(!made(BASE "from a@b\nread_recipients on\n", text));
    CHECK(strstr(report.reason, "recipient \"aaaa") != NULL);
    CHECK(strlen(report.reason) < 400);
}

static void notes(void)
{
    CHECK(made(BASE "from a@b\nto c@d\ndsn_notify failure,delay\n"
                    "dsn_return headers\n",
               "x\n"));
    CHECK_EQ(job.rcpt[0].notify, SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY);
    CHECK_MEM(job.rcpt[0].orcpt.p, job.rcpt[0].orcpt.len, "c@d", 3);
    CHECK_EQ(job.wishes.ret, SMTP_RET_HDRS);
    CHECK(made(BASE "from a@b\nto c@d\n", "x\n"));
    CHECK_EQ(job.rcpt[0].notify, 0);
    CHECK_EQ(job.rcpt[0].orcpt.len, 0);
    CHECK_EQ(job.wishes.ret, SMTP_RET_ANY);
}

/* --------------------------------------------------------------- the job */

static void made_job(const char *given)
{
    struct addr own = { .len = 4, .b = { 192, 0, 2, 9 } };

    if (CHECK(made(given, "x\n")))
        envelope_job(&c, &own, &job);
}

static void jobs(void)
{
    struct addr six = { .len = 16, .b = { 0xfd, [15] = 1 } };

    made_job(BASE "from a@b\nto c@d\n");
    CHECK_MEM(job.helo.p, job.helo.len, "[192.0.2.9]", 11);
    CHECK_EQ(job.tls, SMTP_TLS_NONE);
    CHECK_EQ(job.auth, SMTP_AUTH_OFF);
    CHECK(!job.lmtp && !job.check && !job.no_chunking && !job.auth_unsafe);
    envelope_job(&c, &six, &job);
    CHECK_MEM(job.helo.p, job.helo.len, "[IPv6:fd00::1]", 14);
    made_job("host mx.test\nfrom a@b\nto c@d\ntls on\ndomain me.test\n"
             "auth login\nuser u\npassword p\ntimeout 7\nchunking off\n");
    CHECK_MEM(job.helo.p, job.helo.len, "me.test", 7);
    CHECK_EQ(job.tls, SMTP_TLS_STARTTLS);
    CHECK_EQ(job.auth, SMTP_AUTH_LOGIN);
    CHECK_EQ(job.timeout_ms, 7000);
    CHECK(job.no_chunking);
    CHECK_MEM(job.user.p, job.user.len, "u", 1);
    CHECK_MEM(job.password.p, job.password.len, "p", 1);
    made_job("host mx.test\nfrom a@b\nto c@d\ntls on\ntls_starttls off\n"
             "protocol lmtp\nport 24\n");
    CHECK_EQ(job.tls, SMTP_TLS_IMPLICIT);
    CHECK(job.lmtp);
}

static const struct check_case cases[] = {
    { "taken", taken },         { "refused", refused }, { "many", many },
    { "long_ones", long_ones }, { "notes", notes },     { "jobs", jobs },
};
CHECK_MAIN(cases)
