/*
 * lwipopts.h - lwIP as the server's side of the simulation has it: the
 * library's defaults, except memory from malloc and no socket API.
 */
#ifndef PEER_LWIPOPTS_H
#define PEER_LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define MEM_LIBC_MALLOC      1
#define MEMP_MEM_MALLOC      1
#define MEM_ALIGNMENT        8

#define LWIP_IPV6     1
#define LWIP_DHCP     0 /* it is the server */
#define LWIP_ACD      0
#define LWIP_AUTOIP   0
#define LWIP_DNS      0
#define LWIP_IGMP     0
#define LWIP_RAW      0
#define LWIP_STATS    0
#define IP_REASSEMBLY 0
#define IP_FRAG       0
#define SO_REUSE      1 /* it listens again while connections are there */

/* its IPv6 addresses are static; router.c plays the router */
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_AUTOCONFIG          0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_MLD                 0
#define LWIP_IPV6_REASS               0
#define LWIP_IPV6_FRAG                0

/* whoever asks for an address has none yet */
#define LWIP_IP_ACCEPT_UDP_PORT(port) ((port) == PP_NTOHS(67))

/* as Linux has it: SYN-ACKs at 0, 1, 3, 7, 15 s */
#define LWIP_TCP_RTO_TIME 1000

#define TCP_MSS             1460
#define TCP_WND             (12 * TCP_MSS)
#define TCP_SND_BUF         (16 * TCP_MSS)
#define TCP_SND_QUEUELEN    (4 * (TCP_SND_BUF / TCP_MSS))
#define TCP_LISTEN_BACKLOG  0
#define MEMP_NUM_TCP_PCB    16
#define LWIP_NETIF_HOSTNAME 0
#define PBUF_POOL_BUFSIZE   1600

#endif
