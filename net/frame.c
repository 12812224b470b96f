/*
 * frame.c - every length in a received frame, checked before lwIP sees it.
 *
 * RFC 826 (ARP), 791 (IP), 792 (ICMP), 8200 (IPv6), 4443 (ICMPv6), 4861
 * (neighbour discovery), 9293 (TCP), 768 (UDP), 2131 (DHCP). Checksums stay
 * lwIP's work. Only Ethernet II, no VLAN tags.
 */
#include "frame.h"

#include <string.h>

#define ETH_HEAD   14
#define IP_HEAD    20
#define IP6_HEAD   40
#define ICMP_HEAD  8
#define TCP_HEAD   20
#define UDP_HEAD   8
#define ARP_BODY   28
#define DHCP_FIXED 240 /* up to and with the magic cookie */

static unsigned u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)u16(p) << 16 | u16(p + 2);
}

static const char *check_arp(const uint8_t *p, size_t len)
{
    if (len < ARP_BODY)
        return "ARP: cut short";
    if (u16(p) != 1 || u16(p + 2) != 0x0800 || p[4] != 6 || p[5] != 4)
        return "ARP: not IPv4 over Ethernet";
    if (u16(p + 6) != 1 && u16(p + 6) != 2)
        return "ARP: neither request nor reply";
    return NULL;
}

/* RFC 9293, section 3.2: the length a known option must have; 0: any */
static uint8_t tcp_option_length(uint8_t kind)
{
    switch (kind) {
    case 2: /* maximum segment size */
        return 4;
    case 3: /* window scale */
        return 3;
    case 4: /* SACK permitted */
        return 2;
    case 8: /* timestamps */
        return 10;
    default:
        return 0;
    }
}

static const char *check_tcp(const uint8_t *p, size_t len)
{
    size_t at = TCP_HEAD, end;

    if (len < TCP_HEAD)
        return "TCP: cut short";
    end = (size_t)(p[12] >> 4) * 4;
    if (end < TCP_HEAD || end > len)
        return "TCP: impossible data offset";
    while (at < end && p[at] != 0) {
        uint8_t want = tcp_option_length(p[at]);

        if (p[at] == 1) {
            at++;
            continue;
        }
        if (end - at < 2 || p[at + 1] < 2 || p[at + 1] > end - at)
            return "TCP: option cut short";
        if (want != 0 && p[at + 1] != want)
            return "TCP: option of a wrong length";
        at += p[at + 1];
    }
    return NULL;
}

/* RFC 2131, section 2; RFC 2132: what a server may send to a client. */
static const char *check_dhcp(const uint8_t *p, size_t len)
{
    size_t at = DHCP_FIXED;

    if (len < DHCP_FIXED)
        return "DHCP: cut short";
    if (p[0] != 2 || p[1] != 1 || p[2] != 6)
        return "DHCP: not a reply to an Ethernet client";
    if (u32(p + 236) != 0x63825363)
        return "DHCP: no magic cookie";
    while (at < len && p[at] != 255) {
        if (p[at] == 0) {
            at++;
            continue;
        }
        if (len - at < 2 || p[at + 1] > len - at - 2)
            return "DHCP: option cut short";
        at += 2u + p[at + 1];
    }
    return at < len ? NULL : "DHCP: no end option";
}

static const char *check_udp(const uint8_t *p, size_t len)
{
    size_t n;

    if (len < UDP_HEAD)
        return "UDP: cut short";
    n = u16(p + 4);
    if (n < UDP_HEAD || n > len)
        return "UDP: impossible length";
    if (u16(p + 2) == 68)
        return check_dhcp(p + UDP_HEAD, n - UDP_HEAD);
    return NULL;
}

static const char *check_icmp(const uint8_t *p, size_t len)
{
    if (len < ICMP_HEAD)
        return "ICMP: cut short";
    /* echo request; destination unreachable (RFC 792) */
    if (p[0] != 8 && p[0] != 3)
        return "ICMP: of no use here";
    return NULL;
}

/* *total: the IP packet's own idea of its length */
static const char *check_ip(const uint8_t *p, size_t len, size_t *total)
{
    const uint8_t *body;
    size_t n;

    if (len < IP_HEAD)
        return "IP: cut short";
    if (p[0] >> 4 != 4)
        return "IP: not version 4";
    if ((p[0] & 15) != IP_HEAD / 4)
        return "IP: header with options, or too short";
    *total = u16(p + 2);
    if (*total < IP_HEAD || *total > len)
        return "IP: impossible total length";
    if ((u16(p + 6) & 0x3fff) != 0)
        return "IP: a fragment";
    body = p + IP_HEAD;
    n = *total - IP_HEAD;
    switch (p[9]) {
    case 1:
        return check_icmp(body, n);
    case 6:
        return check_tcp(body, n);
    case 17:
        return check_udp(body, n);
    default:
        return "IP: unknown protocol";
    }
}

/* RFC 4861, section 4.6; 8106, section 5.1. In units of 8 bytes. */
static bool nd_option_ok(uint8_t type, uint8_t length)
{
    switch (type) {
    case 1: /* link-layer addresses: Ethernet's */
    case 2:
    case 5: /* MTU */
        return length == 1;
    case 3: /* prefix information */
        return length == 4;
    case 25: /* RDNSS */
        return length >= 3 && length % 2 == 1;
    default:
        return length != 0;
    }
}

static const char *check_nd(const uint8_t *p, size_t len, size_t head)
{
    size_t at = head;

    if (len < head)
        return "ICMPv6: cut short";
    while (at < len) {
        if (len - at < 8 || !nd_option_ok(p[at], p[at + 1]) ||
            p[at + 1] * 8u > len - at)
            return "ICMPv6: option cut short, or of a wrong length";
        at += p[at + 1] * 8u;
    }
    return NULL;
}

static const char *check_icmp6(const uint8_t *p, size_t len)
{
    if (len < ICMP_HEAD)
        return "ICMPv6: cut short";
    switch (p[0]) {
    case 1: /* destination unreachable, with the packet's header. "Too big"
             * is not heard: our segments fit any IPv6 link (tcp.c). */
        return len < ICMP_HEAD + IP6_HEAD + 8 ? "ICMPv6: cut short" : NULL;
    case 128: /* echo request */
        return NULL;
    case 134: /* router advertisement */
        return check_nd(p, len, 16);
    case 135: /* neighbour solicitation, advertisement */
    case 136:
        return check_nd(p, len, 24);
    default:
        return "ICMPv6: of no use here";
    }
}

static const char *check_udp6(const uint8_t *p, size_t len)
{
    size_t n = len < UDP_HEAD ? 0 : u16(p + 4);

    if (n < UDP_HEAD || n > len)
        return "UDP: impossible length";
    /* RFC 8200, section 8.1 */
    return u16(p + 6) == 0 ? "UDP: no checksum" : NULL;
}

static const char *check_ip6(const uint8_t *p, size_t len, size_t *total)
{
    const uint8_t *body = p + IP6_HEAD;
    size_t n;

    if (len < IP6_HEAD)
        return "IPv6: cut short";
    if (p[0] >> 4 != 6)
        return "IPv6: not version 6";
    n = u16(p + 4);
    *total = IP6_HEAD + n;
    if (*total > len)
        return "IPv6: impossible payload length";
    if (p[8] == 0xff)
        return "IPv6: from a multicast address";
    switch (p[6]) {
    case 6:
        return check_tcp(body, n);
    case 17:
        return check_udp6(body, n);
    case 58:
        return check_icmp6(body, n);
    default:
        return "IPv6: extension header, or unknown protocol";
    }
}

/* RFC 2464, section 7: where IPv6 multicast goes */
static bool ip6_multicast(const uint8_t *p)
{
    return p[0] == 0x33 && p[1] == 0x33 && frame_is_ipv6(p);
}

bool frame_is_ipv6(const uint8_t *p)
{
    return u16(p + 12) == 0x86dd;
}

size_t frame_check(const uint8_t *p, size_t len, const uint8_t mac[6],
                   const char **why)
{
    static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
    size_t total = 0;

    if (len < ETH_HEAD || len > FRAME_MAX) {
        *why = "Ethernet: impossible length";
        return 0;
    }
    if (memcmp(p, mac, 6) != 0 && memcmp(p, all, 6) != 0 && !ip6_multicast(p)) {
        *why = "Ethernet: not for us";
        return 0;
    }
    switch (u16(p + 12)) {
    case 0x0806:
        *why = check_arp(p + ETH_HEAD, len - ETH_HEAD);
        total = ARP_BODY;
        break;
    case 0x0800:
        *why = check_ip(p + ETH_HEAD, len - ETH_HEAD, &total);
        break;
    case 0x86dd:
        *why = check_ip6(p + ETH_HEAD, len - ETH_HEAD, &total);
        break;
    default:
        *why = "Ethernet: neither IP nor ARP";
    }
    return *why == NULL ? ETH_HEAD + total : 0;
}

/* The head of a TCP segment behind its own IP header; 64 bits are there. */
static bool segment_of(const uint8_t *tcp, struct frame_unreach *out)
{
    out->from = (uint16_t)u16(tcp);
    out->to = (uint16_t)u16(tcp + 2);
    out->seq = u32(tcp + 4);
    return true;
}

/* RFC 4443, section 3.1 */
static bool unreachable6(const uint8_t *icmp, struct frame_unreach *out)
{
    const uint8_t *ip = icmp + ICMP_HEAD;

    if (icmp[0] != 1 || ip[0] >> 4 != 6 || ip[6] != 6)
        return false;
    out->address.len = 16;
    memcpy(out->address.b, ip + 24, 16);
    return segment_of(ip + IP6_HEAD, out);
}

bool frame_unreachable(const uint8_t *p, size_t len, struct frame_unreach *out)
{
    const uint8_t *icmp, *ip;

    if (frame_is_ipv6(p))
        return len >= ETH_HEAD + IP6_HEAD + ICMP_HEAD + IP6_HEAD + 8 &&
               p[ETH_HEAD + 6] == 58 &&
               unreachable6(p + ETH_HEAD + IP6_HEAD, out);
    /* RFC 792: the offending header and 64 bits of its payload follow */
    if (len < ETH_HEAD + IP_HEAD + ICMP_HEAD + IP_HEAD + 8 ||
        u16(p + 12) != 0x0800 || p[ETH_HEAD + 9] != 1)
        return false;
    icmp = p + ETH_HEAD + IP_HEAD;
    /* code 4, "fragmentation needed", says nothing about reachability */
    if (icmp[0] != 3 || icmp[1] == 4)
        return false;
    ip = icmp + ICMP_HEAD;
    if (ip[0] != 0x45 || ip[9] != 6)
        return false;
    out->address = addr_v4(u32(ip + 16));
    return segment_of(ip + IP_HEAD, out);
}

bool frame_dhcp_nak(const uint8_t *p, size_t len, uint32_t *xid)
{
    const uint8_t *dhcp = p + ETH_HEAD + IP_HEAD + UDP_HEAD;
    size_t at = DHCP_FIXED;

    if (len < ETH_HEAD + IP_HEAD + UDP_HEAD + DHCP_FIXED ||
        u16(p + 12) != 0x0800 || p[ETH_HEAD + 9] != 17 ||
        u16(p + ETH_HEAD + IP_HEAD + 2) != 68)
        return false;
    len -= ETH_HEAD + IP_HEAD + UDP_HEAD;
    *xid = u32(dhcp + 4);
    while (len - at >= 3 && dhcp[at] != 255) {
        if (dhcp[at] == 53) /* message type (RFC 2132, section 9.6) */
            return dhcp[at + 1] == 1 && dhcp[at + 2] == 6;
        at += dhcp[at] == 0 ? 1u : 2u + dhcp[at + 1];
        if (at > len)
            break;
    }
    return false;
}
