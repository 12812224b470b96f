/*
 * submit.c - connect, pump until the session is closed, hang up.
 */
#include "submit.h"

#include <stdio.h>

#include "board.h"
#include "clock.h"
#include "compose.h"
#include "log.h"
#include "loop.h"
#include "network.h"
#include "probe.h"
#include "pump.h"
#include "stack.h"
#include "verdict.h"

#define CONNECT_MS  30000 /* SYN at 0, 1, 3, 7, 15 s                      */
#define SILENCE_MS  200   /* a greeting later than this is worth asking    */
#define PATIENCE_MS 1000  /* ... on a port where TLS is never expected     */
#define LINGER_MS   300   /* for QUIT or an alert to leave                */

struct session {
    const struct config *conf;
    struct message *message;
    struct report *report;
    struct smtp_job *job;
    uint8_t binding[TLS_BINDING_MAX];
    struct smtp smtp;
    struct tcp *tcp;
    struct tls *tls; /* NULL: in clear                               */
    struct probe probe;
    struct loop_notice notice;
    uint64_t body_sent; /* of the source's bytes                        */
    uint64_t give_up;   /* ms: end of the run                           */
    uint64_t ask_at;    /* ms: a greeting not there by then is asked about */
    uint64_t opened;    /* ms: when the connection came up              */
    uint16_t port;
    bool tls_was_up, eof_told;
    bool in_ehlo; /* the reply to EHLO is what was logged last     */
};

uint16_t submit_port(const struct config *conf)
{
    if (conf->port != 0)
        return conf->port;
    if (conf->protocol == PROTOCOL_LMTP)
        return 24;
    return !conf->tls ? 25 : conf->tls_starttls ? 587 : 465;
}

/* ----------------------------------------------------------- the dialogue */

static bool closed(const struct session *s)
{
    return (smtp_want(&s->smtp) & SMTP_CLOSED) != 0;
}

/* A check lists what the server offers; before STARTTLS anybody may have
 * said it. */
static bool is_offer(const struct session *s, const struct smtp_event *e)
{
    return s->conf->check && s->in_ehlo && e->code == 250 && e->len > 4 &&
           (!s->conf->tls || s->tls_was_up);
}

static void events(struct session *s)
{
    struct smtp_event e;

    while (smtp_next_event(&s->smtp, &e)) {
        int n = e.len > 400 ? 400 : (int)e.len;

        if (e.kind == SMTP_EV_STATE)
            s->in_ehlo = e.len == 4 && memcmp(e.text, "EHLO", 4) == 0;
        if (is_offer(s, &e))
            log_say("the server offers: %.*s", n - 4, e.text + 4);
        if (e.kind == SMTP_EV_SENT)
            log_trace("-> %.*s", n, e.text);
        else if (e.kind == SMTP_EV_REPLY)
            log_trace("<- %.*s", n, e.text);
        else
            log_trace("-- %.*s", n, e.text);
        s->notice.next = 0; /* something happened: count from here */
    }
}

/* ------------------------------------------------------------- the pump */

/* What the server takes is known: the message takes its last shape. */
static void fit(struct session *s, uint64_t now)
{
    if ((smtp_want(&s->smtp) & SMTP_FIT) == 0)
        return;
    if (compose_fit(s->message, smtp_offers(&s->smtp), s->report))
        smtp_fitted(&s->smtp, message_size(s->message),
                    message_content(s->message), message_utf8(s->message), now);
    else
        smtp_abort(&s->smtp, SMTP_F_UNFIT);
}

/* More recipients than the server takes at once: the message again. */
static void begin_anew(struct session *s, uint64_t now)
{
    if ((smtp_want(&s->smtp) & SMTP_REWIND) == 0)
        return;
    message_rewind(s->message);
    s->body_sent = 0;
    smtp_rewound(&s->smtp, now);
}

/* message -> smtp */
static size_t pump_body(struct session *s, uint64_t now)
{
    const uint8_t *from;
    size_t have, n;

    if ((smtp_want(&s->smtp) & SMTP_BODY) == 0)
        return 0;
    from = message_buf(s->message, &have);
    if (have == 0) {
        /* The last word before the final dot can leave. Whoever keeps this
         * log knows of a machine that vanished whether it may have sent. */
        log_say("end of the message: from here on it may be accepted");
        smtp_body_end(&s->smtp, now);
        return 1;
    }
    n = smtp_body(&s->smtp, from, have, now);
    message_ack(s->message, n);
    s->body_sent += n;
    return n;
}

/* The arithmetic of a login, a slice at a time: the network goes on. */
static size_t pump_work(struct session *s, uint64_t now)
{
    if ((smtp_want(&s->smtp) & SMTP_WORK) == 0)
        return 0;
    smtp_work(&s->smtp, now);
    return 1;
}

/* The server's words to smtp, from wherever they come out in plain text. */
static size_t pump_words(struct session *s, uint64_t now)
{
    const uint8_t *from;
    size_t have, n;

    if (s->tls != NULL) {
        /* not before smtp knows that TLS is up: watch_tls() */
        from = tls_recvapp_buf(s->tls, &have);
        if (have == 0 || !s->tls_was_up)
            return 0;
        n = smtp_in(&s->smtp, from, have, now);
        tls_recvapp_ack(s->tls, n);
    } else {
        /* what follows the 220 to STARTTLS is not ours to read: start_tls() */
        from = tcp_recv_buf(s->tcp, &have);
        if (have == 0 || (smtp_want(&s->smtp) & SMTP_TLS) != 0)
            return 0;
        n = smtp_in(&s->smtp, from, have, now);
        tcp_recv_ack(s->tcp, n);
    }
    events(s);
    return n;
}

/* tcp -> tls -> smtp */
static size_t pump_in(struct session *s, uint64_t now)
{
    size_t moved = 0;

    if (s->tls != NULL) {
        moved = pump_records_in(s->tcp, s->tls);
        moved += tls_run(s->tls);
    }
    return moved + pump_words(s, now);
}

/* smtp -> tls -> tcp */
static size_t pump_out(struct session *s, uint64_t now)
{
    const uint8_t *from;
    uint8_t *to;
    size_t have, room, n, moved;

    from = smtp_out_buf(&s->smtp, &have);
    to = s->tls != NULL ? tls_sendapp_buf(s->tls, &room)
                        : tcp_send_buf(s->tcp, &room);
    moved = n = pump_carry(to, room, from, have);
    if (s->tls == NULL) {
        tcp_send_ack(s->tcp, n);
    } else {
        tls_sendapp_ack(s->tls, n);
        moved += tls_run(s->tls);
        moved += pump_records_out(s->tls, s->tcp);
    }
    smtp_out_ack(&s->smtp, n, now);
    return moved;
}

/* Moves what can move. True: again. All that has arrived is read before a
 * command leaves: it cannot be the reply to that one, and smtp will say so. */
static bool pump(struct session *s, uint64_t now)
{
    size_t n, moved = 0;

    while (!closed(s) && (n = pump_in(s, now)) != 0)
        moved += n;
    fit(s, now);
    begin_anew(s, now);
    moved += pump_work(s, now);
    moved += pump_body(s, now);
    moved += pump_out(s, now);
    events(s);
    return moved != 0;
}

/* ------------------------------------------------------------------- TLS */

static struct tls *open_tls(const struct config *c, uint16_t port,
                            struct report *r)
{
    struct blob host =
        c->tls_host_override.len != 0 ? c->tls_host_override : c->host;
    struct tls_config tc = {
        .trust = c->trust.p,
        .trust_len = c->trust.len,
        .verify = c->tls_certcheck,
        .fingerprint = c->tls_fingerprint.len ? c->tls_fingerprint.byte : NULL,
        .fingerprint_len = c->tls_fingerprint.len,
        .cert = c->cert.p,
        .cert_len = c->cert.len,
        .key = c->key.p,
        .key_len = c->key.len,
        .crl = c->crl.len != 0 ? c->crl.p : NULL,
        .crl_len = c->crl.len,
        .unix_now = clock_unix(),
        .min_version = c->tls_min_version == 1 ? 0x13 : 0x12,
    };
    enum tls_error err = TLS_OK;
    struct tls *tls = tls_open(&tc, (const char *)host.p, host.len, &err);

    if (tls == NULL)
        verdict_tls(err, err == TLS_E_NO_CLOCK ? clock_why() : tls_why(), c,
                    port, r);
    return tls;
}

/* Opened by submit_ready(), used by start_tls(), in between the probe's to
 * give up: there is one TLS filter. */
static struct tls *prepared;

void submit_forget(void)
{
    if (prepared != NULL)
        tls_free(prepared);
    prepared = NULL;
}

bool submit_ready(const struct config *conf, struct report *r)
{
    if (conf->tls)
        prepared = open_tls(conf, submit_port(conf), r);
    return !conf->tls || prepared != NULL;
}

static void start_tls(struct session *s)
{
    size_t left;

    probe_end(&s->probe); /* there is one TLS filter: it may hold it */
    tcp_recv_buf(s->tcp, &left);
    if (left != 0 && s->conf->tls_starttls) {
        smtp_injected(&s->smtp);
        return;
    }
    s->tls =
        prepared != NULL ? prepared : open_tls(s->conf, s->port, s->report);
    prepared = NULL;
    if (s->tls == NULL) /* it was possible before the probe: no memory */
        smtp_abort(&s->smtp, SMTP_F_LOST);
}

static void tls_came_up(struct session *s, uint64_t now)
{
    struct tls_info info = tls_info(s->tls);
    struct report *r = s->report;
    size_t len = 0;

    s->tls_was_up = true;
    r->at.tls = board_now_ns() / 1000;
    r->tls_version = info.version;
    r->tls_cipher = info.cipher;
    r->tls_verified = info.verified;
    log_say("%s, %s, certificate %s", info.version, info.cipher,
            info.verified ? "verified" : "NOT verified");
    s->job->binding.type = tls_binding(s->tls, s->binding, &len);
    s->job->binding.p = s->binding;
    s->job->binding.len = len;
    smtp_tls_up(&s->smtp, info.verified, now);
}

static void tls_failed(struct session *s)
{
    enum tls_error e = tls_error(s->tls);

    if (e == TLS_OK)
        e = TLS_E_TRUNCATED;
    verdict_tls(e, tls_why(), s->conf, s->port, s->report);
    smtp_abort(&s->smtp, e == TLS_E_TRUNCATED || e == TLS_E_MEMORY
                             ? SMTP_F_LOST
                             : SMTP_F_TLS);
}

static void watch_tls(struct session *s, uint64_t now)
{
    enum tls_state st = tls_state(s->tls);
    size_t have;

    if (!s->tls_was_up && st == TLS_UP)
        tls_came_up(s, now);
    if (st != TLS_PEER_DONE && st != TLS_BROKEN)
        return;
    if (!s->tls_was_up) {
        tls_failed(s);
        return;
    }
    tls_recvapp_buf(s->tls, &have);
    if (have != 0)
        return;
    if (st == TLS_PEER_DONE || tls_error(s->tls) == TLS_E_TRUNCATED)
        smtp_in_eof(&s->smtp);
    else
        smtp_abort(&s->smtp, SMTP_F_PROTOCOL);
}

/* ------------------------------------------------------- ends and deadlines */

static void watch_tcp(struct session *s)
{
    enum tcp_state st = tcp_state(s->tcp);
    size_t have;

    if (s->eof_told || (st != TCP_PEER_DONE && st != TCP_BROKEN))
        return;
    tcp_recv_buf(s->tcp, &have);
    if (have != 0)
        return;
    s->eof_told = true;
    if (s->tls != NULL)
        tls_recvrec_eof(s->tls);
    else
        smtp_in_eof(&s->smtp);
}

/* The greeting does not come: is it because the server waits for us? */
static void watch_greeting(struct session *s, uint64_t now)
{
    if (s->tls != NULL || !smtp_greeting_silent(&s->smtp)) {
        probe_end(&s->probe);
        return;
    }
    if (now >= s->ask_at && !s->probe.done) {
        submit_forget();
        probe_start(&s->probe, &s->report->address, s->port, s->conf->host);
    }
    if (probe_run(&s->probe) != PROBE_TLS)
        return;
    /* its silence is no refusal: on a port that tells protocols apart by the
     * client's first bytes a greeting might still have come */
    report_end(s->report, OUTCOME_TEMPORARY, STATUS_PROTOCOL,
               "port %u speaks TLS from the first byte: %s", s->port,
               s->conf->tls ? "set tls_starttls off"
                            : "set tls on and tls_starttls off");
    smtp_abort(&s->smtp, SMTP_F_TLS_FIRST);
}

/* How long nothing need be done. */
static uint64_t next_deadline(const struct session *s, uint64_t now)
{
    uint64_t until = smtp_deadline(&s->smtp);

    if (until > s->give_up)
        until = s->give_up;
    if (!s->probe.done && s->tls == NULL && smtp_greeting_silent(&s->smtp) &&
        until > s->ask_at)
        until = s->ask_at;
    if (s->notice.next > now && until > s->notice.next)
        until = s->notice.next;
    return until;
}

static void say_waiting(struct session *s, uint64_t now)
{
    char what[96];
    uint64_t size;

    if (now < s->notice.next && s->notice.next != 0)
        return;
    size = s->conf->check ? 0 : message_size(s->message);
    s->notice.each = strcmp(smtp_state_name(&s->smtp), "BODY") == 0 ? 1000 : 0;
    if (s->notice.each != 0)
        snprintf(what, sizeof(what),
                 "the server to take the message, %lu of %lu KB sent",
                 (unsigned long)(s->body_sent / 1024),
                 (unsigned long)(size / 1024));
    else
        snprintf(what, sizeof(what), "the server (%s)",
                 smtp_state_name(&s->smtp));
    loop_notice(&s->notice, now, what);
}

/* What is no byte: ends, failures, TLS coming up, deadlines. True: there may
 * be something to move again. */
static bool watch(struct session *s)
{
    uint64_t now = clock_ms();
    bool was_up = s->tls_was_up, was_told = s->eof_told;

    if (s->tls != NULL)
        watch_tls(s, now);
    if (!closed(s))
        watch_tcp(s);
    if (!closed(s))
        watch_greeting(s, now);
    if (!closed(s) && now >= s->give_up)
        smtp_abort(&s->smtp, SMTP_F_TIMEOUT);
    smtp_tick(&s->smtp, now);
    events(s);
    return s->tls_was_up != was_up || s->eof_told != was_told;
}

/* One round: move, watch, and sleep if nothing moved. */
static void turn(struct session *s)
{
    uint64_t now = clock_ms();
    bool moved = stack_poll(now);

    while (!closed(s) && pump(s, now))
        moved = true;
    tcp_flush(s->tcp);
    if (!closed(s) && (smtp_want(&s->smtp) & SMTP_TLS) != 0 && s->tls == NULL) {
        start_tls(s);
        moved = true; /* its hello waits */
    }
    if (!closed(s) && watch(s))
        moved = true;
    if (closed(s))
        return;
    now = clock_ms();
    say_waiting(s, now);
    if (!moved)
        loop_sleep(next_deadline(s, now));
}

/* ------------------------------------------------------- begin and end */

/* A greeting takes a round trip, and whatever look-ups the server makes. On
 * the ports of STARTTLS a second connection would mostly be noise in the log
 * of a server that is only slow; on 465 nobody greets first (RFC 8314 3.3). */
static uint64_t when_to_ask(const struct session *s, uint64_t round_trip)
{
    uint64_t wait = SILENCE_MS;

    if (s->port == 465)
        return s->opened;
    if (s->port == 25 || s->port == 587)
        wait = PATIENCE_MS;
    return s->opened + (3 * round_trip > wait ? 3 * round_trip : wait);
}

/* TCP_OK: the connection is up. */
static enum tcp_error try_address(struct session *s)
{
    uint64_t now = clock_ms(), limit = now + CONNECT_MS, begun = now;
    struct loop_notice notice = { 0 };

    s->tcp = tcp_open(&s->report->address, s->port);
    if (s->tcp == NULL)
        return TCP_NO_MEMORY;
    if (limit > s->give_up)
        limit = s->give_up;
    while (tcp_state(s->tcp) == TCP_CONNECTING && now < limit) {
        loop_notice(&notice, now, "a connection");
        now = loop_turn(limit);
    }
    if (tcp_state(s->tcp) == TCP_CONNECTING)
        return TCP_TIMED_OUT;
    /* up and reset at once: it was up, and the session will say so */
    if (tcp_state(s->tcp) == TCP_BROKEN && tcp_error(s->tcp) != TCP_RESET)
        return tcp_error(s->tcp);
    s->opened = now;
    s->ask_at = when_to_ask(s, now - begun);
    s->report->at.tcp = board_now_ns() / 1000;
    log_say("connected to %s port %u", addr_text(&s->report->address).s,
            s->port);
    return TCP_OK;
}

/* To the address that was found, or to one of the other family (RFC 8305, one
 * after the other). If both fail it is the first that is reported. */
static bool connect(struct session *s)
{
    struct addr first = s->report->address;
    enum tcp_error e = try_address(s);

    if (e == TCP_OK)
        return true;
    if (network_other(s->conf, s->give_up, &s->report->address)) {
        log_say("no connection to %s: trying %s", addr_text(&first).s,
                addr_text(&s->report->address).s);
        if (s->tcp != NULL)
            tcp_drop(s->tcp);
        if (try_address(s) == TCP_OK)
            return true;
    }
    s->report->address = first;
    verdict_connect(e, s->port, s->report);
    return false;
}

/* QUIT, close_notify or an alert get a moment to leave; nobody waits for an
 * answer. */
static void hang_up(struct session *s)
{
    uint64_t now = clock_ms(), limit = now + LINGER_MS;

    if (s->tls != NULL && s->tls_was_up && tls_state(s->tls) == TLS_UP) {
        pump_out(s, now);
        tls_close(s->tls);
    } else if (s->tls == NULL) {
        pump_out(s, now);
    }
    while (now < limit && tcp_state(s->tcp) == TCP_UP) {
        if (s->tls != NULL) {
            tls_run(s->tls);
            pump_records_out(s->tls, s->tcp);
        }
        tcp_flush(s->tcp);
        if (tcp_unacked(s->tcp) == 0)
            break;
        now = loop_turn(limit);
    }
    tcp_shut(s->tcp);
    stack_poll(clock_ms());
}

void submit(const struct config *conf, struct message *m, struct smtp_job *job,
            uint64_t give_up_ms, struct report *r)
{
    static struct session s;
    static uint8_t out[4096]; /* what smtp says, until it is carried on */
    const char *lost = NULL;

    job->split = true;
    job->out = out;
    job->out_size = sizeof(out);
    job->port = submit_port(conf);
    s.job = job;
    s.conf = conf;
    s.message = m;
    s.report = r;
    s.give_up = give_up_ms;
    s.port = submit_port(conf);
    r->attempts++;
    if (!smtp_init(&s.smtp, job, clock_ms())) {
        verdict_smtp(&s.smtp, NULL, r);
        return;
    }
    if (connect(&s)) {
        smtp_init(&s.smtp, job, clock_ms()); /* its timeouts start here */
        while (!closed(&s))
            turn(&s);
        r->at.smtp = board_now_ns() / 1000;
        if (stack_link() == STACK_LINK_DOWN)
            lost = "the network link is down";
        else if (clock_ms() >= s.give_up)
            lost = "total_timeout, the time for the whole run, is up";
        else if (s.tls != NULL && tls_error(s.tls) != TLS_OK)
            lost = tls_why();
        else if (tcp_error(s.tcp) == TCP_TIMED_OUT)
            lost = "the network stopped answering";
        if (conf->check && smtp_verdict(&s.smtp) == SMTP_SENT)
            verdict_check(conf, r);
        else
            verdict_smtp(&s.smtp, lost, r);
        hang_up(&s);
    }
    probe_end(&s.probe);
    if (s.tcp != NULL)
        tcp_drop(s.tcp);
    if (s.tls != NULL)
        tls_free(s.tls);
    smtp_wipe(&s.smtp);
}
