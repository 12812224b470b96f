/*
 * fwcfg.h - QEMU's firmware configuration device (docs/specs/fw_cfg).
 *
 * The board supplies the two register operations; this file knows the
 * selector numbers, the directory and its checks.
 */
#ifndef KERNEL_FWCFG_H
#define KERNEL_FWCFG_H

#include "blob.h"

struct fwcfg_io {
    void (*select)(uint16_t key);           /* resets the read offset to 0 */
    void (*read)(uint8_t *out, size_t len); /* next bytes of the item     */
};

/* Reads every item named opt/org.bootmail/NAME into board_pages() and calls
 * found(ctx, NAME, data). False: the directory is malformed or memory ran
 * out; *why is a sentence part. */
bool fwcfg_each(const struct fwcfg_io *io,
                bool (*found)(void *ctx, struct blob name, struct blob data),
                void *ctx, const char **why);

#endif
