/*
 * session.h - what a session is made of; private to the files that share it:
 *   client.c    the public face: bytes, time, results
 *   dialogue.c  one handler per state
 *   login.c     ... of AUTH
 *   state.c     the state, its deadline, the end
 *   command.c   commands into out[], and events
 *   chunk.c     the message by BDAT
 *   params.c    the parameters of MAIL and RCPT, by extension
 *   job.c       what may not be sent at all
 *   reason.c    sentences
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "auth.h"
#include "dotstuff.h"
#include "ehlo.h"
#include "reply.h"
#include "scram.h"
#include "smtp.h"

#define SESSION_EVENTS 16
#define SESSION_REASON 448

enum smtp_state {
#define X(name, seconds, section, what) STATE_##name,
#include "states.def"
#undef X
};

enum command {
    CMD_NONE,
    CMD_EHLO,
    CMD_LHLO,
    CMD_HELO,
    CMD_STARTTLS,
    CMD_AUTH,
    CMD_AUTH_DATA,
    CMD_AUTH_CANCEL,
    CMD_NOOP,
    CMD_RSET, /* these five in the order of enum smtp_question */
    CMD_VRFY,
    CMD_EXPN,
    CMD_HELP,
    CMD_MAIL,
    CMD_RCPT,
    CMD_DATA,
    CMD_DOT,
    CMD_BDAT,
    CMD_LAST, /* BDAT LAST */
    CMD_QUIT
};

enum chunk_state { CHUNK_NONE, CHUNK_MADE, CHUNK_BEGUN };

/* text is made when the event is pulled: here only what to make it from */
struct session_event {
    uint8_t kind; /* enum smtp_event_kind */
    uint8_t what; /* state or command */
    uint16_t code;
    uint32_t rcpt; /* or the bytes of a chunk */
};

struct session {
    const struct smtp_job *job;
    uint64_t now, deadline; /* now: of the call being served */
    uint8_t state, verdict;
    uint8_t failure; /* may be known before the state is CLOSED */
    bool tls_up, tls_verified;
    bool utf8;       /* an address or the message needs SMTPUTF8 */
    uint8_t content; /* enum smtp_content */
    bool fit_wanted, fitted, rewind_wanted;
    bool ready;     /* greeted and logged in: a mail may begin */
    bool settled;   /* the results are written, and stay */
    bool mail_open; /* the server has a sender: RSET before the next */
    bool body_used; /* the caller has to rewind it */
    uint64_t size;  /* the job's, or smtp_fitted()'s */

    uint8_t mech;         /* enum smtp_auth in use */
    uint8_t auth_step;    /* lines of credentials begun; AUTH_CANCELLED */
    uint16_t auth_tried;  /* bits: offered, but not known after all */
    uint8_t auth_failure; /* ... of a login that we cancelled, and why */
    const char *auth_why;
    bool proven;     /* the server knows the password too (SCRAM) */
    bool auth_began; /* from here on the server may echo secrets */

    /* Commands in flight. A reply is only taken for a command that has left
     * whole: answered < left <= written. */
    uint8_t todo; /* enum command to write next */
    bool data_written;
    uint64_t written, left, answered;
    size_t write_rcpt, reply_rcpt; /* next one to write, to be answered */
    size_t accepted;
    size_t rcpt_end; /* those of this transaction lie before it */
    size_t rcpt_cap; /* the server was seen to take no more; 0: not seen */
    uint32_t mails;  /* begun */
    struct smtp_str ask;

    size_t out_at, out_len; /* out[out_at..out_len) waits */
    size_t line_at;         /* bytes written of the command that is todo */
    bool out_secret;

    bool bdat;       /* the message goes in chunks */
    uint8_t chunk;   /* enum chunk_state, of the one in out */
    size_t gathered; /* bytes for the next one, in out as well */

    uint8_t event_at, event_count;
    struct session_event events[SESSION_EVENTS];

    struct ehlo caps;
    struct scram scram;
    char cram[32]; /* the digest of CRAM-MD5 */
    struct dotstuff dots;
    struct reply reply;          /* being read */
    struct smtp_reply_note last; /* the last complete one */
    char event_text[320];        /* a command, cut if it is longer */
    char reason[SESSION_REASON];
    uint8_t *out;
    size_t out_size;
};

#define AUTH_CANCELLED 255

static inline bool session_pipelines(const struct session *s)
{
    return s->caps.pipelining;
}

static inline bool session_binary(const struct session *s)
{
    return s->caps.binary && s->caps.chunking && !s->job->no_chunking;
}

/* The next recipient of this transaction, or rcpt_end. */
static inline size_t session_rcpt(const struct session *s, size_t from)
{
    while (from < s->rcpt_end && s->job->rcpt[from].verdict != SMTP_PENDING)
        from++;
    return from;
}

static inline bool session_mail_max(const struct session *s)
{
    return s->caps.mail_max != 0 && s->mails >= s->caps.mail_max;
}

/* Said, accepted, and without a verdict: the message is for him. */
static inline bool session_accepted(const struct smtp_rcpt *r)
{
    return r->verdict == SMTP_PENDING && r->reply.code / 100 == 2;
}

/* state.c */
void state_arm(struct session *, enum smtp_state limit);
void state_set(struct session *, enum smtp_state);
void state_enter(struct session *, enum smtp_state, enum command);
/* True once the final dot has left whole: from here on the server may have
 * taken the message. */
bool state_dot_left(const struct session *);
void state_settle(struct smtp_rcpt *, enum smtp_verdict,
                  const struct smtp_reply_note *);
/* What becomes of the mail. verdict goes to the recipients that have none yet,
 * with the reply that decided if there was one. why NULL: the usual sentence.
 */
void state_results(struct session *, enum smtp_failure, enum smtp_verdict,
                   const char *why, const struct smtp_reply_note *);
/* ... and the end of the session, if need be without another word. */
void state_finish(struct session *, enum smtp_failure, enum smtp_verdict,
                  const char *why, const struct smtp_reply_note *);
/* The end of a session that cannot go on: nothing more is said. */
void state_hang_up(struct session *, enum smtp_failure, const char *why);
/* The end of the mail where the server waits for a command: QUIT, or IDLE. */
/* Between two transactions: true if no command is half written, so that the
 * next is not garbled, and the server has not ended the session. */
bool state_clean(struct session *);
void state_quit(struct session *, enum smtp_failure, enum smtp_verdict,
                const char *why, const struct smtp_reply_note *);
void state_say_quit(struct session *);

/* dialogue.c */
void dialogue_start(struct session *); /* a transaction */
void dialogue_hello(struct session *);
void dialogue_mail(struct session *);  /* MAIL or NOOP, or first SMTP_FIT */
void dialogue_reply(struct session *); /* one whole reply is in s->reply */

/* login.c */
void login_start(struct session *);
void login_reply(struct session *, unsigned class);
void login_work(struct session *); /* a slice, in WORK */

void dialogue_failed(struct session *); /* the message is refused */

/* chunk.c */
bool chunk_wanted(const struct session *); /* BDAT rather than DATA? */
bool chunk_ready(const struct session *);  /* bytes may be added */
size_t chunk_add(struct session *, const uint8_t *p, size_t n);
void chunk_end(struct session *);
void chunk_left(struct session *); /* out is empty again */
void chunk_reply(struct session *, unsigned class);

/* command.c */
void command_line(const struct session *, unsigned cmd, size_t which,
                  struct text *);
void command_fill(struct session *);
void command_ack(struct session *, size_t n);
void command_drop(struct session *); /* what waits in out never leaves */
void command_event(struct session *, enum smtp_event_kind, unsigned what,
                   uint16_t code, size_t rcpt);
struct smtp_str command_event_text(struct session *,
                                   const struct session_event *);

/* job.c: false if it cannot be sent; the reason is then written */
bool job_ok(struct session *);

/* params.c: parameters of MAIL and RCPT */
bool params_ok(struct session *); /* can be written at all; a part of job_ok */
/* The extension that the job needs and the server lacks, or how it falls
 * short; NULL if all is well. */
const char *params_lack(const struct session *);
void params_mail(const struct session *, struct text *);
void params_rcpt(const struct session *, const struct smtp_rcpt *,
                 struct text *);

/* reason.c */
const char *reason_state_name(unsigned state);
const char *reason_waits_for(unsigned state);
const char *reason_default(const struct session *, enum smtp_failure);
/* why: what happened; note may be NULL. */
void reason_write(struct session *, const char *why,
                  const struct smtp_reply_note *note);
void reason_job(struct session *, const char *what, struct smtp_str which,
                const char *why);

#endif
