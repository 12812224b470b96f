/*
 * devices.h - the virtio devices of this machine, over MMIO and over PCI.
 *
 * The board (platform_find_devices) says where to look. A device of a kind
 * that this image drives is kept even if it cannot be driven, with the reason.
 * PCI functions of other kinds are listed in pci_dev.h.
 */
#ifndef KERNEL_DEVICES_H
#define KERNEL_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pci_host;
struct virtio_dev;

/* Lets the board look for devices, unless it has: all lists are then whole. */
void devices_find(void);

/* Every virtio device found, in the machine's order; returns how many. Each
 * may be started once. */
size_t devices_virtio(const struct virtio_dev **list);

#define DEVICES_MMIO_SIZE 0x200 /* registers and 256 bytes of configuration */

/* A place that is said to hold virtio-mmio registers. route() is called if a
 * device is there, to switch its interrupt on; false: it has none. */
void devices_mmio(uint64_t base, uint64_t size, bool (*route)(const void *irq),
                  const void *irq);

/* Walks a bus whose functions have addresses already. intx() switches on pin
 * 1 to 4 of a function of bus 0 for those that send no messages; NULL:
 * there is no such way, but perhaps host->line(). */
void devices_pci(const struct pci_host *host,
                 bool (*intx)(uint32_t bdf, uint8_t pin));

/* A device interrupt came: lowers the line of each device, whether somebody
 * drives it or not. Drivers look at their rings anyway. */
void devices_ack(void);

/* One device that is not virtio and may hold a line up: devices_ack() calls
 * lower(), which may run at any time between two calls of its driver. NULL:
 * it is closed. */
void devices_ack_also(void (*lower)(void));

#endif
