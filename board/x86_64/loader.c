/*
 * loader.c - what the loader hands over, checked and taken.
 *
 * Where things are a protocol's reader has found out (loader.h). Everything may
 * lie anywhere in memory and is read through mem_peek(); what is small is
 * copied, the initrd is checked against the memory map and mapped where it
 * lies.
 */
#include "loader.h"

#include "board.h"
#include "machine.h"

#include "wipe.h"

#define LOW_END (1ull << 20)

extern char __image_start[], __image_end[];

static char cmdline[BOOT_CMDLINE_MAX];
static uint64_t cmdline_at; /* the loader's; 0: there is none */
static size_t cmdline_len;

static uint64_t image_size(void)
{
    return (uintptr_t)__image_end - (uintptr_t)__image_start;
}

static void peek(uint64_t phys, void *out, size_t len, const char *what)
{
    if (!mem_peek(phys, out, len))
        boot_fail(STATUS_BUG, what);
}

static void read_map(const struct loader_given *g)
{
    struct loader_range e;
    uint32_t i;

    if (g->map_count == 0 || g->map_count > LOADER_MAP_MAX)
        boot_fail(STATUS_BUG, "the loader gave no usable memory map");
    for (i = 0; i < g->map_count; i++) {
        peek(g->map + (uint64_t)i * g->map_step, &e, sizeof e,
             "the loader's memory map lies beyond memory");
        if (e.type == LOADER_RAM)
            ram_add(e.start, e.len);
    }
    /* what two entries claim is not RAM */
    for (i = 0; i < g->map_count; i++) {
        peek(g->map + (uint64_t)i * g->map_step, &e, sizeof e,
             "the loader's memory map lies beyond memory");
        if (e.type != LOADER_RAM)
            ram_cut(e.start, e.len);
    }
    if (!ram_free((uintptr_t)__image_start, image_size()))
        boot_fail(STATUS_CONFIG, "memory too small for the image: "
                                 "give the machine more (QEMU: -m 8)");
}

/* Up to its NUL; a longer one than we keep is refused, not cut. */
static struct blob read_cmdline(uint64_t at)
{
    size_t have = 0;
    const char *nul;

    if (at == 0)
        return blob_of(NULL, 0);
    while (have < BOOT_CMDLINE_MAX) {
        size_t n = 256 - (at + have) % 256; /* not past its page */

        if (n > BOOT_CMDLINE_MAX - have)
            n = BOOT_CMDLINE_MAX - have;
        peek(at + have, cmdline + have, n,
             "the loader's command line lies beyond memory");
        nul = memchr(cmdline + have, '\0', n);
        if (nul != NULL) {
            cmdline_at = at;
            cmdline_len = (size_t)(nul - cmdline);
            return blob_of(cmdline, cmdline_len);
        }
        have += n;
    }
    boot_fail(STATUS_CONFIG, "the command line is longer than 8191 bytes");
}

/* Where the initrd lies has been looked at; what may be used of memory has
 * been settled. The low megabyte is never mapped: GRUB may have put it there.
 */
static struct blob move_up(uint64_t at, uint64_t len)
{
    void *p = board_pages(len);

    if (p == NULL)
        boot_fail(STATUS_CONFIG, "no room for the initrd: "
                                 "give the machine more memory");
    peek(at, p, len, "the initrd lies beyond memory");
    mem_wipe(at, len); /* there may be a secret in it */
    return blob_of(p, len);
}

static void check_initrd(const struct loader_given *g)
{
    uint64_t at = g->initrd, len = g->initrd_len;

    if (g->modules > 1)
        boot_fail(STATUS_CONFIG, "the loader gave more than one module: "
                                 "put all files into one archive");
    if (len > UINT64_MAX - at || !ram_free(at, len))
        boot_fail(STATUS_CONFIG, "the initrd does not lie in free memory: "
                                 "give the machine more (QEMU's microvm with "
                                 "acpi=on: -bios qboot.rom)");
    if (mem_in_image(at, len))
        boot_fail(STATUS_CONFIG, "the initrd overlaps the image: "
                                 "give the machine more memory");
}

static struct blob take_initrd(uint64_t at, uint64_t len)
{
    void *p;

    if (len == 0)
        return blob_of(NULL, 0);
    if (at < LOW_END)
        return move_up(at, len);
    p = mem_map(at, len, MEM_RO);
    if (p == NULL)
        boot_fail(STATUS_BUG, "the initrd cannot be mapped");
    return blob_of(p, len);
}

static struct loader_given g;

void loader_read(uint64_t info, struct boot *boot)
{
    const char *why;
    bool ours, ok;

    if ((info & LOADER_MULTIBOOT2) != 0)
        ok = multiboot2_read(info & ~(uint64_t)LOADER_MULTIBOOT2, &g, &why,
                             &ours);
    else
        ok = pvh_read(info, &g, &why, &ours);
    if (!ok)
        boot_fail(ours ? STATUS_CONFIG : STATUS_BUG, why);
    read_map(&g);
    boot->by = g.by;
    boot->rsdp = g.rsdp;
    boot->cmdline = read_cmdline(g.cmdline);
    check_initrd(&g);
    ram_cut(g.initrd, g.initrd_len);
    ram_cut(g.keep[0].at, g.keep[0].len);
    ram_cut(g.keep[1].at, g.keep[1].len);
    ram_cut(g.map, (uint64_t)g.map_count * g.map_step);
    ram_cut(cmdline_at, cmdline_at != 0 ? cmdline_len + 1 : 0);
    ram_cut((uintptr_t)__image_start, image_size());
    ram_cut(0, LOW_END);
}

struct blob loader_initrd(void)
{
    return take_initrd(g.initrd, g.initrd_len);
}

void loader_leave(void)
{
    wipe(cmdline, sizeof cmdline);
}

void loader_forget(void)
{
    loader_leave();
    if (cmdline_at != 0 && !mem_in_image(cmdline_at, cmdline_len))
        mem_wipe(cmdline_at, cmdline_len);
}
