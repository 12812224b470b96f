/*
 * probe.h - does the silent server speak TLS from the first byte?
 *
 * A server on an implicit-TLS port says nothing until it has our ClientHello,
 * and a client that waits for a greeting there waits for ever. Talking on the
 * waiting connection would be wrong if the server is only slow (RFC 5321
 * 4.3.1), so a second connection asks: it sends a ClientHello and looks at
 * the first byte of the answer. No name, no secret is sent but the SNI.
 */
#ifndef APP_PROBE_H
#define APP_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "blob.h"

enum probe_answer {
    PROBE_IDLE, /* not started, or over without a finding              */
    PROBE_WAITING,
    PROBE_TLS, /* it answered with a TLS record                       */
};

struct probe {
    struct tcp *tcp;
    struct tls *tls;
    uint8_t seen[3]; /* the answer's first bytes: type and version         */
    uint8_t count;
    bool done; /* asked once: not again                               */
};

void probe_start(struct probe *, const struct addr *, uint16_t port,
                 struct blob host);
enum probe_answer probe_run(struct probe *);
void probe_end(struct probe *);

#endif
