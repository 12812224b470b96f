/*
 * script.h - a dialogue file (.smtp) as data. README.md has the format.
 */
#ifndef TRANSCRIPTS_SCRIPT_H
#define TRANSCRIPTS_SCRIPT_H

#include "smtp.h"

#define SCRIPT_RCPT    512
#define SCRIPT_ITEMS   2048
#define SCRIPT_REASONS 8
#define SCRIPT_KEPT    (SCRIPT_RCPT + 64)

enum item_kind {
    ITEM_CLIENT,
    ITEM_SERVER,
    ITEM_TLS,
    ITEM_EOF,
    ITEM_TIMEOUT,
    ITEM_BODY_FAILS,
    ITEM_NEXT, /* the next mail, to the next recipient */
    ITEM_ASK,
    ITEM_QUIT
};

struct item {
    enum item_kind kind;
    unsigned line;
    uint8_t *bytes;
    size_t len;
    bool early;     /* the server speaks while the client still does */
    bool final_dot; /* the message ends with it */
    uint64_t seconds;
    enum smtp_question question; /* bytes: its argument */
};

struct script_rcpt {
    struct smtp_str address, orcpt;
    uint8_t notify;
    enum smtp_verdict verdict;
    unsigned code;
};

struct script {
    char path[256];
    struct smtp_job job;
    struct script_rcpt rcpt[SCRIPT_RCPT];
    size_t rcpt_count;
    size_t rcpt_first; /* of the first mail; each further one has one */
    bool verified;
    uint64_t fit[2]; /* size without and with 8BITMIME; 0: unfit */
    size_t out_size;
    bool no_crypto;
    uint8_t *body;
    size_t body_len;
    enum smtp_verdict verdict;
    enum smtp_failure failure;
    char *reason[SCRIPT_REASONS];
    size_t reason_count;
    struct item items[SCRIPT_ITEMS];
    size_t item_count;
    size_t chunk_left; /* bytes of a BDAT still to be said */
    bool chunk_last;
    void *kept[SCRIPT_KEPT]; /* what the strings above lie in */
    size_t kept_count;
};

/* NULL after saying why on standard output. */
struct script *script_load(const char *path);
void script_free(struct script *);
const char *script_verdict(enum smtp_verdict);
const char *script_failure(enum smtp_failure);
/* The byte of the server's side before position at. */
int script_server_byte(const struct script *, size_t at);

#endif
