/*
 * devices.h - the virtio devices of this machine, over MMIO and over PCI.
 *
 * The board (platform_find_devices) says where to look; what is found is kept
 * for board_virtio(). A network card that is there but cannot be driven is
 * kept with the reason, which is better than "no network device".
 */
#ifndef KERNEL_DEVICES_H
#define KERNEL_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

struct pci_host;

#define DEVICES_MMIO_SIZE 0x200 /* registers and 256 bytes of configuration */

/* A place that is said to hold virtio-mmio registers. route() is called if a
 * device is there, to switch its interrupt on; false: it has none. */
void devices_mmio(uint64_t base, uint64_t size, bool (*route)(const void *irq),
                  const void *irq);

/* Walks a bus whose functions have addresses already. intx() switches on pin
 * 1 to 4 of a function of bus 0 for those that cannot do MSI-X; NULL: there
 * is no such way. */
void devices_pci(const struct pci_host *host,
                 bool (*intx)(uint32_t bdf, uint8_t pin));

/* A device interrupt came: lowers the line of each device, whether somebody
 * drives it or not. Drivers look at their rings anyway. */
void devices_ack(void);

#endif
