/*
 * lwipopts.h - lwIP's options, one line of reason each.
 *
 * What is not named here has lwIP's default. The relations between the
 * numbers, and every value that security or latency rests on, are checked at
 * the end of net/stack.c (a misspelt option would silently do nothing).
 *
 * Memory, all from kernel/heap.h (HEAP_LIMIT is 512 KiB, TLS needs ~60):
 *   received frames, all queues together    NETIF_RX_BYTES       128 KiB
 *   segment heads and pbufs of unacked data TCP_SND_QUEUELEN  2 * ~36 KiB
 *     (176 of them x ~200 bytes; the data itself stays in tcp.c's ring)
 *   control blocks, timers, ARP queue, DHCP                       ~10 KiB
 *                                                        in all  ~210 KiB
 */
#ifndef NET_LWIPOPTS_H
#define NET_LWIPOPTS_H

#include "heap.h"

/* ---- no operating system, no socket API, one interface ---- */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_SINGLE_NETIF    1
#define LWIP_TIMERS_CUSTOM   1 /* stack.c runs the timers, without memory */
#define LWIP_NETIF_HOSTNAME  1 /* the DHCP server may want a name */

/* ---- memory: everything from the one counted arena ---- */
#define MEM_CUSTOM_ALLOCATOR     1
#define MEM_CUSTOM_MALLOC(n)     heap_calloc(1, n)
#define MEM_CUSTOM_CALLOC(n, s)  heap_calloc(n, s)
#define MEM_CUSTOM_FREE(p)       heap_free(p)
#define MEMP_MEM_MALLOC          1
#define MEM_ALIGNMENT            8
#define LWIP_SUPPORT_CUSTOM_PBUF 1 /* netif.c counts received bytes */
#define PBUF_POOL_SIZE           0 /* unused: received frames have exact size */
#define PBUF_POOL_FREE_OOSEQ     0 /* no pool to run dry */

/* ---- protocols: what a mail client needs, nothing that answers ---- */
#define LWIP_IPV4           1
#define LWIP_IPV6           1 /* by SLAAC: stack6.c */
#define LWIP_ICMP           1 /* answers ping; frame.c judges unreachables */
#define LWIP_RAW            0
#define LWIP_IGMP           0
#define LWIP_AUTOIP         0
#define LWIP_ACD            0
#define LWIP_ALTCP          0
#define IP_FORWARD          0
#define IP_OPTIONS_ALLOWED  0 /* source routes and the like */
#define IP_REASSEMBLY       0 /* fragments are dropped at our edge already */
#define IP_FRAG             0
#define LWIP_IPV6_FORWARD   0
#define LWIP_IPV6_REASS     0
#define LWIP_IPV6_FRAG      0
#define LWIP_IPV6_DHCP6     0
#define LWIP_STATS          0
#define LWIP_BROADCAST_PING 0
#define LWIP_MULTICAST_PING 0

/* ---- IPv6: an address without a wait; name servers from the router ---- */
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS  0
#define ND6_RTR_SOLICITATION_INTERVAL  2000 /* stack6.c: and twelve times */
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 2
#define LWIP_ND6_NUM_NEIGHBORS         5
#define LWIP_ND6_NUM_DESTINATIONS      5

/* ---- ARP: the SYN behind a DNS answer must not push it out ---- */
#define ARP_QUEUEING   1
#define ARP_QUEUE_LEN  3
#define ARP_TABLE_SIZE 10

/* ---- DHCP: no wait that is not required ---- */
#define LWIP_DHCP                 1
#define LWIP_DHCP_DOES_ACD_CHECK  0 /* costs 8 s before the first packet */
#define LWIP_DHCP_MAX_DNS_SERVERS 2

/* ---- DNS: lwIP hands us DHCP's servers; the resolver is stack.c's, since
 * lwIP's (core/dns.c, not compiled) reports every failure as NULL ---- */
#define LWIP_DNS        1
#define DNS_MAX_SERVERS 2

/* ---- TCP ---- */
#define TCP_MSS             1460
#define TCP_WND             (44 * TCP_MSS) /* 64,240: most without scaling */
#define TCP_SND_BUF         (44 * TCP_MSS)
#define TCP_SND_QUEUELEN    (4 * (TCP_SND_BUF / TCP_MSS))
#define TCP_SNDLOWAT        (TCP_SND_BUF / 2)
#define TCP_OVERSIZE        0 /* nothing is copied, nothing to round up */
#define TCP_QUEUE_OOSEQ     1
#define TCP_OOSEQ_MAX_PBUFS 32 /* a hole must not eat the frames' quota */
#define TCP_OOSEQ_MAX_BYTES (32 * TCP_MSS)
#define LWIP_TCP_SACK_OUT   0
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_WND_SCALE      0
#define LWIP_TCP_KEEPALIVE  0
/* the clock of retransmission is twice this: 100 ms, so a lost SYN costs
 * 1 s and a lost segment, of which lwIP never expects an answer before three
 * ticks, 0.3 s and then 0.6, 1.2 ...; not 3 and 1.5 (Linux: 0.2). A dialogue
 * is some twenty round trips one by one, and over a cable that loses a fifth
 * each way one in three is lost */
#define TCP_TMR_INTERVAL  50
#define LWIP_TCP_RTO_TIME 1000
#define TCP_SYNMAXRTX     12 /* ~13 s: how long to try is the caller's to say */
#define TCP_MAXRTX        12

/* ---- received checksums are checked, sent ones made: lwIP's default, named
 * because a driver's offload must never switch them off silently ---- */
#define CHECKSUM_CHECK_IP    1
#define CHECKSUM_CHECK_UDP   1
#define CHECKSUM_CHECK_TCP   1
#define CHECKSUM_CHECK_ICMP  1
#define CHECKSUM_CHECK_ICMP6 1

#define LWIP_HOOK_FILENAME "arch/lwip_hooks.h"
#define LWIP_HOOK_TCP_ISN(local, lport, remote, rport) \
    stack_tcp_isn(local, lport, remote, rport)

#endif
