/*
 * multiboot2.c - the multiboot2 protocol: GRUB's boot information.
 *
 * Multiboot2 Specification 2.0, 3.4: a block of tags, each with type and
 * size and aligned to 8, up to an end tag. Wanted are the command line, one
 * module (the files), the memory map and the RSDP; the others are passed
 * over. On a UEFI machine GRUB leaves boot services itself and gives the same
 * memory map as with a BIOS, so that the EFI map is not looked at. The block
 * stays where it is while the image runs: the RSDP is a copy inside it.
 */
#include "loader.h"
#include "machine.h"

#define TOTAL_MAX (1u << 20) /* bytes of tags; GRUB gives a few KiB */
#define TAGS_MAX  256

enum {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_MODULE = 3,
    TAG_MMAP = 6,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15
};

struct tag {
    uint32_t type, size; /* size counts these 8 bytes, not the padding */
};

struct walk {
    struct loader_given *out;
    const char **why;
    bool rsdp_new;
};

/* 3.4.3: the string fills the tag and ends in it */
static bool string_ends(uint64_t at, uint32_t len)
{
    char last = 1;

    return len != 0 && mem_peek(at + len - 1, &last, 1) && last == '\0';
}

static bool take_cmdline(struct walk *w, uint64_t at, uint32_t len)
{
    *w->why = "the loader's command line does not end";
    if (w->out->cmdline != 0 || !string_ends(at, len))
        return false;
    w->out->cmdline = at;
    return true;
}

static bool take_module(struct walk *w, uint64_t at, uint32_t len)
{
    uint32_t range[2]; /* start, end */

    *w->why = "the loader's module has no beginning or no end";
    if (len < sizeof range || !mem_peek(at, range, sizeof range) ||
        range[1] < range[0])
        return false;
    if (w->out->modules++ == 0) {
        w->out->initrd = range[0];
        w->out->initrd_len = range[1] - range[0];
    }
    return true;
}

static bool take_map(struct walk *w, uint64_t at, uint32_t len)
{
    uint32_t head[2]; /* entry size, entry version */

    *w->why = "the loader's memory map is malformed";
    if (w->out->map != 0 || len < sizeof head ||
        !mem_peek(at, head, sizeof head))
        return false;
    if (head[0] < sizeof(struct loader_range) || head[0] % 8 != 0)
        return false;
    w->out->map = at + sizeof head;
    w->out->map_step = head[0];
    w->out->map_count = (uint32_t)(len - sizeof head) / head[0];
    return true;
}

/* 3.4.14 and 15: copies; the one for ACPI 2.0 and later is the better one.
 * What is in it is acpi.c's to check. */
static bool take_rsdp(struct walk *w, uint64_t at, uint32_t len, bool new)
{
    *w->why = "the loader's ACPI table is cut short";
    if (len < (new ? 36 : 20))
        return false;
    if (!w->rsdp_new)
        w->out->rsdp = at;
    w->rsdp_new = w->rsdp_new || new;
    return true;
}

static bool take(struct walk *w, uint32_t type, uint64_t at, uint32_t len)
{
    switch (type) {
    case TAG_CMDLINE:
        return take_cmdline(w, at, len);
    case TAG_MODULE:
        return take_module(w, at, len);
    case TAG_MMAP:
        return take_map(w, at, len);
    case TAG_RSDP_OLD:
    case TAG_RSDP_NEW:
        return take_rsdp(w, at, len, type == TAG_RSDP_NEW);
    default:
        return true;
    }
}

/* The tags lie in [at, end). */
static bool walk_tags(struct walk *w, uint64_t at, uint64_t end)
{
    struct tag t;
    unsigned n;

    for (n = 0; n < TAGS_MAX; n++) {
        *w->why = "the loader's information is cut short";
        if (end - at < sizeof t || !mem_peek(at, &t, sizeof t) ||
            t.size < sizeof t || t.size > end - at)
            return false;
        if (t.type == TAG_END)
            return true;
        if (!take(w, t.type, at + sizeof t, t.size - (uint32_t)sizeof t))
            return false;
        if (((t.size + 7ull) & ~7ull) > end - at)
            return false;
        at += (t.size + 7ull) & ~7ull;
    }
    *w->why = "the loader's information has too many tags";
    return false;
}

bool multiboot2_read(uint64_t at, struct loader_given *out, const char **why,
                     bool *ours)
{
    struct walk w = { .out = out, .why = why };
    uint32_t head[2]; /* total size, reserved */

    *ours = true;
    *why = "not started by PVH or multiboot2";
    if (at == 0)
        return false;
    *ours = false;
    *why = "the loader's information lies beyond memory";
    if (!mem_peek(at, head, sizeof head))
        return false;
    *why = "the loader's information has no size to believe";
    if (head[0] < sizeof head || head[0] > TOTAL_MAX)
        return false;
    *out = (struct loader_given){ .by = "multiboot2",
                                  .keep = { { at, head[0] } } };
    if (!walk_tags(&w, at + sizeof head, at + head[0]))
        return false;
    *why = "the loader gave no usable memory map";
    return out->map != 0;
}
