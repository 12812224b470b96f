/*
 * transport.h - what the transports share and drivers do not see.
 */
#ifndef KERNEL_VIRTIO_TRANSPORT_H
#define KERNEL_VIRTIO_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

/* Copies device configuration as 4.2.2.2 and 4.1.3.1 ask: a 16 or 32 bit
 * field in one access of its width, anything else byte by byte. */
void virtio_config_copy(const volatile uint8_t *cfg, void *out, size_t len);

/* Appends v in hexadecimal with at least digits digits to the string in
 * name[cap], as far as it fits. */
void virtio_name_hex(char *name, size_t cap, uint64_t v, unsigned digits);

#endif
