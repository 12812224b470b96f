/*
 * peer.h - an SMTP server that a seed makes up: what it offers, when it is
 * good, and what it does when it is not. It hears every byte of the client
 * and its answers depend on the seed and on those bytes alone, in whatever
 * pieces they come.
 */
#ifndef TRANSCRIPTS_PEER_H
#define TRANSCRIPTS_PEER_H

#include "escape.h"
#include "scram.h"

#define PEER_LINE 4096

enum peer_act { PEER_LISTENS, PEER_HANGS_UP, PEER_SLEEPS };

struct peer {
    uint64_t random;
    unsigned mood; /* one reply in so many is bad; 0: none */
    bool lmtp;
    bool patient; /* never speaks up while the message comes */
    struct smtp_binding binding;
    struct bytes say; /* what it says next; the caller empties it */
    enum peer_act act;
    bool complete;     /* heard a message to its end */
    const char *needs; /* lines for EHLO without which the job would end */

    char line[PEER_LINE];
    size_t line_len;
    bool in_data;
    unsigned rcpts;    /* it said yes to */
    unsigned most;     /* recipients that it takes at once */
    size_t chunk_left; /* of BDAT */
    bool chunk_last;
    unsigned end_at;    /* bytes of CRLF "." CRLF heard */
    size_t patience;    /* bytes of the message until it speaks up */
    unsigned auth_step; /* 0: no login is under way */
    struct scram scram;
    char auth[24]; /* mechanism */
};

void peer_begin(struct peer *, uint64_t seed, const struct smtp_job *,
                bool patient);
/* Bytes that it must hear before it may speak; SIZE_MAX: any number. */
size_t peer_hears(const struct peer *);
void peer_hear(struct peer *, const uint8_t *p, size_t n);
/* What it does behind what it has said. */
enum peer_act peer_act(struct peer *);
size_t peer_pick(uint64_t *random, size_t n);

#endif
