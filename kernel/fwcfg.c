/*
 * fwcfg.c - QEMU's firmware configuration device (QEMU's
 * docs/specs/fw_cfg.rst): the directory and the items of ours in it.
 *
 * Reading an item moves the device away from the directory, so the directory
 * is read first: once to count what is ours, once to keep it. The two
 * readings need not agree; the second never writes past what the first made
 * room for.
 */
#include "fwcfg.h"

#include "board.h"
#include "wipe.h"

enum {
    KEY_SIGNATURE = 0x0000,
    KEY_DIRECTORY = 0x0019,
    ITEMS_MAX = 4096, /* QEMU's own limit is far below */
    ITEMS_OURS_MAX = 256,
    NAME_SIZE = 56,
};

struct item { /* struct FWCfgFile; numbers are big-endian */
    uint8_t size[4];
    uint8_t select[2];
    uint8_t reserved[2];
    uint8_t name[NAME_SIZE];
};

_Static_assert(sizeof(struct item) == 64, "fw_cfg.rst, File Directory");

static const char prefix[] = "opt/org.bootmail/";
#define PREFIX_LEN (sizeof(prefix) - 1)

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_ours(const struct item *it)
{
    return memcmp(it->name, prefix, PREFIX_LEN) == 0;
}

/* Reads the directory, keeps at most room of our items, counts them all. */
static bool directory(const struct fwcfg_io *io, struct item *keep, size_t room,
                      size_t *ours, const char **why)
{
    struct item it;
    uint8_t raw[4];
    uint32_t count;

    *ours = 0;
    io->select(KEY_DIRECTORY);
    io->read(raw, sizeof(raw));
    count = be32(raw);
    if (count > ITEMS_MAX) {
        *why = "the directory says that it has an impossible number of items";
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        io->read((uint8_t *)&it, sizeof(it));
        if (memchr(it.name, 0, sizeof(it.name)) == NULL) {
            *why = "a name in the directory has no end";
            return false;
        }
        if (!is_ours(&it))
            continue;
        if (*ours < room)
            keep[*ours] = it;
        ++*ours;
    }
    return true;
}

static bool item(const struct fwcfg_io *io, const struct item *it,
                 bool (*found)(void *ctx, struct blob name, struct blob data),
                 void *ctx, const char **why)
{
    const char *name = (const char *)it->name + PREFIX_LEN;
    uint32_t size = be32(it->size);
    uint8_t *p = NULL;

    if (*name == '\0') {
        *why = "an item has no name behind opt/org.bootmail/";
        return false;
    }
    if (size != 0) {
        p = board_pages(size);
        if (p == NULL) {
            *why = "an item is larger than the memory that is left";
            return false;
        }
        io->select(be16(it->select));
        io->read(p, size);
    }
    /* an empty file has an address too: its name's */
    if (!found(ctx, blob_str(name), blob_of(p != NULL ? p : it->name, size))) {
        wipe(p, size); /* nobody else knows of it */
        *why = "an item was not accepted";
        return false;
    }
    return true;
}

bool fwcfg_each(const struct fwcfg_io *io,
                bool (*found)(void *ctx, struct blob name, struct blob data),
                void *ctx, const char **why)
{
    uint8_t signature[4];
    struct item *keep;
    size_t ours, again;

    io->select(KEY_SIGNATURE);
    io->read(signature, sizeof(signature));
    if (memcmp(signature, "QEMU", 4) != 0)
        return true; /* another hypervisor: no device behind the registers */
    if (!directory(io, NULL, 0, &ours, why))
        return false;
    if (ours == 0)
        return true;
    if (ours > ITEMS_OURS_MAX) {
        *why = "there are too many items";
        return false;
    }
    keep = board_pages(ours * sizeof(*keep));
    if (keep == NULL) {
        *why = "no memory for the directory";
        return false;
    }
    if (!directory(io, keep, ours, &again, why))
        return false;
    if (again != ours) {
        *why = "the directory changed while it was read";
        return false;
    }
    for (size_t i = 0; i < ours; i++) {
        if (!item(io, &keep[i], found, ctx, why))
            return false;
    }
    return true;
}
