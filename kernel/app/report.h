/*
 * report.h - the verdict: one JSON line, and the exit status (design 2.5).
 *
 * Filled in by main and submit as things become known; printed once, last.
 * Strings are copied or live for ever; reply texts are escaped on output, so
 * they may hold anything a server sent.
 */
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "blob.h"
#include "smtp.h"
#include "status.h"

enum outcome {
    OUTCOME_SENT,
    OUTCOME_CHECKED,   /* all is well, and nothing was to be sent           */
    OUTCOME_REFUSED,   /* for good                                         */
    OUTCOME_PERMANENT, /* not a refusal: the name does not exist            */
    OUTCOME_TEMPORARY,
    OUTCOME_UNSURE,
    OUTCOME_INVALID, /* configuration or message; nothing was tried       */
    OUTCOME_BUG,
};

#define REPORT_REASON_MAX 512

/* when each phase was done, in microseconds since the entry of the image;
 * 0: not reached */
struct report_times {
    uint64_t boot, link, dns, tcp, tls, smtp;
};

struct report {
    enum outcome outcome;
    enum status status;
    char reason[REPORT_REASON_MAX];
    struct blob message_id; /* without <>; empty: none yet                 */
    struct blob host;
    struct blob from;        /* p NULL: not known yet; empty: null sender   */
    struct addr address;     /* of the server; len 0: not known             */
    const char *tls_version; /* NULL: no TLS                               */
    const char *tls_cipher;
    bool tls_verified;
    const struct smtp_rcpt *rcpt;
    size_t rcpt_count;
    uint64_t bytes; /* of the message, CRLF line ends              */
    unsigned attempts;
    struct report_times at;
};

/* Sets the end of the run; the first call wins, so that the first cause is
 * the one reported. Always returns false, for "return report_end(...)". */
bool report_end(struct report *, enum outcome, enum status, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));
bool report_ended(const struct report *);

/* The last line of the console. */
void report_print(const struct report *);

#endif
