/*
 * server.c - the mail server: smtp/server's engine on the peer's TCP and TLS,
 * the plan's policy, and the store, which outlives a power cut.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "smtpd.h"

#define SESSIONS 8
#define STORED   32
#define PORT_MAX 3

struct session {
    bool used, hung_up, tls_wanted;
    unsigned number;
    struct peer_tcp *tcp;
    struct peer_tls *tls; /* handshake under way, or up */
    bool tls_up;
    struct smtpd engine;
    uint8_t in[4096];
    size_t in_len;
    /* a question that is thought about */
    bool thinks, stored_early;
    uint64_t answer_at;
    struct smtpd_event question;
    /* the envelope that was said yes to, and the message */
    int accepted[RCPTS];
    size_t accepted_count;
    uint8_t got[2 * BODY_MAX];
    size_t got_len;
};

static struct session sessions[SESSIONS];
static unsigned opened, questions;
static struct smtpd_config config;
static struct stored store[STORED];
static size_t stored_count;
static bool asked_for_message;
static uint8_t expected[2 * BODY_MAX];
static size_t expected_len;

size_t server_stored(const struct stored **list)
{
    *list = store;
    return stored_count;
}

bool server_asked_for_message(void)
{
    return asked_for_message;
}

/* ------------------------------------------------ policy */

static enum policy hear_rcpt(struct session *s, const struct smtpd_rcpt *r)
{
    char text[64];
    size_t n = smtp_mailbox_print(&r->to, text, sizeof text);
    int i;

    if (n != strlen("r0@example.net") || text[0] != 'r' ||
        memcmp(text + 2, "@example.net", 12) != 0)
        return NO;
    i = text[1] - '0';
    if (i < 0 || i >= world.plan->rcpts)
        return NO;
    if (world.plan->rcpt[i] == YES && s->accepted_count < RCPTS)
        s->accepted[s->accepted_count++] = i;
    return world.plan->rcpt[i];
}

static bool same(struct smtp_str a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.p, b, a.len) == 0;
}

static void put(struct session *s, int rcpt)
{
    struct stored *r = &store[stored_count];

    if (stored_count == STORED)
        abort();
    stored_count++;
    r->rcpt = rcpt;
    r->at = peer_called(s->tcp);
    r->exact = s->got_len == expected_len &&
               memcmp(s->got, expected, expected_len) == 0;
    world.result->stored++;
    say("## stored for r%d: %zu bytes%s", rcpt, s->got_len,
        r->exact ? "" : ", NOT as they were sent");
}

static void put_message(struct session *s, size_t index)
{
    if (world.plan->message[config.lmtp ? index : 0] != YES)
        return;
    for (size_t i = 0; i < s->accepted_count; i++)
        if (!config.lmtp || i == index)
            put(s, s->accepted[i]);
}

/* From here on the client may know. */
static void replied(struct session *s, size_t index)
{
    for (size_t k = 0; k < stored_count; k++)
        for (size_t i = 0; i < s->accepted_count; i++)
            if (store[k].rcpt == s->accepted[i] && (!config.lmtp || i == index))
                store[k].replied = true;
}

static enum policy judge_message(struct session *s, size_t index)
{
    enum policy p = world.plan->message[config.lmtp ? index : 0];

    if (!s->stored_early)
        put_message(s, index);
    s->stored_early = false;
    if (p == YES)
        replied(s, index);
    return p;
}

static enum policy decide(struct session *s, const struct smtpd_event *e)
{
    switch (e->kind) {
    case SMTPD_ASK_AUTH:
        return same(e->login->user, SIM_USER) &&
                       same(e->login->password, SIM_PASSWORD)
                   ? YES
                   : NO;
    case SMTPD_ASK_MAIL:
        s->accepted_count = 0;
        return world.plan->mail;
    case SMTPD_ASK_RCPT:
        return hear_rcpt(s, e->rcpt);
    case SMTPD_ASK_DATA:
        s->got_len = 0;
        asked_for_message |= world.plan->data == YES;
        return world.plan->data;
    case SMTPD_ASK_MESSAGE:
        return judge_message(s, e->index);
    default:
        return YES;
    }
}

/* ------------------------------------------------ questions */

static void answer(struct session *s)
{
    static const uint16_t codes[] = { 0, 450, 550 };
    struct smtpd_answer a = { .code = codes[decide(s, &s->question)] };

    if (s->question.kind == SMTPD_ASK_AUTH && a.code == 550)
        a.code = 535;
    s->thinks = false;
    smtpd_answer(&s->engine, &a, sim_ms());
}

/* Half of the messages are in the store before the server has made up its
 * mind to say so. */
static void ask(struct session *s, const struct smtpd_event *e)
{
    const struct event *slow = world_event(F_THINK);
    uint64_t dice = sim_hash(world.plan->seed, 'q', questions++, 0);

    s->question = *e;
    s->thinks = true;
    s->answer_at = sim_ms() + dice % 20;
    if (slow != NULL)
        s->answer_at += slow->arg;
    s->stored_early = e->kind == SMTPD_ASK_MESSAGE && (dice >> 32) % 2 == 0;
    if (s->stored_early)
        put_message(s, e->index);
}

static void events(struct session *s)
{
    struct smtpd_event e;

    while (smtpd_next_event(&s->engine, &e)) {
        if (e.kind == SMTPD_EV_RESET)
            s->got_len = s->accepted_count = 0;
        else if (e.kind >= SMTPD_ASK_CONNECT)
            ask(s, &e);
        else
            say("   server %u %s %.*s", s->number,
                e.kind == SMTPD_EV_STATE  ? "--"
                : e.kind == SMTPD_EV_LINE ? "<-"
                                          : "->",
                (int)e.len, e.text);
    }
}

/* ------------------------------------------------ bytes */

static bool has_ended(const struct session *s)
{
    return peer_over(s->tcp) || (s->tls != NULL && peer_tls_over(s->tls));
}

static bool take_in(struct session *s)
{
    size_t room = sizeof s->in - s->in_len, n, used = 0;
    uint8_t *to = s->in + s->in_len;

    n = s->tls_up ? peer_tls_read(s->tls, to, room)
                  : peer_read(s->tcp, to, room);
    s->in_len += n;
    if (s->in_len != 0)
        used = smtpd_in(&s->engine, s->in, s->in_len, sim_ms());
    memmove(s->in, s->in + used, s->in_len - used);
    s->in_len -= used;
    if (used == 0 && n == 0 && s->in_len == 0 && has_ended(s))
        smtpd_in_eof(&s->engine);
    return used != 0;
}

static bool give_out(struct session *s)
{
    size_t n;
    const uint8_t *p = smtpd_out_buf(&s->engine, &n);

    n = s->tls_up ? peer_tls_write(s->tls, p, n) : peer_write(s->tcp, p, n);
    if (n != 0)
        smtpd_out_ack(&s->engine, n, sim_ms());
    return n != 0;
}

static bool fetch_body(struct session *s)
{
    size_t n;
    const uint8_t *p = smtpd_body_buf(&s->engine, &n);

    if (n == 0)
        return false;
    if (n > sizeof s->got - s->got_len)
        abort(); /* more than any client has to send */
    memcpy(s->got + s->got_len, p, n);
    s->got_len += n;
    smtpd_body_ack(&s->engine, n, sim_ms());
    return true;
}

static bool shake(struct session *s)
{
    if (s->tls == NULL) {
        if (s->in_len != 0) {
            smtpd_injected(&s->engine);
            return true;
        }
        s->tls = peer_tls_open(s->tcp, world.plan->tls12);
    }
    switch (peer_tls_shake(s->tls)) {
    case 0:
        return false;
    case 1:
        s->tls_up = true;
        say("   server %u -- TLS is up", s->number);
        smtpd_tls_up(&s->engine, sim_ms());
        return true;
    default:
        say("   server %u -- TLS failed", s->number);
        smtpd_in_eof(&s->engine);
        return true;
    }
}

static void hang_up(struct session *s)
{
    size_t n;

    if (s->hung_up)
        return;
    smtpd_out_buf(&s->engine, &n);
    if (n != 0 && !has_ended(s))
        return; /* the last reply has to leave first */
    s->hung_up = true;
    if (s->tls != NULL)
        peer_tls_close(s->tls);
    peer_close(s->tcp);
}

static void turn(struct session *s)
{
    bool moved;
    unsigned want;

    do {
        events(s);
        want = smtpd_want(&s->engine);
        moved = s->thinks && sim_ms() >= s->answer_at;
        if (moved)
            answer(s);
        moved |= fetch_body(s);
        if ((want & (SMTPD_TLS | SMTPD_CLOSED)) == 0)
            moved |= take_in(s);
        moved |= give_out(s);
        if ((want & SMTPD_TLS) != 0)
            moved |= shake(s);
    } while (moved);
    smtpd_tick(&s->engine, sim_ms());
    events(s);
    if ((smtpd_want(&s->engine) & SMTPD_CLOSED) != 0)
        hang_up(s);
}

/* ------------------------------------------------ the seam */

static void welcome(struct peer_tcp *tcp)
{
    struct session *s = sessions;

    while (s < sessions + SESSIONS && s->used)
        s++;
    if (s == sessions + SESSIONS) {
        peer_reset(tcp);
        return;
    }
    memset(s, 0, sizeof *s);
    s->used = true;
    s->tcp = tcp;
    s->number = ++opened;
    say("   server %u -- a client calls by IPv%c", s->number,
        peer_called(tcp).len == 16 ? '6' : '4');
    smtpd_init(&s->engine, &config, sim_ms());
}

/* How fast the server reads: as the events have it. */
static void set_pace(void)
{
    static uint64_t next;
    const struct event *slow = world_event(F_SLOW);

    if (world_event(F_DEAF) != NULL) {
        peer_allow(0);
    } else if (slow == NULL) {
        peer_allow(SIZE_MAX);
    } else if (sim_ms() >= next) {
        peer_allow(slow->arg);
        next = sim_ms() + 1000;
    }
}

void server_poll(void)
{
    struct peer_tcp *tcp;

    set_pace();
    while ((tcp = peer_accept()) != NULL)
        welcome(tcp);
    for (size_t i = 0; i < SESSIONS; i++) {
        struct session *s = &sessions[i];
        size_t k = s->used ? (size_t)(peer_passed(s->tcp, UP)) : 0;

        if (!s->used)
            continue;
        turn(s);
        if (k > world.result->passed[UP])
            world.result->passed[UP] = k;
        if (peer_passed(s->tcp, DOWN) > world.result->passed[DOWN])
            world.result->passed[DOWN] = peer_passed(s->tcp, DOWN);
    }
}

uint64_t server_next(void)
{
    bool paced = world_event(F_SLOW) != NULL || world_event(F_DEAF) != NULL;
    uint64_t next = UINT64_MAX, at;

    for (size_t i = 0; i < SESSIONS; i++) {
        struct session *s = &sessions[i];

        if (!s->used || s->hung_up)
            continue;
        at = s->thinks ? s->answer_at : smtpd_deadline(&s->engine);
        if (paced && at > sim_ms() + 1000)
            at = sim_ms() + 1000;
        if (at < next)
            next = at;
    }
    return next;
}

void server_reboot(void)
{
    peer_forget_all();
    for (size_t i = 0; i < SESSIONS; i++) {
        if (sessions[i].tls != NULL)
            peer_tls_free(sessions[i].tls);
        memset(&sessions[i], 0, sizeof sessions[i]);
    }
}

void server_start(void)
{
    const struct plan *p = world.plan;

    config.name.p = SIM_HOST;
    config.name.len = strlen(SIM_HOST);
    config.lmtp = p->lmtp;
    config.implicit_tls = p->tls == IMPLICIT;
    config.starttls = p->tls == STARTTLS;
    config.need_tls = p->tls != CLEAR;
    config.need_auth = p->auth;
    config.auth_unsafe = p->tls == CLEAR;
    config.mechanisms = p->auth ? SMTPD_PLAIN | SMTPD_LOGIN : 0;
    config.hide = p->hide;
    expected_len = plan_message(p, expected, sizeof expected);
    peer_listen(25, 4, true);
    peer_listen(25, 16, true);
}
