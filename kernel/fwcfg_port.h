/*
 * fwcfg_port.h - the registers of a fw_cfg device, behind struct fwcfg_io.
 */
#ifndef KERNEL_FWCFG_PORT_H
#define KERNEL_FWCFG_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "fwcfg.h"

struct fwcfg_port {
    void (*select)(uint16_t key);
    void (*bytes)(uint8_t *out, size_t len);  /* by the data register        */
    void (*dma)(uint32_t high, uint32_t low); /* writes the DMA register's
                                               * halves, high first, as they
                                               * are (already big-endian)   */
};

/* Is a device there that says it is QEMU's? NULL: no. Long reads go by DMA if
 * it offers that: by the data register they would take seconds. One device;
 * port stays the caller's and in use. */
const struct fwcfg_io *fwcfg_open(const struct fwcfg_port *port);

#endif
