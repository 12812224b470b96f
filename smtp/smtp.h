/*
 * smtp.h - mail submission as a pure state machine (RFC 5321, 6409, 3207,
 * 4954, 2920, and the extensions that README.md lists).
 *
 * No I/O, clock, heap or globals: the caller moves bytes and tells the time.
 *   out  = bytes for the server        in = bytes from the server
 *   body = the message, before line ends are normalised and dots doubled
 *          (by DATA; BDAT leaves dots alone)
 * A *_buf() pointer lives until its *_ack(n), n <= len; acknowledging 0 is
 * allowed. Errors stick: once smtp_want() says SMTP_CLOSED nothing changes
 * any more, and bytes still in out (a QUIT) may be sent but never waited for.
 * Times are milliseconds of any monotonic clock of the caller's.
 *
 * Nothing is said to the caller in a callback: smtp_next_event() is pulled
 * after each call; 16 wait at most, older ones are dropped.
 *
 * Everything the job points to belongs to the caller and outlives the
 * session. The same input in any fragmentation gives the same result.
 */
#ifndef SMTP_H
#define SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* what the session wants now: OR of these */
enum {
    SMTP_OUT = 1,      /* bytes wait in smtp_out_buf()                      */
    SMTP_IN = 2,       /* the server's turn: call smtp_in()                 */
    SMTP_TLS = 4,      /* do the TLS handshake now, then smtp_tls_up()      */
    SMTP_BODY = 8,     /* smtp_body() will take bytes: do not wait first, a
                          chunk of BDAT is gathered before OUT is wanted    */
    SMTP_CLOSED = 16,  /* over: read smtp_verdict() and hang up            */
    SMTP_WORK = 64,    /* call smtp_work(): arithmetic for the login        */
    SMTP_REWIND = 128, /* begin the message anew, then smtp_rewound(); only if
                          the job has .split                             */
    SMTP_IDLE = 256,   /* the mail has its verdicts, and the server waits; only
                        if the job has .keep: smtp_next() and the others  */
    SMTP_FIT = 32      /* make the message fit smtp_offers(), then call
                         smtp_fitted(); only if the job has .fit          */
};

enum smtp_verdict {
    SMTP_PENDING,
    SMTP_SENT,      /* accepted for good                                  */
    SMTP_TRY_LATER, /* not accepted; trying again may help                */
    SMTP_REFUSED,   /* not accepted; trying again will not help           */
    SMTP_UNSURE     /* lost between the final dot and its reply           */
};

/* why a session did not end in SENT: kept apart, never folded */
enum smtp_failure {
    SMTP_F_NONE,
    SMTP_F_JOB,         /* the job itself cannot be sent (bad address)   */
    SMTP_F_TIMEOUT,     /* the server was silent for too long            */
    SMTP_F_LOST,        /* connection lost                               */
    SMTP_F_PROTOCOL,    /* the server broke SMTP                         */
    SMTP_F_INJECTION,   /* bytes behind the 220 to STARTTLS              */
    SMTP_F_TLS_FIRST,   /* server speaks TLS where a banner was expected */
    SMTP_F_NO_STARTTLS, /* TLS is required and not offered or refused    */
    SMTP_F_NO_AUTH,     /* no mechanism offered that policy allows       */
    SMTP_F_AUTH,        /* credentials rejected                          */
    SMTP_F_GREETING,    /* the server does not want to talk (4xx, 5xx)   */
    SMTP_F_SENDER,      /* MAIL FROM refused                             */
    SMTP_F_RECIPIENTS,  /* no recipient accepted                         */
    SMTP_F_PARTIAL,     /* sent, but some recipients were refused        */
    SMTP_F_MESSAGE,     /* DATA or the message refused                   */
    SMTP_F_SIZE,        /* larger than the server takes                  */
    SMTP_F_UTF8,        /* needs SMTPUTF8, which is not offered          */
    SMTP_F_UNFIT,       /* the message cannot be made to fit the server  */
    SMTP_F_EXTENSION,   /* needs something else that is not offered      */
    SMTP_F_TLS,         /* the handshake failed (told by the caller)     */
    SMTP_F_ENCRYPTION,  /* the server wants more TLS than there is       */
    SMTP_F_AUTH_WEAK,   /* the mechanism is too weak for the server      */
    SMTP_F_AUTH_NEEDED, /* the server wants a login                      */
    SMTP_F_IMPOSTOR     /* the server does not know the password (SCRAM) */
};

enum smtp_tls { SMTP_TLS_NONE, SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT };

/* From the strongest; ANY is the first that is offered and that the caller
 * has the means for, down to LOGIN. Those that show the server the secret
 * (PLAIN, LOGIN and the tokens) are only spoken over verified TLS. */
enum smtp_auth {
    SMTP_AUTH_OFF,
    SMTP_AUTH_ANY,
    SMTP_AUTH_SCRAM_SHA_256_PLUS, /* RFC 7677, 5802; bound to the channel */
    SMTP_AUTH_SCRAM_SHA_1_PLUS,
    SMTP_AUTH_SCRAM_SHA_256,
    SMTP_AUTH_SCRAM_SHA_1,
    SMTP_AUTH_CRAM_MD5,
    SMTP_AUTH_PLAIN,
    SMTP_AUTH_LOGIN,
    SMTP_AUTH_OAUTHBEARER, /* RFC 7628; the password is an access token */
    SMTP_AUTH_XOAUTH2,
    SMTP_AUTH_EXTERNAL /* by our certificate; user may be empty */
};

enum smtp_hash { SMTP_MD5, SMTP_SHA1, SMTP_SHA256 };
#define SMTP_HASH_MAX 32

/* Primitives of the caller's, for CRAM-MD5 and SCRAM. Each returns false if
 * it failed. One HMAC is made at a time: begin, add as often as needed, end,
 * which writes the 16, 20 or 32 bytes. */
struct smtp_crypto {
    unsigned hashes; /* bits by enum smtp_hash: those there are           */
    void *ctx;       /* handed to each of them                            */
    bool (*random)(void *ctx, void *out, size_t n);
    bool (*hash)(void *ctx, enum smtp_hash, const void *p, size_t n,
                 uint8_t *out);
    bool (*hmac_begin)(void *ctx, enum smtp_hash, const void *key, size_t n);
    bool (*hmac_add)(void *ctx, const void *p, size_t n);
    bool (*hmac_end)(void *ctx, uint8_t *out);
    /* rounds times: u := HMAC(key, u), t := t XOR u, both one hash long */
    bool (*stretch)(void *ctx, enum smtp_hash, const void *key, size_t n,
                    uint8_t *u, uint8_t *t, unsigned rounds);
};

struct smtp_str {
    const char *p;
    size_t len;
};

#define SMTP_TEXT_MAX 256 /* bytes of a server's reply kept for a person   */

/* a reply as it concerns a person; text is printable ASCII or UTF-8 with
 * control bytes replaced, not NUL-terminated */
struct smtp_reply_note {
    uint16_t code;       /* 0: no reply came                                */
    uint8_t enhanced[3]; /* class 0: none given (RFC 3463)                */
    uint16_t text_len;
    char text[SMTP_TEXT_MAX];
};

/* When a delivery note is wanted (RFC 3461 4.1), OR of these; NEVER alone. */
enum {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8
};

/* what of the message comes back in a note about a failure (4.3) */
enum smtp_ret { SMTP_RET_ANY, SMTP_RET_FULL, SMTP_RET_HDRS };

struct smtp_rcpt {
    struct smtp_str address;   /* in, without <>                            */
    struct smtp_str orcpt;     /* in: address it had at first; empty: none  */
    uint8_t notify;            /* in: SMTP_NOTIFY_*; 0: the server's custom */
    enum smtp_verdict verdict; /* out, and all below                      */
    struct smtp_reply_note reply;
};

/* What ties a login to the TLS connection below (RFC 5929, 9266): type is
 * "tls-exporter" or "tls-server-end-point", NULL: there is none. 64 bytes at
 * most. */
struct smtp_binding {
    const char *type;
    const uint8_t *p;
    size_t len;
};

/* What a server has to offer an extension for. A job with a wish that it does
 * not offer is REFUSED (SMTP_F_EXTENSION), never sent without; but NOTIFY
 * with NEVER alone is left out then, for nobody promised a note. */
struct smtp_wishes {
    enum smtp_ret ret;     /* DSN (RFC 3461)                              */
    struct smtp_str envid; /* DSN: printable ASCII, comes back in notes   */
    bool require_tls;      /* REQUIRETLS (RFC 8689): verified TLS or a
                              bounce, on every hop                        */
    uint32_t by_seconds;   /* DELIVERBY (RFC 2852); 0: none               */
    bool by_return;        /* ... late mail comes back; else: note only   */
    bool by_trace;         /* ... and each hop says so                    */
    bool has_priority;     /* MT-PRIORITY (RFC 6710)                      */
    int8_t priority;       /* ... -9 to 9                                 */
    uint32_t hold_seconds; /* FUTURERELEASE (RFC 4865); 0: none           */
    struct smtp_str hold_until; /* ... or a time of RFC 3339              */
};

#define SMTP_OUT_MIN 64

struct smtp_job {
    struct smtp_str helo; /* our name for EHLO: domain or [1.2.3.4]      */
    enum smtp_tls tls;
    bool lmtp;  /* LHLO and one reply per recipient (RFC 2033) */
    bool check; /* log in and no more: NOOP instead of mail. It has no
                   recipient; SENT: a mail would have got as far */
    bool keep;  /* no QUIT behind a mail, but SMTP_IDLE */
    bool split; /* what is more than the server takes of recipients at once
                   (LIMITS, 452) gets a transaction of its own: SMTP_REWIND.
                   Without: they are told to try later */
    enum smtp_auth auth;
    bool auth_unsafe; /* AUTH also without verified TLS: user's word */
    struct smtp_str user, password; /* or an access token                */
    struct smtp_str host;           /* OAUTHBEARER: the server's name and    */
    uint16_t port;                  /* port; may be empty                    */
    const struct smtp_crypto *crypto; /* NULL: no CRAM-MD5, no SCRAM     */
    struct smtp_binding binding; /* may be filled up to smtp_tls_up()       */
    struct smtp_str from;   /* without <>; empty: the null sender          */
    struct smtp_rcpt *rcpt; /* results are written here                    */
    size_t rcpt_count;
    uint64_t size;    /* exact octets on the wire before dot-stuffing,
                               CRLF line ends; 0: not known                */
    bool eight_bit;   /* the message has bytes over 0x7f             */
    bool binary;      /* the message goes as it is to the byte, whatever is
                       in it: needs BINARYMIME                           */
    bool fit;         /* size, eight_bit and binary come by smtp_fitted(),
                       when it is known what the server takes            */
    bool no_chunking; /* DATA even where BDAT is offered                */
    struct smtp_wishes wishes;
    uint8_t *out;        /* the caller's buffer for what is to be sent; commands
                     longer than it leave in pieces                       */
    size_t out_size;     /* SMTP_OUT_MIN or more                          */
    uint32_t timeout_ms; /* 0: RFC 5321 4.5.3.2; else a cap per state,
                               but never on the wait for the reply to the
                               final dot: giving up there makes duplicates */
};

/* Progress, for the log. text points into the session and lives until the
 * next call of any function here. */
enum smtp_event_kind {
    SMTP_EV_STATE, /* text: name of the state entered                    */
    SMTP_EV_SENT,  /* text: a command sent, secrets replaced by ***      */
    SMTP_EV_REPLY  /* text: one whole reply line; code 0: it is no reply */
};
struct smtp_event {
    enum smtp_event_kind kind;
    uint16_t code;
    const char *text;
    size_t len;
};

struct smtp {
    uint64_t private_[512]; /* client.c asserts that it fits              */
};

/* False: the job is refused (SMTP_F_JOB; smtp_reason() says why) and nothing
 * may be sent; the session is CLOSED. */
bool smtp_init(struct smtp *, const struct smtp_job *, uint64_t now_ms);
unsigned smtp_want(const struct smtp *);

const uint8_t *smtp_out_buf(const struct smtp *, size_t *len);
void smtp_out_ack(struct smtp *, size_t n, uint64_t now_ms);

/* Returns the bytes used; stops after each reply line, so that no event is
 * lost and bytes left over while SMTP_TLS is wanted are visible: then call
 * smtp_injected() (smtp_in() in that state means the same). */
size_t smtp_in(struct smtp *, const uint8_t *p, size_t n, uint64_t now_ms);
void smtp_in_eof(struct smtp *);   /* the connection is gone, any direction */
void smtp_injected(struct smtp *); /* bytes followed the STARTTLS reply    */

/* A slice of the arithmetic that SMTP_WORK wants: some hundred hashes. */
void smtp_work(struct smtp *, uint64_t now_ms);

/* What the server takes, while SMTP_FIT is wanted: before MAIL, so that the
 * message may still change. smtp_fitted() goes on with the message as it is
 * now: its size as in the job, what is in it, header fields that need
 * SMTPUTF8. A message that cannot be had so ends by
 * smtp_abort(SMTP_F_UNFIT). */
enum smtp_content {
    SMTP_7BIT,
    SMTP_8BIT,  /* text with bytes over 0x7f                             */
    SMTP_BINARY /* see binary in the job                                 */
};
struct smtp_offers {
    bool eight_bit, utf8;
    bool binary; /* BINARYMIME, by BDAT                                  */
};
struct smtp_offers smtp_offers(const struct smtp *);
void smtp_fitted(struct smtp *, uint64_t size, enum smtp_content, bool utf8,
                 uint64_t now_ms);

/* --- many mails in one connection, while SMTP_IDLE is wanted ---
 * A job for the next one: its fields on connection and login, and out, are
 * the first one's. False: it was not begun, and the session is IDLE as before.
 * If the job is at fault its recipients are REFUSED (SMTP_F_JOB); if they are
 * PENDING this connection takes no more (MAILMAX, SMTP_REUSE_MAX). */
#define SMTP_REUSE_MAX 100 /* mails */
bool smtp_next(struct smtp *, const struct smtp_job *, uint64_t now_ms);
/* A command of its own; the argument is printable ASCII, 500 bytes at most,
 * and lives until SMTP_IDLE is wanted again: smtp_last_reply() has the answer
 * then. False: it cannot be said. */
enum smtp_question {
    SMTP_ASK_NOOP,
    SMTP_ASK_RSET,
    SMTP_ASK_VRFY,
    SMTP_ASK_EXPN,
    SMTP_ASK_HELP
};
bool smtp_ask(struct smtp *, enum smtp_question, struct smtp_str argument,
              uint64_t now_ms);
void smtp_quit(struct smtp *, uint64_t now_ms);

/* SMTP_REWIND is served: smtp_body() begins with the first byte again. */
void smtp_rewound(struct smtp *, uint64_t now_ms);

/* Message bytes while SMTP_BODY is wanted; returns how many were taken. */
size_t smtp_body(struct smtp *, const uint8_t *p, size_t n, uint64_t now_ms);
void smtp_body_end(struct smtp *, uint64_t now_ms);

/* Implicit TLS: called before the greeting as well. Forgets capabilities. */
void smtp_tls_up(struct smtp *, bool peer_verified, uint64_t now_ms);

/* True while not one byte of the greeting has come. A server that speaks TLS
 * from the first byte waits silently where a greeting is expected: a caller
 * that sees this for long may ask the port on a second connection. */
bool smtp_greeting_silent(const struct smtp *);

uint64_t smtp_deadline(const struct smtp *); /* UINT64_MAX: none           */
void smtp_tick(struct smtp *, uint64_t now_ms);

/* Give up before the end (a deadline of the caller's, TLS failed, ...): the
 * verdict is then the honest one for where the session stands. */
void smtp_abort(struct smtp *, enum smtp_failure why);

/* Of the whole mail: the gravest of the recipients', in the order UNSURE,
 * TRY_LATER, REFUSED, SENT. */
enum smtp_verdict smtp_verdict(const struct smtp *);
enum smtp_failure smtp_failure(const struct smtp *);
const char *smtp_state_name(const struct smtp *);
const struct smtp_reply_note *smtp_last_reply(const struct smtp *);
/* One sentence for a person about the failure; "" if there is none. */
const char *smtp_reason(const struct smtp *);
bool smtp_next_event(struct smtp *, struct smtp_event *);

/* Overwrites the session's memory and job->out, secrets included. Not before
 * smtp_init(). */
void smtp_wipe(struct smtp *);

/* smtp/mailbox.c: what may stand between < and > in MAIL and RCPT (RFC 5321
 * 4.1.2, 6531 with utf8). *why is a sentence part. */
bool smtp_mailbox_ok(struct smtp_str s, bool *utf8, const char **why);

#endif
