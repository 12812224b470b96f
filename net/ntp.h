/*
 * ntp.h - one question to a time server, and what to make of the answer
 * (SNTP version 4: RFC 4330; RFC 5905). Bytes in, bytes out.
 */
#ifndef NET_NTP_H
#define NET_NTP_H

#include <stddef.h>
#include <stdint.h>

#define NTP_PORT   123
#define NTP_PACKET 48 /* a question; an answer has at least as many bytes */

/* nonce: 64 random bits, sent in place of our time. Who answers must have
 * seen them; and nobody learns what our clock shows. */
void ntp_question(uint8_t out[NTP_PACKET], uint64_t nonce);

enum ntp_answer {
    NTP_TIME,    /* *unix_s is set                                        */
    NTP_NOTHING, /* not an answer to this question: keep waiting          */
    NTP_REFUSED  /* the server will not do: ask another one; *why         */
};

/* earliest: a time before this is no time. */
enum ntp_answer ntp_judge(const uint8_t *p, size_t len, uint64_t nonce,
                          int64_t earliest, int64_t *unix_s, const char **why);

#endif
