/*
 * smtpd.h - the other side of smtp.h: taking mail, as a pure state machine
 * (RFC 5321, 6409, 2033, 2920, 3030, 3207, 3461, 4954, 6531, 9422).
 *
 * No I/O, clock, heap or globals: the caller moves bytes and tells the time.
 *   out  = bytes for the client        in = bytes from the client
 *   body = the message: dots undoubled, line ends CRLF
 * A *_buf() pointer lives until its *_ack(n), n <= len. Times are
 * milliseconds of any monotonic clock of the caller's.
 *
 * What the engine cannot know it asks: a question is an event, and until
 * smtpd_answer() not a byte is read. Text in events points into the session
 * and lives until the next call of a function that takes the session and is
 * not const; for a question, until it is answered.
 *
 * The envelope is kept by the caller: what it said yes to is in it until
 * SMTPD_EV_RESET, or until the answer to SMTPD_ASK_MESSAGE. The same input in
 * any fragmentation gives the same events, replies and messages; of a body that
 * becomes void more or less may have been handed out.
 *
 * Refused without asking: bare CR, and bare LF unless the configuration takes
 * it, in commands and messages alike (the end of a message is CRLF "." CRLF
 * and nothing else); commands that come before the reply they must wait for
 * (RFC 2920 3.1), a client that talks before the greeting, bytes behind
 * STARTTLS. What exceeds a limit of the configuration ends the session.
 */
#ifndef SMTP_SMTPD_H
#define SMTP_SMTPD_H

#include "mailbox.h"
#include "smtp.h"

/* what the session wants now: OR of these */
enum {
    SMTPD_OUT = 1,     /* bytes wait in smtpd_out_buf()                    */
    SMTPD_IN = 2,      /* the client's turn: call smtpd_in()               */
    SMTPD_TLS = 4,     /* do the TLS handshake now, then smtpd_tls_up()    */
    SMTPD_BODY = 8,    /* bytes of the message wait in smtpd_body_buf()    */
    SMTPD_CLOSED = 16, /* over: send what is in out, and hang up           */
    SMTPD_ANSWER = 32  /* a question waits for smtpd_answer()              */
};

/* extensions, to be ORed for smtpd_config.hide */
enum {
    SMTPD_PIPELINING = 1,  /* RFC 2920                                     */
    SMTPD_8BITMIME = 2,    /* RFC 6152                                     */
    SMTPD_SMTPUTF8 = 4,    /* RFC 6531                                     */
    SMTPD_CHUNKING = 8,    /* RFC 3030                                     */
    SMTPD_BINARYMIME = 16, /* RFC 3030                                     */
    SMTPD_DSN = 32,        /* RFC 3461                                     */
    SMTPD_ENHANCED = 64,   /* RFC 2034                                     */
    SMTPD_SIZE = 128,      /* RFC 1870                                     */
    SMTPD_LIMITS = 256     /* RFC 9422: shown when a limit is set          */
};

/* mechanisms, to be ORed for smtpd_config.mechanisms */
enum { SMTPD_PLAIN = 1, SMTPD_LOGIN = 2 };

struct smtpd_config {
    struct smtp_str name; /* ours: a domain or an address literal          */
    bool lmtp;            /* LHLO, one reply per recipient (RFC 2033)      */
    bool implicit_tls;    /* TLS comes before the greeting                 */
    bool starttls;        /* the caller can do TLS: offer it               */
    bool need_tls;        /* no mail without it: 530                       */
    bool need_auth;       /* no mail without a login: 530                  */
    bool auth_unsafe;     /* PLAIN and LOGIN also without TLS              */
    bool bare_lf;         /* LF alone is taken for a line end in commands, and
                             made CRLF in messages; never part of their end */
    unsigned mechanisms;
    unsigned hide;         /* extensions that are not offered              */
    uint64_t size_max;     /* octets of a message; 0: no limit             */
    uint32_t rcpt_max;     /* recipients of a message; 0: no limit         */
    uint32_t mail_max;     /* messages of a session; 0: no limit           */
    uint16_t errors_max;   /* bad commands until 421; 0: 10                */
    uint16_t commands_max; /* commands that lead to no mail, between two
                              messages, until 421; 0: 100                  */
    uint32_t timeout_ms;   /* a cap on the limits of server.def; 0: none   */
};

enum smtpd_body { SMTPD_BODY_7BIT, SMTPD_BODY_8BIT, SMTPD_BODY_BINARY };
enum smtpd_ret { SMTPD_RET_NONE, SMTPD_RET_FULL, SMTPD_RET_HDRS };

/* MAIL FROM; absent strings have length 0 */
struct smtpd_mail {
    struct smtp_mailbox from;
    uint64_t size; /* as declared; 0: not                                  */
    enum smtpd_body body;
    enum smtpd_ret ret;
    bool utf8;             /* SMTPUTF8 was asked for                       */
    struct smtp_str envid; /* decoded from xtext                           */
    struct smtp_str auth;  /* AUTH=, decoded: an address or "<>"           */
};

enum { /* NOTIFY=, ORed; 0: not given */
       SMTPD_NEVER = 1,
       SMTPD_SUCCESS = 2,
       SMTPD_FAILURE = 4,
       SMTPD_DELAY = 8
};

struct smtpd_rcpt {
    struct smtp_mailbox to;
    unsigned notify;
    struct smtp_str orcpt_type, orcpt; /* "rfc822", decoded address        */
};

struct smtpd_login {
    struct smtp_str mechanism, authzid, user, password;
};

enum smtpd_event_kind {
    SMTPD_EV_STATE, /* text: name of the state entered                     */
    SMTPD_EV_LINE,  /* text: what the client said, credentials masked      */
    SMTPD_EV_REPLY, /* text: a reply line as it will be sent; code         */
    SMTPD_EV_RESET, /* the envelope, and what came of the body, is void    */
    /* questions: code 0 is yes */
    SMTPD_ASK_CONNECT, /* 2xx: 220                                         */
    SMTPD_ASK_HELLO,   /* text: the name given, one word, not checked      */
    SMTPD_ASK_AUTH,    /* login; 0: 235                                    */
    SMTPD_ASK_MAIL,    /* mail                                             */
    SMTPD_ASK_RCPT,    /* rcpt                                             */
    SMTPD_ASK_DATA,    /* may the message come?                            */
    SMTPD_ASK_MESSAGE, /* body has been read to its end: is it taken? With
                          LMTP for each recipient, index counts them       */
    SMTPD_ASK_VRFY     /* text: the argument; 0: 252                       */
};

struct smtpd_event {
    enum smtpd_event_kind kind;
    uint16_t code;
    const char *text;
    size_t len;
    const struct smtpd_mail *mail;
    const struct smtpd_rcpt *rcpt;
    const struct smtpd_login *login;
    size_t index;
};

/* Class 0: the usual enhanced code; text empty: the usual text. A line feed
 * in the text begins another line of the reply. */
struct smtpd_answer {
    uint16_t code; /* 0, or 2xx, 4xx, 5xx; anything else counts as 451     */
    uint8_t enhanced[3];
    struct smtp_str text;
};

/* why a session ended */
enum smtpd_end {
    SMTPD_END_NONE,
    SMTPD_END_QUIT,      /* the client said so                             */
    SMTPD_END_LOST,      /* connection lost                                */
    SMTPD_END_TIMEOUT,   /* the client was silent for too long             */
    SMTPD_END_INJECTION, /* bytes followed STARTTLS                        */
    SMTPD_END_SYNC,      /* the client did not wait for a reply            */
    SMTPD_END_LIMIT,     /* too many errors, commands, messages            */
    SMTPD_END_SYNTAX,    /* where the next command begins cannot be known  */
    SMTPD_END_CALLER     /* an answer of 421, or smtpd_shutdown()          */
};

struct smtpd {
    uint64_t private_[880]; /* server.c asserts that it fits               */
};

/* The configuration and what it points to outlive the session. */
void smtpd_init(struct smtpd *, const struct smtpd_config *, uint64_t now_ms);
unsigned smtpd_want(const struct smtpd *);

const uint8_t *smtpd_out_buf(const struct smtpd *, size_t *len);
void smtpd_out_ack(struct smtpd *, size_t n, uint64_t now_ms);

/* Returns the bytes used; stops behind each line, and takes nothing while a
 * question, the body or a full out waits. What the client sent is handed in
 * as soon as it is there: bytes that are handed in while a reply that had to
 * be waited for has not left whole are what gives an impatient client away. */
size_t smtpd_in(struct smtpd *, const uint8_t *p, size_t n, uint64_t now_ms);
void smtpd_in_eof(struct smtpd *);
void smtpd_injected(struct smtpd *); /* clear bytes where TLS must begin   */

const uint8_t *smtpd_body_buf(const struct smtpd *, size_t *len);
void smtpd_body_ack(struct smtpd *, size_t n, uint64_t now_ms);

/* Whatever was said in the clear is forgotten (RFC 3207 section 4.2). */
void smtpd_tls_up(struct smtpd *, uint64_t now_ms);

void smtpd_answer(struct smtpd *, const struct smtpd_answer *, uint64_t now_ms);
bool smtpd_next_event(struct smtpd *, struct smtpd_event *);

uint64_t smtpd_deadline(const struct smtpd *); /* UINT64_MAX: none         */
void smtpd_tick(struct smtpd *, uint64_t now_ms);
/* 421, and the end; what is under way is void. */
void smtpd_shutdown(struct smtpd *);

enum smtpd_end smtpd_end(const struct smtpd *);
const char *smtpd_state_name(const struct smtpd *);
bool smtpd_tls(const struct smtpd *);

/* Overwrites the session's memory, secrets included. */
void smtpd_wipe(struct smtpd *);

#endif
