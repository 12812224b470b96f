/*
 * peer.c - see peer.h.
 */
#include "peer.h"

#include "auth.h"
#include "base64.h"
#include "crypto.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RCPTS_ANY 1000

/* xorshift64*, as in tests/unit/check.h */
size_t peer_pick(uint64_t *random, size_t n)
{
    uint64_t x = *random != 0 ? *random : 0x9e3779b97f4a7c15u;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *random = x;
    return (size_t)(x * 0x2545f4914f6cdd1du >> 11) % n;
}

static size_t pick(struct peer *p, size_t n)
{
    return peer_pick(&p->random, n);
}

static void say(struct peer *p, const char *text)
{
    bytes_append(&p->say, text, strlen(text));
}

static void say_code(struct peer *p, unsigned code, const char *rest)
{
    char text[16];

    snprintf(text, sizeof text, "%03u", code);
    say(p, text);
    say(p, rest);
}

/* --- bad replies ------------------------------------------------------- */

static const uint16_t later[] = { 421, 450, 451, 452, 454, 455, 432 };
static const uint16_t never[] = { 500, 501, 502, 503, 504, 521, 523, 530, 534,
                                  535, 538, 550, 551, 552, 553, 554, 555 };

static unsigned refusal(struct peer *p)
{
    return pick(p, 2) != 0 ? later[pick(p, sizeof later / sizeof *later)]
                           : never[pick(p, sizeof never / sizeof *never)];
}

/* Bytes of any value but LF. */
static void noise(struct peer *p, size_t n)
{
    static const char odd[] = "\0\r\t\x1b\x7f\x80\xc3\xa4\xe2\x80\xae\xff -5.";

    while (n-- > 0) {
        char c = pick(p, 3) != 0 ? (char)('a' + pick(p, 26))
                                 : odd[pick(p, sizeof odd - 1)];

        bytes_append(&p->say, &c, 1);
    }
}

static void many_lines(struct peer *p, unsigned code, size_t n)
{
    while (n-- > 0) {
        say_code(p, pick(p, 40) != 0 ? code : refusal(p), "-");
        noise(p, pick(p, 20));
        say(p, "\r\n");
    }
    say_code(p, pick(p, 4) != 0 ? code : refusal(p), " end\r\n");
}

/* Half a line, or none. */
static void stop(struct peer *p, unsigned code)
{
    if (pick(p, 2) != 0) {
        say_code(p, code, " half");
        p->say.len -= pick(p, 8);
    }
    p->act = pick(p, 2) != 0 ? PEER_HANGS_UP : PEER_SLEEPS;
}

static void odd_line(struct peer *p, unsigned code)
{
    switch (pick(p, 6)) {
    case 0:
        say_code(p, code, "\r\n");
        break;
    case 1:
        say_code(p, code, " ");
        noise(p, pick(p, 80));
        say(p, "\r\n");
        break;
    case 2:
        say_code(p, code, " 2.1.0 long ");
        noise(p, 400 + pick(p, pick(p, 8) == 0 ? 14000 : 1200));
        say(p, "\r\n");
        break;
    case 3:
        say_code(p, code, pick(p, 2) != 0 ? " lf\n" : "+odd\r\n");
        break;
    case 4: /* what it heard, credentials and all */
        say_code(p, refusal(p), " you said ");
        bytes_append(&p->say, p->line, p->line_len);
        say(p, "\r\n");
        break;
    default:
        noise(p, pick(p, 40));
        say(p, "\r\n");
        break;
    }
}

/* In place of a good reply of that code. */
static void bad_reply(struct peer *p, unsigned code)
{
    switch (pick(p, 8)) {
    case 0:
    case 1:
        say_code(p, refusal(p), pick(p, 2) != 0 ? " 5.7.0 no\r\n" : " no\r\n");
        break;
    case 2:
        say_code(p, (unsigned)pick(p, 1000), " any\r\n");
        break;
    case 3:
        many_lines(p, code, pick(p, pick(p, 60) == 0 ? 1100 : 9));
        break;
    case 4: /* a reply too many, before or behind */
        say_code(p, pick(p, 2) != 0 ? code : refusal(p), " one\r\n");
        say_code(p, pick(p, 2) != 0 ? code : refusal(p), " two\r\n");
        break;
    case 5:
        stop(p, code);
        break;
    default:
        odd_line(p, code);
        break;
    }
}

static bool moody(struct peer *p)
{
    return p->mood != 0 && pick(p, p->mood) == 0;
}

/* The good reply, or in a mood another; true if it begins as the good one. */
static bool reply(struct peer *p, unsigned code, const char *rest)
{
    size_t at = p->say.len;

    if (moody(p))
        bad_reply(p, code);
    else
        say_code(p, code, rest);
    return p->say.len > at && p->say.p[at] == '0' + code / 100;
}

/* --- EHLO -------------------------------------------------------------- */

static void offer(struct peer *p)
{
    static const char *const lines[] = {
        "PIPELINING",
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "SIZE",
        "SIZE 300",
        "SIZE 999999",
        "SIZE x",
        "DSN",
        "STARTTLS",
        "STARTTLS",
        "STARTTLS",
        "CHUNKING",
        "BINARYMIME",
        "REQUIRETLS",
        "DELIVERBY 100",
        "MT-PRIORITY",
        "FUTURERELEASE 1000 2030-01-01T00:00:00Z",
        "LIMITS",
        "LIMITS RCPTMAX=2 MAILMAX=1",
        "AUTH=LOGIN PLAIN",
        "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1",
        "AUTH",
        "AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN",
        "AUTH LOGIN",
        "ENHANCEDSTATUSCODES",
        "XODD a b  c",
        "",
        "NO-SOLICITING",
        "HELP"
    };

    say(p, pick(p, 8) != 0 ? "250-mx.example.net\r\n" : "250-\r\n");
    for (size_t n = pick(p, 12); n > 0; n--) {
        say(p, "250-");
        say(p, lines[pick(p, sizeof lines / sizeof *lines)]);
        say(p, "\r\n");
    }
    if (pick(p, 4) != 0)
        say(p, p->needs);
    say(p, "250 OK\r\n");
}

/* --- AUTH -------------------------------------------------------------- */

static void challenge(struct peer *p, const char *text)
{
    char coded[512];
    size_t n = base64_encode(coded, (const uint8_t *)text, strlen(text));

    coded[n] = '\0';
    if (!reply(p, 334, " "))
        return;
    say(p, coded);
    say(p, "\r\n");
}

/* The client's first words to ours; what is needed for the proof is kept. */
static void scram_first_heard(struct peer *p, const char *coded, size_t n)
{
    static const char nonce[] = "AAECAwQFBgcICQoLDA0ODxAR";
    bool sha256 = strstr(p->auth, "256") != NULL;
    char text[PEER_LINE], server[200];
    size_t len = 0;

    if (!base64_decode((uint8_t *)text, &len, coded, n) || len == 0) {
        reply(p, 535, " what?\r\n");
        p->auth_step = 0;
        return;
    }
    scram_first(&p->scram, sha256 ? SMTP_SHA256 : SMTP_SHA1,
                text[0] == 'p'   ? NULL
                : text[0] == 'y' ? "y"
                                 : "n",
                &p->binding, (struct smtp_str){ nonce, sizeof nonce - 1 });
    snprintf(server, sizeof server, "r=%sxyz,s=QSXCR+Q6sek8bf92,i=%s", nonce,
             p->mood != 0 && pick(p, 8) == 0 ? "1" : "4096");
    challenge(p, server);
    p->auth_step = 3;
}

/* The proof is believed; our own is right or wrong. */
static void scram_last(struct peer *p)
{
    static const struct smtp_str user = { "tim", 3 };
    static const struct smtp_str password = { "tanstaaftanstaaf", 16 };
    char text[64] = "v=", server[200];
    size_t n;

    snprintf(server, sizeof server, "r=%.24sxyz,s=QSXCR+Q6sek8bf92,i=4096",
             p->scram.nonce);
    scram_challenge(&p->scram, &crypto, password,
                    (struct smtp_str){ server, strlen(server) });
    while (scram_work(&p->scram, &crypto, user, password) == SCRAM_MORE)
        ;
    n = base64_encode(text + 2, p->scram.server,
                      p->scram.hash == SMTP_SHA256 ? 32 : 20);
    text[n + 2] = '\0';
    if (p->mood != 0 && pick(p, 6) == 0)
        text[5] = text[5] == 'A' ? 'B' : 'A';
    challenge(p, text);
    p->auth_step = 4;
}

static void auth_over(struct peer *p)
{
    p->auth_step = 0;
    reply(p, 235, " 2.7.0 ok\r\n");
}

/* A line of credentials. */
static void auth_line(struct peer *p, const char *text, size_t n)
{
    bool scram = strncmp(p->auth, "SCRAM", 5) == 0;

    if (n == 1 && text[0] == '*') {
        p->auth_step = 0;
        reply(p, 501, " cancelled\r\n");
    } else if (scram && p->auth_step < 3) {
        scram_first_heard(p, text, n);
    } else if (scram && p->auth_step == 3) {
        scram_last(p);
    } else if (strcmp(p->auth, "LOGIN") == 0 && p->auth_step++ == 1) {
        challenge(p, "Password:");
    } else if (p->mood != 0 && pick(p, 8) == 0) {
        challenge(p, "{\"status\":\"400\"}"); /* for ever */
    } else {
        auth_over(p);
    }
}

static void auth(struct peer *p)
{
    const char *name = p->line + 5;
    size_t n = 0, len = p->line_len - 5;

    while (n < len && name[n] != ' ')
        n++;
    snprintf(p->auth, sizeof p->auth, "%.*s", (int)n, name);
    p->auth_step = 1;
    if (n < len)
        auth_line(p, name + n + 1, len - n - 1);
    else if (strcmp(p->auth, "CRAM-MD5") == 0)
        challenge(p, "<1896.697170952@postoffice.example.net>");
    else
        challenge(p, strcmp(p->auth, "LOGIN") == 0 ? "Username:" : "");
}

/* --- the message ------------------------------------------------------- */

static void message_over(struct peer *p)
{
    unsigned replies = p->lmtp ? p->rcpts : 1;

    p->complete = true;
    p->rcpts = 0;
    while (replies-- > 0)
        reply(p, 250, " 2.0.0 queued\r\n");
}

static void data(struct peer *p)
{
    if (!reply(p, 354, " go on\r\n"))
        return;
    p->in_data = true;
    p->end_at = 2; /* the CRLF of DATA */
    if (!p->patient && moody(p))
        p->patience = 1 + pick(p, 100);
}

/* The reply to a chunk comes behind its bytes. */
static void bdat(struct peer *p)
{
    char *rest;

    p->chunk_left = strtoul(p->line + 5, &rest, 10);
    p->chunk_last = strstr(rest, "LAST") != NULL;
}

static void chunk_over(struct peer *p)
{
    if (p->chunk_last)
        message_over(p);
    else
        reply(p, 250, " 2.0.0 chunk\r\n");
}

/* --- lines ------------------------------------------------------------- */

static bool is(const struct peer *p, const char *verb)
{
    return text_starts(p->line, p->line_len, verb);
}

static void envelope(struct peer *p)
{
    if (is(p, "MAIL ") || is(p, "RSET"))
        p->rcpts = 0;
    if (is(p, "MAIL "))
        reply(p, 250, " 2.1.0 ok\r\n");
    else if (is(p, "RCPT ") && p->rcpts == p->most)
        reply(p, 452, " 4.5.3 too many\r\n");
    else if (is(p, "RCPT "))
        p->rcpts += reply(p, 250, " 2.1.5 ok\r\n");
    else if (is(p, "DATA"))
        data(p);
    else
        reply(p, is(p, "QUIT") ? 221 : 250, " ok\r\n");
}

static void command(struct peer *p)
{
    p->line[p->line_len] = '\0';
    if (p->auth_step != 0) {
        auth_line(p, p->line, p->line_len);
    } else if (is(p, "EHLO ") || is(p, "LHLO ")) {
        if (moody(p))
            bad_reply(p, 250);
        else
            offer(p);
    } else if (is(p, "STARTTLS")) {
        reply(p, 220, " go ahead\r\n");
        p->needs = "250-AUTH PLAIN SCRAM-SHA-256 CRAM-MD5 XOAUTH2\r\n";
    } else if (is(p, "AUTH ")) {
        auth(p);
    } else if (is(p, "BDAT ")) {
        bdat(p);
        if (p->chunk_left == 0)
            chunk_over(p);
    } else {
        envelope(p);
    }
}

static void data_byte(struct peer *p, char c)
{
    static const char end[] = "\r\n.\r\n";

    p->end_at = c == end[p->end_at] ? p->end_at + 1 : c == '\r' ? 1 : 0;
    if (p->end_at == 5) {
        p->in_data = false;
        p->patience = 0;
        message_over(p);
    } else if (p->patience != 0 && --p->patience == 0) {
        bad_reply(p, 250);
    }
}

size_t peer_hears(const struct peer *p)
{
    return p->patience != 0 ? p->patience : SIZE_MAX;
}

void peer_hear(struct peer *p, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = (char)bytes[i];

        if (p->in_data) {
            data_byte(p, c);
        } else if (p->chunk_left != 0) {
            if (--p->chunk_left == 0)
                chunk_over(p);
        } else if (c == '\n') {
            command(p);
            p->line_len = 0;
        } else if (c != '\r' && p->line_len < PEER_LINE - 1) {
            p->line[p->line_len++] = c;
        }
    }
}

enum peer_act peer_act(struct peer *p)
{
    enum peer_act act = p->act;

    if (act == PEER_LISTENS && p->say.len == 0)
        act = pick(p, 2) != 0 ? PEER_HANGS_UP : PEER_SLEEPS;
    return act;
}

void peer_begin(struct peer *p, uint64_t seed, const struct smtp_job *job,
                bool patient)
{
    static const uint8_t moods[] = { 0, 3, 10, 10, 30, 100 };
    struct bytes kept = p->say;

    memset(p, 0, sizeof *p);
    kept.len = 0;
    p->say = kept;
    p->random = seed ^ 0x5bd1e995;
    for (int i = 0; i < 4; i++)
        pick(p, 2);
    p->patient = patient;
    p->lmtp = job->lmtp;
    p->binding = job->binding;
    p->needs = job->tls == SMTP_TLS_STARTTLS
                   ? "250-STARTTLS\r\n"
                   : "250-DSN\r\n250-MT-PRIORITY\r\n250-SMTPUTF8\r\n"
                     "250-AUTH XOAUTH2 OAUTHBEARER EXTERNAL CRAM-MD5\r\n"
                     "250-AUTH PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256\r\n"
                     "250-AUTH SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS\r\n";
    p->mood = moods[pick(p, sizeof moods)];
    p->most = pick(p, 4) != 0 ? RCPTS_ANY : 1 + (unsigned)pick(p, 3);
    reply(p, 220, " mx.example.net ESMTP\r\n");
}
