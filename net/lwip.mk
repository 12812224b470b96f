# lwIP, by name: NO_SYS, IPv4, IPv6, TCP, UDP, DHCP.  What is not listed is
# not in the image (no SNMP, PPP, IGMP, AutoIP, no netconn or socket API).
# core/dns.c is missing on purpose: net/stack.c and net/dnsmsg.c stand in its
# place.

LWIP := \
	core/def.c \
	core/inet_chksum.c \
	core/init.c \
	core/ip.c \
	core/mem.c \
	core/memp.c \
	core/netif.c \
	core/pbuf.c \
	core/stats.c \
	core/tcp.c \
	core/tcp_in.c \
	core/tcp_out.c \
	core/timeouts.c \
	core/udp.c \
	core/ipv4/dhcp.c \
	core/ipv4/etharp.c \
	core/ipv4/icmp.c \
	core/ipv4/ip4.c \
	core/ipv4/ip4_addr.c \
	core/ipv4/ip4_frag.c \
	core/ipv6/ethip6.c \
	core/ipv6/icmp6.c \
	core/ipv6/ip6.c \
	core/ipv6/ip6_addr.c \
	core/ipv6/mld6.c \
	core/ipv6/nd6.c \
	netif/ethernet.c

# Run once per byte of payload: worth -O2.
LWIP_FAST := core/inet_chksum.c

# lwIP reads its options (lwipopts.h) and its port (arch/cc.h) from net/.
LWIP_INC := -isystem $(LWIP_DIR)/src/include
LWIP_FLAGS := -Inet -Ikernel -I$(LWIP_DIR)/src/include -fno-strict-aliasing
