/*
 * frame.h - is this Ethernet frame one that lwIP may see?
 *
 * Pure: bytes in, verdict out. lwIP 2.2.1 reads beyond the end of several
 * kinds of malformed packet (ARP shorter than its header, TCP options cut
 * short); here every length inside a frame is checked against the frame, and
 * what this program has no use for (fragments, IP options, extension headers,
 * multicast but neighbour discovery's, protocols other than ICMP, TCP, UDP) is
 * dropped.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define FRAME_MIN 60   /* Ethernet's minimum without FCS */
#define FRAME_MAX 1514 /* 14 + 1500 */

/* Returns how many bytes of the frame count (headers and payload, without
 * padding behind the IP packet); 0: drop it, and *why says why. */
size_t frame_check(const uint8_t *p, size_t len, const uint8_t mac[6],
                   const char **why);

/* For a frame that passed: an ICMP "destination unreachable" about a TCP
 * segment of ours? Fills in what identifies the segment. */
struct frame_unreach {
    struct addr address; /* the destination that cannot be reached */
    uint16_t from, to;   /* the segment's ports                    */
    uint32_t seq;
};
bool frame_unreachable(const uint8_t *p, size_t len, struct frame_unreach *);

/* For a frame that passed. */
bool frame_is_ipv6(const uint8_t *p);

/* For a frame that passed: a DHCP server's NAK? Fills in the transaction. */
bool frame_dhcp_nak(const uint8_t *p, size_t len, uint32_t *xid);

#endif
