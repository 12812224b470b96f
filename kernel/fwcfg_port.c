/*
 * fwcfg_port.c - signature, and reading by DMA (docs/specs/fw_cfg.rst,
 * "Guest-side DMA Interface").
 */
#include "fwcfg_port.h"

#include <string.h>

#define DMA_LEAST 64 /* bytes for which it pays */
enum { KEY_SIGNATURE = 0, KEY_ID = 1 };
enum { DMA_READ = 2, ID_DMA = 2 };

struct fwcfg_dma { /* all fields big-endian */
    uint32_t control, length;
    uint64_t address;
};

static const struct fwcfg_port *port;
static bool has_dma;

/* The host is done when the write is; one that is not has failed, and then
 * nothing was read. */
static bool dma_read(uint8_t *out, uint32_t len)
{
    static _Alignas(16) volatile struct fwcfg_dma dma;
    uint64_t at = (uintptr_t)&dma;

    dma.length = __builtin_bswap32(len);
    dma.address = __builtin_bswap64((uintptr_t)out);
    dma.control = __builtin_bswap32(DMA_READ);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    port->dma(__builtin_bswap32((uint32_t)(at >> 32)),
              __builtin_bswap32((uint32_t)at));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return dma.control == 0;
}

static void select(uint16_t key)
{
    port->select(key);
}

static void read(uint8_t *out, size_t len)
{
    if (len >= DMA_LEAST && len <= UINT32_MAX && has_dma) {
        if (dma_read(out, (uint32_t)len))
            return;
        has_dma = false;
    }
    port->bytes(out, len);
}

const struct fwcfg_io *fwcfg_open(const struct fwcfg_port *p)
{
    static const struct fwcfg_io io = { select, read };
    uint8_t signature[4], id[4];

    port = p;
    has_dma = false;
    select(KEY_SIGNATURE);
    read(signature, sizeof signature);
    if (memcmp(signature, "QEMU", 4) != 0)
        return NULL;
    select(KEY_ID);
    read(id, sizeof id);
    has_dma = (id[0] & ID_DMA) != 0;
    return &io;
}
