/*
 * script.h - a dialogue file for the server engine as data. README.md has the
 * format.
 */
#ifndef SERVER_SCRIPT_H
#define SERVER_SCRIPT_H

#include "escape.h"
#include "smtpd.h"

#define SCRIPT_ITEMS 1024
#define SCRIPT_RULES 16
#define SCRIPT_SAW   16
#define SCRIPT_KEPT  128

enum item_kind {
    ITEM_CLIENT,
    ITEM_SERVER,
    ITEM_TLS,
    ITEM_EOF,
    ITEM_TIMEOUT,
    ITEM_SHUTDOWN
};

struct item {
    enum item_kind kind;
    unsigned line;
    struct bytes b;
    uint64_t seconds;
};

/* what the caller answers to a question in whose log line word stands */
struct rule {
    enum smtpd_event_kind question;
    char word[64];
    struct smtpd_answer answer;
};

struct script {
    char path[256];
    struct smtpd_config cfg;
    struct rule rules[SCRIPT_RULES];
    size_t rule_count;
    char *saw[SCRIPT_SAW];
    size_t saw_count;
    struct bytes stored; /* every message that was taken, one after the other */
    const char *user, *password;
    uint32_t rounds; /* of SCRAM */
    bool no_crypto;
    enum smtpd_end end;
    struct item items[SCRIPT_ITEMS];
    size_t item_count;
    void *kept[SCRIPT_KEPT];
    size_t kept_count;
};

/* NULL after saying why on standard output. */
struct script *script_load(const char *path);
void script_free(struct script *);
const char *script_end(enum smtpd_end);

#endif
