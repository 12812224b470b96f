/* sources: smtp/ smtp/server/ */
/* includes: smtp smtp/server tests/fuzz */
/*
 * smtp_sasl.c - a login between the client's engine and the server's, with
 * somebody in between: for each line of either side the input says whether it
 * passes, is cut, gets a byte changed under its base64, or is another
 * altogether. Mechanism, channel bindings, both passwords and the server's
 * policy come from the first bytes.
 *
 * What must hold: with other passwords, or with other channels where the
 * mechanism binds to one, nobody logs in who has to prove something, neither
 * the client to the server nor, by SCRAM, the server to the client; and no
 * log holds the password. The hashes are toys, so that rounds cost nothing;
 * what they are good for is to be different when anything that goes in is.
 */
#include "fuzz.h"

#include "base64.h"
#include "mech.h"
#include "smtp.h"
#include "smtpd.h"

#define LINE_MAX 16384
#define LINES    40

static const char right[] = "tanstaaftanstaaf", wrong[] = "another password";

/* --- toy hashes -------------------------------------------------------- */

static uint64_t key_state, hmac_state;
static enum smtp_hash hmac_hash;

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3u + (h >> 29);
    return h;
}

static void spread(enum smtp_hash hash, uint64_t h, uint8_t *out)
{
    size_t n = hash == SMTP_MD5 ? 16 : hash == SMTP_SHA1 ? 20 : 32;

    for (size_t i = 0; i < n; i++) {
        h = mix(h, "\x5a", 1);
        out[i] = (uint8_t)(h >> 40);
    }
}

static bool toy_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0x55, n);
    return true;
}

static bool toy_hash(void *ctx, enum smtp_hash hash, const void *p, size_t n,
                     uint8_t *out)
{
    (void)ctx;
    spread(hash, mix(0xcbf29ce484222325u, p, n), out);
    return true;
}

static bool toy_begin(void *ctx, enum smtp_hash hash, const void *key, size_t n)
{
    (void)ctx;
    hmac_hash = hash;
    hmac_state = key_state = mix(0x9e3779b97f4a7c15u, key, n);
    return true;
}

static bool toy_add(void *ctx, const void *p, size_t n)
{
    (void)ctx;
    hmac_state = mix(hmac_state, p, n);
    return true;
}

static bool toy_end(void *ctx, uint8_t *out)
{
    (void)ctx;
    spread(hmac_hash, mix(hmac_state, &key_state, sizeof key_state), out);
    return true;
}

/* Slices of any size give the same: each round counts the same. */
static bool toy_stretch(void *ctx, enum smtp_hash hash, const void *key,
                        size_t n, uint8_t *u, uint8_t *t, unsigned rounds)
{
    (void)ctx;
    (void)u;
    (void)key;
    (void)n;
    for (unsigned i = 0; i < (hash == SMTP_SHA1 ? 20 : 32); i++)
        t[i] = (uint8_t)(t[i] + rounds);
    return true;
}

static const struct smtp_crypto toys = { 7,        NULL,       toy_random,
                                         toy_hash, toy_begin,  toy_add,
                                         toy_end,  toy_stretch };

/* --- both sides -------------------------------------------------------- */

static struct smtp client;
static struct smtp_job job;
static struct smtp_rcpt rcpt;
static uint8_t out[600];
static struct smtpd server;
static struct smtpd_config cfg;
static unsigned policy;
static bool authed;  /* the server was asked whether the user may log in */
static bool cheated; /* a proof that was none */
static bool forged;  /* the server's proof is another than it gave */

static struct smtp_str str(const char *p)
{
    return (struct smtp_str){ p, strlen(p) };
}

static bool proves(enum smtp_auth mech)
{
    unsigned kind = auth_mech(mech)->kind;

    return kind == AUTH_CRAM || kind == AUTH_SCRAM;
}

static void begin(unsigned choice)
{
    enum smtp_auth mech = (enum smtp_auth)(2 + (choice & 15) % 10);

    memset(&job, 0, sizeof job);
    memset(&rcpt, 0, sizeof rcpt);
    memset(&cfg, 0, sizeof cfg);
    job.helo = str("client.example");
    job.from = str("a@example.org");
    job.rcpt = &rcpt;
    job.rcpt_count = 1;
    rcpt.address = str("b@example.net");
    job.out = out;
    job.out_size = sizeof out;
    job.tls = SMTP_TLS_IMPLICIT;
    job.auth = (choice & 16) != 0 ? SMTP_AUTH_ANY : mech;
    job.user = str((choice & 32) != 0 ? "t,m=" : "tim");
    job.password = str((choice & 64) != 0 ? wrong : right);
    job.crypto = cfg.crypto = &toys;
    cfg.name = str("mx.example.net");
    cfg.implicit_tls = true;
    cfg.mechanisms = (choice & 16) != 0 ? 0xffcu : 1u << mech;
    if ((choice & 128) != 0) {
        job.binding.type = cfg.binding.type = "tls-exporter";
        job.binding.p = cfg.binding.p = (const uint8_t *)"the channel";
        job.binding.len = cfg.binding.len = 11;
        if ((choice & 256) != 0)
            job.binding.len = 10; /* it is another one */
    }
    authed = cheated = forged = false;
}

static bool shown(const char *text, size_t n, struct smtp_str secret)
{
    return memmem(text, n, secret.p, secret.len) != NULL;
}

static void client_events(void)
{
    struct smtp_event e;

    do {
        /* what is asked before a proof is no echo: it may be anything */
        while (smtp_next_event(&client, &e))
            MUST(!shown(e.text, e.len, job.password) ||
                 (e.code == 334 && !auth_mech(job.auth)->reveals));
        if ((smtp_want(&client) & SMTP_WORK) != 0)
            smtp_work(&client, 0);
    } while ((smtp_want(&client) & SMTP_WORK) != 0);
}

static const struct smtpd_secret *secret_of(const struct smtpd_login *l)
{
    static uint8_t stored[SMTP_HASH_MAX], key[SMTP_HASH_MAX];
    static struct smtpd_secret secret;
    const struct auth_mech *m = auth_mech(auth_by_name(l->mechanism));

    secret.password = str(right);
    secret.salt = str("salt");
    secret.rounds = 4096;
    secret.stored_key = stored;
    secret.server_key = key;
    MUST(smtpd_scram_keys(&toys, (enum smtp_hash)m->hash, secret.password,
                          secret.salt, secret.rounds, stored, key));
    return &secret;
}

static void ask_auth(const struct smtpd_login *l, struct smtpd_answer *a)
{
    enum smtp_auth mech = auth_by_name(l->mechanism);

    MUST(mech != SMTP_AUTH_OFF);
    MUST(!proves(mech) || l->password.len == 0);
    authed = true;
    cheated = proves(mech) &&
              (job.password.p == wrong ||
               (auth_mech(mech)->binds && job.binding.len != cfg.binding.len));
    if ((policy & 1) != 0)
        a->code = (policy & 2) != 0 ? 535 : 454;
}

static void server_events(void)
{
    struct smtpd_event e;

    while (smtpd_next_event(&server, &e)) {
        struct smtpd_answer a = { 0 };

        MUST(e.kind > SMTPD_EV_REPLY || !shown(e.text, e.len, str(right)));
        if (e.kind < SMTPD_ASK_CONNECT)
            continue;
        if (e.kind == SMTPD_ASK_AUTH)
            ask_auth(e.login, &a);
        if (e.kind == SMTPD_ASK_SECRET && (policy & 4) == 0)
            a.secret = secret_of(e.login);
        smtpd_answer(&server, &a, 0);
    }
}

/* --- in between -------------------------------------------------------- */

/* What becomes of the base64 that begins at from. */
static size_t meddle(char *line, size_t n, size_t from)
{
    static char raw[LINE_MAX];
    unsigned how = next(1);
    size_t len = n - from, at;

    switch (how & 7) {
    case 4: /* another line, in base64 */
        for (len = 0, at = next(1); len < at; len++)
            raw[len] = (char)next(1);
        break;
    case 5: /* a byte changed */
    case 6: /* cut */
        if (!base64_decode((uint8_t *)raw, &len, line + from, len) || len == 0)
            return n;
        at = next(1) % len;
        if ((how & 7) == 5)
            raw[at] = (char)(raw[at] ^ (1 << (how >> 3 & 7)));
        else
            len = at;
        break;
    case 7: /* any bytes */
        for (len = 0, at = next(1); len < at; len++)
            line[from + len] = (char)next(1);
        return from + len;
    default:
        return n;
    }
    return from + base64_encode(line + from, (const uint8_t *)raw, len);
}

/* Where a line of the client's has credentials; its length: it has none. */
static size_t credentials(const char *line, size_t n)
{
    const char *blank;

    if (n < 5 || memcmp(line, "AUTH ", 5) != 0)
        return smtpd_state_name(&server)[0] == 'A' ? 0 : n;
    blank = memchr(line + 5, ' ', n - 5);
    return blank == NULL ? n : (size_t)(blank - line) + 1;
}

/* One line on its way up; false: there is none. */
static bool up(void)
{
    static char line[LINE_MAX];
    size_t n, from;
    const uint8_t *p;
    size_t len = 0, used;

    while (p = smtp_out_buf(&client, &n), n != 0 && len + n < sizeof line / 2) {
        memcpy(line + len, p, n);
        len += n;
        smtp_out_ack(&client, n, 0);
        client_events();
    }
    if (len < 2)
        return false;
    from = credentials(line, len - 2);
    if (from != len - 2)
        len = meddle(line, len - 2, from) + 2;
    memcpy(line + len - 2, "\r\n", 2);
    for (size_t at = 0; at < len; at += used) {
        used = smtpd_in(&server, (const uint8_t *)line + at, len - at, 0);
        server_events();
        if (used == 0)
            break;
    }
    return true;
}

static bool down(void)
{
    static char line[LINE_MAX], said[LINE_MAX];
    size_t n;
    const uint8_t *p = smtpd_out_buf(&server, &n);

    if (n == 0)
        return false;
    memcpy(line, p, n);
    smtpd_out_ack(&server, n, 0);
    server_events();
    if (n > 6 && memcmp(line, "334 ", 4) == 0) {
        size_t whole = n - 2;
        bool proof = memcmp(line + 4, "dj", 2) == 0; /* "v=" */

        memcpy(said, line, whole);
        n = meddle(line, whole, 4);
        forged =
            forged || (proof && (n != whole || memcmp(said, line, n) != 0));
        memcpy(line + n, "\r\n", 2);
        n += 2;
    }
    /* "235", and the server has said nothing of the kind */
    if (line[0] == '5' && (next(1) & 1) != 0)
        line[0] = '2';
    for (size_t at = 0; at < n && (smtp_want(&client) & SMTP_CLOSED) == 0;) {
        at += smtp_in(&client, (const uint8_t *)line + at, n - at, 0);
        client_events();
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    bool in = false;

    input(data, len);
    begin(next(2));
    policy = next(1);
    if (!smtp_init(&client, &job, 0))
        return 0;
    smtpd_init(&server, &cfg, 0);
    client_events();
    server_events();
    smtp_tls_up(&client, true, 0);
    smtpd_tls_up(&server, 0);
    server_events();
    for (int i = 0; i < LINES && !in; i++) {
        bool moved = down();

        moved |= up();
        in = strcmp(smtp_state_name(&client), "MAIL") == 0;
        if (!moved)
            break;
    }
    MUST(!cheated);
    MUST(!in || auth_mech(job.auth)->kind != AUTH_SCRAM ||
         (authed && !forged && job.password.p == right));
    smtp_in_eof(&client);
    smtpd_in_eof(&server);
    MUST(!shown(smtp_reason(&client), strlen(smtp_reason(&client)),
                job.password));
    MUST(smtp_want(&client) & SMTP_CLOSED);
    return 0;
}
