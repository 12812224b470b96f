/*
 * test_smtpd_login.c - logins at the server engine whose arithmetic fails:
 * whatever primitive of the caller's does, nobody gets in by it, and the
 * session goes on. The rest of AUTH is in tests/transcripts/server.
 */
/* sources: smtp/ smtp/server/ tests/transcripts/crypto.c */
/* includes: smtp smtp/server tests/transcripts */
#include "check.h"

#include "base64.h"
#include "crypto.h"
#include "scram.h"
#include "smtpd.h"

static struct smtp_str str(const char *p)
{
    return (struct smtp_str){ p, strlen(p) };
}

/* --- a session --------------------------------------------------------- */

static struct smtpd s;
static struct smtpd_config cfg;
static struct smtpd_secret secret;
static bool authed;

static void listen(void)
{
    struct smtpd_event e;

    while (smtpd_next_event(&s, &e)) {
        struct smtpd_answer a = { 0 };

        if (e.kind < SMTPD_ASK_CONNECT)
            continue;
        authed = authed || e.kind == SMTPD_ASK_AUTH;
        if (e.kind == SMTPD_ASK_SECRET)
            a.secret = &secret;
        smtpd_answer(&s, &a, 0);
    }
}

/* What is said to it, and the code of the last line it says. */
static unsigned say(const char *line, char *reply, size_t cap)
{
    size_t n = strlen(line), used, at = 0;
    const uint8_t *p;

    for (; at < n; at += used) {
        used = smtpd_in(&s, (const uint8_t *)line + at, n - at, 0);
        listen();
        if (used == 0)
            break;
    }
    CHECK_EQ(at, n);
    p = smtpd_out_buf(&s, &n);
    snprintf(reply, cap, "%.*s", (int)n, (const char *)p);
    smtpd_out_ack(&s, n, 0);
    return (unsigned)strtoul(reply, NULL, 10);
}

static void begin(unsigned mechanisms)
{
    char reply[1200];

    memset(&cfg, 0, sizeof cfg);
    cfg.name = str("mx");
    cfg.mechanisms = mechanisms;
    cfg.crypto = &frail;
    authed = false;
    smtpd_init(&s, &cfg, 0);
    listen();
    say("", reply, sizeof reply);
    CHECK_EQ(say("EHLO c\r\n", reply, sizeof reply), 250);
}

/* The client's side, by primitives that work. The last code. */
static unsigned scram_login(void)
{
    static struct scram c;
    struct smtp_str user = str("tim"), password = str("pencil");
    char reply[1200], line[1200], raw[600];
    size_t n;
    unsigned code;

    scram_first(&c, SMTP_SHA256, "n", NULL, str("AAAABBBBCCCC"));
    code = say("AUTH SCRAM-SHA-256 biwsbj10aW0scj1BQUFBQkJCQkNDQ0M=\r\n", reply,
               sizeof reply);
    if (code != 334)
        return code;
    n = strcspn(reply + 4, "\r");
    CHECK(base64_decode((uint8_t *)raw, &n, reply + 4, n));
    CHECK_STR(
        scram_challenge(&c, &crypto, password, (struct smtp_str){ raw, n }),
        NULL);
    while (scram_work(&c, &crypto, user, password) == SCRAM_MORE)
        ;
    snprintf(raw, sizeof raw, "c=%.*s,r=%.*s,p=%.*s", c.cbind_len, c.cbind,
             (int)scram_nonce(&c).len, scram_nonce(&c).p, c.proof_len, c.proof);
    n = base64_encode(line, (uint8_t *)raw, strlen(raw));
    snprintf(line + n, sizeof line - n, "\r\n");
    code = say(line, reply, sizeof reply);
    return code == 334 ? say("\r\n", reply, sizeof reply) : code;
}

static uint8_t stored[SMTP_HASH_MAX], key[SMTP_HASH_MAX];

static void make_secret(void)
{
    secret.salt = str("salt");
    secret.rounds = 4096;
    secret.password = str("pencil");
    secret.stored_key = stored;
    secret.server_key = key;
    frail_left = 0;
    CHECK(smtpd_scram_keys(&frail, SMTP_SHA256, secret.password, secret.salt,
                           4096, stored, key));
}

static void scram(void)
{
    unsigned failing = 1;

    make_secret();
    begin(SMTPD_SCRAM_SHA_256);
    CHECK_EQ(scram_login(), 235);
    CHECK(authed);
    for (;; failing++) {
        unsigned code;

        begin(SMTPD_SCRAM_SHA_256);
        frail_left = failing;
        code = scram_login();
        if (frail_left != 0)
            break; /* so many calls are not made */
        CHECK(code == 454 || code == 535);
        CHECK(!authed);
        CHECK_STR(smtpd_state_name(&s), "READY");
    }
    CHECK(failing > 10);
    frail_left = 0;
}

static void cram(void)
{
    static const char digits[] = "0123456789abcdef";
    unsigned failing = 0, code;

    make_secret();
    for (;; failing++) {
        char reply[1200], raw[400], line[600];
        uint8_t mac[SMTP_HASH_MAX];
        size_t n;

        begin(SMTPD_CRAM_MD5);
        frail_left = failing;
        code = say("AUTH CRAM-MD5\r\n", reply, sizeof reply);
        if (code == 334) {
            n = strcspn(reply + 4, "\r");
            CHECK(base64_decode((uint8_t *)raw, &n, reply + 4, n));
            CHECK(scram_hmac(&crypto, SMTP_MD5, "pencil", 6, raw, n, mac));
            n = (size_t)snprintf(raw, sizeof raw, "tim ");
            for (size_t i = 0; i < 32; i++)
                raw[n++] = digits[mac[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
            n = base64_encode(line, (uint8_t *)raw, n);
            snprintf(line + n, sizeof line - n, "\r\n");
            code = say(line, reply, sizeof reply);
        }
        if (failing == 0)
            CHECK_EQ(code, 235);
        else if (frail_left != 0)
            break;
        else
            CHECK(code == 454 || code == 535);
        CHECK_EQ(authed, failing == 0);
    }
    CHECK(failing > 4);
    frail_left = 0;
    secret.password.len = 0; /* no password is no match */
    begin(SMTPD_CRAM_MD5);
}

/* Every call that fails is seen, and a secret that is none is none. */
static void keys(void)
{
    unsigned failing = 1;

    for (;; failing++) {
        bool ok;

        frail_left = failing;
        ok = smtpd_scram_keys(&frail, SMTP_SHA256, str("pencil"), str("salt"),
                              4096, stored, key);
        if (frail_left != 0)
            break;
        CHECK(!ok);
    }
    CHECK(failing > 8);
    frail_left = 0;
    CHECK(!smtpd_scram_keys(&frail, SMTP_SHA256, str("p"), str("s"), 0, stored,
                            key));
    for (int k = 0; k < 4; k++) {
        make_secret();
        if (k == 0)
            secret.salt.len = 0;
        else if (k == 1)
            secret.salt.len = SMTPD_SALT_MAX + 1;
        else if (k == 2)
            secret.stored_key = NULL;
        else
            secret.server_key = NULL;
        begin(SMTPD_SCRAM_SHA_256);
        CHECK_EQ(scram_login(), 454);
    }
}

static const struct check_case cases[] = {
    { "scram", scram },
    { "cram", cram },
    { "keys", keys },
};
CHECK_MAIN(cases)
