/*
 * virtio_net.h - the network card of every virtual machine.
 */
#ifndef NET_VIRTIO_NET_H
#define NET_VIRTIO_NET_H

#include "netdev.h"
#include "virtio/virtio.h"

/* Starts the device, which is copied. One device at a time: its rings and
 * buffers are static. NULL: it cannot be used, *why is a sentence part, and
 * another one may be tried. */
struct netdev *virtio_net_open(const struct virtio_dev *dev, const char **why);

#endif
