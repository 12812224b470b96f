/*
 * command.c - commands into the out buffer, and events about them.
 *
 * A command that is longer than the room in the buffer is written in pieces:
 * line() makes it anew each time, and struct text passes over what has been
 * written. With PIPELINING (RFC 2920) one command follows the other without
 * waiting for a reply; the caller reads while it writes, so a full buffer only
 * pauses the writing.
 */
#include "idna.h"
#include "session.h"

#include <string.h>

/* At most so many in one call, so that their events fit the queue. */
#define COMMANDS_AT_ONCE 8

void command_event(struct session *s, enum smtp_event_kind kind, unsigned what,
                   uint16_t code, size_t rcpt)
{
    struct session_event *e;

    if (s->event_count == SESSION_EVENTS) {
        s->event_at = (uint8_t)((s->event_at + 1) % SESSION_EVENTS);
        s->event_count--;
    }
    e = &s->events[(s->event_at + s->event_count) % SESSION_EVENTS];
    e->kind = (uint8_t)kind;
    e->what = (uint8_t)what;
    e->code = code;
    e->rcpt = (uint32_t)rcpt;
    s->event_count++;
}

/* job.c has seen that it works. */
static void address(struct text *t, struct smtp_str a)
{
    const char *why;
    bool utf8;

    idna_address(t, a, &utf8, &why);
    text_str(t, ">");
}

/* RFC 4954 section 4: "=" is an initial response without a byte. */
static void auth(const struct session *s, struct text *t, bool hide)
{
    text_str(t, auth_mech(s->mech)->name);
    if (s->auth_step == 0)
        return;
    text_str(t, hide ? " ***" : " ");
    if (!hide && auth_encoded_len(s) == 0)
        text_str(t, "=");
    else if (!hide)
        auth_encode(s, t);
}

/* The command without its line end; hide for the eyes of a person. */
static void line(const struct session *s, unsigned cmd, size_t which,
                 struct text *t, bool hide)
{
    static const char *const verbs[] = {
        [CMD_NONE] = "",
        [CMD_EHLO] = "EHLO ",
        [CMD_LHLO] = "LHLO ",
        [CMD_HELO] = "HELO ",
        [CMD_STARTTLS] = "STARTTLS",
        [CMD_AUTH] = "AUTH ",
        [CMD_AUTH_DATA] = "",
        [CMD_AUTH_CANCEL] = "*",
        [CMD_NOOP] = "NOOP",
        [CMD_RSET] = "RSET",
        [CMD_VRFY] = "VRFY",
        [CMD_EXPN] = "EXPN",
        [CMD_HELP] = "HELP",
        [CMD_MAIL] = "MAIL FROM:<",
        [CMD_RCPT] = "RCPT TO:<",
        [CMD_DATA] = "DATA",
        [CMD_DOT] = ".",
        [CMD_BDAT] = "BDAT ",
        [CMD_LAST] = "BDAT ",
        [CMD_QUIT] = "QUIT",
    };

    text_str(t, verbs[cmd]);
    if (cmd >= CMD_EHLO && cmd <= CMD_HELO) {
        text_mem(t, s->job->helo.p, s->job->helo.len);
    } else if (cmd == CMD_AUTH) {
        auth(s, t, hide);
    } else if (cmd == CMD_AUTH_DATA && hide) {
        text_str(t, "***");
    } else if (cmd == CMD_AUTH_DATA) {
        auth_encode(s, t);
    } else if (cmd >= CMD_NOOP && cmd <= CMD_HELP && s->ask.len != 0) {
        text_str(t, " ");
        text_mem(t, s->ask.p, s->ask.len);
    } else if (cmd == CMD_MAIL) {
        address(t, s->job->from);
        params_mail(s, t);
    } else if (cmd == CMD_RCPT) {
        address(t, s->job->rcpt[which].address);
        params_rcpt(s, &s->job->rcpt[which], t);
    } else if (cmd == CMD_BDAT || cmd == CMD_LAST) {
        text_u64(t, which);
        if (cmd == CMD_LAST)
            text_str(t, " LAST");
    }
}

void command_line(const struct session *s, unsigned cmd, size_t which,
                  struct text *t)
{
    line(s, cmd, which, t, false);
}

static bool dot(struct session *s)
{
    if (s->out_size - s->out_len < DOTSTUFF_END)
        return false;
    s->out_len += dotstuff_end(&s->dots, s->out + s->out_len);
    return true;
}

/* Writes what there is room for of the command that is todo; true when all of
 * it is in the buffer. */
static bool write_line(struct session *s)
{
    struct text t =
        text_into((char *)s->out + s->out_len, s->out_size - s->out_len);

    if (s->chunk != CHUNK_NONE)
        return false;
    if (s->todo == CMD_DOT)
        return dot(s);
    if (s->todo == CMD_AUTH || s->todo == CMD_AUTH_DATA)
        s->out_secret = true;
    t.skip = s->line_at;
    line(s, s->todo, s->write_rcpt, &t, false);
    text_str(&t, "\r\n");
    s->out_len += t.len;
    s->line_at += t.len;
    if (t.full)
        return false;
    s->line_at = 0;
    return true;
}

/* What follows a command that has been written. */
static enum command next(struct session *s, unsigned cmd)
{
    if (cmd == CMD_RCPT)
        s->write_rcpt = session_rcpt(s, s->write_rcpt + 1);
    if (cmd == CMD_DATA)
        s->data_written = true;
    if (!session_pipelines(s) || (cmd != CMD_MAIL && cmd != CMD_RCPT))
        return CMD_NONE;
    if (s->write_rcpt < s->rcpt_end)
        return CMD_RCPT;
    return s->bdat ? CMD_NONE : CMD_DATA;
}

void command_fill(struct session *s)
{
    for (int i = 0; i < COMMANDS_AT_ONCE && s->todo != CMD_NONE; i++) {
        unsigned cmd = s->todo;
        size_t rcpt = s->write_rcpt;

        if (!write_line(s))
            return;
        if (cmd != CMD_DOT) /* its reply is told apart by the state */
            s->written++;
        s->todo = (uint8_t)next(s, cmd);
        command_event(s, SMTP_EV_SENT, cmd, 0, rcpt);
    }
}

void command_ack(struct session *s, size_t n)
{
    const uint8_t *at = s->out + s->out_at, *lf;

    if (n > s->out_len - s->out_at)
        n = s->out_len - s->out_at;
    s->out_at += n;
    if (s->chunk == CHUNK_MADE && n != 0)
        s->chunk = CHUNK_BEGUN;
    /* Each command is one line; in the message lines mean nothing. */
    while (s->chunk == CHUNK_NONE && s->left < s->written && n != 0 &&
           (lf = memchr(at, '\n', n)) != NULL) {
        s->left++;
        n -= (size_t)(lf - at) + 1;
        at = lf + 1;
    }
    if (s->out_at != s->out_len)
        return;
    if (s->chunk != CHUNK_NONE)
        chunk_left(s);
    if (s->out_secret)
        text_wipe(s->out, s->out_len);
    s->out_secret = false;
    s->out_at = s->out_len = 0;
}

void command_drop(struct session *s)
{
    text_wipe(s->out, s->out_len);
    s->out_secret = false;
    s->out_at = s->out_len = s->line_at = s->gathered = 0;
    s->chunk = CHUNK_NONE;
    s->todo = CMD_NONE;
}

struct smtp_str command_event_text(struct session *s,
                                   const struct session_event *e)
{
    struct smtp_str text = { s->reply.line, s->reply.line_len };
    struct text t = text_into(s->event_text, sizeof s->event_text);

    if (e->kind == SMTP_EV_STATE) {
        text.p = reason_state_name(e->what);
        text.len = strlen(text.p);
    } else if (e->kind == SMTP_EV_SENT) {
        line(s, e->what, e->rcpt, &t, true);
        text.p = t.p;
        text.len = t.len;
    }
    return text;
}
