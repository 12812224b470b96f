/*
 * verbs.c - a command line to its handler, what may be said when, and the
 * commands that have no parameters of their own (RFC 5321 4.1).
 *
 * Lenient where clients are: the verb is read without regard to case, blanks
 * at the end are dropped, EHLO's argument is any one word, NOOP's is ignored.
 */
#include "server.h"

#include <string.h>

enum verb {
    VERB_EHLO,
    VERB_LHLO,
    VERB_HELO,
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_BDAT,
    VERB_RSET,
    VERB_NOOP,
    VERB_QUIT,
    VERB_HELP,
    VERB_VRFY,
    VERB_EXPN,
    VERB_AUTH,
    VERB_STARTTLS,
    VERB_NONE
};

enum {
    SYNC = 1, /* its reply must be waited for (RFC 2920 3.1, 3207, 4954). Not
                 so VRFY, EXPN and NOOP, which change nothing */
    JUNK = 2, /* leads to no mail */
    BARE = 4, /* takes no argument */
    OPEN = 8, /* also without EHLO, TLS, a login */
    FREE = 16 /* also between two chunks */
};

static const struct {
    char name[9];
    uint8_t flags;
} verbs[] = {
    { "EHLO", SYNC | JUNK | OPEN },
    { "LHLO", SYNC | JUNK | OPEN },
    { "HELO", SYNC | JUNK | OPEN },
    { "MAIL", 0 },
    { "RCPT", 0 },
    { "DATA", SYNC | BARE },
    { "BDAT", FREE },
    { "RSET", JUNK | BARE | OPEN | FREE },
    { "NOOP", JUNK | OPEN | FREE },
    { "QUIT", BARE | OPEN | FREE },
    { "HELP", JUNK | OPEN | FREE },
    { "VRFY", JUNK | FREE },
    { "EXPN", JUNK | FREE },
    { "AUTH", SYNC | JUNK },
    { "STARTTLS", SYNC | JUNK | BARE | OPEN },
};

static enum verb verb_of(struct smtp_str word)
{
    unsigned v = 0;

    while (v < VERB_NONE && !text_same(word.p, word.len, verbs[v].name))
        v++;
    return (enum verb)v;
}

static struct smtp_str line_of(const struct server *s)
{
    struct smtp_str line = { s->line, s->line_len };

    while (line.len != 0 && line.p[line.len - 1] == ' ')
        line.len--;
    return line;
}

/* The first word of the line; *rest is what follows its blanks. */
static struct smtp_str first_word(struct smtp_str line, struct smtp_str *rest)
{
    struct smtp_str word = { line.p, 0 };

    while (word.len < line.len && line.p[word.len] != ' ')
        word.len++;
    *rest = line;
    rest->p += word.len;
    rest->len -= word.len;
    while (rest->len != 0 && rest->p[0] == ' ') {
        rest->p++;
        rest->len--;
    }
    return word;
}

/* --- what a person gets to see -------------------------------------------- */

/* Credentials are masked, and so is a line that is no command once AUTH was
 * said, however badly: it may be credentials that came too late. */
static void show(struct server *s, enum verb v, bool secret)
{
    struct text t = text_into(s->shown, sizeof s->shown);
    struct smtp_str line = line_of(s), rest, more;

    first_word(line, &rest);
    s->auth_seen = s->auth_seen || v == VERB_AUTH;
    if (secret || (v == VERB_NONE && s->auth_seen)) {
        text_str(&t, "***");
    } else if (v == VERB_AUTH) {
        struct smtp_str mechanism = first_word(rest, &more);

        text_mem(&t, line.p, (size_t)(mechanism.p - line.p) + mechanism.len);
        if (more.len != 0)
            text_str(&t, " ***");
    } else {
        text_mem(&t, line.p, line.len);
    }
    text_clean(t.p, t.len);
    s->shown_len = t.len;
    server_event(s, SMTPD_EV_LINE, 0);
}

/* --- greeting and hello --------------------------------------------------- */

void server_greet(struct server *s, struct smtp_str text)
{
    static const uint8_t none[3] = { 0, 0, 0 };
    char both[400];
    struct text t = text_into(both, sizeof both);
    struct smtp_str all;

    text_mem(&t, s->cfg->name.p, s->cfg->name.len);
    text_str(&t, " ");
    text_mem(&t, text.p, text.len);
    all.p = t.p;
    all.len = t.len;
    server_reply(s, 220, none, all);
    s->sync = true;
}

/* RFC 9422: what is not limited is not named. */
static void limits(const struct server *s, struct text *t)
{
    bool rcpt = s->cfg->rcpt_max != 0, mail = s->cfg->mail_max != 0;

    if (!server_offers(s, SMTPD_LIMITS) || (!rcpt && !mail))
        return;
    text_str(t, "\nLIMITS");
    if (mail) {
        text_str(t, " MAILMAX=");
        text_u64(t, s->cfg->mail_max);
    }
    if (rcpt) {
        text_str(t, " RCPTMAX=");
        text_u64(t, s->cfg->rcpt_max);
    }
}

static void extensions(const struct server *s, struct text *t)
{
    static const struct {
        uint16_t bit;
        char line[24];
    } names[] = {
        { SMTPD_PIPELINING, "\nPIPELINING" },
        { SMTPD_8BITMIME, "\n8BITMIME" },
        { SMTPD_SMTPUTF8, "\nSMTPUTF8" },
        { SMTPD_CHUNKING, "\nCHUNKING" },
        { SMTPD_BINARYMIME, "\nBINARYMIME" },
        { SMTPD_DSN, "\nDSN" },
        { SMTPD_ENHANCED, "\nENHANCEDSTATUSCODES" },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (server_offers(s, names[i].bit))
            text_str(t, names[i].line);
    if (server_offers(s, SMTPD_SIZE)) {
        text_str(t, "\nSIZE");
        if (s->cfg->size_max != 0) {
            text_str(t, " ");
            text_u64(t, s->cfg->size_max);
        }
    }
    if (s->cfg->starttls && !s->tls_up)
        text_str(t, "\nSTARTTLS");
    server_auth_names(s, t);
    server_wish_names(s, t);
    limits(s, t);
}

/* One reply of up to twenty lines, "250-" in front of all but the last. */
static void list(struct server *s, struct smtp_str all)
{
    static const uint8_t none[3] = { 0, 0, 0 };

    while (all.len != 0) {
        const char *lf = memchr(all.p, '\n', all.len);
        struct smtp_str line = { all.p,
                                 lf == NULL ? all.len : (size_t)(lf - all.p) };
        struct smtp_str rest = { all.p + line.len, all.len - line.len };
        size_t at = s->out_len;

        server_reply(s, 250, none, line);
        if (rest.len != 0) {
            s->out[at + 3] = '-';
            rest.p++;
            rest.len--;
        }
        all = rest;
    }
}

void server_hello(struct server *s, struct smtp_str text)
{
    char all[SERVER_REPLY_ROOM - 120]; /* twenty times "250-" and CRLF */
    struct text t = text_into(all, sizeof all);
    struct smtp_str whole = { all, 0 };

    if (text.len > 100)
        text.len = 100;
    server_reset(s);
    s->hello = true;
    s->esmtp = s->esmtp_asked;
    text_mem(&t, s->cfg->name.p, s->cfg->name.len);
    if (text.len != 0) {
        text_str(&t, " ");
        text_mem(&t, text.p, text.len);
    }
    for (size_t i = 0; i < t.len; i++)
        if (t.p[i] == '\n')
            t.p[i] = ' ';
    if (s->esmtp)
        extensions(s, &t);
    whole.len = t.len;
    list(s, whole);
    server_set(s, SERVER_READY);
}

static void hello(struct server *s, enum verb v, struct smtp_str arg)
{
    struct smtp_str rest, name = first_word(arg, &rest);

    if (s->cfg->lmtp != (v == VERB_LHLO)) {
        server_error(s, 500, 5, 1,
                     s->cfg->lmtp ? "this is LMTP: say LHLO"
                                  : "this is not LMTP: say EHLO");
        return;
    }
    if (name.len == 0 || name.len > MAILBOX_DOMAIN_MAX || rest.len != 0) {
        server_error(s, 501, 5, 4, "one name is wanted");
        return;
    }
    s->esmtp_asked = v != VERB_HELO;
    s->asked = name;
    server_ask(s, SMTPD_ASK_HELLO);
}

/* --- the small commands --------------------------------------------------- */

static void starttls(struct server *s)
{
    if (s->tls_up) {
        server_error(s, 503, 5, 1, "TLS is up already");
    } else if (!s->cfg->starttls || !s->esmtp) {
        server_error(s, 502, 5, 1, "STARTTLS is not offered");
    } else if (s->mail_given) {
        server_error(s, 503, 5, 1, "not during a mail transaction");
    } else {
        server_ok(s, 220, 0, 0, "go ahead");
        s->tls_due = true;
    }
}

static void quit(struct server *s)
{
    static const struct server_say bye = { 221, { 2, 0, 0 }, "bye" };

    server_close(s, SMTPD_END_QUIT, &bye);
}

static void ask(struct server *s, enum smtpd_event_kind question,
                struct smtp_str arg)
{
    if (arg.len == 0 && question != SMTPD_ASK_HELP) {
        server_error(s, 501, 5, 4, "an argument is wanted");
        return;
    }
    s->asked = arg;
    server_ask(s, question);
}

/* --- what may be said when ------------------------------------------------ */

/* A command that the policy or the order of things forbids has had its reply.
 * BDAT is judged by server_bdat(): its bytes are to be read in any case. */
static bool forbidden(struct server *s, enum verb v)
{
    unsigned flags = verbs[v].flags;

    if (s->refused && v != VERB_QUIT) {
        server_error(s, 503, 5, 1, "there is no service: say QUIT");
        return true;
    }
    if (v == VERB_BDAT || (flags & OPEN) != 0)
        return false;
    if (!s->hello)
        server_error(s, 503, 5, 1, "say hello first");
    else if (s->cfg->need_tls && !s->tls_up)
        server_error(s, 530, 7, 0, "must issue a STARTTLS command first");
    else if (s->cfg->need_auth && !s->authed && v != VERB_AUTH)
        server_error(s, 530, 7, 0, "authentication required");
    else if (s->chunking && (flags & FREE) == 0)
        server_error(s, 503, 5, 1, "BDAT or RSET is wanted");
    else
        return false;
    return true;
}

static bool too_many(struct server *s, enum verb v)
{
    static const struct server_say enough = { 421,
                                              { 4, 7, 0 },
                                              "too many commands without "
                                              "mail" };
    unsigned max = s->cfg->commands_max != 0 ? s->cfg->commands_max : 100;

    if ((verbs[v].flags & JUNK) == 0 || ++s->commands <= max)
        return false;
    server_close(s, SMTPD_END_LIMIT, &enough);
    return true;
}

static void run(struct server *s, enum verb v, struct smtp_str arg)
{
    switch (v) {
    case VERB_EHLO:
    case VERB_LHLO:
    case VERB_HELO:
        hello(s, v, arg);
        break;
    case VERB_MAIL:
        server_mail(s, arg);
        break;
    case VERB_RCPT:
        server_rcpt(s, arg);
        break;
    case VERB_DATA:
        server_data(s);
        break;
    case VERB_BDAT:
        server_bdat(s, arg);
        break;
    case VERB_RSET:
        server_reset(s);
        server_ok(s, 250, 0, 0, "forgotten");
        if (s->hello)
            server_set(s, SERVER_READY);
        break;
    case VERB_NOOP:
        server_ok(s, 250, 0, 0, "ok");
        break;
    case VERB_QUIT:
        quit(s);
        break;
    case VERB_HELP:
        ask(s, SMTPD_ASK_HELP, arg);
        break;
    case VERB_VRFY:
        ask(s, SMTPD_ASK_VRFY, arg);
        break;
    case VERB_EXPN:
        ask(s, SMTPD_ASK_EXPN, arg);
        break;
    case VERB_AUTH:
        server_auth(s, arg);
        break;
    case VERB_STARTTLS:
        starttls(s);
        break;
    case VERB_NONE: /* server_command() has dealt with it */
        break;
    }
}

/* A line that cannot be a command, whatever is in it. */
static bool malformed(struct server *s)
{
    if (s->line_wire > SERVER_LINE_ROOM)
        server_error(s, 500, 5, 6, "the line is too long");
    else if (s->line_odd)
        server_error(s, 500, 5, 2,
                     "a line ends in CRLF and holds no control byte");
    else
        return false;
    return true;
}

void server_command(struct server *s)
{
    struct smtp_str arg, word = first_word(line_of(s), &arg);
    enum verb v = verb_of(word);
    bool secret = s->state == SERVER_AUTH;

    show(s, v, secret);
    server_arm(s);
    if (malformed(s)) {
        if (secret) {
            server_auth_forget(s);
            server_set(s, SERVER_READY);
        } else if (v == VERB_BDAT) { /* its bytes are no commands */
            server_close(s, SMTPD_END_SYNTAX, NULL);
        }
        return;
    }
    if (secret) {
        server_auth_line(s, line_of(s));
        s->sync = true;
        return;
    }
    if (v == VERB_NONE) {
        server_error(s, 500, 5, 1, "unknown command");
        return;
    }
    s->sync = (verbs[v].flags & SYNC) != 0 || !s->esmtp ||
              !server_offers(s, SMTPD_PIPELINING);
    if (too_many(s, v) || forbidden(s, v))
        return;
    if ((verbs[v].flags & BARE) != 0 && arg.len != 0)
        server_error(s, 501, 5, 4, "no argument is wanted");
    else
        run(s, v, arg);
}
