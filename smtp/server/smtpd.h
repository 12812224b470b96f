/*
 * smtpd.h - the other side of smtp.h: taking mail, as a pure state machine
 * (RFC 5321, 6409, 2033, 2852, 2920, 3030, 3207, 3461, 4865, 4954, 6531, 6710,
 * 8689, 9422).
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

/* extensions whose promises only the caller can keep: not offered unless they
 * are ORed into smtpd_config.show */
enum {
    SMTPD_REQUIRETLS = 1,   /* RFC 8689: only where TLS is up              */
    SMTPD_DELIVERBY = 2,    /* RFC 2852                                    */
    SMTPD_MT_PRIORITY = 4,  /* RFC 6710                                    */
    SMTPD_FUTURERELEASE = 8 /* RFC 4865                                    */
};

/* mechanisms, to be ORed for smtpd_config.mechanisms. PLAIN, LOGIN and the
 * tokens show whoever listens the secret: not without TLS, unless auth_unsafe.
 * EXTERNAL and those with PLUS are not without TLS either, CRAM-MD5 and SCRAM
 * not without the hash in crypto. */
enum {
    SMTPD_SCRAM_SHA_256_PLUS = 1 << SMTP_AUTH_SCRAM_SHA_256_PLUS,
    SMTPD_SCRAM_SHA_1_PLUS = 1 << SMTP_AUTH_SCRAM_SHA_1_PLUS,
    SMTPD_SCRAM_SHA_256 = 1 << SMTP_AUTH_SCRAM_SHA_256,
    SMTPD_SCRAM_SHA_1 = 1 << SMTP_AUTH_SCRAM_SHA_1,
    SMTPD_CRAM_MD5 = 1 << SMTP_AUTH_CRAM_MD5,
    SMTPD_PLAIN = 1 << SMTP_AUTH_PLAIN,
    SMTPD_LOGIN = 1 << SMTP_AUTH_LOGIN,
    SMTPD_OAUTHBEARER = 1 << SMTP_AUTH_OAUTHBEARER,
    SMTPD_XOAUTH2 = 1 << SMTP_AUTH_XOAUTH2,
    SMTPD_EXTERNAL = 1 << SMTP_AUTH_EXTERNAL
};

struct smtpd_config {
    struct smtp_str name; /* ours: a domain or an address literal          */
    bool lmtp;            /* LHLO, one reply per recipient (RFC 2033)      */
    bool implicit_tls;    /* TLS comes before the greeting                 */
    bool starttls;        /* the caller can do TLS: offer it               */
    bool need_tls;        /* no mail without it: 530                       */
    bool need_auth;       /* no mail without a login: 530                  */
    bool auth_unsafe;     /* logins that reveal also without TLS           */
    bool bare_lf;         /* LF alone is taken for a line end in commands, and
                             made CRLF in messages; never part of their end */
    /* These three may change until smtpd_tls_up(): for a client without a
     * certificate no EXTERNAL, and the binding is the channel's. */
    unsigned mechanisms;
    const struct smtp_crypto *crypto;
    struct smtp_binding binding;
    unsigned hide;              /* extensions that are not offered         */
    unsigned show;              /* ... and those that are                  */
    uint32_t by_min;            /* DELIVERBY: least seconds; 0: not said   */
    uint32_t hold_max;          /* FUTURERELEASE: most seconds, and        */
    struct smtp_str hold_until; /* ... last date of RFC 3339: both wanted  */
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
    bool require_tls;      /* REQUIRETLS: verified TLS on every hop        */
    bool has_by;           /* BY= was given                                */
    bool by_return;        /* ... late mail comes back; else: note only    */
    bool by_trace;         /* ... and each hop says so                     */
    int32_t by_seconds;    /* ... over 0 if it comes back                  */
    bool has_priority;     /* MT-PRIORITY= was given                       */
    int8_t priority;       /* ... -9 to 9                                  */
    uint32_t hold_seconds; /* HOLDFOR=; 0: not given                       */
    struct smtp_str hold_until; /* HOLDUNTIL=, a date of RFC 3339          */
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

/* Whom a login is for. authzid: whom to act for, if it is said. password is
 * the token of OAUTHBEARER and XOAUTH2, and empty with CRAM-MD5, SCRAM, where
 * the proof has been found right, and EXTERNAL, where it is TLS that knows. */
struct smtpd_login {
    struct smtp_str mechanism, authzid, user, password;
    struct smtp_str host; /* OAUTHBEARER: where the client believes to be  */
    uint16_t port;        /* ... 0: not said                               */
};

/* What a proof is checked against; copied when it is answered with. SCRAM:
 * all but password, of the mechanism's hash. CRAM-MD5: password. */
struct smtpd_secret {
    struct smtp_str salt; /* 1 to SMTPD_SALT_MAX bytes                     */
    uint32_t rounds;      /* at least 4,096, or no client will log in      */
    const uint8_t *stored_key, *server_key; /* RFC 5802 section 3          */
    struct smtp_str password;
};
#define SMTPD_SALT_MAX 64

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
    SMTPD_ASK_VRFY,    /* text: the argument; 0: 252                       */
    SMTPD_ASK_EXPN,    /* the same                                         */
    SMTPD_ASK_HELP,    /* text: the argument, may be empty; 0: 214         */
    SMTPD_ASK_SECRET   /* login: mechanism, user, authzid; answered with
                          .secret, or no, and that ends the login. Who must
                          not tell which users there are makes one up, the
                          same for a name each time                        */
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
    const struct smtpd_secret *secret; /* to SMTPD_ASK_SECRET              */
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
    uint64_t private_[976]; /* server.c asserts that it fits               */
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

/* What SCRAM wants to have stored instead of the password: two times as many
 * bytes as the hash has. The whole arithmetic at once. */
bool smtpd_scram_keys(const struct smtp_crypto *, enum smtp_hash,
                      struct smtp_str password, struct smtp_str salt,
                      uint32_t rounds, uint8_t *stored_key,
                      uint8_t *server_key);

/* Overwrites the session's memory, secrets included. */
void smtpd_wipe(struct smtpd *);

#endif
