/* sources: smtp/ */
/* includes: smtp tests/fuzz */
/*
 * smtp_client.c - a client's session with a server that says anything. The
 * first two bytes choose the job, the rest is what the server says; a NUL
 * where TLS is wanted is the handshake, a byte of 1 to 3 between mails is the
 * next one, a question or the end. Whole, and byte by byte: the same
 * events, the same commands, the same verdicts; every recipient has one, and
 * from AUTH on no event shows the password.
 */
#include "trace.h"

#include "smtp.h"

static struct trace whole, single;
static const char password[] = "tanstaaftanstaaf";

struct run {
    struct smtp smtp;
    struct smtp_job job;
    struct smtp_rcpt rcpt[3];
    uint8_t out[600];
    size_t body_at;
    uint64_t now;
    bool mid_line; /* the server is in the middle of one */
    bool told;     /* the server knows the password from us */
    struct trace *trace;
};

static struct smtp_str str(const char *p)
{
    return (struct smtp_str){ p, strlen(p) };
}

static void make_job(struct run *r, unsigned choice)
{
    struct smtp_job *j = &r->job;

    memset(r, 0, sizeof *r);
    j->helo = str("client.example");
    j->tls = (enum smtp_tls)(choice % 3);
    j->lmtp = (choice & 4) != 0;
    j->auth = (choice & 8) != 0 ? SMTP_AUTH_ANY : SMTP_AUTH_OFF;
    j->auth_unsafe = (choice & 16) != 0;
    j->user = str("tim");
    j->password = str(password);
    j->from = str((choice & 32) != 0 ? "a@example.org" : "");
    j->rcpt = r->rcpt;
    j->rcpt_count = 1 + (choice >> 6) % 3;
    r->rcpt[0].address = str("b@example.net");
    r->rcpt[1].address = str("\"c d\"@[192.0.2.1]");
    r->rcpt[2].address =
        str((choice & 256) != 0 ? "\xc3\xa4@example.net" : "e@example.net");
    r->rcpt[0].notify = (choice & 512) != 0 ? SMTP_NOTIFY_FAILURE : 0;
    j->size = (choice & 1024) != 0 ? 1000 : 0;
    j->eight_bit = true;
    j->keep = (choice & 8192) != 0;
    j->split = (choice & 16384) != 0;
    j->binary = (choice & 32768) != 0;
    j->out = r->out;
    j->out_size = (choice & 2048) != 0 ? sizeof r->out : SMTP_OUT_MIN;
}

static void events(struct run *r)
{
    struct smtp_event e;

    while (smtp_next_event(&r->smtp, &e)) {
        if (e.kind == SMTP_EV_SENT && e.len > 5 &&
            memcmp(e.text, "AUTH ", 5) == 0)
            r->told = true;
        MUST(!r->told ||
             memmem(e.text, e.len, password, sizeof password - 1) == NULL);
        trace_int(r->trace, e.kind);
        trace_int(r->trace, e.code);
        trace_add(r->trace, e.text, e.len);
    }
}

/* Between mails the input says what the caller does; true if it did. */
static bool between(struct run *r, uint8_t byte)
{
    if ((smtp_want(&r->smtp) & SMTP_IDLE) == 0 || r->mid_line || byte == 0 ||
        byte > 3)
        return false;
    if (byte == 1) {
        r->body_at = 0;
        trace_int(r->trace, smtp_next(&r->smtp, &r->job, ++r->now));
    } else if (byte == 2) {
        MUST(smtp_ask(&r->smtp, SMTP_ASK_VRFY, r->job.user, ++r->now));
    } else {
        smtp_quit(&r->smtp, ++r->now);
    }
    return true;
}

/* Says what there is to say, and gives the message. */
static void speak(struct run *r)
{
    static const uint8_t text[] = "Subject: x\n\n.dot\r\nlong\n.\n";
    const uint8_t *p;
    size_t n;

    for (;;) {
        unsigned want = smtp_want(&r->smtp);

        p = smtp_out_buf(&r->smtp, &n);
        MUST(((want & SMTP_OUT) != 0) == (n != 0));
        trace_add(r->trace, p, n);
        smtp_out_ack(&r->smtp, n, ++r->now);
        events(r);
        if ((want & SMTP_REWIND) != 0) {
            r->body_at = 0;
            smtp_rewound(&r->smtp, ++r->now);
        } else if ((want & SMTP_BODY) != 0 && r->body_at < sizeof text - 1)
            r->body_at += smtp_body(&r->smtp, text + r->body_at,
                                    sizeof text - 1 - r->body_at, r->now);
        else if ((want & SMTP_BODY) != 0)
            smtp_body_end(&r->smtp, r->now);
        else if (n == 0)
            return;
        events(r);
    }
}

static void settle(struct run *r)
{
    smtp_in_eof(&r->smtp);
    events(r);
    MUST(smtp_want(&r->smtp) & SMTP_CLOSED);
    MUST(smtp_verdict(&r->smtp) != SMTP_PENDING);
    trace_int(r->trace, smtp_verdict(&r->smtp));
    trace_int(r->trace, smtp_failure(&r->smtp));
    trace_add(r->trace, smtp_reason(&r->smtp), strlen(smtp_reason(&r->smtp)));
    for (size_t i = 0; i < r->job.rcpt_count; i++) {
        MUST(r->rcpt[i].verdict != SMTP_PENDING);
        MUST(r->rcpt[i].reply.text_len <= SMTP_TEXT_MAX);
        trace_int(r->trace, r->rcpt[i].verdict);
        trace_int(r->trace, r->rcpt[i].reply.code);
    }
}

static void run(unsigned choice, const uint8_t *p, size_t n, size_t size,
                struct trace *t)
{
    static struct run r;

    make_job(&r, choice);
    r.trace = t;
    t->len = 0;
    if (smtp_init(&r.smtp, &r.job, 0)) {
        events(&r);
        while (n != 0 && (smtp_want(&r.smtp) & SMTP_CLOSED) == 0) {
            size_t len = n < size ? n : size, used = 1;
            uint8_t *block;

            speak(&r);
            if ((smtp_want(&r.smtp) & SMTP_TLS) != 0 && *p == 0) {
                smtp_tls_up(&r.smtp, (choice & 4096) == 0, ++r.now);
            } else if (!between(&r, *p)) {
                block = exact(p, len);
                used = smtp_in(&r.smtp, block + 1, len, ++r.now);
                free(block);
                r.mid_line = p[used - 1] != '\n';
            }
            events(&r);
            MUST(used != 0 && used <= len);
            p += used;
            n -= used;
        }
        speak(&r);
        settle(&r);
    }
    smtp_wipe(&r.smtp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    unsigned choice;

    input(data, len);
    choice = next(2);
    run(choice, in_at, in_left, SIZE_MAX, &whole);
    run(choice, in_at, in_left, 1, &single);
    trace_same(&whole, &single);
    return 0;
}
