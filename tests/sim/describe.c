/*
 * describe.c - a frame in a line, for the timeline.
 */
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define QUAD(p) (p)[0], (p)[1], (p)[2], (p)[3]

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void describe_tcp(const uint8_t *p, size_t len, char *to, size_t size)
{
    static const char letters[] = "FSRPAU";
    char flags[8];
    unsigned n = 0;
    size_t head = (size_t)(p[12] >> 4) * 4;

    for (unsigned i = 0; i < 6; i++)
        if ((p[13] >> i & 1) != 0)
            flags[n++] = letters[i];
    flags[n] = '\0';
    snprintf(to, size, "TCP %u>%u %s seq %u ack %u win %u, %zu bytes", be16(p),
             be16(p + 2), flags, be32(p + 4), be32(p + 8), be16(p + 14),
             len > head ? len - head : 0);
}

/* Option 53 */
static const char *dhcp_type(const uint8_t *p, size_t len)
{
    static const char *const names[] = { "?",       "DISCOVER", "OFFER",
                                         "REQUEST", "DECLINE",  "ACK",
                                         "NAK",     "RELEASE",  "INFORM" };

    for (size_t at = 240; at + 2 < len && p[at] != 255;) {
        if (p[at] == 53)
            return names[p[at + 2] <= 8 ? p[at + 2] : 0];
        at += p[at] == 0 ? 1 : 2u + p[at + 1];
    }
    return names[0];
}

static void describe_udp(const uint8_t *p, size_t len, char *to, size_t size)
{
    unsigned from = be16(p), port = be16(p + 2);

    if (from == 68 || port == 68)
        snprintf(to, size, "DHCP %s", dhcp_type(p + 8, len - 8));
    else if (from == 53 || port == 53)
        snprintf(to, size, "DNS %s, %zu bytes", port == 53 ? "query" : "answer",
                 len - 8);
    else
        snprintf(to, size, "UDP %u>%u, %zu bytes", from, port, len - 8);
}

static void describe_ip(const uint8_t *p, size_t len, char *to, size_t size)
{
    size_t total = be16(p + 2), n;

    if (total < 28 || total > len) {
        snprintf(to, size, "IPv4 of a wrong length");
        return;
    }
    n = (size_t)snprintf(to, size, "%u.%u.%u.%u > %u.%u.%u.%u ", QUAD(p + 12),
                         QUAD(p + 16));
    if (p[9] == 6 && total >= 40)
        describe_tcp(p + 20, total - 20, to + n, size - n);
    else if (p[9] == 17)
        describe_udp(p + 20, total - 20, to + n, size - n);
    else
        snprintf(to + n, size - n, "protocol %u", p[9]);
}

void cable_describe(const uint8_t *p, size_t len, char *to, size_t size)
{
    if (len >= 42 && be16(p + 12) == 0x806)
        snprintf(to, size, "ARP %s %u.%u.%u.%u, from %u.%u.%u.%u",
                 p[21] == 1 ? "who has" : "reply to", QUAD(p + 38),
                 QUAD(p + 28));
    else if (len >= 42 && be16(p + 12) == 0x800 && p[14] == 0x45)
        describe_ip(p + 14, len - 14, to, size);
    else
        snprintf(to, size, "frame of %zu bytes", len);
}
