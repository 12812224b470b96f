/*
 * interface.h - which of the machine's network cards this run uses.
 */
#ifndef APP_INTERFACE_H
#define APP_INTERFACE_H

#include "netdev.h"
#include "report.h"

#define MAC_FMT "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC(m)  (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]

/* Opens the card that the key `interface` names: by hardware address, by name
 * as the log prints it ("virtio-net pci 0:3.0", or its last word), or "auto":
 * the first that has a link, else the first that works. NULL: report_end()
 * was called with the reason, which says what cards there are. */
struct netdev *interface_open(struct blob want, struct report *);

#endif
