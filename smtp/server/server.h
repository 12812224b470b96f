/*
 * server.h - what a server's session is made of; private to the files that
 * share it:
 *   server.c    the public face: bytes, time, events
 *   answer.c    the state, replies into out[], questions, the end
 *   verbs.c     a command line to its handler; the small commands
 *   envelope.c  MAIL and RCPT with their parameters
 *   wishes.c    parameters of MAIL that want something of the next hops
 *   receive.c   DATA, BDAT, what becomes of the message
 *   login.c     AUTH: the dialogue
 *   creds.c     what PLAIN, the tokens, EXTERNAL and CRAM-MD5 say
 *   scramd.c    SCRAM
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "mech.h"
#include "scram.h"
#include "smtpd.h"
#include "text.h"
#include "unstuff.h"

#define SERVER_LINE_ROOM  2048  /* a command, its parameters and CRLF      */
#define SERVER_SKIP       65536 /* a line that is longer ends the session  */
#define SERVER_OUT_ROOM   1792
#define SERVER_REPLY_ROOM 1024 /* the longest reply: without it no reading */
#define SERVER_BODY_ROOM  1024
#define SERVER_DECODED    1344 /* ENVID 100 and AUTH 500; ORCPT 500; SCRAM  */
#define SERVER_EVENTS     24
#define SERVER_SHOWN      256 /* of a command line, for a person            */
#define SERVER_PROGRESS   512 /* bytes of a message that move its deadline  */
#define SERVER_LOGINS     3   /* attempts                                   */
#define SERVER_USER       512 /* bytes of a user's name                     */
#define SERVER_FIRST      448 /* of a SCRAM client's first message          */
#define SERVER_OURS       280 /* of a challenge                             */

enum server_state {
#define X(name, seconds, section, what) SERVER_##name,
#include "server.def"
#undef X
};

struct server_event {
    uint8_t kind; /* enum smtpd_event_kind */
    uint8_t what; /* state */
    uint16_t code;
    uint16_t at, len; /* of a reply, in out[] */
};

/* a login with a proof under way: lengths and places in decoded[] */
struct server_proof {
    uint16_t gs2_len, first_len; /* of the client's first message */
    uint16_t nonce_at, nonce_len, ours_len;
    uint8_t stored[SMTP_HASH_MAX], key[SMTP_HASH_MAX];
};

/* a reply of the engine's own */
struct server_say {
    uint16_t code;
    uint8_t enhanced[3];
    const char *text;
};

struct server {
    const struct smtpd_config *cfg;
    uint64_t now, deadline; /* now: of the call being served */
    uint8_t state, end;
    uint8_t question; /* SMTPD_ASK_*, 0: none waits */
    bool question_told, reset_due;

    bool tls_up, tls_due;    /* due: when the 220 has left */
    bool esmtp, esmtp_asked; /* the client said EHLO or LHLO */
    bool hello, authed, refused;
    bool auth_seen; /* what is no command may be a secret */
    bool sync;      /* nothing may come until out is empty */

    bool mail_given, mail_utf8, mail_binary;
    bool chunking; /* a first BDAT was taken */
    bool chunk_last, chunk_drop;
    bool ended;   /* the message is complete, its fate is not */
    uint8_t back; /* state behind a chunk that is dropped */
    uint16_t errors, commands, logins;
    uint32_t rcpts, mails;
    uint32_t settled; /* LMTP: recipients that have their reply */
    uint64_t octets;  /* of the message so far */
    uint64_t chunk_left;
    size_t progress;       /* bytes since the deadline was moved */
    struct server_say bad; /* what refuses the message; code 0: nothing */

    uint8_t mechanism, auth_step;
    struct unstuff dots;
    struct smtpd_mail mail;
    struct smtpd_rcpt rcpt;
    struct smtpd_login login;
    struct server_proof proof;
    struct smtp_str asked; /* text of the question */

    bool line_cr, line_odd;
    uint32_t line_wire;
    size_t line_len, out_len, body_at, body_len, shown_len, decoded_len;
    uint8_t event_at, event_count;
    struct server_event events[SERVER_EVENTS];
    char line[SERVER_LINE_ROOM];
    char decoded[SERVER_DECODED];
    char shown[SERVER_SHOWN];
    uint8_t out[SERVER_OUT_ROOM];
    uint8_t body[SERVER_BODY_ROOM];
};

/* one NAME=VALUE of MAIL or RCPT, and what is thought of it */
struct server_param {
    struct smtp_str name, value;
    bool has_value;
};
enum server_verdict { PARAM_OK, PARAM_UNKNOWN, PARAM_MALFORMED };

static inline bool server_shows(const struct server *s, unsigned extension)
{
    if (extension == SMTPD_REQUIRETLS && !s->tls_up)
        return false;
    if (extension == SMTPD_FUTURERELEASE && s->cfg->hold_until.len == 0)
        return false;
    return (s->cfg->show & extension) != 0;
}

/* BINARYMIME goes by BDAT alone (RFC 3030 section 3). */
static inline bool server_offers(const struct server *s, unsigned extension)
{
    if (extension == SMTPD_BINARYMIME)
        extension |= SMTPD_CHUNKING;
    return (s->cfg->hide & extension) == 0;
}

static inline bool server_room(const struct server *s)
{
    return sizeof s->out - s->out_len >= SERVER_REPLY_ROOM;
}

/* answer.c */
void server_arm(struct server *);
void server_set(struct server *, enum server_state);
void server_event(struct server *, enum smtpd_event_kind, unsigned what);
const char *server_state_name(unsigned state);
void server_reply(struct server *, unsigned code, const uint8_t enhanced[3],
                  struct smtp_str text);
/* What the last reply says is not for the log. */
void server_mask(struct server *);
void server_say(struct server *, const struct server_say *);
/* The same, and counted against the client. */
void server_error(struct server *, unsigned code, unsigned subject,
                  unsigned detail, const char *text);
void server_ok(struct server *, unsigned code, unsigned subject,
               unsigned detail, const char *text);
void server_ask(struct server *, enum smtpd_event_kind);
/* The transaction is void. */
void server_reset(struct server *);
/* The end; say NULL: without a word. */
void server_close(struct server *, enum smtpd_end,
                  const struct server_say *say);
void server_answered(struct server *, const struct smtpd_answer *);

/* verbs.c: a whole line is in line[0..line_len) */
void server_command(struct server *);
void server_greet(struct server *, struct smtp_str text);
void server_hello(struct server *, struct smtp_str text);

/* envelope.c: behind the verb */
void server_mail(struct server *, struct smtp_str arg);
void server_rcpt(struct server *, struct smtp_str arg);

bool server_number(struct smtp_str, uint64_t *);

/* wishes.c: the parameters of the extensions that are shown. */
enum server_verdict server_wish(struct server *, const struct server_param *);
void server_wish_names(const struct server *, struct text *);

/* receive.c */
void server_data(struct server *);
void server_bdat(struct server *, struct smtp_str arg);
/* The answer to ASK_DATA; no: why not. False: the reply is still owed. */
bool server_data_go(struct server *, const struct server_say *no);
size_t server_body_in(struct server *, const uint8_t *p, size_t n);
/* Goes on with a message that is complete, as far as there is room. */
void server_settle(struct server *);

/* login.c */
bool server_mech_offered(const struct server *, unsigned mech);
void server_auth(struct server *, struct smtp_str arg);
void server_auth_line(struct server *, struct smtp_str line);
void server_auth_names(const struct server *, struct text *);
/* Nothing is left of the login for the next one, or for a message. */
void server_auth_forget(struct server *);
void server_auth_secret(struct server *, const struct smtpd_secret *);
/* True: the refusal waits, for its details are told first. */
bool server_auth_details(struct server *, const struct server_say *no);
void server_auth_done(struct server *, bool yes);

/* creds.c: a line in clear into login; false: it is malformed. */
bool server_creds(struct server *, const char *p, size_t n);
bool server_cram_challenge(struct server *, char to[SERVER_OURS]);
bool server_cram(struct server *, const char *p, size_t n);
bool server_cram_proven(struct server *, const struct smtpd_secret *);

/* scramd.c: messages in clear; lengths are 0 where it cannot go on. */
bool server_scram_first(struct server *, const char *p, size_t n);
size_t server_scram_challenge(struct server *, const struct smtpd_secret *,
                              char to[SERVER_OURS]);
size_t server_scram_final(struct server *, const char *p, size_t n, char *to);

#endif
