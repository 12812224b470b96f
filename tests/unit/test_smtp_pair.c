/*
 * test_smtp_pair.c - the client engine talks to the server engine over two
 * pipes of bytes, both in this process.
 *
 * Jobs, policies, message and the sizes in which bytes move come from a seed.
 * What must hold, always: a recipient that the client reports as SENT has the
 * message, byte for byte, with the line ends it must have; one that is
 * reported REFUSED or TRY_LATER has not; UNSURE only where the connection was
 * cut. The envelope that the server sees is the job's.
 *   sizes        a few small jobs at every pair of small chunk sizes
 *   random       many jobs, the order and size of every move at random
 *   cut          the connection cut behind each byte of either direction
 * A failure prints the seed of the job; --seed with it runs that one first.
 */
/* sources: smtp/ smtp/server/ tests/transcripts/crypto.c */
/* includes: smtp smtp/server tests/transcripts */
#include "check.h"

#include "crypto.h"
#include "mech.h"
#include "smtp.h"
#include "smtpd.h"

#define RCPT_MAX 6
#define BODY_MAX 6000
#define PIPE_MAX 65536
#define NO_CUT   SIZE_MAX

enum policy { YES, LATER, NO };

/* bytes on their way */
struct pipe {
    uint8_t bytes[PIPE_MAX];
    size_t at, len, passed, cut;
};

/* sizes of one move: 0 is "at random" */
struct plan {
    size_t up, down, body_in, body_out;
    size_t cut_up, cut_down;
};

struct world {
    uint64_t seed, random, moves;
    const struct plan *plan;

    struct smtp_job job;
    struct smtp_rcpt rcpt[RCPT_MAX];
    char address[RCPT_MAX][48];
    uint8_t out[2048];
    uint8_t text[BODY_MAX], wire[2 * BODY_MAX + 2];
    size_t text_len, wire_len, text_at;
    enum policy mail, data, message[RCPT_MAX], login;

    struct smtpd_config cfg;
    struct smtp client;
    struct smtpd server;
    struct pipe up, down; /* to the server, to the client */
    bool cut;

    size_t accepted[RCPT_MAX], accepted_count;
    bool stored[RCPT_MAX];
    uint8_t got[2 * BODY_MAX + 2];
    size_t got_len;
    bool broken; /* one line about it was printed */
};

static struct world w;
static unsigned outcomes[5], sessions;

static void broken(const char *what)
{
    if (!w.broken)
        printf("job of seed %" PRIu64 ": up %zu down %zu body %zu/%zu "
               "cut %zd/%zd: %s\n  again: --case %s --seed %" PRIu64 "\n",
               w.seed, w.plan->up, w.plan->down, w.plan->body_in,
               w.plan->body_out, (ssize_t)w.plan->cut_up,
               (ssize_t)w.plan->cut_down, what, check_case_name, w.seed);
    w.broken = true;
    check_failed++;
}

static size_t pick(size_t n)
{
    return (size_t)(check_random(&w.random) % n);
}

/* --- the job, by its seed ------------------------------------------------- */

static enum policy some_policy(size_t yes_in)
{
    return pick(yes_in) != 0 ? YES : pick(2) != 0 ? LATER : NO;
}

static void make_text(void)
{
    static const char letters[] = "ab.\n.\n\r\xc3\xa4 x";
    size_t want = pick(8) == 0 ? BODY_MAX - 2 : pick(200);
    bool cr = pick(2) != 0;

    w.text_len = w.wire_len = 0;
    while (w.text_len < want) {
        char c = letters[pick(sizeof letters - 1)];

        if (c == '\r')
            continue;
        if (c == '\n' && cr)
            w.text[w.text_len++] = '\r';
        if (c == '\n')
            w.wire[w.wire_len++] = '\r';
        w.text[w.text_len++] = w.wire[w.wire_len++] = (uint8_t)c;
    }
    if (w.wire_len != 0 && w.wire[w.wire_len - 1] != '\n') {
        w.wire[w.wire_len++] = '\r';
        w.wire[w.wire_len++] = '\n';
    }
}

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static void make_rcpts(void)
{
    static const char *const shapes[] = { "u%zu.%c@example.net",
                                          "\"u%zu %c\"@example.net",
                                          "u%zu+%c@[192.0.2.1]" };

    w.job.rcpt = w.rcpt;
    w.job.rcpt_count = 1 + pick(RCPT_MAX);
    for (size_t i = 0; i < w.job.rcpt_count; i++) {
        struct smtp_rcpt *r = &w.rcpt[i];

        memset(r, 0, sizeof *r);
        snprintf(w.address[i], sizeof w.address[i], shapes[pick(3)], i,
                 "yyyyln"[pick(6)]);
        r->address = str(w.address[i]);
        if ((w.cfg.hide & SMTPD_DSN) == 0 && pick(3) == 0) {
            r->notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY;
            r->orcpt = str("o+r=g@example.org");
        }
        w.message[i] = some_policy(5);
    }
}

/* A set of mechanisms, the strongest of which is taken; or any one of all. */
static void make_login(void)
{
    static const uint8_t binding[] = { 1, 2, 3, 4, 5 };
    struct smtp_job *j = &w.job;
    size_t one = SMTP_AUTH_ANY + 1 + pick(10);

    w.cfg.mechanisms = (unsigned)(pick(4096) | (size_t)1 << one);
    w.cfg.auth_unsafe = j->auth_unsafe = true;
    w.cfg.need_auth = true;
    w.cfg.crypto = j->crypto = &crypto;
    j->auth = pick(2) != 0 ? (enum smtp_auth)one : SMTP_AUTH_ANY;
    if (pick(2) != 0) {
        w.cfg.binding.type = j->binding.type = "tls-exporter";
        w.cfg.binding.p = j->binding.p = binding;
        w.cfg.binding.len = j->binding.len = sizeof binding;
    }
    j->user = str(pick(2) != 0 ? "tim" : "t,m=");
    j->password = str("tanstaaftanstaaf");
}

static void make_job(uint64_t seed)
{
    struct smtp_job *j = &w.job;

    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.random = seed;
    for (int i = 0; i < 4; i++)
        pick(2);
    w.cfg.name = str("mx.example.net");
    w.cfg.hide = (unsigned)(pick(512) & pick(512));
    w.cfg.lmtp = j->lmtp = pick(3) == 0;
    w.cfg.rcpt_max = pick(4) == 0 ? 2 : 0;
    w.cfg.size_max = pick(4) == 0 ? 100 : 0;
    j->helo = str("client.example");
    j->from = pick(4) == 0 ? str("") : str("a@example.org");
    if (pick(3) == 0) {
        w.cfg.starttls = true;
        j->tls = SMTP_TLS_STARTTLS;
    }
    if (pick(3) == 0) {
        make_login();
    }
    w.login = some_policy(6);
    w.mail = some_policy(8);
    w.data = some_policy(10);
    make_text();
    make_rcpts();
    j->eight_bit = true;
    j->size = pick(2) != 0 ? w.wire_len : 0;
    j->out = w.out;
    j->out_size = SMTP_OUT_MIN + pick(sizeof w.out - SMTP_OUT_MIN);
}

/* --- the server's policy -------------------------------------------------- */

static bool same(struct smtp_str a, struct smtp_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static void hear_rcpt(const struct smtpd_rcpt *r, enum policy *verdict)
{
    char text[64];
    size_t n = smtp_mailbox_print(&r->to, text, sizeof text), i = 0;

    while (i < w.job.rcpt_count &&
           (strlen(w.address[i]) != n || memcmp(w.address[i], text, n) != 0))
        i++;
    if (i == w.job.rcpt_count) {
        broken("a recipient that is not the job's");
        return;
    }
    if (r->notify != w.rcpt[i].notify || !same(r->orcpt, w.rcpt[i].orcpt))
        broken("another delivery note than the job's");
    *verdict = memchr(text, 'l', 5) != NULL   ? LATER
               : memchr(text, 'n', 5) != NULL ? NO
                                              : YES;
    if (*verdict == YES)
        w.accepted[w.accepted_count++] = i;
}

static void hear_message(size_t index, enum policy *verdict)
{
    *verdict = w.message[w.accepted[index]];
    if (*verdict != YES)
        return;
    if (w.got_len != w.wire_len || memcmp(w.got, w.wire, w.wire_len) != 0)
        broken("another message than was sent");
    for (size_t i = 0; i < w.accepted_count; i++)
        if (!w.cfg.lmtp || i == index)
            w.stored[w.accepted[i]] = true;
}

static const struct smtpd_secret *secret_of(const struct smtpd_login *l)
{
    static uint8_t stored[SMTP_HASH_MAX], key[SMTP_HASH_MAX];
    static struct smtpd_secret secret;
    const struct auth_mech *m = auth_mech(auth_by_name(l->mechanism));

    if (!same(l->user, w.job.user))
        broken("another user");
    secret.password = w.job.password;
    secret.salt = str("salt of 12 b");
    secret.rounds = 4096;
    secret.stored_key = stored;
    secret.server_key = key;
    smtpd_scram_keys(&crypto, (enum smtp_hash)m->hash, secret.password,
                     secret.salt, secret.rounds, stored, key);
    return &secret;
}

static void hear(const struct smtpd_event *e)
{
    static const uint16_t codes[] = { 0, 450, 550 };
    struct smtpd_answer a = { 0 };
    enum policy verdict = YES;

    switch (e->kind) {
    case SMTPD_ASK_AUTH:
        if (!same(e->login->user, w.job.user) ||
            (e->login->password.len != 0 &&
             !same(e->login->password, w.job.password)))
            broken("other credentials");
        verdict = w.login;
        break;
    case SMTPD_ASK_MAIL:
        if (e->mail->from.local.len != (w.job.from.len != 0 ? 1 : 0))
            broken("another sender");
        w.accepted_count = 0;
        verdict = w.mail;
        break;
    case SMTPD_ASK_RCPT:
        hear_rcpt(e->rcpt, &verdict);
        break;
    case SMTPD_ASK_DATA:
        w.got_len = 0;
        verdict = w.data;
        break;
    case SMTPD_ASK_MESSAGE:
        hear_message(e->index, &verdict);
        break;
    default:
        break;
    }
    a.code = codes[verdict];
    if (e->kind == SMTPD_ASK_SECRET)
        a.secret = secret_of(e->login);
    smtpd_answer(&w.server, &a, ++w.moves);
}

static void listen(void)
{
    struct smtpd_event e;

    while (smtpd_next_event(&w.server, &e)) {
        if (e.kind == SMTPD_EV_RESET)
            w.got_len = w.accepted_count = 0;
        else if (e.kind >= SMTPD_ASK_CONNECT)
            hear(&e);
    }
}

/* --- moves: each is true if something moved ------------------------------- */

static size_t some(size_t have, size_t size)
{
    if (size == 0)
        size = pick(4) == 0 ? have + 1 : 1 + pick(9);
    return have < size ? have : size;
}

static bool put(struct pipe *p, const uint8_t *from, size_t n)
{
    if (p->at == p->len)
        p->at = p->len = 0;
    if (n > PIPE_MAX - p->len)
        n = 0;
    memcpy(p->bytes + p->len, from, n);
    p->len += n;
    return n != 0;
}

static bool client_out(void)
{
    size_t n;
    const uint8_t *p = smtp_out_buf(&w.client, &n);

    n = some(n, w.plan->up);
    if (n == 0 || !put(&w.up, p, n))
        return false;
    smtp_out_ack(&w.client, n, ++w.moves);
    return true;
}

static bool server_out(void)
{
    size_t n;
    const uint8_t *p = smtpd_out_buf(&w.server, &n);

    n = some(n, w.plan->down);
    if (n == 0 || !put(&w.down, p, n))
        return false;
    smtpd_out_ack(&w.server, n, ++w.moves);
    listen();
    return true;
}

/* What the cut leaves of a piece. */
static size_t uncut(const struct pipe *p, size_t n)
{
    return n < p->cut - p->passed ? n : p->cut - p->passed;
}

static void passed(struct pipe *p, size_t n)
{
    p->at += n;
    p->passed += n;
    if (p->passed == p->cut)
        w.cut = true;
}

static bool fetch(void)
{
    size_t n;
    const uint8_t *p = smtpd_body_buf(&w.server, &n);

    n = some(n, w.plan->body_out);
    if (n == 0)
        return false;
    if (n > sizeof w.got - w.got_len) {
        broken("more message than was sent");
        n = 1;
    } else {
        memcpy(w.got + w.got_len, p, n);
        w.got_len += n;
    }
    smtpd_body_ack(&w.server, n, ++w.moves);
    listen();
    return true;
}

static bool server_in(void)
{
    size_t n = uncut(&w.up, some(w.up.len - w.up.at, w.plan->up)), used;

    if (n == 0)
        return false;
    used = smtpd_in(&w.server, w.up.bytes + w.up.at, n, ++w.moves);
    passed(&w.up, used);
    listen();
    return used != 0;
}

static bool client_in(void)
{
    size_t n = uncut(&w.down, some(w.down.len - w.down.at, w.plan->down)), used;
    struct smtp_event e;

    if (n == 0)
        return false;
    used = smtp_in(&w.client, w.down.bytes + w.down.at, n, ++w.moves);
    passed(&w.down, used);
    while (smtp_next_event(&w.client, &e))
        ;
    return used != 0;
}

static bool feed(void)
{
    size_t n = some(w.text_len - w.text_at, w.plan->body_in), used;

    if ((smtp_want(&w.client) & SMTP_BODY) == 0)
        return false;
    if (w.text_at == w.text_len) {
        smtp_body_end(&w.client, ++w.moves);
        return true;
    }
    used = smtp_body(&w.client, w.text + w.text_at, n, ++w.moves);
    w.text_at += used;
    return used != 0;
}

static bool handshake(void)
{
    if ((smtp_want(&w.client) & SMTP_TLS) == 0 ||
        (smtpd_want(&w.server) & SMTPD_TLS) == 0 || w.up.at != w.up.len ||
        w.down.at != w.down.len)
        return false;
    smtp_tls_up(&w.client, true, ++w.moves);
    smtpd_tls_up(&w.server, w.moves);
    return true;
}

static bool work(void)
{
    if ((smtp_want(&w.client) & SMTP_WORK) == 0)
        return false;
    smtp_work(&w.client, ++w.moves);
    return true;
}

/* --- one session ---------------------------------------------------------- */

static bool (*const actions[])(void) = { client_out, server_in, fetch,
                                         server_out, client_in, feed,
                                         handshake,  work };
#define ACTIONS (sizeof actions / sizeof actions[0])

static void hang_up(void)
{
    while (fetch()) /* what was read before the end is read */
        ;
    smtpd_in_eof(&w.server);
    smtp_in_eof(&w.client);
    listen();
}

static void talk(void)
{
    size_t idle = 0;

    while (idle < 40 && !w.cut && !w.broken) {
        bool moved = false;

        for (size_t i = 0; i < ACTIONS && !w.cut; i++)
            moved |= actions[w.plan->up == 0 ? pick(ACTIONS) : i]();
        idle = moved ? 0 : idle + 1;
    }
    if (!w.cut && (smtp_want(&w.client) & SMTP_CLOSED) == 0)
        broken("both sides wait");
    hang_up();
    if ((smtp_want(&w.client) & SMTP_CLOSED) == 0 ||
        (smtpd_want(&w.server) & SMTPD_CLOSED) == 0)
        broken("open at the end");
}

static void judge(void)
{
    enum smtpd_end end = smtpd_end(&w.server);

    for (size_t i = 0; i < w.job.rcpt_count; i++) {
        enum smtp_verdict v = w.rcpt[i].verdict;

        outcomes[v]++;
        if (v == SMTP_PENDING)
            broken("a recipient without a verdict");
        if (v == SMTP_SENT && !w.stored[i])
            broken("reported as sent, and not stored");
        if ((v == SMTP_REFUSED || v == SMTP_TRY_LATER) && w.stored[i])
            broken("reported as not sent, and stored");
        if (v == SMTP_UNSURE && !w.cut)
            broken("unsure, and nothing was cut");
    }
    if (!w.cut && end != SMTPD_END_QUIT && end != SMTPD_END_LOST)
        broken("the server ended the session");
    if (!w.cut && smtp_failure(&w.client) == SMTP_F_PROTOCOL)
        broken(smtp_reason(&w.client));
    sessions++;
}

static void play(uint64_t seed, const struct plan *plan)
{
    make_job(seed);
    w.plan = plan;
    w.up.cut = plan->cut_up;
    w.down.cut = plan->cut_down;
    if (!smtp_init(&w.client, &w.job, 0))
        broken(smtp_reason(&w.client));
    smtpd_init(&w.server, &w.cfg, 0);
    listen();
    w.cut = plan->cut_up == 0 || plan->cut_down == 0;
    talk();
    judge();
}

/* Each outcome that can be must have been seen: a test of nothing would not. */
static void show(bool cuts)
{
    printf("%s: %u sessions from seed %" PRIu64 "; recipients sent %u, later "
           "%u, refused %u, unsure %u\n",
           check_case_name, sessions, check_seed, outcomes[SMTP_SENT],
           outcomes[SMTP_TRY_LATER], outcomes[SMTP_REFUSED],
           outcomes[SMTP_UNSURE]);
    CHECK(outcomes[SMTP_SENT] > sessions / 100);
    CHECK(outcomes[SMTP_TRY_LATER] > sessions / 100);
    CHECK(outcomes[SMTP_REFUSED] > sessions / 100);
    CHECK((outcomes[SMTP_UNSURE] != 0) == cuts);
    memset(outcomes, 0, sizeof outcomes);
    sessions = 0;
}

static void sizes(void)
{
    for (uint64_t seed = check_seed; seed < check_seed + 6; seed++)
        for (size_t up = 1; up <= 24 && !w.broken; up++)
            for (size_t down = 1; down <= 24 && !w.broken; down++) {
                struct plan p = {
                    up, down, 1 + up * down % 7, 1 + up * 3 % 11, NO_CUT, NO_CUT
                };

                play(seed, &p);
            }
    show(false);
}

static void at_random(void)
{
    static const struct plan p = { 0, 0, 0, 0, NO_CUT, NO_CUT };

    for (uint64_t k = 0; k < 10000 && !w.broken; k++)
        play(check_seed + k, &p);
    show(false);
}

/* Behind each byte of either direction, whole pieces and single bytes. */
static void cut(void)
{
    for (uint64_t seed = check_seed; seed < check_seed + 40; seed++) {
        struct plan p = {
            PIPE_MAX, PIPE_MAX, PIPE_MAX, PIPE_MAX, NO_CUT, NO_CUT
        };
        size_t up, down;

        play(seed, &p);
        up = w.up.passed;
        down = w.down.passed;
        if (up > 2000)
            up = 2000;
        for (p.cut_up = 0; p.cut_up <= up && !w.broken; p.cut_up++)
            play(seed, &p);
        p.cut_up = NO_CUT;
        p.up = p.down = 1;
        for (p.cut_down = 0; p.cut_down <= down && !w.broken; p.cut_down++)
            play(seed, &p);
    }
    show(true);
}

static const struct check_case cases[] = {
    { "sizes", sizes },
    { "random", at_random },
    { "cut", cut },
};
CHECK_MAIN(cases)
