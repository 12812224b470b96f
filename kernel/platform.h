/*
 * platform.h - what shared code under kernel/ asks of the board it runs on,
 * beside board.h: interrupts, and where to look for devices.
 *
 * Interrupts do nothing but end board_idle(). It is enough to sleep with
 * interrupts masked where the processor's wait ends all the same (wfi): no
 * handler is needed then. When board_idle() finds a device interrupt it
 * acknowledges it at its controller and calls devices_ack() (devices.h), so
 * that no level-triggered line stays raised.
 */
#ifndef KERNEL_PLATFORM_H
#define KERNEL_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

/* Looks everywhere a virtio device can be and hands what is there to
 * devices_mmio() and devices_pci(). Called once. */
void platform_find_devices(void);

/* A message (address, data) by which a device, told apart by its PCI
 * function, can interrupt us. False: this machine has none. */
bool platform_msi(uint32_t bdf, uint64_t *address, uint32_t *data);

#endif
