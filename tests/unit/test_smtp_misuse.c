/*
 * test_smtp_misuse.c - both engines called at the wrong time, with nothing,
 * with too much: nothing moves that must not, and what is wanted is said.
 */
/* sources: smtp/ smtp/server/ tests/transcripts/crypto.c */
/* includes: smtp smtp/server tests/transcripts */
#include "check.h"

#include "crypto.h"
#include "smtp.h"
#include "smtpd.h"

static struct smtp client;
static struct smtp_job job;
static struct smtp_rcpt rcpt;
static uint8_t out[600];
static struct smtpd server;
static struct smtpd_config cfg;

static struct smtp_str str(const char *p)
{
    return (struct smtp_str){ p, strlen(p) };
}

static void begin_client(void)
{
    memset(&job, 0, sizeof job);
    memset(&rcpt, 0, sizeof rcpt);
    rcpt.address = str("b@example.net");
    job.helo = str("client.example");
    job.rcpt = &rcpt;
    job.rcpt_count = 1;
    job.out = out;
    job.out_size = sizeof out;
    CHECK(smtp_init(&client, &job, 1000));
}

static void hear(const char *text)
{
    size_t n = strlen(text), used;

    while (n != 0) {
        used = smtp_in(&client, (const uint8_t *)text, n, 1000);
        text += used;
        n -= used;
        if (!CHECK(used != 0))
            return;
    }
}

static void sent_all(void)
{
    size_t n;

    smtp_out_buf(&client, &n);
    smtp_out_ack(&client, n, 1000);
}

/* --- the client ----------------------------------------------------------- */

static void client_idle(void)
{
    size_t n;

    begin_client();
    CHECK_EQ(smtp_want(&client), SMTP_IN);
    CHECK(smtp_greeting_silent(&client));
    CHECK_EQ(smtp_in(&client, NULL, 0, 1000), 0);
    smtp_out_ack(&client, 0, 1000);
    smtp_out_ack(&client, 1000, 1000); /* there is nothing */
    smtp_injected(&client);            /* TLS is not wanted */
    smtp_work(&client, 1000);          /* nor is arithmetic */
    smtp_tls_up(&client, true, 1000);
    CHECK_EQ(smtp_body(&client, (const uint8_t *)"x", 1, 1000), 0);
    smtp_body_end(&client, 1000);
    smtp_tick(&client, smtp_deadline(&client) - 1);
    CHECK_STR(smtp_state_name(&client), "GREETING");
    CHECK_EQ(smtp_verdict(&client), SMTP_PENDING);
    CHECK_EQ(smtp_failure(&client), SMTP_F_NONE);
    hear("2");
    CHECK(!smtp_greeting_silent(&client));
    hear("20 x\r\n");
    CHECK(!smtp_greeting_silent(&client));
    smtp_out_buf(&client, &n);
    CHECK(n != 0);
    CHECK_EQ(smtp_want(&client), SMTP_IN | SMTP_OUT);
    smtp_out_ack(&client, n + 100, 1000); /* no more than there is */
    CHECK_EQ(smtp_want(&client), SMTP_IN);
    smtp_abort(&client, SMTP_F_NONE);
    CHECK_EQ(smtp_failure(&client), SMTP_F_LOST);
    CHECK_EQ(smtp_verdict(&client), SMTP_TRY_LATER);
    smtp_abort(&client, SMTP_F_AUTH); /* it is over */
    CHECK_EQ(smtp_failure(&client), SMTP_F_LOST);
}

static void client_body(void)
{
    uint8_t text[600];
    size_t n, taken = 0;
    uint64_t deadline;

    begin_client();
    hear("220 x\r\n");
    sent_all();
    hear("250 x\r\n");
    sent_all();
    hear("250 x\r\n");
    sent_all();
    hear("250 x\r\n");
    sent_all();
    hear("354 x\r\n");
    CHECK(smtp_want(&client) & SMTP_BODY);
    CHECK_EQ(smtp_body(&client, text, 0, 1000), 0);
    deadline = smtp_deadline(&client);
    smtp_out_ack(&client, 0, 5000); /* nothing is no progress */
    CHECK_EQ(smtp_deadline(&client), deadline);
    memset(text, 'x', sizeof text);
    taken = smtp_body(&client, text, sizeof text, 1000);
    CHECK(taken != 0);
    while ((n = smtp_body(&client, text, sizeof text, 1000)) != 0)
        taken += n;
    CHECK((smtp_want(&client) & SMTP_BODY) == 0); /* out is full */
    sent_all();
    CHECK(smtp_want(&client) & SMTP_BODY);
    smtp_abort(&client, SMTP_F_TIMEOUT);
    CHECK_EQ(rcpt.verdict, SMTP_TRY_LATER);
}

/* --- many mails in one connection ----------------------------------------- */

static void reply_to_all(const char *reply)
{
    sent_all();
    hear(reply);
}

static void one_mail(void)
{
    reply_to_all("250 ok\r\n"); /* MAIL */
    reply_to_all("250 ok\r\n");
    reply_to_all("354 go on\r\n");
    smtp_body_end(&client, 1000);
    CHECK(!smtp_next(&client, &job, 1000)); /* it is not over */
    CHECK(!smtp_ask(&client, SMTP_ASK_NOOP, str(""), 1000));
    smtp_quit(&client, 1000);
    smtp_rewound(&client, 1000);
    reply_to_all("250 ok\r\n");
    CHECK_EQ(smtp_verdict(&client), SMTP_SENT);
    CHECK_EQ(smtp_want(&client), SMTP_IN | SMTP_IDLE);
}

/* The first mail is sent, and the session waits. */
static void begin_idle(void)
{
    job.keep = true;
    CHECK(smtp_init(&client, &job, 1000));
    CHECK(!smtp_next(&client, &job, 1000));
    hear("220 x\r\n");
    reply_to_all("250 x\r\n");
    one_mail();
}

static void client_next(void)
{
    char text[501];
    struct smtp_str arg = { text, sizeof text };

    begin_client();
    begin_idle();
    memset(text, 'a', sizeof text);
    CHECK(!smtp_ask(&client, SMTP_ASK_VRFY, arg, 1000)); /* too long */
    CHECK(!smtp_ask(&client, SMTP_ASK_VRFY, str("a\r\nQUIT"), 1000));
    CHECK(!smtp_ask(&client, SMTP_ASK_VRFY, str("\xc3\xa4"), 1000));
    smtp_rewound(&client, 1000);
    CHECK_EQ(smtp_want(&client), SMTP_IN | SMTP_IDLE);
    for (int i = 1; i < SMTP_REUSE_MAX; i++) {
        CHECK(smtp_next(&client, &job, 1000));
        CHECK_EQ(smtp_verdict(&client), SMTP_PENDING);
        one_mail();
    }
    CHECK(!smtp_next(&client, &job, 1000)); /* enough of it */
    CHECK_EQ(smtp_want(&client), SMTP_IN | SMTP_IDLE);
    smtp_quit(&client, 1000);
    CHECK_EQ(smtp_want(&client), SMTP_OUT | SMTP_CLOSED);
}

/* What the server began to say while nothing was asked is no reply to the
 * next command. */
static void client_next_surplus(void)
{
    begin_client();
    begin_idle();
    hear("250 ");
    CHECK(!smtp_next(&client, &job, 1000));
    CHECK_EQ(smtp_want(&client), SMTP_CLOSED);
    CHECK_EQ(smtp_verdict(&client), SMTP_SENT); /* the mail before */
    hear("ok\r\n");
    CHECK_EQ(smtp_want(&client), SMTP_CLOSED);
}

/* ... nor to MAIL, where the message is begun anew for who is left. */
static void client_rewind_surplus(void)
{
    struct smtp_rcpt two[2];

    begin_client();
    memset(two, 0, sizeof two);
    two[0].address = str("b@example.net");
    two[1].address = str("c@example.net");
    job.rcpt = two;
    job.rcpt_count = 2;
    job.split = true;
    CHECK(smtp_init(&client, &job, 1000));
    hear("220 x\r\n");
    reply_to_all("250-x\r\n250 LIMITS RCPTMAX=1\r\n");
    reply_to_all("250 ok\r\n");
    reply_to_all("250 ok\r\n");
    reply_to_all("354 go on\r\n");
    smtp_body_end(&client, 1000);
    reply_to_all("250 ok\r\n");
    CHECK_EQ(smtp_want(&client), SMTP_IN | SMTP_REWIND);
    hear("25");
    smtp_rewound(&client, 1000);
    CHECK_EQ(smtp_want(&client), SMTP_CLOSED);
    CHECK_EQ(smtp_failure(&client), SMTP_F_PROTOCOL);
    CHECK_EQ(two[0].verdict, SMTP_SENT);
    CHECK_EQ(two[1].verdict, SMTP_TRY_LATER);
    smtp_rewound(&client, 1000);
    CHECK_EQ(smtp_want(&client), SMTP_CLOSED);
}

/* ... nor where the message is made to fit. */
static void client_fit_surplus(void)
{
    begin_client();
    job.fit = true;
    CHECK(smtp_init(&client, &job, 1000));
    hear("220 x\r\n");
    reply_to_all("250 x\r\n");
    CHECK_EQ(smtp_want(&client), SMTP_IN | SMTP_FIT);
    hear("2");
    smtp_fitted(&client, 100, SMTP_7BIT, false, 1000);
    CHECK_EQ(smtp_want(&client) & (SMTP_CLOSED | SMTP_OUT), SMTP_CLOSED);
    CHECK_EQ(smtp_failure(&client), SMTP_F_PROTOCOL);
    CHECK_EQ(rcpt.verdict, SMTP_TRY_LATER);
}

/* Events that nobody fetches are dropped, and the session goes on. */
static void client_events(void)
{
    struct smtp_event e;
    unsigned count = 0;

    begin_client();
    for (int i = 0; i < 40; i++) {
        hear(i == 0 ? "220-x\r\n" : "220-y\r\n");
    }
    hear("220 z\r\n");
    while (smtp_next_event(&client, &e))
        count++;
    CHECK(count >= 2 && count <= 16);
    CHECK_STR(smtp_state_name(&client), "EHLO");
}

/* --- the server ----------------------------------------------------------- */

static void say(const char *text)
{
    size_t n = strlen(text), used;

    while (n != 0) {
        used = smtpd_in(&server, (const uint8_t *)text, n, 1000);
        text += used;
        n -= used;
        if (used == 0)
            return;
    }
}

static void yes(void)
{
    struct smtpd_answer a = { 0 };

    smtpd_answer(&server, &a, 1000);
}

static void read_all(void)
{
    size_t n;

    smtpd_out_buf(&server, &n);
    smtpd_out_ack(&server, n, 1000);
}

static void begin_server(void)
{
    cfg.name = str("mx.example.net");
    smtpd_init(&server, &cfg, 1000);
}

static void server_idle(void)
{
    struct smtpd_answer a = { 0 };
    struct smtpd_event e;
    size_t n, twice = 0;

    begin_server();
    CHECK_EQ(smtpd_want(&server), SMTPD_ANSWER);
    CHECK_EQ(smtpd_deadline(&server), UINT64_MAX);
    while (smtpd_next_event(&server, &e))
        twice += e.kind == SMTPD_ASK_CONNECT;
    CHECK(!smtpd_next_event(&server, &e));
    CHECK_EQ(twice, 1); /* a question is told once */
    smtpd_tls_up(&server, 1000);
    smtpd_injected(&server);
    smtpd_tick(&server, UINT64_MAX - 1);
    CHECK_STR(smtpd_state_name(&server), "GREETING");
    CHECK(!smtpd_tls(&server));
    yes();
    smtpd_answer(&server, &a, 1000); /* nothing is asked */
    smtpd_out_ack(&server, 0, 1000);
    smtpd_out_buf(&server, &n);
    smtpd_out_ack(&server, n - 1, 1000);
    CHECK_EQ(smtpd_want(&server), SMTPD_OUT | SMTPD_IN);
    smtpd_out_ack(&server, 100, 1000); /* no more than there is */
    CHECK_EQ(smtpd_want(&server), SMTPD_IN);
    CHECK_EQ(smtpd_in(&server, NULL, 0, 1000), 0);
    smtpd_body_ack(&server, 5, 1000);
    smtpd_body_buf(&server, &n);
    CHECK_EQ(n, 0);
    CHECK_STR(smtpd_state_name(&server), "HELLO");
}

/* A chunk that follows its BDAT while the caller still thinks is no haste, with
 * or without PIPELINING; what follows DATA is. */
static void server_chunk(void)
{
    struct smtpd_event e;

    for (int bdat = 1; bdat >= 0; bdat--) {
        cfg.hide = SMTPD_PIPELINING;
        begin_server();
        yes();
        read_all();
        say("EHLO x\r\n");
        yes();
        read_all();
        say("MAIL FROM:<>\r\n");
        yes();
        read_all();
        say("RCPT TO:<a@b>\r\n");
        yes();
        read_all();
        say(bdat ? "BDAT 3 LAST\r\n" : "DATA\r\n");
        CHECK_EQ(smtpd_want(&server), SMTPD_ANSWER);
        if (!bdat) {
            say("x\r\n");
            CHECK_EQ(smtpd_end(&server), SMTPD_END_SYNC);
            cfg.hide = 0;
            return;
        }
        CHECK_EQ(smtpd_in(&server, (const uint8_t *)"x\r\n", 3, 1000), 0);
        yes();
        say("x\r\n");
        smtpd_body_ack(&server, 100, 1000);
        CHECK_EQ(smtpd_want(&server), SMTPD_ANSWER);
        while (smtpd_next_event(&server, &e))
            ;
        yes();
        CHECK_EQ(smtpd_want(&server), SMTPD_OUT | SMTPD_IN);
    }
}

/* RSET is the end of a mail, and no beginning without EHLO; and nothing may
 * come behind STARTTLS before it is answered, with PIPELINING either. */
static void server_states(void)
{
    begin_server();
    yes();
    read_all();
    say("RSET\r\n");
    CHECK_STR(smtpd_state_name(&server), "HELLO");
    read_all();
    say("EHLO x\r\n");
    yes();
    read_all();
    CHECK_STR(smtpd_state_name(&server), "READY");
    say("MAIL FROM:<>\r\n");
    yes();
    read_all();
    CHECK_STR(smtpd_state_name(&server), "ENVELOPE");
    say("RSET\r\n");
    CHECK_STR(smtpd_state_name(&server), "READY");
    cfg.starttls = true;
    begin_server();
    yes();
    read_all();
    say("EHLO x\r\n");
    yes();
    read_all();
    say("STARTTLS\r\n");
    say("NOOP\r\n");
    CHECK_EQ(smtpd_end(&server), SMTPD_END_SYNC);
    cfg.starttls = false;
}

static void server_message(void)
{
    struct smtpd_event e;
    char text[2000];
    size_t n;

    begin_server();
    yes();
    read_all();
    say("EHLO x\r\n");
    CHECK_EQ(smtpd_in(&server, (const uint8_t *)"", 0, 1000), 0);
    yes();
    read_all();
    say("MAIL FROM:<>\r\n");
    CHECK_EQ(smtpd_in(&server, (const uint8_t *)"RSET\r\n", 6, 1000), 0);
    yes();
    say("RCPT TO:<a@b>\r\n");
    yes();
    read_all();
    say("DATA\r\n");
    yes();
    read_all();
    memset(text, 'x', sizeof text);
    n = smtpd_in(&server, (const uint8_t *)text, sizeof text, 1000);
    CHECK(n != 0 && n < sizeof text); /* the body is full */
    CHECK_EQ(smtpd_in(&server, (const uint8_t *)text, 1, 1000), 0);
    CHECK_EQ(smtpd_want(&server), SMTPD_BODY);
    smtpd_body_ack(&server, 0, 1000);
    smtpd_body_ack(&server, 1, 1000);
    smtpd_body_ack(&server, 100000, 1000); /* no more than there is */
    CHECK_EQ(smtpd_want(&server), SMTPD_IN);
    say("y\r\n.\r\n");
    CHECK_EQ(smtpd_want(&server), SMTPD_BODY); /* first it must be fetched */
    CHECK_EQ(smtpd_in(&server, (const uint8_t *)"NOOP\r\n", 6, 1000), 0);
    CHECK_EQ(smtpd_deadline(&server), UINT64_MAX);
    smtpd_body_ack(&server, 100, 1000);
    CHECK_EQ(smtpd_want(&server), SMTPD_ANSWER);
    while (smtpd_next_event(&server, &e))
        ;
    CHECK_EQ(e.kind, SMTPD_EV_STATE); /* nothing was written behind the end */
    yes();
    CHECK_EQ(smtpd_want(&server), SMTPD_OUT | SMTPD_IN);
    smtpd_wipe(&server);
    for (size_t i = 0; i < sizeof server; i++)
        if (((const uint8_t *)&server)[i] != 0) {
            CHECK(!"wiped");
            break;
        }
}

/* A caller's words in the reply to EHLO: cut, and on one line. */
static void server_words(void)
{
    char words[300];
    struct smtpd_answer a = { 0 };
    const uint8_t *p;
    size_t n;

    begin_server();
    yes();
    read_all();
    say("EHLO x\r\n");
    memset(words, 'w', sizeof words);
    words[3] = '\n';
    a.text = (struct smtp_str){ words, sizeof words };
    smtpd_answer(&server, &a, 1000);
    p = smtpd_out_buf(&server, &n);
    CHECK(n > 130 && memcmp(p, "250-mx.example.net www www", 26) == 0);
    CHECK(memchr(p, '\r', n) == p + 19 + 100);
}

/* --- logins whose arithmetic fails ---------------------------------------- */

static void work(void)
{
    while ((smtp_want(&client) & SMTP_WORK) != 0)
        smtp_work(&client, 1000);
}

static void begin_login(enum smtp_auth auth, unsigned failing)
{
    begin_client();
    job.auth = auth;
    job.auth_unsafe = true;
    job.user = str("u");
    job.password = str("p");
    job.crypto = &frail;
    CHECK(smtp_init(&client, &job, 1000));
    hear("220 x\r\n");
    sent_all();
    frail_left = failing;
    hear("250-x\r\n250 AUTH CRAM-MD5 SCRAM-SHA-256\r\n");
    sent_all();
}

/* The server is told, and the mail is not sent; never without a login. */
static void login_failed(void)
{
    frail_left = 0;
    if ((smtp_want(&client) & SMTP_CLOSED) == 0) {
        sent_all();
        hear("501 x\r\n");
    }
    CHECK(smtp_want(&client) & SMTP_CLOSED);
    CHECK(smtp_failure(&client) == SMTP_F_AUTH ||
          smtp_failure(&client) == SMTP_F_NO_AUTH);
}

/* What a server says of a token is no reason when the connection is lost. */
static void client_token(void)
{
    begin_client();
    job.auth = SMTP_AUTH_XOAUTH2;
    job.auth_unsafe = true;
    job.user = str("u");
    job.password = str("p");
    CHECK(smtp_init(&client, &job, 1000));
    hear("220 x\r\n");
    reply_to_all("250-x\r\n250 AUTH XOAUTH2\r\n");
    reply_to_all("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n");
    sent_all();
    smtp_abort(&client, SMTP_F_LOST);
    CHECK_EQ(smtp_failure(&client), SMTP_F_LOST);
    CHECK(strstr(smtp_reason(&client), "it says") == NULL);
}

static void client_logins(void)
{
    const uint8_t *said;
    size_t n;

    for (unsigned failing = 1; failing < 4; failing++) {
        begin_login(SMTP_AUTH_CRAM_MD5, failing);
        hear("334 PHg+\r\n");
        said = smtp_out_buf(&client, &n);
        CHECK_MEM(said, n, "*\r\n", 3); /* no answer at all */
        login_failed();
    }
    for (unsigned failing = 1; failing < 20; failing += 3) {
        begin_login(SMTP_AUTH_SCRAM_SHA_256, failing);
        if (failing > 1) /* the first is that for the nonce */
            hear("334 cj1BQUVDQXdRRkJnY0lDUW9MREEwT0R4QVJ4eXoscz1jMkZzZEhOaGJI"
                 "UT0saT00MDk2\r\n");
        work();
        login_failed();
    }
}

static const struct check_case cases[] = {
    { "client_logins", client_logins },
    { "client_token", client_token },
    { "server_states", server_states },
    { "client_idle", client_idle },
    { "client_body", client_body },
    { "client_events", client_events },
    { "client_next", client_next },
    { "client_next_surplus", client_next_surplus },
    { "client_rewind_surplus", client_rewind_surplus },
    { "client_fit_surplus", client_fit_surplus },
    { "server_idle", server_idle },
    { "server_chunk", server_chunk },
    { "server_message", server_message },
    { "server_words", server_words },
};
CHECK_MAIN(cases)
