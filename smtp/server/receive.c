/*
 * receive.c - DATA (RFC 5321 4.1.1.4), BDAT (RFC 3030), and what becomes of
 * the message.
 *
 * A message that is refused on its way (too large, bare CR or LF) is read to
 * its end all the same, for only there does the client look for a reply; the
 * bytes of a chunk that may not come are read for the same reason. Whether a
 * complete message is taken is asked when the caller has fetched all of it.
 */
#include "server.h"

#include <string.h>

static const struct server_say no_mail = { 503, { 5, 5, 1 }, "MAIL first" };
static const struct server_say no_rcpt = { 503,
                                           { 5, 5, 1 },
                                           "no recipient was accepted" };

/* NULL: the message may come. */
static const struct server_say *too_early(const struct server *s)
{
    if (!s->mail_given)
        return &no_mail;
    return s->rcpts == 0 ? &no_rcpt : NULL;
}

void server_data(struct server *s)
{
    const struct server_say *no = too_early(s);

    if (no != NULL)
        server_error(s, no->code, 5, 1, no->text);
    else if (s->mail_binary)
        server_error(s, 503, 5, 1, "BINARYMIME comes by BDAT");
    else
        server_ask(s, SMTPD_ASK_DATA);
}

static void begin(struct server *s)
{
    memset(&s->dots, 0, sizeof s->dots);
    s->dots.lax = s->cfg->bare_lf;
    s->octets = 0;
}

/* --- BDAT ----------------------------------------------------------------- */

/* What was decided about the chunks bytes before they came; they go by. */
static void drop_chunk(struct server *s, const struct server_say *why)
{
    s->bad = *why;
    s->chunk_drop = true;
}

static void chunk_over(struct server *s)
{
    static const struct server_say got = { 250, { 2, 0, 0 }, "chunk taken" };
    struct server_say bad = s->bad;

    if (s->chunk_drop) {
        s->chunk_drop = false;
        s->bad.code = 0;
        server_set(s, (enum server_state)s->back);
        server_error(s, bad.code, bad.enhanced[1], bad.enhanced[2], bad.text);
        return;
    }
    if (s->chunk_last && s->dots.at == UNSTUFF_CR)
        s->dots.bad = true;
    if (s->chunk_last) {
        s->ended = true;
        server_settle(s);
    } else if (bad.code != 0 || s->dots.bad) {
        s->ended = true; /* RFC 3030 section 2: the transaction has failed */
        s->rcpts = 1;
        server_settle(s);
    } else {
        server_set(s, SERVER_ENVELOPE);
        server_say(s, &got);
    }
}

static void chunk(struct server *s)
{
    server_set(s, SERVER_CHUNK);
    if (s->chunk_left == 0)
        chunk_over(s);
}

/* "BDAT" size ["LAST"] */
static bool bdat_arg(struct server *s, struct smtp_str arg)
{
    uint64_t n = 0;
    size_t at = 0;

    while (at < arg.len && at < 19 && arg.p[at] >= '0' && arg.p[at] <= '9')
        n = n * 10 + (uint64_t)(arg.p[at++] - '0');
    s->chunk_left = n;
    s->chunk_last = false;
    if (at == 0)
        return false;
    arg.p += at;
    arg.len -= at;
    while (arg.len != 0 && arg.p[0] == ' ') {
        arg.p++;
        arg.len--;
        s->chunk_last = true;
    }
    return arg.len == 0 ? !s->chunk_last
                        : s->chunk_last && text_same(arg.p, arg.len, "LAST");
}

/* NULL: this chunk may come. */
static const struct server_say *no_chunk(const struct server *s)
{
    static const struct server_say hello = { 503, { 5, 5, 1 }, "say hello" };
    static const struct server_say unknown = { 502,
                                               { 5, 5, 1 },
                                               "CHUNKING is not offered" };
    static const struct server_say tls = { 530,
                                           { 5, 7, 0 },
                                           "must issue a STARTTLS command "
                                           "first" };
    static const struct server_say login = { 530,
                                             { 5, 7, 0 },
                                             "authentication required" };

    if (!s->hello)
        return &hello;
    if (!s->esmtp || !server_offers(s, SMTPD_CHUNKING))
        return &unknown;
    if (s->cfg->need_tls && !s->tls_up)
        return &tls;
    if (s->cfg->need_auth && !s->authed)
        return &login;
    return too_early(s);
}

void server_bdat(struct server *s, struct smtp_str arg)
{
    static const struct server_say lost = { 501,
                                            { 5, 5, 4 },
                                            "BDAT wants a size, and LAST or "
                                            "nothing" };
    const struct server_say *no = no_chunk(s);

    if (!bdat_arg(s, arg)) {
        server_close(s, SMTPD_END_SYNTAX, &lost);
        return;
    }
    s->back = s->state;
    if (no != NULL) {
        drop_chunk(s, no);
        chunk(s);
    } else if (s->chunking) {
        chunk(s);
    } else {
        server_ask(s, SMTPD_ASK_DATA);
    }
}

bool server_data_go(struct server *s, const struct server_say *no)
{
    bool bdat = text_starts(s->line, s->line_len, "BDAT");

    if (no != NULL) {
        struct server_say why = { no->code,
                                  { no->enhanced[0], no->enhanced[1],
                                    no->enhanced[2] },
                                  "no message is taken" };

        if (bdat && s->chunk_last && s->cfg->lmtp) {
            begin(s); /* each recipient is told (RFC 2033 section 4.3) */
            s->bad = why;
            s->chunking = true;
            chunk(s);
            return true;
        }
        server_reset(s);
        server_set(s, SERVER_READY);
        s->back = SERVER_READY;
        if (bdat) {
            drop_chunk(s, &why);
            chunk(s);
        }
        return bdat;
    }
    begin(s);
    if (bdat) {
        s->chunking = true;
        chunk(s);
    } else {
        server_ok(s, 354, 0, 0, "send the message, end with CRLF . CRLF");
        server_set(s, SERVER_BODY);
    }
    return true;
}

/* --- bytes ---------------------------------------------------------------- */

static const struct server_say too_large = { 552,
                                             { 5, 3, 4 },
                                             "the message is too large" };
static const struct server_say bare = { 554,
                                        { 5, 6, 0 },
                                        "CR or LF alone in the message" };

/* made bytes of the message stand behind body[body_len). */
static void account(struct server *s, size_t taken, size_t made)
{
    s->octets += made;
    /* What stands behind the first bad byte is not counted: so the size is to
     * be judged first, or what came together would change the reply. */
    if (s->bad.code == 0 && s->cfg->size_max != 0 &&
        s->octets > s->cfg->size_max)
        s->bad = too_large;
    else if (s->bad.code == 0 && s->dots.bad)
        s->bad = bare;
    s->body_len += made;
    if (s->bad.code != 0)
        s->body_at = s->body_len = 0;
    s->progress += taken;
    if (s->progress >= SERVER_PROGRESS)
        server_arm(s);
}

static size_t chunk_in(struct server *s, const uint8_t *p, size_t n)
{
    uint8_t *to = s->body + s->body_len;
    size_t room = sizeof s->body - s->body_len, made = 0;

    if (n > s->chunk_left)
        n = (size_t)s->chunk_left;
    if (s->chunk_drop) {
        made = 0;
    } else if (s->mail_binary) {
        made = n = n < room ? n : room;
        memcpy(to, p, n);
    } else {
        n = unstuff_counted(&s->dots, to, room, &made, p, n);
    }
    s->chunk_left -= n;
    account(s, n, made);
    if (s->chunk_left == 0)
        chunk_over(s);
    return n;
}

size_t server_body_in(struct server *s, const uint8_t *p, size_t n)
{
    size_t made = 0;

    if (s->state == SERVER_CHUNK)
        return chunk_in(s, p, n);
    n = unstuff(&s->dots, s->body + s->body_len, sizeof s->body - s->body_len,
                &made, p, n);
    account(s, n, made);
    if (s->dots.at == UNSTUFF_END) {
        s->ended = true;
        server_settle(s);
    }
    return n;
}

/* --- what becomes of it --------------------------------------------------- */

/* RFC 2033 4.2: with LMTP one reply for each recipient that was accepted. */
void server_settle(struct server *s)
{
    uint32_t replies = s->cfg->lmtp ? s->rcpts : 1;

    if (!s->ended || s->question != 0)
        return;
    if (s->dots.bad && s->bad.code == 0)
        s->bad = bare;
    if (s->bad.code != 0)
        s->body_at = s->body_len = 0;
    server_arm(s);
    if (s->body_len != 0)
        return; /* the caller has not fetched all */
    while (s->bad.code != 0 && s->settled < replies && server_room(s)) {
        s->settled++;
        server_say(s, &s->bad);
    }
    if (s->settled < replies) {
        if (s->bad.code == 0 && server_room(s))
            server_ask(s, SMTPD_ASK_MESSAGE);
        return;
    }
    if (s->bad.code == 0)
        s->mail_given = false; /* decided: there is nothing to be void */
    server_reset(s);
    server_set(s, SERVER_READY);
}
